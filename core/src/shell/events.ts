// `events` and `fire`: a kernel of one's own has no traffic; here the events of a file, or made-up ones, happen when they are asked for.

import { runScenario, type RunResult, type ScenarioEvent } from '#core/sim';
import { type CommandContext, type CommandResult, done, failed, printable } from './command-result.ts';

export interface EventSource {
  /** Of the event file, if there is one. */
  readonly given: readonly ScenarioEvent[];
  /** Why none can be fired here: a debug session lets events happen itself. */
  readonly refusal?: string;
}

/** The file's events, or for each attached program one that reaches it. */
function eventsOf({ kernel }: CommandContext, { given }: EventSource): readonly ScenarioEvent[] {
  if (given.length > 0) return given;
  const events: ScenarioEvent[] = [];
  for (const program of kernel.attached)
    if (!events.some((event) => kernel.reaches(event, program))) events.push(...kernel.defaultEvents(program));
  return events.map((event, index) => ({ ...event, index }));
}

export function events(context: CommandContext, source: EventSource): CommandResult {
  const list = eventsOf(context, source);
  if (list.length === 0) return done('no events: no program is attached, and there is no event file\n');
  return done(list.map(({ title }, index) => `${String(index + 1).padStart(4)}  ${printable(title)}\n`).join(''));
}

export function fire(context: CommandContext, source: EventSource, args: readonly string[]): CommandResult {
  if (source.refusal !== undefined) return failed(`fire: ${source.refusal}\n`);
  const list = eventsOf(context, source);
  if (list.length === 0) return failed('fire: there is nothing that could happen: attach a program, or give an event file\n');
  const [which = ''] = args;
  const wanted = which === 'all' || which === '' ? list : list.filter((_, index) => String(index + 1) === which);
  if (which === '' && list.length > 1) return failed(`fire: which? fire N, or fire all; 'events' lists them (1 to ${list.length})\n`);
  if (wanted.length === 0) return failed(`fire: there is no event ${printable(which)}; 'events' lists them (1 to ${list.length})\n`);
  // An event that has happened can happen again, later.
  const now = context.kernel.now();
  const start = context.kernel.options.uptime ?? 100_000_000_000n;
  const results: RunResult[] = [];
  const lines: string[] = [];
  for (const event of wanted) {
    const at = now - start + 1_000_000n * BigInt(results.length + 1);
    const ran = runScenario(context.kernel, { events: [event.at >= at ? event : { ...event, at }] });
    results.push(...ran);
    if (ran.length === 0) lines.push(`${printable(event.title)}: no program is attached that it reaches\n`);
    for (const result of ran) {
      const end =
        result.outcome.kind === 'exit'
          ? result.outcome.meaning
          : result.outcome.kind === 'fault'
            ? `FAULT at instruction ${result.outcome.insn}: ${result.outcome.message}`
            : 'still running when its instructions were used up';
      lines.push(`${printable(event.title)}: ${printable(result.program)} -> ${end}\n`);
    }
  }
  // Trace lines wait for trace_pipe; records are for the user space of the object.
  context.feed(results.flatMap(({ output }) => output));
  return done(lines.join(''));
}
