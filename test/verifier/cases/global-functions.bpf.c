// Global functions: arguments of every type and tag, results, contexts.
#include "cases.h"
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
#ifndef __arg_ctx
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute((btf_decl_tag("arg:trusted")))
#define __arg_arena __attribute((btf_decl_tag("arg:arena")))
#endif
#ifndef __arg_nullable
#define __arg_nullable __attribute((btf_decl_tag("arg:nullable")))
#endif
#define __arg_untrusted __attribute((btf_decl_tag("arg:untrusted")))
#define __arg_bad __attribute((btf_decl_tag("arg:banana")))
#define G __noinline
struct big { int a[40]; }; struct small { int x; long y; }; struct flex { int n; int a[]; };
struct inc;
enum e1 { A1, B1 };
typedef struct small small_t; typedef int myint; typedef const struct small *csmall;
G int g_int(int x) { return x & 7; }
G int g_ptr(int *p) { return p ? *p : 0; }
G int g_ptr_noch(int *p) { return *p; }
G int g_nonnull(int *p __arg_nonnull) { return *p; }
G int g_small(struct small *s) { return s ? s->x : 0; }
G int g_small_w(struct small *s) { if (s) s->y = 1; return 0; }
G int g_csmall(const struct small *s) { return s ? s->x : 0; }
G int g_csmall_w(const struct small *s) { if (s) *(volatile int*)&s->x = 0; return 0; }
G int g_tsmall(small_t *s) { return s ? s->x : 0; }
G int g_flex(struct flex *s) { return s ? s->n : 0; }
G int g_flex_a(struct flex *s) { return s ? s->a[0] : 0; }
G int g_big(struct big *s) { return s ? s->a[39] : 0; }
G int g_void(void *p) { return p != 0; }
G int g_char(char *p) { return p ? *p : 0; }
G int g_pp(int **p) { return p != 0; }
G int g_arr(int (*p)[10]) { return p ? (*p)[9] : 0; }
G int g_arr_oob(int (*p)[10]) { return p ? ((int*)p)[10] : 0; }
G int g_inc(struct inc *p) { return p != 0; }
G int g_enum(enum e1 e) { return e; }
G int g_bool(bool b) { return b; }
G int g_u8(u8 b) { return b; }
G int g_ll(long a, u64 b) { return a + b; }
G int g_six(int a, int b, int c, int d, int e) { return a+b+c+d+e; }
G void g_retvoid(int x) { asm volatile(""); }
G long g_retlong(int x) { return x; }
G int *g_retptr(int x) { return 0; }
G u8 g_retu8(int x) { return x; }
G enum e1 g_retenum(int x) { return x; }
G int g_ctx(struct __sk_buff *c) { return c->len; }
G int g_ctxtag(void *c __arg_ctx) { return ((struct __sk_buff*)c)->len; }
G int g_xdpctx(struct xdp_md *c) { return c->data_end - c->data; }
G int g_ptregs(struct pt_regs *c) { return c->ip; }
G int g_task(struct task_struct *t) { return t ? t->pid : 0; }
G int g_task_tr(struct task_struct *t __arg_trusted) { return t->pid; }
G int g_task_trn(struct task_struct *t __arg_trusted __arg_nullable) { return t ? t->pid : 0; }
G int g_task_trn_noch(struct task_struct *t __arg_trusted __arg_nullable) { return t->pid; }
G int g_task_unt(struct task_struct *t __arg_untrusted) { return t->pid; }
G int g_task_acq(struct task_struct *t __arg_trusted) { struct task_struct *a = bpf_task_acquire(t); if (a) bpf_task_release(a); return 0; }
G int g_task_unt_acq(struct task_struct *t __arg_untrusted) { struct task_struct *a = bpf_task_acquire(t); if (a) bpf_task_release(a); return 0; }
G int g_task_rel(struct task_struct *t __arg_trusted) { bpf_task_release(t); return 0; }
G int g_int_unt(int *p __arg_untrusted) { return *p; }
G int g_char_unt(char *p __arg_untrusted) { return p[5]; }
G int g_void_unt(void *p __arg_untrusted) { return *(int*)p; }
G int g_small_unt(struct small *p __arg_untrusted) { return p->x; }
G int g_int_unt_w(int *p __arg_untrusted) { *p = 1; return 0; }
G int g_pp_unt(int **p __arg_untrusted) { return **p; }
G int g_bad(int *p __arg_bad) { return p ? *p : 0; }
G int g_nn_scalar(int p __arg_nonnull) { return p; }
G int g_ctx_scalar(int p __arg_ctx) { return p; }
G int g_two(struct small *s __arg_nonnull, int n) { return s->x + n; }
G int g_null_ok(int *p __arg_nullable) { return p ? *p : 0; }
G int g_mem_nullable_noch(int *p __arg_nullable) { return *p; }
G int g_rec(int n) { if (n <= 0) return 0; return n; }
G int g_unused_bad(int *p) { return p[3]; }
static __noinline int s_ptr(int *p) { return *p; }
G int g_calls_static(int *p __arg_nonnull) { return s_ptr(p); }
G int g_calls_global(int *p) { return g_ptr(p); }
G int g_calls_global_nn(int *p) { return g_nonnull(p); }
G int g_stack(int x) { volatile char b[256]; b[x & 255] = 1; return b[0]; }
G int g_stack2(int x) { volatile char b[300]; b[0] = 1; return g_stack(x) + b[0]; }
G int g_tail(struct __sk_buff *c) { return 0; }
G __weak int g_weak(int x) { return x; }
#define S SEC("tc") int
S c_int(struct __sk_buff *c) { return g_int(c->len); }
S c_ptr(struct __sk_buff *c) { int x = c->len; return g_ptr(&x); }
S c_ptr_null(struct __sk_buff *c) { return g_ptr(0); }
S c_ptr_noch(struct __sk_buff *c) { int x = 1; return g_ptr_noch(&x); }
S c_nonnull(struct __sk_buff *c) { int x = 1; return g_nonnull(&x); }
S c_nonnull_null(struct __sk_buff *c) { return g_nonnull(0); }
S c_ptr_uninit(struct __sk_buff *c) { int x; return g_ptr(&x); }
S c_ptr_small(struct __sk_buff *c) { char x[3]; return g_ptr((int*)x); }
S c_ptr_ctx(struct __sk_buff *c) { return g_ptr((int*)c); }
S c_ptr_scalar(struct __sk_buff *c) { return g_ptr((int*)(long)c->len); }
S c_small(struct __sk_buff *c) { struct small s = {}; return g_small(&s); }
S c_small_w(struct __sk_buff *c) { struct small s = {}; return g_small_w(&s); }
S c_csmall(struct __sk_buff *c) { struct small s = {}; return g_csmall(&s); }
S c_csmall_w(struct __sk_buff *c) { struct small s = {}; return g_csmall_w(&s); }
S c_tsmall(struct __sk_buff *c) { struct small s = {}; return g_tsmall(&s); }
S c_flex(struct __sk_buff *c) { struct small s = {}; return g_flex((void*)&s); }
S c_flex_a(struct __sk_buff *c) { struct small s = {}; return g_flex_a((void*)&s); }
S c_big(struct __sk_buff *c) { struct big s = {}; return g_big(&s); }
S c_big_short(struct __sk_buff *c) { struct small s = {}; return g_big((void*)&s); }
S c_char(struct __sk_buff *c) { char x = 1; return g_char(&x); }
S c_pp(struct __sk_buff *c) { int *x = 0; return g_pp(&x); }
S c_arr(struct __sk_buff *c) { int x[10] = {}; return g_arr(&x); }
S c_arr_oob(struct __sk_buff *c) { int x[11] = {}; return g_arr_oob((void*)&x); }
S c_enum(struct __sk_buff *c) { return g_enum(c->len); }
S c_bool(struct __sk_buff *c) { return g_bool(c->len); }
S c_u8(struct __sk_buff *c) { return g_u8(c->len); }
S c_ll(struct __sk_buff *c) { return g_ll(c->len, c->mark); }
S c_ll_ptr(struct __sk_buff *c) { return g_ll((long)c, c->mark); }
S c_six(struct __sk_buff *c) { return g_six(1,2,3,4,5); }
S c_retlong(struct __sk_buff *c) { return g_retlong(3); }
S c_retptr(struct __sk_buff *c) { return g_retptr(3) != 0; }
S c_retu8(struct __sk_buff *c) { return g_retu8(3); }
S c_retenum(struct __sk_buff *c) { return g_retenum(3); }
S c_ctx(struct __sk_buff *c) { return g_ctx(c); }
S c_ctx_off(struct __sk_buff *c) { return g_ctx((void*)c + 8); }
S c_ctx_null(struct __sk_buff *c) { return g_ctx(0); }
S c_ctxtag(struct __sk_buff *c) { return g_ctxtag(c); }
S c_xdpctx(struct __sk_buff *c) { return g_xdpctx((void*)c); }
SEC("xdp") int x_xdpctx(struct xdp_md *c) { return g_xdpctx(c) & 1; }
SEC("xdp") int x_ctxtag(struct xdp_md *c) { return g_ctxtag(c) & 1; }
SEC("kprobe/x") int k_ptregs(struct pt_regs *c) { return g_ptregs(c); }
SEC("kprobe/x") int k_int(struct pt_regs *c) { return g_int(4); }
SEC("perf_event") int pe_ctxtag(void *c) { return g_ctxtag(c); }
SEC("raw_tp/x") int rt_ctxtag(void *c) { return g_ctxtag(c); }
SEC("tp/x/y") int tp_ctxtag(void *c) { return g_ctxtag(c); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task, struct task_struct *t, u64 f) { return g_task(t); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_tr, struct task_struct *t, u64 f) { return g_task_tr(t); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_trn, struct task_struct *t, u64 f) { return g_task_trn(t) + g_task_trn(0); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_trn_noch, struct task_struct *t, u64 f) { return g_task_trn_noch(t); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_null, struct task_struct *t, u64 f) { return g_task_tr(0); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_untrusted_to_tr, struct task_struct *t, u64 f) { return g_task_tr(t->last_wakee); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_parent_to_tr, struct task_struct *t, u64 f) { return g_task_tr(t->real_parent); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_unt, struct task_struct *t, u64 f) { return g_task_unt(t->last_wakee) + g_task_unt(t) + g_task_unt((void*)f) + g_task_unt(0); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_acq, struct task_struct *t, u64 f) { return g_task_acq(t); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_unt_acq, struct task_struct *t, u64 f) { return g_task_unt_acq(t); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_rel, struct task_struct *t, u64 f) { return g_task_rel(t); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_wrong, struct task_struct *t, u64 f) { return g_task_tr((void*)t->mm); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_task_offs, struct task_struct *t, u64 f) { return g_task_tr((void*)t + 8); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_intunt, struct task_struct *t, u64 f) { return g_int_unt((void*)f); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_charunt, struct task_struct *t, u64 f) { return g_char_unt((void*)t); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_voidunt, struct task_struct *t, u64 f) { return g_void_unt((void*)t); }
SEC("tp_btf/task_newtask") int BPF_PROG(t_intuntw, struct task_struct *t, u64 f) { return g_int_unt_w((void*)t); }
S c_bad(struct __sk_buff *c) { int x = 0; return g_bad(&x); }
S c_nn_scalar(struct __sk_buff *c) { return g_nn_scalar(1); }
S c_ctx_scalar(struct __sk_buff *c) { return g_ctx_scalar(1); }
S c_two(struct __sk_buff *c) { struct small s = {}; return g_two(&s, c->len); }
S c_nullok(struct __sk_buff *c) { return g_null_ok(0); }
S c_nullnoch(struct __sk_buff *c) { return g_mem_nullable_noch(0); }
S c_unused(struct __sk_buff *c) { return 0; }
S c_callsstatic(struct __sk_buff *c) { int x = 1; return g_calls_static(&x); }
S c_callsglobal(struct __sk_buff *c) { int x = 1; return g_calls_global(&x); }
S c_callsglobalnn(struct __sk_buff *c) { int x = 1; return g_calls_global_nn(&x); }
S c_stack(struct __sk_buff *c) { return g_stack(1); }
S c_stack2(struct __sk_buff *c) { return g_stack2(1); }
S c_weak(struct __sk_buff *c) { return g_weak(1); }
S c_ret_range(struct __sk_buff *c) { int x[8] = {}; return x[g_int(c->len) & 7]; }
S c_ret_range2(struct __sk_buff *c) { int x[8] = {}; long i = g_int(c->len); asm volatile("":"+r"(i)); return *((char*)x + i); }
S c_pkt(struct __sk_buff *c) { char *p = (void*)(long)c->data; if (p + 4 > (char*)(long)c->data_end) return 0; return g_ptr((void*)p); }
S c_map(struct __sk_buff *c) { static int x; return g_ptr(&x); }
S c_rodata(struct __sk_buff *c) { static const volatile int x = 4; return g_ptr((int*)&x); }
S c_r1_clobber(struct __sk_buff *c) { g_int(1); asm volatile("r0 = r1" ::: "r0"); return 0; }
SEC("cgroup_skb/egress") int cg_ret(struct __sk_buff *c) { return g_int(1); }
SEC("cgroup_skb/egress") int cg_retbool(struct __sk_buff *c) { return g_bool(1); }
SEC("cgroup_skb/egress") int cg_retu8(struct __sk_buff *c) { return g_retu8(1) & 1; }
