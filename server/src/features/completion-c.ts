// Completion in C: helpers and kernel functions with their fate here and now, section names, map members and types, fields of the
// context, maps. C's own names come from completion-c-names.ts.

import {
  CompletionItemKind,
  CompletionItemTag,
  type CompletionItem,
  type CompletionList,
  InsertTextFormat,
  type Position,
  type Range,
  TextEdit,
} from 'vscode-languageserver';
import {
  atLeast,
  contextStruct,
  HELPERS,
  helperByName,
  kfuncByName,
  KFUNCS,
  MAP_TYPES,
  mapType,
  PROGRAM_TYPES,
  SECTIONS,
  type SectionRow,
  tracepoint,
  tracepointNames,
} from '#core/catalog';
import {
  helperMarkdown,
  helperPermission,
  kfuncMarkdown,
  kfuncPermission,
  mapTypeMarkdown,
  sectionRowWords,
  type Surroundings,
  surroundingsOf,
} from '../describe.ts';
import type { Document } from '../documents.ts';
import { ACTIONS, HEADER_MACROS, headerMacro, type HeaderMacro, macroMarkdown } from '../header-macros.ts';
import type { SectionMacro } from '../languages/c/c-macros.ts';
import type { CMap, CSyntax } from '../languages/c/c-syntax.ts';
import { attachTargets, targetKind, wholeFunction } from '../languages/c/attach-targets.ts';
import type { CIndex } from '../languages/c/c-index.ts';
import type { ServerSettings } from '../settings.ts';
import { includeEdit, memberItems, type NamesAnswer, scopeItems, tagItems, wordStart } from './completion-c-names.ts';

/** What an item carries so that its documentation is made only for the one that is looked at. */
export interface CompletionData {
  kind: 'helper' | 'kfunc' | 'mapType';
  name: string;
  section?: string;
}

export function completeC(
  document: Document,
  position: Position,
  settings: ServerSettings,
  snippets: boolean,
  index: CIndex,
): CompletionItem[] | CompletionList {
  const { lines } = document;
  const offset = lines.offset(position);
  // The most frequent question needs no tree of the whole text.
  if (/(?:->|[\w)\]][ \t]*\.)[ \t]*\w*$/.test(document.text.slice(Math.max(0, offset - 100), offset)) && !index.isText(offset)) {
    const struct = index.structAt(offset);
    const members = struct && !(struct.kind === 'tag' && contextStruct(struct.name)) ? memberItems(index, offset) : undefined;
    if (members) return members;
  }
  const { syntax } = document;
  if (!syntax) return [];
  const include = /^[ \t]*#[ \t]*include[ \t]*[<"]([\w/.]*)$/.exec(lines.line(position.line).slice(0, position.character));
  if (include) return includeItems(lines.range(offset - include[1]!.length, offset));
  const written = syntax.sectionAt(offset);
  if (written) {
    const targets = targetItems(document, written, offset, index);
    return targets ?? sectionItems(document, written.nameStart, written.nameEnd, settings);
  }
  if (inCommentOrText(syntax, offset)) return [];

  const member = syntax.memberAt(offset);
  if (member) {
    if (offset > member.valueStart || (member.value === '' && document.text.slice(member.start, offset).includes(',')))
      return memberValueItems(member.key, settings);
    if (offset >= member.keyStart) return memberKeyItems(member.macro);
  }

  const before = document.text.slice(Math.max(0, offset - 200), offset);
  const access = /([A-Za-z_]\w*)[ \t]*(?:->|\.)[ \t]*(\w*)$/.exec(before);
  const context = access ? contextItems(syntax, offset, access[1]!) : [];
  if (context.length > 0) return context;
  const members = memberItems(index, offset);
  if (members) return members;
  if (/(?:->|[\w)\]]\s*\.)[ \t]*\w*$/.test(before)) return [];
  const tag = /\b(struct|union|enum)\s+(\w*)$/.exec(before);
  if (tag) return listOf(tagItems(index, tag[1] as 'struct', tag[2]!));

  // By our own reading: in a text that is being typed the grammar often sees no function at all.
  const inside = index.functionAt(offset);
  const section = syntax.programAt(offset)?.section ?? (inside && sectionBefore(syntax, inside.start));
  if (!inside) return topLevelItems(document, position, index, snippets, before);
  const around = surroundingsOf(section?.name, settings.targetKernel);
  const followedByBracket = /^\s*\(/.test(document.text.slice(offset, offset + 100));
  const behindAddress = /&\s*\w*$/.test(before);
  const call = enclosingCall(document.text, offset);
  const wantsMap = behindAddress || (call !== undefined && parameterTakesMap(call.name, call.argument));
  const names = scopeItems(document, index, offset, snippets && !followedByBracket, behindAddress ? undefined : expectedType(call, index));
  const known = [
    ...mapItems(syntax.maps, behindAddress, wantsMap),
    ...(behindAddress
      ? []
      : [
          ...actionItems(around, before),
          ...macroItems(document, index, false, snippets && !followedByBracket),
          ...helperItems(around, section?.name, snippets && !followedByBracket),
        ]),
  ];
  const said = new Set(known.map(({ label }) => label));
  return listOf({ ...names, items: [...known, ...names.items.filter(({ label }) => !said.has(label))] });
}

/** A list that is whole stays the plain array it always was. */
const listOf = ({ items, incomplete }: NamesAnswer): CompletionItem[] | CompletionList =>
  incomplete ? { isIncomplete: true, items } : items;

/** The type of the parameter that an argument is for. */
function expectedType(call: EnclosingCall | undefined, index: CIndex): string | undefined {
  if (!call) return undefined;
  const parameter = helperByName(call.name)?.parameters[call.argument] ?? kfuncByName(call.name)?.parameters[call.argument];
  if (parameter) return parameter.type;
  const type = index.declared(call.name)?.declaration.type;
  const own = type?.kind === 'function' ? type.parameters[call.argument] : undefined;
  return own && index.show(own.type);
}

/** Fills in the documentation of an item that `completeC` gave. */
export function resolveCompletion(item: CompletionItem, settings: ServerSettings): CompletionItem {
  const data = item.data as CompletionData | undefined;
  if (!data) return item;
  const around = surroundingsOf(data.section, settings.targetKernel);
  const value = markdownOf(data, around);
  return value === undefined ? item : { ...item, documentation: { kind: 'markdown', value } };
}

function markdownOf({ kind, name }: CompletionData, around: Surroundings): string | undefined {
  switch (kind) {
    case 'helper': {
      const helper = helperByName(name);
      return helper && helperMarkdown(helper, around);
    }
    case 'kfunc': {
      const kfunc = kfuncByName(name);
      return kfunc && kfuncMarkdown(kfunc, around);
    }
    case 'mapType': {
      const row = mapType(name);
      return row && mapTypeMarkdown(row, around.kernel);
    }
  }
}

/** Helpers first, those that may be called before those that may not; then kernel functions. */
function helperItems(around: Surroundings, section: string | undefined, snippets: boolean): CompletionItem[] {
  const callable = (
    kind: 'helper' | 'kfunc',
    name: string,
    prototype: string,
    summary: string,
    parameters: readonly { name: string }[],
    permission: { allowed: boolean; reason?: string },
  ): CompletionItem => ({
    label: name,
    kind: kind === 'helper' ? CompletionItemKind.Function : CompletionItemKind.Method,
    detail: permission.allowed ? prototype : permission.reason!,
    documentation: summary,
    sortText: `${permission.allowed ? 1 : 8}${kind === 'helper' ? 0 : 1}${name}`,
    ...(permission.allowed ? {} : { tags: [CompletionItemTag.Deprecated] }),
    ...(snippets ? { insertTextFormat: InsertTextFormat.Snippet, insertText: callSnippet(name, parameters) } : {}),
    data: { kind, name, ...(section === undefined ? {} : { section }) } satisfies CompletionData,
  });
  return [
    ...HELPERS.map((helper) =>
      callable('helper', helper.name, helper.prototype, helper.summary, helper.parameters, helperPermission(helper, around)),
    ),
    ...KFUNCS.map((kfunc) =>
      callable('kfunc', kfunc.name, kfunc.prototype, 'Kernel function', kfunc.parameters, kfuncPermission(kfunc, around)),
    ),
  ];
}

function callSnippet(name: string, parameters: readonly { name: string }[]): string {
  const stops = parameters.map((parameter, index) => `\${${index + 1}:${parameter.name || 'argument'}}`);
  return `${name}(${stops.join(', ')})`;
}

function mapItems(maps: readonly CMap[], behindAddress: boolean, wanted: boolean): CompletionItem[] {
  return maps.map((map) => {
    const member = (key: string): string | undefined => map.members.find((one) => one.key === key)?.value;
    const type = (member('type') ?? '').replace(/^BPF_MAP_TYPE_/, '').toLowerCase();
    const sides = [member('key') && `key ${member('key')}`, member('value') && `value ${member('value')}`].filter(Boolean).join(', ');
    return {
      label: behindAddress || !wanted ? map.name : `&${map.name}`,
      filterText: map.name,
      insertText: behindAddress || !wanted ? map.name : `&${map.name}`,
      kind: CompletionItemKind.Variable,
      detail: `${type} map${sides ? `: ${sides}` : ''}`,
      sortText: `0${map.name}`,
    };
  });
}

function parameterTakesMap(helper: string, argument: number): boolean {
  const parameter = helperByName(helper)?.parameters[argument];
  return parameter !== undefined && /^(?:map|prog_array_map|ringbuf)$/.test(parameter.name);
}

function sectionItems(document: Document, start: number, end: number, settings: ServerSettings): CompletionItem[] {
  const range = document.lines.range(start, end);
  const known = new Set<string>();
  const items: CompletionItem[] = [];
  const add = (label: string, detail: string, documentation: string, sort: string, unavailable?: string): void => {
    if (known.has(label)) return;
    known.add(label);
    items.push({
      label,
      kind: CompletionItemKind.EnumMember,
      detail: unavailable ?? detail,
      documentation,
      sortText: `${unavailable ? 9 : 0}${sort}`,
      filterText: label,
      textEdit: TextEdit.replace(range, label),
      ...(unavailable ? { tags: [CompletionItemTag.Deprecated] } : {}),
    });
  };
  for (const row of SECTIONS as readonly SectionRow[]) {
    const type = PROGRAM_TYPES.find(({ name }) => name === row.programType);
    const late =
      type && !atLeast(settings.targetKernel, type.since)
        ? `programs of type ${type.name} came with Linux ${type.since}; the target is ${settings.targetKernel}`
        : undefined;
    add(row.section.replace(/\+$/, row.section.endsWith('+') ? '/' : ''), sectionRowWords(row), type?.summary ?? '', row.section, late);
  }
  for (const [name, words] of SPECIAL_SECTIONS) add(name, words, '', `z${name}`);
  return items;
}

/** Names in one answer: they are asked for again as the name grows. */
const MOST_TARGETS = 200;

/** Behind the slash of `kprobe/`: what the target kernel has. Undefined where no name of the kernel follows. */
function targetItems(document: Document, { nameStart, nameEnd }: SectionMacro, offset: number, index: CIndex): CompletionList | undefined {
  const typed = document.text.slice(nameStart, offset);
  const range = document.lines.range(nameStart, nameEnd);
  const item = (section: string, detail: string, position: number): CompletionItem => ({
    label: section.slice(section.lastIndexOf('/') + 1),
    kind: CompletionItemKind.Function,
    detail,
    filterText: section,
    sortText: String(position).padStart(4, '0'),
    textEdit: TextEdit.replace(range, section),
  });
  const event = /^(\??(?:tp|tracepoint))\/(?:([\w-]+)\/)?(\w*)$/.exec(typed);
  if (event) {
    const [, kind, category, name = ''] = event;
    const rows = tracepointNames().flatMap((one) => tracepoint(one) ?? []);
    const found =
      category === undefined
        ? [...new Set([...rows.map((row) => row.category), 'syscalls'])]
            .sort()
            .filter((one) => one.startsWith(name))
            .map((one) => ({ section: `${kind}/${one}/`, detail: 'tracepoints' }))
        : category === 'syscalls'
          ? attachTargets(index.btf, 'system call', name.replace(/^sys_(?:enter|exit)?_?/, ''), MOST_TARGETS).flatMap((call) =>
              ['enter', 'exit'].map((when) => ({ section: `${kind}/syscalls/sys_${when}_${call}`, detail: `system call ${call}` })),
            )
          : rows
              .filter((row) => row.category === category && row.name.startsWith(name))
              .map((row) => ({
                section: `${kind}/${category}/${row.name}`,
                detail: row.class === undefined ? 'tracepoint' : `struct trace_event_raw_${row.class}`,
              }));
    return { isIncomplete: true, items: found.slice(0, 2 * MOST_TARGETS).map(({ section, detail }, at) => item(section, detail, at)) };
  }
  const split = /^([\w.?]+)\/(\w*)$/.exec(typed);
  const kind = split && targetKind(split[1]!);
  if (!split || !kind) return undefined;
  const found = attachTargets(index.btf, kind, split[2]!, MOST_TARGETS);
  return { isIncomplete: found.length >= MOST_TARGETS, items: found.map((name, at) => item(`${split[1]!}/${name}`, kind, at)) };
}

/** The whole function behind a SEC("…") that has none yet. */
function functionItems(document: Document, offset: number, index: CIndex, snippets: boolean): CompletionItem[] {
  const { syntax, text } = document;
  const start = wordStart(text, offset);
  const section = syntax?.macros.sections.findLast(({ end }) => end <= start && /^\s*(?:int\s+)?$/.test(text.slice(end, start)));
  const whole = section && wholeFunction(index.btf, section.name);
  if (!whole || !snippets) return [];
  const from = section.end + /^\s*/.exec(text.slice(section.end, start))![0].length;
  const macro = headerMacro(/^int (\w+)\(/.exec(whole.signature)?.[1] ?? '');
  const range = document.lines.range(start, offset);
  return [
    {
      label: whole.signature,
      kind: CompletionItemKind.Snippet,
      detail: `the function for SEC("${section.name}")`,
      filterText: text.slice(start, offset) || whole.signature,
      sortText: '000',
      preselect: true,
      insertTextFormat: InsertTextFormat.Snippet,
      textEdit: TextEdit.replace(range, from < start ? whole.snippet.replace(/^int /, '') : whole.snippet),
      ...(macro ? includeEdit(document, index, macro) : {}),
    },
  ];
}

const HEADERS = [
  ['vmlinux.h', 'every type of the kernel'],
  ['bpf/bpf_helpers.h', 'helpers, SEC, map definitions, bpf_printk: what every program needs'],
  ['bpf/bpf_tracing.h', 'arguments of probed functions: BPF_KPROBE, BPF_PROG, PT_REGS_PARM1'],
  ['bpf/bpf_core_read.h', 'reading kernel types of any version: BPF_CORE_READ'],
  ['bpf/bpf_endian.h', 'byte order of packets: bpf_ntohs'],
] as const;

function includeItems(range: Range): CompletionItem[] {
  return HEADERS.map(([label, detail], index) => ({
    label,
    detail,
    kind: CompletionItemKind.File,
    sortText: `${index}`,
    filterText: label,
    textEdit: TextEdit.replace(range, label),
  }));
}

const SPECIAL_SECTIONS = [
  ['license', 'the licence, as "GPL"'],
  ['.maps', 'maps'],
  ['.rodata', 'constants'],
  ['version', 'the kernel version, for very old kernels'],
  ['.struct_ops', 'implementations of a kernel interface'],
  ['.struct_ops.link', 'implementations of a kernel interface, attached by a link'],
] as const;

const MAP_KEYS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  __uint: [
    ['type', 'which kind of map: BPF_MAP_TYPE_…'],
    ['max_entries', 'how many entries, or bytes of a ring buffer'],
    ['map_flags', 'BPF_F_… of the map'],
    ['key_size', 'bytes of a key, where no type is given'],
    ['value_size', 'bytes of a value, where no type is given'],
    ['pinning', 'LIBBPF_PIN_BY_NAME: share it by its name below /sys/fs/bpf'],
    ['numa_node', 'memory of this node, with BPF_F_NUMA_NODE'],
    ['map_extra', 'of a bloom filter: how many hash functions'],
  ],
  __type: [
    ['key', 'type of the keys'],
    ['value', 'type of the values'],
  ],
  __array: [['values', 'the inner map, or the programs of a prog array']],
  __ulong: [['map_extra', 'of an arena: its address']],
};

function memberKeyItems(macro: string): CompletionItem[] {
  return (MAP_KEYS[macro] ?? []).map(([label, detail], index) => ({ label, detail, kind: CompletionItemKind.Field, sortText: `${index}` }));
}

const MAP_FLAGS = [
  'BPF_F_NO_PREALLOC',
  'BPF_F_NO_COMMON_LRU',
  'BPF_F_NUMA_NODE',
  'BPF_F_RDONLY',
  'BPF_F_WRONLY',
  'BPF_F_RDONLY_PROG',
  'BPF_F_WRONLY_PROG',
  'BPF_F_MMAPABLE',
  'BPF_F_PRESERVE_ELEMS',
  'BPF_F_INNER_MAP',
  'BPF_F_ZERO_SEED',
  'BPF_F_CLONE',
];

function memberValueItems(key: string, settings: ServerSettings): CompletionItem[] {
  switch (key) {
    case 'type':
      return MAP_TYPES.map((row) => {
        const late = atLeast(settings.targetKernel, row.since)
          ? undefined
          : `came with Linux ${row.since}; the target is ${settings.targetKernel}`;
        return {
          label: `BPF_MAP_TYPE_${row.name.toUpperCase()}`,
          kind: CompletionItemKind.EnumMember,
          detail: late ?? row.summary,
          sortText: `${late ? 9 : 0}${String(row.id).padStart(3, '0')}`,
          ...(late ? { tags: [CompletionItemTag.Deprecated] } : {}),
          data: { kind: 'mapType', name: row.name } satisfies CompletionData,
        };
      });
    case 'map_flags':
      return MAP_FLAGS.map((label) => ({ label, kind: CompletionItemKind.Constant }));
    case 'pinning':
      return ['LIBBPF_PIN_BY_NAME', 'LIBBPF_PIN_NONE'].map((label) => ({ label, kind: CompletionItemKind.EnumMember }));
    default:
      return [];
  }
}

function contextItems(syntax: CSyntax, offset: number, variable: string): CompletionItem[] {
  const struct = contextOf(syntax, offset, variable);
  return (struct?.fields ?? []).map((field) => ({
    label: field.name,
    kind: CompletionItemKind.Field,
    detail: field.type,
    documentation: `${field.size} bytes at offset ${field.offset} of struct ${struct!.name}`,
    sortText: String(field.offset).padStart(5, '0'),
  }));
}

/** The context struct that a parameter points to, by its type in the function around. */
export function contextOf(syntax: CSyntax, offset: number, variable: string): ReturnType<typeof contextStruct> {
  const parameters = syntax.programAt(offset)?.parameters ?? syntax.functionAt(offset)?.parameters ?? [];
  const parameter = parameters.find(({ name }) => name === variable);
  const name = /\bstruct\s+(\w+)\s*\*/.exec(`${parameter?.type ?? ''} `)?.[1];
  return name === undefined ? undefined : contextStruct(name);
}

/** What a declaration may begin with. */
const TYPE_KINDS: readonly (CompletionItemKind | undefined)[] = [CompletionItemKind.Class, CompletionItemKind.Keyword];

function topLevelItems(
  document: Document,
  position: Position,
  index: CIndex,
  snippets: boolean,
  before: string,
): CompletionItem[] | CompletionList {
  if (/"\w*$/.test(before)) return [];
  const names = scopeItems(document, index, document.text.length, false, undefined);
  const macros = macroItems(document, index, true, snippets);
  const said = new Set(macros.map(({ label }) => label));
  return listOf({
    ...names,
    items: [
      ...functionItems(document, document.lines.offset(position), index, snippets),
      ...macros,
      ...names.items.filter(({ label, kind }) => !said.has(label) && TYPE_KINDS.includes(kind) && label !== 'return' && label !== 'sizeof'),
    ],
  });
}

/** Programs themselves are written with the macros of the top level; attributes stand on both. */
function macroItems(document: Document, index: CIndex, topLevel: boolean, snippets: boolean): CompletionItem[] {
  return (HEADER_MACROS as readonly HeaderMacro[])
    .filter((macro) => (macro.topLevel ?? false) === topLevel || (topLevel && macro.name.startsWith('__')))
    .map((macro) => ({
      label: macro.name,
      kind: CompletionItemKind.Snippet,
      detail: macro.usage,
      documentation: { kind: 'markdown', value: macroMarkdown(macro) },
      sortText: `2${macro.name}`,
      ...includeEdit(document, index, macro),
      ...(snippets && macro.snippet !== undefined
        ? { insertText: macro.name + macro.snippet, insertTextFormat: InsertTextFormat.Snippet }
        : {}),
    }));
}

function actionItems({ programType }: Surroundings, before: string): CompletionItem[] {
  const actions = (programType !== undefined && ACTIONS[programType]) || [];
  const first = /\breturn\s+\w*$/.test(before);
  return actions.map(({ name, value, summary }, index) => ({
    label: name,
    kind: CompletionItemKind.EnumMember,
    detail: `${value}: ${summary}`,
    sortText: `${first ? '0' : '3'}${index}`,
    ...(first && index === 0 ? { preselect: true } : {}),
  }));
}

/** The SEC("…") that stands right in front of a function. */
const sectionBefore = ({ macros }: CSyntax, start: number): SectionMacro | undefined =>
  macros.sections.findLast(({ end }) => end <= start && macros.masked.slice(end, start).trim() === '');

export function inCommentOrText(syntax: CSyntax, offset: number): boolean {
  const node = syntax.nodeAt(Math.max(0, offset - 1));
  return node.type === 'comment' || node.type === 'string_content' || node.type === 'char_literal' || node.type === 'system_lib_string';
}

export interface EnclosingCall {
  name: string;
  /** Index of the argument that the place is in. */
  argument: number;
  nameStart: number;
}

/** The innermost call whose brackets are open at a place. Reads the text backwards: while typing there is no tree to trust. */
export function enclosingCall(text: string, offset: number): EnclosingCall | undefined {
  let depth = 0;
  let argument = 0;
  for (let at = offset - 1; at >= 0 && offset - at < 2000; at--) {
    const char = text[at];
    if (char === ')' || char === ']') depth++;
    else if (char === '[') depth--;
    else if (char === ',' && depth === 0) argument++;
    else if (char === ';' || char === '{' || char === '}') return undefined;
    else if (char === '"') {
      const line = text.lastIndexOf('\n', at);
      const open = text.lastIndexOf('"', at - 1);
      if (open > line) at = open;
    } else if (char === '(') {
      if (depth > 0) depth--;
      else {
        const name = /([A-Za-z_]\w*)\s*$/.exec(text.slice(Math.max(0, at - 100), at));
        if (name) return { name: name[1]!, argument, nameStart: at - name[0].length };
        // Brackets that only group: the call is further out.
        argument = 0;
      }
    }
  }
  return undefined;
}
