// What a comparison teaches: whether it can be decided, and what each side may still be on the branch taken.
// Knows numbers only; pointers, NULL checks and packet ranges are in transfer-jump.ts.

import { BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JNE, BPF_JSET, BPF_JSGE, BPF_JSGT, BPF_JSLE, BPF_JSLT } from '#core/isa';
import { signedLess, unsignedLess } from './halves.ts';
import { isConstant, isConstant32, type Scalar, unbound } from './scalar.ts';

/** JSET not taken: no operation code says that, so it has one of ours. */
export const NOT_JSET = BPF_JSET | 0x08;

/** The comparison that holds when `operation` does, with its sides exchanged. */
export function flip(operation: number): number {
  switch (operation) {
    case BPF_JGE:
      return BPF_JLE;
    case BPF_JGT:
      return BPF_JLT;
    case BPF_JLE:
      return BPF_JGE;
    case BPF_JLT:
      return BPF_JGT;
    case BPF_JSGE:
      return BPF_JSLE;
    case BPF_JSGT:
      return BPF_JSLT;
    case BPF_JSLE:
      return BPF_JSGE;
    case BPF_JSLT:
      return BPF_JSGT;
    default:
      return operation;
  }
}

/** The comparison that holds when `operation` does not. */
export function negate(operation: number): number {
  switch (operation) {
    case BPF_JEQ:
      return BPF_JNE;
    case BPF_JNE:
      return BPF_JEQ;
    case BPF_JSET:
      return NOT_JSET;
    case NOT_JSET:
      return BPF_JSET;
    case BPF_JGE:
      return BPF_JLT;
    case BPF_JGT:
      return BPF_JLE;
    case BPF_JLE:
      return BPF_JGT;
    case BPF_JLT:
      return BPF_JGE;
    case BPF_JSGE:
      return BPF_JSLT;
    case BPF_JSGT:
      return BPF_JSLE;
    case BPF_JSLE:
      return BPF_JSGT;
    default:
      return BPF_JSGE;
  }
}

const known = (s: Scalar, is32: boolean): boolean => (is32 ? isConstant32(s) : isConstant(s));

// Ends of ranges, compared.
const aboveU64 = (a: Scalar, b: Scalar): boolean => unsignedLess(b.umaxHigh, b.umaxLow, a.uminHigh, a.uminLow);
const aboveS64 = (a: Scalar, b: Scalar): boolean => signedLess(b.smaxHigh, b.smaxLow, a.sminHigh, a.sminLow);
const aboveU32 = (a: Scalar, b: Scalar): boolean => a.u32minBits >>> 0 > b.u32maxBits >>> 0;
const aboveS32 = (a: Scalar, b: Scalar): boolean => a.s32min > b.s32max;
const notBelowU64 = (a: Scalar, b: Scalar): boolean => !unsignedLess(a.uminHigh, a.uminLow, b.umaxHigh, b.umaxLow);
const notBelowS64 = (a: Scalar, b: Scalar): boolean => !signedLess(a.sminHigh, a.sminLow, b.smaxHigh, b.smaxLow);
const notBelowU32 = (a: Scalar, b: Scalar): boolean => a.u32minBits >>> 0 >= b.u32maxBits >>> 0;
const notBelowS32 = (a: Scalar, b: Scalar): boolean => a.s32min >= b.s32max;

/** Whether `a op b` holds for all values (true), for none (false), or depends (undefined). */
export function decide(operation: number, is32: boolean, a: Scalar, b: Scalar): boolean | undefined {
  switch (operation) {
    case BPF_JEQ:
      return decideEqual(is32, a, b);
    case BPF_JNE: {
      const equal = decideEqual(is32, a, b);
      return equal === undefined ? undefined : !equal;
    }
    case BPF_JSET:
      return decideBitTest(is32, a, b);
    case BPF_JGT:
      return is32 ? ordered(aboveU32(a, b), notBelowU32(b, a)) : ordered(aboveU64(a, b), notBelowU64(b, a));
    case BPF_JGE:
      return is32 ? ordered(notBelowU32(a, b), aboveU32(b, a)) : ordered(notBelowU64(a, b), aboveU64(b, a));
    case BPF_JLT:
      return is32 ? ordered(aboveU32(b, a), notBelowU32(a, b)) : ordered(aboveU64(b, a), notBelowU64(a, b));
    case BPF_JLE:
      return is32 ? ordered(notBelowU32(b, a), aboveU32(a, b)) : ordered(notBelowU64(b, a), aboveU64(a, b));
    case BPF_JSGT:
      return is32 ? ordered(aboveS32(a, b), notBelowS32(b, a)) : ordered(aboveS64(a, b), notBelowS64(b, a));
    case BPF_JSGE:
      return is32 ? ordered(notBelowS32(a, b), aboveS32(b, a)) : ordered(notBelowS64(a, b), aboveS64(b, a));
    case BPF_JSLT:
      return is32 ? ordered(aboveS32(b, a), notBelowS32(a, b)) : ordered(aboveS64(b, a), notBelowS64(a, b));
    case BPF_JSLE:
      return is32 ? ordered(notBelowS32(b, a), aboveS32(a, b)) : ordered(notBelowS64(b, a), aboveS64(a, b));
    default:
      return undefined;
  }
}

const ordered = (always: boolean, never: boolean): boolean | undefined => (always ? true : never ? false : undefined);

/** A high half where the comparison is of 64 bits. */
const high = (half: number, is32: boolean): number => (is32 ? 0 : half);

function decideEqual(is32: boolean, a: Scalar, b: Scalar): boolean | undefined {
  const differs =
    ((a.valueLow ^ b.valueLow) & ~(a.maskLow | b.maskLow)) | high((a.valueHigh ^ b.valueHigh) & ~(a.maskHigh | b.maskHigh), is32);
  if (differs !== 0) return false;
  if ((a.maskLow | b.maskLow | high(a.maskHigh | b.maskHigh, is32)) === 0) return true;
  if (!is32 && (aboveU64(a, b) || aboveU64(b, a) || aboveS64(a, b) || aboveS64(b, a))) return false;
  // Numbers with different low halves differ.
  if (aboveU32(a, b) || aboveU32(b, a) || aboveS32(a, b) || aboveS32(b, a)) return false;
  return undefined;
}

function decideBitTest(is32: boolean, left: Scalar, right: Scalar): boolean | undefined {
  const [a, b] = known(right, is32) ? [left, right] : [right, left];
  if (!known(b, is32)) return undefined;
  if (((a.valueLow & b.valueLow) | high(a.valueHigh & b.valueHigh, is32)) !== 0) return true;
  const possible = ((a.valueLow | a.maskLow) & b.valueLow) | high((a.valueHigh | a.maskHigh) & b.valueHigh, is32);
  return possible === 0 ? false : undefined;
}

// What two ranges have in common, end by end: for each pair the narrower end becomes that of both.
function commonU64(a: Scalar, b: Scalar): void {
  atMostU64(a, b.umaxHigh, b.umaxLow);
  atMostU64(b, a.umaxHigh, a.umaxLow);
  atLeastU64(a, b.uminHigh, b.uminLow);
  atLeastU64(b, a.uminHigh, a.uminLow);
}
function commonS64(a: Scalar, b: Scalar): void {
  atMostS64(a, b.smaxHigh, b.smaxLow);
  atMostS64(b, a.smaxHigh, a.smaxLow);
  atLeastS64(a, b.sminHigh, b.sminLow);
  atLeastS64(b, a.sminHigh, a.sminLow);
}

function atMostU64(s: Scalar, maxHigh: number, maxLow: number): void {
  if (!unsignedLess(maxHigh, maxLow, s.umaxHigh, s.umaxLow)) return;
  s.umaxHigh = maxHigh;
  s.umaxLow = maxLow;
}
function atLeastU64(s: Scalar, minHigh: number, minLow: number): void {
  if (!unsignedLess(s.uminHigh, s.uminLow, minHigh, minLow)) return;
  s.uminHigh = minHigh;
  s.uminLow = minLow;
}
function atMostS64(s: Scalar, maxHigh: number, maxLow: number): void {
  if (!signedLess(maxHigh, maxLow, s.smaxHigh, s.smaxLow)) return;
  s.smaxHigh = maxHigh;
  s.smaxLow = maxLow;
}
function atLeastS64(s: Scalar, minHigh: number, minLow: number): void {
  if (!signedLess(s.sminHigh, s.sminLow, minHigh, minLow)) return;
  s.sminHigh = minHigh;
  s.sminLow = minLow;
}
const atMostU32 = (s: Scalar, max: number): void => {
  if (max >>> 0 < s.u32maxBits >>> 0) s.u32maxBits = max;
};
const atLeastU32 = (s: Scalar, min: number): void => {
  if (min >>> 0 > s.u32minBits >>> 0) s.u32minBits = min;
};
const atMostS32 = (s: Scalar, max: number): void => {
  if (max < s.s32max) s.s32max = max;
};
const atLeastS32 = (s: Scalar, min: number): void => {
  if (min > s.s32min) s.s32min = min;
};

/** The high half of the number plus or minus one, whose low half is given. */
const highPlusOne = (half: number, low: number): number => (low === -1 ? (half + 1) | 0 : half);
const highMinusOne = (half: number, low: number): number => (low === 0 ? (half - 1) | 0 : half);

/** What both know about the bits (tnumIntersect), in the low halves or all of them. A contradiction keeps the ones of either. */
function commonBits(is32: boolean, a: Scalar, b: Scalar): void {
  a.maskLow = b.maskLow = a.maskLow & b.maskLow;
  a.valueLow = b.valueLow = (a.valueLow | b.valueLow) & ~a.maskLow;
  if (is32) return;
  a.maskHigh = b.maskHigh = a.maskHigh & b.maskHigh;
  a.valueHigh = b.valueHigh = (a.valueHigh | b.valueHigh) & ~a.maskHigh;
}

/**
 * Narrows the drafts a and b by `a op b` being true. The caller settles both.
 * Ends may cross where the branch is impossible; the caller's sanity check says so.
 */
export function refine(operation: number, is32: boolean, a: Scalar, b: Scalar): void {
  switch (operation) {
    case BPF_JGE:
    case BPF_JGT:
    case BPF_JSGE:
    case BPF_JSGT:
      refine(flip(operation), is32, b, a);
      return;
    case BPF_JEQ:
      if (is32) {
        a.u32minBits = b.u32minBits = Math.max(a.u32min, b.u32min) | 0;
        a.u32maxBits = b.u32maxBits = Math.min(a.u32max, b.u32max) | 0;
        a.s32min = b.s32min = Math.max(a.s32min, b.s32min);
        a.s32max = b.s32max = Math.min(a.s32max, b.s32max);
      } else {
        commonU64(a, b);
        commonS64(a, b);
      }
      commonBits(is32, a, b);
      return;
    case BPF_JNE:
      refineNotEqual(is32, a, b);
      return;
    case BPF_JSET:
    case NOT_JSET:
      refineBitTest(operation === BPF_JSET, is32, a, b);
      return;
    case BPF_JLE:
      if (is32) {
        atMostU32(a, b.u32maxBits);
        atLeastU32(b, a.u32minBits);
      } else {
        atMostU64(a, b.umaxHigh, b.umaxLow);
        atLeastU64(b, a.uminHigh, a.uminLow);
      }
      return;
    case BPF_JLT:
      if (is32) {
        atMostU32(a, (b.u32maxBits - 1) | 0);
        atLeastU32(b, (a.u32minBits + 1) | 0);
      } else {
        atMostU64(a, highMinusOne(b.umaxHigh, b.umaxLow), (b.umaxLow - 1) | 0);
        atLeastU64(b, highPlusOne(a.uminHigh, a.uminLow), (a.uminLow + 1) | 0);
      }
      return;
    case BPF_JSLE:
      if (is32) {
        atMostS32(a, b.s32max);
        atLeastS32(b, a.s32min);
      } else {
        atMostS64(a, b.smaxHigh, b.smaxLow);
        atLeastS64(b, a.sminHigh, a.sminLow);
      }
      return;
    case BPF_JSLT:
      if (is32) {
        atMostS32(a, (b.s32max - 1) | 0);
        atLeastS32(b, (a.s32min + 1) | 0);
      } else {
        atMostS64(a, highMinusOne(b.smaxHigh, b.smaxLow), (b.smaxLow - 1) | 0);
        atLeastS64(b, highPlusOne(a.sminHigh, a.sminLow), (a.sminLow + 1) | 0);
      }
      return;
  }
}

/** Inequality with a known number takes that number away from the ends. */
function refineNotEqual(is32: boolean, left: Scalar, right: Scalar): void {
  const [a, b] = known(right, is32) ? [left, right] : [right, left];
  if (!known(b, is32)) return;
  const { valueHigh, valueLow } = b;
  if (is32) {
    if (a.u32minBits === valueLow) a.u32minBits = (valueLow + 1) | 0;
    if (a.u32maxBits === valueLow) a.u32maxBits = (valueLow - 1) | 0;
    if (a.s32min === valueLow) a.s32min = (valueLow + 1) | 0;
    if (a.s32max === valueLow) a.s32max = (valueLow - 1) | 0;
    return;
  }
  const aboveHigh = highPlusOne(valueHigh, valueLow);
  const aboveLow = (valueLow + 1) | 0;
  const belowHigh = highMinusOne(valueHigh, valueLow);
  const belowLow = (valueLow - 1) | 0;
  if (a.uminLow === valueLow && a.uminHigh === valueHigh) {
    a.uminHigh = aboveHigh;
    a.uminLow = aboveLow;
  }
  if (a.umaxLow === valueLow && a.umaxHigh === valueHigh) {
    a.umaxHigh = belowHigh;
    a.umaxLow = belowLow;
  }
  if (a.sminLow === valueLow && a.sminHigh === valueHigh) {
    a.sminHigh = aboveHigh;
    a.sminLow = aboveLow;
  }
  if (a.smaxLow === valueLow && a.smaxHigh === valueHigh) {
    a.smaxHigh = belowHigh;
    a.smaxLow = belowLow;
  }
}

const isPowerOfTwo = (highHalf: number, lowHalf: number): boolean =>
  highHalf === 0 ? lowHalf !== 0 && (lowHalf & (lowHalf - 1)) === 0 : lowHalf === 0 && (highHalf & (highHalf - 1)) === 0;

/** A bit test with a known mask: one bit surely set when it holds, all of them clear when not. */
function refineBitTest(holds: boolean, is32: boolean, left: Scalar, right: Scalar): void {
  const [a, b] = known(right, is32) ? [left, right] : [right, left];
  if (!known(b, is32)) return;
  const testedHigh = high(b.valueHigh, is32);
  const testedLow = b.valueLow;
  if (holds) {
    if (!isPowerOfTwo(testedHigh, testedLow)) return;
    a.valueHigh |= testedHigh;
    a.valueLow |= testedLow;
    a.maskHigh &= ~testedHigh;
    a.maskLow &= ~testedLow;
    return;
  }
  // Ranges do not know which bits were clear: start again from the bits.
  unbound(a);
  a.valueHigh &= ~testedHigh;
  a.valueLow &= ~testedLow;
  a.maskHigh &= ~testedHigh;
  a.maskLow &= ~testedLow;
}
