// The simulated kernel's terminal inside a debug session: its commands show and change the very kernel that the debugger stands in.
// What a command changes becomes part of the timeline: stepping back takes it back, going forward again makes it again.

import path from 'node:path';
import { type KernelLink, holderText, type Kernel, kernelName, type ObjectRef, type Output, recordCalls, wouldGo } from '#core/sim';
import { Shell, ShellTerminal, type CommandResult } from '#core/shell';
import { workspaceHost, type ToolchainSettings } from '#toolchain';
import type { Timeline } from './timeline.ts';

export class KernelTerminal {
  private readonly shell: Shell;
  private readonly terminals = new Set<ShellTerminal>();

  constructor(
    private readonly kernel: Kernel,
    private readonly timeline: Timeline,
    program: string,
    settings: ToolchainSettings,
  ) {
    this.shell = new Shell(kernel, {
      host: workspaceHost(path.dirname(path.resolve(program)), { settings }),
      events: { given: [], refusal: 'the debugger lets events happen: Continue, or "Next Event"' },
      around: (run) => this.recorded(run),
    });
  }

  /** One line's output; the kernel may have changed. */
  run(line: string): Promise<CommandResult> {
    return this.shell.run(line);
  }

  open(write: (text: string) => void, ran: () => void): ShellTerminal {
    const terminal = new ShellTerminal(this.shell, {
      write,
      end: () => this.terminals.delete(terminal),
      ran,
      pause: () => new Promise((resolve) => setImmediate(resolve)),
      banner: [
        `The kernel of this debug session, ${this.kernel.options.version}: what is changed here, the program sees; stepping back takes it back.`,
      ],
    });
    this.terminals.add(terminal);
    terminal.start();
    return terminal;
  }

  feed(output: Output): void {
    this.shell.feed([output]);
    for (const terminal of this.terminals) terminal.traced();
  }

  private async recorded(run: (kernel: Kernel) => CommandResult | Promise<CommandResult>): Promise<CommandResult> {
    const recording = recordCalls(this.kernel);
    const at = this.timeline.position;
    const result = await run(recording.kernel);
    if (recording.lasting) this.timeline.happened(at, () => recording.replay());
    return result;
  }
}

// ---- the "eBPF Kernel" view ----

export interface ShownHolder {
  text: string;
  /** What would go with this reference. */
  wouldGo: readonly string[];
}

export interface ShownObject {
  kind: ObjectRef['kind'];
  id: number;
  name: string;
  summary: string;
  holders: readonly ShownHolder[];
}

export interface ShownKernel {
  programs: readonly ShownObject[];
  maps: readonly ShownObject[];
  links: readonly ShownObject[];
  pins: readonly { path: string; object: string }[];
  devices: readonly { name: string; summary: string }[];
  processes: readonly { pid: number; name: string; fds: readonly string[] }[];
  log: readonly { who: string; text: string }[];
}

/** Newest calls shown. */
const LOG_SHOWN = 500;

export function shownKernel(kernel: Kernel): ShownKernel {
  const { bpf } = kernel;
  const { holdings } = bpf;
  const nameOf = ({ kind, id }: ObjectRef): string => {
    if (kind === 'prog') return kernelName(kernel.programs.find((one) => one.id === id)?.program.name ?? '');
    if (kind === 'map') return kernelName(kernel.maps.find((one) => one.id === id)?.definition.name ?? '');
    return kind;
  };
  const describe = (text: string): string => {
    const [kind = '', id = ''] = text.split(' ');
    const name = nameOf({ kind: kind as ObjectRef['kind'], id: Number(id) });
    return name === kind ? text : `${text} ${name}`.trim();
  };
  const object = (kind: ObjectRef['kind'], id: number, summary: string): ShownObject => ({
    kind,
    id,
    name: nameOf({ kind, id }),
    summary,
    holders: holdings
      .filter((one) => one.object.kind === kind && one.object.id === id)
      .map((one) => ({
        text: one.by.kind === 'object' ? describe(holderText(one)) : holderText(one),
        wouldGo: wouldGo(holdings, one).map(describe),
      })),
  });
  const deviceSummary = (name: string, ifindex: number): string => {
    const programs = [
      ...bpf.devicePrograms.filter(({ device }) => device === name).map(({ program, mode }) => `xdp (${mode}): prog ${program}`),
      ...bpf.links
        .filter(({ type, device }) => ['xdp', 'tcx'].includes(type) && (device === undefined ? ifindex !== 1 : device === name))
        .map(({ type, program }: KernelLink) => `${type}: prog ${program}`),
    ];
    return [`number ${ifindex}`, ...programs].join(', ');
  };
  return {
    programs: kernel.programs.map(({ id, program }) => object('prog', id, program.type ?? 'unspec')),
    maps: kernel.maps.map(({ id, definition }) => object('map', id, `${definition.type}, at most ${definition.maxEntries}`)),
    links: bpf.links.map(({ id, type, program }) => object('link', id, `${type} of prog ${program}`)),
    pins: [...bpf.pins].map(([where, { kind, id }]) => ({ path: where, object: describe(`${kind} ${id}`) })),
    devices: bpf.devices.map(({ name, ifindex }) => ({ name, summary: deviceSummary(name, ifindex) })),
    processes: [
      ...bpf.processes.map(({ pid, comm, fds }) => ({
        pid,
        name: comm,
        fds: [...fds].map(([fd, { kind, id }]) => `fd ${fd}: ${describe(`${kind} ${id}`)}`),
      })),
      ...bpf.tasks.filter(({ pid }) => pid > 0).map(({ pid, comm }) => ({ pid, name: comm, fds: [] })),
    ],
    log: bpf.log.slice(-LOG_SHOWN).map(({ pid, comm, text }) => ({ who: `${comm} (${pid})`, text })),
  };
}
