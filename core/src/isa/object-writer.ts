// An assembled text as an ELF object that libbpf loads: sections, symbols, relocations, and .BTF with .BTF.ext for maps, functions
// and line records unless the text (compiler output) brings its own. ELF64, little endian, machine EM_BPF.

import { splitFunctions } from './object-functions.ts';
import { ByteWriter, StringTable, writeBtf } from './object-btf.ts';
import type { AssembledObject, AssembledRelocation, AssembledSymbol } from './assemble.ts';
import { R_BPF_64_32, R_BPF_64_64 } from './relocation-types.ts';
import { error, type Problem } from '#core/problem';

const SHT = { PROGBITS: 1, SYMTAB: 2, STRTAB: 3, NOBITS: 8, REL: 9 } as const;
const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4, MERGE: 0x10, STRINGS: 0x20 } as const;
const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3 } as const;
const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;
const STV_HIDDEN = 2;
const EM_BPF = 247;

export interface WriteObjectOptions {
  /** Number of a map type by its lower-case name: `hash` → 1. */
  mapTypeId: (name: string) => number | undefined;
}

interface OutputSection {
  name: string;
  type: number;
  flags: number;
  alignment: number;
  bytes: Uint8Array;
  /** Of NOBITS sections the bytes are not written. */
  link: number;
  info: number;
  entrySize: number;
  relocations: readonly AssembledRelocation[];
}

/** The object file's bytes, and what kept parts of the text out of it. */
export function writeObject(object: AssembledObject, options: WriteObjectOptions): { bytes: Uint8Array; problems: Problem[] } {
  const split = splitFunctions(object);
  const problems = [...split.problems];
  const output: OutputSection[] = split.sections.map((section) => ({
    name: section.name,
    type: section.nobits ? SHT.NOBITS : SHT.PROGBITS,
    flags: flagBits(section.insns.length > 0 ? 'ax' : section.flags),
    alignment: section.alignment,
    bytes: section.bytes,
    link: 0,
    info: 0,
    entrySize: 0,
    relocations: section.relocations,
  }));
  const add = (name: string, bytes: Uint8Array, flags: number, alignment = 1): void =>
    void output.push({ name, type: SHT.PROGBITS, flags, alignment, bytes, link: 0, info: 0, entrySize: 0, relocations: [] });
  let symbols: readonly AssembledSymbol[] = split.symbols;

  for (const map of object.maps) {
    if (options.mapTypeId(map.type) === undefined) {
      problems.push(
        error(`there is no map type "${map.type}"`, {
          code: 'asm-map',
          span: {
            file: object.file,
            line: map.line,
            column: map.typeSpan?.column ?? map.column,
            endLine: map.line,
            endColumn: map.typeSpan?.endColumn ?? map.endColumn,
          },
        }),
      );
    }
  }
  if (!output.some((section) => section.name === '.BTF')) {
    const { btf, btfExt, maps } = writeBtf(object.file, split.sections, symbols, object.maps, options.mapTypeId);
    if (maps.length > 0) {
      add('.maps', new Uint8Array(maps.reduce((sum, map) => sum + map.size, 0)), SHF.WRITE | SHF.ALLOC, 8);
      symbols = [
        ...symbols,
        ...maps.map((map): AssembledSymbol => ({
          name: map.name,
          section: '.maps',
          offset: map.offset,
          size: map.size,
          kind: 'object',
          binding: 'global',
          hidden: false,
          implicit: false,
          line: 0,
          column: 0,
        })),
      ];
    }
    add('.BTF', btf, 0, 4);
    add('.BTF.ext', btfExt, 0, 4);
  }
  if (object.license !== '' && !output.some((section) => section.name === 'license')) {
    add('license', new ByteWriter().raw(new TextEncoder().encode(object.license)).u8(0).done(), SHF.WRITE | SHF.ALLOC);
  }
  for (const section of output) throughSection(section, symbols);
  return { bytes: elf(output, symbols), problems };
}

/** libbpf takes a static function of .text by its section and the offset that the instruction carries, as LLVM writes it. */
function throughSection(section: OutputSection, symbols: readonly AssembledSymbol[]): void {
  const statics = new Map(
    symbols
      .filter((symbol) => symbol.section === '.text' && symbol.kind === 'func' && symbol.binding === 'local')
      .map((symbol) => [symbol.name, symbol]),
  );
  if (!section.relocations.some((relocation) => !relocation.isSection && statics.has(relocation.symbol))) return;
  section.bytes = new Uint8Array(section.bytes);
  const view = new DataView(section.bytes.buffer);
  section.relocations = section.relocations.map((relocation) => {
    const symbol = relocation.isSection ? undefined : statics.get(relocation.symbol);
    if (!symbol || (relocation.type !== R_BPF_64_64 && relocation.type !== R_BPF_64_32)) return relocation;
    const at = relocation.offset + 4;
    view.setInt32(at, relocation.type === R_BPF_64_32 ? symbol.offset / 8 - 1 : view.getInt32(at, true) + symbol.offset, true);
    return { ...relocation, symbol: '.text', isSection: true };
  });
}

function flagBits(letters: string): number {
  const bits: Readonly<Record<string, number>> = { a: SHF.ALLOC, w: SHF.WRITE, x: SHF.EXECINSTR, M: SHF.MERGE, S: SHF.STRINGS };
  let flags = 0;
  for (const letter of letters) flags |= bits[letter] ?? 0;
  // The entry size of mergeable strings is not kept: without it the flag would lie.
  return flags & ~(SHF.MERGE | SHF.STRINGS);
}

function elf(content: readonly OutputSection[], symbols: readonly AssembledSymbol[]): Uint8Array {
  const strings = new StringTable();
  const sections: OutputSection[] = [...content];
  const indexOf = new Map(content.map((section, i) => [section.name, i + 1]));
  const symbolIndex = new Map<string, number>();
  const sectionSymbol = new Map<string, number>();
  const table = new ByteWriter().raw(new Uint8Array(24));
  let count = 1;
  const write = (name: number, info: number, other: number, section: number, value: number, size: number): number => {
    table.u32(name).u8(info).u8(other).u16(section).u64(value).u64(size);
    return count++;
  };
  for (const section of content) sectionSymbol.set(section.name, write(0, STT.SECTION, 0, indexOf.get(section.name)!, 0, 0));
  const emit = (symbol: AssembledSymbol): void => {
    const bind =
      symbol.binding === 'local' && !(symbol.kind === 'func' && symbol.section !== '.text' && symbol.section !== undefined)
        ? STB.LOCAL
        : symbol.binding === 'weak'
          ? STB.WEAK
          : STB.GLOBAL;
    const section = symbol.section === undefined ? 0 : (indexOf.get(symbol.section) ?? 0);
    // A name in data is a variable, though only compilers say so with .type.
    const isData = section !== 0 && (content[section - 1]!.flags & SHF.EXECINSTR) === 0;
    const type = symbol.kind === 'func' ? STT.FUNC : symbol.kind === 'object' || isData ? STT.OBJECT : STT.NOTYPE;
    symbolIndex.set(
      symbol.name,
      write(strings.add(symbol.name), (bind << 4) | type, symbol.hidden ? STV_HIDDEN : 0, section, symbol.offset, symbol.size),
    );
  };
  // Local symbols stand in front of all others. A program is global whatever its label says: libbpf takes no static ones.
  const isLocal = (symbol: AssembledSymbol): boolean =>
    symbol.binding === 'local' && symbol.section !== undefined && !(symbol.kind === 'func' && symbol.section !== '.text');
  symbols.filter(isLocal).forEach(emit);
  const firstGlobal = count;
  symbols.filter((symbol) => !isLocal(symbol)).forEach(emit);

  const symtab = sections.length + 1 + content.filter((section) => section.relocations.length > 0).length;
  for (const [i, section] of content.entries()) {
    if (section.relocations.length === 0) continue;
    const bytes = new ByteWriter();
    for (const relocation of section.relocations) {
      const symbol = relocation.isSection
        ? sectionSymbol.get(relocation.symbol)
        : (symbolIndex.get(relocation.symbol) ?? sectionSymbol.get(relocation.symbol));
      bytes.u64(relocation.offset).u64((BigInt(symbol ?? 0) << 32n) | BigInt(relocation.type));
    }
    sections.push({
      name: `.rel${section.name}`,
      type: SHT.REL,
      flags: 0x40,
      alignment: 8,
      bytes: bytes.done(),
      link: symtab,
      info: i + 1,
      entrySize: 16,
      relocations: [],
    });
  }
  sections.push({
    name: '.symtab',
    type: SHT.SYMTAB,
    flags: 0,
    alignment: 8,
    bytes: table.done(),
    link: symtab + 1,
    info: firstGlobal,
    entrySize: 24,
    relocations: [],
  });
  for (const section of sections) strings.add(section.name);
  strings.add('.strtab');
  sections.push({
    name: '.strtab',
    type: SHT.STRTAB,
    flags: 0,
    alignment: 1,
    bytes: strings.done(),
    link: 0,
    info: 0,
    entrySize: 0,
    relocations: [],
  });
  return file(sections, strings);
}

function file(sections: readonly OutputSection[], strings: StringTable): Uint8Array {
  const writer = new ByteWriter().raw(new Uint8Array(64));
  const headers = new ByteWriter().raw(new Uint8Array(64));
  for (const section of sections) {
    writer.alignTo(Math.max(1, section.alignment));
    const offset = writer.length;
    if (section.type !== SHT.NOBITS) writer.raw(section.bytes);
    headers
      .u32(strings.add(section.name))
      .u32(section.type)
      .u64(section.flags)
      .u64(0)
      .u64(offset)
      .u64(section.bytes.length)
      .u32(section.link)
      .u32(section.info)
      .u64(Math.max(1, section.alignment))
      .u64(section.entrySize);
  }
  writer.alignTo(8);
  const headerOffset = writer.length;
  const bytes = writer.raw(headers.done()).done();
  const header = new ByteWriter()
    .raw(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0))
    .u64(0)
    .u16(1)
    .u16(EM_BPF)
    .u32(1)
    .u64(0)
    .u64(0)
    .u64(headerOffset)
    .u32(0)
    .u16(64)
    .u16(0)
    .u16(0)
    .u16(64)
    .u16(sections.length + 1)
    .u16(sections.length);
  bytes.set(header.done(), 0);
  return bytes;
}
