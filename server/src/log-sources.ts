// Finds the source lines that a verifier log speaks of among the files of the workspace. A log is not trusted: its paths are compared with
// the names of files that are there, and never opened. Lines that moved since are found by their text, with a note.

import type { Range } from 'vscode-languageserver';
import type { LoggedSource } from '#core/verifier-log';
import type { Host } from './host.ts';
import { Lines } from './positions.ts';

export interface PlacedSource {
  uri: string;
  /** The line's text without blanks, or the word at the column that Linux 7.3 reports. */
  range: Range;
  /** What a person should know: the line has moved, or has changed since. */
  note?: string;
}

/** Files of one name that are looked into, and files that are searched for a line's text where the log names no file. */
const MOST_CANDIDATES = 2000;
/** A line that was edited stands near where it stood. */
const NEAR = 60;
/** Share of a line's words that must be the same. */
const SIMILAR = 0.7;

interface Opened {
  uri: string;
  text: string;
}

export class LogSources {
  private listed: Promise<readonly string[]> | undefined;
  private readonly texts = new Map<string, Promise<{ uri: string; lines: Lines } | undefined>>();

  /** `opened` are the editor's documents: their text counts, not the disk's. One LogSources serves one reading: files are read once. */
  constructor(
    private readonly host: Host,
    private readonly folders: readonly string[],
    private readonly opened: readonly Opened[],
  ) {}

  /** The text that a place was found in, to know later whether it has changed. */
  async textOf(uri: string): Promise<string | undefined> {
    for (const read of this.texts.values()) {
      const known = await read;
      if (known?.uri === uri) return known.lines.text;
    }
    return undefined;
  }

  async place(source: LoggedSource): Promise<PlacedSource | undefined> {
    const files = await this.files();
    const wanted = source.file === undefined ? undefined : segments(source.file);
    const named = wanted ? files.filter((file) => baseName(file) === wanted.at(-1)) : [];
    if (wanted) named.sort((a, b) => sharedEnd(segments(b), wanted) - sharedEnd(segments(a), wanted));
    const candidates = named.length > 0 ? named : source.text === '' ? [] : files;
    let near: { file: { uri: string; lines: Lines }; line: number; note: string; distance: number } | undefined;
    for (const path of candidates.slice(0, MOST_CANDIDATES)) {
      const file = await this.read(path);
      if (!file) continue;
      if (
        source.line !== undefined &&
        source.line <= file.lines.count &&
        (source.text === '' || same(file.lines.line(source.line - 1), source.text)) &&
        named.length > 0
      )
        return placed(file, source.line - 1, source);
      const line = lineWith(file.lines, source);
      if (line === undefined) continue;
      const distance = source.line === undefined ? 0 : Math.abs(line.index + 1 - source.line);
      const note =
        named.length === 0
          ? `The log ${source.file === undefined ? 'names no file' : `names ${source.file}, which is not in the workspace`}: this line has the same text.`
          : line.exact
            ? `The log says line ${source.line}; the line stands here now.`
            : `The log says line ${source.line}: "${source.text}". The text has changed since.`;
      if (named.length === 0 && !line.exact) continue;
      if (!near || distance < near.distance) near = { file, line: line.index, note, distance };
      if (named.length === 0) break;
    }
    if (near)
      return {
        ...placed(near.file, near.line, {}),
        ...(source.file === undefined && source.line === undefined ? {} : { note: near.note }),
      };
    const first = named[0] === undefined ? undefined : await this.read(named[0]);
    if (!first || source.line === undefined) return undefined;
    const line = Math.min(source.line, first.lines.count) - 1;
    return {
      ...placed(first, line, {}),
      note: `The log says line ${source.line}: "${source.text}". No such line is in this file any more: is it the version that was loaded?`,
    };
  }

  /** Where a program's function is defined: for a log without source lines. */
  async placeProgram(name: string): Promise<PlacedSource | undefined> {
    if (!/^\w{1,128}$/.test(name)) return undefined;
    const pattern = new RegExp(`\\b${name}\\s*(?:\\(|,|:)`);
    for (const path of (await this.files()).slice(0, MOST_CANDIDATES)) {
      const file = await this.read(path);
      if (!file?.lines.text.includes(name)) continue;
      for (let index = 0; index < file.lines.count; index++) {
        const text = file.lines.line(index);
        const match = /^\s*(?:\/\/|\*|#)|;\s*$/.test(text) ? null : pattern.exec(text);
        if (match)
          return {
            uri: file.uri,
            range: { start: { line: index, character: match.index }, end: { line: index, character: match.index + name.length } },
            note: 'The log has no source lines: compile with -g.',
          };
      }
    }
    return undefined;
  }

  /** What the user has open comes first, then what is in the workspace. */
  private async files(): Promise<readonly string[]> {
    this.listed ??= Promise.all(this.folders.map((folder) => this.host.listSources(folder))).then((lists) => {
      const own = this.opened.map(({ uri }) => this.host.pathOf(uri));
      return [...new Set([...own, ...lists.flat()])];
    });
    return this.listed;
  }

  private read(path: string): Promise<{ uri: string; lines: Lines } | undefined> {
    let reading = this.texts.get(path);
    if (!reading) {
      const open = this.opened.find(({ uri }) => this.host.pathOf(uri) === path);
      reading = open
        ? Promise.resolve({ uri: open.uri, lines: new Lines(open.text) })
        : this.host
            .readSource(path)
            .then((text) => (text === undefined ? undefined : { uri: this.host.uriOf(path), lines: new Lines(text) }));
      this.texts.set(path, reading);
    }
    return reading;
  }
}

const segments = (path: string): string[] => path.split(/[\\/]+/).filter((part) => part !== '' && part !== '.');
const baseName = (path: string): string => segments(path).at(-1) ?? '';

/** How many of the last parts of two paths are the same. */
function sharedEnd(a: readonly string[], b: readonly string[]): number {
  let shared = 0;
  while (shared < a.length && shared < b.length && a.at(-1 - shared) === b.at(-1 - shared)) shared++;
  return shared;
}

const squeezed = (text: string): string => text.trim().replace(/\s+/g, ' ');
const same = (a: string, b: string): boolean => squeezed(a) === squeezed(b);

/** The line with this text, nearest to the logged one; else one that is much like it and near. */
function lineWith(lines: Lines, source: LoggedSource): { index: number; exact: boolean } | undefined {
  const wanted = squeezed(source.text);
  if (wanted === '') return undefined;
  const logged = source.line === undefined ? 0 : source.line - 1;
  let best: { index: number; exact: boolean; distance: number } | undefined;
  for (let index = 0; index < lines.count; index++) {
    const distance = Math.abs(index - logged);
    if (best?.exact && distance >= best.distance) continue;
    if (lines.line(index).includes(wanted.slice(0, 8)) && same(lines.line(index), wanted)) best = { index, exact: true, distance };
  }
  if (best || source.line === undefined) return best;
  let most = SIMILAR;
  for (let index = Math.max(0, logged - NEAR); index < Math.min(lines.count, logged + NEAR); index++) {
    const share = likeness(wanted, lines.line(index));
    if (share > most) {
      most = share;
      best = { index, exact: false, distance: Math.abs(index - logged) };
    }
  }
  return best;
}

/** Share of the words that two lines have in common. */
function likeness(a: string, b: string): number {
  const words = (text: string): string[] => text.slice(0, 500).match(/\w+|[^\w\s]/g) ?? [];
  const left = words(a);
  const right = words(b);
  if (left.length === 0 || right.length === 0) return 0;
  const rest = new Map<string, number>();
  for (const word of right) rest.set(word, (rest.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of left) {
    const count = rest.get(word) ?? 0;
    if (count > 0) shared++;
    rest.set(word, count - 1);
  }
  return (2 * shared) / (left.length + right.length);
}

function placed(file: { uri: string; lines: Lines }, line: number, { column }: { column?: number }): PlacedSource {
  const text = file.lines.line(line);
  const first = text.length - text.trimStart().length;
  const end = Math.max(first, text.trimEnd().length);
  const start = column === undefined ? first : Math.min(file.lines.fromCompiler(line + 1, column).character, end);
  const word = column === undefined ? null : /^[A-Za-z_]\w*(?:\s*(?:->|\.)\s*\w+)*/.exec(text.slice(start, end));
  return { uri: file.uri, range: { start: { line, character: start }, end: { line, character: word ? start + word[0].length : end } } };
}
