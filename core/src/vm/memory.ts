// The simulated address space: regions with exact bounds in one linear WebAssembly-compatible buffer that both engines share.
// Beside the bytes lie two planes, one byte for each byte of memory: the read plane and the write plane. Zero there means that the
// access is allowed, so an engine's check is one load and one test; everything else (why not, whose, a page shared with a snapshot)
// is decided here, off the hot path. Regions are RED_ZONE bytes apart: an access of up to 8 bytes whose first and last byte are
// allowed lies in one region. Snapshots share unchanged pages: after one, the write plane of every page says CLEAN, and the first
// store to a page comes here to mark it. Knows no map, no packet and no helper.

import { DIRECT_MAP, DIRECT_MAP_HIGH, PACKET_WINDOW, PACKET_WINDOW_SIZE, STACK_SIZE, STACK_STRIDE } from './address-space.ts';
import { describeFault, type FreedRegion } from './fault.ts';
import type { Memory, MemoryFault, MemorySnapshot, Region, RegionKind, RegionRequest } from './types.ts';

const PAGE_SHIFT = 12;
const PAGE = 1 << PAGE_SHIFT;
const WASM_PAGE = 65536;
/** A plane's value for "no". */
const DENIED = 0xff;
/** The write plane's value for "allowed, but this page is shared with a snapshot: ask first". */
const CLEAN = 0x40;
/** Free bytes between regions: points this far apart that are all allowed lie in one region, which compiled checks rely on. */
export const RED_ZONE = 64;
/** Free bytes at the end of the buffer, so that a compiled check of one point near the end may look this far ahead. */
const END_ZONE = 8192;
const INITIAL_CAPACITY = 1 << 20;
const MAX_CAPACITY = 1 << 30;
/** Freed storage of one size is used again only when this many pieces of it are free: a stale pointer meets its own freed region. */
const QUARANTINE = 32;
const REMEMBERED_FREED = 4096;
/** Bytes of the block before the stack frames that engines keep an execution's registers in. */
const CPU_BLOCK = 1024;

class RegionRecord implements Region {
  live = true;
  /** Pages stay unprotected by snapshots and are always copied: stacks and other memory that engines write without asking. */
  volatile = false;
  base: bigint;

  constructor(
    readonly memory: LinearMemory,
    readonly id: number,
    readonly kind: RegionKind,
    public name: string,
    /** Offset of the first byte in the linear buffer. */
    public offset: number,
    public size: number,
    /** Offset and size of the whole storage, head and tail room included. */
    readonly storage: number,
    readonly storageSize: number,
    readonly fixedBase: bigint | undefined,
    private mayRead: boolean,
    private mayWrite: boolean,
    public owner: unknown,
  ) {
    this.base = fixedBase ?? addressOf(kind, offset);
  }

  get readable(): boolean {
    return this.mayRead;
  }
  set readable(value: boolean) {
    this.mayRead = value;
    if (this.live) this.memory.applyPermissions(this);
  }
  get writable(): boolean {
    return this.mayWrite;
  }
  set writable(value: boolean) {
    this.mayWrite = value;
    if (this.live) this.memory.applyPermissions(this);
  }
}

const addressOf = (kind: RegionKind, offset: number): bigint => (kind === 'packet' ? BigInt(offset) : DIRECT_MAP + BigInt(offset));

interface RegionState {
  region: RegionRecord;
  name: string;
  offset: number;
  size: number;
  readable: boolean;
  writable: boolean;
}

interface Snapshot extends MemorySnapshot {
  memory: LinearMemory;
  pages: readonly (Uint8Array | undefined)[];
  /** Shared between snapshots while no region was made, freed or changed. */
  table: RegionTable;
}

interface RegionTable {
  regions: readonly RegionState[];
  top: number;
  packetTop: number;
  nextId: number;
  free: ReadonlyMap<number, readonly number[]>;
}

/** Stack frames of one execution in the linear buffer. */
export interface StackArea {
  /** Offset of the block that engines keep registers in while compiled code runs. */
  readonly block: number;
  /** Offset of frame 0's lowest byte. */
  readonly stack: number;
  readonly frames: number;
  readonly regions: readonly Region[];
}

export class LinearMemory implements Memory {
  readonly wasm: WebAssembly.Memory;
  /** Bytes of data memory, a power of two. The read plane starts here, the write plane at twice this. */
  capacity = INITIAL_CAPACITY;
  /** Changes when the buffer moved or grew: engines renew their views and compiled code. */
  generation = 0;
  bytes!: Uint8Array;
  data!: DataView;
  /** Told when the buffer has moved: views over the old one are empty from then on. */
  grown: (() => void) | undefined;

  private top = PAGE;
  private packetTop = PACKET_WINDOW;
  private nextId = 1;
  private readonly live = new Map<number, RegionRecord>();
  /** Regions that begin, lie in or end in each page, live ones only. */
  private pageRegions: (RegionRecord[] | undefined)[] = [];
  private fixed: RegionRecord[] = [];
  private free_ = new Map<number, number[]>();
  /** What was freed and whose storage nobody has taken since, by the storage's offset: that answers "whose was it?". Oldest first. */
  private freed = new Map<number, FreedRegion>();
  /** One byte a page: changed since pageCopies was taken. */
  private dirty = new Uint8Array(INITIAL_CAPACITY >> PAGE_SHIFT);
  private pageCopies: (Uint8Array | undefined)[] = [];
  private table: RegionTable | undefined;

  constructor() {
    this.wasm = new WebAssembly.Memory({ initial: (3 * INITIAL_CAPACITY) / WASM_PAGE, maximum: WASM_PAGE });
    this.renewViews();
    this.bytes.fill(DENIED, this.capacity);
  }

  private renewViews(): void {
    this.bytes = new Uint8Array(this.wasm.buffer);
    this.data = new DataView(this.wasm.buffer);
    this.generation++;
  }

  get regions(): Iterable<Region> {
    return this.live.values();
  }

  // ---- regions ----

  allocate(request: RegionRequest): Region {
    return this.add(request, false);
  }

  /** As allocate, for memory that engines write without asking the write plane: snapshots always copy it. */
  allocateVolatile(request: RegionRequest): Region {
    return this.add(request, true);
  }

  private add(request: RegionRequest, volatile: boolean): RegionRecord {
    const { size, headroom = 0, tailroom = 0 } = request;
    if (!(size >= 0 && headroom >= 0 && tailroom >= 0) || !Number.isInteger(size + headroom + tailroom))
      throw new RangeError(`a region of ${size} bytes cannot be made`);
    const storageSize = headroom + size + tailroom;
    const storage =
      request.kind === 'packet' && request.base === undefined ? this.takePacketStorage(storageSize) : this.takeStorage(storageSize);
    const { initial } = request;
    if (initial) this.bytes.set(initial.length > size ? initial.subarray(0, size) : initial, storage + headroom);
    const region = new RegionRecord(
      this,
      this.nextId++,
      request.kind,
      request.name,
      storage + headroom,
      size,
      storage,
      storageSize,
      request.base === undefined ? undefined : BigInt.asUintN(64, request.base),
      request.readable ?? true,
      request.writable ?? true,
      request.owner,
    );
    region.volatile = volatile;
    this.attach(region);
    return region;
  }

  private attach(region: RegionRecord): void {
    region.live = true;
    this.table = undefined;
    this.live.set(region.id, region);
    if (region.fixedBase !== undefined) {
      this.fixed.push(region);
      this.fixed.sort((a, b) => (a.base < b.base ? -1 : a.base > b.base ? 1 : 0));
    }
    this.forPages(region.storage, Math.max(region.storageSize, 1), (page) => {
      (this.pageRegions[page] ??= []).push(region);
      this.dirty[page] = 1;
    });
    this.applyPermissions(region);
  }

  free(region: Region): void {
    const record = this.record(region);
    if (!record.live) return;
    this.detach(record);
    this.freed.set(record.storage, { kind: record.kind, name: record.name, base: record.base, size: record.size });
    if (this.freed.size > REMEMBERED_FREED) this.freed.delete(this.freed.keys().next().value!);
    this.giveStorage(record.storage, record.storageSize);
  }

  /**
   * Frames for one execution: one region each, STACK_STRIDE apart, behind a block of CPU_BLOCK bytes that no program can reach.
   * Volatile: compiled code writes its own frame without asking the write plane.
   */
  takeStack(frames: number): StackArea {
    const size = CPU_BLOCK + frames * STACK_STRIDE;
    const block = this.takeStorage(size);
    const stack = block + CPU_BLOCK;
    const regions: RegionRecord[] = [];
    for (let depth = 0; depth < frames; depth++) {
      const offset = stack + depth * STACK_STRIDE;
      const region = new RegionRecord(
        this,
        this.nextId++,
        'stack',
        `frame ${depth}`,
        offset,
        STACK_SIZE,
        offset,
        STACK_SIZE,
        undefined,
        true,
        true,
        undefined,
      );
      region.volatile = true;
      this.attach(region);
      regions.push(region);
    }
    return { block, stack, frames, regions };
  }

  giveStack(area: StackArea): void {
    for (const region of area.regions) {
      const record = this.record(region);
      if (record.live) this.detach(record);
    }
    this.giveStorage(area.block, CPU_BLOCK + area.frames * STACK_STRIDE);
  }

  private detach(record: RegionRecord): void {
    record.live = false;
    this.table = undefined;
    this.live.delete(record.id);
    if (record.fixedBase !== undefined) this.fixed = this.fixed.filter((other) => other !== record);
    this.fillPlanes(record.storage, record.storageSize, DENIED, DENIED);
    this.forPages(record.storage, Math.max(record.storageSize, 1), (page) => {
      const list = this.pageRegions[page]!;
      list.splice(list.indexOf(record), 1);
    });
  }

  adjust(region: Region, front: number, back: number): boolean {
    const record = this.record(region);
    const offset = record.offset + front;
    const end = record.offset + record.size + back;
    if (
      !record.live ||
      record.fixedBase !== undefined ||
      offset < record.storage ||
      end > record.storage + record.storageSize ||
      offset > end
    )
      return false;
    this.table = undefined;
    this.fillPlanes(record.storage, record.storageSize, DENIED, DENIED);
    record.offset = offset;
    record.size = end - offset;
    record.base = addressOf(record.kind, offset);
    this.applyPermissions(record);
    return true;
  }

  view(region: Region): Uint8Array {
    const record = this.record(region);
    // The caller may write through the view, which no plane sees: its pages count as changed.
    this.touch(record.offset, record.size);
    return this.bytes.subarray(record.offset, record.offset + record.size);
  }

  find(address: bigint): Region | undefined {
    return this.regionAt(BigInt.asUintN(64, address));
  }

  private regionAt(address: bigint): RegionRecord | undefined {
    const at = this.linearOffset(address);
    if (at < 0) return this.fixed.find((region) => address >= region.base && address < region.base + BigInt(region.size));
    return this.pageRegions[at >> PAGE_SHIFT]?.find(
      (region) => region.fixedBase === undefined && at >= region.offset && at < region.offset + region.size,
    );
  }

  /** Where a direct-map or packet address lies in the linear buffer; -1 for every other address. */
  private linearOffset(address: bigint): number {
    const offset = address - DIRECT_MAP;
    if (offset >= 0n && offset < BigInt(this.capacity)) return Number(offset);
    return address >= BigInt(PACKET_WINDOW) && address < BigInt(PACKET_WINDOW + PACKET_WINDOW_SIZE) ? Number(address) : -1;
  }

  private record(region: Region): RegionRecord {
    if (region instanceof RegionRecord && region.memory === this) return region;
    throw new Error(`region ${region.name} belongs to another memory`);
  }

  /** Offset of the region's first byte in the linear buffer; for engines. */
  offsetOf(region: Region): number {
    return this.record(region).offset;
  }

  /** Whether there has ever been a packet with a low address: code compiled before need not expect one. */
  get hasPackets(): boolean {
    return this.packetTop > PACKET_WINDOW;
  }

  /** Whether `size` bytes at this offset of the linear buffer lie in the region. */
  holds(region: Region, offset: number, size: number): boolean {
    const record = this.record(region);
    return offset >= record.offset && offset + size <= record.offset + record.size;
  }

  // ---- storage ----

  private takeStorage(size: number): number {
    const slot = storageClass(size);
    const list = this.free_.get(slot);
    if (list && list.length > QUARANTINE) {
      const storage = list.shift()!;
      this.bytes.fill(0, storage, storage + size);
      this.freed.delete(storage);
      return storage;
    }
    // The bump goes around the window that packets have for themselves.
    let storage = this.top;
    if (storage < PACKET_WINDOW && storage + slot > PACKET_WINDOW) storage = PACKET_WINDOW + PACKET_WINDOW_SIZE;
    this.reserve(storage + slot);
    this.top = storage + slot;
    return storage;
  }

  /** The window is small: what is free is used again early, in whatever size fits. */
  private takePacketStorage(size: number): number {
    const slot = storageClass(size);
    const inWindow = (list: readonly number[]): number =>
      list.findIndex((at) => at >= PACKET_WINDOW && at < PACKET_WINDOW + PACKET_WINDOW_SIZE);
    const reuse = (list: number[] | undefined, least: number): number | undefined => {
      if (!list || list.length < least) return undefined;
      const index = inWindow(list);
      if (index < 0) return undefined;
      const storage = list.splice(index, 1)[0]!;
      this.bytes.fill(0, storage, storage + slot);
      this.freed.delete(storage);
      return storage;
    };
    const again = reuse(this.free_.get(slot), 4);
    if (again !== undefined) return again;
    const storage = this.packetTop;
    if (storage + slot <= PACKET_WINDOW + PACKET_WINDOW_SIZE) {
      this.packetTop = storage + slot;
      return storage;
    }
    for (const [other, list] of this.free_) {
      const found = other >= slot ? reuse(list, 1) : undefined;
      if (found !== undefined) return found;
    }
    throw new RangeError(`the simulated kernel holds too many packets at once: ${PACKET_WINDOW_SIZE >> 10} KB of them is the limit`);
  }

  private giveStorage(storage: number, size: number): void {
    this.table = undefined;
    const slot = storageClass(size);
    const list = this.free_.get(slot);
    if (list) list.push(storage);
    else this.free_.set(slot, [storage]);
  }

  private reserve(end: number): void {
    if (end + END_ZONE <= this.capacity) return;
    const old = this.capacity;
    let capacity = old;
    while (end + END_ZONE > capacity) capacity *= 2;
    if (capacity > MAX_CAPACITY) throw new RangeError(`the simulated kernel's memory is limited to ${MAX_CAPACITY >> 20} MB`);
    this.wasm.grow((3 * (capacity - old)) / WASM_PAGE);
    this.capacity = capacity;
    this.renewViews();
    const { bytes } = this;
    const planes = bytes.slice(old, 3 * old);
    bytes.fill(0, old, capacity);
    bytes.fill(DENIED, capacity);
    bytes.set(planes.subarray(0, old), capacity);
    bytes.set(planes.subarray(old), 2 * capacity);
    const dirty = new Uint8Array(capacity >> PAGE_SHIFT);
    dirty.set(this.dirty);
    this.dirty = dirty;
    this.grown?.();
  }

  // ---- planes ----

  applyPermissions(region: RegionRecord): void {
    this.table = undefined;
    // A fixed address is not a direct-map address: the planes keep its storage closed, and slow paths find it by address.
    if (region.fixedBase !== undefined) return;
    this.fillPlanes(region.offset, region.size, region.readable ? 0 : DENIED, DENIED);
    if (!region.writable) return;
    const end = region.offset + region.size;
    this.forPages(region.offset, region.size, (page) => {
      const clean = this.dirty[page] === 0 && !region.volatile;
      this.bytes.fill(
        clean ? CLEAN : 0,
        2 * this.capacity + Math.max(region.offset, page << PAGE_SHIFT),
        2 * this.capacity + Math.min(end, (page + 1) << PAGE_SHIFT),
      );
    });
  }

  private fillPlanes(offset: number, size: number, read: number, write: number): void {
    this.bytes.fill(read, this.capacity + offset, this.capacity + offset + size);
    this.bytes.fill(write, 2 * this.capacity + offset, 2 * this.capacity + offset + size);
  }

  private forPages(offset: number, size: number, visit: (page: number) => void): void {
    if (size <= 0) return;
    for (let page = offset >> PAGE_SHIFT; page <= (offset + size - 1) >> PAGE_SHIFT; page++) visit(page);
  }

  /** Marks pages as changed, and lets stores to them pass. */
  private touch(offset: number, size: number): void {
    this.forPages(offset, size, (page) => {
      if (this.dirty[page] !== 0) return;
      this.dirty[page] = 1;
      this.protectPage(page, 0);
    });
  }

  private protectPage(page: number, value: number): void {
    const start = page << PAGE_SHIFT;
    for (const region of this.pageRegions[page] ?? []) {
      if (!region.writable || region.volatile || region.fixedBase !== undefined) continue;
      const from = Math.max(region.offset, start);
      const to = Math.min(region.offset + region.size, start + PAGE);
      if (from < to) this.bytes.fill(value, 2 * this.capacity + from, 2 * this.capacity + to);
    }
  }

  // ---- accesses ----

  /**
   * Offset in the linear buffer of an access that the planes did not allow, or -1 if it is a fault. `high` and `low` are the
   * address's halves. Marks the page when it is written.
   */
  resolve(high: number, low: number, size: number, write: boolean): number {
    const offset = low >>> 0;
    if (high === DIRECT_MAP_HIGH || (high === 0 && offset >= PACKET_WINDOW && offset < PACKET_WINDOW + PACKET_WINDOW_SIZE)) {
      if (offset + size > this.capacity) return -1;
      const plane = (write ? 2 : 1) * this.capacity;
      const first = this.bytes[plane + offset]!;
      const last = this.bytes[plane + offset + size - 1]!;
      if (first === DENIED || last === DENIED) return -1;
      if (write) this.touch(offset, size);
      return offset;
    }
    return this.fixed.length === 0 ? -1 : this.resolveRange((BigInt(high >>> 0) << 32n) | BigInt(offset), size, write);
  }

  private resolveRange(address: bigint, size: number, write: boolean): number {
    const at = BigInt.asUintN(64, address);
    const region = this.regionAt(at);
    if (!region || !(write ? region.writable : region.readable)) return -1;
    const linear = this.linearOffset(at);
    const offset = linear >= 0 ? linear : region.offset + Number(at - region.base);
    if (offset + size > region.offset + region.size) return -1;
    if (write) this.touch(offset, size);
    return offset;
  }

  read(address: bigint, size: number): Uint8Array | MemoryFault {
    if (size === 0) return new Uint8Array(0);
    const offset = this.resolveRange(address, size, false);
    return offset < 0 ? this.fault('read', address, size) : this.bytes.slice(offset, offset + size);
  }

  write(address: bigint, bytes: Uint8Array): MemoryFault | undefined {
    if (bytes.length === 0) return undefined;
    const offset = this.resolveRange(address, bytes.length, true);
    if (offset < 0) return this.fault('write', address, bytes.length);
    this.bytes.set(bytes, offset);
    return undefined;
  }

  readInt(address: bigint, size: 1 | 2 | 4 | 8): bigint | MemoryFault {
    const offset = this.resolveRange(address, size, false);
    if (offset < 0) return this.fault('read', address, size);
    switch (size) {
      case 1:
        return BigInt(this.data.getUint8(offset));
      case 2:
        return BigInt(this.data.getUint16(offset, true));
      case 4:
        return BigInt(this.data.getUint32(offset, true));
      case 8:
        return this.data.getBigUint64(offset, true);
    }
  }

  writeInt(address: bigint, size: 1 | 2 | 4 | 8, value: bigint): MemoryFault | undefined {
    const offset = this.resolveRange(address, size, true);
    if (offset < 0) return this.fault('write', address, size);
    switch (size) {
      case 1:
        this.data.setUint8(offset, Number(value & 0xffn));
        break;
      case 2:
        this.data.setUint16(offset, Number(value & 0xffffn), true);
        break;
      case 4:
        this.data.setUint32(offset, Number(value & 0xffff_ffffn), true);
        break;
      case 8:
        this.data.setBigUint64(offset, BigInt.asUintN(64, value), true);
        break;
    }
    return undefined;
  }

  /** Why the access is a fault, in words. */
  fault(kind: 'read' | 'write', address: bigint, size: number): MemoryFault {
    const at = BigInt.asUintN(64, address);
    return describeFault(kind, at, size, this.regionAt(at), this.live.values(), [...this.freed.values()]);
  }

  // ---- snapshots ----

  snapshot(): MemorySnapshot {
    const pages = this.pageCopies;
    const top = this.usedPages();
    for (let page = 0; page < top; page++) {
      if (this.dirty[page] === 0) continue;
      pages[page] = this.bytes.slice(page << PAGE_SHIFT, (page + 1) << PAGE_SHIFT);
      const volatile = this.pageRegions[page]?.some((region) => region.volatile) ?? false;
      if (volatile) continue;
      this.dirty[page] = 0;
      this.protectPage(page, CLEAN);
    }
    this.table ??= {
      regions: Array.from(this.live.values(), (region) => ({
        region,
        name: region.name,
        offset: region.offset,
        size: region.size,
        readable: region.readable,
        writable: region.writable,
      })),
      top: this.top,
      packetTop: this.packetTop,
      nextId: this.nextId,
      free: new Map(Array.from(this.free_, ([size, list]) => [size, [...list]])),
    };
    const snapshot: Snapshot = { kind: 'memory-snapshot', memory: this, pages: [...pages], table: this.table };
    return snapshot;
  }

  private usedPages(): number {
    return (Math.max(this.top, this.packetTop) + PAGE - 1) >> PAGE_SHIFT;
  }

  restore(snapshot: MemorySnapshot): void {
    const { memory, pages, table } = snapshot as Snapshot;
    if (memory !== this) throw new Error('the snapshot is of another memory');
    if (table !== this.table) this.restoreTable(table);
    const count = Math.max(pages.length, this.pageCopies.length, this.usedPages());
    for (let page = 0; page < count; page++) {
      const copy = pages[page];
      if (copy === this.pageCopies[page] && this.dirty[page] === 0) continue;
      if (copy) this.bytes.set(copy, page << PAGE_SHIFT);
      else this.bytes.fill(0, page << PAGE_SHIFT, (page + 1) << PAGE_SHIFT);
      this.pageCopies[page] = copy;
      const volatile = this.pageRegions[page]?.some((region) => region.volatile) ?? false;
      this.dirty[page] = volatile || !copy ? 1 : 0;
      this.protectPage(page, this.dirty[page] === 0 ? CLEAN : 0);
    }
    this.table = table;
  }

  private restoreTable(table: RegionTable): void {
    const kept = new Set(table.regions.map(({ region }) => region));
    for (const region of [...this.live.values()]) if (!kept.has(region)) this.detach(region);
    for (const { region, name, offset, size, readable, writable } of table.regions) {
      if (
        region.live &&
        region.name === name &&
        region.offset === offset &&
        region.size === size &&
        region.readable === readable &&
        region.writable === writable
      )
        continue;
      if (region.live) this.detach(region);
      region.name = name;
      region.offset = offset;
      region.size = size;
      if (region.fixedBase === undefined) region.base = addressOf(region.kind, offset);
      region.readable = readable;
      region.writable = writable;
      this.attach(region);
    }
    // Iteration order is part of what is restored: regions come in the order in which they were made.
    this.live.clear();
    for (const { region } of table.regions) this.live.set(region.id, region);
    this.top = table.top;
    this.packetTop = table.packetTop;
    this.nextId = table.nextId;
    this.free_ = new Map(Array.from(table.free, ([size, list]) => [size, [...list]]));
  }
}

const storageClass = (size: number): number => ((size + 15) & ~15) + RED_ZONE;

/** An empty simulated address space. */
export const createMemory = (): Memory => new LinearMemory();
