// The custom requests between this client, the language server and the debug adapter, as they travel.
// LSP and DAP have nothing for these; both sides keep to these shapes.

export interface ProgramLens {
  name: string;
  /** LSP range of the program's function, lines and characters from 0. */
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
  /** `pending`: this version of the document is not checked yet. */
  verdict: 'accepted' | 'rejected' | 'error' | 'pending' | 'cancelled';
  /** For the lens: `accepted by Linux 6.18 · 35 of 1,000,000 instructions (<0.01 %) · 3 states · stack 16 bytes · 0.8 ms`. */
  summary: string;
  /** The kernel's line, where rejected. */
  message?: string;
  /** Milliseconds of verifying. */
  ms?: number;
  /** The line (from 0) that costs a large program most. */
  hottest?: { line: number; title: string };
}

/** Server: programs of a document, with what is known of them. */
export const PROGRAMS = 'ebpf/programs';
/** Server to client: the answer to PROGRAMS has changed. */
export const PROGRAMS_CHANGED = 'ebpf/programsChanged';
/** Server: verdict and log of every program of a document, as text. */
export const VERIFY = 'ebpf/verify';
/** Server to client: C cannot be compiled on this machine. */
export const NO_COMPILER = 'ebpf/noCompiler';

/** Server: reads a text with verifier logs and puts what they say on the source, as diagnostics. */
export const READ_LOG = 'ebpf/readVerifierLog';
/** Server: what logs said is taken back. */
export const CLEAR_LOG = 'ebpf/clearVerifierLog';

export interface ReadLogAnswer {
  message: string;
  warning: boolean;
  programs: readonly {
    name?: string;
    verdict: 'accepted' | 'rejected' | 'unknown';
    summary: string;
    location?: { uri: string; range: ProgramLens['range'] };
  }[];
}

export interface ShownRegister {
  name: string;
  value: string;
  meaning: string;
  changed: boolean;
}

export interface ShownEntry {
  key: string;
  value: string;
  changed: boolean;
  added: boolean;
}

export interface ShownMap {
  id: number;
  name: string;
  type: string;
  summary: string;
  entries: readonly ShownEntry[];
  more: number;
  removed: number;
  changed: boolean;
}

/** Debug adapter. */
export const REGISTERS = 'ebpf/registers';
export const MAPS = 'ebpf/maps';
export const NEXT_EVENT = 'ebpf/nextEvent';
export const RUN_ANYWAY = 'ebpf/runAnyway';
/** Debug adapter to client: a program stands before its first instruction because the verifier rejects it. */
export const REJECTED = 'ebpf/rejected';

export interface RejectedProgram {
  program: string;
  message: string;
  explanation: string;
  advice: string;
  file?: string;
  line?: number;
}

/** Debug adapter: what is in the simulated kernel, for the view "eBPF Kernel". */
export const KERNEL = 'ebpf/kernel';
/** Debug adapter: runs a line of the kernel's terminal; its output goes to the Debug Console. */
export const KERNEL_COMMAND = 'ebpf/kernelCommand';
/** Debug adapter: a terminal of the session's kernel (`{ id }`), its keys (`{ id, text }`), and as an event what it writes (`{ id, text }`). */
export const OPEN_TERMINAL = 'ebpf/openTerminal';
export const TERMINAL_INPUT = 'ebpf/terminalInput';
export const TERMINAL_OUTPUT = 'ebpf/terminalOutput';

export interface ShownKernelObject {
  kind: 'prog' | 'map' | 'link' | 'btf';
  id: number;
  name: string;
  summary: string;
  holders: readonly { text: string; wouldGo: readonly string[] }[];
}

export interface ShownKernel {
  programs: readonly ShownKernelObject[];
  maps: readonly ShownKernelObject[];
  links: readonly ShownKernelObject[];
  pins: readonly { path: string; object: string }[];
  devices: readonly { name: string; summary: string }[];
  processes: readonly { pid: number; name: string; fds: readonly string[] }[];
  log: readonly { who: string; text: string }[];
}
