// What is found out about one version of one document: it is opened, and every program in it is verified. Plain values out;
// where they stand in the text is said by features/diagnostics.ts.

import type { Btf } from '#core/btf';
import type { KernelVersion } from '#core/catalog';
import type { LineRecord, LoadedObject, Program } from '#core/program';
import type { Problem } from '#core/problem';
import { type Verdict, verify } from '#core/verifier';

export interface CheckedProgram {
  program: Program;
  verdict: Verdict;
  ms: number;
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

export interface VerifyAllOptions {
  kernel: KernelVersion;
  kernelBtf: Btf | undefined;
  /** Milliseconds for all programs together. */
  budget: number;
  /** Whether the result is no longer wanted. */
  stale: () => boolean;
  /** Lets other messages in between two programs. */
  pause: () => Promise<void>;
}

/** Undefined where the result became stale on the way. */
export async function verifyAll(object: LoadedObject, options: VerifyAllOptions): Promise<CheckedProgram[] | undefined> {
  const checked: CheckedProgram[] = [];
  const deadline = performance.now() + options.budget;
  for (const program of object.programs) {
    if (checked.length > 0) await options.pause();
    if (options.stale()) return undefined;
    if (program.problems.some(({ severity }) => severity === 'error')) continue;
    checked.push(verifyOne(program, object, options, deadline));
  }
  return checked;
}

export function verifyOne(program: Program, object: LoadedObject, { kernel, kernelBtf }: Pick<VerifyAllOptions, 'kernel' | 'kernelBtf'>, deadline: number, logLevel = 0): CheckedProgram {
  const started = performance.now();
  const verdict = verify(program, object, { kernel, logLevel, cancelled: () => performance.now() > deadline, ...(kernelBtf ? { kernelBtf } : {}) });
  return { program, verdict, ms: performance.now() - started };
}

/** Where the code of a slot comes from: the last record at or before it in the same subprogram. */
export function lineOf(program: Program, insn: number): LineRecord | undefined {
  const start = program.subprograms.findLast((subprogram) => subprogram.start <= insn)?.start ?? 0;
  return program.lines.findLast((record) => record.insn <= insn && record.insn >= start);
}
