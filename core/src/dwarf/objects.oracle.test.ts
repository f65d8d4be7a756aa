// The debug information of every object at hand: no problem, every location understood, structs and lines as BTF has them.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBtf, readBtfExt } from '#core/btf';
import { readElf } from '#core/elf';
import { oracleFolder, repository } from '#test/requirements';
import { compareWithBtf } from './compare-with-btf.ts';
import { fuzz } from './fuzz.ts';
import { readDwarf, type ExpressionMachine } from './index.ts';

const oracle = oracleFolder();
const folder = path.join(oracle ?? '', 'obj');
const machine: ExpressionMachine = { register: () => 5n, entryRegister: () => 1n, read: () => 7n, globalAddress: () => 0x1000n };

describe.skipIf(oracle === undefined)('objects', () => {
  it.each(oracle === undefined ? [] : readdirSync(folder).filter((name) => name.endsWith('.o')))('%s', (name) => {
    const { elf } = readElf(readFileSync(path.join(folder, name)));
    const { dwarf, problems } = readDwarf(elf!);
    expect(problems).toEqual([]);
    const { btf } = readBtf(elf!.section('.BTF')!.bytes);
    const extSection = elf!.section('.BTF.ext');
    expect(compareWithBtf(elf!, dwarf!, btf!, extSection ? readBtfExt(extSection.bytes, btf!).ext : undefined).differences).toEqual([]);
    for (const { ranges } of dwarf!.functions) {
      for (const { section, low, high } of ranges) {
        for (let offset = low; offset < high; offset += 64) {
          for (const frame of dwarf!.variablesAt({ section, offset })) {
            for (const { name: variable, type, location } of frame.variables) {
              if (location.kind === 'computed') expect(dwarf!.evaluate(location, machine), `${variable} at ${offset}`).toBeDefined();
              if (location.kind === 'memory' && location.register === 10) {
                expect(location.offset, `${variable} at ${offset}`).toBeGreaterThanOrEqual(-512);
                expect(location.offset + type.size, `${variable} at ${offset}`).toBeLessThanOrEqual(0);
              }
              if (location.kind === 'optimised-out') expect(location.reason).toMatch(/removed|no value at this instruction/);
            }
          }
        }
      }
    }
  });
});

it('3,000 broken files (EBPF_FUZZ sets the number): a result or nothing, each within a second', () => {
  const own = path.join(repository, 'test/dwarf');
  const originals = readdirSync(own)
    .filter((name) => name.endsWith('.o'))
    .map((name) => new Uint8Array(readFileSync(path.join(own, name))));
  const seed = Number(process.env['EBPF_SEED'] ?? Date.now() % 1_000_000);
  const { survived, slowest } = fuzz(originals, Number(process.env['EBPF_FUZZ'] ?? 3000), seed, () => process.cpuUsage().user / 1000);
  expect(survived, `seed ${seed}`).toBeGreaterThan(0);
  expect(slowest, `seed ${seed}`).toBeLessThan(1000);
});
