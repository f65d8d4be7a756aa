// What the language server asks of the place it runs in. Under Node the toolchain answers; a browser gives what it can.
// Everything that crosses this line is plain values.

import type { Btf } from '#core/btf';
import type { LoadedObject } from '#core/program';
import type { Problem } from '#core/problem';
import type { ServerSettings } from './settings.ts';

export interface OpenRequest {
  /** Path of the document; of an untitled one a made-up name. */
  file: string;
  text: string;
  language: 'c' | 'asm';
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

export interface Host {
  open(request: OpenRequest): Promise<OpenAnswer>;
  /** The target kernel's types, for kfuncs and BTF pointers; undefined where there are none. */
  kernelBtf(settings: ServerSettings): Btf | undefined;
  /** Does ahead of time what the first compile would wait for. Says what is missing for C, if anything. */
  prepare(settings: ServerSettings): Promise<readonly Problem[]>;
  /** `web-tree-sitter.wasm` or `tree-sitter-c.wasm`. */
  readWasm(name: string): Promise<Uint8Array>;
  /** Path of a document's URI, and the other way. */
  pathOf(uri: string): string;
  uriOf(file: string): string;
  /** Lets the event loop take the next message before work goes on. */
  pause(): Promise<void>;
}
