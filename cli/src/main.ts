// ebpfw: the core for terminals and CI. This file only finds the command; each command is a file of its own, loaded when asked for,
// so that the quick ones (the conformance plugin runs once per test) stay quick.

import { usage } from './usage.ts';

type Command = (args: readonly string[]) => Promise<number>;

// The plugin of the conformance runner starts once per test: tools/build.mjs gives it a bundle of its own, and all others one.
const COMMANDS: Record<string, () => Promise<Command>> = {
  verify: async () => (await import('./commands/index.ts')).verify,
  inspect: async () => (await import('./commands/index.ts')).inspect,
  run: async () => (await import('./commands/index.ts')).run,
  shell: async () => (await import('./commands/index.ts')).shell,
  'explain-log': async () => (await import('./commands/index.ts')).explainLog,
  disasm: async () => (await import('./commands/index.ts')).disasm,
  asm: async () => (await import('./commands/index.ts')).asm,
  doctor: async () => (await import('./commands/index.ts')).doctor,
  conformance: async () => (await import('./commands/conformance.ts')).conformance,
};

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(usage());
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    process.stderr.write(`ebpfw: there is no command "${name}"; the commands are ${Object.keys(COMMANDS).join(', ')}\n`);
    return 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage(name));
    return 0;
  }
  return (await command())(args);
}

// A reader that closes early (`ebpfw … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// exitCode rather than exit(): what is still being written to a pipe is not lost.
main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(
      `ebpfw: this is a bug of ebpfw, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 70;
  },
);
