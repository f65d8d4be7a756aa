// An instruction as llvm-objdump 22 prints it (pseudo-C, numbers in hexadecimal).

import { ldImm64Value, type Insn } from './encoding.ts';
import { lookup, type Instruction } from './opcodes.ts';
import { never } from '#core/problem';

export interface LlvmFormatOptions {
  /** Name of a jump's target slot, printed behind the distance: `goto +0x3 <LBB0_2>`. */
  target?: (slot: number) => string | undefined;
}

const hex = (value: number | bigint): string => (value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);
const distance = (value: number): string => (value < 0 ? hex(value) : `+${hex(value)}`);
const UNSIGNED = { 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64', 0: 'u64' } as const;

/**
 * Text of the instruction in slot `i`: `r1 = 0x2a`, `if w1 s> 0x3 goto +0x5`. `<unknown>` for what is no instruction.
 * What LLVM has no syntax for (callx's reserved fields, BPF_ADDR_PERCPU) is printed as it prints it or as `<unknown>`.
 */
export function formatLlvmInsn(insns: readonly Insn[], i: number, options: LlvmFormatOptions = {}): string {
  const insn = insns[i]!;
  const row = lookup(insn);
  return row ? operation(row, insns, i, options) : '<unknown>';
}

function operation(row: Instruction, insns: readonly Insn[], i: number, options: LlvmFormatOptions): string {
  const insn = insns[i]!;
  const { dst, src, off, imm } = insn;
  const w = row.width === 32 ? 'w' : 'r';
  // Loads and stores of up to four bytes name the 32-bit half (cpu v3 and later).
  const half = row.size === 8 ? 'r' : 'w';
  const address = (base: number): string => `r${base} ${off < 0 ? '-' : '+'} ${hex(Math.abs(off))}`;
  const pointer = (base: number): string => `(${UNSIGNED[row.size]} *)(${address(base)})`;
  const target = (jump: number): string => {
    const name = options.target?.(i + 1 + jump);
    return distance(jump) + (name === undefined ? '' : ` <${name}>`);
  };
  switch (row.kind) {
    case 'alu':
      if (row.operation === 'neg') return `${w}${dst} = -${w}${dst}`;
      return `${w}${dst} ${row.operator} ${row.uses.includes('src') ? `${w}${src}` : hex(imm)}`;
    case 'mov':
      return `${w}${dst} = ${row.uses.includes('src') ? `${w}${src}` : hex(imm)}`;
    case 'movsx':
      return `${w}${dst} = (s${row.size * 8})${w}${src}`;
    case 'endian':
      return `r${dst} = ${row.operation}${imm} r${dst}`;
    case 'addr_space_cast':
      return `r${dst} = addr_space_cast(r${src}, ${hex(imm >>> 16)}, ${hex(imm & 0xffff)})`;
    case 'percpu_address':
      return '<unknown>';
    case 'load':
      return `${half}${dst} = *${pointer(src)}`;
    case 'load_sx':
      return `r${dst} = *(s${row.size * 8} *)(${address(src)})`;
    case 'store':
      return `*${pointer(dst)} = ${row.uses.includes('src') ? `${half}${src}` : hex(imm)}`;
    case 'atomic':
      if (row.operator !== undefined) return `lock *${pointer(dst)} ${row.operator} ${half}${src}`;
      if (row.operation === 'xchg') return `${half}${src} = xchg${row.size === 8 ? '_64' : '32_32'}(${address(dst)}, ${half}${src})`;
      if (row.operation === 'cmpxchg')
        return `${half}0 = cmpxchg${row.size === 8 ? '_64' : '32_32'}(${address(dst)}, ${half}0, ${half}${src})`;
      return `${half}${src} = atomic_${row.operation}(${pointer(dst)}, ${half}${src})`;
    case 'load_acquire':
      return `${half}${dst} = load_acquire(${pointer(src)})`;
    case 'store_release':
      return `store_release(${pointer(dst)}, ${half}${src})`;
    case 'ld_imm64': {
      if (src !== 0) return `ld_pseudo r${dst}, ${hex(src)}, ${hex(imm >>> 0)}`;
      const second = insns[i + 1];
      return second ? `r${dst} = ${hex(BigInt.asIntN(64, ldImm64Value(insn, second)))} ll` : '<unknown>';
    }
    case 'packet':
      return row.operation === 'ldabs' ? `r0 = *(${UNSIGNED[row.size]} *)skb[${hex(imm)}]` : `r0 = *(${UNSIGNED[row.size]} *)skb[r${src}]`;
    case 'jump':
      return `if ${w}${dst} ${row.operator} ${row.uses.includes('src') ? `${w}${src}` : hex(imm)} goto ${target(off)}`;
    case 'goto':
      return row.width === 32 ? `gotol ${target(imm)}` : `goto ${target(off)}`;
    case 'may_goto':
      return `may_goto ${target(off)}`;
    case 'call':
      return row.operation === 'callx' ? `callx r${dst}` : `call ${hex(imm)}`;
    case 'exit':
      return 'exit';
    default:
      return never(row.kind);
  }
}
