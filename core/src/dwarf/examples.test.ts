// Our own examples compiled by clang 14, 19 and 22 at -O1 (DWARF 4) and -O2 (DWARF 5): at every stop of a debugger the inline stack and
// each variable with its type and place, as golden text read by eye. `vitest -u` rewrites it; tools/build-dwarf-objects.mts the objects.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readElf, type Elf } from '#core/elf';
import { repository } from '#test/requirements';
import { machine } from './fuzz.ts';
import { describeLocation, readDwarf, type Dwarf, type DwarfVariable, type SectionAddress } from './index.ts';

const folder = path.join(repository, 'test/dwarf/examples');
const objects = readdirSync(folder).filter((name) => name.endsWith('.o'));
const texts = new Map<string, readonly string[]>();

/** A line of the source as it stands in the repository, without its indentation and comment. */
function textOf(file: string, line: number): string {
  let lines = texts.get(file);
  if (!lines)
    texts.set(
      file,
      (lines = file.startsWith('/source/') ? readFileSync(path.join(repository, file.slice('/source/'.length)), 'utf8').split('\n') : []),
    );
  return (lines[line - 1] ?? '').replace(/\s*\/\/.*$/, '').trim();
}

function listing(elf: Elf, dwarf: Dwarf): string {
  const sectionName = (index: number): string | undefined => elf.sections[index]?.name;
  const shown = ({ kind, type, name, location, shadowed }: DwarfVariable): string => {
    const value = location.kind === 'computed' ? ` (${dwarf.evaluate(location, machine)} where rN is 100 + N)` : '';
    return `${kind} ${name}${shadowed ? ' (hidden by an inner one)' : ''}: ${type.name} = ${describeLocation(location, sectionName)}${value}`;
  };
  const lines = dwarf.globals.map((one) => shown(one));
  for (const { name, ranges } of dwarf.functions) {
    for (const { section, low, high } of ranges) {
      lines.push('', `${name} (${sectionName(section)})`);
      let before = '';
      for (let offset = low; offset < high; offset += 8) {
        const place: SectionAddress = { section, offset };
        const row = dwarf.lineAt(place);
        const frames = dwarf.variablesAt(place);
        const stop = `${row?.line} ${frames.map((frame) => `${frame.function} ${frame.ranges[0]?.low}`).join('/')}`;
        if (!row || row.line === 0 || row.offset !== offset || stop === before) continue;
        before = stop;
        for (const [depth, frame] of frames.entries()) {
          const { file = '', line = 0, column = 0 } = frame.position ?? {};
          lines.push(
            `${depth === 0 ? String((offset - low) / 8).padStart(4) : '    '}: ${frame.inlined ? 'inlined ' : ''}${frame.function} ${path.posix.basename(file)}:${line}:${column}  ${textOf(file, line)}`,
            ...frame.variables.map((one) => `        ${shown(one)}`),
          );
        }
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

describe.each(objects)('%s', (name) => {
  it('variables at every stop', async () => {
    const { elf } = readElf(readFileSync(path.join(folder, name)));
    const { dwarf, problems } = readDwarf(elf!);
    expect(problems).toEqual([]);
    await expect(listing(elf!, dwarf!)).toMatchFileSnapshot(path.join(folder, '../golden', name.replace(/\.o$/, '.txt')));
  });
});
