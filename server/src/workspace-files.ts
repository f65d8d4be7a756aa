// The files of a workspace folder that may hold source. Follows no link, so that nothing outside the folder is ever named.

import { readdir } from 'node:fs/promises';
import path from 'node:path';

const SOURCE = /\.(?:c|h|cc|cpp|hpp|inc|s|S|bpfasm|ebpf|rs|py|go)$/;
const LEFT_OUT = new Set(['node_modules', 'target', 'dist', '__pycache__', 'venv']);
/** Folders and files looked at; a workspace beyond that is searched in part. */
const MOST_ENTRIES = 50_000;

/** Absolute paths, those nearest to the folder first. */
export async function listSources(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  const folders = [folder];
  let seen = 0;
  for (let next = folders.shift(); next !== undefined && seen < MOST_ENTRIES; next = folders.shift()) {
    let entries;
    try {
      entries = await readdir(next, { withFileTypes: true });
    } catch {
      continue;
    }
    for (const entry of entries) {
      seen++;
      if (entry.isFile() && SOURCE.test(entry.name)) files.push(path.join(next, entry.name));
      else if (entry.isDirectory() && !entry.name.startsWith('.') && !LEFT_OUT.has(entry.name)) folders.push(path.join(next, entry.name));
    }
  }
  return files;
}
