// What a kfunc asks of each argument: from its prototype in the kernel's BTF, the endings of parameter names, and its KF_ flags.
// Reads types only; registers are looked at where the kind of an argument follows from what is passed.

import { atLeast, kfuncAllowed, kfuncByName, programType as programTypeRow, type Kfunc } from '#core/catalog';
import { type Btf, type BtfFuncProto, type BtfParameter, type BtfType, resolve, skipModifiers } from '#core/btf';
import { BPF_CALL, BPF_JMP, BPF_PSEUDO_KFUNC_CALL, type Insn } from '#core/isa';
import { kfuncName } from './call-facts.ts';
import { isNull } from '../memory/check-stack.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import {
  baseType,
  CONST_PTR_TO_MAP,
  PTR_TO_BTF_ID,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  type Register,
  SCALAR_VALUE,
} from '../state/registers.ts';

export interface KfuncPrototype {
  readonly name: string;
  readonly kfunc: Kfunc | undefined;
  readonly btf: Btf;
  readonly proto: BtfFuncProto;
  readonly acquires: boolean;
  readonly releases: boolean;
  readonly returnsNull: boolean;
  readonly trustedArguments: boolean;
  readonly rcuArguments: boolean;
  readonly rcuProtected: boolean;
  readonly sleepable: boolean;
  readonly iterator: 'new' | 'next' | 'destroy' | undefined;
}

/** The kfunc that a call instruction names; refuses those the kernel does not have or does not let this program call. */
export function kfuncPrototype(env: VerifierEnvironment, insn: Insn): KfuncPrototype {
  const name = kfuncName(env, insn);
  const kfunc = kfuncByName(name);
  const btf = env.options.kernelBtf;
  const func = btf?.type(btf.find(name, 'func') ?? 0);
  const proto = func?.kind === 'func' ? btf!.type(func.type) : undefined;
  if (!btf || proto?.kind !== 'func_proto') {
    throw env.reject('kfunc-unknown', 'EINVAL', `kernel btf_id of kfunc ${name} is not known`, {
      explanation: btf
        ? `The target kernel has no kfunc ${name}.`
        : `Whether ${name} may be called cannot be said without the target kernel's BTF.`,
    });
  }
  if (kfunc?.since && !atLeast(env.kernel, kfunc.since)) {
    throw env.reject('kfunc-unknown', 'EINVAL', `kernel btf_id of kfunc ${name} is not known`, {
      explanation: `${name} came with Linux ${kfunc.since}; the target is ${env.kernel}.`,
    });
  }
  if (kfunc && !kfuncAllowed(kfunc, env.programType, env.attachType, env.kernel)) {
    throw env.reject('kfunc-not-allowed', 'EACCES', `calling kernel function ${name} is not allowed`, {
      explanation: `A program of type ${env.programType} may not call ${name}.`,
    });
  }
  if (!kfunc) throw env.reject('kfunc-not-allowed', 'EACCES', `calling kernel function ${name} is not allowed`);
  const has = (flag: string): boolean => kfunc.flags?.includes(flag) ?? false;
  return {
    name,
    kfunc,
    btf,
    proto,
    acquires: has('KF_ACQUIRE'),
    releases: has('KF_RELEASE'),
    returnsNull: has('KF_RET_NULL'),
    // What a function releases must be the program's own: the kernel asks releasing kfuncs for trusted arguments too.
    trustedArguments: has('KF_TRUSTED_ARGS') || has('KF_RELEASE'),
    rcuArguments: has('KF_RCU'),
    rcuProtected: has('KF_RCU_PROTECTED'),
    sleepable: has('KF_SLEEPABLE'),
    iterator: has('KF_ITER_NEW') ? 'new' : has('KF_ITER_NEXT') ? 'next' : has('KF_ITER_DESTROY') ? 'destroy' : undefined,
  };
}

/** Kfuncs of network devices' drivers: only for a program that is bound to one device, which none here is. */
const DEVICE_KFUNCS = new Set(['bpf_xdp_metadata_rx_timestamp', 'bpf_xdp_metadata_rx_hash', 'bpf_xdp_metadata_rx_vlan_tag']);

/** What the kernel asks of every kfunc call in the program, reached or not (add_kfunc_call). */
export function checkKfuncsBeforeWalk(env: VerifierEnvironment): void {
  env.insns.forEach((insn, at) => {
    if (insn.opcode !== (BPF_JMP | BPF_CALL) || insn.src !== BPF_PSEUDO_KFUNC_CALL) return;
    env.insn = at;
    if (!isGpl(env)) throw env.reject('helper-gpl', 'EINVAL', 'cannot call kernel function from non-GPL compatible program');
    if (DEVICE_KFUNCS.has(kfuncName(env, insn))) {
      throw env.reject('kfunc-context', 'EINVAL', 'metadata kfuncs require device-bound program', {
        explanation: "These kfuncs read what one device's driver knows of a packet: the program must be loaded for that device.",
      });
    }
  });
}

const GPL_LICENCES = new Set(['GPL', 'GPL v2', 'GPL and additional rights', 'Dual BSD/GPL', 'Dual MIT/GPL', 'Dual MPL/GPL']);
export const isGpl = (env: VerifierEnvironment): boolean => GPL_LICENCES.has(env.program.license);

export type KfuncArgument =
  | {
      readonly kind:
        | 'ignored'
        | 'scalar'
        | 'null'
        | 'ctx'
        | 'alloc'
        | 'refcounted'
        | 'dynptr'
        | 'iterator'
        | 'list_head'
        | 'list_node'
        | 'rb_root'
        | 'rb_node';
    }
  | { readonly kind: 'const_str' | 'map' | 'workqueue' | 'task_work' | 'irq_flag' | 'res_spin_lock' | 'callback' | 'mem_size' }
  | { readonly kind: 'btf_id'; readonly typeId: number }
  | { readonly kind: 'mem'; readonly typeId: number };

export const endsIn = (parameter: BtfParameter | undefined, suffix: string): boolean =>
  parameter !== undefined && parameter.name.endsWith(suffix) && parameter.name.length > suffix.length;

const isScalar = (type: BtfType | undefined): boolean => type?.kind === 'int' || type?.kind === 'enum' || type?.kind === 'enum64';

/** The struct, number or function that a pointer parameter points to. */
export function pointee(btf: Btf, parameter: BtfParameter): { type: BtfType | undefined; id: number } | undefined {
  const pointer = resolve(btf, parameter.type);
  if (pointer?.kind !== 'ptr') return undefined;
  const type = resolve(btf, pointer.type);
  return { type, id: type?.id ?? 0 };
}

const STRUCT_KINDS: Readonly<
  Record<string, 'dynptr' | 'list_head' | 'list_node' | 'rb_root' | 'rb_node' | 'workqueue' | 'task_work' | 'res_spin_lock'>
> = {
  bpf_dynptr: 'dynptr',
  bpf_dynptr_kern: 'dynptr',
  bpf_list_head: 'list_head',
  bpf_list_node: 'list_node',
  bpf_rb_root: 'rb_root',
  bpf_rb_node: 'rb_node',
  bpf_wq: 'workqueue',
  bpf_task_work: 'task_work',
  bpf_res_spin_lock: 'res_spin_lock',
};

/** Register types that stand for a kernel struct without a BTF pointer's own type. */
const STRUCT_OF_TYPE: Readonly<Record<number, string>> = {
  [PTR_TO_SOCKET]: 'sock',
  [PTR_TO_SOCK_COMMON]: 'sock_common',
  [PTR_TO_TCP_SOCK]: 'tcp_sock',
  [CONST_PTR_TO_MAP]: 'bpf_map',
};
export const structOfType = (register: Register): string | undefined => STRUCT_OF_TYPE[baseType(register.type)];

/** Context structs that the kernel has under a name of its own. */
export const PROJECTIONS: Readonly<Record<string, string>> = { __sk_buff: 'sk_buff', xdp_md: 'xdp_buff' };

function isContext(env: VerifierEnvironment, type: BtfType | undefined): boolean {
  const context = programTypeRow(env.programType)?.context;
  if (context === undefined || type?.kind !== 'struct') return false;
  const name = context.replace(/^struct /, '');
  return type.name === name || PROJECTIONS[name] === type.name;
}

/** What argument `index` (from 0) must be, given what is passed for it and for the next one. */
export function classifyArgument(env: VerifierEnvironment, kfunc: KfuncPrototype, index: number): KfuncArgument {
  const { btf, proto } = kfunc;
  const parameter = proto.parameters[index]!;
  const next = proto.parameters[index + 1];
  if (endsIn(parameter, '__ign') || endsIn(parameter, '__prog')) return { kind: 'ignored' };
  const type = resolve(btf, parameter.type);
  if (isScalar(type)) return { kind: 'scalar' };
  const target = pointee(btf, parameter);
  if (!target) throw env.reject('kfunc-argument', 'EINVAL', `Unrecognized arg#${index} type ${type?.kind.toUpperCase() ?? 'UNKNOWN'}`);
  const register = env.register(index + 1);
  const sized = next !== undefined && (endsIn(next, '__sz') || endsIn(next, '__szk')) && env.register(index + 2).type === SCALAR_VALUE;
  if (kfunc.name === 'bpf_cast_to_kern_ctx' || isContext(env, target.type)) return { kind: 'ctx' };
  if (endsIn(parameter, '__nullable') && isNull(register) && !sized) return { kind: 'null' };
  if (endsIn(parameter, '__alloc')) return { kind: 'alloc' };
  if (endsIn(parameter, '__refcounted_kptr')) return { kind: 'refcounted' };
  if (kfunc.iterator !== undefined && index === 0) return { kind: 'iterator' };
  if (endsIn(parameter, '__iter')) return { kind: 'iterator' };
  const named = target.type?.kind === 'struct' ? STRUCT_KINDS[target.type.name] : undefined;
  if (named) return { kind: named };
  if (endsIn(parameter, '__str')) return { kind: 'const_str' };
  if (endsIn(parameter, '__map')) return { kind: 'map' };
  if (endsIn(parameter, '__irq_flag')) return { kind: 'irq_flag' };
  if (baseType(register.type) === PTR_TO_BTF_ID || structOfType(register) !== undefined) {
    if (target.type?.kind !== 'struct' && target.type?.kind !== 'union') {
      throw env.reject(
        'kfunc-argument',
        'EINVAL',
        `kernel function ${kfunc.name} args#${index} pointer type ${typeWords(target.type)} is not supported`,
        { register: index + 1 },
      );
    }
    return { kind: 'btf_id', typeId: target.id };
  }
  if (target.type?.kind === 'func_proto') return { kind: 'callback' };
  // What is left is memory that both sides may write: numbers, or structs of them.
  if (
    !isScalar(target.type) &&
    !isStructOfScalars(btf, target.id) &&
    !(sized && (target.type === undefined || target.type.kind === 'void'))
  ) {
    throw env.reject(
      'kfunc-argument',
      'EINVAL',
      `arg#${index} pointer type ${typeWords(target.type)} must point to ${sized ? 'void, ' : ''}scalar, or struct with scalar`,
      {
        register: index + 1,
        explanation: `Argument ${index + 1} of ${kfunc.name} must be a kernel object, not memory of the program.`,
      },
    );
  }
  return sized ? { kind: 'mem_size' } : { kind: 'mem', typeId: target.id };
}

const typeWords = (type: BtfType | undefined): string => `${(type?.kind ?? 'void').toUpperCase()} ${type?.name ?? ''}`;

/** A struct with nothing but numbers in it, in structs and arrays too. */
export function isStructOfScalars(btf: Btf, id: number, depth = 0): boolean {
  const type = skipModifiers(btf, id);
  const struct = type?.kind === 'typedef' ? resolve(btf, id) : type;
  if ((struct?.kind !== 'struct' && struct?.kind !== 'union') || depth >= 4) return false;
  return struct.members.every((member) => {
    let inner = resolve(btf, member.type);
    if (inner?.kind === 'struct' || inner?.kind === 'union') return isStructOfScalars(btf, inner.id, depth + 1);
    if (inner?.kind === 'array') inner = resolve(btf, inner.type);
    return isScalar(inner);
  });
}
