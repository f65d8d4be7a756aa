// One door for everything a person may call a program: an object, C or assembly, saved or not, made ready to verify and run.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isElf } from '#core/elf';
import { loadAssembly, type LoadedObject, type LoadOptions, loadObject } from '#core/program';
import { type Problem, error } from '#core/problem';
import { compile } from './compile.ts';
import { openBcc } from './open-bcc.ts';
import { type Compiler, type CompilerSearch, findCompiler } from './find-compiler.ts';
import { readTargetKernel } from './kernel-btf.ts';
import type { ToolchainSettings } from './settings.ts';

export interface OpenOptions {
  /** Text to take instead of the file's content (C and assembly). */
  text?: string;
  /** How to read the file; by its name and content where absent. */
  language?: ProgramLanguage;
  unsaved?: ReadonlyMap<string, string>;
  settings?: ToolchainSettings;
  /** Found before, to save the search. */
  compiler?: Compiler;
  /** What the event file says of the kernel that the program is loaded into. */
  kernel?: Pick<LoadOptions, 'kconfig' | 'kernelVersion' | 'cpus' | 'programType'>;
  signal?: AbortSignal;
}

export type ProgramLanguage = 'c' | 'asm' | 'bcc' | 'object';

export interface OpenResult {
  object?: LoadedObject;
  /** Of the compiler or assembler and of the loader; those of single programs stand in `object.programs[].problems`. */
  problems: readonly Problem[];
  cancelled: boolean;
  /** Milliseconds. */
  timings: { compile: number; load: number };
}

/** By the file's name; undefined where the name says nothing. */
export function programLanguage(file: string): ProgramLanguage | undefined {
  if (/\.(?:bpf\.s|bpfasm|ebpf|s|asm)$/i.test(file)) return 'asm';
  if (/\.[ch]$/i.test(file)) return 'c';
  if (/\.py$/i.test(file)) return 'bcc';
  if (/\.(?:o|obj|elf)$/i.test(file)) return 'object';
  return undefined;
}

/** Never throws. `file` may be relative to the current folder. */
export async function openProgram(given: string, options: OpenOptions = {}): Promise<OpenResult> {
  const file = path.resolve(given);
  const { settings = {}, signal } = options;
  const timings = { compile: 0, load: 0 };
  const failed = (...problems: Problem[]): OpenResult => ({ problems, cancelled: signal?.aborted ?? false, timings });

  let bytes: Uint8Array | undefined;
  let language = options.language ?? programLanguage(file);
  if (options.text === undefined) {
    try {
      bytes = await readFile(file);
    } catch (reason) {
      const code = (reason as NodeJS.ErrnoException).code;
      return failed(
        error(
          code === 'ENOENT'
            ? `there is no file ${given}`
            : code === 'EISDIR'
              ? `${given} is a folder, not a program`
              : `${given} cannot be read: ${(reason as Error).message}`,
          { code: 'unreadable' },
        ),
      );
    }
    if (isElf(bytes)) language = 'object';
    // BCC's tools have no ending: a first line that names Python tells.
    else if (language === undefined && /^#!.*\bpython/.test(new TextDecoder().decode(bytes.subarray(0, 128)))) language = 'bcc';
  }

  switch (language) {
    case 'object': {
      const started = performance.now();
      const loaded = loadObject(bytes ?? new Uint8Array(), given, loadOptions(settings, options.kernel));
      timings.load = performance.now() - started;
      return { object: loaded, problems: loaded.problems, cancelled: false, timings };
    }
    case 'asm': {
      const started = performance.now();
      const loaded = loadAssembly(options.text ?? new TextDecoder().decode(bytes), file, loadOptions(settings, options.kernel));
      timings.load = performance.now() - started;
      return { object: loaded, problems: loaded.problems, cancelled: false, timings };
    }
    case 'c': {
      let { compiler } = options;
      if (!compiler) {
        const search = await sharedSearch(settings);
        if (!search.compiler) return failed(...search.problems);
        compiler = search.compiler;
      }
      const built = await compile({
        file,
        compiler,
        settings,
        ...(options.text === undefined ? {} : { text: options.text }),
        ...(options.unsaved ? { unsaved: options.unsaved } : {}),
        ...(signal ? { signal } : {}),
      });
      timings.compile = built.ms;
      if (!built.object) return { problems: built.problems, cancelled: built.cancelled, timings };
      const started = performance.now();
      const loaded = loadObject(built.object, file, loadOptions(settings, options.kernel));
      timings.load = performance.now() - started;
      return { object: loaded, problems: [...built.problems, ...loaded.problems], cancelled: false, timings };
    }
    case 'bcc': {
      const compiler = options.compiler ?? (await sharedSearch(settings));
      if ('rejected' in compiler && !compiler.compiler) return failed(...compiler.problems);
      const text = options.text ?? new TextDecoder().decode(bytes);
      return openBcc(
        { file, text },
        {
          settings,
          compiler: 'rejected' in compiler ? compiler.compiler! : compiler,
          load: loadOptions(settings, options.kernel),
          ...(signal ? { signal } : {}),
        },
      );
    }
    default:
      return failed(
        error(`${given} is no eBPF object, and its name does not say that it is C (.c), BCC (.py) or assembly (.bpf.s, .bpfasm, .ebpf)`, {
          code: 'unknown-language',
        }),
      );
  }
}

function loadOptions(settings: ToolchainSettings, kernel: OpenOptions['kernel'] = {}): LoadOptions {
  const { btf, version } = readTargetKernel(settings);
  return { kernelVersion: `${version}.0`, ...kernel, ...(btf ? { kernelBtf: btf } : {}) };
}

const searches = new Map<string, Promise<CompilerSearch>>();

/** One search for the same settings in a process; a search that found nothing is made again. */
export function sharedSearch(settings: ToolchainSettings): Promise<CompilerSearch> {
  const key = JSON.stringify([settings.compiler, settings.zigFolders]);
  let search = searches.get(key);
  if (!search) {
    search = findCompiler(settings);
    searches.set(key, search);
    void search.then(({ compiler }) => compiler ?? searches.delete(key));
  }
  return search;
}
