// A dynptr argument of a helper or kfunc: made by the call, or one that was made before (process_dynptr_func).

import { dynptrsProtected } from '../target/kernel-rules.ts';
import { accessMemory } from '../memory/check-memory.ts';
import { refusedWith, type VerifierEnvironment } from '../state/environment.ts';
import { CONST_PTR_TO_DYNPTR, type DynptrKind, PTR_TO_STACK } from '../state/registers.ts';
import { dynptrAt, DYNPTR_SLOTS, makeDynptr, objectSlot, readDynptr } from './stack-objects.ts';

export interface DynptrUse {
  /** The call makes it. */
  readonly uninit: boolean;
  /** The call leaves the dynptr itself as it is; a dynptr that a callback was given will do. */
  readonly readonly: boolean;
  /** Which kind; undefined for any. */
  readonly kind: DynptrKind | undefined;
  /** Reference that a copy shares with its original. */
  readonly cloneOf: number;
}

const KIND_NAMES: Readonly<Record<DynptrKind, string>> = {
  invalid: '<unknown>',
  local: 'local',
  ringbuf: 'ringbuf',
  skb: 'skb',
  xdp: 'xdp',
  skb_meta: 'skb_meta',
  file: 'file',
};

export function checkProcessedDynptr(env: VerifierEnvironment, regno: number, insn: number, use: DynptrUse): void {
  const register = env.register(regno);
  const details = { register: regno };
  if (register.type !== PTR_TO_STACK && register.type !== CONST_PTR_TO_DYNPTR) {
    throw env.reject('dynptr', 'EINVAL', `arg#${regno - 1} expected pointer to stack or const struct bpf_dynptr`, details);
  }
  if (use.uninit) {
    if (register.type === CONST_PTR_TO_DYNPTR) throw env.reject('dynptr', 'EINVAL', 'Dynptr has to be an uninitialized dynptr', details);
    // The place is looked at first: its words come before those about what it holds.
    refusedWith(env, 'Dynptr has to be an uninitialized dynptr', () => objectSlot(env, register, 'dynptr', DYNPTR_SLOTS));
    if (!dynptrsProtected(env.kernel) && dynptrAt(env, register))
      throw env.reject('dynptr', 'EINVAL', 'Dynptr has to be an uninitialized dynptr', details);
    for (let at = 0; at < 16; at += 8) accessMemory(env, regno, at, { write: true, size: 8, value: -1 });
    makeDynptr(env, register, use.kind ?? 'local', insn, use.cloneOf);
    return;
  }
  if (register.type === CONST_PTR_TO_DYNPTR && !use.readonly) {
    throw env.reject('dynptr', 'EINVAL', 'cannot pass pointer to const bpf_dynptr, the helper mutates it', details);
  }
  const needed = `Expected an initialized dynptr as arg #${regno - 1}`;
  const dynptr = refusedWith(env, needed, () => dynptrAt(env, register));
  if (!dynptr) throw env.reject('dynptr', 'EINVAL', needed, details);
  if (use.kind !== undefined && dynptr.dynptr !== use.kind) {
    throw env.reject('dynptr', 'EINVAL', `Expected a dynptr of type ${KIND_NAMES[use.kind]} as arg #${regno - 1}`, details);
  }
  readDynptr(env, register);
}
