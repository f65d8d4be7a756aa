// Expressions as people type them, with the type and value that C gives them, or the sentence that says what is wrong.
import { expect, test } from 'vitest';
import { arrayOf, builtinType, integerType, pointerTo } from './c-type.ts';
import type { CType } from './c-type.ts';
import { constant, formatValue, integerBytes } from './c-value.ts';
import type { CValue, Place } from './c-value.ts';
import { evaluate, execute } from './expression.ts';
import type { ExpressionScope, MapValue } from './expression.ts';

const u8 = integerType('__u8', 1, false);
const u32 = integerType('__u32', 4, false);
const u64 = integerType('__u64', 8, false);
const char = integerType('char', 1, true, 'character');
const verdict: CType = {
  kind: 'enum',
  name: 'enum xdp_action',
  size: 4,
  signed: false,
  values: [
    { name: 'XDP_DROP', value: 1n },
    { name: 'XDP_PASS', value: 2n },
  ],
};
const header: CType = {
  kind: 'record',
  name: 'struct header',
  size: 28,
  members: () => [
    { name: 'length', offsetBits: 0, bits: 4, type: u8 },
    { name: 'version', offsetBits: 4, bits: 4, type: u8 },
    { name: 'flags', offsetBits: 8, type: u8 },
    {
      name: '',
      offsetBits: 32,
      type: {
        kind: 'record',
        name: 'union {…}',
        size: 4,
        members: () => [
          { name: 'id', offsetBits: 0, type: u32 },
          { name: 'bytes', offsetBits: 0, type: arrayOf(u8, 4) },
        ],
      },
    },
    { name: 'next', offsetBits: 64, type: pointerTo(header) },
    { name: 'name', offsetBits: 128, type: arrayOf(char, 8) },
    { name: 'verdict', offsetBits: 192, type: verdict },
  ],
};

/** 64 bytes at 0x1000: a header at 0x1000, whose `next` is one at 0x1000 + 32. */
function world(): ExpressionScope & { bytes: Uint8Array } {
  const bytes = new Uint8Array(64);
  bytes.set([0x45, 0x07], 0);
  bytes.set(integerBytes(0x0a0b0c0dn, 4), 4);
  bytes.set(integerBytes(0x1020n, 8), 8);
  bytes.set([104, 105, 0], 16);
  bytes.set(integerBytes(2n, 4), 24);
  bytes.set([0x65], 32);
  const at = (address: bigint): Place => {
    const start = Number(address - 0x1000n);
    return {
      address,
      read: (offset, size) =>
        start + offset >= 0 && start + offset + size <= bytes.length
          ? bytes.subarray(start + offset, start + offset + size)
          : { unavailable: `no memory at 0x${(address + BigInt(offset)).toString(16)}` },
      write: (offset, data) => void bytes.set(data, start + offset),
    };
  };
  const counts: MapValue = {
    map: 'counts',
    keyType: u32,
    at: (key) => (key[0] === 7 ? constant(u64, 700n) : { failure: 'counts has no entry with this key' }),
    describe: () => '1 entry',
  };
  const locals: Record<string, CValue | MapValue> = {
    h: { type: header, place: at(0x1000n), offset: 0 },
    p: constant(pointerTo(header), 0x1000n),
    null: constant(pointerTo(header), 0n),
    c: constant(u8, 200n),
    i: constant(integerType('int', 4, true), -1n),
    big: constant(u64, 0xffff_ffff_ffff_fff0n),
    data: constant(pointerTo({ kind: 'void', name: 'void', size: 0 }), 0x1000n),
    XDP_PASS: constant(verdict, 2n),
    counts,
  };
  return {
    bytes,
    hex: false,
    at,
    describeAddress: (address) => (address >= 0x1000n && address < 0x1040n ? `block+${address - 0x1000n}` : undefined),
    lookup: (name) => locals[name],
    names: () => Object.keys(locals),
    findType: (words) => (words.join(' ') === 'struct header' ? header : builtinType(words)),
  };
}

const show = (scope: ExpressionScope, value: ReturnType<typeof evaluate>): string =>
  'failure' in value ? `! ${value.failure}` : 'map' in value ? value.describe() : `${value.type.name}: ${formatValue(value, scope)}`;

const CASES: readonly (readonly [string, string])[] = [
  ['1 + 2 * 3', 'int: 7'],
  ['(1 + 2) * 3', 'int: 9'],
  ['0x10 | 1', 'int: 17'],
  ['010', 'int: 8'],
  ["'a' + 1", 'int: 98'],
  ['4294967295', 'long: 4294967295'],
  ['0xffffffff', 'unsigned int: 4294967295'],
  ['1u - 2', 'unsigned int: 4294967295'],
  ['1 - 2', 'int: -1'],
  ['-7 / 2', 'int: -3'],
  ['-7 % 3', 'int: -1'],
  ['1 / 0', '! division by zero'],
  ['1 << 31', 'int: -2147483648'],
  ['1ull << 40', 'unsigned long: 1099511627776'],
  ['1 << 32', '! a shift by 32 bits is undefined for int'],
  ['-8 >> 1', 'int: -4'],
  ['c + c', 'int: 400'],
  ['~c', 'int: -201'],
  ['i < 1u', 'int: 0'],
  ['i < 1', 'int: 1'],
  ['big + 0x20', '__u64: 16'],
  ['big > 0', 'int: 1'],
  ['!c || big == 0 && 1', 'int: 0'],
  ['c ? 1 : 2', 'int: 1'],
  ['h.version', '__u8: 4'],
  ['h.length', '__u8: 5'],
  ['h.id', '__u32: 168496141'],
  ['h.bytes[0]', '__u8: 13'],
  ['h.bytes[4]', '! index 4 is outside of __u8[4]'],
  ['h.name', 'char[8]: "hi"'],
  ['h.name[1]', "char: 105 'i'"],
  ['h.verdict', 'enum xdp_action: XDP_PASS (2)'],
  ['h.verdict == XDP_PASS', 'int: 1'],
  ['p->next->version', '__u8: 6'],
  ['p.version', '__u8: 4'],
  ['h->version', '! struct header is not a pointer; use . instead of ->'],
  [
    'p',
    'struct header *: block+0 → {length = 5, version = 4, flags = 7, {id = 168496141, bytes = […]}, next = block+32, name = "hi", verdict = XDP_PASS (2)}',
  ],
  ['p + 3', 'struct header *: 0x1054'],
  ['data + 14', 'void *: block+14'],
  ['(p + 3) - p', 'long: 3'],
  ['null', 'struct header *: NULL'],
  ['null->version', '__u8: <no memory at 0x0>'],
  ['*(__u8 *)data', '__u8: 69'],
  ['((struct header *)data)->flags', '__u8: 7'],
  ['(char)200', 'char: -56'],
  ['(unsigned char)300', 'unsigned char: 44'],
  ['(u32)-1', 'u32: 4294967295'],
  ['&h.id', '__u32 *: block+4 → 168496141'],
  ['&c', '! this value has no address: it lives in a register'],
  ['sizeof(struct header)', 'unsigned long: 28'],
  ['sizeof h.name', 'unsigned long: 8'],
  ['sizeof(int) * 2', 'unsigned long: 8'],
  ['counts', '1 entry'],
  ['counts[7]', '__u64: 700'],
  ['counts[7] + 1', '__u64: 701'],
  ['counts[8]', '! counts has no entry with this key'],
  ['counts + 1', '! counts is a map; write counts[key]'],
  ['vesion', '! there is no vesion here'],
  ['h.vesion', '! struct header has no member vesion; did you mean version?'],
  ['count', '! there is no count here; did you mean counts?'],
  ['1 +', '! a value is missing at the end'],
  ['(1', "! ')' is missing at the end"],
  ['1 2', "! '2' is not expected here"],
  ['1.5', "! '1.5' is not an integer"],
  ['f(1)', '! functions and helpers cannot be called from an expression'],
  ['(struct nothing *)p', '! there is no type struct nothing in this program'],
  ['h + 1', '! struct header is not a number'],
  ['c = 1', '! an assignment is not allowed here; == compares'],
  ['"text"', "! '\"' is not part of an expression here"],
  [`${'('.repeat(500)}1`, '! the expression is nested too deeply'],
  [`${'-'.repeat(500)}1`, '! the expression is nested too deeply'],
  [`${'1+'.repeat(20000)}1`, '! the expression has more than 1000 words and signs'],
];

test.each(CASES)('%s', (text, expected) => {
  const scope = world();
  expect(show(scope, evaluate(text, scope))).toBe(expected);
});

test('an assignment changes the place and keeps its neighbours', () => {
  const scope = world();
  expect(show(scope, execute('h.version = 6', scope))).toBe('__u8: 6');
  expect(scope.bytes[0]).toBe(0x65);
  expect(show(scope, execute('p->id = h.flags + 1', scope))).toBe('__u32: 8');
  expect([...scope.bytes.subarray(4, 8)]).toEqual([8, 0, 0, 0]);
  expect(show(scope, execute('1 = 2', scope))).toBe('! this value cannot be changed');
  expect(show(scope, execute('h = 2', scope))).toBe('! a struct header cannot be set as a whole; set its parts');
});
