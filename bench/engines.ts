// `npm run bench`: both engines against native code and a C interpreter on the shared compute programs, and what a debugger costs.
// Every figure is a median of ratios taken inside one run, in processor time; `--keep` writes bench/baseline.json, which is compared
// with otherwise. Figures of another machine say nothing.

import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { assemble } from '#core/isa';
import {
  createMemory,
  createWasmEngine,
  type Engine,
  type Executable,
  executableOf,
  type Host,
  interpreter,
  type Memory,
  type RunLimits,
} from '#core/vm';
import { repository } from '#test/requirements';
import { compileTime } from './compile-time.ts';
import { executable, NAMES, native, type Peer, switchInterpreter } from './programs.ts';

const ROUNDS = 7;
const BUDGET = 1_000_000_000;
const silent: Host = { callHelper: () => undefined };

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const geometric = (values: readonly number[]): number => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
const round = (value: number): number => Math.round(value * 100) / 100;

/** Processor time of this process in milliseconds. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface Run {
  result: string;
  ms: number;
  executed: number;
}

function runOnce(engine: Engine, program: Executable, memory: Memory, limits: RunLimits = { budget: BUDGET }): Run {
  const region = memory.allocate({
    kind: 'mem',
    name: 'mem',
    size: 8192 + 64,
    initial: Uint8Array.from({ length: 8192 }, (_, i) => (i * 7 + 3) & 255),
  });
  const execution = engine.start(program, memory, silent, [region.base, 8192n]);
  const before = cpu();
  const stop = execution.run(limits);
  const ms = cpu() - before;
  const { executed } = execution;
  execution.release();
  memory.free(region);
  if (stop.kind !== 'exit')
    throw new Error(
      `${program.name}: ${JSON.stringify(stop, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value))}`,
    );
  return { result: stop.value.toString(16), ms, executed };
}

/** Medians of ratios to the peer, round by round; the engine is warm. */
async function against(peer: Peer, run: () => Run): Promise<number> {
  // V8 compiles on other threads, which a busy machine keeps waiting.
  const started = performance.now();
  for (let i = 0; i < 5 || performance.now() - started < 400; i++) {
    run();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const ratios: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const theirs = await peer.run();
    const ours = run();
    if (theirs.result !== ours.result) throw new Error(`results differ: ${theirs.result} and ${ours.result}`);
    ratios.push(ours.ms / theirs.ms);
  }
  return median(ratios);
}

type Table = Record<string, number>;

async function engines(): Promise<Record<string, Table>> {
  const tables: Record<string, Table> = {
    wasmOverNative: {},
    wasmUnprovenOverNative: {},
    interpreterOverC: {},
    interpreterMillionsPerSecond: {},
    coldOverWarm: {},
    otherBreakpointCost: {},
  };
  for (const name of NAMES) {
    const program = executable(name);
    const proven: Executable = { ...program, proven: new Uint8Array(program.insns.length).fill(1) };
    const peer = native(name);
    const checked = createWasmEngine();
    const memory = createMemory();
    tables['wasmOverNative']![name] = round(await against(peer, () => runOnce(checked, program, memory)));
    const unproven = createWasmEngine({ checks: 'unproven' });
    tables['wasmUnprovenOverNative']![name] = round(await against(peer, () => runOnce(unproven, proven, memory)));
    peer.close();

    // A breakpoint that is never reached: the program's last slot but one stands behind the loop or is an exit path. Slots that the
    // program runs through end the measurement, so the first slot that does not stop it is taken.
    const quiet = breakpointElsewhere(program, memory);
    if (quiet) {
      const costs: number[] = [];
      for (let i = 0; i < 3; i++) runOnce(checked, program, memory, { budget: BUDGET, breakpoints: quiet });
      for (let i = 0; i < ROUNDS; i++)
        costs.push(runOnce(checked, program, memory, { budget: BUDGET, breakpoints: quiet }).ms / runOnce(checked, program, memory).ms);
      tables['otherBreakpointCost']![name] = round(median(costs));
    }

    // Cold: a new engine and a new memory, the first run as a debugger's "continue" is; wall time, as V8 compiles on other threads.
    const cold: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const engine = createWasmEngine();
      const fresh = createMemory();
      const again = { ...program };
      const first = wall(() => runOnce(engine, again, fresh));
      for (let j = 0; j < 3; j++) runOnce(engine, again, fresh);
      cold.push(first / wall(() => runOnce(engine, again, fresh)));
    }
    tables['coldOverWarm']![name] = round(median(cold));

    const small = executable(name, 10);
    const c = switchInterpreter(small);
    tables['interpreterOverC']![name] = round(await against(c, () => runOnce(interpreter, small, memory)));
    c.close();
    const { executed, ms } = runOnce(interpreter, small, memory);
    tables['interpreterMillionsPerSecond']![name] = Math.round(executed / ms / 1000);
    process.stdout.write(
      `${name}: ${Object.entries(tables)
        .map(([what, table]) => `${what} ${table[name] ?? '-'}`)
        .join(', ')}\n`,
    );
  }
  return tables;
}

function wall(action: () => unknown): number {
  const before = performance.now();
  action();
  return performance.now() - before;
}

function breakpointElsewhere(program: Executable, memory: Memory): Uint8Array | undefined {
  for (let slot = program.insns.length - 1; slot > 0; slot--) {
    const breakpoints = new Uint8Array(program.insns.length);
    breakpoints[slot] = 1;
    try {
      runOnce(createWasmEngine(), program, memory, { budget: BUDGET, breakpoints });
      return breakpoints;
    } catch {
      // The program stopped there.
    }
  }
  return undefined;
}

/** Nanoseconds that a helper call with five arguments costs: the loop with the call, less the loop without it. */
function helperCall(): number {
  const loop = (call: string): Executable =>
    executableOf(
      'helper',
      assemble(`r6 = 1000000\nloop:\nr1 = 1\nr2 = 2\nr3 = 3\nr4 = 4\nr5 = 5\n${call}\nr6 += -1\nif r6 != 0 goto loop\nr0 = 0\nexit\n`, {})
        .sections[0]!.insns,
    );
  const engine = createWasmEngine();
  const memory = createMemory();
  const host: Host = { callHelper: () => undefined };
  const time = (program: Executable): number => {
    const times: number[] = [];
    for (let i = 0; i < 12; i++) {
      const execution = engine.start(program, memory, host, []);
      const before = cpu();
      execution.run({ budget: BUDGET });
      times.push(cpu() - before);
      execution.release();
    }
    return median(times.slice(5));
  };
  return time(loop('call 1')) - time(loop('r0 = 1'));
}

/** Millions of checks a second of a condition that is never true, on the only line of a loop. */
function condition(): number {
  const program = executableOf(
    'condition',
    assemble('r6 = 20000000\nloop:\nr6 += -1\nif r6 != 0 goto loop\nr0 = 0\nexit\n', {}).sections[0]!.insns,
  );
  const breakpoints = new Uint8Array(program.insns.length);
  breakpoints[1] = 1;
  const conditions = [
    { slot: 1, left: { kind: 'register', register: 6 }, comparison: '==', signed: false, right: { kind: 'constant', value: 1n << 40n } },
  ] as const;
  const engine = createWasmEngine();
  const memory = createMemory();
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const execution = engine.start(program, memory, silent, []);
    const before = cpu();
    if (execution.run({ budget: BUDGET, breakpoints, conditions }).kind !== 'exit') throw new Error('the condition held');
    times.push(cpu() - before);
    execution.release();
  }
  return 20_000 / median(times);
}

/** Milliseconds of a snapshot after touching 1 MB, and after touching one page of it. */
function snapshots(): Table {
  const memory = createMemory();
  const value = memory.allocate({ kind: 'map_value', name: 'large', size: 1 << 20 });
  const touch = (step: number): void => {
    for (let at = 0; at < 1 << 20; at += step) memory.writeInt(value.base + BigInt(at), 8, BigInt(at));
  };
  const time = (step: number): number => {
    const times: number[] = [];
    for (let i = 0; i < 21; i++) {
      touch(step);
      const before = performance.now();
      memory.snapshot();
      times.push(performance.now() - before);
    }
    return round(median(times));
  };
  return { 'all of 1 MB changed': time(512), 'one page changed': time(1 << 20) };
}

async function main(): Promise<void> {
  const tables = await engines();
  const summary = {
    'wasm / native, checks and counter on, geometric mean': round(geometric(Object.values(tables['wasmOverNative']!))),
    'wasm / native, proven checks dropped, geometric mean': round(geometric(Object.values(tables['wasmUnprovenOverNative']!))),
    'first call / warm, median of programs': median(Object.values(tables['coldOverWarm']!)),
    'interpreter on b1, million instructions a second': tables['interpreterMillionsPerSecond']!['b1_sum']!,
    'interpreter / C switch, worst program': Math.max(...Object.values(tables['interpreterOverC']!)),
    'breakpoint elsewhere, run time / without': median(Object.values(tables['otherBreakpointCost']!)),
    'condition that is never true, million checks a second': Math.round(condition()),
    'helper call from compiled code, ns': round(helperCall()),
    ...compileTime(),
    ...Object.fromEntries(Object.entries(snapshots()).map(([what, ms]) => [`snapshot, ${what}, ms`, ms])),
  };
  const file = path.join(repository, 'bench/baseline.json');
  const machine = { cpu: os.cpus()[0]?.model ?? '', node: process.version, date: new Date().toISOString().slice(0, 10) };
  if (process.argv.includes('--keep')) writeFileSync(file, `${JSON.stringify({ machine, summary, programs: tables }, null, 2)}\n`);
  const kept = (() => {
    try {
      return (JSON.parse(readFileSync(file, 'utf8')) as { summary: Table }).summary;
    } catch {
      return {};
    }
  })();
  for (const [what, value] of Object.entries(summary))
    process.stdout.write(`${what}: ${value}${kept[what] === undefined ? '' : ` (kept: ${kept[what]})`}\n`);
}

void main();
