// The kernel that a program is loaded into is the event file's: its version and its configuration, in .kconfig variables.
import { expect, it } from 'vitest';
import { missing } from '#test/requirements';
import { findCompiler } from '#toolchain';
import { ebpfw, rows } from './command-line.ts';

const { compiler } = await findCompiler();
const hasCompiler = compiler !== undefined || (missing('clang', 'no compiler that knows BPF was found') ?? false);

it.skipIf(!hasCompiler)('options come from the event file beside the program', () => {
  const answer = ebpfw(['run', '--json', 'test/cli/options.bpf.c']);
  expect(answer.stderr).toBe('');
  expect(rows(answer).map(({ trace }) => trace)).toEqual([[expect.stringMatching(/: 60c00 1000 1$/), expect.stringMatching(/: quiet$/)]]);
});
