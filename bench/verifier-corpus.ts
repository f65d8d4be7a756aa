// What the verifier's benches share: the corpus rows that are worth measuring, the product bundled as it is shipped, the kernel's own time.

import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';
import type { Btf } from '#core/btf';
import type { readElf } from '#core/elf';
import type { LoadedObject, Program } from '#core/program';
import type { Verdict, VerifyOptions } from '#core/verifier';
import { repository } from '#test/requirements';

export const LEAST_PROCESSED = 1_000;
export const KERNEL_BTF = '/sys/kernel/btf/vmlinux';

export interface Row {
  file: string;
  prog: string;
  prog_flags: number;
  verdict: string;
  env_blocked?: boolean;
  insns_processed?: number;
}

/** What the benches need of the product, from one bundle made as tools/build.mjs makes them. */
export interface Product {
  readBtf(bytes: Uint8Array): { btf?: Btf };
  readElf: typeof readElf;
  loadObject(bytes: Uint8Array, file: string, options: { cpus: number; kernelBtf: Btf }): LoadedObject;
  verify(program: Program, object: LoadedObject, options: VerifyOptions): Verdict;
}

const ENTRY = `
export { readBtf } from '#core/btf';
export { readElf } from '#core/elf';
export { loadObject } from '#core/program';
export { verify } from '#core/verifier';
`;

/** The path of the bundle. */
export function bundleProduct(folder: string): string {
  const outfile = path.join(folder, 'product.cjs');
  buildSync({
    stdin: { contents: ENTRY, resolveDir: repository, loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    absWorkingDir: repository,
    logLevel: 'warning',
    minifySyntax: true,
    minifyWhitespace: true,
    outfile,
  });
  return outfile;
}

/** Programs that processed more than `LEAST_PROCESSED` instructions on the running kernel. */
export function corpusRows(shared: string, only: string | undefined): Row[] {
  return readFileSync(path.join(shared, 'oracle/programs.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
    .filter(
      (row) =>
        !row.env_blocked &&
        (row.insns_processed ?? 0) > LEAST_PROCESSED &&
        (only === undefined || `${row.file}/${row.prog}`.includes(only)),
    );
}

/** Milliseconds that the kernel says it took for each program of the object, by name. Loads only: the oracle's loader attaches nothing. */
export function kernelTimes(folder: string, object: string, scratch: string): Map<string, number> {
  const out = path.join(scratch, 'kernel.jsonl');
  rmSync(out, { force: true });
  execFileSync(path.join(folder, 'load'), [object, out, '-'], { stdio: 'ignore' });
  const times = new Map<string, number>();
  for (const line of readFileSync(out, 'utf8').trim().split('\n')) {
    const row = JSON.parse(line) as { prog: string; log4?: string };
    const time = /verification time (\d+) usec/.exec(row.log4 ?? '')?.[1];
    if (time !== undefined) times.set(row.prog, Number(time) / 1000);
  }
  return times;
}

export const geometric = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
export const round = (value: number): number => Math.round(value * 100) / 100;
