// Compiles the examples written in C with clang 14, 19 and 22 at -O1 (DWARF 4) and -O2 (DWARF 5) into test/dwarf/examples:
// `npx tsx tools/build-dwarf-objects.mts`. The objects are kept, so that the golden variables are compared where no such compiler is.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ensureVmlinux } from '../toolchain/src/headers.ts';
import { repository } from '../test/support/requirements.ts';

const OUTPUT = path.join(repository, 'test/dwarf/examples');
const OWN_HEADERS = path.join(repository, 'toolchain/include');

const { file: vmlinux, problems } = await ensureVmlinux({});
if (!vmlinux) throw new Error(problems[0]?.message ?? 'there is no vmlinux.h');
mkdirSync(OUTPUT, { recursive: true });
const sources = readdirSync(path.join(repository, 'examples'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.bpf.c'),
);
for (const version of [14, 19, 22]) {
  for (const [level, dwarf] of [
    [1, 4],
    [2, 5],
  ]) {
    for (const source of sources) {
      const output = path.join(OUTPUT, `${path.basename(source, '.bpf.c')}.clang${version}-O${level}.o`);
      // No path of the machine that builds stays in the object.
      const names = [
        [path.dirname(vmlinux), '/headers'],
        [OWN_HEADERS, '/headers'],
        [repository, '/source'],
      ].map(([from, to]) => `-ffile-prefix-map=${from}=${to}`);
      execFileSync(
        `clang-${version}`,
        [
          '-target',
          'bpf',
          '-mcpu=v3',
          '-std=gnu17',
          '-D__TARGET_ARCH_x86',
          '-w',
          `-gdwarf-${dwarf}`,
          `-O${level}`,
          ...names.reverse(),
          '-fdebug-compilation-dir=/source',
          `-I${OWN_HEADERS}`,
          `-I${path.dirname(vmlinux)}`,
          '-idirafter',
          path.join(OWN_HEADERS, 'libc'),
          '-c',
          path.join('examples', source),
          '-o',
          output,
        ],
        { cwd: repository, stdio: 'inherit' },
      );
    }
  }
}
console.log(`${readdirSync(OUTPUT).length} objects in test/dwarf/examples`);
