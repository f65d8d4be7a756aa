// What a debugger asks of the debug information: the inline stack at an instruction, its variables with where they are right now,
// globals, and lines. Places are bytes from the start of a section, as the object file has them.

import type { Elf } from '#core/elf';
import { warning, type Problem } from '#core/problem';
import { Attributes } from './attributes.ts';
import { CTypes, type CType } from './c-types.ts';
import { DW_AT, DW_FORM, DW_TAG } from './constants.ts';
import { Expressions, type ExpressionMachine, type Location } from './expression.ts';
import { countsFromBottom, frameSize } from './frame-size.ts';
import { dwarfInput, linearAddress, sectionAddress, type DwarfInput, type SectionAddress } from './input.ts';
import { Lists, type Range } from './lists.ts';
import { readLineTable, type LineRow, type LineTable } from './line-program.ts';
import { isUnitTag, readUnits, type Die, type Unit } from './units.ts';

/** A position in a source file; lines and columns count from 1, 0 is unknown. */
export interface SourcePosition {
  file: string;
  line: number;
  column: number;
}

export interface DwarfFunction {
  name: string;
  /** Code, in the object's sections; more than one piece where the compiler split it. */
  ranges: readonly { section: number; low: number; high: number }[];
  declared: SourcePosition | undefined;
}

/** One function of the inline stack. */
export interface DwarfFrame {
  function: string;
  /** False for the last frame: the function that the machine calls. */
  inlined: boolean;
  /** Where execution stands in this function: the line of the innermost, the call site of the one inside for the others. */
  position: SourcePosition | undefined;
  /** Where the function is declared. */
  declared: SourcePosition | undefined;
  /** An inlined function's first place of code, for "step out" and "run to here". */
  ranges: readonly { section: number; low: number; high: number }[];
}

export interface DwarfVariable {
  name: string;
  type: CType;
  kind: 'parameter' | 'local' | 'static' | 'global';
  location: Location;
  declared: SourcePosition | undefined;
  /** A variable of an inner block has the same name: C cannot reach this one here. */
  shadowed: boolean;
  /** Made by the compiler. */
  artificial: boolean;
}

export interface DwarfFrameVariables extends DwarfFrame {
  /** Parameters first, then locals in order of their blocks, outer blocks first. */
  variables: readonly DwarfVariable[];
}

export interface Dwarf {
  /** DW_AT_producer of the units. */
  readonly producers: readonly string[];
  readonly functions: readonly DwarfFunction[];
  readonly globals: readonly DwarfVariable[];
  /** All rows, sorted by section and offset; rows of one place keep the table's order. */
  readonly lines: readonly LineRow[];
  /** The row that covers a place. */
  lineAt(place: SectionAddress): LineRow | undefined;
  /** Innermost first; empty outside of known functions. */
  frameAt(place: SectionAddress): DwarfFrame[];
  variablesAt(place: SectionAddress): DwarfFrameVariables[];
  /** The variables of `variablesAt` alone, innermost function first: no line is looked up for them. */
  scopeAt(place: SectionAddress): DwarfVariable[];
  /** Places where a line's code begins: statement rows that come from another line or another inlined call. */
  startsOf(file: string, line: number): SectionAddress[];
  /** The value (or address) of a computed location, or undefined where the machine lacks what it needs. */
  evaluate(location: Location & { kind: 'computed' }, machine: ExpressionMachine): bigint | undefined;
  /**
   * What the caller had put into a register for the call that goes on at `behind`, as its compiler wrote it down (DW_TAG_call_site_parameter):
   * to be evaluated with the caller's machine. gcc does for BPF, clang does not.
   */
  argumentOf(behind: SectionAddress, register: number): (Location & { kind: 'computed' }) | undefined;
  /** What an implicit pointer pointed at, with its location at the place. */
  pointee(location: Location & { kind: 'implicit-pointer' }, place: SectionAddress): DwarfVariable;
}

export interface DwarfResult {
  /** Undefined where the object has no debug information, or none that can be read. */
  dwarf?: Dwarf;
  problems: Problem[];
}

/** Reads an object's debug information. Never throws for bad input. */
export function readDwarf(elf: Elf): DwarfResult {
  const problems: Problem[] = [];
  return readDwarfSections(dwarfInput(elf, problems), problems);
}

/** The same from sections that somebody else relocated (see DwarfInput). */
export function readDwarfSections(input: DwarfInput, problems: Problem[] = []): DwarfResult {
  if (input.section('.debug_info').length === 0) return { problems };
  try {
    const reader = new DwarfInformation(input, problems);
    return reader.isEmpty ? { problems } : { dwarf: reader, problems };
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    problems.push(warning(`the debug information cannot be read: ${thrown.message}`, { code: 'dwarf-unreadable' }));
    return { problems };
  }
}

/** What expressions of a function's variables count from. */
interface Frame {
  frameBase: Uint8Array | undefined;
  frameSize: number;
}

/** Line rows and file names of all units together. */
const MAX_ROWS = 2_000_000;

const NO_FRAME: Frame = { frameBase: undefined, frameSize: 0 };

interface IndexedFunction {
  die: Die;
  ranges: readonly Range[];
}

class DwarfInformation implements Dwarf {
  private readonly attributes: Attributes;
  private readonly lists: Lists;
  private readonly types: CTypes;
  private readonly expressions: Expressions;
  private readonly indexed: readonly IndexedFunction[];
  private readonly lineTables = new Map<Unit, LineTable>();
  private rowsRead = 0;
  private readonly frames = new Map<Die, Frame>();
  private sortedLines: readonly LineRow[] | undefined;
  private knownGlobals: readonly DwarfVariable[] | undefined;
  private units: readonly Unit[];

  constructor(
    private readonly input: DwarfInput,
    private readonly problems: Problem[],
  ) {
    const tree = readUnits(input, problems);
    this.units = tree.units;
    this.attributes = new Attributes(input, tree);
    this.lists = new Lists(input, this.attributes);
    this.types = new CTypes(this.attributes);
    this.expressions = new Expressions(this.attributes);
    const indexed: IndexedFunction[] = [];
    for (const unit of tree.units) {
      for (const die of unit.root?.children ?? []) {
        if (die.tag !== DW_TAG.subprogram) continue;
        const ranges = this.lists.of(die);
        if (ranges.length > 0) indexed.push({ die, ranges });
      }
    }
    this.indexed = indexed;
  }

  get isEmpty(): boolean {
    return this.units.every((unit) => !unit.root);
  }

  get producers(): readonly string[] {
    return [...new Set(this.units.flatMap((unit) => (unit.root ? (this.attributes.string(unit.root, DW_AT.producer) ?? []) : [])))];
  }

  get functions(): readonly DwarfFunction[] {
    return this.indexed.map(({ die, ranges }) => ({ name: this.functionName(die), ranges: places(ranges), declared: this.declared(die) }));
  }

  get lines(): readonly LineRow[] {
    if (!this.sortedLines) {
      const rows = this.units.flatMap((unit) => this.rowsOf(unit));
      // Array.sort is stable: rows of one place keep their order.
      this.sortedLines = rows.sort((a, b) => a.section - b.section || a.offset - b.offset || Number(b.endSequence) - Number(a.endSequence));
    }
    return this.sortedLines;
  }

  get globals(): readonly DwarfVariable[] {
    this.knownGlobals ??= this.units.flatMap((unit) =>
      (unit.root?.children ?? [])
        .filter((die) => die.tag === DW_TAG.variable && !this.attributes.flag(die, DW_AT.declaration))
        .map((die) => this.variable(die, 0, 'global')),
    );
    return this.knownGlobals;
  }

  private lineTable(unit: Unit): LineTable {
    let table = this.lineTables.get(unit);
    if (!table) {
      const { root } = unit;
      const at = root && isUnitTag(root.tag) ? this.attributes.own(root, DW_AT.stmt_list) : undefined;
      table =
        root && typeof at?.value === 'number' && this.rowsRead < MAX_ROWS
          ? readLineTable(
              this.input,
              at.value,
              this.attributes.string(root, DW_AT.comp_dir) ?? '',
              this.attributes.string(root, DW_AT.name) ?? '',
              this.problems,
              () => Math.max(0, MAX_ROWS - this.rowsRead),
            )
          : { files: [], rows: () => [] };
      this.rowsRead += table.files.length;
      this.lineTables.set(unit, table);
    }
    return table;
  }

  private rowsOf(unit: Unit): readonly LineRow[] {
    const rows = this.lineTable(unit).rows();
    this.rowsRead += rows.length;
    return rows;
  }

  lineAt(place: SectionAddress): LineRow | undefined {
    const { lines } = this;
    let low = 0;
    let high = lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const row = lines[middle]!;
      if (row.section < place.section || (row.section === place.section && row.offset <= place.offset)) low = middle + 1;
      else high = middle;
    }
    const row = lines[low - 1];
    return row && row.section === place.section && !row.endSequence ? row : undefined;
  }

  startsOf(file: string, line: number): SectionAddress[] {
    const starts: SectionAddress[] = [];
    const { lines } = this;
    for (const [i, row] of lines.entries()) {
      if (row.line !== line || row.file !== file || !row.isStatement || row.endSequence) continue;
      const before = lines[i - 1];
      const continues =
        before !== undefined && before.section === row.section && !before.endSequence && before.file === file && before.line === line;
      if (continues && (before.offset === row.offset || this.sameInlining(before, row))) continue;
      starts.push({ section: row.section, offset: row.offset });
    }
    return starts;
  }

  private sameInlining(a: SectionAddress, b: SectionAddress): boolean {
    const left = this.scopesAt(a);
    const right = this.scopesAt(b);
    return left.length === right.length && left.every((scope, i) => scope.function === right[i]!.function);
  }

  frameAt(place: SectionAddress): DwarfFrame[] {
    return this.scopesAt(place).map((scope, i, all) => this.frame(scope.function, i, all, place));
  }

  variablesAt(place: SectionAddress): DwarfFrameVariables[] {
    const address = linearAddress(place);
    return this.scopesAt(place).map((scope, i, all) => ({
      ...this.frame(scope.function, i, all, place),
      variables: this.variables(scope, address),
    }));
  }

  scopeAt(place: SectionAddress): DwarfVariable[] {
    const address = linearAddress(place);
    return this.scopesAt(place).flatMap((scope) => this.variables(scope, address));
  }

  /** Functions and inlined functions around a place, innermost first, each with the blocks that hold the place. */
  private scopesAt(place: SectionAddress): { function: Die; blocks: Die[] }[] {
    const address = linearAddress(place);
    const outermost = this.indexed.find(({ ranges }) => contains(ranges, address));
    if (!outermost) return [];
    const scopes = [{ function: outermost.die, blocks: [outermost.die] }];
    for (let die: Die | undefined = outermost.die; die;) {
      const inner: Die | undefined = die.children.find(
        (child) =>
          (child.tag === DW_TAG.inlined_subroutine || child.tag === DW_TAG.lexical_block) && contains(this.lists.of(child), address),
      );
      if (inner?.tag === DW_TAG.inlined_subroutine) scopes.push({ function: inner, blocks: [inner] });
      else if (inner) scopes.at(-1)!.blocks.push(inner);
      die = inner;
    }
    return scopes.reverse();
  }

  private frame(die: Die, i: number, all: readonly { function: Die }[], place: SectionAddress): DwarfFrame {
    let position: SourcePosition | undefined;
    if (i === 0) {
      const row = this.lineAt(place);
      if (row) position = { file: row.file, line: row.line, column: row.column };
    } else {
      position = this.callSite(all[i - 1]!.function);
    }
    return {
      function: this.functionName(die),
      inlined: die.tag === DW_TAG.inlined_subroutine,
      position,
      declared: this.declared(die),
      ranges: places(this.lists.of(die)),
    };
  }

  private functionName(die: Die): string {
    return this.attributes.string(die, DW_AT.name) ?? this.attributes.string(die, DW_AT.linkage_name) ?? '';
  }

  private callSite(die: Die): SourcePosition | undefined {
    const file = this.attributes.number(die, DW_AT.call_file);
    const line = this.attributes.number(die, DW_AT.call_line);
    if (line === undefined) return undefined;
    return {
      file: file === undefined ? '' : (this.lineTable(die.unit).files[file] ?? ''),
      line,
      column: this.attributes.number(die, DW_AT.call_column) ?? 0,
    };
  }

  private declared(die: Die): SourcePosition | undefined {
    const holder = this.attributes.origin(die);
    const line = this.attributes.number(die, DW_AT.decl_line);
    if (line === undefined) return undefined;
    const file = this.attributes.number(die, DW_AT.decl_file);
    return {
      file: file === undefined ? '' : (this.lineTable(holder.unit).files[file] ?? ''),
      line,
      column: this.attributes.number(die, DW_AT.decl_column) ?? 0,
    };
  }

  private variables(scope: { function: Die; blocks: readonly Die[] }, address: number): DwarfVariable[] {
    const found: DwarfVariable[] = [];
    for (const block of scope.blocks) {
      for (const child of block.children) {
        if (child.tag !== DW_TAG.formal_parameter && child.tag !== DW_TAG.variable) continue;
        if (this.attributes.flag(child, DW_AT.declaration)) continue;
        found.push(
          this.variable(child, address, child.tag === DW_TAG.formal_parameter ? 'parameter' : 'local', this.frameOf(scope.function)),
        );
      }
    }
    found.sort((a, b) => Number(b.kind === 'parameter') - Number(a.kind === 'parameter'));
    const inner = new Set<string>();
    for (const variable of found.toReversed()) {
      variable.shadowed = inner.has(variable.name);
      inner.add(variable.name);
    }
    return found.filter((variable) => variable.name !== '');
  }

  /** An inlined function lives in the frame of the function around. */
  private frameOf(die: Die): Frame {
    let subprogram: Die | undefined = die;
    while (subprogram && subprogram.tag !== DW_TAG.subprogram) subprogram = subprogram.parent;
    if (!subprogram) return NO_FRAME;
    let frame = this.frames.get(subprogram);
    if (!frame) {
      const base = this.attributes.own(subprogram, DW_AT.frame_base);
      const frameBase = base?.value instanceof Uint8Array ? base.value : undefined;
      frame = { frameBase, frameSize: this.frameSize(subprogram, frameBase) };
      this.frames.set(subprogram, frame);
    }
    return frame;
  }

  private frameSize(subprogram: Die, frameBase: Uint8Array | undefined): number {
    const root = subprogram.unit.root;
    if (!root || !countsFromBottom(this.attributes.string(root, DW_AT.producer) ?? '')) return 0;
    let end = 0;
    const pending = [...subprogram.children];
    for (let die = pending.pop(); die; die = pending.pop()) {
      pending.push(...die.children);
      const own = die.tag === DW_TAG.variable || die.tag === DW_TAG.formal_parameter ? this.attributes.own(die, DW_AT.location) : undefined;
      if (!(own?.value instanceof Uint8Array)) continue;
      const location = this.expressions.locate({ bytes: own.value, unit: die.unit, frameBase, frameSize: 0 });
      if (location.kind === 'memory' && location.register === 10 && location.offset >= 0)
        end = Math.max(end, location.offset + this.types.of(die).size);
    }
    const [range] = places(this.lists.of(subprogram));
    return range && this.input.code
      ? frameSize(this.input.code(range.section), this.input.littleEndian, range.low, range.high, end)
      : Math.ceil(end / 8) * 8;
  }

  private variable(die: Die, address: number, kind: DwarfVariable['kind'], frame = NO_FRAME): DwarfVariable {
    const location = this.location(die, address, frame);
    return {
      name: this.attributes.string(die, DW_AT.name) ?? '',
      type: this.types.of(die),
      kind: kind === 'local' && location.kind === 'global' ? 'static' : kind,
      location,
      declared: this.declared(die),
      shadowed: false,
      artificial: this.attributes.flag(die, DW_AT.artificial),
    };
  }

  private location(die: Die, address: number, frame: Frame): Location {
    const { unit } = die;
    const locate = (bytes: Uint8Array): Location => this.expressions.locate({ bytes, unit, ...frame });
    const own = this.attributes.own(die, DW_AT.location);
    if (own?.value instanceof Uint8Array) return locate(own.value);
    if (own && this.lists.isList(die, DW_AT.location)) {
      const list = this.lists.locationsOf(die, DW_AT.location) ?? [];
      const entry =
        list.find(({ range }) => range !== undefined && address >= range.low && address < range.high) ??
        list.find(({ range }) => range === undefined);
      return entry ? locate(entry.expression) : { kind: 'optimised-out', reason: 'it has no value at this instruction' };
    }
    for (const holder of [die, this.attributes.origin(die)]) {
      const constant = this.attributes.own(holder, DW_AT.const_value);
      if (!constant) continue;
      if (constant.value instanceof Uint8Array)
        return { kind: 'bytes', bytes: constant.form === DW_FORM.string ? Uint8Array.from([...constant.value, 0]) : constant.value };
      if (typeof constant.value === 'bigint' || Number.isSafeInteger(constant.value))
        return { kind: 'constant', value: BigInt.asUintN(64, BigInt(constant.value)) };
    }
    return { kind: 'optimised-out', reason: 'the compiler removed it' };
  }

  evaluate(location: Location & { kind: 'computed' }, machine: ExpressionMachine): bigint | undefined {
    return this.expressions.evaluate(location.expression, machine);
  }

  argumentOf(behind: SectionAddress, register: number): (Location & { kind: 'computed' }) | undefined {
    const address = linearAddress(behind);
    for (const { function: inner, blocks } of this.scopesAt({ ...behind, offset: behind.offset - 1 })) {
      const site = blocks
        .flatMap((block) => block.children)
        .find(
          (die) =>
            (die.tag === DW_TAG.call_site && this.attributes.address(die, DW_AT.call_return_pc) === address) ||
            (die.tag === DW_TAG.GNU_call_site && this.attributes.address(die, DW_AT.low_pc) === address),
        );
      for (const die of site?.children ?? []) {
        const place = this.attributes.own(die, DW_AT.location)?.value;
        const value = (this.attributes.own(die, DW_AT.call_value) ?? this.attributes.own(die, DW_AT.GNU_call_site_value))?.value;
        if (!(place instanceof Uint8Array) || !(value instanceof Uint8Array)) continue;
        const location = this.expressions.locate({ bytes: place, unit: die.unit, ...NO_FRAME });
        if (location.kind === 'register' && location.register === register)
          return { kind: 'computed', isAddress: false, expression: { bytes: value, unit: die.unit, ...this.frameOf(inner) } };
      }
    }
    return undefined;
  }

  pointee(location: Location & { kind: 'implicit-pointer' }, place: SectionAddress): DwarfVariable {
    return this.variable(location.target, linearAddress(place), 'local', this.frameOf(location.target));
  }
}

const contains = (ranges: readonly Range[], address: number): boolean => ranges.some(({ low, high }) => address >= low && address < high);

function places(ranges: readonly Range[]): { section: number; low: number; high: number }[] {
  return ranges.flatMap(({ low, high }) => {
    const start = sectionAddress(low);
    return start ? [{ section: start.section, low: start.offset, high: start.offset + (high - low) }] : [];
  });
}
