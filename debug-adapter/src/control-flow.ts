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
const jumpTarget = (insn: Insn, slot: number): number => slot + 1 + (insnClass(insn) === BPF_JMP32 && (insn.opcode & 0xf0) === BPF_JA ? insn.imm : insn.off);

/** One byte a slot: 1 where some jump arrives. */
export function jumpTargets(insns: readonly Insn[]): Uint8Array {
  const targets = new Uint8Array(insns.length);
  for (let slot = 0; slot < insns.length; slot += isLdImm64(insns[slot]!) ? 2 : 1) {
    const next = successors(insns, slot);
    for (const target of next) if (target !== slot + 1 && target >= 0 && target < targets.length) targets[target] = 1;
  }
  return targets;
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
