// Builds the corpus (the kernel's BPF selftests that the oracle's script unpacked) with other compilers, then loads every object with
// our loader and reads its debug information: `npx tsx tools/rebuild-corpus.mts [--file NAME] [--jobs N] [--list] [--keep] [COMPILER …]`.
// Objects go to <oracle>/rebuilt/COMPILER, what stands there is not built again. --keep writes the counts to test/loader/rebuilt.json.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { oracleFolder, repository } from '../test/support/requirements.ts';
import { findCompiler } from '../toolchain/src/index.ts';
import { COMPILERS, countRebuilt, RATCHET, readRatchet, type Compiler } from '../test/support/rebuilt-corpus.ts';

const run = promisify(execFile);
/** Selftests that must not assume strict aliasing, and those that must not be inlined: their Makefile says so. */
const NO_STRICT_ALIASING = new Set([
  'bind4_prog',
  'bind6_prog',
  'dynptr_fail',
  'linked_list_fail',
  'map_kptr_fail',
  'syscall',
  'test_pkt_md_access',
  'test_sk_lookup',
  'timer_crash',
  'test_global_func9',
  'verifier_nocsr',
]);
const NO_INLINE = new Set(['test_l4lb_noinline', 'test_xdp_noinline']);
const COMMON = ['-g', '-O2', '-mcpu=v3', '-D__TARGET_ARCH_x86', '-DENABLE_ATOMICS_TESTS', '-w'];
const BUILD_TIMEOUT = 120_000;

/** What is started for a compiler's name, with the flags that make it write BPF and types; undefined where there is none. */
async function invocationOf(name: Compiler): Promise<readonly string[] | undefined> {
  if (name === 'bpf-gcc') return (await answers(name)) ? [name, ...COMMON, '-gbtf', '-mco-re', '-std=gnu17'] : undefined;
  if (name !== 'zig') return (await answers(name)) ? [name, '--target=bpf', '-mlittle-endian', ...COMMON] : undefined;
  // EBPF_ZIG, or npm's package where the setup of this repository puts it.
  const brought = path.join(repository, '.cache/zig/node_modules/@zigc', `${process.platform}-${process.arch}`, 'bin/zig');
  const { compiler } = await findCompiler({ compiler: process.env['EBPF_ZIG'] ?? brought });
  return compiler?.kind === 'zig' ? [compiler.path, ...compiler.prefix, '--target=bpf', '-mlittle-endian', ...COMMON] : undefined;
}

const answers = (name: string): Promise<boolean> =>
  run(name, ['--version']).then(
    () => true,
    () => false,
  );

/** Where the compiler of this machine finds libc's headers. */
async function hostIncludes(): Promise<string[]> {
  const { stderr } = await run('sh', ['-c', 'cc -v -E - </dev/null']);
  const list = /#include <\.\.\.> search starts here:\n(.*?)End of search/s.exec(stderr)?.[1] ?? '';
  return list
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/\/(gcc|clang)\//.test(line));
}

/** Builds one source; the compiler's first error, or undefined. */
async function build(
  oracle: string,
  [program, ...flags]: readonly string[],
  includes: readonly string[],
  name: string,
  output: string,
): Promise<string | undefined> {
  const tests = path.join(oracle, 'linux/tools/testing/selftests/bpf');
  const unfinished = `${output}.${process.pid}`;
  const words = [
    ...flags,
    ...(NO_STRICT_ALIASING.has(name) ? ['-fno-strict-aliasing'] : []),
    ...(NO_INLINE.has(name) ? ['-fno-inline'] : []),
    `-I${oracle}/include`,
    `-I${tests}`,
    `-I${oracle}/linux/tools/include/uapi`,
    ...includes.flatMap((one) => ['-idirafter', one]),
  ];
  let why: string | undefined;
  for (const extra of [[], ['-DBPF_NO_KFUNC_PROTOTYPES']]) {
    try {
      await run(program!, [...words, ...extra, '-c', path.join(tests, 'progs', `${name}.c`), '-o', unfinished], {
        timeout: BUILD_TIMEOUT,
        maxBuffer: 64 << 20,
      });
      renameSync(unfinished, output);
      return undefined;
    } catch (cause) {
      rmSync(unfinished, { force: true });
      const text = (cause as { stderr?: string }).stderr ?? String(cause);
      why ??=
        text
          .split('\n')
          .find((line) => /error|fatal|Error|unsupported/.test(line))
          ?.replace(/^.*?: (?=(fatal )?error)/, '') ??
        text.split('\n')[0] ??
        'no reason given';
    }
  }
  return why;
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const value = (flag: string): string | undefined => (words.includes(flag) ? words.splice(words.indexOf(flag), 2)[1] : undefined);
  const flag = (name: string): boolean => words.includes(name) && words.splice(words.indexOf(name), 1).length > 0;
  const file = value('--file');
  const jobs = Number(value('--jobs') ?? 1);
  const [keep, list] = [flag('--keep'), flag('--list')];
  const wanted = COMPILERS.filter((name) => words.length === 0 || words.includes(name));
  const oracle = oracleFolder();
  if (!oracle || !existsSync(path.join(oracle, 'linux')))
    throw new Error("the oracle's folder with the unpacked sources is needed: EBPF_ORACLE names it");
  const names = readdirSync(path.join(oracle, 'obj'))
    .map((name) => name.replace(/\.bpf\.o$/, ''))
    .filter((name) => file === undefined || name === file);
  const includes = await hostIncludes();
  const ratchet = readRatchet();
  for (const compiler of wanted) {
    const invocation = await invocationOf(compiler);
    if (!invocation) {
      console.log(`${compiler}: not on this machine`);
      continue;
    }
    const folder = path.join(oracle, 'rebuilt', compiler);
    mkdirSync(folder, { recursive: true });
    const failures = new Map<string, string[]>();
    const queue = [...names];
    const work = async (): Promise<void> => {
      for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
        const output = path.join(folder, `${name}.bpf.o`);
        const why = existsSync(output) ? undefined : await build(oracle, invocation, includes, name, output);
        if (why !== undefined) failures.set(why, [...(failures.get(why) ?? []), name]);
      }
    };
    await Promise.all(Array.from({ length: jobs }, work));
    console.log(`${compiler}: ${names.length - [...failures.values()].flat().length} of ${names.length} objects build`);
    for (const [why, who] of [...failures].sort((a, b) => b[1].length - a[1].length))
      console.log(`  ${who.length} × ${why.slice(0, 150)} (${who.slice(0, 4).join(', ')}${who.length > 4 ? ', …' : ''})`);
    const counts = countRebuilt(folder, file === undefined ? undefined : [file], list ? (line) => console.log(`  ${line}`) : undefined);
    console.log(JSON.stringify(counts, undefined, 1));
    if (file === undefined) ratchet[compiler] = counts;
  }
  if (keep) writeFileSync(RATCHET, `${JSON.stringify(ratchet, undefined, 2)}\n`);
}

await main();
