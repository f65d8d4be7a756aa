// `bpftool net`: XDP programs on devices, over netlink; programs that links put there are shown beside them.

import { errorWords, type CommandResult, done, statusOf } from '../command-result.ts';
import { kernelName } from '#core/sim';
import { JsonWriter } from './json-writer.ts';
import { type BpftoolContext, fail, findPrograms } from './options.ts';

const ATTACH_TYPES: Readonly<Record<string, 'driver' | 'generic'>> = { xdp: 'driver', xdpgeneric: 'generic', xdpdrv: 'driver' };

export function net(context: BpftoolContext, command: string, args: readonly string[]): CommandResult {
  switch (command) {
    case 'show':
    case 'list':
      return show(context, args);
    case 'attach':
      return attach(context, args);
    case 'detach':
      return detach(context, args);
    case 'help':
      return done(
        'Usage: bpftool net { show | list } [dev DEV]\n       bpftool net attach ATTACH_TYPE PROG dev DEV [overwrite]\n       bpftool net detach ATTACH_TYPE dev DEV\n       ATTACH_TYPE := { xdp | xdpgeneric | xdpdrv | xdpoffload }\n',
      );
    default:
      return fail(context, `cmd '${command}' not found; there are show, list, attach, detach, help`);
  }
}

interface Row {
  device: string;
  ifindex: number;
  kind: 'driver' | 'generic';
  id: number;
}

function show(context: BpftoolContext, args: readonly string[]): CommandResult {
  const { kernel } = context;
  let only: string | undefined;
  if (args.length > 0) {
    if (args[0] !== 'dev' || args[1] === undefined) return fail(context, `expected 'dev', got: '${args[0] ?? ''}'?`);
    only = args[1];
    if (!kernel.bpf.devices.some(({ name }) => name === only)) return fail(context, `invalid devname ${only}`, statusOf('ENODEV'));
  }
  const devices = kernel.bpf.devices.filter(({ name }) => only === undefined || name === only);
  const xdp: Row[] = [];
  const tc: { device: string; ifindex: number; kind: string; name: string; id: number }[] = [];
  for (const { name: device, ifindex } of devices) {
    for (const one of kernel.bpf.devicePrograms) if (one.device === device) xdp.push({ device, ifindex, kind: one.mode, id: one.program });
    for (const link of kernel.bpf.links) {
      // A link that names no device is on each but the loopback.
      if (link.device === undefined ? ifindex === 1 : link.device !== device) continue;
      if (link.type === 'xdp') xdp.push({ device, ifindex, kind: 'driver', id: link.program });
      const program = kernel.programs.find(({ id }) => id === link.program)?.program;
      if (link.type === 'tcx' && program)
        tc.push({
          device,
          ifindex,
          kind: /egress/i.test(program.section) ? 'tcx/egress' : 'tcx/ingress',
          name: kernelName(program.name),
          id: link.program,
        });
    }
  }
  if (!context.json) {
    const xdpLines = xdp.map(({ device, ifindex, kind, id }) => `${device}(${ifindex}) ${kind} id ${id}\n`);
    const tcLines = tc.map(({ device, ifindex, kind, name, id }) => `${device}(${ifindex}) ${kind} ${name} prog_id ${id}\n`);
    return done(`xdp:\n${xdpLines.join('')}\ntc:\n${tcLines.join('')}\nflow_dissector:\n\n`);
  }
  const writer = new JsonWriter(context.pretty);
  writer.array(() =>
    writer.object(() => {
      writer.name('xdp').array(() =>
        xdp.forEach(({ device, ifindex, kind, id }) =>
          writer.object(() => {
            writer.name('devname').string(device);
            writer.name('ifindex').raw(String(ifindex));
            writer.name('mode').string(kind);
            writer.name('id').raw(String(id));
          }),
        ),
      );
      writer.name('tc').array(() =>
        tc.forEach(({ device, ifindex, kind, name, id }) =>
          writer.object(() => {
            writer.name('devname').string(device);
            writer.name('ifindex').raw(String(ifindex));
            writer.name('kind').string(kind);
            writer.name('name').string(name);
            writer.name('prog_id').raw(String(id));
          }),
        ),
      );
      writer.name('flow_dissector').array(() => undefined);
    }),
  );
  return done(writer.end());
}

function attach(context: BpftoolContext, args: readonly string[]): CommandResult {
  const [type = '', ...handle] = args;
  const mode = Object.hasOwn(ATTACH_TYPES, type) ? ATTACH_TYPES[type]! : undefined;
  if (mode === undefined) return fail(context, `invalid net attach/detach type: ${type}`, statusOf('EINVAL'));
  const wanted = findPrograms(context, handle);
  if ('failure' in wanted) return { ...wanted.failure, status: statusOf('EINVAL') };
  if (wanted.found.length > 1) return fail(context, 'several programs match this handle', statusOf('EINVAL'));
  const device = readDevice(context, wanted.rest);
  if (typeof device !== 'string') return device;
  const overwrite = wanted.rest[2];
  if (overwrite !== undefined && overwrite !== 'overwrite')
    return fail(context, `expected 'overwrite', got: '${overwrite}'?`, statusOf('EINVAL'));
  const refused = context.kernel.bpf.attachXdp(wanted.found[0]!, device, mode, overwrite !== undefined);
  if (refused) {
    const failure = fail(context, `interface ${type} attach failed: ${errorWords(refused.errno)}`, statusOf(refused.errno));
    return refused.errno === 'EBUSY'
      ? { ...failure, errors: `libbpf: Kernel error message: XDP program already attached\n${failure.errors ?? ''}` }
      : failure;
  }
  return done(context.json ? 'null\n' : '');
}

function detach(context: BpftoolContext, args: readonly string[]): CommandResult {
  const [type = '', ...rest] = args;
  if (!Object.hasOwn(ATTACH_TYPES, type)) return fail(context, `invalid net attach/detach type: ${type}`, statusOf('EINVAL'));
  const device = readDevice(context, rest);
  if (typeof device !== 'string') return device;
  const refused = context.kernel.bpf.detachXdp(device);
  if (refused) return fail(context, `interface ${type} detach failed: ${errorWords(refused.errno)}`, statusOf(refused.errno));
  return done(context.json ? 'null\n' : '');
}

function readDevice(context: BpftoolContext, words: readonly string[]): string | CommandResult {
  if (words[0] !== 'dev') return fail(context, `expected 'dev', got: '${words[0] ?? ''}'?`, statusOf('EINVAL'));
  const [, name = ''] = words;
  if (!context.kernel.bpf.devices.some((device) => device.name === name))
    return fail(context, `invalid devname ${name}`, statusOf('EINVAL'));
  return name;
}
