// The workspace as the simulated kernel's shell sees it: regular files below one folder, up to a bound, read only. Nothing outside is read because
// a command line names it; a link that leads out is outside.

import { open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { error } from '#core/problem';
import type { ShellHost } from '#core/shell';
import { verify } from '#core/verifier';
import { readTargetKernel, verifierFacts } from './kernel-btf.ts';
import { openProgram, type OpenOptions } from './open-program.ts';
import type { ToolchainSettings } from './settings.ts';

const LONGEST_TEXT = 1 << 20;
const LARGEST_OBJECT = 64 << 20;
/** What an object may be compiled from, where it is not there itself. */
const SOURCES = ['.bpf.c', '.c', '.bpf.s', '.s'];

export interface WorkspaceHostOptions {
  settings?: ToolchainSettings;
  kernel?: OpenOptions['kernel'];
  /** The folder of the files that were named first: their base names are found there, too. */
  beside?: string;
}

export function workspaceHost(root: string, options: WorkspaceHostOptions = {}): ShellHost {
  const { settings = {} } = options;
  const inside = async (given: string): Promise<string | undefined> => {
    const base = await realpath(root);
    for (const folder of [root, ...(options.beside === undefined ? [] : [options.beside])]) {
      const real = await realpath(path.resolve(folder, given)).catch(() => undefined);
      if (real !== undefined && (real === base || real.startsWith(base + path.sep))) return real;
    }
    return undefined;
  };
  const regular = async (given: string, bound: number): Promise<{ file: string } | { problem: string }> => {
    const file = await inside(given);
    if (file === undefined) return { problem: 'No such file or directory' };
    const about = await stat(file);
    if (about.isDirectory()) return { problem: 'Is a directory' };
    if (!about.isFile()) return { problem: 'not a regular file' };
    return about.size > bound ? { problem: `larger than ${bound >> 20} MB` } : { file };
  };
  const bytesOf = async (given: string): Promise<{ bytes: Buffer } | { problem: string }> => {
    const found = await regular(given, LONGEST_TEXT);
    if ('problem' in found) return found;
    const handle = await open(found.file);
    try {
      return { bytes: await handle.readFile() };
    } finally {
      await handle.close();
    }
  };
  return {
    async readText(given) {
      const read = await bytesOf(given);
      return 'problem' in read ? read : { text: read.bytes.toString('utf8') };
    },
    readBytes: bytesOf,
    async list(given) {
      const folder = await inside(given);
      if (folder === undefined) return undefined;
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
      return entries
        ?.filter(({ name }) => !name.startsWith('.'))
        .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
        .sort();
    },
    async openObject(given, programType) {
      const stem = given.replace(/(\.bpf)?\.o$/, '');
      const names = stem === given ? [given] : [given, ...SOURCES.map((end) => stem + end)];
      for (const name of names) {
        const found = await regular(name, LARGEST_OBJECT);
        if ('problem' in found) {
          if (name === given && found.problem !== 'No such file or directory')
            return { problems: [error(found.problem, { code: 'unreadable-object' })] };
          continue;
        }
        const { object, problems } = await openProgram(found.file, {
          settings,
          kernel: { ...options.kernel, ...(programType === undefined ? {} : { programType }) },
        });
        // The object is named as the person named it: paths of this machine say nothing.
        return object ? { object: { ...object, file: given }, problems } : { problems };
      }
      return { problems: [error(`there is no file ${given}`, { code: 'unreadable' })] };
    },
    verify(program, object) {
      // The kernel's own limit of instructions ends it; a limit of time would load a refused program on a slow machine.
      const verdict = verify(program, object, { logLevel: 1, ...verifierFacts(readTargetKernel(settings)) });
      return verdict.verdict === 'accepted' ? { accepted: true } : { accepted: false, errno: verdict.errno ?? 'EACCES', log: verdict.log };
    },
  };
}
