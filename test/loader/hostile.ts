// Damages objects and BTF in many ways and checks what the readers promise: a result or problems, never a throw, never slow.

import { definitionOf, formatValue, readBtf, sizeOf, type Btf } from '#core/btf';
import { loadObject } from '#core/program';

/** A small generator with a seed: the same case again from its number (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * below);
  };
}

const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x100_0000, 24, 64];

/** Parts of the file worth aiming at: headers and tables are small beside debug information. */
export interface Target {
  name: string;
  bytes: Uint8Array;
  regions: readonly { start: number; end: number }[];
}

/** One damaged copy: cut off, bytes or words overwritten, blocks moved or zeroed. */
export function damage(target: Target, seed: number): Uint8Array {
  const random = randomFrom(seed);
  let bytes = new Uint8Array(target.bytes);
  if (random(6) === 0) bytes = bytes.slice(0, random(bytes.length + 1));
  const view = new DataView(bytes.buffer);
  const place = (size: number): number => {
    const region =
      random(4) === 0 || target.regions.length === 0 ? { start: 0, end: bytes.length } : target.regions[random(target.regions.length)]!;
    const from = Math.min(region.start, bytes.length);
    return Math.min(from + random(Math.max(1, Math.min(region.end, bytes.length) - from)), bytes.length - size);
  };
  for (let n = random(12); n > 0 && bytes.length >= 16; n--) {
    switch (random(6)) {
      case 0:
        bytes[place(1)] = random(256);
        break;
      case 1:
        view.setUint32(place(4), INTERESTING[random(INTERESTING.length)]!, true);
        break;
      case 2:
        view.setUint32(place(4) & ~3, random(256), true);
        break;
      case 3:
        view.setBigUint64(place(8) & ~7, random(2) === 0 ? 0xffff_ffff_ffff_ffffn : BigInt(random(1 << 30)), true);
        break;
      case 4: {
        const size = Math.min(random(64), bytes.length);
        bytes.copyWithin(place(size), place(size), place(size) + size);
        break;
      }
      default: {
        const size = Math.min(random(32), bytes.length);
        const at = place(size);
        bytes.fill(0, at, at + size);
      }
    }
  }
  return bytes;
}

/** What a child process found: the worst cases, or the case that threw. */
export interface HostileReport {
  failed?: string;
  /** Milliseconds of processor time. */
  slowest: { value: number; what: string };
  /** Megabytes of memory above what the process had before any case. */
  largest: { value: number; what: string };
}

/** Time of this process, so that a busy machine fails no test. */
function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Loads, and reads what came out; returns milliseconds of processor time. Throws only where a reader does: that is the test's failure. */
export function exercise(bytes: Uint8Array, kernelBtf: Btf | undefined): number {
  const start = cpuMilliseconds();
  const object = loadObject(bytes, 'hostile.bpf.o', kernelBtf ? { kernelBtf } : {});
  if (object.programs.length === 0 && object.problems.length === 0 && object.maps.length === 0 && !object.btf && bytes.length < 64)
    throw new Error('nothing was read and nothing was said');
  for (const program of object.programs) {
    for (const insn of program.insns) if (!Number.isInteger(insn.imm)) throw new Error(`imm ${insn.imm} in ${program.name}`);
    for (const { insn } of program.lines) if (insn > program.insns.length) throw new Error(`a line at ${insn} in ${program.name}`);
  }
  if (object.btf) exerciseBtf(object.btf);
  return cpuMilliseconds() - start;
}

/** Prints and formats every type of a (damaged) BTF; returns milliseconds of processor time. */
export function exerciseBtfBytes(bytes: Uint8Array): number {
  const start = cpuMilliseconds();
  const { btf, problems } = readBtf(bytes);
  if (!btf && problems.length === 0) throw new Error('nothing was read and nothing was said');
  if (btf) exerciseBtf(btf);
  return cpuMilliseconds() - start;
}

function exerciseBtf(btf: Btf): void {
  const zeros = new Uint8Array(256);
  // Forty types, spread over all of them: the promise is about one question, not about a thousand in a row.
  for (let id = 0; id < btf.typeCount; id += Math.ceil(btf.typeCount / 40)) {
    const size = sizeOf(btf, id);
    definitionOf(btf, id);
    formatValue(btf, id, size !== undefined && size < 256 ? zeros.subarray(0, size) : zeros, { elements: 8 });
    btf.declTags(id);
  }
  btf.find('task_struct', 'struct');
  btf.findFlavours('x');
}
