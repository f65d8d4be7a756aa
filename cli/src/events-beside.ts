// The event file of a program: the one that is named, or the one beside it.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Problem } from '#core/problem';
import { parseScenario, type Scenario } from '#core/sim';

/** The file named, else the one beside the program (`x.events.json` beside `x.bpf.c`), else none. */
export async function readEvents(
  file: string,
  named: string | undefined,
): Promise<{ scenario?: Scenario } | { failed: readonly Problem[] }> {
  const beside = file.replace(/(\.bpf)?\.[^./\\]+$/, '.events.json');
  const path = named ?? (beside !== file && existsSync(beside) ? beside : undefined);
  if (path === undefined) return {};
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (reason) {
    return { failed: [{ severity: 'error', message: `${path} cannot be read: ${(reason as Error).message}` }] };
  }
  const { scenario, problems } = parseScenario(text, path);
  return scenario ? { scenario } : { failed: problems };
}
