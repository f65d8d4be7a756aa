// What happens in the kernel behind a system call: the functions that run, one inside the other, the tracepoints they pass, the LSM hooks
// they ask, and what is different afterwards. Order and arguments follow Linux 6.12 (fs/, net/, kernel/); not every function is here, but
// those that programs attach to. syscall-hooks.ts turns a table into runs.

import type { SyscallEvent } from '../scenario/events.ts';
import type { KernelState } from '../state.ts';
import { AF_INET, AF_INET6, TCP_STATES, type SocketFacts } from '../subsystems/sockets.ts';
import { filesOf, nextDescriptor, type Task } from '../subsystems/tasks.ts';
import { parseAddress } from '../packet.ts';

/** The system call under way. */
export interface Syscall {
  kernel: KernelState;
  /** Who makes it, as it was when it began. */
  task: Task;
  event: SyscallEvent;
  /** Parameters as registers hold them, by name. */
  args: ReadonlyMap<string, bigint>;
  /** What it returns if nobody stops it. */
  result: bigint;
}

/** An argument; undefined is left to the prototype. */
export type StepArgument = bigint | undefined;

export interface CallStep {
  kind: 'call';
  name: string;
  args: (call: Syscall) => readonly StepArgument[];
  inside: readonly Step[];
  returns?: (call: Syscall) => bigint;
  /** Where the function depends on what a descriptor is. */
  nameOf?: (call: Syscall) => string;
  /** An LSM hook: a negative verdict ends the system call with it. */
  decides?: true;
  /** Only where the system call succeeds. */
  onSuccess?: true;
}
export interface TracepointStep {
  kind: 'tracepoint';
  category: string;
  name: string;
  args: (call: Syscall) => readonly StepArgument[];
  fields: (call: Syscall) => Readonly<Record<string, unknown>>;
  onSuccess?: true;
}
/** The world changes; only where the system call succeeds. */
export interface EffectStep {
  kind: 'effect';
  run: (call: Syscall) => void;
}
export type Step = CallStep | TracepointStep | EffectStep;

export interface SyscallSteps {
  steps: readonly Step[];
  /** What it returns where the event does not say (0): the new process's pid, the new descriptor. */
  result?: (kernel: KernelState, task: Task, event: SyscallEvent) => bigint;
  /** It does not come back. */
  final?: true;
}

type Args = (call: Syscall) => readonly StepArgument[];

const call = (name: string, args: Args, inside: readonly Step[] = [], returns?: (call: Syscall) => bigint): CallStep => ({
  kind: 'call',
  name,
  args,
  inside,
  ...(returns ? { returns } : {}),
});
const zero = (): bigint => 0n;
/** security_HOOK and the BPF program's place inside. */
const lsm = (hook: string, args: Args): CallStep => ({
  kind: 'call',
  name: `security_${hook}`,
  args,
  returns: zero,
  inside: [{ kind: 'call', name: `bpf_lsm_${hook}`, args, inside: [], returns: zero, decides: true }],
});
const trace = (
  name: string,
  args: Args,
  fields: (call: Syscall) => Readonly<Record<string, unknown>> = () => ({}),
  onSuccess = false,
): TracepointStep => {
  const [category, event] = name.split(':') as [string, string];
  return { kind: 'tracepoint', category, name: event, args, fields, ...(onSuccess ? { onSuccess } : {}) };
};
const effect = (run: (call: Syscall) => void): EffectStep => ({ kind: 'effect', run });
const success = (step: CallStep): CallStep => ({ ...step, onSuccess: true });

// ---- what arguments say ----

const given = ({ args }: Syscall, name: string): bigint => args.get(name) ?? 0n;
const number = (c: Syscall, name: string): number => Number(BigInt.asIntN(32, given(c, name)));

/** The text of the first of these parameters that the event gives as text. */
export function pathOf({ event }: Pick<Syscall, 'event'>, ...names: readonly string[]): string {
  for (const name of names.length > 0 ? names : ['filename', 'pathname', 'path', 'name', 'oldname']) {
    const value = event.arguments[name];
    if (typeof value === 'string') return value;
  }
  return '/etc/hostname';
}

const current = (c: Syscall): Task => c.kernel.tasks.get(c.task.pid) ?? c.task;
const file = (c: Syscall, name = 'fd'): bigint => c.kernel.objects.fileOf(current(c), number(c, name));
const filename = (c: Syscall, ...names: string[]): bigint => c.kernel.objects.filename(pathOf(c, ...names));
const dentry = (c: Syscall, ...names: string[]): bigint => c.kernel.objects.dentry(pathOf(c, ...names));
const folderOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
const folder = (c: Syscall, ...names: string[]): bigint => c.kernel.objects.inode(folderOf(pathOf(c, ...names)));
const opened = (c: Syscall): bigint => c.kernel.objects.file(pathOf(c));
const openedOrError = (c: Syscall): bigint => (c.result < 0n ? c.result : opened(c));
const self = (c: Syscall): bigint => c.kernel.tasks.addressOf(current(c));

// ---- descriptors and sockets ----

const withFiles = (task: Task, change: (files: Map<number, string>) => void): Task => {
  const files = new Map(filesOf(task));
  change(files);
  return { ...task, files };
};
const nextFd = (kernel: KernelState, task: Task): bigint => BigInt(nextDescriptor(filesOf(kernel.tasks.get(task.pid) ?? task)));
const install = (path: (c: Syscall) => string): EffectStep =>
  effect((c) => void c.kernel.tasks.set(withFiles(current(c), (files) => files.set(Number(c.result), path(c)))));

/** The socket that a descriptor stands for; one of its own for a descriptor that no socket() made. */
const socketKey = (c: Syscall, name = 'fd'): string => {
  const path = filesOf(current(c)).get(number(c, name));
  return path?.startsWith('socket:') ? path : `socket:${c.task.tgid}.${number(c, name)}`;
};
const sock = (c: Syscall): bigint => c.kernel.objects.sock(socketKey(c));
const socket = (c: Syscall): bigint => c.kernel.objects.socket(socketKey(c));
const facts = (c: Syscall): SocketFacts => c.kernel.objects.factsOf(socketKey(c));
const changeSocket = (c: Syscall, change: Partial<SocketFacts>): void =>
  c.kernel.objects.setSocket(socketKey(c), { ...facts(c), ...change });

/** Address and port of a parameter given as {"address": …, "port": …}. */
function peer(c: Syscall, name: string): { address: Uint8Array; port: number } | undefined {
  const value = c.event.arguments[name];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const address = typeof fields['address'] === 'string' ? parseAddress(fields['address']) : undefined;
  return address && { address, port: Number(fields['port'] ?? 0) };
}

const isDatagram = (c: Syscall): boolean => facts(c).type === 'SOCK_DGRAM';
const stateTrace = (from: SocketFacts['state'], to: SocketFacts['state']): Step =>
  trace(
    'sock:inet_sock_set_state',
    (c) => [sock(c), BigInt(TCP_STATES[from]), BigInt(TCP_STATES[to])],
    (c) => {
      const { family, localAddress, remoteAddress, localPort, remotePort } = facts(c);
      const six = family === AF_INET6;
      return {
        skaddr: sock(c),
        oldstate: TCP_STATES[from],
        newstate: TCP_STATES[to],
        family,
        protocol: 6,
        sport: localPort ?? 0,
        dport: remotePort ?? 0,
        ...(six
          ? { saddr_v6: [...(localAddress ?? [])], daddr_v6: [...(remoteAddress ?? [])] }
          : { saddr: [...(localAddress ?? [])], daddr: [...(remoteAddress ?? [])] }),
      };
    },
  );
const setState = (from: SocketFacts['state'], to: SocketFacts['state']): readonly Step[] => [
  stateTrace(from, to),
  effect((c) => changeSocket(c, { state: to })),
];

// ---- the table ----

const READ = 4n;
const WRITE = 2n;

/** Opening a file that is known to be there, or not: what openat and execve share. */
const openFile: CallStep = call(
  'do_filp_open',
  (c) => [c.args.get('dfd') ?? -100n, filename(c)],
  [
    call(
      'path_openat',
      () => [],
      [
        success(
          call(
            'vfs_open',
            (c) => [c.kernel.objects.path(pathOf(c)), opened(c)],
            [call('do_dentry_open', (c) => [opened(c)], [lsm('file_open', (c) => [opened(c)])], zero)],
            zero,
          ),
        ),
      ],
      openedOrError,
    ),
  ],
  openedOrError,
);
const openSteps: readonly Step[] = [
  call('do_sys_openat2', (c) => [c.args.get('dfd') ?? -100n, given(c, 'filename')], [
    openFile,
    success(call('fd_install', (c) => [c.result, opened(c)], [], zero)),
    install((c) => pathOf(c)),
  ]),
];
const openCall: SyscallSteps = { steps: openSteps, result: nextFd };

const transfer = (entry: string, vfs: string, mask: bigint, below: string): SyscallSteps => ({
  steps: [
    call(entry, (c) => [given(c, 'fd'), given(c, 'buf'), given(c, 'count'), given(c, 'pos')], [
      call(vfs, (c) => [file(c), given(c, 'buf'), given(c, 'count')], [
        lsm('file_permission', (c) => [file(c), mask]),
        call(below, () => []),
      ]),
    ]),
  ],
});

const program = (c: Syscall): bigint => {
  const argv = c.event.arguments['argv'];
  return c.kernel.objects.binprm(c.task, pathOf(c), Array.isArray(argv) ? argv.map(String) : [pathOf(c)]);
};
const readProgram: CallStep = lsm('file_permission', (c) => [opened(c), READ]);

/** Parts of a program that are mapped: code, constants and data, as linkers lay them out; those of an interpreter are not counted. */
const SEGMENTS = 4;
const segment: readonly Step[] = [lsm('mmap_file', (c) => [opened(c)]), call('do_mmap', (c) => [opened(c)], [], zero)];

const executeSteps: readonly Step[] = [
  call('do_execveat_common', (c) => [-100n, filename(c), given(c, 'argv'), given(c, 'envp')], [
    openFile,
    success(
      call('bprm_execve', (c) => [program(c)], [
        lsm('bprm_creds_for_exec', (c) => [program(c)]),
        readProgram,
        lsm('bprm_check_security', (c) => [program(c)]),
        call(
          'load_elf_binary',
          (c) => [program(c)],
          [
            readProgram,
            call(
              'begin_new_exec',
              (c) => [program(c)],
              [
                lsm('bprm_committing_creds', (c) => [program(c)]),
                trace(
                  'task:task_rename',
                  (c) => [self(c), c.kernel.objects.structs.text(`name:${newName(c)}`, newName(c))],
                  (c) => ({ pid: c.task.pid, oldcomm: c.task.comm, newcomm: newName(c), oom_score_adj: 0 }),
                ),
                effect((c) => void c.kernel.tasks.set(executed(c))),
                lsm('bprm_committed_creds', (c) => [program(c)]),
              ],
              zero,
            ),
            ...Array.from({ length: SEGMENTS }, () => segment).flat(),
          ],
          zero,
        ),
      ]),
    ),
    trace(
      'sched:sched_process_exec',
      (c) => [self(c), BigInt(c.task.pid), program(c)],
      (c) => ({ filename: pathOf(c), pid: c.task.pid, old_pid: c.task.pid }),
      true,
    ),
  ]),
];

/** The name that execve gives: the last part of the path, 15 bytes. */
const newName = (c: Pick<Syscall, 'event'>): string => {
  const path = pathOf(c);
  return path.slice(path.lastIndexOf('/') + 1).slice(0, 15);
};
/** The process after a successful execve. */
export function executed(c: Pick<Syscall, 'event' | 'task'>): Task {
  const argv = c.event.arguments['argv'];
  return { ...c.task, comm: newName(c), exe: pathOf(c), args: Array.isArray(argv) ? argv.map(String) : [newName(c)] };
}

const CLONE_THREAD = 0x10000n;
const newPid = (kernel: KernelState): bigint => BigInt(kernel.tasks.all.reduce((highest, { pid }) => Math.max(highest, pid), 1) + 1);
const child = (c: Syscall): Task => {
  const pid = Number(c.result);
  const thread = (given(c, 'clone_flags') & CLONE_THREAD) !== 0n;
  const { task } = c;
  return { ...task, pid, tgid: thread ? task.tgid : pid, parent: thread ? task.parent : task.tgid, startTime: c.kernel.now() };
};
const childTask = (c: Syscall): bigint => c.kernel.tasks.addressOf(c.kernel.tasks.get(Number(c.result)) ?? child(c));
const forkCall: SyscallSteps = {
  result: newPid,
  steps: [
    call('kernel_clone', () => [], [
      call(
        'copy_process',
        () => [],
        [
          effect((c) => void c.kernel.tasks.set(child(c))),
          lsm('task_alloc', (c) => [childTask(c), given(c, 'clone_flags')]),
          trace(
            'task:task_newtask',
            (c) => [childTask(c), given(c, 'clone_flags')],
            (c) => ({ pid: Number(c.result), comm: c.task.comm, clone_flags: given(c, 'clone_flags'), oom_score_adj: 0 }),
            true,
          ),
        ],
        childTask,
      ),
      trace(
        'sched:sched_process_fork',
        (c) => [self(c), childTask(c)],
        (c) => ({ parent_comm: c.task.comm, parent_pid: c.task.pid, child_comm: c.task.comm, child_pid: Number(c.result) }),
        true,
      ),
      success(
        call(
          'wake_up_new_task',
          (c) => [childTask(c)],
          [
            trace(
              'sched:sched_wakeup_new',
              (c) => [childTask(c)],
              (c) => ({ comm: c.task.comm, pid: Number(c.result), prio: 120, target_cpu: 0 }),
            ),
          ],
          zero,
        ),
      ),
    ]),
  ],
};

const SIGCHLD = 17n;
const parentOf = (c: Syscall): Task => c.kernel.tasks.get(c.task.parent) ?? c.task;
const exitSteps = (c0: Syscall): readonly Step[] => [
  call('do_group_exit', (c) => [(given(c, 'error_code') & 0xffn) << 8n], [
    call('do_exit', (c) => [(given(c, 'error_code') & 0xffn) << 8n], [
      effect((c) => void c.kernel.tasks.set({ ...current(c), exitCode: (number(c, 'error_code') & 0xff) << 8 })),
      trace(
        'sched:sched_process_exit',
        (c) => [self(c), 1n],
        (c) => ({ comm: c.task.comm, pid: c.task.pid, prio: 120, group_dead: 1 }),
      ),
      call(
        'exit_files',
        (c) => [self(c)],
        [...filesOf(current(c0)).values()].map((path) => call('filp_flush', (c) => [c.kernel.objects.openFile(path)], [], zero)),
        zero,
      ),
      call(
        'exit_notify',
        (c) => [self(c), 1n],
        [
          trace(
            'signal:signal_generate',
            (c) => [SIGCHLD, undefined, c.kernel.tasks.addressOf(parentOf(c)), 1n, 0n],
            (c) => ({ sig: Number(SIGCHLD), errno: 0, code: 1, comm: parentOf(c).comm, pid: parentOf(c).pid, group: 1, result: 0 }),
          ),
        ],
        zero,
      ),
    ]),
  ]),
];

const target = (c: Syscall): Task => c.kernel.tasks.get(number(c, 'pid')) ?? c.task;
const killCall: SyscallSteps = {
  steps: [
    call('kill_something_info', (c) => [given(c, 'sig'), undefined, given(c, 'pid')], [
      lsm('task_kill', (c) => [c.kernel.tasks.addressOf(target(c)), undefined, given(c, 'sig'), 0n]),
      trace(
        'signal:signal_generate',
        (c) => [given(c, 'sig'), undefined, c.kernel.tasks.addressOf(target(c)), 1n, 0n],
        (c) => ({ sig: number(c, 'sig'), errno: 0, code: 0, comm: target(c).comm, pid: target(c).pid, group: 1, result: 0 }),
        true,
      ),
    ]),
  ],
};

const unlinkSteps: readonly Step[] = [
  call('do_unlinkat', (c) => [c.args.get('dfd') ?? -100n, filename(c)], [
    lsm('path_unlink', (c) => [c.kernel.objects.path(folderOf(pathOf(c))), dentry(c)]),
    call('vfs_unlink', (c) => [undefined, folder(c), dentry(c)], [lsm('inode_unlink', (c) => [folder(c), dentry(c)])]),
  ]),
];
const mkdirSteps: readonly Step[] = [
  call('do_mkdirat', (c) => [c.args.get('dfd') ?? -100n, filename(c), given(c, 'mode')], [
    lsm('path_mkdir', (c) => [c.kernel.objects.path(folderOf(pathOf(c))), dentry(c), given(c, 'mode')]),
    call('vfs_mkdir', (c) => [undefined, folder(c), dentry(c), given(c, 'mode')], [
      lsm('inode_mkdir', (c) => [folder(c), dentry(c), given(c, 'mode')]),
    ]),
  ]),
];
const renameSteps: readonly Step[] = [
  call(
    'do_renameat2',
    (c) => [
      c.args.get('olddfd') ?? -100n,
      filename(c, 'oldname'),
      c.args.get('newdfd') ?? -100n,
      filename(c, 'newname'),
      given(c, 'flags'),
    ],
    [
      lsm('path_rename', (c) => [
        c.kernel.objects.path(folderOf(pathOf(c, 'oldname'))),
        dentry(c, 'oldname'),
        c.kernel.objects.path(folderOf(pathOf(c, 'newname'))),
        dentry(c, 'newname'),
      ]),
      call('vfs_rename', () => [], [
        lsm('inode_rename', (c) => [folder(c, 'oldname'), dentry(c, 'oldname'), folder(c, 'newname'), dentry(c, 'newname')]),
      ]),
    ],
  ),
];

/** The end of a connection to the machine itself: the listener's side of it. */
const loopbackPeer: readonly Step[] = [stateTrace('TCP_LISTEN', 'TCP_SYN_RECV'), stateTrace('TCP_SYN_RECV', 'TCP_ESTABLISHED')];

const connectSteps = (version: 'v4' | 'v6', loopback: boolean): readonly Step[] => [
  call('inet_stream_connect', (c) => [socket(c), given(c, 'uservaddr'), given(c, 'addrlen')], [
    call(
      `tcp_${version}_connect`,
      (c) => [sock(c), given(c, 'uservaddr'), given(c, 'addrlen')],
      [
        effect((c) => {
          const to = peer(c, 'uservaddr');
          const local = version === 'v6' ? parseAddress('2001:db8::2')! : Uint8Array.of(192, 0, 2, 2);
          changeSocket(c, {
            state: 'TCP_CLOSE',
            family: version === 'v6' ? AF_INET6 : AF_INET,
            localAddress: local,
            localPort: facts(c).localPort ?? 40000,
            ...(to ? { remoteAddress: to.address, remotePort: to.port } : {}),
          });
        }),
        ...setState('TCP_CLOSE', 'TCP_SYN_SENT'),
        call('tcp_connect', (c) => [sock(c)], [], zero),
      ],
      zero,
    ),
    success(call('tcp_finish_connect', (c) => [sock(c)], setState('TCP_SYN_SENT', 'TCP_ESTABLISHED'), zero)),
    ...(loopback ? loopbackPeer : []),
  ]),
];

const message = (top: string, hook: string, protocol: (c: Syscall) => string, size: string): SyscallSteps => ({
  steps: [
    call(
      top,
      (c) => [given(c, 'fd'), c.args.get('buff') ?? c.args.get('ubuf') ?? c.args.get('msg') ?? 0n, given(c, size), given(c, 'flags')],
      [
        lsm(hook, (c) => [socket(c), undefined, given(c, size)]),
        { ...call('', (c) => [sock(c), undefined, given(c, size)]), nameOf: protocol },
      ],
    ),
  ],
});

const SYSCALL_STEPS: Readonly<Record<string, SyscallSteps>> = {
  open: openCall,
  creat: openCall,
  openat: openCall,
  openat2: openCall,
  close: {
    steps: [
      call('filp_flush', (c) => [file(c)], [], zero),
      call('__fput', (c) => [file(c)], [lsm('file_free', (c) => [file(c)])], zero),
      effect((c) => void c.kernel.tasks.set(withFiles(current(c), (files) => files.delete(number(c, 'fd'))))),
    ],
  },
  read: transfer('ksys_read', 'vfs_read', READ, 'ext4_file_read_iter'),
  pread64: transfer('ksys_pread64', 'vfs_read', READ, 'ext4_file_read_iter'),
  write: transfer('ksys_write', 'vfs_write', WRITE, 'ext4_file_write_iter'),
  pwrite64: transfer('ksys_pwrite64', 'vfs_write', WRITE, 'ext4_file_write_iter'),
  readv: {
    steps: [
      call('do_readv', (c) => [given(c, 'fd'), given(c, 'vec'), given(c, 'vlen')], [
        call('vfs_readv', (c) => [file(c), given(c, 'vec'), given(c, 'vlen')], [lsm('file_permission', (c) => [file(c), READ])]),
      ]),
    ],
  },
  writev: {
    steps: [
      call('do_writev', (c) => [given(c, 'fd'), given(c, 'vec'), given(c, 'vlen')], [
        call('vfs_writev', (c) => [file(c), given(c, 'vec'), given(c, 'vlen')], [lsm('file_permission', (c) => [file(c), WRITE])]),
      ]),
    ],
  },
  fsync: {
    steps: [
      call('vfs_fsync_range', (c) => [file(c), 0n, 0x7fff_ffff_ffff_ffffn, 0n], [
        call('ext4_sync_file', (c) => [file(c), 0n, 0x7fff_ffff_ffff_ffffn, 0n]),
      ]),
    ],
  },
  getdents64: { steps: [call('iterate_dir', (c) => [file(c)], [lsm('file_permission', (c) => [file(c), READ])])] },
  stat: {
    steps: [
      call('vfs_statx', (c) => [-100n, filename(c)], [
        call('vfs_getattr', (c) => [c.kernel.objects.path(pathOf(c))], [lsm('inode_getattr', (c) => [c.kernel.objects.path(pathOf(c))])]),
      ]),
    ],
  },
  newfstatat: {
    steps: [
      call('vfs_statx', (c) => [given(c, 'dfd'), filename(c)], [
        call('vfs_getattr', (c) => [c.kernel.objects.path(pathOf(c))], [lsm('inode_getattr', (c) => [c.kernel.objects.path(pathOf(c))])]),
      ]),
    ],
  },
  execve: { steps: executeSteps },
  execveat: { steps: executeSteps },
  fork: forkCall,
  vfork: forkCall,
  clone: forkCall,
  clone3: forkCall,
  kill: killCall,
  tkill: killCall,
  tgkill: killCall,
  unlink: { steps: unlinkSteps },
  unlinkat: { steps: unlinkSteps },
  mkdir: { steps: mkdirSteps },
  mkdirat: { steps: mkdirSteps },
  rmdir: {
    steps: [
      call('do_rmdir', (c) => [-100n, filename(c)], [
        call('vfs_rmdir', (c) => [undefined, folder(c), dentry(c)], [lsm('inode_rmdir', (c) => [folder(c), dentry(c)])]),
      ]),
    ],
  },
  rename: { steps: renameSteps },
  renameat: { steps: renameSteps },
  renameat2: { steps: renameSteps },
  socket: {
    result: nextFd,
    steps: [
      call('__sys_socket', (c) => [given(c, 'family'), given(c, 'type'), given(c, 'protocol')], [
        lsm('socket_create', (c) => [given(c, 'family'), given(c, 'type') & 0xfn, given(c, 'protocol'), 0n]),
        effect((c) => {
          const key = `socket:${c.task.tgid}.${c.result}`;
          c.kernel.objects.setSocket(key, {
            family: number(c, 'family') || AF_INET,
            type: (given(c, 'type') & 0xfn) === 2n ? 'SOCK_DGRAM' : 'SOCK_STREAM',
            state: 'TCP_CLOSE',
          });
          c.kernel.tasks.set(withFiles(current(c), (files) => files.set(Number(c.result), key)));
        }),
      ]),
    ],
  },
  connect: {
    steps: [
      call('__sys_connect', (c) => [given(c, 'fd'), given(c, 'uservaddr'), given(c, 'addrlen')], [
        lsm('socket_connect', (c) => [socket(c), given(c, 'uservaddr'), given(c, 'addrlen')]),
      ]),
    ],
  },
  bind: {
    steps: [
      call('__sys_bind', (c) => [given(c, 'fd'), given(c, 'umyaddr'), given(c, 'addrlen')], [
        lsm('socket_bind', (c) => [socket(c), given(c, 'umyaddr'), given(c, 'addrlen')]),
        call('inet_bind', (c) => [socket(c), given(c, 'umyaddr'), given(c, 'addrlen')], [
          effect((c) => {
            const own = peer(c, 'umyaddr');
            if (own) changeSocket(c, { localAddress: own.address, localPort: own.port, state: 'TCP_CLOSE' });
          }),
        ]),
      ]),
    ],
  },
  listen: {
    steps: [
      call('__sys_listen', (c) => [given(c, 'fd'), given(c, 'backlog')], [
        lsm('socket_listen', (c) => [socket(c), given(c, 'backlog')]),
        call('inet_listen', (c) => [socket(c), given(c, 'backlog')], [
          call('inet_csk_listen_start', (c) => [sock(c)], setState('TCP_CLOSE', 'TCP_LISTEN')),
        ]),
      ]),
    ],
  },
  sendto: message('__sys_sendto', 'socket_sendmsg', (c) => (isDatagram(c) ? 'udp_sendmsg' : 'tcp_sendmsg'), 'len'),
  sendmsg: message('__sys_sendmsg', 'socket_sendmsg', (c) => (isDatagram(c) ? 'udp_sendmsg' : 'tcp_sendmsg'), 'len'),
  recvfrom: message('__sys_recvfrom', 'socket_recvmsg', (c) => (isDatagram(c) ? 'udp_recvmsg' : 'tcp_recvmsg'), 'size'),
  recvmsg: message('__sys_recvmsg', 'socket_recvmsg', (c) => (isDatagram(c) ? 'udp_recvmsg' : 'tcp_recvmsg'), 'size'),
  mmap: {
    steps: [
      call('ksys_mmap_pgoff', (c) => ['addr', 'len', 'prot', 'flags', 'fd', 'off'].map((name) => given(c, name)), [
        call('vm_mmap_pgoff', (c) => [file(c), given(c, 'addr'), given(c, 'len'), given(c, 'prot'), given(c, 'flags'), 0n], [
          lsm('mmap_file', (c) => [file(c), given(c, 'prot'), given(c, 'prot'), given(c, 'flags')]),
          call('do_mmap', (c) => [file(c), given(c, 'addr'), given(c, 'len'), given(c, 'prot'), given(c, 'flags')]),
        ]),
      ]),
    ],
  },
  munmap: { steps: [call('__vm_munmap', (c) => [given(c, 'addr'), given(c, 'len'), 1n])] },
  setuid: {
    steps: [
      call('__sys_setuid', (c) => [given(c, 'uid')], [
        lsm('task_fix_setuid', () => []),
        effect((c) => void c.kernel.tasks.set({ ...current(c), uid: number(c, 'uid') })),
      ]),
    ],
  },
  sync: { steps: [call('ksys_sync', () => [])] },
  mount: { steps: [call('path_mount', (c) => [given(c, 'dev_name'), undefined, given(c, 'type'), given(c, 'flags'), 0n])] },
  bpf: { steps: [call('__sys_bpf', (c) => [given(c, 'cmd')], [lsm('bpf', (c) => [given(c, 'cmd'), undefined, given(c, 'size')])])] },
};

/** The steps of a call; those of connect and accept depend on the socket. */
export function stepsOf(name: string, c: Syscall): SyscallSteps | undefined {
  if (name === 'connect') {
    const to = peer(c, 'uservaddr');
    const six = to ? to.address.length === 16 : facts(c).family === AF_INET6;
    const steps = SYSCALL_STEPS['connect']!.steps[0] as CallStep;
    return {
      steps: [
        { ...steps, inside: [...steps.inside, ...connectSteps(six ? 'v6' : 'v4', to?.address.length === 4 && to.address[0] === 127)] },
      ],
    };
  }
  if (name === 'exit' || name === 'exit_group') return { steps: exitSteps(c), final: true };
  if (name === 'accept' || name === 'accept4') {
    const key = (call_: Syscall): string => `socket:${call_.task.tgid}.${call_.result}`;
    return {
      result: nextFd,
      steps: [
        call('do_accept', (c_) => [file(c_)], [
          lsm('socket_accept', (c_) => [socket(c_)]),
          call(
            'inet_csk_accept',
            (c_) => [sock(c_)],
            [
              effect((c_) => {
                c_.kernel.objects.setSocket(key(c_), {
                  ...facts(c_),
                  state: 'TCP_ESTABLISHED',
                  localPort: facts(c_).localPort ?? 80,
                  remoteAddress: Uint8Array.of(192, 0, 2, 1),
                  remotePort: 50000,
                });
                c_.kernel.tasks.set(withFiles(current(c_), (files) => files.set(Number(c_.result), key(c_))));
              }),
            ],
            (c_) => c_.kernel.objects.sock(key(c_)),
          ),
        ]),
      ],
    };
  }
  return SYSCALL_STEPS[name];
}
