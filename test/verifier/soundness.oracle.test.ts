// Thousands of runs beside what the verifier foresaw: generated programs on both engines, and a part of the oracle's selftests on made-up
// events. A run outside of every walked path is a bug of verifier, machine or simulated kernel; what is known is listed and must stay so.
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { BPF_PSEUDO_CALL } from '#core/isa';
import type { LoadedObject, Program } from '#core/program';
import { createKernel } from '#core/sim';
import { createWasmEngine, interpreter } from '#core/vm';
import { oracleFolder } from '#test/requirements';
import { readTargetKernel } from '#toolchain';
import { followCorpus } from '../support/corpus-soundness.ts';
import { generate } from '../support/fuzz/generator.ts';
import { followFuzz, walkOfFuzz } from '../support/fuzz/run.ts';
import { follow, walkOf } from '../support/soundness.ts';
import { generate as generateForTheMachine, VALUE_SIZE } from '../conformance/fuzz/generator.ts';

describe.each([interpreter, createWasmEngine({ warmup: 0 })])('on the $name', (engine) => {
  it('generated programs stay inside', { timeout: 600_000 }, () => {
    let runs = 0;
    const violations: unknown[] = [];
    for (let seed = 20_000; seed < 20_400; seed++) {
      const program = generate(seed);
      const walk = walkOfFuzz(program);
      if (!walk) continue;
      for (const { violation } of followFuzz(program, walk, engine, 4)) {
        runs++;
        if (violation) violations.push({ seed, ...violation });
      }
    }
    expect(violations).toEqual([]);
    expect(runs).toBeGreaterThan(400);
  });
});

it('programs that use every instruction stay inside', { timeout: 600_000 }, () => {
  let runs = 0;
  const violations: unknown[] = [];
  for (let seed = 1; seed <= 120; seed++) {
    const insns = generateForTheMachine(seed);
    const starts = [
      0,
      ...new Set(insns.flatMap(({ opcode, src, imm }, slot) => (opcode === 0x85 && src === BPF_PSEUDO_CALL ? [slot + imm + 1] : []))),
    ].sort((a, b) => a - b);
    const program: Program = {
      name: 'main',
      section: '',
      type: 'socket_filter',
      sleepable: false,
      autoload: true,
      license: 'GPL',
      insns,
      lines: [],
      coreRelocations: [],
      kfuncs: [],
      ksyms: [],
      flags: 0,
      problems: [],
      subprograms: starts.map((start, i) => ({ name: `f${i}`, start, end: starts[i + 1] ?? insns.length, linkage: 'static' as const })),
    };
    const object: LoadedObject = {
      file: 'fuzz',
      programs: [program],
      license: 'GPL',
      runnable: true,
      problems: [],
      maps: [{ name: 'out', type: 'array', typeId: 2, keySize: 4, valueSize: VALUE_SIZE, maxEntries: 1, flags: 0 }],
    };
    const walk = walkOf(program, object, { kernel: '6.18' });
    if (!walk) continue;
    const kernel = createKernel({ engine: interpreter });
    const loaded = kernel.load(object).programs[0]!;
    kernel.attach(loaded);
    for (const invocation of kernel.fire(kernel.defaultEvents(loaded)[0]!)) {
      const { violation } = follow(walk, kernel, invocation, 3000);
      runs++;
      if (violation) violations.push({ seed, ...violation });
    }
  }
  expect(violations).toEqual([]);
  expect(runs).toBeGreaterThan(50);
});

/** The made-up context or kernel object lacks what the kernel's always has. Each line goes when it is there. */
const KNOWN: Readonly<Record<string, string>> = {
  'bind4_prog bind_v4_prog': 'the made-up context has no socket',
  'netns_cookie_prog get_netns_cookie_sk_msg': 'the made-up context has no socket',
  'test_deny_namespace test_userns_create': 'the made-up context lacks the return value',
};

it('the selftests stay inside', { timeout: 600_000 }, async () => {
  const folder = oracleFolder();
  if (folder === undefined) return;
  const { btf: kernelBtf } = await readTargetKernel();
  const answer = followCorpus(path.join(folder, 'obj'), interpreter, { kernelBtf, every: 3 });
  expect(
    Object.fromEntries(
      answer.violations.filter(({ program }) => !(program in KNOWN)).map(({ program, violation }) => [program, violation]),
    ),
  ).toEqual({});
  expect(Object.keys(KNOWN).filter((known) => !answer.violations.some(({ program }) => program === known))).toEqual([]);
  expect(answer.runs).toBeGreaterThan(500);
});
