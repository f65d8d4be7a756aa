// Why an access may reach outside of its object: which index, its range, and what the object is in C.

import { BPF_LSH, BPF_MUL, usesRegisterSource } from '#core/isa';
import { byteCount } from './byte-words.ts';
import {
  baseType,
  isPacketPointer,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET_END,
  PTR_TO_STACK,
  type Register,
  SCALAR_VALUE,
} from '../state/registers.ts';
import type { Cause, Fix } from '../types.ts';
import { pointerOf } from './c-expression.ts';
import { behindPointer, describeArray, type Layout, placeAt } from './layout.ts';
import type { Explained, RejectedCase } from './rejected-case.ts';
import { conditionText, isUnbounded, knownRange, quoted } from './value-words.ts';
import { isConditional, type ValueEvent } from './value-path.ts';

const S64_MIN = -(1n << 63n);
/** Beyond this the range says nothing that a person would want to read. */
const NO_LIMIT = 1n << 31n;

interface Target {
  /** `the value of map \`counts\` (struct event)`. */
  readonly what: string;
  /** What the accessed part is called: `value->data`, `table`. */
  readonly name: string;
  readonly layout: Layout | undefined;
  /** Offset of the layout in what the pointer points to. */
  readonly start: number;
  readonly size: number;
  /** `name` is a variable; else a pointer to the object. */
  readonly isObject: boolean;
  readonly declared?: Cause;
}

const plain = (name: string | undefined): string | undefined => (name !== undefined && /^\w+$/.test(name) ? name : undefined);

function targetOf(c: RejectedCase, register: Register, offset: number, regno = c.regno): Target | undefined {
  const pointer = c.pointerName(regno);
  switch (baseType(register.type)) {
    case PTR_TO_MAP_VALUE: {
      const { definition, valueSize } = register.map!;
      const value = c.names.valueAt(definition, offset);
      if (value?.global) {
        const declared = c.names.declarationOfGlobal(value.name);
        return {
          what: `the variable \`${value.name}\` (${value.layout.name})`,
          name: value.name,
          layout: value.layout,
          start: value.start,
          size: value.layout.size,
          isObject: true,
          ...(declared && {
            declared: {
              insn: c.at,
              text: `\`${value.name}\` is declared here with ${byteCount(value.layout.size)}`,
              kind: 'declared',
              span: declared,
            },
          }),
        };
      }
      const declared = c.names.declarationOf(definition);
      return {
        what: `the value of map \`${definition.name}\`${value ? ` (${value.layout.name})` : ''}`,
        name: plain(pointer) ?? 'value',
        layout: value?.layout,
        start: 0,
        size: valueSize,
        isObject: false,
        ...(declared && {
          declared: {
            insn: c.at,
            text: `map \`${definition.name}\` is declared here: its values have ${byteCount(valueSize)}`,
            kind: 'declared',
            span: declared,
          },
        }),
      };
    }
    case PTR_TO_MAP_KEY:
      return {
        what: `the key of map \`${register.map!.definition.name}\``,
        name: pointer ?? 'key',
        layout: undefined,
        start: 0,
        size: register.map!.keySize,
        isObject: false,
      };
    case PTR_TO_MEM: {
      const layout = pointer === undefined ? undefined : c.variableType(pointer)?.layout.target?.();
      return {
        what: `the memory that ${pointer === undefined ? 'the pointer' : `\`${pointer}\``} points to`,
        name: pointer ?? 'memory',
        layout: layout && layout.size > 0 ? layout : undefined,
        start: 0,
        size: register.memSize,
        isObject: false,
      };
    }
    case PTR_TO_STACK: {
      const slot = c.env.state.frames[register.frame + 1]?.callsite ?? c.at;
      const variable = c.names.onStack(slot, offset) ?? nearestBelow(c, slot, offset);
      if (!variable) return undefined;
      return {
        what: `\`${variable.name}\` (${variable.layout.name}) on the stack`,
        name: variable.name,
        layout: variable.layout,
        start: variable.offset,
        size: variable.layout.size,
        isObject: true,
        ...(variable.declared && {
          declared: {
            insn: c.at,
            text: `\`${variable.name}\` is declared here with ${byteCount(variable.layout.size)}`,
            kind: 'declared',
            span: variable.declared,
          },
        }),
      };
    }
    default:
      return undefined;
  }
}

/** The array that an access begins in front of or runs out of. */
function nearestBelow(c: RejectedCase, slot: number, offset: number) {
  return c.names
    .stackVariables(slot)
    .filter((one) => one.offset <= offset)
    .sort((a, b) => b.offset - a.offset)[0];
}

/** What stands in the brackets of the expression's last subscript. */
function subscript(expression: string | undefined): string | undefined {
  const inside = expression === undefined ? undefined : /\[([^[\]]+)\](?!.*\[)/s.exec(expression)?.[1]?.trim();
  return inside === undefined || inside.length > 30 || /^\d+$/.test(inside) ? undefined : inside;
}

const floor = (a: bigint, b: bigint): bigint => (a < 0n ? -((-a + b - 1n) / b) : a / b);

const range = (low: bigint, high: bigint): string =>
  low === high ? String(low) : `in [${low <= -NO_LIMIT ? '-∞' : low}, ${high >= NO_LIMIT ? '∞' : high}]`;

/** The index as it was before the compiler multiplied it by the element's size. */
function scaledIndex(c: RejectedCase, events: readonly ValueEvent[]): Register | undefined {
  const scale = events.find((event) => event.kind !== 'branch' && event.kind !== 'truncated');
  if (scale?.kind !== 'computed' || scale.before.type !== SCALAR_VALUE || scale.other !== undefined) return undefined;
  const operation = c.env.insns[scale.insn]!.opcode & 0xf0;
  return operation === BPF_LSH || operation === BPF_MUL ? scale.before : undefined;
}

/** The newest comparison that is one short of the limit. */
function offByOne(
  c: RejectedCase,
  events: readonly ValueEvent[],
  limit: bigint,
): { cause: number; from: string; to: string; condition: string } | undefined {
  for (const event of events) {
    if (event.kind !== 'branch' || event.after.type !== SCALAR_VALUE || event.after.scalar.umax !== limit) continue;
    const condition = conditionText(c, event.insn);
    const operator = condition === undefined ? undefined : /(?<![<>=!-])([<>]=?)(?![<>=])/.exec(condition)?.[1];
    if (condition === undefined || operator === undefined) return undefined;
    // `x > limit` lets the limit itself through, and so does `x <= limit` where it is true.
    const to = operator === '>' ? '>=' : operator === '<=' ? '<' : undefined;
    return to === undefined ? undefined : { cause: event.insn, from: operator, to, condition };
  }
  return undefined;
}

function powerMask(limit: bigint): number | undefined {
  return limit > 1n && (limit & (limit - 1n)) === 0n && limit <= NO_LIMIT ? Number(limit - 1n) : undefined;
}

/** map-value-bounds, mem-bounds, map-key-bounds, negative-index, unbounded-index. */
export function explainBounds(c: RejectedCase): Explained {
  const register = c.register;
  const { access } = c.rejection.details;
  if (!register || register.type === SCALAR_VALUE) return {};
  if (isPacketPointer(register.type)) return explainPacketOffset(c, register);
  const off = access?.off ?? register.off;
  const size = access?.size ?? 1;
  const { scalar } = register;
  const variable = scalar.mask !== 0n;
  const fixed = variable ? off : off + Number(BigInt.asIntN(64, scalar.value));
  const target = targetOf(c, register, fixed);
  const events = c.events(c.regno, 'offset');
  const causes = [...(target?.declared ? [target.declared] : []), ...c.causes(events)];
  if (!target) return { causes };
  const place = target.layout && placeAt(target.layout, fixed - target.start, size, variable);
  const { array } = place ?? {};
  const element = array?.layout.element;
  const name = memberName(c, target, array?.path ?? '');
  const named = c.variable(c.regno, 'offset');
  const index = subscript(c.expression);
  if (!variable) {
    if (array && element && element.size > 0) {
      const at = Math.floor((fixed - target.start - array.start) / element.size);
      return {
        explanation: `\`${name}[${at}]\` is accessed; ${describeArray(name, array.layout)}.`,
        advice: 'Use an index that the array has.',
        causes,
      };
    }
    const ends = fixed - target.start + size;
    return {
      explanation:
        fixed - target.start < 0
          ? `${c.shown ?? 'The access'} begins ${byteCount(target.start - fixed)} before ${target.what}.`
          : `${c.shown ?? 'The access'} needs ${byteCount(ends)} of ${target.what}, which has ${target.size}.`,
      advice:
        baseType(register.type) === PTR_TO_MAP_VALUE
          ? "Make the map's value type as large as what is read from it, or access less."
          : 'Access only what is there.',
      causes,
    };
  }
  const from = BigInt(target.start + (array?.start ?? 0));
  const step = BigInt(element?.size || 1);
  const count = array && element && element.size > 0 ? BigInt(array.layout.count ?? 0) : undefined;
  const low = scalar.smin === S64_MIN ? scalar.smin : floor(scalar.smin + BigInt(off) - from, step);
  const high = scalar.umax >= NO_LIMIT ? scalar.umax : floor(scalar.umax + BigInt(off) - from, step);
  const scaled = scaledIndex(c, events);
  const own =
    named && named.value.type === SCALAR_VALUE
      ? named
      : scaled && index !== undefined && /^\w+$/.test(index)
        ? { name: index, value: scaled }
        : undefined;
  const isIndex =
    own !== undefined && (index === own.name || index === undefined || (own.value.scalar.smin === low && own.value.scalar.umax === high));
  const subject = isIndex
    ? `\`${own.name}\``
    : index !== undefined
      ? `the index \`${index}\``
      : own
        ? `the offset made of \`${own.name}\``
        : count !== undefined
          ? 'the index'
          : 'the offset';
  const known = isIndex ? own.value : undefined;
  const indexRange =
    known && (isUnbounded(known) || low === S64_MIN || high >= NO_LIMIT)
      ? isUnbounded(known)
        ? 'can be any number'
        : `is ${knownRange(known)}`
      : `is ${range(low, high)}`;
  const object =
    count !== undefined && array
      ? describeArray(name, array.layout)
      : `${target.what} has ${byteCount(target.size)}, and ${size} are accessed`;
  const limit = count ?? BigInt(Math.max(0, target.size - size - (off - target.start)) + 1);
  const isSigned = scalar.smin < 0n || (known !== undefined && known.scalar.smin < 0n);
  const missing = [...(isSigned ? ['below zero'] : []), ...(high >= limit ? ['above'] : [])].join(' and ');
  const close = offByOne(c, events, limit);
  const word = isIndex ? own.name : index;
  return {
    explanation: `${capital(subject)} ${indexRange}; ${object}${isSigned && high < limit ? ': it may be negative' : ''}.`,
    advice: close
      ? `\`${close.condition}\` lets ${limit} through, one too many: write \`${close.condition.replace(new RegExp(`(?<![<>=!-])${close.from}(?![<>=])`), close.to)}\`.`
      : word !== undefined
        ? `Limit it first: \`if (${isSigned ? `${word} < 0 || ` : ''}${word} >= ${limit}) return 0;\`${!isSigned && powerMask(limit) !== undefined ? `, or mask it: \`${word} & ${powerMask(limit)}\`` : ''}.`
        : `Limit the offset ${missing === '' ? '' : `${missing} `}before the access.`,
    ...(own && { variable: own.name }),
    ...fixOf(c, close, word, limit, isSigned, count !== undefined || isIndex),
    causes,
  };
}

function fixOf(
  c: RejectedCase,
  close: ReturnType<typeof offByOne>,
  word: string | undefined,
  limit: bigint,
  signed: boolean,
  isIndex: boolean,
): { fix?: Fix } {
  if (close) return { fix: { kind: 'tighten', insn: close.cause, from: close.from, to: close.to } };
  if (word === undefined || !isIndex || limit <= 0n || limit > NO_LIMIT) return {};
  const mask = powerMask(limit);
  return { fix: { kind: 'bound', expression: word, limit: Number(limit), signed, insn: c.at, ...(mask !== undefined && { mask }) } };
}

/** The array as the source names it: `t->data`, `names`, `buffer`. */
function memberName(c: RejectedCase, target: Target, path: string): string {
  const written = c.expression === undefined || !c.isAccess ? undefined : pointerOf(c.expression);
  const last = /(\w+)$/.exec(path === '' ? target.name : path)?.[1];
  if (written !== undefined && last !== undefined && written.length <= 40 && new RegExp(`\\b${last}$`).test(written)) return written;
  return target.isObject ? `${target.name}${path}` : path === '' ? target.name : `${target.name}${behindPointer(path)}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The struct that a packet pointer is seen as: `iph` is a `struct iphdr`. */
function packetView(c: RejectedCase, regno: number): { name: string | undefined; struct: Layout | undefined } {
  const variable = c.names.inRegister(c.at, regno);
  const name = c.pointerName(regno) ?? variable?.name;
  const layout = (name === undefined ? undefined : c.names.byName(c.at, name)?.layout.target?.()) ?? variable?.layout.target?.();
  return { name, struct: layout && layout.size > 1 && layout.members ? layout : undefined };
}

/** Where the struct of `iph->protocol` begins, when its member is accessed at `off`. */
function structStart(expression: string | undefined, struct: Layout, off: number): number {
  const member = /(?:->|\.)(\w+)/.exec(expression ?? '')?.[1];
  const found = struct.members?.().find(({ name }) => name === member);
  return found ? off - found.offset : off;
}

/** Comparisons with the end of the packet on the path: the last one that told how long it is. */
function packetCheck(c: RejectedCase, id: number): { insn: number; range: number; cause: Cause } | undefined {
  for (let i = c.path.length - 2; i >= 0; i--) {
    const step = c.path[i]!;
    const next = c.path[i + 1]!;
    if (step.frame !== next.frame) continue;
    for (let regno = 0; regno < 10; regno++) {
      const before = step.registers[regno]!;
      const after = next.registers[regno]!;
      if (
        !isPacketPointer(before.type) ||
        before.type !== after.type ||
        after.id !== id ||
        before.range === after.range ||
        after.range <= 0
      )
        continue;
      const condition = conditionText(c, step.insn);
      return {
        insn: step.insn,
        range: after.range,
        cause: {
          insn: step.insn,
          kind: 'branch',
          text: `after ${(condition && quoted(condition)) ?? 'this comparison'} ${byteCount(after.range)} are known to be there`,
        },
      };
    }
  }
  return undefined;
}

/** A comparison of this packet pointer with the end, of which the path took the side that shows nothing. */
function otherBranch(c: RejectedCase, id: number): { insn: number; words: string } | undefined {
  for (let i = c.path.length - 2; i >= 0; i--) {
    const step = c.path[i]!;
    const insn = c.env.insns[step.insn]!;
    if (!isConditional(insn) || !usesRegisterSource(insn)) continue;
    const [a, b] = [step.registers[insn.dst]!, step.registers[insn.src]!];
    const pointer = a.type === PTR_TO_PACKET_END ? b : b.type === PTR_TO_PACKET_END ? a : undefined;
    if (!pointer || !isPacketPointer(pointer.type) || pointer.id !== id) continue;
    const condition = conditionText(c, step.insn);
    return { insn: step.insn, words: (condition === undefined ? undefined : quoted(condition)) ?? 'the comparison' };
  }
  return undefined;
}

/** packet-bounds. */
export function explainPacket(c: RejectedCase): Explained {
  const { register, regno } = c;
  const { access } = c.rejection.details;
  if (!register || regno === undefined || !access) return {};
  const check = packetCheck(c, register.id);
  const { name, struct } = packetView(c, regno);
  const moved = register.id !== 0;
  const events = c
    .events(regno, moved ? 'offset' : 'object')
    .filter((event) => event.kind !== 'branch' || event.after.type === SCALAR_VALUE);
  const causes = [...c.causes(events), ...(check ? [check.cause] : [])];

  if (register.range < 0) {
    return {
      explanation: `On this path the packet ends before ${name === undefined ? 'the pointer' : `\`${name}\``}: the comparison with data_end went the other way.`,
      advice: 'Access the packet only where the comparison has shown that it is long enough.',
      causes,
    };
  }
  if (register.scalar.umax > 0xffffn) {
    const named = c.variable(regno, 'offset');
    return {
      explanation: `${named ? `\`${named.name}\` is ${knownRange(named.value)}` : 'The offset into the packet is not limited'}; the verifier follows packet pointers up to 65535 bytes, so the comparison with data_end taught it nothing.`,
      advice: `Limit the offset before it is added, as \`if (${named?.name ?? 'offset'} > 1500) return …;\`.`,
      ...(named && { variable: named.name }),
      causes,
    };
  }
  const start = moved ? (name === undefined ? 'where the variable offset points' : `\`${name}\``) : "the packet's start";
  const begins = struct ? structStart(c.expression, struct, access.off) : access.off;
  const structs =
    struct && name !== undefined
      ? ` (\`${name}\` is a \`${struct.name}\` of ${byteCount(struct.size)}${begins > 0 && !moved ? ` at byte ${begins}` : ''})`
      : '';
  // Behind an offset that is not known, bytes are counted from the struct itself.
  const needed = access.size + (moved && struct ? access.off - begins : access.off);
  const wrongWay = check ? undefined : otherBranch(c, register.id);
  const shown = wrongWay
    ? `${wrongWay.words}${c.place(wrongWay.insn)} leads here when the packet is too short`
    : check
      ? `${check.range} ${check.range === 1 ? 'is' : 'are'} shown to be there by the check${c.place(check.insn)}`
      : 'nothing has been compared with data_end on this path';
  return {
    explanation: `${c.shown ?? 'The access'} needs ${needed} byte${needed === 1 ? '' : 's'} from ${start}${structs}; ${shown}.`,
    advice:
      name === undefined || !/^\w+$/.test(name)
        ? `Compare with data_end first, so that ${byteCount(needed)} are there.`
        : struct
          ? `Check first: \`if ((void *)(${name} + 1) > data_end) return …;\`.`
          : `Check first: \`if ((void *)${name} + ${access.size + Math.max(0, access.off - register.off)} > data_end) return …;\`.`,
    known: check ? `${byteCount(check.range)} are known to be there` : 'the packet has not been compared with data_end on this path',
    ...(name !== undefined && { variable: name }),
    ...(name !== undefined &&
      /^\w+$/.test(name) && {
        fix: {
          kind: 'packet-bound' as const,
          pointer: name,
          size: struct ? struct.size : needed - register.off,
          end: 'data_end',
          insn: c.at,
        },
      }),
    causes,
  };
}

/** An offset into the packet that may be negative or too large. */
function explainPacketOffset(c: RejectedCase, register: Register): Explained {
  const named = c.variable(c.regno, 'offset');
  const causes = c.causes(c.events(c.regno, 'offset'));
  const subject = named ? `\`${named.name}\`` : 'The offset into the packet';
  return {
    explanation: `${subject} is ${named ? knownRange(named.value) : `in [${register.scalar.smin}, ${register.scalar.umax}]`}: it may be negative, and packet data begins at 0.`,
    advice: `Make it unsigned, or check \`${named?.name ?? 'offset'} >= 0\` before it is added.`,
    ...(named && { variable: named.name }),
    causes,
  };
}

/** pointer-offset-range: the number added to a pointer is not limited. */
export function explainAddedNumber(c: RejectedCase): Explained {
  const { register, regno } = c;
  if (!register || regno === undefined) return {};
  if (register.type !== SCALAR_VALUE) {
    return {
      explanation: `The pointer is moved ${byteCount(register.off)} away from what it points to; 2^29 is the limit.`,
      advice: 'Add a smaller constant.',
      causes: c.causes(c.events()),
    };
  }
  const events = c.events(regno, 'object');
  const named = c.variable(regno);
  const written = subscript(c.expression);
  const index = scaledIndex(c, events) ?? register;
  const word = written ?? named?.name;
  const subject =
    written !== undefined && !/^\w+$/.test(written)
      ? `the index \`${written}\``
      : word !== undefined
        ? `\`${word}\``
        : 'the number added to the pointer';
  const { scalar } = index;
  const signed = scalar.smin < 0n;
  const array = arrayBehind(c);
  const limit = array?.limit ?? 'N';
  const what = scalar.mask === 0n ? String(BigInt.asIntN(64, scalar.value)) : isUnbounded(index) ? 'can be any number' : knownRange(index);
  return {
    explanation: `${capital(subject)} ${what.startsWith('can') ? what : `is ${what}`}${signed && scalar.mask !== 0n && !isUnbounded(index) ? ', so it may be negative' : ''}; ${array?.text ?? 'it must be limited before it is added to a pointer'}.`,
    advice:
      word === undefined
        ? 'Limit the number from below and above before adding it.'
        : `Check it first: \`if (${signed ? `${word} < 0 || ` : ''}${word} >= ${limit}) return 0;\`${signed ? ', or make it unsigned' : ''}.`,
    ...(word !== undefined && /^\w+$/.test(word) && { variable: word }),
    ...(word !== undefined &&
      array?.limit !== undefined && { fix: { kind: 'bound' as const, expression: word, limit: array.limit, signed, insn: c.at } }),
    causes: [...(array?.declared ? [array.declared] : []), ...c.causes(events)],
  };
}

/** The array that the other operand of an addition points to. */
function arrayBehind(c: RejectedCase): { text: string; limit: number; declared?: Cause } | undefined {
  const { insn, now } = c;
  if (!insn || c.isAccess) return undefined;
  const regno = now[insn.dst]?.type !== SCALAR_VALUE ? insn.dst : usesRegisterSource(insn) ? insn.src : undefined;
  const pointer = regno === undefined ? undefined : now[regno];
  if (!pointer || pointer.type === SCALAR_VALUE || pointer.scalar.mask !== 0n) return undefined;
  const offset = pointer.off + Number(BigInt.asIntN(64, pointer.scalar.value));
  const target = targetOf(c, pointer, offset, regno);
  const array = target?.layout && placeAt(target.layout, offset - target.start, 1, true)?.array;
  if (!target || !array || !array.layout.count) return undefined;
  const written = pointerOf(c.expression ?? '');
  return {
    text: describeArray(written ?? memberName(c, target, array.path), array.layout),
    limit: array.layout.count,
    ...(target.declared && { declared: target.declared }),
  };
}

/** stack-bounds. */
export function explainStackBounds(c: RejectedCase): Explained {
  const bounds = explainBounds(c);
  if (bounds.explanation !== undefined) return bounds;
  const { register } = c;
  if (register?.type !== PTR_TO_STACK) return {};
  const off =
    (c.rejection.details.access?.off ?? register.off) + Number(BigInt.asIntN(64, register.scalar.mask === 0n ? register.scalar.value : 0n));
  if (off < -512) {
    return {
      explanation: `The function needs ${byteCount(-off)} of stack; 512 is all there is.`,
      advice: 'Keep large variables in a map: a per-CPU array with one element serves as scratch memory.',
      ...bounds,
    };
  }
  if (off >= 0)
    return { explanation: `The access is ${byteCount(off)} above the frame pointer: the function's stack lies below it.`, ...bounds };
  return bounds;
}
