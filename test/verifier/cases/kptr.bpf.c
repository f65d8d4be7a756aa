// kptr fields of map values, tasks, cgroups and CPU masks: storing, loading, exchanging, trust and references.
#include "cases.h"
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern struct cpumask *none __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *m) __ksym;
extern struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *m) __ksym;
extern u32 bpf_cpumask_first(const struct cpumask *m) __ksym;
extern void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *m) __ksym;
extern bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *m) __ksym;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *c) __ksym;
extern void bpf_cgroup_release(struct cgroup *c) __ksym;
extern struct cgroup *bpf_cgroup_from_id(u64 id) __ksym;
struct val { u64 pad; struct task_struct __kptr *ref; struct task_struct __kptr_untrusted *unref; struct bpf_cpumask __kptr *mask; u64 tail; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, struct val); } arr SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, int); __type(value, struct val); } hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, struct val); } pcpu SEC(".maps");
#define LOOK int k = 0; struct val *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0
SEC("tp_btf/task_newtask") int xchg_ok(u64 *ctx) { LOOK; struct task_struct *t = bpf_task_from_pid(1), *o; if (!t) return 0; o = bpf_kptr_xchg(&v->ref, t); if (o) bpf_task_release(o); return 0; }
SEC("tp_btf/task_newtask") int xchg_leak(u64 *ctx) { LOOK; struct task_struct *t = bpf_task_from_pid(1); if (!t) return 0; bpf_kptr_xchg(&v->ref, t); return 0; }
SEC("tp_btf/task_newtask") int xchg_null(u64 *ctx) { LOOK; struct task_struct *o = bpf_kptr_xchg(&v->ref, NULL); if (o) bpf_task_release(o); return 0; }
SEC("tp_btf/task_newtask") int xchg_maybe_null(u64 *ctx) { LOOK; struct task_struct *t = bpf_task_from_pid(1), *o; o = bpf_kptr_xchg(&v->ref, t); if (o) bpf_task_release(o); return 0; }
SEC("tp_btf/task_newtask") int xchg_unref_field(u64 *ctx) { LOOK; struct task_struct *t = bpf_task_from_pid(1), *o; if (!t) return 0; o = bpf_kptr_xchg(&v->unref, t); if (o) bpf_task_release(o); return 0; }
SEC("tp_btf/task_newtask") int xchg_wrong_field(u64 *ctx) { LOOK; struct task_struct *t = bpf_task_from_pid(1), *o; if (!t) return 0; o = bpf_kptr_xchg(&v->pad, t); if (o) bpf_task_release(o); return 0; }
SEC("tp_btf/task_newtask") int xchg_wrong_type(u64 *ctx) { LOOK; struct task_struct *t = bpf_task_from_pid(1), *o; if (!t) return 0; o = bpf_kptr_xchg(&v->mask, (void*)t); if (o) bpf_task_release(o); return 0; }
SEC("tp_btf/task_newtask") int xchg_no_ref(u64 *ctx) { LOOK; struct task_struct *t = bpf_get_current_task_btf(); t = bpf_kptr_xchg(&v->ref, t); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(store_ref_field, struct task_struct *task, u64 f) { LOOK; v->ref = task; return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(store_unref_field, struct task_struct *task, u64 f) { LOOK; v->unref = task; return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(store_null_unref, struct task_struct *task, u64 f) { LOOK; *(volatile u64*)&v->unref = 0; return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(store_imm_unref, struct task_struct *task, u64 f) { LOOK; asm volatile("*(u64*)(%0+16) = 5" :: "r"(v)); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(store_imm0_unref, struct task_struct *task, u64 f) { LOOK; asm volatile("*(u64*)(%0+16) = 0" :: "r"(v)); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(store_imm0_ref, struct task_struct *task, u64 f) { LOOK; asm volatile("*(u64*)(%0+8) = 0" :: "r"(v)); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(store_u32_unref, struct task_struct *task, u64 f) { LOOK; asm volatile("*(u32*)(%0+16) = 0" :: "r"(v)); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(store_scalar_unref, struct task_struct *task, u64 f) { LOOK; asm volatile("*(u64*)(%0+16) = %1" :: "r"(v), "r"(f)); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(load_u32_unref, struct task_struct *task, u64 f) { LOOK; return *(volatile u32*)&v->unref; }
SEC("tp_btf/task_newtask") int BPF_PROG(load_mid_unref, struct task_struct *task, u64 f) { LOOK; return *(volatile u8*)((char*)&v->unref+3); }
SEC("tp_btf/task_newtask") int BPF_PROG(load_cross_unref, struct task_struct *task, u64 f) { LOOK; u64 x; asm volatile("%0 = *(u64*)(%1+4)" : "=r"(x) : "r"(v)); return x; }
SEC("tp_btf/task_newtask") int BPF_PROG(xadd_unref, struct task_struct *task, u64 f) { LOOK; __sync_fetch_and_add((u64*)&v->unref, 1); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(deref_unref, struct task_struct *task, u64 f) { LOOK; struct task_struct *t = v->unref; return t ? t->pid : 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(deref_unref_nocheck, struct task_struct *task, u64 f) { LOOK; return v->unref->pid; }
SEC("tp_btf/task_newtask") int BPF_PROG(deref_ref, struct task_struct *task, u64 f) { LOOK; struct task_struct *t = v->ref; return t ? t->pid : 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(write_unref_obj, struct task_struct *task, u64 f) { LOOK; struct task_struct *t = v->unref; if (t) t->pid = 3; return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_from_ref_rcu, struct task_struct *task, u64 f) { LOOK; struct task_struct *t = v->ref; if (!t) return 0; t = bpf_task_acquire(t); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_from_ref_nonull, struct task_struct *task, u64 f) { LOOK; struct task_struct *t = bpf_task_acquire(v->ref); if (t) bpf_task_release(t); return 0; }
SEC("syscall") int acquire_syscall_norcu(void *ctx) { LOOK; struct task_struct *t = v->ref; if (!t) return 0; t = bpf_task_acquire(t); if (t) bpf_task_release(t); return 0; }
SEC("syscall") int acquire_syscall_rcu(void *ctx) { LOOK; bpf_rcu_read_lock(); struct task_struct *t = v->ref; if (!t) {bpf_rcu_read_unlock(); return 0;} t = bpf_task_acquire(t); bpf_rcu_read_unlock(); if (t) bpf_task_release(t); return 0; }
SEC("syscall") int acquire_syscall_rcu_after(void *ctx) { LOOK; bpf_rcu_read_lock(); struct task_struct *t = v->ref; if (!t) {bpf_rcu_read_unlock(); return 0;} bpf_rcu_read_unlock(); t = bpf_task_acquire(t); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_unref, struct task_struct *task, u64 f) { LOOK; struct task_struct *t = v->unref; if (!t) return 0; t = bpf_task_acquire(t); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_nocheck, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire(task); bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_leak, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire(task); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(release_arg, struct task_struct *task, u64 f) { bpf_task_release(task); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(release_twice, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire(task); if (!t) return 0; bpf_task_release(t); bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(release_null, struct task_struct *task, u64 f) { bpf_task_release(NULL); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_null, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire(NULL); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_fp, struct task_struct *task, u64 f) { struct task_struct x={}; struct task_struct *t = bpf_task_acquire((void*)&f); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_ctx, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire((void*)ctx); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_scalar, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire((void*)f); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_parent, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire(task->real_parent); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_leader, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire(task->group_leader); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_last_wakee, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire(task->last_wakee); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(acquire_offset, struct task_struct *task, u64 f) { struct task_struct *t = bpf_task_acquire((void*)((char*)task+8)); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(cpus_ptr, struct task_struct *task, u64 f) { return bpf_cpumask_first(task->cpus_ptr); }
SEC("tp_btf/task_newtask") int BPF_PROG(cpus_mask_embedded, struct task_struct *task, u64 f) { return bpf_cpumask_test_cpu(0, &task->cpus_mask); }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_create, struct task_struct *task, u64 f) { struct bpf_cpumask *m = bpf_cpumask_create(); if (!m) return 0; bpf_cpumask_set_cpu(1, m); bpf_cpumask_release(m); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_leak, struct task_struct *task, u64 f) { struct bpf_cpumask *m = bpf_cpumask_create(); return !m; }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_nonull, struct task_struct *task, u64 f) { struct bpf_cpumask *m = bpf_cpumask_create(); bpf_cpumask_set_cpu(1, m); if (m) bpf_cpumask_release(m); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_set_kernel, struct task_struct *task, u64 f) { bpf_cpumask_set_cpu(1, (struct bpf_cpumask*)task->cpus_ptr); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_double_release, struct task_struct *task, u64 f) { struct bpf_cpumask *m = bpf_cpumask_create(); if (!m) return 0; bpf_cpumask_release(m); bpf_cpumask_release(m); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_use_after, struct task_struct *task, u64 f) { struct bpf_cpumask *m = bpf_cpumask_create(); if (!m) return 0; bpf_cpumask_release(m); return bpf_cpumask_test_cpu(0, (void*)m); }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_kptr, struct task_struct *task, u64 f) { LOOK; struct bpf_cpumask *m = bpf_cpumask_create(); if (!m) return 0; m = bpf_kptr_xchg(&v->mask, m); if (m) bpf_cpumask_release(m); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_rcu, struct task_struct *task, u64 f) { LOOK; struct bpf_cpumask *m; bpf_rcu_read_lock(); m = v->mask; if (m) f = bpf_cpumask_test_cpu(0, (void*)m); bpf_rcu_read_unlock(); return f; }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_rcu_set, struct task_struct *task, u64 f) { LOOK; struct bpf_cpumask *m; bpf_rcu_read_lock(); m = v->mask; if (m) bpf_cpumask_set_cpu(0, m); bpf_rcu_read_unlock(); return f; }
SEC("tp_btf/task_newtask") int BPF_PROG(mask_rcu_nocheck, struct task_struct *task, u64 f) { LOOK; struct bpf_cpumask *m; bpf_rcu_read_lock(); m = v->mask; f = bpf_cpumask_test_cpu(0, (void*)m); bpf_rcu_read_unlock(); return f; }
SEC("tp_btf/task_newtask") int BPF_PROG(percpu_kptr, struct task_struct *task, u64 f) { int k=0; struct val *v = bpf_map_lookup_elem(&pcpu, &k); if (!v) return 0; struct task_struct *o = bpf_kptr_xchg(&v->ref, 0); if (o) bpf_task_release(o); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(upd_hash, struct task_struct *task, u64 f) { int k=0; struct val v = {}; bpf_map_update_elem(&hash, &k, &v, 0); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(helper_reads_value, struct task_struct *task, u64 f) { LOOK; bpf_map_update_elem(&hash, &k, v, 0); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(helper_writes_value, struct task_struct *task, u64 f) { LOOK; bpf_probe_read_kernel(v, sizeof *v, (void*)f); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(helper_writes_before, struct task_struct *task, u64 f) { LOOK; bpf_probe_read_kernel(v, 8, (void*)f); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(helper_writes_tail, struct task_struct *task, u64 f) { LOOK; bpf_probe_read_kernel(&v->tail, 8, (void*)f); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(varoff_kptr, struct task_struct *task, u64 f) { LOOK; f &= 8; struct task_struct *o = bpf_kptr_xchg((void*)v + 8 + f, 0); if (o) bpf_task_release(o); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(varoff_load, struct task_struct *task, u64 f) { LOOK; f &= 31; return *(char*)((void*)v + f); }
SEC("xdp") int xdp_task(void *ctx) { LOOK; struct task_struct *t = v->ref; if (!t) return 0; t = bpf_task_acquire(t); if (t) bpf_task_release(t); return 2; }
SEC("tc") int tc_task(void *ctx) { LOOK; struct task_struct *t = v->ref; if (!t) return 0; int pid = t->pid; return pid; }
SEC("kprobe/x") int kprobe_task(void *ctx) { LOOK; struct task_struct *t = v->ref; if (!t) return 0; t = bpf_task_acquire(t); if (t) bpf_task_release(t); return 0; }
SEC("tp/x/y") int tp_task(void *ctx) { struct task_struct *t = bpf_task_from_pid(2); if (t) bpf_task_release(t); return 0; }
SEC("raw_tp/x") int rawtp_task(void *ctx) { struct task_struct *t = bpf_task_from_pid(2); if (t) bpf_task_release(t); return 0; }
SEC("perf_event") int pe_task(void *ctx) { struct task_struct *t = bpf_task_from_pid(2); if (t) bpf_task_release(t); return 0; }
SEC("cgroup_skb/egress") int cgskb_task(void *ctx) { struct task_struct *t = bpf_task_from_pid(2); if (t) bpf_task_release(t); return 0; }
SEC("tp_btf/cgroup_mkdir") int BPF_PROG(cg_acq, struct cgroup *c, const char *path) { struct cgroup *x = bpf_cgroup_acquire(c); if (x) bpf_cgroup_release(x); return 0; }
SEC("tp_btf/cgroup_mkdir") int BPF_PROG(cg_kn, struct cgroup *c, const char *path) { struct cgroup *x = bpf_cgroup_acquire((void *)c->kn); if (x) bpf_cgroup_release(x); return 0; }
SEC("tp_btf/cgroup_mkdir") int BPF_PROG(cg_from_id, struct cgroup *c, const char *path) { struct cgroup *x = bpf_cgroup_from_id(c->kn->id); if (x) bpf_cgroup_release(x); return 0; }
SEC("tp_btf/cgroup_mkdir") int BPF_PROG(cg_path, struct cgroup *c, const char *path) { return path[0]; }
SEC("tp_btf/cgroup_mkdir") int BPF_PROG(cg_level, struct cgroup *c, const char *path) { return c->level; }
