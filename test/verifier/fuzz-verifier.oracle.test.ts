// A thousand generated programs, judged by our verifier and by the kernel at hand: we accept nothing that it refuses.
// More of them: npx tsx tools/fuzz-verifier.mts --count 20000
import { release } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { openKernel } from '#test/kernel';
import { fuzzVerifier } from '../../tools/fuzz-verifier.mts';

const right = release().startsWith('6.18.');
if (!right) process.stderr.write(`skipped, needs Linux 6.18: this is ${release()}\n`);
const kernel = right ? await openKernel() : undefined;
afterAll(() => kernel?.close());

/** Of the run: refused by us alone. */
const KNOWN_REFUSALS: readonly number[] = [];

/** Programs of longer runs that we refuse and the kernel accepts, or that were judged wrongly once. */
const SINGLE: readonly (readonly [seed: number, difference: string | undefined, about: string])[] = [
  [305_255, 'we refuse', 'a callback that nobody calls counts as sleeping for the global function that names it'],
  [307_658, 'we refuse', 'a branch that the kernel does not walk: no number is both in its range and of its bits'],
  [319_638, undefined, 'an ld_imm64 of a kernel symbol that the program does not name'],
];

describe.skipIf(!kernel)('generated programs', () => {
  it("get the kernel's verdict", { timeout: 600_000 }, async () => {
    const answer = await fuzzVerifier(kernel!, { seed: 618_000, count: 1_000 });
    expect(answer.accepted).toBeGreaterThan(300);
    expect(answer.noVerdict).toBeLessThan(50);
    const of = (...kinds: readonly string[]): unknown[] =>
      answer.differences
        .filter(({ difference }) => kinds.includes(difference.kind))
        .map(({ program, difference }) => ({ seed: program.seed, ...difference }));
    expect(of('we accept', 'crash')).toEqual([]);
    expect(answer.differences.filter(({ difference }) => difference.kind === 'we refuse').map(({ program }) => program.seed)).toEqual(
      KNOWN_REFUSALS,
    );
    expect(of('words', 'errno', 'insn').length).toBeLessThan(8);
    expect(of('counts', 'depth').length).toBeLessThan(8);
  });

  it.each(SINGLE)('seed %i: %s (%s)', async (seed, difference) => {
    const answer = await fuzzVerifier(kernel!, { seed, count: 1 });
    expect(answer.differences.map(({ difference: found }) => found.kind)).toEqual(difference === undefined ? [] : [difference]);
  });
});
