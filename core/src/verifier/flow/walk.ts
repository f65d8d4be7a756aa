// The walk: one instruction after the other along a path, then the paths put aside, until all are known to be safe.
// What an instruction needs and does is in the check and transfer files; what need not be walked again in prune.ts.

import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_EXIT,
  BPF_JA,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_ST,
  BPF_STX,
  insnClass,
  type Insn,
  modeField,
  usesRegisterSource,
} from '#core/isa';
import { checkHelperCall } from '../calls/call-helper.ts';
import { checkKfuncCall } from '../calls/call-kfunc.ts';
import { callSubprogram, exitFunction } from '../calls/calls.ts';
import { locksAcrossFunctions } from '../target/kernel-rules.ts';
import { checkResourceLeak, checkReturnValue } from './check-exit.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { formatInsn } from '../state/format-insn.ts';
import { formatState, LOG_LEVEL, LOG_LEVEL2 } from '../state/log.ts';
import { endPath, isVisited } from './prune.ts';
import { formatLine } from '../state/source-lines.ts';
import { transferAlu } from '../numbers/transfer-alu.ts';
import { transferJump } from './transfer-jump.ts';
import { transferLd, transferLoad, transferStore, transferStoreImmediate } from '../memory/transfer-load.ts';

/** Instructions between two questions whether to stop: some milliseconds at most. A power of two. */
const CANCEL_INTERVAL = 256;
/** Where the instruction's text ends, and the register state behind it begins (BPF_LOG_ALIGNMENT, BPF_LOG_MIN_ALIGNMENT). */
const LOG_ALIGNMENT = 40;
const LOG_MIN_ALIGNMENT = 8;

/** Where a walk takes up: at a function's beginning; the same instruction once more; the next path put aside; or as `env` stands. */
export type WalkFrom = 'start' | 'again' | 'next-path' | 'on';

/** Walks all paths from `env.state` at `env.insn`. Rejections are thrown. */
export function walk(env: VerifierEnvironment, from: WalkFrom = 'start'): void {
  const printer = new Printer(env);
  env.printState = () => printer.state();
  if (from === 'start') env.previousInsn = -1;
  else if (from === 'next-path' && !nextPath(env, printer)) return;
  // What stands before an instruction (pruning, history) has been done where it is taken up again.
  let again = from === 'again';
  for (;;) {
    env.currentHistory = undefined;
    const at = env.insn;
    const insn = env.insns[at];
    if (!insn) throw env.reject('control-flow', 'EFAULT', `invalid insn idx ${at} insn_cnt ${env.insns.length}`);
    if (++env.processed > env.processedLimit) throw tooLarge(env);
    env.visits[at]!++;
    if ((env.processed & (CANCEL_INTERVAL - 1)) === 0) env.stopIfCancelled();
    const { state } = env;
    state.lastInsn = env.previousInsn;
    state.insn = at;
    if (!again) {
      if (env.facts.prunePoint[at] && isVisited(env, at)) {
        printer.safe(at);
        if (!nextPath(env, printer)) return;
        continue;
      }
      if (env.facts.jumpPoint[at]) env.pushHistory({});
    }
    again = false;
    printer.insn(at);
    env.liveStack?.beginInsn(at);
    env.beforeInsn?.(at);
    env.observer?.state(at);
    const outcome = step(env, insn);
    env.liveStack?.commit();
    if (outcome !== 'end') env.previousInsn = at;
    if (outcome === 'end') {
      if (!nextPath(env, printer)) return;
    } else if (outcome === 'returned') printer.afterReturn();
  }
}

function tooLarge(env: VerifierEnvironment) {
  // The last instruction that was walked: the kernel's log ends with it.
  env.insn = Math.max(0, env.previousInsn);
  return env.reject('too-large', 'E2BIG', `BPF program is too large. Processed ${env.processed} insn`);
}

/** The path is done. Takes up the last one put aside; false when there is none. */
function nextPath(env: VerifierEnvironment, printer: Printer): boolean {
  env.scratchAll();
  env.liveStack?.update();
  endPath(env, env.state);
  const next = env.pending.pop();
  if (!next) return false;
  if (!(env.log.level & LOG_LEVEL2)) env.log.truncate(next.logPosition);
  env.state = next.state;
  env.insn = next.insn;
  env.previousInsn = next.previous;
  env.trace = next.trace;
  env.liveStack?.forgetCurrent();
  printer.newPath();
  return true;
}

type Outcome = 'on' | 'end' | 'returned';

/** Executes one instruction on the current state, and moves `env.insn` on. */
function step(env: VerifierEnvironment, insn: Insn): Outcome {
  switch (insnClass(insn)) {
    case BPF_ALU:
    case BPF_ALU64:
      transferAlu(env, insn);
      break;
    case BPF_LDX:
      transferLoad(env, insn);
      break;
    case BPF_STX:
      transferStore(env, insn);
      if (modeField(insn) === BPF_ATOMIC) {
        env.insn++;
        return 'on';
      }
      break;
    case BPF_ST:
      transferStoreImmediate(env, insn);
      break;
    case BPF_LD:
      transferLd(env, insn);
      break;
    default:
      return stepJump(env, insn);
  }
  env.insn++;
  return 'on';
}

function stepJump(env: VerifierEnvironment, insn: Insn): Outcome {
  const operation = insn.opcode & 0xf0;
  const is32 = insnClass(insn) === BPF_JMP32;
  env.jumps++;
  const reserved = (name: string) => env.reject('invalid-instruction', 'EINVAL', `${name} uses reserved fields`);
  switch (operation) {
    case BPF_CALL: {
      if (
        usesRegisterSource(insn) ||
        (insn.src !== BPF_PSEUDO_KFUNC_CALL && insn.off !== 0) ||
        insn.src > BPF_PSEUDO_KFUNC_CALL ||
        insn.dst !== 0 ||
        is32
      )
        throw reserved('BPF_CALL');
      if (insn.src === BPF_PSEUDO_CALL) callSubprogram(env, insn);
      else if (insn.src === BPF_PSEUDO_KFUNC_CALL) {
        checkKfuncCall(env, insn);
        if (env.program.kfuncs[insn.imm] === 'bpf_throw') return exit(env, true);
      } else checkHelperCall(env, insn);
      env.scratchedRegisters |= 1;
      break;
    }
    case BPF_JA:
      if (usesRegisterSource(insn) || insn.src !== 0 || insn.dst !== 0 || (is32 ? insn.off !== 0 : insn.imm !== 0))
        throw reserved('BPF_JA');
      env.insn += (is32 ? insn.imm : insn.off) + 1;
      return 'on';
    case BPF_EXIT:
      if (usesRegisterSource(insn) || insn.imm !== 0 || insn.src !== 0 || insn.dst !== 0 || is32) throw reserved('BPF_EXIT');
      return exit(env, false);
    default:
      transferJump(env, insn);
  }
  env.insn++;
  return 'on';
}

function exit(env: VerifierEnvironment, exception: boolean): Outcome {
  const outermost = env.state.frames.length === 1;
  if (!outermost && env.state.activeLocks > 0 && !locksAcrossFunctions(env.kernel))
    throw env.reject('lock', 'EINVAL', 'bpf_spin_unlock is missing');
  checkResourceLeak(env, exception ? 'bpf_throw' : 'BPF_EXIT instruction in main prog', exception, exception || outermost);
  if (exception) return 'end';
  if (!outermost) {
    exitFunction(env);
    return 'returned';
  }
  checkReturnValue(env);
  return 'end';
}

/** Writes what the kernel's log shows of the walk. */
class Printer {
  private printState = false;
  private insnEnd = 0;
  private insnWidth = 0;

  constructor(private readonly env: VerifierEnvironment) {}

  private get on(): boolean {
    return (this.env.log.level & LOG_LEVEL) !== 0;
  }

  newPath(): void {
    this.printState = true;
  }
  afterReturn(): void {
    this.printState = true;
  }

  safe(at: number): void {
    if (!this.on) return;
    const { env } = this;
    env.log.write(this.printState ? `\nfrom ${env.previousInsn} to ${at}: safe\n` : `${at}: safe\n`);
  }

  insn(at: number): void {
    if (!this.on) return;
    const { env } = this;
    const { log, state } = env;
    if (log.level & LOG_LEVEL2 && this.printState) {
      log.write(`\nfrom ${env.previousInsn} to ${at}:${formatState(state, state.frame)}\n`);
      this.printState = false;
    }
    if (env.scratchedRegisters !== 0 || !env.scratchedSlots.empty) this.state();
    log.write(formatLine(env, at, '; '));
    const start = log.position;
    log.write(`${at}: ${formatInsn(env, at)}\n`);
    this.insnWidth = log.position - start;
    this.insnEnd = log.position;
  }

  /** What changed since the last print, behind the instruction when nothing came between. */
  state(): void {
    if (!this.on) return;
    const { env } = this;
    const { log } = env;
    if (this.insnEnd !== 0 && this.insnEnd === log.position) {
      log.truncate(this.insnEnd - 1);
      const width = this.insnWidth - 1 + 1;
      const column = Math.ceil(Math.max(width + LOG_MIN_ALIGNMENT / 2, LOG_ALIGNMENT) / LOG_MIN_ALIGNMENT) * LOG_MIN_ALIGNMENT - width - 1;
      log.write(`${' '.padStart(column)};`);
    } else log.write(`${env.insn}:`);
    const { scratchedRegisters, scratchedSlots } = env;
    log.write(
      `${formatState(env.state, env.state.frame, { registers: scratchedRegisters, hasSlot: (slot) => scratchedSlots.has(slot) })}\n`,
    );
    this.clean();
  }

  private clean(): void {
    this.env.scratchedRegisters = 0;
    this.env.scratchedSlots.clear();
  }
}
