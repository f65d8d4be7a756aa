// A terminal of the simulated kernel: a few commands, run one line at a time. Knows no file system: what can be read is listed here.

import type { Kernel, Output } from '#core/sim';
import { bpftool, type CommandResult } from './bpftool.ts';
import { splitWords } from './command-line.ts';

const TRACE_PIPES = ['/sys/kernel/tracing/trace_pipe', '/sys/kernel/debug/tracing/trace_pipe', 'trace_pipe'];

export class Shell {
  private trace: string[] = [];

  constructor(private readonly kernel: Kernel) {}

  /** Outputs that the kernel's driver took: their trace lines wait here until trace_pipe is read. */
  feed(outputs: readonly Output[]): void {
    for (const output of outputs) if (output.kind === 'trace') this.trace.push(output.line);
  }

  /** Runs one line. Nothing it says can throw or wait: trace_pipe ends with what is there. */
  run(line: string): CommandResult {
    const [command, ...args] = splitWords(line);
    switch (command) {
      case undefined:
        return { output: '', status: 0 };
      case 'bpftool':
        if (args[0] === 'prog' && args[1] === 'tracelog') return this.readTrace();
        return bpftool(this.kernel, args);
      case 'cat':
        return args.length === 1 && TRACE_PIPES.includes(args[0]!)
          ? this.readTrace()
          : { output: args.map((file) => `cat: ${file}: No such file or directory\n`).join(''), status: 1 };
      case 'help':
        return { output: 'bpftool prog|map|net …, cat /sys/kernel/tracing/trace_pipe\n', status: 0 };
      default:
        return { output: `${command}: command not found; there are bpftool, cat and help\n`, status: 127 };
    }
  }

  private readTrace(): CommandResult {
    const lines = this.trace;
    this.trace = [];
    return { output: lines.map((line) => `${line}\n`).join(''), status: 0 };
  }
}
