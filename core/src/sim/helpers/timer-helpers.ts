// bpf_timer_init, _set_callback, _start and _cancel. What runs when is in timers.ts.

import { functionSlot } from '#core/vm';
import { errno } from '../errno.ts';
import { littleEndian } from '../integers.ts';
import { setTimer } from '../timers.ts';
import type { HelperTable } from './helper.ts';

/** CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME: one clock here. */
const CLOCKS = [0n, 1n, 7n];
const TIMER_ABS = 1n;
const TIMER_CPU_PIN = 2n;

export const TIMER_HELPERS: HelperTable = {
  bpf_timer_init: (call) => {
    const address = call.arg(1);
    const map = call.map(2);
    if (!CLOCKS.includes(call.arg(3))) return errno('EINVAL');
    if (call.kernel.timers.has(address)) return errno('EBUSY');
    // The struct holds a pointer that programs may not read: any value says "made".
    call.write(address, littleEndian(1, 8), 'timer');
    setTimer(call.kernel, { address, map });
    return 0;
  },
  bpf_timer_set_callback: (call) => {
    const timer = call.kernel.timers.get(call.arg(1));
    const callback = functionSlot(call.arg(2));
    if (callback === undefined) return call.fault(`argument 2 (0x${call.arg(2).toString(16)}) is not a function of this program`);
    if (!timer) return errno('EINVAL');
    setTimer(call.kernel, { ...timer, callback, program: call.run.current });
    return 0;
  },
  bpf_timer_start: (call) => {
    const timer = call.kernel.timers.get(call.arg(1));
    const flags = call.arg(3);
    if (flags & ~(TIMER_ABS | TIMER_CPU_PIN) || !timer || timer.callback === undefined) return errno('EINVAL');
    setTimer(call.kernel, { ...timer, due: (flags & TIMER_ABS) !== 0n ? call.arg(2) : call.kernel.now() + call.arg(2) });
    return 0;
  },
  bpf_timer_cancel: (call) => {
    const timer = call.kernel.timers.get(call.arg(1));
    if (!timer) return errno('EINVAL');
    // The callback goes with it (drop_prog_refcnt): a start needs a new set_callback.
    setTimer(call.kernel, { address: timer.address, map: timer.map });
    return timer.due === undefined ? 0 : 1;
  },
};
