// Loads from sockets: struct bpf_sock, bpf_tcp_sock and bpf_xdp_sock, as the catalog describes them.

import { rangeOf } from '../explain/causes.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { PTR_TO_SOCK_COMMON, PTR_TO_TCP_SOCK, PTR_TO_XDP_SOCK, typeName } from '../state/registers.ts';

/** Fields of struct bpf_sock (include/uapi/linux/bpf.h): offset, size, and whether parts of the field may be read. */
const SOCK_FIELDS: readonly (readonly [offset: number, size: number, narrow: boolean])[] = [
  [0, 4, false],
  [4, 4, true],
  [8, 4, true],
  [12, 4, true],
  [16, 4, false],
  [20, 4, false],
  [24, 4, true],
  [28, 16, true],
  [44, 4, true],
  [48, 2, true],
  [52, 4, true],
  [56, 16, true],
  [72, 4, true],
  [76, 4, true],
];
/** Fields of struct bpf_sock that a sock_common does not have: type, protocol, mark and priority. */
const FULL_SOCK_ONLY = new Set([8, 12, 16, 20]);

function isReadableSock(off: number, size: number, common: boolean): boolean {
  if (off < 0 || off >= 80 || off % size !== 0) return false;
  const field = SOCK_FIELDS.find(([start, bytes]) => off >= start && off < start + bytes);
  if (!field) return false;
  const [start, bytes, narrow] = field;
  if (common && FULL_SOCK_ONLY.has(start)) return false;
  // dst_port was widened from 4 to 2 bytes: a 4-byte load still works.
  if (start === 48 && off === 48 && size === 4) return true;
  if (size > 4) return false;
  return off + size <= start + bytes && (size === 4 || size === bytes || narrow);
}

/** Offsets of the 8-byte fields of struct bpf_tcp_sock. */
const TCP_SOCK_WIDE = new Set([80, 88]);
const TCP_SOCK_SIZE = 112;

export function checkSocketAccess(env: VerifierEnvironment, regno: number, off: number, size: number): void {
  const register = env.register(regno);
  if (register.scalar.smin < 0n) {
    throw env.reject(
      'negative-index',
      'EACCES',
      `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
      { register: regno, known: rangeOf(register) },
    );
  }
  let valid: boolean;
  switch (register.type) {
    case PTR_TO_SOCK_COMMON:
      valid = isReadableSock(off, size, true);
      break;
    case PTR_TO_TCP_SOCK:
      valid = off >= 0 && off < TCP_SOCK_SIZE && off % size === 0 && (TCP_SOCK_WIDE.has(off) ? size === 8 : size === 4);
      break;
    case PTR_TO_XDP_SOCK:
      valid = off >= 0 && off + size <= 4 && off % size === 0 && size === 4;
      break;
    default:
      valid = isReadableSock(off, size, false);
  }
  if (!valid)
    throw env.reject('mem-bounds', 'EACCES', `R${regno} invalid ${typeName(register.type)} access off=${off} size=${size}`, {
      register: regno,
    });
}
