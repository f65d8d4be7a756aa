// 64-bit multiplication, division and byte swaps on 32-bit halves, for the interpreter: no bigint, no allocation.
// A function returns the low half and leaves the high half in `high`, because a pair would have to be allocated.
// Halves are signed 32-bit numbers, as Int32Array holds them. Semantics are RFC 9669 section 4.1.

/** The high half of the last result. */
export let high = 0;

/** High 32 bits of the unsigned product of two 32-bit numbers: schoolbook on 16-bit digits, as each partial product fits 32 bits. */
function multiplyHigh32(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const t0 = Math.imul(a0, b0) >>> 16;
  const t1 = (Math.imul(a1, b0) + t0) | 0;
  const t2 = (Math.imul(a0, b1) + (t1 & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (t1 >>> 16) + (t2 >>> 16)) | 0;
}

export function multiply(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  high = (multiplyHigh32(aLow, bLow) + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0;
  return Math.imul(aLow, bLow);
}

const TWO_32 = 4294967296;

let remainderLow = 0;
let remainderHigh = 0;

/**
 * Unsigned quotient into (result, high), remainder into (remainderLow, remainderHigh); the divisor is not zero.
 * The quotient is estimated in doubles and corrected by the exact remainder: an estimate is off by at most 2^-52 of itself, so each
 * round shrinks the remainder by a factor of 2^50, and two or three rounds suffice.
 */
function divideUnsigned(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  if ((aHigh | bHigh) === 0) {
    const a = aLow >>> 0;
    const b = bLow >>> 0;
    const quotient = (a / b) >>> 0;
    remainderLow = (a - quotient * b) | 0;
    remainderHigh = 0;
    high = 0;
    return quotient | 0;
  }
  const divisor = (bHigh >>> 0) * TWO_32 + (bLow >>> 0);
  let low = aLow;
  let upper = aHigh;
  let quotientLow = 0;
  let quotientHigh = 0;
  // The remainder (upper, low) is unsigned and at least 0 throughout: the estimate is lowered so that it is never too large.
  for (;;) {
    if (upper >>> 0 < bHigh >>> 0 || (upper === bHigh && low >>> 0 < bLow >>> 0)) break;
    const value = (upper >>> 0) * TWO_32 + (low >>> 0);
    let estimate = Math.floor((value / divisor) * (1 - 1e-15));
    if (estimate < 1) estimate = 1;
    // ToInt32 takes a number modulo 2^32, however large it is.
    const estimateHigh = (estimate / TWO_32) | 0;
    const estimateLow = estimate | 0;
    const productLow = multiply(estimateLow, estimateHigh, bLow, bHigh);
    const productHigh = high;
    const borrow = low >>> 0 < productLow >>> 0 ? 1 : 0;
    low = (low - productLow) | 0;
    upper = (upper - productHigh - borrow) | 0;
    const carried = (quotientLow >>> 0) + (estimateLow >>> 0);
    quotientLow = carried | 0;
    quotientHigh = (quotientHigh + estimateHigh + (carried >= TWO_32 ? 1 : 0)) | 0;
  }
  remainderLow = low;
  remainderHigh = upper;
  high = quotientHigh;
  return quotientLow;
}

/** Division by zero gives 0. */
export function divide(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  if ((bLow | bHigh) === 0) {
    high = 0;
    return 0;
  }
  return divideUnsigned(aLow, aHigh, bLow, bHigh);
}

/** Modulo zero gives the dividend. */
export function modulo(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  if ((bLow | bHigh) === 0) {
    high = aHigh;
    return aLow;
  }
  divideUnsigned(aLow, aHigh, bLow, bHigh);
  high = remainderHigh;
  return remainderLow;
}

function negate(low: number, upper: number): number {
  const result = -low | 0;
  high = (low === 0 ? -upper : ~upper) | 0;
  return result;
}

function magnitude(low: number, upper: number): number {
  if (upper < 0) return negate(low, upper);
  high = upper;
  return low;
}

/** Truncates towards zero; by zero gives 0; the smallest number by -1 gives itself. */
export function divideSigned(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  if ((bLow | bHigh) === 0) {
    high = 0;
    return 0;
  }
  const dividendLow = magnitude(aLow, aHigh);
  const dividendHigh = high;
  const divisorLow = magnitude(bLow, bHigh);
  const divisorHigh = high;
  const quotientLow = divideUnsigned(dividendLow, dividendHigh, divisorLow, divisorHigh);
  return (aHigh ^ bHigh) < 0 ? negate(quotientLow, high) : quotientLow;
}

/** The remainder has the dividend's sign; modulo zero gives the dividend. */
export function moduloSigned(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  if ((bLow | bHigh) === 0) {
    high = aHigh;
    return aLow;
  }
  const dividendLow = magnitude(aLow, aHigh);
  const dividendHigh = high;
  const divisorLow = magnitude(bLow, bHigh);
  const divisorHigh = high;
  divideUnsigned(dividendLow, dividendHigh, divisorLow, divisorHigh);
  if (aHigh < 0) return negate(remainderLow, remainderHigh);
  high = remainderHigh;
  return remainderLow;
}

/** The four bytes in reverse order. */
export const swap32 = (value: number): number => (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);

/** The two low bytes in reverse order, zero above. */
export const swap16 = (value: number): number => ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
