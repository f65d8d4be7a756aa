// 64-bit halves against bigints: every function on random numbers, many near the places where signs and widths change; then what is
// known of bits and ranges after arithmetic, against the same rules written with bigints.

import { describe, expect, it } from 'vitest';
import { BPF_ADD, BPF_AND, BPF_ARSH, BPF_LSH, BPF_MUL, BPF_OR, BPF_RSH, BPF_SUB, BPF_XOR } from '#core/isa';
import { addToOffset, arithmetic, subtractFromOffset } from './alu.ts';
import * as halves from './halves.ts';
import {
  constant,
  fitsBits,
  isAligned,
  isContradictory64,
  makeUnknown,
  type Scalar,
  S64_MAX,
  S64_MIN,
  settle,
  signExtend,
  U64_MAX,
} from './scalar.ts';

const ROUNDS = 4_000;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);

function numbers(seed: bigint): () => bigint {
  let state = seed * 0x9e37_79b9_7f4a_7c15n + 1n;
  const next = (): bigint => {
    state = u64(state ^ (state << 13n));
    state ^= state >> 7n;
    state = u64(state ^ (state << 17n));
    return state;
  };
  const edges = [0n, 1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 32n, (1n << 63n) - 1n, 1n << 63n, U64_MAX, U64_MAX << 32n];
  return () => {
    const pick = next();
    return pick % 3n === 0n ? u64(edges[Number((pick >> 8n) % BigInt(edges.length))]! + ((pick >> 16n) % 5n) - 2n) : next() >> (pick % 64n);
  };
}

interface Bits {
  value: bigint;
  mask: bigint;
}

// The published algorithms for tristate numbers, in bigints.
const addBits = (a: Bits, b: Bits): Bits => {
  const sum = u64(a.value + b.value);
  const mask = u64(u64(sum + a.mask + b.mask) ^ sum) | a.mask | b.mask;
  return { value: sum & ~mask & U64_MAX, mask };
};
const subtractBits = (a: Bits, b: Bits): Bits => {
  const difference = u64(a.value - b.value);
  const mask = u64(u64(difference + a.mask) ^ u64(difference - b.mask)) | a.mask | b.mask;
  return { value: difference & ~mask & U64_MAX, mask };
};
const uniteBits = (a: Bits, b: Bits): Bits => {
  const mask = (a.value ^ b.value) | a.mask | b.mask;
  return { value: a.value & b.value & ~mask & U64_MAX, mask };
};
function multiplyBits(a: Bits, b: Bits): Bits {
  let sum: Bits = { value: 0n, mask: 0n };
  for (let bit = 0n; bit < 64n; bit++) {
    const partial = { value: u64(b.value << bit), mask: u64(b.mask << bit) };
    if ((a.value >> bit) & 1n) sum = addBits(sum, partial);
    else if ((a.mask >> bit) & 1n) sum = uniteBits(sum, addBits(sum, partial));
  }
  return sum;
}
function expectedBits(operation: number, a: Bits, b: Bits): Bits {
  const by = b.value;
  const ones = { value: a.value & b.value, mask: (a.value | a.mask) & (b.value | b.mask) };
  switch (operation) {
    case BPF_ADD:
      return addBits(a, b);
    case BPF_SUB:
      return subtractBits(a, b);
    case BPF_MUL:
      return multiplyBits(a, b);
    case BPF_AND:
      return { value: ones.value, mask: ones.mask & ~ones.value };
    case BPF_OR:
      return { value: a.value | b.value, mask: (a.mask | b.mask) & ~(a.value | b.value) };
    case BPF_XOR:
      return { value: (a.value ^ b.value) & ~(a.mask | b.mask), mask: a.mask | b.mask };
    case BPF_LSH:
      return { value: u64(a.value << by), mask: u64(a.mask << by) };
    case BPF_RSH:
      return { value: a.value >> by, mask: a.mask >> by };
    default:
      return { value: u64(s64(a.value) >> by), mask: u64(s64(a.mask) >> by) };
  }
}

/** Only bits known: the ranges are what they say. */
function ofBits(value: bigint, mask: bigint): Scalar {
  const s = makeUnknown();
  s.value = value & ~mask & U64_MAX;
  s.mask = mask;
  return settle(s);
}
/** Only an unsigned or only a signed range known, and what settling makes of it. */
function ofRange(a: bigint, b: bigint, signed: boolean): Scalar {
  const s = makeUnknown();
  if (signed) {
    s.smin = s64(a) < s64(b) ? s64(a) : s64(b);
    s.smax = s64(a) < s64(b) ? s64(b) : s64(a);
  } else {
    s.umin = a < b ? a : b;
    s.umax = a < b ? b : a;
  }
  return settle(s);
}
const fits = (value: bigint): boolean => value >= S64_MIN && value <= S64_MAX;

describe('halves of 64-bit numbers', () => {
  it('do what bigints do', () => {
    const next = numbers(1n);
    const wrong: string[] = [];
    const check = (what: string, ours: unknown, bigints: unknown, ...operands: bigint[]): void => {
      if (ours !== bigints) wrong.push(`${what}(${operands.join(', ')}): ${String(ours)}, not ${String(bigints)}`);
    };
    for (let round = 0; round < ROUNDS; round++) {
      const a = next();
      // Every few rounds a second number whose product with the first is near 2^63 or 2^64.
      const b = round % 4 === 0 && a !== 0n ? u64((1n << (64n - (next() % 2n))) / a + (next() % 3n) - 1n) : next();
      const [aHigh, aLow, bHigh, bLow] = [halves.highHalf(a), halves.lowHalf(a), halves.highHalf(b), halves.lowHalf(b)];
      const pair = [aHigh, aLow, bHigh, bLow] as const;
      check('toUnsigned', halves.toUnsigned(aHigh, aLow), a, a);
      check('toSigned', halves.toSigned(aHigh, aLow), s64(a), a);
      check('toNumber', halves.toNumber(aHigh, aLow), Number(s64(a)), a);
      check('toUnsignedNumber', halves.toUnsignedNumber(aHigh, aLow), Number(a), a);
      check('unsignedLess', halves.unsignedLess(...pair), a < b, a, b);
      check('signedLess', halves.signedLess(...pair), s64(a) < s64(b), a, b);
      check('sum', halves.toUnsigned((aHigh + bHigh + halves.carry(aLow, bLow)) | 0, (aLow + bLow) | 0), u64(a + b), a, b);
      check('difference', halves.toUnsigned((aHigh - bHigh - halves.borrow(aLow, bLow)) | 0, (aLow - bLow) | 0), u64(a - b), a, b);
      check('product', halves.toUnsigned(halves.productHigh(...pair), halves.productLow(aLow, bLow)), u64(a * b), a, b);
      check('unsignedProductOverflows', halves.unsignedProductOverflows(...pair), a * b > U64_MAX, a, b);
      check('signedProductOverflows', halves.signedProductOverflows(...pair), !fits(s64(a) * s64(b)), a, b);
      check('bitLength', halves.bitLength(aHigh, aLow), a === 0n ? 0 : a.toString(2).length, a);
      const by = Number(b % 64n);
      check('left', halves.toUnsigned(halves.leftHigh(aHigh, aLow, by), halves.leftLow(aLow, by)), u64(a << BigInt(by)), a, b % 64n);
      check('right', halves.toUnsigned(halves.rightHigh(aHigh, by), halves.rightLow(aHigh, aLow, by)), a >> BigInt(by), a, b % 64n);
      check(
        'signedRight',
        halves.toSigned(halves.signedRightHigh(aHigh, by), halves.signedRightLow(aHigh, aLow, by)),
        s64(a) >> BigInt(by),
        a,
        b % 64n,
      );
      check('ones', halves.toUnsigned(halves.onesHigh(by), halves.onesLow(by)), (1n << BigInt(by)) - 1n, b % 64n);
    }
    expect(halves.toUnsigned(halves.onesHigh(64), halves.onesLow(64))).toBe(U64_MAX);
    expect(wrong.slice(0, 10)).toEqual([]);
  });

  it('are read and written as bigints', () => {
    const next = numbers(2n);
    for (let round = 0; round < ROUNDS / 4; round++) {
      const a = next();
      const s = makeUnknown();
      s.value = s.mask = s.umin = s.umax = a;
      s.smin = s.smax = s64(a);
      s.u32min = s.u32max = Number(a & 0xffff_ffffn);
      expect([s.value, s.mask, s.umin, s.umax, s.smin, s.smax, s.u32min, s.u32max]).toEqual([
        a,
        a,
        a,
        a,
        s64(a),
        s64(a),
        Number(a & 0xffff_ffffn),
        Number(a & 0xffff_ffffn),
      ]);
      expect([s.sminNumber, s.smaxNumber, s.umaxNumber, s.signedValueNumber]).toEqual([
        Number(s64(a)),
        Number(s64(a)),
        Number(a),
        Number(s64(a)),
      ]);
      expect(constant(a).umin).toBe(a);
      expect(constant(s64(a)).smax).toBe(s64(a));
      const width = Number(a % 65n);
      expect(fitsBits(constant(a), width)).toBe(a < 1n << BigInt(width));
      expect(isAligned(constant(a), 12, 8)).toBe((a + 12n) % 8n === 0n);
      expect(signExtend(constant(a), 2).smin).toBe(BigInt.asIntN(16, a));
    }
  });
});

describe('bits and a range', () => {
  it('that have one number in common are that number, and lose none when they have more', () => {
    const next = numbers(5n);
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS / 4; round++) {
      // Few unknown bits, in both halves: all numbers can be listed.
      const shift = next() % 60n;
      const mask = u64((next() & 0x15n) << shift) | (next() & 0x9n);
      const value = next() & ~mask & U64_MAX;
      const members = Array.from({ length: 512 }, (_, i) => u64(((BigInt(i) & 0x15n) << shift) | (BigInt(i >> 5) & 0x9n)) & mask).map(
        (part) => value | part,
      );
      const [low, high] = [u64(value + (next() % (4n * mask + 2n))), u64(value + (next() % (4n * mask + 2n)))];
      const s = makeUnknown();
      s.value = value;
      s.mask = mask;
      s.umin = low < high ? low : high;
      s.umax = low < high ? high : low;
      const inside = [...new Set(members.filter((member) => s.umin <= member && member <= s.umax))];
      if (inside.length === 0) continue;
      settle(s);
      if (inside.some((member) => member < s.umin || member > s.umax || (member & ~s.mask) !== s.value))
        wrong.push(`(${value}; ${mask}) loses a number`);
      if (inside.length === 1 && s.mask !== 0n) wrong.push(`(${value}; ${mask}) is ${inside[0]} only`);
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  });
});

describe('arithmetic on halves', () => {
  it('knows the bits that bigints know', () => {
    const next = numbers(3n);
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS / 2; round++) {
      const a = ofBits(next(), next());
      for (const operation of [BPF_ADD, BPF_SUB, BPF_MUL, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH, BPF_RSH, BPF_ARSH]) {
        const shift = operation === BPF_LSH || operation === BPF_RSH || operation === BPF_ARSH;
        const b = shift ? constant(next() % 64n) : ofBits(next(), next());
        const result = arithmetic(operation, false, a, b);
        const bits = expectedBits(operation, a, b);
        // Ranges may know more bits than the operation alone; never fewer, and never others.
        if ((result.mask & ~bits.mask) !== 0n || (result.value & ~bits.mask) !== bits.value)
          wrong.push(`${operation.toString(16)} (${a.value}; ${a.mask}) (${b.value}; ${b.mask})`);
      }
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  });

  it('moves the ends of ranges as bigints move, and gives them up where they leave 64 bits', () => {
    const next = numbers(4n);
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const a = ofRange(next(), next(), round % 2 === 0);
      const b = ofRange(next(), next(), round % 4 < 2);
      const differs = (what: string, s: Scalar, smin: bigint, smax: bigint, umin: bigint, umax: bigint): void => {
        const signed = fits(smin) && fits(smax) ? [smin, smax] : [S64_MIN, S64_MAX];
        const unsigned = umin >= 0n && umax <= U64_MAX ? [umin, umax] : [0n, U64_MAX];
        if (s.smin !== signed[0] || s.smax !== signed[1] || s.umin !== unsigned[0] || s.umax !== unsigned[1])
          wrong.push(`${what} [${a.umin}, ${a.umax}] [${b.umin}, ${b.umax}]`);
      };
      const sum = a.draft();
      addToOffset(sum, b);
      differs('add', sum, a.smin + b.smin, a.smax + b.smax, a.umin + b.umin, a.umax + b.umax);
      const difference = a.draft();
      subtractFromOffset(difference, b);
      differs('subtract', difference, a.smin - b.smax, a.smax - b.smin, a.umin - b.umax, a.umax - b.umin);
      const product = arithmetic(BPF_MUL, false, a, b);
      const corners = [a.smin * b.smin, a.smin * b.smax, a.smax * b.smin, a.smax * b.smax];
      // What settles afterwards can only narrow it.
      if (a.umax * b.umax <= U64_MAX && (product.umin < a.umin * b.umin || product.umax > a.umax * b.umax))
        wrong.push(`multiply [${a.umin}, ${a.umax}] [${b.umin}, ${b.umax}]`);
      if (corners.every(fits) && (corners.every((corner) => corner < product.smin) || corners.every((corner) => corner > product.smax)))
        wrong.push(`multiply signed [${a.smin}, ${a.smax}] [${b.smin}, ${b.smax}]`);
      if (isContradictory64(a) || isContradictory64(product)) wrong.push(`contradiction [${a.umin}, ${a.umax}] [${b.umin}, ${b.umax}]`);
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  });
});
