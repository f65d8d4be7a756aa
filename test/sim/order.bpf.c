// Every program writes its name into a log, so that the log says which ran and in what order: test/sim/order.test.ts compares what the
// simulated kernel does with what a real one did (order-6.12.json, asked by test/sim/ask-order.c in a virtual machine).
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define ENTRIES 96

/* The process that is watched; 0 watches all. */
__u32 target;
__u32 count;
char names[ENTRIES][32];
/* Something of each run that the names do not say. */
__s64 facts[ENTRIES];

static __always_inline int mark(const char *name, __s64 fact)
{
	__u32 at = count;

	if (target && (__u32)(bpf_get_current_pid_tgid() >> 32) != target)
		return 0;
	if (at >= ENTRIES)
		return 0;
	bpf_probe_read_kernel_str(names[at], sizeof(names[at]), name);
	facts[at] = fact;
	count = at + 1;
	return 0;
}

#define PROGRAM(section, name, fact) \
	SEC(section) int name(void *ctx) { return mark(section, fact); }
#define RETURNING(section, name) \
	SEC(section) int name(struct pt_regs *ctx) { return mark(section, PT_REGS_RC(ctx)); }
#define WITH_RETURN(section, name, index) \
	SEC(section) int name(__u64 *ctx) { return mark(section, ctx[index]); }

/* Around every system call that is asked about. */
SEC("raw_tp/sys_enter")
int raw_enter(struct bpf_raw_tracepoint_args *ctx)
{
	return mark("raw_tp/sys_enter", ctx->args[1]);
}
SEC("raw_tp/sys_exit")
int raw_exit(struct bpf_raw_tracepoint_args *ctx)
{
	return mark("raw_tp/sys_exit", 0);
}

/* execve */
PROGRAM("tp/syscalls/sys_enter_execve", tp_enter_execve, 0)
PROGRAM("tp/syscalls/sys_exit_execve", tp_exit_execve, 0)
PROGRAM("kprobe/__x64_sys_execve", kprobe_execve, 0)
RETURNING("kretprobe/__x64_sys_execve", kretprobe_execve)
PROGRAM("fentry/__x64_sys_execve", fentry_execve, 0)
PROGRAM("fexit/__x64_sys_execve", fexit_execve, 0)
PROGRAM("fentry/begin_new_exec", fentry_begin, 0)
WITH_RETURN("fexit/begin_new_exec", fexit_begin, 1)
PROGRAM("lsm/bprm_check_security", lsm_bprm, 0)
PROGRAM("lsm/bprm_creds_for_exec", lsm_creds, 0)
PROGRAM("raw_tp/sched_process_exec", raw_exec, 0)
PROGRAM("tp/sched/sched_process_exec", tp_exec, 0)
SEC("tp_btf/sched_process_exec")
int BPF_PROG(btf_exec, struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
{
	return mark("tp_btf/sched_process_exec", bprm->argc);
}
PROGRAM("tp/task/task_rename", tp_rename, 0)

/* openat, read, write, close */
PROGRAM("tp/syscalls/sys_enter_openat", tp_enter_openat, 0)
PROGRAM("tp/syscalls/sys_exit_openat", tp_exit_openat, 0)
PROGRAM("kprobe/do_sys_openat2", kprobe_openat2, 0)
PROGRAM("fentry/do_filp_open", fentry_filp, 0)
PROGRAM("fexit/do_filp_open", fexit_filp, 0)
PROGRAM("fentry/vfs_open", fentry_vfs_open, 0)
PROGRAM("lsm/file_open", lsm_open, 0)
WITH_RETURN("fexit/vfs_open", fexit_vfs_open, 2)
PROGRAM("fentry/vfs_read", fentry_read, 0)
WITH_RETURN("fexit/vfs_read", fexit_read, 4)
PROGRAM("fentry/vfs_write", fentry_write, 0)
WITH_RETURN("fexit/vfs_write", fexit_write, 4)
SEC("lsm/file_permission")
int BPF_PROG(lsm_permission, struct file *file, int mask, int ret)
{
	return mark("lsm/file_permission", mask);
}
PROGRAM("fentry/filp_flush", fentry_flush, 0)

/* unlinkat, mkdirat, renameat2 */
PROGRAM("fentry/do_unlinkat", fentry_unlinkat, 0)
WITH_RETURN("fexit/do_unlinkat", fexit_unlinkat, 2)
PROGRAM("fentry/vfs_unlink", fentry_vfs_unlink, 0)
PROGRAM("lsm/inode_unlink", lsm_unlink, 0)
PROGRAM("kprobe/do_mkdirat", kprobe_mkdirat, 0)
PROGRAM("fentry/vfs_mkdir", fentry_mkdir, 0)
PROGRAM("lsm/inode_mkdir", lsm_mkdir, 0)
PROGRAM("fentry/vfs_rename", fentry_rename, 0)
PROGRAM("lsm/inode_rename", lsm_rename, 0)

/* fork and exit */
PROGRAM("fentry/kernel_clone", fentry_clone, 0)
PROGRAM("fexit/kernel_clone", fexit_clone, 0)
PROGRAM("lsm/task_alloc", lsm_task_alloc, 0)
PROGRAM("tp/task/task_newtask", tp_newtask, 0)
PROGRAM("tp/sched/sched_process_fork", tp_fork, 0)
PROGRAM("raw_tp/sched_process_fork", raw_fork, 0)
PROGRAM("fentry/wake_up_new_task", fentry_wake, 0)
PROGRAM("kprobe/do_exit", kprobe_exit, 0)
PROGRAM("tp/sched/sched_process_exit", tp_exit, 0)

/* sockets and signals */
SEC("lsm/socket_create")
int BPF_PROG(lsm_socket, int family, int type, int protocol, int kern, int ret)
{
	return mark("lsm/socket_create", family * 10 + type);
}
PROGRAM("lsm/socket_connect", lsm_connect, 0)
PROGRAM("lsm/socket_bind", lsm_bind, 0)
PROGRAM("fentry/inet_bind", fentry_bind, 0)
PROGRAM("lsm/socket_listen", lsm_listen, 0)
PROGRAM("fentry/inet_listen", fentry_listen, 0)
PROGRAM("fentry/inet_stream_connect", fentry_stream, 0)
WITH_RETURN("fexit/inet_stream_connect", fexit_stream, 4)
PROGRAM("fentry/tcp_v4_connect", fentry_v4, 0)
WITH_RETURN("fexit/tcp_v4_connect", fexit_v4, 3)
PROGRAM("fentry/tcp_connect", fentry_tcp, 0)
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(btf_state, const struct sock *sk, const int old, const int new)
{
	return mark("tp_btf/inet_sock_set_state", old * 100 + new);
}
PROGRAM("lsm/socket_sendmsg", lsm_sendmsg, 0)
PROGRAM("fentry/tcp_sendmsg", fentry_sendmsg, 0)
WITH_RETURN("fexit/tcp_sendmsg", fexit_sendmsg, 3)
PROGRAM("lsm/mmap_file", lsm_mmap, 0)
PROGRAM("fentry/do_mmap", fentry_mmap, 0)
PROGRAM("lsm/task_kill", lsm_kill, 0)
SEC("tp/signal/signal_generate")
int tp_signal(struct trace_event_raw_signal_generate *ctx)
{
	return mark("tp/signal/signal_generate", ctx->sig);
}

char LICENSE[] SEC("license") = "GPL";
