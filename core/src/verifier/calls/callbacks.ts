// Functions passed to helpers and kfuncs: what their arguments are, and the paths that go into them.
// Coming back out of a callback is in the walk's exit.

import { BPF_PSEUDO_FUNC, isLdImm64 } from '#core/isa';
import type { VerifierEnvironment } from '../state/environment.ts';
import type { VerifierMap } from '../objects/maps.ts';
import {
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  pointerRegister,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_STACK,
  type Register,
  UNINITIALISED,
  unknownRegister,
} from '../state/registers.ts';
import { callbacksRepeated } from '../target/kernel-rules.ts';
import { BPF_REG_FP, Frame, MAX_CALL_FRAMES, REGISTER_COUNT, type ReturnRange, VerifierState } from '../state/state.ts';

/** What a callback starts with: R1 to R5, and what it may return. */
export interface CallbackEntry {
  readonly arguments: readonly (Register | undefined)[];
  readonly returns: ReturnRange;
}

const BOOLEAN: ReturnRange = { min: 0, max: 1 };
const ZERO_ONLY: ReturnRange = { min: 0, max: 0 };

const mapArguments = (map: VerifierMap, mapUid: number): Register[] => [
  pointerRegister(CONST_PTR_TO_MAP, { map, mapUid }),
  pointerRegister(PTR_TO_MAP_KEY, { map, mapUid }),
  pointerRegister(PTR_TO_MAP_VALUE, { map, mapUid }),
];

/** Callback of the helper, by the registers of the call. */
export function helperCallback(env: VerifierEnvironment, helper: string): CallbackEntry {
  const argument = (regno: number): Register => env.register(regno);
  switch (helper) {
    case 'bpf_for_each_map_elem': {
      const { map, mapUid } = argument(1);
      if (!FOR_EACH_MAPS.has(map!.type)) throw env.reject('helper-map', 'ENOTSUPP', 'callback function not allowed for map');
      return { arguments: [...mapArguments(map!, mapUid), argument(3)], returns: BOOLEAN };
    }
    case 'bpf_loop':
      return { arguments: [unknownRegister(), argument(3)], returns: BOOLEAN };
    case 'bpf_timer_set_callback':
      return { arguments: mapArguments(argument(1).map!, argument(1).mapUid), returns: ZERO_ONLY };
    case 'bpf_find_vma': {
      const kernelBtf = env.options.kernelBtf;
      const vma = pointerRegister(PTR_TO_BTF_ID, { btf: kernelBtf, btfId: kernelBtf?.find('vm_area_struct', 'struct') ?? 0 });
      return { arguments: [argument(1), vma, argument(4)], returns: BOOLEAN };
    }
    default:
      return {
        arguments: [pointerRegister(CONST_PTR_TO_DYNPTR, { dynptr: 'local', dynptrFirstSlot: true, id: env.newId() }), argument(3)],
        returns: BOOLEAN,
      };
  }
}

/** Maps that can be walked with a callback. */
const FOR_EACH_MAPS = new Set(['hash', 'percpu_hash', 'lru_hash', 'lru_percpu_hash', 'array', 'percpu_array']);

/** Callback of a work queue or task work that lies in a map value. */
export const workCallback = (map: VerifierMap, mapUid: number): CallbackEntry => ({
  arguments: mapArguments(map, mapUid),
  returns: ZERO_ONLY,
});

/** The comparison function of a tree: two nodes that stay the tree's. */
export const treeCallback = (node: Register): CallbackEntry => ({ arguments: [node, node], returns: BOOLEAN });

function enter(env: VerifierEnvironment, state: VerifierState, subprogram: number, callsite: number, entry: CallbackEntry): Frame {
  if (state.frames.length >= MAX_CALL_FRAMES) {
    throw env.reject('call-depth', 'E2BIG', `the call stack of ${state.frames.length + 1} frames is too deep`);
  }
  const frame = new Frame(subprogram, callsite, state.frames.length);
  for (let regno = 0; regno < REGISTER_COUNT; regno++) frame.registers[regno] = UNINITIALISED;
  entry.arguments.forEach((register, index) => {
    frame.registers[index + 1] = register ?? UNINITIALISED;
  });
  frame.registers[BPF_REG_FP] = pointerRegister(PTR_TO_STACK, { frame: frame.number });
  frame.callbackReturns = entry.returns;
  state.frames.push(frame);
  env.scratchAll();
  return frame;
}

/**
 * A callback that runs before the call returns: one path goes into it, from which it comes back to the call, and the current one
 * goes on as if it had not been called (any more).
 */
export function walkCallback(env: VerifierEnvironment, insn: number, subprogram: number, entry: CallbackEntry): void {
  const facts = env.subprograms[subprogram]!;
  facts.isCallback = true;
  if (!callbacksRepeated(env.kernel)) {
    // The path goes into the callback once, and from there on behind the call, whose own effects hold already.
    const inside = env.state.copy();
    const frame = enter(env, inside, subprogram, insn, entry);
    frame.inCallback = true;
    env.enterAfterCall = frame;
    return;
  }
  const state = env.pushBranch(facts.start, insn);
  enter(env, state, subprogram, insn, entry).inCallback = true;
  state.callbackUnrollDepth++;
  state.frames[state.frames.length - 2]!.callbackDepth++;
  env.frame.callbackDepth = 0;
}

/** A callback that runs later, by itself: a path of its own with one frame. */
export function walkAsyncCallback(
  env: VerifierEnvironment,
  insn: number,
  subprogram: number,
  entry: CallbackEntry,
  sleepable: boolean,
): void {
  const facts = env.subprograms[subprogram]!;
  facts.isCallback = true;
  facts.isAsyncCallback = true;
  const caller = env.frame;
  // It starts with nothing: no frames, references or locks of the path that set it up, and no checkpoint before it.
  const state = new VerifierState();
  state.branches = 1;
  state.inSleepable = sleepable;
  env.pending.push({ state, insn: facts.start, previous: insn, logPosition: env.log.position, trace: undefined });
  const frame = enter(env, state, subprogram, -1, entry);
  frame.inAsyncCallback = true;
  frame.asyncEntryCount = caller.asyncEntryCount + 1;
}

/**
 * A function whose address is taken and that nobody runs is removed as dead code. What holds its address is not told: it then points at
 * whatever has moved there. Where that begins no function, the kernel's compilation fails (jit_subprogs). A program that has only one
 * function left is compiled without looking.
 */
export function checkCallbackAddresses(env: VerifierEnvironment): void {
  const { insns, visits, subprograms } = env;
  const isLive = (at: number): boolean => visits[at]! > 0 || (at > 0 && isLdImm64(insns[at - 1]!) && visits[at - 1]! > 0);
  const starts = subprograms.map(({ start }) => start).filter(isLive);
  if (starts.length < 2 || starts.length === subprograms.length) return;
  const addresses: { at: number; from: number; to: number }[] = [];
  insns.forEach((insn, at) => {
    if (isLdImm64(insn) && insn.src === BPF_PSEUDO_FUNC && isLive(at) && visits[at]! > 0)
      addresses.push({ at, from: at, to: at + insn.imm + 1 });
  });
  // Dead runs go one after the other, from the front; `moved` is where a slot stands after those before it.
  const moved = new Int32Array(insns.length);
  for (let at = 0, gone = 0; at < insns.length;) {
    moved[at] = at - gone;
    if (isLive(at)) {
      at++;
      continue;
    }
    let count = 1;
    while (at + count < insns.length && !isLive(at + count)) count++;
    const position = at - gone;
    for (const address of addresses) {
      const isBehind = address.from >= position + count;
      if (isBehind) address.from -= count;
      if (isBehind ? address.to >= position : address.to >= position + count) address.to -= count;
    }
    gone += count;
    at += count;
  }
  const places = new Set(starts.map((start) => moved[start]!));
  const lost = addresses.find(({ to }) => !places.has(to));
  if (!lost) return;
  env.insn = lost.at;
  throw env.reject('verifier-limit', 'EFAULT', `verifier bug: No program to jit at insn ${lost.at} (subprog < 0)`, {
    explanation:
      'The address of a function is taken that no path ever calls. The kernel removes the function as dead code and then misses it.',
    advice: 'Pass the function to a helper that calls it, or do not take its address.',
  });
}
