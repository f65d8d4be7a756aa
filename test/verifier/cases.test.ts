// Small programs in C at the edges of the kernel's rules, area by area: our verifier answers as Linux 6.18 did. These are the areas
// that take no time; cases.oracle.test.ts has all of them, asks the kernel at hand again, and records what it answers.
import { expect, it } from 'vitest';
import { caseBuilder, ourAnswers, recordedAnswers } from './case-files.ts';

const QUICK_AREAS = ['instructions', 'kptr', 'lists-and-trees', 'exceptions-and-locks', 'refused-types'];
const builder = await caseBuilder('bundled');

it.skipIf(!builder).each(QUICK_AREAS)('%s', { timeout: 60_000 }, async (area) => {
  expect(await ourAnswers(builder!, area)).toEqual(Object.fromEntries(recordedAnswers(area)));
});
