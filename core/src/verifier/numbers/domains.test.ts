// Soundness of the number domain by enumeration: every concrete result of concrete operands lies inside the abstract result.

import { describe, expect, it } from 'vitest';
import {
  BPF_ADD,
  BPF_AND,
  BPF_ARSH,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  BPF_LSH,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from '#core/isa';
import { arithmetic, hasKnownRange } from './alu.ts';
import { decide, negate, refine } from './branch.ts';
import { byteSwap, constant, contradiction, makeUnknown, type Scalar, settle, signExtend, truncate } from './scalar.ts';

const ROUNDS = 400;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const s64 = (value: bigint): bigint => BigInt.asIntN(64, value);

/** A repeatable stream of numbers, with many near the places where signs and widths change. */
function numbers(seed: number): () => bigint {
  let state = BigInt(seed) * 0x9e37_79b9_7f4a_7c15n + 1n;
  const next = (): bigint => {
    state = u64(state ^ (state << 13n));
    state ^= state >> 7n;
    state = u64(state ^ (state << 17n));
    return state;
  };
  const edges = [0n, 1n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n, 0xff00n];
  return () => {
    const pick = next();
    if (pick % 3n === 0n) return u64(edges[Number((pick >> 8n) % BigInt(edges.length))]! + ((pick >> 16n) % 5n) - 2n);
    return next() >> (pick % 64n);
  };
}

function holds(s: Scalar, value: bigint): boolean {
  const low = BigInt.asUintN(32, value);
  return (
    (value & ~s.mask) === s.value &&
    s.umin <= value &&
    value <= s.umax &&
    s.smin <= s64(value) &&
    s64(value) <= s.smax &&
    BigInt(s.u32min) <= low &&
    low <= BigInt(s.u32max) &&
    BigInt(s.s32min) <= BigInt.asIntN(32, low) &&
    BigInt.asIntN(32, low) <= BigInt(s.s32max)
  );
}

/** A description that holds both values, as tight as comparisons make them. */
function around(a: bigint, b: bigint, next: () => bigint): Scalar {
  const s = makeUnknown();
  const style = next() % 4n;
  if (style === 0n) {
    s.umin = a < b ? a : b;
    s.umax = a < b ? b : a;
  } else if (style === 1n) {
    s.smin = s64(a) < s64(b) ? s64(a) : s64(b);
    s.smax = s64(a) < s64(b) ? s64(b) : s64(a);
  } else if (style === 2n) {
    s.mask = a ^ b;
    s.value = a & b;
  } else {
    const [x, y] = [BigInt.asUintN(32, a), BigInt.asUintN(32, b)];
    s.u32min = Number(x < y ? x : y);
    s.u32max = Number(x < y ? y : x);
  }
  return settle(s);
}

function concrete(operation: number, is32: boolean, a: bigint, b: bigint): bigint {
  const bits = is32 ? 32 : 64;
  const [x, y] = [BigInt.asUintN(bits, a), BigInt.asUintN(bits, b)];
  const result = (() => {
    switch (operation) {
      case BPF_ADD:
        return x + y;
      case BPF_SUB:
        return x - y;
      case BPF_MUL:
        return x * y;
      case BPF_AND:
        return x & y;
      case BPF_OR:
        return x | y;
      case BPF_XOR:
        return x ^ y;
      case BPF_LSH:
        return x << y;
      case BPF_RSH:
        return x >> y;
      case BPF_ARSH:
        return BigInt.asIntN(bits, x) >> y;
      default:
        return -x;
    }
  })();
  return BigInt.asUintN(bits, result);
}

function compare(operation: number, is32: boolean, a: bigint, b: bigint): boolean {
  const bits = is32 ? 32 : 64;
  const [x, y] = [BigInt.asUintN(bits, a), BigInt.asUintN(bits, b)];
  const [p, q] = [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)];
  switch (operation) {
    case BPF_JEQ:
      return x === y;
    case BPF_JNE:
      return x !== y;
    case BPF_JSET:
      return (x & y) !== 0n;
    case BPF_JGT:
      return x > y;
    case BPF_JGE:
      return x >= y;
    case BPF_JLT:
      return x < y;
    case BPF_JLE:
      return x <= y;
    case BPF_JSGT:
      return p > q;
    case BPF_JSGE:
      return p >= q;
    case BPF_JSLT:
      return p < q;
    default:
      return p <= q;
  }
}

describe('numbers', () => {
  it('keep every result of an operation', () => {
    const next = numbers(1);
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const values = [next(), next()];
      const operands = [next(), next()];
      const a = around(values[0]!, values[1]!, next);
      for (const operation of [BPF_ADD, BPF_SUB, BPF_MUL, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH, BPF_RSH, BPF_ARSH, BPF_NEG]) {
        const is32 = round % 2 === 0;
        const shift = operation === BPF_LSH || operation === BPF_RSH || operation === BPF_ARSH;
        const b = shift ? constant(operands[0]! % (is32 ? 32n : 64n)) : around(operands[0]!, operands[1]!, next);
        if (!hasKnownRange(operation, is32, b)) continue;
        const result = arithmetic(operation, is32, a, b);
        for (const x of values) {
          for (const y of shift ? [b.value] : operands) {
            if (!holds(result, concrete(operation, is32, x, y))) wrong.push(`${operation.toString(16)} ${is32} ${x} ${y}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('keep the values of the branch taken, and decide only what is decided', () => {
    const next = numbers(2);
    const wrong: string[] = [];
    const operations = [BPF_JEQ, BPF_JNE, BPF_JSET, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE];
    for (let round = 0; round < ROUNDS; round++) {
      const xs = [next(), next()];
      const ys = round % 3 === 0 ? [next()] : [next(), next()];
      const a = around(xs[0]!, xs[1]!, next);
      const b = ys.length === 1 ? constant(ys[0]!) : around(ys[0]!, ys[1]!, next);
      for (const operation of operations) {
        const is32 = round % 2 === 0;
        const decided = decide(operation, is32, a, b);
        for (const x of xs) {
          for (const y of ys) {
            const holdsHere = compare(operation, is32, x, y);
            if (decided !== undefined && holdsHere !== decided) wrong.push(`decided ${operation.toString(16)} ${is32} ${x} ${y}`);
            const [p, q] = [a.draft(), b.draft()];
            refine(holdsHere ? operation : negate(operation), is32, p, q);
            if (!holds(settle(p), x) || !holds(settle(q), y) || contradiction(p) !== undefined)
              wrong.push(`${operation.toString(16)} ${is32} ${x} ${y} ${holdsHere}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('keep values that are cut, extended and swapped', () => {
    const next = numbers(3);
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const values = [next(), next()];
      const s = around(values[0]!, values[1]!, next);
      for (const bytes of [1, 2, 4]) {
        for (const value of values) {
          if (
            !holds(truncate(s, bytes), BigInt.asUintN(bytes * 8, value)) ||
            !holds(signExtend(s, bytes), u64(BigInt.asIntN(bytes * 8, value)))
          )
            wrong.push(`${bytes} ${value}`);
        }
      }
      for (const bytes of [2, 4, 8]) {
        for (const value of values) {
          let swapped = 0n;
          for (let i = 0; i < bytes; i++) swapped = (swapped << 8n) | ((value >> BigInt(8 * i)) & 0xffn);
          if (!holds(byteSwap(s, bytes), swapped)) wrong.push(`swap ${bytes} ${value}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});
