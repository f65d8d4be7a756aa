// The measured half of bench/load-objects.ts, which bundles it as the product is bundled and runs it in a process of its own:
// tsx wraps every closure to keep its name, which makes a loader many times slower than the one that people use.
// Arguments: rounds, a kernel's BTF, objects. Prints times in seconds as JSON.

import { readFileSync } from 'node:fs';
import { readBtf } from '#core/btf';
import { loadObject } from '#core/program';

const [rounds = '1', kernel = '', ...files] = process.argv.slice(2);
const start = performance.now();
const kernelBtf = readBtf(readFileSync(kernel)).btf!;

/** Milliseconds to open, relocate and map lines. Instructions and lines are made when first read: here they are. */
function open(file: string): number {
  const before = performance.now();
  for (const { insns, lines } of loadObject(readFileSync(file), file, { kernelBtf, cpus: 2 }).programs)
    if (insns.length === 0 && lines.length > 0) throw new Error(file);
  return performance.now() - before;
}

const coldObject = open(files[0]!);
const cold = performance.now() - start;
const quickest = files.map(() => Infinity);
const took: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const begin = performance.now();
  files.forEach((file, i) => (quickest[i] = Math.min(quickest[i]!, open(file))));
  took.push(performance.now() - begin);
}
const seconds = { cold, coldObject, firstRound: took[0]!, round: Math.min(...took), sum: quickest.reduce((sum, ms) => sum + ms, 0) };
process.stdout.write(
  JSON.stringify({ opened: files.length, ...Object.fromEntries(Object.entries(seconds).map(([name, ms]) => [name, ms / 1000])) }),
);
