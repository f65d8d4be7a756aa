// Structs of the kernel in simulated memory, laid out by the target's BTF: made when somebody first asks for them, found again by what
// they are of (`file:/etc/passwd`), and kept until the kernel ends. Says nothing of what is in them: kernel-objects.ts fills them.

import { findMember, resolve, sizeOf, type Btf } from '#core/btf';
import type { Memory, Region } from '#core/vm';
import { littleEndian, utf8 } from '../integers.ts';

/** Bytes of a struct whose layout is not known: reads inside give zeros. */
const UNKNOWN_SIZE = 4096;

export interface Place {
  offset: number;
  size: number;
  /** The field's width in bits and its first bit, where it is a bit field. */
  bits: number;
  firstBit: number;
  typeId: number;
}

export class KernelStructs {
  private objects = new Map<string, Region>();
  private places = new Map<string, Place | undefined>();
  private layout: Btf | undefined;

  constructor(
    private readonly memory: Memory,
    private readonly layouts: () => Btf | undefined,
  ) {}

  get btf(): Btf | undefined {
    const btf = this.layouts();
    if (btf !== this.layout) {
      this.layout = btf;
      this.places.clear();
    }
    return btf;
  }

  sizeOf(struct: string): number | undefined {
    const { btf } = this;
    const id = btf?.find(struct, 'struct') ?? btf?.find(struct, 'union');
    return btf && id !== undefined ? sizeOf(btf, id) : undefined;
  }

  /** Where `a.b[2].c` lies in a struct; anonymous members are passed through, pointers are not. */
  place(struct: string, path: string): Place | undefined {
    const { btf } = this;
    const key = `${struct} ${path}`;
    if (!this.places.has(key)) this.places.set(key, btf && findPlace(btf, struct, path));
    return this.places.get(key);
  }

  /** Whether the target's struct has that member. */
  has(struct: string, path: string): boolean {
    return this.place(struct, path) !== undefined;
  }

  known(key: string): bigint | undefined {
    return this.objects.get(key)?.base;
  }

  /** The object of that key; `fill` gives it its content when it is new. `extra` bytes follow the struct (flexible arrays); `label` is for people. */
  object(key: string, struct: string, fill: (object: KernelObject) => void, extra = 0, owner?: unknown, label = key): bigint {
    const known = this.objects.get(key);
    if (known) return known.base;
    const region = this.allocate(struct, label, extra, owner);
    this.objects.set(key, region);
    fill(new KernelObject(this, this.memory, region, struct));
    return region.base;
  }

  /** Writes into an object again, if somebody has asked for it before. */
  refill(key: string, struct: string, fill: (object: KernelObject) => void): void {
    const region = this.objects.get(key);
    if (region) fill(new KernelObject(this, this.memory, region, struct));
  }

  /** An object that somebody else keeps. */
  loose(region: Region, struct: string): KernelObject {
    return new KernelObject(this, this.memory, region, struct);
  }

  allocate(struct: string, label: string, extra = 0, owner?: unknown): Region {
    return this.memory.allocate({
      kind: 'kernel',
      name: nameOf(struct, label),
      size: Math.max((this.sizeOf(struct) ?? UNKNOWN_SIZE) + extra, 8),
      // Congestion controls keep their state in the socket.
      writable: struct.endsWith('_sock'),
      owner,
    });
  }

  /** Bytes that a struct points at, kept under their name. */
  bytes(key: string, bytes: Uint8Array): bigint {
    let region = this.objects.get(key);
    if (!region) {
      region = this.memory.allocate({ kind: 'kernel', name: key, size: bytes.length, initial: bytes, writable: false });
      this.objects.set(key, region);
    }
    return region.base;
  }

  /** Text of the kernel, NUL and all. */
  text(key: string, text: string): bigint {
    return this.bytes(key, utf8(`${text}\0`));
  }

  forget(key: string): void {
    const region = this.objects.get(key);
    if (!region) return;
    this.memory.free(region);
    this.objects.delete(key);
  }

  save(): unknown {
    return new Map(this.objects);
  }

  load(state: unknown): void {
    this.objects = new Map(state as Map<string, Region>);
  }
}

/** One struct in memory, to be written member by member. Members that the target's struct has not are left out. */
export class KernelObject {
  constructor(
    private readonly structs: KernelStructs,
    private readonly memory: Memory,
    readonly region: Region,
    readonly struct: string,
  ) {}

  get address(): bigint {
    return this.region.base;
  }

  has(path: string): boolean {
    return this.structs.has(this.struct, path);
  }

  /** The address of a member, for pointers into the object. */
  addressOf(path: string): bigint {
    return this.region.base + BigInt(this.structs.place(this.struct, path)?.offset ?? 0);
  }

  set(path: string, value: bigint | number | Uint8Array | string): this {
    const place = this.structs.place(this.struct, path);
    if (place) this.put(place, value);
    return this;
  }

  put(place: Place, value: bigint | number | Uint8Array | string): void {
    if (place.offset + place.size > this.region.size) return;
    const view = this.memory.view(this.region);
    if (place.bits > 0) {
      const given = typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : 0n;
      for (let bit = 0; bit < place.bits; bit++) {
        const at = place.firstBit + bit;
        const mask = 1 << (at & 7);
        view[at >> 3] = ((given >> BigInt(bit)) & 1n) === 1n ? view[at >> 3]! | mask : view[at >> 3]! & ~mask;
      }
      return;
    }
    if (typeof value === 'string') {
      // As strscpy: cut before the last byte, which is NUL.
      const text = utf8(value).subarray(0, Math.max(0, place.size - 1));
      view.fill(0, place.offset, place.offset + place.size);
      view.set(text, place.offset);
    } else view.set(value instanceof Uint8Array ? value.subarray(0, place.size) : littleEndian(value, place.size), place.offset);
  }

  /** Several members, in order. */
  setAll(values: Readonly<Record<string, bigint | number | Uint8Array | string>>): this {
    for (const [path, value] of Object.entries(values)) this.set(path, value);
    return this;
  }
}

function findPlace(btf: Btf, struct: string, path: string): Place | undefined {
  let typeId = btf.find(struct, 'struct') ?? btf.find(struct, 'union');
  let bit = 0;
  let bits = 0;
  for (const step of path.split(/[.[]/)) {
    if (typeId === undefined || bits > 0) return undefined;
    const type = resolve(btf, typeId);
    if (step.endsWith(']')) {
      if (type?.kind !== 'array') return undefined;
      bit += Number(step.slice(0, -1)) * (sizeOf(btf, type.type) ?? 0) * 8;
      typeId = type.type;
      continue;
    }
    if (type?.kind !== 'struct' && type?.kind !== 'union') return undefined;
    const found = findMember(btf, type, step);
    if (!found) return undefined;
    bit += found.bitOffset;
    bits = found.member.bitSize;
    typeId = found.member.type;
  }
  if (typeId === undefined) return undefined;
  return { offset: bit >> 3, size: sizeOf(btf, typeId) ?? 0, bits, firstBit: bit, typeId };
}

/** What a debugger calls the object: `task bash-1000`, `struct sock of …`, or only its struct where the key names nothing for people. */
function nameOf(struct: string, label: string): string {
  if (/^(struct|task) /.test(label)) return label;
  const of = label.slice(label.indexOf(':') + 1);
  return of === '' || of === '{}' ? `struct ${struct}` : `struct ${struct} of ${of}`;
}
