// Global variables as maps: each of .data*, .rodata*, .bss* becomes an array of one value, as libbpf makes it,
// and .addr_space.1 the first bytes of the arena. New values for globals are written in here, before load.

import { sizeOf } from '#core/btf';
import { error, type Problem } from '#core/problem';
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, MAP_TYPE_ARRAY } from './map-facts.ts';
import { globalKind, type ObjectFile } from './object-file.ts';
import type { PlacedMap } from './btf-maps.ts';
import type { LoadOptions, MapDefinition } from './types.ts';

const OBJECT_NAME_LENGTH = 16;
/** More than any kernel takes for one value; a section that claims more is damaged. */
const MAX_VALUE_SIZE = 1 << 30;
/** Zeros that are written down, of all .bss sections of a file; larger ones have no initial bytes. */
const MAX_WRITTEN_ZEROS = 64 << 20;

/** Name of a global section's map: the section's own where it is a custom one, else the object's name, cut, and the section. */
export function internalMapName(objectName: string, section: string): string {
  if (section.indexOf('.', 1) > 0) return section;
  const suffix = Math.max(7, section.length);
  const prefix = Math.min(OBJECT_NAME_LENGTH - suffix - 1, objectName.length);
  return `${objectName.slice(0, Math.max(prefix, 0))}${section}`.slice(0, OBJECT_NAME_LENGTH - 1).replace(/[^A-Za-z0-9_.]/g, '_');
}

/** An array of one value over a global section; mappable into user space where one of its variables is visible there. */
export function globalMap(object: ObjectFile, section: string, size: number, readOnly: boolean): MapDefinition {
  const { btf } = object;
  const datasecId = btf?.find(section, 'datasec');
  const datasec = btf && datasecId !== undefined ? btf.type(datasecId) : undefined;
  const visible =
    datasec?.kind === 'datasec' &&
    datasec.variables.some(({ type }) => {
      const variable = btf!.type(type);
      return variable?.kind === 'var' && variable.linkage !== 'static' && !object.hidden.has(variable.name);
    });
  return {
    name: internalMapName(object.name, section),
    type: 'array',
    typeId: MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: size,
    maxEntries: 1,
    flags: (readOnly ? BPF_F_RDONLY_PROG : 0) | (visible ? BPF_F_MMAPABLE : 0),
    globalSection: section,
    ...(datasecId === undefined ? {} : { valueTypeId: datasecId }),
  };
}

export function readGlobalMaps(object: ObjectFile, options: LoadOptions): { maps: PlacedMap[]; problems: Problem[] } {
  const maps: PlacedMap[] = [];
  const problems: Problem[] = [];
  let zeros = 0;
  for (const section of object.elf.sections) {
    const kind = globalKind(section);
    if (!kind) continue;
    if (section.size > MAX_VALUE_SIZE) {
      problems.push(
        error(`section ${section.name} claims ${section.size} bytes, more than any map value can have`, {
          code: 'global-size',
          section: section.name,
        }),
      );
      continue;
    }
    const definition = globalMap(object, section.name, section.size, kind === 'rodata');
    zeros += section.size - section.bytes.length;
    if (zeros <= MAX_WRITTEN_ZEROS) {
      definition.initial = new Uint8Array(section.size);
      definition.initial.set(section.bytes);
    }
    maps.push({ definition, section: section.index, offset: 0, size: section.size });
  }
  if (options.globals) problems.push(...setGlobals(maps, object, options.globals));
  return { maps, problems };
}

function setGlobals(maps: readonly PlacedMap[], object: ObjectFile, globals: Readonly<Record<string, bigint | Uint8Array>>): Problem[] {
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(globals)) {
    const found = findGlobal(maps, object, name);
    if (!found) {
      problems.push(error(`there is no global variable ${name} in this object`, { code: 'global-unknown' }));
      continue;
    }
    if (typeof value === 'bigint') {
      for (let i = 0; i < Math.min(found.bytes.length, 8); i++) found.bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
    } else if (value.length === found.bytes.length) found.bytes.set(value);
    else problems.push(error(`${name} has ${found.bytes.length} bytes, the value given ${value.length}`, { code: 'global-size' }));
  }
  return problems;
}

function findGlobal(maps: readonly PlacedMap[], object: ObjectFile, name: string): { bytes: Uint8Array } | undefined {
  const { btf } = object;
  for (const { definition } of maps) {
    const datasec = btf && definition.valueTypeId !== undefined ? btf.type(definition.valueTypeId) : undefined;
    if (datasec?.kind !== 'datasec' || !definition.initial) continue;
    for (const { type, offset, size } of datasec.variables) {
      const variable = btf!.type(type);
      if (variable?.name === name) return { bytes: definition.initial.subarray(offset, offset + (size || sizeOf(btf!, type) || 0)) };
    }
  }
  return undefined;
}
