// Makes whole programs that the kernel's verifier nearly accepts: about half of them it does, the others fail at one place or other.
// Everything follows from the seed. Control flow and values are here; what calls do is in generator-calls.ts.

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
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
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
import { Random } from '../random.ts';
import { rareStatement } from './generator-rare.ts';
import { callStatement } from './generator-calls.ts';
import { type Item, type Label, place } from './code.ts';
import {
  type ContextOf,
  contextOf,
  FUZZ_MAPS,
  type Hook,
  HOOKS,
  LOOKUPS,
  SINGLE,
  STRICT_ALIGNMENT,
  TEST_REG_INVARIANTS,
  TEST_STATE_FREQ,
} from './hooks.ts';
import { ANY_SCALAR, Model, NONE, scalarUpTo, type Value, type ValueKind } from './model.ts';

export interface FuzzFunction {
  readonly name: string;
  readonly start: number;
  readonly linkage: 'static' | 'global';
  /** `int` arguments that its BTF declares. */
  readonly args: number;
}

export interface FuzzProgram {
  readonly seed: number;
  readonly hook: Hook;
  /** BPF_F_… of BPF_PROG_LOAD. */
  readonly flags: number;
  readonly insns: readonly Insn[];
  readonly functions: readonly FuzzFunction[];
  /** Loaded with BTF and func_info; callbacks need them. */
  readonly btf: boolean;
}

const ALU_OPS = [
  BPF_ADD,
  BPF_ADD,
  BPF_SUB,
  BPF_MUL,
  BPF_DIV,
  BPF_OR,
  BPF_AND,
  BPF_AND,
  BPF_LSH,
  BPF_RSH,
  BPF_MOD,
  BPF_XOR,
  BPF_MOV,
  BPF_ARSH,
] as const;
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
const SIZES: readonly (readonly [field: number, size: 1 | 2 | 4 | 8])[] = [
  [BPF_B, 1],
  [BPF_H, 2],
  [BPF_W, 4],
  [BPF_DW, 8],
  [BPF_DW, 8],
];

export function generate(seed: number, { rare = false } = {}): FuzzProgram {
  const random = new Random(Math.imul(seed, 0x9e3779b1));
  return new Generator(random, seed, rare).program();
}

/** The function being written. */
interface Context {
  readonly kind: 'main' | 'static' | 'global' | 'callback';
  readonly out: Item[];
}

interface Planned {
  readonly label: Label;
  readonly name: string;
  readonly kind: 'static' | 'global' | 'callback';
  readonly arguments: readonly Value[];
}

export class Generator {
  readonly hook: Hook;
  readonly context: ContextOf;
  model = new Model();
  current: Context = { kind: 'main', out: [] };
  /** Registers that hold loop counters and the like: not to be written. */
  readonly reserved = new Set<number>();
  private readonly planned: Planned[] = [];
  private readonly exits: Label[] = [];
  depth = 0;
  /** Loops written so far: few, since each multiplies the work. */
  private loops = 0;

  constructor(
    readonly random: Random,
    private readonly seed: number,
    /** A third of the statements are of generator-rare.ts. */
    private readonly rare = false,
  ) {
    this.hook = this.weighted(HOOKS);
    this.context = contextOf(this.hook);
  }

  program(): FuzzProgram {
    const { random } = this;
    const out: Item[] = this.current.out;
    const functions: { item: number; name: string; linkage: 'static' | 'global'; args: number }[] = [
      { item: 0, name: 'main', linkage: 'global', args: 1 },
    ];
    this.model.registers[1] = { kind: 'ctx' };
    if (random.chance(0.85)) {
      this.move(6, 1);
      this.reserved.add(6);
    }
    this.statements(2 + random.below(12));
    this.finish(this.context.returns);
    for (let next = 0; next < this.planned.length; next++) {
      const { label, name, kind, arguments: given } = this.planned[next]!;
      label.at = out.length;
      functions.push({
        item: out.length,
        name,
        linkage: kind === 'global' ? 'global' : 'static',
        args: kind === 'global' ? given.length : 1,
      });
      this.current = { kind, out };
      this.model = new Model();
      this.reserved.clear();
      this.depth = 1;
      given.forEach((value, i) => (this.model.registers[i + 1] = value));
      this.statements(1 + random.below(4));
      if (this.rare && this.planned.length < 6 && random.chance(0.4)) this.callFunction();
      this.finish(kind === 'callback' ? [0, 1] : undefined);
    }
    const { insns, slotOf } = place(out);
    const flags =
      (random.chance(0.25) ? TEST_STATE_FREQ : 0) |
      (random.chance(0.08) ? STRICT_ALIGNMENT : 0) |
      (random.chance(0.08) ? TEST_REG_INVARIANTS : 0);
    return {
      seed: this.seed,
      hook: this.hook,
      flags,
      insns: random.chance(0.2) ? this.mutate(insns) : insns,
      functions: functions.map(({ item, name, linkage, args }) => ({ name, start: slotOf[item]!, linkage, args })),
      btf: this.planned.length > 0 || random.chance(0.2),
    };
  }

  // ---- small pieces ----

  weighted<T extends { readonly weight: number }>(items: readonly T[]): T {
    let left = this.random.below(items.reduce((sum, { weight }) => sum + weight, 0));
    return items.find(({ weight }) => (left -= weight) < 0)!;
  }

  emit(opcode: number, dst = 0, src = 0, off = 0, imm = 0, target?: Label): void {
    this.current.out.push({ insn: { opcode, dst, src, off, imm: imm | 0 }, target });
  }

  wide(dst: number, src: number, imm: number, second: number, target?: Label): void {
    this.current.out.push({
      insn: { opcode: BPF_LD | BPF_IMM | BPF_DW, dst, src, off: 0, imm: imm | 0 },
      second: { opcode: 0, dst: 0, src: 0, off: 0, imm: second | 0 },
      target,
    });
  }

  jump(label: Label): void {
    if (this.random.chance(0.1)) this.emit(BPF_JMP32 | BPF_JA, 0, 0, 0, 0, label);
    else this.emit(BPF_JMP | BPF_JA, 0, 0, 0, 0, label);
  }

  put(label: Label): void {
    label.at = this.current.out.length;
  }

  move(dst: number, src: number): void {
    this.emit(BPF_ALU64 | BPF_MOV | BPF_X, dst, src);
    this.model.registers[dst] = src === 10 ? { kind: 'stack', off: 0 } : this.model.registers[src]!;
  }

  constant(dst: number, value: number): void {
    if (this.random.chance(0.15) && value >= 0) this.emit(BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, value);
    else this.emit(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
    this.model.registers[dst] = scalarUpTo(value < 0 ? Infinity : value);
  }

  stackPointer(dst: number, off: number): void {
    this.move(dst, 10);
    this.emit(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, off);
    this.model.registers[dst] = { kind: 'stack', off };
  }

  mapPointer(dst: number, map: number): void {
    this.wide(dst, BPF_PSEUDO_MAP_FD, map, 0);
    this.model.registers[dst] = NONE;
  }

  call(helper: number): void {
    this.emit(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
    this.clobber();
    this.model.registers[0] = ANY_SCALAR;
  }

  clobber(): void {
    for (let i = 0; i <= 5; i++) this.model.registers[i] = NONE;
  }

  /** A register of that kind, often the same one as last time. */
  find(kind: ValueKind): number | undefined {
    const found = this.model.registers.flatMap((value, i) => (value.kind === kind ? [i] : []));
    return found.length === 0 ? undefined : this.random.of(found);
  }

  /** A register that may be written; seldom one that holds something of use. */
  free(from = 0): number {
    const usable = Array.from({ length: 10 - from }, (_, i) => i + from).filter((i) => !this.reserved.has(i));
    const empty = usable.filter((i) => this.model.registers[i]!.kind === 'none');
    const cheap = usable.filter((i) => this.model.registers[i]!.kind === 'scalar');
    if (empty.length > 0 && this.random.chance(0.7)) return this.random.of(empty);
    if (cheap.length > 0 && this.random.chance(0.8)) return this.random.of(cheap);
    return usable.length > 0 ? this.random.of(usable) : 0;
  }

  /** A register that survives calls. */
  kept(): number {
    return this.free(6);
  }

  immediate(): number {
    const { random } = this;
    return random.of([
      () => random.below(16),
      () => random.below(16),
      () => random.below(256),
      () => random.int32(),
      () => -random.below(64),
      () => 1 << random.below(32),
      () => (1 << random.below(31)) - 1,
      () => random.of([0x7fffffff, -0x80000000, -1, 0x8000, 0xffff, 0x80]),
    ])();
  }

  /** A register with a number; loads one where there is none. */
  scalar(avoid = -1): number {
    const found = this.model.registers.flatMap((value, i) => (value.kind === 'scalar' && i !== avoid ? [i] : []));
    if (found.length > 0 && this.random.chance(0.85)) return this.random.of(found);
    const dst = this.free();
    this.loadScalar(dst);
    return dst;
  }

  loadScalar(dst: number): void {
    const { random, model } = this;
    const ctx = this.find('ctx');
    switch (random.below(5)) {
      case 0:
        return this.constant(dst, this.immediate());
      case 1:
        this.wide(dst, 0, this.immediate(), random.chance(0.5) ? 0 : this.immediate());
        model.registers[dst] = ANY_SCALAR;
        return;
      case 2:
        this.wide(dst, BPF_PSEUDO_MAP_VALUE, SINGLE, random.chance(0.8) ? 0 : 8 * random.below(6));
        this.load(dst, dst, 8 * random.below(3));
        return;
      default: {
        const read = this.context.reads.length > 0 && ctx !== undefined ? random.of(this.context.reads) : undefined;
        if (!read) return this.constant(dst, this.immediate());
        const steps = Math.floor((Math.min(read.to, read.from + 160) - read.from) / read.size) + 1;
        const field = { 1: BPF_B, 2: BPF_H, 4: BPF_W, 8: BPF_DW }[read.size];
        this.emit(BPF_LDX | BPF_MEM | field, dst, ctx!, read.from + read.size * random.below(steps));
        model.registers[dst] = scalarUpTo(read.size === 8 ? Infinity : 2 ** (8 * read.size) - 1);
      }
    }
  }

  load(dst: number, base: number, off: number, size = this.random.of(SIZES)): void {
    const mode = size[1] < 8 && this.random.chance(0.15) ? BPF_MEMSX : BPF_MEM;
    this.emit(BPF_LDX | mode | size[0], dst, base, off);
    this.model.registers[dst] = scalarUpTo(mode === BPF_MEMSX || size[1] === 8 ? Infinity : 2 ** (8 * size[1]) - 1);
  }

  /** Makes a number at most `max`, in one of the ways that compilers have; mostly. */
  bound(register: number, max: number): void {
    const { random } = this;
    const out: Label = { at: -1 };
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
        this.emit((random.chance(0.7) ? BPF_ALU64 : BPF_ALU) | BPF_AND | BPF_K, register, 0, 0, (1 << Math.floor(Math.log2(max + 1))) - 1);
        break;
      case 3:
        this.emit((random.chance(0.7) ? BPF_ALU64 : BPF_ALU) | BPF_MOD | BPF_K, register, 0, 0, max + 1);
        break;
      case 4:
        this.emit(
          BPF_ALU64 | BPF_RSH | BPF_K,
          register,
          0,
          0,
          64 - Math.floor(Math.log2(max + 1)) > 63 ? 63 : 64 - Math.floor(Math.log2(max + 1)),
        );
        break;
      case 5: {
        // A linked copy is compared.
        const copy = this.free();
        if (copy === register) break;
        this.move(copy, register);
        if (random.chance(0.3)) this.emit((random.chance(0.7) ? BPF_ALU64 : BPF_ALU) | BPF_ADD | BPF_K, copy, 0, 0, random.below(8));
        this.emit(BPF_JMP | BPF_JLE | BPF_K, copy, 0, 0, max, out);
        this.leave();
        this.put(out);
        break;
      }
      default: {
        const cls = random.chance(0.75) ? BPF_JMP : BPF_JMP32;
        const signed = random.chance(0.25);
        if (signed) {
          const low: Label = { at: -1 };
          this.emit(cls | BPF_JSGE | BPF_K, register, 0, 0, 0, low);
          this.leave();
          this.put(low);
        }
        this.emit(cls | (signed ? BPF_JSLE : random.of([BPF_JLE, BPF_JLE, BPF_JLT])) | BPF_K, register, 0, 0, max, out);
        this.leave();
        this.put(out);
      }
    }
    this.model.registers[register] = scalarUpTo(max);
  }

  /** Ends the program or function here: a path that is done. */
  leave(): void {
    const range = this.current.kind === 'callback' ? ([0, 1] as const) : this.current.kind === 'main' ? this.context.returns : undefined;
    const before = this.model.registers[0]!;
    this.emit(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, range?.[0] ?? 0);
    this.emit(BPF_JMP | BPF_EXIT);
    this.model.registers[0] = before;
  }

  private finish(range: readonly [number, number] | undefined): void {
    const { random } = this;
    for (const label of this.exits.splice(0)) this.put(label);
    const value = this.find('scalar');
    if (value !== undefined && random.chance(0.5)) {
      if (value !== 0) this.move(0, value);
      if (range) this.emit(BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, range[1] >= 1 ? 1 : 0);
      if (range && range[0] > 0) this.emit(BPF_ALU64 | BPF_OR | BPF_K, 0, 0, 0, range[0]);
    } else this.emit(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, range ? random.of(range) : random.below(4));
    this.emit(BPF_JMP | BPF_EXIT);
  }

  // ---- statements ----

  statements(count: number): void {
    for (let i = 0; i < count; i++) this.statement();
  }

  private statement(): void {
    if (this.rare && this.random.chance(0.35)) return rareStatement(this);
    const roll = this.random.below(100);
    if (roll < 17) return this.alu();
    if (roll < 22) return this.loadScalar(this.free());
    if (roll < 33) return this.stackAccess();
    if (roll < 37) return this.variableStack();
    if (roll < 48) return this.branch();
    if (roll < 52) return this.loop();
    if (roll < 60) return this.valueAccess();
    if (roll < 68) return this.packetAccess();
    if (roll < 71) return this.linked();
    if (roll < 74) return this.atomic();
    if (roll < 77) return this.callFunction();
    if (roll < 79) return this.pointerArithmetic();
    if (roll < 81) return this.contextStore();
    callStatement(this);
  }

  private alu(): void {
    const { random, model } = this;
    const source = this.scalar();
    let dst = this.free();
    if (model.registers[dst]!.kind !== 'scalar') {
      if (random.chance(0.5)) {
        this.move(dst, source);
      } else dst = this.reserved.has(source) ? dst : source;
    }
    if (model.registers[dst]!.kind !== 'scalar') this.move(dst, source);
    const wide = random.chance(0.6);
    const cls = wide ? BPF_ALU64 : BPF_ALU;
    const roll = random.below(22);
    model.registers[dst] = ANY_SCALAR;
    if (roll === 0) return this.emit(cls | BPF_NEG, dst);
    if (roll === 1)
      return random.chance(0.5)
        ? this.emit(BPF_ALU | BPF_END | random.of([BPF_K, BPF_X]), dst, 0, 0, random.of([16, 32, 64]))
        : this.emit(BPF_ALU64 | BPF_END, dst, 0, 0, random.of([16, 32, 64]));
    if (roll === 2) return this.emit(cls | BPF_MOV | BPF_X, dst, source, random.of(wide ? [8, 16, 32] : [8, 16]));
    const op = random.of(ALU_OPS);
    const signed = (op === BPF_DIV || op === BPF_MOD) && random.chance(0.3) ? 1 : 0;
    if (random.chance(0.4)) return this.emit(cls | op | BPF_X, dst, source, signed);
    let imm = this.immediate();
    if (random.chance(0.98)) {
      if (op === BPF_LSH || op === BPF_RSH || op === BPF_ARSH) imm &= wide ? 63 : 31;
      if ((op === BPF_DIV || op === BPF_MOD) && imm === 0) imm = 7;
    }
    this.emit(cls | op | BPF_K, dst, 0, signed, imm);
    if (op === BPF_AND && imm >= 0) model.registers[dst] = scalarUpTo(imm);
  }

  /** An offset for `size` bytes of stack; seldom one that is odd or beyond. */
  private stackOffset(size: number): number {
    const { random } = this;
    if (random.chance(0.01)) return random.of([-520, -516, 0, 8, -3, -512 - size]);
    const off = -8 * (1 + random.below(random.chance(0.9) ? 8 : 64));
    return off + size * random.below(8 / size);
  }

  private stackAccess(): void {
    const { random, model } = this;
    const [field, size] = random.of(SIZES);
    const off = this.stackOffset(size);
    const roll = random.below(10);
    if (roll < 3) {
      const src = random.chance(0.25) ? random.below(10) : this.scalar();
      if (model.registers[src]!.kind === 'none' && random.chance(0.95)) return;
      this.emit(BPF_STX | BPF_MEM | field, 10, src, off);
      model.write(off, size);
      if (size === 8) model.spills.set(off, model.registers[src]!);
    } else if (roll < 5) {
      this.emit(BPF_ST | BPF_MEM | field, 10, 0, off, random.chance(0.5) ? 0 : this.immediate());
      model.write(off, size);
    } else {
      const spilled = [...model.spills.keys()];
      const known = spilled.length > 0 && random.chance(0.7) ? random.of(spilled) : undefined;
      const dst = this.free();
      if (known !== undefined) {
        const value = model.spills.get(known)!;
        if (value.kind !== 'scalar' || random.chance(0.5)) {
          this.emit(BPF_LDX | BPF_MEM | BPF_DW, dst, 10, known);
          model.registers[dst] = value;
          return;
        }
        this.load(dst, 10, known + size * random.below(8 / size), [field, size]);
        return;
      }
      if (!model.isWritten(off, size) && random.chance(0.85)) {
        this.emit(BPF_ST | BPF_MEM | field, 10, 0, off, this.immediate());
        model.write(off, size);
      }
      this.load(dst, 10, off, [field, size]);
    }
  }

  private variableStack(): void {
    const { random, model } = this;
    const index = this.scalar();
    const [field, size] = random.of(SIZES);
    const room = random.of([8, 16, 32]);
    const base = -room - 8 * random.below(3);
    const scaled = this.free();
    if (scaled !== index) this.move(scaled, index);
    this.bound(scaled, room / size - 1);
    if (size > 1) this.emit(BPF_ALU64 | (random.chance(0.5) ? BPF_LSH : BPF_MUL) | BPF_K, scaled, 0, 0, size);
    const last = this.current.out.at(-1)!;
    if (size > 1 && (last.insn.opcode & 0xf0) === BPF_LSH)
      this.current.out[this.current.out.length - 1] = { ...last, insn: { ...last.insn, imm: Math.log2(size) } };
    const pointer = this.free();
    if (pointer === scaled || this.reserved.has(scaled)) return;
    this.stackPointer(pointer, base);
    this.emit(BPF_ALU64 | BPF_ADD | BPF_X, pointer, scaled);
    model.registers[scaled] = ANY_SCALAR;
    if (random.chance(0.6)) {
      for (let off = base; off < base + room; off += 8) {
        if (random.chance(0.03)) continue;
        this.emit(BPF_ST | BPF_MEM | BPF_DW, 10, 0, off, random.chance(0.6) ? 0 : this.immediate());
        model.write(off, 8);
      }
    }
    const after = random.below(3);
    if (after !== 0) {
      if (random.chance(0.5)) this.emit(BPF_ST | BPF_MEM | field, pointer, 0, 0, random.chance(0.5) ? 0 : this.immediate());
      else this.emit(BPF_STX | BPF_MEM | field, pointer, this.scalar(pointer), 0);
      for (let off = base; off < base + room; off += 8) model.spills.delete(off);
    }
    const dst = this.free();
    if (after !== 1 && dst !== pointer) this.load(dst, random.chance(0.5) ? pointer : 10, random.chance(0.5) ? 0 : base, [field, size]);
    model.registers[pointer] = NONE;
  }

  /** A condition; true where the branch was written as a jump to the label. */
  private condition(label: Label): void {
    const { random } = this;
    const left = this.scalar();
    const cls = random.chance(0.65) ? BPF_JMP : BPF_JMP32;
    const op = random.of(JUMP_OPS);
    if (random.chance(0.3)) this.emit(cls | op | BPF_X, left, this.scalar(random.chance(0.9) ? left : -1), 0, 0, label);
    else this.emit(cls | op | BPF_K, left, 0, 0, this.immediate(), label);
  }

  private branch(): void {
    const { random } = this;
    if (this.depth >= 3) return this.alu();
    this.depth++;
    const other: Label = { at: -1 };
    this.condition(other);
    const before = this.model.copy();
    const form = random.below(4);
    if (form === 0) {
      this.leave();
      this.put(other);
      this.model = before;
    } else {
      this.statements(1 + random.below(4));
      const then = this.model;
      if (form === 1) {
        const end: Label = { at: -1 };
        this.jump(end);
        this.put(other);
        this.model = before;
        this.statements(1 + random.below(3));
        this.put(end);
      } else {
        this.put(other);
        this.model = before;
      }
      this.model.meet(then);
    }
    this.depth--;
  }

  private loop(): void {
    const { random, model } = this;
    if (this.depth >= 3 || this.loops >= (this.depth === 0 ? 2 : 1)) return this.branch();
    const counter = this.kept();
    if (this.reserved.has(counter)) return this.branch();
    this.depth++;
    this.loops++;
    this.reserved.add(counter);
    const head: Label = { at: -1 };
    const end: Label = { at: -1 };
    const body = (): void => {
      const before = this.model.copy();
      this.statements(1 + random.below(3));
      this.model.meet(before);
    };
    const form = random.below(5);
    if (form === 0) {
      this.constant(counter, 0);
      this.put(head);
      body();
      this.emit(BPF_ALU64 | BPF_ADD | BPF_K, counter, 0, 0, random.chance(0.95) ? 1 : random.below(4));
      this.emit(
        (random.chance(0.7) ? BPF_JMP : BPF_JMP32) | random.of([BPF_JLT, BPF_JNE, BPF_JSLT, BPF_JLE]) | BPF_K,
        counter,
        0,
        0,
        random.chance(0.1) ? 30 : 1 + random.below(4),
        head,
      );
    } else if (form === 1) {
      if (random.chance(0.7)) this.constant(counter, 0);
      else this.move(counter, this.scalar(counter));
      this.put(head);
      this.emit(BPF_JMP | BPF_JCOND, 0, 0, 0, 0, end);
      body();
      if (random.chance(0.7)) this.emit(BPF_ALU64 | BPF_ADD | BPF_K, counter, 0, 0, 1);
      if (random.chance(0.3)) this.emit(BPF_JMP | BPF_JGT | BPF_K, counter, 0, 0, random.below(100), end);
      this.jump(head);
      this.put(end);
    } else if (form === 2) {
      this.move(counter, this.scalar(counter));
      this.bound(counter, random.of([3, 3, 7]));
      this.put(head);
      this.emit(BPF_JMP | BPF_JEQ | BPF_K, counter, 0, 0, 0, end);
      body();
      this.emit(BPF_ALU64 | BPF_SUB | BPF_K, counter, 0, 0, 1);
      this.jump(head);
      this.put(end);
    } else if (form === 3) {
      // Up to a bound that only the comparison gives.
      const bound = this.scalar(counter);
      this.constant(counter, 0);
      this.put(head);
      this.emit(BPF_JMP | BPF_JGE | BPF_X, counter, bound, 0, 0, end);
      body();
      this.emit(BPF_ALU64 | BPF_ADD | BPF_K, counter, 0, 0, 1);
      this.emit(BPF_JMP | BPF_JLT | BPF_K, counter, 0, 0, 1 + random.below(6), head);
      this.put(end);
    } else {
      this.constant(counter, random.below(6));
      this.put(head);
      body();
      this.emit(BPF_ALU64 | BPF_ADD | BPF_K, counter, 0, 0, -1);
      this.emit(BPF_JMP | random.of([BPF_JNE, BPF_JSGT, BPF_JSGE]) | BPF_K, counter, 0, 0, 0, head);
    }
    this.reserved.delete(counter);
    model.registers[counter] = ANY_SCALAR;
    this.model.registers[counter] = ANY_SCALAR;
    this.depth--;
  }

  /** A pointer to a map value or record in hand: look-up, check and access; or straight to the value. */
  private valueAccess(): void {
    const { random } = this;
    let base = this.find('value') ?? this.find('record');
    if (base === undefined || random.chance(0.25)) {
      if (random.chance(0.35)) {
        base = this.free();
        const off = random.chance(0.7) ? 0 : random.below(FUZZ_MAPS[SINGLE].valueSize + 2);
        this.wide(base, BPF_PSEUDO_MAP_VALUE, SINGLE, off);
        this.model.registers[base] = { kind: 'value', size: FUZZ_MAPS[SINGLE].valueSize, off, orNull: false };
      } else {
        this.lookup(random.of(LOOKUPS));
        base = 0;
      }
    }
    this.checkNull(base);
    this.access(base);
  }

  lookup(map: number): void {
    const { random, model } = this;
    const { keySize, valueSize } = FUZZ_MAPS[map]!;
    const off = -8 * (1 + random.below(4));
    if (random.chance(0.5) && keySize === 4) {
      this.emit(BPF_ST | BPF_MEM | BPF_W, 10, 0, off, random.below(6));
      model.write(off, 4);
    } else if (random.chance(0.6)) {
      this.emit(BPF_STX | BPF_MEM | BPF_DW, 10, this.scalar(), off);
      model.write(off, 8);
    } else if (!model.isWritten(off, keySize) && random.chance(0.9)) {
      this.emit(BPF_ST | BPF_MEM | BPF_DW, 10, 0, off, this.immediate());
      model.write(off, 8);
    }
    this.stackPointer(2, off);
    this.mapPointer(1, map);
    this.call(1);
    model.registers[0] = { kind: 'value', size: valueSize, off: 0, orNull: true };
    if (random.chance(0.4)) this.move(this.kept(), 0);
  }

  checkNull(register: number): void {
    const { random, model } = this;
    const value = model.registers[register]!;
    if (!('orNull' in value) || !value.orNull || random.chance(0.03)) return;
    const known = { ...value, orNull: false };
    const copies = model.registers.flatMap((other, i) => (other === value ? [i] : []));
    const label: Label = { at: -1 };
    if (random.chance(0.7)) {
      this.emit(BPF_JMP | BPF_JNE | BPF_K, register, 0, 0, 0, label);
      this.leave();
      this.put(label);
    } else {
      this.emit(BPF_JMP | BPF_JEQ | BPF_K, register, 0, 0, 0, label);
      this.exits.push(label);
    }
    for (const copy of copies) model.registers[copy] = known;
  }

  /** Loads and stores at constant and variable places. */
  access(base: number): void {
    const { random, model } = this;
    const value = model.registers[base]!;
    if (value.kind !== 'value' && value.kind !== 'record' && value.kind !== 'packet') return;
    const room = value.kind === 'packet' ? value.safe - value.off : value.size - ('off' in value ? value.off : 0);
    const mayWrite = value.kind !== 'packet' || this.hook.writesPacket === true;
    const [field, size] = random.of(SIZES);
    let pointer = base;
    let left = room;
    if (random.chance(0.4) && room >= size * 2) {
      const index = this.free();
      const source = this.scalar();
      if (index === base || this.reserved.has(index)) return;
      if (source !== index) this.move(index, source);
      this.bound(index, random.chance(0.9) ? Math.max(1, room - size) : room);
      pointer = this.free();
      if (pointer === index || this.reserved.has(pointer)) return;
      if (pointer !== base) this.move(pointer, base);
      if (random.chance(0.1)) this.emit(BPF_ALU64 | BPF_SUB | BPF_X, pointer, index);
      else this.emit(BPF_ALU64 | BPF_ADD | BPF_X, pointer, index);
      left = size;
    }
    const off = random.chance(0.97) ? random.below(Math.max(1, left - size + 1)) : random.below(left + 8) - 4;
    const aligned = random.chance(0.8) ? off - (off % size) : off;
    switch (random.below(4)) {
      case 0:
      case 1: {
        const dst = this.free();
        if (dst !== pointer || pointer !== base) this.load(dst, pointer, aligned, [field, size]);
        break;
      }
      case 2:
        if (mayWrite) this.emit(BPF_STX | BPF_MEM | field, pointer, random.chance(0.97) ? this.scalar(pointer) : random.below(11), aligned);
        break;
      default:
        if (mayWrite) this.emit(BPF_ST | BPF_MEM | field, pointer, 0, aligned, this.immediate());
    }
    if (pointer !== base && model.registers[pointer]!.kind === value.kind) model.registers[pointer] = NONE;
  }

  private packetAccess(): void {
    const { random, model, hook } = this;
    if (!hook.packet) return this.valueAccess();
    let data = this.find('packet');
    const ctx = this.find('ctx');
    if (data === undefined || random.chance(0.15)) {
      if (ctx === undefined) return this.valueAccess();
      data = this.kept();
      const end = this.free();
      if (end === data || end === ctx || data === ctx) return;
      const [opcode, start, stop] = hook.packet;
      this.emit(opcode, data, ctx, start);
      this.emit(opcode, end, ctx, stop);
      model.registers[data] = { kind: 'packet', off: 0, safe: 0 };
      model.registers[end] = { kind: 'end' };
    }
    const end = this.find('end');
    const value = model.registers[data]!;
    if (value.kind !== 'packet') return;
    if (end !== undefined && (value.safe === 0 || random.chance(0.3))) {
      const moved = this.free();
      if (moved === data || moved === end) return;
      const length = random.of([1, 2, 8, 14, 34, 54, 64]);
      const label: Label = { at: -1 };
      this.move(moved, data);
      if (random.chance(0.2)) {
        const index = this.scalar();
        if (index !== moved && index !== data) {
          this.bound(index, random.of([15, 255, 1023, 65535]));
          this.emit(BPF_ALU64 | BPF_ADD | BPF_X, moved, index);
          // The checked pointer has an offset that nothing else has: read from there.
          if (random.chance(0.7)) {
            this.move(data, moved);
          }
        }
      }
      this.emit(BPF_ALU64 | BPF_ADD | BPF_K, moved, 0, 0, length);
      const into = random.chance(0.5);
      const greater = random.of([BPF_JGT, BPF_JGT, BPF_JGE]);
      if (into) {
        // Falls through where all bytes are there.
        if (random.chance(0.6)) this.emit(BPF_JMP | greater | BPF_X, moved, end, 0, 0, label);
        else this.emit(BPF_JMP | (greater === BPF_JGT ? BPF_JLT : BPF_JLE) | BPF_X, end, moved, 0, 0, label);
        this.exits.push(label);
      } else {
        if (random.chance(0.6)) this.emit(BPF_JMP | random.of([BPF_JLE, BPF_JLT]) | BPF_X, moved, end, 0, 0, label);
        else this.emit(BPF_JMP | random.of([BPF_JGE, BPF_JGT]) | BPF_X, end, moved, 0, 0, label);
        this.leave();
        this.put(label);
      }
      model.registers[data] = { kind: 'packet', off: 0, safe: length };
      model.registers[moved] = { kind: 'packet', off: length, safe: length };
    }
    const checked = model.registers[data]!;
    if (checked.kind === 'packet' && checked.safe > checked.off) this.access(data);
  }

  /** Copies of a number, at a distance, one of them compared, another used. */
  private linked(): void {
    const { random, model } = this;
    const first = this.scalar();
    const second = this.free();
    const third = this.free();
    if (second === first || third === first || second === third) return;
    this.move(second, first);
    if (random.chance(0.6))
      this.emit(
        (random.chance(0.7) ? BPF_ALU64 : BPF_ALU) | BPF_ADD | BPF_K,
        second,
        0,
        0,
        random.chance(0.8) ? 1 + random.below(20) : this.immediate(),
      );
    if (random.chance(0.5)) {
      this.move(third, random.chance(0.5) ? first : second);
      if (random.chance(0.5)) this.emit((random.chance(0.7) ? BPF_ALU64 : BPF_ALU) | BPF_ADD | BPF_K, third, 0, 0, random.below(20) - 10);
    }
    if (random.chance(0.3)) {
      const off = -8 * (1 + random.below(8));
      this.emit(BPF_STX | BPF_MEM | random.of([BPF_DW, BPF_W]), 10, random.of([first, second]), off);
      model.write(off, 8);
    }
    if (random.chance(0.3) && !this.reserved.has(first)) this.emit(BPF_ALU | BPF_MOV | BPF_X, first, first);
    const label: Label = { at: -1 };
    this.emit(
      (random.chance(0.7) ? BPF_JMP : BPF_JMP32) | random.of(JUMP_OPS) | BPF_K,
      random.of([first, second]),
      0,
      0,
      random.chance(0.8) ? random.below(64) : this.immediate(),
      label,
    );
    if (random.chance(0.5)) this.leave();
    else this.exits.push(label);
    if (label.at < 0 && !this.exits.includes(label)) this.put(label);
  }

  private atomic(): void {
    const { random, model } = this;
    const [field, size] = random.of([
      [BPF_W, 4],
      [BPF_DW, 8],
      [BPF_DW, 8],
    ] as const);
    const opcode = BPF_STX | BPF_ATOMIC | field;
    let base = this.find('value');
    let off = size * random.below(2);
    const value = base === undefined ? undefined : model.registers[base]!;
    if (base === undefined || random.chance(0.6) || !value || !('orNull' in value) || value.orNull) {
      base = 10;
      off = this.stackOffset(size);
      if (!model.isWritten(off, size) && random.chance(0.95)) {
        if (random.chance(0.5)) this.emit(BPF_STX | BPF_MEM | field, 10, this.scalar(), off);
        else this.emit(BPF_ST | BPF_MEM | field, 10, 0, off, this.immediate());
        model.write(off, size);
      }
      model.spills.delete(off - (((off % 8) + 8) % 8));
    }
    if (random.chance(0.15)) {
      if (random.chance(0.5)) {
        const dst = this.free();
        this.emit(opcode, dst, base, off, BPF_LOAD_ACQ);
        model.registers[dst] = ANY_SCALAR;
      } else this.emit(opcode, base, this.scalar(), off, BPF_STORE_REL);
      return;
    }
    const source = this.scalar();
    const op = random.of(ATOMIC_OPS);
    if (op === BPF_CMPXCHG && model.registers[0]!.kind !== 'scalar') {
      if (this.reserved.has(0) || source === 0) return;
      this.constant(0, this.immediate());
    }
    if (this.reserved.has(source)) return;
    this.emit(opcode, base, source, off, op);
    if (op === BPF_CMPXCHG) model.registers[0] = ANY_SCALAR;
    else if (op & BPF_FETCH) model.registers[source] = ANY_SCALAR;
  }

  /** A call of a function of the program: a new one, or one that takes what is at hand. */
  private callFunction(): void {
    const { random, model } = this;
    if (this.planned.length >= 4 || (this.current.kind !== 'main' && random.chance(0.6))) return this.branch();
    const isGlobal = random.chance(0.25);
    const given: Value[] = [];
    const count = isGlobal ? random.below(3) : random.below(4);
    for (let i = 1; i <= count; i++) {
      const source = random.chance(isGlobal ? 0 : 0.5)
        ? random.of([6, 7, 8, 9].filter((register) => model.registers[register]!.kind !== 'none').concat([-1]))
        : -2;
      if (source >= 0) this.move(i, source);
      else if (source === -1) this.stackPointer(i, -8 * (1 + random.below(8)));
      else if (model.registers[i]!.kind !== 'scalar') this.constant(i, this.immediate());
      given.push(source === -1 ? NONE : model.registers[i]!);
    }
    const label: Label = { at: -1 };
    this.planned.push({
      label,
      name: `f${this.planned.length}`,
      kind: isGlobal ? 'global' : 'static',
      arguments: given.map((value) => (isGlobal ? ANY_SCALAR : value)),
    });
    this.emit(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0, label);
    this.clobber();
    model.registers[0] = ANY_SCALAR;
  }

  /** The address of a new callback with these arguments. */
  callback(register: number, given: readonly Value[]): void {
    const label: Label = { at: -1 };
    this.planned.push({ label, name: `cb${this.planned.length}`, kind: 'callback', arguments: given });
    this.wide(register, BPF_PSEUDO_FUNC, 0, 0, label);
    this.model.registers[register] = NONE;
  }

  get roomForFunctions(): boolean {
    return this.planned.length < 4 && this.current.kind !== 'callback';
  }

  /** What is mostly refused. */
  private pointerArithmetic(): void {
    const { random, model } = this;
    const pointers = model.registers.flatMap((value, i) =>
      value.kind !== 'none' && value.kind !== 'scalar' && !this.reserved.has(i) ? [i] : [],
    );
    if (pointers.length === 0 || random.chance(0.75)) return this.alu();
    const pointer = random.of(pointers);
    switch (random.below(6)) {
      case 0:
        this.emit(BPF_ALU64 | random.of([BPF_ADD, BPF_SUB]) | BPF_K, pointer, 0, 0, random.below(32) - 16);
        break;
      case 1:
        this.emit(BPF_ALU64 | random.of([BPF_ADD, BPF_SUB]) | BPF_X, pointer, this.scalar(pointer));
        break;
      case 2:
        this.emit((random.chance(0.5) ? BPF_ALU64 : BPF_ALU) | random.of(ALU_OPS) | BPF_X, pointer, random.of(pointers));
        break;
      case 3: {
        const label: Label = { at: -1 };
        this.emit((random.chance(0.8) ? BPF_JMP : BPF_JMP32) | random.of(JUMP_OPS) | BPF_X, pointer, random.below(11), 0, 0, label);
        this.exits.push(label);
        return;
      }
      case 4: {
        const dst = this.scalar(pointer);
        if (this.reserved.has(dst)) return;
        this.emit(BPF_ALU64 | random.of([BPF_ADD, BPF_ADD, BPF_SUB]) | BPF_X, dst, pointer);
        model.registers[dst] = NONE;
        return;
      }
      default:
        this.emit(BPF_ALU | BPF_MOV | BPF_X, pointer, pointer);
    }
    model.registers[pointer] = NONE;
  }

  private contextStore(): void {
    const { random, context } = this;
    const ctx = this.find('ctx');
    if (ctx === undefined || (context.writes.length === 0 && random.chance(0.9))) return this.alu();
    const range = context.writes.length > 0 ? random.of(context.writes) : { size: 4 as const, from: 0, to: 0 };
    const field = { 1: BPF_B, 2: BPF_H, 4: BPF_W, 8: BPF_DW }[range.size];
    const off = range.from + range.size * random.below(Math.floor((Math.min(range.to, range.from + 160) - range.from) / range.size) + 1);
    if (random.chance(0.3)) this.emit(BPF_ST | BPF_MEM | field, ctx, 0, off, this.immediate());
    else this.emit(BPF_STX | BPF_MEM | field, ctx, this.scalar(ctx), off);
  }

  /** One field of one instruction changed. */
  private mutate(insns: readonly Insn[]): Insn[] {
    const { random } = this;
    const at = random.below(insns.length);
    const insn = insns[at]!;
    const changed = [...insns];
    switch (random.below(6)) {
      case 0:
        changed[at] = { ...insn, imm: random.chance(0.5) ? (insn.imm + random.below(9) - 4) | 0 : this.immediate() };
        break;
      case 1:
        changed[at] = { ...insn, off: Math.max(-32768, Math.min(32767, insn.off + random.below(17) - 8)) };
        break;
      case 2:
        changed[at] = { ...insn, dst: random.below(11) };
        break;
      case 3:
        changed[at] = { ...insn, src: random.below(11) };
        break;
      case 4:
        changed[at] = { ...insn, opcode: insn.opcode ^ (1 << random.below(8)) };
        break;
      default:
        changed[at] = random.of(insns);
    }
    return changed;
  }
}
