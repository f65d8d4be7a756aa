// The record that a tracepoint's programs read: struct trace_event_raw_CLASS of the target's BTF, dynamic text behind it. Members that
// an event does not give follow from who runs, and from the machine's disk and connection; the rest is zero.

import { findMember, resolve, sizeOf, type Btf, type BtfComposite } from '#core/btf';
import { tracepoint } from '#core/catalog';
import { concat, cString, littleEndian, utf8 } from '../integers.ts';
import type { TracepointEvent } from '../scenario/events.ts';
import type { KernelState } from '../state.ts';
import { AF_INET, DEFAULT_SOCKET, TCP_STATES } from '../subsystems/sockets.ts';
import { IDLE, programOf, type Task } from '../subsystems/tasks.ts';
import { encodeValue, integerFrom } from '../typed-values.ts';
import { traceEntry } from './probe-runs.ts';

/** The name of the record's struct; undefined where the target's types have none. */
export function recordStruct(btf: Btf | undefined, name: string): string | undefined {
  const row = tracepoint(name);
  return [name, row?.class]
    .filter((known) => known !== undefined)
    .map((known) => `trace_event_raw_${known}`)
    .find((struct) => btf?.find(struct, 'struct') !== undefined);
}

/** Bytes of a whole record without a layout: members in the order given, eight bytes each, as system calls' records have them. */
const ROOM = 64;

export function tracepointRecord(kernel: KernelState, btf: Btf | undefined, body: TracepointEvent, task: Task): Uint8Array {
  const header = traceEntry(body.name, task);
  const struct = recordStruct(btf, body.name);
  const type = btf && struct !== undefined ? btf.type(btf.find(struct, 'struct')!) : undefined;
  if (!btf || type?.kind !== 'struct')
    return concat(header, ...Object.values(body.fields).map((value) => littleEndian(integerFrom(value) ?? 0n, 8)), new Uint8Array(ROOM));
  let record = concat(header, new Uint8Array(Math.max(0, type.size - header.length)));
  for (const [name, value] of Object.entries({ ...followed(kernel, body.name, task), ...body.fields }))
    record = setMember(btf, type, record, name, value);
  return record;
}

/** A member, or text behind the record for which the member `__data_loc_NAME` holds offset and length. */
function setMember(btf: Btf, type: BtfComposite, record: Uint8Array, name: string, value: unknown): Uint8Array {
  const dynamic = findMember(btf, type, `__data_loc_${name}`);
  if (dynamic) {
    const text = typeof value === 'string' ? cString(value) : utf8(String(value));
    const grown = concat(record, text);
    grown.set(littleEndian((BigInt(text.length) << 16n) | BigInt(record.length), 4), dynamic.bitOffset >> 3);
    return grown;
  }
  const place = findMember(btf, type, name);
  const size = place && sizeOf(btf, place.member.type);
  if (!place || size === undefined) return record;
  const bytes =
    resolve(btf, place.member.type)?.kind === 'ptr'
      ? littleEndian(integerFrom(value) ?? 0n, size)
      : encodeValue(btf, place.member.type, size, value);
  if (bytes instanceof Uint8Array) record.set(bytes, place.bitOffset >> 3);
  return record;
}

const DISK = (254 << 20) | 0;

/** What members are when nobody said; names are the kernel's, and each is only written where the record has it. */
function followed(kernel: KernelState, event: string, task: Task): Readonly<Record<string, unknown>> {
  const parent = kernel.tasks.get(task.parent) ?? IDLE;
  const { localAddress, remoteAddress, localPort, remotePort } = DEFAULT_SOCKET;
  return {
    comm: task.comm,
    pid: task.pid,
    prio: 120,
    prev_comm: task.comm,
    prev_pid: task.pid,
    prev_prio: 120,
    next_comm: IDLE.comm,
    next_pid: IDLE.pid,
    next_prio: 120,
    parent_comm: event === 'sched_process_fork' ? task.comm : parent.comm,
    parent_pid: event === 'sched_process_fork' ? task.pid : parent.pid,
    child_comm: task.comm,
    child_pid: task.pid + 1,
    old_pid: task.pid,
    tgid: task.tgid,
    uid: task.uid,
    filename: programOf(task),
    dev: DISK,
    sector: 2048,
    nr_sector: 8,
    bytes: 4096,
    rwbs: 'R',
    family: AF_INET,
    protocol: event.startsWith('inet') ? 6 : 0x0800,
    ...(event === 'inet_sock_set_state' ? { oldstate: TCP_STATES.TCP_SYN_SENT, newstate: TCP_STATES.TCP_ESTABLISHED } : {}),
    sport: localPort,
    dport: remotePort,
    ...(event.startsWith('inet') || event.startsWith('tcp_') ? { saddr: [...localAddress!], daddr: [...remoteAddress!] } : {}),
    skaddr: kernel.objects.sock('socket:default'),
    ...(event.startsWith('signal_') ? { sig: 15, code: 0 } : {}),
    ...(event.startsWith('irq_handler') ? { irq: 11, name: 'virtio0-input.0', ret: 1 } : {}),
    ...(event.startsWith('softirq') ? { vec: 3 } : {}),
    ...(event.startsWith('net_') || event.startsWith('netif_') ? { name: 'eth0', len: 60, skbaddr: 0 } : {}),
    ...(event.startsWith('mm_page_alloc') ? { pfn: 4096, order: 0, migratetype: 0 } : {}),
    ...(event.startsWith('k') && event.includes('alloc') ? { ptr: 0xffff_8880_0012_3400n, bytes_req: 64, bytes_alloc: 64 } : {}),
    ...(event === 'cpu_frequency' || event === 'cpu_idle' ? { state: event === 'cpu_idle' ? 1 : 2_400_000, cpu_id: 0 } : {}),
  };
}
