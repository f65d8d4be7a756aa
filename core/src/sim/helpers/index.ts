// All helpers that are simulated, by the kernel's name. The catalog gives the numbers; a name that it does not know is a mistake here.

import { HELPERS, helperByName } from '#core/catalog';
import { CONTROL_HELPERS } from './control.ts';
import { DYNPTR_HELPERS } from './dynptr.ts';
import type { Helper, HelperTable } from './helper.ts';
import { MAP_HELPERS } from './map-helpers.ts';
import { PACKET_HELPERS } from './packet-helpers.ts';
import { PROBE_READ_HELPERS } from './probe-read.ts';
import { RINGBUF_PERF_HELPERS } from './ringbuf-perf.ts';
import { SOCKET_HELPERS } from './sockets.ts';
import { STRING_HELPERS } from './strings.ts';
import { TASK_HELPERS } from './task-helpers.ts';
import { TIMER_HELPERS } from './timer-helpers.ts';
import { TIME_RANDOM_CPU_HELPERS } from './time-random-cpu.ts';
import { TRACE_HELPERS } from './trace-helpers.ts';
import { TRACING_HELPERS } from './tracing.ts';

export const HELPER_FAMILIES: readonly HelperTable[] = [
  MAP_HELPERS,
  TIME_RANDOM_CPU_HELPERS,
  TASK_HELPERS,
  TRACE_HELPERS,
  PROBE_READ_HELPERS,
  PACKET_HELPERS,
  RINGBUF_PERF_HELPERS,
  CONTROL_HELPERS,
  STRING_HELPERS,
  DYNPTR_HELPERS,
  TRACING_HELPERS,
  SOCKET_HELPERS,
  TIMER_HELPERS,
];

export interface SimulatedHelper {
  name: string;
  run: Helper;
}

const byId = new Map<number, SimulatedHelper>();
for (const family of HELPER_FAMILIES) {
  for (const [name, run] of Object.entries(family)) {
    const row = helperByName(name);
    if (!row) throw new Error(`the catalog has no helper ${name}`);
    byId.set(row.id, { name, run });
  }
}

export const helperForId = (id: number): SimulatedHelper | undefined => byId.get(id);

/** Names of all helpers that programs can call here. */
export const SIMULATED_HELPERS: readonly string[] = HELPERS.filter(({ id }) => byId.has(id)).map(({ name }) => name);

export { Call, HelperFault, type HelperResult } from './helper.ts';
