// What the simulated kernel knows, as the structs that programs read: tasks with parents, credentials, namespaces, memory and files;
// files with paths, inodes and file systems; cgroups; sockets; devices; disks and requests. Made when asked for, laid out by the target's
// BTF. Members that are not filled read as zero, and pointers that lead nowhere are NULL.

import { programType } from '#core/catalog';
import type { MapDefinition } from '#core/program';
import type { Memory } from '#core/vm';
import type { Device, DeviceTable } from '../devices.ts';
import { concat, cString, littleEndian, utf8 } from '../integers.ts';
import type { KernelStructs } from './kernel-structs.ts';
import { type KernelObject } from './kernel-structs.ts';
import { fillRequest, fillDisk } from './disks.ts';
import { filesystemOf, modeOf, numberOfPath } from './files.ts';
import { DEFAULT_SOCKET, fillSocket, type SocketFacts } from './sockets.ts';
import { filesOf, IDLE, isKernelThread, nextDescriptor, programOf, type Task, type TaskImages, type TaskTable } from './tasks.ts';

/** Region.owner of a task_struct. */
class TaskOwner {
  constructor(readonly pid: number) {}
}

/** Inode numbers of the initial namespaces (include/uapi/linux/nsfs.h; those of net and mnt are given at boot on older kernels). */
const INITIAL_NAMESPACES: Readonly<Record<string, number>> = {
  time: 4026531834,
  cgroup: 4026531835,
  pid: 4026531836,
  user: 4026531837,
  uts: 4026531838,
  ipc: 4026531839,
  net: 4026531840,
  mnt: 4026531841,
};
const NAMESPACE_STRUCTS: Readonly<Record<string, { struct: string; member: string }>> = {
  uts: { struct: 'uts_namespace', member: 'uts_ns' },
  ipc: { struct: 'ipc_namespace', member: 'ipc_ns' },
  mnt: { struct: 'mnt_namespace', member: 'mnt_ns' },
  pid: { struct: 'pid_namespace', member: 'pid_ns_for_children' },
  net: { struct: 'net', member: 'net_ns' },
  time: { struct: 'time_namespace', member: 'time_ns' },
  cgroup: { struct: 'cgroup_namespace', member: 'cgroup_ns' },
};
const NODE_NAME = 'workbench';
const ALL_CAPABILITIES = 0x1ff_ffff_ffffn;
const PF_KTHREAD = 0x0020_0000;
const FILE_TABLE_SIZE = 64;
/** struct pid ends in an array of one struct upid for each level. */
const UPID_ROOM = 64;
/** Where processes keep their command lines; each has pages of its own. */
const ARGUMENT_MEMORY = 0x7ffe_0000_0000n;

const sockStruct = (facts: SocketFacts): string => (facts.type === 'SOCK_DGRAM' ? 'udp_sock' : 'tcp_sock');

export class KernelObjects implements TaskImages {
  private sockets: ReadonlyMap<string, SocketFacts> = new Map();

  constructor(
    readonly structs: KernelStructs,
    private readonly memory: Memory,
    private readonly tasks: TaskTable,
    private readonly devices: DeviceTable,
    private readonly facts: { version: string },
  ) {}

  save(): unknown {
    return { structs: this.structs.save(), sockets: this.sockets };
  }

  load(state: unknown): void {
    const saved = state as { structs: unknown; sockets: ReadonlyMap<string, SocketFacts> };
    this.structs.load(saved.structs);
    this.sockets = saved.sockets;
  }

  // ---- tasks ----

  address(task: Task): bigint {
    return this.structs.object(
      `task:${task.pid}`,
      'task_struct',
      (object) => this.fillTask(object, task),
      0,
      new TaskOwner(task.pid),
      `task ${task.comm}-${task.pid}`,
    );
  }

  pidAt(address: bigint): number | undefined {
    const owner = this.memory.find(address)?.owner;
    return owner instanceof TaskOwner ? owner.pid : undefined;
  }

  changed(task: Task, before: Task | undefined): void {
    if (this.structs.known(`task:${task.pid}`) === undefined) return;
    if (!before) return this.structs.refill(`task:${task.pid}`, 'task_struct', (object) => this.fillTask(object, task));
    const program = programOf(before) !== programOf(task) || before.args !== task.args || before.files !== task.files;
    this.structs.refill(`task:${task.pid}`, 'task_struct', (object) => {
      if (before.comm !== task.comm) object.set('comm', task.comm);
      if (before.parent !== task.parent) this.setParents(object, task);
      if (before.exitCode !== task.exitCode) object.set('exit_code', task.exitCode ?? 0);
      if (before.cgroup !== task.cgroup) object.set('cgroups', this.cssSet(task.cgroup));
    });
    if (before.uid !== task.uid || before.gid !== task.gid)
      this.structs.refill(`cred:${task.pid}`, 'cred', (object) => this.fillCredentials(object, task));
    if (!program) return;
    this.structs.refill(`mm:${task.tgid}`, 'mm_struct', (object) => this.fillMemory(object, task));
    this.structs.refill(`files:${task.tgid}`, 'files_struct', (object) => this.fillFiles(object, task));
  }

  removed(task: Task): void {
    for (const key of [`task:${task.pid}`, `cred:${task.pid}`, `pid:${task.pid}`]) this.structs.forget(key);
    if (task.tgid !== task.pid) return;
    for (const kind of ['mm', 'files', 'fdarray', 'fs', 'signal', 'arguments']) this.structs.forget(`${kind}:${task.tgid}`);
  }

  /** A pointer that a member holds. */
  memberOf(address: bigint, struct: string, member: string): bigint {
    const place = this.structs.place(struct, member);
    const value = place && this.memory.readInt(address + BigInt(place.offset), 8);
    return typeof value === 'bigint' ? value : 0n;
  }

  private setParents(object: KernelObject, task: Task): void {
    const parent = task.pid === 0 ? object.address : this.address(this.tasks.get(task.parent) ?? IDLE);
    object.set('real_parent', parent).set('parent', parent);
  }

  private fillTask(object: KernelObject, task: Task): void {
    const credentials = this.structs.object(`cred:${task.pid}`, 'cred', (cred) => this.fillCredentials(cred, task));
    const leader = task.tgid === task.pid ? object.address : this.address(this.tasks.get(task.tgid) ?? task);
    const kernelThread = isKernelThread(task);
    object.setAll({
      pid: task.pid,
      tgid: task.tgid,
      comm: task.comm,
      group_leader: leader,
      cred: credentials,
      real_cred: credentials,
      start_time: task.startTime,
      start_boottime: task.startTime,
      real_start_time: task.startTime,
      prio: 120,
      static_prio: 120,
      normal_prio: 120,
      flags: kernelThread ? PF_KTHREAD : 0x0040_0000,
      exit_code: task.exitCode ?? 0,
      'loginuid.val': kernelThread ? 0xffff_ffff : task.uid,
      sessionid: kernelThread ? 0xffff_ffff : 1,
      nr_cpus_allowed: 1,
      thread_pid: this.pid(task),
      signal: this.signal(task),
      nsproxy: this.nsproxy(task),
      cgroups: this.cssSet(task.cgroup),
    });
    this.setParents(object, task);
    for (const list of ['children', 'sibling', 'thread_node', 'tasks']) {
      const own = object.addressOf(list);
      if (object.has(list)) object.set(list, concat(littleEndian(own, 8), littleEndian(own, 8)));
    }
    object.set('fs', this.workingFolder(task));
    if (kernelThread) return;
    const mm = this.mm(task);
    object.set('mm', mm).set('active_mm', mm).set('files', this.files(task));
  }

  private fillCredentials(object: KernelObject, task: Task): void {
    for (const name of ['uid', 'suid', 'euid', 'fsuid']) object.set(`${name}.val`, task.uid);
    for (const name of ['gid', 'sgid', 'egid', 'fsgid']) object.set(`${name}.val`, task.gid);
    const capabilities = task.uid === 0 ? ALL_CAPABILITIES : 0n;
    for (const name of ['cap_permitted', 'cap_effective']) object.set(name, capabilities);
    object.set('cap_bset', ALL_CAPABILITIES).set('user_ns', this.namespace(task, 'user', 'user_namespace'));
    object.set('usage', 1).set(
      'user',
      this.structs.object(`user:${task.uid}`, 'user_struct', (user) => user.set('uid.val', task.uid)),
    );
  }

  /** struct pid of a task. */
  pid(task: Task): bigint {
    return this.structs.object(
      `pid:${task.pid}`,
      'pid',
      (object) => {
        const at = object.addressOf('numbers') - object.address;
        const upid = concat(littleEndian(task.pid, 8), littleEndian(this.namespace(task, 'pid', 'pid_namespace'), 8));
        this.memory.view(object.region).set(upid, Number(at));
        object.set('count', 1);
      },
      UPID_ROOM,
    );
  }

  private signal(task: Task): bigint {
    return this.structs.object(`signal:${task.tgid}`, 'signal_struct', (object) => {
      const threads = this.tasks.all.filter(({ tgid }) => tgid === task.tgid).length;
      object.setAll({ nr_threads: Math.max(1, threads), 'live.counter': Math.max(1, threads) });
      if (isKernelThread(task)) return;
      object.set(
        'tty',
        this.structs.object('tty:pts/0', 'tty_struct', (tty) => tty.set('name', 'pts0')),
      );
      const leader = this.tasks.get(task.tgid) ?? task;
      for (const kind of [1, 2, 3]) object.set(`pids[${kind}]`, this.pid(leader));
    });
  }

  // ---- namespaces ----

  private nsproxy(task: Task): bigint {
    const key = JSON.stringify(task.namespaces ?? {});
    return this.structs.object(`nsproxy:${key}`, 'nsproxy', (object) => {
      for (const [name, { struct, member }] of Object.entries(NAMESPACE_STRUCTS)) object.set(member, this.namespace(task, name, struct));
      object.set('time_ns_for_children', this.namespace(task, 'time', 'time_namespace')).set('count', 1);
    });
  }

  private namespace(task: Task, name: string, struct: string): bigint {
    const number = task.namespaces?.[name] ?? INITIAL_NAMESPACES[name]!;
    return this.structs.object(`${name}-namespace:${number}`, struct, (object) => {
      object.set('ns.inum', number);
      if (name !== 'uts') return;
      object.set('name.sysname', 'Linux').set('name.nodename', NODE_NAME).set('name.machine', 'x86_64');
      object.set('name.release', `${this.facts.version}.0`);
    });
  }

  net(): bigint {
    return this.namespace(IDLE, 'net', 'net');
  }

  // ---- memory ----

  private mm(task: Task): bigint {
    return this.structs.object(`mm:${task.tgid}`, 'mm_struct', (object) => this.fillMemory(object, task));
  }

  private fillMemory(object: KernelObject, task: Task): void {
    const words = task.args ?? [programOf(task).slice(programOf(task).lastIndexOf('/') + 1)];
    const line = concat(...words.map(cString));
    const start = ARGUMENT_MEMORY + BigInt(task.tgid) * 0x10_0000n;
    const known = this.memory.find(start);
    if (known) this.memory.free(known);
    const pages = Math.max(1, Math.ceil(line.length / 4096)) * 4096;
    this.memory.allocate({ kind: 'user', name: `command line of ${task.comm}-${task.pid}`, size: pages, initial: line, base: start });
    object.setAll({
      arg_start: start,
      arg_end: start + BigInt(line.length),
      env_start: start + BigInt(line.length),
      env_end: start + BigInt(line.length),
      start_code: 0x5555_5555_5000n,
      end_code: 0x5555_5557_0000n,
      start_stack: start,
      task_size: 0x7fff_ffff_f000n,
      total_vm: 2048,
      map_count: 24,
      exe_file: this.file(programOf(task)),
      owner: this.structs.known(`task:${task.tgid}`) ?? 0n,
      'mm_users.counter': 1,
      'mm_count.counter': 1,
    });
  }

  // ---- files ----

  private files(task: Task): bigint {
    return this.structs.object(`files:${task.tgid}`, 'files_struct', (object) => this.fillFiles(object, task));
  }

  private fillFiles(object: KernelObject, task: Task): void {
    const open = filesOf(task);
    const array = this.structs.object(`fdarray:${task.tgid}`, 'array of descriptors', () => undefined);
    const region = this.memory.find(array)!;
    const addresses = new Map([...open].map(([fd, path]) => [fd, this.openFile(path)]));
    const table = new Uint8Array(FILE_TABLE_SIZE * 8);
    for (const [fd, address] of addresses) if (fd < FILE_TABLE_SIZE) table.set(littleEndian(address, 8), fd * 8);
    this.memory.view(region).set(table);
    object.set('fdt', object.addressOf('fdtab')).set('fdtab.max_fds', FILE_TABLE_SIZE).set('fdtab.fd', array).set('count', 1);
    object.set('next_fd', nextDescriptor(open));
  }

  /** The file that a descriptor of the task stands for; a plain file if the task has it not open. */
  fileOf(task: Task, fd: number): bigint {
    return this.openFile(filesOf(task).get(fd) ?? `/tmp/fd${fd}`);
  }

  /** A path, or `socket:N`. */
  openFile(path: string): bigint {
    return path.startsWith('socket:') ? this.socketFile(path) : this.file(path);
  }

  file(path: string): bigint {
    return this.structs.object(`file:${path}`, 'file', (object) => {
      object.set('f_path.dentry', this.dentry(path)).set('f_path.mnt', this.mount(path)).set('f_inode', this.inode(path));
      object.set('f_mode', 0x1f).set('f_flags', 0x8000).set('f_cred', 0n);
      for (const count of ['f_count.counter', 'f_ref.refcnt.counter']) object.set(count, 1);
    });
  }

  /** struct path of a file, as security hooks get it. */
  path(path: string): bigint {
    return this.structs.object(`path:${path}`, 'path', (object) => object.set('dentry', this.dentry(path)).set('mnt', this.mount(path)));
  }

  dentry(path: string): bigint {
    const { root } = filesystemOf(path);
    const name = path === '/' || path === root ? '/' : path.slice(path.lastIndexOf('/') + 1);
    return this.structs.object(`dentry:${path}`, 'dentry', (object) => {
      const inlined = ['d_shortname.string', 'd_iname'].find((member) => object.has(member));
      const room = inlined === undefined ? 0 : (this.structs.place('dentry', inlined)?.size ?? 0);
      const bytes = utf8(name);
      if (inlined !== undefined && bytes.length < room) object.set(inlined, name).set('d_name.name', object.addressOf(inlined));
      else object.set('d_name.name', this.structs.text(`name:${name}`, name));
      object.set('d_name.len', bytes.length).set('d_inode', this.inode(path)).set('d_sb', this.superBlock(path));
      const above = path.slice(0, Math.max(1, path.lastIndexOf('/')));
      object.set('d_parent', name === '/' ? object.address : this.dentry(path.startsWith('/') ? above : '/'));
    });
  }

  inode(path: string): bigint {
    return this.structs.object(`inode:${path}`, 'inode', (object) => {
      object.setAll({ i_ino: numberOfPath(path), i_mode: modeOf(path), i_sb: this.superBlock(path), 'i_uid.val': 0, 'i_gid.val': 0 });
      object.setAll({ i_size: 4096, i_nlink: 1, 'i_count.counter': 1, i_blkbits: 12, i_blocks: 8 });
      if (/^\/dev\/pts\//.test(path)) object.set('i_rdev', (136 << 20) | Number(path.slice(9)));
      else if (path.startsWith('/dev/')) object.set('i_rdev', (1 << 20) | 3);
    });
  }

  superBlock(path: string): bigint {
    const { root, type, device, magic, name } = filesystemOf(path);
    return this.structs.object(`super_block:${root}`, 'super_block', (object) => {
      object.setAll({ s_dev: device, s_id: name, s_magic: magic, s_blocksize: 4096, s_blocksize_bits: 12 });
      object.set(
        's_type',
        this.structs.object(`filesystem:${type}`, 'file_system_type', (system) =>
          system.set('name', this.structs.text(`name:${type}`, type)),
        ),
      );
      object.set('s_root', this.dentry(root));
    });
  }

  /** struct vfsmount of the file system that holds the path: it lies inside struct mount. */
  mount(path: string): bigint {
    const { root, name } = filesystemOf(path);
    const base = this.structs.object(`mount:${root}`, 'mount', (object) => {
      object.set('mnt.mnt_root', this.dentry(root)).set('mnt.mnt_sb', this.superBlock(path));
      object.set('mnt_devname', this.structs.text(`name:${name}`, name)).set('mnt_id', 20 + (root.length % 10));
      const parent = root === '/' ? object.address : this.mount('/') - BigInt(this.structs.place('mount', 'mnt')?.offset ?? 0);
      object.set('mnt_parent', parent).set('mnt_mountpoint', root === '/' ? this.dentry('/') : this.mountpoint(root));
    });
    return base + BigInt(this.structs.place('mount', 'mnt')?.offset ?? 0);
  }

  /** The folder that a file system is mounted on, in the file system above. */
  private mountpoint(root: string): bigint {
    return this.structs.object(`dentry:${root} below /`, 'dentry', (object) => {
      const name = root.slice(1);
      object
        .set('d_name.name', this.structs.text(`name:${name}`, name))
        .set('d_name.len', name.length)
        .set('d_parent', this.dentry('/'));
    });
  }

  private workingFolder(task: Task): bigint {
    return this.structs.object(`fs:${task.tgid}`, 'fs_struct', (object) => {
      const folder = task.cwd ?? '/';
      object.setAll({ 'pwd.dentry': this.dentry(folder), 'pwd.mnt': this.mount(folder), 'root.dentry': this.dentry('/') });
      object.setAll({ 'root.mnt': this.mount('/'), umask: 0o22 });
    });
  }

  /** struct filename: text that the kernel copied from user space. */
  filename(text: string): bigint {
    const bytes = cString(text);
    return this.structs.object(
      `filename:${text}`,
      'filename',
      (object) => {
        const at = object.addressOf('iname') - object.address;
        this.memory.view(object.region).set(bytes, Number(at));
        object.set('name', object.addressOf('iname')).set('refcnt', 1);
      },
      bytes.length,
    );
  }

  /** struct linux_binprm, the program that execve is about to run. */
  binprm(task: Task, path: string, words: readonly string[]): bigint {
    return this.structs.object(`binprm:${task.pid} ${path}`, 'linux_binprm', (object) => {
      const text = this.structs.text(`name:${path}`, path);
      object.setAll({ filename: text, interp: text, file: this.file(path), argc: words.length, mm: this.mm(task) });
      object.set(
        'cred',
        this.structs.object(`cred:${task.pid}`, 'cred', (cred) => this.fillCredentials(cred, task)),
      );
    });
  }

  // ---- cgroups ----

  cgroup(path: string): bigint {
    const names = path.split('/').filter(Boolean);
    return this.structs.object(
      `cgroup:${path}`,
      'cgroup',
      (object) => {
        const parent = names.length === 0 ? undefined : `/${names.slice(0, -1).join('/')}`;
        object.setAll({ level: names.length, kn: this.kernfsNode(path), 'self.cgroup': object.address, 'self.id': 1 });
        if (parent !== undefined) {
          const offset = BigInt(this.structs.place('cgroup', 'self')?.offset ?? 0);
          object.set('self.parent', this.cgroup(parent) + offset);
        }
        // ancestors[] ends the struct on newer kernels.
        const at = Number(object.addressOf('ancestors') - object.address);
        if (!object.has('ancestors')) return;
        for (let level = 0; level <= names.length; level++) {
          const above = level === names.length ? object.address : this.cgroup(`/${names.slice(0, level).join('/')}`);
          this.memory.view(object.region).set(littleEndian(above, 8), at + 8 * level);
        }
      },
      (names.length + 1) * 8,
    );
  }

  private kernfsNode(path: string): bigint {
    return this.structs.object(`kernfs:${path}`, 'kernfs_node', (object) => {
      const name = path === '/' ? '' : path.slice(path.lastIndexOf('/') + 1);
      object.set('name', this.structs.text(`name:${name}`, name)).set('id', this.tasks.cgroupId(path));
      const parent = path === '/' ? 0n : this.kernfsNode(path.slice(0, Math.max(1, path.lastIndexOf('/'))));
      object.set(object.has('__parent') ? '__parent' : 'parent', parent);
    });
  }

  private cssSet(path: string): bigint {
    return this.structs.object(`css_set:${path}`, 'css_set', (object) => {
      const cgroup = this.cgroup(path);
      object.set('dfl_cgrp', cgroup).set('refcount', 1);
      const state = this.structs.object(`css:${path}`, 'cgroup_subsys_state', (css) => css.set('cgroup', cgroup).set('id', 1));
      for (let subsystem = 0; this.structs.has('css_set', `subsys[${subsystem}]`) && subsystem < 14; subsystem++)
        object.set(`subsys[${subsystem}]`, state);
    });
  }

  // ---- sockets, devices, disks ----

  /** What is known of the socket of a key such as `socket:3`. */
  factsOf(key: string): SocketFacts {
    return this.sockets.get(key) ?? DEFAULT_SOCKET;
  }

  /** The struct sock of a key. */
  sock(key: string): bigint {
    const facts = this.factsOf(key);
    return this.structs.object(`sock:${key}`, sockStruct(facts), (object) => fillSocket(this, object, key, facts));
  }

  setSocket(key: string, facts: SocketFacts): void {
    this.sockets = new Map(this.sockets).set(key, facts);
    this.structs.refill(`sock:${key}`, sockStruct(facts), (object) => fillSocket(this, object, key, facts));
    this.structs.refill(`socket:${key}`, 'socket', (object) => this.fillSocketState(object, facts));
  }

  socket(key: string): bigint {
    return this.structs.object(`socket:${key}`, 'socket', (object) => {
      this.fillSocketState(object, this.factsOf(key));
      object.set('sk', this.sock(key)).set('file', this.socketFile(key));
    });
  }

  private fillSocketState(object: KernelObject, facts: SocketFacts): void {
    object.set('type', facts.type === 'SOCK_DGRAM' ? 2 : 1).set('state', facts.state === 'TCP_ESTABLISHED' ? 3 : 1);
  }

  private socketFile(key: string): bigint {
    return this.structs.object(`file:${key}`, 'file', (object) => {
      const path = `socket:[${numberOfPath(key)}]`;
      object.set('f_path.dentry', this.dentry(path)).set('f_inode', this.inode(path)).set('f_mode', 0x1f);
      object.set('private_data', this.socket(key));
    });
  }

  /** Keys of the sockets that somebody has made. */
  socketKeys(type: SocketFacts['type']): readonly string[] {
    return [...this.sockets].filter(([, facts]) => facts.type === type).map(([key]) => key);
  }

  // ---- maps and programs ----

  /** struct bpf_map as iterators show it. */
  map(id: number, definition: MapDefinition): bigint {
    return this.structs.object(`bpf_map:${id}`, 'bpf_map', (object) => {
      object.setAll({ id, name: definition.name.slice(0, 15), map_type: definition.typeId, max_entries: definition.maxEntries });
      object.setAll({ key_size: definition.keySize, value_size: definition.valueSize, map_flags: definition.flags, 'refcnt.counter': 1 });
    });
  }

  /** struct bpf_prog as iterators show it. */
  program(id: number, name: string, type: string | undefined): bigint {
    return this.structs.object(`bpf_prog:${id}`, 'bpf_prog', (object) => {
      const aux = this.structs.object(`bpf_prog_aux:${id}`, 'bpf_prog_aux', (one) => one.setAll({ id, name: name.slice(0, 15) }));
      object.set('aux', aux).set('type', type === undefined ? 0 : (programType(type)?.id ?? 0));
    });
  }

  device(device: Device): bigint {
    return this.structs.object(`net_device:${device.name}`, 'net_device', (object) => {
      const address = this.structs.bytes(`address of ${device.name}`, concat(device.mac, new Uint8Array(26)));
      object.setAll({ name: device.name, ifindex: device.ifindex, mtu: device.mtu, dev_addr: address, addr_len: 6 });
      object.setAll({ num_rx_queues: device.queues, real_num_rx_queues: device.queues, num_tx_queues: device.queues });
      object.setAll({ type: device.name === 'lo' ? 772 : 1, flags: device.name === 'lo' ? 0x49 : 0x1043, hard_header_len: 14 });
      object.set('nd_net.net', this.net());
    });
  }

  defaultDevice(): bigint {
    const device = this.devices.byName('eth0') ?? this.devices.all[0]!;
    return this.device(device);
  }

  disk(name: string): bigint {
    return this.structs.object(`gendisk:${name}`, 'gendisk', (object) => fillDisk(this, object, name));
  }

  /** A struct request to a disk; each event has its own. */
  fillRequest(object: KernelObject, now: bigint): void {
    fillRequest(this, object, 'vda', now);
  }
}
