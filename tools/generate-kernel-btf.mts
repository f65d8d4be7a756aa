// Makes toolchain/kernel/linux-<version>.btf: the part of a kernel's types that BPF programs meet, so that programs with
// CO-RE load on systems without a Linux kernel. Roots: contexts, tracepoints, kfuncs, LSM hooks, iterators, struct_ops, and what
// the corpus at hand names; then what they embed, always, and what they point at, nearest first, while there is room.
// usage: npx tsx tools/generate-kernel-btf.mts [VMLINUX_BTF] [--version 6.18] [--corpus FOLDER_OF_OBJECTS] [--output FILE]

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { essentialLength, readBtf, readBtfExt, resolve, writeBtf, type Btf, type BtfType } from '../core/src/btf/index.ts';
import { readElf } from '../core/src/elf/index.ts';

const BUDGET = 1_480_000;

/** Types that tracing and networking programs read all the time, whatever the corpus says. */
const COMMON_STRUCTS = `task_struct mm_struct vm_area_struct file path dentry inode super_block vfsmount mount nsproxy pid pid_namespace uts_namespace user_namespace
  mnt_namespace cred signal_struct sighand_struct thread_info css_set cgroup cgroup_subsys_state kernfs_node linux_binprm files_struct fdtable fs_struct
  sock sock_common inet_sock inet_connection_sock tcp_sock udp_sock unix_sock socket socket_wq sk_buff sk_buff_head skb_shared_info net_device net netns_ipv4 request_sock
  inet_request_sock tcp_request_sock ipv6_pinfo ethhdr iphdr ipv6hdr tcphdr udphdr icmphdr arphdr vlan_hdr sockaddr sockaddr_in sockaddr_in6 in_addr in6_addr
  bio bio_vec request request_queue gendisk block_device rq cfs_rq sched_entity sched_avg task_group hrtimer timer_list work_struct page folio kmem_cache slab
  pt_regs trace_entry trace_event_raw_sys_enter trace_event_raw_sys_exit bpf_map bpf_prog bpf_prog_aux bpf_link bpf_array bpf_htab bpf_iter_meta seq_file seq_operations
  nf_conn nf_hook_state nf_hook_ops xdp_buff xdp_md xdp_frame xdp_rxq_info __sk_buff bpf_sock bpf_sock_ops bpf_sk_lookup sk_msg_md sk_reuseport_md bpf_sockopt bpf_sysctl
  bpf_sock_addr bpf_perf_event_data bpf_raw_tracepoint_args bpf_cgroup_dev_ctx bpf_nf_ctx bpf_flow_keys bpf_tcp_sock bpf_fib_lookup bpf_tunnel_key bpf_xfrm_state bpf_spin_lock bpf_timer
  bpf_dynptr bpf_list_head bpf_list_node bpf_rb_root bpf_rb_node bpf_refcount bpf_wq bpf_iter_num bpf_cpumask bpf_dynptr_kern bpf_redir_neigh bpf_devmap_val bpf_cpumap_val
  user_pt_regs msghdr user_msghdr iov_iter kiocb iovec epoll_event stat kstat rusage timespec64 __kernel_timespec itimerspec64 sigaction siginfo kernel_siginfo
  tcp_congestion_ops sched_ext_ops hid_bpf_ops Qdisc Qdisc_ops tcp_cong_control rate_sample mptcp_sock kprobe kretprobe uprobe perf_event perf_event_attr perf_sample_data bpf_perf_event_value
  io_kiocb key nameidata filename open_flags open_how rtnl_link_stats64 nlattr nlmsghdr ifaddrmsg fib_info rtable dst_entry neighbour in_device`;

/** Functions that programs attach to by BTF; others can be attached to on the real kernel all the same. */
const FUNCTION_PATTERNS = [
  /^bpf_lsm_/,
  /^bpf_iter_/,
  /^bpf_fentry_test/,
  /^bpf_modify_return_test/,
  /^__x64_sys_/,
  /^do_(unlinkat|sys_openat2|filp_open|nanosleep|exit|execveat_common|mkdirat|rmdir|renameat2|linkat|symlinkat|readlinkat|truncate|fchmodat|fchownat|mount|send_specific|tcp_\w+)$/,
  /^vfs_\w+$/,
  /^(tcp|udp|inet|inet6|ip|ip6|ipv6|icmp|unix)_(v[46]_)?(connect|sendmsg|recvmsg|close|set_state|rcv\w*|send_\w+|accept|listen|bind|destroy_sock|create|output|local_out|finish_output\w*|retransmit_skb|cleanup_rbuf|sendpage)$/,
  /^(tcp_v[46]_connect|tcp_rcv_established|tcp_rcv_state_process|tcp_set_state|inet_csk_accept|inet_bind|__inet_bind|__tcp_transmit_skb|tcp_conn_request|tcp_drop|kfree_skb_reason|sk_skb_reason_drop|consume_skb)$/,
  /^(blk_mq_start_request|blk_account_io_(start|done|merge_bio)|submit_bio(_noacct)?|__blk_mq_end_request)$/,
  /^(security_\w+|cap_capable|try_to_wake_up|finish_task_switch|wake_up_new_task|schedule|handle_mm_fault|do_user_addr_fault|filemap_fault|filp_close|fput|dput|lookup_fast|d_lookup|path_openat|do_filp_open)$/,
  /^(mutex_lock|mutex_unlock|down_read|up_read|kmem_cache_alloc\w*|__kmalloc\w*|kfree|__alloc_pages\w*|oom_kill_process|commit_creds|prepare_kernel_cred|override_creds|ptrace_attach|__ptrace_may_access)$/,
  /^(dev_queue_xmit|__dev_queue_xmit|netif_receive_skb|__netif_receive_skb_core|napi_gro_receive|dev_hard_start_xmit|net_rx_action|eth_type_trans|skb_\w{1,24}|__skb_\w+|ip_rcv|ip6_rcv|ip_local_deliver|ip_forward|nf_hook_slow)$/,
  /^(tcp|udp|inet|icmp|unix|sock|skb|netif|vfs|ksys|do|blk|bio|ext4|sched|nf|mmap|page|file|path|sys|futex|pipe|exec|fork)_[a-z0-9_]{1,24}$/,
  /^(bpf_prog_\w+|bpf_map_\w+|bpf_check|bpf_testmod_\w+|bpf_local_storage_destroy|set_task_comm|__set_task_comm|cgroup_\w{1,30}|load_elf_binary|bprm_\w+|begin_new_exec|free_task|release_task|copy_process|kernel_clone|wake_up_process)$/,
];

/** Enumerators that C programs use by name. */
const ENUMERATOR_PREFIX =
  /^(BPF_|XDP_|TC_ACT_|IPPROTO_|TCP_|TCPF_|SOCK_|AF_|NF_|NFPROTO_|SK_|LSM_|PIDTYPE_|PERF_|TASK_|MAP_|BTF_|LINUX_|NETLINK_|SKB_|ETH_P|RT_|TCPCB_|TCP_CA_|CA_|INET_|QUOTA|HRTIMER_|CLOCK_|ZONE_|NR_|MEMCG|WB_|KERNEL_|libbpf|TRACE_|SCX_|false|true)/;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    version: { type: 'string', default: '6.18' },
    output: { type: 'string' },
    corpus: { type: 'string', default: path.join(os.homedir(), '.cache/ebpf-workbench/oracle/obj') },
  },
});
const source = positionals[0] ?? '/sys/kernel/btf/vmlinux';
const sourceBytes = readFileSync(source);
const { btf, problems } = readBtf(sourceBytes);
if (!btf) throw new Error(problems[0]?.message);
const bytes = reduce(btf, values.corpus);
const output = values.output ?? path.resolve(import.meta.dirname ?? '.', `../toolchain/kernel/linux-${values.version}.btf`);
mkdirSync(path.dirname(output), { recursive: true });
writeFileSync(output, bytes);
// Beside it, what it was made by and from: a test makes it again where the same kernel runs.
writeFileSync(
  `${output}.json`,
  `${JSON.stringify({ generator: 'tools/generate-kernel-btf.mts', kernel: values.version, source: createHash('sha256').update(sourceBytes).digest('hex') }, null, 2)}\n`,
);
process.stdout.write(`${output}: ${bytes.length} bytes, ${readBtf(bytes).btf?.typeCount} of ${btf.typeCount} types\n`);

/** Names that objects of the corpus ask the kernel for: CO-RE roots, attach targets, kernel symbols. */
function corpusNames(folder: string): { types: Set<string>; functions: Set<string> } {
  const types = new Set<string>();
  const functions = new Set<string>();
  if (!existsSync(folder)) return { types, functions };
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.o'))) {
    const { elf } = readElf(readFileSync(path.join(folder, file)));
    const section = elf?.section('.BTF');
    const extSection = elf?.section('.BTF.ext');
    const local = section && readBtf(section.bytes).btf;
    if (!elf || !local) continue;
    for (const { name } of elf.sections) {
      const target = /^\??(?:fentry|fexit|fmod_ret|kprobe|kretprobe|freplace)(?:\.s)?\/([A-Za-z_]\w*)$/.exec(name)?.[1];
      if (target) functions.add(target);
    }
    for (const { name, section: where } of elf.symbols) if (where === 0 && name !== '') functions.add(name.replace(/___.*/, ''));
    const ext = extSection && readBtfExt(extSection.bytes, local).ext;
    for (const records of ext?.sections.values() ?? []) {
      for (const { typeId } of records.core) {
        const name = local.type(typeId)?.name ?? '';
        if (name !== '') types.add(name.slice(0, essentialLength(name)));
      }
    }
  }
  return { types, functions };
}

function reduce(kernel: Btf, corpus: string): Uint8Array {
  const names = corpusNames(corpus);
  const roots: number[] = [];
  const wanted = new Set([...COMMON_STRUCTS.split(/\s+/), ...names.types]);
  for (let id = 1; id < kernel.typeCount; id++) {
    const type = kernel.type(id)!;
    if (isRoot(kernel, type, wanted, names.functions)) roots.push(id);
  }
  // Distance counts pointers: what is embedded comes with its owner, what is pointed at comes later, if there is room.
  const keep = new Set<number>([0]);
  let frontier = roots;
  let last: Uint8Array = new Uint8Array();
  for (let round = 0; frontier.length > 0; round++) {
    const pointedAt = new Set<number>();
    const before = new Set(keep);
    for (const id of frontier) embed(kernel, id, keep, pointedAt);
    let written = write(kernel, keep);
    if (written.length > BUDGET) {
      if (round === 0) throw new Error(`the roots alone take ${written.length} bytes, more than ${BUDGET}`);
      // The last round by halves: as much of it as fits, in the order in which the kernel lists its types.
      let low = 0;
      let high = frontier.length;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        const trial = new Set(before);
        for (const id of frontier.slice(0, middle)) embed(kernel, id, trial, new Set());
        if (write(kernel, trial).length <= BUDGET) low = middle;
        else high = middle - 1;
      }
      const trial = new Set(before);
      for (const id of frontier.slice(0, low)) embed(kernel, id, trial, new Set());
      process.stdout.write(`round ${round}: ${low} of ${frontier.length} fit\n`);
      return write(kernel, trial);
    }
    process.stdout.write(`round ${round}: ${frontier.length} types, ${written.length} bytes\n`);
    last = written;
    written = new Uint8Array();
    frontier = [...pointedAt].filter((id) => !keep.has(id)).sort((a, b) => a - b);
  }
  return last;
}

function isRoot(kernel: Btf, type: BtfType, wanted: ReadonlySet<string>, functions: ReadonlySet<string>): boolean {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return (
        wanted.has(type.name) || /^(trace_event_raw_|bpf_iter__|bpf_struct_ops_|bpf_iter_|bpf_.*_kern$|bpf_ctx_convert)/.test(type.name)
      );
    case 'typedef': {
      if (wanted.has(type.name) || type.name.startsWith('btf_trace_')) return true;
      const behind = resolve(kernel, type.type);
      return behind?.kind === 'int' || behind?.kind === 'float';
    }
    case 'int':
    case 'float':
      return true;
    case 'enum':
    case 'enum64':
      return wanted.has(type.name) || type.enumerators.some(({ name }) => ENUMERATOR_PREFIX.test(name));
    case 'func':
      return (
        functions.has(type.name) ||
        FUNCTION_PATTERNS.some((pattern) => pattern.test(type.name)) ||
        kernel.declTags(type.id).some(({ name }) => name === 'bpf_kfunc')
      );
    case 'var':
      return functions.has(type.name);
    case 'decl_tag': {
      const target = kernel.type(type.type);
      return target?.kind === 'func' && kernel.declTags(target.id).some(({ name }) => name === 'bpf_kfunc');
    }
    default:
      return false;
  }
}

/** Keeps a type and everything that its bytes or its prototype are made of. Structs behind pointers are only noted. */
function embed(kernel: Btf, start: number, keep: Set<number>, pointedAt: Set<number>): void {
  const open = [start];
  while (open.length > 0) {
    const id = open.pop()!;
    if (keep.has(id)) continue;
    keep.add(id);
    const type = kernel.type(id)!;
    switch (type.kind) {
      case 'ptr': {
        // Through qualifiers and typedefs to a named struct: that one can wait. Everything else is small.
        let target = type.type;
        for (
          let at = kernel.type(target);
          at && (at.kind === 'const' || at.kind === 'volatile' || at.kind === 'restrict' || at.kind === 'type_tag');
          at = kernel.type(target)
        ) {
          keep.add(target);
          target = at.type;
        }
        const behind = kernel.type(target);
        if ((behind?.kind === 'struct' || behind?.kind === 'union') && behind.name !== '') pointedAt.add(target);
        else open.push(target);
        break;
      }
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
      case 'func':
      case 'var':
      case 'decl_tag':
        open.push(type.type);
        break;
      case 'array':
        open.push(type.type, type.indexType);
        break;
      case 'struct':
      case 'union':
        for (const member of type.members) open.push(member.type);
        break;
      case 'func_proto':
        open.push(type.type, ...type.parameters.map((parameter) => parameter.type));
        break;
      default:
        break;
    }
  }
}

/** The kept types with new ids; a struct that is only pointed at is declared. */
function write(kernel: Btf, keep: ReadonlySet<number>): Uint8Array {
  const ids = new Map<number, number>([[0, 0]]);
  const order = [...keep].filter((id) => id !== 0).sort((a, b) => a - b);
  order.forEach((id, i) => ids.set(id, i + 1));
  const forwards: BtfType[] = [];
  const known = new Map<string, number>();
  const to = (id: number): number => {
    const mapped = ids.get(id);
    if (mapped !== undefined) return mapped;
    const type = kernel.type(id);
    if (type?.kind !== 'struct' && type?.kind !== 'union') throw new Error(`type ${id} (${type?.kind}) is needed but was not kept`);
    const key = `${type.kind} ${type.name}`;
    let forward = known.get(key);
    if (forward === undefined) {
      forward = order.length + 1 + forwards.length;
      forwards.push({ kind: 'fwd', id: forward, name: type.name, of: type.kind });
      known.set(key, forward);
    }
    return forward;
  };
  const types = order.map((id): BtfType => {
    const type = kernel.type(id)!;
    switch (type.kind) {
      case 'array':
        return { ...type, type: to(type.type), indexType: to(type.indexType) };
      case 'struct':
      case 'union':
        return { ...type, members: type.members.map((member) => ({ ...member, type: to(member.type) })) };
      case 'func_proto':
        return {
          ...type,
          type: to(type.type),
          parameters: type.parameters.map((parameter) => ({ ...parameter, type: to(parameter.type) })),
        };
      case 'ptr':
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
      case 'func':
      case 'var':
      case 'decl_tag':
        return { ...type, type: to(type.type) };
      default:
        return type;
    }
  });
  return writeBtf([...types, ...forwards]);
}
