// Small programs around one instruction of the table: operands at the edges, and what it leaves, one half a run, since a
// program returns 32 bits. The kernel's answers to them are in test/conformance/instructions.txt (tools/record-instructions.mts).

import { type Instruction, type Insn, instruction, INSTRUCTIONS } from '#core/isa';

/** One instruction with its operands, and which 64 bits are looked at. */
export interface InstructionCase {
  id: string;
  /** Value of the destination, of the memory that is read or changed, or of the left side of a comparison. */
  left: bigint;
  /** Value of the source register; undefined where the instruction has none. */
  right: bigint | undefined;
  /** The constant; undefined where it is fixed or not used. */
  imm: number | undefined;
  /** What the answer is read from: the destination, the source (fetching atomics), r0 (cmpxchg), the memory, or which way was taken. */
  read: 'dst' | 'src' | 'r0' | 'memory' | 'path';
}

/** A program of the kernel returns 32 bits, ours all 64. */
export type Part = 'low' | 'high' | 'whole';

const EDGES = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x0123_4567_89ab_cdefn,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
] as const;
const CONSTANTS = [0, 1, -1, 5, 31, 63, 0x7fff_ffff, -0x8000_0000] as const;

/** Instructions that can be run without a map, a context or another function, and that Linux takes. */
export const RUNNABLE = INSTRUCTIONS.filter(
  (row) =>
    row.since !== undefined &&
    !row.kernelInternal &&
    ([
      'alu',
      'mov',
      'movsx',
      'endian',
      'load',
      'load_sx',
      'store',
      'atomic',
      'load_acquire',
      'store_release',
      'jump',
      'goto',
      'may_goto',
      'exit',
    ].includes(row.kind) ||
      row.id === 'ld_imm64' ||
      row.operation === 'local'),
);

/** The cases of an instruction: pairs of edges, few enough to be read. */
export function casesOf(row: Instruction): InstructionCase[] {
  const base = { id: row.id, right: undefined, imm: undefined };
  const pairs: InstructionCase[] = [];
  const reads: InstructionCase['read'][] =
    row.kind === 'jump' || row.kind === 'goto' || row.kind === 'may_goto' || row.kind === 'exit' || row.operation === 'local'
      ? ['path']
      : row.kind === 'store' || row.kind === 'store_release'
        ? ['memory']
        : row.kind === 'atomic'
          ? ['memory', row.operation === 'cmpxchg' ? 'r0' : 'src']
          : ['dst'];
  const takesConstant = row.uses.includes('imm') && (['alu', 'mov', 'jump', 'store'].includes(row.kind) || row.id === 'ld_imm64');
  const takesRegister = row.uses.includes('src');
  const loads = row.kind === 'load' || row.kind === 'load_sx' || row.kind === 'load_acquire';
  const both = takesRegister && !loads;
  for (const read of reads) {
    if (takesConstant) {
      for (let i = 0; i < EDGES.length; i++) {
        for (const step of [0, 3]) {
          const imm = CONSTANTS[(i + step) % CONSTANTS.length]!;
          // The verifier refuses what can be seen to be wrong in the constant itself: no division by 0, no shift of the width or more.
          if (imm === 0 && ['div', 'sdiv', 'mod', 'smod'].includes(row.operation)) continue;
          if (['lsh', 'rsh', 'arsh'].includes(row.operation) && (imm < 0 || imm >= row.width)) continue;
          pairs.push({ ...base, left: EDGES[i]!, imm, read });
        }
      }
    } else if (both) {
      for (let i = 0; i < EDGES.length; i++)
        for (const step of row.kind === 'alu' || row.kind === 'jump' ? [0, 1, 5] : [1])
          pairs.push({ ...base, left: EDGES[i]!, right: EDGES[(i + step) % EDGES.length]!, read });
    } else if (row.kind === 'goto' || row.kind === 'may_goto' || row.kind === 'exit' || row.operation === 'local') {
      pairs.push({ ...base, left: 0n, read });
    } else {
      for (const left of EDGES) pairs.push({ ...base, left, read });
    }
  }
  // cmpxchg changes memory only where r0 holds its value: one more with r0 as it must be (see programOf, imm 1).
  if (row.operation === 'cmpxchg')
    for (const read of reads)
      for (const left of [0x0123_4567_89ab_cdefn, 0xffff_ffff_8000_0000n]) pairs.push({ ...base, left, right: 7n, imm: 1, read });
  return pairs;
}

const constant = (dst: number, value: bigint): Insn[] => [
  { opcode: 0x18, dst, src: 0, off: 0, imm: Number(BigInt.asIntN(32, value)) },
  { opcode: 0, dst: 0, src: 0, off: 0, imm: Number(BigInt.asIntN(32, value >> 32n)) },
];
const movConstant = (dst: number, imm: number): Insn => ({ opcode: 0xb7, dst, src: 0, off: 0, imm });
const movRegister = (dst: number, src: number): Insn => ({ opcode: 0xbf, dst, src, off: 0, imm: 0 });
const EXIT: Insn = { opcode: 0x95, dst: 0, src: 0, off: 0, imm: 0 };
const SLOT = -16;

/** The program that gives part of what a case leaves. Every register but r1 is written before it is read. */
export function programOf(one: InstructionCase, part: Part): Insn[] {
  const row = instruction(one.id)!;
  const take = (register: number): Insn[] => [
    ...(register === 0 ? [] : [movRegister(0, register)]),
    ...(part === 'high' ? [{ opcode: 0x77, dst: 0, src: 0, off: 0, imm: 32 }] : []),
    EXIT,
  ];
  const insn: Insn = { opcode: row.opcode, dst: 0, src: 0, off: 0, imm: 0, ...row.fixed };
  // Both slots of the stack are written, so that what lies beside the access is known.
  const memory = [
    ...constant(6, one.left),
    { opcode: 0x7b, dst: 10, src: 6, off: SLOT, imm: 0 },
    { opcode: 0x7b, dst: 10, src: 6, off: SLOT + 8, imm: 0 },
  ];
  const readBack: Insn = { opcode: 0x79, dst: 8, src: 10, off: SLOT, imm: 0 };
  switch (row.kind) {
    case 'alu':
    case 'mov':
    case 'movsx':
    case 'endian':
      return [
        ...constant(6, one.left),
        ...constant(7, one.right ?? 0n),
        { ...insn, dst: 6, ...(one.right === undefined ? {} : { src: 7 }), ...(one.imm === undefined ? {} : { imm: one.imm }) },
        ...take(6),
      ];
    case 'ld_imm64':
      return [
        { ...insn, dst: 6, imm: one.imm! },
        { opcode: 0, dst: 0, src: 0, off: 0, imm: Number(BigInt.asIntN(32, one.left)) },
        ...take(6),
      ];
    case 'load':
    case 'load_sx':
    case 'load_acquire':
      return [...memory, { ...insn, dst: 8, src: 10, off: SLOT }, ...take(8)];
    case 'store':
    case 'store_release':
      return [
        ...memory,
        ...constant(7, one.right ?? 0n),
        { ...insn, dst: 10, off: SLOT, ...(one.right === undefined ? {} : { src: 7 }), ...(one.imm === undefined ? {} : { imm: one.imm }) },
        readBack,
        ...take(8),
      ];
    case 'atomic':
      return [
        ...memory,
        ...constant(7, one.right ?? 0n),
        ...(row.operation === 'cmpxchg' ? (one.imm === 1 ? [movRegister(0, 6)] : [movConstant(0, 3)]) : []),
        ...(row.operation === 'cmpxchg' && one.imm === 1 && row.size === 4 ? [{ opcode: 0xbc, dst: 0, src: 6, off: 0, imm: 0 }] : []),
        { ...insn, dst: 10, src: 7, off: SLOT },
        ...(one.read === 'memory' ? [readBack, ...take(8)] : take(one.read === 'r0' ? 0 : 7)),
      ];
    case 'jump':
      return [
        ...constant(6, one.left),
        ...constant(7, one.right ?? 0n),
        movConstant(0, 1),
        { ...insn, dst: 6, off: 1, ...(one.right === undefined ? {} : { src: 7 }), ...(one.imm === undefined ? {} : { imm: one.imm }) },
        movConstant(0, 2),
        ...(part === 'high' ? [{ opcode: 0x77, dst: 0, src: 0, off: 0, imm: 32 }] : []),
        EXIT,
      ];
    case 'goto':
      return aroundGoto((distance) => ({ ...insn, ...(row.uses.includes('imm') ? { imm: distance } : { off: distance }) }), take(0));
    case 'may_goto':
      return [movConstant(0, 1), { ...insn, off: 1 }, movConstant(0, 2), ...take(0)];
    case 'exit':
      return [movConstant(0, 1), ...take(0)];
    case 'call':
      return [movConstant(1, 4), { ...insn, imm: take(0).length }, ...take(0), movRegister(0, 1), EXIT];
    default:
      throw new Error(`${row.id} (${row.kind}) has no program of its own`);
  }
}

/** Forwards over the end and back again, since the kernel refuses what cannot be reached: 1, then 8 more, then 4 more. */
function aroundGoto(goto: (distance: number) => Insn, end: readonly Insn[]): Insn[] {
  const add = (imm: number): Insn => ({ opcode: 0x07, dst: 0, src: 0, off: 0, imm });
  return [movConstant(0, 1), goto(1 + end.length), add(4), ...end, add(8), goto(-3 - end.length)];
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** `left=0x… right=0x… imm=…`: a case in one line, without its answer. */
export function describeCase({ id, left, right, imm, read }: InstructionCase): string {
  return [
    id,
    `left=${hex(left)}`,
    ...(right === undefined ? [] : [`right=${hex(right)}`]),
    ...(imm === undefined ? [] : [`imm=${imm}`]),
    read,
  ].join(' ');
}

/** A program of one instruction in which a field that must be zero (or a fixed value) is not. */
export interface RefusedCase {
  id: string;
  field: 'dst' | 'src' | 'off' | 'imm';
  value: number;
  insns: Insn[];
}

/** Every field of every instruction that the instruction does not use, set to something. */
export function refusedCases(): RefusedCase[] {
  const result: RefusedCase[] = [];
  for (const row of INSTRUCTIONS) {
    if (row.since === undefined || row.kernelInternal) continue;
    // The other constants of two slots name something, and the kernel asks for that first.
    if (row.kind === 'ld_imm64' && row.id !== 'ld_imm64') continue;
    for (const field of ['dst', 'src', 'off', 'imm'] as const) {
      if (row.uses.includes(field) || row.fixed[field] !== undefined) continue;
      const value = field === 'dst' || field === 'src' ? 2 : 3;
      const insn: Insn = {
        opcode: row.opcode,
        dst: row.uses.includes('dst') ? (['store', 'atomic', 'store_release'].includes(row.kind) ? 10 : 0) : 0,
        src: row.uses.includes('src') ? (['load', 'load_sx', 'load_acquire'].includes(row.kind) ? 10 : 1) : 0,
        off: row.uses.includes('off') ? (['jump', 'goto', 'may_goto', 'call'].includes(row.kind) ? 0 : -8) : 0,
        imm: 0,
        ...(row.operation === 'local' ? { imm: 2 } : {}),
        ...row.fixed,
        [field]: value,
      };
      result.push({
        id: row.id,
        field,
        value,
        insns: [
          movConstant(0, 0),
          { opcode: 0x7b, dst: 10, src: 0, off: -8, imm: 0 },
          insn,
          ...(row.kind === 'ld_imm64' ? [{ opcode: 0, dst: 0, src: 0, off: 0, imm: 0 }] : []),
          ...(row.kind === 'exit' ? [] : [movConstant(0, 0), EXIT]),
          ...(row.operation === 'local' ? [movConstant(0, 0), EXIT] : []),
        ],
      });
    }
  }
  return result;
}
