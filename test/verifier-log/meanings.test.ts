// The table of sentences against everything that is known to be said: the kernel's own words for the oracle's programs, the programs on
// the pages of docs/verifier, and each sentence that our verifier can write.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAssembly } from '#core/program';
import { FINDINGS, verify } from '#core/verifier';
import { meaningOf, PATTERNS, readVerifierLogs } from '#core/verifier-log';
import { repository } from '#test/requirements';
import { readMeanings } from './meanings.ts';

it("every sentence that the kernel said of the oracle's programs has our verifier's code", () => {
  const { sentences, rows, equal } = readMeanings();
  expect(Object.entries(sentences).filter(([sentence, code]) => meaningOf(sentence)?.code !== code)).toEqual([]);
  expect(Object.keys(sentences).length).toBeGreaterThan(300);
  expect(equal).toBeGreaterThanOrEqual(rows - 1);
});

it('the table names codes that exist', () => {
  const codes = new Set<string>(FINDINGS.map(({ code }) => code));
  expect(PATTERNS.filter(({ code }) => !codes.has(code))).toEqual([]);
});

const folder = path.join(repository, 'docs/verifier');
const cases = readdirSync(folder)
  .filter((file) => file.endsWith('.md'))
  .flatMap((file) =>
    [...readFileSync(path.join(folder, file), 'utf8').matchAll(/^```ebpf-asm (accepted|rejected)\n([\s\S]*?)^```$/gm)].map(
      ([, wanted, text], index) => ({ name: `${file} ${index + 1}`, wanted, text: text! }),
    ),
  );

describe.each([1, 2])("our log at level %i, which is the kernel's, says of each program of docs/verifier", (logLevel) => {
  it.each(cases)('$name', ({ text, wanted }) => {
    const object = loadAssembly(text, 'page.bpf.s');
    const verdict = verify(object.programs[0]!, object, { kernel: '6.18', logLevel: logLevel | 4 });
    const [program, ...others] = readVerifierLogs(verdict.log).programs;
    expect([program?.verdict, others]).toEqual([wanted, []]);
    const [ours] = verdict.findings.filter(({ severity }) => severity === 'error');
    if (wanted !== 'rejected' || !ours) return;
    expect([program!.finding?.code, program!.finding?.message]).toEqual([ours.code, ours.message]);
    expect(program!.statistics?.processed).toBe(verdict.statistics.processed);
    // Before the walk nothing is printed that tells the instruction, unless the sentence does.
    if (program!.insns.length > 0 && !/^(?:combined )?stack size|^tail_calls are not allowed/.test(ours.message))
      expect(program!.finding?.insn).toBe(ours.insn);
  });
});

/** Names that stand in the verifier's sentences. */
const FILLINGS = [
  '1',
  '-8',
  'foo',
  'ctx',
  'bpf_spin',
  'bpf_list_head',
  'bpf_list_node',
  'iter_num',
  'At program exit',
  'stack ',
  'dynptr',
  'rdonly',
  'map',
  'bpf_timer',
];

/** Sentences whose place in the verifier, not whose words, makes the difference: two checks say the same. */
const SAID_TWICE = new Set(['no direct value access support for this map type']);

/** Sentences without a row of their code: a new check of the verifier may come before its row here, a handful may not. */
const MAY_WAIT = 4;

it('the sentences that our verifier can write have rows', () => {
  const rooms = path.join(repository, 'core/src/verifier');
  const wrong: string[] = [];
  let sentences = 0;
  for (const file of readdirSync(rooms, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )) {
    const source = readFileSync(path.join(rooms, file), 'utf8');
    for (const [, code, quoted] of source.matchAll(
      /(?:reject|Rejection)\(\s*'([\w-]+)',\s*(?:'\w+'|\w+),\s*\[?('(?:[^'\\]|\\.)*'|"[^"]*"|`(?:[^`\\]|\\.)*`)/g,
    )) {
      const sentence = quoted!.slice(1, -1).replaceAll("\\'", "'");
      if (!FINDINGS.some((row) => row.code === code) || SAID_TWICE.has(sentence)) continue;
      sentences++;
      if (!FILLINGS.some((filling) => meaningOf(filled(sentence, filling))?.code === code)) wrong.push(`${file}: ${code}: ${sentence}`);
    }
  }
  expect(sentences).toBeGreaterThan(200);
  expect(wrong.length, `add rows to core/src/verifier-log/patterns.ts for\n${wrong.join('\n')}`).toBeLessThanOrEqual(MAY_WAIT);
});

function filled(template: string, filling: string): string {
  let text = template.replace(/\bR\$\{[^{}]*\}/g, 'R1');
  for (let before = ''; before !== text;) {
    before = text;
    text = text.replace(/\$\{[^{}]*\}/g, filling);
  }
  return text;
}
