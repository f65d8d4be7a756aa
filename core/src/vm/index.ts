// The machine: registers, memory and two engines. Knows no helper and no map: it calls a host.

export type * from './types.ts';
export { DIRECT_MAP, functionAddress, functionSlot, MAX_FRAMES, MAY_GOTO_LIMIT, STACK_SIZE } from './address-space.ts';
export { executableOf } from './executable.ts';
export { createMemory } from './memory.ts';
export { interpreter } from './interpreter-engine.ts';
export { createWasmEngine, type WasmEngineOptions } from './wasm/wasm-engine.ts';
