// `ebpfw run`: a program in the simulated kernel, on the events of a file, on one packet or context, or on events made up for it.
// What is printed with --json is a contract: docs/cli.md.

import { readFile } from 'node:fs/promises';
import { sectionOfType, TARGET_KERNELS } from '#core/catalog';
import { fromHex, hex64, toHex } from '#core/bytes';
import { formatProblem, type Problem } from '#core/problem';
import type { LoadedObject } from '#core/program';
import {
  createKernel,
  decodeValue,
  describeKey,
  encodeValue,
  type Kernel,
  type KernelOptions,
  loadedInto,
  type Output,
  plainBytes,
  type PlainValue,
  type RunResult,
  runScenario,
  type Scenario,
  type ScenarioEvent,
  type SimulatedMap,
  type SimulatedProgram,
  toJson,
  toText,
} from '#core/sim';
import { verify } from '#core/verifier';
import { interpreter, type Engine } from '#core/vm';
import * as vm from '#core/vm';
import { openProgram, readTargetKernel, type ToolchainSettings, verifierFacts } from '#toolchain';
import { complain, noSuchType, readArguments } from '../arguments.ts';
import { readEvents } from '../events-beside.ts';

/** Larger arrays are shown without the elements that are all zeros. */
const SHOW_ALL_UP_TO = 16;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, {
    prog: { type: 'string' },
    events: { type: 'string' },
    packet: { type: 'string' },
    ctx: { type: 'string' },
    engine: { type: 'string', default: 'interpreter' },
    'no-verify': { type: 'boolean', default: false },
    kernel: { type: 'string' },
    btf: { type: 'string' },
    type: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  if ('complaint' in parsed) return complain('run', parsed.complaint);
  const { files, values } = parsed;
  const [file] = files;
  if (file === undefined || files.length > 1) return complain('run', 'one file is wanted: an object (.o), C (.bpf.c) or assembly (.bpf.s)');
  if ([values.events, values.packet, values.ctx].filter((given) => given !== undefined).length > 1)
    return complain('run', 'only one of --events, --packet and --ctx can be given');
  const engine = engineNamed(values.engine);
  if (!engine) return complain('run', `there is no engine "${values.engine}": interpreter or wasm`);

  const version = TARGET_KERNELS.find((known) => known === values.kernel);
  if (values.kernel !== undefined && !version) return complain('run', `kernel ${values.kernel} is not one of ${TARGET_KERNELS.join(', ')}`);
  if (values.type !== undefined && !sectionOfType(values.type)) return complain('run', noSuchType(values.type));

  const report = (list: readonly Problem[]): void => list.forEach((problem) => process.stderr.write(`${formatProblem(problem)}\n`));
  const scenario = await readEvents(file, values.events);
  const given = 'failed' in scenario ? undefined : scenario.scenario;
  const target = version ?? given?.kernel.version;
  const settings: ToolchainSettings = {
    ...(target === undefined ? {} : { target }),
    ...(values.btf === undefined ? {} : { kernelBtf: values.btf }),
  };
  const { object, problems } = await openProgram(file, {
    settings,
    kernel: { ...loadedInto(given), ...(values.type === undefined ? {} : { programType: values.type }) },
  });
  report(problems);
  if (!object) return 2;
  if ('failed' in scenario) {
    report(scenario.failed);
    return 2;
  }
  const facts = verifierFacts(readTargetKernel(settings));
  const { kernelBtf } = facts;
  const kernel = createKernel({
    engine,
    ...scenario.scenario?.kernel,
    ...(version === undefined ? {} : { version }),
    ...(kernelBtf ? { kernelBtf } : {}),
  } satisfies Partial<KernelOptions> & { engine: Engine });
  const loaded = kernel.load(object, values.prog);
  report(loaded.problems);
  if (loaded.programs.length === 0) {
    if (loaded.problems.length === 0) process.stderr.write(`${file}: no program in this file\n`);
    return 2;
  }
  if (!values['no-verify']) {
    const rejected = loaded.programs.flatMap((program) => refusal(program, object, facts));
    if (rejected.length > 0) {
      rejected.forEach((line) => process.stderr.write(`${line}\n`));
      process.stderr.write('the program was not run; --no-verify runs it all the same\n');
      return 1;
    }
  }
  const events = await chooseEvents(kernel, loaded.programs, scenario.scenario, values, report);
  if (!events) return 2;
  const results = runScenario(kernel, { events });
  if (results.length === 0)
    process.stderr.write(
      `none of the events reaches ${loaded.programs.map(({ program }) => program.name).join(', ')}: ${loaded.programs.map(({ program }) => `${program.name} is in section ${program.section}`).join(', ')}\n`,
    );
  process.stdout.write(values.json ? `${toJson(asJson(file, kernel, object, results))}\n` : describe(kernel, object, results));
  if (results.length === 0) return 2;
  return results.some(({ outcome }) => outcome.kind !== 'exit') ? 1 : 0;
}

function engineNamed(name: string): Engine | undefined {
  if (name === 'interpreter') return interpreter;
  const make = (vm as Readonly<Record<string, unknown>>)['createWasmEngine'];
  return name === 'wasm' && typeof make === 'function' ? (make as () => Engine)() : undefined;
}

/** The verifier's refusal as lines; none if it accepts. */
function refusal({ program }: SimulatedProgram, object: LoadedObject, facts: ReturnType<typeof verifierFacts>): string[] {
  if (program.type === undefined)
    return [`${program.name}: its section ${program.section} names no program type; --type says it (--type xdp)`];
  const verdict = verify(program, object, facts);
  if (verdict.verdict === 'accepted') return [];
  const finding = verdict.findings.find(({ severity }) => severity === 'error');
  const line = finding && program.lines.findLast((record) => record.insn <= finding.insn);
  return [
    `${line ? `${line.file}:${line.line}:${line.column}: ` : ''}${program.name} is rejected by the verifier: ${finding?.message ?? verdict.errno ?? ''}${finding?.advice ? `\n    what to do: ${finding.advice}` : ''}`,
  ];
}

interface Given {
  events?: string | undefined;
  packet?: string | undefined;
  ctx?: string | undefined;
  prog?: string | undefined;
}

async function chooseEvents(
  kernel: Kernel,
  programs: readonly SimulatedProgram[],
  scenario: Scenario | undefined,
  given: Given,
  report: (problems: readonly Problem[]) => void,
): Promise<readonly ScenarioEvent[] | undefined> {
  const bytesOf = async (argument: string, option: string): Promise<Uint8Array | undefined> => {
    let text = argument;
    if (argument.startsWith('@')) {
      try {
        const content = await readFile(argument.slice(1));
        if (!/^[\s0-9a-fA-FxX:_]*$/.test(content.toString('latin1'))) return content;
        text = content.toString('latin1');
      } catch (reason) {
        complain('run', `${argument.slice(1)} cannot be read: ${(reason as Error).message}`);
        return undefined;
      }
    }
    const bytes = fromHex(text);
    if (!bytes) complain('run', `${option} takes bytes in hex, two digits each, or @FILE`);
    return bytes;
  };
  const one = (title: string, body: ScenarioEvent['body']): ScenarioEvent => ({ index: 0, title, at: 0n, body });
  if (given.packet !== undefined || given.ctx !== undefined) {
    const bytes = await bytesOf((given.packet ?? given.ctx)!, given.packet === undefined ? '--ctx' : '--packet');
    if (!bytes) return undefined;
    programs.forEach((program) => kernel.attach(program));
    if (given.packet !== undefined)
      return ['ingress' as const, 'egress' as const]
        .map((direction) => one('packet', { type: 'packet', device: 'eth0', queue: 0, direction, mark: 0, packet: bytes }))
        .filter((event) => programs.some((program) => kernel.reaches(event, program)))
        .slice(0, 1);
    return [one('context', { type: 'context', program: given.prog ?? programs[0]!.program.name, pid: undefined, bytes, fields: {} })];
  }
  for (const program of programs) report(kernel.attach(program));
  if (scenario) {
    report(kernel.prepare(scenario));
    return scenario.events;
  }
  // Each program on the first event that suits it; an event that reaches several is fired once.
  const events: ScenarioEvent[] = [];
  for (const program of programs) {
    if (events.some((event) => kernel.reaches(event, program)) || slotOnly(kernel, program)) continue;
    events.push(...kernel.defaultEvents(program));
  }
  return events.map((event, index) => ({ ...event, index }));
}

/** Programs that only tail calls reach have no event of their own. */
const slotOnly = (kernel: Kernel, { program }: SimulatedProgram): boolean =>
  kernel.maps.some(({ definition }) => definition.type === 'prog_array' && definition.slots?.some(({ target }) => target === program.name));

// ---- what is printed ----

const returnOf = ({ outcome }: RunResult): string | null => (outcome.kind === 'exit' ? hex64(outcome.value) : null);

function asJson(file: string, kernel: Kernel, object: LoadedObject, results: readonly RunResult[]): PlainValue {
  const last = results.at(-1);
  return {
    file,
    prog: last?.program ?? null,
    returnValue: last ? returnOf(last) : null,
    insns: results.reduce((sum, { insns }) => sum + insns, 0),
    trace: results.flatMap(({ output }) => output.flatMap((one) => (one.kind === 'trace' ? [one.line] : []))),
    events: results.flatMap(({ output }) => output.flatMap((one) => (one.kind === 'record' ? [record(object, one)] : []))),
    maps: kernel.maps.filter(isShown).map((map) => mapValue(kernel, object, map)),
    runs: results.map((result) => ({
      event: result.event.title,
      prog: result.program,
      returnValue: returnOf(result),
      meaning: result.outcome.kind === 'exit' ? result.outcome.meaning : null,
      fault:
        result.outcome.kind === 'fault'
          ? `instruction ${result.outcome.insn} of ${result.ended}: ${result.outcome.message}`
          : result.outcome.kind === 'budget'
            ? 'still running when its instructions were used up'
            : null,
      insns: result.insns,
      ...(result.packet ? { packet: toHex(result.packet) } : {}),
    })),
  };
}

function record(object: LoadedObject, one: Extract<Output, { kind: 'record' }>): Readonly<Record<string, PlainValue>> {
  const btf = one.btf ?? object.btf;
  return {
    map: one.map,
    cpu: one.cpu,
    bytes: toHex(one.bytes),
    ...(btf && one.typeId !== undefined ? { type: btf.type(one.typeId)?.name ?? '', value: decodeValue(btf, one.typeId, one.bytes) } : {}),
  };
}

/** Constants and the maps that only carry records say nothing. */
const isShown = ({ definition }: SimulatedMap): boolean =>
  !/^\.(rodata|kconfig)/.test(definition.globalSection ?? '') && definition.type !== 'ringbuf' && definition.type !== 'perf_event_array';

function mapValue(kernel: Kernel, object: LoadedObject, map: SimulatedMap): Readonly<Record<string, PlainValue>> {
  const { definition } = map;
  const { btf } = object;
  const typed = (typeId: number | undefined, bytes: Uint8Array): PlainValue =>
    btf && typeId !== undefined && typeId !== 0 ? decodeValue(btf, typeId, bytes) : plainBytes(bytes);
  // A prog array's values are the numbers of programs.
  const named = (bytes: Uint8Array | undefined): string | undefined =>
    definition.type === 'prog_array' && bytes ? kernel.programs.find(({ id }) => id === plainBytes(bytes))?.program.name : undefined;
  const zero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
  const shown =
    map.size > SHOW_ALL_UP_TO && definition.type.includes('array')
      ? map.madeEntries().filter(({ values }) => !values.every(zero))
      : map.page(0, map.size);
  return {
    name: definition.globalSection ?? definition.name,
    type: definition.type,
    entries: shown.map(({ key, values }) => ({
      ...(definition.globalSection === undefined ? { key: typed(definition.keyTypeId, key) } : {}),
      ...(values.length > 1 || definition.type.startsWith('percpu') || definition.type === 'lru_percpu_hash'
        ? { values: values.map((value) => typed(definition.valueTypeId, value)) }
        : { value: named(values[0]) ?? (values[0] ? typed(definition.valueTypeId, values[0]) : null) }),
    })),
  };
}

/** The key as the map's region names have it: `uid 1000`. */
function keyLabel(object: LoadedObject, { definition }: SimulatedMap, key: PlainValue): string {
  const bytes = encodeValue(object.btf, definition.keyTypeId, definition.keySize, key);
  return bytes instanceof Uint8Array ? describeKey(object.btf, definition.keyTypeId, bytes) : toText(key);
}

function describe(kernel: Kernel, object: LoadedObject, results: readonly RunResult[]): string {
  const lines: string[] = [];
  for (const result of results) {
    const { outcome } = result;
    const end =
      outcome.kind === 'exit'
        ? `${hex64(outcome.value)}  ${outcome.meaning}`
        : outcome.kind === 'fault'
          ? `FAULT at instruction ${outcome.insn} of ${result.ended}: ${outcome.message}`
          : 'still running when its instructions were used up';
    lines.push(`${result.event.title}: ${result.program} -> ${end}  (${result.insns} insns)`);
    for (const one of result.output) {
      if (one.kind === 'record') {
        const { type, value } = record(object, one);
        lines.push(`    ${one.map}: ${value === undefined ? toHex(one.bytes, ' ') : `${String(type)} ${toText(value)}`}`);
      } else lines.push(`    ${one.line}`);
    }
  }
  for (const map of kernel.maps.filter(isShown)) {
    const { definition } = map;
    const { name, type, entries } = mapValue(kernel, object, map) as {
      name: string;
      type: string;
      entries: readonly Readonly<Record<string, PlainValue>>[];
    };
    lines.push(`${name} (${type})${entries.length === 0 ? ': empty' : ''}`);
    const label = (key: PlainValue): string =>
      definition.keyTypeId === undefined || !object.btf ? String(key) : keyLabel(object, map, key);
    for (const entry of entries)
      lines.push(`    ${entry['key'] === undefined ? '' : `${label(entry['key'])}: `}${toText(entry['value'] ?? entry['values'] ?? null)}`);
  }
  return `${lines.join('\n')}\n`;
}
