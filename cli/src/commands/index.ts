// All commands but conformance, for the bundle that holds them.

export { asm } from './asm.ts';
export { disasm } from './disasm.ts';
export { doctor } from './doctor.ts';
export { explainLog } from './explain-log.ts';
export { inspect } from './inspect.ts';
export { run } from './run.ts';
export { shell } from './shell.ts';
export { verify } from './verify.ts';
