// Reads and writes of the stack: bounds, what is initialised, and what spilled registers become.
// Dynptrs and iterators on the stack are in stack-objects.ts.

import { BPF_ST, BPF_MEM, insnClass, type Insn, modeField } from '#core/isa';
import type { VerifierEnvironment } from '../state/environment.ts';
import { fitsBits, immediate, isBounded, isConstant, isZero, UNKNOWN, ZERO } from '../numbers/scalar.ts';
import { formatTnum } from '../numbers/tnum.ts';
import {
  dynptrsProtected,
  plainStackWords,
  spillsKeepEverything,
  storedConstantsKept,
  uninitialisedStackAllowed,
} from '../target/kernel-rules.ts';
import { markPrecise } from '../flow/precision.ts';
import { destroyDynptrAt } from '../objects/stack-objects.ts';
import {
  MAX_VARIABLE_OFFSET,
  PTR_TO_STACK,
  type Register,
  SCALAR_VALUE,
  scalarRegister,
  UNINITIALISED,
  unknownRegister,
} from '../state/registers.ts';
import { formatLine } from '../state/source-lines.ts';
import {
  byteKind,
  EMPTY_SLOT,
  type Frame,
  isSpecialSlot,
  isSpilled,
  isSpilledScalar,
  MAX_BPF_STACK,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
  type StackSlot,
  withByteKind,
} from '../state/state.ts';
import { warnUnwrittenStack } from '../explain/warnings.ts';

export const slotOf = (offset: number): number => Math.floor((-offset - 1) / 8);
export const byteOf = (offset: number): number => (-offset - 1) & 7;

/** The scalar in a register gets an id, so that its copies stay linked; a known number needs none. */
export function linkScalar(env: VerifierEnvironment, register: Register): Register {
  if (register.type !== SCALAR_VALUE) return register;
  let linked = register;
  if (linked.addConst) linked = linked.with({ id: 0, off: 0, addConst: 0 });
  if (linked.id === 0 && !isConstant(linked.scalar)) linked = linked.with({ id: env.newId() });
  return linked;
}

export const unlinked = (register: Register): Register =>
  register.id === 0 && !register.addConst && register.off === 0 ? register : register.with({ id: 0, off: 0, addConst: 0 });

/** Makes the frame's stack as deep as an access at `lowest` needs. */
export function growStack(env: VerifierEnvironment, frame: Frame, lowest: number): void {
  const slots = slotOf(lowest) + 1;
  while (frame.stack.length < slots) frame.stack.push(EMPTY_SLOT);
  const subprogram = env.subprograms[frame.subprogram]!;
  if (subprogram.stackDepth < slots * 8) subprogram.stackDepth = slots * 8;
}

export type StackAccess = 'read' | 'write' | 'helper-read' | 'helper-write';

/** Refuses accesses outside of the frame's 512 bytes; `off` includes the register's fixed offset. */
export function checkStackBounds(env: VerifierEnvironment, regno: number, off: number, size: number, access: StackAccess): void {
  const register = env.register(regno);
  const frame = env.frameOf(register);
  const { scalar } = register;
  const writes = access === 'write' || access === 'helper-write';
  const words = access.startsWith('helper') && !plainStackWords(env.kernel) ? ' indirect access to' : writes ? ' write to' : ' read from';
  const fixed = isConstant(scalar);
  if (!fixed && (scalar.smaxNumber >= MAX_VARIABLE_OFFSET || scalar.sminNumber <= -MAX_VARIABLE_OFFSET)) {
    throw env.reject('stack-bounds', 'EACCES', `invalid unbounded variable-offset${words} stack R${regno}`, {
      register: regno,
      access: { off, size },
      needed: 'an offset between -512 and 0',
      known: `the offset is in [${scalar.smin}, ${scalar.smax}]`,
    });
  }
  const low = (fixed ? scalar.signedValueNumber : scalar.sminNumber) + off;
  const high = (fixed ? scalar.signedValueNumber : scalar.smaxNumber) + off + size;
  const lowest = writes || uninitialisedStackAllowed(env.kernel) ? -MAX_BPF_STACK : -frame.stack.length * 8;
  let errno: string | undefined;
  if (low < lowest || low > -1) errno = 'EACCES';
  else if (high > 0) errno = 'EINVAL';
  else if (size < 0) errno = 'EFAULT';
  if (errno) {
    const message = fixed
      ? `invalid${words} stack R${regno} off=${off} size=${size}`
      : `invalid variable-offset${words} stack R${regno} var_off=${formatTnum(scalar)} off=${off} size=${size}`;
    throw env.reject('stack-bounds', errno, message, {
      register: regno,
      access: { off, size },
      needed: `-512 ≤ offset and offset + size ≤ 0`,
      known: fixed ? `offset is ${low}, size is ${size}` : `offset is in [${low}, ${high - size}], size is ${size}`,
    });
  }
  growStack(env, frame, low);
}

/** A pattern of spills around a call that the kernel may remove is only valid while nothing else uses those slots. */
function checkFastcallContract(env: VerifierEnvironment, frame: Frame, insn: number, off: number): void {
  const subprogram = env.subprograms[frame.subprogram]!;
  if (subprogram.fastcallStackOffset <= off || env.facts.fastcallPattern[insn]) return;
  subprogram.fastcallStackOffset = -0x8000;
  for (let i = subprogram.start; i < subprogram.end; i++) {
    env.facts.fastcallSpills[i] = 0;
    env.facts.fastcallPattern[i] = 0;
  }
}

const isStoreImmediate = (insn: Insn): boolean => insnClass(insn) === BPF_ST && modeField(insn) === BPF_MEM;

function spill(frame: Frame, slot: number, register: Register, size: number): void {
  let kinds = frame.stack[slot]!.kinds;
  for (let i = 7; i >= 8 - size; i--) kinds = withByteKind(kinds, i, STACK_SPILL);
  for (let i = 7 - size; i >= 0; i--) {
    // Zeros stay zeros, and bytes never written stay so; everything else is no longer known.
    const kind = (kinds >>> (i * 4)) & 0xf;
    if (kind !== STACK_ZERO && kind !== STACK_INVALID) kinds = withByteKind(kinds, i, STACK_MISC);
  }
  frame.stack[slot] = { kinds, register };
}

/** A slot that stops being a spill, dynptr or iterator: bytes not overwritten become unknown. */
function scrub(slot: StackSlot): StackSlot {
  const special = isSpilled(slot) || isSpecialSlot(slot);
  return { kinds: special ? miscWhereValid(slot.kinds) : slot.kinds, register: UNINITIALISED };
}

/** Stores `size` bytes at a fixed offset: of register `value`, or with -1 an immediate or unknown data. */
export function writeStackFixed(env: VerifierEnvironment, frame: Frame, off: number, size: number, value: number): void {
  const insn = env.insns[env.insn]!;
  const slot = slotOf(off);
  if (dynptrsProtected(env.kernel)) destroyDynptrAt(env, frame, slot);
  checkFastcallContract(env, frame, env.insn, off);
  env.scratchSlot(slot);
  const aligned = off % 8 === 0;
  if (aligned && size === 8) env.liveStack?.markWrite(frame.number, slot);
  let register = value >= 0 ? env.register(value) : undefined;
  let remembered = true;
  const keepsAll = spillsKeepEverything(env.kernel);
  if (
    register &&
    aligned &&
    register.type === SCALAR_VALUE &&
    (keepsAll || (register.scalar !== UNKNOWN && isBounded(register.scalar) && !isNull(register)))
  ) {
    // Older kernels give a number no id when it is spilled, and follow ids into whole slots only.
    const fits = fitsBits(register.scalar, size * 8) && (keepsAll || size === 8);
    if (fits && keepsAll) {
      const linked = linkScalar(env, register);
      if (linked !== register) env.replaceRegister(value, (register = linked));
    }
    spill(frame, slot, fits ? register : register.id === 0 && !register.addConst ? register : register.with({ id: 0, addConst: 0 }), size);
  } else if (!register && aligned && isStoreImmediate(insn) && storedConstantsKept(env.kernel) && (keepsAll || insn.imm !== 0)) {
    spill(frame, slot, scalarRegister(immediate(insn.imm)), size);
  } else if (register && isSpillable(register)) {
    if (size !== 8) {
      env.log.write(formatLine(env, env.insn, '; '));
      throw env.reject('stack-corruption', 'EACCES', 'invalid size of register spill', { register: value });
    }
    if (frame !== env.frame && register.type === PTR_TO_STACK) {
      throw env.reject('stack-corruption', 'EINVAL', 'cannot spill pointers to stack into stack frame of the caller', { register: value });
    }
    spill(frame, slot, register, size);
  } else {
    let { kinds } = (frame.stack[slot] = scrub(frame.stack[slot]!));
    let kind = STACK_MISC;
    if ((register && isNull(register)) || (!register && isStoreImmediate(insn) && insn.imm === 0 && storedConstantsKept(env.kernel))) {
      if (value >= 0) markPrecise(env, value);
      kind = STACK_ZERO;
    }
    for (let i = 0; i < size; i++) kinds = withByteKind(kinds, byteOf(off + i), kind);
    frame.stack[slot] = { kinds, register: UNINITIALISED };
    remembered = false;
  }
  if (remembered) env.pushHistory({ stackFrame: frame.number, stackSlot: slot });
}

export const isNull = (register: Register): boolean => register.type === SCALAR_VALUE && isZero(register.scalar);

/** Types that may be kept on the stack as they are. */
function isSpillable(register: Register): boolean {
  return register.type > SCALAR_VALUE && (register.type & 0xff) !== 14 && (register.type & 0xff) !== 21;
}

/** Stores at a variable offset: any byte in reach may have changed. */
export function writeStackVariable(
  env: VerifierEnvironment,
  frame: Frame,
  pointer: Register,
  off: number,
  size: number,
  value: number,
): void {
  const insn = env.insns[env.insn]!;
  const low = pointer.scalar.sminNumber + off;
  const high = pointer.scalar.smaxNumber + off + size;
  const register = value >= 0 ? env.register(value) : undefined;
  const zero = (register !== undefined && isNull(register)) || (!register && isStoreImmediate(insn) && insn.imm === 0);
  let zeroKept = false;
  if (dynptrsProtected(env.kernel)) for (let at = low; at < high; at++) destroyDynptrAt(env, frame, slotOf(at));
  checkFastcallContract(env, frame, env.insn, low);
  for (let at = low; at < high; at++) {
    const index = slotOf(at);
    const byte = byteOf(at);
    env.scratchSlot(index);
    const slot = frame.stack[index]!;
    const kind = byteKind(slot, byte);
    // A zero over a zero leaves a zero.
    if (zero && kind === STACK_SPILL && isSpilledScalar(slot) && isZero(slot.register.scalar)) {
      zeroKept = true;
      continue;
    }
    const scrubbed = scrub(slot);
    let newKind = STACK_MISC;
    if (zero && kind === STACK_ZERO) {
      newKind = STACK_ZERO;
      zeroKept = true;
    }
    if (kind === STACK_INVALID && !uninitialisedStackAllowed(env.kernel)) {
      throw env.reject(
        'stack-uninitialised',
        'EINVAL',
        `uninit stack in range of var-offset write prohibited for !root; insn ${env.insn}, off: ${at}`,
      );
    }
    frame.stack[index] = { kinds: withByteKind(scrubbed.kinds, byte, newKind), register: UNINITIALISED };
  }
  if (zeroKept && value >= 0) markPrecise(env, value);
}

/** The register loaded from bytes that are no spill: zero if all are, otherwise unknown. */
function loadBytes(env: VerifierEnvironment, frame: Frame, low: number, high: number, target: number): void {
  let zeros = 0;
  for (let at = low; at < high; at++) {
    env.scratchSlot(slotOf(at));
    if (byteKind(frame.stack[slotOf(at)] ?? EMPTY_SLOT, byteOf(at)) !== STACK_ZERO) break;
    zeros++;
  }
  env.setRegister(target, zeros === high - low ? scalarRegister(ZERO) : unknownRegister());
}

/** Loads `size` bytes at a fixed offset into register `target`; -1 only checks. */
export function readStackFixed(env: VerifierEnvironment, frame: Frame, off: number, size: number, target: number): void {
  const index = slotOf(off);
  const slot = frame.stack[index] ?? EMPTY_SLOT;
  env.scratchSlot(index);
  checkFastcallContract(env, frame, env.insn, off);
  env.liveStack?.markRead(frame.number, index);
  const allowUninitialised = uninitialisedStackAllowed(env.kernel);
  const readable = (at: number): number => {
    const kind = byteKind(slot, byteOf(off + at));
    if (kind === STACK_SPILL || kind === STACK_MISC || kind === STACK_ZERO || (kind === STACK_INVALID && allowUninitialised)) return kind;
    throw env.reject('stack-uninitialised', 'EACCES', `invalid read from stack off ${off}+${at} size ${size}`, {
      register: env.insns[env.insn]!.src,
      access: { off: off + at, size: size - at },
      needed: `${size} initialised bytes at fp${off}`,
      known: `the byte at fp${off + at} has not been written`,
    });
  };
  if (!isSpilled(slot)) {
    for (let at = 0; at < size; at++) {
      if (readable(at) !== STACK_SPILL) continue;
      throw env.reject('stack-uninitialised', 'EACCES', `invalid read from stack off ${off}+${at} size ${size}`);
    }
    if (target >= 0) loadBytes(env, frame, off, off + size, target);
    return;
  }
  let { register } = slot;
  let spillSize = 1;
  for (let i = 7; i > 0 && byteKind(slot, i - 1) === STACK_SPILL; i--) spillSize++;
  let remembered = true;
  if (size === 8 && spillSize === 8) {
    if (target >= 0) env.setRegister(target, register);
  } else {
    if (register.type !== SCALAR_VALUE) {
      env.log.write(formatLine(env, env.insn, '; '));
      throw env.reject('stack-corruption', 'EACCES', 'invalid size of register fill');
    }
    if (target < 0) return;
    // Little-endian: the low bytes of a spilled register are those at the slot's start.
    const keepsAll = spillsKeepEverything(env.kernel);
    const low = off % 8 === 0 && (keepsAll ? size <= spillSize : size === spillSize);
    if (low && size !== 0) {
      if (!fitsBits(register.scalar, size * 8)) register = unlinked(register);
      env.setRegister(target, register);
    } else {
      let spilled = 0;
      let zeros = 0;
      for (let at = 0; at < size; at++) {
        const kind = readable(at);
        if (kind === STACK_SPILL) spilled++;
        else if (kind === STACK_ZERO) zeros++;
      }
      if (!keepsAll) {
        env.setRegister(target, unknownRegister());
        remembered = false;
      } else if (spilled === size && isZero(register.scalar)) env.setRegister(target, scalarRegister(ZERO));
      else {
        env.setRegister(target, zeros === size ? scalarRegister(ZERO) : unknownRegister());
        remembered = false;
      }
    }
  }
  if (remembered) env.pushHistory({ stackFrame: frame.number, stackSlot: index });
}

/** What a helper or kfunc wants with a range of stack. */
export interface StackRangeUse {
  readonly access: 'direct' | 'helper-read' | 'helper-write';
  readonly zeroSizeAllowed: boolean;
  /** Told when the helper fills the memory: the stack need not be initialised, and is written afterwards. */
  readonly raw?: { size: number; register: number } | undefined;
}

/** The bytes [off, off + size) from a stack pointer are there and initialised (or will be, by the helper). */
export function checkStackRange(env: VerifierEnvironment, regno: number, off: number, size: number, use: StackRangeUse): void {
  if (size === 0 && !use.zeroSizeAllowed)
    throw env.reject('helper-argument-size', 'EACCES', 'invalid zero-sized read', { register: regno });
  checkStackBounds(
    env,
    regno,
    off,
    size,
    use.access === 'helper-write' ? 'helper-write' : use.access === 'direct' ? 'read' : 'helper-read',
  );
  const pointer = env.register(regno);
  const frame = env.frameOf(pointer);
  const fixed = isConstant(pointer.scalar);
  const low = (fixed ? pointer.scalar.signedValueNumber : pointer.scalar.sminNumber) + off;
  const high = fixed ? low : pointer.scalar.smaxNumber + off;
  const filled = use.raw !== undefined && fixed;
  if (filled) {
    for (let at = low; at < high + size; at++) {
      if (byteKind(frame.stack[slotOf(at)]!, byteOf(at)) === STACK_DYNPTR) {
        throw env.reject('stack-dynptr-write', 'EACCES', `potential write to dynptr at off=${at} disallowed`, { register: regno });
      }
    }
    use.raw.size = size;
    use.raw.register = regno;
    return;
  }
  const allowUninitialised = uninitialisedStackAllowed(env.kernel);
  const indirect = use.access === 'direct' || plainStackWords(env.kernel) ? '' : ' indirect';
  const written: boolean[] | undefined = env.options.warnings && use.access === 'helper-read' && fixed ? [] : undefined;
  for (let at = low; at < high + size; at++) {
    const index = slotOf(at);
    const byte = byteOf(at);
    const slot = frame.stack[index];
    if (!slot) throw env.reject('verifier-limit', 'EFAULT', 'verifier bug: allocated_stack too small');
    const kind = byteKind(slot, byte);
    const spilled = isSpilled(slot);
    written?.push(kind !== STACK_INVALID);
    if (kind !== STACK_MISC && kind !== STACK_ZERO && !(kind === STACK_INVALID && allowUninitialised) && !spilled) {
      const message = fixed
        ? `invalid${indirect} read from stack R${regno} off ${low}+${at - low} size ${size}`
        : `invalid${indirect} read from stack R${regno} var_off ${formatTnum(pointer.scalar)}+${at - low} size ${size}`;
      throw env.reject('stack-uninitialised', 'EACCES', message, {
        register: regno,
        access: { off: at, size: high + size - at },
        needed: `${size} initialised bytes from fp${low}`,
        known: `the byte at fp${at} has not been written`,
      });
    }
    // A helper that writes may leave anything here.
    if (use.access === 'helper-write' && kind !== STACK_MISC) {
      if (kind === STACK_ZERO || kind === STACK_INVALID)
        frame.stack[index] = { kinds: withByteKind(slot.kinds, byte, STACK_MISC), register: slot.register };
      else if (spilled) frame.stack[index] = { kinds: miscWhereValid(slot.kinds), register: unknownRegister() };
    }
    env.liveStack?.markRead(frame.number, index);
  }
  if (written) warnUnwrittenStack(env, regno, written);
}

function miscWhereValid(kinds: number): number {
  let result = kinds;
  for (let i = 0; i < 8; i++) if (((kinds >>> (i * 4)) & 0xf) !== STACK_INVALID) result = withByteKind(result, i, STACK_MISC);
  return result;
}

/** Loads at a variable offset. */
export function readStackVariable(env: VerifierEnvironment, regno: number, off: number, size: number, target: number): void {
  const pointer = env.register(regno);
  checkStackRange(env, regno, off, size, { access: 'direct', zeroSizeAllowed: false });
  const low = pointer.scalar.sminNumber + off;
  const high = pointer.scalar.smaxNumber + off;
  const frame = env.frameOf(pointer);
  loadBytes(env, frame, low, high + size, target);
  checkFastcallContract(env, frame, env.insn, low);
}
