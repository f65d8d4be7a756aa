// Where a pointer that is passed on may point to: at its object's start, at a fixed offset, or anywhere.

import { checkPointerOffset } from '../memory/check-memory.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import {
  baseType,
  CONST_PTR_TO_DYNPTR,
  MEM_ALLOC,
  MEM_RCU,
  MEM_RDONLY,
  MEM_RINGBUF,
  NON_OWN_REF,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_TRUSTED,
  type Register,
  SCALAR_VALUE,
} from '../state/registers.ts';

/** The fixed and the known variable part together. */
export const knownOffset = (register: Register): number => register.off + register.scalar.signedValueNumber;

/** What an argument is, as far as its offset matters. */
export interface OffsetUse {
  readonly release: boolean;
  readonly dynptr: boolean;
}

/** Memory may be passed at any offset, BTF pointers at a fixed one, everything else unmodified (check_func_arg_reg_off). */
export function checkArgumentOffset(env: VerifierEnvironment, register: Register, regno: number, use: OffsetUse): void {
  const { type } = register;
  if (use.release) {
    // The slot of a dynptr on the stack is looked at by its own check.
    if (use.dynptr && type === PTR_TO_STACK) return;
    if (register.off !== 0) {
      throw env.reject(
        'pointer-variable-offset',
        'EINVAL',
        `R${regno} must have zero offset when passed to release func or trusted arg to kfunc`,
        { register: regno },
      );
    }
    checkPointerOffset(env, register, regno, false);
    return;
  }
  switch (type) {
    case PTR_TO_STACK:
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
    case PTR_TO_MAP_KEY:
    case PTR_TO_MAP_VALUE:
    case PTR_TO_MEM:
    case PTR_TO_MEM | MEM_RDONLY:
    case PTR_TO_MEM | MEM_RINGBUF:
    case PTR_TO_BUF:
    case PTR_TO_BUF | MEM_RDONLY:
    case PTR_TO_ARENA:
    case SCALAR_VALUE:
      return;
    case PTR_TO_BTF_ID:
    case PTR_TO_BTF_ID | MEM_ALLOC:
    case PTR_TO_BTF_ID | PTR_TRUSTED:
    case PTR_TO_BTF_ID | MEM_RCU:
    case PTR_TO_BTF_ID | MEM_ALLOC | NON_OWN_REF:
    case PTR_TO_BTF_ID | MEM_ALLOC | NON_OWN_REF | MEM_RCU:
      checkPointerOffset(env, register, regno, true);
      return;
    case CONST_PTR_TO_DYNPTR:
      checkPointerOffset(env, register, regno, false);
      return;
    default:
      // Sizes behind slices carry a flag of their own; the memory is as free to point into as any.
      if (
        baseType(type) === PTR_TO_MEM &&
        (type & ~(MEM_RDONLY | MEM_RINGBUF)) !== PTR_TO_MEM &&
        (type & 0xc_0000) !== 0 &&
        (type & 0x100) === 0
      )
        return;
      checkPointerOffset(env, register, regno, false);
  }
}
