// What the toolchain asks of the machine, behind one interface so that tests can be another machine.

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, type Run } from './process.ts';

export interface Machine {
  platform: NodeJS.Platform;
  arch: string;
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  run: Run;
  /** Whether `file` is a regular file that may be executed. */
  isExecutable(file: string): boolean;
  /** Text of /etc/os-release, for the package manager's name; empty elsewhere. */
  osRelease(): string;
}

export const thisMachine: Machine = {
  platform: process.platform,
  arch: process.arch,
  env: process.env,
  home: os.homedir(),
  run,
  isExecutable(file) {
    try {
      accessSync(file, process.platform === 'win32' ? constants.F_OK : constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  },
  osRelease: () => readTextIfAny('/etc/os-release'),
};

/** The folder for what we make ourselves and can make again: generated headers, precompiled headers. */
export function cacheFolder(machine: Machine = thisMachine): string {
  const { env, home, platform } = machine;
  if (env['EBPF_WORKBENCH_CACHE']) return env['EBPF_WORKBENCH_CACHE'];
  if (platform === 'win32') return path.join(env['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local'), 'ebpf-workbench');
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'ebpf-workbench');
  return path.join(env['XDG_CACHE_HOME'] ?? path.join(home, '.cache'), 'ebpf-workbench');
}

function readTextIfAny(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
