// The straight line from a function's first instruction: a register that nothing has written there is read by mistake,
// whatever the program is for. The verifier finds the rest; this serves where no verifier runs.

import { aluOp, BPF_MOV, type Insn } from './encoding.ts';
import { lookup } from './opcodes.ts';

/** r1 to r5 may be arguments, r10 is the frame pointer; r0 and r6 to r9 hold nothing at the start. */
const DEFINED_AT_ENTRY = [1, 2, 3, 4, 5, 10];

/** First slot of a straight-line read of an unwritten register, with the register. Stops at the first jump, call or exit. */
export function uninitialisedRead(insns: readonly Insn[], start = 0): { insn: number; register: number } | undefined {
  const defined = new Set(DEFINED_AT_ENTRY);
  for (let i = start; i < insns.length;) {
    const insn = insns[i]!;
    const row = lookup(insn);
    if (!row) return undefined;
    const reads: number[] = [];
    const writesDst = [
      'alu',
      'mov',
      'movsx',
      'endian',
      'addr_space_cast',
      'percpu_address',
      'load',
      'load_sx',
      'load_acquire',
      'ld_imm64',
    ].includes(row.kind);
    if (row.uses.includes('src')) reads.push(insn.src);
    if (row.uses.includes('dst') && (!writesDst || row.kind === 'endian' || (row.kind === 'alu' && aluOp(insn) !== BPF_MOV)))
      reads.push(insn.dst);
    const missing = reads.find((register) => !defined.has(register));
    if (missing !== undefined) return { insn: i, register: missing };
    if (writesDst) defined.add(insn.dst);
    if (!writesDst && row.kind !== 'store' && row.kind !== 'store_release') return undefined;
    i += row.kind === 'ld_imm64' ? 2 : 1;
  }
  return undefined;
}
