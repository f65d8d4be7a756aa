// A verifier log of a real kernel as diagnostics: on the user's source, and in the log itself. Keeps what was read until the source is
// edited or the user clears it. Reading and meaning are #core/verifier-log's; finding the source is log-sources.ts's.

import {
  type Diagnostic,
  type DiagnosticRelatedInformation,
  DiagnosticSeverity,
  type Hover,
  type Location,
  type MarkupContent,
  type Position,
  type Range,
} from 'vscode-languageserver';
import { type LoggedFinding, type LoggedProgram, readVerifierLogs } from '#core/verifier-log';
import type { LogSources, PlacedSource } from '../log-sources.ts';

/** The client's request. */
export interface ReadLogRequest {
  text: string;
  /** The document that holds the log, where there is one. */
  uri?: string;
  /** First line of the text in that document, from 0. */
  firstLine?: number;
  /** URIs of the workspace's folders. */
  folders?: readonly string[];
}

export interface ReadLogAnswer {
  /** One sentence for a message box. */
  message: string;
  /** Nothing was found, or nothing could be placed. */
  warning: boolean;
  programs: { name?: string; verdict: LoggedProgram['verdict']; summary: string; location?: Location }[];
}

interface Held {
  diagnostic: Diagnostic;
  registers: string;
}

export interface LogOptions {
  /** Where the pages of the findings lie: `<base>/<code>.md`. */
  docs?: string | undefined;
  related: boolean;
}

const SOURCE = 'eBPF verifier log';

/** What logs have said of the workspace's files. */
export class LogFindings {
  private readonly held = new Map<string, { findings: Held[]; text: string | undefined }>();

  constructor(private readonly changed: (uri: string) => void) {}

  of(uri: string): Diagnostic[] {
    return this.held.get(uri)?.findings.map(({ diagnostic }) => diagnostic) ?? [];
  }

  /** What the verifier knew at a place that a log speaks of. */
  hover(uri: string, { line }: Position): Hover | undefined {
    const here =
      this.held.get(uri)?.findings.filter(({ diagnostic: { range } }) => range.start.line <= line && line <= range.end.line) ?? [];
    const value = here
      .map(({ registers }) => registers)
      .filter((one) => one !== '')
      .join('\n\n');
    return value === '' ? undefined : { contents: { kind: 'markdown', value }, range: here[0]!.diagnostic.range };
  }

  /** The document now has this text: what was said of another one is over. */
  edited(uri: string, text: string): void {
    const known = this.held.get(uri);
    if (!known || known.text === text) return;
    this.held.delete(uri);
    this.changed(uri);
  }

  clear(): void {
    const uris = [...this.held.keys()];
    this.held.clear();
    for (const uri of uris) this.changed(uri);
  }

  /** Reads a text with logs, puts what they say on the source, and says how that went. What earlier logs said is over. */
  async read({ text, uri, firstLine = 0 }: ReadLogRequest, sources: LogSources, options: LogOptions): Promise<ReadLogAnswer> {
    const { programs, advice } = readVerifierLogs(text);
    this.clear();
    if (advice !== undefined) return { message: advice, warning: true, programs: [] };
    const rows: ReadLogAnswer['programs'] = [];
    const logPlace = (logLine: number): Location | undefined =>
      uri === undefined ? undefined : { uri, range: wholeLine(logLine - 1 + firstLine) };
    for (const program of programs) {
      const { finding } = program;
      const place = finding && (await placeOf(finding, program, sources));
      if (finding && place) this.hold(place, await diagnosticOf(finding, program, place, sources, options, logPlace), stateTable(finding));
      rows.push({
        ...(program.name !== undefined && { name: program.name }),
        verdict: program.verdict,
        summary: summaryOf(program),
        ...(place && { location: { uri: place.uri, range: place.range } }),
      });
    }
    for (const [held, entry] of this.held) {
      entry.text = await sources.textOf(held);
      this.changed(held);
    }
    return { ...answerOf(rows), programs: rows };
  }

  private hold({ uri }: PlacedSource, diagnostic: Diagnostic, registers: string): void {
    const entry = this.held.get(uri) ?? { findings: [], text: undefined };
    entry.findings.push({ diagnostic, registers });
    this.held.set(uri, entry);
  }
}

function answerOf(rows: ReadLogAnswer['programs']): { message: string; warning: boolean } {
  const rejected = rows.filter(({ verdict }) => verdict === 'rejected');
  const found = rejected.filter(({ location }) => location !== undefined);
  if (rejected.length === 0) {
    const unknown = rows.filter(({ verdict }) => verdict === 'unknown').length;
    if (unknown > 0)
      return { message: 'The log ends before the verdict. Copy it up to the line that begins with "processed".', warning: true };
    return {
      message: rows.length === 1 ? `${rows[0]!.summary}.` : `The verifier accepted all ${rows.length} programs of this log.`,
      warning: false,
    };
  }
  const first = rejected[0]!;
  const more =
    rejected.length > 1 ? ` ${rejected.length - 1} more ${rejected.length === 2 ? 'program was' : 'programs were'} refused.` : '';
  if (found.length === 0)
    return {
      message: `${first.summary}.${more} The source line is not in this workspace: open the folder with the program's source, and read the log again.`,
      warning: true,
    };
  return { message: `${first.summary}.${more}`, warning: false };
}

function summaryOf({ name, verdict, finding, statistics }: LoggedProgram): string {
  const who = name ?? 'The program';
  if (verdict === 'accepted') return `${who} was accepted${statistics ? `: ${statistics.processed} instructions processed` : ''}`;
  if (!finding) return verdict === 'unknown' ? `${who}: the log has no verdict` : `${who} was refused; the log does not say why`;
  const { source, message } = finding;
  return `${who} was refused${source?.file === undefined ? '' : ` at ${source.file}:${source.line}`}: ${message}`;
}

async function placeOf(finding: LoggedFinding, program: LoggedProgram, sources: LogSources): Promise<PlacedSource | undefined> {
  const place = finding.source && (await sources.place(finding.source));
  return place ?? (program.name === undefined ? undefined : sources.placeProgram(program.name));
}

/** The words that a live finding has, then the kernel's and what to know of the place. */
function messageOf(finding: LoggedFinding, note?: string): string {
  const { explanation, advice, lines, message, report } = finding;
  return [
    explanation,
    advice,
    ...(report?.reason ? [report.reason] : []),
    ...(report?.suggestion ? [`The kernel suggests: ${report.suggestion}`] : []),
    `The kernel says: ${lines.length > 0 ? lines.join('\n') : message}`,
    ...(finding.known === undefined ? [] : [`It knew: ${finding.known}`]),
    ...(finding.source?.uncertain
      ? ['The branch begins here: a level-1 log leaves out the line of the instruction itself. A log of level 2 has it.']
      : []),
    ...(note === undefined ? [] : [note]),
  ]
    .filter((line) => line !== '')
    .join('\n');
}

async function diagnosticOf(
  finding: LoggedFinding,
  program: LoggedProgram,
  place: PlacedSource,
  sources: LogSources,
  options: LogOptions,
  logPlace: (line: number) => Location | undefined,
): Promise<Diagnostic> {
  const related: DiagnosticRelatedInformation[] = [];
  for (const cause of finding.causes) {
    const there = cause.source && (await sources.place(cause.source));
    if (there) related.push({ message: cause.text, location: { uri: there.uri, range: there.range } });
  }
  const inLog = logPlace(finding.logLine);
  if (inLog) related.push({ message: 'the log says so here', location: inLog });
  return {
    range: place.range,
    severity: DiagnosticSeverity.Error,
    source: SOURCE,
    ...(finding.code === undefined
      ? {}
      : { code: finding.code, ...(options.docs === undefined ? {} : { codeDescription: { href: `${options.docs}/${finding.code}.md` } }) }),
    message: `${program.name === undefined ? '' : `${program.name}: `}${messageOf(finding, place.note)}`,
    ...(options.related && related.length > 0 ? { relatedInformation: related } : {}),
    data: {
      log: true,
      ...(program.name !== undefined && { program: program.name }),
      ...(finding.insn !== undefined && { insn: finding.insn }),
    },
  };
}

/** Registers and slots as a table, the offending one first. */
function stateTable({ registers, register, insn, instruction }: LoggedFinding): string {
  if (registers.length === 0) return '';
  const own = registers.filter(({ name }) => name === `R${register}`);
  const rows = [...own, ...registers.filter((one) => !own.includes(one))].map(
    ({ name, value }) => `${own.some((one) => one.name === name) ? '→' : ' '} ${name.padEnd(6)} ${value}`,
  );
  return `**The verifier log** at instruction ${insn ?? '?'}${instruction === undefined ? '' : ` \`${instruction.replace(/`/g, "'")}\``}:\n\n\`\`\`bpf-verifier-log\n${rows.join('\n').replace(/`/g, "'")}\n\`\`\``;
}

const wholeLine = (line: number): Range => ({ start: { line, character: 0 }, end: { line, character: 1000 } });

/** Both hovers, ours below. */
export function mergeHovers(first: Hover | null, second: Hover | undefined): Hover | null {
  if (!first || !second) return first ?? second ?? null;
  const { contents } = first;
  const value = typeof contents === 'object' && 'value' in contents ? contents.value : String(contents);
  return {
    contents: { kind: 'markdown', value: `${value}\n\n---\n\n${(second.contents as MarkupContent).value}` },
    ...(first.range && { range: first.range }),
  };
}

/** What a document that is a log says of itself: each refusal at its sentence. */
export function logDiagnostics(programs: readonly LoggedProgram[], options: LogOptions): Diagnostic[] {
  return programs.flatMap(({ name, finding }): Diagnostic[] => {
    if (!finding) return [];
    return [
      {
        range: wholeLine(finding.logLine - 1),
        severity: DiagnosticSeverity.Error,
        source: SOURCE,
        ...(finding.code === undefined
          ? {}
          : {
              code: finding.code,
              ...(options.docs === undefined ? {} : { codeDescription: { href: `${options.docs}/${finding.code}.md` } }),
            }),
        message: [
          `${name === undefined ? '' : `${name}: `}${finding.explanation}`,
          finding.advice,
          ...finding.causes.map(
            ({ insn, text, source }) =>
              `${insn === undefined ? '' : `Instruction ${insn}`}${source?.file === undefined ? '' : ` (${source.file}:${source.line})`}: ${text}`,
          ),
        ]
          .filter((line) => line !== '')
          .join('\n'),
      },
    ];
  });
}
