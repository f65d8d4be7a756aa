// One function of compiled code: from basic blocks to WebAssembly instructions. Registers are i64 locals. The budget is looked at where
// loops begin and after calls: is it enough for the longest way to the next such place? Instructions are counted while code is written
// and taken from the budget where ways meet. Where the budget or a shared check fails, code leaves: registers go to the CPU block in
// linear memory, and the interpreter goes on at the slot it is told, so the count is exact to the instruction. Structured control flow
// follows Ramsey's "Beyond Relooper" (ICFP 2022); an irreducible graph becomes one loop around a br_table.

import { DIRECT_MAP_HIGH, MAY_GOTO_LIMIT, PACKET_WINDOW, PACKET_WINDOW_SIZE, STACK_SIZE, STACK_STRIDE } from '../address-space.ts';
import { type Decoded, FIRST_CONSTANT, STRIDE } from '../decode.ts';
import { Op } from '../interpreter.ts';
import { type BlockChecks, type Guard, planChecks, writtenBy } from './checks.ts';
import { emitConditions } from './condition-code.ts';
import { type Block, type ControlFlow, STOP_CONDITIONALLY } from './control-flow.ts';
import { emitAtomic, emitOperation, type Emitter } from './operations.ts';
import { Rotations } from './rotations.ts';
import type { BreakpointCondition } from '../types.ts';
import { ByteWriter, EMPTY_BLOCK, I32, I64, W } from './module-bytes.ts';

/** The CPU block: r0 to r10 as 64-bit words, then these. */
export const CPU_PC = 88;
export const CPU_LEFT = 92;
/** Behind each frame's stack, in bytes from the frame pointer: r6 to r9, the slot of the call it waits for, what its may_gotos have left. */
export const RECORD_SLOT = 32;
export const RECORD_MAY_GOTO = 36;

/** What a function gives back in place of the remaining budget when it has left. */
export const LEFT_MARK = -0x80000000;

// Imported functions come first in a module.
export const IMPORT_HELPER = 0;
export const IMPORT_KFUNC = 1;
export const IMPORTS = 2;

// Types of a module's functions.
/** (call's id, slot, budget left) → 0 to go on. */
export const TYPE_HOST = 0;
/** (cpu, frame pointer, budget, r1 … r5) → (r0, budget or LEFT_MARK). */
export const TYPE_SUBPROGRAM = 1;
/** (cpu, budget) → 1 when the function has returned, 0 when it left. */
export const TYPE_ENTRY = 2;
export const TYPES = [
  { params: [I32, I32, I32], results: [I32] },
  { params: [I32, I64, I32, I64, I64, I64, I64, I64], results: [I64, I32] },
  { params: [I32, I32], results: [I32] },
] as const;

export interface FunctionContext {
  code: Decoded;
  flow: ControlFlow;
  /** An entry loads everything from the CPU block; a subprogram gets its arguments. */
  kind: 'entry' | 'subprogram';
  /** Index in the module of the subprogram that starts at a slot; undefined where a call must be left to the interpreter. */
  functionAt: (slot: number) => number | undefined;
  /** Bytes of data memory, a power of two; the planes follow. */
  capacity: number;
  /** Packets with low addresses have to be expected. */
  packets: boolean;
  /** By slot, as control-flow.ts has it, and the conditions of those that stop conditionally. */
  stops: Uint8Array | undefined;
  conditions: readonly BreakpointCondition[] | undefined;
  /** Slots that need no check. */
  proven: Uint8Array | undefined;
  /** Offset of the arena in linear memory, its size, and the high half of where user space sees it. */
  arena: { offset: number; size: number; userHigh: number } | undefined;
}

export interface CompiledFunction {
  type: number;
  locals: readonly (readonly [number, number])[];
  code: Uint8Array;
}

type Label = { kind: 'loop' | 'merge'; block: number } | { kind: 'other' };

/** Work still to do, in order, instead of recursion: programs nest deeper than a JavaScript stack. */
type Task = { do: 'tree'; block: number; pending: number } | { do: 'end' } | { do: 'endThenTree'; block: number; pending: number };

export function compileFunction(context: FunctionContext): CompiledFunction {
  return new FunctionCompiler(context).compile();
}

class FunctionCompiler implements Emitter {
  readonly out = new ByteWriter();
  readonly code: Decoded;
  private readonly blocks: readonly Block[];
  private readonly labels: Label[] = [];
  private readonly tasks: Task[] = [];
  private readonly types: number[] = [];
  private readonly parameters: number;
  private readonly rotations = new Rotations(() => this.local(I64));
  /** Instructions on the way to here that the budget does not know of yet. */
  private pending = 0;

  // Locals.
  private readonly cpu: number;
  readonly left: number;
  readonly registers: number[] = [];
  readonly stack: number;
  private readonly pc: number;
  private readonly state: number;
  private readonly mayGoto: number;
  readonly wide: readonly [number, number];
  readonly narrow: readonly [number, number];

  constructor(private readonly context: FunctionContext) {
    this.code = context.code;
    this.blocks = context.flow.blocks;
    this.cpu = 0;
    if (context.kind === 'subprogram') {
      this.parameters = 8;
      this.registers[10] = 1;
      this.left = 2;
      for (let register = 1; register <= 5; register++) this.registers[register] = 2 + register;
    } else {
      this.parameters = 2;
      this.left = 1;
      for (let register = 1; register <= 5; register++) this.registers[register] = this.local(I64);
      this.registers[10] = this.local(I64);
    }
    for (const register of [0, 6, 7, 8, 9]) this.registers[register] = this.local(I64);
    this.stack = this.local(I32);
    this.pc = this.local(I32);
    this.state = this.local(I32);
    this.mayGoto = this.local(I32);
    this.wide = [this.local(I64), this.local(I64)];
    this.narrow = [this.local(I32), this.local(I32)];
  }

  private local(type: number): number {
    return this.parameters + this.types.push(type) - 1;
  }

  compile(): CompiledFunction {
    const { out } = this;
    this.prologue();
    this.open(W.block, { kind: 'other' });
    if (this.context.flow.reducible) this.structured();
    else this.dispatched();
    this.end();
    this.labels.pop();
    this.leaveCode();
    return {
      type: this.context.kind === 'entry' ? TYPE_ENTRY : TYPE_SUBPROGRAM,
      locals: this.types.map((type) => [1, type] as const),
      code: out.finish(),
    };
  }

  // ---- small things ----

  op(code: number): void {
    this.out.byte(code);
  }
  get(local: number): void {
    this.out.byte(W.local_get);
    this.out.unsigned(local);
  }
  set(local: number): void {
    this.out.byte(W.local_set);
    this.out.unsigned(local);
  }
  tee(local: number): void {
    this.out.byte(W.local_tee);
    this.out.unsigned(local);
  }
  i32(value: number): void {
    this.out.byte(W.i32_const);
    this.out.signed(value);
  }
  i64(low: number, high = low >> 31): void {
    this.out.byte(W.i64_const);
    this.out.signed64(low, high);
  }
  /** A load or store without an alignment hint. */
  memory(code: number, offset = 0): void {
    this.out.byte(code);
    this.out.byte(0);
    this.out.unsigned(offset);
  }
  private open(code: number, label: Label): void {
    this.out.byte(code);
    this.out.byte(EMPTY_BLOCK);
    this.labels.push(label);
  }
  private end(): void {
    this.out.byte(W.end);
  }
  private branchTo(code: number, index: number): void {
    this.out.byte(code);
    this.out.unsigned(this.labels.length - 1 - index);
  }

  // ---- prologue and leaving ----

  private prologue(): void {
    if (this.context.kind === 'entry') {
      for (let register = 0; register <= 10; register++) {
        this.get(this.cpu);
        this.memory(W.i64_load, register * 8);
        this.set(this.registers[register]!);
      }
    }
    this.get(this.registers[10]!);
    this.op(W.i32_wrap_i64);
    this.i32(STACK_SIZE);
    this.op(W.i32_sub);
    this.set(this.stack);
    if (!this.blocks.some(({ terminator }) => terminator.kind === 'may_goto')) return;
    if (this.context.kind === 'entry') {
      this.get(this.stack);
      this.memory(W.i32_load, STACK_SIZE + RECORD_MAY_GOTO);
    } else {
      this.i32(MAY_GOTO_LIMIT);
    }
    this.set(this.mayGoto);
  }

  /** Registers r0 to r9 into the CPU block: for the host, and when leaving. */
  private spill(): void {
    for (let register = 0; register <= 10; register++) {
      this.get(this.cpu);
      this.get(this.registers[register]!);
      this.memory(W.i64_store, register * 8);
    }
  }

  /** The end of the function, where every way of leaving comes together with the slot in `pc`. */
  private leaveCode(): void {
    this.spill();
    this.get(this.cpu);
    this.get(this.pc);
    this.memory(W.i32_store, CPU_PC);
    this.get(this.cpu);
    this.get(this.left);
    this.memory(W.i32_store, CPU_LEFT);
    this.recordMayGoto();
    if (this.context.kind === 'entry') {
      this.i32(0);
    } else {
      this.i64(0);
      this.i32(LEFT_MARK);
    }
  }

  private recordMayGoto(): void {
    // Without a may_goto in this function, what the record says stays true in an entry, and a fresh frame has all of it.
    if (this.context.kind === 'entry' && !this.blocks.some(({ terminator }) => terminator.kind === 'may_goto')) return;
    this.get(this.stack);
    if (this.blocks.some(({ terminator }) => terminator.kind === 'may_goto')) this.get(this.mayGoto);
    else this.i32(MAY_GOTO_LIMIT);
    this.memory(W.i32_store, STACK_SIZE + RECORD_MAY_GOTO);
  }

  /** Leaves to the interpreter at `slot`; what is counted up to here has been executed. */
  private leave(slot: number): void {
    this.i32(slot);
    this.set(this.pc);
    this.subtractPending();
    this.branchTo(W.br, 0);
  }

  private subtractPending(): void {
    if (this.pending === 0) return;
    this.get(this.left);
    this.i32(this.pending);
    this.op(W.i32_sub);
    this.set(this.left);
  }

  /** Tells the budget what has been counted. */
  private flush(): void {
    this.subtractPending();
    this.pending = 0;
  }

  // ---- control flow ----

  private structured(): void {
    this.tasks.push({ do: 'tree', block: 0, pending: 0 });
    for (let task = this.tasks.pop(); task; task = this.tasks.pop()) {
      if (task.do === 'tree') {
        this.pending = task.pending;
        this.tree(this.blocks[task.block]!);
      } else {
        this.end();
        this.labels.pop();
        if (task.do === 'endThenTree') this.tasks.push({ do: 'tree', block: task.block, pending: task.pending });
      }
    }
  }

  private tree(block: Block): void {
    if (block.loopHeader) {
      this.flush();
      this.open(W.loop, { kind: 'loop', block: block.index });
      this.tasks.push({ do: 'end' });
    }
    // The last merge point is outermost: each block's end is where its merge point's code begins.
    for (let i = block.mergeChildren.length - 1; i >= 0; i--) {
      const child = block.mergeChildren[i]!;
      this.open(W.block, { kind: 'merge', block: child });
      this.tasks.push({ do: 'endThenTree', block: child, pending: 0 });
    }
    this.blockBody(block);
    this.terminator(block);
  }

  /** Index of the label that a jump from `from` to `target` branches to, or -1 where the target's code is put in place. */
  private labelOf(from: Block, target: number): number {
    const backward = target <= from.index;
    if (!backward && !this.blocks[target]!.merge) return -1;
    const kind = backward ? 'loop' : 'merge';
    for (let i = this.labels.length - 1; i >= 0; i--) {
      const label = this.labels[i]!;
      if (label.kind === kind && label.block === target) return i;
    }
    throw new Error(`no label for block ${target}`);
  }

  private jump(from: Block, target: number): void {
    if (!this.context.flow.reducible) {
      this.flush();
      this.i32(target);
      this.set(this.state);
      this.branchTo(W.br, this.dispatchLabel);
      return;
    }
    const label = this.labelOf(from, target);
    if (label < 0) {
      this.tasks.push({ do: 'tree', block: target, pending: this.pending });
      return;
    }
    this.flush();
    this.branchTo(W.br, label);
  }

  private branch(from: Block, taken: number, next: number, condition: () => void): void {
    if (taken === next) return this.jump(from, next);
    if (!this.context.flow.reducible) {
      this.flush();
      this.i32(taken);
      this.i32(next);
      condition();
      this.op(W.select);
      this.set(this.state);
      this.branchTo(W.br, this.dispatchLabel);
      return undefined;
    }
    const takenLabel = this.labelOf(from, taken);
    const nextLabel = this.labelOf(from, next);
    // Where ways meet, the budget must know.
    if (takenLabel >= 0 || nextLabel >= 0) this.flush();
    if (takenLabel >= 0) {
      condition();
      this.branchTo(W.br_if, takenLabel);
      return this.jump(from, next);
    }
    condition();
    if (nextLabel >= 0) {
      this.op(W.i32_eqz);
      this.branchTo(W.br_if, nextLabel);
      return this.jump(from, taken);
    }
    this.open(W.if, { kind: 'other' });
    const { pending } = this;
    this.tasks.push({ do: 'endThenTree', block: next, pending }, { do: 'tree', block: taken, pending });
    return undefined;
  }

  private dispatchLabel = 0;

  private dispatched(): void {
    const { blocks, out } = this;
    this.open(W.loop, { kind: 'other' });
    this.dispatchLabel = this.labels.length - 1;
    for (let i = blocks.length - 1; i >= 0; i--) this.open(W.block, { kind: 'other' });
    this.get(this.state);
    this.out.byte(W.br_table);
    out.unsigned(blocks.length - 1);
    for (let i = 0; i < blocks.length; i++) out.unsigned(i);
    for (const block of blocks) {
      this.end();
      this.labels.pop();
      this.pending = 0;
      this.blockBody(block);
      this.terminator(block);
    }
    this.end();
    this.labels.pop();
  }

  private terminator(block: Block): void {
    const { terminator } = block;
    if (block.count > block.body.length) this.pending++;
    switch (terminator.kind) {
      case 'goto':
        return this.jump(block, terminator.target);
      case 'branch':
        return this.branch(block, terminator.taken, terminator.next, () => this.condition(terminator.slot));
      case 'may_goto':
        // While something is left, it is taken one from and the path falls through.
        return this.branch(block, terminator.taken, terminator.next, () => {
          this.get(this.mayGoto);
          this.op(W.i32_eqz);
          this.tee(this.narrow[0]);
          this.get(this.mayGoto);
          this.i32(1);
          this.op(W.i32_sub);
          this.get(this.mayGoto);
          this.get(this.mayGoto);
          this.op(W.select);
          this.set(this.mayGoto);
        });
      case 'exit':
        return this.returnFromFunction(terminator.slot);
      case 'leave':
        return this.leave(terminator.slot);
      case 'call':
        return this.call(block, terminator.slot, terminator.next);
    }
  }

  private returnFromFunction(slot: number): void {
    this.flush();
    if (this.context.kind === 'subprogram') {
      this.get(this.registers[0]!);
      this.get(this.left);
    } else {
      this.spill();
      this.get(this.cpu);
      this.i32(slot);
      this.memory(W.i32_store, CPU_PC);
      this.get(this.cpu);
      this.get(this.left);
      this.memory(W.i32_store, CPU_LEFT);
      this.i32(1);
    }
    this.op(W.return);
  }

  // ---- blocks ----

  private blockBody(block: Block): void {
    const checks = planChecks(this.code, block, this.context.proven);
    const { guards } = checks;
    let guard = 0;
    const entryGuards: Guard[] = [];
    while (guards[guard]?.position === 0) entryGuards.push(guards[guard++]!);
    if (block.budgetFor > 0) {
      this.flush();
      this.get(this.left);
      this.i32(block.budgetFor);
      this.op(W.i32_lt_s);
    }
    if (entryGuards.length > 0) {
      this.guarded(entryGuards, block.start, block.budgetFor > 0);
    } else if (block.budgetFor > 0) {
      this.open(W.if, { kind: 'other' });
      this.leave(block.start);
      this.end();
      this.labels.pop();
    }
    const { stops, conditions } = this.context;
    if (conditions && stops?.[block.start] === STOP_CONDITIONALLY) {
      emitConditions(this, conditions, block.start, this.stack);
      this.open(W.if, { kind: 'other' });
      this.leave(block.start);
      this.end();
      this.labels.pop();
    }
    this.rotations.reset();
    block.body.forEach((slot, position) => {
      for (; guards[guard]?.position === position; guard++) this.guarded([guards[guard]!], slot);
      this.operation(slot, checks);
      this.pending++;
    });
  }

  /** Checks that share one way out, at `slot`. `condition`: a reason to leave is on the stack already. */
  private guarded(guards: readonly Guard[], slot: number, condition = false): void {
    if (condition) this.set(this.narrow[0]);
    this.open(W.block, { kind: 'other' });
    this.open(W.block, { kind: 'other' });
    const bad = this.labels.length - 1;
    if (condition) {
      this.get(this.narrow[0]);
      this.branchTo(W.br_if, bad);
    }
    for (const guard of guards) this.guard(guard, bad);
    this.branchTo(W.br, bad - 1);
    this.end();
    this.labels.pop();
    this.leave(slot);
    this.end();
    this.labels.pop();
  }

  private guard(guard: Guard, bad: number): void {
    const { capacity, arena, packets } = this.context;
    const [address] = this.wide;
    const [offset] = this.narrow;
    this.get(this.registers[guard.register]!);
    if (guard.lowest !== 0) {
      this.i64(guard.lowest);
      this.op(W.i64_add);
    }
    this.tee(address);
    // The high part of a direct-map address, shifted so that it is the constant of one comparison.
    const shift = 31 - Math.clz32(capacity);
    this.i64(shift);
    this.op(W.i64_shr_s);
    const expected = BigInt.asIntN(64, BigInt(DIRECT_MAP_HIGH) << 32n) >> BigInt(shift);
    this.i64(Number(BigInt.asIntN(32, expected)), Number(BigInt.asIntN(32, expected >> 32n)));
    this.op(W.i64_ne);
    if (packets || arena) {
      // Or a low address: a packet's, or in a program with an arena the low half of one of its addresses.
      this.open(W.if, { kind: 'other' });
      this.get(address);
      this.i64(arena?.offset ?? PACKET_WINDOW);
      this.op(W.i64_sub);
      this.i64(arena?.size ?? PACKET_WINDOW_SIZE);
      this.op(W.i64_ge_u);
      this.branchTo(W.br_if, bad);
      this.end();
      this.labels.pop();
    } else {
      this.branchTo(W.br_if, bad);
    }
    this.get(address);
    this.op(W.i32_wrap_i64);
    this.set(offset);
    for (const { offset: from, size } of guard.alignments) {
      this.get(offset);
      this.i32(from - guard.lowest);
      this.op(W.i32_add);
      this.i32(size - 1);
      this.op(W.i32_and);
      this.branchTo(W.br_if, bad);
    }
    for (const point of guard.points) {
      this.get(offset);
      const at = (point.write ? 2 : 1) * capacity + point.offset - guard.lowest;
      if (point.size === 8) {
        this.memory(W.i64_load, at);
        this.op(W.i64_eqz);
        this.op(W.i32_eqz);
      } else {
        this.memory(point.size === 4 ? W.i32_load : point.size === 2 ? W.i32_load16_u : W.i32_load8_u, at);
      }
      this.branchTo(W.br_if, bad);
    }
  }

  // ---- instructions ----

  /** The operand's value as i64. */
  operand(index: number): void {
    if (index < FIRST_CONSTANT) this.get(this.registers[index >> 1]!);
    else this.i64(this.code.registers[index]!, this.code.registers[index + 1]!);
  }

  /** The operand's low half as i32. */
  operand32(index: number): void {
    if (index < FIRST_CONSTANT) {
      this.get(this.registers[index >> 1]!);
      this.op(W.i32_wrap_i64);
    } else {
      this.i32(this.code.registers[index]!);
    }
  }

  get arenaUserHigh(): number {
    return this.context.arena?.userHigh ?? 0;
  }

  /** Puts the linear offset's dynamic part on the stack and returns the constant part, for a memory instruction. */
  address(slot: number, base: number, off: number, checks: BlockChecks): number {
    const fixed = checks.onStack.get(slot);
    if (fixed !== undefined) {
      this.get(this.stack);
      return STACK_SIZE + fixed;
    }
    this.get(this.registers[base]!);
    this.op(W.i32_wrap_i64);
    if (off >= 0) return off;
    this.i32(off);
    this.op(W.i32_add);
    return 0;
  }

  private operation(slot: number, checks: BlockChecks): void {
    const at = slot * STRIDE;
    const op: Op = this.code.code[at]!;
    if (this.rotations.emit(this, op, this.code.code[at + 1]!, this.code.code[at + 2]!, writtenBy(this.code, slot))) return;
    if (op === Op.atomic) emitAtomic(this, slot, checks);
    else emitOperation(this, slot, op, this.code.code[at + 1]!, this.code.code[at + 2]!, this.code.code[at + 3]!, checks);
  }

  private condition(slot: number): void {
    const at = slot * STRIDE;
    const op: Op = this.code.code[at]!;
    const d = this.code.code[at + 1]!;
    const s = this.code.code[at + 2]!;
    if (op >= Op.jeq32) {
      this.operand32(d);
      this.operand32(s);
      if (op === Op.jset32) {
        this.op(W.i32_and);
        this.i32(0);
        this.op(W.i32_ne);
      } else {
        this.op(CONDITIONS32[op]!);
      }
      return;
    }
    this.operand(d);
    this.operand(s);
    if (op === Op.jset) {
      this.op(W.i64_and);
      this.i64(0);
      this.op(W.i64_ne);
    } else {
      this.op(CONDITIONS64[op]!);
    }
  }

  // ---- calls ----

  private call(block: Block, slot: number, next: number): void {
    const at = slot * STRIDE;
    const op: Op = this.code.code[at]!;
    const id = this.code.code[at + 3]!;
    if (op === Op.callLocal) {
      const callee = this.context.functionAt(id);
      if (callee === undefined) {
        // The call itself has not been executed.
        this.pending--;
        return this.leave(slot);
      }
      this.flush();
      this.callSubprogram(callee, slot);
    } else {
      this.flush();
      this.callHost(op === Op.callHelper ? IMPORT_HELPER : IMPORT_KFUNC, id, slot);
    }
    for (let register = 1; register <= 5; register++) {
      this.i64(0);
      this.set(this.registers[register]!);
    }
    return this.jump(block, next);
  }

  private callHost(imported: number, id: number, slot: number): void {
    this.spill();
    this.i32(id);
    this.i32(slot);
    this.get(this.left);
    this.op(W.call);
    this.out.unsigned(imported);
    this.get(this.cpu);
    this.memory(W.i64_load, 0);
    this.set(this.registers[0]!);
    this.open(W.if, { kind: 'other' });
    this.leave(slot);
    this.end();
    this.labels.pop();
  }

  private callSubprogram(callee: number, slot: number): void {
    this.get(this.cpu);
    this.get(this.registers[10]!);
    this.i64(STACK_STRIDE);
    this.op(W.i64_add);
    this.get(this.left);
    for (let register = 1; register <= 5; register++) this.get(this.registers[register]!);
    this.op(W.call);
    this.out.unsigned(callee);
    this.tee(this.left);
    this.i32(LEFT_MARK);
    this.op(W.i32_eq);
    this.open(W.if, { kind: 'other' });
    this.recordFrame(slot);
    this.end();
    this.labels.pop();
    this.set(this.registers[0]!);
  }

  /** The callee has left: this frame's part of the state goes behind its stack, and this function leaves too. */
  private recordFrame(slot: number): void {
    for (let register = 6; register <= 9; register++) {
      this.get(this.stack);
      this.get(this.registers[register]!);
      this.memory(W.i64_store, STACK_SIZE + (register - 6) * 8);
    }
    this.get(this.stack);
    this.i32(slot);
    this.memory(W.i32_store, STACK_SIZE + RECORD_SLOT);
    this.recordMayGoto();
    if (this.context.kind === 'entry') {
      this.i32(0);
    } else {
      this.i64(0);
      this.i32(LEFT_MARK);
    }
    this.op(W.return);
  }
}

const CONDITIONS64: Record<number, number> = {
  [Op.jeq]: W.i64_eq,
  [Op.jne]: W.i64_ne,
  [Op.jgt]: W.i64_gt_u,
  [Op.jge]: W.i64_ge_u,
  [Op.jlt]: W.i64_lt_u,
  [Op.jle]: W.i64_le_u,
  [Op.jsgt]: W.i64_gt_s,
  [Op.jsge]: W.i64_ge_s,
  [Op.jslt]: W.i64_lt_s,
  [Op.jsle]: W.i64_le_s,
};
const CONDITIONS32: Record<number, number> = {
  [Op.jeq32]: W.i32_eq,
  [Op.jne32]: W.i32_ne,
  [Op.jgt32]: W.i32_gt_u,
  [Op.jge32]: W.i32_ge_u,
  [Op.jlt32]: W.i32_lt_u,
  [Op.jle32]: W.i32_le_u,
  [Op.jsgt32]: W.i32_gt_s,
  [Op.jsge32]: W.i32_ge_s,
  [Op.jslt32]: W.i32_lt_s,
  [Op.jsle32]: W.i32_le_s,
};
