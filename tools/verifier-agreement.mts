// Runs our verifier over the oracle's programs and says how far it agrees with the kernel's verdicts: verdict, error line,
// instruction, counts and stack depth. `npx tsx tools/verifier-agreement.mts [--file NAME] [--prog NAME] [--list KIND] [--json]`.
// KIND: false-accept, false-reject, error, insn, processed, states, depth, crash. Rows marked env_blocked are no verdicts and left out.

import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readBtf, type Btf } from '../core/src/btf/index.ts';
import { fromHex } from '../core/src/bytes/index.ts';
import { decode, isLdImm64, type Insn } from '../core/src/isa/encoding.ts';
import { loadObject, type LoadedObject, type MapDefinition, type Program } from '../core/src/program/index.ts';
import { verify, type Verdict } from '../core/src/verifier/index.ts';
import { attachTypeById } from '../core/src/catalog/attach-types.ts';

export interface OracleRow {
  file: string;
  prog: string;
  prog_type: string;
  attach_type: number;
  prog_flags: number;
  verdict: 'loaded' | 'rejected';
  error?: string;
  error_lines?: string[];
  insn_idx?: number | null;
  insns_processed?: number;
  max_states_per_insn?: number;
  total_states?: number;
  peak_states?: number;
  stack_depth?: number[];
  env_blocked?: boolean;
}

interface MacroRow extends OracleRow {
  index: number;
  descr: string;
  insns: string;
  fixups: Record<string, number[]>;
  test_flags: number;
}

export interface Comparison {
  row: OracleRow;
  name: string;
  /** Undefined when our verifier crashed or the program was not found. */
  verdict?: Verdict;
  failure?: string;
  ms: number;
}

const here = fileURLToPath(new URL('.', import.meta.url));
export const sharedFolder = (): string => process.env['EBPF_SHARED'] ?? join(here, '../../shared');
export const oracleFolder = (): string => process.env['EBPF_ORACLE'] ?? join(os.homedir(), '.cache/ebpf-workbench/oracle');

const lines = <Row,>(path: string): Row[] => readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Row);

const KERNEL_BTF = '/sys/kernel/btf/vmlinux';
let kernelBtf: Btf | undefined;
export function readKernelBtf(): Btf | undefined {
  if (!kernelBtf && existsSync(KERNEL_BTF)) kernelBtf = readBtf(new Uint8Array(readFileSync(KERNEL_BTF))).btf;
  return kernelBtf;
}

/** Maps that the instruction-array tests ask for by name. */
const FIXUP_MAPS: Record<string, Partial<MapDefinition>> = {
  map_hash_8b: { type: 'hash', typeId: 1, keySize: 8, valueSize: 8 },
  map_hash_48b: { type: 'hash', typeId: 1, keySize: 8, valueSize: 48 },
  map_hash_16b: { type: 'hash', typeId: 1, keySize: 8, valueSize: 16 },
  map_array_48b: { type: 'array', typeId: 2, keySize: 4, valueSize: 48 },
  map_event_output: { type: 'perf_event_array', typeId: 4, keySize: 4, valueSize: 4 },
  map_ringbuf: { type: 'ringbuf', typeId: 27, keySize: 0, valueSize: 0, maxEntries: 4096 },
};

function macroObject(row: MacroRow): { object: LoadedObject; program: Program } {
  const insns: Insn[] = decode(fromHex(row.insns)!);
  const maps: MapDefinition[] = [];
  for (const [name, places] of Object.entries(row.fixups ?? {})) {
    maps.push({ name, maxEntries: 1, flags: 0, type: 'hash', typeId: 1, keySize: 8, valueSize: 8, ...FIXUP_MAPS[name] });
    for (const place of places) insns[place] = { ...insns[place]!, src: 1, imm: maps.length - 1 };
  }
  // Functions as the kernel finds them: targets of calls.
  const starts = new Set<number>([0]);
  for (let i = 0; i < insns.length; i++) {
    const insn = insns[i]!;
    if ((insn.opcode === 0x85 && insn.src === 1) || (isLdImm64(insn) && insn.src === 4)) starts.add(i + insn.imm + 1);
    if (isLdImm64(insn)) i++;
  }
  const sorted = [...starts].filter((start) => start >= 0 && start < insns.length).sort((a, b) => a - b);
  const attach = attachTypeById(row.attach_type)?.name;
  const program: Program = {
    name: row.descr, section: '', type: row.prog_type, sleepable: (row.prog_flags & 16) !== 0, autoload: true, license: 'GPL', insns,
    subprograms: sorted.map((start, index) => ({ name: `func${index}`, start, end: sorted[index + 1] ?? insns.length, linkage: 'static' as const })),
    lines: [], coreRelocations: [], kfuncs: [], ksyms: [], flags: 0, problems: [],
    ...(attach !== undefined && row.attach_type !== 0 && { attachType: attach }),
  };
  return { program, object: { file: row.file, programs: [program], maps, license: 'GPL', runnable: true, problems: [] } };
}

function compare(row: OracleRow, name: string, program: Program | undefined, object: LoadedObject | undefined, logLevel = 0): Comparison {
  const start = performance.now();
  if (!program || !object) return { row, name, failure: 'program not found in the loaded object', ms: 0 };
  try {
    const btf = readKernelBtf();
    const verdict = verify(program, object, { kernel: '6.18', logLevel, progFlags: row.prog_flags ?? 0, cpus: os.cpus().length, ...(btf && { kernelBtf: btf }) });
    return { row, name, verdict, ms: performance.now() - start };
  } catch (thrown) {
    return { row, name, failure: (thrown as Error).stack ?? String(thrown), ms: performance.now() - start };
  }
}

export interface RunOptions {
  file?: string | undefined;
  prog?: string | undefined;
  logLevel?: number;
  macro?: boolean;
  /** Every nth row only. */
  sample?: number;
}

/** Our verdict beside the kernel's, for every row asked for. */
export function* runAgreement(options: RunOptions = {}): Generator<Comparison> {
  const btf = readKernelBtf();
  const rows = lines<OracleRow>(join(sharedFolder(), 'oracle/programs.jsonl')).filter((row) => !row.env_blocked);
  const byFile = new Map<string, OracleRow[]>();
  for (const row of rows) byFile.set(row.file, [...(byFile.get(row.file) ?? []), row]);
  let counter = 0;
  for (const [file, group] of options.macro === true && options.file === undefined ? [] : byFile) {
    if (options.file !== undefined && options.file !== file) continue;
    let object: LoadedObject | undefined;
    for (const row of group) {
      if (options.prog !== undefined && options.prog !== row.prog) continue;
      if (options.sample !== undefined && counter++ % options.sample !== 0) continue;
      object ??= loadObject(new Uint8Array(readFileSync(join(oracleFolder(), 'obj', `${file}.bpf.o`))), file, { cpus: os.cpus().length, ...(btf && { kernelBtf: btf }) });
      yield compare(row, `${file}/${row.prog}`, object.programs.find((program) => program.name === row.prog), object, options.logLevel);
    }
  }
  for (const row of lines<MacroRow>(join(sharedFolder(), 'oracle/macro-tests.jsonl'))) {
    const name = `${row.file}#${row.index}`;
    if (options.macro === false || (options.file !== undefined && options.file !== row.file) || (options.prog !== undefined && options.prog !== String(row.index))) continue;
    if (options.sample !== undefined && counter++ % options.sample !== 0) continue;
    // F_NEEDS_EFFICIENT_UNALIGNED_ACCESS, F_LOAD_WITH_STRICT_ALIGNMENT; all were sent with the invariants test.
    row.prog_flags = 128 | ((row.test_flags & 1) !== 0 ? 2 : 0) | ((row.test_flags & 2) !== 0 ? 1 : 0);
    const { object, program } = macroObject(row);
    yield compare(row, name, program, object, options.logLevel);
  }
}

export type Kind = 'false-accept' | 'false-reject' | 'crash' | 'error' | 'insn' | 'processed' | 'states' | 'depth';

const sameWords = (ours: string, row: OracleRow): boolean => ours === row.error || (row.error_lines ?? []).includes(ours);

/** Everything in which we differ from the kernel on this row. */
export function differences({ row, verdict, failure }: Comparison): Kind[] {
  if (failure !== undefined || !verdict) return ['crash'];
  const accepted = verdict.verdict === 'accepted';
  if (accepted && row.verdict === 'rejected') return ['false-accept'];
  if (!accepted && row.verdict === 'loaded') return ['false-reject'];
  const kinds: Kind[] = [];
  const { statistics } = verdict;
  if (!accepted) {
    if (row.error !== undefined && !sameWords(verdict.findings[0]!.message, row)) kinds.push('error');
    if (typeof row.insn_idx === 'number' && verdict.findings[0]!.insn !== row.insn_idx) kinds.push('insn');
    return kinds;
  }
  if (row.insns_processed !== undefined && row.insns_processed !== statistics.processed) kinds.push('processed');
  if (row.total_states !== undefined && (row.total_states !== statistics.totalStates || row.peak_states !== statistics.peakStates || row.max_states_per_insn !== statistics.maxStatesPerInsn)) kinds.push('states');
  if (row.stack_depth !== undefined && row.stack_depth.join('+') !== statistics.stackDepth.join('+')) kinds.push('depth');
  return kinds;
}

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
  let slowest: Comparison[] = [];
  let processedOurs = 0;
  let processedKernel = 0;
  const started = performance.now();
  for (const comparison of runAgreement({ file: argument('file'), prog: argument('prog'), ...(showLog !== undefined && { logLevel: Number(showLog) }), ...(process.argv.includes('--macro') && { macro: true }), ...(process.argv.includes('--programs') && { macro: false }) })) {
    const { row, verdict, name } = comparison;
    const macro = name.includes('#');
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
        const numbers = verdict ? ` ours ${verdict.statistics.processed}/${verdict.statistics.maxStatesPerInsn}/${verdict.statistics.totalStates}/${verdict.statistics.peakStates} [${verdict.statistics.stackDepth.join('+')}] @${verdict.findings[0]?.insn ?? '-'}` : '';
        console.log(`${name}: kernel ${row.error ?? row.verdict} ${row.insns_processed}/${row.max_states_per_insn}/${row.total_states}/${row.peak_states} [${(row.stack_depth ?? []).join('+')}] @${row.insn_idx ?? '-'} | ours ${ours}${numbers}`);
      }
    }
    if (showLog !== undefined) console.log(verdict?.log ?? comparison.failure);
    slowest.push(comparison);
    if (slowest.length > 40) slowest = slowest.sort((a, b) => b.ms - a.ms).slice(0, 8);
  }
  if (list !== undefined || showLog !== undefined) return;
  const order = ['false-accept', 'crash', 'false-reject', 'error', 'insn', 'processed', 'states', 'depth'];
  const sorted = [...causes].sort((a, b) => order.indexOf(a[0].split(':')[0]!) - order.indexOf(b[0].split(':')[0]!) || b[1].length - a[1].length);
  for (const [key, names] of sorted) console.log(`${String(names.length).padStart(5)}  ${key}  (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`);
  for (const [name, map] of Object.entries(counts)) console.log(name, Object.fromEntries(map));
  console.log(`instructions processed of programs accepted by both: ours ${processedOurs}, kernel ${processedKernel}`);
  console.log(`slowest: ${slowest.sort((a, b) => b.ms - a.ms).slice(0, 5).map(({ name, ms }) => `${name} ${Math.round(ms)} ms`).join(', ')}; all ${Math.round((performance.now() - started) / 100) / 10} s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
