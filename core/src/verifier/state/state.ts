// One path's state: frames with registers and stack, references, locks, and how the path came here.
// Registers and stack slots are shared between states and never changed in place; frames and states are.

import { type Register, UNINITIALISED } from './registers.ts';
import type { WrittenRecords } from '../explain/warnings.ts';

export const BPF_REG_FP = 10;
export const REGISTER_COUNT = 11;
export const MAX_BPF_STACK = 512;
export const STACK_SLOTS = MAX_BPF_STACK / 8;
export const MAX_CALL_FRAMES = 8;
/** `callsite` of a path's first frame. */
export const NO_CALLSITE = -1;

// What a byte of the stack holds (enum bpf_stack_slot_type).
export const STACK_INVALID = 0;
export const STACK_SPILL = 1;
export const STACK_MISC = 2;
export const STACK_ZERO = 3;
export const STACK_DYNPTR = 4;
export const STACK_ITER = 5;
export const STACK_IRQ_FLAG = 6;

/** One letter per kind, as the log prints slots. */
export const SLOT_LETTERS = ['?', 'r', 'm', '0', 'd', 'i', 'f'] as const;

/**
 * Eight bytes of stack. `kinds` has four bits per byte; byte 0 is the one nearest to the frame pointer
 * (the highest address), as the log prints them.
 */
export interface StackSlot {
  readonly kinds: number;
  /** What was spilled here (or the dynptr or iterator that lives here). */
  readonly register: Register;
}

export const EMPTY_SLOT: StackSlot = { kinds: 0, register: UNINITIALISED };
export const byteKind = (slot: StackSlot, byte: number): number => (slot.kinds >>> (byte * 4)) & 0xf;
export const withByteKind = (kinds: number, byte: number, kind: number): number => (kinds & ~(0xf << (byte * 4))) | (kind << (byte * 4));
/** All eight bytes of one kind. */
export const allBytes = (kind: number): number => Math.imul(kind, 0x1111_1111);

/** A register was spilled here, in whole or in part: the byte farthest from the frame pointer says so. */
export const isSpilled = (slot: StackSlot): boolean => slot.kinds >>> 28 === STACK_SPILL;
export const isSpilledScalar = (slot: StackSlot): boolean => isSpilled(slot) && slot.register.type === 1;
/** All eight bytes of a scalar are here. */
export const isWholeSpilledScalar = (slot: StackSlot): boolean => slot.kinds === 0x1111_1111 && slot.register.type === 1;
export const isSpecialSlot = (slot: StackSlot): boolean => slot.kinds >>> 28 >= STACK_DYNPTR;

/** A set of stack slots: two 32-bit halves, since bit operations have no more. */
export class SlotSet {
  constructor(
    public low = 0,
    public high = 0,
  ) {}
  has(slot: number): boolean {
    return slot < 32 ? ((this.low >>> slot) & 1) !== 0 : ((this.high >>> (slot - 32)) & 1) !== 0;
  }
  add(slot: number): void {
    if (slot < 32) this.low |= 1 << slot;
    else this.high |= 1 << (slot - 32);
  }
  delete(slot: number): void {
    if (slot < 32) this.low &= ~(1 << slot);
    else this.high &= ~(1 << (slot - 32));
  }
  clear(): void {
    this.low = this.high = 0;
  }
  get empty(): boolean {
    return (this.low | this.high) === 0;
  }
  copy(): SlotSet {
    return new SlotSet(this.low, this.high);
  }
  *members(): Generator<number> {
    for (let slot = 0; slot < STACK_SLOTS; slot++) if (this.has(slot)) yield slot;
  }
}

export interface ReturnRange {
  readonly min: number;
  readonly max: number;
}

const ANY_RETURN: ReturnRange = { min: 0, max: 0 };

export class Frame {
  /** Scalars whose exact range mattered to the rest of a path: set in checkpoints only. */
  preciseRegisters = 0;
  preciseSlots = new SlotSet();
  inCallback = false;
  inAsyncCallback = false;
  inExceptionCallback = false;
  callbackReturns = ANY_RETURN;
  asyncEntryCount = 0;
  /** Iterations of a callback simulated from this frame. */
  callbackDepth = 0;

  constructor(
    readonly subprogram: number,
    /** Slot of the call that made this frame; NO_CALLSITE for a path's first. */
    readonly callsite: number,
    readonly number: number,
    readonly registers: Register[] = new Array<Register>(REGISTER_COUNT).fill(UNINITIALISED),
    /** Index 0 is fp-8. As long as the deepest access on this path. */
    readonly stack: StackSlot[] = [],
  ) {}

  /** Without precision marks: a copy is the beginning of a new piece of path. */
  copy(): Frame {
    const copy = new Frame(this.subprogram, this.callsite, this.number, this.registers.slice(), this.stack.slice());
    copy.inCallback = this.inCallback;
    copy.inAsyncCallback = this.inAsyncCallback;
    copy.inExceptionCallback = this.inExceptionCallback;
    copy.callbackReturns = this.callbackReturns;
    copy.asyncEntryCount = this.asyncEntryCount;
    copy.callbackDepth = this.callbackDepth;
    return copy;
  }
}

const copyFrame = (frame: Frame): Frame => frame.copy();

export type ReferenceKind = 'pointer' | 'irq' | 'lock' | 'res_lock' | 'res_lock_irq';

export interface Reference {
  readonly kind: ReferenceKind;
  readonly id: number;
  /** Slot that acquired it. */
  readonly insn: number;
  /** Locks: the map or allocated object (by identity) that holds the lock. */
  readonly owner?: unknown;
}

export interface LinkedRegister {
  readonly frame: number;
  /** Register number, or stack slot. */
  readonly index: number;
  readonly isRegister: boolean;
}

/** A step that backtracking must know about: a jump, a stack access, or registers that were linked. */
export interface HistoryEntry {
  readonly insn: number;
  readonly previous: number;
  /** The stack slot accessed by the instruction, when it is one. */
  readonly stackFrame: number;
  readonly stackSlot: number;
  /** Operands of the instruction that are stack pointers: they need no precision. */
  readonly sourceIsStack: boolean;
  readonly targetIsStack: boolean;
  readonly linked: readonly LinkedRegister[] | undefined;
}

/** A checkpoint in the table of states seen. */
export interface ExploredState {
  readonly state: VerifierState;
  hits: number;
  misses: number;
  /** Evicted from the table, but still an ancestor of open paths. */
  evicted: boolean;
  freed: boolean;
}

/** An entry into a strongly connected component of the control-flow graph, per call chain (bpf_scc_visit). */
export interface LoopVisit {
  /** Slots of the calls that lead there and the component's number, as the log names it. */
  readonly name: string;
  entry: VerifierState | undefined;
  backEdges: VerifierState[];
}

export class VerifierState {
  /** Number of held bpf_spin_locks and bpf_res_spin_locks. */
  activeLocks = 0;
  activeLockId = 0;
  activeLockOwner: unknown = undefined;
  activePreemptLocks = 0;
  activeRcuLocks = 0;
  activeIrqId = 0;
  inSleepable = false;

  parent: VerifierState | undefined = undefined;
  /** Paths that go on from here. A checkpoint with none is fully explored. */
  branches = 0;
  /** Slot of a checkpoint. */
  insn = 0;
  firstInsn = 0;
  lastInsn = 0;
  depth = 0;
  callbackUnrollDepth = 0;
  mayGotoDepth = 0;
  /** Written bytes of the ring-buffer records held; only where warnings are asked for. */
  records: WrittenRecords | undefined = undefined;
  /** Dead registers and slots have been taken out. */
  cleaned = false;
  /** Number of the state that this path was last observed in (observe.ts). */
  observed = -1;
  /** The checkpoint that a back edge was found equal to. */
  equalState: VerifierState | undefined = undefined;
  /** Of a checkpoint: its place in the table. */
  explored: ExploredState | undefined = undefined;
  /** Of a checkpoint: its visit to the loop that it is in. */
  loopVisit: LoopVisit | undefined = undefined;

  constructor(
    readonly frames: Frame[] = [],
    readonly references: Reference[] = [],
    /** The steps since the checkpoint before. */
    public history: HistoryEntry[] = [],
  ) {}

  /** The innermost frame. */
  get frame(): Frame {
    return this.frames[this.frames.length - 1]!;
  }

  copy(history = this.history.slice()): VerifierState {
    const copy = new VerifierState(this.frames.map(copyFrame), this.references.slice(), history);
    copy.activeLocks = this.activeLocks;
    copy.activeLockId = this.activeLockId;
    copy.activeLockOwner = this.activeLockOwner;
    copy.activePreemptLocks = this.activePreemptLocks;
    copy.activeRcuLocks = this.activeRcuLocks;
    copy.activeIrqId = this.activeIrqId;
    copy.inSleepable = this.inSleepable;
    copy.parent = this.parent;
    copy.branches = this.branches;
    copy.insn = this.insn;
    copy.firstInsn = this.firstInsn;
    copy.lastInsn = this.lastInsn;
    copy.depth = this.depth;
    copy.callbackUnrollDepth = this.callbackUnrollDepth;
    copy.mayGotoDepth = this.mayGotoDepth;
    copy.records = this.records;
    copy.observed = this.observed;
    return copy;
  }

  /** Replaces every register and spilled register for which `change` gives another one. */
  changeRegisters(change: (register: Register) => Register | undefined): void {
    for (const frame of this.frames) {
      for (let i = 0; i < REGISTER_COUNT; i++) {
        const changed = change(frame.registers[i]!);
        if (changed) frame.registers[i] = changed;
      }
      for (let i = 0; i < frame.stack.length; i++) {
        const slot = frame.stack[i]!;
        if (!isSpilled(slot)) continue;
        const changed = change(slot.register);
        if (changed) frame.stack[i] = { kinds: slot.kinds, register: changed };
      }
    }
  }
}
