// Callbacks that the kernel calls, per-CPU and struct-keyed maps, clocks and random numbers: what stepping and time travel must get right.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

struct flow {
	__u32 address;
	__u16 port;
	__u16 kind;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} total SEC(".maps");

__u32 lucky;
__u64 when;
enum level { LOW = 1, HIGH = 9 } level = LOW;

static int add(__u32 index, void *context)
{
	__u64 *sum = context;

	*sum += index; // #BP add
	return index == 3; // #BP add-end
}

SEC("xdp")
int callbacks(struct xdp_md *ctx)
{
	struct flow flow = { .address = 0x0100007f, .port = 80 };
	__u64 sum = 0, one = 1, *slot;
	__u32 zero = 0;

	bpf_loop(10, add, &sum, 0); // #BP loop
	lucky = bpf_get_prandom_u32(); // #BP random
	when = bpf_ktime_get_ns();
	flow.kind = sum; // #BP flow
	bpf_map_update_elem(&flows, &flow, &one, BPF_ANY);
	slot = bpf_map_lookup_elem(&total, &zero);
	if (slot)
		*slot += sum; // #BP total
	level = HIGH;
	return XDP_PASS; // #BP end
}

char LICENSE[] SEC("license") = "GPL";
