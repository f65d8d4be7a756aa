// `ebpfw explain-log` on logs that a real kernel printed: text and JSON as golden files, and what it answers where there is none.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '#test/requirements';
import { ebpfw, rows } from './command-line.ts';

const logs = 'test/verifier-log/logs';
const golden = path.join(repository, 'test/cli/golden');

/** One of each kind: the text has the rest. */
const AS_JSON = ['index-too-large.libbpf-level1', 'linux-7.3', 'several.ci'];

describe.each(readdirSync(path.join(repository, logs)))('%s', (file) => {
  const name = file.replace(/\.log$/, '');

  it('as text', async () => {
    const { status, stdout, stderr } = ebpfw(['explain-log', `${logs}/${file}`]);
    expect([status, stderr]).toEqual([1, '']);
    await expect(stdout).toMatchFileSnapshot(path.join(golden, `${name}.explain-log.txt`));
  });
});

it.each(AS_JSON)('%s as JSON, from standard input', async (name) => {
  const answer = ebpfw(['explain-log', '-', '--json'], readFileSync(path.join(repository, logs, `${name}.log`), 'utf8'));
  expect(answer.status).toBe(1);
  await expect(
    `${rows(answer)
      .map((row) => JSON.stringify(row, null, 1))
      .join('\n')}\n`,
  ).toMatchFileSnapshot(path.join(golden, `${name}.explain-log.json`));
});

describe('what is no log', () => {
  it('is answered with what to do', () => {
    const { status, stdout, stderr } = ebpfw(['explain-log', '-'], 'hello\n');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^ebpfw explain-log: No verifier log is in this text\. Copy what the loader printed/);
  });

  it.each([[[]], [['a', 'b']], [['--level', '2']], [['no/such/file.log']]])('%j is a complaint', (args) => {
    const { status, stderr } = ebpfw(['explain-log', ...args]);
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('an accepted program is no failure', () => {
    const { status, stdout } = ebpfw(
      ['explain-log', '-'],
      '0: R1=ctx() R10=fp0\n0: (b7) r0 = 2 ; R0=2\n1: (95) exit\nprocessed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n',
    );
    expect([status, stdout]).toEqual([0, 'accepted (lines 1 to 4): 2 instructions processed\n']);
  });
});
