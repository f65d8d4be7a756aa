// What one asks of a machine beside bpftool: ps, id, uname, mount, ip link.

import { type CommandContext, type CommandResult, done, errorWords, failed, printable, statusOf } from './command-result.ts';

export function ps({ kernel }: CommandContext): CommandResult {
  const { bpf } = kernel;
  const rows = [
    ...bpf.tasks.filter(({ pid }) => pid > 0).map(({ pid, uid, comm }) => ({ pid, uid, comm })),
    ...bpf.processes.map(({ pid, comm }) => ({ pid, uid: 0, comm })),
  ];
  return done(
    `    PID   UID COMMAND\n${rows.map(({ pid, uid, comm }) => `${String(pid).padStart(7)} ${String(uid).padStart(5)} ${printable(comm)}\n`).join('')}`,
  );
}

export const id = (): CommandResult => done('uid=0(root) gid=0(root) groups=0(root)\n');

export function uname({ kernel }: CommandContext, args: readonly string[]): CommandResult {
  const release = `${kernel.options.version}.0`;
  if (args.includes('-a')) return done(`Linux simulated ${release} #1 SMP x86_64 GNU/Linux\n`);
  if (args.includes('-r')) return done(`${release}\n`);
  if (args.includes('-m')) return done('x86_64\n');
  return done('Linux\n');
}

export const mount = (_context: CommandContext, args: readonly string[]): CommandResult =>
  args.length === 0
    ? done(
        'sysfs on /sys type sysfs (rw)\nproc on /proc type proc (rw)\nbpf on /sys/fs/bpf type bpf (rw,mode=700)\ntracefs on /sys/kernel/tracing type tracefs (rw)\ncgroup2 on /sys/fs/cgroup type cgroup2 (rw)\n',
      )
    : failed('mount: what there is is mounted: /sys/fs/bpf and /sys/kernel/tracing\n', 32);

/** `ip link [show]`, `ip link set dev eth0 xdp off`. */
export function ip({ kernel }: CommandContext, args: readonly string[]): CommandResult {
  const { bpf } = kernel;
  const [object = '', command = 'show', ...rest] = args.filter((word) => !word.startsWith('-'));
  if (!'link'.startsWith(object) || object === '') return failed(`Object "${object}" is not simulated; there is link\n`);
  if (command === 'show' || command === 'list') {
    const wanted = rest.filter((word) => word !== 'dev')[0];
    const devices = bpf.devices.filter(({ name }) => wanted === undefined || name === wanted);
    if (wanted !== undefined && devices.length === 0) return failed(`Device "${wanted}" does not exist.\n`);
    return done(
      devices
        .map(({ name, ifindex, mtu, mac }) => {
          const xdp = bpf.devicePrograms.find(({ device }) => device === name);
          const link =
            ifindex === 1 ? undefined : bpf.links.find(({ type, device }) => type === 'xdp' && (device === undefined || device === name));
          const program = xdp?.program ?? link?.program;
          const address = [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
          const loopback = name === 'lo';
          return [
            `${ifindex}: ${printable(name)}: <${loopback ? 'LOOPBACK' : 'BROADCAST,MULTICAST'},UP,LOWER_UP> mtu ${mtu} ${program === undefined ? '' : xdp?.mode === 'generic' ? 'xdpgeneric ' : 'xdp '}qdisc ${loopback ? 'noqueue' : 'mq'} state ${loopback ? 'UNKNOWN' : 'UP'} mode DEFAULT group default qlen 1000\n`,
            `    link/${loopback ? 'loopback' : 'ether'} ${address} brd ${loopback ? '00:00:00:00:00:00' : 'ff:ff:ff:ff:ff:ff'}\n`,
            ...(program === undefined ? [] : [`    prog/xdp id ${program} name ${printable(nameOf(kernel, program))}\n`]),
          ].join('');
        })
        .join(''),
    );
  }
  if (command === 'set') {
    const [device = '', hook, how, ...handle] = rest.filter((word) => word !== 'dev');
    if (hook !== 'xdp' && hook !== 'xdpgeneric')
      return failed('ip link set: of what it sets, xdp is simulated: ip link set dev eth0 xdp pinned PATH, or xdp off\n');
    if (how === 'off') {
      const refused = bpf.detachXdp(device);
      return refused ? failed(`Cannot find device "${device}"\n`) : done();
    }
    const pinned = how === 'pinned' ? bpf.pins.get(handle[0] ?? '') : undefined;
    const program = pinned?.kind === 'prog' ? kernel.programs.find((one) => one.id === pinned.id) : undefined;
    if (!program) return failed('ip link set: a program is wanted: xdp pinned /sys/fs/bpf/NAME (bpftool prog load makes that)\n');
    const refused = bpf.attachXdp(program, device, hook === 'xdp' ? 'driver' : 'generic', false);
    return refused ? failed(`RTNETLINK answers: ${errorWords(refused.errno)}\n`, statusOf(refused.errno) === 0 ? 0 : 2) : done();
  }
  return failed(`Command "${command}" is not simulated; there are show and set\n`);
}

const nameOf = (kernel: CommandContext['kernel'], wanted: number): string =>
  kernel.programs.find(({ id: one }) => one === wanted)?.program.name ?? '';
