// Helper calls in generated programs, with arguments near what each asks for.

import { BPF_ADD, BPF_ALU64, BPF_DW, BPF_K, BPF_LD, BPF_MEM, BPF_ST, BPF_STX, BPF_B, BPF_H, BPF_W, BPF_ABS, BPF_IND } from '#core/isa';
import { ARRAY, EVENTS, FUZZ_MAPS, HASH, LOOKUPS, LRU, PERCPU, PROGS, QUEUE, RINGBUF } from './hooks.ts';
import type { Generator } from './generator.ts';
import { ANY_SCALAR, NONE, scalarUpTo } from './model.ts';

interface Call {
  readonly weight: number;
  readonly families?: readonly Generator['hook']['family'][];
  readonly types?: readonly string[];
  readonly write: (g: Generator) => void;
}

/** `size` bytes of initialised stack (mostly); the offset. */
function buffer(g: Generator, size: number): number {
  const off = -8 * (Math.ceil(size / 8) + g.random.below(3));
  for (let at = off; at < off + size; at += 8) {
    if (g.model.isWritten(at, 8) || g.random.chance(0.04)) continue;
    g.emit(BPF_ST | BPF_MEM | BPF_DW, 10, 0, at, g.random.chance(0.7) ? 0 : g.immediate());
    g.model.write(at, 8);
  }
  return off;
}

/** A size of at most `max` in the register: a constant or a bounded number. */
function size(g: Generator, register: number, max: number): void {
  if (g.random.chance(0.5)) return g.constant(register, g.random.chance(0.95) ? 1 + g.random.below(max) : g.immediate());
  const source = g.scalar();
  if (source !== register) g.move(register, source);
  if (g.random.chance(0.95)) g.bound(register, max);
  if (g.random.chance(0.2)) g.emit(BPF_ALU64 | BPF_ADD | BPF_K, register, 0, 0, g.random.below(3));
}

function context(g: Generator, register: number): boolean {
  const ctx = g.find('ctx');
  if (ctx === undefined) return false;
  if (ctx !== register) g.move(register, ctx);
  return true;
}

/** The helper wrote to the stack. */
function written(g: Generator, off: number, bytes: number): void {
  g.model.write(off, bytes);
}

function forgetPackets(g: Generator): void {
  g.model.registers = g.model.registers.map((value) => (value.kind === 'packet' || value.kind === 'end' ? NONE : value));
  for (const [off, value] of g.model.spills) if (value.kind === 'packet' || value.kind === 'end') g.model.spills.delete(off);
}

function pointerTo(g: Generator, register: number, bytes: number, off: number): void {
  const value = g.find('value');
  const content = value === undefined ? undefined : g.model.registers[value]!;
  if (value !== undefined && content?.kind === 'value' && !content.orNull && content.size - content.off >= bytes && g.random.chance(0.4)) {
    if (value !== register) g.move(register, value);
  } else g.stackPointer(register, off);
}

const CALLS: readonly Call[] = [
  { weight: 8, write: (g) => g.call(g.random.of([5, 7, 8])) },
  { weight: 5, write: (g) => g.lookup(g.random.of(LOOKUPS)) },
  {
    weight: 5,
    write: (g) => {
      const map = g.random.of([HASH, ARRAY, LRU, PERCPU]);
      const { keySize, valueSize } = FUZZ_MAPS[map]!;
      const off = buffer(g, 72);
      g.stackPointer(2, off + 72 - Math.max(8, keySize));
      pointerTo(g, 3, valueSize, off);
      g.constant(4, g.random.below(3));
      g.mapPointer(1, map);
      g.call(2);
    },
  },
  {
    weight: 2,
    write: (g) => {
      g.stackPointer(2, buffer(g, 8));
      g.mapPointer(1, g.random.of([HASH, LRU, ARRAY]));
      g.call(3);
    },
  },
  {
    weight: 4,
    families: ['tracing'],
    write: (g) => {
      const room = g.random.of([8, 16, 32]);
      const off = g.random.chance(0.5) ? buffer(g, room) : -room - 8 * g.random.below(2);
      const source = g.scalar();
      size(g, 2, room);
      if (source <= 2) g.constant(3, 0);
      else if (source !== 3) g.move(3, source);
      pointerTo(g, 1, room, off);
      g.call(g.random.of([4, 113, 112]));
      written(g, off, room);
    },
  },
  {
    weight: 2,
    families: ['tracing'],
    write: (g) => {
      const off = -16 - 8 * g.random.below(2);
      size(g, 2, 16);
      pointerTo(g, 1, 16, off);
      g.call(16);
      written(g, off, 16);
    },
  },
  {
    weight: 5,
    families: ['skb'],
    write: (g) => {
      const room = g.random.of([8, 16, 32]);
      const off = g.random.chance(0.4) ? buffer(g, room) : -room - 8 * g.random.below(2);
      size(g, 4, room);
      const start = g.scalar(4);
      if (start !== 2) g.move(2, start);
      g.stackPointer(3, off);
      if (!context(g, 1)) return;
      g.call(26);
      written(g, off, room);
    },
  },
  {
    weight: 2,
    types: ['sched_cls', 'lwt_xmit'],
    write: (g) => {
      const off = buffer(g, 16);
      size(g, 4, 16);
      g.constant(2, g.random.below(40));
      g.constant(5, 0);
      g.stackPointer(3, off);
      if (!context(g, 1)) return;
      g.call(9);
      if (g.random.chance(0.9)) forgetPackets(g);
    },
  },
  {
    weight: 3,
    types: ['xdp', 'sched_cls', 'lwt_xmit'],
    write: (g) => {
      const off = buffer(g, 32);
      g.constant(1, 0);
      g.constant(2, 0);
      size(g, 4, 32);
      g.stackPointer(3, off);
      g.constant(5, 0);
      g.call(28);
    },
  },
  {
    weight: 2,
    types: ['xdp'],
    write: (g) => {
      g.constant(2, g.random.below(16) - 8);
      if (!context(g, 1)) return;
      g.call(g.random.of([44, 65]));
      if (g.random.chance(0.9)) forgetPackets(g);
    },
  },
  {
    weight: 2,
    write: (g) => {
      const off = buffer(g, 24);
      size(g, 5, 24);
      g.stackPointer(4, off);
      g.mapPointer(2, EVENTS);
      g.emit(0x18, 3, 0, 0, -1);
      g.current.out.pop();
      g.wide(3, 0, -1, 0);
      g.model.registers[3] = ANY_SCALAR;
      if (!context(g, 1)) return;
      g.call(25);
    },
  },
  {
    weight: 3,
    write: (g) => {
      const off = buffer(g, 32);
      size(g, 3, 32);
      pointerTo(g, 2, 32, off);
      g.constant(4, 0);
      g.mapPointer(1, RINGBUF);
      g.call(130);
    },
  },
  {
    weight: 4,
    write: (g) => {
      // Records must be given back on every path: kept short.
      const bytes = g.random.of([8, 16, 24]);
      g.constant(2, bytes);
      g.constant(3, 0);
      g.mapPointer(1, RINGBUF);
      g.call(131);
      const record = g.kept();
      if (g.reserved.has(record)) return;
      g.model.registers[0] = { kind: 'record', size: bytes, orNull: true };
      g.move(record, 0);
      g.checkNull(record);
      g.reserved.add(record);
      const times = g.random.below(3);
      for (let i = 0; i < times; i++) g.access(record);
      if (g.random.chance(0.3)) g.statements(1);
      g.reserved.delete(record);
      if (g.random.chance(0.04)) return;
      g.move(1, record);
      g.constant(2, 0);
      g.call(g.random.of([132, 133]));
      g.model.registers = g.model.registers.map((value) => (value.kind === 'record' ? NONE : value));
    },
  },
  {
    weight: 2,
    types: ['xdp', 'sched_cls'],
    write: (g) => {
      const off = buffer(g, 16);
      g.stackPointer(2, off);
      g.constant(3, g.random.chance(0.9) ? 12 : 36);
      g.constant(4, -1);
      g.constant(5, 0);
      if (!context(g, 1)) return;
      g.call(84);
      const socket = g.kept();
      if (g.reserved.has(socket)) return;
      g.model.registers[0] = { kind: 'socket', orNull: true };
      g.move(socket, 0);
      g.checkNull(socket);
      if (g.random.chance(0.6)) {
        const dst = g.free();
        if (dst !== socket) g.load(dst, socket, 4 * g.random.below(10), [BPF_W, 4]);
      }
      if (g.random.chance(0.05)) return;
      g.move(1, socket);
      g.call(86);
      g.model.registers = g.model.registers.map((value) => (value.kind === 'socket' ? NONE : value));
    },
  },
  {
    weight: 3,
    write: (g) => {
      // Queue: push, pop, peek.
      const off = buffer(g, 16);
      const helper = g.random.of([87, 88, 89]);
      if (helper === 87) g.constant(3, 0);
      g.stackPointer(2, off);
      g.mapPointer(1, QUEUE);
      g.call(helper);
    },
  },
  {
    weight: 2,
    write: (g) => {
      if (g.current.kind === 'callback') return;
      const index = g.scalar();
      if (index !== 3) g.move(3, index);
      g.mapPointer(2, PROGS);
      if (!context(g, 1)) return;
      g.call(12);
    },
  },
  {
    weight: 6,
    write: (g) => {
      if (!g.roomForFunctions) return;
      const rounds = g.random.chance(0.6) ? undefined : g.scalar();
      if (rounds === undefined) g.constant(1, g.random.below(10));
      else if (rounds !== 1) g.move(1, rounds);
      const withStack = g.random.chance(0.6);
      if (withStack) g.stackPointer(3, buffer(g, 8));
      else g.constant(3, g.random.below(100));
      g.constant(4, 0);
      g.callback(2, [ANY_SCALAR, withStack ? { kind: 'value', size: 8, off: 0, orNull: false } : ANY_SCALAR]);
      g.call(181);
    },
  },
  {
    weight: 3,
    write: (g) => {
      if (!g.roomForFunctions) return;
      const map = g.random.of([HASH, ARRAY, PERCPU]);
      g.stackPointer(3, buffer(g, 8));
      g.constant(4, 0);
      g.callback(2, [
        NONE,
        NONE,
        { kind: 'value', size: FUZZ_MAPS[map]!.valueSize, off: 0, orNull: false },
        { kind: 'value', size: 8, off: 0, orNull: false },
      ]);
      g.mapPointer(1, map);
      g.call(164);
    },
  },
  {
    weight: 3,
    families: ['skb'],
    write: (g) => {
      // Old packet loads: the context in r6, r0 to r5 gone.
      if (!g.context || g.model.registers[6]!.kind !== 'ctx') return;
      const field = g.random.of([BPF_B, BPF_H, BPF_W]);
      if (g.random.chance(0.5)) g.emit(BPF_LD | BPF_ABS | field, 0, 0, 0, g.random.below(60));
      else g.emit(BPF_LD | BPF_IND | field, 0, g.scalar(), 0, g.random.below(60));
      g.clobber();
      g.model.registers[0] = scalarUpTo(0xffff_ffff);
    },
  },
  {
    weight: 1,
    write: (g) => {
      g.emit(BPF_STX | BPF_MEM | BPF_DW, 10, g.scalar(), -8);
      g.model.write(-8, 8);
      g.call(g.random.below(212));
    },
  },
];

export function callStatement(g: Generator): void {
  const { family, type } = g.hook;
  g.weighted(CALLS.filter(({ families, types }) => (families?.includes(family) ?? true) && (types?.includes(type) ?? true))).write(g);
}
