// One program compiled by clang 14, 19 and 22 at two levels with DWARF 4 and 5 (test/dwarf): every variable at every instruction as
// golden text, and the debug information against what the same compiler wrote into BTF. `vitest -u` rewrites the golden files.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readBtf, readBtfExt } from '#core/btf';
import { readElf, SHF_COMPRESSED, type Elf } from '#core/elf';
import { repository } from '#test/requirements';
import { decompressOldSection, decompressSection } from './decompress.ts';
import { compareWithBtf } from './compare-with-btf.ts';
import { fuzz, machine } from './fuzz.ts';
import { describeLocation, readDwarf, type CType, type Dwarf } from './index.ts';

const folder = path.join(repository, 'test/dwarf');
const objects = readdirSync(folder).filter((name) => name.endsWith('.o'));

function open(name: string): { elf: Elf; dwarf: Dwarf } {
  const { elf } = readElf(readFileSync(path.join(folder, name)));
  const { dwarf, problems } = readDwarf(elf!);
  expect(problems).toEqual([]);
  return { elf: elf!, dwarf: dwarf! };
}

function listing(elf: Elf, dwarf: Dwarf): string {
  const lines: string[] = [
    `# ${dwarf.producers.join(', ').replace(/Debian |\s*\(.*\)$/g, '')}`,
    ...dwarf.globals.map(
      (one) => `global ${one.name}: ${one.type.name} = ${describeLocation(one.location, (index) => elf.sections[index]?.name)}`,
    ),
  ];
  for (const { name, ranges } of dwarf.functions) {
    for (const { section, low, high } of ranges) {
      lines.push('', `${name} (${elf.sections[section]!.name}, ${(high - low) / 8} slots)`);
      let before = '';
      for (let offset = low; offset < high; offset += 8) {
        const frames = dwarf.variablesAt({ section, offset }).flatMap((frame) => [
          `  ${frame.inlined ? 'inlined ' : ''}${frame.function} ${frame.position?.line}:${frame.position?.column}`,
          ...frame.variables.map((one) => {
            const place = describeLocation(one.location, (index) => elf.sections[index]?.name);
            const value = one.location.kind === 'computed' ? ` (${dwarf.evaluate(one.location, machine)} here)` : '';
            return `    ${one.kind} ${one.type.name} ${one.name}${one.shadowed ? ' (shadowed)' : ''} = ${place}${value}`;
          }),
        ]);
        const text = frames.join('\n');
        if (text !== before) lines.push(`${String((offset - low) / 8).padStart(4)}:`, text);
        before = text;
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

describe.each(objects)('%s', (name) => {
  it('variables at every instruction', async () => {
    const { elf, dwarf } = open(name);
    await expect(listing(elf, dwarf)).toMatchFileSnapshot(path.join(folder, 'golden', name.replace(/\.o$/, '.txt')));
  });

  it('agrees with BTF about types and lines', () => {
    const { elf, dwarf } = open(name);
    const { btf } = readBtf(elf.section('.BTF')!.bytes);
    const report = compareWithBtf(elf, dwarf, btf!, readBtfExt(elf.section('.BTF.ext')!.bytes, btf!).ext);
    expect(report.differences).toEqual([]);
    expect(report.records).toBeGreaterThan(1);
    expect(report.lines).toBeGreaterThan(20);
  });

  it('knows inline stacks and the lines of the source', () => {
    const { dwarf } = open(name);
    const source = readFileSync(path.join(folder, 'variables.bpf.c'), 'utf8').split('\n');
    const lineOf = (text: string): number => source.findIndex((line) => line.includes(text)) + 1;
    const starts = dwarf.startsOf('/source/variables.bpf.c', lineOf('if (value < lowest)'));
    expect(starts.length).toBeGreaterThan(0);
    const frames = dwarf.frameAt(starts[0]!);
    expect(frames.map((frame) => [frame.function, frame.inlined])).toEqual([
      ['clamp', true],
      ['twice', true],
      ['variables', false],
    ]);
    expect(frames[1]!.position!.line).toBe(lineOf('clamp(amount, 1, limit)'));
    expect(frames[2]!.position!.line).toBe(lineOf('u64 step = twice('));
    expect(frames[0]!.declared!.line).toBe(lineOf('int clamp('));
  });

  it('knows all of C', () => {
    const { dwarf } = open(name);
    const last = dwarf.globals.find((one) => one.name === 'last')!.type;
    expect(last.name).toBe('struct packet *');
    const packet = last.kind === 'pointer' ? last.target() : undefined;
    const members = packet?.kind === 'record' ? packet.members() : [];
    const text = (type: CType): string => (type.kind === 'record' ? `${type.keyword} of ${type.members().length}` : type.kind);
    expect(members.map((one) => [one.name, one.offsetBits, one.bits, one.type.name, text(one.type)])).toEqual([
      ['version', 0, 4, 'u8', 'integer'],
      ['length', 4, 4, 'u8', 'integer'],
      ['port', 16, undefined, 'be16', 'integer'],
      ['flags', 32, 3, 'u32', 'integer'],
      ['rest', 35, 29, 'u32', 'integer'],
      ['at', 64, undefined, 'struct point', 'struct of 2'],
      ['', 128, undefined, 'union {…}', 'union of 2'],
      ['color', 256, undefined, 'enum color', 'enum'],
      ['handler', 320, undefined, 'int (*)(struct packet *, const char *)', 'pointer'],
      ['name', 384, undefined, 'const char *', 'pointer'],
      ['table', 448, undefined, 'int[2][3]', 'array'],
      ['next', 640, undefined, 'struct packet *', 'pointer'],
      ['tail', 704, undefined, 'u64[]', 'array'],
    ]);
    const color = members.find((one) => one.name === 'color')!.type;
    expect(color.kind === 'enum' && [color.signed, ...color.values.map(({ name: word, value }) => `${word}=${value}`)]).toEqual([
      true,
      'RED=0',
      'GREEN=5',
      'BLUE=-1',
    ]);
  });
});

describe('gcc', () => {
  const { elf } = readElf(readFileSync(path.join(folder, 'gcc/call-site.bpf.o')));
  const { dwarf, problems } = readDwarf(elf!);

  it('variables at every instruction', async () => {
    expect(problems).toEqual([]);
    await expect(listing(elf!, dwarf!)).toMatchFileSnapshot(path.join(folder, 'golden/gcc12-call-site.txt'));
  });

  it('arguments that only the caller still knows', () => {
    const weigh = dwarf!.functions.find(({ name }) => name === 'weigh')!.ranges[0]!;
    const packets = dwarf!.variablesAt({ section: weigh.section, offset: 5 * 8 })[0]!.variables.find(({ name }) => name === 'packets')!;
    expect(packets.location.kind).toBe('computed');
    const evaluate = (register: number): bigint | undefined => {
      const value = dwarf!.argumentOf({ section: elf!.section('xdp')!.index, offset: call + 8 }, register);
      return (
        value &&
        dwarf!.evaluate(value, {
          register: (one) => (one === 6 ? 100n : undefined),
          entryRegister: (one) => (one === 1 ? 0x1000n : undefined),
          read: () => undefined,
        })
      );
    };
    // The only call of `call_site`: r1 is its own context still, r2 is r6 + 5, r3 a constant.
    const code = elf!.section('xdp')!.bytes;
    const call = Array.from({ length: code.length / 8 }, (_, slot) => slot * 8).find((offset) => code[offset] === 0x85)!;
    expect([1, 2, 3, 4].map((register) => evaluate(register))).toEqual([0x1000n, 105n, 7n, undefined]);
    expect(
      packets.location.kind === 'computed' &&
        dwarf!.evaluate(packets.location, {
          register: () => undefined,
          read: () => undefined,
          entryRegister: (register) => evaluate(register),
        }),
    ).toBe(105n);
  });
});

describe('compressed debug sections', () => {
  const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(path.join(folder, name)));

  it.each(['zlib', 'zstd'])('by %s say the same as plain ones', (method) => {
    const { elf, dwarf } = open(`compressed/clang22-O2-dwarf5-${method}.o`);
    expect(elf.sections.some(({ flags }) => (flags & SHF_COMPRESSED) !== 0)).toBe(true);
    const plain = open('clang22-O2-dwarf5.o');
    expect(listing(elf, dwarf)).toBe(listing(plain.elf, plain.dwarf));
  });

  it('of the old kind are read too', () => {
    const plain = bytesOf('clang22-O2-dwarf5.o').subarray(0, 4000);
    const header = new Uint8Array([0x5a, 0x4c, 0x49, 0x42, 0, 0, 0, 0, 0, 0, plain.length >> 8, plain.length & 0xff]);
    expect(decompressOldSection(new Uint8Array([...header, ...deflateSync(plain)]))).toEqual(new Uint8Array(plain));
  });

  it('that claim or become too much, or break off, are a sentence', () => {
    const zeros = new Uint8Array(3 << 20);
    const section = (type: number, size: number, stream: Uint8Array): Uint8Array => {
      const header = new DataView(new ArrayBuffer(24));
      header.setUint32(0, type, true);
      header.setBigUint64(8, BigInt(size), true);
      return new Uint8Array([...new Uint8Array(header.buffer), ...stream]);
    };
    const stream = deflateSync(zeros);
    const whole = decompressSection(section(1, zeros.length, stream), true);
    expect(typeof whole !== 'string' && Buffer.compare(whole, zeros)).toBe(0);
    expect(decompressSection(section(1, 1000, stream), true)).toMatch(/disagree/);
    expect(decompressSection(section(1, 2 ** 40, stream), true)).toMatch(/says that it has/);
    expect(decompressSection(section(1, zeros.length, stream.subarray(0, 1000)), true)).toMatch(/disagree|broken/);
    expect(decompressSection(section(7, 10, stream), true)).toMatch(/method 7/);
    expect(decompressSection(section(2, 10, stream), true)).toMatch(/no zstd frame/);
    expect(decompressSection(section(2, 1 << 20, new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0, 0xff, 1, 0, 0])), true)).toMatch(/more memory/);
    expect(decompressSection(new Uint8Array(5), true)).toMatch(/breaks off/);
  });

  it('of zeros that become large cost little', () => {
    const bytes = bytesOf('compressed/clang22-O2-dwarf5-zlib.o');
    const { elf } = readElf(bytes);
    const stream = deflateSync(new Uint8Array(3 << 20));
    const header = new Uint8Array(24);
    new DataView(header.buffer).setUint32(0, 1, true);
    new DataView(header.buffer).setBigUint64(8, BigInt(3 << 20), true);
    const sections = elf!.sections.map((section) =>
      section.name.startsWith('.debug_') ? { ...section, flags: SHF_COMPRESSED, bytes: new Uint8Array([...header, ...stream]) } : section,
    );
    const before = process.cpuUsage().user;
    const { problems } = readDwarf({
      ...elf!,
      sections,
      section: (name) => sections.find((one) => one.name === name),
      relocations: () => [],
      symbolsIn: () => [],
      eachRelocation: () => {},
    });
    expect(problems.length).toBeLessThan(200);
    expect((process.cpuUsage().user - before) / 1000).toBeLessThan(2000);
  });

  it('that cannot be read are named', () => {
    const bytes = bytesOf('compressed/clang22-O2-dwarf5-zlib.o');
    const info = readElf(bytes).elf!.section('.debug_info')!;
    bytes.fill(0xff, info.offset + 30, info.offset + 200);
    const { dwarf, problems } = readDwarf(readElf(bytes).elf!);
    expect(dwarf).toBeUndefined();
    expect(problems.map(({ code, section }) => [code, section])).toEqual([['dwarf-compressed', '.debug_info']]);
  });
});

it('debug information split off into a .dwo file is named', () => {
  const { elf } = readElf(new Uint8Array(readFileSync(path.join(folder, 'split/variables.o'))));
  const { dwarf, problems } = readDwarf(elf!);
  expect(problems.map(({ code, message }) => [code, /-gsplit-dwarf/.test(message)])).toEqual([['dwarf-split', true]]);
  // Its lines are still here.
  expect(dwarf!.lines.filter(({ file }) => file.endsWith('variables.bpf.c')).length).toBeGreaterThan(20);
});

it.each([4, 5])('types in units of their own (DWARF %i)', (version) => {
  const { dwarf } = open(`gcc/types${version}.o`);
  const weigh = dwarf.functions.find(({ name }) => name === 'weigh')!.ranges[0]!;
  const context = dwarf.variablesAt({ section: weigh.section, offset: 0 })[0]!.variables[0]!.type;
  const target = context.kind === 'pointer' ? context.target() : undefined;
  expect(target?.kind === 'record' && target.members().map(({ name }) => name)).toEqual([
    'data',
    'data_end',
    'data_meta',
    'ingress_ifindex',
    'rx_queue_index',
    'egress_ifindex',
  ]);
});

it('mutations and cuts give a result or nothing, never a throw, and in no time', () => {
  const { survived, slowest } = fuzz(
    [...objects, 'compressed/clang22-O2-dwarf5-zlib.o', 'compressed/clang22-O2-dwarf5-zstd.o', 'gcc/types4.o'].map(
      (name) => new Uint8Array(readFileSync(path.join(folder, name))),
    ),
    200,
    20260101,
    () => process.cpuUsage().user / 1000,
  );
  expect(survived).toBeGreaterThan(60);
  expect(slowest).toBeLessThan(1000);
});
