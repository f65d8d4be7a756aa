// BPF_MAP_TYPE_ARRAY and PERCPU_ARRAY: every index exists, values start as zeros, nothing can be deleted.
// A value's region is made when somebody first looks at it: an array of a million values costs nothing before.
// Kernel source: kernel/bpf/arraymap.c.

import type { Region } from '#core/vm';
import { errno } from '../errno.ts';
import { littleEndian, view } from '../integers.ts';
import type { MapEntry } from '../types.ts';
import { BPF_ANY, BPF_NOEXIST, KernelMap, type MapWalk } from './kernel-map.ts';

abstract class IndexedMap extends KernelMap {
  /** One region a value, or one a CPU. */
  protected values = new Map<number, readonly Region[]>();

  protected abstract readonly copies: number;

  protected indexOf(key: Uint8Array): number {
    return view(key).getUint32(0, true);
  }

  protected regionsAt(index: number): readonly Region[] {
    const known = this.values.get(index);
    if (known) return known;
    const key = littleEndian(index, 4);
    const initial = index === 0 ? this.definition.initial : undefined;
    const made = Array.from({ length: this.copies }, (_, cpu) =>
      this.allocateValue(key, initial, this.copies > 1 || this.perCpu ? cpu : undefined),
    );
    this.values.set(index, made);
    this.version++;
    return made;
  }

  protected abstract readonly perCpu: boolean;

  lookupAddress(key: Uint8Array): bigint {
    return this.lookupAddressOn(key, this.host.currentCpu());
  }

  override lookupAddressOn(key: Uint8Array, cpu: number): bigint {
    const index = this.indexOf(key);
    if (index >= this.definition.maxEntries) return 0n;
    return this.regionsAt(index)[this.perCpu ? cpu : 0]?.base ?? 0n;
  }

  protected check(key: Uint8Array, flags: bigint): number {
    if (!this.validUpdateFlags(flags)) return errno('EINVAL');
    if (this.indexOf(key) >= this.definition.maxEntries) return errno('E2BIG');
    if ((flags & BPF_NOEXIST) !== 0n) return errno('EEXIST');
    return 0;
  }

  updateElement(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const refused = this.check(key, flags);
    if (refused !== 0) return refused;
    const region = this.regionsAt(this.indexOf(key))[this.perCpu ? this.host.currentCpu() : 0]!;
    this.host.memory.view(region).set(value.subarray(0, this.definition.valueSize));
    return 0;
  }

  deleteElement(): number {
    return errno('EINVAL');
  }

  lookup(key: Uint8Array): readonly Uint8Array[] | undefined {
    const index = this.indexOf(key);
    if (index >= this.definition.maxEntries) return undefined;
    const regions = this.values.get(index);
    if (regions) return regions.map((region) => this.bytesOf(region));
    const initial = new Uint8Array(this.definition.valueSize);
    if (index === 0 && this.definition.initial) initial.set(this.definition.initial.subarray(0, initial.length));
    return Array.from({ length: this.copies }, () => initial.slice());
  }

  entries(): readonly MapEntry[] {
    return this.page(0, this.definition.maxEntries);
  }

  private entryAt(index: number): MapEntry {
    const key = littleEndian(index, 4);
    return { key, values: this.lookup(key)! };
  }

  override get indexed(): boolean {
    return true;
  }

  override get size(): number {
    return this.definition.maxEntries;
  }

  override page(from: number, count: number): readonly MapEntry[] {
    const length = Math.max(0, Math.min(count, this.definition.maxEntries - from));
    return Array.from({ length }, (_, offset) => this.entryAt(from + offset));
  }

  override madeEntries(): readonly MapEntry[] {
    const indices = new Set(this.values.keys());
    if (this.definition.initial) indices.add(0);
    return [...indices].sort((a, b) => a - b).map((index) => this.entryAt(index));
  }

  override walk(): MapWalk {
    return {
      length: this.definition.maxEntries,
      at: (index) => {
        if (index >= this.definition.maxEntries) return undefined;
        const key = littleEndian(index, 4);
        return { key, address: this.lookupAddress(key) };
      },
    };
  }

  protected saveState(): unknown {
    return new Map(this.values);
  }

  protected loadState(state: unknown): void {
    this.values = new Map(state as Map<number, readonly Region[]>);
  }
}

export class ArrayMap extends IndexedMap {
  protected readonly copies = 1;
  protected readonly perCpu = false;

  protected override valueName(key: Uint8Array, cpu?: number): string {
    // A global section is one value that C never indexes.
    return this.definition.globalSection === undefined ? super.valueName(key, cpu) : this.definition.globalSection;
  }

  /** The address of value 0, which ld_imm64 with BPF_PSEUDO_MAP_VALUE carries (map_direct_value_addr). */
  directValue(): bigint {
    return this.regionsAt(0)[0]!.base;
  }
}

export class PerCpuArrayMap extends IndexedMap {
  protected readonly perCpu = true;
  protected get copies(): number {
    return this.host.cpus;
  }

  /** User space gives one value for every CPU, one after another; a single value goes to all of them. */
  override update(key: Uint8Array, value: Uint8Array, flags: bigint = BPF_ANY): number {
    const refused = this.check(key, flags);
    if (refused !== 0) return refused;
    setPerCpu(this.host.memory, this.regionsAt(this.indexOf(key)), value, this.definition.valueSize);
    return 0;
  }
}

/** Per-CPU values as the syscall passes them: each rounded up to 8 bytes, one after another. */
export function setPerCpu(
  memory: { view(region: Region): Uint8Array },
  regions: readonly Region[],
  value: Uint8Array,
  valueSize: number,
): void {
  const stride = Math.ceil(valueSize / 8) * 8;
  const separate = value.length >= stride * (regions.length - 1) + valueSize && regions.length > 1;
  regions.forEach((region, cpu) => {
    const at = separate ? cpu * stride : 0;
    memory.view(region).set(value.subarray(at, at + valueSize));
  });
}
