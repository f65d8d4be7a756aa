// All independent errors of a program, in the order they are met: each case is a name, the text, and the lines that an error stands in.
// What follows from an earlier error is not told again.
import { describe, expect, it } from 'vitest';
import { loadAssembly } from '#core/program';
import { verify } from '#core/verifier';

const MAPS = `
.license "GPL"
.map hash, type=hash, key=4, value=16, max_entries=4
.map ring, type=ringbuf, key=0, value=0, max_entries=4096
`;
const LOOKUP = '*(u32 *)(r10 - 4) = 1\n r1 = hash ll\n r2 = r10\n r2 += -4\n call bpf_map_lookup_elem';
const PACKET = 'r6 = *(u32 *)(r1 + 0)\n r7 = *(u32 *)(r1 + 4)';

const CASES: readonly (readonly [name: string, text: string, errors: readonly string[]])[] = [
  ['one error', `${LOOKUP}\n r1 = *(u64 *)(r0 + 0)\n r0 = 0\n exit`, ['null-dereference: r1 = *(u64 *)(r0 + 0)']],
  [
    'one missing check, three accesses: one error',
    `${LOOKUP}\n r1 = *(u64 *)(r0 + 0)\n r2 = *(u64 *)(r0 + 8)\n *(u64 *)(r0 + 0) = 7\n r0 = 0\n exit`,
    ['null-dereference: r1 = *(u64 *)(r0 + 0)'],
  ],
  [
    'no check, and outside the value too',
    `${LOOKUP}\n r1 = *(u64 *)(r0 + 0)\n r2 = *(u64 *)(r0 + 16)\n r0 = 0\n exit`,
    ['null-dereference: r1 = *(u64 *)(r0 + 0)', 'map-value-bounds: r2 = *(u64 *)(r0 + 16)'],
  ],
  [
    'two lookups without check',
    `${LOOKUP}\n r1 = *(u64 *)(r0 + 0)\n ${LOOKUP}\n r3 = *(u64 *)(r0 + 8)\n r0 = 0\n exit`,
    ['null-dereference: r1 = *(u64 *)(r0 + 0)', 'null-dereference: r3 = *(u64 *)(r0 + 8)'],
  ],
  [
    'a load from outside is an unknown number afterwards',
    `${PACKET}\n r1 = *(u8 *)(r6 + 0)\n r1 &= 7\n r6 = r10\n r6 += r1\n r0 = *(u8 *)(r6 - 16)\n r0 = *(u8 *)(r7 + 0)\n r0 = 2\n exit`,
    ['packet-bounds: r1 = *(u8 *)(r6 + 0)', 'invalid-mem-access: r0 = *(u8 *)(r7 + 0)'],
  ],
  [
    'a pointer loaded from outside is not blamed for being a number',
    `${PACKET}\n r1 = *(u64 *)(r6 + 0)\n r2 = *(u64 *)(r1 + 0)\n r0 = 2\n exit`,
    ['packet-bounds: r1 = *(u64 *)(r6 + 0)'],
  ],
  [
    'both ways of a branch',
    `${PACKET}\n r1 = 1\n if r6 > r7 goto other\n r0 = r9\n r0 = 2\n exit\nother: r0 = r8\n r0 = 2\n exit`,
    ['uninitialised-register: r0 = r9', 'uninitialised-register: other: r0 = r8'],
  ],
  [
    'a leak behind a wrong access',
    `r1 = ring ll\n r2 = 16\n r3 = 0\n call bpf_ringbuf_reserve\n *(u64 *)(r0 + 0) = 1\n r0 = 0\n exit`,
    ['null-dereference: *(u64 *)(r0 + 0) = 1', 'reference-leak: exit'],
  ],
  [
    'NULL passed on, then a wrong return value',
    `${LOOKUP}\n r2 = r0\n r1 = hash ll\n r3 = r10\n r3 += -16\n *(u64 *)(r10 - 16) = 0\n *(u64 *)(r10 - 8) = 0\n r4 = 0\n call bpf_map_update_elem\n r0 = *(u64 *)(r7 + 0)\n exit`,
    ['helper-argument-null: call bpf_map_update_elem', 'uninitialised-register: r0 = *(u64 *)(r7 + 0)'],
  ],
];

describe.each(CASES)('%s', (_name, text, errors) => {
  const object = loadAssembly(`${MAPS}.section "xdp"\nf:\n ${text}\n`, 'errors.bpf.s');
  const program = object.programs[0]!;
  const all = verify(program, object, { kernel: '6.18', everyError: true, logLevel: 6 });

  it('gives each error once', () => {
    expect(object.problems).toEqual([]);
    const lines = `${MAPS}.section "xdp"\nf:\n ${text}\n`.split('\n');
    const found = all.findings.map(
      ({ code, insn }) => `${code}: ${lines[program.lines.findLast((line) => line.insn <= insn)!.line - 1]!.trim()}`,
    );
    expect(found).toEqual(errors);
  });

  it('says of the first what the kernel says, in log and counts too', () => {
    const { findings, ...rest } = verify(program, object, { kernel: '6.18', logLevel: 6 });
    expect(findings).toEqual(all.findings.slice(0, 1));
    expect({ ...all, findings: undefined }).toEqual({ ...rest, findings: undefined });
  });
});

describe('what an editor asks', () => {
  const text = `${MAPS}.section "xdp"\nf:\n ${PACKET}\n r1 = 1\n if r6 > r7 goto other\n r0 = r9\n r0 = 2\n exit\nother: r0 = r8\n r0 = 2\n exit\n`;
  const object = loadAssembly(text, 'errors.bpf.s');
  const program = object.programs[0]!;

  it('tells the verdict and the first error before it looks for others', () => {
    const told: unknown[] = [];
    const all = verify(program, object, { kernel: '6.18', everyError: true, first: (verdict) => told.push(verdict) });
    expect(all.findings).toHaveLength(2);
    expect(told).toEqual([{ ...all, findings: all.findings.slice(0, 1) }]);
  });

  it('gives up at a number of instructions, on every machine the same', () => {
    const loop = loadAssembly(`.section "xdp"\nf:\n r0 = 0\nagain: r0 += 1\n if r0 < 100000 goto again\n r0 = 2\n exit\n`, 'loop.bpf.s');
    const verdictOf = (steps: number): string => verify(loop.programs[0]!, loop, { kernel: '6.18', steps }).verdict;
    expect(verdictOf(1_000)).toBe('cancelled');
    expect(verdictOf(300_000)).toBe('accepted');
  });
});

it('goes through the paths of a loop that all end in an error within its budget of steps', () => {
  // Every round may leave the loop to a place of its own where r9 is read: thousands of paths, of which the first few are told.
  const exits = Array.from({ length: 40 }, (_, i) => `e${i}: r0 = r9\n r0 = 2\n exit`).join('\n');
  const rounds = Array.from({ length: 40 }, (_, i) => `  r1 = *(u32 *)(r8 + 12)\n if r1 == ${i} goto e${i}`).join('\n');
  const object = loadAssembly(
    `.license "GPL"\n.section "xdp"\nf:\n r8 = r1\n r6 = 0\nagain:\n${rounds}\n r6 += 1\n if r6 < 100 goto again\n r0 = 2\n exit\n${exits}\n`,
    'loop.bpf.s',
  );
  expect(object.problems).toEqual([]);
  const { findings } = verify(object.programs[0]!, object, { kernel: '6.18', everyError: true });
  expect(findings.length).toBeGreaterThan(1);
  expect(findings.length).toBeLessThan(20);
});
