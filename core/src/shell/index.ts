// bpftool and trace_pipe over a simulated kernel.

export { Shell } from './shell.ts';
export type { CommandResult } from './bpftool.ts';
