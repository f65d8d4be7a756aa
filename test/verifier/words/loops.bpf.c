// Loops that do not end, or take too long to follow.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int endless(struct xdp_md *ctx)
{
	while (ctx->rx_queue_index != 5)
		asm volatile("");
	return XDP_PASS;
}

SEC("xdp")
int too_long(struct xdp_md *ctx)
{
	__u32 sum = 0;

	for (__u32 i = 0; i < 1000000; i++) {
		if (ctx->rx_queue_index == i)
			sum += 3;
		asm volatile("" : "+r"(sum));
	}
	return sum ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
