// A shell behind a terminal: keys come in, text with control sequences goes out. Prompt, line editing, completion, Ctrl+C, and trace_pipe
// that goes on until it is interrupted. Long output is written in pieces, so that the terminal and Ctrl+C stay responsive.

import { complete } from './complete.ts';
import { type EditorAction, LineEditor } from './line-editor.ts';
import type { Shell } from './shell.ts';

export interface TerminalOptions {
  /** Text with CR LF and control sequences, for the terminal. */
  write(text: string): void;
  /** The person has said `exit` or Ctrl+D. */
  end(status: number): void;
  /** Somebody reads trace_pipe, or has stopped: a kernel of one's own lets its events happen meanwhile. */
  follow?(following: boolean): void;
  /** A command has run: what others show of the kernel may have changed. */
  ran?(): void;
  /** Gives the terminal a moment between pieces of long output. */
  pause?(): Promise<void>;
  banner: readonly string[];
}

const PROMPT = '\u001b[1;32mroot@simulated\u001b[0m:~# ';
const RED = '\u001b[31m';
const OFF = '\u001b[0m';
/** Characters written at once. */
const PIECE = 64 * 1024;

const crlf = (text: string): string => text.replace(/\r?\n/g, '\r\n');

export class ShellTerminal {
  private readonly editor = new LineEditor(PROMPT);
  private following = false;
  /** Keys that wait for the end of what is running. */
  private typed = '';
  private pumping = false;
  /** Counts interruptions: what was running before one writes nothing after it. */
  private generation = 0;
  private traces: Promise<void> = Promise.resolve();
  private status = 0;
  private busy = false;

  constructor(
    private readonly shell: Shell,
    private readonly options: TerminalOptions,
  ) {}

  start(): void {
    this.options.write(crlf(this.options.banner.map((line) => `${line}\n`).join('')) + this.editor.redraw());
  }

  /** Keys as the terminal gives them. What is typed while a command runs waits for its end; Ctrl+C forgets it. */
  input(text: string): void {
    if ((this.following || this.busy) && text.includes('\u0003')) this.interrupt();
    else if (!this.following) {
      this.typed += text;
      void this.pump();
    }
  }

  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    while (this.typed !== '' && !this.following) {
      const { actions, rest } = this.editor.take(this.typed);
      this.typed = rest;
      for (const action of actions) await this.act(action);
    }
    this.pumping = false;
  }

  private interrupt(): void {
    this.generation++;
    this.typed = '';
    const { following } = this;
    this.following = false;
    this.busy = false;
    if (following) this.options.follow?.(false);
    this.status = 130;
    this.options.write(`^C\r\n${this.editor.redraw()}`);
  }

  private async act(action: EditorAction): Promise<void> {
    switch (action.kind) {
      case 'write':
        this.options.write(action.text);
        break;
      case 'line':
        this.busy = true;
        await this.runLine(action.line);
        break;
      case 'interrupt':
        this.options.write(this.editor.redraw());
        break;
      case 'end':
        this.options.write('exit\r\n');
        this.options.end(this.status);
        break;
      case 'complete':
        await this.complete(action.before);
        break;
    }
  }

  private async runLine(line: string): Promise<void> {
    const { generation } = this;
    const trimmed = line.trim();
    if (/^(exit|logout)\b/.test(trimmed)) {
      this.options.end(this.status);
      return;
    }
    if (trimmed === 'clear') this.options.write('\u001b[2J\u001b[H');
    else if (trimmed !== '') {
      const result = await this.shell.run(line);
      if (generation !== this.generation) return;
      this.status = result.status;
      this.options.ran?.();
      if (result.errors) this.options.write(`${RED}${crlf(result.errors)}${OFF}`);
      if (!(await this.writeAll(result.output, generation))) return;
      if (result.follows) {
        this.following = true;
        this.typed = '';
        this.busy = false;
        this.options.follow?.(true);
        return;
      }
    }
    this.busy = false;
    this.options.write(this.editor.redraw());
  }

  /** False if it was interrupted. */
  private async writeAll(text: string, generation: number): Promise<boolean> {
    for (let at = 0; at < text.length; at += PIECE) {
      if (generation !== this.generation) return false;
      this.options.write(crlf(text.slice(at, at + PIECE)));
      if (at + PIECE < text.length) await this.options.pause?.();
    }
    return generation === this.generation;
  }

  /** New trace lines wait: written if somebody reads trace_pipe. */
  traced(): void {
    if (!this.following) return;
    const { generation } = this;
    this.traces = this.traces.then(async () => {
      if (this.following) await this.writeAll(this.shell.readTrace(), generation);
    });
  }

  private async complete(before: string): Promise<void> {
    const { word, candidates } = await complete(this.shell, before);
    const [first] = candidates;
    if (first === undefined) return;
    if (candidates.length === 1) {
      this.editor.insert(first.slice(word.length) + (first.endsWith('/') ? '' : ' '));
      this.options.write(this.editor.redraw());
      return;
    }
    let common = first;
    for (const candidate of candidates) while (!candidate.startsWith(common)) common = common.slice(0, -1);
    if (common.length > word.length) this.editor.insert(common.slice(word.length));
    else this.options.write(`\r\n${candidates.join('  ')}\r\n`);
    this.options.write(this.editor.redraw());
  }
}
