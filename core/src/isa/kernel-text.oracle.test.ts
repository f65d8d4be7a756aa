// Our text of an instruction against the running kernel's: its verifier prints each instruction before it judges it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKernel, type KernelBridge } from '#test/kernel';
import { assemble, BPF_PSEUDO_CALL, formatKernelInsn, INSTRUCTIONS, type Insn, type Instruction } from './index.ts';

let kernel: KernelBridge | undefined;
beforeAll(async () => {
  kernel = await openKernel();
});
afterAll(() => kernel?.close());

const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ opcode, dst, src, off, imm });
const EXIT = [insn(0xb7), insn(0x95)];

/** Registers and the upper 16 bytes of stack hold scalars, r6 the context: whatever comes next has something to work on. */
function prologue(): Insn[] {
  const insns = [insn(0xbf, 6, 1)];
  for (const register of [0, 1, 2, 3, 4, 5, 7, 8, 9]) insns.push(insn(0xb7, register, 0, 0, register + 1));
  insns.push(insn(0x7a, 10, 0, -8, 1), insn(0x7a, 10, 0, -16, 2));
  return insns;
}

/** The form with operands that get it past the passes that run before anything is printed. */
function sample(row: Instruction): Insn[] {
  const memory = ['load', 'load_sx', 'load_acquire'].includes(row.kind);
  const stores = ['store', 'store_release', 'atomic'].includes(row.kind);
  const one = insn(
    row.opcode,
    row.uses.includes('dst') ? (stores ? 10 : 2) : 0,
    row.uses.includes('src') ? (memory ? 10 : 3) : 0,
    row.uses.includes('off') ? (memory || stores ? -8 : 0) : 0,
    row.uses.includes('imm') && row.kind !== 'goto' ? 7 : 0,
  );
  if (row.kind === 'call') one.imm = row.operation === 'helper' ? 5 : 2;
  Object.assign(one, row.fixed);
  return row.kind === 'ld_imm64' ? [one, insn(0, 0, 0, 0, row.usesNextImm ? 1 : 0)] : [one];
}

/** Not printed: refused by a pass before (maps, BTF ids and kfuncs that are not there, callx), or made by the kernel itself. */
const UNPRINTED = (row: Instruction): boolean =>
  (row.kind === 'ld_imm64' && row.operation !== 'value') || ['callx', 'kfunc'].includes(row.operation) || row.kernelInternal === true;

describe("the kernel's text", () => {
  it.each(INSTRUCTIONS.filter((row) => !UNPRINTED(row)).map((row) => [row.id, row] as const))('%s', async (_id, row) => {
    if (!kernel) return;
    const before = prologue();
    const local = row.operation === 'local';
    // Behind an exit everything would be unreachable, and that is refused before anything is printed.
    const insns = [...before, ...sample(row), ...(row.kind === 'exit' ? [] : EXIT), ...(local ? EXIT : [])];
    const { log, fd, verdict } = await kernel.load({ type: 'socket_filter', insns, logLevel: 2, license: 'GPL' });
    if (fd >= 0) await kernel.closeFd(fd);
    const line = log.split('\n').find((text) => text.startsWith(`${before.length}: (`));
    expect(line, log.slice(-400)).toBeDefined();
    const text = line!.replace(/^\d+: /, '').replace(/\s*;.*$/, '');
    expect(formatKernelInsn(insns, before.length, { helperName: (id) => (id === 5 ? 'bpf_ktime_get_ns' : undefined) })).toBe(text);
    // Kernels that print live registers show every instruction there: the whole log assembles back.
    if (verdict === 'loaded' && log.includes('Live regs before insn')) {
      const object = assemble(log, { helperId: (name) => (name === 'bpf_ktime_get_ns' ? 5 : undefined) });
      expect(object.problems).toEqual([]);
      expect(object.sections[0]!.insns).toEqual(insns);
    }
    if (local) expect(insns[before.length]!.src).toBe(BPF_PSEUDO_CALL);
  });
});
