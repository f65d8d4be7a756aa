// What the simulated kernel passes where a function's prototype wants a struct and nobody said which: the running task, its files, the
// connection, the device and the disk that are there. By the struct's name.

import { buildPacket } from '../packet.ts';
import type { KernelState } from '../state.ts';
import type { KernelObject } from '../subsystems/kernel-structs.ts';
import { DEFAULT_SOCKET, fillSocket } from '../subsystems/sockets.ts';
import { programOf, type Task } from '../subsystems/tasks.ts';

export interface DefaultObject {
  /** The one that is there. */
  shared?: (kernel: KernelState, task: Task) => bigint;
  /** The content of a new one. */
  fill?: (kernel: KernelState, object: KernelObject) => void;
}

/** The file that nobody named. */
export const DEFAULT_FILE = '/etc/hostname';

const sock: DefaultObject = {
  shared: ({ objects }) => objects.sock('socket:default'),
  fill: ({ objects }, object) => fillSocket(objects, object, 'socket:default', DEFAULT_SOCKET),
};

export const DEFAULT_OBJECTS: Readonly<Record<string, DefaultObject>> = {
  task_struct: { shared: ({ tasks }, task) => tasks.addressOf(task) },
  file: { shared: ({ objects }) => objects.file(DEFAULT_FILE) },
  path: { shared: ({ objects }) => objects.path(DEFAULT_FILE) },
  dentry: { shared: ({ objects }) => objects.dentry(DEFAULT_FILE) },
  inode: { shared: ({ objects }) => objects.inode(DEFAULT_FILE) },
  super_block: { shared: ({ objects }) => objects.superBlock(DEFAULT_FILE) },
  vfsmount: { shared: ({ objects }) => objects.mount(DEFAULT_FILE) },
  filename: { shared: ({ objects }) => objects.filename(DEFAULT_FILE) },
  linux_binprm: { shared: ({ objects }, task) => objects.binprm(task, programOf(task), task.args ?? [task.comm]) },
  mm_struct: { shared: (kernel, task) => kernel.objects.memberOf(kernel.tasks.addressOf(task), 'task_struct', 'mm') },
  cred: { shared: (kernel, task) => kernel.objects.memberOf(kernel.tasks.addressOf(task), 'task_struct', 'cred') },
  nsproxy: { shared: (kernel, task) => kernel.objects.memberOf(kernel.tasks.addressOf(task), 'task_struct', 'nsproxy') },
  pid: { shared: ({ objects }, task) => objects.pid(task) },
  cgroup: { shared: ({ objects }, task) => objects.cgroup(task.cgroup) },
  net: { shared: ({ objects }) => objects.net() },
  net_device: { shared: ({ objects }) => objects.defaultDevice() },
  sock,
  inet_sock: sock,
  tcp_sock: sock,
  socket: { shared: ({ objects }) => objects.socket('socket:default') },
  gendisk: { shared: ({ objects }) => objects.disk('vda') },
  request: { fill: (kernel, object) => kernel.objects.fillRequest(object, kernel.now()) },
  request_queue: {
    shared: ({ objects }) => {
      objects.disk('vda');
      return objects.structs.known('request_queue:vda') ?? 0n;
    },
  },
  block_device: {
    shared: ({ objects }) => {
      objects.disk('vda');
      return objects.structs.known('block_device:vda') ?? 0n;
    },
  },
  bio: {
    fill: ({ objects }, object) => {
      objects.disk('vda');
      object.setAll({ 'bi_iter.bi_sector': 2048, 'bi_iter.bi_size': 4096, bi_bdev: objects.structs.known('block_device:vda') ?? 0n });
    },
  },
  kiocb: { fill: ({ objects }, object) => object.set('ki_filp', objects.file(DEFAULT_FILE)) },
  vm_area_struct: {
    fill: ({ objects }, object) => {
      object.setAll({ vm_start: 0x5555_5555_5000n, vm_end: 0x5555_5557_0000n, vm_flags: 0x875n, vm_file: objects.file('/usr/bin/bash') });
    },
  },
  sk_buff: {
    fill: ({ objects }, object) => {
      const { structs } = objects;
      const packet = samplePacketBytes();
      const data = structs.bytes('packet of a struct sk_buff', packet);
      object.setAll({ len: packet.length - 14, head: data, data: data + 14n, mac_header: 0, network_header: 14, transport_header: 34 });
      object.setAll({
        protocol: Uint8Array.of(8, 0),
        truesize: 768,
        tail: packet.length,
        end: packet.length,
        dev: objects.defaultDevice(),
      });
      object.setAll({ sk: objects.sock('socket:default'), skb_iif: 2, pkt_type: 0, ip_summed: 1 });
    },
  },
  kernel_siginfo: { fill: (_kernel, object) => object.setAll({ si_signo: 15, si_code: 0, '_sifields._kill._pid': 1 }) },
};

/** A TCP segment of the default connection. */
const samplePacketBytes = (): Uint8Array =>
  buildPacket({
    ip: { source: DEFAULT_SOCKET.remoteAddress!, destination: DEFAULT_SOCKET.localAddress! },
    tcp: { source: DEFAULT_SOCKET.remotePort!, destination: DEFAULT_SOCKET.localPort!, flags: ['ack'] },
  });
