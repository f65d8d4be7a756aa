// All programs of the oracle against the ratchet: counts of agreement may only rise, false accepts may only become fewer.
// `npx tsx tools/verifier-agreement.mts --keep` writes the ratchet anew after an improvement.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Agreement, countAgreement, noAgreement, readKernelBtf, regressions, runAgreement } from '../support/oracle-agreement.ts';
import { oracleFolder, repository, sharedFolder } from '../support/requirements.ts';

const ready = oracleFolder() !== undefined && sharedFolder() !== undefined && readKernelBtf() !== undefined;

it.skipIf(!ready)('agrees with the kernel at least as far as the ratchet says', () => {
  const total = noAgreement();
  for (const comparison of runAgreement()) countAgreement(total, comparison);
  const kept = JSON.parse(readFileSync(join(repository, 'test/verifier/agreement.json'), 'utf8')) as Agreement;
  expect(regressions(kept, total)).toEqual([]);
});
