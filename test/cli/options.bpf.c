// Asks how the kernel was configured: the event file beside it says so.
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

extern unsigned int LINUX_KERNEL_VERSION __kconfig;
extern unsigned int CONFIG_HZ __kconfig;
extern bool CONFIG_BPF_JIT __kconfig;
extern char CONFIG_CMDLINE[8] __kconfig;

SEC("xdp")
int options(struct xdp_md *ctx)
{
	bpf_printk("%x %u %d", LINUX_KERNEL_VERSION, CONFIG_HZ, CONFIG_BPF_JIT);
	bpf_printk("%s", CONFIG_CMDLINE);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
