// BPF_MAP_TYPE_RINGBUF: records of any size in the order of their reservation, read once everything before them is finished.
// Positions count bytes since the start, with an 8-byte header a record, as in kernel/bpf/ringbuf.c.
// Simulated user space reads when a program has ended: within one run a program can fill the buffer.

import type { Region } from '#core/vm';
import { errno } from '../errno.ts';
import type { MapEntry } from '../types.ts';
import { KernelMap } from './kernel-map.ts';

const HEADER = 8;
/** RINGBUF_MAX_RECORD_SZ. */
const MAXIMUM_RECORD = Math.floor(0xffff_ffff / 4);

interface RingRecord {
  readonly region: Region;
  /** Bytes that were asked for. */
  readonly size: number;
  readonly length: number;
  state: 'reserved' | 'submitted' | 'discarded';
}

export class RingBufferMap extends KernelMap {
  private consumer = 0;
  private producer = 0;
  /** Reserved and not yet readable, oldest first. */
  private pending: readonly Readonly<RingRecord>[] = [];

  get capacity(): number {
    return this.definition.maxEntries;
  }

  /** Records that a program holds and has neither submitted nor discarded. */
  get reserved(): readonly Region[] {
    return this.pending.filter(({ state }) => state === 'reserved').map(({ region }) => region);
  }

  /** bpf_ringbuf_reserve: the record's memory, or undefined where the buffer has no room or the flags are wrong. Zeros, as the kernel's pages before the buffer goes round. */
  reserve(size: number, flags: bigint): Region | undefined {
    if (flags !== 0n || size > MAXIMUM_RECORD) return undefined;
    const length = Math.ceil((size + HEADER) / 8) * 8;
    if (length > this.capacity || this.producer + length - this.consumer > this.capacity - 1) return undefined;
    // A record of no bytes still has an address, by which it is submitted.
    const region = this.host.memory.allocate({
      kind: 'mem',
      name: `${this.definition.name} record`,
      size: Math.max(size, 1),
      owner: this,
    });
    this.producer += length;
    this.pending = [...this.pending, { region, size, length, state: 'reserved' }];
    this.version++;
    return region;
  }

  /** Submits or discards. Returns the records that user space can now read, oldest first; undefined if the address is no open record. */
  finish(address: bigint, state: 'submitted' | 'discarded'): readonly Uint8Array[] | undefined {
    const index = this.pending.findIndex((record) => record.state === 'reserved' && record.region.base === address);
    if (index < 0) return undefined;
    this.pending = this.pending.map((record, i) => (i === index ? { ...record, state } : record));
    const readable: Uint8Array[] = [];
    while (this.pending.length > 0 && this.pending[0]!.state !== 'reserved') {
      const [first, ...rest] = this.pending as [RingRecord, ...RingRecord[]];
      if (first.state === 'submitted') readable.push(this.host.memory.view(first.region).slice(0, first.size));
      this.host.freeLater(first.region);
      this.pending = rest;
    }
    this.version++;
    return readable;
  }

  /** User space reads all it can. */
  consume(): void {
    const unread = this.pending.reduce((sum, { length }) => sum + length, 0);
    if (this.consumer === this.producer - unread) return;
    this.consumer = this.producer - unread;
    this.version++;
  }

  /** bpf_ringbuf_query: AVAIL_DATA, RING_SIZE, CONS_POS, PROD_POS. */
  query(what: bigint): bigint {
    switch (what) {
      case 0n:
        return BigInt(this.producer - this.consumer);
      case 1n:
        return BigInt(this.capacity);
      case 2n:
        return BigInt(this.consumer);
      case 3n:
        return BigInt(this.producer);
      default:
        return 0n;
    }
  }

  lookupAddress(): bigint {
    return 0n;
  }
  updateElement(): number {
    return errno('EOPNOTSUPP');
  }
  deleteElement(): number {
    return errno('EOPNOTSUPP');
  }
  lookup(): undefined {
    return undefined;
  }
  entries(): readonly MapEntry[] {
    return [];
  }

  protected saveState(): unknown {
    return { consumer: this.consumer, producer: this.producer, pending: this.pending };
  }
  protected loadState(state: unknown): void {
    const saved = state as { consumer: number; producer: number; pending: readonly Readonly<RingRecord>[] };
    this.consumer = saved.consumer;
    this.producer = saved.producer;
    this.pending = saved.pending;
  }
}
