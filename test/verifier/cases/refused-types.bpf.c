// An object whose BTF the kernel refuses: loaders go on without types.
#include "cases.h"
extern void *bpf_obj_new_impl(u64 id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym;
struct gnode { long key; struct bpf_list_node l; struct bpf_rb_node r; };
struct v { int a; int b; struct bpf_timer t; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, struct v); } m SEC(".maps");
SEC("tc") int objnew(void *c) { struct gnode *n = bpf_obj_new_impl(bpf_core_type_id_local(struct gnode), 0); if (n) bpf_obj_drop_impl(n, 0); return 0; }
SEC("tc") int plain(void *c) { return 0; }
__noinline int g(int x) { return x * 3; }
__noinline int gp(int *x) { return *x; }
SEC("tc") int global(struct __sk_buff *c) { return g(c->len); }
SEC("tc") int globalp(struct __sk_buff *c) { int x = c->len; return gp(&x); }
static int cb(void *map, int *key, struct v *v) { return 0; }
SEC("tc") int timer(struct __sk_buff *c) { int k = 0; struct v *v = bpf_map_lookup_elem(&m, &k); if (v) bpf_timer_init(&v->t, &m, 1); return 0; }
SEC("tc") int loop(struct __sk_buff *c) { bpf_for_each_map_elem(&m, cb, 0, 0); return 0; }
SEC("tc") int rd(struct __sk_buff *c) { int k = 0; struct v *v = bpf_map_lookup_elem(&m, &k); return v ? *(volatile int*)&v->t : 0; }
SEC("tp_btf/task_newtask") int BPF_PROG(tpb, struct task_struct *task, u64 f) { return task->pid & 0; }
