// The outline: programs, maps and functions of C; sections' functions of assembly.

import { type DocumentSymbol, SymbolKind } from 'vscode-languageserver';
import type { Document } from '../documents.ts';

export function documentSymbols(document: Document): DocumentSymbol[] {
  const { lines, syntax, asm } = document;
  if (syntax) {
    const programs = new Map(syntax.programs.map((program) => [program.start, program]));
    const functions = syntax.functions.map((one): DocumentSymbol => {
      const program = programs.get(one.start);
      const name = program?.name ?? one.name;
      const nameStart = program?.nameStart ?? one.nameStart;
      return {
        name,
        detail: program ? `SEC("${program.section.name}")` : '',
        kind: SymbolKind.Function,
        range: lines.range(one.start, one.end),
        selectionRange: lines.range(nameStart, nameStart + name.length),
      };
    });
    const maps = syntax.maps.map((map): DocumentSymbol => ({
      name: map.name,
      detail: (map.members.find(({ key }) => key === 'type')?.value ?? 'map').replace(/^BPF_MAP_TYPE_/, '').toLowerCase(),
      kind: SymbolKind.Struct,
      range: lines.range(map.start, map.end),
      selectionRange: lines.range(map.nameStart, map.nameStart + map.name.length),
    }));
    return [...maps, ...functions].sort((a, b) => a.range.start.line - b.range.start.line);
  }
  return (asm?.programs ?? []).map(({ name, section, line, endLine, column }) => ({
    name,
    detail: section,
    kind: SymbolKind.Function,
    range: { start: { line: line - 1, character: 0 }, end: { line: endLine - 1, character: lines.line(endLine - 1).length } },
    selectionRange: { start: { line: line - 1, character: column - 1 }, end: { line: line - 1, character: column - 1 + name.length } },
  }));
}
