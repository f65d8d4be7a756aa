// Makes programs that the kernel's verifier accepts nearly always and that use every instruction: ALU in both widths, byte swaps, loads and
// stores of all sizes at constant and variable places, atomics, branches, loops with and without may_goto, calls with stack frames.
// Everything follows from the seed. The program's map value is its output: data first, then all registers and the stack slots.

import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_ATOMIC,
  BPF_B,
  BPF_CALL,
  BPF_CMPXCHG,
  BPF_DIV,
  BPF_DW,
  BPF_END,
  BPF_EXIT,
  BPF_FETCH,
  BPF_H,
  BPF_IMM,
  BPF_JA,
  BPF_JCOND,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JMP,
  BPF_JMP32,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_LSH,
  BPF_MEM,
  BPF_MEMSX,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_MAP_VALUE,
  BPF_RSH,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  BPF_SUB,
  BPF_W,
  BPF_X,
  BPF_XCHG,
  BPF_XOR,
  type Insn,
} from '#core/isa';
import { Random } from '#test/random';

export const VALUE_SIZE = 320;
/** Bytes of the value that the program's own loads and stores use. */
const DATA = 128;
const REGISTERS_AT = 128;
const STACK_AT = 208;
const STACK_SLOTS = 8;

export interface GeneratorOptions {
  /** Also what only our engines take: helper calls, accesses that fault, shifts by more than the width, constant divisors of zero. */
  wild?: boolean;
}

const ALU_OPS = [BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH] as const;
const JUMP_OPS = [BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT, BPF_JSGE, BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE] as const;
const ATOMIC_OPS = [
  BPF_ADD,
  BPF_OR,
  BPF_AND,
  BPF_XOR,
  BPF_ADD | BPF_FETCH,
  BPF_OR | BPF_FETCH,
  BPF_AND | BPF_FETCH,
  BPF_XOR | BPF_FETCH,
  BPF_XCHG,
  BPF_CMPXCHG,
] as const;
const SIZES = [
  [BPF_B, 1],
  [BPF_H, 2],
  [BPF_W, 4],
  [BPF_DW, 8],
] as const;

export const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ opcode, dst, src, off, imm: imm | 0 });
const movImm = (dst: number, imm: number): Insn => insn(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
const movReg = (dst: number, src: number): Insn => insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, src);

/** r9 points at the map value, r8 counts loops; the rest hold numbers. */
const VALUE = 9;
const COUNTER = 8;

/** Program of the seed; the ld_imm64 of the map value has map index 0. */
export function generate(seed: number, options: GeneratorOptions = {}): Insn[] {
  return new Generator(new Random(seed), options).program();
}

class Generator {
  private readonly subprograms: Insn[][] = [];
  /** Registers that random instructions may write now. */
  private free = [0, 1, 2, 3, 4, 5, 6, 7];

  constructor(
    private readonly random: Random,
    private readonly options: GeneratorOptions,
  ) {}

  program(): Insn[] {
    const { random } = this;
    const functions = random.below(3);
    for (let i = 0; i < functions; i++) this.subprograms.push(this.subprogram());
    this.free = [0, 1, 2, 3, 4, 5, 6, 7];
    const main = [
      ...this.loadMapValue(),
      ...this.constants([0, 1, 2, 3, 4, 5, 6, 7, 8]),
      ...this.fillStack(),
      ...this.body(8 + random.below(40), true, 0),
      ...this.output(),
    ];
    // Calls carry the subprogram's number until all are placed; what nobody calls is left out, as the kernel refuses unreachable code.
    const isCall = (one: Insn): boolean => one.opcode === (BPF_JMP | BPF_CALL) && one.src === BPF_PSEUDO_CALL;
    const called = new Set(main.filter(isCall).map(({ imm }) => imm));
    const starts: number[] = [];
    const placed: Insn[] = [...main];
    this.subprograms.forEach((subprogram, number) => {
      starts[number] = placed.length;
      if (called.has(number)) placed.push(...subprogram);
    });
    return placed.map((one, slot) => (isCall(one) ? { ...one, imm: starts[one.imm]! - slot - 1 } : one));
  }

  private subprogram(): Insn[] {
    this.free = [0, 1, 2, 3, 4, 5, 6, 7];
    return [
      ...this.constants([0, 6, 7, 8]),
      ...this.fillStack(),
      ...this.body(3 + this.random.below(12), false, 0),
      insn(BPF_JMP | BPF_EXIT),
    ];
  }

  private loadMapValue(): Insn[] {
    return [insn(BPF_LD | BPF_IMM | BPF_DW, VALUE, BPF_PSEUDO_MAP_VALUE, 0, 0), insn(0)];
  }

  private constants(registers: readonly number[]): Insn[] {
    return registers.flatMap((register) => (this.random.chance(0.5) ? this.load64(register) : [movImm(register, this.immediate())]));
  }

  private load64(register: number): Insn[] {
    return [insn(BPF_LD | BPF_IMM | BPF_DW, register, 0, 0, this.immediate()), insn(0, 0, 0, 0, this.immediate())];
  }

  private fillStack(): Insn[] {
    return Array.from({ length: STACK_SLOTS }, (_, i) => insn(BPF_STX | BPF_MEM | BPF_DW, 10, this.random.of([0, 6, 7, 8]), -8 * (i + 1)));
  }

  /** Everything into the map value, and a number made of all of it into r0. */
  private output(): Insn[] {
    const insns: Insn[] = [];
    for (let register = 0; register <= 8; register++)
      insns.push(insn(BPF_STX | BPF_MEM | BPF_DW, VALUE, register, REGISTERS_AT + register * 8));
    for (let i = 0; i < STACK_SLOTS; i++)
      insns.push(insn(BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -8 * (i + 1)), insn(BPF_STX | BPF_MEM | BPF_DW, VALUE, 1, STACK_AT + i * 8));
    for (let register = 2; register <= 8; register++)
      insns.push(insn(BPF_ALU64 | BPF_MUL | BPF_K, 0, 0, 0, 31), insn(BPF_ALU64 | BPF_XOR | BPF_X, 0, register));
    insns.push(
      movReg(1, 0),
      insn(BPF_ALU64 | BPF_RSH | BPF_K, 1, 0, 0, 32),
      insn(BPF_ALU64 | BPF_XOR | BPF_X, 0, 1),
      insn(BPF_ALU | BPF_MOV | BPF_X, 0, 0),
      insn(BPF_JMP | BPF_EXIT),
    );
    return insns;
  }

  private body(count: number, inMain: boolean, depth: number): Insn[] {
    const insns: Insn[] = [];
    for (let i = 0; i < count; i++) insns.push(...this.piece(inMain, depth));
    return insns;
  }

  private piece(inMain: boolean, depth: number): Insn[] {
    const { random } = this;
    const roll = random.below(100);
    if (roll < 45) return [this.alu()];
    if (roll < 48) return this.load64(this.destination());
    if (roll < 51) return this.rotation();
    if (roll < 66) return inMain ? this.mapAccess() : this.stackAccess();
    if (roll < 74) return this.stackAccess();
    if (roll < 81) return inMain ? this.atomic() : this.stackAccess();
    if (roll < 85 && inMain && this.free.length === 8) return this.variableAccess();
    if (roll < 94 && depth < 3) return this.branch(inMain, depth);
    if (roll < 97 && depth < 1) return this.loop(inMain, depth);
    if (inMain && this.subprograms.length > 0) return this.call();
    if (this.options.wild && random.chance(0.3)) return this.wild();
    return [this.alu()];
  }

  private immediate(): number {
    const { random } = this;
    return random.of([
      () => random.below(16),
      () => random.int32(),
      () => random.int32() & 0xff,
      () => -random.below(64),
      () => random.of([0x7fffffff, -0x80000000, -1, 0x8000, 0xffff, 0x80]),
    ])();
  }

  private destination(): number {
    return this.random.of(this.free);
  }

  private source(): number {
    return this.random.of([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  }

  private alu(): Insn {
    const { random } = this;
    const wide = random.chance(0.6);
    const cls = wide ? BPF_ALU64 : BPF_ALU;
    const dst = this.destination();
    const roll = random.below(20);
    if (roll === 0) return insn(cls | BPF_NEG | BPF_K, dst);
    if (roll === 1)
      return random.chance(0.5)
        ? insn(BPF_ALU | BPF_END | random.of([BPF_K, BPF_X]), dst, 0, 0, random.of([16, 32, 64]))
        : insn(BPF_ALU64 | BPF_END | BPF_K, dst, 0, 0, random.of([16, 32, 64]));
    if (roll === 2) return insn(cls | BPF_MOV | BPF_X, dst, this.source(), random.of(wide ? [8, 16, 32] : [8, 16]));
    const op = random.of(ALU_OPS);
    const signed = (op === BPF_DIV || op === BPF_MOD) && random.chance(0.5) ? 1 : 0;
    if (random.chance(0.5)) return insn(cls | op | BPF_X, dst, this.source(), signed);
    let imm = this.immediate();
    if (!this.options.wild) {
      if (op === BPF_LSH || op === BPF_RSH || op === BPF_ARSH) imm &= wide ? 63 : 31;
      if ((op === BPF_DIV || op === BPF_MOD) && imm === 0) imm = 7;
    }
    return insn(cls | op | BPF_K, dst, 0, signed, imm);
  }

  /** What compilers make of a rotation, sometimes with a flaw in it. */
  private rotation(): Insn[] {
    const { random } = this;
    const value = this.destination();
    const parts = this.free.filter((register) => register !== value);
    if (parts.length === 0) return [this.alu()];
    const part = random.of(parts);
    const count = 1 + random.below(63);
    const left = random.of([BPF_LSH, BPF_RSH]);
    const first = insn(BPF_ALU64 | left | BPF_K, part, 0, 0, count);
    const second = insn(
      BPF_ALU64 | (left === BPF_LSH ? BPF_RSH : BPF_LSH) | BPF_K,
      value,
      0,
      0,
      random.chance(0.85) ? 64 - count : random.below(64),
    );
    const between = random.chance(0.3) ? [this.alu()] : [];
    return [
      movReg(part, value),
      ...(random.chance(0.1) ? [this.alu()] : []),
      first,
      ...between,
      second,
      insn(
        BPF_ALU64 | random.of([BPF_OR, BPF_XOR, BPF_ADD]) | BPF_X,
        ...(random.chance(0.5) ? ([part, value] as const) : ([value, part] as const)),
      ),
    ];
  }

  private access(base: number, low: number, high: number, align: boolean): Insn {
    const { random } = this;
    const [field, size] = random.of(SIZES);
    let off = low + random.below(high - low - size + 1);
    if (align) off -= ((off % size) + size) % size;
    if (off < low) off += size;
    switch (random.below(4)) {
      case 0:
        return insn(BPF_LDX | BPF_MEM | field, this.destination(), base, off);
      case 1:
        return size === 8
          ? insn(BPF_LDX | BPF_MEM | field, this.destination(), base, off)
          : insn(BPF_LDX | BPF_MEMSX | field, this.destination(), base, off);
      case 2:
        return insn(BPF_STX | BPF_MEM | field, base, this.source(), off);
      default:
        return insn(BPF_ST | BPF_MEM | field, base, 0, off, this.immediate());
    }
  }

  private mapAccess(): Insn[] {
    const { random } = this;
    if (random.chance(0.12)) {
      const [field, size] = random.of(SIZES);
      const off = random.below(DATA / size) * size;
      const atomic = BPF_STX | BPF_ATOMIC | field;
      return [
        random.chance(0.5)
          ? insn(atomic, this.destination(), VALUE, off, BPF_LOAD_ACQ)
          : insn(atomic, VALUE, this.source(), off, BPF_STORE_REL),
      ];
    }
    return [this.access(VALUE, 0, DATA, false)];
  }

  private stackAccess(): Insn[] {
    return [this.access(10, -8 * STACK_SLOTS, 0, true)];
  }

  private atomic(): Insn[] {
    const { random } = this;
    const [field, size] = random.of([
      [BPF_W, 4],
      [BPF_DW, 8],
    ] as const);
    const op = random.of(ATOMIC_OPS);
    const fetches = (op & BPF_FETCH) !== 0;
    const src = fetches ? this.destination() : this.source();
    const onStack = random.chance(0.3) && size === 8;
    const off = onStack ? -8 * (1 + random.below(STACK_SLOTS)) : random.below(DATA / size) * size;
    if (op === BPF_CMPXCHG && !this.free.includes(0)) return [this.alu()];
    const one = insn(BPF_STX | BPF_ATOMIC | field, onStack ? 10 : VALUE, src, off, op);
    // RFC 9669 has r0 zero-extended by a 32-bit cmpxchg. Linux 6.18 on x86-64 forgets it where the path that needs the upper half was
    // pruned (seed 106158 without the next instruction), because its JIT leaves RAX alone on success: so it is made explicit.
    return op === BPF_CMPXCHG && size === 4 && !this.options.wild ? [one, insn(BPF_ALU | BPF_MOV | BPF_X, 0, 0)] : [one];
  }

  /** A masked index behind the map value or the stack; r4 and r5 hold pointers for a moment and are numbers again afterwards. */
  private variableAccess(): Insn[] {
    const { random } = this;
    const index = this.source();
    const saved = this.free;
    this.free = saved.filter((register) => register !== 4 && register !== 5);
    const insns = [movReg(4, index)];
    if (random.chance(0.6)) {
      insns.push(insn(BPF_ALU64 | BPF_AND | BPF_K, 4, 0, 0, 63), movReg(5, VALUE), insn(BPF_ALU64 | BPF_ADD | BPF_X, 5, 4));
      for (let i = 0; i <= random.below(3); i++) insns.push(this.pointerAccess(5, 0, 64));
    } else {
      insns.push(insn(BPF_ALU64 | BPF_AND | BPF_K, 4, 0, 0, 0x18), movReg(5, 10), insn(BPF_ALU64 | BPF_ADD | BPF_X, 5, 4));
      insns.push(insn(BPF_LDX | BPF_MEM | BPF_DW, this.destination(), 5, -64 + 8 * random.below(4)));
    }
    this.free = saved;
    return [...insns, ...this.constants([4, 5])];
  }

  private pointerAccess(base: number, low: number, high: number): Insn {
    for (;;) {
      const access = this.access(base, low, high, false);
      // A pointer may not be stored as if it were a number: the two machines have it at different addresses.
      if ((access.opcode & 7) !== BPF_STX || (access.src !== 4 && access.src !== 5)) return access;
    }
  }

  private jumpTo(distance: number): Insn {
    const { random } = this;
    const cls = random.chance(0.6) ? BPF_JMP : BPF_JMP32;
    const op = random.of(JUMP_OPS);
    return random.chance(0.5)
      ? insn(cls | op | BPF_X, this.source(), this.source(), distance)
      : insn(cls | op | BPF_K, this.source(), 0, distance, this.immediate());
  }

  private branch(inMain: boolean, depth: number): Insn[] {
    const { random } = this;
    const first = this.body(1 + random.below(4), inMain, depth + 1);
    if (random.chance(0.5)) return [this.jumpTo(first.length), ...first];
    const second = this.body(1 + random.below(4), inMain, depth + 1);
    const over = random.chance(0.8) ? insn(BPF_JMP | BPF_JA, 0, 0, second.length) : insn(BPF_JMP32 | BPF_JA, 0, 0, 0, second.length);
    return [this.jumpTo(first.length + 1), ...first, over, ...second];
  }

  private loop(inMain: boolean, depth: number): Insn[] {
    const { random } = this;
    const body = this.body(1 + random.below(5), inMain, depth + 2);
    const times = 1 + random.below(6);
    const start: Insn[] = [movImm(COUNTER, 0)];
    const end: Insn[] = [insn(BPF_ALU64 | BPF_ADD | BPF_K, COUNTER, 0, 0, 1)];
    if (random.chance(0.5)) {
      const inside = [...body, ...end, insn(BPF_JMP | BPF_JGE | BPF_K, COUNTER, 0, 1, times)];
      return [...start, insn(BPF_JMP | BPF_JCOND, 0, 0, inside.length + 1), ...inside, insn(BPF_JMP | BPF_JA, 0, 0, -(inside.length + 2))];
    }
    const inside = [...body, ...end];
    return [...start, ...inside, insn(BPF_JMP | BPF_JLT | BPF_K, COUNTER, 0, -(inside.length + 1), times)];
  }

  private call(): Insn[] {
    const { random } = this;
    if (this.free.length < 8) return [this.alu()];
    const setUp = [1, 2, 3, 4, 5].filter(() => random.chance(0.3)).map((register) => movReg(register, random.of([0, 6, 7, 8])));
    return [
      ...setUp,
      insn(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, random.below(this.subprograms.length)),
      ...this.constants([1, 2, 3, 4, 5]),
    ];
  }

  /** What no verifier lets pass but our engines must agree on: bad addresses, misaligned atomics, helper calls, r1 to r5 after calls. */
  private wild(): Insn[] {
    const { random } = this;
    switch (random.below(6)) {
      case 0:
        return [insn(BPF_JMP | BPF_CALL, 0, 0, 0, random.below(4))];
      case 1:
        return [insn(BPF_LDX | BPF_MEM | random.of(SIZES)[0], this.destination(), this.source(), random.int32() >> 16)];
      case 2:
        return [insn(BPF_STX | BPF_ATOMIC | BPF_DW, VALUE, this.source(), random.below(DATA), BPF_ADD)];
      case 3:
        return [insn(BPF_STX | BPF_MEM | random.of(SIZES)[0], 10, this.source(), -random.below(600))];
      case 4:
        return [insn(BPF_LDX | BPF_MEM | random.of(SIZES)[0], this.destination(), VALUE, VALUE_SIZE - 10 + random.below(20))];
      default:
        return [insn(BPF_JMP | BPF_CALL | BPF_X, this.source())];
    }
  }
}
