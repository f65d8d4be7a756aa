// `bpftool` over a simulated kernel: prog and map show, dump, lookup, update, delete, and net show, in bpftool's own words and layout.
// What the simulated kernel has not (jited code, real memory accounting) is said as a kernel without it says it.

import { bpftoolValue, declarationOf, resolve, type Btf, type BpftoolValue } from '#core/btf';
import { fromHex, toHex } from '#core/bytes';
import { helperById } from '#core/catalog';
import {
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  bpftoolImmediate,
  formatKernelInsn,
  isLdImm64,
} from '#core/isa';
import type { Kernel, MapEntry, SimulatedMap, SimulatedProgram } from '#core/sim';
import { JsonWriter } from './json-writer.ts';
import { programTag } from './program-tag.ts';

export interface CommandResult {
  output: string;
  /** Exit status. */
  status: number;
}

const fail = (message: string): CommandResult => ({ output: `Error: ${message}\n`, status: 255 });
const done = (output = ''): CommandResult => ({ output, status: 0 });

/** When the simulated machine was started: uptimes count from here. */
const BOOT = Date.UTC(2025, 0, 1) / 1000;
const GPL_COMPATIBLE = ['GPL', 'GPL v2', 'GPL and additional rights', 'Dual BSD/GPL', 'Dual MIT/GPL', 'Dual MPL/GPL'];
const PAGE = 4096;
/** BPF_F_MMAPABLE, BPF_F_NO_PREALLOC. */
const MMAPABLE = 1 << 10;
const NO_PREALLOC = 1;

const kernelName = (name: string): string => name.slice(0, 15);
const pages = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;
const even = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** `dev` may be a nickname of a type in a command line: none here, names are exact. */
type Handle = { id: number } | { name: string } | { problem: string };

interface Options {
  json: boolean;
  pretty: boolean;
}

export function bpftool(kernel: Kernel, words: readonly string[]): CommandResult {
  const rest = words.filter((word) => !/^(-p|-j|--pretty|--json|-d|--debug)$/.test(word));
  const pretty = words.some((word) => word === '-p' || word === '--pretty');
  const options: Options = { pretty, json: pretty || words.some((word) => word === '-j' || word === '--json') };
  const [object = '', command = 'show', ...args] = rest;
  switch (object) {
    case 'prog':
    case 'program':
      return prog(kernel, command, args, options);
    case 'map':
      return map(kernel, command, args, options);
    case 'net':
      return command === 'show' || command === 'list' ? net(kernel) : fail(`unknown command for net: ${command}`);
    case 'version':
    case '-V':
      return done('bpftool of the simulated kernel\n');
    case '':
    case 'help':
      return done(
        'Usage: bpftool [OPTIONS] OBJECT { COMMAND }\n       OBJECT := { prog | map | net }\n       OPTIONS := { {-j|--json} [{-p|--pretty}] }\n',
      );
    default:
      return fail(`unknown object ${object}: prog, map and net are simulated`);
  }
}

/** `id 5`, `name counts`, at the start of the arguments. */
function handle(args: readonly string[], what: string): Handle {
  const [kind, value] = args;
  if (kind === 'id')
    return value !== undefined && /^\d+$/.test(value) ? { id: Number(value) } : { problem: `can't parse ${value ?? ''} as ID` };
  if (kind === 'name')
    return value === undefined || value.length > 15
      ? { problem: value === undefined ? "'name' expects a name" : `can't parse name` }
      : { name: value };
  return { problem: `expected 'id' or 'name', got: '${kind ?? ''}'? What names the ${what}` };
}

// ---- programs ----

function prog(kernel: Kernel, command: string, args: readonly string[], options: Options): CommandResult {
  switch (command) {
    case 'show':
    case 'list': {
      if (args.length === 0)
        return done(
          options.json
            ? listJson(kernel.programs, (writer, program) => programJson(kernel, writer, program), options)
            : kernel.programs.map((program) => programText(kernel, program)).join(''),
        );
      const found = findPrograms(kernel, args);
      if ('problem' in found) return fail(found.problem);
      if (found.programs.length === 0)
        return 'id' in found.handle ? fail(`get by id (${found.handle.id}): No such file or directory`) : { output: '', status: 255 };
      if (!options.json) return done(found.programs.map((program) => programText(kernel, program)).join(''));
      const writer = new JsonWriter(options.pretty);
      found.programs.forEach((program) => programJson(kernel, writer, program));
      return done(writer.end());
    }
    case 'dump': {
      const [form, ...rest] = args;
      if (form === 'jited') return fail('No libbfd support');
      if (form !== 'xlated') return fail(`expected 'xlated' or 'jited', got: ${form ?? ''}`);
      const found = findPrograms(kernel, rest);
      if ('problem' in found) return fail(found.problem);
      const [program] = found.programs;
      return program
        ? done(xlated(kernel, program))
        : 'id' in found.handle
          ? fail(`get by id (${found.handle.id}): No such file or directory`)
          : { output: '', status: 255 };
    }
    default:
      return fail(`unknown command for prog: ${command}; show, list and dump xlated are simulated`);
  }
}

function findPrograms(
  kernel: Kernel,
  args: readonly string[],
): { handle: Exclude<Handle, { problem: string }>; programs: readonly SimulatedProgram[] } | { problem: string } {
  const wanted = handle(args, 'program');
  if ('problem' in wanted) return wanted;
  return {
    handle: wanted,
    programs: kernel.programs.filter((program) =>
      'id' in wanted ? program.id === wanted.id : kernelName(program.program.name) === wanted.name,
    ),
  };
}

const isGpl = (program: SimulatedProgram): boolean => GPL_COMPATIBLE.includes(program.program.license);

/** Ids of the maps that the program's instructions name, ascending. */
function mapIds(kernel: Kernel, program: SimulatedProgram): readonly number[] {
  const ids = new Set<number>();
  program.program.insns.forEach((insn) => {
    if (!isLdImm64(insn) || ![BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_PSEUDO_MAP_IDX_VALUE].includes(insn.src)) return;
    const id = mapIdAt(kernel, program, insn.imm);
    if (id !== undefined) ids.add(id);
  });
  return [...ids].sort((a, b) => a - b);
}

function mapIdAt(_kernel: Kernel, program: SimulatedProgram, index: number): number | undefined {
  const definition = program.object.maps[index];
  return program.maps.find((candidate) => candidate.definition === definition || candidate.definition.name === definition?.name)?.id;
}

/** Objects' BTF has numbers of its own here: 1 for the first object loaded. */
function btfId(kernel: Kernel, program: SimulatedProgram): number | undefined {
  const objects = [...new Set(kernel.programs.map(({ object }) => object))];
  return program.object.btf ? objects.indexOf(program.object) + 1 : undefined;
}

const loadedAt = (program: SimulatedProgram): number => BOOT + Number(program.loadedAt / 1_000_000_000n);
const memlock = (program: SimulatedProgram): number => pages(program.program.insns.length * 8 + 256);

function programText(kernel: Kernel, program: SimulatedProgram): string {
  const maps = mapIds(kernel, program);
  const btf = btfId(kernel, program);
  const time = `${new Date(loadedAt(program) * 1000).toISOString().slice(0, 19)}+0000`;
  return [
    `${program.id}: ${program.program.type ?? 'unspec'}  name ${kernelName(program.program.name)}  tag ${programTag(program.program.insns, kernel.options.version)}${isGpl(program) ? '  gpl' : ''}`,
    `\tloaded_at ${time}  uid 0`,
    `\txlated ${program.program.insns.length * 8}B  not jited  memlock ${memlock(program)}B${maps.length > 0 ? `  map_ids ${maps.join(',')}` : ''}`,
    ...(btf === undefined ? [] : [`\tbtf_id ${btf}`]),
    '',
  ].join('\n');
}

function programJson(kernel: Kernel, writer: JsonWriter, program: SimulatedProgram): void {
  const maps = mapIds(kernel, program);
  const btf = btfId(kernel, program);
  writer.object(() => {
    writer.name('id').raw(String(program.id));
    writer.name('type').string(program.program.type ?? 'unspec');
    writer.name('name').string(kernelName(program.program.name));
    writer.name('tag').string(programTag(program.program.insns, kernel.options.version));
    writer.name('gpl_compatible').raw(String(isGpl(program)));
    writer.name('loaded_at').raw(String(loadedAt(program)));
    writer.name('uid').raw('0');
    writer.name('bytes_xlated').raw(String(program.program.insns.length * 8));
    writer.name('jited').raw('false');
    writer.name('bytes_memlock').raw(String(memlock(program)));
    if (maps.length > 0) writer.name('map_ids').array(() => maps.forEach((id) => writer.raw(String(id))));
    if (btf !== undefined) writer.name('btf_id').raw(String(btf));
  });
}

/** Source lines with a semicolon, then instructions. The simulated kernel rewrites none, so this is what the loader made. */
function xlated(kernel: Kernel, program: SimulatedProgram): string {
  const { insns, subprograms, lines, kfuncs } = program.program;
  const { btf } = program.object;
  // bpftool prints ids where the loader has indexes.
  const shown = insns.map((insn) =>
    isLdImm64(insn) && (insn.src === BPF_PSEUDO_MAP_FD || insn.src === BPF_PSEUDO_MAP_VALUE)
      ? { ...insn, imm: mapIdAt(kernel, program, insn.imm) ?? insn.imm }
      : insn,
  );
  const output: string[] = [];
  for (let i = 0; i < shown.length; i++) {
    const start = subprograms.find((subprogram) => subprogram.start === i);
    if (start && btf && start.funcTypeId !== undefined) {
      const type = resolve(btf, start.funcTypeId);
      if (type?.kind === 'func') output.push(`${declarationOf(btf, type.type, start.name).replace(/ \*(?=\w)/g, ' * ')}:`);
    }
    for (const line of lines) if (line.insn === i && line.text !== '') output.push(`; ${line.text.trimStart()}`);
    const text = formatKernelInsn(shown, i, {
      helperName: (id) => helperById(id)?.name,
      kfuncName: (insn) => kfuncs[insn.imm],
      immediate: bpftoolImmediate,
    });
    output.push(`${String(i).padStart(4)}: ${text}`);
    if (isLdImm64(shown[i]!)) i++;
  }
  return `${output.join('\n')}\n`;
}

// ---- maps ----

function map(kernel: Kernel, command: string, args: readonly string[], options: Options): CommandResult {
  if ((command === 'show' || command === 'list') && args.length === 0)
    return done(
      options.json
        ? listJson(kernel.maps, (writer, one) => mapJson(kernel, writer, one), options)
        : kernel.maps.map((one) => mapText(kernel, one)).join(''),
    );
  const wanted = handle(args, 'map');
  if ('problem' in wanted) return fail(wanted.problem);
  const found = kernel.maps.filter((candidate) =>
    'id' in wanted ? candidate.id === wanted.id : kernelName(candidate.definition.name) === wanted.name,
  );
  if (found.length === 0)
    return 'id' in wanted ? fail(`get map by id (${wanted.id}): No such file or directory`) : { output: '', status: 255 };
  const rest = args.slice(2);
  switch (command) {
    case 'show':
    case 'list': {
      if (!options.json) return done(found.map((one) => mapText(kernel, one)).join(''));
      const writer = new JsonWriter(options.pretty);
      found.forEach((one) => mapJson(kernel, writer, one));
      return done(writer.end());
    }
    case 'dump':
      return done(dump(kernel, found, options));
    case 'lookup':
    case 'delete':
    case 'update':
      return found.length > 1 ? fail('several maps match this handle') : element(kernel, found[0]!, command, rest, options);
    default:
      return fail(`unknown command for map: ${command}; show, list, dump, lookup, update and delete are simulated`);
  }
}

const btfOf = (kernel: Kernel, one: SimulatedMap): Btf | undefined => kernel.programs.find(({ maps }) => maps.includes(one))?.object.btf;
const isFrozen = ({ definition }: SimulatedMap): boolean =>
  definition.globalSection?.startsWith('.rodata') === true || definition.globalSection === '.kconfig';

/** Bytes as 6.18 on x86-64 accounts them, near enough: the kernel's own structs change their sizes with each release. */
function mapMemory(kernel: Kernel, { definition }: SimulatedMap): number {
  const { type, keySize, valueSize, maxEntries, flags } = definition;
  const { cpus } = kernel.options;
  if (type === 'array') return (flags & MMAPABLE) !== 0 ? PAGE + pages(even(valueSize) * maxEntries) : 256 + even(valueSize) * maxEntries;
  if (type.endsWith('hash')) {
    let buckets = 1;
    while (buckets < maxEntries) buckets *= 2;
    const perCpu = type.includes('percpu');
    const size = 48 + even(keySize) + (perCpu ? 8 : even(valueSize));
    const elements = (flags & NO_PREALLOC) !== 0 ? 0 : maxEntries + (perCpu ? 0 : cpus);
    return 912 + 16 * buckets + elements * size + (perCpu ? maxEntries * cpus * even(valueSize) : 0);
  }
  return 256 + maxEntries * 8;
}

function mapText(kernel: Kernel, one: SimulatedMap): string {
  const { definition } = one;
  const owner = kernel.programs.find(({ maps }) => maps.includes(one));
  const btf = owner && (definition.keyTypeId !== undefined || definition.valueTypeId !== undefined) ? btfId(kernel, owner) : undefined;
  const last = `${btf === undefined ? '' : `btf_id ${btf}`}${isFrozen(one) ? `${btf === undefined ? '' : '  '}frozen` : ''}`;
  return [
    `${one.id}: ${definition.type}  name ${kernelName(definition.name)}  flags 0x${definition.flags.toString(16)}`,
    `\tkey ${definition.keySize}B  value ${definition.valueSize}B  max_entries ${definition.maxEntries}  memlock ${mapMemory(kernel, one)}B`,
    ...(last === '' ? [] : [`\t${last}`]),
    '',
  ].join('\n');
}

function mapJson(kernel: Kernel, writer: JsonWriter, one: SimulatedMap): void {
  const { definition } = one;
  writer.object(() => {
    writer.name('id').raw(String(one.id));
    writer.name('type').string(definition.type);
    writer.name('name').string(kernelName(definition.name));
    writer.name('flags').raw(String(definition.flags));
    writer.name('bytes_key').raw(String(definition.keySize));
    writer.name('bytes_value').raw(String(definition.valueSize));
    writer.name('max_entries').raw(String(definition.maxEntries));
    writer.name('bytes_memlock').raw(String(mapMemory(kernel, one)));
    writer.name('frozen').raw(isFrozen(one) ? '1' : '0');
  });
}

function listJson<T>(all: readonly T[], write: (writer: JsonWriter, one: T) => void, options: Options): string {
  const writer = new JsonWriter(options.pretty);
  writer.array(() => all.forEach((one) => write(writer, one)));
  return writer.end();
}

function writeValue(writer: JsonWriter, value: BpftoolValue): void {
  switch (value.kind) {
    case 'number':
      writer.raw(value.text);
      break;
    case 'boolean':
      writer.raw(String(value.value));
      break;
    case 'string':
      // Already in quotes where bpftool quotes.
      writer.raw(value.text.startsWith('"') ? value.text : JSON.stringify(value.text));
      break;
    case 'array':
      writer.array(() => value.elements.forEach((inner) => writeValue(writer, inner)));
      break;
    case 'object':
      writer.object(() => {
        for (const member of value.members) {
          writer.name(member.name);
          writeValue(writer, member.value);
        }
      });
  }
}

const isPerCpu = (one: SimulatedMap): boolean => one.definition.type.includes('percpu');

/** Types are known: bpftool prints JSON even when it was not asked for it. */
function typedEntry(writer: JsonWriter, btf: Btf, one: SimulatedMap, { key, values }: MapEntry): void {
  const { keyTypeId, valueTypeId } = one.definition;
  writer.object(() => {
    if (keyTypeId !== undefined && keyTypeId !== 0) {
      writer.name('key');
      writeValue(writer, bpftoolValue(btf, keyTypeId, key));
    }
    if (!isPerCpu(one)) {
      writer.name('value');
      writeValue(writer, bpftoolValue(btf, valueTypeId!, values[0]!));
      return;
    }
    writer.name('values').array(() =>
      values.forEach((value, cpu) =>
        writer.object(() => {
          writer.name('cpu').raw(String(cpu));
          writer.name('value');
          writeValue(writer, bpftoolValue(btf, valueTypeId!, value));
        }),
      ),
    );
  });
}

const hexColumn = (bytes: Uint8Array): string => toHex(bytes, ' ');

/** Small keys and values stand beside each other, large ones below a heading. */
function plainEntry(one: SimulatedMap, { key, values }: MapEntry): string {
  if (isPerCpu(one))
    return `key:\n${hexColumn(key)}\n${values.map((value, cpu) => `value (CPU ${String(cpu).padStart(2, '0')}): ${hexColumn(value)}`).join('\n')}\n`;
  const short = one.definition.keySize <= 16 && one.definition.valueSize <= 16;
  return `key:${short ? ' ' : '\n'}${hexColumn(key)}${short ? '  ' : '\n'}value:${short ? ' ' : '\n'}${hexColumn(values[0]!)}\n`;
}

function dump(kernel: Kernel, maps: readonly SimulatedMap[], options: Options): string {
  const [first] = maps;
  const typed = (one: SimulatedMap): Btf | undefined =>
    one.definition.valueTypeId === undefined || one.definition.valueTypeId === 0 ? undefined : btfOf(kernel, one);
  const several = maps.length > 1;
  if (!options.json && !several && first && !typed(first)) {
    const entries = first.entries();
    return `${entries.map((entry) => plainEntry(first, entry)).join('')}Found ${entries.length} element${entries.length === 1 ? '' : 's'}\n`;
  }
  const writer = new JsonWriter(options.pretty || !options.json);
  const elements = (one: SimulatedMap): void => {
    const btf = typed(one);
    for (const entry of one.entries()) {
      if (btf) typedEntry(writer, btf, one, entry);
      else plainJson(writer, entry);
    }
  };
  writer.array(() => {
    if (!several) {
      if (first) elements(first);
      return;
    }
    for (const one of maps) {
      writer.object(() => {
        writer.name('id').raw(String(one.id));
        writer.name('type').string(one.definition.type);
        writer.name('name').string(kernelName(one.definition.name));
        writer.name('flags').raw(String(one.definition.flags));
        writer.name('elements').array(() => elements(one));
      });
    }
  });
  return writer.end();
}

function plainJson(writer: JsonWriter, { key, values }: MapEntry): void {
  const bytes = (list: Uint8Array): void =>
    void writer.array(() => list.forEach((byte) => writer.string(`0x${toHex(Uint8Array.of(byte))}`)));
  writer.object(() => {
    writer.name('key');
    bytes(key);
    writer.name('value');
    bytes(values[0]!);
  });
}

/** Bytes behind `key` or `value`: decimal, 0x, or all hex behind the word `hex`. */
function readBytes(words: readonly string[], size: number): { bytes: Uint8Array; used: number } | { problem: string } {
  const hex = words[0] === 'hex';
  const given = words.slice(hex ? 1 : 0, (hex ? 1 : 0) + size);
  if (given.length < size) return { problem: `expected ${size} bytes, got ${given.length}` };
  const bytes = new Uint8Array(size);
  for (const [i, word] of given.entries()) {
    const value = hex ? fromHex(word.padStart(2, '0'))?.[0] : /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : undefined;
    if (value === undefined || value > 255) return { problem: `error parsing byte: ${word}` };
    bytes[i] = value;
  }
  return { bytes, used: size + (hex ? 1 : 0) };
}

const ERROR_WORDS: Readonly<Record<number, string>> = {
  1: 'Operation not permitted',
  2: 'No such file or directory',
  7: 'Argument list too long',
  17: 'File exists',
  22: 'Invalid argument',
  28: 'No space left on device',
  95: 'Operation not supported',
  524: 'Unknown error 524',
};

function element(
  kernel: Kernel,
  one: SimulatedMap,
  command: 'lookup' | 'update' | 'delete',
  words: readonly string[],
  options: Options,
): CommandResult {
  const { definition } = one;
  let rest = words;
  let key: Uint8Array = new Uint8Array(0);
  if (definition.keySize > 0) {
    if (rest[0] !== 'key') return fail(`expected 'key', got: '${rest[0] ?? ''}'`);
    const read = readBytes(rest.slice(1), definition.keySize);
    if ('problem' in read) return fail(read.problem);
    key = read.bytes;
    rest = rest.slice(1 + read.used);
  }
  if (command === 'lookup') {
    const values = one.lookup(key);
    if (!values) return options.json ? { output: 'null\n', status: 255 } : done(`key:\n${hexColumn(key)}\n\nNot found\n`);
    const btf = definition.valueTypeId ? btfOf(kernel, one) : undefined;
    if (!btf && !options.json) return done(plainEntry(one, { key, values }));
    const writer = new JsonWriter(options.pretty || !options.json);
    if (btf) typedEntry(writer, btf, one, { key, values });
    else plainJson(writer, { key, values });
    return done(writer.end());
  }
  if (command === 'delete') {
    const result = one.delete(key);
    // bpftool's status is the error number behind this one.
    return result === 0 ? done() : { ...fail(`delete failed: ${ERROR_WORDS[-result] ?? `error ${-result}`}`), status: 256 + result };
  }
  if (rest[0] !== 'value') return fail(`expected 'value', got: '${rest[0] ?? ''}'`);
  const value = readBytes(rest.slice(1), definition.valueSize);
  if ('problem' in value) return fail(value.problem);
  const flag = { any: 0n, noexist: 1n, exist: 2n }[rest[1 + value.used] ?? 'any'];
  if (flag === undefined) return fail(`expected 'any', 'exist' or 'noexist', got: '${rest[1 + value.used]}'`);
  if (isFrozen(one)) return fail('update failed: Operation not permitted');
  const result = one.update(key, value.bytes, flag);
  return result === 0 ? done() : fail(`update failed: ${ERROR_WORDS[-result] ?? `error ${-result}`}`);
}

// ---- network ----

/** Programs attached to devices. Simulated events reach every device, so each program stands once, on eth0 (2). */
function net(kernel: Kernel): CommandResult {
  const on = (types: readonly string[]): readonly SimulatedProgram[] =>
    kernel.attached.filter(({ program }) => types.includes(program.type ?? ''));
  const xdp = on(['xdp']).map(({ id }) => `eth0(2) driver id ${id}\n`);
  const tc = on(['sched_cls', 'sched_act']).map(
    ({ id, program }) => `eth0(2) clsact/${/egress/i.test(program.section) ? 'egress' : 'ingress'} ${kernelName(program.name)} id ${id}\n`,
  );
  return done(`xdp:\n${xdp.join('')}\ntc:\n${tc.join('')}\nflow_dissector:\n\n`);
}
