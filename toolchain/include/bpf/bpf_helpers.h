/* SPDX-License-Identifier: MIT */
/*
 * What BPF programs in C expect of <bpf/bpf_helpers.h>: the helpers' declarations, section and map macros, attributes,
 * bpf_printk and open-coded loops. Names and meaning are those of the libbpf interface; the text is eBPF Workbench's own.
 * Include vmlinux.h, or linux/bpf.h with linux/types.h, before this file.
 */
#ifndef __BPF_HELPERS__
#define __BPF_HELPERS__

#include "bpf_helper_defs.h"

/* ---- maps: a definition is a struct whose members' types carry the numbers ---- */

#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __ulong(name, val) enum { ___bpf_concat(__ulong_value_, __COUNTER__) = (val) } name

enum libbpf_pin_type {
	LIBBPF_PIN_NONE,
	/* Pinned below /sys/fs/bpf by its name. */
	LIBBPF_PIN_BY_NAME,
};

enum libbpf_tristate {
	TRI_NO = 0,
	TRI_YES = 1,
	TRI_MODULE = 2,
};

/* ---- attributes ---- */

/* Puts a function or variable into an ELF section, whose name says what it is. */
#define SEC(name) \
	_Pragma("GCC diagnostic push") \
	_Pragma("GCC diagnostic ignored \"-Wignored-attributes\"") \
	__attribute__((section(name), used)) \
	_Pragma("GCC diagnostic pop")

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
/* A global function with hidden visibility is verified like a static one, with its callers' knowledge. */
#ifndef __hidden
#define __hidden __attribute__((visibility("hidden")))
#endif

#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))

#if __has_attribute(btf_type_tag)
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __uptr __attribute__((btf_type_tag("uptr")))
#else
#define __kptr_untrusted
#define __kptr
#define __percpu_kptr
#define __uptr
#endif

#if __has_attribute(btf_decl_tag)
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))
#else
#define __arg_ctx
#define __arg_nonnull
#define __arg_nullable
#define __arg_trusted
#define __arg_untrusted
#define __arg_arena
#endif

/* ---- what C leaves out without a standard library ---- */

#ifndef NULL
#define NULL ((void *)0)
#endif
/* Not __builtin_offsetof: an address that is taken is one the loader can put right for another kernel. */
#undef offsetof
#define offsetof(type, member) ((unsigned long)&((type *)0)->member)
#undef container_of
#define container_of(pointer, type, member) \
	({ \
		void *__member = (void *)(pointer); \
		((type *)(__member - offsetof(type, member))); \
	})
#ifndef KERNEL_VERSION
#define KERNEL_VERSION(major, minor, patch) (((major) << 16) + ((minor) << 8) + ((patch) > 255 ? 255 : (patch)))
#endif

/* The compiler may keep no value in a register over this. */
#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif
/* The compiler forgets what it knows of one variable: what it would have proved away stays for the verifier to see. */
#ifndef barrier_var
#define barrier_var(variable) asm volatile("" : "+r"(variable))
#endif

/* A call that fails to compile wherever it is reached. */
#ifndef __bpf_unreachable
#define __bpf_unreachable() __builtin_trap()
#endif

/* Whether the running kernel has a weak __ksym. */
#define bpf_ksym_exists(symbol) \
	({ \
		_Static_assert(!__builtin_constant_p(!!symbol), #symbol " should be marked as __weak"); \
		!!symbol; \
	})

/* ---- counting and walking a macro's arguments, up to twelve ---- */

#define ___bpf_concat_now(a, b) a##b
#define ___bpf_concat(a, b) ___bpf_concat_now(a, b)
#define ___bpf_apply(name, count) ___bpf_concat(name, count)
#define ___bpf_nth(_, _1, _2, _3, _4, _5, _6, _7, _8, _9, _a, _b, _c, N, ...) N
#define ___bpf_narg(...) ___bpf_nth(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)

/* Fills an array of 64-bit words, one for each argument. */
#define ___bpf_words0(array, at, ...) do { } while (0)
#define ___bpf_words1(array, at, x) array[at] = (unsigned long long)x
#define ___bpf_words2(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words1(array, at + 1, __VA_ARGS__)
#define ___bpf_words3(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words2(array, at + 1, __VA_ARGS__)
#define ___bpf_words4(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words3(array, at + 1, __VA_ARGS__)
#define ___bpf_words5(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words4(array, at + 1, __VA_ARGS__)
#define ___bpf_words6(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words5(array, at + 1, __VA_ARGS__)
#define ___bpf_words7(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words6(array, at + 1, __VA_ARGS__)
#define ___bpf_words8(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words7(array, at + 1, __VA_ARGS__)
#define ___bpf_words9(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words8(array, at + 1, __VA_ARGS__)
#define ___bpf_words10(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words9(array, at + 1, __VA_ARGS__)
#define ___bpf_words11(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words10(array, at + 1, __VA_ARGS__)
#define ___bpf_words12(array, at, x, ...) array[at] = (unsigned long long)x; ___bpf_words11(array, at + 1, __VA_ARGS__)
#define ___bpf_fill(array, args...) ___bpf_apply(___bpf_words, ___bpf_narg(args))(array, 0, ##args)

/* ---- text output ---- */

#ifdef BPF_NO_GLOBAL_DATA
#define BPF_PRINTK_FMT_MOD
#else
#define BPF_PRINTK_FMT_MOD static const
#endif

#define __bpf_printk(fmt, ...) \
	({ \
		BPF_PRINTK_FMT_MOD char ____fmt[] = fmt; \
		bpf_trace_printk(____fmt, sizeof(____fmt), ##__VA_ARGS__); \
	})

/* More than three values go through an array: bpf_trace_vprintk, Linux 5.16. */
#define __bpf_vprintk(fmt, args...) \
	({ \
		static const char ____fmt[] = fmt; \
		unsigned long long ____values[___bpf_narg(args)]; \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		___bpf_fill(____values, ##args); \
		_Pragma("GCC diagnostic pop") \
		bpf_trace_vprintk(____fmt, sizeof(____fmt), ____values, sizeof(____values)); \
	})

#define ___bpf_printk_choose(_fmt, _1, _2, _3, _4, _5, _6, _7, _8, _9, _a, _b, _c, chosen, ...) chosen

/* One line into trace_pipe. */
#define bpf_printk(fmt, args...) \
	___bpf_printk_choose(_, ##args, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, \
			     __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, \
			     __bpf_printk, __bpf_printk, __bpf_printk, __bpf_printk) \
	(fmt, ##args)

#define ___bpf_with_values(call, fmt, args...) \
	({ \
		static const char ____fmt[] = fmt; \
		unsigned long long ____values[___bpf_narg(args)]; \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		___bpf_fill(____values, ##args); \
		_Pragma("GCC diagnostic pop") \
		call; \
	})

/* printf into an iterator's file. */
#define BPF_SEQ_PRINTF(seq, fmt, args...) \
	___bpf_with_values(bpf_seq_printf(seq, ____fmt, sizeof(____fmt), ____values, sizeof(____values)), fmt, ##args)

/* printf into memory. */
#define BPF_SNPRINTF(out, out_size, fmt, args...) \
	___bpf_with_values(bpf_snprintf(out, out_size, ____fmt, ____values, sizeof(____values)), fmt, ##args)

/* ---- tail calls with an index the compiler knows, which the kernel turns into a direct jump ---- */

#if defined(__bpf__)
static __always_inline void bpf_tail_call_static(void *ctx, const void *map, const __u32 slot)
{
	if (!__builtin_constant_p(slot))
		__bpf_unreachable();
	asm volatile("r1 = %[ctx]\n\t"
		     "r2 = %[map]\n\t"
		     "r3 = %[slot]\n\t"
		     "call 12"
		     :
		     : [ctx] "r"(ctx), [map] "r"(map), [slot] "i"(slot)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
}
#endif

/* ---- open-coded iterators and loops over them, Linux 6.4 ---- */

struct bpf_iter_num;

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;

/*
 * bpf_for_each(type, cur, args): cur points to each thing that the iterator `type` gives. The iterator is destroyed
 * whichever way the loop is left.
 */
#ifndef bpf_for_each
#define bpf_for_each(type, cur, args...) \
	for (struct bpf_iter_##type ___it __attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))), \
	     *___made __attribute__((unused)) = (bpf_iter_##type##_new(&___it, ##args), \
						 (void)bpf_iter_##type##_destroy, (void *)0); \
	     (((cur) = bpf_iter_##type##_next(&___it)));)
#endif

/* bpf_for(i, start, end): i from start up to, not including, end; the verifier knows the range of i. */
#ifndef bpf_for
#define bpf_for(i, start, end) \
	for (struct bpf_iter_num ___it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))), \
	     *___made __attribute__((unused)) = (bpf_iter_num_new(&___it, (start), (end)), (void)bpf_iter_num_destroy, (void *)0); \
	     ({ \
		     int *___at = bpf_iter_num_next(&___it); \
		     (___at && ((i) = *___at, (i) >= (start) && (i) < (end))); \
	     });)
#endif

/* bpf_repeat(n): the body n times. */
#ifndef bpf_repeat
#define bpf_repeat(n) \
	for (struct bpf_iter_num ___it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))), \
	     *___made __attribute__((unused)) = (bpf_iter_num_new(&___it, 0, (n)), (void)bpf_iter_num_destroy, (void *)0); \
	     bpf_iter_num_next(&___it);)
#endif

#endif
