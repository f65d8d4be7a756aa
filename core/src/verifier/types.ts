// What the verifier answers: the verdict, the kernel's words, and the reason in the user's terms.

import type { KernelVersion } from '#core/catalog';
import type { SourceSpan } from '#core/problem';
import type { LoadedObject, Program } from '#core/program';
import type { Btf } from '#core/btf';
import type { KnownStates } from './knowledge/known-value.ts';
import type { Register } from './state/registers.ts';
import type { StackSlot } from './state/state.ts';

export interface VerifyOptions {
  kernel: KernelVersion;
  /** Bits as in bpf_attr.log_level: 1 states, 2 every insn, 4 statistics. 0 keeps no log (and is fastest). */
  logLevel?: number;
  /** The target kernel's BTF, for kfuncs and BTF pointers. */
  kernelBtf?: Btf;
  /** Names in the target kernel's /proc/kallsyms: a program's `__ksym` must be among them. Every symbol of the BTF is there where this is absent. */
  kernelSymbols?: { has(name: string): boolean };
  /** Possible CPUs of the target, which bound bpf_get_smp_processor_id(); unbounded where absent. */
  cpus?: number;
  /** Flags of BPF_PROG_LOAD, as BPF_F_STRICT_ALIGNMENT. */
  progFlags?: number;
  /** Keep, for each slot, the states that reached it, for hovers and inlay hints. */
  keepStates?: boolean;
  /** Told of each state that reaches an instruction, before it is processed, in the order of the walk. */
  observe?: (state: ObservedState) => void;
  /** Told of each path that ended because a state seen before covers it. */
  observeCovered?: (path: CoveredPath) => void;
  /** Go on after the first error, for the others that do not follow from it. The kernel stops there. */
  everyError?: boolean;
  /** Warn of what the kernel accepts and a person would not: findings of severity `warning`, with an empty `message`. */
  warnings?: boolean;
  /**
   * Say why in C's terms, with the causal path: true unless told otherwise. A refused program is walked a second time for it;
   * an accepted one costs nothing.
   */
  explain?: boolean;
  /** Asked between instructions now and then: true gives the verdict up. */
  cancelled?: () => boolean;
  /** Gives the verdict up when about so many instructions are processed: a limit that is the same on every machine. */
  steps?: number;
  /** Told the verdict of a refused program with its first finding, before `everyError` looks for others. */
  first?: (verdict: Verdict) => void;
}

/** A path's state before an instruction. Registers, slots and scalars are values: they never change and states share them. */
export interface ObservedState {
  /** Counts from 0 over the whole verification. */
  id: number;
  /** Id of the state before this one on the same path; -1 where a path of its own begins (main, a global function, an asynchronous callback). */
  before: number;
  /** Slot about to be processed. */
  insn: number;
  /** Slot processed before it on this path, -1 at its start. */
  previous: number;
  /** Outermost first. */
  frames: readonly ObservedFrame[];
}

export interface ObservedFrame {
  /** Index into Program.subprograms. */
  subprogram: number;
  /** Slot of the call that made the frame; -1 for the first. */
  callsite: number;
  /** r0 to r10. */
  registers: readonly Register[];
  /** Eight bytes each; index 0 is fp-8. As long as the deepest access. */
  stack: readonly StackSlot[];
}

/** A path that was not walked on from `insn`, since the state `by` covers it in everything that counts. */
export interface CoveredPath {
  insn: number;
  /** Ids of ObservedState: the path's last, and the one that covers it. */
  before: number;
  by: number;
  /**
   * What of the covering state counts, per frame: bits of the registers that are still read, and of those whose exact range mattered
   * (a number without that bit stands for any number), and the same for stack slots. Ask when the verdict is there: marks are added late.
   */
  counts: () => readonly { registers: number; preciseRegisters: number; slots: readonly ('dead' | 'precise' | 'imprecise')[] }[];
}

/** A step that gave the offending value its state, oldest first. */
export interface Cause {
  insn: number;
  /** One sentence: "bpf_map_lookup_elem may return NULL here". */
  text: string;
  /** What the step did to the value. */
  kind?: CauseKind;
  /** Where it stands, where that is not the instruction's own line: a declaration. */
  span?: SourceSpan;
}

/**
 * `origin` made the value, `computed` changed it, `lost` made what was known of it unknown, `branch` is a comparison on the way,
 * `call` passed it on, `declared` says how large the object is, `loop` comes round again.
 */
export type CauseKind = 'origin' | 'computed' | 'lost' | 'branch' | 'call' | 'declared' | 'loop';

/** What an edit of the source would have to do. Names and expressions are as the source has them. */
export type Fix =
  /** `if (!expression) return …;` before the statement of `insn`. */
  | { kind: 'null-check'; expression: string; insn: number; /** Slot that gave the pointer. */ obtained?: number }
  /** `if (expression >= limit) return …;`, with signed also `expression < 0`; or `expression &= mask`. */
  | { kind: 'bound'; expression: string; limit: number; signed: boolean; insn: number; mask?: number }
  /** The comparison at `insn` is off by one. */
  | { kind: 'tighten'; insn: number; from: string; to: string }
  /** `if ((void *)(pointer) + size > end) return …;` before the statement of `insn`. */
  | { kind: 'packet-bound'; pointer: string; size: number; end: string; insn: number }
  /** The variable of this name in the function of `insn` wants an initialiser. */
  | { kind: 'zero-initialise'; variable: string; insn: number }
  | { kind: 'license' }
  /** Other helpers that this program may call in its place. */
  | { kind: 'helper'; helper: string; alternatives: readonly string[]; insn: number }
  | { kind: 'return-range'; low: number; high: number; insn: number }
  /** `with(expression)` before the path's end at `insn`. */
  | { kind: 'release'; with: string; expression: string; insn: number };

/** One reason why the kernel refuses the program (or a warning that it does not give). */
export interface Finding {
  /** Stable code with a page of its own, docs/verifier/<code>.md. */
  code: string;
  severity: 'error' | 'warning';
  /** The kernel's line, character for character where we can; empty for a warning, of which the kernel says nothing. */
  message: string;
  /** What is wrong, in C's terms first. */
  explanation: string;
  /** The way out. */
  advice: string;
  /** In Linux 7.3's words. */
  category: string;
  problem: string;
  /** Slot in Program.insns. */
  insn: number;
  register?: number;
  needed?: string;
  known?: string;
  /** The C expression at fault, as written: `data[idx]`. */
  expression?: string;
  /** Its place. */
  span?: SourceSpan;
  /** The variable whose value is at fault: `idx`. */
  variable?: string;
  fix?: Fix;
  /** Oldest first. */
  causes: readonly Cause[];
}

export interface VerifierStatistics {
  processed: number;
  maxStatesPerInsn: number;
  totalStates: number;
  peakStates: number;
  /** Bytes of stack of each subprogram, main first. */
  stackDepth: readonly number[];
}

export interface Verdict {
  verdict: 'accepted' | 'rejected' | 'cancelled';
  /** The kernel's return: 'EACCES', 'EINVAL', 'E2BIG', …; undefined when accepted. */
  errno?: string;
  /** findings[0] is what the kernel would say; then, with everyError, other errors. Warnings may stand here on an accepted program. */
  findings: readonly Finding[];
  log: string;
  statistics: VerifierStatistics;
  /** Times each slot was processed. */
  visits: Uint32Array;
  /** With keepStates: what was known before each instruction, joined over states. Absent for very large programs and walks. */
  states?: KnownStates;
}

export type Verify = (program: Program, object: LoadedObject, options: VerifyOptions) => Verdict;
