// What the generated programs meet: program types, maps and the kernel's flags for testing.

import { contextRow } from '#core/catalog';
import type { ContextRange } from '#core/catalog';

/** BPF_F_STRICT_ALIGNMENT, BPF_F_TEST_STATE_FREQ, BPF_F_TEST_REG_INVARIANTS. */
export const STRICT_ALIGNMENT = 1;
export const TEST_STATE_FREQ = 8;
export const TEST_REG_INVARIANTS = 128;

export interface FuzzMap {
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}

export const FUZZ_MAPS = [
  { type: 'hash', keySize: 8, valueSize: 64, maxEntries: 4 },
  { type: 'array', keySize: 4, valueSize: 64, maxEntries: 4 },
  { type: 'array', keySize: 4, valueSize: 48, maxEntries: 1 },
  { type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 },
  { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 4 },
  { type: 'perf_event_array', keySize: 4, valueSize: 4, maxEntries: 2 },
  { type: 'percpu_array', keySize: 4, valueSize: 24, maxEntries: 2 },
  { type: 'queue', keySize: 0, valueSize: 16, maxEntries: 4 },
  { type: 'lru_hash', keySize: 4, valueSize: 20, maxEntries: 4 },
] as const satisfies readonly FuzzMap[];
export const HASH = 0;
export const ARRAY = 1;
export const SINGLE = 2;
export const RINGBUF = 3;
export const PROGS = 4;
export const EVENTS = 5;
export const PERCPU = 6;
export const QUEUE = 7;
export const LRU = 8;
/** Maps that bpf_map_lookup_elem takes. */
export const LOOKUPS = [HASH, ARRAY, SINGLE, PERCPU, LRU] as const;

export interface Hook {
  readonly type: string;
  readonly attach?: string;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  /** Opcode and offsets of data and data_end in the context. */
  readonly packet?: readonly [opcode: number, data: number, end: number];
  readonly family: 'skb' | 'xdp' | 'tracing' | 'other';
  readonly writesPacket?: boolean;
}

export const HOOKS: readonly Hook[] = [
  { type: 'socket_filter', weight: 4, family: 'skb' },
  { type: 'xdp', weight: 5, packet: [0x61, 0, 4], family: 'xdp', writesPacket: true },
  { type: 'sched_cls', weight: 5, packet: [0x61, 76, 80], family: 'skb', writesPacket: true },
  { type: 'kprobe', weight: 2, family: 'tracing' },
  { type: 'tracepoint', weight: 2, family: 'tracing' },
  { type: 'raw_tracepoint', weight: 2, family: 'tracing' },
  { type: 'perf_event', weight: 1, family: 'tracing' },
  { type: 'cgroup_skb', weight: 2, packet: [0x61, 76, 80], family: 'skb' },
  { type: 'cgroup_sock_addr', attach: 'BPF_CGROUP_INET4_CONNECT', weight: 1, family: 'other' },
  { type: 'sk_lookup', attach: 'BPF_SK_LOOKUP', weight: 1, family: 'other' },
  { type: 'cgroup_device', attach: 'BPF_CGROUP_DEVICE', weight: 1, family: 'other' },
  { type: 'lwt_xmit', weight: 1, packet: [0x61, 76, 80], family: 'skb', writesPacket: true },
  { type: 'sk_msg', attach: 'BPF_SK_MSG_VERDICT', weight: 1, packet: [0x79, 0, 8], family: 'other' },
];

export interface ContextOf {
  readonly reads: readonly ContextRange[];
  readonly writes: readonly ContextRange[];
  readonly returns: readonly [number, number] | undefined;
}

export function contextOf({ type, attach }: Pick<Hook, 'type' | 'attach'>): ContextOf {
  const row = contextRow(type, attach);
  return { reads: row?.reads.filter(({ gives }) => gives === 'scalar') ?? [], writes: row?.writes ?? [], returns: row?.returns };
}
