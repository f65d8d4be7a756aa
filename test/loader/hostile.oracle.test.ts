// The long run: damaged copies of compiled objects. EBPF_HOSTILE_CASES says how many (100,000 for the whole; CI takes 3,000).

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBtf } from '#core/btf';
import { readElf } from '#core/elf';
import { oracleFolder, repository } from '#test/requirements';
import { damage, exercise, exerciseBtfBytes, type Target } from './hostile.ts';

const folder = oracleFolder();
const cases = Number(process.env['EBPF_HOSTILE_CASES'] ?? 3000);
const { btf: kernelBtf } = readBtf(readFileSync(path.join(repository, 'toolchain/kernel/linux-6.18.btf')));

function targetOf(file: string): Target {
  const bytes = new Uint8Array(readFileSync(file));
  const { elf } = readElf(bytes);
  const regions = (elf?.sections ?? []).filter(({ name, size }) => size > 0 && !name.startsWith('.debug') && !name.startsWith('.rel.debug')).map(({ offset, size }) => ({ start: offset, end: offset + size }));
  return { name: path.basename(file), bytes, regions: [{ start: 0, end: 64 }, { start: bytes.length - 64 * (elf?.sections.length ?? 1), end: bytes.length }, ...regions] };
}

describe.skipIf(!folder)('hostile input', () => {
  it(`loads ${cases} damaged objects without a throw and in time`, { timeout: 3_600_000 }, () => {
    const files = readdirSync(path.join(folder!, 'obj')).filter((name) => name.endsWith('.o'));
    const targets = new Map<string, Target>();
    let slowest = { ms: 0, what: '' };
    for (let seed = 0; seed < cases; seed++) {
      const file = files[(seed * 7919) % files.length]!;
      let target = targets.get(file);
      if (!target) targets.set(file, (target = targetOf(path.join(folder!, 'obj', file))));
      const what = `${file}, case ${seed}`;
      try {
        const ms = exercise(damage(target, seed), seed % 4 === 0 ? kernelBtf : undefined);
        if (ms > slowest.ms) slowest = { ms, what };
      } catch (error) {
        throw new Error(`${what}: ${(error as Error).stack}`);
      }
    }
    expect(slowest.ms, slowest.what).toBeLessThan(1000);
  });

  it('reads damaged BTF without a throw and in time', { timeout: 3_600_000 }, () => {
    const files = readdirSync(path.join(folder!, 'obj')).filter((name) => name.endsWith('.o'));
    for (let seed = 0; seed < cases; seed++) {
      const file = files[(seed * 104729) % files.length]!;
      const section = readElf(readFileSync(path.join(folder!, 'obj', file))).elf!.section('.BTF')!;
      const what = `${file}, case ${seed}`;
      const ms = exerciseBtfBytes(damage({ name: file, bytes: section.bytes, regions: [{ start: 0, end: 24 }] }, seed));
      expect(ms, what).toBeLessThan(1000);
    }
  });
});
