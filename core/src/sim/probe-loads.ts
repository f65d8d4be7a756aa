// Which loads of a program go through a pointer that the kernel gave it by type: those never fault. Where nothing is mapped the kernel's
// exception table makes them read zero (BPF_PROBE_MEM). Found by following pointers from where they come: typed contexts, helpers and
// kfuncs that return kernel structs, typed kernel symbols. It says nothing of whether the verifier accepts a load.

import { helperById, kfuncByName } from '#core/catalog';
import { BPF_PSEUDO_BTF_ID, BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, isLdImm64, type Insn } from '#core/isa';
import type { Program } from '#core/program';

/** What a register or stack slot may hold, as bits: joins are unions. */
const OTHER = 1;
const CTX = 2;
const KERNEL = 4;

const REGISTERS = 11;
const SLOTS = 64;
type Values = Uint8Array;

/** Types whose context is an array of typed arguments (or pointers to structs, of iterators). */
const TYPED_CONTEXTS = new Set(['tracing', 'lsm', 'struct_ops']);

const CLASS = 7;
const LDX = 1;
const ST = 2;
const STX = 3;
const JMP = 5;
const JMP32 = 6;
const ALU64 = 7;
const DW = 0x18;
const MODE = 0xe0;
const MEM = 0x60;
const MEMSX = 0x80;

/** One byte a slot: 1 where a load that fails reads zero. */
export function probeLoads(program: Program): Uint8Array {
  const { insns } = program;
  const typed = TYPED_CONTEXTS.has(program.type ?? '');
  const found = new Uint8Array(insns.length);
  const states: (Values | undefined)[] = new Array<Values | undefined>(insns.length);
  const work: number[] = [];
  const returned = new Map<number, number>();
  const callers = new Map<number, number[]>();
  const subprogramAt = (slot: number): number => program.subprograms.find(({ start, end }) => slot >= start && slot < end)?.start ?? 0;

  const flow = (slot: number, values: Values): void => {
    if (slot < 0 || slot >= insns.length) return;
    const known = states[slot];
    if (!known) {
      states[slot] = values.slice();
      work.push(slot);
      return;
    }
    let changed = false;
    for (let i = 0; i < known.length; i++) {
      const joined = known[i]! | values[i]!;
      if (joined !== known[i]) {
        known[i] = joined;
        changed = true;
      }
    }
    if (changed) work.push(slot);
  };

  for (const { start } of program.subprograms) {
    const entry = new Uint8Array(REGISTERS + SLOTS).fill(OTHER);
    if (start === 0) entry[1] = CTX;
    flow(start, entry);
  }
  while (work.length > 0) {
    const slot = work.pop()!;
    const insn = insns[slot]!;
    const values = states[slot]!.slice();
    const next = step(insn, slot, values);
    for (const target of next) flow(target, values);
  }
  return found;

  function step(insn: Insn, slot: number, values: Values): readonly number[] {
    const { opcode, dst, src, imm, off } = insn;
    const stackSlot = (base: number): number => {
      const at = (512 + off) >> 3;
      return base === 10 && at >= 0 && at < SLOTS ? REGISTERS + at : -1;
    };
    if (isLdImm64(insn)) {
      values[dst] = src === BPF_PSEUDO_BTF_ID ? KERNEL : OTHER;
      return [slot + 2];
    }
    switch (opcode & CLASS) {
      case LDX: {
        const base = values[src]!;
        const mode = opcode & MODE;
        const whole = (opcode & 0x18) === DW && mode === MEM;
        if ((base & KERNEL) !== 0 && (mode === MEM || mode === MEMSX)) found[slot] = 1;
        const saved = stackSlot(src);
        values[dst] =
          saved >= 0 && whole ? values[saved]! : whole && ((base & KERNEL) !== 0 || ((base & CTX) !== 0 && typed)) ? KERNEL : OTHER;
        break;
      }
      case ST:
      case STX: {
        const saved = stackSlot(dst);
        if (saved >= 0)
          values[saved] = (opcode & CLASS) === STX && (opcode & 0x18) === DW && (opcode & MODE) === MEM ? values[src]! : OTHER;
        break;
      }
      case ALU64: {
        const operation = opcode & 0xf0;
        const register = (opcode & 8) !== 0;
        if (operation === 0xb0) values[dst] = register ? values[src]! : OTHER;
        else if (operation === 0x00) values[dst] = values[dst]! | (register ? values[src]! & ~CTX : 0);
        else if (operation !== 0x10) values[dst] = OTHER;
        break;
      }
      case JMP:
      case JMP32: {
        const operation = opcode & 0xf0;
        if (operation === 0x90) {
          const from = subprogramAt(slot);
          const joined = (returned.get(from) ?? 0) | values[0]!;
          if (joined !== returned.get(from)) {
            returned.set(from, joined);
            work.push(...(callers.get(from) ?? []));
          }
          return [];
        }
        if (operation === 0x80) {
          call(insn, slot, values);
          break;
        }
        if (operation === 0x00) return [slot + 1 + ((opcode & CLASS) === JMP32 ? imm : off)];
        return [slot + 1, slot + 1 + off];
      }
      default:
        values[dst] = OTHER;
    }
    return [slot + 1];
  }

  function call({ src, imm }: Insn, slot: number, values: Values): void {
    let result = OTHER;
    if (src === BPF_PSEUDO_CALL) {
      const target = slot + 1 + imm;
      const entry = new Uint8Array(REGISTERS + SLOTS).fill(OTHER);
      for (let register = 1; register <= 5; register++) entry[register] = values[register]!;
      flow(target, entry);
      const known = callers.get(target) ?? [];
      if (!known.includes(slot)) callers.set(target, [...known, slot]);
      result = returned.get(target) ?? OTHER;
    } else if (src === BPF_PSEUDO_KFUNC_CALL) {
      const row = kfuncByName(program.kfuncs[imm] ?? '');
      // void * is memory, but for what bpf_rdonly_cast makes of anything.
      if (row && (/^(const )?struct .*\*$/.test(row.returnType) || row.name === 'bpf_rdonly_cast')) result = KERNEL;
    } else {
      const row = helperById(imm);
      if (row?.rules?.some(({ returns }) => /btf_id/.test(returns.kind))) result = KERNEL;
    }
    values.fill(OTHER, 1, 6);
    values[0] = result;
  }
}
