// The conformance data of the field: every test's assembly assembles, every negative is refused with a place. Results are the engines' tests.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex } from '#core/bytes';
import { sharedFolder } from '#test/requirements';
import { assemble, checkEncoding, decode } from './index.ts';

/** The text of a section of a .data file, comments removed, or undefined. */
function section(data: string, name: string): string | undefined {
  const lines = data.split('\n').map((line) => line.replace(/#.*/, ''));
  const start = lines.findIndex((line) => line.trim() === `-- ${name}`);
  if (start < 0) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => /^\s*-- (?:asm|raw|mem|result|error|c)\s*$/.test(line));
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join('\n');
}

const shared = sharedFolder();
const files = (folder: string): [string, string][] =>
  shared === undefined
    ? []
    : readdirSync(path.join(shared, 'conformance', folder))
        .filter((name) => name.endsWith('.data'))
        .map((name) => [name, readFileSync(path.join(shared, 'conformance', folder, name), 'utf8')]);

describe.skipIf(shared === undefined)('conformance data', () => {
  it.each(files('tests'))('%s assembles', (_name, data) => {
    const text = section(data, 'asm');
    expect(text).toBeDefined();
    const object = assemble(text!, { strictRegisters: true });
    expect(object.problems).toEqual([]);
    expect(object.sections).toHaveLength(1);
    expect(object.sections[0]!.insns.length).toBeGreaterThan(0);
  });

  // A file without asm and raw holds no program; that is for the reader of .data files to say.
  it.each(files('negative').filter(([name]) => name !== 'empty_instructions.data'))('%s is refused', (_name, data) => {
    const text = section(data, 'asm');
    if (text !== undefined) {
      const { problems } = assemble(text, { strictRegisters: true });
      expect(problems.length).toBeGreaterThan(0);
      for (const one of problems) expect(one.span!.line).toBeGreaterThan(0);
      return;
    }
    const bytes = fromHex(section(data, 'raw') ?? '');
    expect(bytes!.length).toBeGreaterThan(0);
    expect(checkEncoding(decode(bytes!)).map((one) => one.insn)).toEqual([0]);
  });
});
