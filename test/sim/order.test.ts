// One system call causes everything that hangs on it, in the kernel's order: the same programs, the same calls, in the simulated kernel and
// in a real 6.12 (order-6.12.jsonl, which ask-order.sh writes).

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LoadedObject } from '#core/program';
import { createKernel, decodeValue, parseScenario, runScenario, type PlainValue } from '#core/sim';
import { interpreter } from '#core/vm';
import { missing, repository } from '#test/requirements';
import { findCompiler, openProgram, readTargetKernel } from '#toolchain';

interface Answer {
  step: string;
  runs: [string, number][];
}

const answers = readFileSync(path.join(repository, 'test/sim/order-6.12.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Answer);

/** What each step of ask-order.c is as an event. */
const EVENTS: Readonly<Record<string, string>> = {
  getpid: '"name": "getpid", "return": 1000',
  execve: '"name": "execve", "arguments": { "filename": "/bbin/true", "argv": ["true", "x"] }',
  'execve of a missing file': '"name": "execve", "arguments": { "filename": "/nowhere", "argv": ["x"] }, "return": -2',
  openat: '"name": "openat", "arguments": { "filename": "/tmp/order-file" }',
  read: '"name": "read", "arguments": { "fd": 3, "count": 8 }',
  write: '"name": "write", "arguments": { "fd": 3, "buf": { "text": "hello" }, "count": 5 }, "return": 5',
  close: '"name": "close", "arguments": { "fd": 3 }',
  unlinkat: '"name": "unlinkat", "arguments": { "pathname": "/tmp/order-gone" }',
  mkdirat: '"name": "mkdirat", "arguments": { "pathname": "/tmp/order-folder", "mode": 493 }',
  renameat2: '"name": "renameat2", "arguments": { "oldname": "/tmp/order-from", "newname": "/tmp/order-to" }',
  clone: '"name": "clone", "arguments": { "clone_flags": 17 }',
  exit_group: '"name": "exit_group", "arguments": { "error_code": 3 }',
  socket: '"name": "socket", "arguments": { "family": 2, "type": 1 }',
  connect: '"name": "connect", "arguments": { "fd": 3, "uservaddr": { "address": "127.0.0.1", "port": 7000 } }',
  bind: '"name": "bind", "arguments": { "fd": 3, "umyaddr": { "address": "127.0.0.1", "port": 7001 } }',
  listen: '"name": "listen", "arguments": { "fd": 3, "backlog": 5 }',
  kill: '"name": "kill", "arguments": { "pid": 1000, "sig": 10 }',
  sendto: '"name": "sendto", "arguments": { "fd": 3, "buff": { "text": "hello" }, "len": 5 }, "return": 5',
  mmap: '"name": "mmap", "arguments": { "len": 4096, "prot": 1, "flags": 2, "fd": 3 }',
};

let object: LoadedObject | undefined;

beforeAll(async () => {
  const { compiler, problems } = await findCompiler();
  if (!compiler) return missing('clang', problems[0]?.message ?? 'no compiler');
  const opened = await openProgram(path.join(repository, 'test/sim/order.bpf.c'), { compiler });
  expect(opened.problems).toEqual([]);
  object = opened.object!;
}, 60_000);

function simulated(step: string): [string, number][] {
  const { scenario, problems } = parseScenario(
    `{ "processes": [{ "pid": 1000, "comm": "order", "files": ${step === 'exit_group' ? '{ "0": "/dev/null", "1": "/dev/null", "2": "/dev/null" }' : '{ "3": "/tmp/order-file" }'} }], "events": [{ "type": "syscall", "pid": 1000, ${EVENTS[step]!} }] }`,
    '',
  );
  expect(problems).toEqual([]);
  const { btf } = readTargetKernel();
  const kernel = createKernel({ engine: interpreter, ...(btf ? { kernelBtf: btf } : {}) });
  for (const program of kernel.load(object!).programs) kernel.attach(program);
  expect(kernel.prepare(scenario!)).toEqual([]);
  for (const { outcome, program } of runScenario(kernel, scenario!)) expect(outcome, program).toMatchObject({ kind: 'exit' });
  const map = kernel.maps.find(({ definition }) => definition.globalSection === '.bss')!;
  const { names, facts, count } = decodeValue(object!.btf!, map.definition.valueTypeId!, map.entries()[0]!.values[0]!) as {
    names: PlainValue[];
    facts: PlainValue[];
    count: number;
  };
  return names.slice(0, count).map((name, i) => [String(name), Number(facts[i])]);
}

describe('the order of a real kernel', () => {
  test('every step that was asked has its event', () => {
    expect(answers.map(({ step }) => step)).toEqual(Object.keys(EVENTS));
  });

  test.each(answers)('$step', ({ step, runs }) => {
    if (!object) return;
    expect(simulated(step)).toEqual(runs);
  });
});
