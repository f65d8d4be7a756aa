// Reads .BTF.ext: which function a byte of a section belongs to, which source line, and which CO-RE relocations patch it.
// Offsets are bytes in the ELF section named, as the compiler wrote them.

import { ByteReader, OutOfBounds } from '#core/bytes';
import { error, type Problem } from '#core/problem';
import type { Btf } from './types.ts';

export interface FuncRecord {
  /** Byte offset of its first instruction in the section. */
  offset: number;
  /** BTF_KIND_FUNC. */
  typeId: number;
}
export interface SourceRecord {
  offset: number;
  file: string;
  /** The source line's text; empty where the compiler kept none. */
  text: string;
  line: number;
  column: number;
}
export interface CoreRecord {
  /** Byte offset of the instruction to patch. */
  offset: number;
  /** The local root type. */
  typeId: number;
  /** Access string, `0:1:2`. */
  access: string;
  /** enum bpf_core_relo_kind. */
  kind: number;
}
export interface SectionRecords {
  section: string;
  funcs: FuncRecord[];
  lines: SourceRecord[];
  core: CoreRecord[];
}
export interface BtfExt {
  readonly sections: ReadonlyMap<string, SectionRecords>;
}

const MAGIC = 0xeb9f;

/** `btf` holds the strings. Records that cannot be read end their list; the problem says where. */
export function readBtfExt(bytes: Uint8Array, btf: Btf): { ext?: BtfExt; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const reader = new ByteReader(bytes, btf.littleEndian);
  const sections = new Map<string, SectionRecords>();
  const recordsOf = (section: string): SectionRecords => {
    let records = sections.get(section);
    if (!records) sections.set(section, (records = { section, funcs: [], lines: [], core: [] }));
    return records;
  };
  // A file's name stands in each of its line records: it is decoded once.
  const texts = new Map<number, string>();
  const textOf = (offset: number): string => {
    let text = texts.get(offset);
    if (text === undefined) texts.set(offset, (text = btf.string(offset) ?? ''));
    return text;
  };
  try {
    if (reader.u16() !== MAGIC) return { problems: [error('.BTF.ext does not start with the magic number 0xeb9f', { code: 'btf-ext-header', section: '.BTF.ext', offset: 0 })] };
    reader.skip(2);
    const headerLength = reader.u32();
    const parts: { offset: number; length: number; minimum: number; read: (records: SectionRecords) => void }[] = [];
    const read = [
      (records: SectionRecords) => records.funcs.push({ offset: reader.u32(), typeId: reader.u32() }),
      (records: SectionRecords) => {
        const offset = reader.u32();
        const file = textOf(reader.u32());
        const text = textOf(reader.u32());
        const place = reader.u32();
        records.lines.push({ offset, file, text, line: place >>> 10, column: place & 0x3ff });
      },
      (records: SectionRecords) => records.core.push({ offset: reader.u32(), typeId: reader.u32(), access: textOf(reader.u32()), kind: reader.u32() }),
    ];
    const minimums = [8, 16, 16];
    // Headers before CO-RE (5.4) end after the line records.
    for (let i = 0; i < 3 && 8 + 8 * i + 8 <= headerLength; i++) parts.push({ offset: reader.u32(), length: reader.u32(), minimum: minimums[i]!, read: read[i]! });
    for (const part of parts) {
      if (part.length === 0) continue;
      reader.offset = headerLength + part.offset;
      const end = reader.offset + part.length;
      const recordSize = reader.u32();
      if (recordSize < part.minimum) {
        problems.push(error(`.BTF.ext has records of ${recordSize} bytes where at least ${part.minimum} are needed`, { code: 'btf-ext-record', section: '.BTF.ext', offset: reader.offset - 4 }));
        continue;
      }
      while (reader.offset + 8 <= end) {
        const records = recordsOf(textOf(reader.u32()));
        const count = reader.u32();
        for (let i = 0; i < count; i++) {
          const start = reader.offset;
          part.read(records);
          reader.offset = start + recordSize;
        }
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof OutOfBounds)) throw thrown;
    problems.push(error(`.BTF.ext is cut off: ${thrown.message}`, { code: 'btf-ext-truncated', section: '.BTF.ext', offset: thrown.offset }));
  }
  for (const records of sections.values()) {
    records.funcs.sort((a, b) => a.offset - b.offset);
    records.lines.sort((a, b) => a.offset - b.offset);
  }
  return { ext: { sections }, problems };
}
