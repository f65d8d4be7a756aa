// The context (R1 at the start): its struct, what may be read and written where, and what may be returned.
// Contexts that follow the attach target's BTF (tracing, lsm, struct_ops, ext) have no row here: their reader asks the BTF.

import { CONTEXT_ROWS, CONTEXT_STRUCTS } from './context-table.ts';
import { programType as programTypeRow } from './program-types.ts';
import type { ContextRange, ContextRow, ContextStruct, KernelVersion } from './types.ts';

export { CONTEXT_ROWS, CONTEXT_STRUCTS };

const structs = new Map(CONTEXT_STRUCTS.map((struct) => [struct.name, struct]));

/** The C struct of that name, as `xdp_md`, with its fields; also `struct xdp_md`. */
export function contextStruct(name: string): ContextStruct | undefined {
  return structs.get(name.replace(/^struct /, ''));
}

/** The struct that R1 points to in programs of this type. */
export function contextStructOf(programType: string): ContextStruct | undefined {
  const name = programTypeRow(programType)?.context;
  return name === undefined ? undefined : contextStruct(name);
}

/** The row for a type and attach type: the attach type's own, else that of programs without one, else the type's first. */
export function contextRow(programType: string, attachType: string | undefined): ContextRow | undefined {
  const rows = CONTEXT_ROWS.filter((row) => row.programType === programType);
  return (
    (attachType === undefined ? undefined : rows.find((row) => row.attachTypes.includes(attachType))) ??
    rows.find((row) => row.attachTypes.includes(null)) ??
    rows[0]
  );
}

function rangeAt(ranges: readonly ContextRange[], offset: number, size: number): ContextRange | undefined {
  return ranges.find((range) => range.size === size && offset >= range.from && offset <= range.to && (offset - range.from) % size === 0);
}

/** What a load of `size` bytes at `offset` gives; undefined where the kernel refuses it ("invalid bpf_context access"). */
export function contextRead(row: ContextRow, offset: number, size: number): ContextRange | undefined {
  return rangeAt(row.reads, offset, size);
}

/** Whether a store of `size` bytes at `offset` is allowed. */
export function contextWrite(row: ContextRow, offset: number, size: number): boolean {
  return rangeAt(row.writes, offset, size) !== undefined;
}

/** The field that starts at or covers `offset`, for names in messages. */
export function contextFieldAt(struct: ContextStruct, offset: number): ContextStruct['fields'][number] | undefined {
  return struct.fields.find((field) => offset >= field.offset && offset < field.offset + field.size);
}

/**
 * From and to of what a program may return; undefined where any value will do, and for contexts known from BTF only
 * (lsm and struct_ops: their reader asks the hook's prototype).
 */
export function returnRange(programType: string, attachType: string | undefined): readonly [number, number] | undefined {
  if (programType === 'tracing') {
    if (attachType === 'BPF_TRACE_FENTRY' || attachType === 'BPF_TRACE_FEXIT') return [0, 0];
    return attachType === 'BPF_TRACE_ITER' ? [0, 1] : undefined;
  }
  return contextRow(programType, attachType)?.returns;
}

/** Fields that contexts got later than their program type. */
const FIELD_SINCE: Readonly<Record<string, Readonly<Record<string, KernelVersion>>>> = {
  __sk_buff: { hwtstamp: '5.16', tstamp_type: '5.18' },
  bpf_sock_ops: { skb_data: '5.10', skb_data_end: '5.10', skb_len: '5.10', skb_tcp_flags: '5.10', sk: '5.3', skb_hwtstamp: '6.2' },
  bpf_sk_lookup: { cookie: '5.13', ingress_ifindex: '5.17' },
  sk_reuseport_md: { sk: '5.14', migrating_sk: '5.14' },
  xdp_md: { egress_ifindex: '5.8' },
  bpf_sock: { rx_queue_mapping: '5.8' },
  sk_msg_md: { sk: '5.8' },
};

export const contextFieldSince = (struct: string, field: string): KernelVersion | undefined => FIELD_SINCE[struct]?.[field];
