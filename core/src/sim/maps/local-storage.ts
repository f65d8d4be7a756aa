// BPF_MAP_TYPE_TASK_STORAGE, SK_STORAGE, CGRP_STORAGE, CGROUP_STORAGE and INODE_STORAGE: a value that belongs to a kernel object
// and goes with it. Programs reach it through bpf_*_storage_get, never through bpf_map_lookup_elem.
// Kernel sources: kernel/bpf/bpf_local_storage.c, local_storage.c.

import type { Region } from '#core/vm';
import { errno } from '../errno.ts';
import { utf8 } from '../integers.ts';
import type { MapEntry } from '../types.ts';
import { KernelMap } from './kernel-map.ts';

/** BPF_LOCAL_STORAGE_GET_F_CREATE. */
const GET_F_CREATE = 1n;

export class LocalStorageMap extends KernelMap {
  private values = new Map<string, Region>();

  /** bpf_task_storage_get and its sisters: the address of the owner's value, made if asked for, else 0. */
  get(owner: { identity: string; label: string }, initial: Uint8Array | undefined, flags: bigint): bigint {
    if (flags & ~GET_F_CREATE) return 0n;
    const existing = this.values.get(owner.identity);
    if (existing) return existing.base;
    if ((flags & GET_F_CREATE) === 0n) return 0n;
    const region = this.host.memory.allocate({
      kind: 'map_value',
      name: `${this.definition.name}[${owner.label}]`,
      size: this.definition.valueSize,
      owner: { map: this, key: utf8(owner.label) },
      ...(initial ? { initial } : {}),
    });
    this.values.set(owner.identity, region);
    this.version++;
    return region.base;
  }

  /** bpf_task_storage_delete and its sisters. */
  remove(owner: { identity: string }): number {
    const existing = this.values.get(owner.identity);
    if (!existing) return errno('ENOENT');
    this.host.freeLater(existing);
    this.values.delete(owner.identity);
    this.version++;
    return 0;
  }

  lookupAddress(): bigint {
    return 0n;
  }
  updateElement(): number {
    return errno('EOPNOTSUPP');
  }
  deleteElement(): number {
    return errno('EOPNOTSUPP');
  }
  lookup(): undefined {
    return undefined;
  }

  /** Keys are the owners' names, as text. */
  entries(): readonly MapEntry[] {
    return [...this.values.values()].map((region) => ({ key: (region.owner as { key: Uint8Array }).key, values: [this.bytesOf(region)] }));
  }

  protected saveState(): unknown {
    return new Map(this.values);
  }
  protected loadState(state: unknown): void {
    this.values = new Map(state as Map<string, Region>);
  }
}
