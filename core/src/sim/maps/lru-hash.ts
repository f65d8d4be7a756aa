// BPF_MAP_TYPE_LRU_HASH and LRU_PERCPU_HASH: a full map forgets the element that was not used for the longest time.
// The kernel approximates this with per-CPU lists and may forget a little earlier; here the order is exact.

import { HashMap, type Element } from './hash.ts';

export class LruHashMap extends HashMap {
  protected override touched(text: string, element: Element): void {
    // JavaScript's Map keeps insertion order: the first is the least recently used.
    this.elements.delete(text);
    this.elements.set(text, element);
    this.version++;
  }

  protected override makeRoom(): boolean {
    const oldest = this.elements.entries().next();
    if (oldest.done) return false;
    this.retire(oldest.value[1]);
    this.elements.delete(oldest.value[0]);
    this.version++;
    return true;
  }
}

export class LruPerCpuHashMap extends LruHashMap {
  protected override readonly perCpu: boolean = true;
}
