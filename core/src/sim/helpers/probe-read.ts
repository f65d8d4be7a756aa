// Reads of kernel and user memory that may fail: bpf_probe_read*, bpf_copy_from_user*. A failed read fills the destination with zeros.
// Kernel source: kernel/trace/bpf_trace.c.

import { errno } from '../errno.ts';
import type { Call, HelperTable } from './helper.ts';

type Space = 'kernel' | 'user' | 'either';

/** Addresses below this are user space's (TASK_SIZE_MAX of x86-64); packets and skb data stand apart here, see hooks/packet-hook.ts. */
const TASK_SIZE = 0x7fff_ffff_f000n;

function inSpace(call: Call, address: bigint, space: Space): boolean {
  if (space === 'either') return true;
  const user = call.regionAt(address)?.kind === 'user' || (address < TASK_SIZE && call.regionAt(address) === undefined);
  return (space === 'user') === user;
}

const probeRead =
  (space: Space) =>
  (call: Call): number => {
    const size = call.u32(2);
    const source = call.arg(3);
    const bytes = inSpace(call, source, space) ? call.tryRead(source, size) : undefined;
    call.write(call.arg(1), bytes ?? new Uint8Array(size), 'destination');
    return bytes ? 0 : errno('EFAULT');
  };

/** Copies up to a NUL; returns the length with it. Text that does not fit is cut and gets its NUL all the same. */
const probeReadString =
  (space: Space) =>
  (call: Call): number => {
    const size = call.u32(2);
    const source = call.arg(3);
    if (size === 0) return 0;
    const bytes = inSpace(call, source, space) ? call.stringBytes(source, size) : undefined;
    if (!bytes) {
      call.write(call.arg(1), new Uint8Array(size), 'destination');
      return errno('EFAULT');
    }
    bytes[bytes.length - 1] = 0;
    call.write(call.arg(1), bytes, 'destination');
    return bytes.length;
  };

export const PROBE_READ_HELPERS: HelperTable = {
  bpf_probe_read: probeRead('either'),
  bpf_probe_read_kernel: probeRead('kernel'),
  bpf_probe_read_user: probeRead('user'),
  bpf_probe_read_str: probeReadString('either'),
  bpf_probe_read_kernel_str: probeReadString('kernel'),
  bpf_probe_read_user_str: probeReadString('user'),
  bpf_copy_from_user: probeRead('user'),
  bpf_copy_from_user_task: (call) => (call.arg(5) === 0n ? probeRead('user')(call) : errno('EINVAL')),
  bpf_probe_write_user: (call) => {
    const size = call.u32(3);
    const source = call.read(call.arg(2), size, 'source');
    const target = call.regionAt(call.arg(1));
    if (target?.kind !== 'user') return errno('EPERM');
    return call.kernel.memory.write(call.arg(1), source) ? errno('EFAULT') : 0;
  },
};
