// BPF_MAP_TYPE_STACK_TRACE: stacks by the id that bpf_get_stackid gave. A value is a list of u64 addresses, zero behind the last.
// Kernel source: kernel/bpf/stackmap.c. The id is a hash of the addresses; the kernel's hash differs.

import { errno } from '../errno.ts';
import { littleEndian, view } from '../integers.ts';
import type { MapEntry } from '../types.ts';
import { KernelMap } from './kernel-map.ts';

/** BPF_F_REUSE_STACKID. */
const REUSE_STACKID = 1n << 10n;

export class StackTraceMap extends KernelMap {
  private stacks = new Map<number, readonly bigint[]>();

  /** Buckets: max_entries rounded up to a power of two. */
  private get buckets(): number {
    let count = 1;
    while (count < this.definition.maxEntries) count *= 2;
    return count;
  }

  /** bpf_get_stackid for these addresses: the id, or -EEXIST where another stack has it already. */
  store(addresses: readonly bigint[], flags: bigint): number {
    const kept = addresses.slice(0, Math.floor(this.definition.valueSize / 8));
    if (kept.length === 0) return errno('EFAULT');
    let hash = 0x811c9dc5;
    for (const address of kept) for (const byte of littleEndian(address, 8)) hash = Math.imul(hash ^ byte, 0x01000193);
    const id = (hash >>> 0) % this.buckets;
    const existing = this.stacks.get(id);
    const same = existing !== undefined && existing.length === kept.length && existing.every((address, i) => address === kept[i]);
    if (existing && !same && (flags & REUSE_STACKID) === 0n) return errno('EEXIST');
    if (!same) {
      this.stacks.set(id, kept);
      this.version++;
    }
    return id;
  }

  private bytes(stack: readonly bigint[]): Uint8Array {
    const value = new Uint8Array(this.definition.valueSize);
    stack.forEach((address, i) => value.set(littleEndian(address, 8), 8 * i));
    return value;
  }

  lookupAddress(): bigint {
    return 0n;
  }
  updateElement(): number {
    return errno('EINVAL');
  }
  deleteElement(key: Uint8Array): number {
    if (!this.stacks.delete(view(key).getUint32(0, true))) return errno('ENOENT');
    this.version++;
    return 0;
  }
  lookup(key: Uint8Array): readonly Uint8Array[] | undefined {
    const stack = this.stacks.get(view(key).getUint32(0, true));
    return stack && [this.bytes(stack)];
  }
  entries(): readonly MapEntry[] {
    return [...this.stacks].map(([id, stack]) => ({ key: littleEndian(id, 4), values: [this.bytes(stack)] }));
  }

  protected saveState(): unknown {
    return new Map(this.stacks);
  }
  protected loadState(state: unknown): void {
    this.stacks = new Map(state as Map<number, readonly bigint[]>);
  }
}
