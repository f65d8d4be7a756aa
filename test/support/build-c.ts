// Builds a C program of the tests with the machine's own compiler, once for each text of it.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { repository } from './requirements.ts';

const COMPILERS = ['cc', 'gcc', 'clang', 'clang-22', 'clang-19', 'clang-14'];

/** Path of the executable made from test/support/<name>.c, or undefined where no compiler can make it. */
export function buildC(name: string, libraries: readonly string[] = [], linked: 'static' | 'dynamic' = 'dynamic'): string | undefined {
  const source = path.join(repository, 'test/support', `${name}.c`);
  const folder = path.join(repository, '.cache');
  const executable = path.join(
    folder,
    `${name}-${createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)}${linked === 'static' ? '-static' : ''}`,
  );
  if (existsSync(executable)) return executable;
  mkdirSync(folder, { recursive: true });
  // Tests run side by side: each builds its own, and the last one to finish names it.
  const building = `${executable}.${process.pid}`;
  for (const compiler of COMPILERS) {
    try {
      execFileSync(
        compiler,
        ['-O1', '-w', ...(linked === 'static' ? ['-static'] : []), source, '-o', building, ...libraries.map((library) => `-l${library}`)],
        { stdio: 'ignore' },
      );
      renameSync(building, executable);
      return executable;
    } catch {
      continue;
    }
  }
  return undefined;
}
