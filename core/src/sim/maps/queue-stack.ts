// BPF_MAP_TYPE_QUEUE and STACK: values without keys, first or last in first out. Kernel source: kernel/bpf/queue_stack_maps.c.

import { errno } from '../errno.ts';
import type { MapEntry } from '../types.ts';
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST, KernelMap } from './kernel-map.ts';

export class QueueStackMap extends KernelMap {
  private values: readonly Uint8Array[] = [];
  private get isStack(): boolean {
    return this.definition.type === 'stack';
  }

  lookupAddress(): bigint {
    return 0n;
  }

  updateElement(): number {
    return errno('EINVAL');
  }

  deleteElement(): number {
    return errno('EINVAL');
  }

  override push(value: Uint8Array, flags: bigint): number {
    // BPF_EXIST means: drop the oldest if full.
    if ((flags & BPF_NOEXIST) !== 0n || flags > BPF_EXIST) return errno('EINVAL');
    let kept = this.values;
    if (kept.length >= this.definition.maxEntries) {
      if (flags !== BPF_EXIST) return errno('E2BIG');
      kept = kept.slice(1);
    }
    this.values = [...kept, value.slice(0, this.definition.valueSize)];
    this.version++;
    return 0;
  }

  override peek(): Uint8Array | number {
    return this.values.at(this.isStack ? -1 : 0)?.slice() ?? errno('ENOENT');
  }

  override pop(): Uint8Array | number {
    const value = this.peek();
    if (typeof value === 'number') return value;
    this.values = this.isStack ? this.values.slice(0, -1) : this.values.slice(1);
    this.version++;
    return value;
  }

  /** The syscall's update is push. */
  override update(_key: Uint8Array, value: Uint8Array, flags: bigint = BPF_ANY): number {
    return this.push(value, flags);
  }

  override delete(): number {
    return errno('EINVAL');
  }

  lookup(): readonly Uint8Array[] | undefined {
    const value = this.peek();
    return typeof value === 'number' ? undefined : [value];
  }

  /** In the order in which pop would give them. */
  entries(): readonly MapEntry[] {
    const ordered = this.isStack ? [...this.values].reverse() : this.values;
    return ordered.map((value) => ({ key: new Uint8Array(0), values: [value.slice()] }));
  }

  protected saveState(): unknown {
    return this.values;
  }

  protected loadState(state: unknown): void {
    this.values = state as readonly Uint8Array[];
  }
}
