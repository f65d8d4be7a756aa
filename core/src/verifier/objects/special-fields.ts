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
const KPTR_TAGS: Readonly<Record<string, SpecialKind>> = {
  kptr_untrusted: 'kptr_untrusted',
  kptr: 'kptr',
  percpu_kptr: 'percpu_kptr',
  uptr: 'uptr',
};

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

/** As many as the kernel keeps of one type (BTF_FIELDS_MAX). */
const MAX_FIELDS = 11;
const FOUR_ALIGNED: readonly SpecialKind[] = ['bpf_spin_lock', 'bpf_res_spin_lock', 'bpf_refcount'];

/** A struct whose fields do not go together has none at all, as far as the kernel is concerned (btf_parse_fields). */
function isConsistent(fields: readonly SpecialField[]): boolean {
  if (fields.length > MAX_FIELDS || fields.some(({ kind, offset }) => offset % (FOUR_ALIGNED.includes(kind) ? 4 : 8) !== 0)) return false;
  const count = (...kinds: readonly SpecialKind[]): number => fields.filter((field) => kinds.includes(field.kind)).length;
  if (count('bpf_spin_lock', 'bpf_res_spin_lock') > 1 || count('bpf_timer') > 1 || count('bpf_wq') > 1 || count('bpf_refcount') > 1)
    return false;
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
    collectType(
      btf,
      member.type,
      base + member.bitOffset / 8,
      found,
      depth,
      tags.filter((tag) => tag.component === index),
    );
  });
}

function collectType(
  btf: Btf,
  typeId: number,
  offset: number,
  found: SpecialField[],
  depth: number,
  tags: readonly { name: string }[],
): void {
  let type = btf.type(typeId);
  let count = 1;
  while (type?.kind === 'array') {
    count *= type.count;
    type = btf.type(type.type);
  }
  // A field declared volatile, const or through a typedef is none to the kernel; only the pointer itself may be volatile.
  if (type?.kind === 'volatile' && btf.type(type.type)?.kind === 'ptr') type = btf.type(type.type);
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
    const graph =
      kind === 'bpf_list_head' || kind === 'bpf_rb_root'
        ? graphRoot(btf, tags, kind === 'bpf_list_head' ? 'bpf_list_node' : 'bpf_rb_node')
        : undefined;
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
  for (let i = 0; i < count; i++)
    found.push({ kind, offset: offset + i * 8, size: 8, pointee: { name: pointee.name, localId: pointee.id } });
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

/** Kernel types with a destructor, without which no kptr may own one. */
const DESTRUCTIBLE = new Set(['task_struct', 'cgroup', 'bpf_cpumask', 'bpf_crypto_ctx', 'prog_test_ref_kfunc', 'prog_test_member']);
/** Those that have one only where a part of the kernel is configured in, and the function it is. */
const CONFIGURED_DESTRUCTORS: Readonly<Record<string, string>> = { sk_buff: 'bpf_kfree_skb_dtor' };

/** A kptr of a kernel type that the kernel cannot destroy. */
function lacksDestructor(field: SpecialField, kernelBtf: Btf | undefined): boolean {
  const name = field.pointee?.name;
  if (field.kind !== 'kptr' || name === undefined || !kernelBtf || kernelBtf.find(name, 'struct') === undefined || DESTRUCTIBLE.has(name))
    return false;
  const destructor = CONFIGURED_DESTRUCTORS[name];
  return destructor === undefined || kernelBtf.find(destructor, 'func') === undefined;
}

/** Members of these types, and kptrs, make the kernel look at a struct when the BTF is loaded. */
const LOOKED_AT = new Set(['bpf_spin_lock', 'bpf_list_head', 'bpf_list_node', 'bpf_rb_root', 'bpf_rb_node', 'bpf_refcount']);
/** What it then looks at; timers and the like only matter in maps. */
const STRUCT_FIELDS: readonly SpecialKind[] = [
  'bpf_spin_lock',
  'bpf_res_spin_lock',
  'kptr_untrusted',
  'kptr',
  'percpu_kptr',
  'bpf_list_head',
  'bpf_list_node',
  'bpf_rb_root',
  'bpf_rb_node',
  'bpf_refcount',
];

const refused = new WeakMap<Btf, string | false>();

/**
 * Name of a struct because of which the kernel refuses the whole BTF (btf_parse_struct_metas, btf_check_and_fixup_fields);
 * undefined where it takes it.
 */
export function structRefused(btf: Btf, kernelBtf: Btf | undefined): string | undefined {
  let known = refused.get(btf);
  if (known === undefined) refused.set(btf, (known = findRefusedStruct(btf, kernelBtf) ?? false));
  return known === false ? undefined : known;
}

function findRefusedStruct(btf: Btf, kernelBtf: Btf | undefined): string | undefined {
  const members = new Set<number>();
  for (const name of LOOKED_AT) {
    const id = btf.find(name, 'struct');
    if (id !== undefined) members.add(id);
  }
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== 'ptr') continue;
    const pointer = btf.type(id);
    const tag = pointer?.kind === 'ptr' && btf.kind(pointer.type) === 'type_tag' ? btf.type(pointer.type)?.name : undefined;
    if (tag !== undefined && tag !== 'uptr' && KPTR_TAGS[tag]) members.add(id);
  }
  if (members.size === 0) return undefined;
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== 'struct') continue;
    const type = btf.type(id);
    if (type?.kind !== 'struct' || !type.members.some((member) => members.has(member.type))) continue;
    const all: SpecialField[] = [];
    collectMembers(btf, type, 0, all, 0);
    const fields = all.filter(({ kind }) => STRUCT_FIELDS.includes(kind));
    if (!isConsistent(fields) || fields.some((field) => lacksDestructor(field, kernelBtf))) return type.name;
    // What is in a list or tree cannot have one whose elements have one again.
    const isNode = fields.some(({ kind }) => kind === 'bpf_list_node' || kind === 'bpf_rb_node');
    if (isNode && fields.some(({ graph }) => graph && fieldOf(specialFieldsOf(btf, graph.valueTypeId), 'bpf_list_head', 'bpf_rb_root')))
      return type.name;
  }
  return undefined;
}

/** Map types in whose values the kernel allows the field (map_check_btf). */
const LOCK_MAPS = ['hash', 'array', 'cgroup_storage', 'sk_storage', 'inode_storage', 'task_storage', 'cgrp_storage'];
const TIMER_MAPS = ['hash', 'lru_hash', 'array'];
const KPTR_MAPS = [
  'hash',
  'percpu_hash',
  'lru_hash',
  'lru_percpu_hash',
  'array',
  'percpu_array',
  'sk_storage',
  'inode_storage',
  'task_storage',
  'cgrp_storage',
];
const MAPS_OF_FIELD: Readonly<Partial<Record<SpecialKind, readonly string[]>>> = {
  bpf_spin_lock: LOCK_MAPS,
  bpf_res_spin_lock: LOCK_MAPS,
  bpf_timer: TIMER_MAPS,
  bpf_wq: TIMER_MAPS,
  bpf_task_work: TIMER_MAPS,
  bpf_list_head: TIMER_MAPS,
  bpf_rb_root: TIMER_MAPS,
  kptr_untrusted: KPTR_MAPS,
  kptr: KPTR_MAPS,
  percpu_kptr: KPTR_MAPS,
  bpf_refcount: KPTR_MAPS,
  uptr: ['task_storage'],
};
const PROGRAM_ACCESS_FLAGS = (1 << 7) | (1 << 8);

/** Whether the kernel makes a map with such values. Loaders try once more without types where it does not. */
export function mapTakesFields(map: { readonly type: string; readonly flags: number }, fields: SpecialFields | undefined): boolean {
  if (!fields) return true;
  if (map.flags & PROGRAM_ACCESS_FLAGS) return false;
  return fields.fields.every(({ kind }) => MAPS_OF_FIELD[kind]?.includes(map.type) ?? true);
}

/** Bytes of a type, 0 where BTF does not say. */
export const sizeOfType = (btf: Btf, typeId: number): number => sizeOf(btf, typeId) ?? 0;
