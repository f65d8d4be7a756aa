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
  /** Bytes kept free before and behind the region, into which Memory.adjust may move its ends (a packet's). */
  headroom?: number;
  tailroom?: number;
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
  /** The region that holds the address. (A fault's message also names regions that were freed.) */
  find(address: bigint): Region | undefined;
  readonly regions: Iterable<Region>;
  /** The region's bytes as a view; valid until the next allocate, snapshot or restore. */
  view(region: Region): Uint8Array;
  /** Moves the region's first byte by `front` and its end by `back` bytes, within the room it was made with; false where there is none. */
  adjust(region: Region, front: number, back: number): boolean;
  read(address: bigint, size: number): Uint8Array | MemoryFault;
  write(address: bigint, bytes: Uint8Array): MemoryFault | undefined;
  /** Little-endian integers of 1, 2, 4 or 8 bytes. */
  readInt(address: bigint, size: 1 | 2 | 4 | 8): bigint | MemoryFault;
  writeInt(address: bigint, size: 1 | 2 | 4 | 8, value: bigint): MemoryFault | undefined;
  /** All regions with their bytes; what did not change is shared with earlier snapshots. */
  snapshot(): MemorySnapshot;
  /** Back to what it was: bytes, bounds, names and permissions of every region. */
  restore(snapshot: MemorySnapshot): void;
}

/** Opaque, from Memory.snapshot. */
export interface MemorySnapshot {
  readonly kind: 'memory-snapshot';
}

/** What an engine executes: relocated for this machine (maps and globals are addresses, helpers are ids). */
export interface Executable {
  name: string;
  /** Slots; ld_imm64 of maps carry final addresses with src 0. */
  insns: readonly Insn[];
  /** First slots of subprograms, main first. */
  subprograms: readonly { name: string; start: number; end: number }[];
  /**
   * The arena of the program's 32-bit arena addresses (what addr_space_cast to the kernel leaves): they are the low halves of the region's
   * own addresses. User space sees the arena at `userBase`, whose low half must be region.base's, as the kernel keeps the two aligned.
   */
  arena?: { region: Region; userBase: bigint };
  /**
   * One byte a slot; non-zero where a verifier has proved, for every run, that the slot's memory access lies in one live region with
   * the needed permission. Only an engine made with `checks: 'unproven'` looks at it; see wasm/checks.ts for what that proof must cover.
   */
  proven?: Uint8Array;
  /**
   * Whether the load at this slot reads zero where nothing is mapped, as the kernel's exception table makes loads through typed kernel
   * pointers (BPF_PROBE_MEM), user addresses included. Asked only when a load has failed, or met a fixed address.
   */
  readsZero?: (slot: number) => boolean;
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
  /** The register's low 32 bits, signed, without a bigint: for hosts whose helpers are hot. */
  getRegister32(register: number): number;
  /** Writes a number of up to 53 bits, sign-extended to the register's 64. */
  setRegisterNumber(register: number, value: number): void;
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
  /** r6 to r9: as they are in the innermost frame, as they will be restored in outer ones. */
  saved: readonly bigint[];
  /** The program of this frame; a tail call in a subprogram makes it differ from the outer ones'. */
  executable: Executable;
}

export type StopReason =
  | { kind: 'exit'; value: bigint }
  /** About to execute this slot. */
  | { kind: 'breakpoint'; insn: number }
  | { kind: 'step' }
  /** About to call a helper or kfunc (RunLimits.stopAtHostCalls). */
  | { kind: 'call'; insn: number }
  /** The instruction budget is used up; continue to go on. */
  | { kind: 'budget' }
  | { kind: 'fault'; insn: number; message: string; memory?: MemoryFault }
  | { kind: 'paused' };

export type ConditionOperand =
  | { kind: 'constant'; value: bigint }
  /** The register's low `bits`, extended as the condition is signed or not; 64 without. */
  | { kind: 'register'; register: number; bits?: 8 | 16 | 32 | 64 }
  /** `size` bytes at a register plus an offset; a C local is at a constant place of the frame, base 10. */
  | { kind: 'memory'; base: number; offset: number; size: 1 | 2 | 4 | 8 };

/** A comparison that engines make themselves, so that a breakpoint on a hot line costs little. */
export interface BreakpointCondition {
  slot: number;
  left: ConditionOperand;
  comparison: '==' | '!=' | '<' | '<=' | '>' | '>=';
  signed: boolean;
  right: ConditionOperand;
}

export interface RunLimits {
  /** Instructions to execute at the most. */
  budget: number;
  /** Non-zero at a slot stops before it; one byte a slot of the executable that is running when `run` is called. */
  breakpoints?: Uint8Array;
  /** The same for executables that a tail call brings during the run; without it they have none. */
  breakpointsOf?: (executable: Executable) => Uint8Array | undefined;
  /**
   * The breakpoint at a condition's slot stops only where all conditions of that slot hold (or where one reads memory that is not there).
   * They count for the executable that is running when `run` is called. Keep the array from run to run: compiled code is found by it.
   */
  conditions?: readonly BreakpointCondition[];
  /** Does not stop before the very first instruction: to go on from the breakpoint that one stands at. */
  leaveBreakpoint?: boolean;
  /** Stops with reason `call` before each helper or kfunc call. */
  stopAtHostCalls?: boolean;
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
  /** Gives the frames' memory back for the next execution. Registers stay readable; nothing else may be asked of it afterwards. */
  release(): void;
}

/** Opaque; shares what did not change. Covers registers, frames and the memory's regions, not the host. */
export interface Snapshot {
  readonly executed: number;
}

export interface Engine {
  readonly name: 'interpreter' | 'wasm';
  start(executable: Executable, memory: Memory, host: Host, args: readonly bigint[]): Execution;
}
