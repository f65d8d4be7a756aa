// Open-coded iterators, may_goto, bounded loops and the states in which they converge.
#include "cases.h"
extern int bpf_iter_num_new(struct bpf_iter_num *it, int s, int e) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *t, unsigned int f) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *s, unsigned int f) __ksym;
extern struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) __ksym;
extern void bpf_iter_css_destroy(struct bpf_iter_css *it) __ksym;
extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *p__ign, u32 n) __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *t, u64 a) __ksym;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) __ksym;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) __ksym;
extern int bpf_iter_kmem_cache_new(struct bpf_iter_kmem_cache *it) __ksym __weak;
extern struct kmem_cache *bpf_iter_kmem_cache_next(struct bpf_iter_kmem_cache *it) __ksym __weak;
extern void bpf_iter_kmem_cache_destroy(struct bpf_iter_kmem_cache *it) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct cgroup *bpf_cgroup_from_id(u64 id) __ksym;
extern void bpf_cgroup_release(struct cgroup *c) __ksym;
int arr[256]; int zero; volatile int vz;
struct bpf_iter_num git;
#define S SEC("raw_tp/x") int
#define I struct bpf_iter_num it
S simple(void *c) { int *v, s = 0; I; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) s += *v; bpf_iter_num_destroy(&it); return s; }
S idx(void *c) { int *v, s = 0; I; bpf_iter_num_new(&it, 0, 256); while ((v = bpf_iter_num_next(&it))) { int i = *v; if (i < 0 || i >= 256) break; s += arr[i]; } bpf_iter_num_destroy(&it); return s; }
S idx_nocheck(void *c) { int *v, s = 0; I; bpf_iter_num_new(&it, 0, 256); while ((v = bpf_iter_num_next(&it))) { s += arr[*v]; } bpf_iter_num_destroy(&it); return s; }
S counter_bound(void *c) { int *v, i = 0, s = 0; I; bpf_iter_num_new(&it, 0, 256); while ((v = bpf_iter_num_next(&it))) { if (i >= 256) break; s += arr[i++]; } bpf_iter_num_destroy(&it); return s; }
S counter_nocheck(void *c) { int *v, s = 0; unsigned i = 0; I; bpf_iter_num_new(&it, 0, 256); while ((v = bpf_iter_num_next(&it))) { s += arr[i]; i++; } bpf_iter_num_destroy(&it); return s; }
S breakbut(void *c) { int *v, s = 0; I; bpf_iter_num_new(&it, 0, 256); while ((v = bpf_iter_num_next(&it))) { if (*v == 100) break; s++; } bpf_iter_num_destroy(&it); return s; }
S ret_in_loop(void *c) { int *v, s = 0; I; bpf_iter_num_new(&it, 0, 256); while ((v = bpf_iter_num_next(&it))) { if (*v == 100) return 0; s++; } bpf_iter_num_destroy(&it); return s; }
S nested(void *c) { int *v, *w, s = 0; struct bpf_iter_num it, jt; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) { bpf_iter_num_new(&jt, 0, *v); while ((w = bpf_iter_num_next(&jt))) s += *w; bpf_iter_num_destroy(&jt); } bpf_iter_num_destroy(&it); return s; }
S nested3(void *c) { int *v, *w, *x, s = 0; struct bpf_iter_num it, jt, kt; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) { bpf_iter_num_new(&jt, 0, 20); while ((w = bpf_iter_num_next(&jt))) { bpf_iter_num_new(&kt, 0, 5); while ((x = bpf_iter_num_next(&kt))) s += *x + *w; bpf_iter_num_destroy(&kt); } bpf_iter_num_destroy(&jt); } bpf_iter_num_destroy(&it); return s; }
S nested_leak(void *c) { int *v, *w, s = 0; struct bpf_iter_num it, jt; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) { bpf_iter_num_new(&jt, 0, *v); while ((w = bpf_iter_num_next(&jt))) s += *w; } bpf_iter_num_destroy(&it); return s; }
S nodestroy(void *c) { int *v, s = 0; I; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) s += *v; return s; }
S nonew(void *c) { I; bpf_iter_num_destroy(&it); return 0; }
S newtwice(void *c) { I; bpf_iter_num_new(&it, 0, 10); bpf_iter_num_new(&it, 0, 10); bpf_iter_num_destroy(&it); return 0; }
S destroytwice(void *c) { I; bpf_iter_num_new(&it, 0, 10); bpf_iter_num_destroy(&it); bpf_iter_num_destroy(&it); return 0; }
S useafter(void *c) { I; bpf_iter_num_new(&it, 0, 10); int *v = bpf_iter_num_next(&it); bpf_iter_num_destroy(&it); return v ? *v : 0; }
S nextafter(void *c) { I; bpf_iter_num_new(&it, 0, 10); bpf_iter_num_destroy(&it); bpf_iter_num_next(&it); return 0; }
S writeval(void *c) { int *v; I; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) *v = 1; bpf_iter_num_destroy(&it); return 0; }
S oldval(void *c) { int *v, *o = 0, s = 0; I; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) { if (o) s += *o; o = v; } bpf_iter_num_destroy(&it); return s; }
S val_oob(void *c) { int *v, s = 0; I; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) s += v[1]; bpf_iter_num_destroy(&it); return s; }
S nocheck(void *c) { I; bpf_iter_num_new(&it, 0, 10); int s = *bpf_iter_num_next(&it); bpf_iter_num_destroy(&it); return s; }
S inglobal(void *c) { bpf_iter_num_new(&git, 0, 10); bpf_iter_num_destroy(&git); return 0; }
S null(void *c) { bpf_iter_num_new(0, 0, 10); return 0; }
S clobber(void *c) { I; bpf_iter_num_new(&it, 0, 10); *(volatile int*)&it = 0; bpf_iter_num_destroy(&it); return 0; }
S rdit(void *c) { I; bpf_iter_num_new(&it, 0, 10); int x = *(volatile int*)&it; bpf_iter_num_destroy(&it); return x; }
S clobber_helper(void *c) { I; bpf_iter_num_new(&it, 0, 10); bpf_get_current_comm(&it, 8); bpf_iter_num_destroy(&it); return 0; }
S wrongtype(void *c) { I; bpf_iter_num_new(&it, 0, 10); bpf_iter_bits_destroy((void*)&it); return 0; }
S iterarg(void *c) { I; bpf_iter_num_new(&it, vz, vz); int *v; while ((v = bpf_iter_num_next(&it))) ; bpf_iter_num_destroy(&it); return 0; }
static __noinline int sub(struct bpf_iter_num *it) { int *v, s = 0; while ((v = bpf_iter_num_next(it))) s += *v; return s; }
static __noinline void subnew(struct bpf_iter_num *it) { bpf_iter_num_new(it, 0, 5); }
static __noinline void subdel(struct bpf_iter_num *it) { bpf_iter_num_destroy(it); }
__noinline int gsub(struct bpf_iter_num *it) { int *v, s = 0; while ((v = bpf_iter_num_next(it))) s += *v; return s; }
S viasub(void *c) { I; subnew(&it); int s = sub(&it); subdel(&it); return s; }
S viasub2(void *c) { I; subnew(&it); int s = sub(&it); return s; }
S viag(void *c) { I; subnew(&it); int s = gsub(&it); subdel(&it); return s; }
S two_exits(void *c) { int *v; int s = 0; I; bpf_iter_num_new(&it, 0, 1000); while ((v = bpf_iter_num_next(&it))) { if (*v & 1) continue; if (s > 10) break; s += vz; } bpf_iter_num_destroy(&it); return s; }
S alloca_state(void *c) { int *v; int a[8]; I; bpf_iter_num_new(&it, 0, 8); while ((v = bpf_iter_num_next(&it))) { a[*v & 7] = *v; } bpf_iter_num_destroy(&it); return 0; }
S stack_loop_init(void *c) { int *v; int a[8] = {}; I; bpf_iter_num_new(&it, 0, 8); while ((v = bpf_iter_num_next(&it))) { a[*v & 7] = *v; } bpf_iter_num_destroy(&it); return a[3]; }
S bits(void *c) { struct bpf_iter_bits it; int *v, s = 0; u64 d = 0x55; bpf_iter_bits_new(&it, &d, 1); while ((v = bpf_iter_bits_next(&it))) s += *v; bpf_iter_bits_destroy(&it); return s; }
S bits_null(void *c) { struct bpf_iter_bits it; int *v, s = 0; bpf_iter_bits_new(&it, 0, 1); while ((v = bpf_iter_bits_next(&it))) s += *v; bpf_iter_bits_destroy(&it); return s; }
S bits_ctx(void *c) { struct bpf_iter_bits it; int *v, s = 0; bpf_iter_bits_new(&it, c, 1); while ((v = bpf_iter_bits_next(&it))) s += *v; bpf_iter_bits_destroy(&it); return s; }
S bits_nodestroy(void *c) { struct bpf_iter_bits it; u64 d = 0x55; bpf_iter_bits_new(&it, &d, 1); return 0; }
SEC("syscall") int task_all(void *c) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, BPF_TASK_ITER_ALL_PROCS); while ((t = bpf_iter_task_next(&it))) n += t->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
SEC("syscall") int task_norcu(void *c) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_iter_task_new(&it, 0, BPF_TASK_ITER_ALL_PROCS); while ((t = bpf_iter_task_next(&it))) n++; bpf_iter_task_destroy(&it); return 0; }
SEC("syscall") int task_unlock_in(void *c) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, BPF_TASK_ITER_ALL_PROCS); bpf_rcu_read_unlock(); bpf_rcu_read_lock(); while ((t = bpf_iter_task_next(&it))) n++; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
SEC("syscall") int task_unlock_loop(void *c) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, BPF_TASK_ITER_ALL_PROCS); while ((t = bpf_iter_task_next(&it))) { bpf_rcu_read_unlock(); bpf_rcu_read_lock(); n += t->pid; } bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
SEC("syscall") int task_acq(void *c) { struct bpf_iter_task it; struct task_struct *t, *a; bpf_rcu_read_lock(); bpf_iter_task_new(&it, 0, BPF_TASK_ITER_ALL_PROCS); while ((t = bpf_iter_task_next(&it))) { a = bpf_task_acquire(t); if (a) bpf_task_release(a); } bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
SEC("syscall") int task_threads(void *c) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, bpf_get_current_task_btf(), BPF_TASK_ITER_PROC_THREADS); while ((t = bpf_iter_task_next(&it))) n++; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(task_in_tp, struct task_struct *tk, u64 f) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_iter_task_new(&it, 0, BPF_TASK_ITER_ALL_PROCS); while ((t = bpf_iter_task_next(&it))) n++; bpf_iter_task_destroy(&it); return 0; }
SEC("kprobe/x") int task_in_kp(void *c) { struct bpf_iter_task it; struct task_struct *t; int n = 0; bpf_iter_task_new(&it, 0, BPF_TASK_ITER_ALL_PROCS); while ((t = bpf_iter_task_next(&it))) n++; bpf_iter_task_destroy(&it); return 0; }
SEC("syscall") int css(void *c) { struct bpf_iter_css it; struct cgroup_subsys_state *p; int n = 0; struct cgroup *cg = bpf_cgroup_from_id(1); if (!cg) return 0; bpf_rcu_read_lock(); bpf_iter_css_new(&it, &cg->self, BPF_CGROUP_ITER_DESCENDANTS_POST); while ((p = bpf_iter_css_next(&it))) n += p->id; bpf_iter_css_destroy(&it); bpf_rcu_read_unlock(); bpf_cgroup_release(cg); return 0; }
SEC("syscall") int css_null(void *c) { struct bpf_iter_css it; bpf_rcu_read_lock(); bpf_iter_css_new(&it, 0, 1); bpf_iter_css_destroy(&it); bpf_rcu_read_unlock(); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(vma, struct task_struct *tk, u64 f) { struct bpf_iter_task_vma it; struct vm_area_struct *v; int n = 0; bpf_iter_task_vma_new(&it, tk, 0); while ((v = bpf_iter_task_vma_next(&it))) n += v->vm_start; bpf_iter_task_vma_destroy(&it); return 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(vma_null, struct task_struct *tk, u64 f) { struct bpf_iter_task_vma it; bpf_iter_task_vma_new(&it, 0, 0); bpf_iter_task_vma_destroy(&it); return 0; }
SEC("syscall") int kmem(void *c) { struct bpf_iter_kmem_cache it; struct kmem_cache *k; int n = 0; bpf_iter_kmem_cache_new(&it); while ((k = bpf_iter_kmem_cache_next(&it))) n += k->size; bpf_iter_kmem_cache_destroy(&it); return 0; }
static int cb(u32 i, void *x) { int *s = x; *s += i; return 0; }
static int cb_it(u32 i, void *x) { int *v, s = 0; I; bpf_iter_num_new(&it, 0, 10); while ((v = bpf_iter_num_next(&it))) s += *v; bpf_iter_num_destroy(&it); return 0; }
static int cb_next(u32 i, void *x) { bpf_iter_num_next(x); return 0; }
S iter_in_loop(void *c) { bpf_loop(10, cb_it, 0, 0); return 0; }
S next_in_cb(void *c) { I; bpf_iter_num_new(&it, 0, 10); bpf_loop(10, cb_next, &it, 0); bpf_iter_num_destroy(&it); return 0; }
S mayg(void *c) { int i = 0, s = 0; while (i < vz && can_loop) { s += i; i++; } return s; }
S mayg4(void *c) { u64 i = 0; int s = 0; for (i = 0; i < 300; i++) { s += arr[i]; cond_break; } return s; }
S bounded(void *c) { int s = 0, i; for (i = 0; i < 200; i++) { s += vz; asm volatile("":"+r"(i)); } return s; }
S bounded_var(void *c) { int s = 0, i; int n = vz & 63; for (i = 0; i < n; i++) { s += arr[i]; } return s; }
