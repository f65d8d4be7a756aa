// Our simulated kernel against the real one: the same program, the same packet, then the same return value, packet and maps.

import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '#core/bytes';
import { writeBtf, type Btf } from '#core/btf';
import { BPF_PSEUDO_KFUNC_CALL, isCall, type Insn } from '#core/isa';
import type { LoadedObject, MapDefinition, Program } from '#core/program';
import { buildPacket, createKernel, runScenario, type ScenarioEvent } from '#core/sim';
import { createWasmEngine, interpreter, type Engine } from '#core/vm';
import { openKernel, type KernelBridge } from '#test/kernel';
import { missing, repository } from '#test/requirements';
import { findCompiler, openProgram, readTargetKernel } from '#toolchain';

const FILE = path.join(repository, 'test/sim/agreement.bpf.c');
const PACKET = buildPacket({
  ip: { source: Uint8Array.of(192, 0, 2, 1) },
  udp: { source: 1000, destination: 53 },
  payload: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
});
const PROGRAMS = [
  'array_errors',
  'hash_errors',
  'lazy_hash_errors',
  'old_value_after_update',
  'percpu_array',
  'lpm_trie',
  'queue_and_stack',
  'ring_buffer',
  'tail_calls',
  'redirects',
  'adjust_head',
  'adjust_tail',
  'adjust_meta',
  'xdp_bytes',
  'csum',
  'swap_macs',
  'odd_sizes',
  'skb_hash_and_sums',
  'peer_with_flags',
  'huge_record',
  'numbers',
  'text',
  'skb_bytes',
  'skb_checksums',
  'skb_tail',
  'skb_room',
  'callbacks',
  'tail_loop',
  'dynptr_memory',
  'dynptr_records',
  'dynptr_packet',
  'dynptr_xdp',
  'numbers_in_order',
  'exception',
] as const;
/** Maps whose entries both can list; per-CPU values and rings are seen through `results`. */
const COMPARED = ['results', 'hash', 'lazy_hash', 'routes', '.data', '.bss'];

interface Outcome {
  returnValue: number;
  packet: string;
  maps: Record<string, readonly string[]>;
}

let object: LoadedObject | undefined;
let kernel: KernelBridge | undefined;
let kernelBtf: Btf | undefined;

beforeAll(async () => {
  const { compiler, problems } = await findCompiler();
  if (!compiler) return missing('clang', problems[0]?.message ?? 'no compiler');
  const opened = await openProgram(FILE, { compiler });
  expect(opened.problems).toEqual([]);
  object = opened.object!;
  kernel = await openKernel();
  kernelBtf = (await readTargetKernel()).btf;
}, 60_000);
afterAll(() => kernel?.close());

const nameOf = (definition: MapDefinition): string => definition.globalSection ?? definition.name;

async function onKernel(bridge: KernelBridge, name: string): Promise<Outcome> {
  const { programs, maps } = object!;
  const fds: number[] = [];
  for (const map of maps) {
    const fd = await bridge.createMap({
      type: map.type,
      keySize: map.keySize,
      valueSize: map.valueSize,
      maxEntries: map.maxEntries,
      flags: map.flags,
    });
    fds.push(fd);
    if (map.initial) await bridge.update(fd, new Uint8Array(4), map.initial);
    if (map.globalSection?.startsWith('.rodata')) await bridge.freeze(fd);
  }
  const load = async (wanted: string): Promise<number> => {
    const program = programs.find((candidate) => candidate.name === wanted)!;
    const answer = await bridge.load({
      type: program.type!,
      insns: withKfuncs(program),
      maps: fds,
      license: 'GPL',
      ...(await functionTypes(bridge, program)),
    });
    if (answer.verdict === 'rejected') throw new Error(`${wanted}: errno ${answer.errno}\n${answer.log.slice(-2000)}`);
    return answer.fd;
  };
  const opened: number[] = [];
  for (const [i, map] of maps.entries()) {
    for (const { index, target } of map.slots ?? []) {
      const fd = await load(target);
      opened.push(fd);
      await bridge.update(fds[i]!, Uint8Array.of(index, 0, 0, 0), Uint8Array.of(fd & 0xff, fd >> 8, 0, 0));
    }
  }
  const fd = await load(name);
  const answer = await bridge.run(fd, { data: PACKET });
  if (answer.errno !== 0) throw new Error(`${name}: test run fails with errno ${answer.errno}`);
  const contents: Record<string, readonly string[]> = {};
  for (const [i, map] of maps.entries()) {
    if (!COMPARED.includes(nameOf(map))) continue;
    const entries: string[] = [];
    for (const key of await bridge.keys(fds[i]!, map.keySize))
      entries.push(`${toHex(key)}=${toHex((await bridge.lookup(fds[i]!, key, map.valueSize))!)}`);
    contents[nameOf(map)] = entries.sort();
  }
  for (const open of [...fds, ...opened, fd]) await bridge.closeFd(open);
  return { returnValue: answer.returnValue, packet: toHex(answer.dataOut), maps: contents };
}

/** Calls of kfuncs carry the running kernel's BTF ids. */
const withKfuncs = (program: Program): readonly Insn[] =>
  program.insns.map((insn) =>
    isCall(insn) && insn.src === BPF_PSEUDO_KFUNC_CALL ? { ...insn, imm: kernelBtf!.find(program.kfuncs[insn.imm]!, 'func')! } : insn,
  );

/** Callbacks need the object's BTF and which type each function has. */
async function functionTypes(bridge: KernelBridge, program: Program): Promise<object> {
  if (program.subprograms.length < 2) return {};
  const { btf } = object!;
  if (!btf) throw new Error('the object has no BTF');
  // Sections' types carry sizes that only a loader knows, and externs' prototypes no names: pointers stand in their place.
  const types = Array.from({ length: btf.typeCount - 1 }, (_, i) => btf.type(i + 1)!);
  const btfFd = await bridge.loadBtf(
    writeBtf(
      types.map((type) =>
        type.kind === 'datasec' || ('linkage' in type && type.linkage === 'extern')
          ? { kind: 'ptr', id: type.id, name: '', type: 0 }
          : type,
      ),
    ),
  );
  const bytes = new Uint8Array(program.subprograms.length * 8);
  const words = new DataView(bytes.buffer);
  program.subprograms.forEach(({ start, funcTypeId }, i) => {
    words.setUint32(8 * i, start, true);
    words.setUint32(8 * i + 4, funcTypeId!, true);
  });
  return { btfFd, funcInfo: { bytes, recordSize: 8 } };
}

function inSimulation(engine: Engine, name: string): Outcome {
  const simulated = createKernel({ engine, cpus: 2, seed: 1 });
  const { programs, problems } = simulated.load(object!, name);
  expect(problems).toEqual([]);
  const program = programs.find((candidate) => candidate.program.name === name)!;
  simulated.attach(program);
  const event: ScenarioEvent = {
    index: 0,
    title: name,
    at: 0n,
    body: { type: 'packet', device: 'lo', queue: 0, direction: 'ingress', mark: 0, packet: PACKET },
  };
  const [result] = runScenario(simulated, { events: [event] });
  if (result?.outcome.kind !== 'exit') throw new Error(`${name}: ${JSON.stringify(result?.outcome)}`);
  const contents: Record<string, readonly string[]> = {};
  for (const map of simulated.maps) {
    if (!COMPARED.includes(nameOf(map.definition))) continue;
    contents[nameOf(map.definition)] = map
      .entries()
      .map(({ key, values }) => `${toHex(key)}=${toHex(values[0]!)}`)
      .sort();
  }
  return { returnValue: Number(BigInt.asUintN(32, result.outcome.value)), packet: toHex(result.packet!), maps: contents };
}

describe.each([interpreter, createWasmEngine({ warmup: 0 })])('$name', (engine) => {
  test.each(PROGRAMS)('%s', async (name) => {
    if (!object || !kernel) return;
    expect(inSimulation(engine, name)).toEqual(await onKernel(kernel, name));
  });
});
