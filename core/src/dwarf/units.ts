// Compilation units, abbreviations and the tree of debugging information entries (DWARF 5, sections 7.5.1 to 7.5.6).
// Attribute values are kept as read; strings, addresses and lists are resolved when asked for.

import { OutOfBounds } from '#core/bytes';
import { warning, type Problem } from '#core/problem';
import { DW_AT, DW_FORM, DW_TAG, DW_UT } from './constants.ts';
import type { DwarfInput } from './input.ts';
import { DwarfReader } from './reader.ts';

interface AttributeSpec {
  at: number;
  form: number;
  implicit?: number;
}

interface Abbreviation {
  tag: number;
  hasChildren: boolean;
  attributes: readonly AttributeSpec[];
}

/** As read: numbers, 64-bit constants that do not fit one, blocks, and flags as 1 and 0. */
export type RawValue = number | bigint | Uint8Array;

export interface Die {
  readonly unit: Unit;
  /** In .debug_info. */
  readonly offset: number;
  readonly tag: number;
  readonly attributes: readonly AttributeSpec[];
  readonly values: readonly RawValue[];
  readonly parent: Die | undefined;
  readonly children: Die[];
}

export interface Unit {
  readonly offset: number;
  readonly version: number;
  readonly offsetSize: 4 | 8;
  readonly littleEndian: boolean;
  root: Die | undefined;
  /** Bases of the unit's contributions; 0 where it says nothing. */
  strOffsetsBase: number;
  addrBase: number;
  rnglistsBase: number;
  loclistsBase: number;
  /** DW_AT_low_pc: what offsets in lists count from. */
  lowPc: number;
}

/** More attribute values than any object has: what lies behind this is an attack. */
const MAX_VALUES = 30_000_000;
const MAX_DEPTH = 512;
/** Debug information with more broken units is none. */
const MAX_PROBLEMS = 100;

export interface DieTree {
  units: readonly Unit[];
  byOffset: ReadonlyMap<number, Die>;
  /** Type units by signature. */
  bySignature: ReadonlyMap<bigint, Die>;
}

export function readUnits(input: DwarfInput, problems: Problem[]): DieTree {
  const plain = input.section('.debug_info');
  // DWARF 4 keeps type units in a section of their own: here they stand behind the others, at offsets that nothing else names.
  const types = input.section('.debug_types');
  const info = types.length === 0 ? plain : new Uint8Array(plain.length + types.length);
  if (info !== plain) {
    info.set(plain);
    info.set(types, plain.length);
  }
  const units: Unit[] = [];
  const byOffset = new Map<number, Die>();
  const bySignature = new Map<bigint, Die>();
  const abbreviations = new Map<number, ReadonlyMap<number, Abbreviation>>();
  const reader = new DwarfReader(info, input.littleEndian);
  const budget = { values: MAX_VALUES };
  while (!reader.atEnd) {
    const start = reader.offset;
    try {
      const { length, offsetSize } = reader.initialLength();
      const end = reader.offset + length;
      if (!(end <= info.length)) throw new OutOfBounds(start, length, info.length);
      try {
        readUnit(input, reader, start, end, offsetSize, {
          typesFrom: plain.length,
          units,
          byOffset,
          bySignature,
          abbreviations,
          budget,
          problems,
        });
      } catch (thrown) {
        if (!(thrown instanceof OutOfBounds)) throw thrown;
        problems.push(
          warning(`the debug information of the unit at .debug_info+0x${start.toString(16)} breaks off: ${thrown.message}`, {
            code: 'dwarf-truncated',
            section: '.debug_info',
            offset: thrown.offset,
          }),
        );
      }
      if (problems.length > MAX_PROBLEMS) break;
      if (budget.values <= 0) {
        problems.push(
          warning('the debug information has more attributes than a compiler writes; the rest was left out', {
            code: 'dwarf-too-large',
            section: '.debug_info',
          }),
        );
        break;
      }
      reader.seek(end);
    } catch (thrown) {
      if (!(thrown instanceof OutOfBounds)) throw thrown;
      problems.push(
        warning(`a unit at .debug_info+0x${start.toString(16)} says it is longer than the section`, {
          code: 'dwarf-truncated',
          section: '.debug_info',
          offset: start,
        }),
      );
      break;
    }
  }
  return { units, byOffset, bySignature };
}

interface Reading {
  /** Where units of .debug_types begin. */
  typesFrom: number;
  units: Unit[];
  byOffset: Map<number, Die>;
  bySignature: Map<bigint, Die>;
  abbreviations: Map<number, ReadonlyMap<number, Abbreviation>>;
  budget: { values: number };
  problems: Problem[];
}

function readUnit(input: DwarfInput, reader: DwarfReader, start: number, end: number, offsetSize: 4 | 8, reading: Reading): void {
  const version = reader.u16();
  if (version < 2 || version > 5) {
    reading.problems.push(
      warning(`the unit at .debug_info+0x${start.toString(16)} is DWARF ${version}; versions 2 to 5 are read`, {
        code: 'dwarf-version',
        section: '.debug_info',
        offset: start,
      }),
    );
    return;
  }
  let unitType: number = DW_UT.compile;
  let abbreviationsAt: number;
  let addressSize: number;
  let signature: bigint | undefined;
  let typeOffset = 0;
  if (version >= 5) {
    unitType = reader.u8();
    addressSize = reader.u8();
    abbreviationsAt = reader.offset_(offsetSize);
    if (unitType === DW_UT.type || unitType === DW_UT.split_type) {
      signature = reader.u64();
      typeOffset = reader.offset_(offsetSize);
    } else if (unitType === DW_UT.skeleton || unitType === DW_UT.split_compile) {
      reader.skip(8);
    }
  } else {
    abbreviationsAt = reader.offset_(offsetSize);
    addressSize = reader.u8();
    if (start >= reading.typesFrom) {
      signature = reader.u64();
      typeOffset = reader.offset_(offsetSize);
    }
  }
  if (addressSize !== 8) {
    reading.problems.push(
      warning(`the unit at .debug_info+0x${start.toString(16)} has addresses of ${addressSize} bytes; BPF's have 8`, {
        code: 'dwarf-address-size',
        section: '.debug_info',
        offset: start,
      }),
    );
    return;
  }
  let table = reading.abbreviations.get(abbreviationsAt);
  if (!table) {
    table = readAbbreviations(input, abbreviationsAt);
    reading.abbreviations.set(abbreviationsAt, table);
  }
  const unit: Unit = {
    offset: start,
    version,
    offsetSize,
    littleEndian: input.littleEndian,
    root: undefined,
    strOffsetsBase: 0,
    addrBase: 0,
    rnglistsBase: 0,
    loclistsBase: 0,
    lowPc: 0,
  };
  reading.units.push(unit);
  try {
    readTree(reader, unit, end, table, reading);
    if (unitType === DW_UT.skeleton)
      reading.problems.push(
        warning('the debug information stands in a .dwo file, which is not read: compile without -gsplit-dwarf', {
          code: 'dwarf-split',
          section: '.debug_info',
          offset: start,
        }),
      );
  } finally {
    if (unit.root) setBases(unit, unit.root);
    const type = signature === undefined ? undefined : reading.byOffset.get(start + typeOffset);
    if (type) reading.bySignature.set(signature!, type);
  }
}

function setBases(unit: Unit, root: Die): void {
  const number = (at: number): number => {
    const value = rawValue(root, at);
    return typeof value === 'number' ? value : 0;
  };
  unit.strOffsetsBase = number(DW_AT.str_offsets_base);
  unit.addrBase = number(DW_AT.addr_base);
  unit.rnglistsBase = number(DW_AT.rnglists_base);
  unit.loclistsBase = number(DW_AT.loclists_base);
}

function readAbbreviations(input: DwarfInput, at: number): ReadonlyMap<number, Abbreviation> {
  const result = new Map<number, Abbreviation>();
  const reader = new DwarfReader(input.section('.debug_abbrev'), input.littleEndian);
  try {
    reader.seek(at);
    for (;;) {
      const code = reader.uleb53();
      if (code === 0) break;
      const tag = reader.uleb53();
      const hasChildren = reader.u8() !== 0;
      const attributes: AttributeSpec[] = [];
      for (;;) {
        const name = reader.uleb53();
        const form = reader.uleb53();
        if (form === DW_FORM.implicit_const) attributes.push({ at: name, form, implicit: reader.sleb53() });
        else if (name === 0 && form === 0) break;
        else attributes.push({ at: name, form });
      }
      if (!result.has(code)) result.set(code, { tag, hasChildren, attributes });
    }
  } catch (thrown) {
    if (!(thrown instanceof OutOfBounds)) throw thrown;
    // What stands in front of the break is usable; an entry of another code ends its unit.
  }
  return result;
}

function readTree(reader: DwarfReader, unit: Unit, end: number, table: ReadonlyMap<number, Abbreviation>, reading: Reading): void {
  const { byOffset, budget } = reading;
  const stack: Die[] = [];
  while (reader.offset < end) {
    const offset = reader.offset;
    const code = reader.uleb53();
    if (code === 0) {
      stack.pop();
      if (stack.length === 0) return;
      continue;
    }
    const abbreviation = table.get(code);
    if (!abbreviation) throw new OutOfBounds(offset, code, table.size);
    const { attributes } = abbreviation;
    const values = new Array<RawValue>(attributes.length);
    budget.values -= attributes.length + 1;
    if (budget.values <= 0) return;
    for (let i = 0; i < attributes.length; i++) values[i] = readForm(reader, attributes[i]!, unit);
    const parent = stack.at(-1);
    const die: Die = { unit, offset, tag: abbreviation.tag, attributes, values, parent, children: [] };
    byOffset.set(offset, die);
    if (parent) parent.children.push(die);
    else if (!unit.root) unit.root = die;
    if (abbreviation.hasChildren) {
      stack.push(die);
      if (stack.length > MAX_DEPTH) throw new OutOfBounds(offset, stack.length, MAX_DEPTH);
    } else if (stack.length === 0) {
      return;
    }
  }
}

function readForm(reader: DwarfReader, spec: AttributeSpec, unit: Unit): RawValue {
  let { form } = spec;
  // DW_FORM_indirect stands in front of the real one; a second in a row says nothing new.
  for (let i = 0; form === DW_FORM.indirect && i < 4; i++) form = reader.uleb53();
  switch (form) {
    case DW_FORM.addr:
      return reader.address();
    case DW_FORM.data1:
    case DW_FORM.ref1:
    case DW_FORM.flag:
    case DW_FORM.strx1:
    case DW_FORM.addrx1:
      return reader.u8();
    case DW_FORM.data2:
    case DW_FORM.ref2:
    case DW_FORM.strx2:
    case DW_FORM.addrx2:
      return reader.u16();
    case DW_FORM.strx3:
    case DW_FORM.addrx3:
      return reader.u24();
    case DW_FORM.data4:
    case DW_FORM.ref4:
    case DW_FORM.ref_sup4:
    case DW_FORM.strx4:
    case DW_FORM.addrx4:
      return reader.u32();
    case DW_FORM.data8:
    case DW_FORM.ref8:
    case DW_FORM.ref_sup8:
    case DW_FORM.ref_sig8:
      return compact(reader.u64());
    case DW_FORM.data16:
      return reader.slice(16);
    case DW_FORM.sdata:
      return compact(reader.sleb());
    case DW_FORM.udata:
      return compact(reader.uleb());
    case DW_FORM.ref_udata:
    case DW_FORM.strx:
    case DW_FORM.addrx:
    case DW_FORM.loclistx:
    case DW_FORM.rnglistx:
      return reader.uleb53();
    case DW_FORM.strp:
    case DW_FORM.line_strp:
    case DW_FORM.strp_sup:
    case DW_FORM.sec_offset:
      return reader.offset_(unit.offsetSize);
    case DW_FORM.ref_addr:
      return unit.version === 2 ? reader.address() : reader.offset_(unit.offsetSize);
    case DW_FORM.string: {
      const start = reader.offset;
      const stop = reader.bytes.indexOf(0, start);
      if (stop < 0) throw new OutOfBounds(start, 1, reader.length);
      reader.seek(stop + 1);
      return reader.bytes.subarray(start, stop);
    }
    case DW_FORM.block1:
      return reader.slice(reader.u8());
    case DW_FORM.block2:
      return reader.slice(reader.u16());
    case DW_FORM.block4:
      return reader.slice(reader.u32());
    case DW_FORM.block:
    case DW_FORM.exprloc:
      return reader.slice(reader.uleb53());
    case DW_FORM.flag_present:
      return 1;
    case DW_FORM.implicit_const:
      return spec.implicit ?? 0;
    default:
      throw new OutOfBounds(reader.offset, form, 0);
  }
}

const compact = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

/** The value as it stands in the entry itself, or undefined. */
export function rawValue(die: Die, at: number): RawValue | undefined {
  const i = die.attributes.findIndex((spec) => spec.at === at);
  return i < 0 ? undefined : die.values[i];
}

export function formOf(die: Die, at: number): number | undefined {
  return die.attributes.find((spec) => spec.at === at)?.form;
}

export const isUnitTag = (tag: number): boolean =>
  tag === DW_TAG.compile_unit || tag === DW_TAG.partial_unit || tag === DW_TAG.type_unit || tag === DW_TAG.skeleton_unit;
