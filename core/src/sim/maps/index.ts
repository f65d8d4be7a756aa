// Which class a map type has. A type that is not here cannot be made, and creating it says so.

import type { MapDefinition } from '#core/program';
import { ArrayMap, PerCpuArrayMap } from './array.ts';
import { BloomFilterMap } from './bloom-filter.ts';
import { HashMap, PerCpuHashMap } from './hash.ts';
import { KernelMap, type MapHost } from './kernel-map.ts';
import { LocalStorageMap } from './local-storage.ts';
import { LpmTrieMap } from './lpm-trie.ts';
import { LruHashMap, LruPerCpuHashMap } from './lru-hash.ts';
import { MapOfMaps } from './map-in-map.ts';
import { QueueStackMap } from './queue-stack.ts';
import { RingBufferMap } from './ringbuf.ts';
import { PerfEventArrayMap, ProgArrayMap, RedirectMap, SlotArrayMap } from './slots.ts';
import { StackTraceMap } from './stack-trace.ts';

type MapClass = new (id: number, definition: MapDefinition, host: MapHost) => KernelMap;

/** By the kernel's name without BPF_MAP_TYPE_, lower case. */
const MAP_CLASSES: Readonly<Record<string, MapClass>> = {
  hash: HashMap,
  array: ArrayMap,
  prog_array: ProgArrayMap,
  perf_event_array: PerfEventArrayMap,
  percpu_hash: PerCpuHashMap,
  percpu_array: PerCpuArrayMap,
  stack_trace: StackTraceMap,
  cgroup_array: SlotArrayMap,
  lru_hash: LruHashMap,
  lru_percpu_hash: LruPerCpuHashMap,
  lpm_trie: LpmTrieMap,
  array_of_maps: MapOfMaps,
  hash_of_maps: MapOfMaps,
  devmap: RedirectMap,
  devmap_hash: RedirectMap,
  cpumap: RedirectMap,
  xskmap: RedirectMap,
  // No socket is simulated: these stay empty.
  sockmap: SlotArrayMap,
  sockhash: SlotArrayMap,
  reuseport_sockarray: SlotArrayMap,
  queue: QueueStackMap,
  stack: QueueStackMap,
  bloom_filter: BloomFilterMap,
  ringbuf: RingBufferMap,
  task_storage: LocalStorageMap,
  sk_storage: LocalStorageMap,
  inode_storage: LocalStorageMap,
  cgrp_storage: LocalStorageMap,
  cgroup_storage: LocalStorageMap,
  // Every CPU sees the same value here.
  percpu_cgroup_storage: LocalStorageMap,
};

export const SIMULATED_MAP_TYPES: readonly string[] = Object.keys(MAP_CLASSES);

/** A new, empty map; undefined where the type is not simulated. */
export function makeMap(id: number, definition: MapDefinition, host: MapHost): KernelMap | undefined {
  const Class = MAP_CLASSES[definition.type];
  return Class && new Class(id, definition, host);
}

export {
  ArrayMap,
  KernelMap,
  LocalStorageMap,
  MapOfMaps,
  PerfEventArrayMap,
  ProgArrayMap,
  RedirectMap,
  RingBufferMap,
  SlotArrayMap,
  StackTraceMap,
};
export type { MapHost };
