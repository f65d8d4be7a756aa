// Asks the running kernel what a program of each type may read and write in its context, and what it may return, and writes the answers
// as a table: core/src/catalog/context-table.ts. Run as root on the kernel whose answers are wanted: npx tsx tools/probe-contexts.mts
// Loads only; never attaches. Types whose context follows the attach target's BTF (tracing, lsm, struct_ops, ext) cannot be asked this way.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readBtf, resolve, sizeOf, type Btf, type BtfComposite } from '../core/src/btf/index.ts';
import { ATTACH_TYPES, attachType as attachTypeRow } from '../core/src/catalog/attach-types.ts';
import { PROGRAM_TYPES } from '../core/src/catalog/program-types.ts';
import type { ContextField, ContextRow, ContextRange } from '../core/src/catalog/types.ts';
import { openKernel, type KernelBridge } from '../test/support/kernel.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export const BPF_F_SLEEPABLE = 16;
const LOAD = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 } as const;
const STORE = { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b } as const;
export const SIZES = [1, 2, 4, 8] as const;
type Size = (typeof SIZES)[number];

/** Rows of [opcode, dst, src, off, imm]. */
export function code(...rows: readonly (readonly [number, number, number, number, number])[]): Uint8Array {
  const bytes = new Uint8Array(rows.length * 8);
  const view = new DataView(bytes.buffer);
  rows.forEach(([opcode, dst, src, off, imm], index) => {
    bytes[index * 8] = opcode;
    bytes[index * 8 + 1] = dst | (src << 4);
    view.setInt16(index * 8 + 2, off, true);
    view.setInt32(index * 8 + 4, imm, true);
  });
  return bytes;
}

export interface Hook {
  type: string;
  attachType: string | undefined;
  sleepable: boolean;
}

async function load(kernel: KernelBridge, hook: Hook, insns: Uint8Array): Promise<{ ok: boolean; log: string }> {
  const answer = await kernel.load({
    type: hook.type,
    insns,
    logLevel: 2,
    progFlags: hook.sleepable ? BPF_F_SLEEPABLE : 0,
    ...(hook.attachType === undefined ? {} : { attachType: attachTypeRow(hook.attachType)!.id }),
  });
  if (answer.fd >= 0) await kernel.closeFd(answer.fd);
  return { ok: answer.verdict === 'loaded', log: answer.log };
}

/** The verifier's words for a register, made to a pointer kind of ours. */
function kindOf(state: string): string {
  const kind = /^([a-z_0-9]+)/.exec(state)?.[1] ?? 'scalar';
  const names: Record<string, string> = { pkt: 'packet', pkt_meta: 'packet_meta', pkt_end: 'packet_end', sock: 'socket' };
  if (/^-?\d/.test(state)) return 'scalar';
  const base = kind.replace(/_or_null$/, '');
  return `${names[base] ?? base}${kind.endsWith('_or_null') ? '_or_null' : ''}`;
}

/** What a load gives: a kind, or undefined where the kernel refuses it. */
export async function askRead(kernel: KernelBridge, hook: Hook, offset: number, size: Size, returns: number): Promise<string | undefined> {
  const { ok, log } = await load(kernel, hook, code([LOAD[size], 2, 1, offset, 0], [0xb7, 0, 0, 0, returns], [0x95, 0, 0, 0, 0]));
  if (!ok) return undefined;
  const state = /^0: \([0-9a-f]+\) .*; .*?R2(?:_w)?=(\S+)/m.exec(log);
  if (!state) throw new Error(`no state of R2 in the log of ${hook.type} +${offset} size ${size}:\n${log}`);
  return kindOf(state[1]!);
}

export async function askWrite(kernel: KernelBridge, hook: Hook, offset: number, size: Size, returns: number): Promise<boolean> {
  return (await load(kernel, hook, code([0xb7, 2, 0, 0, 0], [STORE[size], 1, 2, offset, 0], [0xb7, 0, 0, 0, returns], [0x95, 0, 0, 0, 0])))
    .ok;
}

/** The values a program may return: undefined where any will do. */
export async function askReturn(kernel: KernelBridge, hook: Hook): Promise<readonly [number, number] | undefined> {
  // bpf_get_prandom_u32 returns what the verifier knows nothing of: the refusal names the range.
  const { log } = await load(kernel, hook, code([0x85, 0, 0, 0, 7], [0x95, 0, 0, 0, 0]));
  const range = /should have been in \[(-?\d+), (-?\d+)\]/.exec(log);
  return range ? [Number(range[1]), Number(range[2])] : undefined;
}

/** How far to ask: the struct's size, or what the kernel allows where the context is no struct. */
const EXTENTS: Record<string, number> = { tracepoint: 8192, raw_tracepoint: 128, raw_tracepoint_writable: 128, syscall: 512, kprobe: 168 };

/** One range for each run of equal answers. A BTF pointer's struct goes into a field of its own. */
function compress(answers: readonly { offset: number; gives: string }[], size: number): ContextRange[] {
  const ranges: ContextRange[] = [];
  for (const { offset, gives } of answers) {
    const [, value, struct] = /^(trusted_ptr)_(\w+)$/.exec(gives) ?? [gives, gives];
    const last = ranges.at(-1);
    if (last && last.gives === value && last.struct === struct && offset === last.to + size) last.to = offset;
    else
      ranges.push({ size: size as Size, from: offset, to: offset, gives: value as ContextRange['gives'], ...(struct ? { struct } : {}) });
  }
  return ranges;
}

async function probe(
  kernel: KernelBridge,
  hook: Hook,
  extent: number,
): Promise<Omit<ContextRow, 'programType' | 'attachTypes'> | undefined> {
  const returnRange = await askReturn(kernel, hook);
  const returns = returnRange ? returnRange[0] : 0;
  const bare = await load(kernel, hook, code([0xb7, 0, 0, 0, returns], [0x95, 0, 0, 0, 0]));
  if (!bare.ok) return undefined;
  const reads: ContextRange[] = [];
  const writes: ContextRange[] = [];
  for (const size of SIZES) {
    const readable: { offset: number; gives: string }[] = [];
    const writable: { offset: number; gives: string }[] = [];
    for (let offset = 0; offset <= extent + 16; offset += size) {
      const gives = await askRead(kernel, hook, offset, size, returns);
      if (gives !== undefined) readable.push({ offset, gives });
      if (extent <= 512 && (await askWrite(kernel, hook, offset, size, returns))) writable.push({ offset, gives: 'scalar' });
    }
    reads.push(...compress(readable, size));
    writes.push(...compress(writable, size));
    if (hook.type !== 'syscall') continue;
    // An instruction's offset ends at 32767, this context at 65535 (U16_MAX): beyond what was asked the rule is the same.
    for (const ranges of [reads, writes]) ranges.at(-1)!.to = Math.floor(65534 / size) * size;
  }
  return { reads, writes, ...(returnRange ? { returns: returnRange } : {}) };
}

/** Fields of the context struct, from the kernel's own BTF. */
function fieldsOf(btf: Btf, context: string | undefined): { size: number; fields: ContextField[] } | undefined {
  const name = context === undefined ? undefined : /^struct (\w+)$/.exec(context)?.[1];
  if (!name) return undefined;
  const type = btf.type(btf.find(name, 'struct') ?? 0);
  return type?.kind === 'struct' ? { size: type.size, fields: flatten(btf, type, 0) } : undefined;
}

/** Members of anonymous structs and unions stand among the others; padding without a name does not. */
function flatten(btf: Btf, composite: BtfComposite, base: number): ContextField[] {
  return composite.members.flatMap((member): ContextField[] => {
    const offset = base + member.bitOffset / 8;
    if (member.name === '') {
      const inner = resolve(btf, member.type);
      return member.bitSize === 0 && (inner?.kind === 'struct' || inner?.kind === 'union') ? flatten(btf, inner, offset) : [];
    }
    return [{ name: member.name, offset, size: sizeOf(btf, member.type) ?? 0, type: typeText(btf, member.type) }];
  });
}

function typeText(btf: Btf, id: number): string {
  const type = btf.type(id);
  switch (type?.kind) {
    case undefined:
    case 'void':
      return 'void';
    case 'ptr': {
      const target = typeText(btf, type.type);
      return target.endsWith('*') ? `${target}*` : `${target} *`;
    }
    case 'const':
      return `const ${typeText(btf, type.type)}`;
    case 'volatile':
    case 'restrict':
    case 'type_tag':
      return typeText(btf, type.type);
    case 'array':
      return `${typeText(btf, type.type)}[${type.count}]`;
    case 'struct':
    case 'union':
    case 'enum':
      return `${type.kind} ${type.name}`;
    default:
      return type?.name ?? 'void';
  }
}

const HEADER =
  '// What the context of each program type is and allows, as a running Linux 6.18 (x86-64) answered.\n// Generated by tools/probe-contexts.mts: edit that, not this.\n\n';

function source(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(source).join(', ')}]`;
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, entry]) => `${key}: ${source(entry)}`)
      .join(', ')} }`;
  return String(value);
}

async function main(): Promise<void> {
  const kernel = await openKernel();
  if (!kernel) process.exit(1);
  const { btf } = readBtf(new Uint8Array(readFileSync('/sys/kernel/btf/vmlinux')));
  const rows: ContextRow[] = [];
  const unanswered: string[] = [];
  const structs = new Map<string, { size: number; fields: ContextField[] }>();
  for (const type of PROGRAM_TYPES) {
    const known = btf && fieldsOf(btf, type.context);
    if (known) structs.set(type.context!.replace('struct ', ''), known);
    const attachTypes = ATTACH_TYPES.filter((row) => row.programType === type.name).map((row) => row.name);
    const hooks: (string | undefined)[] =
      attachTypes.length === 0 || ['xdp', 'sched_cls', 'kprobe', 'sk_skb', 'cgroup_skb', 'sk_reuseport'].includes(type.name)
        ? [undefined, ...attachTypes]
        : attachTypes;
    const extent = EXTENTS[type.name] ?? known?.size ?? 64;
    for (const attachType of hooks) {
      const answer = await probe(kernel, { type: type.name, attachType, sleepable: type.name === 'syscall' }, extent);
      if (!answer) {
        unanswered.push(attachType ?? type.name);
        continue;
      }
      const same = rows.find(
        (row) =>
          row.programType === type.name &&
          source([row.reads, row.writes, row.returns]) === source([answer.reads, answer.writes, answer.returns]),
      );
      if (same) (same.attachTypes as (string | null)[]).push(attachType ?? null);
      else rows.push({ programType: type.name, attachTypes: [attachType ?? null], ...answer });
    }
    console.log(type.name, rows.filter((row) => row.programType === type.name).length, 'rows');
  }
  kernel.close();
  console.log('not answered:', unanswered.join(' '));
  const text =
    HEADER +
    "import type { ContextRow, ContextStruct } from './types.ts';\n\n" +
    `export const CONTEXT_ROWS: readonly ContextRow[] = [\n${rows.map((row) => `  ${source(row)},\n`).join('')}];\n\n` +
    `export const CONTEXT_STRUCTS: readonly ContextStruct[] = [\n${[...structs].map(([name, { size, fields }]) => `  ${source({ name, size, fields })},\n`).join('')}];\n`;
  writeFileSync(join(root, 'core/src/catalog/context-table.ts'), text);
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) await main();
