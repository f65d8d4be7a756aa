// A terminal of the simulated kernel: one line at a time, with pipes. Each command is a process of its own in that kernel: what it opens closes
// when it ends. Knows no I/O: files come through its host.

import type { Kernel, Output } from '#core/sim';
import { bpftool } from './bpftool/index.ts';
import { type CommandContext, type CommandResult, done, failed, printable } from './command-result.ts';
import { type Command, parseLine } from './command-line.ts';
import { events, type EventSource, fire } from './events.ts';
import { cat, entriesOf, ls, mkdir, rm, rmdir } from './files.ts';
import { FILTERS } from './filters.ts';
import { objdump } from './objdump.ts';
import { NO_FILES, type ShellHost } from './shell-host.ts';
import { id, ip, mount, ps, uname } from './system.ts';

/** trace_pipe keeps this many lines, as a kernel's ring buffer keeps a bounded number; older ones are lost, and reading says how many. */
const TRACE_LIMIT = 200_000;

type Run = (context: CommandContext, args: readonly string[]) => CommandResult | Promise<CommandResult>;

export interface ShellOptions {
  host?: ShellHost;
  events?: EventSource;
  /** Runs each command: a debugger gives it a kernel that keeps what is changed. */
  around?: (run: (kernel: Kernel) => CommandResult | Promise<CommandResult>) => Promise<CommandResult>;
}

export class Shell {
  private trace: string[] = [];
  private lost = 0;
  private readonly host: ShellHost;
  private readonly source: EventSource;
  private readonly around: NonNullable<ShellOptions['around']>;
  private readonly commands: Readonly<Record<string, Run>>;

  constructor(
    readonly kernel: Kernel,
    options: ShellOptions = {},
  ) {
    this.host = options.host ?? NO_FILES;
    this.source = options.events ?? { given: [] };
    this.around = options.around ?? (async (run) => run(kernel));
    this.commands = {
      bpftool,
      cat,
      ls,
      rm,
      mkdir,
      rmdir,
      ps,
      id,
      uname,
      mount,
      ip,
      'llvm-objdump': objdump,
      echo: (_, args) => done(`${args.join(' ')}\n`),
      true: () => done(),
      false: () => failed('', 1),
      sleep: () => done(),
      events: (context) => events(context, this.source),
      fire: (context, args) => fire(context, this.source, args),
      strace: ({ kernel: { bpf } }) => done(bpf.log.map(({ pid, text }) => `[pid ${pid}] ${printable(text)}\n`).join('')),
      help: () => done(HELP),
    };
  }

  get commandNames(): readonly string[] {
    return [...new Set([...Object.keys(this.commands), ...Object.keys(FILTERS)])].sort();
  }

  get files(): ShellHost {
    return this.host;
  }

  /** Outputs that the kernel's driver took: their trace lines wait here until trace_pipe is read. */
  feed(outputs: readonly Output[]): void {
    for (const output of outputs) if (output.kind === 'trace') this.trace.push(printable(output.line));
    if (this.trace.length <= TRACE_LIMIT) return;
    this.lost += this.trace.length - TRACE_LIMIT;
    this.trace = this.trace.slice(-TRACE_LIMIT);
  }

  /** What has come into trace_pipe since it was last read. */
  readTrace(): string {
    const lines = this.trace;
    const lost = this.lost === 0 ? '' : `CPU:0 [LOST ${this.lost} EVENTS]\n`;
    this.trace = [];
    this.lost = 0;
    return lost + lines.map((line) => `${line}\n`).join('');
  }

  /** Runs one line. Nothing it says can throw or wait: trace_pipe ends with what is there. */
  async run(line: string): Promise<CommandResult> {
    const pipelines = parseLine(line);
    if ('problem' in pipelines) return failed(`sh: ${pipelines.problem}\n`, 2);
    let output = '';
    let errors = '';
    let status = 0;
    let follows = false;
    for (const { commands, after } of pipelines) {
      if ((after === '&&' && status !== 0) || (after === '||' && status === 0)) continue;
      let input: string | undefined;
      for (const command of commands) {
        const result = await this.runOne(command, input);
        errors += result.errors ?? '';
        status = result.status;
        follows = result.follows === true;
        input = result.output;
        if (command.into) {
          if (command.into.path !== '/dev/null') {
            errors += `sh: can't create ${command.into.path}: Read-only file system\n`;
            status = 1;
          }
          input = '';
        }
      }
      output += input ?? '';
    }
    return { output, ...(errors === '' ? {} : { errors }), status, ...(follows ? { follows: true } : {}) };
  }

  private async runOne(command: Command, input: string | undefined): Promise<CommandResult> {
    const words = (
      await Promise.all(command.words.map((word, i) => (command.patterns?.includes(i) ? this.expanded(word) : [word])))
    ).flat();
    // One is root here: sudo has nothing to ask.
    while (words[0] === 'sudo' || words[0] === 'exec' || words[0] === 'time') words.shift();
    const [name, ...args] = words;
    if (name === undefined) return done();
    const files = args.filter((word, i) => !word.startsWith('-') && (name === 'grep' ? i > 0 : true));
    const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
    if (filter && (input !== undefined || (name !== 'cat' && files.length > 0))) return this.filter(name, args, input);
    const run = Object.hasOwn(this.commands, name.replace(/^\/(usr\/)?s?bin\//, ''))
      ? this.commands[name.replace(/^\/(usr\/)?s?bin\//, '')]
      : undefined;
    if (!run) return failed(`${printable(name)}: command not found; 'help' says what there is\n`, 127);
    return this.asProcess(name, (context) => run(context, args));
  }

  /** The paths that a pattern's last part names; the pattern itself where there are none, as shells have it. */
  private async expanded(pattern: string): Promise<readonly string[]> {
    const slash = pattern.lastIndexOf('/') + 1;
    const folder = pattern.slice(0, slash);
    const entries = await entriesOf({ kernel: this.kernel, host: this.host }, folder === '' ? '.' : folder);
    const expression = new RegExp(
      `^${pattern
        .slice(slash)
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replace(/\*+/g, '.*')
        .replace(/\?/g, '.')}/?$`,
    );
    const found = (entries ?? []).filter((entry) => expression.test(entry)).map((entry) => folder + entry.replace(/\/$/, ''));
    return found.length > 0 ? found : [pattern];
  }

  /** In a process of its own: what it opens closes when it ends. */
  private asProcess(name: string, run: (context: CommandContext) => CommandResult | Promise<CommandResult>): Promise<CommandResult> {
    return this.around(async (kernel) => {
      const process = kernel.bpf.start(name);
      try {
        return await run({
          kernel,
          host: this.host,
          process,
          readTrace: () => this.readTrace(),
          feed: (outputs) => this.feed(outputs),
        });
      } finally {
        kernel.bpf.exit(process.pid);
      }
    });
  }

  /** Without a pipe the last words are files. */
  private async filter(name: string, args: readonly string[], input: string | undefined): Promise<CommandResult> {
    const run = FILTERS[name]!;
    if (input !== undefined) return run(args, input);
    const at = args.findIndex(
      (word, i) =>
        /^[^-]/.test(word) &&
        (name === 'grep' ? args.slice(0, i).some((other) => !other.startsWith('-')) : !/^-[nc]$/.test(args[i - 1] ?? '')),
    );
    if (at < 0) return failed(`${name}: a file or a pipe is wanted\n`);
    const read = await this.asProcess(name, (context) => cat(context, args.slice(at)));
    if (read.status !== 0) return { ...read, errors: (read.errors ?? '').replace(/^cat/gm, name) };
    return run(args.slice(0, at), read.output);
  }
}

const HELP = `bpftool prog|map|link|net|btf …   what is loaded, and what is in it ('bpftool help')
cat /sys/kernel/tracing/trace_pipe   what programs print with bpf_printk
events, fire N, fire all             the events of this scenario, and letting them happen
ls, cat, rm, mkdir, rmdir            pins below /sys/fs/bpf, files of the workspace
strace                               the bpf() calls made so far
ps, id, uname, mount, ip link        the simulated machine
llvm-objdump -S FILE                 the instructions of an object, with its source lines
grep, head, tail, wc, sort, uniq     behind a pipe
`;
