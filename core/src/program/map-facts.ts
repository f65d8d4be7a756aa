// Numbers of map types and map flags that the loader itself needs; the table of all types is the catalog's.

import { mapTypeById } from '#core/catalog';

export const MAP_TYPE_ARRAY = 2;
export const MAP_TYPE_PROG_ARRAY = 3;
export const MAP_TYPE_PERF_EVENT_ARRAY = 4;
export const MAP_TYPE_STRUCT_OPS = 26;
export const MAP_TYPE_RINGBUF = 27;
export const MAP_TYPE_USER_RINGBUF = 31;
export const MAP_TYPE_ARENA = 33;

// enum of map flags in linux/bpf.h.
export const BPF_F_RDONLY_PROG = 1 << 7;
export const BPF_F_MMAPABLE = 1 << 10;
export const BPF_F_LINK = 1 << 13;

/** The kernel's name of a map type, or `type N` for one the catalog does not know. */
export const mapTypeName = (id: number): string => mapTypeById(id)?.name ?? `type ${id}`;
