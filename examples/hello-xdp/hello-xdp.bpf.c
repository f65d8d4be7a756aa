// Hello, packets: counts what arrives on a network interface and drops pings.
// An XDP program runs in the driver, before the kernel has looked at the packet. It answers with what to do with it.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define ETH_P_IP 0x0800

// A global variable is a map with one value (.bss): user space can read it while the program runs.
__u64 packets = 0;
__u64 dropped = 0;

SEC("xdp")
int hello_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip;

	packets++;

	// The verifier wants proof that the header lies inside the packet before it is read. Take the check away and see.
	if (data + sizeof(*eth) + sizeof(*ip) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	ip = data + sizeof(*eth);
	if (ip->protocol == IPPROTO_ICMP) {
		dropped++;
		bpf_printk("ping number %d dropped", dropped);
		return XDP_DROP;
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
