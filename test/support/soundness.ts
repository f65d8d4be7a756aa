// Runs a program in the machine and asks at each instruction whether what is there was foreseen: some path that the verifier walked must
// contain the concrete registers and stack. A path is followed from state to state; where it was pruned, on along the covering one.
// Neither the verifier nor the machine knows of this: each is the other's oracle.

import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_EXIT,
  BPF_FETCH,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MOV,
  BPF_PSEUDO_CALL,
  BPF_ST,
  BPF_STX,
  insnClass,
  type Insn,
  modeField,
  usesRegisterSource,
} from '#core/isa';
import type { LoadedObject, Program } from '#core/program';
import type { Invocation, Kernel } from '#core/sim';
import {
  type CoveredPath,
  type ObservedState,
  type Register,
  type Scalar,
  type StackSlot,
  verify,
  type VerifyOptions,
} from '#core/verifier';
import type { Execution, Region } from '#core/vm';

// The base types of registers and the kinds of stack bytes that are looked at here (enum bpf_reg_type, bpf_stack_slot_type).
const SCALAR = 1;
const CTX = 2;
const MAP_PTR = 3;
const MAP_VALUE = 4;
const STACK = 6;
const PACKET = 8;
const PACKET_END = 9;
const SOCKET = 11;
const TCP_SOCK = 13;
const MEM = 17;
const MAY_BE_NULL = 0x100;
const RINGBUF = 0x400;
const SPILL = 1;
const ZERO = 3;
const TAIL_CALL = 12;
const XDP_ADJUST_META = 54;
const FP = 10;

/** What the verifier saw of a program that it accepts. */
export interface Walk {
  readonly program: Program;
  readonly states: readonly ObservedState[];
  /** Ids of the states that come after a state. */
  readonly following: ReadonlyMap<number, readonly number[]>;
  readonly covered: ReadonlyMap<number, readonly CoveredPath[]>;
  /** Ids of states that begin a path of their own. */
  readonly beginnings: readonly number[];
}

const MAX_STATES = 20_000;

/** Undefined where the program is refused, or walked too long to be kept. */
export function walkOf(program: Program, object: LoadedObject, options: VerifyOptions): Walk | undefined {
  const states: ObservedState[] = [];
  const covers: CoveredPath[] = [];
  const { verdict } = verify(program, object, {
    ...options,
    explain: false,
    observe: (state) => states.push(state),
    observeCovered: (path) => covers.push(path),
    cancelled: () => states.length > MAX_STATES,
  });
  if (verdict !== 'accepted') return undefined;
  const following = new Map<number, number[]>();
  const covered = new Map<number, CoveredPath[]>();
  const put = <T>(map: Map<number, T[]>, key: number, value: T): void => void (map.get(key)?.push(value) ?? map.set(key, [value]));
  for (const { id, before } of states) if (before >= 0) put(following, before, id);
  for (const path of covers) put(covered, path.before, path);
  return { program, states, following, covered, beginnings: states.filter(({ before }) => before < 0).map(({ id }) => id) };
}

/**
 * What a path says nothing about: after pruning, numbers that were not precise, and what is dead. It spreads as values do.
 * Per frame, a bit for each register and each slot.
 */
interface Open {
  readonly registers: readonly number[];
  readonly slots: readonly bigint[];
  /** Whether equal ids still mean equal numbers: pruning does not ask that of numbers that are not precise. */
  readonly linked: boolean;
}

const NOTHING_OPEN: Open = { registers: [], slots: [], linked: true };
const isTight = ({ registers, slots }: Open): boolean => registers.every((mask) => mask === 0) && slots.every((mask) => mask === 0n);

interface Candidate {
  readonly state: ObservedState;
  readonly open: Open;
}

interface ConcreteFrame {
  readonly framePointer: bigint;
  /** Undefined for what a call has lost. */
  readonly registers: readonly (bigint | undefined)[];
}

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;
const base = (register: Register): number => register.type & 0xff;

function numberProblem(s: Scalar, value: bigint): string | undefined {
  const u = BigInt.asUintN(64, value);
  const i = BigInt.asIntN(64, value);
  const u32 = Number(BigInt.asUintN(32, value));
  const i32 = Number(BigInt.asIntN(32, value));
  if ((u & ~s.mask & 0xffff_ffff_ffff_ffffn) !== s.value) return `${hex(value)} is not in var_off=(${hex(s.value)}; ${hex(s.mask)})`;
  if (u < s.umin || u > s.umax) return `${u} is not in u64 [${s.umin}, ${s.umax}]`;
  if (i < s.smin || i > s.smax) return `${i} is not in s64 [${s.smin}, ${s.smax}]`;
  if (u32 < s.u32min || u32 > s.u32max) return `${u32} is not in u32 [${s.u32min}, ${s.u32max}]`;
  if (i32 < s.s32min || i32 > s.s32max) return `${i32} is not in s32 [${s.s32min}, ${s.s32max}]`;
  return undefined;
}

export interface Violation {
  readonly insn: number;
  readonly executed: number;
  readonly problem: string;
}

/** One run beside the walk. `before()` is called before each instruction of the run. */
class Follower {
  /** Outer ones wait for a global function, which is verified by itself. */
  private readonly waiting: { candidates: Candidate[]; base: number }[] = [];
  private candidates: Candidate[];
  private base = 0;
  private depth = 0;
  private pc = -1;
  private readonly ctx: bigint;
  private readonly readsMeta: boolean;

  constructor(
    private readonly walk: Walk,
    private readonly kernel: Kernel,
    private readonly invocation: Invocation,
    private readonly execution: Execution,
  ) {
    this.ctx = execution.getRegister(1);
    this.candidates = [];
    this.readsMeta = walk.program.insns.some(
      ({ opcode, src, imm }) => opcode === (BPF_JMP | BPF_CALL) && src === 0 && imm === XDP_ADJUST_META,
    );
  }

  before(): Violation | undefined {
    const { execution } = this;
    const frames = this.concreteFrames();
    const depth = frames.length - 1;
    const at = execution.pc;
    let proposed: Candidate[];
    if (this.pc < 0) proposed = this.beginning(at);
    else if (depth > this.depth && this.entersGlobal(at)) {
      this.waiting.push({ candidates: this.candidates, base: this.base });
      this.base = depth;
      proposed = this.beginning(at);
    } else {
      while (depth < this.base) ({ candidates: this.candidates, base: this.base } = this.waiting.pop()!);
      proposed = this.candidates.flatMap((candidate) => this.next(candidate, at, depth - this.base, frames.slice(this.base), new Set()));
    }
    const own = frames.slice(this.base);
    const problems: string[] = [];
    const seen = new Set<string>();
    this.candidates = [];
    for (const candidate of proposed) {
      const key = `${candidate.state.id} ${candidate.open.registers.join()} ${candidate.open.slots.join()} ${candidate.open.linked}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const problem = this.problemWith(candidate, own);
      if (problem === undefined) this.candidates.push(candidate);
      else problems.push(`state ${candidate.state.id}: ${problem}`);
    }
    this.pc = at;
    this.depth = depth;
    if (this.candidates.length > 0) return undefined;
    return {
      insn: at,
      executed: execution.executed,
      problem: problems.length > 0 ? problems.slice(0, 4).join('; ') : 'no path of the walk leads here',
    };
  }

  private beginning(at: number): Candidate[] {
    return this.walk.beginnings.flatMap((id) =>
      this.walk.states[id]!.insn === at ? [{ state: this.walk.states[id]!, open: NOTHING_OPEN }] : [],
    );
  }

  /** The call just made is of a global function: its own walk says what holds in it. */
  private entersGlobal(at: number): boolean {
    const call = this.walk.program.insns[this.pc]!;
    const callee = this.walk.program.subprograms.findIndex(({ start }) => start === at);
    return call.src === BPF_PSEUDO_CALL && callee > 0 && this.walk.program.subprograms[callee]!.linkage === 'global';
  }

  /** States that may follow, at this slot and depth. A callback's end leads over the call again, which the machine does not execute twice. */
  private next(from: Candidate, at: number, depth: number, frames: readonly ConcreteFrame[], over: Set<number>): Candidate[] {
    const found: Candidate[] = [];
    const open = this.spread(from, depth);
    const isCallbackEnd = this.isExit(this.walk.program.insns[from.state.insn]!) && from.state.frames.length > 1;
    const visit = (state: ObservedState, stateOpen: Open): void => {
      if (state.insn === at && state.frames.length === depth + 1) found.push({ state, open: stateOpen });
      if (
        (isCallbackEnd || over.size > 0) &&
        state.frames.length < from.state.frames.length + (over.size > 0 ? 1 : 0) &&
        this.isHelperCall(state.insn) &&
        !over.has(state.id)
      ) {
        over.add(state.id);
        found.push(...this.next({ state, open: stateOpen }, at, depth, frames, over));
      }
    };
    for (const id of this.walk.following.get(from.state.id) ?? []) visit(this.walk.states[id]!, open);
    for (const path of this.walk.covered.get(from.state.id) ?? []) {
      const state = this.walk.states[path.by]!;
      const concrete = state.frames.length === frames.length ? frames : frames.slice(0, state.frames.length);
      visit(state, this.openedBy(path, state, concrete));
    }
    return found;
  }

  private isHelperCall(at: number): boolean {
    const insn = this.walk.program.insns[at]!;
    return insn.opcode === (BPF_JMP | BPF_CALL) && insn.src !== BPF_PSEUDO_CALL;
  }

  private isExit(insn: Insn): boolean {
    return insn.opcode === (BPF_JMP | BPF_EXIT);
  }

  // ---- what pruning leaves open ----

  /** Dead registers and slots, and numbers that are not in range where the range did not matter. */
  private openedBy(path: CoveredPath, state: ObservedState, frames: readonly ConcreteFrame[]): Open {
    const counts = path.counts();
    const registers: number[] = [];
    const slots: bigint[] = [];
    state.frames.forEach((frame, number) => {
      const count = counts[number]!;
      const concrete = frames[number];
      let mask = ~count.registers & 0x7ff;
      frame.registers.forEach((register, i) => {
        const value = concrete?.registers[i];
        if (register.type !== SCALAR || value === undefined || (count.preciseRegisters >>> i) & 1) return;
        if (numberProblem(register.scalar, value) !== undefined) mask |= 1 << i;
      });
      let bits = 0n;
      frame.stack.forEach((slot, i) => {
        const kind = count.slots[i] ?? 'dead';
        if (
          kind === 'dead' ||
          (kind === 'imprecise' && slot.register.type === SCALAR && concrete && this.slotProblem(slot, i, concrete, frames) !== undefined)
        )
          bits |= 1n << BigInt(i);
      });
      registers.push(mask);
      slots.push(bits);
    });
    return { registers, slots, linked: false };
  }

  /** What is open after the candidate's instruction. */
  private spread({ state, open }: Candidate, depth: number): Open {
    if (isTight(open)) return open.registers.length > 0 ? { ...NOTHING_OPEN, linked: open.linked } : open;
    const insn = this.walk.program.insns[state.insn]!;
    const top = state.frames.length - 1;
    const frame = state.frames[top]!;
    const registers = state.frames.map((_, i) => open.registers[i] ?? 0);
    const slots = state.frames.map((_, i) => open.slots[i] ?? 0n);
    const isOpen = (register: number): boolean => ((registers[top]! >>> register) & 1) !== 0;
    const set = (register: number, value: boolean): void =>
      void (registers[top] = value ? registers[top]! | (1 << register) : registers[top]! & ~(1 << register));
    /** Slots that an access through the pointer can touch; none for other memory. */
    const touched = (pointer: Register): { frame: number; mask: bigint } | undefined => {
      if (base(pointer) !== STACK) return undefined;
      if (pointer.scalar.mask !== 0n) return { frame: pointer.frame, mask: (1n << 64n) - 1n };
      const low = pointer.off + Number(BigInt.asIntN(64, pointer.scalar.value)) + insn.off;
      const slot = Math.floor((-low - 1) / 8);
      return { frame: pointer.frame, mask: slot >= 0 ? 1n << BigInt(slot) : 0n };
    };
    const class_ = insnClass(insn);
    const operation = insn.opcode & 0xf0;
    const fromSlots = (pointer: Register): boolean => {
      const place = touched(pointer);
      return place !== undefined && ((slots[place.frame] ?? 0n) & place.mask) !== 0n;
    };
    const toSlots = (pointer: Register, value: boolean, whole: boolean): void => {
      const place = touched(pointer);
      if (!place) return;
      const before = slots[place.frame] ?? 0n;
      slots[place.frame] = value ? before | place.mask : whole && pointer.scalar.mask === 0n ? before & ~place.mask : before;
    };
    if (class_ === BPF_ALU || class_ === BPF_ALU64) {
      if (operation === BPF_MOV) set(insn.dst, usesRegisterSource(insn) && isOpen(insn.src));
      else if (usesRegisterSource(insn)) set(insn.dst, isOpen(insn.dst) || isOpen(insn.src));
    } else if (class_ === BPF_LDX) set(insn.dst, fromSlots(frame.registers[insn.src]!));
    else if (class_ === BPF_LD) {
      if (modeField(insn) === 0) set(insn.dst, false);
      else for (let i = 0; i <= 5; i++) set(i, false);
    } else if (class_ === BPF_ST) toSlots(frame.registers[insn.dst]!, false, (insn.opcode & 0x18) === BPF_DW);
    else if (class_ === BPF_STX && modeField(insn) === BPF_ATOMIC && insn.imm === BPF_LOAD_ACQ)
      set(insn.dst, fromSlots(frame.registers[insn.src]!));
    else if (class_ === BPF_STX && modeField(insn) === BPF_ATOMIC) {
      const was = fromSlots(frame.registers[insn.dst]!);
      toSlots(frame.registers[insn.dst]!, isOpen(insn.src), false);
      if (insn.imm === BPF_CMPXCHG) set(0, was || isOpen(0));
      else if (insn.imm & BPF_FETCH) set(insn.src, was);
    } else if (class_ === BPF_STX) toSlots(frame.registers[insn.dst]!, isOpen(insn.src), (insn.opcode & 0x18) === BPF_DW);
    else if (operation === BPF_CALL) {
      const given = registers[top]! & 0x3e;
      registers[top] = registers[top]! & ~0x3f;
      if (depth > top) {
        registers.push(insn.src === BPF_PSEUDO_CALL ? given : given !== 0 ? 0x3e : 0);
        slots.push(0n);
      }
    } else if (operation === BPF_EXIT) {
      const result = isOpen(0);
      registers.pop();
      slots.pop();
      if (registers.length > 0 && result) registers[top - 1] = registers[top - 1]! | 1;
    } else if (operation !== BPF_JA && operation !== BPF_JCOND && (isOpen(insn.dst) || (usesRegisterSource(insn) && isOpen(insn.src)))) {
      // Both sides were narrowed by what the comparison said of the wrong value, and so was all that is linked to them.
      const compared = usesRegisterSource(insn) ? [insn.dst, insn.src] : [insn.dst];
      const ids = new Set(compared.map((register) => frame.registers[register]!.id).filter((id) => id !== 0));
      for (const register of compared) set(register, true);
      state.frames.forEach((one, number) => {
        one.registers.forEach((register, i) => {
          if (register.type === SCALAR && ids.has(register.id)) registers[number] = registers[number]! | (1 << i);
        });
        one.stack.forEach((slot, i) => {
          if (slot.register.type === SCALAR && ids.has(slot.register.id)) slots[number] = slots[number]! | (1n << BigInt(i));
        });
      });
    }
    return { registers, slots, linked: open.linked };
  }

  // ---- the concrete state ----

  private concreteFrames(): ConcreteFrame[] {
    const { execution } = this;
    return [...execution.frames()].reverse().map(({ framePointer, saved }, i, all) => ({
      framePointer,
      registers:
        i === all.length - 1
          ? Array.from({ length: 11 }, (_, register) => execution.getRegister(register))
          : [undefined, undefined, undefined, undefined, undefined, undefined, saved[0], saved[1], saved[2], saved[3], framePointer],
    }));
  }

  private problemWith({ state, open }: Candidate, frames: readonly ConcreteFrame[]): string | undefined {
    const links = new Map<number, { value: bigint; where: string }>();
    for (const [number, frame] of state.frames.entries()) {
      const concrete = frames[number]!;
      const prefix = state.frames.length > 1 ? `frame${number} ` : '';
      for (let i = 0; i <= FP; i++) {
        const value = concrete.registers[i];
        const register = frame.registers[i]!;
        if (value === undefined || ((open.registers[number] ?? 0) >>> i) & 1) continue;
        const problem =
          this.valueProblem(register, value, frames) ?? (open.linked ? linkProblem(register, value, `R${i}`, links) : undefined);
        if (problem !== undefined) return `${prefix}R${i}: ${problem}`;
      }
      for (const [i, slot] of frame.stack.entries()) {
        if (((open.slots[number] ?? 0n) >> BigInt(i)) & 1n) continue;
        const problem = this.slotProblem(slot, i, concrete, frames);
        if (problem !== undefined) return `${prefix}fp-${8 * (i + 1)}: ${problem}`;
      }
    }
    return undefined;
  }

  private slotProblem(
    { kinds, register }: StackSlot,
    index: number,
    { framePointer }: ConcreteFrame,
    frames: readonly ConcreteFrame[],
  ): string | undefined {
    if (kinds === 0) return undefined;
    const bytes = this.execution.memory.read(framePointer - BigInt(8 * (index + 1)), 8);
    if (!(bytes instanceof Uint8Array)) return 'there is no such stack';
    let spilled = 0;
    for (let byte = 7; byte >= 0; byte--) {
      const kind = (kinds >>> (byte * 4)) & 0xf;
      // Byte 0 is nearest to the frame pointer.
      if (kind === ZERO && bytes[7 - byte] !== 0) return `byte ${7 - byte} is ${bytes[7 - byte]}, not 0`;
      if (kind === SPILL && spilled === 7 - byte) spilled++;
    }
    if (spilled === 0) return undefined;
    let value = 0n;
    for (let i = spilled - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    if (spilled === 8 || base(register) !== SCALAR) return this.valueProblem(register, value, frames);
    // Of a part the slot keeps the whole register's description, which is cut when it is filled: its low bits are what counts.
    const known = ~register.scalar.mask & ((1n << BigInt(8 * spilled)) - 1n);
    return (value & known) === (register.scalar.value & known)
      ? undefined
      : `${hex(value)} is not in the low ${spilled} bytes of var_off=(${hex(register.scalar.value)}; ${hex(register.scalar.mask)})`;
  }

  private valueProblem(register: Register, value: bigint, frames: readonly ConcreteFrame[]): string | undefined {
    const kind = base(register);
    if (kind === 0) return undefined;
    if (kind === SCALAR) return numberProblem(register.scalar, value);
    if (value === 0n && (register.type & MAY_BE_NULL) !== 0) return undefined;
    const offsetIn = (start: bigint): string | undefined => numberProblem(register.scalar, value - start - BigInt(register.off));
    switch (kind) {
      case CTX:
        return this.base > 0 ? undefined : offsetIn(this.ctx);
      case STACK:
        return offsetIn(frames[register.frame]!.framePointer);
      case PACKET: {
        const packet = this.invocation.packet;
        if (!packet || this.readsMeta) return undefined;
        const variable = value - packet.base - BigInt(register.off);
        if (register.range > 0 && variable + BigInt(register.range) > BigInt(packet.size))
          return `${register.range} bytes from ${variable} are said to be in the packet of ${packet.size}`;
        return offsetIn(packet.base);
      }
      case PACKET_END: {
        const packet = this.invocation.packet;
        return packet && value !== packet.base + BigInt(packet.size) ? "is not the packet's end" : undefined;
      }
      case MAP_PTR:
        return this.execution.memory.find(value)?.kind === 'kernel' ? undefined : `${hex(value)} is no map`;
      case MAP_VALUE: {
        if (this.base > 0 && !register.map) return undefined;
        // A value of a map of maps becomes the inner map once it is not NULL.
        if (register.map?.definition.inner)
          return this.execution.memory.find(value)?.kind === 'kernel' ? undefined : `${hex(value)} is no inner map`;
        const { memory } = this.execution;
        const guesses = [memory.find(value), memory.find(value - BigInt(register.off)), memory.find(value - 1n)];
        if (guesses.some((region) => region && this.isValueOf(region, register) && offsetIn(region.base) === undefined)) return undefined;
        for (const region of memory.regions) if (this.isValueOf(region, register) && offsetIn(region.base) === undefined) return undefined;
        return `${hex(value)} is not in a value of ${register.map?.definition.name ?? 'a map'}`;
      }
      case MEM: {
        if ((register.type & RINGBUF) === 0) return undefined;
        const region = this.execution.memory.find(value) ?? this.execution.memory.find(value - BigInt(register.off));
        if (!region) return undefined;
        return region.size < register.memSize ? `the record has ${region.size} bytes, not ${register.memSize}` : offsetIn(region.base);
      }
      default:
        return kind >= SOCKET && kind <= TCP_SOCK && value === 0n ? 'is NULL' : undefined;
    }
  }

  private isValueOf(region: Region, register: Register): boolean {
    // Of a map that was looked up in another one only the template is known.
    const name = register.mapUid === 0 ? register.map?.definition.name : undefined;
    return this.kernel.maps.some(
      (map) =>
        (name === undefined || map.definition.name === name || map.definition.type === register.map?.type) &&
        map.nameOf(region) !== undefined,
    );
  }
}

/** Scalars with one id are one number, or at the distance that they say. */
function linkProblem(
  register: Register,
  value: bigint,
  where: string,
  links: Map<number, { value: bigint; where: string }>,
): string | undefined {
  if (register.type !== SCALAR || register.id === 0) return undefined;
  const bits = register.addConst === 32 ? 32 : 64;
  const origin = BigInt.asUintN(bits, value - (register.addConst ? BigInt(register.off) : 0n));
  const other = links.get(register.id);
  if (!other) links.set(register.id, { value: origin, where });
  else if (
    BigInt.asUintN(32, other.value) !== BigInt.asUintN(32, origin) ||
    (bits === 64 && other.value >> 32n !== 0n && other.value !== origin)
  )
    return `is not linked to ${other.where}: ${hex(origin)} and ${hex(other.value)}`;
  return undefined;
}

export interface FollowedRun {
  readonly violation: Violation | undefined;
  readonly executed: number;
  /** Why it ended where not by an exit: a helper that is not simulated, or the budget. */
  readonly ended: 'exit' | 'budget' | 'not simulated' | 'tail call';
}

/** Steps through one run of the program, on whichever engine the kernel has. */
export function follow(walk: Walk, kernel: Kernel, invocation: Invocation, budget = 5000): FollowedRun {
  const { execution } = invocation;
  const { executable } = execution;
  const follower = new Follower(walk, kernel, invocation, execution);
  const result = (ended: FollowedRun['ended'], violation?: Violation): FollowedRun => {
    invocation.abandon();
    return { ended, violation, executed: execution.executed };
  };
  let last = -1;
  while (execution.executed < budget) {
    // Into another program, or into this one from its beginning.
    const called = executable.insns[last];
    if (
      execution.executable !== executable ||
      (called?.opcode === (BPF_JMP | BPF_CALL) && called.src === 0 && called.imm === TAIL_CALL && execution.pc === 0)
    )
      return result('tail call');
    last = execution.pc;
    const violation = follower.before();
    if (violation) return result('exit', violation);
    const stop = execution.run({ budget: 1 });
    if (stop.kind === 'exit') {
      const { executed } = execution;
      invocation.finish(stop.value);
      return { ended: 'exit', violation: undefined, executed };
    }
    if (stop.kind === 'fault') {
      if (/not simulated|no helper with the number/.test(stop.message)) return result('not simulated');
      return result('exit', { insn: stop.insn, executed: execution.executed, problem: `fault: ${stop.message}` });
    }
  }
  return result('budget');
}
