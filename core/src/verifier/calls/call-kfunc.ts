// A call of a kernel function: may this program make it here, and what is known after it. Arguments are in check-kfunc-args.ts.

import { resolve, skipModifiers, sizeOf, type Btf, type BtfType } from '#core/btf';
import type { Insn } from '#core/isa';
import { treeCallback, walkAsyncCallback, walkCallback, workCallback } from './callbacks.ts';
import { enterCallback, forgetPacketPointers } from './call-helper.ts';
import { checkKfuncArguments, dynptrFlag, type KfuncMeta } from './check-kfunc-args.ts';
import { mayAccessPacket } from '../memory/check-memory.ts';
import { makeUnknown, settle, ZERO } from '../numbers/scalar.ts';
import { checkReturnValue } from '../flow/check-exit.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { isStructOfScalars, kfuncPrototype, type KfuncPrototype } from './kfunc-meta.ts';
import { inTreeCallback } from './check-helper-args.ts';
import { checkCallUnderLock, fieldsBehind } from '../objects/locks.ts';
import { findPreviousEntry, widenImpreciseScalars } from '../flow/prune.ts';
import {
  acquireReference,
  becomeNonOwning,
  inRcuSection,
  inSleepableContext,
  nonOwning,
  releaseReference,
  untrustRcuPointers,
} from '../objects/references.ts';
import {
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  mayBeNull,
  pointerRegister,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  type Register,
  scalarRegister,
  UNINITIALISED,
  unknownRegister,
} from '../state/registers.ts';
import { fieldOf, type SpecialField, specialFieldsOf } from '../objects/special-fields.ts';
import { endDynptr } from '../objects/stack-objects.ts';
import type { VerifierState } from '../state/state.ts';

const CALLER_SAVED = 6;
const PERCPU_OBJECT_LIMIT = 512;

const INSERTING = new Set(['bpf_list_push_front_impl', 'bpf_list_push_back_impl', 'bpf_rbtree_add_impl']);
const LIST_RETURNING = new Set(['bpf_list_pop_front', 'bpf_list_pop_back', 'bpf_list_front', 'bpf_list_back']);
const TREE_RETURNING = new Set(['bpf_rbtree_remove', 'bpf_rbtree_first', 'bpf_rbtree_root', 'bpf_rbtree_left', 'bpf_rbtree_right']);

/** A call with src 2. Changes the state to what holds after it; other paths that the call opens are put aside. */
export function checkKfuncCall(env: VerifierEnvironment, insn: Insn): void {
  const at = env.insn;
  checkCallUnderLock(env, insn);
  // A call that the loader could not resolve changes nothing; the program is refused at the end unless the call is dead code.
  if (env.program.kfuncs[insn.imm] === undefined) {
    env.unresolvedKfunc ??= at;
    return;
  }
  const kfunc = kfuncPrototype(env, insn);
  const { name } = kfunc;
  if (name === 'bpf_res_spin_lock' || name === 'bpf_res_spin_lock_irqsave') forkFailedLock(env, at);
  if (name === '__bpf_trap') throw env.reject('control-flow', 'EFAULT', 'unexpected __bpf_trap() due to uninitialized variable?');
  if (kfunc.sleepable && !env.state.inSleepable)
    throw env.reject('kfunc-context', 'EACCES', `program must be sleepable to call sleepable kfunc ${name}`);
  const meta = checkKfuncArguments(env, kfunc, at);
  walkCallbacks(env, meta, at);
  changeRegions(env, kfunc);
  release(env, meta, insn);
  if (name === 'bpf_throw') checkThrow(env);
  const result = returnedRegister(env, meta, at);
  for (let regno = 0; regno < CALLER_SAVED; regno++) env.setRegister(regno, UNINITIALISED);
  env.setRegister(0, result);
  if (name === 'bpf_xdp_pull_data') forgetPacketPointers(env);
  enterCallback(env);
  if (kfunc.iterator === 'next') walkNext(env, meta, at);
}

/** Taking a resilient lock can fail: the path on which it did holds no lock and has an error in R0. */
function forkFailedLock(env: VerifierEnvironment, at: number): void {
  const failed = env.pushBranch(at + 1, at);
  const { registers } = failed.frame;
  for (let regno = 0; regno < CALLER_SAVED; regno++) registers[regno] = UNINITIALISED;
  const scalar = makeUnknown();
  scalar.smin = -4095n;
  scalar.smax = -1n;
  scalar.s32min = -4095;
  scalar.s32max = -1;
  registers[0] = scalarRegister(settle(scalar));
}

function walkCallbacks(env: VerifierEnvironment, meta: KfuncMeta, at: number): void {
  switch (meta.kfunc.name) {
    case 'bpf_rbtree_add_impl': {
      const node = graphNode(meta.treeRoot!);
      walkCallback(env, at, meta.subprogram, treeCallback(nonOwning(node)));
      break;
    }
    case 'bpf_wq_set_callback_impl':
    case 'bpf_task_work_schedule_signal_impl':
    case 'bpf_task_work_schedule_resume_impl':
      walkAsyncCallback(env, at, meta.subprogram, workCallback(meta.map!, meta.mapUid), true);
      break;
    default:
  }
}

/** RCU, preemption and sleeping: regions that the call opens, closes or must not be in. */
function changeRegions(env: VerifierEnvironment, kfunc: KfuncPrototype): void {
  const { state } = env;
  const { name } = kfunc;
  const refuse = (message: string, errno = 'EACCES'): never => {
    throw env.reject('kfunc-context', errno, message);
  };
  const enters = name === 'bpf_rcu_read_lock';
  const leaves = name === 'bpf_rcu_read_unlock';
  if (state.activeRcuLocks > 0) {
    if (inTreeCallback(env) && (enters || leaves)) refuse('Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback');
    if (enters) refuse(`nested rcu read lock (kernel function ${name})`, 'EINVAL');
    if (leaves) {
      untrustRcuPointers(env);
      state.activeRcuLocks = 0;
    } else if (kfunc.sleepable) refuse(`kernel func ${name} is sleepable within rcu_read_lock region`);
  } else if (enters) state.activeRcuLocks = 1;
  else if (leaves) refuse(`unmatched rcu read unlock (kernel function ${name})`, 'EINVAL');
  if (name === 'bpf_preempt_disable') state.activePreemptLocks++;
  else if (name === 'bpf_preempt_enable') {
    if (state.activePreemptLocks === 0) refuse(`unmatched attempt to enable preemption (kernel function ${name})`, 'EINVAL');
    state.activePreemptLocks--;
  } else if (state.activePreemptLocks > 0 && kfunc.sleepable) refuse(`kernel func ${name} is sleepable within non-preemptible region`);
  if (state.activeIrqId !== 0 && kfunc.sleepable) refuse(`kernel func ${name} is sleepable within IRQ-disabled region`);
  if (kfunc.sleepable && !inSleepableContext(env)) refuse(`program must be sleepable to call sleepable kfunc ${name}`);
  if (kfunc.rcuProtected && !inRcuSection(env)) refuse(`kernel func ${name} requires RCU critical section protection`);
}

function release(env: VerifierEnvironment, meta: KfuncMeta, insn: Insn): void {
  const { name } = meta.kfunc;
  if (meta.releaseRegister !== 0) {
    const register = env.register(meta.releaseRegister);
    if (meta.dynptr?.refObjId) endDynptr(env, register);
    else if (!releaseReference(env, register.refObjId)) {
      throw env.reject('reference-state', 'EINVAL', `kfunc ${name}#${insn.imm} reference has not been acquired before`, {
        register: meta.releaseRegister,
      });
    }
  }
  if (INSERTING.has(name) && !becomeNonOwning(env, env.register(2).refObjId)) {
    throw env.reject('reference-state', 'EINVAL', `kfunc ${name}#${insn.imm} conversion of owning ref to non-owning failed`, {
      register: 2,
    });
  }
}

/** Without a callback for exceptions, what is thrown is what the program returns. */
function checkThrow(env: VerifierEnvironment): void {
  env.seenException = true;
  if (env.exceptionCallback === 0) checkReturnValue(env, 1, 'R1');
}

/** The object around the node of a list or tree. */
function graphNode(root: { readonly field: SpecialField; readonly btf: Btf }): Register {
  const { graph } = root.field;
  return pointerRegister(PTR_TO_BTF_ID | MEM_ALLOC, { btf: root.btf, btfId: graph!.valueTypeId, off: graph!.nodeOffset, scalar: ZERO });
}

/** R0 after the call. */
function returnedRegister(env: VerifierEnvironment, meta: KfuncMeta, at: number): Register {
  const { kfunc } = meta;
  const { btf, proto } = kfunc;
  const type = resolve(btf, proto.type);
  switch (type?.kind) {
    case undefined:
    case 'void':
      return UNINITIALISED;
    case 'int':
    case 'enum':
    case 'enum64':
      if (kfunc.name === 'bpf_res_spin_lock' || kfunc.name === 'bpf_res_spin_lock_irqsave') return scalarRegister(ZERO);
      return unknownRegister();
    case 'ptr':
      break;
    default:
      throw env.reject('kfunc-argument', 'EINVAL', `kernel function ${kfunc.name} returns a type that is not supported`);
  }
  const target = resolve(btf, type.type);
  let register = specialReturn(env, meta) ?? returnedPointer(env, meta, target);
  const returnsNull = kfunc.returnsNull && !(kfunc.name === 'bpf_refcount_acquire_impl' && meta.owned);
  if (returnsNull) register = register.with({ type: register.type | PTR_MAYBE_NULL, id: env.newId() });
  if (kfunc.acquires) {
    const id = acquireReference(env, at);
    register = register.with({ refObjId: id, ...(returnsNull ? { id } : {}) });
  } else if (LIST_RETURNING.has(kfunc.name) || TREE_RETURNING.has(kfunc.name)) {
    register = nonOwning(register);
  }
  if (
    register.id === 0 &&
    !mayBeNull(register.type) &&
    (register.type & MEM_ALLOC) !== 0 &&
    fieldOf(fieldsBehind(register), 'bpf_spin_lock', 'bpf_res_spin_lock')
  ) {
    register = register.with({ id: env.newId() });
  }
  return register;
}

function specialReturn(env: VerifierEnvironment, meta: KfuncMeta): Register | undefined {
  const { name } = meta.kfunc;
  if (name === 'bpf_obj_new_impl' || name === 'bpf_percpu_obj_new_impl') return newObject(env, meta, name === 'bpf_percpu_obj_new_impl');
  if (name === 'bpf_refcount_acquire_impl')
    return pointerRegister(PTR_TO_BTF_ID | MEM_ALLOC, { btf: meta.argumentBtf, btfId: meta.argumentBtfId });
  if (LIST_RETURNING.has(name)) return graphNode(meta.listHead!);
  if (TREE_RETURNING.has(name)) return graphNode(meta.treeRoot!);
  if (name === 'bpf_cast_to_kern_ctx')
    return pointerRegister(PTR_TO_BTF_ID | PTR_TRUSTED, { btf: meta.kfunc.btf, btfId: kernelContextId(env, meta.kfunc.btf) });
  if (name === 'bpf_rdonly_cast') return rdonlyCast(env, meta);
  if (name === 'bpf_dynptr_slice' || name === 'bpf_dynptr_slice_rdwr') {
    const { dynptr, constant } = meta;
    if (!dynptr || constant === undefined)
      throw env.reject('verifier-limit', 'EFAULT', 'verifier bug: dynptr slice without a dynptr or size');
    const writable = name === 'bpf_dynptr_slice_rdwr';
    if (writable && !packetWritable(env)) throw env.reject('write-forbidden', 'EINVAL', 'the prog does not allow writes to packet data');
    return pointerRegister(PTR_TO_MEM | dynptrFlag(dynptr.dynptr) | (writable ? 0 : MEM_RDONLY), {
      memSize: Number(BigInt.asIntN(32, constant)),
      dynptrId: dynptr.id,
    });
  }
  return undefined;
}

const packetWritable = (env: VerifierEnvironment): boolean => {
  if (!mayAccessPacket(env, true)) return false;
  env.seenDirectWrite = true;
  return true;
};

function newObject(env: VerifierEnvironment, meta: KfuncMeta, perCpu: boolean): Register {
  const id = meta.constant ?? 0n;
  if (id < 0n || id > 0xffff_ffffn)
    throw env.reject('kfunc-argument', 'EINVAL', 'local type ID argument must be in range [0, U32_MAX]', { register: 1 });
  const btf = env.object.btf;
  if (!btf) throw env.reject('btf', 'EINVAL', 'bpf_obj_new/bpf_percpu_obj_new requires prog BTF');
  const type = btf.type(Number(id));
  if (type?.kind !== 'struct')
    throw env.reject('kfunc-argument', 'EINVAL', 'bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct', { register: 1 });
  if (perCpu) {
    if (type.size > PERCPU_OBJECT_LIMIT)
      throw env.reject('kfunc-argument', 'EINVAL', `bpf_percpu_obj_new type size (${type.size}) is greater than ${PERCPU_OBJECT_LIMIT}`, {
        register: 1,
      });
    if (!isStructOfScalars(btf, type.id))
      throw env.reject('kfunc-argument', 'EINVAL', 'bpf_percpu_obj_new type ID argument must be of a struct of scalars', { register: 1 });
    if (specialFieldsOf(btf, type.id))
      throw env.reject('kfunc-argument', 'EINVAL', 'bpf_percpu_obj_new type ID argument must not contain special fields', { register: 1 });
  }
  return pointerRegister(PTR_TO_BTF_ID | MEM_ALLOC | (perCpu ? MEM_PERCPU : 0), { btf, btfId: type.id });
}

function rdonlyCast(env: VerifierEnvironment, meta: KfuncMeta): Register {
  const id = Number(meta.constant ?? 0n);
  const { btf } = meta.kfunc;
  const type = id === 0 ? undefined : skipModifiers(btf, id);
  if (id !== 0 && !type)
    throw env.reject('kfunc-argument', 'EINVAL', `Unknown type ID ${id} passed to kfunc bpf_rdonly_cast`, { register: 2 });
  if (type?.kind === 'struct' || type?.kind === 'union') return pointerRegister(PTR_TO_BTF_ID | PTR_UNTRUSTED, { btf, btfId: id });
  if (id === 0) return pointerRegister(PTR_TO_MEM | MEM_RDONLY | PTR_UNTRUSTED, { memSize: 0 });
  throw env.reject('kfunc-argument', 'EINVAL', 'kfunc bpf_rdonly_cast type ID argument must be of a struct or void', { register: 2 });
}

/** The kernel's struct behind the context that programs see. */
const KERNEL_CONTEXTS: Readonly<Record<string, string>> = {
  socket_filter: 'sk_buff',
  sched_cls: 'sk_buff',
  sched_act: 'sk_buff',
  cgroup_skb: 'sk_buff',
  lwt_in: 'sk_buff',
  lwt_out: 'sk_buff',
  lwt_xmit: 'sk_buff',
  lwt_seg6local: 'sk_buff',
  sk_skb: 'sk_buff',
  xdp: 'xdp_buff',
  cgroup_sock: 'sock',
  cgroup_sock_addr: 'bpf_sock_addr_kern',
  sock_ops: 'bpf_sock_ops_kern',
  sk_msg: 'sk_msg',
  kprobe: 'pt_regs',
  tracepoint: '__u64',
  perf_event: 'bpf_perf_event_data_kern',
  raw_tracepoint: 'u64',
  cgroup_device: 'bpf_cgroup_dev_ctx',
  cgroup_sysctl: 'bpf_sysctl_kern',
  cgroup_sockopt: 'bpf_sockopt_kern',
  sk_lookup: 'bpf_sk_lookup_kern',
  sk_reuseport: 'sk_reuseport_kern',
  flow_dissector: 'bpf_flow_dissector',
  netfilter: 'bpf_nf_ctx',
};

function kernelContextId(env: VerifierEnvironment, btf: Btf): number {
  const name = KERNEL_CONTEXTS[env.programType];
  const id = name === undefined ? undefined : (btf.find(name, 'struct') ?? btf.find(name));
  if (id === undefined) throw env.reject('kfunc-argument', 'EINVAL', `the kernel context of ${env.programType} programs is not known`);
  return id;
}

function returnedPointer(env: VerifierEnvironment, meta: KfuncMeta, target: BtfType | undefined): Register {
  const { kfunc } = meta;
  const { btf } = kfunc;
  // An address of no type is a number.
  if (!target || target.kind === 'void') return unknownRegister();
  if (target.kind !== 'struct' && target.kind !== 'union') {
    const size = meta.returnSize ?? (kfunc.name === 'bpf_session_cookie' ? 8 : sizeOf(btf, target.id));
    if (!size)
      throw env.reject(
        'kfunc-argument',
        'EINVAL',
        `kernel function ${kfunc.name} returns pointer type ${target.kind.toUpperCase()} ${target.name} is not supported`,
      );
    const readonly = meta.returnSize === undefined ? kfunc.name !== 'bpf_session_cookie' : meta.returnReadonly;
    return pointerRegister(PTR_TO_MEM | (readonly ? MEM_RDONLY : 0) | (kfunc.rcuProtected ? MEM_RCU : 0), {
      memSize: size,
      refObjId: meta.refObjId,
    });
  }
  let type = PTR_TO_BTF_ID;
  if (kfunc.name === 'bpf_get_kmem_cache') type |= PTR_UNTRUSTED;
  else if (kfunc.rcuProtected) type |= MEM_RCU;
  else if (kfunc.iterator === 'next') type |= (meta.iterator!.type & MEM_RCU) !== 0 ? MEM_RCU : PTR_TRUSTED;
  return pointerRegister(type, { btf, btfId: target.id });
}

/**
 * After `next`: one path has an element, and goes on with the iterator active; the current one has NULL, and a drained iterator.
 * What the loop changes without its value mattering is widened, so that walking it ends.
 */
function walkNext(env: VerifierEnvironment, meta: KfuncMeta, at: number): void {
  const place = meta.iterator!;
  if (place.state === 'active') {
    const before = findPreviousEntry(env, env.state.parent, at);
    const again = env.pushBranch(at + 1, at);
    setIterator(again, place, 'active', 1);
    if (before) widenImpreciseScalars(before, again);
    const { registers } = again.frame;
    const element = registers[0]!;
    registers[0] = element.with({ type: element.type & ~PTR_MAYBE_NULL });
  }
  setIterator(env.state, place, 'drained', 0);
  env.scratchSlot(place.slot);
  env.setRegister(0, scalarRegister(ZERO));
}

function setIterator(state: VerifierState, place: { frame: number; slot: number }, value: 'active' | 'drained', deeper: number): void {
  const { stack } = state.frames[place.frame]!;
  const slot = stack[place.slot]!;
  stack[place.slot] = {
    kinds: slot.kinds,
    register: slot.register.with({ iterator: value, iteratorDepth: slot.register.iteratorDepth + deeper }),
  };
}
