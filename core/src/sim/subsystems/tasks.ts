// The process table: who is there, and who runs when an event comes. Threads are tasks whose tgid is another task's pid. No scheduler: an
// event says whose it is. What a program can read of a task in kernel memory is made by kernel-objects.ts.

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
  /** Path of the program; a path below /usr/bin with the task's name if not given. Empty for a thread of the kernel. */
  readonly exe?: string;
  /** Its command line, the program's own name first. */
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** Open files by descriptor: paths, or the key of a socket. */
  readonly files?: ReadonlyMap<number, string>;
  /** Inode numbers of namespaces that are not the initial ones. */
  readonly namespaces?: Readonly<Record<string, number>>;
  /** What exit() was given, shifted as the kernel keeps it. */
  readonly exitCode?: number;
}

/** What runs when no process does: packets arrive in softirq context, often over the idle task. */
export const IDLE: Task = { pid: 0, tgid: 0, uid: 0, gid: 0, comm: 'swapper/0', parent: 0, cgroup: '/', startTime: 0n, exe: '' };
export const INIT: Task = {
  pid: 1,
  tgid: 1,
  uid: 0,
  gid: 0,
  comm: 'systemd',
  parent: 0,
  cgroup: '/init.scope',
  startTime: 0n,
  exe: '/usr/lib/systemd/systemd',
};

/** The descriptors of a process that nobody said more of: a terminal three times. */
const TERMINAL: ReadonlyMap<number, string> = new Map([
  [0, '/dev/pts/0'],
  [1, '/dev/pts/0'],
  [2, '/dev/pts/0'],
]);

export const isKernelThread = (task: Task): boolean => task.exe === '';
export const programOf = (task: Task): string => task.exe ?? `/usr/bin/${task.comm}`;
export const filesOf = (task: Task): ReadonlyMap<number, string> => task.files ?? (isKernelThread(task) ? new Map() : TERMINAL);

/** The lowest descriptor that is not taken. */
export function nextDescriptor(open: ReadonlyMap<number, string>): number {
  let fd = 0;
  while (open.has(fd)) fd++;
  return fd;
}

/** cgroup ids are inode numbers of kernfs: 1 is the root's, the others are given in the order in which they are seen. */
const FIRST_CGROUP_ID = 1n;

/** Who makes the struct task_struct of a task. */
export interface TaskImages {
  address(task: Task): bigint;
  changed(task: Task, before: Task | undefined): void;
  removed(task: Task): void;
  /** The pid of the task whose task_struct the address is inside. */
  pidAt(address: bigint): number | undefined;
}

export class TaskTable {
  private tasks: ReadonlyMap<number, Task> = new Map([
    [IDLE.pid, IDLE],
    [INIT.pid, INIT],
  ]);
  private own: Map<number, Task> | undefined;
  private cgroups: ReadonlyMap<string, bigint> = new Map([['/', FIRST_CGROUP_ID]]);
  images: TaskImages | undefined;

  get all(): readonly Task[] {
    return [...this.tasks.values()];
  }

  get(pid: number): Task | undefined {
    return this.tasks.get(pid);
  }

  /** Whether the scenario has brought a process. */
  get populated(): boolean {
    return this.tasks.size > 2;
  }

  /** The first process beside those that are always there. */
  get first(): Task | undefined {
    for (const task of this.tasks.values()) if (task.pid > 1) return task;
    return undefined;
  }

  /** A copy that no snapshot shares. */
  private writable(): Map<number, Task> {
    if (this.own !== this.tasks) this.tasks = this.own = new Map(this.tasks);
    return this.own!;
  }

  /** Adds a task, or replaces the one with this pid (execve changes comm, setuid uid). */
  set(task: Task): Task {
    const before = this.tasks.get(task.pid);
    if (before === task) return task;
    this.writable().set(task.pid, task);
    this.images?.changed(task, before);
    return task;
  }

  remove(pid: number): void {
    const task = this.tasks.get(pid);
    if (!task) return;
    this.writable().delete(pid);
    this.images?.removed(task);
  }

  cgroupId(path: string): bigint {
    let id = this.cgroups.get(path);
    if (id === undefined) {
      id = FIRST_CGROUP_ID + BigInt(this.cgroups.size) * 41n;
      this.cgroups = new Map(this.cgroups).set(path, id);
    }
    return id;
  }

  /** The path of a cgroup that somebody has asked the number of. */
  cgroupPath(id: bigint): string | undefined {
    for (const [path, known] of this.cgroups) if (known === id) return path;
    return undefined;
  }

  /** The address of the task's struct task_struct. */
  addressOf(task: Task): bigint {
    return this.images?.address(task) ?? 0n;
  }

  /** The task whose task_struct the address is inside. */
  at(address: bigint): Task | undefined {
    const pid = this.images?.pidAt(address);
    return pid === undefined ? undefined : this.tasks.get(pid);
  }

  save(): unknown {
    this.own = undefined;
    return { tasks: this.tasks, cgroups: this.cgroups };
  }

  load(state: unknown): void {
    const saved = state as { tasks: ReadonlyMap<number, Task>; cgroups: ReadonlyMap<string, bigint> };
    this.own = undefined;
    this.tasks = saved.tasks;
    this.cgroups = saved.cgroups;
  }
}
