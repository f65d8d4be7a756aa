// What a comparison teaches: whether it can be decided, and what each side may still be on the branch taken.
// Knows numbers only; pointers, NULL checks and packet ranges are in transfer-jump.ts.

import { BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JNE, BPF_JSET, BPF_JSGE, BPF_JSGT, BPF_JSLE, BPF_JSLT } from '#core/isa';
import { isConstant, isConstant32, low32, type Scalar, setTnum, unbound } from './scalar.ts';
import { tnumAnd, tnumCast, tnumConst, tnumIntersect, tnumOr, tnumOverlap, tnumWithSubreg } from './tnum.ts';

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

/** Whether `a op b` holds for all values (true), for none (false), or depends (undefined). */
export function decide(operation: number, is32: boolean, a: Scalar, b: Scalar): boolean | undefined {
  switch (operation) {
    case BPF_JEQ:
      return decideEqual(is32, a, b);
    case BPF_JNE: {
      const equal = decideEqual(is32, a, b);
      return equal === undefined ? undefined : !equal;
    }
    case BPF_JSET: {
      let [left, right] = [a, b];
      if (!known(right, is32)) [left, right] = [right, left];
      if (!known(right, is32)) return undefined;
      const ones = is32 ? BigInt(low32(left.value)) : left.value;
      const maybe = is32 ? BigInt(low32(left.value | left.mask)) : left.value | left.mask;
      if ((ones & right.value) !== 0n) return true;
      return (maybe & right.value) === 0n ? false : undefined;
    }
    case BPF_JGT:
      return is32 ? ordered(a.u32min > b.u32max, a.u32max <= b.u32min) : ordered(a.umin > b.umax, a.umax <= b.umin);
    case BPF_JGE:
      return is32 ? ordered(a.u32min >= b.u32max, a.u32max < b.u32min) : ordered(a.umin >= b.umax, a.umax < b.umin);
    case BPF_JLT:
      return is32 ? ordered(a.u32max < b.u32min, a.u32min >= b.u32max) : ordered(a.umax < b.umin, a.umin >= b.umax);
    case BPF_JLE:
      return is32 ? ordered(a.u32max <= b.u32min, a.u32min > b.u32max) : ordered(a.umax <= b.umin, a.umin > b.umax);
    case BPF_JSGT:
      return is32 ? ordered(a.s32min > b.s32max, a.s32max <= b.s32min) : ordered(a.smin > b.smax, a.smax <= b.smin);
    case BPF_JSGE:
      return is32 ? ordered(a.s32min >= b.s32max, a.s32max < b.s32min) : ordered(a.smin >= b.smax, a.smax < b.smin);
    case BPF_JSLT:
      return is32 ? ordered(a.s32max < b.s32min, a.s32min >= b.s32max) : ordered(a.smax < b.smin, a.smin >= b.smax);
    case BPF_JSLE:
      return is32 ? ordered(a.s32max <= b.s32min, a.s32min > b.s32max) : ordered(a.smax <= b.smin, a.smin > b.smax);
    default:
      return undefined;
  }
}

const ordered = (always: boolean, never: boolean): boolean | undefined => (always ? true : never ? false : undefined);

function decideEqual(is32: boolean, a: Scalar, b: Scalar): boolean | undefined {
  const bitsA = is32 ? tnumCast(a, 4) : a;
  const bitsB = is32 ? tnumCast(b, 4) : b;
  if (bitsA.mask === 0n && bitsB.mask === 0n) return bitsA.value === bitsB.value;
  if (!tnumOverlap(bitsA, bitsB)) return false;
  if (!is32 && (a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin)) return false;
  // Numbers with different low halves differ.
  if (a.u32min > b.u32max || a.u32max < b.u32min || a.s32min > b.s32max || a.s32max < b.s32min) return false;
  return undefined;
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

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
        a.u32min = b.u32min = Math.max(a.u32min, b.u32min);
        a.u32max = b.u32max = Math.min(a.u32max, b.u32max);
        a.s32min = b.s32min = Math.max(a.s32min, b.s32min);
        a.s32max = b.s32max = Math.min(a.s32max, b.s32max);
        const low = tnumIntersect(tnumCast(a, 4), tnumCast(b, 4));
        setTnum(a, tnumWithSubreg(a, low));
        setTnum(b, tnumWithSubreg(b, low));
      } else {
        a.umin = b.umin = max(a.umin, b.umin);
        a.umax = b.umax = min(a.umax, b.umax);
        a.smin = b.smin = max(a.smin, b.smin);
        a.smax = b.smax = min(a.smax, b.smax);
        setTnum(a, tnumIntersect(a, b));
        setTnum(b, a);
      }
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
        a.u32max = Math.min(a.u32max, b.u32max);
        b.u32min = Math.max(a.u32min, b.u32min);
      } else {
        a.umax = min(a.umax, b.umax);
        b.umin = max(a.umin, b.umin);
      }
      return;
    case BPF_JLT:
      if (is32) {
        a.u32max = Math.min(a.u32max, (b.u32max - 1) >>> 0);
        b.u32min = Math.max((a.u32min + 1) >>> 0, b.u32min);
      } else {
        a.umax = min(a.umax, BigInt.asUintN(64, b.umax - 1n));
        b.umin = max(BigInt.asUintN(64, a.umin + 1n), b.umin);
      }
      return;
    case BPF_JSLE:
      if (is32) {
        a.s32max = Math.min(a.s32max, b.s32max);
        b.s32min = Math.max(a.s32min, b.s32min);
      } else {
        a.smax = min(a.smax, b.smax);
        b.smin = max(a.smin, b.smin);
      }
      return;
    case BPF_JSLT:
      if (is32) {
        a.s32max = Math.min(a.s32max, (b.s32max - 1) | 0);
        b.s32min = Math.max((a.s32min + 1) | 0, b.s32min);
      } else {
        a.smax = min(a.smax, BigInt.asIntN(64, b.smax - 1n));
        b.smin = max(BigInt.asIntN(64, a.smin + 1n), b.smin);
      }
      return;
  }
}

/** Inequality with a known number takes that number away from the ends. */
function refineNotEqual(is32: boolean, left: Scalar, right: Scalar): void {
  const [a, b] = known(right, is32) ? [left, right] : [right, left];
  if (!known(b, is32)) return;
  if (is32) {
    const u32 = low32(b.value);
    const s32 = u32 | 0;
    if (a.u32min === u32) a.u32min = (a.u32min + 1) >>> 0;
    if (a.u32max === u32) a.u32max = (a.u32max - 1) >>> 0;
    if (a.s32min === s32) a.s32min = (a.s32min + 1) | 0;
    if (a.s32max === s32) a.s32max = (a.s32max - 1) | 0;
  } else {
    const s64 = BigInt.asIntN(64, b.value);
    if (a.umin === b.value) a.umin = BigInt.asUintN(64, a.umin + 1n);
    if (a.umax === b.value) a.umax = BigInt.asUintN(64, a.umax - 1n);
    if (a.smin === s64) a.smin = BigInt.asIntN(64, a.smin + 1n);
    if (a.smax === s64) a.smax = BigInt.asIntN(64, a.smax - 1n);
  }
}

/** A bit test with a known mask: one bit surely set when it holds, all of them clear when not. */
function refineBitTest(holds: boolean, is32: boolean, left: Scalar, right: Scalar): void {
  const [a, b] = known(right, is32) ? [left, right] : [right, left];
  if (!known(b, is32)) return;
  const tested = is32 ? BigInt(low32(b.value)) : b.value;
  if (holds) {
    if (tested === 0n || (tested & (tested - 1n)) !== 0n) return;
    setTnum(a, is32 ? tnumWithSubreg(a, tnumOr(tnumCast(a, 4), tnumConst(tested))) : tnumOr(a, tnumConst(tested)));
    return;
  }
  // Ranges do not know which bits were clear: start again from the bits.
  unbound(a);
  const clear = tnumConst(~tested);
  setTnum(a, is32 ? tnumWithSubreg(a, tnumAnd(tnumCast(a, 4), clear)) : tnumAnd(a, clear));
}
