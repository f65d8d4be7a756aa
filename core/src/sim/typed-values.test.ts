import { describe, expect, test } from 'vitest';
import { readBtf, writeBtf, type Btf } from '#core/btf';
import { toHex } from '#core/bytes';
import { formatText } from './format.ts';
import { decodeValue, describeKey, encodeValue, plainBytes, toJson, toText } from './typed-values.ts';

/** 1 int, 2 char, 3 char[8], 4 u64, 5 struct inner { int a; }, 6 struct event, 7 uid_t, 8 enum, 9 int[2], 10 struct bits. */
const btf: Btf = readBtf(
  writeBtf([
    { kind: 'int', id: 1, name: 'int', size: 4, signed: true, char: false, bool: false, bits: 32, bitOffset: 0 },
    { kind: 'int', id: 2, name: 'char', size: 1, signed: true, char: false, bool: false, bits: 8, bitOffset: 0 },
    { kind: 'array', id: 3, name: '', type: 2, indexType: 1, count: 8 },
    { kind: 'int', id: 4, name: 'unsigned long long', size: 8, signed: false, char: false, bool: false, bits: 64, bitOffset: 0 },
    { kind: 'struct', id: 5, name: 'inner', size: 4, members: [{ name: 'a', type: 1, bitOffset: 0, bitSize: 0 }] },
    {
      kind: 'struct',
      id: 6,
      name: 'event',
      size: 24,
      members: [
        { name: 'pid', type: 1, bitOffset: 0, bitSize: 0 },
        { name: '', type: 5, bitOffset: 32, bitSize: 0 },
        { name: 'comm', type: 3, bitOffset: 64, bitSize: 0 },
        { name: 'big', type: 4, bitOffset: 128, bitSize: 0 },
      ],
    },
    { kind: 'typedef', id: 7, name: 'uid_t', type: 1 },
    { kind: 'enum', id: 8, name: 'state', size: 4, signed: false, enumerators: [{ name: 'ON', value: 1n }] },
    { kind: 'array', id: 9, name: '', type: 1, indexType: 1, count: 2 },
    {
      kind: 'struct',
      id: 10,
      name: 'bits',
      size: 4,
      members: [
        { name: 'low', type: 1, bitOffset: 0, bitSize: 3 },
        { name: 'high', type: 1, bitOffset: 3, bitSize: 5 },
      ],
    },
    { kind: 'typedef', id: 11, name: 'uint32_t', type: 1 },
  ]),
).btf!;

const encode = (id: number, size: number, value: unknown): string => {
  const bytes = encodeValue(btf, id, size, value);
  return bytes instanceof Uint8Array ? toHex(bytes) : bytes.problem;
};

describe('values by type', () => {
  test('there and back', () => {
    const event = { pid: -5, a: 7, comm: 'cat', big: 18446744073709551615n };
    const bytes = encodeValue(btf, 6, 24, { ...event, big: '0xffffffffffffffff' }) as Uint8Array;
    expect(decodeValue(btf, 6, bytes)).toEqual(event);
    expect(toText(decodeValue(btf, 6, bytes))).toBe('{pid: -5, a: 7, comm: "cat", big: 18446744073709551615}');
    expect(toJson(decodeValue(btf, 6, bytes))).toBe('{"pid":-5,"a":7,"comm":"cat","big":18446744073709551615}');
    expect(decodeValue(btf, 8, Uint8Array.of(1, 0, 0, 0))).toBe('ON');
    expect(decodeValue(btf, 10, Uint8Array.of(0b10101_011, 0, 0, 0))).toEqual({ low: 3, high: -11 });
    expect(decodeValue(btf, 6, new Uint8Array(3))).toBe('00 00 00');
  });

  test('what does not fit says so', () => {
    expect(encode(1, 4, 5)).toBe('05000000');
    expect(encode(8, 4, 'ON')).toBe('01000000');
    expect(encode(5, 4, 9)).toBe('09000000');
    expect(encode(9, 8, [1])).toBe('0100000000000000');
    expect(encode(9, 8, [1, 2, 3])).toBe('value: a list of at most 2 elements is wanted');
    expect(encode(1, 4, 4294967296)).toBe('value: 4294967296 does not fit into 32 bits');
    expect(encode(3, 8, 'much too long')).toBe('value: the text has 13 bytes, 8 fit');
    expect(encode(6, 24, { pdi: 1 })).toBe('value: there is no member pdi; it has pid, comm, big');
    expect(encode(1, 4, 'hex:0a0b')).toBe('0a0b0000');
    expect(encodeValue(undefined, undefined, 4, 'hex:0a0b')).toEqual({ problem: '4 bytes of hex wanted after "hex:"' });
  });

  test('keys for people', () => {
    expect(describeKey(btf, 7, Uint8Array.of(0xe8, 3, 0, 0))).toBe('uid 1000');
    expect(describeKey(btf, 11, Uint8Array.of(0xe8, 3, 0, 0))).toBe('1000');
    expect(describeKey(btf, 5, Uint8Array.of(5, 0, 0, 0))).toBe('a 5');
    expect(describeKey(undefined, undefined, Uint8Array.of(5, 0, 0, 0))).toBe('5');
    expect(describeKey(undefined, undefined, Uint8Array.of(5, 0, 0))).toBe('05 00 00');
    expect(plainBytes(new Uint8Array(8).fill(255))).toBe(18446744073709551615n);
  });
});

describe('format texts', () => {
  const reader = {
    text: (address: bigint) => (address === 1n ? 'text' : undefined),
    bytes: (_address: bigint, size: number) => Uint8Array.from({ length: size }, (_, i) => i + 1),
  };
  const cases: readonly (readonly [string, readonly bigint[], string | number])[] = [
    ['%d %i %u', [(1n << 64n) - 1n, 5n, (1n << 64n) - 1n], '-1 5 4294967295'],
    ['%ld %llu %lx', [(1n << 64n) - 1n, (1n << 64n) - 1n, 255n], '-1 18446744073709551615 ff'],
    ['%x %X %c %%', [0xabn, 0xabn, 65n], 'ab AB A %'],
    ['%5d|%-5d|%05d', [42n, 42n, (1n << 64n) - 42n], '   42|42   |-0042'],
    ['%s|%s|%10s', [1n, 2n, 1n], 'text||      text'],
    ['%pI4 %pi4', [9n, 9n], '1.2.3.4 001.002.003.004'],
    ['%pI6', [9n], '0102:0304:0506:0708:090a:0b0c:0d0e:0f10'],
    ['%px', [0xffff888000001234n], 'ffff888000001234'],
    ['%d %d', [1n], -22],
    ['%y', [1n], -22],
    ['%hd', [1n], -22],
    ['%pq', [1n], -22],
    ['tab\tand\nline', [], 'tab\tand\nline'],
    ['bell\u0007', [], -22],
    ['caf\u00e9', [], -22],
  ];
  test.each(cases)('%j', (format, args, expected) => {
    expect(formatText(format, args, reader)).toBe(expected);
  });
});
