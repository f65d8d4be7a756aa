// Go to definition: maps and functions of the same C file, labels and functions of the same assembly file.

import type { Location, Position } from 'vscode-languageserver';
import type { Document } from '../documents.ts';
import { wordAt } from './hover.ts';

export function definition(document: Document, position: Position): Location | undefined {
  const { lines, syntax, asm, uri } = document;
  const reference = asm?.referenceAt(position.line + 1, position.character + 1);
  if (reference?.definition) {
    const start = { line: reference.definition.line - 1, character: reference.definition.column - 1 };
    return { uri, range: { start, end: { line: start.line, character: start.character + reference.name.length } } };
  }
  const word = syntax && wordAt(document.text, lines.offset(position));
  if (!syntax || !word) return undefined;
  const named = syntax.maps.find(({ name }) => name === word.name) ?? syntax.functions.find(({ name }) => name === word.name);
  return named && { uri, range: lines.range(named.nameStart, named.nameStart + named.name.length) };
}
