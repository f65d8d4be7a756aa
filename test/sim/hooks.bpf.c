// Programs of every kind that events reach; test/sim/hooks.test.ts says what each must see.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

struct note {
	__u64 order;
	__u64 values[4];
	char text[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, char[16]);
	__type(value, struct note);
} notes SEC(".maps");

__u64 order = 0;

static __always_inline void note(const char *name, __u64 a, __u64 b, __u64 c, __u64 d, const void *text, bool user)
{
	char key[16] = {};
	struct note value = { .order = ++order, .values = { a, b, c, d } };
	bpf_probe_read_kernel_str(key, sizeof(key), name);
	if (text && user)
		bpf_probe_read_user_str(value.text, sizeof(value.text), text);
	else if (text)
		bpf_probe_read_kernel_str(value.text, sizeof(value.text), text);
	bpf_map_update_elem(&notes, key, &value, BPF_ANY);
}

SEC("ksyscall/execve")
int BPF_KSYSCALL(ksyscall, const char *filename, const char *const *argv)
{
	const char *first = 0;
	bpf_probe_read_user(&first, sizeof(first), &argv[1]);
	note("ksyscall", bpf_get_current_pid_tgid(), bpf_get_current_uid_gid(), 0, 0, first, true);
	return 0;
}

SEC("kretsyscall/execve")
int BPF_KRETPROBE(kretsyscall, long ret)
{
	char comm[16];
	bpf_get_current_comm(comm, sizeof(comm));
	note("kretsyscall", ret, 0, 0, 0, comm, false);
	return 0;
}

SEC("kprobe/__x64_sys_execve")
int BPF_KPROBE(kprobe, struct pt_regs *regs)
{
	const char *filename = (const char *)PT_REGS_PARM1_CORE_SYSCALL(regs);
	note("kprobe", 0, 0, 0, 0, filename, true);
	return 0;
}

SEC("tp/syscalls/sys_enter_execve")
int enter(struct trace_event_raw_sys_enter *ctx)
{
	note("tp_enter", ctx->id, ctx->ent.pid, 0, 0, (const void *)ctx->args[0], true);
	return 0;
}

SEC("tp/syscalls/sys_exit_execve")
int leave(struct trace_event_raw_sys_exit *ctx)
{
	note("tp_exit", ctx->id, ctx->ret, 0, 0, 0, false);
	return 0;
}

SEC("tp/sched/sched_process_exec")
int exec(struct trace_event_raw_sched_process_exec *ctx)
{
	__u32 where = ctx->__data_loc_filename & 0xffff;
	note("tp_exec", ctx->pid, 0, 0, 0, (void *)ctx + where, false);
	return 0;
}

SEC("raw_tp/sys_enter")
int raw_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	note("raw_enter", ctx->args[1], BPF_CORE_READ(regs, orig_ax), 0, 0, (void *)BPF_CORE_READ(regs, di), true);
	return 0;
}

SEC("fentry/do_unlinkat")
int BPF_PROG(fentry, int dfd, struct filename *name)
{
	struct task_struct *task = bpf_get_current_task_btf();
	note("fentry", dfd, task->tgid, task->real_parent->pid, 0, 0, false);
	return 0;
}

SEC("fexit/do_unlinkat")
int BPF_PROG(fexit, int dfd, struct filename *name, long ret)
{
	note("fexit", dfd, ret, 0, 0, 0, false);
	return 0;
}

SEC("kretprobe/do_unlinkat")
int BPF_KRETPROBE(kretprobe, long ret)
{
	note("kretprobe", ret, 0, 0, 0, 0, false);
	return 0;
}

SEC("uprobe//bin/bash:readline")
int BPF_UPROBE(uprobe, const char *prompt)
{
	note("uprobe", 0, 0, 0, 0, prompt, true);
	return 0;
}

SEC("uretprobe//bin/bash:readline")
int BPF_URETPROBE(uretprobe, const void *line)
{
	note("uretprobe", (__u64)line, 0, 0, 0, 0, false);
	return 0;
}

SEC("perf_event")
int sample(struct bpf_perf_event_data *ctx)
{
	note("sample", ctx->sample_period, ctx->addr, 0, 0, 0, false);
	return 0;
}

SEC("tp/sched/sched_switch")
int sched_switch(struct trace_event_raw_sched_switch *ctx)
{
	note("sched_switch", ctx->prev_pid, ctx->next_pid, ctx->next_prio, 0, ctx->next_comm, false);
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(lsm, struct file *file)
{
	note("lsm", 0, 0, 0, 0, 0, false);
	return -1;
}

SEC("sockops")
int on_sockops(struct bpf_sock_ops *ctx)
{
	note("sockops", ctx->op, ctx->family, 0, 0, 0, false);
	return 1;
}

SEC("socket")
int on_socket(struct __sk_buff *skb)
{
	note("socket", skb->len, 0, 0, 0, 0, false);
	return -1;
}

SEC("cgroup_skb/ingress")
int cgroup(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data;
	if (data + sizeof(*ip) > end)
		return 0;
	note("cgroup", ip->protocol, skb->len, 0, 0, 0, false);
	return 1;
}

SEC("tc")
int on_tc(struct __sk_buff *skb)
{
	note("tc", skb->mark, skb->ifindex, 0, 0, 0, false);
	return 0;
}

struct element {
	struct bpf_timer timer;
	__u64 fired;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct element);
} timers SEC(".maps");

static int tick(void *map, __u32 *key, struct element *element)
{
	element->fired++;
	note("tick", *key, element->fired, bpf_ktime_get_ns() / 1000000, 0, 0, false);
	if (element->fired < 2)
		bpf_timer_start(&element->timer, 5000000, 0);
	return 0;
}

SEC("tp/syscalls/sys_enter_getpid")
int start_timer(void *ctx)
{
	__u32 key = 0;
	struct element *element = bpf_map_lookup_elem(&timers, &key);
	if (!element)
		return 0;
	long made = bpf_timer_init(&element->timer, &timers, 1);
	long again = bpf_timer_init(&element->timer, &timers, 1);
	bpf_timer_set_callback(&element->timer, tick);
	note("start", made, again, bpf_timer_start(&element->timer, 10000000, 0), 0, 0, false);
	return 0;
}

SEC("iter/task")
int iterate(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	if (!task)
		return 0;
	note("iterate", task->pid, ctx->meta->seq_num, 0, 0, 0, false);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
