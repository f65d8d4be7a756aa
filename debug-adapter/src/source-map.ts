// Which source line an instruction belongs to, and where a line's code begins, for one program.
// Reads the program's line records (and, when given, its inlined functions); knows no running machine.

import type { LineRecord, Program, Subprogram } from '#core/program';
import { jumpTargets, loopsOf, statementBeginnings, straightStretches } from './control-flow.ts';
import type { Loop } from './control-flow.ts';

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
  /** The compiler says that the instruction belongs to no line; .BTF.ext leaves that out. */
  isLineless(slot: number): boolean;
}

/** What debug information adds to a program's own line records. */
export interface SourceInformation {
  inlinesOf(program: Program): InlineInformation;
  linesOf(program: Program): readonly LineRecord[];
}

/** A run of instructions of one line and one inlined copy in a straight stretch of code. */
interface Piece {
  slot: number;
  /** First slot of the stretch. */
  stretch: number;
  /** Function, inlined copy and file; `key` has the line too. */
  scope: string;
  key: string;
  line: number;
  /** Of its first instruction. */
  column: number;
  /** The runs before and behind it in the stretch. Without one behind it, what comes next is decided here. */
  before: Piece | undefined;
  behind: Piece | undefined;
}

/** How far back a line is looked for. */
const MOST_LINELESS = 200;

/** In the midst of another line. */
const isWithin = ({ before, behind }: Piece): boolean => before !== undefined && before.key === behind?.key;

/** Two pieces of a line that begin alike, each followed or preceded by the same other line: two turns of an unrolled loop. */
const isSameTurn = (a: Piece, b: Piece): boolean =>
  a.column === b.column &&
  ((a.behind !== undefined && a.behind.key === b.behind?.key) || (a.before !== undefined && a.before.key === b.before?.key));

const NOWHERE: SourcePlace = { file: '', line: 0, column: 0 };

export class SourceMap {
  /** Index into `records` of the record that covers each slot, -1 for none. */
  private readonly recordOf: Int32Array;
  private readonly records: readonly LineRecord[];
  private readonly targets: Uint8Array;
  /** One byte a slot: 1 where the compiler names no line. */
  private readonly lineless: Uint8Array;
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
      const end = Math.min(
        this.records[index + 1]?.insn ?? program.insns.length,
        this.subprogramAt(record.insn)?.end ?? program.insns.length,
      );
      this.recordOf.fill(index, record.insn, end);
    });
    this.targets = jumpTargets(program.insns);
    this.lineless = new Uint8Array(program.insns.length);
    if (this.inlines) this.placeLineless(this.inlines);
  }

  /** Instructions of no line count to the last line before them that is of the same function or inlined copy. */
  private placeLineless(inlines: InlineInformation): void {
    const sameCopy = (a: number, b: number): boolean => this.inlineChain(a).join('/') === this.inlineChain(b).join('/');
    for (let slot = 0; slot < this.recordOf.length; slot++) {
      if (!inlines.isLineless(slot)) continue;
      this.lineless[slot] = 1;
      const first = this.subprogramAt(slot)?.start ?? 0;
      let from = slot - 1;
      while (from >= first && slot - from < MOST_LINELESS && (this.lineless[from] === 1 || !sameCopy(from, slot))) from--;
      if (from >= first && slot - from < MOST_LINELESS) this.recordOf[slot] = this.recordOf[from]!;
    }
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

  /**
   * Where a step may stop: a record with a line starts, or a jump arrives in the middle of one. Scheduling mixes the instructions
   * of neighbouring statements; pieces of a statement that has begun just before are passed by (see `continuations`).
   */
  isStatementStart(slot: number): boolean {
    const record = this.records[this.recordOf[slot] ?? -1];
    return (
      record !== undefined &&
      record.line > 0 &&
      this.lineless[slot] === 0 &&
      (record.insn === slot || this.targets[slot] === 1 || this.lineless[slot - 1] === 1) &&
      !this.continuations.has(slot)
    );
  }

  /**
   * Slots where a line's code goes on though other lines stand in between:
   * - another piece of the line lies before it in the same straight stretch of code;
   * - it lies in the midst of another statement there, and the line has code elsewhere;
   * - the line opens a loop (`for`, `while`) and the piece is not the one that decides about the next turn.
   */
  private get continuations(): ReadonlySet<number> {
    return (this.knownContinuations ??= this.findContinuations());
  }

  private knownContinuations: ReadonlySet<number> | undefined;
  private knownPieces: ReadonlyMap<string, readonly Piece[]> | undefined;

  /** Pieces by function, inlined copy, file and line. */
  private get pieces(): ReadonlyMap<string, readonly Piece[]> {
    return (this.knownPieces ??= this.findPieces());
  }

  private findPieces(): ReadonlyMap<string, readonly Piece[]> {
    const { insns } = this.program;
    const stretches = straightStretches(insns, this.targets);
    const lines = new Map<string, Piece[]>();
    let last: Piece | undefined;
    for (let slot = 0; slot < insns.length; slot++) {
      const { file, line, column } = this.records[this.recordOf[slot] ?? -1] ?? NOWHERE;
      // Instructions of no line belong to what stands around them.
      if (line === 0 || this.lineless[slot] === 1) continue;
      const scope = `${this.subprogramAt(slot)?.start}/${this.inlineChain(slot).join('/')}/${file}`;
      const key = `${scope}:${line}`;
      const before: Piece | undefined = last !== undefined && last.stretch === stretches[slot] ? last : undefined;
      if (before?.key === key) continue;
      last = { slot, stretch: stretches[slot]!, key, scope, line, column, before, behind: undefined };
      if (before) before.behind = last;
      lines.set(key, [...(lines.get(key) ?? []), last]);
    }
    return lines;
  }

  private findContinuations(): ReadonlySet<number> {
    const found = new Set<number>();
    for (const pieces of this.pieces.values()) {
      if (pieces.length < 2) continue;
      const somewhereElse = pieces.some((piece) => !isWithin(piece));
      const inStretch = new Map<number, Piece[]>();
      for (const piece of pieces) inStretch.set(piece.stretch, [...(inStretch.get(piece.stretch) ?? []), piece]);
      for (const together of inStretch.values()) {
        // An unrolled loop executes the whole line again.
        if (together.some((piece, index) => together.slice(0, index).some((earlier) => isSameTurn(earlier, piece)))) continue;
        together.forEach((piece, index) => {
          if (index > 0 || (isWithin(piece) && somewhereElse)) found.add(piece.slot);
        });
      }
      for (const { start, end } of this.loopsOpenedBy(pieces[0]!)) {
        const inside = pieces.filter(({ slot }) => slot >= start && slot <= end);
        if (inside.every(({ behind }) => behind)) continue;
        for (const { slot, behind } of inside) {
          if (behind) found.add(slot);
          else found.delete(slot);
        }
      }
    }
    return found;
  }

  /** Loops whose first line in the source is the piece's: the line with `for` or `while`. */
  private loopsOpenedBy({ scope, line }: Piece): readonly Loop[] {
    this.knownLoops ??= loopsOf(this.program.insns).map((loop) => {
      const opened = new Map<string, number>();
      for (const pieces of this.pieces.values())
        for (const piece of pieces)
          if (piece.slot >= loop.start && piece.slot <= loop.end)
            opened.set(piece.scope, Math.min(piece.line, opened.get(piece.scope) ?? piece.line));
      return { ...loop, opened };
    });
    return this.knownLoops.filter(({ opened }) => opened.get(scope) === line);
  }

  private knownLoops: readonly (Loop & { opened: ReadonlyMap<string, number> })[] | undefined;

  /** All files with code, as the editor knows them. */
  get files(): ReadonlySet<string> {
    return new Set(this.records.filter(({ line }) => line > 0).map(({ file }) => this.resolve(file)));
  }

  /** Lines with code in a file, ascending. */
  linesOf(path: string): readonly number[] {
    return [
      ...new Set(this.records.filter((record) => record.line > 0 && this.resolve(record.file) === path).map(({ line }) => line)),
    ].sort((a, b) => a - b);
  }

  /**
   * Slots where a breakpoint on the line belongs. A compiler splits a statement into pieces; of those of one function
   * (or one inlined copy) only the ones are taken where it begins, so that a statement stops once.
   */
  slotsOf(path: string, line: number): readonly number[] {
    const groups = new Map<string, number[]>();
    let previous: LineRecord | undefined;
    for (const record of this.records) {
      const begins =
        record.line === line &&
        !(
          previous &&
          previous.line === line &&
          previous.file === record.file &&
          this.subprogramAt(previous.insn) === this.subprogramAt(record.insn)
        );
      previous = record;
      if (!begins || this.resolve(record.file) !== path) continue;
      const group = `${this.subprogramAt(record.insn)?.start}/${this.inlineChain(record.insn).join('/')}`;
      groups.set(group, [...(groups.get(group) ?? []), record.insn]);
    }
    return [...groups.values()]
      .flatMap((slots) => {
        const beginnings = statementBeginnings(this.program.insns, this.subprogramAt(slots[0]!)?.start ?? 0, slots);
        const taken = slots.filter((slot, index) => beginnings.includes(slot) || this.comesBack(slots[index - 1]!, slot, line));
        return taken.filter((slot) => !this.isNextTurn(slot, taken));
      })
      .sort((a, b) => a - b);
  }

  /** The piece of a `for` or `while` inside of its loop, where another piece begins the statement outside: the statement has begun. */
  private isNextTurn(slot: number, slots: readonly number[]): boolean {
    const piece = [...this.pieces.values()].flat().find((other) => other.slot === slot);
    return (
      piece !== undefined &&
      this.loopsOpenedBy(piece).some(({ start, end }) => slot >= start && slot <= end && slots.some((other) => other < start))
    );
  }

  /** A later line stands between two pieces of one: an unrolled loop, which begins the statement again. */
  private comesBack(from: number, to: number, line: number): boolean {
    const file = this.records[this.recordOf[to]!]?.file;
    return this.records.some((record) => record.insn > from && record.insn < to && record.file === file && record.line > line);
  }

  /** The source lines that the compiler kept, for files that are not at hand. */
  keptText(path: string): string | undefined {
    const lines: string[] = [];
    for (const record of this.records)
      if (record.line > 0 && record.text !== '' && this.resolve(record.file) === path) lines[record.line - 1] = record.text;
    return lines.length === 0 ? undefined : Array.from(lines, (line) => line ?? '').join('\n');
  }
}
