// `ebpfw asm`: an assembly text as an object that libbpf loads, or, with --raw, as the bytes of its only program.

import { readFile, writeFile } from 'node:fs/promises';
import { HELPERS, helperByName, mapType } from '#core/catalog';
import { assemble, encode, writeObject } from '#core/isa';
import { formatProblem } from '#core/problem';
import { complain, readArguments } from '../arguments.ts';

export async function asm(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { output: { type: 'string', short: 'o' }, raw: { type: 'boolean', default: false } });
  if ('complaint' in parsed) return complain('asm', parsed.complaint);
  const { files, values } = parsed;
  if (files.length !== 1 || values.output === undefined)
    return complain('asm', 'one text and a place for the result: ebpfw asm FILE -o OUT');
  const file = files[0]!;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return complain('asm', `${file} cannot be read: ${(error as Error).message}`);
  }
  const assembled = assemble(text, {
    file,
    helperId: (name) => helperByName(name)?.id,
    helperNames: HELPERS.map(({ name }) => name),
    isMapType: (name) => mapType(name) !== undefined,
  });
  const written = values.raw ? { bytes: undefined, problems: [] } : writeObject(assembled, { mapTypeId: (name) => mapType(name)?.id });
  const problems = [...assembled.problems, ...written.problems];
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (problems.some(({ severity }) => severity === 'error')) return 1;
  const code = assembled.sections.filter(({ insns }) => insns.length > 0);
  if (values.raw && code.length !== 1)
    return complain('asm', `--raw writes one section's instructions; ${file} has ${code.length} with code`);
  try {
    await writeFile(values.output, written.bytes ?? encode(code[0]!.insns));
  } catch (error) {
    return complain('asm', `${values.output} cannot be written: ${(error as Error).message}`);
  }
  return 0;
}
