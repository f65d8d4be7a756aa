// Tristate numbers: for each of 64 bits, known 0, known 1 or unknown.
// `value` holds the known ones, `mask` the unknown bits; the two never share a bit. Both are unsigned 64-bit.
// Knows bits only: ranges live in scalar.ts. (Vishwanathan et al., "Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers", CGO 2022.)

import { MASK64 } from '#core/bytes';

export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

const U32 = 0xffff_ffffn;

export const tnum = (value: bigint, mask: bigint): Tnum => ({ value, mask });
export const tnumConst = (value: bigint): Tnum => ({ value: BigInt.asUintN(64, value), mask: 0n });
export const TNUM_UNKNOWN: Tnum = { value: 0n, mask: MASK64 };

export const isConst = (t: Tnum): boolean => t.mask === 0n;

/** Number of bits up to and including the highest set one. */
export function bitLength(value: bigint): number {
  const high = Number(value >> 32n);
  return high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(Number(value & U32));
}

/** The smallest tnum that holds every number from min to max (unsigned). */
export function tnumRange(min: bigint, max: bigint): Tnum {
  const bits = bitLength(min ^ max);
  if (bits > 63) return TNUM_UNKNOWN;
  const delta = (1n << BigInt(bits)) - 1n;
  return { value: min & ~delta, mask: delta };
}

export function tnumAdd(a: Tnum, b: Tnum): Tnum {
  if (a.mask === 0n && b.mask === 0n) return { value: (a.value + b.value) & MASK64, mask: 0n };
  const sum = a.value + b.value;
  // Carries that may or may not happen show as the difference between the smallest and the largest sum.
  const carries = (sum + a.mask + b.mask) ^ sum;
  const mask = (carries | a.mask | b.mask) & MASK64;
  return { value: sum & ~mask & MASK64, mask };
}

export function tnumSub(a: Tnum, b: Tnum): Tnum {
  if (a.mask === 0n && b.mask === 0n) return { value: (a.value - b.value) & MASK64, mask: 0n };
  const difference = a.value - b.value;
  const borrows = (difference + a.mask) ^ (difference - b.mask);
  const mask = (borrows | a.mask | b.mask) & MASK64;
  return { value: difference & ~mask & MASK64, mask };
}

export function tnumAnd(a: Tnum, b: Tnum): Tnum {
  const value = a.value & b.value;
  return { value, mask: (a.value | a.mask) & (b.value | b.mask) & ~value };
}

export function tnumOr(a: Tnum, b: Tnum): Tnum {
  const value = a.value | b.value;
  return { value, mask: (a.mask | b.mask) & ~value };
}

export function tnumXor(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask | b.mask;
  return { value: (a.value ^ b.value) & ~mask, mask };
}

/** What is known when the number is in a or in b. */
export function tnumUnion(a: Tnum, b: Tnum): Tnum {
  const mask = (a.value ^ b.value) | a.mask | b.mask;
  return { value: a.value & b.value & ~mask, mask };
}

/** What is known when the number is in both. A contradiction keeps the ones of either. */
export function tnumIntersect(a: Tnum, b: Tnum): Tnum {
  const mask = a.mask & b.mask;
  return { value: (a.value | b.value) & ~mask, mask };
}

/** Whether some number is in both. */
export const tnumOverlap = (a: Tnum, b: Tnum): boolean => ((a.value ^ b.value) & ~(a.mask | b.mask)) === 0n;

/** Whether every number of b is in a. */
export const tnumIn = (a: Tnum, b: Tnum): boolean => (b.mask & ~a.mask) === 0n && a.value === (b.value & ~a.mask);

export const tnumLsh = (a: Tnum, shift: bigint): Tnum => ({ value: (a.value << shift) & MASK64, mask: (a.mask << shift) & MASK64 });
export const tnumRsh = (a: Tnum, shift: bigint): Tnum => ({ value: a.value >> shift, mask: a.mask >> shift });

/** Arithmetic shift right of a number of `bits` (32 or 64) bits; the result of 32 bits has zeros above. */
export function tnumArsh(a: Tnum, shift: bigint, bits: 32 | 64): Tnum {
  return {
    value: BigInt.asUintN(bits, BigInt.asIntN(bits, a.value) >> shift),
    mask: BigInt.asUintN(bits, BigInt.asIntN(bits, a.mask) >> shift),
  };
}

/**
 * Long multiplication, bit by bit of a: a known one adds b, an unknown bit joins both outcomes.
 * This is the precision that Linux 6.18 has; older kernels lose a little more.
 */
export function tnumMul(a: Tnum, b: Tnum): Tnum {
  let { value, mask } = a;
  let partial = b;
  let sum: Tnum = { value: 0n, mask: 0n };
  while (value !== 0n || mask !== 0n) {
    if (value & 1n) sum = tnumAdd(sum, partial);
    else if (mask & 1n) sum = tnumUnion(sum, tnumAdd(sum, partial));
    value >>= 1n;
    mask >>= 1n;
    partial = tnumLsh(partial, 1n);
  }
  return sum;
}

/** The low `bytes` bytes, zeros above. */
export function tnumCast(a: Tnum, bytes: number): Tnum {
  const bits = bytes * 8;
  return { value: BigInt.asUintN(bits, a.value), mask: BigInt.asUintN(bits, a.mask) };
}

export const tnumSubreg = (a: Tnum): Tnum => ({ value: a.value & U32, mask: a.mask & U32 });
/** a's upper half with b's lower half. */
export const tnumWithSubreg = (a: Tnum, b: Tnum): Tnum => ({ value: (a.value & ~U32) | (b.value & U32), mask: (a.mask & ~U32) | (b.mask & U32) });
export const subregIsConst = (a: Tnum): boolean => (a.mask & U32) === 0n;

/** Whether the number is surely a multiple of `alignment` (a power of two). */
export const tnumIsAligned = (a: Tnum, alignment: bigint): boolean => ((a.value | a.mask) & (alignment - 1n)) === 0n;

/** `0x…` without leading zeros, also for 0, as the kernel's %#llx prints it. */
export const hexadecimal = (value: bigint): string => `0x${value.toString(16)}`;

/** As the log prints it: a known small number in decimal, others in hexadecimal, unknown bits as `(value; mask)`. */
export function formatTnum(t: Tnum): string {
  if (t.mask === 0n) return t.value <= 0xffffn ? String(t.value) : hexadecimal(t.value);
  return `(${hexadecimal(t.value)}; ${hexadecimal(t.mask)})`;
}
