// Each sentence with which the kernel refused a program of the oracle has the code that our verifier gives the program; and a log of
// ours at level 2 is read back to our own finding. The counts in meanings.json may only rise. KEEP_MEANINGS=1 writes the file anew.
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { meaningOf, readVerifierLogs } from '#core/verifier-log';
import { readKernelBtf, runAgreement } from '../support/oracle-agreement.ts';
import { oracleFolder, sharedFolder } from '../support/requirements.ts';
import { type Meanings, MEANINGS_FILE, readMeanings } from './meanings.ts';

const ready = oracleFolder() !== undefined && sharedFolder() !== undefined && readKernelBtf() !== undefined;
/** A log of a million instructions says nothing that a shorter one does not, and takes gigabytes. */
const MOST_PROCESSED = 20_000;

it.skipIf(!ready)("the kernel's sentences have our verifier's codes, and our logs are read back", () => {
  const now: Meanings = { rows: 0, equal: 0, logs: 0, sameCode: 0, sameInsn: 0, causes: 0, sameCauses: 0, different: {}, sentences: {} };
  for (const { row, name, verdict } of runAgreement({ verdict: 'rejected' })) {
    const ours = verdict?.findings.find(({ severity }) => severity === 'error');
    if (!verdict || verdict.verdict !== 'rejected' || !ours) continue;
    const sentences = [row.error, ...(row.error_lines ?? [])].filter((line) => typeof line === 'string');
    const said = sentences.find((line) => meaningOf(line) !== undefined) ?? sentences[0];
    if (said !== undefined) {
      now.rows++;
      const code = meaningOf(said)?.code;
      if (code === ours.code) {
        now.equal++;
        now.sentences[said] = ours.code;
      } else now.different[name] = `${said}: ${code ?? 'unknown'}, ours ${ours.code}`;
    }
    if (verdict.statistics.processed > MOST_PROCESSED) continue;
    const macro = name.includes('#');
    const [again] = runAgreement({
      file: row.file,
      prog: macro ? name.split('#')[1] : row.prog,
      macro,
      verdict: 'rejected',
      logLevel: 2 | 4,
    });
    const finding = again?.verdict && readVerifierLogs(again.verdict.log).programs.at(-1)?.finding;
    now.logs++;
    if (finding?.code === ours.code) now.sameCode++;
    else now.different[`${name}, our log`] = `${finding?.message}: ${finding?.code ?? 'unknown'}, ours ${ours.code}`;
    if (finding?.insn === ours.insn) now.sameInsn++;
    now.causes += ours.causes.length;
    now.sameCauses += ours.causes.filter(({ insn }) => finding?.causes.some((cause) => cause.insn === insn)).length;
  }
  if (process.env['KEEP_MEANINGS'])
    writeFileSync(
      MEANINGS_FILE,
      `${JSON.stringify({ ...now, sentences: Object.fromEntries(Object.entries(now.sentences).sort()) }, null, 1)}\n`,
    );
  const kept = readMeanings();
  for (const key of ['rows', 'equal', 'logs', 'sameCode', 'sameInsn'] as const) expect(now[key], key).toBeGreaterThanOrEqual(kept[key]);
  expect(Object.keys(now.different).filter((name) => !(name in kept.different))).toEqual([]);
});
