// Kernel objects: casts, fields by BTF, cgroup and string kfuncs, sleepable helpers, return values.
#include "cases.h"
extern void *bpf_cast_to_kern_ctx(void *o) __ksym;
extern void *bpf_rdonly_cast(const void *o, u32 id) __ksym;
extern struct cgroup *bpf_task_get_cgroup1(struct task_struct *t, int h) __ksym __weak;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *c, int l) __ksym;
extern void bpf_cgroup_release(struct cgroup *c) __ksym;
extern long bpf_task_under_cgroup(struct task_struct *t, struct cgroup *a) __ksym;
extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *c, u32 *h, enum xdp_rss_hash_type *t) __ksym __weak;
extern int bpf_sock_destroy(struct sock_common *s) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym; extern void bpf_rcu_read_unlock(void) __ksym;
extern int bpf_strcmp(const char *a, const char *b) __ksym __weak;
extern int bpf_strlen(const char *a) __ksym __weak;
extern int bpf_probe_read_user_dynptr(struct bpf_dynptr *d, u32 o, u32 s, const void *u) __ksym __weak;
char gbuf[16];
#define S SEC("tc") int
S ctx(struct __sk_buff *c) { struct sk_buff *s = bpf_cast_to_kern_ctx(c); return s->len; }
S ctx_w(struct __sk_buff *c) { struct sk_buff *s = bpf_cast_to_kern_ctx(c); s->len = 1; return 0; }
S ctx_w_mark(struct __sk_buff *c) { struct sk_buff *s = bpf_cast_to_kern_ctx(c); s->mark = 1; return 0; }
S ctx_bad(struct __sk_buff *c) { struct sk_buff *s = bpf_cast_to_kern_ctx(&gbuf); return s->len; }
S ctx_dev(struct __sk_buff *c) { struct sk_buff *s = bpf_cast_to_kern_ctx(c); return s->dev->ifindex; }
S ctx_head(struct __sk_buff *c) { struct sk_buff *s = bpf_cast_to_kern_ctx(c); return *s->head; }
S rdc(struct __sk_buff *c) { struct sk_buff *s = bpf_cast_to_kern_ctx(c); struct skb_shared_info *i = bpf_rdonly_cast(s->head + s->end, bpf_core_type_id_kernel(struct skb_shared_info)); return i->nr_frags; }
S rdc_w(struct __sk_buff *c) { struct task_struct *t = bpf_rdonly_cast(c, bpf_core_type_id_kernel(struct task_struct)); t->pid = 1; return 0; }
S rdc_scalar(struct __sk_buff *c) { struct task_struct *t = bpf_rdonly_cast((void*)(long)c->len, bpf_core_type_id_kernel(struct task_struct)); return t->pid; }
S rdc_null(struct __sk_buff *c) { struct task_struct *t = bpf_rdonly_cast(0, bpf_core_type_id_kernel(struct task_struct)); return t->pid; }
S rdc_void(struct __sk_buff *c) { int *t = bpf_rdonly_cast(c, 0); return *t; }
S rdc_void_w(struct __sk_buff *c) { int *t = bpf_rdonly_cast(c, 0); *t = 1; return 0; }
S rdc_void_off(struct __sk_buff *c) { char *t = bpf_rdonly_cast(c, 0); return t[c->len]; }
S rdc_void_big(struct __sk_buff *c) { char *t = bpf_rdonly_cast(c, 0); return t[-100000]; }
S rdc_bad(struct __sk_buff *c) { int *t = bpf_rdonly_cast(c, 99999999); return *t; }
S rdc_int(struct __sk_buff *c) { int *t = bpf_rdonly_cast(c, bpf_core_type_id_kernel(int)); return *t; }
S rdc_var(struct __sk_buff *c) { int *t = bpf_rdonly_cast(c, c->len); return *t; }
S rdc_helper(struct __sk_buff *c) { char *t = bpf_rdonly_cast(c, 0); char b[4]; bpf_probe_read_kernel(b, 4, t); return b[0]; }
S rdc_helper_mem(struct __sk_buff *c) { char *t = bpf_rdonly_cast(c, 0); return bpf_csum_diff((void*)t, 4, 0, 0, 0); }
SEC("tp_btf/task_newtask") int BPF_PROG(anc, struct task_struct *t, u64 f) { struct cgroup *c = t->cgroups->dfl_cgrp, *a; a = bpf_cgroup_ancestor(c, 1); if (a) bpf_cgroup_release(a); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(anc_norel, struct task_struct *t, u64 f) { struct cgroup *c = t->cgroups->dfl_cgrp, *a; a = bpf_cgroup_ancestor(c, 1); return 0; }
SEC("tp_btf/cgroup_mkdir") int BPF_PROG(anc_tr, struct cgroup *c, char *p) { struct cgroup *a; a = bpf_cgroup_ancestor(c, 1); if (a) bpf_cgroup_release(a); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(und, struct task_struct *t, u64 f) { struct cgroup *c = t->cgroups->dfl_cgrp; bpf_rcu_read_lock(); f = bpf_task_under_cgroup(t, c); bpf_rcu_read_unlock(); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(mm_nc, struct task_struct *t, u64 f) { return t->mm->map_count; }
SEC("tp_btf/task_newtask") int BPF_PROG(arr, struct task_struct *t, u64 f) { return t->comm[f & 15]; }
SEC("tp_btf/task_newtask") int BPF_PROG(arr_c, struct task_struct *t, u64 f) { return t->comm[3]; }
SEC("tp_btf/task_newtask") int BPF_PROG(flex, struct task_struct *t, u64 f) { return ((char*)t)[sizeof(*t) + 10]; }
SEC("tp_btf/task_newtask") int BPF_PROG(past, struct task_struct *t, u64 f) { return ((volatile int*)t)[100000]; }
SEC("tp_btf/task_newtask") int BPF_PROG(cross, struct task_struct *t, u64 f) { return *(volatile u64*)((char*)&t->pid + 4 - 4) & 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(bitf, struct task_struct *t, u64 f) { return BPF_CORE_READ_BITFIELD(t, in_execve); }
SEC("tp_btf/task_newtask") int BPF_PROG(cmp, struct task_struct *t, u64 f) { return bpf_get_current_task_btf() == t; }
SEC("tp_btf/task_newtask") int BPF_PROG(str, struct task_struct *t, u64 f) { return bpf_strcmp(t->comm, "x") + bpf_strlen("abc"); }
SEC("tp_btf/task_newtask") int BPF_PROG(str_s, struct task_struct *t, u64 f) { return bpf_strlen((char*)f); }
SEC("tp_btf/task_newtask") int BPF_PROG(helper_task, struct task_struct *t, u64 f) { return bpf_task_pt_regs(t) != 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(arg32, struct task_struct *t, u64 f) { return *(u32*)&ctx[1]; }
SEC("tp_btf/sched_switch") int BPF_PROG(ss, bool p, struct task_struct *a, struct task_struct *b) { return a->pid + b->pid + p; }
SEC("syscall") int s_uc(void *c) { char b[8]; return bpf_copy_from_user(b, 8, 0); }
SEC("syscall") int s_ct(void *c) { char b[8]; return bpf_copy_from_user_task(b, 8, 0, bpf_get_current_task_btf(), 0); }
SEC("syscall") int s_tail(void *c) { return bpf_sys_close(3); }
SEC("syscall") int s_bn(void *c) { u64 r; return bpf_kallsyms_lookup_name("a", 2, 0, &r); }
SEC("uprobe.s/x") int up(void *c) { char b[8]; return bpf_copy_from_user(b, 8, 0); }
SEC("uprobe/x") int up_n(void *c) { char b[8]; return bpf_copy_from_user(b, 8, 0); }
SEC("xdp.frags") int xf(struct xdp_md *c) { char b[8]; bpf_xdp_load_bytes(c, 0, b, 8); return bpf_xdp_get_buff_len(c) & 1; }
SEC("xdp") int xret(struct xdp_md *c) { return 99; }
SEC("xdp") int xmeta(struct xdp_md *c) { char *p = (void*)(long)c->data_meta; if (p + 4 > (char*)(long)c->data) return 1; *(u32*)p = 3; return 2; }
SEC("kretprobe.multi/x") int krm(void *c) { return 1; }
SEC("cgroup_skb/ingress") int csk(struct __sk_buff *c) { return bpf_skb_cgroup_id(c) & 1; }
SEC("cgroup_skb/ingress") int csk3(struct __sk_buff *c) { return 3; }
SEC("cgroup_skb/egress") int csk3e(struct __sk_buff *c) { return 3; }
SEC("cgroup_skb/egress") int csk4e(struct __sk_buff *c) { return 4; }
SEC("action") int act(struct __sk_buff *c) { c->tc_classid = 1; c->tstamp = 2; c->queue_mapping = 3; return 0; }
