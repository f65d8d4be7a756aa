// `bpftool map`: show, create, dump, lookup, update, delete, getnext, peek, push, pop, pin, freeze. Words and layout are bpftool's.
// A map whose types are known is printed as JSON even when that was not asked for, as bpftool does.

import { bpftoolValue, type Btf, type BpftoolValue } from '#core/btf';
import { fromHex, toHex } from '#core/bytes';
import { atLeast, mapType } from '#core/catalog';
import { isRefusal, kernelName, type MapEntry, type SimulatedMap } from '#core/sim';
import { type CommandResult, done, errorWords, statusOf } from '../command-result.ts';
import { JsonWriter } from './json-writer.ts';
import { type BpftoolContext, fail, findMaps, findPrograms, pidsOf, pin, pinsOf } from './options.ts';

const PAGE = 4096;
/** BPF_F_MMAPABLE, BPF_F_NO_PREALLOC. */
const MMAPABLE = 1 << 10;
const NO_PREALLOC = 1;
/** Bytes of struct bpf_array and struct bpf_htab before their elements. They change with releases. */
const HEADS = { array: { '6.12': 264, '6.18': 256 }, hash: { '6.12': 936, '6.18': 912 } } as const;
const pages = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;
const even = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** In the order in which bpftool's own help names them. */
export const MAP_COMMANDS = [
  'show',
  'list',
  'create',
  'dump',
  'update',
  'lookup',
  'getnext',
  'delete',
  'pin',
  'peek',
  'push',
  'pop',
  'enqueue',
  'dequeue',
  'freeze',
  'help',
];

const HELP = `Usage: bpftool map { show | list }   [MAP]
       bpftool map create     FILE type TYPE key KEY_SIZE value VALUE_SIZE entries MAX_ENTRIES name NAME [flags FLAGS]
       bpftool map dump       MAP
       bpftool map update     MAP [key DATA] [value VALUE] [UPDATE_FLAGS]
       bpftool map lookup     MAP [key DATA]
       bpftool map getnext    MAP [key DATA]
       bpftool map delete     MAP  key DATA
       bpftool map pin        MAP  FILE
       bpftool map peek       MAP
       bpftool map push       MAP value VALUE
       bpftool map pop        MAP
       bpftool map enqueue    MAP value VALUE
       bpftool map dequeue    MAP
       bpftool map freeze     MAP
       MAP := { id MAP_ID | pinned FILE | name MAP_NAME }
       DATA := { [hex] BYTES }
       UPDATE_FLAGS := { any | exist | noexist }
`;

export function map(context: BpftoolContext, command: string, args: readonly string[]): CommandResult {
  const { kernel, json, pretty } = context;
  if (command === 'help') return done(HELP);
  if (!MAP_COMMANDS.includes(command)) return fail(context, `cmd '${command}' not found; there are ${MAP_COMMANDS.join(', ')}`);
  if (command === 'create') return create(context, args);
  const showing = command === 'show' || command === 'list';
  if (showing && args.length === 0) {
    if (!json) return done(kernel.maps.map((one) => mapText(context, one)).join(''));
    const writer = new JsonWriter(pretty);
    writer.array(() => kernel.maps.forEach((one) => mapJson(context, writer, one)));
    return done(writer.end());
  }
  if (command === 'pin' && args.length < 3)
    return fail(context, `'pin' needs at least 3 arguments, ${args.length} found`, statusOf('EINVAL'));
  const wanted = findMaps(context, args);
  if ('failure' in wanted) return wanted.failure;
  const { found, rest } = wanted;
  if (showing) {
    if (!json) return done(found.map((one) => mapText(context, one)).join(''));
    const writer = new JsonWriter(pretty);
    found.forEach((one) => mapJson(context, writer, one));
    return done(writer.end());
  }
  if (command === 'dump') return done(dump(context, found));
  const [one] = found;
  if (!one || found.length > 1) return fail(context, 'several maps match this handle');
  context.kernel.bpf.byId(context.process, { kind: 'map', id: one.id });
  switch (command) {
    case 'pin':
      return pin(context, { kind: 'map', id: one.id }, rest[0]);
    case 'freeze': {
      const refused = kernel.bpf.freeze(context.process, one);
      return refused ? fail(context, `failed to freeze map: ${errorWords(refused.errno)}`) : nothing(context);
    }
    case 'getnext':
      return getNext(context, one, rest);
    case 'peek':
    case 'pop':
    case 'dequeue':
      return take(context, one, command);
    case 'push':
    case 'enqueue':
      return element(context, one, 'update', rest);
    default:
      return element(context, one, command as 'lookup' | 'update' | 'delete', rest);
  }
}

const nothing = ({ json }: BpftoolContext): CommandResult => done(json ? 'null\n' : '');

function create(context: BpftoolContext, args: readonly string[]): CommandResult {
  const [path, ...rest] = args;
  if (path === undefined || rest.length < 6) return fail(context, `'create' needs at least 7 arguments, ${args.length} found`);
  const given = new Map<string, string>();
  let inner: SimulatedMap['definition'] | undefined;
  for (let i = 0; i < rest.length; i += 2) {
    const [word, value] = [rest[i]!, rest[i + 1]];
    if (!['type', 'key', 'value', 'entries', 'name', 'flags', 'inner_map'].includes(word)) return fail(context, `unknown arg ${word}`);
    if (word === 'inner_map') {
      const wanted = findMaps(context, rest.slice(i + 1));
      if ('failure' in wanted) return wanted.failure;
      inner = wanted.found[0]!.definition;
      i++;
      continue;
    }
    if (value === undefined) return fail(context, `'${word}' needs a value`);
    if (!['type', 'name'].includes(word) && !/^(0x[0-9a-f]+|\d+)$/i.test(value)) return fail(context, `can't parse ${value} as ${word}`);
    given.set(word, value);
  }
  const number = (word: string): number => Number(given.get(word) ?? 0);
  const type = given.get('type');
  if (type === undefined) return fail(context, 'map type not specified');
  const row = mapType(type);
  if (!row) return fail(context, `unrecognized map type: ${type}`);
  if (!given.has('name')) return fail(context, 'map name not specified');
  const made = context.kernel.bpf.createMap(context.process, {
    name: given.get('name')!,
    type,
    typeId: row.id,
    keySize: number('key'),
    valueSize: number('value'),
    maxEntries: number('entries'),
    flags: number('flags'),
    ...(inner ? { inner } : {}),
  });
  if (isRefusal(made)) return fail(context, `map create failed: ${errorWords(made.errno)}`);
  return pin(context, { kind: 'map', id: made.id }, path);
}

function getNext(context: BpftoolContext, one: SimulatedMap, words: readonly string[]): CommandResult {
  const read = readKey(one, words);
  if ('problem' in read) return fail(context, read.problem);
  const keys = one.entries().map(({ key }) => key);
  const wanted = words.length === 0 ? undefined : toHex(read.key);
  const at = wanted === undefined ? -1 : keys.findIndex((key) => toHex(key) === wanted);
  const next = keys[at + 1];
  if (!next) return fail(context, `can't get next key: ${errorWords('ENOENT')}`, statusOf('ENOENT'));
  if (context.json) {
    const writer = new JsonWriter(context.pretty);
    const bytes = (list: Uint8Array): void =>
      void writer.array(() => list.forEach((byte) => writer.string(`0x${toHex(Uint8Array.of(byte))}`)));
    writer.object(() => {
      if (wanted !== undefined) {
        writer.name('key');
        bytes(read.key);
      }
      writer.name('next_key');
      bytes(next);
    });
    return done(writer.end());
  }
  return done(`${wanted === undefined ? 'key: None\n' : `key:\n${hexColumn(read.key)}\n`}next key:\n${hexColumn(next)}\n`);
}

/** Of a queue or stack; other maps answer with the kernel's error. */
function take(context: BpftoolContext, one: SimulatedMap, command: 'peek' | 'pop' | 'dequeue'): CommandResult {
  if (one.definition.keySize > 0) return fail(context, 'did not find key');
  const taken =
    command === 'peek' ? one.peek(new Uint8Array(one.definition.valueSize)) : context.kernel.bpf.popElement(context.process, one);
  if (typeof taken === 'number') {
    if (-taken === 2) return { ...(context.json ? done('null\n') : fail(context, 'empty map')), status: statusOf('ENOENT') };
    return fail(context, `${command} failed: ${errorWords(taken)}`);
  }
  if (!context.json) return done(`value: ${hexColumn(taken)}\n`);
  const writer = new JsonWriter(context.pretty);
  writer.object(() => void writer.name('value').array(() => taken.forEach((byte) => writer.string(`0x${toHex(Uint8Array.of(byte))}`))));
  return done(writer.end());
}

/** Bytes as the kernel on x86-64 accounts them, near enough: measured on 6.18 and 6.12, for hash tables, arrays and queues. */
function mapMemory({ kernel }: BpftoolContext, { definition }: SimulatedMap): number {
  const { type, keySize, valueSize, maxEntries, flags } = definition;
  const { cpus } = kernel.options;
  const measured = atLeast(kernel.options.version, '6.18') ? '6.18' : '6.12';
  const arrayHead = HEADS.array[measured];
  if (type === 'array')
    return (flags & MMAPABLE) !== 0 ? PAGE + pages(even(valueSize) * maxEntries) : arrayHead + even(valueSize) * maxEntries;
  if (type === 'queue' || type === 'stack') return arrayHead + valueSize * (maxEntries + 1);
  if (type.endsWith('hash')) {
    let buckets = 1;
    while (buckets < maxEntries) buckets *= 2;
    const perCpu = type.includes('percpu');
    const size = 48 + even(keySize) + (perCpu ? 8 : even(valueSize));
    const elements = (flags & NO_PREALLOC) !== 0 ? 0 : maxEntries + (perCpu ? 0 : cpus);
    return HEADS.hash[measured] + 16 * buckets + elements * size + (perCpu ? maxEntries * cpus * even(valueSize) : 0);
  }
  return arrayHead + maxEntries * 8;
}

function mapText(context: BpftoolContext, one: SimulatedMap): string {
  const { definition } = one;
  const { bpf } = context.kernel;
  const btf = definition.keyTypeId !== undefined || definition.valueTypeId !== undefined ? bpf.btfOf(bpf.objectOf(one)) : undefined;
  const last = [...(btf ? [`btf_id ${btf.id}`] : []), ...(bpf.isFrozen(one) ? ['frozen'] : [])].join('  ');
  const pids = pidsOf(context, 'map', one.id);
  return [
    `${one.id}: ${definition.type}  name ${kernelName(definition.name)}  flags 0x${definition.flags.toString(16)}`,
    `\tkey ${definition.keySize}B  value ${definition.valueSize}B  max_entries ${definition.maxEntries}  memlock ${mapMemory(context, one)}B`,
    ...(context.showPins ? pinsOf(context, 'map', one.id).map((path) => `\tpinned ${path}`) : []),
    ...(last === '' ? [] : [`\t${last}`]),
    ...(pids.length > 0 ? [`\tpids ${pids.map(({ pid, comm }) => `${comm}(${pid})`).join(', ')}`] : []),
    '',
  ].join('\n');
}

function mapJson(context: BpftoolContext, writer: JsonWriter, one: SimulatedMap): void {
  const { definition } = one;
  writer.object(() => {
    writer.name('id').raw(String(one.id));
    writer.name('type').string(definition.type);
    writer.name('name').string(kernelName(definition.name));
    writer.name('flags').raw(String(definition.flags));
    writer.name('bytes_key').raw(String(definition.keySize));
    writer.name('bytes_value').raw(String(definition.valueSize));
    writer.name('max_entries').raw(String(definition.maxEntries));
    writer.name('bytes_memlock').raw(String(mapMemory(context, one)));
    writer.name('frozen').raw(context.kernel.bpf.isFrozen(one) ? '1' : '0');
  });
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

/** Types are known: bpftool prints JSON even when it was not asked for it. Where it was, the bytes stand before the formatted value. */
function typedEntry(context: BpftoolContext, writer: JsonWriter, btf: Btf, one: SimulatedMap, entry: MapEntry): void {
  if (!context.json) formattedEntry(writer, btf, one, entry);
  else
    writer.object(() => {
      plainMembers(writer, one, entry);
      writer.name('formatted');
      formattedEntry(writer, btf, one, entry);
    });
}

function formattedEntry(writer: JsonWriter, btf: Btf, one: SimulatedMap, { key, values }: MapEntry): void {
  const { keyTypeId, valueTypeId } = one.definition;
  writer.object(() => {
    if (keyTypeId !== undefined && keyTypeId !== 0) {
      writer.name('key');
      writeValue(writer, bpftoolValue(btf, keyTypeId, key));
    }
    valueMembers(writer, one, values, (value) => writeValue(writer, bpftoolValue(btf, valueTypeId!, value)));
  });
}

/** `value`, or of a per-CPU map `values` with the CPU of each. */
function valueMembers(writer: JsonWriter, one: SimulatedMap, values: readonly Uint8Array[], write: (value: Uint8Array) => void): void {
  if (!isPerCpu(one)) {
    writer.name('value');
    write(values[0]!);
    return;
  }
  writer.name('values').array(() =>
    values.forEach((value, cpu) =>
      writer.object(() => {
        writer.name('cpu').raw(String(cpu));
        writer.name('value');
        write(value);
      }),
    ),
  );
}

const hexColumn = (bytes: Uint8Array): string => toHex(bytes, ' ');

/** Small keys and values stand beside each other, large ones below a heading. */
function plainEntry(one: SimulatedMap, { key, values }: MapEntry): string {
  if (isPerCpu(one))
    return `key:\n${hexColumn(key)}\n${values.map((value, cpu) => `value (CPU ${String(cpu).padStart(2, '0')}): ${hexColumn(value)}`).join('\n')}\n`;
  const short = one.definition.keySize <= 16 && one.definition.valueSize <= 16;
  return `key:${short ? ' ' : '\n'}${hexColumn(key)}${short ? '  ' : '\n'}value:${short ? ' ' : '\n'}${hexColumn(values[0]!)}\n`;
}

function dump(context: BpftoolContext, maps: readonly SimulatedMap[]): string {
  const [first] = maps;
  const typed = (one: SimulatedMap): Btf | undefined =>
    one.definition.valueTypeId === undefined || one.definition.valueTypeId === 0 ? undefined : context.kernel.bpf.objectOf(one)?.btf;
  const several = maps.length > 1;
  if (!context.json && !maps.some(typed))
    return maps
      .map((one) => {
        const entries = one.entries();
        const heading = several
          ? `${one.id}: ${one.definition.type}  name ${kernelName(one.definition.name)}  flags 0x${one.definition.flags.toString(16)}\n`
          : '';
        return `${heading}${entries.map((entry) => plainEntry(one, entry)).join('')}Found ${entries.length} element${entries.length === 1 ? '' : 's'}\n`;
      })
      .join('\n');
  const writer = new JsonWriter(context.pretty || !context.json);
  const elements = (one: SimulatedMap): void => {
    const btf = typed(one);
    for (const entry of one.entries()) {
      if (btf) typedEntry(context, writer, btf, one, entry);
      else writer.object(() => plainMembers(writer, one, entry));
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

function plainMembers(writer: JsonWriter, one: SimulatedMap, { key, values }: MapEntry): void {
  const bytes = (list: Uint8Array): void =>
    void writer.array(() => list.forEach((byte) => writer.string(`0x${toHex(Uint8Array.of(byte))}`)));
  writer.name('key');
  bytes(key);
  valueMembers(writer, one, values, bytes);
}

/** Bytes behind `key` or `value`: decimal, 0x, or all hex behind the word `hex`. */
function readBytes(what: string, words: readonly string[], size: number): { bytes: Uint8Array; used: number } | { problem: string } {
  const hex = words[0] === 'hex';
  const given = words.slice(hex ? 1 : 0, (hex ? 1 : 0) + size);
  if (given.length < size) return { problem: `${what} expected ${size} bytes got ${given.length}` };
  const bytes = new Uint8Array(size);
  for (const [i, word] of given.entries()) {
    const value = hex ? fromHex(word.padStart(2, '0'))?.[0] : /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : undefined;
    // strtoul's number ends up in one byte: what is larger is cut.
    if (value === undefined) return { problem: `error parsing byte: ${word}` };
    bytes[i] = value;
  }
  return { bytes, used: size + (hex ? 1 : 0) };
}

function readKey(one: SimulatedMap, words: readonly string[]): { key: Uint8Array; rest: readonly string[] } | { problem: string } {
  if (one.definition.keySize === 0 || words.length === 0) return { key: new Uint8Array(0), rest: words };
  if (words[0] !== 'key') return { problem: `unknown arg ${words[0] ?? ''}` };
  const read = readBytes('key', words.slice(1), one.definition.keySize);
  return 'problem' in read ? read : { key: read.bytes, rest: words.slice(1 + read.used) };
}

/** Bytes, or the program or map that a slot is to hold. */
function readValue(
  context: BpftoolContext,
  { definition }: SimulatedMap,
  words: readonly string[],
): { bytes: Uint8Array; used: number } | { problem: string } | { failure: CommandResult } {
  const holdsMaps = definition.type.endsWith('_of_maps');
  if (!holdsMaps && definition.type !== 'prog_array') return readBytes('value', words, definition.valueSize);
  const wanted = holdsMaps ? findMaps(context, words) : findPrograms(context, words);
  if ('failure' in wanted) return wanted;
  const [first] = wanted.found;
  if (!first || wanted.found.length > 1) return { failure: fail(context, `several ${holdsMaps ? 'maps' : 'programs'} match this handle`) };
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, first.id, true);
  return { bytes, used: words.length - wanted.rest.length };
}

function element(
  context: BpftoolContext,
  one: SimulatedMap,
  command: 'lookup' | 'update' | 'delete',
  words: readonly string[],
): CommandResult {
  const { definition } = one;
  const { bpf } = context.kernel;
  if (definition.keySize > 0 && words.length === 0) return fail(context, 'did not find key');
  const read = readKey(one, words);
  if ('problem' in read) return fail(context, read.problem);
  const { key, rest } = read;
  if (command === 'lookup') {
    const values = one.lookup(key);
    if (!values) return { output: context.json ? 'null\n' : `key:\n${hexColumn(key)}\n\nNot found\n`, status: statusOf('ENOENT') };
    const btf = definition.valueTypeId ? bpf.objectOf(one)?.btf : undefined;
    if (!btf && !context.json) return done(plainEntry(one, { key, values }));
    const writer = new JsonWriter(context.pretty || !context.json);
    if (btf) typedEntry(context, writer, btf, one, { key, values });
    else writer.object(() => plainMembers(writer, one, { key, values }));
    return done(writer.end());
  }
  if (command === 'delete') {
    const result = bpf.deleteElement(context.process, one, key);
    // bpftool's status is the error number behind this one.
    return result === 0 ? nothing(context) : fail(context, `delete failed: ${errorWords(result)}`, statusOf(result));
  }
  if (rest[0] !== 'value') return fail(context, rest[0] === undefined ? 'did not find value' : `unknown arg ${rest[0]}`);
  const value = readValue(context, one, rest.slice(1));
  if ('failure' in value) return value.failure;
  if ('problem' in value) return fail(context, value.problem);
  const word = rest[1 + value.used] ?? 'any';
  const flag = { any: 0n, noexist: 1n, exist: 2n }[word];
  if (flag === undefined) return fail(context, `expected key or value, got: ${word}`);
  const result = bpf.updateElement(context.process, one, key, value.bytes, flag);
  return result === 0 ? nothing(context) : fail(context, `update failed: ${errorWords(result)}`, statusOf(result));
}
