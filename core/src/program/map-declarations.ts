// Where the source declares each map, out of the object's debug information. Nothing is read before somebody asks: debug information
// is the largest part of an object, and few who load one want to know.

import { readDwarf } from '#core/dwarf';
import type { Elf } from '#core/elf';
import type { PlacedMap } from './btf-maps.ts';
import { defineLazy } from './lazy-property.ts';
import type { MapDefinition } from './types.ts';

/** Gives the definitions their `declared`: a property that finds the place when it is read. Maps that stand for whole sections have none. */
export function placeDeclarations(elf: Elf, maps: readonly PlacedMap[]): void {
  let places: ReadonlyMap<string, MapDefinition['declared']> | undefined;
  for (const { definition, section, offset } of maps) {
    if (definition.globalSection !== undefined) continue;
    defineLazy(definition, 'declared', () => (places ??= declarations(elf)).get(`${section}+${offset}`));
  }
}

/** File and line of every variable, by section and offset. */
function declarations(elf: Elf): ReadonlyMap<string, MapDefinition['declared']> {
  const places = new Map<string, MapDefinition['declared']>();
  for (const { location, declared } of readDwarf(elf).dwarf?.globals ?? []) {
    if (location.kind === 'global' && declared)
      places.set(`${location.address.section}+${location.address.offset}`, { file: declared.file, line: declared.line });
  }
  return places;
}
