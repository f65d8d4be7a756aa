// One event, one plan: which kind is planned where.

import { never } from '#core/problem';
import { planSyscall } from './syscall-hooks.ts';
import type { KernelState } from '../state.ts';
import type { ScenarioEvent } from '../types.ts';
import { planContext, planFunction, planSample, planTracepoint, planUprobe } from './call-hooks.ts';
import { planPacket } from './packet-hook.ts';
import type { Attached, EventState, Plan } from './plan.ts';

/** User space's way to write a map entry; undefined, or what went wrong. */
export type SetEntry = (map: string, key: unknown, value: unknown) => string | undefined;

export function planEvent(
  kernel: KernelState,
  event: ScenarioEvent,
  attached: readonly Attached[],
  state: EventState,
  setEntry: SetEntry,
): Plan {
  const { body } = event;
  switch (body.type) {
    case 'packet':
      return planPacket(kernel, event, body, attached, state);
    case 'syscall':
      return planSyscall(kernel, event, body, attached, state);
    case 'function':
      return planFunction(kernel, event, body, attached, state);
    case 'tracepoint':
      return planTracepoint(kernel, event, body, attached, state);
    case 'uprobe':
      return planUprobe(kernel, event, body, attached, state);
    case 'sample':
      return planSample(kernel, event, body, attached, state);
    case 'context':
      return planContext(kernel, event, body, attached, state);
    case 'map': {
      const problem = setEntry(body.map, body.key, body.value);
      if (problem !== undefined) kernel.emit({ kind: 'note', line: `${event.title}: ${problem}` });
      return { runs: [] };
    }
    case 'wait':
      return { runs: [] };
    default:
      return never(body);
  }
}
