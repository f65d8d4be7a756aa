import { expect, test } from 'vitest';
import path from 'node:path';
import { repository } from '#test/requirements';
import { readTargetKernel } from './kernel-btf.ts';

test('every system has the types of the target kernel: those we bring, whatever runs underneath', () => {
  const { version, btf, origin, symbols, problems } = readTargetKernel();
  expect({ version, origin, symbols, problems }).toEqual({ version: '6.18', origin: 'Linux 6.18', symbols: undefined, problems: [] });
  expect(btf?.find('bpf_xdp_pull_data', 'func')).toBeDefined();
});

test.each([
  ['6.12', 'bpf_iter_bits_new', 'bpf_xdp_pull_data'],
  ['6.1', 'bpf_lookup_user_key', 'bpf_iter_bits_new'],
] as const)('Linux %s has %s and not yet %s', (target, has, hasNot) => {
  const { btf, origin } = readTargetKernel({ target });
  expect(origin).toBe(`Linux ${target}`);
  expect(btf?.find('task_struct', 'struct')).toBeDefined();
  expect(btf?.find(has, 'func')).toBeDefined();
  expect(btf?.find(hasNot, 'func')).toBeUndefined();
});

test('a release without types of its own gets those of the next newer one, and says so', () => {
  expect(readTargetKernel({ target: '6.6' })).toMatchObject({ version: '6.6', origin: 'Linux 6.12' });
  expect(readTargetKernel({ target: '5.4' })).toMatchObject({ version: '5.4', origin: 'Linux 6.1' });
  expect(readTargetKernel({ target: '5.4' }).btf).toBe(readTargetKernel({ target: '6.1' }).btf);
});

test('what is no BTF, or not there, is said with the setting that names it', () => {
  expect(readTargetKernel({ kernelBtf: path.join(repository, 'package.json') }).problems[0]!.message).toMatch(
    /package\.json holds no kernel types/,
  );
  expect(readTargetKernel({ kernelBtf: '/nowhere' }).problems[0]!.message).toMatch(
    /The setting ebpf\.kernel\.btf names \/nowhere, which cannot be read/,
  );
});
