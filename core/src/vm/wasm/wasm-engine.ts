// The compiling engine: interprets until a program is worth compiling, then runs compiled code in slices and goes back to the
// interpreter for whatever compiled code leaves to it: faults, slow accesses, breakpoints, rare instructions, the end of a budget.
// Slices end now and then so that V8 can replace its baseline code (it does so only when a function is called anew).

import { type Decoded, STRIDE } from '../decode.ts';
import { State } from '../execution.ts';
import { interpret, Op, Stopped } from '../interpreter.ts';
import { codeUnder, linear, plain, StateExecution } from '../interpreter-engine.ts';
import type { LinearMemory } from '../memory.ts';
import type { BreakpointCondition, Engine, Executable, Host, HostOutcome, Memory, RunLimits, StopReason } from '../types.ts';
import { compile } from './compile.ts';
import { compilesCondition } from './condition-code.ts';
import { STOP_ALWAYS, STOP_CONDITIONALLY } from './control-flow.ts';
import { CPU_LEFT, CPU_PC, RECORD_MAY_GOTO, RECORD_SLOT } from './function-compiler.ts';

export interface WasmEngineOptions {
  /**
   * `all` checks every access that is not at a constant place of the frame. `unproven` trusts Executable.proven: only for programs that a
   * verifier has accepted, see checks.ts.
   */
  checks?: 'all' | 'unproven';
  /** Instructions of a program that are interpreted before it is compiled. With 0 it is compiled wherever it is entered. */
  warmup?: number;
}

const DEFAULT_WARMUP = 5_000;
/** Instructions of the first slices and of later ones. */
const FIRST_SLICE = 200_000;
const FIRST_SLICES = 16;
const SLICE = 4_000_000;
/** Instructions that are interpreted in the hope of meeting a compiled entry before another one is made. */
const PATIENCE = 2_000;
/** An entry that leaves this often after fewer than this many instructions is given up. */
const FRUITLESS_ENTRIES = 64;
const FRUITFUL = 100;

/** One place to enter a program at, for one memory. */
interface Entry {
  enter: (cpu: number, budget: number) => number;
  framesBelow: number;
  runs: number;
  fruitless: number;
}

/** A program under one set of stops, in one memory. */
interface Plan {
  stops: Uint8Array | undefined;
  conditions: readonly BreakpointCondition[] | undefined;
  /** By slot; undefined where it was tried and is not worth it. */
  entries: Map<number, Entry | undefined>;
  /** Code that stops at compiled entries, and code that stops wherever one could be made. */
  atEntries: Int32Array | undefined;
  atCandidates: Int32Array | undefined;
}

/** What compiled code of one memory shares: who is running, and what the host answered. */
class Runtime {
  active: WasmExecution | undefined;
  readonly imports: Record<string, Record<string, unknown>>;
  /** Plans by program and stops; compiled code has the capacity in it, and whether there are packets, so they live until one of these changes. */
  plans = new WeakMap<Decoded, Map<string, Plan>>();
  private generation: number;
  private packets: boolean;

  constructor(readonly memory: LinearMemory) {
    this.generation = memory.generation;
    this.packets = memory.hasPackets;
    this.imports = {
      env: { memory: memory.wasm },
      host: {
        helper: (id: number, slot: number, left: number) => this.active!.callHelper(id, slot, left),
        kfunc: (id: number, slot: number, left: number) => this.active!.callKfunc(id, slot, left),
      },
    };
  }

  plan(code: Decoded, key: string, stops: () => Uint8Array | undefined, conditions: readonly BreakpointCondition[] | undefined): Plan {
    if (this.generation !== this.memory.generation || this.packets !== this.memory.hasPackets) {
      this.generation = this.memory.generation;
      this.packets = this.memory.hasPackets;
      this.plans = new WeakMap();
    }
    let plans = this.plans.get(code);
    if (!plans) this.plans.set(code, (plans = new Map<string, Plan>()));
    let plan = plans.get(key);
    if (!plan) plans.set(key, (plan = { stops: stops(), conditions, entries: new Map(), atEntries: undefined, atCandidates: undefined }));
    return plan;
  }
}

/** Slots that are worth compiling from: where functions start and where loops come back to. */
const candidateCache = new WeakMap<Decoded, Uint8Array>();
function candidates(code: Decoded): Uint8Array {
  let result = candidateCache.get(code);
  if (result) return result;
  result = new Uint8Array(code.slots);
  for (const { start } of code.executable.subprograms) if (start < code.slots) result[start] = 1;
  for (let slot = 0; slot < code.slots; slot++) {
    const op: Op = code.code[slot * STRIDE]!;
    const target = code.code[slot * STRIDE + 3]!;
    if (((op >= Op.jeq && op <= Op.jset32) || op === Op.ja || op === Op.mayGoto) && target <= slot) result[target] = 1;
  }
  candidateCache.set(code, result);
  return result;
}

class WasmExecution extends StateExecution {
  private readonly block: number;
  private pending: { outcome: HostOutcome } | undefined;
  /** Of the slice that is running. */
  private executedBefore = 0;
  private slice = 0;
  private generation = 0;

  constructor(
    state: State,
    private readonly runtime: Runtime,
    private readonly engine: { warmup: number; unproven: boolean; heat: WeakMap<Decoded, number> },
  ) {
    super(state);
    this.block = state.cpuBlock;
  }

  run(limits: RunLimits): StopReason {
    const { state, engine } = this;
    if (state.ended) return state.ended;
    this.startedWith = state.executable;
    const interpreted = codeUnder(limits, this.startedWith);
    let left = limits.budget;
    const interpretSome = (budget: number, codeFor: (state: State) => Int32Array): Stopped => {
      const before = state.executed;
      const why = interpret(state, Math.min(budget, left), codeFor);
      left -= state.executed - before;
      return why;
    };

    let stopped = Stopped.budget as Stopped;
    if (limits.leaveBreakpoint && left > 0) stopped = interpretSome(1, plain);
    // A breakpoint whose condition does not hold: it is stepped over, or compiled code goes on from it.
    let passing = false;
    while (left > 0 && !state.ended) {
      if (stopped === Stopped.breakpoint) {
        if (this.stopsAtBreakpoint(limits)) break;
        stopped = Stopped.budget;
        passing = true;
      }
      const { code } = state;
      const heat = engine.heat.get(code) ?? 0;
      if (heat < engine.warmup) {
        const before = left;
        stopped = passing ? interpretSome(1, plain) : interpretSome(engine.warmup - heat, interpreted);
        passing = false;
        engine.heat.set(code, heat + before - left);
        continue;
      }
      const plan = this.planFor(code, interpreted, state.executable === this.startedWith ? limits.conditions : undefined);
      const entry = this.entryAt(plan, code);
      if (entry) {
        const before = left;
        left -= this.enter(entry, left);
        if (before - left >= FRUITFUL) entry.fruitless = 0;
        else if (++entry.fruitless >= FRUITLESS_ENTRIES && engine.warmup > 0) this.giveUp(plan, entry);
        if (state.ended || before !== left) {
          passing = false;
          continue;
        }
      }
      // At least one instruction, then on to the next place to enter.
      stopped = interpretSome(1, passing ? plain : interpreted);
      passing = false;
      if (engine.warmup === 0 || state.ended || stopped === Stopped.breakpoint || state.code !== code) continue;
      stopped = interpretSome(PATIENCE, this.codeWithEntries(plan, code, interpreted));
      if (stopped === Stopped.budget && left > 0 && state.code === code)
        stopped = interpretSome(left, this.codeWithCandidates(plan, code, interpreted));
    }
    if (state.ended) return state.ended;
    return stopped === Stopped.breakpoint && this.stopsAtBreakpoint(limits) ? this.stopAt(limits) : { kind: 'budget' };
  }

  private planFor(code: Decoded, interpreted: (state: State) => Int32Array, conditions: readonly BreakpointCondition[] | undefined): Plan {
    const patched = interpreted(this.state);
    if (patched === code.code) return this.runtime.plan(code, '', () => undefined, undefined);
    const { lastPlan } = this;
    if (
      lastPlan?.patched === patched &&
      lastPlan.conditions === conditions &&
      lastPlan.generation === this.state.memory.generation &&
      lastPlan.packets === this.state.memory.hasPackets
    )
      return lastPlan.plan;
    const slots: number[] = [];
    for (let slot = 0; slot < code.slots; slot++) if (patched[slot * STRIDE] === Op.breakpoint) slots.push(slot);
    const key = `${slots.join()} ${JSON.stringify(conditions ?? [], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}`;
    const stops = (): Uint8Array => {
      const result = new Uint8Array(code.slots + 1);
      for (const slot of slots) result[slot] = compilesCondition(conditions, slot) ? STOP_CONDITIONALLY : STOP_ALWAYS;
      return result;
    };
    const plan = this.runtime.plan(code, key, stops, conditions);
    this.lastPlan = { patched, conditions, generation: this.state.memory.generation, packets: this.state.memory.hasPackets, plan };
    return plan;
  }

  private lastPlan:
    | { patched: Int32Array; conditions: readonly BreakpointCondition[] | undefined; generation: number; packets: boolean; plan: Plan }
    | undefined;

  /** The compiled entry at pc; made if pc is worth it. */
  private entryAt(plan: Plan, code: Decoded): Entry | undefined {
    const { pc, depth, frameLimit } = this.state;
    if (pc >= code.slots || plan.stops?.[pc] === STOP_ALWAYS) return undefined;
    let entry = plan.entries.get(pc);
    if (!entry && !plan.entries.has(pc) && (this.engine.warmup === 0 || candidates(code)[pc])) {
      entry = this.compileAt(plan, code, pc);
      plan.entries.set(pc, entry);
      plan.atEntries = plan.atCandidates = undefined;
    }
    return entry && depth + 1 + entry.framesBelow <= frameLimit ? entry : undefined;
  }

  private compileAt(plan: Plan, code: Decoded, root: number): Entry | undefined {
    const { memory, executable } = this.state;
    const { arena, proven } = executable;
    const compiled = compile({
      code,
      root,
      stops: plan.stops,
      conditions: plan.conditions,
      capacity: memory.capacity,
      packets: memory.hasPackets,
      proven: this.engine.unproven ? proven : undefined,
      arena: arena && {
        offset: memory.offsetOf(arena.region),
        size: arena.region.size,
        userHigh: Number(BigInt.asIntN(32, arena.userBase >> 32n)),
      },
    });
    if (!compiled) return undefined;
    const instance = new WebAssembly.Instance(new WebAssembly.Module(compiled.bytes), this.runtime.imports);
    return { enter: instance.exports['enter'] as Entry['enter'], framesBelow: compiled.framesBelow, runs: 0, fruitless: 0 };
  }

  private giveUp(plan: Plan, entry: Entry): void {
    for (const [slot, other] of plan.entries) if (other === entry) plan.entries.set(slot, undefined);
    plan.atEntries = plan.atCandidates = undefined;
  }

  private codeWithEntries(plan: Plan, code: Decoded, interpreted: (state: State) => Int32Array): (state: State) => Int32Array {
    plan.atEntries ??= withEntries(interpreted(this.state), (slot) => plan.entries.get(slot) !== undefined, code.slots);
    const { atEntries } = plan;
    return (state) => (state.code === code ? atEntries : interpreted(state));
  }

  private codeWithCandidates(plan: Plan, code: Decoded, interpreted: (state: State) => Int32Array): (state: State) => Int32Array {
    const worth = candidates(code);
    plan.atCandidates ??= withEntries(
      interpreted(this.state),
      (slot) => plan.entries.get(slot) !== undefined || (worth[slot] !== 0 && !plan.entries.has(slot)),
      code.slots,
    );
    const { atCandidates } = plan;
    return (state) => (state.code === code ? atCandidates : interpreted(state));
  }

  // ---- compiled code ----

  /** Runs compiled code from pc on; the number of instructions executed. The state is whole again afterwards. */
  private enter(entry: Entry, budget: number): number {
    const { state, runtime, block } = this;
    const { memory } = state;
    const slice = Math.min(budget, entry.runs++ < FIRST_SLICES ? FIRST_SLICE : SLICE);
    const { registers, depth } = state;
    const view = new Int32Array(memory.wasm.buffer, block, 24);
    view.set(registers.subarray(0, 22));
    memory.data.setInt32(state.framePointerLow(depth) + RECORD_MAY_GOTO, state.mayGoto[depth]!, true);
    this.executedBefore = state.executed;
    this.slice = slice;
    this.generation = memory.generation;
    this.pending = undefined;
    const outer = runtime.active;
    const outerGrown = memory.grown;
    runtime.active = this;
    state.registers = view;
    memory.grown = () => {
      state.registers = new Int32Array(memory.wasm.buffer, block, 24);
      outerGrown?.();
    };
    let returned: number;
    try {
      returned = entry.enter(block, slice);
    } catch (error) {
      // A trap can only come from an access whose check was dropped; what the host throws is not ours.
      if (!(error instanceof Error && error.name === 'RuntimeError')) throw error;
      registers.set(state.registers.subarray(0, 22));
      state.registers = registers;
      state.fault('compiled code reached outside memory where a proof said that it could not: run it again with all checks');
      return 0;
    } finally {
      runtime.active = outer;
      memory.grown = outerGrown;
    }
    registers.set(state.registers.subarray(0, 22));
    state.registers = registers;
    const used = slice - memory.data.getInt32(block + CPU_LEFT, true);
    state.executed = this.executedBefore + used;
    if (returned === 1) {
      this.functionReturned();
      return used;
    }
    state.pc = memory.data.getInt32(block + CPU_PC, true);
    this.readFrames(depth);
    return this.pending ? this.applyPending(used) : used;
  }

  /** The frames that compiled code was in when it left lie behind their stacks. */
  private readFrames(entered: number): void {
    const { state } = this;
    const { data } = state.memory;
    const innermost = state.depthOf(state.registers[20]!);
    for (let depth = entered; depth <= innermost; depth++) {
      const record = state.framePointerLow(depth);
      state.mayGoto[depth] = data.getInt32(record + RECORD_MAY_GOTO, true);
      if (depth > entered) {
        state.special[depth] = 0;
        state.resumes[depth] = undefined;
      }
      if (depth === innermost) break;
      for (let i = 0; i < 8; i++) state.saved[depth * 8 + i] = data.getInt32(record + i * 4, true);
      state.returnSlots[depth] = data.getInt32(record + RECORD_SLOT, true);
      state.frameCode[depth] = state.code;
    }
    state.depth = innermost;
  }

  private functionReturned(): void {
    const { state } = this;
    if (state.depth === 0) {
      state.pc = this.exitSlot();
      state.end({ kind: 'exit', value: state.getRegister(0) });
    } else if (state.special[state.depth] !== 0) {
      state.returnFromSpecial();
    } else {
      state.popFrame();
      state.clobberArguments();
      state.pc++;
    }
  }

  /** Compiled code says in the CPU block which exit it took. */
  private exitSlot(): number {
    return this.state.memory.data.getInt32(this.block + CPU_PC, true);
  }

  /** What the host answered beside a plain value. A call that faults has not been executed. */
  private applyPending(used: number): number {
    const { state } = this;
    const { outcome } = this.pending!;
    this.pending = undefined;
    if (!state.apply(outcome) && state.ended?.kind === 'fault') {
      state.executed--;
      return used - 1;
    }
    return used;
  }

  // ---- the host, from compiled code ----

  callHelper(id: number, slot: number, left: number): number {
    const { state } = this;
    state.pc = slot;
    state.executed = this.executedBefore + this.slice - left - 1;
    return this.answer(state.host.callHelper(id, state));
  }

  callKfunc(id: number, slot: number, left: number): number {
    const { state } = this;
    state.pc = slot;
    state.executed = this.executedBefore + this.slice - left - 1;
    return this.answer(
      state.host.callKfunc
        ? state.host.callKfunc(id, state)
        : { kind: 'fault', message: `kfunc ${id} is called, and this machine's host has no kfuncs` },
    );
  }

  /** 0: compiled code goes on. Otherwise it leaves, because the host wants more than a value or because the buffer has moved. */
  private answer(outcome: HostOutcome): number {
    if (outcome === undefined && this.state.memory.generation === this.generation) return 0;
    this.pending = { outcome };
    return 1;
  }
}

function withEntries(code: Int32Array, wanted: (slot: number) => boolean, slots: number): Int32Array {
  const copy = code.slice();
  for (let slot = 0; slot < slots; slot++) if (copy[slot * STRIDE] !== Op.breakpoint && wanted(slot)) copy[slot * STRIDE] = Op.entry;
  return copy;
}

/** An engine that compiles to WebAssembly. Programs warm up, and stay compiled, per engine. */
export function createWasmEngine({ checks = 'all', warmup = DEFAULT_WARMUP }: WasmEngineOptions = {}): Engine {
  const runtimes = new WeakMap<LinearMemory, Runtime>();
  const shared = { warmup, unproven: checks === 'unproven', heat: new WeakMap<Decoded, number>() };
  return {
    name: 'wasm',
    start(executable: Executable, memory: Memory, host: Host, args: readonly bigint[]) {
      const buffer = linear(memory);
      let runtime = runtimes.get(buffer);
      if (!runtime) runtimes.set(buffer, (runtime = new Runtime(buffer)));
      return new WasmExecution(new State(executable, buffer, host, args), runtime, shared);
    },
  };
}
