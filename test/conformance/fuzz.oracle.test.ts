// Differential fuzzing for CI: 2,000 programs on both engines and in the kernel, and 500 that only our engines take.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type KernelBridge, openKernel } from '#test/kernel';
import { compareEngines, compareKernel, listing, shrink } from './fuzz/compare.ts';
import { generate } from './fuzz/generator.ts';

const PROGRAMS = 2000;
const BLOCK = 100;
let kernel: KernelBridge | undefined;
beforeAll(async () => {
  kernel = await openKernel();
});
afterAll(() => kernel?.close());

it.each(Array.from({ length: PROGRAMS / BLOCK }, (_, i) => 1 + i * BLOCK))(
  `${BLOCK} programs from seed %i`,
  { timeout: 300_000 },
  async (first) => {
    let accepted = 0;
    for (let seed = first; seed < first + BLOCK; seed++) {
      const insns = generate(seed);
      const found = compareEngines(insns, seed, { stepwise: seed % 50 === 0, inBounds: true }).difference;
      if (found !== undefined)
        expect.fail(
          `seed ${seed}: ${found}\n${listing(await shrink(insns, (candidate) => compareEngines(candidate, seed).difference !== undefined))}`,
        );
      if (!kernel) continue;
      const bridge = kernel;
      const answer = await compareKernel(insns, bridge);
      if (answer.difference !== undefined)
        expect.fail(
          `seed ${seed}: ${answer.difference}\n${listing(await shrink(insns, async (candidate) => (await compareKernel(candidate, bridge)).difference !== undefined))}`,
        );
      if (answer.kernel === 'agreed') accepted++;
    }
    // Programs that the kernel refuses test nothing there.
    if (kernel) expect(accepted).toBeGreaterThanOrEqual(BLOCK * 0.9);
  },
);

it.each(Array.from({ length: 5 }, (_, i) => 1 + i * BLOCK))(`${BLOCK} wild programs from seed %i`, { timeout: 300_000 }, (first) => {
  for (let seed = first; seed < first + BLOCK; seed++)
    expect(compareEngines(generate(seed, { wild: true }), seed, { stepwise: seed % 50 === 0 }).difference, `seed ${seed}`).toBeUndefined();
});
