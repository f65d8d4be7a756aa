// Map types: number, first release, what keys and values must be, and which helpers take them. What a map does is in sim/maps.

import type { KernelVersion } from './types.ts';

/** Bytes of a key or value: any from 1, exactly one of these, or none at all (0). */
export type SizeRule = 'any' | readonly number[];

export interface MapType {
  /** The kernel's name without BPF_MAP_TYPE_, lower case. */
  name: string;
  /** enum bpf_map_type. */
  id: number;
  since: KernelVersion;
  key: SizeRule;
  value: SizeRule;
  /** What max_entries means: a limit from 1, must be 0, a power of two of bytes that is whole pages, or pages. */
  maxEntries: 'positive' | 'zero' | 'ring bytes' | 'pages';
  /** Helpers that take this map where not every general one does. */
  onlyHelpers?: readonly string[];
  summary: string;
}

const STORAGE_ENTRIES = 'zero';

export const MAP_TYPES = [
  { name: 'hash', id: 1, since: '3.19', key: 'any', value: 'any', maxEntries: 'positive', summary: 'Hash table with keys and values of any size.' },
  { name: 'array', id: 2, since: '3.19', key: [4], value: 'any', maxEntries: 'positive', summary: 'Array indexed by a 32-bit number; every element exists and starts as zeros.' },
  { name: 'prog_array', id: 3, since: '4.2', key: [4], value: [4], maxEntries: 'positive', onlyHelpers: ['bpf_tail_call'], summary: 'Programs to jump to with bpf_tail_call.' },
  { name: 'perf_event_array', id: 4, since: '4.3', key: [4], value: [4], maxEntries: 'positive', onlyHelpers: ['bpf_perf_event_read', 'bpf_perf_event_output', 'bpf_skb_output', 'bpf_perf_event_read_value', 'bpf_xdp_output'], summary: 'One perf buffer for each CPU: the older way to send records to user space.' },
  { name: 'percpu_hash', id: 5, since: '4.6', key: 'any', value: 'any', maxEntries: 'positive', summary: 'Hash table with one value for each CPU, so that no two CPUs touch the same memory.' },
  { name: 'percpu_array', id: 6, since: '4.6', key: [4], value: 'any', maxEntries: 'positive', summary: 'Array with one value for each CPU.' },
  { name: 'stack_trace', id: 7, since: '4.6', key: [4], value: 'any', maxEntries: 'positive', onlyHelpers: ['bpf_get_stackid'], summary: 'Stack traces by the id that bpf_get_stackid returns.' },
  { name: 'cgroup_array', id: 8, since: '4.8', key: [4], value: [4], maxEntries: 'positive', onlyHelpers: ['bpf_skb_under_cgroup', 'bpf_current_task_under_cgroup'], summary: 'Cgroups to compare tasks and packets with.' },
  { name: 'lru_hash', id: 9, since: '4.10', key: 'any', value: 'any', maxEntries: 'positive', summary: 'Hash table that drops the least recently used entry when it is full.' },
  { name: 'lru_percpu_hash', id: 10, since: '4.10', key: 'any', value: 'any', maxEntries: 'positive', summary: 'Per-CPU hash table that drops the least recently used entry when it is full.' },
  { name: 'lpm_trie', id: 11, since: '4.11', key: 'any', value: 'any', maxEntries: 'positive', summary: 'Longest prefix match: keys are a prefix length and bytes, such as an address range.' },
  { name: 'array_of_maps', id: 12, since: '4.12', key: [4], value: [4], maxEntries: 'positive', onlyHelpers: ['bpf_map_lookup_elem'], summary: 'Array whose elements are maps.' },
  { name: 'hash_of_maps', id: 13, since: '4.12', key: 'any', value: [4], maxEntries: 'positive', onlyHelpers: ['bpf_map_lookup_elem'], summary: 'Hash table whose values are maps.' },
  { name: 'devmap', id: 14, since: '4.14', key: [4], value: [4, 8], maxEntries: 'positive', onlyHelpers: ['bpf_redirect_map', 'bpf_map_lookup_elem'], summary: 'Network devices to redirect packets to, by index.' },
  { name: 'sockmap', id: 15, since: '4.14', key: [4], value: [4, 8], maxEntries: 'positive', onlyHelpers: ['bpf_sk_redirect_map', 'bpf_sock_map_update', 'bpf_msg_redirect_map', 'bpf_sk_select_reuseport', 'bpf_map_lookup_elem', 'bpf_map_delete_elem', 'bpf_map_update_elem'], summary: 'Sockets by index, to redirect streams and messages between.' },
  { name: 'cpumap', id: 16, since: '4.15', key: [4], value: [4, 8], maxEntries: 'positive', onlyHelpers: ['bpf_redirect_map'], summary: 'CPUs that XDP may hand packets to.' },
  { name: 'xskmap', id: 17, since: '4.18', key: [4], value: [4], maxEntries: 'positive', onlyHelpers: ['bpf_redirect_map', 'bpf_map_lookup_elem'], summary: 'AF_XDP sockets that XDP may hand packets to.' },
  { name: 'sockhash', id: 18, since: '4.18', key: 'any', value: [4, 8], maxEntries: 'positive', onlyHelpers: ['bpf_sk_redirect_hash', 'bpf_sock_hash_update', 'bpf_msg_redirect_hash', 'bpf_sk_select_reuseport', 'bpf_map_lookup_elem', 'bpf_map_delete_elem', 'bpf_map_update_elem'], summary: 'Sockets by a key of your own, to redirect streams and messages between.' },
  { name: 'cgroup_storage', id: 19, since: '4.19', key: [8, 16], value: 'any', maxEntries: 'zero', onlyHelpers: ['bpf_get_local_storage'], summary: 'Memory of a program at a cgroup. Superseded by cgrp_storage.' },
  { name: 'reuseport_sockarray', id: 20, since: '4.19', key: [4], value: [4, 8], maxEntries: 'positive', onlyHelpers: ['bpf_sk_select_reuseport'], summary: 'Sockets of a SO_REUSEPORT group to choose from.' },
  { name: 'percpu_cgroup_storage', id: 21, since: '4.20', key: [8, 16], value: 'any', maxEntries: 'zero', onlyHelpers: ['bpf_get_local_storage'], summary: 'Per-CPU memory of a program at a cgroup. Superseded by cgrp_storage.' },
  { name: 'queue', id: 22, since: '4.20', key: [0], value: 'any', maxEntries: 'positive', onlyHelpers: ['bpf_map_peek_elem', 'bpf_map_pop_elem', 'bpf_map_push_elem'], summary: 'First in, first out.' },
  { name: 'stack', id: 23, since: '4.20', key: [0], value: 'any', maxEntries: 'positive', onlyHelpers: ['bpf_map_peek_elem', 'bpf_map_pop_elem', 'bpf_map_push_elem'], summary: 'Last in, first out.' },
  { name: 'sk_storage', id: 24, since: '5.2', key: [4], value: 'any', maxEntries: STORAGE_ENTRIES, onlyHelpers: ['bpf_sk_storage_get', 'bpf_sk_storage_delete', 'bpf_kptr_xchg'], summary: 'A value that belongs to a socket and goes with it.' },
  { name: 'devmap_hash', id: 25, since: '5.4', key: [4], value: [4, 8], maxEntries: 'positive', onlyHelpers: ['bpf_redirect_map', 'bpf_map_lookup_elem'], summary: 'Network devices to redirect packets to, by a key of your own.' },
  { name: 'struct_ops', id: 26, since: '5.6', key: [4], value: 'any', maxEntries: 'positive', summary: 'Holds the programs that implement a kernel interface; made by the loader.' },
  { name: 'ringbuf', id: 27, since: '5.8', key: [0], value: [0], maxEntries: 'ring bytes', onlyHelpers: ['bpf_ringbuf_output', 'bpf_ringbuf_reserve', 'bpf_ringbuf_query', 'bpf_ringbuf_reserve_dynptr'], summary: 'One ring for all CPUs that sends records to user space, in order and without a copy.' },
  { name: 'inode_storage', id: 28, since: '5.10', key: [4], value: 'any', maxEntries: STORAGE_ENTRIES, onlyHelpers: ['bpf_inode_storage_get', 'bpf_inode_storage_delete', 'bpf_kptr_xchg'], summary: 'A value that belongs to an inode and goes with it.' },
  { name: 'task_storage', id: 29, since: '5.11', key: [4], value: 'any', maxEntries: STORAGE_ENTRIES, onlyHelpers: ['bpf_task_storage_get', 'bpf_task_storage_delete', 'bpf_kptr_xchg'], summary: 'A value that belongs to a task and goes with it.' },
  { name: 'bloom_filter', id: 30, since: '5.16', key: [0], value: 'any', maxEntries: 'positive', onlyHelpers: ['bpf_map_peek_elem', 'bpf_map_push_elem'], summary: 'Tells "surely not here" or "perhaps here" of a value, in little memory.' },
  { name: 'user_ringbuf', id: 31, since: '6.1', key: [0], value: [0], maxEntries: 'ring bytes', onlyHelpers: ['bpf_user_ringbuf_drain'], summary: 'A ring that user space fills and the program empties.' },
  { name: 'cgrp_storage', id: 32, since: '6.2', key: [4], value: 'any', maxEntries: STORAGE_ENTRIES, onlyHelpers: ['bpf_cgrp_storage_get', 'bpf_cgrp_storage_delete', 'bpf_kptr_xchg'], summary: 'A value that belongs to a cgroup and goes with it.' },
  { name: 'arena', id: 33, since: '6.9', key: [0], value: [0], maxEntries: 'pages', summary: 'Memory that the program and user space share at the same addresses.' },
  { name: 'insn_array', id: 34, since: '6.19', key: [4], value: [16], maxEntries: 'positive', summary: 'Instruction positions of a program, for jump tables.' },
] as const satisfies readonly MapType[];

/** Helpers that take maps of these types only (the other half of the kernel's check_map_func_compatibility). */
export const HELPER_MAPS: Readonly<Record<string, readonly string[]>> = {
  bpf_tail_call: ['prog_array'],
  bpf_perf_event_read: ['perf_event_array'],
  bpf_perf_event_output: ['perf_event_array'],
  bpf_perf_event_read_value: ['perf_event_array'],
  bpf_skb_output: ['perf_event_array'],
  bpf_xdp_output: ['perf_event_array'],
  bpf_ringbuf_output: ['ringbuf'],
  bpf_ringbuf_reserve: ['ringbuf'],
  bpf_ringbuf_query: ['ringbuf'],
  bpf_ringbuf_reserve_dynptr: ['ringbuf'],
  bpf_user_ringbuf_drain: ['user_ringbuf'],
  bpf_get_stackid: ['stack_trace'],
  bpf_current_task_under_cgroup: ['cgroup_array'],
  bpf_skb_under_cgroup: ['cgroup_array'],
  bpf_redirect_map: ['devmap', 'devmap_hash', 'cpumap', 'xskmap'],
  bpf_sk_redirect_map: ['sockmap'],
  bpf_msg_redirect_map: ['sockmap'],
  bpf_sock_map_update: ['sockmap'],
  bpf_sk_redirect_hash: ['sockhash'],
  bpf_msg_redirect_hash: ['sockhash'],
  bpf_sock_hash_update: ['sockhash'],
  bpf_get_local_storage: ['cgroup_storage', 'percpu_cgroup_storage'],
  bpf_sk_select_reuseport: ['reuseport_sockarray', 'sockmap', 'sockhash'],
  bpf_map_pop_elem: ['queue', 'stack'],
  bpf_map_peek_elem: ['queue', 'stack', 'bloom_filter'],
  bpf_map_push_elem: ['queue', 'stack', 'bloom_filter'],
  bpf_map_lookup_percpu_elem: ['percpu_array', 'percpu_hash', 'lru_percpu_hash'],
  bpf_sk_storage_get: ['sk_storage'],
  bpf_sk_storage_delete: ['sk_storage'],
  bpf_inode_storage_get: ['inode_storage'],
  bpf_inode_storage_delete: ['inode_storage'],
  bpf_task_storage_get: ['task_storage'],
  bpf_task_storage_delete: ['task_storage'],
  bpf_cgrp_storage_get: ['cgrp_storage'],
  bpf_cgrp_storage_delete: ['cgrp_storage'],
};

const byName = new Map<string, MapType>(MAP_TYPES.map((row) => [row.name, row]));

/** The row of `hash`, `percpu_array`, …; `BPF_MAP_TYPE_HASH` is understood too. */
export function mapType(name: string): MapType | undefined {
  return byName.get(name) ?? byName.get(name.replace(/^BPF_MAP_TYPE_/, '').toLowerCase());
}

/** The row with this number in enum bpf_map_type. */
export function mapTypeById(id: number): MapType | undefined {
  return MAP_TYPES[id - 1];
}

/** Whether the helper takes a map of this type (by name, as `hash`). Says nothing of the program type. */
export function helperTakesMap(helper: string, map: string): boolean {
  const only = mapType(map)?.onlyHelpers;
  if (only && !only.includes(helper)) return false;
  const maps = HELPER_MAPS[helper];
  return maps === undefined || maps.includes(map);
}
