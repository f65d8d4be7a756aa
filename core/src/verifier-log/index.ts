// Reads what the kernel's verifier printed, wherever it was printed, and says what our verifier would say. Opens no file.

export type * from './types.ts';
export { readVerifierLogs } from './read-log.ts';
export { meaningOf, PATTERNS } from './patterns.ts';
