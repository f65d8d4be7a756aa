// The settings the client pushes, made sound: whatever arrives, these have the types they say.

import { type KernelVersion, TARGET_KERNELS } from '#core/catalog';

/** Shape of the section `ebpf` of the client's configuration; every part may be missing. */
export interface ServerSettings {
  targetKernel: KernelVersion;
  compiler: { path: string; flags: readonly string[]; cpu: 'v1' | 'v2' | 'v3' | 'v4'; bpfHeaders: 'own' | 'system' };
  kernel: { vmlinux: string; btf: string };
  diagnostics: { enabled: boolean; /** Milliseconds without a keystroke. */ delay: number };
  verifier: { /** Say what the kernel accepts without a word and is a mistake all the same. */ warnings: boolean };
  inlayHints: {
    /** C: what comparisons and computations prove. */ values: boolean;
    /** Assembly: what each instruction changes. */ registers: boolean;
    /** Instructions that the verifier processed, by line. */ instructionCounts: boolean;
  };
  /** Folders that the client gives at the start, not settings: where a compiler may have been installed on request. */
  zigFolders: readonly string[];
}

export const DEFAULT_SETTINGS: ServerSettings = {
  targetKernel: TARGET_KERNELS[0],
  compiler: { path: '', flags: [], cpu: 'v3', bpfHeaders: 'own' },
  kernel: { vmlinux: '', btf: '' },
  diagnostics: { enabled: true, delay: 100 },
  verifier: { warnings: true },
  inlayHints: { values: true, registers: false, instructionCounts: false },
  zigFolders: [],
};

type Given = Readonly<Record<string, unknown>>;

/** `given` is the section `ebpf` as the client has it. Values of a wrong type count as missing. */
export function readSettings(given: unknown, zigFolders: readonly string[] = []): ServerSettings {
  const all = object(given);
  const compiler = object(all['compiler']);
  const kernel = object(all['kernel']);
  const diagnostics = object(all['diagnostics']);
  const verifier = object(all['verifier']);
  const hints = object(all['inlayHints']);
  const defaults = DEFAULT_SETTINGS;
  return {
    targetKernel: oneOf(all['targetKernel'], TARGET_KERNELS, defaults.targetKernel),
    compiler: {
      path: text(compiler['path']),
      flags: Array.isArray(compiler['flags']) ? compiler['flags'].filter((flag): flag is string => typeof flag === 'string') : [],
      cpu: oneOf(compiler['cpu'], ['v1', 'v2', 'v3', 'v4'], defaults.compiler.cpu),
      bpfHeaders: oneOf(compiler['bpfHeaders'], ['own', 'system'], defaults.compiler.bpfHeaders),
    },
    kernel: { vmlinux: text(kernel['vmlinux']), btf: text(kernel['btf']) },
    diagnostics: {
      enabled: flag(diagnostics['enabled'], defaults.diagnostics.enabled),
      delay:
        typeof diagnostics['delay'] === 'number' && diagnostics['delay'] >= 0
          ? Math.min(diagnostics['delay'], 10_000)
          : defaults.diagnostics.delay,
    },
    verifier: { warnings: flag(verifier['warnings'], defaults.verifier.warnings) },
    inlayHints: {
      values: flag(hints['values'], defaults.inlayHints.values),
      registers: flag(hints['registers'], defaults.inlayHints.registers),
      instructionCounts: flag(hints['instructionCounts'], defaults.inlayHints.instructionCounts),
    },
    zigFolders,
  };
}

const object = (value: unknown): Given => (typeof value === 'object' && value !== null ? (value as Given) : {});
const flag = (value: unknown, otherwise: boolean): boolean => (typeof value === 'boolean' ? value : otherwise);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const oneOf = <const T extends string>(value: unknown, values: readonly T[], otherwise: T): T =>
  values.find((one) => one === value) ?? otherwise;
