// Special fields of a struct: the kernel's own types inside map values and allocated objects (struct btf_record).
// Knows where they are and what they hold; what a program may do with them is checked elsewhere.

import { resolve, sizeOf, type Btf, type BtfComposite } from '#core/btf';

export type SpecialKind =
  | 'bpf_spin_lock'
  | 'bpf_res_spin_lock'
  | 'bpf_timer'
  | 'bpf_wq'
  | 'bpf_task_work'
  | 'kptr_untrusted'
  | 'kptr'
  | 'percpu_kptr'
  | 'uptr'
  | 'bpf_list_head'
  | 'bpf_list_node'
  | 'bpf_rb_root'
  | 'bpf_rb_node'
  | 'bpf_refcount';

/** What the kernel calls the field in messages (btf_field_type_name). */
export function specialName(kind: SpecialKind): string {
  switch (kind) {
    case 'kptr_untrusted':
    case 'kptr':
      return 'kptr';
    default:
      return kind;
  }
}

export interface SpecialField {
  readonly kind: SpecialKind;
  readonly offset: number;
  readonly size: number;
  /** kptrs: the struct pointed to. Where it is a kernel type, `name` finds it in the kernel's BTF. */
  readonly pointee?: { readonly name: string; readonly localId: number };
  /** Heads and roots: type of the elements and where their node is. */
  readonly graph?: { readonly valueTypeId: number; readonly valueName: string; readonly nodeName: string; readonly nodeOffset: number };
}

export interface SpecialFields {
  readonly btf: Btf;
  /** Sorted by offset. */
  readonly fields: readonly SpecialField[];
}

export const fieldOf = (fields: SpecialFields | undefined, ...kinds: readonly SpecialKind[]): SpecialField | undefined =>
  fields?.fields.find((field) => kinds.includes(field.kind));
export const fieldAt = (fields: SpecialFields | undefined, offset: number): SpecialField | undefined =>
  fields?.fields.find((field) => field.offset === offset);

const STRUCT_KINDS: Readonly<Record<string, SpecialKind>> = {
  bpf_spin_lock: 'bpf_spin_lock',
  bpf_res_spin_lock: 'bpf_res_spin_lock',
  bpf_timer: 'bpf_timer',
  bpf_wq: 'bpf_wq',
  bpf_task_work: 'bpf_task_work',
  bpf_list_head: 'bpf_list_head',
  bpf_list_node: 'bpf_list_node',
  bpf_rb_root: 'bpf_rb_root',
  bpf_rb_node: 'bpf_rb_node',
  bpf_refcount: 'bpf_refcount',
};
const KPTR_TAGS: Readonly<Record<string, SpecialKind>> = { kptr_untrusted: 'kptr_untrusted', kptr: 'kptr', percpu_kptr: 'percpu_kptr', uptr: 'uptr' };

const cache = new WeakMap<Btf, Map<number, SpecialFields | undefined>>();

/** Special fields of a struct or of a global section (a datasec). */
export function specialFieldsOf(btf: Btf, typeId: number): SpecialFields | undefined {
  let known = cache.get(btf);
  if (!known) cache.set(btf, (known = new Map()));
  if (known.has(typeId)) return known.get(typeId);
  // Set before the walk: a struct may lead back to itself through its list's elements.
  known.set(typeId, undefined);
  const found: SpecialField[] = [];
  const type = resolve(btf, typeId);
  if (type?.kind === 'struct') collectMembers(btf, type, 0, found, 0);
  else if (type?.kind === 'datasec') {
    for (const variable of type.variables) {
      const declaration = btf.type(variable.type);
      if (declaration?.kind === 'var') collectType(btf, declaration.type, variable.offset, found, 0, btf.declTags(variable.type));
    }
  }
  found.sort((a, b) => a.offset - b.offset);
  const result = found.length > 0 && isConsistent(found) ? { btf, fields: found } : undefined;
  known.set(typeId, result);
  return result;
}

/** A struct whose fields do not go together has none at all, as far as the kernel is concerned. */
function isConsistent(fields: readonly SpecialField[]): boolean {
  const count = (...kinds: readonly SpecialKind[]): number => fields.filter((field) => kinds.includes(field.kind)).length;
  if (count('bpf_spin_lock', 'bpf_res_spin_lock') > 1 || count('bpf_timer') > 1 || count('bpf_wq') > 1 || count('bpf_refcount') > 1) return false;
  const roots = fields.filter((field) => field.kind === 'bpf_list_head' || field.kind === 'bpf_rb_root');
  // Lists and trees need a lock beside them, and elements that hold the right kind of node.
  if (roots.length > 0 && count('bpf_spin_lock', 'bpf_res_spin_lock') === 0) return false;
  if (roots.some((field) => field.graph === undefined)) return false;
  // A node that can be in a list and in a tree at once must be counted.
  return count('bpf_refcount') > 0 || count('bpf_list_node') === 0 || count('bpf_rb_node') === 0;
}

function collectMembers(btf: Btf, composite: BtfComposite, base: number, found: SpecialField[], depth: number): void {
  if (depth > 3) return;
  const tags = btf.declTags(composite.id);
  composite.members.forEach((member, index) => {
    if (member.bitOffset % 8 !== 0) return;
    collectType(btf, member.type, base + member.bitOffset / 8, found, depth, tags.filter((tag) => tag.component === index));
  });
}

function collectType(btf: Btf, typeId: number, offset: number, found: SpecialField[], depth: number, tags: readonly { name: string }[]): void {
  let type = btf.type(typeId);
  let count = 1;
  while (type && (type.kind === 'typedef' || type.kind === 'const' || type.kind === 'volatile' || type.kind === 'restrict' || type.kind === 'array')) {
    if (type.kind === 'array') count *= type.count;
    type = btf.type(type.type);
  }
  if (!type) return;
  if (type.kind === 'struct') {
    const kind = STRUCT_KINDS[type.name];
    if (kind === undefined) {
      const inside: SpecialField[] = [];
      collectMembers(btf, type, 0, inside, depth + 1);
      for (let i = 0; i < count; i++) {
        for (const field of inside) found.push({ ...field, offset: offset + i * type.size + field.offset });
        if (inside.length === 0) break;
      }
      return;
    }
    const graph = kind === 'bpf_list_head' || kind === 'bpf_rb_root' ? graphRoot(btf, tags, kind === 'bpf_list_head' ? 'bpf_list_node' : 'bpf_rb_node') : undefined;
    for (let i = 0; i < count; i++) found.push({ kind, offset: offset + i * type.size, size: type.size, ...(graph && { graph }) });
    return;
  }
  if (type.kind !== 'ptr') return;
  const tag = btf.type(type.type);
  if (tag?.kind !== 'type_tag') return;
  const kind = KPTR_TAGS[tag.name];
  const pointee = resolve(btf, tag.type);
  if (kind === undefined || pointee?.kind !== 'struct') {
    if (kind === undefined || pointee?.kind !== 'fwd') return;
  }
  for (let i = 0; i < count; i++) found.push({ kind, offset: offset + i * 8, size: 8, pointee: { name: pointee.name, localId: pointee.id } });
}

/** `contains:STRUCT:NODE`, a declaration tag on a list head or tree root. */
function graphRoot(btf: Btf, tags: readonly { name: string }[], node: string): SpecialField['graph'] {
  const parts = tags.find((tag) => tag.name.startsWith('contains:'))?.name.split(':');
  if (!parts || parts.length < 3) return undefined;
  const [, valueName, nodeName] = parts;
  const valueTypeId = btf.find(valueName!, 'struct');
  const value = valueTypeId === undefined ? undefined : btf.type(valueTypeId);
  if (valueTypeId === undefined || value?.kind !== 'struct') return undefined;
  const member = value.members.find((candidate) => candidate.name === nodeName);
  if (!member || btf.type(member.type)?.name !== node) return undefined;
  return { valueTypeId, valueName: valueName!, nodeName: nodeName!, nodeOffset: member.bitOffset / 8 };
}

/** Bytes of a type, 0 where BTF does not say. */
export const sizeOfType = (btf: Btf, typeId: number): number => sizeOf(btf, typeId) ?? 0;
