// Damaged objects, the short run: an assembled object and its BTF, which need no compiler. The long one is hostile.oracle.test.ts.

import { describe, expect, it } from 'vitest';
import { mapType } from '#core/catalog';
import { readElf } from '#core/elf';
import { assemble, writeObject } from '#core/isa';
import { loadObject } from '#core/program';
import { CRAFTED } from './crafted.ts';
import { damage, exercise, exerciseBtfBytes, type Target } from './hostile.ts';
import { MEMORY_BOUND, runHostile } from './run-hostile.ts';

const TEXT = `
	.map counts, type=hash, key=4, value=8, max_entries=16
	.map ring, type=ringbuf, max_entries=4096
	.section "xdp"
	.globl main
main:
	r1 = counts ll
	r2 = r10
	r2 += -4
	*(u32 *)(r10 - 4) = 0
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	call helper
out:
	r0 = 2
	exit
	.text
	.globl helper
helper:
	r0 = 1
	exit
	.section ".data","aw"
	.globl number
number:
	.long 42
	.license "GPL"
`;

const { bytes } = writeObject(assemble(TEXT, { helperId: () => 1 }), { mapTypeId: (name) => mapType(name)?.id });
const { elf } = readElf(bytes);
const target: Target = {
  name: 'assembled',
  bytes,
  regions: elf!.sections.filter(({ size }) => size > 0).map(({ offset, size }) => ({ start: offset, end: offset + size })),
};

describe('hostile input', () => {
  it('starts from an object that loads', () => {
    const object = loadObject(bytes, 'x.o');
    expect(object.problems).toEqual([]);
    expect(object.programs[0]!.subprograms.map(({ name }) => name)).toEqual(['main', 'helper']);
    expect(object.maps.map(({ name }) => name)).toEqual(['counts', 'ring', 'x.data']);
  });

  it('500 damaged objects: a result or problems, in time', () => {
    for (let seed = 0; seed < 500; seed++) expect(exercise(damage(target, seed), undefined), `case ${seed}`).toBeLessThan(1000);
  });

  it('every way to cut the object off', () => {
    for (let length = 0; length < bytes.length; length += 7) {
      const { problems } = loadObject(bytes.slice(0, length), 'x.o');
      expect(problems.length, `${length} bytes`).toBeGreaterThan(0);
    }
  });

  it('300 damaged BTF sections', () => {
    const section = elf!.section('.BTF')!;
    for (let seed = 0; seed < 300; seed++)
      exerciseBtfBytes(damage({ name: 'btf', bytes: section.bytes, regions: [{ start: 0, end: 24 }] }, seed));
  });

  it('objects made to cost dearly: in time and memory', () => {
    const { failed, slowest, largest } = runHostile('crafted');
    expect(failed).toBeUndefined();
    expect(slowest.value, slowest.what).toBeLessThan(1000);
    expect(largest.value, largest.what).toBeLessThan(MEMORY_BOUND);
  });

  it.each(CRAFTED.filter(({ says }) => says !== ''))('says of $what why part of it is left out', ({ bytes, says }) => {
    expect(
      loadObject(bytes(), 'x.o')
        .problems.map(({ message }) => message)
        .join('\n'),
    ).toContain(says);
  });
});
