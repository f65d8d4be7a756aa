// The terminal as a person has it: keys in, text out. Line editing, history, completion, Ctrl+C, and a trace_pipe of a hundred thousand lines.

import { expect, test } from 'vitest';
import { createKernel } from '#core/sim';
import { interpreter } from '#core/vm';
import { parseLine } from './command-line.ts';
import { FILTERS } from './filters.ts';
import { Shell } from './shell.ts';
import { ShellTerminal } from './terminal.ts';

function open(): { shell: Shell; terminal: ShellTerminal; written: string[]; ended: () => number | undefined } {
  const shell = new Shell(createKernel({ engine: interpreter }));
  const written: string[] = [];
  let status: number | undefined;
  const terminal = new ShellTerminal(shell, {
    write: (text) => written.push(text),
    end: (with_) => void (status = with_),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    banner: ['hello'],
  });
  terminal.start();
  return { shell, terminal, written, ended: () => status };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
/** What stands on the screen, without colours and without lines drawn over. */
const screen = (written: readonly string[]): string =>
  written
    .join('')

    .replace(/\u001b\[[0-9;]*[A-Za-z]/g, '')
    .split('\r\n')
    .map((line) => line.slice(line.lastIndexOf('\r') + 1))
    .join('\n');
const PROMPT = 'root@simulated:~# ';

test('lines are edited, run and recalled', async () => {
  const { terminal, written } = open();
  terminal.input('echo wrld');
  terminal.input('\u001b[D\u001b[D\u001b[Do');
  terminal.input('\r');
  await settled();
  expect(screen(written)).toBe(`hello\n${PROMPT}echo world\nworld\n${PROMPT}`);
  terminal.input('\u001b[A');
  terminal.input('\u0001#\r');
  await settled();
  expect(screen(written).endsWith(`${PROMPT}#echo world\n${PROMPT}`)).toBe(true);
  terminal.input('nosuch\r');
  await settled();
  expect(screen(written)).toContain("nosuch: command not found; 'help' says what there is");
});

test('Tab completes commands, subcommands and paths', async () => {
  const { terminal, written } = open();
  terminal.input('bpft\t');
  await settled();
  terminal.input('ma\t');
  await settled();
  terminal.input('cr\t');
  await settled();
  terminal.input('/sys/fs/bpf/t type hash key 4 value 4 entries 2 name table\r');
  await settled();
  terminal.input('bpftool map dump name ta\t\r');
  await settled();
  terminal.input('ls /sys/fs/bpf/\t\r');
  await settled();
  const shown = screen(written);
  expect(shown).toContain(`${PROMPT}bpftool map create /sys/fs/bpf/t type`);
  expect(shown).toContain('dump name table \nFound 0 elements\n');
  expect(shown).toContain(`${PROMPT}ls /sys/fs/bpf/t \n/sys/fs/bpf/t\n`);
});

test('a trace_pipe of 100,000 lines stays responsive, and Ctrl+C ends it', async () => {
  const { shell, terminal, written, ended } = open();
  const lines = (count: number): { kind: 'trace'; line: string }[] =>
    Array.from({ length: count }, (_, i) => ({
      kind: 'trace',
      line: `          <idle>-0       [000] ..s2.   100.000000: bpf_trace_printk: line ${i}`,
    }));
  shell.feed(lines(100_000));
  terminal.input('cat /sys/kernel/tracing/trace_pipe\r');
  // The first pieces are there long before the last one: other work gets its turn between them.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  const early = written.length;
  terminal.input('\u0003');
  await settled();
  expect(written.length).toBeLessThan(60);
  expect(early).toBeLessThan(20);
  expect(screen(written).endsWith(`^C\n${PROMPT}`)).toBe(true);
  terminal.input('cat /sys/kernel/tracing/trace_pipe\r');
  await settled();
  shell.feed(lines(1));
  terminal.traced();
  await settled();
  expect(screen(written)).toContain('line 0\n');
  terminal.input('\u0003exit\r');
  await settled();
  terminal.input('exit\r');
  await settled();
  expect(ended()).toBe(130);
});

test('names cannot command the terminal', async () => {
  const { shell } = open();
  shell.feed([{ kind: 'trace', line: 'evil \u001b[2J \u009b31m' }]);
  expect(shell.readTrace()).toBe('evil \\x1b[2J \\x9b31m\n');
  expect((await shell.run("'\u001b[2J'")).errors).toBe("\\x1b[2J: command not found; 'help' says what there is\n");
});

test('command lines', () => {
  expect(parseLine('a "b c" | grep -v x; c && d > /dev/null 2>&1 # e')).toEqual([
    { commands: [{ words: ['a', 'b c'] }, { words: ['grep', '-v', 'x'] }], after: ';' },
    { commands: [{ words: ['c'] }], after: ';' },
    { commands: [{ words: ['d'], into: { path: '/dev/null', append: false } }], after: '&&' },
  ]);
  expect(parseLine('a |')).toEqual({ problem: "a command is missing behind '|'" });
  expect(parseLine('| a')).toEqual({ problem: "a command is missing before '|'" });
});

test('filters', () => {
  const input = 'b 1\na 2\nb 3\n';
  const run = (name: string, ...args: string[]): string => FILTERS[name]!(args, input).output;
  expect(run('grep', 'b')).toBe('b 1\nb 3\n');
  expect(run('grep', '-vn', 'b')).toBe('2:a 2\n');
  expect(run('grep', '-c', 'a|b')).toBe('0\n');
  expect(run('grep', '-cE', 'a|b')).toBe('3\n');
  expect(run('grep', '-o', '[0-9]')).toBe('1\n2\n3\n');
  expect(run('head', '-n', '1')).toBe('b 1\n');
  expect(run('tail', '-1')).toBe('b 3\n');
  expect(run('wc', '-l')).toBe('3\n');
  expect(run('sort')).toBe('a 2\nb 1\nb 3\n');
});
