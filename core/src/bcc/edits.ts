// A text that is changed in places, and the way back: where in the original a character of the new text stands.

export class Edits {
  private readonly openers = new Map<number, string[]>();
  private readonly closers = new Map<number, string[]>();
  private readonly removed: { start: number; end: number }[] = [];

  constructor(private readonly original: string) {}

  /** Text in front of `offset`; of several the one given first stands outermost (first). */
  before(offset: number, text: string): void {
    const list = this.openers.get(offset);
    if (list) list.push(text);
    else this.openers.set(offset, [text]);
  }

  /** Text behind what ends at `offset`; of several the one given first stands outermost (last). */
  after(offset: number, text: string): void {
    const list = this.closers.get(offset);
    if (list) list.unshift(text);
    else this.closers.set(offset, [text]);
  }

  wrap(start: number, end: number, before: string, after: string): void {
    this.before(start, before);
    this.after(end, after);
  }

  /** Lines stay as they are counted: line ends inside are kept. */
  replace(start: number, end: number, text: string): void {
    const lines = this.original.slice(start, end).split('\n').length - 1;
    this.removed.push({ start, end });
    this.before(start, text + '\n'.repeat(lines));
  }

  /** The new text and for each of its UTF-16 units the offset in the original. */
  apply(): { text: string; origin: number[] } {
    const removed = [...this.removed].sort((a, b) => a.start - b.start);
    const origin: number[] = [];
    let out = '';
    let next = 0;
    const put = (text: string, at: number): void => {
      out += text;
      for (let unit = 0; unit < text.length; unit++) origin.push(at);
    };
    for (let at = 0; at <= this.original.length; at++) {
      while (next < removed.length && removed[next]!.end < at) next++;
      // What was put around something that is gone is gone with it.
      const gone = removed[next];
      if (!(gone && gone.start < at)) for (const text of this.closers.get(at) ?? []) put(text, Math.max(0, at - 1));
      if (!(gone && gone.start < at && at < gone.end)) for (const text of this.openers.get(at) ?? []) put(text, at);
      while (next < removed.length && removed[next]!.end <= at) next++;
      const inside = removed[next];
      if (at < this.original.length && !(inside && inside.start <= at)) put(this.original[at]!, at);
    }
    return { text: out, origin };
  }
}
