// What all maps share: identity, the handle that programs hold, the operations with the kernel's errors,
// and saving for time travel. Values are regions of the machine's memory, so a program's direct loads and stores reach them.

import type { MapDefinition } from '#core/program';
import type { Memory, Region } from '#core/vm';
import { errno } from '../errno.ts';
import type { MapEntry, SimulatedMap } from '../types.ts';

// Flags of an update (include/uapi/linux/bpf.h).
export const BPF_ANY = 0n;
export const BPF_NOEXIST = 1n;
export const BPF_EXIST = 2n;
export const BPF_F_LOCK = 4n;

// Flags of a map's creation.
export const BPF_F_NO_PREALLOC = 1 << 0;
export const BPF_F_RDONLY = 1 << 3;
export const BPF_F_WRONLY = 1 << 4;
export const BPF_F_RDONLY_PROG = 1 << 7;
export const BPF_F_WRONLY_PROG = 1 << 8;

/** What a map needs of the kernel around it. */
export interface MapHost {
  readonly memory: Memory;
  readonly cpus: number;
  currentCpu(): number;
  random(): number;
  /** Nanoseconds since boot. */
  now(): bigint;
  /** Frees the region once no program can hold a pointer into it any more (RCU's grace period: the end of the run). */
  freeLater(region: Region): void;
  /** Text of a key, for people: `uid 1000`. */
  describeKey(definition: MapDefinition, key: Uint8Array): string;
  /** Whether the map's values hold a struct bpf_spin_lock. */
  hasSpinLock(definition: MapDefinition): boolean;
  /** The object a slot of a prog array or map of maps names by its id. */
  mapById(id: number): KernelMap | undefined;
  mapByAddress(address: bigint): KernelMap | undefined;
  /** The object an address inside a task, socket, cgroup or inode stands for: storage maps key by it. */
  ownerOf(address: bigint): { identity: string; label: string } | undefined;
}

/** The elements of a walk; an array's are made when the walk reaches them. */
export interface MapWalk {
  readonly length: number;
  at(index: number): { key: Uint8Array; address: bigint } | undefined;
}

/** Where a value lives, for Region.owner. */
export interface ValueOwner {
  map: KernelMap;
  key: Uint8Array;
  cpu?: number;
}

export abstract class KernelMap implements SimulatedMap {
  /** The address a program's ld_imm64 of this map carries. Its memory is not the value. */
  readonly handle: Region;
  /** Counts changes of the set of entries; the memory's own content is not counted. */
  protected version = 0;
  private saved: { version: number; state: unknown } | undefined;

  constructor(
    readonly id: number,
    readonly definition: MapDefinition,
    protected readonly host: MapHost,
  ) {
    // struct bpf_map's first members are function pointers: a program that reads them through BTF sees zeros here.
    this.handle = host.memory.allocate({ kind: 'kernel', name: `map ${definition.name}`, size: 256, writable: false, owner: this });
  }

  /** The address of the value for the running CPU, or 0: bpf_map_lookup_elem. */
  abstract lookupAddress(key: Uint8Array): bigint;
  /** bpf_map_update_elem: 0 or a negative errno. */
  abstract updateElement(key: Uint8Array, value: Uint8Array, flags: bigint): number;
  /** bpf_map_delete_elem. */
  abstract deleteElement(key: Uint8Array): number;
  abstract entries(): readonly MapEntry[];
  abstract lookup(key: Uint8Array): readonly Uint8Array[] | undefined;

  /** The syscall's update; differs from the helper's where user space gives other values than programs do. */
  update(key: Uint8Array, value: Uint8Array, flags: bigint = BPF_ANY): number {
    return this.updateElement(key, value, flags);
  }

  /** The syscall's delete. */
  delete(key: Uint8Array): number {
    return this.deleteElement(key);
  }

  /** bpf_map_lookup_percpu_elem. */
  lookupAddressOn(key: Uint8Array, cpu: number): bigint {
    void key;
    void cpu;
    return 0n;
  }

  // Queues, stacks and bloom filters have these; the others answer as the kernel does.
  push(value: Uint8Array, flags: bigint): number {
    void value;
    void flags;
    return errno('EOPNOTSUPP');
  }
  pop(): Uint8Array | number {
    return errno('EOPNOTSUPP');
  }
  peek(value: Uint8Array): Uint8Array | number {
    void value;
    return errno('EOPNOTSUPP');
  }

  /** What bpf_for_each_map_elem visits: key bytes and the value's address; undefined where the type has no such walk. */
  walk(): MapWalk | undefined {
    return undefined;
  }

  get indexed(): boolean {
    return false;
  }

  get size(): number {
    return this.entries().length;
  }

  page(from: number, count: number): readonly MapEntry[] {
    return this.entries().slice(from, from + count);
  }

  madeEntries(): readonly MapEntry[] {
    return this.entries();
  }

  nameOf(region: Region): string | undefined {
    const owner = region.owner as Partial<ValueOwner> | undefined;
    return owner?.map === this ? region.name : undefined;
  }

  /** Called once when the kernel goes away or the map's last user does. */
  protected valueName(key: Uint8Array, cpu?: number): string {
    const name = `${this.definition.name}[${this.host.describeKey(this.definition, key)}]`;
    return cpu === undefined ? name : `${name} cpu ${cpu}`;
  }

  protected allocateValue(key: Uint8Array, initial?: Uint8Array, cpu?: number): Region {
    const owner: ValueOwner = { map: this, key, ...(cpu === undefined ? {} : { cpu }) };
    return this.host.memory.allocate({
      kind: 'map_value',
      name: this.valueName(key, cpu),
      size: this.definition.valueSize,
      writable: (this.definition.flags & BPF_F_RDONLY_PROG) === 0,
      readable: (this.definition.flags & BPF_F_WRONLY_PROG) === 0,
      owner,
      ...(initial ? { initial } : {}),
    });
  }

  /** A copy of a value's bytes. */
  protected bytesOf(region: Region): Uint8Array {
    return this.host.memory.view(region).slice(0, this.definition.valueSize);
  }

  /** Whether `flags` are of an update at all: at most one of NOEXIST and EXIST, and LOCK only where there is a lock. */
  protected validUpdateFlags(flags: bigint): boolean {
    return (flags & ~BPF_F_LOCK) <= BPF_EXIST && ((flags & BPF_F_LOCK) === 0n || this.host.hasSpinLock(this.definition));
  }

  protected abstract saveState(): unknown;
  protected abstract loadState(state: unknown): void;

  /** Everything but memory. Shares the state with the last save while the set of entries has not changed. */
  save(): unknown {
    if (this.saved?.version !== this.version) this.saved = { version: this.version, state: this.saveState() };
    return this.saved;
  }

  load(saved: unknown): void {
    const state = saved as { version: number; state: unknown };
    // Equal versions after different histories would be mistaken for equal content, so identity decides.
    if (this.saved === state && this.version === state.version) return;
    this.loadState(state.state);
    this.version = state.version;
    this.saved = state;
  }
}
