// How a value came to be what it is, in words: the steps of a finding's causal path.

import { helperById } from '#core/catalog';
import { BPF_CALL, BPF_JMP, BPF_LDX, BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, insnClass, isLdImm64 } from '#core/isa';
import type { VerifierEnvironment } from './environment.ts';
import { mayBeNull, type Register, SCALAR_VALUE } from './registers.ts';
import type { Cause } from './types.ts';

/** `bpf_map_lookup_elem()`, for the call in this slot. */
export function describeCall(env: VerifierEnvironment, at: number): string {
  const insn = env.insns[at];
  if (!insn || insn.opcode !== (BPF_JMP | BPF_CALL)) return 'the instruction';
  if (insn.src === BPF_PSEUDO_KFUNC_CALL) return `${env.program.kfuncs[insn.imm] ?? 'the kfunc'}()`;
  if (insn.src === BPF_PSEUDO_CALL) return `${env.subprograms[env.subprogramOf[at + insn.imm + 1] ?? 0]?.name ?? 'the function'}()`;
  return `${helperById(insn.imm)?.name ?? 'the helper'}()`;
}

/** Where the value came from and where it was last narrowed, oldest first. */
export function causesOf(env: VerifierEnvironment, register: Register): Cause[] {
  const { origin, narrowed, written } = register.provenance;
  const causes: Cause[] = [];
  const insn = origin >= 0 ? env.insns[origin] : undefined;
  if (insn) {
    const call = insn.opcode === (BPF_JMP | BPF_CALL);
    if (call && mayBeNull(register.type)) causes.push({ insn: origin, text: `${describeCall(env, origin)} may return NULL here` });
    else if (call) causes.push({ insn: origin, text: `${describeCall(env, origin)} returned it here` });
    else if (insnClass(insn) === BPF_LDX) causes.push({ insn: origin, text: 'it was loaded here' });
    else if (isLdImm64(insn)) causes.push({ insn: origin, text: 'it was taken here' });
    else causes.push({ insn: origin, text: 'it got its value here' });
  }
  if (narrowed >= 0 && register.type === SCALAR_VALUE) causes.push({ insn: narrowed, text: 'this comparison limited it last' });
  if (written >= 0 && written !== origin) causes.push({ insn: written, text: 'it was computed here' });
  return causes.sort((a, b) => a.insn - b.insn);
}

/** `[0, 255]`, in the sign that says more. */
export function rangeOf(register: Register): string {
  const { scalar } = register;
  if (scalar.mask === 0n) return String(BigInt.asIntN(64, scalar.value));
  return scalar.smin >= 0n ? `[${scalar.umin}, ${scalar.umax}]` : `[${scalar.smin}, ${scalar.smax}]`;
}
