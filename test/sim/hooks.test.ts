// Events reach the programs at their hooks, in the kernel's order, with what the kernel gives them; and everything can be played again.

import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '#core/bytes';
import type { LoadedObject } from '#core/program';
import { createKernel, decodeValue, parseScenario, runScenario, type Kernel, type PlainValue, type Scenario } from '#core/sim';
import { createWasmEngine, interpreter } from '#core/vm';
import { missing, repository } from '#test/requirements';
import { findCompiler, openProgram, readTargetKernel } from '#toolchain';

let object: LoadedObject | undefined;
let kernelBtf: Awaited<ReturnType<typeof readTargetKernel>>['btf'];

beforeAll(async () => {
  const { compiler, problems } = await findCompiler();
  if (!compiler) return missing('clang', problems[0]?.message ?? 'no compiler');
  const opened = await openProgram(path.join(repository, 'test/sim/hooks.bpf.c'), { compiler });
  expect(opened.problems).toEqual([]);
  object = opened.object!;
  kernelBtf = (await readTargetKernel()).btf;
}, 60_000);

const scenario = (events: string): Scenario => {
  const { scenario: read, problems } = parseScenario(
    `{ "kernel": { "cpus": 2 }, "processes": [{ "pid": 1200, "tgid": 1200, "comm": "bash", "uid": 1000, "gid": 100 }, { "pid": 1300, "comm": "rm", "parent": 1200 }], "events": [${events}] }`,
    '',
  );
  expect(problems).toEqual([]);
  return read!;
};

function prepared(only: readonly string[] | undefined, engine = interpreter): Kernel {
  const kernel = createKernel({ engine, cpus: 2, seed: 1, ...(kernelBtf ? { kernelBtf } : {}) });
  const { programs, problems } = kernel.load(object!);
  expect(problems).toEqual([]);
  for (const program of programs) if (!only || only.includes(program.program.name)) kernel.attach(program);
  return kernel;
}

/** Notes by name, in the order in which they were made. */
function notes(kernel: Kernel): { name: string; values: readonly PlainValue[]; text: PlainValue }[] {
  const map = kernel.maps.find(({ definition }) => definition.name === 'notes')!;
  const decoded = map.entries().map(({ key, values }) => {
    const {
      order,
      values: numbers,
      text,
    } = decodeValue(object!.btf!, map.definition.valueTypeId!, values[0]!) as {
      order: number;
      values: readonly PlainValue[];
      text: PlainValue;
    };
    return { name: String(decodeValue(object!.btf!, map.definition.keyTypeId!, key)), values: numbers, text, order };
  });
  return decoded.sort((a, b) => a.order - b.order).map(({ name, values, text }) => ({ name, values, text }));
}

function run(events: string, only?: readonly string[]): ReturnType<typeof notes> {
  const kernel = prepared(only);
  const played = scenario(events);
  expect(kernel.prepare(played)).toEqual([]);
  for (const { outcome, program } of runScenario(kernel, played)) expect(outcome, program).toMatchObject({ kind: 'exit' });
  return notes(kernel);
}

const EXECVE = '{ "type": "syscall", "name": "execve", "pid": 1200, "arguments": { "filename": "/usr/bin/ls", "argv": ["ls", "-l"] } }';

describe('events reach programs', () => {
  test("a system call, in the kernel's order", () => {
    if (!object) return;
    expect(
      run(
        EXECVE,
        object.programs.map(({ name }) => name).filter((name) => name !== 'lsm'),
      ),
    ).toEqual([
      { name: 'raw_enter', values: [59, 59, 0, 0], text: '/usr/bin/ls' },
      { name: 'tp_enter', values: [59, 1200, 0, 0], text: '/usr/bin/ls' },
      { name: 'ksyscall', values: [1200 * 2 ** 32 + 1200, 100 * 2 ** 32 + 1000, 0, 0], text: '-l' },
      { name: 'kprobe', values: [0, 0, 0, 0], text: '/usr/bin/ls' },
      { name: 'tp_exec', values: [1200, 0, 0, 0], text: '/usr/bin/ls' },
      { name: 'kretsyscall', values: [0, 0, 0, 0], text: 'ls' },
      { name: 'tp_exit', values: [59, 0, 0, 0], text: '' },
    ]);
  });

  test('what an LSM program refuses does not happen', () => {
    if (!object) return;
    const seen = run(EXECVE).map(({ name, values }) => [name, values[name === 'tp_exit' ? 1 : 0]]);
    expect(seen.slice(-3)).toEqual([
      ['lsm', 0],
      ['kretsyscall', (1n << 64n) - 1n],
      ['tp_exit', (1n << 64n) - 1n],
    ]);
    expect(seen.map(([name]) => name)).not.toContain('tp_exec');
  });

  test('a failing system call has no exec', () => {
    if (!object) return;
    const seen = run('{ "type": "syscall", "name": "execve", "pid": 1200, "arguments": { "filename": "/nowhere" }, "return": -2 }');
    expect(seen.map(({ name }) => name)).not.toContain('tp_exec');
    expect(seen.find(({ name }) => name === 'kretsyscall')).toEqual({
      name: 'kretsyscall',
      values: [(1n << 64n) - 2n, 0, 0, 0],
      text: 'bash',
    });
  });

  test('a kernel function', () => {
    if (!object) return;
    expect(run('{ "type": "function", "name": "do_unlinkat", "pid": 1300, "arguments": [3, 0], "return": -13 }')).toEqual([
      { name: 'fentry', values: [3, 1300, kernelBtf ? 1200 : expect.anything(), 0], text: '' },
      { name: 'fexit', values: [3, (1n << 64n) - 13n, 0, 0], text: '' },
      { name: 'kretprobe', values: [(1n << 64n) - 13n, 0, 0, 0], text: '' },
    ]);
  });

  test('a user function', () => {
    if (!object) return;
    expect(run('{ "type": "uprobe", "binary": "/bin/bash", "function": "readline", "arguments": ["$ "], "return": 77 }')).toEqual([
      { name: 'uprobe', values: [0, 0, 0, 0], text: '$ ' },
      { name: 'uretprobe', values: [77, 0, 0, 0], text: '' },
    ]);
    expect(run('{ "type": "uprobe", "binary": "/bin/zsh", "function": "readline" }')).toEqual([]);
  });

  test('a tracepoint with its record', () => {
    if (!object) return;
    expect(
      run(
        '{ "type": "tracepoint", "name": "sched:sched_switch", "fields": { "prev_pid": 5, "next_pid": 6, "next_prio": 120, "next_comm": "make" } }',
      ),
    ).toEqual([{ name: 'sched_switch', values: [5, 6, 120, 0], text: 'make' }]);
  });

  test('a sample, an LSM hook and a bare context', () => {
    if (!object) return;
    expect(
      run(
        '{ "type": "sample", "period": 7, "address": "0x400000" }, { "type": "function", "name": "bpf_lsm_file_open", "arguments": [0] }, { "type": "context", "program": "on_sockops", "fields": { "op": 3, "family": 2 } }',
      ),
    ).toEqual([
      { name: 'sample', values: [7, 0x400000, 0, 0], text: '' },
      { name: 'lsm', values: [0, 0, 0, 0], text: '' },
      { name: 'sockops', values: [3, 2, 0, 0], text: '' },
    ]);
  });

  test('a packet on its way up', () => {
    if (!object) return;
    expect(run('{ "type": "packet", "mark": 9, "packet": { "ip": {}, "udp": {} } }')).toEqual([
      { name: 'tc', values: [9, 2, 0, 0], text: '' },
      { name: 'socket', values: [42, 0, 0, 0], text: '' },
      { name: 'cgroup', values: [17, 28, 0, 0], text: '' },
    ]);
  });

  test('timers run when their time has come', () => {
    if (!object) return;
    const wait = (at: string): string => `, { "type": "wait", "at": "${at}" }`;
    const start = '{ "type": "syscall", "name": "getpid", "at": "1ms" }';
    const begun = { name: 'start', values: [0, (1n << 64n) - 16n, 0, 0], text: '' };
    const only = ['start_timer'];
    expect(run(`${start}${wait('10ms')}`, only)).toEqual([begun]);
    expect(run(`${start}${wait('12ms')}`, only)).toEqual([begun, { name: 'tick', values: [0, 1, 100_011, 0], text: '' }]);
    // Started again by its callback.
    expect(run(`${start}${wait('12ms')}${wait('20ms')}${wait('2s')}`, only)).toEqual([
      begun,
      { name: 'tick', values: [0, 2, 100_016, 0], text: '' },
    ]);
  });

  test("an iterator's context", () => {
    if (!object || !kernelBtf) return;
    expect(run('{ "type": "context", "program": "iterate", "pid": 1300 }')).toEqual([
      { name: 'iterate', values: [1300, 2, 0, 0], text: '' },
    ]);
  });

  test('every program has a default event that reaches it', () => {
    if (!object) return;
    const kernel = prepared([]);
    for (const program of kernel.programs) {
      const events = kernel.defaultEvents(program);
      expect(events.length, program.program.name).toBeGreaterThan(0);
      for (const event of events) expect(kernel.reaches(event, program), `${program.program.name}: ${event.title}`).toBe(true);
    }
  });

  test('a program that no event drives says so', () => {
    if (!object) return;
    const kernel = prepared([]);
    const sockops = kernel.programs.find(({ program }) => program.name === 'on_sockops')!;
    expect(kernel.attach(sockops).map(({ message }) => message)).toEqual([
      'on_sockops is of type sock_ops, which no simulated event reaches yet: drive it with an event of type "context" that gives its context',
    ]);
  });
});

describe('time travel', () => {
  /** Everything that can be seen of a kernel. */
  const picture = (kernel: Kernel): unknown => ({
    now: kernel.now(),
    maps: kernel.maps.map((map) => ({
      name: map.definition.name,
      entries: map.entries().map(({ key, values }) => `${toHex(key)}=${values.map((value) => toHex(value)).join()}`),
    })),
    regions: [...kernel.memory.regions].map(({ id, name, base, size }) => `${id} ${name} ${base} ${size}`),
  });

  test.each([interpreter, createWasmEngine({ warmup: 0 })])('$name: back to a time within an event, and on the same way', (engine) => {
    if (!object) return;
    const kernel = prepared(undefined, engine);
    const played = scenario(`${EXECVE}, { "type": "packet", "packet": { "ip": {}, "udp": {} } }`);
    kernel.prepare(played);
    const [first, second] = played.events as [Scenario['events'][number], Scenario['events'][number]];
    runScenario(kernel, { events: [first] });
    kernel.takeOutput();

    // To the middle of the second event's second run.
    const runs = kernel.fire(second)[Symbol.iterator]();
    const tc = runs.next().value!;
    tc.execution.run({ budget: 1e6 });
    tc.finish(0n);
    const socket = runs.next().value!;
    socket.execution.run({ budget: 10 });
    const before = picture(kernel);
    const saved = kernel.snapshot();
    const execution = socket.execution.snapshot();

    const finish = (): unknown => {
      const stop = socket.execution.run({ budget: 1e6 });
      if (stop.kind !== 'exit') throw new Error(JSON.stringify(stop));
      const at = picture(kernel);
      return { stop, at, executed: socket.execution.executed };
    };
    const once = finish();
    kernel.restore(saved);
    socket.execution.restore(execution);
    expect(picture(kernel)).toEqual(before);
    expect(finish()).toEqual(once);
    socket.finish(0n);
    // The rest of the event, from its next run on.
    expect([...kernel.fire(second, socket.index + 1)].map(({ program }) => program.program.name)).toEqual(['cgroup']);
  });

  test('a whole event again', () => {
    if (!object) return;
    const kernel = prepared(undefined);
    const played = scenario(`${EXECVE}, ${EXECVE}`);
    kernel.prepare(played);
    runScenario(kernel, { events: [played.events[0]!] });
    const saved = kernel.snapshot();
    const results = (): unknown =>
      runScenario(kernel, { events: [played.events[1]!] }).map(({ outcome, output, insns }) => ({ outcome, output, insns }));
    const once = results();
    const after = picture(kernel);
    kernel.restore(saved);
    expect(results()).toEqual(once);
    expect(picture(kernel)).toEqual(after);
  });
});
