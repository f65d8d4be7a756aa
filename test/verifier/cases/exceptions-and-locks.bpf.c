// bpf_throw and its callback; RCU, preemption, interrupts and resilient locks.
#include "cases.h"
extern void bpf_throw(u64 cookie) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;
extern void bpf_local_irq_save(unsigned long *f__irq_flag) __ksym;
extern void bpf_local_irq_restore(unsigned long *f__irq_flag) __ksym;
extern int bpf_res_spin_lock(struct bpf_res_spin_lock *l) __ksym;
extern void bpf_res_spin_unlock(struct bpf_res_spin_lock *l) __ksym;
extern int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *l, unsigned long *f__irq_flag) __ksym;
extern void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *l, unsigned long *f__irq_flag) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int s, int e) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
#define __exception_cb(n) __attribute__((btf_decl_tag("exception_callback:" #n)))
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
struct rl { struct bpf_res_spin_lock l; int x; struct bpf_res_spin_lock *p; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, struct rl); } ra SEC(".maps");
struct sl { struct bpf_spin_lock l; int x; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, struct sl); } sa SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, int); __type(value, int); } hash SEC(".maps");
struct bpf_res_spin_lock gl1 SEC(".data.X") __hidden; struct bpf_res_spin_lock gl2 SEC(".data.X2") __hidden;
#define S SEC("tc") int
S thr(void *c) { bpf_throw(0); return 0; }
S thr_cond(struct __sk_buff *c) { if (c->len) bpf_throw(c->mark); return 0; }
static __noinline int st(struct __sk_buff *c) { if (c->len) bpf_throw(0); return c->mark; }
__noinline int gt(struct __sk_buff *c) { if (c->len) bpf_throw(0); return c->mark; }
S thr_static(struct __sk_buff *c) { return st(c); }
S thr_global(struct __sk_buff *c) { return gt(c); }
S thr_ref(struct __sk_buff *c) { void *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; if (c->len) bpf_throw(0); bpf_ringbuf_submit(p, 0); return 0; }
S thr_static_ref(struct __sk_buff *c) { void *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; st(c); bpf_ringbuf_submit(p, 0); return 0; }
S thr_global_ref(struct __sk_buff *c) { void *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; gt(c); bpf_ringbuf_submit(p, 0); return 0; }
S thr_rcu(struct __sk_buff *c) { bpf_rcu_read_lock(); bpf_throw(0); bpf_rcu_read_unlock(); return 0; }
S thr_rcu_static(struct __sk_buff *c) { bpf_rcu_read_lock(); st(c); bpf_rcu_read_unlock(); return 0; }
S thr_lock(struct __sk_buff *c) { int k=0; struct sl *v = bpf_map_lookup_elem(&sa, &k); if (!v) return 0; bpf_spin_lock(&v->l); bpf_throw(0); bpf_spin_unlock(&v->l); return 0; }
S thr_lock_static(struct __sk_buff *c) { int k=0; struct sl *v = bpf_map_lookup_elem(&sa, &k); if (!v) return 0; bpf_spin_lock(&v->l); st(c); bpf_spin_unlock(&v->l); return 0; }
S thr_preempt(struct __sk_buff *c) { bpf_preempt_disable(); bpf_throw(0); bpf_preempt_enable(); return 0; }
S thr_irq(struct __sk_buff *c) { unsigned long f; bpf_local_irq_save(&f); bpf_throw(0); return 0; }
S thr_iter(struct __sk_buff *c) { struct bpf_iter_num it; bpf_iter_num_new(&it, 0, 3); if (c->len) bpf_throw(0); bpf_iter_num_destroy(&it); return 0; }
static int cb_thr(u32 i, void *x) { bpf_throw(0); return 0; }
static int cb_thr2(void *m, int *k, int *v, void *x) { if (*v) bpf_throw(1); return 0; }
S thr_in_cb(struct __sk_buff *c) { bpf_loop(3, cb_thr, 0, 0); return 0; }
S thr_in_cb2(struct __sk_buff *c) { bpf_for_each_map_elem(&hash, cb_thr2, 0, 0); return 0; }
S thr_cb_ref(struct __sk_buff *c) { void *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; bpf_loop(3, cb_thr, 0, 0); bpf_ringbuf_submit(p, 0); return 0; }
S thr_arg_ptr(struct __sk_buff *c) { bpf_throw((u64)c); return 0; }
__noinline int ecb(u64 c) { return 0; }
__noinline int ecb_c(u64 c) { return c; }
__noinline int ecb_two(u64 c, u64 d) { return 0; }
__noinline int ecb_ptr(int *c) { return c ? *c : 0; }
static __noinline int ecb_static(u64 c) { return 0; }
__noinline int ecb_throw(u64 c) { bpf_throw(c); return 0; }
__noinline void ecb_void(u64 c) { asm volatile(""); }
__exception_cb(ecb) S withcb(struct __sk_buff *c) { if (c->len) bpf_throw(1); return 0; }
__exception_cb(ecb_c) S withcb_c(struct __sk_buff *c) { if (c->len) bpf_throw(1); return 0; }
__exception_cb(ecb_two) S withcb_two(struct __sk_buff *c) { bpf_throw(1); return ecb_two(1,2); }
__exception_cb(ecb_ptr) S withcb_ptr(struct __sk_buff *c) { bpf_throw(1); return ecb_ptr(0); }
__exception_cb(ecb_static) S withcb_static(struct __sk_buff *c) { bpf_throw(1); return ecb_static(1); }
__exception_cb(ecb_throw) S withcb_throw(struct __sk_buff *c) { bpf_throw(1); return 0; }
__exception_cb(ecb_void) S withcb_void(struct __sk_buff *c) { bpf_throw(1); return 0; }
__exception_cb(nosuch) S withcb_nosuch(struct __sk_buff *c) { bpf_throw(1); return 0; }
__exception_cb(ecb) __exception_cb(ecb_c) S withcb_dup(struct __sk_buff *c) { bpf_throw(1); return 0; }
__exception_cb(ecb) S withcb_called(struct __sk_buff *c) { if (c->len) bpf_throw(1); return ecb(3); }
__exception_cb(ecb) S withcb_nothrow(struct __sk_buff *c) { return 0; }
__exception_cb(ecb_c) SEC("cgroup_skb/egress") int cg_cb_c(struct __sk_buff *c) { if (c->len) bpf_throw(1); return 1; }
__exception_cb(ecb) SEC("cgroup_skb/egress") int cg_cb0(struct __sk_buff *c) { if (c->len) bpf_throw(1); return 1; }
SEC("cgroup_skb/egress") int cg_thr64(struct __sk_buff *c) { if (c->len) bpf_throw(64); return 1; }
SEC("cgroup_skb/egress") int cg_thr_unk(struct __sk_buff *c) { bpf_throw(c->len); return 1; }
SEC("cgroup_skb/egress") int cg_thr1(struct __sk_buff *c) { if (c->len) bpf_throw(1); return 1; }
SEC("kprobe/x") int kp_thr(void *c) { bpf_throw(0); return 0; }
SEC("tp_btf/task_newtask") int tpb_thr(void *c) { bpf_throw(12); return 0; }
SEC("syscall") int sys_thr(void *c) { bpf_throw(12); return 0; }
SEC("xdp") int xdp_thr(void *c) { bpf_throw(12); return 0; }
/* locks */
S irq_ok(void *c) { unsigned long f; bpf_local_irq_save(&f); bpf_local_irq_restore(&f); return 0; }
S irq_leak(void *c) { unsigned long f; bpf_local_irq_save(&f); return 0; }
S irq_restore(void *c) { unsigned long f; bpf_local_irq_restore(&f); return 0; }
S irq_restore_twice(void *c) { unsigned long f; bpf_local_irq_save(&f); bpf_local_irq_restore(&f); bpf_local_irq_restore(&f); return 0; }
S irq_nest(void *c) { unsigned long f, g; bpf_local_irq_save(&f); bpf_local_irq_save(&g); bpf_local_irq_restore(&g); bpf_local_irq_restore(&f); return 0; }
S irq_nest_ooo(void *c) { unsigned long f, g, h; bpf_local_irq_save(&f); bpf_local_irq_save(&g); bpf_local_irq_save(&h); bpf_local_irq_restore(&f); return 0; }
S irq_same(void *c) { unsigned long f; bpf_local_irq_save(&f); bpf_local_irq_save(&f); bpf_local_irq_restore(&f); return 0; }
S irq_over(void *c) { volatile unsigned long f; bpf_local_irq_save((void*)&f); f = 1; bpf_local_irq_restore((void*)&f); return 0; }
S irq_read(void *c) { volatile unsigned long f; bpf_local_irq_save((void*)&f); long x = f; bpf_local_irq_restore((void*)&f); return x; }
unsigned long gf;
S irq_global(void *c) { bpf_local_irq_save(&gf); bpf_local_irq_restore(&gf); return 0; }
S irq_copy(void *c) { unsigned long f, g; bpf_local_irq_save(&f); g = *(volatile long*)&f; bpf_local_irq_restore(&g); return 0; }
SEC("syscall") int irq_sleep(void *c) { unsigned long f; char b[4]; bpf_local_irq_save(&f); bpf_copy_from_user(b, 4, 0); bpf_local_irq_restore(&f); return 0; }
static __noinline void s_save(unsigned long *f) { bpf_local_irq_save(f); }
static __noinline void s_rest(unsigned long *f) { bpf_local_irq_restore(f); }
__noinline int g_fn(int x) { return x; }
__noinline int g_sleep(int x) { char b[4]; bpf_copy_from_user(b, 4, 0); return x; }
S irq_sub(void *c) { unsigned long f; s_save(&f); s_rest(&f); return 0; }
S irq_global_fn(struct __sk_buff *c) { unsigned long f; bpf_local_irq_save(&f); g_fn(c->len); bpf_local_irq_restore(&f); return 0; }
SEC("syscall") int irq_gsleep(void *c) { unsigned long f; bpf_local_irq_save(&f); g_sleep(1); bpf_local_irq_restore(&f); return 0; }
SEC("syscall") int rcu_gsleep(void *c) { bpf_rcu_read_lock(); g_sleep(1); bpf_rcu_read_unlock(); return 0; }
SEC("syscall") int pre_gsleep(void *c) { bpf_preempt_disable(); g_sleep(1); bpf_preempt_enable(); return 0; }
SEC("syscall") int gsleep(void *c) { g_sleep(1); return 0; }
S tc_gsleep(void *c) { g_sleep(1); return 0; }
S pre_ok(void *c) { bpf_preempt_disable(); bpf_preempt_disable(); bpf_preempt_enable(); bpf_preempt_enable(); return 0; }
S pre_leak(void *c) { bpf_preempt_disable(); return 0; }
S pre_unb(void *c) { bpf_preempt_disable(); bpf_preempt_disable(); bpf_preempt_enable(); return 0; }
S pre_gfn(struct __sk_buff *c) { bpf_preempt_disable(); g_fn(c->len); bpf_preempt_enable(); return 0; }
SEC("syscall") int pre_sleep(void *c) { char b[4]; bpf_preempt_disable(); bpf_copy_from_user(b, 4, 0); bpf_preempt_enable(); return 0; }
SEC("syscall") int rcu_sleep(void *c) { char b[4]; bpf_rcu_read_lock(); bpf_copy_from_user(b, 4, 0); bpf_rcu_read_unlock(); return 0; }
S rcu_gfn(struct __sk_buff *c) { bpf_rcu_read_lock(); g_fn(c->len); bpf_rcu_read_unlock(); return 0; }
static __noinline void s_rcu(void) { bpf_rcu_read_lock(); }
static __noinline void s_rcuu(void) { bpf_rcu_read_unlock(); }
__noinline int g_rcu(void) { bpf_rcu_read_lock(); return 0; }
__noinline int g_rcu_both(void) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); return 0; }
S rcu_sub(struct __sk_buff *c) { s_rcu(); s_rcuu(); return 0; }
S rcu_sub_leak(struct __sk_buff *c) { s_rcu(); return 0; }
S rcu_g(struct __sk_buff *c) { g_rcu(); return 0; }
S rcu_gboth(struct __sk_buff *c) { return g_rcu_both(); }
S rcu_nest(struct __sk_buff *c) { bpf_rcu_read_lock(); bpf_rcu_read_lock(); bpf_rcu_read_unlock(); bpf_rcu_read_unlock(); return 0; }
S rcu_gboth_in(struct __sk_buff *c) { bpf_rcu_read_lock(); g_rcu_both(); bpf_rcu_read_unlock(); return 0; }
static int cb_rcu(u32 i, void *x) { bpf_rcu_read_lock(); return 0; }
static int cb_rcu2(u32 i, void *x) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); return 0; }
S rcu_cb(struct __sk_buff *c) { bpf_loop(3, cb_rcu, 0, 0); return 0; }
S rcu_cb2(struct __sk_buff *c) { bpf_loop(3, cb_rcu2, 0, 0); return 0; }
static int cb_pre(u32 i, void *x) { bpf_preempt_disable(); return 0; }
S pre_cb(struct __sk_buff *c) { bpf_loop(3, cb_pre, 0, 0); return 0; }
#define R int k=0; struct rl *v = bpf_map_lookup_elem(&ra, &k); if (!v) return 0
S res_ok(void *c) { R; if (bpf_res_spin_lock(&v->l)) return 0; v->x++; bpf_res_spin_unlock(&v->l); return 0; }
S res_nocheck(void *c) { R; bpf_res_spin_lock(&v->l); bpf_res_spin_unlock(&v->l); return 0; }
S res_leak(void *c) { R; if (bpf_res_spin_lock(&v->l)) return 0; return 0; }
S res_unlock_only(void *c) { R; bpf_res_spin_unlock(&v->l); return 0; }
S res_two(void *c) { R; k=1; struct rl *w = bpf_map_lookup_elem(&ra, &k); if (!w) return 0; if (bpf_res_spin_lock(&v->l)) return 0; if (bpf_res_spin_lock(&w->l)) { bpf_res_spin_unlock(&v->l); return 0; } bpf_res_spin_unlock(&w->l); bpf_res_spin_unlock(&v->l); return 0; }
S res_two_ooo(void *c) { R; k=1; struct rl *w = bpf_map_lookup_elem(&ra, &k); if (!w) return 0; if (bpf_res_spin_lock(&v->l)) return 0; if (bpf_res_spin_lock(&w->l)) { bpf_res_spin_unlock(&v->l); return 0; } bpf_res_spin_unlock(&v->l); bpf_res_spin_unlock(&w->l); return 0; }
S res_same(void *c) { R; if (bpf_res_spin_lock(&v->l)) return 0; if (bpf_res_spin_lock(&v->l)) { bpf_res_spin_unlock(&v->l); return 0; } bpf_res_spin_unlock(&v->l); bpf_res_spin_unlock(&v->l); return 0; }
S res_irq(void *c) { R; unsigned long f; if (bpf_res_spin_lock_irqsave(&v->l, &f)) return 0; bpf_res_spin_unlock_irqrestore(&v->l, &f); return 0; }
S res_irq_mix(void *c) { R; unsigned long f; if (bpf_res_spin_lock_irqsave(&v->l, &f)) return 0; bpf_local_irq_restore(&f); bpf_res_spin_unlock(&v->l); return 0; }
S res_irq_mix2(void *c) { R; unsigned long f; bpf_local_irq_save(&f); if (bpf_res_spin_lock(&v->l)) { bpf_local_irq_restore(&f); return 0; } bpf_res_spin_unlock_irqrestore(&v->l, &f); return 0; }
S res_irq_unlock_plain(void *c) { R; unsigned long f; if (bpf_res_spin_lock_irqsave(&v->l, &f)) return 0; bpf_res_spin_unlock(&v->l); return 0; }
S res_helper(void *c) { R; if (bpf_res_spin_lock(&v->l)) return 0; bpf_get_prandom_u32(); bpf_res_spin_unlock(&v->l); return 0; }
S res_off(void *c) { R; if (bpf_res_spin_lock((void*)&v->x)) return 0; return 0; }
S res_null(void *c) { if (bpf_res_spin_lock(0)) return 0; return 0; }
S res_stack(void *c) { struct bpf_res_spin_lock l = {}; if (bpf_res_spin_lock(&l)) return 0; return 0; }
S res_spin(void *c) { R; bpf_spin_lock((void*)&v->l); bpf_spin_unlock((void*)&v->l); return 0; }
S spin_res(void *c) { int k=0; struct sl *v = bpf_map_lookup_elem(&sa, &k); if (!v) return 0; bpf_res_spin_lock((void*)&v->l); return 0; }
S res_global(void *c) { if (bpf_res_spin_lock(&gl1)) return 0; bpf_res_spin_unlock(&gl1); return 0; }
S res_global2(void *c) { if (bpf_res_spin_lock(&gl1)) return 0; if (bpf_res_spin_lock(&gl2)) { bpf_res_spin_unlock(&gl1); return 0; } bpf_res_spin_unlock(&gl2); bpf_res_spin_unlock(&gl1); return 0; }
S res_gfn(struct __sk_buff *c) { if (bpf_res_spin_lock(&gl1)) return 0; g_fn(c->len); bpf_res_spin_unlock(&gl1); return 0; }
S res_ret_range(void *c) { R; int r = bpf_res_spin_lock(&v->l); if (r < 0) return 0; bpf_res_spin_unlock(&v->l); return 0; }
S res_ret_pos(void *c) { R; int r = bpf_res_spin_lock(&v->l); if (r > 0) return 0; bpf_res_spin_unlock(&v->l); return 0; }
SEC("kprobe/x") int res_kp(void *c) { R; if (bpf_res_spin_lock(&v->l)) return 0; bpf_res_spin_unlock(&v->l); return 0; }
SEC("perf_event") int res_pe(void *c) { R; if (bpf_res_spin_lock(&v->l)) return 0; bpf_res_spin_unlock(&v->l); return 0; }
SEC("socket") int res_sf(void *c) { R; return 0; }
