// What the verifier knew at places of the source: joins its states per instruction with the line records and, for C, with where
// DWARF says that variables are. Gives values and places; words are known-words.ts's matter.

import { readDwarf, type CType, type Dwarf, type DwarfVariable } from '#core/dwarf';
import { readElf } from '#core/elf';
import { BPF_ALU, BPF_ALU64, BPF_CALL, BPF_JMP, BPF_LD, BPF_LDX, insnClass } from '#core/isa';
import type { LineRecord, LoadedObject, Program } from '#core/program';
import { joinKnown, type KnownSlot, type KnownState, type KnownValue } from '#core/verifier';
import type { Checked } from './check.ts';
import { spilled, stackWords } from './known-words.ts';

/** A variable as it is before some instructions. */
export interface KnownVariable {
  type: CType | undefined;
  value?: KnownValue;
  /** Instead of a value: what its bytes on the stack are, or why nothing is known. */
  words?: string;
  /** `R3`, `fp-16`, for the register's text. */
  place?: string;
}

/** An instruction with what was known before it. */
export interface KnownInsn {
  program: Program;
  insn: number;
  state: KnownState;
}

const dwarfs = new WeakMap<LoadedObject, { dwarf: Dwarf | undefined }>();

function dwarfOf(object: LoadedObject): Dwarf | undefined {
  let known = dwarfs.get(object);
  if (!known) {
    const elf = object.elf && readElf(object.elf).elf;
    dwarfs.set(object, (known = { dwarf: elf && readDwarf(elf).dwarf }));
  }
  return known.dwarf;
}

export class Knowledge {
  constructor(
    private readonly checked: Checked,
    /** Whether a line record's file is the document. */
    private readonly isDocument: (file: string) => boolean,
  ) {}

  /** Instructions of these lines (from 1, both included) that a path reached, in order. */
  insnsOf(firstLine: number, lastLine = firstLine): KnownInsn[] {
    return this.checked.programs.flatMap(({ program, verdict }) => {
      const { states } = verdict;
      if (!states) return [];
      const found: KnownInsn[] = [];
      for (const { record, end } of this.records(program)) {
        if (record.line < firstLine || record.line > lastLine) continue;
        for (let insn = record.insn; insn < end; insn++) {
          const state = states.get(insn);
          if (state) found.push({ program, insn, state });
        }
      }
      return found;
    });
  }

  /** The first instruction of each piece of code that these lines became. */
  beginningsOf(firstLine: number, lastLine = firstLine): KnownInsn[] {
    const insns = this.insnsOf(firstLine, lastLine);
    return insns.filter(({ program, insn }, index) => {
      const before = insns[index - 1];
      return !before || before.program !== program || (before.insn !== insn - 1 && before.insn !== insn - 2);
    });
  }

  /** Instructions behind these lines: those that control comes to from them. */
  followersOf(firstLine: number, lastLine = firstLine): KnownInsn[] {
    const inside = this.insnsOf(firstLine, lastLine);
    const known = new Set(inside.map(({ program, insn }) => `${program.name} ${insn}`));
    const found = new Map<string, KnownInsn>();
    for (const { program, state } of inside) {
      const { states } = this.checked.programs.find((one) => one.program === program)!.verdict;
      for (const { to } of state.after) {
        const key = `${program.name} ${to}`;
        const next = states?.get(to);
        if (next && !known.has(key)) found.set(key, { program, insn: to, state: next });
      }
    }
    return [...found.values()];
  }

  /** A variable of the function between two lines, before any of these instructions. Undefined where the debug information has no such variable. */
  variable(name: string, scope: { firstLine: number; lastLine: number }, at: readonly KnownInsn[]): KnownVariable | undefined {
    const found = at.flatMap(({ program, insn, state }) => {
      const variable = this.dwarfVariable(name, scope, program, insn);
      return variable ? [this.read(variable, state)] : [];
    });
    const [first] = found;
    if (!first) return undefined;
    const values = found.flatMap(({ value }) => value ?? []);
    const value = joinKnown(values);
    if (!value) return found.find(({ words }) => words !== undefined) ?? first;
    const places = new Set(found.flatMap(({ place }) => place ?? []));
    return { type: first.type, value, ...(places.size === 1 ? { place: [...places][0]! } : {}) };
  }

  private dwarfVariable(
    name: string,
    scope: { firstLine: number; lastLine: number },
    program: Program,
    insn: number,
  ): DwarfVariable | undefined {
    const { object } = this.checked;
    const dwarf = object && dwarfOf(object);
    const subprogram = program.subprograms.find(({ start, end }) => insn >= start && insn < end);
    if (!dwarf || !subprogram?.origin) return undefined;
    const frames = dwarf.variablesAt({
      section: subprogram.origin.sectionIndex,
      offset: subprogram.origin.offset + (insn - subprogram.start) * 8,
    });
    for (const { variables } of frames) {
      const named = variables.filter((variable) => variable.name === name && !variable.shadowed && !variable.artificial);
      const here = named.find(
        ({ declared }) =>
          declared !== undefined && this.isDocument(declared.file) && declared.line >= scope.firstLine && declared.line <= scope.lastLine,
      );
      if (here) return here;
    }
    return undefined;
  }

  private read({ type, location }: DwarfVariable, state: KnownState): KnownVariable {
    switch (location.kind) {
      case 'register': {
        const value = state.registers[location.register];
        return value ? { type, value, place: `R${location.register}` } : { type };
      }
      case 'memory': {
        if (location.register !== 10) return { type };
        const place = `fp${location.offset}`;
        const value = type.kind === 'record' || type.kind === 'array' ? undefined : spilled(state.stack, location.offset, type.size);
        if (value) return { type, value, place };
        const words = type.size > 0 ? stackWords(state.stack, location.offset, type.size) : undefined;
        return { type, ...(words === undefined ? {} : { words }), place };
      }
      case 'constant':
        return { type, value: constant(location.value, type) };
      default:
        return { type };
    }
  }

  /** What an expression gives whose code is recorded at exactly this line and column (from 1, in bytes). */
  result(line: number, column: number): { value: KnownValue; place: string } | undefined {
    const values: KnownValue[] = [];
    let place = '';
    for (const { program, verdict } of this.checked.programs) {
      const { states } = verdict;
      if (!states) continue;
      for (const { record, end } of this.records(program)) {
        if (record.line !== line || record.column !== column) continue;
        let last: { register: number; insn: number } | undefined;
        for (let insn = record.insn; insn < end; insn++) {
          const register = written(program, insn);
          if (register !== undefined) last = { register, insn };
        }
        const state = last && states.get(last.insn);
        if (!last || !state) continue;
        for (const { to, registers } of state.after) {
          const value = registers[last.register] ?? states.get(to)?.registers[last.register];
          if (value) values.push(value);
        }
        place = `R${last.register}`;
      }
    }
    const value = joinKnown(values);
    return value && { value, place };
  }

  /** The records of the document with the slot at which each ends. */
  private *records(program: Program): Generator<{ record: LineRecord; end: number }> {
    for (const [index, record] of program.lines.entries()) {
      if (!this.isDocument(record.file) || record.line === 0) continue;
      const subprogram = program.subprograms.find(({ start, end }) => record.insn >= start && record.insn < end);
      yield { record, end: Math.min(program.lines[index + 1]?.insn ?? program.insns.length, subprogram?.end ?? program.insns.length) };
    }
  }
}

/** The register that an instruction writes; none for stores and jumps. */
export function written(program: Program, at: number): number | undefined {
  const insn = program.insns[at];
  if (!insn) return undefined;
  switch (insnClass(insn)) {
    case BPF_ALU:
    case BPF_ALU64:
    case BPF_LDX:
      return insn.dst;
    case BPF_LD:
      return insn.opcode === 0 ? undefined : insn.dst;
    case BPF_JMP:
      return (insn.opcode & 0xf0) === BPF_CALL ? 0 : undefined;
    default:
      return undefined;
  }
}

function constant(unsigned: bigint, type: CType): KnownValue {
  const bits = type.size > 0 && type.size <= 8 ? type.size * 8 : 64;
  const value = BigInt.asUintN(bits, unsigned);
  const signed = BigInt.asIntN(bits, unsigned);
  const low = Number(BigInt.asUintN(32, unsigned));
  const isSigned = (type.kind === 'integer' || type.kind === 'enum') && type.signed;
  const shape = {
    type: 'scalar',
    maybeNull: false,
    umin: value,
    umax: value,
    smin: isSigned ? signed : value,
    smax: isSigned ? signed : value,
    u32min: low,
    u32max: low,
    s32min: low | 0,
    s32max: low | 0,
    bits: { value, mask: 0n },
  };
  return { shapes: [shape], texts: [String(isSigned ? signed : value)], open: false };
}

const TEXTS = 8;

/** The states before some instructions as the kernel's log prints them, one line each; several values of one register stand beside each other. */
export function kernelText(at: readonly KnownInsn[]): string {
  const lines = at.slice(0, TEXTS).map(({ insn, state }) => `${insn}: ${registerTexts(state.registers, state.stack).join(' ')}`);
  return [...lines, ...(at.length > TEXTS ? [`… ${at.length - TEXTS} more`] : [])].join('\n');
}

const allTexts = (value: KnownValue): string => value.texts.join(' | ') || '?';

export function registerTexts(registers: readonly (KnownValue | undefined)[], stack: readonly KnownSlot[], texts = allTexts): string[] {
  return [
    ...registers.flatMap((value, register) => (value ? [`R${register}=${texts(value)}`] : [])),
    ...stack.map(({ offset, letters, value }) => `fp${offset}=${value ? texts(value) : letters}`),
  ];
}
