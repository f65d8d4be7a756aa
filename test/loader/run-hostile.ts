// Runs test/loader/hostile-child.ts as a process of its own, with a heap that holds no more than the readers promise to need.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { repository } from '#test/requirements';
import type { HostileReport } from './hostile.ts';

/** Megabytes that no input may take. */
export const MEMORY_BOUND = 300;

/** A process that dies (of memory, that is) gives a report that says so. */
export function runHostile(...args: string[]): HostileReport {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'ebpf-hostile-'));
  try {
    const bundle = path.join(scratch, 'child.cjs');
    buildSync({
      entryPoints: [path.join(repository, 'test/loader/hostile-child.ts')],
      outfile: bundle,
      absWorkingDir: repository,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
    });
    const { status, stdout, stderr } = spawnSync(process.execPath, [`--max-old-space-size=${MEMORY_BOUND}`, bundle, ...args], {
      encoding: 'utf8',
    });
    if (status !== 0)
      return { failed: `the process died: ${stderr.slice(0, 1000)}`, slowest: { value: 0, what: '' }, largest: { value: 0, what: '' } };
    return JSON.parse(stdout) as HostileReport;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
