// The filters that stand behind a pipe: grep, head, tail, wc, sort, uniq, cat. Each takes standard input as text and gives text back.

import { type CommandResult, done, failed } from './command-result.ts';

type Filter = (args: readonly string[], input: string) => CommandResult;

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
const joined = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** `-n 5`, `-n5`, `-5`. */
function count(args: readonly string[]): number | undefined {
  const text = args.join(' ');
  const found = /^-(?:n ?)?(\d+)$/.exec(text);
  return text === '' ? 10 : found ? Number(found[1]) : undefined;
}

function grep(args: readonly string[], input: string): CommandResult {
  const flags = args.filter((word) => word.startsWith('-')).join('');
  const pattern = args.find((word) => !word.startsWith('-'));
  if (pattern === undefined) return failed('Usage: grep [-ivcnoFE] PATTERN\n', 2);
  if (/[^-ivcnoFEwq]/.test(flags)) return failed(`grep: of its options there are -i -v -c -n -o -w -q -F -E\n`, 2);
  let expression: RegExp;
  try {
    const plain = flags.includes('F') ? pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : basic(pattern, flags.includes('E'));
    expression = new RegExp(flags.includes('w') ? `\\b(?:${plain})\\b` : plain, `g${flags.includes('i') ? 'i' : ''}`);
  } catch {
    return failed(`grep: ${pattern}: this is no regular expression\n`, 2);
  }
  const found = linesOf(input)
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => {
      expression.lastIndex = 0;
      return expression.test(line) !== flags.includes('v');
    });
  const status = found.length > 0 ? 0 : 1;
  if (flags.includes('q')) return { output: '', status };
  if (flags.includes('c')) return { output: `${found.length}\n`, status };
  const output = flags.includes('o')
    ? found.flatMap(({ line }) => line.match(expression) ?? [])
    : found.map(({ line, number }) => (flags.includes('n') ? `${number}:${line}` : line));
  return { output: joined(output), status };
}

/** Without -E, `+?|(){}` are themselves, and special behind a backslash. */
const basic = (pattern: string, extended: boolean): string =>
  extended
    ? pattern
    : pattern.replace(
        /\\([+?|(){}])|([+?|(){}])/g,
        (_, special: string | undefined, plain: string | undefined) => special ?? `\\${plain ?? ''}`,
      );

export const FILTERS: Readonly<Record<string, Filter>> = {
  cat: (_args, input) => done(input),
  grep,
  head: (args, input) => {
    const n = count(args);
    return n === undefined ? failed('Usage: head [-n LINES]\n') : done(joined(linesOf(input).slice(0, n)));
  },
  tail: (args, input) => {
    const n = count(args);
    return n === undefined ? failed('Usage: tail [-n LINES]\n') : done(n === 0 ? '' : joined(linesOf(input).slice(-n)));
  },
  wc: (args, input) => {
    const numbers = [
      linesOf(input).length,
      input.split(/\s+/).filter((word) => word !== '').length,
      new TextEncoder().encode(input).length,
    ];
    const flag = args[0];
    const at = flag === undefined ? -1 : ['-l', '-w', '-c'].indexOf(flag);
    if (flag !== undefined && at < 0) return failed('Usage: wc [-l|-w|-c]\n');
    return done(at < 0 ? `${numbers.map((n) => String(n).padStart(7)).join(' ')}\n` : `${numbers[at]}\n`);
  },
  sort: (args, input) => {
    const lines = linesOf(input).sort(args.includes('-n') ? (a, b) => parseFloat(a) - parseFloat(b) : undefined);
    return done(joined(args.includes('-r') ? lines.reverse() : lines));
  },
  uniq: (_args, input) => done(joined(linesOf(input).filter((line, i, all) => line !== all[i - 1]))),
};
