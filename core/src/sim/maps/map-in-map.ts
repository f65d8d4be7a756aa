// BPF_MAP_TYPE_ARRAY_OF_MAPS and HASH_OF_MAPS: a lookup gives the inner map itself, which user space put there.
// Kernel source: kernel/bpf/map_in_map.c.

import { errno } from '../errno.ts';
import { fromLittleEndian, keyText, littleEndian, view } from '../integers.ts';
import type { MapEntry } from '../types.ts';
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST, KernelMap } from './kernel-map.ts';

export class MapOfMaps extends KernelMap {
  private inner = new Map<string, { key: Uint8Array; map: KernelMap }>();
  private get isArray(): boolean {
    return this.definition.type === 'array_of_maps';
  }

  lookupAddress(key: Uint8Array): bigint {
    return this.inner.get(keyText(key))?.map.handle.base ?? 0n;
  }

  /** Programs may not update it; the verifier says so. */
  updateElement(): number {
    return errno('EINVAL');
  }

  deleteElement(): number {
    return errno('EINVAL');
  }

  /** Puts a map into a slot, as user space does with its file descriptor. */
  setMap(key: Uint8Array, map: KernelMap, flags: bigint = BPF_ANY): number {
    const text = keyText(key);
    const exists = this.inner.has(text);
    if (flags > BPF_EXIST) return errno('EINVAL');
    if (this.isArray) {
      if (view(key).getUint32(0, true) >= this.definition.maxEntries) return errno('E2BIG');
      if (flags === BPF_NOEXIST) return errno('EEXIST');
    } else {
      if (exists && flags === BPF_NOEXIST) return errno('EEXIST');
      if (!exists && flags === BPF_EXIST) return errno('ENOENT');
      if (!exists && this.inner.size >= this.definition.maxEntries) return errno('E2BIG');
    }
    const wanted = this.definition.inner;
    // bpf_map_meta_equal: the verifier checked programs against the inner definition.
    if (
      wanted &&
      (wanted.typeId !== map.definition.typeId ||
        wanted.keySize !== map.definition.keySize ||
        wanted.valueSize !== map.definition.valueSize)
    )
      return errno('EINVAL');
    this.inner.set(text, { key: key.slice(), map });
    this.version++;
    return 0;
  }

  /** The value is the inner map's id. */
  override update(key: Uint8Array, value: Uint8Array, flags: bigint = BPF_ANY): number {
    const map = this.host.mapById(Number(fromLittleEndian(value.subarray(0, 4))));
    return map ? this.setMap(key, map, flags) : errno('EBADF');
  }

  override delete(key: Uint8Array): number {
    if (!this.inner.delete(keyText(key))) return errno('ENOENT');
    this.version++;
    return 0;
  }

  lookup(key: Uint8Array): readonly Uint8Array[] | undefined {
    const slot = this.inner.get(keyText(key));
    return slot ? [littleEndian(slot.map.id, 4)] : undefined;
  }

  entries(): readonly MapEntry[] {
    return [...this.inner.values()].map(({ key, map }) => ({ key: key.slice(), values: [littleEndian(map.id, 4)] }));
  }

  protected saveState(): unknown {
    return new Map(this.inner);
  }

  protected loadState(state: unknown): void {
    this.inner = new Map(state as Map<string, { key: Uint8Array; map: KernelMap }>);
  }
}
