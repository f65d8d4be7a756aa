// Tristate numbers: for each of 64 bits, known 0, known 1 or unknown, and how the log prints them.
// `value` holds the known ones, `mask` the unknown bits; the two never share a bit. Both are unsigned 64-bit. What is computed with them
// stands in scalar.ts and alu.ts. (Vishwanathan et al., "Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers", CGO 2022.)

import { MASK64 } from '#core/bytes';

export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

/** `0x…` without leading zeros, also for 0, as the kernel's %#llx prints it. */
export const hexadecimal = (value: bigint): string => `0x${value.toString(16)}`;

/** As the log prints it: a known small number in decimal, others in hexadecimal, unknown bits as `(value; mask)`. */
export function formatTnum(t: Tnum): string {
  if (t.mask === 0n) return t.value <= 0xffffn ? String(t.value) : hexadecimal(t.value);
  return `(${hexadecimal(t.value)}; ${hexadecimal(t.mask)})`;
}

/** The smallest number with these bits that is larger than `number`; the largest one where there is none (tnum_step). */
export function tnumStep({ value, mask }: Tnum, number: bigint): bigint {
  const last = value | mask;
  if (number >= last) return last;
  if (number < value) return value;
  // Where the number's known bits first are others than they must be.
  const wrong = (number & ~mask & MASK64) ^ value;
  if (wrong === 0n) return value | (((number | (~mask & MASK64)) + 1n) & mask);
  const top = 1n << BigInt(wrong.toString(2).length - 1);
  const below = 2n * top - 1n;
  // Too small there: the bits above stay. Too large: they must count on.
  if (value & top) return value | (number & mask & ~below);
  return value | (((number | (~mask & MASK64) | below) + 1n) & mask);
}
