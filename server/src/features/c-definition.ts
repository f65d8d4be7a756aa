// Where C's names are declared: in the text itself, in its headers, and for the kernel's types in vmlinux.h. References, the names that
// are the same and renaming follow from it.

import {
  type DocumentHighlight,
  DocumentHighlightKind,
  type DocumentLink,
  type Location,
  type Position,
  type Range,
  type WorkspaceEdit,
} from 'vscode-languageserver';
import type { Document } from '../documents.ts';
import type { CIndex, Member, Place } from '../languages/c/c-index.ts';
import { placeIn } from '../languages/c/c-index.ts';
import type { CType } from '../languages/c/declarations.ts';
import type { KernelHeader } from '../host.ts';
import { Lines } from '../positions.ts';
import { wordAt } from './hover.ts';

export interface CPlaces {
  index: CIndex;
  /** The header with every kernel type, for what only the kernel declares. */
  kernelHeader: () => Promise<KernelHeader | undefined>;
  uriOf: (file: string) => string;
  findInclude: (name: string, quoted: boolean) => Promise<string | undefined>;
}

const locationOf = ({ file, declaration }: Place): Location => ({
  uri: file.uri,
  range: new Lines(file.text).range(declaration.nameStart, declaration.nameStart + declaration.name.length),
});

export async function definitionC(document: Document, position: Position, places: CPlaces): Promise<Location | undefined> {
  const offset = document.lines.offset(position);
  const { index } = places;
  const include = index.file.includes.find(({ start, end }) => start <= offset && offset <= end);
  if (include) {
    const file = await places.findInclude(include.name, include.quoted);
    const start = { line: 0, character: 0 };
    if (file !== undefined) return { uri: places.uriOf(file), range: { start, end: start } };
    const header = include.name === 'vmlinux.h' ? await places.kernelHeader() : undefined;
    return header && { uri: places.uriOf(header.file), range: { start, end: start } };
  }
  const word = wordAt(document.text, offset);
  if (!word) return undefined;
  const found = index.placeOf(word);
  const own = placeIn(found);
  if (own) return locationOf(own);
  if (found && 'of' in found) return inKernelHeader(places, (text) => memberIn(text, found));
  if (!/^[A-Za-z_]/.test(word.name)) return undefined;
  const keyword = /\b(struct|union|enum)\s+$/.exec(document.text.slice(Math.max(0, word.start - 20), word.start))?.[1];
  return inKernelHeader(places, (text) => declaredIn(text, word.name, keyword));
}

/** The type of the thing under the cursor. */
export async function typeDefinitionC(document: Document, position: Position, places: CPlaces): Promise<Location | undefined> {
  const word = wordAt(document.text, document.lines.offset(position));
  const { index } = places;
  const found = word && index.placeOf(word);
  if (!found || ('kind' in found && found.kind === 'kernel-enumerator')) return undefined;
  let type: CType | undefined = placeIn(found)?.declaration.type ?? (found as Member).type;
  for (let steps = 0; type && steps < 8; steps++) {
    const bare: CType = index.strip(type);
    if (bare.kind === 'composite') {
      for (const file of [index.file, ...index.headers]) {
        const declaration = file.declarations.find((one) => one.kind === 'tag' && one.type === bare);
        if (declaration) return locationOf({ file, declaration });
      }
      return undefined;
    }
    if (bare.kind === 'btf') {
      const row = index.btf?.type(bare.id);
      if (row && row.name !== '' && (row.kind === 'struct' || row.kind === 'union' || row.kind === 'enum'))
        return inKernelHeader(places, (text) => declaredIn(text, row.name, row.kind));
      return undefined;
    }
    type = bare.kind === 'pointer' ? bare.to : bare.kind === 'array' ? bare.of : bare.kind === 'function' ? bare.returns : undefined;
  }
  return undefined;
}

async function inKernelHeader(
  { kernelHeader, uriOf }: CPlaces,
  find: (text: string) => { start: number; end: number } | undefined,
): Promise<Location | undefined> {
  const header = await kernelHeader();
  const found = header && find(header.text);
  return found && { uri: uriOf(header.file), range: header.lines.range(found.start, found.end) };
}

function declaredIn(text: string, name: string, keyword?: string): { start: number; end: number } | undefined {
  // As vmlinux.h is printed: definitions begin in the first column, an enumerator stands on its own line.
  const forms = keyword
    ? [`\n${keyword} ${name} {`]
    : [`\nstruct ${name} {`, ` ${name};\n`, `\n\t${name} = `, `\n\t${name},`, `\nunion ${name} {`, `\nenum ${name} {`];
  for (const form of forms) {
    const at = text.indexOf(form);
    if (at < 0) continue;
    // A member's line is indented; a typedef's is not.
    if (form.endsWith(';\n') && !text.slice(text.lastIndexOf('\n', at) + 1, at).startsWith('typedef')) {
      const typedef = new RegExp(`\\ntypedef [^\\n]*[ *]${name};`).exec(text);
      if (!typedef) continue;
      const start = typedef.index + typedef[0].length - name.length - 1;
      return { start, end: start + name.length };
    }
    const start = at + form.indexOf(name);
    return { start, end: start + name.length };
  }
  return undefined;
}

function memberIn(text: string, { name, of }: Member): { start: number; end: number } | undefined {
  if (!of) return undefined;
  const struct = declaredIn(text, of, 'struct') ?? declaredIn(text, of, 'union');
  if (!struct) return undefined;
  const end = text.indexOf('\n}', struct.end);
  const body = text.slice(struct.end, end < 0 ? struct.end + 100_000 : end);
  const found = new RegExp(`[ *(]${name}(?=[;:[)])`).exec(body);
  if (!found) return struct;
  const start = struct.end + found.index + 1;
  return { start, end: start + name.length };
}

function targetAt(document: Document, position: Position, index: CIndex): Place | undefined {
  const word = wordAt(document.text, document.lines.offset(position));
  return word && placeIn(index.placeOf(word));
}

export function highlightsC(document: Document, position: Position, index: CIndex): DocumentHighlight[] {
  const target = targetAt(document, position, index);
  if (!target) return [];
  return index.references(target).map(({ start, end }) => {
    const behind = document.text.slice(end, end + 12);
    const written = target.declaration.nameStart === start || /^\s*(?:=[^=]|[-+*/%&|^]=|<<=|>>=|\+\+|--)/.test(behind);
    return { range: document.lines.range(start, end), kind: written ? DocumentHighlightKind.Write : DocumentHighlightKind.Read };
  });
}

/** In this text and in the others that see the same declaration. */
export function referencesC(
  document: Document,
  position: Position,
  index: CIndex,
  others: readonly CIndex[],
  declaration: boolean,
): Location[] {
  const target = targetAt(document, position, index);
  if (!target) return [];
  const locations: Location[] = [];
  const seen = new Set<string>();
  for (const one of [index, ...others]) {
    if (seen.has(one.file.uri)) continue;
    seen.add(one.file.uri);
    const lines = new Lines(one.file.text);
    for (const { start, end } of one.references(target))
      if (declaration || one.file.uri !== target.file.uri || start !== target.declaration.nameStart)
        locations.push({ uri: one.file.uri, range: lines.range(start, end) });
  }
  // A declaration in a header that is not open.
  if (declaration && !seen.has(target.file.uri)) locations.push(locationOf(target));
  return locations;
}

export function prepareRenameC(document: Document, position: Position, index: CIndex): Range | undefined {
  const word = wordAt(document.text, document.lines.offset(position));
  return word && placeIn(index.placeOf(word)) ? document.lines.range(word.start, word.end) : undefined;
}

/** Undefined for what is not the user's own, and for a name that C does not allow. */
export function renameC(
  document: Document,
  position: Position,
  name: string,
  index: CIndex,
  others: readonly CIndex[],
): WorkspaceEdit | undefined {
  if (!/^[A-Za-z_]\w*$/.test(name)) return undefined;
  const changes: Record<string, { range: Range; newText: string }[]> = {};
  for (const { uri, range } of referencesC(document, position, index, others, true)) (changes[uri] ??= []).push({ range, newText: name });
  return Object.keys(changes).length > 0 ? { changes } : undefined;
}

export async function documentLinksC(document: Document, places: CPlaces): Promise<DocumentLink[]> {
  const links: DocumentLink[] = [];
  for (const { name, quoted, start, end } of places.index.file.includes) {
    const file = await places.findInclude(name, quoted);
    if (file !== undefined) links.push({ range: document.lines.range(start, end), target: places.uriOf(file) });
  }
  return links;
}
