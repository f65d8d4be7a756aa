// What a stop shows: registers with their meaning, arguments, stack slots, context, packet, maps and globals, as variables and as names for expressions.
// Asks the simulated kernel and the program's types; every change goes through the timeline, so that history stays replayable.

import { contextStruct, type ContextStruct } from '#core/catalog';
import type { Btf } from '#core/btf';
import { asU64, hex64, toHex } from '#core/bytes';
import type { LoadedObject, Program } from '#core/program';
import { describeKey } from '#core/sim';
import type { Invocation, Kernel, Output, SimulatedMap } from '#core/sim';
import type { Frame, Region } from '#core/vm';
import { BtfTypes } from './c-type-btf.ts';
import { arrayOf, builtinType, integerType, pointerTo, VOID } from './c-type.ts';
import type { CMember, CType } from './c-type.ts';
import {
  bytesToInteger,
  constant,
  constantPlace,
  formatScalar,
  formatValue,
  integerBytes,
  readBytes,
  unavailablePlace,
} from './c-value.ts';
import type { CValue, Place } from './c-value.ts';
import { evaluate } from './expression.ts';
import type { ExpressionScope, MapValue } from './expression.ts';
import { isMacroMade } from './debug-information.ts';
import type { StackFrame } from './frames.ts';
import { decodePacket, hexRows } from './packet-headers.ts';
import { describeAddress } from './register-meaning.ts';
import type { Timeline } from './timeline.ts';
import { assignText, textLine, variableOf } from './variable.ts';
import type { Variable } from './variable.ts';

/** Variables of a function as debug information tells them: name, type, and where the value is at an instruction. */
export interface DebugVariable {
  name: string;
  type: CType;
  parameter: boolean;
  /** A variable of an inner block has the same name and hides it. */
  shadowed: boolean;
  value: CValue;
}

/** What reads a value's place out of the machine, for debug information. */
export interface MachineAccess {
  register(register: number): Place;
  memory(address: bigint): Place;
  /** A variable in a global section, at bytes from the section's start. */
  global(section: string, offset: number): Place | undefined;
  /** What a register held when the function was entered, where that is known. */
  entryRegister(register: number): bigint | undefined;
}

/** Answers where variables are; undefined when the program has no debug information. */
export interface DebugVariables {
  variablesAt(frame: StackFrame, machine: MachineAccess): readonly DebugVariable[] | undefined;
  /** The one that C means by this name. */
  variableAt(frame: StackFrame, name: string, machine: MachineAccess): DebugVariable | undefined;
  /** What a caller put into a register for its call, where the compiler wrote down how that is computed from what is still there. */
  argumentOf(program: Program, callSlot: number, register: number, caller: MachineAccess): bigint | undefined;
}

export interface RegisterView {
  name: string;
  /** The 64 bits, or undefined where a call has overwritten them. */
  value: bigint | undefined;
  meaning: string;
}

export interface MapEntryView {
  key: string;
  value: string;
  keyBytes: Uint8Array;
}

const U64 = integerType('__u64', 8, false);
const U8 = integerType('__u8', 1, false);

export interface InspectionOptions {
  kernel: Kernel;
  timeline: Timeline;
  debugVariables: DebugVariables | undefined;
}

export class Inspection {
  private hex = false;
  private readonly types = new WeakMap<LoadedObject, BtfTypes>();
  private readonly recordTypes = new WeakMap<Btf, BtfTypes>();
  private readonly globalRegions = new WeakMap<SimulatedMap, Region>();

  constructor(private readonly options: InspectionOptions) {}

  /** Shows integers in hexadecimal, where the client wishes that, for one request only: also one that is refused. */
  inFormat<Shown>(format: { hex?: boolean } | undefined, show: () => Shown): Shown {
    this.hex = format?.hex === true;
    try {
      return show();
    } finally {
      this.hex = false;
    }
  }

  private get kernel(): Kernel {
    return this.options.kernel;
  }

  private get invocation(): Invocation | undefined {
    return this.options.timeline.invocation;
  }

  private get frames(): readonly Frame[] {
    return this.invocation?.execution.frames() ?? [];
  }

  private get object(): LoadedObject | undefined {
    return this.invocation?.current.object;
  }

  typesOf(object: LoadedObject | undefined): BtfTypes | undefined {
    if (!object?.btf) return undefined;
    let types = this.types.get(object);
    if (!types) this.types.set(object, (types = new BtfTypes(object.btf)));
    return types;
  }

  // Places

  memory(address: bigint): Place {
    const { kernel, options } = this;
    return {
      address,
      read: (offset, size) => {
        const bytes = kernel.memory.read(asU64(address + BigInt(offset)), size);
        return bytes instanceof Uint8Array ? bytes : { unavailable: bytes.message };
      },
      write: (offset, bytes) => {
        const region = kernel.memory.find(asU64(address + BigInt(offset)));
        if (!region) return `there is no memory at ${hex64(address + BigInt(offset))}`;
        const copy = bytes.slice();
        let refused: string | undefined;
        options.timeline.edit(() => void (refused = kernel.memory.write(asU64(address + BigInt(offset)), copy)?.message));
        return refused;
      },
    };
  }

  /** A register of a frame. Outer frames keep r6 to r9 and their frame pointer; the rest belongs to the callee. */
  private register(physical: number, register: number): Place {
    const { invocation } = this;
    const frame = this.frames[physical];
    if (!invocation || !frame) return unavailablePlace('no program is running');
    const value = registerValue(invocation, this.frames, physical, register);
    if (value === undefined) return unavailablePlace('overwritten by the called function');
    const now = (): bigint => registerValue(invocation, this.frames, physical, register) ?? value;
    const place: Place = { read: (offset, size) => integerBytes(now() >> BigInt(8 * offset), size) };
    if (physical > 0 || register === 10) return place;
    place.write = (offset, bytes) => {
      const kept = integerBytes(now(), 8);
      kept.set(bytes, offset);
      // A store to a 32-bit part clears the upper half, as the machine does.
      const whole = bytes.length === 4 && offset === 0 ? bytesToInteger(bytes, false) : bytesToInteger(kept, false);
      this.options.timeline.edit(({ execution }) => execution.setRegister(register, whole));
      return undefined;
    };
    return place;
  }

  private mapPlace(map: SimulatedMap, key: Uint8Array, cpu: number): Place {
    return {
      read: (offset, size) => {
        const value = map.lookup(key)?.[cpu];
        if (!value) return { unavailable: 'the entry is gone' };
        return offset + size <= value.length ? value.subarray(offset, offset + size) : { unavailable: 'outside of the value' };
      },
      write: (offset, bytes) => {
        const values = map.lookup(key);
        if (!values?.[cpu]) return 'the entry is gone';
        // The syscall wants the values of all CPUs of a per-CPU map, each in 8-byte steps.
        const step = values.length > 1 ? Math.ceil(values[cpu].length / 8) * 8 : values[cpu].length;
        const whole = new Uint8Array(step * values.length);
        values.forEach((value, index) => whole.set(value, index * step));
        whole.set(bytes, cpu * step + offset);
        let result = 0;
        this.options.timeline.edit(() => void (result = map.update(key, whole)));
        return result === 0 ? undefined : `the kernel refuses this update of ${map.definition.name} (error ${-result})`;
      },
    };
  }

  /** An address in people's words; undefined for plain numbers. */
  private describe(address: bigint): string | undefined {
    return describeAddress(this.kernel, this.frames, asU64(address), (map, offset) => {
      const variable =
        map.definition.globalSection === undefined
          ? undefined
          : this.typesOf(this.ownerOf(map))
              ?.section(map.definition.globalSection)
              .findLast((other) => other.offset <= offset);
      if (!variable) return undefined;
      return offset === variable.offset ? variable.name : `${variable.name}+${offset - variable.offset}`;
    });
  }

  // Names in expressions

  /** What names mean in a frame: its variables, then globals, maps, registers and enumerators. */
  scopeOf(frame: StackFrame | undefined): ExpressionScope {
    const types = this.typesOf(this.object);
    const physical = frame?.physical ?? 0;
    return {
      hex: this.hex,
      at: (address) => this.memory(address),
      describeAddress: (address) => this.describe(address),
      findType: (words) => types?.find(words) ?? builtinType(words) ?? catalogType(words),
      names: () => [
        ...(frame ? this.localsOf(frame).map(({ name }) => name) : []),
        ...this.globals().keys(),
        ...this.kernel.maps.map(({ definition }) => definition.name),
      ],
      lookup: (name) => {
        const named = (frame && this.local(frame, name)) ?? this.global(name);
        if (named) return named;
        const map = this.kernel.maps.find(({ definition }) => definition.name === name);
        if (map) return this.mapValue(map);
        const register = /^\$?[rR](10|[0-9])$/.exec(name) ?? /^\$?(fp)$/.exec(name);
        if (register) return { type: U64, place: this.register(physical, register[1] === 'fp' ? 10 : Number(register[1])), offset: 0 };
        if (name === '$pc' || name === 'pc') return constant(U64, BigInt(frame?.slot ?? 0));
        const enumerator = types?.enumerator(name);
        return enumerator && constant(enumerator.type, enumerator.value);
      },
    };
  }

  private mapValue(map: SimulatedMap): MapValue {
    const { key, value } = this.mapTypes(map);
    return {
      map: map.definition.name,
      keyType: key,
      at: (bytes) => {
        const found = map.lookup(bytes);
        if (!found) return { failure: `${map.definition.name} has no entry with this key` };
        if (found.length === 1) return { type: value, place: this.mapPlace(map, bytes, 0), offset: 0 };
        const whole = arrayOf(value, found.length);
        const all = new Uint8Array(whole.size);
        found.forEach((one, cpu) => all.set(one.subarray(0, value.size), cpu * value.size));
        return { type: whole, place: constantPlace(all), offset: 0 };
      },
      describe: () => this.mapSummary(map),
    };
  }

  /** Variables of the function around a frame, outermost scope last. Without debug information: the arguments, while they are known. */
  private localsOf(frame: StackFrame): readonly DebugVariable[] {
    const machine = this.machineOf(frame);
    const variables = this.options.debugVariables?.variablesAt(frame, machine);
    return variables ? this.withContext(frame, variables) : this.argumentsOf(frame);
  }

  /** One variable by name: what conditions need, without making all the others. */
  private local(frame: StackFrame, name: string): CValue | undefined {
    const variable = this.options.debugVariables?.variableAt(frame, name, this.machineOf(frame));
    if (variable && (!variable.parameter || readBytes(variable.value) instanceof Uint8Array)) return variable.value;
    return this.localsOf(frame).find((other) => other.name === name && !other.shadowed)?.value;
  }

  private machineOf(frame: Pick<StackFrame, 'physical' | 'slot' | 'program'>): MachineAccess {
    return {
      register: (register) => this.register(frame.physical, register),
      memory: (address) => this.memory(address),
      global: (section, offset) => {
        const map = this.invocation?.current.maps.find((other) => other?.definition.globalSection === section);
        return map && shifted(this.globalPlace(map), offset);
      },
      entryRegister: (register) => this.entryRegister(frame, register),
    };
  }

  /** The main program gets its context in r1; what callers passed to other functions is known where debug information tells. */
  private entryRegister(frame: Pick<StackFrame, 'physical' | 'slot' | 'program'>, register: number): bigint | undefined {
    const caller = this.frames[frame.physical + 1];
    if (!caller) return register === 1 ? this.invocation?.ctx?.base : undefined;
    return this.options.debugVariables?.argumentOf(
      frame.program.map.program,
      caller.insn,
      register,
      this.machineOf({ ...frame, physical: frame.physical + 1, slot: caller.insn }),
    );
  }

  /** Where the compiler has dropped the context's register, the pointer is still known: every run gets one, and none can change it. */
  private withContext(frame: StackFrame, variables: readonly DebugVariable[]): readonly DebugVariable[] {
    const { ctx } = this.invocation ?? {};
    const first = variables.findIndex(({ parameter }) => parameter);
    const variable = variables[first];
    const isMain = !frame.inlined && frame.physical === this.frames.length - 1;
    if (!ctx || !variable || !isMain || variable.type.kind !== 'pointer' || readBytes(variable.value) instanceof Uint8Array)
      return variables;
    return variables.with(first, { ...variable, value: constant(variable.type, ctx.base) });
  }

  private argumentsOf(frame: StackFrame): readonly DebugVariable[] {
    const { invocation } = this;
    if (!invocation || frame.inlined) return [];
    const subprogram = frame.program.map.subprogramAt(frame.slot);
    const prototype = subprogram?.funcTypeId === undefined ? undefined : this.typesOf(this.object)?.prototype(subprogram.funcTypeId);
    const atEntry = subprogram?.start === frame.slot && frame.physical === 0;
    return (prototype?.parameters ?? []).slice(0, 5).map(({ name, type }, index) => {
      const isContext = index === 0 && subprogram === frame.program.map.program.subprograms[0] && invocation.ctx !== undefined;
      const place = isContext
        ? constantPlace(integerBytes(invocation.ctx!.base, 8))
        : atEntry
          ? this.register(0, index + 1)
          : unavailablePlace('known at the first instruction only: the program has no debug information');
      return { name, type, parameter: true, shadowed: false, value: { type, place, offset: 0 } };
    });
  }

  private globals(): Map<string, CValue> {
    const found = new Map<string, CValue>();
    for (const map of this.invocation?.current.maps ?? []) {
      const globalSection = map?.definition.globalSection;
      if (globalSection === undefined) continue;
      for (const { name, offset, type } of this.typesOf(this.object)?.section(globalSection) ?? [])
        if (!isMacroMade(name)) found.set(name, { type, place: this.globalPlace(map), offset });
    }
    return found;
  }

  private global(name: string): CValue | undefined {
    for (const map of this.invocation?.current.maps ?? []) {
      const globalSection = map?.definition.globalSection;
      const variable =
        globalSection === undefined
          ? undefined
          : this.typesOf(this.object)
              ?.section(globalSection)
              .find((other) => other.name === name);
      if (variable) return { type: variable.type, place: this.globalPlace(map), offset: variable.offset };
    }
    return undefined;
  }

  /** The single value of a global section's map: memory where the kernel has it, so that addresses can be shown. */
  private globalPlace(map: SimulatedMap): Place {
    const place = this.mapPlace(map, new Uint8Array(map.definition.keySize), 0);
    let region = this.globalRegions.get(map);
    if (!region || this.kernel.memory.find(region.base) !== region) {
      region = undefined;
      for (const other of this.kernel.memory.regions) if (other.kind === 'map_value' && map.nameOf(other) !== undefined) region = other;
      if (!region) return place;
      this.globalRegions.set(map, region);
    }
    return this.memory(region.base);
  }

  // Scopes

  locals(frame: StackFrame): readonly Variable[] {
    const scope = this.scopeOf(frame);
    return this.localsOf(frame).map(({ name, value, shadowed }) =>
      variableOf(shadowed ? `${name} (hidden by an inner one)` : name, value, scope, shadowed ? undefined : name),
    );
  }

  registers(frame: StackFrame): readonly Variable[] {
    const scope = this.scopeOf(frame);
    return this.registerViews(frame).map(({ name, value, meaning }, register) => {
      const target: CValue = { type: U64, place: this.register(frame.physical, register), offset: 0 };
      return textLine(name, meaning, {
        type: value === undefined ? '' : hex64(value),
        ...(value !== undefined && this.describe(value) !== undefined ? { address: value } : {}),
        ...(target.place.write ? { assign: (text: string) => assignText(target, text, scope) } : {}),
        expression: name,
      });
    });
  }

  registerViews(frame: StackFrame | undefined): readonly RegisterView[] {
    const { invocation, frames } = this;
    if (!invocation || !frame) return [];
    return Array.from({ length: 11 }, (_, register) => {
      const value = registerValue(invocation, frames, frame.physical, register);
      return {
        name: `r${register}`,
        value,
        meaning: value === undefined ? 'overwritten by the called function' : (this.describe(value) ?? formatScalar(value)),
      };
    });
  }

  /** The frame's 8-byte slots from fp-8 down to the deepest one that is not zero. */
  stack(frame: StackFrame): readonly Variable[] {
    const { frames } = this;
    const fp = frames[frame.physical]?.framePointer;
    if (fp === undefined) return [];
    const scope = this.scopeOf(frame);
    const lines: Variable[] = [];
    let deepest = 0;
    for (let distance = 8; distance <= 512; distance += 8) {
      const bytes = this.kernel.memory.read(fp - BigInt(distance), 8);
      if (!(bytes instanceof Uint8Array)) break;
      const value = bytesToInteger(bytes, false);
      if (value !== 0n) deepest = distance;
      const target: CValue = { type: U64, place: this.memory(fp - BigInt(distance)), offset: 0 };
      lines.push(
        textLine(`fp-${distance}`, this.describe(value) ?? formatScalar(value), {
          type: toHex(bytes, ' '),
          address: fp - BigInt(distance),
          assign: (text) => assignText(target, text, scope),
        }),
      );
    }
    const shown = lines.slice(0, deepest / 8);
    return shown.length > 0 ? shown : [textLine('fp', 'nothing stored yet', { quiet: true })];
  }

  context(frame: StackFrame): readonly Variable[] {
    const { invocation } = this;
    if (!invocation?.ctx) return [];
    const scope = this.scopeOf(frame);
    const { ctx } = invocation;
    const type = this.contextType(invocation);
    const value: CValue = { type, place: this.memory(ctx.base), offset: 0 };
    const variable = variableOf('ctx', value, scope);
    const lines = variable.children?.(0, variable.numbered ?? 0) ?? [variable];
    // Packet pointers are 32-bit integers in the context's declaration.
    return lines.map((line) => {
      const named = /^data(_end|_meta)?$/.test(line.name) && /^\d+$/.test(line.value) ? this.describe(BigInt(line.value)) : undefined;
      return named === undefined ? line : { ...line, value: `${line.value} (${named})` };
    });
  }

  contextType(invocation: Invocation): CType {
    const size = invocation.ctx?.size ?? 0;
    const types = this.typesOf(invocation.current.object);
    const declared = types && invocation.current.program.subprograms[0]?.funcTypeId;
    const parameter = declared === undefined ? undefined : types!.prototype(declared)?.parameters[0]?.type;
    const target = parameter?.kind === 'pointer' ? parameter.target() : undefined;
    if (target?.kind === 'record' && target.members().length > 0) return target;
    const words = invocation.ctxType.split(' ');
    const named = types?.find(words);
    if (named?.kind === 'record' && named.members().length > 0) return named;
    return catalogType(words) ?? (size % 8 === 0 ? arrayOf(U64, size / 8) : arrayOf(U8, size));
  }

  packet(): readonly Variable[] {
    const region = this.invocation?.packet;
    if (!region) return [];
    const bytes = this.kernel.memory.view(region).slice();
    const headers = decodePacket(bytes).map((header) => {
      const address = region.base + BigInt(header.offset);
      const content = bytes.subarray(header.offset, header.offset + header.size);
      const lines =
        header.fields.length > 0
          ? header.fields.map((field) =>
              textLine(field.name, field.text, { type: `+${field.offset}`, address: region.base + BigInt(field.offset) }),
            )
          : hexRows(content).map((row) => textLine(`+${header.offset + row.offset}`, `${row.hex}  ${row.text}`));
      return textLine(header.name, header.summary, { address, children: () => lines });
    });
    const rows = hexRows(bytes).map((row) =>
      textLine(`+${row.offset}`, `${row.hex}  ${row.text}`, { address: region.base + BigInt(row.offset) }),
    );
    return [...headers, textLine('bytes', `${bytes.length} bytes`, { address: region.base, children: () => rows })];
  }

  hasPacket(): boolean {
    return this.invocation?.packet !== undefined;
  }

  globalVariables(frame: StackFrame): readonly Variable[] {
    const scope = this.scopeOf(frame);
    return [...this.globals()].map(([name, value]) => variableOf(name, value, scope, name));
  }

  // Maps

  maps(frame: StackFrame | undefined): readonly Variable[] {
    return this.visibleMaps().map((map) => this.mapVariable(map, this.scopeOf(frame)));
  }

  /** Maps that people defined; those behind globals have a scope of their own. */
  visibleMaps(): readonly SimulatedMap[] {
    return this.kernel.maps.filter(({ definition }) => definition.globalSection === undefined);
  }

  mapSummary(map: SimulatedMap): string {
    const count = map.size;
    return `${map.definition.type}, ${count} of ${map.definition.maxEntries} ${map.definition.maxEntries === 1 ? 'entry' : 'entries'}`;
  }

  mapVariable(map: SimulatedMap, scope: ExpressionScope): Variable {
    const { definition } = map;
    const { key, value } = this.mapTypes(map);
    const { size } = map;
    const line = textLine(definition.name, this.mapSummary(map), { type: `${key.name} → ${value.name}` });
    if (size === 0) return line;
    return {
      ...line,
      numbered: size,
      children: (from, count) =>
        map.page(from, count).map((entry) => {
          const keyText = this.keyText(map, entry.key);
          const expression =
            key.kind === 'integer' || key.kind === 'enum'
              ? `${definition.name}[${bytesToInteger(entry.key, key.kind === 'integer' && key.signed)}]`
              : undefined;
          const single = entry.values.length === 1;
          const parts = (): readonly Variable[] =>
            entry.values.map((_, cpu) =>
              variableOf(
                single ? `[${keyText}]` : `cpu ${cpu}`,
                { type: value, place: this.mapPlace(map, entry.key, cpu), offset: 0 },
                scope,
                single ? expression : undefined,
              ),
            );
          if (single) return parts()[0]!;
          return textLine(
            `[${keyText}]`,
            parts()
              .map((part) => part.value)
              .join(', '),
            { children: parts },
          );
        }),
    };
  }

  /** Entries as text, for the Maps view. */
  mapEntries(map: SimulatedMap, most: number): readonly MapEntryView[] {
    const scope = this.scopeOf(undefined);
    const { value } = this.mapTypes(map);
    return map.page(0, most).map((entry) => ({
      key: this.keyText(map, entry.key),
      value: entry.values.map((bytes) => formatValue({ type: value, place: constantPlace(bytes), offset: 0 }, scope)).join(', '),
      keyBytes: entry.key,
    }));
  }

  /** `uid 1000` where the key's type says what it is, as everywhere in this project. */
  private keyText(map: SimulatedMap, key: Uint8Array): string {
    return describeKey(this.ownerOf(map)?.btf, map.definition.keyTypeId, key);
  }

  private ownerOf(map: SimulatedMap): LoadedObject | undefined {
    return this.kernel.programs.find(({ maps }) => maps.includes(map))?.object ?? this.object;
  }

  mapTypes(map: SimulatedMap): { key: CType; value: CType } {
    const { definition } = map;
    const types = this.typesOf(this.ownerOf(map));
    const typed = (id: number | undefined, size: number): CType => {
      const type = id === undefined ? undefined : types?.type(id);
      return type && type.size === size ? type : plainType(size);
    };
    return { key: typed(definition.keyTypeId, definition.keySize), value: typed(definition.valueTypeId, definition.valueSize) };
  }

  /** A record's text through its type, or as bytes. */
  formatRecord({ bytes, typeId, btf = this.object?.btf }: Output & { kind: 'record' }): string {
    let types = btf && this.recordTypes.get(btf);
    if (btf && !types) this.recordTypes.set(btf, (types = new BtfTypes(btf)));
    const type = typeId === undefined ? undefined : types?.type(typeId);
    if (!type || type.size > bytes.length || type.kind === 'void') return `${toHex(bytes, ' ')} (${bytes.length} bytes)`;
    const value: CValue = { type, place: constantPlace(bytes), offset: 0 };
    return type.kind === 'record'
      ? `${type.name} ${formatValue(value, this.scopeOf(undefined))}`
      : formatValue(value, this.scopeOf(undefined));
  }

  /** A log point's text with its `{expressions}` filled in. */
  interpolate(text: string, frame: StackFrame | undefined): string {
    const scope = this.scopeOf(frame);
    return text.replace(/\{([^{}]+)\}/g, (_, expression: string) => {
      const value = evaluate(expression, scope);
      if ('failure' in value) return `{${value.failure}}`;
      if ('map' in value) return value.describe();
      return value.type.kind === 'integer' && value.type === U64 ? formatRegisterValue(value) : formatValue(value, scope);
    });
  }
}

/** A place inside a place. */
const shifted = (place: Place, by: number): Place => ({
  ...(place.address === undefined ? {} : { address: place.address + BigInt(by) }),
  read: (offset, size) => place.read(offset + by, size),
  ...(place.write ? { write: (offset, bytes) => place.write!(offset + by, bytes) } : {}),
});

const formatRegisterValue = (value: CValue): string => {
  const bytes = readBytes(value);
  return bytes instanceof Uint8Array ? formatScalar(bytesToInteger(bytes, false)) : bytes.unavailable;
};

function registerValue(invocation: Invocation, frames: readonly Frame[], physical: number, register: number): bigint | undefined {
  if (physical === 0) return asU64(invocation.execution.getRegister(register));
  const frame = frames[physical];
  if (register === 10) return frame?.framePointer;
  const saved = register >= 6 ? frame?.saved[register - 6] : undefined;
  return saved === undefined ? undefined : asU64(saved);
}

/** Keys and values without a type: a number where they have a number's size. */
function plainType(size: number): CType {
  return [1, 2, 4, 8].includes(size) ? integerType(`__u${size * 8}`, size, false) : size === 0 ? VOID : arrayOf(U8, size);
}

function catalogType(words: readonly string[]): CType | undefined {
  const struct = words[0] === 'struct' && words[1] !== undefined ? contextStruct(words[1]) : undefined;
  return struct && recordOf(struct);
}

function recordOf(struct: ContextStruct): CType {
  const members = struct.fields.map((field): CMember => ({
    name: field.name,
    offsetBits: field.offset * 8,
    type: fieldType(field.type, field.size),
  }));
  return { kind: 'record', name: `struct ${struct.name}`, size: struct.size, members: () => members };
}

/** The catalog writes field types as C does: `__u32`, `__u32[4]`, `struct bpf_sock *`. */
function fieldType(text: string, size: number): CType {
  const array = /^(.*?)\s*\[(\d+)\]$/.exec(text);
  if (array) {
    const count = Number(array[2]);
    return arrayOf(fieldType(array[1]!, count > 0 ? size / count : 0), count);
  }
  if (text.endsWith('*')) return pointerTo({ kind: 'void', name: text.slice(0, -1).trim(), size: 0 });
  const type = builtinType(text.split(/\s+/));
  return type && type.size === size ? type : { ...plainType(size), name: text };
}
