// `ebpfw conformance`: bpf_conformance's plugin protocol (program on standard input, r0 on standard output), and a runner of its
// `.data` files in this process. The plugin is started once per test, so it loads nothing that it does not need.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fromHex, hex64, toHex } from '#core/bytes';
import { checkEncoding, decode, INSN_SIZE, type Insn } from '#core/isa';
import { createMemory, type Engine, executableOf, type Host, interpreter, type Memory, type Region } from '#core/vm';
import { complain, readArguments } from '../arguments.ts';
import { type ConformanceTest, readConformanceTest } from './conformance-data.ts';

/** A test that executes this many instructions is taken to run for ever. */
const BUDGET = 50_000_000;

const isEngine = (name: string): name is Engine['name'] => name === 'interpreter' || name === 'wasm';

async function engineNamed(name: Engine['name']): Promise<Engine> {
  if (name === 'interpreter') return interpreter;
  return (await import('#core/vm')).createWasmEngine({ warmup: 0 });
}

export async function conformance(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { data: { type: 'boolean' }, engine: { type: 'string', default: 'interpreter' } });
  if ('complaint' in parsed) return complain('conformance', parsed.complaint);
  const { files, values } = parsed;
  if (!isEngine(values.engine)) return complain('conformance', `--engine is interpreter or wasm, not "${values.engine}"`);
  const engine = await engineNamed(values.engine);
  return values.data ? runDataFiles(files, engine) : runPlugin(files, engine);
}

// ---- the plugin ----

function runPlugin(args: readonly string[], engine: Engine): number {
  if (args.length > 1) return complain('conformance', 'at most one argument: the memory in hex; the program comes on standard input');
  const memory = args[0] === undefined ? new Uint8Array(0) : fromHex(args[0]);
  if (!memory) return complain('conformance', `the memory is not hex: "${args[0]}"`);
  const program = fromHex(readFileSync(0, 'latin1'));
  if (!program) return complain('conformance', 'the program on standard input is not hex');
  const { result, why } = execute(program, memory, engine);
  if (result === undefined) {
    process.stderr.write(`${why}\n`);
    return 1;
  }
  process.stdout.write(`${result.toString(16)}\n`);
  return 0;
}

// ---- .data files ----

async function runDataFiles(files: readonly string[], engine: Engine): Promise<number> {
  if (files.length === 0) return complain('conformance', 'name the .data files to run');
  const lines: string[] = [];
  let failed = false;
  for (const file of files) {
    const name = path.basename(file, '.data');
    const { pass, why } = await runDataFile(file, engine);
    failed ||= !pass;
    lines.push(pass ? `pass ${name}\n` : `fail ${name}: ${why}\n`);
    // A test that wants an error passes silently on standard output; what the error was is worth seeing.
    if (pass && why !== '') process.stderr.write(`${why}\n`);
  }
  process.stdout.write(lines.join(''));
  return failed ? 1 : 0;
}

async function runDataFile(file: string, engine: Engine): Promise<{ pass: boolean; why: string }> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { pass: false, why: (error as Error).message };
  }
  return judge(await readConformanceTest(text, file), engine);
}

/** `why` says what went wrong; of a test that passes because it wants an error, what the error was. */
export function judge(test: ConformanceTest, engine: Engine): { pass: boolean; why: string } {
  const wantsError = test.expectsError;
  if (test.problems.length > 0) return { pass: wantsError, why: test.problems.join('; ') };
  const { result, why } = execute(test.program, test.memory, engine);
  if (wantsError)
    return result === undefined
      ? { pass: true, why: `${test.locate(0)}: ${why}` }
      : { pass: false, why: `an error was expected; the program ended with ${hex64(result)}` };
  if (result === undefined) return { pass: false, why };
  if (test.result === undefined) return { pass: false, why: `${test.locate(0)}: there is neither a result nor an error section` };
  return result === test.result ? { pass: true, why: '' } : { pass: false, why: `r0 is ${hex64(result)}, expected ${hex64(test.result)}` };
}

/** Runs the bytes with r1 at the memory and r2 its length; `result` is r0, or undefined with the reason in `why`. */
function execute(program: Uint8Array, content: Uint8Array, engine: Engine): { result: bigint | undefined; why: string } {
  const refuse = (why: string): { result: undefined; why: string } => ({ result: undefined, why });
  if (program.length === 0) return refuse('the program is empty');
  if (program.length % INSN_SIZE !== 0) return refuse(`the program has ${program.length} bytes; instructions have ${INSN_SIZE} each`);
  const insns: Insn[] = decode(program);
  const wrong = checkEncoding(insns);
  if (wrong.length > 0) return refuse(wrong.map(({ message }) => message).join('; '));
  const memory = createMemory();
  const region = content.length > 0 ? memory.allocate({ kind: 'mem', name: 'input', size: content.length, initial: content }) : undefined;
  const execution = engine.start(executableOf('main', insns), memory, hostFor(memory, region), [
    region?.base ?? 0n,
    BigInt(content.length),
  ]);
  const stop = execution.run({ budget: BUDGET });
  switch (stop.kind) {
    case 'exit':
      return { result: stop.value, why: '' };
    case 'fault':
      return refuse(
        `insn ${stop.insn} (${toHex(program.subarray(stop.insn * INSN_SIZE, stop.insn * INSN_SIZE + INSN_SIZE), ' ')}): ${stop.message}`,
      );
    default:
      return refuse(`the program has not ended after ${BUDGET} instructions`);
  }
}

/**
 * The functions that the conformance tests' programs call, by number, as the test suite's documentation has them:
 * 0 puts five bytes together, 1 inverts bits of memory, 2 does nothing, 3 is the integer square root, 4 compares strings,
 * 5 gives its argument back. Packet loads read the test's memory.
 */
function hostFor(memory: Memory, packet: Region | undefined): Host {
  return {
    callHelper(id, cpu) {
      const argument = (register: number): bigint => cpu.getRegister(register);
      switch (id) {
        case 0:
          cpu.setRegister(
            0,
            [1, 2, 3, 4, 5].reduce((value, register) => (value << 8n) | (argument(register) & 0xffn), 0n),
          );
          return undefined;
        case 1: {
          const bytes = memory.read(argument(1), Number(argument(2)));
          if (!(bytes instanceof Uint8Array)) return { kind: 'fault', message: bytes.message };
          const fault = memory.write(
            argument(1),
            bytes.map((byte) => byte ^ 42),
          );
          if (fault) return { kind: 'fault', message: fault.message };
          cpu.setRegister(0, 0n);
          return undefined;
        }
        case 2:
          cpu.setRegister(0, 0n);
          return undefined;
        case 3:
          cpu.setRegister(0, BigInt(Math.floor(Math.sqrt(Number(argument(1) & 0xffff_ffffn)))));
          return undefined;
        case 4:
          return compareStrings(memory, argument(1), argument(2), (value) => cpu.setRegister(0, value));
        case 5:
          cpu.setRegister(0, argument(1));
          return undefined;
        default:
          return { kind: 'fault', message: `helper ${id} is called; the conformance tests have helpers 0 to 5` };
      }
    },
    loadPacket(offset, size) {
      if (!packet || offset < 0 || offset + size > packet.size) return undefined;
      return memory
        .view(packet)
        .subarray(offset, offset + size)
        .reduce((value, byte) => value * 256 + byte, 0);
    },
  };
}

/** As strcmp: the difference of the first bytes that differ. A NULL string is unequal to every other. */
function compareStrings(
  memory: Memory,
  first: bigint,
  second: bigint,
  done: (value: bigint) => void,
): undefined | { kind: 'fault'; message: string } {
  for (let i = 0n; ; i++) {
    const a = memory.readInt(first + i, 1);
    const b = memory.readInt(second + i, 1);
    if (typeof a !== 'bigint') return { kind: 'fault', message: a.message };
    if (typeof b !== 'bigint') return { kind: 'fault', message: b.message };
    if (a !== b || a === 0n) {
      done(a - b);
      return undefined;
    }
  }
}
