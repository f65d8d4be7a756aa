// Regions, permissions, fault messages, and snapshots of the simulated address space.

import { describe, expect, it } from 'vitest';
import { createMemory, DIRECT_MAP } from './index.ts';
import type { MemoryFault } from './types.ts';

const message = (answer: unknown): string => (answer as MemoryFault).message;

describe('faults say what is wrong', () => {
  const memory = createMemory();
  const value = memory.allocate({ kind: 'map_value', name: 'counts', size: 16 });
  const constant = memory.allocate({ kind: 'map_value', name: '.rodata', size: 8, writable: false });
  const packet = memory.allocate({ kind: 'packet', name: 'packet', size: 60, headroom: 256, tailroom: 64 });
  const user = memory.allocate({
    kind: 'user',
    name: 'argv[0]',
    size: 5,
    base: 0x7fff_0000_1000n,
    initial: new TextEncoder().encode('/bin'),
  });

  it.each([
    ['over the end', () => memory.readInt(value.base + 12n, 8), 'read of 8 bytes at map_value counts+12: the value has 16 bytes, 4 remain'],
    [
      'past the end',
      () => memory.readInt(value.base + 16n, 1),
      'read of 1 byte at map_value counts+16: the value has 16 bytes, this is 0 bytes past its end',
    ],
    [
      'before the start',
      () => memory.writeInt(value.base - 4n, 4, 0n),
      'write of 4 bytes at map_value counts-4: the value has 16 bytes, this is 4 bytes before it',
    ],
    ['NULL', () => memory.readInt(0n, 8), 'read of 8 bytes at address 0x0: a NULL pointer'],
    ['a field of NULL', () => memory.readInt(24n, 8), 'read of 8 bytes at address 0x18: a NULL pointer plus 24'],
    ['a constant', () => memory.writeInt(constant.base, 4, 1n), 'write of 4 bytes at map_value .rodata+0: it is read-only'],
    ['a packet', () => memory.readInt(packet.base + 58n, 4), 'read of 4 bytes at packet+58: the packet has 60 bytes, 2 remain'],
    ['user memory', () => memory.read(user.base + 2n, 8), 'read of 8 bytes at user argv[0]+2: the user memory has 5 bytes, 3 remain'],
    ['nothing', () => memory.readInt(0x1234_5678_9abcn, 2), 'read of 2 bytes at address 0x123456789abc: nothing is there'],
    ['wrapping around', () => memory.readInt(0xffff_ffff_ffff_fffcn, 8), 'read of 8 bytes at address 0xfffffffffffffffc: nothing is there'],
  ])('%s', (_, access, text) => expect(message(access())).toBe(text));

  it('remembers what was freed', () => {
    const gone = memory.allocate({ kind: 'map_value', name: 'flows[3]', size: 32 });
    memory.free(gone);
    expect(message(memory.readInt(gone.base + 8n, 4))).toBe('read of 4 bytes at map_value flows[3]+8: it was freed');
    expect(memory.find(gone.base)).toBeUndefined();
    expect([...memory.regions]).not.toContain(gone);
  });
});

describe('regions', () => {
  it('hold bytes, keep to themselves and are found by any address in them', () => {
    const memory = createMemory();
    const regions = Array.from({ length: 500 }, (_, i) =>
      memory.allocate({ kind: 'mem', name: `m${i}`, size: i % 40, initial: new Uint8Array(i % 40).fill(i) }),
    );
    for (const [i, region] of regions.entries()) {
      expect(memory.view(region)).toEqual(new Uint8Array(i % 40).fill(i));
      if (region.size > 0) expect(memory.find(region.base + BigInt(region.size - 1))).toBe(region);
      expect(memory.find(region.base + BigInt(region.size))).not.toBe(region);
    }
  });

  it('grow the buffer without losing content, and keep their addresses', () => {
    const memory = createMemory();
    const first = memory.allocate({ kind: 'mem', name: 'first', size: 8, initial: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
    const readOnly = memory.allocate({ kind: 'mem', name: 'constant', size: 8, writable: false });
    const large = memory.allocate({ kind: 'map_value', name: 'large', size: 5_000_000 });
    expect(memory.readInt(first.base, 8)).toBe(0x0807060504030201n);
    expect(memory.writeInt(large.base + 4_999_992n, 8, 7n)).toBeUndefined();
    expect(memory.readInt(large.base + 4_999_992n, 8)).toBe(7n);
    expect(memory.writeInt(readOnly.base, 1, 1n)).toMatchObject({ kind: 'write' });
    expect(first.base).toBe(DIRECT_MAP + 4096n);
  });

  it('change permissions at any time', () => {
    const memory = createMemory();
    const region = memory.allocate({ kind: 'map_value', name: 'config', size: 8 });
    region.writable = false;
    expect(memory.writeInt(region.base, 8, 1n)).toMatchObject({ kind: 'write' });
    region.writable = true;
    expect(memory.writeInt(region.base, 8, 1n)).toBeUndefined();
    region.readable = false;
    expect(memory.readInt(region.base, 8)).toMatchObject({
      kind: 'read',
      message: 'read of 8 bytes at map_value config+0: it is not readable',
    });
  });

  it('of packets move their ends within their room, below 4 GiB', () => {
    const memory = createMemory();
    const packet = memory.allocate({
      kind: 'packet',
      name: 'packet',
      size: 4,
      headroom: 16,
      tailroom: 8,
      initial: Uint8Array.of(1, 2, 3, 4),
    });
    const before = packet.base;
    expect(before).toBeLessThan(1n << 32n);
    expect(memory.adjust(packet, -14, 2)).toBe(true);
    expect([packet.base, packet.size]).toEqual([before - 14n, 20]);
    expect([...memory.view(packet).subarray(14, 18)]).toEqual([1, 2, 3, 4]);
    expect(memory.adjust(packet, -3, 0)).toBe(false);
    expect(memory.adjust(packet, 0, 7)).toBe(false);
    expect(memory.adjust(packet, 15, 0)).toBe(true);
    expect(memory.readInt(before, 1)).toMatchObject({ kind: 'read' });
  });

  it('of packets use their window again and again', () => {
    const memory = createMemory();
    for (let i = 0; i < 5000; i++) {
      const packet = memory.allocate({ kind: 'packet', name: 'packet', size: 1500, headroom: 256, tailroom: 320 });
      expect(memory.view(packet)[0]).toBe(0);
      memory.view(packet).fill(1);
      memory.free(packet);
    }
  });
});

describe('snapshots', () => {
  it('bring back bytes, bounds, names, permissions, and regions that are gone', () => {
    const memory = createMemory();
    const a = memory.allocate({ kind: 'mem', name: 'a', size: 8 });
    const packet = memory.allocate({ kind: 'packet', name: 'packet', size: 10, headroom: 10 });
    memory.writeInt(a.base, 8, 11n);
    const snapshot = memory.snapshot();
    memory.writeInt(a.base, 8, 22n);
    a.writable = false;
    a.name = 'b';
    memory.adjust(packet, -5, 0);
    const later = memory.allocate({ kind: 'mem', name: 'later', size: 8 });
    memory.free(a);
    memory.restore(snapshot);
    expect(memory.readInt(a.base, 8)).toBe(11n);
    expect([a.name, a.writable, packet.size]).toEqual(['a', true, 10]);
    expect(memory.find(later.base)).toBeUndefined();
    expect([...memory.regions]).toEqual([a, packet]);
    expect(memory.allocate({ kind: 'mem', name: 'later', size: 8 })).toMatchObject({ base: later.base, id: later.id });
  });

  it('can be restored in any order', () => {
    const memory = createMemory();
    const region = memory.allocate({ kind: 'map_value', name: 'v', size: 20_000 });
    const snapshots = Array.from({ length: 20 }, (_, i) => {
      memory.writeInt(region.base + BigInt(i * 997), 8, BigInt(i + 1));
      memory.view(region)[i] = i + 1;
      return memory.snapshot();
    });
    const expected = (last: number): Uint8Array => {
      const bytes = new Uint8Array(20_000);
      for (let i = 0; i <= last; i++) {
        new DataView(bytes.buffer).setBigUint64(i * 997, BigInt(i + 1), true);
        bytes[i] = i + 1;
      }
      return bytes;
    };
    for (const i of [19, 0, 7, 7, 12, 3, 19, 18]) {
      memory.restore(snapshots[i]!);
      expect(memory.read(region.base, 20_000)).toEqual(expected(i));
      memory.writeInt(region.base + 10_000n, 8, -1n);
    }
  });
});
