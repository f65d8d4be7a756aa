// What a program's return value does at its hook, in one line for people. Numbers from include/uapi/linux.

import { errnoName } from '../errno.ts';

interface Action {
  name: string;
  does: string;
}

const XDP_ACTIONS: readonly Action[] = [
  { name: 'XDP_ABORTED', does: 'the packet is dropped, and the xdp_exception tracepoint says so' },
  { name: 'XDP_DROP', does: 'the packet is dropped' },
  { name: 'XDP_PASS', does: 'the packet goes on to the network stack' },
  { name: 'XDP_TX', does: 'the packet goes back out of the device it came in by' },
  { name: 'XDP_REDIRECT', does: 'the packet is redirected' },
];

const TC_ACTIONS = new Map<number, Action>([
  [-1, { name: 'TC_ACT_UNSPEC', does: 'the default action is taken' }],
  [0, { name: 'TC_ACT_OK', does: 'the packet goes on' }],
  [1, { name: 'TC_ACT_RECLASSIFY', does: 'classification starts again' }],
  [2, { name: 'TC_ACT_SHOT', does: 'the packet is dropped' }],
  [3, { name: 'TC_ACT_PIPE', does: 'the next action is taken' }],
  [4, { name: 'TC_ACT_STOLEN', does: 'the packet is consumed' }],
  [5, { name: 'TC_ACT_QUEUED', does: 'the packet is queued' }],
  [6, { name: 'TC_ACT_REPEAT', does: 'the action is taken again' }],
  [7, { name: 'TC_ACT_REDIRECT', does: 'the packet is redirected' }],
  [8, { name: 'TC_ACT_TRAP', does: 'the packet goes to user space, or on' }],
]);

/** How a program's verdict reads, for its type. `value` is r0. */
export function returnMeaning(type: string | undefined, attachType: string | undefined, value: bigint): string {
  const signed = Number(BigInt.asIntN(32, value));
  const unsigned = Number(BigInt.asUintN(32, value));
  switch (type) {
    case 'xdp': {
      const action = XDP_ACTIONS[unsigned];
      return action ? `${action.name}: ${action.does}` : `${unsigned} is no XDP action: the packet is dropped as with XDP_ABORTED`;
    }
    case 'sched_cls':
    case 'sched_act':
    case 'lwt_in':
    case 'lwt_out':
    case 'lwt_xmit': {
      const action = TC_ACTIONS.get(signed);
      return action ? `${action.name}: ${action.does}` : `${signed}: the packet goes on with class ${unsigned.toString(16)}`;
    }
    case 'socket_filter':
      return unsigned === 0
        ? '0: the socket does not get the packet'
        : `${unsigned}: the socket gets ${unsigned === 0xffffffff ? 'the whole packet' : `up to ${unsigned} bytes`}`;
    case 'cgroup_skb':
      return (unsigned & 1) === 1 ? `${unsigned}: the packet goes on` : `${unsigned}: the packet is dropped`;
    case 'cgroup_sock':
    case 'cgroup_sock_addr':
    case 'cgroup_sockopt':
    case 'cgroup_device':
    case 'cgroup_sysctl':
      return unsigned === 0 ? '0: refused with EPERM' : `${unsigned}: allowed`;
    case 'lsm':
    case 'tracing':
      if (type === 'lsm' || attachType === 'BPF_MODIFY_RETURN')
        return signed === 0 ? '0: allowed' : `${signed}: refused with ${errnoName(signed) ?? `error ${-signed}`}`;
      return `${signed}: ignored here`;
    case 'perf_event':
    case 'kprobe':
    case 'tracepoint':
      return unsigned === 0 ? '0: done' : `${unsigned}: done, and a perf event attached to the same place gets its record`;
    case 'raw_tracepoint':
    case 'raw_tracepoint_writable':
      return `${signed}: ignored here`;
    default:
      return `${signed}`;
  }
}
