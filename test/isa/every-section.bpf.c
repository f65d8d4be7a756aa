// One program that makes clang write every kind of section: maps, globals of three kinds, a subprogram, an extern, inline assembly.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

int factor = 5;
const volatile char message[] = "hi\n";
static int packets;
extern int bpf_somewhere_else(void) __ksym;

static __noinline int scaled(int value) { return value * 3 + factor; }

SEC("xdp")
int every_section(struct xdp_md *ctx) {
  __u32 key = 0;
  __u64 *value = bpf_map_lookup_elem(&counts, &key);
  if (value) __sync_fetch_and_add(value, 1);
  packets++;
  asm volatile("r1 = 1; r2 = 2;\n goto +0;" ::: "r1", "r2");
  return scaled(ctx->data) + bpf_somewhere_else();
}

char _license[] SEC("license") = "GPL";
