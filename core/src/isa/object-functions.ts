// Makes what the assembler read fit for a loader: libbpf takes programs from sections with a type and subprograms from .text only,
// so a subprogram written behind its program moves to .text, and calls across become relocations.

import type { AssembledLine, AssembledObject, AssembledRelocation, AssembledSection, AssembledSymbol } from './assemble.ts';
import { R_BPF_64_32 } from './relocation-types.ts';
import { BPF_PSEUDO_CALL, encode, isCall, isLdImm64, type Insn } from './encoding.ts';
import { lookup } from './opcodes.ts';
import { error, type Problem } from '#core/problem';

interface FunctionPart {
  symbol: AssembledSymbol;
  from: AssembledSection;
  /** Slots in `from`. */
  start: number;
  end: number;
  toText: boolean;
  /** Slot in the new section. */
  newStart: number;
  /** Of `from`, by slot. */
  lineOf: ReadonlyMap<number, AssembledLine>;
}

export interface SplitObject {
  sections: AssembledSection[];
  symbols: AssembledSymbol[];
  problems: Problem[];
}

const isCode = (section: AssembledSection): boolean => section.insns.length > 0;

/** Sections and symbols with every local function of a program's section moved to `.text`. Unchanged where there is none. */
export function splitFunctions(object: AssembledObject): SplitObject {
  const functions = functionsBySection(object.symbols);
  const parts = object.sections.filter(isCode).flatMap((section) => partsOf(section, functions.get(section.name) ?? []));
  if (!parts.some((part) => part.toText && part.from.name !== '.text'))
    return { sections: object.sections, symbols: object.symbols, problems: [] };
  const problems: Problem[] = [];
  const sections = object.sections.filter((section) => section.name !== '.text' || !isCode(section));
  const text: AssembledSection = {
    name: '.text',
    flags: 'ax',
    nobits: false,
    alignment: 8,
    bytes: new Uint8Array(),
    insns: [],
    lines: [],
    relocations: [],
  };
  const result: AssembledSection[] = sections.map((section) =>
    isCode(section)
      ? fill(
          section,
          parts.filter((part) => part.from === section && !part.toText),
          parts,
          object,
          problems,
        )
      : section,
  );
  const inText = parts.filter((part) => part.toText);
  result.push(fill(text, inText, parts, object, problems));
  const symbols = object.symbols.map((symbol) => {
    const part = parts.find((one) => one.symbol === symbol);
    if (part) return { ...symbol, section: part.toText ? '.text' : part.from.name, offset: part.newStart * 8 };
    const inside = parts.find((one) => symbol.section === one.from.name && symbol.offset >= one.start * 8 && symbol.offset < one.end * 8);
    return inside
      ? { ...symbol, section: inside.toText ? '.text' : inside.from.name, offset: symbol.offset + (inside.newStart - inside.start) * 8 }
      : symbol;
  });
  return { sections: result, symbols, problems };
}

/** Functions of each section by its name, in order of their places. */
export function functionsBySection(symbols: readonly AssembledSymbol[]): Map<string, AssembledSymbol[]> {
  const result = new Map<string, AssembledSymbol[]>();
  for (const symbol of symbols) {
    if (symbol.kind !== 'func' || symbol.section === undefined) continue;
    const list = result.get(symbol.section);
    if (list) list.push(symbol);
    else result.set(symbol.section, [symbol]);
  }
  for (const list of result.values()) list.sort((a, b) => a.offset - b.offset);
  return result;
}

function partsOf(section: AssembledSection, functions: readonly AssembledSymbol[]): FunctionPart[] {
  const text = section.name === '.text';
  const lineOf = new Map(section.lines.map((line) => [line.insn, line]));
  return functions.map((symbol, i) => ({
    symbol,
    from: section,
    start: i === 0 ? 0 : symbol.offset / 8,
    end: i + 1 < functions.length ? functions[i + 1]!.offset / 8 : section.insns.length,
    // The first function of a section is its program, whatever its binding.
    toText: text || (symbol.binding === 'local' && i > 0),
    newStart: 0,
    lineOf,
  }));
}

function fill(
  section: AssembledSection,
  own: readonly FunctionPart[],
  all: readonly FunctionPart[],
  object: AssembledObject,
  problems: Problem[],
): AssembledSection {
  const insns: Insn[] = [];
  const lines: AssembledLine[] = [];
  const relocations: AssembledRelocation[] = [];
  const relocatedSlots = new Map<AssembledSection, ReadonlySet<number>>();
  let at = 0;
  for (const part of own) {
    part.newStart = at;
    at += part.end - part.start;
  }
  for (const part of own) {
    const move = part.newStart - part.start;
    const relocated = relocatedSlots.get(part.from) ?? new Set(part.from.relocations.map((relocation) => relocation.offset / 8));
    relocatedSlots.set(part.from, relocated);
    for (let slot = part.start; slot < part.end; slot++) {
      const insn = { ...part.from.insns[slot]! };
      insns.push(insn);
      if (isLdImm64(insn) && slot + 1 < part.end) insns.push({ ...part.from.insns[++slot]! });
      else moveJump(insn, slot, part, all, relocated, relocations, move, object, problems);
    }
    for (const line of part.from.lines)
      if (line.insn >= part.start && line.insn < part.end) lines.push({ ...line, insn: line.insn + move });
    for (const relocation of part.from.relocations) {
      if (relocation.offset >= part.start * 8 && relocation.offset < part.end * 8)
        relocations.push({ ...relocation, offset: relocation.offset + move * 8 });
    }
  }
  return { ...section, insns, lines, bytes: encode(insns), relocations: relocations.sort((a, b) => a.offset - b.offset) };
}

function moveJump(
  insn: Insn,
  slot: number,
  part: FunctionPart,
  all: readonly FunctionPart[],
  relocated: ReadonlySet<number>,
  relocations: AssembledRelocation[],
  move: number,
  object: AssembledObject,
  problems: Problem[],
): void {
  const line = part.lineOf.get(slot);
  const report = (message: string): void =>
    void problems.push(
      error(message, {
        code: 'asm-function',
        ...(line
          ? { span: { file: object.file, line: line.line, column: line.column, endLine: line.line, endColumn: line.endColumn } }
          : {}),
      }),
    );
  if (isCall(insn)) {
    if (insn.src !== BPF_PSEUDO_CALL || relocated.has(slot)) return;
    const target = slot + 1 + insn.imm;
    const callee = all.find((one) => one.from === part.from && one.start === target);
    if (!callee) return report(`this call goes to slot ${target} of section ${part.from.name}, where no function begins`);
    if (callee.toText === part.toText && (part.toText || callee.from === part.from)) {
      insn.imm = callee.newStart - (slot + move) - 1;
    } else {
      insn.imm = -1;
      relocations.push({
        offset: (slot + move) * 8,
        type: R_BPF_64_32,
        symbol: callee.symbol.name,
        isSection: false,
        line: line?.line ?? 0,
      });
    }
    return;
  }
  const row = lookup(insn);
  if (row?.kind !== 'jump' && row?.kind !== 'goto' && row?.kind !== 'may_goto') return;
  const target = slot + 1 + (row.kind === 'goto' && row.width === 32 ? insn.imm : insn.off);
  if (target < part.start || target >= part.end)
    report(`this jump leaves its function ${part.symbol.name}; functions are entered by call only`);
}
