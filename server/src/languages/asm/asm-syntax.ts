// How assembly is read: the assembler itself says what stands where. Adds which section and function a line belongs to.

import {
  assemble,
  type AssembledLine,
  type AssembledObject,
  type AssembledReference,
  type AssembledSection,
  type AssembledSymbol,
  type Insn,
} from '#core/isa';
import { findSection, helperByName, HELPERS, mapType } from '#core/catalog';

export interface AsmProgram {
  name: string;
  section: string;
  /** First and last line of its code, from 1. */
  line: number;
  endLine: number;
  column: number;
  /** False for a function that only others call. */
  entry: boolean;
}

export class AsmSyntax {
  readonly assembled: AssembledObject;
  readonly programs: readonly AsmProgram[];

  constructor(text: string, file: string) {
    this.assembled = assemble(text, {
      file,
      helperId: (name) => helperByName(name)?.id,
      helperNames: HELPERS.map(({ name }) => name),
      isMapType: (name) => mapType(name) !== undefined,
    });
    this.programs = this.assembled.sections.filter(({ insns }) => insns.length > 0).flatMap((section) => this.functionsOf(section));
  }

  /** The statement on a line (from 1) and its instruction; of several the one at or before the column. */
  insnAt(line: number, column: number): { section: AssembledSection; record: AssembledLine; insn: Insn } | undefined {
    for (const section of this.assembled.sections) {
      const onLine = section.lines.filter((record) => record.line === line);
      const record = onLine.findLast((one) => one.column <= column) ?? onLine[0];
      const insn = record && section.insns[record.insn];
      if (record && insn) return { section, record, insn };
    }
    return undefined;
  }

  referenceAt(line: number, column: number): AssembledReference | undefined {
    return this.assembled.references.find((one) => one.line === line && one.column <= column && column <= one.endColumn);
  }

  symbol(name: string): AssembledSymbol | undefined {
    return this.assembled.symbols.find((one) => one.name === name);
  }

  /** The section whose code the line stands in, as text like `xdp`: the last one begun before it. */
  sectionAt(line: number): string | undefined {
    let best: { name: string; line: number } | undefined;
    for (const { name, lines } of this.assembled.sections) {
      const before = lines.findLast((record) => record.line <= line);
      if (before && (!best || before.line > best.line)) best = { name, line: before.line };
    }
    return best?.name;
  }

  private functionsOf(section: AssembledSection): AsmProgram[] {
    const functions = this.assembled.symbols
      .filter((symbol) => symbol.section === section.name && symbol.kind === 'func')
      .sort((a, b) => a.offset - b.offset);
    return functions.flatMap((symbol, index) => {
      const end = functions[index + 1]?.offset ?? section.insns.length * 8;
      const records = section.lines.filter(({ insn }) => insn * 8 >= symbol.offset && insn * 8 < end);
      if (records.length === 0) return [];
      return [
        {
          name: symbol.name,
          section: section.name,
          line: symbol.implicit ? records[0]!.line : symbol.line,
          endLine: records.at(-1)!.line,
          column: symbol.implicit ? records[0]!.column : symbol.column,
          entry: section.name !== '.text' && symbol.binding !== 'local' && findSection(section.name) !== undefined,
        },
      ];
    });
  }
}
