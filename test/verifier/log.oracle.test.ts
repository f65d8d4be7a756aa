// The verifier's log beside the kernel's, level 2 (every instruction, states, precision, loops), character for character, for files of the
// corpus that exercise it. `npx tsx tools/log-agreement.mts` compares all of them.
import { expect, it } from 'vitest';
import { compareLogs } from '#test/log-agreement';
import { buildC } from '#test/build-c';
import { openKernel } from '#test/kernel';
import { missing, oracleFolder } from '#test/requirements';

const kernel = await openKernel();
kernel?.close();
const oracle = oracleFolder() !== undefined || (missing('oracle', "the corpus's objects were not found") ?? false);
const logger =
  buildC('libbpf-log', ['bpf', 'elf', 'z']) !== undefined ||
  (missing('kernel', 'libbpf-dev, libelf-dev and zlib1g-dev are needed to load objects') ?? false);

/** File, and its programs whose log differs today. */
const FILES: readonly (readonly [file: string, different: readonly string[]])[] = [
  ['verifier_subprog_precision', []],
  ['verifier_spill_fill', []],
  ['verifier_ref_tracking', []],
  ['iters', []],
  // Of a kfunc that the program may not call the kernel takes all five arguments for live.
  ['dynptr_fail', ['dynptr_fail/skb_invalid_ctx', 'dynptr_fail/xdp_invalid_ctx']],
];

it.skipIf(!kernel || !oracle || !logger).each(FILES)('%s', { timeout: 300_000 }, (file, different) => {
  let compared = 0;
  const found: string[] = [];
  for (const comparison of compareLogs({ level: 2, file })) {
    if ('skipped' in comparison) continue;
    compared++;
    if (comparison.difference) found.push(comparison.name);
  }
  expect(compared).toBeGreaterThanOrEqual(10);
  expect(found).toEqual(different);
});
