// Programs read the truth of the simulated kernel: tasks, files, sockets and disks as the scenario and the kernel's own habits have them.

import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LoadedObject } from '#core/program';
import { createKernel, decodeValue, parseScenario, runScenario, type PlainValue } from '#core/sim';
import { createWasmEngine, interpreter, type Engine } from '#core/vm';
import { missing, repository } from '#test/requirements';
import { findCompiler, openProgram, readTargetKernel } from '#toolchain';

let object: LoadedObject | undefined;

beforeAll(async () => {
  const { compiler, problems } = await findCompiler();
  if (!compiler) return missing('clang', problems[0]?.message ?? 'no compiler');
  const opened = await openProgram(path.join(repository, 'test/sim/world.bpf.c'), { compiler });
  expect(opened.problems).toEqual([]);
  object = opened.object!;
}, 60_000);

/** Global variables after the scenario. */
function globals(text: string, engine: Engine = interpreter): { values: Record<string, PlainValue>; said: string[] } {
  const { scenario, problems } = parseScenario(text, 'x.events.json');
  expect(problems).toEqual([]);
  const { btf } = readTargetKernel();
  const kernel = createKernel({ engine, ...scenario!.kernel, ...(btf ? { kernelBtf: btf } : {}) });
  const { programs } = kernel.load(object!);
  for (const program of programs) kernel.attach(program);
  const said = kernel.prepare(scenario!).map(({ message, span }) => `${span?.line ?? 0}:${span?.column ?? 0} ${message}`);
  for (const { outcome, program } of runScenario(kernel, scenario!)) expect(outcome, program).toMatchObject({ kind: 'exit' });
  const map = kernel.maps.find(({ definition }) => definition.globalSection === '.bss')!;
  const values = decodeValue(object!.btf!, map.definition.valueTypeId!, map.entries()[0]!.values[0]!) as Record<string, PlainValue>;
  return { values, said };
}

const PROCESSES = `"processes": [
  { "pid": 700, "comm": "sshd", "parent": 1, "uid": 0 },
  { "pid": 1200, "comm": "vim", "parent": 700, "uid": 1000, "gid": 100, "cgroup": "/user.slice/user-1000.slice",
    "args": ["vim", "notes.txt"], "files": { "0": "/dev/pts/0", "3": "/home/me/a-file-name-that-is-too-long-to-be-kept-in-the-dentry.txt" },
    "namespaces": { "pid": 4026532200 } }
]`;

describe('what the kernel knows, programs read', () => {
  test.each([interpreter, createWasmEngine({ warmup: 0 })])(
    '$name: a task with parents, credentials, namespaces, memory and files',
    (engine) => {
      if (!object) return;
      const { values } = globals(`{ ${PROCESSES}, "events": [{ "type": "syscall", "name": "getpid", "pid": 1200 }] }`, engine);
      const [seen] = values['tasks'] as Record<string, PlainValue>[];
      expect(seen).toMatchObject({
        pid: 1200,
        parent: 700,
        grandparent: 1,
        uid: 1000,
        pid_namespace: 4026532200,
        level: 2,
        parent_comm: 'sshd',
        node: 'workbench',
        exe: 'vim',
        third: 'a-file-name-that-is-too-long-to',
        folder: 'me',
        superblock: 0xef53,
        filesystem: 'ext4',
      });
      expect(seen!['inode']).not.toBe(0);
      expect(String(seen!['command'])).toMatch(/^vim\0?|766d/);
    },
  );

  test.each([interpreter, createWasmEngine({ warmup: 0 })])('$name: typed pointers that lead nowhere read zero', (engine) => {
    if (!object) return;
    const { values } = globals(
      `{ ${PROCESSES}, "events": [{ "type": "function", "name": "do_unlinkat", "pid": 1200, "arguments": [-100, { "file": "/etc/passwd" }] }] }`,
      engine,
    );
    const typed = values['typed'] as PlainValue[];
    expect(typed[0]).toBe(700);
    expect(typed[1]).not.toBe(0);
    expect(typed.slice(2, 5)).toEqual([0, 0, 'e'.charCodeAt(0)]);
  });

  test('failed reads say what the kernel says', () => {
    if (!object) return;
    const { values } = globals('{ "events": [{ "type": "function", "name": "vfs_fsync", "pid": 1000 }] }');
    expect(values['errors']).toEqual([-34, 0, -14, -14, -14, -34]);
  });

  test('a socket by default, and one that the file describes', () => {
    if (!object) return;
    expect(globals('{ "events": [{ "type": "function", "name": "tcp_connect" }] }').values['connection']).toEqual([
      2, 0x010200c0, 443, 40000, 1, 6, 0o140777, 1,
    ]);
    const described = `"__sk_common": { "skc_family": 2, "skc_daddr": "198.51.100.7", "skc_dport": 8080, "skc_state": 2 }, "sk_protocol": 132,
      "sk_socket": { "struct": "socket", "sk": { "object": "conn" }, "file": { "file": "/dev/null" } }`;
    expect(
      globals(
        `{ "objects": { "conn": { "struct": "sock", ${described} } }, "events": [{ "type": "function", "name": "tcp_connect", "arguments": [{ "object": "conn" }] }] }`,
      ).values['connection'],
    ).toEqual([2, 0x076433c6, 8080, 0, 2, 132, 0o020620, 1]);
  });

  test('a request and its disk', () => {
    if (!object) return;
    const { values } = globals('{ "events": [{ "type": "tracepoint", "name": "block:block_rq_issue" }] }');
    expect(values['disk']).toEqual([2048, 4096, 254, 0]);
    expect(values['disk_name']).toBe('vda');
  });

  test('the record of a tracepoint is that of its class', () => {
    if (!object) return;
    const { values, said } = globals(
      `{ ${PROCESSES}, "events": [{ "type": "tracepoint", "name": "sched:sched_wakeup", "pid": 1200, "fields": { "prio": 99, "target_cpu": 3 } }] }`,
    );
    expect(said).toEqual([]);
    expect(values['woken']).toEqual([1200, 99, 3, 0]);
    expect(values['woken_comm']).toBe('vim');
  });

  test('user memory has bytes behind a text', () => {
    if (!object) return;
    const { values } = globals('{ "events": [{ "type": "syscall", "name": "openat", "arguments": { "filename": "/etc/passwd" } }] }');
    expect((values['errors'] as PlainValue[])[0]).toBe(0);
    expect(values['behind']).toBe('/etc/passwd');
  });
});

describe('what nothing here has is told', () => {
  const wrong: readonly (readonly [string, string])[] = [
    [
      '{ "type": "tracepoint", "name": "sched:sched_wakeup", "fields": { "pido": 1 } }',
      'events[0].fields: sched_wakeup has no "pido": did you mean "pid"?',
    ],
    ['{ "type": "tracepoint", "name": "sched:sched_wakeup", "fields": { "pid": "x" } }', 'events[0].fields.pid: an integer is wanted'],
    ['{ "type": "tracepoint", "name": "sched_wakeup", "arguments": [0, 1] }', 'events[0].arguments: sched_wakeup has 1, and 2 are given'],
    [
      '{ "type": "function", "name": "do_unlinkat", "arguments": [0, 0, 0] }',
      'events[0].arguments: do_unlinkat() takes 2, and 3 are given',
    ],
    ['{ "type": "map", "map": "count", "key": 1, "value": 1 }', 'events[0].map: there is no map "count"'],
    ['{ "type": "context", "program": "wakup" }', 'events[0].program: there is no program "wakup": did you mean "wakeup"?'],
    [
      '{ "type": "function", "name": "tcp_connect", "arguments": [{ "struct": "sok" }] }',
      "events[0].arguments.0.struct: the kernel's types have no struct sok",
    ],
    [
      '{ "type": "function", "name": "tcp_connect", "arguments": [{ "struct": "sock", "sk_protocl": 1 }] }',
      'events[0].arguments.0.sk_protocl: struct sock has no member sk_protocl',
    ],
    [
      '{ "type": "function", "name": "tcp_connect", "arguments": [{ "object": "x" }] }',
      'events[0].arguments.0.object: there is no object "x" in "objects"',
    ],
  ];
  test.each(wrong)('%s', (event, message) => {
    if (!object) return;
    const { scenario } = parseScenario(`{ "events": [\n${event}] }`, 'x.events.json');
    const { btf } = readTargetKernel();
    const kernel = createKernel({ engine: interpreter, ...(btf ? { kernelBtf: btf } : {}) });
    kernel.load(object);
    const [problem] = kernel.prepare(scenario!);
    expect(problem?.message.slice(0, message.length)).toBe(message);
    expect(problem?.span).toMatchObject({ line: 2, column: 1 });
  });
});
