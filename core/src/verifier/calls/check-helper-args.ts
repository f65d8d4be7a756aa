// The arguments of a helper call, register by register: what the helper's prototype asks of each, and what the register holds.
// What the call changes is in call-helper.ts.

import { type ArgumentKind, type ArgumentRule, helperTakesMap, type Helper, type HelperRule, mapType } from '#core/catalog';
import type { Btf } from '#core/btf';
import { checkKptrMatches } from '../objects/check-kptr-match.ts';
import { checkAlignment, checkMapValue, mayAccessPacket } from '../memory/check-memory.ts';
import { isNull } from '../memory/check-stack.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { checkHelperMemory, checkMemorySize, type RawMemory } from './helper-memory.ts';
import { fieldsBehind, releaseLock, takeLock } from '../objects/locks.ts';
import type { VerifierMap } from '../objects/maps.ts';
import { checkArgumentOffset, knownOffset } from './pointer-offset.ts';
import { markPrecise, markSlotPrecise } from '../flow/precision.ts';
import { checkProcessedDynptr } from '../objects/process-dynptr.ts';
import {
  baseType,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  DYNPTR_TYPE_SKB,
  DYNPTR_TYPE_XDP,
  isPacketPointer,
  mayBeNull,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  MEM_RINGBUF,
  NOT_INIT,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TO_CTX,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_TRUSTED,
  type Register,
  SCALAR_VALUE,
  typeName,
} from '../state/registers.ts';
import { fieldAt, type SpecialField, fieldOf } from '../objects/special-fields.ts';
import { trustedPointers } from '../target/kernel-rules.ts';
import { objectSlot } from '../objects/stack-objects.ts';
import { byteKind, isSpilledScalar, STACK_SPILL, STACK_ZERO } from '../state/state.ts';
import { structsMatch } from '../objects/struct-match.ts';

/** What the arguments of one call have told so far. */
export interface CallMeta {
  readonly helper: Helper;
  readonly rule: HelperRule;
  map: VerifierMap | undefined;
  mapUid: number;
  /** Key of an array lookup, where it is a known number. */
  constantKey: bigint | undefined;
  refObjId: number;
  releaseRegister: number;
  /** Memory that the helper fills. */
  raw: RawMemory;
  rawMode: boolean;
  /** Largest size passed. */
  sizeMax: bigint;
  /** Size of what the helper allocates or slices. */
  memSize: number;
  subprogram: number;
  kptr: SpecialField | undefined;
  kptrBtf: Btf | undefined;
  dynptrId: number;
  /** Of a per-CPU variable passed. */
  returnBtf: Btf | undefined;
  returnBtfId: number;
}

export function newCallMeta(helper: Helper, rule: HelperRule): CallMeta {
  return {
    helper,
    rule,
    map: undefined,
    mapUid: 0,
    constantKey: undefined,
    refObjId: 0,
    releaseRegister: 0,
    raw: { size: 0, register: 0 },
    rawMode: false,
    sizeMax: 0n,
    memSize: 0,
    subprogram: -1,
    kptr: undefined,
    kptrBtf: undefined,
    dynptrId: 0,
    returnBtf: undefined,
    returnBtfId: 0,
  };
}

const MEMORY_TYPES = [
  PTR_TO_STACK,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_MEM | MEM_RINGBUF,
  PTR_TO_BUF,
  PTR_TO_BTF_ID | PTR_TRUSTED,
];
const SOCKET_TYPES = [PTR_TO_SOCK_COMMON, PTR_TO_SOCKET, PTR_TO_TCP_SOCK, PTR_TO_XDP_SOCK];

/** Register types that an argument kind takes, in the order in which the kernel lists them (compatible_reg_types). */
const REGISTER_TYPES: Readonly<Record<Exclude<ArgumentKind, 'anything'>, readonly number[]>> = {
  scalar: [SCALAR_VALUE],
  ctx: [PTR_TO_CTX],
  const_map_ptr: [CONST_PTR_TO_MAP],
  map_key: MEMORY_TYPES,
  map_value: MEMORY_TYPES,
  mem: MEMORY_TYPES,
  fixed_size_mem: MEMORY_TYPES,
  const_size: [SCALAR_VALUE],
  const_size_or_zero: [SCALAR_VALUE],
  const_alloc_size_or_zero: [SCALAR_VALUE],
  btf_id: [PTR_TO_BTF_ID, PTR_TO_BTF_ID | PTR_TRUSTED, PTR_TO_BTF_ID | MEM_RCU],
  btf_id_sock_common: [...SOCKET_TYPES, PTR_TO_BTF_ID, PTR_TO_BTF_ID | PTR_TRUSTED],
  sock_common: SOCKET_TYPES,
  socket: [PTR_TO_SOCKET],
  percpu_btf_id: [PTR_TO_BTF_ID | MEM_PERCPU, PTR_TO_BTF_ID | MEM_PERCPU | MEM_RCU, PTR_TO_BTF_ID | MEM_PERCPU | PTR_TRUSTED],
  func: [PTR_TO_FUNC],
  stack: [PTR_TO_STACK],
  timer: [PTR_TO_MAP_VALUE],
  spin_lock: [PTR_TO_MAP_VALUE, PTR_TO_BTF_ID | MEM_ALLOC],
  const_str: [PTR_TO_MAP_VALUE],
  ringbuf_mem: [PTR_TO_MEM | MEM_RINGBUF],
  dynptr: [PTR_TO_STACK, CONST_PTR_TO_DYNPTR],
  kptr_xchg_dest: [PTR_TO_MAP_VALUE, PTR_TO_BTF_ID | MEM_ALLOC],
};

/** The register has been given a value on this path. */
export function requireInitialised(env: VerifierEnvironment, regno: number): Register {
  const register = env.register(regno);
  if (register.type === NOT_INIT) throw env.reject('uninitialised-register', 'EACCES', `R${regno} !read_ok`, { register: regno });
  return register;
}

/** Argument `index` (from 0) of the call, as the prototype wants it (check_func_arg). */
export function checkHelperArgument(env: VerifierEnvironment, index: number, meta: CallMeta, insn: number): void {
  const regno = index + 1;
  let rule = meta.rule.arguments[index]!;
  const register = requireInitialised(env, regno);
  if (rule.kind === 'anything') return;
  if (isPacketPointer(register.type) && !packetArgumentAllowed(env, meta)) {
    throw env.reject('helper-argument', 'EACCES', 'helper access to the packet is not allowed', { register: regno });
  }
  if (rule.kind === 'map_value') rule = mapValueRule(env, rule, meta);
  if (!(isNull(register) && rule.maybeNull)) {
    checkRegisterType(env, regno, rule, meta);
    checkArgumentOffset(env, register, regno, { release: rule.release === true, dynptr: rule.kind === 'dynptr' });
  }
  if (rule.release) checkRelease(env, regno, register, rule, meta);
  if (register.refObjId !== 0 && rule.kind !== 'kptr_xchg_dest') {
    if (meta.refObjId !== 0)
      throw env.reject('reference-state', 'EACCES', `more than one arg with ref_obj_id R${regno} ${register.refObjId} ${meta.refObjId}`, {
        register: regno,
      });
    meta.refObjId = register.refObjId;
  }
  checkArgumentKind(env, regno, register, rule, meta, insn);
}

/** Packets may be passed to helpers that say so; the buffers of cgroup socket options, which look like packets, to any. */
function packetArgumentAllowed(env: VerifierEnvironment, meta: CallMeta): boolean {
  if (env.programType === 'cgroup_sockopt') return true;
  return mayAccessPacket(env, false) && meta.rule.packetAccess === true;
}

/** Maps of sockets take a socket for a value. */
function mapValueRule(env: VerifierEnvironment, rule: ArgumentRule, meta: CallMeta): ArgumentRule {
  if (!meta.map) throw env.reject('helper-argument', 'EACCES', 'invalid map_ptr to access map->value');
  if (meta.map.type === 'sockmap' || meta.map.type === 'sockhash') {
    if (rule.uninit || rule.maybeNull) throw env.reject('helper-argument', 'EINVAL', 'invalid arg_type for sockmap/sockhash');
    return { kind: 'btf_id_sock_common' };
  }
  // A bloom filter is asked for a value: it is read, not filled.
  if (meta.map.type === 'bloom_filter' && meta.helper.name === 'bpf_map_peek_elem') return { kind: 'map_value' };
  return rule;
}

/** A kernel object of a given struct, as a global function's argument asks for one. */
export function checkObjectArgument(
  env: VerifierEnvironment,
  regno: number,
  wanted: { btf: Btf; btfId: number; maybeNull: boolean },
): void {
  const struct = wanted.btf.type(wanted.btfId)?.name ?? '';
  checkRegisterType(env, regno, { kind: 'btf_id', struct, ...(wanted.maybeNull ? { maybeNull: true as const } : {}) }, undefined);
}

/** Older kernels took fewer types. */
function typesTakenBy(env: VerifierEnvironment, { kind }: ArgumentRule, types: readonly number[]): readonly number[] {
  if (trustedPointers(env.kernel)) return types;
  const older = types.filter((type) => (type & (PTR_TRUSTED | MEM_RCU)) === 0);
  if (kind !== 'map_key' && kind !== 'map_value') return older;
  return older.filter((type) => baseType(type) !== PTR_TO_MEM && baseType(type) !== PTR_TO_BUF);
}

/** `meta` is undefined for the arguments of a global function. */
function checkRegisterType(env: VerifierEnvironment, regno: number, rule: ArgumentRule, meta: CallMeta | undefined): void {
  const register = env.register(regno);
  const callee = meta?.helper.name ?? 'the function';
  const types = REGISTER_TYPES[rule.kind as Exclude<ArgumentKind, 'anything'>];
  let { type } = register;
  if (rule.readonly) type &= ~MEM_RDONLY;
  if (rule.maybeNull) type &= ~PTR_MAYBE_NULL;
  if (types === MEMORY_TYPES && (rule.kind === 'mem' || rule.kind === 'fixed_size_mem')) type &= ~(DYNPTR_TYPE_SKB | DYNPTR_TYPE_XDP);
  // Allocated objects may be given away with bpf_kptr_xchg.
  if (callee === 'bpf_kptr_xchg' && regno === 2 && (type & MEM_ALLOC) !== 0) type &= ~(MEM_ALLOC | MEM_PERCPU);
  const taken = typesTakenBy(env, rule, types);
  if (!taken.includes(trustedPointers(env.kernel) ? type : type & ~(PTR_TRUSTED | MEM_RCU))) {
    const expected = taken.map(typeName).join(', ');
    const nullable = mayBeNull(register.type) && types.includes(register.type & ~PTR_MAYBE_NULL);
    throw env.reject(
      nullable ? 'helper-argument-null' : 'helper-argument',
      'EACCES',
      `R${regno} type=${typeName(register.type)} expected=${expected}`,
      {
        register: regno,
        explanation: `Argument ${regno} of ${callee} is ${nullable ? 'a pointer that may be NULL' : `of the wrong kind (${typeName(register.type)})`}.`,
        needed: expected,
        known: typeName(register.type),
      },
    );
  }
  if (baseType(register.type) !== PTR_TO_BTF_ID) return;
  if (types === MEMORY_TYPES) {
    if (!rule.readonly) {
      throw env.reject(
        'write-forbidden',
        'EACCES',
        `${callee}() may write into memory pointed by R${regno} type=${typeName(register.type)}`,
        { register: regno },
      );
    }
    return;
  }
  checkStructType(env, regno, register, rule, meta);
}

function checkStructType(
  env: VerifierEnvironment,
  regno: number,
  register: Register,
  rule: ArgumentRule,
  meta: CallMeta | undefined,
): void {
  if ((register.type & MEM_ALLOC) !== 0) {
    if (meta?.helper.name === 'bpf_kptr_xchg' && regno === 2) checkKptrMatches(env, meta.kptr!, meta.kptrBtf!, regno);
    return;
  }
  if ((register.type & MEM_PERCPU) !== 0) return;
  if (mayBeNull(register.type) && (!rule.maybeNull || rule.release)) {
    throw env.reject('helper-argument-null', 'EACCES', `Possibly NULL pointer passed to helper arg${regno}`, { register: regno });
  }
  if (meta?.helper.name === 'bpf_kptr_xchg') {
    checkKptrMatches(env, meta.kptr!, meta.kptrBtf!, regno);
    return;
  }
  const wanted = rule.struct ?? (rule.kind === 'btf_id_sock_common' ? 'sock_common' : undefined);
  const kernelBtf = env.options.kernelBtf;
  if (wanted === undefined || !kernelBtf) return;
  const wantedId = kernelBtf.find(wanted, 'struct');
  if (wantedId === undefined || !register.btf) return;
  // Releasing asks for the very type; sockets of every kind go back through bpf_sk_release.
  const strict = rule.release === true && meta?.helper.name !== 'bpf_sk_release';
  if (!structsMatch(register.btf, register.btfId, register.off, kernelBtf, wantedId, strict)) {
    const name = register.btf.type(register.btfId)?.name ?? '';
    throw env.reject('helper-argument', 'EACCES', `R${regno} is of type ${name} but ${wanted} is expected`, {
      register: regno,
      needed: `struct ${wanted}`,
      known: `struct ${name}`,
    });
  }
}

function checkRelease(env: VerifierEnvironment, regno: number, register: Register, rule: ArgumentRule, meta: CallMeta): void {
  if (rule.kind === 'dynptr') {
    if (register.type !== PTR_TO_STACK)
      throw env.reject('dynptr', 'EINVAL', 'cannot release unowned const bpf_dynptr', { register: regno });
    const slot = objectSlot(env, register, 'dynptr', 2);
    if (slot === 'beyond' || env.frameOf(register).stack[slot]!.register.refObjId === 0) {
      throw env.reject('reference-state', 'EINVAL', `arg ${regno} is an unacquired reference`, { register: regno });
    }
  } else if (register.refObjId === 0 && !isNull(register)) {
    throw env.reject('reference-state', 'EINVAL', `R${regno} must be referenced when passed to release function`, { register: regno });
  }
  meta.releaseRegister = regno;
}

function checkArgumentKind(
  env: VerifierEnvironment,
  regno: number,
  register: Register,
  rule: ArgumentRule,
  meta: CallMeta,
  insn: number,
): void {
  const direction = rule.write ? 'write' : 'read';
  switch (rule.kind) {
    case 'const_map_ptr':
      checkMapArgument(env, register, meta);
      return;
    case 'map_key':
      checkMapKey(env, regno, meta);
      return;
    case 'map_value':
      if (rule.maybeNull && isNull(register)) return;
      if (!meta.map) throw env.reject('helper-argument', 'EACCES', 'invalid map_ptr to access map->value');
      meta.rawMode = rule.uninit === true;
      checkHelperMemory(env, regno, meta.map.valueSize, direction, false, meta.rawMode ? meta.raw : undefined);
      return;
    case 'percpu_btf_id':
      meta.returnBtf = register.btf;
      meta.returnBtfId = register.btfId;
      return;
    case 'spin_lock':
      if (inTreeCallback(env)) throw env.reject('lock', 'EACCES', "can't spin_{lock,unlock} in rbtree cb", { register: regno });
      if (meta.helper.name === 'bpf_spin_lock') takeLock(env, regno, 'lock', insn);
      else releaseLock(env, regno, 'lock');
      return;
    case 'timer':
      checkTimer(env, regno, register, meta, 'bpf_timer', 'bpf_timer');
      return;
    case 'func':
      meta.subprogram = register.subprogram;
      return;
    case 'mem':
      // Looked at together with the size, which is the next argument.
      meta.rawMode = rule.uninit === true;
      return;
    case 'fixed_size_mem':
      meta.rawMode = rule.uninit === true;
      checkHelperMemory(env, regno, rule.size!, direction, false, meta.rawMode ? meta.raw : undefined);
      if (rule.aligned) checkAlignment(env, register, 0, rule.size!, true);
      return;
    case 'const_size':
    case 'const_size_or_zero': {
      const memory = meta.rule.arguments[regno - 2]!;
      meta.sizeMax = checkMemorySize(
        env,
        regno,
        memory.write ? 'write' : 'read',
        rule.kind === 'const_size_or_zero',
        meta.rawMode ? meta.raw : undefined,
      ).max;
      return;
    }
    case 'dynptr':
      checkProcessedDynptr(env, regno, insn, {
        uninit: rule.uninit === true,
        readonly: rule.readonly === true,
        kind: rule.dynptr,
        cloneOf: 0,
      });
      return;
    case 'const_alloc_size_or_zero':
      if (register.scalar.mask !== 0n)
        throw env.reject('helper-argument-constant', 'EACCES', `R${regno} is not a known constant'`, { register: regno });
      meta.memSize = Number(BigInt.asIntN(32, register.scalar.value));
      markPrecise(env, regno);
      return;
    case 'const_str':
      checkConstantString(env, regno);
      return;
    case 'kptr_xchg_dest':
      checkKptrDestination(env, regno, register, meta);
      return;
    case 'anything':
    case 'scalar':
    case 'ctx':
    case 'btf_id':
    case 'btf_id_sock_common':
    case 'sock_common':
    case 'socket':
    case 'stack':
    case 'ringbuf_mem':
      return;
  }
}

function checkMapArgument(env: VerifierEnvironment, register: Register, meta: CallMeta): void {
  if (meta.map && (meta.map !== register.map || meta.mapUid !== register.mapUid)) {
    // Timers of one inner map must not be prepared for another: look-ups are told apart by their number.
    throw env.reject(
      'helper-map',
      'EINVAL',
      `timer pointer in R1 map_uid=${meta.mapUid} doesn't match map pointer in R2 map_uid=${register.mapUid}`,
    );
  }
  meta.map = register.map;
  meta.mapUid = register.mapUid;
}

function checkMapKey(env: VerifierEnvironment, regno: number, meta: CallMeta): void {
  const { map } = meta;
  if (!map) throw env.reject('helper-argument', 'EACCES', 'invalid map_ptr to access map->key');
  checkHelperMemory(env, regno, map.keySize, 'read', false);
  if (map.type === 'array' || map.type === 'percpu_array') meta.constantKey = constantKey(env, regno, map.keySize);
}

/** The key on the stack, where it is a number that was spilled or zeroed whole (get_constant_map_key). */
function constantKey(env: VerifierEnvironment, regno: number, keySize: number): bigint | undefined {
  const register = env.register(regno);
  if (register.type !== PTR_TO_STACK || register.scalar.mask !== 0n) return undefined;
  const offset = knownOffset(register);
  const index = Math.floor((-offset - 1) / 8);
  const first = (-offset - 1) & 7;
  const slot = env.frameOf(register).stack[index];
  if (!slot) return undefined;
  const run = (kind: number): number => {
    let length = 0;
    for (let byte = first; byte >= 0 && byteKind(slot, byte) === kind; byte--) length++;
    return length;
  };
  if (run(STACK_ZERO) >= keySize) return 0n;
  if (!isSpilledScalar(slot) || run(STACK_SPILL) !== keySize || slot.register.scalar.mask !== 0n) return undefined;
  markSlotPrecise(env, register.frame, index);
  return slot.register.scalar.value;
}

/** A timer, work queue or task work lies where the map says (check_map_field_pointer). */
export function checkTimer(
  env: VerifierEnvironment,
  regno: number,
  register: Register,
  meta: { map: VerifierMap | undefined; mapUid: number },
  kind: 'bpf_timer' | 'bpf_wq' | 'bpf_task_work',
  words: string,
): void {
  const map = register.map!;
  if (register.scalar.mask !== 0n)
    throw env.reject('helper-argument', 'EINVAL', `R${regno} doesn't have constant offset. ${words} has to be at the constant offset`, {
      register: regno,
    });
  if (map.definition.valueTypeId === undefined) {
    throw env.reject('btf', 'EINVAL', `map '${map.name}' has to have BTF in order to use ${words}`, { register: regno });
  }
  const field = fieldOf(map.fields, kind);
  if (!field) throw env.reject('helper-map', 'EINVAL', `map '${map.name}' has no valid ${words}`, { register: regno });
  const offset = knownOffset(register);
  if (field.offset !== offset)
    throw env.reject('helper-argument', 'EINVAL', `off ${offset} doesn't point to 'struct ${words}' that is at ${field.offset}`, {
      register: regno,
    });
  if (meta.map) throw env.reject('verifier-limit', 'EFAULT', `verifier bug: Two map pointers in a ${words} helper`);
  meta.map = map;
  meta.mapUid = register.mapUid;
}

/** A string in a map that cannot change, with its ending zero (check_reg_const_str). */
export function checkConstantString(env: VerifierEnvironment, regno: number): void {
  const register = env.register(regno);
  const map = register.map;
  if (register.type !== PTR_TO_MAP_VALUE || !map)
    throw env.reject('helper-argument', 'EINVAL', `R${regno} does not point to a readonly map'`, { register: regno });
  if (!map.frozen) throw env.reject('helper-argument', 'EACCES', `R${regno} does not point to a readonly map'`, { register: regno });
  if (register.scalar.mask !== 0n)
    throw env.reject('helper-argument', 'EACCES', `R${regno} is not a constant address'`, { register: regno });
  if (map.type !== 'array' && map.type !== 'insn_array')
    throw env.reject('helper-argument', 'EACCES', 'no direct value access support for this map type', { register: regno });
  checkMapValue(env, regno, register.off, map.valueSize - register.off, false, false);
  const offset = knownOffset(register);
  if (!map.frozen.subarray(offset).includes(0))
    throw env.reject('helper-argument', 'EINVAL', 'string is not zero-terminated', { register: regno });
}

/** Where bpf_kptr_xchg puts the pointer: a kptr field of a map value or of an allocated object (process_kptr_func). */
function checkKptrDestination(env: VerifierEnvironment, regno: number, register: Register, meta: CallMeta): void {
  const fields = fieldsBehind(register);
  if (baseType(register.type) === PTR_TO_MAP_VALUE) {
    const map = register.map!;
    if (map.definition.valueTypeId === undefined)
      throw env.reject('btf', 'EINVAL', `map '${map.name}' has to have BTF in order to use bpf_kptr_xchg`, { register: regno });
    meta.map = map;
  }
  if (register.scalar.mask !== 0n)
    throw env.reject('kptr', 'EINVAL', `R${regno} doesn't have constant offset. kptr has to be at the constant offset`, {
      register: regno,
    });
  const isKptr = fields?.fields.some((field) => field.kind === 'kptr' || field.kind === 'kptr_untrusted' || field.kind === 'percpu_kptr');
  if (!fields || !isKptr) throw env.reject('kptr', 'EINVAL', `R${regno} has no valid kptr`, { register: regno });
  const offset = knownOffset(register);
  const field = fieldAt(fields, offset);
  if (!field) throw env.reject('kptr', 'EACCES', `off=${offset} doesn't point to kptr`, { register: regno });
  if (field.kind !== 'kptr' && field.kind !== 'percpu_kptr')
    throw env.reject('kptr', 'EACCES', `off=${offset} kptr isn't referenced kptr`, { register: regno });
  meta.kptr = field;
  meta.kptrBtf = fields.btf;
}

/** The comparison function of a tree runs under the tree's lock: it may take none. */
export function inTreeCallback(env: VerifierEnvironment): boolean {
  const { frame } = env;
  if (!frame.inCallback || frame.callsite < 0) return false;
  const call = env.insns[frame.callsite]!;
  return call.src === 2 && env.program.kfuncs[call.imm] === 'bpf_rbtree_add_impl';
}

/** The helper takes this type of map, and the map this helper (check_map_func_compatibility). */
export function checkMapTakesHelper(env: VerifierEnvironment, meta: CallMeta): void {
  const { map, helper } = meta;
  if (!map) return;
  const refused = (...before: string[]): never => {
    throw env.reject('helper-map', 'EINVAL', [...before, `cannot pass map_type ${map.typeId} into func ${helper.name}#${helper.id}`], {
      explanation: `${helper.name} does not work on a map of type ${map.type} (${map.definition.name}).`,
      needed: 'a map that the helper takes',
      known: `${map.definition.name}: ${mapType(map.type)?.summary ?? map.type}`,
    });
  };
  if (!helperTakesMap(helper.name, map.type)) refused();
  const update = helper.name === 'bpf_map_update_elem' || helper.name === 'bpf_map_delete_elem';
  if ((map.type === 'sockmap' || map.type === 'sockhash') && update && !mayUpdateSockmap(env, helper.name)) {
    refused('cannot update sockmap in this context');
  }
}

/** Changing a map of sockets takes their locks, which only some program types may. */
function mayUpdateSockmap(env: VerifierEnvironment, helper: string): boolean {
  switch (env.programType) {
    case 'tracing':
      return env.attachType === 'BPF_TRACE_ITER';
    case 'sock_ops':
      return helper === 'bpf_map_delete_elem';
    case 'socket_filter':
    case 'sched_cls':
    case 'sched_act':
    case 'xdp':
    case 'sk_reuseport':
    case 'flow_dissector':
    case 'sk_lookup':
      return true;
    default:
      return false;
  }
}
