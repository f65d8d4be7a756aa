// What is known before instructions, joined over paths: small programs and the words of one register at one place.
import { expect, it } from 'vitest';
import { loadAssembly } from '#core/program';
import { type KnownValue, verify } from '#core/verifier';

const PROLOGUE = '.license "GPL"\n.map counts, type=hash, key=4, value=8, max_entries=4\n.section "xdp"\n.globl main\nmain:\n';

function statesOf(text: string): (place: string, register: number) => KnownValue | undefined {
  const source = PROLOGUE + text;
  const object = loadAssembly(source, 'known.bpf.s');
  const program = object.programs[0]!;
  const verdict = verify(program, object, { kernel: '6.18', keepStates: true });
  expect([verdict.verdict, verdict.findings[0]?.message]).toEqual(['accepted', undefined]);
  const lines = source.split('\n');
  return (place, register) => {
    const line = lines.findIndex((one) => one.includes(`# ${place}`)) + 1;
    return verdict.states!.get(program.lines.find((record) => record.line === line)!.insn)?.registers[register];
  };
}

const range = (value: KnownValue | undefined): readonly unknown[] =>
  (value?.shapes ?? []).map(({ type, umin, umax }) => [type, umin, umax]);

it('a branch narrows', () => {
  const at = statesOf(' call bpf_ktime_get_ns\n if r0 > 15 goto out\n r1 = r0 # inside\nout:\n r0 = 0\n exit\n');
  expect(range(at('inside', 0))).toEqual([['scalar', 0n, 15n]]);
});

it('paths that meet are joined', () => {
  const at = statesOf(' call bpf_ktime_get_ns\n r6 = 3\n if r0 > 15 goto other\n r6 = 9\nother:\n r0 = r6 # met\n exit\n');
  expect(range(at('met', 6))).toEqual([['scalar', 3n, 9n]]);
});

it('a path that ends at a checkpoint brings its number along through copies', () => {
  // Nothing depends on r6 exactly, so only one of its values is walked on behind the meeting point.
  const at = statesOf(
    ' call bpf_ktime_get_ns\n r6 = 3\n if r0 > 15 goto other\n r6 = 9\nother:\n r7 = r6\n *(u64 *)(r10 - 8) = r7\n r8 = *(u64 *)(r10 - 8)\n r0 = r8 # copied\n r0 += 1\n r1 = r0 # computed\n r0 = 0\n exit\n',
  );
  expect(range(at('copied', 8))).toEqual([['scalar', 3n, 9n]]);
  expect(at('copied', 8)!.open).toBe(false);
  const computed = at('computed', 0)!;
  // 4 and 10 are possible: either both are known, or it is said that more than what is shown is possible.
  expect(computed.open || computed.shapes.some(({ umin, umax }) => umin <= 4n && umax >= 10n)).toBe(true);
});

it('a pointer that may be NULL, and what a comparison makes of it', () => {
  const at = statesOf(
    ' r1 = 0\n *(u32 *)(r10 - 4) = r1\n r1 = counts ll\n r2 = r10\n r2 += -4\n call bpf_map_lookup_elem\n if r0 == 0 goto out # compared\n r1 = *(u64 *)(r0 + 0) # found\nout:\n r0 = 0\n exit\n',
  );
  expect(at('compared', 0)!.shapes.map(({ type, maybeNull, map, mapSize }) => [type, maybeNull, map, mapSize])).toEqual([
    ['map_value', true, 'counts', 8],
  ]);
  expect(at('found', 0)!.shapes.map(({ type, maybeNull }) => [type, maybeNull])).toEqual([['map_value', false]]);
});

it('bytes of the packet that are proven', () => {
  const at = statesOf(
    ' r2 = *(u32 *)(r1 + 4)\n r3 = *(u32 *)(r1 + 0)\n r4 = r3\n r4 += 14\n if r4 > r2 goto out\n r5 = r3 # proven\n r5 += 6\n r0 = r5 # later\nout:\n r0 = 2\n exit\n',
  );
  expect(at('proven', 3)!.shapes.map(({ type, proven }) => [type, proven])).toEqual([['pkt', 14]]);
  expect(at('later', 5)!.shapes.map(({ type, proven, umin }) => [type, proven, umin])).toEqual([['pkt', 8, 6n]]);
});

it('nothing is said of walks that are too long to be followed', () => {
  const object = loadAssembly(
    `${PROLOGUE} r6 = 0\nagain:\n r6 += 1\n r7 = r6\n r7 *= 3\n if r6 < 26000 goto again\n r0 = 2\n exit\n`,
    'long.bpf.s',
  );
  const { verdict, states } = verify(object.programs[0]!, object, { kernel: '6.18', keepStates: true });
  expect([verdict, states]).toEqual(['accepted', undefined]);
});
