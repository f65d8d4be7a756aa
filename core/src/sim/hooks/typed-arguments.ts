// Arguments that an event does not give, made from the hook's prototype in BTF: integers are 0, pointers to structs point at what the
// simulated kernel has of that kind (default-objects.ts), or at a zeroed one. The kernel never passes NULL where a prototype says trusted.

import { resolve, type Btf } from '#core/btf';
import type { KernelState } from '../state.ts';
import type { Task } from '../subsystems/tasks.ts';
import { DEFAULT_OBJECTS } from './default-objects.ts';
import { eventRegion, type EventState } from './plan.ts';

/** Type ids of a kernel function's parameters; undefined where the BTF does not know it. */
export function functionParameters(btf: Btf | undefined, name: string): readonly number[] | undefined {
  const id = btf?.find(name, 'func');
  const func = id === undefined ? undefined : btf?.type(id);
  return func?.kind === 'func' ? prototypeParameters(btf, func.type) : undefined;
}

/** The same of a tracepoint: BTF knows its callback as the typedef btf_trace_NAME, whose first parameter is the tracer's own. */
export function tracepointParameters(btf: Btf | undefined, name: string): readonly number[] | undefined {
  const id = btf?.find(`btf_trace_${name}`, 'typedef');
  const pointer = id === undefined || !btf ? undefined : resolve(btf, id);
  return pointer?.kind === 'ptr' ? prototypeParameters(btf, pointer.type)?.slice(1) : undefined;
}

/** The same of a struct_ops member. */
export function memberParameters(btf: Btf | undefined, struct: string, member: string): readonly number[] | undefined {
  const id = btf?.find(struct, 'struct');
  const type = id === undefined ? undefined : btf?.type(id);
  const found = type?.kind === 'struct' ? type.members.find(({ name }) => name === member) : undefined;
  const pointer = found && btf ? resolve(btf, found.type) : undefined;
  return pointer?.kind === 'ptr' ? prototypeParameters(btf, pointer.type) : undefined;
}

function prototypeParameters(btf: Btf | undefined, id: number): readonly number[] | undefined {
  const prototype = btf && resolve(btf, id);
  return prototype?.kind === 'func_proto' ? prototype.parameters.map(({ type }) => type) : undefined;
}

/** The arguments given, and for parameters behind them what their types ask for. */
export function completed(
  kernel: KernelState,
  state: EventState,
  task: Task,
  given: readonly bigint[],
  parameters: readonly number[] | undefined,
  defaults: readonly (bigint | undefined)[] = [],
): readonly bigint[] {
  const btf = kernel.layouts();
  if (!parameters || !btf) return given.length > 0 ? given : defaults.map((value) => value ?? 0n);
  return parameters
    .map((parameter, i) => given[i] ?? defaults[i] ?? madeUp(kernel, state, btf, task, parameter))
    .concat(given.slice(parameters.length));
}

/** The struct that a parameter points at. */
export function pointedStruct(btf: Btf | undefined, parameter: number | undefined): string | undefined {
  const pointer = btf && parameter !== undefined ? resolve(btf, parameter) : undefined;
  const target = pointer?.kind === 'ptr' ? resolve(btf!, pointer.type) : undefined;
  return target?.kind === 'struct' ? target.name : undefined;
}

/** What a parameter of that type gets when nobody said what. */
export function madeUp(kernel: KernelState, state: EventState, btf: Btf, task: Task, parameter: number): bigint {
  const pointer = resolve(btf, parameter);
  const target = pointer?.kind === 'ptr' ? resolve(btf, pointer.type) : undefined;
  if (target?.kind !== 'struct' && target?.kind !== 'union') return 0n;
  return kernelObject(kernel, state, target.name, task, target.size);
}

/** The struct that is there, or a new one for this event; its pointers to structs that nobody knows are NULL. */
export function kernelObject(kernel: KernelState, state: EventState, name: string, task?: Task, known?: number): bigint {
  const row = DEFAULT_OBJECTS[name];
  if (row?.shared && task) return row.shared(kernel, task);
  const { structs } = kernel.objects;
  const size = known ?? structs.sizeOf(name) ?? UNKNOWN_SIZE;
  const region = eventRegion(kernel, state, { kind: 'kernel', name: `struct ${name}`, size: Math.max(size, 8) });
  row?.fill?.(kernel, structs.loose(region, name));
  return region.base;
}

/** Bytes of a struct whose layout is not known. */
const UNKNOWN_SIZE = 256;
