// Values of a Python script as far as they can be told without running it. A string remembers where each of its characters stands.

import type { SyntaxNode } from './syntax-node.ts';

/** A text and, for each UTF-16 unit, its offset in the script; -1 where the script's text has no such character. */
export interface LocatedText {
  text: string;
  origin: readonly number[];
}

export interface BpfCall {
  method: string;
  /** By name, or by position as `0`, `1`, … */
  args: ReadonlyMap<string, Value>;
  node: SyntaxNode;
}

/** One `BPF(…)` of the script and everything the script does with it, in order. */
export interface BpfObject {
  /** The C text; absent where it cannot be told. */
  text?: LocatedText;
  srcFile?: string;
  cflags: readonly string[];
  node: SyntaxNode;
  calls: BpfCall[];
  writes: TableWrite[];
  /** Markers of the text that only a run fills, in the order they are met. */
  guesses: readonly Guess[];
}

/** A marker whose text only a run can tell, and what is read in its place. */
export interface Guess {
  marker: string;
  /** Empty where the marker stands alone. */
  taken: '' | '0';
  /** Where the marker first stands in the script. */
  start: number;
}

export interface TableWrite {
  table: string;
  key: Value;
  value: Value;
  node: SyntaxNode;
}

export type Value =
  | ({ kind: 'text' } & LocatedText)
  | { kind: 'number'; value: number; exact?: bigint }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'none' }
  | { kind: 'list'; items: Value[] }
  | { kind: 'dictionary'; entries: Map<string, Value> }
  | { kind: 'function'; node: SyntaxNode }
  | { kind: 'bpf'; object: BpfObject }
  | { kind: 'table'; object: BpfObject; name: string }
  | { kind: 'program'; object: BpfObject; name: string }
  | { kind: 'unknown' };

export const UNKNOWN: Value = { kind: 'unknown' };
export const NONE: Value = { kind: 'none' };
export const number = (value: number): Value => ({ kind: 'number', value });
export const boolean = (value: boolean): Value => ({ kind: 'boolean', value });
export const textValue = (text: string, origin: readonly number[] = new Array<number>(text.length).fill(-1)): Value => ({
  kind: 'text',
  text,
  origin,
});

/** True, false, or undefined where it cannot be told. */
export function truth(value: Value): boolean | undefined {
  switch (value.kind) {
    case 'unknown':
      return undefined;
    case 'text':
      return value.text !== '';
    case 'number':
      return value.value !== 0;
    case 'boolean':
      return value.value;
    case 'none':
      return false;
    case 'list':
      return value.items.length > 0;
    case 'dictionary':
      return value.entries.size > 0;
    default:
      return true;
  }
}

/** As `str()` and `%s` write it; undefined where it cannot be told. */
export function asText(value: Value): LocatedText | undefined {
  switch (value.kind) {
    case 'text':
      return value;
    case 'number':
      return unlocated(String(value.exact ?? value.value));
    case 'boolean':
      return unlocated(value.value ? 'True' : 'False');
    case 'none':
      return unlocated('None');
    default:
      return undefined;
  }
}

export const unlocated = (text: string): LocatedText => ({ text, origin: new Array<number>(text.length).fill(-1) });
export const joined = (parts: readonly LocatedText[]): LocatedText => ({
  text: parts.map(({ text }) => text).join(''),
  origin: parts.flatMap(({ origin }) => origin),
});
export const slice = ({ text, origin }: LocatedText, from: number, to?: number): LocatedText => ({
  text: text.slice(from, to),
  origin: origin.slice(from, to),
});

/** `text.replace(from, to)`. */
export function replaceAll(value: LocatedText, from: string, to: LocatedText): LocatedText {
  if (from === '') return value;
  const parts: LocatedText[] = [];
  let at = 0;
  for (let found = value.text.indexOf(from); found >= 0; found = value.text.indexOf(from, at)) {
    // What comes in place of a marker stands, for a reader of messages, where the marker stood.
    parts.push(slice(value, at, found), { text: to.text, origin: to.text.split('').map(() => value.origin[found] ?? -1) });
    at = found + from.length;
  }
  return joined([...parts, slice(value, at)]);
}
