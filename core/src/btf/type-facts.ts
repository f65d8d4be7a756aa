// Questions about types that every reader asks: what stands behind the qualifiers, how large, how aligned, which member.
// Types come from files, so every walk is bounded: a cycle is an answer of `undefined`, not a loop.

import type { Btf, BtfComposite, BtfEnum, BtfMember, BtfType } from './types.ts';

/** Kernels bound nesting at 32 (MAX_RESOLVE_DEPTH); chains of qualifiers and typedefs stay below it. */
const MAX_DEPTH = 32;
/** A kernel's largest value has a few megabytes; arrays of arrays of a damaged file can claim more than there are numbers. */
const MAX_SIZE = 2 ** 40;

/** The type behind const, volatile, restrict and type tags. */
export function skipModifiers(btf: Btf, id: number): BtfType | undefined {
  let type = btf.type(id);
  for (let depth = 0; type && depth < MAX_DEPTH; depth++) {
    if (type.kind !== 'const' && type.kind !== 'volatile' && type.kind !== 'restrict' && type.kind !== 'type_tag') return type;
    type = btf.type(type.type);
  }
  return undefined;
}

/** The type behind qualifiers, type tags and typedefs. */
export function resolve(btf: Btf, id: number): BtfType | undefined {
  let type = btf.type(id);
  for (let depth = 0; type && depth < MAX_DEPTH; depth++) {
    if (
      type.kind !== 'const' &&
      type.kind !== 'volatile' &&
      type.kind !== 'restrict' &&
      type.kind !== 'type_tag' &&
      type.kind !== 'typedef'
    )
      return type;
    type = btf.type(type.type);
  }
  return undefined;
}

/** Bytes of a value of this type; undefined for void, functions, forward declarations and damaged types. */
export function sizeOf(btf: Btf, id: number): number | undefined {
  let factor = 1;
  let at = id;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const type = resolve(btf, at);
    switch (type?.kind) {
      case 'int':
      case 'float':
      case 'enum':
      case 'enum64':
      case 'struct':
      case 'union':
      case 'datasec':
        return factor * type.size;
      case 'ptr':
        return factor * btf.pointerSize;
      case 'array':
        factor *= type.count;
        if (factor > MAX_SIZE) return undefined;
        at = type.type;
        break;
      case 'var':
        at = type.type;
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** Natural alignment in bytes. Of a struct, the largest of its members', unless an offset or the size shows that it is packed. */
export function alignOf(btf: Btf, id: number): number {
  return align(btf, id, 0, new Map());
}

function align(btf: Btf, id: number, depth: number, known: Map<number, number>): number {
  const type = resolve(btf, id);
  if (!type || depth > MAX_DEPTH) return 1;
  let found = known.get(type.id);
  if (found === undefined) {
    known.set(type.id, 1);
    known.set(type.id, (found = alignOfType(btf, type, depth, known)));
  }
  return found;
}

function alignOfType(btf: Btf, type: BtfType, depth: number, known: Map<number, number>): number {
  switch (type.kind) {
    case 'int':
    case 'float':
    case 'enum':
    case 'enum64':
      return Math.min(btf.pointerSize, type.size) || 1;
    case 'ptr':
      return btf.pointerSize;
    case 'array':
      return align(btf, type.type, depth + 1, known);
    case 'struct':
    case 'union': {
      let largest = 1;
      for (const member of type.members) {
        const one = align(btf, member.type, depth + 1, known);
        if (member.bitSize === 0 && member.bitOffset % (8 * one) !== 0) return 1;
        largest = Math.max(largest, one);
      }
      return type.size % largest === 0 ? largest : 1;
    }
    default:
      return 1;
  }
}

export interface FoundMember {
  member: BtfMember;
  /** From the start of the outermost struct: anonymous members in between are added up. */
  bitOffset: number;
}

/** The member with this name, also inside anonymous structs and unions. */
export function findMember(btf: Btf, composite: BtfComposite, name: string): FoundMember | undefined {
  return searchMember(btf, composite, name, new Set());
}

function searchMember(btf: Btf, composite: BtfComposite, name: string, searched: Set<number>): FoundMember | undefined {
  searched.add(composite.id);
  for (const member of composite.members) {
    if (member.name === name && name !== '') return { member, bitOffset: member.bitOffset };
    if (member.name !== '' || searched.size > 1000) continue;
    const inner = resolve(btf, member.type);
    if ((inner?.kind !== 'struct' && inner?.kind !== 'union') || searched.has(inner.id)) continue;
    const found = searchMember(btf, inner, name, searched);
    if (found) return { member: found.member, bitOffset: member.bitOffset + found.bitOffset };
  }
  return undefined;
}

/** The first struct or union of that name. */
export function findComposite(btf: Btf, name: string): BtfComposite | undefined {
  const id = btf.find(name, 'struct') ?? btf.find(name, 'union');
  const type = id === undefined ? undefined : btf.type(id);
  return type?.kind === 'struct' || type?.kind === 'union' ? type : undefined;
}

/** The name that an enum gives a value, read as the enum's own size and sign. */
export function enumeratorName(type: BtfEnum, value: bigint): string | undefined {
  const bits = 8 * Math.min(Math.max(type.size, 1), 8);
  const same = BigInt.asUintN(bits, value);
  return type.enumerators.find((one) => BigInt.asUintN(bits, one.value) === same)?.name;
}
