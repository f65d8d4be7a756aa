// The kinds of events that a scenario may hold, as checked values. What each reaches is in hooks/; the text form is in fields.ts.

import type { PacketLayers } from '../packet.ts';

export interface PacketEvent {
  type: 'packet';
  device: string | undefined;
  queue: number;
  direction: 'ingress' | 'egress';
  packet: Uint8Array | PacketLayers;
  mark: number;
}

/** A value for an argument: a number, text that stands in user memory and is passed by address, or an object that the file describes. */
export type ArgumentValue = number | bigint | string | boolean | null | readonly ArgumentValue[] | { readonly [name: string]: unknown };

export interface SyscallEvent {
  type: 'syscall';
  name: string;
  pid: number | undefined;
  /** By parameter name, or `0` to `5`. */
  arguments: Readonly<Record<string, ArgumentValue>>;
  return: bigint;
  /** Nanoseconds from entry to exit. */
  takes?: bigint;
}

export interface FunctionEvent {
  type: 'function';
  name: string;
  pid: number | undefined;
  arguments: readonly ArgumentValue[];
  return: bigint;
  /** Nanoseconds from entry to exit. */
  takes?: bigint;
}

export interface TracepointEvent {
  type: 'tracepoint';
  category: string | undefined;
  name: string;
  pid: number | undefined;
  /** Members of the tracepoint's record by name. */
  fields: Readonly<Record<string, unknown>>;
  /** What raw tracepoints get. */
  arguments: readonly ArgumentValue[];
}

export interface UprobeEvent {
  type: 'uprobe';
  /** Matches any program's when undefined. */
  binary: string | undefined;
  function: string;
  pid: number | undefined;
  arguments: readonly ArgumentValue[];
  return: bigint;
  /** Nanoseconds from entry to exit. */
  takes?: bigint;
}

export interface SampleEvent {
  type: 'sample';
  pid: number | undefined;
  address: bigint;
  period: bigint;
}

export interface ContextEvent {
  type: 'context';
  /** The program's name. */
  program: string;
  pid: number | undefined;
  /** The context's bytes, or its fields by name. */
  bytes: Uint8Array | undefined;
  fields: Readonly<Record<string, unknown>>;
}

/** User space changes a map. */
export interface MapEvent {
  type: 'map';
  map: string;
  key: unknown;
  /** Undefined deletes the key. */
  value: unknown;
}

/** Time passes: timers that are due by then run. */
export interface WaitEvent {
  type: 'wait';
}

export type EventBody =
  PacketEvent | SyscallEvent | FunctionEvent | TracepointEvent | UprobeEvent | SampleEvent | ContextEvent | MapEvent | WaitEvent;
