// Numbers and bytes that C keeps in network order or as addresses, in people's words: where the type's name says so (`__be16`, `in6_addr`),
// or the variable's or member's name does (`h_dest`, `saddr`, `user_ip4`). Knows bytes and names; nothing is read here.

import type { CType } from './c-type.ts';

const MAC_NAME = /mac|addr|dest|source|src|dst|eth|hw|^sha$|^tha$/i;
const IPV4_NAME = /addr|(^|_)ip4?s?$|ipv4|gateway|(^|_)gw4?$/i;
const IPV6_NAME = /addr|ip6|ipv6|in6|gateway|(^|_)gw6?$/i;
/** Members of context structs that are __u32 and hold an address in network order: `user_ip4`, `remote_ip4`, `src_ip4`. */
const IPV4_IN_PLAIN_NUMBER = /(^|_)ip4$/;
const IPV6_IN_PLAIN_NUMBERS = /(^|_)ip6$/;
const ETHERTYPE_NAME = /(^|_)proto(col)?$/;
const ETHERTYPES: Readonly<Record<number, string>> = { 0x0800: 'IPv4', 0x0806: 'ARP', 0x8100: '802.1Q', 0x86dd: 'IPv6', 0x88a8: '802.1ad' };

const plainName = (name: string): string => name.replace(/\b(const|volatile)\b/g, '').trim();
const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0');

/** `192.0.2.1`. */
export const ipv4Text = (bytes: Uint8Array): string => [...bytes].join('.');

/** `02:00:00:00:00:01`. */
export const macText = (bytes: Uint8Array): string => Array.from(bytes, hexByte).join(':');

/** As RFC 5952 writes it: the longest run of zeros is `::`, an IPv4-mapped address ends in dots. */
export function ipv6Text(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) return `::ffff:${ipv4Text(bytes.subarray(12, 16))}`;
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && words[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const text = (from: number, to: number): string =>
    words
      .slice(from, to)
      .map((word) => word.toString(16))
      .join(':');
  return best.length > 1 ? `${text(0, best.start)}::${text(best.start + best.length, 8)}` : text(0, 8);
}

/** What stands beside the number that C sees: the same bytes read in network order, or as an address. `raw` is its unsigned bits. */
export function networkNumber(type: CType, name: string | undefined, raw: bigint): string | undefined {
  if (type.kind !== 'integer') return undefined;
  const big = /^(?:__)?be(16|32|64)$/.exec(plainName(type.name));
  const bytes = Uint8Array.from({ length: type.size }, (_, i) => Number((raw >> BigInt(8 * i)) & 0xffn));
  if (type.size === 4 && ((big && IPV4_NAME.test(name ?? '')) || (!big && !type.signed && IPV4_IN_PLAIN_NUMBER.test(name ?? ''))))
    return ipv4Text(bytes);
  if (!big || Number(big[1]) !== type.size * 8) return undefined;
  const number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const ethertype = type.size === 2 && ETHERTYPE_NAME.test(name ?? '') ? ETHERTYPES[Number(number)] : undefined;
  return ethertype === undefined ? `big-endian ${number}` : `big-endian 0x${number.toString(16).padStart(4, '0')}, ${ethertype}`;
}

/** A record or array that is an address as a whole. */
export function networkBytes(type: CType, name: string | undefined, bytes: Uint8Array): string | undefined {
  if (type.kind === 'record') {
    const tag = plainName(type.name);
    if (tag === 'struct in6_addr' && bytes.length === 16) return ipv6Text(bytes);
    return tag === 'struct in_addr' && bytes.length === 4 ? ipv4Text(bytes) : undefined;
  }
  if (type.kind !== 'array' || type.element.kind !== 'integer') return undefined;
  const { element } = type;
  if (element.size === 1 && element.shows === 'number') {
    if (bytes.length === 6 && MAC_NAME.test(name ?? '')) return macText(bytes);
    if (bytes.length === 16 && IPV6_NAME.test(name ?? '')) return ipv6Text(bytes);
    if (bytes.length === 4 && IPV4_NAME.test(name ?? '')) return ipv4Text(bytes);
  }
  const isWords = element.size === 4 && bytes.length === 16;
  if (isWords && (IPV6_IN_PLAIN_NUMBERS.test(name ?? '') || (/^(?:__)?be32$/.test(plainName(element.name)) && IPV6_NAME.test(name ?? ''))))
    return ipv6Text(bytes);
  return undefined;
}
