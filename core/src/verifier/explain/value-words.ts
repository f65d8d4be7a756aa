// The steps of a value's path as sentences about C: which call gave it, which comparison left it which range, where what was
// known of it was lost.

import {
  BPF_ADD,
  BPF_AND,
  BPF_CALL,
  BPF_DIV,
  BPF_JMP,
  BPF_LSH,
  BPF_MOD,
  BPF_MUL,
  BPF_OR,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
  BPF_ARSH,
  BPF_NEG,
  type Insn,
  insnClass,
  BPF_ALU,
  BPF_LDX,
} from '#core/isa';
import { byteCount } from './byte-words.ts';
import { describeCall, rangeOf } from './causes.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import {
  baseType,
  mayBeNull,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  type Register,
  SCALAR_VALUE,
} from '../state/registers.ts';
import type { Cause } from '../types.ts';
import type { Names } from './names.ts';
import type { TraceStep } from './trace.ts';
import type { ValueEvent } from './value-path.ts';

const U64_MAX = (1n << 64n) - 1n;
const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const LONG_EXPRESSION = 60;

export const isUnbounded = ({ scalar }: Register): boolean =>
  scalar.mask !== 0n && scalar.umin === 0n && scalar.umax === U64_MAX && scalar.smin === S64_MIN && scalar.smax === S64_MAX;

/** `a value in [0, 16]`, `5`, `any number`. */
export const aValue = (register: Register): string =>
  register.type === SCALAR_VALUE && register.scalar.mask !== 0n && !isUnbounded(register)
    ? `a value ${knownRange(register)}`
    : knownRange(register);

/** `in [0, 16]`, `5`, `any number`. */
export function knownRange(register: Register): string {
  if (register.type !== SCALAR_VALUE) return 'a pointer';
  if (isUnbounded(register)) return 'any number';
  return register.scalar.mask === 0n ? rangeOf(register) : `in ${rangeOf(register)}`;
}

/** Code in backquotes, when it is short enough to stand in a sentence. */
export const quoted = (code: string): string | undefined => (code.length > 0 && code.length <= LONG_EXPRESSION ? `\`${code}\`` : undefined);

export interface Speech {
  readonly env: VerifierEnvironment;
  readonly names: Names;
  readonly path: readonly TraceStep[];
}

/** `bpf_map_lookup_elem(&counts, &key)` where the source shows it, else the callee alone. */
export function callText({ env, names }: Speech, insn: number): string {
  const callee = describeCall(env, insn);
  const expression = names.expression(insn)?.text;
  const name = callee.replace(/\(\)$/, '');
  if (expression !== undefined && expression.includes(`${name}(`)) return quoted(expression) ?? `\`${callee}\``;
  return `\`${callee}\``;
}

/** The condition that the jump decides, as written. */
export function conditionText({ names }: Speech, insn: number): string | undefined {
  const expression = names.expression(insn)?.text;
  if (expression === undefined) return undefined;
  const inside = /^(?:if|while|for|switch)\s*\((.*)\)$/s.exec(expression);
  const text = (inside ? inside[1]! : expression).trim();
  return /[<>=!&|]|^\w+$/.test(text) && !/^return\b/.test(text) ? text : undefined;
}

/** Name of the variable that a step works on: in the register before the instruction, or after it. */
export function nameAt({ names, path }: Speech, event: ValueEvent): string | undefined {
  if (event.register === undefined) return undefined;
  const { insn, frame } = path[event.step]!;
  const before =
    event.kind === 'branch' || event.kind === 'spilled' || event.kind === 'passed'
      ? names.inRegister(insn, event.register)?.name
      : undefined;
  if (before !== undefined) return before;
  const next = path[event.step + 1];
  return next && next.frame === frame ? names.inRegister(next.insn, event.register)?.name : undefined;
}

const OPERATIONS: Readonly<Record<number, string>> = {
  [BPF_ADD]: 'addition',
  [BPF_SUB]: 'subtraction',
  [BPF_MUL]: 'multiplication',
  [BPF_DIV]: 'division',
  [BPF_OR]: '`|`',
  [BPF_AND]: '`&`',
  [BPF_LSH]: 'shift to the left',
  [BPF_RSH]: 'shift to the right',
  [BPF_NEG]: 'negation',
  [BPF_MOD]: '`%`',
  [BPF_XOR]: '`^`',
  [BPF_ARSH]: 'shift to the right',
};

export function operationOf(insn: Insn): string {
  return OPERATIONS[insn.opcode & 0xf0] ?? 'byte swap';
}

/** What memory a load reads, as `from the packet`. */
function loadedFrom(speech: Speech, event: ValueEvent): string {
  const step = speech.path[event.step]!;
  const insn = speech.env.insns[step.insn]!;
  if (insnClass(insn) !== BPF_LDX) return '';
  const pointer = step.registers[insn.src]!;
  switch (baseType(pointer.type)) {
    case PTR_TO_CTX:
      return ' from the context';
    case PTR_TO_MAP_VALUE: {
      const definition = pointer.map!.definition;
      if (definition.globalSection === undefined) return ` from a value of map \`${definition.name}\``;
      const global = speech.names.valueAt(definition, pointer.off + insn.off);
      return global ? ` from the global variable \`${global.name}\`, which any program may change` : ` from ${definition.globalSection}`;
    }
    case PTR_TO_MAP_KEY:
      return ' from a map key';
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
      return ' from the packet';
    case PTR_TO_STACK:
      return ' from the stack';
    case PTR_TO_BTF_ID:
      return ` from a kernel object (struct ${pointer.btf?.type(pointer.btfId)?.name ?? '?'})`;
    case PTR_TO_MEM:
      return ' from memory';
    default:
      return '';
  }
}

/** A comparison's outcome for a plain `name op number`: undefined where the text is another or the range decides nothing. */
function outcome(condition: string, name: string | undefined, after: Register): boolean | undefined {
  const match = /^\(?\s*([A-Za-z_][\w.>[\]-]*?)\s*(<=|>=|==|!=|<|>)\s*(-?(?:0x[\da-fA-F]+|\d+))[uUlL]*\s*\)?$/.exec(condition);
  if (!match || after.type !== SCALAR_VALUE || (name !== undefined && match[1] !== name)) return undefined;
  const limit = BigInt(match[3]!.startsWith('-') ? -BigInt(match[3]!.slice(1)) : match[3]!);
  const { smin, smax } = after.scalar;
  const test = (all: boolean, none: boolean): boolean | undefined => (all ? true : none ? false : undefined);
  switch (match[2]) {
    case '<':
      return test(smax < limit, smin >= limit);
    case '<=':
      return test(smax <= limit, smin > limit);
    case '>':
      return test(smin > limit, smax <= limit);
    case '>=':
      return test(smin >= limit, smax < limit);
    case '==':
      return test(smin === limit && smax === limit, smax < limit || smin > limit);
    default:
      return test(smax < limit || smin > limit, smin === limit && smax === limit);
  }
}

function branchSentence(speech: Speech, event: ValueEvent & { kind: 'branch' }, name: string | undefined): string {
  const condition = conditionText(speech, event.insn);
  const shown = condition === undefined ? undefined : quoted(condition);
  const { before, after } = event;
  const written = condition === undefined ? undefined : /^\(?\s*([A-Za-z_][\w.]*(?:->\w+)*)\s*(?:[<>]=?|[=!]=)/.exec(condition)?.[1];
  const what = name !== undefined || (written !== undefined && after.type === SCALAR_VALUE) ? `\`${name ?? written!}\`` : 'the value';
  if (after.type !== SCALAR_VALUE || before.type !== SCALAR_VALUE) {
    if (after.range !== before.range) {
      const there =
        after.range > 0
          ? `${byteCount(after.range)} behind the packet's start are there`
          : after.range < 0
            ? 'the packet ends before this pointer'
            : 'nothing is known of the packet';
      return shown ? `after ${shown} ${there}` : `after this comparison ${there}`;
    }
    const isNull = after.type === SCALAR_VALUE;
    return `${shown ? `the check ${shown}` : 'this comparison'} leaves ${what} ${isNull ? 'NULL on this path' : 'not NULL'}`;
  }
  const result = outcome(condition ?? '', name, after);
  const range = `${what} is ${knownRange(after)}`;
  // Comparisons that the compiler has joined stand at one of their places: a condition without the name is another one's.
  if (shown === undefined || (name !== undefined && !new RegExp(`\\b${name}\\b`).test(condition!)))
    return `this comparison leaves ${what} ${knownRange(after)}`;
  return result === undefined ? `after ${shown} ${range}` : `${shown} is ${result ? 'true' : 'false'} on this path: ${range}`;
}

function computedSentence(speech: Speech, event: ValueEvent & { kind: 'computed' }, name: string | undefined): string | undefined {
  const insn = speech.env.insns[event.insn]!;
  const { before, after } = event;
  const expression = speech.names.expression(event.insn)?.text;
  const isWritten =
    expression !== undefined && !/^(?:while|for|if|switch)\b/.test(expression) && /[-+*/%&|^<>~]/.test(expression.replaceAll('->', ''));
  const shown = (isWritten && quoted(expression)) || `this ${operationOf(insn)}`;
  const lost = before.type === SCALAR_VALUE && isUnbounded(after) && !isUnbounded(before);
  if (lost) {
    const why =
      event.other && event.other.type === SCALAR_VALUE && event.other.scalar.mask !== 0n
        ? `: the other operand is ${knownRange(event.other)}`
        : insnClass(insn) === BPF_ALU
          ? ''
          : ': the result may overflow';
    return `${shown} loses what was known: ${aValue(before)} before, ${knownRange(after)} after${why}`;
  }
  if (before.type !== SCALAR_VALUE && after.type === SCALAR_VALUE) {
    return event.other && event.other.type !== SCALAR_VALUE
      ? `${shown} is the distance of two pointers: ${knownRange(after)}`
      : `${shown} makes a plain number of the pointer`;
  }
  // Shifts and conversions that only the compiler wrote say nothing to a reader of C.
  if (!isWritten) return undefined;
  const other =
    event.other?.type === SCALAR_VALUE && event.other.scalar.mask !== 0n && !isUnbounded(event.other)
      ? ` (the other operand is ${knownRange(event.other)})`
      : '';
  return `${shown} gives ${after.type === SCALAR_VALUE ? aValue(after) : 'a pointer'}${name === undefined ? '' : ` for \`${name}\``}${other}`;
}

/** What ended a pointer: a call, or a store over the object that it belonged to. */
export function endsLife(speech: Speech, insn: number): string {
  if (speech.env.insns[insn]!.opcode === (BPF_JMP | BPF_CALL)) return callText(speech, insn);
  const expression = speech.names.expression(insn)?.text;
  return (expression === undefined ? undefined : quoted(expression)) ?? 'this store';
}

/** One event as a step of the causal path; undefined where it tells nothing. */
export function causeOf(speech: Speech, event: ValueEvent): Cause | undefined {
  const { insn } = event;
  const name = nameAt(speech, event);
  const what = name === undefined ? undefined : `\`${name}\``;
  const again = event.times > 1 ? `, ${event.times} times on this path` : '';
  const cause = (kind: Cause['kind'], text: string): Cause => ({ insn, text: `${text}${again}`, ...(kind && { kind }) });
  switch (event.kind) {
    case 'call': {
      const call = callText(speech, insn);
      const { after } = event;
      if (mayBeNull(after.type)) return cause('origin', `${call} may return NULL`);
      const isVoid = speech.env.insns[insn]!.src === BPF_PSEUDO_KFUNC_CALL && after.type === 0;
      if (isVoid) return cause('origin', `${call} returns nothing`);
      return cause('origin', after.type === SCALAR_VALUE ? `${call} returns ${aValue(after)}` : `${call} returns the pointer`);
    }
    case 'load': {
      const expression = speech.names.expression(insn)?.text;
      const shown = expression === undefined || /^return\b/.test(expression) || expression.includes('=') ? undefined : quoted(expression);
      const from = loadedFrom(speech, event);
      if (event.after.type !== SCALAR_VALUE)
        return cause(
          'origin',
          `${shown ?? what ?? 'the pointer'} is loaded${from}${mayBeNull(event.after.type) ? ' and may be NULL' : ''}`,
        );
      return cause('origin', `${shown ?? what ?? 'the value'} is loaded${from}: ${knownRange(event.after)}`);
    }
    case 'constant':
      if (event.after.type !== SCALAR_VALUE) return cause('origin', `${what ?? 'the pointer'} is taken here`);
      return cause('origin', `${what ?? 'the value'} is set to ${event.after.scalar.mask === 0n ? rangeOf(event.after) : 'a constant'}`);
    case 'memory-load':
      return cause('origin', `${callText(speech, insn)} writes it`);
    case 'entry':
      if (event.register === 10) return undefined;
      return event.after.type === PTR_TO_CTX
        ? cause('origin', `${what ?? '`ctx`'} is the program's context`)
        : cause('origin', `${what ?? 'the value'} is an argument of a function that is verified by itself: ${knownRange(event.after)}`);
    case 'callback':
      return cause('origin', `${callText(speech, insn)} passes it to the callback`);
    case 'branch':
      return cause('branch', branchSentence(speech, event, name));
    case 'computed': {
      const lost = event.before.type === SCALAR_VALUE && isUnbounded(event.after) && !isUnbounded(event.before);
      const sentence = computedSentence(speech, event, name);
      return sentence === undefined ? undefined : cause(lost ? 'lost' : 'computed', sentence);
    }
    case 'truncated':
      return isUnbounded(event.before)
        ? undefined
        : cause('lost', `only the low bits are kept here: ${aValue(event.before)} before, ${aValue(event.after)} after`);
    case 'spilled':
      return cause('lost', 'it was saved on the stack in parts, or with another size than it is read with');
    case 'passed': {
      const { env } = speech;
      const parameter = speech.names.parameter(speech.path[event.step + 1]?.insn ?? insn, event.argument - 1);
      return cause(
        'call',
        `it is passed to ${describeCall(env, insn)} as ${parameter === undefined ? `argument ${event.argument}` : `\`${parameter}\``}`,
      );
    }
    case 'returned': {
      const step = speech.path[event.step]!;
      const name = speech.env.subprograms[speech.env.subprogramOf[step.insn] ?? 0]?.name;
      return cause('call', `${name === undefined ? 'the function' : `${name}()`} returns it`);
    }
    case 'released':
      return cause('lost', `${endsLife(speech, insn)} ends the pointer's life: from here on it is only a number`);
    case 'clobbered':
      return cause('lost', `${callText(speech, insn)} overwrites r1 to r5`);
    default:
      return undefined;
  }
}
