// Little-endian integers in byte arrays, and the sign conversions the kernel's ABI asks for.

export const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The low `size` bytes of `value`, little-endian. */
export function littleEndian(value: bigint | number, size: number): Uint8Array {
  if (size === 8) {
    const eight = new Uint8Array(8);
    new DataView(eight.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
    return eight;
  }
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(size * 8, BigInt(value));
  for (let i = 0; i < size; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The unsigned little-endian integer that the bytes hold. */
export function fromLittleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

/** The low 32 bits of a register as C's u32. */
export const u32 = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** The low 32 bits of a register as C's int. */
export const s32 = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** A byte string as a key of a JavaScript Map: one character a byte. */
export function keyText(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8');

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** A C string: UTF-8 with its NUL. */
export const cString = (text: string): Uint8Array => concat(encoder.encode(text), new Uint8Array(1));

/** The text before the first NUL. */
export function fromCString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
