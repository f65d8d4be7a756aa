/* SPDX-License-Identifier: MIT */
/*
 * What BCC's C has and libbpf's has not, as macros and inline functions: table declarations, table methods (the rewriter turns
 * `t.lookup(&k)` into `bcc_lookup(&t, &k)`), reads of kernel memory, printk with its format on the stack, and names from kernel headers
 * that types alone do not carry. Names and meaning of the tables are BCC's; the text is eBPF Workbench's own.
 */
#ifndef __BCC_BCC_H__
#define __BCC_BCC_H__

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

#pragma clang diagnostic ignored "-Wint-conversion"
#pragma clang diagnostic ignored "-Wincompatible-pointer-types"
#pragma clang diagnostic ignored "-Wunused-value"
#pragma clang diagnostic ignored "-Waddress-of-packed-member"
#pragma clang diagnostic ignored "-Wmissing-braces"

/* ---- tables ---- */

#define ___bcc_table(type_, key_, leaf_, name_, size_, flags_) \
	struct { \
		__uint(type, type_); \
		__type(key, key_); \
		__type(value, leaf_); \
		__uint(max_entries, size_); \
		__uint(map_flags, flags_); \
	} name_ SEC(".maps")

#define ___bcc_pick5(_1, _2, _3, _4, _5, chosen, ...) chosen

#define BPF_HASH1(n) ___bcc_table(BPF_MAP_TYPE_HASH, u64, u64, n, 10240, 0)
#define BPF_HASH2(n, k) ___bcc_table(BPF_MAP_TYPE_HASH, k, u64, n, 10240, 0)
#define BPF_HASH3(n, k, l) ___bcc_table(BPF_MAP_TYPE_HASH, k, l, n, 10240, 0)
#define BPF_HASH4(n, k, l, s) ___bcc_table(BPF_MAP_TYPE_HASH, k, l, n, s, 0)
#define BPF_HASH(...) ___bcc_pick5(__VA_ARGS__, , BPF_HASH4, BPF_HASH3, BPF_HASH2, BPF_HASH1)(__VA_ARGS__)

#define BPF_PERCPU_HASH1(n) ___bcc_table(BPF_MAP_TYPE_PERCPU_HASH, u64, u64, n, 10240, 0)
#define BPF_PERCPU_HASH2(n, k) ___bcc_table(BPF_MAP_TYPE_PERCPU_HASH, k, u64, n, 10240, 0)
#define BPF_PERCPU_HASH3(n, k, l) ___bcc_table(BPF_MAP_TYPE_PERCPU_HASH, k, l, n, 10240, 0)
#define BPF_PERCPU_HASH4(n, k, l, s) ___bcc_table(BPF_MAP_TYPE_PERCPU_HASH, k, l, n, s, 0)
#define BPF_PERCPU_HASH(...) \
	___bcc_pick5(__VA_ARGS__, , BPF_PERCPU_HASH4, BPF_PERCPU_HASH3, BPF_PERCPU_HASH2, BPF_PERCPU_HASH1)(__VA_ARGS__)

#define BPF_LRU_HASH1(n) ___bcc_table(BPF_MAP_TYPE_LRU_HASH, u64, u64, n, 10240, 0)
#define BPF_LRU_HASH2(n, k) ___bcc_table(BPF_MAP_TYPE_LRU_HASH, k, u64, n, 10240, 0)
#define BPF_LRU_HASH3(n, k, l) ___bcc_table(BPF_MAP_TYPE_LRU_HASH, k, l, n, 10240, 0)
#define BPF_LRU_HASH4(n, k, l, s) ___bcc_table(BPF_MAP_TYPE_LRU_HASH, k, l, n, s, 0)
#define BPF_LRU_HASH(...) ___bcc_pick5(__VA_ARGS__, , BPF_LRU_HASH4, BPF_LRU_HASH3, BPF_LRU_HASH2, BPF_LRU_HASH1)(__VA_ARGS__)

#define BPF_LRU_PERCPU_HASH1(n) ___bcc_table(BPF_MAP_TYPE_LRU_PERCPU_HASH, u64, u64, n, 10240, 0)
#define BPF_LRU_PERCPU_HASH2(n, k) ___bcc_table(BPF_MAP_TYPE_LRU_PERCPU_HASH, k, u64, n, 10240, 0)
#define BPF_LRU_PERCPU_HASH3(n, k, l) ___bcc_table(BPF_MAP_TYPE_LRU_PERCPU_HASH, k, l, n, 10240, 0)
#define BPF_LRU_PERCPU_HASH4(n, k, l, s) ___bcc_table(BPF_MAP_TYPE_LRU_PERCPU_HASH, k, l, n, s, 0)
#define BPF_LRU_PERCPU_HASH(...) \
	___bcc_pick5(__VA_ARGS__, , BPF_LRU_PERCPU_HASH4, BPF_LRU_PERCPU_HASH3, BPF_LRU_PERCPU_HASH2, BPF_LRU_PERCPU_HASH1)(__VA_ARGS__)

#define BPF_ARRAY1(n) ___bcc_table(BPF_MAP_TYPE_ARRAY, int, u64, n, 10240, 0)
#define BPF_ARRAY2(n, l) ___bcc_table(BPF_MAP_TYPE_ARRAY, int, l, n, 10240, 0)
#define BPF_ARRAY3(n, l, s) ___bcc_table(BPF_MAP_TYPE_ARRAY, int, l, n, s, 0)
#define BPF_ARRAY(...) ___bcc_pick5(__VA_ARGS__, , , BPF_ARRAY3, BPF_ARRAY2, BPF_ARRAY1)(__VA_ARGS__)

#define BPF_PERCPU_ARRAY1(n) ___bcc_table(BPF_MAP_TYPE_PERCPU_ARRAY, int, u64, n, 10240, 0)
#define BPF_PERCPU_ARRAY2(n, l) ___bcc_table(BPF_MAP_TYPE_PERCPU_ARRAY, int, l, n, 10240, 0)
#define BPF_PERCPU_ARRAY3(n, l, s) ___bcc_table(BPF_MAP_TYPE_PERCPU_ARRAY, int, l, n, s, 0)
#define BPF_PERCPU_ARRAY(...) ___bcc_pick5(__VA_ARGS__, , , BPF_PERCPU_ARRAY3, BPF_PERCPU_ARRAY2, BPF_PERCPU_ARRAY1)(__VA_ARGS__)

/* A histogram of ints is an array, one of anything else a hash. */
#define ___bcc_histogram_type(key) (__builtin_types_compatible_p(key, int) ? 2 : 1)
#define BPF_HISTOGRAM1(n) ___bcc_table(2, int, u64, n, 64, 0)
#define BPF_HISTOGRAM2(n, k) ___bcc_table(___bcc_histogram_type(k), k, u64, n, 64, 0)
#define BPF_HISTOGRAM3(n, k, s) ___bcc_table(___bcc_histogram_type(k), k, u64, n, s, 0)
#define BPF_HISTOGRAM(...) ___bcc_pick5(__VA_ARGS__, , , BPF_HISTOGRAM3, BPF_HISTOGRAM2, BPF_HISTOGRAM1)(__VA_ARGS__)

#define BPF_LPM_TRIE1(n) ___bcc_table(BPF_MAP_TYPE_LPM_TRIE, u64, u64, n, 10240, BPF_F_NO_PREALLOC)
#define BPF_LPM_TRIE2(n, k) ___bcc_table(BPF_MAP_TYPE_LPM_TRIE, k, u64, n, 10240, BPF_F_NO_PREALLOC)
#define BPF_LPM_TRIE3(n, k, l) ___bcc_table(BPF_MAP_TYPE_LPM_TRIE, k, l, n, 10240, BPF_F_NO_PREALLOC)
#define BPF_LPM_TRIE4(n, k, l, s) ___bcc_table(BPF_MAP_TYPE_LPM_TRIE, k, l, n, s, BPF_F_NO_PREALLOC)
#define BPF_LPM_TRIE(...) ___bcc_pick5(__VA_ARGS__, , BPF_LPM_TRIE4, BPF_LPM_TRIE3, BPF_LPM_TRIE2, BPF_LPM_TRIE1)(__VA_ARGS__)

#define ___bcc_sized(type_, name_, key_size_, value_size_, size_) \
	struct { \
		__uint(type, type_); \
		__uint(key_size, key_size_); \
		__uint(value_size, value_size_); \
		__uint(max_entries, size_); \
	} name_ SEC(".maps")

#define BPF_PERF_OUTPUT(n) \
	struct { \
		__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); \
		__uint(key_size, sizeof(int)); \
		__uint(value_size, sizeof(u32)); \
	} n SEC(".maps")
#define BPF_RINGBUF_OUTPUT(n, pages) \
	struct { \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, (pages) * 4096); \
	} n SEC(".maps")
#define BPF_PERF_ARRAY(n, s) ___bcc_sized(BPF_MAP_TYPE_PERF_EVENT_ARRAY, n, 4, 4, s)
#define BPF_CGROUP_ARRAY(n, s) ___bcc_sized(BPF_MAP_TYPE_CGROUP_ARRAY, n, 4, 4, s)
#define BPF_PROG_ARRAY(n, s) ___bcc_sized(BPF_MAP_TYPE_PROG_ARRAY, n, 4, 4, s)
#define BPF_XSKMAP(n, s, ...) ___bcc_table(BPF_MAP_TYPE_XSKMAP, int, int, n, s, 0)
#define BPF_DEVMAP(n, s) ___bcc_table(BPF_MAP_TYPE_DEVMAP, int, int, n, s, 0)
#define BPF_CPUMAP(n, s) ___bcc_table(BPF_MAP_TYPE_CPUMAP, u32, u32, n, s, 0)
#define BPF_SOCKMAP(n, s) ___bcc_table(BPF_MAP_TYPE_SOCKMAP, u32, u32, n, s, 0)
#define BPF_SOCKHASH1(n) ___bcc_table(BPF_MAP_TYPE_SOCKHASH, u32, u32, n, 10240, 0)
#define BPF_SOCKHASH2(n, k) ___bcc_table(BPF_MAP_TYPE_SOCKHASH, k, u32, n, 10240, 0)
#define BPF_SOCKHASH3(n, k, s) ___bcc_table(BPF_MAP_TYPE_SOCKHASH, k, u32, n, s, 0)
#define BPF_SOCKHASH(...) ___bcc_pick5(__VA_ARGS__, , , BPF_SOCKHASH3, BPF_SOCKHASH2, BPF_SOCKHASH1)(__VA_ARGS__)

#define BPF_MAX_STACK_DEPTH 127
struct bpf_stacktrace {
	u64 ip[BPF_MAX_STACK_DEPTH];
};
#define BPF_STACK_TRACE(n, s) ___bcc_table(BPF_MAP_TYPE_STACK_TRACE, int, struct bpf_stacktrace, n, s, 0)
struct bpf_stacktrace_buildid {
	struct bpf_stack_build_id trace[BPF_MAX_STACK_DEPTH];
};
#define BPF_STACK_TRACE_BUILDID(n, s) \
	___bcc_table(BPF_MAP_TYPE_STACK_TRACE, int, struct bpf_stacktrace_buildid, n, s, BPF_F_STACK_BUILD_ID)

#define ___bcc_queue(type_, name_, leaf_, size_, flags_) \
	struct { \
		__uint(type, type_); \
		__type(value, leaf_); \
		__uint(max_entries, size_); \
		__uint(map_flags, flags_); \
	} name_ SEC(".maps")
#define BPF_QUEUE3(n, l, s) ___bcc_queue(BPF_MAP_TYPE_QUEUE, n, l, s, 0)
#define BPF_QUEUE4(n, l, s, f) ___bcc_queue(BPF_MAP_TYPE_QUEUE, n, l, s, f)
#define BPF_QUEUE(...) ___bcc_pick5(__VA_ARGS__, , BPF_QUEUE4, BPF_QUEUE3, , )(__VA_ARGS__)
#define BPF_STACK3(n, l, s) ___bcc_queue(BPF_MAP_TYPE_STACK, n, l, s, 0)
#define BPF_STACK4(n, l, s, f) ___bcc_queue(BPF_MAP_TYPE_STACK, n, l, s, f)
#define BPF_STACK(...) ___bcc_pick5(__VA_ARGS__, , BPF_STACK4, BPF_STACK3, , )(__VA_ARGS__)

#define ___bcc_storage(type_, name_, leaf_) \
	struct { \
		__uint(type, type_); \
		__type(key, int); \
		__type(value, leaf_); \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
	} name_ SEC(".maps")
#define BPF_SK_STORAGE(n, l) ___bcc_storage(BPF_MAP_TYPE_SK_STORAGE, n, l)
#define BPF_INODE_STORAGE(n, l) ___bcc_storage(BPF_MAP_TYPE_INODE_STORAGE, n, l)
#define BPF_TASK_STORAGE(n, l) ___bcc_storage(BPF_MAP_TYPE_TASK_STORAGE, n, l)

#define BPF_ARRAY_OF_MAPS(n, inner, s) \
	struct { \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); \
		__type(key, u32); \
		__uint(max_entries, s); \
		__array(values, typeof(inner)); \
	} n SEC(".maps")
#define BPF_HASH_OF_MAPS3(n, inner, s) BPF_HASH_OF_MAPS4(n, u32, inner, s)
#define BPF_HASH_OF_MAPS4(n, k, inner, s) \
	struct { \
		__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); \
		__type(key, k); \
		__uint(max_entries, s); \
		__array(values, typeof(inner)); \
	} n SEC(".maps")
#define BPF_HASH_OF_MAPS(...) ___bcc_pick5(__VA_ARGS__, , BPF_HASH_OF_MAPS4, BPF_HASH_OF_MAPS3, , )(__VA_ARGS__)

/* BPF_TABLE("hash", …): the rewriter takes the quotes away. */
#define ___bcc_type_hash BPF_MAP_TYPE_HASH
#define ___bcc_type_array BPF_MAP_TYPE_ARRAY
#define ___bcc_type_percpu_hash BPF_MAP_TYPE_PERCPU_HASH
#define ___bcc_type_percpu_array BPF_MAP_TYPE_PERCPU_ARRAY
#define ___bcc_type_lru_hash BPF_MAP_TYPE_LRU_HASH
#define ___bcc_type_lru_percpu_hash BPF_MAP_TYPE_LRU_PERCPU_HASH
#define ___bcc_type_lpm_trie BPF_MAP_TYPE_LPM_TRIE
#define ___bcc_type_prog BPF_MAP_TYPE_PROG_ARRAY
#define ___bcc_type_perf_output BPF_MAP_TYPE_PERF_EVENT_ARRAY
#define ___bcc_type_perf_array BPF_MAP_TYPE_PERF_EVENT_ARRAY
#define ___bcc_type_stacktrace BPF_MAP_TYPE_STACK_TRACE
#define ___bcc_type_cgroup_array BPF_MAP_TYPE_CGROUP_ARRAY
#define ___bcc_type_devmap BPF_MAP_TYPE_DEVMAP
#define ___bcc_type_cpumap BPF_MAP_TYPE_CPUMAP
#define ___bcc_type_xskmap BPF_MAP_TYPE_XSKMAP
#define ___bcc_type_sockmap BPF_MAP_TYPE_SOCKMAP
#define ___bcc_type_sockhash BPF_MAP_TYPE_SOCKHASH
#define ___bcc_type_histogram BPF_MAP_TYPE_HASH
#define ___bcc_flags_lpm_trie BPF_F_NO_PREALLOC
#define BPF_TABLE(t, k, l, n, s) ___bcc_table(___bcc_type_##t, k, l, n, s, (___bcc_type_##t == BPF_MAP_TYPE_LPM_TRIE ? 1 : 0))
#define BPF_F_TABLE(t, k, l, n, s, f) ___bcc_table(___bcc_type_##t, k, l, n, s, f)
#define BPF_TABLE_PUBLIC(t, k, l, n, s) BPF_TABLE(t, k, l, n, s)
#define BPF_TABLE_SHARED(t, k, l, n, s) BPF_TABLE(t, k, l, n, s)
#define BPF_TABLE_PINNED(t, k, l, n, s, ...) BPF_TABLE(t, k, l, n, s)

/* ---- table methods ---- */

#define ___bcc_leaf(table) typeof(*(table)->value)
#define bcc_lookup(table, key) ((typeof((table)->value))bpf_map_lookup_elem(table, key))
#define bcc_update(table, key, leaf) bpf_map_update_elem(table, key, leaf, BPF_ANY)
#define bcc_insert(table, key, leaf) bpf_map_update_elem(table, key, leaf, BPF_NOEXIST)
#define bcc_delete(table, key) bpf_map_delete_elem(table, key)
#define bcc_lookup_or_try_init(table, key, init) \
	({ \
		typeof((table)->value) ___leaf = bpf_map_lookup_elem(table, key); \
		if (!___leaf) { \
			bpf_map_update_elem(table, key, init, BPF_NOEXIST); \
			___leaf = bpf_map_lookup_elem(table, key); \
		} \
		___leaf; \
	})
#define bcc_lookup_or_init(table, key, init) \
	({ \
		typeof((table)->value) ___leaf = bcc_lookup_or_try_init(table, key, init); \
		if (!___leaf) return 0; \
		___leaf; \
	})
#define ___bcc_step(x, n, ...) n
#define bcc_increment(table, index, ...) \
	do { \
		typeof(*(table)->key) ___key = index; \
		___bcc_leaf(table) ___zero; \
		__builtin_memset(&___zero, 0, sizeof(___zero)); \
		typeof((table)->value) ___value = bcc_lookup_or_try_init(table, &___key, &___zero); \
		if (___value) (*___value) += ___bcc_step(0, ##__VA_ARGS__, 1); \
	} while (0)
#define bcc_atomic_increment(table, index, ...) \
	do { \
		typeof(*(table)->key) ___key = index; \
		___bcc_leaf(table) ___zero; \
		__builtin_memset(&___zero, 0, sizeof(___zero)); \
		typeof((table)->value) ___value = bcc_lookup_or_try_init(table, &___key, &___zero); \
		if (___value) __sync_fetch_and_add(___value, ___bcc_step(0, ##__VA_ARGS__, 1)); \
	} while (0)
#define bcc_perf_submit(table, ctx, data, size) bpf_perf_event_output(ctx, table, BPF_F_CURRENT_CPU, data, size)
#define bcc_perf_submit_skb(table, skb, length, data, size) \
	bpf_perf_event_output(skb, table, BPF_F_CURRENT_CPU | ((u64)(length) << 32), data, size)
#define bcc_perf_read(table, index) bpf_perf_event_read(table, index)
#define bcc_perf_counter_value(table, index, value, size) bpf_perf_event_read_value(table, index, value, size)
#define bcc_call(table, ctx, index) bpf_tail_call(ctx, table, index)
#define bcc_get_stackid(table, ctx, flags) bpf_get_stackid(ctx, table, flags)
#define bcc_check_current_task(table, index) bpf_current_task_under_cgroup(table, index)
#define bcc_redirect_map(table, index, flags) bpf_redirect_map(table, index, flags)
#define bcc_sock_map_update(table, ctx, key, flags) bpf_sock_map_update(ctx, table, key, flags)
#define bcc_sock_hash_update(table, ctx, key, flags) bpf_sock_hash_update(ctx, table, key, flags)
#define bcc_msg_redirect_map(table, msg, key, flags) bpf_msg_redirect_map(msg, table, key, flags)
#define bcc_msg_redirect_hash(table, msg, key, flags) bpf_msg_redirect_hash(msg, table, key, flags)
#define bcc_sk_redirect_map(table, skb, key, flags) bpf_sk_redirect_map(skb, table, key, flags)
#define bcc_sk_redirect_hash(table, skb, key, flags) bpf_sk_redirect_hash(skb, table, key, flags)
#define bcc_ringbuf_output(table, data, size, flags) bpf_ringbuf_output(table, data, size, flags)
#define bcc_ringbuf_reserve(table, size) bpf_ringbuf_reserve(table, size, 0)
#define bcc_ringbuf_submit(table, data, flags) bpf_ringbuf_submit(data, flags)
#define bcc_ringbuf_discard(table, data, flags) bpf_ringbuf_discard(data, flags)
#define bcc_ringbuf_query(table, flags) bpf_ringbuf_query(table, flags)
#define bcc_push(table, leaf, flags) bpf_map_push_elem(table, leaf, flags)
#define bcc_pop(table, leaf) bpf_map_pop_elem(table, leaf)
#define bcc_peek(table, leaf) bpf_map_peek_elem(table, leaf)
#define bcc_lookup_percpu(table, key, cpu) ((typeof((table)->value))bpf_map_lookup_percpu_elem(table, key, cpu))
#define bcc_sk_storage_get(table, sk, init, flags) ((typeof((table)->value))bpf_sk_storage_get(table, sk, init, flags))
#define bcc_sk_storage_delete(table, sk) bpf_sk_storage_delete(table, sk)
#define bcc_inode_storage_get(table, inode, init, flags) ((typeof((table)->value))bpf_inode_storage_get(table, inode, init, flags))
#define bcc_inode_storage_delete(table, inode) bpf_inode_storage_delete(table, inode)
#define bcc_task_storage_get(table, task, init, flags) ((typeof((table)->value))bpf_task_storage_get(table, task, init, flags))
#define bcc_task_storage_delete(table, task) bpf_task_storage_delete(table, task)

/* ---- reads of kernel memory ---- */

/* An array is its address and is not read: the comma turns an array into a pointer, and only an array changes its type by that. */
#define bcc_read(place) \
	__builtin_choose_expr(!__builtin_types_compatible_p(typeof(place), typeof((0, (place)))), (place), ({ \
		typeof((0, (place))) ___read; \
		bpf_probe_read_kernel(&___read, sizeof(___read), (const void *)&(place)); \
		___read; \
	}))

/* The format stands on the stack, where old kernels want it, and its size is counted here. */
#define bpf_trace_printk(format, ...) \
	({ \
		char ___format[] = format; \
		bpf_trace_printk(___format, sizeof(___format), ##__VA_ARGS__); \
	})

/* A system call's function gets the registers of user space as its argument. */
#define ___bcc_syscall_parm(ctx, member) \
	({ \
		unsigned long ___value = 0; \
		struct pt_regs *___regs = (struct pt_regs *)PT_REGS_PARM1(ctx); \
		bpf_probe_read_kernel(&___value, sizeof(___value), &___regs->member); \
		___value; \
	})
#define bcc_syscall_parm1(ctx) ___bcc_syscall_parm(ctx, ___bpf_syscall1)
#define bcc_syscall_parm2(ctx) ___bcc_syscall_parm(ctx, ___bpf_syscall2)
#define bcc_syscall_parm3(ctx) ___bcc_syscall_parm(ctx, ___bpf_syscall3)
#define bcc_syscall_parm4(ctx) ___bcc_syscall_parm(ctx, ___bpf_syscall4)
#define bcc_syscall_parm5(ctx) ___bcc_syscall_parm(ctx, ___bpf_syscall5)
#define bcc_syscall_parm6(ctx) ___bcc_syscall_parm(ctx, ___bpf_syscall6)

/* Text of a tracepoint's __data_loc member: the low half says where, the high half how long. */
#define TP_DATA_LOC_READ_CONST(dst, field, length) \
	do { \
		bpf_probe_read_kernel((void *)dst, length, (char *)args + (unsigned short)(args->__data_loc_##field & 0xffff)); \
	} while (0)
#define TP_DATA_LOC_READ(dst, field) \
	do { \
		bpf_probe_read_kernel((void *)dst, (unsigned short)(args->__data_loc_##field >> 16), \
				      (char *)args + (unsigned short)(args->__data_loc_##field & 0xffff)); \
	} while (0)
#define TP_DATA_LOC_READ_STR(dst, field, length) \
	bpf_probe_read_kernel_str((void *)dst, length, (char *)args + (unsigned short)(args->__data_loc_##field & 0xffff))

/* ---- arithmetic ---- */

static __always_inline unsigned int bpf_log2(unsigned int v)
{
	unsigned int r, shift;

	r = (v > 0xFFFF) << 4;
	v >>= r;
	shift = (v > 0xFF) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xF) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	r |= shift;
	return r | (v >> 1);
}

static __always_inline unsigned int bpf_log2l(unsigned long v)
{
	unsigned int high = v >> 32;

	return high ? bpf_log2(high) + 32 + 1 : bpf_log2(v) + 1;
}

#define lock_xadd(pointer, value) ((void)__sync_fetch_and_add(pointer, value))
#define ntohs(x) bpf_ntohs(x)
#define htons(x) bpf_htons(x)
#define ntohl(x) bpf_ntohl(x)
#define htonl(x) bpf_htonl(x)
#define be16_to_cpu(x) bpf_ntohs(x)
#define be32_to_cpu(x) bpf_ntohl(x)
#define be64_to_cpu(x) bpf_be64_to_cpu(x)
#define cpu_to_be16(x) bpf_htons(x)
#define cpu_to_be32(x) bpf_htonl(x)
#define memset __builtin_memset
#define memcpy __builtin_memcpy
#define memmove __builtin_memmove
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define min(a, b) ({ typeof(a) ___a = (a); typeof(b) ___b = (b); ___a < ___b ? ___a : ___b; })
#define max(a, b) ({ typeof(a) ___a = (a); typeof(b) ___b = (b); ___a > ___b ? ___a : ___b; })
#define min_t(t, a, b) ({ t ___a = (a); t ___b = (b); ___a < ___b ? ___a : ___b; })
#define max_t(t, a, b) ({ t ___a = (a); t ___b = (b); ___a > ___b ? ___a : ___b; })
#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))

/* ---- packet bytes of socket filters, in network order ---- */

unsigned long long ___bcc_load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");
unsigned long long ___bcc_load_half(void *skb, unsigned long long offset) asm("llvm.bpf.load.half");
unsigned long long ___bcc_load_word(void *skb, unsigned long long offset) asm("llvm.bpf.load.word");
#define load_byte(skb, offset) ___bcc_load_byte((void *)(skb), offset)
#define load_half(skb, offset) ___bcc_load_half((void *)(skb), offset)
#define load_word(skb, offset) ___bcc_load_word((void *)(skb), offset)

/* ---- user-space probes: bpf_usdt_readarg(n, ctx, &value) finds its place where the probe is known ---- */

#define bpf_usdt_readarg(n, ctx, pointer) \
	({ \
		*(pointer) = (typeof(*(pointer)))PT_REGS_PARM##n(ctx); \
		0; \
	})
#define bpf_usdt_readarg_p(n, ctx, buffer, length) bpf_probe_read_user(buffer, length, (const void *)PT_REGS_PARM##n(ctx))

/* ---- names of kernel headers that are macros there, so that BTF does not carry them ---- */

#define __user
#define __kernel
#ifndef TASK_COMM_LEN
#define TASK_COMM_LEN 16
#endif
#define DNAME_INLINE_LEN 32
#define SCM_RIGHTS 1
#define REQ_OP_BITS 8
#define REQ_OP_MASK ((1 << REQ_OP_BITS) - 1)
#define PAGE_OFFSET 0xffff888000000000UL
#define inet_daddr sk.__sk_common.skc_daddr
#define inet_rcv_saddr sk.__sk_common.skc_rcv_saddr
#define inet_dport sk.__sk_common.skc_dport
#define inet_num sk.__sk_common.skc_num
#define sk_family __sk_common.skc_family
#define sk_state __sk_common.skc_state
#define PATH_MAX 4096
#define NAME_MAX 255
#define IFNAMSIZ 16
#define DISK_NAME_LEN 32
#define PAGE_SHIFT 12
#define PAGE_SIZE 4096
#define HZ 250
#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define PF_INET 2
#define PF_INET6 10
#define ETH_ALEN 6
#define ETH_HLEN 14
#define ETH_P_IP 0x0800
#define ETH_P_ARP 0x0806
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88A8
#define ETH_P_IPV6 0x86DD
#define TC_ACT_UNSPEC (-1)
#define TC_ACT_OK 0
#define TC_ACT_RECLASSIFY 1
#define TC_ACT_SHOT 2
#define TC_ACT_PIPE 3
#define TC_ACT_STOLEN 4
#define TC_ACT_REDIRECT 7
#define TASK_RUNNING 0
#define TASK_INTERRUPTIBLE 1
#define TASK_UNINTERRUPTIBLE 2
#define CLONE_VM 0x100
#define CLONE_FS 0x200
#define CLONE_THREAD 0x10000
#define CLONE_NEWNS 0x20000
#define PF_KTHREAD 0x00200000
#define MINORBITS 20
#define MINORMASK ((1U << MINORBITS) - 1)
#define MAJOR(dev) ((unsigned int)((dev) >> MINORBITS))
#define MINOR(dev) ((unsigned int)((dev) & MINORMASK))
#define S_IFMT 00170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define S_ISLNK(m) (((m) & S_IFMT) == S_IFLNK)
#define S_ISREG(m) (((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m) (((m) & S_IFMT) == S_IFDIR)
#define S_ISCHR(m) (((m) & S_IFMT) == S_IFCHR)
#define S_ISBLK(m) (((m) & S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m) & S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m) & S_IFMT) == S_IFSOCK)
#define O_RDONLY 00
#define O_WRONLY 01
#define O_RDWR 02
#define O_ACCMODE 03
#define O_CREAT 0100
#define O_EXCL 0200
#define O_TRUNC 01000
#define O_APPEND 02000
#define AT_FDCWD -100
#define EPERM 1
#define ENOENT 2
#define EINTR 4
#define EIO 5
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EEXIST 17
#define EINVAL 22
#define SIGKILL 9
#define SIGTERM 15
#define FMODE_READ 1
#define FMODE_WRITE 2

#define inet_sk(sk) ((struct inet_sock *)(sk))
#define tcp_sk(sk) ((struct tcp_sock *)(sk))
#define bpf_num_cpus() 1

#endif
