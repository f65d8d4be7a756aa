// Facts about the kernel as tables. Knows no program: readers ask by name or by id.

export * from './types.ts';
export * from './helpers.ts';
export * from './kfuncs.ts';
export * from './program-types.ts';
export * from './map-types.ts';
export * from './attach-types.ts';
export * from './sections.ts';
export * from './syscalls.ts';
export * from './kernels.ts';
export * from './contexts.ts';
export * from './lsm-hooks.ts';
export * from './tracepoint-arguments.ts';
export { tracepoint, tracepointNames } from './tracepoints.ts';
