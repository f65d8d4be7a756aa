// Which source line an instruction belongs to, and where a line's code begins, for one program.
// Reads the program's line records (and, when given, its inlined functions); knows no running machine.

import type { LineRecord, Program, Subprogram } from '#core/program';
import { statementBeginnings, jumpTargets } from './control-flow.ts';

/** A place in the source as a frame shows it. Line 0: the compiler says nothing about this instruction. */
export interface SourcePlace {
  file: string;
  line: number;
  column: number;
}

/** One level of what the source calls a function: a real one, or one whose body the compiler put in place of the call. */
export interface LogicalFrame extends SourcePlace {
  name: string;
  inlined: boolean;
}

/** A function inlined at an instruction, innermost first, as debug information tells it. */
export interface InlinedFunction {
  name: string;
  /** Tells two inlined copies of the same function apart. */
  instance: number;
  /** Where it was called from, in the function around it. */
  call: SourcePlace;
}

/** One program's inlined functions, innermost first. */
export interface InlineInformation {
  inlinedAt(slot: number): readonly InlinedFunction[];
}

/** What debug information adds to a program's own line records. */
export interface SourceInformation {
  inlinesOf(program: Program): InlineInformation;
  linesOf(program: Program): readonly LineRecord[];
}

const NOWHERE: SourcePlace = { file: '', line: 0, column: 0 };

export class SourceMap {
  /** Index into `records` of the record that covers each slot, -1 for none. */
  private readonly recordOf: Int32Array;
  private readonly records: readonly LineRecord[];
  private readonly targets: Uint8Array;
  private readonly inlines: InlineInformation | undefined;

  constructor(
    readonly program: Program,
    information: SourceInformation | undefined,
    /** Makes of a record's file name the path that the editor knows. */
    private readonly resolve: (file: string) => string,
  ) {
    this.inlines = information?.inlinesOf(program);
    this.records = program.lines.length > 0 ? program.lines : (information?.linesOf(program) ?? []);
    this.recordOf = new Int32Array(program.insns.length).fill(-1);
    this.records.forEach((record, index) => {
      const end = Math.min(this.records[index + 1]?.insn ?? program.insns.length, this.subprogramAt(record.insn)?.end ?? program.insns.length);
      this.recordOf.fill(index, record.insn, end);
    });
    this.targets = jumpTargets(program.insns);
  }

  get hasLines(): boolean {
    return this.records.length > 0;
  }

  subprogramAt(slot: number): Subprogram | undefined {
    return this.program.subprograms.find(({ start, end }) => slot >= start && slot < end);
  }

  placeOf(slot: number): SourcePlace {
    const record = this.records[this.recordOf[slot] ?? -1];
    return record ? { file: this.resolve(record.file), line: record.line, column: record.column } : NOWHERE;
  }

  /** Functions around an instruction, innermost first; the last is the subprogram itself. */
  framesAt(slot: number): readonly LogicalFrame[] {
    let known = this.frames.get(slot);
    if (!known) this.frames.set(slot, (known = this.makeFrames(slot)));
    return known;
  }

  private readonly frames = new Map<number, readonly LogicalFrame[]>();

  private makeFrames(slot: number): readonly LogicalFrame[] {
    const frames: LogicalFrame[] = [];
    let place = this.placeOf(slot);
    for (const inlined of this.inlines?.inlinedAt(slot) ?? []) {
      frames.push({ ...place, name: inlined.name, inlined: true });
      place = { ...inlined.call, file: this.resolve(inlined.call.file) };
    }
    frames.push({ ...place, name: this.subprogramAt(slot)?.name ?? this.program.name, inlined: false });
    return frames;
  }

  /** Names the inlined copies around an instruction, outermost first: stepping compares them. */
  inlineChain(slot: number): readonly number[] {
    return (this.inlines?.inlinedAt(slot) ?? []).map(({ instance }) => instance).reverse();
  }

  /** A statement begins here: a record with a line starts, or a jump arrives in the middle of one. */
  isStatementStart(slot: number): boolean {
    const record = this.records[this.recordOf[slot] ?? -1];
    return record !== undefined && record.line > 0 && (record.insn === slot || this.targets[slot] === 1);
  }

  /** All files with code, as the editor knows them. */
  get files(): ReadonlySet<string> {
    return new Set(this.records.filter(({ line }) => line > 0).map(({ file }) => this.resolve(file)));
  }

  /** Lines with code in a file, ascending. */
  linesOf(path: string): readonly number[] {
    return [...new Set(this.records.filter((record) => record.line > 0 && this.resolve(record.file) === path).map(({ line }) => line))].sort((a, b) => a - b);
  }

  /**
   * Slots where a breakpoint on the line belongs. A compiler splits a statement into pieces; of those of one function
   * (or one inlined copy) only the ones are taken where it begins, so that a statement stops once.
   */
  slotsOf(path: string, line: number): readonly number[] {
    const groups = new Map<string, number[]>();
    let previous: LineRecord | undefined;
    for (const record of this.records) {
      const begins = record.line === line && !(previous && previous.line === line && previous.file === record.file && this.subprogramAt(previous.insn) === this.subprogramAt(record.insn));
      previous = record;
      if (!begins || this.resolve(record.file) !== path) continue;
      const group = `${this.subprogramAt(record.insn)?.start}/${this.inlineChain(record.insn).join('/')}`;
      groups.set(group, [...(groups.get(group) ?? []), record.insn]);
    }
    return [...groups.values()]
      .flatMap((slots) => {
        const beginnings = statementBeginnings(this.program.insns, this.subprogramAt(slots[0]!)?.start ?? 0, slots);
        return slots.filter((slot, index) => beginnings.includes(slot) || this.comesBack(slots[index - 1]!, slot, line));
      })
      .sort((a, b) => a - b);
  }

  /** A later line stands between two pieces of one: an unrolled loop, which begins the statement again. */
  private comesBack(from: number, to: number, line: number): boolean {
    const file = this.records[this.recordOf[to]!]?.file;
    return this.records.some((record) => record.insn > from && record.insn < to && record.file === file && record.line > line);
  }

  /** The source lines that the compiler kept, for files that are not at hand. */
  keptText(path: string): string | undefined {
    const lines: string[] = [];
    for (const record of this.records) if (record.line > 0 && record.text !== '' && this.resolve(record.file) === path) lines[record.line - 1] = record.text;
    return lines.length === 0 ? undefined : Array.from(lines, (line) => line ?? '').join('\n');
  }
}
