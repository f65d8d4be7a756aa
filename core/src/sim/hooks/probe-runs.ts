// The runs that probes make: kprobes with pt_regs, fentry and LSM with arguments, tracepoints with their record.

import { concat, littleEndian } from '../integers.ts';
import type { Task } from '../subsystems/tasks.ts';
import type { SimulatedProgram } from '../types.ts';
import {
  functionRegisters,
  KERNEL_STACK,
  returnRegisters,
  symbolAddress,
  userRegisters,
  USER_CODE_ADDRESS,
  USER_MEMORY,
} from './registers.ts';
import { runRegion, type EventState, type PlannedRun } from './plan.ts';

/** Code that a probed kernel function was called from, for stack traces: the caller and the system call's entry. */
const callers = (name: string): readonly bigint[] => [
  symbolAddress(name),
  symbolAddress('do_syscall_64') + 0x5bn,
  symbolAddress('entry_SYSCALL_64_after_hwframe') + 0x76n,
];

export interface Called {
  name: string;
  task: Task;
  args: readonly bigint[] | (() => readonly bigint[]);
  returned: bigint | ((state: EventState) => bigint);
}

const argumentsOf = ({ args }: Called): readonly bigint[] => (typeof args === 'function' ? args() : args);
const returnedBy = ({ returned }: Called, state: EventState): bigint =>
  BigInt.asUintN(64, typeof returned === 'function' ? returned(state) : returned);

/** A kprobe (entry) or kretprobe (exit). */
export function kprobeRun(program: SimulatedProgram, called: Called, exit: boolean): PlannedRun {
  const { name, task } = called;
  return {
    program,
    task,
    start(kernel, run, state) {
      const args = argumentsOf(called);
      const returned = returnedBy(called, state);
      const ip = symbolAddress(name);
      const bytes = exit ? returnRegisters(returned, ip, KERNEL_STACK) : functionRegisters(args, ip, KERNEL_STACK);
      run.ctx = runRegion(kernel, run, { kind: 'ctx', name: 'ctx', size: bytes.length, initial: bytes, writable: false });
      run.functionAddress = ip;
      run.functionArgs = args;
      run.functionReturn = exit ? returned : undefined;
      run.kernelStack = callers(name);
      run.userStack = [USER_CODE_ADDRESS + 0x1a9n];
      return { args: [run.ctx.base], ctxType: 'struct pt_regs' };
    },
  };
}

/** fentry, fexit, fmod_ret and LSM programs: an array of the arguments; behind them, for fexit, the return value. */
export function argumentsRun(program: SimulatedProgram, called: Called, exit: boolean): PlannedRun {
  const { name, task } = called;
  return {
    program,
    task,
    start(kernel, run, state) {
      const args = argumentsOf(called);
      const returned = returnedBy(called, state);
      const values = exit ? [...args, returned] : args;
      const bytes = concat(...(values.length === 0 ? new Array<bigint>(12).fill(0n) : values).map((value) => littleEndian(value, 8)));
      run.ctx = runRegion(kernel, run, { kind: 'ctx', name: 'ctx', size: bytes.length, initial: bytes, writable: false });
      run.functionAddress = symbolAddress(name);
      run.functionArgs = args;
      run.functionReturn = exit ? returned : undefined;
      run.kernelStack = callers(name);
      run.userStack = [USER_CODE_ADDRESS + 0x1a9n];
      return { args: [run.ctx.base], ctxType: 'unsigned long long' };
    },
  };
}

/** uprobe and uretprobe. */
export function uprobeRun(program: SimulatedProgram, called: Called, exit: boolean): PlannedRun {
  const { name, task } = called;
  return {
    program,
    task,
    start(kernel, run, state) {
      const args = argumentsOf(called);
      const returned = returnedBy(called, state);
      const ip = USER_CODE_ADDRESS + (symbolAddress(name) & 0xff_fff0n);
      const bytes = exit ? returnRegisters(returned, ip, USER_MEMORY - 0x800n) : userRegisters(args, ip, USER_MEMORY - 0x800n);
      run.ctx = runRegion(kernel, run, { kind: 'ctx', name: 'ctx', size: bytes.length, initial: bytes, writable: false });
      run.functionAddress = ip;
      run.functionArgs = args;
      run.functionReturn = exit ? returned : undefined;
      run.userStack = [ip, USER_CODE_ADDRESS + 0x1a9n];
      return { args: [run.ctx.base], ctxType: 'struct pt_regs' };
    },
  };
}

/** A raw tracepoint, plain or typed by BTF: u64 arguments. */
export function rawTracepointRun(
  program: SimulatedProgram,
  task: Task,
  given: readonly bigint[] | ((state: EventState) => readonly bigint[]),
): PlannedRun {
  return {
    program,
    task,
    start(kernel, run, state) {
      const args = typeof given === 'function' ? given(state) : given;
      // Programs may look at twelve, however many the tracepoint has (MAX_BPF_FUNC_ARGS).
      const bytes = concat(...Array.from({ length: Math.max(12, args.length) }, (_, i) => littleEndian(args[i] ?? 0n, 8)));
      run.ctx = runRegion(kernel, run, { kind: 'ctx', name: 'ctx', size: bytes.length, initial: bytes, writable: false });
      run.functionArgs = args;
      return { args: [run.ctx.base], ctxType: 'struct bpf_raw_tracepoint_args' };
    },
  };
}

/** A tracepoint: its record, whose first eight bytes are common to all (struct trace_entry). */
export function tracepointRun(
  program: SimulatedProgram,
  task: Task,
  given: Uint8Array | ((state: EventState) => Uint8Array),
  ctxType: string,
): PlannedRun {
  return {
    program,
    task,
    start(kernel, run, state) {
      const record = typeof given === 'function' ? given(state) : given;
      run.ctx = runRegion(kernel, run, { kind: 'ctx', name: 'ctx', size: record.length, initial: record });
      return { args: [run.ctx.base], ctxType };
    },
  };
}

/** common_type (the tracepoint's number, steady but made up), flags, preempt count, pid. */
export function traceEntry(name: string, task: Task): Uint8Array {
  return concat(littleEndian(300n + (symbolAddress(name) % 1000n), 2), Uint8Array.of(0, 0), littleEndian(task.pid, 4));
}
