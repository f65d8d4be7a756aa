// A terminal of a simulated kernel: bpftool, trace_pipe, pins, and what belongs to them.

export { Shell } from './shell.ts';
export { ShellTerminal, type TerminalOptions } from './terminal.ts';
export type { CommandResult } from './command-result.ts';
export type { EventSource } from './events.ts';
export type { ShellHost } from './shell-host.ts';
