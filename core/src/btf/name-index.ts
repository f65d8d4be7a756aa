// A hash table from names to type ids over the raw string section: no string is decoded, so a kernel's
// hundred thousand types are indexed in a few milliseconds. Names meet in one bucket by what stands before `___`.

/** Where the `___flavour` of a type's name begins, or the name's length. The last `___` with text around it counts, as in libbpf's naming rule. */
export function essentialLength(name: string): number {
  for (let i = name.length - 5; i >= 0; i--) {
    if (name[i] !== '_' && name.startsWith('___', i + 1) && name[i + 4] !== '_') return i + 1;
  }
  return name.length;
}

const UNDERSCORE = 0x5f;

/** Byte length of the essential name that starts at `at`. */
function essentialBytes(strings: Uint8Array, at: number): number {
  let end = at;
  let cut = -1;
  while (end < strings.length && strings[end] !== 0) {
    // `x___y`: three underscores between two characters that are none.
    if (
      strings[end] === UNDERSCORE &&
      strings[end + 1] === UNDERSCORE &&
      strings[end + 2] === UNDERSCORE &&
      end > at &&
      strings[end - 1] !== UNDERSCORE
    ) {
      const after = strings[end + 3];
      if (after !== undefined && after !== 0 && after !== UNDERSCORE) cut = end;
    }
    end++;
  }
  return (cut < 0 ? end : cut) - at;
}

function hash(bytes: Uint8Array, start: number, length: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < start + length; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193);
  return value >>> 0;
}

/** The hash of the essential name that starts at `at`, in one pass: a kernel has a hundred thousand names to go through. */
function essentialHash(strings: Uint8Array, at: number): number {
  let value = 0x811c9dc5;
  let atCut = 0;
  let cut = false;
  let before = 0;
  for (let i = at; i < strings.length; i++) {
    const byte = strings[i]!;
    if (byte === 0) break;
    if (byte === UNDERSCORE && before !== UNDERSCORE && i > at && strings[i + 1] === UNDERSCORE && strings[i + 2] === UNDERSCORE) {
      const after = strings[i + 3];
      if (after !== undefined && after !== 0 && after !== UNDERSCORE) {
        cut = true;
        atCut = value;
      }
    }
    value = Math.imul(value ^ byte, 0x01000193);
    before = byte;
  }
  return (cut ? atCut : value) >>> 0;
}

const encoder = new TextEncoder();

/** Behind the end of every string section. In a split BTF offset 0 may be a name. */
export const NO_NAME = 0xffff_ffff;

export class NameIndex {
  private readonly heads: Int32Array;
  private readonly next: Int32Array;
  private readonly mask: number;

  /** `nameOffsets[i]` is the name of type `firstId + i`, NO_NAME for none; offsets are into `strings`. */
  constructor(
    private readonly strings: Uint8Array,
    private readonly nameOffsets: Uint32Array,
    private readonly firstId: number,
  ) {
    let buckets = 16;
    while (buckets < nameOffsets.length) buckets *= 2;
    this.mask = buckets - 1;
    this.heads = new Int32Array(buckets).fill(-1);
    this.next = new Int32Array(nameOffsets.length).fill(-1);
    // Backwards, so that each chain ascends.
    for (let i = nameOffsets.length - 1; i >= 0; i--) {
      const at = nameOffsets[i]!;
      if (at >= strings.length || strings[at] === 0) continue;
      const bucket = essentialHash(strings, at) & this.mask;
      this.next[i] = this.heads[bucket]!;
      this.heads[bucket] = i;
    }
  }

  /** Ids whose whole name (or, with `flavours`, essential name) is this, ascending. */
  *ids(name: string, flavours = false): Generator<number> {
    const bytes = encoder.encode(name);
    const essential = flavours ? bytes.length : encoder.encode(name.slice(0, essentialLength(name))).length;
    for (let i = this.heads[hash(bytes, 0, essential) & this.mask]!; i >= 0; i = this.next[i]!) {
      const at = this.nameOffsets[i]!;
      const length = flavours ? essentialBytes(this.strings, at) : undefined;
      if (this.equal(at, bytes, length)) yield this.firstId + i;
    }
  }

  private equal(at: number, bytes: Uint8Array, length: number | undefined): boolean {
    if (length !== undefined && length !== bytes.length) return false;
    for (let i = 0; i < bytes.length; i++) if (this.strings[at + i] !== bytes[i]) return false;
    return length !== undefined || at + bytes.length >= this.strings.length || this.strings[at + bytes.length] === 0;
  }
}
