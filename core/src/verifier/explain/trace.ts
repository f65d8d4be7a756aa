// The path that led to a rejection, one step per instruction. Kept in a second walk, when the first has refused the program:
// programs that are accepted pay nothing for it.

import type { VerifierEnvironment } from '../state/environment.ts';
import type { Register } from '../state/registers.ts';

/** One instruction of a path, with what its function's registers held before it. */
export interface TraceStep {
  readonly before: TraceStep | undefined;
  /** Steps up to this one. */
  readonly depth: number;
  readonly insn: number;
  /** Number of the frame, 0 for the outermost. */
  readonly frame: number;
  readonly registers: readonly Register[];
}

/** From now on the environment keeps its path. */
export function keepTrace(env: VerifierEnvironment): void {
  env.beforeInsn = (insn) => {
    const { frame } = env.state;
    env.trace = { before: env.trace, depth: (env.trace?.depth ?? 0) + 1, insn, frame: frame.number, registers: frame.registers.slice() };
  };
}

/** The path walked now, oldest step first; the last one is the instruction that is looked at. */
export function pathOf(env: VerifierEnvironment): readonly TraceStep[] {
  const path = new Array<TraceStep>(env.trace?.depth ?? 0);
  for (let step = env.trace; step; step = step.before) path[step.depth - 1] = step;
  return path;
}
