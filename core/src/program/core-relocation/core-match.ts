// Finds in the target BTF what a CO-RE relocation asks for: candidates by essential name and kind, then the same path
// in each. The rules of compatibility are those of libbpf (its documentation of CO-RE in bpf/libbpf and bpf/btf.rst).

import { essentialLength, resolve, sizeOf, type Btf, type BtfComposite, type BtfEnum, type BtfKind, type BtfType } from '#core/btf';
import { isEnumKind, isFieldKind, isFlexibleArray, type CoreSpec, type Step } from './core-spec.ts';

const MAX_DEPTH = 32;
/** Comparisons of one relocation. Prototypes that take prototypes can be nested so that no machine ends: those do not match. */
const MAX_COMPARISONS = 10_000;

interface Budget {
  left: number;
}
const budget = (): Budget => ({ left: MAX_COMPARISONS });

const essential = (name: string): string => name.slice(0, essentialLength(name));
const isEnum = (type: BtfType): type is BtfEnum => type.kind === 'enum' || type.kind === 'enum64';
const isComposite = (type: BtfType): type is BtfComposite => type.kind === 'struct' || type.kind === 'union';
/** enum and enum64 are one kind here. */
const coreKind = (kind: BtfKind): BtfKind => (kind === 'enum64' ? 'enum' : kind);

/** Types of the target that may stand for this local type. */
export function candidates(local: Btf, localId: number, target: Btf): readonly number[] {
  const type = local.type(localId);
  if (!type || type.name === '') return [];
  return target.findFlavours(essential(type.name)).filter((id) => {
    const kind = target.kind(id);
    return kind !== undefined && coreKind(kind) === coreKind(type.kind);
  });
}

/** The same path from `targetId` on, or undefined where it does not exist there. */
export function matchSpec(local: CoreSpec, target: Btf, targetId: number): CoreSpec | undefined {
  const spec: CoreSpec = { btf: target, rootId: targetId, kind: local.kind, steps: [], bitOffset: 0 };
  if (local.kind === 'type_matches') return typesMatch(local.btf, local.rootId, target, targetId, false, 0, budget()) ? spec : undefined;
  if (isEnumKind(local.kind)) {
    const type = resolve(target, targetId);
    if (!type || !isEnum(type)) return undefined;
    const wanted = essential(local.steps[0]!.name!);
    const index = type.enumerators.findIndex(({ name }) => essential(name) === wanted);
    if (index < 0) return undefined;
    spec.steps.push({ name: type.enumerators[index]!.name, index, typeId: type.id });
    return spec;
  }
  if (!isFieldKind(local.kind)) return typesAreCompatible(local.btf, local.rootId, target, targetId) ? spec : undefined;
  let at: BtfType | undefined = resolve(target, targetId);
  for (const [i, step] of local.steps.entries()) {
    if (!at) return undefined;
    if (step.name !== undefined) {
      if (!isComposite(at)) return undefined;
      const owner = local.btf.type(step.typeId) as BtfComposite;
      const found = matchMember(local.btf, owner.members[step.index]!, target, at, new Set());
      if (!found) return undefined;
      spec.steps.push(found.step);
      spec.bitOffset += found.bitOffset;
      at = resolve(target, found.next);
      continue;
    }
    if (i > 0) {
      if (at.kind !== 'array') return undefined;
      if (step.index >= at.count && !isFlexibleArray(target, spec.steps, at)) return undefined;
      at = resolve(target, at.type);
    }
    const size: number | undefined = at ? sizeOf(target, at.id) : undefined;
    if (!at || (size === undefined && step.index !== 0)) return undefined;
    spec.steps.push({ index: step.index, typeId: at.id });
    spec.bitOffset += step.index * (size ?? 0) * 8;
  }
  return spec;
}

interface MatchedMember {
  step: Step;
  /** From the start of the composite that was searched. */
  bitOffset: number;
  next: number;
}

function matchMember(
  local: Btf,
  member: { name: string; type: number },
  target: Btf,
  composite: BtfComposite,
  searched: Set<number>,
): MatchedMember | undefined {
  searched.add(composite.id);
  for (const [index, candidate] of composite.members.entries()) {
    if (candidate.name === '') {
      const inner = resolve(target, candidate.type);
      const found =
        inner && isComposite(inner) && !searched.has(inner.id) && searched.size < 1000
          ? matchMember(local, member, target, inner, searched)
          : undefined;
      if (found) return { ...found, bitOffset: found.bitOffset + candidate.bitOffset };
    } else if (candidate.name === member.name) {
      if (!fieldsAreCompatible(local, member.type, target, candidate.type, 0)) return undefined;
      return { step: { name: candidate.name, index, typeId: composite.id }, bitOffset: candidate.bitOffset, next: candidate.type };
    }
  }
  return undefined;
}

/** Whether a field may have this type in the target. Sizes may differ: the relocation is about that. */
function fieldsAreCompatible(local: Btf, localId: number, target: Btf, targetId: number, depth: number): boolean {
  const a = resolve(local, localId);
  const b = resolve(target, targetId);
  if (!a || !b || depth > MAX_DEPTH) return false;
  if (isComposite(a) && isComposite(b)) return true;
  if (coreKind(a.kind) !== coreKind(b.kind)) return false;
  switch (a.kind) {
    case 'ptr':
    case 'float':
      return true;
    case 'fwd':
    case 'enum':
    case 'enum64':
      return a.name === '' || b.name === '' || essential(a.name) === essential(b.name);
    case 'int':
      return b.kind === 'int' && a.bitOffset === 0 && b.bitOffset === 0;
    case 'array':
      return b.kind === 'array' && fieldsAreCompatible(local, a.type, target, b.type, depth + 1);
    default:
      return false;
  }
}

/** Whether two types are of the same make: kinds all the way down, names only at the root (the candidates have it). */
export function typesAreCompatible(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  return compatible(local, localId, target, targetId, 0, budget());
}

function compatible(local: Btf, localId: number, target: Btf, targetId: number, depth: number, left: Budget): boolean {
  const a = resolve(local, localId);
  const b = resolve(target, targetId);
  if (!a || !b || depth > MAX_DEPTH || left.left-- <= 0 || coreKind(a.kind) !== coreKind(b.kind)) return false;
  switch (a.kind) {
    case 'void':
    case 'struct':
    case 'union':
    case 'enum':
    case 'enum64':
    case 'fwd':
      return true;
    case 'int':
      return b.kind === 'int' && a.bitOffset === 0 && b.bitOffset === 0;
    case 'ptr':
      return b.kind === 'ptr' && compatible(local, a.type, target, b.type, depth + 1, left);
    case 'array':
      return b.kind === 'array' && compatible(local, a.type, target, b.type, depth + 1, left);
    case 'func_proto':
      return (
        b.kind === 'func_proto' &&
        a.parameters.length === b.parameters.length &&
        a.parameters.every((parameter, i) => compatible(local, parameter.type, target, b.parameters[i]!.type, depth + 1, left)) &&
        compatible(local, a.type, target, b.type, depth + 1, left)
      );
    default:
      return false;
  }
}

/** bpf_core_type_matches: the stricter question, with names and members; pointers are followed to names, not into members. */
function typesMatch(
  local: Btf,
  localId: number,
  target: Btf,
  targetId: number,
  behindPointer: boolean,
  depth: number,
  left: Budget,
): boolean {
  const a = resolve(local, localId);
  const b = resolve(target, targetId);
  if (!a || !b || depth > MAX_DEPTH || left.left-- <= 0 || essential(a.name) !== essential(b.name)) return false;
  switch (a.kind) {
    case 'void':
      return b.kind === 'void';
    case 'fwd':
      if (b.kind === 'fwd') return a.of === b.of;
      return behindPointer && b.kind === a.of;
    case 'enum':
    case 'enum64':
      return (
        isEnum(b) &&
        a.enumerators.length <= b.enumerators.length &&
        a.size === b.size &&
        a.enumerators.every(({ name }) => b.enumerators.some((one) => essential(one.name) === essential(name)))
      );
    case 'struct':
    case 'union':
      if (behindPointer) return a.kind === b.kind || (b.kind === 'fwd' && b.of === a.kind);
      if (b.kind !== a.kind) return false;
      return (
        a.members.length <= b.members.length &&
        a.members.every((member) =>
          b.members.some(
            (one) =>
              essential(one.name) === essential(member.name) && typesMatch(local, member.type, target, one.type, false, depth + 1, left),
          ),
        )
      );
    case 'int':
      return b.kind === 'int' && a.size === b.size && a.signed === b.signed;
    case 'ptr':
      return b.kind === 'ptr' && typesMatch(local, a.type, target, b.type, true, depth + 1, left);
    case 'array':
      return b.kind === 'array' && a.count === b.count && typesMatch(local, a.type, target, b.type, behindPointer, depth + 1, left);
    case 'func_proto':
      return (
        b.kind === 'func_proto' &&
        a.parameters.length === b.parameters.length &&
        a.parameters.every((parameter, i) =>
          typesMatch(local, parameter.type, target, b.parameters[i]!.type, behindPointer, depth + 1, left),
        ) &&
        typesMatch(local, a.type, target, b.type, behindPointer, depth + 1, left)
      );
    default:
      return false;
  }
}
