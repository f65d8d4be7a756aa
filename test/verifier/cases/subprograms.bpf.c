// Static functions: stack depth, call depth, tail calls, packet pointers across calls; iterators and struct_ops.
#include "cases.h"
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } jmp SEC(".maps");
#define S SEC("tc") int
#define FR(n, sz) static __noinline int n(int x) { volatile char b[sz]; b[x & 7] = x; return b[0]; }
FR(f64, 64) FR(f128, 128) FR(f256, 256) FR(f400, 400) FR(f496, 496) FR(f504, 504) FR(f508,508)
static __noinline int n2(int x) { volatile char b[200]; b[x & 7] = x; return f256(x) + b[0]; }
static __noinline int n3(int x) { volatile char b[64]; b[x & 7] = x; return n2(x) + b[0]; }

S d2(struct __sk_buff *c) { volatile char b[8]; b[0] = 1; return f504(c->len) + b[0]; }
S d3(struct __sk_buff *c) { volatile char b[16]; b[0] = 1; return f496(c->len) + b[0]; }
S d4(struct __sk_buff *c) { volatile char b[32]; b[0] = 1; return f496(c->len) + b[0]; }
S d5(struct __sk_buff *c) { return n3(c->len); }
S d6(struct __sk_buff *c) { volatile char b[16]; b[0] = 1; return n3(c->len) + b[0]; }
SEC("kprobe/x") int k6(void *c) { volatile char b[300]; b[0] = 1; return n3(3) + b[0]; }
SEC("tp/x/y") int tp6(void *c) { volatile char b[500]; b[0] = 1; return f508(3) + b[0]; }
SEC("perf_event") int pe6(void *c) { volatile char b[500]; b[0] = 1; return f508(3) + b[0]; }
SEC("raw_tp/x") int rt6(void *c) { volatile char b[40]; b[0] = 1; return f504(3) + b[0]; }
SEC("xdp") int x6(void *c) { volatile char b[40]; b[0] = 1; return f504(3) + b[0]; }
static __noinline int t1(struct __sk_buff *c) { bpf_tail_call(c, &jmp, 0); return 0; }
SEC("kprobe/x") int kt(void *c) { volatile char b[400]; b[0] = 1; return f256(3) + b[0]; }
S tt(struct __sk_buff *c) { return t1(c); }
S tt2(struct __sk_buff *c) { volatile char b[248]; b[0] = 1; return t1(c) + b[0]; }
static __noinline int rec(int x);
static __noinline int rec2(int x) { return x > 3 ? rec(x - 1) : 0; }
static __noinline int rec(int x) { return x > 4 ? rec2(x - 1) : 1; }
S recur(struct __sk_buff *c) { return rec(c->len); }
#define CH(n, m) static __noinline int n(int x) { return m(x) + x; }
static __noinline int c0(int x) { return x; }
CH(c1, c0) CH(c2, c1) CH(c3, c2) CH(c4, c3) CH(c5, c4) CH(c6, c5) CH(c7, c6) CH(c8, c7)
S ch7(struct __sk_buff *c) { return c6(c->len); }
S ch8(struct __sk_buff *c) { return c7(c->len); }
S ch6(struct __sk_buff *c) { return c5(c->len); }
static __noinline int pull(struct __sk_buff *c) { return bpf_skb_pull_data(c, 0); }
static __noinline int nopull(struct __sk_buff *c) { return c->len; }
__noinline int gpull(struct __sk_buff *c) { return bpf_skb_pull_data(c, 0); }
__noinline int gpull2(struct __sk_buff *c) { return gpull(c); }
__noinline int gno(struct __sk_buff *c) { return c->len; }
#define P(n, f) S n(struct __sk_buff *c) { char *p = (void*)(long)c->data; if (p + 1 > (char*)(long)c->data_end) return 0; f(c); return *p; }
P(p1, pull) P(p2, nopull) P(p3, gpull) P(p4, gno) P(p5, gpull2)
static __noinline char *getp(struct __sk_buff *c) { return (void*)(long)c->data; }
S p6(struct __sk_buff *c) { char *p = getp(c); if (p + 1 > (char*)(long)c->data_end) return 0; return *p; }
static __noinline int inb(char *p, char *e) { return p + 1 <= e; }
S p7(struct __sk_buff *c) { char *p = (void*)(long)c->data; if (!inb(p, (void*)(long)c->data_end)) return 0; return *p; }
static __noinline int rd(char *p) { return *p; }
S p8(struct __sk_buff *c) { char *p = (void*)(long)c->data; if (p + 1 > (char*)(long)c->data_end) return 0; return rd(p); }
static __noinline int lcb(u32 i, struct __sk_buff **c) { bpf_skb_pull_data(*c, 0); return 0; }
S p9(struct __sk_buff *c) { struct __sk_buff *cc = c; char *p = (void*)(long)c->data; if (p + 1 > (char*)(long)c->data_end) return 0; bpf_loop(2, lcb, &cc, 0); return *p; }
static __noinline int retstack(int **p) { int x = 1; *p = &x; asm volatile("" :: "r"(&x) : "memory"); return 0; }
S rs(struct __sk_buff *c) { int *p = 0; retstack(&p); return *p; }
static __noinline int *rets(void) { int x = 1; int *p = &x; asm volatile("" : "+r"(p)); return p; }
S rs2(struct __sk_buff *c) { return *rets(); }
static __noinline int wr(int *p) { *p = 3; return 0; }
S ws(struct __sk_buff *c) { int x; wr(&x); return x; }
static __noinline int bnd(int x) { if (x > 7 || x < 0) return 0; return x; }
S bs(struct __sk_buff *c) { int a[8] = {}; return a[bnd(c->len)]; }
static __noinline int nb(int x) { return x; }
S nbs(struct __sk_buff *c) { int a[8] = {}; return a[nb(c->len)]; }
SEC("iter/task") int it(struct bpf_iter__task *c) { struct task_struct *t = c->task; struct seq_file *s = c->meta->seq; if (!t) return 0; bpf_seq_printf(s, "%d", 3, &t->pid, 8); return 0; }
SEC("iter/task") int it_nc(struct bpf_iter__task *c) { return c->task->pid & 1; }
SEC("iter/task") int it_ret2(struct bpf_iter__task *c) { return 2; }
SEC("iter/bpf_map_elem") int itm(struct bpf_iter__bpf_map_elem *c) { u32 *k = c->key; u64 *v = c->value; if (!k || !v) return 0; return *k & 1; }
SEC("iter/bpf_map_elem") int itm_w(struct bpf_iter__bpf_map_elem *c) { u64 *v = c->value; if (v) *v = 1; return 0; }
SEC("iter/bpf_map_elem") int itm_wk(struct bpf_iter__bpf_map_elem *c) { u64 *v = c->key; if (v) *v = 1; return 0; }
SEC("iter/cgroup") int itc(struct bpf_iter__cgroup *c) { struct cgroup *g = c->cgroup; return g ? g->level & 1 : 0; }
SEC("iter/tcp") int itt(struct bpf_iter__tcp *c) { struct sock_common *s = c->sk_common; struct tcp_sock *t; if (!s) return 0; t = bpf_skc_to_tcp_sock(s); return t ? t->snd_cwnd & 1 : 0; }
SEC("iter.s/task") int its(struct bpf_iter__task *c) { char b[4]; bpf_copy_from_user(b, 4, 0); return 0; }
SEC("struct_ops/init") void BPF_PROG(so_init, struct sock *sk) { struct tcp_sock *t = (void*)sk; t->snd_cwnd = 3; }
SEC("struct_ops/ssthresh") u32 BPF_PROG(so_ssth, struct sock *sk) { struct tcp_sock *t = (void*)sk; return t->snd_cwnd; }
SEC("struct_ops/undo") u32 BPF_PROG(so_undo, struct sock *sk) { sk->sk_priority = 1; return 0; }
SEC(".struct_ops") struct tcp_congestion_ops tco = { .init = (void*)so_init, .ssthresh = (void*)so_ssth, .undo_cwnd = (void*)so_undo, .name = "bpf_h" };
