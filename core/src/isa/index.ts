// The instruction set: encoding, the opcode table, and both text forms. Knows no map, no program type and no memory.

export * from './encoding.ts';
export { formsOf, instruction, INSTRUCTIONS, lookup, type Field, type Group, type Instruction, type Kind } from './opcodes.ts';
export { checkEncoding, type CheckEncodingOptions, type EncodingProblem } from './check-encoding.ts';
export { disassemble, formatInsn, type Dialect, type DisassembledInsn, type DisassembleOptions } from './disassemble.ts';
export { formatKernelInsn, type KernelFormatOptions } from './format-kernel.ts';
export { bpftoolImmediate } from './format-kernel-bpftool.ts';
export { formatLlvmInsn, type LlvmFormatOptions } from './format-llvm.ts';
export { formatClassicInsn } from './format-classic.ts';
export {
  assemble,
  type AssembledLine,
  type AssembledObject,
  type AssembledReference,
  type AssembledRelocation,
  type AssembledSection,
  type AssembledSymbol,
  type AssembleOptions,
} from './assemble.ts';
export { R_BPF_64_32, R_BPF_64_64, R_BPF_64_ABS32, R_BPF_64_ABS64, R_BPF_64_NODYLD32 } from './relocation-types.ts';
export { DIRECTIVES, type AssembledMap } from './asm-directives.ts';
export { CLASSIC_MNEMONICS } from './asm-classic.ts';
export { writeObject, type WriteObjectOptions } from './object-writer.ts';
