// Bytes as values of a BTF type and back: what map dumps, records and initial map contents of a scenario show.
// Says nothing about where the bytes come from. Integers are exact: bigint where a number would lose bits.

import { findMember, resolve, sizeOf, type Btf, type BtfComposite, type BtfType } from '#core/btf';
import { fromHex, toHex } from '#core/bytes';
import { fromCString, fromLittleEndian, littleEndian, utf8 } from './integers.ts';

export type PlainValue = number | bigint | boolean | string | null | readonly PlainValue[] | { readonly [name: string]: PlainValue };

const plainInteger = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

/** The type behind variables, typedefs, qualifiers and type tags. */
function strip(btf: Btf, id: number): BtfType | undefined {
  const type = resolve(btf, id);
  return type?.kind === 'var' ? resolve(btf, type.type) : type;
}

/** The integer of `bitSize` bits at `bitOffset` of the bytes. */
function bits(bytes: Uint8Array, bitOffset: number, bitSize: number): bigint {
  const first = bitOffset >> 3;
  const last = (bitOffset + bitSize + 7) >> 3;
  return BigInt.asUintN(bitSize, fromLittleEndian(bytes.subarray(first, last)) >> BigInt(bitOffset & 7));
}

const isCharacter = (btf: Btf, id: number): boolean => {
  const type = strip(btf, id);
  return type?.kind === 'int' && type.size === 1 && (type.char || type.name === 'char');
};

/** Whether a char array holds text: printable, and nothing but zeros behind the first NUL is not asked for (buffers are reused). */
function textOf(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  for (const byte of text) if (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13) return undefined;
  return fromCString(bytes);
}

/** What the bytes are as a value of this type; bytes that are too short, and types without a shape, give hex text. */
export function decodeValue(btf: Btf, id: number, bytes: Uint8Array, depth = 0): PlainValue {
  const type = strip(btf, id);
  const size = sizeOf(btf, id);
  if (!type || depth > 32 || (size !== undefined && bytes.length < size)) return toHex(bytes, ' ');
  switch (type.kind) {
    case 'int': {
      if (type.bool) return bytes[0] !== 0;
      const value = bits(bytes, type.bitOffset, type.bits);
      return plainInteger(type.signed ? BigInt.asIntN(type.bits, value) : value);
    }
    case 'enum':
    case 'enum64': {
      const raw = fromLittleEndian(bytes.subarray(0, type.size));
      const value = type.signed ? BigInt.asIntN(type.size * 8, raw) : raw;
      return type.enumerators.find((enumerator) => enumerator.value === value)?.name ?? plainInteger(value);
    }
    case 'ptr': {
      const value = fromLittleEndian(bytes.subarray(0, btf.pointerSize));
      return value === 0n ? null : `0x${value.toString(16)}`;
    }
    case 'float':
      return new DataView(bytes.buffer, bytes.byteOffset)[type.size === 4 ? 'getFloat32' : 'getFloat64'](0, true);
    case 'array': {
      if (isCharacter(btf, type.type)) {
        const text = textOf(bytes.subarray(0, type.count));
        if (text !== undefined) return text;
      }
      const element = sizeOf(btf, type.type) ?? 0;
      if (element === 0) return toHex(bytes, ' ');
      return Array.from({ length: type.count }, (_, i) =>
        decodeValue(btf, type.type, bytes.subarray(i * element, (i + 1) * element), depth + 1),
      );
    }
    case 'struct':
    case 'union':
      return decodeMembers(btf, type, bytes, depth);
    case 'datasec': {
      const values: Record<string, PlainValue> = {};
      for (const variable of type.variables) {
        const name = btf.type(variable.type)?.name;
        if (name)
          values[name] = decodeValue(btf, variable.type, bytes.subarray(variable.offset, variable.offset + variable.size), depth + 1);
      }
      return values;
    }
    default:
      return toHex(bytes, ' ');
  }
}

function decodeMembers(btf: Btf, type: BtfComposite, bytes: Uint8Array, depth: number): PlainValue {
  const values: Record<string, PlainValue> = {};
  for (const member of type.members) {
    const target = strip(btf, member.type);
    let value: PlainValue;
    if (member.bitSize > 0) {
      const raw = bits(bytes, member.bitOffset, member.bitSize);
      const signed = (target?.kind === 'int' || target?.kind === 'enum') && target.signed;
      value = plainInteger(signed ? BigInt.asIntN(member.bitSize, raw) : raw);
    } else {
      const at = member.bitOffset >> 3;
      const size = sizeOf(btf, member.type);
      value = decodeValue(btf, member.type, bytes.subarray(at, size === undefined ? undefined : at + size), depth + 1);
    }
    // Members of an anonymous struct or union are the outer one's.
    if (member.name === '' && typeof value === 'object' && value !== null && !Array.isArray(value)) Object.assign(values, value);
    else if (member.name !== '') values[member.name] = value;
  }
  return values;
}

/** Encodes a value of JSON as the bytes of a type, or says which part does not fit. Missing members are zero. */
export function encodeValue(btf: Btf | undefined, id: number | undefined, size: number, value: unknown): Uint8Array | { problem: string } {
  const bytes = new Uint8Array(size);
  const problem =
    btf && id !== undefined && sizeOf(btf, id) !== undefined ? encodeInto(btf, id, bytes, value, 'value') : encodeUntyped(bytes, value);
  return problem === undefined ? bytes : { problem };
}

/** An integer from JSON: a number, a boolean, a decimal or 0x text. */
export function integerFrom(value: unknown): bigint | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string' && /^-?(0x[0-9a-f]+|\d+)$/i.test(value))
    return value.startsWith('-') ? -BigInt(value.slice(1)) : BigInt(value);
  return undefined;
}

function encodeUntyped(bytes: Uint8Array, value: unknown): string | undefined {
  if (Array.isArray(value)) {
    if (value.length !== bytes.length || value.some((byte) => typeof byte !== 'number' || byte < 0 || byte > 255))
      return `${bytes.length} bytes wanted, each 0 to 255`;
    bytes.set(value as number[]);
    return undefined;
  }
  if (typeof value === 'string' && value.startsWith('hex:')) {
    const raw = fromHex(value.slice(4));
    if (raw?.length !== bytes.length) return `${bytes.length} bytes of hex wanted after "hex:"`;
    bytes.set(raw);
    return undefined;
  }
  const integer = integerFrom(value);
  if (integer === undefined) {
    if (typeof value !== 'string') return `a number, "hex:…" or a list of ${bytes.length} bytes wanted`;
    const text = utf8(value);
    if (text.length > bytes.length) return `the text has ${text.length} bytes, ${bytes.length} fit`;
    bytes.set(text);
    return undefined;
  }
  bytes.set(littleEndian(integer, bytes.length));
  return undefined;
}

function encodeInto(btf: Btf, id: number, bytes: Uint8Array, value: unknown, path: string): string | undefined {
  const type = strip(btf, id);
  if (typeof value === 'string' && value.startsWith('hex:')) {
    const raw = fromHex(value.slice(4));
    if (!raw || raw.length > bytes.length) return `${path}: at most ${bytes.length} bytes of hex wanted after "hex:"`;
    bytes.set(raw);
    return undefined;
  }
  switch (type?.kind) {
    case 'int':
    case 'ptr': {
      const integer = integerFrom(value);
      const width = type.kind === 'int' ? type.size * 8 : 64;
      if (integer === undefined) return `${path}: an integer is wanted`;
      if (integer < -(1n << BigInt(width - 1)) || integer >= 1n << BigInt(width))
        return `${path}: ${integer} does not fit into ${width} bits`;
      bytes.set(littleEndian(integer, width / 8));
      return undefined;
    }
    case 'enum':
    case 'enum64': {
      const named = typeof value === 'string' ? type.enumerators.find(({ name }) => name === value)?.value : undefined;
      const integer = named ?? integerFrom(value);
      if (integer === undefined) return `${path}: a number or one of ${type.enumerators.map(({ name }) => name).join(', ')} is wanted`;
      bytes.set(littleEndian(integer, type.size));
      return undefined;
    }
    case 'array': {
      const element = sizeOf(btf, type.type) ?? 1;
      if (typeof value === 'string' && element === 1) {
        const text = utf8(value);
        if (text.length > type.count) return `${path}: the text has ${text.length} bytes, ${type.count} fit`;
        bytes.set(text);
        return undefined;
      }
      if (!Array.isArray(value) || value.length > type.count) return `${path}: a list of at most ${type.count} elements is wanted`;
      for (let i = 0; i < value.length; i++) {
        const problem = encodeInto(btf, type.type, bytes.subarray(i * element, (i + 1) * element), value[i], `${path}[${i}]`);
        if (problem !== undefined) return problem;
      }
      return undefined;
    }
    case 'struct':
    case 'union':
      return encodeMembers(btf, type, bytes, value, path);
    case 'datasec': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${path}: an object of variables is wanted`;
      for (const [name, member] of Object.entries(value)) {
        const variable = type.variables.find((candidate) => btf.type(candidate.type)?.name === name);
        if (!variable) return `${path}: there is no variable ${name}`;
        const problem = encodeInto(btf, variable.type, bytes.subarray(variable.offset, variable.offset + variable.size), member, name);
        if (problem !== undefined) return problem;
      }
      return undefined;
    }
    default:
      return encodeUntyped(bytes, value) === undefined ? undefined : `${path}: "hex:…" is wanted, the type has no shape`;
  }
}

function encodeMembers(btf: Btf, type: BtfComposite, bytes: Uint8Array, value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    // A struct around one thing can be given as that thing.
    const only = type.members.length === 1 ? type.members[0]! : undefined;
    return only && only.bitSize === 0
      ? encodeInto(btf, only.type, bytes, value, path)
      : `${path}: an object with ${type.members.map(({ name }) => name).join(', ')} is wanted`;
  }
  for (const [name, member] of Object.entries(value)) {
    const place = findMember(btf, type, name);
    if (!place)
      return `${path}: there is no member ${name}; it has ${type.members
        .map((known) => known.name)
        .filter(Boolean)
        .join(', ')}`;
    const { type: memberType, bitSize } = place.member;
    if (bitSize > 0) {
      const integer = integerFrom(member);
      if (integer === undefined) return `${path}.${name}: an integer is wanted`;
      for (let bit = 0; bit < bitSize; bit++)
        if ((integer >> BigInt(bit)) & 1n) bytes[(place.bitOffset + bit) >> 3]! |= 1 << ((place.bitOffset + bit) & 7);
      continue;
    }
    const at = place.bitOffset >> 3;
    const problem = encodeInto(btf, memberType, bytes.subarray(at, at + (sizeOf(btf, memberType) ?? 0)), member, `${path}.${name}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** JSON text of a value on one line; integers keep all their digits. */
export function toJson(value: PlainValue): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${(value as readonly PlainValue[]).map(toJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${JSON.stringify(name)}:${toJson(member as PlainValue)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

/** One line for people: `{pid: 5, comm: "cat"}`. */
export function toText(value: PlainValue): string {
  if (Array.isArray(value)) return `[${(value as readonly PlainValue[]).map(toText).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${name}: ${toText(member as PlainValue)}`)
      .join(', ')}}`;
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Typedefs that say what an integer is: uid_t, pid_t, inode_t, …; not those that only say how wide it is. */
const TELLING_TYPEDEF = /^(?!u?int|s?size|ssize|off|bool|__)([a-z]\w*)_t$/;

/** Untyped bytes: small ones as an integer, others as hex. */
export const plainBytes = (bytes: Uint8Array): PlainValue =>
  [1, 2, 4, 8].includes(bytes.length) ? plainInteger(fromLittleEndian(bytes)) : toHex(bytes, ' ');

/** A key for people: `1000`, `uid 1000`, `pid 5, comm "cat"`; hex where nothing is known of its type. */
export function describeKey(btf: Btf | undefined, id: number | undefined, key: Uint8Array): string {
  if (!btf || id === undefined || sizeOf(btf, id) === undefined) return String(plainBytes(key));
  const value = decodeValue(btf, id, key);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value)
      .map(([name, member]) => `${name} ${toText(member as PlainValue)}`)
      .join(', ');
  }
  const named = btf.type(id);
  const label = named?.kind === 'typedef' ? TELLING_TYPEDEF.exec(named.name)?.[1] : undefined;
  return label === undefined ? toText(value) : `${label} ${toText(value)}`;
}
