// How many instructions the verifier processed for each line, from the visits of a verdict: what is near the limit, and where.

import type { Checked, CheckedProgram } from './check.ts';

/** BPF_COMPLEXITY_LIMIT_INSNS since Linux 5.2. */
export const PROCESSED_LIMIT = 1_000_000;

export interface LineCount {
  program: string;
  processed: number;
  /** Of the whole program. */
  total: number;
}

/** "0.12 %" of the limit. */
export function share(processed: number): string {
  const percent = (100 * processed) / PROCESSED_LIMIT;
  return percent < 0.01 ? '<0.01 %' : `${percent < 10 ? percent.toFixed(2) : percent.toFixed(1)} %`;
}

/** By line from 1. The limit is each program's own, so a line that several have counts for the one that it costs most. */
export function countsPerLine(checked: Checked, isDocument: (file: string) => boolean): Map<number, LineCount> {
  const lines = new Map<number, LineCount>();
  for (const { program, verdict } of checked.programs) {
    for (const [line, processed] of linesOf({ program, verdict }, isDocument)) {
      if (processed > (lines.get(line)?.processed ?? 0))
        lines.set(line, { program: program.name, processed, total: verdict.statistics.processed });
    }
  }
  return lines;
}

function linesOf(
  { program, verdict }: Pick<CheckedProgram, 'program' | 'verdict'>,
  isDocument: (file: string) => boolean,
): Map<number, number> {
  const counts = new Map<number, number>();
  for (const [index, record] of program.lines.entries()) {
    if (record.line === 0 || !isDocument(record.file)) continue;
    const subprogram = program.subprograms.find(({ start, end }) => record.insn >= start && record.insn < end);
    const end = Math.min(program.lines[index + 1]?.insn ?? program.insns.length, subprogram?.end ?? program.insns.length);
    let processed = 0;
    for (let insn = record.insn; insn < end; insn++) processed += verdict.visits[insn] ?? 0;
    if (processed > 0) counts.set(record.line, (counts.get(record.line) ?? 0) + processed);
  }
  return counts;
}

/** The line that costs a program most, where the program takes a noticeable part of the limit. */
export function hottestLine(
  checked: CheckedProgram,
  isDocument: (file: string) => boolean,
): { line: number; processed: number } | undefined {
  if (checked.verdict.statistics.processed < PROCESSED_LIMIT / 100) return undefined;
  const [hottest] = [...linesOf(checked, isDocument)].sort((a, b) => b[1] - a[1]);
  return hottest && { line: hottest[0], processed: hottest[1] };
}
