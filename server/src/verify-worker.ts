// The verifier in a thread of its own: completion and hover answer while a large program is verified, and a stale verification
// is ended at once. Objects do not cross the border: their bytes do, and the thread loads them again.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { KernelVersion } from '#core/catalog';
import { loadAssembly, loadObject } from '#core/program';
import { readTargetKernel, verifierFacts } from '#toolchain';
import { type ProgramVerdict, verifyHere, type VerifyRequest } from './check.ts';

const ROLE = 'ebpf-verifier';

export interface WorkerRequest {
  id: number;
  file: string;
  /** Bytes of an object, or the text of an assembly program. */
  source: Uint8Array | string;
  /** The setting that names another kernel's types; empty for none. */
  kernelBtf: string;
  kernel: KernelVersion;
  logLevel: number;
  keepStates: boolean;
  warnings: boolean;
  steps: number | undefined;
  only: string | undefined;
  /** One 32-bit word; not zero ends the work. */
  stop: SharedArrayBuffer;
}

interface WorkerAnswer {
  id: number;
  /** More is to come: these are what is known so far. */
  soFar?: readonly ProgramVerdict[];
  verdicts?: readonly ProgramVerdict[];
  failure?: string;
}

/** Loads a program for one kernel after another: what CO-RE finds in an object depends on the kernel. */
export function readyForKernels(source: Uint8Array | string, file: string, kernelBtf: string): VerifyRequest['readyFor'] {
  return (target) => {
    const facts = verifierFacts(readTargetKernel({ target, ...(kernelBtf ? { kernelBtf } : {}) }));
    return { facts, object: typeof source === 'string' ? loadAssembly(source, file, facts) : loadObject(source, file, facts) };
  };
}

/** In the thread: answers requests until the process ends. False in any other thread. */
export function serveVerifier(): boolean {
  if (isMainThread || (workerData as { role?: string } | null)?.role !== ROLE || !parentPort) return false;
  const port = parentPort;
  port.on('message', (request: WorkerRequest) => {
    try {
      const readyFor = readyForKernels(request.source, request.file, request.kernelBtf);
      const { object, facts } = readyFor(request.kernel);
      const stop = new Int32Array(request.stop);
      const verdicts = verifyHere(object, {
        facts,
        readyFor,
        logLevel: request.logLevel,
        keepStates: request.keepStates,
        warnings: request.warnings,
        steps: request.steps,
        only: request.only,
        stale: () => Atomics.load(stop, 0) !== 0,
        soFar: (known) => port.postMessage({ id: request.id, soFar: known } satisfies WorkerAnswer),
      });
      port.postMessage({ id: request.id, ...(verdicts ? { verdicts } : {}) } satisfies WorkerAnswer);
    } catch (reason) {
      port.postMessage({
        id: request.id,
        failure: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason),
      } satisfies WorkerAnswer);
    }
  });
  return true;
}

interface Waiting {
  soFar: ((verdicts: readonly ProgramVerdict[]) => void) | undefined;
  resolve: (answer: WorkerAnswer) => void;
  reject: (reason: Error) => void;
}

/** The other side. Undefined where there is no bundle to start a thread from, as when the sources run. */
export class VerifierThread {
  private worker: Worker | undefined;
  private last = 0;
  private readonly waiting = new Map<number, Waiting>();

  private constructor(private readonly bundle: string) {}

  static create(): VerifierThread | undefined {
    const here = import.meta.url ? fileURLToPath(import.meta.url) : __filename;
    return path.extname(here) === '.js' && existsSync(here) ? new VerifierThread(here) : undefined;
  }

  /** Starts the thread ahead of the first request. */
  warm(): void {
    this.started();
  }

  /** Undefined where the signal ended it. */
  async verify(
    request: Omit<WorkerRequest, 'id' | 'stop'>,
    signal: AbortSignal,
    soFar?: (verdicts: readonly ProgramVerdict[]) => void,
  ): Promise<readonly ProgramVerdict[] | undefined> {
    if (signal.aborted) return undefined;
    const id = ++this.last;
    const stop = new SharedArrayBuffer(4);
    const end = (): void => void Atomics.store(new Int32Array(stop), 0, 1);
    signal.addEventListener('abort', end, { once: true });
    try {
      const { verdicts, failure } = await new Promise<WorkerAnswer>((resolve, reject) => {
        this.waiting.set(id, { soFar, resolve, reject });
        this.started().postMessage({ ...request, id, stop } satisfies WorkerRequest);
      });
      if (failure !== undefined) throw new Error(failure);
      return verdicts;
    } finally {
      this.waiting.delete(id);
      signal.removeEventListener('abort', end);
    }
  }

  private started(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(this.bundle, { workerData: { role: ROLE } });
    // The server ends when its client goes, whatever is being verified.
    worker.unref();
    worker.on('message', (answer: WorkerAnswer) => {
      const waiting = this.waiting.get(answer.id);
      if (answer.soFar) waiting?.soFar?.(answer.soFar);
      else waiting?.resolve(answer);
    });
    const lost = (reason: Error): void => {
      if (this.worker === worker) this.worker = undefined;
      for (const { reject } of this.waiting.values()) reject(reason);
    };
    worker.on('error', lost);
    worker.on('exit', (code) => lost(new Error(`the verifier's thread ended (${code})`)));
    return (this.worker = worker);
  }
}
