// DWARF expressions (DWARF 5, section 2.5): where a variable is, or what its value is.
// A location is described first (register, stack slot, constant, …), which needs no machine; what is computed from registers
// or memory is evaluated when a machine is at hand.

import { OutOfBounds } from '#core/bytes';
import { DW_AT, DW_ATE, DW_OP } from './constants.ts';
import type { Attributes } from './attributes.ts';
import { sectionAddress, type SectionAddress } from './input.ts';
import { DwarfReader } from './reader.ts';
import type { Die, Unit } from './units.ts';

/** Where a variable is at some instruction. Registers are BPF's r0 to r10. */
export type Location =
  /** The value is in the register (its low bytes, for types narrower than 8). */
  | { kind: 'register'; register: number }
  /** In memory at register + offset; register 10 is the frame pointer, so `fp-8` is {register: 10, offset: -8}. */
  | { kind: 'memory'; register: number; offset: number }
  /** A global: bytes from the start of a section, which a loader made a map of. */
  | { kind: 'global'; address: SectionAddress }
  /** The value itself, 64 bits unsigned; narrower types take its low bytes. */
  | { kind: 'constant'; value: bigint }
  /** The value's bytes as they would stand in memory. */
  | { kind: 'bytes'; bytes: Uint8Array }
  /** The value (or, with `isAddress`, the address) has to be computed: evaluate(). */
  | { kind: 'computed'; isAddress: boolean; expression: Expression }
  /** Parts one after the other; those without a place are `optimised-out`. */
  | { kind: 'pieces'; pieces: readonly { bits: number; bitOffset: number; location: Location }[] }
  /** A pointer that is gone to a variable that is still known. */
  | { kind: 'implicit-pointer'; target: Die; offset: number }
  | { kind: 'optimised-out'; reason: string };

/** Bytes of an expression with what its operations refer to. */
export interface Expression {
  bytes: Uint8Array;
  unit: Unit;
  /** DW_AT_frame_base of the function around. */
  frameBase: Uint8Array | undefined;
  /** Bytes of the function's frame where the compiler counts from its bottom: subtracted from places at or above r10. */
  frameSize: number;
}

/** The machine that an expression computes with. */
export interface ExpressionMachine {
  /** Undefined where the register's value in that frame is lost (r0 to r5 of an outer frame). */
  register(register: number): bigint | undefined;
  /** The register's value when the function was entered, where known. */
  entryRegister?(register: number): bigint | undefined;
  /** A little-endian integer of 1 to 8 bytes. */
  read(address: bigint, size: number): bigint | undefined;
  /** Address in the machine of a global. */
  globalAddress?(address: SectionAddress): bigint | undefined;
}

const MAX_STEPS = 2000;
const MAX_STACK = 256;

/** What an expression left on top: an affine form of one register or section, so that common locations need no machine. */
interface Affine {
  register?: number;
  section?: SectionAddress;
  offset: bigint;
}

class Unsupported extends Error {}

const mask = (value: bigint): bigint => BigInt.asUintN(64, value);

export class Expressions {
  constructor(private readonly attributes: Attributes) {}

  /** Describes where the expression says the object is. */
  locate(expression: Expression): Location {
    if (expression.bytes.length === 0) return { kind: 'optimised-out', reason: 'the compiler removed it here' };
    try {
      return this.describe(expression);
    } catch (thrown) {
      if (thrown instanceof OutOfBounds) return { kind: 'optimised-out', reason: 'its location breaks off in the debug information' };
      if (thrown instanceof Unsupported) return { kind: 'optimised-out', reason: thrown.message };
      throw thrown;
    }
  }

  private describe(expression: Expression): Location {
    const pieces: { bits: number; bitOffset: number; location: Location }[] = [];
    const reader = this.reader(expression);
    let start = 0;
    let location: Location | undefined;
    while (!reader.atEnd) {
      const opStart = reader.offset;
      const op = reader.u8();
      if (op === DW_OP.piece || op === DW_OP.bit_piece) {
        const bits = op === DW_OP.piece ? reader.uleb53() * 8 : reader.uleb53();
        const bitOffset = op === DW_OP.piece ? 0 : reader.uleb53();
        if (!Number.isFinite(bits) || pieces.length > 1000) throw new Unsupported('its pieces make no sense');
        location ??=
          opStart > start
            ? this.simple({ ...expression, bytes: expression.bytes.subarray(start, opStart) })
            : { kind: 'optimised-out', reason: 'this part was removed' };
        pieces.push({ bits, bitOffset, location });
        location = undefined;
        start = reader.offset;
        continue;
      }
      this.skipOperands(op, reader, expression.unit);
    }
    if (pieces.length > 0) return { kind: 'pieces', pieces };
    return this.simple(expression);
  }

  /** A location without pieces. */
  private simple(expression: Expression): Location {
    const reader = this.reader(expression);
    const first = reader.u8();
    if (first >= DW_OP.reg0 && first <= DW_OP.reg31 && reader.atEnd) return { kind: 'register', register: first - DW_OP.reg0 };
    if (first === DW_OP.regx) {
      const register = reader.uleb53();
      if (reader.atEnd) return { kind: 'register', register };
    }
    if (first === DW_OP.implicit_value) {
      const size = reader.uleb53();
      return { kind: 'bytes', bytes: reader.slice(size) };
    }
    if (first === DW_OP.implicit_pointer || first === DW_OP.GNU_implicit_pointer) {
      const target = this.attributes.tree.byOffset.get(reader.offset_(expression.unit.version === 2 ? 8 : expression.unit.offsetSize));
      const offset = reader.sleb53();
      if (!target) throw new Unsupported('it pointed at something that is gone');
      return { kind: 'implicit-pointer', target, offset };
    }
    if (first === DW_OP.GNU_parameter_ref) throw new Unsupported('the parameter was removed: only callers know its value');
    const isValue = this.endsInStackValue(expression);
    const affine = this.affine(expression);
    if (affine) {
      if (isValue) {
        if (affine.register === undefined && affine.section === undefined) return { kind: 'constant', value: mask(affine.offset) };
      } else if (affine.register !== undefined) {
        return { kind: 'memory', register: affine.register, offset: Number(affine.offset) };
      } else if (affine.section) {
        return { kind: 'global', address: { section: affine.section.section, offset: affine.section.offset + Number(affine.offset) } };
      }
    }
    return { kind: 'computed', isAddress: !isValue, expression };
  }

  private reader(expression: Expression): DwarfReader {
    return new DwarfReader(expression.bytes, expression.unit.littleEndian);
  }

  private endsInStackValue(expression: Expression): boolean {
    const reader = this.reader(expression);
    let last = 0;
    while (!reader.atEnd) {
      last = reader.u8();
      this.skipOperands(last, reader, expression.unit);
    }
    return last === DW_OP.stack_value;
  }

  /** Moves behind the operands of an operation. */
  private skipOperands(op: number, reader: DwarfReader, unit: Unit): void {
    if (op >= DW_OP.breg0 && op <= DW_OP.breg31) return void reader.sleb53();
    switch (op) {
      case DW_OP.addr:
      case DW_OP.const8u:
      case DW_OP.const8s:
        return reader.skip(8);
      case DW_OP.const4u:
      case DW_OP.const4s:
        return reader.skip(4);
      case DW_OP.const2u:
      case DW_OP.const2s:
      case DW_OP.bra:
      case DW_OP.skip:
        return reader.skip(2);
      case DW_OP.const1u:
      case DW_OP.const1s:
      case DW_OP.pick:
      case DW_OP.deref_size:
        return reader.skip(1);
      case DW_OP.constu:
      case DW_OP.consts:
      case DW_OP.plus_uconst:
      case DW_OP.regx:
      case DW_OP.fbreg:
      case DW_OP.addrx:
      case DW_OP.constx:
      case DW_OP.convert:
      case DW_OP.reinterpret:
      case DW_OP.GNU_convert:
      case DW_OP.piece:
        return void reader.uleb53();
      case DW_OP.bregx:
      case DW_OP.regval_type:
      case DW_OP.bit_piece:
        reader.uleb53();
        return void reader.uleb53();
      case DW_OP.deref_type:
        reader.skip(1);
        return void reader.uleb53();
      case DW_OP.implicit_value:
      case DW_OP.entry_value:
      case DW_OP.GNU_entry_value:
        return reader.skip(reader.uleb53());
      case DW_OP.const_type:
        reader.uleb53();
        return reader.skip(reader.u8());
      case DW_OP.GNU_parameter_ref:
        return reader.skip(4);
      case DW_OP.implicit_pointer:
      case DW_OP.GNU_implicit_pointer:
        reader.skip(unit.version === 2 ? 8 : unit.offsetSize);
        return void reader.uleb53();
      default:
    }
  }

  /** The expression as register + offset, section + offset or constant, where it is no more than that. */
  private affine(expression: Expression): Affine | undefined {
    const reader = this.reader(expression);
    const stack: Affine[] = [];
    const push = (value: Affine): void => void stack.push(value);
    const constant = (value: bigint): void => push({ offset: value });
    while (!reader.atEnd && stack.length < MAX_STACK) {
      const op = reader.u8();
      if (op >= DW_OP.lit0 && op <= DW_OP.lit31) constant(BigInt(op - DW_OP.lit0));
      else if (op >= DW_OP.breg0 && op <= DW_OP.breg31)
        push({ register: op - DW_OP.breg0, offset: fromTop(expression, op - DW_OP.breg0, reader.sleb()) });
      else if (op === DW_OP.bregx) push({ register: reader.uleb53(), offset: reader.sleb() });
      else if (op === DW_OP.fbreg) {
        const base = this.frameRegister(expression);
        if (base === undefined) return undefined;
        push({ register: base.register, offset: fromTop(expression, base.register, base.offset + reader.sleb()) });
      } else if (op === DW_OP.addr || op === DW_OP.addrx) {
        const address = op === DW_OP.addr ? reader.address() : this.attributes.addressAt(expression.unit, reader.uleb53());
        const place = address === undefined ? undefined : sectionAddress(address);
        if (!place) return undefined;
        push({ section: place, offset: 0n });
      } else if (op === DW_OP.plus_uconst) {
        const top = stack.pop();
        const value = reader.uleb();
        if (!top) return undefined;
        push({ ...top, offset: top.offset + value });
      } else if (op === DW_OP.plus || op === DW_OP.minus) {
        const right = stack.pop();
        const left = stack.pop();
        if (!left || !right || right.register !== undefined || right.section) return undefined;
        push({ ...left, offset: op === DW_OP.plus ? left.offset + right.offset : left.offset - right.offset });
      } else if (op === DW_OP.stack_value && reader.atEnd) break;
      else if (op === DW_OP.nop) continue;
      else {
        const value = constantOperand(op, reader);
        if (value === undefined) return undefined;
        constant(value);
      }
    }
    const top = stack.at(-1);
    if (!top || !reader.atEnd) return undefined;
    return top.offset >= BigInt(Number.MIN_SAFE_INTEGER) && top.offset <= BigInt(Number.MAX_SAFE_INTEGER)
      ? top
      : top.register === undefined && !top.section
        ? top
        : undefined;
  }

  /** DW_AT_frame_base as register + offset: DW_OP_reg10 in everything that LLVM writes for BPF. */
  private frameRegister({ frameBase, unit }: Expression): { register: number; offset: bigint } | undefined {
    if (!frameBase || frameBase.length === 0) return undefined;
    const reader = new DwarfReader(frameBase, unit.littleEndian);
    const op = reader.u8();
    if (op >= DW_OP.reg0 && op <= DW_OP.reg31 && reader.atEnd) return { register: op - DW_OP.reg0, offset: 0n };
    if (op >= DW_OP.breg0 && op <= DW_OP.breg31) return { register: op - DW_OP.breg0, offset: reader.sleb() };
    if (op === DW_OP.call_frame_cfa && reader.atEnd) return { register: 10, offset: 0n };
    return undefined;
  }

  /** The value on top of the stack when the expression is done, or undefined where the machine lacks what it needs. */
  evaluate(expression: Expression, machine: ExpressionMachine): bigint | undefined {
    try {
      return this.run(expression, machine, 0);
    } catch (thrown) {
      if (thrown instanceof OutOfBounds || thrown instanceof Unsupported) return undefined;
      throw thrown;
    }
  }

  private run(expression: Expression, machine: ExpressionMachine, depth: number): bigint {
    if (depth > 4) throw new Unsupported('its expression nests too deep');
    const { unit } = expression;
    const reader = this.reader(expression);
    // Values and, beside them, the type that a typed operation gave them; undefined is the generic type.
    const stack: { value: bigint; type: NumberType | undefined }[] = [];
    const need = (value: bigint | undefined): bigint => {
      if (value === undefined) throw new Unsupported('a register or memory that it needs is lost');
      return value;
    };
    const pop = (): bigint => {
      const top = stack.pop();
      if (!top) throw new Unsupported('its expression takes more than it has');
      return top.value;
    };
    const push = (value: bigint, type?: NumberType): void => {
      if (stack.length >= MAX_STACK) throw new Unsupported('its expression never ends');
      stack.push({ value: mask(value), type });
    };
    const signed = (): bigint => BigInt.asIntN(64, pop());
    for (let steps = 0; !reader.atEnd; steps++) {
      if (steps > MAX_STEPS) throw new Unsupported('its expression never ends');
      const op = reader.u8();
      if (op >= DW_OP.lit0 && op <= DW_OP.lit31) push(BigInt(op - DW_OP.lit0));
      else if (op >= DW_OP.reg0 && op <= DW_OP.reg31) push(need(machine.register(op - DW_OP.reg0)));
      else if (op >= DW_OP.breg0 && op <= DW_OP.breg31)
        push(need(machine.register(op - DW_OP.breg0)) + fromTop(expression, op - DW_OP.breg0, reader.sleb()));
      else {
        switch (op) {
          case DW_OP.addr:
          case DW_OP.addrx: {
            const address = op === DW_OP.addr ? reader.address() : this.attributes.addressAt(unit, reader.uleb53());
            const place = address === undefined ? undefined : sectionAddress(address);
            push(need(place ? machine.globalAddress?.(place) : undefined));
            break;
          }
          case DW_OP.constx:
            push(BigInt(Math.trunc(Math.min(this.attributes.addressAt(unit, reader.uleb53()) ?? 0, Number.MAX_SAFE_INTEGER))));
            break;
          case DW_OP.regx:
            push(need(machine.register(reader.uleb53())));
            break;
          case DW_OP.bregx: {
            const register = reader.uleb53();
            push(need(machine.register(register)) + reader.sleb());
            break;
          }
          case DW_OP.fbreg: {
            const base = this.frameRegister(expression);
            if (!base) throw new Unsupported('the frame base is not understood');
            push(need(machine.register(base.register)) + fromTop(expression, base.register, base.offset + reader.sleb()));
            break;
          }
          case DW_OP.regval_type: {
            const register = reader.uleb53();
            push(need(machine.register(register)), this.numberType(unit, reader.uleb53()));
            break;
          }
          case DW_OP.entry_value:
          case DW_OP.GNU_entry_value:
            push(this.entryValue(expression, reader.slice(reader.uleb53()), machine, depth));
            break;
          case DW_OP.deref:
            push(need(machine.read(pop(), 8)));
            break;
          case DW_OP.deref_size: {
            const size = reader.u8();
            if (size < 1 || size > 8) throw new Unsupported('it reads a word of no size');
            push(need(machine.read(pop(), size)));
            break;
          }
          case DW_OP.deref_type: {
            const size = reader.u8();
            const type = this.numberType(unit, reader.uleb53());
            if (size < 1 || size > 8) throw new Unsupported('it reads a word of no size');
            push(need(machine.read(pop(), size)), type);
            break;
          }
          case DW_OP.const_type: {
            const type = this.numberType(unit, reader.uleb53());
            const bytes = reader.slice(reader.u8());
            let value = 0n;
            for (let i = Math.min(bytes.length, 8) - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
            push(value, type);
            break;
          }
          case DW_OP.convert:
          case DW_OP.GNU_convert:
          case DW_OP.reinterpret: {
            const at = reader.uleb53();
            const to = at === 0 ? undefined : this.numberType(unit, at);
            const top = stack.pop();
            if (!top) throw new Unsupported('its expression takes more than it has');
            const value = op === DW_OP.reinterpret ? top.value : interpret(top.value, top.type);
            push(interpret(value, to), to);
            break;
          }
          case DW_OP.dup:
            push(stack.at(-1)?.value ?? pop(), stack.at(-1)?.type);
            break;
          case DW_OP.drop:
            pop();
            break;
          case DW_OP.over:
          case DW_OP.pick: {
            const index = op === DW_OP.over ? 1 : reader.u8();
            const entry = stack.at(-1 - index);
            if (!entry) throw new Unsupported('its expression takes more than it has');
            push(entry.value, entry.type);
            break;
          }
          case DW_OP.swap: {
            const [right, left] = [pop(), pop()];
            push(right);
            push(left);
            break;
          }
          case DW_OP.rot: {
            const [first, second, third] = [pop(), pop(), pop()];
            push(first);
            push(third);
            push(second);
            break;
          }
          case DW_OP.abs: {
            const value = signed();
            push(value < 0n ? -value : value);
            break;
          }
          case DW_OP.neg:
            push(-pop());
            break;
          case DW_OP.not:
            push(~pop());
            break;
          case DW_OP.plus_uconst:
            push(pop() + reader.uleb());
            break;
          case DW_OP.skip:
          case DW_OP.bra: {
            const distance = reader.s16();
            if (op === DW_OP.skip || pop() !== 0n) reader.seek(reader.offset + distance);
            break;
          }
          case DW_OP.stack_value:
            return pop();
          case DW_OP.nop:
            break;
          default: {
            const constant = constantOperand(op, reader);
            if (constant !== undefined) {
              push(constant);
              break;
            }
            const right = pop();
            const top = stack.at(-1);
            const left = pop();
            push(binary(op, left, right, top?.type), top?.type);
          }
        }
      }
    }
    return pop();
  }

  /** The value that a register (or an expression of registers) had when the function was entered. */
  private entryValue(expression: Expression, bytes: Uint8Array, machine: ExpressionMachine, depth: number): bigint {
    const entry: ExpressionMachine = { register: (register) => machine.entryRegister?.(register), read: () => undefined };
    return this.run({ ...expression, bytes }, entry, depth + 1);
  }

  /** The base type at an offset of the unit. */
  private numberType(unit: Unit, offset: number): NumberType | undefined {
    const die = this.attributes.tree.byOffset.get(unit.offset + offset);
    if (!die) return undefined;
    const size = this.attributes.number(die, DW_AT.byte_size) ?? 8;
    const encoding = this.attributes.number(die, DW_AT.encoding);
    if (encoding === DW_ATE.float) throw new Unsupported('it is computed in floating point');
    return { bits: Math.min(64, Math.max(1, size) * 8), signed: encoding === DW_ATE.signed || encoding === DW_ATE.signed_char };
  }
}

/** See frame-size.ts: nothing lies above r10, so an offset of 0 or more counts from the bottom. */
const fromTop = (expression: Expression, register: number, offset: bigint): bigint =>
  register === 10 && offset >= 0n ? offset - BigInt(expression.frameSize) : offset;

interface NumberType {
  bits: number;
  signed: boolean;
}

const interpret = (value: bigint, type: NumberType | undefined): bigint =>
  type === undefined ? mask(value) : type.signed ? BigInt.asIntN(type.bits, value) : BigInt.asUintN(type.bits, value);

function constantOperand(op: number, reader: DwarfReader): bigint | undefined {
  switch (op) {
    case DW_OP.const1u:
      return BigInt(reader.u8());
    case DW_OP.const1s:
      return BigInt(reader.s8());
    case DW_OP.const2u:
      return BigInt(reader.u16());
    case DW_OP.const2s:
      return BigInt(reader.s16());
    case DW_OP.const4u:
      return BigInt(reader.u32());
    case DW_OP.const4s:
      return BigInt(reader.s32());
    case DW_OP.const8u:
      return reader.u64();
    case DW_OP.const8s:
      return reader.s64();
    case DW_OP.constu:
      return reader.uleb();
    case DW_OP.consts:
      return reader.sleb();
    default:
      if (op >= DW_OP.lit0 && op <= DW_OP.lit31) return BigInt(op - DW_OP.lit0);
      return undefined;
  }
}

/** Arithmetic of section 2.5.1.4; the generic type divides signed and shifts unsigned unless the operation says so. */
function binary(op: number, left: bigint, right: bigint, type: NumberType | undefined): bigint {
  const asSigned = (value: bigint): bigint => (type ? interpret(value, type) : BigInt.asIntN(64, value));
  const flag = (truth: boolean): bigint => (truth ? 1n : 0n);
  switch (op) {
    case DW_OP.plus:
      return left + right;
    case DW_OP.minus:
      return left - right;
    case DW_OP.mul:
      return left * right;
    case DW_OP.div:
      if (right === 0n) throw new Unsupported('its expression divides by zero');
      return asSigned(left) / asSigned(right);
    case DW_OP.mod:
      if (right === 0n) throw new Unsupported('its expression divides by zero');
      return type ? interpret(left, type) % interpret(right, type) : left % right;
    case DW_OP.and:
      return left & right;
    case DW_OP.or:
      return left | right;
    case DW_OP.xor:
      return left ^ right;
    case DW_OP.shl:
      return right > 63n ? 0n : left << right;
    case DW_OP.shr:
      return right > 63n ? 0n : mask(left) >> right;
    case DW_OP.shra:
      return BigInt.asIntN(64, left) >> (right > 63n ? 63n : right);
    case DW_OP.eq:
      return flag(left === right);
    case DW_OP.ne:
      return flag(left !== right);
    case DW_OP.lt:
      return flag(asSigned(left) < asSigned(right));
    case DW_OP.le:
      return flag(asSigned(left) <= asSigned(right));
    case DW_OP.gt:
      return flag(asSigned(left) > asSigned(right));
    case DW_OP.ge:
      return flag(asSigned(left) >= asSigned(right));
    default:
      throw new Unsupported(`its expression has an operation (0x${op.toString(16)}) that BPF compilers do not write`);
  }
}
