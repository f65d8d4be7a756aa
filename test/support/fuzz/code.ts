// Instructions with labels, put together into slots; and the way back, so that a failing program can lose instructions and stay whole.

import {
  BPF_CALL,
  BPF_JA,
  BPF_JMP,
  BPF_JMP32,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_EXIT,
  BPF_JCOND,
  insnClass,
  type Insn,
  isLdImm64,
} from '#core/isa';

export interface Label {
  /** Index of the item it stands before; -1 until placed. */
  at: number;
}

/** One instruction; an ld_imm64 is one item of two slots. `target` fills in its jump, call or function distance. */
export interface Item {
  readonly insn: Insn;
  /** The second slot of an ld_imm64. */
  readonly second?: Insn | undefined;
  readonly target?: Label | undefined;
}

const isFunctionLoad = (insn: Insn): boolean => isLdImm64(insn) && insn.src === BPF_PSEUDO_FUNC;
const isSubprogramCall = (insn: Insn): boolean => insn.opcode === (BPF_JMP | BPF_CALL) && insn.src === BPF_PSEUDO_CALL;
/** Distance in imm instead of off: calls, `gotol` and function loads. */
const distanceInImm = (insn: Insn): boolean => isSubprogramCall(insn) || isFunctionLoad(insn) || insn.opcode === (BPF_JMP32 | BPF_JA);

function isJump(insn: Insn): boolean {
  const class_ = insnClass(insn);
  if (class_ !== BPF_JMP && class_ !== BPF_JMP32) return false;
  const operation = insn.opcode & 0xf0;
  return operation !== BPF_CALL && operation !== BPF_EXIT && operation <= BPF_JCOND;
}

/** The slots of the items. A label behind the last item gives a jump out of the program, which is a program to try as well. */
export function place(items: readonly Item[]): { insns: Insn[]; slotOf: readonly number[] } {
  const slotOf: number[] = [];
  let slots = 0;
  for (const { second } of items) {
    slotOf.push(slots);
    slots += second ? 2 : 1;
  }
  slotOf.push(slots);
  const insns: Insn[] = [];
  items.forEach(({ insn, second, target }, index) => {
    const distance = target ? slotOf[target.at]! - slotOf[index]! - 1 : 0;
    insns.push(!target ? insn : distanceInImm(insn) ? { ...insn, imm: distance } : { ...insn, off: distance });
    if (second) insns.push(second);
  });
  return { insns, slotOf };
}

/** Items of a program in slots. Jumps into the middle of an ld_imm64 or out of the program keep their distance as it is. */
export function itemsOf(insns: readonly Insn[]): { items: Item[]; itemAt: ReadonlyMap<number, number> } {
  const itemAt = new Map<number, number>();
  const raw: { insn: Insn; second?: Insn; slot: number }[] = [];
  for (let slot = 0; slot < insns.length; slot++) {
    itemAt.set(slot, raw.length);
    const insn = insns[slot]!;
    const second = isLdImm64(insn) ? insns[slot + 1] : undefined;
    raw.push({ insn, slot, ...(second && { second }) });
    if (second) slot++;
  }
  itemAt.set(insns.length, raw.length);
  const items = raw.map(({ insn, second, slot }): Item => {
    const jumps = isJump(insn) || isSubprogramCall(insn) || isFunctionLoad(insn);
    const at = jumps ? itemAt.get(slot + 1 + (distanceInImm(insn) ? insn.imm : insn.off)) : undefined;
    return { insn, second, target: at === undefined ? undefined : { at } };
  });
  return { items, itemAt };
}

/** Without the items from `from` on, `count` of them; labels move along. */
export function without(items: readonly Item[], from: number, count: number): Item[] {
  const moved = (at: number): number => (at <= from ? at : at < from + count ? from : at - count);
  return items
    .filter((_, index) => index < from || index >= from + count)
    .map((item) => (item.target ? { ...item, target: { at: moved(item.target.at) } } : item));
}
