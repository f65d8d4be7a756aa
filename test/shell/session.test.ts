// One session typed into the simulated kernel's terminal and into a real Linux 6.12 (its answers stand in session-6.12.txt, test/shell/ask-kernel
// asks again), compared line by line. Ids, times and what a JIT compiler makes are put aside. Where we differ stands in …-differences-6.12.txt:
// a change of that file is to be reviewed.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createKernel } from '#core/sim';
import { Shell } from '#core/shell';
import { interpreter } from '#core/vm';
import { repository } from '#test/requirements';
import { readTargetKernel, verifierFacts, workspaceHost } from '#toolchain';

const here = path.join(repository, 'test/shell');

interface Answer {
  command: string;
  text: string;
}

/** `$ command`, its output, `[rc=0]`. */
const answersOf = (transcript: string): readonly Answer[] =>
  transcript
    .split(/^\$ /m)
    .slice(1)
    .map((block) => {
      const end = block.indexOf('\n');
      return { command: block.slice(0, end), text: block.slice(end + 1) };
    });

/** What two kernels never share. */
const comparable = (text: string): string =>
  text
    .replace(/^\d+: /gm, 'ID: ')
    .replace(/\b(map_ids|prog_ids) [\d,]+/g, '$1 IDS')
    .replace(/"map_ids":( ?)\[[\d,]+/g, '"map_ids":$1[IDS')
    .replace(/"(id|btf_id|prog_id)":( ?)\d+/g, '"$1":$2ID')
    .replace(/\b(btf_id|prog_id|id) \d+/g, '$1 ID')
    .replace(/map\[id:\d+\]/g, 'map[id:ID]')
    .replace(/loaded_at \S+/g, 'loaded_at TIME')
    .replace(/"loaded_at":( ?)\d+/g, '"loaded_at":$1TIME')
    .replace(/ (jited \d+B|not jited) /g, ' JITED ')
    .replace(/("jited":( ?))(true,\s*"bytes_jited": ?\d+|false)/g, '$1JITED')
    .replace(/ = 0x[0-9a-f]+ (\s*; R\d\w*=map_ptr)/g, ' = ADDRESS $1')
    .replace(/ADDRESS\s+;/g, 'ADDRESS ;')
    .replace(/^(\s*\d+: \(85\) call \S+#)-?\d+$/gm, '$1N')
    // The warning of this build of bpftool, whatever went wrong.
    .replace(/^Warning: bpftool is now running in libbpf strict mode.*\n.*\n\n/m, '');

/** The lines that one side has and the other has not: `-` of Linux, `+` ours. */
function difference(theirs: string, ours: string): string {
  const [a, b] = [theirs.trimEnd().split('\n'), ours.trimEnd().split('\n')];
  const only = (lines: readonly string[], others: readonly string[], mark: string): string[] =>
    lines.filter((line) => !others.includes(line)).map((line) => `${mark}${line}`);
  const lines = [...only(a, b, '-'), ...only(b, a, '+')];
  return (lines.length > 0 ? lines : ['the same lines in another order or number']).join('\n');
}

test.each(['session', 'life'])('%s: the answers are those of the real kernel', async (name) => {
  const real = answersOf(readFileSync(path.join(here, `${name}-6.12.txt`), 'utf8'));
  const asked = readFileSync(path.join(here, `${name}.txt`), 'utf8').split('\n');
  expect(real.map(({ command }) => command)).toEqual(asked.filter((line) => line !== '' && !line.startsWith('#')));
  const settings = { target: '6.12' } as const;
  const { kernelBtf } = verifierFacts(readTargetKernel(settings));
  const kernel = createKernel({ engine: interpreter, version: '6.12', cpus: 1, ...(kernelBtf ? { kernelBtf } : {}) });
  const shell = new Shell(kernel, { host: workspaceHost(path.join(here, 'objects'), { settings }) });
  const differences: string[] = [];
  for (const { command, text } of real) {
    const { output, errors = '', status } = await shell.run(command);
    const ours = comparable(`${errors}${output}[rc=${status}]\n`);
    const theirs = comparable(text);
    if (ours !== theirs) differences.push(`$ ${command}\n${difference(theirs, ours)}\n`);
  }
  const equal = real.length - differences.length;
  await expect(`${equal} of ${real.length} commands answered equally\n\n${differences.join('\n')}`).toMatchFileSnapshot(
    path.join(here, `${name}-differences-6.12.txt`),
  );
});

test('llvm-objdump prints what the real one prints', async () => {
  const kernel = createKernel({ engine: interpreter });
  const shell = new Shell(kernel, { host: workspaceHost(path.join(here, 'objects')) });
  // Kept from llvm-objdump 22; this object has no reference that relocation changes.
  const { output } = await shell.run('llvm-objdump -d hello-map.bpf.o');
  expect(output).toBe(readFileSync(path.join(here, 'hello-map.objdump.txt'), 'utf8'));
});
