// Precision: which scalars' exact ranges a path's safety depended on. States are compared by ranges only where that is so.
// When a range matters, the instructions that led here are read backwards to find the registers and slots it came from,
// through all checkpoints on the way. Reads history; changes nothing but precision marks.

import {
  BPF_ABS,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_END,
  BPF_EXIT,
  BPF_IMM,
  BPF_IND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MOV,
  BPF_NEG,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  insnClass,
  type Insn,
  modeField,
  usesRegisterSource,
} from '#core/isa';
import { describeHelperFlow, describeKfuncFlow } from '../calls/call-facts.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { formatInsn } from '../state/format-insn.ts';
import { formatState, LOG_LEVEL2 } from '../state/log.ts';
import { SCALAR_VALUE } from '../state/registers.ts';
import {
  BPF_REG_FP,
  type HistoryEntry,
  isSpilled,
  isSpilledScalar,
  MAX_CALL_FRAMES,
  NO_CALLSITE,
  SlotSet,
  type VerifierState,
} from '../state/state.ts';

const ARGUMENTS = 0x3e;
const TAIL_CALL = 12;

/** Registers and slots still to be explained, per frame. */
class Backtrack {
  frame = 0;
  readonly registers = new Int32Array(MAX_CALL_FRAMES);
  readonly slots = Array.from({ length: MAX_CALL_FRAMES }, () => new SlotSet());

  begin(frame: number): this {
    this.frame = frame;
    this.registers.fill(0);
    for (const slots of this.slots) slots.clear();
    return this;
  }
  get empty(): boolean {
    for (let i = 0; i <= this.frame; i++) if (this.registers[i] !== 0 || !this.slots[i]!.empty) return false;
    return true;
  }
  has(register: number): boolean {
    return ((this.registers[this.frame]! >>> register) & 1) !== 0;
  }
  add(register: number): void {
    this.registers[this.frame]! |= 1 << register;
  }
  delete(register: number): void {
    this.registers[this.frame]! &= ~(1 << register);
  }
}

/** One for all: a walk back never starts another. */
const shared = new Backtrack();

/** Backtracking met something it cannot follow. */
const GIVE_UP = 1;
const FOLLOWED = 0;

const registerNames = (mask: number): string =>
  Array.from({ length: 11 }, (_, i) => i)
    .filter((i) => (mask >>> i) & 1)
    .map((i) => `r${i}`)
    .join(',');
const slotNames = (slots: SlotSet): string => [...slots.members()].map((slot) => String(-(slot + 1) * 8)).join(',');

const isLoadAcquire = (insn: Insn): boolean => insnClass(insn) === BPF_STX && modeField(insn) === BPF_ATOMIC && insn.imm === BPF_LOAD_ACQ;
const isStoreRelease = (insn: Insn): boolean => insnClass(insn) === BPF_STX && modeField(insn) === BPF_ATOMIC && insn.imm === BPF_STORE_REL;

/** Linked registers are precise together. */
function syncLinked(bt: Backtrack, entry: HistoryEntry | undefined): void {
  const linked = entry?.linked;
  if (!linked) return;
  const marked = (item: (typeof linked)[number]): boolean =>
    item.isRegister ? ((bt.registers[item.frame]! >>> item.index) & 1) !== 0 : bt.slots[item.frame]!.has(item.index);
  if (!linked.some(marked)) return;
  for (const item of linked) {
    if (item.isRegister) bt.registers[item.frame]! |= 1 << item.index;
    else bt.slots[item.frame]!.add(item.index);
  }
}

function runsSyncCallback(env: VerifierEnvironment, insn: Insn): boolean {
  if (insn.opcode !== (BPF_JMP | BPF_CALL)) return false;
  if (insn.src === BPF_PSEUDO_KFUNC_CALL) return describeKfuncFlow(env, insn).syncCallback;
  return insn.src === 0 && (describeHelperFlow(env, insn)?.syncCallback ?? false);
}

/** Steps back over one instruction. `following` is the slot that was executed after it. */
function stepBack(env: VerifierEnvironment, at: number, following: number, entry: HistoryEntry | undefined, bt: Backtrack): number {
  const insn = env.insns[at]!;
  if (insn.opcode === 0) return FOLLOWED;
  if (env.log.level & LOG_LEVEL2) {
    env.log.write(
      `mark_precise: frame${bt.frame}: regs=${registerNames(bt.registers[bt.frame]!)} stack=${slotNames(bt.slots[bt.frame]!)} before ${at}: ${formatInsn(env, at)}\n`,
    );
  }
  // Registers linked after this instruction need precision before it is looked at, and again for what it leaves.
  syncLinked(bt, entry);
  const { dst, src } = insn;
  const operation = insn.opcode & 0xf0;
  const class_ = insnClass(insn);
  if (class_ === BPF_ALU || class_ === BPF_ALU64) {
    if (!bt.has(dst) || operation === BPF_END || operation === BPF_NEG) return FOLLOWED;
    if (operation === BPF_MOV) {
      bt.delete(dst);
      if (usesRegisterSource(insn) && src !== BPF_REG_FP) bt.add(src);
    } else if (usesRegisterSource(insn) && src !== BPF_REG_FP) bt.add(src);
  } else if (class_ === BPF_LDX || isLoadAcquire(insn)) {
    // What an atomic operation fetches is not followed into memory: the register stays wanted as it was before.
    if (!bt.has(dst)) return FOLLOWED;
    bt.delete(dst);
    // Memory other than the stack holds nothing that was tracked.
    if (!entry || entry.stackSlot < 0) return FOLLOWED;
    bt.slots[entry.stackFrame]!.add(entry.stackSlot);
  } else if (class_ === BPF_STX || class_ === BPF_ST) {
    // A store through a register that was precise as a number cannot be: it is a pointer.
    if (bt.has(dst)) return GIVE_UP;
    if (!entry || entry.stackSlot < 0) return FOLLOWED;
    const slots = bt.slots[entry.stackFrame]!;
    if (!slots.has(entry.stackSlot)) return FOLLOWED;
    slots.delete(entry.stackSlot);
    if (class_ === BPF_STX || isStoreRelease(insn)) bt.add(src);
  } else if (class_ === BPF_JMP || class_ === BPF_JMP32) {
    return stepBackOverJump(env, at, following, entry, bt);
  } else if (class_ === BPF_LD) {
    if (modeField(insn) === BPF_IMM) {
      bt.delete(dst);
      return FOLLOWED;
    }
    if (modeField(insn) === BPF_IND || modeField(insn) === BPF_ABS) {
      if (bt.has(dst)) return GIVE_UP;
      // A failing packet load returns from the function.
      if (following !== at + 1) bt.frame++;
      return FOLLOWED;
    }
  }
  syncLinked(bt, entry);
  return FOLLOWED;
}

function stepBackOverJump(env: VerifierEnvironment, at: number, following: number, entry: HistoryEntry | undefined, bt: Backtrack): number {
  const insn = env.insns[at]!;
  const operation = insn.opcode & 0xf0;
  if (operation === BPF_CALL && insn.src === BPF_PSEUDO_CALL) {
    const callee = env.subprograms[env.subprogramOf[at + insn.imm + 1]!]!;
    if (callee.linkage === 'global' && callee.start !== 0) {
      // Verified by itself: its result is unknown here.
      bt.delete(0);
      return FOLLOWED;
    }
    // Going back out of the callee through its entry: arguments are the caller's.
    const arguments_ = bt.registers[bt.frame]! & ARGUMENTS;
    bt.registers[bt.frame] = 0;
    bt.slots[bt.frame]!.clear();
    if (bt.frame === 0) return GIVE_UP;
    bt.frame--;
    bt.registers[bt.frame]! |= arguments_;
    return FOLLOWED;
  }
  if (operation === BPF_CALL && runsSyncCallback(env, insn) && at !== following - 1) {
    // Out of a callback: its arguments come from the kernel, not from registers of the caller.
    bt.registers[bt.frame] = 0;
    bt.slots[bt.frame]!.clear();
    if (bt.frame === 0) return GIVE_UP;
    bt.frame--;
    return FOLLOWED;
  }
  if (operation === BPF_CALL) {
    if (insn.src === BPF_PSEUDO_KFUNC_CALL && insn.imm < 0) return GIVE_UP;
    // A tail call that succeeded returned from the function.
    if (insn.src === 0 && insn.imm === TAIL_CALL && following !== at + 1) bt.frame++;
    bt.delete(0);
    // Iterators and callbacks may have left argument marks; helpers clobber them all.
    bt.registers[bt.frame]! &= ~ARGUMENTS;
    return FOLLOWED;
  }
  if (operation === BPF_EXIT) {
    const called = following - 1 >= 0 ? env.insns[following - 1]! : undefined;
    const fromCall = called !== undefined && called.opcode === (BPF_JMP | BPF_CALL) && called.src === BPF_PSEUDO_CALL;
    // What a callback is given was set by the helper that calls it: nothing before it explains r1 to r5.
    if (following >= 0 && env.facts.callsCallback[following]) bt.registers[bt.frame]! &= ~ARGUMENTS;
    const wantsResult = fromCall && bt.has(0);
    bt.delete(0);
    if (bt.frame >= MAX_CALL_FRAMES - 1) return GIVE_UP;
    bt.frame++;
    if (wantsResult) bt.add(0);
    return FOLLOWED;
  }
  if (usesRegisterSource(insn)) {
    if (!bt.has(insn.dst) && !bt.has(insn.src)) return FOLLOWED;
    // Two registers compared: when one matters, so does the other.
    if (!entry?.sourceIsStack) bt.add(insn.src);
    if (!entry?.targetIsStack) bt.add(insn.dst);
  }
  syncLinked(bt, entry);
  return FOLLOWED;
}

/** Marks every scalar of all checkpoints on the way precise, where the walk back cannot tell. */
export function markAllScalarsPrecise(env: VerifierEnvironment, start: VerifierState): void {
  if (env.log.level & LOG_LEVEL2)
    env.log.write(`mark_precise: frame${start.frames.length - 1}: falling back to forcing all scalars precise\n`);
  for (let state = start.parent; state; state = state.parent) {
    state.frames.forEach((frame, number) => {
      for (let i = 0; i < BPF_REG_FP; i++) {
        if (frame.registers[i]!.type !== SCALAR_VALUE || (frame.preciseRegisters >>> i) & 1) continue;
        frame.preciseRegisters |= 1 << i;
        if (env.log.level & LOG_LEVEL2) env.log.write(`force_precise: frame${number}: forcing r${i} to be precise\n`);
      }
      for (let i = 0; i < frame.stack.length; i++) {
        if (!isSpilledScalar(frame.stack[i]!) || frame.preciseSlots.has(i)) continue;
        frame.preciseSlots.add(i);
        if (env.log.level & LOG_LEVEL2) env.log.write(`force_precise: frame${number}: forcing fp${-(i + 1) * 8} to be precise\n`);
      }
    });
  }
}

/** The scalar in this register matters: marks it and all it came from. */
export function markPrecise(env: VerifierEnvironment, register: number): void {
  // Asked of a pointer (as the number of rounds of bpf_loop), the kernel finds fault with itself.
  if (env.register(register).type !== SCALAR_VALUE) {
    throw env.reject('helper-argument', 'EFAULT', 'verifier bug: backtracking misuse', {
      register,
      explanation: `R${register} must be a number here, and holds a pointer.`,
      advice: 'Pass a number.',
    });
  }
  const bt = shared.begin(env.state.frames.length - 1);
  bt.add(register);
  run(env, env.state, env.insn, bt);
}

/** The same for a register that is in `mask`, and for slots of the current frame. */
export function markPreciseRegisters(env: VerifierEnvironment, mask: number): void {
  const bt = shared.begin(env.state.frames.length - 1);
  bt.registers[bt.frame] = mask;
  run(env, env.state, env.insn, bt);
}

/** The scalar spilled in a slot matters, as the key of an array look-up. */
export function markSlotPrecise(env: VerifierEnvironment, frame: number, slot: number): void {
  const bt = shared.begin(env.state.frames.length - 1);
  bt.slots[frame]!.add(slot);
  run(env, env.state, env.insn, bt);
}

/**
 * `current` was found equal to `old`: what mattered after `old` matters for `current`.
 * `last` is the slot that `current` stands at. True when a mark was new.
 */
export function propagatePrecision(env: VerifierEnvironment, old: VerifierState, current: VerifierState, last: number): boolean {
  const bt = shared.begin(current.frames.length - 1);
  for (let number = old.frames.length - 1; number >= 0; number--) {
    const frame = old.frames[number]!;
    const parts: string[] = [];
    for (let i = 0; i < BPF_REG_FP; i++) {
      if (frame.registers[i]!.type !== SCALAR_VALUE || !((frame.preciseRegisters >>> i) & 1)) continue;
      bt.registers[number]! |= 1 << i;
      parts.push(`r${i}`);
    }
    for (let i = 0; i < frame.stack.length; i++) {
      if (!isSpilled(frame.stack[i]!) || frame.stack[i]!.register.type !== SCALAR_VALUE || !frame.preciseSlots.has(i)) continue;
      bt.slots[number]!.add(i);
      parts.push(`fp${(-i - 1) * 8}`);
    }
    if (parts.length > 0 && env.log.level & LOG_LEVEL2) env.log.write(`frame ${number}: propagating ${parts.join(',')}\n`);
  }
  return run(env, current, last, bt);
}

function run(env: VerifierEnvironment, start: VerifierState, lastInsn: number, bt: Backtrack): boolean {
  if (bt.empty) return false;
  let changed = false;
  let state: VerifierState | undefined = start;
  let first = state.firstInsn;
  let last = lastInsn;
  let following = -1;
  let skip = true;
  const verbose = (env.log.level & LOG_LEVEL2) !== 0;
  for (;;) {
    if (verbose) env.log.write(`mark_precise: frame${bt.frame}: last_idx ${last} first_idx ${first} subseq_idx ${following} \n`);
    if (last < 0) {
      // At the entry of a global function or callback only arguments may be left.
      for (let i = 1; i <= 5; i++) {
        if (!bt.has(i)) continue;
        const frame = state.frames[0]!;
        if (state.frames[0]!.callsite === NO_CALLSITE && frame.registers[i]!.type === SCALAR_VALUE) frame.preciseRegisters |= 1 << i;
      }
      return changed;
    }
    let remaining = state.history.length;
    for (let at = last; ;) {
      if (skip) skip = false;
      else {
        const top: HistoryEntry | undefined = remaining > 0 ? state.history[remaining - 1] : undefined;
        if (stepBack(env, at, following, top?.insn === at ? top : undefined, bt) === GIVE_UP) {
          markAllScalarsPrecise(env, start);
          return true;
        }
      }
      if (bt.empty) return changed;
      following = at;
      // The slot executed before: the one above, unless history says otherwise.
      if (at === state.firstInsn && (remaining === 0 || (remaining === 1 && state.history[0]!.insn === at))) break;
      const top: HistoryEntry | undefined = remaining > 0 ? state.history[remaining - 1] : undefined;
      if (top?.insn === at) {
        at = top.previous;
        remaining--;
      } else at--;
      if (at < 0) break;
    }
    state = state.parent;
    if (!state) break;
    for (let number = bt.frame; number >= 0; number--) {
      const frame = state.frames[number];
      if (!frame) continue;
      for (let i = 0; i < BPF_REG_FP; i++) {
        const bit = 1 << i;
        if (!(bt.registers[number]! & bit)) continue;
        if (frame.registers[i]!.type !== SCALAR_VALUE || frame.preciseRegisters & bit) bt.registers[number]! &= ~bit;
        else {
          frame.preciseRegisters |= bit;
          changed = true;
        }
      }
      const slots = bt.slots[number]!;
      if (!slots.empty) {
        for (const slot of [...slots.members()]) {
          const content = frame.stack[slot];
          if (!content || !isSpilledScalar(content) || frame.preciseSlots.has(slot)) slots.delete(slot);
          else {
            frame.preciseSlots.add(slot);
            changed = true;
          }
        }
      }
      if (verbose) {
        env.log.write(
          `mark_precise: frame${number}: parent state regs=${registerNames(bt.registers[number]!)} stack=${slotNames(slots)}: ${formatState(state, frame)}\n`,
        );
      }
    }
    if (bt.empty) return changed;
    following = first;
    last = state.lastInsn;
    first = state.firstInsn;
  }
  if (!bt.empty) {
    markAllScalarsPrecise(env, start);
    return true;
  }
  return changed;
}
