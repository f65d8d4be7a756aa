// Differential fuzzing from the command line: npx tsx test/conformance/fuzz/fuzz.ts [--count 100000] [--seed 1] [--wild] [--no-kernel]
// Prints the seed of what differs and the shrunk program, and keeps it as a .data file under .cache/fuzz.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { toHex } from '#core/bytes';
import { encode, type Insn } from '#core/isa';
import { interpreter } from '#core/vm';
import { openKernel } from '#test/kernel';
import { repository } from '#test/requirements';
import { compareEngines, compareKernel, listing, prepare, runOn, shrink } from './compare.ts';
import { generate } from './generator.ts';

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      wild: { type: 'boolean', default: false },
      'no-kernel': { type: 'boolean', default: false },
    },
  });
  const count = Number(values.count);
  const first = Number(values.seed);
  const kernel = values['no-kernel'] || values.wild ? undefined : await openKernel();

  let agreed = 0;
  let rejected = 0;
  let failed = 0;
  let executed = 0;
  const started = performance.now();
  for (let seed = first; seed < first + count; seed++) {
    const insns = generate(seed, { wild: values.wild });
    const options = { stepwise: seed % 50 === 0, inBounds: !values.wild };
    let result = compareEngines(insns, seed, options);
    let fails = (candidate: readonly Insn[]): Promise<boolean> | boolean =>
      compareEngines(candidate, seed, options).difference !== undefined;
    if (!result.difference && kernel) {
      result = await compareKernel(insns, kernel);
      fails = async (candidate) => (await compareKernel(candidate, kernel)).difference !== undefined;
      if (result.kernel === 'agreed') agreed++;
      if (result.kernel === 'rejected') rejected++;
    }
    executed += result.executed;
    if (result.difference !== undefined) {
      failed++;
      const small = await shrink(insns, fails);
      const folder = path.join(repository, '.cache/fuzz');
      mkdirSync(folder, { recursive: true });
      const file = path.join(folder, `${values.wild ? 'wild-' : ''}${seed}.data`);
      writeFileSync(
        file,
        `# seed ${seed}: ${result.difference.split('\n')[0]}\n${listing(small).replace(/^/gm, '# ')}\n-- raw\n${toHex(encode(small), ' ').replace(/((?:.. ){7}..) /g, '$1\n')}\n-- result\n0x${(runOn(interpreter, prepare(small).checked).returnValue ?? 0n).toString(16)}\n`,
      );
      process.stdout.write(`seed ${seed}: ${result.difference}\nshrunk, kept in ${path.relative(repository, file)}:\n${listing(small)}\n`);
      if (failed >= 10) break;
    }
    if ((seed - first) % 5000 === 4999)
      process.stdout.write(`${seed - first + 1} programs, ${failed} differ, kernel agreed on ${agreed} and rejected ${rejected}\n`);
  }
  kernel?.close();
  process.stdout.write(
    `${count} programs from seed ${first}, ${executed} instructions in ${((performance.now() - started) / 1000).toFixed(0)} s: ${failed} differ; the kernel agreed on ${agreed} and rejected ${rejected}\n`,
  );
  return failed > 0 ? 1 : 0;
}

void main().then((status) => {
  process.exitCode = status;
});
