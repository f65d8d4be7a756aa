// Finds the verifier logs in a text and reads them: one program after the other, whoever printed them.
// Opens no file and trusts nothing: what a log says is data, and a text without a log is an answer.

import { FINDINGS } from '#core/verifier';
import { loaderWords, type LoaderWords, unfoldSummary } from './loaders.ts';
import { codeOfReport, meaningOf } from './patterns.ts';
import { type LogRecord, readRecord } from './records.ts';
import { readReport, type ReadReport } from './report.ts';
import { readState } from './states.ts';
import { causesOf, namedCauses, offendingRegister, Walk } from './trace.ts';
import type { Loader, LoggedCause, LoggedFinding, LoggedInsn, LoggedProgram, LoggedSource, LoggedStatistics, LogReading } from './types.ts';
import { type CleanLine, cleanLines } from './unwrap.ts';

/** Characters; the kernel's own limit for a log is 1 GiB, and no editor opens that. */
const LONGEST_TEXT = 256 << 20;
/** Sentences of one refusal. */
const MOST_ERROR_LINES = 24;

const ADVICE = {
  empty: 'There is no text to read. Copy what the loader printed, from its first line to its last, and try again.',
  noLog:
    'No verifier log is in this text. Copy what the loader printed, from "-- BEGIN PROG LOAD LOG --" (libbpf), "load program:" (cilium/ebpf, with %+v) or "bpf: Failed to load program" (BCC) to the line that begins with "processed".',
  failedWithoutLog: (errno: string | undefined) =>
    `The loader says that loading failed${errno === undefined ? '' : ` (${errno})`}, and the verifier's log is not in the text. ${errno === 'EPERM' ? 'EPERM without a log means that the kernel did not get as far as verifying: run the loader as root or with CAP_BPF. ' : ''}Ask the loader for the log: libbpf prints it by itself (bpftool: -d), cilium/ebpf with fmt "%+v", BCC with debug=2.`,
  tooLong: 'This text is longer than 256 MB. Keep the end of the log, from a few thousand lines before "processed", and try again.',
} as const;

/** Every verifier log in a text. Never throws; a text without one is answered with what to do. */
export function readVerifierLogs(text: string): LogReading {
  if (text.length > LONGEST_TEXT) return { programs: [], advice: ADVICE.tooLong };
  if (text.trim() === '') return { programs: [], advice: ADVICE.empty };
  const reader = new LogReader();
  for (const line of cleanLines(text)) reader.line(line);
  const programs = reader.finish();
  if (programs.length > 0) return { programs };
  return { programs, advice: reader.failure ? ADVICE.failedWithoutLog(reader.failure.errno) : ADVICE.noLog };
}

/** A program whose log is being read. */
class ProgramReader {
  readonly walk = new Walk();
  readonly insns: LoggedInsn[] = [];
  readonly sources: { logLine: number; source: LoggedSource }[] = [];
  readonly functions: { name: string; logLine: number }[] = [];
  name: string | undefined;
  loader: Loader | undefined;
  errno: string | undefined;
  failed = false;
  loaded = false;
  /** A loader's words stand before it: unknown sentences inside are the verifier's. */
  framed = false;
  ended = false;
  omitted = false;
  statistics: Partial<LoggedStatistics> = {};
  report: { category: string; problem: string; lines: CleanLine[]; at: number } | undefined;
  /** Sentences since the last instruction. */
  others: CleanLine[] = [];
  source: LoggedSource | undefined;
  function: string | undefined;
  lastLine: number;
  /** Anything of the kernel's was read. */
  any = false;
  /** The walk has jumped to another branch since the last source comment. */
  private jumped = false;
  private readonly behindJump = new WeakSet<LoggedInsn>();

  constructor(readonly firstLine: number) {
    this.lastLine = firstLine;
  }

  takeWords({ name, loader, errno, failed, loaded }: LoaderWords): void {
    this.name ??= name;
    this.loader ??= loader;
    this.errno ??= errno;
    this.failed ||= failed ?? false;
    this.loaded ||= loaded ?? false;
  }

  record(record: LogRecord, line: CleanLine): void {
    if (record.kind !== 'blank' && record.kind !== 'other') {
      this.lastLine = line.at;
      this.any = true;
    }
    if (this.report && record.kind !== 'statistics') {
      // A second report follows where two references leak: the first one is the kernel's answer.
      if (record.kind === 'report') return;
      this.report.lines.push(line);
      if (record.kind !== 'blank') this.lastLine = line.at;
      return;
    }
    switch (record.kind) {
      case 'insn': {
        const logged: LoggedInsn = {
          insn: record.insn,
          text: record.text,
          logLine: line.at,
          ...(record.state !== undefined && { state: record.state }),
          ...(this.source && { source: this.source }),
        };
        this.walk.insn(logged);
        this.insns.push(logged);
        if (this.jumped) this.behindJump.add(logged);
        const state = record.state === undefined ? undefined : readState(record.state);
        if (state) this.walk.state(state, record.resumed === true);
        this.jumped ||= record.resumed === true;
        this.others = [];
        return;
      }
      case 'source':
        this.jumped = false;
        this.source = this.function === undefined ? record.source : { ...record.source, function: this.function };
        this.sources.push({ logLine: line.at, source: this.source });
        return;
      case 'from':
        this.walk.from(record.from);
        this.jumped = true;
        if (record.state) this.walk.state(record.state, true);
        this.others = [];
        return;
      case 'state':
        this.walk.state(record.state, false);
        return;
      case 'function':
        this.functions.push({ name: record.name, logLine: line.at });
        this.function = record.name;
        this.walk.path.length = 0;
        this.others = [];
        return;
      case 'statistics':
        Object.assign(this.statistics, record.statistics);
        this.ended ||= record.last;
        return;
      case 'report':
        this.report = { category: record.category, problem: record.problem, lines: [], at: line.at };
        return;
      case 'remark':
        if (/omitted\)$|^\(truncated/.test(line.text)) this.omitted = true;
        // The walk goes on: what was said before was no refusal.
        if (/: safe$|^mark_precise:|^\([\d,]+\) /.test(line.text)) this.others = [];
        return;
      case 'blank':
      case 'other':
        this.others.push(line);
    }
  }

  finish(): LoggedProgram | undefined {
    const errors = this.errorLines();
    const report = this.report && readReport(this.report.category, this.report.problem, this.report.lines);
    const finding = errors.length > 0 || report ? this.finding(errors, report) : undefined;
    if (!this.any && !finding) return undefined;
    const refused = this.failed || (finding !== undefined && !this.loaded);
    const verdict = refused ? 'rejected' : this.loaded || this.ended ? 'accepted' : 'unknown';
    const errorEnd = errors.at(-1)?.at ?? 0;
    return {
      ...(this.name !== undefined && { name: this.name }),
      ...(this.loader !== undefined && { loader: this.loader }),
      verdict,
      ...(refused && this.errno !== undefined && { errno: this.errno }),
      firstLine: this.firstLine,
      lastLine: Math.max(this.lastLine, errorEnd),
      truncated: this.omitted || !this.ended || this.walk.incomplete || ((this.insns[0]?.insn ?? 0) !== 0 && this.functions.length === 0),
      ...(finding && verdict !== 'accepted' && { finding }),
      ...(this.statistics.processed !== undefined && { statistics: this.statistics as LoggedStatistics }),
      insns: this.insns,
      sources: this.sources,
      functions: this.functions,
    };
  }

  /**
   * The sentences of the refusal: behind the last instruction, in one run. Inside a loader's marks or before the statistics all of them
   * are the verifier's; elsewhere only the ones that are known, since nobody can tell them from other output.
   */
  private errorLines(): CleanLine[] {
    const known = this.others.map(({ text }) => text !== '' && meaningOf(text) !== undefined);
    const first = known.indexOf(true);
    if (first >= 0) {
      const lines: CleanLine[] = [];
      for (let i = first; i < this.others.length && lines.length < MOST_ERROR_LINES; i++) {
        const line = this.others[i]!;
        if (line.text === '' && (this.report || !this.ended)) break;
        // Without an end mark, output of others may follow: `R0 max value is outside…` continues, anything else does not.
        if (!this.ended && !this.framed && !known[i] && !/^R\d+ /.test(line.text)) break;
        if (line.text !== '') lines.push(line);
      }
      return lines;
    }
    if (!this.any || this.loaded || !(this.ended || this.framed || this.report)) return [];
    return this.others.filter(({ text }) => text !== '').slice(0, MOST_ERROR_LINES);
  }

  private finding(errors: readonly CleanLine[], report: ReadReport | undefined): LoggedFinding {
    const lines = errors.map(({ text }) => text);
    const said = lines.map((line) => ({ line, meaning: meaningOf(line) })).find(({ meaning }) => meaning !== undefined);
    const code = said?.meaning?.code ?? (report && codeOfReport(report.category, report.problem, report.reason));
    const row = FINDINGS.find((one) => one.code === code);
    const { path } = this.walk;
    const named = said?.meaning?.insn;
    const last = path.at(-1);
    const insn = named ?? report?.at?.insn ?? last?.insn;
    const at = insn === undefined ? undefined : path.findLastIndex((step) => step.insn === insn);
    const step = at === undefined || at < 0 ? undefined : path[at];
    const instruction = step?.text ?? report?.at?.instruction;
    const registers = this.walk.registers();
    const aboutValue = code !== 'infinite-loop' && code !== 'too-large' && code !== 'reference-leak' && code !== 'unreachable';
    const register = aboutValue ? offendingRegister(lines, instruction) : undefined;
    const known = register === undefined ? undefined : registers.find(({ name }) => name === `R${register}`);
    const traced = register === undefined || at === undefined || at < 0 ? [] : causesOf(path, at, register, registers);
    // The kernel prints a line once, and at level 1 erases what it printed of safe paths: the comment may be gone with them.
    const erased = step !== undefined && this.behindJump.has(step) && this.insns.length < (this.statistics.processed ?? 0);
    const logged = step?.source && erased ? { ...step.source, uncertain: true } : step?.source;
    const source = sourceOf(logged, report?.at?.source);
    const walked = [...namedCauses(path, lines), ...traced];
    const causes = report && report.causes.length > 0 ? report.causes : walked;
    return {
      ...(code !== undefined && { code }),
      message: said?.line ?? lines[0] ?? report!.reason,
      lines,
      logLine: errors[0]?.at ?? this.report!.at,
      explanation: row?.explanation ?? 'The kernel refused the program with a sentence that is not in our list.',
      advice: inWordsOf(causes, row?.advice ?? ''),
      category: report?.category ?? row?.category ?? '',
      problem: report?.problem || (row?.problem ?? ''),
      ...(insn !== undefined && { insn }),
      ...(instruction !== undefined && { instruction }),
      ...(source && { source }),
      ...(register !== undefined && { register }),
      ...(known && { known: `${known.name}=${known.value}` }),
      registers,
      causes,
      ...(report && {
        report: { category: report.category, problem: report.problem, reason: report.reason, suggestion: report.suggestion },
      }),
    };
  }
}

/** The catalogue's advice speaks of `value`; where the line that may give NULL assigns it, the variable is named. */
function inWordsOf(causes: readonly LoggedCause[], advice: string): string {
  if (!advice.includes('!value')) return advice;
  for (const { source } of causes) {
    const assigned = /([A-Za-z_]\w*) *=(?!=) *(?:\([^()]*\) *)?\w+\(/.exec(source?.text.slice(0, 300) ?? '');
    if (assigned) return advice.replaceAll('!value', `!${assigned[1]!}`);
  }
  return advice;
}

/** 7.3's place has a column and a function; the comment has the line's text. */
function sourceOf(logged: LoggedSource | undefined, reported: LoggedSource | undefined): LoggedSource | undefined {
  if (!reported) return logged;
  return { ...reported, text: reported.text || (logged?.line === reported.line ? logged!.text : '') };
}

class LogReader {
  private readonly done: LoggedProgram[] = [];
  private current: ProgramReader | undefined;
  /** A source comment in front of the first instruction. */
  private source: { source: LoggedSource; at: number } | undefined;
  /** Sentences that stand alone so far: of a log whose instructions were not asked for. */
  private loose: CleanLine[] = [];
  /** A loader's words in front of a log. */
  private words: (LoaderWords & { at: number }) | undefined;
  /** The last failure that a loader told. */
  failure: LoaderWords | undefined;

  line(line: CleanLine): void {
    const words = loaderWords(line.text);
    if (words) {
      this.heard(words, line);
      return;
    }
    const record = readRecord(line.text);
    if (this.current && this.startsAnew(record)) this.close();
    if (!this.current) {
      switch (record.kind) {
        case 'blank':
          this.loose = [];
          return;
        case 'other':
          this.loose.push(line);
          if (this.loose.length > MOST_ERROR_LINES) this.loose.shift();
          if (!this.words?.begins && meaningOf(line.text) === undefined) return;
          break;
        case 'source':
          this.source = { source: record.source, at: line.at };
          return;
        case 'remark':
          if (!/^func#\d+ @/.test(line.text)) return;
          break;
        default:
      }
      this.open(line);
      // The sentences before are in `others` already.
      if (record.kind === 'other') return;
    }
    this.current!.record(record, line);
  }

  /** A log has ended, and this line belongs to another: nothing but statistics comes behind `processed`. */
  private startsAnew(record: LogRecord): boolean {
    const current = this.current!;
    switch (record.kind) {
      case 'statistics':
        return current.ended && record.last;
      case 'insn':
        // A log that was cut off, and another one behind it.
        return (
          current.ended ||
          (record.insn === 0 &&
            current.insns.length > 0 &&
            !current.framed &&
            current.others.some(({ text }) => meaningOf(text) !== undefined))
        );
      case 'source':
      case 'from':
      case 'state':
      case 'function':
      case 'report':
        return current.ended;
      case 'remark':
      case 'blank':
      case 'other':
        return current.ended;
      default:
        return false;
    }
  }

  private open(line: CleanLine): void {
    const current = new ProgramReader(this.loose[0]?.at ?? this.source?.at ?? line.at);
    if (this.words) {
      current.takeWords(this.words);
      current.framed = this.words.begins === true && this.words.loader === 'libbpf';
    }
    current.others = this.loose;
    if (this.source) {
      current.source = this.source.source;
      current.sources.push({ logLine: this.source.at, source: this.source.source });
    }
    this.loose = [];
    this.source = undefined;
    this.words = undefined;
    this.current = current;
  }

  private close(): void {
    const program = this.current?.finish();
    if (program) this.done.push(program);
    this.current = undefined;
    this.loose = [];
    this.source = undefined;
  }

  private heard(words: LoaderWords, line: CleanLine): void {
    if (words.failed) this.failure = words;
    const { current } = this;
    if (words.ends) {
      if (current) {
        current.ended ||= current.framed && words.loader === 'libbpf' && words.failed !== true;
        if (words.failed && (current.name === undefined || words.name === undefined || current.name === words.name))
          current.takeWords(words);
        this.close();
        return;
      }
      // `failed to load: -13` behind the log: of the program just read.
      const last = this.done.at(-1);
      if (!words.failed) return;
      if (last && this.words === undefined && (last.name === undefined || words.name === undefined || last.name === words.name)) {
        this.done[this.done.length - 1] = {
          ...last,
          ...(last.name === undefined && words.name !== undefined && { name: words.name }),
          ...(last.loader === undefined && words.loader && { loader: words.loader }),
          verdict: 'rejected',
          ...(last.errno === undefined && words.errno !== undefined && { errno: words.errno }),
        };
        return;
      }
    }
    if (current) this.close();
    // One load has several such lines: what they say adds up until the log begins.
    const before = this.words;
    const same = before && (before.name === undefined || words.name === undefined || before.name === words.name);
    this.words = { ...(same ? before : {}), ...words, at: line.at, begins: words.begins ?? (same ? (before.begins ?? false) : false) };
    this.loose = [];
    if (words.rest !== undefined && words.rest !== '') this.summary(words.rest, line);
  }

  /** A whole refusal on one line, as cilium/ebpf's `%v`, or the first line of a log behind a loader's words. */
  private summary(rest: string, line: CleanLine): void {
    const { parts, omitted } = unfoldSummary(rest);
    this.open(line);
    const current = this.current!;
    current.omitted = omitted;
    for (const text of parts) current.record(readRecord(text), { text, at: line.at, indented: false });
    if (parts.some((part) => meaningOf(part) !== undefined)) return;
    // 7.3 in one line: the reason, and the suggestion in brackets.
    const reason =
      /^(R\d+ (?:has never been|is not readable|may be NULL|is an integer scalar|has offset|has type).*|The .*|Owned resource.*|Locks must.*) \(([A-Z].*)\)$/.exec(
        rest,
      );
    if (reason)
      current.report = {
        category: '',
        problem: '',
        at: line.at,
        lines: [
          { text: 'Reason:', at: line.at, indented: false },
          { text: reason[1]!, at: line.at, indented: true },
          { text: 'Suggestion:', at: line.at, indented: false },
          { text: reason[2]!, at: line.at, indented: true },
        ],
      };
  }

  finish(): LoggedProgram[] {
    this.close();
    return this.done;
  }
}
