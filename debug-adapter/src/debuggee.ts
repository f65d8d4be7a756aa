// The program being debugged: goes on, steps in, over and out, pauses, goes back, and says why it stopped.
// Knows no DAP; what is shown at a stop is inspection.ts's matter.

import { BPF_CALL, BPF_JMP, BPF_X, isCall, isExit } from '#core/isa';
import type { Invocation } from '#core/sim';
import type { Executable, Execution, RunLimits, StopReason } from '#core/vm';
import type { Breakpoint, Breakpoints, MappedProgram, Meeting } from './breakpoints.ts';
import type { ExpressionScope } from './expression.ts';
import { isBefore } from './timeline.ts';
import type { Position, Timeline } from './timeline.ts';

export type StepKind = 'in' | 'over' | 'out';
export type Granularity = 'line' | 'instruction';

export type Goal = { kind: 'continue' } | { kind: 'step'; how: StepKind; granularity: Granularity } | { kind: 'next-event' };

export type Stop =
  | { kind: 'entry' | 'step' | 'pause' | 'beginning' }
  | { kind: 'breakpoint'; breakpoints: readonly Breakpoint[] }
  /** A fault: the run cannot go on. */
  | { kind: 'fault'; message: string }
  /** The last run on the last event has returned. */
  | { kind: 'done' };

export interface DebuggeeOptions {
  stopOnEntry: boolean;
  /** The scope of the innermost frame, for conditions. */
  scope: () => ExpressionScope;
  /** A log point's text, its expressions still inside, or the failure of a condition. */
  message: (text: string) => void;
}

/** Instructions between two looks at the clock and at the pause button. */
const SLICE = 100_000;
const STEPS_PER_SLICE = 5_000;

/** Where a step began: what counts as somewhere else is measured against it. */
interface StepPlan {
  how: StepKind;
  granularity: Granularity;
  run: number;
  executable: Executable;
  depth: number;
  chain: readonly number[];
  file: string;
  line: number;
}

export class Debuggee {
  private pauseWanted = false;
  private faulted = false;

  constructor(
    readonly timeline: Timeline,
    private readonly programs: readonly MappedProgram[],
    readonly breakpoints: Breakpoints,
    private readonly options: DebuggeeOptions,
  ) {}

  get invocation(): Invocation | undefined {
    return this.timeline.invocation;
  }

  /** The loaded program that runs now, with its map. */
  get current(): MappedProgram | undefined {
    const { invocation } = this;
    return invocation && this.programOf(invocation.execution.executable);
  }

  private programOf(executable: Executable): MappedProgram | undefined {
    return this.programs.find((program) => program.executable === executable);
  }

  pause(): void {
    this.pauseWanted = true;
  }

  /** Runs until the goal is reached or something else stops the program. Slices leave room for requests in between. */
  async forward(goal: Goal): Promise<Stop> {
    this.pauseWanted = false;
    const event = this.invocation?.event.index ?? -1;
    if (this.faulted) {
      // The kernel would have gone down here; the debugger gives the run up and goes on with the next.
      this.faulted = false;
      this.timeline.abandon();
    } else if (this.invocation) {
      const plan = goal.kind === 'step' ? this.planStep(goal) : undefined;
      const stop = await this.untilReturn((first) => (plan ? this.stepSlice(plan) : this.runSlice(goal.kind === 'next-event', first)));
      if (stop) return stop;
    }
    for (;;) {
      if (!this.timeline.nextRun()) return { kind: 'done' };
      const passesBy = goal.kind === 'next-event' && this.invocation?.event.index === event;
      if (!passesBy) {
        const met = this.meet();
        if (met.stops.length > 0) return { kind: 'breakpoint', breakpoints: met.stops };
        if (goal.kind === 'step') return { kind: 'step' };
        if (goal.kind === 'next-event' || this.options.stopOnEntry) return { kind: 'entry' };
      }
      const stop = await this.untilReturn((first) => this.runSlice(passesBy, first));
      if (stop) return stop;
    }
  }

  /** Executes slice after slice; undefined when the run has returned. */
  private async untilReturn(slice: (first: boolean) => Stop | 'returned' | undefined): Promise<Stop | undefined> {
    for (let first = true; ; first = false) {
      const stop = slice(first);
      if (stop === 'returned') return undefined;
      if (stop) return stop;
      if (this.pauseWanted) return { kind: 'pause' };
      await nextTurn();
    }
  }

  /** Executes a slice at full speed. `leave` goes on from a breakpoint that the program stands at. */
  private runSlice(ignoreBreakpoints: boolean, leave: boolean): Stop | 'returned' | undefined {
    let leaveBreakpoint = leave;
    for (let left = SLICE; left > 0;) {
      const before = this.timeline.position.executed;
      const reason = this.timeline.run({ budget: left, ...(ignoreBreakpoints ? {} : this.limits()), leaveBreakpoint });
      const stop = this.afterwards(reason);
      if (stop) return stop;
      const progress = this.timeline.position.executed - before;
      left -= progress;
      leaveBreakpoint = false;
      if (reason.kind !== 'breakpoint') {
        if (progress === 0) throw new Error(`the machine stands still at instruction ${this.invocation!.execution.pc} (${reason.kind})`);
        continue;
      }
      const met = this.meet();
      if (met.stops.length > 0) return { kind: 'breakpoint', breakpoints: met.stops };
      leaveBreakpoint = true;
    }
    return undefined;
  }

  private limits(): Pick<RunLimits, 'breakpoints' | 'breakpointsOf' | 'conditions'> & {
    breakpointsOf: (executable: Executable) => Uint8Array | undefined;
  } {
    const breakpointsOf = (executable: Executable): Uint8Array | undefined => {
      const program = this.programOf(executable);
      return program && this.breakpoints.bitmap(program);
    };
    const breakpoints = breakpointsOf(this.invocation!.execution.executable);
    const { current } = this;
    return {
      ...(breakpoints ? { breakpoints } : {}),
      breakpointsOf,
      ...(current ? { conditions: this.breakpoints.conditions(current) } : {}),
    };
  }

  /** An exit ends the run, a fault stops; anything else goes on. */
  private afterwards(reason: StopReason): Stop | 'returned' | undefined {
    if (reason.kind === 'exit') {
      this.timeline.finish(reason.value);
      return 'returned';
    }
    if (reason.kind !== 'fault') return undefined;
    this.faulted = true;
    return { kind: 'fault', message: reason.message };
  }

  /** Asks the breakpoints at the current slot. */
  private meet(): Meeting {
    const { current, invocation } = this;
    if (!current || !invocation) return { stops: [], messages: [] };
    const met = this.breakpoints.meet(current.id, invocation.execution.pc, this.options.scope);
    for (const message of met.messages) this.options.message(message);
    return met;
  }

  private depth(): number {
    return this.invocation!.execution.frames().length;
  }

  private planStep(goal: Goal & { kind: 'step' }): StepPlan {
    const { execution } = this.invocation!;
    const { current } = this;
    const place = current?.map.placeOf(execution.pc);
    return {
      how: goal.how,
      // A program without line information can only be stepped by instructions.
      granularity: current?.map.hasLines ? goal.granularity : 'instruction',
      run: this.timeline.position.run,
      executable: execution.executable,
      depth: this.depth(),
      chain: current?.map.inlineChain(execution.pc) ?? [],
      file: place?.file ?? '',
      line: place?.line ?? 0,
    };
  }

  private stepSlice(plan: StepPlan): Stop | 'returned' | undefined {
    let depth = this.depth();
    for (let count = 0; count < STEPS_PER_SLICE; count++) {
      const { execution } = this.invocation!;
      const changesDepth = mayChangeDepth(execution);
      let stop = this.afterwards(this.timeline.step());
      if (stop) return stop;
      if (changesDepth) depth = this.depth();
      const left = execution.executable !== plan.executable;
      if (depth > plan.depth && plan.how !== 'in' && !left) {
        stop = this.runToDepth(plan.depth);
        if (stop) return stop;
        depth = this.depth();
        if (depth > plan.depth) return undefined;
      } else {
        const met = this.meetIfAny();
        if (met) return met;
      }
      if (this.reached(plan, depth)) return { kind: 'step' };
    }
    return undefined;
  }

  private meetIfAny(): Stop | undefined {
    const { current, invocation } = this;
    if (!current || this.breakpoints.bitmap(current)[invocation!.execution.pc] === 0) return undefined;
    const { stops } = this.meet();
    return stops.length > 0 ? { kind: 'breakpoint', breakpoints: stops } : undefined;
  }

  /** Runs a called function to its end at full speed: until the frame that called it goes on, or a slice is used up. */
  private runToDepth(target: number): Stop | 'returned' | undefined {
    const { execution } = this.invocation!;
    const frames = execution.frames();
    const caller = frames[frames.length - target];
    const { current } = this;
    if (!caller || !current) return undefined;
    const back = caller.insn + 1;
    const bitmap = this.breakpoints.bitmap(current).slice();
    bitmap[back] = 1;
    let leaveBreakpoint = this.breakpoints.bitmap(current)[execution.pc] === 0;
    for (let left = SLICE; left > 0;) {
      const before = execution.executed;
      const reason = this.timeline.run({ budget: left, breakpoints: bitmap, breakpointsOf: this.limits().breakpointsOf, leaveBreakpoint });
      const stop = this.afterwards(reason);
      if (stop) return stop;
      const progress = execution.executed - before;
      left -= progress;
      if (progress === 0 && reason.kind !== 'breakpoint')
        throw new Error(`the machine stands still at instruction ${execution.pc} (${reason.kind})`);
      if (this.depth() <= target || execution.executable !== current.executable) return this.meetIfAny();
      leaveBreakpoint = false;
      if (reason.kind !== 'breakpoint') continue;
      const met = this.meetIfAny();
      if (met) return met;
      leaveBreakpoint = true;
    }
    return undefined;
  }

  private reached(plan: StepPlan, depth: number): boolean {
    const { execution } = this.invocation!;
    const map = this.current?.map;
    // A tail call replaces the program: there is no way back, so its beginning is where the step ends.
    if (!map || execution.executable !== plan.executable) return plan.how !== 'out' || depth < plan.depth;
    if (depth < plan.depth) return true;
    const chain = map.inlineChain(execution.pc);
    const leftInline = chain.length < plan.chain.length && depth === plan.depth;
    if (plan.how === 'out') return leftInline && map.placeOf(execution.pc).line > 0;
    if (plan.granularity === 'instruction') return plan.how === 'in' || depth <= plan.depth;
    if (depth > plan.depth) return plan.how === 'in' && map.placeOf(execution.pc).line > 0;
    if (!map.isStatementStart(execution.pc)) return false;
    const place = map.placeOf(execution.pc);
    const sameChain = chain.length === plan.chain.length && chain.every((instance, index) => instance === plan.chain[index]);
    if (sameChain) return place.line !== plan.line || place.file !== plan.file;
    // Into code that the compiler put in place of a call: only stepping in goes there.
    const deeper = chain.length > plan.chain.length && plan.chain.every((instance, index) => instance === chain[index]);
    return plan.how === 'in' || !deeper;
  }

  /** Goes back by a statement, by an instruction, or to the last breakpoint before this moment. */
  async backward(goal: 'line' | 'instruction' | 'continue'): Promise<Stop> {
    this.pauseWanted = false;
    this.faulted = false;
    const { timeline } = this;
    let { run, executed } = timeline.position;
    // After the last run has returned there is no invocation: history ends with that run's last instruction.
    if (!this.invocation) executed = timeline.lengthOf(run) ?? 0;
    let depth = goal === 'line' && this.invocation ? this.depth() : Number.MAX_SAFE_INTEGER;
    if (goal === 'line' && this.invocation && !this.current?.map.hasLines) goal = 'instruction';
    for (;;) {
      if (goal === 'instruction' && executed > 0) return this.seekStep({ run, executed: executed - 1 });
      // Going there at full speed leaves the checkpoints behind that the search needs.
      if (run >= 0 && executed > 0 && (!this.invocation || timeline.position.run !== run)) timeline.seek({ run, executed: executed - 1 });
      for (const start of timeline.stretchesBefore(executed)) {
        const found = await this.lastBefore({ run, executed: start }, executed, goal, depth);
        if (found) {
          timeline.seek(found.at);
          return found.stops.length > 0 ? { kind: 'breakpoint', breakpoints: found.stops } : { kind: 'step' };
        }
        if (this.pauseWanted) return { kind: 'pause' };
        executed = start;
      }
      if (run <= 0) break;
      run--;
      executed = timeline.lengthOf(run) ?? 0;
      depth = goal === 'line' ? 1 : depth;
    }
    timeline.seek({ run: 0, executed: 0 });
    return { kind: 'beginning' };
  }

  private seekStep(position: Position): Stop {
    this.timeline.seek(position);
    return { kind: 'step' };
  }

  /** The last moment in [from, end) of one run where the goal stops. */
  private async lastBefore(
    from: Position,
    end: number,
    goal: 'line' | 'instruction' | 'continue',
    limit: number,
  ): Promise<{ at: Position; stops: readonly Breakpoint[] } | undefined> {
    this.timeline.seek(from);
    let found: { at: Position; stops: readonly Breakpoint[] } | undefined;
    let depth = this.depth();
    let previous = from.executed === 0 ? '' : this.lineKey(depth);
    for (let count = 1; isBefore(this.timeline.position, { run: from.run, executed: end }); count++) {
      const { execution } = this.invocation!;
      const map = this.current?.map;
      if (goal === 'continue') {
        const program = this.current;
        if (program && this.breakpoints.bitmap(program)[execution.pc] !== 0) {
          const { stops } = this.breakpoints.meet(program.id, execution.pc, this.options.scope, false);
          if (stops.length > 0) found = { at: this.timeline.position, stops };
        }
      } else if (goal === 'line' && depth <= limit) {
        const key = this.lineKey(depth);
        if (key !== previous && (map?.isStatementStart(execution.pc) || execution.executed === 0))
          found = { at: this.timeline.position, stops: [] };
        if (key !== previous && map?.isStatementStart(execution.pc)) previous = key;
      }
      const changesDepth = mayChangeDepth(execution);
      const reason =
        goal === 'continue'
          ? this.timeline.run({ budget: end - execution.executed, ...this.limits(), leaveBreakpoint: true })
          : this.timeline.step();
      if (reason.kind === 'exit' || reason.kind === 'fault') break;
      if (goal !== 'continue' && changesDepth) depth = this.depth();
      if (count % STEPS_PER_SLICE === 0) await nextTurn();
      if (this.pauseWanted) break;
    }
    return found;
  }

  private lineKey(depth: number): string {
    const map = this.current?.map;
    const pc = this.invocation!.execution.pc;
    const place = map?.placeOf(pc);
    return `${depth}/${map?.inlineChain(pc).join('/') ?? ''}/${place?.file}:${place?.line}`;
  }
}

/** Whether the instruction at the current slot may enter or leave a frame; others need not be looked at. */
function mayChangeDepth({ executable, pc }: Execution): boolean {
  const insn = executable.insns[pc];
  return insn === undefined || isCall(insn) || isExit(insn) || insn.opcode === (BPF_JMP | BPF_CALL | BPF_X);
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
