// A terminal of a simulated kernel: bpftool, trace_pipe, pins, and what belongs to them.

export { Shell, type ShellOptions } from './shell.ts';
export { ShellTerminal, type TerminalOptions } from './terminal.ts';
export { complete } from './complete.ts';
export { LineEditor, type EditorAction } from './line-editor.ts';
export type { CommandResult } from './command-result.ts';
export type { EventSource } from './events.ts';
export { NO_FILES, type ShellHost } from './shell-host.ts';
export { programTag } from './bpftool/program-tag.ts';
