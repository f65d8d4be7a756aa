// The most frequent mistake: a looked-up value that nobody has compared with NULL.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	struct counter *value = bpf_map_lookup_elem(&counters, &key);

	value->bytes += 64;
	return XDP_PASS;
}

// The check is there, and on the wrong pointer.
SEC("xdp")
int count_other(struct xdp_md *ctx)
{
	__u32 key = 1, other = 2;
	struct counter *a = bpf_map_lookup_elem(&counters, &key);
	struct counter *b = bpf_map_lookup_elem(&counters, &other);

	if (!a)
		return XDP_PASS;
	b->packets++;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
