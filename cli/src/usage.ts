// What `ebpfw help` prints.

const COMMANDS: Record<string, { line: string; about: string }> = {
  verify: {
    line: 'ebpfw verify FILE… [--prog NAME] [--type TYPE] [--kernel 6.18] [--btf FILE] [--log LEVEL] [--warnings] [--json]',
    about:
      "The verdict of the Linux verifier on every program of each file, with the reason.\nFILE is an object, C or assembly. Exit status: 0 all accepted, 1 some rejected, 2 some error.\n--type: of programs whose section names none, as xdp. --btf: a kernel's types instead of those of --kernel that come with ebpfw.",
  },
  inspect: {
    line: 'ebpfw inspect FILE… --json',
    about: 'What the loader makes of a file: programs, instructions after relocation, maps, CO-RE relocations, problems.',
  },
  run: {
    line: 'ebpfw run FILE [--prog NAME] [--type TYPE] [--kernel 6.18] [--btf FILE] [--events FILE] [--packet HEX|@FILE] [--ctx HEX|@FILE] [--engine interpreter|wasm] [--no-verify] [--json]',
    about:
      'Runs programs in a simulated kernel on the events of an event file, or on one packet or context.\nShows return values, trace_pipe, records and maps.',
  },
  shell: {
    line: 'ebpfw shell [FILE…] [--events FILE] [--kernel 6.18] [--btf FILE] [--no-verify] [-c COMMANDS]',
    about:
      "A terminal of a simulated kernel: bpftool, trace_pipe, pins, and 'fire' to let events happen; 'help' there says what there is.\nEach FILE is loaded and attached first, and the event file beside the first one is used. Without -c, commands come from the terminal or\nfrom standard input. Exit status: that of the last command.",
  },
  'explain-log': {
    line: 'ebpfw explain-log FILE|- [--json]',
    about:
      "What a real kernel's verifier log means: the reason, the source line, where the value came from.\nFILE is any text with logs in it: of libbpf, bpftool, cilium/ebpf, BCC, a CI job. Exit status: 0 all accepted, 1 some not, 2 no log.",
  },
  disasm: { line: 'ebpfw disasm FILE [--style llvm|kernel|classic]', about: 'The instructions of an object as text.' },
  asm: {
    line: 'ebpfw asm FILE -o OUT [--raw]',
    about: 'Assembles a text into an object that libbpf loads; --raw: the bytes of its only section with code, 8 a slot.',
  },
  doctor: { line: 'ebpfw doctor [--json]', about: 'Which compiler and which kernel types this machine has.' },
  conformance: {
    line: 'ebpfw conformance [MEMORY]   |   ebpfw conformance --data FILE… [--engine interpreter|wasm]',
    about:
      'Plugin of the bpf_conformance runner (program in hex on standard input, r0 in hex on standard output),\nor the runner of .data files in this process. Exit status 1 if any fails.',
  },
};

/** The whole page, or the part about one command. */
export function usage(name?: string): string {
  const of = (command: string): string => {
    const { line, about } = COMMANDS[command]!;
    return `  ${line}\n${about.replace(/^/gm, '      ')}\n`;
  };
  if (name !== undefined) return `usage:\n${of(name)}`;
  return `ebpfw: write, verify and run eBPF programs without root, without Linux, without a kernel.\n\n${Object.keys(COMMANDS).map(of).join('\n')}`;
}
