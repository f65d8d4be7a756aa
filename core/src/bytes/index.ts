// Readers over Uint8Array, LEB128 and 64-bit helpers. Knows no file format.

export { ByteReader, OutOfBounds } from './byte-reader.ts';
export { fromHex, toHex } from './hex.ts';
export { asS64, asU64, hex64, MASK64 } from './int64.ts';
export { StringTable } from './string-table.ts';
