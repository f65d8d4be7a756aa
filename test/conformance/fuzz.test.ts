// A few programs of the differential fuzzer, for every check; fuzz.oracle.test.ts and fuzz/fuzz.ts run many more, and against the kernel.

import { describe, expect, it } from 'vitest';
import type { Insn } from '#core/isa';
import { createWasmEngine, interpreter } from '#core/vm';
import { compareEngines, prepare, runOn, shrink } from './fuzz/compare.ts';
import { generate, insn } from './fuzz/generator.ts';

describe('both engines agree', () => {
  it.each(Array.from({ length: 25 }, (_, i) => i + 1))('on program %i', (seed) => {
    expect(compareEngines(generate(seed), seed, { stepwise: seed % 10 === 0, inBounds: true }).difference).toBeUndefined();
  });
  it.each(Array.from({ length: 25 }, (_, i) => i + 1))('on wild program %i', (seed) => {
    expect(compareEngines(generate(seed, { wild: true }), seed, { stepwise: seed % 10 === 0 }).difference).toBeUndefined();
  });
});

it('makes programs with every kind of instruction', () => {
  const opcodes = new Set(
    Array.from({ length: 400 }, (_, seed) => generate(seed))
      .flat()
      .map(({ opcode }) => opcode),
  );
  // All of ALU, jumps, loads, stores, atomics, may_goto, gotol, calls.
  for (const opcode of [
    0x0f, 0x0c, 0x3f, 0x9c, 0xd4, 0xdc, 0xd7, 0xbf, 0xc7, 0x61, 0x81, 0x91, 0x62, 0x7b, 0xdb, 0xc3, 0xe5, 0x06, 0x85, 0x18, 0x2e, 0xd6,
  ])
    expect(opcodes).toContain(opcode);
  expect(opcodes.size).toBeGreaterThan(120);
});

it('notices a difference, and shrinks the program that shows it', async () => {
  const insns = generate(5);
  // A planted mistake: an engine that gets one kind of instruction wrong, 64-bit multiplication by a constant becomes addition.
  const mistaken = insns.map((one) => (one.opcode === 0x27 ? { ...one, opcode: 0x07 } : one));
  const differs = (candidate: readonly Insn[]): boolean => {
    const wrong = candidate.map((one) => (one.opcode === 0x27 ? { ...one, opcode: 0x07 } : one));
    return runOn(interpreter, prepare(candidate).checked).state !== runOn(createWasmEngine({ warmup: 0 }), prepare(wrong).checked).state;
  };
  expect(mistaken).not.toEqual(insns);
  expect(differs(insns)).toBe(true);
  const small = await shrink(insns, differs);
  expect(differs(small)).toBe(true);
  const nop = insn(0x05);
  expect(small.filter((one) => JSON.stringify(one) !== JSON.stringify(nop)).length).toBeLessThan(insns.length / 3);
});
