// The measured half of the hostile runs: a process of its own, so that its memory is the readers' and nobody else's.
// Arguments: `crafted`, or `objects`, `btf` or `dwarf` with the number of cases, the kernel BTF and files. Prints JSON: the slowest case in
// milliseconds of processor time, and the case that raised the process's memory furthest, in MB above what it had before any.

import { readFileSync } from 'node:fs';
import { readBtf } from '#core/btf';
import { readElf } from '#core/elf';
import { fuzz } from '../../core/src/dwarf/fuzz.ts';
import { CRAFTED } from './crafted.ts';
import { damage, exercise, exerciseBtfBytes, type HostileReport, type Target } from './hostile.ts';

const [mode = '', count = '0', kernel = '', ...files] = process.argv.slice(2);
const slowest: HostileReport['slowest'] = { value: 0, what: '' };
const largest: HostileReport['largest'] = { value: 0, what: '' };
/** Kilobytes; only rises. */
const peak = (): number => process.resourceUsage().maxRSS;

function run(what: string, exerciseOne: () => number): void {
  const before = peak();
  let took: number;
  try {
    took = exerciseOne();
  } catch (error) {
    process.stdout.write(JSON.stringify({ failed: `${what}: ${(error as Error).stack}` }));
    process.exit(0);
  }
  if (took > slowest.value) Object.assign(slowest, { value: took, what });
  if (peak() > before) Object.assign(largest, { value: (peak() - start) / 1024, what });
}

const basename = (file: string): string => file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);

function targetOf(file: string): Target {
  const bytes = new Uint8Array(readFileSync(file));
  const { elf } = readElf(bytes);
  const regions = (elf?.sections ?? [])
    .filter(({ name, size }) => size > 0 && !name.startsWith('.debug') && !name.startsWith('.rel.debug'))
    .map(({ offset, size }) => ({ start: offset, end: offset + size }));
  return {
    name: basename(file),
    bytes,
    regions: [{ start: 0, end: 64 }, { start: bytes.length - 64 * (elf?.sections.length ?? 1), end: bytes.length }, ...regions],
  };
}

const { btf: kernelBtf } = kernel === '' ? { btf: undefined } : readBtf(readFileSync(kernel));
kernelBtf?.find('task_struct');
let start = peak();
if (mode === 'crafted') {
  for (const { what, bytes } of CRAFTED) {
    const object = bytes();
    start = peak();
    run(what, () => exercise(object, kernelBtf));
  }
} else {
  for (let seed = 0; seed < Number(count); seed++) {
    const file = files[(seed * (mode === 'btf' ? 104729 : 7919)) % files.length]!;
    const what = `${basename(file)}, case ${seed}`;
    if (mode === 'dwarf') {
      const bytes = new Uint8Array(readFileSync(file));
      run(what, () => fuzz([bytes], 1, seed, () => process.cpuUsage().user / 1000).slowest);
    } else if (mode === 'btf') {
      const section = readElf(readFileSync(file)).elf!.section('.BTF')!;
      run(what, () => exerciseBtfBytes(damage({ name: file, bytes: section.bytes, regions: [{ start: 0, end: 24 }] }, seed)));
    } else {
      const target = targetOf(file);
      run(what, () => exercise(damage(target, seed), seed % 4 === 0 ? kernelBtf : undefined));
    }
  }
}
process.stdout.write(JSON.stringify({ slowest, largest }));
