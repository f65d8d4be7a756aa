// Numbers of bytes in messages of ours. The kernel's own lines count differently, and always say "bytes".

/** `1 byte`, `34 bytes`. */
export const byteCount = (count: number): string => (count === 1 ? '1 byte' : `${count} bytes`);

/** `byte 4`, `bytes 4 to 7`: `count` of them from `first` on. */
export const byteRange = (first: number, count: number): string =>
  count === 1 ? `byte ${first}` : `bytes ${first} to ${first + count - 1}`;
