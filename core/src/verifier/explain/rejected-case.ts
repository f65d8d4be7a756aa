// One rejection with everything its explanation may ask for: the state, the path to it, names, and the values on the way.

import { insnClass, BPF_LDX, BPF_ST, BPF_STX, type Insn } from '#core/isa';
import type { Rejection, VerifierEnvironment } from '../state/environment.ts';
import { type Register, SCALAR_VALUE } from '../state/registers.ts';
import type { Reference } from '../state/state.ts';
import type { Cause, Fix } from '../types.ts';
import { assignedName, pointerOf } from './c-expression.ts';
import { type NamedVariable, Names } from './names.ts';
import { pathOf, type TraceStep } from './trace.ts';
import { type Focus, type ValueEvent, ValuePath } from './value-path.ts';
import { causeOf, nameAt, quoted, type Speech } from './value-words.ts';

/** What an explanation changes in the catalogue's row; what it leaves out stays as it is. */
export interface Explained {
  readonly explanation?: string;
  readonly advice?: string;
  readonly needed?: string;
  readonly known?: string;
  readonly variable?: string;
  readonly fix?: Fix;
  /** The path of the value; the offending register's where absent. */
  readonly causes?: readonly Cause[];
}

export interface NamedValue {
  readonly name: string;
  /** What was known of the variable where it was seen last. */
  readonly value: Register;
}

/** The pointer of `row->hits[2]` is `row`: an array in a struct is no pointer of its own. */
function throughArray(expression: string): string | undefined {
  const pointer = pointerOf(expression);
  return pointer !== undefined && expression.includes(`${pointer}[`) && /(?:->|\.)\w+$/.test(pointer) ? pointerOf(pointer) : pointer;
}

/** The causal path of a register's value, where the walk keeps its path. */
export function causesNow(env: VerifierEnvironment, regno: number): Cause[] {
  const path = pathOf(env);
  if (path.length === 0) return [];
  const value = new ValuePath(env, path, env.state.frame.registers);
  value.follow(
    path.at(-1)?.insn === env.insn ? path.length - 1 : path.length,
    { kind: 'register', frame: env.state.frame.number, register: regno },
    'object',
  );
  const speech: Speech = { env, names: new Names(env.program, env.object), path };
  return value.events.toReversed().flatMap((event) => causeOf(speech, event) ?? []);
}

/** Slot that made a register's value, as far back as it can be followed; -1 where the path is not kept. */
export function originOf(env: VerifierEnvironment, regno: number): number {
  const path = pathOf(env);
  if (path.length === 0) return -1;
  const value = new ValuePath(env, path, env.state.frame.registers);
  value.follow(
    path.at(-1)?.insn === env.insn ? path.length - 1 : path.length,
    { kind: 'register', frame: env.state.frame.number, register: regno },
    'object',
  );
  const made = value.events.at(-1);
  return made === undefined || made.kind === 'entry' || made.kind === 'clobbered' ? -1 : made.insn;
}

export class RejectedCase implements Speech {
  readonly path: readonly TraceStep[];
  /** Registers of the innermost frame; empty where the program was not walked. */
  readonly now: readonly Register[];
  private readonly followed = new Map<string, readonly ValueEvent[]>();

  constructor(
    readonly env: VerifierEnvironment,
    readonly rejection: Rejection,
    readonly names: Names,
  ) {
    this.path = pathOf(env);
    this.now = (env.state as typeof env.state | undefined)?.frame.registers ?? [];
  }

  /** What the path holds; nothing where the program was refused before it was walked. */
  get references(): readonly Reference[] {
    return (this.env.state as typeof this.env.state | undefined)?.references ?? [];
  }
  get at(): number {
    return this.rejection.insn;
  }
  get insn(): Insn | undefined {
    return this.env.insns[this.at];
  }
  get message(): string {
    return this.rejection.lines[0] ?? '';
  }
  get regno(): number | undefined {
    return this.rejection.details.register;
  }
  get register(): Register | undefined {
    return this.regno === undefined ? undefined : this.now[this.regno];
  }
  get isWrite(): boolean {
    const class_ = this.insn && insnClass(this.insn);
    return class_ === BPF_ST || class_ === BPF_STX;
  }
  get isAccess(): boolean {
    return this.isWrite || (this.insn !== undefined && insnClass(this.insn) === BPF_LDX);
  }
  /** The expression of the source that the instruction belongs to. */
  get expression(): string | undefined {
    return this.names.expression(this.at)?.text;
  }
  /** The expression for a sentence. */
  get shown(): string | undefined {
    return this.expression === undefined ? undefined : quoted(this.expression);
  }

  /** Where following begins: the instruction itself is the path's last step, unless it was refused before it was walked. */
  private get end(): number {
    const last = this.path.length - 1;
    return this.path[last]?.insn === this.env.insn ? last : this.path.length;
  }

  /** What happened to a register's value, newest first. */
  events(regno: number | undefined = this.regno, focus: Focus = 'object'): readonly ValueEvent[] {
    if (regno === undefined || this.path.length === 0 || this.now[regno] === undefined) return [];
    const key = `${regno} ${focus}`;
    let events = this.followed.get(key);
    if (!events) {
      const value = new ValuePath(this.env, this.path, this.now);
      value.follow(this.end, { kind: 'register', frame: this.env.state.frame.number, register: regno }, focus);
      this.followed.set(key, (events = value.events));
    }
    return events;
  }

  /** Bytes of the stack: who wrote them. */
  stackEvents(frame: number, offset: number, size: number): readonly ValueEvent[] {
    const value = new ValuePath(this.env, this.path, this.now);
    value.follow(this.end, { kind: 'stack', frame, offset, size }, 'object');
    return value.events;
  }

  causes(events: readonly ValueEvent[]): Cause[] {
    return events.toReversed().flatMap((event) => causeOf(this, event) ?? []);
  }

  /** The variable that the register holds at the instruction, or the last one that held its value. */
  variable(regno: number | undefined = this.regno, focus: Focus = 'object'): NamedValue | undefined {
    if (regno === undefined) return undefined;
    const value = this.now[regno];
    const here = this.env.insn === this.at ? this.names.inRegister(this.at, regno)?.name : undefined;
    if (here !== undefined && value && (focus === 'object' || value.type === SCALAR_VALUE)) return { name: here, value };
    for (const event of this.events(regno, focus)) {
      if (event.kind === 'returned' || event.kind === 'passed') continue;
      if (focus === 'offset' && event.after.type !== SCALAR_VALUE) continue;
      const name = nameAt(this, event);
      if (name !== undefined) return { name, value: event.after };
      // What is behind arithmetic is another value.
      if (event.kind === 'computed' && focus === 'object') return undefined;
    }
    return undefined;
  }

  /** The pointer of the failing access as the source names it. */
  pointerName(regno: number | undefined = this.regno): string | undefined {
    const fromText = this.expression === undefined || !this.isAccess ? undefined : throughArray(this.expression);
    const variable = this.variable(regno)?.name;
    if (fromText !== undefined && (variable === undefined || fromText !== variable)) return fromText.length <= 40 ? fromText : variable;
    if (variable !== undefined) return variable;
    // The register that the compiler chose may have no name: the variable that took the value has one.
    const origin = this.events(regno).find((event) => event.kind === 'call');
    return origin && this.assignedAt(origin.insn);
  }

  /** The variable that takes what an instruction gives. */
  assignedAt(insn: number): string | undefined {
    const line = this.names.line(insn);
    return line && assignedName(line.text, line.column);
  }

  variableType(name: string): NamedVariable | undefined {
    return this.names.byName(this.at, name);
  }

  /** ` (line 20)`, for what happened elsewhere. */
  place(insn: number): string {
    const line = this.names.line(insn);
    return line === undefined ? ` (instruction ${insn})` : line.line === this.names.line(this.at)?.line ? '' : ` (line ${line.line})`;
  }
}
