// The interpreter as an engine: an Execution that a debugger drives. The loop is interpreter.ts, the state execution.ts.

import { stopsHere } from './condition.ts';
import { type Decoded, STRIDE } from './decode.ts';
import { State } from './execution.ts';
import { interpret, Op, Stopped } from './interpreter.ts';
import { LinearMemory } from './memory.ts';
import type { Engine, Executable, Execution, Frame, Memory, RunLimits, Snapshot, StopReason } from './types.ts';

export const plain = (state: State): Int32Array => state.code.code;

/** The program's code with an operation that stops in place of each slot where the run must stop. */
export function patchedCode(code: Decoded, breakpoints: Uint8Array | undefined, calls: boolean): Int32Array {
  if (!calls && !breakpoints?.some((flag) => flag !== 0)) return code.code;
  const wanted = breakpoints ?? new Uint8Array(0);
  const { patched } = code;
  if (
    patched &&
    patched.calls === calls &&
    patched.breakpoints.length === wanted.length &&
    patched.breakpoints.every((flag, i) => flag === wanted[i])
  )
    return patched.code;
  const copy = code.code.slice();
  for (let slot = 0; slot < code.slots; slot++) {
    const op = copy[slot * STRIDE];
    if (wanted[slot] || (calls && (op === Op.callHelper || op === Op.callKfunc))) copy[slot * STRIDE] = Op.breakpoint;
  }
  code.patched = { code: copy, breakpoints: wanted.slice(), calls };
  return copy;
}

/** The code to run under these limits, for whichever program is running. */
export function codeUnder(limits: RunLimits, executable: Executable): (state: State) => Int32Array {
  const { breakpoints, breakpointsOf, stopAtHostCalls = false } = limits;
  if (!breakpoints && !breakpointsOf && !stopAtHostCalls) return plain;
  return (state) =>
    patchedCode(state.code, state.executable === executable ? breakpoints : breakpointsOf?.(state.executable), stopAtHostCalls);
}

/** What both engines' executions have in common: the state's registers, frames and snapshots under the contract's names. */
export abstract class StateExecution implements Execution {
  constructor(protected readonly state: State) {}

  get memory(): Memory {
    return this.state.memory;
  }
  get executable(): Executable {
    return this.state.executable;
  }
  get pc(): number {
    return this.state.pc;
  }
  get executed(): number {
    return this.state.executed;
  }
  getRegister(register: number): bigint {
    return this.state.getRegister(register);
  }
  setRegister(register: number, value: bigint): void {
    this.state.setRegister(register, value);
  }
  getRegister32(register: number): number {
    return this.state.getRegister32(register);
  }
  setRegisterNumber(register: number, value: number): void {
    this.state.setRegisterNumber(register, value);
  }
  frames(): readonly Frame[] {
    return this.state.frames();
  }
  snapshot(): Snapshot {
    return this.state.snapshot();
  }
  restore(snapshot: Snapshot): void {
    this.state.restore(snapshot);
  }
  release(): void {
    this.state.release();
  }

  step(): StopReason {
    const { state } = this;
    if (state.ended) return state.ended;
    return interpret(state, 1, plain) === Stopped.ended ? state.ended! : { kind: 'step' };
  }

  abstract run(limits: RunLimits): StopReason;

  /** The stop at a patched slot: a breakpoint, or the call that the run was to stop at. */
  protected stopAt(limits: RunLimits): StopReason {
    const { state } = this;
    const breakpoints =
      limits.breakpoints && state.executable === this.startedWith ? limits.breakpoints : limits.breakpointsOf?.(state.executable);
    return { kind: breakpoints?.[state.pc] ? 'breakpoint' : 'call', insn: state.pc };
  }

  /** Whether the breakpoint at pc is one to stop at: its conditions hold, or it has none. */
  protected stopsAtBreakpoint({ conditions }: RunLimits): boolean {
    return this.state.executable !== this.startedWith || stopsHere(this.state, conditions);
  }

  /** The executable that was running when `run` was called: the one whose slots RunLimits.breakpoints counts. */
  protected startedWith: Executable | undefined;
}

class InterpreterExecution extends StateExecution {
  run(limits: RunLimits): StopReason {
    const { state } = this;
    if (state.ended) return state.ended;
    this.startedWith = state.executable;
    let left = limits.budget;
    const codeFor = codeUnder(limits, this.startedWith);
    const some = (budget: number, code: (state: State) => Int32Array): Stopped => {
      const before = state.executed;
      const why = interpret(state, Math.min(budget, left), code);
      left -= state.executed - before;
      return why;
    };
    if (limits.leaveBreakpoint && left > 0 && some(1, plain) === Stopped.ended) return state.ended!;
    while (left > 0) {
      const why = some(left, codeFor);
      if (why === Stopped.ended) return state.ended!;
      if (why !== Stopped.breakpoint) break;
      if (this.stopsAtBreakpoint(limits)) return this.stopAt(limits);
      if (some(1, plain) === Stopped.ended) return state.ended!;
    }
    return { kind: 'budget' };
  }
}

/** The memory as both engines need it. */
export function linear(memory: Memory): LinearMemory {
  if (memory instanceof LinearMemory) return memory;
  throw new Error('this memory was not made by createMemory');
}

/** Stops anywhere; starts at once. */
export const interpreter: Engine = {
  name: 'interpreter',
  start: (executable, memory, host, args) => new InterpreterExecution(new State(executable, linear(memory), host, args)),
};
