// Loads and stores through pointers to kernel objects and to objects that the program allocated: the object's BTF says
// which field is there and what a pointer in it may be used for.

import { type Btf, type BtfComposite, resolve, sizeOf } from '#core/btf';
import type { MemoryAccess } from './check-memory.ts';
import { formatTnum } from '../numbers/tnum.ts';
import { trustedPointers, typedPointersNeedGpl } from '../target/kernel-rules.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import {
  isAllocatedObject,
  isRcu,
  isTrusted,
  mayBeNull,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  MEM_USER,
  NON_OWN_REF,
  pointerRegister,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  type Register,
  unknownRegister,
} from '../state/registers.ts';
import { inRcuSection } from '../objects/references.ts';
import { specialFieldsOf, specialName } from '../objects/special-fields.ts';

/** What stands at an offset of a struct. */
type Found =
  | { readonly kind: 'scalar' }
  | { readonly kind: 'pointer'; readonly typeId: number; readonly flags: number; readonly field: string; readonly struct: string }
  | { readonly kind: 'untrusted-memory' }
  | { readonly kind: 'problem'; readonly errno: string; readonly message: string };

const problem = (message: string, errno = 'EACCES'): Found => ({ kind: 'problem', errno, message });

/** Follows members, unions and arrays down to the field at [off, off + size). */
function fieldOfStruct(env: VerifierEnvironment, btf: Btf, typeId: number, off: number, size: number): Found {
  let struct = resolve(btf, typeId) as BtfComposite | undefined;
  let at = off;
  let flags = 0;
  for (;;) {
    if (!struct || (struct.kind !== 'struct' && struct.kind !== 'union')) return problem(`Type '${struct?.name ?? ''}' is not a struct`);
    const name = struct.name || '(anon)';
    if (struct.kind === 'union' && struct.members.length !== 1) flags |= PTR_UNTRUSTED;
    if (at + size > struct.size) {
      const last: BtfComposite['members'][number] | undefined = struct.members[struct.members.length - 1];
      const array = last && resolve(btf, last.type);
      // A flexible array at the end has no size of its own: any element may be accessed.
      if (!last || array?.kind !== 'array' || array.count !== 0) return problem(`access beyond struct ${name} at off ${at} size ${size}`);
      const start = last.bitOffset / 8;
      const element = resolve(btf, array.type);
      if (at < start || element?.kind !== 'struct' || element.size === 0)
        return problem(`access beyond struct ${name} at off ${at} size ${size}`);
      at = (at - start) % element.size;
      struct = element;
      continue;
    }
    let inner: BtfComposite | undefined;
    for (const member of struct.members) {
      if (member.bitSize > 0) {
        const endBit = member.bitOffset + member.bitSize;
        if (at <= Math.floor(member.bitOffset / 8) && Math.ceil(endBit / 8) <= at + size) return { kind: 'scalar' };
        continue;
      }
      let start = member.bitOffset / 8;
      if (at + size <= start) break;
      let type = resolve(btf, member.type);
      let total = sizeOf(btf, member.type) ?? 0;
      const memberEnd = start + total;
      if (at >= memberEnd) {
        continue;
      }
      if (type?.kind === 'array') {
        let element = type as typeof type | undefined;
        let elementType = type.type;
        while (element) {
          elementType = element.type;
          const next = resolve(btf, elementType);
          element = next?.kind === 'array' ? next : undefined;
        }
        const elementSize = sizeOf(btf, elementType) ?? 1;
        if (at < start) continue;
        start += Math.floor((at - start) / Math.max(1, elementSize)) * elementSize;
        total = elementSize;
        type = resolve(btf, elementType);
      } else if (at < start) continue;
      if (type?.kind === 'struct' || type?.kind === 'union') {
        inner = type;
        at -= start;
        break;
      }
      if (type?.kind === 'ptr') {
        if (total !== size || at !== start) {
          return problem(`cannot access ptr member ${member.name} with moff ${start} in struct ${name} with off ${at} size ${size}`);
        }
        return pointee(btf, type.type, flags, member.name, btf.type(typeId)?.name ?? '');
      }
      // Which member of a union holds the bytes is not known: then they may reach behind the one found first.
      if (at + size > memberEnd && !((flags & PTR_UNTRUSTED) !== 0 && trustedPointers(env.kernel))) {
        return problem(`access beyond the end of member ${member.name} (mend:${memberEnd}) in struct ${name} with off ${at} size ${size}`);
      }
      return { kind: 'scalar' };
    }
    if (!inner) return problem(`struct ${name} doesn't have field at offset ${at}`, 'EINVAL');
    struct = inner;
  }
}

function pointee(btf: Btf, typeId: number, flags: number, field: string, struct: string): Found {
  let tags = 0;
  let type = btf.type(typeId);
  while (
    type &&
    (type.kind === 'const' || type.kind === 'volatile' || type.kind === 'restrict' || type.kind === 'typedef' || type.kind === 'type_tag')
  ) {
    if (type.kind === 'type_tag')
      tags |= type.name === 'user' ? MEM_USER : type.name === 'percpu' ? MEM_PERCPU : type.name === 'rcu' ? MEM_RCU : 0;
    type = btf.type(type.type);
  }
  if (type?.kind === 'struct' || type?.kind === 'union' || type?.kind === 'fwd') {
    if (type.kind === 'fwd') return { kind: 'scalar' };
    return { kind: 'pointer', typeId: type.id, flags: flags | tags, field, struct };
  }
  return { kind: 'untrusted-memory' };
}

type TrustList = 'trusted' | 'trusted_or_null' | 'rcu' | 'rcu_or_null';

/** Fields whose pointers Linux 6.18 trusts, for types that were kept without the structs that list them. */
const LISTED_FIELDS: Readonly<Record<TrustList, Readonly<Record<string, readonly string[]>>>> = {
  rcu: {
    task_struct: ['cpus_ptr', 'cgroups', 'real_parent', 'group_leader'],
    cgroup: ['kn'],
    css_set: ['dfl_cgrp'],
    cgroup_subsys_state: ['cgroup'],
  },
  rcu_or_null: { mm_struct: ['exe_file'], sk_buff: ['sk'], request_sock: ['sk'] },
  trusted: { bpf_iter_meta: ['seq'], bpf_iter__task: ['meta', 'task'], linux_binprm: ['file'], file: ['f_inode'] },
  trusted_or_null: { dentry: ['d_inode'], socket: ['sk'] },
};

/** Whether the kernel lists this field of the struct among those it trusts; its BTF carries the lists as `NAME__safe_trusted` and the like. */
function listed(btf: Btf, struct: string, field: string, list: TrustList): boolean {
  if (btf.find('task_struct__safe_rcu', 'struct') === undefined) return LISTED_FIELDS[list][struct]?.includes(field) ?? false;
  const id = btf.find(`${struct}__safe_${list}`, 'struct');
  const type = id === undefined ? undefined : btf.type(id);
  return type?.kind === 'struct' && type.members.some((member) => member.name === field);
}

const TRUST = PTR_TRUSTED | MEM_ALLOC | NON_OWN_REF;

export function checkBtfAccess(env: VerifierEnvironment, regno: number, off: number, access: MemoryAccess): void {
  const register = env.register(regno);
  const { type, btf } = register;
  const { write, size, value } = access;
  const name = btf?.type(register.btfId)?.name ?? '';
  const details = { register: regno };
  const isKernel = !isAllocatedObject(type);
  if (isKernel && typedPointersNeedGpl(env.kernel) && !isGplCompatible(env.object.license)) {
    throw env.reject('btf-access', 'EINVAL', `Cannot access kernel 'struct ${name}' from non-GPL compatible program`, details);
  }
  if (off < 0) throw env.reject('btf-access', 'EACCES', `R${regno} is ptr_${name} invalid negative access: off=${off}`, details);
  if (register.scalar.mask !== 0n || register.scalar.value !== 0n) {
    throw env.reject(
      'pointer-variable-offset',
      'EACCES',
      `R${regno} is ptr_${name} invalid variable offset: off=${off}, var_off=${formatTnum(register.scalar)}`,
      details,
    );
  }
  if (type & MEM_USER) throw env.reject('btf-access', 'EACCES', `R${regno} is ptr_${name} access user memory: off=${off}`, details);
  if (type & MEM_PERCPU) throw env.reject('btf-access', 'EACCES', `R${regno} is ptr_${name} access percpu memory: off=${off}`, details);
  if (write && type & PTR_UNTRUSTED) throw env.reject('write-forbidden', 'EACCES', 'only read is supported', details);
  // The object was the program's own or protected by RCU, and is neither any more. The kernel takes that for an error of its own.
  if (!isKernel && (type & (MEM_RCU | NON_OWN_REF)) === 0 && register.refObjId === 0) {
    throw env.reject('btf-access', 'EFAULT', 'verifier bug: ref_obj_id for allocated object must be non-zero', details);
  }
  if (write && isKernel) {
    const refused = kernelWriteProblem(env, name, off, size);
    if (refused !== undefined) throw env.reject('write-forbidden', 'EACCES', refused, details);
    return;
  }
  if (!btf) {
    // Without the kernel's types nothing can be said about the field; a number is the safe answer.
    if (!write && value >= 0) env.setRegister(value, unknownRegister());
    return;
  }
  if (!isKernel) checkSpecialFields(env, register, off, size);
  const found = fieldOfStruct(env, btf, register.btfId, off, size);
  if (found.kind === 'problem') throw env.reject('btf-access', found.errno, found.message, details);
  if (write || value < 0) return;
  if (found.kind === 'scalar' || (!isKernel && found.kind === 'pointer')) {
    env.setRegister(value, unknownRegister());
    return;
  }
  if (found.kind === 'untrusted-memory') {
    env.setRegister(value, pointerRegister(PTR_TO_MEM | MEM_RDONLY | PTR_UNTRUSTED, {}));
    return;
  }
  const flags = trustOfLoaded(env, register, btf, found);
  env.setRegister(value, pointerRegister(PTR_TO_BTF_ID | flags, { btf, btfId: found.typeId, id: mayBeNull(flags) ? env.newId() : 0 }));
}

/** A pointer read from an object is trusted as far as the object keeps what it points to alive. */
function trustOfLoaded(env: VerifierEnvironment, object: Register, btf: Btf, found: Extract<Found, { kind: 'pointer' }>): number {
  let { flags } = found;
  if (object.type & PTR_UNTRUSTED) return PTR_UNTRUSTED;
  if (isTrusted(object) || isRcu(object)) {
    if (listed(btf, found.struct, found.field, 'trusted')) return flags | PTR_TRUSTED;
    if (listed(btf, found.struct, found.field, 'trusted_or_null')) return flags | PTR_TRUSTED | PTR_MAYBE_NULL;
    if (inRcuSection(env) && !mayBeNull(object.type)) {
      const orNull = listed(btf, found.struct, found.field, 'rcu_or_null');
      if (listed(btf, found.struct, found.field, 'rcu')) return flags | MEM_RCU;
      if (flags & MEM_RCU || orNull) {
        flags |= MEM_RCU | PTR_MAYBE_NULL;
        return orNull ? flags & ~PTR_UNTRUSTED : flags;
      }
      if (flags & (MEM_PERCPU | MEM_USER)) return flags;
      return flags & ~(TRUST | MEM_RCU);
    }
    return PTR_UNTRUSTED;
  }
  return flags & ~(TRUST | MEM_RCU);
}

function checkSpecialFields(env: VerifierEnvironment, register: Register, off: number, size: number): void {
  const fields = specialFieldsOf(register.btf!, register.btfId);
  for (const field of fields?.fields ?? []) {
    if (off >= field.offset + field.size || off + size <= field.offset) continue;
    throw env.reject('special-field-access', 'EACCES', `direct access to ${specialName(field.kind)} is disallowed`);
  }
}

/** Fields of kernel objects that programs of some types may set: where they begin and end in the object. */
function writableFields(env: VerifierEnvironment, object: string): readonly { start: number; end: number }[] | undefined {
  const btf = env.options.kernelBtf;
  if (!btf) return undefined;
  // The structs that a TCP socket begins with all stand at its start.
  const named = (struct: string, ...path: readonly string[]): { start: number; end: number }[] => {
    let type = resolve(btf, btf.find(struct, 'struct') ?? 0);
    let start = 0;
    let size = 0;
    for (const name of path) {
      const member =
        type?.kind === 'struct' || type?.kind === 'union' ? type.members.find((candidate) => candidate.name === name) : undefined;
      if (!member) return [];
      start += Math.floor(member.bitOffset / 8);
      size = member.bitSize > 0 ? Math.ceil(member.bitSize / 8) : (sizeOf(btf, member.type) ?? 0);
      type = resolve(btf, member.type);
    }
    return [{ start, end: start + size }];
  };
  if (env.programType === 'sched_cls' || env.programType === 'sched_act' || env.programType === 'xdp') {
    return object === 'nf_conn' || object === 'nf_conn___init' ? named('nf_conn', 'mark') : undefined;
  }
  if (env.programType !== 'struct_ops') return undefined;
  if (object === 'bpf_dummy_ops_state') return named(object, 'val');
  if (object !== 'tcp_sock' || env.program.structOps?.type !== 'tcp_congestion_ops') return undefined;
  return [
    ...named('sock', 'sk_pacing_rate'),
    ...named('sock', 'sk_pacing_status'),
    ...named('inet_connection_sock', 'icsk_ca_priv'),
    ...named('inet_connection_sock', 'icsk_ack', 'pending'),
    ...['snd_cwnd', 'snd_cwnd_cnt', 'snd_cwnd_stamp', 'snd_ssthresh', 'ecn_flags', 'app_limited'].flatMap((name) =>
      named('tcp_sock', name),
    ),
  ];
}

/** Why a store into a kernel object is refused, in the kernel's words; undefined where it is allowed. */
function kernelWriteProblem(env: VerifierEnvironment, object: string, off: number, size: number): string | undefined {
  const fields = writableFields(env, object);
  if (!fields) return 'only read is supported';
  const field = fields.find(({ start, end }) => off >= start && off < end);
  const name = object.replace('___init', '');
  if (!field) return `no write support to ${name} at off ${off}`;
  return off + size > field.end
    ? `write access at off ${off} with size ${size} beyond the member of ${name} ended at ${field.end}`
    : undefined;
}

/** Loads of a map's own fields through the map pointer. */
export function checkMapPointerAccess(env: VerifierEnvironment, regno: number, off: number, access: MemoryAccess): void {
  const register = env.register(regno);
  const btf = env.options.kernelBtf;
  const name = mapStruct(register.map!.type);
  if (off < 0) throw env.reject('btf-access', 'EACCES', `R${regno} is ${name} invalid negative access: off=${off}`, { register: regno });
  if (access.write) throw env.reject('write-forbidden', 'EACCES', `only read from ${name} is supported`, { register: regno });
  const id = btf?.find(name, 'struct');
  if (!btf || id === undefined) {
    if (access.value >= 0) env.setRegister(access.value, unknownRegister());
    return;
  }
  const found = fieldOfStruct(env, btf, id, off, access.size);
  if (found.kind === 'problem') throw env.reject('btf-access', found.errno, found.message, { register: regno });
  if (access.value < 0) return;
  if (found.kind === 'scalar') env.setRegister(access.value, unknownRegister());
  else if (found.kind === 'untrusted-memory') env.setRegister(access.value, pointerRegister(PTR_TO_MEM | MEM_RDONLY | PTR_UNTRUSTED, {}));
  else env.setRegister(access.value, pointerRegister(PTR_TO_BTF_ID | (found.flags & ~(TRUST | MEM_RCU)), { btf, btfId: found.typeId }));
}

/** The kernel's struct behind a map pointer of this type. */
function mapStruct(type: string): string {
  switch (type) {
    case 'hash':
    case 'percpu_hash':
    case 'lru_hash':
    case 'lru_percpu_hash':
    case 'hash_of_maps':
      return 'bpf_htab';
    case 'array':
    case 'percpu_array':
    case 'prog_array':
    case 'perf_event_array':
    case 'cgroup_array':
    case 'array_of_maps':
      return 'bpf_array';
    case 'lpm_trie':
      return 'lpm_trie';
    case 'stack_trace':
      return 'bpf_stack_map';
    case 'devmap':
    case 'devmap_hash':
      return 'bpf_dtab';
    case 'sockmap':
      return 'bpf_stab';
    case 'sockhash':
      return 'bpf_shtab';
    case 'cpumap':
      return 'bpf_cpu_map';
    case 'xskmap':
      return 'xsk_map';
    case 'queue':
    case 'stack':
      return 'bpf_queue_stack';
    case 'ringbuf':
    case 'user_ringbuf':
      return 'bpf_ringbuf_map';
    case 'sk_storage':
    case 'inode_storage':
    case 'task_storage':
    case 'cgrp_storage':
      return 'bpf_local_storage_map';
    case 'cgroup_storage':
    case 'percpu_cgroup_storage':
      return 'bpf_cgroup_storage_map';
    case 'reuseport_sockarray':
      return 'reuseport_array';
    case 'bloom_filter':
      return 'bpf_bloom_filter';
    default:
      return 'bpf_map';
  }
}

/** Licences that count as GPL (license_is_gpl_compatible). */
export const isGplCompatible = (license: string): boolean =>
  ['GPL', 'GPL v2', 'GPL and additional rights', 'Dual BSD/GPL', 'Dual MIT/GPL', 'Dual MPL/GPL'].includes(license);
