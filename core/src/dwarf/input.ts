// The debug sections of an object with their relocations applied. In a BPF object every section of code begins at address 0;
// here each section gets a range of addresses of its own, so that an address names one place.

import { EM_BPF, type Elf, R_BPF_64_ABS32, R_BPF_64_ABS64, R_BPF_64_NODYLD32, SHF_ALLOC, SHF_COMPRESSED } from '#core/elf';
import { note, type Problem, warning } from '#core/problem';
import { decompressOldSection, decompressSection, MAX_DECOMPRESSED } from './decompress.ts';

/** A place in the object: bytes from the start of a section. */
export interface SectionAddress {
  /** Index in the section header table. */
  section: number;
  offset: number;
}

/** What the reader needs of an object file. */
export interface DwarfInput {
  littleEndian: boolean;
  /** Relocated bytes; empty where there is no such section. */
  section(name: string): Uint8Array;
  /** Bytes of the section with this index, for looking at code; empty where there is none. */
  code?(index: number): Uint8Array;
}

/** The same two in objects of binutils before 2.41 (gcc's), which numbered BPF's relocations its own way: R_BPF_DATA_32 and R_BPF_DATA_64. */
const OLD_DATA_32 = 11;
const OLD_DATA_64 = 12;

/** Addresses of a section begin at (index + 1) * 2^32: exact in a number, and 0 stays "no section". */
const SECTION_SHIFT = 2 ** 32;

/** The linear address that stands for a place in a section. */
export const linearAddress = ({ section, offset }: SectionAddress): number => (section + 1) * SECTION_SHIFT + offset;

/** The place of a linear address; undefined for plain numbers. */
export function sectionAddress(address: number): SectionAddress | undefined {
  const section = Math.floor(address / SECTION_SHIFT) - 1;
  return section < 0 || section > 0xffff ? undefined : { section, offset: address % SECTION_SHIFT };
}

/** Sections of an ELF object, relocated when first asked for. */
export function dwarfInput(elf: Elf, problems: Problem[] = []): DwarfInput {
  const done = new Map<string, Uint8Array>();
  const starts = new Map<number, number>();
  const budget = { left: MAX_DECOMPRESSED };
  return {
    littleEndian: elf.littleEndian,
    code: (index) => elf.sections[index]?.bytes ?? new Uint8Array(),
    section(name) {
      const known = done.get(name);
      if (known) return known;
      const bytes = joined(elf, name, starts, budget, problems);
      done.set(name, bytes);
      return bytes;
    },
  };
}

/** A section's bytes as they were before compression, and the section that its relocations belong to. */
interface PlainSection {
  index: number;
  bytes: Uint8Array;
}

/** All sections of a name: gcc gives each type unit a section of its own. */
function plainSections(elf: Elf, name: string, budget: { left: number }, problems: Problem[]): PlainSection[] {
  const old = name.replace('.debug_', '.zdebug_');
  return elf.sections.flatMap((section) => {
    if (section.name !== name && section.name !== old) return [];
    if (section.name === name && (section.flags & SHF_COMPRESSED) === 0) return [section];
    const bytes =
      section.name === old
        ? decompressOldSection(section.bytes, budget.left)
        : decompressSection(section.bytes, elf.littleEndian, budget.left);
    if (typeof bytes !== 'string') {
      budget.left -= bytes.length;
      return [{ index: section.index, bytes }];
    }
    problems.push(
      warning(`${section.name} was not read: ${bytes}; compile without -gz`, { code: 'dwarf-compressed', section: section.name }),
    );
    return [];
  });
}

/** Sections of one name behind each other; `starts` gets where each begins. */
function joined(elf: Elf, name: string, starts: Map<number, number>, budget: { left: number }, problems: Problem[]): Uint8Array {
  const sections = plainSections(elf, name, budget, problems);
  let length = 0;
  for (const { index, bytes } of sections) {
    starts.set(index, length);
    length += bytes.length;
  }
  const parts = sections.map((section) => relocated(elf, name, section, starts, problems));
  if (parts.length < 2) return parts[0] ?? new Uint8Array();
  const whole = new Uint8Array(length);
  for (const [i, { index }] of sections.entries()) whole.set(parts[i]!, starts.get(index)!);
  return whole;
}

function relocated(elf: Elf, name: string, section: PlainSection, starts: ReadonlyMap<number, number>, problems: Problem[]): Uint8Array {
  const relocations = elf.relocations(section.index);
  if (relocations.length === 0) return section.bytes;
  // Not slice(): of a Node Buffer that is a view, and the relocations would go into the file.
  const bytes = new Uint8Array(section.bytes);
  const view = new DataView(bytes.buffer);
  let skipped = 0;
  for (const { offset, type, symbol, addend } of relocations) {
    const size = elf.machine !== EM_BPF || type === R_BPF_64_ABS64 || type === OLD_DATA_64 ? 8 : 4;
    if (
      (size === 4 && type !== R_BPF_64_ABS32 && type !== R_BPF_64_NODYLD32 && type !== OLD_DATA_32) ||
      offset < 0 ||
      offset + size > bytes.length
    ) {
      skipped++;
      continue;
    }
    const target = elf.sections[symbol.section];
    const isMemory = target !== undefined && (target.flags & SHF_ALLOC) !== 0;
    if (size === 8) {
      const value = BigInt(symbol.value) + (addend === undefined ? view.getBigUint64(offset, elf.littleEndian) : BigInt(addend));
      const base = isMemory ? BigInt(linearAddress({ section: target.index, offset: 0 })) : 0n;
      view.setBigUint64(offset, BigInt.asUintN(64, base + value), elf.littleEndian);
    } else {
      const start = starts.get(symbol.section) ?? 0;
      view.setUint32(offset, (start + symbol.value + (addend ?? view.getUint32(offset, elf.littleEndian))) >>> 0, elf.littleEndian);
    }
  }
  if (skipped > 0)
    problems.push(
      note(`${skipped} relocations of ${name} have a type or place that debug sections do not use; they were left out`, {
        code: 'dwarf-relocation',
        section: name,
      }),
    );
  return bytes;
}
