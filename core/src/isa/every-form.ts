// Instructions made from the opcode table with values at the edges of every operand: what property tests run over.
// Deterministic, and no dialect's special case: a form that a dialect cannot say is the test's to leave out.

import type { Insn } from './encoding.ts';
import type { Instruction } from './opcodes.ts';

const REGISTERS = [0, 1, 5, 9, 10] as const;
const OFFSETS = [0, 1, -1, 8, -8, 255, 0x7fff, -0x8000] as const;
const IMMEDIATES = [0, 1, -1, 42, 255, 0x1000, 0x7fff_ffff, -0x8000_0000] as const;

/** One or two slots each. */
export function everyForm(row: Instruction): Insn[][] {
  const result: Insn[][] = [];
  const rounds = Math.max(REGISTERS.length, OFFSETS.length, IMMEDIATES.length);
  for (let i = 0; i < rounds; i++) {
    const insn: Insn = {
      opcode: row.opcode,
      dst: row.uses.includes('dst') ? REGISTERS[i % REGISTERS.length]! : 0,
      src: row.uses.includes('src') ? REGISTERS[(i + 2) % REGISTERS.length]! : 0,
      off: row.uses.includes('off') ? OFFSETS[i % OFFSETS.length]! : 0,
      imm: row.uses.includes('imm') ? IMMEDIATES[(i + 3) % IMMEDIATES.length]! : 0,
      ...row.fixed,
    };
    result.push(
      row.kind === 'ld_imm64'
        ? [insn, { opcode: 0, dst: 0, src: 0, off: 0, imm: row.usesNextImm ? IMMEDIATES[(i + 5) % IMMEDIATES.length]! : 0 }]
        : [insn],
    );
  }
  return result;
}
