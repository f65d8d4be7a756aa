// The programs of a document for code lenses and the Verify command: where they stand, and the last verdict in short and at length.

import type { Range } from 'vscode-languageserver';
import { findSection } from '#core/catalog';
import { formatProblem } from '#core/problem';
import type { Checked, CheckedProgram } from '../check.ts';
import type { Document } from '../documents.ts';
import { hottestLine, share } from '../line-counts.ts';

/** One answer of the request `ebpf/programs`. */
export interface ProgramInfo {
  name: string;
  section: string;
  /** `xdp`, `kprobe`, …; absent where the section says nothing. */
  type?: string;
  attachType?: string;
  attachTarget?: string;
  /** The whole function, and its name. */
  range: Range;
  selectionRange: Range;
  /** `pending`: this version is not checked yet; `error`: it could not be compiled, assembled or loaded. */
  verdict: 'accepted' | 'rejected' | 'error' | 'pending' | 'cancelled';
  /** For a lens: "accepted by Linux 6.18 · 35 of 1,000,000 instructions (<0.01 %) · 3 states · stack 16 bytes · 0.8 ms". */
  summary: string;
  /** The target kernel of the verdict. */
  kernel?: string;
  /** Of a refused program: the first later kernel that accepts it. */
  firstAccepting?: string;
  /** The line (from 0) that costs most, where the program takes a noticeable part of what the verifier processes at most. */
  hottest?: { line: number; title: string };
  /** The kernel's line, where rejected. */
  message?: string;
  errno?: string;
  instructions?: number;
  processed?: number;
  /** Bytes of stack, of all subprograms together. */
  stackDepth?: number;
  /** Milliseconds of verifying. */
  ms?: number;
}

export function programsOf(document: Document, checked: Checked | undefined): ProgramInfo[] {
  const current = checked?.version === document.version ? checked : undefined;
  return writtenPrograms(document).map((written) => {
    const loaded = current?.object?.programs.find(({ name }) => name === written.name);
    const verified = current?.programs.find(({ program }) => program.name === written.name);
    const known = findSection(written.section);
    const type = loaded?.type ?? known?.programType;
    const attachType = loaded?.attachType ?? known?.attachType;
    const attachTarget = loaded?.attachTarget ?? known?.target;
    return {
      ...written,
      ...(type === undefined ? {} : { type }),
      ...(attachType === undefined ? {} : { attachType }),
      ...(attachTarget === undefined ? {} : { attachTarget }),
      ...verdictOf(document, current, verified, loaded?.insns.length),
    };
  });
}

function writtenPrograms(document: Document): { name: string; section: string; range: Range; selectionRange: Range }[] {
  const { lines, syntax, asm } = document;
  if (syntax) {
    return syntax.programs.map(({ name, section, start, end, nameStart }) => ({
      name,
      section: section.name,
      range: lines.range(Math.min(section.start, start), end),
      selectionRange: lines.range(nameStart, nameStart + name.length),
    }));
  }
  return (asm?.programs ?? [])
    .filter(({ entry }) => entry)
    .map(({ name, section, line, endLine, column }) => ({
      name,
      section,
      range: { start: { line: line - 1, character: 0 }, end: { line: endLine - 1, character: lines.line(endLine - 1).length } },
      selectionRange: { start: { line: line - 1, character: column - 1 }, end: { line: line - 1, character: column - 1 + name.length } },
    }));
}

const counted = (count: number, thing: string): string => `${count.toLocaleString('en-US')} ${thing}${count === 1 ? '' : 's'}`;
const duration = (ms: number): string =>
  ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

function hottestOf(document: Document, verified: CheckedProgram): Pick<ProgramInfo, 'hottest'> {
  const hottest = hottestLine(verified, (file) => document.isFile(file));
  return hottest
    ? {
        hottest: {
          line: hottest.line - 1,
          title: `${verified.program.name} costs most here: ${hottest.processed.toLocaleString('en-US')} instructions processed, ${share(hottest.processed)} of the limit`,
        },
      }
    : {};
}

function verdictOf(
  document: Document,
  checked: Checked | undefined,
  verified: CheckedProgram | undefined,
  instructions: number | undefined,
): Omit<ProgramInfo, 'name' | 'section' | 'type' | 'attachType' | 'attachTarget' | 'range' | 'selectionRange'> {
  const size = instructions === undefined ? {} : { instructions };
  if (!checked) return { verdict: 'pending', summary: 'not verified yet' };
  if (!verified) {
    const compiler = checked.problems.some(({ code }) => code === 'no-compiler' || code === 'compiler-setting');
    return {
      verdict: 'error',
      summary: checked.object ? 'cannot be loaded' : compiler ? 'not verified: no compiler for C' : 'does not build',
      ...size,
    };
  }
  const { verdict, errno, findings, statistics } = verified.verdict;
  const stack = statistics.stackDepth.reduce((sum, depth) => sum + depth, 0);
  const facts = {
    ...size,
    processed: statistics.processed,
    stackDepth: stack,
    ms: Math.round(verified.ms * 100) / 100,
    kernel: checked.kernel,
    ...hottestOf(document, verified),
  };
  const counts = `${statistics.processed.toLocaleString('en-US')} of 1,000,000 instructions (${share(statistics.processed)})`;
  switch (verdict) {
    case 'accepted':
      return {
        verdict,
        summary: [
          `accepted by Linux ${checked.kernel}`,
          counts,
          counted(statistics.totalStates, 'state'),
          `stack ${counted(stack, 'byte')}`,
          duration(verified.ms),
        ].join(' · '),
        ...facts,
      };
    case 'rejected':
      return {
        verdict,
        summary: `rejected by Linux ${checked.kernel}${verified.firstAccepting ? `, accepted from ${verified.firstAccepting} on` : ''} · ${findings[0]?.explanation || findings[0]?.message || errno || ''}`,
        ...(verified.firstAccepting ? { firstAccepting: verified.firstAccepting } : {}),
        ...(findings[0] ? { message: findings[0].message } : {}),
        ...(errno === undefined ? {} : { errno }),
        ...facts,
      };
    case 'cancelled':
      return { verdict, summary: `verifying was stopped · ${counts}`, ...facts };
  }
}

/** Text for people: the request `ebpf/verify`, shown in an editor of its own. */
export function verificationText(checked: Checked, log: readonly CheckedProgram[]): string {
  const lines: string[] = checked.problems.map(formatProblem);
  for (const { program, verdict, ms } of log) {
    lines.push(
      `; program ${program.name}, section ${program.section}, Linux ${checked.kernel}: ${verdict.verdict}${verdict.errno ? ` (${verdict.errno})` : ''}, ${ms.toFixed(1)} ms`,
    );
    lines.push(verdict.log.trimEnd());
    for (const finding of verdict.findings) lines.push(`; ${finding.explanation}`, ...(finding.advice ? [`; ${finding.advice}`] : []));
    lines.push('');
  }
  return lines.join('\n');
}
