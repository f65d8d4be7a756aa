// Memory that is handed to a helper or kfunc: is all of it there, may it be read or written, is it initialised.

import { asS64 } from '#core/bytes';
import { refusedWith, type VerifierEnvironment } from '../state/environment.ts';
import { checkStackRange, isNull } from '../memory/check-stack.ts';
import { checkBtfAccess } from '../memory/check-btf-access.ts';
import { accessMemory, checkBuffer, checkMapDirection, checkMapValue, checkPacket, checkRegion } from '../memory/check-memory.ts';
import { markPrecise } from '../flow/precision.ts';
import {
  baseType,
  MEM_RDONLY,
  mayBeNull,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  type Register,
  typeName,
} from '../state/registers.ts';
import { noteRecordWrite } from '../explain/warnings.ts';

export type Direction = 'read' | 'write';

/** Told by checkStackRange when the helper is to fill stack memory: it is written byte by byte after the arguments are checked. */
export interface RawMemory {
  size: number;
  register: number;
}

const MAX_SIZE = 1n << 29n;

/** Program types whose context is used as it is (no convert_ctx_access). */
const PLAIN_CONTEXTS = new Set([
  'kprobe',
  'tracepoint',
  'raw_tracepoint',
  'raw_tracepoint_writable',
  'tracing',
  'lsm',
  'struct_ops',
  'syscall',
  'lirc_mode2',
  'netfilter',
  'cgroup_device',
]);

/** All `size` bytes behind the pointer in `regno` may be read, or written, by a helper (check_helper_mem_access). */
export function checkHelperMemory(
  env: VerifierEnvironment,
  regno: number,
  size: number,
  direction: Direction,
  zeroAllowed: boolean,
  raw?: RawMemory,
): void {
  const register = env.register(regno);
  const readonly = (): void => {
    if (direction === 'write')
      throw env.reject('write-forbidden', 'EACCES', `R${regno} cannot write into ${typeName(register.type)}`, { register: regno });
  };
  switch (baseType(register.type)) {
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
      if (mayBeNull(register.type)) break;
      checkPacket(env, regno, register.off, size, zeroAllowed);
      return;
    case PTR_TO_MAP_KEY:
      readonly();
      checkRegion(env, regno, register.off, size, register.map!.keySize, false);
      return;
    case PTR_TO_MAP_VALUE:
      checkMapDirection(env, regno, register.off, size, direction === 'write');
      checkMapValue(env, regno, register.off, size, zeroAllowed, false);
      return;
    case PTR_TO_MEM:
      if ((register.type & MEM_RDONLY) !== 0) readonly();
      checkRegion(env, regno, register.off, size, register.memSize, zeroAllowed);
      if (direction === 'write') noteRecordWrite(env, register, register.off, size);
      return;
    case PTR_TO_BUF:
      if ((register.type & MEM_RDONLY) !== 0) readonly();
      checkBuffer(env, (register.type & MEM_RDONLY) !== 0 ? 'rdonly' : 'rdwr', register, regno, register.off, size);
      return;
    case PTR_TO_STACK:
      checkStackRange(env, regno, register.off, size, {
        access: direction === 'write' ? 'helper-write' : 'helper-read',
        zeroSizeAllowed: zeroAllowed,
        raw,
      });
      return;
    case PTR_TO_BTF_ID:
      checkBtfAccess(env, regno, register.off, { write: false, size: size as 1, value: -1 });
      return;
    case PTR_TO_CTX:
      // A context that the kernel does not rewrite is the memory that it looks like.
      if (!PLAIN_CONTEXTS.has(env.programType)) break;
      if (size === 0) {
        if (zeroAllowed) return;
        throw env.reject('helper-argument-size', 'EACCES', 'invalid zero-sized read', { register: regno });
      }
      accessMemory(env, regno, size - 1, { write: direction === 'write', size: 1, value: -1 });
      return;
  }
  // Nothing at all may be read from NULL.
  if (zeroAllowed && size === 0 && isNull(register)) return;
  throw env.reject('helper-argument', 'EACCES', `R${regno} type=${typeName(register.type)} expected=${typeName(PTR_TO_STACK)}`, {
    register: regno,
  });
}

export interface SizeAnswer {
  /** Largest size the register can hold. */
  readonly max: bigint;
}

/** The size in `regno` fits the memory that the register before it points to (check_mem_size_reg). */
export function checkMemorySize(
  env: VerifierEnvironment,
  regno: number,
  direction: Direction,
  zeroAllowed: boolean,
  raw?: RawMemory,
): SizeAnswer {
  const { scalar } = env.register(regno);
  // With a size that is not known nobody can say how much the helper fills: the memory must be initialised.
  const fill = scalar.mask === 0n ? raw : undefined;
  if (scalar.smin < 0n) {
    throw env.reject('helper-argument-size', 'EACCES', `R${regno} min value is negative, either use unsigned or 'var &= const'`, {
      register: regno,
      needed: 'a size of 0 or more',
      known: `the size is in [${scalar.smin}, ${scalar.smax}]`,
    });
  }
  if (scalar.umin === 0n && !zeroAllowed) {
    throw env.reject(
      'helper-argument-size',
      'EACCES',
      `R${regno} invalid zero-sized read: u64=[${asS64(scalar.umin)},${asS64(scalar.umax)}]`,
      {
        register: regno,
        needed: 'a size of 1 or more',
        known: `the size is in [${scalar.umin}, ${scalar.umax}]`,
      },
    );
  }
  if (scalar.umax >= MAX_SIZE) {
    throw env.reject('helper-argument-size', 'EACCES', `R${regno} unbounded memory access, use 'var &= const' or 'if (var < const)'`, {
      register: regno,
      needed: 'a size with an upper bound',
      known: `the size is in [${scalar.umin}, ${scalar.umax}]`,
    });
  }
  checkHelperMemory(env, regno - 1, Number(scalar.umax), direction, zeroAllowed, fill);
  markPrecise(env, regno);
  return { max: scalar.umax };
}

/** `size` bytes behind the pointer may be both read and written; NULL will do where the register may be NULL (check_mem_reg). */
export function checkSharedMemory(env: VerifierEnvironment, regno: number, size: number): void {
  const register = env.register(regno);
  if (isNull(register)) return;
  asNotNull(env, regno, register, () => {
    checkHelperMemory(env, regno, size, 'read', true);
    checkHelperMemory(env, regno, size, 'write', true);
  });
}

/** As checkSharedMemory, with the size in `regno` and the memory in the register before it; `otherwise` ends the kernel's words (check_kfunc_mem_size_reg). */
export function checkSharedMemorySize(env: VerifierEnvironment, regno: number, otherwise: string): void {
  const pointer = env.register(regno - 1);
  refusedWith(env, otherwise, () =>
    asNotNull(env, regno - 1, pointer, () => {
      checkMemorySize(env, regno, 'read', true);
      checkMemorySize(env, regno, 'write', true);
    }),
  );
}

/** A pointer that may be NULL is looked at as if it were not; whoever is called checks for NULL. */
function asNotNull(env: VerifierEnvironment, regno: number, register: Register, check: () => void): void {
  if (!mayBeNull(register.type)) {
    check();
    return;
  }
  env.replaceRegister(regno, register.with({ type: register.type & ~PTR_MAYBE_NULL }));
  check();
  env.replaceRegister(regno, register);
}
