// The whole deterministic history of a scenario: runs of programs on events, one after the other, and any moment in them.
// Goes forward through the kernel and back by snapshots and replay. Knows no breakpoint, no source and no protocol.

import type { Invocation, Kernel, KernelSnapshot, Output, ScenarioEvent } from '#core/sim';
import type { RunLimits, Snapshot, StopReason } from '#core/vm';

/** A moment: before the instruction that is number `executed` of run number `run`. */
export interface Position {
  run: number;
  executed: number;
}

export const isBefore = (a: Position, b: Position): boolean => a.run < b.run || (a.run === b.run && a.executed < b.executed);

export interface TimelineListener {
  /** What programs print and send; each once, however often the moment is passed. */
  output(output: Output): void;
  runStarted(invocation: Invocation): void;
  /** The run returned; `meaning` says what the value means here. */
  runFinished(invocation: Invocation, value: bigint, meaning: string): void;
}

interface Run {
  event: number;
  /** Which of the event's invocations. */
  ordinal: number;
  /** The kernel just before the run was made. */
  before: KernelSnapshot;
  outputsBefore: number;
  /** Instructions in all, once it has returned. */
  length?: number;
}

/** A moment inside the current run that can be returned to without replaying from the run's start. */
interface Checkpoint {
  executed: number;
  kernel: KernelSnapshot;
  execution: Snapshot;
  outputs: number;
}

/** A change somebody made in the debugger: part of history, made again when it is replayed. */
interface Edit {
  at: Position;
  apply: (invocation: Invocation) => void;
}

const CHECKPOINT_DISTANCE = 250_000;
const MOST_CHECKPOINTS = 48;

export class Timeline {
  private readonly runs: Run[] = [];
  private runIndex = -1;
  private iterator: Iterator<Invocation> | undefined;
  private checkpoints: Checkpoint[] = [];
  private checkpointDistance = CHECKPOINT_DISTANCE;
  private edits: Edit[] = [];
  private outputsSeen = 0;
  private outputsShown = 0;
  private announced = -1;
  private finishedAnnounced = -1;

  /** The run that stands somewhere in its middle; undefined before the first and after the last. */
  invocation: Invocation | undefined;

  constructor(
    private readonly kernel: Kernel,
    private readonly events: readonly ScenarioEvent[],
    private readonly listener: TimelineListener,
  ) {}

  get position(): Position {
    return { run: this.runIndex, executed: this.invocation?.execution.executed ?? 0 };
  }

  /** Instructions of a run that has returned before. */
  lengthOf(run: number): number | undefined {
    return this.runs[run]?.length;
  }

  /** Goes to the start of the next run. False when no event causes another one. */
  nextRun(): boolean {
    const last = this.runs[this.runIndex];
    let event = last?.event ?? 0;
    let ordinal = last ? last.ordinal + 1 : 0;
    for (; event < this.events.length; event++, ordinal = 0, this.iterator = undefined) {
      const before = this.kernel.snapshot();
      const outputsBefore = this.outputsSeen;
      const next = (this.iterator ??= this.kernel.fire(this.events[event]!, ordinal)[Symbol.iterator]()).next();
      this.collectOutput();
      if (next.done === true) continue;
      this.runIndex++;
      this.runs[this.runIndex] = { ...this.runs[this.runIndex], event, ordinal, before, outputsBefore };
      this.enter(next.value);
      return true;
    }
    this.invocation = undefined;
    this.iterator = undefined;
    return false;
  }

  private enter(invocation: Invocation): void {
    this.invocation = invocation;
    this.checkpoints = [];
    this.checkpointDistance = CHECKPOINT_DISTANCE;
    if (this.runIndex > this.announced) {
      this.announced = this.runIndex;
      this.listener.runStarted(invocation);
    }
    this.applyEdits();
  }

  /** Executes one instruction. After `exit` the caller calls `finish`. */
  step(): StopReason {
    const reason = this.invocation!.execution.step();
    this.settle();
    return reason;
  }

  /** Executes until a breakpoint, an exit, a fault or the end of the budget; stops early (reason `budget`) where a change is due. */
  run(limits: RunLimits): StopReason {
    const { execution } = this.invocation!;
    const due = this.edits.find(({ at }) => at.run === this.runIndex && at.executed > execution.executed);
    const budget = Math.min(limits.budget, due ? due.at.executed - execution.executed : limits.budget);
    const reason = execution.run({ ...limits, budget });
    this.settle();
    const last = this.checkpoints.at(-1)?.executed ?? 0;
    if (reason.kind !== 'exit' && reason.kind !== 'fault' && execution.executed - last >= this.checkpointDistance) this.keepCheckpoint();
    return reason;
  }

  private settle(): void {
    this.collectOutput();
    if (this.edits.length > 0) this.applyEdits();
  }

  private applyEdits(): void {
    const { run, executed } = this.position;
    for (const edit of this.edits) if (edit.at.run === run && edit.at.executed === executed) edit.apply(this.invocation!);
  }

  private keepCheckpoint(): void {
    const { execution } = this.invocation!;
    this.checkpoints.push({
      executed: execution.executed,
      kernel: this.kernel.snapshot(),
      execution: execution.snapshot(),
      outputs: this.outputsSeen,
    });
    // A long run keeps a bounded number: every second one goes, and the next ones come half as often.
    if (this.checkpoints.length > MOST_CHECKPOINTS) {
      this.checkpoints = this.checkpoints.filter((_, index) => index % 2 === 1);
      this.checkpointDistance *= 2;
    }
  }

  /** Ends the current run, which has returned `value`. The next run begins with `nextRun`. */
  finish(value: bigint): void {
    const invocation = this.invocation!;
    this.runs[this.runIndex]!.length = invocation.execution.executed;
    const { meaning } = invocation.finish(value);
    this.collectOutput();
    if (this.runIndex > this.finishedAnnounced) {
      this.finishedAnnounced = this.runIndex;
      this.listener.runFinished(invocation, value, meaning);
    }
  }

  /** Gives a run up that cannot go on after a fault. */
  abandon(): void {
    this.runs[this.runIndex]!.length = this.invocation!.execution.executed + 1;
    this.invocation!.abandon();
    this.collectOutput();
    this.finishedAnnounced = Math.max(this.finishedAnnounced, this.runIndex);
  }

  private collectOutput(): void {
    for (const output of this.kernel.takeOutput()) {
      this.outputsSeen++;
      if (this.outputsSeen <= this.outputsShown) continue;
      this.outputsShown = this.outputsSeen;
      this.listener.output(output);
    }
  }

  /** Remembers a change made now and makes it. Changes that were made at later moments are forgotten: the future is another one. */
  edit(apply: (invocation: Invocation) => void): void {
    const at = this.position;
    this.edits = this.edits.filter((edit) => !isBefore(at, edit.at));
    this.edits.push({ at, apply });
    this.checkpoints = this.checkpoints.filter(({ executed }) => executed < at.executed);
    apply(this.invocation!);
  }

  /** Remembers a change of the kernel that has just been made, so that it is made again when this moment is passed again. */
  happened(at: Position, again: () => void): void {
    this.edits = this.edits.filter((edit) => !isBefore(at, edit.at));
    this.edits.push({ at, apply: again });
    this.checkpoints = this.checkpoints.filter(({ executed }) => executed < at.executed);
  }

  /** Starts of the stretches a search backwards goes through, latest first, all before `position.executed` of the current run. */
  stretchesBefore(executed: number): readonly number[] {
    return [...this.checkpoints.map((checkpoint) => checkpoint.executed).filter((start) => start < executed), 0]
      .sort((a, b) => b - a)
      .filter((start, index, all) => start !== all[index - 1]);
  }

  /** Goes to a moment that has been passed before, in this or an earlier run. */
  seek(position: Position): void {
    const now = this.position;
    const sameRun = position.run === this.runIndex && this.invocation !== undefined;
    if (!sameRun || position.executed < now.executed) {
      const checkpoint = sameRun ? this.checkpoints.filter(({ executed }) => executed <= position.executed).at(-1) : undefined;
      if (checkpoint) {
        this.kernel.restore(checkpoint.kernel);
        this.invocation!.execution.restore(checkpoint.execution);
        this.outputsSeen = checkpoint.outputs;
      } else this.restartRun(position.run);
    }
    while (this.position.executed < position.executed) {
      const before = this.position.executed;
      const reason = this.run({ budget: Math.min(position.executed - before, CHECKPOINT_DISTANCE) });
      if (reason.kind === 'exit' || reason.kind === 'fault') return;
      if (this.position.executed === before) throw new Error(`the replay of run ${position.run} stands still after ${before} instructions`);
    }
  }

  private restartRun(index: number): void {
    const run = this.runs[index]!;
    // A generator that stands half way through an event must not go on: it belongs to a future that is given up.
    this.iterator?.return?.();
    this.kernel.restore(run.before);
    this.kernel.takeOutput();
    this.outputsSeen = run.outputsBefore;
    this.iterator = this.kernel.fire(this.events[run.event]!, run.ordinal)[Symbol.iterator]();
    const next = this.iterator.next();
    this.collectOutput();
    if (next.done === true) throw new Error(`run ${index} did not happen again: the simulated kernel is not deterministic`);
    this.runIndex = index;
    this.enter(next.value);
  }
}
