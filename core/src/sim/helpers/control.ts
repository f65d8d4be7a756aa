// Helpers that change which code runs: tail calls, loops.

import { functionSlot, type HostOutcome } from '#core/vm';
import { errno } from '../errno.ts';
import { ProgArrayMap } from '../maps/index.ts';
import type { HelperTable } from './helper.ts';

/** MAX_TAIL_CALL_CNT. */
const MAX_TAIL_CALLS = 33;
/** BPF_MAX_LOOPS. */
const MAX_LOOPS = 8 * 1024 * 1024;

export const CONTROL_HELPERS: HelperTable = {
  // On failure the program goes on behind the call, as if nothing had been called.
  bpf_tail_call: (call) => {
    const map = call.mapOf(2, ProgArrayMap, 'a prog array');
    const index = call.u32(3);
    if (index >= map.definition.maxEntries || call.run.tailCalls >= MAX_TAIL_CALLS) return errno('EINVAL');
    const id = map.slot(index);
    const program = id === undefined ? undefined : call.kernel.programsById.get(id);
    if (!program) return errno('EINVAL');
    call.run.tailCalls += 1;
    call.run.current = program;
    return { host: { kind: 'tail-call', executable: program.executable } };
  },
  bpf_loop: (call) => {
    const count = call.u32(1);
    const slot = functionSlot(call.arg(2));
    if (slot === undefined) return call.fault(`argument 2 (0x${call.arg(2).toString(16)}) is not a function of this program`);
    if (call.arg(4) !== 0n) return errno('EINVAL');
    // The kernel replaces the call by a loop of its own, whose error is 32 bits wide.
    if (count > MAX_LOOPS) return BigInt.asUintN(32, BigInt(errno('E2BIG')));
    const context = call.arg(3);
    // Each step closes over its own index: a snapshot within the loop holds it.
    const next = (index: number): HostOutcome =>
      index >= count
        ? call.finish(index)
        : {
            kind: 'callback',
            entry: slot,
            args: [BigInt(index), context],
            resume: (result) => (BigInt.asUintN(64, result) === 0n ? next(index + 1) : call.finish(index + 1)),
          };
    return { host: next(0) };
  },
};
