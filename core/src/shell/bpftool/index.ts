// `bpftool` over a simulated kernel: its options and which file has which object.

import { type CommandContext, type CommandResult, done } from '../command-result.ts';
import { btf } from './btf.ts';
import { link } from './link.ts';
import { map } from './map.ts';
import { net } from './net.ts';
import { type BpftoolContext, fail } from './options.ts';
import { prog } from './prog.ts';

type ObjectCommand = (context: BpftoolContext, command: string, args: readonly string[]) => CommandResult | Promise<CommandResult>;

const OBJECTS: Readonly<Record<string, ObjectCommand>> = { prog, program: prog, map, link, net, btf };
const SHOWN = ['prog', 'map', 'link', 'net', 'btf', 'struct_ops', 'version', 'help'];

/** Maps of type struct_ops are the kernel's registered tables. */
function structOps(context: BpftoolContext, command: string): CommandResult {
  if (command !== 'show' && command !== 'list') return fail(context, `cmd '${command}' not found; there are show, list`);
  return done(
    context.kernel.maps
      .filter(({ definition }) => definition.type === 'struct_ops')
      .map(({ id, definition }) => `${id}: ${definition.name.slice(0, 15).padEnd(15)} ${definition.structOps?.type ?? ''}\n`)
      .join(''),
  );
}

export async function bpftool(outer: CommandContext, words: readonly string[]): Promise<CommandResult> {
  let first = 0;
  const given = new Set<string>();
  for (; first < words.length && words[first]!.startsWith('-'); first++) given.add(words[first]!);
  // getopt takes options behind the words, too.
  const rest = words.slice(first).filter((word) => !/^(--?[a-z]+|-[A-Z])$/.test(word) || !given.add(word));
  const has = (...names: string[]): boolean => names.some((name) => given.has(name));
  const pretty = has('-p', '--pretty');
  const context: BpftoolContext = { ...outer, pretty, json: pretty || has('-j', '--json'), showPins: has('-f', '--bpffs') };
  const known = [
    '-p',
    '--pretty',
    '-j',
    '--json',
    '-f',
    '--bpffs',
    '-d',
    '--debug',
    '-m',
    '--mapcompat',
    '-n',
    '--nomount',
    '-V',
    '--version',
    '-h',
    '--help',
    '-L',
    '--use-loader',
    '-l',
    '--legacy',
  ];
  const unknown = [...given].find((option) => !known.includes(option));
  if (unknown !== undefined) return fail(context, `unrecognized option '${unknown}'`);
  if (has('-V', '--version') || rest[0] === 'version')
    return done(context.json ? `{"version":"simulated"}\n` : `bpftool of the simulated kernel ${outer.kernel.options.version}\n`);
  const [object = 'help', command, ...args] = rest;
  if (object === 'help' || has('-h', '--help'))
    return done(
      'Usage: bpftool [OPTIONS] OBJECT { COMMAND | help }\n       bpftool version\n\n       OBJECT := { prog | map | link | net | btf | struct_ops }\n       OPTIONS := { {-j|--json} [{-p|--pretty}] | {-d|--debug} | {-f|--bpffs} | {-V|--version} }\n',
    );
  if (object === 'struct_ops') return structOps(context, command ?? 'show');
  const found = Object.hasOwn(OBJECTS, object) ? OBJECTS[object] : undefined;
  if (!found) return fail(context, `cmd '${object}' not found; there are ${SHOWN.join(', ')}`);
  return found(context, command ?? 'show', args);
}
