// What is found out about one version of one document: it is opened, and every program in it is verified. Plain values out;
// where they stand in the text is said by features/diagnostics.ts.

import { atLeast, type KernelVersion, TARGET_KERNELS } from '#core/catalog';
import type { LineRecord, LoadedObject, Program } from '#core/program';
import type { Problem } from '#core/problem';
import { type Verdict, verify, type VerifyOptions } from '#core/verifier';

export interface CheckedProgram {
  program: Program;
  verdict: Verdict;
  ms: number;
  /** Where the target kernel refuses the program and a later one does not: the first of those. */
  firstAccepting?: KernelVersion;
}

export interface Checked {
  /** Of the document. */
  version: number;
  kernel: KernelVersion;
  object?: LoadedObject;
  /** Of compiler, assembler and loader. */
  problems: readonly Problem[];
  programs: readonly CheckedProgram[];
  timings: { compile: number; load: number; verify: number };
}

/** A verdict that knows its program by its place in `LoadedObject.programs`: it may come from another thread. */
export interface ProgramVerdict {
  index: number;
  verdict: Verdict;
  ms: number;
  firstAccepting?: KernelVersion;
}

export type KernelFacts = Pick<VerifyOptions, 'kernel' | 'kernelBtf' | 'kernelSymbols'>;

export interface VerifyRequest {
  /** The target kernel. */
  facts: KernelFacts;
  /** The same program made ready for another kernel, to find the first that accepts it. */
  readyFor: (kernel: KernelVersion) => { object: LoadedObject; facts: KernelFacts };
  /** As in bpf_attr.log_level. */
  logLevel: number;
  /** Keep what was known at each instruction, for hovers. */
  keepStates: boolean;
  /** Warnings that the kernel does not give. */
  warnings: boolean;
  /** Instructions that each program may take to verify; as many as the kernel itself allows where absent. Never a time: see `steps` of VerifyOptions. */
  steps: number | undefined;
  /** Only the program of this name. */
  only: string | undefined;
  /** Whether the result is no longer wanted; asked while a program is verified. */
  stale: () => boolean;
  /** Told what is known so far where the rest takes a while: the verdicts of all programs up to a large one, with their first findings. */
  soFar?: ((verdicts: readonly ProgramVerdict[]) => void) | undefined;
}

/** What more processed instructions than this is worth telling before hovers and further errors are known. */
const LARGE = 4_000;

/** Verifies in this thread. Undefined where the result became stale on the way. */
export function verifyHere(
  object: LoadedObject,
  { facts, readyFor, logLevel, keepStates, warnings, steps, only, stale, soFar }: VerifyRequest,
): ProgramVerdict[] | undefined {
  const verdicts: ProgramVerdict[] = [];
  const limits = { cancelled: stale, ...(steps === undefined ? {} : { steps }) };
  for (const [index, program] of object.programs.entries()) {
    if (only !== undefined && program.name !== only) continue;
    if (program.problems.some(({ severity }) => severity === 'error')) continue;
    const started = performance.now();
    const tell = (verdict: Verdict): void => {
      if (verdict.statistics.processed > LARGE) soFar?.([...verdicts, { index, verdict, ms: performance.now() - started }]);
    };
    let verdict = verify(program, object, { logLevel, everyError: true, warnings, first: tell, ...limits, ...facts });
    if (stale()) return undefined;
    const ms = performance.now() - started;
    if (keepStates) {
      // Keeping states takes longer than the verdict itself, which nobody should wait for.
      if (verdict.verdict !== 'cancelled') tell(verdict);
      const { states } = verify(program, object, { keepStates, explain: false, ...limits, ...facts });
      if (stale()) return undefined;
      if (states) verdict = { ...verdict, states };
    }
    const firstAccepting =
      verdict.verdict === 'rejected'
        ? firstKernelAccepting(facts.kernel, (later) => {
            const ready = readyFor(later);
            const same = ready.object.programs[index];
            return same !== undefined && verify(same, ready.object, { explain: false, ...limits, ...ready.facts }).verdict === 'accepted';
          })
        : undefined;
    if (stale()) return undefined;
    verdicts.push({ index, verdict, ms, ...(firstAccepting === undefined ? {} : { firstAccepting }) });
  }
  return verdicts;
}

/** Of the kernels after the target, oldest first. Most refusals are every kernel's, so the newest is asked before the others. */
function firstKernelAccepting(target: KernelVersion, accepts: (kernel: KernelVersion) => boolean): KernelVersion | undefined {
  const later = TARGET_KERNELS.filter((kernel) => kernel !== target && atLeast(kernel, target)).reverse();
  const newest = later.pop();
  if (newest === undefined || !accepts(newest)) return undefined;
  return later.find(accepts) ?? newest;
}

export const withPrograms = (object: LoadedObject, verdicts: readonly ProgramVerdict[]): CheckedProgram[] =>
  verdicts.map(({ index, ...rest }) => ({ program: object.programs[index]!, ...rest }));

/** Where the code of a slot comes from: the last record at or before it in the same subprogram. */
export function lineOf(program: Program, insn: number): LineRecord | undefined {
  const start = program.subprograms.findLast((subprogram) => subprogram.start <= insn)?.start ?? 0;
  return program.lines.findLast((record) => record.insn <= insn && record.insn >= start);
}
