// Runs one child process and collects what it prints. The only file of the project that starts processes.
// Knows no compiler: callers say what to run, with an absolute path, and what they take from the answer.

import { spawn } from 'node:child_process';

export interface RunOptions {
  cwd?: string;
  /** Bytes or text for standard input; without it the child reads end of file. */
  input?: string | Uint8Array;
  env?: NodeJS.ProcessEnv;
  /** Ends the child; the outcome then says `cancelled`. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the child is ended; the outcome then says `timedOut`. */
  timeout?: number;
}

export interface RunOutcome {
  /** Exit code; undefined when the child was ended by a signal or never started. */
  code: number | undefined;
  stdout: Uint8Array;
  stderr: string;
  cancelled: boolean;
  timedOut: boolean;
  /** Why the child could not be started: `ENOENT`, `EACCES`, …. */
  failure?: string;
}

export type Run = (command: string, args: readonly string[], options?: RunOptions) => Promise<RunOutcome>;

/** Never throws: a child that does not start, fails or is ended is an outcome. No shell is involved. */
export const run: Run = (command, args, options = {}) =>
  new Promise((resolve) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    let failure: string | undefined;
    const outcome = (code: number | undefined): RunOutcome => ({
      code,
      stdout: Buffer.concat(stdout),
      stderr: Buffer.concat(stderr).toString('utf8'),
      cancelled: options.signal?.aborted ?? false,
      timedOut,
      ...(failure === undefined ? {} : { failure }),
    });
    if (options.signal?.aborted) return resolve(outcome(undefined));

    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    // SIGKILL: a compiler has nothing to save, and a stale build must give its core back at once.
    const end = (): void => void child.kill('SIGKILL');
    const timer = options.timeout === undefined ? undefined : setTimeout(() => ((timedOut = true), end()), options.timeout);
    options.signal?.addEventListener('abort', end, { once: true });

    let settled = false;
    const settle = (code: number | undefined): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', end);
      resolve(outcome(code));
    };
    child.on('error', (reason: NodeJS.ErrnoException) => {
      failure = reason.code ?? reason.message;
      settle(undefined);
    });
    child.on('close', (code) => settle(code ?? undefined));
    child.stdout.on('data', (chunk: Buffer) => void stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => void stderr.push(chunk));
    // A child that ends before it has read its input is no error of ours.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
