// What the kernel said of the oracle's programs, and the code that our verifier gives each of them: one entry per sentence that differs.
// Made by test/verifier-log/meanings.oracle.test.ts (KEEP_MEANINGS=1 writes it anew).

import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface Meanings {
  /** Rows of the oracle that the kernel refused with a sentence, and those whose sentence has the code of our verdict. */
  rows: number;
  equal: number;
  /** Logs of our verifier at level 2, which are the kernel's character for character, read back: the code, and the instruction, of our finding. */
  logs: number;
  sameCode: number;
  sameInsn: number;
  /** Places that our finding's causal path names, and those that the log gives back. */
  causes: number;
  sameCauses: number;
  /** Rows whose sentence has another code, and why that is right; or a gap. */
  different: Record<string, string>;
  /** Code by sentence. */
  sentences: Record<string, string>;
}

export const MEANINGS_FILE = path.join(import.meta.dirname, 'meanings.json');

export const readMeanings = (): Meanings => JSON.parse(readFileSync(MEANINGS_FILE, 'utf8')) as Meanings;
