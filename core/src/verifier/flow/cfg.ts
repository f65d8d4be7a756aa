// The control-flow graph of the whole program: who follows whom, what is unreachable, which instructions are
// worth comparing states at, and the strongly connected components (loops). Looks at no registers.

import {
  BPF_CALL,
  BPF_EXIT,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_X,
  insnClass,
  type Insn,
  isLdImm64,
} from '#core/isa';
import type { VerifierEnvironment } from '../state/environment.ts';
import { describeHelperFlow, describeKfuncFlow } from '../calls/call-facts.ts';

const isJumpClass = (insn: Insn): boolean => insnClass(insn) === BPF_JMP || insnClass(insn) === BPF_JMP32;
const operation = (insn: Insn): number => insn.opcode & 0xf0;

/** Target slot of a jump (conditional or not). */
export const jumpTarget = (insn: Insn, at: number): number =>
  at + 1 + (operation(insn) === BPF_JA && insnClass(insn) === BPF_JMP32 ? insn.imm : insn.off);
export const isMayGoto = (insn: Insn): boolean => insn.opcode === (BPF_JMP | BPF_JCOND);

/** Slots that control can reach next within the function: none behind an exit, two behind a conditional jump. */
export function successors(insns: readonly Insn[], at: number): number[] {
  const insn = insns[at]!;
  if (isLdImm64(insn)) return [at + 2];
  if (!isJumpClass(insn)) return [at + 1];
  switch (operation(insn)) {
    case BPF_EXIT:
      return [];
    case BPF_CALL:
      return [at + 1];
    case BPF_JA:
      return [jumpTarget(insn, at)];
    default:
      return [at + 1, jumpTarget(insn, at)];
  }
}

/** Successors of all slots at once, flat, as programs can have tens of thousands: -1 where there is none inside the program. */
export class FlowGraph {
  readonly first: Int32Array;
  readonly second: Int32Array;

  constructor(insns: readonly Insn[]) {
    this.first = new Int32Array(insns.length).fill(-1);
    this.second = new Int32Array(insns.length).fill(-1);
    for (let at = 0; at < insns.length; at++) {
      const [first = -1, second = -1] = successors(insns, at);
      if (first < insns.length) this.first[at] = first;
      if (second < insns.length) this.second[at] = second;
    }
  }

  /** Successor number `step` of the slot, -1 behind the last. */
  successor(at: number, step: number): number {
    if (step > 1) return -1;
    if (step === 1) return this.second[at]!;
    const first = this.first[at]!;
    return first < 0 ? this.second[at]! : first;
  }
}

const UNSEEN = 0;
const DISCOVERED = 1;
const EXPLORED = 2;

/** Edges of one instruction in the order in which the walk follows them; `branch` edges make jump targets. */
interface Edge {
  readonly to: number;
  readonly branch: boolean;
}

/** Walks the graph depth first, marks prune and jump points, and refuses unreachable code. */
export function checkControlFlow(env: VerifierEnvironment): void {
  const { insns } = env;
  const state = new Uint8Array(insns.length);
  const roots = [0];
  if (env.exceptionCallback > 0) roots.push(env.subprograms[env.exceptionCallback]!.start);
  for (const root of roots) walkFrom(env, root, state);
  for (let i = 0; i < insns.length; i++) {
    if (state[i] !== EXPLORED) {
      env.insn = i;
      throw env.reject('unreachable', 'EINVAL', `unreachable insn ${i}`);
    }
    if (isLdImm64(insns[i]!)) {
      if (state[i + 1] !== UNSEEN) {
        env.insn = i;
        throw env.reject('invalid-instruction', 'EINVAL', `jump into the middle of ldimm64 insn ${i}`);
      }
      i++;
    }
  }
}

function walkFrom(env: VerifierEnvironment, root: number, state: Uint8Array): void {
  const stack: { at: number; edges: readonly Edge[]; next: number }[] = [];
  const enter = (at: number): void => {
    state[at] = DISCOVERED;
    stack.push({ at, edges: edgesOf(env, at), next: 0 });
  };
  enter(root);
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    if (top.next === 0) markBeforeEdges(env, top.at);
    const edge = top.edges[top.next];
    if (!edge) {
      markAfterEdges(env, top.at);
      state[top.at] = EXPLORED;
      stack.pop();
      continue;
    }
    top.next++;
    if (edge.to < 0 || edge.to >= env.insns.length) {
      env.insn = top.at;
      throw env.reject('jump-out-of-range', 'EINVAL', `jump out of range from insn ${top.at} to ${edge.to}`);
    }
    if (edge.branch) {
      env.facts.prunePoint[edge.to] = 1;
      env.facts.jumpPoint[edge.to] = 1;
      env.facts.jumpTarget[edge.to] = 1;
    }
    if (state[edge.to] === UNSEEN) enter(edge.to);
  }
}

function edgesOf(env: VerifierEnvironment, at: number): Edge[] {
  const insn = env.insns[at]!;
  const size = isLdImm64(insn) ? 2 : 1;
  const next: Edge = { to: at + size, branch: false };
  if (isLdImm64(insn)) return insn.src === BPF_PSEUDO_FUNC ? [next, { to: at + insn.imm + 1, branch: true }] : [next];
  if (!isJumpClass(insn)) return [next];
  switch (operation(insn)) {
    case BPF_EXIT:
      return [];
    case BPF_CALL:
      return insn.src === BPF_PSEUDO_CALL ? [next, { to: at + insn.imm + 1, branch: true }] : [next];
    case BPF_JA:
      if (insn.opcode & BPF_X) {
        env.insn = at;
        throw env.reject('invalid-instruction', 'EINVAL', 'BPF_JA uses reserved fields');
      }
      return [{ to: jumpTarget(insn, at), branch: false }];
    default:
      return [next, { to: jumpTarget(insn, at), branch: true }];
  }
}

function markBeforeEdges(env: VerifierEnvironment, at: number): void {
  const insn = env.insns[at]!;
  const { facts } = env;
  if (!isJumpClass(insn)) return;
  const op = operation(insn);
  if (op === BPF_CALL) {
    const flow =
      insn.src === BPF_PSEUDO_KFUNC_CALL ? describeKfuncFlow(env, insn) : insn.src === 0 ? describeHelperFlow(env, insn) : undefined;
    if (!flow) return;
    if (flow.asyncCallback) facts.prunePoint[at] = 1;
    if (flow.syncCallback) {
      facts.callsCallback[at] = 1;
      facts.forceCheckpoint[at] = 1;
      facts.prunePoint[at] = 1;
      facts.jumpPoint[at] = 1;
    }
    if (flow.iteratorNext) {
      facts.iteratorNext[at] = 1;
      facts.prunePoint[at] = 1;
      facts.forceCheckpoint[at] = 1;
    }
    const subprogram = env.subprograms[env.subprogramOf[at]!]!;
    if (flow.changesPacketData) subprogram.changesPacketData = true;
    if (flow.mightSleep) subprogram.mightSleep = true;
    return;
  }
  if (op !== BPF_EXIT && op !== BPF_JA) {
    facts.prunePoint[at] = 1;
    if (isMayGoto(insn)) facts.forceCheckpoint[at] = 1;
  }
}

/** Marks that the kernel sets once the fall-through edge has been followed. */
function markAfterEdges(env: VerifierEnvironment, at: number): void {
  const insn = env.insns[at]!;
  const { facts } = env;
  const function_ = isLdImm64(insn) && insn.src === BPF_PSEUDO_FUNC;
  if (function_ || (isJumpClass(insn) && operation(insn) === BPF_CALL)) {
    const next = at + (isLdImm64(insn) ? 2 : 1);
    facts.prunePoint[next] = 1;
    facts.jumpPoint[next] = 1;
    if (function_ || insn.src === BPF_PSEUDO_CALL) {
      facts.prunePoint[at] = 1;
      const caller = env.subprograms[env.subprogramOf[at]!]!;
      const callee = env.subprograms[env.subprogramOf[at + insn.imm + 1]!]!;
      if (callee.changesPacketData) caller.changesPacketData = true;
      if (callee.mightSleep) caller.mightSleep = true;
    }
  } else if (isJumpClass(insn) && operation(insn) === BPF_JA) {
    const to = jumpTarget(insn, at);
    facts.prunePoint[to] = 1;
    facts.jumpPoint[to] = 1;
    facts.jumpTarget[to] = 1;
  }
}

/** Slots of each subprogram in postorder: an instruction stands behind what it leads to. */
export function postorder(env: VerifierEnvironment, graph: FlowGraph): Int32Array[] {
  const count = env.insns.length;
  const seen = new Uint8Array(count);
  const steps = new Uint8Array(count);
  const stack = new Int32Array(count);
  const order = new Int32Array(count);
  return env.subprograms.map(({ start }) => {
    let length = 0;
    let depth = 0;
    stack[depth++] = start;
    seen[start] = 1;
    while (depth > 0) {
      const at = stack[depth - 1]!;
      const to = graph.successor(at, steps[at]!++);
      if (to < 0) {
        order[length++] = at;
        depth--;
      } else if (!seen[to]) {
        seen[to] = 1;
        stack[depth++] = to;
      }
    }
    return order.slice(0, length);
  });
}

/** Numbers the strongly connected components that are loops, from 1, in the order in which Tarjan's algorithm closes them. */
export function findLoops(env: VerifierEnvironment, graph: FlowGraph): void {
  const count = env.insns.length;
  const { component } = env.facts;
  const index = new Int32Array(count);
  const low = new Int32Array(count);
  const steps = new Uint8Array(count);
  const onStack = new Uint8Array(count);
  const calls = new Int32Array(count);
  const members = new Int32Array(count);
  let depth = 0;
  let open = 0;
  let counter = 1;
  let number = 1;
  const enter = (at: number): void => {
    index[at] = low[at] = counter++;
    onStack[at] = 1;
    members[open++] = at;
    calls[depth++] = at;
  };
  for (let root = 0; root < count; root++) {
    if (index[root]) continue;
    enter(root);
    while (depth > 0) {
      const at = calls[depth - 1]!;
      const to = graph.successor(at, steps[at]!++);
      if (to >= 0) {
        if (!index[to]) enter(to);
        else if (onStack[to]) low[at] = Math.min(low[at]!, index[to]!);
        continue;
      }
      depth--;
      if (depth > 0) {
        const above = calls[depth - 1]!;
        low[above] = Math.min(low[above]!, low[at]!);
      }
      if (low[at] !== index[at]) continue;
      const isLoop = members[open - 1] !== at || graph.first[at] === at || graph.second[at] === at;
      for (let member = -1; member !== at;) {
        member = members[--open]!;
        onStack[member] = 0;
        if (isLoop) component[member] = number;
      }
      if (isLoop) number++;
    }
  }
}
