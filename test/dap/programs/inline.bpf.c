// Functions that the compiler puts in place of their calls, loops, structs on the stack and bit fields: what a debugger must see through.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

struct point {
	int x;
	int y;
	unsigned int visible : 1;
	unsigned int layer : 7;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct point);
} points SEC(".maps");

volatile int scale = 3;
volatile int sink;

static __always_inline int scaled(int value)
{
	int factor = scale;  // #BP factor

	return value * factor; // #BP product
}

static __always_inline void move(struct point *point, int by)
{
	point->x += scaled(by); // #BP move-x
	point->y -= scaled(by + 1); // #BP move-y
}

static __noinline int sum(int count)
{
	int total = 0;

	for (int i = 0; i < count && i < 100; i++) {
		total += i * scale; // #BP total
		sink = total;
	}
	return total; // #BP sum-end
}

SEC("xdp")
int inline_calls(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index & 7; // #BP first
	struct point *point = bpf_map_lookup_elem(&points, &key);
	int total;

	if (!point)
		return XDP_ABORTED;
	point->visible = 1;
	point->layer = 5;
	move(point, 10); // #BP move
	total = sum(5);  // #BP sum
	sink = total;    // #BP after-sum
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
