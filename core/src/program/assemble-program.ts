// Puts one program together: its main function, then every function it calls or takes the address of, in the order in
// which libbpf appends them (depth first, at the first call), with all relocations applied.

import {
  BPF_CALL,
  BPF_DW,
  BPF_IMM,
  BPF_JMP,
  BPF_LD,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  INSN_SIZE,
} from '#core/isa';
import type { Btf } from '#core/btf';
import { error, note, type Problem } from '#core/problem';
import { placeOf, type FunctionCode, type Patch } from './code.ts';
import type { Externs, KernelExtern } from './externs.ts';
import { InsnBytes } from './insn-bytes.ts';
import type { KernelSymbol, LineRecord, Subprogram } from './types.ts';

const CALL = BPF_JMP | BPF_CALL;
const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;
/** What libbpf puts in the place of a call to a kfunc that the kernel does not have: a helper number that does not exist. */
const POISONED_KFUNC_CALL = 2_002_000_000;
/** Linux limits a program to a million instructions; a file that claims more functions than that is damaged. */
const MAX_SLOTS = 1 << 20;

export interface CodeIndex {
  /** The function that begins at this slot of this section. */
  at(section: number, slot: number): FunctionCode | undefined;
}

export function indexFunctions(functions: readonly FunctionCode[]): CodeIndex {
  const byStart = new Map(functions.map((one) => [placeKey(one.section.index, one.start), one]));
  return { at: (section, slot) => byStart.get(placeKey(section, slot)) };
}

const placeKey = (section: number, slot: number): number => section * 2 ** 32 + slot;

export interface Assembled {
  /** The relocated instructions. */
  code: InsnBytes;
  subprograms: Subprogram[];
  kfuncs: string[];
  ksyms: KernelSymbol[];
  /** Functions in the order of their subprograms. */
  functions: FunctionCode[];
  problems: Problem[];
}

export interface AssembleInput {
  code: CodeIndex;
  /** A function's slots after CO-RE; the array is not changed. */
  slotsOf: (code: FunctionCode) => InsnBytes;
  externs: Externs;
  kconfigMap: number;
  btf: Btf | undefined;
  /** Calls of kfuncs that the kernel lacks stay calls of kfuncs, of none. */
  leavesMissingCalls: boolean;
}

export function assembleProgram(main: FunctionCode, input: AssembleInput): Assembled {
  const problems: Problem[] = [];
  const placed = placeFunctions(main, input, problems);
  const functions = [...placed.keys()];
  const code = new InsnBytes(new Uint8Array(functions.reduce((sum, one) => sum + one.insns.length, 0) * INSN_SIZE));
  const result: Assembled = { code, subprograms: [], kfuncs: [], ksyms: [], functions, problems };
  for (const [one, start] of placed) {
    code.bytes.set(input.slotsOf(one).bytes, start * INSN_SIZE);
    result.subprograms.push(subprogramOf(one, start, input.btf));
  }
  for (const [one, start] of placed) {
    for (const slot of one.sites) relocateSite(result, input, placed, one, slot, start + slot);
  }
  return result;
}

/** The functions of a program with the slot where each begins: depth first, each at its first call. */
function placeFunctions(main: FunctionCode, input: AssembleInput, problems: Problem[]): Map<FunctionCode, number> {
  const placed = new Map<FunctionCode, number>();
  let length = 0;
  // Without recursion: a chain of calls may be as long as a damaged file likes.
  const open: { code: FunctionCode; next: number }[] = [];
  const place = (code: FunctionCode): void => {
    placed.set(code, length);
    length += code.insns.length;
    open.push({ code, next: 0 });
  };
  place(main);
  while (open.length > 0) {
    const top = open.at(-1)!;
    const { code } = top;
    let callee: FunctionCode | undefined;
    while (top.next < code.sites.length && !callee) {
      const slot = code.sites[top.next++]!;
      const target = calledFrom(code, slot);
      if (!target) continue;
      const found = input.code.at(target.section, target.slot);
      if (!found) {
        fail(problems, code, slot, `calls into section slot ${target.slot}, where no function starts`);
      } else if (!placed.has(found)) {
        if (length + found.insns.length > MAX_SLOTS)
          fail(problems, code, slot, `with ${found.name} the program is longer than ${MAX_SLOTS} instructions`);
        else callee = found;
      }
    }
    if (callee) place(callee);
    else open.pop();
  }
  return placed;
}

/** `at` is the place of the function's `slot` in the program. */
function relocateSite(
  result: Assembled,
  input: AssembleInput,
  placed: ReadonlyMap<FunctionCode, number>,
  one: FunctionCode,
  slot: number,
  at: number,
): void {
  const { code } = result;
  const target = calledFrom(one, slot);
  if (target) {
    const found = input.code.at(target.section, target.slot);
    const start = found && placed.get(found);
    if (start === undefined) return;
    code.setImm(at, start - at - 1);
    if (code.opcode(at) !== LD_IMM64) return;
    code.setSrc(at, BPF_PSEUDO_FUNC);
    if (at + 1 < code.length) code.setImm(at + 1, 0);
    return;
  }
  const patch = one.patches.get(slot);
  if (patch) applyPatch(result, input, one, slot, at, patch);
  else if (namesNothing(code, at)) code.setImm(at, -1);
}

/** A number written by hand where a map, a kernel type or a kfunc is meant: no index of ours, so none that could be mistaken for one. */
function namesNothing(code: InsnBytes, at: number): boolean {
  const src = code.src(at);
  return code.opcode(at) === LD_IMM64
    ? src >= BPF_PSEUDO_MAP_FD && src <= BPF_PSEUDO_BTF_ID
    : code.opcode(at) === CALL && src === BPF_PSEUDO_KFUNC_CALL;
}

function fail(problems: Problem[], code: FunctionCode, slot: number, message: string): void {
  problems.push(
    error(`function ${code.name}, instruction ${slot}: ${message}`, {
      code: 'relocation',
      ...placeOf(code.section, code.records, (code.start + slot) * INSN_SIZE),
    }),
  );
}

/** The function that this slot calls or whose address it takes, inside the object. */
function calledFrom(code: FunctionCode, slot: number): { section: number; slot: number } | undefined {
  const patch = code.patches.get(slot);
  if (patch) return patch.kind === 'call' || patch.kind === 'function' ? patch : undefined;
  // A call inside its own section may need no relocation.
  if (code.insns.opcode(slot) === CALL && code.insns.src(slot) === BPF_PSEUDO_CALL)
    return { section: code.section.index, slot: code.start + slot + code.insns.imm(slot) + 1 };
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
  const wide = (src: number, low: number, high: number): void => {
    result.code.setSrc(at, src);
    result.code.setImm(at, low);
    if (at + 1 < result.code.length) result.code.setImm(at + 1, high);
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
      if (!extern)
        return fail(
          result.problems,
          code,
          slot,
          `${patch.name} is declared extern and found nowhere; link the object that defines it with \`bpftool gen object\`, or declare it with __ksym or __kconfig`,
        );
      if (extern.kind === 'kconfig')
        return patch.kind === 'extern'
          ? wide(BPF_PSEUDO_MAP_VALUE, input.kconfigMap, extern.offset)
          : fail(result.problems, code, slot, `${patch.name} is a kernel option, not a function`);
      if (!extern.found && !extern.weak) fail(result.problems, code, slot, missing(extern));
      if (patch.kind === 'extern' && !extern.typed && !extern.weak && extern.address === undefined && extern.found)
        sayNoAddress(result, code, slot, extern);
      if (patch.kind === 'extern') return loadSymbol(result, extern, wide);
      if (!extern.function) return fail(result.problems, code, slot, `${patch.name} is called but declared as a variable`);
      return callKfunc(result, input, extern, at);
    }
  }
}

const missing = (extern: KernelExtern): string =>
  `the target kernel has no ${extern.function ? 'kfunc' : 'variable'} ${extern.name}${extern.typed ? ' of this type in its BTF' : ''}; declare it __weak and test it with bpf_ksym_exists() where it is optional`;

/** Once for each symbol of a program: the number 0 would otherwise be a riddle. */
function sayNoAddress(result: Assembled, code: FunctionCode, slot: number, { name }: KernelExtern): void {
  if (result.problems.some((one) => one.code === 'ksym-address' && one.message.startsWith(`${name} `))) return;
  result.problems.push(
    note(
      `${name} is 0 here: it is declared without a type, so its address comes from the running kernel (/proc/kallsyms), and none was given; declare it with its type to have it found in BTF, or __weak where it may be missing`,
      {
        code: 'ksym-address',
        ...placeOf(code.section, code.records, (code.start + slot) * INSN_SIZE),
      },
    ),
  );
}

function callKfunc(result: Assembled, input: AssembleInput, extern: KernelExtern, at: number): void {
  // libbpf before 1.2, of the time of Linux 6.3, leaves a call of nothing; the kernel refuses it where it is reached.
  if (!extern.found && input.leavesMissingCalls) {
    result.code.setSrc(at, BPF_PSEUDO_KFUNC_CALL);
    result.code.setImm(at, -1);
    return;
  }
  if (!extern.found)
    return result.code.write(at, { opcode: CALL, dst: 0, src: 0, off: 0, imm: POISONED_KFUNC_CALL + input.externs.order(extern) });
  let index = result.kfuncs.indexOf(extern.name);
  if (index < 0) index = result.kfuncs.push(extern.name) - 1;
  result.code.setSrc(at, BPF_PSEUDO_KFUNC_CALL);
  result.code.setImm(at, index);
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

/** The source lines of a program's functions, in order of instructions. */
export function linesOf({ functions, subprograms }: Assembled): LineRecord[] {
  const lines: LineRecord[] = [];
  functions.forEach((one, i) => {
    const { start } = subprograms[i]!;
    const first = one.start * INSN_SIZE;
    one.records?.eachLine(first, first + one.insns.length * INSN_SIZE, (offset, file, line, column, text) => {
      lines.push({ insn: start + Math.floor((offset - first) / INSN_SIZE), file, line, column, text });
    });
  });
  return lines;
}
