// What the shell needs of whoever runs it: files of the workspace, an object made ready, the verifier. The shell itself does no I/O.

import type { LoadedObject } from '#core/program';
import type { Problem } from '#core/problem';
import type { VerifyProgram } from '#core/sim';

export interface ShellHost {
  /** A file of the workspace as text, up to a bound; or why not, in the words that stand behind `cat: name: `. */
  readText(path: string): Promise<{ text: string } | { problem: string }>;
  /** The same as bytes. */
  readBytes(path: string): Promise<{ bytes: Uint8Array } | { problem: string }>;
  /** What stands in a folder of the workspace; undefined where it is none. Folders end with a slash. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** An object, or the C or assembly that it is made of: `hello.bpf.o` is compiled from `hello.bpf.c` where only that is there. */
  openObject(path: string, programType?: string): Promise<{ object?: LoadedObject; problems: readonly Problem[] }>;
  /** The verdict of the target kernel. Without it every program loads. */
  readonly verify?: VerifyProgram;
}

/** A shell without a workspace. */
export const NO_FILES: ShellHost = {
  readText: () => Promise.resolve({ problem: 'No such file or directory' }),
  readBytes: () => Promise.resolve({ problem: 'No such file or directory' }),
  list: () => Promise.resolve(undefined),
  openObject: () => Promise.resolve({ problems: [] }),
};
