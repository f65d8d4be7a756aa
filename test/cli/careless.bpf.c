// Two errors, and three things that the kernel would accept: padding in a key, unwritten bytes in a record, an unknown action.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u32 interface;
	__u64 flow;
};

struct event {
	__u32 pid;
	__u64 time;
	char comm[12];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct key);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp")
int careless(struct xdp_md *ctx)
{
	struct key key;

	key.interface = ctx->ingress_ifindex;
	key.flow = 2;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	*count += 1;

	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 42;
	event->pid = 1;
	event->time = bpf_ktime_get_ns();
	__builtin_memcpy(event->comm, "careless", 9);
	bpf_ringbuf_submit(event, 0);

	__u8 *data = (void *)(long)ctx->data;

	return data[0] == 3 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
