// Register and stack states as the log prints them: `R0=map_value(…) R10=fp0 fp-8=mmmm????`, and with the older `R0_w=inv(id=0)`.

import type { LoggedRegister } from './types.ts';

export interface LoggedState {
  /** Number of the frame; 0 where the line names none. */
  frame: number;
  registers: LoggedRegister[];
}

/** `R0=`, `R1_w=`, `fp-8_rD=`, `refs=`, `fp-16=`: the name with its liveness marks. */
const NAME = /(R1?\d|fp-\d+|refs)(?:_[rwD]+)?=/y;
const FRAME = /frame(\d+): ?/y;

/** The states of a line (or of its part behind `;`), or undefined where it holds none. */
export function readState(text: string): LoggedState | undefined {
  const registers: LoggedRegister[] = [];
  let frame = 0;
  let at = 0;
  while (at < text.length) {
    if (text[at] === ' ') {
      at++;
      continue;
    }
    FRAME.lastIndex = at;
    const framed = FRAME.exec(text);
    if (framed) {
      frame = Number(framed[1]);
      at = FRAME.lastIndex;
      continue;
    }
    NAME.lastIndex = at;
    const named = NAME.exec(text);
    if (!named) {
      // ` cb`, ` async_cb` stand at the end.
      if (/^(?:async_)?cb\b/.test(text.slice(at, at + 9))) break;
      return registers.length > 0 && at > 0 && /^[a-z_]+$/.test(text.slice(at)) ? { frame, registers } : undefined;
    }
    at = NAME.lastIndex;
    const end = valueEnd(text, at);
    registers.push({ name: named[1]!, value: text.slice(at, end) });
    at = end;
  }
  return registers.length > 0 ? { frame, registers } : undefined;
}

/** A value ends at the first blank outside brackets: `var_off=(0x0; 0xff)` has one inside. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const letter = text[at];
    if (letter === '(') depth++;
    else if (letter === ')') depth--;
    else if (letter === ' ' && depth <= 0) return at;
  }
  return text.length;
}
