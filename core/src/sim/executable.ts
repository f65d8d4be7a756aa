// From a loaded program to what an engine executes: map references and kernel symbols become addresses.

import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  isLdImm64,
  type Insn,
} from '#core/isa';
import type { Program } from '#core/program';
import type { Executable } from '#core/vm';
import { probeLoads } from './probe-loads.ts';

export interface Addresses {
  /** The handle of a map by its index in the object. */
  map(index: number): bigint | undefined;
  /** The first value of a map whose value is addressed directly. */
  mapValue(index: number): bigint | undefined;
  /** A kernel variable by name; 0 for one that this kernel has not. */
  symbol(name: string, weak: boolean): bigint;
}

/** Ld_imm64 with the address split over its two slots, and src 0. */
function withAddress(first: Insn, second: Insn, address: bigint): [Insn, Insn] {
  const low = Number(BigInt.asIntN(32, address));
  const high = Number(BigInt.asIntN(32, address >> 32n));
  return [
    { ...first, src: 0, imm: low },
    { ...second, imm: high },
  ];
}

/** The program made ready, or one sentence that says which instruction cannot be. */
export function makeExecutable(program: Program, addresses: Addresses): Executable | { problem: string } {
  const insns: Insn[] = [...program.insns];
  for (let i = 0; i < insns.length; i++) {
    const insn = insns[i]!;
    const second = insns[i + 1];
    if (!isLdImm64(insn) || !second) continue;
    let address: bigint | undefined;
    switch (insn.src) {
      case 0:
        i++;
        continue;
      case BPF_PSEUDO_MAP_FD:
      case BPF_PSEUDO_MAP_IDX:
        address = addresses.map(insn.imm);
        if (address === undefined)
          return { problem: `instruction ${i} of ${program.name} refers to map ${insn.imm}, which could not be made` };
        break;
      case BPF_PSEUDO_MAP_VALUE:
      case BPF_PSEUDO_MAP_IDX_VALUE: {
        const base = addresses.mapValue(insn.imm);
        if (base === undefined)
          return { problem: `instruction ${i} of ${program.name} addresses the value of map ${insn.imm}, which has no direct address` };
        address = base + BigInt(second.imm >>> 0);
        break;
      }
      case BPF_PSEUDO_FUNC:
        // Engines give it its address, and see from it that frames are needed for callbacks.
        i++;
        continue;
      case BPF_PSEUDO_BTF_ID: {
        const symbol = program.ksyms[insn.imm];
        address = symbol ? addresses.symbol(symbol.name, symbol.weak) : 0n;
        break;
      }
      default:
        return { problem: `instruction ${i} of ${program.name}: ld_imm64 with src ${insn.src} is not known` };
    }
    [insns[i], insns[i + 1]] = withAddress(insn, second, address);
    i++;
  }
  let zeroing: Uint8Array | undefined;
  const readsZero = (slot: number): boolean => (zeroing ??= probeLoads(program))[slot] === 1;
  return { name: program.name, readsZero, insns, subprograms: program.subprograms.map(({ name, start, end }) => ({ name, start, end })) };
}
