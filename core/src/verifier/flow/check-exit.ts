// What must be in order when a path ends: locks, references and regions closed, and a return value that the hook knows.

import { lsmHook, returnRange } from '#core/catalog';
import { describeCall, rangeOf } from '../explain/causes.ts';
import { checkSource } from '../memory/check-registers.ts';
import { attachTarget } from '../memory/context-from-btf.ts';
import { refusedWith, type VerifierEnvironment } from '../state/environment.ts';
import { S64_MAX, S64_MIN } from '../numbers/scalar.ts';
import { asyncReturnsChecked, comparesRanges, hooksReturnErrno, returnedValuePrecise } from '../target/kernel-rules.ts';
import { markPrecise } from './precision.ts';
import { baseType, PTR_TO_BTF_ID, type Register, SCALAR_VALUE, typeName } from '../state/registers.ts';
import { hexadecimal } from '../numbers/tnum.ts';
import type { ReturnRange } from '../state/state.ts';

/** References still held when the outermost function ends. Gives the kernel's lines. */
function leakedReferences(env: VerifierEnvironment, exceptionExit: boolean) {
  const { state } = env;
  if (!exceptionExit && state.frames.length > 1) return [];
  // A struct_ops program may hand a reference back to the kernel by returning it.
  const returned = env.programType === 'struct_ops' && !exceptionExit ? env.register(0).refObjId : 0;
  return state.references.filter((reference) => reference.kind === 'pointer' && !(returned !== 0 && reference.id === returned));
}

/**
 * Nothing may be held where a path leaves the program. `what` begins the kernel's sentence, as `tail_call`;
 * with `regions` also locks and sections are asked for.
 */
export function checkResourceLeak(env: VerifierEnvironment, what: string, exceptionExit: boolean, regions: boolean): void {
  const { state } = env;
  const refuseRegion = (region: string) =>
    env.reject('lock', 'EINVAL', `${what} cannot be used inside ${region} region`, {
      causes: state.references
        .filter((reference) => reference.kind !== 'pointer')
        .map(({ insn }) => ({ insn, text: `${describeCall(env, insn)} begins it here` })),
    });
  if (regions && state.activeLocks > 0) throw refuseRegion('bpf_spin_lock-ed');
  const leaked = leakedReferences(env, exceptionExit);
  if (leaked.length > 0) {
    throw env.reject(
      'reference-leak',
      'EINVAL',
      [...leaked.map(({ id, insn }) => `Unreleased reference id=${id} alloc_insn=${insn}`), `${what} would lead to reference leak`],
      {
        explanation: `What ${describeCall(env, leaked[0]!.insn)} acquired is still held when this path ends.`,
      },
    );
  }
  if (regions && state.activeIrqId !== 0) throw refuseRegion('bpf_local_irq_save-ed');
  if (regions && state.activeRcuLocks > 0) throw refuseRegion('bpf_rcu_read_lock-ed');
  if (regions && state.activePreemptLocks > 0) throw refuseRegion('bpf_preempt_disable-ed');
}

/** The value of r0 (or of another register that is returned) fits the program type. */
export function checkReturnValue(env: VerifierEnvironment, regno = 0, name = 'R0'): void {
  const outermost = env.state.frames[0]!;
  const isSubprogram = outermost.subprogram !== 0;
  const target = attachTarget(env);
  if (!isSubprogram || outermost.inExceptionCallback) {
    const void_ = target?.proto.type === 0;
    if (env.programType === 'lsm' && env.attachType !== 'BPF_LSM_CGROUP' && void_) return;
    if (env.programType === 'struct_ops' && target) {
      if (void_) return;
      const returned = env.register(regno);
      if (target.btf.kind(target.proto.type) === 'ptr' && baseType(returned.type) === PTR_TO_BTF_ID && returned.refObjId !== 0) return;
    }
  }
  const register = checkSource(env, regno);
  if (outermost.inAsyncCallback) {
    if (!asyncReturnsChecked(env.kernel)) return;
    enforce(env, register, regno, name, outermost.callbackReturns, 'At async callback return');
    return;
  }
  if (isSubprogram && !outermost.inExceptionCallback) {
    if (register.type !== SCALAR_VALUE) {
      throw env.reject(
        'return-value',
        'EINVAL',
        `At subprogram exit the register R${regno} is not a scalar value (${typeName(register.type)})`,
        { register: regno },
      );
    }
    return;
  }
  if (env.programType === 'lsm') {
    checkHookReturn(env, register, regno, name, target?.proto.type === 0);
    return;
  }
  if (env.programType === 'raw_tracepoint' && env.program.attachTarget === undefined) return;
  const range = returnRange(env.programType, env.attachType);
  if (!range || env.programType === 'raw_tracepoint') return;
  enforce(env, register, regno, name, { min: range[0], max: range[1] }, 'At program exit');
}

/** A program of a cgroup allows or denies (1 or 0), and may only allow where the hook returns nothing. */
function checkHookReturn(env: VerifierEnvironment, register: Register, regno: number, name: string, isVoid: boolean): void {
  if (env.attachType === 'BPF_LSM_CGROUP') {
    const check = (): void => enforce(env, register, regno, name, { min: isVoid ? 1 : 0, max: 1 }, 'At program exit');
    if (isVoid) refusedWith(env, "Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!", check);
    else check();
    return;
  }
  if (!hooksReturnErrno(env.kernel)) return;
  const [min, max] = lsmHook(env.program.attachTarget ?? '').returns;
  // The hook returns an int: the upper half does not count.
  enforce(env, register, regno, name, { min, max }, 'At program exit', true);
}

function enforce(
  env: VerifierEnvironment,
  register: Register,
  regno: number,
  name: string,
  range: ReturnRange,
  when: string,
  is32 = false,
): void {
  if (register.type !== SCALAR_VALUE) {
    throw env.reject('return-value', 'EINVAL', `${when} the register R${regno} is not a known value (${typeName(register.type)})`, {
      register: regno,
    });
  }
  if (returnedValuePrecise(env.kernel)) markPrecise(env, regno);
  const { smin, smax } = register.scalar;
  const { s32min, s32max } = register.scalar;
  if (is32 ? range.min <= s32min && s32max <= range.max : BigInt(range.min) <= smin && smax <= BigInt(range.max)) return;
  throw env.reject('return-value', 'EINVAL', invalidScalar(env, register, range, when, name), {
    register: regno,
    needed: `a value in [${range.min}, ${range.max}]`,
    known: rangeOf(register),
  });
}

/** The kernel's sentence about a number outside of its range. */
export function invalidScalar(env: VerifierEnvironment, register: Register, range: ReturnRange, when: string, name: string): string {
  const { smin, smax } = register.scalar;
  if (!comparesRanges(env.kernel)) {
    const bits = ({ value, mask }: { value: bigint; mask: bigint }): string => `(${hexadecimal(value)}; ${hexadecimal(mask)})`;
    const known = register.scalar.mask === 0xffff_ffff_ffff_ffffn ? 'unknown scalar value' : `value ${bits(register.scalar)}`;
    return `${when} the register ${name} has ${known} should have been in ${bits(bitsBetween(BigInt(range.min), BigInt(range.max)))}`;
  }
  const known = `${smin > S64_MIN ? ` smin=${smin}` : ''}${smax < S64_MAX ? ` smax=${smax}` : ''}`;
  return `${when} the register ${name} has${known || ' unknown scalar value'} should have been in [${range.min}, ${range.max}]`;
}

/** The bits that all numbers between two have in common (tnum_range). */
function bitsBetween(min: bigint, max: bigint): { value: bigint; mask: bigint } {
  const from = BigInt.asUintN(64, min);
  const differ = from ^ BigInt.asUintN(64, max);
  const mask = differ === 0n ? 0n : (1n << BigInt(differ.toString(2).length)) - 1n;
  return { value: from & ~mask, mask };
}
