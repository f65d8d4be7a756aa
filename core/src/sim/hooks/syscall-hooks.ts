// A system call as the programs attached around and behind it see it: entry and exit apart in time, in between what syscall-steps.ts says.
// What an LSM program, a modify-return program or bpf_override_return decides ends the call with that value.

import type { Btf } from '#core/btf';
import { concat, littleEndian } from '../integers.ts';
import type { SyscallEvent } from '../scenario/events.ts';
import type { KernelState } from '../state.ts';
import type { Task } from '../subsystems/tasks.ts';
import { integerFrom } from '../typed-values.ts';
import { functionRuns, taskFor, tracepointRuns } from './call-hooks.ts';
import { eventRegion, type Attached, type EventState, type Plan, type PlannedRun, type Planner } from './plan.ts';
import { kprobeRun, rawTracepointRun, tracepointRun, traceEntry, type Called } from './probe-runs.ts';
import { argumentValue, syscallRegisters, USER_CODE_ADDRESS, USER_MEMORY, writeReturn } from './registers.ts';
import { stepsOf, type Step, type Syscall } from './syscall-steps.ts';
import { syscallByName, syscallByNumber } from './syscall-table.ts';
import { recordStruct, tracepointRecord } from './tracepoint-record.ts';
import { completed, functionParameters, tracepointParameters } from './typed-arguments.ts';

/** How long a system call takes where the event does not say. */
const DEFAULT_DURATION = 10_000n;

export const planSyscall: Planner<SyscallEvent> = (kernel, _event, body, attached, state) => {
  const row = syscallByName(body.name) ?? syscallByNumber(Number(integerFrom(body.name) ?? -1n));
  const name = row?.name ?? body.name;
  const number = row?.number ?? Number(integerFrom(body.name) ?? -1n);
  const task = taskFor(kernel, body.pid);
  const parameters = row?.parameters ?? ['0', '1', '2', '3', '4', '5'];
  const args = parameters.map((parameter, i) => argumentValue(kernel, state, argumentOf(body, parameter, i), parameter));
  return new SyscallPlan(kernel, state, attached, task, body, name, number, parameters, args).plan();
};

/** The length of a socket address follows from the address. */
function argumentOf(body: SyscallEvent, parameter: string, place: number): SyscallEvent['arguments'][string] | undefined {
  const given = body.arguments[parameter] ?? body.arguments[String(place)];
  if (given !== undefined || !/^addr_?len$/.test(parameter)) return given;
  const address = Object.values(body.arguments).find((value) => typeof value === 'object' && value !== null && 'address' in value) as
    { readonly address: unknown } | undefined;
  return address === undefined ? undefined : String(address.address).includes(':') ? 28 : 16;
}

class SyscallPlan {
  private readonly runs: PlannedRun[] = [];
  private readonly effects: ((call: Syscall) => void)[] = [];
  private readonly call: Syscall;
  private readonly takes: bigint;
  private readonly btf: Btf | undefined;
  /** The registers that the process entered the kernel with. */
  private readonly regs;
  private readonly before: Task | undefined;

  constructor(
    private readonly kernel: KernelState,
    private readonly state: EventState,
    private readonly attached: readonly Attached[],
    private readonly task: Task,
    body: SyscallEvent,
    private readonly name: string,
    private readonly number: number,
    parameters: readonly string[],
    private readonly args: readonly bigint[],
  ) {
    this.btf = kernel.layouts();
    this.takes = body.takes ?? DEFAULT_DURATION;
    const entered = syscallRegisters(number, args, USER_CODE_ADDRESS + 0x1a9n, USER_MEMORY - 0x400n);
    this.regs = eventRegion(kernel, state, {
      kind: 'kernel',
      name: 'struct pt_regs of the system call',
      size: entered.length,
      initial: entered,
      writable: false,
    });
    const call: Syscall = {
      kernel,
      task,
      event: body,
      args: new Map(parameters.map((parameter, i) => [parameter, args[i] ?? 0n])),
      result: body.return,
    };
    const steps = stepsOf(name, call);
    this.call = body.return === 0n && steps?.result ? { ...call, result: steps.result(kernel, task, body) } : call;
    // The program that execve starts: the next event finds the process as it was, as if a shell had forked first.
    this.before = /^execve(at)?$/.test(name) && body.return === 0n ? task : undefined;
  }

  plan(): Plan {
    const { attached, task, name, number, regs } = this;
    const steps = stepsOf(name, this.call);
    const wrapper: Called = { name: `__x64_sys_${name}`, task, args: [regs.base], returned: (state) => this.returned(state) };
    const inner = [`__se_sys_${name}`, `__do_sys_${name}`].map((one): Called => ({
      name: one,
      task,
      args: this.args,
      returned: (state) => this.returned(state),
    }));
    const padded = Array.from({ length: 6 }, (_, i) => this.args[i] ?? 0n);
    this.add(rawRuns(attached, 'sys_enter', task, [regs.base, BigInt(number)]));
    this.addRecords('raw_syscalls', 'sys_enter', 'struct trace_event_raw_sys_enter', () => this.record('sys_enter', padded));
    this.addRecords('syscalls', `sys_enter_${name}`, 'struct trace_event_raw_sys_enter', () => this.record(`sys_enter_${name}`, padded));
    this.add(this.onSyscall(wrapper, false));
    this.add(functionRuns(attached, wrapper, false));
    for (const called of inner) this.add(functionRuns(attached, called, false));
    for (const step of steps?.steps ?? []) this.step(step);
    if (steps?.final !== true) this.leave(inner, wrapper);
    const { effects, call } = this;
    return {
      runs: this.runs,
      takes: this.takes,
      end: (kernel) => {
        for (let i = this.state.effectsDone; i < effects.length; i++) effects[i]!(call);
        if (this.before) kernel.tasks.set(this.before);
        if (steps?.final === true && task.pid > 1) kernel.tasks.remove(task.pid);
      },
    };
  }

  private leave(inner: readonly Called[], wrapper: Called): void {
    const { attached, task, name, regs } = this;
    for (const called of inner) this.add(functionRuns(attached, called, true), true);
    this.add(functionRuns(attached, wrapper, true), true);
    this.add(this.onSyscall(wrapper, true), true);
    const exits = attached.filter(({ attachment }) => attachment.hook === 'raw-tracepoint' && attachment.name === 'sys_exit');
    this.add(
      exits.map(({ program }) => {
        const run = rawTracepointRun(program, task, (state) => [regs.base, BigInt.asUintN(64, this.returned(state))]);
        return {
          ...run,
          start: (kernel, one, state) => {
            writeReturn(kernel, regs, this.returned(state));
            return run.start(kernel, one, state);
          },
        };
      }),
      true,
    );
    const record = (state: EventState): Uint8Array => this.record('sys_exit', [this.returned(state)]);
    this.addRecords('raw_syscalls', 'sys_exit', 'struct trace_event_raw_sys_exit', record, true);
    this.addRecords('syscalls', `sys_exit_${name}`, 'struct trace_event_raw_sys_exit', record, true);
  }

  /** What the call returns as far as it is known: what a program decided, else the event's or the call's own. */
  private returned(state: EventState): bigint {
    return state.decided ?? this.call.result;
  }

  private record(name: string, values: readonly bigint[]): Uint8Array {
    return concat(traceEntry(name, this.task), littleEndian(this.number, 8), ...values.map((value) => littleEndian(value, 8)));
  }

  private addRecords(category: string, name: string, type: string, record: (state: EventState) => Uint8Array, exit = false): void {
    this.add(
      tracepointRuns(this.attached, category, name, (program) => tracepointRun(program, this.task, record, type)),
      exit,
    );
  }

  private onSyscall(wrapper: Called, exit: boolean): PlannedRun[] {
    return this.attached
      .filter(({ attachment }) => attachment.hook === 'syscall' && attachment.name === this.name && (attachment.when === 'exit') === exit)
      .map(({ program }) => kprobeRun(program, wrapper, exit));
  }

  /** Runs take place after the effects before them; those of the way back later, and whatever was decided. */
  private add(runs: readonly PlannedRun[], exit = false, decides = false): void {
    const count = this.effects.length;
    const { effects, call } = this;
    for (const run of runs) {
      this.runs.push({
        ...run,
        ...(exit ? { after: this.takes } : {}),
        skip: (state) => (!exit && state.decided !== undefined) || run.skip?.(state) === true,
        start: (kernel, one, state) => {
          if (state.decided === undefined) {
            for (; state.effectsDone < count; state.effectsDone++) effects[state.effectsDone]!(call);
          }
          one.task = kernel.tasks.get(run.task.pid) ?? run.task;
          one.userRegisters = this.regs.base;
          return run.start(kernel, one, state);
        },
        finish: (kernel, one, value, state) => {
          const verdict = BigInt.asIntN(32, value);
          const { type, attachType } = run.program.program;
          if (decides && type === 'lsm' && verdict < 0n) state.decided = verdict;
          else if (attachType === 'BPF_MODIFY_RETURN' && verdict !== 0n) state.decided = verdict;
          else if (one.overridden !== undefined) state.decided = BigInt.asIntN(64, one.overridden);
          return run.finish?.(kernel, one, value, state);
        },
      });
    }
  }

  private step(step: Step): void {
    const { kernel, call, btf, task, attached, state } = this;
    const failed = call.result < 0n && call.result >= -4095n;
    switch (step.kind) {
      case 'effect':
        if (!failed) this.effects.push(step.run);
        return;
      case 'tracepoint': {
        if (step.onSuccess && failed) return;
        const wanted = attached.filter(({ attachment }) => {
          if (attachment.hook === 'tracepoint') return attachment.category === step.category && attachment.name === step.name;
          return attachment.hook === 'raw-tracepoint' && attachment.name === step.name;
        });
        if (wanted.length === 0) return;
        const args = (): readonly bigint[] => completed(kernel, state, task, [], tracepointParameters(btf, step.name), step.args(call));
        // Each program is a probe of its own at the tracepoint: they run in the order in which they were attached.
        const record = (program: Attached['program']) => (): Uint8Array =>
          tracepointRecord(
            kernel,
            btf ?? program.object.btf,
            { type: 'tracepoint', category: step.category, name: step.name, pid: task.pid, fields: step.fields(call), arguments: [] },
            task,
          );
        this.add(
          wanted.map(({ program, attachment }) =>
            attachment.hook === 'tracepoint'
              ? tracepointRun(
                  program,
                  task,
                  record(program),
                  `struct ${recordStruct(btf ?? program.object.btf, step.name) ?? 'trace_entry'}`,
                )
              : rawTracepointRun(program, task, args),
          ),
        );
        return;
      }
      case 'call': {
        if (step.onSuccess && failed) return;
        const name = step.nameOf?.(call) ?? step.name;
        const called: Called = {
          name,
          task,
          args: () => completed(kernel, state, task, [], functionParameters(btf, name), step.args(call)),
          returned: (now) => now.decided ?? step.returns?.(call) ?? call.result,
        };
        this.add(functionRuns(attached, called, false), false, step.decides);
        for (const inside of step.inside) this.step(inside);
        this.add(functionRuns(attached, called, true), true);
      }
    }
  }
}

const rawRuns = (
  attached: readonly Attached[],
  name: string,
  task: Task,
  args: readonly bigint[] | (() => readonly bigint[]),
): PlannedRun[] =>
  attached
    .filter(({ attachment }) => attachment.hook === 'raw-tracepoint' && attachment.name === name)
    .map(({ program }) => rawTracepointRun(program, task, args));
