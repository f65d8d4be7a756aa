// A C type of the debug information as BTF, so that values of types that the compiler left out of .BTF are shown like all others:
// clang keeps a struct there only where a map, a global or a function's prototype names it.

import { readBtf, writeBtf, type Btf, type BtfMember, type BtfType } from '#core/btf';
import type { CType } from '#core/dwarf';

/** The type in a BTF of its own; undefined where it cannot be told as BTF. */
export function btfOfCType(type: CType): { btf: Btf; typeId: number } | undefined {
  const types: (BtfType | undefined)[] = [];
  const typeId = add(type, types, 0);
  const complete = types.filter((known) => known !== undefined);
  if (typeId === 0 || complete.length !== types.length) return undefined;
  const { btf } = readBtf(writeBtf(complete));
  return btf && { btf, typeId };
}

/** `struct event` without its keyword: BTF keeps tags apart from kinds. */
const tag = (name: string): string => {
  const bare = name.replace(/^(struct|union|enum) /, '');
  return /^\w+$/.test(bare) ? bare : '';
};

/** Adds the type behind what it needs; its id, 0 for void. */
function add(type: CType, types: (BtfType | undefined)[], depth: number): number {
  if (depth > 16) return 0;
  const put = (make: (id: number) => BtfType): number => {
    const id = types.push(undefined);
    types[id - 1] = make(id);
    return id;
  };
  switch (type.kind) {
    case 'integer':
      return put((id) => ({
        kind: 'int',
        id,
        name: tag(type.name.replace(/ /g, '_')) || 'int',
        size: type.size,
        signed: type.signed,
        char: type.shows === 'character',
        bool: type.shows === 'boolean',
        bits: type.size * 8,
        bitOffset: 0,
      }));
    case 'float':
      return put((id) => ({ kind: 'float', id, name: tag(type.name) || 'double', size: type.size }));
    case 'enum':
      return put((id) => ({
        kind: type.size > 4 ? 'enum64' : 'enum',
        id,
        name: tag(type.name),
        size: type.size,
        signed: type.signed,
        enumerators: type.values,
      }));
    case 'array': {
      const element = add(type.element, types, depth + 1);
      return element === 0 ? 0 : put((id) => ({ kind: 'array', id, name: '', type: element, indexType: element, count: type.count }));
    }
    case 'record': {
      const members: BtfMember[] = type.members().flatMap((member) => {
        const memberType = add(member.type, types, depth + 1);
        return memberType === 0 ? [] : [{ name: member.name, type: memberType, bitOffset: member.offsetBits, bitSize: member.bits ?? 0 }];
      });
      return put((id) => ({ kind: type.keyword, id, name: tag(type.name), size: type.size, members }));
    }
    // What a pointer points at does not change how it is shown.
    case 'pointer':
      return put((id) => ({ kind: 'ptr', id, name: '', type: 0 }));
    case 'void':
    case 'function':
      return 0;
  }
}
