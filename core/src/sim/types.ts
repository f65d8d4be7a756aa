// The simulated kernel as a debugger, the CLI and the shell see it. Its owner adds to it; these members stay.

import type { KernelVersion } from '#core/catalog';
import type { LoadedObject, MapDefinition, Program } from '#core/program';
import type { Problem } from '#core/problem';
import type { Engine, Executable, Execution, Memory, Region } from '#core/vm';

export interface KernelOptions {
  version: KernelVersion;
  cpus: number;
  /** Seed of every random number and address. */
  seed: number;
  engine: Engine;
}

/** One entry as people and tools look at it. Bytes are copies. */
export interface MapEntry {
  key: Uint8Array;
  /** One value, or one for each CPU of per-CPU maps. */
  values: readonly Uint8Array[];
}

/** A map that lives in the kernel. */
export interface SimulatedMap {
  readonly id: number;
  readonly definition: MapDefinition;
  /** Changes when content changes; views compare it. Direct stores of the program count too. */
  entries(): readonly MapEntry[];
  lookup(key: Uint8Array): readonly Uint8Array[] | undefined;
  /** Returns 0 or a negative errno, as the syscall does. */
  update(key: Uint8Array, value: Uint8Array, flags?: bigint): number;
  delete(key: Uint8Array): number;
  /** For people: `counts[uid 1000]` for an address inside one of its values, else undefined. */
  nameOf(region: Region): string | undefined;
}

/** A program loaded into the kernel. */
export interface SimulatedProgram {
  readonly id: number;
  readonly program: Program;
  readonly object: LoadedObject;
  readonly executable: Executable;
  /** The object's maps in the order of LoadedObject.maps. */
  readonly maps: readonly SimulatedMap[];
}

/** Something user space would see: a trace_pipe line, a ring-buffer or perf record. */
export type Output =
  | { kind: 'trace'; line: string }
  | { kind: 'record'; map: string; cpu: number; bytes: Uint8Array; /** BTF type id of what was submitted, if known */ typeId?: number }
  | { kind: 'note'; line: string };

/** One event of a scenario, checked; `title` names it in pickers and the Debug Console. */
export interface ScenarioEvent {
  index: number;
  title: string;
  /** Nanoseconds of simulated time. */
  at: bigint;
  /** Where the event file says it. */
  span?: { line: number; column: number };
}

/** A program's run on an event: made by the kernel, driven by whoever wants to stop in it. */
export interface Invocation {
  readonly program: SimulatedProgram;
  readonly event: ScenarioEvent;
  readonly execution: Execution;
  /** The program that runs now: tail calls change it. */
  readonly current: SimulatedProgram;
  /** The context region, and its type's name as C has it (`struct xdp_md`, `struct pt_regs`). */
  readonly ctx: Region | undefined;
  readonly ctxType: string;
  /** After the execution has exited: what the return value means here ("XDP_DROP: the packet is dropped"), and effects. */
  finish(returnValue: bigint): { meaning: string };
}

export interface Scenario {
  readonly kernel: Partial<KernelOptions>;
  readonly events: readonly ScenarioEvent[];
}

export interface Kernel {
  readonly memory: Memory;
  readonly maps: readonly SimulatedMap[];
  readonly programs: readonly SimulatedProgram[];
  /** Loads all autoload programs of the object (or the named one) and makes its maps. */
  load(object: LoadedObject, only?: string): { programs: readonly SimulatedProgram[]; problems: readonly Problem[] };
  /** Attaches where the section says; programs that nothing drives stay loaded and a problem says so. */
  attach(program: SimulatedProgram): readonly Problem[];
  /** The runs that this event causes, in order; each must be finished before the next is asked for. */
  fire(event: ScenarioEvent): Iterable<Invocation>;
  /** What happened since the last call, in order. */
  takeOutput(): readonly Output[];
}
