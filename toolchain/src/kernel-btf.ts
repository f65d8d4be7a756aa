// The kernel's own types: of a file that the settings name, else of the running kernel, else the reduced ones we bring.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { type Btf, readBtf } from '#core/btf';
import { isElf, readElf } from '#core/elf';
import { type Problem, error } from '#core/problem';
import type { VerifyOptions } from '#core/verifier';
import { ownFolder } from './own-folder.ts';
import type { ToolchainSettings } from './settings.ts';

export const RUNNING_KERNEL_BTF = '/sys/kernel/btf/vmlinux';

export interface KernelBtf {
  btf?: Btf;
  /** Of the running kernel: its symbols with an address, read when first asked for. */
  symbols?: { has(name: string): boolean };
  /** Names the content: of the same bytes the same text. */
  digest: string;
  /** For people: `Linux 6.18.44 of this machine`. */
  origin: string;
  problems: readonly Problem[];
}

/** What the verifier is told of the kernel: spread it into its options. */
export const verifierFacts = ({ btf, symbols }: KernelBtf): Pick<VerifyOptions, 'kernelBtf' | 'kernelSymbols'> => ({
  ...(btf ? { kernelBtf: btf } : {}),
  ...(symbols ? { kernelSymbols: symbols } : {}),
});

const known = new Map<string, KernelBtf>();

/** Reads it once in a process: a kernel does not change while it runs. About 5 MB, a few tens of milliseconds. */
export function readKernelBtf(settings: Pick<ToolchainSettings, 'kernelBtf'> = {}): KernelBtf {
  const file = settings.kernelBtf ?? '';
  let kernel = known.get(file);
  if (!kernel) {
    kernel = read(file);
    if (kernel.btf) known.set(file, kernel);
  }
  return kernel;
}

function read(given: string): KernelBtf {
  if (given) {
    try {
      return parse(readFileSync(given), given, given);
    } catch (reason) {
      return {
        digest: '',
        origin: '',
        problems: [
          error(`The setting ebpf.kernel.btf names ${given}, which cannot be read: ${(reason as Error).message}`, { code: 'kernel-btf' }),
        ],
      };
    }
  }
  // The simulated kernel is an x86-64 one: types of another machine would not fit its contexts.
  if (process.platform === 'linux' && process.arch === 'x64') {
    try {
      return {
        ...parse(readFileSync(RUNNING_KERNEL_BTF), RUNNING_KERNEL_BTF, `Linux ${os.release()} of this machine`),
        symbols: runningKernelSymbols(),
      };
    } catch {
      // A kernel without CONFIG_DEBUG_INFO_BTF, or a sandbox without /sys.
    }
  }
  try {
    const file = ownFolder('toolchain/kernel/linux-6.18.btf');
    return parse(readFileSync(file), file, 'the Linux 6.18 that comes with eBPF Workbench');
  } catch {
    // Left out of this installation: said below.
  }
  return {
    digest: '',
    origin: '',
    problems: [
      error(
        'This system has no kernel types to make vmlinux.h from. Name a BTF file or a kernel image in the setting ebpf.kernel.btf, or put a vmlinux.h beside the program',
        { code: 'kernel-btf' },
      ),
    ],
  };
}

/** Names in /proc/kallsyms. A machine that hides the file says nothing: then every symbol counts as known. */
export function runningKernelSymbols(): { has(name: string): boolean } {
  let names: ReadonlySet<string> | undefined;
  const read = (): ReadonlySet<string> => {
    try {
      return new Set(
        readFileSync('/proc/kallsyms', 'latin1')
          .split('\n')
          .map((line) => line.split(' ')[2]?.split('\t')[0] ?? ''),
      );
    } catch {
      return new Set();
    }
  };
  return {
    has: (name) => {
      names ??= read();
      return names.size < 2 || names.has(name);
    },
  };
}

function parse(bytes: Uint8Array, file: string, origin: string): KernelBtf {
  const section = isElf(bytes) ? readElf(bytes).elf?.section('.BTF') : undefined;
  const { btf, problems } = readBtf(section?.bytes ?? bytes);
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  if (!btf)
    return {
      digest: '',
      origin: '',
      problems: [
        error(`${file} holds no kernel types that could be read${problems[0] ? `: ${problems[0].message}` : ''}`, { code: 'kernel-btf' }),
      ],
    };
  return { btf, digest, origin, problems: [] };
}
