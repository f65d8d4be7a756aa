// Reads what clang prints on standard error into located problems. Expects -fno-caret-diagnostics, -fno-color-diagnostics and
// -fdiagnostics-print-source-range-info. Columns stay as clang counts them: bytes from 1.

import type { Problem, Severity, SourceSpan } from '#core/problem';

interface Message {
  severity: Severity;
  message: string;
  code?: string;
  span?: SourceSpan;
  related: { message: string; span: SourceSpan }[];
}

const LOCATED = /^(.+?):(\d+):(\d+):(?:((?:\{\d+:\d+-\d+:\d+\})+):)? (fatal error|error|warning|note|remark): (.*)$/;
const INCLUDED = /^(?:In file included|\s+) from (.+?):(\d+)[:,]$/;
/** Driver, backend and linker messages carry no place in front. */
const UNLOCATED = /^(?:\S+: )?(fatal error|error|warning): (.*)$/;
const SEVERITIES: Readonly<Record<string, Severity>> = {
  'fatal error': 'error',
  error: 'error',
  warning: 'warning',
  note: 'note',
  remark: 'note',
};

/**
 * `realPath` maps a path as clang prints it to the user's. `main` is the file that was compiled, as the user names it: a message in a
 * header carries the way it was included as related places.
 */
export function readClangMessages(text: string, realPath: (file: string) => string = (file) => file): Problem[] {
  const messages: Message[] = [];
  let includes: { message: string; span: SourceSpan }[] = [];
  let crash = false;

  for (const line of text.split(/\r?\n/)) {
    const included = INCLUDED.exec(line);
    if (included) {
      includes.push({ message: 'included from here', span: { file: realPath(included[1]!), line: Number(included[2]), column: 1 } });
      continue;
    }
    const located = LOCATED.exec(line);
    if (located) {
      const [, file, row, column, ranges, kind, words] = located;
      const span = spanOf(realPath(file!), Number(row), Number(column), ranges ?? '');
      const last = messages.at(-1);
      if (kind === 'note' && last) {
        // A backend message stands at the start of its function; the note about it only says that no better place is known.
        if (!words!.startsWith('could not determine the original source location')) last.related.push({ message: words!, span });
      } else {
        messages.push({ ...withoutOption(words!), severity: SEVERITIES[kind!]!, span, related: includes });
      }
      includes = [];
      continue;
    }
    if (/^PLEASE submit a bug report|^Stack dump:/.test(line)) crash = true;
    const unlocated = crash ? undefined : UNLOCATED.exec(line);
    if (unlocated) {
      includes = [];
      messages.push(backendMessage(unlocated[2]!, SEVERITIES[unlocated[1]!]!, realPath));
      continue;
    }
    const named = /^In function: (\S+)/.exec(line);
    if (named && messages.length > 0) messages.at(-1)!.message += ` (in function ${named[1]})`;
  }
  return messages.filter(worthSaying).map(({ related, ...problem }) => (related.length > 0 ? { ...problem, related } : problem));
}

/** The caret alone, or the range that begins at it. Ranges elsewhere are operands, not what is wrong. */
function spanOf(file: string, line: number, column: number, ranges: string): SourceSpan {
  for (const [, line1, column1, line2, column2] of ranges.matchAll(/\{(\d+):(\d+)-(\d+):(\d+)\}/g)) {
    if (Number(line1) === line && Number(column1) === column)
      return { file, line, column, endLine: Number(line2), endColumn: Number(column2) };
  }
  return { file, line, column };
}

function withoutOption(words: string): { message: string; code?: string } {
  const option = /^(.*?)\s*\[(?:-Werror,)?-W([\w+-]+=?)[^\]]*\]$/.exec(words);
  return option ? { message: option[1]!, code: `-W${option[2]}` } : { message: words };
}

/** `error in backend: Cannot select: 0x55…: i32,ch = AtomicLoadAdd<…>, s.c:6:42` names its place at the end, in LLVM's terms. */
function backendMessage(words: string, severity: Severity, realPath: (file: string) => string): Message {
  const backend = /^error in backend: (.*)$/.exec(words);
  if (!backend) return { severity, message: words, related: [] };
  const place = /,\s+(\S[^,]*?):(\d+):(\d+)(?:\s|$)/.exec(backend[1]!);
  const select = /^Cannot select: .*?=\s*([A-Za-z]\w*)/.exec(backend[1]!);
  return {
    severity,
    message: select
      ? `BPF has no instruction for this operation (LLVM: ${select[1]}). Another operand size, or a newer -mcpu, may have one`
      : backend[1]!,
    code: 'clang-backend',
    ...(place ? { span: { file: realPath(place[1]!), line: Number(place[2]), column: Number(place[3]) } } : {}),
    related: [],
  };
}

/** Messages that only repeat that there were others. */
function worthSaying({ message }: Message, index: number, all: readonly Message[]): boolean {
  if (/^clang frontend command failed|^unable to execute command|^linker command failed|^no input files$/.test(message))
    return all.length === 1;
  if (/^diagnostic msg:/.test(message)) return false;
  // Clang says one backend message once for each store it concerns.
  return !all
    .slice(0, index)
    .some(
      (other) =>
        other.message === message &&
        other.span?.line === all[index]!.span?.line &&
        other.span?.file === all[index]!.span?.file &&
        other.span?.column === all[index]!.span?.column,
    );
}
