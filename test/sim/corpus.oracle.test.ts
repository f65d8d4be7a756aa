// Every selftest program of the oracle on made-up events: nothing of ours throws, and a program that the kernel accepted does not
// fault, but for what is listed. A helper that is not simulated ends a run with its name; those are counted. Takes a minute.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadObject } from '#core/program';
import { createKernel, runScenario } from '#core/sim';
import { interpreter } from '#core/vm';
import { oracleFolder, sharedFolder } from '#test/requirements';
import { readTargetKernel } from '#toolchain';

/** Accepted by the kernel, and faulting here. Each line goes when it runs. */
const KNOWN_FAULTS: Readonly<Record<string, string>> = {
  // The machine counts frames over tail calls out of subprograms; the kernel counts them for each program.
  'tailcall_bpf2bpf_hierarchy2 classifier_0': 'more than 8 frames over tail calls',
  'tailcall_bpf2bpf_hierarchy2 classifier_1': 'more than 8 frames over tail calls',
  'tailcall_bpf2bpf_hierarchy2 tailcall_bpf2bpf_hierarchy_2': 'more than 8 frames over tail calls',
  'tailcall_bpf2bpf_hierarchy3 classifier_0': 'more than 8 frames over tail calls',
  'tailcall_bpf2bpf_hierarchy3 tailcall_bpf2bpf_hierarchy_3': 'more than 8 frames over tail calls',
  'verifier_tailcall_jit main': 'more than 8 frames over tail calls',
};

test('accepted programs run', { timeout: 600_000 }, async () => {
  const folder = oracleFolder();
  const shared = sharedFolder();
  if (folder === undefined || shared === undefined) return;
  const accepted = new Set<string>();
  for (const line of readFileSync(path.join(shared, 'oracle/programs.jsonl'), 'utf8').split('\n')) {
    if (line === '') continue;
    const { file, prog, verdict } = JSON.parse(line) as { file: string; prog: string; verdict: string };
    if (verdict === 'loaded') accepted.add(`${file} ${prog}`);
  }
  const { btf: kernelBtf } = await readTargetKernel();
  const faults: Record<string, string> = {};
  let ended = 0;
  let notSimulated = 0;
  for (const name of readdirSync(path.join(folder, 'obj')).filter((file) => file.endsWith('.bpf.o'))) {
    const object = loadObject(readFileSync(path.join(folder, 'obj', name)), name, kernelBtf ? { kernelBtf } : {});
    for (const { name: prog } of object.programs) {
      const kernel = createKernel({ engine: interpreter, cpus: 2, ...(kernelBtf ? { kernelBtf } : {}) });
      const { programs } = kernel.load(object, prog);
      const program = programs.find((candidate) => candidate.program.name === prog);
      if (!program) continue;
      kernel.attach(program);
      const results = runScenario(kernel, { events: kernel.defaultEvents(program) }, { budget: 100_000 });
      expect(results.length, `${name} ${prog}`).toBeGreaterThan(0);
      const identity = `${name.replace('.bpf.o', '')} ${prog}`;
      if (!accepted.has(identity)) continue;
      for (const { outcome } of results) {
        if (outcome.kind !== 'fault') ended++;
        else if (/is not simulated yet|no helper with the number 195896080/.test(outcome.message)) notSimulated++;
        else faults[identity] = outcome.message;
      }
    }
  }
  const unexpected = Object.fromEntries(Object.entries(faults).filter(([identity]) => !(identity in KNOWN_FAULTS)));
  const mended = Object.keys(KNOWN_FAULTS).filter((identity) => !(identity in faults));
  expect({ unexpected, mended }).toEqual({ unexpected: {}, mended: [] });
  process.stderr.write(`${ended} runs of accepted programs ended, ${notSimulated} met a helper or kfunc that is not simulated\n`);
  expect(ended / (ended + notSimulated)).toBeGreaterThan(0.9);
});
