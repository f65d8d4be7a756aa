// The bpf() calls that a command makes on a kernel, kept so that they can be made again: a debugger that goes back and forward again replays them.
// Objects are kept by their ids: the same calls on the same kernel give the same ids.

import type { BpfSyscalls, UserProcess } from '../syscall.ts';
import type { Kernel } from '../types.ts';

type Kept = { kind: 'plain'; value: unknown } | { kind: 'map' | 'prog' | 'process'; id: number };
interface Call {
  method: string;
  args: readonly Kept[];
}

/** What may leave something behind when the command's process has ended. */
const LASTING = new Set<string | symbol>([
  'loadObject',
  'createMap',
  'updateElement',
  'deleteElement',
  'pushElement',
  'popElement',
  'freeze',
  'pin',
  'unlink',
  'makeDirectory',
  'removeDirectory',
  'attachBySection',
  'attachXdp',
  'detachXdp',
  'detachLinkById',
]);
/** What these commands need around: a process, and file descriptors that close with it. */
const PASSING = new Set<string | symbol>(['start', 'exit', 'close', 'byId', 'get']);

/** A view of the kernel whose calls are kept, and the way to make them again on the kernel itself. */
export interface Recording {
  readonly kernel: Kernel;
  /** Whether anything was done that lasts. */
  readonly lasting: boolean;
  replay(): void;
}

export function recordCalls(kernel: Kernel): Recording {
  const calls: Call[] = [];
  const keep = (value: unknown): Kept => {
    const map = kernel.maps.find((one) => one === value);
    if (map) return { kind: 'map', id: map.id };
    if (isProcess(value)) return { kind: 'process', id: value.pid };
    const program = kernel.programs.find((one) => one === value);
    return program ? { kind: 'prog', id: program.id } : { kind: 'plain', value };
  };
  const bpf = forwarding(kernel.bpf, (method, original) =>
    LASTING.has(method) || PASSING.has(method)
      ? (...args: unknown[]) => {
          calls.push({ method: String(method), args: args.map(keep) });
          return original(...args);
        }
      : original,
  );
  return {
    kernel: new Proxy(kernel, {
      get(target, property) {
        if (property === 'bpf') return bpf;
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    }),
    get lasting() {
      return calls.some(({ method }) => LASTING.has(method));
    },
    replay() {
      const bpfNow = kernel.bpf as unknown as Record<string, Method>;
      // The process has another number now: commands that only looked are not made again.
      let process: UserProcess | undefined;
      const given = (kept: Kept): unknown => {
        switch (kept.kind) {
          case 'plain':
            return kept.value;
          case 'process':
            return process;
          default:
            return (kept.kind === 'map' ? kernel.maps : kernel.programs).find(({ id }) => id === kept.id);
        }
      };
      for (const { method, args } of calls) {
        const values = args.map(given);
        if (process && (method === 'exit' || method === 'close')) values[0] = process.pid;
        const result = bpfNow[method]!(...values);
        if (method === 'start') process = result as UserProcess;
      }
    },
  };
}

type Method = (...args: unknown[]) => unknown;

const isProcess = (value: unknown): value is UserProcess => typeof value === 'object' && value !== null && 'pid' in value && 'fds' in value;

function forwarding(target: BpfSyscalls, wrap: (method: string | symbol, original: Method) => Method): BpfSyscalls {
  return new Proxy(target, {
    get(object, property) {
      const value: unknown = Reflect.get(object, property, object);
      return typeof value === 'function' ? wrap(property, (value as Method).bind(object)) : value;
    },
  });
}
