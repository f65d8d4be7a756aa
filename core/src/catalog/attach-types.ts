// Attach types (enum bpf_attach_type): number, first release, and the program type each belongs to. Knows no section names: see sections.ts.

import type { KernelVersion, ProgramTypeName } from './types.ts';

export interface AttachType {
  /** The kernel's name, as in `BPF_XDP`. */
  name: string;
  id: number;
  since: KernelVersion;
  programType: ProgramTypeName;
}

export const ATTACH_TYPES = [
  { name: 'BPF_CGROUP_INET_INGRESS', id: 0, since: '4.10', programType: 'cgroup_skb' },
  { name: 'BPF_CGROUP_INET_EGRESS', id: 1, since: '4.10', programType: 'cgroup_skb' },
  { name: 'BPF_CGROUP_INET_SOCK_CREATE', id: 2, since: '4.10', programType: 'cgroup_sock' },
  { name: 'BPF_CGROUP_SOCK_OPS', id: 3, since: '4.13', programType: 'sock_ops' },
  { name: 'BPF_SK_SKB_STREAM_PARSER', id: 4, since: '4.14', programType: 'sk_skb' },
  { name: 'BPF_SK_SKB_STREAM_VERDICT', id: 5, since: '4.14', programType: 'sk_skb' },
  { name: 'BPF_CGROUP_DEVICE', id: 6, since: '4.15', programType: 'cgroup_device' },
  { name: 'BPF_SK_MSG_VERDICT', id: 7, since: '4.17', programType: 'sk_msg' },
  { name: 'BPF_CGROUP_INET4_BIND', id: 8, since: '4.17', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_INET6_BIND', id: 9, since: '4.17', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_INET4_CONNECT', id: 10, since: '4.17', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_INET6_CONNECT', id: 11, since: '4.17', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_INET4_POST_BIND', id: 12, since: '4.17', programType: 'cgroup_sock' },
  { name: 'BPF_CGROUP_INET6_POST_BIND', id: 13, since: '4.17', programType: 'cgroup_sock' },
  { name: 'BPF_CGROUP_UDP4_SENDMSG', id: 14, since: '4.18', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_UDP6_SENDMSG', id: 15, since: '4.18', programType: 'cgroup_sock_addr' },
  { name: 'BPF_LIRC_MODE2', id: 16, since: '4.18', programType: 'lirc_mode2' },
  { name: 'BPF_FLOW_DISSECTOR', id: 17, since: '4.20', programType: 'flow_dissector' },
  { name: 'BPF_CGROUP_SYSCTL', id: 18, since: '5.2', programType: 'cgroup_sysctl' },
  { name: 'BPF_CGROUP_UDP4_RECVMSG', id: 19, since: '5.2', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_UDP6_RECVMSG', id: 20, since: '5.2', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_GETSOCKOPT', id: 21, since: '5.3', programType: 'cgroup_sockopt' },
  { name: 'BPF_CGROUP_SETSOCKOPT', id: 22, since: '5.3', programType: 'cgroup_sockopt' },
  { name: 'BPF_TRACE_RAW_TP', id: 23, since: '5.5', programType: 'tracing' },
  { name: 'BPF_TRACE_FENTRY', id: 24, since: '5.5', programType: 'tracing' },
  { name: 'BPF_TRACE_FEXIT', id: 25, since: '5.5', programType: 'tracing' },
  { name: 'BPF_MODIFY_RETURN', id: 26, since: '5.7', programType: 'tracing' },
  { name: 'BPF_LSM_MAC', id: 27, since: '5.7', programType: 'lsm' },
  { name: 'BPF_TRACE_ITER', id: 28, since: '5.8', programType: 'tracing' },
  { name: 'BPF_CGROUP_INET4_GETPEERNAME', id: 29, since: '5.8', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_INET6_GETPEERNAME', id: 30, since: '5.8', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_INET4_GETSOCKNAME', id: 31, since: '5.8', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_INET6_GETSOCKNAME', id: 32, since: '5.8', programType: 'cgroup_sock_addr' },
  { name: 'BPF_XDP_DEVMAP', id: 33, since: '5.8', programType: 'xdp' },
  { name: 'BPF_CGROUP_INET_SOCK_RELEASE', id: 34, since: '5.9', programType: 'cgroup_sock' },
  { name: 'BPF_XDP_CPUMAP', id: 35, since: '5.9', programType: 'xdp' },
  { name: 'BPF_SK_LOOKUP', id: 36, since: '5.9', programType: 'sk_lookup' },
  { name: 'BPF_XDP', id: 37, since: '5.9', programType: 'xdp' },
  { name: 'BPF_SK_SKB_VERDICT', id: 38, since: '5.13', programType: 'sk_skb' },
  { name: 'BPF_SK_REUSEPORT_SELECT', id: 39, since: '5.14', programType: 'sk_reuseport' },
  { name: 'BPF_SK_REUSEPORT_SELECT_OR_MIGRATE', id: 40, since: '5.14', programType: 'sk_reuseport' },
  { name: 'BPF_PERF_EVENT', id: 41, since: '5.15', programType: 'kprobe' },
  { name: 'BPF_TRACE_KPROBE_MULTI', id: 42, since: '5.18', programType: 'kprobe' },
  { name: 'BPF_LSM_CGROUP', id: 43, since: '6.0', programType: 'lsm' },
  { name: 'BPF_STRUCT_OPS', id: 44, since: '6.4', programType: 'struct_ops' },
  { name: 'BPF_NETFILTER', id: 45, since: '6.4', programType: 'netfilter' },
  { name: 'BPF_TCX_INGRESS', id: 46, since: '6.6', programType: 'sched_cls' },
  { name: 'BPF_TCX_EGRESS', id: 47, since: '6.6', programType: 'sched_cls' },
  { name: 'BPF_TRACE_UPROBE_MULTI', id: 48, since: '6.6', programType: 'kprobe' },
  { name: 'BPF_CGROUP_UNIX_CONNECT', id: 49, since: '6.7', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_UNIX_SENDMSG', id: 50, since: '6.7', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_UNIX_RECVMSG', id: 51, since: '6.7', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_UNIX_GETPEERNAME', id: 52, since: '6.7', programType: 'cgroup_sock_addr' },
  { name: 'BPF_CGROUP_UNIX_GETSOCKNAME', id: 53, since: '6.7', programType: 'cgroup_sock_addr' },
  { name: 'BPF_NETKIT_PRIMARY', id: 54, since: '6.7', programType: 'sched_cls' },
  { name: 'BPF_NETKIT_PEER', id: 55, since: '6.7', programType: 'sched_cls' },
  { name: 'BPF_TRACE_KPROBE_SESSION', id: 56, since: '6.10', programType: 'kprobe' },
  { name: 'BPF_TRACE_UPROBE_SESSION', id: 57, since: '6.13', programType: 'kprobe' },
] as const satisfies readonly AttachType[];

const byName = new Map<string, AttachType>(ATTACH_TYPES.map((row) => [row.name, row]));

/** The row of `BPF_XDP`, `BPF_TRACE_FENTRY`, …. */
export function attachType(name: string): AttachType | undefined {
  return byName.get(name);
}

/** The row with this number in enum bpf_attach_type. */
export function attachTypeById(id: number): AttachType | undefined {
  return ATTACH_TYPES[id];
}
