// What bpftool's "prog dump xlated" puts in place of numbers that the kernel's printer leaves to its caller.

import { BPF_PSEUDO_FUNC, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_IDX_VALUE, BPF_PSEUDO_MAP_VALUE, type Insn } from './encoding.ts';

const signed = (value: number): string => (value < 0 ? String(value) : `+${value}`);

/** For KernelFormatOptions.immediate: `map[id:5]`, `map[id:5][0]+8`, `map[idx:1]+8`, `subprog[+3]`; the hex value for the rest. */
export function bpftoolImmediate(first: Insn, second: Insn): string | undefined {
  switch (first.src) {
    case BPF_PSEUDO_MAP_FD:
      return `map[id:${first.imm >>> 0}]`;
    case BPF_PSEUDO_MAP_VALUE:
      return `map[id:${first.imm >>> 0}][0]+${second.imm >>> 0}`;
    case BPF_PSEUDO_MAP_IDX_VALUE:
      return `map[idx:${first.imm >>> 0}]+${second.imm >>> 0}`;
    case BPF_PSEUDO_FUNC:
      return `subprog[${signed(first.imm)}]`;
    default:
      return undefined;
  }
}
