// BPF_MAP_TYPE_HASH, PERCPU_HASH, LRU_HASH and LRU_PERCPU_HASH. Kernel source: kernel/bpf/hashtab.c.
// An update of a plain hash makes a new value, as the kernel does: a pointer from an earlier lookup goes on seeing the old one
// until the program ends. The order of entries is that of insertion; the kernel's is that of its buckets.

import type { Region } from '#core/vm';
import { errno } from '../errno.ts';
import { keyText } from '../integers.ts';
import type { MapEntry } from '../types.ts';
import { setPerCpu } from './array.ts';
import { BPF_ANY, BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, KernelMap } from './kernel-map.ts';

export interface Element {
  readonly key: Uint8Array;
  readonly regions: readonly Region[];
}

export class HashMap extends KernelMap {
  protected elements = new Map<string, Element>();
  protected readonly perCpu: boolean = false;

  lookupAddress(key: Uint8Array): bigint {
    return this.lookupAddressOn(key, this.host.currentCpu());
  }

  override lookupAddressOn(key: Uint8Array, cpu: number): bigint {
    const text = keyText(key);
    const element = this.elements.get(text);
    if (!element) return 0n;
    this.touched(text, element);
    return element.regions[this.perCpu ? cpu : 0]?.base ?? 0n;
  }

  /** Least-recently-used maps order their elements by use. */
  protected touched(text: string, element: Element): void {
    void text;
    void element;
  }

  /** Called with a full map: true if there is room now. */
  protected makeRoom(): boolean {
    return false;
  }

  private refuse(existing: Element | undefined, flags: bigint): number {
    if (!this.validUpdateFlags(flags)) return errno('EINVAL');
    if (existing && (flags & BPF_NOEXIST) !== 0n) return errno('EEXIST');
    if (!existing && (flags & BPF_EXIST) !== 0n) return errno('ENOENT');
    if (!existing && this.elements.size >= this.definition.maxEntries && !this.makeRoom()) return errno('E2BIG');
    return 0;
  }

  updateElement(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const text = keyText(key);
    const existing = this.elements.get(text);
    const refused = this.refuse(existing, flags);
    if (refused !== 0) return refused;
    const bytes = value.subarray(0, this.definition.valueSize);
    if (existing && (this.perCpu || (flags & BPF_F_LOCK) !== 0n)) {
      this.host.memory.view(existing.regions[this.perCpu ? this.host.currentCpu() : 0]!).set(bytes);
      this.touched(text, existing);
      return 0;
    }
    const ownKey = key.slice();
    const current = this.host.currentCpu();
    const regions = this.perCpu
      ? Array.from({ length: this.host.cpus }, (_, cpu) => this.allocateValue(ownKey, cpu === current ? bytes : undefined, cpu))
      : [this.allocateValue(ownKey, bytes)];
    if (existing) this.retire(existing);
    this.elements.set(text, { key: ownKey, regions });
    this.version++;
    return 0;
  }

  override update(key: Uint8Array, value: Uint8Array, flags: bigint = BPF_ANY): number {
    const result = this.updateElement(key, value, flags);
    if (result === 0 && this.perCpu)
      setPerCpu(this.host.memory, this.elements.get(keyText(key))!.regions, value, this.definition.valueSize);
    return result;
  }

  deleteElement(key: Uint8Array): number {
    const text = keyText(key);
    const element = this.elements.get(text);
    if (!element) return errno('ENOENT');
    this.retire(element);
    this.elements.delete(text);
    this.version++;
    return 0;
  }

  protected retire(element: Element): void {
    for (const region of element.regions) this.host.freeLater(region);
  }

  lookup(key: Uint8Array): readonly Uint8Array[] | undefined {
    return this.elements.get(keyText(key))?.regions.map((region) => this.bytesOf(region));
  }

  entries(): readonly MapEntry[] {
    return [...this.elements.values()].map(({ key, regions }) => ({
      key: key.slice(),
      values: regions.map((region) => this.bytesOf(region)),
    }));
  }

  override walk(): readonly { key: Uint8Array; address: bigint }[] {
    return [...this.elements.values()].map(({ key, regions }) => ({
      key,
      address: regions[this.perCpu ? this.host.currentCpu() : 0]!.base,
    }));
  }

  protected saveState(): unknown {
    return new Map(this.elements);
  }

  protected loadState(state: unknown): void {
    this.elements = new Map(state as Map<string, Element>);
  }
}

export class PerCpuHashMap extends HashMap {
  protected override readonly perCpu: boolean = true;
}
