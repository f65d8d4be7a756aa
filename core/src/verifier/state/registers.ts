// What a register can be: its type with modifiers, and everything the verifier tracks beside the number in it.
// Registers are never changed once they are in a frame: a change makes a new one, so that states share them.

import type { Btf } from '#core/btf';
import { type Scalar, UNKNOWN, ZERO } from '../numbers/scalar.ts';
import type { VerifierMap } from '../objects/maps.ts';

// Base types (enum bpf_reg_type).
export const NOT_INIT = 0;
export const SCALAR_VALUE = 1;
export const PTR_TO_CTX = 2;
export const CONST_PTR_TO_MAP = 3;
export const PTR_TO_MAP_VALUE = 4;
export const PTR_TO_MAP_KEY = 5;
export const PTR_TO_STACK = 6;
export const PTR_TO_PACKET_META = 7;
export const PTR_TO_PACKET = 8;
export const PTR_TO_PACKET_END = 9;
export const PTR_TO_FLOW_KEYS = 10;
export const PTR_TO_SOCKET = 11;
export const PTR_TO_SOCK_COMMON = 12;
export const PTR_TO_TCP_SOCK = 13;
export const PTR_TO_TP_BUFFER = 14;
export const PTR_TO_XDP_SOCK = 15;
export const PTR_TO_BTF_ID = 16;
export const PTR_TO_MEM = 17;
export const PTR_TO_ARENA = 18;
export const PTR_TO_BUF = 19;
export const PTR_TO_FUNC = 20;
export const CONST_PTR_TO_DYNPTR = 21;

/** The base type's bits. */
export const BASE_MASK = 0xff;
// Modifiers (enum bpf_type_flag).
export const PTR_MAYBE_NULL = 0x100;
export const MEM_RDONLY = 0x200;
export const MEM_RINGBUF = 0x400;
export const MEM_USER = 0x800;
export const MEM_PERCPU = 0x1000;
export const PTR_UNTRUSTED = 0x2000;
export const MEM_ALLOC = 0x4000;
export const PTR_TRUSTED = 0x8000;
export const MEM_RCU = 0x1_0000;
export const NON_OWN_REF = 0x2_0000;
/** Memory behind a dynptr slice: which kind decides when it goes stale. */
export const DYNPTR_TYPE_SKB = 0x4_0000;
export const DYNPTR_TYPE_XDP = 0x8_0000;

export const baseType = (type: number): number => type & BASE_MASK;
export const typeFlags = (type: number): number => type & ~BASE_MASK;
export const mayBeNull = (type: number): boolean => (type & PTR_MAYBE_NULL) !== 0;
/** Allocated with bpf_obj_new. */
export const isAllocatedObject = (type: number): boolean => baseType(type) === PTR_TO_BTF_ID && (type & MEM_ALLOC) !== 0;
export const isNonOwningReference = (type: number): boolean => isAllocatedObject(type) && (type & NON_OWN_REF) !== 0;
export const isPacketPointer = (type: number): boolean => type === PTR_TO_PACKET || type === PTR_TO_PACKET_META;
export const isPacketPointerOrEnd = (type: number): boolean => isPacketPointer(type) || type === PTR_TO_PACKET_END;
export const isSocketPointer = (type: number): boolean =>
  type === PTR_TO_SOCKET || type === PTR_TO_SOCK_COMMON || type === PTR_TO_TCP_SOCK || type === PTR_TO_XDP_SOCK;

const BASE_NAMES = [
  '?',
  'scalar',
  'ctx',
  'map_ptr',
  'map_value',
  'map_key',
  'fp',
  'pkt_meta',
  'pkt',
  'pkt_end',
  'flow_keys',
  'sock',
  'sock_common',
  'tcp_sock',
  'tp_buffer',
  'xdp_sock',
  'ptr_',
  'mem',
  'arena',
  'buf',
  'func',
  'dynptr_ptr',
] as const;

/** The type as the log and the messages name it. */
export function typeName(type: number): string {
  const base = baseType(type);
  const postfix = mayBeNull(type) ? (base === PTR_TO_BTF_ID ? 'or_null_' : '_or_null') : '';
  return (
    (type & MEM_RDONLY ? 'rdonly_' : '') +
    (type & MEM_RINGBUF ? 'ringbuf_' : '') +
    (type & MEM_USER ? 'user_' : '') +
    (type & MEM_PERCPU ? 'percpu_' : '') +
    (type & MEM_RCU ? 'rcu_' : '') +
    (type & PTR_UNTRUSTED ? 'untrusted_' : '') +
    (type & PTR_TRUSTED ? 'trusted_' : '') +
    BASE_NAMES[base]! +
    postfix
  );
}

/** packet.range: the pointer is at the end of the packet, or beyond it. */
export const AT_PKT_END = -1;
export const BEYOND_PKT_END = -2;

export type DynptrKind = 'invalid' | 'local' | 'ringbuf' | 'skb' | 'xdp' | 'skb_meta' | 'file';
export type IteratorState = 'invalid' | 'active' | 'drained';

export class Register {
  type = NOT_INIT;
  /** Fixed part of a pointer's offset; of a scalar with `addConst`, its distance from the scalar it is linked to. */
  off = 0;
  /** The number, or the variable part of the offset. */
  scalar: Scalar = ZERO;
  /** Links equal scalars, pointers that share a variable offset, and pointers checked for NULL together. */
  id = 0;
  /** The scalar is its link's value plus `off`, added with this many bits; 0 when it is the value itself. */
  addConst: 0 | 32 | 64 = 0;
  /** The reference this pointer belongs to. */
  refObjId = 0;
  /** Frame of a stack pointer. */
  frame = 0;
  /** Map of map_ptr, map_value and map_key. */
  map: VerifierMap | undefined = undefined;
  /** Which lookup of an inner map gave this map; 0 for a map known to the program. */
  mapUid = 0;
  /** Bytes of the packet known to be there, from the packet pointer with this id; or AT_PKT_END, BEYOND_PKT_END. */
  range = 0;
  memSize = 0;
  btf: Btf | undefined = undefined;
  btfId = 0;
  subprogram = 0;
  dynptr: DynptrKind = 'invalid';
  /** A dynptr takes two slots; this is the one nearer the frame pointer. */
  dynptrFirstSlot = false;
  /** Memory of a slice: the dynptr's id. */
  dynptrId = 0;
  iterator: IteratorState = 'invalid';
  iteratorDepth = 0;
  /** The interrupt state saved in a stack slot: which family of kfuncs made it. */
  irqClass = 0;

  copy(): Register {
    const copy = new Register();
    copy.type = this.type;
    copy.off = this.off;
    copy.scalar = this.scalar;
    copy.id = this.id;
    copy.addConst = this.addConst;
    copy.refObjId = this.refObjId;
    copy.frame = this.frame;
    copy.map = this.map;
    copy.mapUid = this.mapUid;
    copy.range = this.range;
    copy.memSize = this.memSize;
    copy.btf = this.btf;
    copy.btfId = this.btfId;
    copy.subprogram = this.subprogram;
    copy.dynptr = this.dynptr;
    copy.dynptrFirstSlot = this.dynptrFirstSlot;
    copy.dynptrId = this.dynptrId;
    copy.iterator = this.iterator;
    copy.iteratorDepth = this.iteratorDepth;
    copy.irqClass = this.irqClass;
    return copy;
  }

  /** A copy with some fields changed. */
  with(changes: Partial<Omit<Register, 'copy' | 'with'>>): Register {
    return Object.assign(this.copy(), changes);
  }
}

export const UNINITIALISED = new Register();

export function scalarRegister(scalar: Scalar): Register {
  const register = new Register();
  register.type = SCALAR_VALUE;
  register.scalar = scalar;
  return register;
}

export const unknownRegister = (): Register => scalarRegister(UNKNOWN);

/** A pointer of this type at offset 0. */
export function pointerRegister(type: number, changes: Partial<Omit<Register, 'copy' | 'with'>> = {}): Register {
  const register = new Register();
  register.type = type;
  return Object.assign(register, changes);
}

/** Whether the fields that only some types have are the same. */
export function sameObject(a: Register, b: Register): boolean {
  return (
    a.map === b.map &&
    a.mapUid === b.mapUid &&
    a.range === b.range &&
    a.memSize === b.memSize &&
    a.btf === b.btf &&
    a.btfId === b.btfId &&
    a.subprogram === b.subprogram &&
    a.dynptr === b.dynptr &&
    a.dynptrFirstSlot === b.dynptrFirstSlot &&
    a.dynptrId === b.dynptrId &&
    a.iterator === b.iterator &&
    a.irqClass === b.irqClass
  );
}

/** Offsets of this size or more can wrap an address around (BPF_MAX_VAR_OFF). */
export const MAX_VARIABLE_OFFSET = 1 << 29;

/** Which pointers a kernel takes for not NULL (reg_not_null): `usual`, `few` before 6.10, or `bounded` in releases that mended it later. */
export type NotNullRule = 'few' | 'usual' | 'bounded';

/** Points to something for sure: comparing such a pointer with NULL is decided. */
export function isNotNull(register: Register, rule: NotNullRule): boolean {
  if (mayBeNull(register.type)) return false;
  if (rule === 'few' && typeFlags(register.type) !== 0) return false;
  if (rule === 'bounded' && (register.scalar.sminNumber <= -MAX_VARIABLE_OFFSET || register.scalar.smaxNumber >= MAX_VARIABLE_OFFSET))
    return false;
  switch (baseType(register.type)) {
    case PTR_TO_SOCKET:
    case PTR_TO_TCP_SOCK:
    case PTR_TO_MAP_VALUE:
    case PTR_TO_MAP_KEY:
    case PTR_TO_SOCK_COMMON:
      return true;
    case PTR_TO_XDP_SOCK:
    case PTR_TO_BUF:
      return rule === 'bounded';
    case CONST_PTR_TO_MAP:
      return rule !== 'few';
    case PTR_TO_MEM:
      // Memory of which only the address is known may be anything, NULL too.
      return rule !== 'few' && (register.type & PTR_UNTRUSTED) === 0;
    case PTR_TO_BTF_ID:
      return rule !== 'few' && isTrusted(register);
    default:
      return false;
  }
}

const UNSAFE = ~(BASE_MASK | PTR_TRUSTED | MEM_ALLOC | NON_OWN_REF);

/** A pointer to a kernel object that is known to be alive. */
export function isTrusted(register: Register): boolean {
  if (register.refObjId !== 0) return true;
  switch (baseType(register.type)) {
    case PTR_TO_SOCKET:
    case PTR_TO_SOCK_COMMON:
    case PTR_TO_TCP_SOCK:
    case CONST_PTR_TO_MAP:
      if ((register.type & UNSAFE) === 0) return true;
  }
  return (register.type & (PTR_TRUSTED | MEM_ALLOC | NON_OWN_REF)) !== 0 && (register.type & UNSAFE) === 0;
}

export const isRcu = (register: Register): boolean => (register.type & MEM_RCU) !== 0;
