// C types as the debugger shows and computes with them, whatever they were read from (BTF, DWARF, a table).
// Knows no format: c-type-btf.ts and c-type-dwarf.ts make these from theirs.

export interface CMember {
  /** Empty for an anonymous struct or union, whose members count as the outer one's. */
  name: string;
  offsetBits: number;
  /** Bits of a bitfield; undefined for a plain member. */
  bits?: number;
  type: CType;
}

export type CType =
  | { kind: 'void'; name: string; size: 0 }
  | { kind: 'integer'; name: string; size: number; signed: boolean; shows: 'number' | 'boolean' | 'character' }
  | { kind: 'float'; name: string; size: number }
  | { kind: 'enum'; name: string; size: number; signed: boolean; values: readonly { name: string; value: bigint }[] }
  | { kind: 'pointer'; name: string; size: number; target: () => CType }
  | { kind: 'record'; name: string; size: number; members: () => readonly CMember[] }
  | { kind: 'array'; name: string; size: number; element: CType; count: number }
  | { kind: 'function'; name: string; size: 0 };

export const VOID: CType = { kind: 'void', name: 'void', size: 0 };

export const integerType = (name: string, size: number, signed: boolean, shows: 'number' | 'boolean' | 'character' = 'number'): CType => ({
  kind: 'integer',
  name,
  size,
  signed,
  shows,
});

export const pointerTo = (target: CType): CType => ({ kind: 'pointer', name: pointerName(target.name), size: 8, target: () => target });

export const arrayOf = (element: CType, count: number): CType => ({
  kind: 'array',
  name: `${element.name}[${count}]`,
  size: element.size * count,
  element,
  count,
});

/** `struct start *`, `char **`: one space before the first star only. */
export const pointerName = (target: string): string => (target.endsWith('*') ? `${target}*` : `${target} *`);

/** The integer types that every C program has, and the names that the kernel's headers give them. */
const BUILTIN: ReadonlyMap<string, CType> = new Map(
  [
    integerType('char', 1, true, 'character'),
    integerType('signed char', 1, true),
    integerType('unsigned char', 1, false),
    integerType('short', 2, true),
    integerType('unsigned short', 2, false),
    integerType('int', 4, true),
    integerType('unsigned int', 4, false),
    integerType('long', 8, true),
    integerType('unsigned long', 8, false),
    integerType('long long', 8, true),
    integerType('unsigned long long', 8, false),
    integerType('_Bool', 1, false, 'boolean'),
    integerType('bool', 1, false, 'boolean'),
    integerType('size_t', 8, false),
    ...(['__s', 's', '__u', 'u'] as const).flatMap((prefix) =>
      [8, 16, 32, 64].map((bits) => integerType(`${prefix}${bits}`, bits / 8, prefix.endsWith('s'))),
    ),
    ...[8, 16, 32, 64].flatMap((bits) => [integerType(`int${bits}_t`, bits / 8, true), integerType(`uint${bits}_t`, bits / 8, false)]),
    ...[16, 32, 64].flatMap((bits) => [integerType(`__be${bits}`, bits / 8, false), integerType(`__le${bits}`, bits / 8, false)]),
    VOID,
  ].map((type) => [type.name, type]),
);

/** `unsigned long int`, `u32`, `long unsigned`: in any order that C allows; undefined for other names. */
export function builtinType(words: readonly string[]): CType | undefined {
  if (words.length === 1 && BUILTIN.has(words[0]!)) return BUILTIN.get(words[0]!);
  const rest = words.filter((word) => word !== 'const' && word !== 'volatile');
  if (rest.length === 0 || !rest.every((word) => ['signed', 'unsigned', 'short', 'long', 'int', 'char'].includes(word)))
    return rest.length === 1 && rest.length < words.length ? builtinType(rest) : undefined;
  const count = (word: string): number => rest.filter((other) => other === word).length;
  const sign = count('unsigned') > 0 ? 'unsigned ' : '';
  if (count('char') > 0) return BUILTIN.get(`${sign || (count('signed') > 0 ? 'signed ' : '')}char`);
  const base = count('short') > 0 ? 'short' : count('long') > 1 ? 'long long' : count('long') === 1 ? 'long' : 'int';
  return BUILTIN.get(`${sign}${base}`);
}

export const isScalar = (type: CType): boolean =>
  type.kind === 'integer' || type.kind === 'enum' || type.kind === 'pointer' || type.kind === 'float';

/** The member of that name, looked for in anonymous members too; its offset counts from the outer record. */
export function findMember(type: CType, name: string): CMember | undefined {
  if (type.kind !== 'record') return undefined;
  for (const member of type.members()) {
    if (member.name === name) return member;
    if (member.name === '') {
      const inner = findMember(member.type, name);
      if (inner) return { ...inner, offsetBits: inner.offsetBits + member.offsetBits };
    }
  }
  return undefined;
}
