// The ELF reader on files made here by hand: what it reads, and what it says of lies.

import { describe, expect, it } from 'vitest';
import { EM_BPF, readElf, SHT_NOBITS, SHT_PROGBITS, SHT_REL, SHT_STRTAB, SHT_SYMTAB, STB_GLOBAL, STT_FUNC } from './index.ts';

interface SectionText {
  name: string;
  type: number;
  bytes?: Uint8Array;
  size?: number;
  link?: number;
  info?: number;
}

/** A file of these sections behind the null section, with their names in the last one. */
function elfOf(sections: readonly SectionText[], littleEndian = true): Uint8Array {
  const names = ['', ...sections.map(({ name }) => name), '.shstrtab'];
  const strings = new TextEncoder().encode(`${names.join('\0')}\0`);
  const all: SectionText[] = [{ name: '', type: 0 }, ...sections, { name: '.shstrtab', type: SHT_STRTAB, bytes: strings }];
  const size = all.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 64);
  const file = new Uint8Array(size + 64 * all.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, 1]);
  view.setUint16(16, 1, littleEndian);
  view.setUint16(18, EM_BPF, littleEndian);
  view.setBigUint64(40, BigInt(size), littleEndian);
  view.setUint16(58, 64, littleEndian);
  view.setUint16(60, all.length, littleEndian);
  view.setUint16(62, all.length - 1, littleEndian);
  let at = 64;
  let nameAt = 0;
  all.forEach((section, i) => {
    const header = size + 64 * i;
    view.setUint32(header, nameAt, littleEndian);
    nameAt += new TextEncoder().encode(names[i]!).length + 1;
    view.setUint32(header + 4, section.type, littleEndian);
    view.setBigUint64(header + 24, BigInt(at), littleEndian);
    view.setBigUint64(header + 32, BigInt(section.size ?? section.bytes?.length ?? 0), littleEndian);
    view.setUint32(header + 40, section.link ?? 0, littleEndian);
    view.setUint32(header + 44, section.info ?? 0, littleEndian);
    if (section.bytes) file.set(section.bytes, at);
    at += section.bytes?.length ?? 0;
  });
  return file;
}

/** One symbol `f` at 8 of section 1, after the null symbol. */
function symbols(littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  view.setUint32(24, 1, littleEndian);
  bytes[28] = (STB_GLOBAL << 4) | STT_FUNC;
  view.setUint16(30, 1, littleEndian);
  view.setBigUint64(32, 8n, littleEndian);
  view.setBigUint64(40, 16n, littleEndian);
  return bytes;
}

function relocation(offset: number, symbol: number, type: number, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(offset), littleEndian);
  view.setBigUint64(8, (BigInt(symbol) << 32n) | BigInt(type), littleEndian);
  return bytes;
}

const parts = (littleEndian = true, entry = relocation(8, 1, 10, littleEndian)): SectionText[] => [
  { name: 'xdp', type: SHT_PROGBITS, bytes: new Uint8Array(24) },
  { name: '.bss', type: SHT_NOBITS, size: 4096 },
  { name: '.strtab', type: SHT_STRTAB, bytes: new TextEncoder().encode('\0f\0') },
  { name: '.symtab', type: SHT_SYMTAB, bytes: symbols(littleEndian), link: 3 },
  { name: '.relxdp', type: SHT_REL, bytes: entry, link: 4, info: 1 },
];

describe('readElf', () => {
  it.each([true, false])('reads sections, symbols and relocations, little endian: %s', (littleEndian) => {
    const { elf, problems } = readElf(elfOf(parts(littleEndian), littleEndian));
    expect(problems).toEqual([]);
    expect(elf!.littleEndian).toBe(littleEndian);
    expect(elf!.machine).toBe(EM_BPF);
    expect(elf!.section('.bss')).toMatchObject({ size: 4096, bytes: new Uint8Array(0) });
    expect(elf!.symbolsIn(1)).toMatchObject([{ name: 'f', value: 8, size: 16, type: STT_FUNC }]);
    expect(elf!.relocations(1)).toMatchObject([{ offset: 8, type: 10, symbol: { name: 'f' } }]);
    expect(elf!.relocations(2)).toEqual([]);
  });

  it.each([
    ['text', new TextEncoder().encode('int main(void)'), 'not an ELF file'],
    ['a header alone', elfOf(parts()).slice(0, 60), 'the ELF file ends inside its header: 60 bytes of 64'],
    ['a 32-bit file', Uint8Array.from(elfOf(parts()), (byte, i) => (i === 4 ? 1 : byte)), 'a 32-bit ELF file'],
    ['a file without its section table', elfOf(parts()).slice(0, 200), 'the file is truncated'],
    ['a relocation of no symbol', elfOf(parts(true, relocation(8, 9, 10, true))), 'names symbol 9, which does not exist'],
    [
      'a relocation behind the end',
      elfOf(parts(true, relocation(800, 1, 10, true))),
      'patches offset 800, behind the end of xdp (24 bytes)',
    ],
    [
      'a section that is larger than the file',
      elfOf([{ name: 'xdp', type: SHT_PROGBITS, bytes: new Uint8Array(8), size: 1e9 }]),
      'section xdp (1000000000 bytes at 64) reaches behind the end of the file',
    ],
  ])('says what is wrong with %s', (_what, bytes, message) => {
    expect(
      readElf(bytes)
        .problems.map((problem) => problem.message)
        .join('\n'),
    ).toContain(message);
  });
});
