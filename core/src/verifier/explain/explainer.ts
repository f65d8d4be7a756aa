// From a rejection to the finding that a person reads: the catalogue's row, what the explanation of its code can say more exactly,
// the expression with its place, and the causal path.

import type { Rejection, VerifierEnvironment } from '../state/environment.ts';
import { type FindingCode, findingRow } from './findings.ts';
import type { Cause, Finding } from '../types.ts';
import { explainAddedNumber, explainBounds, explainPacket, explainStackBounds } from './bounds.ts';
import {
  explainArgument,
  explainConstant,
  explainContext,
  explainForbidden,
  explainGpl,
  explainHelperMap,
  explainKfunc,
  explainKfuncArgument,
  explainMapProgram,
  explainMemoryArgument,
  explainNotAllowed,
  explainPlace,
  explainSize,
  explainSpecialField,
  explainUnknownHelper,
} from './calls.ts';
import {
  explainDivision,
  explainEndless,
  explainFramePointer,
  explainLeak,
  explainManyBranches,
  explainProgram,
  explainReferenceState,
  explainReturn,
  explainStackDepth,
  explainTooLarge,
  explainUninitialisedStack,
  explainUnreachable,
} from './flow.ts';
import { Names } from './names.ts';
import {
  explainDynptr,
  explainGraph,
  explainIterator,
  explainKptr,
  explainLock,
  explainMisaligned,
  explainOverwritten,
} from './objects.ts';
import {
  explainArithmetic,
  explainAtomic,
  explainModified,
  explainNull,
  explainNumber,
  explainOpaque,
  explainSocketField,
  explainUninitialised,
} from './pointers.ts';
import { type Explained, RejectedCase } from './rejected-case.ts';

type Explain = (c: RejectedCase) => Explained;

const EXPLAIN: Partial<Record<FindingCode, Explain>> = {
  'map-value-bounds': explainMemoryArgument,
  'map-key-bounds': explainMemoryArgument,
  'mem-bounds': (c) => explainSocketField(c) ?? explainMemoryArgument(c),
  'negative-index': explainBounds,
  'unbounded-index': explainBounds,
  'packet-bounds': explainPacket,
  'stack-bounds': (c) => (c.isAccess ? explainStackBounds(c) : explainMemoryArgument(c)),
  'pointer-offset-range': explainAddedNumber,
  'null-dereference': explainNull,
  'pointer-arithmetic-null': explainNull,
  'helper-argument-null': explainNull,
  'scalar-dereference': explainNumber,
  'uninitialised-register': explainUninitialised,
  'invalid-mem-access': explainOpaque,
  'pointer-arithmetic': explainArithmetic,
  'pointer-variable-offset': explainModified,
  'stack-uninitialised': explainUninitialisedStack,
  'stack-corruption': explainOverwritten,
  'stack-dynptr-write': explainOverwritten,
  misaligned: explainMisaligned,
  'ctx-access': explainContext,
  'write-forbidden': explainForbidden,
  'read-forbidden': explainForbidden,
  'special-field-access': explainSpecialField,
  kptr: explainKptr,
  'helper-not-allowed': explainNotAllowed,
  'helper-unknown': explainUnknownHelper,
  'helper-gpl': explainGpl,
  'helper-context': explainPlace,
  'helper-argument': explainArgument,
  'helper-argument-size': explainSize,
  'helper-argument-constant': explainConstant,
  'helper-map': explainHelperMap,
  'kfunc-not-allowed': explainKfunc,
  'kfunc-argument': explainKfuncArgument,
  'kfunc-context': explainPlace,
  'map-program': explainMapProgram,
  'reference-leak': explainLeak,
  'reference-state': explainReferenceState,
  dynptr: explainDynptr,
  iterator: explainIterator,
  lock: explainLock,
  'graph-node': explainGraph,
  'return-value': explainReturn,
  'infinite-loop': explainEndless,
  unreachable: explainUnreachable,
  'division-by-zero': explainDivision,
  'frame-pointer-write': explainFramePointer,
  'invalid-program': explainProgram,
  atomic: explainAtomic,
  'stack-depth': explainStackDepth,
  'too-large': explainTooLarge,
  'too-many-branches': explainManyBranches,
};

/** A path of more steps is cut in its middle: where a value comes from and what happened last say most. */
const MAX_CAUSES = 8;

export class Explainer {
  private readonly names: Names;

  constructor(private readonly env: VerifierEnvironment) {
    this.names = new Names(env.program, env.object);
  }

  /** The finding, as the environment stands when the rejection has just been thrown. */
  finding(rejection: Rejection): Finding {
    const row = findingRow(rejection.code);
    const { details } = rejection;
    const { env, names } = this;
    const insn = Math.min(Math.max(0, rejection.insn), Math.max(0, env.insns.length - 1));
    const c = new RejectedCase(env, rejection, names);
    const explained = EXPLAIN[rejection.code]?.(c) ?? {};
    const causes = withoutRepeats([...(explained.causes ?? c.causes(c.events())), ...(details.causes ?? [])]);
    const { register } = details;
    const needed = explained.needed ?? details.needed;
    const known = explained.known ?? details.known;
    const { expression } = c;
    const span = names.span(insn);
    const variable = explained.variable ?? c.variable()?.name;
    return {
      code: row.code,
      severity: 'error',
      message: rejection.lines[0]!,
      explanation: explained.explanation ?? details.explanation ?? row.explanation,
      advice: explained.advice ?? details.advice ?? row.advice,
      category: row.category,
      problem: row.problem,
      insn,
      ...(register !== undefined && { register }),
      ...(needed !== undefined && { needed }),
      ...(known !== undefined && { known }),
      ...(expression !== undefined && { expression }),
      ...(span && { span }),
      ...(variable !== undefined && { variable }),
      ...(explained.fix && { fix: explained.fix }),
      causes: shortened(causes),
    };
  }
}

function withoutRepeats(causes: readonly Cause[]): Cause[] {
  const seen = new Set<string>();
  return causes.filter(({ insn, text, span }) => {
    const key = `${span ? `${span.file}:${span.line}` : insn} ${text}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

function shortened(causes: readonly Cause[]): readonly Cause[] {
  if (causes.length <= MAX_CAUSES) return causes;
  return [...causes.slice(0, 2), ...causes.slice(2 - MAX_CAUSES)];
}
