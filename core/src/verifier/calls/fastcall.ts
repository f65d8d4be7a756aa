// Stack that the kernel gives or takes when it rewrites the program after verification: spills around calls that keep
// registers (bpf_fastcall), the counter of may_goto, the registers that an inlined bpf_loop saves.
// Changes no verdict but through the stack depth.

import { atLeast, helperById, helperRule, kfuncByName } from '#core/catalog';
import { BPF_CALL, BPF_DW, BPF_JMP, BPF_LDX, BPF_MEM, BPF_PSEUDO_KFUNC_CALL, BPF_STX, type Insn } from '#core/isa';
import { kfuncName } from './call-facts.ts';
import { isMayGoto } from '../flow/cfg.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { BPF_REG_FP } from '../state/state.ts';

const CALLER_SAVED = 0x3f;
const SPILL = BPF_STX | BPF_MEM | BPF_DW;
const FILL = BPF_LDX | BPF_MEM | BPF_DW;
/** Helpers that the verifier or the x86-64 JIT writes out in place. */
const INLINED_HELPERS = new Set(['bpf_get_smp_processor_id', 'bpf_get_current_task', 'bpf_get_current_task_btf']);
const FASTCALL_KFUNCS = new Set(['bpf_cast_to_kern_ctx', 'bpf_rdonly_cast']);

/** Registers that the call clobbers, and whether it is written out in place. */
function clobbers(env: VerifierEnvironment, call: Insn): { mask: number; inlined: boolean } {
  if (call.src === BPF_PSEUDO_KFUNC_CALL) {
    const name = kfuncName(env, call);
    const kfunc = kfuncByName(name);
    if (!kfunc) return { mask: CALLER_SAVED, inlined: false };
    const mask = (kfunc.returnType === 'void' ? 0 : 1) | (((1 << kfunc.parameters.length) - 1) << 1);
    return { mask, inlined: FASTCALL_KFUNCS.has(name) };
  }
  const helper = call.src === 0 ? helperById(call.imm) : undefined;
  if (!helper) return { mask: CALLER_SAVED, inlined: false };
  const rule = helperRule(helper, env.programType);
  const mask = (rule.returns.kind === 'void' ? 0 : 1) | (((1 << rule.arguments.length) - 1) << 1);
  return { mask, inlined: rule.fastcall === true && INLINED_HELPERS.has(helper.name) };
}

/** Finds calls wrapped in spills and fills of registers that they would not clobber anyway. */
export function markFastcallPatterns(env: VerifierEnvironment): void {
  if (!atLeast(env.kernel, '6.12')) return;
  const { insns, facts } = env;
  for (const subprogram of env.subprograms) {
    let lowest = 0;
    for (let i = subprogram.start; i < subprogram.end; i++) {
      const insn = insns[i]!;
      if (insn.opcode === SPILL && insn.dst === BPF_REG_FP) lowest = Math.min(lowest, insn.off);
    }
    for (let at = subprogram.start; at < subprogram.end; at++) {
      if (insns[at]!.opcode !== (BPF_JMP | BPF_CALL)) continue;
      const { mask, inlined } = clobbers(env, insns[at]!);
      let expected = ~mask & CALLER_SAVED;
      if (expected === 0) continue;
      let off = lowest;
      let pairs = 0;
      for (let i = 1; i <= 6; i++, off += 8) {
        const store = insns[at - i];
        const load = insns[at + i];
        if (!store || !load || facts.jumpTarget[at - i + 1] || facts.jumpTarget[at + i]) break;
        if (store.opcode !== SPILL || load.opcode !== FILL || store.dst !== BPF_REG_FP || load.src !== BPF_REG_FP || store.src !== load.dst)
          break;
        if (!((expected >>> store.src) & 1) || store.off !== off || load.off !== off) break;
        expected &= ~(1 << store.src);
        facts.fastcallPattern[at - i] = 1;
        facts.fastcallPattern[at + i] = 1;
        pairs = i;
      }
      if (pairs === 0) continue;
      if (inlined) facts.fastcallSpills[at] = pairs;
      else subprogram.keepFastcallStack = true;
      subprogram.fastcallStackOffset = Math.min(subprogram.fastcallStackOffset, off);
    }
  }
}

/** Takes the stack of removed spills away. */
export function removeFastcallSpills(env: VerifierEnvironment): void {
  for (const subprogram of env.subprograms) {
    let removed = false;
    for (let at = subprogram.start; at < subprogram.end; at++) if (env.facts.fastcallSpills[at]! > 0) removed = true;
    if (removed && !subprogram.keepFastcallStack) subprogram.stackDepth = -subprogram.fastcallStackOffset;
  }
}

/** What loops written out in place need. Functions that no path reaches are taken out of the program. */
export function stackDepths(env: VerifierEnvironment): number[] {
  const depths: number[] = [];
  for (const [index, subprogram] of env.subprograms.entries()) {
    let depth = subprogram.stackDepth;
    let reached = index === 0;
    let mayGoto = false;
    let inlinedLoop = false;
    for (let at = subprogram.start; at < subprogram.end; at++) {
      if (env.visits[at] === 0) continue;
      reached = true;
      const insn = env.insns[at]!;
      if (isMayGoto(insn) && insn.off !== 0) mayGoto = true;
      if (env.facts.inlinedLoops.get(at)?.fits) inlinedLoop = true;
    }
    if (inlinedLoop) depth = Math.ceil(depth / 8) * 8 + 24;
    // A counter, and since 6.15 the time it started, where the JIT can read the clock.
    if (mayGoto) depth += atLeast(env.kernel, '6.15') ? 16 : 8;
    if (reached) depths.push(depth);
  }
  // Where no function of the program takes exceptions, the kernel appends one.
  if (env.seenException && env.exceptionCallback === 0) depths.push(0);
  return depths;
}

/** A bpf_loop() call is written out in place while it has one callback and no flags on all paths. */
export function noteLoopCall(env: VerifierEnvironment, at: number, callback: number, noFlags: boolean): void {
  const known = env.facts.inlinedLoops.get(at);
  if (!known) env.facts.inlinedLoops.set(at, { callback, fits: noFlags });
  else if (known.fits) known.fits = noFlags && known.callback === callback;
}
