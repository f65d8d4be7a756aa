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

it('--type says what a program is whose section does not, and --kernel which kernel judges it', () => {
  const file = 'test/cli/no-type.bpf.s';
  expect(rows(ebpfw(['verify', '--json', file]))[0]).toMatchObject({ verdict: 'error', error: expect.stringContaining('--type says it') });
  expect(rows(ebpfw(['verify', '--json', '--type', 'xdp', file]))[0]).toMatchObject({ verdict: 'accepted', type: 'xdp' });
  expect(rows(ebpfw(['verify', '--json', '--type', 'sched_cls', file]))[0]).toMatchObject({ verdict: 'accepted', type: 'sched_cls' });
  expect(rows(ebpfw(['verify', '--json', '--type', 'fentry/vfs_read', file]))[0]).toMatchObject({ verdict: 'rejected' });
  expect(rows(ebpfw(['verify', '--json', '--type', 'netfilter', '--kernel', '6.1', file]))[0]).toMatchObject({ verdict: 'rejected' });
  expect(ebpfw(['verify', '--type', 'xdpp', file]).stderr).toContain('--type xdpp is neither');
});
