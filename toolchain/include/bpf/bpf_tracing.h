/* SPDX-License-Identifier: MIT */
/*
 * Arguments of probed functions: PT_REGS_* say which register carries what on each machine, BPF_PROG, BPF_KPROBE and
 * BPF_KSYSCALL let a program's function name its arguments with their types.
 * Names and meaning are those of libbpf's <bpf/bpf_tracing.h>; the text is eBPF Workbench's own.
 *
 * The machine is the one whose struct pt_regs vmlinux.h has: __TARGET_ARCH_x86 and so on, or this compiler's host.
 */
#ifndef __BPF_TRACING_H__
#define __BPF_TRACING_H__

#include "bpf_helpers.h"
#include "bpf_core_read.h"

#if !defined(__TARGET_ARCH_x86) && !defined(__TARGET_ARCH_arm64) && !defined(__TARGET_ARCH_riscv) && \
	!defined(__TARGET_ARCH_s390) && !defined(__TARGET_ARCH_arm) && !defined(__TARGET_ARCH_powerpc) && \
	!defined(__TARGET_ARCH_loongarch)
#if defined(__x86_64__)
#define __TARGET_ARCH_x86
#elif defined(__aarch64__)
#define __TARGET_ARCH_arm64
#elif defined(__riscv)
#define __TARGET_ARCH_riscv
#elif defined(__s390x__)
#define __TARGET_ARCH_s390
#elif defined(__arm__)
#define __TARGET_ARCH_arm
#elif defined(__powerpc64__)
#define __TARGET_ARCH_powerpc
#elif defined(__loongarch__)
#define __TARGET_ARCH_loongarch
#endif
#endif

/* ---- calling conventions: one block for each machine ---- */

#if defined(__TARGET_ARCH_x86)

/* System V AMD64. The kernel's struct pt_regs has short names, the one of user space's headers long ones. */
#if defined(__KERNEL__) || defined(__VMLINUX_H__)
#define ___bpf_parm1 di
#define ___bpf_parm2 si
#define ___bpf_parm3 dx
#define ___bpf_parm4 cx
#define ___bpf_parm5 r8
#define ___bpf_parm6 r9
#define ___bpf_return_address sp
#define ___bpf_frame bp
#define ___bpf_result ax
#define ___bpf_stack_pointer sp
#define ___bpf_instruction ip
#define ___bpf_syscall_number orig_ax
#else
#define ___bpf_parm1 rdi
#define ___bpf_parm2 rsi
#define ___bpf_parm3 rdx
#define ___bpf_parm4 rcx
#define ___bpf_parm5 r8
#define ___bpf_parm6 r9
#define ___bpf_return_address rsp
#define ___bpf_frame rbp
#define ___bpf_result rax
#define ___bpf_stack_pointer rsp
#define ___bpf_instruction rip
#define ___bpf_syscall_number orig_rax
#endif
#define __PT_REGS_CAST(x) (x)
/* Syscalls pass their fourth argument in r10: the syscall instruction overwrites rcx. */
#define ___bpf_syscall1 ___bpf_parm1
#define ___bpf_syscall2 ___bpf_parm2
#define ___bpf_syscall3 ___bpf_parm3
#define ___bpf_syscall4 r10
#define ___bpf_syscall5 ___bpf_parm5
#define ___bpf_syscall6 ___bpf_parm6

#elif defined(__TARGET_ARCH_arm64)

#define ___bpf_parm1 regs[0]
#define ___bpf_parm2 regs[1]
#define ___bpf_parm3 regs[2]
#define ___bpf_parm4 regs[3]
#define ___bpf_parm5 regs[4]
#define ___bpf_parm6 regs[5]
#define ___bpf_parm7 regs[6]
#define ___bpf_parm8 regs[7]
#define ___bpf_return_address regs[30]
#define ___bpf_frame regs[29]
#define ___bpf_result regs[0]
#define ___bpf_stack_pointer sp
#define ___bpf_instruction pc
#define ___bpf_syscall_number regs[8]
/* The kernel keeps the first syscall argument apart, behind the part of pt_regs that user space sees. */
struct pt_regs___first {
	unsigned long orig_x0;
} __attribute__((preserve_access_index));
#define ___bpf_syscall_first(x) ((const struct pt_regs___first *)(x))->orig_x0
#define __PT_REGS_CAST(x) ((const struct user_pt_regs *)(x))
#define ___bpf_syscall1 orig_x0
#define ___bpf_syscall2 regs[1]
#define ___bpf_syscall3 regs[2]
#define ___bpf_syscall4 regs[3]
#define ___bpf_syscall5 regs[4]
#define ___bpf_syscall6 regs[5]

#elif defined(__TARGET_ARCH_riscv)

#define ___bpf_parm1 a0
#define ___bpf_parm2 a1
#define ___bpf_parm3 a2
#define ___bpf_parm4 a3
#define ___bpf_parm5 a4
#define ___bpf_parm6 a5
#define ___bpf_parm7 a6
#define ___bpf_parm8 a7
#define ___bpf_return_address ra
#define ___bpf_frame s0
#define ___bpf_result a0
#define ___bpf_stack_pointer sp
#define ___bpf_instruction pc
#define ___bpf_syscall_number a7
/* The kernel keeps the first syscall argument apart, behind the part of pt_regs that user space sees. */
struct pt_regs___first {
	unsigned long orig_a0;
} __attribute__((preserve_access_index));
#define ___bpf_syscall_first(x) ((const struct pt_regs___first *)(x))->orig_a0
#define __PT_REGS_CAST(x) ((const struct user_regs_struct *)(x))
#define ___bpf_syscall1 orig_a0
#define ___bpf_syscall2 a1
#define ___bpf_syscall3 a2
#define ___bpf_syscall4 a3
#define ___bpf_syscall5 a4
#define ___bpf_syscall6 a5

#elif defined(__TARGET_ARCH_s390)

#define ___bpf_parm1 gprs[2]
#define ___bpf_parm2 gprs[3]
#define ___bpf_parm3 gprs[4]
#define ___bpf_parm4 gprs[5]
#define ___bpf_parm5 gprs[6]
#define ___bpf_return_address gprs[14]
#define ___bpf_frame gprs[11]
#define ___bpf_result gprs[2]
#define ___bpf_stack_pointer gprs[15]
#define ___bpf_instruction psw.addr
#define ___bpf_syscall_number gprs[2]
/* The kernel keeps the first syscall argument apart, behind the part of pt_regs that user space sees. */
struct pt_regs___first {
	unsigned long orig_gpr2;
} __attribute__((preserve_access_index));
#define ___bpf_syscall_first(x) ((const struct pt_regs___first *)(x))->orig_gpr2
#define __PT_REGS_CAST(x) ((const user_pt_regs *)(x))
#define ___bpf_syscall1 orig_gpr2
#define ___bpf_syscall2 gprs[3]
#define ___bpf_syscall3 gprs[4]
#define ___bpf_syscall4 gprs[5]
#define ___bpf_syscall5 gprs[6]
#define ___bpf_syscall6 gprs[7]

#elif defined(__TARGET_ARCH_arm)

#define ___bpf_parm1 uregs[0]
#define ___bpf_parm2 uregs[1]
#define ___bpf_parm3 uregs[2]
#define ___bpf_parm4 uregs[3]
#define ___bpf_return_address uregs[14]
#define ___bpf_frame uregs[11]
#define ___bpf_result uregs[0]
#define ___bpf_stack_pointer uregs[13]
#define ___bpf_instruction uregs[12]
#define ___bpf_syscall_number uregs[7]
#define __PT_REGS_CAST(x) (x)
#define ___bpf_syscall1 uregs[0]
#define ___bpf_syscall2 uregs[1]
#define ___bpf_syscall3 uregs[2]
#define ___bpf_syscall4 uregs[3]
#define ___bpf_syscall5 uregs[4]
#define ___bpf_syscall6 uregs[5]

#elif defined(__TARGET_ARCH_powerpc)

#define ___bpf_parm1 gpr[3]
#define ___bpf_parm2 gpr[4]
#define ___bpf_parm3 gpr[5]
#define ___bpf_parm4 gpr[6]
#define ___bpf_parm5 gpr[7]
#define ___bpf_parm6 gpr[8]
#define ___bpf_parm7 gpr[9]
#define ___bpf_parm8 gpr[10]
#define ___bpf_return_address link
#define ___bpf_frame gpr[31]
#define ___bpf_result gpr[3]
#define ___bpf_stack_pointer gpr[1]
#define ___bpf_instruction nip
#define ___bpf_syscall_number gpr[0]
#define __PT_REGS_CAST(x) (x)
#define ___bpf_syscall1 orig_gpr3
#define ___bpf_syscall2 gpr[4]
#define ___bpf_syscall3 gpr[5]
#define ___bpf_syscall4 gpr[6]
#define ___bpf_syscall5 gpr[7]
#define ___bpf_syscall6 gpr[8]

#elif defined(__TARGET_ARCH_loongarch)

#define ___bpf_parm1 regs[4]
#define ___bpf_parm2 regs[5]
#define ___bpf_parm3 regs[6]
#define ___bpf_parm4 regs[7]
#define ___bpf_parm5 regs[8]
#define ___bpf_parm6 regs[9]
#define ___bpf_parm7 regs[10]
#define ___bpf_parm8 regs[11]
#define ___bpf_return_address regs[1]
#define ___bpf_frame regs[22]
#define ___bpf_result regs[4]
#define ___bpf_stack_pointer regs[3]
#define ___bpf_instruction csr_era
#define ___bpf_syscall_number regs[11]
/* The kernel keeps the first syscall argument apart, behind the part of pt_regs that user space sees. */
struct pt_regs___first {
	unsigned long orig_a0;
} __attribute__((preserve_access_index));
#define ___bpf_syscall_first(x) ((const struct pt_regs___first *)(x))->orig_a0
#define __PT_REGS_CAST(x) ((const struct user_pt_regs *)(x))
#define ___bpf_syscall1 orig_a0
#define ___bpf_syscall2 regs[5]
#define ___bpf_syscall3 regs[6]
#define ___bpf_syscall4 regs[7]
#define ___bpf_syscall5 regs[8]
#define ___bpf_syscall6 regs[9]

#endif

#ifndef __PT_REGS_CAST

/* A program that needs no registers may include this file all the same: only the use is an error. */
#define ___bpf_no_machine _Pragma("GCC error \"say which machine's registers: define __TARGET_ARCH_x86, __TARGET_ARCH_arm64, ...\"") 0ULL
#define PT_REGS_PARM1(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM1_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM2(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM2_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM3(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM3_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM4(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM4_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM5(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM5_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM6(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM6_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM7(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM7_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM8(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM8_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_RET(x) ({ ___bpf_no_machine; })
#define PT_REGS_RET_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_FP(x) ({ ___bpf_no_machine; })
#define PT_REGS_FP_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_RC(x) ({ ___bpf_no_machine; })
#define PT_REGS_RC_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_SP(x) ({ ___bpf_no_machine; })
#define PT_REGS_SP_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_IP(x) ({ ___bpf_no_machine; })
#define PT_REGS_IP_CORE(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM1_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM1_CORE_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM2_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM2_CORE_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM3_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM3_CORE_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM4_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM4_CORE_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM5_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM5_CORE_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM6_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_PARM6_CORE_SYSCALL(x) ({ ___bpf_no_machine; })
#define PT_REGS_SYSCALL_REGS(ctx) ({ ___bpf_no_machine; (struct pt_regs *)0; })

#else

/* A machine without a seventh or eighth register argument has none to name: such a use does not compile. */
#define PT_REGS_PARM1(x) (__PT_REGS_CAST(x)->___bpf_parm1)
#define PT_REGS_PARM2(x) (__PT_REGS_CAST(x)->___bpf_parm2)
#define PT_REGS_PARM3(x) (__PT_REGS_CAST(x)->___bpf_parm3)
#define PT_REGS_PARM4(x) (__PT_REGS_CAST(x)->___bpf_parm4)
#define PT_REGS_PARM5(x) (__PT_REGS_CAST(x)->___bpf_parm5)
#define PT_REGS_PARM6(x) (__PT_REGS_CAST(x)->___bpf_parm6)
#define PT_REGS_PARM7(x) (__PT_REGS_CAST(x)->___bpf_parm7)
#define PT_REGS_PARM8(x) (__PT_REGS_CAST(x)->___bpf_parm8)
#define PT_REGS_RET(x) (__PT_REGS_CAST(x)->___bpf_return_address)
#define PT_REGS_FP(x) (__PT_REGS_CAST(x)->___bpf_frame)
#define PT_REGS_RC(x) (__PT_REGS_CAST(x)->___bpf_result)
#define PT_REGS_SP(x) (__PT_REGS_CAST(x)->___bpf_stack_pointer)
#define PT_REGS_IP(x) (__PT_REGS_CAST(x)->___bpf_instruction)
#define PT_REGS_PARM1_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_parm1)
#define PT_REGS_PARM2_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_parm2)
#define PT_REGS_PARM3_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_parm3)
#define PT_REGS_PARM4_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_parm4)
#define PT_REGS_PARM5_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_parm5)
#define PT_REGS_PARM6_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_parm6)
#define PT_REGS_PARM7_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_parm7)
#define PT_REGS_PARM8_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_parm8)
#define PT_REGS_RET_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_return_address)
#define PT_REGS_FP_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_frame)
#define PT_REGS_RC_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_result)
#define PT_REGS_SP_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_stack_pointer)
#define PT_REGS_IP_CORE(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_instruction)

/* Of the registers at a syscall's entry. */
#ifdef ___bpf_syscall_first
#define PT_REGS_PARM1_SYSCALL(x) (___bpf_syscall_first(x))
#define PT_REGS_PARM1_CORE_SYSCALL(x) \
	({ \
		unsigned long ___first = 0; \
		bpf_core_read(&___first, sizeof(___first), &___bpf_syscall_first(x)); \
		___first; \
	})
#else
#define PT_REGS_PARM1_SYSCALL(x) (__PT_REGS_CAST(x)->___bpf_syscall1)
#define PT_REGS_PARM1_CORE_SYSCALL(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_syscall1)
#endif
#define PT_REGS_PARM2_SYSCALL(x) (__PT_REGS_CAST(x)->___bpf_syscall2)
#define PT_REGS_PARM2_CORE_SYSCALL(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_syscall2)
#define PT_REGS_PARM3_SYSCALL(x) (__PT_REGS_CAST(x)->___bpf_syscall3)
#define PT_REGS_PARM3_CORE_SYSCALL(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_syscall3)
#define PT_REGS_PARM4_SYSCALL(x) (__PT_REGS_CAST(x)->___bpf_syscall4)
#define PT_REGS_PARM4_CORE_SYSCALL(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_syscall4)
#define PT_REGS_PARM5_SYSCALL(x) (__PT_REGS_CAST(x)->___bpf_syscall5)
#define PT_REGS_PARM5_CORE_SYSCALL(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_syscall5)
#define PT_REGS_PARM6_SYSCALL(x) (__PT_REGS_CAST(x)->___bpf_syscall6)
#define PT_REGS_PARM6_CORE_SYSCALL(x) BPF_CORE_READ(__PT_REGS_CAST(x), ___bpf_syscall6)

/* A kprobe on a syscall's wrapper gets a pointer to the caller's registers as its first argument. */
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))

/* Where the probed function will return to: on the stack, or in the link register. */
#ifdef __TARGET_ARCH_x86
#define BPF_KPROBE_READ_RET_IP(ip, ctx) ({ bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)PT_REGS_RET(ctx)); })
#define BPF_KRETPROBE_READ_RET_IP(ip, ctx) \
	({ bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)(PT_REGS_FP(ctx) + sizeof(ip))); })
#else
#define BPF_KPROBE_READ_RET_IP(ip, ctx) ({ (ip) = PT_REGS_RET(ctx); })
#define BPF_KRETPROBE_READ_RET_IP BPF_KPROBE_READ_RET_IP
#endif

#endif

/* ---- functions that name their arguments ---- */

/* BTF-typed programs get an array of 64-bit words. */
#define ___bpf_ctx_args0() ctx
#define ___bpf_ctx_args1(x) ___bpf_ctx_args0(), (void *)ctx[0]
#define ___bpf_ctx_args2(x, args...) ___bpf_ctx_args1(args), (void *)ctx[1]
#define ___bpf_ctx_args3(x, args...) ___bpf_ctx_args2(args), (void *)ctx[2]
#define ___bpf_ctx_args4(x, args...) ___bpf_ctx_args3(args), (void *)ctx[3]
#define ___bpf_ctx_args5(x, args...) ___bpf_ctx_args4(args), (void *)ctx[4]
#define ___bpf_ctx_args6(x, args...) ___bpf_ctx_args5(args), (void *)ctx[5]
#define ___bpf_ctx_args7(x, args...) ___bpf_ctx_args6(args), (void *)ctx[6]
#define ___bpf_ctx_args8(x, args...) ___bpf_ctx_args7(args), (void *)ctx[7]
#define ___bpf_ctx_args9(x, args...) ___bpf_ctx_args8(args), (void *)ctx[8]
#define ___bpf_ctx_args10(x, args...) ___bpf_ctx_args9(args), (void *)ctx[9]
#define ___bpf_ctx_args11(x, args...) ___bpf_ctx_args10(args), (void *)ctx[10]
#define ___bpf_ctx_args12(x, args...) ___bpf_ctx_args11(args), (void *)ctx[11]
#define ___bpf_ctx_args(args...) ___bpf_apply(___bpf_ctx_args, ___bpf_narg(args))(args)

/* Kprobes get registers. */
#define ___bpf_kprobe_args0() ctx
#define ___bpf_kprobe_args1(x) ___bpf_kprobe_args0(), (void *)PT_REGS_PARM1(ctx)
#define ___bpf_kprobe_args2(x, args...) ___bpf_kprobe_args1(args), (void *)PT_REGS_PARM2(ctx)
#define ___bpf_kprobe_args3(x, args...) ___bpf_kprobe_args2(args), (void *)PT_REGS_PARM3(ctx)
#define ___bpf_kprobe_args4(x, args...) ___bpf_kprobe_args3(args), (void *)PT_REGS_PARM4(ctx)
#define ___bpf_kprobe_args5(x, args...) ___bpf_kprobe_args4(args), (void *)PT_REGS_PARM5(ctx)
#define ___bpf_kprobe_args6(x, args...) ___bpf_kprobe_args5(args), (void *)PT_REGS_PARM6(ctx)
#define ___bpf_kprobe_args7(x, args...) ___bpf_kprobe_args6(args), (void *)PT_REGS_PARM7(ctx)
#define ___bpf_kprobe_args8(x, args...) ___bpf_kprobe_args7(args), (void *)PT_REGS_PARM8(ctx)
#define ___bpf_kprobe_args(args...) ___bpf_apply(___bpf_kprobe_args, ___bpf_narg(args))(args)

/* Syscall probes get the caller's registers, which lie in kernel memory: loaded directly, or by a probe helper. */
#define ___bpf_syscall_args0() ctx
#define ___bpf_syscall_args1(x) ___bpf_syscall_args0(), (void *)PT_REGS_PARM1_SYSCALL(___regs)
#define ___bpf_syscall_args2(x, args...) ___bpf_syscall_args1(args), (void *)PT_REGS_PARM2_SYSCALL(___regs)
#define ___bpf_syscall_args3(x, args...) ___bpf_syscall_args2(args), (void *)PT_REGS_PARM3_SYSCALL(___regs)
#define ___bpf_syscall_args4(x, args...) ___bpf_syscall_args3(args), (void *)PT_REGS_PARM4_SYSCALL(___regs)
#define ___bpf_syscall_args5(x, args...) ___bpf_syscall_args4(args), (void *)PT_REGS_PARM5_SYSCALL(___regs)
#define ___bpf_syscall_args6(x, args...) ___bpf_syscall_args5(args), (void *)PT_REGS_PARM6_SYSCALL(___regs)
#define ___bpf_syscall_args(args...) ___bpf_apply(___bpf_syscall_args, ___bpf_narg(args))(args)

#define ___bpf_syscall_core_args0() ctx
#define ___bpf_syscall_core_args1(x) ___bpf_syscall_core_args0(), (void *)PT_REGS_PARM1_CORE_SYSCALL(___regs)
#define ___bpf_syscall_core_args2(x, args...) ___bpf_syscall_core_args1(args), (void *)PT_REGS_PARM2_CORE_SYSCALL(___regs)
#define ___bpf_syscall_core_args3(x, args...) ___bpf_syscall_core_args2(args), (void *)PT_REGS_PARM3_CORE_SYSCALL(___regs)
#define ___bpf_syscall_core_args4(x, args...) ___bpf_syscall_core_args3(args), (void *)PT_REGS_PARM4_CORE_SYSCALL(___regs)
#define ___bpf_syscall_core_args5(x, args...) ___bpf_syscall_core_args4(args), (void *)PT_REGS_PARM5_CORE_SYSCALL(___regs)
#define ___bpf_syscall_core_args6(x, args...) ___bpf_syscall_core_args5(args), (void *)PT_REGS_PARM6_CORE_SYSCALL(___regs)
#define ___bpf_syscall_core_args(args...) ___bpf_apply(___bpf_syscall_core_args, ___bpf_narg(args))(args)

/* fentry, fexit, tp_btf, raw_tp, lsm, struct_ops: `int BPF_PROG(name, struct task_struct *task, int flags) { … }` */
#define BPF_PROG(name, args...) \
	name(unsigned long long *ctx); \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args); \
	typeof(name(0)) name(unsigned long long *ctx) \
	{ \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(___bpf_ctx_args(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args)

/* kprobe and uprobe: arguments in the order of the probed function */
#define BPF_KPROBE(name, args...) \
	name(struct pt_regs *ctx); \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx) \
	{ \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(___bpf_kprobe_args(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args)

/* kretprobe and uretprobe: the argument, if any, is the return value. */
#define ___bpf_kretprobe_args0() ctx
#define ___bpf_kretprobe_args1(x) ctx, (void *)PT_REGS_RC(ctx)
#define ___bpf_kretprobe_args(args...) ___bpf_apply(___bpf_kretprobe_args, ___bpf_narg(args))(args)
#define BPF_KRETPROBE(name, args...) \
	name(struct pt_regs *ctx); \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx) \
	{ \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(___bpf_kretprobe_args(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args)

/*
 * ksyscall and kprobes on a syscall: arguments of the system call. Where the kernel wraps its system calls, the probed
 * function has one argument, the registers of the caller; libbpf's loader says by LINUX_HAS_SYSCALL_WRAPPER which it is.
 */
#define BPF_KSYSCALL(name, args...) \
	name(struct pt_regs *ctx); \
	extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig; \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx) \
	{ \
		struct pt_regs *___regs = LINUX_HAS_SYSCALL_WRAPPER ? (struct pt_regs *)PT_REGS_SYSCALL_REGS(ctx) : ctx; \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		if (LINUX_HAS_SYSCALL_WRAPPER) \
			return ____##name(___bpf_syscall_core_args(args)); \
		else \
			return ____##name(___bpf_syscall_args(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args)

#define BPF_KPROBE_SYSCALL BPF_KSYSCALL

#define BPF_UPROBE(name, args...) \
	name(struct pt_regs *ctx); \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx) \
	{ \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(___bpf_kprobe_args(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args)

/*
 * BPF_PROG2 is BPF_PROG for functions that take structs of up to 16 bytes by value, each of which fills one or two words.
 * Types and names are given apart: `int BPF_PROG2(name, struct two_words, a, int, b) { … }`.
 */
#define ___bpf_words_of(type) ((sizeof(type) + 7) / 8)
#define ___bpf_as(type, at) \
	({ \
		union { \
			type value; \
			unsigned char narrow8; \
			unsigned short narrow16; \
			unsigned int narrow32; \
			unsigned long long words[2]; \
		} ___as = {}; \
		/* On a big-endian machine a small value stands at the word's other end: narrowing says which bytes are meant. */ \
		if (sizeof(type) == 1) \
			___as.narrow8 = ctx[at]; \
		else if (sizeof(type) == 2) \
			___as.narrow16 = ctx[at]; \
		else if (sizeof(type) == 4) \
			___as.narrow32 = ctx[at]; \
		else \
			___as.words[0] = ctx[at]; \
		if (___bpf_words_of(type) == 2) \
			___as.words[1] = ctx[(at) + 1]; \
		___as.value; \
	})
#define ___bpf_prog2_declare0()
#define ___bpf_prog2_pass0()
#define ___bpf_prog2_declare2(t0, v0) , t0 v0
#define ___bpf_prog2_pass2(t0, v0) \
	, ___bpf_as(t0, 0)
#define ___bpf_prog2_declare4(t0, v0, t1, v1) , t0 v0, t1 v1
#define ___bpf_prog2_pass4(t0, v0, t1, v1) \
	, ___bpf_as(t0, 0) \
	, ___bpf_as(t1, 0 + ___bpf_words_of(t0))
#define ___bpf_prog2_declare6(t0, v0, t1, v1, t2, v2) , t0 v0, t1 v1, t2 v2
#define ___bpf_prog2_pass6(t0, v0, t1, v1, t2, v2) \
	, ___bpf_as(t0, 0) \
	, ___bpf_as(t1, 0 + ___bpf_words_of(t0)) \
	, ___bpf_as(t2, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1))
#define ___bpf_prog2_declare8(t0, v0, t1, v1, t2, v2, t3, v3) , t0 v0, t1 v1, t2 v2, t3 v3
#define ___bpf_prog2_pass8(t0, v0, t1, v1, t2, v2, t3, v3) \
	, ___bpf_as(t0, 0) \
	, ___bpf_as(t1, 0 + ___bpf_words_of(t0)) \
	, ___bpf_as(t2, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1)) \
	, ___bpf_as(t3, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1) + ___bpf_words_of(t2))
#define ___bpf_prog2_declare10(t0, v0, t1, v1, t2, v2, t3, v3, t4, v4) , t0 v0, t1 v1, t2 v2, t3 v3, t4 v4
#define ___bpf_prog2_pass10(t0, v0, t1, v1, t2, v2, t3, v3, t4, v4) \
	, ___bpf_as(t0, 0) \
	, ___bpf_as(t1, 0 + ___bpf_words_of(t0)) \
	, ___bpf_as(t2, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1)) \
	, ___bpf_as(t3, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1) + ___bpf_words_of(t2)) \
	, ___bpf_as(t4, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1) + ___bpf_words_of(t2) + ___bpf_words_of(t3))
#define ___bpf_prog2_declare12(t0, v0, t1, v1, t2, v2, t3, v3, t4, v4, t5, v5) , t0 v0, t1 v1, t2 v2, t3 v3, t4 v4, t5 v5
#define ___bpf_prog2_pass12(t0, v0, t1, v1, t2, v2, t3, v3, t4, v4, t5, v5) \
	, ___bpf_as(t0, 0) \
	, ___bpf_as(t1, 0 + ___bpf_words_of(t0)) \
	, ___bpf_as(t2, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1)) \
	, ___bpf_as(t3, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1) + ___bpf_words_of(t2)) \
	, ___bpf_as(t4, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1) + ___bpf_words_of(t2) + ___bpf_words_of(t3)) \
	, ___bpf_as(t5, 0 + ___bpf_words_of(t0) + ___bpf_words_of(t1) + ___bpf_words_of(t2) + ___bpf_words_of(t3) + ___bpf_words_of(t4))
#define ___bpf_prog2_declare(args...) ___bpf_apply(___bpf_prog2_declare, ___bpf_narg(args))(args)
#define ___bpf_prog2_pass(args...) ___bpf_apply(___bpf_prog2_pass, ___bpf_narg(args))(args)
#define BPF_PROG2(name, args...) \
	name(unsigned long long *ctx); \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx ___bpf_prog2_declare(args)); \
	typeof(name(0)) name(unsigned long long *ctx) \
	{ \
		return ____##name(ctx ___bpf_prog2_pass(args)); \
	} \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx ___bpf_prog2_declare(args))

#define BPF_URETPROBE BPF_KRETPROBE

#endif
