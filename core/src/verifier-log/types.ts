// What reading a verifier log gives: for each program the verdict, the reason in our words, and where the log says it happened.
// Places are as logged: a file's name without a folder that anyone could trust, and the text of the source line.

/** A source line as the log shows it: `; count++; @ prog.c:7`. Kernels before 6.9 log the text alone. */
export interface LoggedSource {
  /** As logged: a bare name from the kernel, a path from Linux 7.3's reports. Undefined where only the text is logged. */
  file?: string;
  /** From 1. */
  line?: number;
  /** From 1; only 7.3's reports tell it. */
  column?: number;
  /** The line without the blanks around it. */
  text: string;
  /** Name of the C function, where the log tells it. */
  function?: string;
  /** The instruction's own line was not logged again (level 1 erases safe paths): this is the last one before the branch. */
  uncertain?: boolean;
}

export interface LoggedRegister {
  /** `R0`, `fp-8`, `refs`. */
  name: string;
  /** As logged: `map_value_or_null(id=1,map=counts,ks=4,vs=8)`. */
  value: string;
}

/** A step that gave the offending value its state, oldest first. */
export interface LoggedCause {
  /** One sentence: "bpf_map_lookup_elem() may return NULL here". */
  text: string;
  insn?: number;
  source?: LoggedSource;
  /** Line of the whole text, from 1. */
  logLine?: number;
}

/** A report of Linux 7.3, taken apart. */
export interface KernelReport {
  category: string;
  problem: string;
  reason: string;
  suggestion: string;
}

/** Why the kernel refused a program. */
export interface LoggedFinding {
  /** The code our verifier gives this message; undefined where the message is not known. */
  code?: string;
  /** The kernel's first error line. */
  message: string;
  /** All of its error lines. */
  lines: readonly string[];
  /** Line of the whole text, from 1. */
  logLine: number;
  explanation: string;
  advice: string;
  category: string;
  problem: string;
  insn?: number;
  /** The failing instruction as logged: `(79) r1 = *(u64 *)(r0 +0)`. */
  instruction?: string;
  source?: LoggedSource;
  /** Number of the offending register. */
  register?: number;
  /** What the verifier knew of it: `R0=map_value_or_null(id=1,…)`. */
  known?: string;
  /** All that was known at the failing instruction, as far as the log tells. */
  registers: readonly LoggedRegister[];
  causes: readonly LoggedCause[];
  report?: KernelReport;
}

export interface LoggedStatistics {
  processed: number;
  /** 1,000,000 since Linux 5.2. */
  limit?: number;
  maxStatesPerInsn?: number;
  totalStates?: number;
  peakStates?: number;
  /** Bytes of stack of each subprogram. */
  stackDepth?: readonly number[];
  /** Microseconds, at level 4. */
  verificationTime?: number;
}

/** Who printed the log. */
export type Loader = 'libbpf' | 'cilium/ebpf' | 'BCC' | 'aya' | 'iproute2' | 'veristat' | 'eBPF Workbench';

/** One instruction line of the log. */
export interface LoggedInsn {
  insn: number;
  /** With the opcode: `(79) r1 = *(u64 *)(r0 +0)`. */
  text: string;
  /** State behind the instruction, where logged. */
  state?: string;
  source?: LoggedSource;
  logLine: number;
}

export interface LoggedProgram {
  name?: string;
  loader?: Loader;
  /** 'unknown' where the log ends before the verdict and nobody around it tells. */
  verdict: 'accepted' | 'rejected' | 'unknown';
  /** 'EACCES'. */
  errno?: string;
  /** First and last line of the whole text that belong to this log, from 1. */
  firstLine: number;
  lastLine: number;
  /** The log's end or a part of it is missing. */
  truncated: boolean;
  finding?: LoggedFinding;
  statistics?: LoggedStatistics;
  insns: readonly LoggedInsn[];
  /** Source comments by line of the whole text. */
  sources: readonly { logLine: number; source: LoggedSource }[];
  /** `Validating helper() func#1...`: where a global function's check begins. */
  functions: readonly { name: string; logLine: number }[];
}

export interface LogReading {
  programs: readonly LoggedProgram[];
  /** Where nothing was found: what the text lacks and what to do. */
  advice?: string;
}
