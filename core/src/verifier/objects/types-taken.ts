// What the kernel has of an object's types once a loader is done: all of them, none where it refuses the BTF, and none for a map
// whose fields its type does not allow. Loaders go on without types then, and so do we. Says nothing about programs.

import type { Btf } from '#core/btf';
import type { LoadedObject, MapDefinition, Program } from '#core/program';
import { mapTakesFields, specialFieldsOf, structRefused } from './special-fields.ts';

/** The program and its object as the kernel sees them; the same two where it takes everything. */
export function withTypesTaken(
  program: Program,
  object: LoadedObject,
  kernelBtf: Btf | undefined,
): { program: Program; object: LoadedObject } {
  const { btf } = object;
  if (!btf) return { program, object };
  // A struct_ops map needs the types: without them nothing is loaded at all, and the verdict is on what would be.
  if (structRefused(btf, kernelBtf) !== undefined && !object.maps.some((map) => map.structOps)) {
    const { btf: refused, ...rest } = object;
    return {
      program: { ...program, subprograms: program.subprograms.map(({ name, start, end }) => ({ name, start, end })) },
      object: { ...rest, maps: object.maps.map(withoutTypes) },
    };
  }
  if (object.maps.every((map) => takesTypes(btf, map))) return { program, object };
  return { program, object: { ...object, maps: object.maps.map((map) => (takesTypes(btf, map) ? map : withoutTypes(map))) } };
}

const takesTypes = (btf: Btf, map: MapDefinition): boolean =>
  map.valueTypeId === undefined || mapTakesFields(map, specialFieldsOf(btf, map.valueTypeId));

function withoutTypes({ keyTypeId: key, valueTypeId: value, ...map }: MapDefinition): MapDefinition {
  return map.inner ? { ...map, inner: withoutTypes(map.inner) } : map;
}
