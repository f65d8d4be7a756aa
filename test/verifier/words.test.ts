// What a finding says about the mistakes that people make most: explanation, advice, fix and causal path of the programs in words/, as
// golden text read by eye. `vitest -u` rewrites it; tools/build-words-objects.mts the objects.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadObject, type Program } from '#core/program';
import { type Finding, verify } from '#core/verifier';
import { repository } from '#test/requirements';

const folder = path.join(repository, 'test/verifier/words');
const objects = readdirSync(folder).filter((name) => name.endsWith('.bpf.o'));

const lineOf = (program: Program, insn: number): number => program.lines.findLast((line) => line.insn <= insn)?.line ?? 0;

function shown(program: Program, { code, message, explanation, advice, expression, span, variable, fix, causes }: Finding): string {
  const place = span ? `${span.line}:${span.column}${span.endColumn === undefined ? '' : `-${span.endColumn}`}` : '?';
  return [
    `  ${code} at ${place}${expression === undefined ? '' : ` \`${expression}\``}${variable === undefined ? '' : `, about ${variable}`}`,
    `    ${explanation}`,
    `    ${advice}`,
    `    the kernel: ${message}`,
    ...causes.map((cause) => `    line ${cause.span?.line ?? lineOf(program, cause.insn)}, ${cause.kind ?? '-'}: ${cause.text}`),
    ...(fix
      ? [
          `    fix: ${JSON.stringify({ ...fix, ...('insn' in fix && { insn: `line ${lineOf(program, fix.insn)}` }), ...('obtained' in fix && fix.obtained !== undefined && { obtained: `line ${lineOf(program, fix.obtained)}` }) })}`,
        ]
      : []),
  ].join('\n');
}

describe.each(objects)('%s', (name) => {
  const object = loadObject(new Uint8Array(readFileSync(path.join(folder, name))), name);

  it('is explained in the words of its source', async () => {
    const text = object.programs
      .map((program) => {
        const verdict = verify(program, object, { kernel: '6.18' });
        return `${program.name}: ${verdict.verdict}\n${verdict.findings.map((finding) => `${shown(program, finding)}\n`).join('')}`;
      })
      .join('\n');
    await expect(text).toMatchFileSnapshot(path.join(folder, name.replace('.bpf.o', '.txt')));
  });

  it('says the same without a second walk, less exactly', () => {
    for (const program of object.programs) {
      const [full, plain] = [true, false].map((explain) => verify(program, object, { kernel: '6.18', explain }));
      expect([plain!.verdict, plain!.findings.map(({ code, insn, message }) => [code, insn, message])], program.name).toEqual([
        full!.verdict,
        full!.findings.map(({ code, insn, message }) => [code, insn, message]),
      ]);
    }
  });
});
