// Hello, functions: a BPF-to-BPF call. Step into it: it has a stack frame of its own.
// Without __noinline the compiler would put the function's body in place of the call.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

__u64 opened = 0;

static __noinline int system_call_number(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[1];
}

static __noinline __u64 count_up(__u64 *counter, __u32 step)
{
	*counter += step;
	return *counter;
}

SEC("raw_tp/sys_enter")
int hello_func(struct bpf_raw_tracepoint_args *ctx)
{
	int number = system_call_number(ctx);
	__u64 so_far;

	if (number != 257) // openat
		return 0;
	so_far = count_up(&opened, 1);
	bpf_printk("openat number %d", so_far);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
