// The generated header is what its generator makes of the catalog today. `npx tsx tools/generate-helper-defs.ts` makes it anew.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HELPER_DEFS, helperDefs } from '../../tools/generate-helper-defs.ts';

test('bpf_helper_defs.h is up to date', () => {
  expect(readFileSync(HELPER_DEFS, 'utf8')).toBe(helperDefs());
});
