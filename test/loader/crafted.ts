// Objects that are cheap to write and dear to read, one for each way in which a reader could be made to do the same work too often.

import { craftObject, manyRecords, relocationEntries, type CraftedSection, type CraftedSymbol } from './craft.ts';

const PROGBITS = 1;
const NOBITS = 8;
const REL = 9;
const EXECUTABLE = 6;
const FUNC = 2;
const OBJECT = 1;

/** `count` instructions: calls of the function at the section's start, or exits. */
function code(count: number, opcode = 0x95): Uint8Array {
  const bytes = new Uint8Array(8 * count);
  for (let slot = 0; slot < count; slot++) bytes[8 * slot] = opcode;
  return bytes;
}

const times = <Item>(count: number, item: (i: number) => Item): Item[] => Array.from({ length: count }, (_, i) => item(i));
const func = (section: number, value: number, size: number, name = `f${section}_${value}`): CraftedSymbol => ({
  name,
  type: FUNC,
  section,
  value,
  size,
});
const sharedCalls = (): Uint8Array => {
  // One ld_imm64 a program, whose relocation names the shared function.
  const bytes = code(4000 * 3);
  for (let i = 0; i < 4000; i++) bytes[24 * i] = 0x18;
  return bytes;
};

const records = manyRecords(8000, 8000);

/** `says` is in a problem of it; empty where all of it is read. */
export const CRAFTED: readonly { what: string; says: string; bytes: () => Uint8Array }[] = [
  {
    what: '4,000 sections of code over the same 400 KB',
    says: 'the sections overlap',
    bytes: () => {
      const sections: CraftedSection[] = times(4000, (i) => ({
        name: `s${i}`,
        type: PROGBITS,
        flags: EXECUTABLE,
        ...(i === 0 ? { bytes: code(50_000) } : { over: 1 }),
      }));
      return craftObject(
        sections,
        sections.map((_, i) => func(i + 1, 0, 400_000)),
      );
    },
  },
  {
    what: '14,000 functions that all reach to the end of their section',
    says: 'the functions of section xdp overlap',
    bytes: () =>
      craftObject(
        [{ name: 'xdp', type: PROGBITS, flags: EXECUTABLE, bytes: code(50_000) }],
        times(14_000, (i) => func(1, 8 * i, 400_000 - 8 * i)),
      ),
  },
  {
    what: '3,000 relocation sections over the same 20,000 entries',
    says: 'the sections overlap',
    bytes: () => {
      const entries = relocationEntries(times(20_000, () => [0, 10, 99] as const));
      return craftObject(
        [
          { name: 'xdp', type: PROGBITS, flags: EXECUTABLE, bytes: code(100) },
          ...times(3000, (i): CraftedSection => ({ name: '.relxdp', type: REL, info: 1, ...(i === 0 ? { bytes: entries } : { over: 2 }) })),
        ],
        [func(1, 0, 800)],
      );
    },
  },
  {
    what: '30 sections of zeros that claim a gigabyte each',
    says: '',
    bytes: () => craftObject(times(30, (i) => ({ name: `.bss.b${i}`, type: NOBITS, flags: 3, size: 2 ** 30 }))),
  },
  {
    what: '300,000 relocations of symbols that do not exist',
    says: '299900 more relocations of .relxdp name no symbol',
    bytes: () =>
      craftObject(
        [
          { name: 'xdp', type: PROGBITS, flags: EXECUTABLE, bytes: code(100) },
          { name: '.relxdp', type: REL, info: 1, bytes: relocationEntries(times(300_000, () => [0, 10, 99] as const)) },
        ],
        [func(1, 0, 800)],
      ),
  },
  {
    what: '300,000 relocations that fit no instruction',
    says: 'relocation type 77 cannot be applied to code',
    bytes: () =>
      craftObject(
        [
          { name: 'xdp', type: PROGBITS, flags: EXECUTABLE, bytes: code(100) },
          { name: '.relxdp', type: REL, info: 1, bytes: relocationEntries(times(300_000, () => [0, 77, 1] as const)) },
        ],
        [func(1, 0, 800)],
      ),
  },
  {
    what: '20,000 maps and a relocation of each',
    says: '',
    bytes: () => {
      const maps = times(20_000, (i): CraftedSymbol => ({ name: `m${i}`, type: OBJECT, section: 2, value: 20 * i, size: 20 }));
      const entries = relocationEntries(times(20_000, (i) => [16 * i, 1, 20_000 - i] as const));
      return craftObject(
        [
          { name: 'xdp', type: PROGBITS, flags: EXECUTABLE, bytes: code(40_000, 0x18) },
          { name: 'maps', type: PROGBITS, flags: 3, bytes: new Uint8Array(400_000) },
          { name: '.relxdp', type: REL, info: 1, bytes: entries },
        ],
        [...maps, func(1, 0, 320_000)],
      );
    },
  },
  {
    what: '4,000 programs that share a function with 8,000 lines and 8,000 CO-RE records at one instruction',
    says: 'more CO-RE relocations than instructions',
    bytes: () =>
      craftObject(
        [
          { name: 'xdp', type: PROGBITS, flags: EXECUTABLE, bytes: sharedCalls() },
          { name: '.text', type: PROGBITS, flags: EXECUTABLE, bytes: code(2, 0xb7) },
          { name: '.relxdp', type: REL, info: 1, bytes: relocationEntries(times(4000, (i) => [24 * i, 1, 1] as const)) },
          { name: '.BTF', type: PROGBITS, bytes: records.btf },
          { name: '.BTF.ext', type: PROGBITS, bytes: records.ext },
        ],
        [func(2, 0, 16, 'shared'), ...times(4000, (i) => func(1, 24 * i, 24))],
      ),
  },
];
