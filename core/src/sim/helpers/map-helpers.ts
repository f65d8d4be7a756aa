// Helpers on maps: look up, update, delete, walk, queues and storage of kernel objects.

import { errno } from '../errno.ts';
import { functionSlot } from '#core/vm';
import { littleEndian } from '../integers.ts';
import { LocalStorageMap, type KernelMap } from '../maps/index.ts';
import type { HostOutcome } from '#core/vm';
import type { Call, HelperResult, HelperTable } from './helper.ts';

const key = (call: Call, map: KernelMap): Uint8Array => call.read(call.arg(2), map.definition.keySize, 'key');
const value = (call: Call, map: KernelMap, argument: 2 | 3): Uint8Array => call.read(call.arg(argument), map.definition.valueSize, 'value');

/** pop and peek: the value into *r2, zeros there on failure as the kernel leaves it. */
function take(call: Call, result: Uint8Array | number, map: KernelMap): number {
  if (typeof result === 'number') {
    call.write(call.arg(2), new Uint8Array(map.definition.valueSize), 'value');
    return result;
  }
  call.write(call.arg(2), result, 'value');
  return 0;
}

function storageGet(call: Call): bigint {
  const map = call.mapOf(1, LocalStorageMap, 'a storage map');
  const owner = call.kernel.ownerOf(call.arg(2));
  if (!owner) return 0n;
  const initial = call.arg(3) === 0n ? undefined : value(call, map, 3);
  return map.get(owner, initial, call.arg(4));
}

function storageDelete(call: Call): number {
  const map = call.mapOf(1, LocalStorageMap, 'a storage map');
  const owner = call.kernel.ownerOf(call.arg(2));
  return owner ? map.remove(owner) : errno('EINVAL');
}

/** Calls `callback(map, &key, value, ctx)` for each element until one returns 1. */
function forEach(call: Call): HelperResult {
  const map = call.map(1);
  const slot = functionSlot(call.arg(2));
  if (slot === undefined) return call.fault(`argument 2 (0x${call.arg(2).toString(16)}) is not a function of this program`);
  if (call.arg(4) !== 0n) return errno('EINVAL');
  const elements = map.walk();
  if (!elements) return call.fault(`${map.definition.type} maps have no walk`);
  const context = call.arg(3);
  const memory = call.kernel.memory;
  const next = (index: number): HostOutcome => {
    const element = elements.at(index);
    if (!element) return call.finish(index);
    const region = memory.allocate({
      kind: 'mem',
      name: `key of ${map.definition.name}`,
      size: element.key.length,
      writable: false,
      initial: element.key,
    });
    return {
      kind: 'callback',
      entry: slot,
      args: [map.handle.base, region.base, element.address, context],
      resume: (result) => {
        memory.free(region);
        return BigInt.asUintN(64, result) === 0n ? next(index + 1) : call.finish(index + 1);
      },
    };
  };
  return { host: next(0) };
}

export const MAP_HELPERS: HelperTable = {
  bpf_map_lookup_elem: (call) => {
    const map = call.map(1);
    return map.lookupAddress(key(call, map));
  },
  bpf_map_lookup_percpu_elem: (call) => {
    const map = call.map(1);
    const cpu = call.u32(3);
    return cpu >= call.kernel.cpus ? 0n : map.lookupAddressOn(key(call, map), cpu);
  },
  bpf_map_update_elem: (call) => {
    const map = call.map(1);
    return map.updateElement(key(call, map), value(call, map, 3), call.arg(4));
  },
  bpf_map_delete_elem: (call) => {
    const map = call.map(1);
    return map.deleteElement(key(call, map));
  },
  bpf_map_push_elem: (call) => {
    const map = call.map(1);
    return map.push(value(call, map, 2), call.arg(3));
  },
  bpf_map_pop_elem: (call) => {
    const map = call.map(1);
    return take(call, map.pop(), map);
  },
  bpf_map_peek_elem: (call) => {
    const map = call.map(1);
    if (map.definition.type === 'bloom_filter') {
      const result = map.peek(value(call, map, 2));
      return typeof result === 'number' ? result : 0;
    }
    return take(call, map.peek(new Uint8Array(0)), map);
  },
  bpf_for_each_map_elem: forEach,
  bpf_task_storage_get: storageGet,
  bpf_task_storage_delete: storageDelete,
  bpf_cgrp_storage_get: storageGet,
  bpf_cgrp_storage_delete: storageDelete,
  bpf_sk_storage_get: storageGet,
  bpf_sk_storage_delete: storageDelete,
  bpf_inode_storage_get: storageGet,
  bpf_inode_storage_delete: storageDelete,
  // Locks hold nobody up here: one program runs at a time. What is checked is what the verifier promises.
  bpf_spin_lock: (call) => {
    const address = call.arg(1);
    if (call.run.locks.length > 0) return call.fault('a lock is held already: one at a time');
    call.write(address, littleEndian(1, 4), 'lock');
    call.run.locks = [address];
    return 0;
  },
  bpf_spin_unlock: (call) => {
    const address = call.arg(1);
    if (!call.run.locks.includes(address)) return call.fault('this lock is not held');
    call.write(address, littleEndian(0, 4), 'lock');
    call.run.locks = call.run.locks.filter((held) => held !== address);
    return 0;
  },
};
