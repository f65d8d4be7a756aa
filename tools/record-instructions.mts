// Asks the running kernel what every instruction does at the edges, and with which words it refuses fields that must be zero:
// writes test/conformance/instructions.txt and test/conformance/refused.txt. `npx tsx tools/record-instructions.mts`; nothing is attached.
import { release } from 'node:os';
import path from 'node:path';
import { writeFileSync } from 'node:fs';
import { casesOf, describeCase, programOf, refusedCases, RUNNABLE } from '../test/support/instruction-programs.ts';
import { openKernel } from '../test/support/kernel.ts';
import { repository } from '../test/support/requirements.ts';

const kernel = await openKernel();
if (!kernel) process.exit(1);
const version = /^\d+\.\d+/.exec(release())![0];

async function half(one: Parameters<typeof programOf>[0], which: 'low' | 'high'): Promise<number> {
  const answer = await kernel!.load({ type: 'socket_filter', insns: programOf(one, which) });
  if (answer.verdict === 'rejected') throw new Error(`${describeCase(one)}: the kernel refuses it\n${answer.log}`);
  const run = await kernel!.run(answer.fd, { data: new Uint8Array(64) });
  await kernel!.closeFd(answer.fd);
  if (run.errno) throw new Error(`${describeCase(one)}: the test run fails with errno ${run.errno}`);
  return run.returnValue >>> 0;
}

const lines = [
  `# What Linux ${version} computes, 64 bits in two runs: instruction, operands, where the answer is read, the answer. Written by tools/record-instructions.mts.`,
];
for (const row of RUNNABLE)
  for (const one of casesOf(row)) {
    const value = (BigInt(await half(one, 'high')) << 32n) | BigInt(await half(one, 'low'));
    lines.push(`${describeCase(one)} -> 0x${value.toString(16)}`);
  }
writeFileSync(path.join(repository, 'test/conformance/instructions.txt'), `${lines.join('\n')}\n`);

const refused = [
  `# What Linux ${version} says of a field that an instruction does not use: the first line that is about it. Written by tools/record-instructions.mts.`,
];
for (const { id, field, value, insns } of refusedCases()) {
  const answer = await kernel.load({ type: 'socket_filter', insns });
  if (answer.verdict === 'loaded') await kernel.closeFd(answer.fd);
  const said = answer.log
    .split('\n')
    .find((line) => line !== '' && !/^(\d+: |processed|verification time|stack depth|func#|R\d|Live regs|arg#| +\d+: )/.test(line));
  refused.push(`${id} ${field}=${value} -> ${answer.verdict === 'loaded' ? 'accepted' : (said ?? `errno ${answer.errno}`)}`);
}
writeFileSync(path.join(repository, 'test/conformance/refused.txt'), `${refused.join('\n')}\n`);
console.log(`${lines.length - 1} answers of ${RUNNABLE.length} instructions, ${refused.length - 1} refusals`);
kernel.close();
