// Dynptrs over memory, ring-buffer records and packets: slots, slices, clones, invalidation, functions.
#include "cases.h"
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *p) __ksym __weak;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 off, void *b, u32 sz) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 off, void *b, u32 sz) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, u32 s, u32 e) __ksym;
extern bool bpf_dynptr_is_null(const struct bpf_dynptr *p) __ksym;
extern bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) __ksym;
extern u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *c) __ksym;
extern int bpf_dynptr_copy(struct bpf_dynptr *d, u32 doff, struct bpf_dynptr *s, u32 soff, u32 n) __ksym __weak;
extern int bpf_dynptr_memset(struct bpf_dynptr *d, u32 off, u32 n, u8 v) __ksym __weak;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, char[64]); } arr SEC(".maps");
struct dv { struct bpf_dynptr d; int x; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct dv); } darr SEC(".maps");
char buf[64]; 
const char ro[16] = "hello";
#define LOOK int k = 0; char *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0
#define D struct bpf_dynptr d
#define S SEC("tc") int
S from_map(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 64, 0, &d); return bpf_dynptr_size(&d); }
S from_map_big(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 65, 0, &d); return 0; }
S from_map_zero(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 0, 0, &d); return 0; }
S from_map_off(void *c) { D; LOOK; bpf_dynptr_from_mem(v + 60, 8, 0, &d); return 0; }
S from_map_var(struct __sk_buff *c) { D; LOOK; bpf_dynptr_from_mem(v, c->len & 63, 0, &d); return 0; }
S from_stack(void *c) { D; char b[16]; bpf_dynptr_from_mem(b, 16, 0, &d); return 0; }
S from_data(void *c) { D; bpf_dynptr_from_mem(buf, 64, 0, &d); return 0; }
S from_rodata(void *c) { D; bpf_dynptr_from_mem((void*)ro, 16, 0, &d); return 0; }
S from_pkt(struct __sk_buff *c) { D; void *p = (void*)(long)c->data; if (p + 16 > (void*)(long)c->data_end) return 0; bpf_dynptr_from_mem(p, 16, 0, &d); return 0; }
S from_ctx(struct __sk_buff *c) { D; bpf_dynptr_from_mem(c, 16, 0, &d); return 0; }
S from_flags(struct __sk_buff *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, c->len, &d); return 0; }
S uninit_read(void *c) { D; char b[4]; bpf_dynptr_read(b, 4, &d, 0, 0); return 0; }
S uninit_size(void *c) { D; return bpf_dynptr_size(&d); }
S reinit(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_from_mem(v, 8, 0, &d); return 0; }
S overwrite(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); *(volatile int*)&d = 1; return 0; }
S overwrite_use(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); *(volatile int*)&d = 1; return bpf_dynptr_size(&d); }
S overwrite_2nd(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); *((volatile char*)&d + 15) = 1; return bpf_dynptr_size(&d); }
S readdirect(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); return *(volatile int*)&d; }
S helper_over(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_skb_load_bytes(c, 0, &d, 16); return 0; }
S helper_over_use(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_skb_load_bytes(c, 0, &d, 16); return bpf_dynptr_size(&d); }
S helper_readit(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_map_update_elem(&arr, &d, v, 0); return 0; }
S ring(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S ring_leak(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); return 0; }
S ring_cond(void *c) { D; if (bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d)) return 0; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S ring_discard(struct __sk_buff *c) { D; bpf_ringbuf_reserve_dynptr(&rb, c->len, 0, &d); bpf_ringbuf_discard_dynptr(&d, 0); return 0; }
S ring_twice(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); bpf_ringbuf_submit_dynptr(&d, 0); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S ring_use_after(void *c) { D; char b[4]; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); bpf_ringbuf_submit_dynptr(&d, 0); bpf_dynptr_read(b, 4, &d, 0, 0); return 0; }
S ring_over(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); *(volatile long*)&d = 0; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S ring_reserve_twice(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S ring_submit_local(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S ring_submit_off(void *c) { struct bpf_dynptr d[2]; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, d); bpf_ringbuf_submit_dynptr((void*)d + 8, 0); return 0; }
S data_ok(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); int *p = bpf_dynptr_data(&d, 8, 8); if (p) *p = 1; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S data_nonull(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); int *p = bpf_dynptr_data(&d, 8, 8); *p = 1; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S data_oob(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); int *p = bpf_dynptr_data(&d, 8, 8); if (p) p[2] = 1; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S data_after(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); int *p = bpf_dynptr_data(&d, 8, 8); bpf_ringbuf_submit_dynptr(&d, 0); if (p) *p = 1; return 0; }
S data_after_checked(void *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); int *p = bpf_dynptr_data(&d, 8, 8); if (!p) {bpf_ringbuf_discard_dynptr(&d, 0); return 0;} bpf_ringbuf_submit_dynptr(&d, 0); *p = 1; return 0; }
S data_varsize(struct __sk_buff *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); int *p = bpf_dynptr_data(&d, 8, c->len & 7); if (p) *p = 1; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S data_zero(struct __sk_buff *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); int *p = bpf_dynptr_data(&d, 8, 0); if (p) *p = 1; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S data_over(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); int *p = bpf_dynptr_data(&d, 0, 4); if (!p) return 0; *(volatile int*)&d = 1; return *p; }
S data_skb(struct __sk_buff *c) { D; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_data(&d, 0, 4); return p ? *p : 0; }
S skb_slice(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice(&d, 0, b, 8); return p ? p[1] : 0; }
S skb_slice_w(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice(&d, 0, b, 8); if (p) p[1] = 0; return 0; }
S skb_slice_rw(struct __sk_buff *c) { D; char b[8] = {}; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8); if (p) p[1] = 0; return 0; }
S skb_slice_nullbuf(struct __sk_buff *c) { D; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice(&d, 0, 0, 8); return p ? p[1] : 0; }
S skb_slice_nullbuf_oob(struct __sk_buff *c) { D; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice(&d, 0, 0, 8); return p ? p[2] : 0; }
S skb_slice_small(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice(&d, 0, b, 9); return p ? p[1] : 0; }
S skb_slice_var(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice(&d, 0, b, c->len & 7); return p ? p[1] : 0; }
S skb_slice_zero(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); char *p = bpf_dynptr_slice(&d, 0, b, 0); return p ? 1 : 0; }
S skb_slice_inval(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice(&d, 0, b, 8); if (!p) return 0; bpf_skb_change_tail(c, 20, 0); return p[1]; }
S skb_slice_inval_dynptr(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); bpf_skb_change_tail(c, 20, 0); return bpf_dynptr_size(&d); }
S skb_slice_inval_write(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice(&d, 0, b, 8); if (!p) return 0; bpf_dynptr_write(&d, 0, b, 8, 0); return p[1]; }
S skb_slice_inval_write_pkt(struct __sk_buff *c) { D; char b[8] = {}; bpf_dynptr_from_skb(c, 0, &d); char *p = (void*)(long)c->data; if (p + 1 > (char*)(long)c->data_end) return 0; bpf_dynptr_write(&d, 0, b, 8, 0); return *p; }
S mem_write_keeps_pkt(struct __sk_buff *c) { D; char b[8] = {}; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); char *p = (void*)(long)c->data; if (p + 1 > (char*)(long)c->data_end) return 0; bpf_dynptr_write(&d, 0, b, 8, 0); return *p; }
S clone_ok(struct __sk_buff *c) { D, e; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_clone(&d, &e); return bpf_dynptr_size(&e); }
S clone_uninit(struct __sk_buff *c) { D, e; bpf_dynptr_clone(&d, &e); return 0; }
S clone_self(struct __sk_buff *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_clone(&d, &d); return 0; }
S clone_ring(struct __sk_buff *c) { D, e; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); bpf_dynptr_clone(&d, &e); bpf_ringbuf_submit_dynptr(&e, 0); return 0; }
S clone_ring_use(struct __sk_buff *c) { D, e; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); bpf_dynptr_clone(&d, &e); bpf_ringbuf_submit_dynptr(&e, 0); return bpf_dynptr_size(&d); }
S clone_ring_over(struct __sk_buff *c) { D, e; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); bpf_dynptr_clone(&d, &e); *(volatile long*)&e = 0; bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S clone_skb_inval(struct __sk_buff *c) { D, e; char b[8]; bpf_dynptr_from_skb(c, 0, &d); bpf_dynptr_clone(&d, &e); int *p = bpf_dynptr_slice(&e, 0, b, 8); if (!p) return 0; bpf_dynptr_write(&d, 0, b, 8, 0); return *p; }
S clone_over_slice(struct __sk_buff *c) { D, e; char b[8]; bpf_dynptr_from_skb(c, 0, &d); bpf_dynptr_clone(&d, &e); int *p = bpf_dynptr_slice(&e, 0, b, 8); if (!p) return 0; *(volatile long*)&d = 0; return *p; }
S adjust(struct __sk_buff *c) { D; bpf_dynptr_from_skb(c, 0, &d); bpf_dynptr_adjust(&d, c->len, c->mark); return bpf_dynptr_is_null(&d) + bpf_dynptr_is_rdonly(&d); }
S inmap(struct __sk_buff *c) { int k = 0; struct dv *v = bpf_map_lookup_elem(&darr, &k); if (!v) return 0; bpf_dynptr_from_mem(buf, 16, 0, &v->d); return 0; }
S inmap_read(struct __sk_buff *c) { int k = 0; struct dv *v = bpf_map_lookup_elem(&darr, &k); if (!v) return 0; return bpf_dynptr_size(&v->d); }
S global(struct __sk_buff *c) { static struct bpf_dynptr gd; bpf_dynptr_from_mem(buf, 16, 0, &gd); return 0; }
S null(struct __sk_buff *c) { return bpf_dynptr_size(0); }
S scalar(struct __sk_buff *c) { return bpf_dynptr_size((void*)(long)c->len); }
S varoff(struct __sk_buff *c) { struct bpf_dynptr d[2]; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d[c->len & 1]); return 0; }
S misalign(struct __sk_buff *c) { char d[40] __attribute__((aligned(8))); bpf_ringbuf_reserve_dynptr(&rb, 16, 0, (void*)(d + 4)); return 0; }
S partial(struct __sk_buff *c) { struct bpf_dynptr d[2]; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d[0]); bpf_dynptr_from_mem(v, 16, 0, (void*)&d[0] + 8); return bpf_dynptr_size(&d[0]); }
S partial_ref(struct __sk_buff *c) { struct bpf_dynptr d[2]; LOOK; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d[0]); bpf_dynptr_from_mem(v, 16, 0, (void*)&d[0] + 8); bpf_ringbuf_submit_dynptr(&d[0], 0); return 0; }
S rd(struct __sk_buff *c) { D; char b[8]; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_read(b, 8, &d, 0, 0); return b[3]; }
S rd_uninit_buf(struct __sk_buff *c) { D; char b[8]; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_read(b, 9, &d, 0, 0); return 0; }
S rd_into_dynptr(struct __sk_buff *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_read(&d, 16, &d, 0, 0); return 0; }
S wr_uninit_buf(struct __sk_buff *c) { D; char b[8]; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_write(&d, 0, b, 8, 0); return 0; }
S wr_from_dynptr(struct __sk_buff *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_write(&d, 0, &d, 16, 0); return 0; }
S copy(struct __sk_buff *c) { D, e; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_from_skb(c, 0, &e); bpf_dynptr_copy(&d, 0, &e, 0, 16); bpf_dynptr_memset(&d, 0, 4, 1); return 0; }
S copy_inval(struct __sk_buff *c) { D, e; LOOK; char b[8]; bpf_dynptr_from_mem(v, 16, 0, &d); bpf_dynptr_from_skb(c, 0, &e); char *p = bpf_dynptr_slice(&e, 0, b, 8); if (!p) return 0; bpf_dynptr_copy(&e, 0, &d, 0, 16); return *p; }
S meta(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb_meta(c, 0, &d); char *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8); if (p) *p = 1; return 0; }
S meta_inval(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb_meta(c, 0, &d); char *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8); if (!p) return 0; bpf_skb_change_head(c, 4, 0); return *p; }
static __noinline int sub_use(struct bpf_dynptr *d) { return bpf_dynptr_size(d); }
static __noinline int sub_init(struct bpf_dynptr *d) { return bpf_dynptr_from_mem(buf, 8, 0, d); }
static __noinline int sub_submit(struct bpf_dynptr *d) { bpf_ringbuf_submit_dynptr(d, 0); return 0; }
static __noinline int sub_over(struct bpf_dynptr *d) { *(volatile long*)d = 0; return 0; }
__noinline int g_use(const struct bpf_dynptr *d) { return bpf_dynptr_size(d); }
__noinline int g_release(struct bpf_dynptr *d) { bpf_ringbuf_submit_dynptr(d, 0); return 0; }
__noinline int g_adj(const struct bpf_dynptr *d) { return bpf_dynptr_adjust(d, 0, 1); }
__noinline int g_rd(const struct bpf_dynptr *d) { char b[4]; return bpf_dynptr_read(b, 4, d, 0, 0); }
S subuse(struct __sk_buff *c) { D; sub_init(&d); return sub_use(&d); }
S subsubmit(struct __sk_buff *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); sub_submit(&d); return 0; }
S subover(struct __sk_buff *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); sub_over(&d); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S guse(struct __sk_buff *c) { D; sub_init(&d); return g_use(&d); }
S guse_uninit(struct __sk_buff *c) { D; return g_use(&d); }
S guse_ref(struct __sk_buff *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); g_use(&d); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }
S grelease(struct __sk_buff *c) { D; bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d); g_release(&d); return 0; }
S gadj(struct __sk_buff *c) { D; sub_init(&d); return g_adj(&d); }
S grd(struct __sk_buff *c) { D; bpf_dynptr_from_skb(c, 0, &d); return g_rd(&d); }
SEC("xdp") int xdp_slice(struct xdp_md *x) { D; char b[8]; bpf_dynptr_from_xdp(x, 0, &d); int *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8); if (p) p[1] = 3; return 2; }
SEC("xdp") int xdp_inval(struct xdp_md *x) { D; char b[8]; bpf_dynptr_from_xdp(x, 0, &d); int *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8); if (!p) return 1; bpf_xdp_adjust_head(x, 4); p[1] = 3; return 2; }
SEC("xdp") int xdp_skb(struct xdp_md *x) { D; bpf_dynptr_from_skb((void*)x, 0, &d); return 2; }
SEC("socket") int sf_slice(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice(&d, 0, b, 8); return p ? p[0] : 0; }
SEC("socket") int sf_slice_rw(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8); return p ? p[0] : 0; }
SEC("cgroup_skb/ingress") int cg_slice_rw(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8); return p ? p[0] : 0; }
SEC("cgroup_skb/ingress") int cg_write(struct __sk_buff *c) { D; char b[8] = {}; bpf_dynptr_from_skb(c, 0, &d); bpf_dynptr_write(&d, 0, b, 8, 0); return 1; }
SEC("lwt_in") int lwt_rw(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8); return 0; }
SEC("kprobe/x") int kp_mem(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); return bpf_dynptr_size(&d); }
SEC("raw_tp/x") int rawtp_mem(void *c) { D; LOOK; bpf_dynptr_from_mem(v, 16, 0, &d); return bpf_dynptr_is_null(&d); }
SEC("sk_skb") int skskb(struct __sk_buff *c) { D; char b[8]; bpf_dynptr_from_skb(c, 0, &d); int *p = bpf_dynptr_slice_rdwr(&d, 0, b, 8); return 1; }
SEC("tp_btf/kfree_skb") int BPF_PROG(tpskb, struct sk_buff *skb) { D; bpf_dynptr_from_skb((void*)skb, 0, &d); char b[8]; char *p = bpf_dynptr_slice(&d, 0, b, 8); return 0; }
