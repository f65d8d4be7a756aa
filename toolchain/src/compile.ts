// From C to an object: starts the compiler on a file, or on the unsaved text of a file, and reads back the object and what clang said.
// Nothing is written beside the source. Includes, debug info and messages name the real file whatever text was compiled.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Problem, error } from '#core/problem';
import { readClangMessages } from './clang-messages.ts';
import type { Compiler } from './find-compiler.ts';
import { compilerEnvironment, dropPrecompiled, ensurePrecompiled, ensureVmlinux, findVmlinuxInclude, ownHeaders } from './headers.ts';
import { run } from './process.ts';
import type { ToolchainSettings } from './settings.ts';

export interface CompileRequest {
  /** Absolute path of the C file; it need not exist when `text` is given. */
  file: string;
  /** What to compile instead of the file's content. */
  text?: string;
  /** Unsaved texts of other files, by absolute path: headers open in the editor. Those that do not exist on disk are ignored. */
  unsaved?: ReadonlyMap<string, string>;
  compiler: Compiler;
  settings?: ToolchainSettings;
  /** Ends the compiler; the result then says `cancelled`. */
  signal?: AbortSignal;
  /** Milliseconds; default 30 s. */
  timeout?: number;
}

export interface CompileResult {
  object?: Uint8Array;
  problems: Problem[];
  cancelled: boolean;
  /** Milliseconds of the compiler's own run, without the making of headers that are then kept. */
  ms: number;
}

/** Errors after which clang gives up: a screenful, not a flood. */
const ERROR_LIMIT = 50;

export async function compile(given: CompileRequest): Promise<CompileResult> {
  const { file, signal } = given;
  const request = { ...given, unsaved: await changedTexts(given) };
  const settings = request.settings ?? {};
  const nothing = (problem?: Problem): CompileResult => ({
    problems: problem ? [problem] : [],
    cancelled: signal?.aborted ?? false,
    ms: 0,
  });
  if (!path.isAbsolute(file)) return nothing(error(`the compiler needs an absolute path, not "${file}"`));

  let text: string;
  try {
    text = request.text ?? (await readFile(file, 'utf8'));
  } catch (reason) {
    return nothing(error(`${file} cannot be read: ${(reason as Error).message}`, { code: 'unreadable' }));
  }
  const headers = await headerArguments(text, request, settings);
  if (signal?.aborted) return nothing();

  let scratch: string;
  try {
    scratch = await mkdtemp(path.join(os.tmpdir(), 'ebpf-workbench-'));
  } catch (reason) {
    return nothing(error(`no temporary folder could be made for the compiler: ${(reason as Error).message}`, { code: 'temporary-folder' }));
  }
  try {
    const input = await placeTexts(request, scratch);
    const result = await runCompiler(input, headers.args, headers.precompiled, request, scratch);
    if (
      headers.precompiled !== undefined &&
      result.problems.some(({ message }) => /precompiled|\bPCH\b|AST file|module file/i.test(message))
    ) {
      await dropPrecompiled(headers.precompiled);
      return await runCompiler(input, headers.args, undefined, request, scratch);
    }
    // A missing header explains itself; why our own vmlinux.h could not be made belongs to it.
    const missing = result.problems.find(({ message }) => message.includes("'vmlinux.h' file not found"));
    if (missing && headers.problems[0]) missing.message += `. ${headers.problems[0].message}`;
    return result;
  } finally {
    await rm(scratch, { recursive: true, force: true }).catch(() => {});
  }
}

/** The other files whose text in the editor is not that on disk; those that only lie open are read from the disk as ever. */
async function changedTexts({ file, unsaved }: CompileRequest): Promise<ReadonlyMap<string, string>> {
  const changed = new Map<string, string>();
  for (const [name, text] of unsaved ?? []) {
    if (name === file) continue;
    const facts = await stat(name).catch(() => undefined);
    if (facts?.isFile() && (await readFile(name, 'utf8').catch(() => text)) !== text) changed.set(name, text);
  }
  return changed;
}

/** Makes the precompiled vmlinux.h that most programs start with, so that the first compile does not wait for it. */
export async function warmCompiler(compiler: Compiler, settings: ToolchainSettings = {}): Promise<void> {
  await headerArguments('#include <vmlinux.h>\n', { file: path.resolve(path.sep, 'none.c'), compiler }, settings);
}

/** What decides the meaning of a program apart from its text; a precompiled header must be made with the same. */
function languageArguments(settings: ToolchainSettings): string[] {
  return ['-target', 'bpf', `-mcpu=${settings.cpu ?? 'v3'}`, '-g', '-O2', '-std=gnu17', '-fno-color-diagnostics', '-D__TARGET_ARCH_x86'];
}

const WARNINGS = [
  '-Wall',
  '-Wno-unused-function',
  '-Wno-unused-variable',
  '-Wno-compare-distinct-pointer-types',
  '-Wno-unknown-attributes',
];

/** Where `asm/types.h` lies that linux/types.h includes: Debian's multiarch folders are unknown to a cross compiler. */
const MULTIARCH = ['/usr/include/x86_64-linux-gnu', '/usr/include/aarch64-linux-gnu'];

interface Headers {
  args: string[];
  precompiled: string | undefined;
  problems: readonly Problem[];
}

async function headerArguments(text: string, { file, unsaved, compiler }: CompileRequest, settings: ToolchainSettings): Promise<Headers> {
  const flags = settings.flags ?? [];
  const vmlinux = await ensureVmlinux(settings);
  const own = ownHeaders();
  const includes = [...(settings.bpfHeaders === 'system' ? [] : [own]), ...(vmlinux.file ? [path.dirname(vmlinux.file)] : [])];
  const language = [...languageArguments(settings), ...flags];
  const args = [...language, ...includes.map((folder) => `-I${folder}`)];
  // Programs written for libbpf's source tree include "bpf_helpers.h" without the folder.
  if (settings.bpfHeaders !== 'system') args.push('-idirafter', path.join(own, 'bpf'));
  args.push('-idirafter', path.join(own, 'libc'));
  if (process.platform === 'linux')
    args.push(...MULTIARCH.filter((folder) => existsSync(folder)).flatMap((folder) => ['-idirafter', folder]));

  const given = flags
    .flatMap((flag, index) =>
      flag === '-I' || flag === '-iquote' ? [flags[index + 1] ?? ''] : /^-I(.+)/.test(flag) ? [flag.slice(2)] : [],
    )
    .filter((folder) => folder !== '');
  const header = findVmlinuxInclude(text, path.dirname(file), [...given, ...includes]);
  const precompiled =
    header !== undefined && !unsaved?.has(header) ? await ensurePrecompiled(header, compiler, language, settings) : undefined;
  return { args, precompiled, problems: vmlinux.problems };
}

interface Input {
  args: string[];
  realPath: (file: string) => string;
}

/**
 * Lays the unsaved texts over the files of the same name by clang's virtual file system: to the compiler they are the files. A file
 * that does not exist yet is compiled where its text was put, and its name is put right in messages and debug info.
 */
async function placeTexts({ file, text, unsaved }: CompileRequest, scratch: string): Promise<Input> {
  const texts = new Map(unsaved);
  if (text !== undefined) texts.set(file, text);
  const roots: { type: 'file'; name: string; 'external-contents': string }[] = [];
  let main = file;
  let index = 0;
  for (const [name, content] of texts) {
    const exists = existsSync(name);
    if (!exists && name !== file) continue;
    const folder = path.join(scratch, `${index++}`);
    const place = `${folder}-${path.basename(name)}`;
    await writeFile(place, content);
    if (exists) roots.push({ type: 'file', name, 'external-contents': place });
    else main = place;
  }
  const args = [main];
  if (roots.length > 0) {
    const overlay = path.join(scratch, 'overlay.yaml');
    // JSON is YAML. Without external names every message and record carries the name above, not that of the copy.
    await writeFile(
      overlay,
      JSON.stringify({ version: 0, 'case-sensitive': process.platform === 'linux' ? 'true' : 'false', 'use-external-names': false, roots }),
    );
    args.push('-ivfsoverlay', overlay);
  }
  if (main === file) return { args, realPath: (name) => name };
  // Quoted includes are looked up from where the text was put: nothing lies there, so they are told where it belongs.
  const folder = path.dirname(file);
  args.push(`-ffile-prefix-map=${main}=${file}`, '-iquote', folder);
  return { args, realPath: (name) => (path.resolve(folder, name) === main ? file : name) };
}

async function runCompiler(
  input: Input,
  args: readonly string[],
  precompiled: string | undefined,
  request: CompileRequest,
  scratch: string,
): Promise<CompileResult> {
  const { compiler, file, signal } = request;
  const output = path.join(scratch, 'program.o');
  const folder = path.dirname(file);
  const started = performance.now();
  const outcome = await run(
    compiler.path,
    [
      ...compiler.prefix,
      ...args,
      ...WARNINGS,
      '-fno-caret-diagnostics',
      '-fdiagnostics-print-source-range-info',
      `-ferror-limit=${ERROR_LIMIT}`,
      ...(compiler.kind === 'clang' ? ['-fno-crash-diagnostics'] : []),
      ...(precompiled === undefined ? [] : ['-include-pch', precompiled]),
      // An untitled text has no name that tells the language.
      ...(/\.[ch]$/i.test(file) ? [] : ['-x', 'c']),
      ...input.args,
      '-c',
      '-o',
      output,
    ],
    { cwd: existsSync(folder) ? folder : scratch, env: compilerEnvironment(compiler, scratch), signal, timeout: request.timeout ?? 30_000 },
  );
  const ms = performance.now() - started;
  if (outcome.cancelled) return { problems: [], cancelled: true, ms };
  const problems = readClangMessages(outcome.stderr, (name) => path.resolve(folder, input.realPath(name)));
  if (outcome.failure !== undefined)
    problems.push(error(`${compiler.path} could not be started (${outcome.failure})`, { code: 'compiler-failed' }));
  else if (outcome.timedOut)
    problems.push(error(`the compiler was ended after ${Math.round(ms / 1000)} s without an answer`, { code: 'compiler-timeout' }));
  else if (outcome.code !== 0 && !problems.some(({ severity }) => severity === 'error')) {
    problems.push(
      error(
        `the compiler failed (exit ${outcome.code ?? 'by a signal'}): ${outcome.stderr.trim().split('\n').slice(0, 3).join(' ') || 'it said nothing'}`,
        { code: 'compiler-failed' },
      ),
    );
  }
  if (outcome.code !== 0) return { problems, cancelled: false, ms };
  try {
    return { object: await readFile(output), problems, cancelled: false, ms };
  } catch (reason) {
    problems.push(error(`the compiler wrote no object: ${(reason as Error).message}`, { code: 'compiler-failed' }));
    return { problems, cancelled: false, ms };
  }
}
