// C types as values, made from DWARF's type entries. Types may contain themselves: what lies behind a pointer and a record's
// members are functions, called when somebody looks.

import { DW_AT, DW_ATE, DW_TAG } from './constants.ts';
import type { Attributes } from './attributes.ts';
import type { Die } from './units.ts';

export interface CMember {
  /** Empty for an anonymous struct or union, whose members count as the outer one's. */
  name: string;
  offsetBits: number;
  /** Bits of a bit field; undefined for a plain member. */
  bits?: number;
  type: CType;
}

export interface CParameter {
  name: string;
  type: CType;
}

/** `name` is as C writes it (`struct event`, `u32`, `const char *`); `size` counts bytes. */
export type CType =
  | { kind: 'void'; name: string; size: 0 }
  | { kind: 'integer'; name: string; size: number; signed: boolean; shows: 'number' | 'boolean' | 'character' }
  | { kind: 'float'; name: string; size: number }
  | { kind: 'enum'; name: string; size: number; signed: boolean; values: readonly { name: string; value: bigint }[] }
  | { kind: 'pointer'; name: string; size: number; target: () => CType }
  | { kind: 'record'; name: string; size: number; keyword: 'struct' | 'union'; members: () => readonly CMember[] }
  /** A flexible array has count 0. */
  | { kind: 'array'; name: string; size: number; element: CType; count: number }
  | { kind: 'function'; name: string; size: 0; result: () => CType; parameters: () => readonly CParameter[]; variadic: boolean };

export const VOID: CType = { kind: 'void', name: 'void', size: 0 };

/** Longer chains of typedefs and qualifiers do not come from C. */
const MAX_CHAIN = 64;
const MAX_NAME = 512;

export class CTypes {
  private readonly known = new Map<Die, CType>();
  /** Types that are being made: one that needs itself other than through a record is no C type. */
  private readonly making = new Set<Die>();
  /** Complete structs, unions and enums by tag and name, for declarations of them in another unit. */
  private definitions: Map<string, Die> | undefined;

  constructor(private readonly attributes: Attributes) {}

  /** The type of a variable, member or typedef entry. */
  of(die: Die): CType {
    return this.from(this.attributes.type(die), 0);
  }

  /** The type that an entry describes; nothing is void. */
  from(die: Die | undefined, depth: number): CType {
    if (!die || depth > MAX_CHAIN) return VOID;
    const known = this.known.get(die);
    if (known) return known;
    if (this.making.has(die)) return VOID;
    this.making.add(die);
    const type = this.make(die, depth);
    this.making.delete(die);
    this.known.set(die, type);
    return type;
  }

  private name(die: Die): string | undefined {
    return this.attributes.string(die, DW_AT.name);
  }

  private size(die: Die): number {
    return Math.max(0, this.attributes.number(die, DW_AT.byte_size) ?? 0);
  }

  private make(die: Die, depth: number): CType {
    const inner = (): CType => this.from(this.attributes.type(die), depth + 1);
    switch (die.tag) {
      case DW_TAG.base_type:
        return this.base(die);
      case DW_TAG.typedef: {
        const name = this.name(die);
        const type = inner();
        return name === undefined ? type : { ...type, name };
      }
      case DW_TAG.const_type:
        return qualified('const', inner());
      case DW_TAG.volatile_type:
        return qualified('volatile', inner());
      case DW_TAG.restrict_type:
        return qualified('restrict', inner());
      case DW_TAG.atomic_type:
        return qualified('_Atomic', inner());
      case DW_TAG.pointer_type:
      case DW_TAG.reference_type:
        return this.pointer(die, depth);
      case DW_TAG.structure_type:
      case DW_TAG.class_type:
      case DW_TAG.union_type:
        return this.record(die);
      case DW_TAG.enumeration_type:
        return this.enumeration(die, depth);
      case DW_TAG.array_type:
        return this.array(die, inner());
      case DW_TAG.subroutine_type:
      case DW_TAG.subprogram:
        return this.function(die, depth);
      default:
        return VOID;
    }
  }

  private base(die: Die): CType {
    const name = this.name(die) ?? '';
    const size = this.size(die);
    const encoding = this.attributes.number(die, DW_AT.encoding);
    if (encoding === DW_ATE.float) return { kind: 'float', name, size };
    return {
      kind: 'integer',
      name,
      size,
      signed: encoding === DW_ATE.signed || encoding === DW_ATE.signed_char,
      // `signed char` and `unsigned char` are C's small integers, `char` and char16_t are text.
      shows: encoding === DW_ATE.boolean ? 'boolean' : name === 'char' || encoding === DW_ATE.utf ? 'character' : 'number',
    };
  }

  private pointer(die: Die, depth: number): CType {
    const target = this.attributes.type(die);
    // A pointer's name needs its target's name only, and a record has that before its members are read.
    const name = pointerName(this.from(target, depth + 1).name);
    return { kind: 'pointer', name, size: this.size(die) || 8, target: () => this.from(target, 0) };
  }

  private record(die: Die): CType {
    const keyword = die.tag === DW_TAG.union_type ? 'union' : 'struct';
    const tag = this.name(die);
    const definition = this.attributes.flag(die, DW_AT.declaration) && tag !== undefined ? (this.definition(die.tag, tag) ?? die) : die;
    let members: readonly CMember[] | undefined;
    return {
      kind: 'record',
      keyword,
      name: tag === undefined ? `${keyword} {…}` : `${keyword} ${tag}`,
      size: this.size(definition),
      members: () => (members ??= definition.children.filter((child) => child.tag === DW_TAG.member).map((child) => this.member(child))),
    };
  }

  private member(die: Die): CMember {
    const name = this.name(die) ?? '';
    const type = this.of(die);
    const bits = this.attributes.number(die, DW_AT.bit_size);
    const bytes = this.attributes.number(die, DW_AT.data_member_location) ?? 0;
    const bitOffset = this.attributes.number(die, DW_AT.data_bit_offset);
    if (bits === undefined) return { name, type, offsetBits: bitOffset ?? bytes * 8 };
    if (bitOffset !== undefined) return { name, type, bits, offsetBits: bitOffset };
    // DWARF 2 and 3 count from the most significant bit of the storage unit, whose size byte_size gives.
    const fromTop = this.attributes.number(die, DW_AT.bit_offset);
    const storage = (this.attributes.number(die, DW_AT.byte_size) ?? type.size) * 8;
    return {
      name,
      type,
      bits,
      offsetBits: bytes * 8 + (fromTop === undefined ? 0 : die.unit.littleEndian ? storage - fromTop - bits : fromTop),
    };
  }

  private enumeration(die: Die, depth: number): CType {
    const name = this.name(die);
    const underlying = this.from(this.attributes.type(die), depth + 1);
    const values = die.children
      .filter((child) => child.tag === DW_TAG.enumerator)
      .map((child) => ({ name: this.name(child) ?? '', value: this.attributes.constant(child, DW_AT.const_value) ?? 0n }));
    const signed = underlying.kind === 'integer' ? underlying.signed : values.some(({ value }) => value < 0n);
    return {
      kind: 'enum',
      name: name === undefined ? 'enum {…}' : `enum ${name}`,
      size: this.size(die) || underlying.size,
      signed,
      values,
    };
  }

  private array(die: Die, element: CType): CType {
    const counts = die.children.filter((child) => child.tag === DW_TAG.subrange_type).map((child) => this.count(child));
    if (counts.length === 0) counts.push(0);
    let type = element;
    let suffix = '';
    for (const count of counts.reverse()) {
      suffix = `[${count === 0 ? '' : count}]${suffix}`.slice(0, MAX_NAME);
      type = { kind: 'array', name: `${element.name}${suffix}`.slice(0, MAX_NAME), size: type.size * count, element: type, count };
    }
    return type;
  }

  private count(subrange: Die): number {
    const count = this.attributes.number(subrange, DW_AT.count) ?? (this.attributes.number(subrange, DW_AT.upper_bound) ?? -1) + 1;
    return count >= 0 && count <= 0xffff_ffff ? count : 0;
  }

  private function(die: Die, depth: number): CType {
    const result = this.attributes.type(die);
    const parameterDies = die.children.filter((child) => child.tag === DW_TAG.formal_parameter);
    const variadic = die.children.some((child) => child.tag === DW_TAG.unspecified_parameters);
    const names = parameterDies.map((child) => this.from(this.attributes.type(child), depth + 1).name);
    if (variadic) names.push('...');
    return {
      kind: 'function',
      size: 0,
      variadic,
      name: functionName(this.from(result, depth + 1).name, names.join(', ') || 'void'),
      result: () => this.from(result, 0),
      parameters: () => parameterDies.map((child) => ({ name: this.name(child) ?? '', type: this.of(child) })),
    };
  }

  private definition(tag: number, name: string): Die | undefined {
    if (!this.definitions) {
      this.definitions = new Map();
      for (const die of this.attributes.tree.byOffset.values()) {
        if (die.tag !== DW_TAG.structure_type && die.tag !== DW_TAG.union_type && die.tag !== DW_TAG.class_type) continue;
        const key = this.name(die);
        if (key !== undefined && !this.attributes.flag(die, DW_AT.declaration)) this.definitions.set(`${die.tag} ${key}`, die);
      }
    }
    return this.definitions.get(`${tag} ${name}`);
  }
}

/** `int (void)`, `void *(int)`. */
const functionName = (result: string, parameters: string): string =>
  `${result}${result.endsWith('*') ? '' : ' '}(${parameters})`.slice(0, MAX_NAME);

/** Qualifiers stand in front, but behind the star of a pointer: `const char *`, `char *const`, `int (*const)(void)`. */
function qualified(word: string, type: CType): CType {
  const star =
    type.kind === 'pointer'
      ? /^(?:[^(]*\(\*+(?:const|volatile|restrict| )*(?=\)))|^[^(]*\*(?:const|volatile|restrict| )*$/.exec(type.name)?.[0]
      : undefined;
  const name = star === undefined ? `${word} ${type.name}` : `${star}${/[*]$/.test(star) ? '' : ' '}${word}${type.name.slice(star.length)}`;
  return { ...type, name: name.slice(0, MAX_NAME) };
}

/** `struct start *`, `char **`, `int (*)(void *)`, `int (*)[4]`, `void *(*)(int)`. */
function pointerName(target: string): string {
  const called = /^(.*?) ?(\((?!\*).*\))$/s.exec(target) ?? /^(.*?)(\[.*\])$/s.exec(target);
  if (called) return `${called[1]}${called[1]!.endsWith('*') ? '' : ' '}(*)${called[2]}`.slice(0, MAX_NAME);
  return (target.endsWith('*') ? `${target}*` : `${target} *`).slice(0, MAX_NAME);
}
