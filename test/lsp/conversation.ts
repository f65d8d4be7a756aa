// Plays a conversation with the language server from a text file: lines that start with `> ` are what an editor does, lines that
// start with `| ` the text it opens, the lines under them what the server answers. `vitest -u` writes the answers anew.
// A `^` in a quoted text marks the cursor; without one it stands at the text's start.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type {
  CodeAction,
  CompletionItem,
  CompletionList,
  Diagnostic,
  DocumentSymbol,
  Hover,
  InlayHint,
  Location,
  Position,
  Range,
  SignatureHelp,
  TextDocumentEdit,
  TextEdit,
  WorkspaceEdit,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { repository } from '#test/requirements';
import type { ProgramInfo } from '../../server/src/features/programs.ts';
import { LspClient } from './lsp-client.ts';

/** Answers in the file's own format: equal to the file when nothing has changed. */
export async function play(file: string): Promise<string> {
  const lines: string[] = [];
  const source = readFileSync(file, 'utf8').split('\n');
  const player = new Player();
  for (let index = 0; index < source.length; index++) {
    const line = source[index]!;
    // An empty line of the file stands before a command or a remark; others belong to an old answer.
    if (line.startsWith('#') || (line === '' && /^[>#]/.test(source[index + 1] ?? ''))) lines.push(line);
    if (!line.startsWith('> ')) continue;
    lines.push(line);
    const text: string[] = [];
    while (source[index + 1]?.startsWith('|')) text.push(source[++index]!);
    lines.push(...text);
    const answer = await player.command(line.slice(2), text.map((one) => one.slice(2)).join('\n') + '\n');
    lines.push(...answer.flatMap((one) => stable(one).split('\n')).map((one) => `  ${one}`.trimEnd()));
  }
  await player.leave();
  while (lines.at(-1) === '') lines.pop();
  return `${lines.join('\n')}\n`;
}

const stable = (text: string): string => text.replaceAll(pathToFileURL(repository).href + '/', '').replaceAll(repository + path.sep, '');

const SEVERITIES = ['', 'error', 'warning', 'information', 'hint'];

class Player {
  private client: LspClient | undefined;
  private actions: readonly CodeAction[] = [];
  private document!: TextDocument;

  async command(text: string, given: string): Promise<string[]> {
    const [verb, ...words] = text.split(' ');
    const rest = words.join(' ').trim();
    if (verb === 'start') {
      this.client = await LspClient.start({ settings: JSON.parse(rest || '{}') });
      return [];
    }
    this.client ??= await LspClient.start({ settings: {} });
    switch (verb) {
      case 'open':
        return this.open(path.join(repository, rest), readFileSync(path.join(repository, rest), 'utf8'));
      case 'write':
        return this.open(path.join(repository, 'examples', rest), given);
      case 'replace': {
        const [from, to] = JSON.parse(`[${rest.replace(/"\s+"/, '", "')}]`) as [string, string];
        return this.change(from, to);
      }
      case 'settings':
        this.client.tell('workspace/didChangeConfiguration', { settings: { ebpf: JSON.parse(rest) } });
        this.client.published.length = 0;
        return [];
      case 'diagnostics':
        return this.diagnostics();
      case 'complete':
        return this.complete(rest);
      case 'hover': {
        const answer = await this.ask<Hover | null>('textDocument/hover', { position: this.place(rest) });
        return answer ? [`at ${this.range(answer.range!)}`, (answer.contents as { value: string }).value] : ['nothing'];
      }
      case 'hints': {
        const answer = await this.ask<InlayHint[]>('textDocument/inlayHint', {
          range: { start: { line: 0, character: 0 }, end: { line: this.document.lineCount, character: 0 } },
        });
        return answer.length === 0
          ? ['none']
          : answer.map(({ position, label }) => `${position.line + 1}: ${this.lineOf(position.line)}  ⟨${label as string}⟩`);
      }
      case 'fixes': {
        const { uri, version } = this.document;
        const { diagnostics } = await this.client.until(() =>
          this.client!.published.find((one) => one.uri === uri && one.version === version),
        );
        const range = { start: { line: 0, character: 0 }, end: { line: this.document.lineCount, character: 0 } };
        this.actions = await this.ask<CodeAction[]>('textDocument/codeAction', { range, context: { diagnostics } });
        return this.actions.length === 0 ? ['none'] : this.actions.map(({ title, isPreferred }) => `${isPreferred ? '* ' : ''}${title}`);
      }
      case 'apply': {
        const action = this.actions.find(({ title }) => title.includes(rest));
        if (!action) throw new Error(`no fix is called ${rest}`);
        const edits = (action.edit!.documentChanges![0] as TextDocumentEdit).edits as TextEdit[];
        return this.apply(edits);
      }
      case 'signature': {
        const answer = await this.ask<SignatureHelp | null>('textDocument/signatureHelp', { position: this.place(rest) });
        const signature = answer?.signatures[0];
        if (!signature) return ['nothing'];
        const active = signature.parameters?.[answer.activeParameter!]?.label as [number, number] | undefined;
        return [
          signature.label,
          active ? ' '.repeat(active[0]) + '~'.repeat(active[1] - active[0]) : 'no such parameter',
          (signature.documentation as { value: string } | undefined)?.value ?? '',
        ];
      }
      case 'definition': {
        const answer = await this.ask<Location | null>('textDocument/definition', { position: this.place(rest) });
        return [answer ? this.located(answer) : 'nothing'];
      }
      case 'type':
      case 'references': {
        const method = verb === 'type' ? 'typeDefinition' : 'references';
        const answer = await this.ask<Location | Location[] | null>(`textDocument/${method}`, {
          position: this.place(rest),
          context: { includeDeclaration: true },
        });
        const all = answer === null ? [] : Array.isArray(answer) ? answer : [answer];
        return all.length === 0 ? ['nothing'] : all.map((one) => this.located(one));
      }
      case 'rename': {
        const [, quoted, name] = /^("(?:\\.|[^"\\])*") (\S+)$/.exec(rest)!;
        const answer = await this.ask<WorkspaceEdit | null>('textDocument/rename', { position: this.place(quoted!), newName: name });
        const edits = answer?.changes?.[this.document.uri];
        return edits ? this.apply(edits) : ['nothing'];
      }
      case 'symbols':
        return (await this.ask<DocumentSymbol[]>('textDocument/documentSymbol', {})).map(
          ({ name, detail, range, selectionRange }) => `${name} (${detail}) ${this.range(range)}, name ${this.range(selectionRange)}`,
        );
      case 'programs': {
        await this.client.until(() =>
          this.client!.changed.find(({ uri, version }) => uri === this.document.uri && version === this.document.version),
        );
        const { programs } = await this.ask<{ programs: ProgramInfo[] }>('ebpf/programs', {}, { uri: this.document.uri });
        return programs.map(
          ({ name, section, type, range, selectionRange, verdict, summary }) =>
            `${name} SEC("${section}") ${type} ${this.range(range)}, name ${this.range(selectionRange)}: ${verdict}; ${summary.replace(/ · [\d.]+ m?s$/, '')}`,
        );
      }
      case 'verify': {
        const answer = await this.ask<{ text: string } | null>(
          'ebpf/verify',
          {},
          { uri: this.document.uri, ...(rest ? { program: rest } : {}) },
        );
        // The log itself is the verifier's business, and tested there.
        return (
          answer?.text
            .split('\n')
            .filter((one) => one.startsWith('; program') || one.startsWith('processed'))
            .map((one) => one.replace(/, \d+\.\d ms$/, '')) ?? ['nothing']
        );
      }
      case 'said':
        await this.client.until(() => this.client!.said[0]);
        return this.client.said.map(({ method, params }) => `${method} ${JSON.stringify(params)}`);
      default:
        throw new Error(`no such command: ${verb}`);
    }
  }

  /** Of another file its name alone: the lines of a generated header are no one's. */
  private located({ uri, range }: Location): string {
    return uri === this.document.uri ? `${this.range(range)}: ${this.document.getText(range)}` : path.basename(fileURLToPath(uri));
  }

  private lineOf(line: number): string {
    return this.document.getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } }).trim();
  }

  async leave(): Promise<void> {
    await this.client?.stop();
  }

  private open(file: string, text: string): string[] {
    const languageId = /\.[ch]$/.test(file) ? 'c' : 'ebpf-asm';
    this.document = TextDocument.create(pathToFileURL(file).href, languageId, 1, text);
    this.client!.tell('textDocument/didOpen', { textDocument: { uri: this.document.uri, languageId, version: 1, text } });
    return [];
  }

  private change(from: string, to: string): string[] {
    const at = this.document.getText().indexOf(from);
    if (at < 0) throw new Error(`${fileURLToPath(this.document.uri)} has no text ${JSON.stringify(from)}`);
    const range = { start: this.document.positionAt(at), end: this.document.positionAt(at + from.length) };
    const version = this.document.version + 1;
    this.document = TextDocument.update(this.document, [{ range, text: to }], version);
    this.client!.tell('textDocument/didChange', {
      textDocument: { uri: this.document.uri, version },
      contentChanges: [{ range, text: to }],
    });
    return [];
  }

  /** The lines that edits made, with one line around them. */
  private apply(edits: readonly TextEdit[]): string[] {
    const before = this.document.getText().split('\n');
    const text = TextDocument.applyEdits(this.document, [...edits]);
    const after = text.split('\n');
    const version = this.document.version + 1;
    this.document = TextDocument.update(this.document, [{ text }], version);
    this.client!.tell('textDocument/didChange', { textDocument: { uri: this.document.uri, version }, contentChanges: [{ text }] });
    let first = 0;
    while (first < after.length && before[first] === after[first]) first++;
    let same = 0;
    while (same < before.length - first && same < after.length - first && before.at(-1 - same) === after.at(-1 - same)) same++;
    return after
      .slice(Math.max(0, first - 1), after.length - same + 1)
      .map((line, index) => `${Math.max(0, first - 1) + index + 1}: ${line}`);
  }

  private async diagnostics(): Promise<string[]> {
    const { uri, version } = this.document;
    const { diagnostics } = await this.client!.until(() =>
      this.client!.published.find((one) => one.uri === uri && one.version === version),
    );
    return diagnostics.length === 0 ? ['none'] : diagnostics.flatMap((one) => this.diagnostic(one));
  }

  private diagnostic({ range, severity, source, code, message, relatedInformation }: Diagnostic): string[] {
    return [
      `${this.range(range)} ${SEVERITIES[severity!]} (${[source, code].filter((part) => part !== undefined).join(', ')})`,
      `  ${this.document.getText(range).replaceAll('\n', '⏎')}`,
      ...message.split('\n').map((line) => `  | ${line}`),
      ...(relatedInformation ?? []).map(
        (one) =>
          `  related ${one.location.uri === this.document.uri ? '' : `${one.location.uri} `}${this.range(one.location.range)}: ${one.message}`,
      ),
    ];
  }

  /** `"text^" [/labels/]`: how many items, and of those whose label matches each with its fate. The first one is resolved. */
  private async complete(rest: string): Promise<string[]> {
    const [, quoted, pattern] = /^("(?:\\.|[^"\\])*")(?: \/(.*)\/)?$/.exec(rest)!;
    const answer = await this.ask<CompletionItem[] | CompletionList>('textDocument/completion', { position: this.place(quoted!) });
    const items = Array.isArray(answer) ? answer : answer.items;
    const shown = items
      .filter(({ label }) => new RegExp(pattern ?? '').test(label))
      .sort((a, b) => ((a.sortText ?? a.label) < (b.sortText ?? b.label) ? -1 : 1));
    const lines = shown.map((item) => `${item.tags?.includes(1) ? `~~${item.label}~~` : item.label}: ${item.detail ?? ''}`);
    return [`${items.length > shown.length ? `${shown.length} of ${items.length}` : items.length} items`, ...lines];
  }

  private ask<T>(method: string, params: object, whole?: object): Promise<T> {
    return this.client!.ask<T>(method, whole ?? { textDocument: { uri: this.document.uri }, ...params });
  }

  private place(quoted: string): Position {
    const marked = JSON.parse(quoted) as string;
    const text = marked.replace('^', '');
    const at = this.document.getText().indexOf(text);
    if (at < 0) throw new Error(`${fileURLToPath(this.document.uri)} has no text ${quoted}`);
    return this.document.positionAt(at + Math.max(0, marked.indexOf('^')));
  }

  /** Lines and columns from 1, as people count. */
  private range({ start, end }: Range): string {
    return `${start.line + 1}:${start.character + 1}-${end.line === start.line ? '' : `${end.line + 1}:`}${end.character + 1}`;
  }
}
