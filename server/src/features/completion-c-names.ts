// Completion of C's own names: members, locals, globals, functions, types, macros, enumerators, and the kernel's below them. What the
// program lacks for a name (an include, a definition) comes with it as an additional edit.

import { type CompletionItem, CompletionItemKind, InsertTextFormat, TextEdit } from 'vscode-languageserver';
import { helperByName, kfuncByName } from '#core/catalog';
import type { Document } from '../documents.ts';
import { headerMacro, type HeaderMacro } from '../header-macros.ts';
import type { CIndex } from '../languages/c/c-index.ts';
import { CONSTANTS } from '../languages/c/constants.ts';
import type { CType, Declaration } from '../languages/c/declarations.ts';
import { kernelEnumerators, kernelTypes } from '../languages/c/kernel-types.ts';

/** Kernel names in one answer: they are asked for again as the name grows. */
const MOST_KERNEL_NAMES = 200;
/** Characters from which the kernel's names are offered. */
const KERNEL_PREFIX = 2;

export interface NamesAnswer {
  items: CompletionItem[];
  /** More letters may bring more names. */
  incomplete: boolean;
}

/** Undefined where no member can stand. */
export function memberItems(index: CIndex, offset: number): CompletionItem[] | undefined {
  const struct = index.structAt(offset);
  if (!struct) return undefined;
  const access = index.accessAt(offset);
  const { text } = index.file;
  const start = wordStart(text, offset);
  // An arrow that ends its line was left unfinished: what follows begins a statement.
  if (access && /(?:->|\.)[ \t]*(?:\/\/[^\n]*)?\r?\n\s*$/.test(text.slice(Math.max(0, start - 200), start))) return undefined;
  // A dot behind a pointer, an arrow behind a struct: the item mends the operator.
  const pointer = access && index.strip(access.type).kind === 'pointer';
  const wrong = access && (pointer ? !access.arrow : access.arrow && index.strip(access.type).kind !== 'array');
  const length = access?.arrow ? 2 : 1;
  const operator = text.slice(0, start).trimEnd().length - length;
  return index.members(struct).map((member, position) => {
    const size = index.size(member.type);
    return {
      label: member.name,
      kind: CompletionItemKind.Field,
      detail: index.show(member.type, member.name) + (member.bits === undefined ? '' : ` : ${member.bits}`),
      documentation: [
        size === undefined ? '' : `${size} bytes`,
        member.offset === undefined ? '' : member.offset % 8 === 0 ? `at offset ${member.offset / 8}` : `at bit ${member.offset}`,
      ]
        .filter(Boolean)
        .join(' '),
      sortText: String(position).padStart(5, '0'),
      ...(wrong ? { additionalTextEdits: [TextEdit.replace(linesRange(text, operator, operator + length), pointer ? '->' : '.')] } : {}),
    };
  });
}

/** Names of types behind `struct`, `union` or `enum`. */
export function tagItems(index: CIndex, keyword: 'struct' | 'union' | 'enum', prefix: string): NamesAnswer {
  const items = declaredIn(index).flatMap((one): CompletionItem[] =>
    one.kind === 'tag' && one.type.kind === 'composite' && one.type.composite.keyword === keyword
      ? [{ label: one.name, kind: CompletionItemKind.Struct, detail: `${keyword} ${one.name}`, sortText: `0${one.name}` }]
      : [],
  );
  return withKernel(items, index, prefix, () =>
    kernelTypes(index.btf!, [keyword], prefix, MOST_KERNEL_NAMES).map(({ name }) => ({
      label: name,
      kind: CompletionItemKind.Struct,
      detail: `${keyword} ${name} of the kernel`,
      sortText: `5${name}`,
    })),
  );
}

/** Names that may stand in an expression or begin a statement. */
export function scopeItems(
  document: Document,
  index: CIndex,
  offset: number,
  snippets: boolean,
  expected: string | undefined,
): NamesAnswer {
  const prefix = document.text.slice(wordStart(document.text, offset), offset);
  const maps = new Set(document.syntax?.maps.map(({ name }) => name));
  const seen = new Set<string>(maps);
  const items: CompletionItem[] = [];
  const add = (item: CompletionItem): void => {
    if (seen.has(item.label)) return;
    seen.add(item.label);
    items.push(item);
  };
  const fits = (type: CType): boolean => expected !== undefined && sameType(index.show(type), expected);
  index.localsAt(offset).forEach((one, position) =>
    add({
      label: one.name,
      kind: CompletionItemKind.Variable,
      detail: index.show(one.type, one.name),
      sortText: `${fits(one.type) ? '000' : '00'}${String(position).padStart(4, '0')}`,
    }),
  );
  for (const one of declaredIn(index)) {
    if (one.kind === 'tag' || /^__|^___?bpf/.test(one.name) || helperByName(one.name) || kfuncByName(one.name) || headerMacro(one.name))
      continue;
    const own = index.file.byName.get(one.name) === one;
    add({ ...itemOf(index, one, snippets), sortText: `${fits(one.type) ? '00' : own ? '01' : '03'}${one.name}` });
  }
  for (const name of [
    '__u8',
    '__u16',
    '__u32',
    '__u64',
    '__s32',
    '__s64',
    '__be16',
    '__be32',
    'struct',
    'return',
    'sizeof',
    'const',
    'static',
  ])
    add({ label: name, kind: CompletionItemKind.Keyword, sortText: `4${name}` });
  if (prefix.length >= KERNEL_PREFIX)
    for (const { name, value, header } of CONSTANTS) {
      if (!name.startsWith(prefix)) continue;
      add({
        label: name,
        kind: CompletionItemKind.Constant,
        detail: `${value}, as <${header}> has it`,
        sortText: `4${name}`,
        ...definitionEdit(document, index, name, value, header),
      });
    }
  return withKernel(items, index, prefix, () =>
    [
      ...kernelEnumerators(index.btf!, prefix, MOST_KERNEL_NAMES).map(({ name, value }) => ({
        label: name,
        kind: CompletionItemKind.EnumMember,
        detail: `${value}, an enumerator of the kernel`,
        sortText: `5${name}`,
      })),
      ...kernelTypes(index.btf!, ['typedef'], prefix, MOST_KERNEL_NAMES).map(({ name }) => ({
        label: name,
        kind: CompletionItemKind.Class,
        detail: 'a typedef of the kernel',
        sortText: `6${name}`,
      })),
    ].filter(({ label }) => !seen.has(label)),
  );
}

/** The include that a macro of the libbpf-style headers needs and the text does not have. */
export function includeEdit(document: Document, index: CIndex | undefined, macro: HeaderMacro): { additionalTextEdits?: TextEdit[] } {
  if (!index || index.declared(macro.name) || index.file.includes.some(({ name }) => name.endsWith(macro.header))) return {};
  return {
    additionalTextEdits: [
      TextEdit.insert(document.lines.position(behindIncludes(document.text, index)), `#include <bpf/${macro.header}>\n`),
    ],
  };
}

/** Only where vmlinux.h is: with the kernel's own headers, an include would be the better way. */
function definitionEdit(
  document: Document,
  index: CIndex,
  name: string,
  value: string,
  header: string,
): { additionalTextEdits?: TextEdit[] } {
  const { includes } = index.file;
  if (!includes.some((one) => one.name.endsWith('vmlinux.h')) || includes.some((one) => one.name === header)) return {};
  return {
    additionalTextEdits: [TextEdit.insert(document.lines.position(behindIncludes(document.text, index)), `#define ${name} ${value}\n`)],
  };
}

/** Offset of the line behind the last include; the start of a text that has none. */
export function behindIncludes(text: string, index: CIndex): number {
  const last = index.file.includes.at(-1);
  if (!last) return 0;
  const end = text.indexOf('\n', last.end);
  return end < 0 ? text.length : end + 1;
}

function itemOf(index: CIndex, one: Declaration, snippets: boolean): CompletionItem {
  const call = one.type.kind === 'function' ? one.type.parameters : undefined;
  switch (one.kind) {
    case 'function':
      return {
        label: one.name,
        kind: CompletionItemKind.Function,
        detail: index.show(one.type, one.name),
        ...(snippets && call
          ? {
              insertTextFormat: InsertTextFormat.Snippet,
              insertText: `${one.name}(${call.map((parameter, at) => `\${${at + 1}:${parameter.name || 'argument'}}`).join(', ')})`,
            }
          : {}),
      };
    case 'macro':
      return {
        label: one.name,
        kind: CompletionItemKind.Constant,
        detail: `#define ${one.name}${one.arguments ?? ''} ${(one.value ?? '').slice(0, 80)}`.trim(),
      };
    case 'enumerator':
      return {
        label: one.name,
        kind: CompletionItemKind.EnumMember,
        detail: `${index.number(one.value ?? '') ?? one.value ?? ''}: ${index.show(one.type)}`,
      };
    case 'typedef':
      return { label: one.name, kind: CompletionItemKind.Class, detail: `typedef ${index.show(one.type, one.name)}` };
    default:
      return { label: one.name, kind: CompletionItemKind.Variable, detail: index.show(one.type, one.name) };
  }
}

const declaredIn = (index: CIndex): Declaration[] => [index.file, ...index.headers].flatMap(({ byName }) => [...byName.values()]);

function withKernel(items: CompletionItem[], index: CIndex, prefix: string, kernel: () => CompletionItem[]): NamesAnswer {
  if (!index.btf) return { items, incomplete: false };
  if (prefix.length < KERNEL_PREFIX) return { items, incomplete: true };
  const found = kernel();
  return { items: [...items, ...found], incomplete: found.length >= MOST_KERNEL_NAMES };
}

export const sameType = (one: string, other: string): boolean => bare(one) === bare(other);
const bare = (type: string): string => type.replace(/\b(?:const|volatile|struct)\b|\s+/g, '');

export function wordStart(text: string, offset: number): number {
  let start = offset;
  while (start > 0 && /\w/.test(text[start - 1]!)) start--;
  return start;
}

function linesRange(
  text: string,
  start: number,
  end: number,
): { start: { line: number; character: number }; end: { line: number; character: number } } {
  const line = text.slice(0, start).split('\n').length - 1;
  const from = start - (text.lastIndexOf('\n', start - 1) + 1);
  return { start: { line, character: from }, end: { line, character: from + end - start } };
}
