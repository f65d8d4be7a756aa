// The kernel's verdict on a program, with the reason. Never runs anything; never imports vm or sim.

export type * from './types.ts';
export { verify } from './verify.ts';
export { FINDINGS } from './findings.ts';
