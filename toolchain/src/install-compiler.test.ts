// Installing a compiler on request: what is run, and what a person is told when it does not work. npm itself is a fake here.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installCompiler, ZIG_PACKAGE } from './install-compiler.ts';
import { type Machine, thisMachine } from './machine.ts';
import type { RunOutcome } from './process.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'ebpf-install-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const outcome = (more: Partial<RunOutcome>): RunOutcome => ({
  code: 0,
  stdout: new Uint8Array(),
  stderr: '',
  cancelled: false,
  timedOut: false,
  ...more,
});

/** A Linux whose only program is npm. */
function machine(answer: Partial<RunOutcome>, calls: string[][] = [], executables: readonly string[] = ['/usr/bin/npm']): Machine {
  return {
    ...thisMachine,
    platform: 'linux',
    arch: 'x64',
    env: { PATH: 'relative:/usr/bin' },
    isExecutable: (file) => executables.includes(file),
    run: (command, args) => {
      calls.push([command, ...args]);
      return Promise.resolve(outcome(answer));
    },
  };
}

test('no npm: says what to install', async () => {
  expect(await installCompiler(folder, { machine: machine({}, [], []) })).toMatch(/npm was not found.*install Node\.js/);
});

test('runs npm without scripts, into the folder only', async () => {
  const calls: string[][] = [];
  await installCompiler(folder, { machine: machine({}, calls) });
  expect(calls[0]).toEqual(['/usr/bin/npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, ZIG_PACKAGE]);
});

test('npm fails: its last word is passed on', async () => {
  const stderr = 'npm error code E404\nnpm error 404 Not Found\nnpm error A complete log of this run can be found in: somewhere\n';
  expect(await installCompiler(folder, { machine: machine({ code: 1, stderr }) })).toBe(
    `npm could not install ${ZIG_PACKAGE}: 404 Not Found`,
  );
});

test('cancelled', async () => {
  expect(await installCompiler(folder, { machine: machine({ code: undefined as never, cancelled: true }) })).toBe('cancelled');
});

test('installed but without a compiler that works: says so', async () => {
  expect(await installCompiler(folder, { machine: machine({}) })).toMatch(/was installed, but it does not compile BPF on this machine/);
});
