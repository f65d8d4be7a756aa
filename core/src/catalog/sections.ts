// Section names as libbpf reads them: which program type, attach type and sleepability a SEC("…") stands for.
// Knows nothing of what stands behind the slash: that is the attach target, and its reader's.

import { editDistance } from '#core/problem';
import type { ProgramTypeName } from './types.ts';

export interface SectionRow {
  /** Exact name; with a trailing `+` the name alone or followed by `/` and a target. */
  section: string;
  programType: ProgramTypeName;
  /** Expected attach type, where the section sets one. */
  attachType?: string;
  sleepable?: true;
  /** Packets in several buffers are welcome (BPF_F_XDP_HAS_FRAGS). */
  frags?: true;
}

export const SECTIONS = [
  { section: 'action', programType: 'sched_act' },
  { section: 'cgroup/bind4', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_INET4_BIND' },
  { section: 'cgroup/bind6', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_INET6_BIND' },
  { section: 'cgroup/connect4', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_INET4_CONNECT' },
  { section: 'cgroup/connect6', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_INET6_CONNECT' },
  { section: 'cgroup/connect_unix', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_UNIX_CONNECT' },
  { section: 'cgroup/dev', programType: 'cgroup_device', attachType: 'BPF_CGROUP_DEVICE' },
  { section: 'cgroup/getpeername4', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_INET4_GETPEERNAME' },
  { section: 'cgroup/getpeername6', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_INET6_GETPEERNAME' },
  { section: 'cgroup/getpeername_unix', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_UNIX_GETPEERNAME' },
  { section: 'cgroup/getsockname4', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_INET4_GETSOCKNAME' },
  { section: 'cgroup/getsockname6', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_INET6_GETSOCKNAME' },
  { section: 'cgroup/getsockname_unix', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_UNIX_GETSOCKNAME' },
  { section: 'cgroup/getsockopt', programType: 'cgroup_sockopt', attachType: 'BPF_CGROUP_GETSOCKOPT' },
  { section: 'cgroup/post_bind4', programType: 'cgroup_sock', attachType: 'BPF_CGROUP_INET4_POST_BIND' },
  { section: 'cgroup/post_bind6', programType: 'cgroup_sock', attachType: 'BPF_CGROUP_INET6_POST_BIND' },
  { section: 'cgroup/recvmsg4', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_UDP4_RECVMSG' },
  { section: 'cgroup/recvmsg6', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_UDP6_RECVMSG' },
  { section: 'cgroup/recvmsg_unix', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_UNIX_RECVMSG' },
  { section: 'cgroup/sendmsg4', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_UDP4_SENDMSG' },
  { section: 'cgroup/sendmsg6', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_UDP6_SENDMSG' },
  { section: 'cgroup/sendmsg_unix', programType: 'cgroup_sock_addr', attachType: 'BPF_CGROUP_UNIX_SENDMSG' },
  { section: 'cgroup/setsockopt', programType: 'cgroup_sockopt', attachType: 'BPF_CGROUP_SETSOCKOPT' },
  { section: 'cgroup/skb', programType: 'cgroup_skb' },
  { section: 'cgroup/sock', programType: 'cgroup_sock', attachType: 'BPF_CGROUP_INET_SOCK_CREATE' },
  { section: 'cgroup/sock_create', programType: 'cgroup_sock', attachType: 'BPF_CGROUP_INET_SOCK_CREATE' },
  { section: 'cgroup/sock_release', programType: 'cgroup_sock', attachType: 'BPF_CGROUP_INET_SOCK_RELEASE' },
  { section: 'cgroup/sysctl', programType: 'cgroup_sysctl', attachType: 'BPF_CGROUP_SYSCTL' },
  { section: 'cgroup_skb/egress', programType: 'cgroup_skb', attachType: 'BPF_CGROUP_INET_EGRESS' },
  { section: 'cgroup_skb/ingress', programType: 'cgroup_skb', attachType: 'BPF_CGROUP_INET_INGRESS' },
  { section: 'classifier', programType: 'sched_cls' },
  { section: 'fentry+', programType: 'tracing', attachType: 'BPF_TRACE_FENTRY' },
  { section: 'fentry.s+', programType: 'tracing', attachType: 'BPF_TRACE_FENTRY', sleepable: true },
  { section: 'fexit+', programType: 'tracing', attachType: 'BPF_TRACE_FEXIT' },
  { section: 'fexit.s+', programType: 'tracing', attachType: 'BPF_TRACE_FEXIT', sleepable: true },
  { section: 'flow_dissector', programType: 'flow_dissector', attachType: 'BPF_FLOW_DISSECTOR' },
  { section: 'fmod_ret+', programType: 'tracing', attachType: 'BPF_MODIFY_RETURN' },
  { section: 'fmod_ret.s+', programType: 'tracing', attachType: 'BPF_MODIFY_RETURN', sleepable: true },
  { section: 'freplace+', programType: 'ext' },
  { section: 'iter+', programType: 'tracing', attachType: 'BPF_TRACE_ITER' },
  { section: 'iter.s+', programType: 'tracing', attachType: 'BPF_TRACE_ITER', sleepable: true },
  { section: 'kprobe+', programType: 'kprobe' },
  { section: 'kprobe.multi+', programType: 'kprobe', attachType: 'BPF_TRACE_KPROBE_MULTI' },
  { section: 'kprobe.session+', programType: 'kprobe', attachType: 'BPF_TRACE_KPROBE_SESSION' },
  { section: 'kretprobe+', programType: 'kprobe' },
  { section: 'kretprobe.multi+', programType: 'kprobe', attachType: 'BPF_TRACE_KPROBE_MULTI' },
  { section: 'kretsyscall+', programType: 'kprobe' },
  { section: 'ksyscall+', programType: 'kprobe' },
  { section: 'lirc_mode2', programType: 'lirc_mode2', attachType: 'BPF_LIRC_MODE2' },
  { section: 'lsm+', programType: 'lsm', attachType: 'BPF_LSM_MAC' },
  { section: 'lsm.s+', programType: 'lsm', attachType: 'BPF_LSM_MAC', sleepable: true },
  { section: 'lsm_cgroup+', programType: 'lsm', attachType: 'BPF_LSM_CGROUP' },
  { section: 'lwt_in', programType: 'lwt_in' },
  { section: 'lwt_out', programType: 'lwt_out' },
  { section: 'lwt_seg6local', programType: 'lwt_seg6local' },
  { section: 'lwt_xmit', programType: 'lwt_xmit' },
  { section: 'netfilter', programType: 'netfilter' },
  { section: 'netkit/peer', programType: 'sched_cls', attachType: 'BPF_NETKIT_PEER' },
  { section: 'netkit/primary', programType: 'sched_cls', attachType: 'BPF_NETKIT_PRIMARY' },
  { section: 'perf_event', programType: 'perf_event' },
  { section: 'raw_tp+', programType: 'raw_tracepoint' },
  { section: 'raw_tp.w+', programType: 'raw_tracepoint_writable' },
  { section: 'raw_tracepoint+', programType: 'raw_tracepoint' },
  { section: 'raw_tracepoint.w+', programType: 'raw_tracepoint_writable' },
  { section: 'sk_lookup', programType: 'sk_lookup', attachType: 'BPF_SK_LOOKUP' },
  { section: 'sk_msg', programType: 'sk_msg', attachType: 'BPF_SK_MSG_VERDICT' },
  { section: 'sk_reuseport', programType: 'sk_reuseport', attachType: 'BPF_SK_REUSEPORT_SELECT' },
  { section: 'sk_reuseport/migrate', programType: 'sk_reuseport', attachType: 'BPF_SK_REUSEPORT_SELECT_OR_MIGRATE' },
  { section: 'sk_skb', programType: 'sk_skb' },
  { section: 'sk_skb/stream_parser', programType: 'sk_skb', attachType: 'BPF_SK_SKB_STREAM_PARSER' },
  { section: 'sk_skb/stream_verdict', programType: 'sk_skb', attachType: 'BPF_SK_SKB_STREAM_VERDICT' },
  { section: 'sk_skb/verdict', programType: 'sk_skb', attachType: 'BPF_SK_SKB_VERDICT' },
  { section: 'socket', programType: 'socket_filter' },
  { section: 'sockops', programType: 'sock_ops', attachType: 'BPF_CGROUP_SOCK_OPS' },
  { section: 'struct_ops+', programType: 'struct_ops' },
  { section: 'struct_ops.s+', programType: 'struct_ops', sleepable: true },
  { section: 'syscall', programType: 'syscall', sleepable: true },
  { section: 'tc', programType: 'sched_cls' },
  { section: 'tc/egress', programType: 'sched_cls', attachType: 'BPF_TCX_EGRESS' },
  { section: 'tc/ingress', programType: 'sched_cls', attachType: 'BPF_TCX_INGRESS' },
  { section: 'tcx/egress', programType: 'sched_cls', attachType: 'BPF_TCX_EGRESS' },
  { section: 'tcx/ingress', programType: 'sched_cls', attachType: 'BPF_TCX_INGRESS' },
  { section: 'tp+', programType: 'tracepoint' },
  { section: 'tp_btf+', programType: 'tracing', attachType: 'BPF_TRACE_RAW_TP' },
  { section: 'tracepoint+', programType: 'tracepoint' },
  { section: 'uprobe+', programType: 'kprobe' },
  { section: 'uprobe.multi+', programType: 'kprobe', attachType: 'BPF_TRACE_UPROBE_MULTI' },
  { section: 'uprobe.multi.s+', programType: 'kprobe', attachType: 'BPF_TRACE_UPROBE_MULTI', sleepable: true },
  { section: 'uprobe.s+', programType: 'kprobe', sleepable: true },
  { section: 'uprobe.session+', programType: 'kprobe', attachType: 'BPF_TRACE_UPROBE_SESSION' },
  { section: 'uprobe.session.s+', programType: 'kprobe', attachType: 'BPF_TRACE_UPROBE_SESSION', sleepable: true },
  { section: 'uretprobe+', programType: 'kprobe' },
  { section: 'uretprobe.multi+', programType: 'kprobe', attachType: 'BPF_TRACE_UPROBE_MULTI' },
  { section: 'uretprobe.multi.s+', programType: 'kprobe', attachType: 'BPF_TRACE_UPROBE_MULTI', sleepable: true },
  { section: 'uretprobe.s+', programType: 'kprobe', sleepable: true },
  { section: 'usdt+', programType: 'kprobe' },
  { section: 'xdp', programType: 'xdp', attachType: 'BPF_XDP' },
  { section: 'xdp.frags', programType: 'xdp', attachType: 'BPF_XDP', frags: true },
  { section: 'xdp.frags/cpumap', programType: 'xdp', attachType: 'BPF_XDP_CPUMAP', frags: true },
  { section: 'xdp.frags/devmap', programType: 'xdp', attachType: 'BPF_XDP_DEVMAP', frags: true },
  { section: 'xdp/cpumap', programType: 'xdp', attachType: 'BPF_XDP_CPUMAP' },
  { section: 'xdp/devmap', programType: 'xdp', attachType: 'BPF_XDP_DEVMAP' },
] as const satisfies readonly SectionRow[];

export interface Section {
  row: SectionRow;
  programType: ProgramTypeName;
  attachType?: string;
  sleepable: boolean;
  /** False for `?…`: libbpf does not load it unless told to. */
  autoload: boolean;
  /** What stands behind the slash. */
  target?: string;
}

const exact = new Map<string, SectionRow>();
for (const row of SECTIONS) exact.set(row.section.replace(/\+$/, ''), row);

/** What SEC(name) means, as libbpf 1.x reads it; undefined where libbpf knows no such section. */
export function findSection(name: string): Section | undefined {
  const autoload = !name.startsWith('?');
  const bare = autoload ? name : name.slice(1);
  const whole = exact.get(bare);
  const slash = bare.indexOf('/');
  // A row that ends in `+` takes a target; an exact row with a slash in its own name, as `tc/ingress`, was found above.
  const head = whole ? undefined : slash < 0 ? undefined : exact.get(bare.slice(0, slash));
  const row = whole ?? (head?.section.endsWith('+') ? head : undefined);
  if (!row) return undefined;
  const target = whole ? undefined : bare.slice(slash + 1);
  return {
    row,
    programType: row.programType,
    ...(row.attachType === undefined ? {} : { attachType: row.attachType }),
    sleepable: row.sleepable ?? false,
    autoload,
    ...(target === undefined || target === '' ? {} : { target }),
  };
}

/** What a program is that somebody calls `xdp`, `tc` or `fentry/vfs_read` (a section's name), or `sched_cls` (a program type's). */
export function sectionOfType(type: string): Section | undefined {
  const section = findSection(type);
  if (section) return section;
  const row = SECTIONS.find(({ programType }) => programType === type.replace(/^BPF_PROG_TYPE_/, '').toLowerCase());
  return row && { row, programType: row.programType, sleepable: false, autoload: true };
}

/** The known section name nearest to a mistyped one (its part before the target), where one is near. */
export function nearestSection(name: string): string | undefined {
  const bare = name.replace(/^\?/, '');
  let best: { text: string; distance: number } | undefined;
  for (const candidate of exact.keys()) {
    const parts = candidate.split('/').length;
    const head = bare.split('/').slice(0, parts).join('/');
    const limit = Math.max(1, Math.floor(candidate.length / 4));
    if (Math.abs(head.length - candidate.length) > limit) continue;
    const distance = editDistance(head, candidate);
    if (distance <= limit && (!best || distance < best.distance)) best = { text: candidate, distance };
  }
  return best?.text;
}
