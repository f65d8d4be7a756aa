// Helpers about the traced function and its stack, return values that programs leave, and per-CPU kernel variables.
// Kernel sources: kernel/trace/bpf_trace.c, kernel/bpf/stackmap.c, cgroup.c.

import { errno } from '../errno.ts';
import { concat, fromLittleEndian, littleEndian } from '../integers.ts';
import { LocalStorageMap, StackTraceMap } from '../maps/index.ts';
import type { Call, HelperResult, HelperTable } from './helper.ts';

const SKIP_MASK = 0xffn;
const USER_STACK = 1n << 8n;
const FAST_STACK_CMP = 1n << 9n;
const REUSE_STACKID = 1n << 10n;
const USER_BUILD_ID = 1n << 11n;

function stack(call: Call, flags: bigint): readonly bigint[] {
  const whole = (flags & USER_STACK) !== 0n ? call.run.userStack : call.run.kernelStack;
  return whole.slice(Number(flags & SKIP_MASK));
}

function getStack(call: Call, buffer: bigint, size: number, flags: bigint): number {
  if (flags & ~(SKIP_MASK | USER_STACK | USER_BUILD_ID) || (flags & USER_BUILD_ID) !== 0n || size % 8 !== 0) {
    call.write(buffer, new Uint8Array(size), 'buf');
    return errno('EINVAL');
  }
  const addresses = stack(call, flags).slice(0, size / 8);
  const bytes = concat(...addresses.map((address) => littleEndian(address, 8)));
  call.write(buffer, concat(bytes, new Uint8Array(size - bytes.length)), 'buf');
  return addresses.length === 0 ? errno('EFAULT') : bytes.length;
}

/** Every simulated CPU sees the same variable: there is one. */
const perCpu = (call: Call): HelperResult => (call.u32(2) >= call.kernel.cpus ? 0n : call.arg(1));

export const TRACING_HELPERS: HelperTable = {
  bpf_get_stack: (call) => getStack(call, call.arg(2), call.u32(3), call.arg(4)),
  bpf_get_task_stack: (call) => getStack(call, call.arg(2), call.u32(3), call.arg(4)),
  bpf_get_stackid: (call) => {
    const map = call.mapOf(2, StackTraceMap, 'a stack trace map');
    const flags = call.arg(3);
    return flags & ~(SKIP_MASK | USER_STACK | FAST_STACK_CMP | REUSE_STACKID) ? errno('EINVAL') : map.store(stack(call, flags), flags);
  },
  bpf_get_func_ip: ({ run }) => run.functionAddress,
  bpf_get_attach_cookie: ({ run }) => run.cookie,
  bpf_get_func_arg: (call) => {
    const value = call.run.functionArgs[call.u32(2)];
    if (value === undefined) return errno('EINVAL');
    call.write(call.arg(3), littleEndian(value, 8), 'value');
    return 0;
  },
  bpf_get_func_arg_cnt: ({ run }) => run.functionArgs.length,
  bpf_get_func_ret: (call) => {
    const { functionReturn } = call.run;
    if (functionReturn === undefined) return errno('EOPNOTSUPP');
    call.write(call.arg(2), littleEndian(functionReturn, 8), 'value');
    return 0;
  },
  bpf_override_return: (call) => {
    call.run.overridden = BigInt.asIntN(64, call.arg(2));
    call.run.effects = [...call.run.effects, `the function returns ${call.s32(2)} without running`];
    return 0;
  },
  bpf_get_retval: ({ run }) => Number(BigInt.asIntN(32, run.returnOverride ?? 0n)),
  bpf_set_retval: (call) => {
    call.run.returnOverride = call.arg(1);
    call.run.effects = [...call.run.effects, `the caller gets ${call.s32(1)}`];
    return 0;
  },
  bpf_per_cpu_ptr: perCpu,
  bpf_this_cpu_ptr: (call) => call.arg(1),
  bpf_kptr_xchg: (call) => {
    const old = fromLittleEndian(call.read(call.arg(1), 8, 'map_value'));
    call.write(call.arg(1), littleEndian(call.arg(2), 8), 'map_value');
    return old;
  },
  bpf_get_local_storage: (call) => {
    const map = call.mapOf(1, LocalStorageMap, 'a cgroup storage map');
    const { cgroup } = call.run.task;
    return map.get({ identity: `cgroup ${cgroup}`, label: cgroup }, undefined, 1n);
  },
};
