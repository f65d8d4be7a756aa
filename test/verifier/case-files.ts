// The verifier's cases in C: test/verifier/cases/<area>.bpf.c and, one line a program, <area>.answers.txt: the name, a bar, and
// `accepted` or the kernel's first line about the program. Reads and builds them; asks nobody.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compile, findCompiler, readTargetKernel, RUNNING_KERNEL_BTF, type ToolchainSettings, verifierFacts } from '#toolchain';
import { loadObject, type LoadedObject } from '#core/program';
import { verify } from '#core/verifier';
import { missing, repository } from '#test/requirements';

const folder = path.join(repository, 'test/verifier/cases');
export const CASE_AREAS = readdirSync(folder)
  .filter((file) => file.endsWith('.bpf.c'))
  .map((file) => file.replace('.bpf.c', ''))
  .sort();

const answersFile = (area: string): string => path.join(folder, `${area}.answers.txt`);

/** What Linux 6.18 answered, by program. */
export function recordedAnswers(area: string): Map<string, string> {
  if (!existsSync(answersFile(area))) return new Map();
  return new Map(
    readFileSync(answersFile(area), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf(' | ')), line.slice(line.indexOf(' | ') + 3)]),
  );
}

export const recordAnswers = (area: string, answers: ReadonlyMap<string, string>): void =>
  writeFileSync(answersFile(area), [...answers].map(([name, answer]) => `${name} | ${answer}\n`).join(''));

/** Builds with the types of Linux 6.18 that the toolchain brings, or those of the running kernel. */
export interface CaseBuilder {
  facts: ReturnType<typeof verifierFacts>;
  build(area: string): Promise<{ bytes: Uint8Array; object: LoadedObject }>;
}

export async function caseBuilder(types: 'bundled' | 'running'): Promise<CaseBuilder | undefined> {
  const { compiler } = await findCompiler({});
  if (!compiler) return missing('clang', 'no clang with a BPF target was found');
  const settings: ToolchainSettings = {
    cpu: 'v4',
    ...(types === 'running' ? { kernelBtf: RUNNING_KERNEL_BTF } : {}),
  };
  const facts = verifierFacts(readTargetKernel(settings));
  return {
    facts,
    build: async (area) => {
      const file = path.join(folder, `${area}.bpf.c`);
      const { object: bytes, problems } = await compile({ file, compiler, settings });
      if (!bytes) throw new Error(problems.map(({ message }) => message).join('\n'));
      return { bytes, object: loadObject(bytes, file, { ...(facts.kernelBtf ? { kernelBtf: facts.kernelBtf } : {}) }) };
    },
  };
}

/** Our verifier's answers to the programs that have one of the kernel. */
export async function ourAnswers(builder: CaseBuilder, area: string): Promise<Record<string, string>> {
  const { object } = await builder.build(area);
  const recorded = recordedAnswers(area);
  return Object.fromEntries(
    object.programs
      .filter(({ name }) => recorded.has(name))
      .map((program) => {
        const verdict = verify(program, object, { cpus: 2, ...builder.facts });
        return [program.name, verdict.verdict === 'accepted' ? 'accepted' : verdict.findings[0]!.message];
      }),
  );
}

/** Lines of the kernel's log that are about something else than the reason. */
const OTHER_LINES =
  /^(?:processed |verification time|stack depth|func '|Validating |Func#|mark_precise|Global function .* doesn't return|arg#\d+ reference type|; |\d+: |$)/;

/** `accepted`, or the first line that says why not. */
export function answerOf(accepted: boolean, log: string): string {
  if (accepted) return 'accepted';
  // One message of the kernel ends without a line break.
  return (log.split('\n').find((line) => !OTHER_LINES.test(line)) ?? '').replace(/(?:verification time|processed \d+ insns) .*$/, '');
}
