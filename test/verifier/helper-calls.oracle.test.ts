// A thousand random helper calls, judged by our verifier and by the kernel at hand: we accept nothing that it refuses.
import { release } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { openKernel } from '#test/kernel';
import { fuzzHelperCalls, kernelTypes } from '../../tools/fuzz-helper-calls.mts';

const right = release().startsWith('6.18.');
if (!right) process.stderr.write(`skipped, needs Linux 6.18: this is ${release()}\n`);
const kernel = right ? await openKernel() : undefined;
afterAll(() => kernel?.close());

describe.skipIf(!kernel)('random helper calls', () => {
  it("get the kernel's verdict", { timeout: 300_000 }, async () => {
    const answer = await fuzzHelperCalls(kernel!, kernelTypes(), { seed: 20_261_122, count: 1_000 });
    expect(answer.programs).toBeGreaterThan(800);
    expect(answer.differences.filter(({ kind }) => kind !== 'other words')).toEqual([]);
    expect(answer.sameWords / answer.rejected).toBeGreaterThan(0.99);
  });
});
