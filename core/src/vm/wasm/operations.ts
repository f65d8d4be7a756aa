// The instructions that neither jump nor call, as WebAssembly. Operands are register pairs or constants, as decode.ts numbers them.
// Where the two machines differ is said here: division by zero, the smallest number divided by -1, byte order.

import {
  FIRST_CONSTANT,
  STRIDE,
  type Decoded,
  ATOMIC_ADD,
  ATOMIC_AND,
  ATOMIC_CMPXCHG,
  ATOMIC_FETCH,
  ATOMIC_OR,
  ATOMIC_XOR,
} from '../decode.ts';
import { Op } from '../interpreter.ts';
import type { BlockChecks } from './checks.ts';
import { type ByteWriter, EMPTY_BLOCK, I32, I64, W } from './module-bytes.ts';

/** What writing one instruction needs of its function. */
export interface Emitter {
  readonly out: ByteWriter;
  readonly code: Decoded;
  readonly registers: readonly number[];
  /** Scratch locals. */
  readonly wide: readonly [number, number];
  readonly narrow: readonly [number, number];
  readonly arenaUserHigh: number;
  op(code: number): void;
  get(local: number): void;
  set(local: number): void;
  tee(local: number): void;
  i32(value: number): void;
  i64(low: number, high?: number): void;
  memory(code: number, offset?: number): void;
  operand(index: number): void;
  operand32(index: number): void;
  address(slot: number, base: number, off: number, checks: BlockChecks): number;
}

const BINARY64: Record<number, number> = {
  [Op.add]: W.i64_add,
  [Op.sub]: W.i64_sub,
  [Op.mul]: W.i64_mul,
  [Op.or]: W.i64_or,
  [Op.and]: W.i64_and,
  [Op.xor]: W.i64_xor,
  [Op.lsh]: W.i64_shl,
  [Op.rsh]: W.i64_shr_u,
  [Op.arsh]: W.i64_shr_s,
};
const BINARY32: Record<number, number> = {
  [Op.add32]: W.i32_add,
  [Op.sub32]: W.i32_sub,
  [Op.mul32]: W.i32_mul,
  [Op.or32]: W.i32_or,
  [Op.and32]: W.i32_and,
  [Op.xor32]: W.i32_xor,
  [Op.lsh32]: W.i32_shl,
  [Op.rsh32]: W.i32_shr_u,
  [Op.arsh32]: W.i32_shr_s,
};
const DIVISIONS: Record<number, { width: 32 | 64; signed: boolean; modulo: boolean }> = {
  [Op.div]: { width: 64, signed: false, modulo: false },
  [Op.sdiv]: { width: 64, signed: true, modulo: false },
  [Op.mod]: { width: 64, signed: false, modulo: true },
  [Op.smod]: { width: 64, signed: true, modulo: true },
  [Op.div32]: { width: 32, signed: false, modulo: false },
  [Op.sdiv32]: { width: 32, signed: true, modulo: false },
  [Op.mod32]: { width: 32, signed: false, modulo: true },
  [Op.smod32]: { width: 32, signed: true, modulo: true },
};
const LOADS: Record<number, number> = {
  [Op.ldxb]: W.i64_load8_u,
  [Op.ldxh]: W.i64_load16_u,
  [Op.ldxw]: W.i64_load32_u,
  [Op.ldxdw]: W.i64_load,
  [Op.ldxsb]: W.i64_load8_s,
  [Op.ldxsh]: W.i64_load16_s,
  [Op.ldxsw]: W.i64_load32_s,
};
const STORES: Record<number, number> = { [Op.stb]: W.i64_store8, [Op.sth]: W.i64_store16, [Op.stw]: W.i64_store32, [Op.stdw]: W.i64_store };
const LOAD_OF_SIZE: Record<number, number> = { 1: W.i64_load8_u, 2: W.i64_load16_u, 4: W.i64_load32_u, 8: W.i64_load };
const STORE_OF_SIZE: Record<number, number> = { 1: W.i64_store8, 2: W.i64_store16, 4: W.i64_store32, 8: W.i64_store };

/** `d`, `s` and `extra` are the slot's numbers in the decoded code. */
export function emitOperation(e: Emitter, slot: number, op: Op, d: number, s: number, extra: number, checks: BlockChecks): void {
  const dst = e.registers[d >> 1]!;
  const binary64 = BINARY64[op];
  if (binary64 !== undefined) {
    e.operand(d);
    e.operand(s);
    e.op(binary64);
    e.set(dst);
    return;
  }
  const binary32 = BINARY32[op];
  if (binary32 !== undefined) {
    e.operand32(d);
    e.operand32(s);
    e.op(binary32);
    e.op(W.i64_extend_i32_u);
    e.set(dst);
    return;
  }
  const division = DIVISIONS[op];
  if (division) {
    emitDivision(e, d, s, division);
    e.set(dst);
    return;
  }
  const load = LOADS[op];
  if (load !== undefined) {
    e.memory(load, e.address(slot, s >> 1, extra, checks));
    e.set(dst);
    return;
  }
  const store = STORES[op];
  if (store !== undefined) {
    const offset = e.address(slot, d >> 1, extra, checks);
    e.operand(s);
    e.memory(store, offset);
    return;
  }
  const size = extra & 0xf;
  switch (op) {
    case Op.mov:
    case Op.ldImm64:
      e.operand(s);
      break;
    case Op.mov32:
      if (s >= FIRST_CONSTANT) {
        e.i64(e.code.registers[s]!, 0);
      } else {
        e.operand32(s);
        e.op(W.i64_extend_i32_u);
      }
      break;
    case Op.neg:
      e.i64(0);
      e.operand(d);
      e.op(W.i64_sub);
      break;
    case Op.neg32:
      e.i32(0);
      e.operand32(d);
      e.op(W.i32_sub);
      e.op(W.i64_extend_i32_u);
      break;
    case Op.movsx8:
      e.operand(s);
      e.op(W.i64_extend8_s);
      break;
    case Op.movsx16:
      e.operand(s);
      e.op(W.i64_extend16_s);
      break;
    case Op.movsx32:
      e.operand(s);
      e.op(W.i64_extend32_s);
      break;
    case Op.movsx8_32:
    case Op.movsx16_32:
      e.operand32(s);
      e.op(op === Op.movsx8_32 ? W.i32_extend8_s : W.i32_extend16_s);
      e.op(W.i64_extend_i32_u);
      break;
    case Op.zext16:
      e.operand(s);
      e.i64(0xffff);
      e.op(W.i64_and);
      break;
    case Op.swap16:
      e.operand32(s);
      e.tee(e.narrow[0]);
      e.i32(8);
      e.op(W.i32_shl);
      e.i32(0xff00);
      e.op(W.i32_and);
      e.get(e.narrow[0]);
      e.i32(8);
      e.op(W.i32_shr_u);
      e.i32(0xff);
      e.op(W.i32_and);
      e.op(W.i32_or);
      e.op(W.i64_extend_i32_u);
      break;
    case Op.swap32:
      emitSwap32(e, s);
      e.op(W.i64_extend_i32_u);
      break;
    case Op.swap64:
      emitSwap64(e, d);
      break;
    case Op.nop:
      return;
    case Op.castUser:
      // NULL stays NULL: the high half comes from 0 or from where user space sees the arena.
      e.operand32(s);
      e.op(W.i64_extend_i32_u);
      e.tee(e.wide[0]);
      e.i64(0, e.arenaUserHigh);
      e.i64(0);
      e.get(e.wide[0]);
      e.op(W.i64_eqz);
      e.op(W.i32_eqz);
      e.op(W.select);
      e.op(W.i64_or);
      break;
    case Op.loadAcquire:
      e.memory(LOAD_OF_SIZE[size]!, e.address(slot, s >> 1, extra >> 16, checks));
      break;
    case Op.storeRelease: {
      const offset = e.address(slot, d >> 1, extra >> 16, checks);
      e.operand(s);
      e.memory(STORE_OF_SIZE[size]!, offset);
      return;
    }
    default:
      throw new Error(`operation ${op} cannot be compiled`);
  }
  e.set(dst);
}

/** Leaves the 64-bit result on the stack. WebAssembly traps where BPF gives 0 (division by zero) or the dividend (modulo zero). */
function emitDivision(e: Emitter, d: number, s: number, { width, signed, modulo }: (typeof DIVISIONS)[number]): void {
  const wide = width === 64;
  const instruction = wide
    ? modulo
      ? signed
        ? W.i64_rem_s
        : W.i64_rem_u
      : signed
        ? W.i64_div_s
        : W.i64_div_u
    : modulo
      ? signed
        ? W.i32_rem_s
        : W.i32_rem_u
      : signed
        ? W.i32_div_s
        : W.i32_div_u;
  const left = (): void => (wide ? e.operand(d) : e.operand32(d));
  const right = (): void => (wide ? e.operand(s) : e.operand32(s));
  const widen = (): void => void (wide || e.op(W.i64_extend_i32_u));
  const low = s >= FIRST_CONSTANT ? e.code.registers[s]! : undefined;

  if (low !== undefined) {
    // A constant is sign-extended: its low half tells everything.
    if (low === 0) {
      if (modulo) left();
      else if (wide) e.i64(0);
      else e.i32(0);
    } else if (low === -1 && signed) {
      if (wide) e.i64(0);
      else e.i32(0);
      if (!modulo) {
        left();
        e.op(wide ? W.i64_sub : W.i32_sub);
      }
    } else {
      left();
      right();
      e.op(instruction);
    }
    widen();
    return;
  }

  const begin = (code: number): void => {
    e.op(code);
    e.op(wide ? I64 : I32);
  };
  right();
  e.op(wide ? W.i64_eqz : W.i32_eqz);
  begin(W.if);
  if (modulo) left();
  else if (wide) e.i64(0);
  else e.i32(0);
  e.op(W.else);
  if (signed && !modulo) {
    right();
    if (wide) e.i64(-1);
    else e.i32(-1);
    e.op(wide ? W.i64_eq : W.i32_eq);
    begin(W.if);
    if (wide) e.i64(0);
    else e.i32(0);
    left();
    e.op(wide ? W.i64_sub : W.i32_sub);
    e.op(W.else);
    left();
    right();
    e.op(instruction);
    e.op(W.end);
  } else {
    left();
    right();
    e.op(instruction);
  }
  e.op(W.end);
  widen();
}

/** The four low bytes reversed, as i32: bytes 0 and 2 rotate right by 8, bytes 1 and 3 left by 8. */
function emitSwap32(e: Emitter, s: number): void {
  const [value] = e.narrow;
  e.operand32(s);
  e.tee(value);
  e.i32(8);
  e.op(W.i32_rotl);
  e.i32(0x00ff00ff);
  e.op(W.i32_and);
  e.get(value);
  e.i32(24);
  e.op(W.i32_rotl);
  e.i32(0xff00ff00 | 0);
  e.op(W.i32_and);
  e.op(W.i32_or);
}

/** Swaps neighbouring bytes, then neighbouring halves of words, then the words. */
function emitSwap64(e: Emitter, d: number): void {
  const [value] = e.wide;
  const step = (distance: number, mask: number): void => {
    e.tee(value);
    e.i64(distance);
    e.op(W.i64_shl);
    e.i64(~mask, ~mask);
    e.op(W.i64_and);
    e.get(value);
    e.i64(distance);
    e.op(W.i64_shr_u);
    e.i64(mask, mask);
    e.op(W.i64_and);
    e.op(W.i64_or);
  };
  e.operand(d);
  step(8, 0x00ff00ff);
  step(16, 0x0000ffff);
  e.i64(32);
  e.op(W.i64_rotl);
}

/** One thread runs at a time: an atomic operation is a load, an operation and a store. */
export function emitAtomic(e: Emitter, slot: number, checks: BlockChecks): void {
  const at = slot * STRIDE;
  const d = e.code.code[at + 1]!;
  const s = e.code.code[at + 2]!;
  const extra = e.code.code[at + 3]!;
  const size = extra & 0xf;
  const operation = (extra >> 4) & 0xfff;
  const [old] = e.wide;
  const source = e.registers[s >> 1]!;
  const address = (): number => e.address(slot, d >> 1, extra >> 16, checks);
  e.memory(LOAD_OF_SIZE[size]!, address());
  e.set(old);

  if (operation === ATOMIC_CMPXCHG) {
    const r0 = e.registers[0]!;
    e.get(old);
    e.get(r0);
    if (size === 4) {
      e.i64(-1, 0);
      e.op(W.i64_and);
    }
    e.op(W.i64_eq);
    e.op(W.if);
    e.op(EMPTY_BLOCK);
    const offset = address();
    e.get(source);
    e.memory(STORE_OF_SIZE[size]!, offset);
    e.op(W.end);
    e.get(old);
    e.set(r0);
    return;
  }

  const offset = address();
  const combined = (
    { [ATOMIC_ADD]: W.i64_add, [ATOMIC_OR]: W.i64_or, [ATOMIC_AND]: W.i64_and, [ATOMIC_XOR]: W.i64_xor } as Record<number, number>
  )[operation & ~ATOMIC_FETCH];
  // What is neither is an exchange: the source goes to memory as it is.
  if (combined !== undefined) e.get(old);
  e.get(source);
  if (combined !== undefined) e.op(combined);
  e.memory(STORE_OF_SIZE[size]!, offset);
  if ((operation & ATOMIC_FETCH) !== 0) {
    e.get(old);
    e.set(source);
  }
}
