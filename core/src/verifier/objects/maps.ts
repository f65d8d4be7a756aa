// A map as the verifier sees it: its definition, what programs may do with it, and the special fields in its values.

import type { MapDefinition } from '#core/program';
import type { SpecialFields } from './special-fields.ts';

// Flags of BPF_MAP_CREATE that decide about access.
const BPF_F_RDONLY_PROG = 1 << 7;
const BPF_F_WRONLY_PROG = 1 << 8;

export interface VerifierMap {
  readonly definition: MapDefinition;
  /** Index into LoadedObject.maps; -1 for an inner map's template. */
  readonly index: number;
  /** As the log prints it: the kernel keeps 15 bytes. */
  readonly name: string;
  readonly type: string;
  readonly typeId: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly programMayRead: boolean;
  readonly programMayWrite: boolean;
  /** Content that cannot change any more: loads of it are constants. */
  readonly frozen: Uint8Array | undefined;
  /** Locks, timers, kptrs and graph roots in a value; undefined where there are none. */
  readonly fields: SpecialFields | undefined;
  /** The value's type, where BTF says. */
  readonly inner: VerifierMap | undefined;
}

export function makeMap(
  definition: MapDefinition,
  index: number,
  fields: (definition: MapDefinition) => SpecialFields | undefined,
): VerifierMap {
  const readOnly = (definition.flags & BPF_F_RDONLY_PROG) !== 0;
  // The loader freezes .rodata and .kconfig after it has filled them.
  const section = definition.globalSection;
  const frozen = readOnly && section !== undefined && (section.startsWith('.rodata') || section.startsWith('.kconfig'));
  const valueSize = definition.valueSize;
  return {
    definition,
    index,
    name: definition.name.slice(0, 15),
    type: definition.type,
    typeId: definition.typeId,
    keySize: definition.keySize,
    valueSize,
    maxEntries: definition.maxEntries,
    flags: definition.flags,
    programMayRead: (definition.flags & BPF_F_WRONLY_PROG) === 0,
    // A look-up in a map of devices gives the kernel's own memory.
    programMayWrite: !readOnly && definition.type !== 'devmap' && definition.type !== 'devmap_hash',
    frozen: frozen ? (definition.initial ?? new Uint8Array(valueSize)) : undefined,
    fields: fields(definition),
    inner: definition.inner ? makeMap(definition.inner, -1, fields) : undefined,
  };
}
