// The simulated kernel: maps, helpers, hooks, tasks, devices and a clock, driven by a scenario. The host of the vm.
export type * from './types.ts';
