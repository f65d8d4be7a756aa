// Which stack slots may still be read. Reads and writes are noted while paths are walked, per chain of calls and
// instruction; a backward data-flow joins them over the graph, whatever path they came from (Linux 6.18's liveness.c
// does it this way). A slot that is dead takes no part in comparing states.

import { successors } from './cfg.ts';
import type { VerifierEnvironment } from './environment.ts';
import { type VerifierState } from './state.ts';

// Fields of one instruction in one frame; each is a set of 64 slots in two 32-bit halves.
const MAY_READ = 0;
const MUST_WRITE = 2;
/** Written on every way from here to the end of the function. */
const WRITTEN_TO_END = 4;
const LIVE_BEFORE = 6;
const FIELDS = 8;

/** A function as reached through one chain of calls. */
class FunctionInstance {
  readonly children = new Map<string, FunctionInstance>();
  /** One table per frame of the chain, made when the first mark for that frame comes. */
  readonly frames: (Int32Array | undefined)[];
  readonly writesSeen: Uint8Array;
  updated = false;
  writesDropped = false;

  constructor(
    readonly parent: FunctionInstance | undefined,
    /** Slot of the call in the parent. */
    readonly callsite: number,
    readonly subprogram: number,
    readonly start: number,
    readonly count: number,
    readonly depth: number,
  ) {
    this.frames = new Array<Int32Array | undefined>(depth + 1).fill(undefined);
    this.writesSeen = new Uint8Array(count);
  }

  table(frame: number): Int32Array {
    return (this.frames[frame] ??= new Int32Array(this.count * FIELDS));
  }
}

export class LiveStack {
  private readonly roots = new Map<number, FunctionInstance>();
  private current: FunctionInstance | undefined;
  private writeInsn = 0;
  private readonly writes = new Int32Array(16);
  private readonly next: readonly (readonly number[])[];

  constructor(
    private readonly env: VerifierEnvironment,
    private readonly orders: readonly (readonly number[])[],
  ) {
    this.next = env.insns.map((_, at) => successors(env.insns, at));
  }

  /** The frames of the current path have changed. */
  forgetCurrent(): void {
    this.current = undefined;
  }

  beginInsn(insn: number): void {
    this.current ??= this.instance(this.env.state, this.env.state.frames.length - 1);
    this.writeInsn = insn;
    this.writes.fill(0);
  }

  markRead(frame: number, slot: number): void {
    this.current ??= this.instance(this.env.state, this.env.state.frames.length - 1);
    const low = slot < 32 ? 1 << slot : 0;
    const high = slot < 32 ? 0 : 1 << (slot - 32);
    this.addRead(this.current, frame, this.env.insn, low, high);
  }

  /** The whole slot is overwritten by the current instruction. */
  markWrite(frame: number, slot: number): void {
    this.writes[frame * 2 + (slot < 32 ? 0 : 1)]! |= 1 << (slot & 31);
  }

  /** Joins the writes of the current instruction with those seen on other paths: only what all of them write counts. */
  commit(): void {
    if (this.current) this.commitWrites(this.current, this.writeInsn);
  }

  /** Carries what was learned about the functions on the current chain of calls through their graphs, innermost first. */
  update(): void {
    this.current = undefined;
    const { state } = this.env;
    for (let frame = state.frames.length - 1; frame >= 0; frame--) this.updateInstance(this.instance(state, frame));
  }

  /** Tells, for a checkpoint, which slots are alive. */
  query(state: VerifierState): (frame: number, slot: number) => boolean {
    const chain = state.frames.map((_, frame) => this.instance(state, frame));
    const last = chain.length - 1;
    return (frame, slot) => {
      if (this.isLiveBefore(chain[last]!, state.insn, frame, slot)) return true;
      for (let outer = frame; outer < last; outer++) {
        const callsite = state.frames[outer + 1]!.callsite;
        // A callback may be called again from the same place; a plain call has read its arguments already.
        const at = this.env.facts.callsCallback[callsite] ? callsite : callsite + 1;
        if (this.isLiveBefore(chain[outer]!, at, frame, slot)) return true;
      }
      return false;
    };
  }

  private instance(state: VerifierState, frame: number): FunctionInstance {
    const first = state.frames[0]!.subprogram;
    const root = this.roots.get(first);
    let instance: FunctionInstance = root ?? this.make(undefined, -1, first, 0);
    if (!root) this.roots.set(first, instance);
    for (let depth = 1; depth <= frame; depth++) {
      const { callsite, subprogram } = state.frames[depth]!;
      const key = `${callsite}:${subprogram}`;
      const known: FunctionInstance | undefined = instance.children.get(key);
      const child = known ?? this.make(instance, callsite, subprogram, depth);
      if (!known) instance.children.set(key, child);
      instance = child;
    }
    return instance;
  }

  private make(parent: FunctionInstance | undefined, callsite: number, subprogram: number, depth: number): FunctionInstance {
    const { start, end } = this.env.subprograms[subprogram]!;
    return new FunctionInstance(parent, callsite, subprogram, start, end - start, depth);
  }

  private addRead(instance: FunctionInstance, frame: number, insn: number, low: number, high: number): void {
    const table = instance.table(frame);
    const at = (insn - instance.start) * FIELDS;
    if ((low & ~table[at + MAY_READ]! & ~table[at + LIVE_BEFORE]!) !== 0 || (high & ~table[at + MAY_READ + 1]! & ~table[at + LIVE_BEFORE + 1]!) !== 0) {
      instance.updated = true;
    }
    table[at + MAY_READ]! |= low;
    table[at + MAY_READ + 1]! |= high;
  }

  private commitWrites(instance: FunctionInstance, insn: number): void {
    const index = insn - instance.start;
    const seen = instance.writesSeen[index] !== 0;
    for (let frame = 0; frame <= instance.depth; frame++) {
      const low = this.writes[frame * 2]!;
      const high = this.writes[frame * 2 + 1]!;
      if (low === 0 && high === 0 && !instance.frames[frame]) continue;
      const table = instance.table(frame);
      const at = index * FIELDS + MUST_WRITE;
      const oldLow = table[at]!;
      const oldHigh = table[at + 1]!;
      // The first path through here writes these; on every later one, whatever is not written again is not sure.
      const newLow = seen ? oldLow & low : low;
      const newHigh = seen ? oldHigh & high : high;
      if (newLow === oldLow && newHigh === oldHigh) continue;
      instance.updated = true;
      if ((oldLow & ~newLow) !== 0 || (oldHigh & ~newHigh) !== 0) instance.writesDropped = true;
      table[at] = newLow;
      table[at + 1] = newHigh;
    }
    instance.writesSeen[index] = 1;
  }

  private updateInstance(instance: FunctionInstance): void {
    if (!instance.updated) return;
    if (instance.writesDropped) {
      for (const table of instance.frames) {
        if (!table) continue;
        for (let at = 0; at < table.length; at += FIELDS) {
          table[at + WRITTEN_TO_END] = table[at + MUST_WRITE]!;
          table[at + WRITTEN_TO_END + 1] = table[at + MUST_WRITE + 1]!;
        }
      }
    }
    const order = this.orders[instance.subprogram]!;
    for (let changed = true; changed; ) {
      changed = false;
      for (const table of instance.frames) {
        if (!table) continue;
        for (const insn of order) if (this.updateInsn(instance, table, insn)) changed = true;
      }
    }
    if (instance.parent) this.propagate(instance, instance.parent);
    instance.updated = false;
    instance.writesDropped = false;
  }

  private updateInsn(instance: FunctionInstance, table: Int32Array, insn: number): boolean {
    const at = (insn - instance.start) * FIELDS;
    const next = this.next[insn]!;
    let liveLow = 0;
    let liveHigh = 0;
    let writtenLow = next.length > 0 ? -1 : 0;
    let writtenHigh = writtenLow;
    for (const to of next) {
      const other = (to - instance.start) * FIELDS;
      liveLow |= table[other + LIVE_BEFORE]!;
      liveHigh |= table[other + LIVE_BEFORE + 1]!;
      writtenLow &= table[other + WRITTEN_TO_END]!;
      writtenHigh &= table[other + WRITTEN_TO_END + 1]!;
    }
    writtenLow |= table[at + MUST_WRITE]!;
    writtenHigh |= table[at + MUST_WRITE + 1]!;
    liveLow = (liveLow & ~table[at + MUST_WRITE]!) | table[at + MAY_READ]!;
    liveHigh = (liveHigh & ~table[at + MUST_WRITE + 1]!) | table[at + MAY_READ + 1]!;
    const changed =
      liveLow !== table[at + LIVE_BEFORE] || liveHigh !== table[at + LIVE_BEFORE + 1] || writtenLow !== table[at + WRITTEN_TO_END] || writtenHigh !== table[at + WRITTEN_TO_END + 1];
    table[at + LIVE_BEFORE] = liveLow;
    table[at + LIVE_BEFORE + 1] = liveHigh;
    table[at + WRITTEN_TO_END] = writtenLow;
    table[at + WRITTEN_TO_END + 1] = writtenHigh;
    return changed;
  }

  /** What a callee does to its callers' frames happens, for them, at the call. */
  private propagate(instance: FunctionInstance, outer: FunctionInstance): void {
    this.writes.fill(0);
    for (let frame = 0; frame < instance.depth; frame++) {
      const table = instance.frames[frame];
      if (!table) continue;
      this.writes[frame * 2] = table[WRITTEN_TO_END]!;
      this.writes[frame * 2 + 1] = table[WRITTEN_TO_END + 1]!;
      this.addRead(outer, frame, instance.callsite, table[LIVE_BEFORE]!, table[LIVE_BEFORE + 1]!);
    }
    this.commitWrites(outer, instance.callsite);
  }

  private isLiveBefore(instance: FunctionInstance, insn: number, frame: number, slot: number): boolean {
    const table = instance.frames[frame];
    if (!table) return false;
    const at = (insn - instance.start) * FIELDS + LIVE_BEFORE;
    return ((table[at + (slot < 32 ? 0 : 1)]! >>> (slot & 31)) & 1) !== 0;
  }
}
