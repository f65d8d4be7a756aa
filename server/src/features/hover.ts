// Hover: what the thing under the cursor is, from the catalog, and what the verifier knows of it, for C; assembly has hover-asm.ts.

import type { Hover, Position } from 'vscode-languageserver';
import { findSection, helperByName, kfuncByName, mapType, nearestSection } from '#core/catalog';
import type { Checked } from '../check.ts';
import {
  codeBlock,
  contextFieldMarkdown,
  helperMarkdown,
  kfuncMarkdown,
  mapTypeMarkdown,
  sectionMarkdown,
  surroundingsOf,
} from '../describe.ts';
import type { Document } from '../documents.ts';
import { ACTIONS, headerMacro, macroMarkdown } from '../header-macros.ts';
import type { ServerSettings } from '../settings.ts';
import { targetWords } from '../languages/c/attach-targets.ts';
import type { CIndex } from '../languages/c/c-index.ts';
import { contextOf, inCommentOrText } from './completion-c.ts';
import { hoverName } from './hover-c-names.ts';
import { hoverKnown, type HoverOptions } from './hover-known.ts';

export function hoverC(
  document: Document,
  position: Position,
  settings: ServerSettings,
  checked: Checked | undefined,
  options: HoverOptions,
  index: CIndex,
): Hover | undefined {
  const described = describedC(document, position, settings, index);
  const known = hoverKnown(document, checked, document.lines.offset(position), options);
  if (!known) return described;
  const { contents } = described ?? {};
  const before = contents && typeof contents === 'object' && 'value' in contents ? `${contents.value}\n\n---\n\n` : '';
  return {
    contents: { kind: 'markdown', value: `${before}${known.value}` },
    range: described?.range ?? document.lines.range(known.start, known.end),
  };
}

function describedC(document: Document, position: Position, settings: ServerSettings, index: CIndex): Hover | undefined {
  const { syntax, lines, text } = document;
  if (!syntax) return undefined;
  const offset = lines.offset(position);
  const answer = (value: string, start: number, end: number): Hover => ({
    contents: { kind: 'markdown', value },
    range: lines.range(start, end),
  });

  const section = syntax.sectionAt(offset);
  if (section) {
    const known = findSection(section.name);
    if (known) {
      const target = index.btf && targetWords(index.btf, section.name);
      const more = target?.prototype === undefined ? target?.missing : codeBlock(target.prototype);
      const words = sectionMarkdown(section.name, known, settings.targetKernel);
      return answer(more === undefined ? words : `${words}\n\n${more}`, section.nameStart, section.nameEnd);
    }
    const near = section.name.startsWith('.') || section.name === 'license' ? undefined : nearestSection(section.name);
    return near
      ? answer(`libbpf knows no section \`${section.name}\`. Is \`${near}\` meant?`, section.nameStart, section.nameEnd)
      : undefined;
  }

  const word = wordAt(text, offset);
  if (!word) return undefined;
  const { name, start, end } = word;
  const around = surroundingsOf(syntax.programAt(offset)?.section.name, settings.targetKernel);
  const helper = helperByName(name);
  if (helper) return answer(helperMarkdown(helper, around), start, end);
  const kfunc = kfuncByName(name);
  if (kfunc) return answer(kfuncMarkdown(kfunc, around), start, end);
  const macro = headerMacro(name);
  if (macro) return answer(macroMarkdown(macro), start, end);
  const action = Object.values(ACTIONS)
    .flat()
    .find((one) => one.name === name);
  if (action) return answer(`\`${name}\` = ${action.value}: ${action.summary}.`, start, end);
  if (name.startsWith('BPF_MAP_TYPE_')) {
    const row = mapType(name.slice('BPF_MAP_TYPE_'.length).toLowerCase());
    return row && answer(mapTypeMarkdown(row, settings.targetKernel), start, end);
  }
  const variable = /([A-Za-z_]\w*)\s*(?:->|\.)\s*$/.exec(text.slice(Math.max(0, start - 100), start))?.[1];
  const struct = variable === undefined ? undefined : contextOf(syntax, offset, variable);
  const field = struct && contextFieldMarkdown(struct, name);
  if (field) return answer(field, start, end);
  const map = syntax.maps.find((one) => one.name === name);
  if (map && variable === undefined) {
    const row = mapType((map.members.find(({ key }) => key === 'type')?.value ?? '').replace(/^BPF_MAP_TYPE_/, '').toLowerCase());
    const definition = codeBlock(text.slice(map.start, map.end));
    return answer(row ? `${definition}\n\n${row.summary}` : definition, start, end);
  }
  if (inCommentOrText(syntax, start + 1)) return undefined;
  const words = hoverName(index, word);
  return words === undefined || words === '' ? undefined : answer(words, start, end);
}

export function wordAt(text: string, offset: number): { name: string; start: number; end: number } | undefined {
  let start = offset;
  let end = offset;
  while (start > 0 && /\w/.test(text[start - 1]!)) start--;
  while (end < text.length && /\w/.test(text[end]!)) end++;
  return start < end ? { name: text.slice(start, end), start, end } : undefined;
}
