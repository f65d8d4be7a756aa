// Breakpoints of all kinds, resolved to instruction slots, and what happens when one is met: condition, hit count, log message.
// Knows source maps and the text of conditions; the running program is asked through an expression scope.

import type { BreakpointCondition, Executable } from '#core/vm';
import { engineCondition } from './engine-condition.ts';
import type { LocatedVariable } from './engine-condition.ts';
import { Condition } from './expression.ts';
import type { ExpressionScope } from './expression.ts';
import { parseExpression } from './expression-parser.ts';
import type { SourceMap } from './source-map.ts';

/** What all kinds of breakpoints may carry, as people typed it. */
export interface BreakpointWish {
  condition?: string | undefined;
  hitCondition?: string | undefined;
  logMessage?: string | undefined;
}

export interface LineWish extends BreakpointWish {
  line: number;
}

export interface FunctionWish extends BreakpointWish {
  name: string;
}

/** A slot of a loaded program. */
export interface SlotReference {
  program: number;
  slot: number;
}

export interface InstructionWish extends BreakpointWish {
  at: SlotReference | undefined;
}

export interface Breakpoint extends BreakpointWish {
  id: number;
  kind: 'line' | 'function' | 'instruction';
  /** Where it is; empty when it is nowhere. */
  slots: readonly SlotReference[];
  path?: string;
  line?: number;
  /** Why it is nowhere, or why it moved. */
  message?: string;
  hits: number;
  /** What `condition` says, read. */
  test: Condition | undefined;
}

/** A loaded program with its source map, as breakpoints need it. */
export interface MappedProgram {
  id: number;
  executable: Executable;
  map: SourceMap;
}

/** What a met breakpoint wants: to stop, or to say something and go on. */
export interface Meeting {
  stops: readonly Breakpoint[];
  messages: readonly string[];
}

const HIT_CONDITION = /^\s*(>=|<=|==|=|>|<|%)?\s*(\d+)\s*$/;

export class Breakpoints {
  private nextId = 1;
  private readonly bySource = new Map<string, Breakpoint[]>();
  private functions: Breakpoint[] = [];
  private instructions: Breakpoint[] = [];
  private engineConditions = new Map<Executable, readonly BreakpointCondition[]>();
  private bitmaps = new Map<Executable, Uint8Array>();
  private bySlot = new Map<number, Map<number, Breakpoint[]>>();

  /** False for a run without debugging: breakpoints stay in their places and nothing stops. */
  enabled = true;

  constructor(
    private readonly programs: () => readonly MappedProgram[],
    /** Where the innermost function's variable of that name is at a slot. */
    private readonly locate: (program: MappedProgram, slot: number, name: string) => LocatedVariable | undefined = () => undefined,
  ) {}

  setSource(path: string, wishes: readonly LineWish[]): readonly Breakpoint[] {
    const made = wishes.map((wish) => this.make('line', wish, this.resolveLine(path, wish.line)));
    this.bySource.set(path, made);
    this.index();
    return made;
  }

  setFunctions(wishes: readonly FunctionWish[]): readonly Breakpoint[] {
    this.functions = wishes.map((wish) => this.make('function', wish, this.resolveFunction(wish.name)));
    this.index();
    return this.functions;
  }

  setInstructions(wishes: readonly InstructionWish[]): readonly Breakpoint[] {
    this.instructions = wishes.map((wish) =>
      this.make('instruction', wish, wish.at ? { slots: [wish.at] } : { slots: [], message: 'there is no instruction at this address' }),
    );
    this.index();
    return this.instructions;
  }

  private make(kind: Breakpoint['kind'], wish: BreakpointWish, place: Pick<Breakpoint, 'slots' | 'message' | 'path' | 'line'>): Breakpoint {
    const { condition, hitCondition, logMessage } = wish;
    const wrong = wrongText(wish);
    return {
      id: this.nextId++,
      kind,
      hits: 0,
      test: condition === undefined || condition.trim() === '' ? undefined : new Condition(condition),
      condition,
      hitCondition,
      logMessage,
      ...place,
      ...(wrong === undefined ? {} : { slots: [], message: wrong }),
    };
  }

  private resolveLine(path: string, line: number): Pick<Breakpoint, 'slots' | 'message' | 'path' | 'line'> {
    const programs = this.programs();
    const lines = [...new Set(programs.flatMap(({ map }) => map.linesOf(path)))].sort((a, b) => a - b);
    if (lines.length === 0) return { slots: [], path, line, message: 'no loaded program has code from this file' };
    const actual = lines.find((other) => other >= line);
    if (actual === undefined)
      return { slots: [], path, line, message: `there is no code at or after this line; the last line with code is ${lines.at(-1)}` };
    const slots = programs.flatMap(({ id, map }) => map.slotsOf(path, actual).map((slot) => ({ program: id, slot })));
    return { slots, path, line: actual, ...(actual === line ? {} : { message: `line ${line} has no code: moved to line ${actual}` }) };
  }

  private resolveFunction(name: string): Pick<Breakpoint, 'slots' | 'message' | 'path' | 'line'> {
    const slots: SlotReference[] = [];
    let place: Pick<Breakpoint, 'path' | 'line'> = {};
    const names = new Set<string>();
    for (const { id, map } of this.programs())
      for (const subprogram of map.program.subprograms) {
        names.add(subprogram.name);
        if (subprogram.name !== name) continue;
        slots.push({ program: id, slot: subprogram.start });
        const { file, line } = map.placeOf(subprogram.start);
        if (line > 0) place = { path: file, line };
      }
    return slots.length > 0
      ? { slots, ...place }
      : { slots, message: `no loaded program has a function ${name}; there are ${[...names].join(', ')}` };
  }

  private get all(): readonly Breakpoint[] {
    return [...[...this.bySource.values()].flat(), ...this.functions, ...this.instructions];
  }

  private index(): void {
    this.bitmaps = new Map();
    this.engineConditions = new Map();
    this.bySlot = new Map();
    for (const breakpoint of this.enabled ? this.all : [])
      for (const { program, slot } of breakpoint.slots) {
        const slots = this.bySlot.get(program) ?? new Map<number, Breakpoint[]>();
        this.bySlot.set(program, slots.set(slot, [...(slots.get(slot) ?? []), breakpoint]));
      }
  }

  /** One byte a slot, for the engine. */
  bitmap(program: MappedProgram): Uint8Array {
    let bitmap = this.bitmaps.get(program.executable);
    if (!bitmap) {
      bitmap = new Uint8Array(program.executable.insns.length);
      for (const breakpoint of this.enabled ? this.all : [])
        for (const at of breakpoint.slots) if (at.program === program.id) bitmap[at.slot] = 1;
      this.bitmaps.set(program.executable, bitmap);
    }
    return bitmap;
  }

  /** Conditions that the engine tests itself, so that it only stops where they hold; the same array until breakpoints change. */
  conditions(program: MappedProgram): readonly BreakpointCondition[] {
    let conditions = this.engineConditions.get(program.executable);
    if (!conditions) {
      conditions = [...(this.bySlot.get(program.id) ?? [])].flatMap(([slot, [breakpoint, ...others]]) => {
        const text = breakpoint?.condition;
        if (text === undefined || text.trim() === '' || others.length > 0) return [];
        return engineCondition(text, slot, (name) => this.locate(program, slot, name)) ?? [];
      });
      this.engineConditions.set(program.executable, conditions);
    }
    return conditions;
  }

  /** Called once each time execution arrives at a slot. `counting` is false when history is looked at backwards. */
  meet(program: number, slot: number, scope: () => ExpressionScope, counting = true): Meeting {
    const stops: Breakpoint[] = [];
    const messages: string[] = [];
    for (const breakpoint of this.bySlot.get(program)?.get(slot) ?? []) {
      if (breakpoint.test) {
        const held = breakpoint.test.holds(scope());
        if (held === false) continue;
        // A condition that cannot be answered stops: silence would hide the mistake.
        if (held !== true && counting)
          messages.push(`The breakpoint's condition \`${breakpoint.condition}\` cannot be evaluated: ${held.failure}`);
      }
      if (counting) breakpoint.hits++;
      if (counting && !hitCountHolds(breakpoint)) continue;
      if (breakpoint.logMessage === undefined || breakpoint.logMessage === '') stops.push(breakpoint);
      else if (counting) messages.push(breakpoint.logMessage);
    }
    return { stops, messages };
  }

  /** Another run of the same program begins from nothing. */
  resetHits(): void {
    for (const breakpoint of this.all) breakpoint.hits = 0;
  }

  /** Resolves everything again after programs have changed; the ids stay. */
  resolveAgain(): readonly Breakpoint[] {
    for (const [path, breakpoints] of this.bySource)
      for (const breakpoint of breakpoints)
        if (wrongText(breakpoint) === undefined && breakpoint.line !== undefined)
          Object.assign(breakpoint, { message: undefined }, this.resolveLine(path, breakpoint.line));
    this.resetHits();
    this.index();
    return this.all;
  }
}

function wrongText(wish: BreakpointWish): string | undefined {
  if (wish.condition !== undefined && wish.condition.trim() !== '') {
    // Which names are types is known only where the program stands; any word may be one here.
    const tree = parseExpression(wish.condition, () => true);
    if ('message' in tree) return `the condition is wrong: ${tree.message}`;
  }
  if (wish.hitCondition !== undefined && wish.hitCondition.trim() !== '' && !HIT_CONDITION.test(wish.hitCondition))
    return `'${wish.hitCondition}' is no hit count: write a number, or one after >, >=, <, <=, == or %`;
  return undefined;
}

function hitCountHolds({ hitCondition, hits }: Breakpoint): boolean {
  const match = hitCondition === undefined ? null : HIT_CONDITION.exec(hitCondition);
  if (!match) return true;
  const count = Number(match[2]);
  switch (match[1]) {
    case '>':
      return hits > count;
    case '>=':
      return hits >= count;
    case '<':
      return hits < count;
    case '<=':
      return hits <= count;
    case '%':
      return count > 0 && hits % count === 0;
    default:
      return hits === count;
  }
}
