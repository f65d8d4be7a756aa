// Arithmetic on what is known about numbers: one function per ALU operation, each sound for every pair of values
// that the operands may hold. Knows no pointers and no instructions' operands.

import { asS64, asU64 } from '#core/bytes';
import { BPF_ADD, BPF_AND, BPF_ARSH, BPF_LSH, BPF_MUL, BPF_NEG, BPF_OR, BPF_RSH, BPF_SUB, BPF_XOR } from '#core/isa';
import { boundsFromBits, boundsFromBits32, constant, isConstant, isConstant32, low32, S32_MAX, S32_MIN, S64_MAX, S64_MIN, type Scalar, setConstant, setConstant32, setTnum, settle, U32_MAX, U64_MAX, unbound32, unbound64, zeroExtend32, ZERO } from './scalar.ts';
import { tnumAdd, tnumAnd, tnumArsh, tnumCast, tnumLsh, tnumMul, tnumOr, tnumRsh, tnumSub, tnumXor } from './tnum.ts';

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
        ? isConstant32(source) && source.s32min === source.s32max && source.u32min === source.u32max
        : isConstant(source) && source.smin === source.smax && source.umin === source.umax;
      return known && source.umax < (is32 ? 32n : 64n);
    }
    default:
      return false;
  }
}

const signedOverflows = (value: bigint): boolean => value < S64_MIN || value > S64_MAX;

function add32(s: Scalar, other: Scalar): void {
  s.s32min += other.s32min;
  s.s32max += other.s32max;
  if (s.s32min < S32_MIN || s.s32min > S32_MAX || s.s32max < S32_MIN || s.s32max > S32_MAX) {
    s.s32min = S32_MIN;
    s.s32max = S32_MAX;
  }
  // When both ends wrap, the order of what lies between is kept; when only the upper does, nothing is known.
  const min = s.u32min + other.u32min;
  const max = s.u32max + other.u32max;
  if (min <= U32_MAX && max > U32_MAX) {
    s.u32min = 0;
    s.u32max = U32_MAX;
  } else {
    s.u32min = min >>> 0;
    s.u32max = max >>> 0;
  }
}

function add64(s: Scalar, other: Scalar): void {
  s.smin += other.smin;
  s.smax += other.smax;
  if (signedOverflows(s.smin) || signedOverflows(s.smax)) {
    s.smin = S64_MIN;
    s.smax = S64_MAX;
  }
  const min = s.umin + other.umin;
  const max = s.umax + other.umax;
  if (min <= U64_MAX && max > U64_MAX) {
    s.umin = 0n;
    s.umax = U64_MAX;
  } else {
    s.umin = asU64(min);
    s.umax = asU64(max);
  }
}

/** Adds without settling, as linked registers at a constant distance need it. */
export function addUnsettled(s: Scalar, other: Scalar): void {
  add32(s, other);
  add64(s, other);
  setTnum(s, tnumAdd(s, other));
}

function subtract(s: Scalar, other: Scalar): void {
  const s32min = s.s32min - other.s32max;
  const s32max = s.s32max - other.s32min;
  const wraps32 = s32min < S32_MIN || s32min > S32_MAX || s32max < S32_MIN || s32max > S32_MAX;
  s.s32min = wraps32 ? S32_MIN : s32min;
  s.s32max = wraps32 ? S32_MAX : s32max;
  const u32min = s.u32min - other.u32max;
  const u32max = s.u32max - other.u32min;
  if (u32min < 0 && u32max >= 0) {
    s.u32min = 0;
    s.u32max = U32_MAX;
  } else {
    s.u32min = u32min >>> 0;
    s.u32max = u32max >>> 0;
  }
  const smin = s.smin - other.smax;
  const smax = s.smax - other.smin;
  const wraps = signedOverflows(smin) || signedOverflows(smax);
  s.smin = wraps ? S64_MIN : smin;
  s.smax = wraps ? S64_MAX : smax;
  const umin = s.umin - other.umax;
  const umax = s.umax - other.umin;
  if (umin < 0n && umax >= 0n) {
    s.umin = 0n;
    s.umax = U64_MAX;
  } else {
    s.umin = asU64(umin);
    s.umax = asU64(umax);
  }
  setTnum(s, tnumSub(s, other));
}

function multiply(s: Scalar, other: Scalar): void {
  setTnum(s, tnumMul(s, other));
  // Products of 32-bit numbers can exceed 2^53: BigInt keeps them exact.
  const umax32 = BigInt(s.u32max) * BigInt(other.u32max);
  if (umax32 > BigInt(U32_MAX)) {
    s.u32min = 0;
    s.u32max = U32_MAX;
  } else {
    s.u32max = Number(umax32);
    s.u32min *= other.u32min;
  }
  const corners32 = [BigInt(s.s32min) * BigInt(other.s32min), BigInt(s.s32min) * BigInt(other.s32max), BigInt(s.s32max) * BigInt(other.s32min), BigInt(s.s32max) * BigInt(other.s32max)];
  if (corners32.some((corner) => corner < BigInt(S32_MIN) || corner > BigInt(S32_MAX))) {
    s.s32min = S32_MIN;
    s.s32max = S32_MAX;
  } else {
    const numbers = corners32.map(Number);
    s.s32min = Math.min(...numbers);
    s.s32max = Math.max(...numbers);
  }
  const umax = s.umax * other.umax;
  if (umax > U64_MAX) {
    s.umin = 0n;
    s.umax = U64_MAX;
  } else {
    s.umax = umax;
    s.umin *= other.umin;
  }
  const corners = [s.smin * other.smin, s.smin * other.smax, s.smax * other.smin, s.smax * other.smax];
  if (corners.some(signedOverflows)) {
    s.smin = S64_MIN;
    s.smax = S64_MAX;
  } else {
    s.smin = corners.reduce((a, b) => (b < a ? b : a));
    s.smax = corners.reduce((a, b) => (b > a ? b : a));
  }
}

/** Signed ranges follow the unsigned ones where those do not cross the sign. */
function signedFromUnsigned32(s: Scalar): void {
  const ordered = (s.u32min | 0) <= (s.u32max | 0);
  s.s32min = ordered ? s.u32min | 0 : S32_MIN;
  s.s32max = ordered ? s.u32max | 0 : S32_MAX;
}
function signedFromUnsigned64(s: Scalar): void {
  const min = asS64(s.umin);
  const max = asS64(s.umax);
  const ordered = min <= max;
  s.smin = ordered ? min : S64_MIN;
  s.smax = ordered ? max : S64_MAX;
}

function bitwise(s: Scalar, other: Scalar, operation: number): void {
  const otherKnown32 = isConstant32(other);
  const otherKnown = isConstant(other);
  setTnum(s, operation === BPF_AND ? tnumAnd(s, other) : operation === BPF_OR ? tnumOr(s, other) : tnumXor(s, other));
  const value32 = low32(s.value);
  const all32 = (value32 | low32(s.mask)) >>> 0;
  if (otherKnown32 && isConstant32(s)) setConstant32(s, value32);
  else {
    switch (operation) {
      case BPF_AND:
        s.u32min = value32;
        s.u32max = Math.min(s.u32max, other.u32max);
        break;
      case BPF_OR:
        s.u32min = Math.max(s.u32min, other.u32min);
        s.u32max = all32;
        break;
      default:
        s.u32min = value32;
        s.u32max = all32;
    }
    signedFromUnsigned32(s);
  }
  if (otherKnown && isConstant(s)) {
    setConstant(s, s.value);
    return;
  }
  switch (operation) {
    case BPF_AND:
      s.umin = s.value;
      if (other.umax < s.umax) s.umax = other.umax;
      break;
    case BPF_OR:
      if (other.umin > s.umin) s.umin = other.umin;
      s.umax = s.value | s.mask;
      break;
    default:
      s.umin = s.value;
      s.umax = s.value | s.mask;
  }
  signedFromUnsigned64(s);
  boundsFromBits(s);
}

function leftShiftRange32(s: Scalar, shift: number): void {
  s.s32min = S32_MIN;
  s.s32max = S32_MAX;
  if (shift > 31 || s.u32max > 2 ** (31 - shift)) {
    s.u32min = 0;
    s.u32max = U32_MAX;
  } else {
    s.u32min = (s.u32min << shift) >>> 0;
    s.u32max = (s.u32max << shift) >>> 0;
  }
}

function leftShift(s: Scalar, shift: number, is32: boolean): void {
  const by = BigInt(shift);
  if (is32) {
    const bits = tnumCast(s, 4);
    leftShiftRange32(s, shift);
    setTnum(s, tnumCast(tnumLsh(bits, by), 4));
    unbound64(s);
    boundsFromBits32(s);
    return;
  }
  // `<<= 32; s>>= 32` is how compilers sign-extend: keep the signed range of the low half.
  if (shift === 32) {
    s.smax = BigInt(s.s32max) << 32n;
    s.smin = BigInt(s.s32min) << 32n;
  } else {
    s.smax = S64_MAX;
    s.smin = S64_MIN;
  }
  if (s.umax > 1n << (63n - by)) {
    s.umin = 0n;
    s.umax = U64_MAX;
  } else {
    s.umin <<= by;
    s.umax <<= by;
  }
  leftShiftRange32(s, shift);
  setTnum(s, tnumLsh(s, by));
  boundsFromBits(s);
}

function rightShift(s: Scalar, shift: number, is32: boolean): void {
  const by = BigInt(shift);
  if (is32) {
    setTnum(s, tnumRsh(tnumCast(s, 4), by));
    s.s32min = S32_MIN;
    s.s32max = S32_MAX;
    s.u32min >>>= shift;
    s.u32max >>>= shift;
    unbound64(s);
    boundsFromBits32(s);
    return;
  }
  s.smin = S64_MIN;
  s.smax = S64_MAX;
  setTnum(s, tnumRsh(s, by));
  s.umin >>= by;
  s.umax >>= by;
  unbound32(s);
  boundsFromBits(s);
}

function arithmeticRightShift(s: Scalar, shift: number, is32: boolean): void {
  const by = BigInt(shift);
  if (is32) {
    s.s32min >>= shift;
    s.s32max >>= shift;
    setTnum(s, tnumArsh(tnumCast(s, 4), by, 32));
    s.u32min = 0;
    s.u32max = U32_MAX;
    unbound64(s);
    boundsFromBits32(s);
    return;
  }
  s.smin >>= by;
  s.smax >>= by;
  setTnum(s, tnumArsh(s, by, 64));
  s.umin = 0n;
  s.umax = U64_MAX;
  unbound32(s);
  boundsFromBits(s);
}

/** The exact result of two known 64-bit numbers, where the range rules would find the same. */
function compute(operation: number, a: bigint, b: bigint): bigint | undefined {
  switch (operation) {
    case BPF_ADD:
      return a + b;
    case BPF_SUB:
      return a - b;
    case BPF_AND:
      return a & b;
    case BPF_OR:
      return a | b;
    case BPF_XOR:
      return a ^ b;
    case BPF_MUL:
      return a * b;
    case BPF_LSH:
      return a << b;
    case BPF_RSH:
      return a >> b;
    case BPF_ARSH:
      return asS64(a) >> b;
    default:
      return undefined;
  }
}

/**
 * The result of `target op= source`, for an operation that `hasKnownRange`. NEG ignores `source`.
 * With `is32` the low halves are used and the result is zero-extended.
 */
export function arithmetic(operation: number, is32: boolean, target: Scalar, source: Scalar): Scalar {
  if (!is32 && target.mask === 0n && source.mask === 0n && operation !== BPF_NEG) {
    const known = compute(operation, target.value, source.value);
    if (known !== undefined) return constant(known);
  }
  const s = operation === BPF_NEG ? ZERO.draft() : target.draft();
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
      leftShift(s, is32 ? source.u32min : Number(source.umin), is32);
      break;
    case BPF_RSH:
      rightShift(s, is32 ? source.u32min : Number(source.umin), is32);
      break;
    case BPF_ARSH:
      arithmeticRightShift(s, is32 ? source.u32min : Number(source.umin), is32);
      break;
  }
  if (is32) zeroExtend32(s);
  return settle(s);
}
