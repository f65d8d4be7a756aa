// Reads of kernel and user memory that may fail: bpf_probe_read*, bpf_copy_from_user*. A failed read fills the destination with zeros.
// Kernel source: kernel/trace/bpf_trace.c.

import { errno } from '../errno.ts';
import type { Call, HelperTable } from './helper.ts';

type Space = 'kernel' | 'user' | 'either';

/** Addresses below this are user space's (TASK_SIZE_MAX of x86-64); packets and skb data stand apart here, see hooks/packet-hook.ts. */
const TASK_SIZE = 0x7fff_ffff_f000n;

const isUser = (call: Call, address: bigint): boolean => {
  const region = call.regionAt(address);
  return region?.kind === 'user' || (address < TASK_SIZE && region === undefined);
};

/**
 * Why nothing can be read at an address: copy_from_kernel_nofault says ERANGE where an address is not the kernel's (below the first page
 * behind user space, or not canonical) and EFAULT where nothing is mapped; reads of user memory say EFAULT.
 */
function refusal(call: Call, address: bigint, space: Space): number {
  if (space === 'user' || (space === 'either' && address < TASK_SIZE)) return errno('EFAULT');
  return isUser(call, address) || address < KERNEL_START ? errno('ERANGE') : errno('EFAULT');
}
/** The lowest canonical address of the upper half. */
const KERNEL_START = 0xffff_8000_0000_0000n;

const inSpace = (call: Call, address: bigint, space: Space): boolean => space === 'either' || (space === 'user') === isUser(call, address);

const probeRead =
  (space: Space) =>
  (call: Call): number => {
    const size = call.u32(2);
    const source = call.arg(3);
    const bytes = inSpace(call, source, space) ? call.tryRead(source, size) : undefined;
    call.write(call.arg(1), bytes ?? new Uint8Array(size), 'destination');
    return bytes ? 0 : refusal(call, source, space);
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
      return refusal(call, source, space);
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
