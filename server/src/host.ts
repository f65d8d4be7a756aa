// What the language server asks of the place it runs in. Under Node the toolchain answers; a browser gives what it can.
// Everything that crosses this line is plain values.

import type { Btf } from '#core/btf';
import type { LoadedObject } from '#core/program';
import type { Problem } from '#core/problem';
import type { ProgramVerdict } from './check.ts';
import type { Lines } from './positions.ts';
import type { ServerSettings } from './settings.ts';

export interface OpenRequest {
  /** Path of the document; of an untitled one a made-up name. */
  file: string;
  text: string;
  language: 'c' | 'asm' | 'bcc';
  /** Texts of other unsaved documents by path. */
  unsaved: ReadonlyMap<string, string>;
  settings: ServerSettings;
  signal: AbortSignal;
}

export interface OpenAnswer {
  object?: LoadedObject;
  problems: readonly Problem[];
  cancelled: boolean;
  timings: { compile: number; load: number };
}

export interface VerifyAllRequest {
  object: LoadedObject;
  file: string;
  text: string;
  language: 'c' | 'asm' | 'bcc';
  settings: ServerSettings;
  logLevel: number;
  /** Keep what was known at each instruction, for hovers. */
  keepStates: boolean;
  /** Instructions that each program may take to verify; as many as the kernel allows where absent. */
  steps?: number | undefined;
  /** Only the program of this name. */
  only?: string | undefined;
  signal: AbortSignal;
  /** Told the first verdicts where the rest takes a while. */
  soFar?: (verdicts: readonly ProgramVerdict[]) => void;
}

export interface KernelHeader {
  file: string;
  text: string;
  lines: Lines;
}

export interface Host {
  open(request: OpenRequest): Promise<OpenAnswer>;
  /** Undefined where the signal ended it. */
  verify(request: VerifyAllRequest): Promise<readonly ProgramVerdict[] | undefined>;
  /** Does ahead of time what the first compile would wait for. Says what is missing for C, if anything. */
  prepare(settings: ServerSettings): Promise<readonly Problem[]>;
  /** `web-tree-sitter.wasm` or `tree-sitter-c.wasm`. */
  readWasm(name: string): Promise<Uint8Array>;
  /** Files below a folder that may hold source; folders of tools and links are left out, and so is what is beyond a limit. */
  listSources(folder: string): Promise<readonly string[]>;
  /** Text of a file that `listSources` named; undefined where it is gone or too large for a source. */
  readSource(file: string): Promise<string | undefined>;
  /** The target kernel's types; undefined where they cannot be read. The first call takes 50 to 150 ms. */
  kernelTypes(settings: ServerSettings): Btf | undefined;
  /** The vmlinux.h that programs without their own are compiled with. */
  kernelHeader(settings: ServerSettings): Promise<KernelHeader | undefined>;
  /** Path of one of our own headers by its name in an include: `bpf/bpf_helpers.h`. */
  ownHeader(name: string): string | undefined;
  /** Path of a document's URI, and the other way. */
  pathOf(uri: string): string;
  uriOf(file: string): string;
}
