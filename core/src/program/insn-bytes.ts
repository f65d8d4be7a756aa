// Instructions as the eight bytes each that the kernel takes: cheap to cut out of a section, to copy and to patch in place.
// Always little endian, as the decoder reads them; what instructions mean is not known here.

import { INSN_SIZE, type Insn } from '#core/isa';

export class InsnBytes {
  /** Slots. */
  readonly length: number;
  private readonly view: DataView;

  /** A trailing partial slot is left out. */
  constructor(readonly bytes: Uint8Array) {
    this.length = Math.floor(bytes.length / INSN_SIZE);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  opcode(slot: number): number {
    return this.bytes[slot * INSN_SIZE]!;
  }
  src(slot: number): number {
    return this.bytes[slot * INSN_SIZE + 1]! >> 4;
  }
  imm(slot: number): number {
    return this.view.getInt32(slot * INSN_SIZE + 4, true);
  }

  setSrc(slot: number, src: number): void {
    const at = slot * INSN_SIZE + 1;
    this.bytes[at] = (src << 4) | (this.bytes[at]! & 0x0f);
  }
  setImm(slot: number, imm: number): void {
    this.view.setInt32(slot * INSN_SIZE + 4, imm, true);
  }

  /** Undefined behind the last slot. */
  read(slot: number): Insn | undefined {
    if (slot < 0 || slot >= this.length) return undefined;
    const at = slot * INSN_SIZE;
    const registers = this.bytes[at + 1]!;
    return {
      opcode: this.bytes[at]!,
      dst: registers & 0x0f,
      src: registers >> 4,
      off: this.view.getInt16(at + 2, true),
      imm: this.imm(slot),
    };
  }

  /** Does nothing behind the last slot. */
  write(slot: number, insn: Insn): void {
    if (slot >= this.length) return;
    const at = slot * INSN_SIZE;
    this.bytes[at] = insn.opcode;
    this.bytes[at + 1] = (insn.src << 4) | insn.dst;
    this.view.setInt16(at + 2, insn.off, true);
    this.setImm(slot, insn.imm);
  }

  /** A view of the slots `start` up to, not including, `end`. */
  part(start: number, end: number): InsnBytes {
    return new InsnBytes(this.bytes.subarray(start * INSN_SIZE, end * INSN_SIZE));
  }

  copy(): InsnBytes {
    return new InsnBytes(new Uint8Array(this.bytes));
  }
}

/** A section's slots. Big-endian ones are turned round: registers, offset and constant change their order. */
export function insnBytesOf(section: Uint8Array, littleEndian: boolean): InsnBytes {
  if (littleEndian) return new InsnBytes(section);
  const swapped = new Uint8Array(section.length - (section.length % INSN_SIZE));
  for (let at = 0; at < swapped.length; at += INSN_SIZE) {
    const registers = section[at + 1]!;
    swapped.set(
      [
        section[at]!,
        (registers >> 4) | ((registers & 0x0f) << 4),
        section[at + 3]!,
        section[at + 2]!,
        section[at + 7]!,
        section[at + 6]!,
        section[at + 5]!,
        section[at + 4]!,
      ],
      at,
    );
  }
  return new InsnBytes(swapped);
}
