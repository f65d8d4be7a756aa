// Asks the kernel at hand a sample of what the context table answers: every row, some offsets of each size.
import { afterAll, describe, expect, it } from 'vitest';
import { CONTEXT_ROWS, contextRead, contextWrite } from '#core/catalog';
import { openKernel } from '#test/kernel';
import { release } from 'node:os';
import { askRead, askReturn, askWrite, SIZES } from '../../tools/probe-contexts.mts';

// The table is 6.18's: another kernel may rightly answer otherwise.
const right = release().startsWith('6.18.');
if (!right) process.stderr.write(`skipped, needs Linux 6.18: this is ${release()}\n`);
const kernel = right ? await openKernel() : undefined;
afterAll(() => kernel?.close());

describe.skipIf(!kernel)('contexts as the kernel has them', () => {
  it.each(CONTEXT_ROWS.map((row) => [`${row.programType} ${row.attachTypes[0] ?? ''}`, row] as const))('%s', async (_, row) => {
    const hook = { type: row.programType, attachType: row.attachTypes[0] ?? undefined, sleepable: row.programType === 'syscall' };
    expect(await askReturn(kernel!, hook)).toEqual(row.returns);
    const returns = row.returns?.[0] ?? 0;
    for (const size of SIZES) {
      const edges = new Set(
        [...row.reads, ...row.writes]
          .filter((range) => range.size === size)
          .slice(0, 4)
          .flatMap((range) => [range.from, range.to, range.to + size]),
      );
      // One misaligned access of each size: the kernel refuses all of them.
      for (const offset of [...edges, size > 1 ? 8 + size / 2 : 0]) {
        if (offset > 32767 - size) continue;
        const read = contextRead(row, offset, size);
        const expected = read && (read.struct ? `${read.gives}_${read.struct}` : read.gives);
        expect([offset, size, await askRead(kernel!, hook, offset, size, returns)]).toEqual([offset, size, expected]);
        expect([offset, size, await askWrite(kernel!, hook, offset, size, returns)]).toEqual([
          offset,
          size,
          contextWrite(row, offset, size),
        ]);
      }
    }
  });
});
