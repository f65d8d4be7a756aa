// Compressed debug sections: SHF_COMPRESSED with zlib or zstd (ELF gABI, Elf64_Chdr), and the older .zdebug_ sections of GNU tools.
// Output never grows beyond what the header says; a section that says too much, or whose stream is broken, is a sentence.

import { Unzlib } from 'fflate';
import { Decompress } from 'fzstd';
import { ByteReader, OutOfBounds } from '#core/bytes';

const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
const CHDR_SIZE = 24;
/** All sections of an object together: more than any object for BPF has; a header may claim what it likes. */
export const MAX_DECOMPRESSED = 16 << 20;
const MAX_WINDOW = 8 << 20;
/** Input given at once: the most that it can become (1032 times for zlib, 128 KB for every few bytes of zstd) stays small. */
const ZLIB_STEP = 16_384;
const ZSTD_STEP = 512;

/** The plain bytes, or why there are none. */
export function decompressSection(bytes: Uint8Array, littleEndian: boolean, limit = MAX_DECOMPRESSED): Uint8Array | string {
  if (bytes.length < CHDR_SIZE) return 'its compression header breaks off';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint32(0, littleEndian);
  const size = Number(view.getBigUint64(8, littleEndian));
  if (type !== ELFCOMPRESS_ZLIB && type !== ELFCOMPRESS_ZSTD) return `it is compressed by method ${type}; zlib (1) and zstd (2) are read`;
  return decompress(type, bytes.subarray(CHDR_SIZE), size, limit);
}

/** `.zdebug_info`: the word ZLIB, the size as eight bytes in big endian, a zlib stream. */
export function decompressOldSection(bytes: Uint8Array, limit = MAX_DECOMPRESSED): Uint8Array | string {
  if (bytes.length < 12 || bytes[0] !== 0x5a || bytes[1] !== 0x4c || bytes[2] !== 0x49 || bytes[3] !== 0x42)
    return 'it does not begin with ZLIB and its size';
  return decompress(
    ELFCOMPRESS_ZLIB,
    bytes.subarray(12),
    Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(4, false)),
    limit,
  );
}

function decompress(type: number, stream: Uint8Array, size: number, limit: number): Uint8Array | string {
  if (size > limit) return `it says that it has ${size} bytes`;
  try {
    if (type === ELFCOMPRESS_ZSTD) {
      const refused = refuseFrames(stream);
      if (refused !== undefined) return refused;
    }
    return collect(type, stream, size) ?? 'its compressed bytes and the size in its header disagree';
  } catch (thrown) {
    // Both libraries throw errors of their own for broken streams.
    return `its compressed bytes are broken (${thrown instanceof Error ? thrown.message : String(thrown)})`;
  }
}

function collect(type: number, stream: Uint8Array, size: number): Uint8Array | undefined {
  let whole = new Uint8Array();
  let length = 0;
  const take = (chunk: Uint8Array): void => {
    if (length + chunk.length <= size) {
      if (whole.length === 0) whole = new Uint8Array(size);
      whole.set(chunk, length);
    }
    length += chunk.length;
  };
  const step = type === ELFCOMPRESS_ZSTD ? ZSTD_STEP : ZLIB_STEP;
  const decoder = type === ELFCOMPRESS_ZSTD ? new Decompress(take) : new Unzlib(take);
  for (let at = 0; at < stream.length && length <= size; at += step)
    decoder.push(stream.subarray(at, at + step), at + step >= stream.length);
  return length === size ? whole : undefined;
}

/** A zstd frame may ask for a window of gigabytes (RFC 8878, section 3.1.1.1): only the first frame is wanted, and a window of 32 MB. */
function refuseFrames(stream: Uint8Array): string | undefined {
  try {
    const reader = new ByteReader(stream, true);
    if (reader.u32() !== 0xfd2f_b528) return 'its compressed bytes are no zstd frame';
    const descriptor = reader.u8();
    const isSingle = (descriptor & 0x20) !== 0;
    const window = isSingle ? 0 : reader.u8();
    reader.skip([0, 1, 2, 4][descriptor & 3]!);
    const contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
    const content =
      contentSize === 0
        ? 0
        : contentSize === 1
          ? reader.u8()
          : contentSize === 2
            ? reader.u16() + 256
            : contentSize === 4
              ? reader.u32()
              : Number(reader.u64());
    const base = 2 ** (10 + (window >> 3));
    if ((isSingle ? content : base + (base / 8) * (window & 7)) > (isSingle ? MAX_DECOMPRESSED : MAX_WINDOW))
      return 'its compressed bytes ask for more memory than debug information needs';
    for (let last = false; !last;) {
      const header = reader.u8() | (reader.u8() << 8) | (reader.u8() << 16);
      last = (header & 1) !== 0;
      reader.skip(((header >> 1) & 3) === 1 ? 1 : header >> 3);
    }
    if ((descriptor & 4) !== 0) reader.skip(4);
    return reader.atEnd ? undefined : 'its compressed bytes go on behind their end';
  } catch (thrown) {
    if (thrown instanceof OutOfBounds) return 'its compressed bytes break off';
    throw thrown;
  }
}
