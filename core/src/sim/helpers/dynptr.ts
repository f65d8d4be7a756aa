// Dynptrs: bounded memory whose size only the run knows, over local memory, ring-buffer records and packets.
// What a dynptr is stands beside the machine, by the address of the struct bpf_dynptr on the program's stack; the verifier keeps that
// struct from being written. Kernel source: kernel/bpf/helpers.c.

import { errno } from '../errno.ts';
import { littleEndian } from '../integers.ts';
import { RingBufferMap } from '../maps/index.ts';
import type { DynptrState } from '../state.ts';
import type { Call, HelperResult, HelperTable } from './helper.ts';
import { finishRecord } from './ringbuf-perf.ts';

/** DYNPTR_MAX_SIZE. */
const MAX_SIZE = 0xff_ffff;
const STRUCT_SIZE = 16;

function set(call: Call, at: bigint, state: DynptrState | undefined): void {
  const all = new Map(call.run.dynptrs);
  if (state) all.set(at, state);
  else all.delete(at);
  call.run.dynptrs = all;
  // The struct shows the data's address and size, as the kernel's does; an invalid one is all zeros.
  const bytes = new Uint8Array(STRUCT_SIZE);
  if (state) {
    bytes.set(littleEndian(startOf(call, state), 8));
    bytes.set(littleEndian(state.size, 4), 8);
    bytes.set(littleEndian(state.offset, 4), 12);
  }
  call.write(at, bytes, 'dynptr');
}

const get = (call: Call, at: bigint): DynptrState | undefined => call.run.dynptrs.get(at);

/** Where the data begins now: a packet's may have moved. */
function startOf(call: Call, state: DynptrState): bigint {
  const { packet } = call.run;
  if ((state.kind === 'skb' || state.kind === 'xdp') && packet) return packet.region.base + BigInt(packet.meta + state.offset);
  return state.address + BigInt(state.offset);
}

const outside = (state: DynptrState, offset: number, length: number): boolean => length > state.size || offset > state.size - length;

function read(call: Call): number {
  const [length, offset] = [call.u32(2), call.u32(4)];
  const state = get(call, call.arg(3));
  if (!state || call.arg(5) !== 0n) return errno('EINVAL');
  if (outside(state, offset, length)) return errno('E2BIG');
  call.write(call.arg(1), call.read(startOf(call, state) + BigInt(offset), length, 'dynptr data'), 'dst');
  return 0;
}

function write(call: Call): number {
  const [offset, length] = [call.u32(2), call.u32(4)];
  const state = get(call, call.arg(1));
  if (!state || state.readonly || (call.arg(5) !== 0n && state.kind !== 'skb')) return errno('EINVAL');
  if (outside(state, offset, length)) return errno('E2BIG');
  call.write(startOf(call, state) + BigInt(offset), call.read(call.arg(3), length, 'src'), 'dynptr data');
  return 0;
}

function fromMemory(call: Call): number {
  const size = call.u32(2);
  const at = call.arg(4);
  const refused = size > MAX_SIZE ? errno('E2BIG') : call.arg(3) !== 0n ? errno('EINVAL') : 0;
  set(call, at, refused === 0 ? { kind: 'local', address: call.arg(1), size, offset: 0, readonly: false } : undefined);
  return refused;
}

function reserve(call: Call): number {
  const map = call.mapOf(1, RingBufferMap, 'a ring buffer');
  const size = call.u32(2);
  const at = call.arg(4);
  const refused = call.arg(3) !== 0n ? errno('EINVAL') : size > MAX_SIZE ? errno('E2BIG') : 0;
  const region = refused === 0 ? map.reserve(size, 0n) : undefined;
  set(call, at, region ? { kind: 'ringbuf', address: region.base, size, offset: 0, readonly: false, map } : undefined);
  return region ? 0 : refused || errno('EINVAL');
}

function finish(call: Call, outcome: 'submitted' | 'discarded'): number {
  const state = get(call, call.arg(1));
  if (!state) return 0;
  finishRecord(call, state.address, outcome);
  set(call, call.arg(1), undefined);
  return 0;
}

export const DYNPTR_HELPERS: HelperTable = {
  bpf_dynptr_from_mem: fromMemory,
  bpf_dynptr_read: read,
  bpf_dynptr_write: write,
  bpf_dynptr_data: (call) => {
    const state = get(call, call.arg(1));
    if (!state || state.readonly || state.kind === 'skb' || state.kind === 'xdp' || outside(state, call.u32(2), call.u32(3))) return 0n;
    return startOf(call, state) + BigInt(call.u32(2));
  },
  bpf_ringbuf_reserve_dynptr: reserve,
  bpf_ringbuf_submit_dynptr: (call) => finish(call, 'submitted'),
  bpf_ringbuf_discard_dynptr: (call) => finish(call, 'discarded'),
};

function fromPacket(call: Call, kind: 'skb' | 'xdp'): number {
  const { packet } = call.run;
  if (call.arg(2) !== 0n || !packet) {
    set(call, call.arg(3), undefined);
    return errno('EINVAL');
  }
  // Only types that may write packets directly get a writable one.
  const writes = kind === 'xdp' || /^(sched_cls|sched_act|lwt_xmit|sk_skb)$/.test(call.run.current.program.type ?? '');
  set(call, call.arg(3), { kind, address: packet.region.base, size: packet.region.size - packet.meta, offset: 0, readonly: !writes });
  return 0;
}

/** Packets are contiguous here: the buffer that the program gives for pieces is never needed. */
function slice(call: Call, writable: boolean): HelperResult {
  const [offset, length] = [call.u32(2), call.u32(4)];
  const state = get(call, call.arg(1));
  if (!state || (writable && state.readonly) || outside(state, offset, length)) return 0n;
  return startOf(call, state) + BigInt(offset);
}

export const DYNPTR_KFUNCS: HelperTable = {
  bpf_dynptr_from_skb: (call) => fromPacket(call, 'skb'),
  bpf_dynptr_from_xdp: (call) => fromPacket(call, 'xdp'),
  bpf_dynptr_slice: (call) => slice(call, false),
  bpf_dynptr_slice_rdwr: (call) => slice(call, true),
  bpf_dynptr_size: (call) => get(call, call.arg(1))?.size ?? errno('EINVAL'),
  bpf_dynptr_is_null: (call) => (get(call, call.arg(1)) ? 0 : 1),
  bpf_dynptr_is_rdonly: (call) => (get(call, call.arg(1))?.readonly ? 1 : 0),
  bpf_dynptr_adjust: (call) => {
    const [start, end] = [call.u32(2), call.u32(3)];
    const state = get(call, call.arg(1));
    if (!state || start > end) return errno('EINVAL');
    if (start > state.size || end > state.size) return errno('ERANGE');
    set(call, call.arg(1), { ...state, offset: state.offset + start, size: end - start });
    return 0;
  },
  bpf_dynptr_clone: (call) => {
    const state = get(call, call.arg(1));
    set(call, call.arg(2), state);
    return state ? 0 : errno('EINVAL');
  },
};
