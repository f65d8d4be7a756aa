// What is known about a number in a register: bits (tnum) and ranges, 64 and 32 bits wide, signed and unsigned.
// A Scalar is never changed once it is in a register, so states share it and comparing references is a fast path;
// operations copy it to a draft, change that, and `settle` it, which lets the five views teach each other.

import { asU64, MASK64 } from '#core/bytes';
import {
  bitLength,
  highHalf,
  lowHalf,
  onesHigh,
  onesLow,
  signedLess,
  toNumber,
  toSigned,
  toUnsigned,
  toUnsignedNumber,
  unsignedLess,
} from './halves.ts';
import { hexadecimal, type Tnum } from './tnum.ts';

export const S64_MIN = -0x8000_0000_0000_0000n;
export const S64_MAX = 0x7fff_ffff_ffff_ffffn;
export const U64_MAX = MASK64;
export const S32_MIN = -0x8000_0000;
export const S32_MAX = 0x7fff_ffff;
export const U32_MAX = 0xffff_ffff;

/** Fields are int32 throughout (see halves.ts); the 64-bit ends as bigints, and the unsigned 32-bit ones, are read and written by accessors. */
export class Scalar {
  constructor(
    /** Known one bits, and unknown bits: the fields of a Tnum. */
    public valueHigh: number,
    public valueLow: number,
    public maskHigh: number,
    public maskLow: number,
    public uminHigh: number,
    public uminLow: number,
    public umaxHigh: number,
    public umaxLow: number,
    public sminHigh: number,
    public sminLow: number,
    public smaxHigh: number,
    public smaxLow: number,
    public u32minBits: number,
    public u32maxBits: number,
    public s32min: number,
    public s32max: number,
  ) {}

  draft(): Scalar {
    return new Scalar(
      this.valueHigh,
      this.valueLow,
      this.maskHigh,
      this.maskLow,
      this.uminHigh,
      this.uminLow,
      this.umaxHigh,
      this.umaxLow,
      this.sminHigh,
      this.sminLow,
      this.smaxHigh,
      this.smaxLow,
      this.u32minBits,
      this.u32maxBits,
      this.s32min,
      this.s32max,
    );
  }

  get value(): bigint {
    return toUnsigned(this.valueHigh, this.valueLow);
  }
  set value(value: bigint) {
    this.valueHigh = highHalf(value);
    this.valueLow = lowHalf(value);
  }
  get mask(): bigint {
    return toUnsigned(this.maskHigh, this.maskLow);
  }
  set mask(value: bigint) {
    this.maskHigh = highHalf(value);
    this.maskLow = lowHalf(value);
  }
  get umin(): bigint {
    return toUnsigned(this.uminHigh, this.uminLow);
  }
  set umin(value: bigint) {
    this.uminHigh = highHalf(value);
    this.uminLow = lowHalf(value);
  }
  get umax(): bigint {
    return toUnsigned(this.umaxHigh, this.umaxLow);
  }
  set umax(value: bigint) {
    this.umaxHigh = highHalf(value);
    this.umaxLow = lowHalf(value);
  }
  get smin(): bigint {
    return toSigned(this.sminHigh, this.sminLow);
  }
  set smin(value: bigint) {
    this.sminHigh = highHalf(value);
    this.sminLow = lowHalf(value);
  }
  get smax(): bigint {
    return toSigned(this.smaxHigh, this.smaxLow);
  }
  set smax(value: bigint) {
    this.smaxHigh = highHalf(value);
    this.smaxLow = lowHalf(value);
  }
  get u32min(): number {
    return this.u32minBits >>> 0;
  }
  set u32min(value: number) {
    this.u32minBits = value | 0;
  }
  get u32max(): number {
    return this.u32maxBits >>> 0;
  }
  set u32max(value: number) {
    this.u32maxBits = value | 0;
  }

  // As doubles: exact up to 2^53, and on the right side of every smaller number beyond that. Cheaper than the bigints.
  get signedValueNumber(): number {
    return toNumber(this.valueHigh, this.valueLow);
  }
  get sminNumber(): number {
    return toNumber(this.sminHigh, this.sminLow);
  }
  get smaxNumber(): number {
    return toNumber(this.smaxHigh, this.smaxLow);
  }
  get umaxNumber(): number {
    return toUnsignedNumber(this.umaxHigh, this.umaxLow);
  }
}

export const makeUnknown = (): Scalar => new Scalar(0, 0, -1, -1, 0, 0, -1, -1, S32_MIN, 0, S32_MAX, -1, 0, -1, S32_MIN, S32_MAX);
export const UNKNOWN: Scalar = makeUnknown();

const newConstant = (high: number, low: number): Scalar =>
  new Scalar(high, low, 0, 0, high, low, high, low, high, low, high, low, low, low, low, low);
const SMALL_CONSTANTS = Array.from({ length: 1024 }, (_, i) => newConstant(0, i));
export const ZERO: Scalar = SMALL_CONSTANTS[0]!;

/** The number with these halves. */
export const constantOfHalves = (high: number, low: number): Scalar =>
  high === 0 && low >= 0 && low < 1024 ? SMALL_CONSTANTS[low]! : newConstant(high, low);
/** The number itself; any bigint, taken modulo 2^64. */
export const constant = (value: bigint): Scalar => constantOfHalves(highHalf(value), lowHalf(value));
/** The number as a sign-extended 32-bit immediate. */
export const immediate = (imm: number): Scalar => constantOfHalves(imm >> 31, imm | 0);
/** The immediate zero-extended, as the 32-bit classes do. */
export const immediate32 = (imm: number): Scalar => constantOfHalves(0, imm | 0);

export const isConstant = (s: Scalar): boolean => (s.maskHigh | s.maskLow) === 0;
export const isConstant32 = (s: Scalar): boolean => s.maskLow === 0;
export const isZero = (s: Scalar): boolean => (s.maskHigh | s.maskLow | s.valueHigh | s.valueLow) === 0;
/** Whether the largest value takes no more than `bits` (at most 64) bits. */
export const fitsBits = (s: Scalar, bits: number): boolean => bitLength(s.umaxHigh, s.umaxLow) <= bits;

export function setTnum(s: Scalar, t: Tnum): void {
  s.value = t.value;
  s.mask = t.mask;
}

/** The known bits become those of the halves, and no bit is unknown. */
function setValue(s: Scalar, high: number, low: number): void {
  s.valueHigh = high;
  s.valueLow = low;
  s.maskHigh = s.maskLow = 0;
}

function setRangeU64(s: Scalar, minHigh: number, minLow: number, maxHigh: number, maxLow: number): void {
  s.uminHigh = minHigh;
  s.uminLow = minLow;
  s.umaxHigh = maxHigh;
  s.umaxLow = maxLow;
}

function setRangeS64(s: Scalar, minHigh: number, minLow: number, maxHigh: number, maxLow: number): void {
  s.sminHigh = minHigh;
  s.sminLow = minLow;
  s.smaxHigh = maxHigh;
  s.smaxLow = maxLow;
}

export function setConstantHalves(s: Scalar, high: number, low: number): void {
  setValue(s, high, low);
  setRangeU64(s, high, low, high, low);
  setRangeS64(s, high, low, high, low);
  s.u32minBits = s.u32maxBits = s.s32min = s.s32max = low;
}

export const setConstant = (s: Scalar, value: bigint): void => setConstantHalves(s, highHalf(value), lowHalf(value));

export function setConstant32(s: Scalar, value: number): void {
  s.valueLow = value | 0;
  s.maskLow = 0;
  s.u32minBits = s.u32maxBits = s.s32min = s.s32max = value | 0;
}

export const unboundU64 = (s: Scalar): void => setRangeU64(s, 0, 0, -1, -1);
export const unboundS64 = (s: Scalar): void => setRangeS64(s, S32_MIN, 0, S32_MAX, -1);

export function unbound64(s: Scalar): void {
  unboundS64(s);
  unboundU64(s);
}

export function unbound32(s: Scalar): void {
  s.s32min = S32_MIN;
  s.s32max = S32_MAX;
  s.u32minBits = 0;
  s.u32maxBits = -1;
}

export function unbound(s: Scalar): void {
  unbound64(s);
  unbound32(s);
}

const narrowU32 = (s: Scalar, min: number, max: number): void => {
  if (min >>> 0 > s.u32minBits >>> 0) s.u32minBits = min;
  if (max >>> 0 < s.u32maxBits >>> 0) s.u32maxBits = max;
};
const narrowS32 = (s: Scalar, min: number, max: number): void => {
  if (min > s.s32min) s.s32min = min;
  if (max < s.s32max) s.s32max = max;
};
const narrowU64 = (s: Scalar, minHigh: number, minLow: number, maxHigh: number, maxLow: number): void => {
  if (unsignedLess(s.uminHigh, s.uminLow, minHigh, minLow)) {
    s.uminHigh = minHigh;
    s.uminLow = minLow;
  }
  if (unsignedLess(maxHigh, maxLow, s.umaxHigh, s.umaxLow)) {
    s.umaxHigh = maxHigh;
    s.umaxLow = maxLow;
  }
};
const narrowS64 = (s: Scalar, minHigh: number, minLow: number, maxHigh: number, maxLow: number): void => {
  if (signedLess(s.sminHigh, s.sminLow, minHigh, minLow)) {
    s.sminHigh = minHigh;
    s.sminLow = minLow;
  }
  if (signedLess(maxHigh, maxLow, s.smaxHigh, s.smaxLow)) {
    s.smaxHigh = maxHigh;
    s.smaxLow = maxLow;
  }
};

/** The bits narrow the 32-bit ranges. */
export function boundsFromBits32(s: Scalar): void {
  const { valueLow, maskLow } = s;
  narrowS32(s, valueLow | (maskLow & S32_MIN), valueLow | (maskLow & S32_MAX));
  narrowU32(s, valueLow, valueLow | maskLow);
}

/** The bits narrow all ranges. */
export function boundsFromBits(s: Scalar): void {
  boundsFromBits32(s);
  const { valueHigh, valueLow, maskHigh, maskLow } = s;
  narrowS64(s, valueHigh | (maskHigh & S32_MIN), valueLow, valueHigh | (maskHigh & S32_MAX), valueLow | maskLow);
  narrowU64(s, valueHigh, valueLow, valueHigh | maskHigh, valueLow | maskLow);
  // With all unknown bits at the bottom every number of the range is possible, and bits say no more than the range.
  const atBottom = maskHigh === 0 ? (maskLow & (maskLow + 1)) === 0 : maskLow === -1 && (maskHigh & (maskHigh + 1)) === 0;
  if (apart) return;
  if (!atBottom || unsignedLess(s.umaxHigh, s.umaxLow, s.uminHigh, s.uminLow)) takeOnlyMember(s);
}

// What stepFrom found.
let stepHigh = 0;
let stepLow = 0;

/** Finds the smallest number with the bits of s that is larger than the one given; the largest one where there is none (tnum_step). */
function stepFrom(s: Scalar, high: number, low: number): void {
  const { valueHigh, valueLow, maskHigh, maskLow } = s;
  stepHigh = valueHigh | maskHigh;
  stepLow = valueLow | maskLow;
  if (!unsignedLess(high, low, stepHigh, stepLow)) return;
  stepHigh = valueHigh;
  stepLow = valueLow;
  if (unsignedLess(high, low, valueHigh, valueLow)) return;
  // Where the number's known bits first are others than they must be, and all bits from there on.
  const wrong = bitLength((high & ~maskHigh) ^ valueHigh, (low & ~maskLow) ^ valueLow);
  const belowHigh = onesHigh(wrong);
  const belowLow = onesLow(wrong);
  const tooSmall = wrong > 32 ? (valueHigh >>> (wrong - 33)) & 1 : wrong > 0 ? (valueLow >>> (wrong - 1)) & 1 : 0;
  if (tooSmall) {
    // The bits above stay.
    stepHigh |= high & maskHigh & ~belowHigh;
    stepLow |= low & maskLow & ~belowLow;
    return;
  }
  // Too large there, or right everywhere: the unknown bits above count on by one.
  const counted = ((low | ~maskLow | belowLow) + 1) | 0;
  stepHigh |= ((high | ~maskHigh | belowHigh) + (counted === 0 ? 1 : 0)) & maskHigh;
  stepLow |= counted & maskLow;
}

/** Where bits and unsigned range have one number in common, it is that number (__update_reg64_bounds). */
function takeOnlyMember(s: Scalar): void {
  const { valueHigh, valueLow, maskHigh, maskLow, uminHigh, uminLow, umaxHigh, umaxLow } = s;
  if ((maskHigh | maskLow) === 0) return;
  const lastHigh = valueHigh | maskHigh;
  const lastLow = valueLow | maskLow;
  // The range that the bits themselves give has two numbers at least.
  if (uminLow === valueLow && uminHigh === valueHigh && umaxLow === lastLow && umaxHigh === lastHigh) return;
  const minIsMember = (uminHigh & ~maskHigh) === valueHigh && (uminLow & ~maskLow) === valueLow;
  stepFrom(s, uminHigh, uminLow);
  const nextIsBeyond = unsignedLess(umaxHigh, umaxLow, stepHigh, stepLow);
  if (minIsMember) {
    if (nextIsBeyond) setConstantHalves(s, uminHigh, uminLow);
    return;
  }
  if (stepHigh === lastHigh && stepLow === lastLow) {
    setConstantHalves(s, lastHigh, lastLow);
    return;
  }
  if (nextIsBeyond) return;
  const nextHigh = stepHigh;
  const nextLow = stepLow;
  stepFrom(s, nextHigh, nextLow);
  if (unsignedLess(umaxHigh, umaxLow, stepHigh, stepLow)) setConstantHalves(s, nextHigh, nextLow);
}

/** What the 64-bit ranges say about the low half, and the 32-bit ranges about each other. */
function deduce32(s: Scalar): void {
  const { uminHigh, uminLow, umaxHigh, umaxLow, sminHigh, sminLow, smaxHigh, smaxLow } = s;
  if (uminHigh === umaxHigh) {
    // Within one 4 GiB window the low half moves without wrapping.
    narrowU32(s, uminLow, umaxLow);
    if (uminLow <= umaxLow) narrowS32(s, uminLow, umaxLow);
  }
  if (sminHigh === smaxHigh) {
    if (sminLow >>> 0 <= smaxLow >>> 0) narrowU32(s, sminLow, smaxLow);
    if (sminLow <= smaxLow) narrowS32(s, sminLow, smaxLow);
  }
  // Two neighbouring windows, entered in the negative half and left in the positive one: signed still does not wrap.
  if (((uminHigh + 1) | 0) === umaxHigh && uminLow < 0 && umaxLow >= 0) narrowS32(s, uminLow, umaxLow);
  if (((sminHigh + 1) | 0) === smaxHigh && sminLow < 0 && smaxLow >= 0) narrowS32(s, sminLow, smaxLow);
  if (s.u32minBits <= s.u32maxBits) narrowS32(s, s.u32minBits, s.u32maxBits);
  if (s.s32min >>> 0 <= s.s32max >>> 0) narrowU32(s, s.s32min, s.s32max);
  else if (s.u32maxBits >>> 0 < s.s32min >>> 0) {
    // The signed range wraps in unsigned terms, and the unsigned range touches only its non-negative part.
    s.s32min = s.u32minBits;
    if (s.s32max >>> 0 < s.u32maxBits >>> 0) s.u32maxBits = s.s32max;
  } else if (s.s32max >>> 0 < s.u32minBits >>> 0) {
    s.s32max = s.u32maxBits;
    if (s.s32min >>> 0 > s.u32minBits >>> 0) s.u32minBits = s.s32min;
  }
}

/** The same between the signed and unsigned 64-bit ranges. */
function deduce64(s: Scalar): void {
  if (!signedLess(s.umaxHigh, s.umaxLow, s.uminHigh, s.uminLow)) narrowS64(s, s.uminHigh, s.uminLow, s.umaxHigh, s.umaxLow);
  const { sminHigh, sminLow, smaxHigh, smaxLow } = s;
  if (!unsignedLess(smaxHigh, smaxLow, sminHigh, sminLow)) narrowU64(s, sminHigh, sminLow, smaxHigh, smaxLow);
  else if (unsignedLess(s.umaxHigh, s.umaxLow, sminHigh, sminLow)) {
    s.sminHigh = s.uminHigh;
    s.sminLow = s.uminLow;
    if (unsignedLess(smaxHigh, smaxLow, s.umaxHigh, s.umaxLow)) {
      s.umaxHigh = smaxHigh;
      s.umaxLow = smaxLow;
    }
  } else if (unsignedLess(smaxHigh, smaxLow, s.uminHigh, s.uminLow)) {
    s.smaxHigh = s.umaxHigh;
    s.smaxLow = s.umaxLow;
    if (unsignedLess(s.uminHigh, s.uminLow, sminHigh, sminLow)) {
      s.uminHigh = sminHigh;
      s.uminLow = sminLow;
    }
  }
}

/** What the 32-bit ranges say about the 64-bit ones: the ends of a range may not lie outside them in their low half. */
function deduceMixed(s: Scalar): void {
  const { u32minBits, u32maxBits, s32min, s32max } = s;
  narrowU64(s, s.uminHigh, u32minBits, s.umaxHigh, u32maxBits);
  narrowS64(s, s.sminHigh, u32minBits, s.smaxHigh, u32maxBits);
  if (s32min >>> 0 <= s32max >>> 0) {
    narrowU64(s, s.uminHigh, s32min, s.umaxHigh, s32max);
    narrowS64(s, s.sminHigh, s32min, s.smaxHigh, s32max);
  }
  // A number that fits 32 signed bits and whose low half is not negative is its low half.
  if (s32min >= 0 && !signedLess(s.sminHigh, s.sminLow, -1, S32_MIN) && !signedLess(0, S32_MAX, s.smaxHigh, s.smaxLow)) {
    // In a contradictory branch the upper end may be negative: then the unsigned end is what it looks like, as in the kernel.
    const high = s32max >> 31;
    setRangeS64(s, 0, s32min, high, s32max);
    setRangeU64(s, 0, s32min, high, s32max);
    intersectRange(s, 0, s32min, high, s32max);
  }
}

/** One round; false when it found nothing, so that another would not either. */
function deduce(s: Scalar): boolean {
  const {
    valueHigh,
    valueLow,
    maskHigh,
    maskLow,
    uminHigh,
    uminLow,
    umaxHigh,
    umaxLow,
    sminHigh,
    sminLow,
    smaxHigh,
    smaxLow,
    u32minBits,
    u32maxBits,
    s32min,
    s32max,
  } = s;
  deduce32(s);
  deduce64(s);
  deduceMixed(s);
  return (
    s.u32minBits !== u32minBits ||
    s.u32maxBits !== u32maxBits ||
    s.s32min !== s32min ||
    s.s32max !== s32max ||
    s.uminLow !== uminLow ||
    s.umaxLow !== umaxLow ||
    s.sminLow !== sminLow ||
    s.smaxLow !== smaxLow ||
    s.uminHigh !== uminHigh ||
    s.umaxHigh !== umaxHigh ||
    s.sminHigh !== sminHigh ||
    s.smaxHigh !== smaxHigh ||
    s.valueLow !== valueLow ||
    s.maskLow !== maskLow ||
    s.valueHigh !== valueHigh ||
    s.maskHigh !== maskHigh
  );
}

/** Keeps of the bits what holds in the smallest tnum around the unsigned range (tnumIntersect with tnumRange). */
function intersectRange(s: Scalar, minHigh: number, minLow: number, maxHigh: number, maxLow: number): void {
  const bits = bitLength(minHigh ^ maxHigh, minLow ^ maxLow);
  if (bits > 63) return;
  const unknownHigh = onesHigh(bits);
  const unknownLow = onesLow(bits);
  s.maskHigh &= unknownHigh;
  s.maskLow &= unknownLow;
  s.valueHigh = (s.valueHigh | (minHigh & ~unknownHigh)) & ~s.maskHigh;
  s.valueLow = (s.valueLow | (minLow & ~unknownLow)) & ~s.maskLow;
}

/** The bits become the smallest tnum around the unsigned range (tnumRange). */
function setBitsOfRange(s: Scalar, minHigh: number, minLow: number, maxHigh: number, maxLow: number): void {
  s.valueHigh = s.valueLow = 0;
  s.maskHigh = s.maskLow = -1;
  intersectRange(s, minHigh, minLow, maxHigh, maxLow);
}

/** The ranges narrow the bits. */
function bitsFromBounds(s: Scalar): void {
  intersectRange(s, s.uminHigh, s.uminLow, s.umaxHigh, s.umaxLow);
  const unknown = onesLow(bitLength(0, s.u32minBits ^ s.u32maxBits));
  s.maskLow &= unknown;
  s.valueLow = (s.valueLow | (s.u32minBits & ~unknown)) & ~s.maskLow;
}

let apart = false;

/** While `run` runs, ranges of 32 and 64 bits do not teach each other, as in Linux before 6.8 (reg_bounds_sync). Nothing of it is asynchronous. */
export function withRangesApart<Result>(yes: boolean, run: () => Result): Result {
  const before = apart;
  apart = yes;
  try {
    return run();
  } finally {
    apart = before;
  }
}

function settleApart(s: Scalar): void {
  boundsFromBits(s);
  signsTeach32(s);
  signsTeach64(s);
  bitsFromBounds(s);
  boundsFromBits(s);
}

/** Signed and unsigned ends are the same where the range does not cross the sign. */
function signsTeach32(s: Scalar): void {
  if (s.s32min >= 0 || s.s32max < 0) {
    const min = Math.max(s.s32min >>> 0, s.u32minBits >>> 0);
    const max = Math.min(s.s32max >>> 0, s.u32maxBits >>> 0);
    s.s32min = s.u32minBits = min | 0;
    s.s32max = s.u32maxBits = max | 0;
  } else if (s.u32maxBits >= 0) {
    s.s32min = s.u32minBits;
    s.s32max = s.u32maxBits = Math.min(s.s32max >>> 0, s.u32maxBits >>> 0) | 0;
  } else if (s.u32minBits < 0) {
    s.s32min = s.u32minBits = Math.max(s.s32min >>> 0, s.u32minBits >>> 0) | 0;
    s.s32max = s.u32maxBits;
  }
}

function signsTeach64(s: Scalar): void {
  const larger = (aHigh: number, aLow: number, bHigh: number, bLow: number): boolean => unsignedLess(bHigh, bLow, aHigh, aLow);
  if (s.sminHigh >= 0 || s.smaxHigh < 0) {
    if (larger(s.sminHigh, s.sminLow, s.uminHigh, s.uminLow)) [s.uminHigh, s.uminLow] = [s.sminHigh, s.sminLow];
    else [s.sminHigh, s.sminLow] = [s.uminHigh, s.uminLow];
    if (larger(s.umaxHigh, s.umaxLow, s.smaxHigh, s.smaxLow)) [s.umaxHigh, s.umaxLow] = [s.smaxHigh, s.smaxLow];
    else [s.smaxHigh, s.smaxLow] = [s.umaxHigh, s.umaxLow];
  } else if (s.umaxHigh >= 0) {
    [s.sminHigh, s.sminLow] = [s.uminHigh, s.uminLow];
    if (larger(s.umaxHigh, s.umaxLow, s.smaxHigh, s.smaxLow)) [s.umaxHigh, s.umaxLow] = [s.smaxHigh, s.smaxLow];
    else [s.smaxHigh, s.smaxLow] = [s.umaxHigh, s.umaxLow];
  } else if (s.uminHigh < 0) {
    if (larger(s.sminHigh, s.sminLow, s.uminHigh, s.uminLow)) [s.uminHigh, s.uminLow] = [s.sminHigh, s.sminLow];
    else [s.sminHigh, s.sminLow] = [s.uminHigh, s.uminLow];
    [s.smaxHigh, s.smaxLow] = [s.umaxHigh, s.umaxLow];
  }
}

/** The low half becomes this number. */
export function setBitsOfConstant32(s: Scalar, low: number): void {
  s.valueLow = s.u32minBits = s.u32maxBits = s.s32min = s.s32max = low;
  s.maskLow = 0;
}

/** Lets bits and ranges teach each other, in the kernel's order and number of rounds, since the order decides what is found. */
export function settle(s: Scalar): Scalar {
  const { valueHigh: high, valueLow: low } = s;
  if (
    (s.maskHigh | s.maskLow) === 0 &&
    s.uminLow === low &&
    s.uminHigh === high &&
    s.umaxLow === low &&
    s.umaxHigh === high &&
    s.sminLow === low &&
    s.sminHigh === high &&
    s.smaxLow === low &&
    s.smaxHigh === high &&
    s.u32minBits >>> 0 <= low >>> 0 &&
    low >>> 0 <= s.u32maxBits >>> 0 &&
    s.s32min <= low &&
    low <= s.s32max
  ) {
    s.u32minBits = s.u32maxBits = s.s32min = s.s32max = low;
    return s;
  }
  if (apart) {
    settleApart(s);
    return s;
  }
  boundsFromBits(s);
  if (deduce(s) && deduce(s)) deduce(s);
  bitsFromBounds(s);
  boundsFromBits(s);
  return s;
}

/** Whether anything is known of its ends (register_is_bounded). */
export const isBounded = (s: Scalar): boolean =>
  !(
    (s.uminHigh | s.uminLow) === 0 &&
    (s.umaxHigh & s.umaxLow) === -1 &&
    s.sminHigh === S32_MIN &&
    s.sminLow === 0 &&
    s.smaxHigh === S32_MAX &&
    s.smaxLow === -1 &&
    s.u32minBits === 0 &&
    s.u32maxBits === -1 &&
    s.s32min === S32_MIN &&
    s.s32max === S32_MAX
  );

/** Why the ranges contradict each other, in the kernel's words; undefined when they do not. */
export function contradiction(s: Scalar): string | undefined {
  if (
    unsignedLess(s.umaxHigh, s.umaxLow, s.uminHigh, s.uminLow) ||
    signedLess(s.smaxHigh, s.smaxLow, s.sminHigh, s.sminLow) ||
    s.u32minBits >>> 0 > s.u32maxBits >>> 0 ||
    s.s32min > s.s32max
  ) {
    return 'range bounds violation';
  }
  if (s.maskLow !== 0) return undefined;
  const { valueHigh: high, valueLow: low } = s;
  if (
    s.maskHigh === 0 &&
    (s.uminLow !== low ||
      s.uminHigh !== high ||
      s.umaxLow !== low ||
      s.umaxHigh !== high ||
      s.sminLow !== low ||
      s.sminHigh !== high ||
      s.smaxLow !== low ||
      s.smaxHigh !== high)
  ) {
    return 'const tnum out of sync with range bounds';
  }
  if (s.u32minBits !== low || s.u32maxBits !== low || s.s32min !== low || s.s32max !== low)
    return 'const subreg tnum out of sync with range bounds';
  return undefined;
}

/** Whether the 64-bit ends contradict each other or a known value: no arithmetic on pointers is done with such a number. */
export const isContradictory64 = (s: Scalar): boolean =>
  unsignedLess(s.umaxHigh, s.umaxLow, s.uminHigh, s.uminLow) ||
  signedLess(s.smaxHigh, s.smaxLow, s.sminHigh, s.sminLow) ||
  (isConstant(s) && (s.uminLow !== s.umaxLow || s.uminHigh !== s.umaxHigh || s.sminLow !== s.smaxLow || s.sminHigh !== s.smaxHigh));

/** Whether the number plus `offset` is surely a multiple of `size` (1, 2, 4 or 8). */
export const isAligned = (s: Scalar, offset: number, size: number): boolean => (((s.valueLow + offset) | s.maskLow) & (size - 1)) === 0;

/** A 32-bit result in a 64-bit register: the upper half becomes zero. The caller settles. */
export function zeroExtend32(s: Scalar): void {
  s.valueHigh = s.maskHigh = 0;
  setRangeU64(s, 0, s.u32minBits, 0, s.u32maxBits);
  if (s.s32min >= 0 && s.s32max >= 0) setRangeS64(s, 0, s.s32min, 0, s.s32max);
  else setRangeS64(s, 0, 0, 0, -1);
}

/** The value after a load of `bytes` (1, 2 or 4) bytes. */
export function truncate(source: Scalar, bytes: number): Scalar {
  if (source === UNKNOWN) return UNKNOWN_OF_BYTES[bytes]!;
  const s = source.draft();
  const kept = onesLow(bytes * 8);
  s.valueHigh = s.maskHigh = 0;
  s.valueLow &= kept;
  s.maskLow &= kept;
  if (s.uminHigh === s.umaxHigh && (s.uminLow & ~kept) === (s.umaxLow & ~kept)) setRangeU64(s, 0, s.uminLow & kept, 0, s.umaxLow & kept);
  else setRangeU64(s, 0, 0, 0, kept);
  setRangeS64(s, 0, s.uminLow, 0, s.umaxLow);
  // Ranges of the low half stay true only where the whole half is kept.
  if (bytes < 4) unbound32(s);
  return settle(s);
}

const UNKNOWN_OF_BYTES: Record<number, Scalar> = {};
for (const bytes of [1, 2, 4]) UNKNOWN_OF_BYTES[bytes] = truncate(makeUnknown(), bytes);

/** The low `bytes` (2, 4 or 8) bytes in reverse order, zeros above. Ranges are found again from the bits. */
export function byteSwap(source: Scalar, bytes: number): Scalar {
  const s = makeUnknown();
  s.valueHigh = bytes === 8 ? reverseBytes(source.valueLow) : 0;
  s.maskHigh = bytes === 8 ? reverseBytes(source.maskLow) : 0;
  const unused = bytes === 2 ? 16 : 0;
  s.valueLow = (reverseBytes(bytes === 8 ? source.valueHigh : source.valueLow) >>> unused) | 0;
  s.maskLow = (reverseBytes(bytes === 8 ? source.maskHigh : source.maskLow) >>> unused) | 0;
  return settle(s);
}

const reverseBytes = (half: number): number => (half << 24) | ((half & 0xff00) << 8) | ((half >>> 8) & 0xff00) | (half >>> 24);

/** The low `bits` (8, 16 or 32) bits of a half, read as signed. */
const signedLow = (half: number, bits: number): number => (half << (32 - bits)) >> (32 - bits);

/** The value after a sign-extending load or move of `bytes` (1, 2 or 4) bytes to 64 bits. */
export function signExtend(source: Scalar, bytes: number): Scalar {
  const bits = bytes * 8;
  if (isConstant(source)) {
    const low = signedLow(source.valueLow, bits);
    return constantOfHalves(low >> 31, low);
  }
  const s = source.draft();
  if (s.sminHigh === s.smaxHigh && (bits === 32 || s.sminLow >> bits === s.smaxLow >> bits)) {
    const a = signedLow(s.sminLow, bits);
    const b = signedLow(s.smaxLow, bits);
    const min = Math.min(a, b);
    const max = Math.max(a, b);
    if (min >= 0 === max >= 0) {
      const high = min >> 31;
      setRangeS64(s, high, min, high, max);
      setRangeU64(s, high, min, high, max);
      s.u32minBits = s.s32min = min;
      s.u32maxBits = s.s32max = max;
      setBitsOfRange(s, high, min, high, max);
      return s;
    }
  }
  s.s32max = S32_MAX >> (32 - bits);
  s.s32min = ~s.s32max;
  setRangeS64(s, -1, s.s32min, 0, s.s32max);
  unboundU64(s);
  s.u32minBits = 0;
  s.u32maxBits = -1;
  s.valueHigh = s.valueLow = 0;
  s.maskHigh = s.maskLow = -1;
  return s;
}

/** The same for a 32-bit move of 1 or 2 bytes: only the low half is meant; the caller zero-extends and settles. */
export function signExtend32(s: Scalar, bytes: number): void {
  const bits = bytes * 8;
  if (isConstant(s)) {
    const low = signedLow(s.valueLow, bits);
    setValue(s, low >> 31, low);
    s.u32minBits = s.u32maxBits = s.s32min = s.s32max = low;
    return;
  }
  s.valueHigh = s.maskHigh = 0;
  if (s.s32min >> bits === s.s32max >> bits) {
    const a = signedLow(s.s32min, bits);
    const b = signedLow(s.s32max, bits);
    const min = Math.min(a, b);
    const max = Math.max(a, b);
    if (min >= 0 === max >= 0) {
      s.u32minBits = s.s32min = min;
      s.u32maxBits = s.s32max = max;
      setBitsOfRange(s, 0, min, 0, max);
      return;
    }
  }
  s.s32max = S32_MAX >> (32 - bits);
  s.s32min = ~s.s32max;
  s.u32minBits = 0;
  s.u32maxBits = -1;
  s.valueLow = 0;
  s.maskLow = -1;
}

/** Whether everything that `current` can be is covered by `old`, by ranges alone. */
export function within(old: Scalar, current: Scalar): boolean {
  return (
    old === current ||
    (!unsignedLess(current.uminHigh, current.uminLow, old.uminHigh, old.uminLow) &&
      !unsignedLess(old.umaxHigh, old.umaxLow, current.umaxHigh, current.umaxLow) &&
      !signedLess(current.sminHigh, current.sminLow, old.sminHigh, old.sminLow) &&
      !signedLess(old.smaxHigh, old.smaxLow, current.smaxHigh, current.smaxLow) &&
      old.u32minBits >>> 0 <= current.u32minBits >>> 0 &&
      old.u32maxBits >>> 0 >= current.u32maxBits >>> 0 &&
      old.s32min <= current.s32min &&
      old.s32max >= current.s32max)
  );
}

/** Whether every number that the bits of `current` allow is allowed by those of `old` (tnumIn). */
export const bitsWithin = (old: Scalar, current: Scalar): boolean =>
  old === current ||
  ((current.maskHigh & ~old.maskHigh) === 0 &&
    (current.maskLow & ~old.maskLow) === 0 &&
    old.valueHigh === (current.valueHigh & ~old.maskHigh) &&
    old.valueLow === (current.valueLow & ~old.maskLow));

export function sameScalar(a: Scalar, b: Scalar): boolean {
  return (
    a === b ||
    (a.valueLow === b.valueLow &&
      a.valueHigh === b.valueHigh &&
      a.maskLow === b.maskLow &&
      a.maskHigh === b.maskHigh &&
      a.uminLow === b.uminLow &&
      a.uminHigh === b.uminHigh &&
      a.umaxLow === b.umaxLow &&
      a.umaxHigh === b.umaxHigh &&
      a.sminLow === b.sminLow &&
      a.sminHigh === b.sminHigh &&
      a.smaxLow === b.smaxLow &&
      a.smaxHigh === b.smaxHigh &&
      a.u32minBits === b.u32minBits &&
      a.u32maxBits === b.u32maxBits &&
      a.s32min === b.s32min &&
      a.s32max === b.s32max)
  );
}

/** %lld of small numbers, %#llx of others, as the log prints signed values. */
export const formatSigned = (value: bigint): string => (value >= -0x8000n && value <= 0x7fffn ? String(value) : hexadecimal(asU64(value)));
export const formatUnsigned = (value: bigint): string => (value <= 0xffffn ? String(value) : hexadecimal(value));
