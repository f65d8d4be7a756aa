// Kernel functions that programs may call (kfuncs), by name. The rows are generated (kfunc-table.ts).

import { KFUNCS } from './kfunc-table.ts';
import type { Kfunc } from './types.ts';

export { KFUNCS };

const byName = new Map(KFUNCS.map((kfunc) => [kfunc.name, kfunc]));

export function kfuncByName(name: string): Kfunc | undefined {
  return byName.get(name);
}
