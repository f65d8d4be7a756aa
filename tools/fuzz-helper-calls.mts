// Random helper calls, asked of our verifier and of the running kernel: program type, arguments, and what is done with the result
// are drawn by chance, mostly near what the helper asks for. Prints where the two differ.
// Run as root on Linux 6.18: npx tsx tools/fuzz-helper-calls.mts [--seed N] [--count N] [--helper NAME]

import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { readBtf, type Btf } from '../core/src/btf/index.ts';
import { attachType } from '../core/src/catalog/attach-types.ts';
import { contextRow } from '../core/src/catalog/contexts.ts';
import { type Helper, helperRule, HELPERS } from '../core/src/catalog/helpers.ts';
import { mapType } from '../core/src/catalog/map-types.ts';
import { decode } from '../core/src/isa/encoding.ts';
import type { LoadedObject, MapDefinition, Program } from '../core/src/program/index.ts';
import { verify } from '../core/src/verifier/index.ts';
import { openKernel, type KernelBridge } from '../test/support/kernel.ts';
import { BPF_F_SLEEPABLE, code } from './probe-contexts.mts';

type Row = [opcode: number, dst: number, src: number, off: number, imm: number];

/** Map type, key size, value size, entries, flags. */
const MAPS: readonly (readonly [string, number, number, number, number])[] = [
  ['hash', 8, 64, 4, 0],
  ['array', 4, 64, 4, 0],
  ['percpu_array', 4, 64, 4, 0],
  ['percpu_hash', 8, 64, 4, 0],
  ['lru_hash', 8, 64, 4, 0],
  ['prog_array', 4, 4, 4, 0],
  ['perf_event_array', 4, 4, 2, 0],
  ['stack_trace', 4, 64, 4, 0],
  ['cgroup_array', 4, 4, 1, 0],
  ['array_of_maps', 4, 4, 2, 0],
  ['hash_of_maps', 8, 4, 2, 0],
  ['devmap', 4, 4, 2, 0],
  ['sockmap', 4, 4, 2, 0],
  ['cpumap', 4, 4, 2, 0],
  ['xskmap', 4, 4, 2, 0],
  ['sockhash', 8, 4, 2, 0],
  ['reuseport_sockarray', 4, 8, 2, 0],
  ['queue', 0, 16, 4, 0],
  ['stack', 0, 16, 4, 0],
  ['ringbuf', 0, 0, 4096, 0],
  ['devmap_hash', 4, 4, 2, 0],
  ['bloom_filter', 0, 8, 4, 0],
  ['user_ringbuf', 0, 0, 4096, 0],
  // BPF_F_NO_PREALLOC, and BPF_F_RDONLY_PROG.
  ['lpm_trie', 8, 64, 4, 1],
  ['array', 4, 64, 4, 128],
];
const HASH = 0;
const ARRAY = 1;
const READ_ONLY = MAPS.length - 1;

const HOOKS: readonly (readonly [string, string | undefined])[] = [
  ['socket_filter', undefined],
  ['kprobe', undefined],
  ['sched_cls', undefined],
  ['tracepoint', undefined],
  ['xdp', undefined],
  ['perf_event', undefined],
  ['cgroup_skb', undefined],
  ['cgroup_sock', 'BPF_CGROUP_INET_SOCK_CREATE'],
  ['lwt_xmit', undefined],
  ['lwt_in', undefined],
  ['sock_ops', 'BPF_CGROUP_SOCK_OPS'],
  ['sk_skb', undefined],
  ['sk_msg', 'BPF_SK_MSG_VERDICT'],
  ['raw_tracepoint', undefined],
  ['cgroup_sock_addr', 'BPF_CGROUP_INET4_CONNECT'],
  ['sk_reuseport', undefined],
  ['flow_dissector', 'BPF_FLOW_DISSECTOR'],
  ['cgroup_sysctl', 'BPF_CGROUP_SYSCTL'],
  ['cgroup_sockopt', 'BPF_CGROUP_SETSOCKOPT'],
  ['sk_lookup', 'BPF_SK_LOOKUP'],
  ['syscall', undefined],
  ['cgroup_device', 'BPF_CGROUP_DEVICE'],
  ['netfilter', 'BPF_NETFILTER'],
];
/** How a program loads data and data_end: opcode and the two offsets in its context. */
const PACKETS: Readonly<Record<string, readonly [number, number, number]>> = {
  xdp: [0x61, 0, 4],
  sched_cls: [0x61, 76, 80],
  cgroup_skb: [0x61, 76, 80],
  lwt_xmit: [0x61, 76, 80],
  lwt_in: [0x61, 76, 80],
  sk_skb: [0x61, 76, 80],
  flow_dissector: [0x61, 76, 80],
  sk_msg: [0x79, 0, 8],
  sk_reuseport: [0x79, 0, 8],
  cgroup_sockopt: [0x79, 8, 16],
};

/** Refused on the kernel that the facts come from by its configuration, not by rule: see the note in its helper matrix. */
export const NOT_BY_RULE: readonly string[] = ['bpf_probe_write_user'];

export interface Difference {
  kind: 'we accept' | 'we refuse' | 'other words' | 'crash';
  kernel: string;
  ours: string;
  program: string;
}

export interface FuzzAnswer {
  programs: number;
  rejected: number;
  sameWords: number;
  differences: readonly Difference[];
}

function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

interface Candidate {
  type: string;
  attach: string | undefined;
  license: string;
  insns: Uint8Array;
  words: string;
}

function makeProgram(random: () => number, only: Helper | undefined): Candidate | undefined {
  const pick = <T,>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const helper = only ?? pick(HELPERS);
  const mayCall = HOOKS.filter(([type]) => type in helper.programTypes);
  if (mayCall.length === 0 || NOT_BY_RULE.includes(helper.name)) return undefined;
  const [type, attach] = random() < 0.9 ? pick(mayCall) : pick(HOOKS);
  const rows: Row[] = [
    [0xbf, 6, 1, 0, 0],
    [0x85, 0, 0, 0, 7],
    [0x7b, 10, 0, -136, 0],
  ];
  for (let offset = 8; offset <= 64; offset += 8) rows.push([0x7a, 10, 0, -offset, 0]);
  const toEnd: number[] = [];
  const hasValue = random() < 0.7;
  const packet = random() < 0.6 ? PACKETS[type] : undefined;
  if (hasValue) {
    rows.push(
      [0xbf, 2, 10, 0, 0],
      [0x07, 2, 0, 0, -8],
      [0x18, 1, 1, 0, random() < 0.3 ? READ_ONLY : HASH],
      [0, 0, 0, 0, 0],
      [0x85, 0, 0, 0, 1],
    );
    toEnd.push(rows.length);
    rows.push([0x15, 0, 0, 0, 0], [0xbf, 7, 0, 0, 0]);
  }
  if (packet) {
    const [opcode, start, end] = packet;
    rows.push([opcode, 8, 6, start, 0], [opcode, 9, 6, end, 0], [0xbf, 3, 8, 0, 0], [0x07, 3, 0, 0, 64]);
    toEnd.push(rows.length);
    rows.push([0x2d, 3, 9, 0, 0]);
  }
  type Source = (register: number) => [string, Row[]];
  const copy =
    (words: string, from: number, add: number): Source =>
    (register) => [words, [[0xbf, register, from, 0, 0], ...(add ? [[0x07, register, 0, 0, add] as Row] : [])]];
  const context = copy('ctx', 6, 0);
  const stack = copy('fp-64', 10, -64);
  const unset = copy('fp-128', 10, -128);
  const constant: Source = (register) => {
    const value = pick([0, 0, 0, 1, 4, 8, 8, 16, 64, 65, -1, 1 << 29]);
    return [String(value), [[0xb7, register, 0, 0, value]]];
  };
  const unknown: Source = (register) => ['unknown', [[0x79, register, 10, -136, 0]]];
  const masked =
    (mask: number): Source =>
    (register) => [
      `unknown & ${mask}`,
      [
        [0x79, register, 10, -136, 0],
        [0x57, register, 0, 0, mask],
      ],
    ];
  const anyMap =
    (index: number): Source =>
    (register) => [
      `map ${MAPS[index]![0]}`,
      [
        [0x18, register, 1, 0, index],
        [0, 0, 0, 0, 0],
      ],
    ];
  const values = hasValue ? [copy('value', 7, 0), copy('value+8', 7, 8)] : [];
  const packets = packet ? [copy('packet', 8, 0), copy('packet_end', 9, 0)] : [];
  const all: Source[] = [
    context,
    copy('ctx+8', 6, 8),
    stack,
    copy('fp-8', 10, -8),
    unset,
    copy('fp-520', 10, -520),
    anyMap(Math.floor(random() * MAPS.length)),
    constant,
    unknown,
    masked(63),
    masked(7),
    ...values,
    ...packets,
  ];
  const fitting = (kind: string): Source => {
    switch (kind) {
      case 'ctx':
        return context;
      case 'const_map_ptr': {
        const fits = MAPS.map((_, index) => index).filter((index) => mapType(MAPS[index]![0])!.onlyHelpers?.includes(helper.name) ?? true);
        return anyMap(fits.length > 0 && random() < 0.9 ? pick(fits) : Math.floor(random() * MAPS.length));
      }
      case 'mem':
      case 'fixed_size_mem':
      case 'map_key':
      case 'map_value':
        return pick([stack, stack, unset, ...values, ...packets]);
      case 'const_size':
      case 'const_size_or_zero':
      case 'const_alloc_size_or_zero':
        return pick([constant, constant, masked(63), masked(7)]);
      case 'dynptr':
      case 'stack':
        return stack;
      default:
        return pick([constant, unknown]);
    }
  };
  const words: string[] = [];
  helperRule(helper, type).arguments.forEach((rule, index) => {
    const [text, made] = (random() < 0.85 ? fitting(rule.kind) : pick(all))(index + 1);
    words.push(text);
    rows.push(...made);
  });
  rows.push([0x85, 0, 0, 0, helper.id]);
  const use = pick(['nothing', 'nothing', 'load', 'check and load', 'check and store', 'release']);
  if (use !== 'nothing' && use !== 'load') {
    toEnd.push(rows.length);
    rows.push([0x15, 0, 0, 0, 0]);
  }
  if (use === 'load') rows.push([0x71, 1, 0, 0, 0]);
  else if (use === 'check and load') rows.push([0x71, 1, 0, pick([0, 7, 8, 63, 64]), 0]);
  else if (use === 'check and store') rows.push([0x72, 0, 0, pick([0, 7, 63]), 1]);
  else if (use === 'release') rows.push([0xbf, 1, 0, 0, 0], [0xb7, 2, 0, 0, 0], [0x85, 0, 0, 0, pick([86, 132, 133])]);
  for (const jump of toEnd) rows[jump]![3] = rows.length - jump - 1;
  rows.push([0xb7, 0, 0, 0, contextRow(type, attach)?.returns?.[0] ?? 0], [0x95, 0, 0, 0, 0]);
  return {
    type,
    attach,
    license: random() < 0.97 ? 'GPL' : 'MIT',
    insns: code(...rows),
    words: `${type}: ${helper.name}(${words.join(', ')}), then ${use}`,
  };
}

/** The first line of a level-1 log that is neither an instruction nor a state. */
export function firstError(log: string): string {
  const line =
    log
      .split('\n')
      .find(
        (text) => text !== '' && !/^(\d+: |;|from \d|processed |verification time|stack depth|mark_precise|caller:|callee:|\s)/.test(text),
      ) ?? '';
  // One message of the kernel ends without a line break.
  return line.replace(/processed \d+ insns .*$/, '');
}

export async function fuzzHelperCalls(
  kernel: KernelBridge,
  kernelBtf: Btf | undefined,
  options: { seed: number; count: number; helper?: Helper },
): Promise<FuzzAnswer> {
  const random = randomFrom(options.seed);
  const fds: number[] = [];
  const maps: MapDefinition[] = [];
  for (const [type, keySize, valueSize, maxEntries, flags] of MAPS) {
    const nested = type.endsWith('of_maps');
    fds.push(
      await kernel.createMap({ type, keySize, valueSize, maxEntries, flags, name: type, ...(nested ? { innerFd: fds[ARRAY]! } : {}) }),
    );
    maps.push({
      name: type,
      type,
      typeId: mapType(type)!.id,
      keySize,
      valueSize,
      maxEntries,
      flags,
      ...(nested ? { inner: maps[ARRAY]! } : {}),
    });
  }
  const differences: Difference[] = [];
  let programs = 0;
  let rejected = 0;
  let sameWords = 0;
  for (let round = 0; round < options.count; round++) {
    const candidate = makeProgram(random, options.helper);
    if (!candidate) continue;
    const { type, attach, license } = candidate;
    const insns = decode(candidate.insns);
    const progFlags = type === 'syscall' ? BPF_F_SLEEPABLE : 0;
    const answer = await kernel.load({
      type,
      insns,
      maps: fds,
      license,
      progFlags,
      logLevel: 1,
      ...(attach ? { attachType: attachType(attach)!.id } : {}),
    });
    if (answer.fd >= 0) await kernel.closeFd(answer.fd);
    const words = firstError(answer.log);
    // The kernel can also run out of memory, which says nothing about the program.
    if (answer.verdict === 'rejected' && words === '') continue;
    programs++;
    const program: Program = {
      name: 'main',
      section: '',
      type,
      sleepable: progFlags !== 0,
      autoload: true,
      license,
      insns,
      subprograms: [{ name: 'main', start: 0, end: insns.length, linkage: 'global' }],
      lines: [],
      coreRelocations: [],
      kfuncs: [],
      ksyms: [],
      flags: progFlags,
      problems: [],
      ...(attach ? { attachType: attach } : {}),
    };
    const object: LoadedObject = { file: 'fuzz', programs: [program], maps, license, runnable: true, problems: [] };
    const note = (kind: Difference['kind'], ours: string): void =>
      void differences.push({ kind, kernel: words || 'accepted', ours, program: candidate.words });
    try {
      const verdict = verify(program, object, { kernel: '6.18', progFlags, cpus: cpus().length, ...(kernelBtf ? { kernelBtf } : {}) });
      const ours = verdict.findings[0]?.message ?? 'accepted';
      if (answer.verdict === 'rejected') rejected++;
      if ((answer.verdict === 'loaded') !== (verdict.verdict === 'accepted'))
        note(verdict.verdict === 'accepted' ? 'we accept' : 'we refuse', ours);
      else if (answer.verdict === 'rejected' && ours !== words) note('other words', ours);
      else if (answer.verdict === 'rejected') sameWords++;
    } catch (thrown) {
      note('crash', (thrown as Error).stack ?? String(thrown));
    }
  }
  for (const fd of fds) await kernel.closeFd(fd);
  return { programs, rejected, sameWords, differences };
}

const BTF = '/sys/kernel/btf/vmlinux';
export const kernelTypes = (): Btf | undefined => (existsSync(BTF) ? readBtf(new Uint8Array(readFileSync(BTF))).btf : undefined);

async function main(): Promise<void> {
  const argument = (name: string): string | undefined => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? undefined : process.argv[at + 1];
  };
  const kernel = await openKernel();
  if (!kernel) process.exit(1);
  const name = argument('helper');
  const helper = name === undefined ? undefined : HELPERS.find((one) => one.name === name);
  const answer = await fuzzHelperCalls(kernel, kernelTypes(), {
    seed: Number(argument('seed') ?? 1),
    count: Number(argument('count') ?? 3000),
    ...(helper ? { helper } : {}),
  });
  kernel.close();
  for (const { kind, kernel: theirs, ours, program } of answer.differences)
    console.log(`${kind}\n  kernel: ${theirs}\n  ours:   ${ours}\n  ${program}`);
  console.log(
    `${answer.programs} programs, ${answer.rejected} rejected by the kernel, ${answer.sameWords} of them in the same words, ${answer.differences.length} differences`,
  );
  process.exitCode = answer.differences.some(({ kind }) => kind === 'we accept' || kind === 'crash') ? 1 : 0;
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) await main();
