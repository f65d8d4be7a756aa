// The table against itself, and checkEncoding against the table: every field that a row does not use must be refused.
import { describe, expect, it } from 'vitest';
import { checkEncoding, INSTRUCTIONS, lookup } from './index.ts';
import { everyForm } from './every-form.ts';

describe('opcode table', () => {
  it('has unique ids', () => {
    expect(new Set(INSTRUCTIONS.map((row) => row.id)).size).toBe(INSTRUCTIONS.length);
  });

  it('covers the instruction set', () => {
    const count = (prefix: string): number => INSTRUCTIONS.filter((row) => row.id.startsWith(prefix)).length;
    // 11 conditions, two widths, two sources; 10 atomics in two sizes; acquire and release in four.
    expect(INSTRUCTIONS.filter((row) => row.kind === 'jump')).toHaveLength(44);
    expect(INSTRUCTIONS.filter((row) => row.kind === 'atomic')).toHaveLength(20);
    expect(count('load_acquire') + count('store_release')).toBe(8);
    expect(INSTRUCTIONS.filter((row) => row.kind === 'alu')).toHaveLength(2 * (13 * 2 + 1));
    expect(INSTRUCTIONS.filter((row) => row.kind === 'endian')).toHaveLength(9);
    expect(INSTRUCTIONS.filter((row) => row.kind === 'ld_imm64')).toHaveLength(7);
  });

  it.each(INSTRUCTIONS.map((row) => [row.id, row] as const))('%s is found again and clean', (_id, row) => {
    for (const insns of everyForm(row)) {
      expect(lookup(insns[0]!)).toBe(row);
      expect(checkEncoding(insns, { kernelInternal: true })).toEqual([]);
    }
  });

  it.each(INSTRUCTIONS.map((row) => [row.id, row] as const))('%s refuses what it does not use', (_id, row) => {
    const [insns] = everyForm(row);
    for (const field of ['dst', 'src', 'off', 'imm'] as const) {
      if (row.uses.includes(field) || row.fixed[field] !== undefined) continue;
      const wrong = insns!.map((insn, i) => (i === 0 ? { ...insn, [field]: 3 } : insn));
      const problems = checkEncoding(wrong, { kernelInternal: true });
      expect(problems.map((one) => one.insn)).toEqual([0]);
      // Where the field tells other forms of the opcode apart, the value names none of them.
      expect(problems[0]!.message).toMatch(/does not use|is no instruction/);
    }
  });

  it('says which slot is wrong', () => {
    expect(
      checkEncoding([
        { opcode: 0x95, dst: 0, src: 0, off: 0, imm: 0 },
        { opcode: 0xff, dst: 0, src: 0, off: 0, imm: 0 },
      ]),
    ).toEqual([{ insn: 1, code: 'unknown-opcode', message: 'insn 1: 0xff is no opcode' }]);
    expect(checkEncoding([{ opcode: 0x18, dst: 1, src: 0, off: 0, imm: 0 }])[0]?.code).toBe('truncated-ld-imm64');
    expect(checkEncoding([{ opcode: 0xbf, dst: 11, src: 12, off: 0, imm: 0 }]).map((one) => one.code)).toEqual([
      'bad-register',
      'bad-register',
    ]);
    expect(checkEncoding([{ opcode: 0xbf, dst: 1, src: 2, off: -1, imm: 0 }])[0]?.code).toBe('kernel-internal');
  });
});
