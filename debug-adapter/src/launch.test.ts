// What F5 does with a refused program on a machine that is slow: it is refused there, too.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { workspaceHost } from '#toolchain';
import { launch } from './launch.ts';

/** Refused at its end, where r5 was never written, after about 2,000 instructions. */
const REFUSED = `.section socket
.globl late
late:
  r0 = 0
again:
  r0 += 1
  if r0 < 1000 goto again
  r0 = r5
  exit
.section license
.asciz "GPL"
`;

/** Ten minutes pass between any two looks at the clock. */
function slowMachine(): void {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 600_000));
}

test('a verdict does not depend on the speed of the machine', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'launch-'));
  try {
    const program = path.join(folder, 'late.bpf.s');
    await writeFile(program, REFUSED);
    slowMachine();
    const launched = await launch({ program, engine: 'interpreter', verify: 'ask', settings: {}, canonical: (file) => file });
    if ('failure' in launched) throw new Error([launched.failure, ...launched.details].join('\n'));
    expect(launched.rejected.map(({ program: { name }, verdict }) => [name, verdict.errno])).toEqual([['late', 'EACCES']]);

    const host = workspaceHost(folder);
    const answer = host.verify?.(launched.object.programs[0]!, launched.object);
    expect(answer).toMatchObject({ accepted: false, errno: 'EACCES' });
  } finally {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  }
});
