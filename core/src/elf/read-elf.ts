// Reads ELF64 files of either byte order: header, sections, symbols, relocations. Says what is wrong with a file
// and goes on with what can be read. Relocations are checked at once and read when asked for. Knows nothing of BPF beyond the machine number.

import { ByteReader, OutOfBounds, StringTable } from '#core/bytes';
import { error, warning, type Problem } from '#core/problem';
import {
  SHF_COMPRESSED,
  SHN_LORESERVE,
  SHT_NOBITS,
  SHT_REL,
  SHT_RELA,
  SHT_SYMTAB,
  type Elf,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
} from './types.ts';

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;

/** Sections of one file may share some bytes; where they claim this many times the file, it is made to cost time. */
const MAX_OVERLAP = 4;
/** Of each table; a damaged one can have as many as entries. */
const MAX_TABLE_PROBLEMS = 100;

export interface ElfResult {
  elf?: Elf;
  problems: readonly Problem[];
}

/** Larger sizes and places are lies; any number behind the end of every file says the same. */
const MAX_SIZE = Number.MAX_SAFE_INTEGER;

export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** Reads a file. `elf` is absent where the header or the section table cannot be read; other damage leaves parts out and says so. */
export function readElf(file: Uint8Array): ElfResult {
  // Node's Buffer is a Uint8Array whose slice() does not copy: inside, bytes are plain.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  if (!isElf(bytes)) return { problems: [error('not an ELF file: it does not start with 7f 45 4c 46', { code: 'elf-magic', offset: 0 })] };
  if (bytes.length < HEADER_SIZE)
    return {
      problems: [
        error(`the ELF file ends inside its header: ${bytes.length} bytes of ${HEADER_SIZE}`, {
          code: 'elf-truncated',
          offset: bytes.length,
        }),
      ],
    };
  if (bytes[4] !== 2)
    return {
      problems: [error('a 32-bit ELF file; eBPF objects are 64-bit: compile for the bpf target', { code: 'elf-class', offset: 4 })],
    };
  if (bytes[5] !== 1 && bytes[5] !== 2)
    return { problems: [error(`unknown byte order ${bytes[5]} in the ELF header`, { code: 'elf-byte-order', offset: 5 })] };
  try {
    return new Reader(bytes, bytes[5] === 1).read();
  } catch (thrown) {
    if (!(thrown instanceof OutOfBounds)) throw thrown;
    return {
      problems: [error(`the ELF file is truncated or damaged: ${thrown.message}`, { code: 'elf-truncated', offset: thrown.offset })],
    };
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
    if (entrySize !== SECTION_HEADER_SIZE)
      return {
        problems: [
          error(`section headers of ${entrySize} bytes instead of ${SECTION_HEADER_SIZE}`, { code: 'elf-section-table', offset: 58 }),
        ],
      };
    if (tableOffset + SECTION_HEADER_SIZE > this.bytes.length) {
      return {
        problems: [
          error(`the section table at ${tableOffset} lies behind the end of the file (${this.bytes.length} bytes): the file is truncated`, {
            code: 'elf-truncated',
            offset: tableOffset,
          }),
        ],
      };
    }
    // With 0xff00 sections or more the real numbers stand in section 0 (gABI, e_shnum and e_shstrndx).
    const first = this.at(tableOffset + 32);
    const firstSize = first.size64();
    const firstLink = first.u32();
    if (count === 0) count = firstSize;
    if (namesIndex === 0xffff) namesIndex = firstLink;
    if (tableOffset + count * SECTION_HEADER_SIZE > this.bytes.length) {
      const fits = Math.floor((this.bytes.length - tableOffset) / SECTION_HEADER_SIZE);
      this.problems.push(
        error(
          `the section table of ${count} sections at ${tableOffset} reaches behind the end of the file (${this.bytes.length} bytes): the file is truncated`,
          { code: 'elf-truncated', offset: tableOffset },
        ),
      );
      count = fits;
    }
    const sections = this.sections(tableOffset, count, namesIndex);
    const symbols = this.symbols(sections);
    this.checkRelocations(sections, symbols.length);
    return { elf: new ElfFile(this.bytes, this.littleEndian, type, machine, sections, symbols), problems: this.problems };
  }

  private sections(tableOffset: number, count: number, namesIndex: number): ElfSection[] {
    const view = viewOf(this.bytes);
    const { littleEndian } = this;
    const sections: ElfSection[] = [];
    let claimed = 0;
    for (let index = 0; index < count; index++) {
      const at = tableOffset + index * SECTION_HEADER_SIZE;
      const u32 = (offset: number): number => view.getUint32(at + offset, littleEndian);
      const type = u32(4);
      const offset = size64(view, at + 24, littleEndian);
      const size = size64(view, at + 32, littleEndian);
      const inFile = type === SHT_NOBITS || type === 0 ? 0 : size;
      const end = Math.min(offset + inFile, this.bytes.length);
      if (offset < end) claimed += end - offset;
      const bytes =
        offset <= end && claimed <= MAX_OVERLAP * this.bytes.length ? this.bytes.subarray(offset, end) : this.bytes.subarray(0, 0);
      // All flags that anyone defined stand in the low half.
      const flags = u32(littleEndian ? 8 : 12);
      sections.push({
        index,
        name: '',
        type,
        flags,
        offset,
        size,
        link: u32(40),
        info: u32(44),
        align: size64(view, at + 48, littleEndian),
        entrySize: size64(view, at + 56, littleEndian),
        bytes,
      });
    }
    if (claimed > MAX_OVERLAP * this.bytes.length)
      this.problems.push(
        error(
          `the sections overlap: together they claim ${claimed} bytes of a file of ${this.bytes.length}; the last of them are left empty`,
          { code: 'elf-overlap', offset: tableOffset },
        ),
      );
    const table = sections[namesIndex];
    if (table) {
      const names = new StringTable(table.bytes);
      for (const section of sections)
        section.name = names.at(view.getUint32(tableOffset + section.index * SECTION_HEADER_SIZE, littleEndian)) ?? '';
    } else if (count > 0) {
      this.problems.push(
        error(`the section with the section names (${namesIndex}) does not exist`, { code: 'elf-section-names', offset: 62 }),
      );
    }
    for (const section of sections) {
      if (section.type === SHT_NOBITS || section.type === 0 || section.size === 0 || section.offset + section.size <= this.bytes.length)
        continue;
      this.problems.push(
        error(
          `section ${section.name || section.index} (${section.size} bytes at ${section.offset}) reaches behind the end of the file (${this.bytes.length} bytes): the file is truncated`,
          {
            code: 'elf-truncated',
            offset: section.offset,
            section: section.name,
          },
        ),
      );
    }
    return sections;
  }

  private symbols(sections: readonly ElfSection[]): ElfSymbol[] {
    const table = sections.find(({ type }) => type === SHT_SYMTAB);
    if (!table) return [];
    const names = new StringTable(sections[table.link]?.bytes ?? this.bytes.subarray(0, 0));
    const view = viewOf(table.bytes);
    const { littleEndian } = this;
    const count = Math.floor(table.bytes.length / SYMBOL_SIZE);
    const symbols: ElfSymbol[] = [];
    for (let index = 0; index < count; index++) {
      const at = index * SYMBOL_SIZE;
      const info = table.bytes[at + 4]!;
      const symbol: ElfSymbol = {
        index,
        name: names.at(view.getUint32(at, littleEndian)) ?? '',
        value: size64(view, at + 8, littleEndian),
        size: size64(view, at + 16, littleEndian),
        binding: info >> 4,
        type: info & 0x0f,
        visibility: table.bytes[at + 5]! & 3,
        section: view.getUint16(at + 6, littleEndian),
      };
      if (symbol.section >= sections.length && symbol.section < SHN_LORESERVE) {
        this.problems.push(
          warning(`symbol ${symbol.name || index} is in section ${symbol.section}, which does not exist`, {
            code: 'elf-symbol-section',
            offset: table.offset + at,
          }),
        );
        symbol.section = SHN_LORESERVE;
      }
      symbols.push(symbol);
    }
    return symbols;
  }

  /** Debug sections have most of a file's relocations and few readers: those are not looked at here. */
  private checkRelocations(sections: readonly ElfSection[], symbolCount: number): void {
    for (const section of sections) {
      if (!isRelocations(section)) continue;
      const target = sections[section.info];
      if (!target || section.info === 0) {
        this.problems.push(
          warning(`relocation section ${section.name} is for section ${section.info}, which does not exist`, {
            code: 'elf-relocation-target',
            section: section.name,
          }),
        );
      } else if (!target.name.startsWith('.debug')) {
        checkTable(new RelocationTable(section, this.littleEndian), target, symbolCount, this.problems);
      }
    }
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A 64-bit size or place. */
function size64(view: DataView, at: number, littleEndian: boolean): number {
  const low = view.getUint32(littleEndian ? at : at + 4, littleEndian);
  const high = view.getUint32(littleEndian ? at + 4 : at, littleEndian);
  return high === 0 ? low : Math.min(high * 2 ** 32 + low, MAX_SIZE);
}

const isRelocations = ({ type }: ElfSection): boolean => type === SHT_REL || type === SHT_RELA;

/** The entries of a relocation section as they stand in the file. */
class RelocationTable {
  readonly count: number;
  readonly entrySize: number;
  private readonly view: DataView;
  private readonly withAddend: boolean;

  constructor(
    readonly section: ElfSection,
    private readonly littleEndian: boolean,
  ) {
    this.withAddend = section.type === SHT_RELA;
    this.entrySize = this.withAddend ? 24 : 16;
    this.count = Math.floor(section.bytes.length / this.entrySize);
    this.view = viewOf(section.bytes);
  }

  offset(i: number): number {
    return size64(this.view, i * this.entrySize, this.littleEndian);
  }
  type(i: number): number {
    return this.view.getUint32(i * this.entrySize + (this.littleEndian ? 8 : 12), this.littleEndian);
  }
  symbol(i: number): number {
    return this.view.getUint32(i * this.entrySize + (this.littleEndian ? 12 : 8), this.littleEndian);
  }
  addend(i: number): number | undefined {
    return this.withAddend ? Number(this.view.getBigInt64(i * this.entrySize + 16, this.littleEndian)) : undefined;
  }
}

/** An entry that names no symbol or patches no byte of its section is said here and left out by readers. */
function checkTable(table: RelocationTable, target: ElfSection, symbolCount: number, problems: Problem[]): void {
  const { section } = table;
  let found = 0;
  const fail = (problem: Problem): void => {
    if (++found <= MAX_TABLE_PROBLEMS) problems.push(problem);
  };
  for (let i = 0; i < table.count; i++) {
    if (table.symbol(i) >= symbolCount) {
      fail(
        error(`relocation ${i} of ${section.name} names symbol ${table.symbol(i)}, which does not exist`, {
          code: 'elf-relocation-symbol',
          section: section.name,
          offset: section.offset + i * table.entrySize,
        }),
      );
    } else if (table.offset(i) >= target.size) {
      fail(
        error(
          `relocation ${i} of ${section.name} patches offset ${table.offset(i)}, behind the end of ${target.name} (${target.size} bytes)`,
          { code: 'elf-relocation-offset', section: section.name, offset: section.offset + i * table.entrySize },
        ),
      );
    }
  }
  if (found > MAX_TABLE_PROBLEMS)
    problems.push(
      error(`${found - MAX_TABLE_PROBLEMS} more relocations of ${section.name} name no symbol or patch no byte`, {
        code: 'elf-relocation-more',
        section: section.name,
        offset: section.offset,
      }),
    );
}

function addTo<Item>(lists: Map<number, Item[]>, key: number, item: Item): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}

class ElfFile implements Elf {
  private readonly byName = new Map<string, ElfSection>();
  private readonly bySection = new Map<number, ElfSymbol[]>();
  private readonly tables = new Map<number, RelocationTable[]>();
  private readonly read = new Map<number, readonly ElfRelocation[]>();

  constructor(
    readonly bytes: Uint8Array,
    readonly littleEndian: boolean,
    readonly type: number,
    readonly machine: number,
    readonly sections: readonly ElfSection[],
    readonly symbols: readonly ElfSymbol[],
  ) {
    for (const section of sections) {
      if (!this.byName.has(section.name)) this.byName.set(section.name, section);
      if (isRelocations(section) && section.info !== 0) addTo(this.tables, section.info, new RelocationTable(section, littleEndian));
    }
    for (const symbol of symbols) addTo(this.bySection, symbol.section, symbol);
    for (const list of this.bySection.values()) list.sort((a, b) => a.value - b.value || a.index - b.index);
  }

  section(name: string): ElfSection | undefined {
    return this.byName.get(name);
  }

  eachRelocation(section: number, visit: (offset: number, type: number, symbol: ElfSymbol, addend: number | undefined) => void): void {
    const target = this.sections[section];
    if (!target) return;
    for (const table of this.tables.get(section) ?? []) {
      for (let i = 0; i < table.count; i++) {
        const symbol = this.symbols[table.symbol(i)];
        const offset = table.offset(i);
        // Offsets of a compressed section count in its plain bytes, which nobody has unpacked yet.
        if (symbol && (offset < target.size || (target.flags & SHF_COMPRESSED) !== 0))
          visit(offset, table.type(i), symbol, table.addend(i));
      }
    }
  }

  relocations(section: number): readonly ElfRelocation[] {
    let list = this.read.get(section);
    if (!list) {
      const found: ElfRelocation[] = [];
      this.eachRelocation(section, (offset, type, symbol, addend) =>
        found.push(addend === undefined ? { offset, type, symbol } : { offset, type, symbol, addend }),
      );
      this.read.set(section, (list = found.sort((a, b) => a.offset - b.offset)));
    }
    return list;
  }

  symbolsIn(section: number): readonly ElfSymbol[] {
    return this.bySection.get(section) ?? [];
  }
}
