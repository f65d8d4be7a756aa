// Helpers by name and by number, and who may call them. The rows are generated (helper-table.ts), the sentences are ours (helper-prose.ts).

import { ATTACH_TYPE_REFUSALS, HELPER_ROWS } from './helper-table.ts';
import { HELPER_PROSE } from './helper-prose.ts';
import { atLeast, type HelperRow, type HelperRule, type KernelVersion } from './types.ts';
import { isProgramTypeName } from './program-types.ts';

export interface Helper extends HelperRow {
  /** One line: what it does. */
  summary: string;
  /** What it does, its arguments and what it returns, in a few sentences; only for the helpers met most. */
  details?: string;
}

/** All helpers, by rising id (1 to 211). */
export const HELPERS: readonly Helper[] = HELPER_ROWS.map((row) => {
  const prose = HELPER_PROSE[row.name];
  return { ...row, summary: prose?.summary ?? '', ...(prose?.details === undefined ? {} : { details: prose.details }) };
});

const byName = new Map(HELPERS.map((helper) => [helper.name, helper]));
const byId = new Map(HELPERS.map((helper) => [helper.id, helper]));

/** The helper with this number: the imm of a call instruction with src 0. */
export function helperById(id: number): Helper | undefined {
  return byId.get(id);
}

/** The helper of this name, as `bpf_map_lookup_elem`. */
export function helperByName(name: string): Helper | undefined {
  return byName.get(name);
}

/** What the verifier asks of a call of this helper in a program of this type. */
export function helperRule(helper: HelperRow, programType: string | undefined): HelperRule {
  const [usual, ...others] = helper.rules;
  return others.find((rule) => rule.programTypes?.some((type) => type === programType)) ?? usual;
}

export interface Allowed {
  allowed: boolean;
  /** One sentence, where it is not allowed. */
  reason?: string;
  /** The first of the target kernels' releases that lets this program type call it; absent where none does. */
  since?: KernelVersion;
}

/**
 * Whether a program of this type may call the helper on this kernel. `attachType` as `BPF_TRACE_ITER`, where known.
 * Says nothing of licence, of sleepable programs or of arguments.
 */
export function helperAllowed(
  helper: HelperRow,
  programType: string | undefined,
  attachType: string | undefined,
  kernel: KernelVersion,
): Allowed {
  if (!atLeast(kernel, helper.since)) {
    return { allowed: false, reason: `${helper.name} came with Linux ${helper.since}; the target is ${kernel}.`, since: helper.since };
  }
  // An extension may call what the program it extends may call, which its own section does not say.
  if (programType === undefined || programType === 'ext') return { allowed: true, since: helper.since };
  const since = isProgramTypeName(programType) ? helper.programTypes[programType] : undefined;
  if (since === undefined) return { allowed: false, reason: `A program of type ${programType} may not call ${helper.name}.` };
  if (!atLeast(kernel, since)) {
    return {
      allowed: false,
      reason: `A program of type ${programType} may call ${helper.name} on Linux ${since}, not yet on ${kernel}.`,
      since,
    };
  }
  const refusal = attachType && ATTACH_TYPE_REFUSALS.find((row) => row.programType === programType && row.attachType === attachType);
  if (refusal && refusal.helpers.includes(helper.name)) {
    return { allowed: false, reason: `A program of type ${programType} may not call ${helper.name} when attached as ${attachType}.` };
  }
  return { allowed: true, since };
}
