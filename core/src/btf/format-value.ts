// Bytes by type: as people read them (`{pid = 42, comm = "bash"}`), and as the tree that bpftool's map dump prints as JSON.

import { enumeratorName, resolve, sizeOf } from './type-facts.ts';
import type { Btf, BtfArray, BtfComposite, BtfMember, BtfType } from './types.ts';

export interface FormatOptions {
  /** Elements of an array shown at most; 64 unless told. */
  elements?: number;
  /** The member or variable that holds the value: its name may say what a number means (`saddr`, `mac`). */
  name?: string;
  /** What stands at an address, for people: `task 1234 "bash"`. */
  describeAddress?: (address: bigint) => string | undefined;
}

const MAX_DEPTH = 32;
/** Values that one text may have: a damaged BTF can nest without end. */
const MAX_VALUES = 6_000;

/** Options, and how many values may still be written. */
interface Formatting extends FormatOptions {
  budget: { left: number };
}

/** What `integerAt` needs of a bit field. */
interface Bits {
  /** From the start of the bytes. */
  offset: number;
  size: number;
}

/** The value at `bits` as an unsigned integer; bits behind the end of the bytes are zero. */
function bitsAt(bytes: Uint8Array, bits: Bits, littleEndian: boolean): bigint {
  let value = 0n;
  const first = Math.floor(bits.offset / 8);
  const last = Math.floor((bits.offset + bits.size - 1) / 8);
  if (littleEndian) {
    for (let i = last; i >= first; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
    value >>= BigInt(bits.offset % 8);
  } else {
    for (let i = first; i <= last; i++) value = (value << 8n) | BigInt(bytes[i] ?? 0);
    value >>= BigInt((last + 1) * 8 - bits.offset - bits.size);
  }
  return BigInt.asUintN(bits.size, value);
}

/** The integer in the first `size` bytes. */
export const integerOf = (bytes: Uint8Array, size: number, signed: boolean, littleEndian = true): bigint => {
  const value = bitsAt(bytes, { offset: 0, size: 8 * size }, littleEndian);
  return signed ? BigInt.asIntN(8 * size, value) : value;
};

/** The bytes as people read a value of this type. */
export function formatValue(btf: Btf, id: number, bytes: Uint8Array, options: FormatOptions = {}): string {
  return people(btf, id, bytes, { offset: 0, size: 8 * (sizeOf(btf, id) ?? 0) }, false, { ...options, budget: { left: MAX_VALUES } }, 0);
}

/** A member's value, bit field or not, out of the bytes of its struct. */
export function formatMember(btf: Btf, member: BtfMember, structBytes: Uint8Array, options: FormatOptions = {}): string {
  const size = member.bitSize || 8 * (sizeOf(btf, member.type) ?? 0);
  return people(
    btf,
    member.type,
    structBytes,
    { offset: member.bitOffset, size },
    member.bitSize > 0,
    { ...options, name: member.name, budget: { left: MAX_VALUES } },
    0,
  );
}

const isCharacter = (type: BtfType | undefined): boolean => type?.kind === 'int' && type.size === 1 && (type.char || type.name === 'char');
const pick = (bytes: Uint8Array, bits: Bits): Uint8Array => bytes.subarray(bits.offset / 8, (bits.offset + bits.size) / 8);

function people(btf: Btf, id: number, bytes: Uint8Array, bits: Bits, bitField: boolean, options: Formatting, depth: number): string {
  const type = resolve(btf, id);
  if (!type || depth > MAX_DEPTH || options.budget.left-- <= 0) return '?';
  if (!bitField && bits.offset / 8 + bits.size / 8 > bytes.length)
    return `<${Math.max(0, bytes.length - bits.offset / 8)} of ${bits.size / 8} bytes>`;
  switch (type.kind) {
    case 'int': {
      const order = bitField ? undefined : byteOrder(btf, id, bytes, bits, options);
      if (order !== undefined) return order;
      const raw = bitsAt(bytes, bits, btf.littleEndian);
      if (type.bool) return raw === 0n ? 'false' : raw === 1n ? 'true' : `true (${raw})`;
      if (isCharacter(type) && !bitField) return character(Number(raw));
      return `${type.signed ? BigInt.asIntN(bits.size, raw) : raw}`;
    }
    case 'enum':
    case 'enum64': {
      const raw = bitsAt(bytes, bits, btf.littleEndian);
      return enumeratorName(type, raw) ?? flags(type.enumerators, raw) ?? `${type.signed ? BigInt.asIntN(bits.size, raw) : raw}`;
    }
    case 'float':
      return floating(pick(bytes, bits), btf.littleEndian);
    case 'ptr': {
      const address = bitsAt(bytes, bits, btf.littleEndian);
      if (address === 0n) return 'NULL';
      const what = options.describeAddress?.(address);
      return `0x${address.toString(16)}${what === undefined ? '' : ` (${what})`}`;
    }
    case 'array':
      return array(btf, type, pick(bytes, bits), options, depth);
    case 'struct':
    case 'union':
      return composite(btf, type, pick(bytes, bits), options, depth);
    case 'datasec':
      return `{${type.variables.map(({ type: one, offset, size }) => `${btf.type(one)?.name ?? '?'} = ${people(btf, variableType(btf, one), bytes, { offset: bits.offset + 8 * offset, size: 8 * size }, false, options, depth + 1)}`).join(', ')}}`;
    case 'var':
      return people(btf, type.type, bytes, bits, bitField, { ...options, name: type.name }, depth + 1);
    default:
      return `<${type.kind}>`;
  }
}

function variableType(btf: Btf, id: number): number {
  const type = btf.type(id);
  return type?.kind === 'var' ? type.type : id;
}

function composite(btf: Btf, type: BtfComposite, bytes: Uint8Array, options: Formatting, depth: number): string {
  if (type.name === 'in6_addr' && bytes.length === 16) return ipv6(bytes);
  const parts: string[] = [];
  for (const member of type.members) {
    if (options.budget.left <= 0) {
      parts.push('…');
      break;
    }
    const size = member.bitSize || 8 * (sizeOf(btf, member.type) ?? 0);
    const text = people(
      btf,
      member.type,
      bytes,
      { offset: member.bitOffset, size },
      member.bitSize > 0,
      { ...options, name: member.name },
      depth + 1,
    );
    parts.push(member.name === '' ? text : `${member.name} = ${text}`);
  }
  return `{${parts.join(', ')}}`;
}

function array(btf: Btf, type: BtfArray, bytes: Uint8Array, options: Formatting, depth: number): string {
  const element = resolve(btf, type.type);
  const size = element ? sizeOf(btf, element.id) : undefined;
  if (!element || !size) return type.count === 0 ? '[]' : '?';
  const text = isCharacter(element) ? cString(bytes) : undefined;
  if (text !== undefined) return text;
  if (size === 1 && element.kind === 'int') {
    if (bytes.length === 6 && /mac|addr|dest|source|eth|hw/i.test(options.name ?? '')) return Array.from(bytes, hexByte).join(':');
    if (bytes.length === 16 && /addr|ip6|ipv6/i.test(options.name ?? '')) return ipv6(bytes);
  }
  const limit = options.elements ?? 64;
  const parts: string[] = [];
  let shown = 0;
  const count = Math.min(type.count, Math.floor(bytes.length / size));
  for (let i = 0; i < count && shown < limit; shown++) {
    const one = people(btf, type.type, bytes, { offset: 8 * size * i, size: 8 * size }, false, options, depth + 1);
    let same = 1;
    while (i + same < count && equalElements(bytes, size, i, i + same)) same++;
    // A long run of equal elements is said once.
    if (same > 8) {
      parts.push(`${one} <${same} times>`);
      i += same;
    } else {
      parts.push(one);
      i++;
    }
    if (shown === limit - 1 && i < count) parts.push(`… ${count - i} more`);
  }
  return `[${parts.join(', ')}]`;
}

function equalElements(bytes: Uint8Array, size: number, a: number, b: number): boolean {
  for (let i = 0; i < size; i++) if (bytes[a * size + i] !== bytes[b * size + i]) return false;
  return true;
}

const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0');

/** Network byte order where a typedef says so; an address where the name does too. */
function byteOrder(btf: Btf, id: number, bytes: Uint8Array, bits: Bits, options: Formatting): string | undefined {
  let type = btf.type(id);
  for (let i = 0; i < MAX_DEPTH && type; i++) {
    if (type.kind === 'typedef' && /^__be(16|32|64)$/.test(type.name)) {
      const value = bitsAt(bytes, bits, false);
      if (type.name === '__be32' && /addr|ip4?$|^ip|daddr|saddr|gateway|gw/i.test(options.name ?? ''))
        return Array.from(pick(bytes, bits)).join('.');
      return `${value} (big-endian)`;
    }
    if (type.kind !== 'typedef' && type.kind !== 'const' && type.kind !== 'volatile' && type.kind !== 'type_tag') return undefined;
    type = btf.type(type.type);
  }
  return undefined;
}

/** Bits of an enum of single bits, as `A | B`. */
function flags(enumerators: readonly { name: string; value: bigint }[], value: bigint): string | undefined {
  if (
    value === 0n ||
    enumerators.length < 2 ||
    !enumerators.every((one) => one.value === 0n || (one.value > 0n && (one.value & (one.value - 1n)) === 0n))
  )
    return undefined;
  const set = enumerators.filter((one) => one.value !== 0n && (value & one.value) === one.value);
  return set.reduce((sum, one) => sum | one.value, 0n) === value ? set.map(({ name }) => name).join(' | ') : undefined;
}

function floating(bytes: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 4) return `${Math.fround(view.getFloat32(0, littleEndian))}`;
  return bytes.length === 8 ? `${view.getFloat64(0, littleEndian)}` : `<${bytes.length}-byte float>`;
}

const ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  27: '\\e',
  34: '\\"',
  92: '\\\\',
};

function character(code: number): string {
  if (code === 0) return "'\\0'";
  if (code === 39) return "'\\''";
  if (code === 34) return "'\"'";
  return ESCAPES[code] !== undefined
    ? `'${ESCAPES[code]}'`
    : code >= 32 && code < 127
      ? `'${String.fromCharCode(code)}'`
      : `'\\x${hexByte(code)}'`;
}

/** A quoted text up to its NUL, when only zeros follow and every character prints. */
function cString(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  if (text.some((byte) => (byte < 32 || byte >= 127) && ESCAPES[byte] === undefined)) return undefined;
  return `"${Array.from(text, (byte) => ESCAPES[byte] ?? String.fromCharCode(byte)).join('')}"`;
}

/** RFC 5952: lower case, the longest run of zero groups as `::`. */
function ipv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** What bpftool prints: text in quotes, numbers bare, members in order (names may repeat). */
export type BpftoolValue =
  | { kind: 'number'; text: string }
  | { kind: 'string'; text: string }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'array'; elements: readonly BpftoolValue[] }
  | { kind: 'object'; members: readonly { name: string; value: BpftoolValue }[] };

/** The tree of `bpftool map dump` for a value with BTF. */
export function bpftoolValue(btf: Btf, id: number, bytes: Uint8Array): BpftoolValue {
  return tree(btf, id, bytes, { offset: 0, size: 8 * (sizeOf(btf, id) ?? 0) }, false, { left: 150 * MAX_VALUES }, 0);
}

const number = (value: bigint | string): BpftoolValue => ({ kind: 'number', text: `${value}` });

function tree(
  btf: Btf,
  id: number,
  bytes: Uint8Array,
  bits: Bits,
  bitField: boolean,
  budget: { left: number },
  depth: number,
): BpftoolValue {
  const type = resolve(btf, id);
  if (!type || depth > MAX_DEPTH || budget.left-- <= 0) return { kind: 'string', text: '(unsupported)' };
  const raw = (): bigint => bitsAt(bytes, bits, btf.littleEndian);
  switch (type.kind) {
    case 'int': {
      const value = raw();
      // Bit fields and wide integers are hexadecimal there.
      if (bitField) return number(`0x${value.toString(16)}`);
      if (type.size > 8) return { kind: 'string', text: `0x${value.toString(16)}` };
      if (type.bool) return { kind: 'boolean', value: value !== 0n };
      if (type.char) {
        const code = Number(value);
        return { kind: 'string', text: code >= 32 && code < 127 ? String.fromCharCode(code) : `\\x${hexByte(code)}` };
      }
      return number(type.signed ? BigInt.asIntN(bits.size, value) : value);
    }
    case 'enum':
    case 'enum64': {
      const value = raw();
      const name = enumeratorName(type, value);
      return name === undefined
        ? number(type.signed || type.kind === 'enum' ? BigInt.asIntN(bits.size, value) : value)
        : { kind: 'string', text: name };
    }
    case 'ptr': {
      const address = raw();
      return number(address === 0n ? '(nil)' : `0x${address.toString(16)}`);
    }
    case 'array': {
      const element = resolve(btf, type.type);
      const size = element ? (sizeOf(btf, element.id) ?? 0) : 0;
      const own = pick(bytes, bits);
      const text = element?.kind === 'int' && element.size === 1 && element.name === 'char' ? plainString(own) : undefined;
      if (text !== undefined) return { kind: 'string', text };
      return {
        kind: 'array',
        elements: Array.from({ length: Math.min(type.count, own.length / Math.max(size, 1)) }, (_, i) =>
          tree(btf, type.type, own, { offset: 8 * size * i, size: 8 * size }, false, budget, depth + 1),
        ),
      };
    }
    case 'struct':
    case 'union': {
      const own = pick(bytes, bits);
      return {
        kind: 'object',
        members: type.members.map((member) => ({
          name: member.name,
          value: tree(
            btf,
            member.type,
            own,
            { offset: member.bitOffset, size: member.bitSize || 8 * (sizeOf(btf, member.type) ?? 0) },
            member.bitSize > 0,
            budget,
            depth + 1,
          ),
        })),
      };
    }
    case 'datasec':
      return {
        kind: 'object',
        members: [
          {
            name: type.name,
            value: {
              kind: 'array',
              elements: type.variables.map(({ type: one, offset, size }) => ({
                kind: 'object',
                members: [
                  {
                    name: btf.type(one)?.name ?? '',
                    value: tree(
                      btf,
                      variableType(btf, one),
                      bytes,
                      { offset: bits.offset + 8 * offset, size: 8 * size },
                      false,
                      budget,
                      depth + 1,
                    ),
                  },
                ],
              })),
            },
          },
        ],
      };
    case 'var':
      return tree(btf, type.type, bytes, bits, bitField, budget, depth + 1);
    default:
      return { kind: 'string', text: '(unsupported)' };
  }
}

/** bpftool prints a char array as text when it is printable up to a NUL and zero behind it. */
function plainString(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  if (end < 0) return undefined;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (i < end ? byte < 32 || byte >= 127 : byte !== 0) return undefined;
  }
  return String.fromCharCode(...bytes.subarray(0, end));
}
