// `ebpfw disasm`: the instructions of a file as text that the assembler reads again, with the source lines between them.

import { helperById } from '#core/catalog';
import { disassemble } from '#core/isa';
import { formatProblem } from '#core/problem';
import type { Program } from '#core/program';
import { openProgram } from '#toolchain';
import { complain, readArguments } from '../arguments.ts';

const DIALECTS = ['llvm', 'kernel', 'classic'] as const;

export async function disasm(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { style: { type: 'string', default: 'llvm' }, prog: { type: 'string' } });
  if ('complaint' in parsed) return complain('disasm', parsed.complaint);
  const { files, values } = parsed;
  const dialect = DIALECTS.find((known) => known === values.style);
  if (!dialect) return complain('disasm', `--style is one of ${DIALECTS.join(', ')}, not "${values.style}"`);
  if (files.length !== 1) return complain('disasm', 'one file: an object (.o), C (.bpf.c) or assembly (.bpf.s)');
  const { object, problems } = await openProgram(files[0]!);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (!object) return 2;
  const programs = object.programs.filter(({ name }) => values.prog === undefined || name === values.prog);
  if (programs.length === 0)
    return complain('disasm', values.prog === undefined ? `${files[0]} has no program` : `${files[0]} has no program "${values.prog}"`);
  process.stdout.write(programs.map((program) => listing(program, dialect)).join('\n'));
  return 0;
}

function listing(program: Program, dialect: (typeof DIALECTS)[number]): string {
  const sourceAt = new Map(program.lines.filter(({ text }) => text.trim() !== '').map((line) => [line.insn, line]));
  const functionAt = new Map(program.subprograms.map((subprogram) => [subprogram.start, subprogram.name]));
  const lines = [`; section ${program.section}, ${program.insns.length} slots`];
  for (const { slot, text } of disassemble(program.insns, {
    dialect,
    helperName: (id) => helperById(id)?.name,
    kfuncName: (insn) => program.kfuncs[insn.imm],
  })) {
    const name = functionAt.get(slot);
    if (name !== undefined) lines.push(`${name}:`);
    const source = sourceAt.get(slot);
    if (source) lines.push(`; ${source.text.trim()}`);
    lines.push(`${String(slot).padStart(8)}:\t${text}`);
  }
  return `${lines.join('\n')}\n`;
}
