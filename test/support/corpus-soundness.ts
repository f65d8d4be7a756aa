// The selftest programs of the oracle, run on made-up events beside what the verifier foresaw. Counts what could be followed.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Btf } from '#core/btf';
import { loadObject } from '#core/program';
import { createKernel } from '#core/sim';
import type { Engine } from '#core/vm';
import { follow, type Violation, walkOf } from './soundness.ts';

export interface CorpusAnswer {
  programs: number;
  runs: number;
  executed: number;
  violations: { program: string; violation: Violation }[];
}

/** Programs whose walk is not the machine's path: they leave through the exception callback or are called back later. */
const LEAVES_ITS_WALK = /^bpf_(throw|timer_|wq_|task_work)/;
const TIMERS = [169, 170, 171];

export function followCorpus(
  folder: string,
  engine: Engine,
  options: { kernelBtf?: Btf | undefined; every?: number; offset?: number; budget?: number; until?: () => boolean },
): CorpusAnswer {
  const answer: CorpusAnswer = { programs: 0, runs: 0, executed: 0, violations: [] };
  const types = options.kernelBtf ? { kernelBtf: options.kernelBtf } : {};
  let counter = options.offset ?? 0;
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.bpf.o'))
    .sort()) {
    if (options.until?.()) break;
    if (options.every !== undefined && counter++ % options.every !== 0) continue;
    const object = loadObject(readFileSync(path.join(folder, name)), name, { cpus: 2, ...types });
    for (const program of object.programs) {
      if (
        program.kfuncs.some((kfunc) => LEAVES_ITS_WALK.test(kfunc)) ||
        program.insns.some(({ opcode, src, imm }) => opcode === 0x85 && src === 0 && TIMERS.includes(imm))
      )
        continue;
      const walk = walkOf(program, object, { kernel: '6.18', cpus: 2, ...types });
      if (!walk) continue;
      const kernel = createKernel({ engine, cpus: 2, ...types });
      const loaded = kernel.load(object, program.name).programs.find((one) => one.program.name === program.name);
      if (!loaded) continue;
      answer.programs++;
      kernel.attach(loaded);
      for (const event of kernel.defaultEvents(loaded)) {
        for (const invocation of kernel.fire(event)) {
          if (invocation.program !== loaded) continue;
          const { violation, executed } = follow(walk, kernel, invocation, options.budget ?? 2000);
          answer.runs++;
          answer.executed += executed;
          if (violation) answer.violations.push({ program: `${name.replace('.bpf.o', '')} ${program.name}`, violation });
        }
        kernel.takeOutput();
      }
    }
  }
  return answer;
}
