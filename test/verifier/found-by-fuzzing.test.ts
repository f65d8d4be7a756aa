// What generated programs found (tools/fuzz-verifier.mts), made small: our answer, and the kernel's where one is at hand.
// A case is a name, a section, the text, and what is expected: the first line of a refusal, or the instructions processed.
import { release } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { findSection } from '#core/catalog';
import { BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_VALUE, isLdImm64 } from '#core/isa';
import { loadAssembly } from '#core/program';
import { openKernel } from '#test/kernel';
import { compare, fuzzMaps, judge, KernelMaps } from '../support/fuzz/compare.ts';
import type { FuzzProgram } from '../support/fuzz/generator.ts';
import { SINGLE } from '../support/fuzz/hooks.ts';

const MAPS = fuzzMaps
  .map(
    ({ name, type, keySize, valueSize, maxEntries }) =>
      `.map ${name}, type=${type}, key=${keySize}, value=${valueSize}, max_entries=${maxEntries}\n`,
  )
  .join('');
const LOOP = (callback: string): string => `r1 = 1\n r2 = ${callback} ll\n r3 = 0\n r4 = 0\n call bpf_loop`;
const CALLBACK = (name: string): string => `.type ${name}, @function\n${name}: r0 = 0\n exit`;

const CASES: readonly (readonly [name: string, section: string, text: string, expected: string | number])[] = [
  [
    'the address of a last function that nobody runs',
    'socket',
    `${LOOP('used')}\n r2 = unused ll\n r0 = 0\n exit\n${CALLBACK('used')}\n${CALLBACK('unused')}`,
    'verifier bug: No program to jit at insn 6 (subprog < 0)',
  ],
  [
    'the same with a function behind it that somebody runs',
    'socket',
    `r2 = unused ll\n ${LOOP('used')}\n r0 = 0\n exit\n${CALLBACK('unused')}\n${CALLBACK('used')}`,
    11,
  ],
  [
    'a pointer for the rounds of a loop',
    'raw_tp',
    `r2 = round ll\n r3 = 0\n r4 = 0\n call bpf_loop\n r0 = 0\n exit\n${CALLBACK('round')}`,
    'verifier bug: backtracking misuse',
  ],
  [
    'a callback in a loop: no back edge of its own',
    'socket',
    `r6 = 0\n again: ${LOOP('round')}\n r6 += 1\n if r6 < 3 goto again\n r0 = 0\n exit\n${CALLBACK('round')}`,
    33,
  ],
  [
    'a 32-bit distance of a number with more bits',
    'perf_event',
    `r9 = array2 ll\n r7 = *(u32 *)(r9 + 20)\n r7 ^= -51\n r5 = r7\n w5 += 4\n if r5 <= 40 goto out\n r9 += r7\n out: r0 = 0\n exit`,
    'value -4294967296 makes map_value pointer be out of bounds',
  ],
  [
    'one number left between bits and range',
    'tc',
    'r4 = *(u32 *)(r1 + 8)\n r4 &= 0x200000\n if r4 <= 3 goto out\n r4 >>= 18\n r4 -= 16\n r5 = r10\n r5 += r4\n r0 = *(u64 *)(r5 + 0)\n out: r0 = 0\n exit',
    12,
  ],
  [
    'a number at a large distance from what it is linked to',
    'sk_lookup',
    'r5 = *(u32 *)(r1 + 44)\n r1 = r5\n w1 += 0x7fffffff\n r2 = array2 ll\n r2 += r1\n r0 = 0\n exit',
    'map_value pointer offset 2147483647 is not allowed',
  ],
  ['a call of no helper', 'socket', 'call 0\n r0 = 0\n exit', 'program of this type cannot use helper bpf_unspec#0'],
  [
    'two functions that nobody runs before one that somebody runs',
    'socket',
    `r2 = first ll\n r2 = second ll\n ${LOOP('used')}\n r0 = 0\n exit\n.type first, @function\nfirst: exit\n.type second, @function\nsecond: exit\n${CALLBACK('used')}`,
    'verifier bug: No program to jit at insn 2 (subprog < 0)',
  ],
  [
    'what an atomic operation fetches is not followed into the stack',
    'lwt_xmit',
    'r6 = r1\n r8 = 0\n may_goto skip\n r8 += 1\n skip: *(u64 *)(r10 - 16) = 10\n r8 = xchg_64(r10 - 16, r8)\n r9 = *(u32 *)(r6 + 76)\n r3 = r8\n r8 = r9\n r8 += r3\n r0 = 0\n exit',
    20,
  ],
];

function programOf(section: string, text: string): FuzzProgram {
  const object = loadAssembly(`.license "GPL"\n${MAPS}.section "${section}"\n.globl main\nmain:\n ${text}\n`, 'case.bpf.s');
  const program = object.programs[0]!;
  expect(object.problems.concat(program.problems).filter(({ severity }) => severity === 'error')).toEqual([]);
  // The map of one value stands for its value.
  const insns = program.insns.map((insn) =>
    isLdImm64(insn) && insn.src === 1 && insn.imm === SINGLE ? { ...insn, src: BPF_PSEUDO_MAP_VALUE } : insn,
  );
  const functions = program.subprograms.map(({ name, start }, i) => ({
    name,
    start,
    linkage: i === 0 ? ('global' as const) : ('static' as const),
    args: 1,
  }));
  return {
    seed: 0,
    hook: {
      type: program.type!,
      weight: 1,
      family: 'other',
      ...(findSection(section)?.attachType && { attach: findSection(section)!.attachType! }),
    },
    flags: 0,
    insns,
    functions,
    btf: functions.length > 1,
  };
}

const ROWS = [
  ...CASES.map(([name, section, text, expected]) => ({ name, expected, make: () => programOf(section, text) })),
  {
    name: 'a map by an index into an array that no loader gives',
    expected: 'fd_idx without fd_array is invalid',
    make: () => {
      const program = programOf('socket', 'r1 = hash0 ll\n r0 = 0\n exit');
      return { ...program, insns: program.insns.map((insn) => (isLdImm64(insn) ? { ...insn, src: BPF_PSEUDO_MAP_IDX } : insn)) };
    },
  },
];

const right = release().startsWith('6.18.');
if (!right) process.stderr.write(`skipped, needs Linux 6.18: this is ${release()}\n`);
const kernel = right ? await openKernel() : undefined;
const maps = kernel && (await KernelMaps.create(kernel));
afterAll(() => kernel?.close());

describe.each(ROWS)('$name', ({ expected, make }) => {
  it('by our verifier', () => {
    const { verdict, findings, statistics } = judge(make());
    expect(verdict === 'accepted' ? statistics.processed : findings[0]!.message).toBe(expected);
  });

  it.skipIf(!kernel)('and the kernel says the same', async () => {
    expect((await compare(kernel!, maps!, make()))?.difference).toBeUndefined();
  });
});
