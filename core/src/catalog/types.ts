// The shapes of the catalog's rows. One row per kernel thing, one table, many readers; rows carry the kernel's own names.

/** `major.minor` of a Linux release, as in `6.18`. */
export type KernelVersion = `${number}.${number}`;

/** The kernels whose verdict can be asked for; the first is the default. */
export const TARGET_KERNELS = ['6.18', '6.12', '6.6', '6.1', '5.15', '5.10', '5.4'] as const satisfies readonly KernelVersion[];

/** Whether `version` is `since` or newer. A row without `since` has always been there. */
export function atLeast(version: KernelVersion, since: KernelVersion | null | undefined): boolean {
  if (since === null || since === undefined) return true;
  const [major, minor] = version.split('.').map(Number);
  const [sinceMajor, sinceMinor] = since.split('.').map(Number);
  return major! > sinceMajor! || (major === sinceMajor && minor! >= sinceMinor!);
}

/** A parameter as the C declaration writes it. */
export interface Parameter {
  type: string;
  /** Empty where the declaration names none. */
  name: string;
}

/** What the verifier wants to see in an argument register: enum bpf_arg_type without its flags. */
export type ArgumentKind =
  | 'anything'
  | 'scalar'
  | 'ctx'
  | 'const_map_ptr'
  | 'map_key'
  | 'map_value'
  | 'mem'
  | 'fixed_size_mem'
  | 'const_size'
  | 'const_size_or_zero'
  | 'const_alloc_size_or_zero'
  | 'btf_id'
  | 'btf_id_sock_common'
  | 'sock_common'
  | 'socket'
  | 'percpu_btf_id'
  | 'func'
  | 'stack'
  | 'timer'
  | 'spin_lock'
  | 'const_str'
  | 'ringbuf_mem'
  | 'dynptr'
  | 'kptr_xchg_dest';

export interface ArgumentRule {
  kind: ArgumentKind;
  /** NULL is a legal value (PTR_MAYBE_NULL). */
  maybeNull?: true;
  /** The helper only reads the memory (MEM_RDONLY). */
  readonly?: true;
  /** The helper fills the memory; it need not be initialised (MEM_UNINIT). */
  uninit?: true;
  /** The helper writes the memory (MEM_WRITE). */
  write?: true;
  /** Naturally aligned memory (MEM_ALIGNED). */
  aligned?: true;
  /** The call gives the reference up (OBJ_RELEASE). */
  release?: true;
  /** Bytes of a `fixed_size_mem`. */
  size?: number;
  /** The struct a `btf_id` must point to; absent where the verifier works it out. */
  struct?: string;
  /** Which dynptr; absent for any. */
  dynptr?: 'local' | 'ringbuf';
}

export type ReturnKind =
  'integer' | 'void' | 'map_value' | 'socket' | 'tcp_sock' | 'sock_common' | 'ringbuf_mem' | 'dynptr_mem' | 'mem_or_btf_id' | 'btf_id';

export interface ReturnRule {
  kind: ReturnKind;
  maybeNull?: true;
  readonly?: true;
  trusted?: true;
  struct?: string;
}

/** One struct bpf_func_proto: what the verifier knows of a helper, for the program types that get this one. */
export interface HelperRule {
  /** The kernel's name of the prototype, for a reader who wants to look it up. */
  proto: string;
  arguments: readonly ArgumentRule[];
  returns: ReturnRule;
  gplOnly?: true;
  mightSleep?: true;
  /** Packet pointers may be passed as memory (pkt_access). */
  packetAccess?: true;
  /** Caller-saved registers survive the call where the compiler said so (bpf_fastcall). */
  fastcall?: true;
  /** Program types that get this prototype; absent for the helper's usual one. */
  programTypes?: readonly ProgramTypeName[];
}

/** A helper as the generated table has it. */
export interface HelperRow {
  id: number;
  name: string;
  /** The C declaration. */
  prototype: string;
  returnType: string;
  parameters: readonly Parameter[];
  /** The declaration ends in `...`. */
  variadic?: true;
  since: KernelVersion;
  /** Program types that may call it, with the first release that lets them. */
  programTypes: Readonly<Partial<Record<ProgramTypeName, KernelVersion>>>;
  gplOnly?: true;
  sleepableOnly?: true;
  /** The usual prototype first, then those of single program types. */
  rules: readonly [HelperRule, ...HelperRule[]];
}

export interface Kfunc {
  name: string;
  prototype: string;
  returnType: string;
  parameters: readonly Parameter[];
  /** Absent where no source says. */
  since?: KernelVersion;
  /** KF_ACQUIRE, KF_RELEASE, KF_RET_NULL, …; undefined where only the kernel's BTF is known. */
  flags?: readonly string[];
  /** BTF id sets the kernel registers it in. */
  sets?: readonly string[];
  programTypes?: readonly ProgramTypeName[];
  /** In the BTF of a common 6.18 build (x86-64). */
  in618: boolean;
}

/** The kernel's names without BPF_PROG_TYPE_, lower case, in the order of enum bpf_prog_type (from 1). */
export const PROGRAM_TYPE_NAMES = [
  'socket_filter',
  'kprobe',
  'sched_cls',
  'sched_act',
  'tracepoint',
  'xdp',
  'perf_event',
  'cgroup_skb',
  'cgroup_sock',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
  'sock_ops',
  'sk_skb',
  'cgroup_device',
  'sk_msg',
  'raw_tracepoint',
  'cgroup_sock_addr',
  'lwt_seg6local',
  'lirc_mode2',
  'sk_reuseport',
  'flow_dissector',
  'cgroup_sysctl',
  'raw_tracepoint_writable',
  'cgroup_sockopt',
  'tracing',
  'struct_ops',
  'ext',
  'lsm',
  'sk_lookup',
  'syscall',
  'netfilter',
] as const;

export type ProgramTypeName = (typeof PROGRAM_TYPE_NAMES)[number];

/** What a load from the context becomes: a number, or a pointer that the verifier knows. */
export type ContextValue =
  | 'scalar'
  | 'packet'
  | 'packet_meta'
  | 'packet_end'
  | 'flow_keys'
  | 'socket'
  | 'socket_or_null'
  | 'sock_common'
  | 'sock_common_or_null'
  | 'tp_buffer'
  | 'trusted_ptr'
  | 'rdonly_buf'
  | 'buf';

/** Accesses of `size` bytes at `from`, `from + size`, … up to and including `to`. */
export interface ContextRange {
  size: 1 | 2 | 4 | 8;
  from: number;
  to: number;
  gives: ContextValue;
  /** Of a `trusted_ptr`: the kernel struct. */
  struct?: string;
}

/** What programs of one type, at some attach types, may do with their context. */
export interface ContextRow {
  programType: ProgramTypeName;
  /** null: loaded without an expected attach type. */
  attachTypes: readonly (string | null)[];
  reads: readonly ContextRange[];
  writes: readonly ContextRange[];
  /** What the program may return, from and to; absent where any value will do. */
  returns?: readonly [number, number];
}

export interface ContextField {
  name: string;
  offset: number;
  size: number;
  /** As C writes it, an array's length behind: `__u32[5]`. */
  type: string;
}

export interface ContextStruct {
  name: string;
  size: number;
  fields: readonly ContextField[];
}
