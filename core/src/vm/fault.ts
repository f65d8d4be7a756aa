// What a bad memory access is called: one sentence that names the region, the place in it and what is there.
// Decides nothing: by the time it is called, the access is known to be wrong.

import { hex64 } from '#core/bytes';
import type { MemoryFault, Region, RegionKind } from './types.ts';

/** What is remembered of a region that is gone. */
export interface FreedRegion {
  kind: RegionKind;
  name: string;
  base: bigint;
  size: number;
}

const NOUNS: Record<RegionKind, string> = {
  stack: 'stack frame',
  ctx: 'context',
  packet: 'packet',
  map_value: 'value',
  mem: 'memory',
  kernel: 'object',
  user: 'user memory',
  arena: 'arena',
  percpu: 'per-CPU memory',
};

/** An address this close to a region is told as an offset from it. */
const NEAR = 4096n;
/** Addresses below this are NULL and a field's offset. */
const NULL_PAGE = 4096n;

const bytes = (count: number | bigint): string => (BigInt(count) === 1n ? '1 byte' : `${count} bytes`);
const signed = (offset: bigint): string => (offset < 0n ? `${offset}` : `+${offset}`);

/** Kind and name, without saying the kind twice. */
function called(region: { kind: RegionKind; name: string }): string {
  return region.name.startsWith(region.kind) || region.name === '' ? region.name || region.kind : `${region.kind} ${region.name}`;
}

function place(region: { kind: RegionKind; name: string; base: bigint; size: number }, address: bigint): string {
  // Stack offsets count from the frame pointer, as programs write them.
  if (region.kind === 'stack') return `fp${signed(address - region.base - BigInt(region.size))} of ${region.name}`;
  return `${called(region)}${signed(address - region.base)}`;
}

export function describeFault(
  kind: 'read' | 'write',
  address: bigint,
  size: number,
  inside: Region | undefined,
  live: Iterable<Region>,
  freed: readonly FreedRegion[],
): MemoryFault {
  const access = `${kind} of ${bytes(size)} at`;
  if (inside) {
    const remain = inside.base + BigInt(inside.size) - address;
    const denied = kind === 'read' ? !inside.readable : !inside.writable;
    const why =
      denied && remain >= BigInt(size)
        ? `it is ${kind === 'read' ? 'not readable' : 'read-only'}`
        : `the ${NOUNS[inside.kind]} has ${bytes(inside.size)}, ${remain} remain`;
    return { kind, address, size, region: inside, message: `${access} ${place(inside, address)}: ${why}` };
  }
  if (address < NULL_PAGE) {
    return {
      kind,
      address,
      size,
      message: `${access} address ${hex64(address)}: a NULL pointer${address === 0n ? '' : ` plus ${address}`}`,
    };
  }
  let gone: FreedRegion | undefined;
  // The last one freed there is the one that is meant.
  for (const region of freed) if (address >= region.base && address < region.base + BigInt(region.size)) gone = region;
  if (gone) return { kind, address, size, message: `${access} ${place(gone, address)}: it was freed` };
  const near = nearest(address, live);
  if (near) {
    const where =
      address < near.base ? `${bytes(near.base - address)} before it` : `${bytes(address - near.base - BigInt(near.size))} past its end`;
    return {
      kind,
      address,
      size,
      message: `${access} ${place(near, address)}: the ${NOUNS[near.kind]} has ${bytes(near.size)}, this is ${where}`,
    };
  }
  return { kind, address, size, message: `${access} address ${hex64(address)}: nothing is there` };
}

function nearest(address: bigint, live: Iterable<Region>): Region | undefined {
  let best: Region | undefined;
  let distance = NEAR;
  for (const region of live) {
    const end = region.base + BigInt(region.size);
    const away = address < region.base ? region.base - address : address - end;
    // At equal distance the region before the address wins: running over an end is the commoner mistake.
    if (away < distance || (away === distance && address >= end)) {
      best = region;
      distance = away;
    }
  }
  return best;
}
