// Every ALU, byte-order and conditional-jump instruction on edge values, on both engines, against a model in BigInt that shares
// nothing with them but the opcode table.

import { describe, expect, it } from 'vitest';
import { asU64 } from '#core/bytes';
import { type Insn, INSTRUCTIONS, type Instruction } from '#core/isa';
import { createMemory, createWasmEngine, executableOf, interpreter } from './index.ts';

const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  3n,
  7n,
  31n,
  32n,
  33n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_fffen,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x0123_4567_89ab_cdefn,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0x8000_0000_0000_0001n,
  0xffff_ffff_0000_0000n,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
  0x001f_ffff_ffff_ffffn,
  0x0020_0000_0000_0001n,
  0xdead_beef_cafe_f00dn,
];
const IMMEDIATES = [0, 1, 2, 7, 31, 32, 63, 64, 127, -1, -2, -128, 0x7fff, 0x12345678, 0x7fffffff, -0x80000000];

const low = (value: bigint, bits: number): bigint => BigInt.asUintN(bits, value);
const signed = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value);

function reversed(value: bigint, bytes: number): bigint {
  let result = 0n;
  for (let i = 0; i < bytes; i++) result = (result << 8n) | ((value >> BigInt(8 * i)) & 0xffn);
  return result;
}

/** What the destination holds afterwards. */
function model(row: Instruction, dst: bigint, operand: bigint): bigint {
  const { width } = row;
  const a = low(dst, width);
  const b = low(operand, width);
  const count = b & BigInt(width - 1);
  const cut = (value: bigint): bigint => low(value, width);
  switch (row.operation) {
    case 'add':
      return cut(a + b);
    case 'sub':
      return cut(a - b);
    case 'mul':
      return cut(a * b);
    case 'div':
      return b === 0n ? 0n : a / b;
    case 'mod':
      return b === 0n ? a : a % b;
    case 'sdiv':
      return b === 0n ? 0n : cut(signed(a, width) / signed(b, width));
    case 'smod':
      return b === 0n ? a : cut(signed(a, width) % signed(b, width));
    case 'or':
      return a | b;
    case 'and':
      return a & b;
    case 'xor':
      return a ^ b;
    case 'lsh':
      return cut(a << count);
    case 'rsh':
      return a >> count;
    case 'arsh':
      return cut(signed(a, width) >> count);
    case 'neg':
      return cut(-a);
    case 'mov':
      return b;
    case 'movsx':
      return cut(signed(b, row.size * 8));
    case 'le':
      return low(dst, row.size * 8);
    case 'be':
    case 'bswap':
      return reversed(dst, row.size);
    default:
      throw new Error(`the model does not know ${row.operation}`);
  }
}

function jumps(row: Instruction, dst: bigint, operand: bigint): boolean {
  const a = low(dst, row.width);
  const b = low(operand, row.width);
  const sa = signed(a, row.width);
  const sb = signed(b, row.width);
  switch (row.operation) {
    case 'jeq':
      return a === b;
    case 'jne':
      return a !== b;
    case 'jgt':
      return a > b;
    case 'jge':
      return a >= b;
    case 'jlt':
      return a < b;
    case 'jle':
      return a <= b;
    case 'jsgt':
      return sa > sb;
    case 'jsge':
      return sa >= sb;
    case 'jslt':
      return sa < sb;
    case 'jsle':
      return sa <= sb;
    case 'jset':
      return (a & b) !== 0n;
    default:
      throw new Error(`the model does not know ${row.operation}`);
  }
}

const slot = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ opcode, dst, src, off, imm });

/** Reads pairs from r1, of which there are r2, applies `middle` to r3 with r4, and writes r3 to r5. */
const loopOver = (middle: readonly Insn[]): Insn[] => {
  const body = [
    slot(0x79, 3, 1, 0),
    slot(0x79, 4, 1, 8),
    ...middle,
    slot(0x7b, 5, 3, 0),
    slot(0x07, 1, 0, 0, 16),
    slot(0x07, 5, 0, 0, 8),
    slot(0x07, 2, 0, 0, -1),
  ];
  return [...body, slot(0x55, 2, 0, -(body.length + 1), 0), slot(0x95)];
};

type Pair = readonly [a: bigint, b: bigint];
const PAIRS: readonly Pair[] = EDGES.flatMap((a) => EDGES.map((b) => [a, b] as const));
/** For constant operands, where the second is not looked at. */
const SINGLES: readonly Pair[] = EDGES.map((a) => [a, 0n] as const);
const ENGINES = { interpreter, wasm: createWasmEngine({ warmup: 0 }) };
const memory = createMemory();
const input = memory.allocate({ kind: 'mem', name: 'pairs', size: PAIRS.length * 16 });
const output = memory.allocate({ kind: 'mem', name: 'results', size: PAIRS.length * 8 });

const words = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The first pair whose result differs, in words. */
function wrong(
  engine: keyof typeof ENGINES,
  pairs: readonly Pair[],
  middle: readonly Insn[],
  expected: (a: bigint, b: bigint) => bigint,
): string | undefined {
  const operands = words(memory.view(input));
  pairs.forEach(([a, b], i) => {
    operands.setBigUint64(i * 16, a, true);
    operands.setBigUint64(i * 16 + 8, b, true);
  });
  memory.view(output).fill(0xa5);
  const execution = ENGINES[engine].start(executableOf('alu', loopOver(middle)), memory, { callHelper: () => undefined }, [
    input.base,
    BigInt(pairs.length),
    0n,
    0n,
    output.base,
  ]);
  expect(execution.run({ budget: 1_000_000 })).toMatchObject({ kind: 'exit' });
  execution.release();
  const results = words(memory.view(output));
  for (const [i, [a, b]] of pairs.entries()) {
    const found = results.getBigUint64(i * 8, true);
    const wanted = asU64(expected(a, b));
    if (found !== wanted)
      return `0x${a.toString(16)} and 0x${b.toString(16)} give 0x${found.toString(16)}, expected 0x${wanted.toString(16)}`;
  }
  return undefined;
}

const calculating = INSTRUCTIONS.filter(({ kind }) => ['alu', 'mov', 'movsx', 'endian'].includes(kind));
const conditional = INSTRUCTIONS.filter(({ kind }) => kind === 'jump');

describe.each(['interpreter', 'wasm'] as const)('%s', (engine) => {
  it.each(calculating.map((row) => [row.id, row] as const))('%s', (_, row) => {
    const fixed = { ...slot(row.opcode, 3), ...row.fixed };
    if (row.uses.includes('imm')) {
      for (const imm of IMMEDIATES)
        expect(
          wrong(engine, SINGLES, [{ ...fixed, imm }], (a) => model(row, a, asU64(BigInt(imm)))),
          `imm ${imm}`,
        ).toBeUndefined();
    } else {
      expect(wrong(engine, PAIRS, [row.uses.includes('src') ? { ...fixed, src: 4 } : fixed], (a, b) => model(row, a, b))).toBeUndefined();
      // The same register twice.
      if (row.uses.includes('src')) expect(wrong(engine, SINGLES, [{ ...fixed, src: 3 }], (a) => model(row, a, a))).toBeUndefined();
    }
  });

  it.each(conditional.map((row) => [row.id, row] as const))('%s', (_, row) => {
    // r3 becomes 1 where the jump is taken, else 0.
    const test = (jump: Insn): Insn[] => [jump, slot(0xb7, 3, 0, 0, 0), slot(0x05, 0, 0, 1), slot(0xb7, 3, 0, 0, 1)];
    const jump = slot(row.opcode, 3, 0, 2);
    const taken = (a: bigint, b: bigint): bigint => (jumps(row, a, b) ? 1n : 0n);
    if (row.uses.includes('imm'))
      for (const imm of IMMEDIATES)
        expect(
          wrong(engine, SINGLES, test({ ...jump, imm }), (a) => taken(a, asU64(BigInt(imm)))),
          `imm ${imm}`,
        ).toBeUndefined();
    else expect(wrong(engine, PAIRS, test({ ...jump, src: 4 }), taken)).toBeUndefined();
  });
});
