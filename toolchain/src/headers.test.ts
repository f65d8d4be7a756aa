import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Compiler } from './find-compiler.ts';
import { ensurePrecompiled, ensureVmlinux, findVmlinuxInclude } from './headers.ts';
import { readTargetKernel } from './kernel-btf.ts';

const INCLUDE = '#include "vmlinux.h"\n';
let folder: string;
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'headers-'))));
afterAll(() => rmSync(folder, { recursive: true }));

test('a vmlinux.h beside the program is found', () => {
  const own = path.join(folder, 'vmlinux.h');
  writeFileSync(own, '#pragma once\n');
  expect(findVmlinuxInclude(INCLUDE, folder, [])).toBe(own);
  rmSync(own);
  expect(findVmlinuxInclude(INCLUDE, folder, [])).toBeUndefined();
});

// Reading one would wait for ever, with the editor.
test.skipIf(process.platform === 'win32')('a pipe, a device and a link to one are no headers', async () => {
  const pipe = path.join(folder, 'vmlinux.h');
  execFileSync('mkfifo', [pipe]);
  expect(findVmlinuxInclude(INCLUDE, folder, [])).toBeUndefined();
  const compiler = { path: process.execPath, prefix: [], description: '', kind: 'clang' } as unknown as Compiler;
  expect(await ensurePrecompiled(pipe, compiler, [], { cacheFolder: folder })).toBeUndefined();
  const link = path.join(folder, 'link.h');
  symlinkSync('/dev/zero', link);
  expect(await ensurePrecompiled(link, compiler, [], { cacheFolder: folder })).toBeUndefined();
  expect((await ensureVmlinux({ vmlinux: pipe })).problems[0]?.message).toMatch(/no regular file/);
  expect(readTargetKernel({ kernelBtf: pipe }).problems[0]?.message).toMatch(/no regular file/);
});
