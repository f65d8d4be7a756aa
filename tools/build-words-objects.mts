// Compiles the programs of test/verifier/words with clang 22, so that the words about them are tested without a compiler.
// `npx tsx tools/build-words-objects.mts [/path/to/clang-22]`.

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../test/verifier/words', import.meta.url));
const clang = process.argv[2] ?? 'clang-22';

for (const source of readdirSync(folder).filter((name) => name.endsWith('.bpf.c'))) {
  const flags = [
    '-target',
    'bpf',
    '-mcpu=v3',
    '-O2',
    '-g',
    '-I/usr/include/x86_64-linux-gnu',
    `-fdebug-prefix-map=${folder}=.`,
    '-fdebug-compilation-dir=.',
  ];
  execFileSync(clang, [...flags, '-c', source, '-o', source.replace(/\.c$/, '.o')], { cwd: folder, stdio: 'inherit' });
  console.log(path.join('test/verifier/words', source.replace(/\.c$/, '.o')));
}
