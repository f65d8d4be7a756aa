// The kernel's verdict on a program, with the reason. Never runs anything; never imports vm or sim.

export type * from './types.ts';
export type * from './knowledge/known-value.ts';
export { verify } from './verify.ts';
export { joinKnown } from './knowledge/known-states.ts';
export type { Register } from './state/registers.ts';
export type { StackSlot } from './state/state.ts';
export type { Scalar } from './numbers/scalar.ts';
export { FINDINGS, WARNINGS } from './explain/findings.ts';
