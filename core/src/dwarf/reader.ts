// A cursor with DWARF's variable-length numbers as plain numbers: addresses of ours and offsets stay below 2^53.

import { ByteReader, OutOfBounds } from '#core/bytes';

export class DwarfReader extends ByteReader {
  /** Unsigned LEB128; what does not fit 53 bits becomes infinite, and every range check refuses it. */
  uleb53(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if ((byte & 0x80) === 0) return value <= Number.MAX_SAFE_INTEGER ? value : Infinity;
      scale *= 128;
    }
  }

  /** Signed LEB128 as a number. */
  sleb53(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if ((byte & 0x80) === 0) {
        if ((byte & 0x40) !== 0) value -= scale;
        return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : Infinity;
      }
    }
  }

  u24(): number {
    const [a, b, c] = [this.u8(), this.u8(), this.u8()];
    return this.littleEndian ? a | (b << 8) | (c << 16) : (a << 16) | (b << 8) | c;
  }

  /** An address or offset of 8 bytes; infinite where it is no place. */
  address(): number {
    const value = this.u64();
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Infinity;
  }

  /** 4 or 8 bytes, by the unit's format. */
  offset_(size: 4 | 8): number {
    return size === 4 ? this.u32() : this.address();
  }

  /** Initial length: bytes that follow, and whether offsets have 4 or 8 bytes (DWARF 5 section 7.4). */
  initialLength(): { length: number; offsetSize: 4 | 8 } {
    const first = this.u32();
    if (first < 0xffff_fff0) return { length: first, offsetSize: 4 };
    if (first !== 0xffff_ffff) throw new OutOfBounds(this.offset - 4, first, this.length);
    return { length: this.address(), offsetSize: 8 };
  }

  seek(offset: number): this {
    if (!(offset >= 0 && offset <= this.length)) throw new OutOfBounds(offset, 1, this.length);
    this.offset = offset;
    return this;
  }
}
