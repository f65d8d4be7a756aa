// What a test may need and a user may lack. A missing thing skips with one clear line, and is an error where it is required:
// CI sets EBPF_REQUIRE to a list of names, `kernel,clang,chromium,oracle,shared`.

import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export type Requirement = 'kernel' | 'clang' | 'chromium' | 'oracle' | 'shared' | 'rebuilt';

const said = new Set<string>();

/** Says once why tests are skipped and returns undefined; throws where the thing is required. */
export function missing(what: Requirement, why: string): undefined {
  if ((process.env['EBPF_REQUIRE'] ?? '').split(',').includes(what))
    throw new Error(`${what} is required here (EBPF_REQUIRE) but missing: ${why}`);
  if (!said.has(what)) process.stderr.write(`skipped, needs ${what}: ${why}\n`);
  said.add(what);
  return undefined;
}

/** The repository's root. */
export const repository = path.resolve(import.meta.dirname ?? __dirname, '../..');

function folder(what: Requirement, variable: string, place: string, proof: string): string | undefined {
  const given = process.env[variable] ?? place;
  return existsSync(path.join(given, proof))
    ? given
    : missing(what, `there is no ${path.join(given, proof)}; set ${variable} to the folder`);
}

/** Facts, conformance data and the kernel's verdicts: `data/`, `conformance/`, `oracle/*.jsonl`. */
export const sharedFolder = (): string | undefined =>
  folder('shared', 'EBPF_SHARED', path.join(repository, '../shared'), 'conformance/tests');

/** Selftest objects that the oracle's rows speak of, built by its prepare script: `obj/*.bpf.o`. */
export const oracleFolder = (): string | undefined =>
  folder('oracle', 'EBPF_ORACLE', path.join(os.homedir(), '.cache/ebpf-workbench/oracle'), 'obj');
