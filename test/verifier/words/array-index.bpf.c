// Indexes that are not limited enough, each in its own way.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct table {
	__u32 version;
	__u32 data[16];
	__u32 used;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table);
} tables SEC(".maps");

__u32 names[10];

SEC("xdp")
int off_by_one(struct xdp_md *ctx)
{
	__u32 zero = 0, idx = ctx->rx_queue_index;
	struct table *t = bpf_map_lookup_elem(&tables, &zero);

	if (!t)
		return XDP_PASS;
	if (idx > 18)
		return XDP_DROP;
	return t->data[idx] ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int global_off_by_one(struct xdp_md *ctx)
{
	__u32 idx = ctx->rx_queue_index;

	if (idx > 10)
		return XDP_DROP;
	return names[idx] ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int no_limit(struct xdp_md *ctx)
{
	__u32 idx = ctx->rx_queue_index;

	return names[idx] ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int negative(struct xdp_md *ctx)
{
	int idx = (int)ctx->rx_queue_index;

	if (idx >= 10)
		return XDP_DROP;
	return names[idx] ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int mask_too_wide(struct xdp_md *ctx)
{
	__u32 idx = ctx->rx_queue_index & 31;

	return names[idx] ? XDP_PASS : XDP_DROP;
}

// The limit is checked, and the arithmetic behind it loses it.
SEC("xdp")
int lost_by_multiplication(struct xdp_md *ctx)
{
	__u64 a = ctx->rx_queue_index, b = ctx->ingress_ifindex;
	__u64 idx;

	if (a > 3)
		return XDP_DROP;
	idx = a * b;
	return names[idx] ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
