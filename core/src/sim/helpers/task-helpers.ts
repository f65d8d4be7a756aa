// Helpers about the task that runs when the event comes: identity, cgroup, task_struct.

import { errno } from '../errno.ts';
import { PT_REGS_SIZE } from '../hooks/registers.ts';
import { concat, littleEndian, utf8 } from '../integers.ts';
import type { HelperTable } from './helper.ts';

const pair = (high: number, low: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** The cgroup `level` steps below the root on the way to the task's; undefined where its path is shorter. */
function ancestor(path: string, level: number): string | undefined {
  const names = path.split('/').filter(Boolean);
  return level > names.length ? undefined : `/${names.slice(0, level).join('/')}`;
}

export const TASK_HELPERS: HelperTable = {
  bpf_get_current_pid_tgid: ({ run }) => pair(run.task.tgid, run.task.pid),
  bpf_get_current_uid_gid: ({ run }) => pair(run.task.gid, run.task.uid),
  bpf_get_current_comm: (call) => {
    const size = call.u32(2);
    if (size === 0) return errno('EINVAL');
    // strscpy_pad: at most 15 bytes, the rest zeros.
    const comm = utf8(call.run.task.comm).subarray(0, Math.min(15, size - 1));
    call.write(call.arg(1), concat(comm, new Uint8Array(size - comm.length)), 'buffer');
    return 0;
  },
  bpf_get_current_task: ({ kernel, run }) => kernel.tasks.addressOf(run.task),
  bpf_get_current_task_btf: ({ kernel, run }) => kernel.tasks.addressOf(run.task),
  bpf_get_current_cgroup_id: ({ kernel, run }) => kernel.tasks.cgroupId(run.task.cgroup),
  bpf_get_current_ancestor_cgroup_id: (call) => {
    const level = call.s32(1);
    const path = level < 0 ? undefined : ancestor(call.run.task.cgroup, level);
    return path === undefined ? 0n : call.kernel.tasks.cgroupId(path);
  },
  bpf_current_task_under_cgroup: (call) => {
    call.map(1);
    return errno('EAGAIN');
  },
  bpf_get_ns_current_pid_tgid: (call) => {
    // One pid namespace is simulated: the initial one, device 0, inode 4026531836 (PROC_PID_INIT_INO).
    if (call.u32(4) !== 8) return errno('EINVAL');
    if (call.arg(2) !== 4026531836n) {
      call.write(call.arg(3), new Uint8Array(8), 'nsdata');
      return errno('EINVAL');
    }
    call.write(call.arg(3), concat(littleEndian(call.run.task.pid, 4), littleEndian(call.run.task.tgid, 4)), 'nsdata');
    return 0;
  },
  // Registers that the task entered the kernel with; what they held is only known where a system call is the event.
  bpf_task_pt_regs: ({ kernel, run }) => {
    if (run.userRegisters !== undefined) return run.userRegisters;
    const region = kernel.memory.allocate({ kind: 'kernel', name: 'struct pt_regs of the task', size: PT_REGS_SIZE, writable: false });
    run.regions = [...run.regions, region];
    return region.base;
  },
  bpf_send_signal: (call) => {
    call.run.effects = [...call.run.effects, `signal ${call.u32(1)} is sent to ${call.run.task.comm}-${call.run.task.pid}`];
    return 0;
  },
  bpf_send_signal_thread: (call) => {
    call.run.effects = [...call.run.effects, `signal ${call.u32(1)} is sent to thread ${call.run.task.pid}`];
    return 0;
  },
};
