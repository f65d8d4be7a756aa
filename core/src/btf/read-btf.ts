// Reads a BTF blob: one pass finds where each type starts; a type is decoded when somebody asks for it.
// Split BTF goes on where its base ends. Damage ends the readable part and is said; nothing throws.

import { StringTable } from '#core/bytes';
import { error, type Problem } from '#core/problem';
import { NameIndex, NO_NAME } from './name-index.ts';
import {
  BTF_KINDS,
  type Btf,
  type BtfDeclTag,
  type BtfEnumerator,
  type BtfInt,
  type BtfKind,
  type BtfLinkage,
  type BtfMember,
  type BtfParameter,
  type BtfSectionVariable,
  type BtfType,
} from './types.ts';

const MAGIC = 0xeb9f;
const HEADER_SIZE = 24;
const TYPE_SIZE = 12;
/** BTF_MAX_TYPE of the kernel is 2^20 - 1; twice that leaves room for split BTF. */
const MAX_TYPES = 1 << 21;
const MAX_KNOWN_NAMES = 10_000;

export interface BtfResult {
  btf?: Btf;
  problems: readonly Problem[];
}

const KIND_INT = 1;
const KIND_DATASEC = 15;
const KIND_DECL_TAG = 17;

/** Bytes behind the 12 common ones, by kind number: always, and for each of vlen. */
const FIXED_EXTRA = Uint8Array.from(BTF_KINDS, (kind) =>
  kind === 'array' ? 12 : kind === 'int' || kind === 'var' || kind === 'decl_tag' ? 4 : 0,
);
const EXTRA_PER_ITEM = Uint8Array.from(BTF_KINDS, (kind) =>
  kind === 'struct' || kind === 'union' || kind === 'datasec' || kind === 'enum64' ? 12 : kind === 'enum' || kind === 'func_proto' ? 8 : 0,
);

/** Bytes of a section of the object by name: the compiler leaves the size of data sections in BTF 0. */
export type SectionSize = (section: string) => number | undefined;

/**
 * Reads a `.BTF` section or a kernel's /sys/kernel/btf file. `base` is the BTF that this one continues (a module's vmlinux).
 * `btf` is absent where the header is unusable; damaged types end the list, and a problem says where.
 */
export function readBtf(bytes: Uint8Array, base?: Btf, sectionSize?: SectionSize): BtfResult {
  const fail = (message: string, offset: number): BtfResult => ({ problems: [error(message, { code: 'btf-header', offset })] });
  if (bytes.length < HEADER_SIZE) return fail(`the BTF data ends inside its header: ${bytes.length} bytes of ${HEADER_SIZE}`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint16(0, true) === MAGIC;
  if (!littleEndian && view.getUint16(0, false) !== MAGIC) return fail('not BTF: it does not start with the magic number 0xeb9f', 0);
  if (bytes[2] !== 1) return fail(`BTF version ${bytes[2]} is unknown; the only version there is is 1`, 2);
  if (base && !(base instanceof BtfBlob)) return fail('the base BTF is not a parsed BTF', 0);
  const headerLength = view.getUint32(4, littleEndian);
  const typeStart = headerLength + view.getUint32(8, littleEndian);
  const typeLength = view.getUint32(12, littleEndian);
  const stringStart = headerLength + view.getUint32(16, littleEndian);
  const stringLength = view.getUint32(20, littleEndian);
  const problems: Problem[] = [];
  const part = (what: string, start: number, length: number): Uint8Array => {
    if (start + length > bytes.length)
      problems.push(
        error(`the BTF ${what} section (${length} bytes at ${start}) reaches behind the end of the data (${bytes.length} bytes)`, {
          code: 'btf-truncated',
          offset: start,
        }),
      );
    return bytes.subarray(Math.min(start, bytes.length), Math.min(start + length, bytes.length));
  };
  const types = part('type', typeStart, typeLength);
  const strings = part('string', stringStart, stringLength);
  return { btf: BtfBlob.index(types, strings, littleEndian, base as BtfBlob | undefined, sectionSize, typeStart, problems), problems };
}

/** Types as wide as a pointer, the best witness first: its name in gcc's and clang's writing. */
const LONG_NAMES = ['long unsigned int', 'unsigned long', 'long int', 'long'];
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LINKAGES = ['static', 'global', 'extern'] as const satisfies readonly BtfLinkage[];

class BtfBlob implements Btf {
  private readonly view: DataView;
  private readonly decoded: (BtfType | undefined)[];
  private readonly texts: StringTable;
  private names: NameIndex | undefined;
  /** Answers of the name index: programs ask a kernel's BTF for the same few names again and again. */
  private readonly nameIds = new Map<string, readonly number[]>();
  private readonly flavourIds = new Map<string, readonly number[]>();
  private tags: Map<number, BtfDeclTag[]> | undefined;
  private wordSize: number | undefined;
  readonly typeCount: number;
  readonly base?: Btf;
  private readonly firstId: number;
  private readonly firstString: number;

  private constructor(
    types: Uint8Array,
    private readonly strings: Uint8Array,
    /** Where each own type starts in `types`. */
    private readonly offsets: Uint32Array,
    readonly littleEndian: boolean,
    base: BtfBlob | undefined,
    private readonly sectionSize: SectionSize | undefined,
  ) {
    this.view = new DataView(types.buffer, types.byteOffset, types.byteLength);
    if (base) this.base = base;
    this.firstId = base ? base.typeCount : 1;
    this.firstString = base ? base.stringEnd : 0;
    this.typeCount = this.firstId + offsets.length;
    this.texts = new StringTable(strings);
    this.decoded = new Array<BtfType | undefined>(offsets.length);
  }

  static index(
    types: Uint8Array,
    strings: Uint8Array,
    littleEndian: boolean,
    base: BtfBlob | undefined,
    sectionSize: SectionSize | undefined,
    typeStart: number,
    problems: Problem[],
  ): BtfBlob {
    const view = new DataView(types.buffer, types.byteOffset, types.byteLength);
    let offsets = new Uint32Array(Math.max(16, types.length >> 4));
    let count = 0;
    let at = 0;
    const fail = (message: string): void => void problems.push(error(message, { code: 'btf-type', offset: typeStart + at }));
    while (at < types.length) {
      if (at + TYPE_SIZE > types.length) {
        fail(`BTF type ${count + 1} is cut off: ${types.length - at} bytes of ${TYPE_SIZE}`);
        break;
      }
      const info = view.getUint32(at + 4, littleEndian);
      const kind = (info >>> 24) & 0x1f;
      if (kind === 0 || kind >= BTF_KINDS.length) {
        fail(`BTF type ${count + 1} has the unknown kind ${kind}; kinds up to ${BTF_KINDS.length - 1} (enum64) are known`);
        break;
      }
      const size = TYPE_SIZE + FIXED_EXTRA[kind]! + EXTRA_PER_ITEM[kind]! * (info & 0xffff);
      if (at + size > types.length) {
        fail(`BTF type ${count + 1} (${BTF_KINDS[kind]}) is cut off: ${types.length - at} bytes of ${size}`);
        break;
      }
      if (count >= MAX_TYPES) {
        fail(`more than ${MAX_TYPES} BTF types`);
        break;
      }
      if (count === offsets.length) {
        const more = new Uint32Array(offsets.length * 2);
        more.set(offsets);
        offsets = more;
      }
      offsets[count++] = at;
      at += size;
    }
    return new BtfBlob(types, strings, offsets.slice(0, count), littleEndian, base, sectionSize);
  }

  /** Bytes of strings, the base's included. */
  private get stringEnd(): number {
    return this.firstString + this.strings.length;
  }

  get pointerSize(): number {
    if (this.base) return this.base.pointerSize;
    if (this.wordSize === undefined) {
      let best = LONG_NAMES.length;
      this.wordSize = 8;
      for (const id of this.ownOfKind(KIND_INT)) {
        const { name, size } = this.type(id) as BtfInt;
        const rank = LONG_NAMES.indexOf(name);
        if (rank < 0 || rank >= best) continue;
        best = rank;
        this.wordSize = size === 4 ? 4 : 8;
        if (rank === 0) break;
      }
    }
    return this.wordSize;
  }

  string(offset: number): string | undefined {
    if (offset < this.firstString) return this.base?.string(offset);
    return this.texts.at(offset - this.firstString);
  }

  kind(id: number): BtfKind | undefined {
    if (id === 0) return 'void';
    if (id < this.firstId) return this.base?.kind(id);
    const at = this.offsets[id - this.firstId];
    return at === undefined ? undefined : BTF_KINDS[(this.view.getUint32(at + 4, this.littleEndian) >>> 24) & 0x1f];
  }

  type(id: number): BtfType | undefined {
    if (id < this.firstId) return id === 0 ? VOID : this.base?.type(id);
    const known = this.decoded[id - this.firstId];
    if (known) return known;
    const at = this.offsets[id - this.firstId];
    if (at === undefined) return undefined;
    return (this.decoded[id - this.firstId] = this.decode(id, at));
  }

  private decode(id: number, at: number): BtfType {
    const u32 = (offset: number): number => this.view.getUint32(at + offset, this.littleEndian);
    const name = this.string(u32(0)) ?? '';
    const info = u32(4);
    const vlen = info & 0xffff;
    const kindFlag = info >>> 31 === 1;
    const size = u32(8);
    const kind = BTF_KINDS[(info >>> 24) & 0x1f]!;
    switch (kind) {
      case 'void':
        return VOID;
      case 'int': {
        const encoding = u32(12);
        const flags = (encoding >>> 24) & 0x0f;
        return {
          kind,
          id,
          name,
          size,
          signed: (flags & 1) !== 0,
          char: (flags & 2) !== 0,
          bool: (flags & 4) !== 0,
          bits: encoding & 0xff,
          bitOffset: (encoding >>> 16) & 0xff,
        };
      }
      case 'float':
        return { kind, id, name, size };
      case 'ptr':
      case 'typedef':
      case 'volatile':
      case 'const':
      case 'restrict':
        return { kind, id, name, type: size };
      case 'type_tag':
        return { kind, id, name, type: size, kindFlag };
      case 'array':
        return { kind, id, name, type: u32(12), indexType: u32(16), count: u32(20) };
      case 'struct':
      case 'union': {
        const members = new Array<BtfMember>(vlen);
        for (let i = 0; i < vlen; i++) {
          const offset = u32(20 + 12 * i);
          members[i] = {
            name: this.string(u32(12 + 12 * i)) ?? '',
            type: u32(16 + 12 * i),
            bitOffset: kindFlag ? offset & 0xff_ffff : offset,
            bitSize: kindFlag ? offset >>> 24 : 0,
          };
        }
        return { kind, id, name, size, members };
      }
      case 'enum': {
        const enumerators = new Array<BtfEnumerator>(vlen);
        for (let i = 0; i < vlen; i++) {
          const value = u32(16 + 8 * i);
          enumerators[i] = { name: this.string(u32(12 + 8 * i)) ?? '', value: BigInt(kindFlag ? value | 0 : value) };
        }
        // Before enum64 (6.0) the flag did not exist: a negative value is one whatever the flag says to readers of that time.
        return { kind, id, name, size, signed: kindFlag, enumerators };
      }
      case 'enum64': {
        const enumerators = new Array<BtfEnumerator>(vlen);
        for (let i = 0; i < vlen; i++) {
          const value = (BigInt(u32(20 + 12 * i)) << 32n) | BigInt(u32(16 + 12 * i));
          enumerators[i] = { name: this.string(u32(12 + 12 * i)) ?? '', value: kindFlag ? BigInt.asIntN(64, value) : value };
        }
        return { kind, id, name, size, signed: kindFlag, enumerators };
      }
      case 'fwd':
        return { kind, id, name, of: kindFlag ? 'union' : 'struct' };
      case 'func':
        return { kind, id, name, type: size, linkage: LINKAGES[vlen] ?? 'static' };
      case 'func_proto': {
        const parameters = new Array<BtfParameter>(vlen);
        for (let i = 0; i < vlen; i++) parameters[i] = { name: this.string(u32(12 + 8 * i)) ?? '', type: u32(16 + 8 * i) };
        return { kind, id, name, type: size, parameters };
      }
      case 'var':
        return { kind, id, name, type: size, linkage: LINKAGES[u32(12)] ?? 'static' };
      case 'datasec': {
        const variables = new Array<BtfSectionVariable>(vlen);
        for (let i = 0; i < vlen; i++) variables[i] = { type: u32(12 + 12 * i), offset: u32(16 + 12 * i), size: u32(20 + 12 * i) };
        variables.sort((a, b) => a.offset - b.offset);
        return { kind, id, name, size: size === 0 ? Math.min(this.sectionSize?.(name) ?? 0, 0xffff_ffff) : size, variables };
      }
      case 'decl_tag':
        return { kind, id, name, type: size, component: this.view.getInt32(at + 12, this.littleEndian) };
    }
  }

  private index(): NameIndex {
    if (!this.names) {
      const nameOffsets = new Uint32Array(this.offsets.length);
      for (let i = 0; i < nameOffsets.length; i++) {
        const offset = this.view.getUint32(this.offsets[i]!, this.littleEndian);
        // A split blob may name its types from the base's strings: those are found by the base's own index only by text.
        nameOffsets[i] = offset >= this.firstString ? offset - this.firstString : NO_NAME;
      }
      this.names = new NameIndex(this.strings, nameOffsets, this.firstId);
      if (this.firstString > 0) this.indexBorrowed();
    }
    return this.names;
  }

  /** Names of own types that lie in the base's strings. */
  private borrowed: Map<string, number[]> | undefined;

  private indexBorrowed(): void {
    this.borrowed = new Map();
    for (let i = 0; i < this.offsets.length; i++) {
      const offset = this.view.getUint32(this.offsets[i]!, this.littleEndian);
      if (offset === 0 || offset >= this.firstString) continue;
      const name = this.base?.string(offset) ?? '';
      const list = this.borrowed.get(name);
      if (list) list.push(this.firstId + i);
      else this.borrowed.set(name, [this.firstId + i]);
    }
  }

  private *ownOfKind(kind: number): Generator<number> {
    for (let i = 0; i < this.offsets.length; i++)
      if (((this.view.getUint32(this.offsets[i]! + 4, this.littleEndian) >>> 24) & 0x1f) === kind) yield this.firstId + i;
  }

  /** Ids of own types with this name; with `flavours`, whose name is this up to a `___flavour`. Ascending. */
  private ownIds(name: string, flavours: boolean): readonly number[] {
    if (name === '') return [];
    const known = flavours ? this.flavourIds : this.nameIds;
    let ids = known.get(name);
    if (!ids) {
      ids = [...this.index().ids(name, flavours), ...(this.borrowed?.get(name) ?? [])];
      if (known.size >= MAX_KNOWN_NAMES) known.clear();
      // A copy: the name may be a slice of the asking object's string table, which would live as long as this map.
      known.set(decoder.decode(encoder.encode(name)), ids);
    }
    return ids;
  }

  find(name: string, kind?: BtfKind): number | undefined {
    const inBase = this.base?.find(name, kind);
    if (inBase !== undefined) return inBase;
    // A loader asks an object for its few data sections and for nothing else: not worth an index of all names.
    if (kind === 'datasec' && !this.names) {
      for (const id of this.ownOfKind(KIND_DATASEC)) if (this.type(id)!.name === name) return id;
      return undefined;
    }
    return this.ownIds(name, false).find((id) => kind === undefined || this.kind(id) === kind);
  }

  findAll(name: string, kind?: BtfKind): readonly number[] {
    const own = this.ownIds(name, false).filter((id) => kind === undefined || this.kind(id) === kind);
    return this.base ? [...this.base.findAll(name, kind), ...own] : own;
  }

  findFlavours(essentialName: string): readonly number[] {
    const own = this.ownIds(essentialName, true);
    return this.base ? [...this.base.findFlavours(essentialName), ...own] : own;
  }

  declTags(id: number): readonly BtfDeclTag[] {
    if (!this.tags) {
      this.tags = new Map();
      for (const id of this.ownOfKind(KIND_DECL_TAG)) {
        const tag = this.type(id) as BtfDeclTag;
        const list = this.tags.get(tag.type);
        if (list) list.push(tag);
        else this.tags.set(tag.type, [tag]);
      }
    }
    return [...(this.base?.declTags(id) ?? []), ...(this.tags.get(id) ?? [])];
  }
}

const VOID = { kind: 'void', id: 0, name: '' } as const satisfies BtfType;
