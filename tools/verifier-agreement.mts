// How far our verifier agrees with a real kernel: prints the differences, the most frequent first.
// `npx tsx tools/verifier-agreement.mts [--kernel 6.18|6.12|6.1] [--macro | --programs] [--file NAME] [--prog NAME] [--list KIND] [--log LEVEL] [--check | --keep]`.
// KIND: false-accept, false-reject, error, insn, processed, states, depth, crash. --check compares all rows with the ratchet in
// test/verifier/agreement.json and fails when something became worse; --keep writes it.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  ASKED_KERNELS,
  countAgreement,
  differences,
  noAgreement,
  regressions,
  runAgreement,
  type Ratchet,
  type Comparison,
} from '../test/support/oracle-agreement.ts';
import { readTargetKernel, verifierFacts } from '../toolchain/src/kernel-btf.ts';

const RATCHET = fileURLToPath(new URL('../test/verifier/agreement.json', import.meta.url));

const words = (message: string): string => message.replace(/-?\b(0x)?[0-9a-f]*\d[0-9a-f]*\b/g, 'N').replace(/'[^']*'/g, "'…'");

function main(): void {
  const argument = (name: string): string | undefined => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? undefined : process.argv[at + 1];
  };
  const list = argument('list');
  const showLog = argument('log');
  const counts = { programs: new Map<string, number>(), macro: new Map<string, number>() };
  const bump = (macro: boolean, key: string): void => {
    const map = macro ? counts.macro : counts.programs;
    map.set(key, (map.get(key) ?? 0) + 1);
  };
  const causes = new Map<string, string[]>();
  const kernel = ASKED_KERNELS.find((one) => one === (argument('kernel') ?? '6.18'));
  if (!kernel) throw new Error(`--kernel is one of ${ASKED_KERNELS.join(', ')}`);
  const agreement = noAgreement();
  let slowest: Comparison[] = [];
  let processedOurs = 0;
  let processedKernel = 0;
  const started = performance.now();
  for (const comparison of runAgreement({
    ...(kernel === '6.18' ? {} : { older: verifierFacts(readTargetKernel({ target: kernel })) }),
    file: argument('file'),
    prog: argument('prog'),
    ...(showLog !== undefined && { logLevel: Number(showLog) }),
    ...(process.argv.includes('--macro') && { macro: true }),
    ...(process.argv.includes('--programs') && { macro: false }),
  })) {
    const { row, verdict, name } = comparison;
    const macro = name.includes('#');
    countAgreement(agreement, comparison);
    bump(macro, 'rows');
    bump(macro, row.verdict);
    const kinds = differences(comparison);
    if (!kinds.some((kind) => kind === 'crash' || kind === 'false-accept' || kind === 'false-reject')) bump(macro, 'verdict equal');
    if (row.verdict === 'loaded' && verdict?.verdict === 'accepted') {
      processedOurs += verdict.statistics.processed;
      processedKernel += row.insns_processed ?? verdict.statistics.processed;
    }
    for (const kind of kinds) {
      bump(macro, kind);
      const ours = verdict?.findings[0]?.message ?? comparison.failure?.split('\n').slice(0, 2).join(' ') ?? 'accepted';
      const key = `${kind}: ${kind === 'false-accept' ? `kernel: ${words(row.error ?? '(no line)')}` : kind === 'false-reject' || kind === 'crash' ? `ours: ${words(ours)}` : kind === 'error' ? `kernel: ${words(row.error ?? '')} | ours: ${words(ours)}` : kind}`;
      causes.set(key, [...(causes.get(key) ?? []), name]);
      if (list === kind) {
        const numbers = verdict
          ? ` ours ${verdict.statistics.processed}/${verdict.statistics.maxStatesPerInsn}/${verdict.statistics.totalStates}/${verdict.statistics.peakStates} [${verdict.statistics.stackDepth.join('+')}] @${verdict.findings[0]?.insn ?? '-'}`
          : '';
        console.log(
          `${name}: kernel ${row.error ?? row.verdict} ${row.insns_processed}/${row.max_states_per_insn}/${row.total_states}/${row.peak_states} [${(row.stack_depth ?? []).join('+')}] @${row.insn_idx ?? '-'} | ours ${ours}${numbers}`,
        );
      }
    }
    if (showLog !== undefined) console.log(verdict?.log ?? comparison.failure);
    slowest.push(comparison);
    if (slowest.length > 40) slowest = slowest.sort((a, b) => b.ms - a.ms).slice(0, 8);
  }
  if (list !== undefined || showLog !== undefined) return;
  const order = ['false-accept', 'crash', 'false-reject', 'error', 'insn', 'processed', 'states', 'depth'];
  const sorted = [...causes].sort(
    (a, b) => order.indexOf(a[0].split(':')[0]!) - order.indexOf(b[0].split(':')[0]!) || b[1].length - a[1].length,
  );
  for (const [key, names] of sorted)
    console.log(`${String(names.length).padStart(5)}  ${key}  (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`);
  console.log(`equal verdicts on Linux ${kernel}`, agreement.kinds);
  for (const [name, map] of Object.entries(counts)) console.log(name, Object.fromEntries(map));
  console.log(`instructions processed of programs accepted by both: ours ${processedOurs}, kernel ${processedKernel}`);
  console.log(
    `slowest: ${slowest
      .sort((a, b) => b.ms - a.ms)
      .slice(0, 5)
      .map(({ name, ms }) => `${name} ${Math.round(ms)} ms`)
      .join(', ')}; all ${Math.round((performance.now() - started) / 100) / 10} s`,
  );
  const kept = JSON.parse(readFileSync(RATCHET, 'utf8')) as Ratchet;
  if (process.argv.includes('--keep')) writeFileSync(RATCHET, `${JSON.stringify({ ...kept, [kernel]: agreement }, null, 2)}\n`);
  if (process.argv.includes('--check')) {
    const worse = regressions(kept[kernel], agreement);
    for (const sentence of worse) console.log(sentence);
    process.exitCode = worse.length > 0 ? 1 : 0;
  }
}

main();
