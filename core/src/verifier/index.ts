// The kernel's verdict on a program, with the reason. Never runs anything; never imports vm or sim.

export type * from './types.ts';
export type * from './known-value.ts';
export { verify } from './verify.ts';
export { joinKnown } from './known-states.ts';
export type { Register } from './registers.ts';
export type { StackSlot } from './state.ts';
export type { Scalar } from './domains/scalar.ts';
export { FINDINGS, WARNINGS } from './findings.ts';
