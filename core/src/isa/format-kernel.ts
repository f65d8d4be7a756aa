// An instruction as the kernel prints it: in the verifier's log, and in bpftool's "prog dump xlated".
// Names of helpers, kfuncs and maps come from the caller; this file knows numbers only.

import { BPF_DW, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, ldImm64Value, sizeField, type Insn } from './encoding.ts';
import { formsOf, lookup, type Instruction } from './opcodes.ts';
import { never } from '#core/problem';

export interface KernelFormatOptions {
  /** Name of a helper, without number. Default: `unknown`. */
  helperName?: (id: number) => string | undefined;
  /** Name of the kfunc that the call's imm and off name. */
  kfuncName?: (insn: Insn) => string | undefined;
  /** Replaces the number behind the `#` of a helper or kfunc call (bpftool prints addresses there). */
  callNumber?: (insn: Insn) => number;
  /** What stands behind `rN = ` of an ld_imm64: `map[id:5]`, `0xffff…`. Undefined gives the 64-bit value in hex. */
  immediate?: (first: Insn, second: Insn) => string | undefined;
  /** Behind `call pc`: bpftool adds `#bpf_prog_…`. */
  localCallSuffix?: (insn: Insn, slot: number) => string;
  /** False leaves the `(b7) ` in front away. */
  opcode?: boolean;
}

const UNSIGNED = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64', 0: 'u64' } as const;
const signed = (value: number): string => (value < 0 ? String(value) : `+${value}`);

/** Text of the instruction in slot `i`, without the slot number: `(bf) r6 = r1`, `(85) call bpf_map_lookup_elem#1`. */
export function formatKernelInsn(insns: readonly Insn[], i: number, options: KernelFormatOptions = {}): string {
  const insn = insns[i]!;
  const code = insn.opcode.toString(16).padStart(2, '0');
  const prefix = options.opcode === false ? '' : `(${code}) `;
  // A reserved field that is not zero does not keep the kernel from printing: any form of the opcode will do.
  const row = lookup(insn) ?? formsOf(insn.opcode)[0];
  return row ? prefix + operation(row, insns, i, options) : `${prefix}BUG_${code}`;
}

function operation(row: Instruction, insns: readonly Insn[], i: number, options: KernelFormatOptions): string {
  const insn = insns[i]!;
  const { dst, src, off, imm } = insn;
  const w = row.width === 32 ? 'w' : 'r';
  const memory = (base: number): string => `*(${UNSIGNED[row.size]} *)(r${base} ${signed(off)})`;
  const atomicMemory = `(${UNSIGNED[row.size]} *)(r${dst} ${signed(off)})`;
  switch (row.kind) {
    case 'alu':
      if (row.operation === 'neg') return `${w}${dst} = -${w}${dst}`;
      return `${w}${dst} ${row.operator} ${row.uses.includes('src') ? `${w}${src}` : imm}`;
    case 'mov':
      return `${w}${dst} = ${row.uses.includes('src') ? `${w}${src}` : imm}`;
    case 'movsx':
      return `${w}${dst} = (s${row.size * 8})${w}${src}`;
    case 'endian':
      return `r${dst} = ${row.operation}${imm} r${dst}`;
    case 'addr_space_cast':
      return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
    case 'percpu_address':
      return `r${dst} = &(void __percpu *)(r${src})`;
    case 'load':
      return `r${dst} = ${memory(src)}`;
    case 'load_sx':
      return `r${dst} = *(s${row.size * 8} *)(r${src} ${signed(off)})`;
    case 'store':
      return `${memory(dst)} = ${row.uses.includes('src') ? `r${src}` : imm}`;
    case 'atomic': {
      if (row.operator !== undefined) return `lock *${atomicMemory} ${row.operator} r${src}`;
      const name = `atomic${sizeField(insn) === BPF_DW ? '64' : ''}_${row.operation}`;
      if (row.operation === 'cmpxchg') return `r0 = ${name}(${atomicMemory}, r0, r${src})`;
      return `r${src} = ${name}(${atomicMemory}, r${src})`;
    }
    case 'load_acquire':
      return `r${dst} = load_acquire((${UNSIGNED[row.size]} *)(r${src} ${signed(off)}))`;
    case 'store_release':
      return `store_release(${atomicMemory}, r${src})`;
    case 'ld_imm64': {
      const second = insns[i + 1] ?? { opcode: 0, dst: 0, src: 0, off: 0, imm: 0 };
      const text =
        options.immediate?.(insn, second) ??
        (src === BPF_PSEUDO_FUNC ? `subprog[${signed(imm)}]` : `0x${ldImm64Value(insn, second).toString(16)}`);
      return `r${dst} = ${text}`;
    }
    case 'packet':
      return row.operation === 'ldabs'
        ? `r0 = *(${UNSIGNED[row.size]} *)skb[${imm}]`
        : `r0 = *(${UNSIGNED[row.size]} *)skb[r${src} + ${imm}]`;
    case 'jump':
      return `if ${w}${dst} ${row.operator} ${row.uses.includes('src') ? `${w}${src}` : `0x${(imm >>> 0).toString(16)}`} goto pc${signed(off)}`;
    case 'goto':
      return row.width === 32 ? `gotol pc${signed(imm)}` : `goto pc${signed(off)}`;
    case 'may_goto':
      return `may_goto pc${signed(off)}`;
    case 'call': {
      if (row.operation === 'callx') return `callx r${dst}`;
      if (src === BPF_PSEUDO_CALL) return `call pc${signed(imm)}${options.localCallSuffix?.(insn, i) ?? ''}`;
      const name = row.operation === 'kfunc' ? options.kfuncName?.(insn) : options.helperName?.(imm);
      return `call ${name ?? 'unknown'}#${options.callNumber?.(insn) ?? imm}`;
    }
    case 'exit':
      return 'exit';
    default:
      return never(row.kind);
  }
}
