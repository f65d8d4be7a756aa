// Helper arguments, formats, constant strings, ring buffers, map access flags, maps of maps, and callbacks.
#include "cases.h"
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, u64[4]); } arr SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, u64); __type(value, u64[4]); } hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, u64); } pca SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } pea SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } urb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 1016); } stk SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __type(value, u64); } q SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 4); __type(value, u64); } bf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } jmp SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 4); __type(key, u64); __type(value, u64); __uint(map_flags, BPF_F_RDONLY_PROG); } ro SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, u64); __type(value, u64); __uint(map_flags, BPF_F_WRONLY_PROG); } wo SEC(".maps");
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, u64); } in1 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, int); __type(value, int); __array(values, struct inner); } aom SEC(".maps") = { .values = { &in1 } };
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 4); __type(key, int); __type(value, int); __array(values, struct inner); } hom SEC(".maps");
const char fmt[] = "%d %s"; const volatile char vfmt[8] = "%d"; char wfmt[8] = "%d"; const volatile int ci = 3; const volatile u32 carr[4] = {1,2,3,4};
#define S SEC("tp/x/y") int
S snp(u64 *c) { char b[16]; u64 a[2]; a[0] = 1; a[1] = (u64)"x"; return bpf_snprintf(b, 16, fmt, a, 16); }
S snp_short(u64 *c) { char b[16]; u64 a[2]; a[0] = 1; a[1] = (u64)"x"; return bpf_snprintf(b, 16, fmt, a, 8); }
S snp_long(u64 *c) { char b[16]; u64 a[3]; a[0] = 1; a[1] = (u64)"x"; a[2] = 3; return bpf_snprintf(b, 16, fmt, a, 24); }
S snp_stackfmt(u64 *c) { char b[16]; char f[4] = "%d"; u64 a[1] = {1}; return bpf_snprintf(b, 16, f, a, 8); }
S snp_wfmt(u64 *c) { char b[16]; u64 a[1] = {1}; return bpf_snprintf(b, 16, wfmt, a, 8); }
S snp_vfmt(u64 *c) { char b[16]; u64 a[1] = {1}; return bpf_snprintf(b, 16, (char*)vfmt, a, 8); }
static const char f_bad[] = "%q"; static const char f_pct[] = "100%%"; static const char f_p[] = "%pI4 %px %pK %pB"; static const char f_noend[] = "%"; static const char f_s5[] = "%5s"; static const char f_na[] = "a\x80"; static const char f_ll[] = "%lld %lu %hhd %c"; static const char f_star[] = "%*d"; static const char f_pks[] = "%pks %pus"; static const char f_ps[]="%ps";
#define SN(n, f, k) S snp_##n(u64 *c) { char b[32]; u64 a[4] = {1,2,3,4}; return bpf_snprintf(b, 32, f, a, k); }
SN(bad, f_bad, 8) SN(pct, f_pct, 0) SN(p, f_p, 32) SN(noend, f_noend, 8) SN(s5, f_s5, 8) SN(na, f_na, 0) SN(ll, f_ll, 32) SN(star, f_star, 16) SN(pks, f_pks, 16) SN(ps, f_ps, 8)
S snp_null(u64 *c) { return bpf_snprintf(0, 0, f_pct, 0, 0); }
S snp_zero(u64 *c) { char b[4]; return bpf_snprintf(b, 0, f_pct, 0, 0); }
S snp_off(u64 *c) { char b[16]; u64 a[1] = {1}; return bpf_snprintf(b, 16, fmt + 3, a, 8); }
S tpk(u64 *c) { char f[] = "x %d"; return bpf_trace_printk(f, sizeof f, 1); }
S tpk0(u64 *c) { char f[] = "x %d"; return bpf_trace_printk(f, 0); }
S tpk_var(u64 *c) { char f[] = "x %d"; return bpf_trace_printk(f, c[2] & 3); }
S stol(u64 *c) { char b[8] = "12"; long r; bpf_strtol(b, 8, 0, &r); return r; }
S stol_uninit(u64 *c) { char b[8]; long r; bpf_strtol(b, 8, 0, &r); return r; }
S stol_int(u64 *c) { char b[8] = "1"; int r; bpf_strtol(b, 8, 0, (long*)&r); return r; }
S stol_map(u64 *c) { int k = 0; u64 *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; char b[8] = "1"; bpf_strtol(b, 8, 0, (long*)&v[3]); return 0; }
S stol_map_oob(u64 *c) { int k = 0; u64 *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; char b[8] = "1"; bpf_strtol(b, 8, 0, (void*)v + 28); return 0; }
S stol_ro(u64 *c) { char b[8] = "1"; bpf_strtol(b, 8, 0, (long*)&ci); return 0; }
S strn(u64 *c) { char b[8] = "x"; return bpf_strncmp(b, 8, fmt); }
S strn_stack2(u64 *c) { char b[8] = "x", d[8] = "y"; return bpf_strncmp(b, 8, d); }
S strn_var(u64 *c) { char b[8] = "x"; return bpf_strncmp(b, c[2] & 7, fmt); }
S peo(u64 *c) { u64 d = 0; return bpf_perf_event_output(c, &pea, -1, &d, 8); }
S peo_uninit(u64 *c) { u64 d; return bpf_perf_event_output(c, &pea, -1, &d, 8); }
S peo_map(u64 *c) { u64 d = 0; return bpf_perf_event_output(c, &arr, -1, &d, 8); }
S peo_noctx(u64 *c) { u64 d = 0; return bpf_perf_event_output(&d, &pea, -1, &d, 8); }
S peo_0(u64 *c) { u64 d = 0; return bpf_perf_event_output(c, &pea, -1, &d, 0); }
S rbo(u64 *c) { u64 d = 0; return bpf_ringbuf_output(&rb, &d, 8, 0); }
S rbo_0(u64 *c) { u64 d = 0; return bpf_ringbuf_output(&rb, &d, 0, 0); }
S rbo_var(u64 *c) { char d[32] = {}; return bpf_ringbuf_output(&rb, d, c[2] & 31, 0); }
S rbo_var33(u64 *c) { char d[32] = {}; return bpf_ringbuf_output(&rb, d, c[2] & 63, 0); }
S rb_big(u64 *c) { char *p = bpf_ringbuf_reserve(&rb, 1 << 20, 0); if (p) { p[(1<<20)-1] = 1; bpf_ringbuf_discard(p, 0); } return 0; }
S rb_oob(u64 *c) { char *p = bpf_ringbuf_reserve(&rb, 8, 0); if (p) { p[8] = 1; bpf_ringbuf_discard(p, 0); } return 0; }
S rb_neg(u64 *c) { char *p = bpf_ringbuf_reserve(&rb, 8, 0); if (p) { *(volatile char*)(p - 1) = 1; bpf_ringbuf_discard(p, 0); } return 0; }
S rb_var(u64 *c) { char *p = bpf_ringbuf_reserve(&rb, 8, 0); if (p) { p[c[2] & 7] = 1; bpf_ringbuf_submit(p, 0); } return 0; }
S rb_sub_null(u64 *c) { char *p = bpf_ringbuf_reserve(&rb, 8, 0); bpf_ringbuf_submit(p, 0); return 0; }
S rb_to_helper(u64 *c) { char *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; bpf_probe_read_kernel(p, 8, (void*)c[2]); bpf_ringbuf_submit(p, 0); return 0; }
S rb_key(u64 *c) { u64 *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0; *p = 0; bpf_map_lookup_elem(&hash, p); bpf_ringbuf_submit(p, 0); return 0; }
S gs(u64 *c) { char b[64]; long n = bpf_get_stack(c, b, 64, 0); if (n < 0) return 0; return b[n & 31] ; }
S gs2(u64 *c) { int k = 0; char *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; long n = bpf_get_stack(c, v, 16, 0); if (n < 0) return 0; n = bpf_get_stack(c, v + n, 32 - n, 0); return n; }
S gs3(u64 *c) { int k = 0; char *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; long n = bpf_get_stack(c, v, 16, 0); n = bpf_get_stack(c, v + n, 32 - n, 0); return n; }
S gsid(u64 *c) { return bpf_get_stackid(c, &stk, 0); }
S gsid_bad(u64 *c) { return bpf_get_stackid(c, &arr, 0); }
S qpush(u64 *c) { u64 v = 1; bpf_map_push_elem(&q, &v, 0); bpf_map_peek_elem(&q, &v); return v; }
S qpop_uninit(u64 *c) { u64 v; bpf_map_pop_elem(&q, &v); return v; }
S bfp(u64 *c) { u64 v = 1; bpf_map_push_elem(&bf, &v, 0); return bpf_map_peek_elem(&bf, &v); }
S bfp_uninit(u64 *c) { u64 v; return bpf_map_peek_elem(&bf, &v); }
S bfpop(u64 *c) { u64 v; return bpf_map_pop_elem(&bf, &v); }
S ro_r(u64 *c) { u64 k = 1; u64 *v = bpf_map_lookup_elem(&ro, &k); return v ? *v : 0; }
S ro_w(u64 *c) { u64 k = 1; u64 *v = bpf_map_lookup_elem(&ro, &k); if (v) *v = 1; return 0; }
S ro_u(u64 *c) { u64 k = 1; return bpf_map_update_elem(&ro, &k, &k, 0); }
S wo_r(u64 *c) { u64 k = 1; u64 *v = bpf_map_lookup_elem(&wo, &k); return v ? *v : 0; }
S wo_u(u64 *c) { u64 k = 1; return bpf_map_update_elem(&wo, &k, &k, 0); }
S aomk(u64 *c) { int k = 0; void *m = bpf_map_lookup_elem(&aom, &k); if (!m) return 0; u64 *v = bpf_map_lookup_elem(m, &k); return v ? *v : 0; }
S aom_nc(u64 *c) { int k = 0; void *m = bpf_map_lookup_elem(&aom, &k); u64 *v = bpf_map_lookup_elem(m, &k); return v ? *v : 0; }
S aom_deref(u64 *c) { int k = 0; u64 *m = bpf_map_lookup_elem(&aom, &k); return m ? *m : 0; }
S aom_write(u64 *c) { int k = 0; u64 *m = bpf_map_lookup_elem(&aom, &k); if (m) *m = 1; return 0; }
S aom_upd(u64 *c) { int k = 0; return bpf_map_update_elem(&aom, &k, &k, 0); }
S hom_del(u64 *c) { int k = 0; return bpf_map_delete_elem(&hom, &k); }
S hom_arith(u64 *c) { int k = 0; char *m = bpf_map_lookup_elem(&hom, &k); if (!m) return 0; u64 *v = bpf_map_lookup_elem(m + 8, &k); return v ? *v : 0; }
S mapptr(u64 *c) { struct bpf_map *m = (void*)&arr; return m->max_entries; }
S mapptr_w(u64 *c) { struct bpf_map *m = (void*)&arr; m->max_entries = 1; return 0; }
S mapptr_off(u64 *c) { volatile u32 *m = (void*)&arr; return m[1]; }
S lk_pcpu(u64 *c) { int k = 0; u64 *v = bpf_map_lookup_percpu_elem(&pca, &k, 1); return v ? *v : 0; }
S lk_pcpu_bad(u64 *c) { int k = 0; u64 *v = bpf_map_lookup_percpu_elem(&arr, &k, 1); return v ? *v : 0; }
S cst(u64 *c) { u64 x[4] = {}; return x[ci]; }
S cst2(u64 *c) { u64 x[4] = {}; long i = carr[2]; asm volatile("":"+r"(i)); return x[i]; }
S wr_ro(u64 *c) { *(volatile int*)&ci = 1; return 0; }
S prd(u64 *c) { u64 x; bpf_probe_read_kernel(&x, c[2] & 15, (void*)c[3]); return 0; }
S prd_ok(u64 *c) { u64 x[2]; bpf_probe_read_kernel(&x, c[2] & 15, (void*)c[3]); return 0; }
S prd_neg(u64 *c) { u64 x[2]; int n = c[2]; if (n > 16) return 0; bpf_probe_read_kernel(&x, n, (void*)c[3]); return 0; }
S prs(u64 *c) { char x[16]; long n = bpf_probe_read_kernel_str(x, 16, (void*)c[3]); if (n < 0 || n > 16) return 0; return bpf_ringbuf_output(&rb, x, n, 0); }
S keyu(u64 *c) { u64 k; u64 *v = bpf_map_lookup_elem(&hash, &k); return v ? *v : 0; }
S key_mapval(u64 *c) { int k = 0; u64 *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; v = bpf_map_lookup_elem(&hash, v); return v ? *v : 0; }
S key_mapval_oob(u64 *c) { int k = 0; u64 *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; v = bpf_map_lookup_elem(&hash, (void*)v + 28); return v ? *v : 0; }
S key_ctx(u64 *c) { u64 *v = bpf_map_lookup_elem(&hash, c); return v ? *v : 0; }
S tail(u64 *c) { bpf_tail_call(c, &jmp, 3); return 0; }
static __noinline int stail(u64 *c) { bpf_tail_call(c, &jmp, 3); return 1; }
S tail_s(u64 *c) { volatile char b[200]; b[0] = 1; return stail(c) + b[0]; }
S tail_s256(u64 *c) { volatile char b[256]; b[0] = 1; return stail(c) + b[0]; }
static long cb_ok(struct bpf_map *m, u64 *k, u64 *v, u64 *x) { *x += v[3]; return 0; }
static long cb_oob(struct bpf_map *m, u64 *k, u64 *v, u64 *x) { return v[4] & 1; }
static long cb_wkey(struct bpf_map *m, u64 *k, u64 *v, u64 *x) { *k = 1; return 0; }
static long cb_ret(struct bpf_map *m, u64 *k, u64 *v, u64 *x) { return 2; }
static long cb_nox(struct bpf_map *m, u64 *k, u64 *v, u64 *x) { return *x & 1; }
static long cb_reads_caller(struct bpf_map *m, u64 *k, u64 *v, u64 *x) { return x[1] & 1; }
static long cb_map(struct bpf_map *m, u64 *k, u64 *v, u64 *x) { bpf_map_delete_elem(m, k); return 0; }
static long cb_nest2(u32 i, void *x) { return 0; }
static long cb_nest(struct bpf_map *m, u64 *k, u64 *v, u64 *x) { bpf_loop(4, cb_nest2, 0, 0); return 0; }
static long cb_inf(struct bpf_map *m, u64 *k, u64 *v, u64 *x) { bpf_for_each_map_elem(&hash, cb_inf, 0, 0); return 0; }
#define FE(n, x) S fe_##n(u64 *c) { u64 s = 0; bpf_for_each_map_elem(&hash, n, x, 0); return s; }
FE(cb_ok, &s) FE(cb_oob, 0) FE(cb_wkey, 0) FE(cb_ret, 0) FE(cb_nox, 0) FE(cb_reads_caller, &s) FE(cb_map, 0) FE(cb_nest, 0) FE(cb_inf, 0)
S fe_flags(u64 *c) { return bpf_for_each_map_elem(&hash, cb_ok, 0, 1); }
S fe_q(u64 *c) { return bpf_for_each_map_elem(&q, cb_map, 0, 0); }
S fe_pc(u64 *c) { return bpf_for_each_map_elem(&pca, cb_map, 0, 0); }
static long ucb(struct bpf_dynptr *d, void *x) { char b[4]; bpf_dynptr_read(b, 4, d, 0, 0); return 0; }
static long ucb_w(struct bpf_dynptr *d, void *x) { char b[4] = {}; bpf_dynptr_write(d, 0, b, 4, 0); return 0; }
static long ucb_ret(struct bpf_dynptr *d, void *x) { return 2; }
static long ucb_data(struct bpf_dynptr *d, void *x) { char *p = bpf_dynptr_data(d, 0, 4); return p ? *p & 1 : 0; }
static long ucb_data_w(struct bpf_dynptr *d, void *x) { char *p = bpf_dynptr_data(d, 0, 4); if (p) *p = 1; return 0; }
static long ucb_sub(struct bpf_dynptr *d, void *x) { bpf_ringbuf_submit_dynptr(d, 0); return 0; }
static long ucb_deref(struct bpf_dynptr *d, void *x) { return *(volatile int*)d & 1; }
static long ucb_re(struct bpf_dynptr *d, void *x) { static char g[8]; bpf_dynptr_from_mem(g, 8, 0, d); return 0; }
static long ucb_nest(struct bpf_dynptr *d, void *x) { bpf_user_ringbuf_drain(&urb, ucb, 0, 0); return 0; }
#define U(n) S u_##n(u64 *c) { return bpf_user_ringbuf_drain(&urb, n, 0, 0); }
U(ucb) U(ucb_w) U(ucb_ret) U(ucb_data) U(ucb_data_w) U(ucb_sub) U(ucb_deref) U(ucb_re) U(ucb_nest)
S u_map(u64 *c) { return bpf_user_ringbuf_drain(&rb, ucb, 0, 0); }
static long vma(struct task_struct *t, struct vm_area_struct *v, u64 *x) { *x = v->vm_start + t->pid; return 0; }
static long vma_w(struct task_struct *t, struct vm_area_struct *v, u64 *x) { v->vm_start = 1; return 0; }
S fv(u64 *c) { u64 x = 0; bpf_find_vma(bpf_get_current_task_btf(), 0, vma, &x, 0); return x; }
S fv_w(u64 *c) { u64 x = 0; bpf_find_vma(bpf_get_current_task_btf(), 0, vma_w, &x, 0); return x; }
static long lcb(u32 i, u64 *x) { x[0] += i; return 0; }
static long lcb_idx(u32 i, u64 *x) { return x[i] & 1; }
static long lcb_stack(u32 i, u64 *x) { volatile char b[480]; b[0] = 1; return 0; }
static long lcb_r1(u32 i, u64 *x) { if (i > 3) return 1; x[i] = 1; return 0; }
S lp(u64 *c) { u64 x = 0; bpf_loop(10, lcb, &x, 0); return x; }
S lp_idx(u64 *c) { u64 x[4] = {}; bpf_loop(4, lcb_idx, x, 0); return 0; }
S lp_r1(u64 *c) { u64 x[4] = {}; bpf_loop(40, lcb_r1, x, 0); return x[2]; }
S lp_stack(u64 *c) { volatile char b[64]; b[0] = 1; bpf_loop(4, lcb_stack, 0, 0); return b[0]; }
S lp_n(u64 *c) { u64 x = 0; return bpf_loop(c[2], lcb, &x, 0); }
S lp_flags(u64 *c) { u64 x = 0; return bpf_loop(3, lcb, &x, c[2]); }
S lp_null(u64 *c) { return bpf_loop(3, 0, 0, 0); }
S cur(u64 *c) { struct task_struct *t = bpf_get_current_task_btf(); return t->mm->exe_file->f_inode->i_ino; }
S curw(u64 *c) { struct task_struct *t = bpf_get_current_task_btf(); t->pid = 1; return 0; }
S cur_u(u64 *c) { struct task_struct *t = (void*)bpf_get_current_task(); return t->pid; }
S comm(u64 *c) { char b[16]; bpf_get_current_comm(b, 17); return 0; }
S comm_var(u64 *c) { char b[16]; bpf_get_current_comm(b, c[2] & 15); return 0; }
S csum(u64 *c) { return bpf_ktime_get_ns() + bpf_get_smp_processor_id() + bpf_jiffies64(); }
S cpid(u64 *c) { u64 x[2] = {}; int i = bpf_get_smp_processor_id(); return x[i]; }
