// The verdict on one program: preparation, the walk over the main program and each global function, limits, and the answer
// in the shape that everyone outside this room reads.

import type { LoadedObject, Program } from '#core/program';
import { checkCallbackAddresses } from './calls/callbacks.ts';
import { checkControlFlow, findLoops, FlowGraph, postorder } from './flow/cfg.ts';
import { Cancelled, Rejection, type RejectionDetails, VerifierEnvironment } from './state/environment.ts';
import { markFastcallPatterns, removeFastcallSpills, stackDepths } from './calls/fastcall.ts';
import { Explainer } from './explain/explainer.ts';
import { keepTrace } from './explain/trace.ts';
import { type FindingCode, findingRow, type WarningCode } from './explain/findings.ts';
import { checkAttachTarget, checkTargetExists, warnOfUnknownProbe } from './target/attach-target.ts';
import { withRangesApart } from './numbers/scalar.ts';
import { comparesRanges } from './target/kernel-rules.ts';
import { checkKernelAge } from './target/kernel-age.ts';
import { checkKfuncsBeforeWalk } from './calls/kfunc-meta.ts';
import { computeLiveRegisters } from './flow/liveness-registers.ts';
import { keepStates } from './knowledge/known-states.ts';
import { LiveStack } from './flow/liveness-stack.ts';
import { Observer } from './knowledge/observe.ts';
import { LOG_LEVEL, LOG_LEVEL2, LOG_STATS, VerifierLog } from './state/log.ts';
import { formatInsn } from './state/format-insn.ts';
import { isLdImm64 } from '#core/isa';
import { otherErrors } from './explain/other-errors.ts';
import { checkAttach, checkFunctionTypes, findExceptionCallback, prepareSubprograms, resolveReferences } from './prepare.ts';
import { pointerRegister, PTR_TO_CTX, PTR_TO_STACK } from './state/registers.ts';
import { checkStackDepth } from './calls/stack-depth.ts';
import { BPF_REG_FP, Frame, NO_CALLSITE, VerifierState } from './state/state.ts';
import { argumentsOf, enterWithDeclaredArguments } from './calls/subprogram-arguments.ts';
import { withTypesTaken } from './objects/types-taken.ts';
import type { Finding, Verdict, VerifyOptions } from './types.ts';
import { walk } from './flow/walk.ts';
import { warnReturnValues } from './explain/warnings.ts';

/** What the kernel would say to this program, and why. Pure: the same program gives the same answer. */
export function verify(given: Program, file: LoadedObject, options: VerifyOptions): Verdict {
  return withRangesApart(!comparesRanges(options.kernel), () => verdictOn(given, file, options));
}

function verdictOn(given: Program, file: LoadedObject, options: VerifyOptions): Verdict {
  const { program, object } = withTypesTaken(given, file, options.kernelBtf);
  const log = new VerifierLog(options.logLevel ?? 0);
  const env = new VerifierEnvironment(program, object, options, log);
  const states = options.keepStates ? keepStates(env) : undefined;
  if (options.observe) env.observer = new Observer(env);
  const walked = new Set<number>();
  let rejection: Rejection | undefined;
  let cancelled = false;
  try {
    run(env, walked);
  } catch (thrown) {
    if (thrown instanceof Rejection) rejection = thrown;
    else if (thrown instanceof Cancelled) cancelled = true;
    else throw thrown;
  }
  writeStatistics(env);
  const answer = {
    verdict: cancelled ? ('cancelled' as const) : rejection ? ('rejected' as const) : ('accepted' as const),
    ...(rejection && { errno: rejection.errno }),
    log: log.text(),
    statistics: {
      processed: env.processed,
      maxStatesPerInsn: env.maxStatesPerInsn,
      totalStates: env.totalStates,
      peakStates: env.peakStates,
      stackDepth: rejection ? env.subprograms.map((subprogram) => subprogram.stackDepth) : stackDepths(env),
    },
    visits: env.visits.slice(),
  };
  const { findings, furthest } = rejection
    ? explained(env, rejection, walked, (finding) => options.first?.({ ...answer, findings: [finding] }))
    : { findings: [], furthest: env.warnings.size > 0 ? withTrace(env) : env };
  if (walked.size > 0) warnReturnValues(furthest);
  for (const { code, insn, details } of furthest.warnings.values()) findings.push(findingAt(furthest, 'warning', code, '', insn, details));
  const known = states?.();
  return { ...answer, findings, ...(known && { states: known }) };
}

/** Limits are explained by counts, not by a path. */
const WITHOUT_PATH: ReadonlySet<FindingCode> = new Set<FindingCode>(['too-large', 'too-many-branches']);

/** Beyond this a path is not kept: its explanation would cost more than it says. */
const MAX_TRACED = 300_000;

/**
 * The first error and, where asked for, others, each explained where it is found: in a second walk that keeps its path. `furthest` is
 * the environment that has seen most of the program.
 */
function explained(
  env: VerifierEnvironment,
  rejection: Rejection,
  walked: Set<number>,
  tellFirst: (finding: Finding) => void,
): { findings: Finding[]; furthest: VerifierEnvironment } {
  const { program, object, options } = env;
  let at = env;
  let first = rejection;
  let begun = walked;
  if (options.explain !== false && walked.size > 0 && env.processed <= MAX_TRACED && !WITHOUT_PATH.has(rejection.code)) {
    const traced = new VerifierEnvironment(program, object, options, new VerifierLog(0));
    keepTrace(traced);
    const functions = new Set<number>();
    const again = walkAgain(traced, functions);
    // The walk is the same, unless the caller has lost interest meanwhile.
    if (again && again.code === rejection.code && again.insn === rejection.insn) [at, first, begun] = [traced, again, functions];
  }
  const explainer = options.explain === false ? undefined : new Explainer(at);
  const finding = (one: Rejection): Finding => {
    try {
      return explainer ? explainer.finding(one) : findingOf(at, one);
    } catch {
      // The verdict stands without its explanation; how many programs have one is counted in the tests.
      return findingOf(at, one);
    }
  };
  const findings = [finding(first)];
  if (options.everyError && begun.size > 0) {
    tellFirst(findings[0]!);
    otherErrors(
      at,
      first,
      () => walkGlobalFunctions(at, begun),
      (other) => findings.push(finding(other)),
    );
  }
  return { findings, furthest: at };
}

/** The same walk with its path kept, for the paths of warnings; or the walk itself, where it is too long or nobody asks why. */
function withTrace(env: VerifierEnvironment): VerifierEnvironment {
  const { program, object, options } = env;
  if (options.explain === false || env.processed > MAX_TRACED) return env;
  const traced = new VerifierEnvironment(program, object, options, new VerifierLog(0));
  keepTrace(traced);
  walkAgain(traced, new Set());
  return traced.warnings.size === env.warnings.size ? traced : env;
}

function walkAgain(env: VerifierEnvironment, walked: Set<number>): Rejection | undefined {
  try {
    run(env, walked);
  } catch (thrown) {
    if (thrown instanceof Rejection) return thrown;
    if (!(thrown instanceof Cancelled)) throw thrown;
  }
  return undefined;
}

/** `walked` gets the functions whose walk has begun. */
function run(env: VerifierEnvironment, walked: Set<number>): void {
  if (env.insns.length === 0) throw env.reject('invalid-program', 'EINVAL', 'the program has no instructions');
  checkTargetExists(env);
  checkKernelAge(env);
  prepareSubprograms(env);
  checkKfuncsBeforeWalk(env);
  findExceptionCallback(env);
  if (env.log.level & LOG_LEVEL2) {
    env.subprograms.forEach((subprogram, index) => env.log.write(`func#${index} @${subprogram.start}\n`));
  }
  checkFunctionTypes(env);
  resolveReferences(env);
  checkControlFlow(env);
  env.stopIfCancelled();
  const graph = new FlowGraph(env.insns);
  const orders = postorder(env, graph);
  env.liveStack = new LiveStack(env, graph, orders);
  checkAttach(env);
  checkAttachTarget(env);
  if (env.options.warnings) warnOfUnknownProbe(env);
  env.stopIfCancelled();
  findLoops(env, graph);
  env.stopIfCancelled();
  computeLiveRegisters(env, graph, orders);
  writeLiveRegisters(env);
  env.stopIfCancelled();
  markFastcallPatterns(env);
  walked.add(0);
  walkFunction(env, 0);
  walkGlobalFunctions(env, walked);
  removeFastcallSpills(env);
  checkStackDepth(env);
  if (env.unresolvedKfunc !== undefined) {
    env.insn = env.unresolvedKfunc;
    throw env.reject('kfunc-unknown', 'EINVAL', 'invalid kernel function call not eliminated in verifier pass');
  }
  checkCallbackAddresses(env);
}

/** Global functions that verified code calls, and those that they call in turn. */
function walkGlobalFunctions(env: VerifierEnvironment, walked: Set<number>): void {
  if (env.exceptionCallback > 0) env.subprograms[env.exceptionCallback]!.called = true;
  for (let again = true; again;) {
    again = false;
    env.subprograms.forEach((subprogram, index) => {
      if (walked.has(index) || subprogram.linkage !== 'global' || !subprogram.called) return;
      walked.add(index);
      walkFunction(env, index);
      if (env.log.level & LOG_LEVEL) env.log.write(`Func#${index} ('${subprogram.name}') is safe for any args that match its prototype\n`);
      again = true;
    });
  }
}

function walkFunction(env: VerifierEnvironment, index: number): void {
  const subprogram = env.subprograms[index]!;
  const state = new VerifierState();
  const frame = new Frame(index, NO_CALLSITE, 0);
  state.frames.push(frame);
  state.branches = 1;
  state.inSleepable = env.sleepable;
  env.state = state;
  env.insn = subprogram.start;
  state.firstInsn = subprogram.start;
  env.trace = undefined;
  state.lastInsn = -1;
  frame.registers[BPF_REG_FP] = pointerRegister(PTR_TO_STACK);
  if (index !== 0 || env.programType === 'ext') {
    if (index !== 0 && env.log.level & LOG_LEVEL) env.log.write(`Validating ${subprogram.name}() func#${index}...\n`);
    const declared = argumentsOf(env, index);
    if (declared === 'invalid')
      throw env.reject('global-function', 'EINVAL', subprogram.argumentProblem ?? 'Global functions need valid BTF');
    if (subprogram.isExceptionCallback) {
      frame.inExceptionCallback = true;
      if (declared.length !== 1 || declared[0]!.kind !== 'scalar')
        throw env.reject('exception', 'EINVAL', 'exception cb only supports single integer argument');
    }
    enterWithDeclaredArguments(env, frame, declared);
  } else {
    // The main function's own declaration decides nothing, but the kernel says what it cannot use of it.
    if (
      subprogram.linkage === 'global' &&
      subprogram.funcTypeId !== undefined &&
      argumentsOf(env, index) === 'invalid' &&
      subprogram.argumentProblem !== undefined
    ) {
      env.log.write(`${subprogram.argumentProblem}\n`);
    }
    frame.registers[1] = pointerRegister(PTR_TO_CTX);
  }
  env.explored = [];
  env.loopVisits.clear();
  env.pending.length = 0;
  env.scratchAll();
  env.liveStack!.forgetCurrent();
  walk(env);
  if (!(env.log.level & LOG_LEVEL2)) env.log.truncate(0);
}

const findingOf = (env: VerifierEnvironment, { code, lines, insn, details }: Rejection): Finding =>
  findingAt(env, 'error', code, lines[0]!, insn, details);

function findingAt(
  env: VerifierEnvironment,
  severity: Finding['severity'],
  code: FindingCode | WarningCode,
  message: string,
  insn: number,
  details: RejectionDetails,
): Finding {
  const row = findingRow(code);
  const { register, needed, known, explanation, advice, causes } = details;
  return {
    code: row.code,
    severity,
    message,
    explanation: explanation ?? row.explanation,
    advice: advice ?? row.advice,
    category: row.category,
    problem: row.problem,
    insn: Math.min(Math.max(0, insn), Math.max(0, env.insns.length - 1)),
    ...(register !== undefined && { register }),
    ...(needed !== undefined && { needed }),
    ...(known !== undefined && { known }),
    causes: causes ?? [],
  };
}

function writeLiveRegisters(env: VerifierEnvironment): void {
  if (!(env.log.level & LOG_LEVEL2)) return;
  env.log.write('Live regs before insn:\n');
  for (let i = 0; i < env.insns.length; i++) {
    const component = env.facts.component[i]!;
    let live = '';
    for (let register = 0; register < BPF_REG_FP; register++) live += (env.facts.liveBefore[i]! >>> register) & 1 ? String(register) : '.';
    env.log.write(`${component ? String(component).padStart(3) + ' ' : '    '}${String(i).padStart(3)}: ${live} ${formatInsn(env, i)}\n`);
    if (isLdImm64(env.insns[i]!)) i++;
  }
}

function writeStatistics(env: VerifierEnvironment): void {
  if (env.log.level & LOG_STATS) {
    // How long the kernel took is the one thing that cannot be said here.
    env.log.write('verification time 0 usec\n');
    env.log.write(`stack depth ${stackDepths(env).join('+')}\n`);
  }
  env.log.write(
    `processed ${env.processed} insns (limit 1000000) max_states_per_insn ${env.maxStatesPerInsn} total_states ${env.totalStates} peak_states ${env.peakStates} mark_read 0\n`,
  );
}
