// The nine compute programs of the shared folder in three forms: as executables of the vm, as native code, and in a C interpreter.

import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { encode, INSN_SIZE } from '#core/isa';
import { loadObject } from '#core/program';
import type { Executable } from '#core/vm';
import { repository, sharedFolder } from '#test/requirements';

export const NAMES = ['b1_sum', 'b2_sieve', 'b3_siphash', 'b4_muldiv', 'b5_alu32', 'b6_csum', 'b7_bubble', 'b8_fsm', 'b9_calls'] as const;

export interface Peer {
  /** Result in hex and processor time in milliseconds of one run. */
  run(): Promise<{ result: string; ms: number }>;
  close(): void;
}

const cache = path.join(repository, '.cache/bench');
const CLANGS = ['clang-22', 'clang-21', 'clang-20', 'clang-19', 'clang'];

function clang(args: readonly string[]): void {
  for (const compiler of CLANGS) {
    try {
      execFileSync(compiler, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`no clang: one of ${CLANGS.join(', ')} is needed`);
}

function source(name: string): string {
  const shared = sharedFolder();
  if (shared === undefined) throw new Error('the bench programs lie in the shared folder: set EBPF_SHARED');
  mkdirSync(cache, { recursive: true });
  return path.join(shared, 'bench', `${name}.c`);
}

/** `scale` divides the work. */
export function executable(name: string, scale = 1): Executable {
  const object = path.join(cache, `${name}-${scale}.o`);
  clang(['-target', 'bpf', '-mcpu=v3', '-O2', `-DSCALE=${scale}`, '-c', source(name), '-o', object]);
  const loaded = loadObject(readFileSync(object), object);
  const program = loaded.programs[0];
  if (!program) throw new Error(`${name}: ${JSON.stringify(loaded.problems)}`);
  return { name, insns: program.insns, subprograms: program.subprograms };
}

function talk(child: ChildProcessWithoutNullStreams): Peer {
  const waiting: ((line: string) => void)[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1');
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      waiting.shift()?.(rest.slice(0, end));
      rest = rest.slice(end + 1);
    }
  });
  return {
    run: () =>
      new Promise((resolve, reject) => {
        child.once('exit', (status) => reject(new Error(`the peer ended with ${status}`)));
        waiting.push((line) => {
          child.removeAllListeners('exit');
          const [result = '', nanoseconds = ''] = line.split(' ');
          resolve({ result, ms: Number(nanoseconds) / 1e6 });
        });
        child.stdin.write('run\n');
      }),
    close: () => void child.stdin.end(),
  };
}

/** clang -O2 of the same source, without vectorisers. */
export function native(name: string): Peer {
  const object = path.join(cache, `${name}.so`);
  const driver = path.join(cache, 'native-driver');
  clang(['-O2', '-fno-vectorize', '-fno-slp-vectorize', '-fPIC', '-shared', source(name), '-o', object]);
  clang(['-O2', path.join(repository, 'bench/native-driver.c'), '-ldl', '-o', driver]);
  return talk(spawn(driver, [object]));
}

/** bench/switch-interpreter.c on the same instructions. */
export function switchInterpreter(program: Executable): Peer {
  const binary = path.join(cache, 'switch-interpreter');
  clang(['-O2', path.join(repository, 'bench/switch-interpreter.c'), '-o', binary]);
  const child = spawn(binary);
  const bytes = encode(program.insns);
  const words = new DataView(bytes.buffer);
  for (let slot = 0; slot < program.insns.length; slot++)
    child.stdin.write(
      `${words
        .getBigUint64(slot * INSN_SIZE, true)
        .toString(16)
        .padStart(16, '0')}\n`,
    );
  child.stdin.write('\n');
  return talk(child);
}
