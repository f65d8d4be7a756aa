// What a command gives back, and what it may use.

import { ERRNO, ERROR_WORDS, errnoName, type ErrnoName, type Kernel, type Output, type UserProcess } from '#core/sim';
import type { ShellHost } from './shell-host.ts';

export interface CommandResult {
  /** Standard output. */
  output: string;
  /** Standard error: not what a pipe carries on. */
  errors?: string;
  /** Exit status. */
  status: number;
  /** Standard output goes on as trace lines come, until it is interrupted. */
  follows?: true;
}

export interface CommandContext {
  readonly kernel: Kernel;
  readonly host: ShellHost;
  /** The process of this command: what it opens closes when the command ends. */
  readonly process: UserProcess;
  /** trace_pipe's lines until now; they are read once. */
  readTrace(): string;
  /** What happened: trace lines wait for trace_pipe. */
  feed(outputs: readonly Output[]): void;
}

export const done = (output = ''): CommandResult => ({ output, status: 0 });
export const failed = (errors: string, status = 1): CommandResult => ({ output: '', errors, status });

/** The kernel's words for an error, by name or by a negative number. */
export function errorWords(error: ErrnoName | number): string {
  const name = typeof error === 'string' ? error : errnoName(error);
  return (name && ERROR_WORDS[name]) ?? `Unknown error ${typeof error === 'number' ? -error : error}`;
}
/** The exit status of a tool that ends with the negative error number. */
export const statusOf = (error: ErrnoName | number): number => 256 - (typeof error === 'string' ? ERRNO[error] : -error);

/** Names come from untrusted objects: a terminal must not take them for commands. */
export const printable = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
