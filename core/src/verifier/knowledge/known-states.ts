// Gathers what was known before each instruction over all paths, for hovers and inlay hints (VerifyOptions.keepStates).
// A path that ends at a checkpoint brings numbers that were never walked on, since nothing depended on them: they are carried on
// through copies here, and what is computed from them is `open`. Nothing of the verdict depends on this.

import {
  BPF_ALU,
  BPF_ALU64,
  BPF_CALL,
  BPF_DW,
  BPF_EXIT,
  BPF_JMP,
  BPF_LDX,
  BPF_MEM,
  BPF_MOV,
  BPF_PSEUDO_CALL,
  BPF_ST,
  BPF_STX,
  insnClass,
  type Insn,
  modeField,
  sizeField,
  usesRegisterSource,
} from '#core/isa';
import { successors } from '../flow/cfg.ts';
import { U32_MAX } from '../numbers/scalar.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import type { KnownShape, KnownSlot, KnownState, KnownStates, KnownValue } from './known-value.ts';
import { usesAndDefinitions } from '../flow/liveness-registers.ts';
import { formatRegister } from '../state/log.ts';
import {
  baseType,
  isPacketPointer,
  mayBeNull,
  NOT_INIT,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_KEY,
  PTR_TO_MEM,
  PTR_TO_STACK,
  type Register,
  SCALAR_VALUE,
  typeName,
} from '../state/registers.ts';
import { BPF_REG_FP, byteKind, isSpilled, REGISTER_COUNT, SLOT_LETTERS, type StackSlot } from '../state/state.ts';

const MAX_SHAPES = 6;
const MAX_TEXTS = 4;
/** Registers of one place whose text is made: later ones only widen the numbers. */
const MAX_FORMATTED = 32;
/** Of larger programs only registers are kept, without the edges: nobody reads them line by line, and the stack alone would be megabytes. */
const MAX_DETAILED_INSNS = 4_000;
/** And of programs beyond this nothing: half a second for every keystroke would be too much. */
const MAX_INSNS = 20_000;
/** Walks that are longer are not followed to their end: what was seen so far would be only a part of the truth, so nothing is said. */
const MAX_STEPS = 100_000;

type Shape = { -readonly [Key in keyof KnownShape]: KnownShape[Key] };

/** Registers are values that many states share: what is said of one is made once. */
const words = new WeakMap<Register, { shape: KnownShape; text: string | undefined; frame: number }>();

/** One register or slot at one place, over all states. */
class Cell {
  last: Register | undefined;
  shapes: Shape[] = [];
  texts = new Set<string>();
  open = false;
  private formatted = 0;
  /** Of how many registers this is the hull, and whether anything else was joined. */
  private noted = 0;

  note(register: Register, frame: number): void {
    if (register === this.last) return;
    this.last = register;
    this.noted++;
    let said = words.get(register);
    if (!said) words.set(register, (said = { shape: shapeOf(register), text: undefined, frame }));
    this.join(said.shape);
    if (this.formatted >= MAX_FORMATTED || this.texts.size >= MAX_TEXTS) return;
    this.formatted++;
    if (said.text === undefined || said.frame !== frame) {
      said.text = formatRegister(register, frame);
      said.frame = frame;
    }
    this.texts.add(said.text);
  }

  /** Whether anything new was in it. */
  join(shape: KnownShape): boolean {
    const known = this.shapes.find((one) => sameKind(one, shape));
    if (!known) {
      if (this.open && this.shapes.length >= MAX_SHAPES) return false;
      if (this.shapes.length >= MAX_SHAPES) this.open = true;
      else this.shapes.push({ ...shape });
      return true;
    }
    return widen(known, shape);
  }

  /** States share registers, so places that hold one alone share what is said of it. */
  value(shared: Map<Register, KnownValue>): KnownValue {
    const single = this.noted === 1 && !this.joined && !this.open ? this.last : undefined;
    const known = single && shared.get(single);
    if (known) return known;
    const value = { shapes: this.shapes, texts: [...this.texts], open: this.open };
    if (single) shared.set(single, value);
    return value;
  }

  /** Something that was not walked here. */
  joined = false;

  equals(other: Cell): boolean {
    if (this.open !== other.open || this.shapes.length !== other.shapes.length) return false;
    if (this.noted === 1 && other.noted === 1 && this.last === other.last) return true;
    return this.shapes.every((shape) => other.shapes.some((one) => sameKind(one, shape) && sameNumbers(one, shape)));
  }
}

const sameNumbers = (a: KnownShape, b: KnownShape): boolean =>
  a.maybeNull === b.maybeNull &&
  a.umin === b.umin &&
  a.umax === b.umax &&
  a.smin === b.smin &&
  a.smax === b.smax &&
  a.u32min === b.u32min &&
  a.u32max === b.u32max &&
  a.s32min === b.s32min &&
  a.s32max === b.s32max &&
  a.bits.value === b.bits.value &&
  a.bits.mask === b.bits.mask &&
  a.proven === b.proven;
const sameKind = (a: KnownShape, b: KnownShape): boolean =>
  a.type === b.type && a.map === b.map && a.memSize === b.memSize && a.pointee === b.pointee && a.frame === b.frame;

function shapeOf(register: Register): KnownShape {
  const { type, scalar } = register;
  const base = baseType(type);
  // A scalar's `off` is its distance from another one.
  const off = type === SCALAR_VALUE ? 0n : BigInt(register.off);
  const shape: Shape = {
    type: typeName(type & ~PTR_MAYBE_NULL),
    maybeNull: mayBeNull(type),
    umin: scalar.umin + off,
    umax: scalar.umax + off,
    smin: scalar.smin + off,
    smax: scalar.smax + off,
    u32min: scalar.u32min,
    u32max: scalar.u32max,
    s32min: scalar.s32min,
    s32max: scalar.s32max,
    bits: { value: scalar.value, mask: scalar.mask },
  };
  if (register.map) {
    shape.map = register.map.definition.name;
    shape.mapSize = base === PTR_TO_MAP_KEY ? register.map.keySize : register.map.valueSize;
  }
  if (isPacketPointer(type)) shape.proven = Math.max(0, register.range - register.off);
  if (base === PTR_TO_MEM) shape.memSize = register.memSize;
  if (base === PTR_TO_BTF_ID) shape.pointee = register.btf?.type(register.btfId)?.name ?? '';
  if (type === PTR_TO_STACK) shape.frame = register.frame;
  return shape;
}

const smaller = <N extends number | bigint>(a: N, b: N): N => (b < a ? b : a);
const larger = <N extends number | bigint>(a: N, b: N): N => (b > a ? b : a);

function widen(known: Shape, by: KnownShape): boolean {
  const unknown = known.bits.mask | by.bits.mask | (known.bits.value ^ by.bits.value);
  const covered =
    by.umin >= known.umin &&
    by.umax <= known.umax &&
    by.smin >= known.smin &&
    by.smax <= known.smax &&
    by.u32min >= known.u32min &&
    by.u32max <= known.u32max &&
    by.s32min >= known.s32min &&
    by.s32max <= known.s32max &&
    unknown === known.bits.mask &&
    (known.maybeNull || !by.maybeNull) &&
    (by.proven ?? 0) >= (known.proven ?? 0);
  if (covered) return false;
  known.umin = smaller(known.umin, by.umin);
  known.umax = larger(known.umax, by.umax);
  known.smin = smaller(known.smin, by.smin);
  known.smax = larger(known.smax, by.smax);
  known.u32min = smaller(known.u32min, by.u32min);
  known.u32max = larger(known.u32max, by.u32max);
  known.s32min = smaller(known.s32min, by.s32min);
  known.s32max = larger(known.s32max, by.s32max);
  known.bits = { value: known.bits.value & ~unknown, mask: unknown };
  known.maybeNull ||= by.maybeNull;
  if (known.proven !== undefined) known.proven = smaller(known.proven, by.proven ?? 0);
  return true;
}

/** One value of several places, as of the copies of an unrolled loop. Undefined where there are none. */
export function joinKnown(values: readonly KnownValue[]): KnownValue | undefined {
  const [first, ...others] = values;
  if (!first || others.length === 0) return first;
  const cell = new Cell();
  for (const { shapes, texts, open } of values) {
    for (const shape of shapes) cell.join(shape);
    for (const text of texts) if (cell.texts.size < MAX_TEXTS) cell.texts.add(text);
    cell.open ||= open;
  }
  cell.joined = true;
  return cell.value(new Map());
}

/** Registers are places 0 to 10, stack slots the places behind them. */
const FIRST_SLOT = REGISTER_COUNT;
const placeOfOffset = (offset: number): number => FIRST_SLOT + (-offset + 7) / 8 - 1;

class Places {
  readonly cells: (Cell | undefined)[] = [];
  readonly letters: string[] = [];
  private readonly slots: StackSlot[] = [];

  note(env: VerifierEnvironment, withStack: boolean): void {
    const { frame } = env.state;
    const { registers, stack, number } = frame;
    for (let i = 0; i < REGISTER_COUNT; i++) {
      const register = registers[i]!;
      if (register.type !== NOT_INIT && this.cells[i]?.last !== register) this.cell(i).note(register, number);
    }
    if (!withStack) return;
    for (let i = 0; i < stack.length; i++) {
      const slot = stack[i]!;
      if (this.slots[i] === slot) continue;
      this.slots[i] = slot;
      if (slot.kinds === 0) continue;
      this.letters[i] = lettersOf(slot);
      if (isSpilled(slot)) this.cell(FIRST_SLOT + i).note(slot.register, number);
      else this.cell(FIRST_SLOT + i).open = true;
    }
  }

  cell(place: number): Cell {
    return (this.cells[place] ??= new Cell());
  }
}

function lettersOf(slot: StackSlot): string {
  let letters = '';
  for (let byte = 0; byte < 8; byte++) letters += SLOT_LETTERS[byteKind(slot, byte)];
  return letters;
}

interface Node extends Places {
  after: Map<number, Places>;
  /** Of paths that ended here. */
  covered: Places | undefined;
}

/** Hooks into the walk. The answer is complete when the walk is; undefined for programs that are too large. */
export function keepStates(env: VerifierEnvironment): (() => KnownStates | undefined) | undefined {
  if (env.insns.length > MAX_INSNS) return undefined;
  const nodes = new Map<number, Node>();
  const detailed = env.insns.length <= MAX_DETAILED_INSNS;
  const nodeAt = (at: number): Node => {
    let node = nodes.get(at);
    if (!node) nodes.set(at, (node = Object.assign(new Places(), { after: new Map<number, Places>(), covered: undefined })));
    return node;
  };
  const noteEdge = (at: number): void => {
    const before = detailed ? nodes.get(env.previousInsn) : undefined;
    if (!before) return;
    let places = before.after.get(at);
    if (!places) before.after.set(at, (places = new Places()));
    places.note(env, detailed);
  };
  let steps = 0;
  env.beforeInsn = (at) => {
    if (++steps > MAX_STEPS) {
      nodes.clear();
      env.beforeInsn = env.onCovered = undefined;
      return;
    }
    nodeAt(at).note(env, detailed);
    noteEdge(at);
  };
  env.onCovered = (at) => {
    const node = nodeAt(at);
    (node.covered ??= new Places()).note(env, detailed);
    noteEdge(at);
  };
  return () => {
    if (steps > MAX_STEPS) return undefined;
    const changes = new Map(
      [...nodes].map(([at, node]) => [at, [...node.after].map(([to, places]) => ({ to, places, changed: changedPlaces(node, places) }))]),
    );
    carryCovered(env, nodes);
    const shared = new Map<Register, KnownValue>();
    return new Map([...nodes].map(([at, node]) => [at, stateOf(node, changes.get(at)!, shared)]));
  };
}

function changedPlaces(before: Places, after: Places): number[] {
  const changed: number[] = [];
  const end = Math.max(before.cells.length, after.cells.length, FIRST_SLOT + Math.max(before.letters.length, after.letters.length));
  for (let place = 0; place < end; place++) {
    const a = before.cells[place];
    const b = after.cells[place];
    const same = a && b ? a.equals(b) : a === b;
    if (!same || before.letters[place - FIRST_SLOT] !== after.letters[place - FIRST_SLOT]) changed.push(place);
  }
  return changed;
}

/** Where a number that was not followed goes from here: copies keep it, anything computed from it is open. */
function carryCovered(env: VerifierEnvironment, nodes: ReadonlyMap<number, Node>): void {
  const work: { at: number; place: number; shape: KnownShape | undefined }[] = [];
  for (const [at, { covered }] of nodes) {
    covered?.cells.forEach((cell, place) => {
      for (const shape of cell?.shapes ?? []) work.push({ at, place, shape });
      if (cell?.open && place < FIRST_SLOT) work.push({ at, place, shape: undefined });
    });
  }
  const callers = callersOf(env);
  for (let step = work.pop(); step; step = work.pop()) {
    const node = nodes.get(step.at);
    if (!node || (!node.cells[step.place] && step.place >= FIRST_SLOT)) continue;
    const cell = node.cell(step.place);
    cell.joined = true;
    if (step.shape) {
      if (!cell.join(step.shape)) continue;
    } else if (cell.open) continue;
    else cell.open = true;
    for (const next of flowsOf(env, callers, step.at, step.place, step.shape)) work.push(next);
  }
}

function* flowsOf(
  env: VerifierEnvironment,
  callers: ReadonlyMap<number, readonly number[]>,
  at: number,
  place: number,
  shape: KnownShape | undefined,
): Generator<{ at: number; place: number; shape: KnownShape | undefined }> {
  const insn = env.insns[at]!;
  const { define } = usesAndDefinitions(env, insn);
  const isRegister = place < FIRST_SLOT;
  const kind = insnClass(insn);
  const isCall = kind === BPF_JMP && (insn.opcode & 0xf0) === BPF_CALL;
  if (isCall && insn.src === BPF_PSEUDO_CALL && isRegister && place >= 1 && place <= 5) yield { at: at + insn.imm + 1, place, shape };
  if (kind === BPF_JMP && (insn.opcode & 0xf0) === BPF_EXIT) {
    if (place === 0) for (const call of callers.get(env.subprogramOf[at]!) ?? []) yield { at: call + 1, place, shape };
    return;
  }
  const stores = kind === BPF_ST || kind === BPF_STX;
  const slot = insn.off < 0 && insn.off % 8 === 0 ? placeOfOffset(insn.off) : -1;
  const whole = sizeField(insn) === BPF_DW && modeField(insn) === BPF_MEM;
  for (const next of successors(env.insns, at)) {
    if (isRegister ? !((define >>> place) & 1) : !(stores && insn.dst === BPF_REG_FP && slot === place)) yield { at: next, place, shape };
    if (isRegister && (kind === BPF_ALU || kind === BPF_ALU64)) {
      if (usesRegisterSource(insn) ? insn.src !== place && insn.dst !== place : insn.dst !== place) continue;
      const isMove = (insn.opcode & 0xf0) === BPF_MOV;
      if (isMove && (!usesRegisterSource(insn) || insn.src !== place)) continue;
      const kept =
        isMove &&
        insn.off === 0 &&
        (kind === BPF_ALU64 || (shape !== undefined && shape.type === 'scalar' && shape.umax <= BigInt(U32_MAX)));
      yield { at: next, place: insn.dst, shape: kept ? shape : undefined };
    } else if (isRegister && kind === BPF_STX && insn.src === place && insn.dst === BPF_REG_FP && slot >= 0)
      yield { at: next, place: slot, shape: whole ? shape : undefined };
    else if (!isRegister && kind === BPF_LDX && insn.src === BPF_REG_FP && slot === place)
      yield { at: next, place: insn.dst, shape: whole ? shape : undefined };
  }
}

function callersOf(env: VerifierEnvironment): ReadonlyMap<number, readonly number[]> {
  const callers = new Map<number, number[]>();
  env.insns.forEach((insn: Insn, at) => {
    if (insn.opcode !== (BPF_JMP | BPF_CALL) || insn.src !== BPF_PSEUDO_CALL) return;
    const callee = env.subprogramOf[at + insn.imm + 1];
    if (callee !== undefined) callers.set(callee, [...(callers.get(callee) ?? []), at]);
  });
  return callers;
}

function stateOf(
  node: Node,
  changes: readonly { to: number; places: Places; changed: readonly number[] }[],
  shared: Map<Register, KnownValue>,
): KnownState {
  return {
    registers: Array.from({ length: REGISTER_COUNT }, (_, register) => node.cells[register]?.value(shared)),
    stack: slotsOf(
      node,
      node.letters.map((_, slot) => slot + FIRST_SLOT),
      shared,
    ),
    after: changes.map(({ to, places, changed }) => ({
      to,
      registers: Array.from({ length: REGISTER_COUNT }, (_, register) =>
        changed.includes(register) ? places.cells[register]?.value(shared) : undefined,
      ),
      stack: slotsOf(
        places,
        changed.filter((place) => place >= FIRST_SLOT),
        shared,
      ),
    })),
  };
}

function slotsOf(places: Places, wanted: readonly number[], shared: Map<Register, KnownValue>): KnownSlot[] {
  return wanted.flatMap((place) => {
    const letters = places.letters[place - FIRST_SLOT];
    if (letters === undefined) return [];
    const cell = places.cells[place];
    return [{ offset: (place - FIRST_SLOT + 1) * -8, letters, ...(cell && cell.shapes.length > 0 ? { value: cell.value(shared) } : {}) }];
  });
}
