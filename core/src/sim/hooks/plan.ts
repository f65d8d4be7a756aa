// What an event does: which programs run, in what order, with which context. A plan is made once an event begins.

import type { Region } from '#core/vm';
import type { KernelState, Run } from '../state.ts';
import type { Task } from '../subsystems/tasks.ts';
import type { ScenarioEvent, SimulatedProgram } from '../types.ts';
import type { Attachment } from './attachment.ts';

/** What the runs of one event share. Plain data: snapshots copy it. */
export interface EventState {
  /** Memory that lives as long as the event: user strings, registers of the probed call. */
  regions: readonly Region[];
  /** The packet on its way: an earlier program's changes and verdict are seen by later ones. */
  packet: Uint8Array | undefined;
  dropped: boolean;
  /** How many of a system call's effects have taken place. */
  effectsDone: number;
  /** What a program decided that the call returns: an LSM program's refusal, a modify-return program's value. */
  decided: bigint | undefined;
  /** Next free address for user memory. */
  nextUserAddress: bigint;
}

export interface Started {
  args: readonly bigint[];
  /** The type of ctx in C. */
  ctxType: string;
}

export interface PlannedRun {
  program: SimulatedProgram;
  task: Task;
  /** When it happens, if not with the event. */
  at?: bigint;
  /** Nanoseconds after the event that it happens. */
  after?: bigint;
  /** Says that the run does not happen after all, when its turn comes. */
  skip?(state: EventState): boolean;
  /** Makes context and arguments; fills what the hook knows in `run`. */
  start(kernel: KernelState, run: Run, state: EventState): Started;
  /** Effects of the return value; the meaning for people, where the hook says more than the program's type does. */
  finish?(kernel: KernelState, run: Run, value: bigint, state: EventState): string | undefined;
}

export interface Attached {
  program: SimulatedProgram;
  attachment: Attachment;
  /** The network device it is on; all of them where absent. */
  device?: string;
}

export interface Plan {
  runs: readonly PlannedRun[];
  /** Nanoseconds that the event takes. */
  takes?: bigint;
  /** When all runs are over. */
  end?(kernel: KernelState): void;
}

/** Plans one kind of event. */
export type Planner<Body> = (
  kernel: KernelState,
  event: ScenarioEvent,
  body: Body,
  attached: readonly Attached[],
  state: EventState,
) => Plan;

/** Memory that lives as long as the event. */
export function eventRegion(kernel: KernelState, state: EventState, request: Parameters<KernelState['memory']['allocate']>[0]): Region {
  const region = kernel.memory.allocate(request);
  state.regions = [...state.regions, region];
  return region;
}

/** Memory of one run: its context. */
export function runRegion(kernel: KernelState, run: Run, request: Parameters<KernelState['memory']['allocate']>[0]): Region {
  const region = kernel.memory.allocate(request);
  run.regions = [...run.regions, region];
  return region;
}
