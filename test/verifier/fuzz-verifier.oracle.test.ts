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

/** Of this seed: refused by us alone. Goes when it is empty. */
const KNOWN_REFUSALS: readonly number[] = [];

describe.skipIf(!kernel)('generated programs', () => {
  it('get the kernel\'s verdict', { timeout: 600_000 }, async () => {
    const answer = await fuzzVerifier(kernel!, { seed: 618_000, count: 1_000 });
    expect(answer.accepted).toBeGreaterThan(300);
    expect(answer.noVerdict).toBeLessThan(50);
    const of = (...kinds: readonly string[]): unknown[] => answer.differences.filter(({ difference }) => kinds.includes(difference.kind)).map(({ program, difference }) => ({ seed: program.seed, ...difference }));
    expect(of('we accept', 'crash')).toEqual([]);
    expect(answer.differences.filter(({ difference }) => difference.kind === 'we refuse').map(({ program }) => program.seed)).toEqual(KNOWN_REFUSALS);
    expect(of('words', 'errno', 'insn').length).toBeLessThan(8);
    expect(of('counts', 'depth').length).toBeLessThan(8);
  });
});
