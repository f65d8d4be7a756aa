// `bpftool link`: show, pin, detach.

import { isRefusal, kernelName, type KernelLink } from '#core/sim';
import { type CommandResult, done, errorWords, statusOf } from '../command-result.ts';
import { JsonWriter } from './json-writer.ts';
import { type BpftoolContext, fail, pidsOf, pin, pinnedObject, pinsOf } from './options.ts';

export function link(context: BpftoolContext, command: string, args: readonly string[]): CommandResult {
  const { bpf } = context.kernel;
  if (command === 'help')
    return done(
      'Usage: bpftool link { show | list } [LINK]\n       bpftool link pin LINK FILE\n       bpftool link detach LINK\n       LINK := { id LINK_ID | pinned FILE }\n',
    );
  if (!['show', 'list', 'pin', 'detach'].includes(command))
    return fail(context, `cmd '${command}' not found; there are show, list, pin, detach, help`);
  const showing = command === 'show' || command === 'list';
  if (showing && args.length === 0) return show(context, bpf.links, true);
  const found = findLink(context, args);
  if ('failure' in found) return found.failure;
  if (showing) return show(context, [found], false);
  if (command === 'pin') return pin(context, { kind: 'link', id: found.id }, args[2]);
  const refused = bpf.detachLinkById(found.id);
  return refused ? fail(context, `failed link detach: ${errorWords(refused.errno)}`) : done(context.json ? 'null\n' : '');
}

function findLink(context: BpftoolContext, args: readonly string[]): KernelLink | { failure: CommandResult } {
  const { bpf } = context.kernel;
  const [word, value] = args;
  if (word === 'id') {
    if (value === undefined || !/^\d+$/.test(value)) return { failure: fail(context, `can't parse ${value ?? '(null)'} as ID`) };
    const fd = bpf.byId(context.process, { kind: 'link', id: Number(value) });
    if (isRefusal(fd))
      return { failure: fail(context, `failed to get link with ID ${value}: ${errorWords(fd.errno)}`, statusOf(fd.errno)) };
    return bpf.links.find(({ id }) => id === Number(value))!;
  }
  if (word === 'pinned') {
    const object = pinnedObject(context, value ?? '');
    if ('failure' in object) return object;
    if (object.kind !== 'link') return { failure: fail(context, `incorrect object type: ${object.kind}`) };
    return bpf.links.find(({ id }) => id === object.id)!;
  }
  return { failure: fail(context, `expected 'id' or 'pinned', got: '${word ?? ''}'?`) };
}

function show(context: BpftoolContext, links: readonly KernelLink[], list: boolean): CommandResult {
  if (!context.json) return done(links.map((one) => text(context, one)).join(''));
  const writer = new JsonWriter(context.pretty);
  const each = (): void =>
    links.forEach((one) =>
      writer.object(() => {
        writer.name('id').raw(String(one.id));
        writer.name('type').string(one.type);
        writer.name('prog_id').raw(String(one.program));
      }),
    );
  if (list) writer.array(each);
  else each();
  return done(writer.end());
}

function text(context: BpftoolContext, one: KernelLink): string {
  const program = context.kernel.programs.find(({ id }) => id === one.program);
  const pids = pidsOf(context, 'link', one.id);
  const detail =
    one.type === 'xdp' || one.type === 'tcx'
      ? [`\tifindex ${one.device ?? 'every device'}`]
      : program
        ? [`\t${kernelName(program.program.name)}  attached by its section ${program.program.section}`]
        : [];
  return [
    `${one.id}: ${one.type}  prog ${one.program}  `,
    ...detail,
    ...(context.showPins ? pinsOf(context, 'link', one.id).map((path) => `\tpinned ${path}`) : []),
    ...(pids.length > 0 ? [`\tpids ${pids.map(({ pid, comm }) => `${comm}(${pid})`).join(', ')}`] : []),
    '',
  ].join('\n');
}
