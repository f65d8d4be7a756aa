// Where kernels differ in what the verifier checks, by release. Answers are remembered: they are asked for at every instruction.

import { atLeast, type KernelVersion } from '#core/catalog';

function since(release: KernelVersion): (kernel: KernelVersion) => boolean {
  const known = new Map<KernelVersion, boolean>();
  return (kernel) => {
    let answer = known.get(kernel);
    if (answer === undefined) known.set(kernel, (answer = atLeast(kernel, release)));
    return answer;
  };
}

/** Privileged programs may read stack that they have not written. */
export const uninitialisedStackAllowed = since('6.3');
/** Byte swaps keep known bits, and registers stay linked at negative and 32-bit distances too. */
export const tracksSwapsAndDistances = since('6.18');
/** A lookup in an array with a constant key in range cannot miss. */
export const constantKeysFound = since('6.14');
/** Functions that BTF calls global are verified by themselves; libbpf makes them static for older kernels. */
export const globalFunctionsAlone = since('5.6');
/** may_goto with an offset of 0 is allowed (and does nothing). */
export const emptyMayGotoAllowed = since('6.14');
