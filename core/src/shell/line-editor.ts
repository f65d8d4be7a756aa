// Line editing for a terminal that gives keys as bytes of text: what the keys do to the line, and what to write so that the screen shows it.
// Emacs keys as shells have them, history, paste. Knows no terminal: it is given input and returns output.

export type EditorAction =
  | { kind: 'write'; text: string }
  | { kind: 'line'; line: string }
  | { kind: 'interrupt' }
  | { kind: 'end' }
  | { kind: 'complete'; before: string };

const KEY = /^(?:\u001b\[[0-9;]*[~A-Za-z]|\u001bO[A-Z]|\u001b.|[\u0000-\u001f\u007f]|[^\u0000-\u001f\u007f\u001b]+)/u;
const HISTORY = 1000;
/** Bracketed paste is not asked for; a line longer than this is cut. */
const LONGEST_LINE = 10_000;

export class LineEditor {
  private line = '';
  private cursor = 0;
  private history: string[] = [];
  private at = 0;
  private draft = '';

  constructor(readonly prompt: string) {}

  /** The line as it stands, drawn anew: after output came in between. */
  redraw(): string {
    const back = this.line.length - this.cursor;
    return `\r\u001b[K${this.prompt}${this.line}${back > 0 ? `\u001b[${back}D` : ''}`;
  }

  /** What the person typed, key by key, up to the first that somebody else has to answer: Enter, Tab, Ctrl+C, Ctrl+D. */
  take(text: string): { actions: readonly EditorAction[]; rest: string } {
    const actions: EditorAction[] = [];
    let rest = text;
    while (rest !== '' && actions.every(({ kind }) => kind === 'write')) {
      const key = KEY.exec(rest)?.[0] ?? rest[0]!;
      rest = rest.slice(key.length);
      actions.push(...this.key(key));
    }
    return { actions, rest };
  }

  private key(key: string): readonly EditorAction[] {
    switch (key) {
      case '\r':
      case '\n': {
        const { line } = this;
        if (line.trim() !== '' && this.history.at(-1) !== line) this.history = [...this.history.slice(1 - HISTORY), line];
        this.at = this.history.length;
        this.set('', 0);
        return [
          { kind: 'write', text: '\r\n' },
          { kind: 'line', line },
        ];
      }
      case '\u0003':
        this.set('', 0);
        this.at = this.history.length;
        return [{ kind: 'write', text: '^C\r\n' }, { kind: 'interrupt' }];
      case '\u0004':
        return this.line === ''
          ? [{ kind: 'end' }]
          : this.edit(this.line.slice(0, this.cursor) + this.line.slice(this.cursor + 1), this.cursor);
      case '\t':
        return [{ kind: 'complete', before: this.line.slice(0, this.cursor) }];
      case '\u007f':
      case '\b':
        return this.cursor === 0 ? [] : this.edit(this.line.slice(0, this.cursor - 1) + this.line.slice(this.cursor), this.cursor - 1);
      case '\u001b[3~':
        return this.edit(this.line.slice(0, this.cursor) + this.line.slice(this.cursor + 1), this.cursor);
      case '\u001b[D':
      case '\u001bOD':
      case '\u0002':
        return this.edit(this.line, Math.max(0, this.cursor - 1));
      case '\u001b[C':
      case '\u001bOC':
      case '\u0006':
        return this.edit(this.line, Math.min(this.line.length, this.cursor + 1));
      case '\u0001':
      case '\u001b[H':
      case '\u001bOH':
        return this.edit(this.line, 0);
      case '\u0005':
      case '\u001b[F':
      case '\u001bOF':
        return this.edit(this.line, this.line.length);
      case '\u0015':
        return this.edit(this.line.slice(this.cursor), 0);
      case '\u000b':
        return this.edit(this.line.slice(0, this.cursor), this.cursor);
      case '\u0017': {
        const left = this.line.slice(0, this.cursor).replace(/\S*\s*$/, '');
        return this.edit(left + this.line.slice(this.cursor), left.length);
      }
      case '\u000c':
        return [{ kind: 'write', text: `\u001b[2J\u001b[H${this.redraw()}` }];
      case '\u001b[A':
      case '\u001bOA':
      case '\u0010':
        return this.recall(-1);
      case '\u001b[B':
      case '\u001bOB':
      case '\u000e':
        return this.recall(1);
      default:
        return /^[\u0000-\u001f]/.test(key) ? [] : this.insert(key);
    }
  }

  insert(text: string): readonly EditorAction[] {
    const room = text.slice(0, LONGEST_LINE - this.line.length);
    return this.edit(this.line.slice(0, this.cursor) + room + this.line.slice(this.cursor), this.cursor + room.length);
  }

  private recall(step: number): readonly EditorAction[] {
    const to = this.at + step;
    if (to < 0 || to > this.history.length) return [];
    if (this.at === this.history.length) this.draft = this.line;
    this.at = to;
    const line = this.history[to] ?? this.draft;
    return this.edit(line, line.length);
  }

  private set(line: string, cursor: number): void {
    this.line = line;
    this.cursor = cursor;
  }

  private edit(line: string, cursor: number): readonly EditorAction[] {
    this.set(line, cursor);
    return [{ kind: 'write', text: this.redraw() }];
  }
}
