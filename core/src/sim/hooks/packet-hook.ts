// A packet's way: XDP, then tc, cgroup and socket filters on the way in; tc and cgroup filters on the way out.
// Every XDP program gets the packet as it came; when one of them does not let it pass, the network stack never sees it.

import { contextStruct } from '#core/catalog';
import type { Device } from '../devices.ts';
import { littleEndian } from '../integers.ts';
import { buildPacket, ETH_HLEN, ETH_P_8021Q } from '../packet.ts';
import type { KernelState, PacketState, Run } from '../state.ts';
import type { PacketEvent } from '../scenario/events.ts';
import { runRegion, type Attached, type EventState, type PlannedRun, type Planner } from './plan.ts';

/** XDP_PACKET_HEADROOM, and what of a page is left behind it for data and struct skb_shared_info. */
export const XDP_HEADROOM = 256;
const PAGE = 4096;
const SHARED_INFO = 320;
/** Headroom of an skb: NET_SKB_PAD and room for headers to come. */
const SKB_HEADROOM = 256;

export const packetBytes = (body: PacketEvent): Uint8Array => (body.packet instanceof Uint8Array ? body.packet : buildPacket(body.packet));

/** Writes a field of the context by its name; contexts are the catalog's. */
export function setContextField(kernel: KernelState, run: Run, struct: string, field: string, value: bigint | number): void {
  const place = contextStruct(struct)?.fields.find(({ name }) => name === field);
  if (!place || !run.ctx) return;
  kernel.memory.view(run.ctx).set(littleEndian(value, place.size), place.offset);
}

/** Shows the packet's present bounds in the context, after they moved. */
export function syncPacket(kernel: KernelState, run: Run): void {
  const { packet } = run;
  if (!packet) return;
  const data = packet.region.base + BigInt(packet.meta);
  const length = packet.region.size - packet.meta;
  setContextField(kernel, run, packet.context, 'data', data);
  setContextField(kernel, run, packet.context, 'data_end', data + BigInt(length));
  setContextField(kernel, run, packet.context, 'data_meta', packet.region.base);
  if (packet.context === '__sk_buff') setContextField(kernel, run, packet.context, 'len', length);
}

/** The packet's bytes from data on, link header included. */
export function currentPacket(kernel: KernelState, packet: PacketState): Uint8Array {
  const shown = kernel.memory.view(packet.region).slice(packet.meta, packet.region.size);
  if (packet.hidden.length === 0) return shown;
  const whole = new Uint8Array(packet.hidden.length + shown.length);
  whole.set(packet.hidden);
  whole.set(shown, packet.hidden.length);
  return whole;
}

function makePacket(kernel: KernelState, run: Run, bytes: Uint8Array, hidden: number, context: PacketState['context']): PacketState {
  const shown = bytes.subarray(hidden);
  const headroom = (context === 'xdp_md' ? XDP_HEADROOM : SKB_HEADROOM) + hidden;
  const tailroom = context === 'xdp_md' ? Math.max(0, PAGE - XDP_HEADROOM - SHARED_INFO - shown.length) : PAGE;
  const region = runRegion(kernel, run, { kind: 'packet', name: 'packet', size: shown.length, initial: shown, headroom, tailroom });
  return { region, meta: 0, context, hidden: bytes.slice(0, hidden), headroom, tailroom };
}

/** A packet for a program whose context is an __sk_buff and that no packet event reaches: a DNS query, from its link header on. */
export function samplePacket(kernel: KernelState, run: Run): void {
  run.packet = makePacket(kernel, run, buildPacket({ ip: {}, udp: { destination: 53 } }), 0, '__sk_buff');
  setContextField(kernel, run, '__sk_buff', 'protocol', wireOrder16(0x0800));
  syncPacket(kernel, run);
}

function xdpRun({ program }: Attached, task: Run['task'], body: PacketEvent): PlannedRun {
  return {
    program,
    task,
    start(kernel, run, state) {
      const device = body.device === undefined ? undefined : kernel.devices.byName(body.device);
      run.ctx = runRegion(kernel, run, { kind: 'ctx', name: 'ctx', size: contextStruct('xdp_md')?.size ?? 24, writable: false });
      run.packet = makePacket(kernel, run, state.packet!, 0, 'xdp_md');
      setContextField(kernel, run, 'xdp_md', 'ingress_ifindex', device?.ifindex ?? 0);
      setContextField(kernel, run, 'xdp_md', 'rx_queue_index', body.queue);
      syncPacket(kernel, run);
      run.traceFlags = '..s2.';
      return { args: [run.ctx.base], ctxType: 'struct xdp_md' };
    },
    finish(kernel, run, value, state) {
      const action = Number(BigInt.asUintN(32, value));
      if (action !== 2) state.dropped = true;
      else if (run.packet) state.packet = currentPacket(kernel, run.packet);
      if (action !== 4) return undefined;
      return run.redirect
        ? `XDP_REDIRECT: the packet is redirected to ${redirectTarget(kernel, run.redirect)}`
        : 'XDP_REDIRECT: no target was set with bpf_redirect or bpf_redirect_map, so the packet is dropped';
    },
  };
}

export function redirectTarget(kernel: KernelState, redirect: NonNullable<Run['redirect']>): string {
  if (redirect.map)
    return `${redirect.map.definition.name}[${redirect.key}]${redirect.map.definition.type === 'cpumap' ? ' (a CPU)' : ` (${kernel.devices.byIndex(redirect.ifindex)?.name ?? `number ${redirect.ifindex}`})`}`;
  return kernel.devices.byIndex(redirect.ifindex)?.name ?? `interface ${redirect.ifindex}`;
}

/** Ethernet type, VLAN tag taken off as the driver's offload does. */
function linkFields(bytes: Uint8Array): { protocol: number; vlanTag: number | undefined; header: number } {
  const type = bytes.length >= ETH_HLEN ? (bytes[12]! << 8) | bytes[13]! : 0;
  if (type === ETH_P_8021Q && bytes.length >= ETH_HLEN + 4)
    return { protocol: (bytes[16]! << 8) | bytes[17]!, vlanTag: (bytes[14]! << 8) | bytes[15]!, header: ETH_HLEN + 4 };
  return { protocol: type, vlanTag: undefined, header: ETH_HLEN };
}

/** PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST or PACKET_OUTGOING (include/uapi/linux/if_packet.h). */
function packetType(bytes: Uint8Array, direction: PacketEvent['direction'], device: Device | undefined): number {
  if (direction === 'egress') return 4;
  if (bytes.subarray(0, 6).every((byte) => byte === 0xff)) return 1;
  if ((bytes[0]! & 1) === 1) return 2;
  return device === undefined || device.mac.every((byte, i) => byte === bytes[i]) ? 0 : 3;
}

/** A 16-bit number of the packet as __sk_buff shows it: network order. */
const wireOrder16 = (value: number): number => ((value & 0xff) << 8) | (value >> 8);

function skbRun({ program, attachment }: Attached, task: Run['task'], body: PacketEvent): PlannedRun {
  const network = attachment.hook === 'skb' && attachment.layer === 'network';
  return {
    program,
    task,
    skip: (state) => state.dropped,
    start(kernel, run, state) {
      const bytes = state.packet!;
      const link = linkFields(bytes);
      const device = body.device === undefined ? undefined : kernel.devices.byName(body.device);
      run.ctx = runRegion(kernel, run, { kind: 'ctx', name: 'ctx', size: contextStruct('__sk_buff')?.size ?? 192 });
      run.packet = makePacket(kernel, run, bytes, network ? Math.min(link.header, bytes.length) : 0, '__sk_buff');
      const set = (field: string, value: bigint | number): void => setContextField(kernel, run, '__sk_buff', field, value);
      set('protocol', wireOrder16(link.protocol));
      set('mark', body.mark);
      set('queue_mapping', body.queue);
      set('ifindex', device?.ifindex ?? 0);
      set('ingress_ifindex', body.direction === 'ingress' ? (device?.ifindex ?? 0) : 0);
      set('pkt_type', packetType(bytes, body.direction, device));
      set('wire_len', bytes.length);
      syncPacket(kernel, run);
      run.traceFlags = '..s2.';
      return { args: [run.ctx.base], ctxType: 'struct __sk_buff' };
    },
    finish(kernel, run, value, state) {
      const type = program.program.type;
      const signed = Number(BigInt.asIntN(32, value));
      if (type === 'sched_cls' || type === 'sched_act') {
        if (signed === 2 || signed === 4 || signed === 5 || signed === 7 || signed === 8) state.dropped = true;
        else if (run.packet) state.packet = currentPacket(kernel, run.packet);
        if (signed === 7 && run.redirect) return `TC_ACT_REDIRECT: the packet is redirected to ${redirectTarget(kernel, run.redirect)}`;
      }
      if (type === 'cgroup_skb' && (signed & 1) === 0) state.dropped = true;
      return undefined;
    },
  };
}

export const planPacket: Planner<PacketEvent> = (kernel, _event, body, attached, state) => {
  // A packet comes in softirq context, whoever was running; one that goes out is sent by a process.
  const task = kernel.tasks.get(0)!;
  state.packet = packetBytes(body);
  const onSkb = (types: readonly string[]): PlannedRun[] =>
    attached
      .filter(
        ({ program, attachment }) =>
          attachment.hook === 'skb' &&
          types.includes(program.program.type ?? '') &&
          (attachment.direction === 'both' || attachment.direction === body.direction),
      )
      .map((one) => skbRun(one, task, body));
  if (body.direction === 'egress')
    return { runs: [...onSkb(['lwt_out', 'lwt_xmit']), ...onSkb(['cgroup_skb']), ...onSkb(['sched_cls', 'sched_act'])] };
  const xdp = attached.filter(({ attachment }) => attachment.hook === 'xdp').map((one) => xdpRun(one, task, body));
  return {
    runs: [
      ...withFreshPacket(xdp, state.packet),
      ...onSkb(['sched_cls', 'sched_act']),
      ...onSkb(['lwt_in']),
      ...onSkb(['socket_filter']),
      ...onSkb(['cgroup_skb']),
    ],
  };
};

/** Each XDP program starts with the packet as it came. */
function withFreshPacket(runs: readonly PlannedRun[], bytes: Uint8Array): PlannedRun[] {
  return runs.map((run) => ({
    ...run,
    start(kernel: KernelState, started: Run, state: EventState) {
      state.packet = bytes;
      return run.start(kernel, started, state);
    },
  }));
}
