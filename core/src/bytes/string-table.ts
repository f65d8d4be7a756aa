// A section of NUL-terminated texts that others point into by byte offset: ELF's .strtab, BTF's string section.
// A table of an object's size is decoded once, when first asked; a text is then a slice of it, without a copy.

const decoder = new TextDecoder('utf-8');
/** Of a kernel's megabytes few texts are wanted: those are decoded one by one. */
const MAX_WHOLE = 1 << 20;

export class StringTable {
  /** The whole as one text, where each byte is one character; null where it is large or not all ASCII. */
  private whole: string | null | undefined;

  constructor(readonly bytes: Uint8Array) {}

  /** The text at `offset` up to its NUL, or up to the table's end where that is missing; undefined behind the end. */
  at(offset: number): string | undefined {
    const { bytes } = this;
    if (offset >= bytes.length) return undefined;
    if (this.whole === undefined) this.whole = bytes.length <= MAX_WHOLE && isAscii(bytes) ? decoder.decode(bytes) : null;
    if (this.whole !== null) {
      const end = this.whole.indexOf('\0', offset);
      return end < 0 ? this.whole.slice(offset) : this.whole.slice(offset, end);
    }
    const end = bytes.indexOf(0, offset);
    return decoder.decode(bytes.subarray(offset, end < 0 ? bytes.length : end));
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}
