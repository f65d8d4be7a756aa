// All programs of the oracle, as each kernel that was asked judged them, against the ratchet: counts of agreement may only rise, false accepts may only become fewer.
// `npx tsx tools/verifier-agreement.mts --keep` writes the ratchet anew after an improvement.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  ASKED_KERNELS,
  countAgreement,
  noAgreement,
  readKernelBtf,
  type Ratchet,
  regressions,
  runAgreement,
} from '../support/oracle-agreement.ts';
import { readTargetKernel, verifierFacts } from '#toolchain';
import { oracleFolder, repository, sharedFolder } from '../support/requirements.ts';

const ready = oracleFolder() !== undefined && sharedFolder() !== undefined && readKernelBtf() !== undefined;

it.skipIf(!ready).each(ASKED_KERNELS)('agrees with Linux %s at least as far as the ratchet says', { timeout: 600_000 }, (kernel) => {
  const total = noAgreement();
  for (const comparison of runAgreement(kernel === '6.18' ? {} : { older: verifierFacts(readTargetKernel({ target: kernel })) }))
    countAgreement(total, comparison);
  const kept = JSON.parse(readFileSync(join(repository, 'test/verifier/agreement.json'), 'utf8')) as Ratchet;
  expect(regressions(kept[kernel], total)).toEqual([]);
});
