// Breaks debug information at random and reads it: a result or problems, never a throw. For tests, quick and long.

import { readElf } from '#core/elf';
import { readDwarf, type CType, type ExpressionMachine } from './index.ts';

/** Registers hold 100 + their number, memory 7: computed values become comparable. */
export const machine: ExpressionMachine = {
  register: (register) => BigInt(100 + register),
  entryRegister: (register) => BigInt(200 + register),
  read: () => 7n,
  globalAddress: ({ offset }) => BigInt(1000 + offset),
};

/** Asks of a file what a debugger asks. True where variables were found. */
function explore(bytes: Uint8Array): boolean {
  const { elf } = readElf(bytes);
  const dwarf = elf ? readDwarf(elf).dwarf : undefined;
  if (!dwarf) return false;
  let looked = 0;
  for (const { ranges } of dwarf.functions.slice(0, 20)) {
    for (const { section, low, high } of ranges.slice(0, 4)) {
      for (let offset = low; offset < Math.min(high, low + 160); offset += 40) {
        for (const frame of dwarf.variablesAt({ section, offset })) {
          for (const one of frame.variables) {
            walk(one.type, 0);
            if (one.location.kind === 'computed') dwarf.evaluate(one.location, machine);
            if (one.location.kind === 'implicit-pointer') dwarf.pointee(one.location, { section, offset });
            looked++;
          }
        }
      }
    }
  }
  for (const one of dwarf.globals.slice(0, 50)) walk(one.type, 0);
  dwarf.startsOf('/source/variables.bpf.c', 34);
  return looked > 0;
}

function walk(type: CType, depth: number): void {
  if (depth > 5) return;
  if (type.kind === 'pointer') walk(type.target(), depth + 1);
  if (type.kind === 'record') for (const one of type.members().slice(0, 20)) walk(one.type, depth + 1);
  if (type.kind === 'function') walk(type.result(), depth + 1);
}

/** `count` files made from the originals by changing up to eight bytes of one debug section, every fifth cut off as well. */
export function fuzz(
  originals: readonly Uint8Array[],
  count: number,
  seed: number,
  clock: () => number,
): { survived: number; slowest: number } {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let survived = 0;
  let slowest = 0;
  for (let i = 0; i < count; i++) {
    const bytes = new Uint8Array(originals[i % originals.length]!);
    const debug = readElf(bytes).elf!.sections.filter((section) => section.name.startsWith('.debug_') && section.size > 0);
    const target = debug[random(debug.length)]!;
    for (let changes = 1 + random(8); changes > 0; changes--)
      bytes[target.offset + random(target.size)] = random(4) === 0 ? 0xff : random(256);
    const file = i % 5 === 4 ? bytes.subarray(0, random(bytes.length)) : bytes;
    const start = clock();
    if (explore(file)) survived++;
    slowest = Math.max(slowest, clock() - start);
  }
  return { survived, slowest };
}
