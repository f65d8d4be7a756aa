// What an address or a register's value is, in the words of the verifier's log and of people: `fp-8`, `ctx`, `packet+14`, `map_value counts[uid 1000]+0`.
// Asks the kernel's regions; decides nothing.

import { never } from '#core/problem';
import type { Kernel, SimulatedMap } from '#core/sim';
import type { Frame, Region } from '#core/vm';

/** Names an address. `undefined`: it lies in no region, so the value is a plain number. `nameGlobal` knows the variables of global sections. */
export function describeAddress(
  kernel: Kernel,
  frames: readonly Frame[],
  address: bigint,
  nameGlobal?: (map: SimulatedMap, offset: number) => string | undefined,
): string | undefined {
  const found = regionAt(kernel, address);
  if (!found) return undefined;
  const { region, offset } = found;
  const plus = offset === 0 ? '' : `+${offset}`;
  switch (region.kind) {
    case 'stack':
      return stackName(frames, region, address);
    case 'ctx':
      return `ctx${plus}`;
    case 'packet':
      return offset === region.size ? 'packet_end' : `packet${plus}`;
    case 'map_value': {
      const map = kernel.maps.find((other) => other.nameOf(region) !== undefined);
      const global = map && nameGlobal?.(map, offset);
      return global === undefined
        ? `map_value ${map?.nameOf(region) ?? region.name}+${offset}`
        : `map_value ${map!.definition.globalSection} (${global})`;
    }
    case 'mem':
    case 'kernel':
    case 'user':
    case 'arena':
    case 'percpu':
      return `${region.name}${plus}`;
    default:
      return never(region.kind);
  }
}

/** The region an address is in, or directly behind (where packet_end and one-past-the-end pointers stand). */
function regionAt(kernel: Kernel, address: bigint): { region: Region; offset: number } | undefined {
  const inside = kernel.memory.find(address);
  if (inside) return { region: inside, offset: Number(address - inside.base) };
  const before = address > 0n ? kernel.memory.find(address - 1n) : undefined;
  return before && (before.kind === 'packet' || before.kind === 'stack') ? { region: before, offset: before.size } : undefined;
}

/** `fp-8` in the innermost frame, `fp[1]-8` in the frame that called it, as the verifier counts frames from the outermost. */
function stackName(frames: readonly Frame[], region: Region, address: bigint): string {
  const index = frames.findIndex(
    ({ framePointer }) =>
      framePointer > region.base &&
      framePointer <= region.base + BigInt(region.size) &&
      address <= framePointer &&
      address >= framePointer - 512n,
  );
  if (index < 0) return `${region.name}+${address - region.base}`;
  const distance = address - frames[index]!.framePointer;
  const fp = index === 0 ? 'fp' : `fp[${frames.length - 1 - index}]`;
  return distance === 0n ? fp : `${fp}${distance}`;
}
