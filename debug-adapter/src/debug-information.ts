// DWARF as the debugger wants it: inlined functions around an instruction, and a frame's variables with the places of their values.
// Turns locations into places; what lies there is read by whoever shows it.

import { readDwarf } from '#core/dwarf';
import type { Dwarf, DwarfVariable, ExpressionMachine, Location } from '#core/dwarf';
import { readElf } from '#core/elf';
import type { Problem } from '#core/problem';
import type { LineRecord, LoadedObject, Program } from '#core/program';
import { bytesToInteger, constantPlace, integerBytes, unavailablePlace } from './c-value.ts';
import type { Place } from './c-value.ts';
import type { LocatedVariable } from './engine-condition.ts';
import type { StackFrame } from './frames.ts';
import type { DebugVariable, DebugVariables, MachineAccess } from './inspection.ts';
import type { InlinedFunction, InlineInformation } from './source-map.ts';

interface SectionAddress {
  section: number;
  offset: number;
}

export class DebugInformation implements DebugVariables {
  /** Conditions ask at the same places again and again. */
  private readonly variables = new WeakMap<Program, Map<number, readonly (readonly DwarfVariable[])[]>>();

  private constructor(
    private readonly dwarf: Dwarf,
    private readonly sectionName: (index: number) => string | undefined,
  ) {}

  /** Undefined for assembly and for objects without debug information; `say` hears what of it cannot be read. */
  static of(object: LoadedObject, say: (problem: Problem) => void = () => {}): DebugInformation | undefined {
    if (!object.elf) return undefined;
    const { elf } = readElf(object.elf);
    if (!elf) return undefined;
    const { dwarf, problems } = readDwarf(elf);
    problems.filter(({ severity }) => severity !== 'note').forEach(say);
    return dwarf && new DebugInformation(dwarf, (index) => elf.sections[index]?.name);
  }

  /** What one program needs: its slots are places in the object's sections. */
  inlinesOf(program: Program): InlineInformation {
    const known = new Map<number, readonly InlinedFunction[]>();
    const instances = new Map<string, number>();
    const look = (slot: number): readonly InlinedFunction[] => {
      const place = placeOfSlot(program, slot);
      const frames = place ? this.dwarf.frameAt(place) : [];
      return frames.slice(0, -1).flatMap(({ function: name, inlined, ranges }, level) => {
        if (!inlined) return [];
        const key = `${level - frames.length} ${name} ${ranges[0]?.section}:${ranges[0]?.low}`;
        const instance = instances.get(key) ?? instances.size + 1;
        instances.set(key, instance);
        return [{ name, instance, call: frames[level + 1]?.position ?? { file: '', line: 0, column: 0 } }];
      });
    };
    return {
      inlinedAt: (slot) => {
        let found = known.get(slot);
        if (!found) known.set(slot, (found = look(slot)));
        return found;
      },
      isLineless: (slot) => {
        const place = placeOfSlot(program, slot);
        return place !== undefined && this.dwarf.lineAt(place)?.line === 0;
      },
    };
  }

  /** Line records of a program whose object carries no .BTF.ext. */
  linesOf(program: Program): readonly LineRecord[] {
    const records: LineRecord[] = [];
    for (const { origin, start, end } of program.subprograms) {
      if (!origin) continue;
      for (const row of this.dwarf.lines) {
        const slot = start + (row.offset - origin.offset) / 8;
        if (row.section === origin.sectionIndex && slot >= start && slot < end && !row.endSequence)
          records.push({ insn: slot, file: row.file, line: row.line, column: row.column, text: '' });
      }
    }
    return records.sort((a, b) => a.insn - b.insn).filter((record, index, all) => all[index + 1]?.insn !== record.insn);
  }

  variablesAt(frame: StackFrame, machine: MachineAccess): readonly DebugVariable[] | undefined {
    return this.variablesOf(frame.program.map.program, frame.slot, frame.level)?.map((variable) => this.valueOf(variable, machine));
  }

  variableAt(frame: StackFrame, name: string, machine: MachineAccess): DebugVariable | undefined {
    const variable = this.variablesOf(frame.program.map.program, frame.slot, frame.level)?.find(
      (other) => other.name === name && !other.shadowed,
    );
    return variable && this.valueOf(variable, machine);
  }

  /** Where the innermost function's variable is at a slot, as far as an engine can read it there. */
  locate(program: Program, slot: number, name: string): LocatedVariable | undefined {
    const variable = this.variablesOf(program, slot, 0)?.find((other) => other.name === name && !other.shadowed);
    if (!variable) return undefined;
    const { location, type } = variable;
    return { type, location: location.kind === 'register' || location.kind === 'memory' ? location : undefined };
  }

  private variablesOf(program: Program, slot: number, level: number): readonly DwarfVariable[] | undefined {
    let bySlot = this.variables.get(program);
    if (!bySlot) this.variables.set(program, (bySlot = new Map()));
    let levels = bySlot.get(slot);
    if (!levels) {
      const place = placeOfSlot(program, slot);
      const frames = place ? this.dwarf.variablesAt(place) : [];
      bySlot.set(
        slot,
        (levels = frames.map(({ variables }) => variables.filter(({ artificial, name }) => !artificial && !isMacroMade(name)))),
      );
    }
    return levels[level];
  }

  argumentOf(program: Program, callSlot: number, register: number, caller: MachineAccess): bigint | undefined {
    const place = placeOfSlot(program, callSlot);
    const location = place && this.dwarf.argumentOf({ ...place, offset: place.offset + 8 }, register);
    return location && this.dwarf.evaluate(location, this.expressionMachine(caller));
  }

  private valueOf({ name, type, kind, location, shadowed }: DwarfVariable, machine: MachineAccess): DebugVariable {
    return { name, type, parameter: kind === 'parameter', shadowed, value: { type, place: this.placeOf(location, machine), offset: 0 } };
  }

  private placeOf(location: Location, machine: MachineAccess): Place {
    switch (location.kind) {
      case 'register':
        return machine.register(location.register);
      case 'memory': {
        const base = registerValue(machine, location.register);
        return base === undefined
          ? unavailablePlace('its address is lost: the called function has overwritten the register')
          : machine.memory(base + BigInt(location.offset));
      }
      case 'global': {
        const section = this.sectionName(location.address.section);
        return (
          (section === undefined ? undefined : machine.global(section, location.address.offset)) ??
          unavailablePlace(`there is no map for section ${section ?? location.address.section}`)
        );
      }
      case 'constant':
        return constantPlace(integerBytes(location.value, 8));
      case 'bytes':
        return constantPlace(location.bytes);
      case 'computed': {
        const value = this.dwarf.evaluate(location, this.expressionMachine(machine));
        if (value === undefined) return unavailablePlace('its value cannot be computed here');
        return location.isAddress ? machine.memory(BigInt.asUintN(64, value)) : constantPlace(integerBytes(value, 8));
      }
      case 'pieces':
        return this.assemble(location.pieces, machine);
      case 'implicit-pointer':
        return unavailablePlace('points at a value that has no address here');
      case 'optimised-out':
        return unavailablePlace(location.reason);
    }
  }

  private expressionMachine(machine: MachineAccess): ExpressionMachine {
    return {
      register: (register) => registerValue(machine, register),
      entryRegister: (register) => machine.entryRegister(register),
      read: (address, size) => {
        const bytes = machine.memory(address).read(0, size);
        return bytes instanceof Uint8Array ? bytesToInteger(bytes, false) : undefined;
      },
      globalAddress: ({ section, offset }: SectionAddress) => {
        const name = this.sectionName(section);
        return name === undefined ? undefined : machine.global(name, offset)?.address;
      },
    };
  }

  /** A value in parts: read as one. Parts that are not whole bytes, or lost, make it unavailable as far as they reach. */
  private assemble(pieces: (Location & { kind: 'pieces' })['pieces'], machine: MachineAccess): Place {
    const parts = pieces.map((piece) => ({ ...piece, place: this.placeOf(piece.location, machine) }));
    return {
      read: (offset, size) => {
        const bytes = new Uint8Array(size);
        let at = 0;
        for (const { bits, bitOffset, place } of parts) {
          const from = Math.max(at, offset * 8);
          const to = Math.min(at + bits, (offset + size) * 8);
          if (from < to) {
            if (at % 8 !== 0 || bits % 8 !== 0 || bitOffset % 8 !== 0) return { unavailable: 'scattered over bits' };
            const part = place.read(bitOffset / 8 + (from - at) / 8, (to - from) / 8);
            if (!(part instanceof Uint8Array)) return part;
            bytes.set(part, from / 8 - offset);
          }
          at += bits;
        }
        return at >= (offset + size) * 8 ? bytes : { unavailable: 'a part of it has no place here' };
      },
    };
  }
}

/** Variables of libbpf's macros, as the format that bpf_printk keeps: nobody wrote them. */
export const isMacroMade = (name: string): boolean => /(^|\.)____\w+(\.\d+)?$/.test(name);

function registerValue(machine: MachineAccess, register: number): bigint | undefined {
  const bytes = machine.register(register).read(0, 8);
  return bytes instanceof Uint8Array ? bytesToInteger(bytes, false) : undefined;
}

/** Where a slot's instruction stands in the object file. */
function placeOfSlot(program: Program, slot: number): SectionAddress | undefined {
  const subprogram = program.subprograms.find(({ start, end }) => slot >= start && slot < end);
  return (
    subprogram?.origin && { section: subprogram.origin.sectionIndex, offset: subprogram.origin.offset + (slot - subprogram.start) * 8 }
  );
}
