// A program's instructions as text with their source places, for the disassembly view.

import { helperById } from '#core/catalog';
import {
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  disassemble,
  encode,
  isCall,
  isLdImm64,
} from '#core/isa';
import { toHex } from '#core/bytes';
import type { LoadedObject, Program } from '#core/program';
import type { MappedProgram } from './breakpoints.ts';
import type { SourcePlace } from './source-map.ts';

export interface DisassembledLine {
  /** Slot in the program; outside of it for padding. */
  slot: number;
  bytes: string;
  text: string;
  /** Name of the function that begins here. */
  symbol?: string;
  place?: SourcePlace;
  /** There is no instruction here. */
  padding: boolean;
}

/** `count` lines from the instruction that is `instructionOffset` after the one at `slot`; padded, so that there are always `count`. */
export function disassembleAround(
  { map, program }: { map: MappedProgram['map']; program: { program: Program; object: LoadedObject } },
  slot: number,
  instructionOffset: number,
  count: number,
): readonly DisassembledLine[] {
  const { insns, subprograms } = program.program;
  const lines = disassemble(insns);
  // A reference into the middle of an ld_imm64, or outside of the program, counts from the nearest instruction before it.
  let at = lines.findIndex((line) => line.slot + line.slots > slot);
  if (at < 0) at = lines.length + Math.max(0, slot - insns.length);
  if (slot < 0) at = slot;
  return Array.from({ length: count }, (_, index): DisassembledLine => {
    const wanted = at + instructionOffset + index;
    const line = lines[wanted];
    if (!line) return { slot: wanted < 0 ? wanted : insns.length + wanted - lines.length, bytes: '', text: '', padding: true };
    const note = explain(program.program, line.slot);
    const symbol = subprograms.find(({ start }) => start === line.slot)?.name;
    const place = map.placeOf(line.slot);
    return {
      slot: line.slot,
      bytes: toHex(encode(insns.slice(line.slot, line.slot + line.slots)), ' '),
      text: addressConstant(program.program, program.object, line.slot) ?? (note === undefined ? line.text : `${line.text}  # ${note}`),
      padding: false,
      ...(symbol === undefined ? {} : { symbol }),
      ...(place.line > 0 ? { place } : {}),
    };
  });
}

/** What a call calls, by name. */
function explain(program: Program, slot: number): string | undefined {
  const insn = program.insns[slot]!;
  if (!isCall(insn)) return undefined;
  if (insn.src === BPF_PSEUDO_CALL) return program.subprograms.find(({ start }) => start === slot + 1 + insn.imm)?.name;
  return insn.src === BPF_PSEUDO_KFUNC_CALL ? program.kfuncs[insn.imm] : helperById(insn.imm)?.name;
}

/** `r1 = counts ll`, `r3 = .bss+8 ll`: as the assembler has it, where the encoding only has an index. */
function addressConstant(program: Program, object: LoadedObject, slot: number): string | undefined {
  const insn = program.insns[slot]!;
  if (!isLdImm64(insn) || (insn.src !== BPF_PSEUDO_MAP_FD && insn.src !== BPF_PSEUDO_MAP_VALUE)) return undefined;
  const map = object.maps[insn.imm];
  const offset = program.insns[slot + 1]?.imm ?? 0;
  return map && `r${insn.dst} = ${map.globalSection ?? map.name}${insn.src === BPF_PSEUDO_MAP_VALUE && offset > 0 ? `+${offset}` : ''} ll`;
}
