// Arithmetic on what is known about numbers: one function per ALU operation, each sound for every pair of values
// that the operands may hold. Knows no pointers and no instructions' operands.

import { BPF_ADD, BPF_AND, BPF_ARSH, BPF_LSH, BPF_MUL, BPF_NEG, BPF_OR, BPF_RSH, BPF_SUB, BPF_XOR } from '#core/isa';
import {
  bitLength,
  borrow,
  carry,
  leftHigh,
  leftLow,
  productHigh,
  productLow,
  rightHigh,
  rightLow,
  signedLess,
  signedProductOverflows,
  signedRightHigh,
  signedRightLow,
  unsignedLess,
  unsignedProductOverflows,
} from './halves.ts';
import {
  boundsFromBits,
  boundsFromBits32,
  constantOfHalves,
  isConstant,
  isConstant32,
  makeUnknown,
  S32_MAX,
  S32_MIN,
  type Scalar,
  setConstant32,
  setConstantHalves,
  settle,
  U32_MAX,
  unbound32,
  unbound64,
  unboundS64,
  unboundU64,
  zeroExtend32,
  ZERO,
} from './scalar.ts';

/** Whether the result can be described at all: shifts by an unknown or too large count, division, modulo and byte swaps cannot. */
export function hasKnownRange(operation: number, is32: boolean, source: Scalar): boolean {
  switch (operation) {
    case BPF_ADD:
    case BPF_SUB:
    case BPF_AND:
    case BPF_XOR:
    case BPF_OR:
    case BPF_MUL:
    case BPF_NEG:
      return true;
    case BPF_LSH:
    case BPF_RSH:
    case BPF_ARSH: {
      const known = is32
        ? isConstant32(source) && source.s32min === source.s32max && source.u32minBits === source.u32maxBits
        : isConstant(source) &&
          source.sminLow === source.smaxLow &&
          source.sminHigh === source.smaxHigh &&
          source.uminLow === source.umaxLow &&
          source.uminHigh === source.umaxHigh;
      return known && source.umaxHigh === 0 && source.umaxLow >>> 0 < (is32 ? 32 : 64);
    }
    default:
      return false;
  }
}

function add32(s: Scalar, other: Scalar): void {
  const s32min = s.s32min + other.s32min;
  const s32max = s.s32max + other.s32max;
  const wraps = s32min < S32_MIN || s32min > S32_MAX || s32max < S32_MIN || s32max > S32_MAX;
  s.s32min = wraps ? S32_MIN : s32min;
  s.s32max = wraps ? S32_MAX : s32max;
  // When both ends wrap, the order of what lies between is kept; when only the upper does, nothing is known.
  const min = (s.u32minBits >>> 0) + (other.u32minBits >>> 0);
  const max = (s.u32maxBits >>> 0) + (other.u32maxBits >>> 0);
  const unordered = min <= U32_MAX && max > U32_MAX;
  s.u32minBits = unordered ? 0 : min | 0;
  s.u32maxBits = unordered ? -1 : max | 0;
}

function subtract32(s: Scalar, other: Scalar): void {
  const s32min = s.s32min - other.s32max;
  const s32max = s.s32max - other.s32min;
  const wraps = s32min < S32_MIN || s32min > S32_MAX || s32max < S32_MIN || s32max > S32_MAX;
  s.s32min = wraps ? S32_MIN : s32min;
  s.s32max = wraps ? S32_MAX : s32max;
  const min = (s.u32minBits >>> 0) - (other.u32maxBits >>> 0);
  const max = (s.u32maxBits >>> 0) - (other.u32minBits >>> 0);
  const unordered = min < 0 && max >= 0;
  s.u32minBits = unordered ? 0 : min | 0;
  s.u32maxBits = unordered ? -1 : max | 0;
}

/** The signed 64-bit ends of a sum; without bounds where one of them overflows. */
function addSigned(s: Scalar, other: Scalar): void {
  const minHigh = (s.sminHigh + other.sminHigh + carry(s.sminLow, other.sminLow)) | 0;
  const maxHigh = (s.smaxHigh + other.smaxHigh + carry(s.smaxLow, other.smaxLow)) | 0;
  // A sum overflows when both numbers have a sign that it has not.
  if ((((s.sminHigh ^ minHigh) & (other.sminHigh ^ minHigh)) | ((s.smaxHigh ^ maxHigh) & (other.smaxHigh ^ maxHigh))) < 0) {
    unboundS64(s);
    return;
  }
  s.sminLow = (s.sminLow + other.sminLow) | 0;
  s.sminHigh = minHigh;
  s.smaxLow = (s.smaxLow + other.smaxLow) | 0;
  s.smaxHigh = maxHigh;
}

/** The unsigned 64-bit ends of a sum. Both may wrap around (unless told otherwise); when only the upper one does, nothing is known. */
function addUnsigned(s: Scalar, other: Scalar, wrapAllowed: boolean): void {
  const min = (s.uminHigh >>> 0) + (other.uminHigh >>> 0) + carry(s.uminLow, other.uminLow);
  const max = (s.umaxHigh >>> 0) + (other.umaxHigh >>> 0) + carry(s.umaxLow, other.umaxLow);
  if (max > U32_MAX && (min <= U32_MAX || !wrapAllowed)) {
    unboundU64(s);
    return;
  }
  s.uminLow = (s.uminLow + other.uminLow) | 0;
  s.uminHigh = min | 0;
  s.umaxLow = (s.umaxLow + other.umaxLow) | 0;
  s.umaxHigh = max | 0;
}

/** The signed 64-bit ends of a difference. */
function subtractSigned(s: Scalar, other: Scalar): void {
  const minHigh = (s.sminHigh - other.smaxHigh - borrow(s.sminLow, other.smaxLow)) | 0;
  const maxHigh = (s.smaxHigh - other.sminHigh - borrow(s.smaxLow, other.sminLow)) | 0;
  // A difference overflows when the numbers' signs differ and it has not the first one's.
  if ((((s.sminHigh ^ other.smaxHigh) & (s.sminHigh ^ minHigh)) | ((s.smaxHigh ^ other.sminHigh) & (s.smaxHigh ^ maxHigh))) < 0) {
    unboundS64(s);
    return;
  }
  s.sminLow = (s.sminLow - other.smaxLow) | 0;
  s.sminHigh = minHigh;
  s.smaxLow = (s.smaxLow - other.sminLow) | 0;
  s.smaxHigh = maxHigh;
}

/** The unsigned 64-bit ends of a difference, as in addUnsigned. */
function subtractUnsigned(s: Scalar, other: Scalar, wrapAllowed: boolean): void {
  const min = (s.uminHigh >>> 0) - (other.umaxHigh >>> 0) - borrow(s.uminLow, other.umaxLow);
  const max = (s.umaxHigh >>> 0) - (other.uminHigh >>> 0) - borrow(s.umaxLow, other.uminLow);
  if (min < 0 && (max >= 0 || !wrapAllowed)) {
    unboundU64(s);
    return;
  }
  s.uminLow = (s.uminLow - other.umaxLow) | 0;
  s.uminHigh = min | 0;
  s.umaxLow = (s.umaxLow - other.uminLow) | 0;
  s.umaxHigh = max | 0;
}

/** The bits of a sum (tnumAdd): carries that may or may not happen show as the difference between the smallest and the largest sum. */
function addBits(s: Scalar, other: Scalar): void {
  const sumLow = (s.valueLow + other.valueLow) | 0;
  const sumHigh = (s.valueHigh + other.valueHigh + carry(s.valueLow, other.valueLow)) | 0;
  const unknownLow = (s.maskLow + other.maskLow) | 0;
  const unknownHigh = (s.maskHigh + other.maskHigh + carry(s.maskLow, other.maskLow)) | 0;
  const largestHigh = (sumHigh + unknownHigh + carry(sumLow, unknownLow)) | 0;
  s.maskLow |= ((sumLow + unknownLow) ^ sumLow) | other.maskLow;
  s.maskHigh |= (largestHigh ^ sumHigh) | other.maskHigh;
  s.valueLow = sumLow & ~s.maskLow;
  s.valueHigh = sumHigh & ~s.maskHigh;
}

/** The bits of a difference (tnumSub), by its borrows. */
function subtractBits(s: Scalar, other: Scalar): void {
  const differenceLow = (s.valueLow - other.valueLow) | 0;
  const differenceHigh = (s.valueHigh - other.valueHigh - borrow(s.valueLow, other.valueLow)) | 0;
  const largestHigh = (differenceHigh + s.maskHigh + carry(differenceLow, s.maskLow)) | 0;
  const smallestHigh = (differenceHigh - other.maskHigh - borrow(differenceLow, other.maskLow)) | 0;
  s.maskLow |= ((differenceLow + s.maskLow) ^ (differenceLow - other.maskLow)) | other.maskLow;
  s.maskHigh |= (largestHigh ^ smallestHigh) | other.maskHigh;
  s.valueLow = differenceLow & ~s.maskLow;
  s.valueHigh = differenceHigh & ~s.maskHigh;
}

/** Adds without settling, as linked registers at a constant distance need it. */
export function addUnsettled(s: Scalar, other: Scalar): void {
  add32(s, other);
  addSigned(s, other);
  addUnsigned(s, other, true);
  addBits(s, other);
}

function subtract(s: Scalar, other: Scalar): void {
  subtract32(s, other);
  subtractSigned(s, other);
  subtractUnsigned(s, other, true);
  subtractBits(s, other);
}

/** A number is added to a pointer's variable offset: no 32-bit ranges there, and an offset that wraps around is not known. */
export function addToOffset(s: Scalar, other: Scalar): void {
  unbound32(s);
  addSigned(s, other);
  addUnsigned(s, other, false);
  addBits(s, other);
}

/** A number is subtracted from a pointer's variable offset. */
export function subtractFromOffset(s: Scalar, other: Scalar): void {
  unbound32(s);
  subtractSigned(s, other);
  subtractUnsigned(s, other, false);
  subtractBits(s, other);
}

// Where the bits of partial products and sums are kept while a product is made.
const sum = makeUnknown();
const sumWithPartial = makeUnknown();
const partial = makeUnknown();

function setBits(s: Scalar, valueHigh: number, valueLow: number, maskHigh: number, maskLow: number): void {
  s.valueHigh = valueHigh;
  s.valueLow = valueLow;
  s.maskHigh = maskHigh;
  s.maskLow = maskLow;
}

/**
 * The bits of a product: long multiplication, bit by bit of s. A known one adds the other number, an unknown bit joins both outcomes.
 * This is the precision that Linux 6.18 has (tnum_mul); older kernels lose a little more.
 */
function multiplyBits(s: Scalar, other: Scalar): void {
  let { valueHigh, valueLow, maskHigh, maskLow } = s;
  setBits(sum, 0, 0, 0, 0);
  setBits(partial, other.valueHigh, other.valueLow, other.maskHigh, other.maskLow);
  while ((valueHigh | valueLow | maskHigh | maskLow) !== 0) {
    if ((valueLow & 1) !== 0) addBits(sum, partial);
    else if ((maskLow & 1) !== 0) {
      setBits(sumWithPartial, sum.valueHigh, sum.valueLow, sum.maskHigh, sum.maskLow);
      addBits(sumWithPartial, partial);
      sum.maskHigh |= (sum.valueHigh ^ sumWithPartial.valueHigh) | sumWithPartial.maskHigh;
      sum.maskLow |= (sum.valueLow ^ sumWithPartial.valueLow) | sumWithPartial.maskLow;
      sum.valueHigh &= sumWithPartial.valueHigh & ~sum.maskHigh;
      sum.valueLow &= sumWithPartial.valueLow & ~sum.maskLow;
    }
    valueLow = rightLow(valueHigh, valueLow, 1);
    valueHigh = rightHigh(valueHigh, 1);
    maskLow = rightLow(maskHigh, maskLow, 1);
    maskHigh = rightHigh(maskHigh, 1);
    setBits(
      partial,
      leftHigh(partial.valueHigh, partial.valueLow, 1),
      leftLow(partial.valueLow, 1),
      leftHigh(partial.maskHigh, partial.maskLow, 1),
      leftLow(partial.maskLow, 1),
    );
  }
  setBits(s, sum.valueHigh, sum.valueLow, sum.maskHigh, sum.maskLow);
}

function multiply32(s: Scalar, other: Scalar): void {
  // Doubles hold these products exactly wherever they are in reach of 32 bits.
  if (s.u32max * other.u32max > U32_MAX) {
    s.u32minBits = 0;
    s.u32maxBits = -1;
  } else {
    s.u32minBits = productLow(s.u32minBits, other.u32minBits);
    s.u32maxBits = productLow(s.u32maxBits, other.u32maxBits);
  }
  const a = s.s32min * other.s32min;
  const b = s.s32min * other.s32max;
  const c = s.s32max * other.s32min;
  const d = s.s32max * other.s32max;
  const smallest = Math.min(a, b, c, d);
  const largest = Math.max(a, b, c, d);
  const overflows = smallest < S32_MIN || largest > S32_MAX;
  s.s32min = overflows ? S32_MIN : smallest | 0;
  s.s32max = overflows ? S32_MAX : largest | 0;
}

function multiplyUnsigned(s: Scalar, other: Scalar): void {
  if (unsignedProductOverflows(s.umaxHigh, s.umaxLow, other.umaxHigh, other.umaxLow)) {
    unboundU64(s);
    return;
  }
  s.umaxHigh = productHigh(s.umaxHigh, s.umaxLow, other.umaxHigh, other.umaxLow);
  s.umaxLow = productLow(s.umaxLow, other.umaxLow);
  s.uminHigh = productHigh(s.uminHigh, s.uminLow, other.uminHigh, other.uminLow);
  s.uminLow = productLow(s.uminLow, other.uminLow);
}

/** The smallest and the largest of the four products of ends. */
function multiplySigned(s: Scalar, other: Scalar): void {
  const { sminHigh, sminLow, smaxHigh, smaxLow } = s;
  if (
    signedProductOverflows(sminHigh, sminLow, other.sminHigh, other.sminLow) ||
    signedProductOverflows(sminHigh, sminLow, other.smaxHigh, other.smaxLow) ||
    signedProductOverflows(smaxHigh, smaxLow, other.sminHigh, other.sminLow) ||
    signedProductOverflows(smaxHigh, smaxLow, other.smaxHigh, other.smaxLow)
  ) {
    unboundS64(s);
    return;
  }
  s.sminHigh = s.smaxHigh = productHigh(sminHigh, sminLow, other.sminHigh, other.sminLow);
  s.sminLow = s.smaxLow = productLow(sminLow, other.sminLow);
  widenSigned(s, productHigh(sminHigh, sminLow, other.smaxHigh, other.smaxLow), productLow(sminLow, other.smaxLow));
  widenSigned(s, productHigh(smaxHigh, smaxLow, other.sminHigh, other.sminLow), productLow(smaxLow, other.sminLow));
  widenSigned(s, productHigh(smaxHigh, smaxLow, other.smaxHigh, other.smaxLow), productLow(smaxLow, other.smaxLow));
}

/** Moves the signed ends so that the number lies between them. */
function widenSigned(s: Scalar, high: number, low: number): void {
  if (signedLess(high, low, s.sminHigh, s.sminLow)) {
    s.sminHigh = high;
    s.sminLow = low;
  }
  if (signedLess(s.smaxHigh, s.smaxLow, high, low)) {
    s.smaxHigh = high;
    s.smaxLow = low;
  }
}

function multiply(s: Scalar, other: Scalar): void {
  multiplyBits(s, other);
  multiply32(s, other);
  multiplyUnsigned(s, other);
  multiplySigned(s, other);
}

/** Signed ranges follow the unsigned ones where those do not cross the sign. */
function signedFromUnsigned32(s: Scalar): void {
  const ordered = s.u32minBits <= s.u32maxBits;
  s.s32min = ordered ? s.u32minBits : S32_MIN;
  s.s32max = ordered ? s.u32maxBits : S32_MAX;
}
function signedFromUnsigned64(s: Scalar): void {
  if (signedLess(s.umaxHigh, s.umaxLow, s.uminHigh, s.uminLow)) {
    unboundS64(s);
    return;
  }
  s.sminHigh = s.uminHigh;
  s.sminLow = s.uminLow;
  s.smaxHigh = s.umaxHigh;
  s.smaxLow = s.umaxLow;
}

/** tnumAnd, tnumOr, tnumXor. */
function bitwiseBits(s: Scalar, other: Scalar, operation: number): void {
  switch (operation) {
    case BPF_AND: {
      const possibleLow = (s.valueLow | s.maskLow) & (other.valueLow | other.maskLow);
      const possibleHigh = (s.valueHigh | s.maskHigh) & (other.valueHigh | other.maskHigh);
      s.valueLow &= other.valueLow;
      s.valueHigh &= other.valueHigh;
      s.maskLow = possibleLow & ~s.valueLow;
      s.maskHigh = possibleHigh & ~s.valueHigh;
      return;
    }
    case BPF_OR:
      s.valueLow |= other.valueLow;
      s.valueHigh |= other.valueHigh;
      s.maskLow = (s.maskLow | other.maskLow) & ~s.valueLow;
      s.maskHigh = (s.maskHigh | other.maskHigh) & ~s.valueHigh;
      return;
    default:
      s.maskLow |= other.maskLow;
      s.maskHigh |= other.maskHigh;
      s.valueLow = (s.valueLow ^ other.valueLow) & ~s.maskLow;
      s.valueHigh = (s.valueHigh ^ other.valueHigh) & ~s.maskHigh;
  }
}

function bitwise(s: Scalar, other: Scalar, operation: number): void {
  bitwiseBits(s, other, operation);
  const all32 = s.valueLow | s.maskLow;
  if (isConstant32(other) && isConstant32(s)) setConstant32(s, s.valueLow);
  else {
    switch (operation) {
      case BPF_AND:
        s.u32minBits = s.valueLow;
        if (other.u32maxBits >>> 0 < s.u32maxBits >>> 0) s.u32maxBits = other.u32maxBits;
        break;
      case BPF_OR:
        if (other.u32minBits >>> 0 > s.u32minBits >>> 0) s.u32minBits = other.u32minBits;
        s.u32maxBits = all32;
        break;
      default:
        s.u32minBits = s.valueLow;
        s.u32maxBits = all32;
    }
    signedFromUnsigned32(s);
  }
  if (isConstant(other) && isConstant(s)) {
    setConstantHalves(s, s.valueHigh, s.valueLow);
    return;
  }
  if (operation !== BPF_OR) {
    s.uminHigh = s.valueHigh;
    s.uminLow = s.valueLow;
  } else if (unsignedLess(s.uminHigh, s.uminLow, other.uminHigh, other.uminLow)) {
    s.uminHigh = other.uminHigh;
    s.uminLow = other.uminLow;
  }
  if (operation !== BPF_AND) {
    s.umaxHigh = s.valueHigh | s.maskHigh;
    s.umaxLow = all32;
  } else if (unsignedLess(other.umaxHigh, other.umaxLow, s.umaxHigh, s.umaxLow)) {
    s.umaxHigh = other.umaxHigh;
    s.umaxLow = other.umaxLow;
  }
  signedFromUnsigned64(s);
  boundsFromBits(s);
}

function leftShiftRange32(s: Scalar, shift: number): void {
  s.s32min = S32_MIN;
  s.s32max = S32_MAX;
  if (shift > 31 || s.u32maxBits >>> 0 > 2 ** (31 - shift)) {
    s.u32minBits = 0;
    s.u32maxBits = -1;
  } else {
    s.u32minBits <<= shift;
    s.u32maxBits <<= shift;
  }
}

function leftShift(s: Scalar, shift: number, is32: boolean): void {
  if (is32) {
    leftShiftRange32(s, shift);
    s.valueLow <<= shift;
    s.maskLow <<= shift;
    s.valueHigh = s.maskHigh = 0;
    unbound64(s);
    boundsFromBits32(s);
    return;
  }
  unboundS64(s);
  if (shift === 32) {
    // `<<= 32; s>>= 32` is how compilers sign-extend: keep the signed range of the low half.
    s.sminHigh = s.s32min;
    s.smaxHigh = s.s32max;
    s.sminLow = s.smaxLow = 0;
  }
  // Nothing may be shifted out, nor (but for the very end) into the sign.
  const width = bitLength(s.umaxHigh, s.umaxLow);
  const isPower =
    width > 0 && (width > 32 ? s.umaxLow === 0 && (s.umaxHigh & (s.umaxHigh - 1)) === 0 : (s.umaxLow & (s.umaxLow - 1)) === 0);
  if (width + shift > (isPower ? 64 : 63)) unboundU64(s);
  else {
    s.uminHigh = leftHigh(s.uminHigh, s.uminLow, shift);
    s.uminLow = leftLow(s.uminLow, shift);
    s.umaxHigh = leftHigh(s.umaxHigh, s.umaxLow, shift);
    s.umaxLow = leftLow(s.umaxLow, shift);
  }
  leftShiftRange32(s, shift);
  s.valueHigh = leftHigh(s.valueHigh, s.valueLow, shift);
  s.valueLow = leftLow(s.valueLow, shift);
  s.maskHigh = leftHigh(s.maskHigh, s.maskLow, shift);
  s.maskLow = leftLow(s.maskLow, shift);
  boundsFromBits(s);
}

function rightShift(s: Scalar, shift: number, is32: boolean): void {
  if (is32) {
    s.valueLow = (s.valueLow >>> shift) | 0;
    s.maskLow = (s.maskLow >>> shift) | 0;
    s.valueHigh = s.maskHigh = 0;
    s.s32min = S32_MIN;
    s.s32max = S32_MAX;
    s.u32minBits = (s.u32minBits >>> shift) | 0;
    s.u32maxBits = (s.u32maxBits >>> shift) | 0;
    unbound64(s);
    boundsFromBits32(s);
    return;
  }
  unboundS64(s);
  s.valueLow = rightLow(s.valueHigh, s.valueLow, shift);
  s.valueHigh = rightHigh(s.valueHigh, shift);
  s.maskLow = rightLow(s.maskHigh, s.maskLow, shift);
  s.maskHigh = rightHigh(s.maskHigh, shift);
  s.uminLow = rightLow(s.uminHigh, s.uminLow, shift);
  s.uminHigh = rightHigh(s.uminHigh, shift);
  s.umaxLow = rightLow(s.umaxHigh, s.umaxLow, shift);
  s.umaxHigh = rightHigh(s.umaxHigh, shift);
  unbound32(s);
  boundsFromBits(s);
}

function arithmeticRightShift(s: Scalar, shift: number, is32: boolean): void {
  if (is32) {
    s.s32min >>= shift;
    s.s32max >>= shift;
    s.valueLow >>= shift;
    s.maskLow >>= shift;
    s.valueHigh = s.maskHigh = 0;
    s.u32minBits = 0;
    s.u32maxBits = -1;
    unbound64(s);
    boundsFromBits32(s);
    return;
  }
  s.sminLow = signedRightLow(s.sminHigh, s.sminLow, shift);
  s.sminHigh = signedRightHigh(s.sminHigh, shift);
  s.smaxLow = signedRightLow(s.smaxHigh, s.smaxLow, shift);
  s.smaxHigh = signedRightHigh(s.smaxHigh, shift);
  s.valueLow = signedRightLow(s.valueHigh, s.valueLow, shift);
  s.valueHigh = signedRightHigh(s.valueHigh, shift);
  s.maskLow = signedRightLow(s.maskHigh, s.maskLow, shift);
  s.maskHigh = signedRightHigh(s.maskHigh, shift);
  unboundU64(s);
  unbound32(s);
  boundsFromBits(s);
}

/** The exact result of two known 64-bit numbers, where the range rules would find the same. */
function compute(operation: number, a: Scalar, b: Scalar): Scalar | undefined {
  const { valueHigh: aHigh, valueLow: aLow } = a;
  const { valueHigh: bHigh, valueLow: bLow } = b;
  switch (operation) {
    case BPF_ADD:
      return constantOfHalves((aHigh + bHigh + carry(aLow, bLow)) | 0, (aLow + bLow) | 0);
    case BPF_SUB:
      return constantOfHalves((aHigh - bHigh - borrow(aLow, bLow)) | 0, (aLow - bLow) | 0);
    case BPF_AND:
      return constantOfHalves(aHigh & bHigh, aLow & bLow);
    case BPF_OR:
      return constantOfHalves(aHigh | bHigh, aLow | bLow);
    case BPF_XOR:
      return constantOfHalves(aHigh ^ bHigh, aLow ^ bLow);
    case BPF_MUL:
      return constantOfHalves(productHigh(aHigh, aLow, bHigh, bLow), productLow(aLow, bLow));
    case BPF_LSH:
      return constantOfHalves(leftHigh(aHigh, aLow, bLow), leftLow(aLow, bLow));
    case BPF_RSH:
      return constantOfHalves(rightHigh(aHigh, bLow), rightLow(aHigh, aLow, bLow));
    case BPF_ARSH:
      return constantOfHalves(signedRightHigh(aHigh, bLow), signedRightLow(aHigh, aLow, bLow));
    default:
      return undefined;
  }
}

/**
 * The result of `target op= source`, for an operation that `hasKnownRange`. NEG ignores `source`.
 * With `is32` the low halves are used and the result is zero-extended.
 */
export function arithmetic(operation: number, is32: boolean, target: Scalar, source: Scalar): Scalar {
  if (!is32 && isConstant(target) && isConstant(source) && operation !== BPF_NEG) {
    const known = compute(operation, target, source);
    if (known !== undefined) return known;
  }
  const s = operation === BPF_NEG ? ZERO.draft() : target.draft();
  // hasKnownRange says that it is less than 64.
  const shift = is32 ? source.u32minBits : source.uminLow;
  switch (operation) {
    case BPF_ADD:
      addUnsettled(s, source);
      break;
    case BPF_SUB:
      subtract(s, source);
      break;
    case BPF_NEG:
      subtract(s, target);
      break;
    case BPF_MUL:
      multiply(s, source);
      break;
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
      bitwise(s, source, operation);
      break;
    case BPF_LSH:
      leftShift(s, shift, is32);
      break;
    case BPF_RSH:
      rightShift(s, shift, is32);
      break;
    case BPF_ARSH:
      arithmeticRightShift(s, shift, is32);
      break;
  }
  if (is32) zeroExtend32(s);
  return settle(s);
}
