// Helpers of XDP, tc, cgroup and socket filter programs: bytes, lengths, checksums and redirects of the packet under way.
// Kernel source: net/core/filter.c.

import { contextStruct } from '#core/catalog';
import { errno } from '../errno.ts';
import { redirectTarget, setContextField, syncPacket } from '../hooks/packet-hook.ts';
import { concat, fromLittleEndian, littleEndian, view } from '../integers.ts';
import { SlotArrayMap } from '../maps/index.ts';
import { ETH_HLEN, onesComplementSum } from '../packet.ts';
import type { PacketState } from '../state.ts';
import type { Call, HelperResult, HelperTable } from './helper.ts';

/** struct xdp_frame's place in front of a packet. */
const XDP_FRAME = 40;
const MAX_META = 252;

function packetOf(call: Call): PacketState {
  return call.run.packet ?? call.fault('this event brought no packet');
}

/** Data to data_end as they are now. */
function dataOf(call: Call, packet: PacketState): Uint8Array {
  return call.kernel.memory.view(packet.region).subarray(packet.meta, packet.region.size);
}

/** Moves the ends of the packet; false where there is no room. */
function adjust(call: Call, packet: PacketState, front: number, back: number): boolean {
  if (!call.kernel.memory.adjust(packet.region, front, back)) return false;
  packet.headroom += front;
  packet.tailroom -= back;
  return true;
}

// ---- XDP ----

function xdpAdjustHead(call: Call): number {
  const packet = packetOf(call);
  const offset = call.s32(2);
  const length = packet.region.size - packet.meta;
  // Metadata moves with the head: what was in front of the packet stays in front of it.
  if (packet.headroom + offset < XDP_FRAME || offset > length - ETH_HLEN) return errno('EINVAL');
  const meta = call.kernel.memory.view(packet.region).slice(0, packet.meta);
  if (!adjust(call, packet, offset, 0)) return errno('EINVAL');
  call.kernel.memory.view(packet.region).set(meta);
  syncPacket(call.kernel, call.run);
  return 0;
}

function xdpAdjustMeta(call: Call): number {
  const packet = packetOf(call);
  const offset = call.s32(2);
  const meta = packet.meta - offset;
  if (packet.headroom + offset < XDP_FRAME || meta < 0) return errno('EINVAL');
  if (meta % 4 !== 0 || meta > MAX_META) return errno('EACCES');
  if (!adjust(call, packet, offset, 0)) return errno('EINVAL');
  packet.meta = meta;
  syncPacket(call.kernel, call.run);
  return 0;
}

function xdpAdjustTail(call: Call): number {
  const packet = packetOf(call);
  const offset = call.s32(2);
  const length = packet.region.size - packet.meta;
  if (offset > packet.tailroom || length + offset < ETH_HLEN) return errno('EINVAL');
  if (!adjust(call, packet, 0, offset)) return errno('EINVAL');
  if (offset > 0) dataOf(call, packet).fill(0, length);
  syncPacket(call.kernel, call.run);
  return 0;
}

function xdpLoadBytes(call: Call): number {
  const data = dataOf(call, packetOf(call));
  const [offset, length] = [call.u32(2), call.u32(4)];
  if (offset > 0xffff || length > 0xffff) return errno('EFAULT');
  if (offset + length > data.length) return errno('EINVAL');
  call.write(call.arg(3), data.slice(offset, offset + length), 'buf');
  return 0;
}

function xdpStoreBytes(call: Call): number {
  const [offset, length] = [call.u32(2), call.u32(4)];
  const bytes = call.read(call.arg(3), length, 'buf');
  const data = dataOf(call, packetOf(call));
  if (offset > 0xffff || length > 0xffff) return errno('EFAULT');
  if (offset + length > data.length) return errno('EINVAL');
  data.set(bytes, offset);
  return 0;
}

// ---- skb ----

function skbLoadBytes(call: Call): number {
  const data = dataOf(call, packetOf(call));
  const [offset, length] = [call.u32(2), call.u32(4)];
  if (offset + length > data.length) {
    call.write(call.arg(3), new Uint8Array(length), 'to');
    return errno('EFAULT');
  }
  call.write(call.arg(3), data.slice(offset, offset + length), 'to');
  return 0;
}

/** start_header 0: from the link header, 1: from the network header. */
function skbLoadBytesRelative(call: Call): number {
  const packet = packetOf(call);
  const whole = concat(packet.hidden, dataOf(call, packet));
  const [offset, length, header] = [call.u32(2), call.u32(4), call.u32(5)];
  const start = offset + (header === 1 ? ETH_HLEN : 0);
  if (header > 1 || start + length > whole.length) {
    call.write(call.arg(3), new Uint8Array(length), 'to');
    return errno('EFAULT');
  }
  call.write(call.arg(3), whole.slice(start, start + length), 'to');
  return 0;
}

function skbStoreBytes(call: Call): number {
  const [offset, length] = [call.u32(2), call.u32(4)];
  // BPF_F_RECOMPUTE_CSUM and BPF_F_INVALIDATE_HASH.
  if (call.arg(5) & ~3n) return errno('EINVAL');
  const bytes = call.read(call.arg(3), length, 'from');
  const data = dataOf(call, packetOf(call));
  if (offset > 0x7fff_ffff) return errno('EFAULT');
  if (offset + length > data.length) return errno('EFAULT');
  data.set(bytes, offset);
  return 0;
}

const read16 = (data: Uint8Array, at: number): number => (data[at]! << 8) | data[at + 1]!;
function write16(data: Uint8Array, at: number, value: number): void {
  data[at] = value >> 8;
  data[at + 1] = value & 0xff;
}

const fold = (sum: number): number => {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
};

/** Words of a register as the packet has them: registers hold network order bytes in memory order. */
const memoryWord = (value: bigint, size: number): number => onesComplementSum(littleEndian(value, size));

/** RFC 1624: the checksum after `from` was replaced by `to`. */
const replaced = (checksum: number, from: number, to: number): number => ~fold((~checksum & 0xffff) + (~from & 0xffff) + to) & 0xffff;

const HDR_FIELD_MASK = 0xfn;
const PSEUDO_HDR = 1n << 4n;
const MARK_MANGLED_0 = 1n << 5n;
const MARK_ENFORCE = 1n << 6n;

function l3Replace(call: Call): number {
  const data = dataOf(call, packetOf(call));
  const [offset, flags] = [call.u32(2), call.arg(5)];
  const size = Number(flags & HDR_FIELD_MASK);
  if (flags & ~HDR_FIELD_MASK) return errno('EINVAL');
  if (offset > 0xffff || offset % 2 === 1 || offset + 2 > data.length) return errno('EFAULT');
  const checksum = read16(data, offset);
  if (size === 0) {
    if (call.arg(3) !== 0n) return errno('EINVAL');
    write16(data, offset, ~fold((~checksum & 0xffff) + memoryWord(call.arg(4), 4)) & 0xffff);
    return 0;
  }
  if (size !== 2 && size !== 4) return errno('EINVAL');
  write16(data, offset, replaced(checksum, memoryWord(call.arg(3), size), memoryWord(call.arg(4), size)));
  return 0;
}

function l4Replace(call: Call): number {
  const data = dataOf(call, packetOf(call));
  const [offset, flags] = [call.u32(2), call.arg(5)];
  const size = Number(flags & HDR_FIELD_MASK);
  // BPF_F_IPV6 (6.17) has no effect on the bytes.
  if (flags & ~(HDR_FIELD_MASK | PSEUDO_HDR | MARK_MANGLED_0 | MARK_ENFORCE | (1n << 7n))) return errno('EINVAL');
  if (offset > 0xffff || offset % 2 === 1 || offset + 2 > data.length) return errno('EFAULT');
  const checksum = read16(data, offset);
  // A UDP checksum of 0 says that there is none; it stays so unless asked otherwise.
  if ((flags & MARK_MANGLED_0) !== 0n && (flags & MARK_ENFORCE) === 0n && checksum === 0) return 0;
  let updated: number;
  if (size === 0) {
    if (call.arg(3) !== 0n) return errno('EINVAL');
    updated = ~fold((~checksum & 0xffff) + memoryWord(call.arg(4), 4)) & 0xffff;
  } else if (size === 2 || size === 4) updated = replaced(checksum, memoryWord(call.arg(3), size), memoryWord(call.arg(4), size));
  else return errno('EINVAL');
  write16(data, offset, (flags & MARK_MANGLED_0) !== 0n && updated === 0 ? 0xffff : updated);
  return 0;
}

/** csum_diff: the 32-bit sum of `to` less `from` on top of a seed, little-endian words as the CPU adds them, the last one filled up with zeros. */
function csumDiff(call: Call): HelperResult {
  const [fromSize, toSize] = [call.u32(2), call.u32(4)];
  const from = call.read(call.arg(1), fromSize, 'from');
  const to = call.read(call.arg(3), toSize, 'to');
  const add = (a: number, b: number): number => {
    const sum = a + b;
    return sum > 0xffff_ffff ? (sum + 1) % 0x1_0000_0000 : sum;
  };
  let sum = call.u32(5);
  for (let i = 0; i < toSize; i += 4) sum = add(sum, Number(fromLittleEndian(to.subarray(i, i + 4))));
  for (let i = 0; i < fromSize; i += 4) sum = add(sum, ~Number(fromLittleEndian(from.subarray(i, i + 4))) >>> 0);
  // Since 6.13 the result is folded to 16 bits (csum_from32to16).
  return fold(sum);
}

function skbChangeTail(call: Call): number {
  const packet = packetOf(call);
  const length = call.u32(2);
  if (call.arg(3) !== 0n) return errno('EINVAL');
  const now = packet.region.size - packet.meta;
  if (length < ETH_HLEN || length > 0xffff) return errno('EINVAL');
  if (!adjust(call, packet, 0, length - now)) return errno('ENOMEM');
  if (length > now) dataOf(call, packet).fill(0, now);
  syncPacket(call.kernel, call.run);
  return 0;
}

/** Room between the link and the network header (bpf_skb_adjust_room, BPF_ADJ_ROOM_MAC), or behind the network header (…_NET). */
function skbAdjustRoom(call: Call): number {
  const packet = packetOf(call);
  const difference = call.s32(2);
  const mode = call.u32(3);
  if (call.arg(4) & ~0xffn) return errno('EINVAL');
  if (mode > 1) return errno('ENOTSUPP');
  if (Math.abs(difference) > 0xfff) return errno('EFAULT');
  const whole = dataOf(call, packet).slice();
  const type = read16(whole, 12);
  const network = type === 0x0800 ? 20 : type === 0x86dd ? 40 : undefined;
  if (network === undefined) return errno('ENOTSUPP');
  const kept = ETH_HLEN + (mode === 0 ? network : 0);
  if (whole.length + difference < kept || (difference < 0 && whole.length - kept < -difference)) return errno('ENOTSUPP');
  const changed =
    difference >= 0
      ? concat(whole.subarray(0, kept), new Uint8Array(difference), whole.subarray(kept))
      : concat(whole.subarray(0, kept), whole.subarray(kept - difference));
  if (!adjust(call, packet, -difference, 0)) return errno('ENOMEM');
  dataOf(call, packet).set(changed);
  syncPacket(call.kernel, call.run);
  return 0;
}

function skbVlanPush(call: Call): number {
  const packet = packetOf(call);
  // The tag goes into skb metadata, as offload has it: the bytes do not change.
  setContextField(call.kernel, call.run, packet.context, 'vlan_present', 1);
  setContextField(call.kernel, call.run, packet.context, 'vlan_proto', fromLittleEndian(littleEndian(call.arg(2), 2)));
  setContextField(call.kernel, call.run, packet.context, 'vlan_tci', BigInt(call.u32(3) & 0xffff));
  return 0;
}

function skbVlanPop(call: Call): number {
  for (const field of ['vlan_present', 'vlan_proto', 'vlan_tci']) setContextField(call.kernel, call.run, packetOf(call).context, field, 0);
  return 0;
}

/** A 32-bit field of the packet's context as it is now. */
function contextField(call: Call, field: string): number {
  const place = contextStruct(packetOf(call).context)?.fields.find(({ name }) => name === field);
  return place && call.run.ctx ? view(call.kernel.memory.view(call.run.ctx)).getUint32(place.offset, true) : 0;
}

function setHash(call: Call, hash: number): number {
  setContextField(call.kernel, call.run, '__sk_buff', 'hash', hash);
  return 0;
}

// ---- redirects ----

function redirect(call: Call): number {
  const xdp = call.run.packet?.context === 'xdp_md';
  if (xdp ? call.arg(2) !== 0n : call.arg(2) & ~1n) return xdp ? 0 : 2;
  call.run.redirect = { ifindex: call.u32(1) };
  return xdp ? 4 : 7;
}

/** The lower bits of flags are what to return when the key has nothing (XDP_ABORTED by default). */
function redirectMap(call: Call): HelperResult {
  const map = call.map(1);
  if (!(map instanceof SlotArrayMap))
    return call.fault(`${map.definition.name} is a ${map.definition.type} map: nothing can be redirected by it`);
  const key = Number(BigInt.asUintN(32, call.arg(2)));
  const flags = call.arg(3);
  const BROADCAST = 1n << 3n;
  const EXCLUDE_INGRESS = 1n << 4n;
  if (flags & ~(3n | (map.definition.type.startsWith('devmap') ? BROADCAST | EXCLUDE_INGRESS : 0n))) return 0;
  const target = map.slot(key);
  if (target === undefined && (flags & BROADCAST) === 0n) {
    call.run.redirect = undefined;
    return flags & 3n;
  }
  call.run.redirect = { ifindex: target ?? 0, map, key };
  return 4;
}

function cloneRedirect(call: Call): number {
  if (call.arg(3) & ~1n) return errno('EINVAL');
  const device = call.kernel.devices.byIndex(call.u32(2));
  if (!device) return errno('EINVAL');
  call.run.effects = [...call.run.effects, `a copy of the packet goes to ${redirectTarget(call.kernel, { ifindex: device.ifindex })}`];
  return 0;
}

export const PACKET_HELPERS: HelperTable = {
  bpf_xdp_adjust_head: xdpAdjustHead,
  bpf_xdp_adjust_meta: xdpAdjustMeta,
  bpf_xdp_adjust_tail: xdpAdjustTail,
  bpf_xdp_load_bytes: xdpLoadBytes,
  bpf_xdp_store_bytes: xdpStoreBytes,
  bpf_xdp_get_buff_len: (call) => dataOf(call, packetOf(call)).length,
  bpf_skb_load_bytes: skbLoadBytes,
  bpf_skb_load_bytes_relative: skbLoadBytesRelative,
  bpf_skb_store_bytes: skbStoreBytes,
  bpf_skb_pull_data: (call) => (call.u32(2) > dataOf(call, packetOf(call)).length ? errno('ENOMEM') : 0),
  bpf_skb_change_tail: skbChangeTail,
  bpf_skb_change_head: (call) => {
    const packet = packetOf(call);
    if (call.arg(3) !== 0n || call.u32(2) > 0xfff) return errno('EINVAL');
    if (!adjust(call, packet, -call.u32(2), 0)) return errno('ENOMEM');
    dataOf(call, packet).fill(0, 0, call.u32(2));
    syncPacket(call.kernel, call.run);
    return 0;
  },
  bpf_skb_adjust_room: skbAdjustRoom,
  bpf_skb_vlan_push: skbVlanPush,
  bpf_skb_vlan_pop: skbVlanPop,
  bpf_skb_change_type: (call) => {
    if (call.u32(2) > 3) return errno('EINVAL');
    setContextField(call.kernel, call.run, '__sk_buff', 'pkt_type', call.u32(2));
    return 0;
  },
  bpf_l3_csum_replace: l3Replace,
  bpf_l4_csum_replace: l4Replace,
  bpf_csum_diff: csumDiff,
  // The packet's own checksum state is not kept: drivers here deliver none (CHECKSUM_NONE).
  bpf_csum_update: () => errno('ENOTSUPP'),
  // Query, increase, decrease, reset: only the query tells that there is no level.
  bpf_csum_level: (call) => (call.arg(2) === 0n ? errno('EACCES') : call.arg(2) <= 3n ? 0 : errno('EINVAL')),
  bpf_get_hash_recalc: (call) => {
    const known = contextField(call, 'hash');
    if (known !== 0) return known;
    let hash = 0x811c9dc5;
    for (const byte of dataOf(call, packetOf(call)).subarray(12, 38)) hash = Math.imul(hash ^ byte, 0x01000193);
    return hash >>> 0;
  },
  bpf_set_hash_invalid: (call) => setHash(call, 0),
  bpf_set_hash: (call) => setHash(call, call.u32(2)),
  bpf_get_cgroup_classid: () => 0,
  bpf_get_route_realm: () => 0,
  bpf_skb_cgroup_classid: () => 0,
  bpf_redirect: redirect,
  // No flags here: the packet goes to the peer's ingress in any case.
  bpf_redirect_peer: (call) => (call.arg(2) === 0n ? redirect(call) : 2),
  bpf_redirect_map: redirectMap,
  bpf_clone_redirect: cloneRedirect,
  bpf_xdp_output: (call) => {
    call.kernel.emitRecord(call.map(2), call.read(call.arg(4), Number(BigInt.asUintN(32, call.arg(5))), 'data'));
    return 0;
  },
};
