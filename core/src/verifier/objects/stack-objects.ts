// Objects that live on the program's stack and belong to the verifier: dynptrs, open-coded iterators and saved interrupt states.
// Making, checking and ending them; what overwriting one does. Their contents are never read or written directly.

import type { Btf } from '#core/btf';
import type { VerifierEnvironment } from '../state/environment.ts';
import { acquireReference, forgetSlices, inRcuSection, releaseReference } from './references.ts';
import {
  CONST_PTR_TO_DYNPTR,
  type DynptrKind,
  MEM_RCU,
  PTR_TO_STACK,
  PTR_UNTRUSTED,
  type Register,
  pointerRegister,
} from '../state/registers.ts';
import { allBytes, EMPTY_SLOT, type Frame, type StackSlot, STACK_DYNPTR, STACK_IRQ_FLAG, STACK_ITER, byteKind } from '../state/state.ts';

export const DYNPTR_SLOTS = 2;

const DYNPTR_KINDS = allBytes(STACK_DYNPTR);
const ITERATOR_KINDS = allBytes(STACK_ITER);
const IRQ_KINDS = allBytes(STACK_IRQ_FLAG);

/** Slot of the object's lowest address; 'beyond' where the stack has not grown that far or the object would not fit. */
export function objectSlot(env: VerifierEnvironment, register: Register, what: string, slots: number): number | 'beyond' {
  if (register.scalar.mask !== 0n) throw env.reject('dynptr', 'EINVAL', `${what} has to be at a constant offset`);
  const offset = register.off + register.scalar.signedValueNumber;
  if (offset % 8 !== 0) throw env.reject('dynptr', 'EINVAL', `cannot pass in ${what} at an offset=${offset}`);
  const slot = Math.trunc((-offset - 1) / 8);
  if (slot + 1 < slots || offset >= 0) throw env.reject('dynptr', 'EINVAL', `cannot pass in ${what} at an offset=${offset}`);
  return slot < env.frameOf(register).stack.length ? slot : 'beyond';
}

function setSlot(env: VerifierEnvironment, frame: Frame, slot: number, value: StackSlot): void {
  frame.stack[slot] = value;
  if (frame === env.frame) env.scratchSlot(slot);
}

const dynptrHolds = (kind: DynptrKind): boolean => kind === 'ringbuf' || kind === 'file';

/** The dynptr that `register` points to or is; undefined where there is none whole. */
export function dynptrAt(env: VerifierEnvironment, register: Register): Register | undefined {
  if (register.type === CONST_PTR_TO_DYNPTR) return register;
  const slot = objectSlot(env, register, 'dynptr', DYNPTR_SLOTS);
  if (slot === 'beyond') return undefined;
  const { stack } = env.frameOf(register);
  const first = stack[slot]!;
  if (first.kinds !== DYNPTR_KINDS || stack[slot - 1]!.kinds !== DYNPTR_KINDS || !first.register.dynptrFirstSlot) return undefined;
  return first.register;
}

/** Makes a dynptr in the two slots; a kind that must be released acquires a reference unless it is a copy of `cloneOf`. */
export function makeDynptr(env: VerifierEnvironment, register: Register, kind: DynptrKind, insn: number, cloneOf: number): void {
  const slot = objectSlot(env, register, 'dynptr', DYNPTR_SLOTS);
  if (slot === 'beyond') throw env.reject('dynptr', 'EINVAL', 'cannot pass in dynptr at an offset');
  const frame = env.frameOf(register);
  // The slots may hold one or two older dynptrs: those must not be held by anybody.
  destroyDynptrAt(env, frame, slot);
  destroyDynptrAt(env, frame, slot - 1);
  const id = env.newId();
  const refObjId = dynptrHolds(kind) ? cloneOf || acquireReference(env, insn) : 0;
  const half = (first: boolean): StackSlot => ({
    kinds: DYNPTR_KINDS,
    register: pointerRegister(CONST_PTR_TO_DYNPTR, { dynptr: kind, id, refObjId, dynptrFirstSlot: first }),
  });
  setSlot(env, frame, slot, half(true));
  setSlot(env, frame, slot - 1, half(false));
  env.liveStack?.markWrite(frame.number, slot);
  env.liveStack?.markWrite(frame.number, slot - 1);
}

function clearDynptr(env: VerifierEnvironment, frame: Frame, slot: number): void {
  setSlot(env, frame, slot, EMPTY_SLOT);
  setSlot(env, frame, slot - 1, EMPTY_SLOT);
}

/** Ends a dynptr given to a releasing helper, and every copy that shares its reference. */
export function endDynptr(env: VerifierEnvironment, register: Register): void {
  const slot = objectSlot(env, register, 'dynptr', DYNPTR_SLOTS);
  if (slot === 'beyond') throw env.reject('dynptr', 'EINVAL', 'dynptr is not on the stack');
  const frame = env.frameOf(register);
  const { refObjId } = frame.stack[slot]!.register;
  if (!dynptrHolds(frame.stack[slot]!.register.dynptr)) {
    clearDynptr(env, frame, slot);
    return;
  }
  releaseReference(env, refObjId);
  for (const other of env.state.frames) {
    for (let i = 1; i < other.stack.length; i++) {
      const candidate = other.stack[i]!;
      if (byteKind(candidate, 0) === STACK_DYNPTR && candidate.register.dynptrFirstSlot && candidate.register.refObjId === refObjId)
        clearDynptr(env, other, i);
    }
  }
}

/** A store into a slot of a dynptr ends it, with all slices made from it; one that holds something must be released first. */
export function destroyDynptrAt(env: VerifierEnvironment, frame: Frame, slot: number): void {
  const at = frame.stack[slot];
  if (!at || byteKind(at, 0) !== STACK_DYNPTR) return;
  const first = at.register.dynptrFirstSlot ? slot : slot + 1;
  const dynptr = frame.stack[first]!.register;
  if (dynptrHolds(dynptr.dynptr)) throw env.reject('dynptr', 'EINVAL', 'cannot overwrite referenced dynptr');
  clearDynptr(env, frame, first);
  forgetSlices(env, dynptr.id);
}

/** Marks a dynptr's slots as read, for liveness. */
export function readDynptr(env: VerifierEnvironment, register: Register): void {
  if (register.type === CONST_PTR_TO_DYNPTR) return;
  const slot = objectSlot(env, register, 'dynptr', DYNPTR_SLOTS);
  if (slot === 'beyond') return;
  for (let i = 0; i < DYNPTR_SLOTS; i++) {
    env.liveStack?.markRead(register.frame, slot - i);
    if (env.frameOf(register) === env.frame) env.scratchSlot(slot - i);
  }
}

// ---- open-coded iterators

/** Whether a new iterator may be made here: anything but another iterator may be overwritten. */
export function iteratorMayBegin(env: VerifierEnvironment, register: Register, slots: number): boolean {
  const slot = objectSlot(env, register, 'iter', slots);
  if (slot === 'beyond') return true;
  const { stack } = env.frameOf(register);
  for (let i = 0; i < slots; i++) {
    for (let byte = 0; byte < 8; byte++) if (byteKind(stack[slot - i]!, byte) === STACK_ITER) return false;
  }
  return true;
}

export type IteratorCheck = 'valid' | 'none' | 'not in RCU section';

export function checkIterator(env: VerifierEnvironment, register: Register, btf: Btf, btfId: number, slots: number): IteratorCheck {
  const slot = objectSlot(env, register, 'iter', slots);
  if (slot === 'beyond') return 'none';
  const { stack } = env.frameOf(register);
  for (let i = 0; i < slots; i++) {
    const { kinds, register: part } = stack[slot - i]!;
    if ((part.type & PTR_UNTRUSTED) !== 0 && kinds === ITERATOR_KINDS) return 'not in RCU section';
    if (kinds !== ITERATOR_KINDS || (part.refObjId !== 0) !== (i === 0) || part.btf !== btf || part.btfId !== btfId) return 'none';
  }
  return 'valid';
}

export function makeIterator(
  env: VerifierEnvironment,
  register: Register,
  btf: Btf,
  btfId: number,
  slots: number,
  insn: number,
  rcuProtected: boolean,
): void {
  const slot = objectSlot(env, register, 'iter', slots);
  if (slot === 'beyond') throw env.reject('iterator', 'EINVAL', 'iter is not on the stack');
  const frame = env.frameOf(register);
  const id = acquireReference(env, insn);
  const type = PTR_TO_STACK | (rcuProtected ? (inRcuSection(env) ? MEM_RCU : PTR_UNTRUSTED) : 0);
  for (let i = 0; i < slots; i++) {
    setSlot(env, frame, slot - i, {
      kinds: ITERATOR_KINDS,
      register: pointerRegister(type, { refObjId: i === 0 ? id : 0, btf, btfId, iterator: 'active', iteratorDepth: 0 }),
    });
    env.liveStack?.markWrite(frame.number, slot - i);
  }
}

export function endIterator(env: VerifierEnvironment, register: Register, slots: number): void {
  const slot = objectSlot(env, register, 'iter', slots);
  if (slot === 'beyond') return;
  const frame = env.frameOf(register);
  const { refObjId } = frame.stack[slot]!.register;
  for (let i = 0; i < slots; i++) setSlot(env, frame, slot - i, EMPTY_SLOT);
  releaseReference(env, refObjId);
}

export function readIterator(env: VerifierEnvironment, register: Register, slots: number): void {
  const slot = objectSlot(env, register, 'iter', slots);
  if (slot === 'beyond') return;
  for (let i = 0; i < slots; i++) env.liveStack?.markRead(register.frame, slot - i);
}

// ---- saved interrupt states

export const IRQ_NATIVE = 1;
export const IRQ_LOCK = 2;

export function irqFlagMayBegin(env: VerifierEnvironment, register: Register): boolean {
  const slot = objectSlot(env, register, 'irq_flag', 1);
  if (slot === 'beyond') return true;
  const at = env.frameOf(register).stack[slot]!;
  for (let byte = 0; byte < 8; byte++) if (byteKind(at, byte) === STACK_IRQ_FLAG) return false;
  return true;
}

export function irqFlagIsThere(env: VerifierEnvironment, register: Register): boolean {
  const slot = objectSlot(env, register, 'irq_flag', 1);
  if (slot === 'beyond') return false;
  const at = env.frameOf(register).stack[slot]!;
  return at.kinds === IRQ_KINDS && at.register.refObjId !== 0;
}

export function saveIrqFlag(env: VerifierEnvironment, register: Register, insn: number, irqClass: number): void {
  const slot = objectSlot(env, register, 'irq_flag', 1);
  if (slot === 'beyond') throw env.reject('lock', 'EINVAL', 'irq_flag is not on the stack');
  const frame = env.frameOf(register);
  const id = env.newId();
  env.state.references.push({ kind: 'irq', id, insn });
  env.state.activeIrqId = id;
  setSlot(env, frame, slot, { kinds: IRQ_KINDS, register: pointerRegister(PTR_TO_STACK, { refObjId: id, irqClass }) });
  env.liveStack?.markWrite(frame.number, slot);
}

/** Interrupt states are given back in the reverse order they were saved in, by the family of kfuncs that saved them. */
export function restoreIrqFlag(env: VerifierEnvironment, register: Register, irqClass: number): void {
  const slot = objectSlot(env, register, 'irq_flag', 1);
  if (slot === 'beyond') return;
  const frame = env.frameOf(register);
  env.liveStack?.markRead(frame.number, slot);
  const { refObjId, irqClass: saved } = frame.stack[slot]!.register;
  const family = (one: number): string => (one === IRQ_LOCK ? 'lock' : 'native');
  if (saved !== irqClass)
    throw env.reject('lock', 'EINVAL', `irq flag acquired by ${family(saved)} kfuncs cannot be restored with ${family(irqClass)} kfuncs`);
  const { state } = env;
  if (state.activeIrqId !== refObjId) {
    const active = state.references.find((reference) => reference.kind === 'irq' && reference.id === state.activeIrqId);
    throw env.reject(
      'lock',
      'EACCES',
      `cannot restore irq state out of order, expected id=${state.activeIrqId} acquired at insn_idx=${active?.insn ?? 0}`,
    );
  }
  state.references.splice(
    state.references.findIndex((reference) => reference.kind === 'irq' && reference.id === refObjId),
    1,
  );
  state.activeIrqId = state.references.findLast((reference) => reference.kind === 'irq')?.id ?? 0;
  setSlot(env, frame, slot, EMPTY_SLOT);
}
