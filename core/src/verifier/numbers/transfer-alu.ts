// What arithmetic and moves do to registers: numbers by alu.ts, pointers by the rules for their type.

import {
  BPF_ADD,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_DIV,
  BPF_END,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
  insnClass,
  type Insn,
  usesRegisterSource,
} from '#core/isa';
import { asS64 } from '#core/bytes';
import { rangeOf } from '../explain/causes.ts';
import { checkSource, checkTarget } from '../memory/check-registers.ts';
import { linkScalar, unlinked } from '../memory/check-stack.ts';
import { addToOffset, arithmetic, hasKnownRange, subtractFromOffset } from './alu.ts';
import {
  byteSwap,
  contradiction,
  fitsBits,
  immediate,
  immediate32,
  isConstant,
  isConstant32,
  isContradictory64,
  type Scalar,
  S64_MIN,
  setConstant,
  setConstant32,
  settle,
  signExtend,
  signExtend32,
  truncate,
  unbound,
  unbound32,
  UNKNOWN,
  zeroExtend32,
} from './scalar.ts';
import { hexadecimal } from './tnum.ts';
import type { RejectionDetails, VerifierEnvironment } from '../state/environment.ts';
import { tracksSwapsAndDistances } from '../target/kernel-rules.ts';
import { markPrecise } from '../flow/precision.ts';
import {
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  isPacketPointer,
  mayBeNull,
  MAX_VARIABLE_OFFSET,
  pointerRegister,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_TO_TP_BUFFER,
  type Register,
  SCALAR_VALUE,
  scalarRegister,
  typeName,
  unknownRegister,
} from '../state/registers.ts';

/** As the kernel writes the operators in messages. */
const OPERATORS: Readonly<Record<number, string>> = {
  [BPF_ADD]: '+=',
  [BPF_SUB]: '-=',
  0x20: '*=',
  [BPF_DIV]: '/=',
  [BPF_OR]: '|=',
  [BPF_AND]: '&=',
  [BPF_LSH]: '<<=',
  [BPF_RSH]: '>>=',
  [BPF_NEG]: 'neg',
  [BPF_MOD]: '%=',
  [BPF_XOR]: '^=',
  [BPF_MOV]: '=',
  [BPF_ARSH]: 's>>=',
  [BPF_END]: 'endian',
};
const ADDRESS_SPACE_CAST = 1;

/** One instruction of the ALU classes. */
export function transferAlu(env: VerifierEnvironment, insn: Insn): void {
  const operation = insn.opcode & 0xf0;
  const is64 = insnClass(insn) === BPF_ALU64;
  if (operation === BPF_END || operation === BPF_NEG) unary(env, insn, operation, is64);
  else if (operation === BPF_MOV) move(env, insn, is64);
  else if (operation > BPF_END) throw env.reject('invalid-instruction', 'EINVAL', `invalid BPF_ALU opcode ${operation.toString(16)}`);
  else binary(env, insn, operation, is64);
  checkInvariants(env, insn.dst, 'alu');
}

/** Bits and ranges of a register must not contradict each other; a contradiction gives all knowledge up. */
export function checkInvariants(env: VerifierEnvironment, regno: number, context: string): void {
  const register = env.register(regno);
  const checked = withoutContradiction(env, register.scalar, context);
  if (checked !== register.scalar) env.setRegister(regno, register.with({ scalar: checked }));
}

export function withoutContradiction(env: VerifierEnvironment, s: Scalar, context: string): Scalar {
  const problem = contradiction(s);
  if (problem === undefined) return s;
  const hex32 = (value: number): string => hexadecimal(BigInt(value >>> 0));
  const hex = (value: bigint): string => hexadecimal(BigInt.asUintN(64, value));
  const line = `REG INVARIANTS VIOLATION (${context}): ${problem} u64=[${hex(s.umin)}, ${hex(s.umax)}] s64=[${hex(s.smin)}, ${hex(s.smax)}] u32=[${hex32(s.u32min)}, ${hex32(s.u32max)}] s32=[${hex32(s.s32min)}, ${hex32(s.s32max)}] var_off=(${hex(s.value)}, ${hex(s.mask)})`;
  if (env.testInvariants) throw env.reject('verifier-limit', 'EFAULT', line);
  env.log.write(`${line}\n`);
  const unbounded = s.draft();
  unbound(unbounded);
  return unbounded;
}

function unary(env: VerifierEnvironment, insn: Insn, operation: number, is64: boolean): void {
  if (operation === BPF_NEG) {
    if (usesRegisterSource(insn) || insn.src !== 0 || insn.off !== 0 || insn.imm !== 0)
      throw env.reject('invalid-instruction', 'EINVAL', 'BPF_NEG uses reserved fields');
  } else if (
    insn.src !== 0 ||
    insn.off !== 0 ||
    (insn.imm !== 16 && insn.imm !== 32 && insn.imm !== 64) ||
    (is64 && usesRegisterSource(insn))
  ) {
    throw env.reject('invalid-instruction', 'EINVAL', 'BPF_END uses reserved fields');
  }
  const register = checkSource(env, insn.dst);
  checkTarget(env, insn.dst);
  if (operation === BPF_NEG && register.type === SCALAR_VALUE) {
    env.setRegister(insn.dst, scalarRegister(arithmetic(BPF_NEG, !is64, register.scalar, register.scalar)));
    return;
  }
  if (operation === BPF_END && register.type === SCALAR_VALUE && tracksSwapsAndDistances(env.kernel)) {
    // Little-endian: `le` only cuts, `be` and `bswap` reverse the bytes.
    const swaps = is64 || usesRegisterSource(insn);
    const scalar = swaps
      ? byteSwap(register.scalar, insn.imm / 8)
      : insn.imm === 64
        ? register.scalar
        : truncate(register.scalar, insn.imm / 8);
    env.setRegister(insn.dst, scalarRegister(scalar));
    return;
  }
  env.setRegister(insn.dst, unknownRegister());
}

function move(env: VerifierEnvironment, insn: Insn, is64: boolean): void {
  const { dst, src } = insn;
  const reserved = () => env.reject('invalid-instruction', 'EINVAL', 'BPF_MOV uses reserved fields');
  if (!usesRegisterSource(insn)) {
    if (src !== 0 || insn.off !== 0) throw reserved();
    checkTarget(env, dst);
    env.setRegister(dst, scalarRegister(is64 ? immediate(insn.imm) : immediate32(insn.imm)));
    return;
  }
  if (!is64) {
    if ((insn.off !== 0 && insn.off !== 8 && insn.off !== 16) || insn.imm !== 0) throw reserved();
  } else if (insn.off === ADDRESS_SPACE_CAST) {
    if (insn.imm !== 1 && insn.imm !== 1 << 16)
      throw env.reject('invalid-instruction', 'EINVAL', 'addr_space_cast insn can only convert between address space 1 and 0');
    if (!env.arena) {
      throw env.reject('invalid-instruction', 'EINVAL', 'addr_space_cast insn can only be used in a program that has an associated arena');
    }
  } else if ((insn.off !== 0 && insn.off !== 8 && insn.off !== 16 && insn.off !== 32) || insn.imm !== 0) throw reserved();
  let source = checkSource(env, src);
  checkTarget(env, dst);
  const link = (): void => {
    const linked = linkScalar(env, source);
    if (linked === source) return;
    source = linked;
    env.replaceRegister(src, source);
  };
  if (is64 && insn.imm !== 0) {
    env.setRegister(dst, insn.imm === 1 ? pointerRegister(PTR_TO_ARENA) : unknownRegister());
    return;
  }
  if (is64 && insn.off === 0) {
    link();
    env.setRegister(dst, source);
    return;
  }
  if (source.type !== SCALAR_VALUE) {
    // Half a pointer is a number of which only the width is known.
    let scalar = UNKNOWN;
    if (!is64) {
      const s = scalar.draft();
      zeroExtend32(s);
      scalar = settle(s);
    }
    env.setRegister(dst, scalarRegister(scalar));
    return;
  }
  if (insn.off !== 0) {
    const unchanged = source.scalar.umaxNumber < 2 ** (insn.off - 1);
    if (unchanged) link();
    let copy = unchanged ? source : unlinked(source);
    if (is64) copy = copy.with({ scalar: signExtend(copy.scalar, insn.off >> 3) });
    else {
      const s = copy.scalar.draft();
      signExtend32(s, insn.off >> 3);
      zeroExtend32(s);
      copy = copy.with({ scalar: settle(s) });
    }
    env.setRegister(dst, copy);
    return;
  }
  const fits = fitsBits(source.scalar, 32);
  if (fits) link();
  const copy = fits ? source : unlinked(source);
  const s = copy.scalar.draft();
  zeroExtend32(s);
  env.setRegister(dst, copy.with({ scalar: settle(s) }));
}

function binary(env: VerifierEnvironment, insn: Insn, operation: number, is64: boolean): void {
  const { dst, src } = insn;
  const divides = operation === BPF_MOD || operation === BPF_DIV;
  const fromRegister = usesRegisterSource(insn);
  if ((fromRegister ? insn.imm !== 0 : src !== 0) || (insn.off !== 0 && insn.off !== 1) || (insn.off === 1 && !divides)) {
    throw env.reject('invalid-instruction', 'EINVAL', 'BPF_ALU uses reserved fields');
  }
  if (fromRegister) checkSource(env, src);
  checkSource(env, dst);
  if (divides && !fromRegister && insn.imm === 0) throw env.reject('division-by-zero', 'EINVAL', 'div by zero');
  if (
    (operation === BPF_LSH || operation === BPF_RSH || operation === BPF_ARSH) &&
    !fromRegister &&
    (insn.imm < 0 || insn.imm >= (is64 ? 64 : 32))
  ) {
    throw env.reject('invalid-instruction', 'EINVAL', `invalid shift ${insn.imm}`);
  }
  checkTarget(env, dst);
  const target = env.register(dst);
  const source = fromRegister ? env.register(src) : undefined;
  if (target.type === PTR_TO_ARENA || source?.type === PTR_TO_ARENA) {
    if (target.type !== PTR_TO_ARENA) env.setRegister(dst, source!);
    else env.setRegister(dst, target);
    return;
  }
  const targetIsPointer = target.type !== SCALAR_VALUE;
  if (source && source.type !== SCALAR_VALUE) {
    if (targetIsPointer) {
      if (operation === BPF_SUB) {
        // The distance of two pointers: a number of which nothing is known.
        env.setRegister(dst, unknownRegister());
        return;
      }
      throw env.reject('pointer-arithmetic', 'EACCES', `R${dst} pointer ${OPERATORS[operation]} pointer prohibited`, { register: dst });
    }
    markPrecise(env, dst);
    pointerArithmetic(env, insn, operation, is64, source, target, src);
    return;
  }
  if (targetIsPointer) {
    if (source) markPrecise(env, src);
    pointerArithmetic(env, insn, operation, is64, target, source ?? scalarRegister(immediate(insn.imm)), dst);
    return;
  }
  scalarArithmetic(env, insn, operation, is64, target, source ?? scalarRegister(immediate(insn.imm)));
}

function scalarArithmetic(
  env: VerifierEnvironment,
  insn: Insn,
  operation: number,
  is64: boolean,
  target: Register,
  source: Register,
): void {
  const { dst } = insn;
  if (!hasKnownRange(operation, !is64, source.scalar)) {
    env.setRegister(dst, unknownRegister());
    return;
  }
  let scalar = target.scalar;
  if ((operation === BPF_AND || operation === BPF_OR) && isConstant(source.scalar)) {
    // A value that is 0 or -1 is a mask made by a comparison: each case gives an exact result.
    const narrow = scalar.sminNumber === -1 && scalar.smaxNumber === 0 ? 64 : scalar.s32min === -1 && scalar.s32max === 0 ? 32 : 0;
    if (narrow) {
      const branch = env.pushBranch(env.insn, env.insn);
      const zero = scalar.draft();
      const ones = scalar.draft();
      if (narrow === 64) {
        setConstant(zero, 0n);
        setConstant(ones, -1n);
      } else {
        setConstant32(zero, 0);
        setConstant32(ones, -1);
      }
      branch.frame.registers[dst] = target.with({ scalar: zero });
      scalar = ones;
    }
  }
  const result = arithmetic(operation, !is64, scalar, source.scalar);
  let id = 0;
  let off = 0;
  let addConst: 0 | 32 | 64 = 0;
  const knownSource = is64 ? isConstant(source.scalar) : isConstant32(source.scalar);
  // Linked at a distance; a distance of a distance is not kept. Kernels before 6.18 keep positive 64-bit ones only.
  // A 32-bit distance says nothing of a number that has more bits.
  const linkable =
    (operation === BPF_ADD || operation === BPF_SUB) && target.id !== 0 && !target.addConst && (is64 || fitsBits(target.scalar, 32));
  if (linkable && knownSource && !(usesRegisterSource(insn) && insn.src === dst)) {
    const known = is64 ? source.scalar.signedValueNumber : source.scalar.valueLow;
    const distance = operation === BPF_SUB ? -known : known;
    const kept = distance === (distance | 0) && known === (known | 0);
    if (kept && (tracksSwapsAndDistances(env.kernel) || (operation === BPF_ADD && is64 && distance >= 0))) {
      id = target.id;
      off = distance | 0;
      addConst = is64 ? 64 : 32;
    }
  }
  const register = scalarRegister(result);
  register.id = id;
  register.off = off;
  register.addConst = addConst;
  env.setRegister(dst, register);
}

const sane = (offset: number): boolean => offset < MAX_VARIABLE_OFFSET && offset > -MAX_VARIABLE_OFFSET;

/** A number that may be added to a pointer, and a pointer's own offset, stay below 2^29. */
function checkSaneOffset(env: VerifierEnvironment, register: Register, type: number, regno: number): void {
  const { scalar } = register;
  const smallest = scalar.sminNumber;
  if (sane(smallest) && sane(register.off) && (!isConstant(scalar) || sane(scalar.signedValueNumber))) return;
  const name = typeName(type);
  const details = (): RejectionDetails => ({ register: regno, needed: 'between -536870912 and 536870912', known: rangeOf(register) });
  if (isConstant(scalar)) {
    if (!sane(scalar.signedValueNumber)) {
      throw env.reject(
        'pointer-offset-range',
        'EINVAL',
        `math between ${name} pointer and ${asS64(scalar.value)} is not allowed`,
        details(),
      );
    }
  }
  // Of a number this is its distance from what it is linked to; the kernel looks at that too.
  if (!sane(register.off)) {
    throw env.reject('pointer-offset-range', 'EINVAL', `${name} pointer offset ${register.off} is not allowed`, details());
  }
  if (scalar.smin === S64_MIN) {
    throw env.reject(
      'pointer-offset-range',
      'EINVAL',
      `math between ${name} pointer and register with unbounded min value is not allowed`,
      details(),
    );
  }
  if (!sane(smallest)) {
    throw env.reject('pointer-offset-range', 'EINVAL', `value ${scalar.smin} makes ${name} pointer be out of bounds`, details());
  }
}

/** `pointer op= number`, or `number op= pointer` where the pointer is the source. */
function pointerArithmetic(
  env: VerifierEnvironment,
  insn: Insn,
  operation: number,
  is64: boolean,
  pointer: Register,
  number: Register,
  pointerRegno: number,
): void {
  const { dst } = insn;
  const known = isConstant(number.scalar);
  const smallest = number.scalar.sminNumber;
  if (isContradictory64(number.scalar)) {
    env.setRegister(dst, unknownRegister());
    return;
  }
  if (!is64) {
    if (operation === BPF_SUB) {
      env.setRegister(dst, unknownRegister());
      return;
    }
    throw env.reject('pointer-arithmetic', 'EACCES', `R${dst} 32-bit pointer arithmetic prohibited`, { register: dst });
  }
  if (mayBeNull(pointer.type)) {
    throw env.reject(
      'pointer-arithmetic-null',
      'EACCES',
      `R${dst} pointer arithmetic on ${typeName(pointer.type)} prohibited, null-check it first`,
      { register: pointerRegno },
    );
  }
  if (!allowsArithmetic(pointer, known, smallest, operation)) {
    throw env.reject('pointer-arithmetic', 'EACCES', `R${dst} pointer arithmetic on ${typeName(pointer.type)} prohibited`, {
      register: pointerRegno,
    });
  }
  const numberRegno = pointerRegno === dst ? (usesRegisterSource(insn) ? insn.src : dst) : dst;
  checkSaneOffset(env, number, pointer.type, numberRegno);
  checkSaneOffset(env, pointer, pointer.type, pointerRegno);
  const s = pointer.scalar.draft();
  const result = pointer.copy();
  const packet = isPacketPointer(pointer.type);
  switch (operation) {
    case BPF_ADD: {
      const off = pointer.off + smallest;
      if (known && off === (off | 0)) {
        result.off = off;
        break;
      }
      addToOffset(s, number.scalar);
      if (packet) {
        // Another variable offset: what is known of the packet does not carry over.
        result.id = env.newId();
        result.range = 0;
      }
      break;
    }
    case BPF_SUB: {
      if (pointerRegno !== dst) {
        throw env.reject('pointer-arithmetic', 'EACCES', `R${dst} tried to subtract pointer from scalar`, { register: dst });
      }
      if (pointer.type === PTR_TO_STACK)
        throw env.reject('pointer-arithmetic', 'EACCES', `R${dst} subtraction from stack pointer prohibited`, { register: dst });
      const off = pointer.off - smallest;
      if (known && off === (off | 0)) {
        result.off = off;
        break;
      }
      subtractFromOffset(s, number.scalar);
      if (packet) {
        result.id = env.newId();
        if (smallest < 0) result.range = 0;
      }
      break;
    }
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
      throw env.reject('pointer-arithmetic', 'EACCES', `R${dst} bitwise operator ${OPERATORS[operation]} on pointer prohibited`, {
        register: dst,
      });
    default:
      throw env.reject('pointer-arithmetic', 'EACCES', `R${dst} pointer arithmetic with ${OPERATORS[operation]} operator prohibited`, {
        register: dst,
      });
  }
  unbound32(s);
  result.scalar = s;
  checkSaneOffset(env, result, pointer.type, dst);
  settle(s);
  // A fixed pointer keeps the shared zero.
  if (isConstant(s) && isConstant(pointer.scalar) && s.valueLow === pointer.scalar.valueLow && s.valueHigh === pointer.scalar.valueHigh)
    result.scalar = pointer.scalar;
  env.setRegister(dst, result);
}

function allowsArithmetic(pointer: Register, known: boolean, value: number, operation: number): boolean {
  switch (baseType(pointer.type)) {
    case PTR_TO_CTX:
    case PTR_TO_MAP_VALUE:
    case PTR_TO_MAP_KEY:
    case PTR_TO_STACK:
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET:
    case PTR_TO_TP_BUFFER:
    case PTR_TO_BTF_ID:
    case PTR_TO_MEM:
    case PTR_TO_BUF:
    case PTR_TO_FUNC:
    case CONST_PTR_TO_DYNPTR:
      return true;
    case PTR_TO_FLOW_KEYS:
      return known;
    case CONST_PTR_TO_MAP:
      // Adding zero is how compilers keep the address of a struct's first member.
      return known && value === 0 && operation === BPF_ADD;
    default:
      return false;
  }
}
