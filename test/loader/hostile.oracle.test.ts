// The long run: damaged copies of compiled objects. EBPF_HOSTILE_CASES says how many (100,000 for the whole; CI takes 3,000).

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundledKernelTypes } from '#toolchain';
import { oracleFolder } from '#test/requirements';
import { MEMORY_BOUND, runHostile } from './run-hostile.ts';

const folder = oracleFolder();
const cases = process.env['EBPF_HOSTILE_CASES'] ?? '3000';
const scratch = mkdtempSync(path.join(os.tmpdir(), 'ebpf-hostile-'));
const kernel = path.join(scratch, 'vmlinux.btf');
writeFileSync(kernel, bundledKernelTypes('6.18')!);
afterAll(() => rmSync(scratch, { recursive: true }));

describe.skipIf(!folder)('hostile input', () => {
  it.each([
    ['objects', `${cases} damaged objects`],
    ['btf', `${cases} damaged BTF sections`],
    ['dwarf', `${cases} objects with damaged debug information`],
  ])('%s: %s without a throw, each in time and memory', { timeout: 7_200_000 }, (mode) => {
    const files = readdirSync(path.join(folder!, 'obj'))
      .filter((name) => name.endsWith('.o'))
      .map((name) => path.join(folder!, 'obj', name));
    const { failed, slowest, largest } = runHostile(mode, cases, kernel, ...files);
    expect(failed).toBeUndefined();
    expect(slowest.value, slowest.what).toBeLessThan(1000);
    expect(largest.value, largest.what).toBeLessThan(MEMORY_BOUND);
    process.stdout.write(
      `${mode}: slowest ${slowest.value.toFixed(0)} ms (${slowest.what}), most memory ${largest.value.toFixed(0)} MB (${largest.what})\n`,
    );
  });
});
