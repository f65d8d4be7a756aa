// Attribute values resolved: strings by their indirections, references, addresses by index, constants.
// An attribute may also stand in the entry that DW_AT_abstract_origin or DW_AT_specification names.

import { OutOfBounds } from '#core/bytes';
import { DW_AT, DW_FORM } from './constants.ts';
import type { DwarfInput } from './input.ts';
import { DwarfReader } from './reader.ts';
import { formOf, rawValue, type Die, type DieTree, type RawValue, type Unit } from './units.ts';

const STRX: ReadonlySet<number> = new Set([DW_FORM.strx, DW_FORM.strx1, DW_FORM.strx2, DW_FORM.strx3, DW_FORM.strx4]);
const ADDRX: ReadonlySet<number> = new Set([DW_FORM.addrx, DW_FORM.addrx1, DW_FORM.addrx2, DW_FORM.addrx3, DW_FORM.addrx4]);
const UNIT_REFERENCES: ReadonlySet<number> = new Set([DW_FORM.ref1, DW_FORM.ref2, DW_FORM.ref4, DW_FORM.ref8, DW_FORM.ref_udata]);
const MAX_ORIGINS = 8;
/** Longer names do not come from a source file. */
const MAX_TEXT = 16_384;
const decoder = new TextDecoder('utf-8');

function hasOwn(die: Die, at: number): boolean {
  for (const spec of die.attributes) if (spec.at === at) return true;
  return false;
}

export class Attributes {
  /** By section, then offset. */
  private readonly strings = new Map<string, Map<number, string>>();

  constructor(
    private readonly input: DwarfInput,
    readonly tree: DieTree,
  ) {}

  /** The entry, then what its origins say, nearest first. */
  private *origins(die: Die): Generator<Die> {
    let at: Die | undefined = die;
    for (let i = 0; at && i < MAX_ORIGINS; i++) {
      yield at;
      at = this.reference(at, DW_AT.abstract_origin) ?? this.reference(at, DW_AT.specification);
    }
  }

  /** The outermost origin: the abstract instance of an inlined function. */
  origin(die: Die): Die {
    let last = die;
    for (const one of this.origins(die)) last = one;
    return last;
  }

  private holder(die: Die, at: number): Die | undefined {
    if (hasOwn(die, at)) return die;
    for (const one of this.origins(die)) if (hasOwn(one, at)) return one;
    return undefined;
  }

  has(die: Die, at: number): boolean {
    return this.holder(die, at) !== undefined;
  }

  string(die: Die, at: number): string | undefined {
    const holder = this.holder(die, at);
    if (!holder) return undefined;
    const value = rawValue(holder, at);
    const form = formOf(holder, at)!;
    if (value instanceof Uint8Array) return form === DW_FORM.string ? decoder.decode(value.subarray(0, MAX_TEXT)) : undefined;
    if (typeof value !== 'number') return undefined;
    if (form === DW_FORM.strp) return this.text('.debug_str', value);
    if (form === DW_FORM.line_strp) return this.text('.debug_line_str', value);
    if (STRX.has(form)) {
      const offset = this.indexed('.debug_str_offsets', holder.unit.strOffsetsBase, value, holder.unit.offsetSize);
      return offset === undefined ? undefined : this.text('.debug_str', offset);
    }
    return undefined;
  }

  /** The NUL-terminated text at an offset of a string section. */
  text(section: string, offset: number): string | undefined {
    let strings = this.strings.get(section);
    if (!strings) this.strings.set(section, (strings = new Map()));
    const known = strings.get(offset);
    if (known !== undefined) return known;
    const bytes = this.input.section(section);
    if (!(offset >= 0 && offset < bytes.length)) return undefined;
    const end = bytes.indexOf(0, offset);
    const text = decoder.decode(bytes.subarray(offset, Math.min(end < 0 ? bytes.length : end, offset + MAX_TEXT)));
    strings.set(offset, text);
    return text;
  }

  private indexed(section: string, base: number, index: number, size: 4 | 8): number | undefined {
    try {
      const reader = new DwarfReader(this.input.section(section), this.input.littleEndian).seek(base + index * size);
      return reader.offset_(size);
    } catch (thrown) {
      if (thrown instanceof OutOfBounds) return undefined;
      throw thrown;
    }
  }

  /** The linear address at an index of .debug_addr. */
  addressAt(unit: Unit, index: number): number | undefined {
    return this.indexed('.debug_addr', unit.addrBase, index, 8);
  }

  /** An address attribute (low_pc, call_return_pc), linear. */
  address(die: Die, at: number): number | undefined {
    const value = rawValue(die, at);
    const form = formOf(die, at);
    if (typeof value !== 'number' || form === undefined) return undefined;
    if (form === DW_FORM.addr) return value;
    return ADDRX.has(form) ? this.addressAt(die.unit, value) : undefined;
  }

  /** A constant, of the entry or its origins. */
  constant(die: Die, at: number): bigint | undefined {
    const holder = this.holder(die, at);
    const value = holder ? rawValue(holder, at) : undefined;
    if (typeof value === 'bigint') return value;
    return typeof value === 'number' && Number.isFinite(value) ? BigInt(value) : undefined;
  }

  number(die: Die, at: number): number | undefined {
    const value = this.constant(die, at);
    return value === undefined || value < BigInt(Number.MIN_SAFE_INTEGER) || value > BigInt(Number.MAX_SAFE_INTEGER)
      ? undefined
      : Number(value);
  }

  flag(die: Die, at: number): boolean {
    const value = this.constant(die, at);
    return value !== undefined && value !== 0n;
  }

  /** Value and form in the entry itself. */
  own(die: Die, at: number): { value: RawValue; form: number } | undefined {
    const value = rawValue(die, at);
    return value === undefined ? undefined : { value, form: formOf(die, at)! };
  }

  /** The entry that a reference of this entry itself names. */
  reference(die: Die, at: number): Die | undefined {
    const value = rawValue(die, at);
    const form = formOf(die, at);
    if (value === undefined || form === undefined) return undefined;
    if (form === DW_FORM.ref_sig8) return this.tree.bySignature.get(BigInt(value as number | bigint));
    if (typeof value !== 'number') return undefined;
    if (form === DW_FORM.ref_addr) return this.tree.byOffset.get(value);
    return UNIT_REFERENCES.has(form) ? this.tree.byOffset.get(die.unit.offset + value) : undefined;
  }

  /** The entry that DW_AT_type names, of the entry or its origins. */
  type(die: Die): Die | undefined {
    const holder = this.holder(die, DW_AT.type);
    return holder ? this.reference(holder, DW_AT.type) : undefined;
  }
}
