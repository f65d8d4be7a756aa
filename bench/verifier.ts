// How long our verifier takes beside the kernel's own (`verification time` in its log), in the same run: programs of the oracle corpus
// that process more than 1,000 instructions; then the largest one's memory, the examples, and how long `cancelled` is not asked.
// The verifier is measured as it is shipped, bundled. Each round loads every program into the kernel and verifies it here; the best of
// the rounds counts on both sides, so that a busy machine disturbs little.
// usage: npx tsx bench/verifier.ts [--rounds N] [--only TEXT] [--keep]; --keep writes the figures to bench/verifier.json.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { Btf } from '#core/btf';
import type { LoadedObject, Program } from '#core/program';
import type { Verdict, VerifyOptions } from '#core/verifier';
import { openProgram } from '#toolchain';
import { oracleFolder, repository, sharedFolder } from '#test/requirements';
import { bundleProduct, corpusRows, geometric, KERNEL_BTF, kernelTimes, type Product, round, type Row } from './verifier-corpus.ts';

/** A program is verified as often as this many milliseconds allow, in each round. */
const WARM_MS = 150;
const WARM_UP_MS = 5_000;

interface Measured {
  name: string;
  processed: number;
  kernelMs: number;
  oursMs: number;
  ratio: number;
  /** The most processor time between two questions whether to stop, in the best of the rounds. */
  silentMs: number;
}

function timed(action: () => unknown): number {
  const before = performance.now();
  action();
  return performance.now() - before;
}

/** Makes V8 compile what all programs share: the verifier in an editor is warm after its first files. */
function warmUp(product: Product, folder: string, files: readonly string[], kernelBtf: Btf): void {
  for (const until = performance.now() + WARM_UP_MS; performance.now() < until;) {
    for (const file of files) {
      const object = product.loadObject(new Uint8Array(readFileSync(path.join(folder, 'obj', `${file}.bpf.o`))), file, {
        cpus: os.cpus().length,
        kernelBtf,
      });
      for (const program of object.programs)
        product.verify(program, object, { kernel: '6.18', kernelBtf, cancelled: () => performance.now() > until });
    }
  }
}

/** The quickest of as many runs as the time allows, one at least. */
function best(action: () => unknown): number {
  const until = performance.now() + WARM_MS;
  let quickest = Infinity;
  do quickest = Math.min(quickest, timed(action));
  while (performance.now() < until);
  return quickest;
}

/** A program of the corpus, and the best that was measured of it so far. */
interface Sample {
  readonly row: Row;
  readonly object: LoadedObject;
  readonly program: Program;
  kernelMs: number;
  oursMs: number;
  silentMs: number;
  processed: number;
}

function samplesOf(product: Product, folder: string, file: string, rows: readonly Row[], kernelBtf: Btf): Sample[] {
  const object = product.loadObject(new Uint8Array(readFileSync(path.join(folder, 'obj', `${file}.bpf.o`))), file, {
    cpus: os.cpus().length,
    kernelBtf,
  });
  return rows.map((row) => ({
    row,
    object,
    program: object.programs.find(({ name }) => name === row.prog)!,
    kernelMs: Infinity,
    oursMs: Infinity,
    silentMs: Infinity,
    processed: 0,
  }));
}

function measure(product: Product, sample: Sample, kernelBtf: Btf): void {
  const { row, program, object } = sample;
  const options: VerifyOptions = { kernel: '6.18', progFlags: row.prog_flags, cpus: os.cpus().length, kernelBtf };
  sample.oursMs = Math.min(
    sample.oursMs,
    best(() => product.verify(program, object, options)),
  );
  let asked = processorMs();
  let silentMs = 0;
  const cancelled = (): boolean => {
    const now = processorMs();
    silentMs = Math.max(silentMs, now - asked);
    asked = now;
    return false;
  };
  sample.processed = product.verify(program, object, { ...options, cancelled }).statistics.processed;
  cancelled();
  sample.silentMs = Math.min(sample.silentMs, silentMs);
}

/** Processor time of this process, all threads, in milliseconds. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
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
  const { ms, megabytes } = JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as {
    ms: number;
    megabytes: number;
  };
  return { ms: round(ms), megabytes: round(megabytes) };
}

/** Each program of the examples: its first verification in this process, and the best of many. */
async function examples(product: Product, kernelBtf: Btf): Promise<Record<string, { firstMs: number; warmMs: number }>> {
  const times: Record<string, { firstMs: number; warmMs: number }> = {};
  const folder = path.join(repository, 'examples');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.bpf.c'))
    .sort()) {
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
  const argument = (name: string): string | undefined =>
    process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : undefined;
  const rounds = Number(argument('rounds') ?? 3);
  const only = argument('only');
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'ebpf-bench-'));
  try {
    const bundled = bundleProduct(scratch);
    const product = createRequire(path.join(repository, 'bench/'))(bundled) as Product;
    const kernelBtf = product.readBtf(new Uint8Array(readFileSync(KERNEL_BTF))).btf!;
    const exampleTimes = only === undefined ? await examples(product, kernelBtf) : {};
    for (const [name, { firstMs, warmMs }] of Object.entries(exampleTimes))
      process.stdout.write(`example ${name}: first ${firstMs} ms, warm ${warmMs} ms\n`);
    const byFile = new Map<string, Row[]>();
    for (const row of corpusRows(shared, only)) byFile.set(row.file, [...(byFile.get(row.file) ?? []), row]);
    warmUp(product, folder, [...byFile.keys()], kernelBtf);
    const samples = [...byFile].map(([file, rows]) => ({ file, programs: samplesOf(product, folder, file, rows, kernelBtf) }));
    for (let i = 0; i < rounds; i++) {
      for (const { file, programs } of samples) {
        const times = kernelTimes(folder, path.join(folder, 'obj', `${file}.bpf.o`), scratch);
        for (const sample of programs) {
          sample.kernelMs = Math.min(sample.kernelMs, times.get(sample.row.prog) ?? Infinity);
          measure(product, sample, kernelBtf);
        }
      }
    }
    const all: Measured[] = samples
      .flatMap(({ programs }) => programs)
      .filter(({ kernelMs }) => kernelMs < Infinity)
      .map(({ row, processed, kernelMs, oursMs, silentMs }) => ({
        name: `${row.file}/${row.prog}`,
        processed,
        kernelMs: round(kernelMs),
        oursMs: round(oursMs),
        ratio: round(oursMs / kernelMs),
        silentMs: round(silentMs),
      }));
    for (const { name, processed, kernelMs, oursMs, ratio, silentMs } of all) {
      process.stdout.write(
        `${name}: ${processed} processed, kernel ${kernelMs} ms, ours ${oursMs} ms, ratio ${ratio}, longest without asking ${silentMs} ms\n`,
      );
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
      'most processor time without asking whether to stop, ms': Math.max(...all.map(({ silentMs }) => silentMs)),
      ...(Object.keys(exampleTimes).length > 0 && {
        'slowest example, first, ms': Math.max(...Object.values(exampleTimes).map(({ firstMs }) => firstMs)),
        'slowest example, warm, ms': Math.max(...Object.values(exampleTimes).map(({ warmMs }) => warmMs)),
      }),
    };
    for (const [what, value] of Object.entries(summary)) process.stdout.write(`${what}: ${value}\n`);
    const machine = {
      cpu: os.cpus()[0]?.model ?? '',
      node: process.version,
      kernel: os.release(),
      date: new Date().toISOString().slice(0, 10),
    };
    if (process.argv.includes('--keep'))
      writeFileSync(
        path.join(repository, 'bench/verifier.json'),
        `${JSON.stringify({ machine, summary, programs: all, examples: exampleTimes }, null, 2)}\n`,
      );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

void main();
