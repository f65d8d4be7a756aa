import { expect, test } from 'vitest';
import path from 'node:path';
import { repository } from '#test/requirements';
import { readKernelBtf } from './kernel-btf.ts';

test('the types we bring are there and answer for kernel structs', () => {
  const { btf, origin, problems } = readKernelBtf({ kernelBtf: path.join(repository, 'toolchain/kernel/linux-6.18.btf') });
  expect(problems).toEqual([]);
  expect(origin).toContain('linux-6.18.btf');
  expect(btf?.find('task_struct', 'struct')).toBeDefined();
});

test('every system has some kernel types', () => {
  expect(readKernelBtf().btf?.find('pt_regs', 'struct')).toBeDefined();
});

test('what is no BTF, or not there, is said with the setting that names it', () => {
  expect(readKernelBtf({ kernelBtf: path.join(repository, 'package.json') }).problems[0]!.message).toMatch(
    /package\.json holds no kernel types/,
  );
  expect(readKernelBtf({ kernelBtf: '/nowhere' }).problems[0]!.message).toMatch(
    /The setting ebpf\.kernel\.btf names \/nowhere, which cannot be read/,
  );
});
