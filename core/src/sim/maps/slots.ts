// Maps whose slots hold kernel objects by number and that programs cannot write: prog arrays, perf event arrays,
// cgroup arrays, devmaps, cpumaps, xskmaps and sockmaps. User space (the scenario) fills them.
// Kernel sources: kernel/bpf/arraymap.c, devmap.c, cpumap.c.

import { errno } from '../errno.ts';
import { fromLittleEndian, keyText, littleEndian, view } from '../integers.ts';
import type { MapEntry } from '../types.ts';
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST, KernelMap, type MapHost } from './kernel-map.ts';
import type { MapDefinition } from '#core/program';
import type { Region } from '#core/vm';

/** Slots by u32 index. A slot's value is a number: a program's id, an interface's index, a queue size, … */
export class SlotArrayMap extends KernelMap {
  protected slots = new Map<number, number>();

  /** What stands in a slot, for tail calls and redirects. */
  slot(index: number): number | undefined {
    return this.slots.get(index);
  }

  /** Fills a slot as user space would. */
  setSlot(index: number, value: number): number {
    if (index >= this.definition.maxEntries) return errno('E2BIG');
    this.slots.set(index, value);
    this.version++;
    return 0;
  }

  lookupAddress(): bigint {
    return 0n;
  }

  updateElement(): number {
    return errno('EINVAL');
  }

  deleteElement(key: Uint8Array): number {
    return this.delete(key);
  }

  override update(key: Uint8Array, value: Uint8Array, flags: bigint = BPF_ANY): number {
    if (flags !== BPF_ANY) return errno('EINVAL');
    return this.setSlot(view(key).getUint32(0, true), Number(fromLittleEndian(value.subarray(0, 4))));
  }

  override delete(key: Uint8Array): number {
    const index = view(key).getUint32(0, true);
    if (index >= this.definition.maxEntries) return errno('E2BIG');
    if (!this.slots.delete(index)) return errno('ENOENT');
    this.version++;
    return 0;
  }

  lookup(key: Uint8Array): readonly Uint8Array[] | undefined {
    const value = this.slots.get(view(key).getUint32(0, true));
    return value === undefined ? undefined : [littleEndian(value, Math.max(this.definition.valueSize, 4))];
  }

  entries(): readonly MapEntry[] {
    return [...this.slots]
      .sort(([a], [b]) => a - b)
      .map(([index]) => {
        const key = littleEndian(index, 4);
        return { key, values: this.lookup(key)! };
      });
  }

  protected saveState(): unknown {
    return new Map(this.slots);
  }

  protected loadState(state: unknown): void {
    this.slots = new Map(state as Map<number, number>);
  }
}

export class ProgArrayMap extends SlotArrayMap {}

/** Every CPU has a ring of its own here from the start: simulated user space has opened them all. */
export class PerfEventArrayMap extends SlotArrayMap {
  constructor(id: number, definition: MapDefinition, host: MapHost) {
    // libbpf sizes it to the number of CPUs when the program leaves max_entries at 0.
    super(id, definition.maxEntries === 0 ? { ...definition, maxEntries: host.cpus } : definition, host);
  }
}

/** devmap, devmap_hash, cpumap and xskmap: programs may look a slot up and read its struct; the kernel redirects by it. */
export class RedirectMap extends SlotArrayMap {
  private regions = new Map<string, Region>();

  override lookupAddress(key?: Uint8Array): bigint {
    if (key === undefined) return 0n;
    const index = view(key).getUint32(0, true);
    const value = this.slots.get(index);
    if (value === undefined) return 0n;
    const text = keyText(key);
    let region = this.regions.get(text);
    if (!region) {
      region = this.allocateValue(key.slice());
      region.writable = false;
      this.regions.set(text, region);
      this.version++;
    }
    this.host.memory.view(region).set(littleEndian(value, 4).subarray(0, region.size));
    return region.base;
  }

  override setSlot(index: number, value: number): number {
    // A hash takes any index; its size counts.
    if (this.definition.type === 'devmap_hash') {
      if (!this.slots.has(index) && this.slots.size >= this.definition.maxEntries) return errno('E2BIG');
      this.slots.set(index, value);
      this.version++;
      return 0;
    }
    return super.setSlot(index, value);
  }

  override update(key: Uint8Array, value: Uint8Array, flags: bigint = BPF_ANY): number {
    const index = view(key).getUint32(0, true);
    if (flags > BPF_EXIST) return errno('EINVAL');
    if ((flags & BPF_NOEXIST) !== 0n && (this.definition.type !== 'devmap_hash' || this.slots.has(index))) return errno('EEXIST');
    return this.setSlot(index, Number(fromLittleEndian(value.subarray(0, 4))));
  }

  protected override saveState(): unknown {
    return { slots: new Map(this.slots), regions: new Map(this.regions) };
  }

  protected override loadState(state: unknown): void {
    const saved = state as { slots: Map<number, number>; regions: Map<string, Region> };
    this.slots = new Map(saved.slots);
    this.regions = new Map(saved.regions);
  }
}
