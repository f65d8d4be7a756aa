// Conditions of breakpoints, evaluated on the state: for the interpreter, and where compiled code does not do it itself.

import type { State } from './execution.ts';
import type { BreakpointCondition, ConditionOperand } from './types.ts';

/** The operand's value as the comparison sees it, or undefined where its memory cannot be read. */
function valueOf(state: State, operand: ConditionOperand, signed: boolean): bigint | undefined {
  const extend = (value: bigint, bits: number): bigint => (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value));
  switch (operand.kind) {
    case 'constant':
      return extend(operand.value, 64);
    case 'register':
      return extend(state.getRegister(operand.register), operand.bits ?? 64);
    case 'memory': {
      const value = state.memory.readInt(state.getRegister(operand.base) + BigInt(operand.offset), operand.size);
      return typeof value === 'bigint' ? extend(value, operand.size * 8) : undefined;
    }
  }
}

function holds(state: State, { left, comparison, signed, right }: BreakpointCondition): boolean {
  const a = valueOf(state, left, signed);
  const b = valueOf(state, right, signed);
  // What cannot be decided stops: a person should see it.
  if (a === undefined || b === undefined) return true;
  switch (comparison) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

/** Whether the breakpoint at state.pc stops: it has no condition, or all of them hold. */
export const stopsHere = (state: State, conditions: readonly BreakpointCondition[] | undefined): boolean =>
  !conditions || conditions.every((condition) => condition.slot !== state.pc || holds(state, condition));
