// Whether the kernel makes the object's maps: before any program is loaded, a loader creates them all, and gives up when one fails. Sizes
// that a map type cannot have, from the catalogue's rows; what user space sets before loading is not held against the definition.

import { type MapType, mapType, type SizeRule } from '#core/catalog';
import type { MapDefinition } from '#core/program';
import type { VerifierEnvironment } from '../state/environment.ts';

const BPF_F_NO_PREALLOC = 1;
const BPF_F_MMAPABLE = 1 << 10;

const fits = (size: number, rule: SizeRule): boolean => (rule === 'any' ? size > 0 : rule.length === 0 ? size === 0 : rule.includes(size));
const words = (rule: SizeRule): string =>
  rule === 'any' ? 'at least 1' : rule.length === 0 || (rule.length === 1 && rule[0] === 0) ? 'none (0)' : rule.join(' or ');

/** All maps of an object are made before its programs are loaded. */
export function checkMapCreation(env: VerifierEnvironment): void {
  for (const map of env.object.maps) {
    const row = mapType(map.type);
    if (!row || map.autocreate === false || map.structOps || map.globalSection !== undefined) continue;
    const problem = problemOf(map, row);
    if (!problem) continue;
    env.insn = 0;
    throw env.reject('map-program', 'EINVAL', `map '${map.name}': failed to create: -EINVAL`, {
      explanation: `The kernel does not make the map ${map.name}: ${problem.what}`,
      advice: problem.advice,
    });
  }
}

function problemOf(map: MapDefinition, row: MapType): { what: string; advice: string } | undefined {
  const { name, key, value } = row;
  if (!fits(map.keySize, key))
    return {
      what: `keys of a ${name} have ${words(key)} bytes, these ${map.keySize}.`,
      advice: key === 'any' || map.keySize === 0 ? '__type(key, …) says what keys are.' : '__type(key, __u32) makes keys of 4 bytes.',
    };
  if (!fits(map.valueSize, value))
    return {
      what: `values of a ${name} have ${words(value)} bytes, these ${map.valueSize}.`,
      advice:
        name === 'perf_event_array'
          ? '__uint(value_size, sizeof(__u32)): the records themselves need no declaration here.'
          : '__type(value, …) or __uint(value_size, …) says what values are.',
    };
  if ((name === 'array_of_maps' || name === 'hash_of_maps') && !map.inner)
    return { what: `a ${name} needs to know what its inner maps are.`, advice: 'Declare one: __array(values, struct { … }).' };
  if (row.maxEntries === 'positive' && map.maxEntries === 0 && !map.sizedByUser)
    return { what: 'it has no entries.', advice: '__uint(max_entries, …) says how many there may be.' };
  if (row.maxEntries === 'zero' && map.maxEntries !== 0)
    return { what: `the objects themselves hold the entries of a ${name}: max_entries must be 0.`, advice: 'Leave max_entries out.' };
  if ((name === 'lpm_trie' || name.endsWith('_storage')) && !name.includes('cgroup_storage') && (map.flags & BPF_F_NO_PREALLOC) === 0)
    return { what: `a ${name} cannot be allocated beforehand.`, advice: '__uint(map_flags, BPF_F_NO_PREALLOC).' };
  if (name === 'arena' && (map.flags & BPF_F_MMAPABLE) === 0)
    return { what: 'an arena must be mappable.', advice: '__uint(map_flags, BPF_F_MMAPABLE).' };
  if (name === 'stack_trace' && map.valueSize % 8 !== 0)
    return { what: 'a stack trace is an array of addresses of 8 bytes.', advice: '__uint(value_size, 127 * sizeof(__u64)).' };
  return undefined;
}
