// `bpftool prog load` and `loadall`: an object's programs into the kernel, pinned. Three ways to fail are told apart: libbpf, the verifier, the pin.

import { formatProblem } from '#core/problem';
import { BPFFS, type ErrnoName, isRefusal, type LoadOutcome, type SimulatedMap, type SimulatedProgram } from '#core/sim';
import { type CommandResult, errorWords, printable } from '../command-result.ts';
import { type BpftoolContext, fail } from './options.ts';

interface Wish {
  pinMaps?: string;
  type?: string;
  autoattach: boolean;
}

function wishOf(words: readonly string[]): Wish | { problem: string } {
  const wish: Wish = { autoattach: false };
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === 'autoattach') wish.autoattach = true;
    else if (word === 'pinmaps' && words[i + 1] !== undefined) wish.pinMaps = words[++i]!;
    else if (word === 'type' && words[i + 1] !== undefined) wish.type = words[++i]!;
    else if (['map', 'dev', 'offload_dev', 'xdpmeta_dev'].includes(word))
      return { problem: `'${word}' is not simulated; there are type, pinmaps and autoattach` };
    else return { problem: `expected no more arguments, 'type', 'map', 'dev', 'pinmaps' or 'autoattach', got: '${word}'?` };
  }
  return wish;
}

export async function loadProgram(context: BpftoolContext, args: readonly string[], which: 'first' | 'all'): Promise<CommandResult> {
  const [file, path, ...rest] = args;
  if (file === undefined || path === undefined)
    return fail(context, `'${which === 'first' ? 'load' : 'loadall'}' needs at least 2 arguments, ${args.length} found`);
  const wish = wishOf(rest);
  if ('problem' in wish) return fail(context, wish.problem);
  const { object, problems } = await context.host.openObject(file, wish.type);
  if (!object) {
    const reason = problems[0];
    const words = reason === undefined || reason.code === 'unreadable' ? 'No such file or directory' : printable(formatProblem(reason));
    return failWith(context, `libbpf: elf: failed to open ${printable(file)}: ${words}`, 'failed to open object file');
  }
  const { bpf } = context.kernel;
  const verify = context.host.verify;
  const outcome = bpf.loadObject(context.process, object, verify ? { verify } : {});
  switch (outcome.kind) {
    case 'libbpf':
      return failWith(context, `libbpf: ${printable(outcome.message)}`, 'failed to load object file');
    case 'verifier':
      return refusedByVerifier(context, outcome, file);
    case 'loaded':
      return which === 'first'
        ? pinFirst(context, outcome.programs, outcome.maps, path, wish)
        : pinAll(context, outcome.programs, outcome.maps, path, wish);
  }
}

const failWith = (context: BpftoolContext, before: string, message: string): CommandResult => {
  const result = fail(context, message);
  return { ...result, errors: `${before}\n${result.errors ?? ''}` };
};

function refusedByVerifier(context: BpftoolContext, outcome: Extract<LoadOutcome, { kind: 'verifier' }>, file: string): CommandResult {
  const { program, errno, log } = outcome;
  const words = errorWords(errno as ErrnoName);
  const base = file.replace(/^.*\//, '');
  return failWith(
    context,
    [
      `libbpf: prog '${printable(program.name)}': BPF program load failed: ${words}`,
      `libbpf: prog '${printable(program.name)}': -- BEGIN PROG LOAD LOG --`,
      log.trimEnd(),
      '-- END PROG LOAD LOG --',
      `libbpf: prog '${printable(program.name)}': failed to load: -${errnoNumber(words)}`,
      `libbpf: failed to load object '${printable(base)}'`,
    ].join('\n'),
    'failed to load object file',
  );
}

const errnoNumber = (words: string): number =>
  ({ 'Permission denied': 13, 'Invalid argument': 22, 'Argument list too long': 7 })[words] ?? 22;

function pinFirst(
  context: BpftoolContext,
  programs: readonly SimulatedProgram[],
  maps: readonly SimulatedMap[],
  path: string,
  wish: Wish,
): CommandResult {
  // bpftool pins the object's first program; the others go with its file descriptors.
  const first = programs[0]!;
  return pinOne(context, first, path, wish) ?? pinMaps(context, maps, wish) ?? ok(context);
}

function pinAll(
  context: BpftoolContext,
  programs: readonly SimulatedProgram[],
  maps: readonly SimulatedMap[],
  directory: string,
  wish: Wish,
): CommandResult {
  const made = makeDirectory(context, directory);
  if (made) return made;
  const pinned: string[] = [];
  for (const program of programs) {
    const path = `${directory}/${program.program.name}`;
    const failure = pinOne(context, program, path, wish);
    if (failure) {
      pinned.forEach((one) => context.kernel.bpf.unlink(one));
      return failure;
    }
    pinned.push(path);
  }
  return pinMaps(context, maps, wish) ?? ok(context);
}

/** A section that ends where its target should stand: one that is always there. */
function whatToName(section: string): string {
  const example = { raw_tp: 'raw_tp/sys_enter', raw_tracepoint: 'raw_tracepoint/sys_enter', tp_btf: 'tp_btf/sys_enter' }[
    section.replace(/^\?/, '').replace(/\/$/, '')
  ];
  return example === undefined ? '' : `: which one? SEC("${example}"), for example, runs at every system call`;
}

function pinOne(context: BpftoolContext, program: SimulatedProgram, path: string, wish: Wish): CommandResult | undefined {
  const { bpf } = context.kernel;
  let object: { kind: 'prog' | 'link'; id: number } = { kind: 'prog', id: program.id };
  if (wish.autoattach) {
    const before = bpf.links.length;
    const why = bpf.unattachable(program);
    if (why !== undefined)
      return failWith(
        context,
        `libbpf: prog '${printable(program.program.name)}' ${why}${whatToName(program.program.section)}`,
        `failed to auto-attach program ${printable(program.program.name)}`,
      );
    bpf.attachBySection(context.process, program);
    const link = bpf.links[before];
    if (link) object = { kind: 'link', id: link.id };
  }
  const refused = bpf.pin(context.process, object, path);
  return refused && fail(context, pinFailure(path, refused.errno, printable(program.program.section)));
}

/** What libbpf and bpftool say of a pin that fails. */
function pinFailure(path: string, errno: ErrnoName, section: string): string {
  if (errno === 'EINVAL') return `failed to pin program ${section}: ${path} is not below a bpffs mount (${BPFFS})`;
  return `failed to pin program ${section}: ${errorWords(errno)}`;
}

function makeDirectory(context: BpftoolContext, directory: string): CommandResult | undefined {
  const { bpf } = context.kernel;
  if (bpf.directories.has(directory)) return undefined;
  const refused = bpf.makeDirectory(directory);
  return isRefusal(refused) ? fail(context, `failed to mkdir ${directory}: ${errorWords(refused.errno)}`) : undefined;
}

function pinMaps(context: BpftoolContext, maps: readonly SimulatedMap[], { pinMaps: directory }: Wish): CommandResult | undefined {
  if (directory === undefined) return undefined;
  const made = makeDirectory(context, directory);
  if (made) return made;
  for (const map of maps) {
    // A dot is not a pin's: libbpf writes an underscore.
    const path = `${directory}/${map.definition.name.replace(/\./g, '_')}`;
    const refused = context.kernel.bpf.pin(context.process, { kind: 'map', id: map.id }, path);
    if (refused) return fail(context, `failed to pin all maps: ${errorWords(refused.errno)}`);
  }
  return undefined;
}

const ok = ({ json }: BpftoolContext): CommandResult => ({ output: json ? 'null\n' : '', status: 0 });
