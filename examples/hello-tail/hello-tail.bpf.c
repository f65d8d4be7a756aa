// Hello, tail calls: one program for each system call, found through a prog array.
// A tail call jumps to another program and never comes back. When the slot is empty, the next line runs instead.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

int hello_execve(struct bpf_raw_tracepoint_args *ctx);
int hello_openat(struct bpf_raw_tracepoint_args *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 512); // more than there are system calls
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct bpf_raw_tracepoint_args *));
} syscalls SEC(".maps") = {
	.values = {
		[59] = &hello_execve,
		[257] = &hello_openat,
	},
};

__u64 others = 0;

SEC("raw_tp/sys_enter")
int hello_tail(struct bpf_raw_tracepoint_args *ctx)
{
	// args[1] of sys_enter is the number of the system call.
	__u32 number = ctx->args[1];

	bpf_tail_call(ctx, &syscalls, number);

	others++;
	bpf_printk("system call %d has no program", number);
	return 0;
}

SEC("raw_tp")
int hello_execve(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_printk("a program starts");
	return 0;
}

SEC("raw_tp")
int hello_openat(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_printk("a file is opened");
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
