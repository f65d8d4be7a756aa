// A module for one place to enter a program at: the function that begins there, and every subprogram that it may call.
// The same program has several modules when it is entered in the middle of a loop; each is compiled when it is first needed.

import type { Decoded } from '../decode.ts';
import type { BreakpointCondition } from '../types.ts';
import { type ControlFlow, controlFlow } from './control-flow.ts';
import { compileFunction, type FunctionContext, IMPORTS, TYPE_HOST, TYPES } from './function-compiler.ts';
import { moduleBytes } from './module-bytes.ts';

export interface CompileRequest {
  code: Decoded;
  /** Slot to enter at. */
  root: number;
  /** By slot, as control-flow.ts has it. */
  stops: Uint8Array | undefined;
  conditions: readonly BreakpointCondition[] | undefined;
  capacity: number;
  /** Packets with low addresses have to be expected. */
  packets: boolean;
  proven: Uint8Array | undefined;
  arena: FunctionContext['arena'];
}

export interface Compiled {
  bytes: Uint8Array<ArrayBuffer>;
  /** Frames that a run from here may need beside its own. */
  framesBelow: number;
  /** Instructions compiled, for measuring. */
  slots: number;
}

/** Larger functions are left to the interpreter: an optimising compiler's time grows faster than their size. */
const MAX_FUNCTION_SLOTS = 60_000;

/** Undefined where the code is too large to be worth it. */
export function compile({ code, root, stops, conditions, capacity, packets, proven, arena }: CompileRequest): Compiled | undefined {
  const entry = controlFlow(code, root, stops, MAX_FUNCTION_SLOTS);
  if (!entry) return undefined;

  // Every subprogram that can be reached. Those that can call themselves stay with the interpreter, which counts frames exactly.
  const flows = new Map<number, ControlFlow>();
  const work = [...entry.callees];
  for (let start = work.pop(); start !== undefined; start = work.pop()) {
    if (flows.has(start)) continue;
    const flow = controlFlow(code, start, stops, MAX_FUNCTION_SLOTS);
    if (!flow) continue;
    flows.set(start, flow);
    work.push(...flow.callees);
  }
  const heights = frameHeights(flows);
  const order = [...flows.keys()].filter((start) => heights.get(start) !== undefined);
  const indexOf = new Map(order.map((start, i) => [start, IMPORTS + 1 + i]));
  const functionAt = (slot: number): number | undefined => indexOf.get(slot);
  const shared = { code, functionAt, stops, conditions, capacity, packets, proven, arena };

  const functions = [
    compileFunction({ ...shared, flow: entry, kind: 'entry' }),
    ...order.map((start) => compileFunction({ ...shared, flow: flows.get(start)!, kind: 'subprogram' })),
  ];
  const bytes = moduleBytes({
    types: TYPES,
    imports: [
      { module: 'host', name: 'helper', type: TYPE_HOST },
      { module: 'host', name: 'kfunc', type: TYPE_HOST },
    ],
    functions,
    exports: [{ name: 'enter', function: IMPORTS }],
  });
  const framesBelow = Math.max(0, ...[...entry.callees].map((callee) => heights.get(callee) ?? 0));
  const slots = [entry, ...order.map((start) => flows.get(start)!)].reduce(
    (sum, { blocks }) => sum + blocks.reduce((count, block) => count + block.count, 0),
    0,
  );
  return { bytes, framesBelow, slots };
}

/** Frames that a call of each subprogram needs, its own included; undefined for those in a cycle of calls. */
function frameHeights(flows: ReadonlyMap<number, ControlFlow>): Map<number, number | undefined> {
  const heights = new Map<number, number | undefined>();
  const open = new Set<number>();
  const inCycle = (start: number, from: number, seen: Set<number>): boolean => {
    for (const callee of flows.get(from)?.callees ?? []) {
      if (callee === start) return true;
      if (seen.has(callee)) continue;
      seen.add(callee);
      if (inCycle(start, callee, seen)) return true;
    }
    return false;
  };
  const height = (start: number): number => {
    if (heights.has(start)) return heights.get(start) ?? 0;
    if (open.has(start)) return 0;
    open.add(start);
    let deepest = 0;
    for (const callee of flows.get(start)!.callees) if (flows.has(callee)) deepest = Math.max(deepest, height(callee));
    open.delete(start);
    const value = inCycle(start, start, new Set()) ? undefined : deepest + 1;
    heights.set(start, value);
    return value ?? 0;
  };
  for (const start of flows.keys()) height(start);
  return heights;
}
