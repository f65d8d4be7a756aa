// Runs a scenario from its first event to its last without stopping: what the CLI, tests and "run without debugging" do.

import type { Kernel, Output, Scenario, ScenarioEvent } from './types.ts';

/** One program's run on one event. */
export interface RunResult {
  event: ScenarioEvent;
  /** The program that began, and, after tail calls, the one that ended. */
  program: string;
  ended: string;
  outcome:
    | { kind: 'exit'; value: bigint; meaning: string }
    | { kind: 'fault'; insn: number; message: string }
    /** It was still running after the budget. */
    | { kind: 'budget' };
  /** Instructions executed. */
  insns: number;
  /** What user space saw of it, in order. */
  output: readonly Output[];
  /** The packet afterwards, from data to data_end. */
  packet?: Uint8Array;
}

export interface RunOptions {
  /** Instructions one run may take. The verifier's own limit is on paths, so this only catches loops that never end. */
  budget?: number;
  /** Called after each run; true stops. */
  onRun?: (result: RunResult) => boolean | undefined;
}

export const DEFAULT_BUDGET = 100_000_000;

/** Fires every event of the scenario; `kernel` has the programs loaded and attached, and the scenario prepared. */
export function runScenario(kernel: Kernel, scenario: Pick<Scenario, 'events'>, options: RunOptions = {}): readonly RunResult[] {
  const results: RunResult[] = [];
  for (const event of scenario.events) {
    for (const invocation of kernel.fire(event)) {
      const stop = invocation.execution.run({ budget: options.budget ?? DEFAULT_BUDGET });
      const insns = invocation.execution.executed;
      const ended = invocation.current.program.name;
      const packet = invocation.packet && kernel.memory.view(invocation.packet).slice(0, invocation.packet.size);
      let outcome: RunResult['outcome'];
      if (stop.kind === 'exit') outcome = { kind: 'exit', value: stop.value, meaning: invocation.finish(stop.value).meaning };
      else {
        outcome = stop.kind === 'fault' ? { kind: 'fault', insn: stop.insn, message: stop.message } : { kind: 'budget' };
        invocation.abandon();
      }
      const result: RunResult = {
        event,
        program: invocation.program.program.name,
        ended,
        outcome,
        insns,
        output: kernel.takeOutput(),
        ...(packet ? { packet } : {}),
      };
      results.push(result);
      if (options.onRun?.(result)) return results;
    }
  }
  return results;
}
