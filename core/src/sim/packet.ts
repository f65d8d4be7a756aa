// Packets from their fields: Ethernet, VLAN, ARP, IPv4, IPv6, TCP, UDP, ICMP with sensible values for what is not said
// and correct lengths and checksums. RFC 791, 8200, 9293, 768, 792, 4443, 826, IEEE 802.3 and 802.1Q.

import { concat } from './integers.ts';

export interface PacketLayers {
  ethernet?: { source?: Uint8Array; destination?: Uint8Array; type?: number };
  vlan?: { id?: number; priority?: number };
  arp?: { operation?: number; senderMac?: Uint8Array; sender?: Uint8Array; targetMac?: Uint8Array; target?: Uint8Array };
  /** Addresses have 4 or 16 bytes; both the same. */
  ip?: {
    source?: Uint8Array;
    destination?: Uint8Array;
    ttl?: number;
    protocol?: number;
    tos?: number;
    id?: number;
    version?: number;
    dontFragment?: boolean;
    moreFragments?: boolean;
    fragmentOffset?: number;
    checksum?: number;
  };
  tcp?: {
    source?: number;
    destination?: number;
    sequence?: number;
    acknowledgement?: number;
    flags?: readonly string[];
    window?: number;
    checksum?: number;
  };
  udp?: { source?: number; destination?: number; checksum?: number };
  icmp?: { type?: number; code?: number; id?: number; sequence?: number; checksum?: number };
  payload?: Uint8Array;
}

export const TCP_FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'] as const;

export const ETH_HLEN = 14;
export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_IPV6 = 0x86dd;
const IPPROTO = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, none: 59 } as const;

/** Documentation addresses (RFC 5737, 3849) and locally given MAC addresses. */
const SOURCE_MAC = Uint8Array.of(0x02, 0, 0, 0, 0, 0x01);
const DESTINATION_MAC = Uint8Array.of(0x02, 0, 0, 0, 0, 0x02);
const SOURCE_IP = Uint8Array.of(192, 0, 2, 1);
const DESTINATION_IP = Uint8Array.of(192, 0, 2, 2);
const documentation6 = (last: number): Uint8Array => Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);

const be16 = (value: number): Uint8Array => Uint8Array.of((value >> 8) & 0xff, value & 0xff);
const be32 = (value: number): Uint8Array => Uint8Array.of((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);

/** The ones' complement sum of 16-bit words in network order (RFC 1071), not yet complemented. */
export function onesComplementSum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

export const internetChecksum = (bytes: Uint8Array, start = 0): number => ~onesComplementSum(bytes, start) & 0xffff;

/** `192.0.2.1` or `2001:db8::1` as 4 or 16 bytes; undefined for other texts. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (/^\d+(\.\d+){3}$/.test(text)) {
    const parts = text.split('.').map(Number);
    return parts.every((part) => part <= 255) ? Uint8Array.from(parts) : undefined;
  }
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(':')) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string): number[] | undefined => {
    if (half === '') return [];
    const values: number[] = [];
    for (const [i, part] of half.split(':').entries()) {
      if (part.includes('.')) {
        const embedded = parseAddress(part);
        if (embedded?.length !== 4 || i !== half.split(':').length - 1) return undefined;
        values.push((embedded[0]! << 8) | embedded[1]!, (embedded[2]! << 8) | embedded[3]!);
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
        values.push(Number.parseInt(part, 16));
      }
    }
    return values;
  };
  const front = groups(halves[0]!);
  const back = halves.length === 2 ? groups(halves[1]!) : [];
  if (!front || !back) return undefined;
  const missing = 8 - front.length - back.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return concat(...[...front, ...new Array<number>(missing).fill(0), ...back].map(be16));
}

/** `02:00:00:00:00:01` as six bytes; undefined for other texts. */
export function parseMac(text: string): Uint8Array | undefined {
  return /^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/.test(text)
    ? Uint8Array.from(text.split(/[:-]/), (part) => Number.parseInt(part, 16))
    : undefined;
}

function tcpHeader(tcp: NonNullable<PacketLayers['tcp']>): Uint8Array {
  const flags = tcp.flags ?? ['syn'];
  const bits = flags.reduce((sum, flag) => sum | (1 << TCP_FLAGS.indexOf(flag as (typeof TCP_FLAGS)[number])), 0);
  return concat(
    be16(tcp.source ?? 40000),
    be16(tcp.destination ?? 80),
    be32(tcp.sequence ?? 1),
    be32(tcp.acknowledgement ?? 0),
    Uint8Array.of(5 << 4, bits),
    be16(tcp.window ?? 64240),
    be16(0),
    be16(0),
  );
}

/** The transport segment with its checksum in place. */
function transport(layers: PacketLayers, source: Uint8Array, destination: Uint8Array): { protocol: number; bytes: Uint8Array } | undefined {
  const payload = layers.payload ?? new Uint8Array(0);
  const six = source.length === 16;
  const pseudo = (protocol: number, length: number): number =>
    onesComplementSum(
      six
        ? concat(source, destination, be32(length), Uint8Array.of(0, 0, 0, protocol))
        : concat(source, destination, Uint8Array.of(0, protocol), be16(length)),
    );
  const seal = (bytes: Uint8Array, at: number, given: number | undefined, start: number, zeroIsNone: boolean): Uint8Array => {
    const sum = internetChecksum(bytes, start);
    bytes.set(be16(given ?? (sum === 0 && zeroIsNone ? 0xffff : sum)), at);
    return bytes;
  };
  if (layers.tcp) {
    const bytes = concat(tcpHeader(layers.tcp), payload);
    return { protocol: IPPROTO.tcp, bytes: seal(bytes, 16, layers.tcp.checksum, pseudo(IPPROTO.tcp, bytes.length), false) };
  }
  if (layers.udp) {
    const bytes = concat(be16(layers.udp.source ?? 40000), be16(layers.udp.destination ?? 53), be16(8 + payload.length), be16(0), payload);
    return { protocol: IPPROTO.udp, bytes: seal(bytes, 6, layers.udp.checksum, pseudo(IPPROTO.udp, bytes.length), true) };
  }
  if (layers.icmp) {
    const protocol = six ? IPPROTO.icmpv6 : IPPROTO.icmp;
    const bytes = concat(
      Uint8Array.of(layers.icmp.type ?? (six ? 128 : 8), layers.icmp.code ?? 0),
      be16(0),
      be16(layers.icmp.id ?? 1),
      be16(layers.icmp.sequence ?? 1),
      payload,
    );
    return { protocol, bytes: seal(bytes, 2, layers.icmp.checksum, six ? pseudo(protocol, bytes.length) : 0, false) };
  }
  return undefined;
}

function network(layers: PacketLayers): { type: number; bytes: Uint8Array } {
  const { ip = {} } = layers;
  const six = ip.version === 6 || (ip.source ?? ip.destination)?.length === 16;
  const source = ip.source ?? (six ? documentation6(1) : SOURCE_IP);
  const destination = ip.destination ?? (six ? documentation6(2) : DESTINATION_IP);
  const segment = transport(layers, source, destination);
  const body = segment?.bytes ?? layers.payload ?? new Uint8Array(0);
  const protocol = ip.protocol ?? segment?.protocol ?? IPPROTO.none;
  if (six) {
    const tos = ip.tos ?? 0;
    return {
      type: ETH_P_IPV6,
      bytes: concat(
        Uint8Array.of(0x60 | (tos >> 4), (tos & 0x0f) << 4, 0, 0),
        be16(body.length),
        Uint8Array.of(protocol, ip.ttl ?? 64),
        source,
        destination,
        body,
      ),
    };
  }
  const fragment = ((ip.dontFragment ?? true) ? 0x4000 : 0) | (ip.moreFragments ? 0x2000 : 0) | (ip.fragmentOffset ?? 0);
  const header = concat(
    Uint8Array.of(0x45, ip.tos ?? 0),
    be16(20 + body.length),
    be16(ip.id ?? 0),
    be16(fragment),
    Uint8Array.of(ip.ttl ?? 64, protocol),
    be16(0),
    source,
    destination,
  );
  header.set(be16(ip.checksum ?? internetChecksum(header)), 10);
  return { type: ETH_P_IP, bytes: concat(header, body) };
}

function arp(layers: PacketLayers): Uint8Array {
  const { arp: fields = {} } = layers;
  return concat(
    be16(1),
    be16(ETH_P_IP),
    Uint8Array.of(6, 4),
    be16(fields.operation ?? 1),
    fields.senderMac ?? layers.ethernet?.source ?? SOURCE_MAC,
    fields.sender ?? SOURCE_IP,
    fields.targetMac ?? new Uint8Array(6),
    fields.target ?? DESTINATION_IP,
  );
}

/** The frame's bytes, without the frame check sequence, as a driver hands it up. */
export function buildPacket(layers: PacketLayers): Uint8Array {
  const hasNetwork = layers.ip !== undefined || layers.tcp !== undefined || layers.udp !== undefined || layers.icmp !== undefined;
  const inner = layers.arp
    ? { type: ETH_P_ARP, bytes: arp(layers) }
    : hasNetwork
      ? network(layers)
      : { type: layers.ethernet?.type ?? 0x88b5, bytes: layers.payload ?? new Uint8Array(0) };
  const destination = layers.ethernet?.destination ?? (layers.arp ? new Uint8Array(6).fill(0xff) : DESTINATION_MAC);
  const source = layers.ethernet?.source ?? SOURCE_MAC;
  const type = be16(layers.ethernet?.type ?? inner.type);
  const tag = layers.vlan
    ? concat(be16(ETH_P_8021Q), be16(((layers.vlan.priority ?? 0) << 13) | (layers.vlan.id ?? 1)))
    : new Uint8Array(0);
  return concat(destination, source, tag, type, inner.bytes);
}
