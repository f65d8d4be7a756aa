// Where kernels differ in what the verifier checks, by release.

import { atLeast, type KernelVersion } from '#core/catalog';

/** Privileged programs may read stack that they have not written (6.3). */
export const uninitialisedStackAllowed = (kernel: KernelVersion): boolean => atLeast(kernel, '6.3');
