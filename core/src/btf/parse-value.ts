// Text to bytes by type, the way back of format-value: `42`, `0x2a`, `"bash"`, `TCP_LISTEN`, `10.0.0.1`,
// `{pid = 42, comm = "bash"}` (or with `:`), `[1, 2, 3]`. What the text leaves out is zero.

import { findMember, resolve, sizeOf } from './type-facts.ts';
import type { Btf, BtfType } from './types.ts';

/** The bytes, or a sentence that says what the text should be. */
export function parseValue(btf: Btf, id: number, text: string): { bytes: Uint8Array } | { failure: string } {
  const size = sizeOf(btf, id);
  if (size === undefined || size > 1 << 24) return { failure: 'a value of this type has no size that could be filled' };
  const bytes = new Uint8Array(size);
  const parser = new Parser(btf, bytes, text);
  const failure = parser.value(id, 0, 8 * size, false, 0) ?? parser.end();
  return failure === undefined ? { bytes } : { failure: `${failure} (at character ${parser.at + 1})` };
}

const MAX_DEPTH = 32;

class Parser {
  at = 0;

  constructor(
    private readonly btf: Btf,
    private readonly bytes: Uint8Array,
    private readonly text: string,
  ) {}

  end(): string | undefined {
    this.blank();
    return this.at < this.text.length ? `"${this.text.slice(this.at, this.at + 10)}" stands behind the value` : undefined;
  }

  private blank(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }

  private take(word: string): boolean {
    this.blank();
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  private token(pattern: RegExp): string | undefined {
    this.blank();
    const match = pattern.exec(this.text.slice(this.at));
    if (!match) return undefined;
    this.at += match[0].length;
    return match[0];
  }

  private put(offset: number, size: number, value: bigint, bigEndian: boolean): void {
    for (let bit = 0; bit < size; bit++) {
      // A whole number of bytes in network order counts its bytes from the other end.
      const from = bigEndian ? 8 * (size / 8 - 1 - Math.floor(bit / 8)) + (bit % 8) : bit;
      const set = (value >> BigInt(from)) & 1n;
      const place = offset + bit;
      const index = Math.floor(place / 8);
      if (index < this.bytes.length) this.bytes[index] = (this.bytes[index]! & ~(1 << (place % 8))) | (Number(set) << (place % 8));
    }
  }

  value(id: number, offset: number, size: number, bitField: boolean, depth: number): string | undefined {
    const type = resolve(this.btf, id);
    if (!type || depth > MAX_DEPTH) return 'a type that cannot be read';
    switch (type.kind) {
      case 'int':
      case 'ptr':
      case 'enum':
      case 'enum64':
        return this.integer(id, type, offset, size, bitField);
      case 'float': {
        const word = this.token(/^-?[\d.]+(e-?\d+)?/i);
        if (word === undefined || Number.isNaN(Number(word))) return 'a number is needed here';
        const view = new DataView(this.bytes.buffer);
        if (type.size === 4) view.setFloat32(offset / 8, Number(word), this.btf.littleEndian);
        else if (type.size === 8) view.setFloat64(offset / 8, Number(word), this.btf.littleEndian);
        return undefined;
      }
      case 'array':
        return this.array(type, offset, size, depth);
      case 'struct':
      case 'union':
        return this.composite(type, offset, depth);
      case 'var':
        return this.value(type.type, offset, size, bitField, depth + 1);
      default:
        return `a ${type.kind} has no value`;
    }
  }

  private integer(id: number, type: BtfType, offset: number, size: number, bitField: boolean): string | undefined {
    const bigEndian = !bitField && (!this.btf.littleEndian || isNetworkOrder(this.btf, id));
    const address = this.token(/^\d+\.\d+\.\d+\.\d+/);
    if (address !== undefined) {
      const parts = address.split('.').map(Number);
      if (size !== 32 || parts.some((part) => part > 255)) return `${address} is no value of this type`;
      parts.forEach((part, i) => this.put(offset + 8 * i, 8, BigInt(part), false));
      return undefined;
    }
    const word = this.token(/^(-?(0x[0-9a-f]+|\d+)|'(\\.|[^'\\])'|[A-Za-z_]\w*)/i);
    if (word === undefined) return 'a number is needed here';
    const value = this.number(word, type);
    if (value === undefined) return `${word} is no value of this type`;
    if (BigInt.asUintN(size, value) !== value && BigInt.asIntN(size, value) !== value) return `${word} does not fit ${size} bits`;
    this.put(offset, size, BigInt.asUintN(size, value), bigEndian);
    this.take('(big-endian)');
    return undefined;
  }

  private number(word: string, type: BtfType): bigint | undefined {
    if (/^-?(0x[0-9a-f]+|\d+)$/i.test(word)) return word.startsWith('-') ? -BigInt(word.slice(1)) : BigInt(word);
    if (word.startsWith("'"))
      return BigInt(
        word.length === 3
          ? word.charCodeAt(1)
          : (({ n: 10, t: 9, r: 13, '0': 0 } as Record<string, number>)[word[2]!] ?? word.charCodeAt(2)),
      );
    if (type.kind === 'enum' || type.kind === 'enum64') return type.enumerators.find(({ name }) => name === word)?.value;
    if (word === 'true') return 1n;
    if (word === 'false' || word === 'NULL') return 0n;
    return undefined;
  }

  private array(type: BtfType & { kind: 'array' }, offset: number, size: number, depth: number): string | undefined {
    const element = sizeOf(this.btf, type.type);
    if (element === undefined) return 'an array whose elements have no size';
    this.blank();
    if (this.text[this.at] === '"') {
      const literal = this.token(/^"(\\.|[^"\\])*"/s);
      if (literal === undefined) return 'the closing quote is missing';
      let text: string;
      try {
        text = JSON.parse(
          literal
            .replace(/\\x([0-9a-f]{2})/gi, '\\u00$1')
            .replace(/\\0/g, '\\u0000')
            .replace(/\\e/g, '\\u001b')
            .replace(/\\a/g, '\\u0007')
            .replace(/\\v/g, '\\u000b'),
        ) as string;
      } catch {
        return `${literal} has an escape that C does not know`;
      }
      const content = new TextEncoder().encode(text);
      if (8 * content.length > size) return `the text has ${content.length} bytes, the array ${size / 8}`;
      this.bytes.set(content, offset / 8);
      return undefined;
    }
    const mac = element === 1 ? this.token(/^[0-9a-f]{2}(:[0-9a-f]{2})+/i) : undefined;
    if (mac !== undefined) {
      const parts = mac.split(':');
      if (parts.length > type.count) return `${parts.length} bytes for an array of ${type.count}`;
      parts.forEach((part, i) => this.put(offset + 8 * i, 8, BigInt(`0x${part}`), false));
      return undefined;
    }
    const close = this.take('[') ? ']' : this.take('{') ? '}' : undefined;
    if (close === undefined) return 'an array is written [1, 2, 3]';
    for (let i = 0; !this.take(close);) {
      if (i >= type.count) return `more than the array's ${type.count} elements`;
      const failure = this.value(type.type, offset + 8 * element * i, 8 * element, false, depth + 1);
      if (failure !== undefined) return failure;
      const times = /^<(\d+) times>/.exec(this.text.slice(this.at).trimStart());
      const repeat = times ? Number(times[1]) : 1;
      if (times) {
        this.blank();
        this.at += times[0].length;
        if (i + repeat > type.count) return `more than the array's ${type.count} elements`;
        const from = offset / 8 + element * i;
        for (let k = 1; k < repeat; k++) this.bytes.copyWithin(from + element * k, from, from + element);
      }
      i += repeat;
      if (!this.take(',')) {
        if (!this.take(close)) return `, or ${close} is needed here`;
        break;
      }
    }
    return undefined;
  }

  private composite(type: BtfType & { kind: 'struct' | 'union' }, offset: number, depth: number): string | undefined {
    if (!this.take('{')) return `a ${type.kind} is written {member = value, …}`;
    let next = 0;
    while (!this.take('}')) {
      const named = this.token(/^(\.?[A-Za-z_]\w*|"[A-Za-z_]\w*")\s*[:=]/);
      const name = named?.replace(/[\s:=."]/g, '');
      const index = next;
      const found =
        name === undefined
          ? type.members[index] && { member: type.members[index], bitOffset: type.members[index].bitOffset }
          : findMember(this.btf, type, name);
      if (!found)
        return name === undefined
          ? `more values than ${type.kind} ${type.name} has members`
          : `${type.kind} ${type.name} has no member ${name}`;
      next = name === undefined ? index + 1 : type.members.indexOf(found.member) + 1 || next;
      const { member, bitOffset } = found;
      const failure = this.value(
        member.type,
        offset + bitOffset,
        member.bitSize || 8 * (sizeOf(this.btf, member.type) ?? 0),
        member.bitSize > 0,
        depth + 1,
      );
      if (failure !== undefined) return failure;
      if (!this.take(',')) {
        if (!this.take('}')) return ', or } is needed here';
        break;
      }
    }
    return undefined;
  }
}

function isNetworkOrder(btf: Btf, id: number): boolean {
  let type = btf.type(id);
  for (let i = 0; i < MAX_DEPTH && type; i++) {
    if (type.kind === 'typedef' && /^__be(16|32|64)$/.test(type.name)) return true;
    if (type.kind !== 'typedef' && type.kind !== 'const' && type.kind !== 'volatile' && type.kind !== 'type_tag') return false;
    type = btf.type(type.type);
  }
  return false;
}
