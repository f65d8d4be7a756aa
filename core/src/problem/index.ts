// What every reader and checker says when something is wrong: one clear, located sentence.
// Bad input is a result, not an exception: readers return what they could read and a list of these.

export { editDistance } from './edit-distance.ts';

/** A place in a text. Lines and columns count from 1, as compilers print them; 0 means unknown. */
export interface SourceSpan {
  /** Path as the tool that made the record wrote it; empty for the text at hand. */
  file: string;
  line: number;
  column: number;
  endLine?: number;
  endColumn?: number;
}

export type Severity = 'error' | 'warning' | 'note';

export interface Problem {
  severity: Severity;
  /** Says what is wrong and what to do about it; no trailing full stop is needed for one sentence. */
  message: string;
  /** Stable, kebab-case identity of the message, for documentation pages and tests. */
  code?: string;
  /** Where in a source text, when there is one. */
  span?: SourceSpan;
  /** Where in a binary: byte offset into the file, or the section it is about. */
  offset?: number;
  section?: string;
  related?: readonly { message: string; span: SourceSpan }[];
}

export const error = (message: string, extra: Omit<Problem, 'severity' | 'message'> = {}): Problem => ({
  severity: 'error',
  message,
  ...extra,
});
export const warning = (message: string, extra: Omit<Problem, 'severity' | 'message'> = {}): Problem => ({
  severity: 'warning',
  message,
  ...extra,
});
export const note = (message: string, extra: Omit<Problem, 'severity' | 'message'> = {}): Problem => ({
  severity: 'note',
  message,
  ...extra,
});

/** `file:line:column: severity: message`, as compilers print; parts that are unknown are left out. */
export function formatProblem(problem: Problem): string {
  const { span } = problem;
  const place = span
    ? [span.file, span.line || '', span.line ? span.column || '' : ''].filter((part) => part !== '').join(':')
    : (problem.section ?? '');
  return `${place ? `${place}: ` : ''}${problem.severity}: ${problem.message}`;
}

/** For the default branch of a switch over kinds: the compiler refuses it while a kind is missing. */
export function never(value: never): never {
  throw new Error(`unexpected value ${String(value)}`);
}
