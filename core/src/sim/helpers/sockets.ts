// Helpers about sockets and routes. No socket and no route is simulated: look-ups find nothing, as on a machine where nobody listens.
// Kernel source: net/core/filter.c.

import { errno } from '../errno.ts';
import { setContextField } from '../hooks/packet-hook.ts';
import type { Call, HelperTable } from './helper.ts';

/** BPF_FIB_LKUP_RET_NOT_FWDED: no route was found. */
const NOT_FORWARDED = 4;
/** NETNS_COOKIE of the first namespace. */
const INITIAL_NETNS = 1n;

/** Tuples are of IPv4 (12 bytes) or IPv6 (36); flags must be 0. */
const lookup = (call: Call): bigint => {
  call.read(call.arg(2), call.u32(3), 'tuple');
  return 0n;
};

export const SOCKET_HELPERS: HelperTable = {
  bpf_sk_lookup_tcp: lookup,
  bpf_sk_lookup_udp: lookup,
  bpf_skc_lookup_tcp: lookup,
  // Nothing that a look-up gave can be passed here, for it gave nothing.
  bpf_sk_release: (call) => (call.arg(1) === 0n ? errno('EINVAL') : 0),
  bpf_sk_fullsock: (call) => call.arg(1),
  bpf_tcp_sock: () => 0n,
  bpf_get_listener_sock: () => 0n,
  bpf_get_socket_cookie: () => 0n,
  bpf_get_socket_uid: () => 65534,
  bpf_get_netns_cookie: () => INITIAL_NETNS,
  bpf_fib_lookup: () => NOT_FORWARDED,
  bpf_sk_assign: (call) => (call.arg(2) === 0n ? 0 : errno('EINVAL')),
  bpf_sock_ops_cb_flags_set: (call) => {
    setContextField(call.kernel, call.run, 'bpf_sock_ops', 'bpf_sock_ops_cb_flags', call.u32(2) & 0x7f);
    // Flags that are not known come back.
    return call.u32(2) & ~0x7f;
  },
  bpf_skb_cgroup_id: ({ kernel, run }) => kernel.tasks.cgroupId(run.task.cgroup),
  bpf_redirect_neigh: (call) => {
    if (call.arg(4) !== 0n || (call.u32(3) !== 0 && call.u32(3) < 20)) return 2;
    call.run.redirect = { ifindex: call.u32(1) };
    return 7;
  },
};
