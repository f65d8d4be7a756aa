// 64-bit numbers as two 32-bit halves, each an int32: what ranges and bits are computed with, since numbers of this kind cost no memory
// of their own and bigints do. The low half is read as unsigned; whether the high one is signed, the function's name says.

// Bigints are cut to 64 bits by memory. BigInt.asIntN would read better, but the optimising compiler of Node 20 (V8 11.3) ends the process
// ("RepresentationChangerError") where its argument is one of two 64-bit bigints chosen by a condition.
const words = new DataView(new ArrayBuffer(8));

/** The halves of a bigint, taken modulo 2^64. */
export function highHalf(value: bigint): number {
  words.setBigInt64(0, value);
  return words.getInt32(0);
}
export function lowHalf(value: bigint): number {
  words.setBigInt64(0, value);
  return words.getInt32(4);
}

export const toUnsigned = (high: number, low: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
export const toSigned = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low >>> 0);
/** The signed number as a double: exact up to 2^53, and beyond that still on the right side of every smaller number. */
export const toNumber = (high: number, low: number): number => high * 0x1_0000_0000 + (low >>> 0);

export const toUnsignedNumber = (high: number, low: number): number => (high >>> 0) * 0x1_0000_0000 + (low >>> 0);

export const unsignedLess = (aHigh: number, aLow: number, bHigh: number, bLow: number): boolean =>
  aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh >>> 0 < bHigh >>> 0;
export const signedLess = (aHigh: number, aLow: number, bHigh: number, bLow: number): boolean =>
  aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh < bHigh;

/** 1 when the sum of the low halves needs a 33rd bit, else 0. */
export const carry = (aLow: number, bLow: number): number => ((aLow >>> 0) + (bLow >>> 0) > 0xffff_ffff ? 1 : 0);
/** 1 when the difference of the low halves is negative, else 0. */
export const borrow = (aLow: number, bLow: number): number => (aLow >>> 0 < bLow >>> 0 ? 1 : 0);

/** The upper half of the product of two low halves (unsigned); the lower one is Math.imul. */
function lowProductHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  return (a1 * b1 + Math.floor(middle / 0x1_0000) + Math.floor(((middle & 0xffff) + a0 * b1) / 0x1_0000)) | 0;
}
/** The halves of a product modulo 2^64. */
export const productHigh = (aHigh: number, aLow: number, bHigh: number, bLow: number): number =>
  (lowProductHigh(aLow, bLow) + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0;
export const productLow = (aLow: number, bLow: number): number => Math.imul(aLow, bLow);

/** Doubles are off by less than this, relatively: a product this near to a border is computed exactly. */
const DOUBLE_ERROR = 2 ** -40;

export function signedProductOverflows(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  const size = Math.abs(toNumber(aHigh, aLow) * toNumber(bHigh, bLow)) / 2 ** 63;
  if (Math.abs(size - 1) > DOUBLE_ERROR) return size > 1;
  const exact = toSigned(aHigh, aLow) * toSigned(bHigh, bLow);
  return BigInt.asIntN(64, exact) !== exact;
}

export function unsignedProductOverflows(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  const size = toUnsignedNumber(aHigh, aLow) * (toUnsignedNumber(bHigh, bLow) / 2 ** 64);
  if (Math.abs(size - 1) > DOUBLE_ERROR) return size > 1;
  return (toUnsigned(aHigh, aLow) * toUnsigned(bHigh, bLow)) >> 64n !== 0n;
}

/** Number of bits up to and including the highest set one. */
export const bitLength = (high: number, low: number): number => (high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(low));

/** The halves of the lowest `bits` (0 to 64) bits set. */
export const onesHigh = (bits: number): number => (bits <= 32 ? 0 : (-1 >>> (64 - bits)) | 0);
export const onesLow = (bits: number): number => (bits === 0 ? 0 : bits >= 32 ? -1 : (1 << bits) - 1);

// Shifts by 0 to 63.
export const leftHigh = (high: number, low: number, by: number): number =>
  by === 0 ? high : by < 32 ? (high << by) | (low >>> (32 - by)) : low << (by - 32);
export const leftLow = (low: number, by: number): number => (by < 32 ? low << by : 0);
export const rightHigh = (high: number, by: number): number => (by < 32 ? (high >>> by) | 0 : 0);
export const rightLow = (high: number, low: number, by: number): number =>
  by === 0 ? low : by < 32 ? (low >>> by) | (high << (32 - by)) : (high >>> (by - 32)) | 0;
export const signedRightHigh = (high: number, by: number): number => (by < 32 ? high >> by : high >> 31);
export const signedRightLow = (high: number, low: number, by: number): number =>
  by === 0 ? low : by < 32 ? (low >>> by) | (high << (32 - by)) : high >> (by - 32);
