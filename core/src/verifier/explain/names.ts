// The C names of what the verifier speaks of by register and offset: variables by the object's DWARF, global variables and map
// values by its BTF, expressions by the source lines that BTF keeps. Everything is optional: an object may have none of it.

import { type Btf, resolve } from '#core/btf';
import { type Dwarf, type DwarfVariable, readDwarf } from '#core/dwarf';
import { readElf } from '#core/elf';
import type { LineRecord, LoadedObject, MapDefinition, Program } from '#core/program';
import type { SourceSpan } from '#core/problem';
import { type CExpression, expressionAt } from './c-expression.ts';
import { type Layout, layoutOfBtf, layoutOfC } from './layout.ts';

/** A variable of the source, as far as it is known at an instruction. */
export interface NamedVariable {
  readonly name: string;
  readonly layout: Layout;
  readonly signed: boolean | undefined;
  readonly declared: SourceSpan | undefined;
}

/** A variable in the stack frame: its first byte, from the frame pointer. */
export interface StackVariable extends NamedVariable {
  readonly offset: number;
}

const dwarfOf = new WeakMap<LoadedObject, { dwarf: Dwarf | undefined }>();

function dwarfIn(object: LoadedObject): Dwarf | undefined {
  let known = dwarfOf.get(object);
  if (!known) {
    const elf = object.elf ? readElf(object.elf).elf : undefined;
    dwarfOf.set(object, (known = { dwarf: elf && readDwarf(elf).dwarf }));
  }
  return known.dwarf;
}

/** Variables that a macro of libbpf made: nobody wrote them. */
const isMacroMade = (name: string): boolean => /(^|\.)_{2,}\w+(\.\d+)?$/.test(name);

/** The record that each slot belongs to: the last one at or before it in its function. */
function linesBySlot(program: Program): (LineRecord | undefined)[] {
  const slots = new Array<LineRecord | undefined>(program.insns.length);
  for (const record of program.lines) slots[record.insn] = record;
  const starts = new Set(program.subprograms.map(({ start }) => start));
  for (let i = 1; i < slots.length; i++) if (!slots[i] && !starts.has(i)) slots[i] = slots[i - 1];
  return slots;
}

export class Names {
  private readonly variables = new Map<number, readonly DwarfVariable[]>();
  private lines: readonly (LineRecord | undefined)[] | undefined;

  constructor(
    private readonly program: Program,
    private readonly object: LoadedObject,
  ) {}

  /** All variables known at a slot, those of the innermost inlined function first. */
  private at(slot: number): readonly DwarfVariable[] {
    const known = this.variables.get(slot);
    if (known) return known;
    const subprogram = this.program.subprograms.find(({ start, end }) => slot >= start && slot < end);
    const origin = subprogram?.origin;
    const dwarf = origin && dwarfIn(this.object);
    const found = dwarf
      ? dwarf
          .scopeAt({ section: origin.sectionIndex, offset: origin.offset + (slot - subprogram.start) * 8 })
          .filter(({ artificial, shadowed, name }) => !artificial && !shadowed && !isMacroMade(name))
      : [];
    this.variables.set(slot, found);
    return found;
  }

  /** The variable whose value is in the register before the instruction. */
  inRegister(slot: number, register: number): NamedVariable | undefined {
    const variable = this.at(slot).find(({ location }) => location.kind === 'register' && location.register === register);
    return variable && named(variable);
  }

  /** The variable of the frame that holds the byte at `offset` from the frame pointer. */
  onStack(slot: number, offset: number): StackVariable | undefined {
    for (const variable of this.at(slot)) {
      const { location, type } = variable;
      if (location.kind !== 'memory' || location.register !== 10) continue;
      if (offset >= location.offset && offset < location.offset + Math.max(1, type.size))
        return { ...named(variable), offset: location.offset };
    }
    return undefined;
  }

  /** Variables of the frame at a slot. */
  stackVariables(slot: number): readonly StackVariable[] {
    return this.at(slot).flatMap((variable) =>
      variable.location.kind === 'memory' && variable.location.register === 10
        ? [{ ...named(variable), offset: variable.location.offset }]
        : [],
    );
  }

  byName(slot: number, name: string): NamedVariable | undefined {
    const variable = this.at(slot).find((one) => one.name === name);
    return variable && named(variable);
  }

  /** The parameter's name of the function that holds the slot. */
  parameter(slot: number, index: number): string | undefined {
    const { btf } = this.object;
    const subprogram = this.program.subprograms.find(({ start, end }) => slot >= start && slot < end);
    const func = btf && subprogram?.funcTypeId !== undefined ? btf.type(subprogram.funcTypeId) : undefined;
    const proto = func?.kind === 'func' ? btf!.type(func.type) : undefined;
    return proto?.kind === 'func_proto' ? proto.parameters[index]?.name || undefined : undefined;
  }

  /** Where an instruction comes from. */
  line(slot: number): LineRecord | undefined {
    this.lines ??= linesBySlot(this.program);
    const record = this.lines[slot];
    return record && record.line > 0 ? record : undefined;
  }

  /** The C expression that an instruction belongs to. */
  expression(slot: number): CExpression | undefined {
    const record = this.line(slot);
    return record && expressionAt(record.text, record.column);
  }

  /** `prog.c:20`, for sentences that point at another line. */
  lineName(slot: number): string | undefined {
    const record = this.line(slot);
    return record && `line ${record.line}`;
  }

  span(slot: number): SourceSpan | undefined {
    const record = this.line(slot);
    if (!record) return undefined;
    const expression = expressionAt(record.text, record.column);
    if (!expression) return { file: record.file, line: record.line, column: record.column };
    return { file: record.file, line: record.line, column: expression.start + 1, endLine: record.line, endColumn: expression.end + 1 };
  }

  /** The type of a map's value; of a section of global variables, the variable at the offset. */
  valueAt(map: MapDefinition, offset: number): { name: string; layout: Layout; start: number; global: boolean } | undefined {
    const { btf } = this.object;
    if (!btf) return undefined;
    if (map.globalSection !== undefined) return globalAt(btf, map.globalSection, offset);
    const layout = map.valueTypeId === undefined ? undefined : layoutOfBtf(btf, map.valueTypeId);
    return layout && { name: 'value', layout, start: 0, global: false };
  }

  /** Where the map's definition is written. */
  declarationOf(map: MapDefinition): SourceSpan | undefined {
    return map.declared && { file: map.declared.file, line: map.declared.line, column: 0 };
  }

  declarationOfGlobal(name: string): SourceSpan | undefined {
    const found = dwarfIn(this.object)?.globals.find((variable) => variable.name === name);
    return found?.declared;
  }
}

function globalAt(btf: Btf, section: string, offset: number): { name: string; layout: Layout; start: number; global: boolean } | undefined {
  const id = btf.find(section, 'datasec');
  const type = id === undefined ? undefined : btf.type(id);
  if (type?.kind !== 'datasec') return undefined;
  const entry = type.variables.findLast((one) => one.offset <= offset) ?? type.variables[0];
  const variable = entry && btf.type(entry.type);
  if (!entry || variable?.kind !== 'var') return undefined;
  const layout = layoutOfBtf(btf, variable.type);
  return layout && { name: variable.name, layout, start: entry.offset, global: true };
}

const named = ({ name, type, declared }: DwarfVariable): NamedVariable => ({
  name,
  layout: layoutOfC(type),
  signed: type.kind === 'integer' || type.kind === 'enum' ? type.signed : undefined,
  declared,
});

/** The struct behind a pointer in the program's BTF, by its id. */
export const structName = (btf: Btf | undefined, id: number): string | undefined => {
  const type = btf && resolve(btf, id);
  return type && (type.kind === 'struct' || type.kind === 'union') && type.name !== '' ? `${type.kind} ${type.name}` : undefined;
};
