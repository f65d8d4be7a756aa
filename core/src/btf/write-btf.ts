// Writes types as a BTF blob: for reduced kernel BTF and for tests. Ids of the result are 1, 2, 3 … in the order given;
// references must already be in those ids.

import { BTF_KINDS, type BtfLinkage, type BtfType } from './types.ts';

/** A type to write: its id is its place in the list, from 1. */
export type WritableType = BtfType;

const LINKAGES: readonly BtfLinkage[] = ['static', 'global', 'extern'];
const encoder = new TextEncoder();

class Strings {
  private readonly offsets = new Map<string, number>([['', 0]]);
  private readonly parts: Uint8Array[] = [new Uint8Array(1)];
  private length = 1;

  offset(text: string): number {
    let at = this.offsets.get(text);
    if (at === undefined) {
      at = this.length;
      this.offsets.set(text, at);
      const bytes = encoder.encode(`${text}\0`);
      this.parts.push(bytes);
      this.length += bytes.length;
    }
    return at;
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** Little-endian BTF of these types (without void, which every BTF has). */
export function writeBtf(types: readonly WritableType[]): Uint8Array<ArrayBuffer> {
  const strings = new Strings();
  const words: number[] = [];
  for (const type of types) {
    const head = (vlen: number, flag: boolean, sizeOrType: number): void => {
      words.push(strings.offset(type.name), (BTF_KINDS.indexOf(type.kind) << 24) | vlen | (flag ? 1 << 31 : 0), sizeOrType);
    };
    switch (type.kind) {
      case 'void':
        break;
      case 'int':
        head(0, false, type.size);
        words.push((((type.signed ? 1 : 0) | (type.char ? 2 : 0) | (type.bool ? 4 : 0)) << 24) | (type.bitOffset << 16) | type.bits);
        break;
      case 'float':
        head(0, false, type.size);
        break;
      case 'ptr':
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
        head(0, false, type.type);
        break;
      case 'type_tag':
        head(0, type.kindFlag ?? false, type.type);
        break;
      case 'array':
        head(0, false, 0);
        words.push(type.type, type.indexType, type.count);
        break;
      case 'struct':
      case 'union': {
        const bitFields = type.members.some(({ bitSize }) => bitSize > 0);
        head(type.members.length, bitFields, type.size);
        for (const member of type.members)
          words.push(strings.offset(member.name), member.type, bitFields ? (member.bitSize << 24) | member.bitOffset : member.bitOffset);
        break;
      }
      case 'enum':
        head(type.enumerators.length, type.signed, type.size);
        for (const { name, value } of type.enumerators) words.push(strings.offset(name), Number(BigInt.asIntN(32, value)));
        break;
      case 'enum64':
        head(type.enumerators.length, type.signed, type.size);
        for (const { name, value } of type.enumerators)
          words.push(strings.offset(name), Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
        break;
      case 'fwd':
        head(0, type.of === 'union', 0);
        break;
      case 'func':
        head(LINKAGES.indexOf(type.linkage), false, type.type);
        break;
      case 'func_proto':
        head(type.parameters.length, false, type.type);
        for (const parameter of type.parameters) words.push(strings.offset(parameter.name), parameter.type);
        break;
      case 'var':
        head(0, false, type.type);
        words.push(LINKAGES.indexOf(type.linkage));
        break;
      case 'datasec':
        head(type.variables.length, false, type.size);
        for (const variable of type.variables) words.push(variable.type, variable.offset, variable.size);
        break;
      case 'decl_tag':
        head(0, false, type.type);
        words.push(type.component);
        break;
    }
  }
  const text = strings.bytes();
  const bytes = new Uint8Array(24 + 4 * words.length + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  [24, 0, 4 * words.length, 4 * words.length, text.length].forEach((value, i) => view.setUint32(4 + 4 * i, value, true));
  words.forEach((word, i) => view.setInt32(24 + 4 * i, word | 0, true));
  bytes.set(text, 24 + 4 * words.length);
  return bytes;
}
