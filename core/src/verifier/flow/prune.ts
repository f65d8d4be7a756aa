// Pruning: at chosen instructions the path's state is compared with those that were there before. If an earlier one was
// at least as permissive and its paths were safe, this path need not be walked on. Also finds endless loops, and keeps
// the table of checkpoints with its counters.

import type { VerifierEnvironment } from '../state/environment.ts';
import { isNotChanged, isNotChangedButIds, type Exactness, IdMap, statesEqual } from './states-equal.ts';
import { formatState, LOG_LEVEL, LOG_LEVEL2 } from '../state/log.ts';
import { markAllScalarsPrecise, propagatePrecision } from './precision.ts';
import { SCALAR_VALUE, UNINITIALISED, unknownRegister } from '../state/registers.ts';
import {
  BPF_REG_FP,
  byteKind,
  EMPTY_SLOT,
  type ExploredState,
  type Frame,
  isSpilled,
  type LoopVisit,
  STACK_ITER,
  type VerifierState,
} from '../state/state.ts';
import { formatLine } from '../state/source-lines.ts';
import { isMayGoto } from './cfg.ts';

const MAX_HISTORY = 40;
const MAX_BACK_EDGE_ROUNDS = 64;

/** Slot at which a frame of the state stands: the call, for outer frames. */
export const frameInsn = (state: VerifierState, frame: number): number =>
  frame === state.frames.length - 1 ? state.insn : state.frames[frame + 1]!.callsite;

function bucketOf(env: VerifierEnvironment, insn: number): number {
  return ((insn ^ env.state.frame.callsite) >>> 0) % env.insns.length;
}

function sameCallsites(a: VerifierState, b: VerifierState): boolean {
  if (a.frames.length !== b.frames.length) return false;
  for (let i = 0; i < a.frames.length; i++) if (a.frames[i]!.callsite !== b.frames[i]!.callsite) return false;
  return true;
}

/** The loop that the state is in, with the calls that lead there: the key of its visit; undefined outside of loops. */
function loopKey(env: VerifierEnvironment, state: VerifierState): string | undefined {
  let key = '';
  for (let frame = 0; frame < state.frames.length; frame++) {
    const insn = frameInsn(state, frame);
    const component = env.facts.component[insn]!;
    if (component) return `${key}|${component}`;
    key += `${insn},`;
  }
  return undefined;
}

function enterLoop(env: VerifierEnvironment, state: VerifierState): void {
  const key = loopKey(env, state);
  if (key === undefined) return;
  let visit = env.loopVisits.get(key);
  if (!visit) env.loopVisits.set(key, (visit = { name: `(${key.replace('|', '')})`, entry: undefined, backEdges: [] }));
  if (!visit.entry) {
    visit.entry = state;
    logLoop(env, 'enter', visit);
  }
  state.loopVisit = visit;
}

function logLoop(env: VerifierEnvironment, what: string, visit: LoopVisit): void {
  if (env.log.level & LOG_LEVEL2) env.log.write(`SCC ${what} ${visit.name}\n`);
}

function addBackEdge(env: VerifierEnvironment, target: VerifierState, backEdge: VerifierState): void {
  const visit = target.loopVisit;
  if (!visit) return;
  logLoop(env, 'backedge', visit);
  visit.backEdges.unshift(backEdge);
  env.backEdgeCount++;
  env.updatePeakStates();
}

/** Precision marks made in a loop's later part reach its beginning only over the back edges. */
function leaveLoop(env: VerifierEnvironment, state: VerifierState): void {
  const visit = state.loopVisit;
  if (!visit || visit.entry !== state) return;
  logLoop(env, 'exit', visit);
  for (let round = 0, changed = true; changed; round++) {
    if (round > MAX_BACK_EDGE_ROUNDS) {
      for (const edge of visit.backEdges) markAllScalarsPrecise(env, edge);
      break;
    }
    changed = false;
    for (const edge of visit.backEdges) if (propagatePrecision(env, edge.equalState!, edge, edge.insn)) changed = true;
  }
  visit.entry = undefined;
  env.backEdgeCount -= visit.backEdges.length;
  visit.backEdges = [];
  env.updatePeakStates();
}

/** A state in a loop whose back edges have not been followed to their end: its precision marks are not complete. */
const marksIncomplete = (state: VerifierState): boolean => state.loopVisit !== undefined && state.loopVisit.backEdges.length > 0;

function freeIfPossible(env: VerifierEnvironment, explored: ExploredState): void {
  if (!explored.evicted || explored.freed || explored.state.branches !== 0 || marksIncomplete(explored.state)) return;
  explored.freed = true;
  env.freeListSize--;
}

/** The path ends: checkpoints with no open path left are complete. */
export function endPath(env: VerifierEnvironment, last: VerifierState): void {
  let state: VerifierState | undefined = last;
  let explored: ExploredState | undefined;
  while (state) {
    if (--state.branches > 0) break;
    leaveLoop(env, state);
    const parent: VerifierState | undefined = state.parent;
    if (explored) freeIfPossible(env, explored);
    state = parent;
    explored = parent?.explored;
  }
}

/** Takes what is dead out of complete checkpoints, so that it does not stand in the way of equality. */
function cleanExplored(env: VerifierEnvironment, list: readonly ExploredState[], insn: number): void {
  for (const { state } of list) {
    if (state.cleaned || state.branches || state.insn !== insn || !sameCallsites(state, env.state) || marksIncomplete(state)) continue;
    cleanState(env, state);
  }
}

function cleanState(env: VerifierEnvironment, state: VerifierState): void {
  state.cleaned = true;
  const isAlive = env.liveStack!.query(state);
  state.frames.forEach((frame, number) => {
    const live = env.facts.liveBefore[frameInsn(state, number)]!;
    for (let i = 0; i < BPF_REG_FP; i++) if (!((live >>> i) & 1)) frame.registers[i] = UNINITIALISED;
    for (let i = 0; i < frame.stack.length; i++) if (!isAlive(number, i)) frame.stack[i] = EMPTY_SLOT;
  });
}

/** Most recent checkpoint of the current loop at this instruction, for widening. */
export function findPreviousEntry(env: VerifierEnvironment, current: VerifierState | undefined, insn: number): VerifierState | undefined {
  if (!current) return undefined;
  for (const { state } of env.explored[bucketOf(env, insn)] ?? []) {
    if (state.insn === insn && state.branches && sameCallsites(state, current) && state.depth < current.depth) return state;
  }
  return undefined;
}

/** Forgets the ranges of scalars that changed since the last iteration and that nothing depended on. */
export function widenImpreciseScalars(old: VerifierState, current: VerifierState): void {
  const ids = new IdMap();
  for (let number = old.frames.length - 1; number >= 0; number--) {
    const before: Frame = old.frames[number]!;
    const now: Frame = current.frames[number]!;
    for (let i = 0; i < BPF_REG_FP; i++) {
      const a = before.registers[i]!;
      const b = now.registers[i]!;
      if (a.type !== SCALAR_VALUE || b.type !== SCALAR_VALUE || (before.preciseRegisters >>> i) & 1) continue;
      if (!isNotChanged(a, b, ids)) now.registers[i] = unknownRegister();
    }
    for (let i = 0; i < Math.min(before.stack.length, now.stack.length); i++) {
      const a = before.stack[i]!;
      const b = now.stack[i]!;
      if (
        !isSpilled(a) ||
        !isSpilled(b) ||
        a.register.type !== SCALAR_VALUE ||
        b.register.type !== SCALAR_VALUE ||
        before.preciseSlots.has(i)
      )
        continue;
      if (!isNotChanged(a.register, b.register, ids)) now.stack[i] = { kinds: b.kinds, register: unknownRegister() };
    }
  }
}

function iteratorDepthsDiffer(old: VerifierState, current: VerifierState): boolean {
  for (let number = old.frames.length - 1; number >= 0; number--) {
    const before = old.frames[number]!;
    for (let i = 0; i < before.stack.length; i++) {
      const slot = before.stack[i]!;
      if (byteKind(slot, 0) !== STACK_ITER || slot.register.iterator !== 'active') continue;
      if (current.frames[number]!.stack[i]?.register.iteratorDepth !== slot.register.iteratorDepth) return true;
    }
  }
  return false;
}

/** The iterator that r1 points to, of a path that stands at its next function. */
function iteratorIsActive(state: VerifierState): boolean {
  const pointer = state.frame.registers[1]!;
  const slot = Math.floor((-(pointer.off + pointer.scalar.signedValueNumber) - 1) / 8);
  return state.frames[pointer.frame]?.stack[slot]?.register.iterator === 'active';
}

const NOT_EXACT: Exactness = 'not-exact';
const RANGE_WITHIN: Exactness = 'range-within';

/**
 * Compares the current path with the checkpoints at this slot. True: it is covered, the path may end here.
 * Otherwise the state may have become a checkpoint.
 */
export function isVisited(env: VerifierEnvironment, insn: number): boolean {
  const { facts } = env;
  const current = env.state;
  current.insn = insn;
  const force = env.testStateFrequency || facts.forceCheckpoint[insn] !== 0 || current.history.length > MAX_HISTORY;
  let add = force || (env.jumps - env.previousJumps >= 2 && env.processed - env.previousProcessed >= 8);
  const bucket = bucketOf(env, insn);
  const list = (env.explored[bucket] ??= []);
  cleanExplored(env, list, insn);
  let seen = 0;
  for (let at = 0; at < list.length; at++) {
    seen++;
    const explored = list[at]!;
    const old = explored.state;
    if (old.insn !== insn) continue;
    const verdict = compareWith(env, old, insn);
    if (verdict === 'open') {
      // Different rounds of a loop rarely cover each other: do not remember every one.
      if (!force && env.jumps - env.previousJumps < 20 && env.processed - env.previousProcessed < 100) add = false;
    } else if (verdict !== 'miss') {
      hit(env, explored, insn, verdict === 'loop');
      return true;
    }
    if (add) explored.misses++;
    const patience = facts.forceCheckpoint[insn] && old.branches > 0 ? 64 : 3;
    if (explored.misses > explored.hits * patience + patience) {
      explored.evicted = true;
      list.splice(at--, 1);
      env.freeListSize++;
      env.exploredSize--;
      freeIfPossible(env, explored);
    }
  }
  env.maxStatesPerInsn = Math.max(env.maxStatesPerInsn, seen);
  if (add) addCheckpoint(env, list, insn);
  return false;
}

/** `open`: the old state's paths are still being walked and it does not cover this one. `loop`: it does, over a back edge. */
function compareWith(env: VerifierEnvironment, old: VerifierState, insn: number): 'hit' | 'loop' | 'miss' | 'open' {
  const current = env.state;
  const { facts } = env;
  if (old.branches) {
    const frame = old.frame;
    if (frame.inAsyncCallback && frame.asyncEntryCount !== current.frame.asyncEntryCount) return 'open';
    if (facts.iteratorNext[insn]) {
      // An iterator ends by itself: meeting the same state again with it still active means that one more round changes nothing.
      return statesEqual(env, old, current, RANGE_WITHIN) && iteratorIsActive(current) ? 'loop' : 'open';
    }
    if (isMayGoto(env.insns[insn]!) && old.mayGotoDepth !== current.mayGotoDepth && statesEqual(env, old, current, RANGE_WITHIN))
      return 'loop';
    if (facts.callsCallback[insn]) return statesEqual(env, old, current, RANGE_WITHIN) ? 'hit' : 'open';
    if (
      maybeLooping(old, current) &&
      statesEqual(env, old, current, 'exact') &&
      !iteratorDepthsDiffer(old, current) &&
      old.mayGotoDepth === current.mayGotoDepth &&
      old.callbackUnrollDepth === current.callbackUnrollDepth
    ) {
      const line = formatLine(env, insn, '; ');
      env.log.write(line);
      const message = `infinite loop detected at insn ${insn}`;
      const rejection = env.reject('infinite-loop', 'EINVAL', message, {
        causes: [{ insn: current.lastInsn, text: 'control comes back from here with every register and stack slot unchanged' }],
      });
      env.log.write(`cur state:${formatState(current, current.frame)}\n`);
      env.log.write(`old state:${formatState(old, old.frame)}\n`);
      throw rejection;
    }
    return 'open';
  }
  const incomplete = marksIncomplete(old);
  if (!statesEqual(env, old, current, incomplete ? RANGE_WITHIN : NOT_EXACT)) return 'miss';
  return incomplete ? 'loop' : 'hit';
}

/** Cheap look before the full comparison: the innermost registers must be the same. */
function maybeLooping(old: VerifierState, current: VerifierState): boolean {
  if (old.frames.length !== current.frames.length) return false;
  const before = old.frame.registers;
  const now = current.frame.registers;
  for (let i = 0; i < before.length; i++) {
    const a = before[i]!;
    const b = now[i]!;
    if (a.id !== b.id || a.refObjId !== b.refObjId || !isNotChangedButIds(a, b)) return false;
  }
  return true;
}

function hit(env: VerifierEnvironment, explored: ExploredState, insn: number, loop: boolean): void {
  explored.hits++;
  env.observer?.covered(insn, explored.state);
  env.onCovered?.(insn);
  if (env.facts.jumpPoint[env.insn]) env.pushHistory({});
  propagatePrecision(env, explored.state, env.state, env.insn);
  if (!loop) return;
  const edge = env.state.copy();
  edge.insn = insn;
  edge.equalState = explored.state;
  addBackEdge(env, explored.state, edge);
}

function addCheckpoint(env: VerifierEnvironment, list: ExploredState[], insn: number): void {
  env.totalStates++;
  env.exploredSize++;
  env.updatePeakStates();
  env.previousJumps = env.jumps;
  env.previousProcessed = env.processed;
  const current = env.state;
  // The steps so far lead to the checkpoint: they are its own, and the path goes on with none.
  const checkpoint = current.copy(current.history);
  checkpoint.insn = insn;
  env.observer?.checkpoint(checkpoint);
  const explored: ExploredState = { state: checkpoint, hits: 0, misses: 0, evicted: false, freed: false };
  checkpoint.explored = explored;
  enterLoop(env, checkpoint);
  current.parent = checkpoint;
  current.firstInsn = insn;
  current.depth = checkpoint.depth + 1;
  current.history = [];
  list.unshift(explored);
}

export { LOG_LEVEL };
