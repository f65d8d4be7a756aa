// One line of a variables tree, whatever it shows; its children are made when somebody opens it.
// Knows no DAP: session.ts gives the lines their references.

import { asU64 } from '#core/bytes';
import { findMember } from './c-type.ts';
import type { CType } from './c-type.ts';
import { addressOf, constant, dereference, elementOf, formatValue, memberOf, readInteger } from './c-value.ts';
import type { CValue } from './c-value.ts';
import { assign, evaluate } from './expression.ts';
import type { ExpressionScope } from './expression.ts';

export interface Variable {
  name: string;
  value: string;
  type?: string;
  /** Lines under this one; `count` of them are numbered and can be asked for in pieces. */
  children?: (from: number, count: number) => readonly Variable[];
  numbered?: number;
  /** Address of what it shows, for the memory view. */
  address?: bigint;
  /** An expression that gives the same value, for watches. */
  expression?: string;
  /** Sets it to what somebody typed; answers a sentence when that is refused. */
  assign?: (text: string) => string | undefined;
  /** Shown with less weight: it belongs to the machine rather than the source. */
  quiet?: boolean;
}

const MOST_ELEMENTS = 100_000;

/** The line for a C value, with its members, elements or target under it. */
export function variableOf(name: string, value: CValue, scope: ExpressionScope, expression?: string): Variable {
  const { type } = value;
  const address = type.kind === 'pointer' ? pointerAddress(value) : addressOf(value);
  const children = childrenOf(value, scope, expression);
  const settable = value.place.write !== undefined && (type.kind === 'integer' || type.kind === 'enum' || type.kind === 'pointer');
  return {
    name,
    value: formatValue(value.name === undefined ? { ...value, name } : value, scope),
    type: type.name,
    ...(address === undefined || address === 0n ? {} : { address }),
    ...(expression === undefined ? {} : { expression }),
    ...children,
    ...(settable ? { assign: (text) => assignText(value, text, scope) } : {}),
  };
}

/** Evaluates what somebody typed and stores it. */
export function assignText(target: CValue, text: string, scope: ExpressionScope): string | undefined {
  const value = evaluate(text, scope);
  return 'failure' in value ? value.failure : assign(target, value);
}

function pointerAddress(value: CValue): bigint | undefined {
  const number = readInteger(value);
  return typeof number === 'bigint' ? asU64(number) : undefined;
}

function childrenOf(value: CValue, scope: ExpressionScope, expression: string | undefined): Pick<Variable, 'children' | 'numbered'> {
  const { type } = value;
  switch (type.kind) {
    case 'record':
      if (type.members().length === 0) return {};
      return { children: () => memberLines(value, type, scope, expression) };
    case 'array': {
      const { element, count } = type;
      if (count === 0) return {};
      return {
        numbered: Math.min(count, MOST_ELEMENTS),
        children: (from, wanted) =>
          Array.from({ length: Math.max(0, Math.min(wanted, count - from)) }, (_, index) =>
            variableOf(
              `[${from + index}]`,
              elementOf(value, element, from + index),
              scope,
              expression === undefined ? undefined : `${expression}[${from + index}]`,
            ),
          ),
      };
    }
    case 'pointer': {
      const address = pointerAddress(value);
      const target = type.target();
      // A pointer to nothing, to unknown memory or to something without a size has nothing under it.
      if (!address || target.size === 0 || scope.describeAddress(address) === undefined) return {};
      const pointed = dereference(value, scope);
      if ('unavailable' in pointed) return {};
      if (target.kind === 'record')
        return { children: () => memberLines(pointed, target, scope, expression === undefined ? undefined : `(*${expression})`) };
      return {
        children: () => [variableOf(`*${expression ?? ''}`, pointed, scope, expression === undefined ? undefined : `*${expression}`)],
      };
    }
    default:
      return {};
  }
}

/** Members of anonymous structs and unions stand beside the others, as C code names them. */
function memberLines(
  value: CValue,
  type: CType & { kind: 'record' },
  scope: ExpressionScope,
  expression: string | undefined,
): readonly Variable[] {
  return type.members().flatMap((member) => {
    const part = memberOf(value, member);
    if (member.name === '' && member.type.kind === 'record') return memberLines(part, member.type, scope, expression);
    return [
      variableOf(
        member.name,
        part,
        scope,
        expression === undefined || !findMember(type, member.name) ? undefined : `${expression}.${member.name}`,
      ),
    ];
  });
}

/** A line that only says something. */
export const textLine = (name: string, value: string, more: Partial<Variable> = {}): Variable => ({ name, value, ...more });

/** A line for an integer that is no C object: a header field, a counter. */
export const numberLine = (name: string, type: CType, number: bigint, scope: ExpressionScope): Variable =>
  variableOf(name, constant(type, number), scope);
