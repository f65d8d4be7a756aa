// The program of a session with the real bpftool, and maps of other kinds beside its counter.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
int counter = 0;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, struct { __u64 packets; char name[8]; }); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __uint(key_size, 4); __uint(value_size, 8); } untyped SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } percpu SEC(".maps");
SEC("xdp") int hello(struct xdp_md *ctx) {
	bpf_printk("Hello World %d", counter);
	counter++;
	bpf_map_lookup_elem(&flows, &counter);
	bpf_map_lookup_elem(&untyped, &counter);
	bpf_map_lookup_elem(&percpu, &counter);
	return XDP_PASS;
}
char LICENSE[] SEC("license") = "Dual BSD/GPL";
