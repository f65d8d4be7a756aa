// The interpreter's loop: every instruction on 32-bit halves of registers, no bigint, no allocation. It stops at breakpoints, at the
// end of its budget and at faults, always between two instructions. Registers lie in one Int32Array as (low, high) pairs with the
// program's constants behind them, so that `r1 += r2` and `r1 += 8` are one case. Where the planes (memory.ts) allow an access at once,
// the loop does it; everything else it asks of slow-path.ts. Semantics are RFC 9669 sections 4 and 5.

import { DIRECT_MAP_HIGH } from './address-space.ts';
import type { State } from './execution.ts';
import { divide, divideSigned, high, modulo, moduloSigned, multiply, swap16, swap32 } from './int64.ts';
import { atomic, callThroughRegister, explain, loadPacket, orderedAccess, resolve, userAddress } from './slow-path.ts';

/**
 * What the loop does differently, densely numbered. A const enum in the loop's own file: the switch needs literal numbers to become a
 * jump table. Operands that are constants are pseudo registers (decode.ts).
 */
export const enum Op {
  // 64-bit ALU
  add,
  sub,
  mul,
  div,
  sdiv,
  or,
  and,
  lsh,
  rsh,
  neg,
  mod,
  smod,
  xor,
  mov,
  arsh,
  movsx8,
  movsx16,
  movsx32,
  // 32-bit ALU: the upper half becomes zero
  add32,
  sub32,
  mul32,
  div32,
  sdiv32,
  or32,
  and32,
  lsh32,
  rsh32,
  neg32,
  mod32,
  smod32,
  xor32,
  mov32,
  arsh32,
  movsx8_32,
  movsx16_32,
  // Byte order; addresses
  zext16,
  swap16,
  swap32,
  swap64,
  nop,
  castUser,
  ldImm64,
  // Memory
  ldxb,
  ldxh,
  ldxw,
  ldxdw,
  ldxsb,
  ldxsh,
  ldxsw,
  stb,
  sth,
  stw,
  stdw,
  atomic,
  loadAcquire,
  storeRelease,
  ldabs,
  ldind,
  // Jumps
  jeq,
  jne,
  jgt,
  jge,
  jlt,
  jle,
  jsgt,
  jsge,
  jslt,
  jsle,
  jset,
  jeq32,
  jne32,
  jgt32,
  jge32,
  jlt32,
  jle32,
  jsgt32,
  jsge32,
  jslt32,
  jsle32,
  jset32,
  ja,
  mayGoto,
  callHelper,
  callLocal,
  callKfunc,
  callx,
  exit,
  // What is no instruction
  invalid,
  secondHalf,
  pastEnd,
  writesFramePointer,
  // Put in place of an operation where a run has to stop, and where compiled code can take over
  breakpoint,
  entry,
}

/** Why the loop returned: the budget is used up, a breakpoint stands at state.pc, or state.ended says it. */
export const enum Stopped {
  budget,
  breakpoint,
  ended,
  /** Compiled code can go on from state.pc. */
  entry,
}

/** The code that stops where the run's limits say; called again when another program takes over. */
export type CodeFor = (state: State) => Int32Array;

/** Runs at most `budget` instructions from state.pc on. `codeFor` gives the running program's code, with breakpoints in it. */
export function interpret(state: State, budget: number, codeFor: CodeFor): Stopped {
  const { memory } = state;
  let code = codeFor(state);
  let R = state.registers;
  let { bytes, data, capacity, generation } = memory;
  let pc = state.pc;
  let left = budget;

  for (; left > 0; left--) {
    const at = pc << 2;
    const d = code[at + 1]!;
    const s = code[at + 2]!;
    switch (code[at] as Op) {
      case Op.add: {
        const low = (R[d]! + R[s]!) | 0;
        R[d + 1] = R[d + 1]! + R[s + 1]! + (low >>> 0 < R[s]! >>> 0 ? 1 : 0);
        R[d] = low;
        pc++;
        continue;
      }
      case Op.sub: {
        const borrow = R[d]! >>> 0 < R[s]! >>> 0 ? 1 : 0;
        R[d + 1] = R[d + 1]! - R[s + 1]! - borrow;
        R[d] = R[d]! - R[s]!;
        pc++;
        continue;
      }
      case Op.mul: {
        R[d] = multiply(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
        R[d + 1] = high;
        pc++;
        continue;
      }
      case Op.div: {
        R[d] = divide(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
        R[d + 1] = high;
        pc++;
        continue;
      }
      case Op.sdiv: {
        R[d] = divideSigned(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
        R[d + 1] = high;
        pc++;
        continue;
      }
      case Op.mod: {
        R[d] = modulo(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
        R[d + 1] = high;
        pc++;
        continue;
      }
      case Op.smod: {
        R[d] = moduloSigned(R[d]!, R[d + 1]!, R[s]!, R[s + 1]!);
        R[d + 1] = high;
        pc++;
        continue;
      }
      case Op.or: {
        R[d] = R[d]! | R[s]!;
        R[d + 1] = R[d + 1]! | R[s + 1]!;
        pc++;
        continue;
      }
      case Op.and: {
        R[d] = R[d]! & R[s]!;
        R[d + 1] = R[d + 1]! & R[s + 1]!;
        pc++;
        continue;
      }
      case Op.xor: {
        R[d] = R[d]! ^ R[s]!;
        R[d + 1] = R[d + 1]! ^ R[s + 1]!;
        pc++;
        continue;
      }
      case Op.lsh: {
        const count = R[s]! & 63;
        const low = R[d]!;
        if (count >= 32) {
          R[d + 1] = low << count;
          R[d] = 0;
        } else if (count > 0) {
          R[d + 1] = (R[d + 1]! << count) | (low >>> (32 - count));
          R[d] = low << count;
        }
        pc++;
        continue;
      }
      case Op.rsh: {
        const count = R[s]! & 63;
        const upper = R[d + 1]!;
        if (count >= 32) {
          R[d] = upper >>> count;
          R[d + 1] = 0;
        } else if (count > 0) {
          R[d] = (R[d]! >>> count) | (upper << (32 - count));
          R[d + 1] = upper >>> count;
        }
        pc++;
        continue;
      }
      case Op.arsh: {
        const count = R[s]! & 63;
        const upper = R[d + 1]!;
        if (count >= 32) {
          R[d] = upper >> count;
          R[d + 1] = upper >> 31;
        } else if (count > 0) {
          R[d] = (R[d]! >>> count) | (upper << (32 - count));
          R[d + 1] = upper >> count;
        }
        pc++;
        continue;
      }
      case Op.neg: {
        const low = R[d]!;
        R[d] = -low;
        R[d + 1] = low === 0 ? -R[d + 1]! : ~R[d + 1]!;
        pc++;
        continue;
      }
      case Op.mov: {
        R[d] = R[s]!;
        R[d + 1] = R[s + 1]!;
        pc++;
        continue;
      }
      case Op.movsx8: {
        const low = (R[s]! << 24) >> 24;
        R[d] = low;
        R[d + 1] = low >> 31;
        pc++;
        continue;
      }
      case Op.movsx16: {
        const low = (R[s]! << 16) >> 16;
        R[d] = low;
        R[d + 1] = low >> 31;
        pc++;
        continue;
      }
      case Op.movsx32: {
        const low = R[s]!;
        R[d] = low;
        R[d + 1] = low >> 31;
        pc++;
        continue;
      }
      case Op.add32: {
        R[d] = R[d]! + R[s]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.sub32: {
        R[d] = R[d]! - R[s]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.mul32: {
        R[d] = Math.imul(R[d]!, R[s]!);
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.or32: {
        R[d] = R[d]! | R[s]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.and32: {
        R[d] = R[d]! & R[s]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.xor32: {
        R[d] = R[d]! ^ R[s]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.lsh32: {
        R[d] = R[d]! << R[s]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.rsh32: {
        R[d] = R[d]! >>> R[s]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.arsh32: {
        R[d] = R[d]! >> R[s]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.neg32: {
        R[d] = -R[d]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.mov32: {
        R[d] = R[s]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.movsx8_32: {
        R[d] = (R[s]! << 24) >> 24;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.movsx16_32: {
        R[d] = (R[s]! << 16) >> 16;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.zext16: {
        R[d] = R[s]! & 0xffff;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.swap16: {
        R[d] = swap16(R[s]!);
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.swap32: {
        R[d] = swap32(R[s]!);
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.div32: {
        const divisor = R[s]! >>> 0;
        R[d] = divisor === 0 ? 0 : ((R[d]! >>> 0) / divisor) >>> 0;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.mod32: {
        const divisor = R[s]! >>> 0;
        if (divisor !== 0) R[d] = (R[d]! >>> 0) % divisor;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.sdiv32: {
        const divisor = R[s]!;
        R[d] = divisor === 0 ? 0 : (R[d]! / divisor) | 0;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.smod32: {
        const divisor = R[s]!;
        if (divisor !== 0) R[d] = (R[d]! % divisor) | 0;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.swap64: {
        const low = R[d]!;
        R[d] = swap32(R[d + 1]!);
        R[d + 1] = swap32(low);
        pc++;
        continue;
      }
      case Op.nop: {
        pc++;
        continue;
      }
      case Op.castUser: {
        userAddress(state, d, s);
        pc++;
        continue;
      }
      case Op.ldImm64: {
        R[d] = R[s]!;
        R[d + 1] = R[s + 1]!;
        pc += 2;
        continue;
      }
      // An access's offset into the linear buffer is the low half of its address; it is one if the high half is the direct map's and
      // nothing wrapped: base and sum are both below the capacity, a power of two.
      case Op.ldxb: {
        let offset = (R[s]! + code[at + 3]!) | 0;
        if ((R[s]! | offset) >>> 0 >= capacity || R[s + 1] !== DIRECT_MAP_HIGH || bytes[capacity + offset]! !== 0) {
          offset = resolve(state, pc, s, code[at + 3]!, 1, false);
          if (offset < 0) break;
        }
        R[d] = bytes[offset]!;
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.ldxh: {
        let offset = (R[s]! + code[at + 3]!) | 0;
        if (
          (R[s]! | offset) >>> 0 >= capacity ||
          R[s + 1] !== DIRECT_MAP_HIGH ||
          (bytes[capacity + offset]! | bytes[capacity + offset + 1]!) !== 0
        ) {
          offset = resolve(state, pc, s, code[at + 3]!, 2, false);
          if (offset < 0) break;
        }
        R[d] = data.getUint16(offset, true);
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.ldxw: {
        let offset = (R[s]! + code[at + 3]!) | 0;
        if (
          (R[s]! | offset) >>> 0 >= capacity ||
          R[s + 1] !== DIRECT_MAP_HIGH ||
          (bytes[capacity + offset]! | bytes[capacity + offset + 3]!) !== 0
        ) {
          offset = resolve(state, pc, s, code[at + 3]!, 4, false);
          if (offset < 0) break;
        }
        R[d] = data.getInt32(offset, true);
        R[d + 1] = 0;
        pc++;
        continue;
      }
      case Op.ldxdw: {
        let offset = (R[s]! + code[at + 3]!) | 0;
        if (
          (R[s]! | offset) >>> 0 >= capacity ||
          R[s + 1] !== DIRECT_MAP_HIGH ||
          (bytes[capacity + offset]! | bytes[capacity + offset + 7]!) !== 0
        ) {
          offset = resolve(state, pc, s, code[at + 3]!, 8, false);
          if (offset < 0) break;
        }
        R[d] = data.getInt32(offset, true);
        R[d + 1] = data.getInt32(offset + 4, true);
        pc++;
        continue;
      }
      case Op.ldxsb: {
        let offset = (R[s]! + code[at + 3]!) | 0;
        if ((R[s]! | offset) >>> 0 >= capacity || R[s + 1] !== DIRECT_MAP_HIGH || bytes[capacity + offset]! !== 0) {
          offset = resolve(state, pc, s, code[at + 3]!, 1, false);
          if (offset < 0) break;
        }
        const low = data.getInt8(offset);
        R[d] = low;
        R[d + 1] = low >> 31;
        pc++;
        continue;
      }
      case Op.ldxsh: {
        let offset = (R[s]! + code[at + 3]!) | 0;
        if (
          (R[s]! | offset) >>> 0 >= capacity ||
          R[s + 1] !== DIRECT_MAP_HIGH ||
          (bytes[capacity + offset]! | bytes[capacity + offset + 1]!) !== 0
        ) {
          offset = resolve(state, pc, s, code[at + 3]!, 2, false);
          if (offset < 0) break;
        }
        const low = data.getInt16(offset, true);
        R[d] = low;
        R[d + 1] = low >> 31;
        pc++;
        continue;
      }
      case Op.ldxsw: {
        let offset = (R[s]! + code[at + 3]!) | 0;
        if (
          (R[s]! | offset) >>> 0 >= capacity ||
          R[s + 1] !== DIRECT_MAP_HIGH ||
          (bytes[capacity + offset]! | bytes[capacity + offset + 3]!) !== 0
        ) {
          offset = resolve(state, pc, s, code[at + 3]!, 4, false);
          if (offset < 0) break;
        }
        const low = data.getInt32(offset, true);
        R[d] = low;
        R[d + 1] = low >> 31;
        pc++;
        continue;
      }
      case Op.stb: {
        let offset = (R[d]! + code[at + 3]!) | 0;
        if ((R[d]! | offset) >>> 0 >= capacity || R[d + 1] !== DIRECT_MAP_HIGH || bytes[2 * capacity + offset]! !== 0) {
          offset = resolve(state, pc, d, code[at + 3]!, 1, true);
          if (offset < 0) break;
        }
        bytes[offset] = R[s]!;
        pc++;
        continue;
      }
      case Op.sth: {
        let offset = (R[d]! + code[at + 3]!) | 0;
        if (
          (R[d]! | offset) >>> 0 >= capacity ||
          R[d + 1] !== DIRECT_MAP_HIGH ||
          (bytes[2 * capacity + offset]! | bytes[2 * capacity + offset + 1]!) !== 0
        ) {
          offset = resolve(state, pc, d, code[at + 3]!, 2, true);
          if (offset < 0) break;
        }
        data.setInt16(offset, R[s]!, true);
        pc++;
        continue;
      }
      case Op.stw: {
        let offset = (R[d]! + code[at + 3]!) | 0;
        if (
          (R[d]! | offset) >>> 0 >= capacity ||
          R[d + 1] !== DIRECT_MAP_HIGH ||
          (bytes[2 * capacity + offset]! | bytes[2 * capacity + offset + 3]!) !== 0
        ) {
          offset = resolve(state, pc, d, code[at + 3]!, 4, true);
          if (offset < 0) break;
        }
        data.setInt32(offset, R[s]!, true);
        pc++;
        continue;
      }
      case Op.stdw: {
        let offset = (R[d]! + code[at + 3]!) | 0;
        if (
          (R[d]! | offset) >>> 0 >= capacity ||
          R[d + 1] !== DIRECT_MAP_HIGH ||
          (bytes[2 * capacity + offset]! | bytes[2 * capacity + offset + 7]!) !== 0
        ) {
          offset = resolve(state, pc, d, code[at + 3]!, 8, true);
          if (offset < 0) break;
        }
        data.setInt32(offset, R[s]!, true);
        data.setInt32(offset + 4, R[s + 1]!, true);
        pc++;
        continue;
      }
      case Op.atomic: {
        state.pc = pc;
        if (!atomic(state, d, s, code[at + 3]!)) break;
        pc++;
        continue;
      }
      case Op.loadAcquire: {
        state.pc = pc;
        if (!orderedAccess(state, d, s, code[at + 3]!, false)) break;
        pc++;
        continue;
      }
      case Op.storeRelease: {
        state.pc = pc;
        if (!orderedAccess(state, d, s, code[at + 3]!, true)) break;
        pc++;
        continue;
      }
      case Op.ldabs: {
        state.pc = pc;
        state.executed += budget - left;
        budget = left;
        // Past the packet's end the function returns 0 at once, as the kernel's rewrite of these instructions does.
        if (loadPacket(state, d, undefined, code[at + 3]!)) {
          pc++;
          continue;
        }
        if (state.ended) break;
        if (state.depth === 0) {
          state.end({ kind: 'exit', value: 0n });
          left--;
          break;
        }
        if (state.special[state.depth] !== 0) {
          if (!state.returnFromSpecial()) break;
        } else {
          state.popFrame();
          state.clobberArguments();
          state.pc++;
        }
        ({ bytes, data, capacity, generation } = memory);
        code = codeFor(state);
        R = state.registers;
        pc = state.pc;
        continue;
      }
      case Op.ldind: {
        state.pc = pc;
        state.executed += budget - left;
        budget = left;
        // Past the packet's end the function returns 0 at once, as the kernel's rewrite of these instructions does.
        if (loadPacket(state, d, s, code[at + 3]!)) {
          pc++;
          continue;
        }
        if (state.ended) break;
        if (state.depth === 0) {
          state.end({ kind: 'exit', value: 0n });
          left--;
          break;
        }
        if (state.special[state.depth] !== 0) {
          if (!state.returnFromSpecial()) break;
        } else {
          state.popFrame();
          state.clobberArguments();
          state.pc++;
        }
        ({ bytes, data, capacity, generation } = memory);
        code = codeFor(state);
        R = state.registers;
        pc = state.pc;
        continue;
      }
      case Op.jeq:
        pc = R[d] === R[s] && R[d + 1] === R[s + 1] ? code[at + 3]! : pc + 1;
        continue;
      case Op.jne:
        pc = R[d] !== R[s] || R[d + 1] !== R[s + 1] ? code[at + 3]! : pc + 1;
        continue;
      case Op.jset:
        pc = ((R[d]! & R[s]!) | (R[d + 1]! & R[s + 1]!)) !== 0 ? code[at + 3]! : pc + 1;
        continue;
      case Op.jgt:
        pc = (R[d + 1] === R[s + 1] ? R[d]! >>> 0 > R[s]! >>> 0 : R[d + 1]! >>> 0 > R[s + 1]! >>> 0) ? code[at + 3]! : pc + 1;
        continue;
      case Op.jge:
        pc = (R[d + 1] === R[s + 1] ? R[d]! >>> 0 >= R[s]! >>> 0 : R[d + 1]! >>> 0 > R[s + 1]! >>> 0) ? code[at + 3]! : pc + 1;
        continue;
      case Op.jlt:
        pc = (R[d + 1] === R[s + 1] ? R[d]! >>> 0 < R[s]! >>> 0 : R[d + 1]! >>> 0 < R[s + 1]! >>> 0) ? code[at + 3]! : pc + 1;
        continue;
      case Op.jle:
        pc = (R[d + 1] === R[s + 1] ? R[d]! >>> 0 <= R[s]! >>> 0 : R[d + 1]! >>> 0 < R[s + 1]! >>> 0) ? code[at + 3]! : pc + 1;
        continue;
      case Op.jsgt:
        pc = (R[d + 1] === R[s + 1] ? R[d]! >>> 0 > R[s]! >>> 0 : R[d + 1]! > R[s + 1]!) ? code[at + 3]! : pc + 1;
        continue;
      case Op.jsge:
        pc = (R[d + 1] === R[s + 1] ? R[d]! >>> 0 >= R[s]! >>> 0 : R[d + 1]! > R[s + 1]!) ? code[at + 3]! : pc + 1;
        continue;
      case Op.jslt:
        pc = (R[d + 1] === R[s + 1] ? R[d]! >>> 0 < R[s]! >>> 0 : R[d + 1]! < R[s + 1]!) ? code[at + 3]! : pc + 1;
        continue;
      case Op.jsle:
        pc = (R[d + 1] === R[s + 1] ? R[d]! >>> 0 <= R[s]! >>> 0 : R[d + 1]! < R[s + 1]!) ? code[at + 3]! : pc + 1;
        continue;
      case Op.jeq32:
        pc = R[d] === R[s] ? code[at + 3]! : pc + 1;
        continue;
      case Op.jne32:
        pc = R[d] !== R[s] ? code[at + 3]! : pc + 1;
        continue;
      case Op.jset32:
        pc = (R[d]! & R[s]!) !== 0 ? code[at + 3]! : pc + 1;
        continue;
      case Op.jgt32:
        pc = R[d]! >>> 0 > R[s]! >>> 0 ? code[at + 3]! : pc + 1;
        continue;
      case Op.jge32:
        pc = R[d]! >>> 0 >= R[s]! >>> 0 ? code[at + 3]! : pc + 1;
        continue;
      case Op.jlt32:
        pc = R[d]! >>> 0 < R[s]! >>> 0 ? code[at + 3]! : pc + 1;
        continue;
      case Op.jle32:
        pc = R[d]! >>> 0 <= R[s]! >>> 0 ? code[at + 3]! : pc + 1;
        continue;
      case Op.jsgt32:
        pc = R[d]! > R[s]! ? code[at + 3]! : pc + 1;
        continue;
      case Op.jsge32:
        pc = R[d]! >= R[s]! ? code[at + 3]! : pc + 1;
        continue;
      case Op.jslt32:
        pc = R[d]! < R[s]! ? code[at + 3]! : pc + 1;
        continue;
      case Op.jsle32:
        pc = R[d]! <= R[s]! ? code[at + 3]! : pc + 1;
        continue;
      case Op.ja:
        pc = code[at + 3]!;
        continue;
      case Op.mayGoto:
        if (state.mayGoto[state.depth]! > 0) {
          state.mayGoto[state.depth]!--;
          pc++;
        } else {
          pc = code[at + 3]!;
        }
        continue;
      case Op.callHelper:
      case Op.callKfunc:
      case Op.callx: {
        // The host sees everything: the slot of the call and the instructions executed before it.
        state.pc = pc;
        state.executed += budget - left;
        budget = left;
        const op: Op = code[at]!;
        if (op === Op.callHelper) {
          if (!state.apply(state.host.callHelper(code[at + 3]!, state))) {
            if (state.ended?.kind === 'exit') left--;
            break;
          }
        } else if (!callThroughRegister(state, op === Op.callx ? d : -1, code[at + 3]!)) {
          if (state.ended?.kind === 'exit') left--;
          break;
        }
        if (memory.generation !== generation) ({ bytes, data, capacity, generation } = memory);
        if (state.registers !== R) {
          code = codeFor(state);
          R = state.registers;
        }
        pc = state.pc;
        continue;
      }
      case Op.callLocal:
        state.pc = pc;
        if (!state.pushFrame(pc)) {
          state.fault(explain.tooDeep(state));
          break;
        }
        pc = code[at + 3]!;
        continue;
      case Op.exit: {
        if (state.depth === 0) {
          state.pc = pc;
          state.end({ kind: 'exit', value: state.getRegister(0) });
          left--;
          break;
        }
        if (state.special[state.depth] !== 0) {
          state.executed += budget - left;
          budget = left;
          if (!state.returnFromSpecial()) {
            if (state.ended?.kind === 'exit') left--;
            break;
          }
          if (memory.generation !== generation) ({ bytes, data, capacity, generation } = memory);
          code = codeFor(state);
          R = state.registers;
          pc = state.pc;
          continue;
        }
        state.popFrame();
        state.clobberArguments();
        pc = state.pc + 1;
        continue;
      }
      case Op.breakpoint:
        state.pc = pc;
        state.executed += budget - left;
        return Stopped.breakpoint;
      case Op.entry:
        state.pc = pc;
        state.executed += budget - left;
        return Stopped.entry;
      case Op.invalid:
      case Op.secondHalf:
      case Op.pastEnd:
      case Op.writesFramePointer:
        state.pc = pc;
        state.fault(explain.slot(state, code[at] as Op));
        break;
    }
    // Only what ends the run breaks out of the switch; the faulting instruction has not been executed.
    state.executed += budget - left;
    return Stopped.ended;
  }
  state.pc = pc;
  state.executed += budget;
  return Stopped.budget;
}
