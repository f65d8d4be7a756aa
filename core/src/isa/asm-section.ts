// Sections while they are being filled: pieces in order, whose places and values are known only when every label is.
// Layout repeats until nothing moves, because a LEB128's length depends on the labels that it speaks of.

import type { Reference } from './asm-cursor.ts';
import { encode, type Insn } from './encoding.ts';

/** `symbol`s added and subtracted, and a constant. */
export interface Expression {
  terms: readonly { symbol: string; sign: 1 | -1 }[];
  constant: bigint;
  column: number;
  endColumn: number;
}

export interface Place {
  line: number;
  column: number;
  endColumn: number;
}

export type Piece = { place: Place; offset: number } & (
  | { kind: 'insn'; insns: Insn[]; reference?: Reference; fromBytes?: true }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'value'; size: 1 | 2 | 4 | 8; expression: Expression }
  | { kind: 'leb'; signed: boolean; expression: Expression; bytes: Uint8Array }
  | { kind: 'align'; to: number; length: number }
);

export interface AsmSection {
  name: string;
  /** The letters of `.section`'s flags: a (allocated), w (writable), x (executable), M, S. */
  flags: string;
  type: string;
  pieces: Piece[];
  /** Bytes so far; exact before the first LEB128 or alignment only, so layout() has the last word. */
  size: number;
  alignment: number;
}

export function pieceLength(piece: Piece): number {
  switch (piece.kind) {
    case 'insn':
      return piece.insns.length * 8;
    case 'bytes':
    case 'leb':
      return piece.bytes.length;
    case 'value':
      return piece.size;
    case 'align':
      return piece.length;
  }
}

export function leb128(value: bigint, signed: boolean): Uint8Array {
  const bytes: number[] = [];
  // A negative number has no unsigned form; its 64 bits do, and the caller has said what is wrong with it.
  for (let rest = signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value); ;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const last = signed ? (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0) : rest === 0n;
    bytes.push(last ? low : low | 0x80);
    if (last) return Uint8Array.from(bytes);
  }
}

/** Gives every piece its offset; `value` evaluates an expression with the labels' present places. */
export function layout(sections: readonly AsmSection[], value: (expression: Expression) => bigint | undefined): void {
  for (let round = 0; round < 20; round++) {
    let moved = false;
    for (const section of sections) {
      let at = 0;
      for (const piece of section.pieces) {
        if (piece.offset !== at) moved = true;
        piece.offset = at;
        if (piece.kind === 'align') {
          const length = (piece.to - (at % piece.to)) % piece.to;
          if (length !== piece.length) moved = true;
          piece.length = length;
        } else if (piece.kind === 'leb') {
          const bytes = leb128(value(piece.expression) ?? 0n, piece.signed);
          if (bytes.length !== piece.bytes.length) moved = true;
          piece.bytes = bytes;
        }
        at += pieceLength(piece);
      }
      section.size = at;
    }
    if (!moved) return;
  }
}

/** The section's bytes; values that refer to labels are filled in by the caller. */
export function sectionBytes(section: AsmSection): Uint8Array {
  const bytes = new Uint8Array(section.size);
  for (const piece of section.pieces) {
    if (piece.kind === 'insn') bytes.set(encode(piece.insns), piece.offset);
    else if (piece.kind === 'bytes' || piece.kind === 'leb') bytes.set(piece.bytes, piece.offset);
  }
  return bytes;
}
