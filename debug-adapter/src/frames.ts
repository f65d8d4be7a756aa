// The call stack as people see it: real frames of BPF-to-BPF calls and, between them, functions that the compiler inlined.
// Reads the execution; changes nothing.

import type { Invocation } from '#core/sim';
import type { MappedProgram } from './breakpoints.ts';

export interface StackFrame {
  /** Position in the list, innermost 0. */
  index: number;
  /** Index into Execution.frames(): inlined functions share their function's. */
  physical: number;
  /** Among the functions at this instruction, the innermost is 0. */
  level: number;
  name: string;
  inlined: boolean;
  file: string;
  line: number;
  column: number;
  /** Slot to execute next, or the call's. */
  slot: number;
  program: MappedProgram;
}

/** The innermost frame alone, for conditions: they are asked often and need no other. */
export function innermostFrame(invocation: Invocation, program: MappedProgram): StackFrame | undefined {
  const slot = invocation.execution.pc;
  const [frame] = program.map.framesAt(slot);
  return frame && { ...frame, index: 0, physical: 0, level: 0, slot, program };
}

/** Innermost first. The outermost carries the event's title, so that one sees what the program runs on. */
export function stackOf(invocation: Invocation, program: MappedProgram): readonly StackFrame[] {
  const frames: StackFrame[] = [];
  invocation.execution.frames().forEach((frame, physical) => {
    program.map
      .framesAt(frame.insn)
      .forEach(
        ({ name, inlined, file, line, column }, level) =>
          void frames.push({ index: frames.length, physical, level, name, inlined, file, line, column, slot: frame.insn, program }),
      );
  });
  const outermost = frames.at(-1);
  if (outermost) outermost.name = `${outermost.name} (${invocation.event.title})`;
  return frames;
}
