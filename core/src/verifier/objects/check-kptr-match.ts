// Whether a pointer may be put into a kptr field: its type, how sure it is, and where in its object it points (map_kptr_match_type).

import type { Btf } from '#core/btf';
import type { VerifierEnvironment } from '../state/environment.ts';
import { checkArgumentOffset } from '../calls/pointer-offset.ts';
import {
  baseType,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  mayBeNull,
  NON_OWN_REF,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  typeFlags,
  typeName,
} from '../state/registers.ts';
import type { SpecialField } from './special-fields.ts';
import { structsMatch } from './struct-match.ts';

/** The struct a kptr field points to: the kernel's of that name, or the program's own. */
export function kptrTarget(env: VerifierEnvironment, field: SpecialField, btf: Btf): { btf: Btf; id: number; kernel: boolean } {
  const kernelId = env.options.kernelBtf?.find(field.pointee!.name, 'struct');
  return kernelId === undefined
    ? { btf, id: field.pointee!.localId, kernel: false }
    : { btf: env.options.kernelBtf!, id: kernelId, kernel: true };
}

export function checkKptrMatches(env: VerifierEnvironment, field: SpecialField, btf: Btf, regno: number): void {
  const register = env.register(regno);
  const target = kptrTarget(env, field, btf);
  let allowed = PTR_MAYBE_NULL | MEM_RCU;
  if (target.kernel) {
    // Loads of other kptrs give trusted or RCU pointers; an unreferenced field takes untrusted ones too.
    if (field.kind === 'kptr_untrusted') allowed |= PTR_TRUSTED | PTR_UNTRUSTED;
    else allowed |= PTR_TRUSTED;
  } else {
    allowed |= MEM_ALLOC | NON_OWN_REF;
    if (field.kind === 'percpu_kptr') allowed |= MEM_PERCPU;
  }
  const name = register.btf?.type(register.btfId)?.name ?? '';
  const bad = (): never => {
    const expected = field.kind === 'kptr_untrusted' ? ` or ${typeName(PTR_TO_BTF_ID | PTR_UNTRUSTED)}${field.pointee!.name}` : '';
    throw env.reject(
      'kptr',
      'EACCES',
      `invalid kptr access, R${regno} type=${typeName(register.type)}${name} expected=${typeName(PTR_TO_BTF_ID)}${field.pointee!.name}${expected}`,
      {
        register: regno,
        needed: `struct ${field.pointee!.name} *`,
        known: `${typeName(register.type)}${name}`,
      },
    );
  };
  if (baseType(register.type) !== PTR_TO_BTF_ID || (typeFlags(register.type) & ~allowed) !== 0) bad();
  // Objects of the kernel and of the program are never the same type.
  checkArgumentOffset(env, mayBeNull(register.type) ? register.with({ type: register.type & ~PTR_MAYBE_NULL }) : register, regno, {
    release: false,
    dynptr: false,
  });
  if (!register.btf || !structsMatch(register.btf, register.btfId, register.off, target.btf, target.id, field.kind !== 'kptr_untrusted'))
    bad();
}
