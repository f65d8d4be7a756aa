// What we print we assemble back to the same bytes: every form of the opcode table, in every dialect.
import { describe, expect, it } from 'vitest';
import { toHex } from '#core/bytes';
import { everyForm } from './every-form.ts';
import {
  assemble,
  bpftoolImmediate,
  checkEncoding,
  encode,
  formatClassicInsn,
  formatKernelInsn,
  formatLlvmInsn,
  INSTRUCTIONS,
  type Insn,
  type Instruction,
} from './index.ts';

function reassembled(text: string): string {
  const object = assemble(text, {
    helperId: (name) => (/^helper_m?\d+$/.test(name) ? Number(name.slice(7).replace('m', '-')) : undefined),
  });
  expect(object.problems, text).toEqual([]);
  return toHex(object.sections[0]!.bytes);
}

const rows = INSTRUCTIONS.map((row) => [row.id, row] as const);

/** Forms that a dialect's text does not carry, with the reason. Their bytes beside the text bring them back in objdump's listing. */
function lostInLlvm(row: Instruction, insns: readonly Insn[]): boolean {
  const [insn, second] = insns as [Insn, Insn | undefined];
  // BPF_ADDR_PERCPU has no syntax; ld_pseudo leaves the second slot's imm out; a packet load's register form its offset.
  if (row.kind === 'percpu_address') return true;
  if (row.kind === 'ld_imm64' && insn.src !== 0) return second!.imm !== 0;
  if (row.operation === 'ldind') return insn.imm !== 0;
  // `call 0x5` is a helper, `call -0x5` a distance: a local call ahead and a kfunc look like helpers.
  if (row.operation === 'kfunc') return true;
  if (row.operation === 'local') return insn.imm >= 0;
  return row.operation === 'helper' && insn.imm < 0;
}

function lostInKernel(row: Instruction, insns: readonly Insn[]): boolean {
  // The kernel prints the address or the bare number for these, and no fd array index behind a kfunc.
  if (row.kind === 'ld_imm64') return ['btf_id', 'map_idx'].includes(row.operation);
  return row.operation === 'kfunc' && insns[0]!.off !== 0;
}

describe('round trip', () => {
  it.each(rows)('llvm: %s', (_id, row) => {
    for (const insns of everyForm(row)) {
      if (!lostInLlvm(row, insns)) expect(reassembled(formatLlvmInsn(insns, 0))).toBe(toHex(encode(insns)));
    }
  });

  it.each(rows)('llvm with bytes: %s', (_id, row) => {
    for (const insns of everyForm(row)) {
      expect(reassembled(`       0:\t${toHex(encode(insns), ' ')}\t${formatLlvmInsn(insns, 0)}`)).toBe(toHex(encode(insns)));
    }
  });

  it.each(rows)('kernel: %s', (_id, row) => {
    const options = {
      helperName: (id: number) => `helper_${String(id).replace('-', 'm')}`,
      kfuncName: () => 'a_kfunc',
      immediate: bpftoolImmediate,
    };
    for (const insns of everyForm(row)) {
      if (!lostInKernel(row, insns))
        expect(reassembled(`0: ${formatKernelInsn(insns, 0, options)} ; R1=ctx() R10=fp0`)).toBe(toHex(encode(insns)));
    }
  });

  it.each(rows)('classic: %s', (_id, row) => {
    for (const insns of everyForm(row)) expect(reassembled(formatClassicInsn(insns, 0))).toBe(toHex(encode(insns)));
  });

  it('classic text of what is no instruction', () => {
    const insn = { opcode: 0xff, dst: 3, src: 12, off: -5, imm: 7 };
    const object = assemble(formatClassicInsn([insn], 0));
    expect(object.sections[0]!.insns).toEqual([insn]);
    expect(object.problems.map((one) => one.message)).toEqual(checkEncoding([insn]).map((one) => one.message));
  });
});
