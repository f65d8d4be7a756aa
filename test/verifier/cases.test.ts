// Small programs in C at the edges of the kernel's rules, area by area: our verifier answers as Linux 6.18 did. These are the areas
// that take no time; cases.oracle.test.ts has all of them, asks the kernel at hand again, and records what it answers.
import { expect, it } from 'vitest';
import { findCompiler } from '#toolchain';
import { missing } from '#test/requirements';
import { caseBuilder, ourAnswers, recordedAnswers } from './case-files.ts';

const QUICK_AREAS = ['instructions', 'kptr', 'lists-and-trees', 'exceptions-and-locks', 'refused-types'];
// Compilers choose registers differently, and the kernel's words name them: the answers are of this one and newer.
const RECORDED_WITH = 22;
const { compiler } = await findCompiler({});
const builder =
  compiler && compiler.version < RECORDED_WITH
    ? missing('clang', `the cases' answers were recorded with clang ${RECORDED_WITH}, this is ${compiler.description}`)
    : await caseBuilder('bundled');

it.skipIf(!builder).each(QUICK_AREAS)('%s', { timeout: 60_000 }, async (area) => {
  expect(await ourAnswers(builder!, area)).toEqual(Object.fromEntries(recordedAnswers(area)));
});
