// The second pass of the assembler: places are laid out, names become distances, helper numbers or relocations,
// and what came out is checked against the opcode table. Every mistake is reported where the name or instruction stands.

import { checkEncoding } from './check-encoding.ts';
import { layout, sectionBytes, type AsmSection, type Expression, type Piece, type Place } from './asm-section.ts';
import type {
  AsmFile,
  AsmSymbol,
  AssembledObject,
  AssembledReference,
  AssembledRelocation,
  AssembledSection,
  AssembledSymbol,
  AssembleOptions,
} from './assemble.ts';
import { R_BPF_64_32, R_BPF_64_64, R_BPF_64_ABS32, R_BPF_64_ABS64, R_BPF_64_NODYLD32 } from './relocation-types.ts';
import type { Reference } from './asm-cursor.ts';
import { build } from './asm-pseudo-c.ts';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, decode } from './encoding.ts';
import { didYouMean } from './suggest.ts';
import { uninitialisedRead } from './uninitialised-reads.ts';
import { error, type Problem } from '#core/problem';

/** As many as anybody reads. */
const MAX_PROBLEMS = 1000;

type InsnPiece = Piece & { kind: 'insn' };

/** Names that a symbol table does not keep: compilers' local labels. */
const isLocalLabel = (name: string): boolean => name.startsWith('.L') || /^LBB\d+_\d+$/.test(name);
const RELOCATION_NAMES: Readonly<Record<string, number>> = { R_BPF_64_64, R_BPF_64_ABS64, R_BPF_64_ABS32, R_BPF_64_NODYLD32, R_BPF_64_32 };

export function resolve(file: AsmFile, options: AssembleOptions, problems: Problem[]): AssembledObject {
  return new Resolver(file, options, problems).run();
}

class Resolver {
  private readonly relocations = new Map<AsmSection, AssembledRelocation[]>();
  private readonly references: AssembledReference[] = [];
  private readonly externs = new Map<string, Place>();
  private readonly maps: ReadonlySet<string>;
  /** Compiler output brings its types along, and with them the names that stand elsewhere. */
  private readonly hasTypes: boolean;
  private readonly evaluating = new Set<AsmSymbol>();
  private readonly numericLabels = new Map<string, AsmSymbol[]>();
  private readonly code = new Map<AsmSection, boolean>();
  private sectionSymbols: ReadonlyMap<AsmSection, readonly AsmSymbol[]> | undefined;
  /** Offsets of each section's exits, ascending. */
  private readonly exits = new Map<AsmSection, number[]>();
  /** Offsets of names in each section, ascending: of functions, and of all. */
  private readonly nameOffsets = new Map<AsmSection, { functions: number[]; all: number[] }>();

  constructor(
    private readonly file: AsmFile,
    private readonly options: AssembleOptions,
    private readonly problems: Problem[],
  ) {
    this.maps = new Set(file.maps.map((map) => map.name));
    for (const { name, symbol } of file.numericLabels) {
      const list = this.numericLabels.get(name);
      if (list) list.push(symbol);
      else this.numericLabels.set(name, [symbol]);
    }
    this.hasTypes = file.sections.some((section) => section.name === '.BTF' && section.pieces.length > 0);
  }

  run(): AssembledObject {
    const { file } = this;
    layout(file.sections, (expression) => this.difference(expression));
    this.markFunctions();
    for (const section of file.sections) {
      for (const piece of section.pieces) {
        if (piece.kind === 'insn' && piece.reference) this.reference(section, piece, piece.reference);
      }
    }
    for (const { piece, section, type, symbol, line } of file.listed) {
      const name = symbol.replace(/[+-]0x[0-9a-f]+$/, '');
      const known = file.symbols.get(name)?.section;
      if (!known) this.externs.set(name, piece.place);
      this.relocate(section, { offset: piece.offset, type: RELOCATION_NAMES[type] ?? R_BPF_64_64, symbol: name, isSection: false, line });
    }
    const sections = file.sections.filter((section) => section.pieces.length > 0).map((section) => this.section(section));
    return {
      file: this.options.file ?? '',
      sections,
      symbols: this.symbols(),
      maps: [...file.maps],
      license: file.license ?? licenseOf(sections),
      references: this.references,
      problems: this.problems,
    };
  }

  private problem(message: string, place: Place, code: string): void {
    this.problems.push(
      error(message, {
        code,
        span: { file: this.options.file ?? '', line: place.line, column: place.column, endLine: place.line, endColumn: place.endColumn },
      }),
    );
  }

  /** Names that may have been meant, for the first mistakes of a file only: a text without any right name has no near ones. */
  private suggestions(names: () => readonly string[]): readonly string[] {
    return this.problems.length < 50 ? names() : [];
  }

  private offsetOf(symbol: AsmSymbol): number {
    return symbol.piece?.offset ?? symbol.section?.size ?? 0;
  }

  /** Labels `3f` and `3b` by where they are used, every other name as it is. */
  private find(name: string, from: Place): AsmSymbol | undefined {
    const numeric = /^(\d+)([bf])$/.exec(name);
    if (!numeric) return this.file.symbols.get(name);
    const candidates = this.numericLabels.get(numeric[1]!) ?? [];
    // The first that stands behind the place; labels are in order of the text.
    let low = 0;
    let high = candidates.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { place } = candidates[middle]!;
      if (place.line > from.line || (place.line === from.line && place.column > from.column)) high = middle;
      else low = middle + 1;
    }
    return numeric[2] === 'f' ? candidates[low] : candidates[low - 1];
  }

  /** Value of an expression whose symbols cancel out within sections; undefined where a relocation is needed. */
  private difference(expression: Expression): bigint | undefined {
    const reduced = this.reduce(expression);
    return reduced && reduced.bySection.size === 0 && reduced.unknown.length === 0 ? reduced.constant : undefined;
  }

  private reduce(
    expression: Expression,
  ): { constant: bigint; bySection: Map<AsmSection, number>; unknown: { symbol: string; sign: number }[] } | undefined {
    let { constant } = expression;
    const bySection = new Map<AsmSection, number>();
    const unknown: { symbol: string; sign: number }[] = [];
    for (const { symbol: name, sign } of expression.terms) {
      const symbol = this.file.symbols.get(name);
      if (symbol?.value) {
        // A symbol that needs itself, or a chain longer than any text means.
        if (this.evaluating.has(symbol) || this.evaluating.size > 200) return undefined;
        this.evaluating.add(symbol);
        const inner = this.reduce(symbol.value);
        this.evaluating.delete(symbol);
        if (!inner) return undefined;
        constant += BigInt(sign) * inner.constant;
        for (const [section, weight] of inner.bySection) bySection.set(section, (bySection.get(section) ?? 0) + weight * sign);
        unknown.push(...inner.unknown.map((one) => ({ symbol: one.symbol, sign: one.sign * sign })));
      } else if (symbol?.section) {
        constant += BigInt(sign) * BigInt(this.offsetOf(symbol));
        bySection.set(symbol.section, (bySection.get(symbol.section) ?? 0) + sign);
      } else {
        // LLVM names a section's beginning by the section's name.
        const section = this.file.sections.find((one) => one.name === name && one.pieces.length > 0);
        if (section) bySection.set(section, (bySection.get(section) ?? 0) + sign);
        else unknown.push({ symbol: name, sign });
      }
    }
    for (const [section, weight] of bySection) if (weight === 0) bySection.delete(section);
    return { constant, bySection, unknown };
  }

  private relocate(section: AsmSection, relocation: AssembledRelocation): void {
    const list = this.relocations.get(section);
    if (list) list.push(relocation);
    else this.relocations.set(section, [relocation]);
  }

  private symbolsBySection(): Map<AsmSection, AsmSymbol[]> {
    const result = new Map<AsmSection, AsmSymbol[]>();
    for (const symbol of this.file.symbols.values()) {
      if (!symbol.section) continue;
      const list = result.get(symbol.section);
      if (list) list.push(symbol);
      else result.set(symbol.section, [symbol]);
    }
    return result;
  }

  private isCode(section: AsmSection): boolean {
    let known = this.code.get(section);
    if (known === undefined) this.code.set(section, (known = section.pieces.some((piece) => piece.kind === 'insn')));
    return known;
  }

  /** Which labels are functions: said so, called, global, or the first thing in a section with code. */
  private markFunctions(): void {
    const called = new Set<string>();
    for (const section of this.file.sections) {
      for (const piece of section.pieces) if (piece.kind === 'insn' && piece.reference?.kind === 'call') called.add(piece.reference.name);
    }
    const bySection = this.symbolsBySection();
    for (const section of this.file.sections) {
      if (!this.isCode(section)) continue;
      const here = bySection.get(section) ?? [];
      for (const symbol of here) {
        if (
          symbol.kind === undefined &&
          !isLocalLabel(symbol.name) &&
          (called.has(symbol.name) || symbol.binding === 'global' || symbol.binding === 'weak')
        )
          symbol.kind = 'func';
      }
      const first = here.filter((symbol) => this.offsetOf(symbol) === 0 && !isLocalLabel(symbol.name));
      if (first.some((symbol) => symbol.kind === 'func')) continue;
      if (first.length > 0) first[0]!.kind = 'func';
      else this.implicitFunction(section);
    }
  }

  private implicitFunction(section: AsmSection): void {
    const stem = section.name === '.text' ? 'main' : section.name.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+|_+$/g, '') || 'main';
    let name = stem;
    for (let i = 2; this.file.symbols.has(name); i++) name = `${stem}_${i}`;
    const piece = section.pieces.find((one) => one.kind === 'insn');
    this.file.symbols.set(name, {
      name,
      section,
      piece,
      binding: 'global',
      kind: 'func',
      hidden: false,
      extern: false,
      implicit: true,
      size: undefined,
      value: undefined,
      place: piece?.place ?? { line: 1, column: 1, endColumn: 2 },
    });
  }

  private reference(section: AsmSection, piece: InsnPiece, reference: Reference): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    const place: Place = { line: piece.place.line, column: reference.column, endColumn: reference.endColumn };
    const symbol = this.find(reference.name, place);
    const kind = reference.kind === 'jump32' ? 'jump' : reference.kind;
    const map = this.file.maps.find((one) => one.name === reference.name);
    const definition = symbol?.section || symbol?.value ? symbol.place : map;
    this.references.push({
      name: reference.name,
      kind,
      ...place,
      ...(definition ? { definition: { line: definition.line, column: definition.column } } : {}),
    });
    switch (reference.kind) {
      case 'jump':
      case 'jump32':
        return this.jump(section, piece, reference, symbol, place);
      case 'call':
        return this.call(section, piece, reference, symbol, place);
      case 'address':
        return this.address(section, piece, reference, symbol, place);
    }
  }

  private jump(section: AsmSection, piece: InsnPiece, reference: Reference, symbol: AsmSymbol | undefined, place: Place): void {
    let target: number | undefined;
    if (symbol?.section === section) target = this.offsetOf(symbol);
    else if (!symbol && reference.name === 'exit') target = this.nearestExit(section, piece);
    if (target === undefined) {
      this.sectionSymbols ??= this.symbolsBySection();
      const labels = this.suggestions(() => (this.sectionSymbols?.get(section) ?? []).map((one) => one.name));
      this.problem(
        symbol?.section
          ? `${reference.name} is in section ${symbol.section.name}: a jump stays in its section (${section.name})`
          : `there is no label ${reference.name} in section ${section.name}${didYouMean(reference.name, labels)}`,
        place,
        'asm-undefined',
      );
      return;
    }
    const distance = (target - piece.offset) / 8 - piece.insns.length;
    const insn = piece.insns[0]!;
    if (reference.kind === 'jump32') insn.imm = distance;
    else if (distance < -32768 || distance > 32767)
      this.problem(`${reference.name} is ${distance} instructions away and the distance has 16 bits; use gotol (ja32)`, place, 'asm-range');
    else insn.off = distance;
  }

  /** bpf_conformance's tests jump to `exit` without a label of that name: any exit will do, the next is meant. */
  private nearestExit(section: AsmSection, from: InsnPiece): number | undefined {
    let exits = this.exits.get(section);
    if (!exits)
      this.exits.set(
        section,
        (exits = section.pieces.filter((piece) => piece.kind === 'insn' && piece.insns[0]!.opcode === 0x95).map((piece) => piece.offset)),
      );
    return exits[firstAbove(exits, from.offset)] ?? exits.at(-1);
  }

  private call(section: AsmSection, piece: InsnPiece, reference: Reference, symbol: AsmSymbol | undefined, place: Place): void {
    const insn = piece.insns[0]!;
    if (symbol?.section) {
      if (!this.isCode(symbol.section))
        return this.problem(`${reference.name} is no function: section ${symbol.section.name} holds data`, place, 'asm-undefined');
      Object.assign(insn, build('call_local', {}), { src: BPF_PSEUDO_CALL });
      if (symbol.section === section) {
        insn.imm = (this.offsetOf(symbol) - piece.offset) / 8 - 1;
      } else {
        insn.imm = -1;
        this.relocate(section, { offset: piece.offset, type: R_BPF_64_32, symbol: reference.name, isSection: false, line: place.line });
      }
      return;
    }
    const id = this.options.helperId?.(reference.name);
    if (id !== undefined) {
      insn.imm = id;
    } else if (reference.number !== undefined) {
      // A listing: a name that is no helper is a kfunc, and its number the BTF id.
      insn.imm = reference.number;
      if (this.options.helperId && reference.name !== 'unknown') insn.src = BPF_PSEUDO_KFUNC_CALL;
    } else if (symbol?.extern || symbol?.binding !== undefined || this.hasTypes) {
      Object.assign(insn, build('call_local', { imm: -1 }));
      this.externs.set(reference.name, place);
      this.relocate(section, { offset: piece.offset, type: R_BPF_64_32, symbol: reference.name, isSection: false, line: place.line });
    } else {
      const names = this.suggestions(() => [
        ...[...this.file.symbols.values()].filter((one) => one.kind === 'func').map((one) => one.name),
        ...(this.options.helperNames ?? []),
      ]);
      this.problem(
        `there is no function or helper ${reference.name}${didYouMean(reference.name, names)} (a kfunc is declared with .extern ${reference.name})`,
        place,
        'asm-undefined',
      );
    }
  }

  private address(section: AsmSection, piece: InsnPiece, reference: Reference, symbol: AsmSymbol | undefined, place: Place): void {
    if (symbol?.value) {
      const value = this.difference(symbol.value);
      if (value !== undefined) {
        const sum = BigInt.asUintN(64, value + BigInt(reference.addend));
        piece.insns[0]!.imm = Number(BigInt.asIntN(32, sum));
        piece.insns[1]!.imm = Number(BigInt.asIntN(32, sum >> 32n));
        return;
      }
    }
    const known = symbol?.section ?? this.maps.has(reference.name);
    if (!known) {
      if (!symbol?.extern && symbol?.binding === undefined && !this.hasTypes) {
        const names = this.suggestions(() => [
          ...this.maps,
          ...[...this.file.symbols.values()].filter((one) => one.section).map((one) => one.name),
        ]);
        this.problem(
          `there is no map or symbol ${reference.name}${didYouMean(reference.name, names)} (a map is declared with .map ${reference.name}, type=hash, key=4, value=8, max_entries=1)`,
          place,
          'asm-undefined',
        );
        return;
      }
      this.externs.set(reference.name, place);
    }
    const asSection = symbol?.section !== undefined && isLocalLabel(reference.name);
    if (asSection) piece.insns[0]!.imm = this.offsetOf(symbol) + reference.addend;
    this.relocate(section, {
      offset: piece.offset,
      type: R_BPF_64_64,
      symbol: asSection ? symbol.section!.name : reference.name,
      isSection: asSection,
      line: place.line,
    });
  }

  private section(section: AsmSection): AssembledSection {
    const bytes = sectionBytes(section);
    this.values(section, bytes);
    const isText = section.flags.includes('x') || this.isCode(section);
    const insnPieces = section.pieces.filter((piece): piece is InsnPiece => piece.kind === 'insn');
    const insns = isText ? decode(bytes) : [];
    if (isText) this.checkText(section, bytes, insns);
    return {
      name: section.name,
      flags: section.flags === '' && !/^\.(?:debug|BTF|llvm)/.test(section.name) ? 'aw' : section.flags,
      nobits: section.type === 'nobits',
      alignment: isText ? Math.max(8, section.alignment) : section.alignment,
      bytes,
      insns,
      lines: insnPieces.map((piece) => ({
        insn: piece.offset / 8,
        line: piece.place.line,
        column: piece.place.column,
        endColumn: piece.place.endColumn,
        text: (this.file.lines[piece.place.line - 1] ?? '').slice(piece.place.column - 1, piece.place.endColumn - 1).trim(),
      })),
      relocations: (this.relocations.get(section) ?? []).sort((a, b) => a.offset - b.offset),
    };
  }

  private placeOf(section: AsmSection, offset: number): Place {
    let low = 0;
    let high = section.pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (section.pieces[middle]!.offset > offset) high = middle;
      else low = middle + 1;
    }
    return section.pieces[low - 1]?.place ?? { line: 1, column: 1, endColumn: 2 };
  }

  private checkText(section: AsmSection, bytes: Uint8Array, insns: ReturnType<typeof decode>): void {
    if (bytes.length % 8 !== 0)
      this.problem(
        `section ${section.name} has ${bytes.length} bytes: instructions take 8 each`,
        this.placeOf(section, bytes.length - 1),
        'asm-section',
      );
    // A listing of the kernel's own rewritten program may hold what only the kernel makes.
    for (const one of checkEncoding(insns, { kernelInternal: true }).slice(0, MAX_PROBLEMS))
      this.problem(one.message, this.placeOf(section, one.insn * 8), one.code);
    if (!this.options.strictRegisters) return;
    const read = uninitialisedRead(insns);
    if (read)
      this.problem(
        `r${read.register} is read before anything wrote it: at the start only r1 to r5 and r10 can hold something`,
        this.placeOf(section, read.insn * 8),
        'asm-uninitialised',
      );
  }

  private values(section: AsmSection, bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const piece of section.pieces) {
      if (piece.kind !== 'value' && piece.kind !== 'leb') continue;
      if (this.problems.length >= MAX_PROBLEMS) return;
      const { expression } = piece;
      const place: Place = { line: piece.place.line, column: expression.column, endColumn: expression.endColumn };
      const reduced = this.reduce(expression);
      const value = this.difference(expression);
      if (value !== undefined) {
        if (piece.kind === 'leb' && !piece.signed && value < 0n)
          this.problem(`.uleb128 takes no negative number, and this is ${value}`, place, 'asm-range');
        if (piece.kind === 'value') this.put(view, piece.offset, piece.size, value, place);
        continue;
      }
      if (piece.kind === 'leb' || !reduced || reduced.bySection.size + reduced.unknown.length !== 1 || piece.size < 4) {
        const unknown = reduced?.unknown[0]?.symbol;
        this.problem(
          !reduced
            ? 'this value depends on itself'
            : unknown === undefined
              ? 'these symbols are in different sections: their difference is no number'
              : `there is no symbol ${unknown}`,
          place,
          'asm-undefined',
        );
        continue;
      }
      this.relocatedValue(section, piece, piece.size === 8 ? 8 : 4, reduced, view, place);
    }
  }

  private relocatedValue(
    section: AsmSection,
    piece: Piece,
    size: 4 | 8,
    reduced: NonNullable<ReturnType<Resolver['reduce']>>,
    view: DataView,
    place: Place,
  ): void {
    const type = size === 8 ? R_BPF_64_ABS64 : section.name.startsWith('.BTF') ? R_BPF_64_NODYLD32 : R_BPF_64_ABS32;
    const single = this.file.symbols.get(piece.kind === 'value' ? (piece.expression.terms[0]?.symbol ?? '') : '');
    const target = [...reduced.bySection.keys()][0];
    if (target) {
      const named =
        single?.section === target &&
        single.kind !== undefined &&
        !isLocalLabel(single.name) &&
        piece.kind === 'value' &&
        piece.expression.terms.length === 1;
      this.put(view, piece.offset, size, named ? reduced.constant - BigInt(this.offsetOf(single)) : reduced.constant, place);
      this.relocate(section, {
        offset: piece.offset,
        type,
        symbol: named ? single.name : target.name,
        isSection: !named,
        line: place.line,
      });
      return;
    }
    const { symbol } = reduced.unknown[0]!;
    this.put(view, piece.offset, size, reduced.constant, place);
    if (!this.maps.has(symbol)) {
      const record = this.file.symbols.get(symbol);
      if (!record?.extern && record?.binding === undefined && !this.hasTypes)
        return this.problem(`there is no symbol ${symbol}`, place, 'asm-undefined');
      this.externs.set(symbol, place);
    }
    this.relocate(section, { offset: piece.offset, type, symbol, isSection: false, line: place.line });
  }

  private put(view: DataView, offset: number, size: 1 | 2 | 4 | 8, value: bigint, place: Place): void {
    const bits = BigInt(size * 8);
    if (value < -(1n << (bits - 1n)) || value >= 1n << bits) this.problem(`${value} does not fit ${bits} bits`, place, 'asm-range');
    if (size === 8) view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    else if (size === 4) view.setUint32(offset, Number(BigInt.asUintN(32, value)), true);
    else if (size === 2) view.setUint16(offset, Number(BigInt.asUintN(16, value)), true);
    else view.setUint8(offset, Number(BigInt.asUintN(8, value)));
  }

  private symbols(): AssembledSymbol[] {
    const result: AssembledSymbol[] = [];
    for (const symbol of this.file.symbols.values()) {
      if (!symbol.section || isLocalLabel(symbol.name)) continue;
      const offset = this.offsetOf(symbol);
      const size = symbol.size === undefined ? undefined : this.difference(symbol.size);
      result.push({
        name: symbol.name,
        section: symbol.section.name,
        offset,
        size: size === undefined ? this.sizeUpToNext(symbol, offset) : Number(size),
        kind: symbol.kind ?? 'notype',
        binding: symbol.binding ?? 'local',
        hidden: symbol.hidden,
        implicit: symbol.implicit,
        line: symbol.place.line,
        column: symbol.place.column,
      });
    }
    for (const [name, place] of this.externs) {
      const record = this.file.symbols.get(name);
      result.push({
        name,
        section: undefined,
        offset: 0,
        size: 0,
        kind: 'notype',
        binding: record?.binding === 'weak' ? 'weak' : 'global',
        hidden: false,
        implicit: false,
        line: place.line,
        column: place.column,
      });
    }
    return result;
  }

  /** A function ends where the next begins; a datum where the next name stands. */
  private sizeUpToNext(symbol: AsmSymbol, offset: number): number {
    if (symbol.kind === undefined && symbol.section && this.isCode(symbol.section)) return 0;
    const { section } = symbol;
    if (!section) return 0;
    let names = this.nameOffsets.get(section);
    if (!names) {
      this.sectionSymbols ??= this.symbolsBySection();
      const here = this.sectionSymbols.get(section) ?? [];
      const sorted = (symbols: readonly AsmSymbol[]): number[] => symbols.map((one) => this.offsetOf(one)).sort((a, b) => a - b);
      names = { functions: sorted(here.filter((one) => one.kind === 'func')), all: sorted(here) };
      this.nameOffsets.set(section, names);
    }
    const offsets = symbol.kind === 'func' ? names.functions : names.all;
    return (offsets[firstAbove(offsets, offset)] ?? section.size) - offset;
  }
}

/** Index of the first number above the limit in an ascending list. */
function firstAbove(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

function licenseOf(sections: readonly AssembledSection[]): string {
  const bytes = sections.find((section) => section.name === 'license')?.bytes;
  if (!bytes) return '';
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end).subarray(0, 256));
}
