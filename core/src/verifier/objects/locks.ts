// Spin locks: taking and releasing, in what order, and which lock protects which list or tree.

import { BPF_PSEUDO_KFUNC_CALL, type Insn } from '#core/isa';
import type { VerifierEnvironment } from '../state/environment.ts';
import { knownOffset } from '../calls/pointer-offset.ts';
import { forgetNonOwningReferences, isLock } from './references.ts';
import { baseType, PTR_TO_MAP_VALUE, type Register } from '../state/registers.ts';
import { fieldOf, type SpecialField, type SpecialFields, specialFieldsOf } from './special-fields.ts';
import type { ReferenceKind } from '../state/state.ts';

export type LockKind = 'lock' | 'res_lock' | 'res_lock_irq';

/** Special fields of what the register points to: a map value or an allocated object. */
export function fieldsBehind(register: Register): SpecialFields | undefined {
  if (baseType(register.type) === PTR_TO_MAP_VALUE) return register.map?.fields;
  return register.btf ? specialFieldsOf(register.btf, register.btfId) : undefined;
}

/** What owns a lock: two pointers with equal id and owner point to the same one. */
export const lockOwner = (register: Register): unknown => (baseType(register.type) === PTR_TO_MAP_VALUE ? register.map : register.btf);

/** The lock in a value or object, with the kernel's words where there is none (process_spin_lock). */
function lockField(env: VerifierEnvironment, regno: number, kind: LockKind): SpecialField {
  const register = env.register(regno);
  const words = kind === 'lock' ? 'bpf_spin' : 'bpf_res_spin';
  if (register.scalar.mask !== 0n) {
    throw env.reject('lock', 'EINVAL', `R${regno} doesn't have constant offset. ${words}_lock has to be at the constant offset`, {
      register: regno,
    });
  }
  const isMap = baseType(register.type) === PTR_TO_MAP_VALUE;
  if (isMap && !register.map?.definition.valueTypeId) {
    throw env.reject('lock', 'EINVAL', `map '${register.map!.name}' has to have BTF in order to use ${words}_lock`, { register: regno });
  }
  const field = fieldOf(fieldsBehind(register), kind === 'lock' ? 'bpf_spin_lock' : 'bpf_res_spin_lock');
  if (!field) {
    throw env.reject('lock', 'EINVAL', `${isMap ? 'map' : 'local'} '${isMap ? register.map!.name : 'kptr'}' has no valid ${words}_lock`, {
      register: regno,
    });
  }
  const offset = knownOffset(register);
  if (field.offset !== offset) {
    throw env.reject('lock', 'EINVAL', `off ${offset} doesn't point to 'struct ${words}_lock' that is at ${field.offset}`, {
      register: regno,
    });
  }
  return field;
}

export function takeLock(env: VerifierEnvironment, regno: number, kind: LockKind, insn: number): void {
  lockField(env, regno, kind);
  const { state } = env;
  const register = env.register(regno);
  const owner = lockOwner(register);
  if (kind === 'lock' && state.activeLocks > 0) {
    const held = state.references.find((reference) => reference.kind === 'lock');
    if (held)
      throw env.reject('lock', 'EINVAL', 'Locking two bpf_spin_locks are not allowed', {
        register: regno,
        causes: [{ insn: held.insn, text: 'The first lock is taken here.' }],
      });
  } else if (kind !== 'lock') {
    const held = state.references.find(
      (reference) =>
        (reference.kind === 'res_lock' || reference.kind === 'res_lock_irq') && reference.id === register.id && reference.owner === owner,
    );
    if (held)
      throw env.reject('lock', 'EINVAL', 'Acquiring the same lock again, AA deadlock detected', {
        register: regno,
        causes: [{ insn: held.insn, text: 'The lock is taken here.' }],
      });
  }
  state.references.push({ kind, id: register.id, insn, owner });
  state.activeLocks++;
  state.activeLockId = register.id;
  state.activeLockOwner = owner;
}

export function releaseLock(env: VerifierEnvironment, regno: number, kind: LockKind): void {
  lockField(env, regno, kind);
  const { state } = env;
  const words = kind === 'lock' ? 'bpf_spin' : 'bpf_res_spin';
  const register = env.register(regno);
  const owner = lockOwner(register);
  if (state.activeLocks === 0) throw env.reject('lock', 'EINVAL', `${words}_unlock without taking a lock`, { register: regno });
  const at = state.references.findLastIndex(
    (reference) => reference.kind === (kind as ReferenceKind) && reference.id === register.id && reference.owner === owner,
  );
  if (at < 0) throw env.reject('lock', 'EINVAL', `${words}_unlock of different lock`, { register: regno });
  if (register.id !== state.activeLockId || owner !== state.activeLockOwner)
    throw env.reject('lock', 'EINVAL', `${words}_unlock cannot be out of order`, { register: regno });
  state.references.splice(at, 1);
  state.activeLocks--;
  const before = state.references.findLast(isLock);
  state.activeLockId = before?.id ?? 0;
  state.activeLockOwner = before?.owner;
  forgetNonOwningReferences(env);
}

/** The lock beside a list head or tree root is held; `otherwise` is the kernel's sentence where it is not (check_reg_allocation_locked). */
export function checkOwnLockHeld(env: VerifierEnvironment, register: Register, otherwise: string): void {
  const owner = lockOwner(register);
  const { state } = env;
  if (state.activeLocks === 0) throw env.reject('lock', 'EINVAL', otherwise);
  const held = state.references.some((reference) => isLock(reference) && reference.id === register.id && reference.owner === owner);
  if (!held) throw env.reject('lock', 'EINVAL', ['held lock and object are not in the same allocation', otherwise]);
}

/** Kfuncs that may be called with a lock held: those of lists, trees, numeric iterators, resilient locks, arenas and streams. */
const ALLOWED_UNDER_LOCK = new Set([
  'bpf_list_push_front_impl',
  'bpf_list_push_back_impl',
  'bpf_list_pop_front',
  'bpf_list_pop_back',
  'bpf_list_front',
  'bpf_list_back',
  'bpf_rbtree_remove',
  'bpf_rbtree_add_impl',
  'bpf_rbtree_first',
  'bpf_rbtree_root',
  'bpf_rbtree_left',
  'bpf_rbtree_right',
  'bpf_refcount_acquire_impl',
  'bpf_iter_num_new',
  'bpf_iter_num_next',
  'bpf_iter_num_destroy',
  'bpf_res_spin_lock',
  'bpf_res_spin_unlock',
  'bpf_res_spin_lock_irqsave',
  'bpf_res_spin_unlock_irqrestore',
  'bpf_arena_alloc_pages',
  'bpf_arena_free_pages',
  'bpf_arena_reserve_pages',
  'bpf_stream_vprintk_impl',
]);

const BPF_FUNC_spin_unlock = 94;

/** Helpers and kfuncs that may not be called with a spin lock held; everything but a few may not. */
export function checkCallUnderLock(env: VerifierEnvironment, insn: Insn): void {
  if (env.state.activeLocks === 0) return;
  // Functions of the program itself are walked into; older kernels refuse them here.
  const name = env.program.kfuncs[insn.imm];
  const allowed =
    insn.src === BPF_PSEUDO_KFUNC_CALL ? name !== undefined && ALLOWED_UNDER_LOCK.has(name) : insn.imm === BPF_FUNC_spin_unlock;
  if (!allowed) throw env.reject('helper-context', 'EINVAL', 'function calls are not allowed while holding a lock');
}
