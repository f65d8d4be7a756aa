// Which tracepoints there are, and the class whose record each has.

import { TRACEPOINT_TABLE } from './tracepoint-table.ts';

export interface TracepointRow {
  category: string;
  name: string;
  /** The record is struct trace_event_raw_CLASS; undefined where the kernel's types have none. */
  class: string | undefined;
}

let rows: ReadonlyMap<string, readonly TracepointRow[]> | undefined;

function all(): ReadonlyMap<string, readonly TracepointRow[]> {
  if (rows) return rows;
  const byName = new Map<string, TracepointRow[]>();
  for (const [category, lines] of Object.entries(TRACEPOINT_TABLE)) {
    for (const word of lines.flatMap((line) => line.split(' '))) {
      const [name, of = name] = word.split('=') as [string, string?];
      byName.set(name, [...(byName.get(name) ?? []), { category, name, class: of === '' ? undefined : of }]);
    }
  }
  rows = byName;
  return byName;
}

/** The tracepoint of that name; of that category, where several have the name. */
export function tracepoint(name: string, category?: string): TracepointRow | undefined {
  const known = all().get(name);
  return known?.find((row) => row.category === category) ?? (category === undefined ? known?.[0] : undefined);
}

export const tracepointNames = (): readonly string[] => [...all().keys()];
