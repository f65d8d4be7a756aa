// Contexts that follow the BTF of what the program is attached to: arguments of a traced function or tracepoint,
// of an LSM hook, of an iterator, of a struct_ops member. r1 points to an array of them, 8 bytes each.

import { type Btf, type BtfFuncProto, resolve, sizeOf } from '#core/btf';
import { lsmHook, TRACEPOINT_ARGUMENTS } from '#core/catalog';
import { tracepointArgumentsKnown } from '../target/kernel-rules.ts';
import type { MemoryAccess } from './check-memory.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { MEM_PERCPU, MEM_RDONLY, MEM_USER, PTR_MAYBE_NULL, PTR_TO_BTF_ID, PTR_TO_BUF, PTR_TRUSTED } from '../state/registers.ts';

export interface ContextField {
  /** 0: a number. */
  readonly type: number;
  readonly btf?: Btf;
  readonly btfId?: number;
  readonly isReturnValue?: boolean;
}

export interface AttachTarget {
  readonly btf: Btf;
  readonly proto: BtfFuncProto;
  readonly name: string;
  /** Parameters of the proto that are not in the context (a tracepoint's data pointer). */
  readonly skipped: number;
}

/** What the program is attached to, as the kernel's BTF describes it. */
export function attachTarget(env: VerifierEnvironment): AttachTarget | undefined {
  const btf = env.options.kernelBtf;
  const target = env.program.attachTarget;
  if (!btf) return undefined;
  if (env.programType === 'struct_ops') return structOpsMember(env, btf);
  if (target === undefined) return undefined;
  const function_ = (name: string, skipped = 0): AttachTarget | undefined => {
    const id = btf.find(name, 'func');
    const type = id === undefined ? undefined : btf.type(id);
    const proto = type?.kind === 'func' ? btf.type(type.type) : undefined;
    return proto?.kind === 'func_proto' ? { btf, proto, name, skipped } : undefined;
  };
  switch (env.programType) {
    case 'tracing':
      if (env.attachType === 'BPF_TRACE_ITER') return function_(`bpf_iter_${target}`);
      if (env.attachType === 'BPF_TRACE_RAW_TP') {
        const id = btf.find(`btf_trace_${target}`, 'typedef');
        const type = id === undefined ? undefined : resolve(btf, id);
        const proto = type?.kind === 'ptr' ? btf.type(type.type) : undefined;
        return proto?.kind === 'func_proto' ? { btf, proto, name: target, skipped: 1 } : undefined;
      }
      return function_(target);
    case 'lsm':
      return function_(`bpf_lsm_${target}`);
    default:
      return undefined;
  }
}

function structOpsMember(env: VerifierEnvironment, btf: Btf): AttachTarget | undefined {
  const structName = env.program.structOps?.type;
  const memberName = env.program.structOps?.member;
  if (structName === undefined || memberName === undefined) return undefined;
  const id = btf.find(structName, 'struct');
  const struct = id === undefined ? undefined : btf.type(id);
  if (struct?.kind !== 'struct') return undefined;
  const member = struct.members.find((candidate) => candidate.name === memberName);
  const pointer = member && resolve(btf, member.type);
  const proto = pointer?.kind === 'ptr' ? resolve(btf, pointer.type) : undefined;
  if (proto?.kind !== 'func_proto') return undefined;
  // Names of parameters, and with them what may be NULL, stand at the kernel's stub for the member.
  const stubId = btf.find(`${structName}__${memberName}`, 'func');
  const stub = stubId === undefined ? undefined : btf.type(stubId);
  const stubProto = stub?.kind === 'func' ? btf.type(stub.type) : undefined;
  return { btf, proto: stubProto?.kind === 'func_proto' ? stubProto : proto, name: memberName, skipped: 0 };
}

/** Arguments of iterators that are not plain kernel structs, or may be NULL at the end (struct bpf_iter_reg). */
const ITERATOR_ARGUMENTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  task: { task: PTR_TO_BTF_ID | PTR_MAYBE_NULL | PTR_TRUSTED },
  task_file: { task: PTR_TO_BTF_ID | PTR_MAYBE_NULL, file: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
  task_vma: { task: PTR_TO_BTF_ID | PTR_MAYBE_NULL, vma: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
  bpf_map: { map: PTR_TO_BTF_ID | PTR_MAYBE_NULL | PTR_TRUSTED },
  bpf_prog: { prog: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
  bpf_link: { link: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
  bpf_map_elem: { key: PTR_TO_BUF | PTR_MAYBE_NULL | MEM_RDONLY, value: PTR_TO_BUF | PTR_MAYBE_NULL },
  bpf_sk_storage_map: { sk: PTR_TO_BTF_ID | PTR_MAYBE_NULL, value: PTR_TO_BUF | PTR_MAYBE_NULL },
  sockmap: { key: PTR_TO_BUF | PTR_MAYBE_NULL | MEM_RDONLY, sk: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
  netlink: { sk: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
  ipv6_route: { rt: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
  tcp: { sk_common: PTR_TO_BTF_ID | PTR_MAYBE_NULL | PTR_TRUSTED },
  udp: { udp_sk: PTR_TO_BTF_ID | PTR_MAYBE_NULL | PTR_TRUSTED },
  unix: { unix_sk: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
  cgroup: { cgroup: PTR_TO_BTF_ID | PTR_MAYBE_NULL | PTR_TRUSTED },
  ksym: { ksym: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
  kmem_cache: { s: PTR_TO_BTF_ID | PTR_MAYBE_NULL | PTR_TRUSTED },
  dmabuf: { dmabuf: PTR_TO_BTF_ID | PTR_MAYBE_NULL },
};

const FIELD_SIZE = 8;

/** The field at `off`; undefined where this program's context does not follow BTF, and a rejection where it has no such field. */
export function contextFromBtf(env: VerifierEnvironment, off: number, access: MemoryAccess): ContextField | undefined {
  if (env.programType !== 'tracing' && env.programType !== 'lsm' && env.programType !== 'struct_ops') return undefined;
  const invalid = (...lines: string[]) =>
    env.reject('ctx-access', 'EACCES', [...lines, `invalid bpf_context access off=${off} size=${access.size}`]);
  if (off < 0 || off >= FIELD_SIZE * 12 || access.write || off % access.size !== 0) throw invalid();
  const target = attachTarget(env);
  // Without the kernel's BTF nothing is known of the arguments; numbers are the safe answer.
  if (!target) return { type: 0 };
  const { btf, proto, name, skipped } = target;
  if (off % FIELD_SIZE !== 0) throw invalid(`func '${name}' offset ${off} is not multiple of 8`);
  const parameters = proto.parameters.slice(skipped);
  const index = argumentAt(btf, parameters, off);
  if (index > parameters.length) throw invalid(`func '${name}' doesn't have ${index + 1}-th argument`);
  if (index === parameters.length) {
    const returns = env.programType === 'lsm' || env.attachType === 'BPF_TRACE_FEXIT' || env.attachType === 'BPF_MODIFY_RETURN';
    if (!returns) throw invalid(`func '${name}' doesn't have ${index + 1}-th argument`);
    return fieldOfType(env, btf, proto.type, name, index, undefined, access, invalid, true);
  }
  return fieldOfType(env, btf, parameters[index]!.type, name, index, parameters[index]!.name, access, invalid, false);
}

/** Structs passed by value take more than one place. */
function argumentAt(btf: Btf, parameters: readonly { type: number }[], off: number): number {
  let at = 0;
  for (let i = 0; i < parameters.length; i++) {
    at += Math.max(FIELD_SIZE, Math.ceil((sizeOf(btf, parameters[i]!.type) ?? FIELD_SIZE) / FIELD_SIZE) * FIELD_SIZE);
    if (off < at) return i;
  }
  return off === at ? parameters.length : parameters.length + 1;
}

function fieldOfType(
  env: VerifierEnvironment,
  btf: Btf,
  typeId: number,
  name: string,
  index: number,
  parameter: string | undefined,
  access: MemoryAccess,
  invalid: (...lines: string[]) => unknown,
  isReturnValue: boolean,
): ContextField {
  const type = resolve(btf, typeId);
  if (
    !type ||
    type.kind === 'void' ||
    type.kind === 'int' ||
    type.kind === 'enum' ||
    type.kind === 'enum64' ||
    type.kind === 'struct' ||
    type.kind === 'float'
  ) {
    return { type: 0, isReturnValue };
  }
  if (type.kind !== 'ptr')
    throw invalid(`func '${name}' arg${index} '${type.name}' has type ${type.kind.toUpperCase()}. Only pointer access is allowed`);
  if (access.size !== 8) throw invalid(`func '${name}' size ${access.size} must be 8`);
  const iterator = env.attachType === 'BPF_TRACE_ITER' ? ITERATOR_ARGUMENTS[env.program.attachTarget ?? '']?.[parameter ?? ''] : undefined;
  if (iterator !== undefined && (iterator & 0xff) === PTR_TO_BUF) return { type: iterator };
  let flags = 0;
  let pointee = btf.type(type.type);
  while (
    pointee &&
    (pointee.kind === 'const' ||
      pointee.kind === 'volatile' ||
      pointee.kind === 'restrict' ||
      pointee.kind === 'typedef' ||
      pointee.kind === 'type_tag')
  ) {
    if (pointee.kind === 'type_tag') flags |= pointee.name === 'user' ? MEM_USER : pointee.name === 'percpu' ? MEM_PERCPU : 0;
    pointee = btf.type(pointee.type);
  }
  if (!pointee || pointee.kind === 'void' || pointee.kind === 'int') return { type: 0 };
  if (pointee.kind !== 'struct' && pointee.kind !== 'union')
    throw invalid(`func '${name}' arg${index} type ${pointee.kind.toUpperCase()} is not a struct`);
  if (iterator !== undefined) return { type: iterator, btf, btfId: pointee.id };
  const trusted =
    env.attachType === 'BPF_TRACE_RAW_TP' ||
    env.attachType === 'BPF_TRACE_ITER' ||
    (env.programType === 'lsm' && lsmHook(env.program.attachTarget ?? '').trusted) ||
    env.programType === 'struct_ops';
  env.log.write(`func '${name}' arg${index} has btf_id ${pointee.id} type ${pointee.kind.toUpperCase()} '${pointee.name}'\n`);
  if (env.attachType === 'BPF_TRACE_RAW_TP' && tracepointArgumentsKnown(env.kernel)) {
    const known = TRACEPOINT_ARGUMENTS[name];
    if (known?.error?.includes(index)) return { type: 0 };
    if (known?.null?.includes(index)) flags |= PTR_MAYBE_NULL;
  }
  if (parameter?.endsWith('__nullable')) flags |= PTR_MAYBE_NULL;
  // Congestion control gets a struct sock that is always a TCP socket.
  const tcpSock =
    env.program.structOps?.type === 'tcp_congestion_ops' && pointee.name === 'sock' ? btf.find('tcp_sock', 'struct') : undefined;
  return { type: PTR_TO_BTF_ID | flags | (trusted ? PTR_TRUSTED : 0), btf, btfId: tcpSock ?? pointee.id };
}
