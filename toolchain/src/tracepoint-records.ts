// `struct tracepoint__CATEGORY__EVENT` as BCC makes it from the kernel's format file: here from the kernel's BTF and our table of system calls.

import { recordName } from '#core/bcc';
import type { Btf, BtfComposite } from '#core/btf';
import { syscallByName } from '#core/sim';

/** Events that share their record with others (DEFINE_EVENT): the record's name where it is not the event's. */
const RECORD_OF: Readonly<Record<string, string>> = {
  sched_wakeup: 'sched_wakeup_template',
  sched_wakeup_new: 'sched_wakeup_template',
  sched_waking: 'sched_wakeup_template',
  sched_process_exit: 'sched_process_template',
  sched_process_free: 'sched_process_template',
  sched_wait_task: 'sched_process_template',
  sched_stat_wait: 'sched_stat_template',
  sched_stat_sleep: 'sched_stat_template',
  sched_stat_iowait: 'sched_stat_template',
  sched_stat_blocked: 'sched_stat_template',
  block_rq_issue: 'block_rq',
  block_rq_insert: 'block_rq',
  block_rq_merge: 'block_rq',
  block_io_start: 'block_rq',
  block_io_done: 'block_rq',
  block_rq_complete: 'block_rq_completion',
  block_rq_error: 'block_rq_completion',
  block_bio_queue: 'block_bio',
  block_bio_backmerge: 'block_bio',
  block_bio_frontmerge: 'block_bio',
  net_dev_queue: 'net_dev_template',
  netif_receive_skb: 'net_dev_template',
  netif_rx: 'net_dev_template',
  softirq_entry: 'softirq',
  softirq_exit: 'softirq',
  softirq_raise: 'softirq',
  tcp_retransmit_skb: 'tcp_event_sk_skb',
  tcp_destroy_sock: 'tcp_event_sk',
  tcp_rcv_space_adjust: 'tcp_event_sk',
  tcp_receive_reset: 'tcp_event_sk',
  timer_start: 'timer_start',
  timer_cancel: 'timer_class',
  timer_init: 'timer_class',
  timer_expire_exit: 'timer_class',
  kmem_cache_alloc_node: 'kmem_cache_alloc',
  cpu_frequency: 'cpu',
  cpu_idle: 'cpu',
  mm_vmscan_direct_reclaim_begin: 'mm_vmscan_direct_reclaim_begin_template',
  mm_vmscan_memcg_reclaim_begin: 'mm_vmscan_direct_reclaim_begin_template',
  mm_vmscan_direct_reclaim_end: 'mm_vmscan_direct_reclaim_end_template',
  mm_vmscan_memcg_reclaim_end: 'mm_vmscan_direct_reclaim_end_template',
  page_fault_user: 'exceptions',
  page_fault_kernel: 'exceptions',
  local_timer_entry: 'x86_irq_vector',
  local_timer_exit: 'x86_irq_vector',
};

const TEXT =
  /^(?:filename|pathname|path|name|buf|buff|ubuf|oldname|newname|fsname|type|dev_name|dir_name|specialfile|u_buf|uargs|value|new_name|old_name)$/;

/** The definition, on one line; undefined where the kernel has no such tracepoint. */
export function tracepointRecord(category: string, event: string, btf: Btf | undefined): string | undefined {
  const struct = `struct ${recordName(category, event)}`;
  if (category === 'syscalls') {
    if (/^sys_exit_/.test(event)) return `${struct} { u64 __do_not_use__; int __syscall_nr; long ret; };`;
    const row = syscallByName(event.replace(/^sys_enter_/, ''));
    const members = (row?.parameters ?? ['arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5']).map((name) => {
      const type = TEXT.test(name) ? 'const char *' : /^(?:argv|envp)$/.test(name) ? 'const char *const *' : 'long ';
      return `${type}${name} __attribute__((aligned(8)));`;
    });
    return `${struct} { u64 __do_not_use__; int __syscall_nr; ${members.join(' ')} };`;
  }
  const names = [`trace_event_raw_${RECORD_OF[event] ?? event}`, `trace_event_raw_${event}`];
  const id = names.map((name) => btf?.find(name, 'struct')).find((found) => found !== undefined);
  if (!btf || id === undefined) return undefined;
  // Written out: the types of vmlinux.h are relocated, and a relocated access to a context is one with a changed pointer.
  const members = (btf.type(id) as BtfComposite).members.flatMap(({ name, type }) => {
    if (name === 'ent') return ['u64 __do_not_use__;'];
    const declaration = declare(btf, type, name);
    return name === '__data' || declaration === undefined ? [] : [declaration];
  });
  return `${struct} { ${members.join(' ')} };`;
}

function declare(btf: Btf, typeId: number, name: string): string | undefined {
  const type = btf.type(typeId);
  switch (type?.kind) {
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'type_tag':
      return declare(btf, type.type, name);
    case 'int':
      return `${type.signed ? 's' : 'u'}${type.size * 8} ${name};`;
    case 'enum':
    case 'enum64':
      return `${type.size === 8 ? 'u64' : 'int'} ${name};`;
    case 'ptr': {
      const to = type.type === 0 ? undefined : btf.type(type.type);
      return to?.kind === 'struct' && to.name ? `struct ${to.name} *${name};` : `void *${name};`;
    }
    case 'array':
      return declare(btf, type.type, `${name}[${type.count}]`);
    case 'struct':
    case 'union':
      return `${type.kind} ${type.name} ${name};`;
    default:
      return undefined;
  }
}
