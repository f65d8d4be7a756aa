// Basic blocks of the code that is reachable from one slot, in reverse postorder, with dominators, loop headers and merge points:
// what structured control flow is made from. Says whether the graph is reducible. Emits nothing.

import { type Decoded, STRIDE } from '../decode.ts';
import { Op } from '../interpreter.ts';

/** What `stops` says of a slot: leave before it, or evaluate its condition, which is compiled into the block that begins there. */
export const STOP_ALWAYS = 1;
export const STOP_CONDITIONALLY = 2;

/** How a block ends. */
export type Terminator =
  | { kind: 'goto'; target: number }
  /** The jump instruction at `slot`. */
  | { kind: 'branch'; slot: number; taken: number; next: number }
  | { kind: 'may_goto'; slot: number; taken: number; next: number }
  /** The block's last instruction is a call; `next` follows it. */
  | { kind: 'call'; slot: number; next: number }
  | { kind: 'exit'; slot: number }
  /** The interpreter goes on at `slot`. */
  | { kind: 'leave'; slot: number };

export interface Block {
  /** Position in reverse postorder; also its name in the terminators' targets. */
  index: number;
  /** First slot. */
  start: number;
  /** Slots of its instructions, without the terminator's. */
  body: number[];
  terminator: Terminator;
  /** Instructions executed by running through, terminator included. */
  count: number;
  /** Index of the immediate dominator; of the root its own. */
  dominator: number;
  /** A loop's only entry. */
  loopHeader: boolean;
  /** More than one forward edge comes here. */
  merge: boolean;
  /** Instructions of the longest way from here to the next block that looks at the budget, if this is such a block; else 0. */
  budgetFor: number;
  /** Blocks that this one immediately dominates and that are merge points, in ascending order. */
  mergeChildren: number[];
}

export interface ControlFlow {
  blocks: readonly Block[];
  reducible: boolean;
  /** Slots of the block that ends in a call, by callee's first slot. */
  callees: ReadonlySet<number>;
}

const isJump = (op: Op): boolean => op >= Op.jeq && op <= Op.jset32;

/** Operations that compiled code leaves to the interpreter: rare ones, and those that fault. */
function leaves(op: Op): boolean {
  return op === Op.ldabs || op === Op.ldind || op === Op.callx || op >= Op.invalid;
}

/** `stops`: STOP_ALWAYS or STOP_CONDITIONALLY by slot. `limit`: slots at the most, undefined is returned beyond. */
export function controlFlow(code: Decoded, root: number, stops: Uint8Array | undefined, limit: number): ControlFlow | undefined {
  const { code: ops, slots } = code;
  const opAt = (slot: number): Op => ops[slot * STRIDE]!;
  const targetAt = (slot: number): number => ops[slot * STRIDE + 3]!;

  // Leaders among the reachable slots.
  const reached = new Uint8Array(slots + 1);
  const leader = new Uint8Array(slots + 1);
  const work = [root];
  let count = 0;
  leader[root] = 1;
  const lead = (slot: number): void => {
    leader[slot] = 1;
    if (reached[slot] === 0) work.push(slot);
  };
  while (work.length > 0) {
    let slot = work.pop()!;
    while (reached[slot] === 0) {
      reached[slot] = 1;
      if (++count > limit) return undefined;
      const op = opAt(slot);
      if (leaves(op)) break;
      if (stops?.[slot]) leader[slot] = 1;
      if (stops?.[slot] === STOP_ALWAYS) break;
      if (isJump(op) || op === Op.mayGoto) {
        lead(targetAt(slot));
        lead(slot + 1);
        break;
      }
      if (op === Op.ja) {
        lead(targetAt(slot));
        break;
      }
      if (op === Op.exit) break;
      if (op === Op.callHelper || op === Op.callKfunc || op === Op.callLocal) {
        lead(slot + 1);
        break;
      }
      slot += op === Op.ldImm64 ? 2 : 1;
    }
  }

  const callees = new Set<number>();
  const read = (start: number): Omit<Block, 'index' | 'dominator' | 'loopHeader' | 'merge' | 'budgetFor' | 'mergeChildren'> => {
    const body: number[] = [];
    const done = (terminator: Terminator, counted: 0 | 1) => ({ start, body, terminator, count: body.length + counted });
    for (let slot = start; ;) {
      const op = opAt(slot);
      if (leaves(op) || stops?.[slot] === STOP_ALWAYS) return done({ kind: 'leave', slot }, 0);
      if (isJump(op)) return done({ kind: 'branch', slot, taken: targetAt(slot), next: slot + 1 }, 1);
      if (op === Op.mayGoto) return done({ kind: 'may_goto', slot, taken: targetAt(slot), next: slot + 1 }, 1);
      if (op === Op.ja) return done({ kind: 'goto', target: targetAt(slot) }, 1);
      if (op === Op.exit) return done({ kind: 'exit', slot }, 1);
      if (op === Op.callHelper || op === Op.callKfunc || op === Op.callLocal) {
        if (op === Op.callLocal) callees.add(targetAt(slot));
        return done({ kind: 'call', slot, next: slot + 1 }, 1);
      }
      body.push(slot);
      slot += op === Op.ldImm64 ? 2 : 1;
      if (leader[slot]) return done({ kind: 'goto', target: slot }, 0);
    }
  };

  // Depth-first order without recursion: programs have thousands of blocks in a row.
  const drafts = new Map<number, ReturnType<typeof read>>();
  const postorder: number[] = [];
  const stack: { start: number; successors: number[]; next: number }[] = [];
  const enter = (start: number): void => {
    const draft = read(start);
    drafts.set(start, draft);
    stack.push({ start, successors: successorsOf(draft.terminator), next: 0 });
  };
  enter(root);
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const successor = top.successors[top.next++];
    if (successor === undefined) {
      postorder.push(top.start);
      stack.pop();
    } else if (!drafts.has(successor)) {
      enter(successor);
    }
  }
  const order = postorder.reverse();
  const indexOf = new Map(order.map((start, index) => [start, index]));
  const blocks: Block[] = order.map((start, index) => {
    const draft = drafts.get(start)!;
    return {
      ...draft,
      terminator: renamed(draft.terminator, indexOf),
      index,
      dominator: -1,
      loopHeader: false,
      merge: false,
      budgetFor: 0,
      mergeChildren: [],
    };
  });
  const reducible = analyse(blocks);
  placeBudgetChecks(blocks, reducible, (slot) => opAt(slot) === Op.callLocal);
  return { blocks, reducible, callees };
}

/**
 * The budget is looked at at the root, where loops begin, and after calls of subprograms, which take from it too: every way between two
 * looks is finite, and the longest is known. In an irreducible graph every block looks.
 */
function placeBudgetChecks(blocks: readonly Block[], reducible: boolean, callsSubprogram: (slot: number) => boolean): void {
  const looks = new Uint8Array(blocks.length);
  for (const { index, loopHeader, terminator } of blocks) {
    if (index === 0 || loopHeader || !reducible) looks[index] = 1;
    if (terminator.kind === 'call' && callsSubprogram(terminator.slot)) looks[terminator.next] = 1;
  }
  const longest = new Array<number>(blocks.length).fill(0);
  for (let index = blocks.length - 1; index >= 0; index--) {
    const block = blocks[index]!;
    let behind = 0;
    for (const successor of successorsOf(block.terminator))
      if (successor > index && looks[successor] === 0) behind = Math.max(behind, longest[successor]!);
    longest[index] = block.count + behind;
    if (looks[index] === 1) block.budgetFor = longest[index]!;
  }
}

function successorsOf(terminator: Terminator): number[] {
  switch (terminator.kind) {
    case 'goto':
      return [terminator.target];
    case 'branch':
    case 'may_goto':
      // The path that falls through comes first in the emitted order.
      return [terminator.taken, terminator.next];
    case 'call':
      return [terminator.next];
    case 'exit':
    case 'leave':
      return [];
  }
}

function renamed(terminator: Terminator, indexOf: ReadonlyMap<number, number>): Terminator {
  switch (terminator.kind) {
    case 'goto':
      return { ...terminator, target: indexOf.get(terminator.target)! };
    case 'branch':
    case 'may_goto':
      return { ...terminator, taken: indexOf.get(terminator.taken)!, next: indexOf.get(terminator.next)! };
    case 'call':
      return { ...terminator, next: indexOf.get(terminator.next)! };
    case 'exit':
    case 'leave':
      return terminator;
  }
}

/** Fills in dominators (iterating over reverse postorder until nothing changes), loop headers and merge points; true if reducible. */
function analyse(blocks: readonly Block[]): boolean {
  const predecessors: number[][] = blocks.map(() => []);
  for (const block of blocks) for (const successor of new Set(successorsOf(block.terminator))) predecessors[successor]!.push(block.index);
  blocks[0]!.dominator = 0;
  const common = (first: number, second: number): number => {
    let a = first;
    let b = second;
    while (a !== b) {
      while (a > b) a = blocks[a]!.dominator;
      while (b > a) b = blocks[b]!.dominator;
    }
    return a;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const block of blocks) {
      if (block.index === 0) continue;
      let dominator = -1;
      for (const predecessor of predecessors[block.index]!) {
        if (blocks[predecessor]!.dominator < 0) continue;
        dominator = dominator < 0 ? predecessor : common(dominator, predecessor);
      }
      if (dominator !== block.dominator) {
        block.dominator = dominator;
        changed = true;
      }
    }
  }
  const dominates = (upper: number, lower: number): boolean => {
    let at = lower;
    while (at > upper) at = blocks[at]!.dominator;
    return at === upper;
  };
  let reducible = true;
  for (const block of blocks) {
    let forward = 0;
    for (const predecessor of predecessors[block.index]!) {
      if (predecessor < block.index) {
        forward++;
      } else {
        block.loopHeader = true;
        if (!dominates(block.index, predecessor)) reducible = false;
      }
    }
    block.merge = forward > 1;
    if (block.merge) blocks[block.dominator]!.mergeChildren.push(block.index);
  }
  return reducible;
}
