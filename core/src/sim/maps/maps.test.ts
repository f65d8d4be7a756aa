// Map types by themselves: what a program's helpers and user space's syscalls answer. The kernel's answers to the same questions
// are compared in test/sim; what it cannot be asked there (eviction, per-CPU writes of user space, maps of maps) is here.

import { describe, expect, test } from 'vitest';
import type { MapDefinition } from '#core/program';
import { createMemory, type Region } from '#core/vm';
import { errno } from '../errno.ts';
import { littleEndian } from '../integers.ts';
import type { MapOfMaps, ProgArrayMap, RedirectMap, RingBufferMap, StackTraceMap, LocalStorageMap } from './index.ts';
import { makeMap, SIMULATED_MAP_TYPES, type KernelMap, type MapHost } from './index.ts';
import { MAP_TYPES } from '#core/catalog';

const TYPE_IDS: Readonly<Record<string, number>> = Object.fromEntries(MAP_TYPES.map(({ name, id }) => [name, id]));

class TestHost implements MapHost {
  readonly memory = createMemory();
  readonly cpus = 2;
  cpu = 0;
  maps: KernelMap[] = [];
  retired: Region[] = [];
  currentCpu = (): number => this.cpu;
  random = (): number => 4;
  now = (): bigint => 0n;
  freeLater = (region: Region): void => void this.retired.push(region);
  describeKey = (_definition: MapDefinition, key: Uint8Array): string => String(key[0]);
  hasSpinLock = (): boolean => false;
  mapById = (id: number): KernelMap | undefined => this.maps.find((map) => map.id === id);
  mapByAddress = (): undefined => undefined;
  ownerOf = (): undefined => undefined;
  make(type: string, definition: Partial<MapDefinition> = {}): KernelMap {
    const map = makeMap(
      this.maps.length + 1,
      { name: 'm', type, typeId: TYPE_IDS[type]!, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0, ...definition },
      this,
    )!;
    this.maps.push(map);
    return map;
  }
}

const key = (value: number): Uint8Array => littleEndian(value, 4);
const value = (number: number): Uint8Array => littleEndian(number, 8);
const read = (host: TestHost, address: bigint): bigint => host.memory.readInt(address, 8) as bigint;
const keys = (map: KernelMap): number[] => map.entries().map((entry) => entry.key[0]!);

test("every simulated type is one of the kernel's", () => {
  expect(SIMULATED_MAP_TYPES.filter((type) => !(type in TYPE_IDS))).toEqual([]);
});

describe('array', () => {
  test('values appear when looked at, stores through memory are seen, names are telling', () => {
    const host = new TestHost();
    const map = host.make('array', { maxEntries: 1_000_000 });
    const before = [...host.memory.regions].length;
    const address = map.lookupAddress(key(999_999));
    expect([...host.memory.regions].length).toBe(before + 1);
    host.memory.writeInt(address, 8, 7n);
    expect(map.lookup(key(999_999))).toEqual([value(7)]);
    expect(map.nameOf(host.memory.find(address)!)).toBe('m[63]');
    expect(map.lookupAddress(key(1_000_000))).toBe(0n);
  });

  test.each(['array', 'percpu_array'])('%s of 2^31 entries: sizes, pages and walks make only what is asked for', (type) => {
    const host = new TestHost();
    const map = host.make(type, { maxEntries: 2 ** 31 });
    const before = [...host.memory.regions].length;
    expect(map.size).toBe(2 ** 31);
    expect(map.page(2 ** 31 - 2, 50).map((entry) => entry.key)).toEqual([key(2 ** 31 - 2), key(2 ** 31 - 1)]);
    expect(map.madeEntries()).toEqual([]);
    expect([...host.memory.regions].length).toBe(before);
    expect(map.walk()!.at(3)!.address).toBe(map.lookupAddress(key(3)));
    map.updateElement(key(1), value(5), 0n);
    expect(map.madeEntries().map((entry) => entry.key)).toEqual([key(1), key(3)]);
    expect(map.walk()!.at(2 ** 31)).toBeUndefined();
  });

  test('per CPU: programs see their own, user space all', () => {
    const host = new TestHost();
    const map = host.make('percpu_array');
    map.updateElement(key(1), value(5), 0n);
    host.cpu = 1;
    expect(read(host, map.lookupAddress(key(1)))).toBe(0n);
    map.updateElement(key(1), value(6), 0n);
    expect(map.lookup(key(1))).toEqual([value(5), value(6)]);
    expect(read(host, map.lookupAddressOn(key(1), 0))).toBe(5n);
    map.update(key(1), Uint8Array.of(...value(1), ...value(2)));
    expect(map.lookup(key(1))).toEqual([value(1), value(2)]);
    map.update(key(1), value(9));
    expect(map.lookup(key(1))).toEqual([value(9), value(9)]);
  });
});

test('a ring buffer record larger than the ring is refused', () => {
  const ring = new TestHost().make('ringbuf', { keySize: 0, valueSize: 0, maxEntries: 4096 }) as RingBufferMap;
  expect(ring.reserve(0x3fff_fff0, 0n)).toBeUndefined();
  expect(ring.reserve(16, 0n)!.size).toBe(16);
});

describe('hash', () => {
  test('an update keeps the old value alive until the run is over', () => {
    const host = new TestHost();
    const map = host.make('hash');
    map.updateElement(key(1), value(1), 0n);
    const old = map.lookupAddress(key(1));
    map.updateElement(key(1), value(2), 0n);
    expect(read(host, old)).toBe(1n);
    expect(read(host, map.lookupAddress(key(1)))).toBe(2n);
    expect(host.retired.map(({ base }) => base)).toEqual([old]);
  });

  test('per CPU values are updated in place, other CPUs keep theirs', () => {
    const host = new TestHost();
    const map = host.make('percpu_hash');
    map.updateElement(key(1), value(1), 0n);
    host.cpu = 1;
    map.updateElement(key(1), value(2), 0n);
    expect(map.lookup(key(1))).toEqual([value(1), value(2)]);
    expect(host.retired).toEqual([]);
  });

  test('least recently used goes first', () => {
    const host = new TestHost();
    const map = host.make('lru_hash', { maxEntries: 3 });
    for (const i of [1, 2, 3]) map.updateElement(key(i), value(i), 0n);
    map.lookupAddress(key(1));
    expect(map.updateElement(key(4), value(4), 0n)).toBe(0);
    expect(keys(map)).toEqual([3, 1, 4]);
  });

  test('saved and brought back', () => {
    const host = new TestHost();
    const map = host.make('hash');
    map.updateElement(key(1), value(1), 0n);
    const [saved, memory] = [map.save(), host.memory.snapshot()];
    expect(map.save(), 'nothing changed: the same copy').toBe(saved);
    map.updateElement(key(2), value(2), 0n);
    map.deleteElement(key(1));
    host.memory.restore(memory);
    map.load(saved);
    expect(map.entries()).toEqual([{ key: key(1), values: [value(1)] }]);
    map.updateElement(key(3), value(3), 0n);
    map.load(saved);
    expect(keys(map)).toEqual([1]);
  });
});

describe('maps that hold other things', () => {
  test('prog array', () => {
    const map = new TestHost().make('prog_array', { valueSize: 4 }) as ProgArrayMap;
    expect(map.update(key(1), littleEndian(77, 4))).toBe(0);
    expect(map.slot(1)).toBe(77);
    expect(map.update(key(4), littleEndian(77, 4))).toBe(errno('E2BIG'));
    expect(map.updateElement()).toBe(errno('EINVAL'));
    expect([map.delete(key(1)), map.delete(key(1))]).toEqual([0, errno('ENOENT')]);
  });

  test('maps of maps take maps of the inner shape only', () => {
    const host = new TestHost();
    const inner = host.make('hash');
    const other = host.make('hash', { valueSize: 4 });
    for (const type of ['array_of_maps', 'hash_of_maps']) {
      const outer = host.make(type, { valueSize: 4, inner: inner.definition, maxEntries: 1 }) as MapOfMaps;
      expect(outer.setMap(key(0), other)).toBe(errno('EINVAL'));
      expect(outer.setMap(key(0), inner)).toBe(0);
      expect(outer.lookupAddress(key(0))).toBe(inner.handle.base);
      expect(outer.setMap(key(1), inner)).toBe(errno('E2BIG'));
      expect(outer.lookup(key(0))).toEqual([littleEndian(inner.id, 4)]);
      expect(outer.update(key(0), littleEndian(999, 4))).toBe(errno('EBADF'));
    }
  });

  test('a devmap shows its slot to programs', () => {
    const host = new TestHost();
    const map = host.make('devmap_hash', { valueSize: 8, maxEntries: 1 }) as RedirectMap;
    expect(map.update(key(500), littleEndian(2, 4))).toBe(0);
    expect(map.update(key(501), littleEndian(2, 4))).toBe(errno('E2BIG'));
    expect(read(host, map.lookupAddress(key(500)))).toBe(2n);
    expect(map.lookupAddress(key(501))).toBe(0n);
  });

  test('bloom filter: what was pushed is there', () => {
    const map = new TestHost().make('bloom_filter', { keySize: 0, maxEntries: 100 });
    for (let i = 0; i < 100; i++) expect(map.push(value(i), 0n)).toBe(0);
    for (let i = 0; i < 100; i++) expect(map.peek(value(i))).toEqual(value(i));
    const wrong = Array.from({ length: 1000 }, (_, i) => map.peek(value(1000 + i))).filter((answer) => typeof answer !== 'number').length;
    expect(wrong).toBeLessThan(100);
    expect(map.push(value(1), 1n)).toBe(errno('EINVAL'));
  });

  test('storage belongs to its owner', () => {
    const host = new TestHost();
    const map = host.make('task_storage') as LocalStorageMap;
    const cat = { identity: 'task 1', label: 'cat-1' };
    expect(map.get(cat, undefined, 0n)).toBe(0n);
    const address = map.get(cat, value(3), 1n);
    expect(read(host, address)).toBe(3n);
    expect(map.get(cat, value(4), 1n)).toBe(address);
    expect(map.get({ identity: 'task 2', label: 'dog-2' }, undefined, 1n)).not.toBe(address);
    expect([map.remove(cat), map.remove(cat)]).toEqual([0, errno('ENOENT')]);
  });

  test('stack traces have ids', () => {
    const map = new TestHost().make('stack_trace', { valueSize: 16, maxEntries: 1 }) as StackTraceMap;
    const id = map.store([1n, 2n, 3n], 0n);
    expect(id).toBe(0);
    expect(map.lookup(key(0))).toEqual([Uint8Array.of(...value(1), ...value(2))]);
    expect(map.store([1n, 2n], 0n)).toBe(0);
    expect(map.store([9n], 0n)).toBe(errno('EEXIST'));
    expect(map.store([9n], 1n << 10n)).toBe(0);
    expect(map.store([], 0n)).toBe(errno('EFAULT'));
  });
});

describe('ring buffer', () => {
  test('records are read in the order of their reservation', () => {
    const host = new TestHost();
    const map = host.make('ringbuf', { keySize: 0, valueSize: 0, maxEntries: 64 }) as RingBufferMap;
    const [first, second] = [map.reserve(8, 0n)!, map.reserve(8, 0n)!];
    host.memory.view(second).set(value(2));
    expect(map.finish(second.base, 'submitted')).toEqual([]);
    expect(map.reserved).toEqual([first]);
    expect(map.finish(first.base, 'discarded')).toEqual([value(2)]);
    expect(map.finish(first.base, 'discarded')).toBeUndefined();
  });

  test('a full buffer has room again when user space has read', () => {
    const map = new TestHost().make('ringbuf', { keySize: 0, valueSize: 0, maxEntries: 64 }) as RingBufferMap;
    const record = map.reserve(40, 0n)!;
    expect(map.reserve(8, 0n)).toBeUndefined();
    map.finish(record.base, 'submitted');
    expect(map.reserve(8, 0n)).toBeUndefined();
    map.consume();
    expect(map.reserve(8, 0n)).toBeDefined();
    expect(map.query(0n)).toBe(16n);
  });
});
