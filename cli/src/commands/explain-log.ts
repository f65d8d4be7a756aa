// `ebpfw explain-log`: a verifier log that a real kernel printed, in our words. Text for people, one JSON object per program for tools
// (docs/verifier-logs.md). Opens no file but the one it is given.

import { readFileSync } from 'node:fs';
import { type LoggedCause, type LoggedFinding, type LoggedProgram, type LoggedSource, readVerifierLogs } from '#core/verifier-log';
import { complain, readArguments } from '../arguments.ts';

export async function explainLog(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { json: { type: 'boolean', default: false } });
  if ('complaint' in parsed) return complain('explain-log', parsed.complaint);
  const [file, more] = parsed.files;
  if (file === undefined || more !== undefined) return complain('explain-log', 'one file with a verifier log, or - for standard input');
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    return complain('explain-log', `${file} cannot be read: ${(error as Error).message}`);
  }
  const { programs, advice } = readVerifierLogs(text);
  if (advice !== undefined) return complain('explain-log', advice);
  for (const program of programs) process.stdout.write(parsed.values.json ? `${JSON.stringify(rowOf(program))}\n` : describe(program));
  return programs.some(({ verdict }) => verdict !== 'accepted') ? 1 : 0;
}

/** The contract of the JSON: names stay, fields may be added. Absent values are null. */
function rowOf({ name, loader, verdict, errno, firstLine, lastLine, truncated, statistics, finding }: LoggedProgram): object {
  return {
    prog: name ?? null,
    loader: loader ?? null,
    verdict,
    errno: errno ?? null,
    code: finding?.code ?? null,
    error: finding?.message ?? null,
    errorLines: finding?.lines ?? [],
    insn: finding?.insn ?? null,
    instruction: finding?.instruction ?? null,
    source: finding?.source ?? null,
    known: finding?.known ?? null,
    registers: Object.fromEntries((finding?.registers ?? []).map((register) => [register.name, register.value])),
    causes: finding?.causes ?? [],
    explanation: finding?.explanation ?? null,
    advice: finding?.advice ?? null,
    report: finding?.report ?? null,
    statistics: statistics ?? null,
    truncated,
    lines: { first: firstLine, last: lastLine },
  };
}

function describe(program: LoggedProgram): string {
  const { name, loader, verdict, errno, statistics, finding, truncated } = program;
  const about = [loader, errno, statistics && `${statistics.processed} instructions processed`, truncated && 'the log is not complete']
    .filter(Boolean)
    .join(', ');
  const head = `${verdict === 'unknown' ? 'no verdict' : verdict} ${name ?? `(lines ${program.firstLine} to ${program.lastLine})`}${about ? `: ${about}` : ''}\n`;
  if (!finding) return head;
  return `${head}${linesOf(finding)
    .map((line) => `    ${line}\n`)
    .join('')}`;
}

function linesOf(finding: LoggedFinding): string[] {
  const { source, insn, instruction, code, report } = finding;
  return [
    `${source ? `${placeOf(source)}: ` : ''}${finding.explanation}`,
    ...(source?.text ? [`    ${source.text}`] : []),
    ...(source?.uncertain ? ['    (the branch begins here: a level-1 log leaves out the line of the instruction itself)'] : []),
    `the kernel says${insn === undefined ? '' : ` at instruction ${insn}`}: ${finding.message}${code === undefined ? '' : `  [${code}]`}`,
    ...finding.lines.filter((line) => line !== finding.message).map((line) => `    ${line}`),
    ...(report?.reason && report.reason !== finding.message ? [`    ${report.reason}`] : []),
    ...(instruction === undefined ? [] : [`instruction: ${instruction}`]),
    ...(finding.known === undefined ? [] : [`known: ${finding.known}`]),
    ...finding.causes.map(describeCause),
    ...(finding.advice ? [`what to do: ${finding.advice}`] : []),
    ...(report?.suggestion ? [`the kernel suggests: ${report.suggestion}`] : []),
  ];
}

const describeCause = ({ text, insn, source }: LoggedCause): string =>
  `${insn === undefined ? '' : `instruction ${insn}`}${source ? `${insn === undefined ? '' : ', '}${placeOf(source)}` : ''}: ${text}`;

/** `prog.c:7`; where the kernel logged no place, the line itself in quotes. */
const placeOf = ({ file, line, column, text }: LoggedSource): string =>
  file === undefined ? `"${text}"` : `${file}:${line}${column ? `:${column}` : ''}`;
