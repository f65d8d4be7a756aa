// What a number or an array of bytes means, by its type's name and its own.
import { expect, it } from 'vitest';
import { arrayOf, integerType, type CType } from './c-type.ts';
import { ipv6Text, networkBytes, networkNumber } from './network-values.ts';

const U8 = integerType('__u8', 1, false);
const be = (bits: number, name = `__be${bits}`): CType => integerType(name, bits / 8, false);
const record = (name: string, size: number): CType => ({ kind: 'record', name, size, members: () => [] });
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

it.each<[CType, string, bigint, string | undefined]>([
  [be(16), 'dest', 0x5000n, 'big-endian 80'],
  [be(16, 'const __be16'), 'sport', 0x409cn, 'big-endian 40000'],
  [be(16), 'h_proto', 0x0008n, 'big-endian 0x0800, IPv4'],
  [be(16), 'h_proto', 0x0700n, 'big-endian 7'],
  [be(32), 'saddr', 0x010200c0n, '192.0.2.1'],
  [be(32), 'seq', 0x01000000n, 'big-endian 1'],
  [be(64), 'id', 0x0100000000000000n, 'big-endian 1'],
  [integerType('__u32', 4, false), 'user_ip4', 0x010200c0n, '192.0.2.1'],
  [integerType('__u32', 4, false), 'skip', 1n, undefined],
  [integerType('__u16', 2, false), 'dest', 0x5000n, undefined],
])('number %#', (type, name, raw, text) => expect(networkNumber(type, name, raw)).toBe(text));

it.each<[CType, string, string, string | undefined]>([
  [arrayOf(U8, 6), 'h_dest', '020000000001', '02:00:00:00:00:01'],
  [arrayOf(U8, 6), 'counts', '020000000001', undefined],
  [arrayOf(U8, 16), 'daddr6', '20010db8000000000000000000000001', '2001:db8::1'],
  [record('struct in6_addr', 16), 'anything', '00000000000000000000000000000000', '::'],
  [record('struct in_addr', 4), 'sin_addr', 'c0000201', '192.0.2.1'],
  [record('struct other', 4), 'addr', 'c0000201', undefined],
  [arrayOf(integerType('__u32', 4, false), 4), 'remote_ip6', '20010db8000000000000000000000001', '2001:db8::1'],
  [arrayOf(be(32), 4), 'v6addr', '00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
  [arrayOf(integerType('__u32', 4, false), 4), 'cb', '20010db8000000000000000000000001', undefined],
])('bytes %#', (type, name, hex, text) => expect(networkBytes(type, name, bytes(hex))).toBe(text));

it('IPv6 addresses as RFC 5952 writes them', () => {
  expect(
    [
      '00010000000000000002000000000003',
      '00010002000300040005000600070008',
      '20010db8000100000000000000000000',
      '00000000000000000000000000000001',
      '20010db8000000010001000100010001',
    ].map((hex) => ipv6Text(bytes(hex))),
  ).toEqual(['1::2:0:0:3', '1:2:3:4:5:6:7:8', '2001:db8:1::', '::1', '2001:db8:0:1:1:1:1:1']);
});
