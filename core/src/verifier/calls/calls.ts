// Calls between BPF functions: into static functions with a new frame, past global ones by their declaration,
// and back out of functions and callbacks.

import { invalidScalar } from '../flow/check-exit.ts';
import { rangeOf } from '../explain/causes.ts';
import { Rejection, type VerifierEnvironment } from '../state/environment.ts';
import { formatState, LOG_LEVEL } from '../state/log.ts';
import { markPrecise } from '../flow/precision.ts';
import { findPreviousEntry, widenImpreciseScalars } from '../flow/prune.ts';
import { forgetPacketPointers } from './call-helper.ts';
import { pointerRegister, PTR_TO_STACK, type Register, SCALAR_VALUE, UNINITIALISED, unknownRegister } from '../state/registers.ts';
import { callbacksRepeated, functionsChangePackets } from '../target/kernel-rules.ts';
import { checkSubprogramArguments } from './subprogram-arguments.ts';
import { BPF_REG_FP, Frame, MAX_CALL_FRAMES } from '../state/state.ts';
import type { Insn } from '#core/isa';

/** r0 to r5 have no value after a call. */
export function clearCallerSaved(env: VerifierEnvironment, frame: Frame): void {
  for (let i = 0; i <= 5; i++) frame.registers[i] = UNINITIALISED;
  env.scratchedRegisters |= 0x3f;
}

/** A call with src BPF_PSEUDO_CALL. */
export function callSubprogram(env: VerifierEnvironment, insn: Insn): void {
  const target = env.insn + insn.imm + 1;
  const index = env.subprogramOf[target];
  const callee = index === undefined ? undefined : env.subprograms[index];
  if (!callee || callee.start !== target) throw env.reject('control-flow', 'EFAULT', `verifier bug. No program starts at insn ${target}`);
  const caller = env.frame;
  const { state } = env;
  if (isGlobal(env, index!)) {
    const problem = checkSubprogramArguments(env, index!);
    if (state.activeLocks > 0) {
      throw env.reject('lock', 'EINVAL', ['global function calls are not allowed while holding a lock,', 'use static function instead']);
    }
    if (callee.mightSleep && (state.activeRcuLocks > 0 || state.activePreemptLocks > 0 || state.activeIrqId !== 0 || !state.inSleepable)) {
      throw env.reject('helper-context', 'EINVAL', [
        'global functions that may sleep are not allowed in non-sleepable context,',
        'i.e., in a RCU/IRQ/preempt-disabled section, or in',
        'a non-sleepable BPF program context',
      ]);
    }
    if (problem) {
      const message = `Caller passes invalid args into func#${index} ('${callee.name}')`;
      if (problem.said) {
        env.log.write(`${message}\n`);
        throw new Rejection(problem.said.code, problem.said.errno, [...problem.said.lines, message], problem.said.insn, problem.details);
      }
      throw env.reject('global-function', 'EINVAL', problem.line === undefined ? message : [problem.line, message], problem.details);
    }
    env.log.write(`Func#${index} ('${callee.name}') is global and assumed valid.\n`);
    if (callee.changesPacketData && functionsChangePackets(env.kernel)) forgetPacketPointers(env);
    callee.called = true;
    clearCallerSaved(env, caller);
    env.setRegister(0, unknownRegister());
    return;
  }
  const frame = pushFrame(env, index!, env.insn);
  for (let i = 1; i <= 5; i++) frame.registers[i] = caller.registers[i]!;
  clearCallerSaved(env, caller);
  env.insn = callee.start - 1;
  env.liveStack?.forgetCurrent();
  if (env.log.level & LOG_LEVEL) {
    env.log.write(`caller:\n${formatState(state, caller)}\ncallee:\n${formatState(state, frame)}\n`);
  }
}

export const isGlobal = (env: VerifierEnvironment, index: number): boolean => index > 0 && env.subprograms[index]!.linkage === 'global';

function pushFrame(env: VerifierEnvironment, subprogram: number, callsite: number): Frame {
  const { state } = env;
  if (state.frames.length >= MAX_CALL_FRAMES)
    throw env.reject('call-depth', 'E2BIG', `the call stack of ${state.frames.length + 1} frames is too deep`);
  const frame = new Frame(subprogram, callsite, state.frames.length);
  frame.registers[BPF_REG_FP] = pointerRegister(PTR_TO_STACK, { frame: frame.number });
  state.frames.push(frame);
  env.scratchAll();
  return frame;
}

/** An exit from a function other than the outermost: goes on behind the call, or at it again for callbacks. */
export function exitFunction(env: VerifierEnvironment): void {
  const { state } = env;
  const callee = state.frame;
  const result: Register = callee.registers[0]!;
  if (result.type === PTR_TO_STACK)
    throw env.reject('control-flow', 'EINVAL', 'cannot return stack pointer to the caller', { register: 0 });
  env.liveStack?.update();
  const caller = state.frames[state.frames.length - 2]!;
  if (callee.inCallback) {
    if (result.type !== SCALAR_VALUE) throw env.reject('return-value', 'EACCES', 'R0 not a scalar value', { register: 0 });
    markPrecise(env, 0);
    const { callbackReturns } = callee;
    if (BigInt(callbackReturns.min) > result.scalar.smin || result.scalar.smax > BigInt(callbackReturns.max)) {
      throw env.reject('return-value', 'EINVAL', invalidScalar(env, result, callbackReturns, 'At callback return', 'R0'), {
        register: 0,
        needed: `a value in [${callbackReturns.min}, ${callbackReturns.max}]`,
        known: rangeOf(result),
      });
    }
    // Back to the call for another round; older kernels walk one.
    env.insn = callbacksRepeated(env.kernel) ? callee.callsite : callee.callsite + 1;
  } else {
    caller.registers[0] = result;
    env.insn = callee.callsite + 1;
  }
  if (env.log.level & LOG_LEVEL) {
    env.log.write(`returning from callee:\n${formatState(state, callee)}\nto caller at ${env.insn}:\n${formatState(state, caller)}\n`);
  }
  state.frames.pop();
  env.liveStack?.forgetCurrent();
  if (callee.inCallback && callbacksRepeated(env.kernel)) {
    // Rounds of a callback must converge: what changes from one to the next and matters to nobody is forgotten.
    const previous = findPreviousEntry(env, state, env.insn);
    if (previous) widenImpreciseScalars(previous, state);
  }
}
