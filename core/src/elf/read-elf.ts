// Reads ELF64 files of either byte order: header, sections, symbols, relocations. Says what is wrong with a file
// and goes on with what can be read. Knows nothing of BPF beyond the machine number.

import { ByteReader, OutOfBounds } from '#core/bytes';
import { error, warning, type Problem } from '#core/problem';
import { SHN_LORESERVE, SHT_NOBITS, SHT_REL, SHT_RELA, SHT_SYMTAB, type Elf, type ElfRelocation, type ElfSection, type ElfSymbol } from './types.ts';

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;

export interface ElfResult {
  elf?: Elf;
  problems: readonly Problem[];
}

export const isElf = (bytes: Uint8Array): boolean => bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** Reads a file. `elf` is absent where the header or the section table cannot be read; other damage leaves parts out and says so. */
export function readElf(file: Uint8Array): ElfResult {
  // Node's Buffer is a Uint8Array whose slice() does not copy: inside, bytes are plain.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  if (!isElf(bytes)) return { problems: [error('not an ELF file: it does not start with 7f 45 4c 46', { code: 'elf-magic', offset: 0 })] };
  if (bytes.length < HEADER_SIZE) return { problems: [error(`the ELF file ends inside its header: ${bytes.length} bytes of ${HEADER_SIZE}`, { code: 'elf-truncated', offset: bytes.length })] };
  if (bytes[4] !== 2) return { problems: [error('a 32-bit ELF file; eBPF objects are 64-bit: compile for the bpf target', { code: 'elf-class', offset: 4 })] };
  if (bytes[5] !== 1 && bytes[5] !== 2) return { problems: [error(`unknown byte order ${bytes[5]} in the ELF header`, { code: 'elf-byte-order', offset: 5 })] };
  try {
    return new Reader(bytes, bytes[5] === 1).read();
  } catch (thrown) {
    if (!(thrown instanceof OutOfBounds)) throw thrown;
    return { problems: [error(`the ELF file is truncated or damaged: ${thrown.message}`, { code: 'elf-truncated', offset: thrown.offset })] };
  }
}

class Reader {
  private readonly problems: Problem[] = [];

  constructor(
    private readonly bytes: Uint8Array,
    private readonly littleEndian: boolean,
  ) {}

  private at(offset: number): ByteReader {
    const reader = new ByteReader(this.bytes, this.littleEndian);
    reader.offset = offset;
    return reader;
  }

  read(): ElfResult {
    const header = this.at(16);
    const type = header.u16();
    const machine = header.u16();
    header.skip(4 + 8 + 8);
    const tableOffset = header.size64();
    header.skip(4 + 2 + 2 + 2);
    const entrySize = header.u16();
    let count = header.u16();
    let namesIndex = header.u16();
    if (tableOffset === 0) return { problems: [error('the ELF file has no section table', { code: 'elf-no-sections', offset: 40 })] };
    if (entrySize !== SECTION_HEADER_SIZE) return { problems: [error(`section headers of ${entrySize} bytes instead of ${SECTION_HEADER_SIZE}`, { code: 'elf-section-table', offset: 58 })] };
    if (tableOffset + SECTION_HEADER_SIZE > this.bytes.length) {
      return { problems: [error(`the section table at ${tableOffset} lies behind the end of the file (${this.bytes.length} bytes): the file is truncated`, { code: 'elf-truncated', offset: tableOffset })] };
    }
    // With 0xff00 sections or more the real numbers stand in section 0 (gABI, e_shnum and e_shstrndx).
    const first = this.at(tableOffset + 32);
    const firstSize = first.size64();
    const firstLink = first.u32();
    if (count === 0) count = firstSize;
    if (namesIndex === 0xffff) namesIndex = firstLink;
    if (tableOffset + count * SECTION_HEADER_SIZE > this.bytes.length) {
      const fits = Math.floor((this.bytes.length - tableOffset) / SECTION_HEADER_SIZE);
      this.problems.push(error(`the section table of ${count} sections at ${tableOffset} reaches behind the end of the file (${this.bytes.length} bytes): the file is truncated`, { code: 'elf-truncated', offset: tableOffset }));
      count = fits;
    }
    const sections = this.sections(tableOffset, count, namesIndex);
    const symbols = this.symbols(sections);
    return { elf: new ElfFile(this.bytes, this.littleEndian, type, machine, sections, symbols, this.relocations(sections, symbols)), problems: this.problems };
  }

  private sections(tableOffset: number, count: number, namesIndex: number): ElfSection[] {
    const nameOffsets: number[] = [];
    const sections: ElfSection[] = [];
    for (let index = 0; index < count; index++) {
      const header = this.at(tableOffset + index * SECTION_HEADER_SIZE);
      nameOffsets.push(header.u32());
      const type = header.u32();
      const flags = Number(header.u64() & 0xffff_ffffn);
      header.skip(8);
      const offset = clampSize(header.u64());
      const size = clampSize(header.u64());
      const link = header.u32();
      const info = header.u32();
      const align = clampSize(header.u64());
      const entrySize = clampSize(header.u64());
      const inFile = type === SHT_NOBITS || type === 0 ? 0 : size;
      const end = Math.min(offset + inFile, this.bytes.length);
      const bytes = offset <= end ? this.bytes.subarray(offset, end) : this.bytes.subarray(0, 0);
      sections.push({ index, name: '', type, flags, offset, size, link, info, align, entrySize, bytes });
    }
    const names = sections[namesIndex];
    sections.forEach((section, index) => {
      section.name = names ? textAt(names.bytes, nameOffsets[index]!) : '';
    });
    if (!names && count > 0) this.problems.push(error(`the section with the section names (${namesIndex}) does not exist`, { code: 'elf-section-names', offset: 62 }));
    for (const section of sections) {
      if (section.type === SHT_NOBITS || section.type === 0 || section.bytes.length === section.size) continue;
      this.problems.push(
        error(`section ${section.name || section.index} (${section.size} bytes at ${section.offset}) reaches behind the end of the file (${this.bytes.length} bytes): the file is truncated`, {
          code: 'elf-truncated',
          offset: section.offset,
          section: section.name,
        }),
      );
    }
    return sections;
  }

  private symbols(sections: readonly ElfSection[]): ElfSymbol[] {
    const table = sections.find(({ type }) => type === SHT_SYMTAB);
    if (!table) return [];
    const names = sections[table.link]?.bytes ?? this.bytes.subarray(0, 0);
    const reader = new ByteReader(table.bytes, this.littleEndian);
    const count = Math.floor(table.bytes.length / SYMBOL_SIZE);
    const symbols: ElfSymbol[] = [];
    for (let index = 0; index < count; index++) {
      const nameOffset = reader.u32();
      const info = reader.u8();
      const visibility = reader.u8() & 3;
      const section = reader.u16();
      const value = clampSize(reader.u64());
      const size = clampSize(reader.u64());
      const symbol: ElfSymbol = { index, name: textAt(names, nameOffset), value, size, binding: info >> 4, type: info & 0x0f, visibility, section };
      if (section >= sections.length && section < SHN_LORESERVE) {
        this.problems.push(warning(`symbol ${symbol.name || index} is in section ${section}, which does not exist`, { code: 'elf-symbol-section', offset: table.offset + index * SYMBOL_SIZE }));
        symbol.section = SHN_LORESERVE;
      }
      symbols.push(symbol);
    }
    return symbols;
  }

  private relocations(sections: readonly ElfSection[], symbols: readonly ElfSymbol[]): Map<number, ElfRelocation[]> {
    const bySection = new Map<number, ElfRelocation[]>();
    for (const section of sections) {
      if (section.type !== SHT_REL && section.type !== SHT_RELA) continue;
      const target = sections[section.info];
      if (!target || section.info === 0) {
        this.problems.push(warning(`relocation section ${section.name} is for section ${section.info}, which does not exist`, { code: 'elf-relocation-target', section: section.name }));
        continue;
      }
      if (isDebug(target)) continue;
      bySection.set(section.info, [...(bySection.get(section.info) ?? []), ...relocationsOf(section, target, symbols, this.littleEndian, this.problems)].sort((a, b) => a.offset - b.offset));
    }
    return bySection;
  }
}

/** Debug sections have most of a file's relocations and few readers: theirs are read when asked for. */
const isDebug = (section: ElfSection): boolean => section.name.startsWith('.debug');

function relocationsOf(section: ElfSection, target: ElfSection, symbols: readonly ElfSymbol[], littleEndian: boolean, problems: Problem[]): ElfRelocation[] {
  const withAddend = section.type === SHT_RELA;
  const entrySize = withAddend ? 24 : 16;
  const reader = new ByteReader(section.bytes, littleEndian);
  const count = Math.floor(section.bytes.length / entrySize);
  const list: ElfRelocation[] = [];
  for (let i = 0; i < count; i++) {
    const place = { section: section.name, offset: section.offset + i * entrySize };
    const offset = clampSize(reader.u64());
    const first = reader.u32();
    const second = reader.u32();
    const [type, symbolIndex] = littleEndian ? [first, second] : [second, first];
    const addend = withAddend ? Number(reader.s64()) : undefined;
    const symbol = symbols[symbolIndex];
    if (!symbol) {
      problems.push(error(`relocation ${i} of ${section.name} names symbol ${symbolIndex}, which does not exist`, { code: 'elf-relocation-symbol', ...place }));
      continue;
    }
    if (offset >= target.size) {
      problems.push(error(`relocation ${i} of ${section.name} patches offset ${offset}, behind the end of ${target.name} (${target.size} bytes)`, { code: 'elf-relocation-offset', ...place }));
      continue;
    }
    list.push(addend === undefined ? { offset, type, symbol } : { offset, type, symbol, addend });
  }
  return list;
}

class ElfFile implements Elf {
  private readonly byName = new Map<string, ElfSection>();
  private readonly bySection = new Map<number, ElfSymbol[]>();

  constructor(
    readonly bytes: Uint8Array,
    readonly littleEndian: boolean,
    readonly type: number,
    readonly machine: number,
    readonly sections: readonly ElfSection[],
    readonly symbols: readonly ElfSymbol[],
    private readonly patches: Map<number, readonly ElfRelocation[]>,
  ) {
    for (const section of sections) if (!this.byName.has(section.name)) this.byName.set(section.name, section);
    for (const symbol of symbols) {
      const list = this.bySection.get(symbol.section);
      if (list) list.push(symbol);
      else this.bySection.set(symbol.section, [symbol]);
    }
    for (const list of this.bySection.values()) list.sort((a, b) => a.value - b.value || a.index - b.index);
  }

  section(name: string): ElfSection | undefined {
    return this.byName.get(name);
  }

  relocations(section: number): readonly ElfRelocation[] {
    const known = this.patches.get(section);
    if (known) return known;
    const target = this.sections[section];
    const found =
      target && isDebug(target)
        ? this.sections
            .filter(({ type, info }) => (type === SHT_REL || type === SHT_RELA) && info === section)
            .flatMap((table) => relocationsOf(table, target, this.symbols, this.littleEndian, []))
            .sort((a, b) => a.offset - b.offset)
        : [];
    this.patches.set(section, found);
    return found;
  }

  symbolsIn(section: number): readonly ElfSymbol[] {
    return this.bySection.get(section) ?? [];
  }
}

/** Sizes past 2^53 are lies; any number behind the end of every file says the same. */
const clampSize = (value: bigint): number => (value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value));

const decoder = new TextDecoder('utf-8');

/** The NUL-terminated text at `offset`; what is left of the table where the NUL is missing, empty behind its end. */
export function textAt(table: Uint8Array, offset: number): string {
  if (offset >= table.length) return '';
  const end = table.indexOf(0, offset);
  return decoder.decode(table.subarray(offset, end < 0 ? table.length : end));
}
