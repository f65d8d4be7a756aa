// Puts one program together: its main function, then every function it calls or takes the address of, in the order in
// which libbpf appends them (depth first, at the first call), with all relocations applied.

import { BPF_CALL, BPF_JMP, BPF_PSEUDO_BTF_ID, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, INSN_SIZE, isCall, isLdImm64, type Insn } from '#core/isa';
import type { Btf } from '#core/btf';
import { error, type Problem } from '#core/problem';
import type { FunctionCode, Patch } from './code.ts';
import type { Externs, KernelExtern } from './externs.ts';
import type { KernelSymbol, LineRecord, Subprogram } from './types.ts';

/** What libbpf puts in the place of a call to a kfunc that the kernel does not have: a helper number that does not exist. */
const POISONED_KFUNC_CALL = 2_002_000_000;
/** Linux limits a program to a million instructions; a file that claims more functions than that is damaged. */
const MAX_SLOTS = 1 << 20;

export interface CodeIndex {
  /** The function that holds this slot of this section. */
  at(section: number, slot: number): FunctionCode | undefined;
}

export function indexFunctions(functions: readonly FunctionCode[]): CodeIndex {
  const bySection = new Map<number, FunctionCode[]>();
  for (const one of functions) {
    const list = bySection.get(one.section.index);
    if (list) list.push(one);
    else bySection.set(one.section.index, [one]);
  }
  return {
    at: (section, slot) => bySection.get(section)?.find((one) => slot >= one.start && slot < one.start + one.insns.length),
  };
}

export interface Assembled {
  insns: Insn[];
  subprograms: Subprogram[];
  lines: LineRecord[];
  kfuncs: string[];
  ksyms: KernelSymbol[];
  /** Functions in the order of their subprograms. */
  functions: FunctionCode[];
  problems: Problem[];
}

export interface AssembleInput {
  code: CodeIndex;
  /** A function's slots after CO-RE; the array is not changed. */
  slotsOf: (code: FunctionCode) => readonly Insn[];
  externs: Externs;
  kconfigMap: number;
  btf: Btf | undefined;
}

export function assembleProgram(main: FunctionCode, input: AssembleInput): Assembled {
  const result: Assembled = { insns: [], subprograms: [], lines: [], kfuncs: [], ksyms: [], functions: [], problems: [] };
  const placed = new Map<FunctionCode, number>();
  // Depth-first order without recursion: a chain of calls may be as long as a damaged file likes.
  const open: { code: FunctionCode; next: number }[] = [];
  const place = (code: FunctionCode): void => {
    placed.set(code, result.insns.length);
    result.functions.push(code);
    result.subprograms.push(subprogramOf(code, result.insns.length, input.btf));
    for (const insn of input.slotsOf(code)) result.insns.push({ ...insn });
    open.push({ code, next: 0 });
  };
  place(main);
  while (open.length > 0) {
    const top = open.at(-1)!;
    const { code } = top;
    let callee: FunctionCode | undefined;
    while (top.next < code.insns.length && !callee) {
      const slot = top.next++;
      const target = calledFrom(code, slot, code.insns[slot]!);
      if (!target) continue;
      const found = input.code.at(target.section, target.slot);
      if (!found || target.slot !== found.start) {
        fail(result, code, slot, `calls into section slot ${target.slot}, where no function starts`);
      } else if (!placed.has(found)) {
        if (result.insns.length + found.insns.length > MAX_SLOTS) fail(result, code, slot, `with ${found.name} the program is longer than ${MAX_SLOTS} instructions`);
        else callee = found;
      }
    }
    if (callee) place(callee);
    else open.pop();
  }
  for (const [code, start] of placed) {
    for (let slot = 0; slot < code.insns.length; slot++) {
      const target = calledFrom(code, slot, code.insns[slot]!);
      const insn = result.insns[start + slot]!;
      if (target) {
        const found = input.code.at(target.section, target.slot);
        const at = found && placed.get(found);
        if (at === undefined || target.slot !== found!.start) continue;
        insn.imm = at - (start + slot) - 1;
        if (isLdImm64(insn)) {
          insn.src = BPF_PSEUDO_FUNC;
          const second = result.insns[start + slot + 1];
          if (second) second.imm = 0;
        }
        continue;
      }
      const patch = code.patches.get(slot);
      if (patch) applyPatch(result, input, code, slot, start + slot, patch);
      else if (namesNothing(insn)) insn.imm = -1;
    }
    addLines(result.lines, code, start);
  }
  result.lines.sort((a, b) => a.insn - b.insn);
  return result;
}

/** A number written by hand where a map, a kernel type or a kfunc is meant: no index of ours, so none that could be mistaken for one. */
const namesNothing = (insn: Insn): boolean =>
  (isLdImm64(insn) && insn.src >= BPF_PSEUDO_MAP_FD && insn.src <= BPF_PSEUDO_BTF_ID) || (isCall(insn) && insn.src === BPF_PSEUDO_KFUNC_CALL);

function fail(result: Assembled, code: FunctionCode, slot: number, message: string): void {
  result.problems.push(error(`function ${code.name}, instruction ${slot}: ${message}`, { code: 'relocation', section: code.section.name, offset: code.section.offset + (code.start + slot) * INSN_SIZE }));
}

/** The function that this slot calls or whose address it takes, inside the object. */
function calledFrom(code: FunctionCode, slot: number, insn: Insn): { section: number; slot: number } | undefined {
  const patch = code.patches.get(slot);
  if (patch) return patch.kind === 'call' || patch.kind === 'function' ? patch : undefined;
  // A call inside its own section may need no relocation.
  if (isCall(insn) && insn.src === BPF_PSEUDO_CALL) return { section: code.section.index, slot: code.start + slot + insn.imm + 1 };
  return undefined;
}

function subprogramOf(code: FunctionCode, start: number, btf: Btf | undefined): Subprogram {
  const type = btf && code.funcTypeId !== undefined ? btf.type(code.funcTypeId) : undefined;
  const linkage = code.hidden ? 'static' : type?.kind === 'func' ? type.linkage : code.local ? 'static' : 'global';
  return {
    name: code.name,
    start,
    end: start + code.insns.length,
    ...(code.funcTypeId === undefined ? {} : { funcTypeId: code.funcTypeId }),
    linkage,
    origin: { section: code.section.name, sectionIndex: code.section.index, offset: code.start * INSN_SIZE },
  };
}

function applyPatch(result: Assembled, input: AssembleInput, code: FunctionCode, slot: number, at: number, patch: Patch): void {
  const insn = result.insns[at]!;
  const second = result.insns[at + 1];
  const wide = (src: number, low: number, high: number): void => {
    insn.src = src;
    insn.imm = low | 0;
    if (second) second.imm = high | 0;
  };
  switch (patch.kind) {
    case 'map':
      return wide(BPF_PSEUDO_MAP_FD, patch.map, 0);
    case 'value':
      return wide(BPF_PSEUDO_MAP_VALUE, patch.map, patch.offset);
    case 'call':
    case 'function':
      return;
    case 'extern':
    case 'extern-call': {
      const extern = input.externs.byName.get(patch.name);
      if (!extern) return fail(result, code, slot, `${patch.name} is declared extern and found nowhere; link the object that defines it with \`bpftool gen object\`, or declare it with __ksym or __kconfig`);
      if (extern.kind === 'kconfig') return patch.kind === 'extern' ? wide(BPF_PSEUDO_MAP_VALUE, input.kconfigMap, extern.offset) : fail(result, code, slot, `${patch.name} is a kernel option, not a function`);
      if (!extern.found && !extern.weak) fail(result, code, slot, missing(extern));
      if (patch.kind === 'extern') return loadSymbol(result, extern, wide);
      if (!extern.function) return fail(result, code, slot, `${patch.name} is called but declared as a variable`);
      return callKfunc(result, input, extern, insn);
    }
  }
}

const missing = (extern: KernelExtern): string => `the target kernel has no ${extern.function ? 'kfunc' : 'variable'} ${extern.name}${extern.typed ? ' of this type in its BTF' : ''}; declare it __weak and test it with bpf_ksym_exists() where it is optional`;

function callKfunc(result: Assembled, input: AssembleInput, extern: KernelExtern, insn: Insn): void {
  if (extern.found) {
    let index = result.kfuncs.indexOf(extern.name);
    if (index < 0) index = result.kfuncs.push(extern.name) - 1;
    insn.src = BPF_PSEUDO_KFUNC_CALL;
    insn.imm = index;
    return;
  }
  insn.opcode = BPF_JMP | BPF_CALL;
  insn.dst = 0;
  insn.src = 0;
  insn.off = 0;
  insn.imm = POISONED_KFUNC_CALL + externIndex(input.externs, extern);
}

/** Place in libbpf's list of externs: kernel options first, then kernel symbols by name. */
function externIndex(externs: Externs, extern: KernelExtern): number {
  const options = [...externs.byName.values()].filter(({ kind }) => kind === 'kconfig').length;
  const symbols = [...externs.byName.values()].filter(({ kind }) => kind === 'ksym').map(({ name }) => name);
  return options + symbols.sort((a, b) => (a < b ? -1 : 1)).indexOf(extern.name);
}

function loadSymbol(result: Assembled, extern: KernelExtern, wide: (src: number, low: number, high: number) => void): void {
  if (!extern.typed) {
    const address = extern.address ?? 0n;
    return wide(0, Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
  }
  if (!extern.found) return wide(0, 0, 0);
  let index = result.ksyms.findIndex(({ name }) => name === extern.name);
  if (index < 0) {
    const { name, weak, typeId, kernelTypeId } = extern;
    index = result.ksyms.push({ name, weak, typeId, ...(kernelTypeId === undefined ? {} : { kernelTypeId }) }) - 1;
  }
  wide(BPF_PSEUDO_BTF_ID, index, 0);
}

function addLines(lines: LineRecord[], code: FunctionCode, start: number): void {
  const first = code.start * INSN_SIZE;
  const end = first + code.insns.length * INSN_SIZE;
  for (const { offset, file, line, column, text } of code.records?.lines ?? []) {
    if (offset >= first && offset < end) lines.push({ insn: start + Math.floor((offset - first) / INSN_SIZE), file, line, column, text });
  }
}
