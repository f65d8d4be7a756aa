// The corpus as clang 14, 16, 19 and 22, zig and gcc build it, where tools/rebuild-corpus.mts has built it: every object loads without an
// error that libbpf does not have too, and every variable's location is of a known kind. Counts may only get better than rebuilt.json's.

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { missing, oracleFolder } from '#test/requirements';
import { COMPILERS, countRebuilt, readRatchet, regressions } from '#test/rebuilt-corpus';

const ratchet = readRatchet();
const folder = path.join(oracleFolder() ?? '', 'rebuilt');
const built = COMPILERS.filter((name) => existsSync(path.join(folder, name)) && readdirSync(path.join(folder, name)).length > 0);
if (built.length === 0) missing('rebuilt', `there is no ${folder}: npx tsx tools/rebuild-corpus.mts builds it`);

describe.skipIf(built.length === 0)('the corpus of other compilers', () => {
  it.each(built)(
    '%s',
    (compiler) => {
      const before = ratchet[compiler];
      expect(before, `${compiler} is not in rebuilt.json`).toBeDefined();
      const now = countRebuilt(path.join(folder, compiler));
      expect(now.objects).toBe(before!.objects);
      expect(now.oursOnly).toEqual({});
      expect(regressions(before!, now)).toEqual([]);
    },
    120_000,
  );
});
