// BTF as values: one shape per kind. Layout and numbers are those of the kernel documentation, bpf/btf.rst.

export type BtfKind =
  | 'void'
  | 'int'
  | 'ptr'
  | 'array'
  | 'struct'
  | 'union'
  | 'enum'
  | 'fwd'
  | 'typedef'
  | 'volatile'
  | 'const'
  | 'restrict'
  | 'func'
  | 'func_proto'
  | 'var'
  | 'datasec'
  | 'float'
  | 'decl_tag'
  | 'type_tag'
  | 'enum64';

/** The kind's number is its index. */
export const BTF_KINDS = [
  'void',
  'int',
  'ptr',
  'array',
  'struct',
  'union',
  'enum',
  'fwd',
  'typedef',
  'volatile',
  'const',
  'restrict',
  'func',
  'func_proto',
  'var',
  'datasec',
  'float',
  'decl_tag',
  'type_tag',
  'enum64',
] as const satisfies readonly BtfKind[];

interface Named {
  /** 0 is void; with a base, ids go on where the base's end. */
  readonly id: number;
  /** Empty where the type has none. */
  readonly name: string;
}

export interface BtfVoid extends Named {
  readonly kind: 'void';
}
export interface BtfInt extends Named {
  readonly kind: 'int';
  /** Bytes. */
  readonly size: number;
  readonly signed: boolean;
  readonly char: boolean;
  readonly bool: boolean;
  /** Bits the value has; less than 8 * size in old bit fields. */
  readonly bits: number;
  readonly bitOffset: number;
}
export interface BtfFloat extends Named {
  readonly kind: 'float';
  readonly size: number;
}
/** Types that only point at another one. */
export interface BtfReference extends Named {
  readonly kind: 'ptr' | 'typedef' | 'volatile' | 'const' | 'restrict' | 'type_tag';
  readonly type: number;
  /** type_tag: a free attribute (6.14 and later), not a type tag of the address space kind. */
  readonly kindFlag?: boolean;
}
export interface BtfArray extends Named {
  readonly kind: 'array';
  readonly type: number;
  readonly indexType: number;
  readonly count: number;
}
export interface BtfMember {
  readonly name: string;
  readonly type: number;
  /** From the start of the struct. */
  readonly bitOffset: number;
  /** 0 for members that are no bit field. */
  readonly bitSize: number;
}
export interface BtfComposite extends Named {
  readonly kind: 'struct' | 'union';
  readonly size: number;
  readonly members: readonly BtfMember[];
}
export interface BtfEnumerator {
  readonly name: string;
  /** Signed or unsigned as the enum says. */
  readonly value: bigint;
}
export interface BtfEnum extends Named {
  readonly kind: 'enum' | 'enum64';
  readonly size: number;
  readonly signed: boolean;
  /** Empty for an enum that is only declared. */
  readonly enumerators: readonly BtfEnumerator[];
}
export interface BtfForward extends Named {
  readonly kind: 'fwd';
  readonly of: 'struct' | 'union';
}
export type BtfLinkage = 'static' | 'global' | 'extern';
export interface BtfFunc extends Named {
  readonly kind: 'func';
  /** Its func_proto. */
  readonly type: number;
  readonly linkage: BtfLinkage;
}
export interface BtfParameter {
  readonly name: string;
  /** 0 in the last place, with an empty name: variadic. */
  readonly type: number;
}
export interface BtfFuncProto extends Named {
  readonly kind: 'func_proto';
  /** Return type. */
  readonly type: number;
  readonly parameters: readonly BtfParameter[];
}
export interface BtfVar extends Named {
  readonly kind: 'var';
  readonly type: number;
  readonly linkage: BtfLinkage;
}
export interface BtfSectionVariable {
  /** Id of a var (or, in .ksyms, a func). */
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}
export interface BtfDatasec extends Named {
  readonly kind: 'datasec';
  readonly size: number;
  /** Sorted by offset. */
  readonly variables: readonly BtfSectionVariable[];
}
export interface BtfDeclTag extends Named {
  readonly kind: 'decl_tag';
  readonly type: number;
  /** Index of the member or parameter it is about; -1 for the whole type. */
  readonly component: number;
}

export type BtfType =
  | BtfVoid
  | BtfInt
  | BtfFloat
  | BtfReference
  | BtfArray
  | BtfComposite
  | BtfEnum
  | BtfForward
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfDatasec
  | BtfDeclTag;

/** A parsed BTF blob. Types are decoded when asked for; ids that do not exist or are damaged give undefined. */
export interface Btf {
  /** Ids are 0 (void) up to, not including, this; with a base, its ids come first. */
  readonly typeCount: number;
  readonly base?: Btf;
  readonly littleEndian: boolean;
  /** 8, or 4 where the blob's `long` says so. */
  readonly pointerSize: number;
  type(id: number): BtfType | undefined;
  /** The kind alone, without decoding the type. */
  kind(id: number): BtfKind | undefined;
  /** First id with this name (and kind, where given). Less than a millisecond after the first look-up. */
  find(name: string, kind?: BtfKind): number | undefined;
  /** All ids with this name, ascending. */
  findAll(name: string, kind?: BtfKind): readonly number[];
  /** All ids whose name is this up to a `___flavour`. */
  findFlavours(essentialName: string): readonly number[];
  /** Ids of decl_tags on this type, in order of id. */
  declTags(id: number): readonly BtfDeclTag[];
  /** The string at an offset of the string section (.BTF.ext uses it); undefined behind its end. */
  string(offset: number): string | undefined;
}
