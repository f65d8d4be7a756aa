// Finds what this installation brings beside its code: from the sources and from a bundle, which lies one level deeper.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of a file or folder that the installation brings, by its path in the repository. Throws where it is missing. */
export function ownFolder(relative: string): string {
  const here = path.dirname(import.meta.url ? fileURLToPath(import.meta.url) : __filename);
  for (let folder = here; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, relative))) return path.join(folder, relative);
    if (folder === path.dirname(folder)) throw new Error(`${relative} is missing from this installation`);
  }
}
