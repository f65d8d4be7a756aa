// One launched program with everything that belongs to it, put together: history, breakpoints, inspection, views.
// Says what happens in sentences for the Debug Console; knows no DAP.

import type { Output } from '#core/sim';
import type { ToolchainSettings } from '#toolchain';
import type { Breakpoints } from './breakpoints.ts';
import { Debuggee } from './debuggee.ts';
import { KernelTerminal } from './kernel-terminal.ts';
import { innermostFrame, stackOf } from './frames.ts';
import type { StackFrame } from './frames.ts';
import { Inspection } from './inspection.ts';
import type { Launched, Rejected } from './launch.ts';
import { Timeline } from './timeline.ts';
import { formatScalar } from './c-value.ts';
import { Views } from './views.ts';

/** A line for the Debug Console: what the program prints, what happens around it, and what is wrong. */
export interface ConsoleLine {
  category: 'stdout' | 'console' | 'stderr';
  text: string;
  place?: { file: string; line: number; column: number };
}

export class World {
  readonly timeline: Timeline;
  readonly debuggee: Debuggee;
  readonly inspection: Inspection;
  readonly views: Views;
  readonly terminal: KernelTerminal;

  constructor(
    readonly launched: Launched,
    breakpoints: Breakpoints,
    stopOnEntry: boolean,
    program: string,
    settings: ToolchainSettings,
    private readonly say: (line: ConsoleLine) => void,
  ) {
    this.timeline = new Timeline(launched.kernel, launched.events, {
      output: (output) => this.tell(output),
      runStarted: ({ event, program }) => say({ category: 'console', text: `${event.title}: ${program.program.name} runs` }),
      runFinished: ({ program, current }, value, meaning) =>
        say({
          category: 'console',
          text: `${program.program.name}${current === program ? '' : ` (tail call to ${current.program.name})`} returned ${meaning || formatScalar(value)}`,
        }),
    });
    this.terminal = new KernelTerminal(launched.kernel, this.timeline, program, settings);
    this.inspection = new Inspection({ kernel: launched.kernel, timeline: this.timeline, debugVariables: launched.debugInformation });
    this.debuggee = new Debuggee(this.timeline, launched.programs, breakpoints, {
      stopOnEntry,
      scope: () => this.inspection.scopeOf(this.innermost()),
      message: (text) => {
        const frame = this.innermost();
        say({ category: 'console', text: this.inspection.interpolate(text, frame), ...(frame && frame.line > 0 ? { place: frame } : {}) });
      },
    });
    this.views = new Views(this.inspection);
  }

  /** Innermost first; empty when nothing runs. */
  stack(): readonly StackFrame[] {
    const { invocation, current } = this.debuggee;
    return invocation && current ? stackOf(invocation, current) : [];
  }

  private innermost(): StackFrame | undefined {
    const { invocation, current } = this.debuggee;
    return invocation && current && innermostFrame(invocation, current);
  }

  private tell(output: Output): void {
    this.terminal.feed(output);
    if (output.kind === 'trace') this.say({ category: 'stdout', text: output.line });
    else if (output.kind === 'note') this.say({ category: 'console', text: output.line });
    else this.say({ category: 'stdout', text: `${output.map}: ${this.inspection.formatRecord(output)}` });
  }
}

/** What the verifier says about a program, as lines for the console: its own words, the reason, the way out. */
export function rejectionLines({ program, verdict, finding, place }: Rejected): readonly ConsoleLine[] {
  const at = place.line > 0 ? { place } : {};
  const message = `The verifier rejects ${program.name}${verdict.errno ? ` (${verdict.errno})` : ''}: ${finding?.message ?? 'no reason given'}`;
  return [
    { category: 'stderr', text: message, ...at },
    ...[finding?.explanation, finding?.advice]
      .filter((text) => text !== undefined && text !== '')
      .map((text): ConsoleLine => ({ category: 'stderr', text: `  ${text}` })),
  ];
}
