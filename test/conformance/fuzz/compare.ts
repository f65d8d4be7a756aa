// Runs one program on both engines, and on the kernel where there is one, and says where they differ.
// Engines are compared in everything a debugger sees: registers, slot, instructions executed, frames, memory, fault messages.

import { toHex } from '#core/bytes';
import { BPF_PSEUDO_MAP_VALUE, disassemble, type Insn, isLdImm64 } from '#core/isa';
import {
  createMemory,
  createWasmEngine,
  type Engine,
  type Executable,
  executableOf,
  type Execution,
  type Host,
  interpreter,
  type Region,
  type StopReason,
} from '#core/vm';
import type { KernelBridge } from '#test/kernel';
import { VALUE_SIZE } from './generator.ts';
import { Random } from '#test/random';

const BUDGET = 3_000_000;

/** What a run left behind, as text that can be compared. */
export interface Outcome {
  state: string;
  value: Uint8Array;
  returnValue: bigint | undefined;
  executed: number;
}

/** Helpers for programs of our own engines only: they give back something made from their arguments and can fault. */
const host: Host = {
  callHelper(id, cpu) {
    if (id === 3) return { kind: 'fault', message: 'helper 3 always faults' };
    cpu.setRegister(
      0,
      [1, 2, 3, 4, 5].reduce((sum, register) => sum * 31n + cpu.getRegister(register), BigInt(id)),
    );
    return undefined;
  },
};

/** The program with the map value's address put in. */
const linked = (insns: readonly Insn[], region: Region): Insn[] =>
  insns.map((insn, slot) => {
    const before = insns[slot - 1];
    if (isLdImm64(insn) && insn.src === BPF_PSEUDO_MAP_VALUE) return { ...insn, src: 0, imm: Number(BigInt.asIntN(32, region.base)) };
    if (before && isLdImm64(before) && before.src === BPF_PSEUDO_MAP_VALUE)
      return { ...insn, imm: Number(BigInt.asIntN(32, region.base >> 32n)) };
    return insn;
  });

function stateOf(execution: Execution, stop: StopReason): string {
  const registers = Array.from({ length: 11 }, (_, register) => execution.getRegister(register).toString(16)).join(' ');
  const frames = execution
    .frames()
    .map(
      ({ subprogram, insn, framePointer, saved }) =>
        `${subprogram}@${insn}/${framePointer.toString(16)}/${saved.map((value) => value.toString(16)).join(',')}`,
    )
    .join(' ');
  const why =
    stop.kind === 'exit' ? `exit ${stop.value.toString(16)}` : stop.kind === 'fault' ? `fault at ${stop.insn}: ${stop.message}` : stop.kind;
  return `${why} | pc ${execution.pc} executed ${execution.executed} | ${registers} | ${frames}`;
}

// One address space for all runs, set back before each: addresses are the same every time, and compiled code is found again.
const memory = createMemory();
const region = memory.allocate({ kind: 'map_value', name: 'out', size: VALUE_SIZE });
const fresh = memory.snapshot();

/** The program made ready once, so that engines find what they compiled. */
export function prepare(insns: readonly Insn[]): { checked: Executable; proven: Executable } {
  const checked = executableOf('fuzz', linked(insns, region));
  return { checked, proven: { ...checked, proven: new Uint8Array(insns.length).fill(1) } };
}

/** Runs for the budgets in turn, and reports the state after the last one that was needed. */
export function runOn(engine: Engine, executable: Executable, budgets: readonly number[] = [BUDGET]): Outcome {
  memory.restore(fresh);
  const execution = engine.start(executable, memory, host, []);
  let stop: StopReason = { kind: 'budget' };
  for (const budget of budgets) {
    stop = execution.run({ budget });
    if (stop.kind !== 'budget') break;
  }
  const stacks = [...memory.regions].filter(({ kind }) => kind === 'stack').map((stack) => toHex(memory.view(stack).slice(-80)));
  return {
    state: `${stateOf(execution, stop)} | ${stacks.join(' ')}`,
    value: memory.view(region).slice(),
    returnValue: stop.kind === 'exit' ? stop.value : undefined,
    executed: execution.executed,
  };
}

export interface Comparison {
  /** Undefined where all agree. */
  difference: string | undefined;
  kernel: 'agreed' | 'rejected' | 'not asked';
  executed: number;
}

const difference = (name: string, expected: Outcome, found: Outcome): string | undefined => {
  if (expected.state !== found.state) return `${name}\n  expected ${expected.state}\n  found    ${found.state}`;
  const at = expected.value.findIndex((byte, i) => byte !== found.value[i]);
  return at < 0 ? undefined : `${name}: byte ${at} of the map value is ${found.value[at]}, expected ${expected.value[at]}`;
};

/** `seed` chooses where runs are cut. `stepwise` compares after every instruction. `inBounds`: no access can fault. */
export function compareEngines(insns: readonly Insn[], seed: number, { stepwise = false, inBounds = false } = {}): Comparison {
  const compiled = createWasmEngine({ warmup: 0 });
  const { checked, proven } = prepare(insns);
  const whole = runOn(interpreter, checked);
  const result = (found: string | undefined): Comparison => ({ difference: found, kernel: 'not asked', executed: whole.executed });
  let found = difference('compiled', whole, runOn(compiled, checked));
  if (!found && inBounds)
    found = difference('compiled without checks', whole, runOn(createWasmEngine({ warmup: 0, checks: 'unproven' }), proven));
  if (found) return result(found);
  const random = new Random(seed);
  // Cut into pieces: every cut leaves compiled code somewhere and enters it somewhere.
  const pieces = Array.from({ length: 200 }, () => 1 + random.below(random.chance(0.5) ? 40 : 400));
  found = difference('compiled, in pieces', whole, runOn(compiled, checked, [...pieces, BUDGET]));
  const last = Math.min(whole.executed, 400);
  const cuts = stepwise
    ? Array.from({ length: last }, (_, i) => i + 1)
    : Array.from({ length: 4 }, () => 1 + random.below(Math.max(1, whole.executed)));
  for (const cut of cuts) {
    if (found) break;
    found = difference(`after ${cut} instructions`, runOn(interpreter, checked, [cut]), runOn(compiled, checked, [cut]));
  }
  return result(found);
}

/** Runs the program in the kernel and compares r0 and the map value with the interpreter's. */
export async function compareKernel(insns: readonly Insn[], kernel: KernelBridge): Promise<Comparison> {
  const ours = runOn(interpreter, prepare(insns).checked);
  const map = await kernel.createMap({ type: 'array', keySize: 4, valueSize: VALUE_SIZE, maxEntries: 1 });
  try {
    const loaded = await kernel.load({ type: 'socket_filter', insns, maps: [map], logLevel: 0 });
    if (loaded.verdict === 'rejected') return { difference: undefined, kernel: 'rejected', executed: ours.executed };
    try {
      const ran = await kernel.run(loaded.fd, { data: new Uint8Array(64) });
      if (ran.errno !== 0) throw new Error(`BPF_PROG_TEST_RUN: errno ${ran.errno}`);
      const value = (await kernel.lookup(map, new Uint8Array(4), VALUE_SIZE))!;
      const returned = BigInt(ran.returnValue >>> 0);
      const at = value.findIndex((byte, i) => byte !== ours.value[i]);
      const found =
        ours.returnValue === undefined || BigInt.asUintN(32, ours.returnValue) !== returned
          ? `the kernel returns ${returned.toString(16)}, the interpreter ${ours.returnValue?.toString(16) ?? ours.state}`
          : at >= 0
            ? `byte ${at} of the map value is ${value[at]} in the kernel, ${ours.value[at]} here`
            : undefined;
      return { difference: found, kernel: 'agreed', executed: ours.executed };
    } finally {
      await kernel.closeFd(loaded.fd);
    }
  } finally {
    await kernel.closeFd(map);
  }
}

const NOP: Insn = { opcode: 0x05, dst: 0, src: 0, off: 0, imm: 0 };

/** Replaces instructions by `goto +0` as long as the failure stays; jumps keep their distances. */
export async function shrink(insns: readonly Insn[], fails: (candidate: readonly Insn[]) => Promise<boolean> | boolean): Promise<Insn[]> {
  let smallest = [...insns];
  for (let size = Math.max(1, smallest.length >> 1); size >= 1; size >>= 1) {
    for (let from = 0; from < smallest.length; from += size) {
      const candidate = smallest.map((insn, slot) => {
        if (slot < from || slot >= from + size || insn.opcode === 0x95) return insn;
        const half = (slot > 0 && isLdImm64(smallest[slot - 1]!)) || isLdImm64(insn);
        return half && (slot === from || slot === from + size - 1) && size > 1 ? insn : NOP;
      });
      // Half an ld_imm64 is no program.
      const broken = candidate.some((insn, slot) => isLdImm64(insn) && candidate[slot + 1]?.opcode !== 0);
      if (broken || candidate.every((insn, slot) => insn === smallest[slot])) continue;
      if (await fails(candidate)) smallest = candidate;
    }
  }
  return smallest;
}

export const listing = (insns: readonly Insn[]): string =>
  disassemble(insns)
    .map(({ slot, text }) => `${slot}: ${text}`)
    .join('\n');
