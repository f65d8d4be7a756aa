// Where a program's instructions can go next, slot by slot: for statement starts and for breakpoints that are met once a statement.
// Calls fall through: a subprogram is a graph of its own.

import { BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, insnClass, isLdImm64 } from '#core/isa';
import type { Insn } from '#core/isa';

/** Slots that may be executed after `slot`; empty after exit. */
export function successors(insns: readonly Insn[], slot: number): readonly number[] {
  const insn = insns[slot];
  if (!insn) return [];
  if (isLdImm64(insn)) return [slot + 2];
  const kind = insnClass(insn);
  if (kind !== BPF_JMP && kind !== BPF_JMP32) return [slot + 1];
  const operation = insn.opcode & 0xf0;
  if (operation === BPF_EXIT) return [];
  if (operation === BPF_CALL) return [slot + 1];
  if (operation === BPF_JA) return [jumpTarget(insn, slot)];
  return [slot + 1, jumpTarget(insn, slot)];
}

/** RFC 9669 section 4.3: the unconditional jump of class JMP32 counts in imm, all others in off. */
const jumpTarget = (insn: Insn, slot: number): number =>
  slot + 1 + (insnClass(insn) === BPF_JMP32 && (insn.opcode & 0xf0) === BPF_JA ? insn.imm : insn.off);

/** One byte a slot: 1 where some jump arrives. */
export function jumpTargets(insns: readonly Insn[]): Uint8Array {
  const targets = new Uint8Array(insns.length);
  for (let slot = 0, size = 1; slot < insns.length; slot += size) {
    size = isLdImm64(insns[slot]!) ? 2 : 1;
    for (const target of successors(insns, slot)) if (target !== slot + size && target >= 0 && target < targets.length) targets[target] = 1;
  }
  return targets;
}

/** First slot of the straight stretch of code that each slot belongs to: one begins where a jump arrives and behind every jump. */
export function straightStretches(insns: readonly Insn[], targets: Uint8Array): Int32Array {
  const starts = new Int32Array(insns.length);
  let start = 0;
  for (let slot = 0; slot < insns.length;) {
    const size = isLdImm64(insns[slot]!) ? 2 : 1;
    if (targets[slot] === 1) start = slot;
    starts.fill(start, slot, slot + size);
    const next = successors(insns, slot);
    if (next.length !== 1 || next[0] !== slot + size) start = slot + size;
    slot += size;
  }
  return starts;
}

/** Slots `start` to `end`, inclusive, that a jump back goes through. */
export interface Loop {
  start: number;
  end: number;
}

/** All loops; those that begin at the same slot count as one. Compilers for BPF lay a loop out in one piece. */
export function loopsOf(insns: readonly Insn[]): readonly Loop[] {
  const ends = new Map<number, number>();
  for (let slot = 0; slot < insns.length; slot += isLdImm64(insns[slot]!) ? 2 : 1)
    for (const target of successors(insns, slot))
      if (target >= 0 && target <= slot) ends.set(target, Math.max(slot, ends.get(target) ?? 0));
  return [...ends].map(([start, end]) => ({ start, end }));
}

/**
 * Those of `candidates` where a statement begins: execution from `entry` meets them before any other candidate, or comes back to
 * them in a loop without meeting another. The rest are later pieces of a statement that has begun already.
 */
export function statementBeginnings(insns: readonly Insn[], entry: number, candidates: readonly number[]): readonly number[] {
  if (candidates.length < 2) return candidates;
  const wanted = new Set(candidates);
  const first = new Set(metFirst(insns, [entry], wanted));
  return candidates.filter((slot) => first.has(slot) || metFirst(insns, successors(insns, slot), wanted).includes(slot));
}

/** The wanted slots that execution can reach from `from` without passing another wanted one. */
function metFirst(insns: readonly Insn[], from: readonly number[], wanted: ReadonlySet<number>): readonly number[] {
  const seen = new Uint8Array(insns.length);
  const found: number[] = [];
  const work = [...from];
  for (let slot = work.pop(); slot !== undefined; slot = work.pop()) {
    if (slot < 0 || slot >= insns.length || seen[slot]) continue;
    seen[slot] = 1;
    if (wanted.has(slot)) found.push(slot);
    else work.push(...successors(insns, slot));
  }
  return found;
}
