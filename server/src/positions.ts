// Lines and columns of compilers (from 1, columns in bytes of UTF-8) to those of LSP (from 0, columns in UTF-16 units).

import type { Position, Range } from 'vscode-languageserver';

/** UTF-16 units in front of a byte column (from 1) of a line; behind the end gives the end. */
export function utf16Column(line: string, byteColumn: number): number {
  let bytes = byteColumn - 1;
  let units = 0;
  while (bytes > 0 && units < line.length) {
    const code = line.codePointAt(units)!;
    bytes -= code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    units += code < 0x10000 ? 1 : 2;
  }
  return units;
}

/** The lines of one text, found once. */
export class Lines {
  private readonly starts: number[] = [0];

  constructor(readonly text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.starts.push(at + 1);
  }

  get count(): number {
    return this.starts.length;
  }

  /** Text of a line (from 0) without its line break; empty behind the end. */
  line(index: number): string {
    const start = this.starts[index];
    if (start === undefined) return '';
    return this.text.slice(start, this.starts[index + 1] ?? this.text.length).replace(/\r?\n$/, '');
  }

  offset({ line, character }: Position): number {
    const start = this.starts[Math.min(line, this.count - 1)]!;
    return Math.min(start + character, this.text.length);
  }

  position(offset: number): Position {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low, character: offset - this.starts[low]! };
  }

  range(start: number, end: number): Range {
    return { start: this.position(start), end: this.position(end) };
  }

  /** Of a compiler's place; a line behind the end is the last one, line 0 the first. */
  fromCompiler(line: number, byteColumn: number): Position {
    const index = Math.max(0, Math.min(line - 1, this.count - 1));
    const text = this.line(index);
    return { line: index, character: byteColumn > 0 ? utf16Column(text, byteColumn) : text.length - text.trimStart().length };
  }
}
