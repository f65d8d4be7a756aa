// What a debugger and a host ask of an engine, the same questions to both: stops, frames, callbacks, tail calls, faults, snapshots.

import { describe, expect, it } from 'vitest';
import { assemble } from '#core/isa';
import {
  type BreakpointCondition,
  createMemory,
  createWasmEngine,
  type Cpu,
  type Engine,
  type Executable,
  executableOf,
  type Execution,
  functionSlot,
  type Host,
  interpreter,
  type Memory,
} from './index.ts';

const ENGINES: readonly (readonly [string, () => Engine])[] = [
  ['interpreter', () => interpreter],
  ['wasm', () => createWasmEngine({ warmup: 0 })],
  ['wasm after warming up', () => createWasmEngine({ warmup: 50 })],
];

function program(text: string, name = 'main'): Executable {
  const { sections, problems } = assemble(text, {});
  expect(problems).toEqual([]);
  return executableOf(name, sections[0]!.insns);
}

const silent: Host = { callHelper: () => undefined };

/** r0 = sum of 1 … r1, through a loop. */
const SUM = program(`
  r0 = 0
loop:
  r0 += r1
  r1 += -1
  if r1 != 0 goto loop
  exit
`);

describe.each(ENGINES)('%s', (_, engine) => {
  const start = (executable: Executable, { host = silent, args = [] as bigint[], memory = createMemory() as Memory } = {}): Execution =>
    engine().start(executable, memory, host, args);

  it('runs to the end and counts exactly', () => {
    const execution = start(SUM, { args: [1000n] });
    expect(execution.run({ budget: 1_000_000 })).toEqual({ kind: 'exit', value: 500500n });
    expect(execution.executed).toBe(1 + 3 * 1000 + 1);
    expect(execution.run({ budget: 1 })).toEqual({ kind: 'exit', value: 500500n });
  });

  it('stops when the budget is used up, at any instruction, and goes on', () => {
    for (const budget of [1, 2, 3, 4, 5, 100, 101, 102, 103]) {
      const execution = start(SUM, { args: [50n] });
      let stop = execution.run({ budget });
      for (let executed = budget; stop.kind === 'budget'; executed += budget) {
        expect(execution.executed).toBe(executed);
        stop = execution.run({ budget });
      }
      expect(stop).toEqual({ kind: 'exit', value: 1275n });
      expect(execution.executed).toBe(152);
    }
  });

  it('stops at breakpoints each time, and leaves them when told to', () => {
    const breakpoints = new Uint8Array(SUM.insns.length);
    breakpoints[2] = 1;
    const execution = start(SUM, { args: [5n] });
    const seen: bigint[] = [];
    let stop = execution.run({ budget: 1000, breakpoints });
    while (stop.kind === 'breakpoint') {
      expect(stop.insn).toBe(2);
      expect(execution.pc).toBe(2);
      seen.push(execution.getRegister(1));
      expect(execution.run({ budget: 1000, breakpoints })).toEqual({ kind: 'breakpoint', insn: 2 });
      stop = execution.run({ budget: 1000, breakpoints, leaveBreakpoint: true });
    }
    expect(seen).toEqual([5n, 4n, 3n, 2n, 1n]);
    expect(stop).toEqual({ kind: 'exit', value: 15n });
  });

  it('stops in the middle of a long run at a breakpoint that was set later', () => {
    const execution = start(SUM, { args: [1_000_000n] });
    expect(execution.run({ budget: 100_001 }).kind).toBe('budget');
    const breakpoints = new Uint8Array(SUM.insns.length);
    breakpoints[4] = 1;
    expect(execution.run({ budget: 10_000_000, breakpoints })).toEqual({ kind: 'breakpoint', insn: 4 });
    expect(execution.getRegister(0)).toBe(500000500000n);
  });

  it('stops at a breakpoint only where its conditions hold', () => {
    const breakpoints = new Uint8Array(SUM.insns.length);
    breakpoints[1] = 1;
    const stops = (conditions: readonly BreakpointCondition[]): bigint[] => {
      const execution = start(SUM, { args: [500n] });
      const seen: bigint[] = [];
      for (
        let stop = execution.run({ budget: 100_000, breakpoints, conditions });
        stop.kind === 'breakpoint';
        stop = execution.run({ budget: 100_000, breakpoints, conditions, leaveBreakpoint: true })
      ) {
        expect(stop.insn).toBe(1);
        seen.push(execution.getRegister(1));
      }
      expect(execution.run({ budget: 1 })).toEqual({ kind: 'exit', value: 125250n });
      expect(execution.executed).toBe(1502);
      return seen;
    };
    const r1 = { kind: 'register', register: 1 } as const;
    const constant = (value: bigint) => ({ kind: 'constant', value }) as const;
    expect(stops([{ slot: 1, left: r1, comparison: '==', signed: false, right: constant(77n) }])).toEqual([77n]);
    expect(
      stops([
        { slot: 1, left: r1, comparison: '<', signed: true, right: constant(3n) },
        { slot: 1, left: r1, comparison: '!=', signed: true, right: constant(1n) },
      ]),
    ).toEqual([2n]);
    expect(stops([{ slot: 1, left: { ...r1, bits: 8 }, comparison: '>=', signed: true, right: constant(127n) }])).toEqual([383n, 127n]);
    expect(stops([{ slot: 1, left: r1, comparison: '>', signed: false, right: constant(1000n) }])).toEqual([]);
    // Memory that is not there: stops, so that a person sees it.
    expect(
      stops([{ slot: 1, left: { kind: 'memory', base: 1, offset: 0, size: 8 }, comparison: '==', signed: false, right: r1 }]),
    ).toHaveLength(500);
    expect(
      stops([{ slot: 1, left: { kind: 'memory', base: 10, offset: -8, size: 4 }, comparison: '==', signed: false, right: constant(1n) }]),
    ).toEqual([]);
  });

  it('can be changed while it stands', () => {
    const execution = start(SUM, { args: [100n] });
    execution.run({ budget: 31 });
    execution.setRegister(1, 1n);
    execution.setRegister(0, 41n);
    expect(execution.run({ budget: 1000 })).toEqual({ kind: 'exit', value: 42n });
  });

  const CALLS = program(
    `
  r6 = 7
  r1 = 10
  call outer
  r0 += r6
  exit
outer:
  r6 = r1
  r1 = 3
  *(u64 *)(r10 - 8) = r6
  call inner
  r0 += r6
  exit
inner:
  r0 = r1
  *(u64 *)(r10 - 8) = r0
  exit
`.replace(/call (\w+)/g, 'call $1'),
  );

  it('calls subprograms with frames of their own', () => {
    expect(start(CALLS).run({ budget: 100 })).toEqual({ kind: 'exit', value: 20n });
    const execution = start(CALLS);
    const breakpoints = new Uint8Array(CALLS.insns.length);
    breakpoints[12] = 1;
    expect(execution.run({ budget: 100, breakpoints })).toEqual({ kind: 'breakpoint', insn: 12 });
    const frames = execution.frames();
    expect(frames.map(({ subprogram, insn }) => [subprogram, insn])).toEqual([
      [2, 12],
      [1, 8],
      [0, 2],
    ]);
    expect(frames.map(({ saved }) => saved[0])).toEqual([0n, 10n, 7n]);
    expect(frames[1]!.framePointer - frames[2]!.framePointer).toBe(frames[0]!.framePointer - frames[1]!.framePointer);
    expect(execution.memory.readInt(frames[1]!.framePointer - 8n, 8)).toBe(10n);
    expect(execution.run({ budget: 100, breakpoints, leaveBreakpoint: true })).toEqual({ kind: 'exit', value: 20n });
  });

  it('is the same whether stepped or run, through calls too', () => {
    const stepped = start(CALLS);
    for (let executed = 1; stepped.step().kind === 'step'; executed++) {
      const ran = start(CALLS, {});
      ran.run({ budget: executed });
      expect(ran.pc).toBe(stepped.pc);
      expect(ran.frames().map(({ insn, saved }) => [insn, saved])).toEqual(stepped.frames().map(({ insn, saved }) => [insn, saved]));
      expect(Array.from({ length: 10 }, (_, register) => ran.getRegister(register))).toEqual(
        Array.from({ length: 10 }, (_, register) => stepped.getRegister(register)),
      );
    }
  });

  it('makes at most eight frames', () => {
    const recursive = program('main:\n r1 += 1\n call main\n exit\n');
    const execution = start(recursive);
    expect(execution.run({ budget: 1000 })).toMatchObject({
      kind: 'fault',
      insn: 1,
      message: 'the call would make frame 9: there are at most 8',
    });
    expect(execution.frames().length).toBe(8);
    expect(execution.executed).toBe(15);
  });

  it('faults at the instruction, with everything before it done', () => {
    const memory = createMemory();
    const value = memory.allocate({ kind: 'map_value', name: 'counts', size: 16 });
    const text = 'r2 = 1\n *(u64 *)(r1 + 0) = r2\n r3 = 5\n r0 = *(u64 *)(r1 + 12)\n exit\n';
    const execution = start(program(text), { memory, args: [value.base] });
    expect(execution.run({ budget: 100 })).toMatchObject({
      kind: 'fault',
      insn: 3,
      message: 'read of 8 bytes at map_value counts+12: the value has 16 bytes, 4 remain',
    });
    expect([execution.pc, execution.executed, execution.getRegister(3)]).toEqual([3, 3, 5n]);
    expect(memory.readInt(value.base, 8)).toBe(1n);
    expect(execution.step().kind).toBe('fault');
  });

  it.each([
    [
      "over the frame's end",
      'r1 = 1\n *(u64 *)(r10 - 516) = r1\n exit\n',
      'write of 8 bytes at fp-516 of frame 0: the stack frame has 512 bytes, this is 4 bytes before it',
    ],
    [
      'above the frame pointer',
      'r0 = *(u8 *)(r10 + 0)\n exit\n',
      'read of 1 byte at fp+0 of frame 0: the stack frame has 512 bytes, this is 0 bytes past its end',
    ],
    ['a number as address', 'r1 = 0x70000\n r0 = *(u8 *)(r1 + 0)\n exit\n', 'read of 1 byte at address 0x70000: nothing is there'],
    ['misaligned atomics', 'r1 = 1\n lock *(u64 *)(r10 - 12) += r1\n exit\n', undefined],
    ['running past the end', 'r0 = 0\n', 'the program runs on to slot 1, past its end'],
    ['an unknown helper', 'call 99\n exit\n', 'helper 99 is called, and nobody has it'],
  ])('faults on %s', (_name, text, message) => {
    const host: Host = {
      callHelper: (id) => (id === 99 ? { kind: 'fault', message: 'helper 99 is called, and nobody has it' } : undefined),
    };
    const stop = start(program(text), { host }).run({ budget: 100 });
    expect(stop.kind).toBe('fault');
    if (message !== undefined) expect(stop).toMatchObject({ message });
    else
      expect((stop as { message: string }).message).toMatch(
        /^atomic access of 8 bytes at address 0x[0-9a-f]+: the address is not a multiple of 8$/,
      );
  });

  it('asks the host with all registers, and forgets r1 to r5', () => {
    const asked: string[] = [];
    const host: Host = {
      callHelper(id, cpu) {
        asked.push(`${id}: ${[1, 2, 3, 4, 5, 6].map((register) => cpu.getRegister(register)).join(' ')} ${cpu.getRegister32(1)}`);
        cpu.setRegisterNumber(0, -2);
        return undefined;
      },
      callKfunc: (id, cpu) => (cpu.setRegister(0, BigInt(id)), undefined),
    };
    const executable = program(
      'r1 = 1\n r2 = -2\n r3 = 3\n r4 = 4\n r5 = 5\n r6 = 6\n call 42\n r7 = r0\n r6 += r1\n call 1\n r0 = r7\n exit\n',
    );
    const kfunc = { ...executable, insns: executable.insns.map((insn, slot) => (slot === 9 ? { ...insn, src: 2, imm: 77 } : insn)) };
    const execution = start(kfunc, { host });
    expect(execution.run({ budget: 100 })).toEqual({ kind: 'exit', value: 0xffff_ffff_ffff_fffen });
    expect(asked).toEqual(['42: 1 18446744073709551614 3 4 5 6 1']);
    expect(execution.getRegister(6)).toBe(6n);
    expect(execution.executed).toBe(12);
  });

  it('stops before host calls when asked to', () => {
    const executable = program('r6 = 1\n call 7\n r6 = 2\n call 8\n r0 = 0\n exit\n');
    const execution = start(executable);
    expect(execution.run({ budget: 100, stopAtHostCalls: true })).toEqual({ kind: 'call', insn: 1 });
    expect(execution.run({ budget: 100, stopAtHostCalls: true, leaveBreakpoint: true })).toEqual({ kind: 'call', insn: 3 });
    expect(execution.run({ budget: 100, leaveBreakpoint: true }).kind).toBe('exit');
  });

  it('runs callbacks with frames of their own, as bpf_loop does', () => {
    const executable = program(`
  r7 = 5
  r1 = 4
  r2 = callback ll
  call 181
  r0 += r7
  exit
callback:
  r0 = 0
  r1 += 100
  r6 = r1
  exit
`);
    const insns = executable.insns.map((insn, slot) => (slot === 2 ? { ...insn, src: 4, imm: 7 - 3 } : insn));
    const indexes: bigint[] = [];
    const host: Host = {
      callHelper(_id, cpu) {
        const count = cpu.getRegister(1);
        const entry = functionSlot(cpu.getRegister(2))!;
        const next = (i: bigint): ReturnType<Host['callHelper']> => {
          if (i === count) {
            cpu.setRegister(0, count);
            return undefined;
          }
          indexes.push(i);
          return { kind: 'callback', entry, args: [i, 9n], resume: () => next(i + 1n) };
        };
        return next(0n);
      },
    };
    const fixed = executableOf('main', insns);
    const execution = start(fixed, { host });
    const breakpoints = new Uint8Array(fixed.insns.length);
    breakpoints[9] = 1;
    expect(execution.run({ budget: 1000, breakpoints })).toEqual({ kind: 'breakpoint', insn: 9 });
    expect(execution.frames().map(({ insn }) => insn)).toEqual([9, 4]);
    expect(execution.run({ budget: 1000 })).toEqual({ kind: 'exit', value: 9n });
    expect(indexes).toEqual([0n, 1n, 2n, 3n]);
    expect(execution.getRegister(7)).toBe(5n);
  });

  it("goes on in the program of a tail call, in a subprogram's place too", () => {
    const target = program('r0 = 100\n r6 = 1\n exit\n', 'target');
    const host: Host = { callHelper: () => ({ kind: 'tail-call', executable: target }) };
    const direct = start(program('r1 = 1\n call 12\n r0 = 1\n exit\n'), { host });
    expect(direct.run({ budget: 100 })).toEqual({ kind: 'exit', value: 100n });
    expect(direct.executable).toBe(target);
    const caller = program('r6 = 5\n call sub\n r0 += r6\n exit\nsub:\n call 12\n r0 = 0\n exit\n');
    const nested = start(caller, { host });
    const breakpoints = new Uint8Array(target.insns.length);
    breakpoints[2] = 1;
    expect(nested.run({ budget: 100, breakpointsOf: (executable) => (executable === target ? breakpoints : undefined) })).toEqual({
      kind: 'breakpoint',
      insn: 2,
    });
    expect(nested.frames().map(({ executable }) => executable.name)).toEqual(['target', 'main']);
    expect(nested.run({ budget: 100 })).toEqual({ kind: 'exit', value: 105n });
  });

  it('calls through registers: helpers by number, functions by address', () => {
    const executable = program('r1 = fn ll\n callx r1\n r6 = r0\n r2 = 5\n callx r2\n r0 += r6\n exit\nfn:\n r0 = 30\n exit\n');
    const fixed = executableOf(
      'main',
      executable.insns.map((insn, slot) => (slot === 0 ? { ...insn, src: 4, imm: 8 - 1 } : insn)),
    );
    const host: Host = { callHelper: (id, cpu) => (cpu.setRegister(0, BigInt(id)), undefined) };
    expect(start(fixed, { host }).run({ budget: 100 })).toEqual({ kind: 'exit', value: 35n });
    expect(start(program('r1 = -1\n callx r1\n exit\n'), { host }).run({ budget: 100 })).toMatchObject({
      kind: 'fault',
      message: "callx r1: 0xffffffffffffffff is neither a function of this program nor a helper's number",
    });
  });

  it('ends a program whose packet load is out of the packet', () => {
    const host: Host = { callHelper: () => undefined, loadPacket: (offset, size) => (offset + size <= 4 ? 0x1234 : undefined) };
    expect(start(program('r6 = r1\n r0 = *(u16 *)skb[2]\n exit\n'), { host }).run({ budget: 100 })).toEqual({
      kind: 'exit',
      value: 0x1234n,
    });
    expect(start(program('r6 = r1\n r0 = 5\n r7 = 3\n r0 = *(u16 *)skb[r7 + 0]\n r0 = 1\n exit\n'), { host }).run({ budget: 100 })).toEqual(
      { kind: 'exit', value: 0n },
    );
  });

  it('falls through may_goto as often as the kernel says, in every frame anew', () => {
    const execution = start(program('r0 = 0\nloop:\n may_goto out\n r0 += 1\n goto loop\nout:\n exit\n'));
    expect(execution.run({ budget: 100_000_000 })).toEqual({ kind: 'exit', value: 8_388_608n });
  });

  it('goes on when the host makes memory that moves the buffer', () => {
    const memory = createMemory();
    const value = memory.allocate({ kind: 'map_value', name: 'v', size: 8 });
    const host: Host = {
      callHelper(_id, cpu) {
        memory.allocate({ kind: 'mem', name: 'large', size: 3_000_000 });
        cpu.setRegister(0, 7n);
        return undefined;
      },
    };
    const execution = start(
      program(
        'r6 = r1\n r7 = 3\nloop:\n call 1\n r1 = *(u64 *)(r6 + 0)\n r1 += r0\n *(u64 *)(r6 + 0) = r1\n r7 += -1\n if r7 != 0 goto loop\n r0 = r1\n exit\n',
      ),
      { memory, host, args: [value.base] },
    );
    expect(execution.run({ budget: 1000 })).toEqual({ kind: 'exit', value: 21n });
    expect(memory.readInt(value.base, 8)).toBe(21n);
  });

  it('goes back to a snapshot and runs the same way again', () => {
    const memory = createMemory();
    const value = memory.allocate({ kind: 'map_value', name: 'v', size: 64_000 });
    const execution = start(
      program(`
  r0 = 0
loop:
  r2 = r1
  r2 += r0
  *(u64 *)(r2 + 0) = r0
  *(u64 *)(r10 - 8) = r0
  r0 += 8
  if r0 < 64000 goto loop
  exit
`),
      { memory, args: [value.base] },
    );
    execution.run({ budget: 10_001 });
    const first = execution.snapshot();
    const bytes = memory.read(value.base, 64_000);
    const registers = Array.from({ length: 11 }, (_, register) => execution.getRegister(register));
    const pc = execution.pc;
    execution.run({ budget: 20_003 });
    const second = execution.snapshot();
    const end = execution.run({ budget: 1_000_000 });
    const final = memory.read(value.base, 64_000);
    for (const snapshot of [first, second, first]) {
      execution.restore(snapshot);
      expect(execution.executed).toBe(snapshot.executed);
      if (snapshot === first) {
        expect(memory.read(value.base, 64_000)).toEqual(bytes);
        expect(Array.from({ length: 11 }, (_, register) => execution.getRegister(register))).toEqual(registers);
        expect(execution.pc).toBe(pc);
      }
      expect(execution.run({ budget: 1_000_000 })).toEqual(end);
      expect(memory.read(value.base, 64_000)).toEqual(final);
    }
  });

  it('runs a program inside a helper of another one', () => {
    const memory = createMemory();
    const one = engine();
    const host: Host = {
      callHelper(_id, cpu: Cpu) {
        const inner = one.start(SUM, memory, silent, [cpu.getRegister(1)]);
        const stop = inner.run({ budget: 10_000 });
        inner.release();
        cpu.setRegister(0, stop.kind === 'exit' ? stop.value : -1n);
        return undefined;
      },
    };
    const outer = one.start(
      program('r6 = 10\n r7 = 0\nloop:\n r1 = r6\n call 1\n r7 += r0\n r6 += -1\n if r6 != 0 goto loop\n r0 = r7\n exit\n'),
      memory,
      host,
      [],
    );
    expect(outer.run({ budget: 10_000 })).toEqual({ kind: 'exit', value: 220n });
  });

  it('runs irreducible control flow', () => {
    // Two ways into the loop between a and b.
    const executable = program('r0 = 0\n if r1 == 0 goto b\na:\n r0 += 1\n r1 += 1\nb:\n r0 += 100\n r1 += 1\n if r1 < 10 goto a\n exit\n');
    expect(start(executable, { args: [0n] }).run({ budget: 1000 })).toEqual({ kind: 'exit', value: 605n });
    expect(start(executable, { args: [1n] }).run({ budget: 1000 })).toEqual({ kind: 'exit', value: 505n });
  });

  it('reaches an arena through 32-bit addresses, and gives user space its own', () => {
    const memory = createMemory();
    const region = memory.allocate({ kind: 'arena', name: 'arena', size: 8192 });
    const userBase = (0x7fffn << 32n) | (region.base & 0xffff_ffffn);
    const casts = program(
      'r2 = r1\n r2 += 16\n r2 = r2\n r3 = 7\n *(u64 *)(r2 + 0) = r3\n r0 = *(u32 *)(r2 + 0)\n r4 = r2\n r5 = 0\n exit\n',
    );
    // r2 becomes a kernel-side pointer, r4 and r5 user-side ones.
    const insns = casts.insns.map((insn, slot) =>
      slot === 2
        ? { ...insn, off: 1, imm: 1 }
        : slot === 6
          ? { ...insn, off: 1, imm: 0x10000 }
          : slot === 7
            ? { ...insn, opcode: 0xbf, src: 5, off: 1, imm: 0x10000 }
            : insn,
    );
    const executable = { ...executableOf('arena', insns), arena: { region, userBase } };
    const execution = start(executable, { memory, args: [userBase] });
    expect(execution.run({ budget: 100 })).toEqual({ kind: 'exit', value: 7n });
    expect(memory.readInt(region.base + 16n, 8)).toBe(7n);
    expect([execution.getRegister(2), execution.getRegister(4), execution.getRegister(5)]).toEqual([
      (region.base & 0xffff_ffffn) + 16n,
      userBase + 16n,
      0n,
    ]);
    expect(start(executable, { memory, args: [userBase + 8192n] }).run({ budget: 100 })).toMatchObject({ kind: 'fault', insn: 4 });
  });

  it('uses the stack of finished runs again', () => {
    const memory = createMemory();
    const one = engine();
    for (let i = 0; i < 2000; i++) {
      const execution = one.start(SUM, memory, silent, [3n]);
      expect(execution.run({ budget: 100 })).toEqual({ kind: 'exit', value: 6n });
      execution.release();
    }
    expect([...memory.regions].length).toBe(0);
    expect(memory.allocate({ kind: 'mem', name: 'after', size: 8 }).base & 0xffff_ffffn).toBeLessThan(200_000n);
  });
});
