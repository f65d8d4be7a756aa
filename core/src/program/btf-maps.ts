// Reads map definitions of SEC(".maps"): a struct variable whose members' types say what the map is, as libbpf's
// macros __uint, __ulong, __type and __array write it. The kernel documentation of the format is bpf/libbpf and bpf/btf.rst, section 5.

import { resolve, sizeOf, skipModifiers, type Btf, type BtfComposite, type BtfMember } from '#core/btf';
import { R_BPF_64_64, STT_FUNC, type Elf, type ElfSection } from '#core/elf';
import { mapTypeById } from '#core/catalog';
import { error, type Problem } from '#core/problem';
import {
  BPF_F_MMAPABLE,
  MAP_TYPE_ARENA,
  MAP_TYPE_PERF_EVENT_ARRAY,
  MAP_TYPE_PROG_ARRAY,
  MAP_TYPE_RINGBUF,
  MAP_TYPE_USER_RINGBUF,
  mapTypeName,
} from './map-facts.ts';
import { firstAt } from './relocations.ts';
import type { LoadOptions, MapDefinition } from './types.ts';

/** A definition and where its variable stands, for relocations. */
export interface PlacedMap {
  definition: MapDefinition;
  section: number;
  offset: number;
  size: number;
  /** Bytes from the variable's start to its `values`, where it has them. */
  valuesOffset?: number;
}

const OUTER_TYPES: readonly number[] = [12, 13];
const PAGE_SIZE = 4096;

/** All maps of the `.maps` section in order of their place. */
export function readBtfMaps(
  elf: Elf,
  section: ElfSection,
  btf: Btf | undefined,
  options: LoadOptions,
): { maps: PlacedMap[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const maps: PlacedMap[] = [];
  const place = { section: section.name };
  const datasecId = btf?.find('.maps', 'datasec');
  const datasec = btf && datasecId !== undefined ? btf.type(datasecId) : undefined;
  if (!btf || datasec?.kind !== 'datasec') {
    problems.push(
      error('the object has maps in SEC(".maps") but no BTF that describes them: compile with -g', { code: 'map-btf-missing', ...place }),
    );
    return { maps, problems };
  }
  // gcc leaves the offsets in BTF at 0; the symbols have them, as libbpf takes them where the section has no size in BTF.
  const symbols = new Map(elf.symbolsIn(section.index).map((symbol) => [symbol.name, symbol]));
  for (const { type: id, offset: inBtf, size } of datasec.variables) {
    const variable = btf.type(id);
    const offset = (variable && symbols.get(variable.name)?.value) ?? inBtf;
    if (variable?.kind !== 'var') {
      problems.push(error(`the BTF of section .maps lists type ${id}, which is no variable`, { code: 'map-btf', ...place }));
      continue;
    }
    const fail = (message: string): void =>
      void problems.push(error(`map ${variable.name}: ${message}`, { code: 'map-definition', ...place }));
    if (variable.linkage === 'extern') {
      fail('an extern map; link the object that defines it with `bpftool gen object`');
      continue;
    }
    const definition = resolve(btf, variable.type);
    if (definition?.kind !== 'struct') {
      fail('its definition is not a struct');
      continue;
    }
    const result = readDefinition(btf, variable.name, definition, fail, false);
    const map = withDefaults(result.map, options);
    const known = size || sizeOf(btf, variable.type) || 0;
    maps.push({
      definition: map,
      section: section.index,
      offset,
      size: known,
      ...(result.valuesOffset === undefined ? {} : { valuesOffset: result.valuesOffset }),
    });
  }
  readSlots(elf, section, maps, problems);
  return { maps, problems };
}

function readDefinition(
  btf: Btf,
  name: string,
  struct: BtfComposite,
  fail: (message: string) => void,
  inner: boolean,
): { map: MapDefinition; valuesOffset?: number } {
  const map: MapDefinition = { name, type: 'unspec', typeId: 0, keySize: 0, valueSize: 0, maxEntries: 0, flags: 0 };
  let valuesOffset: number | undefined;
  const uint = (member: BtfMember): number => {
    const value = numberOf(btf, member);
    if (value === undefined) fail(`member ${member.name} is not written with __uint or __ulong`);
    return Number(value ?? 0n);
  };
  const sized = (member: BtfMember, what: 'key' | 'value'): { size: number; typeId: number } | undefined => {
    const pointer = skipModifiers(btf, member.type);
    const size = pointer?.kind === 'ptr' ? sizeOf(btf, pointer.type) : undefined;
    if (pointer?.kind !== 'ptr' || size === undefined) {
      fail(`the ${what}'s type has no size: write it with __type(${what}, …) and a complete type`);
      return undefined;
    }
    return { size, typeId: pointer.type };
  };
  const agree = (what: 'key' | 'value', known: number, size: number): void => {
    if (known !== 0 && known !== size) fail(`${what}_size ${known} and the size of its type (${size}) differ`);
  };
  for (const member of struct.members) {
    switch (member.name) {
      case 'type':
        map.typeId = uint(member);
        break;
      case 'max_entries':
        map.maxEntries = uint(member);
        break;
      case 'map_flags':
        map.flags = uint(member);
        break;
      case 'numa_node':
        uint(member);
        break;
      case 'map_extra':
        map.mapExtra = numberOf(btf, member) ?? 0n;
        break;
      case 'key_size': {
        const size = uint(member);
        agree('key', map.keySize, size);
        map.keySize = size;
        break;
      }
      case 'value_size': {
        const size = uint(member);
        agree('value', map.valueSize, size);
        map.valueSize = size;
        break;
      }
      case 'key': {
        const key = sized(member, 'key');
        if (!key) break;
        agree('key', map.keySize, key.size);
        map.keySize = key.size;
        map.keyTypeId = key.typeId;
        break;
      }
      case 'value': {
        const value = sized(member, 'value');
        if (!value) break;
        agree('value', map.valueSize, value.size);
        map.valueSize = value.size;
        map.valueTypeId = value.typeId;
        break;
      }
      case 'values': {
        const array = skipModifiers(btf, member.type);
        const pointer = array?.kind === 'array' ? skipModifiers(btf, array.type) : undefined;
        const target = pointer?.kind === 'ptr' ? resolve(btf, pointer.type) : undefined;
        if (member !== struct.members.at(-1)) fail('values must be the last member');
        valuesOffset = Math.floor(member.bitOffset / 8);
        // What `values` holds fixes the value size: a file descriptor of a map or of a program.
        if (map.valueSize !== 0 && map.valueSize !== 4) fail(`value_size ${map.valueSize} of a map with values is not 4`);
        map.valueSize = 4;
        if (target?.kind === 'struct') {
          if (inner) fail('an inner map cannot have maps inside');
          else map.inner = withDefaults(readDefinition(btf, `${name}.inner`, target, fail, true).map, {});
        } else if (target?.kind !== 'func_proto') fail('values are neither maps nor functions: write them with __array(values, …)');
        break;
      }
      case 'pinning': {
        const pinning = uint(member);
        if (pinning > 1) fail(`invalid pinning value ${pinning}: LIBBPF_PIN_NONE is 0, LIBBPF_PIN_BY_NAME is 1`);
        if (pinning === 1) map.pinned = true;
        break;
      }
      default:
        fail(
          `member ${member.name || '(without a name)'} is unknown; libbpf knows type, max_entries, map_flags, numa_node, key_size, key, value_size, value, values, pinning and map_extra`,
        );
    }
  }
  if (map.typeId === 0) fail('it has no type: write __uint(type, BPF_MAP_TYPE_…)');
  map.type = mapTypeName(map.typeId);
  if (map.inner && !OUTER_TYPES.includes(map.typeId))
    fail(`values are maps, but the type is ${map.type}: write BPF_MAP_TYPE_ARRAY_OF_MAPS or BPF_MAP_TYPE_HASH_OF_MAPS`);
  if (!map.inner && valuesOffset !== undefined && map.typeId !== MAP_TYPE_PROG_ARRAY)
    fail(`values are functions, but the type is ${map.type}: write BPF_MAP_TYPE_PROG_ARRAY`);
  return { map, ...(valuesOffset === undefined ? {} : { valuesOffset }) };
}

/** `int (*name)[N]` is N, and so is the first enumerator of `enum { x = N } name`. */
function numberOf(btf: Btf, member: BtfMember): bigint | undefined {
  const type = skipModifiers(btf, member.type);
  if (type?.kind === 'ptr') {
    const array = skipModifiers(btf, type.type);
    return array?.kind === 'array' ? BigInt(array.count) : undefined;
  }
  if (type?.kind === 'enum' || type?.kind === 'enum64') return type.enumerators[0]?.value;
  return undefined;
}

/** What libbpf fills in where the definition is silent. */
function withDefaults(map: MapDefinition, options: LoadOptions): MapDefinition {
  if (map.typeId === MAP_TYPE_PERF_EVENT_ARRAY && map.maxEntries === 0) map.maxEntries = options.cpus ?? 1;
  if ((map.typeId === MAP_TYPE_RINGBUF || map.typeId === MAP_TYPE_USER_RINGBUF) && map.maxEntries !== 0)
    map.maxEntries = ringBytes(map.maxEntries);
  if (OUTER_TYPES.includes(map.typeId) || map.typeId === MAP_TYPE_PROG_ARRAY) map.valueSize ||= 4;
  if (OUTER_TYPES.includes(map.typeId) || map.typeId === MAP_TYPE_PROG_ARRAY || map.typeId === MAP_TYPE_PERF_EVENT_ARRAY) map.keySize ||= 4;
  if (map.typeId === MAP_TYPE_PERF_EVENT_ARRAY) map.valueSize ||= 4;
  if (map.typeId === MAP_TYPE_ARENA) map.flags |= BPF_F_MMAPABLE;
  if (map.maxEntries === 0 && mapTypeById(map.typeId)?.maxEntries !== 'zero') map.sizedByUser = true;
  return map;
}

/** Ring buffers are a power of two of pages: libbpf rounds up what the program says. */
function ringBytes(wanted: number): number {
  let size = PAGE_SIZE;
  while (size < wanted && size < 2 ** 31) size *= 2;
  return size < wanted ? wanted : size;
}

/** `values` initialisers are relocations in the section's own bytes: 8 bytes a slot. */
function readSlots(elf: Elf, section: ElfSection, maps: readonly PlacedMap[], problems: Problem[]): void {
  const slots = new Map<PlacedMap, { index: number; target: string }[]>();
  const names = new Map(maps.toReversed().map((one) => [one.offset, one.definition.name]));
  // By place: a relocation belongs to the last map that begins before it.
  const byPlace = maps.toSorted((a, b) => a.offset - b.offset);
  for (const { offset, type, symbol } of elf.relocations(section.index)) {
    if (type !== R_BPF_64_64 && type !== 2) continue;
    const map = byPlace[firstAt(byPlace, offset + 1) - 1];
    if (!map || map.valuesOffset === undefined || offset < map.offset + map.valuesOffset) {
      problems.push(error(`a relocation at ${offset} patches no map's values`, { code: 'map-values', section: section.name, offset }));
      continue;
    }
    const index = Math.floor((offset - map.offset - map.valuesOffset) / 8);
    const target = symbol.type === STT_FUNC || symbol.section !== section.index ? symbol.name : (names.get(symbol.value) ?? symbol.name);
    const list = slots.get(map);
    if (list) list.push({ index, target });
    else slots.set(map, [{ index, target }]);
    // An array that leaves its size open is as long as its initialiser.
    if (map.definition.sizedByUser && map.definition.typeId === MAP_TYPE_PROG_ARRAY)
      map.definition.maxEntries = Math.max(map.definition.maxEntries, index + 1);
  }
  for (const [map, list] of slots) map.definition.slots = list.sort((a, b) => a.index - b.index);
}
