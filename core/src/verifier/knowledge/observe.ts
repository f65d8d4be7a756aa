// Tells whoever asked (VerifyOptions.observe) which states reach which instruction, and which paths ended because an earlier state
// covers them. Nothing of the verdict depends on it, and nothing here runs when nobody asked.

import type { VerifierEnvironment } from '../state/environment.ts';
import { frameInsn } from '../flow/prune.ts';
import { BPF_REG_FP, type VerifierState } from '../state/state.ts';
import type { CoveredPath } from '../types.ts';

export class Observer {
  private count = 0;
  /** Made just before the state that it is a copy of reaches its instruction. */
  private fresh: VerifierState | undefined;
  private readonly ids = new Map<VerifierState, number>();

  constructor(private readonly env: VerifierEnvironment) {}

  /** The path's state is about to be walked over this instruction. */
  state(insn: number): void {
    const { state, previousInsn, options } = this.env;
    const id = this.count++;
    if (this.fresh) this.ids.set(this.fresh, id);
    this.fresh = undefined;
    const frames = state.frames.map(({ subprogram, callsite, registers, stack }) => ({
      subprogram,
      callsite,
      registers: registers.slice(),
      stack: stack.slice(),
    }));
    options.observe!({ id, before: state.observed, insn, previous: previousInsn, frames });
    state.observed = id;
  }

  checkpoint(checkpoint: VerifierState): void {
    this.fresh = checkpoint;
  }

  /** The path ends at `insn`, since the checkpoint covers it. */
  covered(insn: number, checkpoint: VerifierState): void {
    const by = this.ids.get(checkpoint);
    if (by === undefined) return;
    const { env } = this;
    const kept = checkpoint.frames.map((frame, number) => ({
      frame,
      live: env.facts.liveBefore[frameInsn(checkpoint, number)]! | (1 << BPF_REG_FP),
      dead: frame.stack.map(({ kinds }) => kinds === 0),
    }));
    const path: CoveredPath = {
      insn,
      before: env.state.observed,
      by,
      counts: () =>
        kept.map(({ frame, live, dead }) => ({
          registers: live,
          preciseRegisters: frame.preciseRegisters,
          slots: dead.map((isDead, slot) => (isDead ? 'dead' : frame.preciseSlots.has(slot) ? 'precise' : 'imprecise')),
        })),
    };
    env.options.observeCovered?.(path);
  }
}
