// Loads and stores of kptr fields in map values: whole, at their offset, of their type.

import type { Btf } from '#core/btf';
import { BPF_LDX, BPF_MEM, BPF_ST, BPF_STX, insnClass, modeField } from '#core/isa';
import { isNull } from '../memory/check-stack.ts';
import type { VerifierEnvironment } from '../state/environment.ts';
import { markPrecise } from '../flow/precision.ts';
import { inRcuSection } from './references.ts';
import {
  baseType,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  NON_OWN_REF,
  pointerRegister,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  type Register,
  typeFlags,
  typeName,
} from '../state/registers.ts';
import { fieldOf, type SpecialField, specialFieldsOf, sizeOfType } from './special-fields.ts';

/** Where a kptr's struct is described: the kernel's BTF, or the object's for types of the program's own. */
export function kptrTarget(env: VerifierEnvironment, field: SpecialField, btf: Btf): { btf: Btf; btfId: number; kernel: boolean } {
  const { name, localId } = field.pointee!;
  const kernelId = env.options.kernelBtf?.find(name, 'struct');
  return kernelId === undefined ? { btf, btfId: localId, kernel: false } : { btf: env.options.kernelBtf!, btfId: kernelId, kernel: true };
}

/** Kernel objects that are freed by RCU, so that a kptr read under RCU is alive. */
const RCU_PROTECTED = new Set(['prog_test_ref_kfunc', 'cgroup', 'bpf_cpumask', 'task_struct', 'bpf_crypto_ctx']);

/** Modifiers of the pointer that a load of this kptr gives. */
function loadedType(env: VerifierEnvironment, field: SpecialField, target: ReturnType<typeof kptrTarget>): number {
  const safe = field.kind === 'percpu_kptr' || (field.kind === 'kptr' && (!target.kernel || RCU_PROTECTED.has(field.pointee!.name)));
  if (!safe || !inRcuSection(env)) return PTR_MAYBE_NULL | PTR_UNTRUSTED;
  let flags = PTR_MAYBE_NULL | MEM_RCU;
  if (field.kind === 'percpu_kptr') flags |= MEM_PERCPU;
  else if (!target.kernel) flags |= MEM_ALLOC;
  if (!target.kernel && fieldOf(specialFieldsOf(target.btf, target.btfId), 'bpf_list_node', 'bpf_rb_node')) flags |= NON_OWN_REF;
  return flags;
}

/** The current instruction accesses the field whole; `value` is the register loaded or stored, -1 an immediate. */
export function checkKptrAccess(env: VerifierEnvironment, value: number, field: SpecialField, btf: Btf): void {
  const insn = env.insns[env.insn]!;
  const class_ = insnClass(insn);
  if (modeField(insn) !== BPF_MEM) throw env.reject('kptr', 'EACCES', 'kptr in map can only be accessed using BPF_MEM instruction mode');
  if (class_ !== BPF_LDX && (field.kind === 'kptr' || field.kind === 'percpu_kptr'))
    throw env.reject('kptr', 'EACCES', 'store to referenced kptr disallowed');
  if (class_ !== BPF_LDX && field.kind === 'uptr') throw env.reject('kptr', 'EACCES', 'store to uptr disallowed');
  const target = kptrTarget(env, field, btf);
  switch (class_) {
    case BPF_LDX:
      if (field.kind === 'uptr') {
        env.setRegister(
          value,
          pointerRegister(PTR_TO_MEM | PTR_MAYBE_NULL, { id: env.newId(), memSize: sizeOfType(btf, field.pointee!.localId) }),
        );
        return;
      }
      env.setRegister(
        value,
        pointerRegister(PTR_TO_BTF_ID | loadedType(env, field, target), { btf: target.btf, btfId: target.btfId, id: env.newId() }),
      );
      return;
    case BPF_STX: {
      const register = env.register(value);
      if (isNull(register)) markPrecise(env, value);
      else matchKptr(env, field, target, register, value);
      return;
    }
    case BPF_ST:
      if (insn.imm !== 0) throw env.reject('kptr', 'EACCES', `BPF_ST imm must be 0 when storing to kptr at off=${field.offset}`);
      return;
    default:
      throw env.reject('kptr', 'EACCES', 'kptr in map can only be accessed using BPF_LDX/BPF_STX/BPF_ST');
  }
}

/** The pointer in `register` may be kept in this kptr. */
export function matchKptr(
  env: VerifierEnvironment,
  field: SpecialField,
  target: ReturnType<typeof kptrTarget>,
  register: Register,
  regno: number,
): void {
  const wanted = target.btf.type(target.btfId)?.name ?? '';
  const own = register.btf?.type(register.btfId)?.name ?? '';
  const refuse = () =>
    env.reject(
      'kptr',
      'EACCES',
      `invalid kptr access, R${regno} type=${typeName(register.type)}${baseType(register.type) === PTR_TO_BTF_ID ? own : ''} expected=ptr_${wanted}${field.kind === 'kptr_untrusted' ? ` or untrusted_ptr_${wanted}` : ''}`,
      { register: regno },
    );
  if (baseType(register.type) !== PTR_TO_BTF_ID) throw refuse();
  let allowed = PTR_MAYBE_NULL;
  if (target.kernel) {
    allowed |= PTR_TRUSTED | MEM_RCU;
    if (field.kind === 'kptr_untrusted') allowed |= PTR_UNTRUSTED;
  } else {
    allowed |= MEM_ALLOC;
    if (field.kind === 'percpu_kptr') allowed |= MEM_PERCPU;
  }
  if (typeFlags(register.type) & ~allowed) throw refuse();
  // A pointer into the object is not a pointer to it, and what is released later must be the whole.
  if (register.off !== 0 || register.scalar.mask !== 0n || register.scalar.value !== 0n) throw refuse();
  if (own !== wanted) throw refuse();
}
