// The pages under docs/verifier say what is true: each finding has one, and each program on it gets the verdict that the page gives it,
// from our verifier and, where one is at hand, from a real kernel. `the kernel says` is compared with both.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { attachType, findSection } from '#core/catalog';
import { loadAssembly } from '#core/program';
import { FINDINGS, verify, WARNINGS } from '#core/verifier';
import { openKernel } from '#test/kernel';
import { repository } from '#test/requirements';

const folder = path.join(repository, 'docs/verifier');
const pages = readdirSync(folder)
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .sort();
const kernel = await openKernel();
afterAll(() => kernel?.close());

it('there is a page for each finding, and a finding for each page', () => {
  expect(pages.map((file) => file.replace('.md', '')).sort()).toEqual([...FINDINGS, ...WARNINGS].map(({ code }) => code).sort());
});

interface Case {
  page: string;
  code: string;
  /** `warned`: accepted, with a warning of this code. */
  wanted: 'accepted' | 'rejected' | 'warned';
  text: string;
  message: string | undefined;
}

const cases: Case[] = pages.flatMap((page) => {
  const content = readFileSync(path.join(folder, page), 'utf8');
  const message = /^The kernel says: `(.*)`$/m.exec(content)?.[1];
  return [...content.matchAll(/^```ebpf-asm (accepted|rejected|warned)\n([\s\S]*?)^```$/gm)].map(([, wanted, text]) => ({
    page,
    code: page.replace('.md', ''),
    wanted: wanted as Case['wanted'],
    text: text!,
    message: wanted === 'rejected' ? message : undefined,
  }));
});

describe.each(cases)('$page: $wanted', ({ code, wanted, text, message }) => {
  const object = loadAssembly(text, `${code}.bpf.s`);
  const program = object.programs[0]!;

  it('by our verifier, with this code', () => {
    expect(object.problems).toEqual([]);
    const verdict = verify(program, object, { kernel: '6.18', warnings: true });
    const errors = verdict.findings.filter(({ severity }) => severity === 'error');
    expect([verdict.verdict, errors[0]?.code]).toEqual([
      wanted === 'rejected' ? 'rejected' : 'accepted',
      wanted === 'rejected' ? code : undefined,
    ]);
    // A page of a warning shows the program without it too; other pages need not be free of other warnings.
    if (WARNINGS.some((warning) => warning.code === code))
      expect(verdict.findings.map((finding) => finding.code)).toEqual(wanted === 'warned' ? [code] : []);
    if (message !== undefined) expect(verdict.findings[0]!.message).toContain(message);
  });

  it.skipIf(!kernel)('by the kernel', async () => {
    const maps = await Promise.all(
      object.maps.map((map) =>
        kernel!.createMap({ type: map.type, keySize: map.keySize, valueSize: map.valueSize, maxEntries: map.maxEntries, flags: map.flags }),
      ),
    );
    const expectedAttach = findSection(program.section)?.attachType;
    const loaded = await kernel!.load({
      type: program.type!,
      insns: program.insns,
      maps,
      license: program.license,
      attachType: expectedAttach ? attachType(expectedAttach)!.id : 0,
    });
    expect(loaded.verdict, loaded.log).toBe(wanted === 'rejected' ? 'rejected' : 'loaded');
    if (message !== undefined) expect(loaded.log).toContain(message);
    if (loaded.verdict === 'rejected') expect(loaded.log).toContain(verify(program, object, { kernel: '6.18' }).findings[0]!.message);
    for (const fd of [...maps, ...(loaded.fd >= 0 ? [loaded.fd] : [])]) await kernel!.closeFd(fd);
  });
});
