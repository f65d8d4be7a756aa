// An event that reaches a program, for when no event file does: so that a first run needs nothing but the program.

import { ETH_P_IP } from '../packet.ts';
import type { Attachment } from '../hooks/attachment.ts';
import { syscallByName } from '../hooks/syscall-table.ts';
import type { ScenarioEvent } from '../types.ts';
import type { EventBody, SyscallEvent } from './events.ts';

const MILLISECOND = 1_000_000n;

const packet = (title: string, direction: 'ingress' | 'egress', layers: 'udp' | 'tcp' | 'icmp'): { title: string; body: EventBody } => ({
  title,
  body: {
    type: 'packet',
    device: 'eth0',
    queue: 0,
    direction,
    mark: 0,
    packet:
      layers === 'udp'
        ? { ip: {}, udp: { source: 40000, destination: 53 } }
        : layers === 'tcp'
          ? { ip: {}, tcp: { source: 40000, destination: 80, flags: ['syn'] } }
          : { ethernet: { type: ETH_P_IP }, ip: {}, icmp: {} },
  },
});

const FILES = { filename: '/etc/hostname', pathname: '/tmp/file', path: '/tmp/file', oldname: '/tmp/old', newname: '/tmp/new' } as const;

function syscall(name: string): { title: string; body: SyscallEvent } {
  const parameters = syscallByName(name)?.parameters ?? [];
  const values = name.startsWith('execve')
    ? { filename: '/usr/bin/ls', argv: ['ls', '-l'], envp: ['HOME=/root'] }
    : { ...FILES, count: 16, buf: { text: 'hello' }, fd: 3 };
  const args = Object.fromEntries(Object.entries(values).filter(([parameter]) => parameters.includes(parameter)));
  return {
    title: `${name}${'filename' in args ? ` of ${String(args['filename'])}` : ''}`,
    body: { type: 'syscall', name, pid: undefined, arguments: args, return: 0n },
  };
}

/** A system call among these tracepoint or function names, as `sys_enter_openat` or `__x64_sys_openat` say it. */
const syscallOf = (name: string): string | undefined => /^(?:sys_(?:enter|exit)_|__(?:x64|se|do)_sys_|__arm64_sys_)(\w+)$/.exec(name)?.[1];

function eventsFor(attachment: Attachment, program: string): readonly { title: string; body: EventBody }[] {
  switch (attachment.hook) {
    case 'xdp':
      return [
        packet('a TCP SYN to port 80', 'ingress', 'tcp'),
        packet('a DNS query (UDP)', 'ingress', 'udp'),
        packet('a ping', 'ingress', 'icmp'),
      ];
    case 'skb': {
      const direction = attachment.direction === 'egress' ? 'egress' : 'ingress';
      return [
        packet('a TCP SYN to port 80', direction, 'tcp'),
        packet('a DNS query (UDP)', direction, 'udp'),
        packet('a ping', direction, 'icmp'),
      ];
    }
    case 'syscall':
      return [syscall(attachment.name)];
    case 'tracepoint': {
      const name = attachment.category === 'syscalls' ? syscallOf(attachment.name) : undefined;
      if (name !== undefined) return [syscall(name)];
      if (attachment.category === 'raw_syscalls' || attachment.name === 'sched_process_exec') return [syscall('execve')];
      return [
        {
          title: `${attachment.category}:${attachment.name}`,
          body: { type: 'tracepoint', category: attachment.category, name: attachment.name, pid: undefined, fields: {}, arguments: [] },
        },
      ];
    }
    case 'raw-tracepoint':
      if (attachment.name === 'sys_enter' || attachment.name === 'sys_exit') return [syscall('execve'), syscall('openat')];
      return [
        {
          title: attachment.name,
          body: { type: 'tracepoint', category: undefined, name: attachment.name, pid: undefined, fields: {}, arguments: [] },
        },
      ];
    case 'function': {
      const name = attachment.pattern.replace(/[*?]/g, '');
      const call = syscallOf(name);
      if (call !== undefined && syscallByName(call)) return [syscall(call)];
      return [{ title: `${name}()`, body: { type: 'function', name, pid: undefined, arguments: [], return: 0n } }];
    }
    case 'uprobe':
      return [
        {
          title: `${attachment.function}()`,
          body: {
            type: 'uprobe',
            binary: undefined,
            function: attachment.function,
            pid: undefined,
            arguments: [0, 0, 0, 0, 0, 0],
            return: 0n,
          },
        },
      ];
    case 'sample':
      return [{ title: 'a sample', body: { type: 'sample', pid: undefined, address: 0x5555_5555_6000n, period: 4_000_000n } }];
    case 'context':
      return [
        { title: `${program} with a context of zeros`, body: { type: 'context', program, pid: undefined, bytes: undefined, fields: {} } },
      ];
  }
}

export function defaultEventsFor(attachment: Attachment, program: string): readonly ScenarioEvent[] {
  return eventsFor(attachment, program).map(({ title, body }, index) => ({ index, title, at: BigInt(index + 1) * MILLISECOND, body }));
}
