// The generated tables against the fact files they are made from.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { attachType, KFUNCS, LINK_TYPES, mapType, programType, SECTIONS, SYSCALL_COMMANDS } from '#core/catalog';
import { factsFolder, generate } from '../../tools/generate-catalog.mts';

const folder = factsFolder();
const catalog = path.join(import.meta.dirname, '../../core/src/catalog');
if (!folder) process.stderr.write('skipped, needs the fact files: set EBPF_SHARED to the folder that holds data/ebpf-facts.json\n');

describe.skipIf(!folder)('tables agree with the facts', () => {
  const facts = folder ? JSON.parse(readFileSync(path.join(folder, 'ebpf-facts.json'), 'utf8')) : undefined;
  it('the generated files are what their generator makes', () => {
    for (const [name, text] of generate(folder!))
      expect(readFileSync(path.join(catalog, name), 'utf8') === text, `${name}: run npx tsx tools/generate-catalog.mts`).toBe(true);
  });
  it('releases of program, map, attach and link types and of commands', () => {
    const short = (name: string, prefix: string): string => name.replace(prefix, '').toLowerCase();
    for (const [name, since] of Object.entries(facts.programTypes))
      expect(programType(short(name, 'BPF_PROG_TYPE_'))?.since, name).toBe(since);
    for (const [name, since] of Object.entries(facts.mapTypes)) expect(mapType(short(name, 'BPF_MAP_TYPE_'))?.since, name).toBe(since);
    for (const [name, since] of Object.entries(facts.attachTypes)) expect(attachType(name)?.since, name).toBe(since);
    for (const [name, since] of Object.entries(facts.syscallCommands))
      expect(SYSCALL_COMMANDS.find((row) => row.name === name)?.since, name).toBe(since);
    for (const [name, since] of Object.entries(facts.linkTypes))
      expect(LINK_TYPES.find((row) => row.name === name)?.since, name).toBe(since);
  });
  it('every section of libbpf', () => {
    for (const fact of facts.sections) {
      const row = (SECTIONS as readonly { section: string; programType: string; attachType?: string; sleepable?: true }[]).find(
        ({ section }) => section === fact.section,
      );
      expect([row?.programType, row?.attachType ?? null, row?.sleepable ?? false], fact.section).toEqual([
        fact.programType.replace('BPF_PROG_TYPE_', '').toLowerCase(),
        fact.attachType,
        fact.sleepable,
      ]);
    }
  });
  it('all kfuncs', () => {
    const both = new Set(
      [...facts.kfuncs, ...JSON.parse(readFileSync(path.join(folder!, 'kfuncs-6.18.json'), 'utf8')).kfuncs].map(
        ({ name }: { name: string }) => name,
      ),
    );
    expect(KFUNCS.map(({ name }) => name)).toEqual([...both].sort());
    expect(KFUNCS.filter(({ in618 }) => in618).length).toBe(203);
  });
});
