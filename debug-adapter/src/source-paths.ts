// Paths as the editor writes them and as debug information writes them, made comparable.
// A folder may be opened through a symbolic link: the program knows the real path, the editor the other one.

import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';

export class SourcePaths {
  private readonly real = new Map<string, string>();
  private readonly given = new Map<string, string>();

  /** The one path that stands for the file in source maps and breakpoints. */
  canonical(file: string): string {
    const full = path.resolve(file);
    let real = this.real.get(full);
    if (real === undefined) {
      try {
        real = realpathSync(full);
      } catch {
        real = full;
      }
      this.real.set(full, real);
    }
    return real;
  }

  /** Remembers how the editor names the file, and its neighbours in the same folder. */
  seen(file: string): string {
    const real = this.canonical(file);
    const full = path.resolve(file);
    if (full !== real) {
      this.given.set(real, full);
      this.given.set(path.dirname(real), path.dirname(full));
    }
    return real;
  }

  /** The editor's name of a canonical path. */
  shown(real: string): string {
    const folder = this.given.get(path.dirname(real));
    return this.given.get(real) ?? (folder === undefined ? real : path.join(folder, path.basename(real)));
  }

  exists(real: string): boolean {
    return existsSync(real);
  }
}
