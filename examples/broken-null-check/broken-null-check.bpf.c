// Broken on purpose: the kernel refuses this program, and the editor says so before you load it.
// Read the message at the squiggle, look at the line it points to, then put the check in.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

SEC("xdp")
int broken_null_check(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;
	__u64 *count = bpf_map_lookup_elem(&packets, &queue);

	// The missing line: if (!count) return XDP_PASS;
	*count += 1;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
