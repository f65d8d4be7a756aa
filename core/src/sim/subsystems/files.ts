// The simulated machine's file systems: which one holds a path, and what an inode says of it. There are no contents.

import { utf8 } from '../integers.ts';

export interface Filesystem {
  /** Where it is mounted. */
  root: string;
  type: string;
  /** dev_t as the kernel keeps it: major << 20 | minor. */
  device: number;
  /** s_magic, include/uapi/linux/magic.h. */
  magic: number;
  /** s_id, and the mount's device name. */
  name: string;
}

const ROOT: Filesystem = { root: '/', type: 'ext4', device: (254 << 20) | 1, magic: 0xef53, name: 'vda1' };
const MOUNTED: readonly Filesystem[] = [
  { root: '/proc', type: 'proc', device: 21, magic: 0x9fa0, name: 'proc' },
  { root: '/sys', type: 'sysfs', device: 20, magic: 0x62656572, name: 'sysfs' },
  { root: '/dev', type: 'devtmpfs', device: 5, magic: 0x01021994, name: 'devtmpfs' },
  { root: '/run', type: 'tmpfs', device: 23, magic: 0x01021994, name: 'tmpfs' },
];
const SOCKETS: Filesystem = { root: 'socket:', type: 'sockfs', device: 8, magic: 0x534f434b, name: 'sockfs' };

export function filesystemOf(path: string): Filesystem {
  if (path.startsWith('socket:')) return SOCKETS;
  return MOUNTED.find(({ root }) => path === root || path.startsWith(`${root}/`)) ?? ROOT;
}

/** A steady inode number: the path decides. */
export function numberOfPath(path: string): number {
  if (path === '/') return 2;
  let hash = 0x811c9dc5;
  for (const byte of utf8(path)) hash = Math.imul(hash ^ byte, 0x01000193);
  return 1000 + ((hash >>> 0) % 1_000_000);
}

const FOLDERS = new Set([
  '/',
  '/bin',
  '/dev',
  '/dev/pts',
  '/etc',
  '/home',
  '/lib',
  '/proc',
  '/root',
  '/run',
  '/sys',
  '/tmp',
  '/usr',
  '/usr/bin',
  '/usr/lib',
  '/var',
]);

/** i_mode: the kind of file and its permissions. */
export function modeOf(path: string): number {
  if (path.startsWith('socket:')) return 0o140777;
  if (FOLDERS.has(path) || path.endsWith('/')) return 0o040755;
  if (path.startsWith('/dev/')) return 0o020620;
  return /^\/(usr\/)?s?bin\//.test(path) ? 0o100755 : 0o100644;
}
