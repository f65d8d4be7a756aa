// Range lists and location lists: .debug_ranges and .debug_loc of DWARF 4, .debug_rnglists and .debug_loclists of DWARF 5
// (sections 7.25 and 7.29). Addresses are linear; entries that make no sense end a list.

import { OutOfBounds } from '#core/bytes';
import { DW_AT, DW_FORM } from './constants.ts';
import type { Attributes } from './attributes.ts';
import type { DwarfInput } from './input.ts';
import { DwarfReader } from './reader.ts';
import { rawValue, type Die, type Unit } from './units.ts';

/** Linear addresses from `low` up to, not including, `high`. */
export interface Range {
  low: number;
  high: number;
}

export interface LocationEntry {
  /** Undefined is the default entry, used where no other one covers the address. */
  range: Range | undefined;
  expression: Uint8Array;
}

/** Entries of one list at the most: an attack's list may share its bytes with thousands of others. */
const MAX_ENTRIES = 65_536;
/** Entries of all lists of an object. */
const MAX_TOTAL = 4_000_000;

export class Lists {
  private total = 0;
  private readonly covered = new Map<Die, readonly Range[]>();
  private readonly ranges = new Map<string, readonly Range[]>();
  private readonly locations = new Map<string, readonly LocationEntry[]>();

  constructor(
    private readonly input: DwarfInput,
    private readonly attributes: Attributes,
  ) {}

  /** Code that an entry covers: low_pc and high_pc, or DW_AT_ranges. Empty for declarations and abstract instances. */
  of(die: Die): readonly Range[] {
    let ranges = this.covered.get(die);
    if (!ranges) this.covered.set(die, (ranges = this.read(die)));
    return ranges;
  }

  private read(die: Die): readonly Range[] {
    const ranges = this.attributes.own(die, DW_AT.ranges);
    if (ranges && typeof ranges.value === 'number') {
      const offset =
        ranges.form === DW_FORM.rnglistx ? this.listOffset('.debug_rnglists', die.unit.rnglistsBase, die.unit, ranges.value) : ranges.value;
      return offset === undefined ? [] : this.rangesAt(die.unit, offset);
    }
    const low = this.attributes.address(die, DW_AT.low_pc);
    const high = this.attributes.own(die, DW_AT.high_pc);
    if (low === undefined || !high || typeof high.value !== 'number') return [];
    // An address, or the length.
    const end = high.form === DW_FORM.addr ? high.value : (this.attributes.address(die, DW_AT.high_pc) ?? low + high.value);
    return end > low && Number.isFinite(end) ? [{ low, high: end }] : [];
  }

  /** The list behind a location attribute that is no expression. */
  locationsOf(die: Die, at: number): readonly LocationEntry[] | undefined {
    const own = this.attributes.own(die, at);
    if (!own || typeof own.value !== 'number') return undefined;
    const { unit } = die;
    const offset = own.form === DW_FORM.loclistx ? this.listOffset('.debug_loclists', unit.loclistsBase, unit, own.value) : own.value;
    if (offset === undefined) return undefined;
    const section = unit.version >= 5 ? '.debug_loclists' : '.debug_loc';
    const key = `${section}+${offset}+${unit.offset}`;
    let list = this.locations.get(key);
    if (!list) {
      list = unit.version >= 5 ? this.readLoclist(unit, offset) : this.readLoc(unit, offset);
      this.locations.set(key, list);
    }
    return list;
  }

  private listOffset(section: string, base: number, unit: Unit, index: number): number | undefined {
    try {
      return (
        base +
        new DwarfReader(this.input.section(section), this.input.littleEndian).seek(base + index * unit.offsetSize).offset_(unit.offsetSize)
      );
    } catch (thrown) {
      if (thrown instanceof OutOfBounds) return undefined;
      throw thrown;
    }
  }

  private rangesAt(unit: Unit, offset: number): readonly Range[] {
    const key = `${unit.offset}+${offset}`;
    let list = this.ranges.get(key);
    if (!list) {
      list = unit.version >= 5 ? this.readRnglist(unit, offset) : this.readRanges(unit, offset);
      this.ranges.set(key, list);
    }
    return list;
  }

  /** Runs a reader over a list; what stands in front of a break counts. */
  private walk(section: string, offset: number, step: (reader: DwarfReader) => boolean): void {
    try {
      const reader = new DwarfReader(this.input.section(section), this.input.littleEndian).seek(offset);
      for (let entries = 0; entries < MAX_ENTRIES && this.total < MAX_TOTAL && step(reader); entries++) this.total++;
    } catch (thrown) {
      if (!(thrown instanceof OutOfBounds)) throw thrown;
    }
  }

  private base(unit: Unit): number {
    return unit.root ? (this.attributes.address(unit.root, DW_AT.low_pc) ?? 0) : 0;
  }

  private readRnglist(unit: Unit, offset: number): Range[] {
    const ranges: Range[] = [];
    let base = this.base(unit);
    const indexed = (reader: DwarfReader): number => this.attributes.addressAt(unit, reader.uleb53()) ?? Infinity;
    const add = (low: number, high: number): void => {
      if (high > low && Number.isFinite(high)) ranges.push({ low, high });
    };
    this.walk('.debug_rnglists', offset, (reader) => {
      switch (reader.u8()) {
        case 0: // end_of_list
          return false;
        case 1: // base_addressx
          base = indexed(reader);
          return true;
        case 2: // startx_endx
          add(indexed(reader), indexed(reader));
          return true;
        case 3: {
          // startx_length
          const low = indexed(reader);
          add(low, low + reader.uleb53());
          return true;
        }
        case 4: // offset_pair
          add(base + reader.uleb53(), base + reader.uleb53());
          return true;
        case 5: // base_address
          base = reader.address();
          return true;
        case 6: // start_end
          add(reader.address(), reader.address());
          return true;
        case 7: {
          // start_length
          const low = reader.address();
          add(low, low + reader.uleb53());
          return true;
        }
        default:
          return false;
      }
    });
    return ranges;
  }

  private readRanges(unit: Unit, offset: number): Range[] {
    const ranges: Range[] = [];
    let base = this.base(unit);
    this.walk('.debug_ranges', offset, (reader) => {
      const low = reader.u64();
      const high = reader.u64();
      if (low === 0n && high === 0n) return false;
      if (low === 0xffff_ffff_ffff_ffffn) base = Number(high);
      else if (high > low) ranges.push({ low: base + Number(low), high: base + Number(high) });
      return true;
    });
    return ranges;
  }

  private readLoclist(unit: Unit, offset: number): LocationEntry[] {
    const entries: LocationEntry[] = [];
    let base = this.base(unit);
    const indexed = (reader: DwarfReader): number => this.attributes.addressAt(unit, reader.uleb53()) ?? Infinity;
    const add = (reader: DwarfReader, low: number, high: number): void => {
      const expression = reader.slice(reader.uleb53());
      if (high > low && Number.isFinite(high)) entries.push({ range: { low, high }, expression });
    };
    this.walk('.debug_loclists', offset, (reader) => {
      switch (reader.u8()) {
        case 0: // end_of_list
          return false;
        case 1: // base_addressx
          base = indexed(reader);
          return true;
        case 2: {
          // startx_endx
          const low = indexed(reader);
          add(reader, low, indexed(reader));
          return true;
        }
        case 3: {
          // startx_length
          const low = indexed(reader);
          add(reader, low, low + reader.uleb53());
          return true;
        }
        case 4: {
          // offset_pair
          const low = base + reader.uleb53();
          add(reader, low, base + reader.uleb53());
          return true;
        }
        case 5: // default_location
          entries.push({ range: undefined, expression: reader.slice(reader.uleb53()) });
          return true;
        case 6: // base_address
          base = reader.address();
          return true;
        case 7: {
          // start_end
          const low = reader.address();
          add(reader, low, reader.address());
          return true;
        }
        case 8: {
          // start_length
          const low = reader.address();
          add(reader, low, low + reader.uleb53());
          return true;
        }
        default:
          return false;
      }
    });
    return entries;
  }

  private readLoc(unit: Unit, offset: number): LocationEntry[] {
    const entries: LocationEntry[] = [];
    let base = this.base(unit);
    this.walk('.debug_loc', offset, (reader) => {
      const low = reader.u64();
      const high = reader.u64();
      if (low === 0n && high === 0n) return false;
      if (low === 0xffff_ffff_ffff_ffffn) {
        base = Number(high);
        return true;
      }
      const expression = reader.slice(reader.u16());
      if (high > low) entries.push({ range: { low: base + Number(low), high: base + Number(high) }, expression });
      return true;
    });
    return entries;
  }

  /** Whether the attribute holds a list and not an expression or a constant. */
  isList(die: Die, at: number): boolean {
    const own = this.attributes.own(die, at);
    return (
      own !== undefined &&
      (own.form === DW_FORM.sec_offset ||
        own.form === DW_FORM.loclistx ||
        (die.unit.version < 4 && (own.form === DW_FORM.data4 || own.form === DW_FORM.data8) && typeof rawValue(die, at) === 'number'))
    );
  }
}
