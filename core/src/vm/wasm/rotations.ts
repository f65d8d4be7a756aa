// BPF has no rotation: compilers write `(x << k) | (x >> (64 - k))`. V8 puts 32-bit forms together again but not 64-bit ones, so hashes
// would pay three operations for each. This recognises them within a basic block; every register still ends with its exact value.

import { FIRST_CONSTANT } from '../decode.ts';
import { Op } from '../interpreter.ts';
import type { Emitter } from './operations.ts';
import { W } from './module-bytes.ts';

interface Shifted {
  left: boolean;
  count: number;
  /** Which value was shifted, and the local that keeps it. */
  value: number;
  local: number;
}

export class Rotations {
  /** A number for each register's value: equal numbers are equal values. */
  private values: number[] = [];
  private shifted: (Shifted | undefined)[] = [];
  private next = 0;

  constructor(private readonly newLocal: () => number) {}

  /** A block begins: nothing is known. */
  reset(): void {
    this.values = Array.from({ length: 11 }, () => this.next++);
    this.shifted = [];
  }

  /** Notes the instruction; true if it was written here as a rotation. `written` is the register it writes, or -1. */
  emit(e: Emitter, op: Op, d: number, s: number, written: number): boolean {
    const dst = d >> 1;
    const src = s >> 1;
    if (op === Op.mov && s < FIRST_CONSTANT) {
      this.values[dst] = this.values[src]!;
      this.shifted[dst] = this.shifted[src];
      return false;
    }
    if ((op === Op.lsh || op === Op.rsh) && s >= FIRST_CONSTANT) {
      const local = this.newLocal();
      e.get(e.registers[dst]!);
      e.set(local);
      this.shifted[dst] = { left: op === Op.lsh, count: e.code.registers[s]! & 63, value: this.values[dst]!, local };
      this.values[dst] = this.next++;
      return false;
    }
    const a = this.shifted[dst];
    const b = s < FIRST_CONSTANT ? this.shifted[src] : undefined;
    if (written >= 0) {
      this.values[written] = this.next++;
      this.shifted[written] = undefined;
    }
    // With or, xor and add alike: the two parts have no bit in common.
    if (
      (op !== Op.or && op !== Op.xor && op !== Op.add) ||
      !a ||
      !b ||
      a.left === b.left ||
      a.value !== b.value ||
      a.count + b.count !== 64
    )
      return false;
    e.get(a.local);
    e.i64(a.left ? a.count : b.count);
    e.op(W.i64_rotl);
    e.set(e.registers[dst]!);
    return true;
  }
}
