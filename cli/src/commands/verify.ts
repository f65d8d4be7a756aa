// `ebpfw verify`: one line per program, or one JSON object per line. The contract of the JSON is in docs/cli.md.

import { sectionOfType, TARGET_KERNELS } from '#core/catalog';
import type { Program } from '#core/program';
import { formatProblem } from '#core/problem';
import { type Finding, type Verdict, verify as verifyProgram } from '#core/verifier';
import { openProgram, readTargetKernel, type ToolchainSettings, verifierFacts } from '#toolchain';
import { complain, noSuchType, readArguments } from '../arguments.ts';

interface Row {
  file: string;
  prog: string | null;
  section: string | null;
  type: string | null;
  verdict: 'accepted' | 'rejected' | 'error';
  error: string | null;
  code: string | null;
  insn: number | null;
  source: Source | null;
  processed: number;
  maxStatesPerInsn: number;
  totalStates: number;
  peakStates: number;
  stackDepth: readonly number[];
  ms: number;
  /** Only with --warnings. */
  warnings?: readonly { code: string; insn: number; source: Source | null; explanation: string }[];
}

interface Source {
  file: string;
  line: number;
  column: number;
}

const NOTHING = { processed: 0, maxStatesPerInsn: 0, totalStates: 0, peakStates: 0, stackDepth: [] } as const;

export async function verify(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, {
    prog: { type: 'string' },
    kernel: { type: 'string', default: '6.18' },
    btf: { type: 'string' },
    type: { type: 'string' },
    log: { type: 'string' },
    warnings: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  });
  if ('complaint' in parsed) return complain('verify', parsed.complaint);
  const { files, values } = parsed;
  if (files.length === 0) return complain('verify', 'which file? An object (.o), C (.bpf.c) or assembly (.bpf.s)');
  const kernel = TARGET_KERNELS.find((known) => known === values.kernel);
  if (!kernel) return complain('verify', `kernel ${values.kernel} is not one of ${TARGET_KERNELS.join(', ')}`);
  if (values.type !== undefined && !sectionOfType(values.type)) return complain('verify', noSuchType(values.type));
  const logLevel = values.log === undefined ? 0 : Number(values.log);
  if (!Number.isInteger(logLevel) || logLevel < 0 || logLevel > 7)
    return complain('verify', `--log takes 1, 2, 4 or a sum of them, not "${values.log}"`);

  let status = 0;
  for (const file of files) {
    for (const { row, verdict, problems, program } of await verifyFile(
      file,
      values.prog,
      { target: kernel, ...(values.btf === undefined ? {} : { kernelBtf: values.btf }) },
      {
        logLevel,
        warnings: values.warnings,
        programType: values.type,
      },
    )) {
      status = Math.max(status, row.verdict === 'accepted' ? 0 : row.verdict === 'rejected' ? 1 : 2);
      if (logLevel > 0 && verdict) process.stderr.write(verdict.log);
      process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : describe(row, verdict, problems, program));
    }
  }
  return status;
}

type Outcome = { row: Row; program?: Program; verdict?: Verdict; problems: readonly string[] };

async function verifyFile(
  file: string,
  only: string | undefined,
  settings: ToolchainSettings,
  { programType, ...asked }: { logLevel: number; warnings: boolean; programType: string | undefined },
): Promise<Outcome[]> {
  const failed = (message: string, extra: Partial<Row> = {}): Outcome => ({
    row: {
      file,
      prog: null,
      section: null,
      type: null,
      verdict: 'error',
      error: message,
      code: null,
      insn: null,
      source: null,
      ...NOTHING,
      ms: 0,
      ...extra,
    },
    problems: [],
  });
  const { object, problems } = await openProgram(file, { settings, kernel: programType === undefined ? {} : { programType } });
  const errors = problems.filter(({ severity }) => severity === 'error').map(formatProblem);
  if (!object) return [failed(errors.join('\n') || `${file}: nothing to load`)];
  const programs = object.programs.filter(({ name }) => only === undefined || name === only);
  if (programs.length === 0) {
    const names = object.programs.map(({ name }) => name).join(', ');
    return [
      failed(
        only === undefined
          ? `${file}: no program in this file${errors.length > 0 ? `\n${errors.join('\n')}` : ''}`
          : `${file}: no program "${only}"; it has ${names || 'none'}`,
      ),
    ];
  }
  const facts = verifierFacts(readTargetKernel(settings));
  // A loader that refuses the object loads none of its programs.
  const refused = problems.find(({ severity }) => severity === 'error');
  return programs.map((program) => {
    if (refused)
      return failed(errors.join('\n'), {
        prog: program.name,
        section: program.section,
        type: program.type ?? null,
        verdict: 'rejected',
        error: refused.message,
        code: refused.code ?? null,
      });
    if (program.type === undefined) {
      const notes = program.problems.map(formatProblem).join('\n');
      const why = `${notes}${notes && '\n'}${file}: section "${program.section}" names no program type; --type says it (--type xdp)`;
      return failed(why, { prog: program.name, section: program.section });
    }
    const before = performance.now();
    const verdict = verifyProgram(program, object, { everyError: true, ...asked, ...facts });
    return {
      row: rowOf(file, program, verdict, performance.now() - before, asked.warnings),
      program,
      verdict,
      problems: program.problems.map(formatProblem),
    };
  });
}

function rowOf(file: string, program: Program, verdict: Verdict, ms: number, warnings: boolean): Row {
  const finding = firstError(verdict);
  return {
    file,
    prog: program.name,
    section: program.section,
    type: program.type ?? null,
    verdict: verdict.verdict === 'accepted' ? 'accepted' : 'rejected',
    error: finding?.message ?? null,
    code: finding?.code ?? null,
    insn: finding?.insn ?? null,
    source: finding ? sourceOf(program, finding.insn) : null,
    ...verdict.statistics,
    ms: Math.round(ms * 1000) / 1000,
    ...(warnings && {
      warnings: verdict.findings
        .filter(({ severity }) => severity === 'warning')
        .map(({ code, insn, explanation }) => ({ code, insn, source: sourceOf(program, insn), explanation })),
    }),
  };
}

const firstError = (verdict: Verdict): Finding | undefined =>
  verdict.verdict === 'accepted' ? undefined : verdict.findings.find(({ severity }) => severity === 'error');

function sourceOf(program: Program, insn: number): Row['source'] {
  const record = program.lines.findLast((line) => line.insn <= insn);
  return record ? { file: record.file, line: record.line, column: record.column } : null;
}

function describe(row: Row, verdict: Verdict | undefined, problems: readonly string[], program: Program | undefined): string {
  const notes = problems.map((problem) => `    ${problem}\n`).join('');
  if (!verdict || !program)
    return `${row.verdict === 'rejected' ? `rejected ${row.file}: ${row.prog} (${row.section})\n    ` : 'error    '}${row.error}\n${notes}`;
  const head = `${row.verdict} ${row.file}: ${row.prog} (${row.section}), ${row.processed} instructions processed, ${row.ms.toFixed(1)} ms\n`;
  return `${head}${verdict.findings.map((finding) => describeFinding(finding, program)).join('')}${notes}`;
}

/** `line 35` of the finding's own file, a place in another one, or the instruction where the object has no lines. */
function whereIs(program: Program, insn: number, beside: Source | null): string {
  const source = sourceOf(program, insn);
  if (!source) return `instruction ${insn}`;
  return source.file === beside?.file ? `line ${source.line}` : `${source.file}:${source.line}`;
}

/** A declaration's place. */
const placeOf = ({ file, line }: { file: string; line: number }, beside: Source | null): string =>
  file === beside?.file ? `line ${line}` : `${file}:${line}`;

function describeFinding(finding: Finding, program: Program): string {
  const source = sourceOf(program, finding.insn);
  const place = source ? `${source.file}:${source.line}${source.column ? `:${source.column}` : ''}: ` : '';
  const warning = finding.severity === 'warning';
  const lines = [
    `${place}${warning ? 'warning: ' : ''}${finding.explanation}${warning ? `  [${finding.code}]` : ''}`,
    ...(warning ? [] : [`the verifier says at instruction ${finding.insn}: ${finding.message}  [${finding.code}]`]),
    ...(finding.needed !== undefined ? [`needed: ${finding.needed}`] : []),
    ...(finding.known !== undefined ? [`known: ${finding.known}`] : []),
    ...finding.causes.map((cause) => `${cause.span ? placeOf(cause.span, source) : whereIs(program, cause.insn, source)}: ${cause.text}`),
    ...(finding.advice ? [`what to do: ${finding.advice}`] : []),
  ];
  return lines.map((line) => `    ${line}\n`).join('');
}
