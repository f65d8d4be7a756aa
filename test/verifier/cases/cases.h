// What the case files share: the kernel's types, libbpf's conventions, and words that the headers of older libbpf lack.
// A case file holds many small programs; <area>.answers.txt says what Linux 6.18 answers to each.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#undef __naked
#define __naked __attribute__((naked))
#undef __imm
#define __imm(name) [name] "i"(name)
#undef __imm_addr
#define __imm_addr(name) [__##name] "i"(&name)
#define CLOBBERS "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "memory"
#undef can_loop
#define can_loop ({ __label__ ended, on; bool more = true; asm volatile goto("may_goto %l[ended]" :::: ended); goto on; ended: more = false; on:; more; })
#undef cond_break
#define cond_break ({ __label__ ended, on; asm volatile goto("may_goto %l[ended]" :::: ended); goto on; ended: break; on:; })
char _license[] SEC("license") = "GPL";
