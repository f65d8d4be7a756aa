// The text of an instruction in the log.

import { helperById } from '#core/catalog';
import { BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, formatKernelInsn } from '#core/isa';
import type { VerifierEnvironment } from './environment.ts';

export function formatInsn(env: VerifierEnvironment, at: number): string {
  return formatKernelInsn(env.insns, at, {
    helperName: (id) => helperById(id)?.name,
    kfuncName: (insn) => env.program.kfuncs[insn.imm],
    // A callback is a plain distance in the kernel's log.
    immediate: (insn) => (insn.src === BPF_PSEUDO_FUNC ? `0x${(insn.imm >>> 0).toString(16)}` : undefined),
    // The kernel calls kfuncs by their BTF id.
    callNumber: (insn) =>
      insn.src === BPF_PSEUDO_KFUNC_CALL ? (env.options.kernelBtf?.find(env.program.kfuncs[insn.imm] ?? '', 'func') ?? insn.imm) : insn.imm,
  });
}
