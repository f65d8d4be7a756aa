// How long our loader takes for all objects of the corpus (read the file, maps, CO-RE, relocate, put programs together, map lines),
// against libbpf opening the same files in the same run, which does less: it relocates only when it loads.
// Two numbers of each, as other work on the machine disturbs: the quickest whole round, and the sum of each object's quickest time.
// usage: npx tsx bench/load-objects.ts [rounds]

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bundledKernelTypes } from '../toolchain/src/kernel-btf.ts';
import { buildSync } from 'esbuild';
import { oracleFolder, repository } from '#test/requirements';

/** Seconds. */
interface Times {
  opened: number;
  /** The quickest whole round. */
  round: number;
  /** The sum of each object's quickest time. */
  sum: number;
}

const rounds = process.argv[2] ?? '15';
const folder = oracleFolder();
if (folder) {
  const files = readdirSync(path.join(folder, 'obj'))
    .filter((name) => name.endsWith('.o'))
    .map((name) => path.join(folder, 'obj', name));
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'ebpf-bench-'));
  try {
    const ours = openOurselves(files, scratch);
    say(
      `cold process: the kernel's BTF and the first object ${milliseconds(ours.cold)}, of which the object ${milliseconds(ours.coldObject)}; the first round ${milliseconds(ours.firstRound)}`,
    );
    say(`ours, warm: ${tell(ours)}`);
    const libbpf = openWithLibbpf(files, scratch);
    if (libbpf)
      say(
        `libbpf: ${tell(libbpf)}\nours takes ${(ours.round / libbpf.round).toFixed(1)} times as long by whole rounds, ${(ours.sum / libbpf.sum).toFixed(1)} times by sums`,
      );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function openOurselves(files: readonly string[], scratch: string): Times & { cold: number; coldObject: number; firstRound: number } {
  const bundle = path.join(scratch, 'child.cjs');
  buildSync({
    entryPoints: [path.join(repository, 'bench/load-objects-child.ts')],
    outfile: bundle,
    absWorkingDir: repository,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
  });
  const kernel = path.join(scratch, 'vmlinux.btf');
  writeFileSync(kernel, bundledKernelTypes('6.18')!);
  return JSON.parse(execFileSync(process.execPath, [bundle, rounds, kernel, ...files], { encoding: 'utf8' })) as ReturnType<
    typeof openOurselves
  >;
}

/** Undefined where there is no libbpf to build against. */
function openWithLibbpf(files: readonly string[], scratch: string): Times | undefined {
  const program = path.join(scratch, 'open');
  try {
    execFileSync('cc', ['-O2', path.join(repository, 'bench/load-objects.c'), '-o', program, '-lbpf'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch {
    say('libbpf: cannot be built against here (cc and libbpf-dev are needed)');
    return undefined;
  }
  return JSON.parse(execFileSync(program, [rounds, ...files], { encoding: 'utf8' })) as Times;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function milliseconds(seconds: number): string {
  return `${(1000 * seconds).toFixed(0)} ms`;
}

function tell({ opened, round, sum }: Times): string {
  return `${opened} objects, quickest of ${rounds} rounds ${milliseconds(round)}, sum of the quickest of each ${milliseconds(sum)}`;
}
