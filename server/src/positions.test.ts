import { expect, test } from 'vitest';
import { Lines, utf16Column } from './positions.ts';

test.each([
  ['plain', 'int x;', 5, 4],
  ['behind an umlaut, two bytes', 'ä x', 4, 2],
  ['behind a euro sign, three bytes', '€x', 4, 1],
  ['behind a clef, four bytes and two units', '𝄞x', 5, 2],
  ['behind the end', 'ab', 9, 2],
  ['first column', '', 1, 0],
])('bytes to UTF-16 units: %s', (_, line, column, units) => {
  expect(utf16Column(line, column)).toBe(units);
});

test('offsets and positions are each the other', () => {
  const text = 'one\r\ntwo\n\nfour';
  const lines = new Lines(text);
  expect(lines.count).toBe(4);
  for (let offset = 0; offset <= text.length; offset++) expect(lines.offset(lines.position(offset))).toBe(offset);
  expect(lines.line(0)).toBe('one');
  expect(lines.line(2)).toBe('');
  expect(lines.line(9)).toBe('');
  expect(lines.position(text.length)).toEqual({ line: 3, character: 4 });
});

test("a compiler's line behind the end is the last one; column 0 is the line's first letter", () => {
  const lines = new Lines('a\n\t b');
  expect(lines.fromCompiler(7, 1)).toEqual({ line: 1, character: 0 });
  expect(lines.fromCompiler(2, 0)).toEqual({ line: 1, character: 2 });
  expect(lines.fromCompiler(0, 0)).toEqual({ line: 0, character: 0 });
});
