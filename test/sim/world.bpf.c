// Reads the simulated kernel's own structs, through typed pointers and through probe reads; test/sim/world.test.ts says what is there.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

struct seen {
	__u32 pid;
	__u32 parent;
	__u32 grandparent;
	__u32 uid;
	__u32 pid_namespace;
	__u32 level;
	__u32 descriptor_flags;
	__u64 inode;
	__u64 superblock;
	__u64 cgroup;
	char parent_comm[16];
	char node[16];
	char exe[32];
	char third[32];
	char folder[32];
	char filesystem[16];
	char command[32];
};

struct seen tasks[4];
__u32 task_count;

SEC("ksyscall/getpid")
int BPF_KSYSCALL(read_task)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct seen *s = &tasks[task_count & 3];
	struct file *file;
	struct dentry *dentry;
	struct file **array;
	const char *start;

	task_count++;
	s->pid = BPF_CORE_READ(task, tgid);
	s->parent = BPF_CORE_READ(task, real_parent, tgid);
	s->grandparent = BPF_CORE_READ(task, real_parent, real_parent, tgid);
	s->uid = BPF_CORE_READ(task, cred, uid.val);
	s->pid_namespace = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
	s->level = BPF_CORE_READ(task, cgroups, dfl_cgrp, level);
	s->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	BPF_CORE_READ_STR_INTO(&s->parent_comm, task, real_parent, comm);
	BPF_CORE_READ_STR_INTO(&s->node, task, nsproxy, uts_ns, name.nodename);

	dentry = BPF_CORE_READ(task, mm, exe_file, f_path.dentry);
	bpf_probe_read_kernel_str(s->exe, sizeof(s->exe), BPF_CORE_READ(dentry, d_name.name));

	array = BPF_CORE_READ(task, files, fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &array[3]);
	dentry = BPF_CORE_READ(file, f_path.dentry);
	bpf_probe_read_kernel_str(s->third, sizeof(s->third), BPF_CORE_READ(dentry, d_name.name));
	bpf_probe_read_kernel_str(s->folder, sizeof(s->folder), BPF_CORE_READ(dentry, d_parent, d_name.name));
	s->inode = BPF_CORE_READ(file, f_inode, i_ino);
	s->superblock = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
	bpf_probe_read_kernel_str(s->filesystem, sizeof(s->filesystem), BPF_CORE_READ(file, f_inode, i_sb, s_type, name));

	start = (const char *)BPF_CORE_READ(task, mm, arg_start);
	bpf_probe_read_user(s->command, sizeof(s->command), start);
	return 0;
}

__u64 typed[8];

// Typed pointers: what leads nowhere reads zero, as the exception table has it.
SEC("fentry/do_unlinkat")
int BPF_PROG(read_typed, int dfd, struct filename *name)
{
	struct task_struct *task = bpf_get_current_task_btf();

	typed[0] = task->real_parent->pid;
	typed[1] = task->mm->exe_file->f_inode->i_ino;
	typed[2] = task->last_wakee->pid;
	typed[3] = task->last_wakee->real_parent->cred->uid.val;
	typed[4] = name->name[1];
	return 0;
}

long errors[6];

SEC("kprobe/vfs_fsync")
int BPF_KPROBE(read_badly)
{
	__u64 value = 1;

	errors[0] = bpf_probe_read_kernel(&value, 8, (void *)0);
	errors[1] = value;
	errors[2] = bpf_probe_read_kernel(&value, 8, (void *)0xffffc90000000000);
	errors[3] = bpf_probe_read_user(&value, 8, (void *)8);
	errors[4] = bpf_probe_read(&value, 8, (void *)8);
	errors[5] = bpf_probe_read_kernel(&value, 8, (void *)0x5555555555550000);
	return 0;
}

__u32 connection[8];
char address_six[16];

SEC("fentry/tcp_connect")
int BPF_PROG(read_sock, struct sock *sk)
{
	connection[0] = sk->__sk_common.skc_family;
	connection[1] = sk->__sk_common.skc_daddr;
	connection[2] = bpf_ntohs(sk->__sk_common.skc_dport);
	connection[3] = sk->__sk_common.skc_num;
	connection[4] = sk->__sk_common.skc_state;
	connection[5] = sk->sk_protocol;
	connection[6] = sk->sk_socket->file->f_inode->i_mode;
	connection[7] = sk->sk_socket->sk == sk;
	return 0;
}

__u64 disk[4];
char disk_name[16];

SEC("tp_btf/block_rq_issue")
int BPF_PROG(read_request, struct request *rq)
{
	disk[0] = rq->__sector;
	disk[1] = rq->__data_len;
	disk[2] = rq->q->disk->major;
	bpf_probe_read_kernel_str(disk_name, sizeof(disk_name), rq->q->disk->disk_name);
	return 0;
}

__u32 woken[4];
char woken_comm[16];

SEC("tp/sched/sched_wakeup")
int wakeup(struct trace_event_raw_sched_wakeup_template *ctx)
{
	woken[0] = ctx->pid;
	woken[1] = ctx->prio;
	woken[2] = ctx->target_cpu;
	__builtin_memcpy(woken_comm, ctx->comm, 16);
	return 0;
}

char behind[16];

SEC("tp/syscalls/sys_enter_openat")
int read_behind(struct trace_event_raw_sys_enter *ctx)
{
	errors[0] = bpf_probe_read_user(behind, sizeof(behind), (void *)ctx->args[1]);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
