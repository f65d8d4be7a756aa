import { expect, test } from 'vitest';
import { run } from './process.ts';

const node = process.execPath;

test('input goes in, both outputs and the exit code come back', async () => {
  const outcome = await run(
    node,
    ['-e', 'process.stdin.on("data", (d) => process.stdout.write(d)); process.stderr.write("said"); process.exitCode = 3'],
    { input: 'abc' },
  );
  expect([new TextDecoder().decode(outcome.stdout), outcome.stderr, outcome.code, outcome.cancelled]).toEqual(['abc', 'said', 3, false]);
});

test('a program that is not there is an outcome, not an exception', async () => {
  expect((await run('/nowhere/clang', [])).failure).toBe('ENOENT');
});

test('a child that hangs is ended by its signal, and one by its time', async () => {
  const controller = new AbortController();
  const hanging = run(node, ['-e', 'setInterval(() => {}, 1000)'], { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  expect((await hanging).cancelled).toBe(true);
  expect((await run(node, ['-e', 'setInterval(() => {}, 1000)'], { timeout: 50 })).timedOut).toBe(true);
});

test('what is cancelled before it starts is not started', async () => {
  expect(await run(node, ['-e', '0'], { signal: AbortSignal.abort() })).toMatchObject({ cancelled: true, code: undefined });
});
