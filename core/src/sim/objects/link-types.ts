// The kernel's word for the link that a program's attachment makes (enum bpf_link_type), as `bpftool link` prints it.

import type { Program } from '#core/program';

export function linkTypeOf({ type, section, attachType }: Program): string {
  switch (type) {
    case 'xdp':
      return 'xdp';
    case 'kprobe':
      return /^\??k.*\.(multi|session)/.test(section)
        ? 'kprobe_multi'
        : /^\??u.*\.(multi|session)/.test(section)
          ? 'uprobe_multi'
          : 'perf_event';
    case 'tracepoint':
    case 'perf_event':
      return 'perf_event';
    case 'raw_tracepoint':
    case 'raw_tracepoint_writable':
      return 'raw_tracepoint';
    case 'tracing':
      return attachType === 'BPF_TRACE_ITER' ? 'iter' : 'tracing';
    case 'lsm':
      return attachType === 'BPF_LSM_CGROUP' ? 'cgroup' : 'tracing';
    case 'ext':
      return 'tracing';
    case 'sched_cls':
    case 'sched_act':
      return /^\??netkit/.test(section) ? 'netkit' : 'tcx';
    case 'sk_lookup':
    case 'flow_dissector':
      return 'netns';
    case 'struct_ops':
      return 'struct_ops';
    case 'netfilter':
      return 'netfilter';
    case 'sk_skb':
    case 'sk_msg':
      return 'sockmap';
    default:
      return type?.startsWith('cgroup_') || type === 'sock_ops' ? 'cgroup' : 'unspec';
  }
}
