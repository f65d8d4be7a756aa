// Loads and stores: whether the access is inside the object that the pointer points to, and what a load gives.
// The stack is in check-stack.ts, the context in check-context.ts, kernel objects in check-btf-access.ts.

import { asS64 } from '#core/bytes';
import { byteCount } from '../explain/byte-words.ts';
import { rangeOf } from '../explain/causes.ts';
import { checkBtfAccess, checkMapPointerAccess } from './check-btf-access.ts';
import { checkContextAccess } from './check-context.ts';
import { checkKptrAccess } from '../objects/check-kptr.ts';
import { checkSocketAccess } from './check-socket.ts';
import { checkStackBounds, readStackFixed, readStackVariable, writeStackFixed, writeStackVariable } from './check-stack.ts';
import type { RejectionDetails, VerifierEnvironment } from '../state/environment.ts';
import { constant, isAligned, isConstant, isZero, signExtend, truncate } from '../numbers/scalar.ts';
import { formatTnum } from '../numbers/tnum.ts';
import {
  baseType,
  CONST_PTR_TO_MAP,
  isPacketPointer,
  isSocketPointer,
  mayBeNull,
  MAX_VARIABLE_OFFSET,
  MEM_RDONLY,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_TO_TP_BUFFER,
  type Register,
  SCALAR_VALUE,
  scalarRegister,
  typeName,
  unknownRegister,
} from '../state/registers.ts';
import { specialName } from '../objects/special-fields.ts';
import { noteRecordWrite } from '../explain/warnings.ts';

const S64_MIN = -(1n << 63n);
const FLOW_KEYS_SIZE = 56;

export interface MemoryAccess {
  readonly write: boolean;
  readonly size: 1 | 2 | 4 | 8;
  /** Register loaded or stored; -1 where none is (an immediate, or only checking). */
  readonly value: number;
  readonly signExtends?: boolean;
  /** Asks for natural alignment whatever the program's flags say (atomics). */
  readonly aligned?: boolean;
}

/** One load or store at `off` from the register. Changes the state: the loaded register, or the stack. */
export function accessMemory(env: VerifierEnvironment, regno: number, insnOff: number, access: MemoryAccess): void {
  const register = env.register(regno);
  const { size, write, value } = access;
  checkAlignment(env, register, insnOff, size, access.aligned === true);
  const off = insnOff + register.off;
  const { type } = register;
  const base = baseType(type);
  const load = !write && value >= 0;
  const setUnknown = (): void => {
    if (load) env.setRegister(value, unknownRegister());
  };
  if (type === PTR_TO_MAP_KEY) {
    if (write) throw env.reject('write-forbidden', 'EACCES', `write to change key R${regno} not allowed`, { register: regno });
    checkRegion(env, regno, off, size, register.map!.keySize, false);
    setUnknown();
  } else if (type === PTR_TO_MAP_VALUE) {
    accessMapValue(env, regno, off, access);
  } else if (base === PTR_TO_MEM) {
    if (mayBeNull(type)) throw nullAccess(env, regno);
    const readOnly = (type & MEM_RDONLY) !== 0;
    if (write && readOnly)
      throw env.reject('write-forbidden', 'EACCES', `R${regno} cannot write into ${typeName(type)}`, { register: regno });
    if ((type & UNTRUSTED_MEMORY) === UNTRUSTED_MEMORY) {
      // Reads of such memory are made safe by the kernel: any offset may fault and gives zero.
      setUnknown();
    } else {
      checkRegion(env, regno, off, size, register.memSize, false);
      if (write) noteRecordWrite(env, register, off, size);
      if (value >= 0 && (!write || readOnly)) env.setRegister(value, unknownRegister());
    }
  } else if (type === PTR_TO_CTX) {
    checkContextAccess(env, regno, insnOff, access);
  } else if (type === PTR_TO_STACK) {
    accessStack(env, regno, off, access);
  } else if (isPacketPointer(type)) {
    if (write && !mayAccessPacket(env, true))
      throw env.reject('write-forbidden', 'EACCES', 'cannot write into packet', { register: regno });
    checkPacket(env, regno, off, size, false);
    if (!write || env.programType) env.seenDirectWrite ||= write;
    setUnknown();
  } else if (type === PTR_TO_FLOW_KEYS) {
    if (off < 0 || off + size > FLOW_KEYS_SIZE)
      throw env.reject('mem-bounds', 'EACCES', `invalid access to flow keys off=${off} size=${size}`, { register: regno });
    setUnknown();
  } else if (isSocketPointer(type)) {
    if (write) throw env.reject('write-forbidden', 'EACCES', `R${regno} cannot write into ${typeName(type)}`, { register: regno });
    checkSocketAccess(env, regno, off, size);
    setUnknown();
  } else if (type === PTR_TO_TP_BUFFER) {
    checkBuffer(env, 'tracepoint', register, regno, off, size);
    setUnknown();
  } else if (base === PTR_TO_BTF_ID && !mayBeNull(type)) {
    checkBtfAccess(env, regno, off, access);
  } else if (type === CONST_PTR_TO_MAP) {
    checkMapPointerAccess(env, regno, off, access);
  } else if (base === PTR_TO_BUF && !mayBeNull(type)) {
    const readOnly = (type & MEM_RDONLY) !== 0;
    if (write && readOnly)
      throw env.reject('write-forbidden', 'EACCES', `R${regno} cannot write into ${typeName(type)}`, { register: regno });
    checkBuffer(env, readOnly ? 'rdonly' : 'rdwr', register, regno, off, size);
    if (value >= 0 && (!write || readOnly)) env.setRegister(value, unknownRegister());
  } else if (type === PTR_TO_ARENA) {
    setUnknown();
  } else {
    throw nullAccess(env, regno);
  }
  if (load && size < 8) {
    const result = env.register(value);
    if (result.type === SCALAR_VALUE) {
      const scalar = access.signExtends ? signExtend(result.scalar, size) : truncate(result.scalar, size);
      if (scalar !== result.scalar) env.setRegister(value, result.with({ scalar }));
    }
  }
}

/** Memory got with bpf_rdonly_cast() to void: readable anywhere. */
const UNTRUSTED_MEMORY = MEM_RDONLY | 0x2000;

/** The access is through something that cannot be dereferenced: a number, NULL perhaps, or an opaque pointer. */
function nullAccess(env: VerifierEnvironment, regno: number) {
  const register = env.register(regno);
  const name = typeName(register.type);
  const message = `R${regno} invalid mem access '${name}'`;
  if (register.type === SCALAR_VALUE) {
    const isNull = isZero(register.scalar);
    return env.reject('scalar-dereference', 'EACCES', message, {
      register: regno,
      ...(isNull && { explanation: 'The pointer is NULL on this path.' }),
      needed: 'a pointer to memory',
      known: isNull ? 'NULL' : `a number in ${rangeOf(register)}`,
    });
  }
  const nullable = mayBeNull(register.type);
  return env.reject(nullable ? 'null-dereference' : 'invalid-mem-access', 'EACCES', message, {
    register: regno,
    needed: nullable ? 'a pointer that is not NULL' : 'a pointer to memory',
    known: nullable ? 'the pointer may be NULL: nothing has compared it with NULL on this path' : `a ${name} pointer`,
  });
}

/** Alignment is asked for with BPF_F_STRICT_ALIGNMENT, and by atomics. */
export function checkAlignment(env: VerifierEnvironment, register: Register, off: number, size: number, once: boolean): void {
  const strict = env.strictAlignment || once;
  const { type } = register;
  if (type === PTR_TO_PACKET || type === PTR_TO_PACKET_META) {
    if (!strict || size === 1) return;
    // Packets start two bytes off a word, so that the IP header is aligned.
    if (!isAligned(register.scalar, 2 + register.off + off, size)) {
      throw env.reject(
        'misaligned',
        'EACCES',
        `misaligned packet access off 2+${formatTnum(register.scalar)}+${register.off}+${off} size ${size}`,
      );
    }
    return;
  }
  let what = '';
  // Stack accesses must always be aligned.
  let mustAlign = strict;
  switch (type) {
    case PTR_TO_FLOW_KEYS:
      what = 'flow keys ';
      break;
    case PTR_TO_MAP_KEY:
      what = 'key ';
      break;
    case PTR_TO_MAP_VALUE:
      what = 'value ';
      if (isReadOnlyInsnArray(register)) mustAlign = true;
      break;
    case PTR_TO_CTX:
      what = 'context ';
      break;
    case PTR_TO_STACK:
      what = 'stack ';
      mustAlign = true;
      break;
    case 11:
      what = 'sock ';
      break;
    case 12:
      what = 'sock_common ';
      break;
    case 13:
      what = 'tcp_sock ';
      break;
    case 15:
      what = 'xdp_sock ';
      break;
    case PTR_TO_ARENA:
      return;
    default:
  }
  if (!mustAlign || size === 1) return;
  if (!isAligned(register.scalar, register.off + off, size)) {
    throw env.reject(
      'misaligned',
      'EACCES',
      `misaligned ${what}access off ${formatTnum(register.scalar)}+${register.off}+${off} size ${size}`,
      {
        needed: `a multiple of ${size}`,
        known: `offset ${register.off + off}`,
      },
    );
  }
}

const isReadOnlyInsnArray = (register: Register): boolean => register.map?.type === 'insn_array';

/** [off, off + size) lies in [0, total); `off` is known. Gives the kernel's line where not. */
export function regionProblem(
  env: VerifierEnvironment,
  regno: number,
  off: bigint,
  size: number,
  total: number,
  zeroSizeAllowed: boolean,
): string | undefined {
  if (off >= 0n && (size > 0 || (size === 0 && zeroSizeAllowed)) && off + BigInt(size) <= BigInt(total >>> 0)) return undefined;
  const register = env.register(regno);
  // The kernel prints the offset as a 32-bit number.
  const shown = Number(BigInt.asIntN(32, off));
  switch (register.type) {
    case PTR_TO_MAP_KEY:
      return `invalid access to map key, key_size=${total} off=${shown} size=${size}`;
    case PTR_TO_MAP_VALUE:
      return `invalid access to map value, value_size=${total} off=${shown} size=${size}`;
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET_END:
      return `invalid access to packet, off=${shown} size=${size}, R${regno}(id=${register.id},off=${shown},r=${total})`;
    default:
      return `invalid access to memory, mem_size=${total >>> 0} off=${shown} size=${size}`;
  }
}

const boundsCode = (register: Register) =>
  register.type === PTR_TO_MAP_VALUE
    ? ('map-value-bounds' as const)
    : register.type === PTR_TO_MAP_KEY
      ? ('map-key-bounds' as const)
      : isPacketPointer(register.type)
        ? ('packet-bounds' as const)
        : ('mem-bounds' as const);

/** The access, at any of the offsets that the register may have, stays inside memory of `total` bytes. */
export function checkRegion(
  env: VerifierEnvironment,
  regno: number,
  off: number,
  size: number,
  total: number,
  zeroSizeAllowed: boolean,
): void {
  const register = env.register(regno);
  const { scalar } = register;
  const smallest = scalar.sminNumber;
  const largest = scalar.umaxNumber;
  // Most accesses are good: they need no exact numbers and no words.
  if (
    smallest + off >= 0 &&
    size > 0 &&
    largest < MAX_VARIABLE_OFFSET &&
    smallest + off + size <= total >>> 0 &&
    largest + off >= 0 &&
    largest + off + size <= total >>> 0
  )
    return;
  const low = scalar.smin + BigInt(off);
  const details = (): RejectionDetails => ({
    register: regno,
    access: { off, size, total: total >>> 0 },
    needed: `0 ≤ offset and offset + ${size} ≤ ${total >>> 0}`,
    known: `offset is ${scalar.mask === 0n ? String(low) : `in [${low}, ${scalar.umax + BigInt(off)}]`}`,
  });
  if (scalar.smin < 0n && (scalar.smin === S64_MIN || low !== BigInt.asIntN(32, low) || low < 0n)) {
    throw env.reject(
      'negative-index',
      'EACCES',
      `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
      details(),
    );
  }
  const lowProblem = regionProblem(env, regno, low, size, total, zeroSizeAllowed);
  if (lowProblem)
    throw env.reject(boundsCode(register), 'EACCES', [lowProblem, `R${regno} min value is outside of the allowed memory range`], details());
  if (largest >= MAX_VARIABLE_OFFSET) {
    throw env.reject(
      'unbounded-index',
      'EACCES',
      `R${regno} unbounded memory access, make sure to bounds check any such access`,
      details(),
    );
  }
  const highProblem = regionProblem(env, regno, scalar.umax + BigInt(off), size, total, zeroSizeAllowed);
  if (highProblem)
    throw env.reject(
      boundsCode(register),
      'EACCES',
      [highProblem, `R${regno} max value is outside of the allowed memory range`],
      details(),
    );
}

/** Map flags allow the direction. */
export function checkMapDirection(env: VerifierEnvironment, regno: number, off: number, size: number, write: boolean): void {
  const map = env.register(regno).map!;
  if (write && !map.programMayWrite) {
    throw env.reject('write-forbidden', 'EACCES', `write into map forbidden, value_size=${map.valueSize} off=${off} size=${size}`, {
      register: regno,
      explanation: `The map ${map.definition.name} is read-only for programs.`,
    });
  }
  if (!write && !map.programMayRead) {
    throw env.reject('read-forbidden', 'EACCES', `read from map forbidden, value_size=${map.valueSize} off=${off} size=${size}`, {
      register: regno,
    });
  }
}

/** Bounds of a map value, and the special fields in it that must not be touched. */
export function checkMapValue(
  env: VerifierEnvironment,
  regno: number,
  off: number,
  size: number,
  zeroSizeAllowed: boolean,
  direct: boolean,
): void {
  const register = env.register(regno);
  const map = register.map!;
  checkRegion(env, regno, off, size, map.valueSize, zeroSizeAllowed);
  for (const field of map.fields?.fields ?? []) {
    const from = register.scalar.sminNumber + off;
    const to = register.scalar.umaxNumber + off + size;
    if (from >= field.offset + field.size || to <= field.offset) continue;
    switch (field.kind) {
      case 'kptr':
      case 'kptr_untrusted':
      case 'percpu_kptr':
      case 'uptr': {
        const fixed = isConstant(register.scalar);
        const at = BigInt(off) + asS64(register.scalar.value);
        const message = !direct
          ? `${specialName(field.kind)} cannot be accessed indirectly by helper`
          : !fixed
            ? `${specialName(field.kind)} access cannot have variable offset`
            : at !== BigInt(field.offset)
              ? `${specialName(field.kind)} access misaligned expected=${field.offset} off=${BigInt.asUintN(64, at)}`
              : size !== 8
                ? `${specialName(field.kind)} access size must be BPF_DW`
                : undefined;
        if (message) throw env.reject('kptr', 'EACCES', message, { register: regno });
        break;
      }
      default:
        throw env.reject('special-field-access', 'EACCES', `${specialName(field.kind)} cannot be accessed directly by load/store`, {
          register: regno,
          explanation: `The bytes belong to a ${specialName(field.kind)} at offset ${field.offset} of the value.`,
        });
    }
  }
}

function accessMapValue(env: VerifierEnvironment, regno: number, off: number, access: MemoryAccess): void {
  const register = env.register(regno);
  const map = register.map!;
  const { size, write, value } = access;
  checkMapDirection(env, regno, off, size, write);
  checkMapValue(env, regno, off, size, false, true);
  const fixed = isConstant(register.scalar);
  const at = off + register.scalar.signedValueNumber;
  const kptr = fixed
    ? map.fields?.fields.find(
        (field) =>
          field.offset === at &&
          (field.kind === 'kptr' || field.kind === 'kptr_untrusted' || field.kind === 'percpu_kptr' || field.kind === 'uptr'),
      )
    : undefined;
  if (kptr) {
    checkKptrAccess(env, value, kptr, map.fields!.btf);
    return;
  }
  if (write || value < 0) return;
  const known = fixed && map.frozen ? readConstant(map.frozen, at, size) : undefined;
  if (known !== undefined) {
    env.setRegister(value, scalarRegister(constant(access.signExtends ? BigInt.asIntN(size * 8, known) : known)));
  } else {
    env.setRegister(value, unknownRegister());
  }
}

function readConstant(bytes: Uint8Array, at: number, size: number): bigint | undefined {
  if (at < 0 || at + size > bytes.length) return undefined;
  let result = 0n;
  for (let i = size - 1; i >= 0; i--) result = (result << 8n) | BigInt(bytes[at + i]!);
  return result;
}

function accessStack(env: VerifierEnvironment, regno: number, off: number, access: MemoryAccess): void {
  const register = env.register(regno);
  const { size, write, value } = access;
  checkStackBounds(env, regno, off, size, write ? 'write' : 'read');
  const frame = env.frameOf(register);
  const fixed = isConstant(register.scalar);
  const at = off + register.scalar.signedValueNumber;
  if (write) {
    if (fixed) writeStackFixed(env, frame, at, size, value);
    else writeStackVariable(env, frame, register, off, size, value);
  } else if (fixed) readStackFixed(env, frame, at, size, value);
  else {
    if (value < 0) {
      throw env.reject(
        'stack-bounds',
        'EACCES',
        `variable offset stack pointer cannot be passed into helper function; var_off=${formatTnum(register.scalar)} off=${off} size=${size}`,
      );
    }
    readStackVariable(env, regno, off, size, value);
  }
}

/** Program types that may read packet data through pointers, and those that may also write it. */
export function mayAccessPacket(env: VerifierEnvironment, write: boolean): boolean {
  switch (env.programType) {
    case 'lwt_in':
    case 'lwt_out':
    case 'lwt_seg6local':
    case 'sk_reuseport':
    case 'flow_dissector':
    case 'cgroup_skb':
      return !write;
    case 'sched_cls':
    case 'sched_act':
    case 'xdp':
    case 'lwt_xmit':
    case 'sk_skb':
    case 'sk_msg':
    case 'cgroup_sockopt':
      return true;
    default:
      return false;
  }
}

/** The packet is known to reach that far behind the pointer. */
export function checkPacket(env: VerifierEnvironment, regno: number, off: number, size: number, zeroSizeAllowed: boolean): void {
  const register = env.register(regno);
  const { scalar } = register;
  if (scalar.smin < 0n) {
    throw env.reject(
      'negative-index',
      'EACCES',
      `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
      {
        register: regno,
        needed: 'an offset that is not negative',
        known: `offset is in ${rangeOf(register)}`,
        access: { off, size },
      },
    );
  }
  const outside = `R${regno} offset is outside of the packet`;
  const details = (): RejectionDetails => ({
    register: regno,
    access: { off, size, total: register.range },
    needed: `${byteCount(off + size)} after the pointer's start`,
    known:
      register.range > 0
        ? `${byteCount(register.range)} are known to be there`
        : 'the packet has not been compared with data_end on this path',
  });
  if (register.range < 0) throw env.reject('packet-bounds', 'EINVAL', outside, details());
  const problem = regionProblem(env, regno, BigInt(off), size, register.range, zeroSizeAllowed);
  if (problem) throw env.reject('packet-bounds', 'EACCES', [problem, outside], details());
}

/** Buffers whose size is checked when the program is attached: a constant, non-negative offset is all that is asked. */
export function checkBuffer(env: VerifierEnvironment, what: string, register: Register, regno: number, off: number, size: number): void {
  if (off < 0)
    throw env.reject('negative-index', 'EACCES', `R${regno} invalid ${what} buffer access: off=${off}, size=${size}`, { register: regno });
  if (!isZero(register.scalar)) {
    throw env.reject(
      'pointer-variable-offset',
      'EACCES',
      `R${regno} invalid variable buffer offset: off=${off}, var_off=${formatTnum(register.scalar)}`,
      { register: regno },
    );
  }
}

/** A pointer whose offset must be known, or zero. */
export function checkPointerOffset(env: VerifierEnvironment, register: Register, regno: number, fixedOffsetAllowed: boolean): void {
  const name = typeName(register.type);
  if (register.off < 0) {
    throw env.reject('pointer-variable-offset', 'EACCES', `negative offset ${name} ptr R${regno} off=${register.off} disallowed`, {
      register: regno,
    });
  }
  if (!fixedOffsetAllowed && register.off) {
    throw env.reject('pointer-variable-offset', 'EACCES', `dereference of modified ${name} ptr R${regno} off=${register.off} disallowed`, {
      register: regno,
    });
  }
  if (!isZero(register.scalar)) {
    throw env.reject('pointer-variable-offset', 'EACCES', `variable ${name} access var_off=${formatTnum(register.scalar)} disallowed`, {
      register: regno,
    });
  }
}
