// System calls, kernel functions, user functions, tracepoints, samples and bare contexts: which programs they reach, in what order.

import { contextStruct, programType } from '#core/catalog';
import { concat, littleEndian } from '../integers.ts';
import type { ContextEvent, FunctionEvent, SampleEvent, TracepointEvent, UprobeEvent } from '../scenario/events.ts';
import type { KernelState } from '../state.ts';
import type { Task } from '../subsystems/tasks.ts';
import { integerFrom } from '../typed-values.ts';
import { recordStruct, tracepointRecord } from './tracepoint-record.ts';
import { matchesPattern } from './attachment.ts';
import { samplePacket } from './packet-hook.ts';
import { runRegion, type Attached, type EventState, type PlannedRun, type Planner } from './plan.ts';
import { argumentsRun, kprobeRun, rawTracepointRun, tracepointRun, uprobeRun, type Called } from './probe-runs.ts';
import { argumentValue, USER_MEMORY, userRegisters } from './registers.ts';
import { iteratorRuns } from './iterators.ts';
import { completed, functionParameters, kernelObject, memberParameters, pointedStruct, tracepointParameters } from './typed-arguments.ts';

/** How long a function takes where the event does not say. */
const DEFAULT_DURATION = 10_000n;

/** The process that runs when an event names none: the first that the scenario brought, else a shell's. */
export function defaultTask(kernel: KernelState): Task {
  return kernel.tasks.first ?? kernel.tasks.get(1)!;
}

export const taskFor = (kernel: KernelState, pid: number | undefined): Task =>
  (pid === undefined ? undefined : kernel.tasks.get(pid)) ?? defaultTask(kernel);

/** Programs on a function, entry or exit. kprobes see the entry before the trampoline of fentry does, and the return after it. */
export function functionRuns(attached: readonly Attached[], called: Called, exit: boolean): PlannedRun[] {
  const runs = attached.flatMap(({ program, attachment }) => {
    if (attachment.hook !== 'function' || !matchesPattern(attachment.pattern, called.name)) return [];
    if (attachment.when !== 'both' && (attachment.when === 'exit') !== exit) return [];
    return [
      {
        outer: attachment.context === 'pt_regs',
        run: attachment.context === 'pt_regs' ? kprobeRun(program, called, exit) : argumentsRun(program, called, exit),
      },
    ];
  });
  const [outer, inner] = [runs.filter((one) => one.outer), runs.filter((one) => !one.outer)];
  return (exit ? [...inner, ...outer] : [...outer, ...inner]).map(({ run }) => run);
}

export const tracepointRuns = (
  attached: readonly Attached[],
  category: string,
  name: string,
  make: (program: Attached['program']) => PlannedRun,
): PlannedRun[] =>
  attached
    .filter(({ attachment }) => attachment.hook === 'tracepoint' && attachment.category === category && attachment.name === name)
    .map(({ program }) => make(program));

const rawRuns = (attached: readonly Attached[], name: string, task: Task, args: readonly bigint[]): PlannedRun[] =>
  attached
    .filter(({ attachment }) => attachment.hook === 'raw-tracepoint' && attachment.name === name)
    .map(({ program }) => rawTracepointRun(program, task, args));

const givenArguments = (
  kernel: KernelState,
  state: EventState,
  values: FunctionEvent['arguments'],
  parameters: readonly number[] | undefined,
): readonly bigint[] =>
  values.map((value, i) => argumentValue(kernel, state, value, `argument ${i + 1}`, pointedStruct(kernel.layouts(), parameters?.[i])));

export const planFunction: Planner<FunctionEvent> = (kernel, _event, body, attached, state) => {
  const task = taskFor(kernel, body.pid);
  const parameters = functionParameters(kernel.layouts(), body.name);
  const args = completed(kernel, state, task, givenArguments(kernel, state, body.arguments, parameters), parameters);
  const called: Called = { name: body.name, task, args, returned: BigInt.asUintN(64, body.return) };
  const takes = body.takes ?? DEFAULT_DURATION;
  const exits = functionRuns(attached, called, true).map((run) => ({ ...run, after: takes }));
  return { runs: [...functionRuns(attached, called, false), ...exits], takes };
};

export const planUprobe: Planner<UprobeEvent> = (kernel, _event, body, attached, state) => {
  const task = taskFor(kernel, body.pid);
  const args = body.arguments.map((value, i) => argumentValue(kernel, state, value, `argument ${i + 1}`));
  const called: Called = { name: body.function, task, args, returned: BigInt.asUintN(64, body.return) };
  const runs = (exit: boolean): PlannedRun[] =>
    attached
      .filter(
        ({ attachment }) =>
          attachment.hook === 'uprobe' &&
          (attachment.when === 'exit') === exit &&
          (attachment.function === '' || attachment.function === body.function) &&
          (body.binary === undefined || sameBinary(attachment.binary, body.binary)),
      )
      .map(({ program }) => uprobeRun(program, called, exit));
  const takes = body.takes ?? DEFAULT_DURATION;
  return { runs: [...runs(false), ...runs(true).map((run) => ({ ...run, after: takes }))], takes };
};

/** libbpf takes `libc.so.6` for the library wherever it lies. */
const sameBinary = (attached: string, named: string): boolean =>
  attached === '' || attached === named || named.endsWith(`/${attached}`) || attached.endsWith(`/${named}`);

/** Arguments of tracepoints that are about two tasks, or about one that `fields` names. */
function tracepointDefaults(kernel: KernelState, { name, fields }: TracepointEvent, task: Task): readonly (bigint | undefined)[] {
  const named = (field: string, otherwise: Task): bigint => kernel.tasks.addressOf(kernel.tasks.get(Number(fields[field])) ?? otherwise);
  switch (name) {
    case 'sched_switch':
      return [0n, named('prev_pid', task), named('next_pid', kernel.tasks.get(0)!), 0n];
    case 'sched_wakeup':
    case 'sched_wakeup_new':
    case 'sched_waking':
    case 'sched_process_exit':
      return [named('pid', task)];
    case 'sched_process_fork':
      return [named('parent_pid', task), named('child_pid', task)];
    default:
      return [];
  }
}

export const planTracepoint: Planner<TracepointEvent> = (kernel, _event, body, attached, state) => {
  const task = taskFor(kernel, body.pid);
  const parameters = tracepointParameters(kernel.layouts(), body.name);
  const given = givenArguments(kernel, state, body.arguments, parameters);
  const args = completed(kernel, state, task, given, parameters, tracepointDefaults(kernel, body, task));
  const runs = attached.filter(
    ({ attachment }) =>
      attachment.hook === 'tracepoint' &&
      attachment.name === body.name &&
      (body.category === undefined || attachment.category === body.category),
  );
  return {
    runs: [
      ...rawRuns(attached, body.name, task, args),
      ...runs.map(({ program }) => {
        const btf = kernel.layouts() ?? program.object.btf;
        return tracepointRun(
          program,
          task,
          tracepointRecord(kernel, btf, body, task),
          `struct ${recordStruct(btf, body.name) ?? 'trace_entry'}`,
        );
      }),
    ],
  };
};

export const planSample: Planner<SampleEvent> = (kernel, _event, body, attached) => {
  const task = taskFor(kernel, body.pid);
  return {
    runs: attached
      .filter(({ attachment }) => attachment.hook === 'sample')
      .map(({ program }) => ({
        program,
        task,
        start(state, run) {
          const ip = body.address;
          const regs = userRegisters([], ip, USER_MEMORY - 0x400n);
          const bytes = concat(regs, littleEndian(body.period, 8), littleEndian(body.address, 8));
          run.ctx = runRegion(state, run, { kind: 'ctx', name: 'ctx', size: bytes.length, initial: bytes, writable: false });
          run.userStack = [ip];
          return { args: [run.ctx.base], ctxType: 'struct bpf_perf_event_data' };
        },
      })),
  };
};

export const planContext: Planner<ContextEvent> = (kernel, _event, body, attached, state) => {
  const task = taskFor(kernel, body.pid);
  return {
    runs: attached
      .filter(({ program }) => program.program.name === body.program)
      .flatMap(({ program }) => {
        const { structOps, attachType, attachTarget } = program.program;
        if (attachType === 'BPF_TRACE_ITER' && attachTarget !== undefined && !body.bytes) {
          const reads = iteratorRuns(kernel, state, task, program, attachTarget);
          if (reads) return reads;
        }
        const parameters = structOps && !body.bytes ? memberParameters(kernel.layouts(), structOps.type, structOps.member) : undefined;
        if (parameters)
          return argumentsRun(
            program,
            { name: structOps!.member, task, args: completed(kernel, state, task, [], parameters), returned: 0n },
            false,
          );
        return contextRun(program, task, body, state);
      }),
  };
};

function contextRun(program: Attached['program'], task: Task, body: ContextEvent, state: EventState): PlannedRun {
  return {
    program,
    task,
    start(kernel, run) {
      const row = programType(program.program.type ?? '');
      const struct = row?.context === undefined ? undefined : contextStruct(row.context);
      const { type } = program.program;
      const bytes = new Uint8Array(Math.max(body.bytes?.length ?? 0, struct?.size ?? 0, 64));
      bytes.set(body.bytes ?? new Uint8Array(0));
      // These contexts hold pointers that are never NULL.
      const objects =
        type === 'netfilter' ? { state: 'nf_hook_state', skb: 'sk_buff' } : type === 'flow_dissector' ? { flow_keys: 'bpf_flow_keys' } : {};
      for (const [name, object] of body.bytes ? [] : Object.entries(objects)) {
        const field = struct?.fields.find((known) => known.name === name);
        if (field) bytes.set(littleEndian(kernelObject(kernel, state, object, task), 8), field.offset);
      }
      for (const [name, value] of Object.entries(body.fields)) {
        const field = struct?.fields.find((known) => known.name === name);
        const integer = integerFrom(value);
        if (field && integer !== undefined) bytes.set(littleEndian(integer, field.size), field.offset);
      }
      run.ctx = runRegion(kernel, run, { kind: 'ctx', name: 'ctx', size: bytes.length, initial: bytes });
      if (row?.context === 'struct __sk_buff' && !body.bytes) samplePacket(kernel, run);
      return { args: [run.ctx.base], ctxType: row?.context ?? 'void' };
    },
  };
}

export type { EventState };
