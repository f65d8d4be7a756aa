// Every example, through the command line: the verifier's answer and the runs' results as golden text, and the same from the real kernel.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fromHex, toHex } from '#core/bytes';
import { type LoadAnswer, openKernel } from '#test/kernel';
import { missing, repository } from '#test/requirements';
import { findCompiler, openProgram } from '#toolchain';
import { ebpfw, rows } from './command-line.ts';

interface MapRow {
  name: string;
  typeName: string;
  key: number;
  value: number;
  max: number;
  flags: number;
}

const files = readdirSync(path.join(repository, 'examples'), { recursive: true })
  .map(String)
  .filter((file) => /\.bpf\.[cs]$/.test(file))
  .map((file) => `examples/${file}`)
  .sort();
const { compiler } = await findCompiler();
const hasCompiler = compiler !== undefined || (missing('clang', 'no compiler that knows BPF was found') ?? false);
const kernel = await openKernel();
afterAll(() => kernel?.close());

/** The program in the kernel, with its maps as a loader makes them: constants in place and frozen. */
async function load(file: string, row: Record<string, unknown>): Promise<{ maps: number[]; loaded: LoadAnswer }> {
  const { object } = await openProgram(path.join(repository, file));
  const maps: number[] = [];
  for (const [index, map] of (row['maps'] as MapRow[]).entries()) {
    const fd = await kernel!.createMap({
      type: map.typeName,
      keySize: map.key,
      valueSize: map.value,
      maxEntries: map.max,
      flags: map.flags,
    });
    maps.push(fd);
    const initial = object!.maps[index]!.initial;
    if (initial) await kernel!.update(fd, new Uint8Array(4), initial);
    if (map.name.endsWith('.rodata')) await kernel!.freeze(fd);
  }
  return {
    maps,
    loaded: await kernel!.load({ type: row['type'] as string, insns: fromHex(row['insns'] as string)!, maps, logLevel: 1 | 4 }),
  };
}

const events = (file: string): string => file.replace(/\.bpf\.[cs]$/, '.events.json');
const golden = (file: string, what: string): string =>
  path.join(repository, 'test/cli/golden', `${path.basename(file).replace(/\.bpf\.[cs]$/, '')}.${what}.json`);
const text = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;

describe.each(files)('%s', (file) => {
  const runnable = file.endsWith('.s') || hasCompiler;

  it.skipIf(!runnable)('verify --json', async () => {
    const answer = ebpfw(['verify', '--json', file]);
    // Time is the machine's, and the place of the checkout its owner's.
    const stable = rows(answer).map(({ ms, source, ...row }) => ({
      ...row,
      source: source && { ...source, file: path.relative(repository, (source as { file: string }).file) },
      timed: typeof ms === 'number',
    }));
    await expect(text(stable)).toMatchFileSnapshot(golden(file, 'verify'));
    expect(answer.status).toBe(file.includes('broken') ? 1 : 0);
  });

  it.skipIf(!runnable)('run --json', async () => {
    const answer = ebpfw(['run', file, '--events', events(file), '--json', ...(file.includes('broken') ? ['--no-verify'] : [])]);
    await expect(text(rows(answer))).toMatchFileSnapshot(golden(file, 'run'));
  });

  it.skipIf(!runnable)('both engines do the same', () => {
    const flags = file.includes('broken') ? ['--no-verify'] : [];
    const [interpreter, wasm] = ['interpreter', 'wasm'].map((engine) =>
      ebpfw(['run', file, '--events', events(file), '--json', '--engine', engine, ...flags]),
    );
    expect(wasm!.stdout).toBe(interpreter!.stdout);
  });

  it.skipIf(!runnable || !kernel)('the kernel gives the same verdict with the same counts', async () => {
    const verdicts = new Map(rows(ebpfw(['verify', '--json', file])).map((row) => [row['prog'], row]));
    for (const row of rows(ebpfw(['inspect', '--json', file]))) {
      const { maps, loaded } = await load(file, row);
      const mine = verdicts.get(row['prog'])!;
      const counts = /processed (\d+) insns \(limit \d+\) max_states_per_insn (\d+) total_states (\d+) peak_states (\d+)/
        .exec(loaded.log)!
        .slice(1)
        .map(Number);
      expect([mine['verdict'], mine['processed'], mine['maxStatesPerInsn'], mine['totalStates'], mine['peakStates']]).toEqual([
        loaded.verdict === 'loaded' ? 'accepted' : 'rejected',
        ...counts,
      ]);
      if (loaded.verdict === 'rejected') expect(loaded.log).toContain(mine['error']);
      for (const fd of maps) await kernel!.closeFd(fd);
      if (loaded.fd >= 0) await kernel!.closeFd(loaded.fd);
    }
  });

  it.skipIf(!runnable || !kernel)('the kernel returns the same and leaves the same in its maps (programs it can test-run)', async () => {
    const inspected = rows(ebpfw(['inspect', '--json', file]));
    for (const row of inspected.filter(({ type, prog }) => type === 'xdp' && prog !== 'broken_null_check')) {
      const definitions = row['maps'] as MapRow[];
      const { maps, loaded } = await load(file, row);
      const [mine] = rows(ebpfw(['run', file, '--events', events(file), '--json']));
      for (const run of mine!['runs'] as { returnValue: string; packet: string }[]) {
        // The kernel's test run takes no frame shorter than 14 bytes; the events have none.
        const theirs = await kernel!.run(loaded.fd, { data: fromHex(run.packet)! });
        expect([`0x${theirs.returnValue.toString(16)}`, toHex(theirs.dataOut)]).toEqual([run.returnValue, run.packet]);
      }
      for (const [index, map] of definitions.entries()) {
        if (map.name.endsWith('.rodata')) continue;
        const theirs = await Promise.all(
          (await kernel!.keys(maps[index]!, map.key)).map(
            async (key) => [key, await kernel!.lookup(maps[index]!, key, map.value)] as const,
          ),
        );
        const ours = (mine!['maps'] as { name: string; entries: { key?: unknown; value: unknown }[] }[]).find(({ name }) =>
          map.name.endsWith(name),
        )!;
        const number = (bytes: Uint8Array, at: number, size: number): number =>
          Number(new DataView(bytes.buffer, bytes.byteOffset + at, size)[size === 4 ? 'getUint32' : 'getBigUint64'](0, true));
        const wanted = theirs.map(([key, value]) => ({
          key: number(key, 0, 4),
          values: Array.from({ length: map.value / 8 }, (_, i) => number(value!, 8 * i, 8)),
        }));
        const flat = (value: unknown): number[] =>
          typeof value === 'object' && value !== null ? Object.values(value).flatMap(flat) : [Number(value)];
        const shown = ours.entries.map(({ key, value }) => ({ key: key === undefined ? 0 : Number(key), values: flat(value) }));
        expect(shown.sort((a, b) => a.key - b.key)).toEqual(wanted.sort((a, b) => a.key - b.key));
      }
      for (const fd of [...maps, loaded.fd]) await kernel!.closeFd(fd);
    }
  });
});
