// Never ends: the verifier refuses it, and a debugger must still be able to stop it.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

volatile __u64 rounds;

SEC("xdp")
int endless(struct xdp_md *ctx)
{
	for (;;) {
		rounds++; // #BP round
		if (rounds == ~0ULL)
			break;
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
