// One run of a program, without the loop: registers, frames, what the host answers, snapshots. The interpreter's loop and the
// WebAssembly engine both work on it; between them it is the whole state. Knows no instruction.

import { DIRECT_MAP, DIRECT_MAP_HIGH, functionSlot, MAX_FRAMES, MAY_GOTO_LIMIT, STACK_SIZE, STACK_STRIDE } from './address-space.ts';
import { type Decoded, decoded, FIRST_CONSTANT } from './decode.ts';
import type { LinearMemory, StackArea } from './memory.ts';
import type { Executable, Frame, Host, HostOutcome, MemoryFault, MemorySnapshot, Snapshot, StopReason } from './types.ts';

type Resume = (result: bigint) => HostOutcome;

interface StateSnapshot extends Snapshot {
  memory: MemorySnapshot;
  code: Decoded;
  registers: Int32Array;
  saved: Int32Array;
  returnSlots: Int32Array;
  mayGoto: Int32Array;
  special: Uint8Array;
  frameCode: readonly (Decoded | undefined)[];
  resumes: readonly (Resume | undefined)[];
  pc: number;
  depth: number;
  ended: StopReason | undefined;
}

export class State {
  /** The program that runs now. */
  code: Decoded;
  /** Register pairs (low, high) of r0 to r10, then the running program's constants. */
  registers: Int32Array;
  pc = 0;
  executed = 0;
  /** Index of the innermost frame. */
  depth = 0;
  /** r6 to r9 of frame d, kept while frame d+1 runs: eight halves a frame. */
  readonly saved = new Int32Array(MAX_FRAMES * 8);
  /** Slot of the call in frame d that made frame d+1. */
  readonly returnSlots = new Int32Array(MAX_FRAMES);
  /** How often may_goto still falls through in frame d. */
  readonly mayGoto = new Int32Array(MAX_FRAMES).fill(MAY_GOTO_LIMIT);
  /** Frames that do not simply return: callbacks, and frames whose caller is another program (a tail call in a subprogram). */
  readonly special = new Uint8Array(MAX_FRAMES);
  /** Program of frame d, while frame d+1 runs. */
  readonly frameCode: (Decoded | undefined)[] = [];
  /** Of frames that are callbacks: what to do with their r0. */
  readonly resumes: (Resume | undefined)[] = [];
  /** Why the run is over; undefined while it is not. */
  ended: StopReason | undefined;
  private area: StackArea | undefined;
  /** Low half of frame 0's r10. */
  private readonly frameZero: number;

  constructor(
    executable: Executable,
    readonly memory: LinearMemory,
    readonly host: Host,
    args: readonly bigint[],
  ) {
    this.code = decoded(executable);
    this.registers = this.code.registers.slice();
    this.pc = executable.subprograms[0]?.start ?? 0;
    this.area = memory.takeStack(this.code.frames);
    this.frameZero = this.area.stack + STACK_SIZE;
    this.setFramePointer();
    args.forEach((value, i) => this.setRegister(i + 1, value));
  }

  get executable(): Executable {
    return this.code.executable;
  }

  /** Frames that there is stack for. */
  get frameLimit(): number {
    return this.area?.frames ?? 0;
  }

  // ---- registers ----

  getRegister(register: number): bigint {
    const { registers } = this;
    return (BigInt(registers[register * 2 + 1]! >>> 0) << 32n) | BigInt(registers[register * 2]! >>> 0);
  }

  setRegister(register: number, value: bigint): void {
    this.registers[register * 2] = Number(BigInt.asIntN(32, value));
    this.registers[register * 2 + 1] = Number(BigInt.asIntN(32, value >> 32n));
  }

  getRegister32(register: number): number {
    return this.registers[register * 2]!;
  }

  setRegisterNumber(register: number, value: number): void {
    this.registers[register * 2] = value;
    this.registers[register * 2 + 1] = Math.floor(value / 4294967296);
  }

  /** Low half of r10 in frame `depth`. */
  framePointerLow(depth: number): number {
    return this.frameZero + depth * STACK_STRIDE;
  }

  /** The frame whose r10 has this low half. */
  depthOf(framePointerLow: number): number {
    return ((framePointerLow - this.framePointerLow(0)) / STACK_STRIDE) | 0;
  }

  /** Offset in the linear buffer of the block that compiled code keeps registers in. */
  get cpuBlock(): number {
    return this.area!.block;
  }

  private setFramePointer(): void {
    this.registers[20] = this.framePointerLow(this.depth);
    this.registers[21] = DIRECT_MAP_HIGH;
  }

  /** r1 to r5 hold nothing after a call: the kernel's rule, made visible. */
  clobberArguments(): void {
    const { registers } = this;
    for (let i = 2; i < 12; i++) registers[i] = 0;
  }

  // ---- frames ----

  frames(): readonly Frame[] {
    const frames: Frame[] = [];
    for (let depth = this.depth; depth >= 0; depth--) {
      const insn = depth === this.depth ? this.pc : this.returnSlots[depth]!;
      const { executable } = depth === this.depth ? this.code : this.frameCode[depth]!;
      const saved = depth === this.depth ? [6, 7, 8, 9].map((register) => this.getRegister(register)) : this.savedOf(depth);
      const subprogram = executable.subprograms.findIndex(({ start, end }) => insn >= start && insn < end);
      frames.push({
        subprogram: Math.max(subprogram, 0),
        insn,
        framePointer: DIRECT_MAP + BigInt(this.framePointerLow(depth) >>> 0),
        saved,
        executable,
      });
    }
    return frames;
  }

  private savedOf(depth: number): bigint[] {
    return [0, 2, 4, 6].map((i) => (BigInt(this.saved[depth * 8 + i + 1]! >>> 0) << 32n) | BigInt(this.saved[depth * 8 + i]! >>> 0));
  }

  /** Enters a new frame from the call at `pc`; false where there are too many. */
  pushFrame(pc: number): boolean {
    const { depth } = this;
    if (depth + 1 >= this.frameLimit) return false;
    // Plain loops: for a few numbers they are many times quicker than fill, set and subarray.
    const { registers, saved } = this;
    for (let i = 0; i < 8; i++) saved[depth * 8 + i] = registers[12 + i]!;
    this.returnSlots[depth] = pc;
    this.frameCode[depth] = this.code;
    this.depth = depth + 1;
    this.special[this.depth] = 0;
    this.resumes[this.depth] = undefined;
    this.mayGoto[this.depth] = MAY_GOTO_LIMIT;
    // A function starts with its arguments and nothing else.
    registers[0] = registers[1] = 0;
    for (let i = 12; i < 20; i++) registers[i] = 0;
    this.setFramePointer();
    return true;
  }

  /** Leaves the innermost frame: r6 to r9 and the caller's program are back, pc stands at the call. */
  popFrame(): void {
    const depth = --this.depth;
    this.switchTo(this.frameCode[depth]!);
    const { registers, saved } = this;
    for (let i = 0; i < 8; i++) registers[12 + i] = saved[depth * 8 + i]!;
    this.pc = this.returnSlots[depth]!;
    this.setFramePointer();
  }

  /** Another program's constants behind the same registers. */
  switchTo(code: Decoded): void {
    if (code === this.code) return;
    const registers = code.registers.slice();
    registers.set(this.registers.subarray(0, FIRST_CONSTANT));
    this.registers = registers;
    this.code = code;
  }

  /** The innermost frame has exited with its value in r0, and it is special. True: go on at pc. */
  returnFromSpecial(): boolean {
    const resume = this.resumes[this.depth];
    this.popFrame();
    if (!resume) {
      this.clobberArguments();
      this.pc++;
      return true;
    }
    return this.apply(resume(this.getRegister(0)));
  }

  // ---- the host ----

  /** Does what the host answered to the call at pc. True: go on at pc; false: the run has ended. */
  apply(outcome: HostOutcome): boolean {
    if (outcome === undefined) {
      this.clobberArguments();
      this.pc++;
      return true;
    }
    switch (outcome.kind) {
      case 'tail-call': {
        const code = decoded(outcome.executable);
        // The program below is another one from now on: the frame cannot return as a plain call does.
        if (this.depth > 0) this.special[this.depth] = 1;
        this.switchTo(code);
        this.pc = code.executable.subprograms[0]?.start ?? 0;
        this.mayGoto[this.depth] = MAY_GOTO_LIMIT;
        return true;
      }
      case 'callback': {
        const { entry } = outcome;
        if (!this.code.subprogramAt.has(entry)) return this.fault(`the callback's entry is slot ${entry}, where no function starts`);
        if (!this.pushFrame(this.pc)) return this.fault(tooDeep(this.frameLimit));
        this.special[this.depth] = 1;
        this.resumes[this.depth] = outcome.resume;
        this.clobberArguments();
        outcome.args.forEach((value, i) => this.setRegister(i + 1, value));
        this.pc = entry;
        return true;
      }
      case 'fault':
        return this.fault(outcome.message);
      case 'exit':
        this.setRegister(0, outcome.value);
        this.end({ kind: 'exit', value: BigInt.asUintN(64, outcome.value) });
        return false;
    }
  }

  /** The slot that a callx to `register` means: a function's, or undefined for a helper number. */
  callTarget(register: number): number | undefined {
    const slot = functionSlot(this.getRegister(register));
    return slot !== undefined && this.code.subprogramAt.has(slot) ? slot : undefined;
  }

  fault(message: string, memory?: MemoryFault): false {
    this.end(memory ? { kind: 'fault', insn: this.pc, message, memory } : { kind: 'fault', insn: this.pc, message });
    return false;
  }

  end(reason: StopReason): void {
    this.ended = reason;
  }

  // ---- snapshots ----

  snapshot(): Snapshot {
    const snapshot: StateSnapshot = {
      executed: this.executed,
      memory: this.memory.snapshot(),
      code: this.code,
      registers: this.registers.slice(0, FIRST_CONSTANT),
      saved: this.saved.slice(),
      returnSlots: this.returnSlots.slice(),
      mayGoto: this.mayGoto.slice(),
      special: this.special.slice(),
      frameCode: this.frameCode.slice(0, this.depth),
      resumes: this.resumes.slice(0, this.depth + 1),
      pc: this.pc,
      depth: this.depth,
      ended: this.ended,
    };
    return snapshot;
  }

  restore(snapshot: Snapshot): void {
    const from = snapshot as StateSnapshot;
    this.memory.restore(from.memory);
    this.switchTo(from.code);
    this.registers.set(from.registers);
    this.saved.set(from.saved);
    this.returnSlots.set(from.returnSlots);
    this.mayGoto.set(from.mayGoto);
    this.special.set(from.special);
    this.frameCode.splice(0, this.frameCode.length, ...from.frameCode);
    this.resumes.splice(0, this.resumes.length, ...from.resumes);
    this.pc = from.pc;
    this.depth = from.depth;
    this.executed = from.executed;
    this.ended = from.ended;
  }

  release(): void {
    if (!this.area) return;
    this.memory.giveStack(this.area);
    this.area = undefined;
    this.end(this.ended ?? { kind: 'paused' });
  }
}

export const tooDeep = (limit: number): string => `the call would make frame ${limit + 1}: there are at most ${limit}`;
