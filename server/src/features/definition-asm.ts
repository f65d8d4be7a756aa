// Go to definition in assembly: labels and functions of the same file.

import type { Location, Position } from 'vscode-languageserver';
import type { Document } from '../documents.ts';

export function definitionAsm({ asm, uri }: Document, position: Position): Location | undefined {
  const reference = asm?.referenceAt(position.line + 1, position.character + 1);
  if (!reference?.definition) return undefined;
  const start = { line: reference.definition.line - 1, character: reference.definition.column - 1 };
  return { uri, range: { start, end: { line: start.line, character: start.character + reference.name.length } } };
}
