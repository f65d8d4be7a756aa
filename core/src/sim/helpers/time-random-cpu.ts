// Helpers that read the clock, random numbers and the processor's number. All come from the simulated kernel, none from the host.

import type { HelperTable } from './helper.ts';

/** CONFIG_HZ of the distributions: a coarse clock and jiffies move in these steps. */
const HZ = 250n;
const NANOSECONDS = 1_000_000_000n;
const TICK = NANOSECONDS / HZ;
/** INITIAL_JIFFIES: jiffies start five minutes before they wrap around 32 bits. */
const INITIAL_JIFFIES = 0xffff_ffffn - 300n * HZ + 1n;
/** TAI is this far from boot: the simulated machine was started on 1 January 2025, 00:00:37 TAI. */
export const BOOT_TIME_TAI = 1_735_689_637n * NANOSECONDS;

export const TIME_RANDOM_CPU_HELPERS: HelperTable = {
  bpf_ktime_get_ns: ({ kernel }) => kernel.now(),
  bpf_ktime_get_boot_ns: ({ kernel }) => kernel.now(),
  bpf_ktime_get_coarse_ns: ({ kernel }) => (kernel.now() / TICK) * TICK,
  bpf_ktime_get_tai_ns: ({ kernel }) => BOOT_TIME_TAI + kernel.now(),
  bpf_jiffies64: ({ kernel }) => INITIAL_JIFFIES + kernel.now() / TICK,
  bpf_get_prandom_u32: ({ kernel }) => kernel.random(),
  bpf_get_smp_processor_id: ({ kernel }) => kernel.currentCpu(),
  bpf_get_numa_node_id: () => 0,
};
