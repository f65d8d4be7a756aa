// Reads .BTF.ext: which function a byte of a section belongs to, which source line, and which CO-RE relocations patch it.
// Offsets are bytes in the ELF section named, as the compiler wrote them. Records stay numbers until somebody asks for them.

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
/** What .BTF.ext says of one section of code. */
export interface SectionRecords {
  readonly section: string;
  /** Sorted by offset. */
  readonly funcs: readonly FuncRecord[];
  /** Sorted by offset, at most one each: kernels refuse more. Of several the last counts. */
  readonly lines: readonly SourceRecord[];
  readonly core: readonly CoreRecord[];
  /** Visits the line records of bytes `start` up to, not including, `end`. */
  eachLine(start: number, end: number, visit: (offset: number, file: string, line: number, column: number, text: string) => void): void;
  /** The line record that byte `offset` falls under. */
  lineAt(offset: number): SourceRecord | undefined;
}
export interface BtfExt {
  readonly sections: ReadonlyMap<string, SectionRecords>;
}

const MAGIC = 0xeb9f;
/** Bytes of a record of func_info, line_info and core_relo; a newer compiler may write longer ones. */
const RECORD_SIZES = [8, 16, 16] as const;
const FUNCS = 0;
const LINES = 1;
const CORE = 2;

/** Consecutive records of one section as they stand in the file. */
interface Run {
  start: number;
  count: number;
  recordSize: number;
}

/** `btf` holds the strings. Records that cannot be read end their list; the problem says where. */
export function readBtfExt(bytes: Uint8Array, btf: Btf): { ext?: BtfExt; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const reader = new ByteReader(bytes, btf.littleEndian);
  const sections = new Map<string, LazyRecords>();
  try {
    if (reader.u16() !== MAGIC)
      return {
        problems: [
          error('.BTF.ext does not start with the magic number 0xeb9f', { code: 'btf-ext-header', section: '.BTF.ext', offset: 0 }),
        ],
      };
    reader.skip(2);
    const headerLength = reader.u32();
    const parts: { offset: number; length: number }[] = [];
    // Headers before CO-RE (5.4) end after the line records.
    for (let i = 0; i < RECORD_SIZES.length && 8 + 8 * i + 8 <= headerLength; i++)
      parts.push({ offset: reader.u32(), length: reader.u32() });
    parts.forEach(({ offset, length }, part) => {
      if (length === 0) return;
      reader.offset = headerLength + offset;
      const end = reader.offset + length;
      const recordSize = reader.u32();
      const minimum = RECORD_SIZES[part]!;
      if (recordSize < minimum) {
        problems.push(
          error(`.BTF.ext has records of ${recordSize} bytes where at least ${minimum} are needed`, {
            code: 'btf-ext-record',
            section: '.BTF.ext',
            offset: reader.offset - 4,
          }),
        );
        return;
      }
      while (reader.offset + 8 <= end) {
        const section = btf.string(reader.u32()) ?? '';
        const count = reader.u32();
        const start = reader.offset;
        const readable = Math.min(count, Math.max(0, Math.floor((bytes.length - start - minimum) / recordSize) + 1));
        let records = sections.get(section);
        if (!records) sections.set(section, (records = new LazyRecords(section, bytes, btf)));
        if (readable > 0) records.runs[part]!.push({ start, count: readable, recordSize });
        if (readable < count) throw new OutOfBounds(start + readable * recordSize, minimum, bytes.length);
        reader.offset = start + count * recordSize;
      }
    });
  } catch (thrown) {
    if (!(thrown instanceof OutOfBounds)) throw thrown;
    problems.push(
      error(`.BTF.ext is cut off: ${thrown.message}`, { code: 'btf-ext-truncated', section: '.BTF.ext', offset: thrown.offset }),
    );
  }
  return { ext: { sections }, problems };
}

class LazyRecords implements SectionRecords {
  readonly runs: readonly [Run[], Run[], Run[]] = [[], [], []];
  private readonly rows: (Uint32Array | undefined)[] = [];
  private readonly view: DataView;

  constructor(
    readonly section: string,
    bytes: Uint8Array,
    private readonly btf: Btf,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get funcs(): readonly FuncRecord[] {
    const rows = this.sortedRows(FUNCS, 2);
    return Array.from({ length: rows.length / 2 }, (_, i) => ({ offset: rows[2 * i]!, typeId: rows[2 * i + 1]! }));
  }

  get lines(): readonly SourceRecord[] {
    const lines: SourceRecord[] = [];
    this.eachLine(0, Infinity, (offset, file, line, column, text) => lines.push({ offset, file, text, line, column }));
    return lines;
  }

  get core(): readonly CoreRecord[] {
    const rows = this.numbers(CORE, 4);
    return Array.from({ length: rows.length / 4 }, (_, i) => ({
      offset: rows[4 * i]!,
      typeId: rows[4 * i + 1]!,
      access: this.btf.string(rows[4 * i + 2]!) ?? '',
      kind: rows[4 * i + 3]!,
    }));
  }

  eachLine(start: number, end: number, visit: (offset: number, file: string, line: number, column: number, text: string) => void): void {
    const rows = this.sortedRows(LINES, 4);
    let file = '';
    let fileAt = -1;
    for (let at = 4 * firstFrom(rows, start); at < rows.length && rows[at]! < end; at += 4) {
      if (rows[at + 1] !== fileAt) file = this.btf.string((fileAt = rows[at + 1]!)) ?? '';
      const place = rows[at + 3]!;
      visit(rows[at]!, file, place >>> 10, place & 0x3ff, this.btf.string(rows[at + 2]!) ?? '');
    }
  }

  lineAt(offset: number): SourceRecord | undefined {
    const rows = this.sortedRows(LINES, 4);
    const at = 4 * (firstFrom(rows, offset + 1) - 1);
    const string = (index: number): string => this.btf.string(rows[index]!) ?? '';
    return at < 0
      ? undefined
      : { offset: rows[at]!, file: string(at + 1), text: string(at + 2), line: rows[at + 3]! >>> 10, column: rows[at + 3]! & 0x3ff };
  }

  /** Records of `width` numbers, the first an offset to sort by. */
  private sortedRows(part: number, width: number): Uint32Array {
    return (this.rows[part] ??= lastOfEach(sorted(this.numbers(part, width), width), width));
  }

  private numbers(part: number, width: number): Uint32Array {
    const runs = this.runs[part]!;
    const rows = new Uint32Array(width * runs.reduce((sum, { count }) => sum + count, 0));
    const { littleEndian } = this.btf;
    let to = 0;
    for (const { start, count, recordSize } of runs) {
      for (let i = 0, at = start; i < count; i++, at += recordSize)
        for (let k = 0; k < width; k++) rows[to++] = this.view.getUint32(at + 4 * k, littleEndian);
    }
    return rows;
  }
}

/** Index of the first line row whose offset is `offset` or more. */
function firstFrom(rows: Uint32Array, offset: number): number {
  let low = 0;
  let high = rows.length / 4;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[4 * middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of neighbours with the same offset the last. */
function lastOfEach(rows: Uint32Array, width: number): Uint32Array {
  let to = 0;
  for (let at = 0; at < rows.length; at += width) {
    if (to > 0 && rows[to - width] === rows[at]) to -= width;
    if (to !== at) rows.copyWithin(to, at, at + width);
    to += width;
  }
  return rows.subarray(0, to);
}

/** By offset; records of the same offset stay in their order. Compilers write them sorted. */
function sorted(rows: Uint32Array, width: number): Uint32Array {
  let ascending = true;
  for (let at = width; at < rows.length && ascending; at += width) ascending = rows[at]! >= rows[at - width]!;
  if (ascending) return rows;
  const order = Array.from({ length: rows.length / width }, (_, i) => i).sort((a, b) => rows[a * width]! - rows[b * width]!);
  const result = new Uint32Array(rows.length);
  order.forEach((from, to) => result.set(rows.subarray(from * width, from * width + width), to * width));
  return result;
}
