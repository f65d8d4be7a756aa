// Which stack slots may still be read. Reads and writes are noted while paths are walked, per chain of calls and
// instruction; a backward data-flow joins them over the graph, whatever path they came from (Linux 6.18's liveness.c
// does it this way). A slot that is dead takes no part in comparing states.

import type { FlowGraph } from './cfg.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { type VerifierState } from '../state/state.ts';

// Fields of one instruction in one frame; each is a set of 64 slots in two 32-bit halves.
const MAY_READ = 0;
const MUST_WRITE = 2;
/** Written on every way from here to the end of the function. */
const WRITTEN_TO_END = 4;
const LIVE_BEFORE = 6;
const FIELDS = 8;

/** What is known of one frame's slots at each instruction of a function. */
class FrameTable {
  /** FIELDS for each instruction. */
  readonly fields: Int32Array;
  /** Instructions (one bit for each, by postorder) whose reads, writes or successors have changed since they were looked at. */
  readonly stale: Int32Array;

  constructor(count: number) {
    this.fields = new Int32Array(count * FIELDS);
    this.stale = new Int32Array((count + 31) >>> 5);
  }
}

/** A function as reached through one chain of calls. */
class FunctionInstance {
  /** By call and function called: one call may run different callbacks. */
  readonly children = new Map<number, FunctionInstance>();
  /** One table per frame of the chain, made when the first mark for that frame comes. */
  readonly frames: (FrameTable | undefined)[];
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
    this.frames = new Array<FrameTable | undefined>(depth + 1).fill(undefined);
    this.writesSeen = new Uint8Array(count);
  }

  table(frame: number): FrameTable {
    return (this.frames[frame] ??= new FrameTable(this.count));
  }
}

export class LiveStack {
  private readonly roots = new Map<number, FunctionInstance>();
  private current: FunctionInstance | undefined;
  private writeInsn = 0;
  private readonly writes = new Int32Array(16);
  private hasWrites = false;
  /** Predecessors of each slot: those of slot n stand from previousStart[n] on, up to previousStart[n + 1]. */
  private readonly previous: Int32Array;
  private readonly previousStart: Int32Array;
  /** Place of each instruction in its subprogram's postorder; -1 where it has none. */
  private readonly place: Int32Array;

  constructor(
    private readonly env: VerifierEnvironment,
    private readonly graph: FlowGraph,
    private readonly orders: readonly Int32Array[],
  ) {
    const count = env.insns.length;
    this.place = new Int32Array(count).fill(-1);
    this.previous = new Int32Array(2 * count);
    this.previousStart = new Int32Array(count + 1);
    for (const order of orders) order.forEach((insn, place) => (this.place[insn] = place));
    const { first, second } = graph;
    const eachEdge = (edge: (from: number, to: number) => void): void => {
      for (let at = 0; at < count; at++) {
        if (this.place[at]! < 0) continue;
        if (first[at]! >= 0) edge(at, first[at]!);
        if (second[at]! >= 0) edge(at, second[at]!);
      }
    };
    eachEdge((_, to) => this.previousStart[to + 1]!++);
    for (let at = 0; at < count; at++) this.previousStart[at + 1]! += this.previousStart[at]!;
    const filled = this.previousStart.slice();
    eachEdge((from, to) => (this.previous[filled[to]!++] = from));
  }

  /** The frames of the current path have changed. */
  forgetCurrent(): void {
    this.current = undefined;
  }

  beginInsn(insn: number): void {
    this.current ??= this.instance(this.env.state, this.env.state.frames.length - 1);
    this.writeInsn = insn;
    if (!this.hasWrites) return;
    this.writes.fill(0);
    this.hasWrites = false;
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
    this.hasWrites = true;
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
      const key = callsite * this.env.subprograms.length + subprogram;
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
    const { fields } = table;
    const at = (insn - instance.start) * FIELDS;
    const newLow = low & ~fields[at + MAY_READ]!;
    const newHigh = high & ~fields[at + MAY_READ + 1]!;
    if ((newLow | newHigh) === 0) return;
    if ((newLow & ~fields[at + LIVE_BEFORE]!) !== 0 || (newHigh & ~fields[at + LIVE_BEFORE + 1]!) !== 0) instance.updated = true;
    fields[at + MAY_READ]! |= low;
    fields[at + MAY_READ + 1]! |= high;
    this.markStale(table, insn);
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
      const oldLow = table.fields[at]!;
      const oldHigh = table.fields[at + 1]!;
      // The first path through here writes these; on every later one, whatever is not written again is not sure.
      const newLow = seen ? oldLow & low : low;
      const newHigh = seen ? oldHigh & high : high;
      if (newLow === oldLow && newHigh === oldHigh) continue;
      instance.updated = true;
      if ((oldLow & ~newLow) !== 0 || (oldHigh & ~newHigh) !== 0) instance.writesDropped = true;
      table.fields[at] = newLow;
      table.fields[at + 1] = newHigh;
      this.markStale(table, insn);
    }
    instance.writesSeen[index] = 1;
  }

  private updateInstance(instance: FunctionInstance): void {
    if (!instance.updated) return;
    for (const table of instance.frames) {
      if (!table) continue;
      if (instance.writesDropped) this.forgetWrittenToEnd(instance, table);
      this.updateTable(instance, table);
    }
    if (instance.parent) this.propagate(instance, instance.parent);
    instance.updated = false;
    instance.writesDropped = false;
  }

  private markStale(table: FrameTable, insn: number): void {
    const place = this.place[insn]!;
    if (place >= 0) table.stale[place >>> 5]! |= 1 << (place & 31);
  }

  /** Writes that are no longer sure: what was concluded from them must be found again. */
  private forgetWrittenToEnd(instance: FunctionInstance, { fields, stale }: FrameTable): void {
    for (const insn of this.orders[instance.subprogram]!) {
      const at = (insn - instance.start) * FIELDS;
      fields[at + WRITTEN_TO_END] = fields[at + MUST_WRITE]!;
      fields[at + WRITTEN_TO_END + 1] = fields[at + MUST_WRITE + 1]!;
    }
    stale.fill(-1);
  }

  /** Goes over the stale instructions in postorder, again and again until none is left. */
  private updateTable(instance: FunctionInstance, table: FrameTable): void {
    const order = this.orders[instance.subprogram]!;
    const { stale } = table;
    for (let left = true; left;) {
      left = false;
      for (let word = 0; word < stale.length; word++) {
        // Instructions before this one that become stale meanwhile wait for the next round: the order of rounds decides what loops find.
        for (let ahead = -1; (stale[word]! & ahead) !== 0;) {
          const candidates = stale[word]! & ahead;
          const bit = 31 - Math.clz32(candidates & -candidates);
          ahead = bit === 31 ? 0 : -2 << bit;
          stale[word]! &= ~(1 << bit);
          const insn = order[word * 32 + bit];
          if (insn === undefined || !this.updateInsn(instance, table.fields, insn)) continue;
          for (let i = this.previousStart[insn]!; i < this.previousStart[insn + 1]!; i++) this.markStale(table, this.previous[i]!);
          left = true;
        }
      }
    }
  }

  private updateInsn(instance: FunctionInstance, table: Int32Array, insn: number): boolean {
    const at = (insn - instance.start) * FIELDS;
    let liveLow = 0;
    let liveHigh = 0;
    let writtenLow = this.graph.successor(insn, 0) < 0 ? 0 : -1;
    let writtenHigh = writtenLow;
    for (let step = 0; step < 2; step++) {
      const to = step === 0 ? this.graph.first[insn]! : this.graph.second[insn]!;
      if (to < 0) continue;
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
      liveLow !== table[at + LIVE_BEFORE] ||
      liveHigh !== table[at + LIVE_BEFORE + 1] ||
      writtenLow !== table[at + WRITTEN_TO_END] ||
      writtenHigh !== table[at + WRITTEN_TO_END + 1];
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
      const { fields } = table;
      this.writes[frame * 2] = fields[WRITTEN_TO_END]!;
      this.writes[frame * 2 + 1] = fields[WRITTEN_TO_END + 1]!;
      this.addRead(outer, frame, instance.callsite, fields[LIVE_BEFORE]!, fields[LIVE_BEFORE + 1]!);
    }
    this.hasWrites = true;
    this.commitWrites(outer, instance.callsite);
  }

  private isLiveBefore(instance: FunctionInstance, insn: number, frame: number, slot: number): boolean {
    const table = instance.frames[frame];
    if (!table) return false;
    const at = (insn - instance.start) * FIELDS + LIVE_BEFORE;
    return ((table.fields[at + (slot < 32 ? 0 : 1)]! >>> (slot & 31)) & 1) !== 0;
  }
}
