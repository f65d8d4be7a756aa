// A document that is a verifier log: its outline, its folds, and where in the source a line of it comes from.

import { type DocumentSymbol, type FoldingRange, type Location, type Position, SymbolKind } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type LoggedProgram, type LoggedSource, readVerifierLogs } from '#core/verifier-log';
import type { LogSources } from '../log-sources.ts';
import { Lines } from '../positions.ts';

/** One version of a log, read. */
export class LogDocument {
  readonly lines: Lines;
  readonly programs: readonly LoggedProgram[];

  constructor(
    readonly version: number,
    text: string,
  ) {
    this.lines = new Lines(text);
    this.programs = readVerifierLogs(text).programs;
  }

  symbols(): DocumentSymbol[] {
    return this.programs.map((program, index): DocumentSymbol => {
      const { finding } = program;
      const functions = program.functions.map(({ name, logLine }, at): DocumentSymbol => {
        const end = program.functions[at + 1]?.logLine ?? program.lastLine + 1;
        return {
          name,
          detail: 'function',
          kind: SymbolKind.Function,
          range: this.range(logLine, end - 1),
          selectionRange: this.range(logLine, logLine),
        };
      });
      const error = finding
        ? [
            {
              name: finding.message,
              detail: finding.code ?? '',
              kind: SymbolKind.Event,
              range: this.range(finding.logLine, finding.logLine),
              selectionRange: this.range(finding.logLine, finding.logLine),
            },
          ]
        : [];
      return {
        name: program.name ?? `program ${index + 1}`,
        detail: program.verdict === 'unknown' ? 'no verdict' : program.verdict,
        kind: SymbolKind.Module,
        range: this.range(program.firstLine, program.lastLine),
        selectionRange: this.range(program.firstLine, program.firstLine),
        children: [...functions, ...error],
      };
    });
  }

  /** Programs, functions, the branches that `from 5 to 9:` begins, and long runs of what precision tracking says. */
  folds(): FoldingRange[] {
    const folds: FoldingRange[] = [];
    const add = (first: number, last: number): void => {
      if (last > first) folds.push({ startLine: first - 1, endLine: last - 1 });
    };
    for (const { firstLine, lastLine, functions } of this.programs) {
      add(firstLine, lastLine);
      functions.forEach(({ logLine }, at) => add(logLine, (functions[at + 1]?.logLine ?? lastLine) - 1));
      let branch = 0;
      let precise = 0;
      for (let line = firstLine; line <= lastLine; line++) {
        const text = this.lines.line(line - 1);
        if (/(?:^|\s)mark_precise:/.test(text)) precise ||= line;
        else {
          if (precise) add(precise, line - 1);
          precise = 0;
        }
        if (/(?:^|\s)from \d+ to \d+(?: \(.*?\))?: R?/.test(text) && !text.includes(': safe')) {
          if (branch) add(branch, line - 1);
          branch = line;
        }
      }
      if (branch) add(branch, lastLine);
    }
    return folds;
  }

  async definition({ line }: Position, sources: LogSources): Promise<Location | undefined> {
    const source = this.sourceAt(line + 1);
    const place = source && (await sources.place(source));
    return place && { uri: place.uri, range: place.range };
  }

  /** The source that a line of the log belongs to: its own comment, its instruction's, or the refusal's. */
  private sourceAt(logLine: number): LoggedSource | undefined {
    const program = this.programs.find(({ firstLine, lastLine }) => firstLine <= logLine && logLine <= lastLine);
    if (!program) return undefined;
    const { finding } = program;
    const cause = finding?.causes.find((one) => one.logLine === logLine);
    if (cause?.source) return cause.source;
    if (finding && logLine >= finding.logLine) return finding.source;
    return program.sources.findLast((one) => one.logLine <= logLine)?.source;
  }

  private range(first: number, last: number): DocumentSymbol['range'] {
    return { start: { line: first - 1, character: 0 }, end: { line: last - 1, character: this.lines.line(last - 1).length } };
  }
}

/** The logs among the open documents. */
export class LogDocuments {
  private readonly read = new Map<string, LogDocument>();

  of(document: TextDocument | undefined): LogDocument | undefined {
    if (document?.languageId !== 'bpf-verifier-log') return undefined;
    const known = this.read.get(document.uri);
    if (known?.version === document.version) return known;
    const made = new LogDocument(document.version, document.getText());
    this.read.set(document.uri, made);
    return made;
  }

  forget(uri: string): void {
    this.read.delete(uri);
  }
}
