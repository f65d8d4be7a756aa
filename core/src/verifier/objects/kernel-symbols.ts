// Kernel variables and functions that a program names (__ksym): what the loaded address may be used for.

import { resolve, sizeOf } from '#core/btf';
import type { Insn } from '#core/isa';
import type { VerifierEnvironment } from '../state/environment.ts';
import {
  MEM_PERCPU,
  MEM_RDONLY,
  pointerRegister,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  type Register,
  scalarRegister,
  unknownRegister,
} from '../state/registers.ts';
import { ZERO } from '../numbers/scalar.ts';

/** The symbol that an ld_imm64 with src BPF_PSEUDO_BTF_ID names. */
export function symbolName(env: VerifierEnvironment, insn: Insn): string | undefined {
  const name = (env.program as { ksyms?: readonly (string | { name: string })[] }).ksyms?.[insn.imm];
  return typeof name === 'string' ? name : name?.name;
}

export function kernelSymbol(env: VerifierEnvironment, insn: Insn): Register {
  const symbol = symbolName(env, insn);
  const btf = env.options.kernelBtf;
  if (!btf || symbol === undefined) return unknownRegister();
  const id = btf.find(symbol, 'var') ?? btf.find(symbol, 'func');
  const type = id === undefined ? undefined : btf.type(id);
  if (type?.kind === 'func') return pointerRegister(PTR_TO_MEM | MEM_RDONLY, { memSize: 0 });
  if (type?.kind !== 'var') {
    // A weak symbol that the kernel does not have is NULL.
    return scalarRegister(ZERO);
  }
  const percpu = btf.find('.data..percpu', 'datasec');
  const section = percpu === undefined ? undefined : btf.type(percpu);
  const isPercpu = section?.kind === 'datasec' && section.variables.some((variable) => variable.type === id);
  const pointee = resolve(btf, type.type);
  if (isPercpu) return pointerRegister(PTR_TO_BTF_ID | MEM_PERCPU, { btf, btfId: pointee?.id ?? 0 });
  if (pointee?.kind !== 'struct') return pointerRegister(PTR_TO_MEM | MEM_RDONLY, { memSize: sizeOf(btf, type.type) ?? 0 });
  return pointerRegister(PTR_TO_BTF_ID, { btf, btfId: pointee.id });
}
