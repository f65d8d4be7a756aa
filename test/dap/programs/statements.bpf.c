// Loops, an inlined function and statements that the compiler interleaves: a step must go from statement to statement as in the source.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#define SIZE 8
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZE);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

__u64 total = 0;
__u64 table[SIZE] = { 1, 2, 3, 4, 5, 6, 7, 8 };
volatile __u32 length = 3;

static __always_inline __u64 weigh(__u64 value, __u32 factor)
{
	__u64 result = value;

	if (value & 1) // #BP odd
		result *= factor;
	else
		result += factor;
	return result;
}

SEC("xdp")
int statements(struct xdp_md *ctx)
{
	__u64 sum = 0;
	__u32 n = length & 3;

	for (__u32 i = 0; i < n && i < SIZE; i++) { // #BP for
		__u64 *slot = bpf_map_lookup_elem(&sums, &i);
		if (!slot)
			continue;
		*slot += weigh(table[i & (SIZE - 1)], n); // #BP weigh
		sum += *slot;
	}
	for (int k = 0; k < 3; k++) {
		sum += bpf_get_prandom_u32() & 1;
	}
	while (n > 0) { // #BP while
		sum += bpf_ktime_get_ns() & 1;
		n--;
	}
	total = sum; // #BP total
	return sum > 100 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
