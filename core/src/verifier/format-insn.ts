// The text of an instruction in the log.

import { helperById } from '#core/catalog';
import { formatKernelInsn } from '#core/isa';
import type { VerifierEnvironment } from './environment.ts';

export function formatInsn(env: VerifierEnvironment, at: number): string {
  return formatKernelInsn(env.insns, at, {
    helperName: (id) => helperById(id)?.name,
    kfuncName: (insn) => env.program.kfuncs[insn.imm],
  });
}
