// Objects made to cost a reader dearly: small files whose parts overlap, so that reading each part for itself reads the file a
// thousand times. Bytes only; nothing here is an object that a compiler would write.

const SECTION_HEADER = 64;
const SYMBOL = 24;

export interface CraftedSection {
  name: string;
  type: number;
  flags?: number;
  bytes?: Uint8Array;
  /** Takes the bytes of this section (by place in the list) instead of its own: the two overlap. */
  over?: number;
  /** What the header claims. */
  size?: number;
  link?: number;
  info?: number;
}

export interface CraftedSymbol {
  name: string;
  type: number;
  section: number;
  value: number;
  size: number;
}

/** Sections count from 1; the symbol table is the one before the last, the last has all names. */
export function craftObject(sections: readonly CraftedSection[], symbols: readonly CraftedSymbol[] = []): Uint8Array {
  const texts = new Texts();
  const table = new Uint8Array(SYMBOL * (symbols.length + 1));
  const symbolView = new DataView(table.buffer);
  symbols.forEach(({ name, type, section, value, size }, i) => {
    const at = SYMBOL * (i + 1);
    symbolView.setUint32(at, texts.add(name), true);
    table[at + 4] = 0x10 | type;
    symbolView.setUint16(at + 6, section, true);
    symbolView.setBigUint64(at + 8, BigInt(value), true);
    symbolView.setBigUint64(at + 16, BigInt(size), true);
  });
  const names = sections.map(({ name }) => texts.add(name));
  const last = sections.length + 2;
  const all: CraftedSection[] = [
    { name: '', type: 0 },
    ...sections,
    { name: '.symtab', type: 2, bytes: table, link: last },
    { name: '.strtab', type: 3, bytes: texts.bytes() },
  ];
  const offsets: number[] = [];
  let end = 64;
  for (const { bytes, over } of all) {
    offsets.push(over === undefined ? end : offsets[over]!);
    end += over === undefined ? (bytes?.length ?? 0) : 0;
  }
  const file = new Uint8Array(end + SECTION_HEADER * all.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true);
  view.setUint16(18, 247, true);
  view.setBigUint64(40, BigInt(end), true);
  view.setUint16(58, SECTION_HEADER, true);
  view.setUint16(60, all.length, true);
  view.setUint16(62, last, true);
  all.forEach(({ type, flags, bytes, over, size, link, info }, i) => {
    const at = end + SECTION_HEADER * i;
    view.setUint32(at, names[i - 1] ?? 0, true);
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 8, BigInt(flags ?? 0), true);
    view.setBigUint64(at + 24, BigInt(offsets[i]!), true);
    view.setBigUint64(at + 32, BigInt(size ?? (over === undefined ? bytes?.length : all[over]!.bytes?.length) ?? 0), true);
    view.setUint32(at + 40, link ?? 0, true);
    view.setUint32(at + 44, info ?? 0, true);
    if (bytes) file.set(bytes, offsets[i]!);
  });
  return file;
}

/** A string table that grows; equal texts share a place. */
class Texts {
  private readonly parts: string[] = [''];
  private readonly places = new Map<string, number>([['', 0]]);
  private length = 1;

  add(text: string): number {
    let place = this.places.get(text);
    if (place === undefined) {
      this.places.set(text, (place = this.length));
      this.parts.push(text);
      this.length += text.length + 1;
    }
    return place;
  }

  bytes(): Uint8Array {
    return new TextEncoder().encode(`${this.parts.join('\0')}\0`);
  }
}

/** Entries of a SHT_REL section: offset, type, symbol. */
export function relocationEntries(entries: readonly (readonly [offset: number, type: number, symbol: number])[]): Uint8Array {
  const bytes = new Uint8Array(16 * entries.length);
  const view = new DataView(bytes.buffer);
  entries.forEach(([offset, type, symbol], i) => {
    view.setBigUint64(16 * i, BigInt(offset), true);
    view.setUint32(16 * i + 8, type, true);
    view.setUint32(16 * i + 12, symbol, true);
  });
  return bytes;
}

/** The numbers as 32-bit words, a string section behind them where given. */
export function words(numbers: readonly number[], strings = ''): Uint8Array {
  const text = new TextEncoder().encode(strings);
  const bytes = new Uint8Array(4 * numbers.length + text.length);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => view.setUint32(4 * i, number, true));
  bytes.set(text, 4 * numbers.length);
  return bytes;
}

/** `lines` line records and `core` CO-RE records, all of byte 0 of section `.text`, and the BTF they speak of: one int. */
export function manyRecords(lines: number, core: number): { btf: Uint8Array; ext: Uint8Array } {
  const strings = '\0int\0.text\0' + '0\0x.c\0';
  const btf = new Uint8Array([0x9f, 0xeb, 1, 0, ...words([24, 0, 16, 16, strings.length, 1, 1 << 24, 4, (1 << 24) | 32], strings)]);
  const linePart = [16, 5, lines, ...Array.from({ length: lines }, (_, i) => [0, 13, 1, (i << 10) | 1]).flat()];
  const corePart = [16, 5, core, ...Array.from({ length: core }, () => [0, 1, 11, 8]).flat()];
  const ext = new Uint8Array([
    0x9f,
    0xeb,
    1,
    0,
    ...words([32, 0, 0, 0, 4 * linePart.length, 4 * linePart.length, 4 * corePart.length, ...linePart, ...corePart]),
  ]);
  return { btf, ext };
}
