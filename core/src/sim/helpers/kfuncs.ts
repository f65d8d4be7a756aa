// kfuncs that are simulated, by name.

import type { Helper, HelperTable } from './helper.ts';

export const KFUNCS: HelperTable = {
  // RCU and preemption mean nothing where one program runs at a time.
  bpf_rcu_read_lock: () => 0,
  bpf_rcu_read_unlock: () => 0,
  bpf_preempt_disable: () => 0,
  bpf_preempt_enable: () => 0,
};

export const kfuncByName = (name: string): Helper | undefined => (Object.hasOwn(KFUNCS, name) ? KFUNCS[name] : undefined);
