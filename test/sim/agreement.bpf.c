// Programs that run on the real kernel and on ours: return values, packets and maps afterwards must be the same.
// Each leaves what helpers answered in `results`; nothing here depends on time, chance or the machine.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define ETH_P_IP 0x0800
#define TC_ACT_OK 0

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __s64);
} results SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} lazy_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} percpu SEC(".maps");

struct prefix {
	__u32 bits;
	__u8 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 3);
	__type(key, struct prefix);
	__type(value, __u32);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 2);
	__type(value, __u32);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 2);
	__type(value, __u32);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

int tail_target(struct xdp_md *ctx);
int tail_loop(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} tails SEC(".maps") = {
	.values = { [1] = (void *)&tail_target, [2] = (void *)&tail_loop },
};

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

__u64 global_counter = 5;
__u32 zeroed;

static __always_inline void put(__u32 slot, __s64 value)
{
	bpf_map_update_elem(&results, &slot, &value, BPF_ANY);
}

SEC("xdp")
int array_errors(struct xdp_md *ctx)
{
	__u32 key = 64;
	__s64 value = 1;
	put(0, bpf_map_update_elem(&results, &key, &value, BPF_ANY));
	key = 1;
	put(1, bpf_map_update_elem(&results, &key, &value, BPF_NOEXIST));
	put(2, bpf_map_update_elem(&results, &key, &value, BPF_EXIST));
	put(3, bpf_map_update_elem(&results, &key, &value, 3));
	put(4, bpf_map_update_elem(&results, &key, &value, 8));
	put(5, bpf_map_delete_elem(&results, &key));
	key = 64;
	put(6, bpf_map_lookup_elem(&results, &key) == 0);
	put(7, bpf_map_delete_elem(&results, &key));
	return XDP_PASS;
}

#define HASH_ERRORS(map, base)                                                        \
	do {                                                                          \
		__u32 key = 1;                                                        \
		__u64 value = 10, *old;                                               \
		put(base + 0, bpf_map_update_elem(&map, &key, &value, BPF_EXIST));    \
		put(base + 1, bpf_map_update_elem(&map, &key, &value, BPF_NOEXIST));  \
		put(base + 2, bpf_map_update_elem(&map, &key, &value, BPF_NOEXIST));  \
		put(base + 3, bpf_map_update_elem(&map, &key, &value, 3));            \
		put(base + 4, bpf_map_update_elem(&map, &key, &value, BPF_F_LOCK));   \
		key = 2;                                                              \
		put(base + 5, bpf_map_update_elem(&map, &key, &value, BPF_ANY));      \
		key = 3;                                                              \
		put(base + 6, bpf_map_update_elem(&map, &key, &value, BPF_ANY));      \
		key = 4;                                                              \
		put(base + 7, bpf_map_update_elem(&map, &key, &value, BPF_ANY));      \
		put(base + 8, bpf_map_delete_elem(&map, &key));                       \
		key = 2;                                                              \
		put(base + 9, bpf_map_delete_elem(&map, &key));                       \
		put(base + 10, bpf_map_lookup_elem(&map, &key) == 0);                 \
		key = 3;                                                              \
		old = bpf_map_lookup_elem(&map, &key);                                \
		if (old)                                                              \
			*old += 32;                                                   \
	} while (0)

SEC("xdp")
int hash_errors(struct xdp_md *ctx)
{
	HASH_ERRORS(hash, 0);
	return XDP_PASS;
}

SEC("xdp")
int lazy_hash_errors(struct xdp_md *ctx)
{
	HASH_ERRORS(lazy_hash, 16);
	return XDP_PASS;
}

SEC("xdp")
int old_value_after_update(struct xdp_md *ctx)
{
	__u32 key = 7;
	__u64 value = 1, *old, *new;
	bpf_map_update_elem(&hash, &key, &value, BPF_ANY);
	old = bpf_map_lookup_elem(&hash, &key);
	value = 2;
	bpf_map_update_elem(&hash, &key, &value, BPF_ANY);
	new = bpf_map_lookup_elem(&hash, &key);
	if (old)
		put(0, *old);
	if (new)
		put(1, *new);
	put(2, old == new);
	return XDP_PASS;
}

SEC("xdp")
int percpu_array(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 value = 3, *found;
	put(0, bpf_map_update_elem(&percpu, &key, &value, BPF_ANY));
	found = bpf_map_lookup_elem(&percpu, &key);
	if (found)
		put(1, *found);
	key = 2;
	put(2, bpf_map_lookup_elem(&percpu, &key) == 0);
	put(3, bpf_map_update_elem(&percpu, &key, &value, BPF_ANY));
	key = 1;
	put(4, bpf_map_update_elem(&percpu, &key, &value, BPF_NOEXIST));
	put(5, bpf_map_lookup_percpu_elem(&percpu, &key, 4096) == 0);
	return XDP_PASS;
}

static __always_inline void route(__u32 bits, __u8 a, __u8 b, __u32 value, __u64 flags, __u32 slot)
{
	struct prefix key = { .bits = bits, .address = { a, b, 0, 1 } };
	put(slot, bpf_map_update_elem(&routes, &key, &value, flags));
}

static __always_inline void find(__u32 bits, __u8 a, __u8 b, __u32 slot)
{
	struct prefix key = { .bits = bits, .address = { a, b, 0, 1 } };
	__u32 *value = bpf_map_lookup_elem(&routes, &key);
	put(slot, value ? *value : -1);
}

SEC("xdp")
int lpm_trie(struct xdp_md *ctx)
{
	struct prefix key = { .bits = 8, .address = { 10 } };
	route(8, 10, 0, 1, BPF_ANY, 0);
	route(16, 10, 1, 2, BPF_ANY, 1);
	route(8, 10, 7, 3, BPF_NOEXIST, 2);
	route(33, 10, 7, 3, BPF_ANY, 3);
	route(24, 10, 7, 3, BPF_EXIST, 4);
	route(0, 1, 1, 9, BPF_ANY, 5);
	route(32, 10, 7, 3, BPF_ANY, 6);
	find(32, 10, 1, 7);
	find(32, 10, 2, 8);
	find(32, 11, 2, 9);
	find(12, 10, 1, 10);
	find(33, 10, 1, 11);
	put(12, bpf_map_delete_elem(&routes, &key));
	put(13, bpf_map_delete_elem(&routes, &key));
	find(32, 10, 2, 14);
	return XDP_PASS;
}

SEC("xdp")
int queue_and_stack(struct xdp_md *ctx)
{
	__u32 one = 1, two = 2, three = 3, value = 77;
	put(0, bpf_map_pop_elem(&queue, &value));
	put(1, value);
	put(2, bpf_map_push_elem(&queue, &one, BPF_ANY));
	put(3, bpf_map_push_elem(&queue, &two, BPF_ANY));
	put(4, bpf_map_push_elem(&queue, &three, BPF_ANY));
	put(5, bpf_map_push_elem(&queue, &three, BPF_EXIST));
	put(6, bpf_map_push_elem(&queue, &three, BPF_NOEXIST));
	put(7, bpf_map_peek_elem(&queue, &value));
	put(8, value);
	put(9, bpf_map_pop_elem(&queue, &value));
	put(10, value);
	bpf_map_push_elem(&stack, &one, BPF_ANY);
	bpf_map_push_elem(&stack, &two, BPF_ANY);
	put(11, bpf_map_push_elem(&stack, &three, BPF_EXIST));
	bpf_map_pop_elem(&stack, &value);
	put(12, value);
	bpf_map_pop_elem(&stack, &value);
	put(13, value);
	put(14, bpf_map_pop_elem(&stack, &value));
	return XDP_PASS;
}

SEC("xdp")
int ring_buffer(struct xdp_md *ctx)
{
	__u64 big[8] = {};
	__u32 *record = bpf_ringbuf_reserve(&ring, 12, 0);
	put(0, bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA));
	put(1, bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE));
	put(2, bpf_ringbuf_query(&ring, BPF_RB_PROD_POS));
	if (record) {
		record[0] = 1;
		record[1] = 2;
		record[2] = 3;
		bpf_ringbuf_submit(record, 0);
	}
	put(3, bpf_ringbuf_output(&ring, big, sizeof(big), 0));
	put(4, bpf_ringbuf_query(&ring, BPF_RB_PROD_POS));
	put(5, bpf_ringbuf_output(&ring, big, sizeof(big), 4));
	record = bpf_ringbuf_reserve(&ring, 4088, 0);
	put(6, record == 0);
	if (record)
		bpf_ringbuf_discard(record, 0);
	record = bpf_ringbuf_reserve(&ring, 3984, 0);
	put(7, record == 0);
	if (record)
		bpf_ringbuf_discard(record, 0);
	put(8, bpf_ringbuf_query(&ring, 17));
	return XDP_PASS;
}

SEC("xdp")
int tail_target(struct xdp_md *ctx)
{
	put(0, 42);
	return XDP_TX;
}

SEC("xdp")
int tail_loop(struct xdp_md *ctx)
{
	global_counter++;
	bpf_tail_call(ctx, &tails, 2);
	return XDP_DROP;
}

SEC("xdp")
int tail_calls(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &tails, 0);
	bpf_tail_call(ctx, &tails, 9);
	bpf_tail_call(ctx, &tails, 1);
	return XDP_DROP;
}

SEC("xdp")
int redirects(struct xdp_md *ctx)
{
	put(0, bpf_redirect(1, 0));
	put(1, bpf_redirect(1, 1));
	put(2, bpf_redirect_map(&devices, 0, 0));
	put(3, bpf_redirect_map(&devices, 0, 2));
	put(4, bpf_redirect_map(&devices, 9, 1));
	put(5, bpf_redirect_map(&devices, 0, 1 << 9));
	return XDP_PASS;
}

SEC("xdp")
int adjust_head(struct xdp_md *ctx)
{
	put(0, bpf_xdp_adjust_head(ctx, 64));
	put(1, bpf_xdp_adjust_head(ctx, -20));
	put(2, ctx->data_end - ctx->data);
	put(3, bpf_xdp_adjust_head(ctx, -300));
	put(4, bpf_xdp_adjust_head(ctx, 20));
	put(5, ctx->data_end - ctx->data);
	put(6, bpf_xdp_adjust_head(ctx, -4));
	return XDP_PASS;
}

SEC("xdp")
int adjust_tail(struct xdp_md *ctx)
{
	put(0, bpf_xdp_adjust_tail(ctx, -10));
	put(1, ctx->data_end - ctx->data);
	put(2, bpf_xdp_adjust_tail(ctx, -100));
	put(3, bpf_xdp_adjust_tail(ctx, 30));
	put(4, ctx->data_end - ctx->data);
	put(5, bpf_xdp_adjust_tail(ctx, 4000));
	return XDP_TX;
}

SEC("xdp")
int adjust_meta(struct xdp_md *ctx)
{
	put(0, bpf_xdp_adjust_meta(ctx, -8));
	put(1, ctx->data - ctx->data_meta);
	put(2, bpf_xdp_adjust_meta(ctx, -3));
	put(3, bpf_xdp_adjust_meta(ctx, 16));
	put(4, bpf_xdp_adjust_meta(ctx, 4));
	put(5, ctx->data - ctx->data_meta);
	put(6, bpf_xdp_adjust_meta(ctx, -400));
	return XDP_PASS;
}

SEC("xdp")
int xdp_bytes(struct xdp_md *ctx)
{
	__u8 buffer[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	put(0, bpf_xdp_get_buff_len(ctx));
	put(1, bpf_xdp_store_bytes(ctx, 6, buffer, 8));
	put(2, bpf_xdp_load_bytes(ctx, 2, buffer, 8));
	put(3, *(__u64 *)buffer);
	put(4, bpf_xdp_load_bytes(ctx, 36, buffer, 8));
	put(5, bpf_xdp_store_bytes(ctx, 100000, buffer, 8));
	return XDP_TX;
}

SEC("xdp")
int csum(struct xdp_md *ctx)
{
	__u32 from[2] = { 0x12345678, 0x9abcdef0 }, to[3] = { 1, 0xffffffff, 0x80000000 };
	put(0, bpf_csum_diff(from, 8, to, 12, 0));
	put(1, bpf_csum_diff(0, 0, to, 12, 0));
	put(2, bpf_csum_diff(from, 8, 0, 0, 0xffff));
	put(3, bpf_csum_diff(from, 4, to, 4, 0xabcdef));
	return XDP_PASS;
}

SEC("xdp")
int swap_macs(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	__u8 source[6];
	if (data + sizeof(*eth) > end)
		return XDP_ABORTED;
	__builtin_memcpy(source, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, source, 6);
	put(0, eth->h_proto == bpf_htons(ETH_P_IP));
	global_counter += zeroed;
	return XDP_TX;
}

static __always_inline void number(const char *text, __u32 size, __u64 flags, __u32 slot)
{
	long value = -77;
	unsigned long positive = 77;
	put(slot, bpf_strtol(text, size, flags, &value));
	put(slot + 1, value);
	put(slot + 2, bpf_strtoul(text, size, flags, &positive));
	put(slot + 3, positive);
}

SEC("tc")
int numbers(struct __sk_buff *skb)
{
	char decimal[] = "  -123abc", hex[] = "0x1fg", octal[] = "0755", huge[] = "99999999999999999999", none[] = "abc", edge[] = "9223372036854775808", plus[] = "+7";
	number(decimal, sizeof(decimal), 0, 0);
	number(hex, sizeof(hex), 0, 4);
	number(hex, sizeof(hex), 16, 8);
	number(octal, sizeof(octal), 0, 12);
	number(octal, sizeof(octal), 10, 16);
	number(huge, sizeof(huge), 0, 20);
	number(none, sizeof(none), 0, 24);
	number(edge, sizeof(edge), 0, 28);
	number(decimal, sizeof(decimal), 7, 32);
	number(plus, sizeof(plus), 0, 36);
	return TC_ACT_OK;
}

SEC("tc")
int text(struct __sk_buff *skb)
{
	char buffer[32] = {}, short_buffer[8] = {}, a[8] = "abcdefg";
	__u64 args[] = { 0xfffffffffffffff6, 255, 65, 0x123456789abcdef0 };
	static const char format[] = "%d %x %c %llx";
	static const char padded[] = "%5d|%-5u|%05d|%X";
	static const char wrong[] = "%d %y";
	__u64 pads[] = { 42, 42, 42, 0xbeef };
	put(0, bpf_snprintf(buffer, sizeof(buffer), format, args, sizeof(args)));
	put(1, *(__u64 *)&buffer[0]);
	put(2, *(__u64 *)&buffer[8]);
	put(3, *(__u64 *)&buffer[16]);
	put(4, bpf_snprintf(short_buffer, sizeof(short_buffer), format, args, sizeof(args)));
	put(5, *(__u64 *)short_buffer);
	put(6, bpf_snprintf(buffer, sizeof(buffer), padded, pads, sizeof(pads)));
	put(7, *(__u64 *)&buffer[0]);
	put(8, *(__u64 *)&buffer[8]);
	put(9, *(__u64 *)&buffer[16]);
	put(10, bpf_strncmp(a, 8, "abcdefg"));
	put(11, bpf_strncmp(a, 8, "abcdefh"));
	put(12, bpf_strncmp(a, 3, "abd"));
	put(13, bpf_strncmp(a, 8, "abc"));
	return TC_ACT_OK;
}

SEC("tc")
int skb_bytes(struct __sk_buff *skb)
{
	__u8 buffer[8] = {};
	put(0, skb->len);
	put(1, skb->protocol);
	put(2, skb->pkt_type);
	put(3, bpf_skb_load_bytes(skb, 6, buffer, 6));
	put(4, *(__u64 *)buffer);
	put(5, bpf_skb_load_bytes(skb, 1000, buffer, 6));
	put(6, *(__u64 *)buffer);
	put(7, bpf_skb_load_bytes_relative(skb, 0, buffer, 4, BPF_HDR_START_NET));
	put(8, *(__u64 *)buffer);
	buffer[0] = 0xaa;
	put(9, bpf_skb_store_bytes(skb, 0, buffer, 8, 0));
	put(10, bpf_skb_store_bytes(skb, 1000, buffer, 8, 0));
	put(11, bpf_skb_store_bytes(skb, 0, buffer, 8, 64));
	put(12, bpf_skb_pull_data(skb, 20));
	put(13, bpf_skb_pull_data(skb, 2000));
	skb->mark = 7;
	skb->cb[2] = 9;
	put(14, skb->mark + skb->cb[2]);
	return 3;
}

SEC("tc")
int skb_checksums(struct __sk_buff *skb)
{
	__u32 old = bpf_htonl(0xc0000201), new = bpf_htonl(0x0a000001);
	put(0, bpf_l3_csum_replace(skb, 24, old, new, 4));
	put(1, bpf_l4_csum_replace(skb, 40, old, new, 4 | BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0));
	put(2, bpf_skb_store_bytes(skb, 26, &new, 4, 0));
	put(3, bpf_l3_csum_replace(skb, 25, old, new, 4));
	put(4, bpf_l3_csum_replace(skb, 24, old, new, 3));
	put(5, bpf_l3_csum_replace(skb, 24, bpf_htons(0x4000), bpf_htons(0x0000), 2));
	put(6, bpf_l3_csum_replace(skb, 24, 0, bpf_csum_diff(&old, 4, &new, 4, 0), 0));
	return TC_ACT_OK;
}

SEC("tc")
int skb_tail(struct __sk_buff *skb)
{
	put(0, bpf_skb_change_tail(skb, 30, 0));
	put(1, skb->len);
	put(2, bpf_skb_change_tail(skb, 60, 0));
	put(3, skb->len);
	put(4, bpf_skb_change_tail(skb, 60, 1));
	return TC_ACT_OK;
}

SEC("tc")
int skb_room(struct __sk_buff *skb)
{
	put(0, bpf_skb_adjust_room(skb, 8, BPF_ADJ_ROOM_MAC, 0));
	put(1, skb->len);
	put(2, bpf_skb_adjust_room(skb, -8, BPF_ADJ_ROOM_MAC, 0));
	put(3, skb->len);
	put(4, bpf_skb_adjust_room(skb, 5000, BPF_ADJ_ROOM_MAC, 0));
	put(5, bpf_skb_adjust_room(skb, 4, 7, 0));
	return TC_ACT_OK;
}

struct totals {
	__u64 keys, values, calls;
};

static long add_up(struct bpf_map *map, const void *key, void *value, void *ctx)
{
	struct totals *totals = ctx;
	totals->keys += *(__u32 *)key;
	totals->values += *(__u64 *)value;
	totals->calls++;
	*(__u64 *)value += 1;
	return 0;
}

static long stop_at_five(__u32 index, void *ctx)
{
	*(__u64 *)ctx += index;
	return index == 5;
}

SEC("tc")
int callbacks(struct __sk_buff *skb)
{
	struct totals totals = {};
	__u64 sum = 0, value = 100;
	__u32 key = 1;
	bpf_map_update_elem(&hash, &key, &value, BPF_ANY);
	key = 2;
	bpf_map_update_elem(&hash, &key, &value, BPF_ANY);
	put(0, bpf_for_each_map_elem(&hash, add_up, &totals, 0));
	put(1, totals.keys);
	put(2, totals.values);
	put(3, totals.calls);
	put(4, bpf_for_each_map_elem(&hash, add_up, &totals, 1));
	put(5, bpf_loop(100, stop_at_five, &sum, 0));
	put(6, sum);
	put(7, bpf_loop(3, stop_at_five, &sum, 0));
	put(8, bpf_loop(3, stop_at_five, &sum, 1));
	put(9, bpf_loop(0, stop_at_five, &sum, 0));
	put(10, bpf_loop(1 << 24, stop_at_five, &sum, 0));
	return TC_ACT_OK;
}

__u8 memory[32];

SEC("tc")
int dynptr_memory(struct __sk_buff *skb)
{
	struct bpf_dynptr ptr, copy;
	__u8 buffer[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	__u8 *data;
	put(0, bpf_dynptr_from_mem(memory, sizeof(memory), 0, &ptr));
	put(1, bpf_dynptr_write(&ptr, 4, buffer, 8, 0));
	put(2, bpf_dynptr_write(&ptr, 28, buffer, 8, 0));
	put(3, bpf_dynptr_write(&ptr, 4, buffer, 8, 1));
	put(4, bpf_dynptr_read(buffer, 8, &ptr, 2, 0));
	put(5, *(__u64 *)buffer);
	put(6, bpf_dynptr_read(buffer, 8, &ptr, 25, 0));
	data = bpf_dynptr_data(&ptr, 4, 4);
	put(7, data ? data[1] : -1);
	put(8, bpf_dynptr_data(&ptr, 30, 4) == 0);
	put(9, bpf_dynptr_adjust(&ptr, 4, 12));
	put(10, bpf_dynptr_size(&ptr));
	put(11, bpf_dynptr_adjust(&ptr, 4, 2));
	put(12, bpf_dynptr_adjust(&ptr, 4, 20));
	put(13, bpf_dynptr_is_null(&ptr));
	put(14, bpf_dynptr_is_rdonly(&ptr));
	put(15, bpf_dynptr_clone(&ptr, &copy));
	put(16, bpf_dynptr_adjust(&copy, 2, 4));
	put(17, bpf_dynptr_size(&copy) * 100 + bpf_dynptr_size(&ptr));
	put(18, bpf_dynptr_read(buffer, 1, &copy, 0, 0));
	put(19, buffer[0]);
	return TC_ACT_OK;
}

SEC("tc")
int dynptr_records(struct __sk_buff *skb)
{
	struct bpf_dynptr ptr;
	__u64 value = 7, *data;
	put(0, bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &ptr));
	put(1, bpf_dynptr_write(&ptr, 8, &value, 8, 0));
	data = bpf_dynptr_data(&ptr, 8, 8);
	put(2, data ? *data : -1);
	bpf_ringbuf_submit_dynptr(&ptr, 0);
	put(3, bpf_ringbuf_query(&ring, BPF_RB_PROD_POS));
	put(4, bpf_ringbuf_reserve_dynptr(&ring, 8192, 0, &ptr));
	put(5, bpf_dynptr_write(&ptr, 0, &value, 8, 0));
	bpf_ringbuf_discard_dynptr(&ptr, 0);
	put(6, bpf_ringbuf_reserve_dynptr(&ring, 8, 1, &ptr));
	bpf_ringbuf_discard_dynptr(&ptr, 0);
	return TC_ACT_OK;
}

SEC("tc")
int dynptr_packet(struct __sk_buff *skb)
{
	struct bpf_dynptr ptr;
	__u8 buffer[16] = {}, *eth;
	put(0, bpf_dynptr_from_skb((void *)skb, 0, &ptr));
	put(1, bpf_dynptr_size(&ptr));
	eth = bpf_dynptr_slice(&ptr, 0, buffer, 14);
	put(2, eth ? eth[12] : -1);
	put(3, bpf_dynptr_slice(&ptr, 1000, buffer, 14) == 0);
	eth = bpf_dynptr_slice_rdwr(&ptr, 0, buffer, 14);
	if (eth)
		eth[0] = 0xee;
	put(4, bpf_dynptr_is_rdonly(&ptr));
	return TC_ACT_OK;
}

SEC("xdp")
int dynptr_xdp(struct xdp_md *ctx)
{
	struct bpf_dynptr ptr;
	__u8 buffer[8] = { 0xaa, 0xbb };
	put(0, bpf_dynptr_from_xdp(ctx, 0, &ptr));
	put(1, bpf_dynptr_size(&ptr));
	put(2, bpf_dynptr_write(&ptr, 0, buffer, 2, 0));
	put(3, bpf_dynptr_write(&ptr, 49, buffer, 2, 0));
	put(4, bpf_dynptr_read(buffer, 8, &ptr, 6, 0));
	put(5, *(__u64 *)buffer);
	return XDP_TX;
}

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

static __always_inline void count(int start, int end, __u32 slot)
{
	struct bpf_iter_num it;
	int *value, steps = 0;
	__s64 sum = 0;
	put(slot, bpf_iter_num_new(&it, start, end));
	while ((value = bpf_iter_num_next(&it))) {
		sum += *value;
		steps++;
	}
	bpf_iter_num_destroy(&it);
	put(slot + 1, sum);
	put(slot + 2, steps);
}

SEC("tc")
int numbers_in_order(struct __sk_buff *skb)
{
	count(0, 10, 0);
	count(-5, 3, 3);
	count(5, 5, 6);
	count(6, 5, 9);
	count(0x7ffffffd, 0x7fffffff, 12);
	count(-0x7fffffff - 1, -0x7ffffffd, 15);
	count(-0x7fffffff, 0x7fffffff, 18);
	return TC_ACT_OK;
}

extern void bpf_throw(__u64 cookie) __ksym;

SEC("tc")
int exception(struct __sk_buff *skb)
{
	put(0, 1);
	if (skb->len > 20)
		bpf_throw(2);
	put(1, 1);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int odd_sizes(struct __sk_buff *skb)
{
	__u8 from[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, to[8] = { 0xf1, 0xe2, 0xd3, 0xc4, 0xb5, 0xa6, 0x97, 0x88 };
	char prefix[4] = "0x", prefixed[8] = "0xfg";
	long number = 77;
	put(0, bpf_csum_diff((__be32 *)from, 3, (__be32 *)to, 7, 1));
	put(1, bpf_csum_diff(0, 0, (__be32 *)to, 5, 0));
	put(2, bpf_csum_diff((__be32 *)from, 6, 0, 0, 9));
	put(3, bpf_csum_diff((__be32 *)from, 1, (__be32 *)to, 1, 0xffffffff));
	put(4, bpf_strtol(prefix, sizeof(prefix), 16, &number));
	put(5, number);
	put(6, bpf_strtol(prefix, sizeof(prefix), 0, &number));
	put(7, bpf_strtol(prefixed, sizeof(prefixed), 16, &number));
	put(8, number);
	return TC_ACT_OK;
}

SEC("tc")
int skb_hash_and_sums(struct __sk_buff *skb)
{
	put(0, bpf_csum_update(skb, 5));
	put(1, bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY));
	put(2, bpf_csum_level(skb, 9));
	put(3, bpf_csum_level(skb, BPF_CSUM_LEVEL_DEC));
	put(4, bpf_csum_level(skb, BPF_CSUM_LEVEL_RESET));
	put(5, bpf_set_hash(skb, 0x1234));
	put(6, skb->hash);
	put(7, bpf_get_hash_recalc(skb));
	bpf_set_hash_invalid(skb);
	put(8, skb->hash);
	return TC_ACT_OK;
}

SEC("tc")
int peer_with_flags(struct __sk_buff *skb)
{
	put(0, bpf_redirect_peer(1, 1));
	return TC_ACT_OK;
}

SEC("xdp")
int huge_record(struct xdp_md *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&ring, 0x3ffffff0, 0);
	put(0, record != 0);
	if (record)
		bpf_ringbuf_discard(record, 0);
	record = bpf_ringbuf_reserve(&ring, 16, 0);
	if (!record)
		return XDP_DROP;
	put(1, record[0]);
	put(2, record[1]);
	bpf_ringbuf_discard(record, 0);
	return XDP_PASS;
}
