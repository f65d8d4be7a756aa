import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { repository } from '#test/requirements';
import { toHex } from '#core/bytes';
import { buildPacket, internetChecksum, parseAddress } from '../packet.ts';
import { scenarioJsonSchema } from './json-schema.ts';
import { loadedInto, nanoseconds, parseScenario } from './parse.ts';

const parse = (text: string) => parseScenario(text, 'x.events.json');
/** Problems as `line:column message`. */
const said = (text: string): string[] => parse(text).problems.map(({ span, message }) => `${span?.line}:${span?.column} ${message}`);

interface Schema {
  type?: string;
  enum?: readonly unknown[];
  const?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  required?: readonly string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | false;
  items?: Schema;
  anyOf?: readonly Schema[];
  allOf?: readonly Schema[];
  if?: Schema;
  then?: Schema;
}

/** Paths at which a value does not fit a schema: the part of JSON schema that the generator writes. */
function misfits(schema: Schema, value: unknown, at = '$'): string[] {
  const object = typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  const type = Array.isArray(value) ? 'array' : object ? 'object' : Number.isInteger(value) ? 'integer' : typeof value;
  if (schema.type !== undefined && schema.type !== type) return [at];
  if (schema.enum && !schema.enum.includes(value)) return [at];
  if ('const' in schema && schema.const !== value) return [at];
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) return [at];
  if (typeof value === 'number' && (value < (schema.minimum ?? value) || value > (schema.maximum ?? value))) return [at];
  const wrong: string[] = [];
  if (schema.anyOf && !schema.anyOf.some((option) => misfits(option, value, at).length === 0)) wrong.push(at);
  for (const part of schema.allOf ?? []) wrong.push(...misfits(part, value, at));
  if (schema.if && schema.then && misfits(schema.if, value, at).length === 0) wrong.push(...misfits(schema.then, value, at));
  if (Array.isArray(value) && schema.items) value.forEach((element, i) => wrong.push(...misfits(schema.items!, element, `${at}[${i}]`)));
  for (const name of schema.required ?? []) if (object && !(name in object)) wrong.push(`${at}.${name}`);
  for (const [name, member] of Object.entries(object ?? {})) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known === false) wrong.push(`${at}.${name}`);
    else if (known) wrong.push(...misfits(known, member, `${at}.${name}`));
  }
  return wrong;
}

const exampleFiles = readdirSync(path.join(repository, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.events.json'))
  .map((name) => path.join(repository, 'examples', name));

describe('event files', () => {
  test.each(exampleFiles.map((file) => [path.basename(file), file]))('%s has no problems', (_name, file) => {
    const { scenario, problems } = parseScenario(readFileSync(file, 'utf8'), file);
    expect(problems).toEqual([]);
    expect(scenario!.events.length).toBeGreaterThan(0);
  });

  test('the schema file is what the field table says', () => {
    const file = path.join(repository, 'schemas/events.schema.json');
    expect(readFileSync(file, 'utf8'), 'write it again: npx tsx tools/write-events-schema.mts').toBe(scenarioJsonSchema());
  });

  test.each(exampleFiles.map((file) => [path.basename(file), file]))('%s fits the schema', (_name, file) => {
    const schema = JSON.parse(readFileSync(path.join(repository, 'schemas/events.schema.json'), 'utf8')) as Schema;
    expect(misfits(schema, JSON.parse(readFileSync(file, 'utf8')))).toEqual([]);
  });

  test('the schema refuses what the parser refuses', () => {
    const schema = JSON.parse(scenarioJsonSchema()) as Schema;
    const refused = (value: unknown): boolean => misfits(schema, value).length > 0;
    expect(refused({ evnts: [] })).toBe(true);
    expect(refused({ events: [{ type: 'pakcet' }] })).toBe(true);
    expect(refused({ events: [{ type: 'syscall', nam: 'x' }] })).toBe(true);
    expect(refused({ events: [{ type: 'packet', packet: 'fff' }] })).toBe(true);
    expect(refused({ events: [{ type: 'packet', packet: { tcp: { destination: 65536 } } }] })).toBe(true);
    expect(refused({ events: [{ type: 'packet', packet: { tcp: { destination: 65535 } } }] })).toBe(false);
  });

  test('times', () => {
    expect(nanoseconds('1ms')).toBe(1_000_000n);
    expect(nanoseconds('2.5s')).toBe(2_500_000_000n);
    expect(nanoseconds('0.000000001s')).toBe(1n);
    expect(nanoseconds(17)).toBe(17n);
    expect(nanoseconds('1 day')).toBeUndefined();
  });

  test('values', () => {
    const { scenario } = parse(`{
      // comments are welcome
      "kernel": { "version": "6.12", "cpus": 4, "seed": 7, "uptime": "1s", "config": { "CONFIG_HZ": 1000, "CONFIG_BPF_JIT": true, "CONFIG_XFRM": "m", "CONFIG_CMDLINE": "quiet" } },
      "processes": [{ "pid": 5, "comm": "x" }],
      "maps": { "counts": [{ "key": 1, "value": 2 }] },
      "events": [{ "type": "function", "name": "do_unlinkat", "at": "1us", "cpu": 3, "pid": 5, "arguments": [-100, "/tmp/x"], "return": -2 }],
    }`);
    expect(scenario!.kernel).toEqual({ version: '6.12', cpus: 4, seed: 7, uptime: 1_000_000_000n });
    expect(scenario!.kconfig).toEqual({ CONFIG_HZ: '1000', CONFIG_BPF_JIT: 'y', CONFIG_XFRM: 'm', CONFIG_CMDLINE: '"quiet"' });
    expect(loadedInto(scenario)).toEqual({ kernelVersion: '6.12.0', cpus: 4, kconfig: scenario!.kconfig });
    expect(scenario!.processes).toEqual([{ pid: 5, tgid: 5, uid: 0, gid: 0, comm: 'x', parent: 1, cgroup: '/' }]);
    expect(scenario!.maps).toEqual([{ map: 'counts', key: 1, value: 2, span: { line: 5, column: 28 } }]);
    expect(scenario!.events).toEqual([
      {
        index: 0,
        title: 'do_unlinkat()',
        at: 1000n,
        span: { line: 6, column: 18 },
        cpu: 3,
        body: { type: 'function', name: 'do_unlinkat', pid: 5, arguments: [-100, '/tmp/x'], return: -2n },
      },
    ]);
  });
});

describe('every mistake has a place and a way out', () => {
  const wrong: readonly (readonly [string, string, string])[] = [
    ['nothing', '', '1:1 the file is empty: it needs at least { "events": [] }'],
    ['no JSON', '{ "events": [ }', '1:15 not readable as JSON: a value is expected here'],
    ['a comma is missing', '{ "kernel": {} "events": [] }', '1:16 not readable as JSON: a comma is missing before this'],
    ['no events', '{}', '1:1 the file has no "events": a list is needed'],
    ['a field with a typo', '{ "evnts": [], "events": [] }', '1:3 the file has no field "evnts": did you mean "events"?'],
    ['a field twice', '{ "events": [],\n "events": [] }', '2:2 the file has "events" twice: take one of them out'],
    [
      'no type',
      '{ "events": [{ "name": "x" }] }',
      '1:16 events[0] has no "type": "packet", "syscall", "function", "tracepoint", "uprobe", "sample", "context", "wait", "map"',
    ],
    ['an unknown type', '{ "events": [{ "type": "pakcet" }] }', '1:24 events[0].type: there is no event "pakcet": did you mean "packet"?'],
    [
      'an unknown system call',
      '{ "events": [{ "type": "syscall", "name": "exceve" }] }',
      '1:43 events[0].name: the system call exceve is not known here: did you mean "execve"?',
    ],
    [
      'an unknown parameter',
      '{ "events": [{ "type": "syscall", "name": "execve", "arguments": { "filname": "x" } }] }',
      '1:68 events[0].arguments: execve has no parameter "filname": did you mean "filename"?',
    ],
    [
      'a kernel option with another name',
      '{ "kernel": { "config": { "HZ": 100 } }, "events": [] }',
      '1:27 kernel.config: options are named CONFIG_…, not "HZ"',
    ],
    [
      'a kernel option that is a list',
      '{ "kernel": { "config": { "CONFIG_HZ": [] } }, "events": [] }',
      '1:40 kernel.config.CONFIG_HZ: y, m or n, a number or text is expected here',
    ],
    [
      'an unknown process',
      '{ "events": [{ "type": "syscall", "name": "getpid", "pid": 7 }] }',
      '1:60 events[0].pid: there is no process 7: add it to "processes"',
    ],
    ['a wrong kind', '{ "events": [{ "type": "syscall", "name": 5 }] }', '1:43 events[0].name: text is expected here, not 5'],
    [
      'a wrong time',
      '{ "events": [{ "type": "syscall", "name": "getpid", "at": "soon" }] }',
      '1:59 events[0].at: a time such as "1ms", or nanoseconds is expected here, not "soon"',
    ],
    [
      'not in order',
      '{ "events": [{ "type": "sample", "at": 2 },\n{ "type": "sample", "at": 1 }] }',
      '2:27 events[1].at: this is before the event above: events stand in order of time',
    ],
    [
      'half a byte',
      '{ "events": [{ "type": "packet", "packet": "ffff0" }] }',
      '1:44 events[0].packet: "ffff0" is not hex: two digits for each byte',
    ],
    [
      'a short frame',
      '{ "events": [{ "type": "packet", "packet": "ffff" }] }',
      '1:44 events[0].packet: 2 bytes are no Ethernet frame: the header alone has 14',
    ],
    [
      'an unknown device',
      '{ "events": [{ "type": "packet", "device": "eth1", "packet": {} }] }',
      '1:44 events[0].device: there is no device eth1: did you mean "eth0"?',
    ],
    [
      'a port out of range',
      '{ "events": [{ "type": "packet", "packet": { "tcp": { "destination": 65536 } } }] }',
      '1:70 events[0].packet.tcp.destination: a whole number from 0 to 65535 is expected here, not 65536',
    ],
    [
      'a flag with a typo',
      '{ "events": [{ "type": "packet", "packet": { "tcp": { "flags": ["sny"] } } }] }',
      '1:65 events[0].packet.tcp.flags[0]: there is no "sny" here: did you mean "syn"?',
    ],
    [
      'two transports',
      '{ "events": [{ "type": "packet", "packet": { "tcp": {}, "udp": {} } }] }',
      '1:64 events[0].packet: a packet has one of tcp and udp',
    ],
    [
      'a bad address',
      '{ "events": [{ "type": "packet", "packet": { "ip": { "source": "300.1.1.1" } } }] }',
      '1:64 events[0].packet.ip.source: "300.1.1.1" is no address',
    ],
    [
      'an unknown kernel',
      '{ "kernel": { "version": "9.9" }, "events": [] }',
      '1:26 kernel.version: 9.9 is not among the known kernels: 6.18, 6.12, 6.6, 6.1, 5.15, 5.10, 5.4',
    ],
    [
      'a CPU that is not there',
      '{ "kernel": { "cpus": 2 }, "events": [{ "type": "sample", "cpu": 2 }] }',
      '1:66 events[0].cpu: this kernel has CPUs 0 to 1',
    ],
    [
      'a long name',
      '{ "processes": [{ "pid": 9, "comm": "a-very-long-command" }], "events": [] }',
      '1:37 the kernel keeps 15 bytes of a process name, "a-very-long-command" has 19',
    ],
  ];
  test.each(wrong)('%s', (_name, text, message) => {
    expect(said(text)[0]).toBe(message);
    expect(parse(text).scenario).toBeUndefined();
  });

  test('all mistakes are told at once', () => {
    expect(said('{ "evens": 1, "events": [{ "type": "syscall", "nam": 1, "name": "getpid" }] }')).toHaveLength(2);
  });

  test('any text gives problems or a scenario', () => {
    const whole = readFileSync(exampleFiles[0]!, 'utf8');
    for (let cut = 0; cut < whole.length; cut += 7) {
      const { scenario, problems } = parse(whole.slice(0, cut));
      expect(scenario === undefined).toBe(problems.length > 0);
    }
  });
});

describe('packets', () => {
  test('a UDP packet, byte by byte', () => {
    const bytes = buildPacket({
      ip: { source: parseAddress('192.0.2.1')!, destination: parseAddress('192.0.2.2')! },
      udp: { source: 40000, destination: 53 },
      payload: Uint8Array.of(1, 2),
    });
    expect(toHex(bytes.subarray(0, 14))).toBe('0200000000020200000000010800');
    expect(toHex(bytes.subarray(14, 24))).toBe('4500001e000040004011');
    expect(internetChecksum(bytes.subarray(14, 34))).toBe(0);
    expect(toHex(bytes.subarray(34, 40))).toBe('9c400035000a');
    // The sum over pseudo header and datagram, checksum included, is all ones.
    const pseudo = Uint8Array.of(...bytes.subarray(26, 34), 0, 17, 0, 10, ...bytes.subarray(34));
    expect(internetChecksum(pseudo)).toBe(0);
  });

  test('IPv6, TCP, VLAN and ARP', () => {
    const six = buildPacket({ ip: { source: parseAddress('2001:db8::1')! }, tcp: { destination: 443, flags: ['syn', 'ack'] } });
    expect(toHex(six.subarray(12, 22))).toBe('86dd60000000001406' + '40');
    expect(six[14 + 40 + 13]).toBe(0x12);
    expect(internetChecksum(Uint8Array.of(...six.subarray(22, 54), 0, 0, 0, 20, 0, 0, 0, 6, ...six.subarray(54)))).toBe(0);
    expect(toHex(buildPacket({ vlan: { id: 7 }, ip: {}, udp: {} }).subarray(12, 18))).toBe('810000070800');
    expect(toHex(buildPacket({ arp: {} }))).toBe(
      'ffffffffffff0200000000010806' + '0001080006040001020000000001c0000201000000000000c0000202',
    );
  });

  test('addresses', () => {
    expect(toHex(parseAddress('::ffff:192.0.2.1')!)).toBe('00000000000000000000ffffc0000201');
    expect(parseAddress('1::2::3')).toBeUndefined();
    expect(parseAddress('1.2.3')).toBeUndefined();
    expect(parseAddress('1:2:3:4:5:6:7')).toBeUndefined();
  });
});
