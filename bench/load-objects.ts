// How long our loader takes for all objects of the corpus (open, maps, relocate, put programs together, map lines), against libbpf
// opening the same files in the same run, which does less: it relocates only when it loads.
// usage: npx tsx bench/load-objects.ts

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readBtf } from '#core/btf';
import { loadObject } from '#core/program';
import { oracleFolder, repository } from '#test/requirements';

const folder = oracleFolder();
if (folder) {
  const files = readdirSync(path.join(folder, 'obj')).filter((name) => name.endsWith('.o')).map((name) => path.join(folder, 'obj', name));
  const libbpf = openWithLibbpf(files);
  const vmlinux = '/sys/kernel/btf/vmlinux';
  const kernelBtf = readBtf(new Uint8Array(readFileSync(existsSync(vmlinux) ? vmlinux : path.join(repository, 'toolchain/kernel/linux-6.18.btf')))).btf!;
  let ours = Infinity;
  let programs = 0;
  for (let round = 0; round < 5; round++) {
    programs = 0;
    const start = performance.now();
    for (const file of files) programs += loadObject(new Uint8Array(readFileSync(file)), file, { kernelBtf, cpus: 2 }).programs.length;
    ours = Math.min(ours, (performance.now() - start) / 1000);
  }
  process.stdout.write(`ours: ${files.length} objects, ${programs} programs in ${ours.toFixed(3)} s (best of 5, CO-RE included)\n`);
  if (libbpf) process.stdout.write(`libbpf: ${libbpf.opened} objects opened in ${libbpf.seconds.toFixed(3)} s (best of 5); ours takes ${(ours / libbpf.seconds).toFixed(1)} times as long\n`);
}

/** Best of five; undefined where there is no libbpf to build against. */
function openWithLibbpf(files: readonly string[]): { opened: number; seconds: number } | undefined {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'ebpf-bench-'));
  try {
    const program = path.join(scratch, 'open');
    execFileSync('cc', ['-O2', path.join(repository, 'bench/load-objects.c'), '-o', program, '-lbpf'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const runs = Array.from({ length: 5 }, () => JSON.parse(execFileSync(program, files as string[], { encoding: 'utf8' })) as { opened: number; seconds: number });
    return runs.sort((a, b) => a.seconds - b.seconds)[0];
  } catch {
    process.stdout.write('libbpf: cannot be built against here (cc and libbpf-dev are needed)\n');
    return undefined;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
