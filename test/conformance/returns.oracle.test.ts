// Return values that a real kernel gave (BPF_PROG_TEST_RUN, recorded in the shared folder) for programs that need nothing but the machine:
// no helper, no kfunc, no map beside global data, no context. Both engines must give the same.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex } from '#core/bytes';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_MAP_VALUE, decode, type Insn, isCall, isLdImm64, lookup } from '#core/isa';
import { loadObject, type LoadedObject } from '#core/program';
import { createMemory, createWasmEngine, type Engine, executableOf, interpreter, type Memory, type StopReason } from '#core/vm';
import { oracleFolder, sharedFolder } from '#test/requirements';

const ENGINES: readonly (readonly [string, Engine])[] = [
  ['interpreter', interpreter],
  ['wasm', createWasmEngine({ warmup: 0 })],
];
const shared = sharedFolder();
const objects = oracleFolder();

interface Row {
  file: string;
  prog: string;
  run_retval?: number;
}
interface MacroRow {
  file: string;
  index: number;
  descr: string;
  fixups: Record<string, number[]>;
  insns: string;
  verdict: string;
  run?: { retval?: number }[];
}

const rows = <T>(name: string): T[] =>
  shared === undefined
    ? []
    : readFileSync(path.join(shared, 'oracle', name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as T);

/** Needs a host, or something that only a kernel has. */
const needsMore = (insns: readonly Insn[]): boolean =>
  insns.some((insn, slot) => {
    if (slot > 0 && isLdImm64(insns[slot - 1]!)) return false;
    if (isCall(insn)) return insn.src !== BPF_PSEUDO_CALL;
    if (isLdImm64(insn)) return ![0, BPF_PSEUDO_MAP_VALUE, BPF_PSEUDO_FUNC].includes(insn.src);
    return lookup(insn)?.kind === 'packet' || lookup(insn)?.kind === 'addr_space_cast';
  });

/** Runs with a context that may not be looked at. may_goto falls through 8 million times before it jumps: the budget is for that. */
function run(engine: Engine, insns: readonly Insn[], memory: Memory): StopReason {
  const context = memory.allocate({ kind: 'ctx', name: 'ctx', size: 512, readable: false, writable: false });
  return engine
    .start(executableOf('main', insns), memory, { callHelper: () => ({ kind: 'fault', message: 'no helper' }) }, [context.base])
    .run({ budget: 100_000_000 });
}

/** A program that gives back an address gives another one in each address space: run in a shifted one, its result changes. */
const shifted = (): Memory => {
  const memory = createMemory();
  memory.allocate({ kind: 'mem', name: 'shift', size: 300_000 });
  return memory;
};
const returnsAddress = (one: StopReason, other: StopReason): boolean =>
  one.kind === 'exit' && other.kind === 'exit' && one.value !== other.value;

const touchesContext = (stop: StopReason): boolean => stop.kind === 'fault' && stop.memory?.region?.kind === 'ctx';

/** Global data as regions, and its addresses put into the program. */
function linked(insns: readonly Insn[], object: LoadedObject, memory: Memory): Insn[] {
  const regions = object.maps.map((map) =>
    memory.allocate({
      kind: 'map_value',
      name: map.name,
      size: Math.max(map.valueSize, 1),
      ...(map.initial ? { initial: map.initial } : {}),
    }),
  );
  const result = insns.map((insn) => ({ ...insn }));
  result.forEach((insn, slot) => {
    if (!isLdImm64(insn) || insn.src !== BPF_PSEUDO_MAP_VALUE) return;
    const second = result[slot + 1]!;
    const address = regions[insn.imm]!.base + BigInt(second.imm);
    insn.src = 0;
    insn.imm = Number(BigInt.asIntN(32, address));
    second.imm = Number(BigInt.asIntN(32, address >> 32n));
  });
  return result;
}

describe('selftest programs return what the kernel returned', () => {
  const loaded = new Map<string, LoadedObject>();
  const objectOf = (file: string): LoadedObject | undefined => {
    const name = path.join(objects!, 'obj', `${file}.bpf.o`);
    if (!loaded.has(file) && existsSync(name)) loaded.set(file, loadObject(readFileSync(name), name));
    return loaded.get(file);
  };
  it.skipIf(objects === undefined || shared === undefined).each(ENGINES)('%s', (_, engine) => {
    let agreed = 0;
    const differ: string[] = [];
    for (const row of rows<Row>('programs.jsonl')) {
      if (row.run_retval === undefined) continue;
      const object = objectOf(row.file);
      const program = object?.programs.find(({ name }) => name === row.prog);
      if (!object || !program || needsMore(program.insns)) continue;
      const memory = createMemory();
      const stop = run(engine, linked(program.insns, object, memory), memory);
      if (touchesContext(stop)) continue;
      const moved = shifted();
      if (stop.kind === 'exit' && Number(BigInt.asUintN(32, stop.value)) === row.run_retval >>> 0) agreed++;
      else if (!returnsAddress(stop, run(engine, linked(program.insns, object, moved), moved)))
        differ.push(
          `${row.file} ${row.prog}: ${stop.kind === 'exit' ? `0x${stop.value.toString(16)}` : JSON.stringify(stop, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value)).slice(0, 200)}, the kernel ${row.run_retval}`,
        );
    }
    expect(differ).toEqual([]);
    expect(agreed).toBeGreaterThanOrEqual(165);
  });
});

describe('instruction-array tests return what the kernel returned', () => {
  it.skipIf(shared === undefined).each(ENGINES)('%s', (_, engine) => {
    let agreed = 0;
    const differ: string[] = [];
    for (const row of rows<MacroRow>('macro-tests.jsonl')) {
      const wanted = row.run?.[0]?.retval;
      const insns = decode(fromHex(row.insns)!);
      if (row.verdict !== 'loaded' || wanted === undefined || Object.keys(row.fixups).length > 0 || needsMore(insns)) continue;
      const stop = run(engine, insns, createMemory());
      if (touchesContext(stop)) continue;
      if (stop.kind === 'exit' && Number(BigInt.asUintN(32, stop.value)) === wanted >>> 0) agreed++;
      else if (!returnsAddress(stop, run(engine, insns, shifted())))
        differ.push(
          `${row.file} ${row.index} ${row.descr}: ${stop.kind === 'exit' ? `0x${stop.value.toString(16)}` : (stop as { message?: string }).message}, the kernel ${wanted}`,
        );
    }
    expect(differ).toEqual([]);
    expect(agreed).toBeGreaterThanOrEqual(64);
  });
});
