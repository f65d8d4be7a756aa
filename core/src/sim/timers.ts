// bpf_timer: callbacks that a map's value asks for at a later time. They run when an event comes at or after their time
// (an event of type "wait" only lets time pass). Kernel source: kernel/bpf/helpers.c.

import type { Executable } from '#core/vm';
import type { PlannedRun } from './hooks/plan.ts';
import { runRegion } from './hooks/plan.ts';
import type { KernelMap } from './maps/index.ts';
import type { ValueOwner } from './maps/kernel-map.ts';
import type { KernelState } from './state.ts';
import type { SimulatedProgram } from './types.ts';

export interface Timer {
  /** Of the struct bpf_timer, inside a map's value. */
  readonly address: bigint;
  readonly map: KernelMap;
  readonly program?: SimulatedProgram;
  /** Slot of the callback. */
  readonly callback?: number;
  /** Nanoseconds since boot; undefined while it is not started. */
  readonly due?: bigint;
}

/** The same code with another function as its main one. */
function startingAt(executable: Executable, slot: number): Executable {
  const main = executable.subprograms.find(({ start }) => start === slot);
  return main
    ? { ...executable, name: main.name, subprograms: [main, ...executable.subprograms.filter((other) => other !== main)] }
    : executable;
}

/** Timers that are due at `now`, first come first; each fires once, and may be started again by its callback. */
export function dueTimers(kernel: KernelState, now: bigint): readonly Timer[] {
  return [...kernel.timers.values()]
    .filter(({ due }) => due !== undefined && due <= now)
    .sort((a, b) => (a.due! < b.due! ? -1 : a.due! > b.due! ? 1 : 0));
}

/** The run of a timer's callback: `callback(map, &key, value)`. */
export function timerRun(kernel: KernelState, timer: Timer): PlannedRun | undefined {
  const { program, callback, map, address } = timer;
  if (!program || callback === undefined) return undefined;
  const value = kernel.memory.find(address);
  const owner = value?.owner as ValueOwner | undefined;
  if (!value || owner?.map !== map) return undefined;
  return {
    program: { ...program, executable: startingAt(program.executable, callback) },
    task: kernel.tasks.get(0)!,
    at: timer.due!,
    // Cancelled or deleted by a run in between.
    skip: () => kernel.timers.get(address)?.due !== timer.due,
    start(state, run) {
      setTimer(state, { ...timer, due: undefined });
      const key = runRegion(state, run, {
        kind: 'mem',
        name: `key of ${map.definition.name}`,
        size: Math.max(owner.key.length, 1),
        initial: owner.key,
        writable: false,
      });
      run.traceFlags = '..s2.';
      return { args: [map.handle.base, key.base, value.base], ctxType: 'void' };
    },
    finish: () => 'the timer has run',
  };
}

export function setTimer(kernel: KernelState, timer: Omit<Timer, 'due'> & { due?: bigint | undefined }): void {
  const all = new Map(kernel.timers);
  const { due, ...rest } = timer;
  all.set(timer.address, due === undefined ? rest : { ...rest, due });
  kernel.timers = all;
}
