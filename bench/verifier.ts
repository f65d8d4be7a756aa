// How long our verifier takes beside the kernel's own (`verification time` in its log), in the same run: programs of the oracle corpus
// that process more than 1,000 instructions; then the largest one's memory, the examples, and how long `cancelled` is not asked.
// The verifier is measured as it is shipped, bundled; each round loads a program into the kernel and verifies it here.
// usage: npx tsx bench/verifier.ts [--rounds N] [--only TEXT] [--keep]; --keep writes the figures to bench/verifier.json.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import type { Btf } from '#core/btf';
import type { LoadedObject, Program } from '#core/program';
import type { Verdict, VerifyOptions } from '#core/verifier';
import { openProgram } from '#toolchain';
import { oracleFolder, repository, sharedFolder } from '#test/requirements';

const LEAST_PROCESSED = 1_000;
/** Our time per program is the best of its runs in this many milliseconds a round, as the kernel's is that of one load. */
const WARM_MS = 400;
const KERNEL_BTF = '/sys/kernel/btf/vmlinux';

interface Row {
  file: string;
  prog: string;
  prog_flags: number;
  env_blocked?: boolean;
  insns_processed?: number;
}

/** What this file needs of the product, from one bundle made as tools/build.mjs makes them. */
interface Product {
  readBtf(bytes: Uint8Array): { btf?: Btf };
  loadObject(bytes: Uint8Array, file: string, options: { cpus: number; kernelBtf: Btf }): LoadedObject;
  verify(program: Program, object: LoadedObject, options: VerifyOptions): Verdict;
}

const ENTRY = `
export { readBtf } from '#core/btf';
export { loadObject } from '#core/program';
export { verify } from '#core/verifier';
`;

async function bundle(folder: string): Promise<string> {
  const outfile = path.join(folder, 'product.cjs');
  await build({
    stdin: { contents: ENTRY, resolveDir: repository, loader: 'ts' },
    bundle: true, platform: 'node', target: 'node20', format: 'cjs', absWorkingDir: repository, logLevel: 'warning', minifySyntax: true, minifyWhitespace: true, outfile,
  });
  return outfile;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const geometric = (values: readonly number[]): number => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
const round = (value: number): number => Math.round(value * 100) / 100;

/** Milliseconds that the kernel says it took for each program of the object, by name. Loads only: the oracle's loader attaches nothing. */
function kernelTimes(folder: string, file: string, scratch: string): Map<string, number> {
  const out = path.join(scratch, 'kernel.jsonl');
  rmSync(out, { force: true });
  execFileSync(path.join(folder, 'load'), [path.join(folder, 'obj', `${file}.bpf.o`), out, '-'], { stdio: 'ignore' });
  const times = new Map<string, number>();
  for (const line of readFileSync(out, 'utf8').trim().split('\n')) {
    const row = JSON.parse(line) as { prog: string; log4?: string };
    const time = /verification time (\d+) usec/.exec(row.log4 ?? '')?.[1];
    if (time !== undefined) times.set(row.prog, Number(time) / 1000);
  }
  return times;
}

interface Measured {
  name: string;
  processed: number;
  kernelMs: number;
  oursMs: number;
  /** The median of the rounds' ratios. */
  ratio: number;
  /** Longest time between two questions whether to stop, in a warm run. */
  silentMs: number;
}

function timed(action: () => unknown): number {
  const before = performance.now();
  action();
  return performance.now() - before;
}

/** The quickest of as many runs as the time allows, one at least. */
function best(action: () => unknown): number {
  const until = performance.now() + WARM_MS;
  let quickest = Infinity;
  do quickest = Math.min(quickest, timed(action));
  while (performance.now() < until);
  return quickest;
}

function measure(product: Product, folder: string, file: string, rows: readonly Row[], kernelBtf: Btf, rounds: number, scratch: string): Measured[] {
  const object = product.loadObject(new Uint8Array(readFileSync(path.join(folder, 'obj', `${file}.bpf.o`))), file, { cpus: os.cpus().length, kernelBtf });
  const samples = rows.map((row) => ({ row, program: object.programs.find(({ name }) => name === row.prog)!, kernel: [] as number[], ours: [] as number[] }));
  const options = (row: Row): VerifyOptions => ({ kernel: '6.18', progFlags: row.prog_flags, cpus: os.cpus().length, kernelBtf });
  for (let i = 0; i < rounds; i++) {
    const times = kernelTimes(folder, file, scratch);
    for (const { row, program, kernel, ours } of samples) {
      const time = times.get(row.prog);
      if (time === undefined) continue;
      kernel.push(time);
      ours.push(best(() => product.verify(program, object, options(row))));
    }
  }
  return samples.filter(({ kernel }) => kernel.length > 0).map(({ row, program, kernel, ours }) => {
    let asked = performance.now();
    let silentMs = 0;
    const cancelled = (): boolean => {
      const now = performance.now();
      silentMs = Math.max(silentMs, now - asked);
      asked = now;
      return false;
    };
    const { statistics } = product.verify(program, object, { ...options(row), cancelled });
    cancelled();
    return {
      name: `${row.file}/${row.prog}`, processed: statistics.processed, kernelMs: round(median(kernel)), oursMs: round(median(ours)),
      ratio: round(median(ours.map((time, i) => time / kernel[i]!))), silentMs: round(silentMs),
    };
  });
}

/** The first verification in a new process: milliseconds, and the most memory (MB) that the process ever took. */
function cold(bundled: string, folder: string, row: Row): { ms: number; megabytes: number } {
  const script = `
    const { readFileSync } = require('node:fs');
    const product = require(${JSON.stringify(bundled)});
    const kernelBtf = product.readBtf(new Uint8Array(readFileSync(${JSON.stringify(KERNEL_BTF)}))).btf;
    const object = product.loadObject(new Uint8Array(readFileSync(${JSON.stringify(path.join(folder, 'obj', `${row.file}.bpf.o`))})), '', { cpus: 2, kernelBtf });
    const program = object.programs.find(({ name }) => name === ${JSON.stringify(row.prog)});
    const before = performance.now();
    product.verify(program, object, { kernel: '6.18', progFlags: ${row.prog_flags}, cpus: 2, kernelBtf });
    process.stdout.write(JSON.stringify({ ms: performance.now() - before, megabytes: process.resourceUsage().maxRSS / 1024 }));`;
  const { ms, megabytes } = JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as { ms: number; megabytes: number };
  return { ms: round(ms), megabytes: round(megabytes) };
}

/** Each program of the examples: its first verification in this process, and the best of many. */
async function examples(product: Product, kernelBtf: Btf): Promise<Record<string, { firstMs: number; warmMs: number }>> {
  const times: Record<string, { firstMs: number; warmMs: number }> = {};
  const folder = path.join(repository, 'examples');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.bpf.c')).sort()) {
    const { object } = await openProgram(path.join(folder, name));
    for (const program of object?.programs ?? []) {
      const run = (): Verdict => product.verify(program, object!, { kernel: '6.18', kernelBtf });
      const firstMs = round(timed(run));
      times[`${path.basename(name)}/${program.name}`] = { firstMs, warmMs: round(best(run)) };
    }
  }
  return times;
}

async function main(): Promise<void> {
  const folder = oracleFolder();
  const shared = sharedFolder();
  if (folder === undefined || shared === undefined) return;
  const argument = (name: string): string | undefined => (process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : undefined);
  const rounds = Number(argument('rounds') ?? 3);
  const only = argument('only');
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'ebpf-bench-'));
  try {
    const bundled = await bundle(scratch);
    const product = createRequire(path.join(repository, 'bench/'))(bundled) as Product;
    const kernelBtf = product.readBtf(new Uint8Array(readFileSync(KERNEL_BTF))).btf!;
    const exampleTimes = only === undefined ? await examples(product, kernelBtf) : {};
    for (const [name, { firstMs, warmMs }] of Object.entries(exampleTimes)) process.stdout.write(`example ${name}: first ${firstMs} ms, warm ${warmMs} ms\n`);
    const byFile = new Map<string, Row[]>();
    for (const line of readFileSync(path.join(shared, 'oracle/programs.jsonl'), 'utf8').trim().split('\n')) {
      const row = JSON.parse(line) as Row;
      if (row.env_blocked || (row.insns_processed ?? 0) <= LEAST_PROCESSED || (only !== undefined && !`${row.file}/${row.prog}`.includes(only))) continue;
      byFile.set(row.file, [...(byFile.get(row.file) ?? []), row]);
    }
    const all: Measured[] = [];
    for (const [file, rows] of byFile) {
      for (const measured of measure(product, folder, file, rows, kernelBtf, rounds, scratch)) {
        all.push(measured);
        process.stdout.write(`${measured.name}: ${measured.processed} processed, kernel ${measured.kernelMs} ms, ours ${measured.oursMs} ms, ratio ${measured.ratio}, longest without asking ${measured.silentMs} ms\n`);
      }
    }
    const largest = [...byFile.values()].flat().reduce((a, b) => (b.insns_processed! > a.insns_processed! ? b : a));
    const first = cold(bundled, folder, largest);
    const ratios = all.map(({ ratio }) => ratio);
    const worst = all.reduce((a, b) => (b.ratio > a.ratio ? b : a));
    const summary = {
      'programs above 1,000 processed instructions': all.length,
      'time / kernel, geometric mean': round(geometric(ratios)),
      'time / kernel, worst': worst.ratio,
      'time / kernel, worst program': worst.name,
      'largest program': `${largest.file}/${largest.prog}`,
      'largest program, cold, ms': first.ms,
      'largest program, most memory of the process, MB': first.megabytes,
      'longest time without asking whether to stop, ms': Math.max(...all.map(({ silentMs }) => silentMs)),
      ...(Object.keys(exampleTimes).length > 0 && {
        'slowest example, first, ms': Math.max(...Object.values(exampleTimes).map(({ firstMs }) => firstMs)),
        'slowest example, warm, ms': Math.max(...Object.values(exampleTimes).map(({ warmMs }) => warmMs)),
      }),
    };
    for (const [what, value] of Object.entries(summary)) process.stdout.write(`${what}: ${value}\n`);
    const machine = { cpu: os.cpus()[0]?.model ?? '', node: process.version, kernel: os.release(), date: new Date().toISOString().slice(0, 10) };
    if (process.argv.includes('--keep')) writeFileSync(path.join(repository, 'bench/verifier.json'), `${JSON.stringify({ machine, summary, programs: all, examples: exampleTimes }, null, 2)}\n`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

void main();
