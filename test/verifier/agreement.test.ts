// A part of the oracle's programs on every run; the whole in agreement.oracle.test.ts.

import { describe, expect, it } from 'vitest';
import { countAgreement, differences, noAgreement, readKernelBtf, runAgreement } from '../support/oracle-agreement.ts';
import { oracleFolder, sharedFolder } from '../support/requirements.ts';

const ready = oracleFolder() !== undefined && sharedFolder() !== undefined && readKernelBtf() !== undefined;

describe.skipIf(!ready)("the kernel's verdict", () => {
  it('is ours on instruction-array tests', () => {
    const total = noAgreement();
    const differ: string[] = [];
    for (const comparison of runAgreement({ macro: true })) {
      countAgreement(total, comparison);
      const kinds = differences(comparison);
      if (kinds.some((kind) => kind === 'crash' || kind === 'false-accept' || kind === 'false-reject'))
        differ.push(`${comparison.name}: ${kinds.join(', ')}`);
    }
    expect(differ).toEqual([]);
    expect(total.rows).toBe(384);
  });

  it('is ours on single files, with the same counts', () => {
    for (const file of ['verifier_bounds', 'verifier_precision', 'verifier_spill_fill']) {
      const differ: string[] = [];
      for (const comparison of runAgreement({ file, macro: false })) {
        const kinds = differences(comparison);
        if (kinds.length > 0) differ.push(`${comparison.name}: ${kinds.join(', ')}`);
      }
      expect(differ, file).toEqual([]);
    }
  });
});
