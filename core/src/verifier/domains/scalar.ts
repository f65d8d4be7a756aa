// What is known about a number in a register: bits (tnum) and ranges, 64 and 32 bits wide, signed and unsigned.
// A Scalar is never changed once it is in a register, so states share it and comparing references is a fast path;
// operations copy it to a draft, change that, and `settle` it, which lets the five views teach each other.

import { asS64, asU64, MASK64 } from '#core/bytes';
import { hexadecimal, isConst, subregIsConst, tnumCast, tnumIntersect, tnumOr, tnumRange, type Tnum } from './tnum.ts';

export const S64_MIN = -0x8000_0000_0000_0000n;
export const S64_MAX = 0x7fff_ffff_ffff_ffffn;
export const U64_MAX = MASK64;
export const S32_MIN = -0x8000_0000;
export const S32_MAX = 0x7fff_ffff;
export const U32_MAX = 0xffff_ffff;
const U32_MASK = 0xffff_ffffn;
const HIGH_MASK = 0xffff_ffff_0000_0000n;

/** Low 32 bits, unsigned. */
export const low32 = (value: bigint): number => Number(BigInt.asUintN(32, value));
/** Low 32 bits, signed. */
export const lowSigned32 = (value: bigint): number => Number(BigInt.asIntN(32, value));

export class Scalar {
  constructor(
    /** Known one bits, and unknown bits: the fields of a Tnum. */
    public value: bigint,
    public mask: bigint,
    public umin: bigint,
    public umax: bigint,
    public smin: bigint,
    public smax: bigint,
    public u32min: number,
    public u32max: number,
    public s32min: number,
    public s32max: number,
  ) {}

  draft(): Scalar {
    return new Scalar(this.value, this.mask, this.umin, this.umax, this.smin, this.smax, this.u32min, this.u32max, this.s32min, this.s32max);
  }
}

export const makeUnknown = (): Scalar => new Scalar(0n, U64_MAX, 0n, U64_MAX, S64_MIN, S64_MAX, 0, U32_MAX, S32_MIN, S32_MAX);
export const UNKNOWN: Scalar = makeUnknown();

const newConstant = (u64: bigint): Scalar => {
  const s64 = asS64(u64);
  const u32 = low32(u64);
  return new Scalar(u64, 0n, u64, u64, s64, s64, u32, u32, u32 | 0, u32 | 0);
};
const SMALL_CONSTANTS = Array.from({ length: 1024 }, (_, i) => newConstant(BigInt(i)));
export const ZERO: Scalar = SMALL_CONSTANTS[0]!;

/** The number itself; any bigint, taken modulo 2^64. */
export function constant(value: bigint): Scalar {
  const u64 = asU64(value);
  return u64 < 1024n ? SMALL_CONSTANTS[Number(u64)]! : newConstant(u64);
}
/** The number as a sign-extended 32-bit immediate. */
export const immediate = (imm: number): Scalar => (imm >= 0 && imm < 1024 ? SMALL_CONSTANTS[imm]! : newConstant(asU64(BigInt(imm))));
/** The immediate zero-extended, as the 32-bit classes do. */
export const immediate32 = (imm: number): Scalar => (imm >= 0 && imm < 1024 ? SMALL_CONSTANTS[imm]! : newConstant(BigInt(imm >>> 0)));

export const isConstant = (s: Scalar): boolean => s.mask === 0n;
export const isConstant32 = (s: Scalar): boolean => subregIsConst(s);
export const isZero = (s: Scalar): boolean => s.mask === 0n && s.value === 0n;
/** Bits that the largest value takes. */
export const widthOf = (s: Scalar): number => (s.umax === 0n ? 0 : s.umax.toString(2).length);
export const fitsBits = (s: Scalar, bits: number): boolean => bits >= 64 || s.umax < 1n << BigInt(bits);

export function setTnum(s: Scalar, t: Tnum): void {
  s.value = t.value;
  s.mask = t.mask;
}

export function setConstant(s: Scalar, value: bigint): void {
  const u64 = asU64(value);
  s.value = u64;
  s.mask = 0n;
  s.umin = s.umax = u64;
  s.smin = s.smax = asS64(u64);
  s.u32min = s.u32max = low32(u64);
  s.s32min = s.s32max = s.u32min | 0;
}

export function setConstant32(s: Scalar, value: number): void {
  s.value = (s.value & HIGH_MASK) | BigInt(value >>> 0);
  s.mask &= HIGH_MASK;
  s.u32min = s.u32max = value >>> 0;
  s.s32min = s.s32max = value | 0;
}

export function unbound64(s: Scalar): void {
  s.smin = S64_MIN;
  s.smax = S64_MAX;
  s.umin = 0n;
  s.umax = U64_MAX;
}

export function unbound32(s: Scalar): void {
  s.s32min = S32_MIN;
  s.s32max = S32_MAX;
  s.u32min = 0;
  s.u32max = U32_MAX;
}

export function unbound(s: Scalar): void {
  unbound64(s);
  unbound32(s);
}

/** The bits narrow the 32-bit ranges. */
export function boundsFromBits32(s: Scalar): void {
  const value = low32(s.value);
  const mask = low32(s.mask);
  const s32min = value | (mask & S32_MIN);
  const s32max = value | (mask & S32_MAX);
  const u32max = (value | mask) >>> 0;
  if (s32min > s.s32min) s.s32min = s32min;
  if (s32max < s.s32max) s.s32max = s32max;
  if (value > s.u32min) s.u32min = value;
  if (u32max < s.u32max) s.u32max = u32max;
}

/** The bits narrow all ranges. */
export function boundsFromBits(s: Scalar): void {
  boundsFromBits32(s);
  const smin = asS64(s.value | (s.mask & 0x8000_0000_0000_0000n));
  const smax = asS64(s.value | (s.mask & S64_MAX));
  const umax = s.value | s.mask;
  if (smin > s.smin) s.smin = smin;
  if (smax < s.smax) s.smax = smax;
  if (s.value > s.umin) s.umin = s.value;
  if (umax < s.umax) s.umax = umax;
}

const narrowU32 = (s: Scalar, min: number, max: number): void => {
  if (min > s.u32min) s.u32min = min;
  if (max < s.u32max) s.u32max = max;
};
const narrowS32 = (s: Scalar, min: number, max: number): void => {
  if (min > s.s32min) s.s32min = min;
  if (max < s.s32max) s.s32max = max;
};
const narrowU64 = (s: Scalar, min: bigint, max: bigint): void => {
  if (min > s.umin) s.umin = min;
  if (max < s.umax) s.umax = max;
};
const narrowS64 = (s: Scalar, min: bigint, max: bigint): void => {
  if (min > s.smin) s.smin = min;
  if (max < s.smax) s.smax = max;
};

/** What the 64-bit ranges say about the low half, and the 32-bit ranges about each other. */
function deduce32(s: Scalar): void {
  const uminHigh = Number(s.umin >> 32n);
  const umaxHigh = Number(s.umax >> 32n);
  const uminLow = low32(s.umin);
  const umaxLow = low32(s.umax);
  if (uminHigh === umaxHigh) {
    // Within one 4 GiB window the low half moves without wrapping.
    narrowU32(s, uminLow, umaxLow);
    if ((uminLow | 0) <= (umaxLow | 0)) narrowS32(s, uminLow | 0, umaxLow | 0);
  }
  const sminHigh = Number(s.smin >> 32n);
  const smaxHigh = Number(s.smax >> 32n);
  const sminLow = low32(s.smin);
  const smaxLow = low32(s.smax);
  if (sminHigh === smaxHigh) {
    if (sminLow <= smaxLow) narrowU32(s, sminLow, smaxLow);
    if ((sminLow | 0) <= (smaxLow | 0)) narrowS32(s, sminLow | 0, smaxLow | 0);
  }
  // Two neighbouring windows, entered in the negative half and left in the positive one: signed still does not wrap.
  if ((uminHigh + 1) >>> 0 === umaxHigh && (uminLow | 0) < 0 && (umaxLow | 0) >= 0) narrowS32(s, uminLow | 0, umaxLow | 0);
  if ((sminHigh + 1) >>> 0 === smaxHigh >>> 0 && (sminLow | 0) < 0 && (smaxLow | 0) >= 0) narrowS32(s, sminLow | 0, smaxLow | 0);
  if ((s.u32min | 0) <= (s.u32max | 0)) narrowS32(s, s.u32min | 0, s.u32max | 0);
  if (s.s32min >>> 0 <= s.s32max >>> 0) narrowU32(s, s.s32min >>> 0, s.s32max >>> 0);
  else if (s.u32max < s.s32min >>> 0) {
    // The signed range wraps in unsigned terms, and the unsigned range touches only its non-negative part.
    s.s32min = s.u32min | 0;
    s.u32max = Math.min(s.u32max, s.s32max >>> 0);
  } else if (s.s32max >>> 0 < s.u32min) {
    s.s32max = s.u32max | 0;
    s.u32min = Math.max(s.u32min, s.s32min >>> 0);
  }
}

/** The same between the signed and unsigned 64-bit ranges. */
function deduce64(s: Scalar): void {
  const uminSigned = asS64(s.umin);
  const umaxSigned = asS64(s.umax);
  if (uminSigned <= umaxSigned) narrowS64(s, uminSigned, umaxSigned);
  const sminUnsigned = asU64(s.smin);
  const smaxUnsigned = asU64(s.smax);
  if (sminUnsigned <= smaxUnsigned) narrowU64(s, sminUnsigned, smaxUnsigned);
  else if (s.umax < sminUnsigned) {
    s.smin = asS64(s.umin);
    if (smaxUnsigned < s.umax) s.umax = smaxUnsigned;
  } else if (smaxUnsigned < s.umin) {
    s.smax = asS64(s.umax);
    if (sminUnsigned > s.umin) s.umin = sminUnsigned;
  }
}

/** What the 32-bit ranges say about the 64-bit ones: the ends of a range may not lie outside them in their low half. */
function deduceMixed(s: Scalar): void {
  const u32min = BigInt(s.u32min);
  const u32max = BigInt(s.u32max);
  narrowU64(s, (s.umin & HIGH_MASK) | u32min, (s.umax & HIGH_MASK) | u32max);
  narrowS64(s, asS64((asU64(s.smin) & HIGH_MASK) | u32min), asS64((asU64(s.smax) & HIGH_MASK) | u32max));
  if (s.s32min >>> 0 <= s.s32max >>> 0) {
    const min = BigInt(s.s32min >>> 0);
    const max = BigInt(s.s32max >>> 0);
    narrowU64(s, (s.umin & HIGH_MASK) | min, (s.umax & HIGH_MASK) | max);
    narrowS64(s, asS64((asU64(s.smin) & HIGH_MASK) | min), asS64((asU64(s.smax) & HIGH_MASK) | max));
  }
  // A number that fits 32 signed bits and whose low half is not negative is its low half.
  if (s.s32min >= 0 && s.smin >= BigInt(S32_MIN) && s.smax <= BigInt(S32_MAX)) {
    s.smin = s.umin = BigInt(s.s32min);
    s.smax = s.umax = BigInt(s.s32max);
    // A contradictory branch can leave negative ends here; the unsigned view of them is what the kernel keeps.
    s.umin = asU64(s.umin);
    s.umax = asU64(s.umax);
    setTnum(s, tnumIntersect(s, tnumRange(asU64(s.smin), asU64(s.smax))));
  }
}

/** One round; false when it found nothing, so that another would not either. */
function deduce(s: Scalar): boolean {
  const { value, mask, umin, umax, smin, smax, u32min, u32max, s32min, s32max } = s;
  deduce32(s);
  deduce64(s);
  deduceMixed(s);
  return (
    s.u32min !== u32min || s.u32max !== u32max || s.s32min !== s32min || s.s32max !== s32max ||
    s.umin !== umin || s.umax !== umax || s.smin !== smin || s.smax !== smax || s.value !== value || s.mask !== mask
  );
}

/** The ranges narrow the bits. */
function bitsFromBounds(s: Scalar): void {
  const bits64 = tnumIntersect(s, tnumRange(s.umin, s.umax));
  const bits32 = tnumIntersect(tnumCast(bits64, 4), tnumRange(BigInt(s.u32min), BigInt(s.u32max)));
  setTnum(s, tnumOr({ value: bits64.value & HIGH_MASK, mask: bits64.mask & HIGH_MASK }, bits32));
}

/** Lets bits and ranges teach each other, in the kernel's order and number of rounds, since the order decides what is found. */
export function settle(s: Scalar): Scalar {
  if (s.mask === 0n && s.umin === s.value && s.umax === s.value && s.smin === s.smax && asU64(s.smin) === s.value) {
    const low = low32(s.value);
    if (s.u32min <= low && low <= s.u32max && s.s32min <= (low | 0) && (low | 0) <= s.s32max) {
      s.u32min = s.u32max = low;
      s.s32min = s.s32max = low | 0;
      return s;
    }
  }
  boundsFromBits(s);
  if (deduce(s) && deduce(s)) deduce(s);
  bitsFromBounds(s);
  boundsFromBits(s);
  return s;
}

/** Why the ranges contradict each other, in the kernel's words; undefined when they do not. */
export function contradiction(s: Scalar): string | undefined {
  if (s.umin > s.umax || s.smin > s.smax || s.u32min > s.u32max || s.s32min > s.s32max) return 'range bounds violation';
  if (isConst(s) && (s.umin !== s.value || s.umax !== s.value || s.smin !== asS64(s.value) || s.smax !== asS64(s.value))) {
    return 'const tnum out of sync with range bounds';
  }
  if (subregIsConst(s)) {
    const u32 = low32(s.value);
    if (s.u32min !== u32 || s.u32max !== u32 || s.s32min !== (u32 | 0) || s.s32max !== (u32 | 0)) return 'const subreg tnum out of sync with range bounds';
  }
  return undefined;
}

/** A 32-bit result in a 64-bit register: the upper half becomes zero. The caller settles. */
export function zeroExtend32(s: Scalar): void {
  setTnum(s, tnumCast(s, 4));
  s.umin = BigInt(s.u32min);
  s.umax = BigInt(s.u32max);
  if (s.s32min >= 0 && s.s32max >= 0) {
    s.smin = BigInt(s.s32min);
    s.smax = BigInt(s.s32max);
  } else {
    s.smin = 0n;
    s.smax = U32_MASK;
  }
}

/** The value after a load of `bytes` (1, 2 or 4) bytes. */
export function truncate(source: Scalar, bytes: number): Scalar {
  if (source === UNKNOWN) return UNKNOWN_OF_BYTES[bytes]!;
  const s = source.draft();
  setTnum(s, tnumCast(s, bytes));
  const mask = (1n << BigInt(bytes * 8)) - 1n;
  if ((s.umin & ~mask) === (s.umax & ~mask)) {
    s.umin &= mask;
    s.umax &= mask;
  } else {
    s.umin = 0n;
    s.umax = mask;
  }
  s.smin = s.umin;
  s.smax = s.umax;
  // Ranges of the low half stay true only where the whole half is kept.
  if (bytes < 4) unbound32(s);
  return settle(s);
}

const UNKNOWN_OF_BYTES: Record<number, Scalar> = {};
for (const bytes of [1, 2, 4]) UNKNOWN_OF_BYTES[bytes] = truncate(makeUnknown(), bytes);

/** The low `bytes` bytes in reverse order, zeros above. Ranges are found again from the bits. */
export function byteSwap(source: Scalar, bytes: number): Scalar {
  const s = makeUnknown();
  s.value = reverseBytes(source.value, bytes);
  s.mask = reverseBytes(source.mask, bytes);
  return settle(s);
}

function reverseBytes(value: bigint, bytes: number): bigint {
  let result = 0n;
  for (let i = 0; i < bytes; i++) result = (result << 8n) | ((value >> BigInt(i * 8)) & 0xffn);
  return result;
}

/** The value after a sign-extending load or move of `bytes` (1, 2 or 4) bytes to 64 bits. */
export function signExtend(source: Scalar, bytes: number): Scalar {
  const bits = bytes * 8;
  if (isConstant(source)) return constant(BigInt.asIntN(bits, source.value));
  const s = source.draft();
  const shift = BigInt(bits);
  if (s.smin >> shift === s.smax >> shift) {
    const a = BigInt.asIntN(bits, s.smin);
    const b = BigInt.asIntN(bits, s.smax);
    const min = a < b ? a : b;
    const max = a < b ? b : a;
    if (min >= 0n === max >= 0n) {
      s.smin = min;
      s.smax = max;
      s.umin = asU64(min);
      s.umax = asU64(max);
      s.s32min = lowSigned32(min);
      s.s32max = lowSigned32(max);
      s.u32min = low32(min);
      s.u32max = low32(max);
      setTnum(s, tnumRange(asU64(min), asU64(max)));
      return s;
    }
  }
  s.smax = (1n << (shift - 1n)) - 1n;
  s.smin = -s.smax - 1n;
  s.s32min = Number(s.smin);
  s.s32max = Number(s.smax);
  s.umin = 0n;
  s.umax = U64_MAX;
  s.u32min = 0;
  s.u32max = U32_MAX;
  s.value = 0n;
  s.mask = U64_MAX;
  return s;
}

/** The same for a 32-bit move of 1 or 2 bytes: only the low half is meant; the caller zero-extends and settles. */
export function signExtend32(s: Scalar, bytes: number): void {
  const bits = bytes * 8;
  if (isConst(s)) {
    const low = Number(BigInt.asIntN(bits, s.value));
    setTnum(s, { value: asU64(BigInt(low)), mask: 0n });
    s.s32min = s.s32max = low | 0;
    s.u32min = s.u32max = low >>> 0;
    return;
  }
  if (s.s32min >> bits === s.s32max >> bits) {
    const a = (s.s32min << (32 - bits)) >> (32 - bits);
    const b = (s.s32max << (32 - bits)) >> (32 - bits);
    const min = Math.min(a, b);
    const max = Math.max(a, b);
    if (min >= 0 === max >= 0) {
      s.s32min = min;
      s.s32max = max;
      s.u32min = min >>> 0;
      s.u32max = max >>> 0;
      setTnum(s, tnumCast(tnumRange(asU64(BigInt(min)), asU64(BigInt(max))), 4));
      return;
    }
  }
  s.s32max = 2 ** (bits - 1) - 1;
  s.s32min = -s.s32max - 1;
  s.u32min = 0;
  s.u32max = U32_MAX;
  s.value = 0n;
  s.mask = U32_MASK;
}

/** A scalar known to lie in [min, max] as a signed 32-bit return value that helpers sign-extend to 64 bits. */
export function rangeS64(min: bigint, max: bigint): Scalar {
  const s = makeUnknown();
  s.smin = min;
  s.smax = max;
  return settle(s);
}

/** Whether everything that `cur` can be is covered by `old`, by ranges alone. */
export function within(old: Scalar, cur: Scalar): boolean {
  return (
    old === cur ||
    (old.umin <= cur.umin &&
      old.umax >= cur.umax &&
      old.smin <= cur.smin &&
      old.smax >= cur.smax &&
      old.u32min <= cur.u32min &&
      old.u32max >= cur.u32max &&
      old.s32min <= cur.s32min &&
      old.s32max >= cur.s32max)
  );
}

export function sameScalar(a: Scalar, b: Scalar): boolean {
  return (
    a === b ||
    (a.value === b.value &&
      a.mask === b.mask &&
      a.umin === b.umin &&
      a.umax === b.umax &&
      a.smin === b.smin &&
      a.smax === b.smax &&
      a.u32min === b.u32min &&
      a.u32max === b.u32max &&
      a.s32min === b.s32min &&
      a.s32max === b.s32max)
  );
}

/** %lld of small numbers, %#llx of others, as the log prints signed values. */
export const formatSigned = (value: bigint): string => (value >= -0x8000n && value <= 0x7fffn ? String(value) : hexadecimal(asU64(value)));
export const formatUnsigned = (value: bigint): string => (value <= 0xffffn ? String(value) : hexadecimal(value));
