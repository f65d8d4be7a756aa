// Follows a value backwards along the path that failed: through moves, spills, arithmetic, calls and comparisons to where it was
// made. Facts only; the sentences are in value-words.ts.

import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_EXIT,
  BPF_FETCH,
  BPF_JA,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_MOV,
  BPF_PSEUDO_CALL,
  BPF_ST,
  BPF_STX,
  BPF_SUB,
  insnClass,
  type Insn,
  isLdImm64,
  modeField,
  sizeField,
  usesRegisterSource,
} from '#core/isa';
import type { VerifierEnvironment } from '../state/environment.ts';
import { PTR_TO_STACK, type Register, SCALAR_VALUE } from '../state/registers.ts';
import type { TraceStep } from './trace.ts';

/** Where a value is: a register of a frame, or bytes of a frame's stack. */
export type Carrier =
  | { readonly kind: 'register'; readonly frame: number; readonly register: number }
  | { readonly kind: 'stack'; readonly frame: number; readonly offset: number; readonly size: number };

/** What of a pointer is followed: what it points to, or the number that moves it. */
export type Focus = 'object' | 'offset';

interface EventBase {
  /** Step of the path. */
  readonly step: number;
  readonly insn: number;
  /** What was known of the value after the instruction. */
  readonly after: Register;
  /** Register that holds it, in the frame of the step, where it is in one. */
  readonly register?: number;
  /** Rounds of a loop that did it again. */
  times: number;
}

export type ValueEvent = EventBase &
  (
    | { readonly kind: 'call' | 'load' | 'constant' | 'memory-load' | 'entry' | 'callback' }
    /** A comparison that told something. `before` is what was known before it. */
    | { readonly kind: 'branch'; readonly before: Register; readonly taken: boolean }
    | {
        readonly kind: 'computed';
        readonly before: Register;
        readonly other: Register | undefined;
        readonly otherRegister: number | undefined;
      }
    | { readonly kind: 'truncated'; readonly before: Register }
    | { readonly kind: 'spilled'; readonly before: Register; readonly size: number }
    | { readonly kind: 'passed'; readonly argument: number }
    | { readonly kind: 'returned' }
    | { readonly kind: 'released' | 'clobbered' }
  );

type NewEvent = ValueEvent extends infer E ? (E extends ValueEvent ? Omit<E, 'insn' | 'times' | 'step'> : never) : never;

const MAX_EVENTS = 24;
const SIZES: readonly number[] = [4, 2, 1, 8];
const sizeOfAccess = (insn: Insn): number => SIZES[sizeField(insn) >> 3]!;

export const isHelperCall = (insn: Insn): boolean => insn.opcode === (BPF_JMP | BPF_CALL) && insn.src !== BPF_PSEUDO_CALL;
export const isFunctionCall = (insn: Insn): boolean => insn.opcode === (BPF_JMP | BPF_CALL) && insn.src === BPF_PSEUDO_CALL;

export function isConditional(insn: Insn): boolean {
  const class_ = insnClass(insn);
  const operation = insn.opcode & 0xf0;
  return (class_ === BPF_JMP || class_ === BPF_JMP32) && operation !== BPF_JA && operation !== BPF_CALL && operation !== BPF_EXIT;
}

/** Register that an instruction writes by itself; -1 for none. Calls write r0 and are not asked here. */
function writtenRegister(insn: Insn): number {
  switch (insnClass(insn)) {
    case BPF_ALU:
    case BPF_ALU64:
    case BPF_LDX:
      return insn.dst;
    case BPF_LD:
      return isLdImm64(insn) ? insn.dst : 0;
    case BPF_STX:
      return modeField(insn) === BPF_ATOMIC && insn.imm & BPF_FETCH ? (insn.imm === 0xf1 ? 0 : insn.src) : -1;
    default:
      return -1;
  }
}

/** Bytes of stack that a store touches: their frame and offset from that frame's pointer. */
function stackStore(step: TraceStep, insn: Insn): { frame: number; offset: number; size: number; value: number } | undefined {
  const class_ = insnClass(insn);
  if (class_ !== BPF_ST && class_ !== BPF_STX) return undefined;
  const pointer = step.registers[insn.dst]!;
  if (pointer.type !== PTR_TO_STACK || pointer.scalar.mask !== 0n) return undefined;
  const offset = pointer.off + Number(BigInt.asIntN(64, pointer.scalar.value)) + insn.off;
  return {
    frame: pointer.frame,
    offset,
    size: sizeOfAccess(insn),
    value: class_ === BPF_STX && modeField(insn) !== BPF_ATOMIC ? insn.src : -1,
  };
}

/** The stack slot that a load reads. */
export function stackLoad(step: TraceStep, insn: Insn): { frame: number; offset: number; size: number } | undefined {
  if (insnClass(insn) !== BPF_LDX) return undefined;
  const pointer = step.registers[insn.src]!;
  if (pointer.type !== PTR_TO_STACK || pointer.scalar.mask !== 0n) return undefined;
  return {
    frame: pointer.frame,
    offset: pointer.off + Number(BigInt.asIntN(64, pointer.scalar.value)) + insn.off,
    size: sizeOfAccess(insn),
  };
}

const known = (register: Register): boolean => register.scalar.mask === 0n;

export class ValuePath {
  /** Newest first. */
  readonly events: ValueEvent[] = [];
  private readonly seen = new Map<string, ValueEvent>();

  constructor(
    private readonly env: VerifierEnvironment,
    private readonly path: readonly TraceStep[],
    /** Registers as they are now, of the frame of the last step. */
    private readonly now: readonly Register[],
  ) {}

  /** Registers of a frame after the step at `i`. */
  private after(i: number, frame: number): readonly Register[] {
    for (let next = i + 1; next < this.path.length; next++) if (this.path[next]!.frame === frame) return this.path[next]!.registers;
    return this.now;
  }

  private add(step: number, event: NewEvent): void {
    const { insn } = this.path[step]!;
    const key = `${insn} ${event.kind}`;
    const same = this.seen.get(key);
    if (same) {
      same.times++;
      return;
    }
    const made = { ...event, insn, step, times: 1 } as ValueEvent;
    this.seen.set(key, made);
    this.events.push(made);
  }

  /** Follows the value that `carrier` holds before the step at `from`. */
  follow(from: number, start: Carrier, focus: Focus): void {
    let carrier = start;
    let at = focus;
    /** Links of the value while it lies on the stack, where only its id tells of comparisons. */
    let id = 0;
    for (let i = from - 1; i >= 0 && this.events.length < MAX_EVENTS; i--) {
      const step = this.path[i]!;
      const insn = this.env.insns[step.insn]!;
      if (step.frame < carrier.frame) {
        const next = this.enterCaller(i, step, insn, carrier);
        if (!next) return;
        carrier = next;
        continue;
      }
      if (carrier.kind === 'stack') {
        const store = stackStore(step, insn);
        if (
          store &&
          store.frame === carrier.frame &&
          store.offset < carrier.offset + carrier.size &&
          store.offset + store.size > carrier.offset
        ) {
          if (store.value < 0) {
            this.add(i, { kind: 'constant', after: this.nowOf(i, carrier) });
            return;
          }
          const stored = step.registers[store.value]!;
          if (store.offset !== carrier.offset || store.size !== carrier.size)
            this.add(i, { kind: 'spilled', before: stored, after: stored, size: store.size, register: store.value });
          carrier = { kind: 'register', frame: step.frame, register: store.value };
          id = 0;
          continue;
        }
        if (isHelperCall(insn) && this.mayFill(step, carrier)) {
          this.add(i, { kind: 'memory-load', after: this.nowOf(i, carrier) });
          return;
        }
        if (id !== 0 && isConditional(insn)) this.linkedBranch(i, step, insn, id);
        continue;
      }
      if (step.frame > carrier.frame) {
        // What a function does in its own frame changes the caller's r0 only.
        if (carrier.register === 0 && insn.opcode === (BPF_JMP | BPF_EXIT) && step.frame === carrier.frame + 1) {
          this.add(i, { kind: 'returned', after: step.registers[0]!, register: 0 });
          carrier = { kind: 'register', frame: step.frame, register: 0 };
        }
        continue;
      }
      const { register } = carrier;
      if (isConditional(insn)) {
        this.branch(i, step, insn, register);
        continue;
      }
      if (insn.opcode === (BPF_JMP | BPF_CALL)) {
        if (register <= 5 && isHelperCall(insn)) {
          this.add(i, { kind: register === 0 ? 'call' : 'clobbered', after: this.after(i, step.frame)[register]!, register });
          return;
        }
        if (isHelperCall(insn) && this.released(i, step, register)) return;
        if (register >= 1 && register <= 5) {
          this.add(i, { kind: 'clobbered', after: this.after(i, step.frame)[register]!, register });
          return;
        }
        continue;
      }
      if (writtenRegister(insn) !== register) {
        // A store over a dynptr ends its slices.
        if (this.released(i, step, register)) return;
        continue;
      }
      const next = this.definition(i, step, insn, register, at);
      if (!next) return;
      carrier = next.carrier;
      at = next.focus;
      id = next.id;
    }
    if (this.events.length < MAX_EVENTS && carrier.kind === 'register' && this.path[0] && carrier.frame === this.path[0].frame) {
      this.add(0, { kind: 'entry', after: this.path[0].registers[carrier.register]!, register: carrier.register });
    }
  }

  private nowOf(i: number, carrier: Carrier): Register {
    return carrier.kind === 'register' ? this.after(i, carrier.frame)[carrier.register]! : this.path[i]!.registers[0]!;
  }

  /** The step before the function was entered: an argument comes from the caller. */
  private enterCaller(i: number, step: TraceStep, insn: Insn, carrier: Carrier): Carrier | undefined {
    if (carrier.kind === 'stack') return undefined;
    const { register } = carrier;
    if (register < 1 || register > 5) return undefined;
    if (!isFunctionCall(insn)) {
      this.add(i, { kind: 'callback', after: this.after(i, carrier.frame)[register]!, register });
      return undefined;
    }
    this.add(i, { kind: 'passed', after: step.registers[register]!, argument: register, register });
    return { kind: 'register', frame: step.frame, register };
  }

  /** A call after which the pointer is worth nothing. */
  private released(i: number, step: TraceStep, register: number): boolean {
    const before = step.registers[register]!;
    const after = this.after(i, step.frame)[register]!;
    if (before === after || before.type === SCALAR_VALUE || after.type === before.type) return false;
    this.add(i, { kind: 'released', after, register });
    return true;
  }

  /** A helper that got a pointer to the bytes may have written them. */
  private mayFill(step: TraceStep, carrier: Carrier & { kind: 'stack' }): boolean {
    for (let regno = 1; regno <= 5; regno++) {
      const pointer = step.registers[regno]!;
      if (pointer.type !== PTR_TO_STACK || pointer.frame !== carrier.frame || !known(pointer)) continue;
      const start = pointer.off + Number(BigInt.asIntN(64, pointer.scalar.value));
      const size = step.registers[regno + 1];
      const length = size?.type === SCALAR_VALUE ? Number(size.scalar.umax < 512n ? size.scalar.umax : 512n) : 8;
      if (carrier.offset >= start && carrier.offset < start + length) return true;
    }
    return false;
  }

  private branch(i: number, step: TraceStep, insn: Insn, register: number): void {
    const before = step.registers[register]!;
    const after = this.after(i, step.frame)[register]!;
    if (before === after || (before.scalar === after.scalar && before.type === after.type && before.range === after.range)) return;
    if (before.type === after.type && sameRange(before, after) && before.range === after.range) return;
    this.add(i, { kind: 'branch', before, after, taken: this.taken(i, insn), register });
  }

  private linkedBranch(i: number, step: TraceStep, insn: Insn, id: number): void {
    for (const regno of usesRegisterSource(insn) ? [insn.dst, insn.src] : [insn.dst]) {
      const before = step.registers[regno]!;
      if (before.type !== SCALAR_VALUE || before.id !== id) continue;
      this.branch(i, step, insn, regno);
    }
  }

  private taken(i: number, insn: Insn): boolean {
    const next = this.path[i + 1]?.insn ?? this.env.insn;
    return insn.off !== 0 && next !== this.path[i]!.insn + 1;
  }

  /** The instruction that made the register what it is: an event where it tells something, and what to follow from there. */
  private definition(
    i: number,
    step: TraceStep,
    insn: Insn,
    register: number,
    focus: Focus,
  ): { carrier: Carrier; focus: Focus; id: number } | undefined {
    const after = this.after(i, step.frame)[register]!;
    const on = (regno: number, next: Focus = focus) => ({
      carrier: { kind: 'register' as const, frame: step.frame, register: regno },
      focus: next,
      id: 0,
    });
    const class_ = insnClass(insn);
    if (class_ === BPF_LDX) {
      const slot = stackLoad(step, insn);
      if (!slot) {
        this.add(i, { kind: 'load', after, register });
        return undefined;
      }
      return { carrier: { kind: 'stack', ...slot }, focus, id: after.id };
    }
    if (class_ !== BPF_ALU && class_ !== BPF_ALU64) {
      this.add(i, { kind: class_ === BPF_LD && isLdImm64(insn) ? 'constant' : 'load', after, register });
      return undefined;
    }
    const operation = insn.opcode & 0xf0;
    const fromRegister = usesRegisterSource(insn);
    if (operation === BPF_MOV) {
      if (!fromRegister) {
        this.add(i, { kind: 'constant', after, register });
        return undefined;
      }
      const source = step.registers[insn.src]!;
      if (class_ === BPF_ALU && source.scalar.umax > 0xffff_ffffn) this.add(i, { kind: 'truncated', before: source, after, register });
      else if (class_ === BPF_ALU64 && insn.off > 1 && !sameRange(source, after))
        this.add(i, { kind: 'truncated', before: source, after, register });
      return on(insn.src);
    }
    const target = step.registers[insn.dst]!;
    const source = fromRegister ? step.registers[insn.src]! : undefined;
    const targetIsPointer = target.type !== SCALAR_VALUE;
    const sourceIsPointer = source !== undefined && source.type !== SCALAR_VALUE;
    if ((targetIsPointer || sourceIsPointer) && (operation === BPF_ADD || operation === BPF_SUB) && after.type !== SCALAR_VALUE) {
      const pointer = targetIsPointer ? target : source!;
      const number = targetIsPointer ? source : target;
      const pointerRegister = targetIsPointer ? insn.dst : insn.src;
      if (focus === 'object' || number === undefined) return on(pointerRegister);
      const numberRegister = targetIsPointer ? insn.src : insn.dst;
      return reach(number) >= reach(pointer) ? on(numberRegister) : on(pointerRegister);
    }
    const other = targetIsPointer || source === undefined || moreIsKnown(source, target) ? source : target;
    const followed = other === source ? insn.dst : insn.src;
    this.add(i, {
      kind: 'computed',
      before: step.registers[followed]!,
      after,
      other: fromRegister ? other : undefined,
      otherRegister: fromRegister ? (other === source ? insn.src : insn.dst) : undefined,
      register,
    });
    return on(followed);
  }
}

/** How far an offset can move a pointer. */
const reach = ({ scalar }: Register): bigint =>
  scalar.smin < 0n && scalar.mask !== 0n ? 1n << 64n : scalar.mask === 0n ? 0n : scalar.umax;

const width = ({ scalar }: Register): bigint => scalar.umax - scalar.umin;
const moreIsKnown = (a: Register, b: Register): boolean => known(a) || width(a) < width(b);

export const sameRange = (a: Register, b: Register): boolean =>
  a.scalar.smin === b.scalar.smin &&
  a.scalar.smax === b.scalar.smax &&
  a.scalar.umin === b.scalar.umin &&
  a.scalar.umax === b.scalar.umax &&
  a.scalar.mask === b.scalar.mask;
