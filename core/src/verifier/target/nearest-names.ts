// Names in the kernel's BTF that somebody may have meant by a name that is not there. Asked only where one is missing.

import { editDistance } from '#core/problem';
import type { Btf } from '#core/btf';

const MOST = 3;

/** At most three, the nearest first, without `prefix`: the name inside a longer one, a word that stands for it, or a few letters off. */
export function nearestNames(btf: Btf, kind: 'func' | 'typedef', prefix: string, wanted: string): string[] {
  const core = wanted.replace(/^(?:do_|__|sys_|__x64_sys_|ksys_|SyS_|_)+/, '');
  const found: { name: string; distance: number }[] = [];
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== kind) continue;
    const full = btf.type(id)!.name;
    if (!full.startsWith(prefix)) continue;
    const name = full.slice(prefix.length);
    const distance = distanceOf(name, wanted, core);
    if (distance !== undefined) found.push({ name, distance });
  }
  found.sort((a, b) => a.distance - b.distance || a.name.length - b.name.length || (a.name < b.name ? -1 : 1));
  return [...new Set(found.map(({ name }) => name))].slice(0, MOST);
}

function distanceOf(name: string, wanted: string, core: string): number | undefined {
  if (core.length >= 3) {
    // The wrapper of the system call that is meant.
    if (name === `__x64_sys_${core}`) return 0;
    if (name === core) return 1;
    if (name.startsWith(wanted)) return 2 + (name.length - wanted.length) / 100;
    if (core.length >= 5 && (name.startsWith(`${core}_`) || name.endsWith(`_${core}`))) return 4 + (name.length - core.length) / 100;
    if (core.length >= 5 && name.includes(core)) return 6 + (name.length - core.length) / 100;
  }
  const limit = Math.min(2, Math.floor(wanted.length / 4));
  if (limit === 0 || Math.abs(name.length - wanted.length) > limit) return undefined;
  const distance = editDistance(name, wanted, limit);
  return distance === Infinity ? undefined : 3 + distance / 10;
}
