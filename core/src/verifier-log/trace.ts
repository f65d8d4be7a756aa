// The walk that a log shows, replayed: which instructions led to the refusal, what was known there, and where the offending value came
// from. Reads only what is printed; a part that is cut off is a part that nothing is said about.

import { meaningOf } from './patterns.ts';
import type { LoggedState } from './states.ts';
import type { LoggedCause, LoggedInsn, LoggedRegister } from './types.ts';

/** An instruction on the path, in its frame. */
export interface Step extends LoggedInsn {
  frame: number;
}

const WRITES = /^\([0-9a-f]{2}\) [rw](\d+) (=|[^=\s]+=) ?(.*)$/;
const MOVE = /^(?:\((?:s8|s16|s32|u8|u16|u32)\))?([rw])(\d+)$/;
const FILL = /^\*\(u64 \*\)\(r10 ([+-]\d+)\)$/;
const LOAD = /^\*\(\w+ \*\)\((r\d+) /;
const SPILL = /^\([0-9a-f]{2}\) \*\(u64 \*\)\(r10 ([+-]\d+)\) = r(\d+)$/;
const CALL = /^\([0-9a-f]{2}\) call (\S+?)(?:#-?\d+)?$/;
const LOCAL_CALL = /^\([0-9a-f]{2}\) call pc[+-]\d+/;
const EXIT = /^\([0-9a-f]{2}\) exit/;
const COMPARE = /^\([0-9a-f]{2}\) if (?:\((?:s8|s16|s32)\))?[rw](\d+) \S+ (?:[rw](\d+)|\S+) goto /;
const MEMORY = /\*\(\w+ \*\)\(r(\d+) [+-]/;

/** MAX_CALL_FRAMES is 8; a log that names more is none. */
const MOST_FRAMES = 16;

/** What the log says next, line by line; keeps the path to where the walk stands and the states of its frames. */
export class Walk {
  readonly path: Step[] = [];
  /** Registers and slots of each frame, by name. */
  private frames: Map<string, string>[] = [new Map()];
  /** Steps whose other branch was taken already. */
  private readonly taken = new WeakSet<Step>();
  /** The log's start is missing, or a branch begins at an instruction it does not show. */
  incomplete = false;

  /** Frame that the last state line named, where one stands between two instructions. */
  private told: number | undefined;
  private pending: (() => void) | undefined;

  insn(logged: LoggedInsn): void {
    this.settle();
    const before = this.path.at(-1);
    let frame = before?.frame ?? 0;
    if (this.told !== undefined) frame = this.told;
    else if (before && LOCAL_CALL.test(before.text) && logged.insn !== before.insn + 1) frame++;
    else if (before && EXIT.test(before.text) && frame > 0) frame--;
    this.told = undefined;
    if (frame > MOST_FRAMES) frame = MOST_FRAMES;
    const step: Step = Object.assign(logged, { frame });
    this.path.push(step);
    if (this.frames.length > frame + 1) this.frames.length = frame + 1;
    while (this.frames.length <= frame) this.frames.push(new Map());
    const known = this.frames[frame]!;
    // The state behind the instruction follows on its line; what it writes and clobbers is unknown until then.
    this.pending = () => {
      if (CALL.test(step.text)) for (const name of ['R0', 'R1', 'R2', 'R3', 'R4', 'R5']) known.delete(name);
      if (LOCAL_CALL.test(step.text)) this.frames.length = frame + 1;
    };
  }

  /** A state behind the last instruction; `whole` where it is all there is to know, as behind `from 5 to 9:`. */
  state({ frame, registers }: LoggedState, whole: boolean): void {
    this.settle();
    if (frame > MOST_FRAMES) return;
    this.told = frame;
    while (this.frames.length <= frame) this.frames.push(new Map());
    if (whole) {
      this.frames.length = frame + 1;
      this.frames[frame] = new Map();
    }
    const known = this.frames[frame]!;
    for (const { name, value } of registers) known.set(name, value);
  }

  settle(): void {
    this.pending?.();
    this.pending = undefined;
  }

  /** `from 5 to 9`: back to the last instruction 5 whose branch is still open. The walk takes branches in the reverse order of finding them. */
  from(insn: number): void {
    this.settle();
    while (this.path.length > 0) {
      const last = this.path.at(-1)!;
      if (last.insn === insn && !this.taken.has(last)) {
        this.taken.add(last);
        return;
      }
      this.path.pop();
    }
    this.incomplete = true;
  }

  /** What is known where the walk stands, registers before slots. */
  registers(): LoggedRegister[] {
    const frame = this.path.at(-1)?.frame ?? 0;
    const known = this.frames[Math.min(frame, this.frames.length - 1)]!;
    const order = (name: string): number =>
      name.startsWith('R') ? Number(name.slice(1)) : name.startsWith('fp') ? 100 - Number(name.slice(2)) : 10_000;
    return [...known].map(([name, value]) => ({ name, value })).sort((a, b) => order(a.name) - order(b.name));
  }
}

const isScalar = (value: string | undefined): boolean => value === undefined || /^(?:P?-?\d|P?0x|P?scalar|P?inv)/.test(value);
const isConstant = (value: string): boolean => /^P?(?:-?\d+|-?0x[0-9a-f]+|inv-?\d+)$/.test(value);

/** The register that the refusal is about, by the sentence or else by the instruction. */
export function offendingRegister(lines: readonly string[], instruction: string | undefined): number | undefined {
  for (const line of lines) {
    const register = meaningOf(line)?.register ?? /\bR(\d+)\b/.exec(line)?.[1];
    if (register !== undefined) return Number(register);
  }
  if (instruction === undefined) return undefined;
  const memory = MEMORY.exec(instruction);
  if (memory) return Number(memory[1]);
  const writes = WRITES.exec(instruction);
  return writes ? Number(writes[1]) : undefined;
}

/**
 * Where a register's value came from, oldest first: back along the path through moves, spills and fills, into callers and callees, and
 * with a pointer that was moved by a number to that number. `before` is the failing step's place on the path.
 */
export function causesOf(path: readonly Step[], before: number, register: number, known: readonly LoggedRegister[]): LoggedCause[] {
  const causes: { at: number; cause: LoggedCause }[] = [];
  const say = (at: number, text: string): void => {
    const { insn, logLine, source } = path[at]!;
    causes.push({ at, cause: { text, insn, logLine, ...(source && { source }) } });
  };
  const valueOf = (name: string): string | undefined => known.find((one) => one.name === name)?.value;
  let name = `R${register}`;
  let value = valueOf(name);
  let narrowed = false;
  let computed = false;
  let nullCheck: number | undefined;
  let frame = path[before]?.frame ?? path.at(-1)?.frame ?? 0;
  // The failing instruction itself may move a pointer by the number that is to blame.
  const failing = path[before] && WRITES.exec(path[before].text);
  const operand = failing && failing[2] !== '=' ? MOVE.exec(failing[3]!) : null;
  if (operand && Number(failing![1]) === register && !isScalar(value) && isScalar(valueOf(`R${operand[2]!}`))) {
    name = `R${operand[2]!}`;
    value = valueOf(name);
  }
  for (let i = before - 1; i >= 0; i--) {
    const step = path[i]!;
    if (step.frame > frame) {
      // What a function gave back; its other steps are its own affair.
      if (name === 'R0') frame = step.frame;
      else continue;
    }
    if (step.frame < frame) {
      if (!/^R[1-5]$/.test(name)) break;
      frame = step.frame;
      continue;
    }
    const slot = name.startsWith('fp');
    const spill = SPILL.exec(step.text);
    if (spill) {
      if (slot && Number(spill[1]) === Number(name.slice(2))) name = `R${spill[2]!}`;
      continue;
    }
    if (slot) {
      if (step.state !== undefined && new RegExp(`(?:^| )${name}(?:_\\w+)?=`).test(step.state) && MEMORY.test(step.text)) {
        say(i, 'it was written here');
        break;
      }
      continue;
    }
    const number = Number(name.slice(1));
    const compare = COMPARE.exec(step.text);
    if (compare) {
      // A copy of the register was compared: the log shows that both were limited.
      const shown = step.state !== undefined && new RegExp(`(?:^| )${name}(?:_\\w+)?=`).test(step.state);
      if (!narrowed && isScalar(value) && (shown || Number(compare[1]) === number || Number(compare[2] ?? -1) === number)) {
        narrowed = true;
        say(i, 'this comparison limited it last');
      }
      if (!isScalar(value) && Number(compare[1]) === number && / [!=]= 0x0 goto /.test(step.text)) nullCheck ??= i;
      continue;
    }
    const call = CALL.exec(step.text);
    if (call) {
      if (number > 5) {
        // The log shows a register that no call may change as a number behind this one: what it pointed to is gone.
        if (isScalar(value) && new RegExp(`(?:^| )R${number}(?:_\\w+)?=P?scalar`).test(step.state ?? '')) {
          say(i, `${call[1]!}() ends the pointer's life: from here on it is only a number`);
          value = 'a pointer';
        }
        continue;
      }
      const callee = LOCAL_CALL.test(step.text) ? 'the function' : `${call[1]!}()`;
      if (number > 0) say(i, `the call of ${callee} left it without a value here`);
      else if (/or_null|\(null\)/.test(value ?? step.state ?? '')) say(i, `${callee} may return NULL here`);
      else {
        if (nullCheck !== undefined && /or_null/.test(step.state ?? '')) say(nullCheck, 'this comparison leaves it not NULL');
        say(i, `${callee} returned it here`);
      }
      break;
    }
    const writes = WRITES.exec(step.text);
    if (!writes || Number(writes[1]) !== number) continue;
    const [, , operator, source] = writes;
    if (operator !== '=') {
      if (!computed) say(i, 'it was computed here');
      computed = true;
      const moved = MOVE.exec(source!);
      // A pointer went astray by the number that was added to it.
      if (moved && !isScalar(value) && !isConstant(valueAfter(path, i, `R${moved[2]!}`) ?? '')) {
        name = `R${moved[2]!}`;
        value = undefined;
      }
      continue;
    }
    const moved = MOVE.exec(source!);
    if (moved) {
      name = `R${moved[2]!}`;
      continue;
    }
    const fill = FILL.exec(source!);
    if (fill) {
      name = `fp${fill[1]!}`;
      continue;
    }
    if (LOAD.test(source!)) say(i, 'it was loaded here');
    else if (step.text.startsWith('(18)')) say(i, 'it was taken here');
    else say(i, 'it got its value here');
    break;
  }
  return causes.sort((a, b) => a.at - b.at).map(({ cause }) => cause);
}

/** What was last logged of a register up to a step. */
function valueAfter(path: readonly Step[], upTo: number, name: string): string | undefined {
  for (let i = upTo; i >= 0 && i > upTo - 64; i--) {
    const found = new RegExp(`(?:^| )${name}(?:_\\w+)?=(\\S+)`).exec(path[i]!.state ?? '');
    if (found) return found[1]!;
  }
  return undefined;
}

/** What begins a section in which little is allowed, and what ends it. */
const SECTIONS: readonly (readonly [RegExp, RegExp])[] = [
  [/^bpf_(?:res_)?spin_lock(?:_irqsave)?$/, /^bpf_(?:res_)?spin_unlock(?:_irqrestore)?$/],
  [/^bpf_rcu_read_lock$/, /^bpf_rcu_read_unlock$/],
  [/^bpf_preempt_disable$/, /^bpf_preempt_enable$/],
  [/^bpf_local_irq_save$/, /^bpf_local_irq_restore$/],
];

/** Sentences about what holds at an instruction rather than about a value. */
const ABOUT_SECTION = /\b(?:region|lock|section|while holding)\b/;

/** Causes that the sentence itself names: where a reference was acquired, where the section began. */
export function namedCauses(path: readonly Step[], lines: readonly string[]): LoggedCause[] {
  const causes: LoggedCause[] = [];
  if (lines.some((line) => ABOUT_SECTION.test(line))) {
    for (const [begins, ends] of SECTIONS) {
      // The failing instruction is the path's last; it begins nothing.
      const last = path.slice(0, -1).findLast(({ text }) => {
        const callee = CALL.exec(text)?.[1];
        return callee !== undefined && (begins.test(callee) || ends.test(callee));
      });
      const callee = last && CALL.exec(last.text)![1]!;
      if (last && begins.test(callee!))
        causes.push({
          text: `${callee!}() begins the section here`,
          insn: last.insn,
          logLine: last.logLine,
          ...(last.source && { source: last.source }),
        });
    }
  }
  for (const line of lines) {
    const acquired = /^Unreleased reference id=\d+ alloc_insn=(\d+)/.exec(line) ?? /acquired at insn_idx=(\d+)/.exec(line);
    if (!acquired) continue;
    const step = path.findLast(({ insn }) => insn === Number(acquired[1]));
    const callee = step && CALL.exec(step.text)?.[1];
    causes.push({
      text: `${callee === undefined ? 'it' : `${callee}()`} ${callee === undefined ? 'was acquired' : 'acquired it'} here`,
      insn: Number(acquired[1]),
      ...(step && { logLine: step.logLine, ...(step.source && { source: step.source }) }),
    });
  }
  return causes;
}
