// The arguments of a kfunc call, register by register. What the call changes is in call-kfunc.ts, what kind an argument is of in kfunc-meta.ts.

import { resolve, sizeOf, type Btf } from '#core/btf';
import { checkConstantString, checkTimer, inTreeCallback, requireInitialised } from './check-helper-args.ts';
import { accessMemory } from '../memory/check-memory.ts';
import { isNull } from '../memory/check-stack.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { checkSharedMemory, checkSharedMemorySize } from './helper-memory.ts';
import { classifyArgument, endsIn, type KfuncArgument, type KfuncPrototype, PROJECTIONS, structOfType } from './kfunc-meta.ts';
import { checkOwnLockHeld, fieldsBehind, releaseLock, takeLock } from '../objects/locks.ts';
import type { VerifierMap } from '../objects/maps.ts';
import { checkArgumentOffset, knownOffset } from './pointer-offset.ts';
import { markPrecise } from '../flow/precision.ts';
import { checkProcessedDynptr } from '../objects/process-dynptr.ts';
import {
  baseType,
  DYNPTR_TYPE_SKB,
  DYNPTR_TYPE_XDP,
  type DynptrKind,
  isAllocatedObject,
  isNonOwningReference,
  isRcu,
  isTrusted,
  mayBeNull,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  NON_OWN_REF,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_FUNC,
  PTR_TO_MAP_VALUE,
  PTR_TO_STACK,
  PTR_TRUSTED,
  BASE_MASK,
  CONST_PTR_TO_DYNPTR,
  type Register,
  SCALAR_VALUE,
  typeFlags,
  typeName,
} from '../state/registers.ts';
import { fieldAt, fieldOf, type SpecialField, type SpecialKind } from '../objects/special-fields.ts';
import {
  checkIterator,
  dynptrAt,
  endIterator,
  IRQ_LOCK,
  IRQ_NATIVE,
  irqFlagIsThere,
  irqFlagMayBegin,
  iteratorMayBegin,
  makeIterator,
  objectSlot,
  readIterator,
  restoreIrqFlag,
  saveIrqFlag,
} from '../objects/stack-objects.ts';
import { structsMatch } from '../objects/struct-match.ts';

/** What the arguments of one call have told so far. */
export interface KfuncMeta {
  readonly kfunc: KfuncPrototype;
  map: VerifierMap | undefined;
  mapUid: number;
  refObjId: number;
  releaseRegister: number;
  subprogram: number;
  /** The argument whose name ends in `__k` or `__szk`. */
  constant: bigint | undefined;
  returnSize: number | undefined;
  returnReadonly: boolean;
  /** The object passed, for what is returned of its type. */
  argumentBtf: Btf | undefined;
  argumentBtfId: number;
  /** The object passed is the program's own: another reference to it cannot fail. */
  owned: boolean;
  dynptr: { id: number; dynptr: DynptrKind; refObjId: number } | undefined;
  iterator: { frame: number; slot: number; state: 'active' | 'drained'; type: number } | undefined;
  listHead: { field: SpecialField; btf: Btf } | undefined;
  treeRoot: { field: SpecialField; btf: Btf } | undefined;
}

/** Slices of packets go stale with the packet. */
export const dynptrFlag = (kind: DynptrKind): number =>
  kind === 'skb' || kind === 'skb_meta' ? DYNPTR_TYPE_SKB : kind === 'xdp' ? DYNPTR_TYPE_XDP : 0;

export function checkKfuncArguments(env: VerifierEnvironment, kfunc: KfuncPrototype, insn: number): KfuncMeta {
  const meta: KfuncMeta = {
    kfunc,
    map: undefined,
    mapUid: 0,
    refObjId: 0,
    releaseRegister: 0,
    subprogram: -1,
    constant: undefined,
    returnSize: undefined,
    returnReadonly: false,
    argumentBtf: undefined,
    argumentBtfId: 0,
    owned: false,
    dynptr: undefined,
    iterator: undefined,
    listHead: undefined,
    treeRoot: undefined,
  };
  const { parameters } = kfunc.proto;
  if (parameters.length > 5) throw env.reject('kfunc-argument', 'EINVAL', `Function ${kfunc.name} has ${parameters.length} > 5 args`);
  for (let index = 0; index < parameters.length; index++) {
    const parameter = parameters[index]!;
    if (endsIn(parameter, '__ign') || endsIn(parameter, '__prog')) continue;
    const regno = index + 1;
    const register = requireInitialised(env, regno);
    const type = resolve(kfunc.btf, parameter.type);
    if (type?.kind === 'int' || type?.kind === 'enum' || type?.kind === 'enum64') {
      checkScalar(env, meta, index);
      continue;
    }
    if (
      (kfunc.trustedArguments || kfunc.rcuArguments) &&
      (isNull(register) || mayBeNull(register.type)) &&
      !endsIn(parameter, '__nullable')
    ) {
      throw env.reject('helper-argument-null', 'EACCES', `Possibly NULL pointer passed to trusted arg${index}`, { register: regno });
    }
    if (register.refObjId !== 0) {
      if (kfunc.releases && meta.refObjId !== 0)
        throw env.reject(
          'verifier-limit',
          'EFAULT',
          `verifier bug: more than one arg with ref_obj_id R${regno} ${register.refObjId} ${meta.refObjId}`,
        );
      meta.refObjId = register.refObjId;
      if (kfunc.releases) meta.releaseRegister = regno;
    }
    const argument = classifyArgument(env, kfunc, index);
    if (argument.kind === 'null') continue;
    checkTrust(env, kfunc, argument, register, regno, meta);
    checkArgumentOffset(env, register, regno, { release: kfunc.releases && register.refObjId !== 0, dynptr: argument.kind === 'dynptr' });
    if (checkArgument(env, meta, argument, index, insn) === 'two') index++;
  }
  if (kfunc.releases && meta.releaseRegister === 0) {
    throw env.reject('reference-state', 'EINVAL', `release kernel function ${kfunc.name} expects refcounted PTR_TO_BTF_ID`);
  }
  return meta;
}

function checkScalar(env: VerifierEnvironment, meta: KfuncMeta, index: number): void {
  const regno = index + 1;
  const register = env.register(regno);
  const parameter = meta.kfunc.proto.parameters[index]!;
  if (register.type !== SCALAR_VALUE) throw env.reject('kfunc-argument', 'EINVAL', `R${regno} is not a scalar`, { register: regno });
  if (endsIn(parameter, '__k')) {
    if (register.scalar.mask !== 0n)
      throw env.reject('helper-argument-constant', 'EINVAL', `R${regno} must be a known constant`, { register: regno });
    markPrecise(env, regno);
    meta.constant = register.scalar.value;
  } else if (parameter.name === 'rdonly_buf_size' || parameter.name === 'rdwr_buf_size') {
    if (meta.returnSize !== undefined) throw env.reject('kfunc-argument', 'EINVAL', '2 or more rdonly/rdwr_buf_size parameters for kfunc');
    if (register.scalar.mask !== 0n)
      throw env.reject('helper-argument-constant', 'EINVAL', `R${regno} is not a const`, { register: regno });
    meta.returnReadonly = parameter.name === 'rdonly_buf_size';
    meta.returnSize = Number(register.scalar.value);
    markPrecise(env, regno);
  }
}

/** Kernel objects must be known to be alive, where the kfunc asks for it. */
function checkTrust(
  env: VerifierEnvironment,
  kfunc: KfuncPrototype,
  argument: KfuncArgument,
  register: Register,
  regno: number,
  meta: KfuncMeta,
): void {
  if (argument.kind === 'map') {
    if (!register.map && !register.btf)
      throw env.reject('kfunc-argument', 'EINVAL', `pointer in R${regno} isn't map pointer`, { register: regno });
    if (
      register.map &&
      meta.map &&
      fieldOf(register.map.fields, 'bpf_wq', 'bpf_task_work') &&
      (meta.map !== register.map || meta.mapUid !== register.mapUid)
    ) {
      const what = fieldOf(register.map.fields, 'bpf_wq') ? 'workqueue' : 'bpf_task_work';
      throw env.reject(
        'helper-map',
        'EINVAL',
        `${what} pointer in R1 map_uid=${meta.mapUid} doesn't match map pointer in R2 map_uid=${register.mapUid}`,
        { register: regno },
      );
    }
    meta.map = register.map;
    meta.mapUid = register.mapUid;
  } else if (argument.kind !== 'btf_id' && argument.kind !== 'alloc') return;
  if ((!kfunc.trustedArguments && !kfunc.rcuArguments) || isTrusted(register)) return;
  if (!kfunc.rcuArguments) throw env.reject('kfunc-argument', 'EINVAL', `R${regno} must be referenced or trusted`, { register: regno });
  if (!isRcu(register)) throw env.reject('kfunc-argument', 'EINVAL', `R${regno} must be a rcu pointer`, { register: regno });
}

/** 'two' where the argument takes the next one, its size, with it. */
function checkArgument(env: VerifierEnvironment, meta: KfuncMeta, argument: KfuncArgument, index: number, insn: number): 'one' | 'two' {
  const { kfunc } = meta;
  const regno = index + 1;
  const register = env.register(regno);
  const refuse = (message: string): never => {
    throw env.reject('kfunc-argument', 'EINVAL', message, { register: regno, known: typeName(register.type) });
  };
  switch (argument.kind) {
    case 'ctx':
      if (register.type !== PTR_TO_CTX) refuse(`arg#${index} expected pointer to ctx, but got ${typeName(register.type)}`);
      return 'one';
    case 'alloc': {
      const perCpu = kfunc.name === 'bpf_percpu_obj_drop_impl';
      if (register.type === (PTR_TO_BTF_ID | MEM_ALLOC)) {
        if (kfunc.name !== 'bpf_obj_drop_impl') refuse(`arg#${index} expected for bpf_obj_drop_impl()`);
      } else if (register.type === (PTR_TO_BTF_ID | MEM_ALLOC | MEM_PERCPU)) {
        if (!perCpu) refuse(`arg#${index} expected for bpf_percpu_obj_drop_impl()`);
      } else refuse(`arg#${index} expected pointer to allocated object`);
      if (register.refObjId === 0) refuse('allocated object must be referenced');
      meta.argumentBtf = register.btf;
      meta.argumentBtfId = register.btfId;
      return 'one';
    }
    case 'dynptr':
      checkDynptr(env, meta, index, insn);
      return 'one';
    case 'iterator':
      checkIteratorArgument(env, meta, index, insn);
      return 'one';
    case 'list_head':
    case 'rb_root':
      if (register.type !== PTR_TO_MAP_VALUE && register.type !== (PTR_TO_BTF_ID | MEM_ALLOC))
        refuse(`arg#${index} expected pointer to map value or allocated object`);
      if (register.type === (PTR_TO_BTF_ID | MEM_ALLOC) && register.refObjId === 0) refuse('allocated object must be referenced');
      checkGraphRoot(env, meta, regno, argument.kind === 'list_head' ? 'bpf_list_head' : 'bpf_rb_root');
      return 'one';
    case 'list_node':
      if (register.type !== (PTR_TO_BTF_ID | MEM_ALLOC)) refuse(`arg#${index} expected pointer to allocated object`);
      if (register.refObjId === 0) refuse('allocated object must be referenced');
      checkGraphNode(env, meta, regno, 'bpf_list_node', 'bpf_list_head', meta.listHead!);
      return 'one';
    case 'rb_node':
      if (kfunc.name === 'bpf_rbtree_add_impl') {
        if (register.type !== (PTR_TO_BTF_ID | MEM_ALLOC)) refuse(`arg#${index} expected pointer to allocated object`);
        if (register.refObjId === 0) refuse('allocated object must be referenced');
      } else {
        if (!isNonOwningReference(register.type) && register.refObjId === 0)
          refuse(`${kfunc.name} can only take non-owning or refcounted bpf_rb_node pointer`);
        if (inTreeCallback(env)) refuse(`${kfunc.name} not allowed in rbtree cb`);
      }
      checkGraphNode(env, meta, regno, 'bpf_rb_node', 'bpf_rb_root', meta.treeRoot!);
      return 'one';
    case 'map':
      checkKernelObject(env, meta, index, kfunc.btf.find('bpf_map', 'struct') ?? 0);
      return 'one';
    case 'btf_id':
      checkKernelObject(env, meta, index, argument.typeId);
      return 'one';
    case 'mem': {
      const size = sizeOf(kfunc.btf, argument.typeId);
      if (size === undefined) refuse(`arg#${index} reference type('UNKNOWN ') size cannot be determined: -22`);
      checkSharedMemory(env, regno, size!);
      return 'one';
    }
    case 'mem_size':
      checkSizedMemory(env, meta, index);
      return 'two';
    case 'callback':
      if (register.type !== PTR_TO_FUNC) refuse(`arg${index} expected pointer to func`);
      meta.subprogram = register.subprogram;
      return 'one';
    case 'refcounted':
      if (!isAllocatedObject(register.type)) refuse(`arg#${index} is neither owning or non-owning ref`);
      meta.owned = !isNonOwningReference(register.type);
      if (!fieldOf(fieldsBehind(register), 'bpf_refcount')) refuse(`arg#${index} doesn't point to a type with bpf_refcount field`);
      meta.argumentBtf = register.btf;
      meta.argumentBtfId = register.btfId;
      return 'one';
    case 'const_str':
      if (register.type !== PTR_TO_MAP_VALUE) refuse(`arg#${index} doesn't point to a const string`);
      checkConstantString(env, regno);
      return 'one';
    case 'workqueue':
    case 'task_work':
      if (register.type !== PTR_TO_MAP_VALUE) refuse(`arg#${index} doesn't point to a map value`);
      checkTimer(
        env,
        regno,
        register,
        meta,
        argument.kind === 'workqueue' ? 'bpf_wq' : 'bpf_task_work',
        argument.kind === 'workqueue' ? 'bpf_wq' : 'bpf_task_work',
      );
      return 'one';
    case 'irq_flag':
      if (register.type !== PTR_TO_STACK) refuse(`arg#${index} doesn't point to an irq flag on stack`);
      checkIrqFlag(env, meta, index, insn);
      return 'one';
    case 'res_spin_lock': {
      if (register.type !== PTR_TO_MAP_VALUE && register.type !== (PTR_TO_BTF_ID | MEM_ALLOC))
        refuse(`arg#${index} doesn't point to map value or allocated object`);
      const kind = kfunc.name.includes('irq') ? 'res_lock_irq' : 'res_lock';
      if (kfunc.name.includes('unlock')) releaseLock(env, regno, kind);
      else takeLock(env, regno, kind, insn);
      return 'one';
    }
    case 'ignored':
    case 'scalar':
    case 'null':
      return 'one';
  }
}

function checkDynptr(env: VerifierEnvironment, meta: KfuncMeta, index: number, insn: number): void {
  const { kfunc } = meta;
  const regno = index + 1;
  const register = env.register(regno);
  const uninit = endsIn(kfunc.proto.parameters[index], '__uninit');
  let kind: DynptrKind | undefined;
  let cloneOf = 0;
  if (kfunc.name === 'bpf_dynptr_from_skb') kind = 'skb';
  else if (kfunc.name === 'bpf_dynptr_from_xdp') kind = 'xdp';
  else if (kfunc.name === 'bpf_dynptr_from_skb_meta') kind = 'skb_meta';
  else if (kfunc.name === 'bpf_dynptr_clone' && uninit) {
    kind = meta.dynptr!.dynptr;
    cloneOf = meta.dynptr!.refObjId;
  }
  // A kfunc may be passed the dynptr that a callback was given: it leaves it as it is.
  checkProcessedDynptr(env, regno, insn, { uninit, readonly: register.type === CONST_PTR_TO_DYNPTR, kind, cloneOf });
  if (uninit) return;
  const dynptr = dynptrAt(env, register)!;
  meta.dynptr = { id: dynptr.id, dynptr: dynptr.dynptr, refObjId: dynptr.refObjId };
}

/** Structs that begin with bpf_iter_ are iterators; which one, the parameter's type says. */
function checkIteratorArgument(env: VerifierEnvironment, meta: KfuncMeta, index: number, insn: number): void {
  const { kfunc } = meta;
  const regno = index + 1;
  const register = env.register(regno);
  if (register.type !== PTR_TO_STACK)
    throw env.reject('iterator', 'EINVAL', `arg#${index} expected pointer to an iterator on stack`, { register: regno });
  const pointer = resolve(kfunc.btf, kfunc.proto.parameters[index]!.type);
  const type = pointer?.kind === 'ptr' ? resolve(kfunc.btf, pointer.type) : undefined;
  if (type?.kind !== 'struct' || !type.name.startsWith('bpf_iter_'))
    throw env.reject('iterator', 'EINVAL', `expected valid iter pointer as arg #${index}`, { register: regno });
  const words = `iter_${type.name.slice('bpf_iter_'.length)}`;
  const slots = type.size / 8;
  if (kfunc.name === 'bpf_iter_css_task_new' && !cssTaskAllowed(env)) {
    throw env.reject('kfunc-context', 'EINVAL', 'css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs', {
      register: regno,
    });
  }
  if (kfunc.iterator === 'new') {
    if (!iteratorMayBegin(env, register, slots))
      throw env.reject('iterator', 'EINVAL', `expected uninitialized ${words} as arg #${index}`, { register: regno });
    for (let at = 0; at < slots * 8; at += 8) accessMemory(env, regno, at, { write: true, size: 8, value: -1 });
    makeIterator(env, register, kfunc.btf, type.id, slots, insn, kfunc.rcuProtected);
    return;
  }
  switch (checkIterator(env, register, kfunc.btf, type.id, slots)) {
    case 'none':
      throw env.reject('iterator', 'EINVAL', `expected an initialized ${words} as arg #${index}`, { register: regno });
    case 'not in RCU section':
      throw env.reject('iterator', 'EPROTO', `expected an RCU CS when using ${kfunc.name}`, { register: regno });
    case 'valid':
  }
  readIterator(env, register, slots);
  const slot = objectSlot(env, register, 'iter', slots) as number;
  const held = env.frameOf(register).stack[slot]!.register;
  meta.iterator = { frame: register.frame, slot, state: held.iterator as 'active' | 'drained', type: held.type };
  meta.refObjId = held.refObjId;
  if (kfunc.iterator === 'destroy') endIterator(env, register, slots);
}

function cssTaskAllowed(env: VerifierEnvironment): boolean {
  if (env.programType === 'lsm') return true;
  if (env.programType === 'tracing' && env.attachType === 'BPF_TRACE_ITER') return true;
  return env.sleepable;
}

const ROOT_API: Readonly<Record<string, readonly string[]>> = {
  bpf_list_head: [
    'bpf_list_push_front_impl',
    'bpf_list_push_back_impl',
    'bpf_list_pop_front',
    'bpf_list_pop_back',
    'bpf_list_front',
    'bpf_list_back',
  ],
  bpf_rb_root: ['bpf_rbtree_add_impl', 'bpf_rbtree_remove', 'bpf_rbtree_first', 'bpf_rbtree_root', 'bpf_rbtree_left', 'bpf_rbtree_right'],
};

/** A list head or tree root in a value or object, with its lock held. */
function checkGraphRoot(env: VerifierEnvironment, meta: KfuncMeta, regno: number, kind: 'bpf_list_head' | 'bpf_rb_root'): void {
  const register = env.register(regno);
  if (!ROOT_API[kind]!.includes(meta.kfunc.name))
    throw env.reject('graph-node', 'EINVAL', `verifier internal error: ${kind} argument for unknown kfunc`, { register: regno });
  if (register.scalar.mask !== 0n)
    throw env.reject('graph-node', 'EINVAL', `R${regno} doesn't have constant offset. ${kind} has to be at the constant offset`, {
      register: regno,
    });
  const fields = fieldsBehind(register);
  const offset = knownOffset(register);
  const field = fieldAt(fields, offset);
  if (!fields || field?.kind !== kind)
    throw env.reject('graph-node', 'EINVAL', `${kind} not found at offset=${offset}`, { register: regno });
  const lock = fieldOf(fields, 'bpf_spin_lock', 'bpf_res_spin_lock');
  checkOwnLockHeld(env, register, `bpf_spin_lock at off=${lock?.offset ?? -22} must be held for ${kind}`);
  const root = { field, btf: fields.btf };
  if (kind === 'bpf_list_head') meta.listHead = root;
  else meta.treeRoot = root;
}

/** A node of the kind that the root contains, at the offset that the root names. */
function checkGraphNode(
  env: VerifierEnvironment,
  meta: KfuncMeta,
  regno: number,
  kind: SpecialKind,
  rootKind: string,
  root: { field: SpecialField; btf: Btf },
): void {
  const register = env.register(regno);
  const refuse = (message: string): never => {
    throw env.reject('graph-node', 'EINVAL', message, { register: regno });
  };
  if (register.scalar.mask !== 0n) refuse(`R${regno} doesn't have constant offset. ${kind} has to be at the constant offset`);
  const offset = knownOffset(register);
  const field = fieldAt(fieldsBehind(register), offset);
  if (field?.kind !== kind) refuse(`${kind} not found at offset=${offset}`);
  const graph = root.field.graph!;
  const name = register.btf?.type(register.btfId)?.name ?? '';
  if (!register.btf || !structsMatch(register.btf, register.btfId, 0, root.btf, graph.valueTypeId, true)) {
    refuse(
      `operation on ${rootKind} expects arg#1 ${kind} at offset=${graph.nodeOffset} in struct ${graph.valueName}, but arg is at offset=${offset} in struct ${name}`,
    );
  }
  meta.argumentBtf = register.btf;
  meta.argumentBtfId = register.btfId;
  if (offset !== graph.nodeOffset)
    refuse(`arg#1 offset=${offset}, but expected ${kind} at offset=${graph.nodeOffset} in struct ${graph.valueName}`);
}

/** A pointer to a kernel object of the parameter's type (process_kf_arg_ptr_to_btf_id). */
function checkKernelObject(env: VerifierEnvironment, meta: KfuncMeta, index: number, typeId: number): void {
  const { kfunc } = meta;
  const regno = index + 1;
  const register = env.register(regno);
  const unsafe = (typeFlags(register.type) & ~(PTR_TRUSTED | MEM_ALLOC | NON_OWN_REF)) !== 0;
  const standIn = structOfType(register);
  if ((baseType(register.type) !== PTR_TO_BTF_ID || (unsafe && !isRcu(register))) && standIn === undefined) {
    const wanted = typeName(baseType(register.type) | (typeFlags(register.type) & (PTR_TRUSTED | MEM_ALLOC | MEM_RCU | NON_OWN_REF)));
    throw env.reject('kfunc-argument', 'EINVAL', `arg#${index} is ${typeName(register.type)} expected ${wanted} or socket`, {
      register: regno,
    });
  }
  const isBtf = (register.type & BASE_MASK) === PTR_TO_BTF_ID;
  const btf = isBtf ? register.btf! : kfunc.btf;
  const id = isBtf ? register.btfId : (kfunc.btf.find(standIn!, 'struct') ?? 0);
  const wanted = kfunc.btf.type(typeId);
  const given = btf.type(id);
  const strict = (kfunc.releases && register.refObjId !== 0) || isAlias(wanted?.name ?? '', given?.name ?? '');
  if (PROJECTIONS[wanted?.name ?? ''] === given?.name) return;
  if (!structsMatch(btf, id, register.off, kfunc.btf, typeId, strict)) {
    throw env.reject(
      'kfunc-argument',
      'EINVAL',
      `kernel function ${kfunc.name} args#${index} expected pointer to STRUCT ${wanted?.name ?? ''} but R${regno} has a pointer to ${(given?.kind ?? 'struct').toUpperCase()} ${given?.name ?? ''}`,
      {
        register: regno,
        needed: `struct ${wanted?.name ?? ''} *`,
        known: `struct ${given?.name ?? ''} *`,
      },
    );
  }
}

/** `nf_conn` and `nf_conn___init` are laid out alike and are different states of one object: never one for the other. */
const isAlias = (a: string, b: string): boolean => a === `${b}___init` || b === `${a}___init`;

function checkSizedMemory(env: VerifierEnvironment, meta: KfuncMeta, index: number): void {
  const { parameters } = meta.kfunc.proto;
  const size = requireInitialised(env, index + 2);
  // NULL instead of memory: the size means nothing.
  if (!(isNull(env.register(index + 1)) && endsIn(parameters[index], '__opt'))) {
    checkSharedMemorySize(env, index + 2, `arg#${index} arg#${index + 1} memory, len pair leads to invalid memory access`);
  }
  if (!endsIn(parameters[index + 1], '__szk')) return;
  if (size.scalar.mask !== 0n)
    throw env.reject('helper-argument-constant', 'EINVAL', `R${index + 2} must be a known constant`, { register: index + 2 });
  meta.constant = size.scalar.value;
}

function checkIrqFlag(env: VerifierEnvironment, meta: KfuncMeta, index: number, insn: number): void {
  const { name } = meta.kfunc;
  const regno = index + 1;
  const register = env.register(regno);
  const family = name.startsWith('bpf_res_spin') ? IRQ_LOCK : IRQ_NATIVE;
  if (name === 'bpf_local_irq_save' || name === 'bpf_res_spin_lock_irqsave') {
    if (!irqFlagMayBegin(env, register))
      throw env.reject('lock', 'EINVAL', `expected uninitialized irq flag as arg#${index}`, { register: regno });
    accessMemory(env, regno, 0, { write: true, size: 8, value: -1 });
    saveIrqFlag(env, register, insn, family);
  } else {
    if (!irqFlagIsThere(env, register))
      throw env.reject('lock', 'EINVAL', `expected an initialized irq flag as arg#${index}`, { register: regno });
    restoreIrqFlag(env, register, family);
  }
}
