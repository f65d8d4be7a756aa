// Tristate numbers: for each of 64 bits, known 0, known 1 or unknown, and how the log prints them.
// `value` holds the known ones, `mask` the unknown bits; the two never share a bit. Both are unsigned 64-bit. What is computed with them
// stands in scalar.ts and alu.ts. (Vishwanathan et al., "Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers", CGO 2022.)

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
