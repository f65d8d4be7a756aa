// What BPF_MAP_CREATE asks of sizes and counts (each map type's map_alloc_check): the errors of a map that a person describes.
// Which sizes a type takes is the catalog's.

import { mapType } from '#core/catalog';
import type { MapDefinition } from '#core/program';
import type { ErrnoName } from '../errno.ts';

/** KMALLOC_MAX_SIZE: no value may be larger. */
const LARGEST_VALUE = 1 << 22;
/** MAX_BPF_STACK: keys of hash tables stand on a program's stack. */
const LARGEST_HASH_KEY = 512;

const allows = (rule: 'any' | readonly number[], size: number): boolean => (rule === 'any' ? size > 0 : rule.includes(size));

/** The errno with which the kernel refuses, or undefined. */
export function creationRefusal({ type, keySize, valueSize, maxEntries }: MapDefinition): ErrnoName | undefined {
  const row = mapType(type);
  if (!row) return 'EINVAL';
  if (!allows(row.key, keySize) || !allows(row.value, valueSize)) return 'EINVAL';
  if (row.maxEntries === 'zero' ? maxEntries !== 0 : maxEntries === 0) return 'EINVAL';
  if (row.maxEntries === 'ring bytes' && (maxEntries & (maxEntries - 1) || maxEntries % 4096 !== 0)) return 'EINVAL';
  if (type.includes('hash') && keySize > LARGEST_HASH_KEY) return 'E2BIG';
  return valueSize > LARGEST_VALUE ? 'E2BIG' : undefined;
}
