// Sockets and their casts, maps of sockets, and the contexts of the network, cgroup and tracing types.
#include "cases.h"
/* Not among the types that the toolchain brings. */
struct xdp_socket { __u32 queue_id; };
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 2); __type(key, int); __type(value, u64); } smap SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SOCKHASH); __uint(max_entries, 2); __type(key, int); __type(value, u64); } shash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY); __uint(max_entries, 2); __type(key, int); __type(value, u64); } rsa SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_XSKMAP); __uint(max_entries, 2); __type(key, int); __type(value, int); } xsk SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, u64); } st SEC(".maps");
#define S SEC("tc") int
#define T struct bpf_sock_tuple t = {}
#define LK(f) T; struct bpf_sock *s = f(c, &t, sizeof t.ipv4, -1, 0); if (!s) return 0
S lk(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); bpf_sk_release(s); return 0; }
S lk_leak(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); return 0; }
S lk_nocheck(struct __sk_buff *c) { T; struct bpf_sock *s = bpf_sk_lookup_udp(c, &t, sizeof t.ipv4, -1, 0); bpf_sk_release(s); return 0; }
S lk_rel_twice(struct __sk_buff *c) { LK(bpf_skc_lookup_tcp); bpf_sk_release(s); bpf_sk_release(s); return 0; }
S lk_use_after(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); bpf_sk_release(s); return s->family; }
S lk_tuple_small(struct __sk_buff *c) { char t[8]; struct bpf_sock *s = bpf_sk_lookup_tcp(c, (void*)t, 12, -1, 0); if (s) bpf_sk_release(s); return 0; }
S lk_size0(struct __sk_buff *c) { T; struct bpf_sock *s = bpf_sk_lookup_tcp(c, &t, 0, -1, 0); if (s) bpf_sk_release(s); return 0; }
S lk_full(struct __sk_buff *c) { LK(bpf_skc_lookup_tcp); struct bpf_sock *f = bpf_sk_fullsock(s); if (f) c->mark = f->type; bpf_sk_release(s); return 0; }
S skc_type(struct __sk_buff *c) { LK(bpf_skc_lookup_tcp); int r = s->type; bpf_sk_release(s); return r; }
S skc_state(struct __sk_buff *c) { LK(bpf_skc_lookup_tcp); int r = s->state; bpf_sk_release(s); return r; }
S lk_full_rel(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); struct bpf_sock *f = bpf_sk_fullsock(s); if (!f) { bpf_sk_release(s); return 0; } bpf_sk_release(f); return 0; }
S lk_full_after(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); struct bpf_sock *f = bpf_sk_fullsock(s); bpf_sk_release(s); if (f) return f->type; return 0; }
S lk_tcp(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); struct bpf_tcp_sock *t1 = bpf_tcp_sock(s); int r = t1 ? t1->snd_cwnd : 0; bpf_sk_release(s); return r; }
S lk_tcp_rel(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); struct bpf_tcp_sock *t1 = bpf_tcp_sock(s); if (t1) bpf_sk_release((void*)t1); else bpf_sk_release(s); return 0; }
S lk_tcp_after(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); struct bpf_tcp_sock *t1 = bpf_tcp_sock(s); bpf_sk_release(s); return t1 ? t1->snd_cwnd : 0; }
S lk_listen(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); struct bpf_sock *l = bpf_get_listener_sock(s); int r = l ? l->type : 0; bpf_sk_release(s); return r; }
S lk_listen_rel(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); struct bpf_sock *l = bpf_get_listener_sock(s); if (l) bpf_sk_release(l); else bpf_sk_release(s); return 0; }
S lk_to_tcp6(struct __sk_buff *c) { LK(bpf_skc_lookup_tcp); struct tcp6_sock *x = bpf_skc_to_tcp6_sock(s); int r = x ? x->tcp.snd_cwnd : 0; bpf_sk_release(s); return r; }
S lk_to_tcp6_rel(struct __sk_buff *c) { LK(bpf_skc_lookup_tcp); struct tcp6_sock *x = bpf_skc_to_tcp6_sock(s); if (x) bpf_sk_release((void*)x); else bpf_sk_release(s); return 0; }
S lk_to_req_nocheck(struct __sk_buff *c) { LK(bpf_skc_lookup_tcp); struct tcp_request_sock *x = bpf_skc_to_tcp_request_sock(s); int r = x->snt_isn; bpf_sk_release(s); return r; }
S lk_branch(struct __sk_buff *c) { T; struct bpf_sock *s; if (c->len) s = bpf_sk_lookup_tcp(c, &t, sizeof t.ipv4, -1, 0); else s = bpf_sk_lookup_udp(c, &t, sizeof t.ipv4, -1, 0); if (s) bpf_sk_release(s); return 0; }
S lk_write(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); *(volatile int*)&s->mark = 1; bpf_sk_release(s); return 0; }
S lk_storage(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); u64 *p = bpf_sk_storage_get(&st, s, 0, 1); if (p) *p = 1; bpf_sk_release(s); return 0; }
S lk_storage_skc(struct __sk_buff *c) { LK(bpf_skc_lookup_tcp); u64 *p = bpf_sk_storage_get(&st, s, 0, 1); if (p) *p = 1; bpf_sk_release(s); return 0; }
S st_null(struct __sk_buff *c) { u64 *p = bpf_sk_storage_get(&st, 0, 0, 1); return 0; }
S st_sk_nocheck(struct __sk_buff *c) { u64 *p = bpf_sk_storage_get(&st, c->sk, 0, 1); return p ? 1 : 0; }
S st_sk(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; u64 *p = bpf_sk_storage_get(&st, s, 0, 1); return p ? 1 : 0; }
S st_sk_full(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; s = bpf_sk_fullsock(s); if (!s) return 0; u64 i = 4; u64 *p = bpf_sk_storage_get(&st, s, &i, 1); return p ? *p : 0; }
S st_val_small(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; s = bpf_sk_fullsock(s); if (!s) return 0; u32 i = 4; u64 *p = bpf_sk_storage_get(&st, s, &i, 1); return p ? *p : 0; }
S sk_fields(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; return s->family; }
S sk_type(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; return s->type; }
S sk_nonull(struct __sk_buff *c) { return c->sk->family; }
S sk_rel(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (s) bpf_sk_release(s); return 0; }
S sk_dstport(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; s = bpf_sk_fullsock(s); return s ? s->dst_port : 0; }
S sk_dstport_u32(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; s = bpf_sk_fullsock(s); return s ? *(u32*)&s->dst_port : 0; }
S sk_dstport_odd(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; s = bpf_sk_fullsock(s); return s ? *((u8*)&s->dst_port + 2) : 0; }
S sk_ip6(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; s = bpf_sk_fullsock(s); return s ? *(u64*)&s->src_ip6[0] : 0; }
S sk_past(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; s = bpf_sk_fullsock(s); return s ? ((u32*)s)[20] : 0; }
S sk_varoff(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; s = bpf_sk_fullsock(s); return s ? ((u32*)s)[c->len & 3] : 0; }
S assign(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); bpf_sk_assign(c, s, 0); bpf_sk_release(s); return 0; }
S assign_rel(struct __sk_buff *c) { LK(bpf_sk_lookup_tcp); bpf_sk_release(s); bpf_sk_assign(c, s, 0); return 0; }
S assign_null(struct __sk_buff *c) { bpf_sk_assign(c, 0, 0); return 0; }
S map_lk(struct __sk_buff *c) { int k = 0; struct bpf_sock *s = bpf_map_lookup_elem(&smap, &k); if (!s) return 0; bpf_sk_release(s); return 0; }
S map_lk_leak(struct __sk_buff *c) { int k = 0; struct bpf_sock *s = bpf_map_lookup_elem(&shash, &k); return s ? s->type : 0; }
S map_upd(struct __sk_buff *c) { int k = 0; LK(bpf_sk_lookup_tcp); bpf_map_update_elem(&smap, &k, s, 0); bpf_sk_release(s); return 0; }
S map_upd_val(struct __sk_buff *c) { int k = 0; u64 v = 0; bpf_map_update_elem(&smap, &k, &v, 0); return 0; }
S map_upd_skc(struct __sk_buff *c) { int k = 0; LK(bpf_skc_lookup_tcp); bpf_map_update_elem(&smap, &k, s, 0); bpf_sk_release(s); return 0; }
S map_upd_maybe(struct __sk_buff *c) { int k = 0; bpf_map_update_elem(&smap, &k, c->sk, 0); return 0; }
S map_redir(struct __sk_buff *c) { return bpf_sk_redirect_map(c, &smap, 0, 0); }
SEC("xdp") int x_map_lk(void *c) { int k = 0; struct bpf_sock *s = bpf_map_lookup_elem(&smap, &k); if (!s) return 0; bpf_sk_release(s); return 0; }
SEC("xdp") int x_lk(struct xdp_md *c) { LK(bpf_sk_lookup_tcp); bpf_sk_release(s); return 0; }
SEC("xdp") int x_xsk(struct xdp_md *c) { int k = 0; struct xdp_socket *s = bpf_map_lookup_elem(&xsk, &k); return s ? s->queue_id : 0; }
SEC("xdp") int x_xsk_nc(struct xdp_md *c) { int k = 0; struct xdp_socket *s = bpf_map_lookup_elem(&xsk, &k); return s->queue_id; }
SEC("xdp") int x_xsk_w(struct xdp_md *c) { int k = 0; struct xdp_socket *s = bpf_map_lookup_elem(&xsk, &k); if (s) *(volatile int*)&s->queue_id = 1; return 0; }
SEC("xdp") int x_xsk_off(struct xdp_md *c) { int k = 0; struct xdp_socket *s = bpf_map_lookup_elem(&xsk, &k); if (s) return ((volatile int*)s)[1]; return 0; }
SEC("sk_reuseport") int rp(struct sk_reuseport_md *c) { int k = 0; return bpf_sk_select_reuseport(c, &rsa, &k, 0) ? SK_DROP : SK_PASS; }
SEC("sk_reuseport") int rp_map(struct sk_reuseport_md *c) { int k = 0; return bpf_sk_select_reuseport(c, &smap, &k, 0); }
SEC("sk_reuseport") int rp_sk(struct sk_reuseport_md *c) { struct bpf_sock *s = c->sk; return s->family & 1; }
SEC("sk_reuseport") int rp_msk(struct sk_reuseport_md *c) { struct bpf_sock *s = c->migrating_sk; return s ? s->family & 1 : 0; }
SEC("sk_reuseport") int rp_msk_nc(struct sk_reuseport_md *c) { return c->migrating_sk->family & 1; }
SEC("sk_reuseport") int rp_data(struct sk_reuseport_md *c) { char *p = c->data; if (p + 4 > (char*)c->data_end) return 0; return p[3] & 1; }
SEC("sk_lookup") int sl(struct bpf_sk_lookup *c) { int k = 0; struct bpf_sock *s = bpf_map_lookup_elem(&smap, &k); if (!s) return SK_DROP; int e = bpf_sk_assign(c, s, 0); bpf_sk_release(s); return e ? SK_DROP : SK_PASS; }
SEC("sk_lookup") int sl_null(struct bpf_sk_lookup *c) { bpf_sk_assign(c, 0, 0); return SK_PASS; }
SEC("sk_lookup") int sl_sk(struct bpf_sk_lookup *c) { struct bpf_sock *s = c->sk; return s ? s->type & 1 : 0; }
SEC("sk_lookup") int sl_ret2(struct bpf_sk_lookup *c) { return 2; }
SEC("sk_lookup") int sl_w(struct bpf_sk_lookup *c) { *(volatile int*)&c->family = 1; return 1; }
SEC("sk_msg") int sm(struct sk_msg_md *c) { int k = 0; return bpf_msg_redirect_hash(c, &shash, &k, 0); }
SEC("sk_msg") int sm_data(struct sk_msg_md *c) { char *p = c->data; if (p + 4 > (char*)c->data_end) return 0; p[0] = 1; return SK_PASS; }
SEC("sk_msg") int sm_inval(struct sk_msg_md *c) { char *p = c->data; if (p + 4 > (char*)c->data_end) return 0; bpf_msg_pull_data(c, 0, 4, 0); p[0] = 1; return SK_PASS; }
SEC("sk_msg") int sm_push(struct sk_msg_md *c) { char *p = c->data; if (p + 4 > (char*)c->data_end) return 0; bpf_msg_apply_bytes(c, 4); p[0] = 1; return SK_PASS; }
SEC("sockops") int so(struct bpf_sock_ops *c) { int k = 0; bpf_sock_map_update(c, &smap, &k, 0); return 1; }
SEC("sockops") int so_sk(struct bpf_sock_ops *c) { struct bpf_sock *s = c->sk; if (!s) return 0; struct bpf_tcp_sock *t = bpf_tcp_sock(s); return t ? t->snd_cwnd & 1 : 0; }
SEC("sockops") int so_skb(struct bpf_sock_ops *c) { char *p = c->skb_data; if (p + 1 > (char*)c->skb_data_end) return 1; return *p & 1; }
SEC("sockops") int so_skb_w(struct bpf_sock_ops *c) { char *p = c->skb_data; if (p + 1 > (char*)c->skb_data_end) return 1; *p = 1; return 1; }
SEC("sockops") int so_reply(struct bpf_sock_ops *c) { c->reply = 1; c->replylong[3] = 3; c->sk_txhash = 1; return 1; }
SEC("sockops") int so_w(struct bpf_sock_ops *c) { *(volatile int*)&c->op = 3; return 1; }
SEC("sockops") int so_ret2(struct bpf_sock_ops *c) { return 2; }
SEC("sockops") int so_hdr(struct bpf_sock_ops *c) { char b[4] = {}; bpf_load_hdr_opt(c, b, 4, 0); bpf_store_hdr_opt(c, b, 4, 0); bpf_reserve_hdr_opt(c, 4, 0); return 1; }
SEC("sk_skb/stream_verdict") int sv(struct __sk_buff *c) { return bpf_sk_redirect_map(c, &smap, 0, 0); }
SEC("sk_skb/stream_parser") int sp(struct __sk_buff *c) { return c->len; }
SEC("cgroup/sock_create") int csc(struct bpf_sock *c) { c->mark = 1; c->bound_dev_if = 2; return 1; }
SEC("cgroup/sock_create") int csc_p(struct bpf_sock *c) { return c->src_port & 1; }
SEC("cgroup/post_bind4") int cpb(struct bpf_sock *c) { return (c->src_port + c->src_ip4) & 1; }
SEC("cgroup/post_bind4") int cpb6(struct bpf_sock *c) { return (c->src_ip6[0]) & 1; }
SEC("cgroup/post_bind6") int cpb66(struct bpf_sock *c) { return (c->src_ip6[0]) & 1; }
SEC("cgroup/sock_release") int crel(struct bpf_sock *c) { return c->src_port & 1; }
SEC("cgroup/getsockopt") int gso(struct bpf_sockopt *c) { char *p = c->optval; if (p + 1 > (char*)c->optval_end) return 1; p[0] = 1; c->retval = 0; c->optlen = 1; return 1; }
SEC("cgroup/setsockopt") int sso(struct bpf_sockopt *c) { c->level = 1; c->optname = 3; c->optlen = 3; return 1; }
SEC("cgroup/setsockopt") int sso_ret(struct bpf_sockopt *c) { c->retval = 1; return 1; }
SEC("cgroup/getsockopt") int gso_lvl(struct bpf_sockopt *c) { c->level = 1; return 1; }
SEC("cgroup/getsockopt") int gso_sk(struct bpf_sockopt *c) { struct bpf_sock *s = c->sk; if (!s) return 1; u64 *p = bpf_sk_storage_get(&st, s, 0, 1); return 1; }
SEC("cgroup/getsockopt") int gso_ret2(struct bpf_sockopt *c) { return 2; }
SEC("cgroup/sysctl") int sysc(struct bpf_sysctl *c) { c->file_pos = 1; return c->write & 1; }
SEC("cgroup/sysctl") int sysc8(struct bpf_sysctl *c) { return *(u8*)&c->file_pos & 1; }
SEC("cgroup/sysctl") int sysc_w8(struct bpf_sysctl *c) { *(volatile u8*)&c->file_pos = 1; return 1; }
SEC("cgroup/dev") int cdev(struct bpf_cgroup_dev_ctx *c) { return (c->access_type + c->major) & 1; }
SEC("cgroup/dev") int cdev16(struct bpf_cgroup_dev_ctx *c) { return (*(u16*)&c->access_type + *((u16*)&c->access_type + 1)) & 1; }
SEC("cgroup/dev") int cdev_maj16(struct bpf_cgroup_dev_ctx *c) { return (*(u16*)&c->major) & 1; }
SEC("flow_dissector") int fd(struct __sk_buff *c) { struct bpf_flow_keys *k = c->flow_keys; k->thoff = 1; return c->protocol & 1; }
SEC("flow_dissector") int fd_past(struct __sk_buff *c) { volatile char *k = (void*)c->flow_keys; return k[56]; }
SEC("flow_dissector") int fd_last(struct __sk_buff *c) { volatile char *k = (void*)c->flow_keys; return k[55] & 1; }
SEC("flow_dissector") int fd_var(struct __sk_buff *c) { volatile char *k = (void*)c->flow_keys; return k[c->vlan_tci & 7] & 1; }
SEC("flow_dissector") int fd_len(struct __sk_buff *c) { return c->len; }
SEC("cgroup/bind4") int b4(struct bpf_sock_addr *c) { c->user_ip4 = 1; c->user_port = 3; return 3; }
SEC("cgroup/bind4") int b4_6(struct bpf_sock_addr *c) { c->user_ip6[0] = 1; return 1; }
SEC("cgroup/bind4") int b4_4(struct bpf_sock_addr *c) { return 4; }
SEC("cgroup/connect4") int c4_2(struct bpf_sock_addr *c) { return 2; }
SEC("cgroup/recvmsg4") int r4_0(struct bpf_sock_addr *c) { return 0; }
SEC("cgroup/recvmsg4") int r4_src(struct bpf_sock_addr *c) { return c->msg_src_ip4 & 1; }
SEC("cgroup/sendmsg4") int s4_src(struct bpf_sock_addr *c) { c->msg_src_ip4 = 1; return 1; }
SEC("cgroup/getpeername4") int g4_0(struct bpf_sock_addr *c) { return 0; }
SEC("lwt_out") int lo(struct __sk_buff *c) { return bpf_skb_change_head(c, 4, 0); }
SEC("lwt_xmit") int lx(struct __sk_buff *c) { bpf_skb_change_head(c, 4, 0); c->cb[0] = 1; return 0; }
SEC("lwt_in") int li(struct __sk_buff *c) { char *p = (void*)(long)c->data; if (p + 1 > (char*)(long)c->data_end) return 0; p[0] = 1; return 0; }
SEC("lwt_in") int li_r(struct __sk_buff *c) { char *p = (void*)(long)c->data; if (p + 1 > (char*)(long)c->data_end) return 0; return p[0]; }
SEC("lwt_seg6local") int l6(struct __sk_buff *c) { bpf_lwt_seg6_store_bytes(c, 0, "ab", 2); return 0; }
SEC("perf_event") int pe(struct bpf_perf_event_data *c) { return c->sample_period + c->addr + c->regs.ip; }
SEC("perf_event") int pe_32(struct bpf_perf_event_data *c) { return *(u32*)&c->sample_period; }
SEC("perf_event") int pe_w(struct bpf_perf_event_data *c) { *(volatile u64*)&c->addr = 1; return 0; }
SEC("perf_event") int pe_r32(struct bpf_perf_event_data *c) { return *(volatile u32*)&c->regs.ip; }
SEC("kprobe/x") int kp(struct pt_regs *c) { return *(volatile u32*)&c->ip; }
SEC("kprobe/x") int kp_w(struct pt_regs *c) { c->ip = 1; return 0; }
SEC("kprobe/x") int kp_past(u64 *c) { return c[21]; }
SEC("tp/x/y") int tp(u64 *c) { return c[10]; }
SEC("tp/x/y") int tp0(u64 *c) { return c[0]; }
SEC("tp/x/y") int tp_8184(u64 *c) { return c[1023]; }
SEC("tp/x/y") int tp_8192(u64 *c) { return c[1024]; }
SEC("raw_tp/x") int rtp(u64 *c) { return c[11]; }
SEC("raw_tp/x") int rtp12(u64 *c) { return c[12]; }
SEC("raw_tp/x") int rtp32(u32 *c) { return c[1]; }
SEC("raw_tp.w/x") int rtw(u64 *c) { char *p = (void*)c[0]; return p[0]; }
SEC("raw_tp.w/x") int rtww(u64 *c) { char *p = (void*)c[0]; p[4] = 1; return 0; }
SEC("raw_tp.w/x") int rtwn(u64 *c) { volatile char *p = (void*)c[0]; return p[-1]; }
SEC("syscall") int sy(u64 *c) { c[0] = 1; return c[3]; }
SEC("syscall") int sy_big(char *c) { return c[65534]; }
SEC("syscall") int sy_64k(char *c) { return c[65536]; }
SEC("syscall") int sy_var(char *c) { int i = c[0] & 127; return c[i]; }
SEC("syscall") int sy_arg(char *c) { bpf_sys_bpf(0, c, 32); return 0; }
SEC("syscall") int sy_neg(volatile char *c) { return c[-1]; }
