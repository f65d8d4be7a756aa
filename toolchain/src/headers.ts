// Where headers come from: our own libbpf-style ones, a vmlinux.h made from BTF into the cache, and clang's precompiled form of it.
// Never writes outside the cache folder.

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { printVmlinuxHeader } from '#core/btf';
import { type Problem, error } from '#core/problem';
import type { Compiler } from './find-compiler.ts';
import { readTargetKernel } from './kernel-btf.ts';
import { cacheFolder } from './machine.ts';
import { ownFolder } from './own-folder.ts';
import { run } from './process.ts';
import type { ToolchainSettings } from './settings.ts';

/** Counts up when printVmlinuxHeader writes something else: older files in the cache are then made again. */
const VMLINUX_EDITION = 2;
const KEPT_PRECOMPILED = 6;
/** A vmlinux.h has about 4 MB. */
const LARGEST_HEADER = 64 << 20;

let include: string | undefined;
/** Folder to give with -I, so that `<bpf/bpf_helpers.h>` is found. */
export const ownHeaders = (): string => (include ??= ownFolder('toolchain/include'));

export interface VmlinuxHeader {
  /** Absolute path of a file named vmlinux.h. */
  file?: string;
  /** What it describes, for people: `Linux 6.18`. */
  origin: string;
  problems: readonly Problem[];
}

const making = new Map<string, Promise<VmlinuxHeader>>();

/** The vmlinux.h for `#include "vmlinux.h"` where the project has none of its own; made on the first call. */
export function ensureVmlinux(settings: ToolchainSettings = {}): Promise<VmlinuxHeader> {
  const key = JSON.stringify([settings.vmlinux, settings.kernelBtf, settings.cacheFolder]);
  let made = making.get(key);
  if (!made) {
    made = makeVmlinux(settings);
    making.set(key, made);
    // A failure may be cured by the next edit of a setting or a disk: ask again then.
    void made.then(({ file }) => file ?? making.delete(key));
  }
  return made;
}

async function makeVmlinux(settings: ToolchainSettings): Promise<VmlinuxHeader> {
  if (settings.vmlinux) {
    if (isRegular(settings.vmlinux)) return { file: settings.vmlinux, origin: settings.vmlinux, problems: [] };
    return {
      origin: '',
      problems: [
        error(
          `The setting ebpf.kernel.vmlinux names ${settings.vmlinux}, which ${existsSync(settings.vmlinux) ? 'is no regular file' : 'does not exist'}`,
          { code: 'vmlinux-setting' },
        ),
      ],
    };
  }
  // The newest kernel's, whatever the target: CO-RE fits a program to an older one, as it does on a real machine.
  const kernel = readTargetKernel(settings.kernelBtf ? { kernelBtf: settings.kernelBtf } : {});
  if (!kernel.btf) return { origin: '', problems: kernel.problems };
  const folder = path.join(settings.cacheFolder ?? cacheFolder(), 'vmlinux', `${kernel.digest}-${VMLINUX_EDITION}`);
  const file = path.join(folder, 'vmlinux.h');
  if (existsSync(file)) return { file, origin: kernel.origin, problems: [] };
  try {
    await mkdir(folder, { recursive: true });
    await writeWhole(file, printVmlinuxHeader(kernel.btf));
    return { file, origin: kernel.origin, problems: [] };
  } catch (reason) {
    return {
      origin: '',
      problems: [
        error(
          `vmlinux.h could not be written into the cache: ${(reason as Error).message}. Choose another folder with the environment variable EBPF_WORKBENCH_CACHE`,
          { code: 'cache' },
        ),
      ],
    };
  }
}

/** A reader sees the old file or the whole new one, also when two processes write at once. */
async function writeWhole(file: string, text: string): Promise<void> {
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, text);
  await rename(unfinished, file);
}

/** The header that a quoted or angled include of `vmlinux.h` names, looked up as the compiler does. */
export function findVmlinuxInclude(text: string, folder: string, includeFolders: readonly string[]): string | undefined {
  // Only where nothing but comments stands in front: a macro defined before might change what the header means.
  const first = /^(?:\s|\/\/[^\n]*\n|\/\*[^]*?\*\/)*#[ \t]*include[ \t]*(["<])vmlinux\.h[">]/.exec(text);
  if (!first) return undefined;
  const places = first[1] === '"' ? [folder, ...includeFolders] : includeFolders;
  return places.map((place) => path.resolve(folder, place, 'vmlinux.h')).find(isRegular);
}

const compiling = new Map<string, Promise<string | undefined>>();

/**
 * Clang's precompiled form of a header, as a path for -include-pch; undefined where it cannot be made or would change the meaning.
 * Keyed by compiler, arguments and the header's size and time. A build is shared by all who wait and never cancelled.
 */
export async function ensurePrecompiled(
  header: string,
  compiler: Compiler,
  args: readonly string[],
  settings: ToolchainSettings,
): Promise<string | undefined> {
  const facts = await stat(header).catch(() => undefined);
  const program = await stat(compiler.path).catch(() => undefined);
  // Without a guard the header would be read a second time by the #include that stays in the program.
  if (!facts?.isFile() || facts.size > LARGEST_HEADER || !program || !(await guarded(header, facts.mtimeMs))) return undefined;
  const key = createHash('sha256')
    .update(JSON.stringify([compiler.path, program.mtimeMs, compiler.description, header, facts.size, facts.mtimeMs, args]))
    .digest('hex')
    .slice(0, 24);
  const folder = path.join(settings.cacheFolder ?? cacheFolder(), 'precompiled');
  const file = path.join(folder, `${key}.pch`);
  let made = compiling.get(file);
  if (!made) {
    made = precompile(header, file, folder, compiler, args);
    compiling.set(file, made);
  }
  const ready = await made;
  if (ready && existsSync(ready)) return ready;
  compiling.delete(file);
  return undefined;
}

/** Crash reports and temporary files, and the copies that zig keeps of everything it makes, go into a folder that the caller removes. */
export function compilerEnvironment(compiler: Compiler, scratch: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    TMPDIR: scratch,
    TMP: scratch,
    TEMP: scratch,
    ...(compiler.kind === 'zig' ? { ZIG_LOCAL_CACHE_DIR: scratch, ZIG_GLOBAL_CACHE_DIR: scratch } : {}),
  };
}

/** A pipe or a device, also behind a link that came with a checkout, would be read for ever. */
function isRegular(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

const guards = new Map<string, boolean>();
async function guarded(header: string, mtime: number): Promise<boolean> {
  const key = `${header}\0${mtime}`;
  let known = guards.get(key);
  if (known === undefined) {
    const start = new Uint8Array(4096);
    const file = await open(header);
    try {
      const { bytesRead } = await file.read(start, 0, start.length);
      known = /^[ \t]*#[ \t]*(?:pragma[ \t]+once|ifndef)\b/m.test(new TextDecoder().decode(start.subarray(0, bytesRead)));
    } finally {
      await file.close();
    }
    guards.set(key, known);
  }
  return known;
}

async function precompile(
  header: string,
  file: string,
  folder: string,
  compiler: Compiler,
  args: readonly string[],
): Promise<string | undefined> {
  try {
    if (existsSync(file)) {
      const now = new Date();
      await utimes(file, now, now);
      return file;
    }
    await mkdir(folder, { recursive: true });
    const unfinished = `${file}.${process.pid}`;
    await mkdir(`${unfinished}.scratch`, { recursive: true });
    const { code } = await run(compiler.path, [...compiler.prefix, ...args, '-x', 'c-header', header, '-o', unfinished], {
      timeout: 60_000,
      cwd: folder,
      env: compilerEnvironment(compiler, `${unfinished}.scratch`),
    });
    await rm(`${unfinished}.scratch`, { recursive: true, force: true });
    if (code !== 0) {
      await rm(unfinished, { force: true });
      return undefined;
    }
    await rename(unfinished, file);
    await forgetOldest(folder);
    return file;
  } catch {
    // No cache, no speed: the compile goes on without.
    return undefined;
  }
}

/** Removes a precompiled header that clang would not take, so that the next compile makes it again. */
export async function dropPrecompiled(file: string): Promise<void> {
  compiling.delete(file);
  await rm(file, { force: true }).catch(() => {});
}

async function forgetOldest(folder: string): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder))
      .filter((name) => name.endsWith('.pch'))
      .map(async (name) => ({ file: path.join(folder, name), time: (await stat(path.join(folder, name))).mtimeMs })),
  );
  files.sort((a, b) => b.time - a.time);
  for (const { file } of files.slice(KEPT_PRECOMPILED)) await rm(file, { force: true });
}
