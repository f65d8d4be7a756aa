// Makes the large tables of core/src/catalog (helpers, kfuncs) from the shared fact files. Run: npx tsx tools/generate-catalog.mts
// The facts are found by EBPF_SHARED or in ../shared beside the repository. The prose of the catalog is not made here: it is written by hand.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  atLeast,
  PROGRAM_TYPE_NAMES,
  type ArgumentRule,
  type HelperRow,
  type HelperRule,
  type Kfunc,
  type KernelVersion,
  type Parameter,
  type ProgramTypeName,
  type ReturnRule,
} from '../core/src/catalog/types.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The folder of facts, or undefined where this machine has none. */
export function factsFolder(): string | undefined {
  const folder = join(process.env['EBPF_SHARED'] ?? join(root, '..', 'shared'), 'data');
  return existsSync(join(folder, 'ebpf-facts.json')) ? folder : undefined;
}

interface Facts {
  helpers: { name: string; id: number; prototype: string; since: KernelVersion; programTypes: Record<string, KernelVersion | null> }[];
  kfuncs: {
    name: string;
    prototype: string;
    since: KernelVersion | null;
    flags: string[];
    programTypes: Record<string, KernelVersion | null>;
  }[];
  programTypes: Record<string, KernelVersion>;
}
interface Matrix {
  matrix: Record<string, string[] | null>;
  byAttachType: Record<string, string[]>;
  gplOnly: string[];
  sleepableOnly: string[];
}
interface Proto {
  proto: string;
  func: string;
  ret: string | null;
  args: string[];
  gpl_only?: boolean;
  might_sleep?: boolean;
  pkt_access?: boolean;
  allow_fastcall?: boolean;
  sizes?: Record<string, string>;
  btf?: Record<string, string>;
  retBtf?: string;
}
interface KernelKfunc {
  name: string;
  prototype: string;
  flags: string[] | null;
  sets: string[] | null;
}

/**
 * Which prototype a program type gets, where a helper has several: the first is the usual one, the rest are those of the types named.
 * Types whose prototype differs only in the function behind it need no row.
 */
const VARIANTS: Record<string, { usual: string; others?: Record<string, readonly ProgramTypeName[]> }> = {
  bpf_tail_call: { usual: 'bpf_tail_call_proto' },
  bpf_get_prandom_u32: { usual: 'bpf_get_prandom_u32_proto' },
  bpf_probe_read: { usual: 'bpf_probe_read_compat_proto' },
  bpf_probe_read_str: { usual: 'bpf_probe_read_compat_str_proto' },
  bpf_redirect_map: { usual: 'bpf_xdp_redirect_map_proto' },
  bpf_sk_select_reuseport: { usual: 'sk_select_reuseport_proto' },
  bpf_lwt_push_encap: { usual: 'bpf_lwt_in_push_encap_proto' },
  bpf_load_hdr_opt: { usual: 'bpf_sock_ops_load_hdr_opt_proto' },
  bpf_store_hdr_opt: { usual: 'bpf_sock_ops_store_hdr_opt_proto' },
  bpf_reserve_hdr_opt: { usual: 'bpf_sock_ops_reserve_hdr_opt_proto' },
  bpf_skb_output: { usual: 'bpf_skb_output_proto' },
  bpf_xdp_output: { usual: 'bpf_xdp_output_proto' },
  bpf_fib_lookup: { usual: 'bpf_skb_fib_lookup_proto' },
  bpf_check_mtu: { usual: 'bpf_skb_check_mtu_proto' },
  bpf_get_func_arg: { usual: 'bpf_get_func_arg_proto' },
  bpf_get_func_ret: { usual: 'bpf_get_func_ret_proto' },
  bpf_get_func_arg_cnt: { usual: 'bpf_get_func_arg_cnt_proto' },
  bpf_get_func_ip: { usual: 'bpf_get_func_ip_proto_kprobe', others: { bpf_get_func_ip_proto_tracing: ['tracing'] } },
  bpf_get_attach_cookie: { usual: 'bpf_get_attach_cookie_proto_trace' },
  bpf_get_netns_cookie: { usual: 'bpf_get_netns_cookie_sock_proto' },
  bpf_setsockopt: {
    usual: 'bpf_sk_setsockopt_proto',
    others: { bpf_sock_addr_setsockopt_proto: ['cgroup_sock_addr'], bpf_sock_ops_setsockopt_proto: ['sock_ops'] },
  },
  bpf_getsockopt: {
    usual: 'bpf_sk_getsockopt_proto',
    others: { bpf_sock_addr_getsockopt_proto: ['cgroup_sock_addr'], bpf_sock_ops_getsockopt_proto: ['sock_ops'] },
  },
  bpf_sk_storage_get: {
    usual: 'bpf_sk_storage_get_proto',
    others: { bpf_sk_storage_get_cg_sock_proto: ['cgroup_sock'], bpf_sk_storage_get_tracing_proto: ['tracing', 'syscall'] },
  },
  bpf_sk_storage_delete: { usual: 'bpf_sk_storage_delete_proto', others: { bpf_sk_storage_delete_tracing_proto: ['tracing', 'syscall'] } },
  bpf_get_socket_cookie: {
    usual: 'bpf_get_socket_cookie_proto',
    others: { bpf_get_socket_ptr_cookie_proto: ['tracing', 'sk_lookup', 'sk_reuseport', 'syscall', 'lsm', 'struct_ops'] },
  },
  bpf_get_cgroup_classid: {
    usual: 'bpf_get_cgroup_classid_curr_proto',
    others: { bpf_get_cgroup_classid_proto: ['sched_cls', 'sched_act', 'lwt_in', 'lwt_out', 'lwt_xmit', 'lwt_seg6local'] },
  },
  bpf_xdp_get_buff_len: { usual: 'bpf_xdp_get_buff_len_proto', others: { bpf_xdp_get_buff_len_trace_proto: ['tracing', 'syscall'] } },
  bpf_sk_assign: { usual: 'bpf_sk_assign_proto', others: { bpf_sk_lookup_assign_proto: ['sk_lookup'] } },
  bpf_get_stack: {
    usual: 'bpf_get_stack_proto',
    others: { bpf_get_stack_proto_raw_tp: ['raw_tracepoint', 'raw_tracepoint_writable', 'tracing'] },
  },
  bpf_get_stackid: { usual: 'bpf_get_stackid_proto', others: { bpf_get_stackid_proto_pe: ['perf_event'] } },
};

/** Where a running 6.18 asks for something else than the 6.12 sources did: prototype and argument (from 0). */
const CORRECTIONS: Record<string, Record<number, string>> = {
  bpf_loop_proto: { 0: 'ARG_ANYTHING' },
  bpf_sysctl_get_name_proto: { 1: 'ARG_PTR_TO_MEM | MEM_WRITE' },
  bpf_snprintf_proto: { 0: 'ARG_PTR_TO_MEM_OR_NULL | MEM_WRITE' },
  bpf_snprintf_btf_proto: { 0: 'ARG_PTR_TO_MEM | MEM_WRITE' },
  bpf_skb_fib_lookup_proto: { 1: 'ARG_PTR_TO_MEM | MEM_WRITE' },
  bpf_xdp_fib_lookup_proto: { 1: 'ARG_PTR_TO_MEM | MEM_WRITE' },
  bpf_d_path_proto: { 1: 'ARG_PTR_TO_MEM | MEM_WRITE' },
  bpf_read_branch_records_proto: { 1: 'ARG_PTR_TO_MEM_OR_NULL | MEM_WRITE' },
  bpf_get_stack_proto_raw_tp: { 1: 'ARG_PTR_TO_UNINIT_MEM' },
};

/** What a kernel expression for a BTF id stands for. */
const STRUCTS: Record<string, string | undefined> = {
  'bpf_cgroup_btf_id[0]': 'cgroup',
  'bpf_inode_storage_btf_ids[0]': 'inode',
  'bpf_bprm_opts_set_btf_ids[0]': 'linux_binprm',
  'bpf_ima_inode_hash_btf_ids[0]': 'inode',
  'bpf_ima_file_hash_btf_ids[0]': 'file',
  'btf_tracing_ids[BTF_TRACING_TYPE_TASK]': 'task_struct',
  'bpf_task_pt_regs_ids[0]': 'pt_regs',
  'btf_seq_file_ids[0]': 'seq_file',
  'bpf_d_path_btf_ids[0]': 'path',
  'btf_sock_ids[BTF_SOCK_TYPE_SOCK_COMMON]': 'sock_common',
  'btf_sock_ids[BTF_SOCK_TYPE_TCP6]': 'tcp6_sock',
  'btf_sock_ids[BTF_SOCK_TYPE_TCP]': 'tcp_sock',
  'btf_sock_ids[BTF_SOCK_TYPE_TCP_TW]': 'tcp_timewait_sock',
  'btf_sock_ids[BTF_SOCK_TYPE_TCP_REQ]': 'tcp_request_sock',
  'btf_sock_ids[BTF_SOCK_TYPE_UDP6]': 'udp6_sock',
  'btf_sock_ids[BTF_SOCK_TYPE_UNIX]': 'unix_sock',
  'btf_sock_ids[BTF_SOCK_TYPE_MPTCP]': 'mptcp_sock',
  'bpf_xdp_get_buff_len_bpf_ids[0]': 'xdp_buff',
  'bpf_skb_output_btf_ids[0]': 'sk_buff',
  'bpf_xdp_output_btf_ids[0]': 'xdp_buff',
  'bpf_sock_from_file_btf_ids[0]': 'socket',
  'bpf_sock_from_file_btf_ids[1]': 'file',
  tcp_sock_id: 'tcp_sock',
  BPF_PTR_POISON: undefined,
};

const SIZES: Record<string, number> = {
  'sizeof(s64)': 8,
  'sizeof(u64)': 8,
  'sizeof(u32)': 4,
  'sizeof(struct iphdr)': 20,
  'sizeof(struct ipv6hdr)': 40,
  'sizeof(struct tcphdr)': 20,
};

function known<T>(table: Record<string, T>, key: string, what: string): T {
  if (!(key in table)) throw new Error(`${what} ${key} is new: give it a meaning in tools/generate-catalog.mts`);
  return table[key]!;
}

function argumentRule(text: string, size: string | undefined, btf: string | undefined): ArgumentRule {
  const [base, ...flags] = text.split(' | ') as [string, ...string[]];
  let kind = base
    .replace(/^ARG_/, '')
    .replace(/^PTR_TO_/, '')
    .toLowerCase();
  const rule: Record<string, unknown> = {};
  if (kind.endsWith('_or_null')) {
    kind = kind.slice(0, -8);
    rule['maybeNull'] = true;
  }
  if (kind === 'uninit_mem') {
    kind = 'mem';
    rule['uninit'] = true;
    rule['write'] = true;
  }
  for (const flag of flags) {
    if (flag === 'PTR_MAYBE_NULL') rule['maybeNull'] = true;
    else if (flag === 'MEM_RDONLY') rule['readonly'] = true;
    else if (flag === 'MEM_UNINIT') rule['uninit'] = true;
    else if (flag === 'MEM_WRITE') rule['write'] = true;
    else if (flag === 'MEM_ALIGNED') rule['aligned'] = true;
    else if (flag === 'OBJ_RELEASE') rule['release'] = true;
    else if (flag === 'DYNPTR_TYPE_LOCAL') rule['dynptr'] = 'local';
    else if (flag === 'DYNPTR_TYPE_RINGBUF') rule['dynptr'] = 'ringbuf';
    else throw new Error(`argument flag ${flag} is new: give it a meaning in tools/generate-catalog.mts`);
  }
  if (size !== undefined) rule['size'] = known(SIZES, size, 'size');
  const struct = btf === undefined ? undefined : known(STRUCTS, btf, 'BTF id');
  return { kind: kind as ArgumentRule['kind'], ...rule, ...(struct === undefined ? {} : { struct }) };
}

function returnRule(text: string | null, btf: string | undefined): ReturnRule {
  if (text === null) return { kind: 'integer' };
  const [base, ...flags] = text.split(' | ') as [string, ...string[]];
  let kind = base
    .replace(/^RET_/, '')
    .replace(/^PTR_TO_/, '')
    .toLowerCase();
  const rule: Record<string, unknown> = {};
  if (kind.endsWith('_or_null')) {
    kind = kind.slice(0, -8);
    rule['maybeNull'] = true;
  }
  if (kind.endsWith('_trusted')) {
    kind = kind.slice(0, -8);
    rule['trusted'] = true;
  }
  if (flags.includes('PTR_MAYBE_NULL')) rule['maybeNull'] = true;
  if (flags.includes('MEM_RDONLY')) rule['readonly'] = true;
  const struct = btf === undefined ? undefined : known(STRUCTS, btf, 'BTF id');
  return { kind: kind as ReturnRule['kind'], ...rule, ...(struct === undefined ? {} : { struct }) };
}

function helperRule(proto: Proto, programTypes?: readonly ProgramTypeName[]): HelperRule {
  return {
    proto: proto.proto,
    arguments: proto.args.map((text, index) =>
      argumentRule(CORRECTIONS[proto.proto]?.[index] ?? text, proto.sizes?.[String(index + 1)], proto.btf?.[String(index + 1)]),
    ),
    returns: returnRule(proto.ret, proto.retBtf),
    ...(proto.gpl_only ? { gplOnly: true } : {}),
    ...(proto.might_sleep ? { mightSleep: true } : {}),
    ...(proto.pkt_access ? { packetAccess: true } : {}),
    ...(proto.allow_fastcall ? { fastcall: true } : {}),
    ...(programTypes ? { programTypes } : {}),
  };
}

/** Splits `const void *key` into its type and its name. */
export function parseParameter(text: string): Parameter {
  const match = /^(.*?[\s*])([A-Za-z_][A-Za-z0-9_]*)$/.exec(text.trim());
  if (!match) return { type: text.trim(), name: '' };
  return { type: match[1]!.trim(), name: match[2]! };
}

function parsePrototype(prototype: string, name: string): { returnType: string; parameters: Parameter[]; variadic: boolean } {
  const at = prototype.indexOf(`${name}(`);
  if (at < 0) throw new Error(`${name}: its prototype does not name it: ${prototype}`);
  const inside = prototype.slice(at + name.length + 1, prototype.lastIndexOf(')'));
  const parts = inside === 'void' || inside === '' ? [] : inside.split(',').map((part) => part.trim());
  return {
    returnType: prototype
      .slice(0, at)
      .trim()
      .replace(/^__bpf_fastcall /, ''),
    parameters: parts.filter((part) => part !== '...').map(parseParameter),
    variadic: parts.includes('...'),
  };
}

const later = (a: KernelVersion, b: KernelVersion): KernelVersion => (atLeast(a, b) ? a : b);
const typeName = (kernelName: string): ProgramTypeName => kernelName.replace('BPF_PROG_TYPE_', '').toLowerCase() as ProgramTypeName;

/** Types that the 6.18 at hand could not load: what every other type may call there, they may too. `ext` takes its target's rules instead. */
const UNPROBED: readonly string[] = ['lirc_mode2', 'lsm'];

/** The attach types that the probe's short names stand for. Helpers of iterators are refused to every other kind of tracing. */
function attachTypeNames(key: string): string[] {
  const [type, attach] = key.split(':') as [string, string];
  if (key === 'cgroup_sockopt:get') return ['BPF_CGROUP_GETSOCKOPT'];
  if (key === 'tracing:trace_raw_tp') return ['BPF_TRACE_RAW_TP', 'BPF_TRACE_FENTRY', 'BPF_TRACE_FEXIT', 'BPF_MODIFY_RETURN'];
  if (key === 'tracing:trace_iter') return ['BPF_TRACE_ITER'];
  if (type === 'cgroup_sock_addr') return [`BPF_CGROUP_${attach.toUpperCase()}`];
  return [];
}

function helperRows(facts: Facts, matrix: Matrix, protos: Proto[]): HelperRow[] {
  const byProto = new Map(protos.map((proto) => [proto.proto, proto]));
  const typeSince = new Map(Object.entries(facts.programTypes).map(([name, since]) => [typeName(name), since]));
  const probed = PROGRAM_TYPE_NAMES.filter((type) => matrix.matrix[type]);
  return facts.helpers.map((fact) => {
    const everywhere = probed.every((type) => matrix.matrix[type]!.includes(fact.name));
    const programTypes: Partial<Record<ProgramTypeName, KernelVersion>> = {};
    for (const type of PROGRAM_TYPE_NAMES) {
      const kernelName = `BPF_PROG_TYPE_${type.toUpperCase()}`;
      const oldest = later(fact.since, typeSince.get(type)!);
      if (kernelName in fact.programTypes) programTypes[type] = later(oldest, fact.programTypes[kernelName] ?? oldest);
      // Allowed on a running 6.18 and not in the facts, which end with 6.12: it came in between; no source says when.
      else if (matrix.matrix[type]?.includes(fact.name) || (everywhere && UNPROBED.includes(type))) programTypes[type] = '6.18';
    }
    const variants = VARIANTS[fact.name];
    const usual = byProto.get(variants?.usual ?? `${fact.name}_proto`) ?? protos.find((proto) => proto.func === fact.name);
    if (!usual) throw new Error(`${fact.name} has no prototype: name it in VARIANTS`);
    const others = Object.entries(variants?.others ?? {}).map(([name, types]) => helperRule(byProto.get(name)!, types));
    const { returnType, parameters, variadic } = parsePrototype(fact.prototype, fact.name);
    return {
      id: fact.id,
      name: fact.name,
      prototype: fact.prototype.replace(/^__bpf_fastcall /, ''),
      returnType,
      parameters,
      ...(variadic ? { variadic: true as const } : {}),
      since: fact.since,
      programTypes,
      ...(matrix.gplOnly.includes(fact.name) || helperRule(usual).gplOnly ? { gplOnly: true as const } : {}),
      ...(matrix.sleepableOnly.includes(fact.name) ? { sleepableOnly: true as const } : {}),
      rules: [helperRule(usual), ...others],
    } satisfies HelperRow;
  });
}

function kfuncRows(facts: Facts, kernel: KernelKfunc[]): Kfunc[] {
  const rows = new Map<string, Kfunc>();
  for (const fact of facts.kfuncs) {
    const { returnType, parameters } = parsePrototype(fact.prototype, fact.name);
    rows.set(fact.name, {
      name: fact.name,
      prototype: fact.prototype,
      returnType,
      parameters,
      ...(fact.since ? { since: fact.since } : {}),
      flags: fact.flags,
      programTypes: Object.keys(fact.programTypes).map(typeName).sort(),
      in618: false,
    });
  }
  for (const { name, prototype, flags, sets } of kernel) {
    const old = rows.get(name);
    const { returnType, parameters } = parsePrototype(prototype, name);
    rows.set(name, {
      ...old,
      name,
      prototype,
      returnType,
      parameters,
      ...((flags ?? old?.flags) ? { flags: (flags ?? old?.flags)! } : {}),
      ...(sets ? { sets } : {}),
      in618: true,
    });
  }
  return [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const HEADER = (what: string): string => `// ${what}\n// Generated by tools/generate-catalog.mts: edit that, not this.\n\n`;

/** A value as source: keys bare where they may be, strings in single quotes. */
function source(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(source).join(', ')}]`;
  if (typeof value === 'string') return `'${value.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, entry]) => `${/^[a-zA-Z_]\w*$/.test(key) ? key : `'${key}'`}: ${source(entry)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return String(value);
}

/** The generated files: path under core/src/catalog, and text. */
export function generate(folder: string): Map<string, string> {
  const read = <T,>(name: string): T => JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;
  const facts = read<Facts>('ebpf-facts.json');
  const matrix = read<Matrix>('helpers-by-type-6.18.json');
  const protos = read<{ protos: Proto[] }>('helper-protos-6.12.json').protos;
  const kfuncs = read<{ kfuncs: KernelKfunc[] }>('kfuncs-6.18.json').kfuncs;

  // Many helpers share one set of program types: each set is written once.
  const rows = helperRows(facts, matrix, protos);
  const sets = new Map<string, string>();
  for (const row of rows) {
    const text = source(row.programTypes);
    if (!sets.has(text)) sets.set(text, `TYPES_${sets.size + 1}`);
  }
  const table = rows.map((row) => {
    const marker = { ...row, programTypes: '@@' };
    return `  ${source(marker).replace("'@@'", sets.get(source(row.programTypes))!)},\n`;
  });
  const refusals = Object.entries(matrix.byAttachType).flatMap(([key, allowed]) => {
    const programType = key.split(':')[0]!;
    const helpers = matrix.matrix[programType]!.filter((name) => !allowed.includes(name));
    return attachTypeNames(key).map((attachType) => `  ${source({ programType, attachType, helpers })},\n`);
  });
  const helperTable =
    HEADER('Every BPF helper: declaration, releases, program types, and what the verifier asks of its arguments.') +
    "import type { HelperRow, KernelVersion, ProgramTypeName } from './types.ts';\n\n" +
    'type Types = Readonly<Partial<Record<ProgramTypeName, KernelVersion>>>;\n\n' +
    [...sets].map(([text, name]) => `const ${name}: Types = ${text};\n`).join('') +
    `\nexport const HELPER_ROWS: readonly HelperRow[] = [\n${table.join('')}];\n\n` +
    '/** Helpers that the program type may call but one of its attach types may not, on 6.18. */\n' +
    `export const ATTACH_TYPE_REFUSALS: readonly { programType: ProgramTypeName; attachType: string; helpers: readonly string[] }[] = [\n${refusals.join('')}];\n`;

  const kfuncTable =
    HEADER('Every kfunc that the facts name, and every one in the BTF of a common 6.18 build.') +
    "import type { Kfunc } from './types.ts';\n\n" +
    `export const KFUNCS: readonly Kfunc[] = [\n${kfuncRows(facts, kfuncs)
      .map((row) => `  ${source(row)},\n`)
      .join('')}];\n`;

  return new Map([
    ['helper-table.ts', helperTable],
    ['kfunc-table.ts', kfuncTable],
  ]);
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  const folder = factsFolder();
  if (!folder) {
    console.error('No facts here: set EBPF_SHARED to the folder that holds data/ebpf-facts.json.');
    process.exit(1);
  }
  for (const [name, text] of generate(folder)) {
    writeFileSync(join(root, 'core/src/catalog', name), text);
    console.log(`core/src/catalog/${name}: ${text.split('\n').length} lines`);
  }
}
