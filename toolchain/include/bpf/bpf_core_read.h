/* SPDX-License-Identifier: MIT */
/*
 * Reading kernel types whose layout differs between kernels: the loader puts each field's real offset in (CO-RE).
 * Names and meaning are those of libbpf's <bpf/bpf_core_read.h>; the text is eBPF Workbench's own.
 */
#ifndef __BPF_CORE_READ_H__
#define __BPF_CORE_READ_H__

#include "bpf_helpers.h"

/* Second argument of clang's builtins: what the loader is asked. */
enum bpf_field_info_kind {
	BPF_FIELD_BYTE_OFFSET = 0,
	BPF_FIELD_BYTE_SIZE = 1,
	BPF_FIELD_EXISTS = 2,
	BPF_FIELD_SIGNED = 3,
	BPF_FIELD_LSHIFT_U64 = 4,
	BPF_FIELD_RSHIFT_U64 = 5,
};
enum bpf_type_id_kind {
	BPF_TYPE_ID_LOCAL = 0,
	BPF_TYPE_ID_TARGET = 1,
};
enum bpf_type_info_kind {
	BPF_TYPE_EXISTS = 0,
	BPF_TYPE_SIZE = 1,
	BPF_TYPE_MATCHES = 2,
};
enum bpf_enum_value_kind {
	BPF_ENUMVAL_EXISTS = 0,
	BPF_ENUMVAL_VALUE = 1,
};

#define ___bpf_core_ask(src, field, what) __builtin_preserve_field_info((src)->field, BPF_FIELD_##what)

/* ---- bit fields: load the bytes around the field, then shift the rest out at both sides ---- */

/* From memory that must be read with a probe helper. */
#define BPF_CORE_READ_BITFIELD_PROBED(s, field) \
	({ \
		unsigned long long ___bits = 0; \
		bpf_probe_read_kernel((void *)&___bits, ___bpf_core_ask(s, field, BYTE_SIZE), \
				      (const void *)(s) + ___bpf_core_ask(s, field, BYTE_OFFSET)); \
		___bits <<= ___bpf_core_ask(s, field, LSHIFT_U64); \
		if (___bpf_core_ask(s, field, SIGNED)) \
			___bits = (unsigned long long)((long long)___bits >> ___bpf_core_ask(s, field, RSHIFT_U64)); \
		else \
			___bits >>= ___bpf_core_ask(s, field, RSHIFT_U64); \
		___bits; \
	})

/* From memory that the program may load directly. */
#define BPF_CORE_READ_BITFIELD(s, field) \
	({ \
		const void *___at = (const void *)(s) + ___bpf_core_ask(s, field, BYTE_OFFSET); \
		unsigned long long ___bits = 0; \
		/* The verifier wants the offset added to the pointer, not folded into each load. */ \
		asm volatile("" : "+r"(___at)); \
		switch (___bpf_core_ask(s, field, BYTE_SIZE)) { \
		case 1: ___bits = *(const unsigned char *)___at; break; \
		case 2: ___bits = *(const unsigned short *)___at; break; \
		case 4: ___bits = *(const unsigned int *)___at; break; \
		case 8: ___bits = *(const unsigned long long *)___at; break; \
		} \
		___bits <<= ___bpf_core_ask(s, field, LSHIFT_U64); \
		if (___bpf_core_ask(s, field, SIGNED)) \
			___bits = (unsigned long long)((long long)___bits >> ___bpf_core_ask(s, field, RSHIFT_U64)); \
		else \
			___bits >>= ___bpf_core_ask(s, field, RSHIFT_U64); \
		___bits; \
	})

#define BPF_CORE_WRITE_BITFIELD(s, field, new_value) \
	({ \
		void *___at = (void *)(s) + ___bpf_core_ask(s, field, BYTE_OFFSET); \
		const unsigned int ___left = ___bpf_core_ask(s, field, LSHIFT_U64); \
		const unsigned int ___right = ___bpf_core_ask(s, field, RSHIFT_U64); \
		const unsigned long long ___mask = (~0ULL << ___right) >> ___left; \
		const unsigned long long ___put = ((unsigned long long)(new_value) << ___right) >> ___left; \
		asm volatile("" : "+r"(___at)); \
		switch (___bpf_core_ask(s, field, BYTE_SIZE)) { \
		case 1: *(unsigned char *)___at = (*(unsigned char *)___at & ~___mask) | ___put; break; \
		case 2: *(unsigned short *)___at = (*(unsigned short *)___at & ~___mask) | ___put; break; \
		case 4: *(unsigned int *)___at = (*(unsigned int *)___at & ~___mask) | ___put; break; \
		case 8: *(unsigned long long *)___at = (*(unsigned long long *)___at & ~___mask) | ___put; break; \
		} \
	})

/* ---- questions to the kernel's types; a field is `ptr->field`, or a type and a field ---- */

#define ___bpf_field_of1(field) (field)
#define ___bpf_field_of2(type, field) (((typeof(type) *)0)->field)
#define ___bpf_field_of(args...) ___bpf_apply(___bpf_field_of, ___bpf_narg(args))(args)

#define bpf_core_field_exists(field...) __builtin_preserve_field_info(___bpf_field_of(field), BPF_FIELD_EXISTS)
#define bpf_core_field_size(field...) __builtin_preserve_field_info(___bpf_field_of(field), BPF_FIELD_BYTE_SIZE)
#define bpf_core_field_offset(field...) __builtin_preserve_field_info(___bpf_field_of(field), BPF_FIELD_BYTE_OFFSET)

#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_LOCAL)
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_TARGET)
#define bpf_core_type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_EXISTS)
#define bpf_core_type_matches(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_MATCHES)
#define bpf_core_type_size(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_SIZE)
#define bpf_core_enum_value_exists(enum_type, enumerator) \
	__builtin_preserve_enum_value(*(typeof(enum_type) *)enumerator, BPF_ENUMVAL_EXISTS)
#define bpf_core_enum_value(enum_type, enumerator) \
	__builtin_preserve_enum_value(*(typeof(enum_type) *)enumerator, BPF_ENUMVAL_VALUE)

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __weak __ksym;
#define bpf_core_cast(pointer, type) ((typeof(type) *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(type)))

/* ---- reading one field ---- */

#define bpf_core_read(dst, size, src) bpf_probe_read_kernel(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user(dst, size, src) bpf_probe_read_user(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_str(dst, size, src) bpf_probe_read_kernel_str(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user_str(dst, size, src) bpf_probe_read_user_str(dst, size, (const void *)__builtin_preserve_access_index(src))

/* ---- following a chain of pointers: BPF_CORE_READ(task, mm, exe_file, f_inode) ---- */

#define ___bpf_arrow2(a, b) a->b
#define ___bpf_arrow3(a, b, ...) ___bpf_arrow2(a->b, __VA_ARGS__)
#define ___bpf_arrow4(a, b, ...) ___bpf_arrow3(a->b, __VA_ARGS__)
#define ___bpf_arrow5(a, b, ...) ___bpf_arrow4(a->b, __VA_ARGS__)
#define ___bpf_arrow6(a, b, ...) ___bpf_arrow5(a->b, __VA_ARGS__)
#define ___bpf_arrow7(a, b, ...) ___bpf_arrow6(a->b, __VA_ARGS__)
#define ___bpf_arrow8(a, b, ...) ___bpf_arrow7(a->b, __VA_ARGS__)
#define ___bpf_arrow9(a, b, ...) ___bpf_arrow8(a->b, __VA_ARGS__)
#define ___bpf_arrow10(a, b, ...) ___bpf_arrow9(a->b, __VA_ARGS__)
#define ___bpf_type_of_chain(...) typeof(___bpf_apply(___bpf_arrow, ___bpf_narg(__VA_ARGS__))(__VA_ARGS__))

/*
 * ___bpf_walkN reads N fields one behind the other: the first from `p`, whose type is that of the expression `S` (only ever
 * inside typeof), each next one from the pointer read before. `step` reads pointers on the way, `last` the end into dst.
 */
#define ___bpf_walk1(step, last, dst, S, p, a) last((void *)(dst), sizeof(*(dst)), &((typeof(S))(p))->a)
#define ___bpf_walk2(step, last, dst, S, p, a, ...) \
	({ \
		const void *___p2; \
		step((void *)&___p2, sizeof(___p2), &((typeof(S))(p))->a); \
		___bpf_walk1(step, last, dst, (S)->a, ___p2, __VA_ARGS__); \
	})
#define ___bpf_walk3(step, last, dst, S, p, a, ...) \
	({ \
		const void *___p3; \
		step((void *)&___p3, sizeof(___p3), &((typeof(S))(p))->a); \
		___bpf_walk2(step, last, dst, (S)->a, ___p3, __VA_ARGS__); \
	})
#define ___bpf_walk4(step, last, dst, S, p, a, ...) \
	({ \
		const void *___p4; \
		step((void *)&___p4, sizeof(___p4), &((typeof(S))(p))->a); \
		___bpf_walk3(step, last, dst, (S)->a, ___p4, __VA_ARGS__); \
	})
#define ___bpf_walk5(step, last, dst, S, p, a, ...) \
	({ \
		const void *___p5; \
		step((void *)&___p5, sizeof(___p5), &((typeof(S))(p))->a); \
		___bpf_walk4(step, last, dst, (S)->a, ___p5, __VA_ARGS__); \
	})
#define ___bpf_walk6(step, last, dst, S, p, a, ...) \
	({ \
		const void *___p6; \
		step((void *)&___p6, sizeof(___p6), &((typeof(S))(p))->a); \
		___bpf_walk5(step, last, dst, (S)->a, ___p6, __VA_ARGS__); \
	})
#define ___bpf_walk7(step, last, dst, S, p, a, ...) \
	({ \
		const void *___p7; \
		step((void *)&___p7, sizeof(___p7), &((typeof(S))(p))->a); \
		___bpf_walk6(step, last, dst, (S)->a, ___p7, __VA_ARGS__); \
	})
#define ___bpf_walk8(step, last, dst, S, p, a, ...) \
	({ \
		const void *___p8; \
		step((void *)&___p8, sizeof(___p8), &((typeof(S))(p))->a); \
		___bpf_walk7(step, last, dst, (S)->a, ___p8, __VA_ARGS__); \
	})
#define ___bpf_walk9(step, last, dst, S, p, a, ...) \
	({ \
		const void *___p9; \
		step((void *)&___p9, sizeof(___p9), &((typeof(S))(p))->a); \
		___bpf_walk8(step, last, dst, (S)->a, ___p9, __VA_ARGS__); \
	})
#define ___bpf_walk(step, last, dst, src, ...) \
	___bpf_apply(___bpf_walk, ___bpf_narg(__VA_ARGS__))(step, last, dst, (src), (src), __VA_ARGS__)
/* A comma's value has no qualifiers: a copy of a const member can be written. */
#define ___bpf_walk_value(step, src, ...) \
	({ \
		typeof(((void)0, *(___bpf_type_of_chain((src), __VA_ARGS__) *)0)) ___value; \
		___bpf_walk(step, step, &___value, src, __VA_ARGS__); \
		___value; \
	})

#define BPF_CORE_READ_INTO(dst, src, a, ...) ___bpf_walk(bpf_core_read, bpf_core_read, dst, src, a, ##__VA_ARGS__)
#define BPF_CORE_READ_STR_INTO(dst, src, a, ...) ___bpf_walk(bpf_core_read, bpf_core_read_str, dst, src, a, ##__VA_ARGS__)
#define BPF_CORE_READ(src, a, ...) ___bpf_walk_value(bpf_core_read, src, a, ##__VA_ARGS__)

/* The same from user memory, for kernel types that user space shares. */
#define BPF_CORE_READ_USER_INTO(dst, src, a, ...) ___bpf_walk(bpf_core_read_user, bpf_core_read_user, dst, src, a, ##__VA_ARGS__)
#define BPF_CORE_READ_USER_STR_INTO(dst, src, a, ...) ___bpf_walk(bpf_core_read_user, bpf_core_read_user_str, dst, src, a, ##__VA_ARGS__)
#define BPF_CORE_READ_USER(src, a, ...) ___bpf_walk_value(bpf_core_read_user, src, a, ##__VA_ARGS__)

/* The same without relocation, for types whose layout is fixed. */
#define BPF_PROBE_READ_INTO(dst, src, a, ...) ___bpf_walk(bpf_probe_read_kernel, bpf_probe_read_kernel, dst, src, a, ##__VA_ARGS__)
#define BPF_PROBE_READ_STR_INTO(dst, src, a, ...) ___bpf_walk(bpf_probe_read_kernel, bpf_probe_read_kernel_str, dst, src, a, ##__VA_ARGS__)
#define BPF_PROBE_READ(src, a, ...) ___bpf_walk_value(bpf_probe_read_kernel, src, a, ##__VA_ARGS__)
#define BPF_PROBE_READ_USER_INTO(dst, src, a, ...) ___bpf_walk(bpf_probe_read_user, bpf_probe_read_user, dst, src, a, ##__VA_ARGS__)
#define BPF_PROBE_READ_USER_STR_INTO(dst, src, a, ...) ___bpf_walk(bpf_probe_read_user, bpf_probe_read_user_str, dst, src, a, ##__VA_ARGS__)
#define BPF_PROBE_READ_USER(src, a, ...) ___bpf_walk_value(bpf_probe_read_user, src, a, ##__VA_ARGS__)

#endif
