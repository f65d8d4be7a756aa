// Says which slots are no instruction and which reserved fields are not zero, by the opcode table alone.
// It does not look at jump targets, register states or ids: the verifier does.

import { isLdImm64, type Insn } from './encoding.ts';
import { formsOf, lookup, type Field, type Instruction } from './opcodes.ts';

export interface EncodingProblem {
  /** Slot. */
  insn: number;
  /** Stable and kebab-case. */
  code: 'unknown-opcode' | 'unknown-form' | 'reserved-field' | 'bad-register' | 'truncated-ld-imm64' | 'kernel-internal';
  /** One sentence that starts with the instruction's index. */
  message: string;
}

export interface CheckEncodingOptions {
  /** Takes instructions that only the kernel makes (a dump of its rewritten program). */
  kernelInternal?: boolean;
}

const FIELDS = ['dst', 'src', 'off', 'imm'] as const satisfies readonly Field[];
const hex = (opcode: number): string => `0x${opcode.toString(16).padStart(2, '0')}`;

function describeForm(row: Instruction): string {
  const fixed = FIELDS.flatMap((field) => (row.fixed[field] === undefined ? [] : [`${field} ${row.fixed[field]}`]));
  return `${row.id}${fixed.length > 0 ? ` (${fixed.join(', ')})` : ''}`;
}

const show = (field: Field, value: number): string => (field === 'dst' || field === 'src' ? `r${value}` : String(value));

/** All problems, in order of slots. The bytes of an ld_imm64's second slot are checked with its first. */
export function checkEncoding(insns: readonly Insn[], options: CheckEncodingOptions = {}): EncodingProblem[] {
  const problems: EncodingProblem[] = [];
  for (let i = 0; i < insns.length; i++) {
    const insn = insns[i]!;
    const add = (code: EncodingProblem['code'], text: string, at = i): void =>
      void problems.push({ insn: at, code, message: `insn ${at}: ${text}` });
    const row = lookup(insn);
    if (!row) {
      const forms = formsOf(insn.opcode);
      if (forms.length === 0) add('unknown-opcode', `${hex(insn.opcode)} is no opcode`);
      else
        add(
          'unknown-form',
          `opcode ${hex(insn.opcode)} with src ${insn.src}, off ${insn.off}, imm ${insn.imm} is no instruction; it can be ${forms.map(describeForm).join(', ')}`,
        );
      if (isLdImm64(insn)) i++;
      continue;
    }
    if (row.kernelInternal && !options.kernelInternal)
      add('kernel-internal', `${row.id} is made by the kernel only; a program may not bring it`);
    for (const field of FIELDS) {
      const value = insn[field];
      if (row.fixed[field] !== undefined) continue;
      if (!row.uses.includes(field)) {
        if (value !== 0) add('reserved-field', `${row.id} does not use ${field}: it must be 0, here it is ${show(field, value)}`);
      } else if ((field === 'dst' || field === 'src') && value > 10) {
        add('bad-register', `${field} is r${value}: registers are r0 to r10`);
      }
    }
    if (row.kind === 'ld_imm64') {
      const next = insns[i + 1];
      if (!next) {
        add('truncated-ld-imm64', `${row.id} takes two slots and the program ends after the first`);
        continue;
      }
      for (const field of ['opcode', 'dst', 'src', 'off'] as const) {
        if (next[field] !== 0) add('reserved-field', `the second slot of ${row.id} must have ${field} 0, here it is ${next[field]}`, i + 1);
      }
      if (!row.usesNextImm && next.imm !== 0)
        add('reserved-field', `${row.id} does not use the imm of its second slot: it must be 0, here it is ${next.imm}`, i + 1);
      i++;
    }
  }
  return problems;
}
