// LLVM's BPF back end (10 to 22) describes stack variables from the lowest byte of the frame, though r10 points behind its highest:
// `*(u32 *)(r10 - 4)` in a frame of 8 bytes is DW_OP_fbreg +4. The frame's size stands nowhere in the object; this file finds it.

const BPF_X_MOV64 = 0xbf;
const BPF_K_ADD64 = 0x07;
const FRAME_POINTER = 10;
const MAX_FRAME = 512;
const CLASS_LDX = 1;
const CLASS_ST = 2;
const CLASS_STX = 3;

/** Whether a compiler describes its frames from the bottom. */
export const countsFromBottom = (producer: string): boolean => /clang|LLVM|zig/i.test(producer);

/**
 * Bytes of a function's frame, rounded to 8 as LLVM does: the lowest place that its code addresses through r10, or what its
 * variables take if that is more. Both are lower bounds; the first is exact where the lowest object is addressed at its start.
 */
export function frameSize(code: Uint8Array, littleEndian: boolean, low: number, high: number, variablesEnd: number): number {
  let lowest = 0;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  /** Registers that hold r10 plus this, on the straight line. */
  const copies = new Map<number, number>();
  const reach = (offset: number): void => {
    if (offset < lowest && offset >= -MAX_FRAME) lowest = offset;
  };
  for (let at = low; at + 8 <= Math.min(high, code.length); at += 8) {
    const opcode = code[at]!;
    const registers = code[at + 1]!;
    const dst = littleEndian ? registers & 0x0f : registers >> 4;
    const src = littleEndian ? registers >> 4 : registers & 0x0f;
    const off = view.getInt16(at + 2, littleEndian);
    const kind = opcode & 0x07;
    if (kind === CLASS_LDX && src === FRAME_POINTER) reach(off);
    if ((kind === CLASS_ST || kind === CLASS_STX) && dst === FRAME_POINTER) reach(off);
    if (opcode === BPF_X_MOV64 && src === FRAME_POINTER && off === 0) copies.set(dst, 0);
    else if (opcode === BPF_K_ADD64 && copies.has(dst)) {
      const place = copies.get(dst)! + view.getInt32(at + 4, littleEndian);
      copies.set(dst, place);
      reach(place);
    } else if (kind === CLASS_LDX || kind === 4 || kind === 7 || kind === 0) copies.delete(dst);
    if (opcode === 0x18) at += 8;
  }
  const round = (bytes: number): number => Math.min(MAX_FRAME, Math.ceil(bytes / 8) * 8);
  return Math.max(round(-lowest), variablesEnd <= MAX_FRAME ? round(variablesEnd) : 0);
}
