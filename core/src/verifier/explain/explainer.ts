// From a rejection to the finding that a person reads: the catalogue's row, what the explanation of its code can say more exactly,
// the expression with its place, and the causal path.

import type { Rejection, VerifierEnvironment } from '../environment.ts';
import { type FindingCode, findingRow } from '../findings.ts';
import type { Cause, Finding } from '../types.ts';
import { explainAddedNumber, explainBounds, explainPacket, explainStackBounds } from './bounds.ts';
import { Names } from './names.ts';
import { type Explained, RejectedCase } from './rejected-case.ts';

type Explain = (c: RejectedCase) => Explained;

const EXPLAIN: Partial<Record<FindingCode, Explain>> = {
  'map-value-bounds': explainBounds,
  'map-key-bounds': explainBounds,
  'mem-bounds': explainBounds,
  'negative-index': explainBounds,
  'unbounded-index': explainBounds,
  'packet-bounds': explainPacket,
  'stack-bounds': explainStackBounds,
  'pointer-offset-range': explainAddedNumber,
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
