// Which function of the C text becomes which program: from the calls of the script, else from the function's name, else from its context.

import type { BpfObject, Value } from './python-values.ts';
import { text } from './read-python.ts';

export interface Attachment {
  /** Name of the C function. */
  program: string;
  /** libbpf's section for it. */
  section: string;
}

/** `BPF.…` program types of load_func and the section that makes such a program. */
const SECTION_OF_TYPE: Readonly<Record<string, string>> = {
  SOCKET_FILTER: 'socket',
  KPROBE: 'kprobe',
  SCHED_CLS: 'tc',
  SCHED_ACT: 'action',
  TRACEPOINT: 'tp',
  XDP: 'xdp',
  PERF_EVENT: 'perf_event',
  CGROUP_SKB: 'cgroup_skb/egress',
  CGROUP_SOCK: 'cgroup/sock_create',
  LWT_IN: 'lwt_in',
  LWT_OUT: 'lwt_out',
  LWT_XMIT: 'lwt_xmit',
  SOCK_OPS: 'sockops',
  SK_SKB: 'sk_skb',
  CGROUP_DEVICE: 'cgroup/dev',
  SK_MSG: 'sk_msg',
  RAW_TRACEPOINT: 'raw_tp',
  CGROUP_SOCK_ADDR: 'cgroup/connect4',
  TRACING: 'fentry',
  LSM: 'lsm',
};

/** Methods of BPF that attach: where the function's name stands, where the target, and the section. */
const ATTACH: Readonly<Record<string, { fn: readonly string[]; target: readonly string[]; section: (target: string) => string }>> = {
  attach_kprobe: { fn: ['fn_name', '2'], target: ['event', '0', 'event_re'], section: (target) => `kprobe/${target}` },
  attach_kretprobe: { fn: ['fn_name', '1', '2'], target: ['event', '0', 'event_re'], section: (target) => `kretprobe/${target}` },
  attach_tracepoint: { fn: ['fn_name', '2'], target: ['tp', '0', 'tp_re'], section: (target) => `tp/${target.replace(':', '/')}` },
  attach_raw_tracepoint: { fn: ['fn_name', '1'], target: ['tp', '0'], section: (target) => `raw_tp/${target}` },
  attach_uprobe: { fn: ['fn_name', '4'], target: ['sym', '1', 'sym_re'], section: (target) => `uprobe/${target}` },
  attach_uretprobe: { fn: ['fn_name', '4'], target: ['sym', '1', 'sym_re'], section: (target) => `uretprobe/${target}` },
  attach_perf_event: { fn: ['fn_name', '2'], target: [], section: () => 'perf_event' },
  attach_raw_socket: { fn: ['fn', '0'], target: [], section: () => 'socket' },
  attach_xdp: { fn: ['fn', '1'], target: [], section: () => 'xdp' },
};

/** A pattern names functions that only a kernel can list; a plain name is one. */
const plain = (target: string): string =>
  target
    .replace(/^\^|\$$/g, '')
    .replace(/\\/g, '')
    .replace(/^\(|\)$/g, '')
    .split('|')[0]!;

function binaryOf(value: Value | undefined): string {
  const name = text(value) ?? '';
  if (name === 'c') return '/usr/lib/x86_64-linux-gnu/libc.so.6';
  return name;
}

/**
 * In the order of the script; a function has one row for each place. Where load_func says the type and an attach call the place, the
 * place is said.
 */
export function attachments(object: BpfObject): readonly Attachment[] {
  const all = calls(object).filter(
    ({ program, section }, index, rows) => rows.findIndex((row) => row.program === program && row.section === section) === index,
  );
  return all.filter(({ program, section }) => !all.some((other) => other.program === program && other.section.startsWith(`${section}/`)));
}

function calls(object: BpfObject): readonly Attachment[] {
  const out: Attachment[] = [];
  const functionOf = (value: Value | undefined): string | undefined => (value?.kind === 'program' ? value.name : text(value));
  for (const { method, args } of object.calls) {
    const row = ATTACH[method];
    const pick = (names: readonly string[]): Value | undefined => names.map((name) => args.get(name)).find((value) => value !== undefined);
    if (method === 'load_func') {
      const [name, type] = [text(args.get('func_name') ?? args.get('0')), text(args.get('prog_type') ?? args.get('1'))];
      const section = SECTION_OF_TYPE[type ?? ''];
      if (name !== undefined && section !== undefined) out.push({ program: name, section });
      continue;
    }
    if (method === 'enable_probe' || method === 'enable_probe_or_bail') {
      const [probe, fn] = [text(args.get('probe') ?? args.get('0')), text(args.get('fn_name') ?? args.get('1'))];
      if (fn !== undefined) out.push({ program: fn, section: probe === undefined ? 'usdt' : `uprobe/${plain(probe)}` });
      continue;
    }
    if (!row) continue;
    const program = functionOf(pick(row.fn));
    if (program === undefined) continue;
    const target = text(pick(row.target)) ?? '';
    if (row.target.length > 0 && target === '') {
      out.push({ program, section: row.section('').replace(/\/$/, '') });
      continue;
    }
    if (method.includes('probe') && method.startsWith('attach_u')) {
      const binary = binaryOf(args.get('name') ?? args.get('0'));
      out.push({ program, section: binary === '' ? row.section(plain(target)) : row.section(`${binary}:${plain(target)}`) });
    } else out.push({ program, section: row.section(plain(target)) });
  }
  return out;
}

/** Names that BCC attaches by themselves. */
export function sectionOfName(name: string): string | undefined {
  const [, kind, rest] = /^(kprobe|kretprobe|raw_tracepoint|tracepoint)__(.+)$/.exec(name) ?? [];
  switch (kind) {
    case 'kprobe':
    case 'kretprobe':
      return `${kind}/${rest}`;
    case 'raw_tracepoint':
      return `raw_tp/${rest}`;
    case 'tracepoint':
      return `tp/${rest!.replace('__', '/')}`;
    default:
      return undefined;
  }
}

/** A function that nothing names, by the type of its first parameter; undefined for one that is no program. */
export function sectionOfContext(type: string): string | undefined {
  if (/\bxdp_md\b/.test(type)) return 'xdp';
  if (/\b__sk_buff\b/.test(type)) return 'tc';
  if (/\bbpf_perf_event_data\b/.test(type)) return 'perf_event';
  if (/\bbpf_raw_tracepoint_args\b/.test(type)) return 'raw_tp';
  if (/\bpt_regs\b/.test(type)) return 'kprobe';
  const [, category, event] = /\btracepoint__([a-z0-9]+(?:_[a-z0-9]+)*?)__(\w+)/.exec(type) ?? [];
  return category === undefined ? undefined : `tp/${category}/${event}`;
}
