// What the usual programs seldom have: byte swaps whose result is an offset, numbers spilled in one width and filled in another, branches that
// nothing can take, with arithmetic in them, and functions that call functions. Taken with `generate(seed, { rare: true })`.

import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_B,
  BPF_DW,
  BPF_END,
  BPF_H,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLT,
  BPF_JMP,
  BPF_JMP32,
  BPF_JNE,
  BPF_JSGT,
  BPF_JSLT,
  BPF_K,
  BPF_LDX,
  BPF_LSH,
  BPF_MEM,
  BPF_OR,
  BPF_RSH,
  BPF_STX,
  BPF_SUB,
  BPF_W,
  BPF_X,
  BPF_XOR,
} from '#core/isa';
import type { Label } from './code.ts';
import type { Generator } from './generator.ts';
import { ANY_SCALAR, scalarUpTo } from './model.ts';

const WIDTHS = [
  [BPF_B, 1],
  [BPF_H, 2],
  [BPF_W, 4],
  [BPF_DW, 8],
] as const;

export function rareStatement(g: Generator): void {
  switch (g.random.below(4)) {
    case 0:
      return swapped(g);
    case 1:
      return respilled(g);
    case 2:
      return impossible(g);
    default:
      return shiftedAndCompared(g);
  }
}

/** A number of the low bits, swapped to the top or back down, and used as one again. */
function swapped(g: Generator): void {
  const { random, model } = g;
  const register = g.scalar();
  const size = random.of([16, 32, 64]);
  if (random.chance(0.7)) g.bound(register, (1 << random.below(9)) - 1 || 1);
  if (random.chance(0.5)) g.emit(BPF_ALU64 | BPF_LSH | BPF_K, register, 0, 0, random.of([8, size - 8, size - 3]) & 63);
  if (random.chance(0.6)) g.emit(BPF_ALU | BPF_END | random.of([BPF_K, BPF_X]), register, 0, 0, size);
  else g.emit(BPF_ALU64 | BPF_END, register, 0, 0, size);
  model.registers[register] = ANY_SCALAR;
  if (random.chance(0.4)) g.emit(BPF_ALU64 | BPF_RSH | BPF_K, register, 0, 0, random.below(64));
  if (random.chance(0.5)) use(g, register);
}

/** Written in one width, read in another, at the slot's start or inside it; sometimes over bytes of another spill. */
function respilled(g: Generator): void {
  const { random, model } = g;
  const register = g.scalar();
  if (random.chance(0.6)) g.bound(register, random.of([7, 255, 4095, 0xffff]));
  const slot = -8 * (1 + random.below(4));
  const [wide, wideBytes] = random.of(WIDTHS.slice(1));
  g.emit(BPF_STX | BPF_MEM | wide, 10, register, slot);
  model.write(slot, wideBytes);
  if (random.chance(0.4)) {
    const [field, bytes] = random.of(WIDTHS.slice(0, 3));
    const off = slot + bytes * random.below(8 / bytes);
    g.emit(BPF_STX | BPF_MEM | field, 10, random.chance(0.5) ? register : g.scalar(), off);
    model.write(off, bytes);
  }
  model.spills.delete(slot);
  const [field, bytes] = random.of(WIDTHS);
  const target = g.free();
  g.emit(BPF_LDX | BPF_MEM | field, target, 10, slot + (random.chance(0.7) ? 0 : bytes * random.below(8 / bytes)));
  model.registers[target] = bytes === 8 ? ANY_SCALAR : scalarUpTo(2 ** (8 * bytes) - 1);
  if (random.chance(0.4)) g.bound(random.chance(0.5) ? target : register, random.of([3, 15, 63]));
  if (random.chance(0.6)) use(g, random.chance(0.5) ? target : register);
}

/** Comparisons that contradict each other: behind the second nobody comes, and the ranges there are what the rules leave of them. */
function impossible(g: Generator): void {
  const { random, model } = g;
  const register = g.scalar();
  const [first, second] = random.of([
    [BPF_JGT, BPF_JLT],
    [BPF_JSGT, BPF_JSLT],
    [BPF_JEQ, BPF_JNE],
    [BPF_JGE, BPF_JEQ],
    [BPF_JSLT, BPF_JGT],
  ] as const);
  const out: Label = { at: -1 };
  const limit = g.immediate();
  const cls = (): number => (random.chance(0.6) ? BPF_JMP : BPF_JMP32);
  g.emit(cls() | first | BPF_K, register, 0, 0, limit, out);
  g.leave();
  g.put(out);
  const dead: Label = { at: -1 };
  g.emit(cls() | second | BPF_K, register, 0, 0, limit + random.below(3) - 1, dead);
  g.leave();
  g.put(dead);
  for (let count = random.below(4); count > 0; count--) {
    const op = random.of([BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH, BPF_RSH, BPF_ARSH]);
    const shift = op === BPF_LSH || op === BPF_RSH || op === BPF_ARSH;
    g.emit((random.chance(0.5) ? BPF_ALU64 : BPF_ALU) | op | BPF_K, register, 0, 0, shift ? random.below(32) : g.immediate());
  }
  model.registers[register] = ANY_SCALAR;
}

/** `a <<= n; if (a > b) …`: a few bits at the top, compared with another number. */
function shiftedAndCompared(g: Generator): void {
  const { random, model } = g;
  const a = g.scalar();
  const b = g.scalar(a);
  if (a === b) return;
  g.emit(BPF_ALU64 | random.of([BPF_LSH, BPF_RSH, BPF_ARSH]) | BPF_K, a, 0, 0, random.below(64));
  model.registers[a] = ANY_SCALAR;
  const out: Label = { at: -1 };
  g.emit(
    (random.chance(0.7) ? BPF_JMP : BPF_JMP32) | random.of([BPF_JGT, BPF_JLT, BPF_JSGT, BPF_JSLT, BPF_JEQ, BPF_JNE]) | BPF_X,
    a,
    b,
    0,
    0,
    out,
  );
  g.emit(BPF_ALU64 | random.of([BPF_ADD, BPF_SUB, BPF_XOR, BPF_AND]) | BPF_X, a, b);
  if (random.chance(0.4)) g.emit(BPF_ALU | BPF_ADD | BPF_K, b, 0, 0, g.immediate());
  model.registers[b] = ANY_SCALAR;
  g.put(out);
}

/** As an offset into a map's value: there a wrong range shows. */
function use(g: Generator, register: number): void {
  const { random, model } = g;
  if (random.chance(0.5)) g.bound(register, 31);
  g.reserved.add(register);
  const value = g.find('value');
  g.reserved.delete(register);
  if (value === undefined || value === register) return;
  g.checkNull(value);
  const pointer = g.free();
  if (pointer === register || pointer === value) return;
  g.move(pointer, value);
  g.emit(BPF_ALU64 | BPF_ADD | BPF_X, pointer, register);
  g.emit(BPF_LDX | BPF_MEM | BPF_B, pointer, pointer, 0);
  model.registers[pointer] = scalarUpTo(255);
}
