// The words that loaders say around a log: whose program it is, that loading failed, where the log begins and ends.

import type { Loader } from './types.ts';

export interface LoaderWords {
  loader?: Loader;
  name?: string;
  /** 'EACCES', or the words where they are no errno we know. */
  errno?: string;
  /** The log begins behind this line. */
  begins?: boolean;
  /** The log ended in front of this line. */
  ends?: boolean;
  /** The program was refused. */
  failed?: boolean;
  /** What follows on the same line. */
  rest?: string;
  /** The load succeeded. */
  loaded?: boolean;
}

const ERRNO_WORDS: Record<string, string> = {
  'permission denied': 'EACCES',
  'invalid argument': 'EINVAL',
  'argument list too long': 'E2BIG',
  'operation not permitted': 'EPERM',
  'bad address': 'EFAULT',
  'no space left on device': 'ENOSPC',
  'no such file or directory': 'ENOENT',
  'no such process': 'ESRCH',
  'not supported': 'EOPNOTSUPP',
  'operation not supported': 'EOPNOTSUPP',
  'unknown error 524': 'ENOTSUPP',
  'errno 524': 'ENOTSUPP',
  'protocol error': 'EPROTO',
  'bad file descriptor': 'EBADF',
  'cannot allocate memory': 'ENOMEM',
  'no such device or address': 'ENXIO',
  'device or resource busy': 'EBUSY',
  'numerical result out of range': 'ERANGE',
  'resource temporarily unavailable': 'EAGAIN',
};
const ERRNO_NUMBERS: Record<number, string> = {
  1: 'EPERM',
  2: 'ENOENT',
  3: 'ESRCH',
  6: 'ENXIO',
  7: 'E2BIG',
  9: 'EBADF',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  14: 'EFAULT',
  16: 'EBUSY',
  22: 'EINVAL',
  28: 'ENOSPC',
  34: 'ERANGE',
  71: 'EPROTO',
  95: 'EOPNOTSUPP',
  524: 'ENOTSUPP',
};

/** `Permission denied`, `-13`, `permission denied (os error 13)`, `-EACCES`. */
export function errnoOf(words: string): string | undefined {
  const text = words.trim().toLowerCase().replace(/[.!]$/, '');
  const number = /^-?(\d+)$/.exec(text) ?? /\((?:os error |errno )?-?(\d+)\)/.exec(text);
  if (number) return ERRNO_NUMBERS[Number(number[1])];
  const name = /^-?(e[a-z0-9]{3,10})$/.exec(text);
  if (name) return name[1]!.toUpperCase();
  return Object.entries(ERRNO_WORDS).find(([known]) => text === known || text.startsWith(`${known} `) || text.startsWith(`${known}(`))?.[1];
}

const ERRNO_ALTERNATIVES = Object.keys(ERRNO_WORDS).join('|');
// cilium/ebpf: `field X: program y: load program: permission denied: <last lines> (12 lines omitted)`.
const CILIUM = new RegExp(`(?:\\bprogram ([\\w.]+): )?\\bload program: (${ERRNO_ALTERNATIVES})(?: \\([^)]*\\))?:?(.*)$`, 'i');

const errno = (words: string): { errno?: string } => ({ errno: errnoOf(words) ?? words.trim().slice(0, 100) });

type Row = readonly [RegExp, (match: RegExpExecArray) => LoaderWords];

const ROWS: readonly Row[] = [
  [/\bprog '([^']{1,128})': -- BEGIN PROG LOAD LOG --/, ([, name]) => ({ loader: 'libbpf', name: name!, begins: true })],
  [/-- BEGIN (?:PROG LOAD|DUMP) LOG --/, () => ({ loader: 'libbpf', begins: true })],
  [/-- END (?:PROG LOAD )?LOG --/, () => ({ loader: 'libbpf', ends: true })],
  [
    /\bprog '([^']{1,128})': (?:BPF program load failed: (.+)|failed to load: (-?\w+))/,
    ([, name, words, number]) => ({ loader: 'libbpf', name: name!, failed: true, ends: true, ...errno(words ?? number!) }),
  ],
  [/\bload bpf program failed: (.+)/, ([, words]) => ({ loader: 'libbpf', failed: true, ...errno(words!) })],
  [/\bfailed to load program '([^']{1,128})'/, ([, name]) => ({ loader: 'libbpf', name: name!, failed: true, ends: true })],
  [/\bfailed to load object '[^']*'|^Error: failed to load object file/, () => ({ loader: 'libbpf', ends: true })],
  [/^bpf: Failed to load program: (.+)/, ([, words]) => ({ loader: 'BCC', failed: true, begins: true, ...errno(words!) })],
  [
    /\bFailed to load BPF program b?'([^']{1,128})': (.+)/,
    ([, name, words]) => ({ loader: 'BCC', name: name!, failed: true, ends: true, ...errno(words!) }),
  ],
  [/^(?:HINT: |Traceback \(most recent call last\))/, () => ({ loader: 'BCC', ends: true })],
  [
    /\bBPF_PROG_LOAD` ?syscall (?:returned|failed).*|\bBPF_PROG_LOAD syscall (?:returned (.+?)|failed(?: with code -?\d+)?)\. Verifier output: ?(.*)$/,
    ([, words, rest]) => ({ loader: 'aya', failed: true, begins: true, rest: rest ?? '', ...(words !== undefined && errno(words)) }),
  ],
  [
    /^Prog section '([^']{1,128})' rejected: (.+?)!?$/,
    ([, name, words]) => ({ loader: 'iproute2', name: name!, failed: true, ...errno(words!) }),
  ],
  [/^Verifier analysis:$/, () => ({ loader: 'iproute2', begins: true })],
  [
    /^PROCESSING \S+\/(\S+), DURATION US: \d+, VERDICT: (\w+), VERIFIER LOG:/,
    ([, name, verdict]) => ({
      loader: 'veristat',
      name: name!,
      begins: true,
      ...(verdict === 'success' ? { loaded: true } : { failed: true }),
    }),
  ],
  [/^(?:Kernel|BPF|Verifier) (?:error )?log:$/i, () => ({ begins: true })],
  // The document of "eBPF: Verify".
  [
    /^; program (\S+), section .*: (accepted|rejected)(?: \((\w+)\))?,/,
    ([, name, verdict, words]) => ({
      loader: 'eBPF Workbench',
      name: name!,
      begins: true,
      ...(words !== undefined && errno(words)),
      ...(verdict === 'accepted' ? { loaded: true } : { failed: true }),
    }),
  ],
];

/** Lines with none of these say nothing of a load: most lines of a log are tested for nothing more. */
const HINT = /prog|load|LOG|log:|section|Verifier|HINT|Traceback/;

export function loaderWords(line: string): LoaderWords | undefined {
  if (line.length > 4000 && !line.includes('load program:')) return undefined;
  if (!HINT.test(line)) return undefined;
  for (const [pattern, read] of ROWS) {
    const match = pattern.exec(line);
    if (match) return read(match);
  }
  const cilium = CILIUM.exec(line);
  if (!cilium) return undefined;
  const [, name, words, rest] = cilium;
  return {
    loader: 'cilium/ebpf',
    ...(name !== undefined && { name }),
    failed: true,
    begins: true,
    ...errno(words!),
    ...(rest!.trim() !== '' && { rest: rest!.trim() }),
  };
}

/** `… (12 line(s) omitted)`, `(truncated, 26014 line(s) omitted)`, `(BTF disabled)`, closing quotes and fields of a structured log behind it. */
const OMITTED = /\s*\((?:truncated, )?\d+ (?:line\(s\)|lines?) omitted\)(.*)$/;

/** cilium/ebpf's one line: the last lines of the log joined by `: `, as lines again. */
export function unfoldSummary(summary: string): { parts: string[]; omitted: boolean } {
  const text = summary.replace(/"\s+[\w-]+=.*$/, '').replace(/"$/, '');
  const omitted = OMITTED.test(text);
  const body = text
    .replace(OMITTED, '')
    .replace(/ \(BTF disabled\)$/, '')
    .trim();
  // A blank behind the colon of `5: (79) …` is no joint.
  const parts: string[] = [];
  let rest = body;
  const insn = /^(\d+: \([0-9a-f]{2}\) .*?)(?:: (?=[A-Za-z!])|$)/.exec(rest);
  if (insn) {
    parts.push(insn[1]!);
    rest = rest.slice(insn[0].length);
  }
  if (rest !== '') parts.push(...rest.split(/: (?=R\d+ |processed \d)/));
  return { parts, omitted };
}
