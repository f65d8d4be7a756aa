// `llvm-objdump -S` (or -d) of an object of the workspace: sections, functions, source lines, bytes and LLVM's text of each instruction.
// The object is shown as it was loaded: offsets into global variables and distances of calls between functions stand where the file has what
// its relocations need.

import { toHex } from '#core/bytes';
import { encode, formatLlvmInsn, type Insn, isLdImm64 } from '#core/isa';
import type { Program } from '#core/program';
import { type CommandContext, type CommandResult, done, failed, printable } from './command-result.ts';

export async function objdump({ host }: CommandContext, args: readonly string[]): Promise<CommandResult> {
  const flags = args.filter((word) => word.startsWith('-'));
  const files = args.filter((word) => !word.startsWith('-'));
  const source = flags.some((flag) => flag === '-S' || flag === '--source');
  const [file] = files;
  if (file === undefined || files.length > 1) return failed('Usage: llvm-objdump -S|-d FILE\n');
  if (!source && !flags.some((flag) => flag === '-d' || flag === '--disassemble'))
    return failed('llvm-objdump: of its options there are -S and -d\n');
  const { object } = await host.openObject(file);
  if (!object) return failed(`llvm-objdump: error: '${printable(file)}': No such file or directory\n`);
  // A function that several programs call stands in each of them, and once in the file.
  const sections = new Map<string, Map<number, Function>>();
  for (const program of object.programs)
    for (const { name, start, end, origin } of program.subprograms) {
      const section = origin?.section ?? program.section;
      const functions = sections.get(section) ?? new Map<number, Function>();
      sections.set(section, functions.set(origin?.offset ?? start * 8, { name, program, start, end }));
    }
  const text = [...sections]
    .sort(([a], [b]) => Number(b === '.text') - Number(a === '.text'))
    .map(([section, functions]) => {
      const inOrder = [...functions].sort(([a], [b]) => a - b);
      return `\nDisassembly of section ${printable(section)}:\n${inOrder.map(([offset, one]) => listing(one, offset, source)).join('')}`;
    });
  return done(`\n${printable(file)}:\tfile format elf64-bpf\n${text.join('')}`);
}

interface Function {
  name: string;
  program: Program;
  start: number;
  end: number;
}

/** As the object file has it, before relocation. */
function unrelocated(insns: readonly Insn[]): Insn[] {
  const plain = insns.map((insn) => ({ ...insn }));
  plain.forEach((insn, i) => {
    const second = plain[i + 1];
    if (!isLdImm64(insn) || insn.src === 0 || !second) return;
    Object.assign(insn, { src: 0, imm: second.imm });
    second.imm = 0;
  });
  return plain;
}

function listing({ name, program, start, end }: Function, offset: number, source: boolean): string {
  const plain = unrelocated(program.insns).slice(start, end);
  const shown = printable(name);
  const out = ['', `${offset.toString(16).padStart(16, '0')} <${shown}>:`];
  for (let slot = 0; slot < plain.length; slot++) {
    if (source)
      for (const { insn, text } of program.lines)
        if (insn === start + slot && text.trim() !== '') out.push(`; ${printable(text.replace(/\t/g, '    '))}`);
    const wide = isLdImm64(plain[slot]!);
    const bytes = toHex(encode(plain.slice(slot, slot + (wide ? 2 : 1))), ' ');
    const target = (to: number): string => `${shown}${to === 0 ? '' : `+0x${(to * 8).toString(16)}`}`;
    out.push(`${String(offset / 8 + slot).padStart(8)}:\t${bytes}\t${formatLlvmInsn(plain, slot, { target })}`);
    if (wide) slot++;
  }
  return `${out.join('\n')}\n`;
}
