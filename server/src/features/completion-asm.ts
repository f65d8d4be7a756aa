// Completion in assembly: registers, mnemonics, directives, section names, and behind `call` the helpers with their fate here and now.

import { type CompletionItem, CompletionItemKind, CompletionItemTag, type Position } from 'vscode-languageserver';
import { HELPERS, MAP_TYPES, PROGRAM_TYPES, SECTIONS, type SectionRow } from '#core/catalog';
import { CLASSIC_MNEMONICS, DIRECTIVES, INSTRUCTIONS } from '#core/isa';
import { helperPermission, sectionRowWords, surroundingsOf } from '../describe.ts';
import type { Document } from '../documents.ts';
import type { ServerSettings } from '../settings.ts';
import type { CompletionData } from './completion-c.ts';

export function completeAsm(document: Document, position: Position, settings: ServerSettings): CompletionItem[] {
  const { asm, lines } = document;
  if (!asm) return [];
  const before = lines.line(position.line).slice(0, position.character);
  if (/[#;]|\/\//.test(before.replace(/"[^"]*"/g, ''))) return [];
  const section = asm.sectionAt(position.line + 1);

  if (/^\s*\.section\s+"?[\w./?]*$/.test(before)) {
    const seen = new Set<string>();
    return (SECTIONS as readonly SectionRow[]).flatMap((row) => {
      const label = row.section.replace(/\+$/, '');
      if (seen.has(label)) return [];
      seen.add(label);
      return [
        {
          label,
          kind: CompletionItemKind.EnumMember,
          detail: sectionRowWords(row),
          documentation: PROGRAM_TYPES.find(({ name }) => name === row.programType)?.summary ?? '',
        },
      ];
    });
  }
  if (/^\s*\.map\b/.test(before))
    return MAP_TYPES.map((row) => ({ label: row.name, kind: CompletionItemKind.EnumMember, detail: row.summary }));
  if (/^\s*(?:[\w.$]+:\s*)?call\s+\w*$/.test(before)) {
    const around = surroundingsOf(section, settings.targetKernel);
    const functions = asm.assembled.symbols
      .filter(({ kind }) => kind === 'func')
      .map(({ name }): CompletionItem => ({
        label: name,
        kind: CompletionItemKind.Function,
        detail: 'function of this file',
        sortText: `0${name}`,
      }));
    return [
      ...functions,
      ...HELPERS.map((helper): CompletionItem => {
        const permission = helperPermission(helper, around);
        return {
          label: helper.name,
          kind: CompletionItemKind.Function,
          detail: permission.allowed ? helper.prototype : permission.reason!,
          documentation: helper.summary,
          sortText: `${permission.allowed ? 1 : 8}${helper.name}`,
          ...(permission.allowed ? {} : { tags: [CompletionItemTag.Deprecated] }),
          data: { kind: 'helper', name: helper.name, ...(section === undefined ? {} : { section }) } satisfies CompletionData,
        };
      }),
    ];
  }
  if (/\bgoto\s+\w*$|^\s*j\w+\s+.*,\s*\w*$/.test(before)) {
    const labels = [...new Set(document.text.match(/^\s*[A-Za-z_.$][\w.$]*(?=:)/gm)?.map((label) => label.trim()) ?? [])];
    return labels.map((label) => ({ label, kind: CompletionItemKind.Reference, detail: 'label' }));
  }
  if (/^\s*\.\w*$/.test(before))
    return DIRECTIVES.map((label) => ({
      label,
      kind: CompletionItemKind.Keyword,
      insertText: label.slice(before.trim().length > 0 ? 1 : 0),
      filterText: label,
    }));

  const registers = Array.from({ length: 11 }, (_, number): CompletionItem => ({
    label: `r${number}`,
    kind: CompletionItemKind.Variable,
    sortText: `1${String(number).padStart(2, '0')}`,
  }));
  if (!/^\s*(?:[\w.$]+:\s*)?\w*$/.test(before))
    return [
      ...registers,
      ...asm.assembled.maps.map(({ name }): CompletionItem => ({
        label: name,
        kind: CompletionItemKind.Variable,
        detail: 'map',
        sortText: `0${name}`,
      })),
    ];
  const words = ['call', 'goto', 'if', 'exit', 'lock'].map((label): CompletionItem => ({
    label,
    kind: CompletionItemKind.Keyword,
    sortText: `2${label}`,
  }));
  const known = new Set(words.map(({ label }) => label));
  const mnemonics = CLASSIC_MNEMONICS.filter((name) => !known.has(name)).map((label): CompletionItem => {
    const summary = INSTRUCTIONS.find(({ mnemonic }) => mnemonic === label)?.summary;
    return { label, kind: CompletionItemKind.Keyword, sortText: `3${label}`, ...(summary ? { detail: summary } : {}) };
  });
  return [...registers, ...words, ...mnemonics];
}
