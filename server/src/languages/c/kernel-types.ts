// The target kernel's types by name, for completion: its structs, typedefs and enumerators, each list made once when first asked for.

import type { Btf, BtfEnum } from '#core/btf';

export interface KernelName {
  name: string;
  kind: 'struct' | 'union' | 'enum' | 'typedef' | 'enumerator';
  id: number;
  value?: bigint;
}

interface Names {
  /** Sorted by name. */
  types: readonly KernelName[];
  enumerators: readonly KernelName[];
  byEnumerator: ReadonlyMap<string, KernelName>;
}

const known = new WeakMap<Btf, Names>();

function namesOf(btf: Btf): Names {
  let names = known.get(btf);
  if (names) return names;
  const types = new Map<string, KernelName>();
  const byEnumerator = new Map<string, KernelName>();
  for (let id = 1; id < btf.typeCount; id++) {
    const kind = btf.kind(id);
    if (kind !== 'struct' && kind !== 'union' && kind !== 'typedef' && kind !== 'enum' && kind !== 'enum64') continue;
    const type = btf.type(id);
    if (!type) continue;
    const shown = kind === 'enum64' ? 'enum' : kind;
    if (type.name !== '' && !types.has(`${shown} ${type.name}`)) types.set(`${shown} ${type.name}`, { name: type.name, kind: shown, id });
    if (shown === 'enum')
      for (const { name, value } of (type as BtfEnum).enumerators)
        if (!byEnumerator.has(name)) byEnumerator.set(name, { name, kind: 'enumerator', id, value });
  }
  const sorted = (all: Iterable<KernelName>): KernelName[] => [...all].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  names = { types: sorted(types.values()), enumerators: sorted(byEnumerator.values()), byEnumerator };
  known.set(btf, names);
  return names;
}

export const kernelEnumerator = (btf: Btf, name: string): KernelName | undefined => namesOf(btf).byEnumerator.get(name);

/** Types of some kinds whose name begins so, at most `limit`. */
export function kernelTypes(btf: Btf, kinds: readonly KernelName['kind'][], prefix: string, limit: number): KernelName[] {
  return beginning(namesOf(btf).types, prefix, limit, (one) => kinds.includes(one.kind));
}

export function kernelEnumerators(btf: Btf, prefix: string, limit: number): KernelName[] {
  return beginning(namesOf(btf).enumerators, prefix, limit, () => true);
}

function beginning(sorted: readonly KernelName[], prefix: string, limit: number, wanted: (one: KernelName) => boolean): KernelName[] {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.name < prefix) low = middle + 1;
    else high = middle;
  }
  const found: KernelName[] = [];
  for (; low < sorted.length && found.length < limit && sorted[low]!.name.startsWith(prefix); low++)
    if (wanted(sorted[low]!)) found.push(sorted[low]!);
  return found;
}
