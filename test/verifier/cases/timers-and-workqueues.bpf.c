// bpf_timer, bpf_wq and bpf_task_work in map values, and their callbacks.
#include "cases.h"
extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (cb)(void *map, int *key, void *value), unsigned int flags, void *aux) __ksym;
struct t1 { int a; struct bpf_timer t; int b; };
struct w1 { int a; struct bpf_wq w; int b; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, struct t1); } ta SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, int); __type(value, struct t1); } th SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 2); __type(key, int); __type(value, struct w1); } wh SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, struct w1); } wa SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, long); } plain SEC(".maps");
static int cb(void *map, int *key, struct t1 *v) { v->a = *key; return 0; }
static int cb_ret1(void *map, int *key, struct t1 *v) { return 1; }
static int cb_retn(void *map, int *key, struct t1 *v) { return v->a; }
static int cb_wkey(void *map, int *key, struct t1 *v) { *key = 1; return 0; }
static int cb_oob(void *map, int *key, struct t1 *v) { return *(&v->b + 1) & 0; }
static int cb_oobkey(void *map, int *key, struct t1 *v) { return key[1] & 0; }
static int cb_timer(void *map, int *key, struct t1 *v) { bpf_timer_start(&v->t, 10, 0); return 0; }
static int cb_cancel(void *map, int *key, struct t1 *v) { bpf_timer_cancel(&v->t); return 0; }
static int cb_init(void *map, int *key, struct t1 *v) { bpf_timer_init(&v->t, map, 1); return 0; }
static int cb_del(void *map, int *key, struct t1 *v) { bpf_map_delete_elem(map, key); return 0; }
static int cb_upd(void *map, int *key, struct t1 *v) { bpf_map_update_elem(map, key, v, 0); return 0; }
static int cb_self(void *map, int *key, struct t1 *v) { bpf_timer_set_callback(&v->t, cb_self); return 0; }
static int cb_sleep(void *map, int *key, struct t1 *v) { char b[4]; bpf_copy_from_user(b, 4, 0); return 0; }
static int cb_stack(void *map, int *key, struct t1 *v) { volatile char b[400]; b[0] = 1; return 0; }
static int wcb(void *map, int *key, void *v) { return 0; }
static int wcb_sleep(void *map, int *key, void *v) { char b[4]; bpf_copy_from_user(b, 4, 0); return 0; }
static int wcb_retn(void *map, int *key, struct w1 *v) { return v->a; }
static int wcb_val(void *map, int *key, struct w1 *v) { v->b = v->a; return 0; }
#define T int k = 0; struct t1 *v = bpf_map_lookup_elem(&ta, &k); if (!v) return 0
#define W int k = 0; struct w1 *v = bpf_map_lookup_elem(&wa, &k); if (!v) return 0
#define TP SEC("tc") int
TP t_init(void *c) { T; bpf_timer_init(&v->t, &ta, 1); bpf_timer_set_callback(&v->t, cb); bpf_timer_start(&v->t, 0, 0); return 0; }
TP t_init_other_map(void *c) { T; bpf_timer_init(&v->t, &th, 1); return 0; }
TP t_init_off(void *c) { T; bpf_timer_init((void*)&v->b, &ta, 1); return 0; }
TP t_init_off2(void *c) { T; bpf_timer_init((void*)&v->t + 4, &ta, 1); return 0; }
TP t_init_start0(void *c) { T; bpf_timer_init((void*)v, &ta, 1); return 0; }
TP t_init_var(struct __sk_buff *c) { T; bpf_timer_init((void*)&v->t + (c->len & 8), &ta, 1); return 0; }
TP t_init_stack(void *c) { struct bpf_timer t = {}; bpf_timer_init(&t, &ta, 1); return 0; }
TP t_init_plain(void *c) { int k = 0; long *v = bpf_map_lookup_elem(&plain, &k); if (!v) return 0; bpf_timer_init((void*)v, &plain, 1); return 0; }
TP t_init_null(void *c) { bpf_timer_init(0, &ta, 1); return 0; }
TP t_init_ornull(void *c) { int k = 0; struct t1 *v = bpf_map_lookup_elem(&ta, &k); bpf_timer_init((void*)v, &ta, 1); return 0; }
TP t_init_hash_in(void *c) { int k = 0; struct t1 *v = bpf_map_lookup_elem(&th, &k); if (!v) return 0; bpf_timer_init(&v->t, &th, 1); bpf_timer_set_callback(&v->t, cb); return 0; }
TP t_read(void *c) { T; return *(volatile int*)&v->t; }
TP t_write(void *c) { T; *(volatile u64*)&v->t = 0; return 0; }
TP t_read_span(void *c) { T; u64 x; asm volatile("%0 = *(u64*)(%1+0)" : "=r"(x) : "r"(v)); return x; }
TP t_read_after(void *c) { T; return v->b; }
TP t_helper(void *c) { T; bpf_skb_load_bytes(c, 0, v, sizeof *v); return 0; }
TP t_helper_ok(void *c) { T; bpf_skb_load_bytes(c, 0, v, 4); return 0; }
TP t_helper_tail(void *c) { T; bpf_skb_load_bytes(c, 0, &v->b, 4); return 0; }
TP t_xadd(void *c) { T; __sync_fetch_and_add(&v->b, 1); return 0; }
TP t_xadd_timer(void *c) { T; __sync_fetch_and_add((u64*)&v->t, 1); return 0; }
TP t_cb_ret1(void *c) { T; bpf_timer_set_callback(&v->t, cb_ret1); return 0; }
TP t_cb_retn(void *c) { T; bpf_timer_set_callback(&v->t, cb_retn); return 0; }
TP t_cb_wkey(void *c) { T; bpf_timer_set_callback(&v->t, cb_wkey); return 0; }
TP t_cb_oob(void *c) { T; bpf_timer_set_callback(&v->t, cb_oob); return 0; }
TP t_cb_oobkey(void *c) { T; bpf_timer_set_callback(&v->t, cb_oobkey); return 0; }
TP t_cb_timer(void *c) { T; bpf_timer_set_callback(&v->t, cb_timer); return 0; }
TP t_cb_cancel(void *c) { T; bpf_timer_set_callback(&v->t, cb_cancel); return 0; }
TP t_cb_init(void *c) { T; bpf_timer_set_callback(&v->t, cb_init); return 0; }
TP t_cb_del(void *c) { T; bpf_timer_set_callback(&v->t, cb_del); return 0; }
TP t_cb_upd(void *c) { T; bpf_timer_set_callback(&v->t, cb_upd); return 0; }
TP t_cb_self(void *c) { T; bpf_timer_set_callback(&v->t, cb_self); return 0; }
TP t_cb_sleep(void *c) { T; bpf_timer_set_callback(&v->t, cb_sleep); return 0; }
TP t_cb_stack(void *c) { T; volatile char x[300]; x[1] = 2; bpf_timer_set_callback(&v->t, cb_stack); return 0; }
TP t_cb_null(void *c) { T; bpf_timer_set_callback(&v->t, 0); return 0; }
TP t_cb_scalar(struct __sk_buff *c) { T; bpf_timer_set_callback(&v->t, (void*)(long)c->len); return 0; }
TP t_cb_twice(void *c) { T; bpf_timer_set_callback(&v->t, cb); bpf_timer_set_callback(&v->t, cb_timer); return 0; }
SEC("kprobe/x") int t_kprobe(void *c) { T; bpf_timer_start(&v->t, 0, 0); return 0; }
SEC("tp_btf/task_newtask") int t_tpbtf(void *c) { T; bpf_timer_init(&v->t, &ta, 1); return 0; }
SEC("perf_event") int t_pe(void *c) { T; bpf_timer_init(&v->t, &ta, 1); return 0; }
SEC("xdp") int t_xdp(void *c) { T; bpf_timer_init(&v->t, &ta, 1); return 0; }
SEC("socket") int t_sock(void *c) { T; bpf_timer_init(&v->t, &ta, 1); return 0; }
SEC("syscall") int t_sysc(void *c) { T; bpf_timer_init(&v->t, &ta, 1); bpf_timer_set_callback(&v->t, cb_sleep); return 0; }
SEC("syscall") int t_sysc2(void *c) { T; bpf_timer_init(&v->t, &ta, 1); bpf_timer_set_callback(&v->t, cb); return 0; }
TP w_init(void *c) { W; bpf_wq_init(&v->w, &wa, 0); bpf_wq_set_callback_impl(&v->w, wcb, 0, 0); bpf_wq_start(&v->w, 0); return 0; }
TP w_init_other(void *c) { W; bpf_wq_init(&v->w, &wh, 0); return 0; }
TP w_init_off(void *c) { W; bpf_wq_init((void*)v, &wa, 0); return 0; }
TP w_init_off2(void *c) { W; bpf_wq_init((void*)&v->b, &wa, 0); return 0; }
TP w_init_var(struct __sk_buff *c) { W; bpf_wq_init((void*)&v->w + (c->len & 8), &wa, 0); return 0; }
TP w_init_stack(void *c) { struct bpf_wq w = {}; bpf_wq_init(&w, &wa, 0); return 0; }
TP w_init_null(void *c) { bpf_wq_init(0, &wa, 0); return 0; }
TP w_init_nomap(void *c) { W; bpf_wq_init(&v->w, v, 0); return 0; }
TP w_init_plain(void *c) { int k=0; long *v = bpf_map_lookup_elem(&plain, &k); if (!v) return 0; bpf_wq_init((void*)v, &plain, 0); return 0; }
TP w_init_timer(void *c) { T; bpf_wq_init((void*)&v->t, &ta, 0); return 0; }
TP w_cb_sleep(void *c) { W; bpf_wq_set_callback_impl(&v->w, wcb_sleep, 0, 0); return 0; }
TP w_cb_retn(void *c) { W; bpf_wq_set_callback_impl(&v->w, (void*)wcb_retn, 0, 0); return 0; }
TP w_cb_val(void *c) { W; bpf_wq_set_callback_impl(&v->w, (void*)wcb_val, 0, 0); return 0; }
TP w_cb_null(void *c) { W; bpf_wq_set_callback_impl(&v->w, 0, 0, 0); return 0; }
TP w_cb_flags(struct __sk_buff *c) { W; bpf_wq_set_callback_impl(&v->w, wcb, c->len, 0); return 0; }
TP w_read(void *c) { W; return *(volatile int*)&v->w; }
TP w_write(void *c) { W; *(volatile int*)&v->w = 1; return 0; }
TP w_lru(void *c) { int k=0; struct w1 *v = bpf_map_lookup_elem(&wh, &k); if (!v) return 0; bpf_wq_init(&v->w, &wh, 0); return 0; }
SEC("kprobe/x") int w_kprobe(void *c) { W; bpf_wq_start(&v->w, 0); return 0; }
SEC("perf_event") int w_pe(void *c) { W; bpf_wq_start(&v->w, 0); return 0; }
struct tw { int a; struct bpf_task_work tw; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, struct tw); } twa SEC(".maps");
extern int bpf_task_work_schedule_signal_impl(struct task_struct *task, struct bpf_task_work *tw, void *map__map, int (cb)(struct bpf_map *map, void *key, void *value), void *aux__prog) __ksym __weak;
static int twcb(struct bpf_map *map, void *key, void *value) { return 0; }
static int twcb_sleep(struct bpf_map *map, void *key, void *value) { char b[4]; bpf_copy_from_user(b, 4, 0); return 0; }
TP tw_ok(void *c) { int k=0; struct tw *v = bpf_map_lookup_elem(&twa, &k); if (!v) return 0; bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), &v->tw, &twa, twcb, 0); return 0; }
SEC("perf_event") int tw_pe(void *c) { int k=0; struct tw *v = bpf_map_lookup_elem(&twa, &k); if (!v) return 0; bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), &v->tw, &twa, twcb_sleep, 0); return 0; }
SEC("perf_event") int tw_wrongmap(void *c) { int k=0; struct tw *v = bpf_map_lookup_elem(&twa, &k); if (!v) return 0; bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), &v->tw, &ta, twcb, 0); return 0; }
SEC("perf_event") int tw_off(void *c) { int k=0; struct tw *v = bpf_map_lookup_elem(&twa, &k); if (!v) return 0; bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), (void*)v, &twa, twcb, 0); return 0; }
SEC("perf_event") int tw_null(void *c) { int k=0; struct tw *v = bpf_map_lookup_elem(&twa, &k); if (!v) return 0; bpf_task_work_schedule_signal_impl(0, &v->tw, &twa, twcb, 0); return 0; }
