// Where the formats meet: an object or an assembly text made ready to verify and to run.

export * from './types.ts';
export { loadAssembly } from './load-assembly.ts';
export { loadObject } from './load-object.ts';
