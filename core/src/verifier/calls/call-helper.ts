// A helper call: may this program make it here, are its arguments right, and what is known after it.
// Arguments are in check-helper-args.ts; the callbacks' own paths in callbacks.ts.

import { helperAllowed, helperById, helperRule, programType as programTypeRow, type Helper, type ReturnRule } from '#core/catalog';
import type { Insn } from '#core/isa';
import { resolve, sizeOf } from '#core/btf';
import { helperChangesPacket } from './call-facts.ts';
import { helperCallback, walkAsyncCallback, walkCallback } from './callbacks.ts';
import { checkHelperArgument, checkMapTakesHelper, newCallMeta, type CallMeta } from './check-helper-args.ts';
import { checkResourceLeak } from '../flow/check-exit.ts';
import { checkFormat } from './check-format.ts';
import { isGpl } from './kfunc-meta.ts';
import { callbacksRepeated, constantKeysFound, functionsChangePackets, severalMapsWalked } from '../target/kernel-rules.ts';
import { kptrTarget } from '../objects/check-kptr-match.ts';
import { accessMemory } from '../memory/check-memory.ts';
import { isNull } from '../memory/check-stack.ts';
import { makeUnknown, settle, UNKNOWN, ZERO } from '../numbers/scalar.ts';
import { exitFunction } from './calls.ts';
import { noteLoopCall } from './fastcall.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { checkCallUnderLock } from '../objects/locks.ts';
import { LOG_LEVEL2 } from '../state/log.ts';
import { markPrecise } from '../flow/precision.ts';
import { acquireReference, forgetReference, forgotten, inRcuSection, inSleepableContext, releaseReference } from '../objects/references.ts';
import {
  isPacketPointerOrEnd,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  MEM_RINGBUF,
  mayBeNull,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  PTR_TRUSTED,
  DYNPTR_TYPE_SKB,
  DYNPTR_TYPE_XDP,
  type Register,
  pointerRegister,
  scalarRegister,
  typeName,
  UNINITIALISED,
  unknownRegister,
  SCALAR_VALUE,
} from '../state/registers.ts';
import { fieldOf } from '../objects/special-fields.ts';
import { dynptrAt, endDynptr } from '../objects/stack-objects.ts';
import { warnTailCall, warnUnwrittenRecord } from '../explain/warnings.ts';

const CALLER_SAVED = 6;
const MAX_ERRNO = 4095n;

/** Helpers whose result must be released. */
const ACQUIRING = new Set(['bpf_sk_lookup_tcp', 'bpf_sk_lookup_udp', 'bpf_skc_lookup_tcp', 'bpf_ringbuf_reserve', 'bpf_kptr_xchg']);
/** Helpers whose result is their argument under another type, and belongs to the same reference. */
const CASTING = new Set([
  'bpf_tcp_sock',
  'bpf_sk_fullsock',
  'bpf_skc_to_tcp_sock',
  'bpf_skc_to_tcp6_sock',
  'bpf_skc_to_udp6_sock',
  'bpf_skc_to_mptcp_sock',
  'bpf_skc_to_tcp_timewait_sock',
  'bpf_skc_to_tcp_request_sock',
]);
/** Helpers that return a length no larger than the size they were given, or an error. */
const RETURNING_LENGTH = new Set([
  'bpf_get_stack',
  'bpf_get_task_stack',
  'bpf_probe_read_str',
  'bpf_probe_read_kernel_str',
  'bpf_probe_read_user_str',
]);

/** A call with src 0. Changes the state to what holds after it; callbacks' paths are put aside. */
export function checkHelperCall(env: VerifierEnvironment, insn: Insn): void {
  checkCallUnderLock(env, insn);
  const helper = checkMayCall(env, insn);
  const rule = helperRule(helper, env.programType);
  const meta = newCallMeta(helper, rule);
  const at = env.insn;
  for (let index = 0; index < rule.arguments.length; index++) checkHelperArgument(env, index, meta, at);
  rememberMap(env, meta, at);
  if (helper.name === 'bpf_tail_call' && meta.map?.type !== 'prog_array')
    throw env.reject('helper-map', 'EINVAL', 'expected prog array map for tail call', { register: 2 });
  // Memory that the helper fills counts as written, byte by byte.
  for (let i = 0; i < meta.raw.size; i++) accessMemory(env, meta.raw.register, i, { write: true, size: 1, value: -1 });
  if (helper.name === 'bpf_ringbuf_submit') warnUnwrittenRecord(env);
  release(env, meta);
  const effects = specialEffects(env, meta, at);
  const result = returnedRegister(env, meta, at, effects);
  for (let regno = 0; regno < CALLER_SAVED; regno++) env.setRegister(regno, UNINITIALISED);
  env.setRegister(0, result);
  checkMapTakesHelper(env, meta);
  if (helper.name === 'bpf_tail_call') {
    leaveByTailCall(env);
    return;
  }
  if (helper.name === 'bpf_get_func_ip') checkFunctionAddress(env);
  if (effects.packetStale || helperChangesPacket(helper.name)) forgetPacketPointers(env);
  enterCallback(env);
}

/** On kernels that walk callbacks once the path goes into it now. */
export function enterCallback(env: VerifierEnvironment): void {
  const frame = env.enterAfterCall;
  if (!frame) return;
  env.enterAfterCall = undefined;
  env.state.frames.push(frame);
  env.scratchAll();
  env.insn = env.subprograms[frame.subprogram]!.start - 1;
  env.liveStack?.forgetCurrent();
}

/** The kernel has the helper, this program type may call it, and so may this place in the program. */
function checkMayCall(env: VerifierEnvironment, insn: Insn): Helper {
  const helper = helperById(insn.imm);
  if (!helper) {
    throw env.reject(
      'helper-unknown',
      'EINVAL',
      insn.imm === 0 ? 'program of this type cannot use helper bpf_unspec#0' : `invalid func unknown#${insn.imm}`,
      { explanation: `There is no helper with the number ${insn.imm}.` },
    );
  }
  const name = `${helper.name}#${helper.id}`;
  const allowed = helperAllowed(helper, env.programType, env.attachType, env.kernel);
  if (!(targetAllows(env, helper.name) ?? allowed.allowed)) {
    throw env.reject('helper-not-allowed', 'EINVAL', `program of this type cannot use helper ${name}`, {
      ...(allowed.reason && { explanation: allowed.reason }),
    });
  }
  if (configuredOut(env, helper.name)) {
    throw env.reject('helper-not-allowed', 'EINVAL', `program of this type cannot use helper ${name}`, {
      explanation: `The target kernel was built without ${helper.name}: its BTF has no such function.`,
    });
  }
  const rule = helperRule(helper, env.programType);
  if (rule.gplOnly && !isGpl(env))
    throw env.reject('helper-gpl', 'EINVAL', 'cannot call GPL-restricted function from non-GPL compatible program');
  if (!allowedAtTarget(env, helper.name))
    throw env.reject('helper-not-allowed', 'EINVAL', 'helper call is not allowed in probe', {
      explanation: `${helper.name} may only be called where it is attached to one of a few kernel functions.`,
    });
  if (rule.mightSleep && !inSleepableContext(env)) {
    const { state } = env;
    const region =
      state.activeRcuLocks > 0
        ? 'rcu_read_lock region'
        : state.activePreemptLocks > 0
          ? 'non-preemptible region'
          : state.activeIrqId !== 0
            ? 'IRQ-disabled region'
            : undefined;
    // In a sleepable program the region is what forbids it.
    if (!state.inSleepable || region === undefined)
      throw env.reject('helper-context', 'EINVAL', 'helper call might sleep in a non-sleepable prog');
    throw env.reject('helper-context', 'EINVAL', `sleepable helper ${name} in ${region}`);
  }
  return helper;
}

/** Kernel functions whose programs may call bpf_d_path: no lock is held in them that it needs (btf_allowlist_d_path). */
const D_PATH_TARGETS = new Set([
  'security_file_permission',
  'security_inode_getattr',
  'security_file_open',
  'security_path_truncate',
  'vfs_truncate',
  'vfs_fallocate',
  'dentry_open',
  'vfs_getattr',
  'filp_close',
]);

/** Some helpers are only safe in programs attached to certain places. */
function allowedAtTarget(env: VerifierEnvironment, helper: string): boolean {
  const { programType, attachType } = env;
  const target = env.program.attachTarget ?? '';
  if (helper === 'bpf_d_path') {
    // Which hooks of the security modules may sleep is not in the kernel's BTF: those programs are taken at their word.
    if (programType === 'lsm') return true;
    return (programType === 'tracing' && attachType === 'BPF_TRACE_ITER') || D_PATH_TARGETS.has(target);
  }
  if ((helper === 'bpf_sk_storage_get' || helper === 'bpf_sk_storage_delete') && (programType === 'tracing' || programType === 'syscall')) {
    if (attachType === 'BPF_TRACE_ITER' || attachType === 'BPF_TRACE_RAW_TP') return true;
    return (attachType === 'BPF_TRACE_FENTRY' || attachType === 'BPF_TRACE_FEXIT') && !target.startsWith('bpf_sk_storage');
  }
  return true;
}

/** The address of the traced function is known in kprobes and where a trampoline calls the program (check_get_func_ip). */
function checkFunctionAddress(env: VerifierEnvironment): void {
  const { programType, attachType } = env;
  if (programType === 'kprobe') return;
  const name = 'bpf_get_func_ip#173';
  if (programType === 'tracing') {
    if (attachType === 'BPF_TRACE_FENTRY' || attachType === 'BPF_TRACE_FEXIT' || attachType === 'BPF_MODIFY_RETURN') return;
    throw env.reject('helper-context', 'ENOTSUPP', `func ${name} supported only for fentry/fexit/fmod_ret programs`);
  }
  throw env.reject('helper-context', 'ENOTSUPP', `func ${name} not supported for program type ${programTypeId(programType)}`);
}

const programTypeId = (name: string): number => programTypeRow(name)?.id ?? 0;

/** Helpers that a kernel may be built without. */
const OPTIONAL_HELPERS = new Set([
  'bpf_override_return',
  'bpf_probe_write_user',
  'bpf_inode_storage_get',
  'bpf_inode_storage_delete',
  'bpf_ima_inode_hash',
  'bpf_ima_file_hash',
  'bpf_bprm_opts_set',
  'bpf_rc_repeat',
  'bpf_rc_keydown',
  'bpf_rc_pointer_rel',
]);

/** Whether the target kernel's BTF shows that it was built without the helper. A BTF without functions shows nothing. */
function configuredOut(env: VerifierEnvironment, helper: string): boolean {
  const { kernelBtf } = env.options;
  if (!kernelBtf || !OPTIONAL_HELPERS.has(helper)) return false;
  return kernelBtf.find('bpf_map_lookup_elem', 'func') !== undefined && kernelBtf.find(helper, 'func') === undefined;
}

/** Hooks at which a program of a cgroup may use socket options. */
const SOCKOPT_HOOKS = new Set(['sock_graft', 'inet_csk_clone', 'inet_conn_established', 'socket_post_create', 'socket_socketpair']);

/** Socket options, which depend on what the program is attached to: where the socket is locked, or can be. Undefined for other helpers. */
function targetAllows(env: VerifierEnvironment, helper: string): boolean | undefined {
  if (helper !== 'bpf_setsockopt' && helper !== 'bpf_getsockopt') return undefined;
  const { attachTarget, structOps } = env.program;
  switch (env.programType) {
    case 'tracing':
      return env.attachType === 'BPF_TRACE_ITER' && (attachTarget === 'tcp' || attachTarget === 'unix');
    case 'lsm':
      return env.attachType === 'BPF_LSM_CGROUP' && SOCKOPT_HOOKS.has(attachTarget ?? '');
    case 'struct_ops':
      // A congestion control that retires changes nothing any more.
      return structOps?.type === 'tcp_congestion_ops' && structOps.member !== 'release';
    default:
      return undefined;
  }
}

/** Helpers that change the map itself. */
const MAP_WRITING = new Set(['bpf_map_update_elem', 'bpf_map_delete_elem', 'bpf_map_push_elem', 'bpf_map_pop_elem']);

function rememberMap(env: VerifierEnvironment, meta: CallMeta, at: number): void {
  if (!meta.map) return;
  if (MAP_WRITING.has(meta.helper.name) && !meta.map.programMayWrite) {
    throw env.reject('write-forbidden', 'EACCES', 'write into map forbidden', {
      register: 1,
      explanation: `The map ${meta.map.definition.name} is read-only for programs.`,
    });
  }
  const before = env.facts.callMap.get(at);
  env.facts.callMap.set(at, before === undefined || before === meta.map ? meta.map : null);
  if (meta.helper.name === 'bpf_for_each_map_elem' && env.facts.callMap.get(at) === null && !severalMapsWalked(env.kernel))
    throw env.reject('helper-map', 'EINVAL', 'tail_call abusing map_ptr', {
      register: 1,
      explanation: `Paths with different maps meet at this call, which Linux ${env.kernel} does not allow.`,
      advice: 'Call the helper in each branch, with its own map.',
    });
}

function release(env: VerifierEnvironment, meta: CallMeta): void {
  if (meta.releaseRegister === 0) return;
  const register = env.register(meta.releaseRegister);
  const { helper } = meta;
  if (meta.rule.arguments[meta.releaseRegister - 1]!.kind === 'dynptr') {
    endDynptr(env, register);
    return;
  }
  let released: boolean;
  if (helper.name === 'bpf_kptr_xchg' && meta.refObjId !== 0) released = giveAway(env, meta.refObjId);
  else if (meta.refObjId !== 0) released = releaseReference(env, meta.refObjId);
  else released = isNull(register);
  if (!released) {
    throw env.reject('reference-state', 'EINVAL', `func ${helper.name}#${helper.id} reference has not been acquired before`, {
      register: meta.releaseRegister,
    });
  }
}

/** The map owns the object now. A per-CPU object stays readable for as long as RCU protects it. */
function giveAway(env: VerifierEnvironment, id: number): boolean {
  if (!forgetReference(env.state, id)) return false;
  const rcu = inRcuSection(env);
  env.state.changeRegisters((register) => {
    if (register.refObjId !== id) return undefined;
    if (rcu && (register.type & MEM_ALLOC) !== 0 && (register.type & MEM_PERCPU) !== 0)
      return register.with({ refObjId: 0, type: (register.type & ~MEM_ALLOC) | MEM_RCU });
    return forgotten();
  });
  return true;
}

interface Effects {
  packetStale: boolean;
  /** The object behind a per-CPU kptr on one CPU. */
  perCpuObject: boolean;
}

/**
 * A tail call that succeeds never comes back here; from a function that is not the outermost it returns to the caller,
 * with any value, and after a program that may have changed the packet. A failing one goes on.
 */
function leaveByTailCall(env: VerifierEnvironment): void {
  if (env.state.frames.length === 1 || !functionsChangePackets(env.kernel)) return;
  env.pushBranch(env.insn + 1, env.insn);
  forgetPacketPointers(env);
  env.setRegister(0, unknownRegister());
  exitFunction(env);
  env.insn--;
}

/** Without flags the loop may be written out in place: then it must be so on all paths taken for equal. */
function noteLoopFlags(env: VerifierEnvironment, meta: CallMeta, at: number): void {
  if (env.facts.inlinedLoops.get(at)?.fits === false) return;
  const noFlags = isNull(env.register(4));
  if (noFlags) markPrecise(env, 4);
  noteLoopCall(env, at, meta.subprogram, noFlags);
}

/** A constant index lets the kernel jump directly: then it must be the same on all paths that are taken for equal. */
function rememberTailCallIndex(env: VerifierEnvironment, meta: CallMeta): void {
  const index = env.register(3);
  if (index.type === SCALAR_VALUE && index.scalar.mask === 0n && index.scalar.value < BigInt(meta.map?.maxEntries ?? 0))
    markPrecise(env, 3);
}

/** What single helpers do beyond their prototype. */
function specialEffects(env: VerifierEnvironment, meta: CallMeta, at: number): Effects {
  const effects: Effects = { packetStale: false, perCpuObject: false };
  switch (meta.helper.name) {
    case 'bpf_tail_call':
      rememberTailCallIndex(env, meta);
      checkResourceLeak(env, 'tail_call', false, true);
      warnTailCall(env, meta.map);
      break;
    case 'bpf_get_local_storage':
      if (!isNull(env.register(2)))
        throw env.reject('helper-argument', 'EINVAL', "get_local_storage() doesn't support non-zero flags", { register: 2 });
      break;
    case 'bpf_for_each_map_elem':
    case 'bpf_find_vma':
    case 'bpf_user_ringbuf_drain':
      walkCallback(env, at, meta.subprogram, helperCallback(env, meta.helper.name));
      break;
    case 'bpf_timer_set_callback':
      walkAsyncCallback(env, at, meta.subprogram, helperCallback(env, meta.helper.name), false);
      break;
    case 'bpf_loop': {
      // The number of rounds decides how often the callback is walked.
      noteLoopFlags(env, meta, at);
      markPrecise(env, 1);
      const { frame } = env;
      if (!callbacksRepeated(env.kernel) || BigInt(frame.callbackDepth) < env.register(1).scalar.umax)
        walkCallback(env, at, meta.subprogram, helperCallback(env, meta.helper.name));
      else {
        frame.callbackDepth = 0;
        if (env.log.level & LOG_LEVEL2) env.log.write(`frame${frame.number} bpf_loop iteration limit reached\n`);
      }
      break;
    }
    case 'bpf_snprintf':
      checkFormat(env, meta);
      break;
    case 'bpf_dynptr_from_mem':
      if (env.register(1).type !== PTR_TO_MAP_VALUE) {
        throw env.reject('dynptr', 'EACCES', `Unsupported reg type ${typeName(env.register(1).type)} for bpf_dynptr_from_mem data`, {
          register: 1,
        });
      }
      break;
    case 'bpf_dynptr_data': {
      const dynptr = dynptrAt(env, env.register(1))!;
      meta.dynptrId = dynptr.id;
      meta.refObjId = dynptr.refObjId;
      break;
    }
    case 'bpf_dynptr_write': {
      const dynptr = dynptrAt(env, env.register(1))!;
      // A write may move the packet's data: slices and packet pointers are stale.
      effects.packetStale = dynptr.dynptr === 'skb' || dynptr.dynptr === 'skb_meta';
      break;
    }
    case 'bpf_per_cpu_ptr':
    case 'bpf_this_cpu_ptr':
      effects.perCpuObject = (env.register(1).type & MEM_RCU) !== 0;
      break;
    default:
  }
  return effects;
}

/** R0 after the call. */
function returnedRegister(env: VerifierEnvironment, meta: CallMeta, at: number, effects: Effects): Register {
  const { returns } = meta.rule;
  const register = returnedValue(env, meta, returns, effects);
  if (mayBeNull(register.type)) register.id = env.newId();
  const { name } = meta.helper;
  if (name === 'bpf_dynptr_data') {
    register.dynptrId = meta.dynptrId;
    register.refObjId = meta.refObjId;
  } else if (CASTING.has(name)) {
    register.refObjId = meta.refObjId;
  } else if (ACQUIRING.has(name) || (name === 'bpf_map_lookup_elem' && (meta.map?.type === 'sockmap' || meta.map?.type === 'sockhash'))) {
    register.id = register.refObjId = acquireReference(env, at);
  }
  return register;
}

function returnedValue(env: VerifierEnvironment, meta: CallMeta, returns: ReturnRule, effects: Effects): Register {
  const nullable = returns.maybeNull ? PTR_MAYBE_NULL : 0;
  const pointer = (type: number, changes: Partial<Register> = {}): Register =>
    pointerRegister(type | nullable, { scalar: ZERO, ...changes } as never);
  switch (returns.kind) {
    case 'void':
      return UNINITIALISED.copy();
    case 'integer':
      return returnedInteger(env, meta);
    case 'map_value': {
      const map = meta.map!;
      // An array has an element at every index below its size.
      const certain =
        constantKeysFound(env.kernel) &&
        meta.helper.name === 'bpf_map_lookup_elem' &&
        meta.constantKey !== undefined &&
        (map.type === 'array' || map.type === 'percpu_array') &&
        meta.constantKey < BigInt(map.maxEntries);
      const type = PTR_TO_MAP_VALUE | (certain ? 0 : nullable);
      const locked = !mayBeNull(type) && fieldOf(map.fields, 'bpf_spin_lock', 'bpf_res_spin_lock') !== undefined;
      return pointerRegister(type, { map, mapUid: meta.mapUid, id: locked ? env.newId() : 0 });
    }
    case 'socket':
      return pointer(PTR_TO_SOCKET);
    case 'sock_common':
      return pointer(PTR_TO_SOCK_COMMON);
    case 'tcp_sock':
      return pointer(PTR_TO_TCP_SOCK);
    case 'ringbuf_mem':
      return pointer(PTR_TO_MEM | MEM_RINGBUF, { memSize: meta.memSize });
    case 'dynptr_mem':
      return pointer(PTR_TO_MEM, { memSize: meta.memSize });
    case 'mem_or_btf_id': {
      const btf = meta.returnBtf;
      const type = btf && resolve(btf, meta.returnBtfId);
      if (!btf || !type) throw env.reject('helper-argument', 'EINVAL', 'Helper has invalid btf_id in R1', { register: 1 });
      if (type.kind !== 'struct') {
        const size = sizeOf(btf, meta.returnBtfId);
        if (size === undefined)
          throw env.reject('helper-argument', 'EINVAL', `unable to resolve the size of type '${type.name}': -22`, { register: 1 });
        return pointer(PTR_TO_MEM | MEM_RDONLY, { memSize: size });
      }
      return pointer(PTR_TO_BTF_ID | (effects.perCpuObject ? MEM_ALLOC | MEM_RCU : 0), { btf, btfId: meta.returnBtfId });
    }
    case 'btf_id': {
      if (meta.helper.name === 'bpf_kptr_xchg') {
        const target = kptrTarget(env, meta.kptr!, meta.kptrBtf!);
        const own = target.kernel ? 0 : MEM_ALLOC | (meta.kptr!.kind === 'percpu_kptr' ? MEM_PERCPU : 0);
        return pointer(PTR_TO_BTF_ID | own, { btf: target.btf, btfId: target.id });
      }
      const kernelBtf = env.options.kernelBtf;
      const id = returns.struct === undefined ? undefined : kernelBtf?.find(returns.struct, 'struct');
      // Without the kernel's types the object is a number nobody can look into.
      if (!kernelBtf || id === undefined) return unknownRegister();
      return pointer(PTR_TO_BTF_ID | (returns.trusted ? PTR_TRUSTED : 0), { btf: kernelBtf, btfId: id });
    }
  }
}

function returnedInteger(env: VerifierEnvironment, meta: CallMeta): Register {
  const { name } = meta.helper;
  if (RETURNING_LENGTH.has(name)) {
    const scalar = makeUnknown();
    scalar.smax = meta.sizeMax;
    scalar.s32max = Number(BigInt.asIntN(32, meta.sizeMax));
    scalar.smin = -MAX_ERRNO;
    scalar.s32min = -Number(MAX_ERRNO);
    return scalarRegister(settle(scalar));
  }
  if (name === 'bpf_get_smp_processor_id' && env.options.cpus !== undefined) {
    const scalar = makeUnknown();
    const last = env.options.cpus - 1;
    scalar.umax = BigInt(last);
    scalar.u32max = last;
    scalar.smin = 0n;
    scalar.smax = BigInt(last);
    scalar.s32min = 0;
    scalar.s32max = last;
    return scalarRegister(settle(scalar));
  }
  return scalarRegister(UNKNOWN);
}

/** Pointers into the packet, and slices of dynptrs over it, mean nothing any more. */
export function forgetPacketPointers(env: VerifierEnvironment): void {
  env.state.changeRegisters((register) =>
    isPacketPointerOrEnd(register.type) || (register.type & (DYNPTR_TYPE_SKB | DYNPTR_TYPE_XDP)) !== 0 ? forgotten() : undefined,
  );
}
