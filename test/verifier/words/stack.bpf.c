// Padding and variables that were never written, and too much of it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u8 kind;
	__u32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct key);
	__type(value, __u64);
} hosts SEC(".maps");

SEC("xdp")
int reads_too_far(struct xdp_md *ctx)
{
	char buffer[16] = {};
	__u32 i = ctx->rx_queue_index;

	if (i > 16)
		return XDP_PASS;
	buffer[3] = 1;
	asm volatile("" : : "r"(buffer) : "memory");
	return buffer[i] ? XDP_DROP : XDP_PASS;
}

static __noinline int deep(__u32 x)
{
	char buffer[300];

	__builtin_memset(buffer, x, sizeof(buffer));
	asm volatile("" : : "r"(buffer) : "memory");
	return buffer[x & 127];
}

SEC("xdp")
int two_frames(struct xdp_md *ctx)
{
	char buffer[300];

	__builtin_memset(buffer, 1, sizeof(buffer));
	asm volatile("" : : "r"(buffer) : "memory");
	return deep(buffer[ctx->rx_queue_index & 127]) ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
