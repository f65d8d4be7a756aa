// What lies at an offset of an object, in C's words: `.entries[2].count`, which array, or padding. One view of types for both
// of their sources, BTF (maps, kernel objects) and DWARF (variables).

import { type Btf, resolve, sizeOf, typeName } from '#core/btf';
import type { CType } from '#core/dwarf';

export interface Layout {
  /** As C writes it: `struct event`, `__u32`. */
  readonly name: string;
  readonly size: number;
  /** Of a struct or union; offsets in bytes. */
  readonly members?: () => readonly { readonly name: string; readonly offset: number; readonly layout: Layout }[];
  readonly isUnion?: boolean;
  readonly element?: Layout;
  readonly count?: number;
  /** Of a pointer. */
  readonly target?: () => Layout | undefined;
}

export function layoutOfBtf(btf: Btf, id: number): Layout | undefined {
  const type = resolve(btf, id);
  if (!type) return undefined;
  const name = typeName(btf, id);
  const size = sizeOf(btf, id) ?? 0;
  switch (type.kind) {
    case 'struct':
    case 'union':
      return {
        name,
        size,
        isUnion: type.kind === 'union',
        members: () =>
          type.members.flatMap((member) => {
            const layout = layoutOfBtf(btf, member.type);
            return layout ? [{ name: member.name, offset: Math.floor(member.bitOffset / 8), layout }] : [];
          }),
      };
    case 'array': {
      const element = layoutOfBtf(btf, type.type);
      return element ? { name, size, element, count: type.count } : undefined;
    }
    case 'ptr':
      return { name, size, target: () => layoutOfBtf(btf, type.type) };
    default:
      return { name, size };
  }
}

export function layoutOfC(type: CType): Layout {
  const { name, size } = type;
  switch (type.kind) {
    case 'record':
      return {
        name,
        size,
        isUnion: type.keyword === 'union',
        members: () =>
          type
            .members()
            .map((member) => ({ name: member.name, offset: Math.floor(member.offsetBits / 8), layout: layoutOfC(member.type) })),
      };
    case 'array':
      return { name, size, element: layoutOfC(type.element), count: type.count };
    case 'pointer':
      return { name, size, target: () => layoutOfC(type.target()) };
    default:
      return { name, size };
  }
}

export interface PlaceInObject {
  /** What follows the object's name: `.entries[2].count`; empty for the object itself. */
  readonly path: string;
  readonly layout: Layout;
  /** Offset of that part in the object. */
  readonly start: number;
  /** The array around the place, where there is one: its path, element and count. */
  readonly array?: { readonly path: string; readonly layout: Layout; readonly start: number };
  /** The place belongs to no member. */
  readonly padding: boolean;
}

const MAX_NESTING = 16;

/**
 * The innermost part that holds [offset, offset + size). An index that is not known stops at the array: with `variable` the
 * outermost array that holds the offset is as far as it goes.
 */
export function placeAt(object: Layout, offset: number, size: number, variable = false): PlaceInObject | undefined {
  let place: PlaceInObject = { path: '', layout: object, start: 0, padding: false };
  for (let depth = 0; depth < MAX_NESTING; depth++) {
    const { layout, path, start } = place;
    const { array } = place;
    const rest = offset - start;
    if (rest < 0) return depth === 0 ? undefined : place;
    if (layout.element && layout.count !== undefined) {
      const inside = { path, layout, start };
      if (variable) return { ...place, array: inside };
      const index = layout.element.size > 0 ? Math.floor(rest / layout.element.size) : 0;
      if (index >= layout.count && layout.count > 0) return { ...place, array: inside };
      if (layout.element.size === 0 || rest + size > (index + 1) * layout.element.size) return { ...place, array: inside };
      place = {
        path: `${path}[${index}]`,
        layout: layout.element,
        start: start + index * layout.element.size,
        array: inside,
        padding: false,
      };
      continue;
    }
    const members = layout.members?.();
    if (!members || members.length === 0) return place;
    if (rest >= layout.size) return place;
    if (rest === 0 && size === layout.size && !variable) return place;
    const within = members.filter((member) => rest >= member.offset && rest < member.offset + Math.max(1, member.layout.size));
    // Of a union, the member that fits exactly says most.
    const member =
      within.find((one) => rest === one.offset && one.layout.size === size) ??
      within.find((one) => rest + size <= one.offset + one.layout.size) ??
      within[0];
    if (!member) return { ...place, padding: true };
    if (rest + size > member.offset + member.layout.size && !layout.isUnion && !variable) return place;
    place = {
      path: member.name === '' ? path : `${path}.${member.name}`,
      layout: member.layout,
      start: start + member.offset,
      ...(array ? { array } : {}),
      padding: false,
    };
  }
  return place;
}

/** `->entries[2].count` behind a pointer: its first step is an arrow. */
export const behindPointer = (path: string): string => (path.startsWith('.') ? `->${path.slice(1)}` : path);

/** `data has 16 elements, 0 to 15`. */
export function describeArray(name: string, layout: Layout): string {
  const { count = 0 } = layout;
  if (count === 0) return `\`${name}\` is an array of no fixed length`;
  return count === 1 ? `\`${name}\` has 1 element, 0` : `\`${name}\` has ${count} elements, 0 to ${count - 1}`;
}

/** Members that lie in [from, to), and the padding there, as `key.pad`; for uninitialised bytes. */
export function partsOf(object: Layout, from: number, to: number): { members: string[]; padding: [number, number][] } {
  const members: string[] = [];
  const padding: [number, number][] = [];
  const visit = (layout: Layout, path: string, start: number, depth: number): void => {
    const parts = layout.isUnion || depth > MAX_NESTING ? undefined : layout.members?.();
    if (!parts || parts.length === 0 || (start >= from && start + layout.size <= to && depth > 0)) {
      if (path !== '') members.push(path);
      return;
    }
    let end = start;
    const gap = (next: number): void => {
      const low = Math.max(end, from);
      const high = Math.min(next, to);
      if (low < high) padding.push([low, high]);
    };
    for (const part of parts) {
      const at = start + part.offset;
      if (at > end) gap(at);
      if (at < to && at + Math.max(1, part.layout.size) > from)
        visit(part.layout, part.name === '' ? path : `${path}.${part.name}`, at, depth + 1);
      end = Math.max(end, at + part.layout.size);
    }
    gap(start + layout.size);
  };
  visit(object, '', 0, 0);
  return { members: [...new Set(members)], padding };
}
