// `ebpfw inspect`: what the loader made of a file, one line per program or one JSON object per line.
// The contract of the JSON is in docs/cli.md. Verifies nothing and runs nothing.

import { attachType } from '#core/catalog';
import { typeName, type Btf } from '#core/btf';
import { hex64 } from '#core/bytes';
import { encode } from '#core/isa';
import type { LoadedObject, MapDefinition, Program } from '#core/program';
import { formatProblem, type Problem } from '#core/problem';
import { openProgram } from '#toolchain';
import { complain, readArguments } from '../arguments.ts';

interface MapRow {
  name: string;
  /** enum bpf_map_type. */
  type: number;
  typeName: string;
  key: number;
  value: number;
  max: number;
  flags: number;
  /** The rest only where the definition has it. Types as C writes them. */
  keyType?: string;
  valueType?: string;
  /** Hex, as the map's map_extra. */
  extra?: string;
  pinned?: boolean;
  /** The map's size is left to user space. */
  sizedByUser?: boolean;
  autocreate?: boolean;
  section?: string;
  inner?: MapRow;
  slots?: readonly { index: number; target: string }[];
  structOps?: { type: string; programs: readonly { member: string; program: string }[] };
}

interface Row {
  file: string;
  prog: string | null;
  section: string | null;
  type: string | null;
  attachType: string | null;
  /** enum bpf_attach_type; 0 where the type needs none, as the kernel is told. */
  attachTypeId: number;
  attachTarget: string | null;
  sleepable: boolean;
  autoload: boolean;
  license: string;
  /** Hex of all slots after relocation; a map reference carries its index into `maps` in imm, a kfunc call its index into `kfuncs`. */
  insns: string;
  subprograms: { name: string; start: number; end: number; linkage: string | null }[];
  maps: MapRow[];
  kfuncs: readonly string[];
  ksyms: readonly string[];
  lineInfo: number;
  coreRelocations: { insn: number; kind: string; spec: string; result: string }[];
  problems: string[];
}

export async function inspect(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { prog: { type: 'string' }, json: { type: 'boolean', default: false } });
  if ('complaint' in parsed) return complain('inspect', parsed.complaint);
  const { files, values } = parsed;
  if (files.length === 0) return complain('inspect', 'which file? An object (.o), C (.bpf.c) or assembly (.bpf.s)');
  let status = 0;
  for (const file of files) {
    const { object, problems } = await openProgram(file);
    const all: readonly Problem[] = object ? [...new Set([...problems, ...object.problems])] : problems;
    if (all.some(({ severity }) => severity === 'error')) status = 2;
    const programs = (object?.programs ?? []).filter(({ name }) => values.prog === undefined || name === values.prog);
    const rows =
      object && programs.length > 0
        ? programs.map((program) => rowOf(file, object, program, all))
        : [nothing(file, object, values.prog, all)];
    if (programs.length === 0) status = 2;
    for (const row of rows) process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : describe(row));
  }
  return status;
}

function mapRow(map: MapDefinition, btf: Btf | undefined): MapRow {
  const type = (id: number | undefined): string | undefined => (btf && id !== undefined ? typeName(btf, id) : undefined);
  const keyType = type(map.keyTypeId);
  const valueType = map.globalSection === undefined ? type(map.valueTypeId) : undefined;
  return {
    name: map.name,
    type: map.typeId,
    typeName: map.type,
    key: map.keySize,
    value: map.valueSize,
    max: map.maxEntries,
    flags: map.flags,
    ...(keyType === undefined ? {} : { keyType }),
    ...(valueType === undefined ? {} : { valueType }),
    ...(map.mapExtra === undefined ? {} : { extra: hex64(map.mapExtra) }),
    ...(map.pinned === undefined ? {} : { pinned: map.pinned }),
    ...(map.sizedByUser === undefined ? {} : { sizedByUser: map.sizedByUser }),
    ...(map.autocreate === undefined ? {} : { autocreate: map.autocreate }),
    ...(map.globalSection === undefined ? {} : { section: map.globalSection }),
    ...(map.inner === undefined ? {} : { inner: mapRow(map.inner, btf) }),
    ...(map.slots === undefined ? {} : { slots: map.slots }),
    ...(map.structOps === undefined ? {} : { structOps: { type: map.structOps.type, programs: map.structOps.programs } }),
  };
}

function rowOf(file: string, object: LoadedObject, program: Program, problems: readonly Problem[]): Row {
  return {
    file,
    prog: program.name,
    section: program.section,
    type: program.type ?? null,
    attachType: program.attachType ?? null,
    attachTypeId: program.attachType === undefined ? 0 : (attachType(program.attachType)?.id ?? 0),
    attachTarget: program.attachTarget ?? null,
    sleepable: program.sleepable,
    autoload: program.autoload,
    license: program.license,
    insns: Buffer.from(encode(program.insns)).toString('hex'),
    subprograms: program.subprograms.map(({ name, start, end, linkage }) => ({ name, start, end, linkage: linkage ?? null })),
    maps: object.maps.map((map) => mapRow(map, object.btf)),
    kfuncs: program.kfuncs,
    ksyms: program.ksyms.map(({ name }) => name),
    lineInfo: program.lines.length,
    coreRelocations: program.coreRelocations.map(({ insn, kind, spec, result }) => ({ insn, kind, spec, result })),
    problems: [...problems, ...program.problems].map(formatProblem),
  };
}

/** A file without a program that could be shown still gives its line, with the reason. */
function nothing(file: string, object: LoadedObject | undefined, wanted: string | undefined, problems: readonly Problem[]): Row {
  const names = object?.programs.map(({ name }) => name) ?? [];
  const why =
    wanted !== undefined && names.length > 0
      ? `error: ${file} has no program ${wanted}; it has ${names.join(', ')}`
      : object && names.length === 0 && problems.length === 0
        ? `error: ${file} has no program`
        : undefined;
  return {
    file,
    prog: null,
    section: null,
    type: null,
    attachType: null,
    attachTypeId: 0,
    attachTarget: null,
    sleepable: false,
    autoload: false,
    license: object?.license ?? '',
    insns: '',
    subprograms: [],
    maps: object?.maps.map((map) => mapRow(map, object.btf)) ?? [],
    kfuncs: [],
    ksyms: [],
    lineInfo: 0,
    coreRelocations: [],
    problems: [...problems.map(formatProblem), ...(why === undefined ? [] : [why])],
  };
}

function describe(row: Row): string {
  const lines: string[] = [];
  if (row.prog === null) lines.push(`${row.file}: no program`);
  else {
    const type = [
      row.type ?? 'unknown type',
      row.attachType,
      row.attachTarget,
      row.sleepable ? 'sleepable' : '',
      row.autoload ? '' : 'not loaded by default',
    ]
      .filter((part) => part !== null && part !== '')
      .join(', ');
    lines.push(
      `${row.file}: ${row.prog} in ${row.section} (${type}): ${row.insns.length / 16} instructions, ${row.lineInfo} line records, license ${row.license || 'none'}`,
    );
    for (const { name, start, end, linkage } of row.subprograms.slice(1))
      lines.push(`  subprogram ${name} (${linkage ?? 'unknown linkage'}): instructions ${start} to ${end - 1}`);
  }
  for (const map of row.maps)
    lines.push(`  map ${map.name}: ${map.typeName}, key ${map.key}, value ${map.value}, max ${map.max}, flags 0x${map.flags.toString(16)}`);
  for (const name of row.kfuncs) lines.push(`  kfunc ${name}`);
  for (const name of row.ksyms) lines.push(`  kernel symbol ${name}`);
  for (const { insn, kind, spec, result } of row.coreRelocations) lines.push(`  ${insn}: ${kind} ${spec}: ${result}`);
  for (const problem of row.problems) lines.push(`  ${problem}`);
  return `${lines.join('\n')}\n`;
}
