// Conditional jumps: which branches are possible, and what each teaches about registers: ranges, NULL, packet length.

import {
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
  insnClass,
  type Insn,
  usesRegisterSource,
} from '#core/isa';
import { checkSource } from '../memory/check-registers.ts';
import { addUnsettled } from '../numbers/alu.ts';
import { decideApart, refineApart } from '../numbers/apart.ts';
import { decide, flip, negate, refine } from '../numbers/branch.ts';
import { constant, immediate, isConstant, isZero, type Scalar, settle, zeroExtend32, ZERO } from '../numbers/scalar.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { comparesRanges, emptyMayGotoAllowed, equalPointersNotNull, notNullRule } from '../target/kernel-rules.ts';
import { markPrecise } from './precision.ts';
import { findPreviousEntry, frameInsn, widenImpreciseScalars } from './prune.ts';
import { forgetReference } from '../objects/references.ts';
import {
  AT_PKT_END,
  baseType,
  BEYOND_PKT_END,
  CONST_PTR_TO_MAP,
  isAllocatedObject,
  isNonOwningReference,
  isNotNull,
  isPacketPointer,
  isPacketPointerOrEnd,
  mayBeNull,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_VALUE,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_XDP_SOCK,
  type Register,
  SCALAR_VALUE,
  scalarRegister,
} from '../state/registers.ts';
import { fieldOf, specialFieldsOf } from '../objects/special-fields.ts';
import { BPF_REG_FP, isSpilled, type LinkedRegister, type VerifierState } from '../state/state.ts';
import { withoutContradiction } from '../numbers/transfer-alu.ts';
import { isMayGoto } from './cfg.ts';

const MAX_PACKET_OFFSET = 0xffff;
/** The kernel's history entry has room for six. */
const MAX_LINKED = 6;

/** One conditional jump; leaves `env.insn` at the slot before the one to go on with, as every instruction does. */
export function transferJump(env: VerifierEnvironment, insn: Insn): void {
  const operation = insn.opcode & 0xf0;
  if (operation === BPF_JA || operation > BPF_JCOND)
    throw env.reject('invalid-instruction', 'EINVAL', `invalid BPF_JMP/JMP32 opcode ${operation.toString(16)}`);
  if (operation === BPF_JCOND) {
    mayGoto(env, insn);
    return;
  }
  const { dst, src } = insn;
  const fromRegister = usesRegisterSource(insn);
  checkSource(env, dst);
  if (fromRegister) {
    if (insn.imm !== 0) throw env.reject('invalid-instruction', 'EINVAL', 'BPF_JMP/JMP32 uses reserved fields');
    checkSource(env, src);
  } else if (src !== 0) throw env.reject('invalid-instruction', 'EINVAL', 'BPF_JMP/JMP32 uses reserved fields');
  const target = env.register(dst);
  const source = fromRegister ? env.register(src) : scalarRegister(immediate(insn.imm));
  if (target.type === PTR_TO_STACK || (fromRegister && source.type === PTR_TO_STACK)) {
    env.pushHistory({ targetIsStack: target.type === PTR_TO_STACK, sourceIsStack: fromRegister && source.type === PTR_TO_STACK });
  }
  const is32 = insnClass(insn) === BPF_JMP32;
  const taken = decideRegisters(env, operation, is32, target, source);
  if (taken !== undefined) {
    if (target.type === SCALAR_VALUE) markPrecise(env, dst);
    if (fromRegister && source.type === SCALAR_VALUE) markPrecise(env, src);
    env.printState?.();
    if (taken) env.insn += insn.off;
    return;
  }
  bothBranches(env, insn, operation, is32);
  env.printState?.();
}

function decideRegisters(env: VerifierEnvironment, operation: number, is32: boolean, a: Register, b: Register): boolean | undefined {
  if (isPacketPointerOrEnd(a.type) && isPacketPointerOrEnd(b.type) && !is32) return decidePacket(operation, a, b);
  if (a.type !== SCALAR_VALUE || b.type !== SCALAR_VALUE) {
    if (is32) return undefined;
    let [pointer, number, op] = [a, b, operation];
    if (!(number.type === SCALAR_VALUE && isConstant(number.scalar))) [pointer, number, op] = [b, a, flip(operation)];
    if (
      !(number.type === SCALAR_VALUE && isConstant(number.scalar)) ||
      !isNotNull(pointer, notNullRule(env.kernel)) ||
      !isZero(number.scalar)
    )
      return undefined;
    return op === BPF_JEQ ? false : op === BPF_JNE ? true : undefined;
  }
  return comparesRanges(env.kernel) ? decide(operation, is32, a.scalar, b.scalar) : decideApart(operation, is32, a.scalar, b.scalar);
}

/** A packet pointer already compared with the end. */
function decidePacket(operation: number, a: Register, b: Register): boolean | undefined {
  let packet: Register;
  let op = operation;
  if (b.type === PTR_TO_PACKET_END) packet = a;
  else if (a.type === PTR_TO_PACKET_END) {
    packet = b;
    op = flip(operation);
  } else return undefined;
  if (packet.range >= 0) return undefined;
  switch (op) {
    case BPF_JLE:
    case BPF_JGT:
      return packet.range === BEYOND_PKT_END ? op === BPF_JGT : undefined;
    case BPF_JLT:
    case BPF_JGE:
      return packet.range === BEYOND_PKT_END || packet.range === AT_PKT_END ? op === BPF_JGE : undefined;
    default:
      return undefined;
  }
}

/** may_goto: the loop goes on, or its budget is used up; each is walked. */
function mayGoto(env: VerifierEnvironment, insn: Insn): void {
  if (!isMayGoto(insn) || insn.src !== 0 || insn.dst !== 0 || insn.imm !== 0 || (insn.off === 0 && !emptyMayGotoAllowed(env.kernel))) {
    throw env.reject(
      'invalid-instruction',
      'EINVAL',
      emptyMayGotoAllowed(env.kernel) ? `invalid may_goto imm ${insn.imm}` : `invalid may_goto off ${insn.off} imm ${insn.imm}`,
    );
  }
  const at = env.insn;
  const previous = findPreviousEntry(env, env.state.parent, at);
  const branch = env.pushBranch(at + 1, at);
  branch.mayGotoDepth++;
  if (previous) widenImpreciseScalars(previous, branch);
  env.insn += insn.off;
}

function bothBranches(env: VerifierEnvironment, insn: Insn, operation: number, is32: boolean): void {
  const { dst, src } = insn;
  const fromRegister = usesRegisterSource(insn);
  const here = env.state;
  let target = env.register(dst);
  let source = fromRegister ? env.register(src) : undefined;
  const linked: LinkedRegister[] = [];
  if (source?.type === SCALAR_VALUE && source.id) collectLinked(env, here, source.id, linked);
  if (target.type === SCALAR_VALUE && target.id) collectLinked(env, here, target.id, linked);
  if (linked.length > 1) env.pushHistory({ linked });
  target = env.register(dst);
  source = fromRegister ? env.register(src) : undefined;
  const there = env.pushBranch(env.insn + insn.off + 1, env.insn);

  if (target.type === SCALAR_VALUE && (source === undefined || source.type === SCALAR_VALUE)) {
    narrowBoth(env, there, insn, operation, is32, target, source);
    if (source && source.id) {
      syncLinked(here, here.frame.registers[src]!, linked, src);
      syncLinked(there, there.frame.registers[src]!, linked, src);
    }
    if (target.id) {
      syncLinked(here, here.frame.registers[dst]!, linked, dst);
      syncLinked(there, there.frame.registers[dst]!, linked, dst);
    }
  }
  refinePointers(env, insn, operation, is32, here, there);
}

function narrowBoth(
  env: VerifierEnvironment,
  there: VerifierState,
  insn: Insn,
  operation: number,
  is32: boolean,
  target: Register,
  source: Register | undefined,
): void {
  const { dst, src } = insn;
  const same = source !== undefined && src === dst;
  const constantSide = source ? source.scalar : immediate(insn.imm);
  if (!comparesRanges(env.kernel)) {
    [there, env.state].forEach((state, index) => {
      const { target: a, source: b } = refineApart(operation, is32, target.scalar, constantSide)[index]!;
      state.frame.registers[dst] = target.with({ scalar: a });
      if (source && !same) state.frame.registers[src] = source.with({ scalar: b });
    });
    return;
  }
  const results: Scalar[] = [];
  // The branch taken first, then the one that falls through; a register compared with itself is narrowed as both sides.
  for (const op of [operation, negate(operation)]) {
    const a = target.scalar.draft();
    const b = same ? a : constantSide.draft();
    refine(op, is32, a, b);
    settle(a);
    if (b !== a) settle(b);
    results.push(a, b);
  }
  const [takenTarget, takenSource, fallTarget, fallSource] = results as [Scalar, Scalar, Scalar, Scalar];
  const put = (state: VerifierState, regno: number, register: Register, scalar: Scalar): void => {
    state.frame.registers[regno] = register.with({ scalar });
  };
  put(there, dst, target, withoutContradiction(env, takenTarget, 'true_reg1'));
  if (source && !same) put(there, src, source, withoutContradiction(env, takenSource, 'true_reg2'));
  put(env.state, dst, target, withoutContradiction(env, fallTarget, 'false_reg1'));
  if (source && !same) put(env.state, src, source, withoutContradiction(env, fallSource, 'false_reg2'));
}

/** Scalars with this id, innermost frame first; those that do not fit lose their link. */
function collectLinked(env: VerifierEnvironment, state: VerifierState, id: number, linked: LinkedRegister[]): void {
  for (let number = state.frames.length - 1; number >= 0; number--) {
    const frame = state.frames[number]!;
    const live = env.facts.liveBefore[frameInsn(state, number)]!;
    for (let i = 0; i < BPF_REG_FP; i++) {
      const register = frame.registers[i]!;
      if (register.type !== SCALAR_VALUE || register.id !== id || !((live >>> i) & 1)) continue;
      if (linked.length < MAX_LINKED) linked.push({ frame: number, index: i, isRegister: true });
      else frame.registers[i] = register.with({ id: 0, off: 0, addConst: 0 });
    }
    for (let i = 0; i < frame.stack.length; i++) {
      const slot = frame.stack[i]!;
      if (!isSpilled(slot) || slot.register.type !== SCALAR_VALUE || slot.register.id !== id) continue;
      if (linked.length < MAX_LINKED) linked.push({ frame: number, index: i, isRegister: false });
      else frame.stack[i] = { kinds: slot.kinds, register: slot.register.with({ id: 0, off: 0, addConst: 0 }) };
    }
  }
}

/** What was learned about one register holds for those linked to it, at their distance. */
function syncLinked(state: VerifierState, known: Register, linked: readonly LinkedRegister[], regno: number): void {
  for (const item of linked) {
    const frame = state.frames[item.frame]!;
    if (item.isRegister && item.index === regno && frame === state.frame) continue;
    const register = item.isRegister ? frame.registers[item.index]! : frame.stack[item.index]!.register;
    if (register.type !== SCALAR_VALUE || register === known || register.id !== known.id) continue;
    // Distances of different widths do not add up.
    if (register.addConst !== 0 && known.addConst !== 0 && register.addConst !== known.addConst) continue;
    let updated: Register;
    if ((!register.addConst && !known.addConst) || register.off === known.off) {
      updated = known;
    } else {
      const s = known.scalar.draft();
      addUnsettled(s, constant(BigInt(register.off - known.off)));
      if (register.addConst === 32 || known.addConst === 32) zeroExtend32(s);
      settle(s);
      updated = register.with({ scalar: s });
    }
    if (item.isRegister) frame.registers[item.index] = updated;
    else frame.stack[item.index] = { kinds: frame.stack[item.index]!.kinds, register: updated };
  }
}

/** NULL checks and comparisons with the end of the packet. */
function refinePointers(
  env: VerifierEnvironment,
  insn: Insn,
  operation: number,
  is32: boolean,
  here: VerifierState,
  there: VerifierState,
): void {
  const { dst, src } = insn;
  const fromRegister = usesRegisterSource(insn);
  const target = here.frame.registers[dst]!;
  const source = fromRegister ? here.frame.registers[src]! : undefined;
  if (
    !is32 &&
    source &&
    source.type !== SCALAR_VALUE &&
    target.type !== SCALAR_VALUE &&
    baseType(source.type) !== PTR_TO_BTF_ID &&
    baseType(target.type) !== PTR_TO_BTF_ID
  ) {
    // Equal to something that is not NULL is not NULL.
    const equal = !equalPointersNotNull(env.kernel) ? undefined : operation === BPF_JEQ ? there : operation === BPF_JNE ? here : undefined;
    if (equal) {
      // Only where the rule was mended, the pointer on the other side has to be one of those that are never NULL.
      const rule = notNullRule(env.kernel);
      const certain = (register: Register): boolean => (rule === 'bounded' ? isNotNull(register, rule) : !mayBeNull(register.type));
      if (certain(target) && mayBeNull(source.type)) equal.frame.registers[src] = notNull(equal.frame.registers[src]!);
      if (certain(source) && mayBeNull(target.type)) equal.frame.registers[dst] = notNull(equal.frame.registers[dst]!);
    }
  }
  if (!is32 && !fromRegister && insn.imm === 0 && (operation === BPF_JEQ || operation === BPF_JNE) && mayBeNull(target.type)) {
    markNullOrNot(here, target, operation === BPF_JNE);
    markNullOrNot(there, target, operation === BPF_JEQ);
    return;
  }
  if (source && insnClass(insn) === BPF_JMP) matchPacketEnd(insn, operation, target, source, here, there);
}

/** The pointer as it is once it is known not to be NULL. */
export function notNull(register: Register): Register {
  if (baseType(register.type) === PTR_TO_MAP_VALUE) {
    const { map } = register;
    if (map?.inner) {
      return register.with({
        type: CONST_PTR_TO_MAP,
        map: map.inner,
        mapUid: fieldOf(map.inner.fields, 'bpf_timer', 'bpf_wq', 'bpf_task_work') ? register.id : register.mapUid,
      });
    }
    if (map?.type === 'xskmap') return register.with({ type: PTR_TO_XDP_SOCK });
    if (map?.type === 'sockmap' || map?.type === 'sockhash') return register.with({ type: PTR_TO_SOCKET });
    return register.with({ type: PTR_TO_MAP_VALUE });
  }
  return register.with({ type: register.type & ~PTR_MAYBE_NULL });
}

const mayPointToLock = (register: Register): boolean => {
  const fields =
    register.type === PTR_TO_MAP_VALUE
      ? register.map?.fields
      : isAllocatedObject(register.type) && register.btf
        ? specialFieldsOf(register.btf, register.btfId)
        : undefined;
  return fieldOf(fields, 'bpf_spin_lock', 'bpf_res_spin_lock') !== undefined;
};

/** The pointer, and all copies of it, are NULL or are not. */
export function markNullOrNot(state: VerifierState, checked: Register, isNull: boolean): void {
  const { id, refObjId } = checked;
  // Nothing was acquired after all.
  if (refObjId && refObjId === id && isNull) forgetReference(state, id);
  state.changeRegisters((register) => {
    if (!mayBeNull(register.type) || register.id !== id) return undefined;
    if (register.off !== 0 && !(isAllocatedObject(register.type) || isNonOwningReference(register.type))) return undefined;
    if (isNull) return scalarRegister(ZERO);
    const known = notNull(register);
    // Locks in the value tell objects apart by the id.
    if (!mayPointToLock(known)) known.id = 0;
    return known;
  });
}

/** A packet pointer that has not been moved. */
const isPacketStart = (register: Register): boolean =>
  register.type === PTR_TO_PACKET && register.off === 0 && register.id === 0 && isZero(register.scalar);

function matchPacketEnd(
  insn: Insn,
  operation: number,
  target: Register,
  source: Register,
  here: VerifierState,
  there: VerifierState,
): void {
  // `target` is the packet pointer, compared with the end; or the other way round.
  const forward =
    (target.type === PTR_TO_PACKET && source.type === PTR_TO_PACKET_END) || (target.type === PTR_TO_PACKET_META && isPacketStart(source));
  const backward =
    (target.type === PTR_TO_PACKET_END && source.type === PTR_TO_PACKET) || (isPacketStart(target) && source.type === PTR_TO_PACKET_META);
  if (!forward && !backward) return;
  const pointer = forward ? target : source;
  const regno = forward ? insn.dst : insn.src;
  const op = forward ? operation : flip(operation);
  // As `pointer op end`.
  switch (op) {
    case BPF_JGT:
      findPacketRange(here, pointer, false);
      markPacketEnd(there, regno, true);
      return;
    case BPF_JLT:
      findPacketRange(there, pointer, true);
      markPacketEnd(here, regno, false);
      return;
    case BPF_JGE:
      findPacketRange(here, pointer, true);
      markPacketEnd(there, regno, false);
      return;
    case BPF_JLE:
      findPacketRange(there, pointer, false);
      markPacketEnd(here, regno, true);
      return;
    default:
  }
}

/** On this path the packet reaches to the pointer (with `open`, one byte further): all pointers from the same start know. */
function findPacketRange(state: VerifierState, pointer: Register, open: boolean): void {
  if (pointer.off < 0 || (pointer.off === 0 && open)) return;
  if (pointer.scalar.umaxNumber > MAX_PACKET_OFFSET || pointer.scalar.umaxNumber + pointer.off > MAX_PACKET_OFFSET) return;
  const range = pointer.off + (open ? 1 : 0);
  state.changeRegisters((register) =>
    register.type === pointer.type && register.id === pointer.id && isPacketPointer(register.type) && register.range < range
      ? register.with({ range })
      : undefined,
  );
}

function markPacketEnd(state: VerifierState, regno: number, beyond: boolean): void {
  const register = state.frame.registers[regno]!;
  if (register.type !== PTR_TO_PACKET) return;
  state.frame.registers[regno] = register.with({ range: beyond ? BEYOND_PKT_END : AT_PKT_END });
}
