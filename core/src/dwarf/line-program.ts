// The line table of a unit: .debug_line of versions 2 to 5 (DWARF 5, section 6.2).

import { OutOfBounds } from '#core/bytes';
import { warning, type Problem } from '#core/problem';
import { DW_FORM } from './constants.ts';
import { sectionAddress, type DwarfInput } from './input.ts';
import { DwarfReader } from './reader.ts';

/** From this place on, until the next row, code comes from the line. Lines and columns count from 1; 0 is unknown. */
export interface LineRow {
  /** Section index and bytes from its start. */
  section: number;
  offset: number;
  file: string;
  line: number;
  column: number;
  /** A recommended place for a breakpoint. */
  isStatement: boolean;
  /** The first place behind a function's prologue. */
  prologueEnd: boolean;
  /** The first place behind the code; the row names no line. */
  endSequence: boolean;
  discriminator: number;
}

export interface LineTable {
  /** File names by the index that entries and rows use; undefined where there is none. */
  files: readonly (string | undefined)[];
  /** Runs the line program: most readers want the names of files only. The same array each time. */
  rows: () => readonly LineRow[];
}

const MAX_FILES = 20_000;
/** Longer names do not come from a source file. */
const MAX_TEXT = 16_384;
const decoder = new TextDecoder('utf-8');

/** Path of a file entry: absolute names stay, others hang below their directory, and that below the compilation's. */
export function joinPath(compilationDirectory: string, directory: string, name: string): string {
  const absolute = (path: string): boolean => path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path);
  if (absolute(name) || (directory === '' && compilationDirectory === '')) return name;
  const folder =
    directory === '' || directory === '.'
      ? compilationDirectory
      : absolute(directory) || compilationDirectory === ''
        ? directory
        : `${compilationDirectory}/${directory}`;
  return `${folder.replace(/\/+$/, '')}/${name.replace(/^\.\//, '')}`;
}

/** Reads the table at an offset of .debug_line. Never throws: a broken table gives the rows in front of the break. */
export function readLineTable(
  input: DwarfInput,
  at: number,
  compilationDirectory: string,
  unitName: string,
  problems: Problem[],
  /** Asked when the rows are. */
  maximumRows: () => number = () => 2_000_000,
): LineTable {
  const files: (string | undefined)[] = [];
  let rows: LineRow[] | undefined;
  const guarded = (read: () => void): void => {
    try {
      read();
    } catch (thrown) {
      if (!(thrown instanceof OutOfBounds)) throw thrown;
      problems.push(
        warning(`the line table at .debug_line+0x${at.toString(16)} breaks off: ${thrown.message}`, {
          code: 'dwarf-truncated',
          section: '.debug_line',
          offset: thrown.offset,
        }),
      );
    }
  };
  let header: Header | undefined;
  guarded(() => {
    const reader = new DwarfReader(input.section('.debug_line'), input.littleEndian).seek(at);
    header = readHeader(input, reader, compilationDirectory, unitName, files);
  });
  return {
    files,
    rows: () => {
      if (!rows) {
        const made: LineRow[] = (rows = []);
        if (header) guarded(() => run(header!, files, made, maximumRows()));
      }
      return rows;
    },
  };
}

interface Header {
  /** At the first opcode. */
  readonly reader: DwarfReader;
  readonly end: number;
  readonly minimumLength: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly operandCounts: readonly number[];
}

function readHeader(
  input: DwarfInput,
  reader: DwarfReader,
  compilationDirectory: string,
  unitName: string,
  files: (string | undefined)[],
): Header {
  const { length, offsetSize } = reader.initialLength();
  const end = reader.offset + length;
  if (!(end <= reader.length)) throw new OutOfBounds(reader.offset, length, reader.length);
  const version = reader.u16();
  if (version < 2 || version > 5) throw new OutOfBounds(reader.offset - 2, version, 5);
  if (version >= 5) reader.skip(2);
  const headerLength = reader.offset_(offsetSize);
  const programStart = reader.offset + headerLength;
  const minimumLength = reader.u8();
  if (version >= 4) reader.skip(1); // maximum_operations_per_instruction: BPF is no VLIW machine.
  const defaultIsStatement = reader.u8() !== 0;
  const lineBase = reader.s8();
  const lineRange = reader.u8();
  const opcodeBase = reader.u8();
  const operandCounts = Array.from({ length: Math.max(0, opcodeBase - 1) }, () => reader.u8());
  if (version >= 5) readEntries5(input, reader, offsetSize, compilationDirectory, files);
  else readEntries4(reader, compilationDirectory, unitName, files);
  reader.seek(programStart);
  return { reader, end, minimumLength, defaultIsStatement, lineBase, lineRange, opcodeBase, operandCounts };
}

function run(
  { reader, end, minimumLength, defaultIsStatement, lineBase, lineRange, opcodeBase, operandCounts }: Header,
  files: readonly (string | undefined)[],
  rows: LineRow[],
  maximumRows: number,
): void {
  interface State {
    address: number;
    file: number;
    line: number;
    column: number;
    isStatement: boolean;
    prologueEnd: boolean;
    discriminator: number;
  }
  const fresh = (): State => ({
    address: 0,
    file: 1,
    line: 1,
    column: 0,
    isStatement: defaultIsStatement,
    prologueEnd: false,
    discriminator: 0,
  });
  let state = fresh();
  const emit = (endSequence: boolean): void => {
    if (rows.length >= maximumRows) throw new OutOfBounds(reader.offset, rows.length, maximumRows);
    // Code without a section is what the linker would have dropped.
    const place = Number.isFinite(state.address) ? sectionAddress(state.address) : undefined;
    if (place) {
      rows.push({
        ...place,
        file: files[state.file] ?? '',
        line: Math.max(0, state.line),
        column: state.column,
        isStatement: state.isStatement,
        prologueEnd: state.prologueEnd,
        endSequence,
        discriminator: state.discriminator,
      });
    }
    state.prologueEnd = false;
    state.discriminator = 0;
  };
  while (reader.offset < end) {
    const opcode = reader.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      if (lineRange === 0) throw new OutOfBounds(reader.offset, 0, 0);
      state.address += minimumLength * Math.floor(adjusted / lineRange);
      state.line += lineBase + (adjusted % lineRange);
      emit(false);
      continue;
    }
    switch (opcode) {
      case 0: {
        const size = reader.uleb53();
        const next = reader.offset + size;
        if (!(next <= end)) throw new OutOfBounds(reader.offset, size, end);
        const extended = size > 0 ? reader.u8() : 0;
        if (extended === 1) {
          emit(true);
          state = fresh();
        } else if (extended === 2 && size >= 9) state.address = reader.address();
        else if (extended === 4) state.discriminator = reader.uleb53();
        reader.seek(next);
        break;
      }
      case 1:
        emit(false);
        break;
      case 2:
        state.address += minimumLength * reader.uleb53();
        break;
      case 3:
        state.line += reader.sleb53();
        break;
      case 4:
        state.file = reader.uleb53();
        break;
      case 5:
        state.column = reader.uleb53();
        break;
      case 6:
        state.isStatement = !state.isStatement;
        break;
      case 8:
        if (lineRange !== 0) state.address += minimumLength * Math.floor((255 - opcodeBase) / lineRange);
        break;
      case 9:
        state.address += reader.u16();
        break;
      case 10:
        state.prologueEnd = true;
        break;
      case 7: // basic_block
      case 11: // epilogue_begin
        break;
      default:
        for (let i = 0; i < (operandCounts[opcode - 1] ?? 0); i++) reader.uleb53();
    }
  }
}

function readEntries4(reader: DwarfReader, compilationDirectory: string, unitName: string, files: (string | undefined)[]): void {
  const directories = [''];
  for (let text = reader.cstring(); text !== ''; text = reader.cstring()) {
    if (directories.length > MAX_FILES) throw new OutOfBounds(reader.offset, directories.length, MAX_FILES);
    directories.push(text);
  }
  // Files count from 1; 0 stands for the unit's own in what producers write.
  files.push(unitName === '' ? undefined : joinPath(compilationDirectory, '', unitName));
  for (let name = reader.cstring(); name !== ''; name = reader.cstring()) {
    if (files.length > MAX_FILES) throw new OutOfBounds(reader.offset, files.length, MAX_FILES);
    const directory = directories[reader.uleb53()] ?? '';
    reader.uleb53();
    reader.uleb53();
    files.push(joinPath(compilationDirectory, directory, name));
  }
}

function readEntries5(
  input: DwarfInput,
  reader: DwarfReader,
  offsetSize: 4 | 8,
  compilationDirectory: string,
  files: (string | undefined)[],
): void {
  const directories = entryTable(input, reader, offsetSize).map(({ path }) => path);
  for (const { path, directory } of entryTable(input, reader, offsetSize))
    files.push(joinPath(directories[0] ?? compilationDirectory, directories[directory] ?? '', path));
}

/** A directory or file table of version 5: a format, then entries in it. */
function entryTable(input: DwarfInput, reader: DwarfReader, offsetSize: 4 | 8): { path: string; directory: number }[] {
  const format = Array.from({ length: reader.u8() }, () => ({ content: reader.uleb53(), form: reader.uleb53() }));
  const count = reader.uleb53();
  if (count > MAX_FILES || (format.length === 0 && count > 0)) throw new OutOfBounds(reader.offset, count, MAX_FILES);
  return Array.from({ length: count }, () => {
    let path = '';
    let directory = 0;
    for (const { content, form } of format) {
      const value = lineForm(input, reader, form, offsetSize);
      if (content === 1) path = typeof value === 'string' ? value : '';
      else if (content === 2 && typeof value === 'number') directory = value;
    }
    return { path, directory };
  });
}

function lineForm(input: DwarfInput, reader: DwarfReader, form: number, offsetSize: 4 | 8): string | number | undefined {
  switch (form) {
    case DW_FORM.string:
      return reader.cstring();
    case DW_FORM.line_strp:
    case DW_FORM.strp: {
      const bytes = input.section(form === DW_FORM.strp ? '.debug_str' : '.debug_line_str');
      const offset = reader.offset_(offsetSize);
      const stop = bytes.indexOf(0, offset);
      return offset < bytes.length
        ? decoder.decode(bytes.subarray(offset, Math.min(stop < 0 ? bytes.length : stop, offset + MAX_TEXT)))
        : '';
    }
    case DW_FORM.udata:
      return reader.uleb53();
    case DW_FORM.data1:
      return reader.u8();
    case DW_FORM.data2:
      return reader.u16();
    case DW_FORM.data4:
      return reader.u32();
    case DW_FORM.data8:
      reader.skip(8);
      return undefined;
    case DW_FORM.data16:
      reader.skip(16);
      return undefined;
    case DW_FORM.block:
      reader.skip(reader.uleb53());
      return undefined;
    default:
      throw new OutOfBounds(reader.offset, form, 0);
  }
}
