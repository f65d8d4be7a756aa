// What the whole verification of one program shares: the program as prepared, facts about each instruction,
// the path walked now, the paths to walk later, counters and the log.

import type { KernelVersion } from '#core/catalog';
import type { Btf } from '#core/btf';
import type { Insn } from '#core/isa';
import type { LoadedObject, Program } from '#core/program';
import type { TraceStep } from '../explain/trace.ts';
import type { FindingCode } from '../explain/findings.ts';
import type { LiveStack } from '../flow/liveness-stack.ts';
import type { VerifierLog } from './log.ts';
import type { VerifierMap } from '../objects/maps.ts';
import type { Observer } from '../knowledge/observe.ts';
import type { Register } from './registers.ts';
import {
  type ExploredState,
  type Frame,
  type HistoryEntry,
  type LinkedRegister,
  type LoopVisit,
  SlotSet,
  type VerifierState,
} from './state.ts';
import { wordsOf } from '../target/kernel-words.ts';
import type { Cause, VerifyOptions } from '../types.ts';
import type { Warning } from '../explain/warnings.ts';

/** Why a path, and with it the program, is refused. Thrown by checks, caught where the walk begins; it never leaves this room. */
export class Rejection {
  constructor(
    readonly code: FindingCode,
    readonly errno: string,
    /** The kernel's lines; the first is the finding's message. */
    readonly lines: readonly string[],
    readonly insn: number,
    readonly details: RejectionDetails,
  ) {}
}

export interface RejectionDetails {
  readonly register?: number;
  /** What is accessed through the register: `off` includes its fixed offset; `total` bytes are there. */
  readonly access?: { readonly off: number; readonly size: number; readonly total?: number };
  /** In C's terms; the catalogue's sentence where there is none. */
  readonly explanation?: string;
  readonly advice?: string;
  readonly needed?: string;
  readonly known?: string;
  readonly causes?: readonly Cause[];
}

/** Whatever `check` refuses is refused with one more line of the kernel's. */
export function refusedWith<Result>(env: VerifierEnvironment, line: string, check: () => Result): Result {
  try {
    return check();
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    env.log.write(`${line}\n`);
    throw new Rejection(thrown.code, thrown.errno, [...thrown.lines, line], thrown.insn, thrown.details);
  }
}

/** The caller asked to stop. */
export class Cancelled {}

export type ArgumentOfSubprogram =
  | { readonly kind: 'scalar' }
  | { readonly kind: 'ctx' }
  | { readonly kind: 'mem'; readonly size: number; readonly mayBeNull: boolean; readonly readonly?: boolean }
  | { readonly kind: 'dynptr' }
  | { readonly kind: 'arena' }
  | { readonly kind: 'btf_id'; readonly btf: Btf; readonly btfId: number; readonly flags: number };

export interface SubprogramFacts {
  readonly name: string;
  readonly start: number;
  end: number;
  readonly linkage: 'static' | 'global' | 'extern' | undefined;
  readonly funcTypeId: number | undefined;
  stackDepth: number;
  hasTailCall: boolean;
  tailCallReachable: boolean;
  hasLdAbs: boolean;
  isCallback: boolean;
  isAsyncCallback: boolean;
  isExceptionCallback: boolean;
  changesPacketData: boolean;
  mightSleep: boolean;
  /** A verified caller reaches this global function. */
  called: boolean;
  /** Arguments as BTF says; undefined until asked, 'invalid' where they cannot be checked. */
  arguments: readonly ArgumentOfSubprogram[] | 'invalid' | undefined;
  /** The kernel's line about arguments that cannot be checked. */
  argumentProblem?: string;
  /** Deepest offset of spills around calls that the kernel may take away (bpf_fastcall), 0 where there are none. */
  fastcallStackOffset: number;
  keepFastcallStack: boolean;
}

export interface BranchToWalk {
  readonly state: VerifierState;
  readonly insn: number;
  readonly previous: number;
  readonly logPosition: number;
  readonly trace: TraceStep | undefined;
}

export const MAX_PROCESSED = 1_000_000;
export const MAX_PENDING_BRANCHES = 8192;

export interface InsnFacts {
  readonly prunePoint: Uint8Array;
  readonly jumpPoint: Uint8Array;
  readonly jumpTarget: Uint8Array;
  readonly forceCheckpoint: Uint8Array;
  readonly callsCallback: Uint8Array;
  readonly iteratorNext: Uint8Array;
  /** One bit per register that is live before the instruction. */
  readonly liveBefore: Uint16Array;
  /** Number of the strongly connected component, 0 for none. */
  readonly component: Int32Array;
  /** Pointer type that the load or store has seen on other paths; 0 for none. */
  readonly pointerType: Int32Array;
  readonly fastcallPattern: Uint8Array;
  readonly fastcallSpills: Uint8Array;
  /** Calls of bpf_loop(): whether the kernel can write them out in place. */
  readonly inlinedLoops: Map<number, { callback: number; fits: boolean }>;
  /** Map that a helper call was made with; `null` when several. */
  readonly callMap: Map<number, VerifierMap | null>;
}

export class VerifierEnvironment {
  readonly insns: readonly Insn[];
  readonly kernel: KernelVersion;
  readonly log: VerifierLog;
  readonly subprograms: SubprogramFacts[] = [];
  /** Subprogram of each slot. */
  subprogramOf: Int32Array = new Int32Array(0);
  facts: InsnFacts;
  maps: readonly VerifierMap[] = [];
  liveStack: LiveStack | undefined;
  arena: VerifierMap | undefined;

  state!: VerifierState;
  insn = 0;
  previousInsn = -1;
  currentHistory: HistoryEntry | undefined;
  readonly pending: BranchToWalk[] = [];
  explored: (ExploredState[] | undefined)[] = [];
  loopVisits = new Map<string, LoopVisit>();

  idCounter = 0;
  processed = 0;
  processedLimit = MAX_PROCESSED;
  previousProcessed = 0;
  jumps = 0;
  previousJumps = 0;
  maxStatesPerInsn = 0;
  totalStates = 0;
  peakStates = 0;
  exploredSize = 0;
  freeListSize = 0;
  backEdgeCount = 0;
  visits: Uint32Array;

  /** Registers and slots that the log has not printed since they changed. */
  scratchedRegisters = 0;
  readonly scratchedSlots = new SlotSet();

  /** By code and slot. */
  readonly warnings = new Map<string, Warning>();

  /** Subprogram that bpf_throw() goes to; 0 for none. */
  exceptionCallback = 0;
  /** Frame of a callback that the path goes on in when the call's own effects are done; on kernels that walk callbacks once. */
  enterAfterCall: Frame | undefined = undefined;
  seenDirectWrite = false;
  seenException = false;
  /** First call of a kfunc that the loader could not resolve. */
  unresolvedKfunc: number | undefined = undefined;
  /** Writes what changed to the log now, before the next instruction. */
  printState: (() => void) | undefined = undefined;
  /** Where somebody wants to see the states. */
  observer: Observer | undefined = undefined;
  /** The path walked now, step by step; kept only where a rejection is explained. */
  trace: TraceStep | undefined = undefined;
  /** Told before each instruction is walked. */
  beforeInsn: ((insn: number) => void) | undefined = undefined;
  /** Told of each path that ends before an instruction because an earlier state covers it. */
  onCovered: ((insn: number) => void) | undefined = undefined;

  constructor(
    readonly program: Program,
    readonly object: LoadedObject,
    readonly options: VerifyOptions,
    log: VerifierLog,
  ) {
    this.insns = program.insns;
    this.kernel = options.kernel;
    this.log = log;
    const count = program.insns.length;
    this.visits = new Uint32Array(count);
    this.facts = {
      prunePoint: new Uint8Array(count),
      jumpPoint: new Uint8Array(count),
      jumpTarget: new Uint8Array(count),
      forceCheckpoint: new Uint8Array(count),
      callsCallback: new Uint8Array(count),
      iteratorNext: new Uint8Array(count),
      liveBefore: new Uint16Array(count),
      component: new Int32Array(count),
      pointerType: new Int32Array(count),
      fastcallPattern: new Uint8Array(count),
      fastcallSpills: new Uint8Array(count),
      inlinedLoops: new Map(),
      callMap: new Map(),
    };
  }

  get programType(): string {
    return this.program.type ?? 'unspec';
  }
  get attachType(): string | undefined {
    return this.program.attachType;
  }
  get sleepable(): boolean {
    return this.program.sleepable || this.programType === 'syscall';
  }
  get strictAlignment(): boolean {
    return ((this.options.progFlags ?? 0) & 1) !== 0;
  }
  /** BPF_F_TEST_STATE_FREQ. */
  get testStateFrequency(): boolean {
    return ((this.options.progFlags ?? 0) & 8) !== 0;
  }
  /** BPF_F_TEST_REG_INVARIANTS. */
  get testInvariants(): boolean {
    return ((this.options.progFlags ?? 0) & 128) !== 0;
  }

  get frame(): Frame {
    return this.state.frame;
  }
  register(index: number): Register {
    return this.state.frame.registers[index]!;
  }
  setRegister(index: number, register: Register): void {
    this.state.frame.registers[index] = register;
    this.scratchedRegisters |= 1 << index;
  }
  /** Innermost frame's register without marking it for the log. */
  replaceRegister(index: number, register: Register): void {
    this.state.frame.registers[index] = register;
  }
  scratchSlot(slot: number): void {
    this.scratchedSlots.add(slot);
  }
  scratchAll(): void {
    this.scratchedRegisters = ~0;
    this.scratchedSlots.low = this.scratchedSlots.high = ~0;
  }

  stopIfCancelled(): void {
    const { cancelled, steps } = this.options;
    if ((steps !== undefined && this.processed > steps) || cancelled?.()) throw new Cancelled();
  }

  newId(): number {
    return ++this.idCounter;
  }

  /** Frame that a stack pointer points into. */
  frameOf(register: Register): Frame {
    return this.state.frames[register.frame]!;
  }

  reject(code: FindingCode, errno: string, message: string | readonly string[], details: RejectionDetails = {}): Rejection {
    const lines = (typeof message === 'string' ? [message] : message).map((line) => wordsOf(this.kernel, line));
    for (const line of lines) this.log.write(`${line}\n`);
    return new Rejection(code, errno, lines, this.insn, details);
  }

  /** Remembers this step for backtracking. Called twice for one instruction, it adds to the same entry. */
  pushHistory(
    change: Partial<Pick<HistoryEntry, 'stackFrame' | 'stackSlot' | 'sourceIsStack' | 'targetIsStack'>> & {
      linked?: readonly LinkedRegister[];
    },
  ): void {
    const history = this.state.history;
    const current = this.currentHistory;
    if (current) {
      const merged: HistoryEntry = {
        insn: current.insn,
        previous: current.previous,
        stackFrame: change.stackFrame ?? current.stackFrame,
        stackSlot: change.stackSlot ?? current.stackSlot,
        sourceIsStack: change.sourceIsStack ?? current.sourceIsStack,
        targetIsStack: change.targetIsStack ?? current.targetIsStack,
        linked: change.linked ?? current.linked,
      };
      history[history.length - 1] = merged;
      this.currentHistory = merged;
      return;
    }
    const entry: HistoryEntry = {
      insn: this.insn,
      previous: this.previousInsn,
      stackFrame: change.stackFrame ?? -1,
      stackSlot: change.stackSlot ?? -1,
      sourceIsStack: change.sourceIsStack ?? false,
      targetIsStack: change.targetIsStack ?? false,
      linked: change.linked,
    };
    history.push(entry);
    this.currentHistory = entry;
  }

  updatePeakStates(): void {
    this.peakStates = Math.max(this.peakStates, this.exploredSize + this.freeListSize + this.backEdgeCount);
  }

  /** Puts a path of its own aside (an asynchronous callback): it has no checkpoint before it. */
  pushPath(state: VerifierState, insn: number, previous: number): void {
    this.pending.push({ state, insn, previous, logPosition: this.log.position, trace: this.trace });
    if (this.pending.length > MAX_PENDING_BRANCHES) {
      throw this.reject('too-many-branches', 'E2BIG', `The sequence of ${this.pending.length} jumps is too complex for async cb.`);
    }
  }

  /** Puts a copy of the current path aside, to go on at `insn` later. */
  pushBranch(insn: number, previous: number): VerifierState {
    const state = this.state.copy();
    this.pending.push({ state, insn, previous, logPosition: this.log.position, trace: this.trace });
    if (this.pending.length > MAX_PENDING_BRANCHES) {
      throw this.reject('too-many-branches', 'E2BIG', `The sequence of ${this.pending.length} jumps is too complex.`);
    }
    // The frame that made the branch waits for it.
    if (state.parent) state.parent.branches++;
    return state;
  }
}
