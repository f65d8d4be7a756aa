// Reads an event file (`*.events.json`; comments and trailing commas are welcome) into a scenario, with a located problem for
// everything that is wrong. A file with errors gives no scenario.

import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import { fromHex } from '#core/bytes';
import { TARGET_KERNELS, type KernelVersion } from '#core/catalog';
import { error, type Problem } from '#core/problem';
import type { LoadOptions } from '#core/program';
import { utf8 } from '../integers.ts';
import { syscallByName, SYSCALLS } from '../hooks/syscall-table.ts';
import { parseAddress, parseMac, type PacketLayers } from '../packet.ts';
import { integerFrom } from '../typed-values.ts';
import type { InitialEntry, Scenario, ScenarioDevice, ScenarioEvent, ScenarioObject, ScenarioProcess } from '../types.ts';
import { checkField, nearest, plainValue, property, type FieldProblem } from './check-fields.ts';
import type { ArgumentValue, EventBody } from './events.ts';
import { SCENARIO_FIELDS } from './fields.ts';

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of `1ms`, `2.5s` or a number. */
export function nanoseconds(value: unknown): bigint | undefined {
  if (typeof value === 'number') return BigInt(Math.trunc(value));
  const match = typeof value === 'string' ? /^\s*(\d+)(?:\.(\d+))?\s*(\D*?)\s*$/.exec(value) : null;
  const unit = UNITS[match?.[3] || 'ns'];
  if (!match || unit === undefined) return undefined;
  const fraction = (match[2] ?? '').slice(0, 15);
  return BigInt(match[1]!) * BigInt(unit) + (fraction === '' ? 0n : (BigInt(fraction) * BigInt(unit)) / 10n ** BigInt(fraction.length));
}

/** What the loader must know of the scenario's kernel. */
export function loadedInto(scenario: Scenario | undefined): Pick<LoadOptions, 'kconfig' | 'kernelVersion' | 'cpus'> {
  if (!scenario) return {};
  const { version, cpus } = scenario.kernel;
  return {
    kconfig: scenario.kconfig,
    ...(version === undefined ? {} : { kernelVersion: `${version}.0` }),
    ...(cpus === undefined ? {} : { cpus }),
  };
}

/** Offsets into the text as lines and columns, both from 1. */
class Places {
  private readonly starts: number[] = [0];
  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.starts.push(at + 1);
  }
  at(offset: number): { line: number; column: number } {
    let line = this.starts.findIndex((start) => start > offset);
    if (line < 0) line = this.starts.length;
    return { line, column: offset - this.starts[line - 1]! + 1 };
  }
}

const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this is no JSON value',
  InvalidNumberFormat: 'this number is not written as JSON writes numbers',
  PropertyNameExpected: 'a field name in quotes is expected here',
  ValueExpected: 'a value is expected here',
  ColonExpected: 'a colon is expected after the field name',
  CommaExpected: 'a comma is missing before this',
  CloseBraceExpected: 'a closing brace } is missing',
  CloseBracketExpected: 'a closing bracket ] is missing',
  EndOfFileExpected: 'nothing more is expected after the closing brace',
  UnexpectedEndOfComment: 'the comment is not closed',
  UnexpectedEndOfString: 'the text is not closed with a quote',
  UnexpectedEndOfNumber: 'the number is not complete',
  InvalidUnicode: 'this escape is no Unicode character',
  InvalidEscapeCharacter: 'this escape is unknown: write \\\\ for a backslash',
  InvalidCharacter: 'this character is not allowed here',
};

/** Who runs where no process is described (kernel.ts). */
const DEFAULT_PID = 1000;
const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];

type Values = Readonly<Record<string, unknown>>;

export function parseScenario(text: string, file: string): { scenario?: Scenario; problems: readonly Problem[] } {
  const places = new Places(text);
  const problems: Problem[] = [];
  const report = ({ message, offset, length }: FieldProblem): void => {
    const start = places.at(offset);
    const end = places.at(offset + length);
    problems.push(error(message, { code: 'events-file', span: { file, ...start, endLine: end.line, endColumn: end.column } }));
  };
  const syntax: ParseError[] = [];
  const root = parseTree(text, syntax, { allowTrailingComma: true, allowEmptyContent: true });
  // One broken place makes the reader stumble on: the first is the one to mend.
  const first = syntax[0];
  if (first) {
    const code = printParseErrorCode(first.error);
    report({ message: `not readable as JSON: ${SYNTAX[code] ?? code}`, offset: first.offset, length: first.length });
    return { problems };
  }
  if (!root) {
    report({ message: 'the file is empty: it needs at least { "events": [] }', offset: 0, length: 0 });
    return { problems };
  }
  const wrong: FieldProblem[] = [];
  checkField({ kind: 'object', about: '', fields: SCENARIO_FIELDS }, root, '', wrong);
  wrong.forEach(report);
  if (problems.length > 0) return { problems };
  const reader = new Reader(places, report);
  const scenario = reader.scenario(root, file);
  return problems.length > 0 ? { problems } : { scenario, problems };
}

/** From a tree whose fields are known to be well formed to values; reports what only shows when parts are put together. */
class Reader {
  private pids = new Set<number>([0, 1]);
  private populated = false;
  private deviceNames = new Set<string>(['lo', 'eth0']);

  constructor(
    private readonly places: Places,
    private readonly report: (problem: FieldProblem) => void,
  ) {}

  private wrong(node: Node, message: string): void {
    this.report({ message, offset: node.offset, length: node.length });
  }

  scenario(root: Node, file: string): Scenario {
    const values = plainValue(root) as Values;
    const kernel = (values['kernel'] ?? {}) as Values;
    this.populated = this.elements(root, 'processes').length > 0;
    if (!this.populated) this.pids.add(DEFAULT_PID);
    const processes = this.elements(root, 'processes').map((node) => this.process(node));
    const devices = this.elements(root, 'devices').map((node) => this.device(node));
    const maps: InitialEntry[] = [];
    for (const map of property(root, 'maps')?.children ?? []) {
      for (const entry of map.children?.[1]?.children ?? []) {
        const { key, value } = plainValue(entry) as Values;
        maps.push({ map: String(map.children![0]!.value), key, value, span: this.places.at(entry.offset) });
      }
    }
    const uptime = kernel['uptime'] === undefined ? undefined : nanoseconds(kernel['uptime']);
    const version = kernel['version'] as KernelVersion | undefined;
    const versionNode = property(property(root, 'kernel') ?? root, 'version');
    if (version !== undefined && versionNode && !(TARGET_KERNELS as readonly string[]).includes(version))
      this.wrong(versionNode, `kernel.version: ${version} is not among the known kernels: ${TARGET_KERNELS.join(', ')}`);
    return {
      file,
      kernel: {
        ...(version === undefined ? {} : { version }),
        ...(kernel['cpus'] === undefined ? {} : { cpus: kernel['cpus'] as number }),
        ...(kernel['seed'] === undefined ? {} : { seed: kernel['seed'] as number }),
        ...(uptime === undefined ? {} : { uptime }),
      },
      kconfig: this.kconfig(root),
      processes,
      objects: this.objects(root),
      devices,
      maps,
      events: this.events(root, (kernel['cpus'] as number | undefined) ?? 1),
    };
  }

  private objects(root: Node): readonly ScenarioObject[] {
    return (property(root, 'objects')?.children ?? []).map((entry) => {
      const [name, value] = entry.children!;
      const described = plainValue(value!) as Values;
      if (typeof described['struct'] !== 'string')
        this.wrong(value!, `objects.${String(name!.value)} has no "struct": the name of a kernel struct is needed, such as "sock"`);
      return { name: String(name!.value), value: described, span: this.places.at(value!.offset) };
    });
  }

  /** Values as a .config writes them: text other than y, m and n in quotes. */
  private kconfig(root: Node): Record<string, string> {
    const lines: Record<string, string> = {};
    const kernel = property(root, 'kernel');
    for (const line of (kernel && property(kernel, 'config')?.children) ?? []) {
      const [name, node] = line.children!;
      const value = node!.value as unknown;
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
        this.wrong(node!, `kernel.config.${String(name!.value)}: y, m or n, a number or text is expected here`);
        continue;
      }
      if (!/^CONFIG_[A-Z0-9_]+$/i.test(name!.value as string))
        this.wrong(name!, `kernel.config: options are named CONFIG_…, not "${String(name!.value)}"`);
      lines[name!.value as string] =
        typeof value === 'boolean'
          ? value
            ? 'y'
            : 'n'
          : typeof value === 'number' || /^([ymn]|-?\d+|0x[0-9a-f]+)$/i.test(value)
            ? String(value)
            : `"${value}"`;
    }
    return lines;
  }

  private elements(root: Node, name: string): readonly Node[] {
    return property(root, name)?.children ?? [];
  }

  private process(node: Node): ScenarioProcess {
    const values = plainValue(node) as Values;
    const pid = values['pid'] as number;
    if (this.pids.has(pid) && pid > 1) this.wrong(property(node, 'pid')!, `there are two processes ${pid}`);
    this.pids.add(pid);
    const comm = (values['comm'] as string | undefined) ?? `task${pid}`;
    if (utf8(comm).length > 15)
      this.wrong(property(node, 'comm')!, `the kernel keeps 15 bytes of a process name, "${comm}" has ${utf8(comm).length}`);
    return {
      pid,
      tgid: (values['tgid'] as number | undefined) ?? pid,
      uid: (values['uid'] as number | undefined) ?? 0,
      gid: (values['gid'] as number | undefined) ?? 0,
      comm,
      parent: (values['parent'] as number | undefined) ?? 1,
      cgroup: (values['cgroup'] as string | undefined) ?? '/',
      ...(values['exe'] === undefined ? {} : { exe: values['exe'] as string }),
      ...(values['args'] === undefined ? {} : { args: values['args'] as readonly string[] }),
      ...(values['cwd'] === undefined ? {} : { cwd: values['cwd'] as string }),
      ...(values['files'] === undefined ? {} : { files: this.files(node, values['files'] as Values) }),
      ...(values['namespaces'] === undefined ? {} : { namespaces: this.namespaces(node) }),
    };
  }

  private files(node: Node, files: Values): ReadonlyMap<number, string> {
    for (const entry of property(node, 'files')?.children ?? []) {
      const fd = String(entry.children![0]!.value);
      if (!/^\d{1,4}$/.test(fd)) this.wrong(entry.children![0]!, `files: a descriptor is a number from 0 to 9999, not "${fd}"`);
    }
    return new Map(Object.entries(files).map(([fd, path]) => [Number(fd), String(path)]));
  }

  private namespaces(node: Node): Readonly<Record<string, number>> {
    const numbers: Record<string, number> = {};
    for (const entry of property(node, 'namespaces')?.children ?? []) {
      const name = String(entry.children![0]!.value);
      if (!NAMESPACES.includes(name))
        this.wrong(entry.children![0]!, `namespaces: there is no "${name}": it can be one of ${NAMESPACES.join(', ')}`);
      numbers[name] = entry.children![1]!.value as number;
    }
    return numbers;
  }

  private device(node: Node): ScenarioDevice {
    const values = plainValue(node) as Values;
    const name = values['name'] as string;
    this.deviceNames.add(name);
    const mac = typeof values['mac'] === 'string' ? parseMac(values['mac']) : undefined;
    return {
      name,
      ifindex: values['ifindex'] as number,
      ...(mac ? { mac } : {}),
      ...(values['mtu'] === undefined ? {} : { mtu: values['mtu'] as number }),
      ...(values['queues'] === undefined ? {} : { queues: values['queues'] as number }),
    };
  }

  private events(root: Node, cpus: number): readonly ScenarioEvent[] {
    let last = 0n;
    return this.elements(root, 'events').map((node, index) => {
      const values = plainValue(node) as Values;
      const at = values['at'] === undefined ? last : nanoseconds(values['at'])!;
      if (at < last)
        this.wrong(property(node, 'at')!, `events[${index}].at: this is before the event above: events stand in order of time`);
      last = at;
      const cpu = values['cpu'] as number | undefined;
      if (cpu !== undefined && cpu >= cpus)
        this.wrong(
          property(node, 'cpu')!,
          `events[${index}].cpu: this kernel has ${cpus === 1 ? 'one CPU, number 0' : `CPUs 0 to ${cpus - 1}`}`,
        );
      const pid = property(node, 'pid');
      if (pid && !this.pids.has(pid.value as number))
        this.wrong(pid, `events[${index}].pid: there is no process ${String(pid.value)}: add it to "processes"`);
      const body = this.body(node, values, `events[${index}]`);
      return {
        index,
        title: (values['title'] as string | undefined) ?? titleOf(body),
        at,
        span: this.places.at(node.offset),
        ...(cpu === undefined ? {} : { cpu }),
        body,
      };
    });
  }

  private body(node: Node, values: Values, path: string): EventBody {
    const pid = values['pid'] as number | undefined;
    const returned = integerFrom(values['return'] ?? 0) ?? 0n;
    const takes = values['takes'] === undefined ? {} : { takes: nanoseconds(values['takes'])! };
    const list = (values['arguments'] ?? []) as readonly ArgumentValue[];
    const bytes = typeof values['bytes'] === 'string' ? fromHex(values['bytes']) : undefined;
    switch (values['type']) {
      case 'packet':
        return this.packet(node, values, path);
      case 'syscall':
        return { type: 'syscall', ...this.syscall(node, values, path), pid, return: returned, ...takes };
      case 'function':
        return { type: 'function', name: values['name'] as string, pid, arguments: list, return: returned, ...takes };
      case 'tracepoint': {
        const name = values['name'] as string;
        const parts = name.split(/[:/]/);
        return {
          type: 'tracepoint',
          category: parts.length > 1 ? parts[0] : undefined,
          name: parts.at(-1)!,
          pid,
          fields: (values['fields'] ?? {}) as Values,
          arguments: list,
        };
      }
      case 'uprobe':
        return {
          type: 'uprobe',
          binary: values['binary'] as string | undefined,
          function: values['function'] as string,
          pid,
          arguments: list,
          return: returned,
          ...takes,
        };
      case 'sample':
        return {
          type: 'sample',
          pid,
          address: integerFrom(values['address'] ?? 0x5555_5555_6000) ?? 0n,
          period: integerFrom(values['period'] ?? 4_000_000) ?? 0n,
        };
      case 'context':
        return { type: 'context', program: values['program'] as string, pid, bytes, fields: (values['fields'] ?? {}) as Values };
      case 'wait':
        return { type: 'wait' };
      default:
        return { type: 'map', map: values['map'] as string, key: values['key'], value: values['value'] };
    }
  }

  private syscall(node: Node, values: Values, path: string): { name: string; arguments: Readonly<Record<string, ArgumentValue>> } {
    const name = values['name'] as string;
    const row = syscallByName(name);
    const args = (values['arguments'] ?? {}) as Readonly<Record<string, ArgumentValue>>;
    if (!row) {
      if (/^\d+$/.test(name)) return { name, arguments: args };
      const guess = nearest(
        name,
        SYSCALLS.map((known) => known.name),
      );
      this.wrong(
        property(node, 'name')!,
        `${path}.name: the system call ${name} is not known here${guess === undefined ? ': give its number instead' : `: did you mean "${guess}"?`}`,
      );
      return { name, arguments: args };
    }
    for (const given of property(node, 'arguments')?.children ?? []) {
      const parameter = String(given.children![0]!.value);
      if (row.parameters.includes(parameter) || /^[0-5]$/.test(parameter)) continue;
      const guess = nearest(parameter, row.parameters);
      this.wrong(
        given.children![0]!,
        `${path}.arguments: ${name} has no parameter "${parameter}"${guess === undefined ? (row.parameters.length === 0 ? ': it has none' : `: it has ${row.parameters.join(', ')}`) : `: did you mean "${guess}"?`}`,
      );
    }
    return { name, arguments: args };
  }

  private packet(node: Node, values: Values, path: string): EventBody {
    const device = (values['device'] as string | undefined) ?? 'eth0';
    if (!this.deviceNames.has(device)) {
      const guess = nearest(device, [...this.deviceNames]);
      this.wrong(
        property(node, 'device')!,
        `${path}.device: there is no device ${device}${guess === undefined ? ': add it to "devices"' : `: did you mean "${guess}"?`}`,
      );
    }
    const packetNode = property(node, 'packet')!;
    const given = values['packet'];
    let packet: Uint8Array | PacketLayers;
    if (typeof given === 'string') {
      packet = fromHex(given) ?? new Uint8Array(0);
      if (packet.length < 14)
        this.wrong(packetNode, `${path}.packet: ${packet.length} bytes are no Ethernet frame: the header alone has 14`);
    } else packet = this.layers(packetNode, given as Values, `${path}.packet`);
    return {
      type: 'packet',
      device,
      queue: (values['queue'] as number | undefined) ?? 0,
      direction: (values['direction'] as 'ingress' | 'egress' | undefined) ?? 'ingress',
      mark: (values['mark'] as number | undefined) ?? 0,
      packet,
    };
  }

  private layers(node: Node, values: Values, path: string): PacketLayers {
    const layers: Record<string, unknown> = {};
    for (const [name, layer] of Object.entries(values)) {
      if (name === 'payload') {
        layers['payload'] = typeof layer === 'string' ? utf8(layer) : fromHex((layer as { hex: string }).hex);
        continue;
      }
      const fields: Record<string, unknown> = {};
      for (const [field, value] of Object.entries(layer as Values)) {
        if (typeof value !== 'string') fields[field] = value;
        else {
          const bytes = parseMac(value) ?? parseAddress(value);
          const place = property(property(node, name)!, field)!;
          if (!bytes) this.wrong(place, `${path}.${name}.${field}: "${value}" is no address`);
          fields[field] = bytes;
        }
      }
      layers[name] = fields;
    }
    const result = layers as PacketLayers;
    if (result.ip?.source && result.ip.destination && result.ip.source.length !== result.ip.destination.length)
      this.wrong(property(node, 'ip')!, `${path}.ip: one address is IPv4 and the other IPv6`);
    const transports = ['tcp', 'udp', 'icmp', 'arp'].filter((name) => name in values);
    if (transports.length > 1) this.wrong(property(node, transports[1]!)!, `${path}: a packet has one of ${transports.join(' and ')}`);
    return result;
  }
}

function titleOf(body: EventBody): string {
  switch (body.type) {
    case 'packet': {
      const layers =
        body.packet instanceof Uint8Array ? [`${body.packet.length} bytes`] : Object.keys(body.packet).filter((name) => name !== 'payload');
      return `packet: ${layers.join(' ')}`;
    }
    case 'syscall':
      return body.name;
    case 'function':
      return `${body.name}()`;
    case 'uprobe':
      return `${body.function}()`;
    case 'tracepoint':
      return body.category === undefined ? body.name : `${body.category}:${body.name}`;
    case 'sample':
      return 'sample';
    case 'context':
      return body.program;
    case 'wait':
      return 'time passes';
    case 'map':
      return `user space ${body.value === undefined ? 'deletes from' : 'writes'} ${body.map}`;
  }
}
