// The report that Linux 7.3 prints behind the old sentence: `Verification failed: <Category>: <Problem>`, then the parts Reason, At,
// Causal path, Active lock and Suggestion. Its layout is that of kernel/bpf/diagnostics.c: a place, the source lines, an arrow with a
// label, the instructions. An earlier version of it, with source and instructions side by side, is read too.

import type { KernelReport, LoggedCause, LoggedSource } from './types.ts';

export interface ReadReport extends KernelReport {
  /** Where it failed. */
  at?: ReportPlace;
  causes: LoggedCause[];
}

interface ReportPlace {
  source?: LoggedSource;
  insn?: number;
  instruction?: string;
  /** The arrow's sentence: `invalid dereference of R0 (scalar)`. */
  text: string;
  logLine: number;
}

const HEADING = /^(Reason|At|Causal path|Active lock|Suggestion):$/;
/** `entry @ case.c:13:36`, `case.c:13:36`, `insn 7`. */
const PLACE = /^(?:(\S{1,200}) @ )?(\S{1,400}):(\d+):(\d+)$/;
const BARE_INSN = /^insn (\d+)$/;
const MARKED_INSN = />>>\s*(\d+) \| (\([0-9a-f]{2}\) .*)$/;
const MARKED_SOURCE = /^>>>\s*(\d+) \| (.*)$/;
/** `| ^-- error: invalid dereference`; wrapped lines follow with `|` alone in front. */
const ARROW = /^\| *\^-- (\w+): (.*)$/;

/** The parts of a report whose lines these are, heading included. `at` are their lines in the whole text. */
export function readReport(category: string, problem: string, lines: readonly { text: string; at: number }[]): ReadReport {
  const parts = new Map<string, { text: string; at: number }[]>();
  let part: { text: string; at: number }[] | undefined;
  for (const line of lines) {
    const heading = HEADING.exec(line.text);
    if (heading) parts.set(heading[1]!, (part = []));
    else if (line.text !== '') part?.push(line);
  }
  const sentence = (name: string): string => (parts.get(name) ?? []).map(({ text }) => text).join(' ');
  const events = [...places(parts.get('Causal path') ?? []), ...places(parts.get('Active lock') ?? [])];
  const at = places(parts.get('At') ?? [])[0];
  return {
    category,
    problem,
    reason: sentence('Reason'),
    suggestion: sentence('Suggestion'),
    ...(at && { at }),
    causes: events.map(({ text, source, insn, logLine }) => ({
      text,
      logLine,
      ...(source && { source }),
      ...(insn !== undefined && { insn }),
    })),
  };
}

/** Each place of a part, with the arrow's words. */
function places(lines: readonly { text: string; at: number }[]): ReportPlace[] {
  const found: ReportPlace[] = [];
  let current: ReportPlace | undefined;
  let arrow = false;
  for (const { text, at } of lines) {
    const place = PLACE.exec(text);
    const bare = place ? undefined : BARE_INSN.exec(text);
    if (place || bare) {
      current = { text: '', logLine: at };
      if (place)
        current.source = {
          ...(place[1] !== undefined && { function: place[1] }),
          file: place[2]!,
          line: Number(place[3]),
          column: Number(place[4]),
          text: '',
        };
      else current.insn = Number(bare![1]);
      found.push(current);
      arrow = false;
      continue;
    }
    if (!current) continue;
    const pointed = ARROW.exec(text);
    if (pointed) {
      const [, label, words] = pointed;
      current.text = label === 'error' ? words! : `${label}: ${words!}`;
      arrow = true;
      continue;
    }
    const insn = MARKED_INSN.exec(text);
    if (insn) {
      current.insn = Number(insn[1]);
      current.instruction = insn[2]!;
    }
    const source = MARKED_SOURCE.exec(text);
    if (source && current.source && !/^\([0-9a-f]{2}\) /.test(source[2]!)) {
      // Side by side: the instruction stands in the right half of the same line.
      const words = source[2]!.replace(/\s{2,}(?:>>>)?\s*\d+ \| \([0-9a-f]{2}\) .*$/, '').trim();
      if (words !== '...') current.source.text = words.replace(/\s*\.\.\.$/, '');
    }
    if (arrow && text.startsWith('|')) current.text += ` ${text.slice(1).trim()}`;
    else arrow = false;
  }
  return found.filter(({ text }) => text !== '');
}
