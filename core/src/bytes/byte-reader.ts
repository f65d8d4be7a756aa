// A cursor over bytes that knows its bounds and its byte order. A read past the end throws OutOfBounds,
// which the door of a file format catches and turns into a Problem: it never leaves the core.

export class OutOfBounds extends Error {
  constructor(
    readonly offset: number,
    readonly wanted: number,
    readonly length: number,
  ) {
    super(`${wanted} bytes wanted at offset ${offset}, the data has ${length}`);
  }
}

export class ByteReader {
  private readonly view: DataView;
  offset = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly littleEndian = true,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  get atEnd(): boolean {
    return this.offset >= this.bytes.length;
  }

  private take(size: number): number {
    const at = this.offset;
    if (size < 0 || at < 0 || at + size > this.bytes.length) throw new OutOfBounds(at, size, this.bytes.length);
    this.offset = at + size;
    return at;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  s8(): number {
    return this.view.getInt8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2), this.littleEndian);
  }
  s16(): number {
    return this.view.getInt16(this.take(2), this.littleEndian);
  }
  u32(): number {
    return this.view.getUint32(this.take(4), this.littleEndian);
  }
  s32(): number {
    return this.view.getInt32(this.take(4), this.littleEndian);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.take(8), this.littleEndian);
  }
  s64(): bigint {
    return this.view.getBigInt64(this.take(8), this.littleEndian);
  }

  /** A 64-bit file offset or size as a number; one past 2^53 is out of bounds of any file. */
  size64(): number {
    const at = this.offset;
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new OutOfBounds(at, Number.MAX_SAFE_INTEGER, this.bytes.length);
    return Number(value);
  }

  /** A view, not a copy. */
  slice(size: number): Uint8Array {
    const at = this.take(size);
    return this.bytes.subarray(at, at + size);
  }

  skip(size: number): void {
    this.take(size);
  }

  /** Unsigned LEB128 (DWARF 5 section 7.6), exact to 64 bits. */
  uleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return BigInt.asUintN(64, value);
    }
  }

  /** Signed LEB128, exact to 64 bits. */
  sleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return BigInt.asIntN(64, (byte & 0x40) !== 0 && shift < 57n ? value | (-1n << (shift + 7n)) : value);
    }
  }

  /** Text up to a NUL, as UTF-8; the cursor goes behind the NUL. */
  cstring(): string {
    const start = this.offset;
    const end = this.bytes.indexOf(0, start);
    if (start > this.bytes.length || end < 0) throw new OutOfBounds(start, 1, this.bytes.length);
    this.offset = end + 1;
    return decodeUtf8(this.bytes.subarray(start, end));
  }
}

const decoder = new TextDecoder('utf-8');

function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
