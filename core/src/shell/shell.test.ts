// bpftool's words and layout, taken from a session with the real one on 6.18 (same program: a counter and a bpf_printk).

import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#core/bytes';
import { decode } from '#core/isa';
import { createKernel, runScenario, type Kernel, usedMaps } from '#core/sim';
import { interpreter } from '#core/vm';
import { missing, repository } from '#test/requirements';
import { findCompiler, openProgram } from '#toolchain';
import { splitWords } from './command-line.ts';
import { programTag, sha1, sha256 } from './bpftool/program-tag.ts';
import { Shell } from './shell.ts';

let kernel: Kernel | undefined;
let shell: Shell;

beforeAll(async () => {
  const { compiler, problems } = await findCompiler();
  if (!compiler) return missing('clang', problems[0]?.message ?? 'no compiler');
  const opened = await openProgram(path.join(repository, 'test/sim/hello.bpf.c'), { compiler });
  expect(opened.problems).toEqual([]);
  kernel = createKernel({ engine: interpreter, cpus: 2 });
  const { programs } = kernel.load(opened.object!);
  kernel.attach(programs[0]!);
  shell = new Shell(kernel);
  for (const { output } of runScenario(kernel, { events: kernel.defaultEvents(programs[0]!).slice(0, 1) })) shell.feed(output);
}, 60_000);

const run = async (line: string): Promise<string> => {
  const { output, errors = '', status } = await shell.run(line);
  return status === 0 ? errors + output : `${errors}${output}[rc=${status}]`;
};
const idOf = (name: string): number => kernel!.maps.find(({ definition }) => definition.name === name)!.id;

describe('bpftool', () => {
  test('prog show', async () => {
    if (!kernel) return;
    const tag = programTag(kernel.programs[0]!.program.insns, '6.18');
    const bytes = kernel.programs[0]!.program.insns.length * 8;
    // In the order of their first use.
    const ids = usedMaps(kernel.programs[0]!)
      .map(({ id }) => id)
      .join(',');
    expect([...ids.split(',')].sort()).toEqual(kernel.maps.map(({ id }) => String(id)));
    expect(await run('bpftool prog show')).toBe(
      `1: xdp  name hello  tag ${tag}  gpl\n\tloaded_at 2025-01-01T00:01:40+0000  uid 0\n\txlated ${bytes}B  not jited  memlock 4096B  map_ids ${ids}\n\tbtf_id 2\n\tpids hello(4000)\n`,
    );
    expect(await run('bpftool prog list')).toBe(await run('bpftool prog show name hello'));
    expect((await run('bpftool prog show id 1 --pretty')).split('\n').slice(0, 5)).toEqual([
      '{',
      '    "id": 1,',
      '    "type": "xdp",',
      '    "name": "hello",',
      `    "tag": "${tag}",`,
    ]);
    expect(await run('bpftool prog show id 1 --pretty')).toContain(
      `    "map_ids": [${ids}\n    ],\n    "btf_id": 2,\n    "pids": [{\n            "pid": 4000,\n            "comm": "hello"\n        }\n    ]\n}\n`,
    );
    expect(await run('bpftool prog show name nobody')).toBe('[rc=255]');
    expect(await run('bpftool prog dump jited name hello')).toBe(
      'Error: no instructions returned: the simulated kernel runs programs without a JIT compiler\n[rc=255]',
    );
  });

  test('prog dump xlated', async () => {
    if (!kernel) return;
    const lines = (await run('bpftool prog dump xlated name hello')).split('\n');
    expect(lines[0]).toBe('int hello(struct xdp_md * ctx):');
    expect(lines[1]).toBe('; bpf_printk("Hello World %d", counter);');
    expect(lines[2]).toMatch(/^ {3}0: \(18\) r\d = map\[id:\d+\]\[0\]\+0$/);
    expect(lines.at(-2)).toMatch(/^ {2}\d+: \(95\) exit$/);
  });

  test('map show', async () => {
    if (!kernel) return;
    expect(await run('bpftool map show name hello.bss')).toBe(
      `${idOf('hello.bss')}: array  name hello.bss  flags 0x400\n\tkey 4B  value 4B  max_entries 1  memlock 8192B\n\tbtf_id 2\n\tpids hello(4000)\n`,
    );
    expect(await run('bpftool map show name hello.rodata')).toBe(
      `${idOf('hello.rodata')}: array  name hello.rodata  flags 0x80\n\tkey 4B  value 15B  max_entries 1  memlock 272B\n\tbtf_id 2  frozen\n\tpids hello(4000)\n`,
    );
  });

  test('map dump', async () => {
    if (!kernel) return;
    expect(await run('bpftool map dump name hello.bss')).toBe(
      '[{\n        "value": {\n            ".bss": [{\n                    "counter": 1\n                }\n            ]\n        }\n    }\n]\n',
    );
    expect(await run('bpftool map dump name hello.rodata')).toBe(
      '[{\n        "value": {\n            ".rodata": [{\n                    "hello.____fmt": "Hello World %d"\n                }\n            ]\n        }\n    }\n]\n',
    );
    expect(await run('bpftool map dump name flows')).toBe('[]\n');
    expect(await run('bpftool map dump name untyped')).toBe('Found 0 elements\n');
    expect(await run('bpftool map dump name percpu')).toBe(
      '[{\n        "key": 0,\n        "values": [{\n                "cpu": 0,\n                "value": 0\n            },{\n                "cpu": 1,\n                "value": 0\n            }\n        ]\n    }\n]\n',
    );
  });

  test('update, lookup, delete', async () => {
    if (!kernel) return;
    expect(await run(`bpftool map update id ${idOf('hello.bss')} key 0 0 0 0 value 0x2a 0 0 0`)).toBe('');
    expect(await run('bpftool map dump name hello.bss')).toContain('"counter": 42');
    expect(await run(`bpftool map delete id ${idOf('hello.bss')} key 0 0 0 0`)).toBe('Error: delete failed: Invalid argument\n[rc=234]');
    expect(await run(`bpftool map update name hello.rodata key 0 0 0 0 value hex ${'00 '.repeat(15)}`)).toBe(
      'Error: update failed: Operation not permitted\n[rc=255]',
    );
    expect(await run('bpftool map update name untyped key 1 0 0 0 value 1 2 3 4 5 6 7 0xff')).toBe('');
    expect(await run('bpftool map dump name untyped')).toBe('key: 01 00 00 00  value: 01 02 03 04 05 06 07 ff\nFound 1 element\n');
    expect(await run('bpftool map lookup name untyped key 2 0 0 0')).toBe('key:\n02 00 00 00\n\nNot found\n[rc=254]');
    expect(await run('bpftool map update name untyped key 1 0 value 1')).toBe('Error: error parsing byte: value\n[rc=255]');
    expect(await run('bpftool map update name flows key hex 01 00 00 00 value hex 05 0 0 0 0 0 0 0 61 62 0 0 0 0 0 0 noexist')).toBe('');
    expect(await run('bpftool -j map lookup name flows key 1 0 0 0')).toContain(
      '"formatted":{"key":1,"value":{"packets":5,"name":"ab"}}}\n',
    );
    expect(await run('bpftool map update name flows key 1 0 0 0 value 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 noexist')).toBe(
      'Error: update failed: File exists\n[rc=239]',
    );
  });

  test('net, trace_pipe and what is not there', async () => {
    if (!kernel) return;
    expect(await run('bpftool net list')).toBe('xdp:\neth0(2) driver id 1\n\ntc:\n\nflow_dissector:\n\n');
    expect(await run('cat /sys/kernel/tracing/trace_pipe')).toMatch(
      /^ {10}<idle>-0 {7}\[000\] \S{5} {3}100\.001\d{3}: bpf_trace_printk: Hello World 0\n$/,
    );
    expect(await run('cat /sys/kernel/tracing/trace_pipe')).toBe('');
    expect(await run('vi')).toBe("vi: command not found; 'help' says what there is\n[rc=127]");
    expect(await run('bpftool link show')).toBe('1: xdp  prog 1  \n\tifindex every device\n\tpids hello(4000)\n');
    expect(await run('')).toBe('');
  });
});

test('words', () => {
  expect(splitWords('a  "b c" d\\ e \'f"g\'')).toEqual(['a', 'b c', 'd e', 'f"g']);
});

test('hashes and tags', () => {
  const abc = Uint8Array.of(0x61, 0x62, 0x63);
  expect(toHex(sha1(abc))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
  expect(toHex(sha256(abc))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  // What 6.18 said of this program.
  const hello = decode(
    fromHex(
      '1826000000000000 0000000000000000 6163000000000000 1821000000000000 0000000000000000 b40200000f000000 8500000006000000 6161000000000000 0401000001000000 6316000000000000 b400000002000000 9500000000000000',
    )!,
  );
  expect(programTag(hello, '6.18')).toBe('eb25a4958caccc29');
});
