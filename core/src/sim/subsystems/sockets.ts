// Sockets as programs read them: struct sock_common and what lies behind it in inet_sock, tcp_sock and struct socket.

import { littleEndian } from '../integers.ts';
import type { KernelObjects } from './kernel-objects.ts';
import type { KernelObject } from './kernel-structs.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** enum in include/net/tcp_states.h. */
export const TCP_STATES = {
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_CLOSE: 7,
  TCP_LISTEN: 10,
} as const;

export interface SocketFacts {
  family: number;
  type: 'SOCK_STREAM' | 'SOCK_DGRAM';
  state: keyof typeof TCP_STATES;
  /** Addresses as they stand in a packet: four or sixteen bytes. */
  localAddress?: Uint8Array;
  remoteAddress?: Uint8Array;
  localPort?: number;
  remotePort?: number;
}

const OWN = Uint8Array.of(192, 0, 2, 2);
const OTHER = Uint8Array.of(192, 0, 2, 1);

/** The connection that a program sees where nobody said which. */
export const DEFAULT_SOCKET: SocketFacts = {
  family: AF_INET,
  type: 'SOCK_STREAM',
  state: 'TCP_ESTABLISHED',
  localAddress: OWN,
  remoteAddress: OTHER,
  localPort: 40000,
  remotePort: 443,
};

const bigEndian = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff);
/** An IPv4 address as IPv6 has it. */
const mapped = (address: Uint8Array): Uint8Array =>
  address.length === 16 ? address : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address);

export function fillSocket(objects: KernelObjects, object: KernelObject, key: string, facts: SocketFacts): void {
  const local = facts.localAddress ?? new Uint8Array(facts.family === AF_INET6 ? 16 : 4);
  const remote = facts.remoteAddress ?? new Uint8Array(facts.family === AF_INET6 ? 16 : 4);
  // The same struct begins with inet_sock, sock and sock_common: each path below is tried from the outermost.
  const outer = ['inet_conn.icsk_inet.', 'inet.'].find((prefix) => object.has(`${prefix}sk.__sk_common.skc_family`)) ?? '';
  const common = `${outer}sk.__sk_common.`;
  object.setAll({
    [`${common}skc_family`]: facts.family,
    [`${common}skc_state`]: TCP_STATES[facts.state],
    [`${common}skc_num`]: facts.localPort ?? 0,
    [`${common}skc_dport`]: bigEndian(facts.remotePort ?? 0),
    [`${common}skc_net.net`]: objects.net(),
    [`${common}skc_refcnt`]: 1,
    [`${common}skc_v6_rcv_saddr`]: mapped(local),
    [`${common}skc_v6_daddr`]: mapped(remote),
    [`${common}skc_cookie`]: littleEndian(1, 8),
    [`${outer}sk.sk_protocol`]: facts.type === 'SOCK_DGRAM' ? 17 : 6,
    [`${outer}sk.sk_type`]: facts.type === 'SOCK_DGRAM' ? 2 : 1,
    [`${outer}sk.sk_rcvbuf`]: 131072,
    [`${outer}sk.sk_sndbuf`]: 87040,
    [`${outer}sk.sk_max_ack_backlog`]: 128,
    [`${outer}inet_sport`]: bigEndian(facts.localPort ?? 0),
  });
  if (facts.family === AF_INET) {
    object.setAll({ [`${common}skc_rcv_saddr`]: local, [`${common}skc_daddr`]: remote, [`${outer}inet_saddr`]: local });
  }
  // tcp_sock keeps the smoothed round trip in eighths of a microsecond: 25 ms.
  object.setAll({ srtt_us: 200_000, mdev_us: 10_000, snd_cwnd: 10, mss_cache: 1448, snd_ssthresh: 0x7fff_ffff });
  object.set(`${outer}sk.sk_socket`, objects.socket(key));
}
