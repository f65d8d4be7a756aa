// Starts the bundled ebpfw as a person or a CI job does, and gives what it printed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { repository } from '#test/requirements';

const executable = path.join(repository, 'dist/cli.js');

export interface Answer {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs in the repository's root. */
export function ebpfw(args: readonly string[], input = ''): Answer {
  if (!existsSync(executable)) throw new Error('dist/cli.js is missing: npm run build');
  const { status, stdout, stderr } = spawnSync(process.execPath, [executable, ...args], {
    cwd: repository,
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}

/** The JSON objects that a command with --json printed, one a line. */
export const rows = (answer: Answer): Record<string, unknown>[] =>
  answer.stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
