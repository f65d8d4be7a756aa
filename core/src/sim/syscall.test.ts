// Life and errors of bpf(2)'s objects: file descriptors, pins, links, devices; what goes when a holder goes; the log; time travel.
// That the kernel does the same is asked in test/shell.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadAssembly } from '#core/program';
import { interpreter } from '#core/vm';
import { repository } from '#test/requirements';
import { createKernel, holderText, recordCalls, wouldGo, type Kernel, type LoadOutcome } from './index.ts';

const TEXT = readFileSync(path.join(repository, 'examples/asm/count.bpf.s'), 'utf8');

function open(): { kernel: Kernel; pid: number; outcome: Extract<LoadOutcome, { kind: 'loaded' }> } {
  const kernel = createKernel({ engine: interpreter });
  const process = kernel.bpf.start('loader');
  const outcome = kernel.bpf.loadObject(process, loadAssembly(TEXT, 'count.bpf.s'));
  if (outcome.kind !== 'loaded') throw new Error(JSON.stringify(outcome));
  return { kernel, pid: process.pid, outcome };
}
const there = ({ programs, maps, bpf }: Kernel): string =>
  [...programs.map(({ id }) => `prog ${id}`), ...maps.map(({ id }) => `map ${id}`), ...bpf.links.map(({ id }) => `link ${id}`)].join(', ');
const processOf = (kernel: Kernel, pid: number): Kernel['bpf']['processes'][number] => kernel.bpf.processes.find((one) => one.pid === pid)!;

test('a process, a pin, a device: the last holder decides', () => {
  const { kernel, pid, outcome } = open();
  const { bpf } = kernel;
  const [program] = outcome.programs;
  expect(there(kernel)).toBe('prog 1, map 1');
  expect(bpf.holdersOf({ kind: 'map', id: 1 }).map(holderText)).toEqual(['fd 4 of loader (4000)', 'prog 1']);
  expect(bpf.pin(processOf(kernel, pid), { kind: 'prog', id: 1 }, '/sys/fs/bpf/count')).toBeUndefined();
  bpf.exit(pid);
  expect(there(kernel)).toBe('prog 1, map 1');
  expect(bpf.attachXdp(program!, 'eth0', 'driver', false)).toBeUndefined();
  expect(bpf.holdersOf({ kind: 'prog', id: 1 }).map(holderText)).toEqual(['pin /sys/fs/bpf/count', 'xdp on eth0']);
  const [pin, device] = bpf.holdersOf({ kind: 'prog', id: 1 });
  expect(wouldGo(bpf.holdings, pin!)).toEqual([]);
  expect(bpf.unlink('/sys/fs/bpf/count')).toBeUndefined();
  expect(wouldGo(bpf.holdings, device!)).toEqual(['prog 1', 'btf 2', 'map 1']);
  expect(bpf.detachXdp('eth0')).toBeUndefined();
  expect(there(kernel)).toBe('');
  expect(kernel.attached).toEqual([]);
});

test('a link holds its program, and goes with its file descriptor', () => {
  const { kernel, pid, outcome } = open();
  const { bpf } = kernel;
  bpf.attachBySection(processOf(kernel, pid), outcome.programs[0]!);
  expect(there(kernel)).toBe('prog 1, map 1, link 1');
  expect(kernel.attached.length).toBe(1);
  for (const fd of [...processOf(kernel, pid).fds.keys()].slice(0, -1)) bpf.close(pid, fd);
  expect(there(kernel)).toBe('prog 1, map 1, link 1');
  expect(bpf.close(pid, 99)).toEqual({ errno: 'EBADF' });
  bpf.exit(pid);
  expect(there(kernel)).toBe('');
  expect(kernel.attached).toEqual([]);
});

test('what is refused, and with which error', () => {
  const { kernel, pid, outcome } = open();
  const { bpf } = kernel;
  const process = processOf(kernel, pid);
  const ref = { kind: 'prog', id: 1 } as const;
  expect(bpf.pin(process, ref, '/tmp/x')).toEqual({ errno: 'EINVAL' });
  expect(bpf.pin(process, ref, '/sys/fs/bpf/no/x')).toEqual({ errno: 'ENOENT' });
  expect(bpf.pin(process, ref, '/sys/fs/bpf/x.y')).toEqual({ errno: 'EPERM' });
  expect(bpf.pin(process, ref, '/sys/fs/bpf/x')).toBeUndefined();
  expect(bpf.pin(process, ref, '/sys/fs/bpf/x')).toEqual({ errno: 'EEXIST' });
  expect(bpf.get(process, '/sys/fs/bpf/y')).toEqual({ errno: 'ENOENT' });
  expect(bpf.byId(process, { kind: 'map', id: 7 })).toEqual({ errno: 'ENOENT' });
  expect(bpf.attachXdp(outcome.programs[0]!, 'nosuch', 'driver', false)).toEqual({ errno: 'ENODEV' });
  expect(bpf.attachXdp(outcome.programs[0]!, 'eth0', 'driver', false)).toBeUndefined();
  expect(bpf.attachXdp(outcome.programs[0]!, 'eth0', 'driver', false)).toEqual({ errno: 'EBUSY' });
  expect(bpf.attachXdp(outcome.programs[0]!, 'eth0', 'generic', true)).toEqual({ errno: 'EEXIST' });
  const [map] = kernel.maps;
  expect(bpf.freeze(process, map!)).toBeUndefined();
  expect(bpf.updateElement(process, map!, new Uint8Array(4), new Uint8Array(8), 0n)).toBe(-1);
  expect(bpf.freeze(process, map!)).toEqual({ errno: 'EBUSY' });
  const definition = { name: 'm', type: 'hash', typeId: 1, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
  expect(bpf.createMap(process, { ...definition, keySize: 0 })).toEqual({ errno: 'EINVAL' });
  expect(bpf.createMap(process, { ...definition, keySize: 600 })).toEqual({ errno: 'E2BIG' });
  expect(bpf.createMap(process, { ...definition, type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 5000 })).toEqual({
    errno: 'EINVAL',
  });
});

test('loading fails in ways that are told apart, and leaves nothing', () => {
  const kernel = createKernel({ engine: interpreter });
  const object = loadAssembly(TEXT, 'count.bpf.s');
  const refused = kernel.bpf.loadObject(kernel.bpf.start('loader'), object, {
    verify: () => ({ accepted: false, errno: 'EACCES', log: 'no' }),
  });
  expect(refused.kind).toBe('verifier');
  expect(kernel.bpf.log.at(-1)!.text).toBe(
    'bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_XDP, insn_cnt=' +
      `${object.programs[0]!.insns.length}, insns=…, license="${object.license}", prog_name="count"}, 148) = -1 EACCES (Permission denied)`,
  );
  expect(kernel.bpf.loadObject(kernel.bpf.start('loader'), loadAssembly('', 'empty.bpf.s')).kind).toBe('libbpf');
  expect(there(kernel)).toBe('');
  expect(kernel.bpf.processes).toEqual([]);
});

test('a snapshot has it all, and recorded calls are made again', () => {
  const { kernel, pid } = open();
  const before = kernel.snapshot();
  const recording = recordCalls(kernel);
  const process = recording.kernel.bpf.start('bpftool');
  recording.kernel.bpf.byId(process, { kind: 'map', id: 1 });
  expect(recording.lasting).toBe(false);
  recording.kernel.bpf.updateElement(process, kernel.maps[0]!, Uint8Array.of(6, 0, 0, 0), Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0), 0n);
  recording.kernel.bpf.pin(process, { kind: 'map', id: 1 }, '/sys/fs/bpf/counts');
  recording.kernel.bpf.exit(process.pid);
  expect(recording.lasting).toBe(true);
  const check = (): void => {
    expect(kernel.maps[0]!.lookup(Uint8Array.of(6, 0, 0, 0))![0]![0]).toBe(9);
    expect([...kernel.bpf.pins.keys()]).toEqual(['/sys/fs/bpf/counts']);
    expect(kernel.bpf.processes.map((one) => one.pid)).toEqual([pid]);
  };
  check();
  kernel.restore(before);
  expect(kernel.maps[0]!.lookup(Uint8Array.of(6, 0, 0, 0))).toBeUndefined();
  expect(kernel.bpf.pins.size).toBe(0);
  recording.replay();
  check();
});
