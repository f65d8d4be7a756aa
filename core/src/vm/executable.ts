// An executable from bare instructions: for programs that no loader made (conformance tests, fuzzing, byte strings).

import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, type Insn, isCall, isLdImm64 } from '#core/isa';
import type { Executable } from './types.ts';

/** Subprograms start where a BPF-to-BPF call or a function pointer says, and end where the next one starts. */
export function executableOf(name: string, insns: readonly Insn[]): Executable {
  const starts = new Set([0]);
  insns.forEach((insn, slot) => {
    const refers = (isCall(insn) && insn.src === BPF_PSEUDO_CALL) || (isLdImm64(insn) && insn.src === BPF_PSEUDO_FUNC);
    const target = slot + 1 + insn.imm;
    if (refers && target >= 0 && target < insns.length) starts.add(target);
  });
  const sorted = [...starts].sort((a, b) => a - b);
  return {
    name,
    insns,
    subprograms: sorted.map((start, i) => ({ name: start === 0 ? name : `func_${start}`, start, end: sorted[i + 1] ?? insns.length })),
  };
}
