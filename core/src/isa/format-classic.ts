// An instruction in the classic mnemonics of uBPF, rbpf and bpf_conformance: `mov %r0, 1`, `ldxdw %r0, [%r1+8]`.
// What those have no word for (Linux's additions) gets the mnemonic of the opcode table, and the assembler knows it.

import { ldImm64Value, type Insn } from './encoding.ts';
import { lookup, type Instruction } from './opcodes.ts';
import { never } from '#core/problem';

const signed = (value: number): string => (value < 0 ? String(value) : `+${value}`);

/** Text of the instruction in slot `i`. `.insn …` with its bytes for what is no instruction. */
export function formatClassicInsn(insns: readonly Insn[], i: number): string {
  const insn = insns[i]!;
  const row = lookup(insn);
  return row ? operation(row, insns, i) : `.insn ${insn.opcode}, ${insn.dst}, ${insn.src}, ${insn.off}, ${insn.imm}`;
}

function operation(row: Instruction, insns: readonly Insn[], i: number): string {
  const { dst, src, off, imm } = insns[i]!;
  const { mnemonic } = row;
  const memory = (base: number): string => `[%r${base}${off === 0 ? '' : signed(off)}]`;
  const operand = row.uses.includes('src') ? `%r${src}` : String(imm);
  switch (row.kind) {
    case 'alu':
      return row.operation === 'neg' ? `${mnemonic} %r${dst}` : `${mnemonic} %r${dst}, ${operand}`;
    case 'mov':
      return `${mnemonic} %r${dst}, ${operand}`;
    case 'movsx':
    case 'percpu_address':
      return `${mnemonic} %r${dst}, %r${src}`;
    case 'endian':
      return `${mnemonic} %r${dst}`;
    case 'addr_space_cast':
      return `${mnemonic} %r${dst}, %r${src}, ${imm >>> 16}, ${imm & 0xffff}`;
    case 'load':
    case 'load_sx':
    case 'load_acquire':
      return `${mnemonic} %r${dst}, ${memory(src)}`;
    case 'store':
      return `${mnemonic} ${memory(dst)}, ${operand}`;
    case 'atomic':
    case 'store_release':
      return `${mnemonic} ${memory(dst)}, %r${src}`;
    case 'ld_imm64': {
      const second = insns[i + 1] ?? { opcode: 0, dst: 0, src: 0, off: 0, imm: 0 };
      if (src === 0) return `lddw %r${dst}, 0x${ldImm64Value(insns[i]!, second).toString(16)}`;
      // Our own spelling of the pseudo forms: source, imm and the second slot's imm, all visible.
      return `lddw %r${dst}, ${row.operation}(${imm}${row.usesNextImm ? `, ${second.imm}` : ''})`;
    }
    case 'packet':
      return row.operation === 'ldabs' ? `${mnemonic} ${imm}` : `${mnemonic} %r${src}, ${imm}`;
    case 'jump':
      return `${mnemonic} %r${dst}, ${operand}, ${signed(off)}`;
    case 'goto':
      return `${mnemonic} ${signed(row.width === 32 ? imm : off)}`;
    case 'may_goto':
      return `${mnemonic} ${signed(off)}`;
    case 'call':
      if (row.operation === 'callx') return `callx %r${dst}`;
      if (row.operation === 'local') return `call local ${signed(imm)}`;
      if (row.operation === 'kfunc') return `call kfunc ${imm}${off === 0 ? '' : `, ${off}`}`;
      // A negative number would read as a distance.
      return `call ${imm < 0 ? `0x${(imm >>> 0).toString(16)}` : imm}`;
    case 'exit':
      return 'exit';
    default:
      return never(row.kind);
  }
}
