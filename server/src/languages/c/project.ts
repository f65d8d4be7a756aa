// The files around a C program: headers that it includes from its own folder, and ours below <bpf/…>. Reads only regular files up to a
// bound, never outside the workspace or the program's own folder. Kernel types come from the target kernel, not from files.

import path from 'node:path';
import type { Document } from '../../documents.ts';
import type { Host } from '../../host.ts';
import type { ServerSettings } from '../../settings.ts';
import { CIndex } from './c-index.ts';
import { type CFile, readDeclarations } from './declarations.ts';

/** A header of megabytes is a vmlinux.h: its types come from BTF. */
const LARGEST_HEADER = 1 << 20;
const MOST_HEADERS = 64;
/** Milliseconds for which a file on the disk counts as unchanged. */
const FRESH = 2000;

interface Kept {
  read: number;
  text: string | undefined;
  parsed?: CFile;
}

export class CProject {
  private readonly kept = new Map<string, Kept>();
  private readonly indexes = new WeakMap<Document, { index: CIndex; made: number }>();

  constructor(
    private readonly host: Host,
    private readonly settings: () => ServerSettings,
    private readonly folders: () => readonly string[],
    /** Text of an open document. */
    private readonly open: (uri: string) => string | undefined,
  ) {}

  async index(document: Document): Promise<CIndex> {
    const known = this.indexes.get(document);
    if (known && Date.now() - known.made < FRESH) return known.index;
    const btf = this.host.kernelTypes(this.settings());
    const isType = (name: string): boolean => btf?.find(name, 'typedef') !== undefined;
    const file = known?.index.file ?? readDeclarations(document.uri, document.text, isType);
    const index = new CIndex(file, await this.headers(document.file, file), btf);
    this.indexes.set(document, { index, made: Date.now() });
    return index;
  }

  /** Where an include leads; undefined for what is not found or not ours to read. */
  async find(name: string, quoted: boolean, from: string): Promise<string | undefined> {
    if (name === '' || path.isAbsolute(name)) return undefined;
    const candidates = [
      ...(quoted ? [path.resolve(path.dirname(from), name)] : []),
      ...this.folders().flatMap((folder) => [path.resolve(folder, name), path.resolve(folder, 'include', name)]),
    ].filter((file) => this.inside(file, path.dirname(from)));
    for (const file of candidates) if ((await this.text(file)) !== undefined) return file;
    return this.host.ownHeader(name);
  }

  private inside(file: string, own: string): boolean {
    return [own, ...this.folders()].some((folder) => file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep));
  }

  private async headers(file: string, from: CFile): Promise<CFile[]> {
    const found = new Map<string, CFile>();
    const waiting: { file: string; parsed: CFile }[] = [{ file, parsed: from }];
    while (waiting.length > 0 && found.size < MOST_HEADERS) {
      const next = waiting.shift()!;
      for (const { name, quoted } of next.parsed.includes) {
        const header = await this.find(name, quoted, next.file);
        if (header === undefined || header === file || found.has(header) || found.size >= MOST_HEADERS) continue;
        const parsed = await this.parsed(header);
        if (!parsed) continue;
        found.set(header, parsed);
        waiting.push({ file: header, parsed });
      }
    }
    return [...found.values()];
  }

  private async parsed(file: string): Promise<CFile | undefined> {
    const text = await this.text(file);
    if (text === undefined || text.length > LARGEST_HEADER) return undefined;
    const kept = this.kept.get(file);
    if (kept?.parsed && kept.parsed.text === text) return kept.parsed;
    const parsed = readDeclarations(this.host.uriOf(file), text);
    this.kept.set(file, { read: kept?.read ?? Date.now(), text, parsed });
    return parsed;
  }

  private async text(file: string): Promise<string | undefined> {
    const edited = this.open(this.host.uriOf(file));
    if (edited !== undefined) return edited;
    const kept = this.kept.get(file);
    if (kept && Date.now() - kept.read < FRESH) return kept.text;
    const text = await this.host.readSource(file);
    if (this.kept.size > 4 * MOST_HEADERS) this.kept.clear();
    this.kept.set(file, { read: Date.now(), text, ...(kept?.parsed && kept.text === text ? { parsed: kept.parsed } : {}) });
    return text;
  }
}
