// String literals of Python as texts whose characters know where they stand: prefixes, escapes, f-string parts, `%` and `.format`.

import { named, type SyntaxNode } from './syntax-node.ts';
import { asText, joined, type LocatedText, slice, unlocated, type Value } from './python-values.ts';

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The value of a `string` node; undefined where an interpolation cannot be told. */
export function readString(node: SyntaxNode, evaluate: (node: SyntaxNode) => Value): LocatedText | undefined {
  const parts = named(node);
  const start = parts.find(({ type }) => type === 'string_start');
  const end = parts.findLast(({ type }) => type === 'string_end');
  if (!start || !end) return undefined;
  const prefix = start.text.replace(/["']/g, '').toLowerCase();
  const raw = prefix.includes('r');
  const out: LocatedText[] = [];
  for (const part of parts) {
    if (part.type === 'interpolation') {
      const inner = part.childForFieldName('expression') ?? named(part)[0];
      const value = inner ? asText(evaluate(inner)) : undefined;
      if (!value) return undefined;
      out.push({ text: value.text, origin: value.text.split('').map(() => part.startIndex) });
    } else if (part.type === 'string_content') {
      out.push(unescape(part.text, part.startIndex, raw, prefix.includes('f')));
    }
  }
  return joined(out);
}

function unescape(source: string, offset: number, raw: boolean, formatted: boolean): LocatedText {
  let text = '';
  const origin: number[] = [];
  const put = (value: string, at: number): void => {
    text += value;
    for (let unit = 0; unit < value.length; unit++) origin.push(offset + at);
  };
  for (let at = 0; at < source.length; at++) {
    const unit = source[at]!;
    if (formatted && (unit === '{' || unit === '}') && source[at + 1] === unit) {
      put(unit, at++);
      continue;
    }
    if (unit === '\r' && source[at + 1] === '\n') continue;
    if (unit !== '\\' || raw) {
      put(unit, at);
      continue;
    }
    const rest = source.slice(at + 1, at + 11).replace(/^\r\n/, '\n');
    const coded = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3}))/.exec(rest);
    const simple = SIMPLE_ESCAPES[rest[0] ?? ''];
    if (coded) {
      const code = coded[4] === undefined ? parseInt(coded[1] ?? coded[2] ?? coded[3]!, 16) : parseInt(coded[4], 8);
      put(code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd', at);
      at += coded[0].length;
    } else if (simple !== undefined) {
      put(simple, at);
      at += source[at + 1] === '\r' ? 2 : 1;
    } else put('\\', at);
  }
  return { text, origin };
}

/** `template % value`; undefined where something in it cannot be told. */
export function percent(template: LocatedText, value: Value): LocatedText | undefined {
  const items = value.kind === 'list' ? value.items : [value];
  let next = 0;
  return fill(template, /%(?:\((\w+)\))?[-+ #0]*(\*|\d+)?(?:\.\d+)?[hlL]?([diouxXeEfFgGcrsa%])/g, ([whole, key, , kind]) => {
    if (kind === '%') return unlocated('%');
    const item = key !== undefined && value.kind === 'dictionary' ? value.entries.get(key) : items[next++];
    if (item === undefined) return undefined;
    if (item.kind === 'number' && /[xX]/.test(kind!)) return unlocated((whole.includes('#') ? '0x' : '') + item.value.toString(16));
    if (item.kind === 'boolean' && kind === 'd') return unlocated(item.value ? '1' : '0');
    return asText(item);
  });
}

/** `template.format(…)`. */
export function format(template: LocatedText, args: ReadonlyMap<string, Value>): LocatedText | undefined {
  let next = 0;
  return fill(template, /\{\{|\}\}|\{(\w*)(?:![rsa])?(?::[^{}]*)?\}/g, ([whole, key]) => {
    if (whole === '{{' || whole === '}}') return unlocated(whole[0]!);
    const item = args.get(key === '' || key === undefined ? String(next++) : key);
    return item && asText(item);
  });
}

function fill(
  template: LocatedText,
  pattern: RegExp,
  value: (match: readonly (string | undefined)[] & { 0: string }) => LocatedText | undefined,
): LocatedText | undefined {
  const out: LocatedText[] = [];
  let at = 0;
  for (const match of template.text.matchAll(pattern)) {
    const filled = value(match as unknown as readonly (string | undefined)[] & { 0: string });
    if (!filled) return undefined;
    const place = template.origin[match.index] ?? -1;
    out.push(slice(template, at, match.index), { text: filled.text, origin: filled.text.split('').map(() => place) });
    at = match.index + match[0].length;
  }
  return joined([...out, slice(template, at)]);
}
