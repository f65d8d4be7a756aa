// The event file's shape, once: the parser checks by it and the JSON schema is generated from it. Values are not interpreted here.

export interface FieldInfo {
  /** One sentence for completion and hovers. */
  about: string;
  required?: true;
}

export type Field = FieldInfo &
  (
    | { kind: 'text'; values?: readonly string[]; pattern?: RegExp; example?: string }
    | { kind: 'integer'; minimum: number; maximum: number }
    /** A number of nanoseconds, or text with a unit. */
    | { kind: 'duration' }
    | { kind: 'boolean' }
    /** An integer of up to 64 bits: a number, or decimal or 0x text. */
    | { kind: 'value64' }
    /** Anything that JSON can say: read by the type it is for. */
    | { kind: 'any' }
    | { kind: 'list'; of: Field }
    | { kind: 'object'; fields: Fields }
    /** Names that the file chooses. */
    | { kind: 'record'; of: Field }
    | { kind: 'either'; of: readonly Field[] }
    /** An object whose `type` says which fields it has beside the common ones. */
    | { kind: 'variant'; common: Fields; cases: Readonly<Record<string, { about: string; fields: Fields }>> }
  );

export type Fields = Readonly<Record<string, Field>>;

export const DURATION = /^\s*\d+(\.\d+)?\s*(ns|us|µs|ms|s|m|h)?\s*$/;
export const HEX_BYTES = /^\s*(0x)?([0-9a-fA-F]{2}[\s:_]*)*$/;
const ADDRESS = /^([0-9a-fA-F:]*:[0-9a-fA-F:.]*|\d+(\.\d+){3})$/;
const MAC = /^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/;

const address = (about: string): Field => ({ kind: 'text', pattern: ADDRESS, example: '192.0.2.1', about });
const mac = (about: string): Field => ({ kind: 'text', pattern: MAC, example: '02:00:00:00:00:01', about });
const u8 = (about: string): Field => ({ kind: 'integer', minimum: 0, maximum: 0xff, about });
const u16 = (about: string): Field => ({ kind: 'integer', minimum: 0, maximum: 0xffff, about });
const u32 = (about: string): Field => ({ kind: 'integer', minimum: 0, maximum: 0xffff_ffff, about });
const pid = (about: string): Field => ({ kind: 'integer', minimum: 0, maximum: 4194304, about });
const checksum = u16('Instead of the right checksum: to see what the program does with a broken packet.');

const LAYERS: Fields = {
  ethernet: {
    kind: 'object',
    about: 'The Ethernet header.',
    fields: {
      source: mac('MAC address it comes from.'),
      destination: mac('MAC address it goes to.'),
      type: u16('EtherType; follows from the layer inside if not given.'),
    },
  },
  vlan: {
    kind: 'object',
    about: 'An 802.1Q tag.',
    fields: {
      id: { kind: 'integer', minimum: 0, maximum: 4095, about: 'VLAN number.' },
      priority: { kind: 'integer', minimum: 0, maximum: 7, about: 'Priority code point.' },
    },
  },
  arp: {
    kind: 'object',
    about: 'An ARP packet instead of IP.',
    fields: {
      operation: u16('1 asks, 2 answers.'),
      senderMac: mac("Sender's MAC address."),
      sender: address("Sender's IPv4 address."),
      targetMac: mac("Target's MAC address."),
      target: address("Target's IPv4 address."),
    },
  },
  ip: {
    kind: 'object',
    about: 'The IPv4 or IPv6 header: addresses decide which.',
    fields: {
      version: { kind: 'integer', minimum: 4, maximum: 6, about: '4 or 6; follows from the addresses if they are given.' },
      source: address('Address it comes from.'),
      destination: address('Address it goes to.'),
      ttl: u8('Time to live, or hop limit.'),
      protocol: u8('Protocol number; follows from the layer inside if not given.'),
      tos: u8('Type of service, or traffic class.'),
      id: u16('Identification (IPv4).'),
      dontFragment: { kind: 'boolean', about: 'The DF flag (IPv4).' },
      moreFragments: { kind: 'boolean', about: 'The MF flag (IPv4).' },
      fragmentOffset: { kind: 'integer', minimum: 0, maximum: 0x1fff, about: 'In units of eight bytes (IPv4).' },
      checksum,
    },
  },
  tcp: {
    kind: 'object',
    about: 'A TCP header.',
    fields: {
      source: u16('Source port.'),
      destination: u16('Destination port.'),
      sequence: u32('Sequence number.'),
      acknowledgement: u32('Acknowledgement number.'),
      flags: {
        kind: 'list',
        about: 'Flags that are set; SYN if not given.',
        of: { kind: 'text', values: ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'], about: 'A TCP flag.' },
      },
      window: u16('Window.'),
      checksum,
    },
  },
  udp: { kind: 'object', about: 'A UDP header.', fields: { source: u16('Source port.'), destination: u16('Destination port.'), checksum } },
  icmp: {
    kind: 'object',
    about: 'An ICMP (or ICMPv6) header.',
    fields: {
      type: u8('8 asks for an echo (128 in ICMPv6).'),
      code: u8('Code.'),
      id: u16('Identifier of an echo.'),
      sequence: u16('Sequence number of an echo.'),
      checksum,
    },
  },
  payload: {
    kind: 'either',
    about: 'What the packet carries: text, or bytes in hex.',
    of: [
      { kind: 'text', about: 'Text.' },
      { kind: 'object', about: 'Bytes.', fields: { hex: { kind: 'text', pattern: HEX_BYTES, about: 'Bytes in hex.', required: true } } },
    ],
  },
};

const argument: Field = {
  kind: 'any',
  about:
    'A number; text (passed by its address in user memory); a list of texts, as argv; {"hex": "…"} for bytes in user memory; {"address": "192.0.2.1", "port": 443} for a socket address; {"task": 1200}, {"file": "/etc/passwd"}, {"device": "eth0"}, {"object": "NAME"} or {"struct": "sock", …} for an object of the kernel.',
};
const process: Field = pid('The process that does it: one of "processes". The first of them if not given.');
const returned: Field = { kind: 'value64', about: 'What it returns: programs at the exit see it. 0 if not given; -2 is ENOENT.' };

const takes: Field = { kind: 'duration', about: 'How long it takes: programs at its exit run that much later. 10us if not given.' };

export const EVENT_COMMON: Fields = {
  type: { kind: 'text', about: 'What kind of event this is.', required: true },
  title: { kind: 'text', about: 'Names the event in lists and in the Debug Console.' },
  at: { kind: 'duration', about: 'When it happens, since the start: "1ms", "2.5s", or nanoseconds.' },
  cpu: { kind: 'integer', minimum: 0, maximum: 1023, about: 'The CPU it happens on. 0 if not given.' },
};

export const EVENT_CASES = {
  packet: {
    about: 'A packet arrives or leaves: XDP, tc, socket filter and cgroup programs see it.',
    fields: {
      device: { kind: 'text', about: 'The network device, one of "devices". eth0 if not given.' },
      queue: { kind: 'integer', minimum: 0, maximum: 65535, about: 'The receive queue.' },
      direction: {
        kind: 'text',
        values: ['ingress', 'egress'],
        about: 'Whether it comes in (XDP and tc ingress) or goes out (tc egress).',
      },
      mark: u32('skb->mark at the start.'),
      packet: {
        kind: 'either',
        about: 'Its bytes in hex, or its layers.',
        required: true,
        of: [
          { kind: 'text', pattern: HEX_BYTES, about: 'The whole packet in hex, from the Ethernet header on.' },
          { kind: 'object', fields: LAYERS, about: 'Its layers; lengths and checksums are filled in.' },
        ],
      },
    },
  },
  syscall: {
    about:
      'A process makes a system call: ksyscall and kprobe programs, system call tracepoints and raw tracepoints see it enter and return.',
    fields: {
      name: { kind: 'text', about: 'The system call: "execve", "openat", …', required: true },
      pid: process,
      arguments: {
        kind: 'record',
        of: argument,
        about: 'Arguments by parameter name: {"filename": "/etc/passwd"}. Those not given are 0.',
      },
      return: returned,
      takes,
    },
  },
  function: {
    about:
      'A kernel function is called: kprobe, kretprobe, fentry, fexit and LSM programs on it run. LSM hooks are functions named bpf_lsm_….',
    fields: {
      name: { kind: 'text', about: "The function's name.", required: true },
      pid: process,
      arguments: { kind: 'list', of: argument, about: 'Arguments in order.' },
      return: returned,
      takes,
    },
  },
  tracepoint: {
    about: 'A tracepoint fires: tracepoint, raw tracepoint and tp_btf programs on it run.',
    fields: {
      name: { kind: 'text', about: '"sched:sched_switch", or "sched_switch".', required: true },
      pid: process,
      fields: { kind: 'record', of: { kind: 'any', about: 'A number or text.' }, about: "Members of the tracepoint's record." },
      arguments: { kind: 'list', of: argument, about: 'What raw tracepoint programs get.' },
    },
  },
  uprobe: {
    about: 'A process calls a function of its program or of a library: uprobe and uretprobe programs on it run.',
    fields: {
      function: { kind: 'text', about: "The function's name.", required: true },
      binary: { kind: 'text', about: 'The program or library. Any if not given.' },
      pid: process,
      arguments: { kind: 'list', of: argument, about: 'Arguments in order.' },
      return: returned,
      takes,
    },
  },
  sample: {
    about: 'A perf event takes a sample: perf_event programs run.',
    fields: {
      pid: process,
      address: { kind: 'value64', about: 'The instruction pointer in user space.' },
      period: { kind: 'value64', about: 'The sample period.' },
    },
  },
  context: {
    about: 'Runs one program with a context given here: for program types that have no event of their own yet.',
    fields: {
      program: { kind: 'text', about: "The program's name.", required: true },
      pid: process,
      bytes: { kind: 'text', pattern: HEX_BYTES, about: "The context's bytes in hex." },
      fields: { kind: 'record', of: { kind: 'value64', about: 'A number.' }, about: 'Members of the context struct.' },
    },
  },
  wait: { about: 'Time passes until then: timers (bpf_timer) that are due run.', fields: {} },
  map: {
    about: 'User space writes or deletes an entry of a map.',
    fields: {
      map: { kind: 'text', about: "The map's name.", required: true },
      key: { kind: 'any', about: "The key, as the map's key type has it." },
      value: { kind: 'any', about: 'The value; without it the key is deleted.' },
    },
  },
} as const satisfies Readonly<Record<string, { about: string; fields: Fields }>>;

export const SCENARIO_FIELDS: Fields = {
  $schema: { kind: 'text', about: 'The schema of this file.' },
  kernel: {
    kind: 'object',
    about: 'The simulated kernel.',
    fields: {
      version: { kind: 'text', pattern: /^\d+\.\d+$/, example: '6.18', about: 'Its version.' },
      cpus: { kind: 'integer', minimum: 1, maximum: 1024, about: 'How many CPUs it has.' },
      seed: u32('Seed of its random numbers: the same seed, the same run.'),
      uptime: { kind: 'duration', about: 'How long it has been up when the scenario starts. 100s if not given.' },
      config: {
        kind: 'record',
        of: { kind: 'any', about: 'y, m or n, true or false, a number, or text.' },
        about: 'How it was configured, for `extern … __kconfig`: {"CONFIG_HZ": 1000}. As a typical distribution if not given.',
      },
    },
  },
  processes: {
    kind: 'list',
    about: 'Who is there.',
    of: {
      kind: 'object',
      about: 'A process or thread.',
      fields: {
        pid: { ...pid("Its number (a thread's own; getpid() gives tgid)."), required: true },
        tgid: pid('The process a thread belongs to; its own pid if not given.'),
        comm: { kind: 'text', about: 'Its name, at most 15 bytes.' },
        uid: u32('User.'),
        gid: u32('Group.'),
        parent: pid("Its parent's pid; 1 if not given."),
        cgroup: { kind: 'text', pattern: /^\//, example: '/user.slice', about: 'Path of its cgroup.' },
        exe: { kind: 'text', about: 'Path of its program; /usr/bin/ and its name if not given. Empty for a thread of the kernel.' },
        args: { kind: 'list', of: { kind: 'text', about: 'A word.' }, about: "Its command line, the program's own name first." },
        cwd: { kind: 'text', pattern: /^\//, example: '/root', about: 'The folder it works in.' },
        files: {
          kind: 'record',
          of: { kind: 'text', about: 'A path, or "socket:NAME".' },
          about: 'Open files by descriptor: {"3": "/etc/passwd"}. A terminal as 0, 1 and 2 if not given.',
        },
        namespaces: {
          kind: 'record',
          of: u32('The inode number of its namespace.'),
          about: 'Namespaces that are not the initial ones: {"pid": 4026532201}. Of cgroup, ipc, mnt, net, pid, time, user and uts.',
        },
      },
    },
  },
  devices: {
    kind: 'list',
    about: 'Network devices beside lo (1) and eth0 (2).',
    of: {
      kind: 'object',
      about: 'A network device.',
      fields: {
        name: { kind: 'text', required: true, about: 'Its name.' },
        ifindex: { kind: 'integer', minimum: 1, maximum: 0x7fff_ffff, required: true, about: 'Its number.' },
        mac: mac('Its MAC address.'),
        mtu: { kind: 'integer', minimum: 68, maximum: 65536, about: 'Largest packet without the Ethernet header.' },
        queues: { kind: 'integer', minimum: 1, maximum: 4096, about: 'Receive queues.' },
      },
    },
  },
  objects: {
    kind: 'record',
    about: 'Structs of the kernel by a name that arguments refer to: {"conn": {"struct": "sock", "__sk_common": {"skc_dport": 443}}}.',
    of: {
      kind: 'record',
      about: 'Its "struct", and members with their values; a pointer takes an object of its own, a reference, text or null.',
      of: { kind: 'any', about: 'The value of a member.' },
    },
  },
  maps: {
    kind: 'record',
    about: 'What is in maps before the first event, by map name.',
    of: {
      kind: 'list',
      about: 'Entries of one map.',
      of: {
        kind: 'object',
        about: 'One entry.',
        fields: {
          key: { kind: 'any', about: 'The key, as the map\'s key type has it: a number, an object of members, text, or "hex:…".' },
          value: {
            kind: 'any',
            required: true,
            about: "The value; of a prog array a program's name, of a devmap a device's, of a map of maps a map's.",
          },
        },
      },
    },
  },
  events: {
    kind: 'list',
    about: 'What happens, in order of time.',
    required: true,
    of: { kind: 'variant', about: 'Something that happens.', common: EVENT_COMMON, cases: EVENT_CASES },
  },
};
