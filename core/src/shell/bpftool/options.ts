// bpftool's options, its way to fail, and its handles: `id 5`, `name counts`, `tag …`, `pinned PATH`.

import { isRefusal, kernelName, type ObjectRef, type SimulatedMap, type SimulatedProgram } from '#core/sim';
import { type CommandContext, type CommandResult, errorWords, statusOf } from '../command-result.ts';
import { JsonWriter } from './json-writer.ts';
import { programTag } from './program-tag.ts';

export interface BpftoolContext extends CommandContext {
  readonly json: boolean;
  readonly pretty: boolean;
  /** -f: the paths of pins beside the objects. */
  readonly showPins: boolean;
}

/** An error of bpftool's own: one line, or JSON where that was asked for. Its status is -1. */
export const fail = ({ json, pretty }: Pick<BpftoolContext, 'json' | 'pretty'>, message: string, status = 255): CommandResult => {
  if (!json) return { output: '', errors: `Error: ${message}\n`, status };
  const writer = new JsonWriter(pretty);
  writer.object(() => void writer.name('error').string(message));
  return { output: writer.end(), status };
};

export type Found<T> = { found: readonly T[]; rest: readonly string[] } | { failure: CommandResult };

/** The programs that a handle names; the command's process holds them from now on, as bpftool does. */
export function findPrograms(context: BpftoolContext, args: readonly string[]): Found<SimulatedProgram> {
  const { kernel } = context;
  const [kind, value] = args;
  if (kind === 'tag') {
    if (value === undefined || !/^[0-9a-f]{1,16}$/i.test(value)) return { failure: fail(context, `can't parse tag`) };
    return named(
      kernel.programs.filter(({ program }) => programTag(program.insns, kernel.options.version) === value),
      args,
    );
  }
  return find(context, args, 'prog', kernel.programs, ({ program }) => program.name, "'id', 'tag', 'name' or 'pinned'");
}

export function findMaps(context: BpftoolContext, args: readonly string[]): Found<SimulatedMap> {
  return find(context, args, 'map', context.kernel.maps, ({ definition }) => definition.name, "'id', 'name' or 'pinned'");
}

function named<T extends { id: number }>(found: readonly T[], args: readonly string[]): Found<T> {
  return found.length === 0 ? { failure: { output: '', status: 255 } } : { found, rest: args.slice(2) };
}

function find<T extends { id: number }>(
  context: BpftoolContext,
  args: readonly string[],
  kind: 'prog' | 'map',
  all: readonly T[],
  nameOf: (one: T) => string,
  expected: string,
): Found<T> {
  const [word, value] = args;
  if (value === undefined && ['id', 'name', 'pinned'].includes(word ?? '')) return { failure: fail(context, `what is '${word ?? ''}'?`) };
  return findNamed(context, word, value ?? '', args, kind, all, nameOf, expected);
}

function findNamed<T extends { id: number }>(
  context: BpftoolContext,
  word: string | undefined,
  value: string,
  args: readonly string[],
  kind: 'prog' | 'map',
  all: readonly T[],
  nameOf: (one: T) => string,
  expected: string,
): Found<T> {
  const { kernel, process } = context;
  switch (word) {
    case 'id': {
      if (!/^\d+$/.test(value)) return { failure: fail(context, `can't parse ${value} as ID`) };
      const fd = kernel.bpf.byId(process, { kind, id: Number(value) });
      const what = kind === 'prog' ? 'get by id' : 'get map by id';
      if (isRefusal(fd)) return { failure: fail(context, `${what} (${value}): ${errorWords(fd.errno)}`) };
      return { found: all.filter(({ id }) => id === Number(value)), rest: args.slice(2) };
    }
    case 'name':
      if (value.length > 15) return { failure: fail(context, `can't parse name`) };
      return named(
        all.filter((one) => kernelName(nameOf(one)) === value),
        args,
      );
    case 'pinned': {
      const object = pinnedObject(context, value);
      if ('failure' in object) return object;
      if (object.kind !== kind) return { failure: fail(context, `incorrect object type: ${OBJECT_WORDS[object.kind]}`) };
      return { found: all.filter(({ id }) => id === object.id), rest: args.slice(2) };
    }
    default:
      return { failure: fail(context, `expected ${expected}, got: '${word ?? ''}'?`) };
  }
}

export const OBJECT_WORDS: Readonly<Record<ObjectRef['kind'], string>> = { prog: 'prog', map: 'map', link: 'link', btf: 'btf' };

export function pinnedObject(context: BpftoolContext, path: string): ObjectRef | { failure: CommandResult } {
  const object = context.kernel.bpf.get(context.process, path);
  return isRefusal(object) ? { failure: fail(context, `bpf obj get (${path}): ${errorWords(object.errno)}`) } : object;
}

export function pinsOf({ kernel }: BpftoolContext, kind: ObjectRef['kind'], id: number): readonly string[] {
  return [...kernel.bpf.pins].filter(([, object]) => object.kind === kind && object.id === id).map(([path]) => path);
}

/** `pids hello(1200)`: processes other than this command's that hold the object. */
export function pidsOf({ kernel, process }: BpftoolContext, kind: ObjectRef['kind'], id: number): readonly { pid: number; comm: string }[] {
  const all = kernel.bpf.processes.filter(
    ({ pid, fds }) => pid !== process.pid && [...fds.values()].some((object) => object.kind === kind && object.id === id),
  );
  return all.map(({ pid, comm }) => ({ pid, comm }));
}

/** `bpftool prog pin PROG PATH`, `bpftool map pin MAP PATH`, `bpftool link pin LINK PATH`. */
export function pin(context: BpftoolContext, object: ObjectRef, path: string | undefined): CommandResult {
  if (path === undefined) return fail(context, 'expected a path behind the handle');
  const refused = context.kernel.bpf.pin(context.process, object, path);
  if (!refused) return { output: context.json ? 'null\n' : '', status: 0 };
  return fail(context, `can't pin the object (${path}): ${errorWords(refused.errno)}`, statusOf(refused.errno));
}
