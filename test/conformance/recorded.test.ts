// Every instruction at the edges of its operands, on both engines and in the verifier's words, against what a real kernel computed and
// said. The answers are kept in instructions.txt and refused.txt (tools/record-instructions.mts asks again): they need no kernel here.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkEncoding, INSTRUCTIONS, type Insn } from '#core/isa';
import { createMemory, createWasmEngine, type Engine, executableOf, interpreter } from '#core/vm';
import { judge } from '../support/fuzz/compare.ts';
import { casesOf, describeCase, programOf, refusedCases, RUNNABLE } from '../support/instruction-programs.ts';

const read = (name: string): Map<string, string> =>
  new Map(
    readFileSync(new URL(name, import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(' -> ') as [string, string]),
  );

const answers = read('instructions.txt');
const refusals = read('refused.txt');
const verify = (insns: Insn[]) =>
  judge({ seed: 0, hook: { type: 'socket_filter', weight: 1, family: 'skb' }, flags: 0, insns, functions: [], btf: false });

function returned(engine: Engine, insns: Insn[]): bigint {
  const memory = createMemory();
  const stop = engine
    .start(executableOf('main', insns), memory, { callHelper: () => ({ kind: 'fault', message: 'no helper' }) }, [])
    .run({ budget: 100 });
  if (stop.kind !== 'exit') throw new Error(`stopped by ${stop.kind}`);
  return stop.value;
}

describe.each([
  ['interpreter', interpreter],
  ['wasm', createWasmEngine({ warmup: 0 })],
] as const)('%s computes what the kernel computed', (_, engine) => {
  it.each(RUNNABLE.map((row) => [row.id, row] as const))('%s', (_id, row) => {
    // Compiling a module for each of 3,904 programs takes its time: the compiler gets every third.
    const cases = casesOf(row).filter((_case, i) => engine === interpreter || i % 3 === 0);
    const ours = cases.map((one) => `${describeCase(one)} -> 0x${returned(engine, programOf(one, 'whole')).toString(16)}`);
    expect(ours).toEqual(cases.map((one) => `${describeCase(one)} -> ${answers.get(describeCase(one))}`));
  });
});

it('accepts each of these programs (but the call, whose function needs a name)', () => {
  const refused = RUNNABLE.filter(({ kind }) => kind !== 'call')
    .flatMap(casesOf)
    .flatMap((one) => {
      const { verdict, findings } = verify(programOf(one, 'high'));
      return verdict === 'accepted' ? [] : [`${describeCase(one)}: ${findings[0]?.message}`];
    });
  expect(refused).toEqual([]);
});

it('leaves out only instructions that need a map, a context, a helper or a kernel function', () => {
  const asked = new Set(RUNNABLE.map(({ id }) => id));
  const left = INSTRUCTIONS.filter(({ since, kernelInternal, id }) => since !== undefined && !kernelInternal && !asked.has(id));
  expect([...new Set(left.map(({ kind }) => kind))].sort()).toEqual(['addr_space_cast', 'call', 'ld_imm64', 'packet']);
});

it("refuses fields that an instruction does not use, in the kernel's words", () => {
  const ours = refusedCases().map(
    ({ id, field, value, insns }) => `${id} ${field}=${value} -> ${verify(insns).findings[0]?.message ?? 'accepted'}`,
  );
  expect(ours).toEqual([...refusals].map(([one, words]) => `${one} -> ${words}`));
});

it('and so does the check of encodings alone', () => {
  const passed = refusedCases().filter(({ insns }) => checkEncoding(insns).length === 0);
  expect(passed.map(({ id, field }) => `${id} ${field}`)).toEqual([]);
});
