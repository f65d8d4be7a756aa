// BPF_MAP_TYPE_BLOOM_FILTER: push remembers a value, peek asks whether it may have been pushed.
// The bit array has the kernel's size (kernel/bpf/bloom_filter.c); its hash differs, so which values are false positives does too.

import { errno } from '../errno.ts';
import type { MapEntry } from '../types.ts';
import { BPF_ANY, KernelMap } from './kernel-map.ts';

const DEFAULT_HASHES = 5;

export class BloomFilterMap extends KernelMap {
  private bits: Uint8Array | undefined;

  private get hashes(): number {
    return Number((this.definition.mapExtra ?? 0n) & 0xfn) || DEFAULT_HASHES;
  }

  private get bitCount(): number {
    // hashes * entries / ln 2, rounded up to a power of two.
    const wanted = Math.floor(Math.floor((this.definition.maxEntries * this.hashes) / 5) * 7);
    let count = 64;
    while (count < wanted) count *= 2;
    return count;
  }

  private positions(value: Uint8Array): number[] {
    return Array.from({ length: this.hashes }, (_, seed) => {
      let hash = 0x811c9dc5 ^ Math.imul(seed + 1, 0x9e3779b1);
      for (const byte of value) hash = Math.imul(hash ^ byte, 0x01000193);
      return ((hash ^ (hash >>> 15)) >>> 0) % this.bitCount;
    });
  }

  override push(value: Uint8Array, flags: bigint): number {
    if (flags !== BPF_ANY) return errno('EINVAL');
    const bits = this.bits?.slice() ?? new Uint8Array(this.bitCount / 8);
    for (const at of this.positions(value)) bits[at >> 3]! |= 1 << (at & 7);
    this.bits = bits;
    this.version++;
    return 0;
  }

  override peek(value: Uint8Array): Uint8Array | number {
    const { bits } = this;
    return bits && this.positions(value).every((at) => (bits[at >> 3]! & (1 << (at & 7))) !== 0) ? value : errno('ENOENT');
  }

  override pop(): number {
    return errno('EOPNOTSUPP');
  }

  lookupAddress(): bigint {
    return 0n;
  }
  updateElement(): number {
    return errno('EINVAL');
  }
  deleteElement(): number {
    return errno('EOPNOTSUPP');
  }
  override update(_key: Uint8Array, value: Uint8Array, flags: bigint = BPF_ANY): number {
    return this.push(value, flags);
  }
  lookup(): undefined {
    return undefined;
  }
  entries(): readonly MapEntry[] {
    return [];
  }

  protected saveState(): unknown {
    return this.bits;
  }
  protected loadState(state: unknown): void {
    this.bits = state as Uint8Array | undefined;
  }
}
