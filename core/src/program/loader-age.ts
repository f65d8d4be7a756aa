// A loader is as old as the kernel that it came with: libbpf 1.2 is of the time of Linux 6.3.

import { atLeast, type KernelVersion } from '#core/catalog';

/** Whether the libbpf of this kernel's time is older than 1.2: it knows no links of struct_ops, and leaves calls of missing kfuncs as they are. */
export function hasOlderLoader(kernel: string | undefined): boolean {
  const release = /^\d+\.\d+/.exec(kernel ?? '')?.[0];
  return release !== undefined && !atLeast(release as KernelVersion, '6.3');
}
