// Older target kernels: small programs with the kernel that first accepts each, and what is said for the one before.
// The dates are the catalog's and the instruction table's, from release notes and the kernel's history; 6.12 and 6.1 are asked elsewhere.

import { expect, it } from 'vitest';
import type { Btf } from '#core/btf';
import { atLeast, type KernelVersion, TARGET_KERNELS } from '#core/catalog';
import { BPF_PSEUDO_KFUNC_CALL } from '#core/isa';
import { loadAssembly, type LoadedObject } from '#core/program';
import { verify } from '#core/verifier';
import { readTargetKernel } from '#toolchain';

const kernelBtf = readTargetKernel().btf;
const MAPS =
  '.license "GPL"\n.map array, type=array, key=4, value=16, max_entries=4\n.map progs, type=prog_array, key=4, value=4, max_entries=4\n';
const RING = '.map ring, type=ringbuf, key=0, value=0, max_entries=4096\n';
const OUT = 'r0 = 0\n exit';
const KFUNCS = ['bpf_rcu_read_lock', 'bpf_rcu_read_unlock', 'bpf_task_from_pid', 'bpf_task_release'];

const LOOKUP = 'w1 = 3\n *(u32 *)(r10 - 8) = w1\n r1 = array ll\n r2 = r10\n r2 += -8\n call bpf_map_lookup_elem';

const CASES: readonly (readonly [name: string, section: string, text: string, first: KernelVersion, words: RegExp])[] = [
  ['nothing new', 'xdp', OUT, '5.4', /^$/],
  ['a bounded loop', 'xdp', `r6 = 0\nagain:\n r6 += 1\n if r6 < 10 goto again\n ${OUT}`, '5.4', /^$/],
  ['a 32-bit jump', 'xdp', `w6 = 1\n if w6 == 1 goto out\nout:\n ${OUT}`, '5.4', /^$/],
  [
    'an atomic add whose result is used',
    'xdp',
    `r1 = 1\n *(u64 *)(r10 - 8) = r1\n r1 = atomic_fetch_add((u64 *)(r10 - 8), r1)\n ${OUT}`,
    '5.15',
    /fetch_add.* came with Linux 5\.12; the target is 5\.10/,
  ],
  [
    'an atomic exchange',
    'xdp',
    `r1 = 1\n *(u64 *)(r10 - 8) = r1\n r1 = xchg_64(r10 - 8, r1)\n ${OUT}`,
    '5.15',
    /xchg.* came with Linux 5\.12/,
  ],
  [
    'a load-acquire that no path comes to',
    'xdp',
    `r1 = 1\n *(u64 *)(r10 - 8) = r1\n if r1 == 1 goto out\n r1 = load_acquire((u64 *)(r10 - 8))\nout:\n ${OUT}`,
    '5.15',
    /came with Linux 6\.15; the target is 5\.10/,
  ],
  [
    'a load-acquire',
    'xdp',
    `r1 = 1\n *(u64 *)(r10 - 8) = r1\n r1 = load_acquire((u64 *)(r10 - 8))\n ${OUT}`,
    '6.18',
    /BPF_ATOMIC uses invalid atomic opcode 100/,
  ],
  ['a signed division', 'xdp', `r1 = 7\n r1 s/= 2\n ${OUT}`, '6.6', /sdiv.* came with Linux 6\.6; the target is 6\.1/],
  ['a sign-extending move', 'xdp', `r1 = 7\n r2 = (s8)r1\n ${OUT}`, '6.6', /movsx.* came with Linux 6\.6/],
  ['a sign-extending load', 'xdp', `r1 = 7\n *(u64 *)(r10 - 8) = r1\n r2 = *(s32 *)(r10 - 8)\n ${OUT}`, '6.6', /came with Linux 6\.6/],
  ['an unconditional byte swap', 'xdp', `r1 = 7\n r1 = bswap64 r1\n ${OUT}`, '6.6', /bswap.* came with Linux 6\.6/],
  ['a long jump', 'xdp', `gotol out\nout:\n ${OUT}`, '6.1', /came with Linux 6\.6/],
  ['a helper', 'xdp', `call bpf_xdp_get_buff_len\n ${OUT}`, '6.1', /bpf_xdp_get_buff_len came with Linux 5\.18; the target is 5\.15/],
  [
    'a kernel function',
    'xdp',
    `call bpf_rcu_read_lock\n call bpf_rcu_read_unlock\n ${OUT}`,
    '6.6',
    /bpf_rcu_read_lock.* came with Linux 6\.[2-4]/,
  ],
  [
    'a ring buffer',
    'xdp',
    `${RING} r1 = ring ll\n ${OUT}`,
    '5.10',
    /ring is of type ringbuf, which came with Linux 5\.8; the target is 5\.4/,
  ],
  ['a program type', 'sk_lookup', `r0 = 1\n exit`, '5.10', /sk_lookup came with Linux 5\.9/],
  ['packets in several buffers', 'xdp.frags', OUT, '6.1', /several buffers.* came with Linux 5\.18/],
  ['a sleepable program', 'lsm.s/bpf', OUT, '5.10', /came with Linux 5\.(?:7|10)/],
  [
    'a tail call beside a function',
    'xdp',
    `r6 = r1\n call helper\n r1 = r6\n r2 = progs ll\n r3 = 0\n call bpf_tail_call\n ${OUT}\nhelper:\n ${OUT}`,
    '5.10',
    /Tail calls beside calls .* Linux 5\.10; the target is 5\.4/,
  ],
  ['a constant key of an array without NULL check', 'xdp', `${LOOKUP}\n r1 = *(u64 *)(r0 + 8)\n ${OUT}`, '6.18', /NULL/],
  ['stack that was never written', 'xdp', `r1 = *(u64 *)(r10 - 8)\n ${OUT}`, '6.1', /stack/i],
  ['a tcx program', 'tcx/ingress', OUT, '6.6', /BPF_TCX_INGRESS came with Linux 6\.6/],
];

/** The assembler names functions of the kernel by a call of a symbol; the loader would number them. */
function load(section: string, text: string): LoadedObject {
  const kfuncs = KFUNCS.filter((name) => text.includes(`call ${name}`));
  const numbered = kfuncs.reduce((sum, name, index) => sum.replaceAll(`call ${name}`, `call ${9000 + index}`), text);
  const object = loadAssembly(`${MAPS}.section "${section}"\n.globl main\nmain:\n ${numbered}\n`, 'case.bpf.s', { kernelBtf: kernelBtf! });
  if (object.problems.some(({ severity }) => severity === 'error')) throw new Error(JSON.stringify(object.problems));
  const programs = object.programs.map((program) => ({
    ...program,
    kfuncs,
    insns: program.insns.map((insn) =>
      insn.opcode === 0x85 && insn.src === 0 && insn.imm >= 9000 ? { ...insn, src: BPF_PSEUDO_KFUNC_CALL, imm: insn.imm - 9000 } : insn,
    ),
  }));
  return { ...object, programs };
}

it.each(CASES.map((one) => [one[0], one] as const))('%s', (_, [, section, text, first, words]) => {
  const object = load(section, text);
  const verdicts = TARGET_KERNELS.map((kernel) => ({
    kernel,
    verdict: verify(object.programs[0]!, object, { kernel, kernelBtf: kernelBtf as Btf }),
  }));
  const accepting = verdicts.filter(({ verdict }) => verdict.verdict === 'accepted').map(({ kernel }) => kernel);
  expect(accepting).toEqual(TARGET_KERNELS.filter((kernel) => atLeast(kernel, first)));
  // Newest first: the first refusal is that of the kernel just before.
  const refused = verdicts.find(({ verdict }) => verdict.verdict === 'rejected')?.verdict.findings[0];
  expect(refused ? `${refused.explanation} ${refused.message}` : '').toMatch(words);
});
