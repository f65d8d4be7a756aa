// What a helper's implementation is given and may answer. Names are the kernel's; numbers come from the catalog.
// Arguments were checked by the verifier, or not (a run without it): a wrong pointer is a fault that says which argument.

import type { Cpu, HostOutcome, Region } from '#core/vm';
import { fromCString } from '../integers.ts';
import type { KernelMap } from '../maps/index.ts';
import type { KernelState, Run } from '../state.ts';

/** Thrown by Call's readers, caught by the host: the program's own mistake, told at the call. */
export class HelperFault extends Error {}

/** A number or bigint is r0. `host` is for what r0 cannot say; r0 then was set, or will be, by the helper itself. */
export type HelperResult = bigint | number | { host: HostOutcome };

export type Helper = (call: Call) => HelperResult;

export type HelperTable = Readonly<Record<string, Helper>>;

export class Call {
  constructor(
    readonly kernel: KernelState,
    readonly run: Run,
    readonly cpu: Cpu,
    readonly name: string,
  ) {}

  /** Argument 1 to 5 as an unsigned 64-bit value. */
  arg(index: 1 | 2 | 3 | 4 | 5): bigint {
    return BigInt.asUintN(64, this.cpu.getRegister(index));
  }

  /** The argument as C's u32. */
  u32(index: 1 | 2 | 3 | 4 | 5): number {
    return Number(BigInt.asUintN(32, this.cpu.getRegister(index)));
  }

  /** The argument as C's int. */
  s32(index: 1 | 2 | 3 | 4 | 5): number {
    return Number(BigInt.asIntN(32, this.cpu.getRegister(index)));
  }

  /** A copy of `size` bytes that the program passed a pointer to. */
  read(address: bigint, size: number, what: string): Uint8Array {
    if (size === 0) return new Uint8Array(0);
    const bytes = this.kernel.memory.read(address, size);
    if (!(bytes instanceof Uint8Array)) throw new HelperFault(`${this.name}: ${what}: ${bytes.message}`);
    return bytes.slice();
  }

  write(address: bigint, bytes: Uint8Array, what: string): void {
    if (bytes.length === 0) return;
    const fault = this.kernel.memory.write(address, bytes);
    if (fault) throw new HelperFault(`${this.name}: ${what}: ${fault.message}`);
  }

  /** Bytes at any address, undefined where nothing is: what the *_nofault readers of the kernel do. */
  tryRead(address: bigint, size: number): Uint8Array | undefined {
    if (size === 0) return new Uint8Array(0);
    const bytes = this.kernel.memory.read(address, size);
    return bytes instanceof Uint8Array ? bytes.slice() : undefined;
  }

  /** Up to `limit` bytes before a NUL, which must come within the readable region; undefined where nothing is readable. */
  tryString(address: bigint, limit: number): string | undefined {
    const bytes = this.stringBytes(address, limit);
    return bytes && fromCString(bytes);
  }

  /** The same as bytes, with the NUL if one came within the limit. */
  stringBytes(address: bigint, limit: number): Uint8Array | undefined {
    const region = this.kernel.memory.find(address);
    if (!region?.readable || limit <= 0) return undefined;
    const start = Number(address - region.base);
    const bytes = this.kernel.memory.view(region).subarray(start, Math.min(region.size, start + limit));
    const end = bytes.indexOf(0);
    if (end < 0 && bytes.length < limit) return undefined;
    return bytes.slice(0, end < 0 ? undefined : end + 1);
  }

  /** The map whose handle the argument is. */
  map(index: 1 | 2 | 3 | 4 | 5): KernelMap {
    const address = this.arg(index);
    const map = this.kernel.mapByAddress(address);
    if (!map) throw new HelperFault(`${this.name}: argument ${index} (0x${address.toString(16)}) is not a map`);
    return map;
  }

  /** The map, which must be of this class. */
  mapOf<T extends KernelMap>(index: 1 | 2 | 3 | 4 | 5, Class: abstract new (...args: never[]) => T, wanted: string): T {
    const map = this.map(index);
    if (!(map instanceof Class))
      throw new HelperFault(`${this.name}: ${map.definition.name} is a ${map.definition.type} map, ${wanted} is wanted`);
    return map;
  }

  fault(message: string): never {
    throw new HelperFault(`${this.name}: ${message}`);
  }

  regionAt(address: bigint): Region | undefined {
    return this.kernel.memory.find(address);
  }

  /** Sets r0 when the result comes later, behind a callback. */
  finish(value: bigint | number): undefined {
    this.cpu.setRegister(0, BigInt.asUintN(64, BigInt(value)));
    return undefined;
  }
}
