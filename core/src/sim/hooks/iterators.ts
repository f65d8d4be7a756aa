// What reading an iterator does: its program runs for every task, file, map, program, socket or cgroup that the simulated kernel has, and
// once more with NULL when there is nothing left. Targets: kernel/bpf/task_iter.c, map_iter.c, prog_iter.c, cgroup_iter.c.

import { resolve } from '#core/btf';
import { littleEndian } from '../integers.ts';
import type { KernelState } from '../state.ts';
import { filesOf, type Task } from '../subsystems/tasks.ts';
import { runRegion, type EventState, type PlannedRun } from './plan.ts';
import type { SimulatedProgram } from '../types.ts';
import { kernelObject, madeUp } from './typed-arguments.ts';

/** Values of the context's members by name; the others are made up from their types, or NULL at the end. */
type Element = Readonly<Record<string, bigint>>;

/** What each target shows; a target that is not here shows one made-up element. */
function elements(kernel: KernelState, target: string): readonly Element[] | undefined {
  const { objects, tasks } = kernel;
  const known = tasks.all.filter(({ pid }) => pid > 0).sort((a, b) => a.pid - b.pid);
  const task = (one: Task): bigint => tasks.addressOf(one);
  switch (target) {
    case 'task':
      return known.map((one) => ({ task: task(one) }));
    case 'task_file':
      return known.flatMap((one) =>
        [...filesOf(one)]
          .sort(([a], [b]) => a - b)
          .map(([fd, path]) => ({ task: task(one), fd: BigInt(fd), file: objects.openFile(path) })),
      );
    case 'bpf_map':
      return kernel.mapStructs().map((map) => ({ map }));
    case 'bpf_prog':
      return [...kernel.programsById.values()].map((program) => ({
        prog: objects.program(program.id, program.program.name, program.program.type),
      }));
    case 'cgroup':
      return [...new Set(['/', ...known.map(({ cgroup }) => cgroup)])].sort().map((path) => ({ cgroup: objects.cgroup(path) }));
    case 'tcp':
      return objects.socketKeys('SOCK_STREAM').map((key) => ({ sk_common: objects.sock(key), uid: 0n }));
    case 'udp':
      return objects.socketKeys('SOCK_DGRAM').map((key) => ({ udp_sk: objects.sock(key), uid: 0n, bucket: 0n }));
    default:
      return undefined;
  }
}

/** The runs of one read; undefined where the target's types do not know the iterator. */
export function iteratorRuns(
  kernel: KernelState,
  state: EventState,
  task: Task,
  program: SimulatedProgram,
  target: string,
): PlannedRun[] | undefined {
  const btf = kernel.layouts();
  const id = btf?.find(`bpf_iter__${target}`, 'struct');
  const type = id === undefined ? undefined : btf?.type(id);
  if (!btf || type?.kind !== 'struct') return undefined;
  const { structs } = kernel.objects;
  const shown = elements(kernel, target);
  const all: (Element | undefined)[] = [...(shown ?? [{}]), undefined];
  let seq: bigint | undefined;
  return all.map((element, index) => ({
    program,
    task,
    start(_kernel, run) {
      seq ??= kernelObject(kernel, state, 'seq_file');
      const meta = structs.loose(structs.allocate('bpf_iter_meta', 'struct bpf_iter_meta'), 'bpf_iter_meta');
      run.regions = [...run.regions, meta.region];
      meta.set('seq', seq).set('session_id', 1).set('seq_num', index);
      const bytes = new Uint8Array(type.size);
      for (const member of type.members) {
        // Pointers stand in unions that make them eight bytes on every machine.
        const inner = resolve(btf, member.type);
        const only = inner?.kind === 'union' ? inner.members[0] : undefined;
        const name = only?.name ?? member.name;
        const pointer = resolve(btf, only?.type ?? member.type)?.kind === 'ptr';
        const value =
          name === 'meta'
            ? meta.address
            : (element?.[name] ?? (element && !shown && pointer ? madeUp(kernel, state, btf, task, only?.type ?? member.type) : 0n));
        const size = pointer ? 8 : Math.min(4, type.size - (member.bitOffset >> 3));
        bytes.set(littleEndian(value, size), member.bitOffset >> 3);
      }
      run.ctx = runRegion(kernel, run, { kind: 'ctx', name: 'ctx', size: Math.max(bytes.length, 64), initial: bytes, writable: false });
      return { args: [run.ctx.base], ctxType: `struct bpf_iter__${target}` };
    },
  }));
}
