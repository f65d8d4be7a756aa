// Values that flow through functions, and loops with callbacks.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct row {
	__u64 hits[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct row);
} rows SEC(".maps");

static __noinline int bump(struct row *row, __u32 slot)
{
	row->hits[slot]++;
	return 0;
}

SEC("xdp")
int through_a_function(struct xdp_md *ctx)
{
	__u32 zero = 0, slot = ctx->rx_queue_index;
	struct row *row = bpf_map_lookup_elem(&rows, &zero);

	if (!row)
		return XDP_PASS;
	if (slot <= 8)
		bump(row, slot);
	return XDP_PASS;
}

static __noinline struct row *find(__u32 key)
{
	return bpf_map_lookup_elem(&rows, &key);
}

SEC("xdp")
int returned_null(struct xdp_md *ctx)
{
	struct row *row = find(ctx->rx_queue_index);

	row->hits[0]++;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
