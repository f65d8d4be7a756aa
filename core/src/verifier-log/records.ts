// What each line of a log is: an instruction, a source comment, a state, a statistic, a remark, or else a sentence of the verifier.
// Knows the words of Linux 4.14 to 7.3; knows nothing of the loaders around them.

import { type LoggedState, readState } from './states.ts';
import type { LoggedSource, LoggedStatistics } from './types.ts';

export type LogRecord =
  /** `resumed`: the state is that of a branch taken up here, all there is to know of it. */
  | { kind: 'insn'; insn: number; text: string; state?: string; resumed?: boolean }
  | { kind: 'source'; source: LoggedSource }
  /** `from 5 to 9: …`: the walk goes on with a branch left for later. */
  | { kind: 'from'; from: number; to: number; state?: LoggedState }
  /** `0: R1=ctx() R10=fp0`, and states on lines of their own. */
  | { kind: 'state'; state: LoggedState }
  | { kind: 'function'; name: string }
  | { kind: 'statistics'; statistics: Partial<LoggedStatistics>; last: boolean }
  /** What the verifier says by the way: precision, callers and callees, functions found safe, liveness. */
  | { kind: 'remark' }
  | { kind: 'report'; category: string; problem: string }
  | { kind: 'blank' }
  /** Perhaps an error; perhaps nothing of the kernel's. */
  | { kind: 'other' };

const INSN = /^(\d+): \(([0-9a-f]{2})\) (.*)$/;
const SOURCE = /^; ?(.*)$/;
/** 7.x and 6.9 on: ` @ file.c:12`, with a column in some builds. */
const PLACE = / @ ([^\s:]+(?:\.\w+)):(\d+)(?::(\d+))?$/;
const FROM = /^from (\d+) to (\d+)(?: \([^)]*\))?: ?(.*)$/;
const NUMBERED_STATE = /^(\d+): ((?:frame\d+: )?(?:R\d|fp-|refs=).*)$/;
/** At level 1, where the lines of a safe path were erased up to the branch: its other end follows, as in `… goto pc+5 8: R6=…`. */
const TRAILING_STATE = /^(.*? goto pc[+-]\d+)\s+\d+: ((?:frame\d+: )?R\d.*)$/;

const REMARKS: readonly RegExp[] = [
  /^\d+:$/,
  /^(?:from \d+ to \d+(?: \([^)]*\))?|\d+): safe$/,
  /^func#\d+ @\d+/,
  /^Func#\d+ /,
  /^(?:caller|callee|returning from callee|to caller at \d+):?/,
  /^(?:cur|old|current|parent) state:/,
  /^mark_precise:/,
  /^(?:frame ?\d+: )?(?:last_idx|regs=|parent |propagating |first_idx)/,
  // Level 2 of Linux 6.18 on: which bytes of the stack are read again.
  /^\([\d,]+\) (?:frame|live)\b/,
  /^Live regs before insn/,
  /^\d+: [.\d]{10,} /,
  /^(?:SCC|subprog#\d|stack use\/def|topo_order|def=|use=)/,
  // Said of global functions that may still be called in another way (see ../shared/oracle's notes).
  /^Global function .*\(\) doesn't return scalar/,
  /^arg#\d+ reference type\('.*'\) size cannot be determined/,
  /^func '.*' (?:arg\d+ (?:has btf_id|type)|doesn't have|size)/,
  /^\(truncated.*\)$|^\.\.\.$|^\(\d+ lines? omitted\)$/,
];

/** `off=(0x0; 0xff)` has a semicolon too: the state begins behind one that is followed by a register. */
const STATE_BEHIND = /\s*; (?=(?:frame\d+: )?(?:R1?\d|fp-\d+|refs)(?:_\w+)?=)/;

export function readRecord(line: string): LogRecord {
  if (line === '') return { kind: 'blank' };
  const first = line.charCodeAt(0);
  // Most lines of a long log are these: a digit first.
  if (first >= 0x30 && first <= 0x39) {
    const insn = INSN.exec(line);
    if (insn) return readInsn(Number(insn[1]), `(${insn[2]}) ${insn[3]}`);
    const state = NUMBERED_STATE.exec(line);
    const read = state && readState(state[2]!);
    if (read) return { kind: 'state', state: read };
  }
  if (first === 0x3b) {
    const [, text] = SOURCE.exec(line)!;
    return { kind: 'source', source: readSource(text!) };
  }
  const from = FROM.exec(line);
  if (from && from[3] !== 'safe') {
    const state = readState(from[3]!);
    return { kind: 'from', from: Number(from[1]), to: Number(from[2]), ...(state && { state }) };
  }
  if (/^(?:R1?\d|fp-\d|frame\d+:)/.test(line)) {
    const state = readState(line);
    if (state) return { kind: 'state', state };
  }
  const statistics = readStatistics(line);
  if (statistics) return statistics;
  const validating = /^Validating (\S+?)(?:\(\))? func#\d+/.exec(line);
  if (validating) return { kind: 'function', name: validating[1]! };
  const failed = /^Verification failed: ([^:]+?)(?:: (.*))?$/.exec(line);
  if (failed) return { kind: 'report', category: failed[1]!, problem: failed[2] ?? '' };
  if (REMARKS.some((pattern) => pattern.test(line))) return { kind: 'remark' };
  return { kind: 'other' };
}

function readInsn(insn: number, text: string): LogRecord {
  const trailing = TRAILING_STATE.exec(text);
  if (trailing) return { kind: 'insn', insn, text: trailing[1]!, state: trailing[2]!, resumed: true };
  const at = text.search(STATE_BEHIND);
  if (at < 0) return { kind: 'insn', insn, text: text.trimEnd() };
  return { kind: 'insn', insn, text: text.slice(0, at).trimEnd(), state: text.slice(at).replace(/^\s*; /, '') };
}

function readSource(text: string): LoggedSource {
  const place = PLACE.exec(text);
  if (!place) return { text: text.trim() };
  const column = Number(place[3] ?? 0);
  return { text: text.slice(0, place.index).trim(), file: place[1]!, line: Number(place[2]), ...(column > 0 && { column }) };
}

const PROCESSED =
  /^processed (\d+) insns(?: \(limit (\d+)\))?(?:,? stack depth ([\d+]+))?(?: max_states_per_insn (\d+))?(?: total_states (\d+))?(?: peak_states (\d+))?/;

function readStatistics(line: string): LogRecord | undefined {
  const processed = PROCESSED.exec(line);
  if (processed) {
    const [, insns, limit, depth, perInsn, total, peak] = processed;
    return {
      kind: 'statistics',
      last: true,
      statistics: {
        processed: Number(insns),
        ...(limit !== undefined && { limit: Number(limit) }),
        ...(depth !== undefined && { stackDepth: depth.split('+').map(Number) }),
        ...(perInsn !== undefined && { maxStatesPerInsn: Number(perInsn) }),
        ...(total !== undefined && { totalStates: Number(total) }),
        ...(peak !== undefined && { peakStates: Number(peak) }),
      },
    };
  }
  const time = /^verification time (\d+) usec/.exec(line);
  if (time) return { kind: 'statistics', last: false, statistics: { verificationTime: Number(time[1]) } };
  const depth = /^stack depth ([\d+]+)(?: max \d+)?$/.exec(line);
  if (depth) return { kind: 'statistics', last: false, statistics: { stackDepth: depth[1]!.split('+').map(Number) } };
  return undefined;
}
