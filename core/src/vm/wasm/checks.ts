// Which memory accesses of a basic block need a check, and where checks can be shared. A check that fails does not fault: compiled code
// leaves to the interpreter before the instruction, and that decides exactly. So a check may come early and may cover many accesses.
//
// What needs no check at all:
// - An access at a constant distance from r10 that lies in the frame's 512 bytes. r10 cannot be written (decode.ts makes that a fault),
//   and a frame's stack is readable and writable as long as the frame lives.
// - With `checks: 'unproven'`, a slot for which Executable.proven is non-zero. The proof must say that, on every path and for every input,
//   the access lies wholly in one region that is alive, with the permission it needs, and that an atomic access is aligned. The Linux
//   verifier's rules prove this for PTR_TO_STACK, PTR_TO_MAP_VALUE, PTR_TO_PACKET and PTR_TO_PACKET_META below a compared end,
//   PTR_TO_CTX, PTR_TO_MEM and PTR_TO_BUF. They do not prove it for PTR_TO_BTF_ID (a kernel object's load may fault and then gives 0),
//   for PTR_TO_ARENA (pages may be missing), for PTR_UNTRUSTED of any kind, or for memory that a program may reach after its
//   reference has gone. Whoever fills `proven` leaves those slots zero.

import { STACK_SIZE } from '../address-space.ts';
import { type Decoded, FIRST_CONSTANT, STRIDE } from '../decode.ts';
import { Op } from '../interpreter.ts';
import { RED_ZONE } from '../memory.ts';
import type { Block } from './control-flow.ts';

/** Bytes that one group of accesses may span. */
const MAX_SPAN = 4096;

/** Bytes of the root pointer's neighbourhood to look up in a plane: `size` of them from `offset` on, in one load. */
export interface Point {
  write: boolean;
  offset: number;
  size: 1 | 2 | 4 | 8;
}

/** A check of everything that the block accesses through one value of one register. */
export interface Guard {
  /** Register whose value at this place is the root. */
  register: number;
  /** Made before the instruction at this position of the block's body; 0 is the block's entry. */
  position: number;
  /** Lowest offset from the root. */
  lowest: number;
  points: Point[];
  /** Offsets from the root that must be multiples of `size` (atomics). */
  alignments: { offset: number; size: number }[];
}

export interface BlockChecks {
  /** By position, in order. */
  guards: Guard[];
  /** Slots whose access is at a constant distance from r10, with that distance. */
  onStack: ReadonlyMap<number, number>;
}

export interface Access {
  /** Register pair / 2 of the base. */
  base: number;
  off: number;
  size: 1 | 2 | 4 | 8;
  read: boolean;
  write: boolean;
  aligned: boolean;
}

const SIZES: Record<number, 1 | 2 | 4 | 8> = {
  [Op.ldxb]: 1,
  [Op.ldxh]: 2,
  [Op.ldxw]: 4,
  [Op.ldxdw]: 8,
  [Op.ldxsb]: 1,
  [Op.ldxsh]: 2,
  [Op.ldxsw]: 4,
  [Op.stb]: 1,
  [Op.sth]: 2,
  [Op.stw]: 4,
  [Op.stdw]: 8,
};

/** The memory access of a slot, if it has one. */
export function accessAt(code: Decoded, slot: number): Access | undefined {
  const at = slot * STRIDE;
  const op: Op = code.code[at]!;
  const d = code.code[at + 1]! >> 1;
  const s = code.code[at + 2]! >> 1;
  const extra = code.code[at + 3]!;
  if (op >= Op.ldxb && op <= Op.ldxsw) return { base: s, off: extra, size: SIZES[op]!, read: true, write: false, aligned: false };
  if (op >= Op.stb && op <= Op.stdw) return { base: d, off: extra, size: SIZES[op]!, read: false, write: true, aligned: false };
  const size = (extra & 0xf) as 1 | 2 | 4 | 8;
  if (op === Op.atomic) return { base: d, off: extra >> 16, size, read: true, write: true, aligned: true };
  if (op === Op.loadAcquire) return { base: s, off: extra >> 16, size, read: true, write: false, aligned: true };
  if (op === Op.storeRelease) return { base: d, off: extra >> 16, size, read: false, write: true, aligned: true };
  return undefined;
}

/** Register that the slot's instruction writes, -1 for none. A cmpxchg writes r0, another fetching atomic its source. */
export function writtenBy(code: Decoded, slot: number): number {
  const at = slot * STRIDE;
  const op: Op = code.code[at]!;
  if ((op >= Op.stb && op <= Op.stdw) || op === Op.storeRelease || op === Op.nop) return -1;
  if (op === Op.atomic) {
    const operation = (code.code[at + 3]! >> 4) & 0xfff;
    return (operation & 1) === 0 ? -1 : operation === 0xf1 ? 0 : code.code[at + 2]! >> 1;
  }
  return code.code[at + 1]! >> 1;
}

/** A register's value as far as the block knows it: what `register` held at `position`, plus `offset`. */
interface Value {
  register: number;
  position: number;
  offset: number;
}

interface Group {
  root: Value;
  accesses: { offset: number; access: Access }[];
}

export function planChecks(code: Decoded, block: Block, proven: Uint8Array | undefined): BlockChecks {
  const values: Value[] = Array.from({ length: 11 }, (_, register) => ({ register, position: 0, offset: 0 }));
  const groups: Group[] = [];
  const onStack = new Map<number, number>();

  block.body.forEach((slot, position) => {
    const access = accessAt(code, slot);
    if (access) {
      const value = values[access.base]!;
      const offset = value.offset + access.off;
      const isFrame = value.register === 10;
      if (isFrame && offset >= -STACK_SIZE && offset + access.size <= 0 && (!access.aligned || offset % access.size === 0))
        onStack.set(slot, offset);
      else if (!proven?.[slot]) addToGroup(groups, value, { offset, access });
    }
    const written = writtenBy(code, slot);
    if (written >= 0) values[written] = valueAfter(code, slot, position, values);
  });

  const guards = groups.map(guardOf).sort((a, b) => a.position - b.position);
  return { guards, onStack };
}

function valueAfter(code: Decoded, slot: number, position: number, values: readonly Value[]): Value {
  const at = slot * STRIDE;
  const op: Op = code.code[at]!;
  const d = code.code[at + 1]! >> 1;
  const s = code.code[at + 2]!;
  if (op === Op.mov && s < FIRST_CONSTANT) return values[s >> 1]!;
  if ((op === Op.add || op === Op.sub) && s >= FIRST_CONSTANT) {
    const low = code.registers[s]!;
    const before = values[d]!;
    const offset = op === Op.add ? before.offset + low : before.offset - low;
    if (code.registers[s + 1] === low >> 31 && Math.abs(offset) < 1 << 28) return { ...before, offset };
  }
  return { register: writtenBy(code, slot), position: position + 1, offset: 0 };
}

function addToGroup(groups: Group[], root: Value, entry: Group['accesses'][number]): void {
  const end = entry.offset + entry.access.size;
  for (const group of groups) {
    if (group.root.register !== root.register || group.root.position !== root.position) continue;
    const from = Math.min(entry.offset, ...group.accesses.map(({ offset }) => offset));
    const to = Math.max(end, ...group.accesses.map(({ offset, access }) => offset + access.size));
    if (to - from > MAX_SPAN) continue;
    group.accesses.push(entry);
    return;
  }
  groups.push({ root, accesses: [entry] });
}

function guardOf({ root, accesses }: Group): Guard {
  const lowest = Math.min(...accesses.map(({ offset }) => offset));
  const points = [
    ...pointsOf(
      accesses.filter(({ access }) => access.read),
      false,
    ),
    ...pointsOf(
      accesses.filter(({ access }) => access.write),
      true,
    ),
  ];
  const alignments = accesses.filter(({ access }) => access.aligned).map(({ offset, access }) => ({ offset, size: access.size }));
  // The lowest point first: the buffer's end zone makes looking ahead from an allowed byte safe, and only from there.
  points.sort((a, b) => a.offset - b.offset);
  return { register: root.register, position: root.position, lowest, points, alignments };
}

/**
 * Points that cover the accesses. One access, or several in the same few bytes, is one load of the plane. A wider neighbourhood is looked
 * up every RED_ZONE bytes and at its end: regions are RED_ZONE bytes apart, so allowed points closer than that lie in one region.
 */
function pointsOf(accesses: Group['accesses'], write: boolean): Point[] {
  const sorted = [...accesses].sort((a, b) => a.offset - b.offset);
  const points: Point[] = [];
  for (let i = 0; i < sorted.length;) {
    const from = sorted[i]!.offset;
    let to = from + sorted[i]!.access.size;
    let next = i + 1;
    // Accesses close enough share their points.
    while (next < sorted.length && sorted[next]!.offset < to + RED_ZONE) {
      to = Math.max(to, sorted[next]!.offset + sorted[next]!.access.size);
      next++;
    }
    const span = to - from;
    if (span === 1 || span === 2 || span === 4 || span === 8) {
      points.push({ write, offset: from, size: span });
    } else {
      for (let at = from; at < to - 1; at += RED_ZONE) points.push({ write, offset: at, size: 1 });
      points.push({ write, offset: to - 1, size: 1 });
    }
    i = next;
  }
  return points;
}
