// A program as text in one of the field's dialects, an entry an instruction. The formats themselves stand in format-*.ts.

import { isLdImm64, type Insn } from './encoding.ts';
import { formatClassicInsn } from './format-classic.ts';
import { formatKernelInsn, type KernelFormatOptions } from './format-kernel.ts';
import { formatLlvmInsn, type LlvmFormatOptions } from './format-llvm.ts';
import { never } from '#core/problem';

/** `llvm`: llvm-objdump's pseudo-C. `kernel`: verifier log and bpftool. `classic`: uBPF and bpf_conformance. */
export type Dialect = 'llvm' | 'kernel' | 'classic';

export interface DisassembledInsn {
  /** First slot. */
  slot: number;
  /** 2 for ld_imm64, else 1. */
  slots: 1 | 2;
  text: string;
}

export interface DisassembleOptions extends KernelFormatOptions, LlvmFormatOptions {
  dialect?: Dialect;
}

/** One instruction in the dialect, without slot number or bytes. */
export function formatInsn(insns: readonly Insn[], i: number, dialect: Dialect, options: DisassembleOptions = {}): string {
  switch (dialect) {
    case 'llvm':
      return formatLlvmInsn(insns, i, options);
    case 'kernel':
      return formatKernelInsn(insns, i, options);
    case 'classic':
      return formatClassicInsn(insns, i);
    default:
      return never(dialect);
  }
}

/** All instructions in order; an ld_imm64 is one entry that takes two slots. */
export function disassemble(insns: readonly Insn[], options: DisassembleOptions = {}): DisassembledInsn[] {
  const dialect = options.dialect ?? 'llvm';
  const result: DisassembledInsn[] = [];
  for (let slot = 0; slot < insns.length;) {
    const slots = isLdImm64(insns[slot]!) && slot + 1 < insns.length ? 2 : 1;
    result.push({ slot, slots, text: formatInsn(insns, slot, dialect, options) });
    slot += slots;
  }
  return result;
}
