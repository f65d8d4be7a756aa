import { describe, expect, it } from 'vitest';
import { StringTable } from './index.ts';

const table = (text: string): StringTable => new StringTable(new TextEncoder().encode(text));

describe('StringTable', () => {
  it.each([
    ['the empty text', '\0int\0', 0, ''],
    ['a whole name', '\0int\0', 1, 'int'],
    ['the tail of a name', '\0int\0', 2, 'nt'],
    ['what is left without a NUL', '\0int', 1, 'int'],
    ['a name beside one that is not ASCII', '\0größe\0int\0', 9, 'int'],
    ['a name that is not ASCII', '\0größe\0int\0', 1, 'größe'],
    ['a byte behind the end', '\0int\0', 5, undefined],
  ])('reads %s', (_what, text, offset, expected) => {
    expect(table(text).at(offset)).toBe(expected);
  });
});
