// The errors of a program behind its first one. The kernel stops at the first; a person who mends a program wants to see the
// others too. The failed path goes on only where the failed instruction leaves no doubt about what follows from it; the paths
// that wait go on as they are. Nothing here changes the verdict, the log or the counts: those are of the first error.

import { BPF_CALL, BPF_JMP, BPF_LDX, BPF_MEM, BPF_ST, BPF_STX, insnClass, modeField } from '#core/isa';
import { Cancelled, Rejection, type VerifierEnvironment } from '../state/environment.ts';
import type { FindingCode } from './findings.ts';
import { mayBeNull, unknownRegister } from '../state/registers.ts';
import { markNullOrNot } from '../flow/transfer-jump.ts';
import { originOf } from './rejected-case.ts';
import { walk, type WalkFrom } from '../flow/walk.ts';

const MAX_ERRORS = 16;
/**
 * Steps to go behind the first error: enough for a program of a usual size, and for a larger one as many as led to its error. Counted and
 * not timed, so that every machine tells the same errors.
 */
const STEPS_AFTER = 2_000;
const MOST_STEPS_AFTER = 20_000;
/** Paths that end in an error; a loop can make thousands that all end in the same one. */
const MAX_REJECTIONS = 200;
/** What it costs to follow a value back along its path, in steps: one for so many of the path's. */
const STEPS_OF_PATH = 16;

/** Errors after which nothing more can be said: they are about the whole program, or about limits. */
const LAST: ReadonlySet<FindingCode> = new Set<FindingCode>(['too-large', 'too-many-branches', 'verifier-limit', 'control-flow']);

/** An access that would have been right in another place: the value loaded is unknown either way, and a store can be left out. */
const ACCESS_OUTSIDE: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'map-value-bounds',
  'map-key-bounds',
  'packet-bounds',
  'mem-bounds',
  'negative-index',
  'unbounded-index',
  'write-forbidden',
  'stack-uninitialised',
  'misaligned',
]);

/**
 * Goes on behind `first` while there are paths and budget. `rest` walks the functions that have not been walked.
 * Tells errors that are not the first one again: another line, and not the same value.
 */
export function otherErrors(env: VerifierEnvironment, first: Rejection, rest: () => void, tell: (other: Rejection) => void): void {
  const steps = Math.min(MOST_STEPS_AFTER, Math.max(STEPS_AFTER, env.processed));
  env.processedLimit = Math.min(env.processedLimit, env.processed + steps);
  let found = 1;
  const places = [placeOf(env, first)];
  const recovered = new Set<number>();
  let rejection = first;
  let isWalking = true;
  for (let rejections = 0; found <= MAX_ERRORS && rejections < MAX_REJECTIONS && !LAST.has(rejection.code); rejections++) {
    const isNew = rejection !== first && isIndependent(env, rejection, places, recovered);
    if (isNew) {
      found++;
      // Told at once: the state that explains it does not stay.
      tell(rejection);
      places.push(placeOf(env, rejection));
    }
    const thrown = attempt(() => {
      if (isWalking) walk(env, goOn(env, rejection, recovered));
      isWalking = false;
      rest();
    });
    if (!thrown) break;
    // A global function that fails leaves its own paths behind.
    isWalking = true;
    rejection = thrown;
  }
}

function attempt(act: () => void): Rejection | undefined {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Rejection) return thrown;
    if (!(thrown instanceof Cancelled)) throw thrown;
  }
  return undefined;
}

interface Place {
  readonly code: FindingCode;
  readonly insn: number;
  readonly line: string;
  /** Slot that gave the offending value. */
  readonly origin: number;
}

const lineOf = (env: VerifierEnvironment, insn: number): string => {
  const record = env.program.lines.findLast((line) => line.insn <= insn);
  return record && record.line > 0 ? `${record.file}:${record.line}` : `insn ${insn}`;
};

function placeOf(env: VerifierEnvironment, { code, insn, details }: Rejection): Place {
  const origin = details.register === undefined ? -1 : originOf(env, details.register);
  return { code, insn, line: lineOf(env, insn), origin };
}

function isIndependent(env: VerifierEnvironment, rejection: Rejection, places: readonly Place[], recovered: ReadonlySet<number>): boolean {
  const { code, insn } = rejection;
  // The cheap questions first: most paths of a loop end where another one did.
  if (places.some((other) => other.insn === insn)) return false;
  const line = lineOf(env, insn);
  if (places.some((other) => other.line === line)) return false;
  if (rejection.details.register === undefined) return true;
  if (recovered.size === 0 && !places.some((other) => other.code === code && other.origin >= 0)) return true;
  env.processed += Math.floor((env.trace?.depth ?? 0) / STEPS_OF_PATH);
  const origin = originOf(env, rejection.details.register);
  return !recovered.has(origin) && !places.some((other) => other.code === code && origin >= 0 && other.origin === origin);
}

/** Prepares the state for what comes after a failed instruction, and says where the walk takes up. */
function goOn(env: VerifierEnvironment, { code, insn: at, details }: Rejection, recovered: Set<number>): WalkFrom {
  const insn = env.insns[at];
  if (!insn || env.insn !== at) return 'next-path';
  const register = details.register === undefined ? undefined : env.register(details.register);
  if ((code === 'null-dereference' || code === 'helper-argument-null') && register && mayBeNull(register.type) && register.id !== 0) {
    // As if it had been checked.
    markNullOrNot(env.state, register, false);
    return mayBeNull(env.register(details.register!).type) ? 'next-path' : 'again';
  }
  if (!ACCESS_OUTSIDE.has(code) || insn.opcode === (BPF_JMP | BPF_CALL)) return 'next-path';
  switch (insnClass(insn)) {
    case BPF_LDX:
      recovered.add(at);
      env.setRegister(insn.dst, unknownRegister());
      break;
    case BPF_ST:
      break;
    case BPF_STX:
      // An atomic operation may give a value too; it is rare, and its path ends here.
      if (modeField(insn) !== BPF_MEM) return 'next-path';
      break;
    default:
      return 'next-path';
  }
  env.previousInsn = at;
  env.insn = at + 1;
  return 'on';
}
