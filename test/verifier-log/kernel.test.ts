// Logs of the kernel at hand: each program of docs/verifier is loaded at levels 1 and 2, and what is read from the kernel's log is what
// our verifier finds: verdict, code, sentence, instruction. Skipped where bpf() cannot be used.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { attachType, findSection } from '#core/catalog';
import { loadAssembly } from '#core/program';
import { verify } from '#core/verifier';
import { readVerifierLogs } from '#core/verifier-log';
import { openKernel } from '#test/kernel';
import { repository } from '#test/requirements';

const folder = path.join(repository, 'docs/verifier');
const cases = readdirSync(folder)
  .filter((file) => file.endsWith('.md'))
  .flatMap((file) =>
    [...readFileSync(path.join(folder, file), 'utf8').matchAll(/^```ebpf-asm (?:accepted|rejected)\n([\s\S]*?)^```$/gm)].map(
      ([, text], index) => ({ name: `${file} ${index + 1}`, text: text! }),
    ),
  );
const kernel = await openKernel();
afterAll(() => kernel?.close());

describe.skipIf(!kernel).each([1, 2])("the kernel's log at level %i", (logLevel) => {
  it.each(cases)('$name', async ({ text }) => {
    const object = loadAssembly(text, 'page.bpf.s');
    const program = object.programs[0]!;
    const maps = await Promise.all(
      object.maps.map((map) =>
        kernel!.createMap({ type: map.type, keySize: map.keySize, valueSize: map.valueSize, maxEntries: map.maxEntries, flags: map.flags }),
      ),
    );
    const attach = findSection(program.section)?.attachType;
    const loaded = await kernel!.load({
      type: program.type!,
      insns: program.insns,
      maps,
      license: program.license,
      logLevel: logLevel | 4,
      logSize: 1 << 24,
      attachType: attach ? attachType(attach)!.id : 0,
    });
    for (const fd of [...maps, ...(loaded.fd >= 0 ? [loaded.fd] : [])]) await kernel!.closeFd(fd);
    const [read, ...others] = readVerifierLogs(loaded.log).programs;
    expect([read?.verdict, others]).toEqual([loaded.verdict === 'loaded' ? 'accepted' : 'rejected', []]);
    if (loaded.verdict === 'loaded') return;
    const ours = verify(program, object, { kernel: '6.18' }).findings.find(({ severity }) => severity === 'error')!;
    expect([read!.finding?.code, read!.finding?.message]).toEqual([ours.code, ours.message]);
    // Before the walk nothing is printed that tells the instruction, unless the sentence does.
    if (read!.insns.length > 0 && !/^(?:combined )?stack size|^tail_calls are not allowed/.test(ours.message))
      expect(read!.finding?.insn).toBe(ours.insn);
  });
});
