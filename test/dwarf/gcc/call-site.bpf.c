// Arguments that only the caller still knows: gcc writes down how to get them back (call sites with DW_OP_entry_value), clang does not.
// Built in a folder /source: bpf-gcc -O2 -g -gbtf -mcpu=v3 -c call-site.bpf.c -o call-site.bpf.o (gcc 12).
typedef unsigned int u32;
typedef unsigned long long u64;
struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex; };
u64 now(void) __attribute__((kernel_helper(5)));

__attribute__((noinline, noclone)) u64 weigh(struct xdp_md *ctx, u64 packets, u64 factor) {
  u64 weight = packets * factor;
  now();
  return ctx ? weight : now();
}

__attribute__((section("xdp"), used)) int call_site(struct xdp_md *ctx) {
  u64 queue = ctx->rx_queue_index;
  u64 weight = weigh(ctx, queue + 5, 7);
  return weight + queue;
}

char _license[] __attribute__((section("license"), used)) = "GPL";
