// Makes an executable ready for the interpreter: four numbers a slot in one Int32Array, and a table of its constants.
// Nothing is refused here: a slot that is no instruction becomes an operation that faults when it is reached, as only then it matters.

import {
  BPF_ADD,
  BPF_AND,
  BPF_CMPXCHG,
  BPF_FETCH,
  BPF_OR,
  BPF_PSEUDO_FUNC,
  BPF_XCHG,
  BPF_XOR,
  type Insn,
  type Instruction,
  isLdImm64,
  lookup,
} from '#core/isa';
import { FUNCTION_BASE_HIGH, FUNCTION_BASE_LOW, MAX_FRAMES } from './address-space.ts';
import { Op } from './interpreter.ts';
import type { Executable } from './types.ts';

/** Numbers a slot: operation, register index of dst and of src, and an offset, jump target or id. */
export const STRIDE = 4;
/** Registers r0 to r10 as pairs of halves, and one pair that is not used; constants follow. */
export const FIRST_CONSTANT = 24;

export interface Decoded {
  readonly executable: Executable;
  readonly slots: number;
  /** One slot more than the program has: running past the end faults there. */
  readonly code: Int32Array;
  /** Zero registers and the constants: what an execution's register array starts as. */
  readonly registers: Int32Array;
  /** Frames that a run can need; MAX_FRAMES where that cannot be told from the calls. */
  readonly frames: number;
  /** Index into executable.subprograms by first slot. */
  readonly subprogramAt: ReadonlyMap<number, number>;
  /** The last code with breakpoints put in, and which. */
  patched?: { code: Int32Array; breakpoints: Uint8Array; calls: boolean };
}

const cache = new WeakMap<Executable, Decoded>();

/** Decodes once for each executable. */
export function decoded(executable: Executable): Decoded {
  let result = cache.get(executable);
  if (!result) cache.set(executable, (result = decodeExecutable(executable)));
  return result;
}

/** Operations by operation name, width and size of the opcode table's row. */
const ALU: Record<string, Op> = {
  add64: Op.add,
  sub64: Op.sub,
  mul64: Op.mul,
  div64: Op.div,
  sdiv64: Op.sdiv,
  or64: Op.or,
  and64: Op.and,
  lsh64: Op.lsh,
  rsh64: Op.rsh,
  neg64: Op.neg,
  mod64: Op.mod,
  smod64: Op.smod,
  xor64: Op.xor,
  mov64: Op.mov,
  arsh64: Op.arsh,
  add32: Op.add32,
  sub32: Op.sub32,
  mul32: Op.mul32,
  div32: Op.div32,
  sdiv32: Op.sdiv32,
  or32: Op.or32,
  and32: Op.and32,
  lsh32: Op.lsh32,
  rsh32: Op.rsh32,
  neg32: Op.neg32,
  mod32: Op.mod32,
  smod32: Op.smod32,
  xor32: Op.xor32,
  mov32: Op.mov32,
  arsh32: Op.arsh32,
};
const JUMPS: Record<string, Op> = {
  jeq64: Op.jeq,
  jne64: Op.jne,
  jgt64: Op.jgt,
  jge64: Op.jge,
  jlt64: Op.jlt,
  jle64: Op.jle,
  jsgt64: Op.jsgt,
  jsge64: Op.jsge,
  jslt64: Op.jslt,
  jsle64: Op.jsle,
  jset64: Op.jset,
  jeq32: Op.jeq32,
  jne32: Op.jne32,
  jgt32: Op.jgt32,
  jge32: Op.jge32,
  jlt32: Op.jlt32,
  jle32: Op.jle32,
  jsgt32: Op.jsgt32,
  jsge32: Op.jsge32,
  jslt32: Op.jslt32,
  jsle32: Op.jsle32,
  jset32: Op.jset32,
};
const LOADS: Record<string, Op> = {
  ldx1: Op.ldxb,
  ldx2: Op.ldxh,
  ldx4: Op.ldxw,
  ldx8: Op.ldxdw,
  ldxs1: Op.ldxsb,
  ldxs2: Op.ldxsh,
  ldxs4: Op.ldxsw,
};
const STORES: Record<number, Op> = { 1: Op.stb, 2: Op.sth, 4: Op.stw, 8: Op.stdw };
/** This machine is little endian, as the programs are: `le` only cuts off. */
const ENDIAN: Record<string, Op> = {
  le2: Op.zext16,
  le4: Op.mov32,
  le8: Op.nop,
  be2: Op.swap16,
  be4: Op.swap32,
  be8: Op.swap64,
  bswap2: Op.swap16,
  bswap4: Op.swap32,
  bswap8: Op.swap64,
};
const MOVSX: Record<string, Op> = {
  '1_64': Op.movsx8,
  '2_64': Op.movsx16,
  '4_64': Op.movsx32,
  '1_32': Op.movsx8_32,
  '2_32': Op.movsx16_32,
};

/** What the atomic operation does, as its imm encodes it; kept beside the size in the fourth number. */
export const ATOMIC_ADD = BPF_ADD;
export const ATOMIC_OR = BPF_OR;
export const ATOMIC_AND = BPF_AND;
export const ATOMIC_XOR = BPF_XOR;
export const ATOMIC_FETCH = BPF_FETCH;
export const ATOMIC_XCHG = BPF_XCHG;
export const ATOMIC_CMPXCHG = BPF_CMPXCHG;

/** Rows whose dst is written; r10 may not be. */
function writesDst(row: Instruction): boolean {
  switch (row.kind) {
    case 'alu':
    case 'mov':
    case 'movsx':
    case 'endian':
    case 'addr_space_cast':
    case 'percpu_address':
    case 'load':
    case 'load_sx':
    case 'load_acquire':
    case 'ld_imm64':
      return true;
    default:
      return false;
  }
}

/** Whether the atomic operation writes its source register (every one that fetches, but cmpxchg, which writes r0). */
export const fetchesIntoSource = (imm: number): boolean => (imm & BPF_FETCH) !== 0 && imm !== BPF_CMPXCHG;

function decodeExecutable(executable: Executable): Decoded {
  const { insns } = executable;
  const slots = insns.length;
  const code = new Int32Array((slots + 1) * STRIDE);
  const constants: number[] = [];
  const known = new Map<string, number>();

  const constant = (low: number, high: number): number => {
    const key = `${low},${high}`;
    let index = known.get(key);
    if (index === undefined) {
      index = FIRST_CONSTANT + constants.length;
      constants.push(low, high);
      known.set(key, index);
    }
    return index;
  };
  const immediate = (imm: number): number => constant(imm | 0, imm >> 31);
  const target = (slot: number): number => (slot >= 0 && slot < slots ? slot : slots);

  const put = (slot: number, op: Op, dst = 0, src = 0, extra = 0): void => {
    code[slot * STRIDE] = op;
    code[slot * STRIDE + 1] = dst;
    code[slot * STRIDE + 2] = src;
    code[slot * STRIDE + 3] = extra;
  };

  for (let slot = 0; slot < slots; slot++) {
    const insn = insns[slot]!;
    const row = lookup(insn);
    const usesDst = row?.uses.includes('dst') ?? false;
    const usesSrc = row?.uses.includes('src') ?? false;
    if (!row || (usesDst && insn.dst > 10) || (usesSrc && insn.src > 10)) {
      put(slot, Op.invalid);
      continue;
    }
    if ((writesDst(row) && insn.dst === 10) || (row.kind === 'atomic' && fetchesIntoSource(insn.imm) && insn.src === 10)) {
      put(slot, Op.writesFramePointer);
      if (isLdImm64(insn)) put(++slot, Op.secondHalf);
      continue;
    }
    const dst = insn.dst * 2;
    const operand = row.uses.includes('imm') && !usesSrc ? immediate(insn.imm) : insn.src * 2;
    switch (row.kind) {
      case 'alu':
        put(slot, ALU[`${row.operation}${row.width}`]!, dst, operand);
        break;
      case 'mov':
        put(slot, ALU[`mov${row.width}`]!, dst, operand);
        break;
      case 'movsx':
        put(slot, MOVSX[`${row.size}_${row.width}`]!, dst, insn.src * 2);
        break;
      case 'endian':
        // The zero-extending forms read dst as their source.
        put(slot, ENDIAN[`${row.operation}${row.size}`]!, dst, dst);
        break;
      case 'addr_space_cast':
        // To the kernel's side the verifier leaves a 32-bit move, as JITs add the arena's start at each access.
        put(slot, insn.imm === 1 ? Op.mov32 : Op.castUser, dst, insn.src * 2);
        break;
      case 'percpu_address':
        // Per-CPU areas of this machine are regions of their own: an address is one already.
        put(slot, Op.mov, dst, insn.src * 2);
        break;
      case 'load':
      case 'load_sx':
        put(slot, LOADS[`${row.operation}${row.size}`]!, dst, insn.src * 2, insn.off);
        break;
      case 'store':
        put(slot, STORES[row.size]!, dst, row.operation === 'st' ? immediate(insn.imm) : insn.src * 2, insn.off);
        break;
      case 'atomic':
        put(slot, Op.atomic, dst, insn.src * 2, (insn.off << 16) | (insn.imm << 4) | row.size);
        break;
      case 'load_acquire':
        put(slot, Op.loadAcquire, dst, insn.src * 2, (insn.off << 16) | row.size);
        break;
      case 'store_release':
        put(slot, Op.storeRelease, dst, insn.src * 2, (insn.off << 16) | row.size);
        break;
      case 'packet':
        put(slot, row.operation === 'ldabs' ? Op.ldabs : Op.ldind, row.size, insn.src * 2, insn.imm);
        break;
      case 'ld_imm64': {
        const next = insns[slot + 1];
        if (!next) {
          put(slot, Op.invalid);
          break;
        }
        const [low, high] = immediate64(insn, next, slot);
        put(slot, Op.ldImm64, dst, constant(low, high));
        put(++slot, Op.secondHalf);
        break;
      }
      case 'jump':
        put(slot, JUMPS[`${row.operation}${row.width}`]!, dst, operand, target(slot + 1 + insn.off));
        break;
      case 'goto':
        put(slot, Op.ja, 0, 0, target(slot + 1 + (row.operation === 'ja32' ? insn.imm : insn.off)));
        break;
      case 'may_goto':
        put(slot, Op.mayGoto, 0, 0, target(slot + 1 + insn.off));
        break;
      case 'call':
        if (row.operation === 'helper') put(slot, Op.callHelper, 0, 0, insn.imm);
        else if (row.operation === 'local') put(slot, Op.callLocal, 0, 0, target(slot + 1 + insn.imm));
        else if (row.operation === 'kfunc') put(slot, Op.callKfunc, 0, 0, insn.imm);
        else put(slot, Op.callx, dst);
        break;
      case 'exit':
        put(slot, Op.exit);
        break;
    }
  }
  put(slots, Op.pastEnd);

  const registers = new Int32Array(FIRST_CONSTANT + constants.length);
  registers.set(constants, FIRST_CONSTANT);
  const subprogramAt = new Map(executable.subprograms.map(({ start }, index) => [start, index]));
  return { executable, slots, code, registers, frames: framesNeeded(executable, code), subprogramAt };
}

/** Halves of an ld_imm64's value. Maps and variables are final addresses by now; a function becomes its address here. */
export function immediate64(first: Insn, second: Insn, slot: number): [number, number] {
  if (first.src === BPF_PSEUDO_FUNC) return [(FUNCTION_BASE_LOW + (slot + 1 + first.imm) * 8) | 0, FUNCTION_BASE_HIGH];
  return [first.imm | 0, second.imm | 0];
}

const BPF_FUNC_TAIL_CALL = 12;

/** The longest chain of calls, or MAX_FRAMES where calls recurse, go through registers or callbacks, or another program may come. */
function framesNeeded(executable: Executable, code: Int32Array): number {
  const { subprograms } = executable;
  const slots = code.length / STRIDE - 1;
  const calls: Set<number>[] = subprograms.map(() => new Set());
  const owner = (slot: number): number => subprograms.findIndex(({ start, end }) => slot >= start && slot < end);
  for (let slot = 0; slot < slots; slot++) {
    const op: Op = code[slot * STRIDE]!;
    if (op === Op.callx || (op === Op.ldImm64 && executable.insns[slot]!.src === BPF_PSEUDO_FUNC)) return MAX_FRAMES;
    if (op === Op.callHelper && code[slot * STRIDE + 3] === BPF_FUNC_TAIL_CALL) return MAX_FRAMES;
    if (op !== Op.callLocal) continue;
    const from = owner(slot);
    const to = owner(code[slot * STRIDE + 3]!);
    if (from < 0 || to < 0) return MAX_FRAMES;
    calls[from]!.add(to);
  }
  const depths = new Map<number, number>();
  const depth = (subprogram: number, chain: number): number => {
    if (chain > MAX_FRAMES) return MAX_FRAMES;
    const found = depths.get(subprogram);
    if (found !== undefined) return found;
    let deepest = 1;
    for (const callee of calls[subprogram] ?? []) deepest = Math.max(deepest, 1 + depth(callee, chain + 1));
    depths.set(subprogram, deepest);
    return deepest;
  };
  return Math.min(MAX_FRAMES, depth(0, 1));
}
