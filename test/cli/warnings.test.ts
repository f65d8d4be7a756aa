// `verify --warnings`: every error of a program, and what the kernel accepts and a person would not, as text and as JSON.
import path from 'node:path';
import { expect, it } from 'vitest';
import { missing, repository } from '#test/requirements';
import { findCompiler } from '#toolchain';
import { ebpfw, rows } from './command-line.ts';

const { compiler } = await findCompiler();
const hasCompiler = compiler !== undefined || (missing('clang', 'no compiler that knows BPF was found') ?? false);
const file = 'test/cli/careless.bpf.c';

it.skipIf(!hasCompiler)('tells both errors and all three warnings', async () => {
  const answer = ebpfw(['verify', '--warnings', file]);
  const text = answer.stdout
    .replaceAll(`${repository}/`, '')
    .replace(/[\d.]+ ms/, 'N ms')
    .replace(/(instruction|instructions processed,) \d+/g, '$1 N')
    .replace(/\d+ instructions/, 'N instructions');
  await expect(text).toMatchFileSnapshot(path.join(repository, 'test/cli/golden/careless.warnings.txt'));
  expect(answer.status).toBe(1);
});

it.skipIf(!hasCompiler)('as JSON, only when asked', () => {
  const codes = rows(ebpfw(['verify', '--warnings', '--json', file])).map((row) =>
    (row['warnings'] as { code: string }[]).map(({ code }) => code).sort(),
  );
  expect(codes).toEqual([['meaningless-return', 'uninitialised-stack', 'unwritten-record']]);
  expect(rows(ebpfw(['verify', '--json', file]))[0]).not.toHaveProperty('warnings');
});
