// The stack that a chain of calls needs together: 512 bytes, less where tail calls may follow, each function for itself
// where the kernel gives programs a private stack. Also what may not be called from callbacks.

import { BPF_CALL, BPF_JMP, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, type Insn, isLdImm64 } from '#core/isa';
import { atLeast } from '#core/catalog';
import { smallStackSteps } from '../target/kernel-rules.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { MAX_BPF_STACK, MAX_CALL_FRAMES } from '../state/state.ts';

const PRIVATE_STACK_MINIMUM = 64;

const isPseudoCall = (insn: Insn): boolean => insn.opcode === (BPF_JMP | BPF_CALL) && insn.src === BPF_PSEUDO_CALL;
const isPseudoFunc = (insn: Insn): boolean => isLdImm64(insn) && insn.src === BPF_PSEUDO_FUNC;

/** Program types that run on a stack of their own when they are large (6.13). */
function hasPrivateStack(env: VerifierEnvironment): boolean {
  if (!atLeast(env.kernel, '6.13') || env.subprograms.some((subprogram) => subprogram.hasTailCall)) return false;
  switch (env.programType) {
    case 'kprobe':
    case 'tracepoint':
    case 'perf_event':
    case 'raw_tracepoint':
      return true;
    case 'tracing':
      return env.attachType !== 'BPF_TRACE_ITER';
    case 'lsm':
      return env.attachType !== 'BPF_LSM_CGROUP';
    default:
      return false;
  }
}

type Mode = 'unknown' | 'shared' | 'private';

export function checkStackDepth(env: VerifierEnvironment): void {
  const modes: Mode[] = env.subprograms.map(() => 'unknown');
  const supported = hasPrivateStack(env);
  for (let index = env.subprograms.length - 1; index >= 0; index--) {
    if (index === 0 || env.subprograms[index]!.isAsyncCallback) walk(env, modes, index, index === 0 && supported, 0, []);
  }
}

function walk(
  env: VerifierEnvironment,
  modes: Mode[],
  index: number,
  supported: boolean,
  depthBefore: number,
  callers: readonly number[],
): void {
  const subprogram = env.subprograms[index]!;
  const { insns } = env;
  env.insn = subprogram.start;
  if (!supported) modes[index] = 'shared';
  const inCallback = subprogram.isCallback || callers.some((caller) => env.subprograms[caller]!.isCallback);
  if (subprogram.hasLdAbs && inCallback) throw env.reject('callback', 'EINVAL', 'cannot use BPF_LD_[ABS|IND] within callback');
  if (index !== 0 && subprogram.hasTailCall && depthBefore >= 256) {
    throw env.reject(
      'stack-depth',
      'EACCES',
      `tail_calls are not allowed when call stack of previous frames is ${depthBefore} bytes. Too large`,
    );
  }
  const own = smallStackSteps(env.kernel)
    ? Math.ceil(subprogram.stackDepth / 16) * 16
    : Math.ceil(Math.max(subprogram.stackDepth, 1) / 32) * 32;
  let depth = depthBefore;
  if (supported && modes[index] === 'unknown' && own >= PRIVATE_STACK_MINIMUM) modes[index] = 'private';
  if (modes[index] === 'private') {
    if (own > MAX_BPF_STACK) throw env.reject('stack-depth', 'EACCES', `stack size of subprog ${index} is ${own}. Too large`);
  } else {
    depth += own;
    if (depth > MAX_BPF_STACK) {
      throw env.reject('stack-depth', 'EACCES', `combined stack size of ${callers.length + 1} calls is ${depth}. Too large`, {
        needed: `at most ${MAX_BPF_STACK} bytes`,
        known: [...callers, index]
          .map((caller) => `${env.subprograms[caller]!.name} uses ${env.subprograms[caller]!.stackDepth}`)
          .join(', '),
      });
    }
  }
  for (let i = subprogram.start; i < subprogram.end; i++) {
    const insn = insns[i]!;
    if (insn.opcode === (BPF_JMP | BPF_CALL) && insn.src === BPF_PSEUDO_KFUNC_CALL) {
      if (env.program.kfuncs[insn.imm] === 'bpf_throw' && inCallback) {
        env.insn = i;
        throw env.reject('exception', 'EINVAL', `bpf_throw kfunc (insn ${i}) cannot be called from callback subprog ${index}`);
      }
      continue;
    }
    if (!isPseudoCall(insn) && !isPseudoFunc(insn)) continue;
    const callee = env.subprogramOf[i + insn.imm + 1]!;
    const target = env.subprograms[callee]!;
    env.insn = i;
    // Asynchronous callbacks run later, on a stack of their own.
    if (target.isAsyncCallback && !isPseudoCall(insn)) continue;
    if (target.isExceptionCallback) throw env.reject('exception', 'EINVAL', `insn ${i} cannot call exception cb directly`);
    if (callers.length + 1 >= MAX_CALL_FRAMES)
      throw env.reject('call-depth', 'E2BIG', `the call stack of ${callers.length + 1} frames is too deep !`);
    if (!supported) modes[callee] = 'shared';
    walk(env, modes, callee, supported, depth, [...callers, index]);
  }
}
