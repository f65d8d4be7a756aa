// From assembly text to sections, symbols and maps. Reads line by line, recognises each line's dialect by itself, and reports
// every mistake of the file with its place. It decides no program type and makes no kernel object: core/program does.

import { Cursor, type Reference } from './asm-cursor.ts';
import { isMnemonic, parseClassic } from './asm-classic.ts';
import { parseDirective, type AssembledMap, type DirectiveTarget } from './asm-directives.ts';
import { AsmError, lexLine, type LexerState, type Token } from './asm-lexer.ts';
import { recogniseListing, type ListingLine } from './asm-listing.ts';
import { parsePseudoC, startsPseudoC, type ParsedInsn } from './asm-pseudo-c.ts';
import { resolve } from './asm-resolve.ts';
import type { AsmSection, Expression, Piece, Place } from './asm-section.ts';
import { decode, encode, type Insn } from './encoding.ts';
import { formatLlvmInsn } from './format-llvm.ts';
import { error, type Problem } from '#core/problem';

export interface AssembleOptions {
  /** Name for problems' spans; empty for the text at hand. */
  file?: string;
  /** Number of a helper by its name (`bpf_map_lookup_elem` → 1). */
  helperId?: (name: string) => number | undefined;
  /** All helpers' names, for "did you mean". */
  helperNames?: Iterable<string>;
  /** Whether a map type's name exists; without it every name passes. */
  isMapType?: (name: string) => boolean;
  /** Refuses a straight-line read of a register that holds nothing at the start (r0, r6 to r9). */
  strictRegisters?: boolean;
}

export interface AssembledRelocation {
  /** Byte offset in the section. */
  offset: number;
  /** R_BPF_*. */
  type: number;
  symbol: string;
  /** Name of the section instead of a symbol of its own (labels that no symbol table keeps). */
  isSection: boolean;
  line: number;
}

/** From slot `insn` on. Lines and columns count from 1. */
export interface AssembledLine {
  insn: number;
  line: number;
  column: number;
  endColumn: number;
  /** The statement as written, trimmed. */
  text: string;
}

export interface AssembledSection {
  name: string;
  /** As in `.section`: a allocated, w writable, x executable. */
  flags: string;
  /** Takes no room in a file (.bss). */
  nobits: boolean;
  alignment: number;
  bytes: Uint8Array;
  /** Slots, for executable sections; empty for data. */
  insns: Insn[];
  lines: AssembledLine[];
  relocations: AssembledRelocation[];
}

export interface AssembledSymbol {
  name: string;
  /** Undefined for what is defined elsewhere (`.extern`). */
  section: string | undefined;
  /** Byte offset. */
  offset: number;
  size: number;
  kind: 'func' | 'object' | 'notype';
  binding: 'local' | 'global' | 'weak';
  hidden: boolean;
  /** True for the function that a section without a label begins with. */
  implicit: boolean;
  line: number;
  column: number;
}

/** A name used in an operand. */
export interface AssembledReference {
  name: string;
  kind: 'jump' | 'call' | 'address';
  line: number;
  column: number;
  endColumn: number;
  /** Where the name is defined in this text; undefined for helpers and names from elsewhere. */
  definition?: { line: number; column: number };
}

export interface AssembledObject {
  file: string;
  /** In order of first mention. Sections without content are left out. */
  sections: AssembledSection[];
  /** Functions, objects and labels that a symbol table would keep, and names defined elsewhere. */
  symbols: AssembledSymbol[];
  /** Maps of `.map` lines. Maps that LLVM's output defines in `.maps` and `.BTF` stand in those sections. */
  maps: AssembledMap[];
  /** From `.license` or the section `license`; empty without one. */
  license: string;
  references: AssembledReference[];
  problems: Problem[];
}

/** A label or another name's attributes while the text is read. */
export interface AsmSymbol {
  name: string;
  section: AsmSection | undefined;
  /** The piece it stands before; undefined is the section's end. */
  piece: Piece | undefined;
  binding: 'local' | 'global' | 'weak' | undefined;
  kind: 'func' | 'object' | undefined;
  hidden: boolean;
  extern: boolean;
  implicit: boolean;
  size: Expression | undefined;
  /** .set */
  value: Expression | undefined;
  place: Place;
}

/** Everything read, before places are known. */
export interface AsmFile {
  sections: AsmSection[];
  symbols: Map<string, AsmSymbol>;
  /** Labels `1:`, `2:`, in order of the text. */
  numericLabels: { name: string; symbol: AsmSymbol }[];
  maps: AssembledMap[];
  license: string | undefined;
  /** Relocations that a listing printed; they leave the bytes as they are. */
  listed: { piece: Piece; section: AsmSection; type: string; symbol: string; line: number }[];
  lines: readonly string[];
}

const MAX_PROBLEMS = 1000;
const DEFAULT_FLAGS: Readonly<Record<string, string>> = { '.text': 'ax', '.data': 'aw', '.bss': 'aw', '.rodata': 'a' };

/** Assembles one file. Never throws for bad input: `problems` holds every mistake, and the rest is what could be read. */
export function assemble(text: string, options: AssembleOptions = {}): AssembledObject {
  const assembler = new Assembler(text, options);
  assembler.read();
  return resolve(assembler.file, options, assembler.problems);
}

class Assembler implements DirectiveTarget {
  readonly problems: Problem[] = [];
  readonly file: AsmFile;
  private readonly byName = new Map<string, AsmSection>();
  private readonly stack: AsmSection[] = [];
  private current: AsmSection;
  /** Labels that wait for their section's next piece: a section may be left and taken up again. */
  private readonly pending = new Map<AsmSection, AsmSymbol[]>();
  private line = 0;
  private place: Place = { line: 0, column: 1, endColumn: 2 };
  /** Instructions of a verifier log by slot: they come in the order in which the verifier walked. */
  private logged = new Map<number, Piece & { kind: 'insn' }>();
  private totalBytes = 0;

  constructor(
    text: string,
    private readonly options: AssembleOptions,
  ) {
    this.file = {
      sections: [],
      symbols: new Map(),
      numericLabels: [],
      maps: [],
      license: undefined,
      listed: [],
      lines: text.split(/\r\n|\n|\r/),
    };
    this.current = this.open('.text');
  }

  read(): void {
    const state: LexerState = { inComment: false, isMnemonic };
    for (const [index, line] of this.file.lines.entries()) {
      this.line = index + 1;
      try {
        const listing = state.inComment ? undefined : recogniseListing(line);
        if (listing) {
          this.listing(listing, line);
          continue;
        }
        for (const { tokens } of lexLine(line, state)) {
          try {
            this.statement(tokens);
          } catch (thrown) {
            this.reportUnlessRemark(thrown);
          }
        }
      } catch (thrown) {
        this.reportUnlessRemark(thrown, recogniseListing(line) !== undefined);
      }
      if (this.problems.length >= MAX_PROBLEMS) break;
    }
    this.finishLog();
  }

  /** Between the instructions of a verifier's log stand its messages, and there are hundreds of them. */
  private reportUnlessRemark(thrown: unknown, isListing = false): void {
    if (thrown instanceof AsmError && !isListing && this.logged.size > 0) return;
    this.report(thrown);
  }

  private report(thrown: unknown): void {
    if (!(thrown instanceof AsmError)) throw thrown;
    this.problem(thrown.message, { line: this.line, column: thrown.column, endColumn: thrown.endColumn }, thrown.code);
  }

  private problem(message: string, place: Place, code: string): void {
    if (this.problems.length < MAX_PROBLEMS)
      this.problems.push(
        error(message, {
          code,
          span: { file: this.options.file ?? '', line: place.line, column: place.column, endLine: place.line, endColumn: place.endColumn },
        }),
      );
  }

  private statement(tokens: readonly Token[]): void {
    let rest = tokens;
    // `name:` and `1:` in front, as many as there are.
    while (
      rest.length >= 2 &&
      (rest[0]!.kind === 'name' || (rest[0]!.kind === 'number' && /^\d+$/.test(rest[0]!.text))) &&
      rest[1]!.text === ':' &&
      rest[1]!.kind === 'operator'
    ) {
      this.label(rest[0]!);
      rest = rest.slice(2);
    }
    if (rest.length === 0) return;
    const last = rest.at(-1)!;
    const cursor = new Cursor(rest, last.endColumn);
    this.place = { line: this.line, column: rest[0]!.column, endColumn: last.endColumn };
    if (rest[0]!.kind === 'name' && rest[0]!.text.startsWith('.')) {
      parseDirective(cursor, this);
      cursor.finish();
      return;
    }
    const parsed = startsPseudoC(cursor) ? parsePseudoC(cursor) : parseClassic(cursor);
    cursor.finish();
    this.push(parsed);
  }

  private listing(listing: ListingLine, line: string): void {
    switch (listing.kind) {
      case 'ignored':
        return;
      case 'section':
        this.finishLog();
        this.section(listing.name, 'ax', undefined);
        return;
      case 'label':
        return this.listedLabel(listing);
      case 'relocation': {
        const piece = this.current.pieces.at(-1);
        if (piece?.kind === 'insn')
          this.file.listed.push({ piece, section: this.current, type: listing.type, symbol: listing.symbol, line: this.line });
        return;
      }
      case 'bytes': {
        const piece = [...this.logged.values()].at(-1) ?? this.current.pieces.at(-1);
        const insns = decode(listing.bytes);
        if (piece?.kind !== 'insn' || insns.length !== piece.insns.length || insns[0]!.opcode !== piece.insns[0]!.opcode) {
          throw new AsmError('these bytes are not those of the instruction above', listing.column, line.length + 1, 'asm-listing');
        }
        piece.insns = insns;
        delete piece.reference;
        return;
      }
      case 'insn':
        return listing.source === 'objdump' ? this.objdumpInsn(listing, line) : this.logInsn(listing, line);
    }
  }

  private listedLabel(listing: ListingLine & { kind: 'label' }): void {
    // Listings repeat local names in every function; the distances beside them are what counts.
    if (this.file.symbols.get(listing.name)?.section) return;
    const token: Token = { kind: 'name', text: listing.name, column: listing.column, endColumn: listing.column + listing.name.length };
    this.label(token);
    if (listing.isFunction && !/^\.?LBB\d/.test(listing.name)) this.symbol(token).kind = 'func';
  }

  private parseListed(line: string, start: number, end: number, opcode?: number): ParsedInsn {
    const tokens = lexLine(line, { inComment: false }, start, end)[0]?.tokens ?? [];
    const cursor = new Cursor(tokens, end + 1);
    const parsed = startsPseudoC(cursor) ? parsePseudoC(cursor, opcode === undefined ? {} : { opcode }) : parseClassic(cursor);
    cursor.finish();
    return parsed;
  }

  private objdumpInsn(listing: ListingLine & { kind: 'insn' }, line: string): void {
    const insns = decode(listing.bytes!);
    const text = line
      .slice(listing.start)
      .replace(/\s+<[^\s>][^>]*>\s*$/, '')
      .replace(/\t/g, ' ')
      .trim();
    this.place = { line: this.line, column: listing.start + 1, endColumn: line.length + 1 };
    if (text !== '<unknown>' && text !== formatLlvmInsn(insns, 0)) {
      const parsed = this.parseListed(line, listing.start, listing.end);
      if (parsed.reference === undefined && encode(parsed.insns).toString() !== listing.bytes!.toString()) {
        throw new AsmError(
          `the bytes in this line say "${formatLlvmInsn(insns, 0)}", the text does not; correct one, or delete the bytes`,
          this.place.column,
          this.place.endColumn,
          'asm-listing',
        );
      }
    }
    this.push({ insns }, true);
  }

  private logInsn(listing: ListingLine & { kind: 'insn' }, line: string): void {
    this.place = {
      line: this.line,
      column: listing.start + 1,
      endColumn: listing.start + 1 + line.slice(listing.start, listing.end).trimEnd().length,
    };
    const parsed = this.parseListed(line, listing.start, listing.end, listing.opcode);
    if (parsed.insns[0]!.opcode !== listing.opcode) {
      throw new AsmError(
        `the opcode in this line is 0x${listing.opcode!.toString(16).padStart(2, '0')}, the text's is 0x${parsed.insns[0]!.opcode.toString(16).padStart(2, '0')}; correct one of them`,
        this.place.column,
        this.place.endColumn,
        'asm-listing',
      );
    }
    const earlier = this.logged.get(listing.slot);
    if (earlier) {
      if (encode(earlier.insns).toString() !== encode(parsed.insns).toString()) {
        throw new AsmError(
          `slot ${listing.slot} has another instruction in line ${earlier.place.line}; one text holds one program's log`,
          this.place.column,
          this.place.endColumn,
          'asm-listing',
        );
      }
      return;
    }
    const piece = this.piece(parsed);
    this.attach(piece);
    this.logged.set(listing.slot, piece);
  }

  /** Puts a log's instructions in order of their slots. */
  private finishLog(): void {
    let next = 0;
    for (const [slot, piece] of [...this.logged].sort(([a], [b]) => a - b)) {
      if (slot !== next) {
        this.problem(
          slot > next
            ? `slots ${next} to ${slot - 1} are missing: the log does not show them`
            : `slot ${slot} is the second half of the instruction above it`,
          piece.place,
          'asm-listing',
        );
      }
      this.current.pieces.push(piece);
      next = slot + piece.insns.length;
    }
    this.logged = new Map();
  }

  private piece(parsed: ParsedInsn): Piece & { kind: 'insn' } {
    return {
      kind: 'insn',
      place: this.place,
      offset: 0,
      insns: parsed.insns,
      ...(parsed.reference ? { reference: parsed.reference } : {}),
    };
  }

  private push(parsed: ParsedInsn, fromBytes = false): void {
    const piece = this.piece(parsed);
    if (fromBytes) piece.fromBytes = true;
    this.attach(piece);
    this.current.pieces.push(piece);
  }

  /** The labels that waited stand before this piece. */
  private anchor(piece: Piece): void {
    for (const symbol of this.pending.get(this.current) ?? []) symbol.piece = piece;
    this.pending.delete(this.current);
  }

  private wait(symbol: AsmSymbol): void {
    const waiting = this.pending.get(this.current);
    if (waiting) waiting.push(symbol);
    else this.pending.set(this.current, [symbol]);
  }

  private attach(piece: Piece): void {
    this.anchor(piece);
    if (piece.kind === 'insn' && !this.current.flags.includes('x')) {
      if (this.current.flags === '') this.current.flags = 'ax';
      else
        throw new AsmError(
          `section ${this.current.name} has flags "${this.current.flags}" and may not hold instructions; add x`,
          piece.place.column,
          piece.place.endColumn,
          'asm-section',
        );
    }
  }

  private data(piece: Piece): void {
    this.finishLog();
    this.totalBytes += piece.kind === 'bytes' ? piece.bytes.length : 8;
    if (this.totalBytes > 64 * 1024 * 1024)
      throw new AsmError("the file's data is larger than 64 MB", this.place.column, this.place.endColumn, 'asm-range');
    this.attach(piece);
    this.current.pieces.push(piece);
  }

  private open(name: string, flags?: string, type?: string): AsmSection {
    let section = this.byName.get(name);
    if (!section) {
      section = {
        name,
        flags: flags ?? DEFAULT_FLAGS[name] ?? (name.startsWith('.data') ? 'aw' : name.startsWith('.rodata') ? 'a' : ''),
        type: type ?? (name.startsWith('.bss') ? 'nobits' : 'progbits'),
        pieces: [],
        size: 0,
        alignment: 1,
      };
      this.byName.set(name, section);
      this.file.sections.push(section);
    } else if (flags !== undefined && section.pieces.length === 0) {
      section.flags = flags;
    }
    return section;
  }

  /** The record of a name, made at its first mention. */
  private symbol(token: Token): AsmSymbol {
    let symbol = this.file.symbols.get(token.text);
    if (!symbol) {
      symbol = {
        name: token.text,
        section: undefined,
        piece: undefined,
        binding: undefined,
        kind: undefined,
        hidden: false,
        extern: false,
        implicit: false,
        size: undefined,
        value: undefined,
        place: { line: this.line, column: token.column, endColumn: token.endColumn },
      };
      this.file.symbols.set(token.text, symbol);
    }
    return symbol;
  }

  private label(token: Token): void {
    const place = { line: this.line, column: token.column, endColumn: token.endColumn };
    if (token.kind === 'number') {
      const symbol: AsmSymbol = {
        name: token.text,
        section: this.current,
        piece: undefined,
        binding: undefined,
        kind: undefined,
        hidden: false,
        extern: false,
        implicit: false,
        size: undefined,
        value: undefined,
        place,
      };
      this.file.numericLabels.push({ name: token.text, symbol });
      this.wait(symbol);
      return;
    }
    const symbol = this.symbol(token);
    if (symbol.section || symbol.value)
      throw new AsmError(`${token.text} is defined already, in line ${symbol.place.line}`, token.column, token.endColumn, 'asm-duplicate');
    symbol.section = this.current;
    symbol.place = place;
    this.wait(symbol);
  }

  // What directives do.

  section(name: string, flags: string | undefined, type: string | undefined): void {
    this.finishLog();
    this.current = this.open(name, flags, type);
  }

  pushSection(): void {
    this.stack.push(this.current);
  }

  popSection(): void {
    const section = this.stack.pop();
    if (!section)
      throw new AsmError('there is no .pushsection for this .popsection', this.place.column, this.place.endColumn, 'asm-directive');
    this.finishLog();
    this.current = section;
  }

  bytes(bytes: Uint8Array): void {
    this.data({ kind: 'bytes', place: this.place, offset: 0, bytes });
  }

  value(size: 1 | 2 | 4 | 8, expression: Expression): void {
    this.data({ kind: 'value', place: this.place, offset: 0, size, expression });
  }

  leb(signed: boolean, expression: Expression): void {
    this.data({ kind: 'leb', place: this.place, offset: 0, signed, expression, bytes: new Uint8Array(1) });
  }

  align(to: number): void {
    this.current.alignment = Math.max(this.current.alignment, to);
    const piece: Piece = { kind: 'align', place: this.place, offset: 0, to, length: 0 };
    this.anchor(piece);
    this.current.pieces.push(piece);
  }

  insn(insn: Insn): void {
    this.push({ insns: [insn] }, true);
  }

  binding(name: Token, binding: 'local' | 'global' | 'weak'): void {
    this.symbol(name).binding = binding;
  }

  hidden(name: Token): void {
    this.symbol(name).hidden = true;
  }

  extern(name: Token): void {
    this.symbol(name).extern = true;
  }

  symbolType(name: Token, kind: 'func' | 'object'): void {
    this.symbol(name).kind = kind;
  }

  symbolSize(name: Token, size: Expression): void {
    this.symbol(name).size = size;
  }

  common(name: Token, size: number, alignment: number): void {
    const section = this.open('.bss');
    const before = this.current;
    this.current = section;
    this.align(alignment);
    this.label(name);
    const symbol = this.symbol(name);
    symbol.kind = 'object';
    symbol.size = { terms: [], constant: BigInt(size), column: name.column, endColumn: name.endColumn };
    symbol.binding ??= 'global';
    this.bytes(new Uint8Array(size));
    this.current = before;
  }

  assign(name: Token, value: Expression): void {
    const symbol = this.symbol(name);
    if (symbol.section)
      throw new AsmError(`${name.text} is a label already, in line ${symbol.place.line}`, name.column, name.endColumn, 'asm-duplicate');
    symbol.value = value;
    symbol.place = { line: this.line, column: name.column, endColumn: name.endColumn };
  }

  map(map: Omit<AssembledMap, 'line'>): void {
    const earlier = this.file.maps.find((one) => one.name === map.name);
    if (earlier)
      throw new AsmError(`map ${map.name} is declared already, in line ${earlier.line}`, map.column, map.endColumn, 'asm-duplicate');
    if (this.options.isMapType && !this.options.isMapType(map.type)) {
      throw new AsmError(
        `there is no map type "${map.type}"; types are hash, array, percpu_hash, percpu_array, lru_hash, ringbuf, prog_array, …`,
        map.typeSpan?.column ?? map.column,
        map.typeSpan?.endColumn ?? map.endColumn,
        'asm-map',
      );
    }
    this.file.maps.push({ ...map, line: this.line });
  }

  license(text: string): void {
    this.file.license = text;
  }
}

export type { Reference };
