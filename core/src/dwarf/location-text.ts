// Locations as people read them: `r1`, `fp-8`, `*(r6+4)`, `42`, `.bss+8`.

import { never } from '#core/problem';
import type { Location } from './expression.ts';

const signed = (value: number): string => (value < 0 ? String(value) : `+${value}`);

/** `sectionName` turns a section's index into its name; without it globals read `section 5+8`. */
export function describeLocation(location: Location, sectionName?: (index: number) => string | undefined): string {
  switch (location.kind) {
    case 'register':
      return `r${location.register}`;
    case 'memory':
      return location.register === 10 ? `fp${signed(location.offset)}` : `*(r${location.register}${signed(location.offset)})`;
    case 'global':
      return `${sectionName?.(location.address.section) ?? `section ${location.address.section}`}+${location.address.offset}`;
    case 'constant':
      return String(BigInt.asIntN(64, location.value));
    case 'bytes':
      return `bytes ${Array.from(location.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
    case 'computed':
      return location.isAddress ? 'in memory at a computed address' : 'computed';
    case 'pieces':
      return `{${location.pieces.map(({ bits, location: part }) => `${bits % 8 === 0 ? bits / 8 : `${bits} bits`}: ${describeLocation(part, sectionName)}`).join(', ')}}`;
    case 'implicit-pointer':
      return 'a pointer to a variable that is known';
    case 'optimised-out':
      return `optimised out: ${location.reason}`;
    default:
      return never(location);
  }
}
