// The simulated kernel as a debugger, the CLI and the shell see it.

import type { Btf } from '#core/btf';
import type { KernelVersion } from '#core/catalog';
import type { LoadedObject, MapDefinition, Program } from '#core/program';
import type { Problem } from '#core/problem';
import type { Engine, Executable, Execution, Memory, Region } from '#core/vm';
import type { EventBody } from './scenario/events.ts';
import type { BpfSyscalls } from './syscall.ts';

export interface KernelOptions {
  version: KernelVersion;
  cpus: number;
  /** Seed of every random number. */
  seed: number;
  engine: Engine;
  /** The machine's memory; a new one by default. */
  memory?: Memory;
  /** Layouts of kernel structs, for task_struct and what kprobes see. Without it, what the object's BTF says. */
  kernelBtf?: Btf;
  /** Nanoseconds since boot when the scenario starts. 100 s by default. */
  uptime?: bigint;
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
  /** What is in it now: bytes are copies, so direct stores of the program are seen by asking again. */
  entries(): readonly MapEntry[];
  /** How many entries() gives, without making them. */
  readonly size: number;
  /** Every index exists from the start: nothing is ever added or removed. */
  readonly indexed: boolean;
  /** `count` entries from the one with number `from`. */
  page(from: number, count: number): readonly MapEntry[];
  /** Entries that differ from an untouched map's; an array's values that nobody looked at are left out. */
  madeEntries(): readonly MapEntry[];
  lookup(key: Uint8Array): readonly Uint8Array[] | undefined;
  /** Returns 0 or a negative errno, as the syscall does. */
  update(key: Uint8Array, value: Uint8Array, flags?: bigint): number;
  delete(key: Uint8Array): number;
  /** Of queues and stacks; a negative errno elsewhere, and where they are empty. */
  pop(): Uint8Array | number;
  peek(value: Uint8Array): Uint8Array | number;
  /** For people: `counts[uid 1000]` for an address inside one of its values, else undefined. */
  nameOf(region: Region): string | undefined;
}

/** A program loaded into the kernel. */
export interface SimulatedProgram {
  readonly id: number;
  readonly program: Program;
  readonly object: LoadedObject;
  readonly executable: Executable;
  /** The object's maps in the order of LoadedObject.maps, without those whose type is not simulated. */
  readonly maps: readonly SimulatedMap[];
  /** Nanoseconds since boot. */
  readonly loadedAt: bigint;
}

/** Something user space would see: a trace_pipe line, a ring-buffer or perf record. */
export type Output =
  | { kind: 'trace'; line: string }
  | {
      kind: 'record';
      map: string;
      cpu: number;
      bytes: Uint8Array;
      /** BTF type id of what was submitted, if known: of `btf`, or of the object's where that is absent. */ typeId?: number;
      btf?: Btf;
    }
  | { kind: 'note'; line: string };

/** One event of a scenario, checked; `title` names it in pickers and the Debug Console. */
export interface ScenarioEvent {
  index: number;
  title: string;
  /** Nanoseconds of simulated time since the scenario's start. */
  at: bigint;
  /** Where the event file says it. */
  span?: { line: number; column: number };
  /** The CPU it happens on; 0 by default. */
  cpu?: number;
  body: EventBody;
}

/** A program's run on an event: made by the kernel, driven by whoever wants to stop in it. */
export interface Invocation {
  readonly program: SimulatedProgram;
  readonly event: ScenarioEvent;
  /** Counts the event's runs from 0; `Kernel.fire(event, index)` starts at one of them. */
  readonly index: number;
  readonly execution: Execution;
  /** The program that runs now: tail calls change it. */
  readonly current: SimulatedProgram;
  /** The context region, and its type's name as C has it (`struct xdp_md`, `struct pt_regs`). */
  readonly ctx: Region | undefined;
  readonly ctxType: string;
  /** The packet's bytes as they are now, for XDP, tc and socket filters. */
  readonly packet: Region | undefined;
  /** After the execution has exited: what the return value means here ("XDP_DROP: the packet is dropped"), and effects. */
  finish(returnValue: bigint): { meaning: string };
  /** After a fault, or when nobody wants to go on: gives everything back without effects. */
  abandon(): void;
}

/** Contents of one map at the start: `key` and `value` as JSON has them, read by the map's BTF. */
export interface InitialEntry {
  map: string;
  key: unknown;
  value: unknown;
  span?: { line: number; column: number };
}

export interface ScenarioProcess {
  pid: number;
  tgid: number;
  uid: number;
  gid: number;
  comm: string;
  parent: number;
  cgroup: string;
  exe?: string;
  args?: readonly string[];
  cwd?: string;
  files?: ReadonlyMap<number, string>;
  namespaces?: Readonly<Record<string, number>>;
}

/** A struct of the kernel that the file describes. */
export interface ScenarioObject {
  name: string;
  value: Readonly<Record<string, unknown>>;
  span?: { line: number; column: number };
}

export interface ScenarioDevice {
  name: string;
  ifindex: number;
  mac?: Uint8Array;
  mtu?: number;
  queues?: number;
}

export interface Scenario {
  /** Path of the event file, empty for one made up. */
  readonly file: string;
  readonly kernel: Partial<KernelOptions>;
  /** Lines of the kernel's .config by name, as LoadOptions.kconfig takes them: `y`, `250`, `"text"`. */
  readonly kconfig: Readonly<Record<string, string>>;
  readonly processes: readonly ScenarioProcess[];
  readonly objects?: readonly ScenarioObject[];
  readonly devices: readonly ScenarioDevice[];
  readonly maps: readonly InitialEntry[];
  readonly events: readonly ScenarioEvent[];
}

/** Opaque, from Kernel.snapshot. */
export interface KernelSnapshot {
  readonly kind: 'kernel-snapshot';
}

export interface Kernel {
  readonly options: KernelOptions;
  readonly memory: Memory;
  readonly maps: readonly SimulatedMap[];
  readonly programs: readonly SimulatedProgram[];
  /** bpf(2): processes, pins, links, BTF, and who holds what. */
  readonly bpf: BpfSyscalls;
  /** Nanoseconds since boot. */
  now(): bigint;
  /** Loads all autoload programs of the object (or the named one, and those that its maps name) and makes its maps. */
  load(object: LoadedObject, only?: string): { programs: readonly SimulatedProgram[]; problems: readonly Problem[] };
  /** Attaches where the section says; programs that nothing drives stay loaded and a problem says so. */
  attach(program: SimulatedProgram): readonly Problem[];
  readonly attached: readonly SimulatedProgram[];
  /** Processes, devices and initial map contents of a scenario; after load. */
  prepare(scenario: Scenario): readonly Problem[];
  /** Events that reach the program, for when no event file does. Empty for a program that nothing here drives. */
  defaultEvents(program: SimulatedProgram): readonly ScenarioEvent[];
  /** Whether the event reaches the program, if it is attached. */
  reaches(event: ScenarioEvent, program: SimulatedProgram): boolean;
  /**
   * The runs that this event causes, in order; each must be finished (or abandoned) before the next is asked for.
   * `from` starts at that run: after a restore to a time within the event, its first runs are not repeated.
   */
  fire(event: ScenarioEvent, from?: number): Iterable<Invocation>;
  /** The same, of this program alone, attached or not: BPF_PROG_TEST_RUN. */
  fireAt(program: SimulatedProgram, event: ScenarioEvent): Iterable<Invocation>;
  /** What happened since the last call, in order. */
  takeOutput(): readonly Output[];
  /** Everything but the execution under way (take its own snapshot beside): maps, memory, clock, random numbers, processes, queues. */
  snapshot(): KernelSnapshot;
  /** Back to the snapshot. Restore the execution's own snapshot after this one, if one was under way. */
  restore(snapshot: KernelSnapshot): void;
}
