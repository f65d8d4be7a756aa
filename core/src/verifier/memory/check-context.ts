// Accesses to the context (r1 at the start): catalog tables per program and attach type say what is there.
// Contexts that follow the attach target's BTF are in context-from-btf.ts.

import { atLeast, contextFieldAt, contextFieldSince, contextRead, contextRow, contextStructOf, contextWrite, lsmHook } from '#core/catalog';
import { makeUnknown, settle } from '../numbers/scalar.ts';
import { hooksReturnErrno } from '../target/kernel-rules.ts';
import { type ContextField, contextFromBtf } from './context-from-btf.ts';
import { checkPointerOffset, type MemoryAccess } from './check-memory.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import {
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_FLOW_KEYS,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_TP_BUFFER,
  PTR_TRUSTED,
  pointerRegister,
  type Register,
  scalarRegister,
  unknownRegister,
  mayBeNull,
} from '../state/registers.ts';
import { formatLine } from '../state/source-lines.ts';

export function checkContextAccess(env: VerifierEnvironment, regno: number, off: number, access: MemoryAccess): void {
  const register = env.register(regno);
  checkPointerOffset(env, register, regno, false);
  const load = (type: number, struct?: string): void => {
    if (access.write || access.value < 0) return;
    if (type === 0) {
      env.setRegister(access.value, unknownRegister());
      return;
    }
    const pointer = pointerRegister(type, { id: mayBeNull(type) ? env.newId() : 0 });
    if (struct !== undefined) {
      pointer.btf = env.options.kernelBtf;
      pointer.btfId = env.options.kernelBtf?.find(struct, 'struct') ?? 0;
    }
    env.setRegister(access.value, pointer);
  };
  const fromBtf = contextFromBtf(env, off, access);
  if (fromBtf) {
    if (!access.write && access.value >= 0) {
      env.setRegister(
        access.value,
        fromBtf.type === 0
          ? (hookResult(env, fromBtf) ?? unknownRegister())
          : pointerRegister(fromBtf.type, { ...fromBtf, id: mayBeNull(fromBtf.type) ? env.newId() : 0 }),
      );
    }
    return;
  }
  const row = contextRow(env.programType, env.attachType);
  if (!row || env.programType === 'tracing' || env.programType === 'lsm' || env.programType === 'struct_ops')
    throw invalid(env, off, access);
  if (isYounger(env, off)) throw invalid(env, off, access);
  if (access.write) {
    if (!contextWrite(row, off, access.size)) throw invalid(env, off, access);
    return;
  }
  const range = contextRead(row, off, access.size);
  // A pointer is never sign-extended.
  if (!range || (access.signExtends && range.gives !== 'scalar')) throw invalid(env, off, access);
  switch (range.gives) {
    case 'scalar':
      return load(0);
    case 'packet':
      return load(PTR_TO_PACKET);
    case 'packet_end':
      return load(PTR_TO_PACKET_END);
    case 'packet_meta':
      return load(PTR_TO_PACKET_META);
    case 'flow_keys':
      return load(PTR_TO_FLOW_KEYS);
    case 'socket':
      return load(PTR_TO_SOCKET);
    case 'socket_or_null':
      return load(PTR_TO_SOCKET | PTR_MAYBE_NULL);
    case 'sock_common_or_null':
      return load(PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL);
    case 'tp_buffer':
      return load(PTR_TO_TP_BUFFER);
    case 'trusted_ptr':
      return load(PTR_TO_BTF_ID | PTR_TRUSTED, range.struct);
  }
}

/** A hook's result so far, as a program sees it behind the hook's arguments, is one that a program could have returned. */
function hookResult(env: VerifierEnvironment, { isReturnValue }: ContextField): Register | undefined {
  if (!isReturnValue || env.attachType !== 'BPF_LSM_MAC' || !hooksReturnErrno(env.kernel)) return undefined;
  const [min, max] = lsmHook(env.program.attachTarget ?? '').returns;
  const scalar = makeUnknown();
  scalar.smin = BigInt((scalar.s32min = min));
  scalar.smax = BigInt((scalar.s32max = max));
  return scalarRegister(settle(scalar));
}

/** A field that the context got after the target kernel. */
function isYounger(env: VerifierEnvironment, off: number): boolean {
  const struct = contextStructOf(env.programType);
  const field = struct && off >= 0 ? contextFieldAt(struct, off) : undefined;
  return field !== undefined && !atLeast(env.kernel, contextFieldSince(struct!.name, field.name));
}

function invalid(env: VerifierEnvironment, off: number, access: MemoryAccess) {
  const struct = contextStructOf(env.programType);
  const field = struct && off >= 0 ? contextFieldAt(struct, off) : undefined;
  const rejection = env.reject('ctx-access', 'EACCES', `invalid bpf_context access off=${off} size=${access.size}`, {
    ...(field && {
      explanation: `A program of type ${env.programType} may not ${access.write ? 'write' : 'read'} ${access.size} bytes at ${struct!.name}.${field.name} (offset ${off}).`,
    }),
  });
  env.log.write(formatLine(env, env.insn, '; '));
  return rejection;
}
