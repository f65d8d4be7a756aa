// Helpers by name and by number, and who may call them. The rows are generated (helper-table.ts), the sentences are ours (helper-prose.ts).

import { ATTACH_TYPE_REFUSALS, HELPER_ROWS } from './helper-table.ts';
import { HELPER_PROSE } from './helper-prose.ts';
import { atLeast, type HelperRow, type HelperRule, type KernelVersion, type ProgramTypeName } from './types.ts';
import { isProgramTypeName } from './program-types.ts';

export interface Helper extends HelperRow {
  /** One line: what it does. */
  summary: string;
  /** What it does, its arguments and what it returns, in a few sentences; only for the helpers met most. */
  details?: string;
}

/**
 * Where the facts only know that 6.18 lets a type call a helper: the release since which it does, of the types named, or of all that have
 * no better date. Helpers of the base set and of sockets are every type's from their first day; 6.12 and 6.1 in the box say so.
 */
const DATED: Readonly<Record<string, { since: KernelVersion; types?: readonly ProgramTypeName[] }>> = {
  ...every('5.9', 'skc_to_tcp6_sock', 'skc_to_tcp_sock', 'skc_to_tcp_timewait_sock', 'skc_to_tcp_request_sock', 'skc_to_udp6_sock'),
  ...every('5.16', 'skc_to_unix_sock'),
  ...every('5.19', 'skc_to_mptcp_sock'),
  ...every('5.1', 'spin_lock', 'spin_unlock'),
  ...every('6.0', 'strtol', 'strtoul'),
  ...every('5.11', 'ktime_get_coarse_ns'),
  ...every('5.15', 'timer_init', 'timer_set_callback', 'timer_start', 'timer_cancel'),
  ...every('5.18', 'get_retval', 'set_retval'),
  ...every('6.0', 'tcp_raw_gen_syncookie_ipv4', 'tcp_raw_gen_syncookie_ipv6'),
  ...every('6.0', 'tcp_raw_check_syncookie_ipv4', 'tcp_raw_check_syncookie_ipv6'),
  // A syscall program may call what tracing programs may.
  ...Object.fromEntries(
    [
      'perf_event_output',
      'get_stackid',
      'get_stack',
      'sk_storage_get',
      'sk_storage_delete',
      'skb_output',
      'xdp_output',
      'd_path',
      'sock_from_file',
    ].map((name) => [`bpf_${name}`, { since: '5.14' as const, types: ['syscall'] as const }]),
  ),
  bpf_xdp_get_buff_len: { since: '5.18', types: ['syscall'] },
  bpf_get_current_comm: { since: '6.0', types: ['cgroup_device', 'cgroup_sysctl', 'cgroup_sockopt'] },
  bpf_get_cgroup_classid: { since: '6.0', types: ['cgroup_device', 'cgroup_sysctl', 'cgroup_sockopt'] },
  bpf_current_task_under_cgroup: {
    since: '6.12',
    types: ['cgroup_sock', 'cgroup_sock_addr', 'cgroup_device', 'cgroup_sysctl', 'cgroup_sockopt'],
  },
  bpf_get_attach_cookie: { since: '6.10', types: ['raw_tracepoint_writable'] },
};

function every(since: KernelVersion, ...names: readonly string[]): Record<string, { since: KernelVersion }> {
  return Object.fromEntries(names.map((name) => [`bpf_${name}`, { since }]));
}

/** The facts' word for "at 6.18, and nobody knows since when". */
const UNDATED: KernelVersion = '6.18';

/** LSM programs may call what all of tracing may; the facts name tracing only. Asked of 6.12 and 6.1. */
const OF_LSM_TOO = new Set(
  [
    'perf_event_output',
    'get_stackid',
    'get_stack',
    'skb_output',
    'xdp_output',
    'd_path',
    'sock_from_file',
    'xdp_get_buff_len',
    'get_socket_cookie',
  ]
    .concat(['get_func_arg', 'get_func_ret', 'get_func_arg_cnt', 'get_local_storage', 'get_retval', 'set_retval'])
    .concat([
      'skc_to_tcp6_sock',
      'skc_to_tcp_sock',
      'skc_to_tcp_timewait_sock',
      'skc_to_tcp_request_sock',
      'skc_to_udp6_sock',
      'skc_to_unix_sock',
    ])
    .concat(['skc_to_mptcp_sock'])
    .map((name) => `bpf_${name}`),
);

function dated(row: HelperRow): HelperRow['programTypes'] {
  const date = DATED[row.name];
  const newest = (a: KernelVersion, b: KernelVersion): KernelVersion => (atLeast(a, b) ? a : b);
  const programTypes: HelperRow['programTypes'] = {
    ...row.programTypes,
    ...(OF_LSM_TOO.has(row.name) && { lsm: newest(row.since, '5.7') }),
    ...(row.name === 'bpf_xdp_output' && { tracing: '5.7' }),
    ...(row.name === 'bpf_get_socket_cookie' && { syscall: '5.14' }),
  };
  if (!date) return programTypes;
  return Object.fromEntries(
    Object.entries(programTypes).map(([type, since]) => [
      type,
      since === UNDATED && (date.types?.includes(type as ProgramTypeName) ?? true) ? date.since : since,
    ]),
  );
}

/** All helpers, by rising id (1 to 211). */
export const HELPERS: readonly Helper[] = HELPER_ROWS.map((row) => {
  const prose = HELPER_PROSE[row.name];
  return {
    ...row,
    programTypes: dated(row),
    summary: prose?.summary ?? '',
    ...(prose?.details === undefined ? {} : { details: prose.details }),
  };
});

const byName = new Map(HELPERS.map((helper) => [helper.name, helper]));
const byId = new Map(HELPERS.map((helper) => [helper.id, helper]));

/** The helper with this number: the imm of a call instruction with src 0. */
export function helperById(id: number): Helper | undefined {
  return byId.get(id);
}

/** The helper of this name, as `bpf_map_lookup_elem`. */
export function helperByName(name: string): Helper | undefined {
  return byName.get(name);
}

/** What the verifier asks of a call of this helper in a program of this type. */
export function helperRule(helper: HelperRow, programType: string | undefined): HelperRule {
  const [usual, ...others] = helper.rules;
  return others.find((rule) => rule.programTypes?.some((type) => type === programType)) ?? usual;
}

export interface Allowed {
  allowed: boolean;
  /** One sentence, where it is not allowed. */
  reason?: string;
  /** The first of the target kernels' releases that lets this program type call it; absent where none does. */
  since?: KernelVersion;
}

/** What only trampolines have: the traced function's arguments; and what only cgroups have. */
const ARGUMENTS = ['bpf_get_func_arg', 'bpf_get_func_ret', 'bpf_get_func_arg_cnt'];
const NOT_ATTACHED_AS: Readonly<Record<string, ReadonlySet<string>>> = {
  BPF_TRACE_RAW_TP: new Set(ARGUMENTS),
  BPF_TRACE_ITER: new Set(ARGUMENTS),
  BPF_LSM_CGROUP: new Set([...ARGUMENTS, 'bpf_get_attach_cookie']),
  BPF_LSM_MAC: new Set(['bpf_get_local_storage', 'bpf_get_retval', 'bpf_set_retval']),
};

/**
 * Whether a program of this type may call the helper on this kernel. `attachType` as `BPF_TRACE_ITER`, where known.
 * Says nothing of licence, of sleepable programs or of arguments.
 */
export function helperAllowed(
  helper: HelperRow,
  programType: string | undefined,
  attachType: string | undefined,
  kernel: KernelVersion,
): Allowed {
  if (!atLeast(kernel, helper.since)) {
    return { allowed: false, reason: `${helper.name} came with Linux ${helper.since}; the target is ${kernel}.`, since: helper.since };
  }
  // An extension may call what the program it extends may call, which its own section does not say.
  if (programType === undefined || programType === 'ext') return { allowed: true, since: helper.since };
  const since = isProgramTypeName(programType) ? helper.programTypes[programType] : undefined;
  if (since === undefined) return { allowed: false, reason: `A program of type ${programType} may not call ${helper.name}.` };
  if (!atLeast(kernel, since)) {
    return {
      allowed: false,
      reason: `A program of type ${programType} may call ${helper.name} on Linux ${since}, not yet on ${kernel}.`,
      since,
    };
  }
  if (attachType !== undefined && NOT_ATTACHED_AS[attachType]?.has(helper.name))
    return { allowed: false, reason: `A program of type ${programType} may not call ${helper.name} when attached as ${attachType}.` };
  const refusal = attachType && ATTACH_TYPE_REFUSALS.find((row) => row.programType === programType && row.attachType === attachType);
  if (refusal && refusal.helpers.includes(helper.name)) {
    return { allowed: false, reason: `A program of type ${programType} may not call ${helper.name} when attached as ${attachType}.` };
  }
  return { allowed: true, since };
}
