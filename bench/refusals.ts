// How long a refused program takes to be explained beside the kernel's own time for refusing it, in the same run. Programs of the oracle
// corpus that process more than 1,000 instructions are broken: one instruction in the middle of the walk, and one near its end, becomes a
// read of what lies above the stack, in the object itself, and both sides get that object. Ours is the whole answer as the editor asks for
// it: verdict, explanation with the causal path, further errors, warnings; with the states for hovers as a figure of its own. Each run
// loads the object anew, as each keystroke does, so nothing is known of its debug information. The best of the rounds counts on both sides.
// usage: npx tsx bench/refusals.ts [--rounds N] [--only TEXT] [--keep]; --keep writes the figures to bench/refusals.json.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { Btf } from '#core/btf';
import type { Program } from '#core/program';
import { oracleFolder, repository, sharedFolder } from '#test/requirements';
import { bundleProduct, corpusRows, geometric, KERNEL_BTF, kernelTimes, type Product, round } from './verifier-corpus.ts';

/** `r0 = *(u64 *)(r10 + 8)`: nothing may read there, on any kernel. */
const FORBIDDEN = Uint8Array.of(0x79, 0xa0, 0x08, 0, 0, 0, 0, 0);
const WARM_MS = 200;
const WARM_UP_MS = 5_000;

interface Broken {
  readonly name: string;
  readonly prog: string;
  readonly progFlags: number;
  readonly bytes: Uint8Array;
  kernelMs: number;
  oursMs: number;
  verdictMs: number;
  statesMs: number;
  processed: number;
}

/** Slots in the order in which the walk first comes to them, with the count of instructions processed by then. */
function firstVisits(product: Product, program: Program, object: Parameters<Product['verify']>[1], kernelBtf: Btf): Map<number, number> {
  const first = new Map<number, number>();
  let processed = 0;
  product.verify(program, object, {
    kernel: '6.18',
    kernelBtf,
    observe: ({ insn }) => {
      processed++;
      if (!first.has(insn)) first.set(insn, processed);
    },
  });
  return first;
}

/** The object with its program broken where the walk first comes after `share` of all instructions. */
function broken(product: Product, bytes: Uint8Array, file: string, prog: string, share: number, kernelBtf: Btf): Uint8Array | undefined {
  const object = product.loadObject(bytes, file, { cpus: os.cpus().length, kernelBtf });
  const program = object.programs.find(({ name }) => name === prog);
  if (!program) return undefined;
  const visits = [...firstVisits(product, program, object, kernelBtf)];
  const total = Math.max(...visits.map(([, at]) => at));
  // Moves between registers: no relocation stands there.
  const moves = visits.filter(([insn, at]) => at >= 1000 && program.insns[insn]!.opcode === 0xbf).sort((a, b) => a[1] - b[1]);
  const chosen = moves.find(([, at]) => at >= total * share) ?? moves.at(-1);
  if (!chosen) return undefined;
  const subprogram = program.subprograms.find(({ start, end }) => chosen[0] >= start && chosen[0] < end);
  const section = subprogram?.origin && product.readElf(bytes).elf?.sections[subprogram.origin.sectionIndex];
  if (!section || !subprogram.origin) return undefined;
  const changed = bytes.slice();
  changed.set(FORBIDDEN, section.offset + subprogram.origin.offset + (chosen[0] - subprogram.start) * 8);
  return changed;
}

function answer(
  product: Product,
  one: Broken,
  kernelBtf: Btf,
  warmMs = WARM_MS,
): { ms: number; verdictMs: number; statesMs: number; processed: number } {
  const load = () => {
    const object = product.loadObject(one.bytes, one.name, { cpus: os.cpus().length, kernelBtf });
    return { object, program: object.programs.find(({ name }) => name === one.prog)! };
  };
  const options = { kernel: '6.18' as const, progFlags: one.progFlags, cpus: os.cpus().length, kernelBtf };
  let best = Infinity;
  let bare = Infinity;
  let withStates = Infinity;
  let processed = 0;
  for (const until = performance.now() + warmMs; best === Infinity || performance.now() < until;) {
    const whole = load();
    let before = performance.now();
    const verdict = product.verify(whole.program, whole.object, { ...options, everyError: true, warnings: true });
    best = Math.min(best, performance.now() - before);
    if (verdict.verdict !== 'rejected') return { ms: Infinity, verdictMs: Infinity, statesMs: Infinity, processed: 0 };
    processed = verdict.statistics.processed;
    const hovers = load();
    before = performance.now();
    product.verify(hovers.program, hovers.object, { ...options, keepStates: true, everyError: true, warnings: true });
    withStates = Math.min(withStates, performance.now() - before);
    const plain = load();
    before = performance.now();
    product.verify(plain.program, plain.object, { ...options, explain: false });
    bare = Math.min(bare, performance.now() - before);
  }
  return { ms: best, verdictMs: bare, statesMs: withStates, processed };
}

/** Memory of a new process that answers for one program, MB. */
function memory(bundled: string, one: Broken, scratch: string): number {
  const file = path.join(scratch, 'memory.bpf.o');
  writeFileSync(file, one.bytes);
  const script = `
    const { readFileSync } = require('node:fs');
    const product = require(${JSON.stringify(bundled)});
    const kernelBtf = product.readBtf(new Uint8Array(readFileSync(${JSON.stringify(KERNEL_BTF)}))).btf;
    const object = product.loadObject(new Uint8Array(readFileSync(${JSON.stringify(file)})), '', { cpus: 2, kernelBtf });
    const program = object.programs.find(({ name }) => name === ${JSON.stringify(one.prog)});
    product.verify(program, object, { kernel: '6.18', cpus: 2, kernelBtf, keepStates: true, everyError: true, warnings: true });
    process.stdout.write(String(process.resourceUsage().maxRSS / 1024));`;
  return Math.round(Number(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })));
}

function main(): void {
  const folder = oracleFolder();
  const shared = sharedFolder();
  if (folder === undefined || shared === undefined) return;
  const argument = (name: string): string | undefined =>
    process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : undefined;
  const rounds = Number(argument('rounds') ?? 2);
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'ebpf-bench-'));
  try {
    const bundled = bundleProduct(scratch);
    const product = createRequire(path.join(repository, 'bench/'))(bundled) as Product;
    const kernelBtf = product.readBtf(new Uint8Array(readFileSync(KERNEL_BTF))).btf!;
    const programs: Broken[] = [];
    for (const row of corpusRows(shared, argument('only'))) {
      const bytes = new Uint8Array(readFileSync(path.join(folder, 'obj', `${row.file}.bpf.o`)));
      const common = {
        prog: row.prog,
        progFlags: row.prog_flags,
        kernelMs: Infinity,
        oursMs: Infinity,
        verdictMs: Infinity,
        statesMs: Infinity,
        processed: 0,
      };
      if (row.verdict === 'rejected') programs.push({ ...common, name: `${row.file}/${row.prog}`, bytes });
      else {
        for (const share of [0.4, 0.95]) {
          const changed = broken(product, bytes, row.file, row.prog, share, kernelBtf);
          if (changed && !programs.some((one) => Buffer.compare(one.bytes, changed) === 0))
            programs.push({ ...common, name: `${row.file}/${row.prog} broken at ${share * 100} %`, bytes: changed });
        }
      }
    }
    // The language server answers for one program after another: what all of them share is compiled.
    for (const until = performance.now() + WARM_UP_MS; performance.now() < until;)
      for (const one of programs) answer(product, one, kernelBtf, 0);
    for (let i = 0; i < rounds; i++) {
      for (const one of programs) {
        const file = path.join(scratch, 'broken.bpf.o');
        writeFileSync(file, one.bytes);
        one.kernelMs = Math.min(one.kernelMs, kernelTimes(folder, file, scratch).get(one.prog) ?? Infinity);
        const { ms, verdictMs, statesMs, processed } = answer(product, one, kernelBtf);
        one.oursMs = Math.min(one.oursMs, ms);
        one.verdictMs = Math.min(one.verdictMs, verdictMs);
        one.statesMs = Math.min(one.statesMs, statesMs);
        one.processed = processed;
      }
    }
    const measured = programs
      .filter((one) => one.kernelMs < Infinity && one.oursMs < Infinity && one.processed > 1000)
      .map((one) => ({
        name: one.name,
        processed: one.processed,
        kernelMs: round(one.kernelMs),
        verdictMs: round(one.verdictMs),
        oursMs: round(one.oursMs),
        withStatesMs: round(one.statesMs),
        ratio: round(one.oursMs / one.kernelMs),
        megabytes: memory(bundled, one, scratch),
      }));
    for (const one of measured)
      process.stdout.write(
        `${one.name}: ${one.processed} processed, kernel ${one.kernelMs} ms, verdict ${one.verdictMs} ms, whole answer ${one.oursMs} ms, ratio ${one.ratio}, with states ${one.withStatesMs} ms, ${one.megabytes} MB\n`,
      );
    const worst = measured.reduce((a, b) => (b.ratio > a.ratio ? b : a));
    const summary = {
      'refused programs above 1,000 processed instructions': measured.length,
      'whole answer / kernel, geometric mean': round(geometric(measured.map(({ ratio }) => ratio))),
      'verdict alone / kernel, geometric mean': round(geometric(measured.map((one) => one.verdictMs / one.kernelMs))),
      'with states for hovers / kernel, geometric mean': round(geometric(measured.map((one) => one.withStatesMs / one.kernelMs))),
      'whole answer / kernel, worst': worst.ratio,
      'whole answer / kernel, worst program': worst.name,
      'most memory of a process, MB': Math.max(...measured.map(({ megabytes }) => megabytes)),
    };
    for (const [what, value] of Object.entries(summary)) process.stdout.write(`${what}: ${value}\n`);
    if (process.argv.includes('--keep')) {
      const machine = {
        cpu: os.cpus()[0]?.model ?? '',
        node: process.version,
        kernel: os.release(),
        date: new Date().toISOString().slice(0, 10),
      };
      writeFileSync(path.join(repository, 'bench/refusals.json'), `${JSON.stringify({ machine, summary, programs: measured }, null, 2)}\n`);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

main();
