// The adapter as the editor runs it: bundled, a process of its own, over standard input and output. It must end when told to,
// also while a program runs that never ends, and must not print anything that is no DAP.
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository } from '#test/requirements';
import { DapClient } from './dap-client.ts';

let folder: string;
const program = path.join(repository, 'test/dap/programs/endless.bpf.s');

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'ebpf-adapter-'));
  await build({
    entryPoints: [path.join(repository, 'debug-adapter/src/main.ts')],
    outfile: path.join(folder, 'debug-adapter.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    define: { 'import.meta.url': 'undefined', 'import.meta.dirname': '__dirname' },
    logLevel: 'error',
    absWorkingDir: repository,
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Started {
  client: DapClient;
  exit: Promise<number | null>;
  errors: () => string;
}

async function start(args: object): Promise<Started> {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [path.join(folder, 'debug-adapter.js')]);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const client = new DapClient(child.stdout, child.stdin);
  await client.request('initialize', { adapterID: 'ebpf' });
  await client.request('launch', { program, verify: 'never', ...args });
  await client.event('initialized');
  return { client, exit, errors: () => errors };
}

test.each(['disconnect', 'terminate'])('%s ends the process while a program runs for ever', async (command) => {
  const { client, exit, errors } = await start({});
  await client.request('configurationDone');
  await new Promise((resolve) => setTimeout(resolve, 100));
  await client.request(command);
  expect(await exit).toBe(0);
  expect(errors()).toBe('');
});

test('a running program refuses what only a stopped one can answer, pauses, and restarts', async () => {
  const { client, exit } = await start({});
  await client.request('configurationDone');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await client.ask('stackTrace', { threadId: 1 })).message).toBe('the program is running; pause it first');
  await client.request('pause', { threadId: 1 });
  await client.event('stopped');
  client.takeEvents();
  expect(await client.request('stackTrace', { threadId: 1 })).toMatchObject({ totalFrames: 1 });
  await client.request('continue', { threadId: 1 });
  await client.request('restart', {});
  await client.request('setBreakpoints', { source: { path: program }, breakpoints: [{ line: 9 }] });
  await client.event('stopped');
  expect(
    client
      .takeEvents()
      .filter(({ event }) => event === 'stopped')
      .map(({ body }) => (body as { reason: string }).reason),
  ).toEqual(['breakpoint']);
  await client.request('disconnect');
  expect(await exit).toBe(0);
});

test('without debugging nothing stops', async () => {
  const { client, exit } = await start({
    program: path.join(repository, 'examples/asm/count.bpf.s'),
    noDebug: true,
    stopOnEntry: true,
    verify: 'ask',
  });
  await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count' }] });
  await client.request('configurationDone');
  await client.event('stopped', 'terminated');
  expect(client.takeEvents().map(({ event }) => event)).not.toContain('stopped');
  await client.request('disconnect');
  expect(await exit).toBe(0);
});

test('requests without their fields, endless expressions and a second launch are refused, and the session lives on', async () => {
  const { client, exit, errors } = await start({ stopOnEntry: true });
  await client.request('configurationDone');
  await client.event('stopped');
  for (const [command, field] of [
    ['breakpointLocations', 'source'],
    ['completions', 'text'],
    ['setExpression', 'expression'],
    ['evaluate', 'expression'],
    ['readMemory', 'memoryReference'],
  ] as const)
    expect((await client.ask(command)).message).toBe(`the request '${command}' lacks its field '${field}', or it is of another type`);
  const long = Array.from({ length: 20_000 }, () => '1').join(' + ');
  expect((await client.ask('evaluate', { expression: long })).message).toContain('more than 1000 words and signs');
  expect((await client.ask('launch', { program })).message).toBe(
    'this session debugs a program already: restart it, or start another session',
  );
  expect(await client.request('evaluate', { expression: Array.from({ length: 500 }, () => '1').join('+') })).toMatchObject({
    result: '500',
  });
  // A refused request in hexadecimal leaves the next one decimal.
  expect((await client.ask('setExpression', { expression: 'nothing', value: '1', format: { hex: true } })).success).toBe(false);
  expect((await client.ask('evaluate', { expression: 'nothing', format: { hex: true } })).success).toBe(false);
  expect(await client.request('setExpression', { expression: 'r0', value: '255' })).toMatchObject({ value: '255' });
  await client.request('disconnect');
  expect(await exit).toBe(0);
  expect(errors()).toBe('');
});
