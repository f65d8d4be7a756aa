// Comparisons as Linux before 6.8 followed them: one side had to be a constant, inequality taught nothing, and after a comparison the ranges
// of 32 and 64 bits were made from one another, not narrowed by each other. A verdict for such a kernel must not know more than it did.

import { BPF_JEQ, BPF_JNE, BPF_JSET } from '#core/isa';
import { decide, flip, negate, NOT_JSET, refine } from './branch.ts';
import {
  boundsFromBits,
  constant,
  isConstant,
  isConstant32,
  type Scalar,
  setBitsOfConstant32,
  settle,
  unbound32,
  unboundS64,
  unboundU64,
  zeroExtend32,
} from './scalar.ts';

const isKnown = (s: Scalar, is32: boolean): boolean => (is32 ? isConstant32(s) : isConstant(s));

/** As `decide`; undefined also where neither side is known. */
export function decideApart(operation: number, is32: boolean, a: Scalar, b: Scalar): boolean | undefined {
  if (isKnown(b, is32)) return decideByConstant(operation, is32, a, b);
  return isKnown(a, is32) ? decideByConstant(flip(operation), is32, b, a) : undefined;
}

function decideByConstant(operation: number, is32: boolean, a: Scalar, b: Scalar): boolean | undefined {
  if ((operation === BPF_JEQ || operation === BPF_JNE) && !isKnown(a, is32)) return undefined;
  return decide(operation, is32, a, b);
}

export interface Branch {
  /** Of the operation's left side. */
  target: Scalar;
  source: Scalar;
}

/** What the sides are where the comparison holds, and where it does not. */
export function refineApart(operation: number, is32: boolean, target: Scalar, source: Scalar): [holds: Branch, fails: Branch] {
  const branch = (op: number): Branch => {
    if (isKnown(source, is32)) return { target: narrowed(op, is32, target, source), source };
    if (isKnown(target, is32)) return { target, source: narrowed(flip(op), is32, source, target) };
    if (is32 || op !== BPF_JEQ) return { target, source };
    const [a, b] = [target.draft(), source.draft()];
    refine(BPF_JEQ, false, a, b);
    return { target: settle(a), source: settle(b) };
  };
  return [branch(operation), branch(negate(operation))];
}

function narrowed(op: number, is32: boolean, before: Scalar, known: Scalar): Scalar {
  const s = before.draft();
  if (op === BPF_JEQ) {
    if (!is32) return constant(known.value);
    setBitsOfConstant32(s, known.valueLow);
  } else if (op === BPF_JSET || op === NOT_JSET) {
    // Only the bits learn from a bit test; ranges stay what they were.
    const bits = before.draft();
    refine(op, is32, bits, known.draft());
    [s.valueHigh, s.valueLow, s.maskHigh, s.maskLow] = [bits.valueHigh, bits.valueLow, bits.maskHigh, bits.maskLow];
  } else if (op !== BPF_JNE) {
    refine(op, is32, s, known.draft());
  }
  if (is32) from32(s);
  else from64(s);
  return settle(s);
}

/** The 64-bit ranges are those of the low half where the upper half is zero, and unknown elsewhere. */
function from32(s: Scalar): void {
  if ((s.valueHigh | s.maskHigh) === 0) zeroExtend32(s);
  else {
    unboundU64(s);
    unboundS64(s);
  }
}

/** The 32-bit ranges are the 64-bit ones where these fit, and unknown elsewhere. */
function from64(s: Scalar): void {
  const { sminHigh, sminLow, smaxHigh, smaxLow, uminHigh, uminLow, umaxHigh, umaxLow } = s;
  unbound32(s);
  if (sminHigh === sminLow >> 31 && smaxHigh === smaxLow >> 31) {
    s.s32min = sminLow;
    s.s32max = smaxLow;
  }
  if (uminHigh === 0 && umaxHigh === 0) {
    s.u32minBits = uminLow;
    s.u32maxBits = umaxLow;
  }
  boundsFromBits(s);
}
