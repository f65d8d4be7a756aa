// Another kernel as the tests' oracle: Linux 6.12 or 6.1 in the virtual machine of the shared folder's kernels/kernel-vm. The machine is
// booted once for many questions: they are written down first, and answered together. Programs are loaded and given back, never run.

import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { toHex } from '#core/bytes';
import { buildC } from './build-c.ts';
import { type KernelMap, loadAnswer, type LoadAnswer, type LoadRequest, loadWords, mapWords, requestLine } from './kernel.ts';
import { missing, repository, sharedFolder } from './requirements.ts';

export type BoxedKernel = '6.12' | '6.1';

/** Questions for one boot. Maps and BTF live until its end; their descriptors are known before, as nothing else opens any. */
export interface Questions {
  createMap(map: KernelMap): number;
  loadBtf(bytes: Uint8Array): number;
  /** Resolved by `ask`. */
  load(request: LoadRequest): Promise<LoadAnswer>;
  /** Boots, asks all, and resolves the answers. Seconds, then about 5 ms for a small program. */
  ask(kernel: BoxedKernel): Promise<void>;
}

const FIRST_DESCRIPTOR = 3;

/** Whether there is a box; said once where there is none. */
export const kernelBox = (): string | undefined => {
  const shared = sharedFolder();
  const command = shared && path.join(shared, 'kernels/kernel-vm');
  return command && existsSync(command) ? command : missing('shared', 'there is no kernels/kernel-vm in the shared folder');
};

export function questions(): Questions {
  const lines: string[] = [];
  const waiting: (((line: string) => void) | undefined)[] = [];
  let next = FIRST_DESCRIPTOR;
  const open = (words: readonly (string | number | bigint)[], what: string): number => {
    const descriptor = next++;
    lines.push(requestLine(words));
    waiting.push((line) => {
      if (Number(line) !== descriptor) throw new Error(`${what} gave ${line}, not descriptor ${descriptor}`);
    });
    return descriptor;
  };
  return {
    createMap: (map) => open(['map', ...mapWords(map)], `creating a ${map.type} map`),
    loadBtf: (bytes) => open(['btf', toHex(bytes)], 'loading BTF'),
    load: (request) =>
      new Promise((resolve) => {
        lines.push(requestLine(['try', ...loadWords(request)]));
        waiting.push((line) => {
          const [fd, log] = line.split(' ');
          resolve(loadAnswer(fd, log));
        });
      }),
    async ask(kernel) {
      const command = kernelBox();
      const bridge = buildC('kernel-bridge', [], 'static');
      if (!command || !bridge) throw new Error('there is no box, or no C compiler to build the bridge for it');
      const folder = mkdtempSync(path.join(os.tmpdir(), 'ebpf-box-'));
      try {
        copyFileSync(bridge, path.join(folder, 'bridge'));
        writeFileSync(path.join(folder, 'requests'), lines.join(''));
        await promisify(execFile)(
          command,
          [kernel, '--timeout', '1800', folder, './bridge < requests > out/answers 2> out/errors || true'],
          { maxBuffer: 1 << 26 },
        );
        const answers = readFileSync(path.join(folder, 'out/answers'), 'latin1').trimEnd().split('\n');
        if (answers.length !== lines.length) throw new Error(`${answers.length} answers to ${lines.length} questions`);
        answers.forEach((line, at) => waiting[at]?.(line));
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

/** The kernel's own BTF, whose ids a program to load must name: read in the box once and kept. */
export async function boxedTypes(kernel: BoxedKernel): Promise<Uint8Array> {
  const kept = path.join(repository, '.cache', `vmlinux-${kernel}.btf`);
  if (!existsSync(kept)) {
    const command = kernelBox();
    if (!command) throw new Error('there is no box');
    const folder = mkdtempSync(path.join(os.tmpdir(), 'ebpf-box-'));
    await promisify(execFile)(command, [kernel, folder, 'cat /sys/kernel/btf/vmlinux > out/vmlinux']);
    mkdirSync(path.dirname(kept), { recursive: true });
    copyFileSync(path.join(folder, 'out/vmlinux'), kept);
    rmSync(folder, { recursive: true });
  }
  return new Uint8Array(readFileSync(kept));
}
