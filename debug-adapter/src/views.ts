// What the Maps and Registers views in the side bar show, with what changed since the last stop.
// Plain data for the client's custom requests; the views' look is the client's matter.

import { hex64, toHex } from '#core/bytes';
import type { Inspection, RegisterView } from './inspection.ts';
import type { StackFrame } from './frames.ts';

export interface ShownRegister {
  name: string;
  /** Empty where a called function has overwritten it. */
  value: string;
  meaning: string;
  changed: boolean;
}

export interface ShownEntry {
  key: string;
  value: string;
  changed: boolean;
  /** It was not there at the last stop. */
  added: boolean;
}

export interface ShownMap {
  id: number;
  name: string;
  type: string;
  summary: string;
  entries: readonly ShownEntry[];
  /** Entries that are not listed. */
  more: number;
  /** Keys that were there at the last stop. */
  removed: number;
  changed: boolean;
}

const MOST_ENTRIES = 500;

interface Remembered {
  registers: readonly RegisterView[];
  maps: ReadonlyMap<number, ReadonlyMap<string, string>>;
}

export class Views {
  private before: Remembered | undefined;
  private now: Remembered | undefined;

  constructor(private readonly inspection: Inspection) {}

  /** Called at each stop: what was shown until now becomes what changes are measured against. */
  stopped(frame: StackFrame | undefined): void {
    this.before = this.now;
    this.now = {
      registers: this.inspection.registerViews(frame),
      maps: new Map(
        this.inspection
          .visibleMaps()
          .map((map) => [
            map.id,
            new Map(this.inspection.mapEntries(map, MOST_ENTRIES).map(({ keyBytes, value }) => [toHex(keyBytes), value])),
          ]),
      ),
    };
  }

  /** What changes are measured against: the stop before, or at the first one how it was found. */
  private get reference(): Remembered | undefined {
    return this.before ?? this.now;
  }

  registers(frame: StackFrame | undefined): readonly ShownRegister[] {
    const { reference } = this;
    const innermost = frame === undefined || frame.physical === 0;
    return this.inspection.registerViews(frame).map(({ name, value, meaning }, index) => ({
      name,
      value: value === undefined ? '' : hex64(value),
      meaning,
      changed: innermost && reference !== undefined && reference.registers[index]?.value !== value,
    }));
  }

  maps(): readonly ShownMap[] {
    return this.inspection.visibleMaps().map((map) => {
      const before = this.reference?.maps.get(map.id);
      const total = map.size;
      const entries = this.inspection.mapEntries(map, MOST_ENTRIES).map(({ key, value, keyBytes }) => {
        const old = before?.get(toHex(keyBytes));
        return { key, value, added: before !== undefined && old === undefined, changed: before !== undefined && old !== value };
      });
      // Nothing leaves an array.
      const keys = map.indexed ? undefined : new Set(map.entries().map(({ key }) => toHex(key)));
      const removed = keys ? [...(before?.keys() ?? [])].filter((key) => !keys.has(key)).length : 0;
      return {
        id: map.id,
        name: map.definition.name,
        type: map.definition.type,
        summary: this.inspection.mapSummary(map),
        entries,
        more: total - entries.length,
        removed,
        changed: removed > 0 || entries.some(({ changed }) => changed),
      };
    });
  }
}
