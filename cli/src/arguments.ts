// Options of the command line: node's parseArgs, with its complaints as one clear line.

import { parseArgs, type ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
export type Parsed<T extends Options> = {
  files: string[];
  values: ReturnType<typeof parseArgs<{ options: T; allowPositionals: true }>>['values'];
};

/** Files and options, or the reason why the line cannot be read. */
export function readArguments<const T extends Options>(args: readonly string[], options: T): Parsed<T> | { complaint: string } {
  try {
    const { positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { files: positionals, values };
  } catch (error) {
    return { complaint: (error as Error).message };
  }
}

/** Prints the complaint the way every command does; the exit status of an error. */
export function complain(command: string, complaint: string): 2 {
  process.stderr.write(`ebpfw ${command}: ${complaint}\n`);
  return 2;
}

/** For `--type`. */
export const noSuchType = (type: string): string =>
  `--type ${type} is neither a section's name (xdp, tc, cgroup/connect4, fentry/vfs_read) nor a program type's (sched_cls)`;
