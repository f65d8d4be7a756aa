// Block devices as programs read them: struct gendisk, the whole disk's block_device, and a request of eight sectors to it.

import type { KernelObjects } from './kernel-objects.ts';
import type { KernelObject } from './kernel-structs.ts';

/** virtio's first disk: major 254. */
const MAJOR = 254;
const SECTORS = 41_943_040n;

export function fillDisk(objects: KernelObjects, object: KernelObject, name: string): void {
  const { structs } = objects;
  object.setAll({ disk_name: name, major: MAJOR, first_minor: 0, minors: 16 });
  const part = structs.object(`block_device:${name}`, 'block_device', (device) => {
    device.setAll({ bd_dev: MAJOR << 20, bd_disk: object.address, bd_nr_sectors: SECTORS, bd_partno: 0 });
  });
  const queue = structs.object(`request_queue:${name}`, 'request_queue', (q) => q.set('disk', object.address));
  structs.refill(`block_device:${name}`, 'block_device', (device) => device.set('bd_queue', queue));
  object.set('part0', part).set('queue', queue);
}

/** A read of 4096 bytes at sector 2048, issued 100 microseconds ago. */
export function fillRequest(objects: KernelObjects, object: KernelObject, name: string, now: bigint): void {
  const { structs } = objects;
  const disk = objects.disk(name);
  object.setAll({ __sector: 2048, __data_len: 4096, cmd_flags: 0, rq_disk: disk, start_time_ns: now - 100_000n });
  object.setAll({ io_start_time_ns: now - 90_000n, q: structs.known(`request_queue:${name}`) ?? 0n });
  object.set('part', structs.known(`block_device:${name}`) ?? 0n).set('nr_phys_segments', 1);
}
