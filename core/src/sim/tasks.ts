// The process table: who is running when an event comes, and what struct task_struct of it a program can read.
// Threads are tasks whose tgid is another task's pid. No scheduler: an event says whose it is.

import type { Btf } from '#core/btf';
import type { Memory, Region } from '#core/vm';
import { cString, littleEndian } from './integers.ts';
import { findPath } from './typed-values.ts';

export interface Task {
  readonly pid: number;
  readonly tgid: number;
  readonly uid: number;
  readonly gid: number;
  /** At most 15 bytes. */
  readonly comm: string;
  /** The parent's pid. */
  readonly parent: number;
  /** Path below the cgroup file system's root. */
  readonly cgroup: string;
  /** Nanoseconds since boot. */
  readonly startTime: bigint;
}

/** What runs when no process does: packets arrive in softirq context, often over the idle task. */
export const IDLE: Task = { pid: 0, tgid: 0, uid: 0, gid: 0, comm: 'swapper/0', parent: 0, cgroup: '/', startTime: 0n };
export const INIT: Task = { pid: 1, tgid: 1, uid: 0, gid: 0, comm: 'systemd', parent: 0, cgroup: '/init.scope', startTime: 0n };

/** Bytes of a task_struct whose layout is not known: reads inside give zeros. */
const UNKNOWN_TASK_SIZE = 8192;
const UNKNOWN_CRED_SIZE = 256;

interface TaskImage {
  task: Region;
  cred: Region;
}

/** cgroup ids are inode numbers of kernfs: 1 is the root's, the others are given in the order in which they are seen. */
const FIRST_CGROUP_ID = 1n;

export class TaskTable {
  private tasks = new Map<number, Task>([
    [IDLE.pid, IDLE],
    [INIT.pid, INIT],
  ]);
  private images = new Map<number, TaskImage>();
  private cgroups = new Map<string, bigint>([['/', FIRST_CGROUP_ID]]);

  constructor(
    private readonly memory: Memory,
    /** The layouts of task_struct and cred. */
    private readonly layouts: () => Btf | undefined,
  ) {}

  get all(): readonly Task[] {
    return [...this.tasks.values()];
  }

  get(pid: number): Task | undefined {
    return this.tasks.get(pid);
  }

  /** Adds a task, or replaces the one with this pid (execve changes comm, setuid uid). */
  set(task: Task): Task {
    this.tasks.set(task.pid, task);
    const image = this.images.get(task.pid);
    if (image) this.fill(task, image);
    return task;
  }

  remove(pid: number): void {
    this.tasks.delete(pid);
    const image = this.images.get(pid);
    if (!image) return;
    this.memory.free(image.task);
    this.memory.free(image.cred);
    this.images.delete(pid);
  }

  cgroupId(path: string): bigint {
    let id = this.cgroups.get(path);
    if (id === undefined) {
      id = FIRST_CGROUP_ID + BigInt(this.cgroups.size) * 41n;
      this.cgroups.set(path, id);
    }
    return id;
  }

  /** The address of the task's struct task_struct. */
  addressOf(task: Task): bigint {
    return this.imageOf(task).task.base;
  }

  /** The task whose task_struct the address is inside. */
  at(address: bigint): Task | undefined {
    const owner = this.memory.find(address)?.owner;
    return owner instanceof TaskOwner ? this.tasks.get(owner.pid) : undefined;
  }

  private imageOf(task: Task): TaskImage {
    const known = this.images.get(task.pid);
    if (known) return known;
    const size = (name: string, otherwise: number): number => {
      const btf = this.layouts();
      const id = btf?.find(name, 'struct');
      const type = id === undefined ? undefined : btf?.type(id);
      return type?.kind === 'struct' && type.size > 0 ? type.size : otherwise;
    };
    const owner = new TaskOwner(task.pid);
    const image: TaskImage = {
      task: this.memory.allocate({
        kind: 'kernel',
        name: `task ${task.comm}-${task.pid}`,
        size: Math.max(size('task_struct', UNKNOWN_TASK_SIZE), 64),
        writable: false,
        owner,
      }),
      cred: this.memory.allocate({
        kind: 'kernel',
        name: `cred of ${task.comm}-${task.pid}`,
        size: size('cred', UNKNOWN_CRED_SIZE),
        writable: false,
        owner: undefined,
      }),
    };
    this.images.set(task.pid, image);
    this.fill(task, image);
    return image;
  }

  /** Writes what the layouts name; the rest stays zero. */
  private fill(task: Task, image: TaskImage): void {
    const btf = this.layouts();
    if (!btf) return;
    // Addresses first: making a parent's image may move views.
    const parent = task.pid === 0 ? image.task.base : this.addressOf(this.tasks.get(task.parent) ?? IDLE);
    const leader = task.tgid === task.pid ? image.task.base : this.addressOf(this.tasks.get(task.tgid) ?? task);
    const put = (region: Region, struct: string, path: string, value: bigint | number | Uint8Array): void => {
      const place = findPath(btf, struct, path);
      if (!place || place.offset + place.size > region.size) return;
      const bytes = value instanceof Uint8Array ? value.subarray(0, place.size) : littleEndian(value, place.size);
      this.memory.view(region).set(bytes, place.offset);
    };
    const comm = new Uint8Array(16);
    comm.set(cString(task.comm).subarray(0, 16));
    comm[15] = 0;
    put(image.task, 'task_struct', 'pid', task.pid);
    put(image.task, 'task_struct', 'tgid', task.tgid);
    put(image.task, 'task_struct', 'comm', comm);
    put(image.task, 'task_struct', 'real_parent', parent);
    put(image.task, 'task_struct', 'parent', parent);
    put(image.task, 'task_struct', 'group_leader', leader);
    put(image.task, 'task_struct', 'cred', image.cred.base);
    put(image.task, 'task_struct', 'real_cred', image.cred.base);
    put(image.task, 'task_struct', 'start_time', task.startTime);
    put(image.task, 'task_struct', 'start_boottime', task.startTime);
    put(image.task, 'task_struct', 'prio', 120);
    put(image.task, 'task_struct', 'static_prio', 120);
    for (const name of ['uid', 'suid', 'euid', 'fsuid']) put(image.cred, 'cred', `${name}.val`, task.uid);
    for (const name of ['gid', 'sgid', 'egid', 'fsgid']) put(image.cred, 'cred', `${name}.val`, task.gid);
  }

  save(): unknown {
    return { tasks: new Map(this.tasks), images: new Map(this.images), cgroups: new Map(this.cgroups) };
  }

  load(state: unknown): void {
    const saved = state as { tasks: Map<number, Task>; images: Map<number, TaskImage>; cgroups: Map<string, bigint> };
    this.tasks = new Map(saved.tasks);
    this.images = new Map(saved.images);
    this.cgroups = new Map(saved.cgroups);
  }
}

/** Region.owner of a task_struct. */
class TaskOwner {
  constructor(readonly pid: number) {}
}
