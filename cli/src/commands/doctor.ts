// `ebpfw doctor`: what this machine has of the things that are not needed for everything: compiler, kernel BTF.

import { formatProblem } from '#core/problem';
import { findCompiler, readTargetKernel } from '#toolchain';
import { complain, readArguments } from '../arguments.ts';

export async function doctor(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { json: { type: 'boolean', default: false } });
  if ('complaint' in parsed) return complain('doctor', parsed.complaint);
  const { compiler, problems, rejected } = await findCompiler();
  const { btf: kernelBtf } = readTargetKernel();
  if (parsed.values.json) {
    process.stdout.write(
      `${JSON.stringify({ compiler: compiler ?? null, rejected, problems, kernelBtfTypes: kernelBtf?.typeCount ?? null })}\n`,
    );
  } else {
    process.stdout.write(`C compiler:  ${compiler ? `${compiler.description} (${compiler.path})` : 'none'}\n`);
    for (const { path, why } of rejected) process.stdout.write(`             not ${path}: ${why}\n`);
    process.stdout.write(`kernel BTF:  ${kernelBtf ? `${kernelBtf.typeCount} types` : 'none'}\n`);
    for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`);
  }
  return 0;
}
