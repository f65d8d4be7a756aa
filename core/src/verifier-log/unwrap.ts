// Takes off what loaders, terminals, containers and CI put around the lines of a log: colours, time stamps, JSON, quoting, names.
// Decides nothing about what a line means.

/** One line of a log, and where it stood. */
export interface CleanLine {
  /** Without blanks at either end. */
  text: string;
  /** Line of the whole text, from 1. Several clean lines may come from one. */
  at: number;
  /** The whole line began with a blank before it was trimmed: cilium/ebpf indents, and so do reports. */
  indented: boolean;
}

/** Longer lines are no log: what is behind is not looked at. */
const LONGEST_LINE = 20_000;
/** A line that holds a whole log, as JSON or quoted, may be much longer. */
const LONGEST_WRAPPED = 32 << 20;
/** Prefixes stand in one another: a container's in a CI job's. */
const DEEPEST = 6;

interface PrefixRow {
  readonly from: string;
  readonly pattern: RegExp;
  /** What the pattern must take off; the test reads these. */
  readonly examples: readonly string[];
}

export const PREFIXES = [
  {
    from: 'env_logger of Rust',
    pattern: /^\[\d{4}-\d\d-\d\dT[\d:.]+Z? +[A-Z]+ +[\w:]+\] /,
    examples: ['[2026-03-01T10:11:12Z WARN  libbpf] '],
  },
  {
    from: 'GitHub Actions, GitLab, containers (CRI), journald',
    pattern: /^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?(?: \d\d[OE]\+?)? ?/,
    examples: [
      '2026-03-01T10:11:12.1234567Z ',
      '2026-03-01 10:11:12,123 ',
      '[2026-03-01T10:11:12+01:00] ',
      '2026-03-01T10:11:12.123456Z 00O ',
    ],
  },
  {
    from: 'Go',
    pattern: /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d+)? /,
    examples: ['2026/03/01 10:11:12 ', '2026/03/01 10:11:12.123456 '],
  },
  { from: 'containers (CRI)', pattern: /^(?:stdout|stderr) [FP] /, examples: ['stderr F '] },
  {
    from: 'syslog, journalctl',
    pattern: /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,100} [\w./@-]{1,100}(?:\[\d+\])?: /,
    examples: ['Mar  1 10:11:12 host loader[123]: '],
  },
  {
    from: "the kernel's own log",
    pattern: /^(?:<\d+>)?\[ *\d+\.\d+(?:\]|\]\[ *[TC]\d+\]) /,
    examples: ['[   12.345678] ', '<4>[   12.345678][  T1] '],
  },
  { from: 'a clock', pattern: /^\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]? /, examples: ['10:11:12 ', '[10:11:12.345] '] },
  {
    from: 'a level',
    pattern: /^(?:\[(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE)\]|(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|info|warn|debug)(?=[ :])):? /,
    examples: ['[INFO] ', 'WARN: ', 'DEBUG '],
  },
  { from: 'docker compose', pattern: /^[A-Za-z][\w.-]{0,100} +\| /, examples: ['agent-1  | '] },
  { from: 'kubectl', pattern: /^\[pod\/[\w./-]{1,200}\] /, examples: ['[pod/agent-x7/loader] '] },
  { from: 'BuildKit', pattern: /^#\d+ \d+\.\d+ /, examples: ['#12 3.456 '] },
  // Not `>>>`, which is 7.3's mark at a line.
  { from: 'a quoted mail or Markdown', pattern: /^>(?!>>) ?/, examples: ['> '] },
] as const satisfies readonly PrefixRow[];

const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
/** An instruction line, anywhere: what tells a wrapped log from other text with escapes. */
const INSTRUCTION = /\d+: \([0-9a-f]{2}\) /;
/** Most lines of a long log begin so, and need no other look. */
const PLAIN = /^(?:\d+: |; |R\d|from \d|mark_precise| |$)/;
const JSON_FIELDS = ['log', 'message', 'msg', 'MESSAGE', 'error', 'err', 'line', 'stderr'];

/** Every line of a text, bare. */
export function cleanLines(text: string): CleanLine[] {
  const lines: CleanLine[] = [];
  const raw = text.split('\n');
  for (let i = 0; i < raw.length; i++) cleanLine(raw[i]!, i + 1, 0, lines);
  return lines;
}

function cleanLine(given: string, at: number, depth: number, into: CleanLine[]): void {
  let line = given;
  if (line.length > LONGEST_WRAPPED) line = line.slice(0, LONGEST_WRAPPED);
  if (line.includes('\u001b')) line = line.replace(ESCAPES, '');
  line = line.trimEnd();
  if (depth < DEEPEST) {
    const inside = wrapped(line);
    if (inside !== undefined) {
      for (const one of inside.split('\n')) cleanLine(one, at, depth + 1, into);
      return;
    }
  }
  if (line.length > LONGEST_LINE) line = line.slice(0, LONGEST_LINE);
  for (let round = 0; round < DEEPEST && !PLAIN.test(line); round++) {
    // The blank of a prefix with nothing behind it is often lost.
    const padded = `${line} `;
    const prefix = PREFIXES.find(({ pattern }) => pattern.test(padded));
    if (!prefix) break;
    line = padded.replace(prefix.pattern, '').trimEnd();
    const inside = depth < DEEPEST ? wrapped(line) : undefined;
    if (inside !== undefined) {
      for (const one of inside.split('\n')) cleanLine(one, at, depth + 1, into);
      return;
    }
  }
  const trimmed = line.trim();
  into.push({ text: trimmed, at, indented: /^\s/.test(line) });
}

/** The text that a line carries in JSON, in a quoted field or with its line ends written out; undefined where it is a plain line. */
function wrapped(line: string): string | undefined {
  const start = line.trimStart();
  if (start.startsWith('{') && line.endsWith('}')) {
    const field = fromJson(start);
    if (field !== undefined) return field;
  }
  if (!line.includes('\\n')) return undefined;
  for (const [, , quoted] of line.matchAll(/\b(msg|error|err|log)="((?:[^"\\]|\\.)*)"/g)) {
    if (quoted!.includes('\\n') && INSTRUCTION.test(quoted!)) return `${line.slice(0, line.indexOf('="'))}\n${unescape(quoted!)}`;
  }
  return INSTRUCTION.test(line) ? unescape(line) : undefined;
}

function fromJson(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const given = JSON_FIELDS.map((name) => (Object.hasOwn(fields, name) ? fields[name] : undefined)).filter(
    (one): one is string => typeof one === 'string',
  );
  // zap and slog put the short sentence in msg and the log in error.
  return given.length > 0 ? given.map((one) => one.replace(/\r?\n$/, '')).join('\n') : undefined;
}

const ESCAPED: Record<string, string> = { n: '\n', t: '\t', r: '', '"': '"', "'": "'", '\\': '\\' };
const unescape = (text: string): string => text.replace(/\\(.)/g, (whole, letter: string) => ESCAPED[letter] ?? whole);
