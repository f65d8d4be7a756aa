// The contract between an engine, the debugger above it and the host (the simulated kernel) beside it.
// Registers and addresses are bigint here, at the border; inside, engines keep them in typed arrays.

import type { Insn } from '#core/isa';

export type RegionKind = 'stack' | 'ctx' | 'packet' | 'map_value' | 'mem' | 'kernel' | 'user' | 'arena' | 'percpu';

/** A piece of the simulated kernel's address space with exact bounds. */
export interface Region {
  readonly id: number;
  readonly kind: RegionKind;
  /** For people: `counts[uid 1000]`, `fp of frame 1`, `packet`. */
  name: string;
  /** First address. */
  readonly base: bigint;
  /** Bytes. A packet's may change (adjust_head); the region then moves its base. */
  readonly size: number;
  readable: boolean;
  writable: boolean;
  /** Who made it, opaque to the vm: a map entry, a frame, a task. */
  owner?: unknown;
}

export interface RegionRequest {
  kind: RegionKind;
  name: string;
  size: number;
  readable?: boolean;
  writable?: boolean;
  owner?: unknown;
  /** Bytes to start with; zero behind them. */
  initial?: Uint8Array;
  /** A fixed address, for user memory whose pointers a scenario names. */
  base?: bigint;
}

export interface MemoryFault {
  kind: 'read' | 'write';
  address: bigint;
  size: number;
  /** "read of 8 bytes at map_value counts+12: the value has 16 bytes, 4 remain" */
  message: string;
  region?: Region;
}

/** The address space. Accesses that do not lie wholly in one region with the right permission are faults. */
export interface Memory {
  allocate(request: RegionRequest): Region;
  free(region: Region): void;
  /** The region that holds the address, or the nearest freed one's name in the fault's message. */
  find(address: bigint): Region | undefined;
  readonly regions: Iterable<Region>;
  /** The region's bytes as a view; valid until the next allocate. */
  view(region: Region): Uint8Array;
  read(address: bigint, size: number): Uint8Array | MemoryFault;
  write(address: bigint, bytes: Uint8Array): MemoryFault | undefined;
  /** Little-endian integers of 1, 2, 4 or 8 bytes. */
  readInt(address: bigint, size: 1 | 2 | 4 | 8): bigint | MemoryFault;
  writeInt(address: bigint, size: 1 | 2 | 4 | 8, value: bigint): MemoryFault | undefined;
}

/** What an engine executes: relocated for this machine (maps and globals are addresses, helpers are ids). */
export interface Executable {
  name: string;
  /** Slots; ld_imm64 of maps carry final addresses with src 0. */
  insns: readonly Insn[];
  /** First slots of subprograms, main first. */
  subprograms: readonly { name: string; start: number; end: number }[];
}

/** What a helper tells the engine beside the value in r0. */
export type HostOutcome =
  | undefined
  /** bpf_tail_call that succeeds: the frame is replaced by this program's. */
  | { kind: 'tail-call'; executable: Executable }
  /** A callback (bpf_loop, for_each, timers): run the subprogram at `entry` with r1… = args, then call `resume` with its r0. */
  | { kind: 'callback'; entry: number; args: readonly bigint[]; resume: (result: bigint) => HostOutcome }
  | { kind: 'fault'; message: string }
  /** bpf_throw. */
  | { kind: 'exit'; value: bigint };

export interface Cpu {
  readonly memory: Memory;
  getRegister(register: number): bigint;
  setRegister(register: number, value: bigint): void;
}

/** The kernel beside the engine: all nondeterminism and every helper comes from here. */
export interface Host {
  /** Arguments in r1 to r5; writes r0 through `cpu`. */
  callHelper(id: number, cpu: Cpu): HostOutcome;
  /** `id` is what the kfunc call carries in imm (BTF id, or Program.kfuncs index as the loader of the executable put it). */
  callKfunc?(id: number, cpu: Cpu): HostOutcome;
  /** LD_ABS and LD_IND: bytes of the skb, or undefined past its end. */
  loadPacket?(offset: number, size: 1 | 2 | 4, cpu: Cpu): number | undefined;
}

export interface Frame {
  /** Index into Executable.subprograms. */
  subprogram: number;
  /** Slot to execute next (innermost), or the call's slot (outer frames). */
  insn: number;
  /** Value of r10 in this frame. */
  framePointer: bigint;
  /** r6 to r9 as they will be restored, for outer frames. */
  saved: readonly bigint[];
}

export type StopReason =
  | { kind: 'exit'; value: bigint }
  /** About to execute this slot. */
  | { kind: 'breakpoint'; insn: number }
  | { kind: 'step' }
  /** The instruction budget is used up; continue to go on. */
  | { kind: 'budget' }
  | { kind: 'fault'; insn: number; message: string; memory?: MemoryFault }
  | { kind: 'paused' };

export interface RunLimits {
  /** Instructions to execute at the most. */
  budget: number;
  /** Non-zero at a slot stops before it; one byte a slot of the executable that is running. */
  breakpoints?: Uint8Array;
}

/** One run of a program: made by an engine, driven by a debugger or to the end. */
export interface Execution extends Cpu {
  readonly executable: Executable;
  /** Slot to execute next. */
  readonly pc: number;
  /** Instructions executed since the start. */
  readonly executed: number;
  /** Innermost first. */
  frames(): readonly Frame[];
  step(): StopReason;
  run(limits: RunLimits): StopReason;
  snapshot(): Snapshot;
  restore(snapshot: Snapshot): void;
}

/** Opaque; shares what did not change. Covers registers, frames and the memory's regions, not the host. */
export interface Snapshot {
  readonly executed: number;
}

export interface Engine {
  readonly name: 'interpreter' | 'wasm';
  start(executable: Executable, memory: Memory, host: Host, args: readonly bigint[]): Execution;
}
