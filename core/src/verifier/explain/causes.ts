// Words that checks and explanations share: a call by its callee's name, a number by its range.
// How a value came to be what it is stands in explain/.

import { helperById } from '#core/catalog';
import { BPF_CALL, BPF_JMP, BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL } from '#core/isa';
import type { VerifierEnvironment } from '../state/environment.ts';
import type { Register } from '../state/registers.ts';

/** `bpf_map_lookup_elem()`, for the call in this slot. */
export function describeCall(env: VerifierEnvironment, at: number): string {
  const insn = env.insns[at];
  if (!insn || insn.opcode !== (BPF_JMP | BPF_CALL)) return 'the instruction';
  if (insn.src === BPF_PSEUDO_KFUNC_CALL) return `${env.program.kfuncs[insn.imm] ?? 'the kfunc'}()`;
  if (insn.src === BPF_PSEUDO_CALL) return `${env.subprograms[env.subprogramOf[at + insn.imm + 1] ?? 0]?.name ?? 'the function'}()`;
  return `${helperById(insn.imm)?.name ?? 'the helper'}()`;
}

/** `[0, 255]`, in the sign that says more. */
export function rangeOf(register: Register): string {
  const { scalar } = register;
  if (scalar.mask === 0n) return String(BigInt.asIntN(64, scalar.value));
  return scalar.smin >= 0n ? `[${scalar.umin}, ${scalar.umax}]` : `[${scalar.smin}, ${scalar.smax}]`;
}
