// The simulated kernel: maps, helpers, hooks, tasks, devices and a clock, driven by a scenario. The host of the vm.
export type * from './types.ts';
export type * from './scenario/events.ts';
export { createKernel } from './kernel.ts';
export { decodeValue, describeKey, encodeValue, plainBytes, toJson, toText, type PlainValue } from './typed-values.ts';
export { SIMULATED_HELPERS } from './helpers/index.ts';
export { SIMULATED_MAP_TYPES } from './maps/index.ts';
export { buildPacket, type PacketLayers } from './packet.ts';
export { loadedInto, parseScenario } from './scenario/parse.ts';
export { scenarioJsonSchema } from './scenario/json-schema.ts';
export { DEFAULT_BUDGET, runScenario, type RunOptions, type RunResult } from './run-scenario.ts';
export { BPFFS, isRefusal, kernelName, usedMaps } from './syscall.ts';
export type { CallRecord, KernelBtf, KernelLink, LoadOutcome, Refusal, UserProcess, VerifyProgram } from './syscall.ts';
export { holderText, type Holding, type ObjectKind, type ObjectRef, wouldGo } from './objects/life.ts';
export { recordCalls, type Recording } from './objects/recorded-calls.ts';
export { ERROR_WORDS } from './objects/call-log.ts';
export { syscallByName } from './hooks/syscall-table.ts';
export { ERRNO, type ErrnoName, errnoName } from './errno.ts';
