// The .data files of this folder, and those of the shared folder where it is there, on both engines.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWasmEngine, interpreter } from '#core/vm';
import { repository, sharedFolder } from '#test/requirements';
import { judge } from '../../cli/src/commands/conformance.ts';
import { readConformanceTest } from '../../cli/src/commands/conformance-data.ts';

const shared = sharedFolder();
const folders = [path.join(repository, 'test/conformance/data'), ...(shared === undefined ? [] : [path.join(shared, 'conformance/tests')])];
const files = folders
  .filter((folder) => existsSync(folder))
  .flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.data'))
      .map((name) => path.join(folder, name)),
  );

describe.each([
  ['interpreter', interpreter],
  ['wasm', createWasmEngine({ warmup: 0 })],
] as const)('%s', (_, engine) => {
  it.each(files.map((file) => [path.basename(file, '.data'), file] as const))('%s', async (_name, file) => {
    expect(judge(await readConformanceTest(readFileSync(file, 'utf8'), file), engine)).toMatchObject({ pass: true });
  });
});

describe('sources that must be refused', () => {
  const negative = [
    path.join(repository, 'test/conformance/refused'),
    ...(shared === undefined ? [] : [path.join(shared, 'conformance/negative')]),
  ];
  const refused = negative
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)));
  it.each(refused.map((file) => [path.basename(file, '.data'), file] as const))('%s', async (_name, file) => {
    const test = await readConformanceTest(readFileSync(file, 'utf8'), file);
    const { pass, why } = judge(test, interpreter);
    // Refused: either the test wants an error and there is one, or it fails because the source cannot be read. With a place either way.
    expect(pass).toBe(test.expectsError);
    expect(why).toMatch(/\.data:\d+/);
  });
});

it('reports what is wrong in a file with its line', async () => {
  const read = async (text: string): Promise<string[]> => (await readConformanceTest(text, 'x.data')).problems;
  expect(await read('mov\n-- asm\nexit\n')).toEqual([
    'x.data:1: this line belongs to no section; a section begins with a line such as "-- asm"',
  ]);
  expect(await read('-- asm\nexit\n-- mem\nzz\n')).toEqual(['x.data:4: the memory is not bytes in hex']);
  expect(await read('-- asm\nexit\n-- result\nsix\n')).toEqual(['x.data:4: the result "six" is neither hex (0x…) nor decimal']);
  expect(await read('-- raw\n95 0\n')).toEqual(['x.data:2: "0" is neither a byte nor a 64-bit word in hex']);
  expect(judge(await readConformanceTest('-- asm\nmov %r0, 1\nexit\n-- result\n2\n', 'x.data'), interpreter)).toEqual({
    pass: false,
    why: 'r0 is 0x1, expected 0x2',
  });
});
