// The corpus as other compilers build it (tools/rebuild-corpus.mts makes the objects): each loaded by our loader, its debug information
// read, and every variable's location counted by what it is, or by the cause why it has none.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readBtf, type Btf } from '#core/btf';
import { readDwarf, type Dwarf, type DwarfVariable, type ExpressionMachine } from '#core/dwarf';
import { readElf } from '#core/elf';
import { loadObject } from '#core/program';
import { buildC } from './build-c.ts';
import { repository } from './requirements.ts';

export const COMPILERS = ['clang-14', 'clang-16', 'clang-19', 'clang-22', 'zig', 'bpf-gcc'] as const;
export type Compiler = (typeof COMPILERS)[number];

export interface RebuiltCounts {
  /** `--version` or DW_AT_producer of the first object: counts belong to one compiler. */
  producer: string;
  /** Objects that the compiler could make. */
  objects: number;
  /** Of them loaded without an error of ours. */
  clean: number;
  /** Objects with an error of ours where libbpf has none, and the error: what is wrong with our loader. */
  oursOnly: Record<string, string>;
  /** Errors of ours that libbpf has in the same object, by code. */
  asLibbpf: Record<string, number>;
  /** What our DWARF reader complained about, by code. */
  debugProblems: Record<string, number>;
  /** Variables at every eighth instruction of every function, by what their location is or why there is none. */
  locations: Record<string, number>;
}

export const RATCHET = path.join(repository, 'test/loader/rebuilt.json');
export const readRatchet = (): Partial<Record<Compiler, RebuiltCounts>> =>
  existsSync(RATCHET) ? (JSON.parse(readFileSync(RATCHET, 'utf8')) as Partial<Record<Compiler, RebuiltCounts>>) : {};

const VMLINUX = '/sys/kernel/btf/vmlinux';
const machine: ExpressionMachine = { register: () => 5n, entryRegister: () => 1n, read: () => 7n, globalAddress: () => 0x1000n };
const STEP = 64;

let kernelBtf: Btf | undefined;

/** Counts the objects of one folder; `say` hears of each error of ours. */
export function countRebuilt(folder: string, names?: readonly string[], say?: (line: string) => void): RebuiltCounts {
  kernelBtf ??= existsSync(VMLINUX) ? readBtf(readFileSync(VMLINUX)).btf : undefined;
  const counts: RebuiltCounts = { producer: '', objects: 0, clean: 0, oursOnly: {}, asLibbpf: {}, debugProblems: {}, locations: {} };
  const bump = (table: Record<string, number>, key: string, by = 1): void => void (table[key] = (table[key] ?? 0) + by);
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.bpf.o'))
    .sort()) {
    const name = file.replace(/\.bpf\.o$/, '');
    if (names && !names.includes(name)) continue;
    const bytes = new Uint8Array(readFileSync(path.join(folder, file)));
    counts.objects++;
    const object = loadObject(bytes, file, {
      ...(kernelBtf ? { kernelBtf } : {}),
      cpus: 2,
      kernelVersion: '6.18.44',
      kernelAddress: () => 0x1000n,
    });
    const errors = [...object.problems, ...object.programs.flatMap(({ problems }) => problems)].filter(
      ({ severity }) => severity === 'error',
    );
    for (const one of errors) say?.(`${file}: ${one.code}: ${one.message}`);
    if (errors.length === 0) counts.clean++;
    else if (
      libbpfRefuses(
        path.join(folder, file),
        object.programs.filter(({ problems }) => problems.some(({ severity }) => severity === 'error')).map((program) => program.name),
      )
    )
      for (const code of new Set(errors.map((one) => one.code ?? ''))) bump(counts.asLibbpf, code);
    else counts.oursOnly[name] = errors[0]!.message;
    const { elf } = readElf(bytes);
    const { dwarf, problems } = elf ? readDwarf(elf) : { problems: [] };
    for (const { code, message } of problems) {
      bump(counts.debugProblems, code ?? '');
      say?.(`${file}: ${code}: ${message}`);
    }
    if (!dwarf) {
      bump(counts.debugProblems, 'none');
      continue;
    }
    if (counts.producer === '') counts.producer = dwarf.producers[0] ?? '';
    countLocations(dwarf, (kind) => bump(counts.locations, kind));
  }
  counts.locations = Object.fromEntries(Object.entries(counts.locations).sort(([, a], [, b]) => b - a));
  return counts;
}

function countLocations(dwarf: Dwarf, add: (kind: string) => void): void {
  for (const { ranges } of dwarf.functions) {
    for (const { section, low, high } of ranges) {
      for (let offset = low; offset < high; offset += STEP)
        for (const { variables } of dwarf.variablesAt({ section, offset })) for (const variable of variables) add(kindOf(dwarf, variable));
    }
  }
}

function kindOf(dwarf: Dwarf, { location }: DwarfVariable): string {
  switch (location.kind) {
    case 'optimised-out':
      return `optimised out: ${location.reason}`;
    case 'computed':
      return dwarf.evaluate(location, machine) === undefined ? 'computed, but not understood' : 'computed';
    default:
      return location.kind;
  }
}

/** Whether libbpf refuses the object, or one of the programs named; undefined where it cannot be asked. */
function libbpfRefuses(file: string, programs: readonly string[]): boolean | undefined {
  const loader = buildC('libbpf-load', ['bpf', 'elf', 'z']);
  if (loader === undefined) return undefined;
  const { status, stdout } = spawnSync(loader, [file], { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (status !== 0) return true;
  const refused = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' refused'))
      .map((line) => line.split(' ')[0]!),
  );
  return programs.length === 0 ? refused.size > 0 : programs.some((name) => refused.has(name));
}

/** What fell against the ratchet, as sentences. */
export function regressions(before: RebuiltCounts, now: RebuiltCounts): string[] {
  const worse: string[] = [];
  if (now.clean < before.clean) worse.push(`${now.clean} objects load without an error, ${before.clean} did`);
  for (const [name, message] of Object.entries(now.oursOnly)) if (!(name in before.oursOnly)) worse.push(`${name}: ${message}`);
  for (const [code, count] of Object.entries(now.debugProblems))
    if (count > (before.debugProblems[code] ?? 0))
      worse.push(`${count} × ${code} in debug information, ${before.debugProblems[code] ?? 0} before`);
  for (const kind of Object.keys(now.locations)) if (!(kind in before.locations)) worse.push(`a new kind of location: ${kind}`);
  return worse;
}
