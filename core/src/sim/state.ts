// The simulated kernel as its own parts see it: maps, helpers and hooks work on this, and only kernel.ts makes it.

import type { Btf } from '#core/btf';
import type { Execution, Memory, Region } from '#core/vm';
import type { DeviceTable } from './devices.ts';
import type { KernelMap, MapHost } from './maps/index.ts';
import type { Random } from './random.ts';
import type { KernelObjects } from './subsystems/kernel-objects.ts';
import type { Task, TaskTable } from './subsystems/tasks.ts';
import type { Timer } from './timers.ts';
import type { KernelOptions, Output, SimulatedProgram } from './types.ts';

/** A packet under way: one region with room before and behind it, so that heads and tails can move. */
export interface PacketState {
  /** Holds data to data_end; with metadata, data_meta to data_end. */
  region: Region;
  /** Bytes of metadata in front of the packet, inside the region. */
  meta: number;
  /** Which context shows the packet's addresses. */
  context: 'xdp_md' | '__sk_buff';
  /** Bytes of link header in front of what the program sees: cgroup_skb programs start at the network header. */
  hidden: Uint8Array;
  /** Bytes still free in front of and behind the region. */
  headroom: number;
  tailroom: number;
}

/** What a program holds and must give back. */
export interface DynptrState {
  kind: 'local' | 'ringbuf' | 'skb' | 'xdp';
  address: bigint;
  size: number;
  offset: number;
  readonly: boolean;
  map?: KernelMap;
}

/** One program's run. Plain data: a snapshot copies it. */
export interface Run {
  /** Changes with tail calls. */
  current: SimulatedProgram;
  tailCalls: number;
  task: Task;
  cpu: number;
  startedAt: bigint;
  ctx: Region | undefined;
  packet: PacketState | undefined;
  /** bpf_redirect's target until the return value says whether it counts. */
  redirect: { ifindex: number; map?: KernelMap; key?: number } | undefined;
  /** Held spin locks by address. */
  locks: readonly bigint[];
  /** By the address of the struct bpf_dynptr on the program's stack. */
  dynptrs: ReadonlyMap<bigint, DynptrState>;
  /** The stack of the probed code, for bpf_get_stackid: innermost first. */
  kernelStack: readonly bigint[];
  userStack: readonly bigint[];
  /** Values that helpers answer at this hook: bpf_get_func_ip, attach cookie, …. */
  functionAddress: bigint;
  cookie: bigint;
  /** What fmod_ret, kprobe overrides and bpf_set_retval left. */
  returnOverride: bigint | undefined;
  /** The registers that the process entered the kernel with, where the event is a system call. */
  userRegisters: bigint | undefined;
  /** What bpf_override_return left. */
  overridden: bigint | undefined;
  /** Arguments of the traced function, for bpf_get_func_arg. */
  functionArgs: readonly bigint[];
  functionReturn: bigint | undefined;
  /** Memory of this run alone, freed when it has ended. */
  regions: readonly Region[];
  /** Effects to tell when the run has ended, in order. */
  effects: readonly string[];
  /** The interrupt and preemption flags of trace_pipe's lines: `d..31`. */
  traceFlags: string;
}

export interface KernelState extends MapHost {
  readonly options: KernelOptions;
  readonly memory: Memory;
  readonly tasks: TaskTable;
  readonly devices: DeviceTable;
  readonly objects: KernelObjects;
  readonly randomness: Random;
  /** The run under way; helpers are only called in one. */
  readonly run: Run | undefined;
  readonly execution: Execution | undefined;
  /** Nodes of bpf_list_head and bpf_rb_root, in order, by the head's address. Replaced, never changed in place. */
  chains: ReadonlyMap<bigint, readonly bigint[]>;
  /** By the address of the struct bpf_timer. Replaced, never changed in place. */
  timers: ReadonlyMap<bigint, Timer>;
  /** How many hold an object of bpf_obj_new, by its address. Replaced, never changed in place. */
  references: ReadonlyMap<bigint, number>;
  readonly programsById: ReadonlyMap<number, SimulatedProgram>;
  /** Layouts of kernel structs: the target's BTF, else what the object brings. */
  layouts(): Btf | undefined;
  /** The struct bpf_map of every map. */
  mapStructs(): readonly bigint[];
  /** Names of maps, for messages. */
  mapNames(): readonly string[];
  emit(output: Output): void;
  /** Emits a ring-buffer or perf record with its type, if it can be told. */
  emitRecord(map: KernelMap, bytes: Uint8Array): void;
}
