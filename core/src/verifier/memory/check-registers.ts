// Whether an instruction may read or write a register.

import type { VerifierEnvironment } from '../state/environment.ts';
import { NOT_INIT, type Register } from '../state/registers.ts';
import { BPF_REG_FP, REGISTER_COUNT } from '../state/state.ts';

/** The register as an operand: it must have a value. */
export function checkSource(env: VerifierEnvironment, regno: number): Register {
  if (regno >= REGISTER_COUNT) throw env.reject('invalid-register', 'EINVAL', `R${regno} is invalid`);
  env.scratchedRegisters |= 1 << regno;
  const register = env.register(regno);
  if (register.type === NOT_INIT) {
    throw env.reject('uninitialised-register', 'EACCES', `R${regno} !read_ok`, {
      register: regno,
      needed: `a value in r${regno}`,
      known:
        regno >= 1 && regno <= 5 && env.previousInsn >= 0 ? `r${regno} has none; calls leave nothing in r1 to r5` : `r${regno} has none`,
    });
  }
  return register;
}

/** The register as a target. */
export function checkTarget(env: VerifierEnvironment, regno: number): void {
  if (regno >= REGISTER_COUNT) throw env.reject('invalid-register', 'EINVAL', `R${regno} is invalid`);
  env.scratchedRegisters |= 1 << regno;
  if (regno === BPF_REG_FP) throw env.reject('frame-pointer-write', 'EACCES', 'frame pointer is read only', { register: regno });
}
