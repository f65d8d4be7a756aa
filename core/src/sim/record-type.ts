// Which type a ring-buffer or perf record has: the kernel does not say, so the object's BTF is asked.

import type { Btf } from '#core/btf';
import type { LoadedObject, MapDefinition } from '#core/program';

/** Types that programs define for the kernel's sake, never for records. */
const KERNEL_TYPE = /^(__sk_buff|xdp_md|pt_regs|iphdr|ipv6hdr|ethhdr|tcphdr|udphdr|icmphdr|bpf_\w+|trace_\w+|task_struct|file|sock\w*|user_pt_regs)$/;
/** Names that people give to records. */
const RECORD_NAME = /(event|evt|record|rec|data|info|msg|sample|output|entry|_t)$/i;

const cache = new WeakMap<Btf, Map<number, readonly number[]>>();

/** Ids of the structs of each size. */
function structsBySize(btf: Btf): Map<number, readonly number[]> {
  let found = cache.get(btf);
  if (found) return found;
  const sizes = new Map<number, number[]>();
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== 'struct') continue;
    const type = btf.type(id);
    if (type?.kind !== 'struct' || type.name === '' || KERNEL_TYPE.test(type.name)) continue;
    const list = sizes.get(type.size);
    if (list) list.push(id);
    else sizes.set(type.size, [id]);
  }
  found = sizes;
  cache.set(btf, found);
  return found;
}

/** The map's own value type if it has one of this size, else the one struct of the object that has; undefined where several could be meant. */
export function recordType(object: LoadedObject, definition: MapDefinition, size: number): number | undefined {
  const { btf } = object;
  if (!btf) return undefined;
  const { valueTypeId } = definition;
  if (valueTypeId !== undefined && definition.type === 'ringbuf') {
    const type = btf.type(valueTypeId);
    if (type?.kind === 'struct' && type.size === size) return valueTypeId;
  }
  const candidates = structsBySize(btf).get(size) ?? [];
  if (candidates.length === 1) return candidates[0];
  const named = candidates.filter((id) => RECORD_NAME.test(btf.type(id)?.name ?? ''));
  return named.length === 1 ? named[0] : undefined;
}
