// Our verifier and the kernel at hand give the recorded answers to the programs of test/verifier/cases.
// EBPF_KEEP=1 records what the kernel answers.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { buildC } from '#test/build-c';
import { openKernel } from '#test/kernel';
import { answerOf, CASE_AREAS, caseBuilder, ourAnswers, recordAnswers, recordedAnswers } from './case-files.ts';

const right = release().startsWith('6.18.');
if (!right) process.stderr.write(`skipped, needs Linux 6.18: this is ${release()}\n`);
const kernel = right ? await openKernel() : undefined;
kernel?.close();
const builder = kernel ? await caseBuilder('running') : undefined;
const loader = builder ? buildC('libbpf-verdicts', ['bpf', 'elf', 'z']) : undefined;

const bundled = await caseBuilder('bundled');
it.skipIf(!bundled).each(CASE_AREAS)('ours: %s', async (area) => {
  expect(await ourAnswers(bundled!, area)).toEqual(Object.fromEntries(recordedAnswers(area)));
});

it.skipIf(!loader).each(CASE_AREAS)('the kernel: %s', async (area) => {
  const { bytes } = await builder!.build(area);
  const scratch = mkdtempSync(path.join(tmpdir(), 'ebpf-cases-'));
  try {
    writeFileSync(path.join(scratch, 'case.bpf.o'), bytes);
    const said = execFileSync(loader!, [path.join(scratch, 'case.bpf.o')], { encoding: 'utf8', maxBuffer: 1 << 28 });
    const answers = new Map<string, string>();
    for (const part of said.split('\n.\n')) {
      const [, name, result, log] = /^(\S+) (-?\d+|unasked)\n?([^]*)$/.exec(part) ?? [];
      if (name !== undefined && result !== 'unasked') answers.set(name, answerOf(result === '0', log!));
    }
    if (process.env['EBPF_KEEP'] === '1') recordAnswers(area, answers);
    expect(answers.size).toBeGreaterThan(0);
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(recordedAnswers(area)));
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
