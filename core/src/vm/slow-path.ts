// What the interpreter's loop does rarely: accesses that the planes did not allow at once, atomics, calls through registers, packet
// loads, and the words for what is no instruction. Each works on the state with state.pc at its instruction, and ends it on a fault.

import { hex64 } from '#core/bytes';
import { formsOf } from '#core/isa';
import { DIRECT_MAP_HIGH } from './address-space.ts';
import { type State, tooDeep } from './execution.ts';
import { ATOMIC_ADD, ATOMIC_AND, ATOMIC_CMPXCHG, ATOMIC_FETCH, ATOMIC_OR, ATOMIC_XCHG, ATOMIC_XOR } from './decode.ts';
import { Op } from './interpreter.ts';

/** The high half of the lowest address that is not user space's. */
const USER_HALF = 0x8000;

const bigAddress = (high: number, low: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/**
 * Offset in the linear buffer of the access of `size` bytes at register pair `base` plus `off`, or -1 after ending the run with the
 * fault. Goes the ways that are not the direct map: fixed addresses, pages shared with a snapshot, an arena's 32-bit addresses.
 */
export function resolve(state: State, pc: number, base: number, off: number, size: number, write: boolean): number {
  const { registers, memory } = state;
  const sum = (registers[base]! >>> 0) + off;
  const low = sum | 0;
  // The carry or borrow out of the low half: sum lies in [-2^15, 2^32 + 2^15).
  const high = (registers[base + 1]! + Math.floor(sum / 4294967296)) | 0;
  const offset = memory.resolve(high, low, size, write);
  const { arena, readsZero } = state.executable;
  // The kernel's exception table: the first page of the linear buffer belongs to no region and is all zeros.
  if (!write && (offset < 0 || high >>> 0 < USER_HALF) && readsZero?.(pc) === true) return 0;
  if (offset >= 0) return offset;
  // The low half of an arena address stands for the whole.
  if (arena && high === 0 && memory.holds(arena.region, low >>> 0, size)) return memory.resolve(DIRECT_MAP_HIGH, low, size, write);
  state.pc = pc;
  const fault = memory.fault(write ? 'write' : 'read', bigAddress(high, low), size);
  state.fault(fault.message, fault);
  return -1;
}

function aligned(state: State, base: number, off: number, size: number, write: boolean): number {
  if (((state.registers[base]! + off) & (size - 1)) !== 0) {
    const address = BigInt.asUintN(64, state.getRegister(base / 2) + BigInt(off));
    state.fault(`atomic access of ${size} bytes at address ${hex64(address)}: the address is not a multiple of ${size}`);
    return -1;
  }
  return resolve(state, state.pc, base, off, size, write);
}

/** `extra` is off << 16 | operation << 4 | size, as decode.ts packs it. False after a fault. */
export function atomic(state: State, d: number, s: number, extra: number): boolean {
  const size = extra & 0xf;
  const operation = (extra >> 4) & 0xfff;
  const offset = aligned(state, d, extra >> 16, size, true);
  if (offset < 0) return false;
  const { registers: R } = state;
  const { data } = state.memory;
  const oldLow = data.getInt32(offset, true);
  const oldHigh = size === 8 ? data.getInt32(offset + 4, true) : 0;
  let low = R[s]!;
  let high = R[s + 1]!;
  if (operation === ATOMIC_CMPXCHG) {
    const equal = oldLow === R[0] && (size === 4 || oldHigh === R[1]);
    R[0] = oldLow;
    R[1] = oldHigh;
    if (!equal) return true;
  } else {
    switch (operation & ~ATOMIC_FETCH) {
      case ATOMIC_ADD:
        low = (oldLow + low) | 0;
        high = (oldHigh + high + (low >>> 0 < oldLow >>> 0 ? 1 : 0)) | 0;
        break;
      case ATOMIC_OR:
        low |= oldLow;
        high |= oldHigh;
        break;
      case ATOMIC_AND:
        low &= oldLow;
        high &= oldHigh;
        break;
      case ATOMIC_XOR:
        low ^= oldLow;
        high ^= oldHigh;
        break;
      case ATOMIC_XCHG & ~ATOMIC_FETCH:
        break;
    }
    if ((operation & ATOMIC_FETCH) !== 0) {
      R[s] = oldLow;
      R[s + 1] = oldHigh;
    }
  }
  data.setInt32(offset, low, true);
  if (size === 8) data.setInt32(offset + 4, high, true);
  return true;
}

/** load_acquire and store_release: this machine runs one instruction at a time, so they are aligned loads and stores. */
export function orderedAccess(state: State, d: number, s: number, extra: number, write: boolean): boolean {
  const size = extra & 0xf;
  const offset = aligned(state, write ? d : s, extra >> 16, size, write);
  if (offset < 0) return false;
  const { registers: R } = state;
  const { data } = state.memory;
  if (write) {
    if (size === 1) data.setInt8(offset, R[s]!);
    else if (size === 2) data.setInt16(offset, R[s]!, true);
    else data.setInt32(offset, R[s]!, true);
    if (size === 8) data.setInt32(offset + 4, R[s + 1]!, true);
    return true;
  }
  R[d] = size === 1 ? data.getUint8(offset) : size === 2 ? data.getUint16(offset, true) : data.getInt32(offset, true);
  R[d + 1] = size === 8 ? data.getInt32(offset + 4, true) : 0;
  return true;
}

/** callx through register pair `d`, or with d = -1 the kfunc `id`. True: go on at state.pc. */
export function callThroughRegister(state: State, d: number, id: number): boolean {
  if (d < 0) {
    if (!state.host.callKfunc) return state.fault(`kfunc ${id} is called, and this machine's host has no kfuncs`);
    return state.apply(state.host.callKfunc(id, state));
  }
  const slot = state.callTarget(d / 2);
  if (slot !== undefined) {
    if (!state.pushFrame(state.pc)) return state.fault(tooDeep(state.frameLimit));
    state.pc = slot;
    return true;
  }
  if (state.registers[d + 1] !== 0)
    return state.fault(`callx r${d / 2}: ${hex64(state.getRegister(d / 2))} is neither a function of this program nor a helper's number`);
  return state.apply(state.host.callHelper(state.registers[d]!, state));
}

/** LD_ABS and LD_IND (`s` is then the index's register pair). False: the packet is too short, or the run ended with a fault. */
export function loadPacket(state: State, size: number, s: number | undefined, imm: number): boolean {
  if (!state.host.loadPacket) return state.fault('the program reads packet bytes, and this machine has no packet for it');
  const offset = (imm + (s === undefined ? 0 : state.registers[s]!)) | 0;
  const value = state.host.loadPacket(offset, size as 1 | 2 | 4, state);
  // A program that ends here ends with 0.
  state.registers[0] = value ?? 0;
  state.registers[1] = 0;
  if (value === undefined) return false;
  state.clobberArguments();
  return true;
}

/** addr_space_cast to user space: the arena's low 32 bits behind the high half of where user space sees it; NULL stays NULL. */
export function userAddress(state: State, d: number, s: number): void {
  const { registers: R } = state;
  const low = R[s]!;
  const userBase = state.executable.arena?.userBase ?? 0n;
  R[d] = low;
  R[d + 1] = low === 0 ? 0 : Number(BigInt.asIntN(32, userBase >> 32n));
}

const hexByte = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;

export const explain = {
  tooDeep: (state: State): string => tooDeep(state.frameLimit),
  /** Why the slot at state.pc cannot be executed. */
  slot(state: State, op: Op): string {
    const { pc } = state;
    const insn = state.executable.insns[pc];
    if (op === Op.pastEnd || !insn) return `the program runs on to slot ${pc}, past its end`;
    if (op === Op.secondHalf) return `slot ${pc} is the second half of an ld_imm64: no jump may end there`;
    if (op === Op.writesFramePointer) return `slot ${pc} writes r10: the frame pointer is read-only`;
    if (formsOf(insn.opcode).length === 0) return `slot ${pc}: ${hexByte(insn.opcode)} is no opcode`;
    return `slot ${pc}: opcode ${hexByte(insn.opcode)} with dst r${insn.dst}, src ${insn.src}, off ${insn.off}, imm ${insn.imm} is no instruction`;
  },
};
