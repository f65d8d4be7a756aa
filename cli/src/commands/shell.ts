// `ebpfw shell`: the simulated kernel's terminal, in a terminal, on standard input, or for one line given with -c.

import path from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as nextTick } from 'node:timers/promises';
import { TARGET_KERNELS } from '#core/catalog';
import { formatProblem, type Problem } from '#core/problem';
import { createKernel, loadedInto, runScenario, type Kernel, type Scenario, type ScenarioEvent } from '#core/sim';
import { Shell, ShellTerminal } from '#core/shell';
import { interpreter } from '#core/vm';
import { openProgram, readTargetKernel, type ToolchainSettings, verifierFacts, workspaceHost } from '#toolchain';
import { complain, readArguments } from '../arguments.ts';
import { readEvents } from '../events-beside.ts';

/** Events happen at this pace while somebody reads trace_pipe, in milliseconds. */
const EVENT_PACE = 300;

export async function shell(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, {
    command: { type: 'string', short: 'c' },
    events: { type: 'string' },
    kernel: { type: 'string' },
    btf: { type: 'string' },
    'no-verify': { type: 'boolean', default: false },
    // For the editor's terminal: keys come in and control sequences go out, though neither is a terminal of this machine.
    terminal: { type: 'boolean', default: false },
  });
  if ('complaint' in parsed) return complain('shell', parsed.complaint);
  const { files, values } = parsed;
  const version = TARGET_KERNELS.find((known) => known === values.kernel);
  if (values.kernel !== undefined && !version)
    return complain('shell', `kernel ${values.kernel} is not one of ${TARGET_KERNELS.join(', ')}`);

  const report = (list: readonly Problem[]): void => list.forEach((problem) => process.stderr.write(`${formatProblem(problem)}\n`));
  const found = files[0] === undefined && values.events === undefined ? {} : await readEvents(files[0] ?? '', values.events);
  if ('failed' in found) {
    report(found.failed);
    return 2;
  }
  const { scenario } = found;
  const target = version ?? scenario?.kernel.version;
  const settings: ToolchainSettings = {
    ...(process.env['EBPF_TOOLCHAIN'] === undefined ? {} : (JSON.parse(process.env['EBPF_TOOLCHAIN']) as ToolchainSettings)),
    ...(target === undefined ? {} : { target }),
    ...(values.btf === undefined ? {} : { kernelBtf: values.btf }),
  };
  const { kernelBtf } = verifierFacts(readTargetKernel(settings));
  const kernel = createKernel({
    engine: interpreter,
    ...scenario?.kernel,
    ...(version === undefined ? {} : { version }),
    ...(kernelBtf ? { kernelBtf } : {}),
  });
  const { verify, ...readers } = workspaceHost(process.cwd(), {
    settings,
    kernel: loadedInto(scenario),
    ...(files[0] === undefined ? {} : { beside: path.dirname(path.resolve(files[0])) }),
  });
  const host = verify && !values['no-verify'] ? { ...readers, verify } : readers;
  for (const file of files) {
    const { object, problems } = await openProgram(file, { settings, kernel: loadedInto(scenario) });
    report(problems);
    if (!object) return 2;
    const { programs, problems: loadProblems } = kernel.load(object);
    report(loadProblems);
    for (const program of programs) report(kernel.attach(program));
  }
  if (scenario) report(kernel.prepare(scenario));

  const made = new Shell(kernel, { host, events: { given: scenario?.events ?? [] } });
  if (values.command !== undefined) return runLines(made, values.command.split('\n'));
  if (values.terminal || process.stdin.isTTY) return interactive(made, kernel, scenario);
  const lines: string[] = [];
  let status = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    lines.push(line);
    status = await runLines(made, [line], status);
  }
  return status;
}

async function runLines(made: Shell, lines: readonly string[], before = 0): Promise<number> {
  let status = before;
  for (const line of lines) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const result = await made.run(line);
    if (result.errors) process.stderr.write(result.errors);
    process.stdout.write(result.output);
    status = result.status;
  }
  return status;
}

function interactive(made: Shell, kernel: Kernel, scenario: Scenario | undefined): Promise<number> {
  return new Promise((resolve) => {
    const { stdin, stdout } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.setEncoding('utf8');
    let timer: NodeJS.Timeout | undefined;
    let next = 0;
    const happen = (): void => {
      const events: readonly ScenarioEvent[] =
        scenario && scenario.events.length > 0 ? scenario.events : kernel.attached.flatMap((program) => kernel.defaultEvents(program));
      const event = events[next++];
      if (!event) return;
      for (const { output } of runScenario(kernel, { events: [event] })) made.feed(output);
      terminal.traced();
    };
    const end = (status: number): void => {
      clearInterval(timer);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      resolve(status);
    };
    const terminal = new ShellTerminal(made, {
      write: (text) => void stdout.write(text),
      end,
      follow: (following) => {
        clearInterval(timer);
        if (following) timer = setInterval(happen, EVENT_PACE);
      },
      pause: () => nextTick(),
      banner: [
        `The simulated kernel ${kernel.options.version}: 'help' says what there is, Ctrl+C ends trace_pipe, 'exit' ends the terminal.`,
      ],
    });
    stdin.on('data', (text: string) => terminal.input(text));
    stdin.on('end', () => end(0));
    terminal.start();
  });
}
