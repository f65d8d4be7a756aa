// Conditions of breakpoints as WebAssembly: comparisons of registers, constants and places of the frame. Others are left to condition.ts.

import { STACK_SIZE } from '../address-space.ts';
import type { BreakpointCondition, ConditionOperand } from '../types.ts';
import { W } from './module-bytes.ts';
import type { Emitter } from './operations.ts';

const compiles = (operand: ConditionOperand): boolean =>
  operand.kind !== 'memory' || (operand.base === 10 && operand.offset >= -STACK_SIZE && operand.offset + operand.size <= 0);

/** Whether all conditions of the slot, of which there is at least one, can be compiled. */
export function compilesCondition(conditions: readonly BreakpointCondition[] | undefined, slot: number): boolean {
  const here = (conditions ?? []).filter((condition) => condition.slot === slot);
  return here.length > 0 && here.every(({ left, right }) => compiles(left) && compiles(right));
}

const COMPARISONS = {
  '==': [W.i64_eq, W.i64_eq],
  '!=': [W.i64_ne, W.i64_ne],
  '<': [W.i64_lt_u, W.i64_lt_s],
  '<=': [W.i64_le_u, W.i64_le_s],
  '>': [W.i64_gt_u, W.i64_gt_s],
  '>=': [W.i64_ge_u, W.i64_ge_s],
} as const;

/** Leaves 1 on the stack where all conditions of the slot hold. */
export function emitConditions(e: Emitter, conditions: readonly BreakpointCondition[], slot: number, stack: number): void {
  conditions
    .filter((condition) => condition.slot === slot)
    .forEach(({ left, comparison, signed, right }, i) => {
      emitOperand(e, left, signed, stack);
      emitOperand(e, right, signed, stack);
      e.op(COMPARISONS[comparison][signed ? 1 : 0]);
      if (i > 0) e.op(W.i32_and);
    });
}

function emitOperand(e: Emitter, operand: ConditionOperand, signed: boolean, stack: number): void {
  switch (operand.kind) {
    case 'constant':
      e.i64(Number(BigInt.asIntN(32, operand.value)), Number(BigInt.asIntN(32, operand.value >> 32n)));
      return;
    case 'register': {
      const { bits = 64 } = operand;
      e.get(e.registers[operand.register]!);
      if (bits === 64) return;
      if (signed) {
        e.op(bits === 8 ? W.i64_extend8_s : bits === 16 ? W.i64_extend16_s : W.i64_extend32_s);
      } else {
        e.i64(bits === 32 ? -1 : (1 << bits) - 1, 0);
        e.op(W.i64_and);
      }
      return;
    }
    case 'memory': {
      const load = signed
        ? { 1: W.i64_load8_s, 2: W.i64_load16_s, 4: W.i64_load32_s, 8: W.i64_load }
        : { 1: W.i64_load8_u, 2: W.i64_load16_u, 4: W.i64_load32_u, 8: W.i64_load };
      e.get(stack);
      e.memory(load[operand.size], STACK_SIZE + operand.offset);
      return;
    }
  }
}
