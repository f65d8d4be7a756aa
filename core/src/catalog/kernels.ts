// What the target kernels differ in beyond single helpers and types: limits and instructions. Versions are where mainline got each.

import { atLeast, type KernelVersion } from './types.ts';

/** What a kernel can do that an older one cannot, with the release it came with. */
export const KERNEL_FEATURES = {
  /** Loops that the verifier can follow to their end. */
  boundedLoops: '5.3',
  /** BPF_JMP32. */
  jmp32: '5.1',
  /** Atomic operations beyond add: fetch, and, or, xor, xchg, cmpxchg. */
  atomics: '5.12',
  /** Functions passed to helpers as callbacks. */
  callbacks: '5.13',
  /** Calls of kernel functions. */
  kfuncs: '5.13',
  /** Sign-extending loads and moves, signed division, unconditional bswap, 32-bit goto (-mcpu=v4). */
  cpuV4: '6.6',
  /** Open-coded iterators. */
  iterators: '6.4',
  /** bpf_throw. */
  exceptions: '6.7',
  /** may_goto. */
  mayGoto: '6.9',
  /** Arena maps and addr_space_cast. */
  arena: '6.9',
  /** The compiler's promise that a call keeps caller-saved registers. */
  fastcall: '6.12',
  /** Load-acquire and store-release. */
  loadAcquire: '6.15',
  /** A stack of its own for deep programs, so that 512 bytes are no limit over calls. */
  privateStack: '6.13',
} as const satisfies Record<string, KernelVersion>;

export type KernelFeature = keyof typeof KERNEL_FEATURES;

export function kernelHas(kernel: KernelVersion, feature: KernelFeature): boolean {
  return atLeast(kernel, KERNEL_FEATURES[feature]);
}

/** Limits of the verifier. */
export const VERIFIER_LIMITS = {
  /** Instructions in one program, for root (BPF_COMPLEXITY_LIMIT_INSNS since 5.2). */
  instructions: 1_000_000,
  /** Instructions the walk may process. */
  processed: 1_000_000,
  /** Branches waiting to be walked. */
  jumpSequence: 8_192,
  /** Bytes of stack of one frame. */
  stack: 512,
  /** Nested calls. */
  frames: 8,
  subprograms: 256,
} as const;
