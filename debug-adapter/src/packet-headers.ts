// The headers of a packet, field by field, from Ethernet up to TCP, UDP and ICMP, for the Packet scope.
// Field positions are those of IEEE 802.3/802.1Q, RFC 826, 791, 8200, 9293, 768, 792 and 4443. Checks no checksum.

import { toHex } from '#core/bytes';

export interface HeaderField {
  name: string;
  /** Byte offset in the packet, and bytes. */
  offset: number;
  size: number;
  text: string;
}

export interface PacketHeader {
  name: string;
  offset: number;
  size: number;
  /** One line: addresses, ports, kind. */
  summary: string;
  fields: readonly HeaderField[];
}

type Show = 'decimal' | 'hex' | 'mac' | 'ipv4' | 'ipv6' | 'ethertype' | 'protocol';

/** Name, offset in the header, bytes, how to show it; bits as [shift, width] inside the bytes. */
type FieldRow = readonly [name: string, offset: number, size: number, show: Show, bits?: readonly [number, number]];

const ETHERTYPES: Readonly<Record<number, string>> = { 0x0800: 'IPv4', 0x0806: 'ARP', 0x8100: '802.1Q', 0x86dd: 'IPv6', 0x88a8: '802.1ad' };
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  47: 'GRE',
  50: 'ESP',
  58: 'ICMPv6',
  132: 'SCTP',
};

const ETHERNET: readonly FieldRow[] = [
  ['h_dest', 0, 6, 'mac'],
  ['h_source', 6, 6, 'mac'],
  ['h_proto', 12, 2, 'ethertype'],
];
const VLAN: readonly FieldRow[] = [
  ['priority', 0, 2, 'decimal', [13, 3]],
  ['vlan id', 0, 2, 'decimal', [0, 12]],
  ['h_proto', 2, 2, 'ethertype'],
];
const ARP: readonly FieldRow[] = [
  ['operation', 6, 2, 'decimal'],
  ['sender hardware address', 8, 6, 'mac'],
  ['sender address', 14, 4, 'ipv4'],
  ['target hardware address', 18, 6, 'mac'],
  ['target address', 24, 4, 'ipv4'],
];
const IPV4: readonly FieldRow[] = [
  ['version', 0, 1, 'decimal', [4, 4]],
  ['ihl', 0, 1, 'decimal', [0, 4]],
  ['tos', 1, 1, 'hex'],
  ['tot_len', 2, 2, 'decimal'],
  ['id', 4, 2, 'hex'],
  ['flags', 6, 2, 'hex', [13, 3]],
  ['fragment offset', 6, 2, 'decimal', [0, 13]],
  ['ttl', 8, 1, 'decimal'],
  ['protocol', 9, 1, 'protocol'],
  ['check', 10, 2, 'hex'],
  ['saddr', 12, 4, 'ipv4'],
  ['daddr', 16, 4, 'ipv4'],
];
const IPV6: readonly FieldRow[] = [
  ['version', 0, 1, 'decimal', [4, 4]],
  ['flow label', 0, 4, 'hex', [0, 20]],
  ['payload_len', 4, 2, 'decimal'],
  ['nexthdr', 6, 1, 'protocol'],
  ['hop_limit', 7, 1, 'decimal'],
  ['saddr', 8, 16, 'ipv6'],
  ['daddr', 24, 16, 'ipv6'],
];
const TCP: readonly FieldRow[] = [
  ['source', 0, 2, 'decimal'],
  ['dest', 2, 2, 'decimal'],
  ['seq', 4, 4, 'decimal'],
  ['ack_seq', 8, 4, 'decimal'],
  ['doff', 12, 1, 'decimal', [4, 4]],
  ['flags', 13, 1, 'hex'],
  ['window', 14, 2, 'decimal'],
  ['check', 16, 2, 'hex'],
  ['urg_ptr', 18, 2, 'decimal'],
];
const UDP: readonly FieldRow[] = [
  ['source', 0, 2, 'decimal'],
  ['dest', 2, 2, 'decimal'],
  ['len', 4, 2, 'decimal'],
  ['check', 6, 2, 'hex'],
];
const ICMP: readonly FieldRow[] = [
  ['type', 0, 1, 'decimal'],
  ['code', 1, 1, 'decimal'],
  ['checksum', 2, 2, 'hex'],
  ['id', 4, 2, 'decimal'],
  ['sequence', 6, 2, 'decimal'],
];

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

const bigEndian = (bytes: Uint8Array): number => bytes.reduce((value, byte) => value * 256 + byte, 0);

const showIpv6 = (bytes: Uint8Array): string => {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index]! << 8) | bytes[2 * index + 1]!).toString(16));
  // RFC 5952: the longest run of at least two zero groups becomes `::`.
  const runs = [...groups.join(':').matchAll(/(?:^|:)(0(?::0)+)(?=:|$)/g)].sort((a, b) => b[1]!.length - a[1]!.length);
  const text = groups.join(':');
  const longest = runs[0];
  if (!longest) return text;
  const start = longest.index + (longest[0].startsWith(':') ? 1 : 0);
  return `${text.slice(0, start).replace(/:$/, '')}::${text.slice(start + longest[1]!.length).replace(/^:/, '')}`;
};

function showField(bytes: Uint8Array, show: Show, bits: readonly [number, number] | undefined): string {
  if (show === 'mac') return toHex(bytes, ':');
  if (show === 'ipv4') return [...bytes].join('.');
  if (show === 'ipv6') return showIpv6(bytes);
  const whole = bigEndian(bytes);
  const value = bits ? Math.floor(whole / 2 ** bits[0]) % 2 ** bits[1] : whole;
  if (show === 'ethertype') return `0x${value.toString(16).padStart(4, '0')}${ETHERTYPES[value] ? ` ${ETHERTYPES[value]}` : ''}`;
  if (show === 'protocol') return `${value}${PROTOCOLS[value] ? ` ${PROTOCOLS[value]}` : ''}`;
  return show === 'hex' ? `0x${value.toString(16)}` : `${value}`;
}

function header(
  packet: Uint8Array,
  name: string,
  offset: number,
  size: number,
  rows: readonly FieldRow[],
  summarize: (field: (name: string) => string) => string,
): PacketHeader {
  const fields = rows
    .filter(([, at, bytes]) => offset + at + bytes <= packet.length)
    .map(([field, at, bytes, show, bits]) => ({
      name: field,
      offset: offset + at,
      size: bytes,
      text: showField(packet.subarray(offset + at, offset + at + bytes), show, bits),
    }));
  const available = Math.min(size, packet.length - offset);
  const short = available < size ? `cut off: ${available} of ${size} bytes; ` : '';
  return {
    name,
    offset,
    size: available,
    summary: short + summarize((wanted) => fields.find((field) => field.name === wanted)?.text ?? '?'),
    fields,
  };
}

/** The headers found from the packet's first byte on; what follows them is a last entry `payload`. */
export function decodePacket(packet: Uint8Array): readonly PacketHeader[] {
  const headers: PacketHeader[] = [];
  let offset = 0;
  const add = (name: string, size: number, rows: readonly FieldRow[], summarize: (field: (name: string) => string) => string): void => {
    headers.push(header(packet, name, offset, size, rows, summarize));
    offset += size;
  };
  const number = (at: number, size: number): number => bigEndian(packet.subarray(offset + at, offset + at + size));

  if (packet.length === 0) return [];
  let ethertype = number(12, 2);
  add('Ethernet', 14, ETHERNET, (field) => `${field('h_source')} → ${field('h_dest')}, ${field('h_proto')}`);
  while ((ethertype === 0x8100 || ethertype === 0x88a8) && offset + 4 <= packet.length) {
    ethertype = number(2, 2);
    add('VLAN', 4, VLAN, (field) => `id ${field('vlan id')}, ${field('h_proto')}`);
  }
  if (offset >= packet.length) return headers;
  let protocol: number | undefined;
  if (ethertype === 0x0806)
    add('ARP', 28, ARP, (field) =>
      field('operation') === '1'
        ? `who has ${field('target address')}? tell ${field('sender address')}`
        : `${field('sender address')} is at ${field('sender hardware address')}`,
    );
  else if (ethertype === 0x0800) {
    protocol = number(9, 1);
    const fragment = number(6, 2) & 0x1fff;
    add('IPv4', Math.max(20, (packet[offset]! & 0x0f) * 4), IPV4, (field) => `${field('saddr')} → ${field('daddr')}, ${field('protocol')}`);
    // Only the first fragment carries the next header.
    if (fragment > 0) protocol = undefined;
  } else if (ethertype === 0x86dd) {
    protocol = number(6, 1);
    add('IPv6', 40, IPV6, (field) => `${field('saddr')} → ${field('daddr')}, ${field('nexthdr')}`);
  }
  if (offset < packet.length && protocol === 6) {
    const flags = TCP_FLAGS.filter((_, bit) => ((packet[offset + 13] ?? 0) >> bit) & 1).join(' ');
    add(
      'TCP',
      Math.max(20, ((packet[offset + 12] ?? 0x50) >> 4) * 4),
      TCP,
      (field) => `${field('source')} → ${field('dest')}${flags ? `, ${flags}` : ''}`,
    );
  } else if (offset < packet.length && protocol === 17)
    add('UDP', 8, UDP, (field) => `${field('source')} → ${field('dest')}, ${field('len')} bytes`);
  else if (offset < packet.length && (protocol === 1 || protocol === 58))
    add(protocol === 1 ? 'ICMP' : 'ICMPv6', 8, ICMP, (field) => icmpKind(protocol === 58, field('type')));
  if (offset < packet.length)
    headers.push({ name: 'payload', offset, size: packet.length - offset, summary: `${packet.length - offset} bytes`, fields: [] });
  return headers;
}

const icmpKind = (v6: boolean, type: string): string =>
  ({
    [v6 ? '128' : '8']: 'echo request',
    [v6 ? '129' : '0']: 'echo reply',
    [v6 ? '1' : '3']: 'destination unreachable',
    [v6 ? '3' : '11']: 'time exceeded',
  })[type] ?? `type ${type}`;

/** Rows of `bytesPerRow` bytes as `0010: 45 00 …  E.`, as packet dumps show them. */
export function hexRows(bytes: Uint8Array, bytesPerRow = 16): readonly { offset: number; hex: string; text: string }[] {
  return Array.from({ length: Math.ceil(bytes.length / bytesPerRow) }, (_, row) => {
    const part = bytes.subarray(row * bytesPerRow, (row + 1) * bytesPerRow);
    return {
      offset: row * bytesPerRow,
      hex: toHex(part, ' '),
      text: [...part].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(''),
    };
  });
}
