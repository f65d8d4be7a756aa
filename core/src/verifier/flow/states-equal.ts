// Whether an earlier state covers a later one. Three degrees: `not-exact` for states whose paths are known to be safe,
// `range-within` inside loops, `exact` for finding endless ones. Changes nothing.

import { bitsWithin, sameScalar, within } from '../numbers/scalar.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import {
  baseType,
  NOT_INIT,
  PTR_TO_ARENA,
  PTR_TO_BUF,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_TO_TP_BUFFER,
  type Register,
  sameObject,
  SCALAR_VALUE,
  UNINITIALISED,
  unknownRegister,
} from '../state/registers.ts';
import {
  byteKind,
  type Frame,
  isWholeSpilledScalar,
  REGISTER_COUNT,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_IRQ_FLAG,
  STACK_ITER,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
  type StackSlot,
  type VerifierState,
} from '../state/state.ts';
import { frameInsn } from './prune.ts';
import { uninitialisedStackAllowed } from '../target/kernel-rules.ts';

export type Exactness = 'not-exact' | 'range-within' | 'exact';

/** Links at a distance have ids apart from those of equal scalars. */
const LINK_KIND = 1 << 23;

/** Ids need not be equal, but what shared one before must share one now. */
export class IdMap {
  private readonly old: number[] = [];
  private readonly current: number[] = [];
  private count = 0;
  private temporary = 1 << 28;

  reset(): void {
    this.count = 0;
  }

  match(old: number, current: number): boolean {
    if ((old === 0) !== (current === 0)) return false;
    if (old === 0) return true;
    for (let i = 0; i < this.count; i++) {
      if (this.old[i] === old) return this.current[i] === current;
      if (this.current[i] === current) return false;
    }
    this.old[this.count] = old;
    this.current[this.count++] = current;
    return true;
  }

  /** A scalar that was linked to nothing before may be linked now. */
  matchScalar(old: Register, current: Register): boolean {
    if (old.id === 0) return true;
    // A link at a distance is another relation than being equal, so it has ids of its own.
    const oldId = old.id + old.addConst * LINK_KIND;
    let currentId = current.id === 0 ? ++this.temporary : current.id + current.addConst * LINK_KIND;
    if (!this.match(oldId, currentId)) return false;
    if (old.addConst) {
      if (current.addConst) currentId = current.id;
      return this.match(old.id, currentId);
    }
    return true;
  }
}

/** Everything equal but ids and references, which must correspond. */
export function isNotChanged(old: Register, current: Register, ids: IdMap): boolean {
  return isNotChangedButIds(old, current) && ids.match(old.id, current.id) && ids.match(old.refObjId, current.refObjId);
}

export const isNotChangedButIds = (old: Register, current: Register): boolean =>
  old === current ||
  (old.type === current.type &&
    old.off === current.off &&
    old.addConst === current.addConst &&
    sameScalar(old.scalar, current.scalar) &&
    sameObject(old, current));

/** Whether a path that was safe with `old` in this register is safe with `current`. */
export function isRegisterSafe(exactness: Exactness, old: Register, current: Register, precise: boolean, ids: IdMap): boolean {
  if (exactness === 'exact') return isNotChanged(old, current, ids);
  if (old.type === NOT_INIT && (exactness === 'not-exact' || current.type === NOT_INIT)) return true;
  if (old.type !== current.type) return false;
  switch (baseType(old.type)) {
    case SCALAR_VALUE:
      if (!precise && exactness === 'not-exact') return true;
      if (old.id !== 0 && old.addConst !== current.addConst) return false;
      if (old.addConst && old.off !== current.off) return false;
      if (!ids.matchScalar(old, current)) return false;
      return within(old.scalar, current.scalar) && bitsWithin(old.scalar, current.scalar);
    case PTR_TO_MAP_KEY:
    case PTR_TO_MAP_VALUE:
    case PTR_TO_MEM:
    case PTR_TO_BUF:
    case PTR_TO_TP_BUFFER:
      return (
        old.off === current.off &&
        sameObject(old, current) &&
        within(old.scalar, current.scalar) &&
        bitsWithin(old.scalar, current.scalar) &&
        ids.match(old.id, current.id) &&
        ids.match(old.refObjId, current.refObjId)
      );
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET:
      // At least as much of the packet must be known to be there.
      if (old.range < 0 || current.range < 0 ? old.range !== current.range : old.range > current.range) return false;
      if (old.off !== current.off) return false;
      if (!ids.match(old.id, current.id)) return false;
      return within(old.scalar, current.scalar) && bitsWithin(old.scalar, current.scalar);
    case PTR_TO_STACK:
      return isNotChanged(old, current, ids) && old.frame === current.frame;
    case PTR_TO_ARENA:
      return true;
    default:
      return isNotChanged(old, current, ids);
  }
}

const UNKNOWN_REGISTER = unknownRegister();

/** A slot as one scalar: a whole spilled one, or bytes of no known value. */
function scalarInSlot(slot: StackSlot, uninitialisedAllowed: boolean): Register | undefined {
  if (isWholeSpilledScalar(slot)) return slot.register;
  for (let i = 0; i < 8; i++) {
    const kind = byteKind(slot, i);
    if (kind !== STACK_MISC && !(kind === STACK_INVALID && uninitialisedAllowed)) return undefined;
  }
  return UNKNOWN_REGISTER;
}

function isStackSafe(exactness: Exactness, old: Frame, current: Frame, ids: IdMap, uninitialisedAllowed: boolean): boolean {
  for (let i = 0; i < old.stack.length; i++) {
    const before = old.stack[i]!;
    const now = current.stack[i];
    if (exactness !== 'not-exact' && before.kinds !== now?.kinds) return false;
    if (before.kinds === 0) continue;
    if (!isSlotSafe(exactness, before, now, old.preciseSlots.has(i), ids, uninitialisedAllowed)) return false;
  }
  return true;
}

function isSlotSafe(
  exactness: Exactness,
  before: StackSlot,
  now: StackSlot | undefined,
  precise: boolean,
  ids: IdMap,
  uninitialisedAllowed: boolean,
): boolean {
  // Bytes of no register are the same where nothing was written since.
  if (before === now && before.register === UNINITIALISED) return true;
  for (let j = 0; j < 8; j++) {
    const kind = byteKind(before, j);
    if (kind === STACK_INVALID || (uninitialisedAllowed && kind === STACK_MISC)) continue;
    if (!now) return false;
    // Where both hold a scalar, whole or of unknown bytes, ranges decide.
    const a = scalarInSlot(before, uninitialisedAllowed);
    const b = a && scalarInSlot(now, uninitialisedAllowed);
    if (a && b) return isRegisterSafe(exactness, a, b, a === before.register && precise, ids);
    const nowKind = byteKind(now, j);
    if (kind === STACK_MISC && nowKind === STACK_ZERO) continue;
    if (kind !== nowKind) return false;
    if (j === 7 && !isSlotContentSafe(exactness, kind, before.register, now.register, precise, ids)) return false;
  }
  return true;
}

function isSlotContentSafe(exactness: Exactness, kind: number, before: Register, now: Register, precise: boolean, ids: IdMap): boolean {
  switch (kind) {
    case STACK_SPILL:
      return isRegisterSafe(exactness, before, now, precise, ids);
    case STACK_DYNPTR:
      return before.dynptr === now.dynptr && before.dynptrFirstSlot === now.dynptrFirstSlot && ids.match(before.refObjId, now.refObjId);
    case STACK_ITER:
      return (
        before.type === now.type &&
        before.btf === now.btf &&
        before.btfId === now.btfId &&
        before.iterator === now.iterator &&
        ids.match(before.refObjId, now.refObjId)
      );
    case STACK_IRQ_FLAG:
      return ids.match(before.refObjId, now.refObjId) && before.irqClass === now.irqClass;
    default:
      return true;
  }
}

function areReferencesSafe(old: VerifierState, current: VerifierState, ids: IdMap): boolean {
  if (
    old.references.length !== current.references.length ||
    old.activeLocks !== current.activeLocks ||
    old.activePreemptLocks !== current.activePreemptLocks ||
    old.activeRcuLocks !== current.activeRcuLocks ||
    !ids.match(old.activeIrqId, current.activeIrqId) ||
    !ids.match(old.activeLockId, current.activeLockId) ||
    old.activeLockOwner !== current.activeLockOwner
  ) {
    return false;
  }
  for (let i = 0; i < old.references.length; i++) {
    const before = old.references[i]!;
    const now = current.references[i]!;
    if (!ids.match(before.id, now.id) || before.kind !== now.kind || before.owner !== now.owner) return false;
  }
  return true;
}

const scratchIds = new IdMap();

export function statesEqual(env: VerifierEnvironment, old: VerifierState, current: VerifierState, exactness: Exactness): boolean {
  if (old.frames.length !== current.frames.length || old.inSleepable !== current.inSleepable) return false;
  const ids = scratchIds;
  ids.reset();
  if (!areReferencesSafe(old, current, ids)) return false;
  const uninitialisedAllowed = uninitialisedStackAllowed(env.kernel);
  for (let number = 0; number < old.frames.length; number++) {
    const before = old.frames[number]!;
    const now = current.frames[number]!;
    if (before.callsite !== now.callsite || before.callbackDepth > now.callbackDepth) return false;
    const live = env.facts.liveBefore[frameInsn(old, number)]!;
    for (let i = 0; i < REGISTER_COUNT; i++) {
      if (((live >>> i) & 1) === 0) continue;
      if (!isRegisterSafe(exactness, before.registers[i]!, now.registers[i]!, ((before.preciseRegisters >>> i) & 1) !== 0, ids))
        return false;
    }
    if (!isStackSafe(exactness, before, now, ids, uninitialisedAllowed)) return false;
  }
  return true;
}
