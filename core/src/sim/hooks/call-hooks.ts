// System calls, kernel functions, user functions, tracepoints, samples and bare contexts: which programs they reach, in what order.

import { contextStruct, programType } from '#core/catalog';
import { concat, cString, littleEndian } from '../integers.ts';
import type { ContextEvent, FunctionEvent, SampleEvent, SyscallEvent, TracepointEvent, UprobeEvent } from '../scenario/events.ts';
import type { KernelState } from '../state.ts';
import type { Task } from '../subsystems/tasks.ts';
import { integerFrom } from '../typed-values.ts';
import { recordStruct, tracepointRecord } from './tracepoint-record.ts';
import { matchesPattern } from './attachment.ts';
import { samplePacket } from './packet-hook.ts';
import { eventRegion, runRegion, type Attached, type EventState, type PlannedRun, type Planner } from './plan.ts';
import { argumentsRun, kprobeRun, rawTracepointRun, tracepointRun, traceEntry, uprobeRun, type Called } from './probe-runs.ts';
import { argumentValue, syscallRegisters, USER_CODE_ADDRESS, USER_MEMORY, userRegisters } from './registers.ts';
import { syscallByName } from './syscall-table.ts';
import {
  completed,
  functionParameters,
  iteratorContext,
  kernelObject,
  memberParameters,
  pointedStruct,
  tracepointParameters,
} from './typed-arguments.ts';

/** The process that runs when an event names none: the first that the scenario brought, else a shell's. */
export function defaultTask(kernel: KernelState): Task {
  return kernel.tasks.first ?? kernel.tasks.get(1)!;
}

const taskFor = (kernel: KernelState, pid: number | undefined): Task =>
  (pid === undefined ? undefined : kernel.tasks.get(pid)) ?? defaultTask(kernel);

/** Function names under which a system call's code runs; the first is where libbpf attaches ksyscall programs. */
const syscallFunctions = (name: string): readonly string[] => [`__x64_sys_${name}`, `__se_sys_${name}`, `__do_sys_${name}`];

/** Programs on a function, entry or exit. */
function functionRuns(attached: readonly Attached[], called: Called, exit: boolean): PlannedRun[] {
  return attached.flatMap(({ program, attachment }) => {
    if (attachment.hook !== 'function' || !matchesPattern(attachment.pattern, called.name)) return [];
    if (attachment.when !== 'both' && (attachment.when === 'exit') !== exit) return [];
    return [attachment.context === 'pt_regs' ? kprobeRun(program, called, exit) : argumentsRun(program, called, exit)];
  });
}

const tracepointRuns = (
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

export const planSyscall: Planner<SyscallEvent> = (kernel, _event, body, attached, state) => {
  const row = syscallByName(body.name);
  const number = row?.number ?? Number(integerFrom(body.name) ?? -1n);
  const task = taskFor(kernel, body.pid);
  const parameters = row?.parameters ?? ['0', '1', '2', '3', '4', '5'];
  const args = parameters.map((parameter, i) =>
    argumentValue(kernel, state, body.arguments[parameter] ?? body.arguments[String(i)], parameter),
  );
  const entered = syscallRegisters(number, args, USER_CODE_ADDRESS + 0x1a9n, USER_MEMORY - 0x400n);
  const regs = eventRegion(kernel, state, {
    kind: 'kernel',
    name: 'struct pt_regs of the system call',
    size: entered.length,
    initial: entered,
    writable: false,
  });
  const [wrapper, ...inner] = syscallFunctions(body.name) as [string, ...string[]];
  const padded = Array.from({ length: 6 }, (_, i) => args[i] ?? 0n);
  const record = (name: string, values: readonly bigint[]): Uint8Array =>
    concat(traceEntry(name, task), littleEndian(number, 8), ...values.map((value) => littleEndian(value, 8)));
  const wrapperCall: Called = { name: wrapper, task, args: [regs.base], returned: body.return };
  const innerCalls = inner.map((name): Called => ({ name, task, args, returned: body.return }));
  const onSyscall = (exit: boolean): PlannedRun[] =>
    attached
      .filter(({ attachment }) => attachment.hook === 'syscall' && attachment.name === body.name && (attachment.when === 'exit') === exit)
      .map(({ program }) => kprobeRun(program, wrapperCall, exit));
  const executes = (body.name === 'execve' || body.name === 'execveat') && body.return === 0n;
  const filename = typeof body.arguments['filename'] === 'string' ? body.arguments['filename'] : '';
  // From here on the process is the new program; the next event finds it as it was, as if a shell had forked first.
  const executed: Task = executes && filename !== '' ? { ...task, comm: filename.slice(filename.lastIndexOf('/') + 1).slice(0, 15) } : task;
  const becomes = (runs: PlannedRun[]): PlannedRun[] =>
    executed === task
      ? runs
      : runs.map((run) => ({ ...run, task: executed, start: (k, r, s) => (k.tasks.set(executed), run.start(k, r, s)) }));
  const exitRecord = concat(record('sys_exit', [body.return]));
  return {
    runs: [
      ...rawRuns(attached, 'sys_enter', task, [regs.base, BigInt(number)]),
      ...tracepointRuns(attached, 'raw_syscalls', 'sys_enter', (program) =>
        tracepointRun(program, task, record('sys_enter', padded), 'struct trace_event_raw_sys_enter'),
      ),
      ...tracepointRuns(attached, 'syscalls', `sys_enter_${body.name}`, (program) =>
        tracepointRun(program, task, record(`sys_enter_${body.name}`, padded), 'struct trace_event_raw_sys_enter'),
      ),
      ...onSyscall(false),
      ...functionRuns(attached, wrapperCall, false),
      ...innerCalls.flatMap((call) => functionRuns(attached, call, false)),
      ...(executes ? becomes(execRuns(attached, executed, filename)) : []),
      ...becomes([
        ...innerCalls.flatMap((call) => functionRuns(attached, call, true)),
        ...onSyscall(true),
        ...functionRuns(attached, wrapperCall, true),
        ...rawRuns(attached, 'sys_exit', task, [regs.base, BigInt.asUintN(64, body.return)]),
        ...tracepointRuns(attached, 'raw_syscalls', 'sys_exit', (program) =>
          tracepointRun(program, task, exitRecord, 'struct trace_event_raw_sys_exit'),
        ),
        ...tracepointRuns(attached, 'syscalls', `sys_exit_${body.name}`, (program) =>
          tracepointRun(program, task, exitRecord, 'struct trace_event_raw_sys_exit'),
        ),
      ]),
    ],
    end: (after) => {
      if (executed !== task) after.tasks.set(task);
    },
  };
};

/** sched:sched_process_exec, which a successful execve passes. Its record: __data_loc filename, pid, old_pid. */
function execRuns(attached: readonly Attached[], task: Task, filename: string): PlannedRun[] {
  const text = cString(filename);
  const record = concat(
    traceEntry('sched_process_exec', task),
    littleEndian((BigInt(text.length) << 16n) | 20n, 4),
    littleEndian(task.pid, 4),
    littleEndian(task.pid, 4),
    text,
  );
  return tracepointRuns(attached, 'sched', 'sched_process_exec', (program) =>
    tracepointRun(program, task, record, 'struct trace_event_raw_sched_process_exec'),
  );
}

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
  return { runs: [...functionRuns(attached, called, false), ...functionRuns(attached, called, true)] };
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
  return { runs: [...runs(false), ...runs(true)] };
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
      .map(({ program }) => {
        const { structOps } = program.program;
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
      const { type, attachType, attachTarget } = program.program;
      const iterated =
        attachType === 'BPF_TRACE_ITER' && attachTarget !== undefined && !body.bytes
          ? iteratorContext(kernel, state, task, attachTarget)
          : undefined;
      const bytes = new Uint8Array(Math.max(body.bytes?.length ?? iterated?.length ?? 0, struct?.size ?? 0, 64));
      bytes.set(body.bytes ?? iterated ?? new Uint8Array(0));
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
