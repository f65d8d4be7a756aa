// Helpers that may not be called, and arguments that they do not take.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp")
int not_for_xdp(struct xdp_md *ctx)
{
	return bpf_get_current_pid_tgid() ? XDP_PASS : bpf_skb_load_bytes(ctx, 0, (void *)ctx, 1);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int size_not_limited(void *ctx)
{
	char buffer[64] = {};
	int n = (int)bpf_get_prandom_u32();

	bpf_probe_read_kernel(buffer, n, ctx);
	return buffer[0];
}

SEC("tracepoint/syscalls/sys_enter_openat")
int size_too_large(void *ctx)
{
	char buffer[64] = {};
	__u32 n = bpf_get_prandom_u32();

	if (n > 128)
		return 0;
	bpf_probe_read_kernel(buffer, n, ctx);
	return buffer[0];
}

SEC("xdp")
int wrong_map(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&events, &key) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int number_for_pointer(struct xdp_md *ctx)
{
	return bpf_map_lookup_elem(&counts, (void *)(long)ctx->rx_queue_index) ? XDP_PASS : XDP_DROP;
}

SEC("tc")
int null_argument(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct bpf_sock *full = bpf_sk_fullsock(sk);

	return full ? full->type : 0;
}

SEC("cgroup/skb")
int return_range(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("tc")
int context_field(struct __sk_buff *skb)
{
	return *(__u16 *)((void *)skb + __builtin_offsetof(struct __sk_buff, data_meta) + 2);
}

SEC("xdp")
int context_write(struct xdp_md *ctx)
{
	ctx->ingress_ifindex = 3;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
