// Generated programs, judged by our verifier and by the running kernel: prints where the two differ, with the program made small.
// Run as root on Linux 6.18: npx tsx tools/fuzz-verifier.mts --count 20000 --seed 1 [--logs] [--only KIND] [--quick]
// --logs compares the whole level-2 log, --only looks at one kind of difference, --quick does not make programs small.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  compare,
  type Difference,
  type DifferenceKind,
  KernelMaps,
  KINDS,
  listing,
  shrinkDifference,
} from '../test/support/fuzz/compare.ts';
import { type FuzzProgram, generate } from '../test/support/fuzz/generator.ts';
import type { KernelBridge } from '../test/support/kernel.ts';
import { openKernel } from '../test/support/kernel.ts';

/** --rare: with what the usual programs seldom have (generator-rare.ts). */
const RARE = process.argv.includes('--rare');

export interface FuzzAnswer {
  programs: number;
  accepted: number;
  /** The kernel ran out of memory or of log. */
  noVerdict: number;
  differences: { program: FuzzProgram; difference: Difference }[];
}

export async function fuzzVerifier(
  kernel: KernelBridge,
  options: { seed: number; count: number; logs?: boolean; progress?: (answer: FuzzAnswer) => void },
): Promise<FuzzAnswer> {
  const maps = await KernelMaps.create(kernel);
  const answer: FuzzAnswer = { programs: 0, accepted: 0, noVerdict: 0, differences: [] };
  for (let seed = options.seed; seed < options.seed + options.count; seed++) {
    const program = generate(seed, { rare: RARE });
    const judgement = await compare(kernel, maps, program, { logs: options.logs ?? false });
    answer.programs++;
    if (!judgement) answer.noVerdict++;
    else if (judgement.accepted) answer.accepted++;
    if (judgement?.difference) answer.differences.push({ program, difference: judgement.difference });
    if (answer.programs % 1000 === 0) options.progress?.(answer);
  }
  await maps.close();
  return answer;
}

const countKinds = ({ differences }: FuzzAnswer): string =>
  KINDS.map((kind) => [kind, differences.filter(({ difference }) => difference.kind === kind).length] as const)
    .flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []))
    .join(', ') || 'none';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      show: { type: 'string', default: '12' },
      logs: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      rare: { type: 'boolean', default: false },
    },
  });
  const kernel = await openKernel();
  if (!kernel) process.exit(1);
  const started = performance.now();
  const answer = await fuzzVerifier(kernel, {
    seed: Number(values.seed),
    count: Number(values.count),
    logs: values.logs,
    progress: (state) =>
      process.stderr.write(`${state.programs} programs, ${state.accepted} accepted; differences: ${countKinds(state)}\n`),
  });
  const maps = await KernelMaps.create(kernel);
  const shown = new Map<string, number[]>();
  let left = Number(values.show);
  const inOrder = [...answer.differences].sort((a, b) => KINDS.indexOf(a.difference.kind) - KINDS.indexOf(b.difference.kind));
  for (const { program, difference } of inOrder) {
    const { kind, kernel: theirs, ours } = difference;
    if (values.only !== undefined && kind !== (values.only as DifferenceKind)) continue;
    // One of each sort.
    const sort = kind === 'log' || kind === 'counts' || kind === 'depth' ? kind : `${kind} ${theirs} ${ours}`.replace(/-?\d+/g, 'N');
    const seen = shown.get(sort)?.length ?? 0;
    shown.set(sort, [...(shown.get(sort) ?? []), program.seed]);
    if (seen >= (kind === 'log' || kind === 'counts' ? 3 : 1) || left-- <= 0) continue;
    const small = values.quick ? program : await shrinkDifference(kernel, maps, program, difference, values.logs);
    const found = (await compare(kernel, maps, small, { logs: values.logs }))?.difference ?? difference;
    console.log(`== ${kind}, seed ${program.seed}\n  kernel: ${found.kernel}\n  ours:   ${found.ours}\n${listing(small)}\n`);
  }
  for (const [sort, seeds] of shown) console.log(`${seeds.length} times: ${sort} (seeds ${seeds.slice(0, 5).join(', ')})`);
  kernel.close();
  const { programs, accepted, noVerdict } = answer;
  console.log(
    `${programs} programs in ${((performance.now() - started) / 1000).toFixed(0)} s, ${accepted} accepted by the kernel, ${noVerdict} without verdict; differences: ${countKinds(answer)}`,
  );
  process.exitCode = answer.differences.some(({ difference: { kind } }) => kind === 'we accept' || kind === 'crash') ? 1 : 0;
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) await main();
