// Our verifier's verdicts beside a real kernel's, for the programs of the shared oracle: verdict, error line, instruction,
// counts and stack depth. Rows marked env_blocked are no verdicts and left out. Nothing is loaded into a kernel here.

import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { readBtf, type Btf } from '#core/btf';
import { fromHex } from '#core/bytes';
import { decode, isLdImm64, type Insn } from '#core/isa';
import { loadObject, type LoadedObject, type MapDefinition, type Program } from '#core/program';
import { FINDINGS, verify, type Verdict, type VerifyOptions } from '#core/verifier';
import { ownBtf } from './own-btf.ts';
import { oracleFolder, sharedFolder } from './requirements.ts';
import { attachTypeById, type KernelVersion } from '#core/catalog';

export interface OracleRow {
  file: string;
  prog: string;
  prog_type: string;
  attach_type: number;
  prog_flags: number;
  /** Of older kernels also `not_reached`, `open_failed`, `loader_crash`: libbpf got no verdict. */
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
  program?: Program;
  /** Undefined when our verifier crashed or the program was not found. */
  verdict?: Verdict;
  failure?: string;
  ms: number;
}

const lines = <Row>(path: string): Row[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

const KERNEL_BTF = '/sys/kernel/btf/vmlinux';
let kernelBtf: Btf | undefined;
export function readKernelBtf(): Btf | undefined {
  if (!kernelBtf && existsSync(KERNEL_BTF)) kernelBtf = readBtf(new Uint8Array(readFileSync(KERNEL_BTF))).btf;
  return kernelBtf;
}

/** Names that the kernel at hand knows an address of; read once, and only when a program asks. */
const kernelSymbols = {
  names: undefined as ReadonlySet<string> | undefined,
  has(name: string): boolean {
    this.names ??= new Set(
      existsSync('/proc/kallsyms')
        ? readFileSync('/proc/kallsyms', 'latin1')
            .split('\n')
            .map((line) => line.split(' ')[2]?.split('\t')[0] ?? '')
        : [],
    );
    return this.names.size < 2 || this.names.has(name);
  },
};

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
    name: row.descr,
    section: '',
    type: row.prog_type,
    sleepable: (row.prog_flags & 16) !== 0,
    autoload: true,
    license: 'GPL',
    insns,
    subprograms: sorted.map((start, index) => ({
      name: `func${index}`,
      start,
      end: sorted[index + 1] ?? insns.length,
      linkage: 'static' as const,
    })),
    lines: [],
    coreRelocations: [],
    kfuncs: [],
    ksyms: [],
    flags: 0,
    problems: [],
    ...(attach !== undefined && row.attach_type !== 0 && { attachType: attach }),
  };
  return { program, object: { file: row.file, programs: [program], maps, license: 'GPL', runnable: true, problems: [] } };
}

/** The kernel at hand, or one that was asked in a virtual machine of one CPU. */
function asked(facts: KernelFacts | undefined): KernelFacts & Pick<VerifyOptions, 'kernelSymbols' | 'cpus'> {
  if (facts) return { ...facts, cpus: 1 };
  const btf = readKernelBtf();
  return { kernel: '6.18', cpus: os.cpus().length, kernelSymbols, ...(btf && { kernelBtf: btf }) };
}

function compare(
  row: OracleRow,
  name: string,
  program: Program | undefined,
  object: LoadedObject | undefined,
  { logLevel = 0, older }: RunOptions,
): Comparison {
  const start = performance.now();
  if (!program || !object) return { row, name, failure: 'program not found in the loaded object', ms: 0 };
  try {
    const verdict = verify(program, object, {
      logLevel,
      everyError: !older,
      warnings: !older,
      progFlags: row.prog_flags ?? 0,
      ...asked(older),
    });
    return { row, name, program, verdict, ms: performance.now() - start };
  } catch (thrown) {
    return { row, name, failure: (thrown as Error).stack ?? String(thrown), ms: performance.now() - start };
  }
}

/** Kernels whose verdicts on the corpus are kept in the shared oracle. */
export const ASKED_KERNELS = ['6.18', '6.12', '6.1'] as const satisfies readonly KernelVersion[];
export type KernelFacts = Pick<VerifyOptions, 'kernel' | 'kernelBtf'>;
export type AskedKernel = (typeof ASKED_KERNELS)[number];

export interface RunOptions {
  /** Another kernel of the oracle than the one at hand. The instruction-array tests are of 6.18 only. */
  older?: KernelFacts | undefined;
  file?: string | undefined;
  prog?: string | undefined;
  logLevel?: number;
  macro?: boolean;
  /** Rows with this verdict of the kernel only. */
  verdict?: OracleRow['verdict'];
  /** Every nth row only. */
  sample?: number;
}

/** Our verdict beside the kernel's, for every row asked for. */
export function* runAgreement(options: RunOptions = {}): Generator<Comparison> {
  const { kernel, kernelBtf: btf, cpus } = asked(options.older);
  const rows = lines<OracleRow>(join(sharedFolder()!, `oracle/programs${options.older ? `-${kernel}` : ''}.jsonl`)).filter(
    (row) => !row.env_blocked && (row.verdict === 'loaded' || row.verdict === 'rejected'),
  );
  const byFile = new Map<string, OracleRow[]>();
  for (const row of rows) byFile.set(row.file, [...(byFile.get(row.file) ?? []), row]);
  let counter = 0;
  for (const [file, group] of options.macro === true && options.file === undefined ? [] : byFile) {
    if (options.file !== undefined && options.file !== file) continue;
    let object: LoadedObject | undefined;
    const relocatedFor = ownBtf(file) ?? btf;
    for (const row of group) {
      if ((options.prog !== undefined && options.prog !== row.prog) || (options.verdict !== undefined && options.verdict !== row.verdict))
        continue;
      if (options.sample !== undefined && counter++ % options.sample !== 0) continue;
      object ??= loadObject(new Uint8Array(readFileSync(join(oracleFolder()!, 'obj', `${file}.bpf.o`))), file, {
        kernelVersion: `${kernel}.0`,
        ...(cpus !== undefined && { cpus }),
        ...(relocatedFor && { kernelBtf: relocatedFor }),
      });
      yield compare(
        row,
        `${file}/${row.prog}`,
        object.programs.find((program) => program.name === row.prog),
        object,
        options,
      );
    }
  }
  if (options.older) return;
  for (const row of lines<MacroRow>(join(sharedFolder()!, 'oracle/macro-tests.jsonl'))) {
    const name = `${row.file}#${row.index}`;
    if (
      options.macro === false ||
      (options.file !== undefined && options.file !== row.file) ||
      (options.prog !== undefined && options.prog !== String(row.index)) ||
      (options.verdict !== undefined && options.verdict !== row.verdict)
    )
      continue;
    if (options.sample !== undefined && counter++ % options.sample !== 0) continue;
    // F_NEEDS_EFFICIENT_UNALIGNED_ACCESS, F_LOAD_WITH_STRICT_ALIGNMENT; all were sent with the invariants test.
    row.prog_flags = 128 | ((row.test_flags & 1) !== 0 ? 2 : 0) | ((row.test_flags & 2) !== 0 ? 1 : 0) | (row.test_flags & ~3);
    const { object, program } = macroObject(row);
    yield compare(row, name, program, object, options);
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
  if (
    row.total_states !== undefined &&
    (row.total_states !== statistics.totalStates ||
      row.peak_states !== statistics.peakStates ||
      row.max_states_per_insn !== statistics.maxStatesPerInsn)
  )
    kinds.push('states');
  if (row.stack_depth !== undefined && row.stack_depth.join('+') !== statistics.stackDepth.join('+')) kinds.push('depth');
  return kinds;
}

/** Counts over all rows: what the ratchet file holds. */
export interface Agreement {
  rows: number;
  verdictEqual: number;
  /** Of the programs that both refuse. */
  errorEqual: number;
  insnEqual: number;
  /** Of the programs that both accept. */
  processedEqual: number;
  statesEqual: number;
  depthEqual: number;
  /** Of the refused programs with line records: an explanation that says more than the catalogue's row, a causal path, an expression. */
  explained: number;
  withCauses: number;
  withExpression: number;
  /** Names of programs that we accept and the kernel refuses. */
  falseAccepts: string[];
  /** Equal verdicts by kind of program: `xdp: 120 of 121`. */
  kinds: Record<string, string>;
}

/** What test/verifier/agreement.json holds. */
export type Ratchet = Record<AskedKernel, Agreement>;

export const noAgreement = (): Agreement => ({
  rows: 0,
  verdictEqual: 0,
  errorEqual: 0,
  insnEqual: 0,
  processedEqual: 0,
  statesEqual: 0,
  depthEqual: 0,
  explained: 0,
  withCauses: 0,
  withExpression: 0,
  falseAccepts: [],
  kinds: {},
});

export function countAgreement(total: Agreement, comparison: Comparison): void {
  const kinds = differences(comparison);
  total.rows++;
  if (kinds.includes('false-accept')) total.falseAccepts.push(comparison.name);
  const different = kinds.includes('crash') || kinds.includes('false-accept') || kinds.includes('false-reject');
  const kind = kindOf(comparison.row);
  const [equal, , rows] = (total.kinds[kind] ?? '0 of 0').split(' ').map(Number);
  total.kinds[kind] = `${equal! + (different ? 0 : 1)} of ${rows! + 1}`;
  if (different) return;
  total.verdictEqual++;
  if (comparison.row.verdict === 'rejected') {
    if (!kinds.includes('error')) total.errorEqual++;
    if (!kinds.includes('insn')) total.insnEqual++;
    countWords(total, comparison);
    return;
  }
  if (!kinds.includes('processed')) total.processedEqual++;
  if (!kinds.includes('states')) total.statesEqual++;
  if (!kinds.includes('depth')) total.depthEqual++;
}

/** Attach types say more than the type where one type stands for several things. */
function kindOf(row: OracleRow): string {
  const attach = row.prog_type === 'tracing' ? attachTypeById(row.attach_type)?.name : undefined;
  return attach === undefined ? row.prog_type : attach.replace(/^BPF_(TRACE_)?/, '').toLowerCase();
}

const catalogue = new Map<string, string>(FINDINGS.map(({ code, explanation }) => [code, explanation]));

function countWords(total: Agreement, { program, verdict }: Comparison): void {
  const finding = verdict?.findings[0];
  if (!finding || !program || program.lines.length === 0) return;
  if (finding.explanation !== catalogue.get(finding.code)) total.explained++;
  if (finding.causes.length > 0) total.withCauses++;
  if (finding.expression !== undefined) total.withExpression++;
}

/** What has become worse than the ratchet says, one sentence each. */
export function regressions(kept: Agreement, now: Agreement): string[] {
  const worse: string[] = [];
  for (const key of [
    'rows',
    'verdictEqual',
    'errorEqual',
    'insnEqual',
    'processedEqual',
    'statesEqual',
    'depthEqual',
    'explained',
    'withCauses',
    'withExpression',
  ] as const) {
    if (now[key] < kept[key]) worse.push(`${key} fell from ${kept[key]} to ${now[key]}`);
  }
  for (const name of now.falseAccepts) if (!kept.falseAccepts.includes(name)) worse.push(`${name} is accepted, and the kernel refuses it`);
  return worse;
}
