// Simple conditions as the engine can test them itself, millions a second: a variable or register compared with a number.
// Anything that C could read differently is left to the expression evaluator; the breakpoint asks that one again in any case.

import type { BreakpointCondition, ConditionOperand } from '#core/vm';
import type { CType } from './c-type.ts';
import { parseExpression } from './expression-parser.ts';
import type { Expression } from './expression-parser.ts';

/** Where a variable is at an instruction, if that is a register or a place in memory. */
export interface LocatedVariable {
  type: CType;
  location: { kind: 'register'; register: number } | { kind: 'memory'; register: number; offset: number } | undefined;
}

const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;

/** Undefined: the engine cannot test it. `locate` knows the variables in reach of the slot. */
export function engineCondition(
  text: string,
  slot: number,
  locate: (name: string) => LocatedVariable | undefined,
): BreakpointCondition | undefined {
  const tree = parseExpression(text, () => false);
  if ('message' in tree || tree.kind !== 'binary' || tree.left.kind !== 'name') return undefined;
  const comparison = COMPARISONS.find((operator) => operator === tree.operator);
  const constant = signedLiteral(tree.right);
  if (!comparison || constant === undefined) return undefined;
  const left = operandOf(tree.left.name, locate(tree.left.name));
  if (!left) return undefined;
  // A negative number against an unsigned operand is converted by C; a narrow one is promoted first. Both are rare: not here.
  if (!left.signed && constant < 0n) return undefined;
  const bits = BigInt(left.size * 8);
  const fits = left.signed ? constant < 1n << (bits - 1n) && constant >= -(1n << (bits - 1n)) : constant < 1n << bits;
  return fits ? { slot, left: left.operand, comparison, signed: left.signed, right: { kind: 'constant', value: constant } } : undefined;
}

/** A decimal or hexadecimal number that is an int or a long for C, with or without a minus sign. */
function signedLiteral(tree: Expression): bigint | undefined {
  if (tree.kind === 'unary' && tree.operator === '-') {
    const value = signedLiteral(tree.operand);
    return value === undefined ? undefined : -value;
  }
  return tree.kind === 'number' && !tree.unsigned ? tree.value : undefined;
}

function operandOf(
  name: string,
  variable: LocatedVariable | undefined,
): { operand: ConditionOperand; signed: boolean; size: number } | undefined {
  if (!variable) {
    const register = /^\$?[rR](10|[0-9])$/.exec(name);
    return register ? { operand: { kind: 'register', register: Number(register[1]) }, signed: false, size: 8 } : undefined;
  }
  const { type, location } = variable;
  if (!location || (type.kind !== 'integer' && type.kind !== 'enum')) return undefined;
  const { size, signed } = type;
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8) return undefined;
  const operand: ConditionOperand =
    location.kind === 'register'
      ? { kind: 'register', register: location.register, bits: (size * 8) as 8 | 16 | 32 | 64 }
      : { kind: 'memory', base: location.register, offset: location.offset, size };
  return { operand, signed, size };
}
