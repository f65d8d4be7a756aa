// The files one can see: bpffs with its pins, tracefs, /proc as far as eBPF asks of it, and the workspace, which is read and never written.

import { BPFFS, ERROR_WORDS, type Refusal } from '#core/sim';
import { type CommandContext, type CommandResult, done, failed, printable } from './command-result.ts';

const TRACE_ROOTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/** The path below tracefs, or undefined. */
function traceFile(path: string): string | undefined {
  const root = TRACE_ROOTS.find((known) => path === known || path.startsWith(`${known}/`));
  return root === undefined ? undefined : path.slice(root.length + 1);
}

export async function cat(context: CommandContext, args: readonly string[]): Promise<CommandResult> {
  if (args.length === 0) return failed('cat: a file is wanted\n');
  let output = '';
  let errors = '';
  for (const path of args) {
    const inTrace = traceFile(path);
    if (inTrace === 'trace_pipe' || path === 'trace_pipe')
      return { output: output + context.readTrace(), errors, status: 0, follows: true };
    const read = await readFile(context, path);
    if ('text' in read) output += read.text;
    else errors += `cat: ${path}: ${read.problem}\n`;
  }
  return { output, ...(errors === '' ? {} : { errors }), status: errors === '' ? 0 : 1 };
}

/** Bytes of a workspace file on their way to a terminal: control characters are shown, not obeyed. */
const shown = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');

async function readFile(context: CommandContext, path: string): Promise<{ text: string } | { problem: string }> {
  const { kernel, host } = context;
  const { bpf } = kernel;
  if (bpf.pins.has(path)) return { problem: 'Permission denied (a pin is no text: bpftool shows what it holds)' };
  if (bpf.directories.has(path)) return { problem: 'Is a directory' };
  const inTrace = traceFile(path);
  if (inTrace !== undefined) return { problem: 'No such file or directory (of tracefs there is trace_pipe)' };
  if (path === '/proc/version') return { text: `Linux version ${kernel.options.version}.0 (simulated)\n` };
  if (path === '/proc/uptime') return { text: `${(Number(kernel.now()) / 1e9).toFixed(2)} 0.00\n` };
  const process = /^\/proc\/(\d+)\/(comm|cgroup|status)$/.exec(path);
  if (process) {
    const task = bpf.tasks.find(({ pid }) => pid === Number(process[1]));
    if (!task) return { problem: 'No such file or directory' };
    if (process[2] === 'comm') return { text: `${printable(task.comm)}\n` };
    if (process[2] === 'cgroup') return { text: `0::${printable(task.cgroup)}\n` };
    return {
      text: `Name:\t${printable(task.comm)}\nTgid:\t${task.tgid}\nPid:\t${task.pid}\nPPid:\t${task.parent}\nUid:\t${task.uid}\nGid:\t${task.gid}\n`,
    };
  }
  const descriptor = /^\/proc\/(\d+)\/fdinfo\/(\d+)$/.exec(path);
  if (descriptor) {
    const object = bpf.processes.find(({ pid }) => pid === Number(descriptor[1]))?.fds.get(Number(descriptor[2]));
    return object ? { text: `${object.kind}_id:\t${object.id}\n` } : { problem: 'No such file or directory' };
  }
  if (path.startsWith('/')) return { problem: 'No such file or directory' };
  const read = await host.readText(path);
  return 'text' in read ? { text: shown(read.text) } : read;
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 1));
const clean = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, '') : path);

/** What stands in a folder, sorted; folders end with a slash. Undefined where there is no such folder. */
export async function entriesOf(context: Pick<CommandContext, 'kernel' | 'host'>, given: string): Promise<readonly string[] | undefined> {
  const path = clean(given);
  const { bpf } = context.kernel;
  if (bpf.directories.has(path))
    return [
      ...[...bpf.directories].filter((other) => other !== path && parentOf(other) === path).map((other) => `${baseName(other)}/`),
      ...[...bpf.pins.keys()].filter((other) => parentOf(other) === path).map(baseName),
    ].sort();
  if (TRACE_ROOTS.includes(path)) return ['trace_pipe'];
  const task = /^\/proc\/(\d+)$/.exec(path);
  if (task) return bpf.tasks.some(({ pid }) => pid === Number(task[1])) ? ['cgroup', 'comm', 'status'] : undefined;
  const fds = /^\/proc\/(\d+)\/fdinfo$/.exec(path);
  if (fds) {
    const process = bpf.processes.find(({ pid }) => pid === Number(fds[1]));
    return process && [...process.fds.keys()].map(String);
  }
  if (path === '/proc') return [...bpf.tasks.map(({ pid }) => `${pid}/`), 'uptime', 'version'];
  if (path === '/sys/class/net') return bpf.devices.map(({ name }) => name);
  return path.startsWith('/') ? undefined : context.host.list(path);
}

export async function ls(context: CommandContext, args: readonly string[]): Promise<CommandResult> {
  const long = args.some((word) => /^-\w*l/.test(word));
  const paths = args.filter((word) => !word.startsWith('-'));
  let output = '';
  let errors = '';
  for (const path of paths.length === 0 ? ['.'] : [...paths].sort()) {
    if (context.kernel.bpf.pins.has(path)) {
      output += `${path}\n`;
      continue;
    }
    const entries = await entriesOf(context, path);
    if (!entries) {
      const siblings = await entriesOf(context, parentOf(path));
      if (siblings?.includes(baseName(path))) output += `${path}\n`;
      else errors += `ls: ${path}: No such file or directory\n`;
      continue;
    }
    if (paths.length > 1) output += `${output === '' ? '' : '\n'}${path}:\n`;
    for (const entry of entries) {
      const name = printable(entry.replace(/\/$/, ''));
      output += long ? `${entry.endsWith('/') ? 'drwxr-xr-x' : '-rw-------'}  root root  ${name}\n` : `${name}\n`;
    }
  }
  return { output, ...(errors === '' ? {} : { errors }), status: errors === '' ? 0 : 1 };
}

const words = ({ errno }: Refusal): string => ERROR_WORDS[errno] ?? errno;
const READ_ONLY = 'Read-only file system (only pins below /sys/fs/bpf can be made and removed here)';

export function rm({ kernel }: CommandContext, args: readonly string[]): CommandResult {
  const { bpf } = kernel;
  const recursive = args.some((word) => /^-\w*r/i.test(word));
  const force = args.some((word) => /^-\w*f/.test(word));
  let errors = '';
  for (const given of args.filter((word) => !word.startsWith('-'))) {
    const path = clean(given);
    if (!path.startsWith(`${BPFFS}/`)) {
      errors += `rm: can't remove '${given}': ${READ_ONLY}\n`;
      continue;
    }
    if (bpf.directories.has(path) && recursive) {
      for (const pin of [...bpf.pins.keys()]) if (pin.startsWith(`${path}/`)) bpf.unlink(pin);
      [...bpf.directories]
        .filter((other) => other === path || other.startsWith(`${path}/`))
        .sort((a, b) => b.length - a.length)
        .forEach((directory) => bpf.removeDirectory(directory));
      continue;
    }
    const refused = bpf.unlink(path);
    if (!refused || (force && refused.errno === 'ENOENT')) continue;
    errors += refused.errno === 'EISDIR' ? `rm: '${given}' is a directory\n` : `rm: can't remove '${given}': ${words(refused)}\n`;
  }
  return errors === '' ? done() : failed(errors);
}

export function mkdir({ kernel }: CommandContext, args: readonly string[]): CommandResult {
  const parents = args.includes('-p');
  let errors = '';
  for (const given of args.filter((word) => !word.startsWith('-'))) {
    const path = clean(given);
    const made = (refused: Refusal | undefined): void => {
      if (!refused || (parents && refused.errno === 'EEXIST')) return;
      errors += `mkdir: can't create directory '${given}': ${refused.errno === 'EPERM' ? READ_ONLY : words(refused)}\n`;
    };
    if (parents && path.startsWith(`${BPFFS}/`)) {
      const parts = path.slice(BPFFS.length + 1).split('/');
      parts.forEach((_, i) => made(kernel.bpf.makeDirectory(`${BPFFS}/${parts.slice(0, i + 1).join('/')}`)));
    } else made(kernel.bpf.makeDirectory(path));
  }
  return errors === '' ? done() : failed(errors);
}

export function rmdir({ kernel }: CommandContext, args: readonly string[]): CommandResult {
  const errors = args.flatMap((given) => {
    const refused = kernel.bpf.removeDirectory(clean(given));
    return refused ? [`rmdir: '${given}': ${words(refused)}\n`] : [];
  });
  return errors.length === 0 ? done() : failed(errors.join(''));
}
