// The 64-bit basic encoding of RFC 9669 section 3.1: one slot is 8 bytes, and every index in this project counts slots,
// so the second half of an ld_imm64 has an index of its own, as in the kernel's log. Field values are RFC 9669 sections 3 and 4.

/** One instruction slot. `off` is signed 16 bits, `imm` signed 32 bits, `dst` and `src` 0 to 15 as encoded. */
export interface Insn {
  opcode: number;
  dst: number;
  src: number;
  off: number;
  imm: number;
}

export const INSN_SIZE = 8;

// Instruction classes (opcode & 0x07).
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_JMP32 = 0x06;
export const BPF_ALU64 = 0x07;

// Operand source of ALU and JMP classes (opcode & 0x08).
export const BPF_K = 0x00;
export const BPF_X = 0x08;

// ALU operations (opcode & 0xf0).
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_MOV = 0xb0;
export const BPF_ARSH = 0xc0;
export const BPF_END = 0xd0;

// Jump operations (opcode & 0xf0).
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_JNE = 0x50;
export const BPF_JSGT = 0x60;
export const BPF_JSGE = 0x70;
export const BPF_CALL = 0x80;
export const BPF_EXIT = 0x90;
export const BPF_JLT = 0xa0;
export const BPF_JLE = 0xb0;
export const BPF_JSLT = 0xc0;
export const BPF_JSLE = 0xd0;
/** Linux's may_goto (6.9): JMP class, K source. */
export const BPF_JCOND = 0xe0;

// Sizes of loads and stores (opcode & 0x18).
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_DW = 0x18;

// Modes of loads and stores (opcode & 0xe0).
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_MEMSX = 0x80;
export const BPF_ATOMIC = 0xc0;

// Atomic operations (imm of BPF_STX | BPF_ATOMIC): ADD, OR, AND, XOR as the ALU's, with or without FETCH, and these.
export const BPF_FETCH = 0x01;
export const BPF_XCHG = 0xe0 | BPF_FETCH;
export const BPF_CMPXCHG = 0xf0 | BPF_FETCH;
/** Linux 6.15 and later. */
export const BPF_LOAD_ACQ = 0x100;
export const BPF_STORE_REL = 0x110;

// src of ld_imm64 (RFC 9669 section 5.4, and Linux's names).
export const BPF_PSEUDO_MAP_FD = 1;
export const BPF_PSEUDO_MAP_VALUE = 2;
export const BPF_PSEUDO_BTF_ID = 3;
export const BPF_PSEUDO_FUNC = 4;
export const BPF_PSEUDO_MAP_IDX = 5;
export const BPF_PSEUDO_MAP_IDX_VALUE = 6;

// src of a call (RFC 9669 section 4.3.1): 0 is a helper by number.
export const BPF_PSEUDO_CALL = 1;
export const BPF_PSEUDO_KFUNC_CALL = 2;

export const insnClass = (insn: Insn): number => insn.opcode & 0x07;
export const aluOp = (insn: Insn): number => insn.opcode & 0xf0;
export const sizeField = (insn: Insn): number => insn.opcode & 0x18;
export const modeField = (insn: Insn): number => insn.opcode & 0xe0;
export const usesRegisterSource = (insn: Insn): boolean => (insn.opcode & BPF_X) !== 0;

/** Bytes that a load or store moves: 1, 2, 4 or 8. */
export function accessSize(insn: Insn): 1 | 2 | 4 | 8 {
  switch (sizeField(insn)) {
    case BPF_B:
      return 1;
    case BPF_H:
      return 2;
    case BPF_W:
      return 4;
    default:
      return 8;
  }
}

export const isLdImm64 = (insn: Insn): boolean => insn.opcode === (BPF_LD | BPF_IMM | BPF_DW);
/** A call of a helper by number, of a subprogram or of a kfunc; `src` says which. callx is not among them. */
export const isCall = (insn: Insn): boolean => insn.opcode === (BPF_JMP | BPF_CALL);
export const isExit = (insn: Insn): boolean => insn.opcode === (BPF_JMP | BPF_EXIT);

/** The 64-bit constant of the ld_imm64 whose first slot is `first`. */
export const ldImm64Value = (first: Insn, second: Insn): bigint => (BigInt(second.imm >>> 0) << 32n) | BigInt(first.imm >>> 0);

/** Slots of a little-endian program. A trailing partial slot is dropped: the caller has checked the length. */
export function decode(bytes: Uint8Array): Insn[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const insns = new Array<Insn>(Math.floor(bytes.length / INSN_SIZE));
  for (let i = 0; i < insns.length; i++) {
    const at = i * INSN_SIZE;
    const registers = bytes[at + 1]!;
    insns[i] = {
      opcode: bytes[at]!,
      dst: registers & 0x0f,
      src: registers >> 4,
      off: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    };
  }
  return insns;
}

/** The inverse of decode. */
export function encode(insns: readonly Insn[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(insns.length * INSN_SIZE);
  const view = new DataView(bytes.buffer);
  insns.forEach((insn, i) => {
    const at = i * INSN_SIZE;
    bytes[at] = insn.opcode;
    bytes[at + 1] = (insn.src << 4) | insn.dst;
    view.setInt16(at + 2, insn.off, true);
    view.setInt32(at + 4, insn.imm, true);
  });
  return bytes;
}
