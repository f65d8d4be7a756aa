// llvm-objdump's text of every object at hand, assembled back: the same bytes. And what clang -S writes, against what it compiles.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '#core/bytes';
import { helperByName, mapType } from '#core/catalog';
import { buildC } from '#test/build-c';
import { openKernel } from '#test/kernel';
import { missing, oracleFolder, repository } from '#test/requirements';
import { assemble, checkEncoding, decode, writeObject } from './index.ts';

const find = (names: readonly string[]): string | undefined => names.find((name) => spawnSync(name, ['--version']).status === 0);
const objdump = find(['llvm-objdump-22', 'llvm-objdump']);
const clang = find(['clang-22', 'clang']);
const objcopy = find(['llvm-objcopy-22', 'llvm-objcopy']);
if (objdump === undefined || clang === undefined || objcopy === undefined)
  missing('clang', 'clang-22, llvm-objdump-22 and llvm-objcopy-22 (or the same without a version) are not all on PATH');
const oracle = oracleFolder();

const dump = (file: string, ...flags: string[]): string =>
  execFileSync(objdump!, [...flags, file], { encoding: 'utf8', maxBuffer: 1 << 28 });

function sectionsOf(listing: string): Map<string, string> {
  const result = new Map<string, string>();
  let name = '';
  for (const line of listing.split('\n')) {
    name = /^Disassembly of section (.*):$/.exec(line)?.[1] ?? name;
    const bytes = /^\s*\d+:\t((?:[0-9a-f]{2} )*[0-9a-f]{2})\t/.exec(line)?.[1];
    if (bytes !== undefined) result.set(name, (result.get(name) ?? '') + bytes.replaceAll(' ', ''));
  }
  return result;
}

describe.skipIf(objdump === undefined || oracle === undefined)('llvm-objdump', () => {
  const folder = path.join(oracle ?? '', 'obj');
  const objects = oracle === undefined ? [] : readdirSync(folder).filter((name) => name.endsWith('.o'));

  it.each(objects)('%s', (name) => {
    const file = path.join(folder, name);
    const expected = sectionsOf(dump(file, '-d', '-z'));
    for (const flags of [['-d'], ['-d', '-r'], ['-d', '--no-show-raw-insn']]) {
      const text = dump(file, ...flags);
      if (flags.includes('--no-show-raw-insn') && text.includes('<unknown>')) continue;
      const object = assemble(text);
      // Selftests bring programs that no kernel takes: what is wrong with the bytes is said, and nothing else.
      const wrong = [...expected.values()].flatMap((bytes) =>
        checkEncoding(decode(fromHex(bytes)!), { kernelInternal: true }).map((one) => one.message),
      );
      expect(object.problems.map((one) => one.message).sort()).toEqual(wrong.sort());
      for (const [section, bytes] of expected) {
        const ours = toHex(object.sections.find((one) => one.name === section)?.bytes ?? new Uint8Array());
        if (!flags.includes('--no-show-raw-insn')) expect(ours, section).toBe(bytes);
        // Without bytes a call ahead and a helper of that number read the same, and a pseudo ld_imm64 loses its second half.
        else expect(ours.length, section).toBe(bytes.length);
        for (let at = 0; at < bytes.length; at += 16) {
          const [left, right] = [ours.slice(at, at + 16), bytes.slice(at, at + 16)];
          if (left === right) continue;
          // Neither does a packet load by register show its offset.
          if (['40', '48', '50'].includes(right.slice(0, 2)) && left.slice(0, 8) === right.slice(0, 8)) continue;
          expect([right.slice(0, 2), left.slice(4), right.slice(2, 4)], `${section} slot ${at / 16}`).toEqual(['85', right.slice(4), '10']);
        }
      }
    }
  });
});

describe.skipIf(clang === undefined || objcopy === undefined)('clang -S', () => {
  const include =
    spawnSync(clang ?? 'clang', ['-print-multiarch'])
      .stdout?.toString()
      .trim() || `${os.machine()}-linux-gnu`;
  const source = path.join(repository, 'test/isa/every-section.bpf.c');

  it.each(['-O2', '-O1'])('%s gives the sections that clang -c gives', (level) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'ebpfw-isa-'));
    try {
      const flags = [level, '-g', '-target', 'bpf', `-I/usr/include/${include}`, source];
      execFileSync(clang!, ['-S', ...flags, '-o', path.join(folder, 'a.s')], { cwd: folder });
      execFileSync(clang!, ['-c', ...flags, '-o', path.join(folder, 'a.o')], { cwd: folder });
      const object = assemble(readFileSync(path.join(folder, 'a.s'), 'utf8'));
      expect(object.problems).toEqual([]);
      let compared = 0;
      for (const section of object.sections) {
        if (section.nobits) continue;
        execFileSync(objcopy!, ['--dump-section', `${section.name}=${path.join(folder, 'bytes')}`, path.join(folder, 'a.o'), '/dev/null']);
        expect(toHex(section.bytes), section.name).toBe(toHex(readFileSync(path.join(folder, 'bytes'))));
        compared++;
      }
      expect(compared).toBeGreaterThan(12);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const kernel = await openKernel();
kernel?.close();
const loader =
  kernel &&
  (buildC('libbpf-load', ['bpf', 'elf', 'z']) ??
    missing('kernel', 'test/support/libbpf-load.c does not build: libbpf-dev, libelf-dev and a C compiler make it'));

describe.skipIf(!loader)('an assembled object', () => {
  it.each<[string, string[]]>([
    ['examples/asm/count.bpf.s', ['count']],
    ['test/isa/two-programs.bpf.s', ['first', 'second']],
  ])('%s is taken by libbpf and the kernel', (file, programs) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'ebpfw-isa-'));
    try {
      const assembled = assemble(readFileSync(path.join(repository, file), 'utf8'), { file, helperId: (name) => helperByName(name)?.id });
      expect(assembled.problems).toEqual([]);
      const { bytes, problems } = writeObject(assembled, { mapTypeId: (name) => mapType(name)?.id });
      expect(problems).toEqual([]);
      writeFileSync(path.join(folder, 'a.o'), bytes);
      const { stdout, stderr } = spawnSync(loader!, [path.join(folder, 'a.o')], { encoding: 'utf8' });
      expect([stdout.trim().split('\n'), stderr]).toEqual([programs.map((name) => `${name} loaded`), '']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
