// Records for user space: ring buffers and perf event arrays. Kernel sources: kernel/bpf/ringbuf.c, kernel/trace/bpf_trace.c.

import { errno } from '../errno.ts';
import { concat, littleEndian } from '../integers.ts';
import { PerfEventArrayMap, RingBufferMap } from '../maps/index.ts';
import type { Call, HelperTable } from './helper.ts';

// BPF_RB_NO_WAKEUP and BPF_RB_FORCE_WAKEUP.
const WAKEUP_FLAGS = 3n;
const BPF_F_INDEX_MASK = 0xffff_ffffn;
const BPF_F_CURRENT_CPU = 0xffff_ffffn;
/** Bytes; larger ones would take the memory of the machine that simulates. */
const LARGEST_RECORD = 1 << 26;
/** BPF_F_CTXLEN_MASK: bytes of the packet to append. */
const CTXLEN_MASK = 0xf_ffffn << 32n;

/** Ends a reservation; called by submit and discard, for records and for dynptrs on them. */
export function finishRecord(call: Call, address: bigint, state: 'submitted' | 'discarded'): void {
  const map = call.regionAt(address)?.owner;
  const readable = map instanceof RingBufferMap ? map.finish(address, state) : undefined;
  if (!readable || !(map instanceof RingBufferMap))
    call.fault(`0x${address.toString(16)} is no reserved record: each reservation is submitted or discarded once`);
  for (const bytes of readable) call.kernel.emitRecord(map, bytes);
}

function ringbufOutput(call: Call): number {
  const map = call.mapOf(1, RingBufferMap, 'a ring buffer');
  const flags = call.arg(4);
  if (flags & ~WAKEUP_FLAGS) return errno('EINVAL');
  const bytes = call.read(call.arg(2), Number(BigInt.asUintN(32, call.arg(3))), 'data');
  const region = map.reserve(bytes.length, 0n);
  if (!region) return errno('EAGAIN');
  call.kernel.memory.view(region).set(bytes);
  finishRecord(call, region.base, 'submitted');
  return 0;
}

function perfEventOutput(call: Call): number {
  const map = call.mapOf(2, PerfEventArrayMap, 'a perf event array');
  const flags = call.arg(3);
  // Packet programs may append bytes of the packet: the length stands in the upper half.
  const packet = call.run.packet;
  if (flags & ~(packet ? BPF_F_INDEX_MASK | CTXLEN_MASK : BPF_F_INDEX_MASK)) return errno('EINVAL');
  const wanted = flags & BPF_F_INDEX_MASK;
  const index = wanted === BPF_F_CURRENT_CPU ? call.run.cpu : Number(wanted);
  if (index >= map.definition.maxEntries) return errno('E2BIG');
  // A ring belongs to its CPU: output from another one is refused.
  if (index >= call.kernel.cpus) return errno('ENOENT');
  if (index !== call.run.cpu) return errno('EOPNOTSUPP');
  let bytes = call.read(call.arg(4), Number(BigInt.asUintN(32, call.arg(5))), 'data');
  const appended = Number((flags & CTXLEN_MASK) >> 32n);
  if (appended > 0 && packet) {
    const data = call.kernel.memory.view(packet.region).slice(packet.meta, packet.region.size);
    if (appended > data.length) return errno('EFAULT');
    bytes = concat(bytes, data.subarray(0, appended));
  }
  call.kernel.emitRecord(map, bytes);
  return 0;
}

export const RINGBUF_PERF_HELPERS: HelperTable = {
  bpf_ringbuf_output: ringbufOutput,
  bpf_ringbuf_reserve: (call) => {
    const map = call.mapOf(1, RingBufferMap, 'a ring buffer');
    const size = call.arg(2);
    if (size > 0xffff_ffffn) return 0n;
    if (size > LARGEST_RECORD && size <= map.capacity)
      return call.fault(`a record of ${size} bytes is more than the ${LARGEST_RECORD} bytes that a simulated record can have`);
    return map.reserve(Number(size), call.arg(3))?.base ?? 0n;
  },
  bpf_ringbuf_submit: (call) => {
    finishRecord(call, call.arg(1), 'submitted');
    return 0;
  },
  bpf_ringbuf_discard: (call) => {
    finishRecord(call, call.arg(1), 'discarded');
    return 0;
  },
  bpf_ringbuf_query: (call) => call.mapOf(1, RingBufferMap, 'a ring buffer').query(call.arg(2)),
  bpf_perf_event_output: perfEventOutput,
  bpf_perf_event_read: () => errno('ENOENT'),
  bpf_perf_event_read_value: (call) => {
    call.write(call.arg(3), new Uint8Array(call.u32(4)), 'value');
    return errno('ENOENT');
  },
  bpf_perf_prog_read_value: (call) => {
    if (call.u32(3) !== 24) return errno('EINVAL');
    call.write(call.arg(2), concat(littleEndian(1, 8), littleEndian(0, 8), littleEndian(0, 8)), 'value');
    return 0;
  },
};
