// Writes .BTF and .BTF.ext for an assembled text: maps as `.maps` wants them, a FUNC for each function, a line record for each
// instruction. Formats: the kernel's Documentation/bpf/btf.rst. Not a general BTF writer.

import type { AssembledMap } from './asm-directives.ts';
import type { AssembledSection, AssembledSymbol } from './assemble.ts';
import { functionsBySection } from './object-functions.ts';

const KIND = { INT: 1, PTR: 2, ARRAY: 3, STRUCT: 4, FUNC: 12, FUNC_PROTO: 13, VAR: 14, DATASEC: 15, ENUM64: 19 } as const;
const MAGIC = 0xeb9f;

/** Little-endian bytes that grow. */
export class ByteWriter {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  length = 0;

  private room(size: number): number {
    if (this.length + size > this.bytes.length) {
      const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size));
      bigger.set(this.bytes.subarray(0, this.length));
      this.bytes = bigger;
      this.view = new DataView(bigger.buffer);
    }
    const at = this.length;
    this.length += size;
    return at;
  }

  u8(value: number): this {
    const at = this.room(1);
    this.view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.room(2);
    this.view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.room(4);
    this.view.setUint32(at, value, true);
    return this;
  }

  u64(value: number | bigint): this {
    const at = this.room(8);
    this.view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
    return this;
  }

  alignTo(to: number): this {
    while (this.length % to !== 0) this.u8(0);
    return this;
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}

/** A string table: offset 0 is the empty string, equal strings are kept once. */
export class StringTable {
  private readonly offsets = new Map<string, number>([['', 0]]);
  private readonly writer = new ByteWriter().u8(0);
  private readonly encoder = new TextEncoder();

  add(text: string): number {
    const known = this.offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.writer.length;
    this.writer.raw(this.encoder.encode(text)).u8(0);
    this.offsets.set(text, offset);
    return offset;
  }

  done(): Uint8Array {
    return this.writer.done();
  }
}

class BtfWriter {
  readonly strings = new StringTable();
  private readonly types = new ByteWriter();
  private next = 1;
  private readonly arrays = new Map<number, number>();
  private readonly int = this.type('int', KIND.INT, 0, 4, (writer) => writer.u32((1 << 24) | 32));
  private readonly voidPointer = this.type('', KIND.PTR, 0, 0);
  private readonly programProto = this.type('', KIND.FUNC_PROTO, 1, this.int, (writer) =>
    writer.u32(this.strings.add('ctx')).u32(this.voidPointer),
  );
  private readonly subprogramProto = this.type('', KIND.FUNC_PROTO, 0, this.int);

  private type(name: string, kind: number, vlen: number, sizeOrType: number, rest?: (writer: ByteWriter) => void): number {
    this.types
      .u32(this.strings.add(name))
      .u32((kind << 24) | vlen)
      .u32(sizeOrType);
    rest?.(this.types);
    return this.next++;
  }

  func(name: string, isProgram: boolean): number {
    // Subprograms are static: the verifier then checks them at each call, which needs no types of their arguments.
    return this.type(name, KIND.FUNC, isProgram ? 1 : 0, isProgram ? this.programProto : this.subprogramProto);
  }

  /** `int (*)[value]`, libbpf's `__uint(name, value)`. */
  private number(value: number): number {
    const known = this.arrays.get(value);
    if (known !== undefined) return known;
    const array = this.type('', KIND.ARRAY, 0, 0, (writer) => writer.u32(this.int).u32(this.int).u32(value));
    const pointer = this.type('', KIND.PTR, 0, array);
    this.arrays.set(value, pointer);
    return pointer;
  }

  /** The map's variable and the bytes it takes in `.maps`. */
  map(map: AssembledMap, typeId: number): { variable: number; size: number } {
    const members: [string, number][] = [['type', this.number(typeId)]];
    if (map.keySize !== 0) members.push(['key_size', this.number(map.keySize)]);
    if (map.valueSize !== 0) members.push(['value_size', this.number(map.valueSize)]);
    if (map.maxEntries !== 0) members.push(['max_entries', this.number(map.maxEntries)]);
    if (map.flags !== 0) members.push(['map_flags', this.number(map.flags)]);
    if (map.pinned) members.push(['pinning', this.number(1)]);
    const { mapExtra } = map;
    if (mapExtra !== undefined) {
      members.push([
        'map_extra',
        this.type('', KIND.ENUM64, 1, 8, (writer) => writer.u32(this.strings.add(`${map.name}__map_extra`)).u64(mapExtra)),
      ]);
    }
    const size = members.length * 8;
    const struct = this.type('', KIND.STRUCT, members.length, size, (writer) =>
      members.forEach(([name, type], i) =>
        writer
          .u32(this.strings.add(name))
          .u32(type)
          .u32(i * 64),
      ),
    );
    return { variable: this.type(map.name, KIND.VAR, 0, struct, (writer) => writer.u32(1)), size };
  }

  dataSection(name: string, variables: readonly { type: number; offset: number; size: number }[], size: number): void {
    this.type(name, KIND.DATASEC, variables.length, size, (writer) =>
      variables.forEach((one) => writer.u32(one.type).u32(one.offset).u32(one.size)),
    );
  }

  externFunc(name: string): number {
    return this.type(name, KIND.FUNC, 2, this.subprogramProto);
  }

  done(): Uint8Array {
    const types = this.types.done();
    const strings = this.strings.done();
    return new ByteWriter()
      .u16(MAGIC)
      .u8(1)
      .u8(0)
      .u32(24)
      .u32(0)
      .u32(types.length)
      .u32(types.length)
      .u32(strings.length)
      .raw(types)
      .raw(strings)
      .done();
  }
}

export interface ObjectBtf {
  btf: Uint8Array;
  btfExt: Uint8Array;
  /** Offset and size of each map in `.maps`, in order of the maps given. */
  maps: readonly { name: string; offset: number; size: number }[];
}

/** `file` is the name that line records carry. */
export function writeBtf(
  file: string,
  sections: readonly AssembledSection[],
  symbols: readonly AssembledSymbol[],
  maps: readonly AssembledMap[],
  mapTypeId: (name: string) => number | undefined,
): ObjectBtf {
  const writer = new BtfWriter();
  const placed: { name: string; offset: number; size: number; type: number }[] = [];
  let offset = 0;
  for (const map of maps) {
    const { variable, size } = writer.map(map, mapTypeId(map.type) ?? 0);
    placed.push({ name: map.name, offset, size, type: variable });
    offset += size;
  }
  if (placed.length > 0) writer.dataSection('.maps', placed, offset);
  const externs = symbols
    .filter((symbol) => symbol.section === undefined)
    .map((symbol) => ({ type: writer.externFunc(symbol.name), offset: 0, size: 0 }));
  if (externs.length > 0) writer.dataSection('.ksyms', externs, 0);

  const functionInfo = new ByteWriter().u32(8);
  const lineInfo = new ByteWriter().u32(16);
  const fileName = writer.strings.add(file);
  const functionsOf = functionsBySection(symbols);
  for (const section of sections) {
    if (section.insns.length === 0) continue;
    const name = writer.strings.add(section.name);
    const functions = (functionsOf.get(section.name) ?? []).filter((symbol) => /^[A-Za-z_]\w*$/.test(symbol.name));
    if (functions.length > 0) {
      functionInfo.u32(name).u32(functions.length);
      for (const one of functions) functionInfo.u32(one.offset).u32(writer.func(one.name, section.name !== '.text'));
    }
    if (section.lines.length === 0) continue;
    lineInfo.u32(name).u32(section.lines.length);
    for (const line of section.lines) {
      // 10 bits of column and 22 of line share a word.
      lineInfo
        .u32(line.insn * 8)
        .u32(fileName)
        .u32(writer.strings.add(line.text))
        .u32(((line.line << 10) | Math.min(line.column, 1023)) >>> 0);
    }
  }
  const functionBytes = functionInfo.done();
  const lineBytes = lineInfo.done();
  const btfExt = new ByteWriter()
    .u16(MAGIC)
    .u8(1)
    .u8(0)
    .u32(32)
    .u32(0)
    .u32(functionBytes.length)
    .u32(functionBytes.length)
    .u32(lineBytes.length)
    // No CO-RE relocations; libbpf 1.1 reads these two words whatever the header's length says.
    .u32(functionBytes.length + lineBytes.length)
    .u32(0)
    .raw(functionBytes)
    .raw(lineBytes)
    .done();
  return { btf: writer.done(), btfExt, maps: placed };
}
