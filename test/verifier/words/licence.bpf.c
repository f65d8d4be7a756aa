// A helper that asks for a GPL-compatible licence.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tracepoint/syscalls/sys_enter_openat")
int says(void *ctx)
{
	char buffer[16];

	bpf_probe_read_kernel(buffer, sizeof(buffer), ctx);
	return buffer[0];
}

char LICENSE[] SEC("license") = "Proprietary";
