// Whether a pointer to one struct, at an offset, is also a pointer to another: the same struct, or one nested at that offset.

import { resolve, skipModifiers, type Btf, type BtfComposite } from '#core/btf';

const composite = (btf: Btf, id: number): BtfComposite | undefined => {
  const type = skipModifiers(btf, id);
  return type?.kind === 'struct' || type?.kind === 'union' ? type : undefined;
};

const same = (a: Btf, aId: number, b: Btf, bId: number): boolean => a === b && aId === bId;

/** The struct member that begins at `offset`, seen from nearest to farthest in. */
function nestedAt(btf: Btf, type: BtfComposite, offset: number): BtfComposite | undefined {
  for (const member of type.members) {
    if (member.bitSize !== 0 || member.bitOffset % 8 !== 0) continue;
    const start = member.bitOffset / 8;
    const inner = resolve(btf, member.type);
    const element = inner?.kind === 'array' ? resolve(btf, inner.type) : inner;
    if (element?.kind !== 'struct' && element?.kind !== 'union') continue;
    const size = inner!.kind === 'array' ? element.size * inner.count : element.size;
    if (offset < start || offset >= start + size) continue;
    const inside = (offset - start) % element.size;
    return inside === 0 ? element : nestedAt(btf, element, inside);
  }
  return undefined;
}

/** `strict` asks for the struct itself, at its start (btf_struct_ids_match). */
export function structsMatch(btf: Btf, id: number, offset: number, wantedBtf: Btf, wantedId: number, strict: boolean): boolean {
  if (offset === 0 && same(btf, id, wantedBtf, wantedId)) return true;
  if (strict) return false;
  let type = composite(btf, id);
  let at = offset;
  // Each step goes into a struct that is smaller or at the same place: nesting is bounded by the type's depth.
  for (let depth = 0; type && depth < 32; depth++) {
    const inner = nestedAt(btf, type, at);
    if (!inner) return false;
    if (same(btf, inner.id, wantedBtf, wantedId)) return true;
    type = inner;
    at = 0;
  }
  return false;
}
