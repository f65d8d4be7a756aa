// Programs that the kernel refuses, each for a reason of its own: their logs lie in ../logs.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct table {
	__u32 used;
	__u64 cell[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table);
} tables SEC(".maps");

SEC("xdp")
int no_null_check(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	*count += 1;
	return XDP_PASS;
}

SEC("xdp")
int index_too_large(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u32 index = ctx->rx_queue_index;
	struct table *table = bpf_map_lookup_elem(&tables, &key);

	if (!table)
		return XDP_PASS;
	if (index > 16)
		return XDP_PASS;
	table->cell[index] += 1;
	return XDP_PASS;
}

SEC("xdp")
int no_packet_check(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;
	unsigned char *end = (void *)(long)ctx->data_end;

	if (data + 1 > end)
		return XDP_PASS;
	return data[12] == 8 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int never_submitted(struct xdp_md *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&events, 8, 0);

	if (!record)
		return XDP_PASS;
	*record = 1;
	if (ctx->rx_queue_index == 3)
		return XDP_DROP;
	bpf_ringbuf_submit(record, 0);
	return XDP_PASS;
}

static __attribute__((noinline)) __u64 *find(__u32 key)
{
	return bpf_map_lookup_elem(&counts, &key);
}

SEC("xdp")
int through_a_function(struct xdp_md *ctx)
{
	__u64 *count = find(ctx->rx_queue_index);

	return *count > 5 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int accepted(struct xdp_md *ctx)
{
	return ctx->rx_queue_index == 3 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
