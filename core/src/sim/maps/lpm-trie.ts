// BPF_MAP_TYPE_LPM_TRIE: keys are a prefix length (u32, bits) and data in network order; a lookup finds the longest prefix
// that matches. Kernel source: kernel/bpf/lpm_trie.c. Stored as a list, not as a trie: simulated tables are small.

import type { Region } from '#core/vm';
import { errno } from '../errno.ts';
import { keyText, view } from '../integers.ts';
import type { MapEntry } from '../types.ts';
import { BPF_EXIST, BPF_NOEXIST, KernelMap } from './kernel-map.ts';

interface Prefix {
  readonly key: Uint8Array;
  readonly bits: number;
  readonly region: Region;
}

/** Whether the first `bits` bits behind the length word are equal. */
function sharePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[4 + i] !== b[4 + i]) return false;
  const rest = bits & 7;
  return rest === 0 || (a[4 + whole]! ^ b[4 + whole]!) >> (8 - rest) === 0;
}

export class LpmTrieMap extends KernelMap {
  private prefixes = new Map<string, Prefix>();

  private get maximumBits(): number {
    return (this.definition.keySize - 4) * 8;
  }

  /** Equal prefixes are one entry whatever stands in the bits behind them. */
  private identity(key: Uint8Array, bits: number): string {
    const normal = key.slice();
    for (let bit = bits; bit < this.maximumBits; bit++) normal[4 + (bit >> 3)]! &= ~(0x80 >> (bit & 7));
    return keyText(normal);
  }

  private longest(key: Uint8Array): Prefix | undefined {
    const bits = view(key).getUint32(0, true);
    let best: Prefix | undefined;
    for (const prefix of this.prefixes.values()) {
      if (prefix.bits <= bits && prefix.bits >= (best?.bits ?? 0) && sharePrefix(prefix.key, key, prefix.bits)) best = prefix;
    }
    return best;
  }

  lookupAddress(key: Uint8Array): bigint {
    return view(key).getUint32(0, true) > this.maximumBits ? 0n : (this.longest(key)?.region.base ?? 0n);
  }

  updateElement(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const bits = view(key).getUint32(0, true);
    if (flags > BPF_EXIST || bits > this.maximumBits) return errno('EINVAL');
    const text = this.identity(key, bits);
    const existing = this.prefixes.get(text);
    if (existing && flags === BPF_NOEXIST) return errno('EEXIST');
    if (!existing && flags === BPF_EXIST) return errno('ENOENT');
    if (!existing && this.prefixes.size >= this.definition.maxEntries) return errno('ENOSPC');
    const ownKey = key.slice();
    const region = this.allocateValue(ownKey, value.subarray(0, this.definition.valueSize));
    if (existing) this.host.freeLater(existing.region);
    this.prefixes.set(text, { key: ownKey, bits, region });
    this.version++;
    return 0;
  }

  deleteElement(key: Uint8Array): number {
    const bits = view(key).getUint32(0, true);
    if (bits > this.maximumBits) return errno('EINVAL');
    const text = this.identity(key, bits);
    const existing = this.prefixes.get(text);
    if (!existing) return errno('ENOENT');
    this.host.freeLater(existing.region);
    this.prefixes.delete(text);
    this.version++;
    return 0;
  }

  lookup(key: Uint8Array): readonly Uint8Array[] | undefined {
    const found = this.longest(key);
    return found ? [this.bytesOf(found.region)] : undefined;
  }

  /** Longest prefixes first, as the kernel walks its trie. */
  entries(): readonly MapEntry[] {
    return [...this.prefixes.values()]
      .sort((a, b) => b.bits - a.bits)
      .map(({ key, region }) => ({ key: key.slice(), values: [this.bytesOf(region)] }));
  }

  protected saveState(): unknown {
    return new Map(this.prefixes);
  }
  protected loadState(state: unknown): void {
    this.prefixes = new Map(state as Map<string, Prefix>);
  }
}
