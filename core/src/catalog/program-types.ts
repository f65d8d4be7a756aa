// Program types: number, first release, context struct, and one line of what each is for. Knows no section names: see sections.ts.

import { PROGRAM_TYPE_NAMES, type KernelVersion, type ProgramTypeName } from './types.ts';

export interface ProgramType {
  name: ProgramTypeName;
  /** enum bpf_prog_type. */
  id: number;
  since: KernelVersion;
  /** C type that R1 points to at the start; undefined where it follows the attach target. */
  context: string | undefined;
  summary: string;
}

export const PROGRAM_TYPES = [
  { name: 'socket_filter', id: 1, since: '3.19', context: 'struct __sk_buff', summary: 'Filters what a socket receives: returns how many bytes of the packet to keep.' },
  { name: 'kprobe', id: 2, since: '4.1', context: 'struct pt_regs', summary: 'Runs when a kernel or user function is entered or left (kprobe, uprobe, USDT).' },
  { name: 'sched_cls', id: 3, since: '4.1', context: 'struct __sk_buff', summary: 'Traffic control classifier: sees every packet of a device, in and out.' },
  { name: 'sched_act', id: 4, since: '4.1', context: 'struct __sk_buff', summary: 'Traffic control action, run for packets a classifier chose.' },
  { name: 'tracepoint', id: 5, since: '4.7', context: undefined, summary: 'Runs at a static tracepoint; the context is that tracepoint\'s record.' },
  { name: 'xdp', id: 6, since: '4.8', context: 'struct xdp_md', summary: 'Runs on a packet in the network driver, before the stack sees it.' },
  { name: 'perf_event', id: 7, since: '4.9', context: 'struct bpf_perf_event_data', summary: 'Runs on the samples of a perf event, such as a CPU clock.' },
  { name: 'cgroup_skb', id: 8, since: '4.10', context: 'struct __sk_buff', summary: 'Lets through or drops packets of the sockets in a cgroup.' },
  { name: 'cgroup_sock', id: 9, since: '4.10', context: 'struct bpf_sock', summary: 'Runs when a process of a cgroup creates, binds or releases a socket.' },
  { name: 'lwt_in', id: 10, since: '4.10', context: 'struct __sk_buff', summary: 'Lightweight tunnel: packets that come in over a route.' },
  { name: 'lwt_out', id: 11, since: '4.10', context: 'struct __sk_buff', summary: 'Lightweight tunnel: packets that go out over a route.' },
  { name: 'lwt_xmit', id: 12, since: '4.10', context: 'struct __sk_buff', summary: 'Lightweight tunnel: packets just before they are sent; may change them.' },
  { name: 'sock_ops', id: 13, since: '4.13', context: 'struct bpf_sock_ops', summary: 'Follows TCP connections of a cgroup and tunes them.' },
  { name: 'sk_skb', id: 14, since: '4.14', context: 'struct __sk_buff', summary: 'Splits and redirects the stream of sockets that stand in a sockmap.' },
  { name: 'cgroup_device', id: 15, since: '4.15', context: 'struct bpf_cgroup_dev_ctx', summary: 'Allows or denies a cgroup\'s use of device nodes.' },
  { name: 'sk_msg', id: 16, since: '4.17', context: 'struct sk_msg_md', summary: 'Sees what sockets of a sockmap send, and may redirect it.' },
  { name: 'raw_tracepoint', id: 17, since: '4.17', context: 'struct bpf_raw_tracepoint_args', summary: 'Runs at a tracepoint with its raw arguments, which makes it the cheapest way there.' },
  { name: 'cgroup_sock_addr', id: 18, since: '4.17', context: 'struct bpf_sock_addr', summary: 'Sees and changes the addresses of bind, connect, sendmsg and recvmsg in a cgroup.' },
  { name: 'lwt_seg6local', id: 19, since: '4.18', context: 'struct __sk_buff', summary: 'Handles packets of an IPv6 segment that ends on this host.' },
  { name: 'lirc_mode2', id: 20, since: '4.18', context: 'unsigned int', summary: 'Decodes pulses of an infrared receiver into key presses.' },
  { name: 'sk_reuseport', id: 21, since: '4.19', context: 'struct sk_reuseport_md', summary: 'Chooses which socket of a SO_REUSEPORT group gets a packet.' },
  { name: 'flow_dissector', id: 22, since: '4.20', context: 'struct __sk_buff', summary: 'Replaces the kernel\'s parser of packet headers in a network namespace.' },
  { name: 'cgroup_sysctl', id: 23, since: '5.2', context: 'struct bpf_sysctl', summary: 'Allows, denies or changes a cgroup\'s reads and writes of /proc/sys.' },
  { name: 'raw_tracepoint_writable', id: 24, since: '5.2', context: 'struct bpf_raw_tracepoint_args', summary: 'A raw tracepoint whose first argument the program may write.' },
  { name: 'cgroup_sockopt', id: 25, since: '5.3', context: 'struct bpf_sockopt', summary: 'Sees and changes getsockopt and setsockopt calls of a cgroup.' },
  { name: 'tracing', id: 26, since: '5.5', context: 'unsigned long long', summary: 'Traces kernel functions and tracepoints with typed arguments (fentry, fexit, tp_btf, iterators).' },
  { name: 'struct_ops', id: 27, since: '5.6', context: 'unsigned long long', summary: 'Implements a function of a kernel interface, such as a TCP congestion control.' },
  { name: 'ext', id: 28, since: '5.6', context: undefined, summary: 'Replaces a global function of a loaded program.' },
  { name: 'lsm', id: 29, since: '5.7', context: 'unsigned long long', summary: 'Runs at a Linux Security Module hook and may deny what is asked.' },
  { name: 'sk_lookup', id: 30, since: '5.9', context: 'struct bpf_sk_lookup', summary: 'Chooses the listening socket for an incoming connection or datagram.' },
  { name: 'syscall', id: 31, since: '5.14', context: 'void', summary: 'Runs when user space asks for it, and may call bpf() itself.' },
  { name: 'netfilter', id: 32, since: '6.4', context: 'struct bpf_nf_ctx', summary: 'Runs at a netfilter hook, such as those iptables uses.' },
] as const satisfies readonly ProgramType[];

const byName = new Map<string, ProgramType>(PROGRAM_TYPES.map((row) => [row.name, row]));

/** The row of `xdp`, `kprobe`, …; `BPF_PROG_TYPE_XDP` is understood too. */
export function programType(name: string): ProgramType | undefined {
  return byName.get(name) ?? byName.get(name.replace(/^BPF_PROG_TYPE_/, '').toLowerCase());
}

/** The row with this number in enum bpf_prog_type. */
export function programTypeById(id: number): ProgramType | undefined {
  return PROGRAM_TYPES[id - 1];
}

export function isProgramTypeName(name: string): name is ProgramTypeName {
  return (PROGRAM_TYPE_NAMES as readonly string[]).includes(name);
}
