// The target kernel: its release, its types and its symbols. The types are those that we bring, the same on every machine, unless the
// user names a BTF file; this machine's kernel is asked only where that file is the running kernel's.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import { brotliDecompressSync } from 'node:zlib';
import { type Btf, readBtf } from '#core/btf';
import { atLeast, type KernelVersion, TARGET_KERNELS } from '#core/catalog';
import { isElf, readElf } from '#core/elf';
import { type Problem, error } from '#core/problem';
import type { VerifyOptions } from '#core/verifier';
import { ownFolder } from './own-folder.ts';
import type { ToolchainSettings } from './settings.ts';

export const RUNNING_KERNEL_BTF = '/sys/kernel/btf/vmlinux';

/** The kernel that programs are loaded into and verified for. */
export interface TargetKernel {
  version: KernelVersion;
  btf?: Btf;
  /** Names with an address (/proc/kallsyms), read when first asked for; absent where only the types are known. */
  symbols?: { has(name: string): boolean };
  /** Names the content of the BTF: of the same bytes the same text. */
  digest: string;
  /** Whose types they are, for people: `Linux 6.18`. */
  origin: string;
  problems: readonly Problem[];
}

/** What the verifier is told of the kernel: spread it into its options. */
export const verifierFacts = ({ version, btf, symbols }: TargetKernel): Pick<VerifyOptions, 'kernel' | 'kernelBtf' | 'kernelSymbols'> => ({
  kernel: version,
  ...(btf ? { kernelBtf: btf } : {}),
  ...(symbols ? { kernelSymbols: symbols } : {}),
});

/** The kernels whose types come with us, and where they lie: the BTF of 6.1 follows that of 6.12. Newest first. */
const BUNDLED = [
  { version: '6.18', file: 'toolchain/kernel/linux-6.18.btf.br', place: 0 },
  { version: '6.12', file: 'toolchain/kernel/linux-6.12-6.1.btf.br', place: 0 },
  { version: '6.1', file: 'toolchain/kernel/linux-6.12-6.1.btf.br', place: 1 },
] as const satisfies readonly { version: KernelVersion; file: string; place: number }[];

/** A vmlinux with debug information has several hundred megabytes. */
const LARGEST_IMAGE = 2 ** 30;

const known = new Map<string, TargetKernel>();

/** Reads a kernel's types once in a process. About 5 MB, 50 to 150 ms the first time. */
export function readTargetKernel(settings: Pick<ToolchainSettings, 'kernelBtf' | 'target'> = {}): TargetKernel {
  const version = settings.target ?? TARGET_KERNELS[0];
  const key = `${version} ${settings.kernelBtf ?? ''}`;
  let kernel = known.get(key);
  if (!kernel) {
    kernel = { ...(settings.kernelBtf ? readNamed(settings.kernelBtf) : readBundled(version)), version };
    if (kernel.btf) known.set(key, kernel);
  }
  return kernel;
}

type Types = Omit<TargetKernel, 'version'>;
const nothing = (problem: string): Types => ({ digest: '', origin: '', problems: [error(problem, { code: 'kernel-btf' })] });

function readNamed(file: string): Types {
  try {
    const facts = statSync(file);
    if (!facts.isFile() || facts.size > LARGEST_IMAGE)
      throw new Error(facts.isFile() ? 'it is too large for a kernel image' : 'it is no regular file');
    const types = parse(readFileSync(file), file);
    if (file !== RUNNING_KERNEL_BTF || !types.btf) return types;
    return { ...types, origin: `Linux ${os.release()} of this machine`, symbols: runningKernelSymbols() };
  } catch (reason) {
    return nothing(`The setting ebpf.kernel.btf names ${file}, which cannot be read: ${(reason as Error).message}`);
  }
}

/** The types of the oldest kernel we bring that is not older: what such a kernel lacks, the catalogue's releases say. */
function readBundled(version: KernelVersion): Types {
  const row = BUNDLED.findLast((one) => atLeast(one.version, version)) ?? BUNDLED[0];
  const shared = known.get(`${row.version} `);
  if (shared && row.version !== version) return shared;
  let bytes: Uint8Array;
  try {
    bytes = bundledKernelTypes(row.version)!;
  } catch {
    return nothing(
      'This installation has lost its kernel types. Name a BTF file or a kernel image in the setting ebpf.kernel.btf, or put a vmlinux.h beside the program',
    );
  }
  const types = { ...parse(bytes, row.file), origin: `Linux ${row.version}` };
  known.set(`${row.version} `, { version: row.version, ...types });
  return types;
}

/** The BTF of one of the kernels we bring, as the kernel has it in /sys/kernel/btf/vmlinux; undefined for another release. */
export function bundledKernelTypes(version: KernelVersion): Uint8Array | undefined {
  const row = BUNDLED.find((one) => one.version === version);
  if (!row) return undefined;
  const bytes = brotliDecompressSync(readFileSync(ownFolder(row.file)));
  let start = 0;
  for (let place = 0; place < row.place; place++) start += blobLength(bytes.subarray(start));
  return bytes.subarray(start, start + blobLength(bytes.subarray(start)));
}

/** Bytes of the BTF at the start: header, types, and strings behind them (struct btf_header). */
function blobLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getUint32(4, true) + view.getUint32(16, true) + view.getUint32(20, true);
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

function parse(bytes: Uint8Array, file: string): Types {
  const section = isElf(bytes) ? readElf(bytes).elf?.section('.BTF') : undefined;
  const { btf, problems } = readBtf(section?.bytes ?? bytes);
  if (!btf) return nothing(`${file} holds no kernel types that could be read${problems[0] ? `: ${problems[0].message}` : ''}`);
  return { btf, digest: createHash('sha256').update(bytes).digest('hex').slice(0, 16), origin: file, problems: [] };
}
