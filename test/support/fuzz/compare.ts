// Asks our verifier and the kernel about a generated program and says where the two differ; makes a differing program small.

import os from 'node:os';
import { type Btf, type BtfType, readBtf, writeBtf } from '#core/btf';
import { attachType, mapType } from '#core/catalog';
import { BPF_PSEUDO_MAP_FD, disassemble, type Insn, isLdImm64 } from '#core/isa';
import type { LoadedObject, MapDefinition, Program } from '#core/program';
import { verify, type Verdict, type VerifyOptions } from '#core/verifier';
import type { KernelBridge, LoadAnswer } from '../kernel.ts';
import { type Item, itemsOf, place, without } from './code.ts';
import type { FuzzProgram } from './generator.ts';
import { FUZZ_MAPS, type Hook, PROGS } from './hooks.ts';

export const fuzzMaps: readonly MapDefinition[] = FUZZ_MAPS.map(({ type, ...sizes }, i) => ({
  name: `${type}${i}`,
  type,
  typeId: mapType(type)!.id,
  flags: 0,
  ...sizes,
}));

export function functionTypes({ functions }: FuzzProgram): { blob: Uint8Array; funcInfo: Uint8Array; typeIds: readonly number[] } {
  const types: BtfType[] = [{ kind: 'int', id: 1, name: 'int', size: 4, signed: true, char: false, bool: false, bits: 32, bitOffset: 0 }];
  const funcInfo = new DataView(new ArrayBuffer(8 * functions.length));
  const typeIds = functions.map(({ name, start, linkage, args }, i) => {
    const count = linkage === 'global' && i > 0 ? args : 0;
    types.push({
      kind: 'func_proto',
      id: types.length + 1,
      name: '',
      type: 1,
      parameters: Array.from({ length: count }, (_, at) => ({ name: `a${at}`, type: 1 })),
    });
    types.push({ kind: 'func', id: types.length + 1, name, type: types.length, linkage });
    funcInfo.setUint32(8 * i, start, true);
    funcInfo.setUint32(8 * i + 4, types.length, true);
    return types.length;
  });
  return { blob: writeBtf(types), funcInfo: new Uint8Array(funcInfo.buffer), typeIds };
}

/** The program as a loader would give it, for our verifier and the simulated kernel. */
export function objectOf(fuzz: FuzzProgram): { program: Program; object: LoadedObject } {
  const { hook, insns, functions, flags } = fuzz;
  const types = fuzz.btf ? functionTypes(fuzz) : undefined;
  const btf: Btf | undefined = types && readBtf(types.blob).btf;
  // Without BTF a function begins where something calls it.
  const subprograms = functions.map(({ name, start, linkage }, i) => ({
    name,
    start,
    end: functions[i + 1]?.start ?? insns.length,
    linkage: fuzz.btf ? linkage : ('static' as const),
    ...(types && { funcTypeId: types.typeIds[i]! }),
  }));
  const program: Program = {
    name: 'main',
    section: '',
    type: hook.type,
    sleepable: false,
    autoload: true,
    license: 'GPL',
    insns,
    subprograms,
    lines: [],
    coreRelocations: [],
    kfuncs: [],
    ksyms: [],
    flags,
    problems: [],
    ...(hook.attach !== undefined && { attachType: hook.attach }),
  };
  return {
    program,
    object: { file: 'fuzz', programs: [program], maps: fuzzMaps, license: 'GPL', runnable: true, problems: [], ...(btf && { btf }) },
  };
}

export const judge = (fuzz: FuzzProgram, options: Partial<VerifyOptions> = {}): Verdict => {
  const { program, object } = objectOf(fuzz);
  return verify(program, object, { kernel: '6.18', progFlags: fuzz.flags, cpus: os.cpus().length, ...options });
};

/** The maps of all programs; but a prog_array belongs to the program type that used it first, so that each hook has its own. */
export class KernelMaps {
  private readonly shared: number[] = [];
  private readonly progs = new Map<string, number>();

  private constructor(private readonly kernel: KernelBridge) {}

  static async create(kernel: KernelBridge): Promise<KernelMaps> {
    const maps = new KernelMaps(kernel);
    for (const map of fuzzMaps) maps.shared.push(await maps.make(map));
    return maps;
  }

  async of({ type, attach }: Hook): Promise<number[]> {
    const name = `${type} ${attach ?? ''}`;
    let progs = this.progs.get(name);
    if (progs === undefined) this.progs.set(name, (progs = await this.make(fuzzMaps[PROGS]!)));
    return this.shared.map((fd, i) => (i === PROGS ? progs : fd));
  }

  async close(): Promise<void> {
    for (const fd of [...this.shared, ...this.progs.values()]) await this.kernel.closeFd(fd);
  }

  private make({ type, keySize, valueSize, maxEntries, name }: MapDefinition): Promise<number> {
    return this.kernel.createMap({ type, keySize, valueSize, maxEntries, name });
  }
}

/** What the kernel answers; the caller closes `fd`. */
export async function ask(kernel: KernelBridge, maps: KernelMaps, fuzz: FuzzProgram, logLevel: number, logSize = 0): Promise<LoadAnswer> {
  const { hook, flags } = fuzz;
  // The index of no map is the descriptor of nothing.
  const insns = fuzz.insns.map((insn) =>
    isLdImm64(insn) && insn.src === BPF_PSEUDO_MAP_FD && (insn.imm < 0 || insn.imm >= fuzzMaps.length) ? { ...insn, imm: -1 } : insn,
  );
  const types = fuzz.btf ? functionTypes(fuzz) : undefined;
  const btfFd = types && (await kernel.loadBtf(types.blob));
  const answer = await kernel.load({
    type: hook.type,
    insns,
    maps: await maps.of(hook),
    license: 'GPL',
    progFlags: flags,
    logLevel,
    logSize,
    ...(hook.attach !== undefined && { attachType: attachType(hook.attach)!.id }),
    ...(types && { btfFd: btfFd!, funcInfo: { bytes: types.funcInfo, recordSize: 8 } }),
  });
  if (btfFd !== undefined) await kernel.closeFd(btfFd);
  return answer;
}

const NO_MESSAGE =
  /^(\d+: |;|from \d|processed |verification time|stack depth|mark_precise|func#|Func#|Validating |Live regs|caller:|callee:|returning from callee:|to caller at |cur state:|old state:|\s)/;

/** The first line of a log that is neither an instruction nor a state. */
export function firstMessage(log: string): string {
  const line = log.split('\n').find((text) => text !== '' && !NO_MESSAGE.test(text)) ?? '';
  return line.replace(/(verification time|processed) \d+ (usec|insns).*$/, '');
}

/** In order of gravity. */
export const KINDS = ['crash', 'we accept', 'we refuse', 'errno', 'words', 'insn', 'counts', 'depth', 'log'] as const;
export type DifferenceKind = (typeof KINDS)[number];

export interface Difference {
  readonly kind: DifferenceKind;
  readonly kernel: string;
  readonly ours: string;
}

export interface Judgement {
  readonly accepted: boolean;
  readonly difference: Difference | undefined;
}

/** Steps of the walk after which a program is left: one of a million would cost as much as ten thousand small ones. */
const MAX_STEPS = 8;
const INSNS_PER_STEP = 1024;
export const MAX_WALKED = MAX_STEPS * INSNS_PER_STEP;

/** Undefined where the kernel gave no verdict (out of memory, or a log too long), and for programs that take longer than MAX_WALKED. */
export async function compare(
  kernel: KernelBridge,
  maps: KernelMaps,
  fuzz: FuzzProgram,
  { logs = false } = {},
): Promise<Judgement | undefined> {
  let verdict: Verdict | undefined;
  let crash = '';
  let steps = 0;
  try {
    verdict = judge(fuzz, { logLevel: logs ? 6 : 0, explain: false, cancelled: () => ++steps > MAX_STEPS });
  } catch (thrown) {
    crash = (thrown as Error).stack ?? String(thrown);
  }
  if (verdict?.verdict === 'cancelled') return undefined;
  const load = async (): Promise<LoadAnswer> => {
    const loaded = await ask(kernel, maps, fuzz, logs ? 6 : 5, logs ? 16 << 20 : 0);
    if (loaded.fd >= 0) await kernel.closeFd(loaded.fd);
    return loaded;
  };
  let answer = await load();
  // A refusal without a word is about the machine's memory or a signal, and mostly gone the next time.
  for (let again = 0; again < 3 && answer.verdict === 'rejected' && firstMessage(answer.log) === ''; again++) answer = await load();
  const accepted = answer.verdict === 'loaded';
  if (!accepted && (answer.errno === os.constants.errno.ENOMEM || answer.errno === os.constants.errno.ENOSPC || answer.log === ''))
    return undefined;
  // The generator changed what its func_info says: no loader would send that.
  // Nor would it send calls of kfuncs by a number that means nothing.
  if (
    /^(number of funcs in func_info|kernel btf_id |kernel function btf|invalid kernel function|offset greater than zero)/.test(
      firstMessage(answer.log),
    )
  )
    return undefined;
  const differs = (kind: DifferenceKind, theirs: string, ours: string): Judgement => ({
    accepted,
    difference: { kind, kernel: theirs, ours },
  });
  if (!verdict) return differs('crash', accepted ? 'accepted' : firstMessage(answer.log), crash);
  const finding = verdict.findings[0];
  const words = accepted ? 'accepted' : firstMessage(answer.log) || `errno ${answer.errno} without a word`;
  const ours = verdict.verdict === 'accepted' ? 'accepted' : finding!.message;
  if (accepted !== (verdict.verdict === 'accepted'))
    return differs(accepted ? 'we refuse' : 'we accept', words, `${ours}${finding ? ` at ${finding.insn}` : ''}`);
  if (!accepted) {
    // Not in user space's list: the kernel's own ENOTSUPP.
    const errno = verdict.errno === 'ENOTSUPP' ? 524 : os.constants.errno[verdict.errno as keyof typeof os.constants.errno];
    if (errno !== answer.errno) return differs('errno', `${words}: errno ${answer.errno}`, `${ours}: ${verdict.errno}`);
    if (
      words !== ours &&
      !(words.startsWith('fd -1 is not') && ours.startsWith('fd ')) &&
      !words.startsWith('verifier bug: No program to jit')
    )
      return differs('words', words, ours);
    const printed = [...answer.log.matchAll(/^(\d+): \([0-9a-f]{2}\) /gm)].at(-1)?.[1];
    if (printed !== undefined && Number(printed) !== finding!.insn && !words.startsWith('infinite loop'))
      return differs('insn', `${words} at ${printed}`, `at ${finding!.insn}`);
  } else {
    const count = /processed (\d+) insns .* max_states_per_insn (\d+) total_states (\d+) peak_states (\d+)/
      .exec(answer.log)!
      .slice(1)
      .join(' ');
    const { processed, maxStatesPerInsn, totalStates, peakStates, stackDepth } = verdict.statistics;
    const counted = `${processed} ${maxStatesPerInsn} ${totalStates} ${peakStates}`;
    if (count !== counted && !logs) return differs('counts', count, counted);
    const depth = /^stack depth (.*)$/m.exec(answer.log)?.[1];
    if (depth !== undefined && depth !== stackDepth.join('+')) return differs('depth', depth, stackDepth.join('+'));
  }
  if (logs) {
    const theirLines = answer.log.split('\n');
    const ourLines = verdict.log.split('\n');
    const at = theirLines.findIndex((line, i) => line !== ourLines[i] && !line.startsWith('verification time'));
    if (at >= 0)
      return differs(
        'log',
        `${at}: ${theirLines.slice(Math.max(0, at - 3), at + 1).join('\n')}`,
        `${ourLines.slice(Math.max(0, at - 3), at + 1).join('\n')}`,
      );
  }
  return { accepted, difference: undefined };
}

/** The same program with other instructions; functions begin where their first instruction went. */
function rebuilt(fuzz: FuzzProgram, items: readonly Item[], functions: readonly { item: number; index: number }[]): FuzzProgram {
  const { insns, slotOf } = place(items);
  return { ...fuzz, insns, functions: functions.map(({ item, index }) => ({ ...fuzz.functions[index]!, start: slotOf[item]! })) };
}

const MAX_SHRINKING_MS = 20_000;

/** Takes instructions out as long as the program fails in the same way, for a while. */
export async function shrink(fuzz: FuzzProgram, fails: (candidate: FuzzProgram) => Promise<boolean>): Promise<FuzzProgram> {
  let smallest = fuzz;
  const end = performance.now() + MAX_SHRINKING_MS;
  for (const flag of [1, 8, 128]) {
    const candidate = { ...smallest, flags: smallest.flags & ~flag };
    if (candidate.flags !== smallest.flags && (await fails(candidate))) smallest = candidate;
  }
  for (let shorter = true; shorter;) {
    shorter = false;
    for (let size = Math.max(1, itemsOf(smallest.insns).items.length >> 1); size >= 1; size >>= 1) {
      for (let from = itemsOf(smallest.insns).items.length - size; from >= 0 && performance.now() < end; from -= size) {
        const { items, itemAt } = itemsOf(smallest.insns);
        if (from + size > items.length) continue;
        const moved = (at: number): number => (at <= from ? at : at < from + size ? from : at - size);
        const starts = smallest.functions.map(({ start }, index) => ({ item: moved(itemAt.get(start)!), index }));
        const left = without(items, from, size);
        // A function that lost all its instructions is gone.
        const functions = starts.filter(({ item }, i) => item < left.length && starts[i + 1]?.item !== item);
        if (functions[0]?.item !== 0 || functions[0].index !== 0) continue;
        const candidate = rebuilt({ ...smallest, functions: smallest.functions }, left, functions);
        if (await fails(candidate)) {
          smallest = candidate;
          shorter = true;
        }
      }
    }
  }
  return smallest;
}

/** The same kind of difference, with the same words but for numbers. */
export async function shrinkDifference(
  kernel: KernelBridge,
  maps: KernelMaps,
  fuzz: FuzzProgram,
  wanted: Difference,
  logs = false,
): Promise<FuzzProgram> {
  const blurred = (text: string): string => text.replace(/-?\d+/g, 'N');
  const strict = wanted.kind === 'we accept' || wanted.kind === 'we refuse' || wanted.kind === 'words' || wanted.kind === 'errno';
  return shrink(fuzz, async (candidate) => {
    const found = (await compare(kernel, maps, candidate, { logs }))?.difference;
    return (
      found?.kind === wanted.kind &&
      (!strict || (blurred(found.kernel) === blurred(wanted.kernel) && blurred(found.ours) === blurred(wanted.ours)))
    );
  });
}

/** Compact text that a test can hold: hook, flags, functions and the instructions' bytes are in the program; this is for people. */
export const listing = ({ hook, flags, insns, functions }: FuzzProgram): string =>
  [
    `${hook.type}${hook.attach === undefined ? '' : ` ${hook.attach}`} flags=${flags}${functions.length > 1 ? ` functions ${functions.map(({ name, start, linkage }) => `${linkage} ${name}@${start}`).join(', ')}` : ''}`,
    ...disassembled(insns),
  ].join('\n');

const disassembled = (insns: readonly Insn[]): string[] => disassemble(insns).map(({ slot, text }) => `${slot}: ${text}`);
