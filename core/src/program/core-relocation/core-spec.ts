// What a CO-RE relocation asks for, read from the object's BTF: a root type and a path of members and indices,
// an enumerator, or the type alone. Numbers of kinds are those of enum bpf_core_relo_kind (linux/bpf.h).

import { resolve, sizeOf, type Btf, type BtfArray, type BtfType, type CoreRecord } from '#core/btf';

export const CORE_KINDS = [
  'field_byte_offset',
  'field_byte_size',
  'field_exists',
  'field_signed',
  'field_lshift_u64',
  'field_rshift_u64',
  'type_id_local',
  'type_id_target',
  'type_exists',
  'type_size',
  'enumval_exists',
  'enumval_value',
  'type_matches',
] as const;

export type CoreKind = (typeof CORE_KINDS)[number];

export const isFieldKind = (kind: CoreKind): boolean => kind.startsWith('field_');
export const isEnumKind = (kind: CoreKind): boolean => kind.startsWith('enumval_');

/** One step. A member by name, in the composite `typeId`; or, without a name, an element of type `typeId`. */
export interface Step {
  name?: string;
  index: number;
  typeId: number;
}

/** A path in one BTF. `steps[0]` is the index on the root type itself, as in `ptr[0]`. */
export interface CoreSpec {
  btf: Btf;
  rootId: number;
  kind: CoreKind;
  steps: Step[];
  /** From the root's start; the root's own index counts. */
  bitOffset: number;
}

/** bpf_core_spec of libbpf holds this many steps. */
const MAX_STEPS = 64;

const isComposite = (type: BtfType | undefined): type is BtfType & { kind: 'struct' | 'union' } =>
  type?.kind === 'struct' || type?.kind === 'union';

/** The last member's array of zero or one elements that stands for "as many as there are". */
export function isFlexibleArray(btf: Btf, steps: readonly Step[], array: BtfArray): boolean {
  const last = steps.at(-1);
  if (last?.name === undefined || array.count > 0) return false;
  const owner = btf.type(last.typeId);
  return isComposite(owner) && last.index === owner.members.length - 1;
}

/** Reads a record; a string says why it makes no sense. */
export function parseSpec(btf: Btf, record: CoreRecord): CoreSpec | string {
  const kind = CORE_KINDS[record.kind];
  if (!kind) return `relocation kind ${record.kind} is unknown; kinds up to ${CORE_KINDS.length - 1} (${CORE_KINDS.at(-1)}) are known`;
  if (!/^\d{1,9}(:\d{1,9})*$/.test(record.access)) return `its access string "${record.access}" is no list of small numbers`;
  const path = record.access.split(':').map(Number);
  if (path.length > MAX_STEPS) return `its access string has ${path.length} steps, more than ${MAX_STEPS}`;
  const spec: CoreSpec = { btf, rootId: record.typeId, kind, steps: [], bitOffset: 0 };
  if (btf.type(record.typeId) === undefined) return `its type ${record.typeId} does not exist`;
  if (!isFieldKind(kind) && !isEnumKind(kind))
    return path.length === 1 && path[0] === 0 ? spec : `a type relocation with the access string "${record.access}"`;
  const root = resolve(btf, record.typeId);
  const first = path[0]!;
  if (isEnumKind(kind)) {
    if (root?.kind !== 'enum' && root?.kind !== 'enum64') return 'an enumerator relocation on a type that is no enum';
    const enumerator = root.enumerators[first];
    if (path.length !== 1 || !enumerator) return `the enum has no enumerator ${record.access}`;
    spec.steps.push({ name: enumerator.name, index: first, typeId: root.id });
    return spec;
  }
  let type = root;
  const rootSize = root ? sizeOf(btf, root.id) : undefined;
  if (!root || (rootSize === undefined && first !== 0)) return 'its root type has no size';
  spec.steps.push({ index: first, typeId: root.id });
  spec.bitOffset = first * (rootSize ?? 0) * 8;
  for (const index of path.slice(1)) {
    if (isComposite(type)) {
      const member = type.members[index];
      if (!member) return `${type.kind} ${type.name} has no member ${index}`;
      spec.bitOffset += member.bitOffset;
      if (member.name !== '') spec.steps.push({ name: member.name, index, typeId: type.id });
      type = resolve(btf, member.type);
    } else if (type?.kind === 'array') {
      const element = resolve(btf, type.type);
      const size = element ? sizeOf(btf, element.id) : undefined;
      if (!element || size === undefined) return 'an array whose elements have no size';
      if (index >= type.count && !isFlexibleArray(btf, spec.steps, type))
        return `index ${index} is behind the end of an array of ${type.count}`;
      spec.steps.push({ index, typeId: element.id });
      spec.bitOffset += index * size * 8;
      type = element;
    } else return `step ${index} goes into a type that is neither struct, union nor array`;
  }
  return spec;
}

/** `struct task_struct.real_parent.tgid`, `struct x.list[2]`, `enum e.VALUE`. */
export function specText(spec: CoreSpec): string {
  const root = spec.btf.type(spec.rootId);
  const keyword = root?.kind === 'enum64' ? 'enum' : root?.kind;
  const named =
    keyword === 'struct' || keyword === 'union' || keyword === 'enum'
      ? `${keyword} ${root!.name || '{…}'}`
      : root?.name || `type ${spec.rootId}`;
  if (isEnumKind(spec.kind)) return `${named}.${spec.steps[0]?.name ?? ''}`;
  const first = spec.steps[0];
  const steps = spec.steps.slice(1).map((step) => (step.name === undefined ? `[${step.index}]` : `.${step.name}`));
  return `${named}${first && first.index !== 0 ? `[${first.index}]` : ''}${steps.join('')}`;
}
