// What a path holds and must give back: acquired pointers, locks and saved interrupt states.
// Acquiring gives an id; releasing turns every copy of the pointer into a plain number, so that nothing uses it afterwards.

import type { VerifierEnvironment } from '../state/environment.ts';
import {
  isNonOwningReference,
  PTR_TO_MEM,
  PTR_MAYBE_NULL,
  baseType,
  type Register,
  unknownRegister,
  MEM_RCU,
  NON_OWN_REF,
  PTR_UNTRUSTED,
} from '../state/registers.ts';
import { fieldOf, specialFieldsOf } from './special-fields.ts';
import { byteKind, STACK_ITER, type Reference, type ReferenceKind, type VerifierState } from '../state/state.ts';

const LOCKS: readonly ReferenceKind[] = ['lock', 'res_lock', 'res_lock_irq'];
export const isLock = (reference: Reference): boolean => LOCKS.includes(reference.kind);

/** A new reference to something the program must release; its id. */
export function acquireReference(env: VerifierEnvironment, insn: number): number {
  const id = env.newId();
  env.state.references.push({ kind: 'pointer', id, insn });
  return id;
}

export const findReference = (state: VerifierState, kind: ReferenceKind, id: number): Reference | undefined =>
  state.references.find((reference) => reference.kind === kind && reference.id === id);

/** Takes the reference off the list without touching registers. False where it is not held. */
export function forgetReference(state: VerifierState, id: number): boolean {
  const at = state.references.findIndex((reference) => reference.kind === 'pointer' && reference.id === id);
  if (at < 0) return false;
  state.references.splice(at, 1);
  return true;
}

/** Ends a reference: copies of its pointer, in registers and spilled, become numbers of which nothing is known. */
export function releaseReference(env: VerifierEnvironment, id: number): boolean {
  if (!forgetReference(env.state, id)) return false;
  env.state.changeRegisters((register) => (register.refObjId === id ? forgotten() : undefined));
  return true;
}

/** What a register becomes when what it pointed to is gone. */
export const forgotten = (): Register => unknownRegister();

/** Slices of a dynptr that is gone. */
export function forgetSlices(env: VerifierEnvironment, dynptrId: number): void {
  env.state.changeRegisters((register) => {
    if (register.dynptrId !== dynptrId || dynptrId === 0) return undefined;
    return baseType(register.type) === PTR_TO_MEM && (register.type & ~PTR_MAYBE_NULL) !== 0 ? forgotten() : undefined;
  });
}

/** Pointers to nodes that someone else may remove from now on: the lock that kept them there is being released. */
export function forgetNonOwningReferences(env: VerifierEnvironment): void {
  env.state.changeRegisters((register) => (isNonOwningReference(register.type) ? forgotten() : undefined));
}

/** RCU-protected pointers when the outermost read lock is released: still readable, trusted no more. */
export function untrustRcuPointers(env: VerifierEnvironment): void {
  const untrusted = (register: Register): Register | undefined =>
    (register.type & MEM_RCU) === 0 ? undefined : register.with({ type: (register.type & ~(MEM_RCU | PTR_MAYBE_NULL)) | PTR_UNTRUSTED });
  env.state.changeRegisters(untrusted);
  for (const frame of env.state.frames) {
    frame.stack.forEach((slot, index) => {
      if (byteKind(slot, 7) !== STACK_ITER) return;
      const changed = untrusted(slot.register);
      if (changed) frame.stack[index] = { kinds: slot.kinds, register: changed };
    });
  }
}

/** An owned node that was given to a list or tree: readable while the lock is held, and no more ours to release. */
export function becomeNonOwning(env: VerifierEnvironment, id: number): boolean {
  if (!forgetReference(env.state, id)) return false;
  env.state.changeRegisters((register) => {
    if (register.refObjId !== id) return undefined;
    return nonOwning(register.with({ refObjId: 0 }));
  });
  return true;
}

/** A reference that somebody else owns; with a reference count in the object, its memory stays until RCU frees it. */
export function nonOwning(register: Register): Register {
  const counted = register.btf !== undefined && fieldOf(specialFieldsOf(register.btf, register.btfId), 'bpf_refcount') !== undefined;
  return register.with({ type: register.type | NON_OWN_REF | (counted ? MEM_RCU : 0) });
}

export const lockHeld = (env: VerifierEnvironment): boolean => env.state.activeLocks > 0;

/** Objects that RCU frees cannot go away here. */
export const inRcuSection = (env: VerifierEnvironment): boolean =>
  env.state.activeRcuLocks > 0 || env.state.activeLocks > 0 || !inSleepableContext(env);

export const inSleepableContext = (env: VerifierEnvironment): boolean =>
  env.state.inSleepable &&
  env.state.activeRcuLocks === 0 &&
  env.state.activePreemptLocks === 0 &&
  env.state.activeLocks === 0 &&
  env.state.activeIrqId === 0;
