// Measures how many BCC scripts of a folder we read: C found, rewritten, compiled, and every program accepted by our verifier.
// `npx tsx tools/bcc-tools.mts FOLDER…` prints a table; scripts are only read. `--why` prints the first problem of each.

import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { formatProblem } from '#core/problem';
import { verify } from '#core/verifier';
import { openProgram, readTargetKernel, verifierFacts } from '#toolchain';

const why = process.argv.includes('--why');
const given = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files: string[] = [];
for (const one of given) {
  if ((await stat(one)).isDirectory())
    files.push(...(await readdir(one)).filter((name) => /-bpfcc$|\.py$/.test(name)).map((name) => path.join(one, name)));
  else files.push(one);
}

const facts = verifierFacts(readTargetKernel());
const counts = { scripts: 0, 'no BPF': 0, 'not told': 0, 'not compiled': 0, rejected: 0, accepted: 0 };
for (const file of files.sort()) {
  const { object, problems } = await openProgram(file, { language: 'bcc' });
  const errors = problems.filter(({ severity }) => severity === 'error');
  counts.scripts++;
  let state: keyof typeof counts;
  let reason = errors[0] ? formatProblem(errors[0]) : '';
  if (errors.some(({ message }) => message.startsWith('no BPF('))) state = 'no BPF';
  else if (errors.some(({ code }) => code === 'bcc-text')) state = 'not told';
  else if (!object || errors.length > 0 || object.programs.length === 0) {
    state = 'not compiled';
    if (reason === '') reason = problems.map(formatProblem)[0] ?? 'no program';
  } else {
    const refused = object.programs.flatMap((program) => {
      const { verdict, findings } = verify(program, object, facts);
      const finding = findings.find(({ severity }) => severity === 'error');
      const line = finding && program.lines.findLast(({ insn }) => insn <= finding.insn);
      return verdict === 'accepted' ? [] : [`${line?.file}:${line?.line}: ${program.name}: ${finding?.message ?? verdict}`];
    });
    state = refused.length > 0 ? 'rejected' : 'accepted';
    reason = refused[0] ?? '';
  }
  counts[state]++;
  process.stdout.write(`${state.padEnd(13)} ${path.basename(file)}${why && reason ? `  ${reason}` : ''}\n`);
}
process.stdout.write(`${JSON.stringify(counts)}\n`);
