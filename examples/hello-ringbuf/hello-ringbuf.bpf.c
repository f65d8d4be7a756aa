// Hello, user space: sends a struct for each program started, through a ring buffer.
// reserve gives room in the buffer, submit hands it over; between the two the program fills it in place.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

struct start {
	__u32 pid;
	__u32 uid;
	char command[16];
	char file[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); // bytes, a power of two and whole pages
} starts SEC(".maps");

// What user space may set before the program is loaded: 0 reports everybody.
const volatile __u32 only_uid = 0;

// Where the tracepoint keeps its arguments: /sys/kernel/tracing/events/syscalls/sys_enter_execve/format.
struct execve_enter {
	__u64 common;
	__s64 syscall;
	const char *filename;
	const char *const *argv;
	const char *const *envp;
};

SEC("tracepoint/syscalls/sys_enter_execve")
int hello_ringbuf(struct execve_enter *ctx)
{
	__u32 uid = bpf_get_current_uid_gid();
	struct start *start;

	if (only_uid && uid != only_uid)
		return 0;

	start = bpf_ringbuf_reserve(&starts, sizeof(*start), 0);
	if (!start)
		return 0; // the buffer is full

	// Everything in the record must be written: what is left unwritten would carry old kernel memory to user space.
	__builtin_memset(start, 0, sizeof(*start));
	start->pid = bpf_get_current_pid_tgid() >> 32;
	start->uid = uid;
	bpf_get_current_comm(start->command, sizeof(start->command));
	bpf_probe_read_user_str(start->file, sizeof(start->file), ctx->filename);

	bpf_ringbuf_submit(start, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
