// Where kernels differ in what the verifier checks, by release. Answers are remembered: they are asked for at every instruction.
// A long-term release gets some of it later: `mended` names those that were asked (6.12.117, 6.1.192) and have it, or had it as if
// they were newer. Kernels that nobody asked follow the release alone.

import { atLeast, type KernelVersion } from '#core/catalog';
import type { NotNullRule } from '../state/registers.ts';

export type KernelRule = (kernel: KernelVersion) => boolean;

function since(release: KernelVersion, mended: readonly KernelVersion[] = []): KernelRule {
  const known = new Map<KernelVersion, boolean>();
  return (kernel) => {
    let answer = known.get(kernel);
    if (answer === undefined) known.set(kernel, (answer = atLeast(kernel, release) || mended.includes(kernel)));
    return answer;
  };
}

// Memory

/** Privileged programs may read stack that they have not written. */
export const uninitialisedStackAllowed = since('6.3', ['6.1']);
/** Refusals of a helper's access to the stack read like those of a load or store. */
export const plainStackWords = since('6.13');
/** A constant stored into the stack is remembered (BPF_ST). */
export const storedConstantsKept = since('6.3', ['6.1']);
/** Numbers of which nothing is known stay linked to their copies on the stack, and parts of a spilled number keep its range. */
export const spillsKeepEverything = since('6.9');
/** Pointers to kernel objects are trusted or not; memory of helpers may be a map's key or value. */
export const trustedPointers = since('6.2');
/** The stack of each function counts in steps of 16 bytes, of 32 before. */
export const smallStackSteps = since('6.8');

/** Arguments of tracepoints may be NULL where the kernel's list says so. */
export const tracepointArgumentsKnown = since('6.13', ['6.12']);

/** Load-acquire and store-release. */
export const knowsAcquireAndRelease = since('6.15');

// Numbers and jumps

/** Byte swaps keep known bits, and registers stay linked at negative and 32-bit distances too. */
export const tracksSwapsAndDistances = since('6.18');
/** Two numbers are compared by their ranges, and ranges of 32 and 64 bits teach each other; one had to be a constant before. */
export const comparesRanges = since('6.8');
/** A pointer that equals one that is not NULL is not NULL. */
export const equalPointersNotNull = since('6.2');
/** Pointers that a comparison with NULL is decided for. 6.18.44 has not yet what 6.12.117 has. */
export const notNullRule = (kernel: KernelVersion): NotNullRule =>
  kernel === '6.12' ? 'bounded' : pointersToMemoryNotNull(kernel) ? 'usual' : 'few';
const pointersToMemoryNotNull = since('6.4');
/** may_goto with an offset of 0 is allowed (and does nothing). */
export const emptyMayGotoAllowed = since('6.14');
/** What the program returns counts when states are compared. */
export const returnedValuePrecise = since('6.8');

// Calls

/** A lookup in an array with a constant key in range cannot miss. */
export const constantKeysFound = since('6.14');
/** Functions that BTF calls global are verified by themselves; libbpf makes them static for older kernels. */
export const globalFunctionsAlone = since('5.6');
/** Tags say what the arguments of a global function are (__arg_ctx, __arg_trusted, …). */
export const argumentTags = since('6.8');
/** A callback is walked until its rounds converge; before, once, as if the helper called it exactly once. */
export const callbacksRepeated = since('6.7');
/** What an asynchronous callback returns is checked. */
export const asyncReturnsChecked = since('6.8');
/** One call of bpf_for_each_map_elem may get different maps on different paths. */
export const severalMapsWalked = since('6.10');
/** Only programs under the GPL may read kernel objects through typed pointers. */
export const typedPointersNeedGpl = since('6.2');
/** Nothing may overwrite a dynptr that must be released. */
export const dynptrsProtected = since('6.3');
/** A lock may be taken in one function and released in another. */
export const locksAcrossFunctions = since('6.9');

// What hooks return

/** Programs of LSM hooks return 0 or a negative errno, or 0 and 1 where the hook asks a question. */
export const hooksReturnErrno = since('6.12');

/** Packet pointers are stale after a tail call, and after a global function that may change the packet. */
export const functionsChangePackets = since('6.13', ['6.12']);
