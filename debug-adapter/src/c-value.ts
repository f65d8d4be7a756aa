// A C value and the place it lives in: reading, writing, its parts, and its text on one line.
// Knows no debugger state: memory and registers are reached through the places' own functions.

import { asS64, asU64, hex64, toHex } from '#core/bytes';
import type { CMember, CType } from './c-type.ts';
import { networkBytes, networkNumber } from './network-values.ts';

/** Where bytes are. `read` may fail with a sentence; `write` is absent where nothing may be written. */
export interface Place {
  /** Address in the simulated kernel's memory, if there is one. */
  address?: bigint;
  read(offset: number, size: number): Uint8Array | { unavailable: string };
  /** Returns a sentence when the write was refused. */
  write?(offset: number, bytes: Uint8Array): string | undefined;
}

export interface CValue {
  type: CType;
  place: Place;
  /** Byte offset into the place. */
  offset: number;
  /** Of the variable or member: says more about a number than its type does. */
  name?: string;
  /** A bitfield's position from `offset`. */
  bitfield?: { bitOffset: number; bits: number };
}

/** What is needed to show more than numbers: where a pointer points, and how people name it. */
export interface Surroundings {
  /** `counts[uid 1000]+0`, `packet+14`, or undefined when the address is nobody's. */
  describeAddress(address: bigint): string | undefined;
  at(address: bigint): Place;
  hex: boolean;
}

export const constantPlace = (bytes: Uint8Array): Place => ({
  read: (offset, size) =>
    offset >= 0 && offset + size <= bytes.length ? bytes.subarray(offset, offset + size) : { unavailable: 'not available' },
});

export const unavailablePlace = (why: string): Place => ({ read: () => ({ unavailable: why }) });

export const constant = (type: CType, value: bigint): CValue => ({
  type,
  place: constantPlace(integerBytes(value, Math.max(type.size, 1))),
  offset: 0,
});

/** Little-endian bytes of the value's low bits. */
export function integerBytes(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(size * 8, value);
  for (let i = 0; i < size; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

export function bytesToInteger(bytes: Uint8Array, signed: boolean): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return signed ? BigInt.asIntN(bytes.length * 8, value) : value;
}

const isSigned = (type: CType): boolean => (type.kind === 'integer' || type.kind === 'enum') && type.signed;

export const readBytes = (value: CValue): Uint8Array | { unavailable: string } => value.place.read(value.offset, value.type.size);

/** The number of an integer, enum, pointer or bitfield; or why there is none. */
export function readInteger(value: CValue): bigint | { unavailable: string } {
  const { bitfield } = value;
  if (!bitfield) {
    const bytes = value.place.read(value.offset, value.type.size);
    return bytes instanceof Uint8Array ? bytesToInteger(bytes, isSigned(value.type)) : bytes;
  }
  const first = Math.floor(bitfield.bitOffset / 8);
  const bytes = value.place.read(value.offset + first, Math.ceil(((bitfield.bitOffset % 8) + bitfield.bits) / 8));
  if (!(bytes instanceof Uint8Array)) return bytes;
  const raw = bytesToInteger(bytes, false) >> BigInt(bitfield.bitOffset % 8);
  return isSigned(value.type) ? BigInt.asIntN(bitfield.bits, raw) : BigInt.asUintN(bitfield.bits, raw);
}

/** Writes an integer into the value's place. Returns a sentence when that is not possible. */
export function writeInteger(value: CValue, number: bigint): string | undefined {
  if (!value.place.write) return 'this value cannot be changed';
  const { bitfield } = value;
  if (!bitfield) return value.place.write(value.offset, integerBytes(number, value.type.size));
  const first = Math.floor(bitfield.bitOffset / 8);
  const size = Math.ceil(((bitfield.bitOffset % 8) + bitfield.bits) / 8);
  const bytes = value.place.read(value.offset + first, size);
  if (!(bytes instanceof Uint8Array)) return bytes.unavailable;
  const shift = BigInt(bitfield.bitOffset % 8);
  const mask = ((1n << BigInt(bitfield.bits)) - 1n) << shift;
  return value.place.write(value.offset + first, integerBytes((bytesToInteger(bytes, false) & ~mask) | ((number << shift) & mask), size));
}

export const memberOf = (value: CValue, member: CMember): CValue => {
  if (member.bits === undefined)
    return { type: member.type, place: value.place, offset: value.offset + member.offsetBits / 8, name: member.name };
  return {
    type: member.type,
    place: value.place,
    offset: value.offset,
    name: member.name,
    bitfield: { bitOffset: member.offsetBits, bits: member.bits },
  };
};

export const elementOf = (value: CValue, element: CType, index: number): CValue => ({
  type: element,
  place: value.place,
  offset: value.offset + index * element.size,
  ...(value.name === undefined ? {} : { name: value.name }),
});

/** What a pointer points at, as a value of its own. */
export function dereference(value: CValue, surroundings: Surroundings): CValue | { unavailable: string } {
  if (value.type.kind !== 'pointer') return { unavailable: `${value.type.name} is not a pointer` };
  const address = readInteger(value);
  if (typeof address !== 'bigint') return address;
  return { type: value.type.target(), place: surroundings.at(asU64(address)), offset: 0 };
}

/** The address of the value's first byte, if it lives in memory. */
export const addressOf = (value: CValue): bigint | undefined =>
  value.place.address === undefined || value.bitfield ? undefined : asU64(value.place.address + BigInt(value.offset));

const ESCAPES: Readonly<Record<number, string>> = { 0: '\\0', 7: '\\a', 9: '\\t', 10: '\\n', 13: '\\r', 34: '\\"', 92: '\\\\' };
const character = (byte: number): string =>
  ESCAPES[byte] ?? (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`);

/** Text up to the NUL, in quotes; bytes that are no text as `\xNN`. */
export function quoteBytes(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return `"${[...bytes.subarray(0, end < 0 ? bytes.length : end)].map(character).join('')}"`;
}

export function formatInteger(type: CType, number: bigint, hex: boolean): string {
  if (type.kind === 'enum') {
    const named = type.values.find((entry) => entry.value === number);
    return named ? `${named.name} (${number})` : `${number}`;
  }
  if (type.kind === 'integer' && type.shows === 'boolean') return number === 0n ? 'false' : number === 1n ? 'true' : `true (${number})`;
  if (type.kind === 'integer' && type.shows === 'character') {
    const byte = Number(number & 0xffn);
    return byte >= 0x20 && byte < 0x7f ? `${number} '${character(byte)}'` : `${number}`;
  }
  if (hex) return `0x${BigInt.asUintN(type.size * 8, number).toString(16)}`;
  return `${number}`;
}

/** What a pointer points at, by name, and what stands there: `counts[uid 1000] → 1`; the address where nobody has a name for it. */
export function formatPointer(address: bigint, target: CType, surroundings: Surroundings, depth = 0): string {
  if (address === 0n) return 'NULL';
  const named = surroundings.describeAddress(address);
  if (named === undefined) return hex64(address);
  const where = named.replace(/^map_value (?:.* \((.*)\)|(.*?)(?:\+0)?)$/, '$1$2');
  if (depth > 0 || target.size === 0) return where;
  const content =
    target.kind === 'integer' && target.shows === 'character'
      ? readString(surroundings.at(address))
      : formatValue({ type: target, place: surroundings.at(address), offset: 0 }, surroundings, 1);
  return content === undefined ? where : `${where} → ${content}`;
}

/** At most 64 characters of the NUL-terminated text at a place. */
function readString(place: Place): string | undefined {
  const bytes: number[] = [];
  for (let i = 0; i < 64; i++) {
    const byte = place.read(i, 1);
    if (!(byte instanceof Uint8Array)) return i === 0 ? undefined : quoteBytes(Uint8Array.from(bytes));
    if (byte[0] === 0) break;
    bytes.push(byte[0]!);
  }
  return quoteBytes(Uint8Array.from(bytes));
}

/** The value on one line. Long arrays and records end in an ellipsis: their parts are shown one by one. */
export function formatValue(value: CValue, surroundings: Surroundings, depth = 0): string {
  const { type } = value;
  switch (type.kind) {
    case 'void':
    case 'function':
      return type.name;
    case 'integer':
    case 'enum': {
      const number = readInteger(value);
      if (typeof number !== 'bigint') return `<${number.unavailable}>`;
      const meaning = value.bitfield ? undefined : networkNumber(type, value.name, BigInt.asUintN(type.size * 8, number));
      return `${formatInteger(type, number, surroundings.hex)}${meaning === undefined ? '' : ` (${meaning})`}`;
    }
    case 'float': {
      const bytes = readBytes(value);
      if (!(bytes instanceof Uint8Array)) return `<${bytes.unavailable}>`;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return type.size === 8 ? `${view.getFloat64(0, true)}` : type.size === 4 ? `${view.getFloat32(0, true)}` : toHex(bytes, ' ');
    }
    case 'pointer': {
      const number = readInteger(value);
      return typeof number === 'bigint' ? formatPointer(asU64(number), type.target(), surroundings, depth) : `<${number.unavailable}>`;
    }
    case 'array': {
      const bytes = readBytes(value);
      if (!(bytes instanceof Uint8Array)) return `<${bytes.unavailable}>`;
      if (type.element.kind === 'integer' && type.element.shows === 'character' && type.element.size === 1 && type.count > 0)
        return quoteBytes(bytes);
      const address = networkBytes(type, value.name, bytes);
      if (address !== undefined) return address;
      if (depth > 2) return '[…]';
      const shown = Math.min(type.count, 8);
      const parts = Array.from({ length: shown }, (_, index) =>
        formatValue(elementOf(value, type.element, index), surroundings, depth + 1),
      );
      return `[${parts.join(', ')}${shown < type.count ? ', …' : ''}]`;
    }
    case 'record': {
      const bytes = type.size > 0 ? value.place.read(value.offset, 1) : new Uint8Array();
      if (!(bytes instanceof Uint8Array)) return `<${bytes.unavailable}>`;
      const whole = type.size === 4 || type.size === 16 ? readBytes(value) : undefined;
      const address = whole instanceof Uint8Array ? networkBytes(type, value.name, whole) : undefined;
      if (address !== undefined) return address;
      if (depth > 2) return '{…}';
      const members = type.members();
      const parts: string[] = [];
      for (const member of members) {
        const text = `${member.name ? `${member.name} = ` : ''}${formatValue(memberOf(value, member), surroundings, depth + 1)}`;
        if (parts.join(', ').length + text.length > 160 && parts.length > 0) {
          parts.push('…');
          break;
        }
        parts.push(text);
      }
      return `{${parts.join(', ')}}`;
    }
  }
}

/** `1000 (0x3e8)`, as signed where that is shorter: how a register's bare number is shown. */
export function formatScalar(value: bigint): string {
  const signed = asS64(value);
  const decimal = signed < 0n && signed >= -0x1_0000_0000n ? signed : asU64(value);
  return decimal >= 0n && decimal < 10n ? `${decimal}` : `${decimal} (${hex64(value)})`;
}
