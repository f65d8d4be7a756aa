// Addresses for instructions, so that the disassembly view and instruction breakpoints can name them: made up, one range a program.
// The simulated machine has no code memory; nothing but the debugger's own requests uses these.

import { INSN_SIZE } from '#core/isa';
import type { SlotReference } from './breakpoints.ts';

/** Where JIT-compiled programs lie on x86-64, so that the numbers look like a kernel's. */
const BASE = 0xffff_ffff_a000_0000n;
/** Room for the longest program, a million instructions, between two programs. */
const STRIDE = 0x100_0000n;

export const codeAddress = (program: number, slot: number): bigint => BASE + BigInt(program) * STRIDE + BigInt(slot * INSN_SIZE);

export const formatCodeAddress = (program: number, slot: number): string => `0x${codeAddress(program, slot).toString(16)}`;

/** The program and slot of such an address; the slot may lie outside of the program. */
export function codeReference(address: bigint): SlotReference | undefined {
  if (address < BASE) return undefined;
  const program = Number((address - BASE) / STRIDE);
  return { program, slot: Math.floor(Number((address - BASE) % STRIDE) / INSN_SIZE) };
}

/** A number as DAP's references carry it: `0x…` or decimal. */
export function parseAddress(text: string): bigint | undefined {
  return /^\s*(0[xX][0-9a-fA-F]+|\d+)\s*$/.test(text) ? BigInt(text.trim()) : undefined;
}
